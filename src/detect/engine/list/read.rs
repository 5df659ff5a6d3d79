//! One pass over a folded text: where a stretch is the name of a listed person. A short prefix is asked for at every
//! letter; only what begins like a listed name is read on.
//! Must not know: findings, files, other engines.

use std::ops::Range;

use super::form;
use super::index::Index;
use super::tag::{Class, Probe};
use super::words::WORDS;
use super::{LONGEST, What};
use crate::detect::engine::ATOM;

/// Letters that may stand between two parts of a name (`, `, `,⏎`).
const GAP: usize = 2;
/// Gaps in one name.
const GAPS: usize = 4;
/// Words of a name in Latin letters.
const WORDS_OF_NAME: usize = 3;
/// Letters of a key in Latin script that is a hit without capitals.
const LATIN: usize = 8;

/// Reads one text.
pub(super) struct Reader<'a> {
    pub(super) index: &'a Index,
    pub(super) text: &'a str,
    pub(super) label: Option<&'a str>,
    probe: Probe,
    joined: Vec<u8>,
    loose: Vec<u8>,
}

/// A word in Latin letters.
#[derive(Clone, Default)]
struct Word {
    range: Range<usize>,
    letters: Vec<u8>,
    capital: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(index: &'a Index, text: &'a str, label: Option<&'a str>) -> Self {
        Self { index, text, label, probe: Probe::default(), joined: Vec::new(), loose: Vec::new() }
    }

    /// All stretches, in order of their starts.
    pub(super) fn read(&mut self, found: &mut Vec<(Range<usize>, What)>) {
        let text = self.text;
        let names = self.index.count(Class::Full) > 0;
        let kana = self.index.count(Class::Kana) > 0;
        let latin = self.index.count(Class::Latin) > 0;
        let numbers = [Class::Number, Class::Bare, Class::Phone].iter().any(|class| self.index.count(*class) > 0);
        // What stands before these was found or read.
        let (mut done, mut token_done) = (0, 0);
        let mut words: Vec<Word> = Vec::new();
        let mut previous = '\n';
        let mut letters = text.char_indices();
        while let Some((at, letter)) = letters.next() {
            let before = std::mem::replace(&mut previous, letter);
            if letter.is_ascii() {
                if numbers && at >= token_done && letter.is_ascii_alphanumeric() {
                    token_done = self.token(at, found);
                }
                if letter.is_ascii_alphabetic() && word_starts(before, letter) {
                    if names
                        && at >= done
                        && let Some(end) = self.full(at, before)
                    {
                        found.push((at..end, What::Name));
                        done = end;
                    } else if latin {
                        self.word(at, &mut words, found);
                    }
                }
                continue;
            }
            if at < done {
                continue;
            }
            if form::kanji(letter) || form::kana(letter).is_some() {
                let name = if names { self.full(at, before).map(|end| (end, What::Name)) } else { None };
                let hit = match name {
                    None if kana && form::kana(letter).is_some() => self.kana(at, before).map(|end| (end, What::Kana)),
                    name => name,
                };
                if let Some((end, what)) = hit {
                    found.push((at..end, what));
                    done = end;
                } else if names
                    && matches!(letter, '様' | 'さ' | 'サ' | '氏' | '殿' | 'ど' | '君' | 'く' | 'ち' | '先')
                    && let Some(start) = self.titled_surname(at)
                {
                    found.push((start..at, What::Surname));
                }
            } else if latin && form::latin(letter) && word_starts(before, letter) {
                self.word(at, &mut words, found);
            }
        }
    }

    /// A listed full name that begins here; gives its end.
    fn full(&mut self, start: usize, before: char) -> Option<usize> {
        self.longest(Class::Full, start, form::full, |reader, end, letters, gaps| {
            letters >= 3 && reader.full_stands(start, before, end, letters, gaps)
                || letters == 2 && reader.short_stands(start, before, end)
        })
    }

    /// The same in kana.
    fn kana(&mut self, start: usize, before: char) -> Option<usize> {
        self.longest(Class::Kana, start, form::kana, |reader, end, letters, gaps| {
            letters >= 4 && reader.kana_stands(start, before, end, gaps)
        })
    }

