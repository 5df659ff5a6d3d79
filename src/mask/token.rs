//! Tokens: the code with its check character, the suffix for the form, and how both are written.
//! `[患者:7K3Q2F9M/姓]` in text, `PATIENT_7K3Q2F9M` where the alphabet is narrow, `[日付:7K3Q2F9M +3日]` with an interval.
//! Must not know: which word a token stands for (`map`), where tokens stand in a text (`find`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::key::TokenKey;
use super::label::Language;

pub use super::find::{Shape, TokenAt, find_tokens};
pub use super::label::labels;

/// Crockford's base 32: no I, L, O, U.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The longest code, with its check character.
pub const CODE_MAX: usize = 14;

/// How many characters of the MAC a code carries; one check character follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Length {
    /// A person's own scope.
    Seven,
    /// A scope that a group or the house shares; a clash in a person's scope.
    Ten,
    /// A clash in a shared scope.
    Thirteen,
}

impl Length {
    /// Characters before the check character.
    #[must_use]
    pub const fn chars(self) -> usize {
        match self {
            Length::Seven => 7,
            Length::Ten => 10,
            Length::Thirteen => 13,
        }
    }

    /// Three characters more, for both words of a clash.
    #[must_use]
    pub const fn longer(self) -> Option<Self> {
        match self {
            Length::Seven => Some(Length::Ten),
            Length::Ten => Some(Length::Thirteen),
            Length::Thirteen => None,
        }
    }
}

/// A code with its check character: 8, 11 or 14 characters of `ALPHABET`, at least three letters and two digits among
/// them, so that neither a number nor a word in brackets is ever taken for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code {
    chars: [u8; CODE_MAX],
    len: u8,
}

impl Code {
    /// The code of these fields: HMAC over `family` and `fields`, the first one that has letters and digits enough.
    #[must_use]
    pub fn compute(key: &TokenKey, family: &str, fields: &[&str], length: Length) -> Self {
        let mut last = Self { chars: [b'0'; CODE_MAX], len: (length.chars() + 1) as u8 };
        for attempt in 0..=u8::MAX {
            let counter = [attempt];
            let parts = std::iter::once(family.as_bytes())
                .chain(fields.iter().map(|field| field.as_bytes()))
                .chain(std::iter::once(counter.as_slice()));
            let mac = key.mac("tsuitate token code", parts);
            let mut bits = 0u128;
            for byte in mac.iter().take(16) {
                bits = (bits << 8) | u128::from(*byte);
            }
            let mut values = [0u8; CODE_MAX];
            for value in values.iter_mut().take(length.chars()) {
                *value = (bits >> 123) as u8;
                bits <<= 5;
            }
            let body = values.get(..length.chars()).unwrap_or_default();
            let check = check_value(body);
            if let Some(place) = values.get_mut(length.chars()) {
                *place = check;
            }
            for (to, value) in last.chars.iter_mut().zip(values) {
                *to = letter(value);
            }
            if last.mixed() {
                break;
            }
        }
        last
    }

    /// A whole code with the right check character. Tolerates lower case, full width, and O, I, L for 0, 1, 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = [b'0'; CODE_MAX];
        let mut len = 0usize;
        for written in text.chars() {
            *chars.get_mut(len)? = letter(value_of(written)?);
            len += 1;
        }
        if !matches!(len, 8 | 11 | 14) {
            return None;
        }
        let code = Self { chars, len: len as u8 };
        (code.check_ok() && code.mixed()).then_some(code)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.chars.get(..usize::from(self.len)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    fn check_ok(&self) -> bool {
        let mut values = [0u8; CODE_MAX];
        for (to, from) in values.iter_mut().zip(self.as_str().chars()) {
            let Some(value) = value_of(from) else { return false };
            *to = value;
        }
        let body = usize::from(self.len) - 1;
        values.get(..body).is_some_and(|body| Some(&check_value(body)) == values.get(body.len()))
    }

    fn mixed(&self) -> bool {
        let digits = self.as_str().bytes().filter(u8::is_ascii_digit).count();
        digits >= 2 && usize::from(self.len) - digits >= 3
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a token code"))
    }
}

fn letter(value: u8) -> u8 {
    ALPHABET.get(usize::from(value)).copied().unwrap_or(b'0')
}

/// The value of a character of a code, as a model may have written it.
pub(super) fn value_of(written: char) -> Option<u8> {
    let plain = match written {
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '０'..='９' => char::from_u32(written as u32 - 0xfee0)?,
        _ => written,
    };
    let plain = match plain.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|letter| char::from(*letter) == plain).map(|at| at as u8)
}

