//! What detection says: findings (a stretch of a part), passages (what the text is), and why.
//! A finding holds the secret only as offsets; `Debug` never prints text.
//! Must not know: what is done with a finding.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::kind::{Class, Kind, Role};

/// The stable id of a rule, as in its file (`id.my_number`, `names.model`). Never reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub Arc<str>);

impl RuleId {
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One reason for a finding. `note` is a word of the rule or the label (`氏名`, `check digit`), never of the secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub note: Cow<'static, str>,
    /// What it added to the confidence (may be negative).
    pub weight: f32,
}

impl Evidence {
    pub fn new(note: impl Into<Cow<'static, str>>, weight: f32) -> Self {
        Self { note: note.into(), weight }
    }
}

/// The one person or thing that several findings mean; numbers count within one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity(pub u32);

/// A stretch of text that must be decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Index into `Document::parts`.
    pub part: usize,
    /// Bytes of `Part::text`; on character boundaries.
    pub range: Range<usize>,
    pub kind: Kind,
    /// Where one helps: `my_number`, `us_ssn`, `passport` …
    pub subtype: Option<Arc<str>>,
    /// 0–1, after context and check.
    pub confidence: f32,
    pub rule: RuleId,
    pub evidence: Vec<Evidence>,
    pub entity: Entity,
    /// For `person_name` only.
    pub role: Option<Role>,
    /// The check digit or the hospital's list proved it.
    pub proven: bool,
    /// For `lab_value` only: the bytes of the value (and unit) inside `range`, so that the item can stay readable.
    pub value: Option<Range<usize>>,
}

/// What a passage is.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    pub part: usize,
    pub range: Range<usize>,
    pub class: Class,
    pub confidence: f32,
    /// A secrecy marking (`社外秘`) was among the signals.
    pub marked: bool,
    pub signals: Vec<RuleId>,
}

/// All that was found in one document, findings ordered by part and start, never overlapping.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    pub findings: Vec<Finding>,
    pub passages: Vec<Passage>,
    /// Undecodable encoded runs of up to 4 KiB that were let through.
    pub opaque_blobs: u32,
}
