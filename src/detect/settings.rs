//! What a hospital may set of detection.
//! Must not know: where the values come from.

use std::collections::BTreeMap;

use super::kind::Kind;

/// Settings of a detector. All parts have defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What a candidate must reach to become a finding.
    pub threshold: f32,
    /// The same for single kinds.
    pub thresholds: BTreeMap<Kind, f32>,
    /// Work units a byte (`Fuel::for_bytes`).
    pub fuel_per_byte: u64,
    /// Bytes of text of one document.
    pub max_bytes: usize,
    /// How deep encoded text is decoded, 0 to 2.
    pub decode_depth: u8,
    /// Labels of our own tokens (`患者`, `PATIENT`), so that they are left alone.
    pub token_labels: Vec<String>,
}

/// The labels that tokens carry as shipped.
const TOKEN_LABELS: &[&str] = &[
    "患者",
    "家族",
    "医師",
    "職員",
    "氏名",
    "人名",
    "ID",
    "患者ID",
    "電話",
    "メール",
    "住所",
    "郵便番号",
    "日付",
    "生年月日",
    "年齢",
    "検査値",
    "保険",
    "公的番号",
    "番号",
    "職員番号",
    "免許",
    "口座",
    "カード",
    "アカウント",
    "秘密",
    "PATIENT",
    "FAMILY",
    "DOCTOR",
    "STAFF",
    "NAME",
    "PERSON",
    "PHONE",
    "EMAIL",
    "ADDRESS",
    "POSTAL",
    "DATE",
    "BIRTHDATE",
    "BIRTH",
    "AGE",
    "LAB",
    "INSURANCE",
    "NATIONAL",
    "NUMBER",
    "LICENSE",
    "ACCOUNT",
    "BANK",
    "CARD",
    "ONLINE",
    "SECRET",
    "VALUE",
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            thresholds: BTreeMap::new(),
            fuel_per_byte: 4_000,
            max_bytes: 16 << 20,
            decode_depth: 2,
            token_labels: TOKEN_LABELS.iter().map(|&label| label.to_owned()).collect(),
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
