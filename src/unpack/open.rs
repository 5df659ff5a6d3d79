//! One request taken apart: head and body → texts, each with its address, what may be done with it, and its way back.

use crate::detect::{Document, Part};
use crate::locate::provider::{Adapter, Endpoint, HeaderRules};
use crate::locate::{Head, LocatedText};

use super::error::{Reason, Unreadable};
use super::limits::Limits;
use super::source::{Shape, Source};
use super::{charset, coding, head as target, json};

/// A request whose texts are known. Holds patient text: `Debug` prints lengths only.
pub struct Located {
    pub(super) head: Head,
    /// The body as it came, where the layer below it is not the same bytes (content coding, charset).
    pub(super) wire: Option<Vec<u8>>,
    pub(super) body: Source,
    pub(super) target: Source,
    pub(super) texts: Vec<LocatedText>,
    /// The charset changes when the body does.
    pub(super) recoded: bool,
    /// Header names that do not fit a changed body.
    pub(super) dropped: Vec<String>,
    pub(super) unread: Vec<Unreadable>,
}

impl std::fmt::Debug for Located {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Located")
            .field("body", &self.body.bytes.len())
            .field("texts", &self.texts)
            .finish_non_exhaustive()
    }
}

impl Located {
    /// The texts, in the order of the wire: path and query, headers, body.
    #[must_use]
    pub fn texts(&self) -> &[LocatedText] {
        &self.texts
    }

    /// The texts as the detection sees them, part `i` being text `i`.
    #[must_use]
    pub fn document(&self) -> Document {
        let part = |t: &LocatedText| Part {
            text: t.text.clone(),
            label: t.label.clone(),
            unit: t.unit,
            author: t.author,
            ..Part::default()
        };
        Document { parts: self.texts.iter().map(part).collect() }
    }

    /// What could not be read and was left as it is (`Limits::pass_formats`). Nobody knows what it holds.
    #[must_use]
    pub fn unread(&self) -> &[Unreadable] {
        &self.unread
    }

    /// The head as it came.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The body without content codings and in UTF-8.
    #[must_use]
    pub fn decoded_body(&self) -> &[u8] {
        &self.body.bytes
    }

    /// The name of the model the body asks for, where it names one.
    #[must_use]
    pub fn model(&self) -> Option<String> {
        json::top_level(&self.body, "model")
    }
}

/// What the walkers share while a request is taken apart.
pub(super) struct Context<'a> {
    pub(super) adapter: &'a Adapter,
    pub(super) rules: &'a HeaderRules,
    pub(super) limits: &'a Limits,
    pub(super) texts: Vec<LocatedText>,
    pub(super) total: usize,
    /// The last turn unit given.
    pub(super) unit: u32,
    pub(super) unread: Vec<Unreadable>,
}

impl Context<'_> {
    /// A format that is not read here: noted where that is allowed, else the end.
    pub(super) fn unread(&mut self, what: Unreadable) -> Result<(), Unreadable> {
        if !self.limits.pass_formats {
            return Err(what);
        }
        self.unread.push(what);
        Ok(())
    }

    /// Takes a text in; its number.
    pub(super) fn add(&mut self, text: LocatedText) -> Result<usize, Unreadable> {
        self.total += text.text.len();
        let past = |limit, value, observed| Reason::TooLarge { limit, value, observed };
        if self.total > self.limits.text_total {
            return Err(Unreadable::at(past("text", self.limits.text_total, self.total), text.address));
        }
        if self.texts.len() >= self.limits.texts {
            return Err(Unreadable::at(past("texts", self.limits.texts, self.texts.len() + 1), text.address));
        }
        self.texts.push(text);
        Ok(self.texts.len() - 1)
    }
}

/// Takes a request apart by the paths of its endpoint.
///
/// # Errors
/// [`Unreadable`]: the body cannot be read to the end, so it must not go out; which limit or format, and where.
pub fn open(
    head: &Head,
    body: &[u8],
    endpoint: &Endpoint,
    headers: &HeaderRules,
    limits: &Limits,
) -> Result<Located, Unreadable> {
    let adapter = &*endpoint.adapter;
    let mut context =
        Context { adapter, rules: headers, limits, texts: Vec::new(), total: 0, unit: 0, unread: Vec::new() };
    let target = target::target(&head.path_and_query, endpoint, &mut context)?;
    target::headers(head, &mut context)?;
    let decoded = coding::decode(head, body, limits)?;
    let (source, recoded) = charset::body(head, decoded.as_deref().unwrap_or(body), &mut context)?;
    let mut dropped: Vec<String> = Vec::new();
    for (name, _) in &head.headers {
        if headers.is_dropped(name) || adapter.drop_headers.iter().any(|d| d == name) {
            dropped.push(name.clone());
        }
    }
    let wire = (decoded.is_some() || recoded).then(|| body.to_vec());
    Ok(Located {
        head: head.clone(),
        wire,
        body: source,
        target,
        texts: context.texts,
        recoded,
        dropped,
        unread: context.unread,
    })
}

/// A source without places.
pub(super) fn closed(bytes: &[u8]) -> Source {
    Source::new(Shape::Text, bytes.to_vec())
}
