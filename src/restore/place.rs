//! Where a reader of Markdown or HTML stands: in plain text, in a URL, in a link target, in a tag, in a code fence.
//! Fed with the masked text, one character after the other, so that a restored word can never move a boundary.
//! When in doubt it says "URL": a token that stays is a blemish, a name in an address is a leak.

/// The state. One character in, one question out; no look-ahead, so any split of the text gives the same answers.
#[derive(Clone, Debug)]
pub struct Place {
    span: Span,
    /// The last eight bytes of literal text, newest lowest.
    tail: u64,
    /// Only white space since the last line break.
    blank: bool,
    fence: Fence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    Text,
    /// `<` seen.
    TagOpen,
    TagName,
    TagBody,
    /// `=` seen in a tag.
    TagEquals,
    TagQuoted(char),
    Url,
    /// `](` seen; depth of open parentheses.
    Target {
        depth: u32,
        state: Dest,
    },
    /// `]:` seen: a reference definition, if a path follows.
    Definition,
    /// In the path of a reference definition.
    DefinitionPath,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dest {
    Start,
    Plain,
    Escaped,
    Angle,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fence {
    /// The fence that is open: its letter and length.
    open: Option<(u8, u32)>,
    /// A run of fence letters that starts the present line.
    run: Option<(u8, u32)>,
}

impl Default for Place {
    fn default() -> Self {
        Self { span: Span::Text, tail: 0, blank: true, fence: Fence::default() }
    }
}

impl Place {
    /// A token may be restored here.
    #[must_use]
    #[inline]
    pub fn allows(&self) -> bool {
        matches!(self.span, Span::Text | Span::TagOpen | Span::TagName | Span::Definition)
    }

    /// Inside a code fence.
    #[must_use]
    pub fn fenced(&self) -> bool {
        self.fence.open.is_some() || self.fence.run.is_some_and(|(_, length)| length >= 3)
    }

    /// Plain text without a boundary: runs of dull bytes may be skipped with [`Place::skip`].
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.span == Span::Text
    }

    /// The last literal byte (0 after a token and at the start).
    #[inline]
    pub(crate) fn last(&self) -> u8 {
        (self.tail & 0xff) as u8
    }

    /// The last literal character was a full-width letter or digit.
    #[inline]
    pub(crate) fn after_wide(&self) -> bool {
        let lead = (self.tail >> 8) & 0xffff;
        (lead == 0xefbc && matches!(self.last(), 0x90..=0x99 | 0xa1..=0xba))
            || (lead == 0xefbd && (0x81..=0x9a).contains(&self.last()))
    }

    /// A token was taken out here.
    pub(crate) fn token(&mut self) {
        self.tail = 0;
        self.blank = false;
        self.end_run();
        if matches!(self.span, Span::TagOpen | Span::TagName | Span::Definition) {
            self.span = Span::Text;
        }
    }

    /// Passes over bytes that cannot change the state: letters, kana, kanji; no punctuation, no white space.
    #[inline]
    pub(crate) fn skip(&mut self, run: &[u8]) {
        for byte in run.iter().skip(run.len().saturating_sub(8)) {
            self.tail = (self.tail << 8) | u64::from(*byte);
        }
        self.blank = false;
        self.end_run();
    }

    #[inline]
    fn end_run(&mut self) {
        if let Some((letter, length)) = self.fence.run.take()
            && length >= 3
            && self.fence.open.is_none()
        {
            self.fence.open = Some((letter, length));
        }
    }

    /// Passes over one literal character.
    #[inline]
    pub fn feed(&mut self, c: char) {
        self.fences(c);
        self.span = self.next(c);
        if c == '\n' {
            self.blank = true;
        } else if !c.is_whitespace() {
            self.blank = false;
        }
        if c.is_ascii() {
            self.tail = (self.tail << 8) | u64::from(c as u8);
        } else {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                self.tail = (self.tail << 8) | u64::from(byte);
            }
        }
    }

    fn fences(&mut self, c: char) {
        match (c, self.fence.run) {
            ('`' | '~', None) if self.blank => self.fence.run = Some((c as u8, 1)),
            ('`' | '~', Some((letter, length))) if letter == c as u8 => {
                self.fence.run = Some((letter, length.saturating_add(1)));
            }
            ('\n', Some((letter, length))) => {
                self.fence.run = None;
                match self.fence.open {
                    Some((open, least)) if open == letter && length >= least => self.fence.open = None,
                    None if length >= 3 => self.fence.open = Some((letter, length)),
                    _ => {}
                }
            }
            (' ' | '\t' | '\r', Some(_)) | (_, None) => {}
            (_, Some(_)) => self.end_run(),
        }
    }

