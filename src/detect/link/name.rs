//! A name taken apart: surname, given names, initials, in every script; and when two written names can be one.
//! Must not know: where a name stands and who bears it.

use std::cell::OnceCell;
use std::rc::Rc;

use super::readings;

/// A written name. The surface is folded text (old characters, width, half-width kana are gone).
#[derive(Clone, Debug, Default)]
pub(super) struct Name {
    /// Letters without gaps, lower case.
    pub(super) whole: String,
    /// As written between the gaps, lower case.
    pub(super) words: Vec<String>,
    /// Possible surname and given name of a full one: several for a name written without a gap.
    pub(super) full: Vec<(String, String)>,
    pub(super) initials: bool,
    /// Two words of Latin letters or foreign kana: either may be the surname.
    either: bool,
    /// Made when first asked for, shared by copies.
    full_keys: Rc<OnceCell<Vec<String>>>,
    part_keys: Rc<OnceCell<Vec<String>>>,
}

pub(super) fn gap(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '・' | '^' | ',' | '=' | '_' | '＝')
}

pub(super) fn kana(text: &str) -> bool {
    text.chars().all(|letter| matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー'))
}

fn katakana(text: &str) -> bool {
    text.chars().all(|letter| matches!(letter, 'ァ'..='ヺ' | 'ー'))
}

pub(super) fn latin(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_alphabetic() || matches!(letter, 'A'..='ɏ'))
}

/// A surface without what a search took along: a label before it, a polite word behind it.
fn bare(surface: &str) -> &str {
    let mut bare = surface.trim();
    for label in ["フリガナ", "ふりがな", "カナ", "氏名"] {
        bare = bare.strip_prefix(label).unwrap_or(bare).trim_start();
    }
    for tail in ["-san", "-sama", " san", "氏", "名義", "様", "さん"] {
        if let Some(name) = bare.strip_suffix(tail).filter(|name| name.chars().count() >= 2) {
            bare = name.trim_end();
        }
    }
    bare
}

/// Bytes of a kin word of one letter that a search took along: 母由紀, 夫渡辺 剛.
pub(super) fn kin_before(surface: &str) -> Option<usize> {
    let kin = surface.chars().next().filter(|letter| "母父妻夫娘兄弟姉妹".contains(*letter))?;
    let rest = surface.strip_prefix(kin)?;
    let first = rest.split(gap).next()?;
    let whole = surface.split(gap).next()?;
    let name = |word: &str| {
        !readings::surname(word).is_empty() || !readings::given(word).is_empty() && word.chars().count() >= 2
    };
    (name(first) && !name(whole)).then(|| kin.len_utf8())
}

