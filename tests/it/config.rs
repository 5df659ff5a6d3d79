//! `config.example.toml` lists every key with its default, and is held to the code.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};
use tsuitate::config::Config;

fn today() -> jiff::civil::Date {
    jiff::civil::date(2026, 11, 24)
}

fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).unwrap()
}

/// The example with its commented keys: `#> ` stands before keys without a default and before example tables.
fn uncommented() -> String {
    example().lines().map(|line| line.strip_prefix("#> ").unwrap_or(line).to_owned() + "\n").collect()
}

/// Tables whose keys are the hospital's own words.
const FREE: [&str; 4] = ["detect.thresholds", "upstream.resolve", "mask.lab_ranges", "uses.static[].treatments"];

/// All keys of a table, tables inside it followed: `gate.limits.body`; entries of arrays of tables under `[]`.
fn keys(table: &Table, before: &str, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        match value {
            Value::Table(inner) if !FREE.contains(&path.as_str()) => keys(inner, &path, found),
            Value::Array(items) if items.iter().any(Value::is_table) => {
                for item in items.iter().filter_map(Value::as_table) {
                    keys(item, &format!("{path}[]"), found);
                }
            }
            _ => {
                found.insert(path);
            }
        }
    }
}

/// The keys that the code knows, asked of its own reader: every table is given a key that nobody knows, and the error
/// names those that it would have taken.
fn known(table: &Table) -> BTreeSet<String> {
    fn tables(table: &Table, at: &[Step], found: &mut Vec<Vec<Step>>) {
        found.push(at.to_vec());
        for (key, value) in table {
            let here = [at, &[Step::Key(key.clone())]].concat();
            match value {
                Value::Table(inner) => tables(inner, &here, found),
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        if let Value::Table(inner) = item {
                            tables(inner, &[here.as_slice(), &[Step::Index(index)]].concat(), found);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let mut places = Vec::new();
    tables(table, &[], &mut places);
    let mut all = BTreeSet::new();
    for place in places {
        let path = place.iter().fold(String::new(), |path, step| match step {
            Step::Key(key) if path.is_empty() => key.clone(),
            Step::Key(key) => format!("{path}.{key}"),
            Step::Index(_) => format!("{path}[]"),
        });
        if FREE.contains(&path.as_str()) {
            continue;
        }
        let mut changed = Value::Table(table.clone());
        let mut here = &mut changed;
        for step in &place {
            here = match step {
                Step::Key(key) => &mut here[key.as_str()],
                Step::Index(index) => &mut here[*index],
            };
        }
        here.as_table_mut().unwrap().insert("nobody_knows_this".to_owned(), Value::Boolean(true));
        let text = toml::to_string(&changed).unwrap();
        let said = Config::parse(Path::new("x.toml"), &text, today()).unwrap_err().to_string();
        let list =
            said.split_once("unknown field `nobody_knows_this`, expected").unwrap_or_else(|| panic!("{path}: {said}"));
        let list = list.1.lines().next().unwrap();
        for name in list.split('`').skip(1).step_by(2) {
            all.insert(if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") });
        }
    }
    all
}

/// `policy` of `[policy]`.
fn there(table: &Table, key: &str) -> bool {
    match key.split_once('.') {
        Some((first, rest)) => table.get(first).and_then(Value::as_table).is_some_and(|inner| there(inner, rest)),
        None => table.contains_key(key),
    }
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

#[test]
fn the_example_says_the_defaults_and_every_key() {
    let text = example();
    let config =
        Config::parse(Path::new("config.example.toml"), &text, today()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config, Config::default(), "a value in config.example.toml is not the default");
    let whole: Table = uncommented().parse().unwrap();
    let mut written = BTreeSet::new();
    keys(&whole, "", &mut written);
    let has = |key: &String| {
        let inside = [format!("{key}."), format!("{key}[]")];
        written.iter().any(|path| path == key || inside.iter().any(|inside| path.starts_with(inside)))
            // A table without a key of its own is there by its head.
            || there(&whole, key)
    };
    let known = known(&whole);
    // One of each: plain, without a default, in a table of an array, in a table of that.
    for key in ["gate.limits.body", "telemetry.metrics", "policy.rule[].liftable", "service[].tenant.header"] {
        assert!(known.contains(key), "{key} is not among {known:?}");
    }
    let missing: Vec<_> = known.iter().filter(|key| !has(key)).collect();
    assert!(missing.is_empty(), "config.example.toml lacks {missing:?}");
}

#[test]
fn the_image_reads_a_config_from_its_volume_and_the_one_in_the_readmes_can_be_reached() {
    let read = |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let image = read("Dockerfile");
    assert!(image.contains("TSUITATE_CONFIG=/data/config.toml") && image.contains("VOLUME /data"), "{image}");
    for readme in ["README.md", "README.ja.md"] {
        let text = read(readme);
        let config = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = Config::parse(Path::new(readme), config, today()).unwrap_or_else(|error| panic!("{error}"));
        let http = config.gate.listen.http;
        assert!(!http.is_empty() && http.iter().all(|address| address.ip().is_unspecified()), "{http:?}");
        assert!(image.contains(&format!("EXPOSE {}", http[0].port())), "{http:?}");
    }
}

#[test]
fn the_commented_keys_of_the_example_are_right_too() {
    // `#> ` stands before keys without a default and before example tables.
    let text: String =
        example().lines().map(|line| line.strip_prefix("#> ").unwrap_or(line).to_owned() + "\n").collect();
    let config =
        Config::parse(Path::new("config.example.toml"), &text, today()).unwrap_or_else(|error| panic!("{error}"));
    assert!(!config.network.is_empty() && !config.service.is_empty() && !config.uses.fixed.is_empty());
    assert!(!config.policy.rule.is_empty() && !config.observe.is_empty() && !config.identify.source.is_empty());
    assert!(
        config.telemetry.metrics.is_some() && config.keys.seal_env.is_some() && config.upstream.parent_proxy.is_some()
    );
}

#[test]
fn wrong_files_name_place_and_cure() {
    let wrong = |text: &str| Config::parse(Path::new("config.toml"), text, today()).unwrap_err().to_string();
    let unknown = wrong("[gate.limits]\nbodi = \"1MiB\"\n");
    assert!(
        unknown.contains("gate.limits") && unknown.contains("line 2, column 1") && unknown.contains('^'),
        "{unknown}"
    );
    assert!(unknown.contains("unknown field `bodi`") && unknown.contains("`body`"), "{unknown}");
    let unit = wrong("[gate.limits]\nbody = \"32\"\n");
    assert!(unit.contains("has no unit") && unit.contains("32MiB"), "{unit}");
    let service = wrong("[[service]]\nid = \"opnai\"\n");
    assert!(service.contains("config.toml:2:6") && service.contains("`openai`"), "{service}");
    let open = wrong("[gate.listen]\nhttp = [\"0.0.0.0:8080\"]\n");
    assert!(open.contains("[contact]") && open.contains("[[service]]"), "{open}");
    let floor = wrong("[[policy.rule]]\nid = \"a\"\nkinds = [\"person_name\"]\naction = \"allow\"\n");
    assert!(floor.contains("floor"), "{floor}");
    let observe =
        wrong("[[observe]]\ngroups = [\"a\"]\napprover = \"b\"\nfrom = \"2026-01-01\"\nuntil = \"2026-03-01\"\n");
    assert!(observe.contains("30 days"), "{observe}");
    for tool in ["*", "Bash", "web_search", "mcp__shell__*"] {
        let said = wrong(&format!("[restore]\ntools = [\"karte_write\", \"{tool}\"]\n"));
        assert!(said.contains("restore.tools[1]") && said.contains(tool), "{said}");
    }
    let required = wrong("[identify]\nrequire = true\n");
    assert!(required.contains("identify.require") && required.contains("[[identify.source]]"), "{required}");
}

#[test]
fn no_threshold_lifts_a_floor_or_finds_everything() {
    let parse = |text: &str| Config::parse(Path::new("config.toml"), text, today());
    for text in [
        "threshold = 5.0",
        "threshold = 0.51",
        "threshold = 0.01",
        "threshold = nan",
        "thresholds = { credential = 0.6 }",
        "thresholds = { national_id = 0.95 }",
        "thresholds = { person_name = 0.5 }",
        "thresholds = { phone = inf }",
        "thresholds = { lab_value = 0.96 }",
        "thresholds = { care_date = -1.0 }",
    ] {
        let error = parse(&format!("[detect]\n{text}\n")).expect_err(text).to_string();
        assert!(error.contains("detect.threshold") && error.contains("config.toml:2"), "{error}");
    }
    for text in ["threshold = 0.3", "thresholds = { person_name = 0.3, lab_value = 0.9, care_date = 0.05 }"] {
        parse(&format!("[detect]\n{text}\n")).unwrap_or_else(|error| panic!("{error}"));
    }
    for kind in tsuitate::detect::Kind::ALL {
        let floor = tsuitate::detect::Settings::floor(kind);
        let lifted = tsuitate::decide::floor::identifier(kind) || kind == tsuitate::detect::Kind::Credential;
        assert_eq!(floor, lifted, "{kind:?}");
    }
}
