//! Which stretches of a window might be names: dictionary words alone and joined, strings before an honorific or after
//! a label, katakana and Latin runs, initials, HL7 components. Proposes generously; `features` and the weights choose.
//! Must not know: scores.

mod japanese;
mod latin;

use super::cues::{After, Before, Cues};
use super::letter::{Script, Window};
use super::lexicon::Lexicon;
use super::scan::Scan;

/// How a candidate came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Form {
    Surname,
    Given,
    Full,
    FullHiragana,
    FullGap,
    FullMixed,
    FullUnknown,
    FullGapUnknown,
    SurnameLatin,
    Spaced,
    Unknown,
    Labelled,
    KanaPair,
    Foreign,
    Katakana,
    KatakanaSurname,
    PlaceSurname,
    PlaceFull,
    Latin1,
    Latin2,
    Latin3,
    Latin4,
    LatinParticle,
    Hl7,
    Initials,
    Hangul,
}

impl Form {
    pub const COUNT: usize = 26;
    pub const WORDS: [&'static str; Self::COUNT] = [
        "surname",
        "given",
        "full",
        "full_hiragana",
        "full_gap",
        "full_mixed",
        "full_unknown",
        "full_gap_unknown",
        "surname_latin",
        "spaced",
        "unknown",
        "labelled",
        "kana_pair",
        "foreign",
        "katakana",
        "katakana_surname",
        "place_surname",
        "place_full",
        "latin_1",
        "latin_2",
        "latin_3",
        "latin_4",
        "latin_particle",
        "hl7",
        "initials",
        "hangul",
    ];

    /// 0 a full name, 1 one part, 2 not Japanese.
    #[must_use]
    pub const fn shape(self) -> usize {
        match self {
            Form::Surname | Form::Given | Form::Unknown | Form::Katakana | Form::PlaceSurname | Form::Labelled => 1,
            Form::Latin1
            | Form::Latin2
            | Form::Latin3
            | Form::Latin4
            | Form::LatinParticle
            | Form::Hl7
            | Form::Initials
            | Form::Hangul => 2,
            _ => 0,
        }
    }

    #[must_use]
    pub const fn latin(self) -> bool {
        matches!(self, Form::Latin1 | Form::Latin2 | Form::Latin3 | Form::Latin4 | Form::LatinParticle)
    }
}

/// A stretch of a window that might be a name. `first` is the end of the surname (or of the first component), `second`
/// the start of the given name; both equal `start` when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub start: u32,
    pub end: u32,
    pub form: Form,
    pub first: u32,
    pub second: u32,
}

/// Most proposals that start at one letter.
const MOST: usize = 40;

impl Scan {
    fn put(&mut self, start: usize, end: usize, form: Form, first: usize, second: usize) {
        if start < end {
            self.proposals.push(Proposal {
                start: start as u32,
                end: end as u32,
                form,
                first: first as u32,
                second: second as u32,
            });
        }
    }

    /// Propose what might be a name, in order.
    pub(super) fn propose(&mut self, window: &Window, lexicon: &Lexicon, cues: &Cues) {
        self.proposals.clear();
        let tokens = std::mem::take(&mut self.tokens);
        let mut latin = tokens.as_slice();
        for start in 0..window.count() {
            let size = self.proposals.len();
            match window.script(start) {
                script if script.japanese() => {
                    self.dictionary(window, start);
                    if script == Script::Kanji {
                        self.spaced(window, lexicon, start);
                    }
                    if script == Script::Katakana && window.before(start) != Script::Katakana {
                        self.katakana(window, start);
                    }
                }
                Script::Hangul if window.before(start) != Script::Hangul => {
                    let end = window.run(start, 6, Script::Hangul);
                    if (2..=4).contains(&(end - start)) {
                        self.put(start, end, Form::Hangul, start, start);
                    }
                }
                Script::Latin => self.initials(window, start),
                _ => {}
            }
            if self.before.get(start).is_some_and(|cue| cue.before != Before::Nothing) {
                self.labelled(window, start);
            }
            let here = self.after.get(start).copied().unwrap_or_default();
            if matches!(here.after, After::Honorific | After::Title) {
                self.unknown(window, cues, start);
            }
            if window.letter(start) == '^' {
                self.hl7(window, start);
            }
            self.proposals.truncate(size + MOST * 2);
            if let [first, rest @ ..] = latin
                && first.start as usize == start
            {
                self.latin(window, first, rest);
                latin = rest;
            }
        }
        self.tokens = tokens;
        self.sort();
    }

    /// In order, each once. Nearly in order they are already: every proposal moves a few places at most, as none begins more
    /// than `labelled` or `hl7` look back.
    fn sort(&mut self) {
        let key = |p: &Proposal| (p.start, p.end, p.form, p.first, p.second);
        let proposals = &mut self.proposals;
        for at in 1..proposals.len() {
            let mut to = at;
            while to > 0 && matches!(proposals.get(to - 1..=to), Some([before, this]) if key(before) > key(this)) {
                proposals.swap(to - 1, to);
                to -= 1;
            }
        }
        proposals.dedup();
    }
}
