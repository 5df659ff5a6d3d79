//! What a passage is: weighted signals from `patterns/passage/` → a class, by summing (PHI §8).
//! The engine gives signals; `judge` turns all signals of one text into passages.
//! Must not know: what is done with a class.

use std::ops::Range;

use crate::detect::engine::{Engine, Output, Signal, View};
use crate::detect::finding::RuleId;
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Class;

/// The engine of passages.
pub struct Passages {}

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
        Self {}
    }
}

impl Engine for Passages {
    fn name(&self) -> &'static str {
        "passage"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, _out: &mut Output) -> Result<(), DetectError> {
        fuel.burn(view.text.folded().len() as u64)
    }
}

/// The classes that the signals of one text of `text_len` folded bytes make.
#[must_use]
pub fn judge(_signals: &[Signal], _text_len: usize) -> Vec<Judged> {
    Vec::new()
}
