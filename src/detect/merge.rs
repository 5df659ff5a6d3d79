//! Candidates of one text → findings that do not overlap: threshold first, then the union of what overlaps, labelled by
//! the strongest. So a weak date never displaces a phone, and nothing that any engine is sure of is left half covered.
//! Must not know: engines, other parts.

use std::ops::Range;

use super::engine::Candidate;
use super::kind::Kind;
use super::settings::Settings;
use super::titles;

/// A merged candidate with its place in the part as written.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    /// Bytes of the part.
    pub(super) range: Range<usize>,
    /// The folded (or decoded) text of it.
    pub(super) surface: String,
    pub(super) candidate: Candidate,
}

/// Unite hits of all readings of one part: what overlaps is one, labelled by the strongest.
pub(super) fn unite(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by(|a, b| a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)));
    let mut united: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match united.last_mut() {
            Some(last) if hit.range.start < last.range.end => {
                let range = last.range.start..last.range.end.max(hit.range.end);
                let longer = hit.range.len() > last.range.len();
                let stronger = hit.candidate.confidence > last.candidate.confidence;
                let same = hit.candidate.kind == last.candidate.kind;
                let better = if same { longer || (stronger && hit.range == last.range) } else { stronger };
                if better {
                    let role = hit.candidate.role.or(last.candidate.role);
                    *last = hit;
                    if same {
                        last.candidate.role = role;
                    }
                } else if same {
                    last.candidate.role = last.candidate.role.or(hit.candidate.role);
                }
                last.range = range;
            }
            _ => united.push(hit),
        }
    }
    united
}

/// Merge the candidates of one folded text. Ordered, never overlapping, each at or over its kind's threshold.
pub(super) fn merge(text: &str, candidates: Vec<Candidate>, settings: &Settings) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = candidates
        .into_iter()
        .filter(|candidate| candidate.confidence >= settings.threshold(candidate.kind))
        .filter_map(|candidate| sound(text, candidate))
        .collect();
    kept.sort_by(|a, b| a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)));
    let mut merged: Vec<Candidate> = Vec::with_capacity(kept.len());
    for candidate in kept {
        match merged.last_mut() {
            // The abbreviation of an item reads like a given name behind a surname: the name ends where the item begins.
            Some(last) if runs_into_item(last, &candidate) => {
                last.range = trim(text, last.range.start..candidate.range.start, last.kind);
                merged.push(candidate);
            }
            Some(last) if candidate.range.start < last.range.end => join(last, candidate),
            _ => merged.push(candidate),
        }
    }
    merged
}

/// A name whose end is the beginning of an item with its value: both stay covered, each as what it is.
fn runs_into_item(name: &Candidate, item: &Candidate) -> bool {
    name.kind == Kind::PersonName
        && item.kind == Kind::LabValue
        && (name.range.start + 1..name.range.end).contains(&item.range.start)
        && name.range.end < item.range.end
}

/// Two that overlap: the stronger one's label over the range of both.
fn join(last: &mut Candidate, candidate: Candidate) {
    let range = last.range.start..last.range.end.max(candidate.range.end);
    let stronger = (candidate.confidence, candidate.proven, candidate.range.len()).partial_cmp(&(
        last.confidence,
        last.proven,
        last.range.len(),
    )) == Some(std::cmp::Ordering::Greater);
    let same = candidate.kind == last.kind;
    let (role, value) = (candidate.role.or(last.role), candidate.value.clone().or(last.value.clone()));
    if stronger {
        *last = candidate;
    }
    if same {
        last.role = last.role.or(role);
        last.value = last.value.clone().or(value);
    }
    last.range = range;
}

/// Trim what does not belong to it, and refuse what begins inside a longer run of digits.
fn sound(text: &str, mut candidate: Candidate) -> Option<Candidate> {
    candidate.range = trim(text, candidate.range, candidate.kind);
    if candidate.kind == Kind::PersonName {
        candidate.range = titles::untitled(text, candidate.range);
    }
    let bytes = text.as_bytes();
    let first = bytes.get(candidate.range.start)?;
    let inside = first.is_ascii_digit()
        && candidate.range.start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    (!candidate.range.is_empty() && !inside).then_some(candidate)
}

