//! The incremental scanner: text with tokens in, text with words out, the same at every split.
//! A token is read as models write it (width, case, spaces, other brackets, escapes, changed label), but its code must
//! be whole and live. Must not know: streams, JSON shapes, where the words come from.
//!
//! What is decided at a position depends on the text from there on and on the place machine, never on where a piece
//! ended: when the text that is there does not decide, the scanner holds it back.

use std::sync::Arc;

use super::Counts;
use super::codes::{CLOSE, Codes, Form, Meaning, OPEN, digit, fold};
use super::place::Place;
use crate::mask::token::{self, Suffix};

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

/// Longest label in brackets that is read over, in characters.
const LABEL_MAX: usize = 20;
/// Spaces that are read over in one place.
const SPACE_MAX: usize = 2;
/// Letters of a suffix word.
const PART_MAX: usize = 8;
/// Digits of an interval.
const DIGITS_MAX: usize = 6;

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

/// What stands at a position.
enum Try<T> {
    No,
    /// The text that is there does not decide.
    More,
    Hit(T),
}

/// A token: where it ends, and what it means (`None`: well-formed, but such a form is not live).
struct Token {
    end: usize,
    meaning: Option<Meaning>,
}

/// A suffix as it was read.
struct Written {
    read: Suffix,
    /// It names a form (`姓`), so it is no accident.
    named: bool,
}

enum Step {
    /// A character and the offset behind it.
    Char(char, usize),
    More,
    End,
}

macro_rules! settle {
    ($try:expr) => {
        match $try {
            Try::Hit(hit) => return Try::Hit(hit),
            Try::More => return Try::More,
            Try::No => {}
        }
    };
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
            escape_json(&form.word, out);
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

/// A text seen from any offset.
struct Reader<'a> {
    text: &'a str,
    end: bool,
    json: bool,
    codes: &'a Codes,
}

