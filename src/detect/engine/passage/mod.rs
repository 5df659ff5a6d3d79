//! What a passage is: weighted signals from `patterns/passage/` → a class, by summing (PHI §8).
//! The engine gives signals; `judge` turns all signals of one text into passages.
//! Must not know: what is done with a class.

mod signals;

use std::ops::Range;

use signals::Signals;

use crate::detect::engine::{Engine, Output, Signal, View};
use crate::detect::finding::RuleId;
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Class;

/// What a text must weigh to be of a class.
const THRESHOLD: f32 = 4.4;

/// The engine of passages.
pub struct Passages {
    signals: Signals,
}

/// What `judge` says of one text. Ranges are bytes of the folded text.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub range: Range<usize>,
    pub class: Class,
    /// 0.5 at the threshold, towards 1 above it.
    pub confidence: f32,
    /// A secrecy marking was among the signals.
    pub marked: bool,
    pub signals: Vec<RuleId>,
}

impl Passages {
    /// The engine with the signals that are embedded.
    #[must_use]
    pub fn shipped() -> Self {
        Self { signals: Signals::shipped() }
    }
}

impl Engine for Passages {
    fn name(&self) -> &'static str {
        "passage"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        fuel.burn(view.text.folded().len() as u64)?;
        self.signals.find(view.text, &mut out.signals);
        Ok(())
    }
}

/// The classes that the signals of one text of `text_len` folded bytes make. A rule counts once, at its strongest.
#[must_use]
pub fn judge(signals: &[Signal], text_len: usize) -> Vec<Judged> {
    let mut found = Vec::new();
    for class in Class::ALL {
        let mut counted: Vec<&Signal> = Vec::new();
        for signal in signals.iter().filter(|signal| signal.class == class) {
            match counted.iter_mut().find(|known| known.rule == signal.rule) {
                Some(known) if known.weight.abs() < signal.weight.abs() => *known = signal,
                Some(_) => {}
                None => counted.push(signal),
            }
        }
        let sum: f32 = counted.iter().map(|signal| signal.weight).sum();
        if sum < THRESHOLD {
            continue;
        }
        let start =
            counted.iter().filter(|signal| signal.weight > 0.0).map(|signal| signal.range.start).min().unwrap_or(0);
        let end = counted.iter().map(|signal| signal.range.end).max().unwrap_or(text_len);
        found.push(Judged {
            range: start..end.min(text_len).max(start),
            class,
            confidence: (sum / (2.0 * THRESHOLD)).min(1.0),
            marked: counted.iter().any(|signal| signal.marked),
            signals: counted.iter().map(|signal| signal.rule.clone()).collect(),
        });
    }
    found
}

#[cfg(test)]
mod tests;
