use std::sync::LazyLock;

use super::*;
use crate::detect::document::Author;
use crate::detect::kind::{Kind, Role};
use crate::detect::text::Text;

static NAMES: LazyLock<Names> = LazyLock::new(|| Names::shipped().unwrap_or_else(|error| panic!("{error}")));

fn find(text: &str, label: Option<&str>) -> Vec<(String, Option<Role>, f32)> {
    let text = Text::new(text);
    let mut out = Output::default();
    let mut fuel = Fuel::for_bytes(text.original().len(), 4000);
    NAMES.find(View { text: &text, label, author: Author::User }, &mut fuel, &mut out).unwrap();
    out.candidates
        .iter()
        .map(|c| {
            assert_eq!(c.kind, Kind::PersonName);
            (text.original()[text.to_original(c.range.clone())].to_owned(), c.role, c.confidence)
        })
        .collect()
}

fn surfaces(text: &str) -> Vec<String> {
    find(text, None).into_iter().map(|(name, ..)| name).collect()
}

/// `<…>` marks names in the sentences of `cues.toml`; `<r@example.com>` is a mail address.
fn marked(example: &str) -> (String, Vec<String>) {
    let (mut text, mut names) = (String::new(), Vec::new());
    for (at, piece) in example.split('<').enumerate() {
        match piece.split_once('>') {
            Some((name, rest)) if at > 0 && !name.contains('@') => {
                names.push(name.to_owned());
                text.push_str(name);
                text.push_str(rest);
            }
            _ => {
                if at > 0 {
                    text.push('<');
                }
                text.push_str(piece);
            }
        }
    }
    (text, names)
}

#[test]
fn sentences_of_the_cues_hold() {
    let mut wrong = Vec::new();
    for group in &NAMES.cues.groups {
        for example in &group.example {
            let (text, names) = marked(example);
            let found = surfaces(&text);
            if names.iter().any(|name| !found.contains(name)) {
                wrong.push(format!("{}: {example}: found {found:?}", group.id));
            }
        }
        for counter in &group.counter {
            let found = surfaces(counter);
            if !found.is_empty() {
                wrong.push(format!("{}: counter {counter}: found {found:?}", group.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_field_is_taken_whole() {
    let names = |text, label| find(text, Some(label)).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
    assert_eq!(names("榎田　美穂様", "氏名"), ["榎田　美穂"]);
    assert_eq!(names("Thandiwe Nkosi", "patientName"), ["Thandiwe Nkosi"]);
    assert_eq!(names("榎田 美穂(エノキダ ミホ)", "患者氏名"), ["榎田 美穂", "エノキダ ミホ"]);
    assert_eq!(names("COLBORNE, Harriet", "full_name"), ["COLBORNE, Harriet"]);
    assert!(names("不明", "氏名").is_empty());
    assert_eq!(find("楠田", Some("主治医")).first().and_then(|found| found.1), Some(Role::Staff));
}

#[test]
fn a_name_ends_where_the_next_label_begins() {
    for text in ["氏名: 山田太郎 電話: 090-0000-0000", "小林明美 年齢 34", "山田太郎 住所: 東京都"]
    {
        assert!(["山田太郎", "小林明美"].contains(&surfaces(text)[0].as_str()), "{text}: {:?}", surfaces(text));
    }
    assert_eq!(surfaces("山田 太郎 様"), ["山田 太郎"]);
    assert_eq!(surfaces("看護師の中西です。担当の佐伯さん"), ["中西", "佐伯"]);
}

#[test]
fn roles_follow_the_words_around() {
    let role = |text: &str| find(text, None).first().and_then(|found| found.1);
    assert_eq!(role("主治医：楠田"), Some(Role::Staff));
    assert_eq!(role("患者氏名：榎田 美穂"), Some(Role::Patient));
    assert_eq!(role("長男 堀之内 誠（同居）"), Some(Role::Family));
}

#[test]
fn scratch_that_is_kept_holds_no_letters() {
    find("山田太郎様", None);
    let spare = NAMES.spare();
    assert!(spare.iter().all(|scratch| scratch.window.letters.is_empty()));
}

#[test]
fn evidence_never_holds_the_name() {
    let text = Text::new("患者氏名：榎田 美穂　主治医 楠田 Patient: Harriet Colborne");
    let mut out = Output::default();
    NAMES
        .find(View { text: &text, label: None, author: Author::User }, &mut Fuel::for_bytes(100, 4000), &mut out)
        .unwrap();
    assert!(out.candidates.len() >= 3);
    for candidate in &out.candidates {
        assert!(!candidate.evidence.is_empty());
        for evidence in &candidate.evidence {
            for part in ["榎田", "美穂", "楠田", "Harriet", "Colborne"] {
                assert!(!evidence.note.contains(part), "{}", evidence.note);
            }
        }
    }
}

#[test]
fn spans_map_back_to_what_was_written() {
    assert_eq!(surfaces("氏名：渡邉\u{e0102}　大輔様"), ["渡邉\u{e0102}　大輔"]);
    assert_eq!(surfaces("患者：ｺﾞﾄｳ ﾐｻｷ様"), ["ｺﾞﾄｳ ﾐｻｷ"]);
}

#[test]
fn blocks_do_not_cut_names() {
    // The name lies across every possible block edge in turn.
    for lead in (BLOCK / 3 - 12)..(BLOCK / 3 + 4) {
        let text = format!("{}患者氏名：榎田 美穂様{}", "あ".repeat(lead), "い".repeat(50));
        assert_eq!(surfaces(&text), ["榎田 美穂"], "{lead}");
    }
}

#[test]
fn hostile_runs_stay_linear() {
    for unit in ["佐藤", "さとう", "サトウ", "0123456789", "A.B.", "田^", "John ", "・ア", "谷 "] {
        let burnt = |bytes: usize| {
            let text = Text::new(&unit.repeat(bytes / unit.len()));
            let mut fuel = Fuel::for_bytes(bytes, 4000);
            NAMES
                .find(View { text: &text, label: None, author: Author::User }, &mut fuel, &mut Output::default())
                .unwrap();
            fuel.burnt()
        };
        assert!(burnt(40_000) <= burnt(20_000) * 2 + 1000, "{unit}");
    }
}
