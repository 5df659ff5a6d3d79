//! Bytes → text: the body's kind by its type and by looking, and its charset; UTF-8 unless the type says otherwise.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::detect::Author;
use crate::locate::provider::Content;
use crate::locate::{Disposition, Head, LocatedText, Place};

use super::error::{Format, Reason, Unreadable};
use super::open::{Context, closed};
use super::source::{Shape, Source};
use super::{form, json, multipart};

/// A Content-Type taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct MediaType {
    /// `type/subtype`, lower case; empty when there is none.
    pub(super) essence: String,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<String>,
}

impl MediaType {
    pub(super) fn parse(value: &str) -> Self {
        let mut parts = value.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut out = Self { essence, ..Self::default() };
        for part in parts {
            let Some((name, value)) = part.split_once('=') else { continue };
            let value = value.trim().trim_matches('"').to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" => out.charset = Some(value),
                "boundary" => out.boundary = Some(value),
                _ => {}
            }
        }
        out
    }

    pub(super) fn is_json(&self) -> bool {
        let e = self.essence.as_str();
        e.ends_with("/json") || e.ends_with("+json") || e == "text/x-json" || e == "application/csp-report"
    }

    pub(super) fn is_lines(&self) -> bool {
        let e = self.essence.as_str();
        ["ndjson", "jsonl", "json-lines", "jsonlines", "json-seq"].iter().any(|name| e.ends_with(name))
    }
}

/// The same Content-Type with `charset=utf-8`.
pub(super) fn with_utf8(value: &str) -> String {
    let mut parts: Vec<&str> = value.split(';').map(str::trim).collect();
    parts.retain(|p| !p.to_ascii_lowercase().starts_with("charset"));
    parts.push("charset=utf-8");
    parts.join("; ")
}

/// Text of these bytes in the charset of this name, and whether it is another than UTF-8.
pub(super) fn decode(bytes: &[u8], charset: Option<&str>) -> Result<(String, bool), Reason> {
    let named = match charset {
        Some(name) => match Encoding::for_label(name.as_bytes()) {
            Some(encoding) => Some(encoding),
            None => {
                let fits =
                    name.len() <= 20 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                return Err(Reason::UnknownCharset { name: if fits { name.to_owned() } else { "?".to_owned() } });
            }
        },
        None => None,
    };
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let wide = [marked, named].into_iter().flatten().find(|e| *e == UTF_16LE || *e == UTF_16BE);
    let escapes = memchr::memmem::find(bytes, b"\x1b$").is_some();
    let encoding = if let Some(wide) = wide {
        wide
    } else if std::str::from_utf8(bytes).is_ok() {
        // What is valid UTF-8 is UTF-8, whatever the label; only 7-bit Japanese looks like ASCII.
        if escapes { encoding_rs::ISO_2022_JP } else { UTF_8 }
    } else {
        named.unwrap_or(UTF_8)
    };
    if encoding == UTF_8 {
        return match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Ok((text, false)),
            Err(e) => {
                let offset = e.utf8_error().valid_up_to();
                Err(Reason::Charset { charset: "UTF-8".to_owned(), offset })
            }
        };
    }
    let bytes = match marked {
        Some(_) if wide.is_some() => bytes.get(2..).unwrap_or_default(),
        _ => bytes,
    };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok((text.into_owned(), true)),
        None => Err(Reason::Charset { charset: encoding.name().to_owned(), offset: 0 }),
    }
}

/// What these bytes are by their first ones.
pub(super) fn magic(bytes: &[u8]) -> Option<Format> {
    const TABLE: &[(&[u8], Format)] = &[
        (b"%PDF", Format::Pdf),
        (b"PK\x03\x04", Format::Office),
        (b"PK\x05\x06", Format::Archive),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Format::Office),
        (b"{\\rtf", Format::Office),
        (b"\x89PNG", Format::Image),
        (b"\xFF\xD8\xFF", Format::Image),
        (b"GIF8", Format::Image),
        (b"BM", Format::Image),
        (b"II*\0", Format::Image),
        (b"MM\0*", Format::Image),
        (b"\x1F\x8B", Format::Archive),
        (b"7z\xBC\xAF\x27\x1C", Format::Archive),
        (b"Rar!", Format::Archive),
        (b"BZh", Format::Archive),
        (b"\xFD7zXZ", Format::Archive),
        (b"\x28\xB5\x2F\xFD", Format::Archive),
        (b"ID3", Format::Audio),
        (b"OggS", Format::Audio),
        (b"fLaC", Format::Audio),
        (b"\xFF\xFB", Format::Audio),
        (b"\x1A\x45\xDF\xA3", Format::Video),
    ];
    if bytes.get(128..132) == Some(b"DICM") {
        return Some(Format::Image);
    }
    if bytes.starts_with(b"RIFF") {
        return Some(match bytes.get(8..12) {
            Some(b"WEBP") => Format::Image,
            Some(b"WAVE") => Format::Audio,
            _ => Format::Video,
        });
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        let image = matches!(bytes.get(8..12), Some(b"heic" | b"heix" | b"mif1" | b"avif"));
        return Some(if image { Format::Image } else { Format::Video });
    }
    let format = TABLE.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, format)| *format)?;
    // Two or three printable letters alone prove nothing.
    let reserved = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|b| b.iter().all(|b| *b == 0));
    if bytes.starts_with(b"BM") && !reserved(6..10)
        || (bytes.starts_with(b"ID3") || bytes.starts_with(b"BZh")) && readable(bytes)
    {
        return None;
    }
    Some(format)
}

