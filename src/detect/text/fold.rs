//! How a text folds, letter by letter (PHI §0, NAMES §6): width, half-width kana, ligatures, old characters, hyphens, invisible
//! letters, kanji digits of numbers, look-alike letters in ASCII words, a line break inside a number or mail address.
//! Must not know: what is searched for, how a stretch is mapped back.

use std::sync::{LazyLock, OnceLock};

use unicode_normalization::UnicodeNormalization;

use super::letters::{OLD, digit, dropped, look_alike, plain, superscript, voiced, word};
use super::numerals::{kanji_digit, number};
use super::{Run, Text};

pub(super) struct Folder<'a> {
    text: &'a str,
    out: String,
    runs: Vec<Run>,
    changed: bool,
    /// Kanji digits before this are digits of a number.
    number_until: usize,
    /// Kanji digits before this were judged.
    number_seen: usize,
    /// Look-alike letters before this stand in an ASCII word.
    word_until: usize,
    word_seen: usize,
}

impl<'a> Folder<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            out: String::with_capacity(text.len()),
            runs: Vec::new(),
            changed: false,
            number_until: 0,
            number_seen: 0,
            word_until: 0,
            word_seen: 0,
        }
    }

    pub(super) fn done(self) -> Text {
        let folded = self.changed.then_some(self.out);
        let runs = if folded.is_some() { self.runs } else { Vec::new() };
        Text { folded, original: self.text.to_owned(), runs, lower: OnceLock::new() }
    }

    /// Copy the run of letters that stay, and fold the first that does not (with its mark); gives where to go on.
    pub(super) fn step(&mut self, at: usize, limit: usize) -> usize {
        let rest = self.text.get(at..limit).unwrap_or_default();
        let place = unchanged(rest);
        let mut letters = rest.get(place..).unwrap_or_default().chars();
        let Some(letter) = letters.next() else {
            self.copy(at, limit);
            return limit.max(at);
        };
        let previous = rest.get(..place).and_then(|copied| copied.chars().next_back());
        let start = at + place;
        let end = start + letter.len_utf8();
        if let Some(kana) = previous
            && let Some(joined) = voiced(kana, letter)
        {
            self.copy(at, start - kana.len_utf8());
            self.put(start - kana.len_utf8(), end, &[joined]);
            return end;
        }
        self.copy(at, start);
        let next = letters.next();
        if let Some(mark) = next
            && let Some(joined) = voiced(letter, mark)
        {
            self.put(start, end + mark.len_utf8(), &[joined]);
            return end + mark.len_utf8();
        }
        if letter == '\r' && next == Some('\n') && joins(&self.out, self.text.get(end + 1..).unwrap_or_default()) {
            self.put(start, end + 1, &[]);
            return end + 1;
        }
        self.letter(start, end, letter, next);
        end
    }

    pub(super) fn copy(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        match self.runs.last_mut() {
            Some(run) if run.copied && (run.original + run.original_len) as usize == start => {
                run.original_len += (end - start) as u32;
            }
            _ => self.runs.push(Run {
                folded: self.out.len() as u32,
                original: start as u32,
                original_len: (end - start) as u32,
                copied: true,
            }),
        }
        self.out.push_str(self.text.get(start..end).unwrap_or_default());
    }

    /// Write what `original[start..end]` (one letter, kana and its mark, or an atom) folds to.
    pub(super) fn put(&mut self, start: usize, end: usize, folded: &[char]) {
        self.changed = true;
        self.runs.push(Run {
            folded: self.out.len() as u32,
            original: start as u32,
            original_len: (end - start) as u32,
            copied: false,
        });
        self.out.extend(folded);
    }

    fn letter(&mut self, start: usize, end: usize, letter: char, next: Option<char>) {
        if letter == '\n' {
            let rest = self.text.get(end..).unwrap_or_default();
            if joins(&self.out, rest) {
                return self.put(start, end, &[]);
            }
            return self.copy(start, end);
        }
        if letter.is_ascii() {
            return self.copy(start, end);
        }
        if dropped(letter) {
            return self.put(start, end, &[]);
        }
        if let Some(value) = kanji_digit(letter) {
            if start >= self.number_seen {
                let (seen, number) = number(self.text, start);
                self.number_seen = start + seen;
                self.number_until = if number { self.number_seen } else { start };
            }
            if start < self.number_until {
                return self.put(start, end, &[value]);
            }
            return self.copy(start, end);
        }
        if let Some(ascii) = look_alike(letter) {
            if start >= self.word_seen {
                let (seen, mixed) = word(self.text, start);
                self.word_seen = start + seen;
                self.word_until = if mixed { self.word_seen } else { start };
            }
            if start < self.word_until {
                return self.put(start, end, &[ascii]);
            }
        }
        let folded = match letter {
            '\u{3000}' | '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => ' ',
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{fe63}' | '\u{ff0d}' => '-',
            'ー' | 'ｰ' if self.out.ends_with(|c: char| c.is_ascii_digit()) && next.is_some_and(digit) => '-',
            'ー' | 'ｰ' if start < self.number_until => '-',
            'ｰ' => 'ー',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
            '〜' | '∼' => '~',
            'µ' => 'μ',
            _ => letter,
        };
        if folded != letter {
            return self.put(start, end, &[folded]);
        }
        if let Some(value) = superscript(letter) {
            return self.put(start, end, &['^', value]);
        }
        if let '①'..='⑳' = letter {
            let number = letter as u32 - '①' as u32 + 1;
            let text: Vec<char> = format!("({number})").chars().collect();
            return self.put(start, end, &text);
        }
        if plain(letter) {
            let folded = OLD.plain(letter);
            if folded == letter {
                return self.copy(start, end);
            }
            return self.put(start, end, &[folded]);
        }
        let normal: Vec<char> = std::iter::once(letter).nfkc().map(|c| OLD.plain(c)).collect();
        if normal == [letter] {
            return self.copy(start, end);
        }
        self.put(start, end, &normal);
    }
}

