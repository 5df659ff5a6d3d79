//! A field of a record that holds a person's name (`patientName`, `氏名`): its whole value is the name, without a score.
//! Must not know: where the field stood.

use std::sync::Arc;

use super::Names;
use super::letter::Script;
use crate::detect::engine::{Candidate, Output};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::kind::{Kind, Role};

/// Longest value taken for a name, in letters.
const LONGEST: usize = 40;

/// Take the whole of `text` (a field's value, folded) for a name, its reading in brackets for a second one; says
/// whether it did. Values that are prose are left to the model.
pub(super) fn whole(names: &Names, text: &str, label: &str, out: &mut Output) -> bool {
    let trimmed = text.trim();
    let letters: Vec<char> = trimmed.chars().collect();
    let named = letters.iter().any(|c| {
        matches!(Script::of(*c), Script::Kanji | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Latin)
    });
    if letters.is_empty()
        || letters.len() > LONGEST
        || !named
        || letters.iter().any(|c| matches!(c, '。' | '\n' | ':' | '@' | '0'..='9' | '_' | '?' | '!'))
        || names.cues.not_person(&letters)
        || matches!(
            trimmed.to_lowercase().as_str(),
            "null" | "none" | "n/a" | "unknown" | "string" | "不明" | "匿名" | "なし" | "true" | "false"
        )
    {
        return false;
    }
    let base = text.len() - text.trim_start().len();
    let mut pieces: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    for piece in trimmed.split_inclusive(['(', ')', '/', '、', ',']) {
        let bare = piece.trim_end_matches(['(', ')', '/', '、', ',']);
        // `SATO, Hanako` stays one.
        pieces.push((at, bare));
        at += piece.len();
    }
    if trimmed.contains(',') && trimmed.is_ascii() {
        pieces = vec![(0, trimmed)];
    }
    let role = names.cues.field_role(label);
    let mut found = false;
    for (at, piece) in pieces {
        let mut name = piece.trim();
        for honorific in ["様", "さん", "さま", "先生", "殿", "医師", "看護師", "氏", "くん", "ちゃん"]
        {
            if let Some(bare) = name.strip_suffix(honorific).map(str::trim_end)
                && !bare.is_empty()
            {
                name = bare;
                break;
            }
        }
        if name.is_empty() || matches!(name, "旧姓") {
            continue;
        }
        let lead = piece.len() - piece.trim_start().len();
        let start = base + at + lead;
        out.candidates.push(Candidate {
            range: start..start + name.len(),
            kind: Kind::PersonName,
            subtype: None,
            confidence: 0.97,
            rule: RuleId(Arc::from("names.field")),
            evidence: vec![Evidence::new(format!("field {label}"), 0.97)],
            role,
            proven: false,
            value: None,
        });
        found = true;
    }
    found
}

/// Whose name a field's word tells, by its label.
pub(super) fn role_of(label: &str) -> Role {
    let label = label.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| label.contains(word));
    if any(&["主治医", "担当", "医師", "看護", "記載", "記録", "職員", "doctor", "physician", "nurse", "staff"])
    {
        Role::Staff
    } else if any(&["保護者", "緊急", "世帯主", "guardian", "contact"]) {
        Role::Family
    } else {
        Role::Patient
    }
}
