//! The live codes of one answer: an index made for reading text that a model wrote, with its changed widths and cases.
//! Made from the request's `WordMap`; nothing else is ever restored. `Debug` prints sizes only.
//! Must not know: how a code is made, where the text comes from.

/// One meaning of a code: the suffix that names the form, and the word.
#[derive(Clone)]
pub(crate) struct Form {
    /// Text after the slash, folded; empty for none.
    pub(crate) suffix: Box<str>,
    pub(crate) word: Box<str>,
    pub(crate) blind: bool,
}

struct Entry {
    code: Box<str>,
    /// Longest suffix first.
    forms: Vec<Form>,
}

/// Codes, their forms and the labels, ready for the scanner.
pub struct Codes {
    entries: Vec<Entry>,
    /// Folded, longest first.
    labels: Vec<Box<str>>,
    /// Folded suffixes of the house (`姓`, `カナ`): such a suffix that is not live makes the token unknown.
    suffixes: Vec<Box<str>>,
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

/// A code with no meaning of its own, to be filled.
#[derive(Clone)]
pub struct Meaning<'a> {
    /// Crockford base32, upper case, with its check character.
    pub code: &'a str,
    /// Without the slash; empty for none.
    pub suffix: &'a str,
    pub word: &'a str,
    /// A lab value the model must not have seen (DESIGN §5).
    pub blind: bool,
}

impl Codes {
    /// Index of `meanings`. A (code, suffix) with two words is ambiguous and left out.
    pub fn new<'a>(
        meanings: impl IntoIterator<Item = Meaning<'a>>,
        labels: impl IntoIterator<Item = &'a str>,
        suffixes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut all: Vec<(String, Form)> = meanings
            .into_iter()
            .filter(|meaning| !meaning.code.is_empty() && meaning.code.bytes().all(|b| b.is_ascii_alphanumeric()))
            .map(|meaning| {
                let form = Form {
                    suffix: fold_all(meaning.suffix).into(),
                    word: meaning.word.into(),
                    blind: meaning.blind,
                };
                (meaning.code.to_ascii_uppercase(), form)
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.suffix.cmp(&b.1.suffix)).then(a.1.word.cmp(&b.1.word)));
        all.dedup_by(|a, b| a.0 == b.0 && a.1.suffix == b.1.suffix && a.1.word == b.1.word);
        let clashes: Vec<bool> = (0..all.len())
            .map(|at| {
                let same = |other: Option<&(String, Form)>| {
                    all.get(at).zip(other).is_some_and(|(a, b)| a.0 == b.0 && a.1.suffix == b.1.suffix)
                };
                same(all.get(at + 1)) || at.checked_sub(1).is_some_and(|before| same(all.get(before)))
            })
            .collect();
        let mut entries: Vec<Entry> = Vec::new();
        let mut blind = 0;
        for ((code, form), clash) in all.into_iter().zip(clashes) {
            if clash {
                continue;
            }
            blind += usize::from(form.blind);
            match entries.last_mut() {
                Some(entry) if *entry.code == *code => entry.forms.push(form),
                _ => entries.push(Entry { code: code.into(), forms: vec![form] }),
            }
        }
        for entry in &mut entries {
            entry.forms.sort_by(|a, b| b.suffix.len().cmp(&a.suffix.len()));
        }
        let mut labels: Vec<Box<str>> = labels.into_iter().map(|label| fold_all(label).into()).collect();
        labels.sort_by(|a: &Box<str>, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        labels.dedup();
        let mut suffixes: Vec<Box<str>> = suffixes.into_iter().map(|suffix| fold_all(suffix).into()).collect();
        suffixes.sort();
        suffixes.dedup();
        let mut codes =
            Self { entries, labels, suffixes, pairs: [0; 64], leads: Box::new([0; 1024]), blind };
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

    pub(crate) fn suffixes(&self) -> impl Iterator<Item = &str> {
        self.suffixes.iter().map(|suffix| &**suffix)
    }

    pub(crate) fn forms(&self, entry: usize) -> &[Form] {
        self.entries.get(entry).map_or(&[], |entry| &entry.forms)
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
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - 0xfee0).map_or(c, |ascii| ascii.to_ascii_uppercase())
        }
        _ => c,
    }
}

pub(crate) fn fold_all(text: &str) -> String {
    text.chars().map(fold).collect()
}

#[inline]
fn pair(first: u8, second: u8) -> usize {
    (usize::from(first & 63) << 6) | usize::from(second & 63)
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
