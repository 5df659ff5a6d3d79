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

/// All keys of a table, tables inside it followed: `gate.limits.body`; entries of arrays under `[]`.
fn keys(table: &Table, before: &str, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        match value {
            Value::Table(inner) if path != "detect.thresholds" && path != "upstream.resolve" => {
                keys(inner, &path, found);
            }
            _ => {
                found.insert(path);
            }
        }
    }
}

#[test]
fn the_example_says_the_defaults_and_every_key() {
    let text = example();
    let config =
        Config::parse(Path::new("config.example.toml"), &text, today()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config, Config::default(), "a value in config.example.toml is not the default");
    let mut written = BTreeSet::new();
    keys(&uncommented().parse::<Table>().unwrap(), "", &mut written);
    let mut known = BTreeSet::new();
    keys(&Table::try_from(Config::default()).unwrap(), "", &mut known);
    let missing: Vec<_> = known.iter().filter(|key| !written.contains(*key)).collect();
    assert!(missing.is_empty(), "config.example.toml lacks {missing:?}");
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
}
