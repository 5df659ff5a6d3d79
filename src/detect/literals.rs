//! The words of a list in a text, the longest at each place: a look at two letters, and only where a word can begin with
//! those, a search in the sorted list. Japanese has thousands of letters, so that nearly all of a text is passed over at
//! once, where an automaton takes a step for each byte of it.
//! Must not know: what the words mean.

use std::cmp::Ordering;
use std::ops::Range;

/// A list of words, ready to look up. Cheap to build: sorting, and tables of some twenty kilobytes.
#[derive(Debug)]
pub(crate) struct Literals {
    /// Sorted by their bytes, each once.
    words: Vec<Word>,
    /// Numbers in the list that was given, by word.
    numbers: Vec<u32>,
    any_case: bool,
    /// Bit *n*: the letter of code point *n* (modulo 2^16) is a word.
    alone: Vec<u64>,
    /// Bit *n*: the first two letters of a word have the hash *n*.
    pairs: Vec<u64>,
    /// Open addressing by the first two letters: number of the bucket + 1, or 0.
    slots: Vec<u32>,
    shift: u32,
    buckets: Vec<Bucket>,
}

#[derive(Debug)]
struct Word {
    /// Where case does not count, in lower case.
    text: Box<str>,
    /// The longest other word that this one begins with.
    shorter: Option<u32>,
    numbers: Range<u32>,
}

/// Words with the same first two letters.
#[derive(Debug)]
struct Bucket {
    key: u64,
    words: Range<usize>,
}

/// A word in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// Its number in the list; of words that are the same, the first.
    pub(crate) word: usize,
}

impl Literals {
    /// Words as they are written; empty ones are never found.
    pub(crate) fn new(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self::build(words, false)
    }

    /// The same without regard to the case of ASCII letters.
    pub(crate) fn any_case(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self::build(words, true)
    }

