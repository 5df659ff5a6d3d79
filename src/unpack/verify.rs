//! The other reader of the second look: reads what goes out with parsers that share nothing with the walk (a serde
//! visitor, `form_urlencoded`, its own split of paths and parts) and holds it against what came in and what was planned.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher as _;

use percent_encoding::percent_decode_str;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::locate::{Edit, LocatedText};

use super::error::SpliceError;
use super::open::Located;
use super::source::{Coding, Content, Edits, Shape, Slot, Source, apply, base64_of};
use super::splice::Outgoing;

type Check = Result<(), SpliceError>;

const fn differs(what: &'static str) -> SpliceError {
    SpliceError::Differs { what }
}

impl Located {
    /// Reads `outgoing` anew: every leaf must be the old one, or the old one with exactly the planned edits.
    ///
    /// # Errors
    /// [`SpliceError::Differs`]: it is not what was planned and must not be sent.
    pub fn verify(&self, outgoing: &Outgoing, edits: &[Edit]) -> Result<(), SpliceError> {
        let edits = self.ordered(edits)?;
        let judge = Judge { texts: &self.texts, edits: &edits };
        judge.source(&self.target, self.head.path_and_query.as_bytes(), outgoing.head.path_and_query.as_bytes())?;
        self.verify_headers(outgoing)?;
        if outgoing.head.method != self.head.method {
            return Err(differs("method"));
        }
        let old = self.wire.as_ref().unwrap_or(&self.body.bytes);
        if outgoing.body == *old {
            // Nothing was to change in the body, or something that should have did not.
            return if judge.touches(&self.body) { Err(differs("body")) } else { Ok(()) };
        }
        judge.source(&self.body, &self.body.bytes, &outgoing.body)
    }

    fn verify_headers(&self, outgoing: &Outgoing) -> Check {
        let changed = ["content-length", "content-encoding", "content-type"];
        let steady = |(name, _): &&(String, Vec<u8>)| {
            !changed.contains(&name.as_str()) && !self.dropped.iter().any(|d| d == name)
        };
        let old = self.head.headers.iter().filter(steady);
        let new = outgoing.head.headers.iter().filter(steady);
        if old.eq(new) { Ok(()) } else { Err(differs("headers")) }
    }
}

struct Judge<'a> {
    texts: &'a [LocatedText],
    edits: &'a Edits<'a>,
}

