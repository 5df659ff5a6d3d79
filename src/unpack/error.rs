//! Why a body could not be read, or an edit not be made. Says what, where and what to do; never holds text of a body.

use crate::locate::json::JsonError;

/// A body that cannot be read, so it must not go out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}; {}", where_it_is(.address), .reason.cure())]
pub struct Unreadable {
    pub reason: Reason,
    /// Where: `messages[3].content[1].source.data`, `part 2`; empty for the whole body.
    pub address: String,
}

fn where_it_is(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(" ({address})") }
}

/// What a part that cannot be put back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    Pdf,
    Office,
    Archive,
    Image,
    Audio,
    Video,
    Protobuf,
    Cbor,
    EventStream,
    Unknown,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Format::Pdf => "a PDF document",
            Format::Office => "an office document",
            Format::Archive => "an archive",
            Format::Image => "an image",
            Format::Audio => "speech or sound",
            Format::Video => "a video",
            Format::Protobuf => "a protobuf message",
            Format::Cbor => "a CBOR or MessagePack message",
            Format::EventStream => "an event stream",
            Format::Unknown => "data of an unknown kind",
        })
    }
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    #[error(transparent)]
    BadJson(#[from] JsonError),
    #[error("content coding {name:?} is not known")]
    UnknownCoding { name: String },
    #[error("the body does not decode as {coding}")]
    BadCoding { coding: &'static str },
    #[error("limit {limit}: {observed} is more than {value}")]
    TooLarge { limit: &'static str, value: usize, observed: usize },
    #[error("limit ratio: the body grows more than {value} times when decoded")]
    Ratio { value: usize },
    #[error("the text is not valid {charset} at byte {offset}")]
    Charset { charset: String, offset: usize },
    #[error("charset {name:?} is not known")]
    UnknownCharset { name: String },
    #[error("the multipart body is broken: {what}")]
    Multipart { what: &'static str },
    #[error("it holds {format}")]
    Document { format: Format },
    #[error("the body is neither text nor a format that is read here")]
    BinaryBody,
    #[error("it holds token numbers instead of text")]
    TokenIds,
    #[error("the request can be read in two ways: {what}")]
    Ambiguous { what: &'static str },
}

impl Reason {
    /// A short name for records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Reason::BadJson(JsonError::Depth { .. }) => "json_depth",
            Reason::BadJson(_) => "bad_json",
            Reason::UnknownCoding { .. } => "unknown_coding",
            Reason::BadCoding { .. } => "bad_coding",
            Reason::TooLarge { .. } => "too_large",
            Reason::Ratio { .. } => "ratio",
            Reason::Charset { .. } => "charset",
            Reason::UnknownCharset { .. } => "unknown_charset",
            Reason::Multipart { .. } => "multipart",
            Reason::Document { .. } => "document",
            Reason::BinaryBody => "binary_body",
            Reason::TokenIds => "token_ids",
            Reason::Ambiguous { .. } => "ambiguous",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn cure(&self) -> &'static str {
        match self {
            Reason::BadJson(_) => "send valid JSON (RFC 8259)",
            Reason::UnknownCoding { .. } | Reason::BadCoding { .. } => "send gzip, deflate, br, zstd or no coding",
            Reason::TooLarge { .. } => "send less at once, or raise the limit in [gate.limits]",
            Reason::Ratio { .. } => "send the body without this compression",
            Reason::Charset { .. } | Reason::UnknownCharset { .. } => "send the text in UTF-8",
            Reason::Multipart { .. } => "send the form again with a proper boundary",
            Reason::Document { .. } => "send the text instead; documents and images come with a later version",
            Reason::BinaryBody => "send JSON, a form or text",
            Reason::Ambiguous { .. } => "send it once",
            Reason::TokenIds => "send the text instead of its token numbers",
        }
    }
}

impl Unreadable {
    pub(super) fn whole(reason: impl Into<Reason>) -> Self {
        Self { reason: reason.into(), address: String::new() }
    }

    pub(super) fn at(reason: impl Into<Reason>, address: impl Into<String>) -> Self {
        Self { reason: reason.into(), address: address.into() }
    }
}

/// Why edits could not be made, or what went out is not what was planned. The request must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpliceError {
    #[error("edit of text {text}, which does not exist")]
    NoSuchText { text: usize },
    #[error("edit of {address} at bytes {start}..{end}, which are no whole characters of it or overlap another edit")]
    BadRange { address: String, start: usize, end: usize },
    #[error("edit of {address}, which must not change")]
    Frozen { address: String },
    #[error("the replacement in {address} holds a character that the service does not take there")]
    Alphabet { address: String },
    #[error("with the replacement {address} is longer than the {max} characters the service takes")]
    Length { address: String, max: usize },
    #[error("the body cannot be written again: {what}")]
    Unwritable { what: &'static str },
    #[error("read again, the outgoing {what} is not what was planned")]
    Differs { what: &'static str },
}
