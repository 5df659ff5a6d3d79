//! JSON → texts: each leaf classed by the paths of its endpoint, with its turn and author; layers inside strings opened.

use crate::detect::Author;
use crate::locate::json::{At, Kind, Step, Style, Tape, Visitor, document_style};
use crate::locate::path::{Decoder, List, PathSet, Pattern};
use crate::locate::provider::Turns;
use crate::locate::{Disposition, LocatedText, Place};

use super::charset::{magic, readable};
use super::error::{Format, Reason, Unreadable};
use super::head::shown;
use super::limits::Limits;
use super::opaque;
use super::open::Context;
use super::source::{Coding, Content, Shape, Slot, Source, base64_of, percent_decode};

const MARK: char = '\u{FEFF}';

pub(super) fn is_json(text: &str, limits: &Limits) -> bool {
    Tape::read(text.trim_start_matches(MARK), limits.depth, limits.values).is_ok()
}

/// Two lines or more, each a JSON object or array.
pub(super) fn are_lines(text: &str, limits: &Limits) -> bool {
    let lines = || text.trim_start_matches(MARK).lines().filter(|line| !line.trim().is_empty());
    lines().nth(1).is_some()
        && lines().all(|line| {
            line.trim_start().starts_with(['{', '[']) && Tape::read(line, limits.depth, limits.values).is_ok()
        })
}

/// A JSON body. The text comes back with the error, for another reading.
pub(super) fn body(text: String, context: &mut Context<'_>) -> Result<Source, (String, Unreadable)> {
    let adapter = context.adapter;
    let (numbers, total, unread) = (context.texts.len(), context.total, context.unread.len());
    match walk(&text, Zone::of(&adapter.paths, adapter.turns.as_ref()), context) {
        Ok(slots) => Ok(Source { shape: Shape::Json, bytes: text.into_bytes(), slots }),
        Err(e) => {
            context.texts.truncate(numbers);
            context.total = total;
            context.unread.truncate(unread);
            Err((text, e))
        }
    }
}

/// One document a line.
pub(super) fn lines(text: String, context: &mut Context<'_>) -> Result<Source, Unreadable> {
    let adapter = context.adapter;
    let slots = line_slots(&text, context, &|| Zone::of(&adapter.paths, adapter.turns.as_ref()))?;
    Ok(Source { shape: Shape::Lines, bytes: text.into_bytes(), slots })
}

/// The lines of a file whose shape nobody names.
pub(super) fn free_lines(text: String, address: &str, context: &mut Context<'_>) -> Result<Source, Unreadable> {
    let all = PathSet::compile(&[]).map_err(|_| Unreadable::whole(Reason::BinaryBody))?;
    let zone = || Zone { free: true, address, ..Zone::of(&all, None) };
    let slots = line_slots(&text, context, &zone)?;
    Ok(Source { shape: Shape::Lines, bytes: text.into_bytes(), slots })
}

fn line_slots<'z>(text: &str, context: &mut Context<'_>, zone: &dyn Fn() -> Zone<'z>) -> Result<Vec<Slot>, Unreadable> {
    let mut slots = Vec::new();
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if line.trim_matches([MARK, ' ', '\t']).is_empty() {
            continue;
        }
        if number >= context.limits.parts.max(1) * 100 {
            let value = context.limits.parts * 100;
            return Err(Unreadable::whole(Reason::TooLarge { limit: "parts", value, observed: number + 1 }));
        }
        let zone = zone();
        let prefix = format!(
            "{}line {}",
            if zone.address.is_empty() { String::new() } else { format!("{} ", zone.address) },
            number + 1
        );
        let inner = walk(line, Zone { address: &prefix, ..zone }, context)?;
        if inner.is_empty() {
            continue;
        }
        let source = Source { shape: Shape::Json, bytes: line.as_bytes().to_vec(), slots: inner };
        slots.push(Slot {
            span: start..start + line.len(),
            ordinal: number,
            coding: Coding::Raw,
            content: Content::Source(Box::new(source)),
        });
    }
    Ok(slots)
}

/// A layer inside a string, where the string is one: JSON by the path's word, base64 by its form.
pub(super) fn nested(
    value: &str,
    decoder: Option<Decoder>,
    address: &str,
    place: Place,
    layer: usize,
    context: &mut Context<'_>,
) -> Result<Option<Source>, Unreadable> {
    let outer = Outer { place, author: Author::User, unit: 0 };
    layered(value, decoder, address, outer, layer, context)
}

