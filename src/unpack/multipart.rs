//! `multipart/*`: fields and files that are text; all other files are refused. Boundaries and headers stay.

use std::ops::Range;

use crate::locate::path::List;
use crate::locate::provider::FieldScope;
use crate::locate::{Disposition, Place};

use super::charset::{MediaType, magic, readable};
use super::error::{Format, Reason, Unreadable};
use super::head::{guess, shown, text};
use super::open::Context;
use super::source::{Coding, Content, Shape, Slot, Source, base64_of, percent_decode};
use super::{json, opaque};

fn broken(what: &'static str) -> Unreadable {
    Unreadable::whole(Reason::Multipart { what })
}

struct PartHead {
    name: Option<String>,
    /// The value between the quotes of `filename`, and of `filename*` after its charset.
    filename: Option<Range<usize>>,
    filename_star: Option<Range<usize>>,
    media: MediaType,
    encoding: String,
}

/// The bytes of a part's head and of its body.
type Part = (Range<usize>, Range<usize>);

/// The parts of a body.
fn parts(bytes: &[u8], boundary: &[u8]) -> Result<Vec<Part>, &'static str> {
    let mut delimiter = b"--".to_vec();
    delimiter.extend_from_slice(boundary);
    let starts_line = |at: usize| at == 0 || bytes.get(at - 1) == Some(&b'\n');
    let mut marks = memchr::memmem::find_iter(bytes, &delimiter).filter(|at| starts_line(*at)).peekable();
    let mut out = Vec::new();
    let mut closed = false;
    while let Some(mark) = marks.next() {
        let after = mark + delimiter.len();
        if bytes.get(after..after + 2) == Some(b"--") {
            closed = true;
            let rest = bytes.get(after + 2..).unwrap_or_default();
            if !rest.iter().all(u8::is_ascii_whitespace) {
                return Err("bytes after the closing boundary");
            }
            break;
        }
        if out.is_empty() && mark != 0 && !bytes.get(..mark).unwrap_or_default().iter().all(u8::is_ascii_whitespace) {
            return Err("bytes before the first boundary");
        }
        let line = bytes.get(after..).unwrap_or_default();
        let eol = memchr::memchr(b'\n', line).ok_or("a boundary line without an end")?;
        if !line.get(..eol).unwrap_or_default().iter().all(u8::is_ascii_whitespace) {
            return Err("a boundary line with more on it");
        }
        let head_start = after + eol + 1;
        let next = *marks.peek().ok_or("no closing boundary")?;
        let part = bytes.get(head_start..next).ok_or("a part without an end")?;
        let (head_len, gap) = if part.starts_with(b"\r\n") {
            (0, 2)
        } else if part.starts_with(b"\n") {
            (0, 1)
        } else if let Some(at) = memchr::memmem::find(part, b"\r\n\r\n") {
            (at, 4)
        } else if let Some(at) = memchr::memmem::find(part, b"\n\n") {
            (at, 2)
        } else {
            return Err("a part without an empty line");
        };
        let tail = if part.ends_with(b"\r\n") { 2 } else { 1 };
        let body_start = head_start + head_len + gap;
        out.push((head_start..head_start + head_len, body_start..(next - tail).max(body_start)));
    }
    if closed { Ok(out) } else { Err("no closing boundary") }
}

/// One parameter of a header line: where its value stands in the line.
fn parameter(line: &str, name: &str) -> Option<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    while let Some(hit) = lower.get(from..)?.find(name) {
        let start = from + hit;
        let after = start + name.len();
        from = after;
        let before = lower.get(..start)?.trim_end();
        let value = lower.get(after..)?;
        if !before.ends_with(';') || !value.trim_start().starts_with('=') {
            continue;
        }
        let gap = value.len() - value.trim_start().len() + 1;
        let value_at = after + gap + (value.get(gap..)?.len() - value.get(gap..)?.trim_start().len());
        let value = line.get(value_at..)?;
        if let Some(quoted) = value.strip_prefix('"') {
            let mut escaped = false;
            let end = quoted.bytes().position(|b| {
                let ends = b == b'"' && !escaped;
                escaped = b == b'\\' && !escaped;
                ends
            })?;
            return Some(value_at + 1..value_at + 1 + end);
        }
        let end = value.find([';', ' ', '\t']).unwrap_or(value.len());
        return Some(value_at..value_at + end);
    }
    None
}

