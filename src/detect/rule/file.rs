//! The form of a rule file. Unknown keys are refused, so that a misspelt one cannot vanish.
//! Must not know: how a rule is run.

use serde::Deserialize;
use toml::Spanned;

use crate::detect::kind::Kind;

/// One `[[rule]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    pub(crate) id: Spanned<String>,
    pub(crate) kind: Kind,
    pub(crate) subtype: Option<String>,
    pub(crate) why: Spanned<String>,
    pub(crate) source: Spanned<String>,
    pub(crate) pattern: Spanned<String>,
    #[serde(default)]
    pub(crate) boundary: Boundary,
    pub(crate) check: Option<Spanned<String>>,
    pub(crate) score: Spanned<f32>,
    #[serde(default = "passes")]
    pub(crate) passes: f32,
    #[serde(default = "fails")]
    pub(crate) fails: f32,
    pub(crate) require: Option<Spanned<Require>>,
    #[serde(default)]
    pub(crate) labels: Vec<Spanned<String>>,
    #[serde(default = "label_score")]
    pub(crate) label_score: f32,
    #[serde(default = "within_label")]
    pub(crate) within: usize,
    #[serde(default)]
    pub(crate) context: Vec<RawContext>,
    #[serde(default)]
    pub(crate) negative: Vec<RawContext>,
    #[serde(default)]
    pub(crate) example: Vec<RawExample>,
    #[serde(default)]
    pub(crate) counter: Vec<RawCounter>,
}

fn passes() -> f32 {
    0.4
}
fn fails() -> f32 {
    -0.2
}
fn label_score() -> f32 {
    0.5
}
fn within_label() -> usize {
    16
}

/// What may stand directly outside a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Boundary {
    /// No digit, no ASCII letter but a label's, no `.` `,` `-` that goes on with a digit (PHI §0.5).
    #[default]
    Number,
    /// No ASCII letter, digit or `_`.
    Word,
    /// Anything.
    None,
}

/// Without what the candidate is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Require {
    Label,
    Check,
    /// Label or check.
    Either,
}

/// Words near the span that add to the score (or take away).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawContext {
    pub(crate) words: Spanned<Vec<String>>,
    #[serde(default)]
    pub(crate) side: Side,
    /// Code points.
    #[serde(default = "within_context")]
    pub(crate) within: usize,
    pub(crate) add: Spanned<f32>,
}

fn within_context() -> usize {
    24
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Before,
    After,
    /// Directly behind, or behind one blank, and no other kanji goes on with it: counters (3 件, but not 0038412）の件 or
    /// 0038412件名). `within` says nothing here.
    Next,
    #[default]
    Either,
}

/// A text with the expected spans between `《` and `》`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExample {
    pub(crate) text: Spanned<String>,
    /// Name of the field that the text stands in.
    pub(crate) field: Option<String>,
}

/// A text in which the rule must find nothing that reaches the threshold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCounter {
    pub(crate) text: Spanned<String>,
    pub(crate) field: Option<String>,
    pub(crate) why: Spanned<String>,
}