impl Judge<'_> {
    /// Whether an edit lies in this source.
    fn touches(&self, source: &Source) -> bool {
        source.slots.iter().any(|slot| self.touched(slot))
    }

    fn touched(&self, slot: &Slot) -> bool {
        match &slot.content {
            Content::Text(i) => self.edits.contains_key(i),
            Content::Source(inner) => self.touches(inner),
        }
    }

    /// The content of a place, read by the other reader before and after.
    fn slot(&self, slot: &Slot, old: &str, new: &str) -> Check {
        match &slot.content {
            Content::Text(i) => {
                let text = self.texts.get(*i).ok_or(differs("text"))?;
                if text.text != old {
                    return Err(differs("text, as the second reader read it before,"));
                }
                let planned = match self.edits.get(i) {
                    Some(list) => apply(text.text.as_bytes(), list).ok_or(differs("text"))?,
                    None => text.text.as_bytes().to_vec(),
                };
                if planned == new.as_bytes() { Ok(()) } else { Err(differs("text")) }
            }
            Content::Source(inner) => self.source(inner, old.as_bytes(), new.as_bytes()),
        }
    }

    fn source(&self, source: &Source, old: &[u8], new: &[u8]) -> Check {
        if !self.touches(source) {
            return if old == new { Ok(()) } else { Err(differs("part without edits")) };
        }
        match &source.shape {
            Shape::Json => self.json(source, old, new),
            Shape::Text => self.text(source, old, new),
            Shape::Lines => self.lines(source, old, new),
            Shape::Form => self.form(source, old, new),
            Shape::Target => self.target(source, old, new),
            Shape::Multipart { boundary } => self.multipart(source, boundary, old, new),
        }
    }

    fn utf8<'b>(bytes: &'b [u8]) -> Result<&'b str, SpliceError> {
        std::str::from_utf8(bytes).map_err(|_| differs("text"))
    }

    /// A place that is written whole or as it is: what surrounds it must be the same.
    fn text(&self, source: &Source, old: &[u8], new: &[u8]) -> Check {
        let [slot] = source.slots.as_slice() else { return Err(differs("text")) };
        let (lead, tail) = (slot.span.start, source.bytes.len() - slot.span.end);
        let cut =
            |bytes: &[u8]| -> Option<Vec<u8>> { bytes.get(lead..bytes.len().checked_sub(tail)?).map(<[u8]>::to_vec) };
        let (a, b) = (cut(old).ok_or(differs("text"))?, cut(new).ok_or(differs("text"))?);
        if old.get(..lead) != new.get(..lead) || old.get(old.len() - tail..) != new.get(new.len() - tail..) {
            return Err(differs("text"));
        }
        self.coded(slot, &a, &b)
    }

    /// A place in its coding.
    fn coded(&self, slot: &Slot, old: &[u8], new: &[u8]) -> Check {
        let (a, b) = match slot.coding {
            Coding::Base64 { .. } => {
                let decode = |bytes| base64_of(Self::utf8(bytes).ok()?.trim_end()).map(|(_, b)| b);
                (decode(old).ok_or(differs("base64"))?, decode(new).ok_or(differs("base64"))?)
            }
            Coding::Percent { .. } => {
                let decode = |bytes| Ok::<_, SpliceError>(percent_decode_str(Self::utf8(bytes)?).collect());
                (decode(old)?, decode(new)?)
            }
            Coding::Charset => {
                let Content::Source(inner) = &slot.content else { return Err(differs("charset")) };
                (inner.bytes.clone(), new.to_vec())
            }
            Coding::Raw | Coding::Json(_) => (old.to_vec(), new.to_vec()),
        };
        self.slot(slot, Self::utf8(&a)?, Self::utf8(&b)?)
    }

    fn lines(&self, source: &Source, old: &[u8], new: &[u8]) -> Check {
        let (old, new): (Vec<_>, Vec<_>) = (old.split(|b| *b == b'\n').collect(), new.split(|b| *b == b'\n').collect());
        if old.len() != new.len() {
            return Err(differs("list of lines"));
        }
        let slots: BTreeMap<usize, &Slot> = source.slots.iter().map(|s| (s.ordinal, s)).collect();
        for (i, (a, b)) in old.into_iter().zip(new).enumerate() {
            match slots.get(&i).filter(|s| self.touched(s)) {
                Some(slot) => {
                    self.slot(slot, Self::utf8(a)?.trim_end_matches('\r'), Self::utf8(b)?.trim_end_matches('\r'))?
                }
                None if a == b => {}
                None => return Err(differs("line without edits")),
            }
        }
        Ok(())
    }

    fn form(&self, source: &Source, old: &[u8], new: &[u8]) -> Check {
        let old: Vec<_> = form_urlencoded::parse(old).collect();
        let new: Vec<_> = form_urlencoded::parse(new).collect();
        if old.len() != new.len() {
            return Err(differs("form"));
        }
        let slots: BTreeMap<usize, &Slot> = source.slots.iter().map(|s| (s.ordinal, s)).collect();
        for (i, ((name, value), (new_name, new_value))) in old.iter().zip(&new).enumerate() {
            if name != new_name {
                return Err(differs("name of a form field"));
            }
            match slots.get(&(i * 2 + 1)).filter(|s| self.touched(s)) {
                Some(slot) => self.slot(slot, value, new_value)?,
                None if value == new_value => {}
                None => return Err(differs("form field without edits")),
            }
        }
        Ok(())
    }

    fn target(&self, source: &Source, old: &[u8], new: &[u8]) -> Check {
        let cut = |bytes| -> Result<(String, String), SpliceError> {
            let text = Self::utf8(bytes)?;
            let (path, query) = text.split_once('?').unwrap_or((text, ""));
            Ok((path.to_owned(), query.to_owned()))
        };
        let ((path, query), (new_path, new_query)) = (cut(old)?, cut(new)?);
        if path != new_path || new_query.contains(['#', ' ', '\r', '\n']) || !new_query.is_ascii() && query.is_ascii() {
            return Err(differs("path"));
        }
        self.form(source, query.as_bytes(), new_query.as_bytes())
    }

    fn multipart(&self, source: &Source, boundary: &[u8], old: &[u8], new: &[u8]) -> Check {
        let mut delimiter = b"\n--".to_vec();
        delimiter.extend_from_slice(boundary);
        let cut = |bytes: &[u8]| -> Vec<Vec<u8>> {
            let mut all = b"\n".to_vec();
            all.extend_from_slice(bytes);
            let mut out = Vec::new();
            let mut from = 0;
            for at in memchr::memmem::find_iter(&all, &delimiter) {
                out.push(all.get(from..at).unwrap_or_default().to_vec());
                from = at + delimiter.len();
            }
            out.push(all.get(from..).unwrap_or_default().to_vec());
            out
        };
        let (old, new) = (cut(old), cut(new));
        if old.len() != new.len() {
            return Err(differs("list of parts"));
        }
        let slots: BTreeMap<usize, &Slot> = source.slots.iter().map(|s| (s.ordinal, s)).collect();
        // The piece before the first boundary is no part.
        for (i, (a, b)) in old.iter().zip(&new).enumerate() {
            let first = i.wrapping_sub(1).wrapping_mul(4);
            let here: Vec<&&Slot> = (0..3).filter_map(|k| slots.get(&first.wrapping_add(k))).collect();
            if !here.iter().any(|s| self.touched(s)) {
                if a != b {
                    return Err(differs("part without edits"));
                }
                continue;
            }
            let (head_a, body_a) = head_and_body(a).ok_or(differs("part"))?;
            let (head_b, body_b) = head_and_body(b).ok_or(differs("part"))?;
            match slots.get(&(first + 2)).filter(|s| self.touched(s)) {
                Some(slot) => self.coded(slot, body_a, body_b)?,
                None if body_a == body_b => {}
                None => return Err(differs("part without edits")),
            }
            let names_a = names(Self::utf8(head_a)?);
            let names_b = names(Self::utf8(head_b)?);
            if names_a.0 != names_b.0 {
                return Err(differs("head of a part"));
            }
            for (k, (a, b)) in names_a.1.iter().zip(&names_b.1).enumerate() {
                match (slots.get(&(first + k)).filter(|s| self.touched(s)), a, b) {
                    (Some(slot), Some(a), Some(b)) => self.coded(slot, a.as_bytes(), b.as_bytes())?,
                    (None, a, b) if a == b => {}
                    _ => return Err(differs("file name")),
                }
            }
        }
        Ok(())
    }

    fn json(&self, source: &Source, old: &[u8], new: &[u8]) -> Check {
        let wanted: BTreeMap<usize, &Slot> =
            source.slots.iter().filter(|s| self.touched(s)).map(|s| (s.ordinal, s)).collect();
        let a = read(old, &wanted)?;
        let b = read(new, &wanted)?;
        if a.sum != b.sum || a.taken.len() != wanted.len() || b.taken.len() != wanted.len() {
            return Err(differs("JSON outside the edits"));
        }
        for ((slot, old), new) in wanted.values().zip(&a.taken).zip(&b.taken) {
            self.slot(slot, old, new)?;
        }
        Ok(())
    }
}

