//! One pass over a folded text: where a stretch is the name of a listed person. A short prefix is asked for at every
//! letter; only what begins like a listed name is read on.
//! Must not know: findings, files, other engines.

use std::ops::Range;

use super::form;
use super::index::Index;
use super::tag::{Class, Probe};
use super::words::WORDS;
use super::{LONGEST, What};
use crate::detect::titles;

/// Letters that may stand between two parts of a name (`, `, `,⏎`).
const GAP: usize = 2;
/// Gaps in one name.
const GAPS: usize = 4;
/// Words of a name in Latin letters.
const WORDS_OF_NAME: usize = 3;
/// Letters of a name in Latin script of which the first three of a key are told.
const BEGIN: usize = 7;
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
    next_titled: Option<usize>,
}

/// A word in Latin letters.
#[derive(Clone, Default)]
struct Word {
    range: Range<usize>,
    letters: Vec<u8>,
    capital: bool,
    /// A listed name may begin with it.
    begins: bool,
    /// A listed name may end with it.
    ends: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(index: &'a Index, text: &'a str, label: Option<&'a str>) -> Self {
        Self { index, text, label, probe: Probe::default(), joined: Vec::new(), loose: Vec::new(), next_titled: None }
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
        let mut words = Words::default();
        let mut previous = '\n';
        for (at, letter) in text.char_indices() {
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
                    && may_title(letter)
                    && let Some(start) = self.titled_surname(at)
                {
                    found.push((start..at, What::Surname));
                }
            } else if latin && form::latin(letter) && word_starts(before, letter) {
                self.word(at, &mut words, found);
            }
        }
    }

    /// A listed full name that begins here; gives its end. Four letters and more count on sight; three where no kanji
    /// touches them but of a cue or title; two with a cue or alone.
    fn full(&mut self, start: usize, before: char) -> Option<usize> {
        let first = self.text.get(start..)?.chars().next().and_then(form::full)?;
        if !self.index.begins_with(first) {
            return None;
        }
        let most = self.index.longest(Class::Full);
        self.probe.begin_prefix(Class::Full);
        let (mut count, mut gaps) = (0, Gaps::default());
        let mut best = None;
        for (at, letter) in self.text.get(start..)?.char_indices() {
            if let Some(of_key) = form::full(letter) {
                self.probe.push(of_key);
                gaps.end();
                count += 1;
                if count < 2 {
                    continue;
                }
                if count == 2 {
                    if !self.index.begins(&self.probe) {
                        return None;
                    }
                    self.probe.is_whole(Class::Full);
                }
                let end = start + at + letter.len_utf8();
                if self.index.probe(Class::Full, &self.probe)
                    && match count {
                        2 => self.short_stands(start, before, end),
                        3 => self.three_stand(start, before, end),
                        _ => gaps.any() || self.four_stand(start, end),
                    }
                {
                    best = Some(end);
                }
                if count == most {
                    break;
                }
            } else if !(form::gap(letter) && gaps.cross()) {
                break;
            }
        }
        best
    }

    /// A listed name in kana that begins here; gives its end. It begins and ends where a word may.
    fn kana(&mut self, start: usize, before: char) -> Option<usize> {
        let text = self.text;
        let begin = first_kana(text.get(start..)?)?;
        if !self.index.begins_in_kana(begin) {
            return None;
        }
        let first = text.get(start..)?.chars().next()?;
        let small = hiragana(first);
        // Katakana are read from the beginning of their run, hiragana also from behind a particle.
        let most = self.index.longest(Class::Kana);
        let starts = if small { !hiragana(before) || particle(before) } else { !katakana(before) };
        if small && !starts && self.next_titled(start) > start + 3 * (most + GAPS * GAP) {
            return None;
        }
        self.probe.begin(Class::Kana);
        let (mut count, mut gaps) = (0, Gaps::default());
        let mut best = None;
        let mut letters = text.get(start..)?.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if let Some(of_key) = form::kana(letter) {
                // One script, but for the parts of a name.
                if letter != 'ー' && hiragana(letter) != small && !gaps.open() {
                    break;
                }
                self.probe.push(of_key);
                gaps.end();
                count += 1;
                if count < 4 {
                    continue;
                }
                let end = start + at + letter.len_utf8();
                let next = letters.peek().map(|(_, next)| *next);
                let stands = if !hiragana(letter) {
                    starts && (!next.is_some_and(katakana) || self.titled(end))
                } else if next.is_none_or(|next| !hiragana(next) || particle(next) || matches!(next, 'で' | 'だ')) {
                    // Without a blank nor a title hiragana are a name only where nothing leads up to them.
                    starts && (gaps.any() || (count > 4 && !before.is_alphanumeric()) || self.titled(end))
                } else {
                    (count > 4 || (starts && gaps.any())) && self.titled(end)
                };
                if stands && self.index.probe(Class::Kana, &self.probe) {
                    best = Some(end);
                }
                if count == most {
                    break;
                }
            } else if !(form::gap(letter) && letter != ',' && gaps.cross()) {
                break;
            }
        }
        best
    }

    /// Where the next honorific stands from here on. Asked for with places that only grow.
    fn next_titled(&mut self, from: usize) -> usize {
        if let Some(known) = self.next_titled.filter(|known| *known >= from) {
            return known;
        }
        let mut at = from;
        while let Some(letter) = self.text.get(at..).and_then(|rest| rest.chars().next()) {
            if may_title(letter) && self.titled(at) {
                break;
            }
            at += letter.len_utf8();
        }
        self.next_titled = Some(at);
        at
    }

    /// Does an honorific stand here?
    fn titled(&self, at: usize) -> bool {
        let after = self.text.get(at..).unwrap_or_default();
        if !after.chars().next().is_some_and(may_title) {
            return false;
        }
        WORDS.cues.honorific.iter().any(|word| {
            after.strip_prefix(word.as_str()).is_some_and(|rest| {
                // サンダー is no サン.
                !(word.chars().all(katakana) && rest.chars().next().is_some_and(katakana))
            })
        })
    }

    /// A longer name counts on sight, but for one or two katakana behind kanji: 宮田ジム is a gymnasium.
    fn four_stand(&self, start: usize, end: usize) -> bool {
        let name = self.text.get(start..end).unwrap_or_default();
        let tail = name.chars().rev().take_while(|letter| katakana(*letter)).count();
        !(1..=2).contains(&tail) || self.titled(end) || self.cue_before(start)
    }

    /// A name of three letters: no kanji on either side but of a cue before it, or a title behind it.
    fn three_stand(&self, start: usize, before: char, end: usize) -> bool {
        let after = self.text.get(end..).unwrap_or_default();
        let next = after.chars().next();
        let last = self.text.get(..end).and_then(|upto| upto.chars().next_back());
        let right = match next {
            // 見ること is no 見 るこ.
            Some(next) if hiragana(next) && last.is_some_and(hiragana) => self.titled(end),
            Some(next) if katakana(next) && last.is_some_and(katakana) => self.titled(end),
            Some(next) if form::kanji(next) => titles::titled(after),
            _ => true,
        };
        let cue = self.cue_before(start);
        (right && (!form::kanji(before) || cue)) || (cue && next.is_none_or(form::kanji))
    }

    /// A name of two letters: with a cue, or alone in its field or cell.
    fn short_stands(&self, start: usize, before: char, end: usize) -> bool {
        let after = self.text.get(end..).unwrap_or_default();
        let next = after.chars().next();
        if form::kanji(before) && !self.cue_before(start) {
            return false;
        }
        if self.titled(end) {
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

    /// A listed surname that ends here, before an honorific; gives its start.
    fn titled_surname(&self, end: usize) -> Option<usize> {
        if !self.titled(end) || self.text.get(end..)?.starts_with(['氏', '先']) {
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
    fn word(&mut self, start: usize, words: &mut Words, found: &mut Vec<(Range<usize>, What)>) {
        let rest = self.text.get(start..).unwrap_or_default();
        let follows = words.last().is_some_and(|last| {
            let between = self.text.get(last.range.end..start).unwrap_or("?");
            between.len() <= GAP && between.chars().all(form::latin_gap)
        });
        if !follows {
            words.count = 0;
        }
        let word = words.next();
        word.letters.clear();
        word.range = start..start;
        word.capital = false;
        let mut last = None;
        for (at, letter) in rest.char_indices() {
            let inside = form::latin(letter) || (matches!(letter, '\'' | '’') && last.is_some());
            if !inside || (last.is_some_and(char::is_lowercase) && letter.is_uppercase()) {
                break;
            }
            if word.letters.len() > LONGEST {
                words.count = 0;
                return;
            }
            form::push_latin(letter, &mut word.letters);
            word.capital |= last.is_none() && letter.is_uppercase();
            word.range.end = start + at + letter.len_utf8();
            last = Some(letter);
        }
        // Its first letters in a key; what follows may change the last of a short word.
        self.loose.clear();
        form::loosen(&word.letters, &mut self.loose);
        word.begins = match self.loose.as_slice() {
            [a, b, c, _, ..] => self.index.begins_in_latin([*a, *b, *c]),
            [a, b, _] => self.index.begins_with_two(*a, *b),
            _ => true,
        };
        word.ends = match self.loose.as_slice() {
            [_, .., a, b, c] => self.index.ends_in_latin([*a, *b, *c]),
            _ => true,
        };
        for count in (1..=words.count).rev() {
            let named = words.named(count);
            let range =
                named.first().map_or(start, |word| word.range.start)..named.last().map_or(start, |word| word.range.end);
            if self.latin_name(named) && self.latin_stands(named, range.clone()) {
                found.push((range, What::Romaji));
                words.count = 0;
                return;
            }
        }
    }

    /// Are these words a listed name, in any order?
    fn latin_name(&mut self, named: &[Word]) -> bool {
        let most = self.index.longest(Class::Latin);
        // Initials are no name; a word alone that is short is none either.
        if named.len() > 1 && named.iter().any(|word| word.letters.len() < 2)
            || named.len() == 1 && named.iter().any(|word| word.letters.len() < LATIN)
        {
            return false;
        }
        // Surname first, given name first; with a middle name it turns round.
        for first in 0..named.len() {
            let last = (first + named.len() - 1) % named.len();
            if !named.get(first).is_some_and(|word| word.begins) || !named.get(last).is_some_and(|word| word.ends) {
                continue;
            }
            // The first letters, before the whole is put together.
            self.joined.clear();
            for word in named.iter().cycle().skip(first).take(named.len()) {
                let room = BEGIN.saturating_sub(self.joined.len());
                self.joined.extend_from_slice(word.letters.get(..room).unwrap_or(&word.letters));
            }
            self.loose.clear();
            form::loosen(&self.joined, &mut self.loose);
            if let [a, b, c, _, ..] = self.loose.as_slice()
                && !self.index.begins_in_latin([*a, *b, *c])
            {
                continue;
            }
            self.joined.clear();
            for word in named.iter().cycle().skip(first).take(named.len()) {
                self.joined.extend_from_slice(&word.letters);
            }
            self.loose.clear();
            form::loosen(&self.joined, &mut self.loose);
            let [a, b, c, _, ..] = self.loose.as_slice() else { continue };
            if self.loose.len() > most || !self.index.begins_in_latin([*a, *b, *c]) {
                continue;
            }
            self.probe.begin(Class::Latin);
            self.probe.extend(&self.loose);
            if self.index.probe(Class::Latin, &self.probe) {
                return true;
            }
        }
        false
    }

    fn latin_stands(&self, named: &[Word], range: Range<usize>) -> bool {
        let letters = self.probe.key().len();
        if named.len() == 1 {
            // One word alone is an ordinary one more often: part of an address, a user or a file name.
            let sign = |letter: Option<char>| {
                letter.is_some_and(|letter| matches!(letter, '@' | '_' | '/' | '\\') || letter.is_ascii_digit())
            };
            let before = self.text.get(..range.start).and_then(|before| before.chars().next_back());
            let after = self.text.get(range.end..).and_then(|after| after.chars().next());
            return letters >= LATIN && (sign(before) || sign(after));
        }
        letters >= LATIN || named.iter().all(|word| word.capital)
    }
}

/// The gaps between the parts of a name: so many, of so many letters.
#[derive(Default)]
struct Gaps {
    count: usize,
    letters: usize,
}

impl Gaps {
    /// One more letter of a gap; false when it is too long or one too many.
    fn cross(&mut self) -> bool {
        if self.letters == GAP {
            return false;
        }
        self.count += usize::from(self.letters == 0);
        self.letters += 1;
        self.count <= GAPS
    }

    fn end(&mut self) {
        self.letters = 0;
    }

    /// Does a gap stand before the letter at hand?
    fn open(&self) -> bool {
        self.letters > 0
    }

    fn any(&self) -> bool {
        self.count > 0
    }
}

/// The last words of a run, their buffers used again.
#[derive(Default)]
struct Words {
    all: [Word; WORDS_OF_NAME],
    count: usize,
}

impl Words {
    fn last(&self) -> Option<&Word> {
        self.count.checked_sub(1).and_then(|at| self.all.get(at))
    }

    /// Room for one more; the first of a full run goes.
    fn next(&mut self) -> &mut Word {
        if self.count == WORDS_OF_NAME {
            self.all.rotate_left(1);
        } else {
            self.count += 1;
        }
        let at = self.count - 1;
        &mut self.all[at]
    }

    /// The last `count` of them.
    fn named(&self, count: usize) -> &[Word] {
        self.all.get(self.count.saturating_sub(count)..self.count).unwrap_or_default()
    }
}

/// The first letters of the honorifics of `patterns/list/words.toml`.
fn may_title(letter: char) -> bool {
    matches!(letter, '様' | 'さ' | 'サ' | '氏' | '殿' | 'ど' | '君' | 'く' | 'ち' | '先')
}

/// The first three letters of a key in kana, gaps between them left out.
fn first_kana(text: &str) -> Option<[char; 3]> {
    let mut letters = text.chars().take(3 + 2 * GAP).filter(|letter| !form::gap(*letter));
    Some([form::kana(letters.next()?)?, form::kana(letters.next()?)?, form::kana(letters.next()?)?])
}

fn katakana(letter: char) -> bool {
    matches!(letter, 'ァ'..='ヺ' | 'ー')
}

fn hiragana(letter: char) -> bool {
    matches!(letter, 'ぁ'..='ゖ')
}

fn particle(letter: char) -> bool {
    matches!(letter, 'は' | 'が' | 'の' | 'も' | 'と' | 'に' | 'を' | 'へ' | 'や')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_honorific_begins_with_a_letter_that_is_looked_for() {
        assert!(WORDS.cues.honorific.iter().all(|word| word.chars().next().is_some_and(may_title)));
    }
}
