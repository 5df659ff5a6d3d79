//! Words on sight: one list of all words that were masked, as written, folded, percent-encoded, `\u`-escaped, in
//! base64 and hex. Numbers count at digit boundaries, Latin and katakana words at those of their script.
//! Must not know: what a hit means in the place where it stands.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroize;

use super::wiped::Wiped;

use crate::detect::literals::Literals;
use crate::detect::text::Text;

/// How short a word may be to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere in the request: three letters or six digits.
    Request,
    /// In what an assistant wrote: two kana or kanji, three Latin letters or digits.
    Answer,
}

/// A word where it stands. `word` is its number in the list that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Bytes of the text.
    pub range: Range<usize>,
    pub word: usize,
    /// In an encoded form.
    pub encoded: bool,
}

struct Pattern {
    word: usize,
    encoded: bool,
}

/// The words, ready to look for. `Debug` prints counts.
pub struct Sight {
    forms: Option<Literals>,
    patterns: Vec<Pattern>,
}

impl std::fmt::Debug for Sight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sight").field("patterns", &self.patterns.len()).finish()
    }
}

/// Shortest encoded forms: shorter ones stand in any text by chance.
const ENCODED_MIN: usize = 8;
const HEX_MIN: usize = 12;

impl Sight {
    /// Most bytes of all words as written; past that nothing is looked for and nothing goes out.
    pub const LIMIT: usize = 4 << 20;
    /// Most bytes of encoded forms: the words after that are looked for as written only, which bounds the memory.
    const ENCODED_LIMIT: usize = 4 << 20;

    /// `words`, to be looked for; words that are too short for `reach` are left out. None past `LIMIT`: the caller fails
    /// closed.
    #[must_use]
    pub fn new<'a>(words: impl Iterator<Item = &'a str>, reach: Reach) -> Option<Self> {
        let mut seen: HashSet<Wiped> = HashSet::new();
        let (mut written_bytes, mut encoded_bytes) = (0usize, 0usize);
        let mut forms: Vec<Wiped> = Vec::new();
        let mut patterns = Vec::new();
        for (number, word) in words.enumerate() {
            let folded = Wiped::new(Text::new(word).folded().to_owned());
            if !long_enough(&folded, reach) {
                continue;
            }
            if !seen.insert(folded.clone()) {
                continue;
            }
            written_bytes += folded.len();
            forms.push(folded.clone());
            patterns.push(Pattern { word: number, encoded: false });
            for form in tight(&folded).into_iter().filter(|form| long_enough(form, reach)) {
                if seen.insert(form.clone()) {
                    written_bytes += form.len();
                    forms.push(form);
                    patterns.push(Pattern { word: number, encoded: false });
                }
            }
            if encoded_bytes > Self::ENCODED_LIMIT {
                continue;
            }
            for form in [word, folded.as_str()].into_iter().flat_map(encodings) {
                if seen.insert(form.clone()) {
                    encoded_bytes += form.len();
                    forms.push(form);
                    patterns.push(Pattern { word: number, encoded: true });
                }
            }
        }
        if written_bytes > Self::LIMIT {
            return None;
        }
        if forms.is_empty() {
            return Some(Self { forms: None, patterns });
        }
        Some(Self { forms: Some(Literals::any_case(forms.iter().map(Wiped::as_str))), patterns })
    }

    /// Nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_none()
    }

    /// Every word in `text`, leftmost and longest first, never overlapping.
    #[must_use]
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        let Some(forms) = &self.forms else { return Vec::new() };
        let text = Text::new(text);
        let folded = text.folded();
        let mut hits = Vec::new();
        let mut at = 0;
        while let Some(found) = forms.next(folded, at, |_| true) {
            let range = found.range;
            let Some(pattern) = self.patterns.get(found.word) else { break };
            if pattern.encoded || stands_alone(folded, &range) {
                at = range.end;
                hits.push(Hit { range: text.to_original(range), word: pattern.word, encoded: pattern.encoded });
            } else {
                // The next letter: a shorter word may stand alone where this one does not.
                at = range.start
                    + folded.get(range.start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            }
        }
        hits
    }
}

fn long_enough(word: &str, reach: Reach) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let latin = word.chars().filter(char::is_ascii_alphabetic).count();
    let hiragana = !word.is_empty() && word.chars().all(|c| matches!(c, '\u{3041}'..='\u{309f}'));
    match reach {
        // Short hiragana words are words of the language (はるか, のぞみ).
        Reach::Request if hiragana => letters >= 5,
        Reach::Request => letters >= 3 || digits >= 6,
        Reach::Answer => letters - latin >= 2 || latin >= 3 || digits >= 3,
    }
}

#[derive(PartialEq, Eq)]
enum Script {
    Digit,
    Latin,
    Katakana,
    Other,
}

fn script(letter: char) -> Script {
    match letter {
        '0'..='9' => Script::Digit,
        'a'..='z' | 'A'..='Z' => Script::Latin,
        'ァ'..='ヺ' | 'ー' => Script::Katakana,
        _ => Script::Other,
    }
}

