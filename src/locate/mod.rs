//! Step 4: parts → texts with addresses, and edits back into the very same bytes.
//! Walks JSON, SSE, NDJSON and forms by the paths of `patterns/providers/`; nothing is ever re-serialised.
//! Must not know: sockets, classes of data, what a secret is.

pub mod adapter;
mod glob;
pub mod json;
pub mod path;
pub mod provider;
pub mod sse;
mod table;

use std::ops::Range;

use crate::detect::Author;

/// What may be done with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Searched, may be replaced by any text.
    Open,
    /// Searched, may be replaced within an alphabet (`A-Za-z0-9_-` form) and a length in code points.
    Narrow { chars: Option<String>, max: Option<usize> },
    /// Searched, must not change: a finding above the ordinary threshold blocks (paths, headers, ids).
    Frozen,
    /// Searched, must not change; tool names, schemas, cache keys, signed text: only `credential`, `my_number`, list hits,
    /// checked identifiers or confidence ≥ 0.9 block (DESIGN §5).
    FrozenLax,
    /// Signed text that goes back as it came: known digests pass, others are judged as `FrozenLax`.
    Signed,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Body,
    Path,
    Query,
    Header,
    FileName,
}

/// A text of the request. Holds patient text: `Debug` prints lengths only.
#[derive(Clone)]
pub struct LocatedText {
    /// `messages[3].content[0].text`, `?q`, `header x-title`: shown in refusals and records, so keys of free zones that
    /// are no plain ASCII words are written `*`.
    pub address: String,
    /// Decoded text (JSON escapes, percent, charset undone).
    pub text: String,
    /// The nearest key, field or column name, as written.
    pub label: Option<String>,
    pub disposition: Disposition,
    pub place: Place,
    /// Turn unit (DESIGN §5); 0 outside the conversation.
    pub unit: u32,
    pub author: Author,
}

impl std::fmt::Debug for LocatedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocatedText")
            .field("address", &self.address)
            .field("bytes", &self.text.len())
            .field("disposition", &self.disposition)
            .field("place", &self.place)
            .field("unit", &self.unit)
            .finish_non_exhaustive()
    }
}

/// Replace `range` (bytes of `LocatedText::text`) of text number `text` by `with`.
#[derive(Clone)]
pub struct Edit {
    pub text: usize,
    pub range: Range<usize>,
    pub with: String,
}

/// The head of a request as the pure rooms see it. Header names are lower case; values as sent.
#[derive(Clone, Default)]
pub struct Head {
    pub method: String,
    /// Path and query, percent-encoded as sent.
    pub path_and_query: String,
    /// In the order of the wire.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The first header of this (lower-case) name, if it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}
