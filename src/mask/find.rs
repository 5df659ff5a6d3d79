//! Where tokens stand in a text, as models may have changed them: width, case, spaces, other or lost brackets, another
//! label, markdown escapes. The code must be whole and its check character right.
//! Must not know: which word a token stands for; whether it is known at all.

use std::ops::Range;

use super::label::labels;
use super::token::{CODE_MAX, Code, Form, Suffix, Tag};

/// How much of a token is there besides its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// The code alone: a token only for those who know the code.
    Bare,
    /// Brackets with another label: a token, but what stands before the code may be anything.
    OtherLabel,
    /// A known label before the code, with or without brackets.
    Labelled,
}

/// A token in a text. Ranges are bytes of the text, on character boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAt {
    /// Brackets, label, code, suffix, interval.
    pub range: Range<usize>,
    /// The code alone.
    pub code_range: Range<usize>,
    pub code: Code,
    pub suffix: Suffix,
    pub shape: Shape,
    /// `range` without a suffix, where brackets do not hold the suffix to the code.
    bare_range: Option<Range<usize>>,
}

impl TokenAt {
    /// The ways to read it, best first: with the suffix as written; where no brackets hold the suffix, without it.
    pub fn readings(&self) -> impl Iterator<Item = (Range<usize>, Suffix)> + '_ {
        let shorter = self.bare_range.clone().map(|range| (range, Suffix::default()));
        std::iter::once((self.range.clone(), self.suffix)).chain(shorter)
    }
}

/// Most bytes between an opening bracket and the code, for a label that is not known.
const OTHER_LABEL_MAX: usize = 48;

/// Every token in `text`, in order, never overlapping.
#[must_use]
pub fn find_tokens(text: &str) -> Vec<TokenAt> {
    let mut tokens = Vec::new();
    let mut done = 0;
    for run in runs(text) {
        if run.start < done {
            continue;
        }
        let Some(token) = token_in(text, run, done) else { continue };
        done = token.range.end;
        tokens.push(token);
    }
    tokens
}

/// Runs of letters and digits (ASCII or full width, underscores apart) that are long enough for a code.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let mut chars = 0usize;
            while let Some(width) = code_letter(bytes, at) {
                at += width;
                chars += 1;
            }
            if chars >= 8 {
                return Some(start..at);
            }
            if chars == 0 {
                at += 1;
            }
        }
        None
    })
}

/// The width in bytes of a letter or digit at `at`, if one stands there.
fn code_letter(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Some(1),
        0xef => match (bytes.get(at + 1)?, bytes.get(at + 2)?) {
            (0xbc, 0x90..=0x99 | 0xa1..=0xba) | (0xbd, 0x81..=0x9a) => Some(3),
            _ => None,
        },
        _ => None,
    }
}

/// A run is a code, or a label with the separator lost and a code.
fn token_in(text: &str, run: Range<usize>, not_before: usize) -> Option<TokenAt> {
    let written = text.get(run.clone())?;
    if let Some(code) = Code::parse(written) {
        return Some(widen(text, run, code, not_before));
    }
    if written.len() <= CODE_MAX + 16 && written.is_ascii() {
        for label in labels().iter().filter(|label| label.is_ascii() && label.len() < written.len()) {
            let (head, tail) = written.split_at(label.len());
            if head.eq_ignore_ascii_case(label)
                && let Some(code) = Code::parse(tail)
            {
                return Some(widen(text, run.start + label.len()..run.end, code, not_before));
            }
        }
    }
    None
}

/// Take in the label, suffix, interval and brackets around a code.
fn widen(text: &str, code_range: Range<usize>, code: Code, not_before: usize) -> TokenAt {
    let before = text.get(not_before..code_range.start).unwrap_or_default();
    let after = text.get(code_range.end..).unwrap_or_default();

    let separated = before.trim_end_matches(spaces);
    let lead = separated.trim_end_matches([':', '：', '_', '＿', '-', '−', '\\', '︰', '꞉']).trim_end_matches(spaces);
    let label = labels().iter().find(|label| ends_with_label(lead, label));
    let (head, shape) = match label {
        Some(label) => (lead.get(..lead.len() - label.len()).unwrap_or_default(), Shape::Labelled),
        None => (lead, Shape::Bare),
    };

    let (suffix, suffix_len) = suffix_at(after);
    let tail = after.get(suffix_len..).unwrap_or_default();
    let interval_len = interval_at(tail);
    let close = close_at(tail.get(interval_len..).unwrap_or_default());

    // Brackets count in pairs only: `[see 患者:7K3Q2F9M]` keeps its own. So do their escapes: `\[…\]`.
    let start = not_before + head.len();
    let end = code_range.end + suffix_len + interval_len;
    // The narrow form has none of its own: `退院(PATIENT_7K3Q2F9M).docx`.
    let joint = before.get(lead.len()..).unwrap_or_default();
    let narrow = shape == Shape::Labelled && joint.ends_with(['_', '-']);
    let open = if narrow { None } else { open_before(head) };
    let open = open.or_else(|| if shape == Shape::Bare { open_of_other_label(head) } else { None });
    if let (Some((open, open_escaped)), Some((close, close_escape))) = (open, close) {
        let escaped = open_escaped && close_escape > 0;
        if escaped || close_escape == 0 {
            return TokenAt {
                range: not_before + open - usize::from(escaped)..end + close,
                code_range,
                code,
                suffix,
                shape: if shape == Shape::Bare { Shape::OtherLabel } else { shape },
                bare_range: None,
            };
        }
    }
    let start = if shape == Shape::Bare { code_range.start } else { start };
    let end = if interval_len > 0 { end } else { code_range.end + suffix_len };
    let bare_range = (suffix_len > 0).then_some(start..code_range.end);
    TokenAt { range: start..end, code_range, code, suffix, shape, bare_range }
}

