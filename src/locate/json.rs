//! JSON without ever writing it again: strict validation, a flat index of every value's bytes, a walk beside the paths.
//! Must not know: how a string is escaped (`literal`), services, what a secret is.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::path::{Members, PathSet};
use literal::unit;

mod literal;

pub use literal::{Chars, Style, document_style, edit_literal, escape, literal_style, unescape};

/// Why a JSON text was not accepted. Never holds a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Line and column count from 1, in bytes.
    #[error("the JSON is broken at line {line}, column {column}")]
    Syntax { line: usize, column: usize },
    #[error("the JSON goes on after its end, at byte {offset}")]
    Trailing { offset: usize },
    #[error("a string holds half of a surrogate pair at byte {offset}")]
    LoneSurrogate { offset: usize },
    #[error("the JSON is nested deeper than {limit} levels at byte {offset}")]
    Depth { limit: usize, offset: usize },
    #[error("the JSON holds more than {limit} values")]
    Values { limit: usize },
}

/// What stands at a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    start: u32,
    end: u32,
    next: u32,
    kind: Kind,
    escaped: bool,
}

/// A validated JSON text and the places of its values, in order. Keys are tokens too.
#[derive(Debug)]
pub struct Tape<'t> {
    text: &'t str,
    tokens: Vec<Token>,
}

impl<'t> Tape<'t> {
    /// Reads `text`, which must be one JSON value and white space.
    ///
    /// # Errors
    /// [`JsonError`]: where it is broken, or past which limit.
    pub fn read(text: &'t str, max_depth: usize, max_values: usize) -> Result<Self, JsonError> {
        // One reader decides what JSON is (it does not recurse when nothing is kept); the walk below only has to find
        // the places, and bounds the depth.
        let mut reader = serde_json::Deserializer::from_str(text);
        let checked = <IgnoredAny as serde::Deserialize>::deserialize(&mut reader).and_then(|_| reader.end());
        if let Err(e) = checked {
            return Err(match e.classify() {
                serde_json::error::Category::Syntax if e.to_string().starts_with("trailing characters") => {
                    JsonError::Trailing { offset: offset_of(text, e.line(), e.column()) }
                }
                _ => JsonError::Syntax { line: e.line(), column: e.column() },
            });
        }
        let tokens = index(text, max_depth, max_values)?;
        Ok(Tape { text, tokens })
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    fn token(&self, i: usize) -> Option<&Token> {
        self.tokens.get(i)
    }

    /// What stands at this token.
    #[must_use]
    pub fn kind(&self, token: usize) -> Option<Kind> {
        self.token(token).map(|t| t.kind)
    }

    /// Bytes of a value; for a string those between the quotes.
    #[must_use]
    pub fn span(&self, token: usize) -> Range<usize> {
        self.token(token).map_or(0..0, |t| t.start as usize..t.end as usize)
    }

    /// The bytes of a value as written; for a string those between the quotes.
    #[must_use]
    pub fn raw(&self, token: usize) -> &'t str {
        self.text.get(self.span(token)).unwrap_or_default()
    }

    /// The text of a string or key, escapes undone.
    #[must_use]
    pub fn string(&self, token: usize) -> Cow<'t, str> {
        match self.token(token) {
            Some(t) if t.escaped => Cow::Owned(unescape(self.raw(token))),
            _ => Cow::Borrowed(self.raw(token)),
        }
    }

    /// How many elements or members a container has.
    #[must_use]
    pub fn children(&self, token: usize) -> usize {
        let Some(t) = self.token(token) else { return 0 };
        let mut n = 0;
        let mut i = token + 1;
        while i < t.next as usize {
            if t.kind == Kind::Object {
                i += 1;
            }
            i = self.token(i).map_or(usize::MAX, |t| t.next as usize);
            n += 1;
        }
        n
    }

    /// The scalars under `key` of the object at `token` (a key may stand there more than once).
    pub fn members(&self, token: usize, key: &str) -> impl Iterator<Item = usize> + '_ {
        let end = match self.token(token) {
            Some(t) if t.kind == Kind::Object => t.next as usize,
            _ => 0,
        };
        let mut i = token + 1;
        let key = key.to_owned();
        std::iter::from_fn(move || {
            while i < end {
                let (k, value) = (i, i + 1);
                i = self.token(value).map_or(usize::MAX, |t| t.next as usize);
                if self.string(k) == key {
                    return Some(value);
                }
            }
            None
        })
    }

    /// Walks every value in the order of the text beside `paths`.
    ///
    /// # Errors
    /// What the visitor returns.
    pub fn walk<V: Visitor>(&self, paths: &PathSet, visitor: &mut V) -> Result<(), V::Error> {
        let mut live = Vec::with_capacity(64);
        paths.start(&mut live);
        let set = 0..live.len();
        let mut walk =
            Walk { tape: self, paths, live, path: Vec::new(), matched: Vec::new(), strings: 0, doubtful: false };
        walk.value(0, set, visitor)
    }
}

