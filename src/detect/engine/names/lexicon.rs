//! The dictionaries: Japanese names with their ambiguity, readings, ordinary words that speak against a name; Latin names,
//! romaji and English words. Files and sources: `patterns/names/*`, `scripts/names/make`.
//! Must not know: texts, scores.

use super::letter::{SEED, hash, mix};
pub use super::romaji::{loose, romaji};
use super::romaji::{loosen, plain_letter};
use super::starts::{Start, Starts};
use super::table::Table;
use super::word::{EXTRA, Latin, Sense, Word, marks_of};
use crate::detect::text::Text;

/// By letter: how often it begins or goes on (0) and ends (1) a given name; behind `weigh`, the logarithms.
#[derive(Default)]
struct GivenLetters {
    /// By letter of the basic plane: its number in `counts`, from 1.
    numbers: Vec<u16>,
    counts: Vec<[u32; 2]>,
    looks: Vec<[f32; 2]>,
}

impl GivenLetters {
    /// Added to every count, so that a letter never seen has a logarithm.
    const LEAST: f32 = 0.3;

    fn add(&mut self, letter: char, last: bool) {
        self.numbers.resize(1 << 16, 0);
        let Some(number) = self.numbers.get_mut(letter as usize) else { return };
        if *number == 0 {
            self.counts.push([0; 2]);
            *number = self.counts.len() as u16;
        }
        if let Some(count) = self.counts.get_mut(usize::from(*number) - 1).and_then(|c| c.get_mut(usize::from(last))) {
            *count += 1;
        }
    }

    /// Turn the counts into what is read.
    fn weigh(&mut self) {
        self.looks = self.counts.iter().map(|counts| counts.map(|count| (count as f32 + Self::LEAST).ln())).collect();
    }

    fn look(&self, letter: char, last: bool) -> f32 {
        let number = self.numbers.get(letter as usize).copied().unwrap_or(0);
        let look = usize::from(number).checked_sub(1).and_then(|number| self.looks.get(number));
        look.and_then(|look| look.get(usize::from(last))).copied().unwrap_or_else(|| Self::LEAST.ln())
    }

    fn bytes(&self) -> usize {
        self.numbers.len() * 2 + self.counts.len() * 16
    }
}

/// All word lists.
pub struct Lexicon {
    /// Of three letters and more.
    japanese: Table,
    starts: Starts,
    latin: Table,
    romaji: Table,
    given_letters: GivenLetters,
}

/// Words of a list that are added together.
const WORDS: usize = 64;

/// A line of a word list that cannot be read.
#[derive(Debug)]
pub struct BadLine {
    pub file: &'static str,
    pub line: usize,
}

fn rows(text: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    let mut rest = text;
    let lines = std::iter::from_fn(move || {
        let (line, after) = rest.split_at_checked(memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len()))?;
        rest = after.strip_prefix('\n').unwrap_or("");
        (!line.is_empty() || !after.is_empty()).then(|| line.strip_suffix('\r').unwrap_or(line))
    });
    lines.enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
}

