//! The other way out: a refusal in the shape of each provider, also inside a stream that has begun (DESIGN §6).
//! Names kinds, counts, places, rules and the record; never a secret. Must not know: sockets, how anything was found.

pub mod message;
pub mod page;
mod place;
pub mod shape;
pub mod stream;

pub use message::message;
pub use shape::{Asker, Rendered, is_navigation, page_of, refusal};
pub use stream::{StreamState, close_reason, in_stream};

use crate::detect::{Class, Kind};

/// Everything a refusal says. Filled by `decide` (what was found), by the limits and by the wire; all parts are words and
/// numbers of the house. Strings are still cut to one line and a sane length before they are shown.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub cause: Cause,
    /// The record's id, which the user tells to whom they call.
    pub record: String,
    pub contact: Contact,
    /// What else the user can do; the ways that follow from the cause are added.
    pub ways: Vec<Way>,
    /// Which language stands first; both are always there.
    pub first: Language,
}

/// Which language stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    Japanese,
    English,
}

/// A sentence of ours in both languages; never text of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub ja: String,
    pub en: String,
}

impl Said {
    #[must_use]
    pub fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ja: ja.into(), en: en.into() }
    }

    /// A name that is the same in both languages.
    #[must_use]
    pub fn both(word: impl Into<String>) -> Self {
        let word = word.into();
        Self { ja: word.clone(), en: word }
    }
}

/// Why nothing was sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// Something was found that may not leave.
    Found(Vec<Reason>),
    /// Found, and an approver can release it; `page` is where the user asks for that.
    Held { reasons: Vec<Reason>, page: Option<String> },
    /// The hospital has not approved this service; the approved ones by name.
    NotApproved { service: String, approved: Vec<String> },
    /// The body cannot be read, so it cannot be searched; `cure` is what to do instead.
    Unreadable { what: Said, place: Option<String>, cure: Said },
    /// Past a limit. `name` is the config key (`gate.limits.body`).
    Limit { name: String, limit: u64, observed: Option<u64>, unit: Unit },
    /// This way of asking is not offered (WebSocket, resumable upload).
    NotOffered { what: Said, cure: Said },
    /// The request itself is broken (`what` is of ours: `conflicting content-length`).
    BadRequest { what: Said, cure: Said },
    /// The caller has no account of the proxy, or no longer, where one is required.
    AccountRequired,
    /// A part of the gate failed, so the request was not sent.
    Failed { step: Said },
    /// No room for another request: 503, to be asked again.
    Overloaded { retry_after_secs: u32 },
    /// The service did not answer: 502. Nothing of the answer was lost in the gate. `sent`: the request may have reached
    /// the service all the same. `later`: the same request may go through another time.
    Upstream { what: Said, sent: bool, later: bool },
    /// The service's certificate is not good: asking again does not help, somebody has to look.
    Certificate { what: Said },
    /// An answer that had begun was cut by the service, or cannot be read on. The request had been sent.
    AnswerCut { what: Said },
}

/// One thing that was found.
#[derive(Clone, Debug)]
pub struct Reason {
    pub what: What,
    pub count: u32,
    pub places: Vec<Spot>,
    /// Rule ids.
    pub rules: Vec<String>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Kind(Kind),
    Class(Class),
    /// A kind in a place that must not change (path, id, schema).
    Frozen(Kind),
    /// Nothing in the text: a rule of the policy stops the request whatever is in it.
    Rule,
}

/// Where: the address of the text and, in long texts, the line (from 1).
#[derive(Clone, Debug)]
pub struct Spot {
    /// `messages[3].content`, as `locate` writes it.
    pub address: String,
    pub line: Option<u32>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Count,
    Seconds,
    Ratio,
    /// Work units of the detection.
    Work,
}

/// Whom to call (`[contact]`). Empty parts are left out.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub name: String,
    pub extension: String,
    pub hours: String,
}

/// A way on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// Take the named things out and send again.
    Remove,
    /// Take the secret out, and change it where others may have seen it.
    RemoveCredential,
    /// Move it from a field that must not change into the text of the message, where it is replaced.
    MoveIntoText,
    /// Send under an approved use, by its name.
    Use(String),
    /// Send under one's own name: uses are given to named persons.
    SignIn,
    /// Ask for a use.
    Apply,
    /// Ask a service that is approved, by its name.
    Service(String),
    /// Have it released on this page.
    Release(String),
    /// Make it smaller.
    Smaller,
    /// Send it as plain text.
    PlainText,
    /// Try again later.
    Later,
    /// Tell whom to call; asking again does not help.
    Tell,
    /// Start a new chat: the old one holds signed text that can no longer be changed.
    NewChat,
    /// Ask the contact in the house.
    Call,
    /// What a cause brings with it.
    Do(Said),
}

#[cfg(test)]
mod tests;
