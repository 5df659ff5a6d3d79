//! The incremental scanner: text with tokens in, text with words out, the same at every split.
//! Must not know: how a token is written (`read`), streams, JSON shapes, where the words come from.
//!
//! What is decided at a position depends on the text from there on and on the place machine, never on where a piece
//! ended: when the text that is there does not decide, the scanner holds it back.

use std::sync::Arc;

use super::Counts;
use super::codes::{Codes, Form};
use super::place::Place;
use crate::locate::json::{Style, escape};
use read::{Reader, Step, Token, Try, alphanumeric};

mod read;

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Plain text, Markdown or HTML for a person.
    Text,
    /// JSON source (tool arguments): read and written at the escaped level; no marks.
    Json,
}

/// What the scanner may do here.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub mode: Mode,
    /// Restore; otherwise tokens are only counted as kept.
    pub restore: bool,
    /// Mark blind values with `※`.
    pub mark: bool,
    /// The text is known to be JSON: words are escaped, marks left out.
    pub json: bool,
}

impl Rules {
    /// Text for a person.
    #[must_use]
    pub const fn text(mark: bool) -> Self {
        Self { mode: Mode::Text, restore: true, mark, json: false }
    }
}

/// The mark behind a restored blind value.
pub use crate::mask::blind::MARK as BLIND_MARK;

/// Restores one text. Holds back at most one token's length.
pub struct Scanner {
    codes: Arc<Codes>,
    rules: Rules,
    place: Place,
    held: String,
    start: Start,
    counts: Counts,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("held", &self.held.len()).field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// Whether a text is JSON is told by how it begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Nothing,
    Bracket,
    Json,
    Text,
}

impl Scanner {
    #[must_use]
    pub fn new(codes: Arc<Codes>, rules: Rules) -> Self {
        let start = if rules.json { Start::Json } else { Start::Nothing };
        Self { codes, rules, place: Place::default(), held: String::new(), start, counts: Counts::default() }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The text may end with a note for people: no JSON, no open code fence.
    #[must_use]
    pub fn takes_note(&self) -> bool {
        self.rules.mark && self.start != Start::Json && self.rules.mode == Mode::Text && !self.place.fenced()
    }

    /// Takes the next piece and appends what is certain to `out`.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        if self.held.is_empty() {
            let used = self.run(piece, false, out);
            self.held.push_str(piece.get(used..).unwrap_or_default());
        } else {
            let mut text = std::mem::take(&mut self.held);
            text.push_str(piece);
            let used = self.run(&text, false, out);
            text.drain(..used);
            self.held = text;
        }
    }

    /// The text is at its end: appends what was held back.
    pub fn finish(&mut self, out: &mut String) {
        let text = std::mem::take(&mut self.held);
        self.run(&text, true, out);
    }

    /// Goes over `text`, returns how many bytes are settled.
    fn run(&mut self, text: &str, end: bool, out: &mut String) -> usize {
        let codes = Arc::clone(&self.codes);
        let reader = Reader { text, end, json: self.rules.mode == Mode::Json, codes: &codes };
        let bytes = text.as_bytes();
        let mut copied = 0;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.place.is_plain() && self.start == Start::Text || self.start == Start::Json && self.place.is_plain()
            {
                let dull = reader.dull(at, self.place.last());
                if dull > at {
                    self.place.skip(bytes.get(at..dull).unwrap_or_default());
                    at = dull;
                    continue;
                }
            }
            let boundary = !alphanumeric(self.place.last()) && !self.place.after_wide();
            match reader.token(at, byte, boundary) {
                Try::More => break,
                Try::Hit(Token { end: token_end, meaning: Some(meaning) })
                    if self.rules.restore && self.place.allows() =>
                {
                    out.push_str(text.get(copied..at).unwrap_or_default());
                    if let Some(form) = codes.form(meaning) {
                        self.word(form, out);
                    }
                    self.place.token();
                    if matches!(self.start, Start::Nothing | Start::Bracket) {
                        self.start = Start::Text;
                    }
                    at = token_end;
                    copied = at;
                    continue;
                }
                Try::Hit(token) => {
                    match token.meaning {
                        Some(_) => self.counts.kept += 1,
                        None => self.counts.unknown += 1,
                    }
                    // Passed over as a whole, so that its inside is not read as another token.
                    while at < token.end {
                        let Step::Char(c, next) = reader.step(at) else { break };
                        self.literal(c);
                        at = next;
                    }
                    continue;
                }
                Try::No => {}
            }
            match reader.step(at) {
                Step::Char(c, next) => {
                    self.literal(c);
                    at = next;
                }
                Step::More => break,
                Step::End => {
                    // An escape that never ended.
                    at = bytes.len();
                }
            }
        }
        out.push_str(text.get(copied..at).unwrap_or_default());
        at
    }

    fn literal(&mut self, c: char) {
        self.start = match (self.start, c) {
            (Start::Nothing | Start::Bracket, c) if c.is_whitespace() => self.start,
            (Start::Nothing, '[') => Start::Bracket,
            (Start::Nothing, '{') | (Start::Bracket, '{' | '"') => Start::Json,
            (Start::Nothing | Start::Bracket, _) => Start::Text,
            (start, _) => start,
        };
        self.place.feed(c);
    }

    fn word(&mut self, form: &Form, out: &mut String) {
        self.counts.restored += 1;
        if self.rules.mode == Mode::Json || self.start == Start::Json {
            out.push_str(&escape(&form.word, Style::default()));
        } else {
            out.push_str(&form.word);
        }
        if form.blind {
            self.counts.blind += 1;
            if self.takes_note() {
                out.push(BLIND_MARK);
            }
        }
    }
}

#[cfg(test)]
mod tests;