/// What a layer takes from where it stands.
#[derive(Clone, Copy)]
struct Outer {
    place: Place,
    author: Author,
    unit: u32,
}

fn layered(
    value: &str,
    decoder: Option<Decoder>,
    address: &str,
    outer: Outer,
    layer: usize,
    context: &mut Context<'_>,
) -> Result<Option<Source>, Unreadable> {
    let deep = decoder == Some(Decoder::JsonDeep);
    if matches!(decoder, Some(Decoder::Json | Decoder::JsonDeep)) && value.trim_start().starts_with(['{', '[', '"']) {
        if layer > context.limits.layers {
            let (limit, observed) = ("layers", layer);
            let reason = Reason::TooLarge { limit, value: context.limits.layers, observed };
            return Err(Unreadable::at(reason, address));
        }
        let all = PathSet::compile(&[]).map_err(|_| Unreadable::at(Reason::BinaryBody, address))?;
        let zone = Zone {
            free: true,
            deep,
            layer,
            address,
            place: outer.place,
            author: Some(outer.author),
            unit: outer.unit,
            ..Zone::of(&all, None)
        };
        let (numbers, total) = (context.texts.len(), context.total);
        return match walk(value, zone, context) {
            Ok(slots) => Ok(Some(Source { shape: Shape::Json, bytes: value.as_bytes().to_vec(), slots })),
            // Arguments that are no JSON are text.
            Err(Unreadable { reason: Reason::BadJson(_), .. }) => {
                context.texts.truncate(numbers);
                context.total = total;
                Ok(None)
            }
            Err(e) => Err(e),
        };
    }
    Ok(None)
}

/// The value of a key of the outermost object, where it is a short string.
pub(super) fn top_level(source: &Source, key: &str) -> Option<String> {
    if source.shape != Shape::Json {
        return None;
    }
    let text = std::str::from_utf8(&source.bytes).ok()?.trim_start_matches(MARK);
    let tape = Tape::read(text, 127, usize::MAX).ok()?;
    let token = tape.members(0, key).last()?;
    (tape.kind(token) == Some(Kind::String)).then(|| tape.string(token).into_owned()).filter(|m| m.len() <= 200)
}

/// How one document is walked.
#[derive(Clone, Copy)]
struct Zone<'z> {
    paths: &'z PathSet,
    turns: Option<&'z Turns>,
    /// Every string is a text, keys and numbers are searched.
    free: bool,
    /// Strings that are JSON are opened again.
    deep: bool,
    layer: usize,
    address: &'z str,
    place: Place,
    author: Option<Author>,
    unit: u32,
}

impl<'z> Zone<'z> {
    fn of(paths: &'z PathSet, turns: Option<&'z Turns>) -> Self {
        Self {
            paths,
            turns,
            free: false,
            deep: false,
            layer: 0,
            address: "",
            place: Place::Body,
            author: None,
            unit: 0,
        }
    }
}

fn walk(text: &str, zone: Zone<'_>, context: &mut Context<'_>) -> Result<Vec<Slot>, Unreadable> {
    let skip = text.len() - text.trim_start_matches(MARK).len();
    let inner = text.get(skip..).unwrap_or_default();
    let tape =
        Tape::read(inner, context.limits.depth, context.limits.values).map_err(|e| Unreadable::at(e, zone.address))?;
    let mut classify = Classify {
        zone,
        context,
        slots: Vec::new(),
        shift: skip,
        style: document_style(inner),
        list: None,
        author: zone.author.unwrap_or(Author::User),
        unit: zone.unit,
        after_assistant: true,
    };
    tape.walk(zone.paths, &mut classify)?;
    Ok(classify.slots)
}

struct Classify<'a, 'c, 'z> {
    zone: Zone<'z>,
    context: &'a mut Context<'c>,
    slots: Vec<Slot>,
    /// Bytes before the document (a byte order mark).
    shift: usize,
    style: Style,
    /// Depth at which the list of messages stands.
    list: Option<usize>,
    author: Author,
    unit: u32,
    /// The next message that is not the assistant's begins a unit.
    after_assistant: bool,
}

