//! What a config must not say although every key has the right type: numbers out of bounds, names that nobody has,
//! actions that are not there yet, uses that ask for what no use gets.
//! Must not know: what a room does with its settings.

use super::{Config, Problem, nearest};
use crate::decide::RuleAction;
use crate::locate::provider::Providers;

/// The JSON readers go no deeper.
const JSON_DEPTH: usize = 127;

impl Config {
    /// Every service that can be named: the shipped ones and those of the config's own files; `None` when one of these
    /// cannot be read, which is said where they are loaded.
    pub(super) fn services(&self) -> Option<Vec<String>> {
        let files = self
            .destinations
            .providers
            .iter()
            .map(|path| std::fs::read_to_string(path).map(|text| (path.display().to_string(), text)))
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let providers = Providers::with_files(&files).ok()?;
        Some(providers.all().map(|provider| provider.id.clone()).collect())
    }

    /// Names of services that nobody has: the register, the uses and the rules name them.
    pub(super) fn unknown_services(&self, found: &mut Vec<Problem>) {
        let Some(known) = self.services() else { return };
        let mut check = |key: String, id: &str| {
            if !known.iter().any(|service| service == id) {
                let near = nearest(id, known.iter().map(String::as_str));
                found.push(Problem::new(
                    key,
                    format!("no such service `{id}`"),
                    format!("the nearest is `{near}`; `tsuitate check --services` lists all"),
                ));
            }
        };
        for (index, service) in self.service.iter().enumerate() {
            check(format!("service[{index}].id"), &service.id);
        }
        for (index, using) in self.uses.fixed.iter().enumerate() {
            for (place, id) in using.services.iter().enumerate() {
                check(format!("uses.static[{index}].services[{place}]"), id);
            }
        }
        for (index, rule) in self.policy.rule.iter().enumerate() {
            for (place, id) in rule.services.iter().enumerate() {
                check(format!("policy.rule[{index}].services[{place}]"), id);
            }
        }
    }

    /// Actions that are not there yet, and uses that would lift what nothing lifts.
    pub(super) fn beyond(&self, found: &mut Vec<Problem>) {
        for (index, rule) in self.policy.rule.iter().enumerate() {
            if rule.action == RuleAction::Hold {
                found.push(Problem::new(
                    format!("policy.rule[{index}].action"),
                    format!("rule `{}`: \"hold\" is not there yet: nobody could release what is held", rule.id),
                    "write action = \"block\"; an approved use ([[uses.static]]) lets a class through for those who need it",
                ));
            }
        }
        for (index, using) in self.uses.fixed.iter().enumerate() {
            for kind in using.lifts() {
                found.push(Problem::new(
                    format!("uses.static[{index}].treatments"),
                    format!("use `{}`: `{}` is never kept, whatever a use says", using.id, kind.as_str()),
                    "write token, generalise or redact, or leave it out",
                ));
            }
        }
    }

    /// Numbers out of their bounds.
    pub(super) fn out_of_bounds(&self, found: &mut Vec<Problem>) {
        let limits = &self.gate.limits;
        let counts = [
            ("connections", limits.connections),
            ("requests_in_flight", limits.requests_in_flight),
            ("streams_per_connection", limits.streams_per_connection as usize),
            ("header_bytes", limits.header_bytes.bytes()),
            ("header_count", limits.header_count),
            ("sniff_bytes", limits.sniff_bytes.bytes()),
            ("body", limits.body.bytes()),
            ("buffered_total", limits.buffered_total.bytes()),
            ("decoded", limits.decoded.bytes()),
            ("ratio", limits.ratio as usize),
            ("json_depth", limits.json_depth),
            ("json_values", limits.json_values),
            ("parts", limits.parts),
            ("text", limits.text.bytes()),
            ("texts", limits.texts),
            ("upstream_header_bytes", limits.upstream_header_bytes.bytes()),
        ];
        for (key, value) in counts {
            if value == 0 {
                found.push(Problem::new(
                    format!("gate.limits.{key}"),
                    "0 would let nothing pass",
                    "write 1 or more; config.example.toml has the default",
                ));
            }
        }
        let most = [
            ("json_depth", limits.json_depth, JSON_DEPTH),
            ("layers", limits.layers, 16),
            ("codings", limits.codings, 8),
        ];
        for (key, value, most) in most {
            if value > most {
                found.push(Problem::new(
                    format!("gate.limits.{key}"),
                    format!("{value} is more than {most}, which is as deep as bodies are read"),
                    format!("write {most} or less"),
                ));
            }
        }
        if !(1..=2).contains(&self.detect.decode_depth) {
            found.push(Problem::new(
                "detect.decode_depth",
                format!("{} layers: with none, Base64 and escapes would go out unread", self.detect.decode_depth),
                "write 1 or 2",
            ));
        }
        if limits.body > limits.buffered_total {
            found.push(Problem::new(
                "gate.limits.body",
                format!("one body may be larger than all together (buffered_total = {})", limits.buffered_total),
                "raise gate.limits.buffered_total, or lower this",
            ));
        }
        if let Err(what) = self.telemetry.directives() {
            found.push(Problem::new(
                "telemetry.log",
                what,
                "write error, warn, info, debug or trace; for single parts: \"info,tsuitate::forward=debug\"",
            ));
        }
    }

