//! The policy: rules from the config before the shipped ones, first match wins.
//! `PolicySettings` (as written) → `Policy` (checked). Must not know: findings' texts, persons' secrets.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Treatment;
use super::floor;
use super::who::{Destination, Person, Stage, Use};
use crate::detect::{Class, Finding, Kind, Passage};

/// `[policy]` of the config.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// Stand before the shipped rules.
    #[serde(default)]
    pub rule: Vec<RuleSettings>,
}

/// `[[policy.rule]]`: an empty list matches anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    pub id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
    /// Of a passage: a secrecy marking stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<bool>,
    /// At least this confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    pub action: RuleAction,
    /// For `mask`; `token` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<Treatment>,
    /// For `block` and `hold` of a class: an approved use that names the class lifts it.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub liftable: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
fn is_true(value: &bool) -> bool {
    *value
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    Allow,
    Mask,
    Hold,
    Block,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    #[error("policy rule `{id}`: the id stands twice; ids are unique")]
    Twice { id: String },
    #[error("policy rule {index}: the id is empty; name it, refusals and records cite it")]
    NoId { index: usize },
    #[error(
        "policy rule `{id}`: `{kind}` is a floor and cannot be allowed or kept; take `mask` with token, generalise or redact, or `block`"
    )]
    Floor { id: String, kind: &'static str },
    #[error("policy rule `{id}`: `treatment` goes with `action = \"mask\"` only")]
    Treatment { id: String },
    #[error("policy rule `{id}`: `treatment` is for kinds; a class is masked by what it contains")]
    ClassTreatment { id: String },
    #[error("policy rule `{id}`: kinds and classes stand in one rule; write two rules")]
    Mixed { id: String },
    #[error("policy rule `{id}`: `confidence` is between 0 and 1")]
    Confidence { id: String },
    #[error("the shipped policy cannot be read: {0}")]
    Shipped(String),
}

static SHIPPED: LazyLock<Result<PolicySettings, String>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../patterns/treatment/policy.toml")).map_err(|error| error.message().to_owned())
});

/// A checked policy.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<RuleSettings>,
}

/// What stands around a finding or passage.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) person: &'a Person,
    pub(super) destination: &'a Destination,
    pub(super) using: Option<&'a Use>,
}

impl Policy {
    /// The given rules, then the shipped ones.
    ///
    /// # Errors
    /// When a rule contradicts itself or a floor.
    pub fn new(settings: &PolicySettings) -> Result<Self, PolicyError> {
        let shipped = SHIPPED.as_ref().map_err(|error| PolicyError::Shipped(error.clone()))?;
        let rules: Vec<RuleSettings> = settings.rule.iter().chain(&shipped.rule).cloned().collect();
        let mut seen = std::collections::HashSet::new();
        for (index, rule) in rules.iter().enumerate() {
            check(index, rule)?;
            if !seen.insert(rule.id.as_str()) {
                return Err(PolicyError::Twice { id: rule.id.clone() });
            }
        }
        Ok(Self { rules })
    }

    /// The first rule for a finding.
    pub(super) fn for_finding(&self, scene: Scene<'_>, finding: &Finding) -> Option<&RuleSettings> {
        self.rules.iter().find(|rule| {
            rule.classes.is_empty()
                && rule.marked.is_none()
                && (rule.kinds.is_empty() || rule.kinds.contains(&finding.kind))
                && rule.confidence.is_none_or(|least| finding.confidence >= least)
                && around(rule, scene)
        })
    }

    /// The first rule for a passage.
    pub(super) fn for_passage(&self, scene: Scene<'_>, passage: &Passage) -> Option<&RuleSettings> {
        self.rules.iter().find(|rule| {
            rule.kinds.is_empty()
                && (rule.classes.is_empty() || rule.classes.contains(&passage.class))
                && rule.marked.is_none_or(|marked| marked == passage.marked)
                && rule.confidence.is_none_or(|least| passage.confidence >= least)
                && around(rule, scene)
        })
    }

