//! The list as it is searched: sorted tags of each class, each behind a filter that answers nearly every miss.
//! Holds no name: tags and counts, and `Debug` prints counts.
//! Must not know: files, how a tag was made.

use xorf::{BinaryFuse8, BinaryFuse16, Filter as _};

use super::form;
use super::tag::{Class, Probe, Tagger};

/// What an index is built of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Tags by class, in any order, repeated or not.
    pub tags: [Vec<u64>; Class::ALL.len()],
    /// Prefixes of `Class::NAMES`.
    pub prefixes: [Vec<u64>; Class::NAMES.len()],
    /// Numbers by the count of their digits and letters.
    pub lengths: [u32; super::person::LONGEST + 1],
    /// Letters of the longest key of `Class::NAMES`.
    pub longest: [u8; Class::NAMES.len()],
    /// People.
    pub people: u64,
    /// Digest of the file.
    pub digest: String,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            tags: Default::default(),
            prefixes: Default::default(),
            lengths: [0; super::person::LONGEST + 1],
            longest: [0; Class::NAMES.len()],
            people: 0,
            digest: String::new(),
        }
    }
}

/// Letters that a key in kana is made of, and in Latin letters.
const KANA: usize = 'ー' as usize - 'ァ' as usize + 1;
const LATIN: usize = 26;

fn kana_place(letter: char) -> Option<usize> {
    (letter as usize).checked_sub('ァ' as usize).filter(|place| *place < KANA)
}

fn latin_place(letter: char) -> Option<usize> {
    (letter as usize).checked_sub('a' as usize).filter(|place| *place < LATIN)
}

fn places(letters: [char; 3], place: fn(char) -> Option<usize>, count: usize) -> Option<usize> {
    letters.into_iter().try_fold(0, |sum, letter| Some(sum * count + place(letter)?))
}

/// Where three letters stand, by the place of one.
type Place<'a> = &'a dyn Fn(fn(char) -> Option<usize>) -> Option<usize>;

/// Every three of these letters.
fn three(letters: &[char], mut each: impl FnMut(Place<'_>, &str)) {
    for a in letters {
        for b in letters {
            for c in letters {
                let begin: String = [*a, *b, *c].iter().collect();
                let count = if a.is_ascii() { LATIN } else { KANA };
                each(&|place| places([*a, *b, *c], place, count), &begin);
            }
        }
    }
}

/// One bit a place.
struct Bits(Vec<u64>);

impl Bits {
    fn of(places: usize) -> Self {
        Self(vec![0; places.div_ceil(64)])
    }

    fn set(&mut self, place: usize) {
        if let Some(bits) = self.0.get_mut(place / 64) {
            *bits |= 1 << (place % 64);
        }
    }

    #[inline]
    fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
    }
}

/// Why an index cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the filter over {tags} tags could not be built: import the list again")]
pub struct IndexError {
    pub tags: usize,
}

struct Set {
    filter: BinaryFuse8,
    tags: Vec<u64>,
}

/// The hospital's list, ready to be searched.
pub struct Index {
    tagger: Tagger,
    sets: Vec<Set>,
    /// How full names begin: two letters, and the bits below.
    beginnings: BinaryFuse16,
    /// First letters of full names, by code point.
    firsts: Bits,
    /// First three letters in kana and in Latin letters.
    kana: Bits,
    latin: Bits,
    latin_two: Bits,
    /// Last three letters, turned round.
    latin_ends: Bits,
    longest: [u8; Class::NAMES.len()],
    lengths: [u32; super::person::LONGEST + 1],
    people: u64,
    digest: String,
}

impl Index {
    /// Sort, drop what stands twice, build the filters.
    ///
    /// # Errors
    /// When a filter cannot be built, which happens to one of 2^64 sets of tags.
    pub fn build(tagger: Tagger, parts: Parts) -> Result<Self, IndexError> {
        let mut sets = Vec::with_capacity(parts.tags.len());
        for mut tags in parts.tags {
            tags.sort_unstable();
            tags.dedup();
            tags.shrink_to_fit();
            let filter = BinaryFuse8::try_from(tags.as_slice()).map_err(|_| IndexError { tags: tags.len() })?;
            sets.push(Set { filter, tags });
        }
        let mut prefixes = Vec::with_capacity(parts.prefixes.len());
        for mut tags in parts.prefixes {
            tags.sort_unstable();
            tags.dedup();
            prefixes.push(tags);
        }
        let known = |class: Class, letters: &str| {
            prefixes
                .get(class.number())
                .is_some_and(|tags| !tags.is_empty() && tags.binary_search(&tagger.prefix(class, letters)).is_ok())
        };
        // The short beginnings are asked for at every letter: whoever has the key can list them, so they are listed here.
        let mut firsts = Bits::of(1 << 16);
        for letter in '\u{0}'..='\u{ffff}' {
            if form::full(letter) == Some(letter) && known(Class::Full, letter.encode_utf8(&mut [0; 4])) {
                firsts.set(letter as usize);
            }
        }
        let (mut kana, mut latin) = (Bits::of(KANA * KANA * KANA), Bits::of(LATIN * LATIN * LATIN));
        let letters: Vec<char> = ('ァ'..='ー').filter(|letter| form::kana(*letter) == Some(*letter)).collect();
        three(&letters, |place, begin| {
            if let Some(place) = place(kana_place).filter(|_| known(Class::Kana, begin)) {
                kana.set(place);
            }
        });
        let mut latin_two = Bits::of(LATIN * LATIN);
        let mut latin_ends = Bits::of(LATIN * LATIN * LATIN);
        let letters: Vec<char> = ('a'..='z').collect();
        three(&letters, |place, begin| {
            if let Some(place) = place(latin_place).filter(|_| known(Class::Latin, begin)) {
                latin.set(place);
                latin_two.set(place / LATIN);
            }
            let ends =
                prefixes.get(Class::Latin.number()).is_some_and(|tags| tags.binary_search(&tagger.end(begin)).is_ok());
            if let Some(place) = place(latin_place).filter(|_| ends) {
                latin_ends.set(place);
            }
        });
        let full = prefixes.first().map(Vec::as_slice).unwrap_or_default();
        let beginnings = BinaryFuse16::try_from(full).map_err(|_| IndexError { tags: full.len() })?;
        Ok(Self {
            tagger,
            sets,
            beginnings,
            firsts,
            kana,
            latin,
            latin_two,
            latin_ends,
            longest: parts.longest,
            lengths: parts.lengths,
            people: parts.people,
            digest: parts.digest,
        })
    }

