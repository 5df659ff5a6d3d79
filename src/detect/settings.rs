//! What a hospital may set of detection.
//! Must not know: where the values come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// Settings of a detector. All parts have defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What a candidate must reach to become a finding.
    pub threshold: f32,
    /// The same for single kinds.
    pub thresholds: BTreeMap<Kind, f32>,
    /// Work units a byte (`Fuel::for_bytes`).
    pub fuel_per_byte: u64,
    /// Bytes of text of one document: `gate.limits.text`.
    #[serde(skip)]
    pub max_bytes: usize,
    /// How deep encoded text is decoded, 0 to 2.
    pub decode_depth: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            thresholds: BTreeMap::from([(Kind::PersonName, 0.45)]),
            fuel_per_byte: 4_000,
            max_bytes: 16 << 20,
            decode_depth: 2,
        }
    }
}

impl Settings {
    /// The threshold of a kind.
    #[must_use]
    pub fn threshold(&self, kind: Kind) -> f32 {
        self.thresholds.get(&kind).copied().unwrap_or(self.threshold)
    }
}
