//! Structured text inside a text: HL7 v2 segments, claims lines, JSON, XML tags, SQL inserts.
//! Reads loosely (a paste is often cut off), gives each value with what its place says it is.
//! Must not know: tables and labels in running text.

use std::ops::Range;

use super::cell::{self, trimmed};
use super::fields::{Fields, Form, Holds, Position};
use super::table;
use crate::detect::engine::lab::items::Items;
use crate::detect::kind::Kind;

/// A stretch whose place says what it is.
pub(super) struct Placed {
    pub(super) range: Range<usize>,
    pub(super) holds: Holds,
    /// Of the structure (`HL7 PID-5`, `JSON key`), for evidence.
    pub(super) note: &'static str,
}

/// Nesting of JSON that is followed.
const DEPTH: usize = 64;

/// HL7 v2 segments, wherever in a line they begin.
pub(super) fn hl7(text: &str, lines: &[Range<usize>], fields: &Fields, out: &mut Vec<Placed>) {
    if memchr::memchr(b'|', text.as_bytes()).is_none() {
        return;
    }
    for line in lines {
        let Some(content) = text.get(line.clone()) else { continue };
        let Some(bar) = content.find('|') else { continue };
        let name_start = content
            .get(..bar)
            .and_then(|head| head.rfind(|c: char| !c.is_ascii_alphanumeric()))
            .map_or(0, |at| at + content.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        let Some(positions) = content.get(name_start..bar).and_then(|name| fields.hl7.get(name)) else { continue };
        let row = split(text, line.start + bar + 1..line.end, b'|');
        for position in positions {
            let Some(field) = row.get(position.at - 1) else { continue };
            for repeat in split(text, field.clone(), b'~') {
                hl7_field(text, repeat, position, out);
            }
        }
    }
}

fn hl7_field(text: &str, field: Range<usize>, position: &Position, out: &mut Vec<Placed>) {
    let holds = Holds { kind: position.kind, role: position.role, subtype: None };
    let parts = split(text, field.clone(), b'^');
    let content =
        |part: Option<&Range<usize>>| part.and_then(|part| text.get(part.clone())).unwrap_or("").trim().to_owned();
    let mut put = |range: Range<usize>, kind: Kind| {
        let range = trimmed(text, range);
        if !range.is_empty() {
            out.push(Placed { range, holds: Holds { kind, ..holds }, note: "HL7 field" });
        }
    };
    match position.form {
        Form::Cx | Form::St => {
            if let Some(first) = parts.first().filter(|part| !content(Some(part)).is_empty()) {
                let seen = content(Some(first));
                let dated = position.kind == Kind::InsuranceId
                    && seen.len() == 8
                    && seen.starts_with(['1', '2'])
                    && cell::date(&seen).is_some();
                put(first.clone(), if dated { Kind::CareDate } else { position.kind });
            }
        }
        Form::Xpn => {
            if let Some(name) = joined_name(text, &parts, 0) {
                put(name, position.kind);
            }
        }
        Form::Xcn => {
            let first = content(parts.first());
            let number = first.bytes().any(|byte| byte.is_ascii_digit());
            if number && let Some(id) = parts.first() {
                put(id.clone(), Kind::StaffId);
            }
            if let Some(name) = joined_name(text, &parts, usize::from(number || first.is_empty())) {
                put(name, position.kind);
            }
        }
        Form::Xad => {
            if let Some(zip) = parts.get(4).filter(|part| !content(Some(part)).is_empty()) {
                put(zip.clone(), Kind::PostalCode);
            }
            for part in parts.iter().enumerate().filter(|(at, _)| !matches!(at, 4..=6)).map(|(_, part)| part) {
                if content(Some(part)).chars().count() >= 4 {
                    put(part.clone(), Kind::Address);
                }
            }
        }
        Form::Xtn => {
            for part in &parts {
                let seen = content(Some(part));
                if seen.contains('@') {
                    put(part.clone(), Kind::Email);
                } else if seen.bytes().filter(u8::is_ascii_digit).count() >= 9 {
                    put(part.clone(), Kind::Phone);
                }
            }
        }
        Form::Ts => {
            if let Some((from, to)) = cell::date(&content(parts.first())) {
                put(field.start + from..field.start + to, position.kind);
            }
        }
        Form::Obx => {
            let seen = content(Some(&field));
            if !seen.is_empty() && seen.chars().count() <= 40 && cell::result(&seen).is_some() {
                put(field.clone(), position.kind);
            }
        }
    }
}

/// `family^given` from component `first` on, without empty components behind.
fn joined_name(text: &str, parts: &[Range<usize>], first: usize) -> Option<Range<usize>> {
    let named: Vec<&Range<usize>> = parts
        .iter()
        .skip(first)
        .take(2)
        .filter(|part| text.get((*part).clone()).is_some_and(|part| part.chars().any(char::is_alphabetic)))
        .collect();
    Some(named.first()?.start..named.last()?.end)
}

fn split(text: &str, range: Range<usize>, at: u8) -> Vec<Range<usize>> {
    let bytes = text.as_bytes().get(range.clone()).unwrap_or_default();
    let mut start = range.start;
    let mut out = Vec::new();
    for found in memchr::memchr_iter(at, bytes) {
        out.push(start..range.start + found);
        start = range.start + found + 1;
    }
    out.push(start..range.end);
    out
}

/// Lines of a claims file.
pub(super) fn uke(text: &str, lines: &[Range<usize>], fields: &Fields, out: &mut Vec<Placed>) {
    let bytes = text.as_bytes();
    for line in lines {
        let Some(comma) = memchr::memchr(b',', bytes.get(line.clone()).unwrap_or_default()) else { continue };
        let Some(name) = text.get(line.start..line.start + comma).map(str::trim) else { continue };
        let Some(record) = fields.uke.get(name) else { continue };
        let row = table::cut(text, line, b',');
        if row.cells.len() < record.cells {
            continue;
        }
        for position in &record.fields {
            let Some(range) = row.cells.get(position.at).cloned() else { continue };
            let holds = Holds { kind: position.kind, role: position.role, subtype: None };
            out.extend(cell::stretches(text, range, holds, fields).into_iter().map(|range| Placed {
                range,
                holds,
                note: "claims line",
            }));
        }
    }
}

/// One level of JSON: under which key it stands, and whether it is a list.
struct Frame {
    key: String,
    list: bool,
}

/// JSON, whole or cut off, and what looks like it (Python, JavaScript).
pub(super) fn json(text: &str, fields: &Fields, items: &Items, out: &mut Vec<Placed>) {
    let bytes = text.as_bytes();
    if memchr::memchr2(b'{', b'[', bytes).is_none() {
        return;
    }
    let mut stack: Vec<Frame> = Vec::new();
    let mut key: Option<String> = None;
    let mut system = String::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' if stack.len() < DEPTH => {
                let named =
                    key.take().or_else(|| stack.last().filter(|frame| frame.list).map(|frame| frame.key.clone()));
                stack.push(Frame { key: named.unwrap_or_default(), list: byte == b'[' });
                system.clear();
            }
            b'}' | b']' => {
                stack.pop();
                key = None;
            }
            b'"' | b'\'' => {
                let Some(end) = string_end(bytes, at) else {
                    at += 1;
                    continue;
                };
                let inner = at + 1..end;
                let next = skip_blank(bytes, end + 1);
                if bytes.get(next) == Some(&b':') && !stack.is_empty() {
                    key = text.get(inner).map(str::to_owned);
                    at = next + 1;
                    continue;
                }
                json_value(text, inner.clone(), key.as_deref(), &stack, &system, fields, items, out);
                if key.as_deref() == Some("system") {
                    system = text.get(inner).unwrap_or("").to_owned();
                }
                at = end;
            }
            b'0'..=b'9' | b'-' if key.is_some() => {
                let mut end = at + 1;
                while bytes
                    .get(end)
                    .is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'))
                {
                    end += 1;
                }
                json_value(text, at..end, key.as_deref(), &stack, &system, fields, items, out);
                at = end;
                continue;
            }
            b',' => key = None,
            _ => {}
        }
        at += 1;
    }
}