    #[must_use]
    pub fn people(&self) -> u64 {
        self.people
    }

    /// Digest of the file: findings under one list are not those under another.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Different tags of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        self.sets.get(class.number()).map_or(0, |set| set.tags.len())
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let sets: usize = self.sets.iter().map(|set| set.tags.capacity() * 8 + set.filter.len()).sum();
        let bits = [&self.firsts, &self.kana, &self.latin];
        sets + self.beginnings.len() * 2 + bits.iter().map(|bits| bits.0.len() * 8).sum::<usize>()
    }

    /// Is this key in the list?
    #[must_use]
    pub fn holds(&self, class: Class, key: &str) -> bool {
        self.has(class, self.tagger.tag(class, key))
    }

    pub(super) fn probe(&self, class: Class, probe: &Probe) -> bool {
        self.has(class, self.tagger.probe(probe))
    }

    /// May a full name begin with this letter?
    #[inline]
    pub(super) fn begins_with(&self, letter: char) -> bool {
        letter > '\u{ffff}' || self.firsts.has(letter as usize)
    }

    /// May a full name begin like this? (`probe` was begun as a prefix and has two letters.)
    pub(super) fn begins(&self, probe: &Probe) -> bool {
        self.beginnings.len() > 0 && self.beginnings.contains(&self.tagger.probe(probe))
    }

    /// May a name in kana begin with these three letters of a key?
    pub(super) fn begins_in_kana(&self, letters: [char; 3]) -> bool {
        places(letters, kana_place, KANA).is_some_and(|place| self.kana.has(place))
    }

    /// May a name in Latin letters begin with these three letters of a key?
    pub(super) fn begins_in_latin(&self, letters: [u8; 3]) -> bool {
        places(letters.map(char::from), latin_place, LATIN).is_some_and(|place| self.latin.has(place))
    }

    /// The same for two of three letters.
    pub(super) fn begins_with_two(&self, first: u8, second: u8) -> bool {
        match (latin_place(char::from(first)), latin_place(char::from(second))) {
            (Some(first), Some(second)) => self.latin_two.has(first * LATIN + second),
            _ => false,
        }
    }

    /// May a name in Latin letters end with these three letters of a key?
    pub(super) fn ends_in_latin(&self, letters: [u8; 3]) -> bool {
        let [a, b, c] = letters.map(char::from);
        places([c, b, a], latin_place, LATIN).is_some_and(|place| self.latin_ends.has(place))
    }

    /// Letters of the longest key of a class of names.
    pub(super) fn longest(&self, class: Class) -> usize {
        self.longest.get(class.number()).copied().map_or(0, usize::from)
    }

    fn has(&self, class: Class, tag: u64) -> bool {
        self.sets.get(class.number()).is_some_and(|set| {
            !set.tags.is_empty() && set.filter.contains(&tag) && set.tags.binary_search(&tag).is_ok()
        })
    }

    /// The share of all numbers of this length that are in the list: above one in a hundred a number says nothing by
    /// itself.
    pub(super) fn telling(&self, key: &str) -> bool {
        let digits = key.bytes().filter(u8::is_ascii_digit).count();
        let letters = key.len() - digits;
        let all = 10_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX))
            * 26_f64.powi(i32::try_from(letters).unwrap_or(i32::MAX));
        let listed = self.lengths.get(key.len()).copied().unwrap_or(0);
        f64::from(listed) * 100.0 <= all
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("people", &self.people)
            .field("digest", &self.digest)
            .field("tags", &self.sets.iter().map(|set| set.tags.len()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_holds_nothing_and_a_small_one_what_was_put_in() {
        let tagger = Tagger::new(&[3; 16]);
        let empty = Index::build(tagger.clone(), Parts::default()).unwrap();
        assert!(!empty.holds(Class::Full, "山田太郎"));
        for count in [1_usize, 2, 3, 10, 1000] {
            let mut parts = Parts::default();
            let keys: Vec<String> = (0..count).map(|at| format!("名{at}")).collect();
            parts.tags[0] = keys.iter().chain(&keys).map(|key| tagger.tag(Class::Full, key)).collect();
            let index = Index::build(tagger.clone(), parts).unwrap();
            assert_eq!(index.count(Class::Full), count);
            assert!(keys.iter().all(|key| index.holds(Class::Full, key) && !index.holds(Class::Kana, key)));
            assert!(!index.holds(Class::Full, "名-"));
        }
    }

    #[test]
    fn a_crowded_range_of_numbers_says_nothing_by_itself() {
        let mut parts = Parts::default();
        parts.lengths[7] = 1_000_000;
        parts.lengths[10] = 1_000_000;
        let index = Index::build(Tagger::new(&[3; 16]), parts).unwrap();
        assert!(!index.telling("1234567") && index.telling("1234567890") && index.telling("ABC1234"));
    }
}
