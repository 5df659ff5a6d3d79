//! A flat table from words to a 32-bit value: open addressing on 64-bit hashes of letters, with a filter that knows
//! which lengths begin with a pair of letters, so that a scan touches it only where a word may stand.
//! Must not know: what the values mean.

use super::letter::{SEED, mix};

/// Words of up to 15 letters.
pub struct Table {
    /// Upper half: tag, lower half: value. Zero is empty.
    slots: Vec<u64>,
    mask: usize,
    /// By hash of the first two letters: bit n = a word of n letters begins so.
    lengths: Vec<u16>,
}

fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 29)
}

/// Slots of the filter for a table of `words` words: dense enough to refuse, small enough to stay in the cache.
fn pairs(words: usize) -> usize {
    (words * 2).next_power_of_two().clamp(1 << 10, 1 << 18)
}

fn pair(first: char, second: char) -> usize {
    finish(mix(mix(SEED, first), second)) as usize
}

impl Table {
    /// A table for about `words` words.
    #[must_use]
    pub fn with_room(words: usize) -> Self {
        let size = (words.max(8) * 3 / 2).next_power_of_two();
        Self { slots: vec![0; size], mask: size - 1, lengths: vec![0; pairs(words)] }
    }

    /// Or `value` (never zero) into the value of `word`.
    pub fn add(&mut self, word: &str, value: u32) {
        let mut letters = word.chars();
        let (Some(first), second) = (letters.next(), letters.next()) else { return };
        let length = word.chars().count();
        if length > 15 || value == 0 {
            return;
        }
        let hash = super::letter::hash(word.chars());
        let at = pair(first, second.unwrap_or('\0')) & (self.lengths.len() - 1);
        if let Some(lengths) = self.lengths.get_mut(at) {
            *lengths |= 1 << length;
        }
        self.add_hash(hash, value);
    }

    /// Or `value` (never zero) into the value filed under `hash`; not seen by `lengths`.
    pub fn add_hash(&mut self, hash: u64, value: u32) {
        if value == 0 {
            return;
        }
        let mixed = finish(hash);
        let tag = mixed | 1 << 63;
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

    /// The value of the word with this hash, or 0.
    #[must_use]
    pub fn get(&self, hash: u64) -> u32 {
        let mixed = finish(hash);
        let tag = mixed | 1 << 63;
        let mut slot = mixed as usize & self.mask;
        loop {
            match self.slots.get(slot) {
                Some(&held) if held != 0 => {
                    if (held ^ tag) >> 32 == 0 {
                        return held as u32;
                    }
                    slot = (slot + 1) & self.mask;
                }
                _ => return 0,
            }
        }
    }

    /// The value of a word, or 0.
    #[must_use]
    pub fn word(&self, letters: &[char]) -> u32 {
        self.get(super::letter::hash(letters.iter().copied()))
    }

    /// Lengths of words that may begin with these two letters, as bits.
    #[must_use]
    pub fn lengths(&self, first: char, second: char) -> u16 {
        // A word of one letter is filed under (letter, NUL).
        let at = |second| self.lengths.get(pair(first, second) & (self.lengths.len() - 1)).copied().unwrap_or(0);
        at('\0') & 2 | at(second) & !2
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots.len() * 8 + self.lengths.len() * 2
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
        assert_eq!(table.lengths('小', '笠') & 1 << 3, 1 << 3);
        assert_eq!(table.lengths('林', 'x') & 2, 2);
    }
}
