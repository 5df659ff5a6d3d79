//! The words of `patterns/clinical/words.toml`, ready to look up.
//! Must not know: items, scores.

use serde::Deserialize;

use super::value::Words;
use crate::detect::text::Text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lists {
    pub(super) not_counted: Vec<String>,
    joiners: Vec<String>,
    vital_joiners: Vec<String>,
    sides: Vec<String>,
    times: Vec<String>,
    after_threshold: Vec<String>,
    before_near: Vec<String>,
    before_sentence: Vec<String>,
    teaching: Vec<String>,
    care: Vec<String>,
    counters: Vec<String>,
    qualitative: Vec<String>,
    signs: Vec<String>,
    assay_endings: Vec<String>,
    previous: Vec<String>,
    later: Vec<String>,
    units: Vec<String>,
}

/// The lists, as automata.
pub(super) struct Vocabulary {
    pub(super) joiners: Words,
    pub(super) vital_joiners: Words,
    pub(super) sides: Words,
    pub(super) times: Words,
    pub(super) after_threshold: Words,
    pub(super) before_near: Words,
    pub(super) before_sentence: Words,
    pub(super) teaching: Words,
    pub(super) care: Words,
    pub(super) counters: Words,
    pub(super) qualitative: Words,
    pub(super) signs: Words,
    pub(super) assay_endings: Vec<String>,
    pub(super) previous: Words,
    pub(super) later: Words,
    pub(super) units: Words,
}

impl Lists {
    /// The embedded lists. They are read by a test of this crate, so a broken file never ships.
    pub(super) fn shipped() -> Self {
        toml::from_str(include_str!("../../../../patterns/clinical/words.toml"))
            .unwrap_or_else(|_| unreachable!("patterns/clinical/words.toml is read in the tests"))
    }
}

impl Vocabulary {
    /// `more_units` are those of the items' rows.
    pub(super) fn new(lists: Lists, more_units: impl Iterator<Item = String>) -> Self {
        let fold = |words: Vec<String>| -> Vec<String> {
            words.iter().map(|word| Text::new(word).folded().to_owned()).collect()
        };
        let words = |list: Vec<String>| Words::new(&fold(list));
        let mut units = fold(lists.units);
        units.extend(more_units.map(|unit| Text::new(&unit).folded().to_owned()));
        units.retain(|unit| !unit.is_empty());
        units.sort();
        units.dedup();
        Self {
            joiners: words(lists.joiners),
            vital_joiners: words(lists.vital_joiners),
            sides: words(lists.sides),
            times: words(lists.times),
            after_threshold: words(lists.after_threshold),
            before_near: words(lists.before_near),
            before_sentence: words(lists.before_sentence),
            teaching: words(lists.teaching),
            care: words(lists.care),
            counters: words(lists.counters),
            qualitative: words(lists.qualitative),
            signs: words(lists.signs),
            assay_endings: fold(lists.assay_endings),
            previous: words(lists.previous),
            later: words(lists.later),
            units: Words::any_case(&units),
        }
    }
}
