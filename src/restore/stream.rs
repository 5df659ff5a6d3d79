//! A whole answer on the wire: bytes in, bytes out, whatever the framing. Splits the bytes into documents, lets the
//! session restore each, and writes what is not text as it came.
//! Must not know: sockets. Output is given at once, and ends between two documents.

use std::sync::Arc;

use super::codes::{Codes, Take};
use super::scan::{Rules, Scanner};
use super::session::{Extra, Session};
use super::{RestoreError, Settings, Summary};
use crate::locate::provider::{Adapter, StreamKind};
use crate::locate::sse::{Event, Splitter};
use crate::mask::WordMap;
use crate::refuse::StreamState;

/// Restores one answer. Fed with the decoded body (no content coding), in pieces of any size.
pub struct Restorer {
    session: Session,
    framing: Framing,
    settings: Settings,
    kind: StreamKind,
}

impl std::fmt::Debug for Restorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restorer").field("kind", &self.kind).finish_non_exhaustive()
    }
}

enum Framing {
    Sse {
        splitter: Splitter,
        held: Option<Vec<u8>>,
    },
    /// One document a line.
    Lines(Vec<u8>),
    /// One JSON array, its elements as they come; or, when the body turns out to begin otherwise, one document.
    Array(Array),
    Body(Vec<u8>),
    Text {
        scanner: Box<Scanner>,
        partial: Vec<u8>,
    },
    /// Not text: as it comes.
    Raw,
}

impl Restorer {
    /// `content_type`: of the answer, as sent.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "an answer keeps its map to its end")]
    pub fn new(map: Arc<WordMap>, adapter: Arc<Adapter>, settings: &Settings, content_type: &str) -> Self {
        let codes = Arc::new(Codes::new(&map, Take::All));
        let request_codes = Arc::new(Codes::new(&map, Take::Request));
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = adapter.stream;
        let utf8 = content_type
            .to_ascii_lowercase()
            .split_once("charset=")
            .is_none_or(|(_, charset)| matches!(charset.trim_matches(['"', ' ', ';']), "utf-8" | "utf8" | "us-ascii"));
        let framing = match media.as_str() {
            _ if !utf8 => Framing::Raw,
            "text/event-stream" => Framing::Sse { splitter: Splitter::new(settings.event_limit), held: None },
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonl"
            | "application/jsonlines"
            | "application/stream+json" => Framing::Lines(Vec::new()),
            "text/plain" if kind == StreamKind::OllamaNdjson => Framing::Lines(Vec::new()),
            "text/plain" => Framing::Text {
                scanner: Box::new(Scanner::new(Arc::clone(&codes), Rules::text(settings.blind_mark))),
                partial: Vec::new(),
            },
            "application/json" | "text/json" if kind == StreamKind::Gemini => Framing::Array(Array::default()),
            _ if media == "application/json" || media == "text/json" || media.ends_with("+json") => {
                Framing::Body(Vec::new())
            }
            _ => Framing::Raw,
        };
        let session = Session::new(codes, request_codes, adapter, kind, settings.clone());
        Self { session, framing, settings: settings.clone(), kind }
    }

    /// The framing of the answer, for `refuse::in_stream`.
    #[must_use]
    pub fn kind(&self) -> StreamKind {
        match (&self.framing, self.kind) {
            (Framing::Lines(_), StreamKind::Auto) => StreamKind::Ndjson,
            (_, kind) => kind,
        }
    }

    /// Where the stream stands, for `refuse::in_stream`.
    #[must_use]
    pub fn state(&self) -> StreamState {
        let elements = match &self.framing {
            Framing::Array(array) => Some(array.given),
            _ => None,
        };
        StreamState { elements, sequence: self.session.next_sequence() }
    }

