//! The words behind the tokens of one request: (code, suffix) → exactly one word, or none.
//! Words are wiped on drop; `Debug` prints counts. Must not know: how tokens are found in an answer, storage.

use std::collections::HashMap;
use std::ops::Range;

use super::wiped::Wiped;

use super::find::TokenAt;
use super::token::{Code, Suffix};
use crate::detect::Kind;

/// The longest that a token is written: label, code, suffix, interval, brackets, with room for what models add.
/// Bytes of UTF-8.
const TOKEN_ROOM: usize = 160;

/// One word of the map.
#[derive(Clone, Copy)]
pub struct Word<'a> {
    /// The exact surface that was replaced.
    pub text: &'a str,
    pub kind: Kind,
    /// A lab value that the service has not seen: shown with the blind mark.
    pub blind: bool,
    /// Known from the vault only (not sent in this request): restored in text, never in tool arguments.
    pub vault: bool,
}

struct Entry {
    word: Wiped,
    kind: Kind,
    blind: bool,
    vault: bool,
    /// Two words claimed it: never restored.
    ambiguous: bool,
}

/// (code, suffix) → word. `Debug` prints counts only.
#[derive(Default)]
pub struct WordMap {
    entries: HashMap<(Code, Suffix), Entry>,
    codes: std::collections::BTreeSet<Code>,
    ambiguous: u32,
}

/// What `insert` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    New,
    Same,
    /// Another word stands there: the entry is ambiguous from now on and is never restored.
    Clash,
}

impl WordMap {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Put a word of this request in.
    pub fn insert(&mut self, code: Code, suffix: Suffix, word: &str, kind: Kind, blind: bool) -> Inserted {
        self.put(code, suffix, word, kind, blind, false)
    }

    /// Put a word of the scope's vault in.
    pub fn insert_from_vault(&mut self, code: Code, suffix: Suffix, word: &str, kind: Kind, blind: bool) -> Inserted {
        self.put(code, suffix, word, kind, blind, true)
    }

    fn put(&mut self, code: Code, suffix: Suffix, word: &str, kind: Kind, blind: bool, vault: bool) -> Inserted {
        use std::collections::hash_map::Entry as Slot;
        match self.entries.entry((code, suffix)) {
            Slot::Vacant(slot) => {
                slot.insert(Entry { word: Wiped::new(word.to_owned()), kind, blind, vault, ambiguous: false });
                self.codes.insert(code);
                Inserted::New
            }
            Slot::Occupied(mut slot) => {
                let entry = slot.get_mut();
                if entry.word.as_str() == word {
                    entry.vault &= vault;
                    entry.blind |= blind;
                    return Inserted::Same;
                }
                if !entry.ambiguous {
                    entry.ambiguous = true;
                    self.ambiguous += 1;
                }
                Inserted::Clash
            }
        }
    }

    /// The one word of this code and suffix; none when unknown or ambiguous.
    #[must_use]
    pub fn lookup(&self, code: &Code, suffix: &Suffix) -> Option<Word<'_>> {
        self.entries.get(&(*code, *suffix)).filter(|entry| !entry.ambiguous).map(word)
    }

    /// The word that stands there, restorable or not.
    pub(super) fn peek(&self, code: &Code, suffix: &Suffix) -> Option<&str> {
        self.entries.get(&(*code, *suffix)).map(|entry| entry.word.as_str())
    }

    /// The word of a token as it stands in a text, and the bytes that belong to it: a tail that only looks like a
    /// suffix (`PATIENT_7K3Q2F9M_0512.docx`) stays outside.
    #[must_use]
    pub fn resolve(&self, token: &TokenAt) -> Option<(Range<usize>, Word<'_>)> {
        token.readings().find_map(|(range, suffix)| self.lookup(&token.code, &suffix).map(|word| (range, word)))
    }

    /// Does any entry carry this code?
    #[must_use]
    pub fn has_code(&self, code: &Code) -> bool {
        self.codes.contains(code)
    }

    /// The codes in order: what a stream may hold back for when brackets and label are lost.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        self.codes.iter()
    }

    /// Every word that can be restored, with its code and suffix, in no order.
    pub fn words(&self) -> impl Iterator<Item = (&Code, &Suffix, Word<'_>)> {
        self.entries
            .iter()
            .filter(|(_, entry)| !entry.ambiguous)
            .map(|((code, suffix), entry)| (code, suffix, word(entry)))
    }

    /// The most bytes that a token of this map takes in an answer, brackets, spaces and escapes included.
    #[must_use]
    pub fn longest_token(&self) -> usize {
        if self.entries.is_empty() { 0 } else { TOKEN_ROOM }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries that two words claimed.
    #[must_use]
    pub fn ambiguous(&self) -> u32 {
        self.ambiguous
    }

    /// Is any lab value in it that the service has not seen?
    #[must_use]
    pub fn has_blind(&self) -> bool {
        self.entries.values().any(|entry| entry.blind)
    }
}

fn word(entry: &Entry) -> Word<'_> {
    Word { text: &entry.word, kind: entry.kind, blind: entry.blind, vault: entry.vault }
}

impl std::fmt::Debug for WordMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordMap").field("words", &self.entries.len()).field("ambiguous", &self.ambiguous).finish()
    }
}

impl std::fmt::Debug for Word<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Word")
            .field("bytes", &self.text.len())
            .field("kind", &self.kind)
            .field("blind", &self.blind)
            .field("vault", &self.vault)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::TokenKey;
    use super::super::token::{Form, Length};
    use super::*;

    #[test]
    fn one_code_and_suffix_means_one_word_or_none() {
        let code = Code::compute(&TokenKey::new([1; 32]), "person", &["山田太郎"], Length::Seven);
        let family = Suffix::new(Form::Family, None);
        let mut map = WordMap::new();
        assert_eq!(map.insert(code, Suffix::default(), "山田太郎", Kind::PersonName, false), Inserted::New);
        assert_eq!(map.insert(code, family, "山田", Kind::PersonName, false), Inserted::New);
        assert_eq!(map.insert(code, family, "山田", Kind::PersonName, false), Inserted::Same);
        assert_eq!(map.lookup(&code, &family).map(|word| word.text), Some("山田"));
        assert_eq!(map.insert(code, family, "山", Kind::PersonName, false), Inserted::Clash);
        assert!(map.lookup(&code, &family).is_none());
        assert_eq!(map.ambiguous(), 1);
        assert_eq!(format!("{map:?}"), "WordMap { words: 2, ambiguous: 1 }");
    }
}