fn spaces(letter: char) -> bool {
    matches!(letter, ' ' | '\u{3000}' | '\u{a0}')
}

/// A label ends the text, and is no end of a longer ASCII word.
fn ends_with_label(text: &str, label: &str) -> bool {
    let Some(at) = text.len().checked_sub(label.len()) else { return false };
    let Some(end) = text.get(at..) else { return false };
    if !label.is_ascii() {
        return end == label;
    }
    let glued = text.get(..at).and_then(|head| head.chars().next_back()).is_some_and(|c| c.is_ascii_alphanumeric());
    let same = |written: u8, label: u8| {
        written.eq_ignore_ascii_case(&label) || (label == b'_' && matches!(written, b'-' | b' '))
    };
    !glued && end.bytes().zip(label.bytes()).all(|(written, label)| same(written, label))
}

/// Quotation marks are not among them: what a model quotes stays quoted.
const OPEN: [char; 13] = ['[', '［', '【', '(', '（', '<', '＜', '〈', '《', '{', '｛', '〔', '⟦'];
const CLOSE: [char; 13] = [']', '］', '】', ')', '）', '>', '＞', '〉', '》', '}', '｝', '〕', '⟧'];

/// Where an opening bracket before the label begins, and whether markdown escapes it.
fn open_before(head: &str) -> Option<(usize, bool)> {
    let trimmed = head.trim_end_matches(spaces);
    let letter = trimmed.chars().next_back()?;
    OPEN.contains(&letter).then(|| {
        let at = trimmed.len() - letter.len_utf8();
        (at, trimmed.get(..at).is_some_and(|head| head.ends_with('\\')))
    })
}

/// Where the bracket of a label that is not known opens: near, on the same line, with a separator before the code.
fn open_of_other_label(head: &str) -> Option<(usize, bool)> {
    let mut seen = 0;
    for (at, letter) in head.char_indices().rev() {
        if OPEN.contains(&letter) {
            return open_before(head.get(..at + letter.len_utf8())?);
        }
        seen += letter.len_utf8();
        if seen > OTHER_LABEL_MAX || letter == '\n' || CLOSE.contains(&letter) {
            return None;
        }
    }
    None
}

/// The closing bracket at the start of `tail`: where it ends, and how long its markdown escape is.
fn close_at(tail: &str) -> Option<(usize, usize)> {
    let trimmed = tail.trim_start_matches(spaces);
    let escape = usize::from(trimmed.starts_with('\\'));
    let letter = trimmed.get(escape..)?.chars().next()?;
    CLOSE.contains(&letter).then(|| (tail.len() - trimmed.len() + escape + letter.len_utf8(), escape))
}

/// The suffix right after the code: `/姓`, `/3F`, `/姓/3F`, `_FAMILY_3F`. Its length in bytes.
fn suffix_at(after: &str) -> (Suffix, usize) {
    let mut suffix = Suffix::default();
    let mut len = 0;
    if let Some((form, took)) = part_at(after, form_of) {
        suffix = Suffix::new(form, None);
        len = took;
    }
    if let Some((tag, took)) = after.get(len..).and_then(|rest| part_at(rest, Tag::parse)) {
        suffix = Suffix::new(suffix.form, Some(tag));
        len += took;
    }
    (suffix, len)
}

fn form_of(word: &str) -> Option<Form> {
    Form::WORDS.iter().find(|(_, ja, en)| *ja == word || en.eq_ignore_ascii_case(word)).map(|(form, _, _)| *form)
}

/// A separator and a word that `read` takes, and their length.
fn part_at<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<(T, usize)> {
    let trimmed = text.trim_start_matches(spaces);
    let trimmed = trimmed.strip_prefix('\\').unwrap_or(trimmed);
    // A hyphen stands for an underscore where a field takes none, but may also begin an interval.
    let hyphen = text.strip_prefix('-').filter(|_| interval_at(text) == 0);
    let word = trimmed.strip_prefix(['/', '／', '_', '＿']).or(hyphen)?;
    let word = word.trim_start_matches(spaces);
    let ascii = word.len() - word.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
    let len = if ascii > 0 {
        ascii
    } else {
        Form::WORDS.iter().find(|(_, ja, _)| word.starts_with(ja)).map(|(_, ja, _)| ja.len())?
    };
    let read = read(word.get(..len)?)?;
    Some((read, text.len() - word.len() + len))
}

