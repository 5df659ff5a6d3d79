//! A rule's own examples, run: what must be found, exactly there, and what must not.
//! Must not know: other rules (a rule is judged alone).

use std::ops::Range;

use super::file::{RawCounter, RawExample};
use super::{Loaded, RuleError, RuleErrors, load};
use crate::detect::document::Author;
use crate::detect::engine::pattern::Pattern;
use crate::detect::engine::{Engine, Output, View};
use crate::detect::fuel::Fuel;
use crate::detect::text::Text;

/// What a candidate must reach to count, in examples as in the shipped settings.
const THRESHOLD: f32 = 0.5;

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub rules: usize,
    pub examples: usize,
    pub counters: usize,
}

/// Read one rule file and run every example and counter-example of it.
///
/// # Errors
/// All faults of the file at once: of form, of patterns, and examples that come out otherwise.
pub fn check_file(name: &str, text: &str) -> Result<Report, RuleErrors> {
    let rules = load(&[(name.to_owned(), text)])?;
    let mut report = Report { rules: rules.len(), ..Report::default() };
    let mut errors = Vec::new();
    for loaded in &rules {
        let engine = Pattern::new(vec![loaded.rule.clone()])?;
        for example in &loaded.raw.example {
            report.examples += 1;
            errors.extend(run_example(name, text, loaded, &engine, example));
        }
        for counter in &loaded.raw.counter {
            report.counters += 1;
            errors.extend(run_counter(name, text, loaded, &engine, counter));
        }
    }
    if errors.is_empty() { Ok(report) } else { Err(RuleErrors(errors)) }
}

fn run_example(name: &str, file: &str, loaded: &Loaded, engine: &Pattern, example: &RawExample) -> Option<RuleError> {
    let (text, expected) = unmark(example.text.get_ref());
    let found = find(engine, &text, example.field.as_deref());
    if found.iter().map(|(range, _)| range).eq(expected.iter()) {
        return None;
    }
    let id = loaded.rule.id.as_str();
    let message = format!("the example of `{id}` comes out as {}", mark(&text, &found));
    Some(RuleError::at(name, file, example.text.span(), message, "change the pattern, the score or the example"))
}

fn run_counter(name: &str, file: &str, loaded: &Loaded, engine: &Pattern, counter: &RawCounter) -> Option<RuleError> {
    let text = counter.text.get_ref();
    let found = find(engine, text, counter.field.as_deref());
    if found.is_empty() {
        return None;
    }
    let id = loaded.rule.id.as_str();
    let message = format!("`{id}` must not match here: {}", mark(text, &found));
    Some(RuleError::at(name, file, counter.text.span(), message, counter.why.get_ref().as_str()))
}

/// Spans of the original that reach the threshold, with their scores.
fn find(engine: &Pattern, text: &str, label: Option<&str>) -> Vec<(Range<usize>, f32)> {
    let text = Text::new(text);
    let mut out = Output::default();
    let mut fuel = Fuel::for_bytes(text.original().len(), 10_000);
    if engine.find(View { text: &text, label, author: Author::User }, &mut fuel, &mut out).is_err() {
        return Vec::new();
    }
    let mut found: Vec<(Range<usize>, f32)> = out
        .candidates
        .iter()
        .filter(|candidate| candidate.confidence >= THRESHOLD)
        .map(|candidate| (text.to_original(candidate.range.clone()), candidate.confidence))
        .collect();
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Take the marks out: the plain text, and the ranges between them.
fn unmark(marked: &str) -> (String, Vec<Range<usize>>) {
    let mut text = String::with_capacity(marked.len());
    let mut ranges = Vec::new();
    let mut open = 0;
    for letter in marked.chars() {
        match letter {
            '《' => open = text.len(),
            '》' => ranges.push(open..text.len()),
            _ => text.push(letter),
        }
    }
    (text, ranges)
}

fn mark(text: &str, found: &[(Range<usize>, f32)]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (range, score) in found {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push('《');
        out.push_str(text.get(range.clone()).unwrap_or_default());
        out.push_str(&format!("》({score:.2})"));
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
