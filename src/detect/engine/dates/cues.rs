//! The words around dates, and what they make of a text.
//! They are data (`patterns/date/cues.tsv`); all are found at once, the longest at each place.
//! Must not know: dates.

use std::ops::Range;

use crate::detect::literals::{Found, Literals};

/// What a word says of a date near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    BirthBefore,
    Care,
    Other,
    Score,
    Part,
    Clinical,
    Office,
}

/// A word in a text. One word may stand in several sets: it then gives several hits.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    pub(super) cue: Cue,
    word: usize,
}

#[derive(Debug)]
pub(super) struct Cues {
    words: Literals,
    /// For each word its sets.
    sets: Vec<Vec<Cue>>,
}

impl Cues {
    pub(super) fn shipped() -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut sets: Vec<Vec<Cue>> = Vec::new();
        for line in include_str!("../../../../patterns/date/cues.tsv").lines().filter(|line| !line.starts_with('#')) {
            let Some((name, list)) = line.split_once('\t') else { continue };
            let Some(cue) = cue(name) else { continue };
            for word in list.split(['|', '\t']).map(str::trim).filter(|word| !word.is_empty()) {
                let word = word.to_lowercase();
                match words.iter().position(|known| *known == word) {
                    Some(at) => {
                        if let Some(known) = sets.get_mut(at).filter(|known| !known.contains(&cue)) {
                            known.push(cue);
                        }
                    }
                    None => {
                        words.push(word);
                        sets.push(vec![cue]);
                    }
                }
            }
        }
        Self { words: Literals::any_case(words), sets }
    }

    /// All words of a text, in order.
    pub(super) fn scan(&self, text: &str) -> Vec<Hit> {
        let bytes = text.as_bytes();
        let letter = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
        let mut hits = Vec::new();
        for Found { range, word } in self.words.find_iter(text) {
            let first = bytes.get(range.start).is_some_and(u8::is_ascii_alphabetic);
            let last = range.end.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
            if (first && letter(range.start.checked_sub(1))) || (last && letter(Some(range.end))) {
                continue;
            }
            for cue in self.sets.get(word).into_iter().flatten() {
                hits.push(Hit { range: range.clone(), cue: *cue, word });
            }
        }
        hits
    }

    /// What the name of a field says.
    pub(super) fn of_field(&self, label: &str) -> Option<Cue> {
        let hits = self.scan(label);
        let has = |cue: Cue| hits.iter().any(|hit| hit.cue == cue);
        if has(Cue::BirthBefore) {
            Some(Cue::BirthBefore)
        } else if has(Cue::Care) && !has(Cue::Other) {
            Some(Cue::Care)
        } else {
            None
        }
    }
}

fn cue(name: &str) -> Option<Cue> {
    Some(match name {
        "birth_before" => Cue::BirthBefore,
        "care" => Cue::Care,
        "other" => Cue::Other,
        "score" => Cue::Score,
        "part" => Cue::Part,
        "clinical" => Cue::Clinical,
        "office" => Cue::Office,
        _ => return None,
    })
}

/// How much a text is about the care of a person: different clinical words, less twice the words of other business.
pub(super) fn care(hits: &[Hit]) -> f32 {
    let different = |cue: Cue| {
        let mut words: Vec<usize> = hits.iter().filter(|hit| hit.cue == cue).map(|hit| hit.word).collect();
        words.sort_unstable();
        words.dedup();
        words.len() as f32
    };
    different(Cue::Clinical) - 1.5 * different(Cue::Office)
}
