//! Path, query and headers as texts. A path and a header never change; a query value may.

use percent_encoding::percent_decode_str;

use crate::detect::Author;
use crate::locate::path::List;
use crate::locate::provider::{Endpoint, FieldScope};
use crate::locate::{Disposition, Head, LocatedText, Place};

use super::error::Unreadable;
use super::opaque;
use super::open::Context;
use super::source::{Coding, Content, Shape, Slot, Source, percent_decode};

pub(super) fn text(
    address: impl Into<String>,
    text: String,
    label: Option<&str>,
    place: Place,
    disposition: Disposition,
) -> LocatedText {
    LocatedText {
        address: address.into(),
        text,
        label: label.map(str::to_owned),
        disposition,
        place,
        unit: 0,
        author: Author::User,
    }
}

/// Text of bytes whose charset nobody names: UTF-8, else an older Japanese one, else with marks for what is unreadable.
pub(super) fn guess(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(e) => {
            let bytes = e.into_bytes();
            let japanese = [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP]
                .iter()
                .find_map(|c| c.decode_without_bom_handling_and_without_replacement(&bytes));
            match japanese {
                Some(text) => (text.into_owned(), false),
                None => (String::from_utf8_lossy(&bytes).into_owned(), false),
            }
        }
    }
}

/// A name fit for an address: ASCII words as they are, all else `*`.
pub(super) fn shown(name: &str) -> &str {
    if opaque::is_word(name) { name } else { "*" }
}

pub(super) fn target(
    path_and_query: &str,
    endpoint: &Endpoint,
    context: &mut Context<'_>,
) -> Result<Source, Unreadable> {
    let mut source = Source::new(Shape::Target, path_and_query.as_bytes().to_vec());
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    for (i, raw) in path.split('/').filter(|s| !s.is_empty()).enumerate() {
        let (segment, _) = guess(percent_decode_str(raw).collect());
        let literal = endpoint.known && endpoint.name.split(['/', '{', '}', ',']).any(|s| s == segment);
        // Where the pattern leaves a gap, ids and model names stand.
        let named = endpoint.known && opaque::is_enum(&segment);
        if literal || named || opaque::is_uuid(&segment) || opaque::has_vendor_prefix(&segment) {
            continue;
        }
        context.add(text(format!("path segment {}", i + 1), segment, None, Place::Path, Disposition::Frozen))?;
    }
    if let Some(query) = query {
        pairs(query, path.len() + 1, Place::Query, &mut source, context)?;
    }
    Ok(source)
}

/// Query parameters and form fields.
pub(super) fn pairs(
    all: &str,
    offset: usize,
    place: Place,
    source: &mut Source,
    context: &mut Context<'_>,
) -> Result<(), Unreadable> {
    let scope = if place == Place::Query { FieldScope::Query } else { FieldScope::Field };
    let mark = if place == Place::Query { "?" } else { "" };
    let mut at = offset;
    let mut number = 0;
    for pair in all.split('&') {
        let start = at;
        at += pair.len() + 1;
        if pair.is_empty() {
            continue;
        }
        let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, _) = guess(percent_decode(raw_name.as_bytes(), true));
        let value_at = start + raw_name.len() + 1;
        let span = value_at..(value_at + raw_value.len()).min(start + pair.len());
        let ordinal = number * 2 + 1;
        number += 1;
        if number > context.limits.parts && place == Place::Body {
            let (value, observed) = (context.limits.parts, number);
            return Err(Unreadable::whole(super::Reason::TooLarge { limit: "parts", value, observed }));
        }
        let address = format!("{mark}{}", shown(&name));
        if !opaque::is_word(&name) {
            context.add(text(format!("{address} (name)"), name.clone(), None, place, Disposition::Frozen))?;
        }
        if raw_value.is_empty() {
            continue;
        }
        let (value, exact) = guess(percent_decode(raw_value.as_bytes(), true));
        let rule = context.adapter.field(scope, &name).cloned();
        let list = rule.as_ref().map(|r| r.list);
        let plain = place == Place::Query && context.rules.is_plain_query(&name) && opaque::is_plain(&value);
        let secret = place == Place::Query && context.rules.is_secret_query(&name) || list == Some(List::Secret);
        if plain || secret && opaque::is_credential(&value) {
            continue;
        }
        if secret && place == Place::Query && value.is_ascii() && !value.contains(' ') {
            continue;
        }
        let fixed = match list {
            Some(List::Opaque) if opaque::is_opaque(&value) || opaque::is_plain(&value) => continue,
            Some(List::Opaque | List::Strict) => Some(Disposition::Frozen),
            Some(List::Frozen) => Some(Disposition::FrozenLax),
            // What cannot be written back as it was read must not change.
            _ if !exact => Some(Disposition::Frozen),
            _ => None,
        };
        let label = (!context.rules.is_prose(&name)).then_some(name.as_str());
        if let Some(disposition) = fixed {
            context.add(text(address, value, label, place, disposition))?;
            continue;
        }
        let decoder = rule.as_ref().and_then(|r| r.decoder);
        let content = match super::json::nested(&value, decoder, &address, place, 1, context)? {
            Some(inner) => Content::Source(Box::new(inner)),
            None => Content::Text(context.add(text(address, value, label, place, Disposition::Open))?),
        };
        source.slots.push(Slot { span, ordinal, coding: Coding::Percent { plus: true }, content });
    }
    Ok(())
}

pub(super) fn headers(head: &Head, context: &mut Context<'_>) -> Result<(), Unreadable> {
    for (name, value) in &head.headers {
        if name.starts_with(':') || value.is_empty() || context.rules.is_secret(name) {
            continue;
        }
        if context.rules.is_ordinary(name) && value.is_ascii() && !value.windows(2).any(|w| w == b"=?") {
            continue;
        }
        let (decoded, _) = guess(value.clone());
        if opaque::is_uuid(&decoded) || opaque::has_vendor_prefix(&decoded) {
            continue;
        }
        let address = format!("header {}", shown(name));
        // Header values are ASCII by rule: what is beyond travels percent-encoded or as MIME words.
        let value = if decoded.contains('%') { guess(percent_decode(decoded.as_bytes(), false)).0 } else { decoded };
        context.add(text(address, value, Some(name), Place::Header, Disposition::Frozen))?;
    }
    Ok(())
}
