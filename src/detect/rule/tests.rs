use std::path::Path;

use super::*;

const GOOD: &str = r#"
[[rule]]
id = "t.phone"
kind = "phone"
why = "w"
source = "s"
pattern = '''0[0-9]{2}-[0-9]{4}-[0-9]{4}'''
score = 0.6
[[rule.example]]
text = "は《090-1234-5678》です"
[[rule.counter]]
text = "1090-1234-5678"
why = "longer"
"#;

fn errors(text: &str) -> Vec<RuleError> {
    check_file("t.toml", text).err().map(|errors| errors.0).unwrap_or_default()
}

#[test]
fn every_shipped_rule_keeps_its_examples() {
    let mut rules = 0;
    let mut faults = Vec::new();
    for (name, text) in shipped() {
        match check_file(&name, text) {
            Ok(report) => {
                assert!(report.examples >= report.rules && report.counters >= report.rules);
                rules += report.rules;
            }
            Err(errors) => faults.push(errors.to_string()),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(rules > 0);
}

#[test]
fn shipped_ids_are_unique() {
    if let Err(errors) = load(&shipped()) {
        panic!("{errors}");
    }
}

/// `include_dir!` misses new files of an unchanged build: folder and binary must agree.
#[test]
fn folder_and_binary_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut on_disk = Vec::new();
    for (folder, _) in SHIPPED {
        walk(root, &root.join("patterns").join(folder), &mut on_disk);
    }
    on_disk.sort();
    let embedded: Vec<(String, String)> = shipped().into_iter().map(|(name, text)| (name, text.to_owned())).collect();
    assert_eq!(
        on_disk.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        embedded.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "touch src/detect/rule/mod.rs and build again"
    );
    assert!(on_disk == embedded, "touch src/detect/rule/mod.rs and build again");
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, files);
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn a_good_file_is_counted() {
    assert_eq!(check_file("t.toml", GOOD), Ok(Report { rules: 1, examples: 1, counters: 1 }));
}

#[test]
fn a_misspelt_key_is_shown_with_a_caret() {
    let text = GOOD.replace("score = 0.6", "scoer = 0.6");
    let shown = errors(&text).first().unwrap().to_string();
    assert!(shown.contains("unknown field `scoer`"), "{shown}");
    assert!(shown.contains("--> t.toml:8:1"), "{shown}");
    assert!(shown.contains("8 | scoer = 0.6\n  | ^^^^^"), "{shown}");
}

#[test]
fn all_faults_come_at_once_with_their_places() {
    let text = format!(
        "{}\n{}",
        GOOD.replace("0[0-9]", r"\b0[0-9]").replace("score = 0.6", "score = 6\ncheck = \"mine\""),
        GOOD.replace("t.phone", "Phone").replace("why = \"longer\"", "why = \"\"")
    );
    let found = errors(&text);
    let messages: Vec<&str> = found.iter().map(|error| error.message.as_str()).collect();
    assert!(messages.iter().any(|message| message.contains("Unicode")), "{messages:?}");
    assert!(messages.iter().any(|message| message.contains("a score of 6")), "{messages:?}");
    assert!(messages.iter().any(|message| message.contains("no check is called")), "{messages:?}");
    assert!(messages.iter().any(|message| message.contains("`Phone` is no rule id")), "{messages:?}");
    assert!(messages.iter().any(|message| message.contains("`why` is empty")), "{messages:?}");
    let unicode = found.iter().find(|error| error.message.contains("Unicode")).unwrap();
    assert_eq!((unicode.line, unicode.column, unicode.width), (7, 14, 2));
}

#[test]
fn both_kinds_of_example_are_mandatory_and_run() {
    let none = GOOD.split("[[rule.example]]").next().unwrap();
    assert_eq!(errors(none).len(), 2);
    let moved = GOOD.replace("は《090-1234-5678》です", "は《090-1234》-5678です");
    assert!(errors(&moved).first().unwrap().message.contains("は《090-1234-5678》"));
    let hit = GOOD.replace("\"1090-1234-5678\"", "\"tel 090-1234-5678\"");
    assert!(errors(&hit).first().unwrap().message.contains("must not match"));
}

#[test]
fn an_id_stands_once() {
    let found = errors(&format!("{GOOD}{GOOD}"));
    assert!(found.first().unwrap().message.contains("stands twice"));
}

#[test]
fn a_pattern_too_large_is_refused() {
    let text = GOOD.replace("0[0-9]{2}-[0-9]{4}-[0-9]{4}", r"(?:\p{L}{900}){900}");
    assert!(errors(&text).first().unwrap().message.contains("cannot be compiled"));
}

#[test]
fn a_label_of_a_patients_number_is_one_of_a_number_with_letters_too() {
    let file: toml::Table = include_str!("../../../patterns/identifier/patient.toml").parse().unwrap();
    let labels = |id: &str| -> Vec<String> {
        let rule = file["rule"].as_array().unwrap().iter().find(|rule| rule["id"].as_str() == Some(id)).unwrap();
        rule["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_owned()).collect()
    };
    let code = labels("patient.code");
    let missing: Vec<String> = labels("patient.number").into_iter().filter(|label| !code.contains(label)).collect();
    assert!(missing.is_empty(), "patient.code lacks {missing:?}");
}