fn head_and_body(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let eol = memchr::memchr(b'\n', part)?;
    let rest = part.get(eol + 1..)?;
    let (at, gap) = if rest.starts_with(b"\r\n") {
        (0, 2)
    } else if rest.starts_with(b"\n") {
        (0, 1)
    } else {
        let crlf = memchr::memmem::find(rest, b"\r\n\r\n").map(|at| (at, 4));
        let lf = memchr::memmem::find(rest, b"\n\n").map(|at| (at, 2));
        crlf.into_iter().chain(lf).min_by_key(|(at, _)| *at)?
    };
    let body = rest.get(at + gap..).unwrap_or_default();
    Some((rest.get(..at)?, body.strip_suffix(b"\r").unwrap_or(body)))
}

/// The head with its file names taken out, and the file names: plain, extended.
fn names(head: &str) -> (String, [Option<String>; 2]) {
    let mut rest = head.to_owned();
    let mut out = [None, None];
    for (i, key) in ["filename=", "filename*="].into_iter().enumerate() {
        let Some(at) = rest.to_ascii_lowercase().find(key) else { continue };
        let value_at = at + key.len();
        let value = rest.get(value_at..).unwrap_or_default();
        let (lead, len) = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut before = b' ';
                let end = quoted.bytes().position(|b| {
                    let ends = b == b'"' && before != b'\\';
                    before = b;
                    ends
                });
                (1, end.unwrap_or(quoted.len()))
            }
            None => (0, value.find([';', '\r', '\n', ' ']).unwrap_or(value.len())),
        };
        let range = value_at + lead..value_at + lead + len;
        let name = rest.get(range.clone()).unwrap_or_default().to_owned();
        let (skip, name) = match name.splitn(3, '\'').collect::<Vec<_>>().as_slice() {
            [charset, language, name] if i == 1 => (charset.len() + language.len() + 2, (*name).to_owned()),
            _ => (0, name.clone()),
        };
        out[i] = Some(name);
        rest.replace_range(range.start + skip..range.end, "");
    }
    (rest, out)
}