impl Classify<'_, '_, '_> {
    fn address(&self, path: &[Step<'_>]) -> String {
        let mut out = String::with_capacity(32);
        out.push_str(self.zone.address);
        for step in path {
            match step {
                Step::Key(key) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(shown(key));
                }
                Step::Index(i) => {
                    out.push('[');
                    out.push_str(&i.to_string());
                    out.push(']');
                }
            }
        }
        out
    }

    fn label(&self, path: &[Step<'_>]) -> Option<String> {
        let key = path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_ref()),
            Step::Index(_) => None,
        })?;
        // In the house's own fields prose stands under known names; in a free zone every name tells something.
        (!self.context.rules.is_prose(key) || self.zone.free && !key.is_ascii()).then(|| key.to_owned())
    }

    fn author(&self, at: &At<'_, '_>) -> Author {
        let marks = |list| at.matched.iter().any(|id| self.zone.paths.pattern(*id).is_some_and(|p| p.list == list));
        if marks(List::Tool) {
            Author::Tool
        } else if marks(List::System) {
            Author::System
        } else {
            self.author
        }
    }

    fn add(&mut self, at: &At<'_, '_>, text: String, disposition: Disposition, key: bool) -> Result<usize, Unreadable> {
        let mut address = self.address(at.path);
        let label = if key {
            address.push_str(" (key)");
            None
        } else {
            self.label(at.path)
        };
        let (unit, author, place) = (self.unit, self.author(at), self.zone.place);
        self.context.add(LocatedText { address, text, label, disposition, place, unit, author })
    }

    fn slot(&mut self, at: &At<'_, '_>, content: Content) {
        let span = at.tape.span(at.token);
        self.slots.push(Slot {
            span: span.start + self.shift..span.end + self.shift,
            ordinal: at.string,
            coding: Coding::Json(self.style),
            content,
        });
    }

    /// The list that a value belongs to; `None`: no path names it.
    fn class<'s>(&'s self, at: &At<'_, '_>, int: bool) -> Option<&'s Pattern> {
        self.zone.paths.best(at.matched, |p| {
            let request = matches!(
                p.list,
                List::Request
                    | List::Media
                    | List::Unreadable
                    | List::Strict
                    | List::Frozen
                    | List::Sealed
                    | List::Opaque
                    | List::Secret
            );
            // A list that lets things pass is not believed where its predicate was answered twice.
            let believed = !at.doubtful || matches!(p.list, List::Request | List::Media | List::Strict);
            request && believed && p.int == int
        })
    }

    fn open_text(&mut self, at: &At<'_, '_>, decoder: Option<Decoder>) -> Result<(), Unreadable> {
        let value = at.tape.string(at.token);
        if value.is_empty() {
            return Ok(());
        }
        let decoder = decoder.or(self.zone.deep.then_some(Decoder::JsonDeep));
        let outer = Outer { place: self.zone.place, author: self.author(at), unit: self.unit };
        let json = matches!(decoder, Some(Decoder::Json | Decoder::JsonDeep))
            && (!self.zone.deep || value.trim_start().starts_with(['{', '[']));
        if json {
            let address = self.address(at.path);
            if let Some(source) = layered(&value, decoder, &address, outer, self.zone.layer + 1, self.context)? {
                self.slot(at, Content::Source(Box::new(source)));
                return Ok(());
            }
        }
        if value.starts_with("data:") && value.contains(',') && !value.contains(char::is_whitespace) {
            return self.data_url(at, &value);
        }
        if value.len() > 256
            && let Some((coding, bytes)) = base64_of(&value)
        {
            if let Some(format) = magic(&bytes) {
                let address = self.address(at.path);
                return self.context.unread(Unreadable::at(Reason::Document { format }, address));
            }
            if readable(&bytes) {
                return self.encoded(at, bytes, coding, 0);
            }
        }
        let narrow = self.zone.paths.patterns();
        let narrow = at
            .matched
            .iter()
            .filter_map(|id| narrow.get(usize::from(*id)))
            .find(|p| p.list == List::Narrow)
            .and_then(|p| self.context.adapter.narrow.get(p.ordinal))
            .cloned();
        let disposition = match narrow {
            Some(n) => Disposition::Narrow { chars: n.chars, max: n.max },
            None => Disposition::Open,
        };
        let number = self.add(at, value.into_owned(), disposition, false)?;
        self.slot(at, Content::Text(number));
        Ok(())
    }

    /// Text inside base64 that begins `lead` bytes into the string.
    fn encoded(&mut self, at: &At<'_, '_>, bytes: Vec<u8>, coding: Coding, lead: usize) -> Result<(), Unreadable> {
        let value = at.tape.string(at.token);
        let text = String::from_utf8(bytes)
            .map_err(|_| Unreadable::at(Reason::Document { format: Format::Unknown }, self.address(at.path)))?;
        let number = self.add(at, text.clone(), Disposition::Open, false)?;
        let inner = Source::text(text.into_bytes(), number);
        let mut outer = Source::new(Shape::Text, value.as_bytes().to_vec());
        outer.slots.push(Slot {
            span: lead..value.len(),
            ordinal: 0,
            coding,
            content: Content::Source(Box::new(inner)),
        });
        self.slot(at, Content::Source(Box::new(outer)));
        Ok(())
    }

    fn data_url(&mut self, at: &At<'_, '_>, value: &str) -> Result<(), Unreadable> {
        let (head, data) = value.split_once(',').unwrap_or((value, ""));
        if data.is_empty() {
            return Ok(());
        }
        let lead = head.len() + 1;
        let base64 = head.to_ascii_lowercase().ends_with(";base64");
        let unknown = || Unreadable::at(Reason::Document { format: Format::Unknown }, self.address(at.path));
        if base64 {
            let (coding, bytes) = base64_of(data).ok_or_else(unknown)?;
            return self.file(at, bytes, coding, lead);
        }
        let bytes = percent_decode(data.as_bytes(), false);
        self.file(at, bytes, Coding::Percent { plus: false }, lead)
    }

    /// A file in a string: text is read, all else is not read here.
    fn file(&mut self, at: &At<'_, '_>, bytes: Vec<u8>, coding: Coding, lead: usize) -> Result<(), Unreadable> {
        if bytes.is_empty() {
            return Ok(());
        }
        let format = magic(&bytes).or((!readable(&bytes)).then_some(Format::Unknown));
        match format {
            Some(format) => {
                let address = self.address(at.path);
                self.context.unread(Unreadable::at(Reason::Document { format }, address))
            }
            None => self.encoded(at, bytes, coding, lead),
        }
    }

    fn media(&mut self, at: &At<'_, '_>, decoder: Option<Decoder>) -> Result<(), Unreadable> {
        let value = at.tape.string(at.token);
        if value.is_empty() {
            return Ok(());
        }
        if opaque::is_url(&value) {
            self.add(at, value.into_owned(), Disposition::Frozen, false)?;
            return Ok(());
        }
        if value.starts_with("data:") {
            return self.data_url(at, &value);
        }
        if matches!(decoder, Some(Decoder::Base64 | Decoder::DataUrl))
            && value.len() >= 16
            && let Some((coding, bytes)) = base64_of(&value)
        {
            return self.file(at, bytes, coding, 0);
        }
        self.open_text(at, None)
    }

    fn string(&mut self, at: &At<'_, '_>) -> Result<(), Unreadable> {
        if self.zone.free {
            return self.open_text(at, None);
        }
        let Some((list, decoder)) = self.class(at, false).map(|p| (p.list, p.decoder)) else {
            return self.open_text(at, None);
        };
        let fixed = match list {
            List::Media => return self.media(at, decoder),
            List::Strict => Disposition::Frozen,
            List::Frozen => Disposition::FrozenLax,
            List::Sealed => Disposition::Signed,
            List::Opaque | List::Secret => {
                let value = at.tape.string(at.token);
                if list == List::Opaque && opaque::is_opaque(&value)
                    || list == List::Secret && opaque::is_credential(&value)
                {
                    return Ok(());
                }
                Disposition::Frozen
            }
            _ => return self.open_text(at, decoder),
        };
        let value = at.tape.string(at.token);
        if !value.is_empty() {
            self.add(at, value.into_owned(), fixed, false)?;
        }
        Ok(())
    }

    fn number(&mut self, at: &At<'_, '_>) -> Result<(), Unreadable> {
        let raw = at.tape.raw(at.token);
        let whole = raw.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if whole && self.class(at, true).is_some_and(|p| p.list == List::Unreadable) {
            let address = self.address(at.path);
            return self.context.unread(Unreadable::at(Reason::TokenIds, address));
        }
        let digits = raw.bytes().filter(u8::is_ascii_digit).count();
        let searched = if self.zone.free {
            true
        } else {
            match self.class(at, false) {
                Some(p) => p.free && matches!(p.list, List::Request | List::Media),
                // No path names it: what could be a patient's number is looked at.
                None => whole && digits >= 6,
            }
        };
        // Elements of a vector (an embedding) say nothing about anybody.
        let vector = !whole && matches!(at.path.last(), Some(Step::Index(i)) if *i >= 16);
        if searched && !vector {
            self.add(at, raw.to_owned(), Disposition::Frozen, false)?;
        }
        Ok(())
    }

    fn begin_message(&mut self, at: &At<'_, '_>, turns: &Turns) {
        let value = |key: &str| -> Vec<String> {
            at.tape.members(at.token, key).map(|v| at.tape.string(v).into_owned()).collect()
        };
        let roles = value(&turns.role);
        let kinds = turns.kind.as_deref().map(value).unwrap_or_default();
        // A key that stands there twice speaks for nobody.
        let is = |values: &[String], names: &[String]| {
            !values.is_empty() && values.iter().all(|v| names.iter().any(|n| n == v))
        };
        let assistant = is(&roles, &turns.assistant) || roles.is_empty() && is(&kinds, &turns.assistant_kinds);
        self.author = if assistant {
            Author::Assistant
        } else if is(&roles, &turns.system) {
            Author::System
        } else if is(&roles, &turns.tool) || is(&kinds, &turns.tool_kinds) {
            Author::Tool
        } else {
            Author::User
        };
        if assistant || self.after_assistant {
            self.context.unit += 1;
        }
        self.after_assistant = assistant;
        self.unit = self.context.unit;
    }

    fn leave_message(&mut self) {
        self.author = self.zone.author.unwrap_or(Author::User);
        self.unit = self.zone.unit;
    }
}

