//! The grammar of a value: numbers with units in any spelling, slashes, trends, ranges, sides, scores, results in words.
//! Reads from a byte offset of the folded text and says where the value ends.
//! Must not know: which item it belongs to, whether it counts.

use std::ops::Range;

use crate::detect::literals::Literals;

/// Words that are looked up at a place: the longest that stands there.
pub(crate) struct Words(Literals);

impl Words {
    pub(crate) fn new(words: &[String]) -> Self {
        Self(Literals::new(words))
    }

    /// The same without regard to the case of ASCII letters.
    pub(crate) fn any_case(words: &[String]) -> Self {
        Self(Literals::any_case(words))
    }

    /// The end of the longest word that starts at `at`, with its number.
    pub(crate) fn at(&self, text: &str, at: usize) -> Option<(usize, usize)> {
        self.0.at(text, at).map(|found| (found.range.end, found.word))
    }

    /// Whether one stands anywhere in `text`.
    pub(crate) fn any(&self, text: &str) -> bool {
        self.0.any(text)
    }
}

/// What shape a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    /// Several numbers with slashes (`128/76`).
    Slashes(u8),
    /// From … to, with a hyphen or a tilde.
    Span,
    Trend,
    /// `(-)`, `陽性`.
    Word,
    /// `E3V4M6`, `II-20`, `D3-e3s8i1`.
    Code,
    Kanji,
}

/// A value in a text.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// From the comparator or first digit to the unit's end.
    pub(crate) range: Range<usize>,
    pub(crate) first: f64,
    pub(crate) decimals: usize,
    /// Lower case; the unit of the last number.
    pub(crate) unit: Option<String>,
    pub(crate) compared: bool,
    pub(crate) shape: Shape,
    /// Numbers of a slash group.
    pub(crate) numbers: u8,
}

/// One number: end, value, decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub(crate) end: usize,
    pub(crate) value: f64,
    pub(crate) decimals: usize,
}