/// The initials of a full name, as staff write them.
pub(super) fn initials(surface: &str) -> Vec<String> {
    let name = Name::of(surface, &|_| Vec::new());
    let mut found = Vec::new();
    for (family, given) in &name.full {
        let first = |word: &str, family: bool| {
            sounds(word, family)
                .iter()
                .filter_map(|sound| sound.chars().next())
                .map(|letter| letter.to_ascii_uppercase())
                .collect::<std::collections::BTreeSet<char>>()
        };
        for one in first(family, true) {
            for other in first(given, false) {
                found.push(format!("{one}.{other}."));
                found.push(format!("{other}.{one}."));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(8);
    found
}

impl Name {
    /// Take a surface apart; `ends` gives the bytes at which a surname may end in a name without a gap.
    pub(super) fn of(surface: &str, ends: &dyn Fn(&str) -> Vec<usize>) -> Self {
        let surface = bare(surface);
        let words: Vec<String> = surface.split(gap).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        let whole = words.concat();
        let western = latin(&whole);
        let letters = whole.chars().filter(|letter| letter.is_alphabetic()).count();
        let initials =
            western && surface.contains('.') && letters <= 3 && surface.chars().all(|letter| !letter.is_lowercase());
        // Letters set apart (谷 口 貴 志) are one word.
        let apart = words.len() >= 3 && words.iter().all(|word| word.chars().count() == 1) && !western;
        let either = western || words.iter().all(|word| katakana(word)) && (words.len() > 2 || surface.contains('・'));
        let mut full = Vec::new();
        if initials {
        } else if words.len() >= 2 && !apart {
            let comma = surface.contains(',');
            if let [first, .., last] = words.as_slice() {
                // `Smith, John A.` and `John A. Smith`; a Japanese order otherwise.
                if western && !comma {
                    full.push((last.clone(), first.clone()));
                } else if let Some(second) = words.get(1) {
                    full.push((first.clone(), second.clone()));
                }
            }
        } else if !western && !kana(&whole) && readings::surname(&whole).is_empty() && whole.chars().count() >= 3 {
            for end in ends(&whole) {
                if let Some((family, given)) = whole.split_at_checked(end) {
                    full.push((family.to_owned(), given.to_owned()));
                }
            }
        }
        Self { whole, words, full, initials, either, ..Self::default() }
    }

    /// What another spelling of this full name shares with it: itself, and the sounds of its two parts in either order.
    pub(super) fn full_keys(&self) -> &[String] {
        self.full_keys.get_or_init(|| self.make_full_keys())
    }

    fn make_full_keys(&self) -> Vec<String> {
        let mut keys = vec![self.whole.clone()];
        let mut words = self.words.clone();
        words.sort_unstable();
        keys.push(words.join(" "));
        // `A. Whitfield` has but the first letter of the given name.
        let mut pair = |family: &str, given: &str| {
            let given = sounds(given, false).into_iter().chain([given.to_owned()]);
            let firsts: Vec<String> =
                given.map(|word| if latin(&word) { word.chars().take(1).collect() } else { word }).collect();
            for one in sounds(family, true).into_iter().chain([family.to_owned()]) {
                keys.extend(firsts.iter().map(|first| format!("{one} {first}")));
            }
        };
        for (family, given) in &self.full {
            pair(family, given);
            if self.either {
                pair(given, family);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What a part of this name, written alone, shares with it.
    pub(super) fn part_keys(&self) -> &[String] {
        self.part_keys.get_or_init(|| self.make_part_keys())
    }

    fn make_part_keys(&self) -> Vec<String> {
        let mut keys = vec![self.whole.clone()];
        keys.extend(self.words.iter().cloned());
        for (family, given) in &self.full {
            keys.extend([family.clone(), given.clone()]);
            keys.extend(sounds(family, true));
            for sound in sounds(given, false) {
                // As children are called.
                keys.extend(sound.char_indices().skip(3).map(|(at, _)| sound.get(..at).unwrap_or_default().to_owned()));
                keys.push(sound);
            }
        }
        for word in &self.words {
            if katakana(word) || latin(word) && foreign(word) {
                keys.extend(readings::plain(word).map(|sound| format!("{SKELETON}{}", skeleton(&sound))));
            }
        }
        if !self.is_full() {
            keys.extend(sounds(&self.whole, true));
            keys.extend(sounds(&self.whole, false));
        }
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(48);
        keys
    }

    pub(super) fn is_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Are these two full names the same by form or sound?
    pub(super) fn same(&self, other: &Self) -> bool {
        if self.whole == other.whole {
            return true;
        }
        if self.initials || other.initials || !self.is_full() || !other.is_full() {
            return false;
        }
        if self.words.len() > 2 && other.words.len() > 2 {
            return self.words.len() == other.words.len() && self.words.iter().all(|word| other.words.contains(word));
        }
        self.full.iter().any(|(family, given)| {
            other.full.iter().any(|(family_too, given_too)| {
                family_sounds(family, family_too) && given_sounds(given, given_too)
                    || (self.either || other.either) && {
                        given_sounds(family, given_too) && family_sounds(given, family_too)
                    }
            })
        })
    }

    /// Is a single word written as a part of this name, letter by letter?
    pub(super) fn writes(&self, word: &Self) -> bool {
        self.words.contains(&word.whole)
            || self.full.iter().any(|(family, given)| *family == word.whole || *given == word.whole)
    }

    /// Can a single word be the surname of this full name?
    pub(super) fn has_surname(&self, word: &Self) -> bool {
        self.full.iter().any(|(family, given)| {
            family_sounds(family, &word.whole)
                || self.either && self.words.len() == 2 && word.either && *given == word.whole
        })
    }

    /// Is a single word the given name where given names stand?
    pub(super) fn gives(&self, word: &Self) -> bool {
        self.full.iter().any(|(_, given)| given_sounds(given, &word.whole))
    }

    /// Can a single word be a given name of this full name?
    pub(super) fn has_given(&self, word: &Self) -> bool {
        self.full.iter().any(|(_, given)| given_sounds(given, &word.whole))
            || self.either && self.words.contains(&word.whole)
    }

    /// Is a single word in kana the beginning of the given name, as children are called (だい of だいき)?
    pub(super) fn has_pet_name(&self, word: &Self) -> bool {
        kana(&word.whole)
            && word.whole.chars().count() >= 2
            && readings::plain(&word.whole).is_some_and(|short| {
                self.full.iter().any(|(_, given)| sounds(given, false).iter().any(|long| long.starts_with(&short)))
            })
    }

    /// Are these the initials of this full name, in either order?
    pub(super) fn has_initials(&self, initials: &Self) -> bool {
        let letters: Vec<char> = initials.whole.chars().filter(|letter| letter.is_alphabetic()).collect();
        let [first, last] = letters.as_slice() else { return false };
        let begins =
            |word: &str, family: bool, letter: char| sounds(word, family).iter().any(|sound| sound.starts_with(letter));
        self.full.iter().any(|(family, given)| {
            begins(family, true, *first) && begins(given, false, *last)
                || begins(family, true, *last) && begins(given, false, *first)
        })
    }
}

/// What a word sounds like: itself in kana or Latin letters, its readings in kanji.
fn sounds(word: &str, family: bool) -> Vec<String> {
    match readings::plain(word) {
        Some(sound) => vec![sound],
        None if family => readings::surname(word),
        None => readings::given(word),
    }
}

fn family_sounds(one: &str, other: &str) -> bool {
    one == other || sounds_alike(one, other, true)
}

fn given_sounds(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    // `A. Whitfield` and `Alan Whitfield`.
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let initial = short.trim_end_matches('.');
    if initial.len() == 1 && latin(long) && initial.chars().all(|letter| letter.is_ascii_alphabetic()) {
        return long.starts_with(initial);
    }
    sounds_alike(one, other, false)
}

/// The key of consonants; no name begins so.
const SKELETON: &str = "\u{2}";

/// The consonants of a foreign word, as kana keep them: Michael and マイケル are both m-k-r.
fn skeleton(sound: &str) -> String {
    let mut out = String::new();
    let plain = sound.replace("ch", "k").replace("sh", "s").replace("ph", "f").replace("th", "s").replace('x', "ks");
    for letter in plain.chars() {
        let letter = match letter {
            'c' | 'q' => 'k',
            'l' => 'r',
            'v' => 'b',
            'z' => 's',
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w' => continue,
            letter if letter.is_ascii_alphabetic() => letter,
            _ => continue,
        };
        if !out.ends_with(letter) {
            out.push(letter);
        }
    }
    out
}

/// Can this word in Latin letters be no romaji: letters and endings that Japanese does not have?
fn foreign(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let vowel = |letter: char| "aeiouāūōē".contains(letter);
    word.contains(['l', 'v', 'x', 'q', 'ü', 'ö', 'ä', 'é'])
        || word.contains("th")
        || letters.last().is_some_and(|last| !vowel(*last) && !matches!(last, 'n' | 'h'))
}

/// One in katakana, one in letters that are no romaji, with the same consonants: at least two.
fn transliterated(one: &str, other: &str) -> bool {
    let (kana, word) = if katakana(one) { (one, other) } else { (other, one) };
    if !katakana(kana) || !latin(word) || !foreign(word) {
        return false;
    }
    let (a, b) = (readings::plain(kana).map(|sound| skeleton(&sound)), skeleton(word));
    b.len() >= 2 && a.as_deref() == Some(b.as_str())
}

/// Two words of kanji never meet by their sounds: 敬三 and 圭三 are two people.
fn sounds_alike(one: &str, other: &str, family: bool) -> bool {
    if transliterated(one, other) {
        return true;
    }
    let plain = readings::plain(one).is_some() || readings::plain(other).is_some();
    plain && {
        let others = sounds(other, family);
        sounds(one, family).iter().any(|sound| !sound.is_empty() && others.contains(sound))
    }
}

/// Do the two names, in different scripts, read alike: `Some(false)` when what the lists know speaks against it.
pub(super) fn reads_as(written: &Name, reading: &Name) -> Option<bool> {
    let known = |one: &str, other: &str, family: bool| {
        let (a, b) = (sounds(one, family), sounds(other, family));
        (!a.is_empty() && !b.is_empty()).then(|| a.iter().any(|sound| b.contains(sound)))
    };
    if written.is_full() && reading.is_full() {
        let verdicts: Vec<(Option<bool>, Option<bool>)> = written
            .full
            .iter()
            .flat_map(|(family, given)| {
                reading.full.iter().flat_map(move |(one, other)| {
                    let straight = (known(family, one, true), known(given, other, false));
                    // In Latin letters either may stand first.
                    let turned = reading.either.then(|| (known(family, other, true), known(given, one, false)));
                    std::iter::once(straight).chain(turned)
                })
            })
            .collect();
        if verdicts.iter().any(|verdict| matches!(verdict, (Some(true), _) | (_, Some(true)))) {
            return Some(true);
        }
        if verdicts.iter().all(|verdict| matches!(verdict, (Some(false), Some(false)))) {
            return Some(false);
        }
        let against = |verdict: &(Option<bool>, Option<bool>)| matches!(verdict, (Some(false), _));
        return if verdicts.iter().all(against) { Some(false) } else { None };
    }
    if written.is_full() != reading.is_full() {
        return if written.is_full() && (written.has_given(reading) || written.has_surname(reading)) {
            Some(true)
        } else {
            None
        };
    }
    if transliterated(&written.whole, &reading.whole) {
        return Some(true);
    }
    let family = known(&written.whole, &reading.whole, true);
    let given = known(&written.whole, &reading.whole, false);
    match (family, given) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (None, None) => None,
        _ => Some(false),
    }
}