    fn build(list: impl IntoIterator<Item = impl AsRef<str>>, any_case: bool) -> Self {
        let mut sorted: Vec<(Box<str>, u32)> = list
            .into_iter()
            .zip(0..)
            .filter(|(word, _)| !word.as_ref().is_empty())
            .map(|(word, number)| {
                let mut word: Box<str> = Box::from(word.as_ref());
                if any_case {
                    word.make_ascii_lowercase();
                }
                (word, number)
            })
            .collect();
        sorted.sort_unstable();
        let numbers = sorted.iter().map(|(_, number)| *number).collect();
        let mut words: Vec<Word> = Vec::new();
        let mut above: Vec<u32> = Vec::new();
        for (text, at) in sorted.into_iter().map(|(text, _)| text).zip(0..) {
            if let Some(last) = words.last_mut().filter(|last| last.text == text) {
                last.numbers.end = at + 1;
                continue;
            }
            let begun = |shorter: u32| words.get(shorter as usize).is_some_and(|word| text.starts_with(&*word.text));
            while above.last().is_some_and(|shorter| !begun(*shorter)) {
                above.pop();
            }
            let shorter = above.last().copied();
            above.push(words.len() as u32);
            words.push(Word { text, shorter, numbers: at..at + 1 });
        }
        let (mut alone, mut pairs) = (vec![0_u64; 1024], vec![0_u64; PAIRS / 64]);
        let mut buckets: Vec<Bucket> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let bytes = word.text.as_bytes();
            let (first, width) = letter(bytes, 0, any_case);
            let (second, _) = letter(bytes, width, any_case);
            let key = key(first, second);
            if second == NONE {
                set(&mut alone, first as usize & 0xffff);
            } else {
                set(&mut pairs, slot(key, PAIR_SHIFT));
            }
            match buckets.last_mut() {
                Some(last) if last.key == key => last.words.end = at + 1,
                _ => buckets.push(Bucket { key, words: at..at + 1 }),
            }
        }
        let size = (buckets.len() * 4).next_power_of_two().max(16);
        let shift = 64 - size.trailing_zeros();
        let mut slots = vec![0_u32; size];
        for (bucket, number) in buckets.iter().zip(1..) {
            let mut at = slot(bucket.key, shift);
            while slots.get(at).is_some_and(|taken| *taken != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = number;
            }
        }
        Self { words, numbers, any_case, alone, pairs, slots, shift, buckets }
    }

    /// Every word of a text from left to right, the longest at each place, never overlapping.
    pub(crate) fn find_iter<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Found> + 'a {
        let mut at = 0;
        std::iter::from_fn(move || {
            let found = self.next(text, at, |_| true)?;
            at = found.range.end;
            Some(found)
        })
    }

    /// Every word of a text at every place, from left to right, at one place the longest first.
    pub(crate) fn overlapping<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Found> + 'a {
        let mut at = 0;
        let places = std::iter::from_fn(move || {
            let (place, first, second) = self.place(text, at)?;
            at = place + letter(text.as_bytes(), place, self.any_case).1;
            Some((place, first, second))
        });
        places.flat_map(move |(place, first, second)| self.from(text, place, first, second))
    }

    /// The first word at or behind `at` (on a character boundary) that `fits`: of those at one place the longest.
    pub(crate) fn next(&self, text: &str, at: usize, fits: impl Fn(&Found) -> bool) -> Option<Found> {
        let mut at = at;
        while let Some((place, first, second)) = self.place(text, at) {
            if let Some(found) = self.from(text, place, first, second).find(&fits) {
                return Some(found);
            }
            at = place + letter(text.as_bytes(), place, self.any_case).1;
        }
        None
    }

    /// The longest word that begins at `at`.
    pub(crate) fn at(&self, text: &str, at: usize) -> Option<Found> {
        let (first, width) = letter(text.as_bytes(), at, self.any_case);
        let (second, _) = letter(text.as_bytes(), at + width, self.any_case);
        if self.may_begin(first, second) { self.from(text, at, first, second).next() } else { None }
    }

    /// Whether a word stands anywhere in a text.
    pub(crate) fn any(&self, text: &str) -> bool {
        self.next(text, 0, |_| true).is_some()
    }

    /// The first place at or behind `at` where a word may begin, with its two letters.
    fn place(&self, text: &str, at: usize) -> Option<(usize, u32, u32)> {
        let bytes = text.as_bytes();
        let mut at = at;
        let (mut first, mut width) = letter(bytes, at, self.any_case);
        while first != NONE {
            let (second, next) = letter(bytes, at + width, self.any_case);
            if self.may_begin(first, second) {
                return Some((at, first, second));
            }
            at += width;
            (first, width) = (second, next);
        }
        None
    }

    #[inline]
    fn may_begin(&self, first: u32, second: u32) -> bool {
        has(&self.pairs, slot(key(first, second), PAIR_SHIFT)) | has(&self.alone, first as usize & 0xffff)
    }

    /// Every word that begins at `at`, where these two letters stand, the longest first.
    fn from(&self, text: &str, at: usize, first: u32, second: u32) -> impl Iterator<Item = Found> + use<'_> {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let longest = self.longest(rest, first, second);
        std::iter::successors(longest, |word| self.words.get(word.shorter? as usize)).flat_map(move |word| {
            let range = at..at + word.text.len();
            let numbers = self.numbers.get(word.numbers.start as usize..word.numbers.end as usize).unwrap_or_default();
            numbers.iter().map(move |&number| Found { range: range.clone(), word: number as usize })
        })
    }

    /// The longest word that `rest` begins with. Any that it begins with begin the last word that sorts before it, too.
    fn longest(&self, rest: &[u8], first: u32, second: u32) -> Option<&Word> {
        let bucket = self.bucket(key(first, second)).and_then(|bucket| self.words.get(bucket.words.clone()));
        let before =
            |words: &[Word]| words.partition_point(|word| self.compare(&word.text, rest).0 != Ordering::Greater);
        let last = bucket.and_then(|words| words.get(before(words).checked_sub(1)?));
        let Some(mut word) = last else {
            let alone = has(&self.alone, first as usize & 0xffff).then(|| self.bucket(key(first, NONE))).flatten();
            return alone.and_then(|bucket| self.words.get(bucket.words.start));
        };
        let same = self.compare(&word.text, rest).1;
        while word.text.len() > same {
            word = self.words.get(word.shorter? as usize)?;
        }
        Some(word)
    }

    /// How a word sorts beside the text, and the bytes that both begin with.
    fn compare(&self, word: &str, rest: &[u8]) -> (Ordering, usize) {
        let mut same = 0;
        for (one, &other) in word.as_bytes().iter().zip(rest) {
            let other = if self.any_case { other.to_ascii_lowercase() } else { other };
            match one.cmp(&other) {
                Ordering::Equal => same += 1,
                apart => return (apart, same),
            }
        }
        (word.len().cmp(&rest.len()), same)
    }

    fn bucket(&self, key: u64) -> Option<&Bucket> {
        let mut at = slot(key, self.shift);
        loop {
            let number = self.slots.get(at)?.checked_sub(1)?;
            let bucket = self.buckets.get(number as usize)?;
            if bucket.key == key {
                return Some(bucket);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

/// Bits of the filter by two letters: eight kilobytes.
const PAIRS: usize = 1 << 16;
const PAIR_SHIFT: u32 = 64 - 16;

/// No letter: the end of the text.
const NONE: u32 = u32::MAX;

fn set(bits: &mut [u64], at: usize) {
    if let Some(bits) = bits.get_mut(at >> 6) {
        *bits |= 1 << (at & 63);
    }
}

#[inline]
fn has(bits: &[u64], at: usize) -> bool {
    bits.get(at >> 6).is_some_and(|bits| bits >> (at & 63) & 1 == 1)
}

/// The letter at `at` of valid UTF-8 and its bytes; ASCII in lower case where case does not count; `NONE` at the end.
#[inline]
fn letter(bytes: &[u8], at: usize, any_case: bool) -> (u32, usize) {
    let low = |byte: u8| u32::from(byte & 0x3f);
    match bytes.get(at..).unwrap_or_default() {
        &[lead @ 0xe0..=0xef, second, third, ..] => (u32::from(lead & 0xf) << 12 | low(second) << 6 | low(third), 3),
        &[lead @ 0..0x80, ..] => (u32::from(if any_case { lead.to_ascii_lowercase() } else { lead }), 1),
        &[lead @ 0xc0..=0xdf, second, ..] => (u32::from(lead & 0x1f) << 6 | low(second), 2),
        &[lead @ 0xf0..=0xff, second, third, fourth, ..] => {
            (u32::from(lead & 7) << 18 | low(second) << 12 | low(third) << 6 | low(fourth), 4)
        }
        [] => (NONE, 0),
        // Inside a letter: on to the next byte.
        _ => (NONE - 1, 1),
    }
}

#[inline]
fn key(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

#[inline]
fn slot(key: u64, shift: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
}

#[cfg(test)]
mod tests {
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_at_each_place() {
        let words = Literals::new(["市", "市立", "京都", "京都市", "K", "KL-6", "", "市"]);
        let found = |text: &str| -> Vec<String> {
            words.find_iter(text).map(|found| text.get(found.range).unwrap().to_owned()).collect()
        };
        assert_eq!(found("東京都市立、京都府KL-6とKL-7"), ["京都市", "京都", "KL-6", "K"]);
        assert_eq!(words.overlapping("市立").map(|found| found.word).collect::<Vec<_>>(), [1, 0, 7]);
        assert!(words.at("の市", 0).is_none() && words.at("市", 3).is_none());
        assert!(!words.any("ｋ k"));
        assert!(Literals::any_case(["Tel"]).any("TEL"));
        assert!(!Literals::new([""; 0]).any("x"));
    }

    #[test]
    fn many_words_with_one_beginning_are_no_burden() {
        let words: Vec<String> = (0..20_000).map(|number| format!("00{number:08}")).collect();
        let literals = Literals::any_case(&words);
        let text = words.concat();
        assert_eq!(literals.find_iter(&text).count(), words.len());
    }

    proptest! {
        #[test]
        fn as_an_automaton_finds_them(
            words in prop::collection::vec("[あい山Kka𠮷é]{1,4}", 1..12),
            text in "[あい山Kkaé𠮷]{0,40}",
            any_case in any::<bool>(),
        ) {
            let automaton = |kind| AhoCorasick::builder()
                .match_kind(kind)
                .ascii_case_insensitive(any_case)
                .build(&words)
                .unwrap();
            let wanted: Vec<(usize, usize, usize)> = automaton(MatchKind::LeftmostLongest)
                .find_iter(&text)
                .map(|found| (found.start(), found.end(), found.pattern().as_usize()))
                .collect();
            let literals = Literals::build(&words, any_case);
            let plain = |found: Found| (found.range.start, found.range.end, found.word);
            let found: Vec<(usize, usize, usize)> = literals.find_iter(&text).map(plain).collect();
            prop_assert_eq!(found, wanted);
            let mut wanted: Vec<(usize, usize, usize)> = automaton(MatchKind::Standard)
                .find_overlapping_iter(&text)
                .map(|found| (found.start(), found.end(), found.pattern().as_usize()))
                .collect();
            wanted.sort_unstable_by_key(|&(start, end, word)| (start, std::cmp::Reverse(end), word));
            let found: Vec<(usize, usize, usize)> = literals.overlapping(&text).map(plain).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