/// What the visitor keeps: a digest of everything, and the strings that were asked for.
struct Sum<'w> {
    hasher: SipHasher24,
    strings: usize,
    wanted: &'w BTreeMap<usize, &'w Slot>,
    taken: Vec<String>,
}

struct Read {
    sum: (u64, u64),
    taken: Vec<String>,
}

fn read(bytes: &[u8], wanted: &BTreeMap<usize, &Slot>) -> Result<Read, SpliceError> {
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let mut sum = Sum { hasher: SipHasher24::new(), strings: 0, wanted, taken: Vec::new() };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Leaf(&mut sum).deserialize(&mut reader).and_then(|()| reader.end()).map_err(|_| differs("JSON"))?;
    let digest = sum.hasher.finish128();
    Ok(Read { sum: (digest.h1, digest.h2), taken: sum.taken })
}

struct Leaf<'s, 'w>(&'s mut Sum<'w>);

impl Sum<'_> {
    fn mark(&mut self, kind: u8, bytes: &[u8]) {
        self.hasher.write_u8(kind);
        self.hasher.write_usize(bytes.len());
        self.hasher.write(bytes);
    }

    fn string(&mut self, text: &str) {
        if self.wanted.contains_key(&self.strings) {
            self.taken.push(text.to_owned());
            self.mark(b'?', b"");
        } else {
            self.mark(b's', text.as_bytes());
        }
        self.strings += 1;
    }
}

impl<'de> DeserializeSeed<'de> for Leaf<'_, '_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Leaf<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        self.0.mark(b'b', &[u8::from(v)]);
        Ok(())
    }
    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.0.mark(b'i', &v.to_le_bytes());
        Ok(())
    }
    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.0.mark(b'u', &v.to_le_bytes());
        Ok(())
    }
    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.0.mark(b'f', &v.to_bits().to_le_bytes());
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.mark(b'n', b"");
        Ok(())
    }
    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.0.string(v);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.mark(b'[', b"");
        while seq.next_element_seed(Leaf(self.0))?.is_some() {}
        self.0.mark(b']', b"");
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.mark(b'{', b"");
        while map.next_key_seed(Leaf(self.0))?.is_some() {
            map.next_value_seed(Leaf(self.0))?;
        }
        self.0.mark(b'}', b"");
        Ok(())
    }
}