fn part_head(bytes: &[u8], range: &Range<usize>) -> Result<PartHead, Unreadable> {
    let raw = bytes.get(range.clone()).unwrap_or_default();
    let all = std::str::from_utf8(raw).map_err(|e| {
        let offset = range.start + e.valid_up_to();
        Unreadable::whole(Reason::Charset { charset: "UTF-8".to_owned(), offset })
    })?;
    let mut head = PartHead {
        name: None,
        filename: None,
        filename_star: None,
        media: MediaType::default(),
        encoding: String::new(),
    };
    let mut at = range.start;
    for line in all.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\r', '\n']);
        if line.starts_with([' ', '\t']) {
            return Err(broken("a folded header line"));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header line without a colon"))?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let place = |r: Range<usize>| r.start + start..r.end + start;
                head.name = parameter(line, "name").and_then(|r| line.get(r)).map(str::to_owned);
                head.filename = parameter(line, "filename").map(place);
                head.filename_star = parameter(line, "filename*").map(place);
            }
            "content-type" => head.media = MediaType::parse(value),
            "content-transfer-encoding" => value.trim().to_ascii_lowercase().clone_into(&mut head.encoding),
            _ => {}
        }
    }
    Ok(head)
}

pub(super) fn source(bytes: &[u8], media: &MediaType, context: &mut Context<'_>) -> Result<Source, Unreadable> {
    let boundary = media.boundary.as_deref().filter(|b| (1..=200).contains(&b.len()));
    let boundary = boundary.ok_or_else(|| broken("no boundary in the Content-Type"))?.as_bytes().to_vec();
    let parts = parts(bytes, &boundary).map_err(broken)?;
    if parts.len() > context.limits.parts {
        let (value, observed) = (context.limits.parts, parts.len());
        return Err(Unreadable::whole(Reason::TooLarge { limit: "parts", value, observed }));
    }
    let mut source = Source::new(Shape::Multipart { boundary }, bytes.to_vec());
    for (i, (head_range, body)) in parts.iter().enumerate() {
        let head = part_head(bytes, head_range)?;
        one(bytes, i, &head, body, &mut source, context)?;
    }
    Ok(source)
}

fn narrow() -> Disposition {
    Disposition::Narrow { chars: Some("A-Za-z0-9_.-".to_owned()), max: None }
}

fn file_names(
    bytes: &[u8],
    i: usize,
    head: &PartHead,
    source: &mut Source,
    context: &mut Context<'_>,
) -> Result<Option<String>, Unreadable> {
    let address = format!("part {} filename", i + 1);
    let mut plain = None;
    let mut found: Vec<(Range<usize>, bool)> = Vec::new();
    found.extend(head.filename.clone().map(|r| (r, false)));
    if let Some(star) = &head.filename_star {
        let raw = bytes.get(star.clone()).unwrap_or_default();
        let lead = raw.iter().enumerate().filter(|(_, b)| **b == b'\'').nth(1).map_or(0, |(i, _)| i + 1);
        found.push((star.start + lead..star.end, true));
    }
    found.sort_by_key(|(r, _)| r.start);
    for (range, percent) in found {
        let raw = bytes.get(range.clone()).unwrap_or_default();
        if raw.is_empty() {
            continue;
        }
        let decoded = if percent { percent_decode(raw, false) } else { raw.to_vec() };
        let (name, exact) = guess(decoded);
        plain.get_or_insert_with(|| name.clone());
        if name.contains("=?") || !exact {
            // A MIME word: read, but not written again.
            let words = mime_words(&name);
            context.add(text(address.clone(), words, None, Place::FileName, Disposition::Frozen))?;
            continue;
        }
        let number = context.add(text(address.clone(), name, None, Place::FileName, narrow()))?;
        let coding = if percent { Coding::Percent { plus: false } } else { Coding::Raw };
        source.slots.push(Slot {
            span: range,
            ordinal: i * 4 + usize::from(percent),
            coding,
            content: Content::Text(number),
        });
    }
    Ok(plain)
}

