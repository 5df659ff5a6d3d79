//! The live codes of one answer: an index made for reading text that a model wrote, with its changed widths and cases.
//! Made from the request's `WordMap`; nothing else is ever restored. `Debug` prints sizes only.
//! Must not know: how a code is made, where the text comes from.

use zeroize::Zeroizing;

use crate::mask::WordMap;
use crate::mask::token::{Suffix, labels};

/// One meaning of a code: the suffix that names the form, and the word.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) suffix: Suffix,
    pub(crate) word: Zeroizing<String>,
    pub(crate) blind: bool,
}

struct Entry {
    code: Box<str>,
    forms: Vec<Form>,
}

/// Codes, their forms and the labels, ready for the scanner.
pub struct Codes {
    entries: Vec<Entry>,
    /// Folded, longest first.
    labels: Vec<Box<str>>,
    /// First two letters of codes and ASCII labels.
    pairs: [u64; 64],
    /// First two bytes of what may begin a token and is not ASCII.
    leads: Box<[u64; 1024]>,
    blind: usize,
}

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codes").field("codes", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Which words of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Every word: texts for people.
    All,
    /// Only words that stood in this request: tool arguments (DESIGN §5).
    Request,
}

impl Codes {
    /// Index of the map's words. What is ambiguous there is not among them.
    #[must_use]
    pub fn new(map: &WordMap, take: Take) -> Self {
        let mut all: Vec<(&str, Form)> = map
            .words()
            .filter(|(_, _, word)| take == Take::All || !word.vault)
            .map(|(code, suffix, word)| {
                let form = Form { suffix: *suffix, word: Zeroizing::new(word.text.to_owned()), blind: word.blind };
                (code.as_str(), form)
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(b.0).then(a.1.suffix.cmp(&b.1.suffix)));
        let mut entries: Vec<Entry> = Vec::new();
        let mut blind = 0;
        for (code, form) in all {
            blind += usize::from(form.blind);
            match entries.last_mut() {
                Some(entry) if *entry.code == *code => entry.forms.push(form),
                _ => entries.push(Entry { code: code.into(), forms: vec![form] }),
            }
        }
        let labels = labels().iter().map(|label| fold_all(label).into()).collect();
        let mut codes = Self { entries, labels, pairs: [0; 64], leads: Box::new([0; 1024]), blind };
        codes.mark_starts();
        codes
    }

    fn mark_starts(&mut self) {
        let Self { entries, labels, pairs, leads, .. } = self;
        let starts = entries.iter().map(|entry| &*entry.code).chain(labels.iter().map(|label| &**label));
        for start in starts {
            if let [first, second, ..] = start.as_bytes() {
                if first.is_ascii() {
                    set(pairs, pair(*first, *second));
                } else {
                    set(&mut leads[..], usize::from(u16::from_be_bytes([*first, *second])));
                }
            }
        }
        for open in OPEN.iter().filter(|open| !open.is_ascii()) {
            let mut buffer = [0; 4];
            if let [first, second, ..] = open.encode_utf8(&mut buffer).as_bytes() {
                set(&mut leads[..], usize::from(u16::from_be_bytes([*first, *second])));
            }
        }
        // Full-width letters and digits, U+FF10 to U+FF5A.
        for wide in [[0xef, 0xbc], [0xef, 0xbd]] {
            set(&mut leads[..], usize::from(u16::from_be_bytes(wide)));
        }
    }

    /// No code at all: the answer can pass as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many words are blind.
    #[must_use]
    pub fn blind(&self) -> usize {
        self.blind
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|label| &**label)
    }

    pub(crate) fn form(&self, meaning: Meaning) -> Option<&Form> {
        self.entries.get(meaning.entry)?.forms.get(meaning.form)
    }

    /// The one form of this code with this suffix.
    pub(crate) fn meaning(&self, entry: usize, suffix: Suffix) -> Option<Meaning> {
        let form = self.entries.get(entry)?.forms.iter().position(|form| form.suffix == suffix)?;
        Some(Meaning { entry, form })
    }

    /// Two folded bytes that may begin a code or an ASCII label.
    #[inline]
    pub(crate) fn may_start(&self, first: u8, second: u8) -> bool {
        get(&self.pairs, pair(first, second))
    }

    /// Two bytes, not ASCII, that may begin a bracket, a label or a full-width code.
    #[inline]
    pub(crate) fn may_lead(&self, first: u8, second: u8) -> bool {
        get(&self.leads[..], usize::from(u16::from_be_bytes([first, second])))
    }

    /// All codes.
    pub(crate) fn all(&self) -> Narrow {
        Narrow { low: 0, high: self.entries.len(), depth: 0 }
    }

    /// The codes of `narrow` that go on with `byte`; `None` when there is none.
    pub(crate) fn narrow(&self, narrow: &Narrow, byte: u8) -> Option<Narrow> {
        let slice = self.entries.get(narrow.low..narrow.high)?;
        let at = |entry: &Entry| entry.code.as_bytes().get(narrow.depth).copied();
        let low = slice.partition_point(|entry| at(entry) < Some(byte));
        let high = low + slice.get(low..)?.partition_point(|entry| at(entry) == Some(byte));
        (low < high).then_some(Narrow { low: narrow.low + low, high: narrow.low + high, depth: narrow.depth + 1 })
    }

    /// The entry that ends just here.
    pub(crate) fn complete(&self, narrow: &Narrow) -> Option<usize> {
        let entry = self.entries.get(narrow.low)?;
        (narrow.low < narrow.high && entry.code.len() == narrow.depth).then_some(narrow.low)
    }
}

/// A code with its form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    entry: usize,
    form: usize,
}

/// A range of codes that share a prefix.
#[derive(Clone)]
pub(crate) struct Narrow {
    low: usize,
    high: usize,
    depth: usize,
}

/// Brackets that open a token; the closing ones stand at the same index in [`CLOSE`].
pub(crate) const OPEN: [char; 5] = ['[', '［', '【', '〔', '〚'];
/// Brackets that close a token.
pub(crate) const CLOSE: [char; 5] = [']', '］', '】', '〕', '〛'];

/// Full width to ASCII, lower case to upper. One letter to one letter.
#[inline]
pub(crate) fn fold(c: char) -> char {
    match c {
        'a'..='z' => c.to_ascii_uppercase(),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).map_or(c, |ascii| ascii.to_ascii_uppercase()),
        _ => c,
    }
}

pub(crate) fn fold_all(text: &str) -> String {
    text.chars().map(fold).collect()
}

#[inline]
fn pair(first: u8, second: u8) -> usize {
    (usize::from(digit(first) & 63) << 6) | usize::from(digit(second) & 63)
}

/// Crockford's look-alikes: O is 0, I and L are 1. Upper case in, upper case out.
#[inline]
pub(crate) const fn digit(letter: u8) -> u8 {
    match letter {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    }
}

fn set(bits: &mut [u64], at: usize) {
    if let Some(word) = bits.get_mut(at >> 6) {
        *word |= 1 << (at & 63);
    }
}

#[inline]
fn get(bits: &[u64], at: usize) -> bool {
    bits.get(at >> 6).is_some_and(|word| word & (1 << (at & 63)) != 0)
}