/// Neither end of the word goes on in its own script.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let goes_on = |inside: Option<char>, outside: Option<char>| match (inside, outside) {
        (Some(inside), Some(outside)) => script(inside) != Script::Other && script(inside) == script(outside),
        _ => false,
    };
    let word = text.get(range.clone()).unwrap_or_default();
    let before = text.get(..range.start).and_then(|head| head.chars().next_back());
    let after = text.get(range.end..).and_then(|tail| tail.chars().next());
    !goes_on(word.chars().next(), before) && !goes_on(word.chars().next_back(), after)
}

/// The word without what often falls away: spaces in a name, separators in a number of eight digits and more.
fn tight(folded: &str) -> Option<Wiped> {
    let number = folded.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')'));
    let tight: String =
        folded.chars().filter(|c| if number { c.is_ascii_digit() } else { !c.is_whitespace() }).collect();
    let counts = if number { tight.len() >= 8 } else { !tight.is_ascii() };
    (counts && tight != folded).then(|| Wiped::new(tight))
}

/// Percent, `\u`, base64 in three alignments and two alphabets, hex. Upper and lower case are one.
fn encodings(word: &str) -> Vec<Wiped> {
    let mut forms = Vec::new();
    if !word.is_ascii() {
        let percent: String = word
            .bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") },
            )
            .collect();
        forms.push(Wiped::new(percent));
        let mut escaped = String::new();
        for letter in word.chars() {
            if letter.is_ascii() {
                escaped.push(letter);
                continue;
            }
            for unit in letter.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
        forms.push(Wiped::new(escaped));
    }
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    if hex.len() >= HEX_MIN {
        forms.push(Wiped::new(hex));
    }
    for engine in [&STANDARD, &URL_SAFE] {
        for before in 0..3usize {
            let mut bytes = vec![0u8; before];
            bytes.extend_from_slice(word.as_bytes());
            // Only the characters that the word alone decides.
            let first = (before * 8).div_ceil(6);
            let last = bytes.len() * 8 / 6;
            let mut whole = engine.encode(&bytes);
            bytes.zeroize();
            if let Some(sure) = whole.get(first..last)
                && sure.len() >= ENCODED_MIN
            {
                forms.push(Wiped::new(sure.to_owned()));
            }
            whole.zeroize();
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(words: &[&str], text: &str, reach: Reach) -> Vec<String> {
        let sight = Sight::new(words.iter().copied(), reach).unwrap();
        sight.hits(text).into_iter().map(|hit| text.get(hit.range).unwrap().to_owned()).collect()
    }

    #[test]
    fn every_form_is_seen() {
        let word = "佐々木健一";
        let hex: String = word.bytes().map(|byte| format!("{byte:02X}")).collect();
        let mut texts = vec![
            word.to_owned(),
            "%E4%BD%90%E3%80%85%E6%9C%A8%E5%81%A5%E4%B8%80".to_owned(),
            "\\u4f50\\u3005\\u6728\\u5065\\u4e00".to_owned(),
            "\\u4F50\\u3005\\u6728\\u5065\\u4E00".to_owned(),
            hex,
        ];
        for before in ["", "a", "ab", "患者は"] {
            texts.push(STANDARD.encode(format!("{before}{word}です")));
            texts.push(URL_SAFE.encode(format!("{before}{word}です")));
        }
        for text in texts {
            assert_eq!(hits(&[word], &format!("x {text} y"), Reach::Request).len(), 1, "{text}");
        }
        assert_eq!(hits(&["髙橋花子"], "高橋花子", Reach::Request), ["高橋花子"]);
        assert_eq!(hits(&["髙橋　花子"], "高橋花子", Reach::Request), ["高橋花子"]);
        assert_eq!(hits(&["090-1234-5678"], "tel 09012345678", Reach::Request), ["09012345678"]);
        assert_eq!(hits(&["John Smith"], "JohnSmith", Reach::Request), [""; 0]);
        assert_eq!(hits(&["090-1234-5678"], "０９０－１２３４－５６７８", Reach::Request).len(), 1);
    }

    #[test]
    fn words_end_where_their_script_ends() {
        let none: [&str; 0] = [];
        assert_eq!(hits(&["123456"], "0123456 1234567", Reach::Request), none);
        assert_eq!(hits(&["123456"], "ID123456です", Reach::Request), ["123456"]);
        assert_eq!(hits(&["Kim"], "Kimono kimchi", Reach::Request), none);
        assert_eq!(hits(&["Kim"], "Mr. KIM", Reach::Request), ["KIM"]);
        assert_eq!(hits(&["サトウ"], "サトウキビ", Reach::Request), none);
        assert_eq!(hits(&["サトウ"], "サトウさん", Reach::Request), ["サトウ"]);
        assert_eq!(hits(&["山田"], "山田さん", Reach::Request), none);
        assert_eq!(hits(&["山田"], "山田さん", Reach::Answer), ["山田"]);
        assert_eq!(hits(&["はるか"], "はるかに", Reach::Request), none);
    }
}