fn json_value(
    text: &str,
    range: Range<usize>,
    key: Option<&str>,
    stack: &[Frame],
    system: &str,
    fields: &Fields,
    items: &Items,
    out: &mut Vec<Placed>,
) {
    let Some(top) = stack.last() else { return };
    let (outer, inner) = match (key, top.list) {
        (Some(key), _) => (top.key.as_str(), key),
        (None, true) => {
            let below = stack.len().checked_sub(2).and_then(|at| stack.get(at));
            (below.map_or("", |frame| frame.key.as_str()), top.key.as_str())
        }
        (None, false) => return,
    };
    let Some(content) = text.get(range.clone()) else { return };
    let mut range = range;
    let Some(mut holds) = fields.path(outer, inner).or_else(|| fields.of(inner)) else {
        let known = items.of_cell(inner).is_some_and(|alias| !alias.weak || alias.text.len() > 2);
        if known && let Some((from, to)) = cell::result(content) {
            let holds = Holds { kind: Kind::LabValue, role: None, subtype: None };
            out.push(Placed { range: range.start + from..range.start + to, holds, note: "JSON key" });
        }
        return;
    };
    match holds.kind {
        Kind::Phone if content.contains('@') => holds.kind = Kind::Email,
        Kind::PatientId if system.contains("mynumber") => {
            holds = Holds { kind: Kind::NationalId, subtype: Some("my_number"), ..holds }
        }
        Kind::PatientId => {
            if let Some(slash) = content.rfind('/') {
                range.start += slash + 1;
            }
        }
        _ => {}
    }
    out.extend(cell::stretches(text, range, holds, fields).into_iter().map(|range| Placed {
        range,
        holds,
        note: "JSON key",
    }));
}