    /// The first rule for the request itself: one that names neither kinds nor classes.
    pub(super) fn for_request(&self, scene: Scene<'_>) -> Option<&RuleSettings> {
        self.rules.iter().find(|rule| {
            rule.kinds.is_empty()
                && rule.classes.is_empty()
                && rule.marked.is_none()
                && rule.confidence.is_none()
                && around(rule, scene)
        })
    }
}

fn check(index: usize, rule: &RuleSettings) -> Result<(), PolicyError> {
    let id = || rule.id.clone();
    if rule.id.trim().is_empty() {
        return Err(PolicyError::NoId { index });
    }
    if rule.treatment.is_some() && rule.action != RuleAction::Mask {
        return Err(PolicyError::Treatment { id: id() });
    }
    if !rule.kinds.is_empty() && (!rule.classes.is_empty() || rule.marked.is_some()) {
        return Err(PolicyError::Mixed { id: id() });
    }
    if !rule.classes.is_empty() && rule.treatment.is_some() {
        return Err(PolicyError::ClassTreatment { id: id() });
    }
    if rule.confidence.is_some_and(|least| !(0.0..=1.0).contains(&least)) {
        return Err(PolicyError::Confidence { id: id() });
    }
    let keeps = rule.action == RuleAction::Allow || rule.treatment == Some(Treatment::Keep);
    for kind in &rule.kinds {
        let masks_credential = *kind == Kind::Credential && rule.action != RuleAction::Block;
        if (keeps && floor::identifier(*kind)) || masks_credential {
            return Err(PolicyError::Floor { id: id(), kind: kind.as_str() });
        }
    }
    Ok(())
}

fn around(rule: &RuleSettings, scene: Scene<'_>) -> bool {
    fn one_of(list: &[String], word: Option<&str>) -> bool {
        list.is_empty() || word.is_some_and(|word| list.iter().any(|entry| entry == word))
    }
    let Scene { person, destination, using } = scene;
    let named = if person.named() { person.id.as_deref() } else { None };
    one_of(&rule.people, named)
        && (rule.groups.is_empty() || person.groups.iter().any(|group| rule.groups.contains(group)))
        && one_of(&rule.networks, person.network.as_deref())
        && one_of(&rule.uses, using.map(|using| using.id.as_str()))
        && (rule.stages.is_empty() || using.is_some_and(|using| rule.stages.contains(&using.stage)))
        && one_of(&rule.services, Some(&destination.service))
        && one_of(&rule.endpoints, destination.endpoint.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> PolicySettings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_shipped_policy_names_every_kind_and_class_once() {
        let shipped = SHIPPED.as_ref().unwrap();
        for kind in Kind::ALL {
            assert_eq!(shipped.rule.iter().filter(|rule| rule.kinds.contains(&kind)).count(), 1, "{kind:?}");
        }
        for class in Class::ALL {
            assert!(shipped.rule.iter().any(|rule| rule.classes.contains(&class)), "{class:?}");
        }
        assert!(Policy::new(&PolicySettings::default()).is_ok());
    }

    #[test]
    fn a_rule_against_a_floor_is_refused() {
        let allow = settings("[[rule]]\nid='a'\nkinds=['person_name']\naction='allow'");
        assert!(matches!(Policy::new(&allow), Err(PolicyError::Floor { kind: "person_name", .. })));
        let keep = settings("[[rule]]\nid='a'\nkinds=['phone']\naction='mask'\ntreatment='keep'");
        assert!(matches!(Policy::new(&keep), Err(PolicyError::Floor { .. })));
        let mask = settings("[[rule]]\nid='a'\nkinds=['credential']\naction='mask'");
        assert!(matches!(Policy::new(&mask), Err(PolicyError::Floor { .. })));
        let lab = settings("[[rule]]\nid='a'\nkinds=['lab_value']\naction='allow'");
        assert!(Policy::new(&lab).is_ok());
    }

    #[test]
    fn unknown_keys_and_double_ids_are_refused() {
        assert!(toml::from_str::<PolicySettings>("[[rule]]\nid='a'\nkind=['phone']\naction='block'").is_err());
        let twice = settings("[[rule]]\nid='a'\naction='hold'\n[[rule]]\nid='a'\naction='hold'");
        assert!(matches!(Policy::new(&twice), Err(PolicyError::Twice { .. })));
    }
}