pub(crate) fn peek(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

pub(crate) fn byte(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// Past at most `most` blanks (no tab, no line break).
pub(crate) fn blanks(text: &str, mut at: usize, most: usize) -> usize {
    let from = at;
    while at - from < most && byte(text, at) == b' ' {
        at += 1;
    }
    at
}

/// The first closing bracket at most `most` bytes behind `at`, counted from `at`.
pub(crate) fn closing(text: &str, at: usize, most: usize) -> Option<usize> {
    let end = (at + most + 1).min(text.len());
    text.as_bytes().get(at..end)?.iter().position(|&byte| byte == b')')
}

/// `12,300`, `0.42`, `.5`, `7`.
pub(crate) fn number(text: &str, at: usize) -> Option<Number> {
    let bytes = text.as_bytes();
    let mut end = at;
    let mut digits = String::new();
    while let Some(&byte) = bytes.get(end) {
        let grouped = byte == b','
            && !digits.is_empty()
            && bytes.get(end + 1..end + 4).is_some_and(|next| next.iter().all(u8::is_ascii_digit))
            && !bytes.get(end + 4).is_some_and(u8::is_ascii_digit);
        if byte.is_ascii_digit() {
            digits.push(char::from(byte));
        } else if !grouped {
            break;
        }
        end += 1;
    }
    let mut decimals = 0;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        digits.push('.');
        end += 1;
        while let Some(byte) = bytes.get(end).filter(|byte| byte.is_ascii_digit()) {
            digits.push(char::from(*byte));
            decimals += 1;
            end += 1;
        }
    }
    // Zeros in front are those of an identifier (`P000123` is no phosphate).
    let identifier = decimals == 0 && digits.len() > 2 && digits.starts_with('0');
    if digits.is_empty() || digits == "." || digits.len() > 12 || identifier {
        return None;
    }
    Some(Number { end, value: digits.parse().ok()?, decimals })
}

/// `<`, `>`, `≦` … and where they end.
pub(crate) fn comparator(text: &str, at: usize) -> usize {
    let mut end = at;
    while let Some(letter) = peek(text, end) {
        if !matches!(letter, '<' | '>' | '≦' | '≧' | '≤' | '≥' | '=' | '⩽' | '⩾') || end - at > 6 {
            break;
        }
        end += letter.len_utf8();
    }
    let only_equals = text.get(at..end).is_some_and(|signs| signs.chars().all(|sign| sign == '='));
    if only_equals { at } else { end }
}

/// An arrow of a trend at `at`: where it ends.
pub(crate) fn arrow(text: &str, at: usize) -> Option<usize> {
    let letter = peek(text, at)?;
    match letter {
        '→' | '⇒' | '➡' | '⇨' | '➜' | '↗' | '↘' | '⟶' => Some(at + letter.len_utf8()),
        '-' | '=' if byte(text, at + 1) == b'>' => Some(at + 2),
        _ => None,
    }
}

/// The unit after a number, over at most `gap` blanks: end and spelling in lower case.
pub(crate) fn unit(units: &Words, text: &str, at: usize, gap: usize) -> Option<(usize, String)> {
    let from = blanks(text, at, gap);
    let (end, _) = units.at(text, from)?;
    let spelled = text.get(from..end)?;
    let last = spelled.chars().next_back()?;
    let next = peek(text, end);
    let goes_on = match next {
        Some(letter) if last.is_ascii_alphabetic() => letter.is_ascii_alphabetic() && !glued(text, from, end),
        Some(letter) if last.is_ascii_digit() => {
            letter.is_ascii_digit() || (letter == '.' && byte(text, end + 1).is_ascii_digit())
        }
        _ => false,
    };
    // A single letter over a blank is a name or a side; `K4.0` is the next item; `回` over a blank begins a word.
    let single = spelled.chars().nth(1).is_none();
    let letter = spelled.len() == 1 && spelled.bytes().all(|byte| byte.is_ascii_alphabetic());
    let over_blank = from > at && ((letter && !matches!(spelled, "g" | "s")) || (single && !spelled.is_ascii()));
    let unknown = letter && !matches!(spelled, "K" | "k" | "L" | "m" | "g" | "s" | "U" | "F" | "C" | "N" | "J");
    let next_item = letter && next.is_some_and(|next| next.is_ascii_digit());
    if goes_on || over_blank || next_item || unknown {
        return None;
    }
    Some((end, spelled.to_lowercase()))
}

/// `mg/dLCr1.2`: the next item follows straight after a unit of some length.
fn glued(text: &str, from: usize, end: usize) -> bool {
    end - from >= 4 && peek(text, end).is_some_and(|letter| letter.is_ascii_uppercase())
}

/// Kanji numerals with their units: `三十六度八分`, `百二十二の六十八`.
pub(crate) fn kanji_value(text: &str, at: usize) -> Option<Value> {
    let digit = |letter: char| {
        matches!(
            letter,
            '〇' | '零' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' | '百' | '千'
        )
    };
    let mut end = at;
    let mut digits = 0;
    while let Some(letter) = peek(text, end) {
        let joins = matches!(letter, '度' | '分' | 'の' | '点' | '・') && digits > 0;
        if !(digit(letter) || joins) {
            break;
        }
        digits += usize::from(digit(letter));
        end += letter.len_utf8();
    }
    let seen = text.get(at..end)?.trim_end_matches(['の', '・']);
    if digits < 2 || !seen.contains(['十', '百', '度', '千']) {
        return None;
    }
    let end = at + seen.len();
    Some(Value {
        range: at..end,
        first: f64::NAN,
        decimals: 0,
        unit: seen.contains('度').then(|| "度".to_owned()),
        compared: false,
        shape: Shape::Kanji,
        numbers: 1,
    })
}

/// Codes of scores: `E3V4M6`, `I-3`, `II-20`, `III-300`, `D3-e3s8i1g3n3p0`, `IV`.
pub(crate) fn code(text: &str, at: usize) -> Option<usize> {
    let run_end = |from: usize| {
        let mut end = from;
        while byte(text, end).is_ascii_alphanumeric()
            || (byte(text, end) == b'-' && byte(text, end + 1).is_ascii_alphanumeric())
        {
            end += 1;
        }
        end
    };
    let end = run_end(at);
    let run = text.get(at..end)?;
    let upper = run.to_ascii_uppercase();
    let coma = upper.len() >= 5
        && upper.starts_with('E')
        && upper.contains('V')
        && upper.contains('M')
        && upper.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'E' | b'V' | b'M' | b'T' | b'N'))
        && upper.bytes().any(|b| b.is_ascii_digit());
    let roman = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| matches!(b, b'I' | b'V'));
    let level = upper.split_once('-').is_some_and(|(head, tail)| {
        (roman(head) || matches!(head, "1" | "2" | "3")) && !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit())
    });
    let wound = run.len() >= 6
        && run.starts_with(['D', 'd'])
        && run.bytes().filter(u8::is_ascii_digit).count() >= 3
        && run.bytes().all(|b| {
            b.is_ascii_digit()
                || b == b'-'
                || matches!(b.to_ascii_lowercase(), b'd' | b'e' | b's' | b'i' | b'g' | b'n' | b'p' | b'u')
        });
    (coma || level || wound || roman(run)).then_some(end)
}

/// `A型Rh(+)`, `O型 Rh(+)`, `AB(+)`.
pub(crate) fn blood_group(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let group = ["AB", "A", "B", "O"].into_iter().find(|group| rest.starts_with(group))?;
    let mut end = at + group.len();
    let typed = text.get(end..)?.starts_with('型');
    if typed {
        end += '型'.len_utf8();
    }
    let mut next = blanks(text, end, 1);
    for mark in ["RhD", "Rh(D)", "Rh"] {
        if text.get(next..)?.starts_with(mark) {
            next += mark.len();
            break;
        }
    }
    next = blanks(text, next, 1);
    for sign in ["(+)", "(-)", "+", "-", "陽性", "陰性"] {
        if text.get(next..)?.starts_with(sign) {
            return Some(next + sign.len());
        }
    }
    typed.then_some(end)
}
