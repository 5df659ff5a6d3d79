//! The rooms keep to what they may know (ARCHITECTURE.md): `use crate::` lines against a table, and no clock, file,
//! socket or randomness in a pure room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Room → rooms it may import. `gate`, `house` and `cli` see all.
const MAY: [(&str, &[&str]); 20] = [
    ("detect", &[]),
    ("locate", &["detect"]),
    ("unpack", &["locate", "detect"]),
    ("decide", &["detect", "locate"]),
    ("mask", &["decide", "detect", "locate", "unpack"]),
    ("restore", &["mask", "locate", "detect", "refuse"]),
    ("refuse", &["locate", "detect"]),
    ("score", &["detect", "mask"]),
    ("wire", &[]),
    ("accept", &["wire", "ca"]),
    ("ca", &["wire"]),
    ("forward", &["wire", "mask", "locate"]),
    ("portal", &["wire", "ca"]),
    ("identify", &["decide"]),
    ("keys", &["record"]),
    ("list", &["detect", "keys"]),
    ("record", &["decide"]),
    ("store", &["record"]),
    ("telemetry", &["wire"]),
    (
        "config",
        &[
            "accept",
            "wire",
            "ca",
            "detect",
            "forward",
            "identify",
            "keys",
            "mask",
            "restore",
            "decide",
            "locate",
            "telemetry",
        ],
    ),
];
const SEE_ALL: [&str; 4] = ["gate", "house", "cli", "main"];
const PURE: [&str; 8] = ["detect", "locate", "unpack", "decide", "mask", "restore", "refuse", "score"];
const IMPURE: [&str; 13] = [
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::time",
    "std::process",
    "std::thread",
    "std::env",
    "tokio",
    "hyper",
    "getrandom",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
];

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&source, &mut files);
    files
        .into_iter()
        // Test modules in files of their own see what they test.
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name != "tests.rs" && name != "floor_test.rs" && !path.components().any(|part| part.as_os_str() == "tests")
        })
        .map(|path| {
            let inside = path.strip_prefix(&source).unwrap();
            let room =
                inside.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (room, path, text)
        })
        .collect()
}

/// The text without comments and without what follows `#[cfg(test)]`.
fn program(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Rooms named by `crate::room` and by `use crate::{a::…, b}`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            let mut taking = true;
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 1 && (letter.is_alphanumeric() || letter == '_') && taking {
                    word.push(letter);
                } else if depth == 1 && (letter == ',' || letter == '}') {
                    rooms.insert(std::mem::take(&mut word));
                    taking = true;
                } else if !letter.is_whitespace() {
                    taking = false;
                }
                if depth == 0 {
                    rooms.insert(std::mem::take(&mut word));
                    break;
                }
            }
        } else {
            rooms.insert(rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect());
        }
    }
    rooms.remove("");
    rooms
}

#[test]
fn rooms_import_only_what_they_may_know() {
    let may: BTreeMap<&str, &[&str]> = MAY.into_iter().collect();
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if room == "lib" || SEE_ALL.contains(&room.as_str()) {
            continue;
        }
        let Some(allowed) = may.get(room.as_str()) else {
            wrong.push(format!("{}: the room `{room}` is not in the table", path.display()));
            continue;
        };
        for other in imports(&program(&text)) {
            if other != room && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{}: `{room}` must not know `{other}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_have_no_clock_file_socket_or_randomness() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if PURE.contains(&room.as_str()) {
            let text = program(&text);
            for word in IMPURE {
                if text.contains(&format!("{word}::"))
                    || text.contains(&format!("use {word}"))
                    || text.contains(&format!("{word}()"))
                {
                    wrong.push(format!("{}: `{word}` in the pure room `{room}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_mask_makes_a_cleared() {
    for (room, path, text) in sources() {
        if room != "mask" {
            assert!(!program(&text).contains("Cleared {"), "{}: only `mask` makes a `Cleared`", path.display());
        }
    }
}

#[test]
fn there_is_one_tls_provider_and_no_feature_that_opens_a_way_past_the_walk() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for banned in ["aws-lc-sys", "openssl-sys", "native-tls", "sqlx"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} is in Cargo.lock");
    }
    // `arbitrary_precision` and `preserve_order` change how a `Value` behaves: seen, not read from a manifest.
    let number: serde_json::Value = serde_json::from_str("0.70000000000000001").unwrap();
    assert_eq!(number.to_string(), "0.7", "serde_json/arbitrary_precision is on");
    let order: serde_json::Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
    assert_eq!(order.to_string(), r#"{"a":2,"b":1}"#, "serde_json/preserve_order is on");
}