/// Luhn modulo 32: finds every single wrong character and nearly every swap of neighbours.
fn check_value(body: &[u8]) -> u8 {
    let mut sum = 0u32;
    let mut factor = 2u32;
    for value in body.iter().rev() {
        let addend = u32::from(*value) * factor;
        sum += addend / 32 + addend % 32;
        factor = 3 - factor;
    }
    ((32 - sum % 32) % 32) as u8
}

/// Which form of the entity's word a mention is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    #[default]
    Full,
    /// 姓
    Family,
    /// 名
    Given,
    /// カナ: the reading.
    Kana,
    /// 英字: in Latin letters.
    Roman,
}

impl Form {
    /// Forms that are written, with their Japanese and English words.
    pub const WORDS: [(Form, &'static str, &'static str); 4] = [
        (Form::Family, "姓", "FAMILY"),
        (Form::Given, "名", "GIVEN"),
        (Form::Kana, "カナ", "READING"),
        (Form::Roman, "英字", "ROMAN"),
    ];

    pub(super) fn word(self, language: Language) -> Option<&'static str> {
        Self::WORDS.iter().find(|(form, _, _)| *form == self).map(|(_, ja, en)| match language {
            Language::Ja => *ja,
            Language::En => *en,
        })
    }
}

/// Form and surface tag: with the code it means exactly one word. The interval of a date is no part of it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Suffix {
    pub form: Form,
    tag: Option<Tag>,
}

/// Two characters of the exact surface's MAC, four after a clash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    chars: [u8; 4],
    len: u8,
}

