//! Laboratory values, vital signs and scores in running text: item, value and unit in one span (GUIDELINES, lab_value).
//! Items and words are data (`patterns/clinical/`); this file weighs what stands around an item and its value.
//! Must not know: delimited tables and structured text (`layout` reads those), who the person is.

pub(crate) mod items;
pub(crate) mod value;
mod words;

use std::borrow::Cow;
use std::ops::Range;

use items::{Alias, Hit, Item, Items};
use value::{Shape, Value, arrow, blanks, byte, comparator, number, peek, unit};
use words::{Lists, Vocabulary};

use crate::detect::engine::{Candidate, Engine, Output, Signal, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::{Class, Kind};

/// What a value must weigh to count.
const ACCEPT: f32 = 0.6;

/// The engine of laboratory values.
pub struct Lab {
    items: &'static Items,
    words: Vocabulary,
    rule: RuleId,
    later_rule: RuleId,
    signal: RuleId,
}

/// An item with a value, not yet judged.
struct Raw {
    start: usize,
    value: Value,
    score: f32,
    weak: bool,
    /// The item's name or unit leaves no doubt.
    firm: bool,
    item: usize,
    /// Two ASCII letters or more: rarely a word.
    abbreviation: bool,
    evidence: Vec<Evidence>,
}

impl Lab {
    /// The engine with the embedded items and words.
    #[must_use]
    pub fn shipped() -> Self {
        let lists = Lists::shipped();
        let items = items::shared();
        let units: Vec<String> = items.rows.iter().flat_map(|row| row.units.iter().cloned()).collect();
        let words = Vocabulary::new(lists, units.into_iter());
        Self {
            items,
            words,
            rule: RuleId::new("lab.value"),
            later_rule: RuleId::new("lab.later_value"),
            signal: RuleId::new("passage.chart.lab_values"),
        }
    }

    /// All items of `text` that have a value, in order.
    fn raws(&self, text: &str) -> Vec<Raw> {
        let hits = self.items.hits(text);
        let mut out: Vec<Raw> = Vec::new();
        let mut done = 0;
        let mut index = 0;
        while let Some(&hit) = hits.get(index) {
            let (group, end) = group(text, &hits, index);
            index += 1;
            if hit.start < done || (hit.start > 0 && byte(text, hit.start - 1).is_ascii_digit() && done != hit.start) {
                continue;
            }
            let Some(last) = hits.get(index + group - 2).copied() else { continue };
            let Some(alias) = self.items.alias(if group > 1 { last } else { hit }) else { continue };
            let next = hits.get(index + group - 1).map(|hit| hit.start);
            let Some((value, described)) = self.value_after(text, alias, end, group, next) else { continue };
            if let Some(raw) = self.weigh(text, hit, alias, value, group, described) {
                done = raw.value.range.end;
                index += group - 1;
                out.push(raw);
            }
        }
        out
    }

    /// The value that follows an item ending at `end`; true when a describing word stood between.
    fn value_after(
        &self,
        text: &str,
        alias: &Alias,
        end: usize,
        group: usize,
        next: Option<usize>,
    ) -> Option<(Value, bool)> {
        let rows: Vec<&Item> = alias.rows.iter().filter_map(|&row| self.items.rows.get(row)).collect();
        let vital = rows.iter().any(|row| row.vital);
        let mut at = end;
        let mut described = false;
        for step in 0..5 {
            let here = blanks(text, at, 24);
            if let Some(value) = self.value_at(text, here, &rows, alias, group, here == end || step > 0, next) {
                return Some((value, described));
            }
            let letter = peek(text, here)?;
            if letter == '(' {
                let close = here + text.get(here..)?.find(')').filter(|&close| close <= 40)?;
                let inner = text.get(here + 1..close)?;
                if inner.contains('\n') {
                    return None;
                }
                // `血糖(朝142、昼186)`: the values stand in the brackets.
                if let Some((time, _)) = self.words.times.at(text, here + 1)
                    && let Some(value) = self.value_at(text, blanks(text, time, 1), &rows, alias, group, false, next)
                {
                    return Some((value, described));
                }
                at = close + 1;
                continue;
            }
            let joined = self
                .words
                .joiners
                .at(text, here)
                .or_else(|| self.words.times.at(text, here))
                .or_else(|| vital.then(|| self.words.vital_joiners.at(text, here)).flatten())
                .filter(|&(joined, _)| whole_word(text, here, joined));
            if let Some((joined, _)) = joined {
                at = joined;
                continue;
            }
            // A describing word: `ドレーン漿液性85ml`, `ROM 肩屈曲 110°`.
            let word = describing(text, here);
            let group_word = text.get(here..word).is_some_and(|word| word.contains("平均"));
            if described || word == here || group_word {
                return None;
            }
            described = true;
            at = word;
        }
        None
    }

    fn value_at(
        &self,
        text: &str,
        at: usize,
        rows: &[&Item],
        alias: &Alias,
        group: usize,
        close: bool,
        next: Option<usize>,
    ) -> Option<Value> {
        if rows.iter().any(|row| row.qualitative)
            && let Some(end) = self.word_result(text, at, close)
        {
            return Some(plain(at..end, Shape::Word));
        }
        if alias.text.starts_with("血液型") || alias.text.starts_with("ABO") {
            return value::blood_group(text, at).map(|end| plain(at..end, Shape::Word));
        }
        if rows.iter().any(|row| row.vital || row.score)
            && let Some(value) = value::kanji_value(text, at)
        {
            return Some(value);
        }
        if let Some(value) = self.sides(text, at, rows) {
            return Some(value);
        }
        if rows.iter().any(|row| row.score)
            && let Some(end) = value::code(text, at)
        {
            // A total behind the code belongs to it: `D3-e3s8i1g3n3p0 18点`.
            let from = blanks(text, end, 1);
            let total = number(text, from)
                .and_then(|total| unit(&self.words.units, text, total.end, 0))
                .filter(|(_, spelled)| spelled == "点")
                .map(|(end, _)| end);
            return Some(plain(at..total.unwrap_or(end), Shape::Code));
        }
        self.number_value(text, at, rows, group, next)
    }

    /// `(-)`, `2+`, `陽性`; a bare sign only straight behind the item.
    fn word_result(&self, text: &str, at: usize, close: bool) -> Option<usize> {
        // `1日目(+)2日目(-)`.
        let mut day_end = None;
        let mut here = at;
        while let Some(day) = number(text, here)
            .filter(|day| text.get(day.end..).is_some_and(|rest| rest.starts_with("日目") || rest.starts_with("回目")))
        {
            let Some((end, _)) = self.words.qualitative.at(text, blanks(text, day.end + "日目".len(), 1)) else {
                break;
            };
            day_end = Some(end);
            here = blanks(text, end, 1);
        }
        if day_end.is_some() {
            return day_end;
        }
        let found = self
            .words
            .qualitative
            .at(text, at)
            .or_else(|| close.then(|| self.words.signs.at(text, at)).flatten())
            .map(|(end, _)| end)
            .filter(|&end| {
                let last = byte(text, end - 1);
                let next = byte(text, end);
                !(last.is_ascii_alphabetic() && next.is_ascii_alphabetic())
                    && !(matches!(last, b'+' | b'-') && next.is_ascii_alphanumeric() && !next.is_ascii_uppercase())
                    && !(matches!(last, b'+' | b'-') && next.is_ascii_digit())
            });
        found
    }

    /// `R 18 L 23`, `右 0.8 左 1.2`, `上肢IV 手指III 下肢V`: two sides at least, or one side whose value is a code.
    fn sides(&self, text: &str, at: usize, rows: &[&Item]) -> Option<Value> {
        let (mut here, mut end, mut seen) = (at, at, 0);
        let mut first = None;
        while let Some((side, _)) = self.words.sides.at(text, here) {
            let from = blanks(text, if byte(text, side) == b':' { side + 1 } else { side }, 1);
            if let Some(found) = number(text, from) {
                first.get_or_insert(found.value);
                end = unit(&self.words.units, text, found.end, 0).map_or(found.end, |(end, _)| end);
            } else if let Some(code) = value::code(text, from).filter(|_| rows.iter().any(|row| row.score)) {
                end = code;
            } else {
                break;
            }
            if byte(text, end) == b'('
                && let Some(corrected) = number(text, end + 1).filter(|found| byte(text, found.end) == b')')
            {
                end = corrected.end + 1;
            }
            seen += 1;
            let separated = byte(text, end) == b'/' || byte(text, end) == b',';
            here = blanks(text, if separated { end + 1 } else { end }, 2);
        }
        // Frequencies and levels in turn: `1000Hz 25dB 4000Hz 45dB`.
        if seen == 0 {
            let mut here = at;
            while let Some(tone) = number(text, here) {
                let Some((hz, _)) = unit(&self.words.units, text, tone.end, 0).filter(|(_, unit)| unit == "hz") else {
                    break;
                };
                let level = number(text, blanks(text, hz, 1))?;
                end = unit(&self.words.units, text, level.end, 0).map_or(level.end, |(end, _)| end);
                seen += 2;
                here = blanks(text, end, 2);
            }
        }
        // Minutes and points in turn: `1分8点/5分9点`.
        if seen == 0 {
            let mut here = at;
            while let Some(minute) =
                number(text, here).filter(|found| text.get(found.end..).is_some_and(|rest| rest.starts_with('分')))
            {
                let from = minute.end + '分'.len_utf8();
                let from = blanks(text, if matches!(byte(text, from), b':' | b'=') { from + 1 } else { from }, 1);
                let Some(points) = number(text, from) else { break };
                end = if text.get(points.end..).is_some_and(|rest| rest.starts_with('点')) {
                    points.end + '点'.len_utf8()
                } else {
                    points.end
                };
                seen += 2;
                let separator = peek(text, end).filter(|letter| matches!(letter, '/' | ',' | '、' | '・'));
                here = blanks(text, end + separator.map_or(0, char::len_utf8), 1);
            }
        }
        (seen >= 2 && end > at).then(|| Value { first: first.unwrap_or(f64::NAN), ..plain(at..end, Shape::Slashes(2)) })
    }

    fn number_value(&self, text: &str, at: usize, rows: &[&Item], group: usize, next: Option<usize>) -> Option<Value> {
        let bracket = byte(text, at) == b'(' && byte(text, at + 1).is_ascii_digit();
        let from = if bracket { at + 1 } else { at };
        let signed = matches!(byte(text, from), b'-' | b'+') && byte(text, from + 1).is_ascii_digit();
        let titre = rows.iter().any(|row| row.units.iter().any(|unit| matches!(unit.as_str(), "倍" | "×")));
        let by = (titre && (byte(text, from) == b'x' || peek(text, from) == Some('×')))
            .then(|| from + peek(text, from).map_or(1, char::len_utf8));
        let digits = by.unwrap_or_else(|| comparator(text, from) + usize::from(signed));
        let digits = blanks(text, digits, usize::from(digits > from));
        let compared = by.is_none() && comparator(text, from) > from;
        let first = number(text, digits)?;
        let negative = signed && byte(text, from) == b'-';
        let mut value = Value {
            range: from..first.end,
            first: if negative { -first.value } else { first.value },
            decimals: first.decimals,
            unit: None,
            compared,
            shape: Shape::Number,
            numbers: 1,
        };
        self.tail(
            text,
            &mut value,
            first.end,
            group > 1 || rows.iter().any(|row| row.vital || row.score || row.high < 100.0),
            rows,
        );
        if bracket && byte(text, value.range.end) != b')' {
            return None;
        }
        self.ends_well(text, &value, rows, next).then_some(value)
    }

    /// What belongs to a number behind it: unit, slashes, a span, a trend, a correction in brackets.
    fn tail(&self, text: &str, value: &mut Value, mut end: usize, slashes: bool, rows: &[&Item]) {
        let units = &self.words.units;
        let one = |from: usize| -> Option<(usize, Option<String>)> {
            let found = number(text, comparator(text, from))?;
            Some(match unit(units, text, found.end, 1) {
                Some((end, spelled)) => (end, Some(spelled)),
                None => (found.end, None),
            })
        };
        for _ in 0..24 {
            if let Some((unit_end, spelled)) = unit(units, text, end, 8).filter(|_| value.unit.is_none()) {
                // A unit never swallows the next slash of a pair (`/10` behind `6` is one).
                end = unit_end;
                value.unit = Some(spelled);
                continue;
            }
            let here = peek(text, end);
            if here == Some('/') && slashes && byte(text, end + 1).is_ascii_digit() {
                let Some((next, spelled)) = one(end + 1) else { break };
                value.numbers = value.numbers.saturating_add(1);
                value.shape = match value.shape {
                    Shape::Slashes(count) => Shape::Slashes(count.saturating_add(1)),
                    Shape::Span => Shape::Span,
                    _ => Shape::Slashes(1),
                };
                value.unit = spelled.or(value.unit.take());
                end = next;
                continue;
            }
            let spoken = here == Some('の') && value.numbers == 1 && rows.iter().any(|row| row.vital);
            if spoken
                && byte(text, end + 'の'.len_utf8()).is_ascii_digit()
                && let Some(next) = one(end + 'の'.len_utf8())
            {
                value.numbers = 2;
                value.shape = Shape::Slashes(1);
                value.unit = next.1.or(value.unit.take());
                end = next.0;
                continue;
            }
            if matches!(here, Some('-' | '~')) && byte(text, end + 1).is_ascii_digit() {
                let Some((next, spelled)) = one(end + 1) else { break };
                value.shape = Shape::Span;
                value.unit = spelled.or(value.unit.take());
                end = next;
                continue;
            }
            let over = blanks(text, end, 1);
            if let Some(next) = arrow(text, over).and_then(|end| one(blanks(text, end, 1)))
                // `48→50%糖`: what follows the arrow is something else.
                && next.1.as_ref().is_none_or(|unit| value.unit.as_ref() == Some(unit) || rows.iter().any(|row| own_unit(unit, row)))
            {
                value.shape = Shape::Trend;
                value.unit = next.1.or(value.unit.take());
                end = next.0;
                continue;
            }
            if here == Some('(')
                && let Some(close) = text.get(end..).and_then(|rest| rest.find(')')).filter(|&close| close <= 40)
                && text
                    .get(end..end + close)
                    .is_some_and(|inner| inner.contains(['×', 'x']) && inner.contains(['D', 'S']))
            {
                end += close + 1;
            }
            break;
        }
        value.range.end = end;
    }

    /// Nothing behind the value says that it is a date, a version, a count, a code.
    fn ends_well(&self, text: &str, value: &Value, rows: &[&Item], next: Option<usize>) -> bool {
        let end = value.range.end;
        let after = peek(text, end);
        if matches!(after, Some('±')) || text.get(end..).is_some_and(|rest| rest.starts_with(" ±")) {
            return false;
        }
        let digit_follows = byte(text, end + 1).is_ascii_digit();
        if matches!(after, Some('.' | ':' | '/')) && digit_follows && next != Some(end + 1) {
            return false;
        }
        let number_end = value.range.start
            + text
                .get(value.range.clone())
                .map_or(0, |seen| seen.trim_end_matches(|letter: char| !letter.is_ascii_digit()).len());
        let counted = self
            .words
            .counters
            .at(text, number_end)
            .or_else(|| value.unit.is_none().then(|| self.words.counters.at(text, blanks(text, end, 1))).flatten());
        if counted.is_some_and(|(counter, _)| counter > end) {
            return false;
        }
        if value.unit.is_none()
            && let Some(letter) = after.filter(char::is_ascii_alphabetic)
        {
            let beyond = byte(text, end + 1);
            let flag = matches!(letter, 'H' | 'L' | 'N') && !beyond.is_ascii_alphanumeric();
            let step = matches!(letter, 'a' | 'b' | 'c')
                && !beyond.is_ascii_alphanumeric()
                && rows.iter().any(|row| row.score);
            return flag || step || next == Some(end);
        }
        true
    }

    /// Give an item and its value a weight, or refuse them.
    fn weigh(
        &self,
        text: &str,
        hit: Hit,
        alias: &Alias,
        mut value: Value,
        group: usize,
        described: bool,
    ) -> Option<Raw> {
        if byte(text, value.range.end).is_ascii_lowercase()
            && value.unit.is_none()
            && value.shape != Shape::Word
            && value.shape != Shape::Code
        {
            value.range.end += 1; // the step of a test (`3b`)
        }
        let regular = alias.rows.iter().any(|&row| self.items.rows.get(row).is_some_and(|row| row.vital));
        if regular && value.unit.is_none() && peek(text, value.range.end) == Some('整') {
            value.range.end += '整'.len_utf8();
        }
        let sentence = sentence_before(text, hit.start);
        let near = tail_of(sentence, 40);
        let between = text.get(hit.end..value.range.start).unwrap_or("");
        if self.words.before_near.any(near)
            || self.words.before_near.any(between)
            || self.words.before_sentence.any(sentence)
        {
            return None;
        }
        if self.threshold_after(text, value.range.end)
            || (value.compared && self.words.before_near.any(sentence_after(text, value.range.end)))
        {
            return None;
        }
        let attached = value.range.start == hit.end;
        let mut best: Option<(f32, usize, bool, Vec<Evidence>)> = None;
        for &number in &alias.rows {
            let Some(item) = self.items.rows.get(number) else { continue };
            let (score, fits, evidence) = weight(item, alias, &value, group, described, attached);
            if best.as_ref().is_none_or(|(top, ..)| score > *top) {
                best = Some((score, number, fits, evidence));
            }
        }
        let (score, item, fits, evidence) = best?;
        (score > -0.2).then(|| Raw {
            start: self.item_start(text, hit, alias),
            firm: !alias.weak || fits || value.shape == Shape::Word,
            weak: alias.weak,
            abbreviation: alias.text.len() >= 2 && alias.text.is_ascii() && !described,
            value,
            score,
            item,
            evidence,
        })
    }

    /// `COVID抗原`, `S. Typhi antigen`: what an assay looks for belongs to the item.
    fn item_start(&self, text: &str, hit: Hit, alias: &Alias) -> usize {
        if alias.text == "MIC" {
            let head = text.get(..hit.start).unwrap_or("").trim_end_matches(' ');
            let drug =
                head.len() - head.trim_end_matches(|letter: char| letter.is_ascii_uppercase() || letter == '/').len();
            return if (2..=9).contains(&drug) { head.len() - drug } else { hit.start };
        }
        if !self.words.assay_endings.contains(&alias.text) {
            return hit.start;
        }
        let head = text.get(..hit.start).unwrap_or("");
        let mut start = hit.start;
        for (at, letter) in head.char_indices().rev().take(16) {
            let belongs =
                letter.is_ascii_alphanumeric() || matches!(letter, '-' | 'ァ'..='ヺ' | 'ー') || items::kanji(letter);
            if !belongs {
                break;
            }
            start = at;
        }
        start
    }

    fn threshold_after(&self, text: &str, end: usize) -> bool {
        let stands = |at: usize| self.words.after_threshold.at(text, at).is_some();
        if stands(end) || stands(blanks(text, end, 1)) {
            return true;
        }
        byte(text, end) == b'('
            && text
                .get(end..)
                .and_then(|rest| rest.find(')'))
                .filter(|&close| close <= 40)
                .is_some_and(|close| stands(end + close + 1))
    }

    /// Values of the same item that follow without its name: after a bracket or arrow, or `(前回7.1)`.
    fn later_values(&self, text: &str, raw: &Raw) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let Some(item) = self.items.rows.get(raw.item) else { return out };
        let mut end = raw.value.range.end;
        for _ in 0..12 {
            let here = blanks(text, end, 2);
            let next = match raw.value.shape {
                Shape::Word => self.next_strain(text, here),
                _ => self
                    .in_brackets(text, here, item, raw)
                    .or_else(|| self.after_arrow(text, here, item, raw))
                    .or_else(|| self.after_word(text, here, item, raw))
                    .or_else(|| self.other_side(text, here, item, raw)),
            };
            let Some(range) = next else { break };
            end = range.end;
            if byte(text, end) == b')' {
                end += 1;
            }
            out.push(range);
        }
        out
    }

    /// `インフルA(-) B(+)`, `A陽性、B陰性`: another type, another result.
    fn next_strain(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let separator = peek(text, at).filter(|letter| matches!(letter, ',' | '、' | '/' | '・'));
        let at = blanks(text, at + separator.map_or(0, char::len_utf8), 1);
        let strain = byte(text, at).is_ascii_uppercase() && !byte(text, at + 1).is_ascii_alphanumeric();
        let from = if text.get(at + 1..).is_some_and(|rest| rest.starts_with('型')) {
            at + 1 + '型'.len_utf8()
        } else {
            at + 1
        };
        strain.then(|| self.word_result(text, from, false)).flatten().map(|end| at..end)
    }

    /// A number of the item's size whose unit, if any, is the item's.
    fn same_item(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let signed = usize::from(matches!(byte(text, at), b'-' | b'+'));
        let first = number(text, at + signed)?;
        let mut value = Value {
            range: at..first.end,
            first: first.value,
            decimals: first.decimals,
            unit: None,
            compared: false,
            shape: Shape::Number,
            numbers: 1,
        };
        self.tail(text, &mut value, first.end, matches!(raw.value.shape, Shape::Slashes(_)), &[item]);
        let fits = value.unit.as_ref().is_none_or(|unit| {
            item.units.contains(unit) || raw.value.unit.as_ref() == Some(unit) || (signed == 1 && unit.contains('/'))
        });
        let sized = value.first >= item.low.max(0.0) * 0.2 && value.first <= item.high * 1.5
            || raw.value.first.is_nan()
            || (value.first / raw.value.first.abs().max(0.01) > 0.1
                && value.first / raw.value.first.abs().max(0.01) < 10.0);
        let same_shape = matches!(raw.value.shape, Shape::Slashes(_)) == matches!(value.shape, Shape::Slashes(_))
            || raw.value.shape == Shape::Span;
        let rows = [item];
        (fits
            && sized
            && same_shape
            && value.shape != Shape::Span
            && self.ends_well(text, &value, &rows, None)
            && !self.threshold_after(text, value.range.end))
        .then_some(value.range)
    }

    fn in_brackets(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        if byte(text, at) != b'(' {
            return None;
        }
        let inner = at + 1;
        let word = self.words.previous.at(text, inner).map(|(end, _)| end);
        let from = blanks(text, word.map_or(inner, |end| if byte(text, end) == b':' { end + 1 } else { end }), 1);
        let range = self.same_item(text, from, item, raw)?;
        let signed = matches!(byte(text, from), b'-' | b'+');
        let later = self.words.later.at(text, range.end).is_some();
        let close = byte(text, range.end) == b')';
        ((word.is_some() && (close || later || matches!(byte(text, range.end), b',' | b' ')))
            || later
            || (signed && close))
            .then_some(range)
    }

    /// `MD -4.2dB(R) -11.8dB(L)`: the other side, with its unit.
    fn other_side(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let side = text.get(at..)?.strip_prefix('(')?;
        let close = side.find(')').filter(|&close| close <= 6)?;
        self.words.sides.at(text, at + 1).filter(|&(end, _)| end == at + 1 + close)?;
        raw.value.unit.as_ref()?;
        let from = blanks(text, at + close + 2, 2);
        let range = self.same_item(text, from, item, raw)?;
        (range.end > from + 1 && byte(text, range.end) == b'(').then_some(range)
    }

    /// `… (5/1) → 6.85`, `→術翌日7.9`, `→リザーバー10Lで95%`.
    fn after_arrow(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let mut here = at;
        if byte(text, here) == b'(' {
            let close = text.get(here..)?.find(')').filter(|&close| close <= 30)?;
            here = blanks(text, here + close + 1, 2);
        }
        let mut from = arrow(text, here)?;
        let limit = from + 60;
        while from < limit {
            let letter = peek(text, from)?;
            if matches!(letter, '\n' | '。' | '、' | '\t' | '|') {
                return None;
            }
            let digit = byte(text, from).is_ascii_digit();
            if digit
                && !text
                    .get(..from)?
                    .ends_with(|before: char| before.is_ascii_alphanumeric() || matches!(before, '.' | '/' | '×' | '-'))
            {
                if let Some(range) = self.same_item(text, from, item, raw) {
                    return Some(range);
                }
                while byte(text, from).is_ascii_digit() || matches!(byte(text, from), b'.' | b'/' | b',') {
                    from += 1;
                }
                continue;
            }
            from += letter.len_utf8();
        }
        None
    }

    /// `, repeat 142/90`, `、再検7.9`; `on 04/06, 8.8 on 04/09`; `から48kg`, ` to 82.4 kg`.
    fn after_word(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let rest = text.get(at..)?;
        if let Some(joined) = ["から", "to ", "and now ", "now "].into_iter().find(|word| rest.starts_with(word)) {
            return self.same_item(text, at + joined.len(), item, raw).filter(|_| raw.value.unit.is_some());
        }
        if let Some(dated) = rest.strip_prefix("on ") {
            let date = dated.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '/' | '-')))?;
            let behind = at + 3 + date;
            let from = blanks(text, if byte(text, behind) == b',' { behind + 1 } else { behind }, 1);
            let range = self.same_item(text, from, item, raw)?;
            return (date > 2 && text.get(range.end..)?.starts_with(" on ")).then_some(range);
        }
        if let Some((word, _)) = self.words.times.at(text, at) {
            return self.same_item(text, if byte(text, word) == b':' { word + 1 } else { word }, item, raw);
        }
        let separated = rest.strip_prefix([',', '、', ';', '/']).map(|tail| tail.trim_start_matches(' '))?;
        let from = text.len() - separated.len();
        let (word, _) = self.words.previous.at(text, from).or_else(|| self.words.times.at(text, from))?;
        self.same_item(text, blanks(text, word, 1), item, raw)
    }

    /// `E3VTM5` without the word GCS.
    fn coma_codes(&self, text: &str, out: &mut Vec<Range<usize>>) {
        for at in memchr::memchr_iter(b'E', text.as_bytes()) {
            let clear = at == 0 || !byte(text, at - 1).is_ascii_alphanumeric();
            let shaped = matches!(byte(text, at + 1), b'1'..=b'4' | b'T' | b'N') && byte(text, at + 2) == b'V';
            if clear
                && shaped
                && let Some(end) = value::code(text, at)
            {
                out.push(at..end);
            }
        }
    }
}