impl Lexicon {
    /// The lists that come with the program. `technical` are Latin words that are no names.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn shipped(technical: &[String]) -> Result<Self, BadLine> {
        let mut lexicon = Self {
            japanese: Table::with_room(470_000),
            starts: Starts::with_room(260_000),
            latin: Table::with_room(150_000),
            romaji: Table::with_room(60_000),
            given_letters: GivenLetters::default(),
        };
        lexicon.japanese()?;
        lexicon.heads()?;
        for (_, word) in rows(include_str!("../../../../patterns/names/given_more.tsv")) {
            lexicon.add(word, EXTRA << 4);
            lexicon.count_given(word);
        }
        lexicon.given_letters.weigh();
        lexicon.latin()?;
        lexicon.terms()?;
        for word in technical {
            lexicon.latin.add(word, Latin::TECHNICAL);
        }
        Ok(lexicon)
    }

    /// Or `value` into the value of a Japanese word.
    fn add(&mut self, word: &str, value: u32) {
        let length = word.chars().count();
        if value != 0 && (1..=15).contains(&length) {
            self.starts.add(word, value);
            if length > 2 {
                self.japanese.add_hash(hash(word.chars()), value);
            }
        }
    }

    /// `add` for many words at once, which are then gone from `words`.
    fn add_all(&mut self, words: &mut Vec<(&str, u32)>) {
        self.starts.warm(words.iter().map(|(word, _)| *word));
        self.japanese.warm(words.iter().map(|(word, _)| hash(word.chars())));
        for (word, value) in words.drain(..) {
            self.add(word, value);
        }
    }

    /// By place, given its letter and the next: the Japanese words of one and two letters, and the lengths of longer ones.
    pub fn starts(&self, places: &[(char, char)], out: &mut Vec<Start>) {
        self.starts.each(places, out);
    }

    /// The Japanese words of three letters and more with these hashes: number and word, in order.
    pub fn words(&self, hashes: &[u64], mut put: impl FnMut(usize, Word)) {
        self.japanese.each(hashes, |number, value| put(number, Word(value)));
    }

    fn japanese(&mut self) -> Result<(), BadLine> {
        let mut kana = String::new();
        let mut words = Vec::with_capacity(WORDS);
        for (number, line) in rows(include_str!("../../../../patterns/names/japanese.tsv")) {
            let bad = BadLine { file: "japanese.tsv", line: number + 1 };
            let tab = line.bytes().rposition(|byte| byte == b'\t');
            let Some((word, marks)) = tab.and_then(|tab| line.split_at_checked(tab)) else { return Err(bad) };
            let Some((value, surname, given)) = marks_of(marks.trim_start()) else { return Err(bad) };
            words.push((word, value));
            if words.len() == WORDS {
                self.add_all(&mut words);
            }
            if value & 0xf0 != 0 {
                self.count_given(word);
            }
            if surname | given {
                // The same reading in hiragana.
                kana.clear();
                kana.extend(word.chars().map(|c| match c {
                    'ァ'..='ヶ' => char::from_u32(c as u32 - 0x60).unwrap_or(c),
                    _ => c,
                }));
                self.add(&kana, value & (0x3f << 18));
                let latin = romaji(word);
                if latin.len() > 2 {
                    let value =
                        if surname { Latin::ROMAJI_SURNAME } else { 0 } | if given { Latin::ROMAJI_GIVEN } else { 0 };
                    self.romaji.add(&latin, value);
                }
            }
        }
        self.add_all(&mut words);
        Ok(())
    }

    fn heads(&mut self) -> Result<(), BadLine> {
        for (number, line) in rows(include_str!("../../../../patterns/names/surname_heads.tsv")) {
            let bad = BadLine { file: "surname_heads.tsv", line: number + 1 };
            let mut columns = line.split('\t');
            let (Some(word), Some(count)) = (columns.next(), columns.next()) else { return Err(bad) };
            let Ok(count) = count.parse::<u32>() else { return Err(bad) };
            let step = 1 + u32::from(count >= 20_000) + u32::from(count >= 60_000) + u32::from(count >= 200_000);
            let known = self.word(&word.chars().collect::<Vec<_>>()).has(Sense::Surname);
            self.add(word, step << 15 | if known { 0 } else { EXTRA });
        }
        Ok(())
    }

    fn latin(&mut self) -> Result<(), BadLine> {
        for (number, line) in rows(include_str!("../../../../patterns/names/latin.tsv")) {
            let bad = BadLine { file: "latin.tsv", line: number + 1 };
            let Some((word, marks)) = line.split_once('\t') else { return Err(bad) };
            let mut value = 0;
            let mut letters = marks.chars();
            while let Some(mark) = letters.next() {
                value |= match mark {
                    'g' => letters.next().and_then(|c| c.to_digit(4)).map_or(0, |n| n.min(2) + 1),
                    's' => letters.next().and_then(|c| c.to_digit(8)).map_or(0, |n| (n.min(3) + 1) << 2),
                    'F' => 1 << 5,
                    'L' => 1 << 6,
                    _ => return Err(bad),
                };
            }
            self.latin.add(word, value);
        }
        for (_, word) in rows(include_str!("../../../../patterns/names/english.txt")) {
            self.latin.add(word, Latin::ENGLISH);
        }
        Ok(())
    }

    /// Eponyms, instruments, companies: the whole string is a term.
    fn terms(&mut self) -> Result<(), BadLine> {
        for (number, line) in rows(include_str!("../../../../patterns/names/eponyms.tsv")) {
            let Some((term, kind)) = line.split_once('\t') else {
                return Err(BadLine { file: "eponyms.tsv", line: number + 1 });
            };
            match kind {
                "term" | "ambiguous_name_token" | "placeholder_name" => {}
                "english" => {
                    // The words before the last are the people.
                    let mut words: Vec<&str> = term.split([' ', '-']).collect();
                    words.pop();
                    for word in words {
                        if word.starts_with(char::is_uppercase) && word.len() > 2 {
                            let word = word.trim_end_matches("'s").trim_end_matches('\'').to_lowercase();
                            self.latin.add(&word, Latin::EPONYM);
                        }
                    }
                }
                _ => {
                    let folded = Text::new(term);
                    let value = if kind == "common_word" { Word::NOUN } else { Word::TERM };
                    self.add(folded.folded(), value);
                }
            }
        }
        Ok(())
    }

    fn count_given(&mut self, word: &str) {
        let last = word.chars().count().saturating_sub(1);
        for (at, letter) in word.chars().enumerate() {
            self.given_letters.add(letter, at == last);
        }
    }

    /// How well the letters look like a given name, 0 (not) to 7.
    #[must_use]
    pub fn given_look(&self, letters: &[char]) -> usize {
        let last = letters.len().saturating_sub(1);
        let sum: f32 =
            letters.iter().enumerate().map(|(at, letter)| self.given_letters.look(*letter, at == last)).sum();
        let mean = sum / letters.len().max(1) as f32;
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0].iter().filter(|step| mean >= **step).count()
    }

    #[must_use]
    pub fn word(&self, letters: &[char]) -> Word {
        match letters {
            [one] => Word(self.starts.one(*one)),
            [first, second] => Word(self.starts.two(*first, *second)),
            _ => Word(self.japanese.word(letters)),
        }
    }

    /// A Latin word, any case.
    #[must_use]
    pub fn latin_word(&self, letters: &[char]) -> Latin {
        let lower = || {
            letters
                .iter()
                .map(|c| if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(*c) })
        };
        let mut value = self.latin.get(hash(lower()));
        if letters.len() > 2 && letters.len() <= 15 {
            let mut plain = [0; 15];
            let mut count = 0;
            for (slot, letter) in plain.iter_mut().zip(lower().filter_map(plain_letter)) {
                *slot = letter;
                count += 1;
            }
            let mut key = SEED;
            loosen(plain.get(..count).unwrap_or(&[]), |letter| key = mix(key, char::from(letter)));
            value |= self.romaji.get(key);
        }
        Latin(value)
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.japanese.bytes()
            + self.starts.bytes()
            + self.latin.bytes()
            + self.romaji.bytes()
            + self.given_letters.bytes()
    }
}