impl Reader<'_> {
    /// The end of the run of bytes from `at` that can neither begin a token nor change the place.
    #[inline]
    fn dull(&self, mut at: usize, before: u8) -> usize {
        let bytes = self.text.as_bytes();
        let mut last = before;
        while let Some(&byte) = bytes.get(at) {
            let next = match CLASS.get(usize::from(byte)) {
                Some(Class::Dull) => at + 1,
                Some(Class::Letter) => {
                    if !alphanumeric(last) {
                        match bytes.get(at + 1) {
                            // A full-width neighbour and the end of the text are looked at.
                            Some(second) if second.is_ascii() => {
                                if self.codes.may_start(byte.to_ascii_uppercase(), second.to_ascii_uppercase()) {
                                    return at;
                                }
                            }
                            _ => return at,
                        }
                    }
                    at + 1
                }
                Some(Class::Wide) => match bytes.get(at + 1) {
                    Some(second) if !self.codes.may_lead(byte, *second) => {
                        at + if byte >= 0xf0 {
                            4
                        } else if byte >= 0xe0 {
                            3
                        } else {
                            2
                        }
                    }
                    _ => return at,
                },
                _ => return at,
            };
            last = byte;
            at = next;
        }
        at.min(bytes.len())
    }

    fn step(&self, at: usize) -> Step {
        let rest = self.text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else {
            return if self.end { Step::End } else { Step::More };
        };
        if !(self.json && c == '\\') {
            return Step::Char(c, at + c.len_utf8());
        }
        let bytes = rest.as_bytes();
        match bytes.get(1) {
            None if self.end => Step::Char('\\', at + 1),
            None => Step::More,
            Some(b'u') => match bytes.get(2..6) {
                Some(digits) => {
                    let code = std::str::from_utf8(digits).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
                    match code {
                        Some(code) => Step::Char(char::from_u32(code).unwrap_or('\u{fffd}'), at + 6),
                        None => Step::Char('\\', at + 1),
                    }
                }
                None if self.end => Step::Char('\\', at + 1),
                None => Step::More,
            },
            Some(b'n') => Step::Char('\n', at + 2),
            Some(b'r') => Step::Char('\r', at + 2),
            Some(b't') => Step::Char('\t', at + 2),
            Some(b'b' | b'f') => Step::Char(' ', at + 2),
            Some(&other) if other.is_ascii() => Step::Char(char::from(other), at + 2),
            Some(_) => Step::Char('\\', at + 1),
        }
    }

    /// The token that begins at `at`.
    fn token(&self, at: usize, byte: u8, boundary: bool) -> Try<Token> {
        match byte {
            b'[' | b'\\' => {}
            _ if alphanumeric(byte) => {
                if !boundary {
                    return Try::No;
                }
            }
            _ if byte < 0x80 => return Try::No,
            _ => match self.text.as_bytes().get(at + 1) {
                Some(second) if self.codes.may_lead(byte, *second) => {}
                _ => return Try::No,
            },
        }
        let (mut first, mut next) = match self.step(at) {
            Step::Char(c, next) => (c, next),
            Step::More => return Try::More,
            Step::End => return Try::No,
        };
        if first == '\\' {
            // Markdown's escape of a bracket.
            match self.step(next) {
                Step::Char(c, after) if OPEN.contains(&c) => (first, next) = (c, after),
                Step::More => return Try::More,
                _ => return Try::No,
            }
        }
        if OPEN.contains(&first) {
            return self.bracket(next);
        }
        let letter = fold(first);
        if letter.is_ascii_alphanumeric() && !boundary {
            return Try::No;
        }
        settle!(self.labelled(at));
        if letter.is_ascii_alphanumeric() { self.bare(at) } else { Try::No }
    }

    /// `[label:CODE/suffix +3日]`, from behind the bracket. Only a closed one counts.
    fn bracket(&self, mut at: usize) -> Try<Token> {
        let mut fresh = true;
        for _ in 0..LABEL_MAX {
            if fresh {
                match self.closed(at) {
                    Try::Hit(Some(token)) => return Try::Hit(token),
                    // A code, and then more than belongs to it: brackets of the text.
                    Try::Hit(None) => return Try::No,
                    Try::More => return Try::More,
                    Try::No => {}
                }
            }
            match self.step(at) {
                Step::More => return Try::More,
                Step::End => return Try::No,
                Step::Char(c, _) if OPEN.contains(&c) || CLOSE.contains(&c) || ends_label(c) => return Try::No,
                Step::Char(c, next) => {
                    fresh = separates(c) || c.is_whitespace();
                    at = next;
                }
            }
        }
        Try::No
    }

    /// A code and what may stand behind it, up to the closing bracket.
    fn closed(&self, at: usize) -> Try<Option<Token>> {
        let Try::Hit(at) = self.spaces(at) else { return Try::More };
        let mut found = false;
        for spaced in [false, true] {
            match self.code(at, spaced) {
                Try::Hit((end, entry)) => match self.close(end, entry) {
                    Try::Hit(token) => return Try::Hit(Some(token)),
                    Try::More => return Try::More,
                    Try::No => found = true,
                },
                Try::More => return Try::More,
                Try::No => {}
            }
        }
        if found { Try::Hit(None) } else { Try::No }
    }

    fn close(&self, at: usize, entry: usize) -> Try<Token> {
        let (mut at, suffix) = match self.suffix(at) {
            Try::Hit(hit) => hit,
            Try::More => return Try::More,
            Try::No => return Try::No,
        };
        match self.interval(at) {
            Try::Hit(end) => at = end,
            Try::More => return Try::More,
            Try::No => {}
        }
        at = match self.spaces(at) {
            Try::Hit(at) => at,
            _ => return Try::More,
        };
        if let Step::Char('\\', next) = self.step(at) {
            at = next;
        }
        match self.step(at) {
            Step::Char(c, end) if CLOSE.contains(&c) => {
                Try::Hit(Token { end, meaning: self.codes.meaning(entry, suffix.read) })
            }
            Step::More => Try::More,
            _ => Try::No,
        }
    }

    /// `label:CODE` without brackets; the label must be known.
    fn labelled(&self, at: usize) -> Try<Token> {
        let mut more = false;
        for label in self.codes.labels() {
            match self.literal(at, label) {
                Try::Hit(end) => {
                    let Try::Hit(mut at) = self.spaces(end) else { return Try::More };
                    if let Step::Char('\\', next) = self.step(at) {
                        at = next;
                    }
                    match self.step(at) {
                        Step::Char(c, next) if separates(c) => match self.spaces(next) {
                            Try::Hit(at) => settle!(self.bare(at)),
                            _ => return Try::More,
                        },
                        Step::More => return Try::More,
                        // The separator is lost.
                        _ if at == end => settle!(self.bare(at)),
                        _ => {}
                    }
                }
                Try::More => more = true,
                Try::No => {}
            }
        }
        if more { Try::More } else { Try::No }
    }

    /// A code that stands for itself, with its suffix.
    fn bare(&self, at: usize) -> Try<Token> {
        let (at, entry) = match self.code(at, false) {
            Try::Hit(hit) => hit,
            Try::More => return Try::More,
            Try::No => return Try::No,
        };
        let (mut end, suffix) = match self.suffix(at) {
            Try::Hit(hit) => hit,
            Try::More => return Try::More,
            Try::No => return Try::No,
        };
        let mut meaning = self.codes.meaning(entry, suffix.read);
        if meaning.is_none() && !suffix.named {
            // What looks like a tag is the text's own (`PATIENT_7K3Q2F9M_0512.docx`).
            end = at;
            meaning = self.codes.meaning(entry, Suffix::default());
        }
        match self.interval(end) {
            Try::Hit(after) => end = after,
            Try::More => return Try::More,
            Try::No => {}
        }
        Try::Hit(Token { end, meaning })
    }

    /// A live code, whole: the run of letters and digits is the code and nothing more. `spaced`: single spaces and
    /// hyphens inside are read over (within brackets only).
    fn code(&self, mut at: usize, spaced: bool) -> Try<(usize, usize)> {
        let mut narrow = self.codes.all();
        let mut complete: Option<(usize, usize)> = None;
        let mut begun = false;
        let mut gaps = 0;
        loop {
            match self.step(at) {
                Step::More => return Try::More,
                Step::End => break,
                Step::Char(c, next) => {
                    let letter = fold(c);
                    if letter.is_ascii_alphanumeric() {
                        let Some(narrower) = self.codes.narrow(&narrow, digit(letter as u8)) else {
                            return Try::No;
                        };
                        narrow = narrower;
                        begun = true;
                        gaps = 0;
                        at = next;
                        complete = self.codes.complete(&narrow).map(|entry| (at, entry));
                    } else if begun
                        && gaps < SPACE_MAX
                        && (invisible(c) || spaced && (c == ' ' || c == '\u{3000}' || c == '-'))
                    {
                        gaps += 1;
                        at = next;
                    } else {
                        break;
                    }
                }
            }
        }
        complete.map_or(Try::No, Try::Hit)
    }

    /// What stands behind a code: `/姓`, `/3F`, `/姓/3F`, `_FAMILY_3F`, or nothing.
    fn suffix(&self, mut at: usize) -> Try<(usize, Written)> {
        let mut written = Written { read: Suffix::default(), named: false };
        let mut text = String::new();
        for _ in 0..2 {
            let (end, part) = match self.part(at) {
                Try::Hit(hit) => hit,
                Try::More => return Try::More,
                Try::No => break,
            };
            let form = token::Form::WORDS.iter().any(|(_, ja, en)| *ja == part || *en == part);
            let length = text.len();
            if length > 0 {
                text.push('/');
            }
            text.push_str(&part);
            match Suffix::parse(&text) {
                Some(read) => written.read = read,
                None => {
                    text.truncate(length);
                    break;
                }
            }
            written.named |= form;
            at = end;
        }
        Try::Hit((at, written))
    }

    /// A separator and a word: a form, or two or four letters of a tag.
    fn part(&self, at: usize) -> Try<(usize, String)> {
        let Try::Hit(mut at) = self.spaces(at) else { return Try::More };
        if let Step::Char('\\', next) = self.step(at) {
            at = next;
        }
        at = match self.step(at) {
            Step::Char(c, next) if matches!(fold(c), '/' | '_' | '-') => next,
            Step::More => return Try::More,
            _ => return Try::No,
        };
        at = match self.spaces(at) {
            Try::Hit(at) => at,
            _ => return Try::More,
        };
        let start = at;
        let mut part = String::new();
        loop {
            match self.step(at) {
                Step::More => return Try::More,
                Step::Char(c, next) if fold(c).is_ascii_alphanumeric() => {
                    part.push(fold(c));
                    at = next;
                    if part.len() > PART_MAX {
                        return Try::No;
                    }
                }
                _ => break,
            }
        }
        if !part.is_empty() {
            return Try::Hit((at, part));
        }
        let mut more = false;
        for (_, word, _) in token::Form::WORDS {
            match self.literal(start, word) {
                Try::Hit(end) => return Try::Hit((end, word.to_owned())),
                Try::More => more = true,
                Try::No => {}
            }
        }
        if more { Try::More } else { Try::No }
    }

    /// ` +3日`: part of a date token, never left behind.
    fn interval(&self, at: usize) -> Try<usize> {
        let Try::Hit(at) = self.spaces(at) else { return Try::More };
        let mut at = match self.step(at) {
            Step::Char('+' | '-' | '＋' | '－' | '−' | '±', next) => next,
            Step::More => return Try::More,
            _ => return Try::No,
        };
        let mut digits = 0;
        loop {
            match self.step(at) {
                Step::More => return Try::More,
                Step::Char(c, next) if fold(c).is_ascii_digit() && digits < DIGITS_MAX => {
                    digits += 1;
                    at = next;
                }
                Step::Char('日', next) if digits > 0 => return Try::Hit(next),
                Step::Char('d' | 'D', next) if digits > 0 => {
                    return match self.step(next) {
                        Step::More => Try::More,
                        Step::Char(c, _) if c.is_ascii_alphanumeric() => Try::No,
                        _ => Try::Hit(next),
                    };
                }
                _ => return Try::No,
            }
        }
    }

    /// The folded `word` stands at `at`.
    fn literal(&self, mut at: usize, word: &str) -> Try<usize> {
        for letter in word.chars() {
            match self.step(at) {
                Step::More => return Try::More,
                Step::Char(c, next) if fold(c) == letter || letter == '_' && c == '-' => at = next,
                _ => return Try::No,
            }
        }
        Try::Hit(at)
    }

    /// Over a few spaces and invisible letters.
    fn spaces(&self, mut at: usize) -> Try<usize> {
        for _ in 0..SPACE_MAX {
            match self.step(at) {
                Step::Char(c, next) if c == ' ' || c == '\u{3000}' || c == '\u{a0}' || invisible(c) => at = next,
                Step::More => return Try::More,
                _ => break,
            }
        }
        Try::Hit(at)
    }
}

