//! `tsuitate check`: config, rules with their examples, service table; for the shipped files and the hospital's own.
//! Must not know: how a rule is run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Place, Usage, now_ms, out, say, today};
use crate::config::{Config, Service};
use crate::detect::rule;
use crate::forward::Upstream;
use crate::house::{Standing, StandingError, standing};
use crate::keys::Ring;
use crate::list;
use crate::locate::provider::Providers;
use crate::wire::dial::Dialer;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files to check (rules, services or a config); without any: the config and everything that is shipped
    files: Vec<PathBuf>,
    /// The shipped rules and their examples only
    #[arg(long)]
    rules: bool,
    /// List the services
    #[arg(long)]
    services: bool,
}

/// Run it: exit code 1 when something is not right.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn run(arguments: &Arguments, place: &Place) -> anyhow::Result<ExitCode> {
    let mut wrong = 0;
    if arguments.services {
        for provider in standing::providers(&place.config)?.all() {
            out(&format!("{}\t{}\t{}\t{}", provider.id, provider.name, provider.sure, provider.hosts.join(" ")))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.files.is_empty() {
        for (name, text) in rule::shipped() {
            wrong += rules(&name, text)?;
        }
        if !arguments.rules {
            wrong += whole(place)?;
        }
    }
    for path in &arguments.files {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return Err(Usage(format!("{}: {error}", path.display())).into()),
        };
        let name = path.display().to_string();
        wrong += match Contents::of(&text) {
            Contents::Rules => rules(&name, &text)?,
            Contents::Providers => providers(&name, &text)?,
            Contents::Config => match Config::parse(path, &text, today()) {
                Ok(_) => {
                    out(&format!("{name}: a config"))?;
                    0
                }
                Err(error) => {
                    say(&error.to_string());
                    1
                }
            },
        };
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What a file is, by its tables.
#[derive(Debug, PartialEq, Eq)]
enum Contents {
    Rules,
    Providers,
    Config,
}

impl Contents {
    fn of(text: &str) -> Self {
        // A file that is no TOML is read as rules, whose errors say where.
        let Ok(table) = text.parse::<toml::Table>() else { return Self::Rules };
        let has = |keys: &[&str]| keys.iter().any(|key| table.contains_key(*key));
        if has(&["provider", "adapter", "error", "headers"]) {
            Self::Providers
        } else if has(&[
            "gate",
            "service",
            "policy",
            "uses",
            "identify",
            "contact",
            "network",
            "destinations",
            "upstream",
        ]) && !has(&["rule"])
        {
            Self::Config
        } else {
            Self::Rules
        }
    }
}

fn rules(name: &str, text: &str) -> anyhow::Result<u32> {
    match rule::check_file(name, text) {
        Ok(report) => {
            out(&format!(
                "{name}: {} rules, {} examples, {} counter-examples",
                report.rules, report.examples, report.counters
            ))?;
            Ok(0)
        }
        Err(errors) => {
            say(&errors.to_string());
            Ok(1)
        }
    }
}

fn providers(name: &str, text: &str) -> anyhow::Result<u32> {
    let shipped = Providers::shipped().map_err(|error| anyhow::anyhow!("{error}"))?.all().count();
    match Providers::with_files(&[(name, text)]) {
        Ok(all) => {
            out(&format!("{name}: a file of services; {} with it, {shipped} without", all.all().count()))?;
            Ok(0)
        }
        Err(error) => {
            say(&error.to_string());
            Ok(1)
        }
    }
}

/// All that `run` builds before it opens a door.
fn whole(place: &Place) -> anyhow::Result<u32> {
    let config = &place.config;
    let mut wrong = 0;
    // A file was checked when it was read; the embedded defaults are not.
    if place.file.is_none() {
        for problem in config.problems(today()) {
            say(&format!("{}: {}; {}", problem.key, problem.what, problem.cure));
            wrong += 1;
        }
    }
    for note in config.notes(today()) {
        say(&format!("note: {}: {}; {}", note.key, note.what, note.cure));
    }
    // A check makes no ring.
    let ring = match Ring::file(&place.keys_folder()) {
        file if config.detect.list.is_some() && file.exists() => {
            Some(Ring::again(&place.keys_folder(), &config.keys, now_ms())?)
        }
        _ => None,
    };
    let list_keys = ring.as_ref().map(list::Keys::of);
    match Standing::new(config.clone(), &[0; 32], list_keys.as_ref()) {
        Ok(standing) => out(&format!(
            "{}: {} services, rules {}, policy {}",
            place.file.as_ref().map_or_else(|| "embedded defaults".to_owned(), |file| file.display().to_string()),
            standing.providers.all().count(),
            standing.versions.rules,
            standing.versions.policy
        ))?,
        // A file that is not there is no failed check: the config names something else than what is meant.
        Err(error @ (StandingError::File { .. } | StandingError::People(_) | StandingError::List(_))) => {
            return Err(Usage(error.to_string()).into());
        }
        Err(error) => {
            say(&error.to_string());
            wrong += 1;
        }
    }
    let way_out =
        Dialer::new(&config.upstream, &config.gate.limits).map_err(|error| error.to_string()).and_then(|dialer| {
            Upstream::new(&config.upstream, &config.gate.limits, dialer).map_err(|error| error.to_string())
        });
    if let Err(error) = way_out {
        say(&error);
        wrong += 1;
    }
    for service in &config.service {
        out(&register_line(service))?;
    }
    Ok(wrong)
}

/// A line of the service register: what the hospital has written down of a service.
fn register_line(service: &Service) -> String {
    let mut parts = vec![if service.approved { "approved" } else { "not approved" }.to_owned()];
    parts.push(format!("contract {}", serde_json::to_string(&service.contract).unwrap_or_default().trim_matches('"')));
    parts.push(format!("training {}", if service.training_off { "off" } else { "not known to be off" }));
    parts.push(
        service.retention_days.map_or_else(|| "retention not known".to_owned(), |days| format!("kept for {days} days")),
    );
    if !service.region.is_empty() {
        parts.push(format!("in {}", service.region));
    }
    if let Some(day) = service.checked_on {
        let by = if service.checked_by.is_empty() { "nobody named" } else { &service.checked_by };
        parts.push(format!("checked on {day} by {by}"));
    }
    if service.tenant.is_some() {
        parts.push("own account only".to_owned());
    }
    format!("service {}: {}", service.id, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_are_told_apart() {
        assert_eq!(Contents::of("[[provider]]\nid = \"a\"\n"), Contents::Providers);
        assert_eq!(Contents::of("[[rule]]\nid = \"a\"\n"), Contents::Rules);
        assert_eq!(Contents::of("[gate]\n[[service]]\nid = \"openai\"\n"), Contents::Config);
        assert_eq!(Contents::of("this is no TOML"), Contents::Rules);
    }

    #[test]
    fn the_register_is_shown_as_it_was_written_down() {
        let service: Service = toml::from_str(
            "id = \"openai\"\napproved = true\ncontract = \"business\"\ntraining_off = true\nretention_days = 30\n\
             region = \"日本\"\nchecked_on = \"2026-11-24\"\nchecked_by = \"医療情報室\"\n",
        )
        .unwrap();
        assert_eq!(
            register_line(&service),
            "service openai: approved, contract business, training off, kept for 30 days, in 日本, checked on 2026-11-24 by 医療情報室"
        );
        let bare = Service { id: "anthropic".to_owned(), ..Service::default() };
        assert_eq!(
            register_line(&bare),
            "service anthropic: not approved, contract none, training not known to be off, retention not known"
        );
    }
}
