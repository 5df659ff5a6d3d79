//! A flat table from words to a 32-bit value: open addressing on 64-bit hashes of letters, behind a filter of bits by hash,
//! so that most misses never touch it.
//! Must not know: what the values mean.

use super::pages::Pages;

/// Words of up to 15 letters.
pub(super) struct Table {
    /// Upper half: tag, lower half: value. Zero is empty.
    slots: Pages<u64>,
    mask: usize,
    /// Bits by hash: clear where no word has it, so that most misses do not touch `slots`.
    seen: Pages<u64>,
}

/// Bits of `seen` for a word.
const BITS: usize = 6;
/// Hashes looked up at once.
const BATCH: usize = 64;

/// Mix a hash to the end: every bit depends on every other.
fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 29)
}

/// Where `seen` has its bit for a mixed hash.
fn bit(seen: &[u64], mixed: u64) -> (usize, u64) {
    ((mixed >> 30) as usize & (seen.len() - 1), 1 << ((mixed >> 24) & 63))
}

impl Table {
    /// A table for about `words` words.
    #[must_use]
    pub(super) fn with_room(words: usize) -> Self {
        let size = (words.max(8) * 5 / 4).next_power_of_two();
        Self {
            slots: Pages::zeroed(size),
            mask: size - 1,
            seen: Pages::zeroed((words.max(64) * BITS).next_power_of_two() / 64),
        }
    }

    /// Or `value` (never zero) into the value of `word`.
    pub(super) fn add(&mut self, word: &str, value: u32) {
        if (1..=15).contains(&word.chars().count()) {
            self.add_hash(super::letter::hash(word.chars()), value);
        }
    }

    /// Or `value` (never zero) into the value filed under `hash`.
    pub(super) fn add_hash(&mut self, hash: u64, value: u32) {
        if value == 0 {
            return;
        }
        let mixed = finish(hash);
        let tag = mixed | 1 << 63;
        let (word, bit) = bit(&self.seen, mixed);
        if let Some(bits) = self.seen.get_mut(word) {
            *bits |= bit;
        }
        let mut slot = mixed as usize & self.mask;
        loop {
            match self.slots.get_mut(slot) {
                Some(held) if *held == 0 => {
                    *held = (tag & 0xffff_ffff_0000_0000) | u64::from(value);
                    return;
                }
                Some(held) if (*held ^ tag) >> 32 == 0 => {
                    *held |= u64::from(value);
                    return;
                }
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }

    /// Read where words with these hashes will stand, all together, so that adding them does not wait for memory each time.
    pub(super) fn warm(&self, hashes: impl Iterator<Item = u64>) {
        let (slots, seen): (&[u64], &[u64]) = (&self.slots, &self.seen);
        let read = hashes.map(finish).fold(0, |read, mixed| {
            let at = |numbers: &[u64], at: usize| numbers.get(at).copied().unwrap_or(0);
            read ^ at(slots, mixed as usize & self.mask) ^ at(seen, bit(seen, mixed).0)
        });
        std::hint::black_box(read);
    }

    /// The value of the word with this hash, or 0.
    #[must_use]
    pub(super) fn get(&self, hash: u64) -> u32 {
        let mixed = finish(hash);
        let (word, bit) = bit(&self.seen, mixed);
        if self.seen.get(word).is_none_or(|bits| bits & bit == 0) {
            return 0;
        }
        let slots: &[u64] = &self.slots;
        self.probe(slots, mixed, slots.get(mixed as usize & self.mask).copied().unwrap_or(0))
    }

    /// Call `put` with the number and value of every hash that has one, in order. Reading many at a time, step by step,
    /// lets the memory answer several at once; one by one most of the time is spent waiting for it.
    pub(super) fn each(&self, hashes: &[u64], mut put: impl FnMut(usize, u32)) {
        let (slots, seen): (&[u64], &[u64]) = (&self.slots, &self.seen);
        let mut mixed = [0u64; BATCH];
        let mut likely = [0u8; BATCH];
        let mut held = [0u64; BATCH];
        for (batch, hashes) in hashes.chunks(BATCH).enumerate() {
            for (mixed, hash) in mixed.iter_mut().zip(hashes) {
                *mixed = finish(*hash);
            }
            let mut count = 0;
            for (number, mixed) in mixed.iter().take(hashes.len()).enumerate() {
                let (word, bit) = bit(seen, *mixed);
                let seen = seen.get(word).is_some_and(|bits| bits & bit != 0);
                // Written always, kept when seen: no branch to guess.
                if let Some(slot) = likely.get_mut(count) {
                    *slot = number as u8;
                }
                count += usize::from(seen);
            }
            for (held, number) in held.iter_mut().zip(likely.iter().take(count)) {
                let mixed = mixed.get(usize::from(*number)).copied().unwrap_or(0);
                *held = slots.get(mixed as usize & self.mask).copied().unwrap_or(0);
            }
            for (held, number) in held.iter().zip(likely.iter().take(count)) {
                let number = usize::from(*number);
                let mixed = mixed.get(number).copied().unwrap_or(0);
                let value = self.probe(slots, mixed, *held);
                if value != 0 {
                    put(batch * BATCH + number, value);
                }
            }
        }
    }

    /// The value for a mixed hash whose first slot holds `held`.
    fn probe(&self, slots: &[u64], mixed: u64, mut held: u64) -> u32 {
        let tag = mixed | 1 << 63;
        let mut slot = mixed as usize & self.mask;
        while held != 0 {
            if (held ^ tag) >> 32 == 0 {
                return held as u32;
            }
            slot = (slot + 1) & self.mask;
            held = slots.get(slot).copied().unwrap_or(0);
        }
        0
    }

    /// The value of a word, or 0.
    #[must_use]
    pub(super) fn word(&self, letters: &[char]) -> u32 {
        self.get(super::letter::hash(letters.iter().copied()))
    }

    /// Bytes held.
    #[must_use]
    pub(super) fn bytes(&self) -> usize {
        (self.slots.len() + self.seen.len()) * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_and_no_others() {
        let mut table = Table::with_room(3);
        table.add("林", 1);
        table.add("小笠原", 2);
        table.add("小笠原", 4);
        table.add("榎", 8);
        let word = |w: &str| table.word(&w.chars().collect::<Vec<_>>());
        assert_eq!((word("林"), word("小笠原"), word("榎"), word("小笠")), (1, 6, 8, 0));
        let hashes: Vec<u64> =
            ["榎", "小笠", "林", "小笠原"].iter().map(|w| super::super::letter::hash(w.chars())).collect();
        let mut found = Vec::new();
        table.each(&hashes.repeat(40), |number, value| found.push((number, value)));
        assert_eq!(found.len(), 120);
        assert_eq!(found.get(..3), Some(&[(0, 8), (2, 1), (3, 6)][..]));
        assert_eq!(found.last(), Some(&(159, 6)));
    }
}
