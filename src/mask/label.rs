//! The words that stand in tokens: labels by kind, role and language, and the words of forms.
//! Labels are data (`patterns/treatment/labels.tsv`). Must not know: codes, words.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::detect::{Kind, Role};

/// The language of a token's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    Ja,
    En,
}

impl Language {
    /// Japanese when any kana or kanji stands in the text, English when letters but none of those; `None` without letters.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut letters = false;
        for letter in text.chars() {
            if matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3134f}')
            {
                return Some(Language::Ja);
            }
            letters |= letter.is_ascii_alphabetic();
        }
        letters.then_some(Language::En)
    }
}

struct Row {
    kind: Option<Kind>,
    role: Option<Role>,
    ja: &'static str,
    en: &'static str,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    include_str!("../../patterns/treatment/labels.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let (kind, role, ja, en) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
            let role = match role {
                "patient" => Some(Role::Patient),
                "family" => Some(Role::Family),
                "staff" => Some(Role::Staff),
                "other" => Some(Role::Other),
                _ => None,
            };
            Some(Row { kind: Kind::from_word(kind), role, ja, en })
        })
        .collect()
});

static LABELS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut labels: Vec<&'static str> = ROWS.iter().flat_map(|row| [row.ja, row.en]).collect();
    labels.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    labels.dedup();
    labels
});

/// Every label that may stand in a token, Japanese and English, longest first. English ones are upper case.
#[must_use]
pub fn labels() -> &'static [&'static str] {
    &LABELS
}

/// The labels that are written today (`labels` has those of older versions too).
pub(super) fn written_labels() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(|row| row.kind.is_some()).flat_map(|row| [row.ja, row.en])
}

/// The label for a finding of this kind and role.
#[must_use]
pub fn label(kind: Kind, role: Option<Role>, language: Language) -> &'static str {
    let rows = || ROWS.iter().filter(|row| row.kind == Some(kind));
    let row = rows().find(|row| row.role == role).or_else(|| rows().find(|row| row.role.is_none()));
    match (row, language) {
        (Some(row), Language::Ja) => row.ja,
        (Some(row), Language::En) => row.en,
        (None, _) => "ID",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_role_has_a_label() {
        for kind in Kind::ALL {
            assert!(ROWS.iter().any(|row| row.kind == Some(kind) && row.role.is_none()), "{}", kind.as_str());
        }
        for role in [Role::Patient, Role::Family, Role::Staff, Role::Other] {
            assert!(ROWS.iter().any(|row| row.kind == Some(Kind::PersonName) && row.role == Some(role)));
        }
        assert_eq!(label(Kind::PersonName, Some(Role::Patient), Language::Ja), "患者");
        assert_eq!(label(Kind::Phone, None, Language::En), "PHONE");
    }

    #[test]
    fn english_labels_fit_a_narrow_alphabet() {
        assert!(ROWS.iter().all(|row| row.en.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')));
    }

    #[test]
    fn language_is_told_by_its_letters() {
        assert_eq!(Language::of("山田"), Some(Language::Ja));
        assert_eq!(Language::of("ﾔﾏﾀﾞ"), Some(Language::Ja));
        assert_eq!(Language::of("Mr. Smith"), Some(Language::En));
        assert_eq!(Language::of("03-1234"), None);
    }
}
