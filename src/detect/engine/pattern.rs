//! The pattern engine: rules of `patterns/` over the folded text.
//! A rule runs on a line only where its label, one of its literals and the digits that it needs stand. Neighbours, labels,
//! context and check digits are judged here in code and raise or lower the score.
//! Must not know: other engines, files.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use regex_automata::{Anchored, Input};

use super::labels::{Field, Hit, Labels};
use super::needs::Needs;
use super::table::Table;
use super::triggers::Triggers;
use super::{ATOM, Candidate, Engine, Output, View};
use crate::detect::check::Outcome;
use crate::detect::finding::Evidence;
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::rule::file::{Boundary, Require, Side};
use crate::detect::rule::{Context, Rule, RuleError};
use crate::detect::text::Text;

/// Candidates below this are not worth telling.
const FLOOR: f32 = 0.05;
/// What a rule costs where it runs, against one byte of what is done for all.
const SINGLE: u64 = 2;

/// The engine with its rules.
#[derive(Debug)]
pub struct Pattern {
    rules: Vec<Prepared>,
    /// Rules that run line by line; those that need digits come last.
    lines: Vec<Way>,
    /// How many of them need none.
    without_digits: usize,
    /// Rules that can cross line breaks: over the whole text.
    whole: Vec<Way>,
    /// By rule.
    triggers: Triggers,
    labels: Labels,
}

/// What lets a rule run.
#[derive(Debug)]
struct Way {
    rule: usize,
    needs: Needs,
    /// One of its literals must stand there.
    literal: bool,
    /// One of its labels must stand there, or name the field or column.
    label: bool,
}

/// Where the labels and literals of rules were last seen, line by line.
struct Seen {
    /// By rule: the number of the line, from 1; `ALWAYS` for a label that names the field.
    label: Vec<usize>,
    literal: Vec<usize>,
}

const ALWAYS: usize = usize::MAX;

#[derive(Debug)]
struct Prepared {
    rule: Rule,
    context: Vec<(Context, AhoCorasick)>,
}

/// What is found out about one text only when a candidate asks for it.
struct Lazy<'a> {
    text: &'a str,
    field: Option<Field>,
    hits: Vec<Hit>,
    table: OnceLock<Table>,
}

impl Lazy<'_> {
    fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::of(self.text))
    }
}

