//! What was decided and why: one action a finding, the verdict, reasons that a refusal and a record can print.
//! Holds kinds, counts, addresses, rule ids; never text of the request.
//! Must not know: how it was decided, how it is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Stage, Treatment, Verdict};
use crate::detect::{Class, Kind};

/// What is done with one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Replaced by this treatment; never `keep`.
    Mask(Treatment),
    Keep(KeepReason),
    Block,
}

/// Why a finding stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepReason {
    /// The policy allows it.
    Policy,
    /// The use keeps it, and all identifiers are replaced.
    Use,
    /// Observe mode.
    Observed,
    /// A place that must not change, and too weak to block there (DESIGN §5).
    WeakInFrozen,
    /// An example that was set aside for documentation.
    ReservedExample,
    /// Signed text that came from the service itself.
    KnownSigned,
}

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Passages of a class.
    Class,
    /// A password, key or token.
    Credential,
    /// Findings that a rule of the policy stops.
    Finding,
    /// Findings in a place that must not be changed.
    FrozenPlace,
    /// Findings in signed text that did not come from the service.
    SignedText,
    /// The AI service is not approved.
    ServiceNotApproved,
    /// A body or part that cannot be read.
    Unreadable,
    /// A rule of the policy stops the request whatever is in it.
    Rule,
}

/// The way on for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Choose one of these approved uses.
    ChooseUse(Vec<String>),
    /// Sign in under your own name: a use is given to named persons only.
    SignIn,
    /// No use covers it: ask for one (利用申請).
    ApplyForUse,
    /// Take these passages or values out.
    Remove,
    /// Take the secret out, and change it if it was shown elsewhere.
    RemoveCredential,
    /// Move it from the path, name, id or schema into the text of the message, where it can be masked.
    MoveIntoText,
    /// Begin a new conversation, or leave the signed block out.
    NewConversation,
    /// Take one of these approved services.
    ApprovedService(Vec<String>),
    /// Send it as plain text.
    SendAsText,
    /// Wait for an approver.
    AwaitApproval,
    /// Ask the contact in the house.
    AskContact,
}

/// Where: the address of a text and, where it has more than one, the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// `messages[3].content`, as `locate` writes it.
    pub address: String,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// Why a request is not simply allowed. Serialises without any secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub cause: Cause,
    /// What it led to: `blocked`, `held`, or `observed` for what observe mode let through.
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<Kind, u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<Class, u32>,
    /// Findings, passages or obstacles that it counts.
    pub count: u32,
    /// Where, at most `Reason::SPOTS` of them, in the order of the request.
    pub spots: Vec<Spot>,
    /// Rules of detection and of the policy.
    pub rules: BTreeSet<String>,
    /// For `unreadable`: what could not be read, a code of `unpack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub ways: Vec<Way>,
}

impl Reason {
    /// Most places that one reason names.
    pub const SPOTS: usize = 8;

    /// A reason that counts nothing yet.
    #[must_use]
    pub fn new(cause: Cause, verdict: Verdict) -> Self {
        Self {
            cause,
            verdict,
            kinds: BTreeMap::new(),
            classes: BTreeMap::new(),
            count: 0,
            spots: Vec::new(),
            rules: BTreeSet::new(),
            detail: None,
            ways: Vec::new(),
        }
    }
}

/// The decision on one request. Serialises for the record without any secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// One for each finding, in their order.
    #[serde(skip)]
    pub actions: Vec<Action>,
    pub reasons: Vec<Reason>,
    pub counts: BTreeMap<Kind, u32>,
    pub classes: BTreeMap<Class, u32>,
    /// Treatments that can be undone in the house, and those that cannot: told apart in every record.
    pub reversible: BTreeSet<Treatment>,
    pub irreversible: BTreeSet<Treatment>,
    /// Findings that stay as they are, by reason.
    pub kept: BTreeMap<KeepReason, u32>,
    /// Rules of detection behind all findings and passages.
    pub rules: BTreeSet<String>,
    /// Rules of the policy that were applied.
    pub policy_rules: BTreeSet<String>,
    /// The use under which it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

impl Decision {
    /// It may go on to `mask`.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed | Verdict::Masked | Verdict::Observed)
    }
}
