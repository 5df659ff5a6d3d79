//! The hospital's list: made at the desk, loaded before the gate is ready, taken up when it changes.

use std::path::Path;

use serde_json::json;
use tsuitate::house::StandingError;
use tsuitate::house::open::OpenError;
use tsuitate::keys::Ring;
use tsuitate::list::{self, Change, Keys, ListError, Options, Roster};

use super::desk::program;
use super::stand::{OPENAI, chat_body, now_ms, post, stand, stand_in, today};

const TABLE: &str = "患者番号,氏名,フリガナ,電話番号\n\
                     50001234,葦津 ろろみ,アシヅ ロロミ,090-1234-5678\n\
                     50001235,砧 いおん,キヌタ イオン,\n50001236,砧 かなた,キヌタ カナタ,\n50001237,砧 そら,キヌタ ソラ,\n";
const NAMES: [&str; 8] = ["葦津", "ろろみ", "アシヅ", "砧", "いおん", "キヌタ", "50001234", "1234-5678"];

/// Exit code, and both outputs together; never a name.
fn said(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = program(folder, arguments);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(!NAMES.iter().any(|name| text.contains(name)), "{text}");
    (output.status.code().unwrap(), text)
}

#[test]
fn a_list_is_made_changed_and_shown_at_the_desk() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let write = |name: &str, text: &str| std::fs::write(here.join(name), text).unwrap();
    write("patients.csv", TABLE);
    let (code, text) = said(here, &["list", "status"]);
    assert!(code == 2 && text.contains("no list yet"), "{text}");
    let (code, text) = said(here, &["list", "import", "patients.csv"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("4 rows: 4 new") && text.contains("list = \"data/people.list\""), "{text}");
    write("config.toml", "[detect]\nlist = \"data/people.list\"\n");
    let (code, text) = said(here, &["list", "show"]);
    assert!(code == 0 && text.contains("4 people") && text.contains("number\t4"), "{text}");
    assert_eq!(said(here, &["check"]).0, 0);
    // A part of the people by mistake for all of them.
    write("one.csv", &TABLE.lines().take(2).collect::<Vec<_>>().join("\n"));
    let (code, text) = said(here, &["list", "import", "one.csv"]);
    assert!(code == 2 && text.contains("from 4 to 1 people") && text.contains("--yes"), "{text}");
    let (code, text) = said(here, &["list", "add", "one.csv"]);
    assert!(code == 0 && text.contains("1 as before") && text.contains("4 people"), "{text}");
    let (code, text) = said(here, &["list", "remove", "one.csv"]);
    assert!(code == 0 && text.contains("1 removed") && text.contains("3 people"), "{text}");
    assert_eq!(said(here, &["list", "import", "one.csv", "--yes"]).0, 0);
    let (code, text) = said(here, &["list", "import", "missing.csv"]);
    assert!(code == 2 && text.contains("missing.csv"), "{text}");
    write("other.csv", "葦津,ろろみ,50001234\n");
    let (code, text) = said(here, &["list", "add", "other.csv"]);
    assert!(code == 2 && text.contains("other.csv, line 1") && text.contains("--column"), "{text}");
    // The gate does not start without its list, nor on one of another ring.
    let list = here.join("data/people.list");
    let whole = std::fs::read(&list).unwrap();
    std::fs::write(&list, &whole[..whole.len() - 1]).unwrap();
    for command in ["check", "run"] {
        let (code, text) = said(here, &[command]);
        assert!(code == 2 && text.contains("import the list again"), "{command}: {text}");
    }
    std::fs::remove_file(&list).unwrap();
    let (code, text) = said(here, &["run"]);
    assert!(code == 2 && text.contains("people.list"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_person_never_leaves_and_a_new_list_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let ring = Ring::open_or_create(&folder.path().join("data/keys"), &tsuitate::keys::Settings::default(), now_ms());
    let keys = Keys::of(&ring.unwrap());
    let (table, file) = (folder.path().join("patients.csv"), folder.path().join("people.list"));
    std::fs::write(&table, TABLE).unwrap();
    let mut roster = Roster::default();
    list::import(&mut roster, Change::Add, &table, &Options::default(), &keys, &|_, _| {}).unwrap();
    roster.write(&file, &keys, now_ms()).unwrap();
    let stand = stand_in(folder, json!({"detect": {"list": file}})).await;
    let text = "要約してください。会議では葦津ろろみの件、Roromi Ashizuの件、番号50001235の件を話した。";
    let line =
        stand.line(None, OPENAI, false).await.send(post("/v1/chat/completions", chat_body(&[("user", text)]))).await;
    assert_eq!(line.unwrap().status, 200);
    let sent =
        stand.standin.received().iter().map(|one| String::from_utf8(one.body.clone()).unwrap()).collect::<Vec<_>>();
    let [sent] = sent.as_slice() else { panic!("{} were sent", sent.len()) };
    assert!(sent.contains("会議では"), "{sent}");
    for word in ["葦津", "ろろみ", "Ashizu", "Roromi", "50001235"] {
        assert!(!sent.contains(word), "{word} left");
    }
    let (opened, _) = stand.newest().await;
    let gate = stand.gate.as_ref().unwrap();
    let before = gate.house.standing();
    assert_eq!(opened["versions"]["list"], json!(before.versions.list), "{opened}");
    assert!(before.versions.list.is_some());
    // Somebody goes.
    let gone = stand.folder.path().join("gone.csv");
    std::fs::write(&gone, "患者番号\n50001234\n").unwrap();
    list::import(&mut roster, Change::Remove, &gone, &Options::default(), &keys, &|_, _| {}).unwrap();
    roster.write(&file, &keys, now_ms()).unwrap();
    gate.take_up(stand.read_again(&json!({})), today()).unwrap();
    let after = gate.house.standing();
    assert_ne!((&before.versions.list, &before.versions.rules), (&after.versions.list, &after.versions.rules));
    assert_ne!(before.version, after.version);
    // A damaged one is not taken up; the old stays.
    std::fs::write(&file, b"TSUITATE LIST").unwrap();
    let error = gate.take_up(stand.read_again(&json!({})), today()).unwrap_err();
    assert!(
        matches!(&error, OpenError::Standing(StandingError::List(ListError::Form { .. } | ListError::Mode { .. }))),
        "{error}"
    );
    assert_eq!(gate.house.standing().versions.list, after.versions.list);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_the_record_says_none() {
    let stand = stand(json!({})).await;
    assert_eq!(stand.gate.as_ref().unwrap().house.standing().versions.list, None);
}
