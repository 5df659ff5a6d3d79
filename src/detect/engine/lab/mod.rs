//! Laboratory values, vital signs and scores in running text: item, value and unit in one span (GUIDELINES, lab_value).
//! Items and words are data (`patterns/clinical/`); this file weighs what stands around an item and its value.
//! Must not know: delimited tables and structured text (`layout` reads those), who the person is.

pub(crate) mod items;
mod later;
mod reading;
mod value;
mod weight;
mod words;

use std::ops::Range;

use items::{Hit, Items};
use value::{Value, byte};
use weight::{sentence_before, tail_of};
use words::{Lists, Vocabulary};

use crate::detect::engine::{Candidate, Engine, Output, Signal, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::{Class, Kind};

/// What a value must weigh to count.
const ACCEPT: f32 = 0.6;

/// Items that one run of slashes joins, at most.
const MOST_JOINED: usize = 12;

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
        // A patient pasted below a question about teaching is a patient: the word speaks for its own paragraph.
        let taught = self.taught(text);
        raws.retain(|raw| !taught.iter().any(|paragraph| paragraph.contains(&raw.start)));
        let care = self.words.care.any(text);
        let firm: Vec<usize> = raws.iter().filter(|raw| raw.firm && raw.score >= 0.5).map(|raw| raw.start).collect();
        let begun = out.candidates.len();
        let mut counted = 0;
        for raw in &mut raws {
            let from = firm.partition_point(|&start| start + 160 < raw.start);
            let near = firm
                .get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|&&start| start <= raw.start + 160)
                .filter(|&&start| start != raw.start)
                .take(2)
                .count();
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
        let starts: Vec<usize> = raws.iter().map(|raw| raw.start).collect();
        for (number, raw) in raws.iter().enumerate().filter(|(_, raw)| raw.score >= ACCEPT) {
            // What follows belongs to this item up to the next one.
            let limit = starts.get(number + 1).copied().unwrap_or(text.len());
            counted += usize::from(!raw.weak || raw.firm);
            let confidence = (0.6 + (raw.score - ACCEPT) * 0.5).clamp(0.6, 0.98);
            out.candidates.push(self.candidate(
                raw.start..raw.value.range.end,
                &raw.value.range,
                confidence,
                raw.evidence.clone(),
                false,
            ));
            for range in self.later_values(text, raw).into_iter().filter(|range| range.end <= limit) {
                let evidence = vec![Evidence::new("a further value of the item before it", confidence)];
                out.candidates.push(self.candidate(range.clone(), &range, confidence, evidence, true));
            }
        }
        let mut covered: Vec<Range<usize>> =
            out.candidates.get(begun..).unwrap_or_default().iter().map(|known| known.range.clone()).collect();
        covered.sort_by_key(|range| range.start);
        let mut codes = Vec::new();
        self.coma_codes(text, &mut codes);
        for range in codes {
            if taught.iter().any(|paragraph| paragraph.contains(&range.start)) {
                continue;
            }
            let before = sentence_before(text, range.start);
            let upto = covered.partition_point(|known| known.start < range.end);
            if upto.checked_sub(1).and_then(|last| covered.get(last)).is_some_and(|known| known.end > range.start) {
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
    /// Paragraphs (between blank lines) that say themselves to be teaching material.
    fn taught(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if !self.words.teaching.any(text) {
            return found;
        }
        let mut start = 0;
        for paragraph in text.split("\n\n") {
            if self.words.teaching.any(paragraph) {
                found.push(start..start + paragraph.len());
            }
            start += paragraph.len() + 2;
        }
        found
    }

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
    while let Some(next) = hits.get(index + count).filter(|_| count < MOST_JOINED) {
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

#[cfg(test)]
mod tests;