/// `=?UTF-8?B?…?=` undone; what is not understood stays.
fn mime_words(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some(start) = rest.find("=?") {
        out.push_str(rest.get(..start).unwrap_or_default());
        let word = rest.get(start + 2..).unwrap_or_default();
        let mut fields = word.splitn(3, '?');
        let (charset, kind, tail) = (fields.next(), fields.next(), fields.next().unwrap_or_default());
        let (data, after) = tail.split_once("?=").unwrap_or((tail, ""));
        let bytes = match kind {
            Some("B" | "b") => base64_of(data).map(|(_, b)| b),
            _ => Some(percent_decode(data.replace('=', "%").replace('_', "%20").as_bytes(), false)),
        };
        let text = bytes.and_then(|b| super::charset::decode(&b, charset).ok()).map(|(t, _)| t);
        out.push_str(text.as_deref().unwrap_or(data));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn one(
    bytes: &[u8],
    i: usize,
    head: &PartHead,
    body: &Range<usize>,
    source: &mut Source,
    context: &mut Context<'_>,
) -> Result<(), Unreadable> {
    let filename = file_names(bytes, i, head, source, context)?;
    let name = head.name.clone().unwrap_or_default();
    if !name.is_empty() && !opaque::is_word(name.trim_end_matches("[]")) {
        let address = format!("part {} name", i + 1);
        context.add(text(address, name.clone(), None, Place::Body, Disposition::Frozen))?;
    }
    let address = match shown(name.trim_end_matches("[]")) {
        "*" => format!("part {}", i + 1),
        word => format!("part {} ({word})", i + 1),
    };
    let raw = bytes.get(body.clone()).unwrap_or_default();
    if raw.is_empty() {
        return Ok(());
    }
    let unknown = |format| Unreadable::at(Reason::Document { format }, address.clone());
    let (content, coding) = match head.encoding.as_str() {
        "" | "7bit" | "8bit" | "binary" => (raw.to_vec(), Coding::Raw),
        "base64" => {
            let text = std::str::from_utf8(raw).map_err(|_| broken("base64 that is none"))?;
            let (coding, bytes) = base64_of(text.trim_end()).ok_or_else(|| broken("base64 that is none"))?;
            (bytes, coding)
        }
        _ => return Err(broken("a Content-Transfer-Encoding that is not read here")),
    };
    if head.media.essence.starts_with("multipart/") {
        return Err(broken("a multipart inside a multipart"));
    }
    if let Some(format) = magic(&content) {
        return context.unread(unknown(format));
    }
    let (decoded, recoded) = match super::charset::decode(&content, head.media.charset.as_deref()) {
        Ok(done) => done,
        // Tables from older hospital programs come in Shift_JIS without saying so.
        Err(_) if opaque::is_japanese(&content) => (guess(content.clone()).0, true),
        Err(_) => return context.unread(unknown(Format::Unknown)),
    };
    if !readable(decoded.as_bytes()) {
        return context.unread(unknown(Format::Unknown));
    }
    let rule = if filename.is_none() { context.adapter.field(FieldScope::Field, &name).cloned() } else { None };
    let fixed = match rule.as_ref().map(|r| r.list) {
        Some(List::Opaque) if opaque::is_opaque(&decoded) || opaque::is_plain(&decoded) => return Ok(()),
        Some(List::Secret) if opaque::is_credential(&decoded) => return Ok(()),
        Some(List::Opaque | List::Secret | List::Strict) => Some(Disposition::Frozen),
        Some(List::Frozen) => Some(Disposition::FrozenLax),
        // Written again it would be in another charset than its head says.
        _ if recoded && head.media.charset.is_some() => Some(Disposition::Frozen),
        _ => None,
    };
    let label = (filename.is_none() && !name.is_empty() && !context.rules.is_prose(&name)).then_some(name.as_str());
    if let Some(disposition) = fixed {
        context.add(text(address, decoded, label, Place::Body, disposition))?;
        return Ok(());
    }
    let lined =
        head.media.is_lines() || filename.as_deref().is_some_and(|f| f.ends_with(".jsonl") || f.ends_with(".ndjson"));
    let looks = decoded.trim_start_matches('\u{FEFF}').trim_start().starts_with(['{', '[']);
    let inner = if looks && (lined || json::are_lines(&decoded, context.limits)) {
        json::free_lines(decoded, &address, context)?
    } else {
        let decoder = Some(crate::locate::path::Decoder::Json).filter(|_| looks);
        match json::nested(&decoded, decoder, &address, Place::Body, 1, context)? {
            Some(inner) => inner,
            None => {
                let number = context.add(text(address, decoded.clone(), label, Place::Body, Disposition::Open))?;
                Source::text(decoded.into_bytes(), number)
            }
        }
    };
    let coding = match coding {
        Coding::Raw if recoded => Coding::Charset,
        Coding::Base64 { .. } if recoded => return Err(broken("base64 of another charset than UTF-8")),
        other => other,
    };
    source.slots.push(Slot {
        span: body.clone(),
        ordinal: i * 4 + 2,
        coding,
        content: Content::Source(Box::new(inner)),
    });
    Ok(())
}