    fn next(&self, c: char) -> Span {
        let blank_line = c == '\n' && self.blank;
        match self.span {
            Span::Text => self.in_text(c),
            Span::TagOpen => match c {
                'a'..='z' | 'A'..='Z' | '/' => Span::TagName,
                _ => self.in_text(c),
            },
            Span::TagName => match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => Span::TagName,
                '/' if self.last() == b'<' => Span::TagName,
                ' ' | '\t' | '\n' | '\r' | '\x0c' | '/' => Span::TagBody,
                _ => self.in_text(c),
            },
            Span::TagBody | Span::TagEquals if c == '>' || blank_line => Span::Text,
            Span::TagBody if c == '=' => Span::TagEquals,
            Span::TagEquals if c == '"' || c == '\'' => Span::TagQuoted(c),
            Span::TagEquals if c.is_ascii_whitespace() => Span::TagEquals,
            Span::TagQuoted(quote) if c != quote => Span::TagQuoted(quote),
            Span::TagBody | Span::TagEquals | Span::TagQuoted(_) => Span::TagBody,
            Span::Url | Span::DefinitionPath => match c {
                '<' | '>' | '"' => self.in_text(c),
                '(' if self.last() == b']' => Span::Target { depth: 1, state: Dest::Start },
                _ if c.is_whitespace() || c.is_control() => Span::Text,
                _ => self.span,
            },
            Span::Target { .. } if blank_line => Span::Text,
            Span::Target { depth, state } => match (state, c) {
                (Dest::Escaped, _) | (Dest::Angle, '>' | '\n') => Span::Target { depth, state: Dest::Plain },
                (Dest::Angle, _) => self.span,
                (Dest::Start, '<') => Span::Target { depth, state: Dest::Angle },
                (Dest::Start, _) if c.is_ascii_whitespace() => self.span,
                (_, '\\') => Span::Target { depth, state: Dest::Escaped },
                (_, '(') => Span::Target { depth: depth.saturating_add(1), state: Dest::Plain },
                (_, ')') if depth <= 1 => Span::Text,
                (_, ')') => Span::Target { depth: depth - 1, state: Dest::Plain },
                _ => Span::Target { depth, state: Dest::Plain },
            },
            Span::Definition => match c {
                ' ' | '\t' => Span::Definition,
                '/' | '<' | '.' | '?' | '#' => Span::DefinitionPath,
                _ => self.in_text(c),
            },
        }
    }

    fn in_text(&self, c: char) -> Span {
        match c {
            '<' => Span::TagOpen,
            '(' if self.last() == b']' => Span::Target { depth: 1, state: Dest::Start },
            '/' if self.tail & 0xffff == u64::from(u16::from_be_bytes(*b":/"))
                && self.byte(2).is_ascii_alphanumeric() =>
            {
                Span::Url
            }
            '.' if self.word_before(*b"\0\0\0\0\0www", 3) => Span::Url,
            ':' if self.last() == b']' => Span::Definition,
            ':' if self.word_before(*b"\0\0mailto", 6) => Span::Url,
            _ => Span::Text,
        }
    }

    fn byte(&self, back: u32) -> u8 {
        ((self.tail >> (8 * back)) & 0xff) as u8
    }

    /// The text just before is this word (lower case, right-aligned), at a boundary.
    fn word_before(&self, word: [u8; 8], length: u32) -> bool {
        let mask = (1u64 << (8 * length)) - 1;
        let lower = (self.tail | 0x2020_2020_2020_2020) & mask;
        lower == u64::from_be_bytes(word) & mask && !self.byte(length).is_ascii_alphanumeric()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `^` marks where a token would be asked for; the answer must be `expected` for each in turn.
    fn ask(text: &str) -> Vec<bool> {
        let mut place = Place::default();
        let mut answers = Vec::new();
        for c in text.chars() {
            if c == '^' {
                answers.push(place.allows());
            } else {
                place.feed(c);
            }
        }
        answers
    }

    #[test]
    fn urls_end_at_white_space() {
        assert_eq!(ask("^見る https://e.example/?q=^a^ ^。"), [true, false, false, true]);
        assert_eq!(ask("HTTP://e/^"), [false]);
        assert_eq!(ask("www.e.example/^ awww.x^"), [false, true]);
        assert_eq!(ask("MAILTO:^x ^"), [false, true]);
        assert_eq!(ask("1://^ 比 ://^"), [false, true]);
    }

    #[test]
    fn link_and_image_targets() {
        assert_eq!(ask("![^](^/a(b)^c)^"), [true, false, false, true]);
        assert_eq!(ask("[a](<x)^>^)^"), [false, false, true]);
        assert_eq!(ask(r"[a](/x\)^)^"), [false, true]);
        assert_eq!(ask("[https://a.example](https://b.example)^は"), [true]);
        assert_eq!(ask("[a](^\n\n^"), [false, true]);
        assert_eq!(ask("[a]: //e/^ ^ [注]: ^説明"), [false, true, true]);
    }

    #[test]
    fn tags_and_attributes() {
        assert_eq!(ask("<b>^</b>^<img src=\"^>^\" alt=^>^"), [true, true, false, false, false, true]);
        assert_eq!(ask("K < ^ 3.5 <^ a<b、^"), [true, true, true]);
        assert_eq!(ask("a <b c^\n\n^"), [false, true]);
        assert_eq!(ask("<https://e/^>^"), [false, true]);
    }

    #[test]
    fn fences() {
        let fenced = |text: &str| {
            let mut place = Place::default();
            text.chars().for_each(|c| place.feed(c));
            place.fenced()
        };
        assert!(fenced("a\n```json\nx"));
        assert!(!fenced("a\n```\nx\n```\ny"));
        assert!(fenced("````\n```\nx"));
        assert!(!fenced("a `b` ```c``` d"));
    }
}