impl Tag {
    fn as_str(&self) -> &str {
        self.chars.get(..usize::from(self.len)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The tag of this exact surface, `long` for four characters.
    #[must_use]
    pub fn compute(key: &TokenKey, code: &Code, surface: &str, long: bool) -> Self {
        let mac = key.mac("tsuitate surface tag", [code.as_str().as_bytes(), surface.as_bytes()]);
        let mut chars = [b'0'; 4];
        let len = if long { 4 } else { 2 };
        for (to, byte) in chars.iter_mut().take(len).zip(mac) {
            *to = letter(byte & 31);
        }
        Self { chars, len: len as u8 }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut chars = [b'0'; 4];
        let mut len = 0usize;
        for written in text.chars() {
            *chars.get_mut(len)? = letter(value_of(written)?);
            len += 1;
        }
        matches!(len, 2 | 4).then_some(Self { chars, len: len as u8 })
    }
}

impl Suffix {
    #[must_use]
    pub const fn new(form: Form, tag: Option<Tag>) -> Self {
        Self { form, tag }
    }

    #[must_use]
    pub const fn tag(&self) -> Option<Tag> {
        self.tag
    }

    /// As it is stored: `""`, `姓`, `3F`, `姓/3F`. Reads English form words too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut suffix = Self::default();
        if text.is_empty() {
            return Some(suffix);
        }
        for (index, part) in text.split('/').enumerate() {
            match Form::WORDS.iter().find(|(_, ja, en)| *ja == part || en.eq_ignore_ascii_case(part)) {
                Some((form, _, _)) if index == 0 => suffix.form = *form,
                _ if suffix.tag.is_none() => suffix.tag = Some(Tag::parse(part)?),
                _ => return None,
            }
        }
        Some(suffix)
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.form.word(Language::Ja);
        f.write_str(form.unwrap_or_default())?;
        match self.tag {
            Some(tag) if form.is_some() => write!(f, "/{}", tag.as_str()),
            Some(tag) => f.write_str(tag.as_str()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Suffix {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Suffix {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a token suffix"))
    }
}

/// `[患者:7K3Q2F9M/姓 +3日]`.
#[must_use]
pub fn write(label: &str, code: &Code, suffix: &Suffix, interval_days: Option<i64>, language: Language) -> String {
    let mut out = format!("[{label}:{code}");
    for part in [suffix.form.word(language), suffix.tag.as_ref().map(Tag::as_str)].into_iter().flatten() {
        out.push('/');
        out.push_str(part);
    }
    match (interval_days, language) {
        (Some(days), Language::Ja) => out.push_str(&format!(" {days:+}日")),
        (Some(days), Language::En) => out.push_str(&format!(" {days:+}d")),
        (None, _) => {}
    }
    out.push(']');
    out
}

/// `PATIENT_7K3Q2F9M_FAMILY`: letters, digits and underscores only.
#[must_use]
pub fn write_narrow(label: &str, code: &Code, suffix: &Suffix) -> String {
    write_joined(label, code, suffix, '_')
}

/// The same with another joint: a hyphen where a field takes no underscore.
#[must_use]
pub fn write_joined(label: &str, code: &Code, suffix: &Suffix, joint: char) -> String {
    let mut out = label.replace('_', joint.encode_utf8(&mut [0; 4]));
    let form = suffix.form.word(Language::En);
    for part in [Some(code.as_str()), form, suffix.tag.as_ref().map(Tag::as_str)].into_iter().flatten() {
        out.push(joint);
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> TokenKey {
        TokenKey::new([7; 32])
    }

    #[test]
    fn a_code_is_stable_and_separates_its_fields() {
        let code = Code::compute(&key(), "person", &["山田太郎"], Length::Seven);
        assert_eq!(code, Code::compute(&key(), "person", &["山田太郎"], Length::Seven));
        assert_ne!(code, Code::compute(&key(), "person", &["山田", "太郎"], Length::Seven));
        assert_ne!(code, Code::compute(&key(), "date", &["山田太郎"], Length::Seven));
        assert_ne!(code, Code::compute(&TokenKey::new([8; 32]), "person", &["山田太郎"], Length::Seven));
        assert_eq!(code.as_str().len(), 8);
        assert_eq!(Code::compute(&key(), "person", &["山田太郎"], Length::Ten).as_str().len(), 11);
    }

    #[test]
    fn numbers_and_words_are_no_codes() {
        for body in ["1234567", "TANAKAX", "AB12345", "0000000"] {
            for check in ALPHABET {
                assert_eq!(Code::parse(&format!("{body}{}", char::from(*check))), None, "{body}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_code_reads_back_and_no_wrong_character_does(word in "\\PC{1,12}", at in 0usize..8, by in 1u8..32) {
            let code = Code::compute(&key(), "person", &[&word], Length::Seven);
            prop_assert_eq!(Code::parse(code.as_str()), Some(code));
            prop_assert_eq!(Code::parse(&code.as_str().to_lowercase()), Some(code));
            let mut wrong: Vec<u8> = code.as_str().bytes().collect();
            let value = value_of(char::from(wrong[at])).unwrap();
            wrong[at] = letter((value + by) % 32);
            prop_assert_eq!(Code::parse(std::str::from_utf8(&wrong).unwrap()), None);
        }

        #[test]
        fn suffixes_read_back(form in 0usize..5, tagged: bool, long: bool, surface in "\\PC{1,8}") {
            let form = [Form::Full, Form::Family, Form::Given, Form::Kana, Form::Roman][form];
            let code = Code::compute(&key(), "person", &["x"], Length::Seven);
            let suffix = Suffix::new(form, tagged.then(|| Tag::compute(&key(), &code, &surface, long)));
            prop_assert_eq!(Suffix::parse(&suffix.to_string()), Some(suffix));
        }
    }
}