impl Pattern {
    /// Prepare compiled rules.
    ///
    /// # Errors
    /// When all rules together are too large.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, RuleError> {
        let labels = Labels::new(&rules)?;
        let triggers =
            Triggers::new(rules.iter().map(|rule| rule.pattern.as_str())).map_err(|error| too_large(&error))?;
        let ways = rules.iter().enumerate().map(|(number, rule)| Way {
            rule: number,
            needs: Needs::of(&rule.pattern),
            literal: !triggers.free(number),
            label: rule.require == Some(Require::Label),
        });
        let (whole, mut lines): (Vec<Way>, Vec<Way>) =
            ways.partition(|way| rules.get(way.rule).is_some_and(|rule| rule.lines));
        lines.sort_by_key(|way| way.needs.digits());
        let without_digits = lines.partition_point(|way| !way.needs.digits());
        let mut prepared = Vec::with_capacity(rules.len());
        for rule in rules {
            let mut context = Vec::with_capacity(rule.context.len());
            for part in &rule.context {
                let words = AhoCorasickBuilder::new()
                    .ascii_case_insensitive(true)
                    .build(&part.words)
                    .map_err(|error| too_large(&error.to_string()))?;
                context.push((part.clone(), words));
            }
            prepared.push(Prepared { rule, context });
        }
        Ok(Self { rules: prepared, lines, without_digits, whole, triggers, labels })
    }

    /// Nothing seen yet but the labels that the field's name holds.
    fn named(&self, lazy: &Lazy<'_>) -> Seen {
        let mut seen = Seen { label: vec![0; self.rules.len()], literal: vec![0; self.rules.len()] };
        if let Some(field) = &lazy.field {
            for (rule, seen) in seen.label.iter_mut().enumerate() {
                if self.labels.names(field, rule).is_some() {
                    *seen = ALWAYS;
                }
            }
        }
        seen
    }

    /// Run the rules that can hit one line. A label binds from the line before at the furthest (`labels::joins`), or from
    /// the head of a column.
    fn line(
        &self,
        window: Range<usize>,
        number: usize,
        seen: &Seen,
        lazy: &Lazy<'_>,
        fuel: &mut Fuel,
        out: &mut Output,
    ) -> Result<(), DetectError> {
        let held = Needs::held(lazy.text.as_bytes().get(window.clone()).unwrap_or_default());
        let at = |seen: &[usize], rule: usize| seen.get(rule).copied().unwrap_or(0);
        let able = if held.digits() { self.lines.len() } else { self.without_digits };
        for way in self.lines.iter().take(able) {
            if held.cover(&way.needs)
                && (!way.literal || at(&seen.literal, way.rule) == number)
                && (!way.label
                    || at(&seen.label, way.rule).saturating_add(1) >= number.max(2)
                    || lazy.table().holds(window.start))
            {
                self.run(way.rule, window.clone(), lazy, fuel, out)?;
            }
        }
        Ok(())
    }

    /// Run one rule over a window.
    fn run(
        &self,
        index: usize,
        window: Range<usize>,
        lazy: &Lazy<'_>,
        fuel: &mut Fuel,
        out: &mut Output,
    ) -> Result<(), DetectError> {
        let Some(prepared) = self.rules.get(index) else { return Ok(()) };
        let rule = &prepared.rule;
        let mut at = window.start;
        fuel.burn((window.len() as u64) * SINGLE)?;
        while at < window.end {
            let Some((found, span)) = search(rule, lazy.text, at..window.end) else { break };
            let next = if edges(rule.boundary, lazy, span.clone()) {
                self.judge(index, prepared, lazy, span.clone(), out);
                found.end.max(span.end)
            } else {
                // The same place cannot match; go on behind the letter or the run of digits it began in.
                fuel.burn(found.len() as u64 + 1)?;
                skip(lazy.text, found.start)
            };
            at = next.max(at + 1);
            while !lazy.text.is_char_boundary(at) {
                at += 1;
            }
        }
        Ok(())
    }

    /// Weigh one match; write a candidate when anything speaks for it.
    fn judge(&self, index: usize, prepared: &Prepared, lazy: &Lazy<'_>, span: Range<usize>, out: &mut Output) {
        let rule = &prepared.rule;
        let Some(value) = lazy.text.get(span.clone()) else { return };
        let outcome = rule.check.map_or(Outcome::NotApplicable, |check| check(value));
        let passes = outcome == Outcome::Passes;
        if rule.require == Some(Require::Check) && !passes {
            return;
        }
        let label = self.label(rule, index, lazy, span.start);
        match rule.require {
            Some(Require::Label) if label.is_none() => return,
            Some(Require::Either) if label.is_none() && !passes => return,
            _ => {}
        }
        let mut evidence = vec![Evidence::new("base", rule.score)];
        match outcome {
            Outcome::Passes => evidence.push(Evidence::new("check passes", rule.passes)),
            Outcome::Fails => evidence.push(Evidence::new("check fails", rule.fails)),
            Outcome::NotApplicable => {}
        }
        if let Some(label) = label {
            evidence.push(Evidence::new(format!("label {}", self.labels.text(label)), rule.label_score));
        }
        for (context, words) in &prepared.context {
            let word = near(lazy.text, &span, context, words).or_else(|| {
                // In a table the line of heads speaks for every row.
                let heads = (context.add > 0.0 && !matches!(context.side, Side::After | Side::Next))
                    .then(|| lazy.table().heads(lazy.text, span.start));
                let found = words.find(heads??)?;
                context.words.get(found.pattern().as_usize()).map(String::as_str)
            });
            if let Some(word) = word {
                evidence.push(Evidence::new(format!("context {word}"), context.add));
            }
        }
        let confidence = evidence.iter().map(|reason| reason.weight).sum::<f32>().clamp(0.0, 1.0);
        if confidence < FLOOR {
            return;
        }
        out.candidates.push(Candidate {
            range: span,
            kind: rule.kind,
            subtype: rule.subtype.clone(),
            confidence,
            rule: rule.id.clone(),
            evidence,
            role: None,
            proven: passes,
            value: None,
        });
    }

    /// The label that binds a value: before it in the text, as the name of its field, or as the head of its column.
    fn label(&self, rule: &Rule, index: usize, lazy: &Lazy<'_>, at: usize) -> Option<usize> {
        if rule.labels.is_empty() {
            return None;
        }
        self.labels
            .binds(lazy.text, &lazy.hits, rule, index, at)
            .or_else(|| lazy.field.as_ref().and_then(|field| self.labels.names(field, index)))
            .or_else(|| {
                let head = lazy.table().head(lazy.text, at)?;
                self.labels.names(&Field::new(head), index)
            })
    }
}

