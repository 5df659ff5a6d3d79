//! Who asks, under which registered use, for which service: what the judge weighs beside the findings.
//! Must not know: how a person was authenticated, where uses are kept.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Treatment;
use crate::detect::{Class, Kind};

/// How surely the person is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Authenticated by a secret over TLS or loopback.
    Authenticated,
    /// Authenticated, but the secret went in the clear (`allow_plain_basic`).
    Claimed,
    /// An account that several people use.
    Shared,
    /// Known by the network only.
    Network,
    #[default]
    Anonymous,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account's name, when there is one.
    pub id: Option<String>,
    pub strength: Strength,
    pub groups: Vec<String>,
    /// The name of the `[[network]]` the client stands in.
    pub network: Option<String>,
    /// That network is marked `ehr = true`.
    pub ehr: bool,
}

impl Person {
    /// A named person: one human, authenticated. Nobody else gets a use that lifts a class.
    #[must_use]
    pub fn named(&self) -> bool {
        self.id.is_some() && matches!(self.strength, Strength::Authenticated | Strength::Claimed)
    }
}

/// Where the request goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// Id of the service (`openai`).
    pub service: String,
    /// The service's endpoint (`chat.completions`); none when unknown and walked by the fallback.
    pub endpoint: Option<String>,
    /// The register approves this service.
    pub approved: bool,
    /// Names of the approved services, for the refusal.
    pub approved_services: Vec<String>,
}

/// Where a use stands (DESIGN §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Draft,
    Trial,
    Review,
    #[default]
    Production,
    ExtraReview,
    Rejected,
    Suspended,
    Expired,
}

impl Stage {
    /// Requests may be made under it.
    #[must_use]
    pub const fn in_force(self) -> bool {
        matches!(self, Stage::Trial | Stage::Production)
    }
}

/// A registered use: `[[uses.static]]`, later the console's store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    pub id: String,
    #[serde(default)]
    pub purpose: String,
    #[serde(default)]
    pub basis: String,
    #[serde(default)]
    pub stage: Stage,
    /// Account names.
    #[serde(default)]
    pub people: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    /// Ids of services.
    pub services: Vec<String>,
    /// Classes that it lifts for a named person.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// How kinds are treated under it, where the policy would use tokens.
    #[serde(default)]
    pub treatments: BTreeMap<Kind, Treatment>,
    /// The last day on which it holds.
    pub until: Date,
    /// Who checks what the AI wrote.
    #[serde(default)]
    pub output_reviewer: Option<String>,
}

impl Use {
    /// Kinds that it asks to keep although nothing keeps them: identifiers and credentials.
    pub fn lifts(&self) -> impl Iterator<Item = Kind> {
        self.treatments
            .iter()
            .filter(|(kind, treatment)| {
                **treatment == Treatment::Keep && (super::floor::identifier(**kind) || **kind == Kind::Credential)
            })
            .map(|(kind, _)| *kind)
    }

    /// May this person use it for this service today?
    #[must_use]
    pub fn holds_for(&self, person: &Person, service: &str, today: Date) -> bool {
        let member = person.id.as_ref().is_some_and(|id| self.people.contains(id))
            || person.groups.iter().any(|group| self.groups.contains(group));
        person.named()
            && member
            && self.stage.in_force()
            && self.until >= today
            && self.services.iter().any(|name| name == service)
    }
}

/// `mode = "observe"` for some groups: what it covers is sent and recorded as observed. Never without an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    pub groups: Vec<String>,
    pub approver: String,
    pub from: Date,
    /// The last day; at most 30 days after `from`.
    pub until: Date,
}

impl Observe {
    /// Most days between `from` and `until`.
    pub const MAX_DAYS: i32 = 30;

    /// An approver is named and the span is at most 30 days.
    #[must_use]
    pub fn valid(&self) -> bool {
        let days = self.from.until(self.until).map(|span| span.get_days());
        !self.approver.trim().is_empty() && days.is_ok_and(|days| (0..=Self::MAX_DAYS).contains(&days))
    }

    /// Does it cover this person today?
    #[must_use]
    pub fn covers(&self, person: &Person, today: Date) -> bool {
        self.valid()
            && self.from <= today
            && today <= self.until
            && person.groups.iter().any(|group| self.groups.contains(group))
    }
}
