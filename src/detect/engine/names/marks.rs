//! What dictionaries and cues say of single letters, as bits: words that begin, end or lie there, labels, honorifics.
//! Must not know: weights.

use super::cues::{After, Before};
use super::letter::Window;
use super::scan::{LONGEST, Scan};
use super::word::{Latin, Sense, Word};

/// Marks a letter may bear.
pub const MARKS: usize = 256;
/// A mark counts for letters up to two away.
pub const REACH: usize = 5;

/// The marks of one letter, as bits.
pub type Marks = [u64; 4];

fn set(marks: &mut [Marks], at: usize, mark: usize) {
    if let Some(word) = marks.get_mut(at).and_then(|m| m.get_mut(mark / 64)) {
        *word |= 1 << (mark % 64);
    }
}

/// The classes of a dictionary word as bits 0–14: surname and given name (sure, doubtful, other), seven senses, readings.
fn classes(word: Word) -> u64 {
    let name = |sense: Sense, step: usize| {
        if !word.has(sense) {
            return 0;
        }
        match Word::sureness(step) {
            3 => 1,
            1 => 2,
            _ => 4,
        }
    };
    let (surname, given) = (word.surname(), word.given());
    let senses = [Sense::Person, Sense::Place, Sense::Proper, Sense::Noun, Sense::Other, Sense::Affix, Sense::Term];
    let senses = senses.iter().enumerate().map(|(at, sense)| u64::from(word.has(*sense)) << at).sum::<u64>();
    name(Sense::Surname, surname)
        | name(Sense::Given, given) << 3
        | senses << 6
        | u64::from(surname >= 12) << 13
        | u64::from(given >= 12) << 14
}

/// Fifteen bits, each four further than the one before.
fn apart(bits: u64) -> u64 {
    let bits = (bits | bits << 24) & 0x0000_00ff_0000_00ff;
    let bits = (bits | bits << 12) & 0x000f_000f_000f_000f;
    let bits = (bits | bits << 6) & 0x0303_0303_0303_0303;
    (bits | bits << 3) & 0x1111_1111_1111_1111
}

/// Set the marks `bits` of the letter at `at`, moved up to begin at mark `first`.
fn set_all(marks: &mut [Marks], at: usize, first: usize, bits: u64) {
    let Some(marks) = marks.get_mut(at) else { return };
    let (word, shift) = (first / 64, first % 64);
    if let Some(low) = marks.get_mut(word) {
        *low |= bits << shift;
    }
    if shift > 0
        && let Some(high) = marks.get_mut(word + 1)
    {
        *high |= bits >> (64 - shift);
    }
}

const CLASSES: usize = 15;
const BEGIN: usize = 0;
const END: usize = CLASSES * 4;
const AFTER: usize = CLASSES * 8;
const MIDDLE: usize = CLASSES * 12;
const LABEL: usize = MIDDLE + CLASSES;
const CUE: usize = LABEL + Before::COUNT;
const CUE_NEXT: usize = CUE + After::COUNT;
const LATIN: usize = CUE_NEXT + After::COUNT;

/// Does a mark count at this distance (0 for two letters before the letter that is judged, 4 for two after)?
pub(super) fn reaches(mark: usize, distance: usize) -> bool {
    let far = mark < AFTER || (LABEL..LATIN).contains(&mark);
    far || (1..REACH - 1).contains(&distance)
}

/// The marks of the letters of a window from `from` to before `to`; those of others may be left out.
pub fn marks(window: &Window, scan: &Scan, from: usize, to: usize, out: &mut Vec<Marks>) {
    out.resize(window.count(), [0; 4]);
    let first = |at: usize| scan.first_hit.get(at).copied().unwrap_or(scan.hits.len() as u32) as usize;
    // A word marks the letter behind it too.
    let hits = first(from.saturating_sub(LONGEST))..first(to);
    for hit in scan.hits.get(hits).unwrap_or(&[]) {
        let (start, end) = (hit.start as usize, hit.end as usize);
        let size = (end - start).min(4) - 1;
        let classes = classes(hit.word);
        let sized = apart(classes) << size;
        set_all(out, start, BEGIN, sized);
        set_all(out, end - 1, END, sized);
        set_all(out, end, AFTER, sized);
        for at in start + 1..end.max(2) - 1 {
            set_all(out, at, MIDDLE, classes);
        }
    }
    for at in from..to.min(window.count()) {
        if let Some(cue) = scan.before.get(at)
            && cue.before != Before::Nothing
        {
            set(out, at, LABEL + cue.before as usize);
        }
        if let Some(cue) = scan.after.get(at)
            && cue.after != After::Nothing
        {
            set(out, at, CUE + cue.after as usize);
        }
        if at + 1 < window.count()
            && let Some(cue) = scan.after.get(at + 1)
            && cue.after != After::Nothing
        {
            set(out, at, CUE_NEXT + cue.after as usize);
        }
    }
    let tokens = scan.tokens.partition_point(|token| (token.end as usize) <= from);
    for token in scan.tokens.iter().skip(tokens).take_while(|token| (token.start as usize) < to) {
        let info = token.info;
        let bits = [
            info.given() > 0,
            info.surname() > 0,
            info.further() & 1 != 0,
            info.further() & 2 != 0,
            info.has(Latin::ROMAJI_SURNAME),
            info.has(Latin::ROMAJI_GIVEN),
            info.has(Latin::ENGLISH),
            info.has(Latin::TECHNICAL),
            info.has(Latin::EPONYM),
            token.upper,
            token.capital && !token.upper,
            !token.capital,
        ];
        for at in (token.start as usize).max(from)..(token.end as usize).min(to) {
            for (mark, bit) in bits.iter().enumerate() {
                if *bit {
                    set(out, at, LATIN + mark);
                }
            }
        }
    }
}

/// Call `put` with the weight slot (mark, distance + 2) for every mark seen from the letter at `at`.
pub fn seen_marks(marks: &[Marks], at: usize, mut put: impl FnMut(usize)) {
    for distance in 0..REACH {
        let Some(from) = (at + distance).checked_sub(2) else { continue };
        let Some(bits) = marks.get(from) else { continue };
        for (word, bits) in bits.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let mark = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if reaches(mark, distance) {
                    put(mark * REACH + distance);
                }
            }
        }
    }
}
