//! Words by their first two letters: one look at a place of a text tells the word of one letter, the word of two and the
//! lengths of the longer words that begin so. A scan of Japanese text asks at every letter; most answers end here.
//! Must not know: what the values mean, the longer words themselves (`table`).

use super::letter::{SEED, mix};
use super::pages::Pages;
use super::table::finish;

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

/// A pair of letters: both letters in 42 bits, in the upper half of `high` the lengths; all zero is empty. Twelve bytes, so
/// that much of the table stays in the cache.
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Pair {
    low: u32,
    high: u32,
    two: u32,
}

/// Places looked at together.
const BATCH: usize = 64;
/// The bits of `Pair::high` that belong to the letters.
const LETTERS: u32 = 0x3ff;

impl Pair {
    fn of(first: char, second: char) -> Self {
        let key = u64::from(first) << 21 | u64::from(second);
        Self { low: key as u32, high: (key >> 32) as u32, two: 0 }
    }

    fn empty(self) -> bool {
        self.low == 0 && self.high == 0
    }

    fn same(self, other: Self) -> bool {
        self.low == other.low && (self.high ^ other.high) & LETTERS == 0
    }

    fn place(self) -> usize {
        finish(mix(mix(SEED, '\u{e000}') ^ u64::from(self.low), '\0') ^ u64::from(self.high & LETTERS)) as usize
    }
}

/// All first and second letters.
pub struct Starts {
    /// By letter of the basic plane.
    ones: Vec<u32>,
    pairs: Pages<Pair>,
    held: usize,
}

impl Starts {
    /// For about `pairs` pairs of letters.
    #[must_use]
    pub fn with_room(pairs: usize) -> Self {
        Self { ones: vec![0; 1 << 16], pairs: Pages::zeroed((pairs.max(8) * 3 / 2).next_power_of_two()), held: 0 }
    }

    /// Or `value` into the value of `word`, of up to 15 letters.
    pub fn add(&mut self, word: &str, value: u32) {
        let mut letters = word.chars();
        let Some(first) = letters.next() else { return };
        let Some(second) = letters.next() else {
            if let Some(one) = self.ones.get_mut(first as usize) {
                *one |= value;
            }
            return;
        };
        let length = 2 + letters.count();
        if length > 15 {
            return;
        }
        if self.held * 8 >= self.pairs.len() * 7 {
            let larger = Pages::zeroed(self.pairs.len() * 2);
            let before = std::mem::replace(&mut self.pairs, larger);
            for pair in before.iter().filter(|pair| !pair.empty()) {
                *self.slot(*pair) = *pair;
            }
        }
        let wanted = Pair::of(first, second);
        let slot = self.slot(wanted);
        let new = slot.empty();
        if new {
            *slot = wanted;
        }
        if length == 2 {
            slot.two |= value;
        } else {
            slot.high |= 1 << (16 + length);
        }
        self.held += usize::from(new);
    }

    /// Where a pair stands or would stand; there is always an empty slot.
    fn slot(&mut self, wanted: Pair) -> &mut Pair {
        let mask = self.pairs.len() - 1;
        let mut at = wanted.place() & mask;
        while self.pairs.get(at).is_some_and(|pair| !pair.empty() && !pair.same(wanted)) {
            at = (at + 1) & mask;
        }
        match self.pairs.get_mut(at) {
            Some(pair) => pair,
            None => unreachable!("the mask keeps it inside"),
        }
    }

    /// What begins at each place, given its letter and the next, into `out` in order. The pairs of many places are read
    /// before the first is looked at, so that the memory answers several at once.
    pub fn each(&self, places: &[(char, char)], out: &mut Vec<Start>) {
        let mask = self.pairs.len() - 1;
        let pairs: &[Pair] = &self.pairs;
        let slot = |at: usize| pairs.get(at & mask).copied().unwrap_or_default();
        let mut wanted = [Pair::default(); BATCH];
        let mut found = [Pair::default(); BATCH];
        out.clear();
        for places in places.chunks(BATCH) {
            for (wanted, (first, second)) in wanted.iter_mut().zip(places) {
                *wanted = Pair::of(*first, *second);
            }
            for (found, wanted) in found.iter_mut().zip(&wanted).take(places.len()) {
                *found = slot(wanted.place());
            }
            for ((first, _), (wanted, found)) in places.iter().zip(wanted.iter().zip(&found)) {
                let (mut at, mut pair) = (wanted.place(), *found);
                while !pair.empty() && !pair.same(*wanted) {
                    at += 1;
                    pair = slot(at);
                }
                // An empty slot holds nothing in its other fields either.
                out.push(Start {
                    one: self.ones.get(*first as usize).copied().unwrap_or(0),
                    two: pair.two,
                    lengths: (pair.high >> 16) as u16,
                });
            }
        }
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ones.len() * 4 + self.pairs.len() * size_of::<Pair>()
    }
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
