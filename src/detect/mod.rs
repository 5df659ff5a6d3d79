//! Step 5: text → findings. Pure: text and settings in, findings out.
//! Knows Japanese and English, medicine and paper work.
//! Must not know: HTTP, providers, files, clocks, randomness, what is done with a finding.

mod beside;
pub mod check;
mod detector;
pub mod document;
pub mod engine;
pub mod finding;
pub mod fuel;
mod join;
pub mod kind;
mod ladder;
mod link;
pub(crate) mod literals;
mod merge;
pub mod rule;
mod settings;
pub mod text;
mod titles;

pub use detector::Detector;
pub use document::{Author, Document, Part};
pub use finding::{Entity, Evidence, Finding, Findings, Passage, RuleId};
pub use fuel::{DetectError, Fuel};
pub use kind::{Class, Kind, Role};
pub use rule::{RuleError, RuleErrors};
pub use settings::Settings;

#[cfg(test)]
mod floor_test;
