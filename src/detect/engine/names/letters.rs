//! The letter model: a linear-chain CRF (outside, begin, inside) over letters, their neighbours and dictionary marks.
//! It errs elsewhere than the segment model; `join` takes the mean of both chances, letter by letter.
//! Must not know: proposals. Its file is `patterns/names/letters.bin`: written by `fit`, small numbers only.

use std::ops::Range;

use super::chain::{Chain, Odds, odds};
use super::letter::{SEED, Script, Window, mix};
use super::marks::{MARKS, Marks, REACH, marks, reaches};
use super::model::Scratch;
use super::scan::Scan;
use super::table::Table;

const MAGIC: &[u8; 8] = b"tsuLet02";
/// Weights are stored in steps of 1/256.
pub const SCALE: f32 = 256.0;

/// Letters before and behind the one that is judged whose runs count.
const NEAR: usize = 3;
/// Places a run of letters may have around the letter that is judged.
const PLACES: usize = NEAR * 2 + 1;
/// Longest run of letters.
const RUN: usize = 3;

/// Something seen around a letter that has a weight of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Scripts around, or the Latin word the letter belongs to.
    Single(u32),
    /// A run of letters and its place: 0 when it begins three letters behind the letter, 6 when it begins three before.
    Run(u32, u8),
}

fn begin(template: u32) -> u64 {
    mix(SEED, char::from_u32(0xe000 + template).unwrap_or('\0'))
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The keys of the scripts around the letter at `at`, and of its Latin word when `word` (its hash) is not 0.
fn singles(window: &Window, at: usize, word: u64) -> impl Iterator<Item = u32> {
    let script = |distance: isize| at.checked_add_signed(distance).map_or(Script::Edge, |at| window.script(at)) as u32;
    let scripts = |from: isize, to: isize| {
        char::from_u32((from..=to).fold(0, |code, distance| code * 17 + script(distance))).unwrap_or('\0')
    };
    let near = mix(begin(0), scripts(-1, 1));
    let wide = mix(mix(begin(1), scripts(-2, 0)), scripts(1, 2));
    let latin = (word != 0).then(|| upper(mix(word, '\u{f010}')));
    [upper(near), upper(wide)].into_iter().chain(latin)
}

/// The keys of the runs of one, two and three letters that begin at `at`, which may lie outside the window.
fn runs(window: &Window, at: isize) -> [u32; RUN] {
    let mut keys = [0; RUN];
    let mut hash = begin(2);
    for (length, key) in keys.iter_mut().enumerate() {
        let letter = usize::try_from(at + length as isize).map_or('\0', |at| window.letter(at));
        hash = mix(hash, letter);
        // Another turn so that short and long differ in the upper half.
        *key = upper(mix(hash, char::from_u32(0xf000 + length as u32).unwrap_or('\0')));
    }
    keys
}

/// Call `put` with every feature of the letter at `at`. `word` is the hash of the Latin word it belongs to, or 0.
pub fn features(window: &Window, at: usize, word: u64, mut put: impl FnMut(Feature)) {
    singles(window, at, word).for_each(|key| put(Feature::Single(key)));
    for place in 0..PLACES {
        let first = (at + NEAR) as isize - place as isize;
        for (length, key) in runs(window, first).into_iter().enumerate() {
            // A run lies within the letters that count.
            if place >= length {
                put(Feature::Run(key, place as u8));
            }
        }
    }
}

/// The hash of the Latin word at every letter, 0 elsewhere or for words under three letters.
pub fn latin_words(window: &Window, scan: &Scan, out: &mut Vec<u64>) {
    out.clear();
    out.resize(window.count(), 0);
    for token in &scan.tokens {
        let (start, end) = (token.start as usize, token.end as usize);
        if end - start > 2 {
            let hash = super::letter::hash(window.slice(start, end).iter().map(char::to_ascii_lowercase));
            if let Some(words) = out.get_mut(start..end) {
                words.fill(hash);
            }
        }
    }
}

/// What a mark or a run of letters gives to the letters around it, in steps of 1/`SCALE`: *begin* and *inside* in turn, first
/// for the letter three before it. Whole numbers, eight to an instruction; the last two are nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(32))]
struct Row([i16; ROW]);

const ROW: usize = PLACES * 2 + 2;

impl Row {
    /// A sum this large is as good as certain.
    fn and(self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].saturating_add(other.0[at])))
    }
}