    /// Whether the answer is restored piece by piece; if not, nothing goes out before [`Restorer::finish`].
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        !matches!(self.framing, Framing::Body(_))
    }

    /// Takes the next bytes; appends what can go out. After an error nothing more may be pushed: end the stream with
    /// `refuse::in_stream`.
    ///
    /// # Errors
    /// A limit was passed.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), RestoreError> {
        match &mut self.framing {
            Framing::Sse { splitter, held } => {
                splitter.push(bytes);
                while let Some(event) = splitter.next_event().map_err(|_| too_long(self.settings.event_limit))? {
                    sse(&mut self.session, held, &event, out)?;
                }
                Ok(())
            }
            Framing::Lines(buffer) => {
                buffer.extend_from_slice(bytes);
                let mut at = 0;
                while let Some(end) = memchr::memchr(b'\n', buffer.get(at..).unwrap_or_default()) {
                    line(&mut self.session, buffer.get(at..=at + end).unwrap_or_default(), out)?;
                    at += end + 1;
                }
                buffer.drain(..at);
                if buffer.len() > self.settings.event_limit {
                    return Err(too_long(self.settings.event_limit));
                }
                Ok(())
            }
            Framing::Array(array) => array.push(bytes, &mut self.session, &self.settings, out),
            Framing::Body(buffer) => {
                if buffer.len() + bytes.len() > self.settings.body_limit {
                    return Err(RestoreError::TooLong { limit_name: "restore.body", limit: self.settings.body_limit });
                }
                buffer.extend_from_slice(bytes);
                Ok(())
            }
            Framing::Text { scanner, partial } => {
                partial.extend_from_slice(bytes);
                let whole = whole_characters(partial);
                let mut text = String::new();
                match std::str::from_utf8(partial.get(..whole).unwrap_or_default()) {
                    Ok(piece) => {
                        scanner.push(piece, &mut text);
                        out.extend_from_slice(text.as_bytes());
                        partial.drain(..whole);
                    }
                    Err(_) => {
                        // No UTF-8 after all: the rest goes out as it comes.
                        scanner.finish(&mut text);
                        out.extend_from_slice(text.as_bytes());
                        out.append(partial);
                        self.framing = Framing::Raw;
                    }
                }
                Ok(())
            }
            Framing::Raw => {
                out.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// The body is at its end; appends what was left. When `Summary::ended` is false, the service cut the stream.
    ///
    /// # Errors
    /// A limit was passed.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, RestoreError> {
        let mut ended = true;
        let mut text_counts = None;
        match std::mem::replace(&mut self.framing, Framing::Raw) {
            Framing::Sse { splitter, mut held } => {
                let rest = splitter.finish();
                let torn = rest.as_ref().is_some_and(|event| event.data().is_some_and(|data| !data.is_empty()));
                release(&mut self.session, &mut held, None, None, out);
                for extra in self.session.end() {
                    out.extend_from_slice(&compose(&extra));
                }
                // Half an event means nothing to any client; what is no event (a comment, a line end) goes out.
                if let Some(event) = rest.filter(|_| !torn) {
                    out.extend_from_slice(event.raw());
                }
                ended = self.over() && !torn;
            }
            Framing::Lines(buffer) => {
                let whole = line_is_whole(&buffer);
                if whole {
                    line(&mut self.session, &buffer, out)?;
                }
                let extras = self.session.end();
                if !extras.is_empty() && !out.is_empty() && out.last() != Some(&b'\n') {
                    out.push(b'\n');
                }
                for extra in extras {
                    out.extend_from_slice(extra.data.as_bytes());
                    out.push(b'\n');
                }
                ended = whole && (self.over() || self.kind != StreamKind::OllamaNdjson);
            }
            Framing::Array(mut array) => {
                ended = array.finish(&mut self.session, out)?;
                if !ended {
                    self.framing = Framing::Array(array);
                }
            }
            Framing::Body(buffer) => self.body(&buffer, out)?,
            Framing::Text { mut scanner, partial } => {
                let mut text = String::new();
                scanner.finish(&mut text);
                if scanner.counts().blind > 0 && scanner.takes_note() && !self.settings.blind_note.is_empty() {
                    text.push_str("\n\n");
                    text.push_str(&self.settings.blind_note);
                }
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(&partial);
                text_counts = Some(scanner.counts());
            }
            Framing::Raw => {}
        }
        let mut counts = self.session.counts();
        if let Some(more) = text_counts {
            counts.add(more);
        }
        Ok(Summary {
            counts,
            answers: std::mem::take(&mut self.session.answers),
            signed: std::mem::take(&mut self.session.signed),
            ended,
        })
    }

    /// The service said so, or it is a stream without a known end.
    fn over(&self) -> bool {
        let knows_end = matches!(
            self.kind,
            StreamKind::OpenAiChat
                | StreamKind::OpenAiResponses
                | StreamKind::Anthropic
                | StreamKind::Gemini
                | StreamKind::OllamaNdjson
                | StreamKind::Cohere
                | StreamKind::GeminiInteractions
        );
        self.session.ended || self.session.failed || !knows_end
    }

    fn body(&mut self, buffer: &[u8], out: &mut Vec<u8>) -> Result<(), RestoreError> {
        match std::str::from_utf8(buffer) {
            Ok(text) => {
                let mark = text.len() - text.trim_start_matches('\u{feff}').len();
                let json = text.get(mark..).unwrap_or_default();
                let outcome = self.session.body(json)?;
                out.extend_from_slice(text.get(..mark).unwrap_or_default().as_bytes());
                out.extend_from_slice(outcome.apply(json).as_bytes());
            }
            Err(_) => out.extend_from_slice(buffer),
        }
        Ok(())
    }
}

