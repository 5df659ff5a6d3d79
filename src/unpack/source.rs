//! Layers with a way back: a run of bytes, the places in it that hold texts or further layers, and how each place is
//! written. Only what may change has a place; everything else is bytes that stay.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::locate::json::{self, Style};

/// How a place is written in the bytes around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Raw,
    /// Between the quotes of a JSON string.
    Json(Style),
    /// Percent-encoded; `plus` stands for a space.
    Percent { plus: bool },
    /// Base64; written whole.
    Base64 { url_safe: bool, padded: bool },
    /// In another charset; written whole, in UTF-8.
    Charset,
}

/// What a place holds.
#[derive(Debug)]
pub(super) enum Content {
    Text(usize),
    Source(Box<Source>),
}

/// A place of a source.
#[derive(Debug)]
pub(super) struct Slot {
    /// Bytes of the source; places are in order and apart.
    pub(super) span: Range<usize>,
    /// Where the other reader meets it: the number of the string, the field, the line, the part.
    pub(super) ordinal: usize,
    pub(super) coding: Coding,
    pub(super) content: Content,
}

/// What the bytes of a source are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One text, or nothing that may change.
    Text,
    Json,
    /// A JSON document a line.
    Lines,
    Form,
    /// Path and query.
    Target,
    Multipart {
        boundary: Vec<u8>,
    },
}

/// A layer.
pub(super) struct Source {
    pub(super) shape: Shape,
    pub(super) bytes: Vec<u8>,
    pub(super) slots: Vec<Slot>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("shape", &self.shape)
            .field("bytes", &self.bytes.len())
            .field("slots", &self.slots)
            .finish()
    }
}

/// Edits by text, in order and apart.
pub(super) type Edits<'e> = BTreeMap<usize, Vec<(Range<usize>, &'e str)>>;

/// A change of bytes.
pub(super) type Patch = (Range<usize>, String);

impl Source {
    pub(super) fn new(shape: Shape, bytes: Vec<u8>) -> Self {
        Self { shape, bytes, slots: Vec::new() }
    }

    /// A source that is one text.
    pub(super) fn text(bytes: Vec<u8>, text: usize) -> Self {
        let span = 0..bytes.len();
        let slot = Slot { span, ordinal: 0, coding: Coding::Raw, content: Content::Text(text) };
        Self { shape: Shape::Text, bytes, slots: vec![slot] }
    }

    /// The changes of its bytes that these edits make. Layers nest only as deep as `Limits::layers`.
    pub(super) fn patches(&self, edits: &Edits<'_>) -> Option<Vec<Patch>> {
        let mut out = Vec::new();
        for slot in &self.slots {
            let inner: Vec<(Range<usize>, String)>;
            let changes: Vec<(Range<usize>, &str)> = match &slot.content {
                Content::Text(i) => match edits.get(i) {
                    Some(list) => list.clone(),
                    None => continue,
                },
                Content::Source(source) => {
                    inner = source.patches(edits)?;
                    inner.iter().map(|(range, with)| (range.clone(), with.as_str())).collect()
                }
            };
            if changes.is_empty() {
                continue;
            }
            let raw = self.bytes.get(slot.span.clone())?;
            let shift = slot.span.start;
            let moved = |list: Vec<Patch>| list.into_iter().map(move |(r, w)| (r.start + shift..r.end + shift, w));
            match slot.coding {
                Coding::Raw => {
                    out.extend(moved(changes.into_iter().map(|(r, w)| (r, w.to_owned())).collect()));
                }
                Coding::Json(style) => {
                    out.extend(moved(json::edit_literal(std::str::from_utf8(raw).ok()?, &changes, style)?));
                }
                Coding::Percent { plus } => out.extend(moved(edit_percent(raw, &changes, plus)?)),
                Coding::Base64 { url_safe, padded } => {
                    let decoded = base64_decode(raw, url_safe)?;
                    let changed = apply(&decoded, &changes)?;
                    out.push((slot.span.clone(), base64_engine(url_safe, padded).encode(changed)));
                }
                Coding::Charset => {
                    let Content::Source(source) = &slot.content else { return None };
                    out.push((slot.span.clone(), String::from_utf8(apply(&source.bytes, &changes)?).ok()?));
                }
            }
        }
        Some(out)
    }
}

/// `bytes` with these changes, which are in order and apart.
pub(super) fn apply<S: AsRef<str>>(bytes: &[u8], changes: &[(Range<usize>, S)]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + changes.len() * 16);
    let mut at = 0;
    for (range, with) in changes {
        out.extend_from_slice(bytes.get(at..range.start)?);
        out.extend_from_slice(with.as_ref().as_bytes());
        at = range.end;
        if range.end < range.start {
            return None;
        }
    }
    out.extend_from_slice(bytes.get(at..)?);
    Some(out)
}

const fn base64_engine(url_safe: bool, padded: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(padded)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(if url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD }, config)
}

/// Decodes base64 of this alphabet, white space left out.
pub(super) fn base64_decode(raw: &[u8], url_safe: bool) -> Option<Vec<u8>> {
    if raw.iter().any(u8::is_ascii_whitespace) {
        let tight: Vec<u8> = raw.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        return base64_engine(url_safe, true).decode(tight).ok();
    }
    base64_engine(url_safe, true).decode(raw).ok()
}

/// How this text is written when it is base64 through and through, and what it holds.
pub(super) fn base64_of(text: &str) -> Option<(Coding, Vec<u8>)> {
    let raw = text.as_bytes();
    let url_safe = raw.iter().any(|b| matches!(b, b'-' | b'_'));
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(b);
    if raw.is_empty() || !raw.iter().all(fits) {
        return None;
    }
    let padded = raw.ends_with(b"=") || raw.len().is_multiple_of(4) && !url_safe;
    base64_decode(raw, url_safe).map(|bytes| (Coding::Base64 { url_safe, padded }, bytes))
}

/// Undoes percent-encoding. Broken escapes stay as they are.
pub(super) fn percent_decode(raw: &[u8], plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let (byte, len) = percent_unit(raw, at, plus);
        out.push(byte);
        at += len;
    }
    out
}

fn percent_unit(raw: &[u8], at: usize, plus: bool) -> (u8, usize) {
    let hex = |i: usize| raw.get(i).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    match raw.get(at) {
        Some(b'%') => match (hex(at + 1), hex(at + 2)) {
            (Some(high), Some(low)) => (high << 4 | low, 3),
            _ => (b'%', 1),
        },
        Some(b'+') if plus => (b' ', 1),
        Some(b) => (*b, 1),
        None => (0, 1),
    }
}

fn edit_percent(raw: &[u8], edits: &[(Range<usize>, &str)], plus: bool) -> Option<Vec<Patch>> {
    let mut out = Vec::with_capacity(edits.len());
    let (mut text_at, mut raw_at) = (0, 0);
    for (range, with) in edits {
        if range.start < text_at || range.end < range.start {
            return None;
        }
        let mut to = |goal: usize| -> Option<usize> {
            while text_at < goal {
                if raw_at >= raw.len() {
                    return None;
                }
                raw_at += percent_unit(raw, raw_at, plus).1;
                text_at += 1;
            }
            Some(raw_at)
        };
        let start = to(range.start)?;
        let end = to(range.end)?;
        out.push((start..end, percent_encode(with)));
    }
    Some(out)
}

/// Everything but unreserved characters (RFC 3986).
fn percent_encode(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, SET).to_string()
}
