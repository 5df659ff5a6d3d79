use super::*;
use crate::detect::engine::Candidate;
use crate::detect::finding::RuleId;
use crate::detect::kind::{Kind, Role};

/// Finds its words where a cue stands before them: enough to test what happens after the engines.
struct Words(Vec<(&'static str, &'static str, Kind, Option<Role>)>);

impl Engine for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64)?;
        for (cue, word, kind, role) in &self.0 {
            for (at, _) in text.match_indices(&format!("{cue}{word}")) {
                let start = at + cue.len();
                out.candidates.push(Candidate {
                    range: start..start + word.len(),
                    kind: *kind,
                    subtype: None,
                    confidence: 0.8,
                    rule: RuleId::new("t.word"),
                    evidence: vec![Evidence::new("base", 0.8)],
                    role: *role,
                    proven: false,
                    value: None,
                });
            }
        }
        Ok(())
    }
}

fn detector(words: Vec<(&'static str, &'static str, Kind, Option<Role>)>) -> Detector {
    Detector {
        engines: vec![Box::new(Words(words))],
        joiner: Joiner::shipped().unwrap(),
        settings: Settings::default(),
        version: String::new(),
    }
}

fn find(detector: &Detector, document: &Document) -> Findings {
    detector.find(document, &mut detector.fuel(document)).unwrap()
}

/// The texts of all findings of a document.
fn texts(document: &Document, found: &Findings) -> Vec<(usize, String)> {
    found
        .findings
        .iter()
        .map(|finding| (finding.part, document.parts[finding.part].text[finding.range.clone()].to_owned()))
        .collect()
}

fn units(parts: &[(u32, &str)]) -> Document {
    let part = |(unit, text): &(u32, &str)| Part { text: (*text).to_owned(), unit: *unit, ..Part::default() };
    Document { parts: parts.iter().map(part).collect() }
}

fn name(cue: &'static str, word: &'static str) -> (&'static str, &'static str, Kind, Option<Role>) {
    (cue, word, Kind::PersonName, Some(Role::Patient))
}

#[test]
fn a_name_found_once_is_found_everywhere_in_its_unit() {
    let detector = detector(vec![name("患者 ", "高橋 美咲")]);
    let document =
        units(&[(1, "高橋美咲の件、高橋さんへ"), (1, "患者 高橋　美咲、高橋\n美咲"), (1, "高橋病院、大高橋美")]);
    let found = find(&detector, &document);
    let expected = [(0, "高橋美咲"), (0, "高橋"), (1, "高橋　美咲"), (1, "高橋\n美咲")];
    assert_eq!(texts(&document, &found), expected.map(|(part, text)| (part, text.to_owned())));
    assert!(found.findings.iter().all(|finding| finding.entity == found.findings[0].entity));
    assert!(found.findings.iter().all(|finding| finding.role == Some(Role::Patient)));
}

#[test]
fn propagation_goes_forward_only_between_units() {
    let detector = detector(vec![name("患者 ", "高橋 美咲")]);
    let document = units(&[(0, "高橋美咲"), (1, "高橋美咲"), (2, "患者 高橋 美咲"), (3, "高橋美咲")]);
    let found = find(&detector, &document);
    assert_eq!(texts(&document, &found), [(2, "高橋 美咲".to_owned()), (3, "高橋美咲".to_owned())]);
    let document = units(&[(0, "患者 高橋 美咲"), (1, "高橋美咲"), (2, "高橋美咲")]);
    assert_eq!(find(&detector, &document).findings.len(), 3);
}

#[test]
fn a_number_found_once_is_found_however_it_is_written() {
    let detector =
        detector(vec![("tel ", "090-1234-5678", Kind::Phone, None), ("id ", "0012345", Kind::PatientId, None)]);
    let document = units(&[
        (1, "09012345678 と tel 090-1234-5678、(090)1234-5678 は 190-1234-5678 でない"),
        (1, "id 0012345, x0012345, [0012345] 100123456"),
    ]);
    let found = find(&detector, &document);
    let expected = [(0, "09012345678"), (0, "090-1234-5678"), (0, "090)1234-5678"), (1, "0012345"), (1, "0012345")];
    assert_eq!(texts(&document, &found), expected.map(|(part, text)| (part, text.to_owned())));
    assert_eq!(found.findings[0].entity, found.findings[1].entity);
    assert_ne!(found.findings[0].entity, found.findings[3].entity);
}