impl Visitor for Classify<'_, '_, '_> {
    type Error = Unreadable;

    fn key(&mut self, at: &At<'_, '_>) -> Result<(), Unreadable> {
        let Some(Step::Key(key)) = at.path.last() else { return Ok(()) };
        if key.is_empty() {
            return Ok(());
        }
        let zone = self.zone.paths.best(at.matched, |p| p.free && !p.list.in_answers()).map(|p| p.list);
        let word = opaque::is_word(key);
        let disposition = match zone {
            _ if self.zone.free => Disposition::Frozen,
            Some(List::Request | List::Media | List::Unreadable) => Disposition::Frozen,
            Some(List::Frozen) => Disposition::FrozenLax,
            Some(List::Sealed) => Disposition::Signed,
            _ if word => return Ok(()),
            _ => Disposition::Frozen,
        };
        let key = key.clone().into_owned();
        self.add(at, key, disposition, true)?;
        Ok(())
    }

    fn scalar(&mut self, at: &At<'_, '_>) -> Result<(), Unreadable> {
        match at.tape.kind(at.token) {
            Some(Kind::String) => self.string(at),
            Some(Kind::Number) => self.number(at),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, at: &At<'_, '_>) -> Result<(), Unreadable> {
        let Some(turns) = self.zone.turns else { return Ok(()) };
        if self.list.is_some_and(|depth| at.path.len() == depth + 1) {
            self.begin_message(at, turns);
        } else if self.list.is_none()
            && at.matched.iter().any(|id| self.zone.paths.pattern(*id).is_some_and(|p| p.list == List::Turns))
        {
            self.after_assistant = true;
            if at.tape.kind(at.token) == Some(Kind::Array) {
                self.list = Some(at.path.len());
            } else {
                self.begin_message(at, turns);
            }
        }
        Ok(())
    }

    fn leave(&mut self, at: &At<'_, '_>) -> Result<(), Unreadable> {
        if self.zone.turns.is_none() {
            return Ok(());
        }
        match self.list {
            Some(depth) if at.path.len() == depth + 1 => self.leave_message(),
            Some(depth) if at.path.len() == depth => self.list = None,
            None if at.matched.iter().any(|id| self.zone.paths.pattern(*id).is_some_and(|p| p.list == List::Turns)) => {
                self.leave_message();
            }
            _ => {}
        }
        Ok(())
    }
}
