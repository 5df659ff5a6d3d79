//! A person of the hospital's list: what is known of one, and the tags under which it is found again.
//! Must not know: columns, files, the text that is searched.

use zeroize::Zeroize;

use super::form;
use super::tag::{Class, Tagger};
use crate::detect::text::Text;

/// Letters of the longest key. A longer name is not taken, and said so.
pub const LONGEST: usize = 40;
/// Letters or digits of the shortest number.
pub(super) const SHORTEST_NUMBER: usize = 3;

/// A name as one form gives it: surname and given name apart where that is known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Name {
    pub surname: String,
    pub given: String,
    /// The whole where the parts are not known.
    pub whole: String,
}

impl Name {
    /// A full name as it is written; one blank in it parts surname and given name.
    #[must_use]
    pub fn of(written: &str) -> Self {
        let text = Text::new(written);
        let mut parts = text.folded().split_whitespace();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(surname), Some(given), None) => {
                Self { surname: surname.to_owned(), given: given.to_owned(), whole: String::new() }
            }
            _ => Self { surname: String::new(), given: String::new(), whole: text.folded().trim().to_owned() },
        }
    }

    /// Surname and given name from fields of their own.
    #[must_use]
    pub fn parts(surname: &str, given: &str) -> Self {
        let fold = |part: &str| Text::new(part).folded().trim().to_owned();
        Self { surname: fold(surname), given: fold(given), whole: String::new() }
    }

    fn letters(&self) -> impl Iterator<Item = char> {
        self.surname.chars().chain(self.given.chars()).chain(self.whole.chars())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.surname.zeroize();
        self.given.zeroize();
        self.whole.zeroize();
    }
}

/// One row of a list. Holds names: `Debug` prints how many.
#[derive(Clone, Default)]
pub struct Person {
    /// In kanji or any script: the name, an alias, a former name.
    pub names: Vec<Name>,
    pub kana: Vec<Name>,
    pub latin: Vec<Name>,
    pub numbers: Vec<String>,
    pub phones: Vec<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("names", &self.names.len())
            .field("kana", &self.kana.len())
            .field("latin", &self.latin.len())
            .field("numbers", &self.numbers.len())
            .field("phones", &self.phones.len())
            .finish()
    }
}

/// What is kept of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Which person: the same in every file that has the same number, or without one the same names.
    pub person: u64,
    /// Ordered, each once.
    pub tags: Vec<(Class, u64)>,
    pub prefixes: Vec<(Class, u64)>,
    /// Digits (and letters) of the numbers.
    pub lengths: Vec<u8>,
    /// Letters of the longest key of `Class::NAMES`.
    pub longest: [u8; Class::NAMES.len()],
    /// Names or numbers that are too short or too long to be found.
    pub left: usize,
}

impl Person {
    /// Nothing is known by which it could be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.kana.is_empty() && self.latin.is_empty() && self.numbers.is_empty()
    }

    /// The tags of all its forms.
    #[must_use]
    pub fn tags(&self, tagger: &Tagger) -> Tags {
        let mut out = Tags::default();
        let mut who = String::new();
        for name in &self.names {
            let script = Script::of(name);
            out.name(tagger, name, script);
            if script == Script::Other && !name.surname.is_empty() {
                let key: String = name.surname.chars().filter_map(form::full).collect();
                out.tags.push((Class::Surname, tagger.tag(Class::Surname, &key)));
                // Surname in kanji, given name in kana: 宮田ジム is too short to say that it is one.
                for given in self.kana.iter().map(|kana| &kana.given).filter(|given| given.chars().count() > 2) {
                    out.full(tagger, &format!("{key}{given}"), Class::Full);
                }
            }
        }
        for name in &self.kana {
            out.name(tagger, name, Script::Kana);
        }
        for name in &self.latin {
            out.name(tagger, name, Script::Latin);
        }
        for written in &self.numbers {
            let key = form::number(Text::new(written).folded());
            if !(SHORTEST_NUMBER..=LONGEST).contains(&key.len()) || !key.bytes().any(|byte| byte.is_ascii_digit()) {
                out.left += 1;
                continue;
            }
            out.tags.push((Class::Number, tagger.tag(Class::Number, &key)));
            out.lengths.push(key.len() as u8);
            if let Some(bare) = form::bare(&key).filter(|bare| bare.len() >= SHORTEST_NUMBER) {
                out.tags.push((Class::Bare, tagger.tag(Class::Bare, bare)));
            }
            if who.is_empty() {
                // With or without zeros it is the same person.
                who = format!("number {}", key.trim_start_matches('0'));
            }
        }
        for written in &self.phones {
            match form::phone(Text::new(written).folded()) {
                Some(key) => out.tags.push((Class::Phone, tagger.tag(Class::Phone, &key))),
                None => out.left += 1,
            }
        }
        if who.is_empty()
            && let Some(name) = self.names.iter().chain(&self.kana).chain(&self.latin).next()
        {
            who = format!("name {}", name.letters().filter_map(form::full).collect::<String>());
        }
        out.person = tagger.person(&who);
        who.zeroize();
        out.tags.sort_unstable();
        out.tags.dedup();
        out.prefixes.sort_unstable();
        out.prefixes.dedup();
        out
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Kana,
    Latin,
    Other,
}

