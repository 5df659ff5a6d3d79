//! The seam of detection: an engine reads one folded text and gives candidates.
//! Engines see the folded text and the words around it; ranges they give are bytes of the *folded* text.
//! Must not know: each other, what wins (`merge`), who is who (`link`).

pub mod address;
pub mod age;
pub mod dates;
pub mod lab;
pub(crate) mod labels;
pub mod layout;
pub mod list;
pub mod names;
mod needs;
pub mod passage;
pub mod pattern;
mod reading;
pub(crate) mod table;
mod triggers;

use std::ops::Range;
use std::sync::Arc;

use super::document::Author;
use super::finding::{Evidence, RuleId};
use super::fuel::{DetectError, Fuel};
use super::kind::{Class, Kind, Role};
use super::text::Text;

pub use super::text::ATOM;

/// One text as an engine sees it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub text: &'a Text,
    /// Name of the field, as written.
    pub label: Option<&'a str>,
    pub author: Author,
}

/// A stretch that one engine takes for something. Ranges are bytes of `Text::folded`, on character boundaries.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub range: Range<usize>,
    pub kind: Kind,
    pub subtype: Option<Arc<str>>,
    pub confidence: f32,
    pub rule: RuleId,
    pub evidence: Vec<Evidence>,
    pub role: Option<Role>,
    /// A check digit proved it.
    pub proven: bool,
    /// `lab_value`: the bytes of value and unit within `range`.
    pub value: Option<Range<usize>>,
}

/// A hint that a passage is of a class.
#[derive(Clone, Debug)]
pub struct Signal {
    pub range: Range<usize>,
    pub class: Class,
    pub weight: f32,
    pub marked: bool,
    pub rule: RuleId,
}

/// What the engines write into.
#[derive(Default, Debug)]
pub struct Output {
    pub candidates: Vec<Candidate>,
    pub signals: Vec<Signal>,
}

/// An engine: object-safe, synchronous, immutable once built.
pub trait Engine: Send + Sync {
    /// For `--explain`, errors and timings.
    fn name(&self) -> &'static str;

    /// Look at one text.
    ///
    /// # Errors
    /// When it cannot finish: the request then fails closed.
    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError>;

    /// Look at what all engines said of the text, before it is merged: evidence for what others are not sure of. Only the
    /// hospital's list does.
    fn weigh(&self, _view: View<'_>, _candidates: &mut [Candidate]) {}

    /// Where the surname of a folded full name without a blank may end, in bytes. Only the engine of names knows.
    fn surname_ends(&self, _name: &str) -> Vec<usize> {
        Vec::new()
    }
}