/// Where a quoted string closes; single quotes only within a line and behind a mark of structure.
fn string_end(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = *bytes.get(open)?;
    if quote == b'\''
        && open > 0
        && !bytes.get(open - 1).is_some_and(|byte| matches!(byte, b'{' | b'[' | b',' | b':' | b'(' | b' ' | b'\n'))
    {
        return None;
    }
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return None,
            _ if byte == quote => return Some(at),
            _ => {}
        }
        if at - open > 4096 {
            return None;
        }
        at += 1;
    }
    None
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// XML: a tag's name or attributes say what its text or the attribute's value is.
pub(super) fn xml(text: &str, fields: &Fields, items: &Items, out: &mut Vec<Placed>) {
    let bytes = text.as_bytes();
    let mut stack: Vec<&str> = Vec::new();
    for open in memchr::memchr_iter(b'<', bytes) {
        if let Some(closing) = text.get(open + 2..).filter(|_| bytes.get(open + 1) == Some(&b'/')) {
            let known = stack.iter().rposition(|name| closing.starts_with(name));
            stack.truncate(known.unwrap_or(stack.len()));
            continue;
        }
        let Some(close) = bytes
            .get(open..(open + 600).min(bytes.len()))
            .and_then(|rest| memchr::memchr(b'>', rest))
            .map(|at| open + at)
        else {
            continue;
        };
        let Some(tag) = text.get(open + 1..close) else { continue };
        let name_end =
            tag.find(|c: char| !(c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.'))).unwrap_or(tag.len());
        let Some(name) = tag.get(..name_end).filter(|name| !name.is_empty()) else { continue };
        let local = name.rsplit(':').next().unwrap_or(name);
        let parent = stack.last().map_or("", |name| name.rsplit(':').next().unwrap_or(name));
        if !tag.ends_with('/') && stack.len() < DEPTH {
            stack.push(name);
        }
        let attributes = attributes(text, open + 1 + name_end..close);
        let mut item = items.of_cell(local).is_some_and(|alias| !alias.weak || alias.text.len() > 2);
        for (attribute, value) in &attributes {
            let (Some(attribute), Some(content)) = (text.get(attribute.clone()), text.get(value.clone())) else {
                continue;
            };
            item |= matches!(attribute, "item" | "name" | "code" | "test" | "displayName" | "analyte")
                && items.of_cell(content).is_some();
            if let Some(holds) = fields.of(attribute) {
                out.extend(cell::stretches(text, value.clone(), holds, fields).into_iter().map(|range| Placed {
                    range,
                    holds,
                    note: "XML attribute",
                }));
            }
        }
        let lab = Holds { kind: Kind::LabValue, role: None, subtype: None };
        if item {
            for (attribute, value) in &attributes {
                let is_value = text.get(attribute.clone()).is_some_and(|name| matches!(name, "value" | "result"));
                if is_value && let Some(found) = text.get(value.clone()).and_then(cell::result) {
                    out.push(Placed {
                        range: value.start + found.0..value.start + found.1,
                        holds: lab,
                        note: "XML attribute",
                    });
                }
            }
        }
        let content_end = bytes.get(close + 1..).and_then(|rest| memchr::memchr(b'<', rest)).map(|at| close + 1 + at);
        let Some(content) = content_end.filter(|&end| end - close < 400).map(|end| close + 1..end) else { continue };
        let closed = text
            .get(content.end..)
            .is_some_and(|rest| rest.get(2..).is_some_and(|rest| rest.starts_with(name)) && rest.starts_with("</"));
        if !closed {
            continue;
        }
        if let Some(holds) = fields.path(parent, local).or_else(|| fields.of(local)) {
            out.extend(cell::stretches(text, content, holds, fields).into_iter().map(|range| Placed {
                range,
                holds,
                note: "XML tag",
            }));
        } else if item && let Some(found) = text.get(content.clone()).and_then(cell::result) {
            out.push(Placed { range: content.start + found.0..content.start + found.1, holds: lab, note: "XML tag" });
        }
    }
}

/// `name="value"` pairs of a tag.
fn attributes(text: &str, range: Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
    let mut out = Vec::new();
    let mut at = range.start;
    while let Some(equals) = text.get(at..range.end).and_then(|rest| rest.find('=')).map(|found| at + found) {
        let name_start = text
            .get(at..equals)
            .and_then(|head| head.rfind(|c: char| c.is_whitespace()))
            .map_or(at, |found| at + found + 1);
        let quote = text.as_bytes().get(equals + 1).copied().unwrap_or(0);
        if !matches!(quote, b'"' | b'\'') {
            at = equals + 1;
            continue;
        }
        let Some(end) =
            text.get(equals + 2..range.end).and_then(|rest| rest.find(quote as char)).map(|found| equals + 2 + found)
        else {
            break;
        };
        out.push((name_start..equals, equals + 2..end));
        at = end + 1;
    }
    out
}

/// `INSERT INTO t (a, b) VALUES ('x', 1), …`: the columns' names say what the values are.
pub(super) fn sql(text: &str, fields: &Fields, items: &Items, out: &mut Vec<Placed>) {
    let mut from = 0;
    while let Some(start) = find_word(text, from, "insert into") {
        from = start + 11;
        let Some(open) = text
            .as_bytes()
            .get(from..(from + 120).min(text.len()))
            .and_then(|rest| memchr::memchr(b'(', rest))
            .map(|at| from + at)
        else {
            continue;
        };
        let Some((names, end)) = tuple(text, open) else { continue };
        let Some(values) = text
            .get(end..)
            .filter(|rest| rest.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("values")))
        else {
            continue;
        };
        let mut at = text.len() - values.trim_start().len() + 6;
        while let Some(open) = text
            .get(at..)
            .and_then(|rest| rest.find(|c: char| !(c.is_whitespace() || c == ',')))
            .map(|found| at + found)
        {
            let Some((cells, end)) = (text.as_bytes().get(open) == Some(&b'(')).then(|| tuple(text, open)).flatten()
            else {
                break;
            };
            for (name, value) in names.iter().zip(&cells) {
                let name = text.get(name.clone()).unwrap_or("");
                if let Some(holds) = fields.of(name) {
                    out.extend(cell::stretches(text, value.clone(), holds, fields).into_iter().map(|range| Placed {
                        range,
                        holds,
                        note: "SQL column",
                    }));
                } else if items.of_cell(name).is_some_and(|alias| !alias.weak || alias.text.len() > 2) {
                    let value = trimmed(text, value.clone());
                    if let Some(found) = text.get(value.clone()).and_then(cell::result) {
                        let holds = Holds { kind: Kind::LabValue, role: None, subtype: None };
                        out.push(Placed {
                            range: value.start + found.0..value.start + found.1,
                            holds,
                            note: "SQL column",
                        });
                    }
                }
            }
            at = end;
        }
    }
}

fn find_word(text: &str, from: usize, word: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = word.as_bytes().first().copied()?;
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), bytes.get(from..)?)
        .map(|at| from + at)
        .find(|&at| bytes.get(at..at + word.len()).is_some_and(|seen| seen.eq_ignore_ascii_case(word.as_bytes())))
}

/// The cells of a bracket that opens at `open`, and where it closes.
fn tuple(text: &str, open: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let bytes = text.as_bytes();
    let (mut cells, mut start, mut quote) = (Vec::new(), open + 1, 0u8);
    for at in open + 1..bytes.len().min(open + 20_000) {
        let byte = *bytes.get(at)?;
        match byte {
            b'\'' | b'"' if quote == 0 => quote = byte,
            _ if byte == quote => quote = 0,
            b',' if quote == 0 => {
                cells.push(start..at);
                start = at + 1;
            }
            b')' if quote == 0 => {
                cells.push(start..at);
                return Some((cells, at + 1));
            }
            _ => {}
        }
    }
    None
}