impl Engine for Lab {
    fn name(&self) -> &'static str {
        "lab"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64)?;
        let mut raws = self.raws(text);
        if raws.is_empty() && !text.contains("V") {
            return Ok(());
        }
        if self.words.teaching.any(text) {
            return Ok(());
        }
        let care = self.words.care.any(text);
        let firm: Vec<usize> = raws.iter().filter(|raw| raw.firm && raw.score >= 0.5).map(|raw| raw.start).collect();
        let mut counted = 0;
        for raw in &mut raws {
            let near = firm.iter().filter(|&&start| start != raw.start && start.abs_diff(raw.start) <= 160).count();
            let mut score = raw.score
                + match near {
                    0 => 0.0,
                    1 => 0.25,
                    _ => 0.35,
                };
            if near > 0 {
                raw.evidence.push(Evidence::new("another item beside it", if near > 1 { 0.35 } else { 0.25 }));
            }
            if care {
                if raw.weak && raw.abbreviation {
                    score += 0.1;
                }
                score += 0.15;
                raw.evidence.push(Evidence::new("a person under care", 0.15));
            }
            raw.score = score;
        }
        for raw in raws.iter().filter(|raw| raw.score >= ACCEPT) {
            counted += usize::from(!raw.weak || raw.firm);
            let confidence = (0.6 + (raw.score - ACCEPT) * 0.5).clamp(0.6, 0.98);
            out.candidates.push(self.candidate(
                raw.start..raw.value.range.end,
                &raw.value.range,
                confidence,
                raw.evidence.clone(),
                false,
            ));
            for range in self.later_values(text, raw) {
                let evidence = vec![Evidence::new("a further value of the item before it", confidence)];
                out.candidates.push(self.candidate(range.clone(), &range, confidence, evidence, true));
            }
        }
        let mut codes = Vec::new();
        self.coma_codes(text, &mut codes);
        for range in codes {
            let before = sentence_before(text, range.start);
            if out.candidates.iter().any(|known| known.range.start < range.end && range.start < known.range.end) {
                continue;
            }
            let equation = text.get(range.end..).is_some_and(|rest| rest.starts_with(" =") || rest.starts_with('='));
            if !equation && !self.words.before_sentence.any(before) && !self.words.before_near.any(tail_of(before, 40))
            {
                let evidence = vec![Evidence::new("code of a coma scale", 0.9)];
                out.candidates.push(self.candidate(range.clone(), &range, 0.9, evidence, false));
            }
        }
        if counted >= 1 {
            let start = raws.first().map_or(0, |raw| raw.start);
            let end = raws.last().map_or(start, |raw| raw.value.range.end);
            out.signals.push(Signal {
                range: start..end,
                class: Class::ChartText,
                weight: [0.0, 1.0, 2.0].get(counted).copied().unwrap_or(2.5),
                marked: false,
                rule: self.signal.clone(),
            });
        }
        Ok(())
    }
}

