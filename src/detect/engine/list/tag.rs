//! Keyed tags: SipHash-2-4 over a class and a key, 64 bits. Without the key of the ring a tag says nothing of a name.
//! Must not know: where keys come from, files.

use siphasher::sip::SipHasher24;
use zeroize::Zeroizing;

/// What a tag is of. The number stands in the file and in the tag: never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// A full name in which at least one letter is no kana.
    Full,
    /// A full name in kana.
    Kana,
    /// A full name in Latin letters, surname first where that is known.
    Latin,
    /// A surname alone, which is evidence and never a hit of its own.
    Surname,
    /// A patient's number as it is written, zeros in front included.
    Number,
    /// The same without the zeros in front, where that makes a difference.
    Bare,
    Phone,
}

impl Class {
    pub const ALL: [Class; 7] =
        [Class::Full, Class::Kana, Class::Latin, Class::Surname, Class::Number, Class::Bare, Class::Phone];
    /// Classes of full names: these have prefixes.
    pub const NAMES: [Class; 3] = [Class::Full, Class::Kana, Class::Latin];

    /// Its place in `ALL`, which is its number in the file.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }

    /// The class with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The word in `list status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Full => "name",
            Class::Kana => "kana",
            Class::Latin => "romaji",
            Class::Surname => "surname",
            Class::Number => "number",
            Class::Bare => "number without zeros",
            Class::Phone => "phone",
        }
    }

    /// How many letters of a key are its prefix: what must be in the list before longer stretches are looked at.
    #[must_use]
    pub const fn prefix(self) -> Option<usize> {
        match self {
            Class::Full => Some(2),
            Class::Kana | Class::Latin => Some(3),
            _ => None,
        }
    }
}

/// Added to a class where a prefix is meant.
const PREFIX: u8 = 0x40;
/// Added where an end is meant.
const END: u8 = 0x20;
/// A person, by number or names: which row a row replaces.
const PERSON: u8 = 0x80;

/// Makes tags. `Debug` prints nothing of the key.
#[derive(Clone)]
pub struct Tagger(SipHasher24);

impl Tagger {
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(key))
    }

    /// The tag of a key.
    #[must_use]
    pub fn tag(&self, class: Class, key: &str) -> u64 {
        self.of(class as u8, key)
    }

    /// The tag of the first letters of a key.
    #[must_use]
    pub fn prefix(&self, class: Class, letters: &str) -> u64 {
        self.of(class as u8 | PREFIX, letters)
    }

    /// The tag of the last letters of a key in Latin script, turned round.
    #[must_use]
    pub fn end(&self, letters: &str) -> u64 {
        self.of(Class::Latin as u8 | END, letters)
    }

    /// The tag of a person.
    #[must_use]
    pub fn person(&self, key: &str) -> u64 {
        self.of(PERSON, key)
    }

    fn of(&self, class: u8, key: &str) -> u64 {
        let mut bytes = Zeroizing::new(Vec::with_capacity(key.len() + 1));
        bytes.push(class);
        bytes.extend_from_slice(key.as_bytes());
        self.0.hash(&bytes)
    }

    /// The tag of a key that grows.
    pub(super) fn probe(&self, probe: &Probe) -> u64 {
        self.0.hash(&probe.bytes)
    }
}

impl std::fmt::Debug for Tagger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tagger")
    }
}

/// A key while it grows, letter by letter.
#[derive(Default)]
pub(super) struct Probe {
    bytes: Vec<u8>,
}

impl Probe {
    pub(super) fn begin(&mut self, class: Class) {
        self.bytes.clear();
        self.bytes.push(class as u8);
    }

    pub(super) fn begin_prefix(&mut self, class: Class) {
        self.begin(class);
        if let Some(first) = self.bytes.first_mut() {
            *first |= PREFIX;
        }
    }

    /// From a prefix to the whole.
    pub(super) fn is_whole(&mut self, class: Class) {
        if let Some(first) = self.bytes.first_mut() {
            *first = class as u8;
        }
    }

    pub(super) fn push(&mut self, letter: char) {
        let mut buffer = [0; 4];
        self.bytes.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn key(&self) -> &[u8] {
        self.bytes.get(1..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_prefixes_and_keys_have_tags_of_their_own() {
        let tagger = Tagger::new(&[7; 16]);
        let mut tags: Vec<u64> = Class::ALL.iter().map(|class| tagger.tag(*class, "山田")).collect();
        tags.extend(Class::NAMES.iter().map(|class| tagger.prefix(*class, "山田")));
        tags.push(tagger.person("山田"));
        tags.push(Tagger::new(&[8; 16]).tag(Class::Full, "山田"));
        let mut apart = tags.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), tags.len());
        let mut probe = Probe::default();
        probe.begin_prefix(Class::Full);
        probe.push('山');
        probe.push('田');
        assert_eq!(tagger.probe(&probe), tagger.prefix(Class::Full, "山田"));
        probe.is_whole(Class::Full);
        assert_eq!(tagger.probe(&probe), tagger.tag(Class::Full, "山田"));
        assert_eq!(format!("{tagger:?}"), "Tagger");
    }

    /// The reference vector of SipHash-2-4 (Aumasson and Bernstein, appendix A), so that a library's change is seen.
    #[test]
    fn the_hash_is_siphash_2_4() {
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(SipHasher24::new_with_key(&key).hash(&message), 0xa129_ca61_49be_45e5);
    }
}