/// Bit *n*: the letter of code point *n* stays as it is, whatever stands around it.
static STAYS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut bits = vec![0_u64; 1024];
    for letter in '\0'..='\u{ffff}' {
        let stays = match letter {
            '\n' | '\r' | '〜' | 'ー' => false,
            _ if letter.is_ascii() => true,
            _ => plain(letter) && kanji_digit(letter).is_none() && OLD.plain(letter) == letter,
        };
        if stays && let Some(bits) = bits.get_mut(letter as usize >> 6) {
            *bits |= 1 << (letter as u32 & 63);
        }
    }
    bits
});

/// How many bytes of a text begin it that stay as they are.
fn unchanged(text: &str) -> usize {
    let bytes = text.as_bytes();
    let stays = STAYS.as_slice();
    let mut at = 0;
    while let Some(&lead) = bytes.get(at) {
        match lead {
            b'\n' | b'\r' => break,
            0..0x80 => at += 1,
            0xe0..=0xef => {
                let next = |behind: usize| bytes.get(at + behind).map_or(0, |byte| usize::from(byte & 0x3f));
                let letter = usize::from(lead & 0xf) << 12 | next(1) << 6 | next(2);
                let plain = stays.get(letter >> 6).is_some_and(|bits| bits >> (letter & 63) & 1 == 1);
                let long = letter == 'ー' as usize
                    && text.get(..at).is_some_and(|before| {
                        before.ends_with(|letter| matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー'))
                    });
                if !plain && !long {
                    break;
                }
                at += 3;
            }
            0xf0.. => {
                let letter = text.get(at..).and_then(|rest| rest.chars().next());
                if !letter.is_some_and(|letter| plain(letter) && OLD.plain(letter) == letter) {
                    break;
                }
                at += 4;
            }
            _ => break,
        }
    }
    at
}

/// Has a text a line break that folding would take out?
pub(super) fn breaks(text: &str) -> bool {
    memchr::memchr_iter(b'\n', text.as_bytes())
        .any(|at| joins(text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()))
}

/// Does a line break between these two stand inside a number (`090-⏎1234`) or a mail address (`a@⏎b.jp`)?
fn joins(before: &str, after: &str) -> bool {
    let before = before.strip_suffix('\r').unwrap_or(before);
    let mut back = before.chars().rev();
    let next = after.chars().next();
    match back.next() {
        Some('-') => back.next().is_some_and(|letter| letter.is_ascii_digit()) && next.is_some_and(digit),
        Some('@') => {
            back.next().is_some_and(|letter| letter.is_ascii_alphanumeric())
                && next.is_some_and(|letter| letter.is_ascii_alphanumeric())
        }
        Some(letter) if letter.is_ascii_alphanumeric() => {
            let mut ahead = after.chars();
            ahead.next() == Some('@') && ahead.next().is_some_and(|letter| letter.is_ascii_alphanumeric())
        }
        _ => false,
    }
}
