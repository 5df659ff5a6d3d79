//! The service register: which AI services the hospital has approved, under which terms, checked when and by whom.
//! Must not know: hosts and paths of a service; those are `patterns/providers/`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// `[[service]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Id of a provider in `patterns/providers/` (`openai`, `anthropic`, `google-gemini-api` …).
    pub id: String,
    pub approved: bool,
    pub contract: Contract,
    /// The provider does not train on what is sent.
    pub training_off: bool,
    /// Days for which the provider keeps what is sent; 0 is not at all.
    pub retention_days: Option<u32>,
    /// Where it is processed.
    pub region: String,
    /// When the terms were last checked.
    pub checked_on: Option<Date>,
    pub checked_by: String,
    /// A header that keeps staff on the hospital's own account: name and value, sent on every request.
    pub tenant: Option<Tenant>,
}

/// Kind of contract with the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    #[default]
    None,
    Consumer,
    Business,
    /// 委託契約.
    Outsourcing,
}

/// A restriction header of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    pub header: String,
    pub value: String,
}
