//! The program at the desk: what it says of a config, a file and the record, and with which exit code.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use tsuitate::record::Recorder;
use tsuitate::record::recorder::Setup;
use tsuitate::store::Sqlite;

use super::stand::{OPENAI, TARO, events, now_ms, stand};

pub(super) fn program(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tsuitate"))
        .current_dir(folder)
        .env_remove("TSUITATE_CONFIG")
        .env_remove("TSUITATE_DATA_DIR")
        .stdin(Stdio::null())
        .args(arguments)
        .output()
        .unwrap()
}

/// Exit code, and both outputs together.
fn said(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = program(folder, arguments);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn check_says_what_run_would_say_and_faults_of_the_config_are_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let config = here.join("config.toml");
    // What the way out cannot be built from.
    for broken in ["parent_proxy = \"ftp://proxy\"", "extra_roots = [\"missing.pem\"]"] {
        std::fs::write(&config, format!("[upstream]\n{broken}\n[gate.listen]\nhttp = [\"127.0.0.1:0\"]\n")).unwrap();
        let (code, text) = said(here, &["check"]);
        assert_eq!(code, 1, "{broken}: {text}");
        let (code, text) = said(here, &["run"]);
        assert_eq!(code, 2, "{broken}: {text}");
    }
    // Files that are not there.
    for missing in ["rules = [\"missing.toml\"]\n", "[[identify.source]]\ntype = \"basic\"\nfile = \"missing.toml\"\n"]
    {
        std::fs::write(&config, missing).unwrap();
        for command in ["check", "run"] {
            let (code, text) = said(here, &[command]);
            assert_eq!(code, 2, "{command} {missing}: {text}");
            assert_eq!(text.matches("No such file").count(), 1, "said once: {text}");
        }
    }
    // A look at what is not there makes nothing.
    let empty = tempfile::tempdir().unwrap();
    let here = empty.path();
    for (arguments, code) in [
        (&["check", "missing.toml"][..], 2),
        (&["record", "list", "--verdict", "nonsense"], 2),
        (&["record", "list", "--kind", "nonsense"], 2),
        (&["record", "search", "--person", "佐久間"], 2),
        (&["record", "search"], 2),
        (&["record", "list", "--kind", "氏名"], 2),
        (&["scan", "."], 2),
        (&["--data", "x", "scan"], 2),
        (&["demo", "--data", "x"], 2),
    ] {
        let (got, text) = said(here, arguments);
        assert_eq!(got, code, "{arguments:?}: {text}");
    }
    assert!(!here.join("data").exists(), "a look made something");
}

#[test]
fn check_tells_files_apart_by_what_stands_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let write = |name: &str, text: &str| std::fs::write(here.join(name), text).unwrap();
    write(
        "site.toml",
        "[[provider]]\nid = \"our-llm\"\nname = \"院内LLM\"\nhosts = [\"llm.example.lan:8000\"]\nendpoint = [{ method = \"POST\", path = \"/v1/chat/completions\", adapter = \"openai-chat\" }]\n",
    );
    write("bad-site.toml", "[[provider]]\nid = \"our-llm\"\nname = \"院内LLM\"\nhosts = [\"https://llm\"]\n");
    write("gate.toml", "[gate.limits]\nparts = 0\n");
    write("rules.toml", "[[rule]]\nid = \"a\"\n");
    let (code, text) = said(here, &["check", "site.toml"]);
    assert!(code == 0 && text.contains("a file of services"), "{text}");
    let (code, text) = said(here, &["check", "bad-site.toml"]);
    assert!(code == 1 && text.contains("bad-site.toml:4:10"), "{text}");
    let (code, text) = said(here, &["check", "gate.toml"]);
    assert!(code == 1 && text.contains("gate.limits.parts"), "{text}");
    let (code, text) = said(here, &["check", "rules.toml"]);
    assert!(code == 1 && text.contains("rules.toml"), "{text}");
}