/// Blanks leave the ends of everything; punctuation leaves the ends of names.
fn trim(text: &str, range: Range<usize>, kind: Kind) -> Range<usize> {
    let Some(part) = text.get(range.clone()) else { return range };
    let outside = |letter: char| {
        letter.is_whitespace()
            || (kind == Kind::PersonName
                && matches!(letter, ',' | ':' | ';' | '、' | '。' | '「' | '」' | '"' | '(' | '/' | '|' | '*'))
    };
    let start = part.len() - part.trim_start_matches(outside).len();
    let end = part.trim_end_matches(outside).len();
    if start >= end { range.start..range.start } else { range.start + start..range.start + end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::finding::RuleId;

    fn candidate(range: Range<usize>, kind: Kind, confidence: f32) -> Candidate {
        Candidate {
            range,
            kind,
            subtype: None,
            confidence,
            rule: RuleId::new("t.t"),
            evidence: Vec::new(),
            role: None,
            proven: false,
            value: None,
        }
    }

    #[test]
    fn a_weak_date_never_displaces_a_phone() {
        let text = "call 090-1234-5678 now";
        let merged = merge(
            text,
            vec![candidate(5..18, Kind::Phone, 0.9), candidate(9..16, Kind::CareDate, 0.4)],
            &Settings::default(),
        );
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].range.clone(), merged[0].kind), (5..18, Kind::Phone));
    }

    #[test]
    fn what_overlaps_is_one_finding_over_both() {
        let merged = merge(
            "abcdefghij",
            vec![candidate(0..6, Kind::Address, 0.6), candidate(4..9, Kind::PersonName, 0.9)],
            &Settings::default(),
        );
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].range.clone(), merged[0].kind), (0..9, Kind::PersonName));
    }

    #[test]
    fn a_match_never_starts_inside_a_longer_number() {
        assert!(merge("12345678", vec![candidate(2..8, Kind::PatientId, 0.9)], &Settings::default()).is_empty());
        assert_eq!(merge("12345678", vec![candidate(0..6, Kind::CareDate, 0.9)], &Settings::default()).len(), 1);
    }

    #[test]
    fn a_name_ends_where_an_item_with_its_value_begins() {
        let text = "佐藤 HbA1c 7.2";
        let found = |name: Range<usize>, item: Range<usize>| -> Vec<(Kind, String)> {
            let both = vec![candidate(name, Kind::PersonName, 0.99), candidate(item, Kind::LabValue, 0.7)];
            let merged = merge(text, both, &Settings::default());
            merged.iter().map(|found| (found.kind, text.get(found.range.clone()).unwrap().to_owned())).collect()
        };
        let apart = [(Kind::PersonName, "佐藤".to_owned()), (Kind::LabValue, "HbA1c 7.2".to_owned())];
        assert_eq!(found(0..9, 7..16), apart);
        // Inside a name, or from the same letter on, it is no item.
        assert_eq!(found(0..16, 7..12), [(Kind::PersonName, text.to_owned())]);
        assert_eq!(found(7..9, 7..16), [(Kind::PersonName, "HbA1c 7.2".to_owned())]);
    }

    #[test]
    fn no_setting_raises_the_threshold_of_a_floor_kind() {
        for high in [0.95, 5.0, f32::NAN, f32::INFINITY] {
            let thresholds = Kind::ALL.map(|kind| (kind, high)).into();
            let settings = Settings { threshold: high, thresholds, ..Settings::default() };
            for kind in Kind::ALL {
                let found = merge("abcdef", vec![candidate(0..6, kind, 0.5)], &settings).len();
                assert_eq!(found, usize::from(Settings::floor(kind)), "{kind:?} at {high}");
            }
        }
        let lowered = Settings { threshold: 0.2, ..Settings::default() };
        assert_eq!(merge("abcdef", vec![candidate(0..6, Kind::Phone, 0.3)], &lowered).len(), 1);
        // A table that names other kinds does not raise what it leaves out.
        let other = Settings { thresholds: [(Kind::LabValue, 0.6)].into(), ..Settings::default() };
        assert_eq!(merge("abcdef", vec![candidate(0..6, Kind::PersonName, 0.46)], &other).len(), 1);
    }

    #[test]
    fn titles_leave_a_name_and_are_none() {
        let range = |text: &str| {
            let all = vec![candidate(0..text.len(), Kind::PersonName, 0.9)];
            merge(text, all, &Settings::default()).first().map(|one| text[one.range.clone()].to_owned())
        };
        for (text, name) in [
            ("Mrs Okafor", "Okafor"),
            ("Dr. Staff Nurse Ng", "Ng"),
            ("故 蓑田先生", "蓑田"),
            ("指定医加賀見", "加賀見"),
            ("結城事務次長", "結城"),
            ("Drake", "Drake"),
            ("様子", "様子"),
            ("大家", "大家"),
        ] {
            assert_eq!(range(text).as_deref(), Some(name));
        }
        assert_eq!(range("代表取締役"), None);
        assert_eq!(range("Staff Nurse"), None);
    }

    #[test]
    fn blanks_and_commas_leave_a_name() {
        let merged = merge(" 田中 , x", vec![candidate(0..10, Kind::PersonName, 0.9)], &Settings::default());
        assert_eq!(merged[0].range, 1..7);
    }
}