impl Script {
    fn of(name: &Name) -> Self {
        let mut letters = name.letters().filter(|letter| form::full(*letter).is_some()).peekable();
        if letters.peek().is_none() {
            return Self::Other;
        }
        let letters: Vec<char> = letters.collect();
        if letters.iter().all(|letter| form::kana(*letter).is_some()) {
            Self::Kana
        } else if letters.iter().all(|letter| form::latin(*letter)) {
            Self::Latin
        } else {
            Self::Other
        }
    }
}

impl Tags {
    fn name(&mut self, tagger: &Tagger, name: &Name, script: Script) {
        let mut whole: String = name.letters().collect();
        match script {
            Script::Other => self.full(tagger, &whole, Class::Full),
            Script::Kana => {
                self.full(tagger, &whole, Class::Kana);
                let romaji = form::romaji(&whole);
                self.latin(tagger, &romaji);
            }
            Script::Latin => {
                // `Name::of` parts two words only; three keep their order.
                let mut word = Vec::new();
                whole.chars().for_each(|letter| form::push_latin(letter, &mut word));
                let mut loose = Vec::new();
                form::loosen(&word, &mut loose);
                self.latin(tagger, &loose);
            }
        }
        whole.zeroize();
    }

    fn full(&mut self, tagger: &Tagger, written: &str, class: Class) {
        let letter = if class == Class::Kana { form::kana } else { form::full };
        let mut key: String = written.chars().filter_map(letter).collect();
        self.key(tagger, class, &key);
        key.zeroize();
    }

    fn latin(&mut self, tagger: &Tagger, loose: &[u8]) {
        if let Ok(key) = std::str::from_utf8(loose) {
            self.key(tagger, Class::Latin, key);
        }
    }

    fn key(&mut self, tagger: &Tagger, class: Class, key: &str) {
        let letters = key.chars().count();
        let prefix = class.prefix().unwrap_or(0);
        if letters < prefix || letters > LONGEST {
            self.left += 1;
            return;
        }
        let begin =
            |letters| key.get(..key.char_indices().nth(letters).map_or(key.len(), |(at, _)| at)).unwrap_or_default();
        self.tags.push((class, tagger.tag(class, key)));
        self.prefixes.push((class, tagger.prefix(class, begin(prefix))));
        if class == Class::Full {
            self.prefixes.push((class, tagger.prefix(class, begin(1))));
        }
        if class == Class::Latin {
            let end: String = key.chars().rev().take(3).collect();
            self.prefixes.push((class, tagger.end(&end)));
        }
        if let Some(longest) = self.longest.get_mut(class.number()) {
            *longest = letters.max(usize::from(*longest)) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(person: &Person) -> Tags {
        person.tags(&Tagger::new(&[1; 16]))
    }

    #[test]
    fn a_blank_parts_a_name_and_its_absence_changes_no_tag_of_the_whole() {
        let apart = of(&Person { names: vec![Name::of("山田　太郎")], ..Person::default() });
        let whole = of(&Person { names: vec![Name::of("山田太郎")], ..Person::default() });
        let full = |tags: &Tags| tags.tags.iter().find(|(class, _)| *class == Class::Full).copied();
        assert_eq!(full(&apart), full(&whole));
        assert_eq!(apart.tags.len(), 2, "with the surname");
        assert_eq!(whole.tags.len(), 1);
        assert_eq!(apart.person, whole.person);
    }

    #[test]
    fn kana_give_romaji_and_the_mixed_form() {
        let tagger = Tagger::new(&[1; 16]);
        let person =
            Person {
                names: vec![Name::of("髙橋 花子")], kana: vec![Name::of("ﾀｶﾊｼ ﾊﾅｺ")], ..Person::default()
            };
        let tags = person.tags(&tagger).tags;
        for (class, key) in [
            (Class::Full, "高橋花子"),
            (Class::Full, "高橋ハナコ"),
            (Class::Kana, "タカハシハナコ"),
            (Class::Latin, "takahasihanako"),
            (Class::Surname, "高橋"),
        ] {
            assert!(tags.contains(&(class, tagger.tag(class, key))), "{key}");
        }
    }

    #[test]
    fn the_number_says_who_it_is() {
        let with = |name: &str, number: &str| {
            of(&Person { names: vec![Name::of(name)], numbers: vec![number.to_owned()], ..Person::default() })
        };
        assert_eq!(with("山田 花子", "0012345").person, with("佐藤 花子", "12345").person);
        assert_ne!(with("山田 花子", "12345").person, with("山田 花子", "12346").person);
        assert_eq!(with("山田 花子", "0012345").lengths, [7]);
    }

    #[test]
    fn what_cannot_be_found_is_counted() {
        let tags = of(&Person {
            names: vec![Name::of("林"), Name::of(&"あ".repeat(41))],
            numbers: vec!["7".to_owned(), "未登録".to_owned()],
            phones: vec!["内線12".to_owned()],
            ..Person::default()
        });
        assert_eq!((tags.left, tags.tags.len()), (6, 0));
    }
}