    /// The longest key of a class that begins here and stands as it must.
    fn longest(
        &mut self,
        class: Class,
        start: usize,
        key: fn(char) -> Option<char>,
        stands: impl Fn(&Self, usize, usize, usize) -> bool,
    ) -> Option<usize> {
        let prefix = class.prefix().unwrap_or(1);
        self.probe.begin_prefix(class);
        let (mut count, mut gaps, mut gap) = (0, 0, 0);
        let mut best = None;
        for (at, letter) in self.text.get(start..)?.char_indices() {
            if let Some(letter_of_key) = key(letter) {
                self.probe.push(letter_of_key);
                gap = 0;
                count += 1;
                if count < prefix {
                    continue;
                }
                if count == prefix {
                    if !self.index.begins(class, &self.probe) {
                        return None;
                    }
                    self.probe.is_whole(class);
                }
                let end = start + at + letter.len_utf8();
                if self.index.probe(class, &self.probe) && stands(self, end, count, gaps) {
                    best = Some(end);
                }
                if count == LONGEST {
                    break;
                }
            } else if form::gap(letter) && gap < GAP {
                gaps += usize::from(gap == 0);
                gap += 1;
                if gaps > GAPS {
                    break;
                }
            } else {
                break;
            }
        }
        best
    }

    fn full_stands(&self, _start: usize, _before: char, _end: usize, _letters: usize, _gaps: usize) -> bool {
        true
    }

    /// A name of two letters: with a cue, or alone in its field or cell.
    fn short_stands(&self, start: usize, before: char, end: usize) -> bool {
        let after = self.text.get(end..).unwrap_or_default();
        let next = after.chars().next();
        if form::kanji(before) && !self.cue_before(start) {
            return false;
        }
        if WORDS.cues.honorific.iter().any(|word| after.starts_with(word.as_str())) {
            return true;
        }
        if next.is_some_and(|next| form::kanji(next) || form::kana(next) == Some('ー')) {
            return false;
        }
        self.cue_before(start) || (alone(before) && next.is_none_or(alone))
    }

    fn cue_before(&self, start: usize) -> bool {
        let before =
            self.text.get(..start).unwrap_or_default().trim_end_matches([' ', ':', '\t', '=', '「', '(', '"', '[']);
        WORDS.cues.name.iter().any(|word| before.ends_with(word.as_str()))
    }

    /// Kana are read as words: the stretch begins and ends where a word may.
    fn kana_stands(&self, start: usize, before: char, end: usize, gaps: usize) -> bool {
        let after = self.text.get(end..).unwrap_or_default();
        let next = after.chars().next();
        let katakana = |letter: char| matches!(letter, 'ァ'..='ヺ' | 'ー');
        let hiragana = |letter: char| matches!(letter, 'ぁ'..='ゖ');
        let first = self.text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or(ATOM);
        let last = self.text.get(..end).and_then(|rest| rest.chars().next_back()).unwrap_or(ATOM);
        let titled = WORDS.cues.honorific.iter().any(|word| after.starts_with(word.as_str()));
        if katakana(first) {
            return !katakana(before) && (titled || !(katakana(last) && next.is_some_and(katakana)));
        }
        if gaps > 0 {
            return true;
        }
        let particle = matches!(before, 'は' | 'が' | 'の' | 'も' | 'と' | 'で' | 'に' | 'を' | 'へ');
        let ends = titled
            || !next.is_some_and(hiragana)
            || next.is_some_and(|next| {
                matches!(next, 'は' | 'が' | 'の' | 'も' | 'と' | 'で' | 'に' | 'を' | 'へ' | 'だ' | 'か' | 'や')
            });
        (!hiragana(before) || particle) && ends
    }

    /// A listed surname that ends here, before an honorific; gives its start.
    fn titled_surname(&self, end: usize) -> Option<usize> {
        let after = self.text.get(end..)?;
        if !WORDS.cues.honorific.iter().any(|word| after.starts_with(word.as_str())) {
            return None;
        }
        let before = self.text.get(..end)?;
        let mut starts = before.char_indices().rev();
        let mut run = Vec::new();
        for (at, letter) in starts.by_ref() {
            if !(form::kanji(letter) || letter == 'ヶ' || letter == 'ノ') {
                break;
            }
            run.push(at);
            if run.len() > 5 {
                // Longer than a surname: a word with a surname at its end says nothing.
                return None;
            }
        }
        let start = *run.last()?;
        let surname = before.get(start..)?;
        (run.len() >= 2 && self.surname_key(surname) && !WORDS.cues.ordinary.iter().any(|word| word == surname))
            .then_some(start)
    }

    fn surname_key(&self, written: &str) -> bool {
        let key: String = written.chars().filter_map(form::full).collect();
        self.index.holds(Class::Surname, &key)
    }

    /// Does a name begin with a listed surname?
    pub(super) fn surname(&self, name: &str) -> bool {
        if let Some((surname, _)) = name.split_once(form::gap) {
            return self.surname_key(surname);
        }
        name.char_indices()
            .skip(1)
            .take(4)
            .map(|(at, _)| at)
            .chain([name.len()])
            .any(|end| name.get(..end).is_some_and(|surname| self.surname_key(surname)))
    }