/// Add `row` to the sums of seven letters.
fn give(sums: &mut [i16], place: usize, row: &Row) {
    if let Some(sums) = sums.get_mut(place..).and_then(|sums| sums.first_chunk_mut::<ROW>()) {
        *sums = Row(*sums).and(row).0;
    }
}

/// The fitted model: weights of *begin* and *inside* against *outside*, which stays 0.
pub struct LetterModel {
    /// By mark.
    marks: Vec<Row>,
    /// By key of scripts or of a Latin word: two 16-bit numbers.
    singles: Table,
    /// By key of a run of letters: the number of its row, and one.
    runs: Table,
    rows: Vec<Row>,
    /// From, to: 0 outside, 1 begin, 2 inside.
    odds: Odds,
}

impl LetterModel {
    /// Read the file's bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut take = |n: usize| -> Option<&[u8]> {
            let (head, tail) = rest.split_at_checked(n)?;
            rest = tail;
            Some(head)
        };
        let number = |bytes: &[u8]| {
            i16::from_le_bytes([bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)])
        };
        let mut steps = [[0.0; 3]; 3];
        for row in &mut steps {
            for step in row {
                *step = f32::from(number(take(2)?)) / SCALE;
            }
        }
        let mut marks = vec![Row::default(); MARKS];
        for (mark, row) in marks.iter_mut().enumerate() {
            // Stored by distance, from the letter two after the mark to the one two before it.
            let near = row.0.chunks_exact_mut(2).skip(NEAR - 2).take(REACH);
            for (distance, slot) in near.rev().enumerate() {
                let pair = take(4)?;
                if reaches(mark, distance) {
                    slot.copy_from_slice(&[number(pair), number(pair.get(2..)?)]);
                }
            }
        }
        let count = u32::from_le_bytes(take(4)?.try_into().ok()?) as usize;
        let mut singles = Table::with_room(count);
        let keys = take(count.checked_mul(4)?)?;
        let values = take(count.checked_mul(4)?)?;
        for (key, value) in keys.chunks_exact(4).zip(values.chunks_exact(4)) {
            let key = u32::from_le_bytes(key.try_into().ok()?);
            singles.add_hash(u64::from(key), u32::from_le_bytes(value.try_into().ok()?));
        }
        let count = u32::from_le_bytes(take(4)?.try_into().ok()?) as usize;
        let mut runs = Table::with_room(count);
        let mut rows = Vec::with_capacity(count);
        let keys = take(count.checked_mul(4)?)?;
        let places = take(count)?;
        for (key, places) in keys.chunks_exact(4).zip(places) {
            let key = u32::from_le_bytes(key.try_into().ok()?);
            let mut row = Row::default();
            for (place, slot) in row.0.chunks_exact_mut(2).take(PLACES).enumerate() {
                if places & 1 << place != 0 {
                    let pair = take(4)?;
                    for (slot, bytes) in slot.iter_mut().zip(pair.chunks_exact(2)) {
                        *slot = i16::from_le_bytes(bytes.try_into().ok()?);
                    }
                }
            }
            rows.push(row);
            runs.add_hash(u64::from(key), rows.len() as u32);
        }
        rest.is_empty().then_some(Self { marks, singles, runs, rows, odds: odds(&steps) })
    }

    /// The file's bytes; `letters` are (feature, begin, inside), sorted here.
    #[must_use]
    pub fn write(steps: &[[f32; 3]; 3], marks: &[[f32; 2]], mut letters: Vec<(Feature, f32, f32)>) -> Vec<u8> {
        let small = |weight: f32| ((weight * SCALE).round().clamp(-32000.0, 32000.0) as i16).to_le_bytes();
        let mut out = MAGIC.to_vec();
        for step in steps.iter().flatten() {
            out.extend(small(*step));
        }
        for at in 0..MARKS * REACH {
            let [begin, inside] = marks.get(at).copied().unwrap_or_default();
            out.extend(small(begin));
            out.extend(small(inside));
        }
        letters.sort_unstable_by_key(|(feature, ..)| *feature);
        letters.dedup_by_key(|(feature, ..)| *feature);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut runs, mut places, mut weights) = (Vec::new(), Vec::<u8>::new(), Vec::new());
        for (feature, begin, inside) in letters {
            let pair = [small(begin), small(inside)].concat();
            match feature {
                Feature::Single(key) => {
                    keys.push(key);
                    values.extend(pair);
                }
                Feature::Run(key, place) => {
                    if runs.last() != Some(&key) {
                        runs.push(key);
                        places.push(0);
                    }
                    if let Some(places) = places.last_mut() {
                        *places |= 1 << place;
                    }
                    weights.extend(pair);
                }
            }
        }
        for keys in [(keys, values), (runs, [places, weights].concat())] {
            out.extend((keys.0.len() as u32).to_le_bytes());
            out.extend(keys.0.iter().flat_map(|key| key.to_le_bytes()));
            out.extend(keys.1);
        }
        out
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.singles.bytes()
            + self.runs.bytes()
            + self.rows.len() * size_of::<Row>()
            + self.marks.len() * size_of::<Row>()
    }

    /// Put the mean of both models' chances into `scratch`.
    pub fn join(&self, scratch: &mut Scratch) {
        let Scratch { window, scan, inside, begins, letter, .. } = scratch;
        let count = window.count();
        if count == 0 {
            return;
        }
        letter.marks.clear();
        letter.marks.resize(count, [0; 4]);
        latin_words(window, scan, &mut letter.words);
        for chances in [&mut letter.chance, &mut letter.begins] {
            chances.clear();
            chances.resize(count, 0.0);
        }
        // Only where the segment model sees a possible name, and a little around it.
        letter.stretches.clear();
        let mut start = 0;
        while let Some(found) =
            inside.get(start..count).and_then(|rest| rest.iter().position(|chance| *chance >= WORTH))
        {
            start += found;
            let mut end = start + 1;
            let mut last = start;
            while end < count && end <= last + AROUND * 2 {
                if inside.get(end).copied().unwrap_or(0.0) >= WORTH {
                    last = end;
                }
                end += 1;
            }
            let (from, to) = (start.saturating_sub(AROUND), (last + 1 + AROUND).min(count));
            marks(window, scan, from.saturating_sub(2), (to + 2).min(count), &mut letter.marks);
            letter.stretches.push(from..to);
            start = to;
        }
        self.emit(window, letter);
        let mut rest = letter.emissions.as_slice();
        for stretch in &letter.stretches {
            let Some((emissions, after)) = rest.split_at_checked(stretch.len()) else { break };
            rest = after;
            letter.chain.chances(&self.odds, emissions);
            for (at, [begin, within]) in stretch.clone().zip(letter.chain.chance.iter().copied()) {
                if let (Some(chance), Some(begins)) = (letter.chance.get_mut(at), letter.begins.get_mut(at)) {
                    *chance = begin + within;
                    *begins = begin;
                }
            }
        }
        for (inside, chance) in inside.iter_mut().zip(&letter.chance) {
            *inside = (*inside + chance) / 2.0;
        }
        for (begins, chance) in begins.iter_mut().zip(&letter.begins) {
            *begins = (*begins + chance) / 2.0;
        }
    }

    /// Fill `letter.emissions` with the weights of *begin* and *inside* for the letters of all stretches, one after
    /// another. Keys of all stretches are looked up together: the memory answers many at once.
    fn emit(&self, window: &Window, letter: &mut LetterScratch) {
        // What a stretch's letters get; marks and runs give beyond its ends too, which nobody reads.
        const EDGE: usize = NEAR * 2;
        let LetterScratch { marks, words, emissions, stretches, sums, hashes, owners, runs: found, .. } = letter;
        let letters: usize = stretches.iter().map(ExactSizeIterator::len).sum();
        sums.clear();
        sums.resize((letters + stretches.len() * EDGE * 2) * 2 + ROW, 0);
        hashes.clear();
        owners.clear();
        let mut base = 0;
        for stretch in stretches.iter() {
            let place = |at: usize| base + (at + EDGE - stretch.start) * 2;
            for at in stretch.start.saturating_sub(2)..(stretch.end + 2).min(window.count()) {
                let mut sum = Row::default();
                for (word, bits) in marks.get(at).into_iter().flatten().enumerate() {
                    let mut bits = *bits;
                    while bits != 0 {
                        let mark = word * 64 + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        if let Some(row) = self.marks.get(mark) {
                            sum = sum.and(row);
                        }
                    }
                }
                give(sums, place(at) - NEAR * 2, &sum);
            }
            for at in stretch.clone() {
                let keys = singles(window, at, words.get(at).copied().unwrap_or(0));
                hashes.extend(keys.map(u64::from));
                owners.resize(hashes.len(), place(at) as u32);
            }
            base = place(stretch.end + EDGE);
        }
        self.singles.each(hashes, |number, value| {
            let place = owners.get(number).map_or(0, |place| *place as usize);
            if let Some([begin, inside]) = sums.get_mut(place..place + 2) {
                *begin = begin.saturating_add(value as u16 as i16);
                *inside = inside.saturating_add((value >> 16) as u16 as i16);
            }
        });
        // The runs that begin from three letters before a stretch to three behind it, three at each letter.
        hashes.clear();
        owners.clear();
        let mut base = 0;
        for stretch in stretches.iter() {
            let starts = stretch.start as isize - NEAR as isize..(stretch.end + NEAR) as isize;
            for (number, at) in starts.enumerate() {
                hashes.extend(runs(window, at).map(u64::from));
                owners.push((base + number * 2) as u32);
            }
            base += (stretch.len() + EDGE * 2) * 2;
        }
        found.clear();
        self.runs.each(hashes, |number, row| {
            found.push((owners.get(number / RUN).copied().unwrap_or(0), row.wrapping_sub(1)));
        });
        for same in found.chunk_by(|(before, _), (place, _)| before == place) {
            let rows = same.iter().filter_map(|(_, row)| self.rows.get(*row as usize));
            if let Some((place, _)) = same.first() {
                give(sums, *place as usize, &rows.fold(Row::default(), Row::and));
            }
        }
        emissions.clear();
        let mut base = 0;
        for stretch in stretches.iter() {
            let first = base + EDGE * 2;
            let own = sums.get(first..first + stretch.len() * 2).unwrap_or(&[]);
            emissions.extend(own.chunks_exact(2).map(|sum| match sum {
                [begin, inside] => [f32::from(*begin) / SCALE, f32::from(*inside) / SCALE],
                _ => [0.0; 2],
            }));
            base += (stretch.len() + EDGE * 2) * 2;
        }
    }
}

