//! String literals of JSON: letters with the bytes they were written in, edits that leave all other bytes as they are, and the
//! style in which the writer escapes.
//! Must not know: where a literal stands.

use std::ops::Range;

/// How a document writes what is not ASCII.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Characters beyond ASCII are written `\uXXXX`.
    pub ascii: bool,
    /// Hex digits of escapes are upper case.
    pub upper: bool,
    /// `/` is written `\/`.
    pub slash: bool,
}

/// The characters of a string literal: each with its bytes there. Escapes that cannot be are given as they stand.
pub struct Chars<'r> {
    raw: &'r str,
    at: usize,
}

impl<'r> Chars<'r> {
    /// Reads what stands between the quotes.
    #[must_use]
    pub fn new(raw: &'r str) -> Self {
        Self { raw, at: 0 }
    }
}

impl Iterator for Chars<'_> {
    type Item = (char, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let bytes = self.raw.as_bytes();
        let first = *bytes.get(start)?;
        if first != b'\\' {
            let c = self.raw.get(start..)?.chars().next()?;
            self.at = start + c.len_utf8();
            return Some((c, start..self.at));
        }
        let (c, len) = match bytes.get(start + 1) {
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'u') => match unit(bytes, start + 2) {
                Some(high @ 0xD800..=0xDBFF) => {
                    let low = unit(bytes, start + 8).unwrap_or(0);
                    match char::decode_utf16([high, low]).next() {
                        Some(Ok(c)) => (c, 12),
                        _ => ('\u{FFFD}', 6),
                    }
                }
                Some(one) => (char::from_u32(u32::from(one)).unwrap_or('\u{FFFD}'), 6),
                None => ('\\', 1),
            },
            Some(b) if b.is_ascii() => (char::from(*b), 2),
            _ => ('\\', 1),
        };
        self.at = (start + len).min(bytes.len());
        Some((c, start..self.at))
    }
}

/// The text of a string literal (what stands between the quotes).
#[must_use]
pub fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(hit) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..hit).unwrap_or_default());
        let mut chars = Chars { raw: rest, at: hit };
        if let Some((c, _)) = chars.next() {
            out.push(c);
        }
        rest = rest.get(chars.at..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Replaces parts of a string literal: `edits` are byte ranges of its *text*, in order and apart. Gives the ranges of the
/// *literal* that change and what goes there; every other byte of the literal stays.
///
/// `None`: a range does not lie on characters, or they overlap.
#[must_use]
pub fn edit_literal(raw: &str, edits: &[(Range<usize>, &str)], style: Style) -> Option<Vec<(Range<usize>, String)>> {
    let style = literal_style(raw).unwrap_or(style);
    let mut out = Vec::with_capacity(edits.len());
    let mut chars = Chars::new(raw);
    let (mut text_at, mut raw_at) = (0, 0);
    for (range, with) in edits {
        if range.start < text_at || range.end < range.start {
            return None;
        }
        while text_at < range.start {
            let (c, at) = chars.next()?;
            text_at += c.len_utf8();
            raw_at = at.end;
        }
        let start = raw_at;
        while text_at < range.end {
            let (c, at) = chars.next()?;
            text_at += c.len_utf8();
            raw_at = at.end;
        }
        if text_at != range.end {
            return None;
        }
        out.push((start..raw_at, escape(with, style)));
    }
    Some(out)
}

/// How this literal writes what is not ASCII; `None` when it has nothing of the kind.
#[must_use]
pub fn literal_style(raw: &str) -> Option<Style> {
    let slash = raw.contains("\\/");
    if !raw.is_ascii() {
        return Some(Style { slash, ..Style::default() });
    }
    raw.contains('\\').then_some(())?;
    Chars::new(raw).find(|(c, at)| at.len() >= 6 && !c.is_ascii()).map(|(_, at)| Style {
        ascii: true,
        upper: raw.get(at).is_some_and(|e| e.bytes().any(|b| matches!(b, b'A'..=b'F'))),
        slash,
    })
}

/// How a whole document writes: as its first string that tells.
#[must_use]
pub fn document_style(text: &str) -> Style {
    if !text.is_ascii() {
        return Style { slash: text.contains("\\/"), ..Style::default() };
    }
    let mut rest = text;
    while let Some(hit) = memchr::memmem::find(rest.as_bytes(), b"\\u") {
        let escape = rest.get(hit..hit + 6).unwrap_or_default();
        if unit(escape.as_bytes(), 2).is_some_and(|u| u >= 0x80) {
            let upper = escape.bytes().any(|b| matches!(b, b'A'..=b'F'));
            return Style { ascii: true, upper, slash: text.contains("\\/") };
        }
        rest = rest.get(hit + 2..).unwrap_or_default();
    }
    Style { slash: text.contains("\\/"), ..Style::default() }
}

/// Writes `text` as it stands between the quotes of a string literal.
#[must_use]
pub fn escape(text: &str, style: Style) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    let mut units = [0u16; 2];
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '/' if style.slash => out.push_str("\\/"),
            // Some clients cut the lines of a stream at these.
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c if c < ' ' || (style.ascii && !c.is_ascii()) || c == '\u{7f}' && style.ascii => {
                for unit in c.encode_utf16(&mut units) {
                    let done = if style.upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
                    debug_assert!(done.is_ok());
                }
            }
            c => out.push(c),
        }
    }
    out
}

pub(super) fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let hex = bytes.get(at..at + 4)?;
    let mut value: u16 = 0;
    for digit in hex {
        value = (value << 4) | u16::try_from(char::from(*digit).to_digit(16)?).ok()?;
    }
    Some(value)
}
