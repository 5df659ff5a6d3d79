//! What is known of one word, packed into a number: a Japanese word with its ambiguity, a Latin word.
//! Must not know: where the words stand.

/// What is known of a Japanese word, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word(pub u32);

/// A class a word may have beside being a surname or given name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sense {
    Surname,
    Given,
    Person,
    Place,
    Proper,
    Noun,
    Other,
    Affix,
    Term,
}

impl Sense {
    pub const ALL: [Sense; 9] = [
        Sense::Surname,
        Sense::Given,
        Sense::Person,
        Sense::Place,
        Sense::Proper,
        Sense::Noun,
        Sense::Other,
        Sense::Affix,
        Sense::Term,
    ];
}

/// The step of a name from the second list.
pub(super) const EXTRA: u32 = 11;
/// Steps of a name's weight: 0 no name, 1–9 by cost, 10 nothing but a name, 11 from the second list, 12–16 a reading.
pub const STEPS: usize = 17;

impl Word {
    const PERSON: u32 = 1 << 8;
    const PLACE: u32 = 1 << 9;
    const PROPER: u32 = 1 << 10;
    pub(super) const NOUN: u32 = 1 << 11;
    const OTHER: u32 = 1 << 12;
    const AFFIX: u32 = 1 << 13;
    pub(super) const TERM: u32 = 1 << 14;

    #[must_use]
    pub const fn none(self) -> bool {
        self.0 == 0
    }
    fn reading(self, shift: u32) -> u32 {
        (self.0 >> shift) & 7
    }
    /// Step of the surname, readings included.
    #[must_use]
    pub fn surname(self) -> usize {
        match (self.0 & 15, self.reading(18)) {
            (0, 0) => 0,
            (0, reading) => 11 + reading as usize,
            (step, _) => step as usize,
        }
    }
    /// Step of the given name, readings included.
    #[must_use]
    pub fn given(self) -> usize {
        match ((self.0 >> 4) & 15, self.reading(21)) {
            (0, 0) => 0,
            (0, reading) => 11 + reading as usize,
            (step, _) => step as usize,
        }
    }
    /// Step of the number of people of that surname, 0–4.
    #[must_use]
    pub const fn heads(self) -> usize {
        ((self.0 >> 15) & 7) as usize
    }
    #[must_use]
    pub fn has(self, sense: Sense) -> bool {
        match sense {
            Sense::Surname => self.0 & 15 != 0,
            Sense::Given => self.0 & 0xf0 != 0,
            Sense::Person => self.0 & Self::PERSON != 0,
            Sense::Place => self.0 & Self::PLACE != 0,
            Sense::Proper => self.0 & Self::PROPER != 0,
            Sense::Noun => self.0 & Self::NOUN != 0,
            Sense::Other => self.0 & Self::OTHER != 0,
            Sense::Affix => self.0 & Self::AFFIX != 0,
            Sense::Term => self.0 & Self::TERM != 0,
        }
    }
    /// A word that is no name at all.
    #[must_use]
    pub const fn ordinary(self) -> bool {
        self.0 & (0xff | Self::PERSON) == 0
            && self.0 & (Self::PLACE | Self::PROPER | Self::NOUN | Self::OTHER | Self::AFFIX | Self::TERM) != 0
    }
    /// Does a longer word like this say that what it holds is no name?
    #[must_use]
    pub const fn covers(self) -> bool {
        self.ordinary() || self.0 & Self::TERM != 0
    }
    /// As cover: 1 place, 2 other proper noun, 3 other word, 4 noun, 5 medical or company term.
    #[must_use]
    pub const fn cover(self) -> usize {
        if self.0 & Self::TERM != 0 {
            5
        } else if self.0 & Self::PLACE != 0 {
            1
        } else if self.0 & Self::PROPER != 0 {
            2
        } else if self.0 & (Self::NOUN | Self::AFFIX) != 0 {
            4
        } else {
            3
        }
    }
    /// How far a name is also something else: 0 no name, 1 rather something else, 2 rather a name, 3 nothing but a
    /// name, 4 known as a reading or from the second list.
    #[must_use]
    pub const fn sureness(step: usize) -> usize {
        match step {
            0 => 0,
            1..=5 => 1,
            6..=9 => 2,
            10 => 3,
            _ => 4,
        }
    }
}

/// What is known of a Latin word, packed: bits 0–1 given rank+1, 2–4 surname rank+1, 5 and 6 further given and surname,
/// 7 and 8 romaji surname and given, 9 English word, 10 technical word, 11 eponym.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latin(pub u32);

impl Latin {
    pub const ENGLISH: u32 = 1 << 9;
    pub const TECHNICAL: u32 = 1 << 10;
    pub const EPONYM: u32 = 1 << 11;
    pub const ROMAJI_SURNAME: u32 = 1 << 7;
    pub const ROMAJI_GIVEN: u32 = 1 << 8;
    #[must_use]
    pub const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
    /// Some list holds it as a name.
    #[must_use]
    pub const fn name(self) -> bool {
        self.0 & 0x1ff != 0
    }
    #[must_use]
    pub const fn given(self) -> usize {
        (self.0 & 3) as usize
    }
    #[must_use]
    pub const fn surname(self) -> usize {
        ((self.0 >> 2) & 7) as usize
    }
    #[must_use]
    pub const fn further(self) -> usize {
        ((self.0 >> 5) & 3) as usize
    }
}

/// The marks of a line of `japanese.tsv`: value, whether it is a surname reading, whether it is a given reading.
pub(super) fn marks_of(marks: &str) -> Option<(u32, bool, bool)> {
    let (mut value, mut surname, mut given) = (0, false, false);
    let mut letters = marks.chars();
    while let Some(mark) = letters.next() {
        let mut step = |top: u32| match letters.next()? {
            'u' => Some(10),
            c => c.to_digit(10).map(|n| n.min(top) + 1),
        };
        value |= match mark {
            'S' => step(8)?,
            'G' => step(8)? << 4,
            's' => {
                surname = true;
                step(4)? << 18
            }
            'g' => {
                given = true;
                step(4)? << 21
            }
            'P' => Word::PERSON,
            'L' => Word::PLACE,
            'O' => Word::PROPER,
            'N' => Word::NOUN,
            'V' => Word::OTHER,
            'F' => Word::AFFIX,
            _ => return None,
        };
    }
    Some((value, surname, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read() {
        let (value, surname, given) = marks_of("S4GuLNs2").unwrap_or_default();
        let word = Word(value);
        assert_eq!((word.surname(), word.given(), surname, given), (5, 10, true, false));
        assert!(word.has(Sense::Place) && word.has(Sense::Noun) && !word.ordinary());
        assert!(marks_of("Q").is_none());
    }
}
