//! The config: TOML file → checked settings. Each room owns its settings; this one only composes them (DESIGN §9).
//! Unknown keys are refused; every error says file, line, column, what is allowed and what to do.
//! Must not know: what a room does with its settings.

mod bounds;
mod problem;
mod service;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use problem::{ConfigError, Problem};
pub use service::{Contract, Service, Tenant};

use crate::decide::{Observe, PolicySettings, UnknownHosts, Use};
use crate::wire::units::{Size, Time};
use crate::{accept, ca, detect, forward, identify, keys, mask, restore, telemetry};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The hospital's own rule files, in the form of `patterns/`.
    pub rules: Vec<PathBuf>,
    pub gate: accept::Settings,
    pub ca: ca::Settings,
    pub keys: keys::Settings,
    pub upstream: forward::Settings,
    pub network: Vec<identify::Network>,
    pub identify: identify::Settings,
    pub contact: Contact,
    pub destinations: Destinations,
    pub service: Vec<Service>,
    pub detect: detect::Settings,
    pub policy: PolicySettings,
    /// `[[observe]]`: groups whose requests are looked at and not stopped, for a while.
    pub observe: Vec<Observe>,
    pub mask: mask::Settings,
    pub restore: Restore,
    pub records: Records,
    pub uses: Uses,
    pub telemetry: telemetry::Settings,
}

/// `[contact]`: whom people call when they are stopped. Required off loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contact {
    pub name: String,
    pub extension: String,
    pub hours: String,
}

impl Contact {
    /// One line for a refusal; empty when nobody is named.
    #[must_use]
    pub fn line(&self) -> String {
        [
            self.name.clone(),
            if self.extension.is_empty() { String::new() } else { format!("内線 {}", self.extension) },
            self.hours.clone(),
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("、")
    }
}

/// `[destinations]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Destinations {
    /// Hosts that are no AI service: `tunnel` unopened, or `deny`.
    pub unknown: UnknownHosts,
    /// More provider files, in the form of `patterns/providers/`.
    pub providers: Vec<PathBuf>,
}

impl Default for Destinations {
    fn default() -> Self {
        Self { unknown: UnknownHosts::Tunnel, providers: Vec::new() }
    }
}

/// `[restore]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Restore {
    /// Tools whose arguments are restored; `*` at the end stands for any rest. Never a shell, fetch, search or mail tool.
    pub tools: Vec<String>,
    /// Mark restored lab values that the AI did not see.
    pub blind_mark: bool,
    /// Longest event of a streamed answer.
    pub event: Size,
    /// Longest answer that is not streamed.
    pub body: Size,
    /// Texts that may be open in one stream at once.
    pub open: usize,
    /// Answer text that is remembered, so that it goes back as it came.
    pub memory: Size,
}

impl Default for Restore {
    fn default() -> Self {
        let shipped = restore::Settings::default();
        Self {
            tools: shipped.tools,
            blind_mark: shipped.blind_mark,
            event: Size(shipped.event_limit as u64),
            body: Size(shipped.body_limit as u64),
            open: shipped.open_limit,
            memory: Size(shipped.memory_limit as u64),
        }
    }
}

impl Restore {
    /// As the room takes them.
    #[must_use]
    pub fn settings(&self) -> restore::Settings {
        restore::Settings {
            tools: self.tools.clone(),
            blind_mark: self.blind_mark,
            event_limit: self.event.bytes(),
            body_limit: self.body.bytes(),
            open_limit: self.open,
            memory_limit: self.memory.bytes(),
            ..restore::Settings::default()
        }
    }
}

/// `[records]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// Name of this gate in the chain; the host's name when empty.
    pub gate: String,
    /// Events between two signed checkpoints.
    pub checkpoint_events: u64,
    /// How long bodies are kept; their hashes stay.
    pub keep: Time,
}

impl Default for Records {
    fn default() -> Self {
        Self { gate: String::new(), checkpoint_events: 1000, keep: Time::secs(5 * 365 * 86_400) }
    }
}

/// `[uses]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Uses {
    /// `[[uses.static]]`.
    #[serde(rename = "static")]
    pub fixed: Vec<Use>,
}