/// A letter whose chance in the segment model is below this is not looked at again.
const WORTH: f32 = 0.01;

/// Letters of context before and after what is looked at.
const AROUND: usize = 2;

/// Scratch of the letter model.
#[derive(Default)]
pub struct LetterScratch {
    pub marks: Vec<Marks>,
    pub words: Vec<u64>,
    pub emissions: Vec<[f32; 2]>,
    /// The letters that are looked at.
    stretches: Vec<Range<usize>>,
    sums: Vec<i16>,
    hashes: Vec<u64>,
    /// Where in `sums` what is found goes.
    owners: Vec<u32>,
    /// The rows of runs that were found, and where they go.
    runs: Vec<(u32, u32)>,
    pub chain: Chain,
    /// By letter: chance of lying in a name, of beginning one.
    pub chance: Vec<f32>,
    pub begins: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back() {
        let steps = [[0.5, -1.0, 0.0]; 3];
        let bytes = LetterModel::write(
            &steps,
            &[[1.0, -1.0]],
            vec![(Feature::Single(7), 0.5, -0.25), (Feature::Run(3, 6), 2.0, 0.0), (Feature::Run(3, 0), 0.0, 1.0)],
        );
        let model = LetterModel::read(&bytes).unwrap_or_else(|| panic!("unreadable"));
        assert_eq!(model.marks[0].0[NEAR * 2 + 4..], [256, -256, 0, 0, 0, 0]);
        assert_eq!(model.singles.get(7), u32::from(128u16) | u32::from((-64i16) as u16) << 16);
        assert_eq!(model.runs.get(3), 1);
        assert_eq!(model.rows, [Row([0, 256, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 512, 0, 0, 0])]);
        assert!(LetterModel::read(&bytes[..bytes.len() - 1]).is_none());
    }
}