impl Lab {
    fn candidate(
        &self,
        range: Range<usize>,
        value: &Range<usize>,
        confidence: f32,
        evidence: Vec<Evidence>,
        later: bool,
    ) -> Candidate {
        Candidate {
            range,
            kind: Kind::LabValue,
            subtype: None,
            confidence,
            rule: if later { self.later_rule.clone() } else { self.rule.clone() },
            evidence,
            role: None,
            proven: false,
            value: Some(value.clone()),
        }
    }
}

/// Items joined by slashes from `index` on (`Na/K/Cl`): how many, and where the last ends.
fn group(text: &str, hits: &[Hit], index: usize) -> (usize, usize) {
    let mut end = hits.get(index).map_or(0, |hit| hit.end);
    let mut count = 1;
    while let Some(next) = hits.get(index + count) {
        let joined = next.start == end + 1 && matches!(byte(text, end), b'/' | b',')
            || text.get(end..next.start).is_some_and(|between| between == "・");
        if !joined {
            break;
        }
        end = next.end;
        count += 1;
    }
    (count, end)
}

/// How well one row takes a value: weight, whether the unit is its own, why.
fn weight(
    item: &Item,
    alias: &Alias,
    value: &Value,
    group: usize,
    described: bool,
    attached: bool,
) -> (f32, bool, Vec<Evidence>) {
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut score = 0.0;
    let mut add = |note: &'static str, weight: f32| {
        score += weight;
        evidence.push(Evidence::new(Cow::Borrowed(note), weight));
    };
    if alias.weak {
        add("name that also means something else", 0.2);
    } else {
        add("name of an item", 0.6);
    }
    let fits = value
        .unit
        .as_ref()
        .is_some_and(|unit| if described { item.units.contains(unit) } else { own_unit(unit, item) });
    let plausible = value.first.is_nan() || (item.low..=item.high).contains(&value.first);
    match (&value.unit, fits) {
        (Some(_), true) => add("unit of the item", 0.35),
        (Some(_), false) => add("unit of something else", if alias.weak { -0.6 } else { -0.35 }),
        (None, _) if described => add("no unit behind a describing word", -0.7),
        (None, _) => {}
    }
    match value.shape {
        Shape::Word => add("result in words", if alias.weak { 0.4 } else { 0.3 }),
        Shape::Code => add("code of a score", 0.35),
        Shape::Kanji => add("kanji numerals", 0.35),
        Shape::Span
            if value
                .unit
                .as_ref()
                .is_some_and(|unit| unit.contains("hpf") || unit.contains("lpf") || unit.contains("視野")) =>
        {
            add("count in a field of view", 0.2);
        }
        Shape::Span if item.vital && group == 1 => add("span of a vital sign", 0.1),
        Shape::Span => add("a range, not a value", -1.0),
        Shape::Trend => add("a trend", 0.2),
        Shape::Slashes(_) if group > 1 => {
            add("as many values as items", if usize::from(value.numbers) == group { 0.3 } else { -0.2 });
        }
        Shape::Slashes(_) => {
            add("values with slashes", if item.vital || item.score || !alias.weak { 0.15 } else { -0.2 })
        }
        Shape::Number => {}
    }
    if matches!(value.shape, Shape::Number | Shape::Trend | Shape::Slashes(_)) {
        if plausible {
            add("plausible", 0.2);
        } else if !fits {
            add("not plausible", -0.3);
        }
        if value.decimals > item.decimals + 1 {
            add("too many decimals", -0.2);
        } else if value.decimals > 0 && value.decimals == item.decimals {
            add("usual decimals", 0.1);
        }
    }
    if value.compared {
        add("compared, as thresholds are", -0.15);
    }
    // `R6` is a year of Reiwa, `T10` a vertebra.
    if attached
        && alias.text.len() == 1
        && matches!(alias.text.as_str(), "R" | "T" | "P" | "K")
        && !fits
        && value.decimals == 0
    {
        add("letter and digits in one word", if matches!(alias.text.as_str(), "R" | "T") { -0.5 } else { -0.1 });
    }
    if attached && matches!(alias.text.as_str(), "R" | "T") && !fits && value.first < 34.0 {
        add("as years of an era are written", -0.5);
    }
    (score, fits, evidence)
}