impl Engine for Pattern {
    fn name(&self) -> &'static str {
        "pattern"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64)?;
        let lazy = Lazy {
            text,
            field: view.label.map(|label| Field::new(Text::new(label).folded())),
            hits: self.labels.scan(text, view.text.lower()),
            table: OnceLock::new(),
        };
        let mut seen = self.named(&lazy);
        let mut labels = lazy.hits.iter().peekable();
        let mut literals = self.triggers.scan(view.text.lower()).peekable();
        let (mut start, mut line) = (0, 0);
        while start < text.len() {
            let end = memchr::memchr(b'\n', text.as_bytes().get(start..).unwrap_or_default())
                .map_or(text.len(), |at| start + at);
            line += 1;
            while let Some(hit) = labels.next_if(|hit| hit.range.start < end) {
                mark(&mut seen.label, self.labels.owners(hit.label).iter().copied(), line);
            }
            while let Some((_, owners)) = literals.next_if(|(behind, _)| *behind <= end) {
                mark(&mut seen.literal, owners.iter().map(|owner| *owner as usize), line);
            }
            if end > start {
                self.line(start..end, line, &seen, &lazy, fuel, out)?;
            }
            start = end + 1;
        }
        // What is left are literals that hold the last line break.
        literals.for_each(|(_, owners)| mark(&mut seen.literal, owners.iter().map(|owner| *owner as usize), line));
        if !self.whole.is_empty() {
            let held = Needs::held(text.as_bytes());
            let last = |seen: &[usize], rule: usize| seen.get(rule).is_some_and(|line| *line > 0);
            for way in self.whole.iter().filter(|way| {
                held.cover(&way.needs)
                    && (!way.literal || last(&seen.literal, way.rule))
                    && (!way.label || last(&seen.label, way.rule) || lazy.table().any())
            }) {
                self.run(way.rule, 0..text.len(), &lazy, fuel, out)?;
            }
        }
        Ok(())
    }
}

/// Write the number of a line for rules; a label that names the field stays.
fn mark(seen: &mut [usize], rules: impl Iterator<Item = usize>, line: usize) {
    for rule in rules {
        if let Some(seen) = seen.get_mut(rule) {
            *seen = line.max(*seen);
        }
    }
}

fn too_large(message: &str) -> RuleError {
    RuleError::at(
        "patterns",
        "",
        0..0,
        format!("the rules together cannot be compiled: {message}"),
        "fewer or smaller rules",
    )
}

/// The next match in a window: the whole match and the span that counts.
fn search(rule: &Rule, text: &str, window: Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let found = rule.regex.search(&Input::new(text).range(window))?.range();
    let span = match rule.group {
        Some(group) => {
            // Groups are looked for in the match alone: most windows have none.
            let mut captures = rule.regex.create_captures();
            rule.regex.search_captures(&Input::new(text).range(found.clone()).anchored(Anchored::Yes), &mut captures);
            captures.get_group(group).map_or(found.clone(), |span| span.range())
        }
        None => found.clone(),
    };
    (!span.is_empty()).then_some((found, span))
}

/// Behind the run of ASCII letters and digits that begins at `at`, or behind its one letter.
fn skip(text: &str, at: usize) -> usize {
    let run = text.as_bytes().get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
    at + run.max(1)
}

/// May this span stand where it stands?
fn edges(boundary: Boundary, lazy: &Lazy<'_>, span: Range<usize>) -> bool {
    let bytes = lazy.text.as_bytes();
    let before = |back: usize| span.start.checked_sub(back).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let after = |on: usize| bytes.get(span.end + on).copied().unwrap_or(b' ');
    match boundary {
        Boundary::None => true,
        Boundary::Word => {
            let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            !word(before(1)) && !word(after(0))
        }
        Boundary::Number => {
            let (one, two) = (before(1), before(2));
            let (next, second) = (after(0), after(1));
            if one.is_ascii_digit() || next.is_ascii_digit() {
                return false;
            }
            if (one == b'-' && two.is_ascii_digit()) || (next == b'-' && second.is_ascii_digit()) {
                return false;
            }
            if (one == b'.' && two.is_ascii_digit()) || (next == b'.' && second.is_ascii_digit()) {
                return false;
            }
            if grouped(bytes, &span) {
                return false;
            }
            // Labels are in order and apart.
            if one.is_ascii_alphabetic() && lazy.hits.binary_search_by_key(&span.start, |hit| hit.range.end).is_err() {
                return false;
            }
            !next.is_ascii_alphabetic() || lazy.hits.binary_search_by_key(&span.end, |hit| hit.range.start).is_ok()
        }
    }
}