struct Object<'a, 't> {
    tape: &'a Tape<'t>,
    token: usize,
}

impl Members for Object<'_, '_> {
    fn values(&self, keys: &[String]) -> Vec<Cow<'_, str>> {
        keys.iter()
            .flat_map(|key| self.tape.members(self.token, key))
            .map(|value| match self.tape.kind(value) {
                Some(Kind::Object | Kind::Array) | None => Cow::Borrowed(""),
                Some(Kind::String) => self.tape.string(value),
                Some(_) => Cow::Borrowed(self.tape.raw(value)),
            })
            .collect()
    }
}

/// One step of a path through the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'t> {
    Key(Cow<'t, str>),
    Index(usize),
}

/// Where the walk stands.
pub struct At<'a, 't> {
    pub tape: &'a Tape<'t>,
    pub token: usize,
    pub path: &'a [Step<'t>],
    /// Ids of the paths that end here.
    pub matched: &'a [u16],
    /// Place among all strings of the document, keys counted; of the next one where this is no string.
    pub string: usize,
    /// A predicate above was answered by a key that stands there twice: what it opens is not to be trusted.
    pub doubtful: bool,
}

/// Sees every value in order.
pub trait Visitor {
    type Error;
    /// A key; `matched` are the paths of its value.
    ///
    /// # Errors
    /// Ends the walk.
    fn key(&mut self, at: &At<'_, '_>) -> Result<(), Self::Error>;
    /// A string, number or literal.
    ///
    /// # Errors
    /// Ends the walk.
    fn scalar(&mut self, at: &At<'_, '_>) -> Result<(), Self::Error>;
    /// An object or array begins.
    ///
    /// # Errors
    /// Ends the walk.
    fn enter(&mut self, at: &At<'_, '_>) -> Result<(), Self::Error>;
    /// An object or array ends.
    ///
    /// # Errors
    /// Ends the walk.
    fn leave(&mut self, at: &At<'_, '_>) -> Result<(), Self::Error>;
}

struct Walk<'a, 't> {
    tape: &'a Tape<'t>,
    paths: &'a PathSet,
    live: Vec<u16>,
    path: Vec<Step<'t>>,
    matched: Vec<u16>,
    strings: usize,
    doubtful: bool,
}

impl<'t> Walk<'_, 't> {
    fn at(&self, token: usize) -> At<'_, 't> {
        At {
            tape: self.tape,
            token,
            path: &self.path,
            matched: &self.matched,
            string: self.strings,
            doubtful: self.doubtful,
        }
    }

    // Recursion is bounded by the depth that `Tape::read` allowed.
    fn value<V: Visitor>(&mut self, token: usize, set: Range<usize>, visitor: &mut V) -> Result<(), V::Error> {
        let Some(t) = self.tape.token(token).copied() else { return Ok(()) };
        let doubted = self.doubtful;
        if t.kind == Kind::Object {
            let object = Object { tape: self.tape, token };
            self.paths.enter_object(&mut self.live, set.clone(), &object, &mut self.doubtful);
        }
        let set = set.start..self.live.len();
        self.paths.ends(self.live.get(set.clone()).unwrap_or_default(), &mut self.matched);
        match t.kind {
            Kind::Object | Kind::Array => {
                visitor.enter(&self.at(token))?;
                let mut i = token + 1;
                let mut index = 0;
                while i < t.next as usize {
                    let mark = self.live.len();
                    let doubt = self.doubtful;
                    if t.kind == Kind::Object {
                        let key = self.tape.string(i);
                        self.paths.step_key(&mut self.live, set.clone(), &key);
                        self.path.push(Step::Key(key));
                        self.paths.ends(self.live.get(mark..).unwrap_or_default(), &mut self.matched);
                        visitor.key(&self.at(i))?;
                        self.strings += 1;
                        i += 1;
                    } else {
                        let object = Object { tape: self.tape, token: i };
                        let element: Option<&dyn Members> = match self.tape.kind(i) {
                            Some(Kind::Object) => Some(&object),
                            _ => None,
                        };
                        self.paths.step_index(&mut self.live, set.clone(), index, element, &mut self.doubtful);
                        self.path.push(Step::Index(index));
                        index += 1;
                    }
                    let child = mark..self.live.len();
                    self.value(i, child, visitor)?;
                    self.live.truncate(mark);
                    self.path.pop();
                    self.doubtful = doubt;
                    i = self.tape.token(i).map_or(usize::MAX, |t| t.next as usize);
                }
                self.paths.ends(self.live.get(set).unwrap_or_default(), &mut self.matched);
                visitor.leave(&self.at(token))?;
            }
            Kind::String => {
                visitor.scalar(&self.at(token))?;
                self.strings += 1;
            }
            _ => visitor.scalar(&self.at(token))?,
        }
        self.doubtful = doubted;
        Ok(())
    }
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    (start + column.saturating_sub(1)).min(text.len())
}

