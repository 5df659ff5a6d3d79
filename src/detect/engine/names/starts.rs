//! Words by their first two letters: one look at a place of a text tells the word of one letter, the word of two and the
//! lengths of the longer words that begin so. A scan of Japanese text asks at every letter; most answers end here.
//! Must not know: what the values mean, the longer words themselves (`table`).

use std::collections::HashMap;

use super::pages::Pages;

/// What begins at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Value of the word of one letter, or 0.
    pub one: u32,
    /// Value of the word of two letters, or 0.
    pub two: u32,
    /// Lengths of longer words, as bits: bit n for n letters.
    pub lengths: u16,
}

/// Places looked at together.
const BATCH: usize = 64;
/// Longest word whose length is told.
const LONGEST: usize = 10;
/// The bits of a slot for the value of the word of two letters; above them eight for lengths, from three letters on.
const VALUE: u64 = (1 << 24) - 1;
const LENGTHS: u32 = 24;
/// Above them the pair of letters.
const PAIR: u32 = 32;

/// All first and second letters. A slot of `pairs` has eight bytes, so that much of the table stays in the cache; zero is
/// empty.
pub struct Starts {
    /// By letter of the basic plane.
    ones: Vec<u32>,
    pairs: Pages<u64>,
    held: usize,
    /// Words of one letter beyond the basic plane; `each` does not tell them.
    rare_ones: HashMap<char, u32>,
    /// Letters beyond the basic plane have a number that no letter of Japanese has.
    rare: HashMap<char, u32>,
}

impl Starts {
    /// For about `pairs` pairs of letters.
    #[must_use]
    pub fn with_room(pairs: usize) -> Self {
        Self {
            ones: vec![0; 1 << 16],
            pairs: Pages::zeroed((pairs.max(8) * 3 / 2).next_power_of_two()),
            held: 0,
            rare_ones: HashMap::new(),
            rare: HashMap::new(),
        }
    }

    /// Or `value`, below 2²⁴, into the value of `word`.
    pub fn add(&mut self, word: &str, value: u32) {
        let mut letters = word.chars();
        let Some(first) = letters.next() else { return };
        let Some(second) = letters.next() else {
            match self.ones.get_mut(first as usize) {
                Some(one) => *one |= value,
                None => *self.rare_ones.entry(first).or_default() |= value,
            }
            return;
        };
        let length = 2 + letters.count();
        let key = u64::from(self.number(first)) << 16 | u64::from(self.number(second));
        if length > LONGEST || key == 0 {
            return;
        }
        if self.held * 8 >= self.pairs.len() * 7 {
            let larger = Pages::zeroed(self.pairs.len() * 2);
            let before = std::mem::replace(&mut self.pairs, larger);
            for pair in before.iter().filter(|pair| **pair != 0) {
                *self.slot(*pair >> PAIR) = *pair;
            }
        }
        let slot = self.slot(key);
        let new = *slot == 0;
        *slot |= key << PAIR;
        *slot |= if length == 2 { u64::from(value) & VALUE } else { 1 << (LENGTHS as usize + length - 3) };
        self.held += usize::from(new);
    }

