//! The events of the record (DESIGN §7). Bodies are JSON with sorted keys, integers and strings only, so that their
//! canonical form (RFC 8785) is what `serde_json` writes.
//! Must not know: storage, hashes. No field takes text of a request: see `Word` and `Name`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decide::Verdict;

/// A word that came with a request (model, media type): ASCII letters, digits and `._:/@+-`, at most 96; anything else
/// is recorded as `other`, so that no one can write a patient's name into the record through such a field.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Word(String);

impl Word {
    /// The word, or `other`. A run of seven digits and more is never a model's name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let plain = !text.is_empty()
            && text.len() <= 96
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte))
            && !text.as_bytes().windows(9).any(|run| run.iter().all(u8::is_ascii_digit));
        Self(if plain { text.to_owned() } else { "other".to_owned() })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name from the config or the user file (person, group, network, use, service): printable, at most 64 code points.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Name(String);

impl Name {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(|letter| !letter.is_control()).take(64).collect())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The decision and all that is known before sending.
    Opened(Box<Opened>),
    /// The outcome.
    Closed(Closed),
    /// The gate stopped while the request was under way: written at the next start.
    Interrupted { record: String },
    /// A tunnel that was not opened, or a request that was refused before it was one.
    Passed(Passed),
    /// Somebody looked at records from the command line or the console.
    Viewed { by: Name, what: Word, matches: u64 },
    /// Bodies removed at the end of their life; their hashes stay in the chain.
    Tombstone { from_seq: u64, to_seq: u64, bodies: u64 },
    /// Signed by the gate's checkpoint key.
    Checkpoint { key: String, signature: String, events: u64 },
}

impl Event {
    /// The word in the `kind` column.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Event::Opened(_) => "opened",
            Event::Closed(_) => "closed",
            Event::Interrupted { .. } => "interrupted",
            Event::Passed(_) => "passed",
            Event::Viewed { .. } => "viewed",
            Event::Tombstone { .. } => "tombstone",
            Event::Checkpoint { .. } => "checkpoint",
        }
    }

    /// The record that the event belongs to.
    #[must_use]
    pub fn record(&self) -> Option<&str> {
        match self {
            Event::Opened(opened) => Some(&opened.record),
            Event::Closed(closed) => Some(&closed.record),
            Event::Interrupted { record } => Some(record),
            Event::Passed(passed) => Some(&passed.record),
            _ => None,
        }
    }

    /// The fingerprints that `record search` looks for.
    #[must_use]
    pub fn fingerprints(&self) -> &[String] {
        match self {
            Event::Opened(opened) => &opened.fingerprints,
            _ => &[],
        }
    }
}

/// Who asked, from where, and how sure that is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Name of the account; absent for anonymous callers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network: Option<Name>,
    /// `authenticated`, `claimed` (password over a plain line), `shared`, `network`, `anonymous`.
    pub strength: String,
    /// The client's IP address.
    pub client: String,
}

/// Under which registered use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseOf {
    pub id: Name,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub basis: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub declared_input: Option<Name>,
    /// Who answers for the output.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reviewer: Option<Name>,
}

/// One reason of a decision, in codes and counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// `credential`, `class`, `frozen`, `service_not_approved`, `unreadable`, `limit`, `ehr_network` …
    pub code: String,
    /// Kinds or classes, or the name of a limit.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub what: Vec<String>,
    pub count: u64,
    /// Addresses (`messages[3].content`), at most eight.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub places: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<String>,
}

/// Versions of what decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    pub gate: String,
    pub rules: String,
    pub policy: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub list: Option<String>,
}

/// All that is known before the first byte goes upstream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// UUIDv7.
    pub record: String,
    pub who: Who,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none", default)]
    pub use_: Option<UseOf>,
    pub service: Name,
    pub host: Word,
    /// The path as a template, never with ids.
    pub endpoint: Word,
    pub known_endpoint: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<Word>,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<Why>,
    /// Bytes of the body as received, decoded, and as sent on.
    pub received_bytes: u64,
    pub text_bytes: u64,
    pub sent_bytes: u64,
    pub kinds: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub classes: BTreeMap<String, u64>,
    /// Count by treatment.
    pub treatments: BTreeMap<String, u64>,
    /// 院内で元に戻せる / 戻せない: counts, never mixed.
    pub reversible: u64,
    pub irreversible: u64,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fingerprints: Vec<String>,
    /// Persons and numbers that were found and have no fingerprint, because there were too many.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub unsearchable: u64,
    pub late_findings: u64,
    pub foreign_tokens: u64,
    pub opaque_blobs: u64,
    /// Key epoch of the tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<String>,
    /// µs of each step so far.
    pub timings_us: BTreeMap<String, u64>,
    pub versions: Versions,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    pub record: String,
    /// `answered`, `refused`, `upstream_failed`, `client_gone`, `cut`.
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    pub answer_bytes: u64,
    pub restored: u64,
    /// Tokens left in tool arguments, links and other places where nothing is restored.
    pub kept: u64,
    /// Token-like text of the answer that no map knew.
    pub unknown: u64,
    pub blind: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
    pub timings_us: BTreeMap<String, u64>,
}

/// A tunnel or an early refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passed {
    pub record: String,
    pub who: Who,
    pub host: Word,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<Why>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_of_a_request_carries_a_name_or_a_number_into_the_record() {
        assert_eq!(Word::new("gpt-5-mini").as_str(), "gpt-5-mini");
        assert_eq!(Word::new("山田太郎").as_str(), "other");
        assert_eq!(Word::new("Taro Yamada").as_str(), "other");
        assert_eq!(Word::new("m09012345678").as_str(), "other");
        assert_eq!(Word::new(&"x".repeat(97)).as_str(), "other");
        assert_eq!(Name::new("内科\n医局").as_str(), "内科医局");
    }
}