    /// Is this a listed full name of two letters?
    pub(super) fn two_letters(&self, name: &str) -> bool {
        let key: String = name.chars().filter_map(form::full).collect();
        key.chars().count() == 2 && self.index.holds(Class::Full, &key)
    }

    /// A word in Latin letters begins here: is it the last word of a listed name?
    fn word(&mut self, start: usize, words: &mut Vec<Word>, found: &mut Vec<(Range<usize>, What)>) {
        let rest = self.text.get(start..).unwrap_or_default();
        let follows = words.last().is_some_and(|last| {
            let between = self.text.get(last.range.end..start).unwrap_or("?");
            between.len() <= GAP && between.chars().all(form::latin_gap)
        });
        if !follows {
            words.clear();
        } else if words.len() == WORDS_OF_NAME {
            words.rotate_left(1);
            words.pop();
        }
        let mut word = Word { range: start..start, ..Word::default() };
        let mut last = None;
        for (at, letter) in rest.char_indices() {
            let inside = form::latin(letter) || (matches!(letter, '\'' | '’') && last.is_some());
            if !inside || (last.is_some_and(char::is_lowercase) && letter.is_uppercase()) {
                break;
            }
            if word.letters.len() > LONGEST {
                words.clear();
                return;
            }
            form::push_latin(letter, &mut word.letters);
            word.capital |= last.is_none() && letter.is_uppercase();
            word.range.end = start + at + letter.len_utf8();
            last = Some(letter);
        }
        words.push(word);
        for count in (1..=words.len()).rev() {
            let Some(named) = words.get(words.len() - count..) else { continue };
            let range =
                named.first().map_or(start, |word| word.range.start)..named.last().map_or(start, |word| word.range.end);
            if self.latin_name(words, count) && self.latin_stands(words, count, range.clone()) {
                found.push((range, What::Romaji));
                words.clear();
                return;
            }
        }
    }

    /// Are the last `count` words a listed name, in either order?
    fn latin_name(&mut self, words: &[Word], count: usize) -> bool {
        let Some(named) = words.get(words.len().saturating_sub(count)..) else { return false };
        // Surname first, given name first; with a middle name it turns round.
        for first in 0..count {
            self.joined.clear();
            for at in 0..count {
                if let Some(word) = named.get((first + at) % count) {
                    self.joined.extend_from_slice(&word.letters);
                }
            }
            self.loose.clear();
            form::loosen(&self.joined, &mut self.loose);
            if self.loose.len() < 4 || self.loose.len() > LONGEST {
                continue;
            }
            self.probe.begin_prefix(Class::Latin);
            let Some((begin, rest)) = self.loose.split_at_checked(3) else { continue };
            self.probe.extend(begin);
            if !self.index.begins(Class::Latin, &self.probe) {
                continue;
            }
            self.probe.is_whole(Class::Latin);
            self.probe.extend(rest);
            if self.index.probe(Class::Latin, &self.probe) {
                return true;
            }
        }
        false
    }

    fn latin_stands(&self, words: &[Word], count: usize, range: Range<usize>) -> bool {
        let Some(named) = words.get(words.len().saturating_sub(count)..) else { return false };
        let letters = self.probe.key().len();
        if count == 1 {
            // One word alone is an ordinary one more often: part of an address, a user or a file name.
            let sign = |letter: Option<char>| {
                letter.is_some_and(|letter| matches!(letter, '@' | '_' | '/' | '\\') || letter.is_ascii_digit())
            };
            let before = self.text.get(..range.start).and_then(|before| before.chars().next_back());
            let after = self.text.get(range.end..).and_then(|after| after.chars().next());
            return letters >= LATIN && (sign(before) || sign(after));
        }
        if named.iter().any(|word| word.letters.len() < 2) {
            return false;
        }
        letters >= LATIN || named.iter().all(|word| word.capital)
    }
}

/// Does a word in Latin letters begin here? Also inside `YamadaTaro`.
fn word_starts(before: char, letter: char) -> bool {
    !form::latin(before) && !matches!(before, '\'' | '’') || (before.is_lowercase() && letter.is_uppercase())
}

/// What stands around a word that is alone in its field, cell or line.
fn alone(letter: char) -> bool {
    matches!(
        letter,
        '\n' | '\t' | '^' | '|' | '"' | ',' | ':' | '=' | '<' | '>' | '[' | ']' | '{' | '}' | '(' | ')' | ';'
    )
}