/// UTF-8 without control characters that no text has.
pub(super) fn readable(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.bytes().any(|b| b < 9 || (14..27).contains(&b) || b == 0x7f))
}

/// The format a type names, where it is one that is not read here.
fn closed_type(essence: &str) -> Option<Format> {
    let (kind, sub) = essence.split_once('/')?;
    Some(match kind {
        "image" if sub != "svg+xml" => Format::Image,
        "audio" => Format::Audio,
        "video" => Format::Video,
        "application" => match sub {
            "pdf" => Format::Pdf,
            "zip" | "gzip" | "x-tar" | "x-7z-compressed" => Format::Archive,
            "cbor" | "msgpack" | "x-msgpack" | "vnd.msgpack" => Format::Cbor,
            "vnd.amazon.eventstream" => Format::EventStream,
            "dicom" => Format::Image,
            _ if sub.contains("protobuf") || sub.starts_with("grpc") || sub.ends_with("+proto") || sub == "proto" => {
                Format::Protobuf
            }
            _ if sub.starts_with("vnd.openxmlformats") || sub.starts_with("vnd.ms-") || sub == "msword" => {
                Format::Office
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// The text of a file whose charset nobody names, as the gate reads bodies; `None` when it is no text.
#[must_use]
pub fn text_of(bytes: Vec<u8>) -> Option<String> {
    let text = decode(&bytes, None).map_or_else(|_| super::head::guess(bytes).0, |(text, _)| text);
    (readable(text.as_bytes()) && !text.contains('\u{FFFD}')).then_some(text)
}

/// The body as a source, and whether its charset changes when it is written again.
pub(super) fn body(head: &Head, bytes: &[u8], context: &mut Context<'_>) -> Result<(Source, bool), Unreadable> {
    if bytes.is_empty() {
        return Ok((closed(bytes), false));
    }
    // Two types are two readings, one for the gate and one for the service.
    let mut types = head.headers.iter().filter(|(name, _)| name == "content-type").map(|(_, value)| value);
    let first = types.next();
    if types.any(|other| Some(other) != first) {
        return Err(Unreadable::whole(Reason::Ambiguous { what: "Content-Type stands there twice" }));
    }
    let media = MediaType::parse(head.header("content-type").unwrap_or_default());
    if media.essence.starts_with("multipart/") {
        return Ok((multipart::source(bytes, &media, context)?, false));
    }
    if context.adapter.content == Content::Protobuf && !media.is_json() {
        context.unread(Unreadable::whole(Reason::Document { format: Format::Protobuf }))?;
        return Ok((closed(bytes), false));
    }
    if let Some(format) = closed_type(&media.essence).or_else(|| magic(bytes)) {
        context.unread(Unreadable::whole(Reason::Document { format }))?;
        return Ok((closed(bytes), false));
    }
    let (text, recoded) = decode(bytes, media.charset.as_deref()).map_err(|reason| {
        // Bytes without a declared charset that are no text at all are better called so.
        let binary = media.charset.is_none() && bytes.iter().take(4096).any(|b| *b == 0);
        Unreadable::whole(if binary { Reason::BinaryBody } else { reason })
    })?;
    Ok((kind(text, &media, context)?, recoded))
}

fn kind(text: String, media: &MediaType, context: &mut Context<'_>) -> Result<Source, Unreadable> {
    let shape = if media.is_json() {
        Shape::Json
    } else if media.is_lines() {
        Shape::Lines
    } else {
        let start = text.trim_start_matches('\u{FEFF}').trim_start().as_bytes().first().copied();
        let json_like = matches!(start, Some(b'{' | b'['));
        if json_like && json::is_json(&text, context.limits) {
            // `sendBeacon` and CORS-simple requests send JSON as text or form.
            Shape::Json
        } else if json_like && json::are_lines(&text, context.limits) {
            Shape::Lines
        } else if media.essence == "application/x-www-form-urlencoded"
            || media.essence.is_empty() && context.adapter.content == Content::Form
        {
            Shape::Form
        } else {
            Shape::Text
        }
    };
    match shape {
        Shape::Json => match json::body(text, context) {
            // A list of documents that calls itself one.
            Err((text, Unreadable { reason: Reason::BadJson(_), .. })) if json::are_lines(&text, context.limits) => {
                json::lines(text, context)
            }
            Err((_, e)) => Err(e),
            Ok(source) => Ok(source),
        },
        Shape::Lines => json::lines(text, context),
        Shape::Form => form::body(text, context),
        _ => {
            if text.bytes().any(|b| b == 0) {
                return Err(Unreadable::whole(Reason::BinaryBody));
            }
            let number = context.add(LocatedText {
                address: "body".to_owned(),
                text: text.clone(),
                label: None,
                disposition: Disposition::Open,
                place: Place::Body,
                unit: 0,
                author: Author::User,
            })?;
            Ok(Source::text(text.into_bytes(), number))
        }
    }
}