#[inline]
fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn ends_label(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r'
            | ','
            | '、'
            | '，'
            | '。'
            | ';'
            | '"'
            | '('
            | ')'
            | '（'
            | '）'
            | '「'
            | '」'
            | '<'
            | '>'
            | '{'
            | '}'
    )
}

fn separates(c: char) -> bool {
    matches!(c, ':' | '：' | '_' | '＿' | '-' | '－' | '‐' | '=' | '＝' | '|' | '・')
}

/// Escapes a word for the inside of a JSON string.
pub(crate) fn escape_json(word: &str, out: &mut String) {
    for c in word.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c if c < ' ' => {
                out.push_str("\\u00");
                for shift in [4, 0] {
                    out.push(char::from_digit((u32::from(c) >> shift) & 15, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
}

#[derive(Clone, Copy)]
enum Class {
    /// Nothing begins here and nothing changes.
    Dull,
    /// Letters and digits: a code or label may begin at a boundary.
    Letter,
    /// First byte of a letter beyond ASCII.
    Wide,
    /// Looked at one by one.
    Sharp,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Dull; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            0xc0..=0xff => Class::Wide,
            // Continuation bytes are only met behind their first byte.
            0x80..=0xbf | b'[' | b'\\' | b'(' | b'<' | b'/' | b'.' | b':' | b'`' | b'~' | 0..=b' ' => Class::Sharp,
            _ => Class::Dull,
        };
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests;