/// The places of all values of a text that is known to be JSON.
fn index(text: &str, max_depth: usize, max_values: usize) -> Result<Vec<Token>, JsonError> {
    let bytes = text.as_bytes();
    let broken = |at: usize| {
        let before = bytes.get(..at).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = at - memchr::memrchr(b'\n', before).map_or(0, |n| n + 1) + 1;
        JsonError::Syntax { line, column }
    };
    let place = |n: usize| u32::try_from(n).map_err(|_| broken(0));
    let mut tokens: Vec<Token> = Vec::with_capacity(bytes.len() / 24 + 8);
    let mut open: Vec<usize> = Vec::new();
    let mut i = 0;
    while let Some(&c) = bytes.get(i) {
        if matches!(c, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
            i += 1;
            continue;
        }
        if matches!(c, b'}' | b']') {
            let next = place(tokens.len())?;
            let token = open.pop().and_then(|o| tokens.get_mut(o)).ok_or_else(|| broken(i))?;
            token.next = next;
            token.end = place(i + 1)?;
            i += 1;
            continue;
        }
        if tokens.len() >= max_values {
            return Err(JsonError::Values { limit: max_values });
        }
        let next = place(tokens.len() + 1)?;
        match c {
            b'{' | b'[' => {
                if open.len() >= max_depth {
                    return Err(JsonError::Depth { limit: max_depth, offset: i });
                }
                open.push(tokens.len());
                let kind = if c == b'{' { Kind::Object } else { Kind::Array };
                tokens.push(Token { start: place(i)?, end: 0, next, kind, escaped: false });
                i += 1;
            }
            b'"' => {
                let start = i + 1;
                let (end, escaped) = string_end(bytes, start).ok_or_else(|| broken(i))?;
                if escaped {
                    check_surrogates(bytes, start..end)?;
                }
                tokens.push(Token { start: place(start)?, end: place(end)?, next, kind: Kind::String, escaped });
                i = end + 1;
            }
            _ => {
                let rest = bytes.get(i..).unwrap_or_default();
                let len = rest
                    .iter()
                    .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b':'))
                    .unwrap_or(rest.len());
                let kind = match c {
                    b't' => Kind::True,
                    b'f' => Kind::False,
                    b'n' => Kind::Null,
                    _ => Kind::Number,
                };
                tokens.push(Token { start: place(i)?, end: place(i + len)?, next, kind, escaped: false });
                i += len;
            }
        }
    }
    if open.is_empty() { Ok(tokens) } else { Err(broken(bytes.len())) }
}

/// Where the string that begins at `start` ends (its closing quote), and whether it holds an escape.
fn string_end(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut at = start;
    let mut escaped = false;
    loop {
        let hit = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(hit) == Some(&b'"') {
            return Some((hit, escaped));
        }
        escaped = true;
        at = hit + 2;
    }
}

fn check_surrogates(bytes: &[u8], range: Range<usize>) -> Result<(), JsonError> {
    let mut at = range.start;
    while at < range.end {
        let Some(hit) = bytes.get(at..range.end).and_then(|rest| memchr::memchr(b'\\', rest)) else { break };
        let offset = at + hit;
        at = offset + 2;
        if bytes.get(offset + 1) != Some(&b'u') {
            continue;
        }
        let lone = JsonError::LoneSurrogate { offset };
        match unit(bytes, offset + 2).ok_or(lone)? {
            0xD800..=0xDBFF => {
                let low =
                    (bytes.get(offset + 6..offset + 8) == Some(b"\\u")).then(|| unit(bytes, offset + 8)).flatten();
                if !matches!(low, Some(0xDC00..=0xDFFF)) || offset + 12 > range.end {
                    return Err(lone);
                }
                at = offset + 12;
            }
            0xDC00..=0xDFFF => return Err(lone),
            _ => at = offset + 6,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
