//! `tsuitate check`: config, rules with their examples, service table; for the shipped files and the hospital's own.
//! Must not know: how a rule is run.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{Place, out, say};
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
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