impl Config {
    /// Read and check a file.
    ///
    /// # Errors
    /// All that is wrong with it, with places.
    pub fn read(path: &Path, today: jiff::civil::Date) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
        Self::parse(path, &text, today)
    }

    /// The same for a text; `path` stands in errors.
    ///
    /// # Errors
    /// All that is wrong with it, with places.
    pub fn parse(path: &Path, text: &str, today: jiff::civil::Date) -> Result<Self, ConfigError> {
        let shape = |key: String, source: toml::de::Error| ConfigError::Shape {
            path: path.to_owned(),
            key,
            source: Box::new(source),
        };
        let deserializer = toml::Deserializer::parse(text).map_err(|error| shape(".".to_owned(), error))?;
        let config: Self = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let key = error.path().to_string();
            let mut source = error.into_inner();
            source.set_input(Some(text));
            shape(key, source)
        })?;
        let problems = config.problems(today);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Meaning { path: path.to_owned(), text: text.to_owned(), problems })
        }
    }

    /// Nobody but this machine reaches the gate.
    #[must_use]
    pub fn loopback_only(&self) -> bool {
        let listen = &self.gate.listen;
        listen.http.iter().chain(&listen.tls).all(|address| address.ip().is_loopback())
    }

    /// What cannot be meant so.
    #[must_use]
    pub fn problems(&self, today: jiff::civil::Date) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.gate.listen.http.is_empty() && self.gate.listen.tls.is_empty() {
            found.push(Problem::new(
                "gate.listen",
                "the gate listens nowhere",
                "write http = [\"127.0.0.1:8080\"] under [gate.listen]",
            ));
        }
        if !self.loopback_only() {
            if self.contact.name.trim().is_empty() {
                found.push(Problem::new(
                    "gate.listen",
                    "the gate is reachable from other machines, and nobody is named whom stopped people can call",
                    "write [contact] with name, extension and hours",
                ));
            }
            if self.service.is_empty() {
                found.push(Problem::new(
                    "gate.listen",
                    "the gate is reachable from other machines, and no AI service is approved",
                    "write a [[service]] for each service that the hospital has checked",
                ));
            }
        }
        self.unknown_services(&mut found);
        self.beyond(&mut found);
        self.out_of_bounds(&mut found);
        let mut ids: Vec<&str> = self.service.iter().map(|service| service.id.as_str()).collect();
        ids.sort_unstable();
        for pair in ids.windows(2) {
            if let [one, other] = pair
                && one == other
            {
                found.push(Problem::new("service", format!("`{one}` stands twice"), "keep one of them"));
            }
        }
        for (index, service) in self.service.iter().enumerate() {
            if service.approved && service.checked_on.is_none() {
                found.push(Problem::new(
                    format!("service[{index}].approved"),
                    format!("`{}` is approved, and nobody says when its terms were checked", service.id),
                    "write checked_on = 2026-11-24 and checked_by",
                ));
            }
            if service.checked_on.is_some_and(|checked| checked > today) {
                found.push(Problem::new(
                    format!("service[{index}].checked_on"),
                    "this day has not come yet",
                    "write the day of the check",
                ));
            }
        }
        found.extend(self.detect_problems());
        if self.identify.require && self.identify.source.is_empty() {
            found.push(Problem::new(
                "identify.require",
                "an account is required, and no source of accounts is named: nobody could pass",
                "write an [[identify.source]], or require = false",
            ));
        }
        for (index, tool) in self.restore.tools.iter().enumerate() {
            if let Err(why) = restore::tools::check(tool) {
                found.push(Problem::new(
                    format!("restore.tools[{index}]"),
                    format!("`{tool}`: {why}"),
                    "name tools that read or write files on the user's own machine, one by one",
                ));
            }
        }
        for (index, observe) in self.observe.iter().enumerate() {
            if !observe.valid() {
                found.push(Problem::new(
                    format!("observe[{index}]"),
                    format!(
                        "observing needs an approver's name and at most {} days from `from` to `until`",
                        Observe::MAX_DAYS
                    ),
                    "name the approver and shorten the span",
                ));
            }
        }
        if let Err(error) = crate::decide::Policy::new(&self.policy) {
            found.push(Problem::new(
                "policy.rule",
                error.to_string(),
                "see the shipped policy in patterns/treatment/policy.toml",
            ));
        }
        found
    }

    /// Thresholds that would let through what nothing may lift, or everything.
    fn detect_problems(&self) -> Vec<Problem> {
        type Detect = detect::Settings;
        let (least, most) = (*Detect::RANGE.start(), *Detect::RANGE.end());
        let shipped = Detect::default().threshold;
        let general = ("detect.threshold".to_owned(), self.detect.threshold, shipped, "a threshold".to_owned());
        let kinds = self.detect.thresholds.iter().map(|(kind, value)| {
            let most_allowed = if Detect::floor(*kind) { Detect::shipped(*kind) } else { most };
            (format!("detect.thresholds.{}", kind.as_str()), *value, most_allowed, format!("that of {}", kind.as_str()))
        });
        std::iter::once(general)
            .chain(kinds)
            .filter(|(_, value, most_allowed, _)| !(least..=*most_allowed).contains(value))
            .map(|(key, value, most_allowed, whose)| {
                Problem::new(
                    key,
                    format!(
                        "{value} is not allowed: {whose} is {least} to {most_allowed}; for credentials, My Number and \
                         identifiers of people it may be lowered, never raised"
                    ),
                    "leave it out for the shipped value; care_date, age and lab_value may be raised one by one under \
                     [detect.thresholds]",
                )
            })
            .collect()
    }
}

/// The word that is the fewest edits away.
fn nearest<'a>(word: &str, all: impl Iterator<Item = &'a str>) -> String {
    all.min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate)).unwrap_or("").to_owned()
}