fn own_unit(unit: &String, item: &Item) -> bool {
    item.units.contains(unit) || same_unit(unit, &item.units)
}

/// `10^3/ul` and `×10^3/μl`: units that differ in spelling only.
fn same_unit(unit: &str, units: &[String]) -> bool {
    let plain = |unit: &str| -> String {
        unit.chars()
            .filter(|letter| !matches!(letter, ' ' | '×' | 'x' | '^' | '*' | '・'))
            .map(|letter| if letter == 'μ' { 'u' } else { letter })
            .collect()
    };
    let seen = plain(unit);
    units.iter().any(|other| plain(other) == seen)
        || (matches!(seen.as_str(), "k" | "万" | "万/ul" | "千/ul" | "k/ul")
            && units.iter().any(|other| other.contains("μl") || other.contains("/ul")))
        || (seen == "台" || seen == "台前半" || seen == "台後半")
        || (matches!(seen.as_str(), "/min" | "/分" | "bpm" | "回" | "回/分" | "回/min")
            && units.iter().any(|other| other.contains("min") || other.contains("/分")))
}

fn plain(range: Range<usize>, shape: Shape) -> Value {
    Value { range, first: f64::NAN, decimals: 0, unit: None, compared: false, shape, numbers: 1 }
}

/// A joiner of ASCII letters must be a word of its own.
fn whole_word(text: &str, start: usize, end: usize) -> bool {
    !(byte(text, end.saturating_sub(1)).is_ascii_alphabetic() && byte(text, end).is_ascii_alphabetic())
        && !(byte(text, start).is_ascii_alphabetic() && start > 0 && byte(text, start - 1).is_ascii_alphabetic())
}

/// Up to six letters of kanji or kana, then blanks.
fn describing(text: &str, at: usize) -> usize {
    let mut end = at;
    for letter in text.get(at..).unwrap_or("").chars().take(6) {
        if !(items::kanji(letter) || matches!(letter, 'ァ'..='ヺ' | 'ー')) {
            break;
        }
        end += letter.len_utf8();
    }
    end
}

/// The sentence up to `at`, at most 240 bytes of it.
fn sentence_before(text: &str, at: usize) -> &str {
    let head = text.get(..at).unwrap_or("");
    let head = tail_of(head, 240);
    let from = head
        .rfind(['。', '\n', '!', '?'])
        .map_or(0, |stop| stop + head.get(stop..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    head.get(from..).unwrap_or("")
}

/// The rest of the sentence, at most 90 bytes of it.
fn sentence_after(text: &str, at: usize) -> &str {
    let mut end = (at + 90).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let rest = text.get(at..end).unwrap_or("");
    rest.split(['。', '\n', '!', '?']).next().unwrap_or("")
}

/// The last `bytes` bytes of a text, from a character on.
fn tail_of(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or("")
}

#[cfg(test)]
mod tests;
