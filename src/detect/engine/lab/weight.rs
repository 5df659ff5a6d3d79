//! Whether an item with a value counts: its name, unit, size, and what stands around it (PHI §6, negative cues).
//! Must not know: how a value is read.

use std::borrow::Cow;

use super::items::{self, Alias, Hit, Item};
use super::value::{Shape, Value, blanks, byte, peek};
use super::{Lab, Raw};
use crate::detect::finding::Evidence;

impl Lab {
    /// Give an item and its value a weight, or refuse them.
    pub(super) fn weigh(
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

    pub(super) fn threshold_after(&self, text: &str, end: usize) -> bool {
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
            add("values with slashes", if item.vital || item.score || !alias.weak { 0.15 } else { -0.2 });
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

pub(super) fn own_unit(unit: &String, item: &Item) -> bool {
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

/// The sentence up to `at`, at most 240 bytes of it.
pub(super) fn sentence_before(text: &str, at: usize) -> &str {
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
pub(super) fn tail_of(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or("")
}