/// Is the span a part of `1,234,567`? A comma between cells of a table is none of that.
fn grouped(bytes: &[u8], span: &Range<usize>) -> bool {
    let digits = |range: &mut dyn Iterator<Item = usize>| {
        range.take(5).take_while(|at| bytes.get(*at).is_some_and(u8::is_ascii_digit)).count()
    };
    let before = span.start.checked_sub(1).is_some_and(|comma| {
        bytes.get(comma) == Some(&b',')
            && (1..=3).contains(&digits(&mut (0..comma).rev()))
            && digits(&mut (span.start..span.end)) == 3
    });
    let after = bytes.get(span.end) == Some(&b',')
        && digits(&mut (span.end + 1..bytes.len())) == 3
        && (1..=3).contains(&digits(&mut (span.start..span.end).rev()));
    before || after
}

/// The first of a context's words that stands near enough.
fn near<'a>(text: &str, span: &Range<usize>, context: &'a Context, words: &AhoCorasick) -> Option<&'a str> {
    let look = |window: Range<usize>| {
        let part = text.get(window.clone())?;
        words
            .find_overlapping_iter(part)
            .find(|found| {
                let word = context.words.get(found.pattern().as_usize());
                word.is_some_and(|word| apart(text, window.start + found.start(), window.start + found.end(), word))
            })
            .and_then(|found| context.words.get(found.pattern().as_usize()))
            .map(String::as_str)
    };
    // What speaks against a value stands in its line: the last heading of a table says nothing of its first row.
    let ends = |letter: char| letter == ATOM || letter == '\n' && context.add < 0.0;
    let before = || look(back(text, span.start, context.within, ends)..span.start);
    let after = || look(span.end..ahead(text, span.end, context.within, ends));
    match context.side {
        Side::Before => before(),
        Side::After => after(),
        Side::Next => next(text, span.end, &context.words),
        Side::Either => before().or_else(after),
    }
}

/// The first of these words that stands directly at `at`, or behind one blank, and does not go on as a longer word.
fn next<'a>(text: &str, at: usize, words: &'a [String]) -> Option<&'a str> {
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let start = text.len() - rest.len();
    let kanji = |letter: Option<char>| letter.is_some_and(|letter| matches!(letter, '一'..='鿿' | '々'));
    let found = words.iter().find(|word| {
        let Some(behind) = rest.strip_prefix(word.as_str()) else { return false };
        apart(text, start, start + word.len(), word)
            && !(kanji(word.chars().next_back()) && kanji(behind.chars().next()))
    });
    found.map(String::as_str)
}

/// ASCII words have edges; Japanese ones have none.
fn apart(text: &str, start: usize, end: usize, word: &str) -> bool {
    let bytes = text.as_bytes();
    let letter = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let first = word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    let last = word.as_bytes().last().is_some_and(u8::is_ascii_alphabetic);
    !(first && letter(start.checked_sub(1))) && !(last && letter(Some(end)))
}

/// `count` code points before `at`; never over a letter that ends the view, such as one of our tokens.
fn back(text: &str, at: usize, count: usize, ends: impl Fn(char) -> bool) -> usize {
    let mut start = at;
    for (place, letter) in text.get(..at).unwrap_or_default().char_indices().rev().take(count) {
        if ends(letter) {
            break;
        }
        start = place;
    }
    start
}

/// `count` code points after `at`, likewise.
fn ahead(text: &str, at: usize, count: usize, ends: impl Fn(char) -> bool) -> usize {
    let mut end = at;
    for (place, letter) in text.get(at..).unwrap_or_default().char_indices().take(count) {
        if ends(letter) {
            break;
        }
        end = at + place + letter.len_utf8();
    }
    end
}
