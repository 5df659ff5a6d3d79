//! `tsuitate check`: config, rules with their examples, service table; for the shipped files and the hospital's own.
//! Must not know: how a rule is run.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{Place, out, say};
use crate::config::Service;
use crate::detect::rule;
use crate::house::Standing;
use crate::house::standing::providers;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rule files to check; without any: the config and everything that is shipped
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
        for provider in providers(&place.config)?.all() {
            out(&format!("{}\t{}\t{}\t{}", provider.id, provider.name, provider.sure, provider.hosts.join(" ")))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let own = arguments
        .files
        .iter()
        .map(|path| {
            std::fs::read_to_string(path)
                .map(|text| (path.display().to_string(), text))
                .with_context(|| path.display().to_string())
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let shipped = rule::shipped();
    let files: Vec<(&str, &str)> = if own.is_empty() {
        shipped.iter().map(|(name, text)| (name.as_str(), *text)).collect()
    } else {
        own.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
    };
    for (name, text) in files {
        match rule::check_file(name, text) {
            Ok(report) => out(&format!(
                "{name}: {} rules, {} examples, {} counter-examples",
                report.rules, report.examples, report.counters
            ))?,
            Err(errors) => {
                say(&errors.to_string());
                wrong += 1;
            }
        }
    }
    if own.is_empty() && !arguments.rules {
        match Standing::new(place.config.clone(), &[0; 32]) {
            Ok(standing) => out(&format!(
                "{}: {} services, rules {}, policy {}",
                place.file.as_ref().map_or_else(|| "embedded defaults".to_owned(), |file| file.display().to_string()),
                standing.providers.all().count(),
                standing.versions.rules,
                standing.versions.policy
            ))?,
            Err(error) => {
                say(&format!("{error}"));
                wrong += 1;
            }
        }
        for service in &place.config.service {
            out(&register_line(service))?;
        }
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
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