fn too_long(limit: usize) -> RestoreError {
    RestoreError::TooLong { limit_name: "restore.event", limit }
}

fn compose(extra: &Extra) -> Vec<u8> {
    Event::compose(extra.name.as_deref(), &extra.data)
}

/// Lets a held event go, after what must stand before it.
fn release(
    session: &mut Session,
    held: &mut Option<Vec<u8>>,
    data: Option<&str>,
    name: Option<&str>,
    out: &mut Vec<u8>,
) {
    if let Some(bytes) = held.take() {
        for extra in session.decide_held(data, name) {
            out.extend_from_slice(&compose(&extra));
        }
        out.extend_from_slice(&bytes);
    }
}

fn sse(
    session: &mut Session,
    held: &mut Option<Vec<u8>>,
    event: &Event,
    out: &mut Vec<u8>,
) -> Result<(), RestoreError> {
    let Some(data) = event.data() else {
        // A comment or a lone field. Behind an event that waits it waits too, so that the order stays.
        match held {
            Some(bytes) => bytes.extend_from_slice(event.raw()),
            None => out.extend_from_slice(event.raw()),
        }
        return Ok(());
    };
    release(session, held, Some(&data), event.name(), out);
    let outcome = session.document(&data, event.name())?;
    for extra in &outcome.before {
        out.extend_from_slice(&compose(extra));
    }
    let bytes = if outcome.edits.is_empty() { event.raw().to_vec() } else { event.with_data(&outcome.apply(&data)) };
    if outcome.hold {
        *held = Some(bytes);
    } else {
        out.extend_from_slice(&bytes);
    }
    Ok(())
}