    /// Read where these words will stand, all together, so that adding them does not wait for memory each time.
    pub fn warm<'a>(&self, words: impl Iterator<Item = &'a str>) {
        let pairs: &[u64] = &self.pairs;
        let read = words.fold(0, |read, word| {
            let mut letters = word.chars();
            let key = self.key(letters.next().unwrap_or('\0'), letters.next().unwrap_or('\0'));
            read ^ pairs.get(Self::place(key) & (pairs.len() - 1)).copied().unwrap_or(0)
        });
        std::hint::black_box(read);
    }

    /// The number of a letter of a word, below 2¹⁶; one beyond the basic plane gets one of the private area.
    fn number(&mut self, letter: char) -> u32 {
        let next = 0xe000 + self.rare.len().min(0x18ff) as u32;
        if (letter as u32) < 1 << 16 { letter as u32 } else { *self.rare.entry(letter).or_insert(next) }
    }

    /// The pair of letters as one number; 0 when no word can begin so.
    fn key(&self, first: char, second: char) -> u64 {
        let number = |letter: char| match letter as u32 {
            plain @ 0..0x1_0000 => plain,
            _ => self.rare.get(&letter).copied().unwrap_or(0),
        };
        let (first, second) = (number(first), number(second));
        if first == 0 || second == 0 { 0 } else { u64::from(first) << 16 | u64::from(second) }
    }

    fn place(key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
    }

    /// Where a pair stands or would stand; there is always an empty slot.
    fn slot(&mut self, key: u64) -> &mut u64 {
        let mask = self.pairs.len() - 1;
        let mut at = Self::place(key) & mask;
        while self.pairs.get(at).is_some_and(|pair| *pair != 0 && *pair >> PAIR != key) {
            at = (at + 1) & mask;
        }
        match self.pairs.get_mut(at) {
            Some(pair) => pair,
            None => unreachable!("the mask keeps it inside"),
        }
    }

    /// The value of a word of one letter, or 0.
    #[must_use]
    pub fn one(&self, letter: char) -> u32 {
        self.ones.get(letter as usize).or_else(|| self.rare_ones.get(&letter)).copied().unwrap_or(0)
    }

    /// The value of a word of two letters, or 0.
    #[must_use]
    pub fn two(&self, first: char, second: char) -> u32 {
        let pairs: &[u64] = &self.pairs;
        let key = self.key(first, second);
        let held = pairs.get(Self::place(key) & (pairs.len() - 1)).copied().unwrap_or(0);
        (probe(pairs, key, held) & VALUE) as u32
    }

    /// What begins at each place, given its letter and the next, into `out` in order. The pairs of many places are read
    /// before the first is looked at, so that the memory answers several at once.
    pub fn each(&self, places: &[(char, char)], out: &mut Vec<Start>) {
        let pairs: &[u64] = &self.pairs;
        let mask = pairs.len() - 1;
        let mut wanted = [0; BATCH];
        let mut found = [0; BATCH];
        out.clear();
        for places in places.chunks(BATCH) {
            for (wanted, (first, second)) in wanted.iter_mut().zip(places) {
                *wanted = self.key(*first, *second);
            }
            for (found, wanted) in found.iter_mut().zip(&wanted).take(places.len()) {
                *found = pairs.get(Self::place(*wanted) & mask).copied().unwrap_or(0);
            }
            out.extend(places.iter().zip(wanted.iter().zip(&found)).map(|((first, _), (wanted, found))| {
                let pair = probe(pairs, *wanted, *found);
                let lengths = (pair >> LENGTHS) as u16 & 0xff;
                let one = self.ones.get(*first as usize).copied().unwrap_or(0);
                Start { one, two: (pair & VALUE) as u32, lengths: lengths << 3 }
            }));
        }
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ones.len() * 4 + self.pairs.len() * 8
    }
}

/// The slot of a pair whose first slot holds `held`; 0 when there is none.
fn probe(pairs: &[u64], key: u64, mut held: u64) -> u64 {
    if key == 0 {
        return 0;
    }
    let mut at = Starts::place(key);
    while held != 0 && held >> PAIR != key {
        at += 1;
        held = pairs.get(at & (pairs.len() - 1)).copied().unwrap_or(0);
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_its_words() {
        let mut starts = Starts::with_room(1);
        for (word, value) in [("林", 1), ("小林", 2), ("小笠原", 4), ("小林", 8), ("小笠", 16), ("𠮷田", 32)]
        {
            starts.add(word, value);
        }
        let at = |first: char, second: char| {
            let mut out = Vec::new();
            starts.each(&[(first, second); BATCH + 1], &mut out);
            out[BATCH]
        };
        assert_eq!(at('林', 'x'), Start { one: 1, two: 0, lengths: 0 });
        assert_eq!(at('小', '林'), Start { one: 0, two: 10, lengths: 0 });
        assert_eq!(at('小', '笠'), Start { one: 0, two: 16, lengths: 1 << 3 });
        assert_eq!(at('𠮷', '田').two, 32);
        // It grows, and nothing is lost.
        let letters: Vec<char> = ('一'..='万').chain('丈'..='丗').collect();
        for (number, first) in letters.iter().enumerate() {
            for second in &letters {
                starts.add(&format!("{first}{second}"), number as u32 + 64);
            }
        }
        let mut out = Vec::new();
        for (number, first) in letters.iter().enumerate() {
            let places: Vec<(char, char)> = letters.iter().map(|second| (*first, *second)).collect();
            starts.each(&places, &mut out);
            assert!(out.iter().all(|start| start.two == number as u32 + 64));
        }
        starts.each(&[('小', '笠')], &mut out);
        assert_eq!(out, [Start { one: 0, two: 16, lengths: 1 << 3 }]);
    }
}
