//! What the place of a value says it is: field labels, header rows of tables, HL7, claims lines, JSON, XML, SQL, and the
//! name of the field that the whole text stands in. Names and positions are data (`patterns/layout/`).
//! Must not know: how names or numbers look elsewhere, what another engine finds.

mod cell;
mod fields;
mod structured;
mod table;

use std::ops::Range;
use std::sync::Arc;

use fields::{Column, Fields, Holds};
use structured::Placed;

use crate::detect::engine::lab::items::{self, Items};
use crate::detect::engine::{Candidate, Engine, Output, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Kind;
use crate::detect::literals::Literals;
use crate::detect::text::Text;

/// How sure a place makes.
const BY_POSITION: f32 = 0.95;
const BY_HEADER: f32 = 0.93;
const BY_LABEL: f32 = 0.92;
const BY_ALIGNMENT: f32 = 0.85;

/// The engine of layout.
pub struct Layout {
    fields: Fields,
    items: &'static Items,
    labels: Literals,
    label_rule: RuleId,
    line_rule: RuleId,
    table_rule: RuleId,
    message_rule: RuleId,
}

/// What a column holds.
enum Meaning {
    Kind(Holds),
    /// Values of one item.
    Values,
    Column(Column),
    Unknown,
}

impl Layout {
    /// The engine with the embedded names and positions.
    #[must_use]
    pub fn shipped() -> Self {
        let fields = Fields::shipped();
        let labels = Literals::new(fields.lines.iter().map(|(name, _)| name));
        Self {
            fields,
            items: items::shared(),
            labels,
            label_rule: RuleId::new("layout.field"),
            line_rule: RuleId::new("layout.label"),
            table_rule: RuleId::new("layout.table"),
            message_rule: RuleId::new("layout.message"),
        }
    }

    /// The whole text is the value of a field with a name.
    fn field(&self, text: &str, label: &str, out: &mut Output) {
        let folded = Text::new(label);
        let name = folded.folded();
        if let Some(holds) = self.fields.of(name) {
            for range in cell::stretches(text, 0..text.len(), holds, &self.fields) {
                out.candidates.push(candidate(range, holds, BY_LABEL, &self.label_rule, "name of the field"));
            }
        } else if self.items.of_cell(name).is_some_and(|alias| !alias.weak || alias.text.len() > 2) {
            let range = cell::trimmed(text, 0..text.len());
            if let Some(found) = text.get(range.clone()).and_then(cell::result) {
                let range = range.start + found.0..range.start + found.1;
                out.candidates.push(candidate(range, LAB, BY_LABEL, &self.label_rule, "name of the field"));
            }
        }
    }

    fn meaning(&self, name: &str) -> Meaning {
        let name = name.rsplit(": ").next().unwrap_or(name).trim().trim_matches('"');
        if name.is_empty() || name.chars().count() > 30 {
            return Meaning::Unknown;
        }
        if let Some(holds) = self.fields.of(name) {
            return Meaning::Kind(holds);
        }
        if let Some(column) = self.fields.column(name) {
            return Meaning::Column(column);
        }
        let unit_cut = name.split('(').next().unwrap_or(name);
        if self.items.of_cell(name).is_some() || (unit_cut.len() > 1 && self.items.of_cell(unit_cut).is_some()) {
            return Meaning::Values;
        }
        Meaning::Unknown
    }

    /// Runs of lines with the same delimiter.
    fn delimited(&self, text: &str, lines: &[Range<usize>], out: &mut Output) {
        let mut index = 0;
        while let Some(line) = lines.get(index) {
            let Some(delimiter) = table::delimiter(text, line) else {
                index += 1;
                continue;
            };
            let head = table::cut(text, line, delimiter);
            let meanings: Vec<Meaning> =
                head.cells.iter().map(|cell| self.meaning(text.get(cell.clone()).unwrap_or(""))).collect();
            let told = meanings
                .iter()
                .filter(|meaning| {
                    matches!(
                        meaning,
                        Meaning::Kind(_) | Meaning::Values | Meaning::Column(Column::Item | Column::Result)
                    )
                })
                .count();
            let slashes = delimiter == b'/' || delimiter == b';';
            if slashes && told < head.cells.len() {
                index += 1;
                continue;
            }
            let mut end = index + 1;
            while let Some(next) = lines.get(end) {
                let row = table::cut(text, next, delimiter);
                if row.cells.len() < 2 || row.cells.len() + 3 < head.cells.len() {
                    break;
                }
                end += 1;
            }
            let digits = head
                .cells
                .iter()
                .filter(|cell| {
                    text.get((*cell).clone()).is_some_and(|cell| cell.bytes().filter(u8::is_ascii_digit).count() > 3)
                })
                .count();
            let header = told >= 2 && digits == 0 && end > index + 1;
            if slashes && !header {
                index += 1;
                continue;
            }
            let has_item = meanings.iter().any(|meaning| matches!(meaning, Meaning::Column(Column::Item)));
            let mut series = false;
            for line in lines.get(index + usize::from(header)..end).unwrap_or(&[]) {
                let row = table::cut(text, line, delimiter);
                if header {
                    self.row(text, &row, &meanings, has_item, out);
                }
                if !(header && has_item) {
                    series |= self.item_row(text, &row, &meanings, out);
                    self.susceptibility(text, &row, out);
                }
            }
            if series {
                // Dates over the columns of a series are those of the samples.
                for cell in &head.cells {
                    let seen = text.get(cell.clone()).unwrap_or("");
                    let trimmed = cell::trimmed(text, cell.clone());
                    if let Some((from, to)) =
                        text.get(trimmed.clone()).and_then(cell::date).filter(|_| seen.trim().len() <= 16)
                    {
                        let holds = Holds { kind: Kind::CareDate, role: None, subtype: None };
                        let range = trimmed.start + from..trimmed.start + to;
                        out.candidates.push(candidate(
                            range,
                            holds,
                            BY_HEADER,
                            &self.table_rule,
                            "date over a column of results",
                        ));
                    }
                }
            }
            index = end.max(index + 1);
        }
    }

    /// A row below a header.
    fn row(&self, text: &str, row: &table::Row, meanings: &[Meaning], has_item: bool, out: &mut Output) {
        // The contacts of an institution are public.
        let institution = row.cells.iter().zip(meanings).any(|(cell, meaning)| {
            matches!(meaning, Meaning::Kind(holds) if holds.kind == Kind::PersonName)
                && text.get(cell.clone()).is_some_and(|cell| self.fields.is_no_person(cell))
        });
        for (cell, meaning) in row.cells.iter().zip(meanings) {
            match meaning {
                Meaning::Kind(holds)
                    if institution
                        && matches!(holds.kind, Kind::Phone | Kind::Address | Kind::PostalCode | Kind::Email) => {}
                Meaning::Kind(holds) => {
                    for range in cell::stretches(text, cell.clone(), *holds, &self.fields) {
                        out.candidates.push(candidate(
                            range,
                            *holds,
                            BY_HEADER,
                            &self.table_rule,
                            "head of the column",
                        ));
                    }
                }
                Meaning::Values => self.result(text, cell, false, out),
                Meaning::Column(Column::Result) if has_item => self.result(text, cell, true, out),
                Meaning::Column(_) | Meaning::Unknown => {}
            }
        }
    }

    /// A result cell; `named` when its column says that it is one.
    fn result(&self, text: &str, cell: &Range<usize>, named: bool, out: &mut Output) {
        let range = cell::trimmed(text, cell.clone());
        let Some(seen) = text.get(range.clone()) else { return };
        let silent = self.fields.is_empty(seen) && !matches!(seen, "-" if named);
        if seen.is_empty() || silent {
            return;
        }
        let found = cell::result(seen).or_else(|| (named && seen.chars().count() <= 24).then_some((0, seen.len())));
        if let Some((from, to)) = found {
            let range = range.start + from..range.start + to;
            out.candidates.push(candidate(range, LAB, BY_HEADER, &self.table_rule, "column of results"));
        }
    }

    /// A row that begins with an item: its numbers are results. True for a series of them.
    fn item_row(&self, text: &str, row: &table::Row, meanings: &[Meaning], out: &mut Output) -> bool {
        let Some(first) = row.cells.first().and_then(|cell| text.get(cell.clone())) else { return false };
        if self.items.of_cell(first).is_none() {
            return false;
        }
        let cells: Vec<Range<usize>> = row
            .cells
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(at, _)| !matches!(meanings.get(*at), Some(Meaning::Column(Column::Other) | Meaning::Kind(_))))
            .map(|(_, cell)| cell::trimmed(text, cell.clone()))
            .collect();
        let is_result = |cell: &Range<usize>| {
            text.get(cell.clone()).is_some_and(|cell| cell::result(cell).is_some() && !self.fields.is_empty(cell))
        };
        let results: Vec<&Range<usize>> = cells.iter().filter(|cell| is_result(cell)).collect();
        let other = cells.iter().filter(|cell| {
            let seen = text.get((*cell).clone()).unwrap_or("");
            !(seen.is_empty() || self.fields.is_empty(seen) || is_result(cell) || seen.contains(['-', '~']))
        });
        let series = results.len() >= 2 && other.count() == 0;
        let taken = if series { results.len() } else { 1 };
        for cell in results.iter().take(taken) {
            self.result(text, cell, false, out);
        }
        series
    }

    /// `ABPC R >16`: a drug, a verdict, a concentration.
    fn susceptibility(&self, text: &str, row: &table::Row, out: &mut Output) {
        let cell = |at: usize| row.cells.get(at).map(|cell| cell::trimmed(text, cell.clone()));
        let (Some(drug), Some(one), two) = (cell(0), cell(1), cell(2)) else { return };
        let seen = |range: &Range<usize>| text.get(range.clone()).unwrap_or("");
        let is_drug = (2..=10).contains(&seen(&drug).len())
            && seen(&drug).bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'/' | b'-'));
        let verdict = |range: &Range<usize>| matches!(seen(range), "S" | "I" | "R" | "SDD" | "NS");
        let level = |range: &Range<usize>| {
            let level = seen(range);
            level.bytes().any(|byte| byte.is_ascii_digit())
                && level.chars().all(|c| {
                    c.is_ascii_digit() || matches!(c, '<' | '>' | '=' | '≦' | '≧' | '≤' | '≥' | '.' | ' ' | '/')
                })
        };
        let Some(two) = two.filter(|_| is_drug) else { return };
        if (verdict(&one) && level(&two)) || (level(&one) && verdict(&two)) {
            for range in [one, two] {
                out.candidates.push(candidate(range, LAB, BY_HEADER, &self.table_rule, "row of a susceptibility test"));
            }
        }
    }

    /// Columns aligned by blanks below a line of heads.
    fn aligned(&self, text: &Text, lines: &[Range<usize>], out: &mut Output) {
        let folded = text.folded();
        let mut index = 0;
        while let Some(line) = lines.get(index) {
            index += 1;
            let blanks =
                |line: &Range<usize>| memchr::memchr_iter(b' ', folded.as_bytes().get(line.clone()).unwrap_or(&[]));
            if line.len() > 200 || lines.get(index).is_none() || blanks(line).nth(1).is_none() {
                continue;
            }
            let heads = table::words(folded, line);
            let plain = |head: &Range<usize>| {
                folded.get(head.clone()).is_some_and(|head| !head.contains([':', '=', '。', '、']))
            };
            if !(3..=16).contains(&heads.len()) || !heads.iter().all(plain) {
                continue;
            }
            let meanings: Vec<Meaning> =
                heads.iter().map(|head| self.meaning(folded.get(head.clone()).unwrap_or(""))).collect();
            let told = meanings.iter().filter(|meaning| matches!(meaning, Meaning::Kind(_) | Meaning::Values)).count();
            let numbers = heads.iter().any(|head| {
                folded.get(head.clone()).is_some_and(|head| head.starts_with(|letter: char| letter.is_ascii_digit()))
            });
            let digits = heads.iter().any(|head| {
                folded.get(head.clone()).is_some_and(|head| head.bytes().filter(u8::is_ascii_digit).count() > 2)
            });
            if told < 2 || told * 2 < heads.len() || numbers || digits {
                continue;
            }
            let starts: Vec<usize> = heads.iter().map(|head| screen_column(text, line.start, head.start)).collect();
            while let Some(line) = lines.get(index) {
                let words = table::words(folded, line);
                if words.len() < 2
                    || line.len() > 300
                    || folded.get(line.clone()).is_some_and(|line| line.starts_with('('))
                {
                    break;
                }
                for (column, cell) in self.columns(text, line, &words, &starts, heads.len()) {
                    match meanings.get(column) {
                        Some(Meaning::Kind(holds)) => {
                            for range in cell::stretches(folded, cell, *holds, &self.fields) {
                                out.candidates.push(candidate(
                                    range,
                                    *holds,
                                    BY_ALIGNMENT,
                                    &self.table_rule,
                                    "head over an aligned column",
                                ));
                            }
                        }
                        Some(Meaning::Values) => self.result(folded, &cell, false, out),
                        _ => {}
                    }
                }
                index += 1;
            }
        }
    }

    /// The words of a line by column: as many words as heads go in turn, others by where they stand on the screen.
    fn columns(
        &self,
        text: &Text,
        line: &Range<usize>,
        words: &[Range<usize>],
        starts: &[usize],
        heads: usize,
    ) -> Vec<(usize, Range<usize>)> {
        if words.len() == heads {
            return words.iter().cloned().enumerate().collect();
        }
        let mut out: Vec<(usize, Range<usize>)> = Vec::new();
        for word in words {
            let at = screen_column(text, line.start, word.start);
            let column = (0..starts.len())
                .min_by_key(|&column| starts.get(column).map_or(usize::MAX, |start| start.abs_diff(at)))
                .unwrap_or(0);
            match out.last_mut() {
                Some((last, range)) if *last == column => range.end = word.end,
                _ => out.push((column, word.clone())),
            }
        }
        out
    }

    /// `氏名：山田 太郎`, `主治医 佐藤`: names behind a label.
    fn lines(&self, text: &str, out: &mut Output) {
        for found in self.labels.find_iter(text) {
            let Some((_, holds)) = self.fields.lines.get(found.word) else { continue };
            if holds.kind != Kind::PersonName {
                continue;
            }
            let before = text.get(..found.range.start).and_then(|head| head.chars().next_back());
            let apart = before.is_none_or(|letter| !(letter.is_alphanumeric() || letter == '・'));
            if !apart {
                continue;
            }
            let Some(rest) = text.get(found.range.end..) else { continue };
            let colon = rest.trim_start_matches(' ').starts_with([':', '=']);
            let label_len = text.get(found.range.clone()).map_or(0, |label| label.chars().count());
            let blank = rest.starts_with(' ') && label_len >= 2;
            if !colon && !blank {
                continue;
            }
            let from = found.range.end + (rest.len() - rest.trim_start_matches([' ', ':', '=']).len());
            for range in self.names_at(text, from, colon) {
                out.candidates.push(candidate(
                    range,
                    *holds,
                    if colon { BY_LABEL } else { 0.8 },
                    &self.line_rule,
                    "label before it",
                ));
            }
        }
    }

    /// The name that begins at `from`: one word of four letters and more, or two words; with a reading in brackets.
    fn names_at(&self, text: &str, from: usize, colon: bool) -> Vec<Range<usize>> {
        // A name ends within a line of moderate length.
        let mut window = (from + 240).min(text.len());
        while !text.is_char_boundary(window) {
            window -= 1;
        }
        let Some(rest) = text.get(from..window) else { return Vec::new() };
        let stop = rest
            .find(['\n', '\t', '|', ',', ';', '、', '。', ':', '=', '/', '【', '「', '<', '['])
            .unwrap_or(rest.len());
        let rest = rest.get(..stop).unwrap_or("");
        let stop_at = from + rest.len();
        let head = rest.get(..rest.find(['(', ')']).unwrap_or(rest.len())).unwrap_or("");
        let mut from = from;
        let mut head = head;
        while let Some((office, rest)) =
            head.split_once(' ').filter(|(word, rest)| cell::is_office(word) && !rest.is_empty())
        {
            from += office.len() + 1;
            head = rest;
        }
        let rest = text.get(from..stop_at).unwrap_or(head);
        let mut end = 0;
        let mut taken = 0;
        let mut letters = 0;
        let latin = head.chars().next().is_some_and(|c| (c as u32) < 0x250);
        for word in head.split(' ') {
            let at = end + usize::from(taken > 0);
            let shaped = !word.is_empty()
                && word.chars().all(|c| c.is_alphabetic() || matches!(c, '・' | '.' | '\'' | '-' | '々' | '^' | 'ー'));
            let known =
                self.fields.is_empty(word) || self.fields.of(word).is_some() || self.fields.column(word).is_some();
            let most = if latin { 4 } else { 2 };
            let full = taken > 0 && !latin && letters >= 4 && !kana(head.get(..end).unwrap_or(""));
            let fits = if latin {
                word.starts_with(|c: char| c.is_uppercase())
            } else {
                taken == 0 || word.chars().count() <= 5
            };
            if !shaped || known || taken >= most || full || !fits {
                break;
            }
            end = at + word.len();
            taken += 1;
            letters += word.chars().count();
        }
        let mut out = Vec::new();
        if taken == 0 {
            return out;
        }
        if latin && !colon {
            return out;
        }
        // Without a colon the label may be a word of a sentence.
        if !colon && !latin && letters > 8 {
            return out;
        }
        if let Some(name) = cell::name(text, from..from + end, &self.fields) {
            out.push(name);
            let tail = rest.get(end..).unwrap_or("");
            let tail = tail.strip_prefix(' ').unwrap_or(tail);
            if let Some(inner) =
                tail.strip_prefix('(').and_then(|inner| inner.find(')').and_then(|close| inner.get(..close)))
                && kana(inner)
            {
                let start = from + rest.len() - tail.len() + 1;
                if let Some(reading) = cell::name(text, start..start + inner.len(), &self.fields) {
                    out.push(reading);
                }
            }
        }
        out
    }
}

