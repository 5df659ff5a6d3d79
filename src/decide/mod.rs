//! Step 6: findings × person × use × service → decision, with the reason. Policy is config (DESIGN §4), floors are code.
//! Pure: *today* is an argument. Must not know: how anything was found; HTTP.

pub mod decision;
pub mod floor;
pub mod judge;
pub mod policy;
pub mod who;

use serde::{Deserialize, Serialize};

pub use decision::{Action, Cause, Decision, KeepReason, Reason, Spot, Way};
pub use judge::{Input, Obstacle, UnknownHosts, may_tunnel};
pub use policy::{Policy, PolicyError, PolicySettings, RuleAction, RuleSettings};
pub use who::{Destination, Observe, Person, Stage, Strength, Use};

/// How a finding is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Reversible stand-in `[患者:7K3Q2F9M]`.
    Token,
    /// Made rough, one way (`90歳以上`).
    Generalise,
    /// Removed, one way.
    Redact,
    /// Left as it is.
    Keep,
}

impl Treatment {
    /// Can be undone inside the house (院内で元に戻せる).
    #[must_use]
    pub const fn reversible(self) -> bool {
        matches!(self, Treatment::Token)
    }
}

/// What happened to a request (DESIGN §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Allowed,
    Masked,
    Held,
    Blocked,
    Observed,
    Tunnelled,
    AllowedUnchecked,
    Failed,
}