#[test]
fn a_text_in_shift_jis_is_scanned_as_the_gate_would_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode("患者番号 0038412 の佐久間 春香様は来週受診されます。");
    std::fs::write(folder.path().join("letter.txt"), bytes).unwrap();
    let (code, text) = said(folder.path(), &["scan", "letter.txt", "--show"]);
    assert!(code == 1 && text.contains("0038412"), "{text}");
}

#[test]
fn a_new_account_that_no_config_names_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let add = |config: &str| {
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        std::fs::write(folder.path().join("password"), "pass-jiro-1\n").unwrap();
        let password = std::fs::File::open(folder.path().join("password")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_tsuitate"))
            .current_dir(folder.path())
            .env_remove("TSUITATE_DATA_DIR")
            .stdin(password)
            .args(["user", "add", "jiro", "--password-stdin"])
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(add("").contains("[[identify.source]]"));
    let named = add("[[identify.source]]\ntype = \"basic\"\nfile = \"data/users.toml\"\n");
    assert!(named.contains("a running gate takes this up") && !named.contains("[[identify.source]]"), "{named}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_says_outcomes_and_finds_a_surname_that_stood_without_a_blank() {
    let mut stand = stand(json!({})).await;
    stand.chat(Some(TARO), &[("user", "患者 佐久間春香様へのお礼状を書いてください。")]).await;
    stand.newest().await;
    let nowhere =
        json!({"model": "demo", "messages": [{"role": "user", "content": "天気は？"}], "user": "電話 090-1234-5678"});
    stand.ask(None, OPENAI, "/v1/files/090-1234-5678/content", nowhere.to_string()).await;
    stand.newest().await;
    let folder = stand.folder.path().to_owned();
    stand.stop().await;
    let (code, text) = said(&folder, &["record", "list"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("回答あり（200）") && text.contains("送信していない（400）"), "{text}");
    for person in ["佐久間", "佐久間春香", "佐久間 春香"] {
        let (code, text) = said(&folder, &["record", "search", "--person", person]);
        assert!(code == 1 && text.contains("1 件"), "{person}: {text}");
    }
    let (_, text) = said(&folder, &["record", "search", "--person", "佐久"]);
    assert!(text.contains("0 件"), "{text}");
    let refused = events(&stand.data()).into_iter().rfind(|event| event["verdict"] == "blocked").unwrap();
    let (_, text) = said(&folder, &["record", "show", refused["record"].as_str().unwrap()]);
    assert!(text.contains("書き換えられない場所の情報　電話・FAX") && text.contains("名前なし"), "{text}");
    assert!(!text.contains("frozen_place") && !text.contains("anonymous") && !text.contains("refused"), "{text}");
    // An export names staff and addresses: for its owner alone, whatever stood there before.
    std::fs::write(folder.join("out.jsonl"), "").unwrap();
    std::fs::set_permissions(folder.join("out.jsonl"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(said(&folder, &["record", "export", "--out", "out.jsonl"]).0, 0);
    let mode = std::fs::metadata(folder.join("out.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A checkpoint can be asked for, whatever the number of events; without new ones there is none.
#[tokio::test(flavor = "multi_thread")]
async fn few_events_are_proven_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("tsuitate.db")).unwrap();
    let setup = Setup {
        gate: "test".to_owned(),
        checkpoint_key: std::sync::Arc::new(ed25519_dalek::SigningKey::from_bytes(&[7; 32])),
        checkpoint_key_id: "c1".to_owned(),
        checkpoint_events: 1000,
        clock: now_ms,
    };
    let (recorder, thread) = Recorder::start(Box::new(store), setup).unwrap();
    let event = tsuitate::record::Event::Interrupted { record: "r".to_owned() };
    recorder.append(vec![event], Vec::new()).await.unwrap();
    recorder.checkpoint().await.unwrap();
    recorder.checkpoint().await.unwrap();
    drop(recorder);
    thread.join().unwrap();
    let words: Vec<String> =
        events(folder.path()).iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(words, ["interrupted", "checkpoint"]);
}