/// A line that a cut has not torn: empty, or a whole document.
fn line_is_whole(line: &[u8]) -> bool {
    std::str::from_utf8(line)
        .is_ok_and(|text| text.trim().is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

fn line(session: &mut Session, line: &[u8], out: &mut Vec<u8>) -> Result<(), RestoreError> {
    match std::str::from_utf8(line) {
        Ok(text) if !text.trim().is_empty() => {
            let outcome = session.document(text, None)?;
            for extra in &outcome.before {
                out.extend_from_slice(extra.data.as_bytes());
                out.push(b'\n');
            }
            out.extend_from_slice(outcome.apply(text).as_bytes());
        }
        _ => out.extend_from_slice(line),
    }
    Ok(())
}

/// How much of the bytes is whole characters (or can never become one).
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

/// `[{…},{…}]`, cut anywhere.
#[derive(Default)]
struct Array {
    /// What has come and is not yet given: separators, then an element.
    buffer: Vec<u8>,
    /// How far `buffer` was looked at.
    seen: usize,
    /// Where the element begins that is being read.
    element: Option<usize>,
    depth: usize,
    string: bool,
    escaped: bool,
    state: ArrayState,
    /// Elements given.
    given: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ArrayState {
    /// Nothing but white space yet.
    #[default]
    Start,
    Elements,
    /// `]` seen: the rest goes out as it comes.
    Closed,
    /// No array: one document.
    Single,
}

impl Array {
    fn push(
        &mut self,
        bytes: &[u8],
        session: &mut Session,
        settings: &Settings,
        out: &mut Vec<u8>,
    ) -> Result<(), RestoreError> {
        if self.state == ArrayState::Closed {
            out.extend_from_slice(bytes);
            return Ok(());
        }
        self.buffer.extend_from_slice(bytes);
        while let Some(&byte) = self.buffer.get(self.seen) {
            self.seen += 1;
            match self.state {
                ArrayState::Start => match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => {}
                    b'[' => self.state = ArrayState::Elements,
                    _ => self.state = ArrayState::Single,
                },
                ArrayState::Elements => self.step(byte, session, out)?,
                ArrayState::Closed | ArrayState::Single => break,
            }
        }
        match self.state {
            ArrayState::Closed => {
                out.append(&mut self.buffer);
                Ok(())
            }
            ArrayState::Single if self.buffer.len() > settings.body_limit => {
                Err(RestoreError::TooLong { limit_name: "restore.body", limit: settings.body_limit })
            }
            ArrayState::Elements | ArrayState::Start if self.buffer.len() > settings.event_limit => {
                Err(too_long(settings.event_limit))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, byte: u8, session: &mut Session, out: &mut Vec<u8>) -> Result<(), RestoreError> {
        if self.string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.string = false,
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b'"' => {
                self.element.get_or_insert(self.seen - 1);
                self.string = true;
            }
            b'{' | b'[' => {
                self.element.get_or_insert(self.seen - 1);
                self.depth += 1;
            }
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.give(session, out)?;
                }
            }
            b']' => {
                for extra in session.end() {
                    self.extra(&extra, out);
                }
                self.state = ArrayState::Closed;
            }
            _ => {}
        }
        Ok(())
    }

    /// An extra element, behind the last one.
    fn extra(&mut self, extra: &Extra, out: &mut Vec<u8>) {
        if self.given > 0 {
            out.extend_from_slice(b",\r\n");
        }
        out.extend_from_slice(extra.data.as_bytes());
        self.given += 1;
    }

    fn give(&mut self, session: &mut Session, out: &mut Vec<u8>) -> Result<(), RestoreError> {
        let Some(start) = self.element.take() else { return Ok(()) };
        let rest = self.buffer.split_off(self.seen);
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.seen = 0;
        // `[` or `,` and white space, then the element.
        out.extend_from_slice(taken.get(..start).unwrap_or_default());
        let element = taken.get(start..).unwrap_or_default();
        match std::str::from_utf8(element) {
            Ok(text) => {
                let outcome = session.document(text, None)?;
                for extra in &outcome.before {
                    out.extend_from_slice(extra.data.as_bytes());
                    out.extend_from_slice(b",\r\n");
                    self.given += 1;
                }
                out.extend_from_slice(outcome.apply(text).as_bytes());
            }
            Err(_) => out.extend_from_slice(element),
        }
        self.given += 1;
        Ok(())
    }

    /// True: the array was whole.
    fn finish(&mut self, session: &mut Session, out: &mut Vec<u8>) -> Result<bool, RestoreError> {
        match self.state {
            ArrayState::Closed => Ok(true),
            ArrayState::Single | ArrayState::Start => {
                match std::str::from_utf8(&self.buffer) {
                    Ok(text) => {
                        let outcome = session.body(text)?;
                        out.extend_from_slice(outcome.apply(text).as_bytes());
                    }
                    Err(_) => out.extend_from_slice(&self.buffer),
                }
                self.buffer.clear();
                Ok(true)
            }
            // Cut inside: what is held goes out as elements; the error that follows closes the array.
            ArrayState::Elements => {
                if self.given == 0 && !self.buffer.is_empty() {
                    self.buffer.clear();
                }
                for extra in session.end() {
                    self.extra(&extra, out);
                }
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests;
