//! What a hospital may set of detection.
//! Must not know: where the values come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
    /// How deep encoded text is decoded, 1 or 2; the config refuses 0.
    pub decode_depth: u8,
    /// The file of the hospital's own list (`tsuitate list import`); without it there is none.
    pub list: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            thresholds: BTreeMap::from([(Kind::PersonName, 0.45)]),
            fuel_per_byte: 4_000,
            max_bytes: 16 << 20,
            decode_depth: 2,
            list: None,
        }
    }
}

impl Settings {
    /// Least and most that a threshold may be: under the one everything is a finding, over the other nothing is.
    pub const RANGE: std::ops::RangeInclusive<f32> = 0.05..=0.95;

    /// The threshold of a kind. That of a floor kind may be lowered, never raised over the shipped one.
    #[must_use]
    pub fn threshold(&self, kind: Kind) -> f32 {
        let set = self.thresholds.get(&kind).copied().unwrap_or(self.threshold);
        // `min` takes the number when the other is none.
        if Self::floor(kind) { set.min(Self::shipped(kind)) } else { set }
    }

    /// What is shipped for a kind.
    #[must_use]
    pub fn shipped(kind: Kind) -> f32 {
        let shipped = Self::default();
        shipped.thresholds.get(&kind).copied().unwrap_or(shipped.threshold)
    }

    /// Credentials, My Number and the identifiers of people: what no setting lifts.
    #[must_use]
    pub const fn floor(kind: Kind) -> bool {
        !matches!(kind, Kind::CareDate | Kind::Age | Kind::LabValue)
    }
}