    /// What holds no longer: it is said, and nothing is stopped for it.
    #[must_use]
    pub fn notes(&self, today: jiff::civil::Date) -> Vec<Problem> {
        let mut found = Vec::new();
        for (index, using) in self.uses.fixed.iter().enumerate() {
            if using.until < today {
                found.push(Problem::new(
                    format!("uses.static[{index}].until"),
                    format!("the use `{}` ended on {}: nobody gets it any more", using.id, using.until),
                    "renew it, or take it out",
                ));
            }
        }
        for (index, observe) in self.observe.iter().enumerate() {
            if observe.until < today {
                found.push(Problem::new(
                    format!("observe[{index}].until"),
                    format!("observing ended on {}", observe.until),
                    "take it out",
                ));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 24);

    fn wrong(text: &str) -> String {
        match Config::parse(Path::new("config.toml"), text, TODAY) {
            Ok(_) => panic!("accepted: {text}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn hold_is_refused_with_what_to_write_instead() {
        let shown = wrong("[[policy.rule]]\nid = \"chart\"\nclasses = [\"chart_text\"]\naction = \"hold\"\n");
        assert!(shown.contains("config.toml:4:10"), "{shown}");
        assert!(shown.contains("not there yet") && shown.contains("write action = \"block\""), "{shown}");
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        for (key, value, word) in [
            ("json_depth", "100000", "127"),
            ("json_depth", "0", "1 or more"),
            ("parts", "0", "1 or more"),
            ("layers", "17", "16"),
            ("codings", "9", "8"),
            ("text", "\"0KiB\"", "1 or more"),
            ("body", "\"512MiB\"", "buffered_total"),
        ] {
            let shown = wrong(&format!("[gate.limits]\n{key} = {value}\n"));
            assert!(shown.contains(&format!("gate.limits.{key}")) && shown.contains(word), "{shown}");
            assert!(shown.contains("config.toml:2:"), "{shown}");
        }
    }

    #[test]
    fn encoded_text_is_always_read() {
        for depth in [0, 3] {
            let shown = wrong(&format!("[detect]\ndecode_depth = {depth}\n"));
            assert!(shown.contains("detect.decode_depth") && shown.contains("write 1 or 2"), "{shown}");
            assert!(shown.contains("config.toml:2:"), "{shown}");
        }
        assert!(Config::parse(Path::new("c"), "[detect]\ndecode_depth = 1\n", TODAY).is_ok());
    }

    #[test]
    fn a_log_level_that_is_none_is_refused() {
        for level in ["verbose", "info,tsuitate=loud", ""] {
            let shown = wrong(&format!("[telemetry]\nlog = \"{level}\"\n"));
            assert!(shown.contains("telemetry.log") && shown.contains("debug or trace"), "{shown}");
        }
        for level in ["info", "off", "warn,tsuitate::forward=debug"] {
            assert!(
                Config::parse(Path::new("c"), &format!("[telemetry]\nlog = \"{level}\"\n"), TODAY).is_ok(),
                "{level}"
            );
        }
    }

    #[test]
    fn names_that_nobody_has_and_floors_are_refused_in_uses_and_rules() {
        let uses = |services: &str, treatments: &str| {
            format!("[[uses.static]]\nid = \"a\"\nservices = [\"{services}\"]\nuntil = \"2027-03-31\"\n{treatments}")
        };
        let shown = wrong(&uses("opnai", ""));
        assert!(shown.contains("config.toml:3:13") && shown.contains("the nearest is `openai`"), "{shown}");
        let shown = wrong("[[policy.rule]]\nid = \"a\"\nservices = [\"opnai\"]\naction = \"block\"\n");
        assert!(shown.contains("policy.rule[0].services[0]"), "{shown}");
        let shown = wrong(&uses("openai", "treatments = { person_name = \"keep\" }\n"));
        assert!(shown.contains("`person_name` is never kept"), "{shown}");
        let lab = uses("openai", "treatments = { lab_value = \"keep\" }\n");
        assert!(Config::parse(Path::new("c"), &lab, TODAY).is_ok());
    }

    #[test]
    fn what_ended_is_noted_and_stops_nobody() {
        let text = "[[uses.static]]\nid = \"a\"\nservices = [\"openai\"]\nuntil = \"2026-11-23\"\n";
        let config = Config::parse(Path::new("c"), text, TODAY).unwrap();
        assert_eq!(config.notes(TODAY).len(), 1);
        assert!(config.notes(TODAY)[0].what.contains("2026-11-23"));
        assert!(config.notes(jiff::civil::date(2026, 11, 23)).is_empty());
    }
}