#[test]
fn encoded_text_is_found_where_it_stands() {
    let detector = detector(vec![name("", "山田太郎")]);
    let document = units(&[
        (1, "?q=%E5%B1%B1%E7%94%B0%E5%A4%AA%E9%83%8E&x=1 と 山 田 太 郎"),
        (1, "5oKj6ICFIOWxseeUsOWkqumDjiDmp5g="),
    ]);
    let found = find(&detector, &document);
    let expected =
        [(0, "%E5%B1%B1%E7%94%B0%E5%A4%AA%E9%83%8E"), (0, "山 田 太 郎"), (1, "5oKj6ICFIOWxseeUsOWkqumDjiDmp5g=")];
    assert_eq!(texts(&document, &found), expected.map(|(part, text)| (part, text.to_owned())));
}

#[test]
fn a_value_split_over_fields_is_found_whole() {
    let detector = detector(vec![("", "03-1234-5678", Kind::Phone, None)]);
    let field = |label: &str, text: &str| Part { label: Some(label.into()), text: text.into(), ..Part::default() };
    let document = Document { parts: vec![field("tel1", "03"), field("tel2", "1234"), field("tel3", "5678")] };
    let found = find(&detector, &document);
    assert_eq!(texts(&document, &found), [(0, "03".to_owned()), (1, "1234".to_owned()), (2, "5678".to_owned())]);
}

#[test]
fn our_tokens_are_left_alone_and_are_no_evidence() {
    let detector = detector(vec![name("患者 ", "山田太郎"), name("", "7K3Q2F9M")]);
    let text = "患者 [患者:7K3Q2F9M]山田太郎";
    let atom = text.find('[').unwrap()..text.find(']').unwrap() + 1;
    let document = Document { parts: vec![Part { text: text.into(), atoms: vec![atom], ..Part::default() }] };
    assert!(find(&detector, &document).findings.is_empty());
}

#[test]
fn two_people_of_one_surname_stay_two() {
    let detector = detector(vec![
        ("", "田中 一郎", Kind::PersonName, Some(Role::Patient)),
        ("", "田中 花子", Kind::PersonName, Some(Role::Staff)),
        ("", "田中先生", Kind::PersonName, Some(Role::Staff)),
    ]);
    let document = units(&[(1, "田中 一郎、田中 花子、田中先生")]);
    let found = find(&detector, &document);
    let entities: Vec<u32> = found.findings.iter().map(|finding| finding.entity.0).collect();
    assert_ne!(entities[0], entities[1]);
}

#[test]
fn dates_belong_to_the_one_patient() {
    let detector = detector(vec![
        ("", "田中 一郎", Kind::PersonName, Some(Role::Patient)),
        ("", "2024-05-01", Kind::CareDate, None),
        ("", "2024-05-09", Kind::CareDate, None),
    ]);
    let document = units(&[(1, "2024-05-01 田中 一郎 2024-05-09")]);
    let found = find(&detector, &document);
    assert!(found.findings.iter().all(|finding| finding.entity == found.findings[1].entity));
}

#[test]
fn limits_fail_closed() {
    let detector = detector(vec![]);
    let document = Document::of(&"あ".repeat(100));
    assert!(detector.find(&document, &mut Fuel::for_bytes(0, 0)).is_ok());
    let mut none = Fuel::for_bytes(0, 0);
    none.burn((1 << 20) - 10).unwrap();
    assert!(matches!(detector.find(&document, &mut none), Err(DetectError::OutOfFuel { .. })));
    let mut small = detector;
    small.settings.max_bytes = 10;
    assert!(matches!(small.find(&document, &mut Fuel::for_bytes(0, 0)), Err(DetectError::TooLong { .. })));
}

#[test]
fn the_version_tells_rules_and_settings_apart() {
    let shipped = Detector::shipped().unwrap();
    let mut settings = Settings::default();
    settings.threshold = 0.4;
    let other = Detector::new(settings, &[]).unwrap();
    assert_eq!(shipped.version().len(), 16);
    assert_ne!(shipped.version(), other.version());
    assert_eq!(shipped.version(), Detector::shipped().unwrap().version());
}