/// ` +3日`, ` -12d`, `＋３日`: its length in bytes, 0 for none.
fn interval_at(tail: &str) -> usize {
    let trimmed = tail.trim_start_matches(spaces);
    let Some(number) = trimmed.strip_prefix(['+', '＋', '-', '−', '－', '±']) else { return 0 };
    let number = number.trim_start_matches(spaces);
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || ('０'..='９').contains(&c));
    if unit.len() == number.len() || number.len() - unit.len() > 18 {
        return 0;
    }
    let unit = unit.trim_start_matches(spaces);
    for word in ["日", "days", "day", "d", "ｄ"] {
        if let Some(rest) = unit.strip_prefix(word)
            && !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            return tail.len() - rest.len();
        }
    }
    0
}

#[cfg(test)]
#[allow(clippy::string_slice)]
mod tests {
    use super::super::key::TokenKey;
    use super::super::label::Language;
    use super::super::token::{Length, write, write_joined};
    use super::*;

    fn code() -> Code {
        Code::compute(&TokenKey::new([3; 32]), "person", &["山田太郎"], Length::Seven)
    }

    fn only(text: &str) -> TokenAt {
        let tokens = find_tokens(text);
        assert_eq!(tokens.len(), 1, "{text}");
        tokens[0].clone()
    }

    #[test]
    fn what_is_written_is_found_whole() {
        let code = code();
        for form in [Form::Full, Form::Family, Form::Given, Form::Kana, Form::Roman] {
            for tag in [None, Tag::parse("3F"), Tag::parse("3FKQ")] {
                for days in [None, Some(0), Some(3), Some(-40)] {
                    for language in [Language::Ja, Language::En] {
                        let suffix = Suffix::new(form, tag);
                        let token = write("患者", &code, &suffix, days, language);
                        let text = format!("前{token}様は");
                        let found = only(&text);
                        assert_eq!(&text[found.range.clone()], token);
                        assert_eq!((found.code, found.suffix, found.shape), (code, suffix, Shape::Labelled));
                        for joint in ['_', '-'] {
                            let token = write_joined("PATIENT_ID", &code, &suffix, joint);
                            let text = format!("退院_{token}.docx");
                            let found = only(&text);
                            assert_eq!(&text[found.range.clone()], token);
                            assert_eq!((found.code, found.suffix, found.shape), (code, suffix, Shape::Labelled));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_models_change_is_found_whole() {
        let code = code();
        let wide: String = code.as_str().chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
        for (token, shape) in [
            (format!("【患者：{code}】"), Shape::Labelled),
            (format!("［患者：{wide}］"), Shape::Labelled),
            (format!("[ 患者 : {code} ]"), Shape::Labelled),
            (format!("\\[患者:{code}\\]"), Shape::Labelled),
            (format!("（患者:{code}）"), Shape::Labelled),
            (format!("患者:{code}"), Shape::Labelled),
            (format!("PATIENT\\_{code}"), Shape::Labelled),
            (format!("patient_{}", code.as_str().to_lowercase()), Shape::Labelled),
            (format!("PATIENT{code}"), Shape::Labelled),
            (format!("[クライアント:{code}]"), Shape::OtherLabel),
            (format!("[{code}]"), Shape::OtherLabel),
            (code.to_string(), Shape::Bare),
        ] {
            let text = format!("前の「{token}」は");
            let found = find_tokens(&text);
            assert_eq!(found.len(), 1, "{token}");
            assert_eq!(found[0].code, code);
            if token.starts_with(|c: char| OPEN.contains(&c) || c == '\\') {
                assert_eq!(&text[found[0].range.clone()], token);
                assert_eq!(found[0].shape, shape, "{token}");
            }
            let text = format!("前の、{token}、は");
            let found = only(&text);
            assert_eq!(&text[found.range.clone()], token);
            assert_eq!(found.shape, shape, "{token}");
        }
    }

    #[test]
    fn brackets_that_are_not_its_own_stay() {
        let code = code();
        let text = format!("[見よ 患者:{code}]");
        assert_eq!(&text[only(&text).range], format!("患者:{code}"));
        let text = format!("[患者:{code}, 患者:{code}]");
        let found = find_tokens(&text);
        assert_eq!(found.len(), 2);
        assert_eq!(&text[found[0].range.clone()], format!("患者:{code}"));
    }

    #[test]
    fn brackets_around_the_narrow_form_are_not_its_own() {
        let code = code();
        let text = format!("退院(PATIENT_{code}).docx");
        assert_eq!(&text[only(&text).range], format!("PATIENT_{code}"));
    }

    #[test]
    fn a_broken_code_is_no_token() {
        let code = code();
        let cut = &code.as_str()[..7];
        assert!(find_tokens(&format!("[患者:{cut}]")).is_empty());
        assert!(find_tokens(&format!("[患者:{code}X]")).is_empty());
        assert!(find_tokens("[ID:12345678] [患者:TANAKATR]").is_empty());
    }
}