const LAB: Holds = Holds { kind: Kind::LabValue, role: None, subtype: None };

impl Engine for Layout {
    fn name(&self) -> &'static str {
        "layout"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64)?;
        if let Some(label) = view.label {
            self.field(text, label, out);
        }
        let lines = table::lines(text);
        self.delimited(text, &lines, out);
        self.aligned(view.text, &lines, out);
        self.lines(text, out);
        let mut placed: Vec<Placed> = Vec::new();
        structured::hl7(text, &lines, &self.fields, &mut placed);
        structured::uke(text, &lines, &self.fields, &mut placed);
        structured::json(text, &self.fields, self.items, &mut placed);
        structured::xml(text, &self.fields, self.items, &mut placed);
        structured::sql(text, &self.fields, self.items, &mut placed);
        out.candidates.extend(
            placed
                .into_iter()
                .map(|placed| candidate(placed.range, placed.holds, BY_POSITION, &self.message_rule, placed.note)),
        );
        Ok(())
    }
}

/// The column on the screen of a byte of the folded text, counted in the text as it was written.
fn screen_column(text: &Text, line: usize, at: usize) -> usize {
    let start = text.to_original(line..line).start;
    let end = text.to_original(at..at).start;
    text.original().get(start..end).map_or(0, table::width)
}

fn kana(text: &str) -> bool {
    text.chars().all(|letter| matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '・' | ' '))
}

fn candidate(range: Range<usize>, holds: Holds, confidence: f32, rule: &RuleId, note: &'static str) -> Candidate {
    Candidate {
        value: (holds.kind == Kind::LabValue).then(|| range.clone()),
        range,
        kind: holds.kind,
        subtype: holds.subtype.map(Arc::from),
        confidence,
        rule: rule.clone(),
        evidence: vec![Evidence::new(note, confidence)],
        role: holds.role,
        proven: false,
    }
}

#[cfg(test)]
mod tests;
