//! A token as models write it: width, case, spaces, other brackets, escapes, a changed label; its code must be whole and
//! live. What the text that is there does not decide is `More`.
//! Must not know: what is restored, where the words come from.

use crate::mask::token::{self, Suffix};
use crate::restore::codes::{CLOSE, Codes, Meaning, OPEN, digit, fold};

/// Longest label in brackets that is read over, in characters.
const LABEL_MAX: usize = 20;
/// Spaces that are read over in one place.
const SPACE_MAX: usize = 2;
/// Letters of a suffix word.
const PART_MAX: usize = 8;
/// Digits of an interval.
const DIGITS_MAX: usize = 6;

/// What stands at a position.
pub(super) enum Try<T> {
    No,
    /// The text that is there does not decide.
    More,
    Hit(T),
}

/// A token: where it ends, and what it means (`None`: well-formed, but such a form is not live).
pub(super) struct Token {
    pub(super) end: usize,
    pub(super) meaning: Option<Meaning>,
}

/// A suffix as it was read.
struct Written {
    read: Suffix,
    /// It names a form (`姓`), so it is no accident.
    named: bool,
}

pub(super) enum Step {
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

/// A text seen from any offset.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) end: bool,
    pub(super) json: bool,
    pub(super) codes: &'a Codes,
}

impl Reader<'_> {
    /// The end of the run of bytes from `at` that can neither begin a token nor change the place.
    #[inline]
    pub(super) fn dull(&self, mut at: usize, before: u8) -> usize {
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

    pub(super) fn step(&self, at: usize) -> Step {
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
    pub(super) fn token(&self, at: usize, byte: u8, boundary: bool) -> Try<Token> {
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
pub(super) fn alphanumeric(byte: u8) -> bool {
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
