//! The command line: one file a subcommand. The only room that speaks on the terminal.
//! Exit codes: 0 fine, 1 findings or a failed check, 2 usage or bad config, 3 fault.
//! Must not know: how a room does what it asks of it.

mod ca;
mod check;
pub mod client;
mod demo;
mod keys;
mod list;
mod record;
mod run;
mod scan;
mod score;
pub mod standin;
mod user;
mod watch;
mod words;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::house::StandingError;
use crate::house::open::OpenError;
use crate::list::ListError;

/// 衝立: a local PII-redaction forward proxy for generative-AI calls
#[derive(Parser)]
#[command(name = "tsuitate", version, arg_required_else_help = true)]
struct Arguments {
    /// Config file; else config.toml in the working directory, else embedded defaults
    #[arg(long, global = true, env = "TSUITATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for keys, CA and records
    #[arg(long, global = true, env = "TSUITATE_DATA_DIR", value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gate
    Run,
    /// The gate, a stand-in AI service and example texts; stays up
    Demo(demo::Arguments),
    /// What would be found in a text, and why
    Scan(scan::Arguments),
    /// Figures of detection: gold documents against predictions
    Score(score::Arguments),
    /// Check the config, all rules with their examples, and the service table
    Check(check::Arguments),
    /// The hospital's CA
    #[command(subcommand)]
    Ca(ca::Command),
    /// The key ring
    #[command(subcommand)]
    Keys(keys::Command),
    /// The hospital's own list of people
    #[command(subcommand)]
    List(list::Command),
    /// Accounts of the proxy
    #[command(subcommand)]
    User(user::Command),
    /// The record
    #[command(subcommand)]
    Record(record::Command),
}

/// Where things are: the config and the data folder.
pub(crate) struct Place {
    pub(crate) config: Config,
    /// The file that the config came from; `None` for embedded defaults.
    pub(crate) file: Option<PathBuf>,
    pub(crate) data: PathBuf,
}

impl Place {
    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("tsuitate.db")
    }

    pub(crate) fn keys_folder(&self) -> PathBuf {
        self.data.join("keys")
    }

    pub(crate) fn ca_folder(&self) -> PathBuf {
        self.data.join("ca")
    }

    /// Name of this gate in the chain of its record.
    pub(crate) fn gate_name(&self) -> String {
        if !self.config.records.gate.is_empty() {
            return self.config.records.gate.clone();
        }
        std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|name| name.trim().to_owned())
            .ok()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "gate".to_owned())
    }
}

/// Parse the arguments and run.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = Arguments::command().try_get_matches().and_then(|matches| {
        let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        let given = given("config") || given("data");
        Arguments::from_arg_matches(&matches).map(|arguments| (arguments, given))
    });
    let arguments = match parsed {
        Ok((Arguments { command: Command::Demo(_) | Command::Scan(_) | Command::Score(_), .. }, true)) => {
            say("tsuitate: demo, scan and score read no config and no data folder: leave --config and --data out");
            return ExitCode::from(2);
        }
        Ok((arguments, _)) => arguments,
        Err(error) => {
            // Help and version are no fault; a closed pipe is nobody's.
            let _closed = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let file = arguments.config.clone().or_else(|| Some(PathBuf::from("config.toml")).filter(|path| path.exists()));
    let config = match file.as_deref().map(|path| Config::read(path, today())).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => {
            say(&format!("{error}"));
            return ExitCode::from(2);
        }
    };
    let place = Place { config, file, data: arguments.data };
    match dispatch(arguments.command, &place) {
        Ok(code) => code,
        // Whoever read the output has read enough.
        Err(error)
            if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("tsuitate: {}", told(&error)));
            ExitCode::from(if is_usage(&error) { 2 } else { 3 })
        }
    }
}

/// What was asked for cannot be meant so: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The arguments or the config are at fault, not the machine.
fn is_usage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ConfigError>().is_some()
        || error.downcast_ref::<Usage>().is_some()
        || error.downcast_ref::<StandingError>().is_some()
        || error.downcast_ref::<ListError>().is_some()
        || error.downcast_ref::<OpenError>().is_some_and(OpenError::is_config)
}

/// An error and what lies behind it; nothing is said twice.
fn told(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if line.contains(&text) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&text);
    }
    line
}

fn dispatch(command: Command, place: &Place) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run => run::run(place),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Check(arguments) => check::run(&arguments, place),
        Command::Ca(command) => ca::run(command, place),
        Command::Keys(command) => keys::run(&command, place),
        Command::List(command) => list::run(&command, place),
        Command::User(command) => user::run(command, place),
        Command::Record(command) => record::run(command, place),
    }
}

/// A line on standard output.
pub(crate) fn out(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

/// A line on standard error.
pub(crate) fn say(line: &str) {
    // Nowhere to complain when standard error is closed.
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}

/// Wall clock, ms since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// Today where the machine stands.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date()
}

/// Write a file whole, for its owner alone (0600).
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(bytes)?;
    fresh.as_file().sync_all()?;
    fresh.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let busy = std::io::Error::new(std::io::ErrorKind::AddrInUse, "`gate.listen`: 127.0.0.1:8080 is in use");
        let error = anyhow::Error::from(OpenError::Listen(busy));
        assert_eq!(told(&error), "`gate.listen`: 127.0.0.1:8080 is in use");
        let error = anyhow::anyhow!("no such table").context("the record cannot be read");
        assert_eq!(told(&error), "the record cannot be read: no such table");
    }
}
