//! The floor of detection on the development corpus: what a change may not fall below.

use std::path::Path;

use super::{Detector, Document};
use crate::score::{self, Guess, Prediction};

/// Every document of `tests/corpus`, as its JSON lines.
fn corpus() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn predict(detector: &Detector, id: &str, text: &str) -> Prediction {
    let document = Document::of(text);
    let found = detector.find(&document, &mut detector.fuel(&document)).unwrap();
    let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let letter = |at: usize| letters.partition_point(|start| *start < at);
    let mut last = 0;
    for finding in &found.findings {
        assert!(finding.range.start >= last && finding.range.end > finding.range.start, "findings overlap in {id}");
        assert!(text.get(finding.range.clone()).is_some(), "a finding cuts a letter in {id}");
        last = finding.range.end;
    }
    let mut classes: Vec<String> = found.passages.iter().map(|passage| passage.class.as_str().to_owned()).collect();
    classes.sort();
    classes.dedup();
    let spans = found
        .findings
        .iter()
        .map(|finding| Guess {
            start: letter(finding.range.start),
            end: letter(finding.range.end),
            kind: finding.kind.as_str().to_owned(),
            role: finding.role.and_then(|role| serde_json::to_value(role).ok()?.as_str().map(str::to_owned)),
            entity: Some(u64::from(finding.entity.0)),
        })
        .collect();
    Prediction { id: id.to_owned(), spans, classes }
}

#[test]
fn the_development_corpus_keeps_its_floor() {
    let detector = Detector::shipped().unwrap_or_else(|errors| panic!("{errors}"));
    let gold = score::read_gold(&corpus()).unwrap();
    assert!(gold.len() > 400);
    let predictions: Vec<Prediction> = gold.iter().map(|one| predict(&detector, &one.id, &one.text)).collect();
    let score = score::score(&gold, &predictions);
    println!("{score}");
    assert!(score.leak_rate().unwrap() <= 0.05, "{score}");
    assert!(score.leaking_documents().unwrap() <= 0.35, "{score}");
    assert!(score.over_mask_rate().unwrap() <= 0.02, "{score}");
    assert!(score.trap_rate().unwrap() <= 0.15, "{score}");
}

/// Who is who: both halves of the set of entities, and roles there and on the development corpus.
#[test]
fn names_of_one_person_are_linked_and_roles_told() {
    let detector = Detector::shipped().unwrap_or_else(|errors| panic!("{errors}"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/entities");
    let linked = |text: &str| {
        let gold = score::read_gold(text).unwrap();
        let predictions: Vec<Prediction> = gold.iter().map(|one| predict(&detector, &one.id, &one.text)).collect();
        score::entities::entities(&gold, &predictions)
    };
    for half in ["shown", "kept"] {
        let linked = linked(&std::fs::read_to_string(folder.join(format!("{half}.jsonl"))).unwrap());
        println!("{half}\n{linked}");
        assert!(linked.documents >= 40, "{linked}");
        assert!(linked.f1().unwrap() >= 0.80, "{linked}");
        // Two people under one token is the worse fault.
        assert!(linked.precision().unwrap() >= 0.90, "{linked}");
        assert!(linked.role_accuracy().unwrap() >= 0.85, "{linked}");
    }
    let linked = linked(&corpus());
    println!("development\n{linked}");
    assert!(linked.role_accuracy().unwrap() >= 0.75, "{linked}");
}

/// What glues text together must not hide it: full width, invisible letters, no blank before a number.
#[test]
fn the_same_text_in_full_width_or_with_invisible_letters_is_found() {
    let detector = Detector::shipped().unwrap_or_else(|errors| panic!("{errors}"));
    let plain = "患者ID:0012345、電話は090-1234-5678です。マイナンバー:123456789018";
    let wide: String = plain
        .chars()
        .map(|letter| match letter {
            '!'..='~' => char::from_u32(letter as u32 + 0xfee0).unwrap(),
            _ => letter,
        })
        .collect();
    let invisible: String = plain.chars().flat_map(|letter| [letter, '\u{200b}']).collect();
    let kinds = |text: &str| {
        let document = Document::of(text);
        let found = detector.find(&document, &mut detector.fuel(&document)).unwrap();
        found.findings.iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(plain).len(), 3);
    assert_eq!(kinds(&wide), kinds(plain));
    assert_eq!(kinds(&invisible), kinds(plain));
}
