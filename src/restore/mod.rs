//! Step 9: answer → answer: tokens back to words, exact at every split, by place.
//! Uses the walkers of `locate` and the map of `mask`. Must not know: the network, storage.

pub mod codes;
pub mod place;
pub mod scan;
mod session;
pub mod stream;
pub mod tools;
mod walk;

use thiserror::Error;
use zeroize::Zeroizing;

pub use codes::{Codes, Take};
pub use scan::Scanner;
pub use stream::Restorer;

/// The header by which an answer says that lab values in it were hidden from the model; its value is how many words of the
/// request's map are blind. It stands beside the marks in the text, and alone where no mark may be (JSON, code, arguments).
pub const BLIND_HEADER: &str = "x-tsuitate-blind-values";

/// The note that ends a text with blind lab values in it; `mask` takes it out again.
pub use crate::mask::blind::NOTE as BLIND_NOTE;

/// Settings of restoring (`[restore]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Tools whose arguments are restored, by name; `*` at the end stands for any rest. Never those of
    /// `tools::check`.
    pub tools: Vec<String>,
    /// Mark restored blind lab values in text.
    pub blind_mark: bool,
    /// The note under a text with blind values; empty for none.
    pub blind_note: String,
    /// The request asked for a JSON answer (`response_format`, `responseMimeType`): words are escaped, marks left out.
    pub json_answer: bool,
    /// Longest event (SSE event, array element, line) in bytes.
    pub event_limit: usize,
    /// Longest answer that is not streamed, in bytes.
    pub body_limit: usize,
    /// Texts that may be open in one stream at once (choices × blocks).
    pub open_limit: usize,
    /// Bytes of answer text kept for the answer memory; past it the answer is restored and not remembered.
    pub memory_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tools: tools::shipped(),
            blind_mark: true,
            blind_note: BLIND_NOTE.to_owned(),
            json_answer: false,
            event_limit: 16 << 20,
            body_limit: 64 << 20,
            open_limit: 4096,
            memory_limit: 8 << 20,
        }
    }
}

/// Why an answer cannot be restored. Holds sizes and names of limits, never text.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    #[error("answer goes past {limit_name} = {limit} bytes; raise it or ask for a shorter answer")]
    TooLong { limit_name: &'static str, limit: usize },
    #[error("answer holds more than {limit} texts at once (limit restore.open)")]
    TooMany { limit: usize },
    #[error("answer is no valid {what} at byte {at}; it was not passed on")]
    Malformed { what: &'static str, at: usize },
    #[error("answer nests deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("the service cut the answer in the middle of an event")]
    Cut,
}

/// What happened to the tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens turned back to words.
    pub restored: u64,
    /// Tokens of the map left as they are because of their place (URL, attribute, tool, thinking).
    pub kept: u64,
    /// Well-formed tokens that are not in the map.
    pub unknown: u64,
    /// Restored blind lab values.
    pub blind: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Counts) {
        self.restored += other.restored;
        self.kept += other.kept;
        self.unknown += other.unknown;
        self.blind += other.blind;
    }
}

/// One text of the assistant, as the client got it and as the service wrote it: for the answer memory, which puts the
/// second back when the first returns. Secret.
#[derive(Clone)]
pub struct Answer {
    /// With words, marks and the note.
    pub restored: Zeroizing<String>,
    /// With tokens.
    pub masked: String,
    /// Arguments of a tool, not text.
    pub tool: bool,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("bytes", &self.masked.len()).field("tool", &self.tool).finish_non_exhaustive()
    }
}

/// What is known at the end of an answer.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub counts: Counts,
    /// Texts of the assistant; secret.
    pub answers: Vec<Answer>,
    /// Thinking, signatures and sealed blocks as they passed: what the digests are made of that let them pass again.
    pub signed: Vec<Zeroizing<String>>,
    /// The service said that the answer is at its end, or reported an error itself. If not, the stream was cut: send
    /// `refuse::in_stream`.
    pub ended: bool,
}
