//! Labels: the words that say what the value after them is (`患者ID：`, `TEL`, a field's name, a column's head).
//! One automaton over the labels of all rules; the nearest label wins, so that a phone's label never binds an ID.
//! Must not know: what a value looks like.

use std::ops::Range;

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, MatchKind};

use crate::detect::rule::{Rule, RuleError};

/// A label in a text.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// Bytes of the folded text.
    pub(crate) range: Range<usize>,
    pub(crate) label: usize,
}

/// The labels of all rules.
pub(crate) struct Labels {
    /// None without labels.
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    words: Vec<Word>,
    /// By rule: the words it owns.
    owned: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct Word {
    text: String,
    tokens: Vec<String>,
    joined: String,
    /// The rules that own it, in order.
    owners: Vec<usize>,
}

impl std::fmt::Debug for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Labels").field("words", &self.words.len()).finish_non_exhaustive()
    }
}

impl Labels {
    pub(crate) fn new(rules: &[Rule]) -> Result<Self, RuleError> {
        let mut words: Vec<Word> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            for label in &rule.labels {
                let text = label.trim().to_lowercase();
                let at = words.iter().position(|word| word.text == text).unwrap_or_else(|| {
                    let tokens = tokens(label);
                    let joined = tokens.concat();
                    words.push(Word { tokens, joined, text, owners: Vec::new() });
                    words.len() - 1
                });
                if let Some(word) = words.get_mut(at).filter(|word| word.owners.last() != Some(&index)) {
                    word.owners.push(index);
                }
            }
        }
        let automaton = if words.is_empty() {
            None
        } else {
            let builder = CharwiseDoubleArrayAhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest);
            let built = builder.build(words.iter().map(|word| word.text.as_str()));
            Some(built.map_err(|error| RuleError::at("labels", "", 0..0, error.to_string(), "fewer labels"))?)
        };
        let owns = |word: &Word, rule: usize| word.owners.contains(&rule);
        let owned = (0..rules.len())
            .map(|rule| words.iter().enumerate().filter(|(_, word)| owns(word, rule)).map(|(at, _)| at).collect())
            .collect();
        Ok(Self { automaton, words, owned })
    }

    /// Every label of a text, longest first at each place, in order. `lower` is the same text in lower case.
    pub(crate) fn scan(&self, text: &str, lower: &str) -> Vec<Hit> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        automaton
            .leftmost_find_iter(lower)
            .map(|found| Hit { range: found.start()..found.end(), label: found.value() as usize })
            .filter(|hit| whole(text, hit.range.clone()))
            .collect()
    }

    /// The rules that own a label.
    pub(crate) fn owners(&self, label: usize) -> &[usize] {
        self.words.get(label).map_or(&[], |word| &word.owners)
    }

    pub(crate) fn owns(&self, label: usize, rule: usize) -> bool {
        self.owners(label).contains(&rule)
    }

    pub(crate) fn text(&self, label: usize) -> &str {
        self.words.get(label).map_or("", |word| word.text.as_str())
    }

    /// The label of `rule` that binds a value at `at`, if its nearest label is one.
    pub(crate) fn binds(&self, text: &str, hits: &[Hit], rule: &Rule, index: usize, at: usize) -> Option<usize> {
        let mut upto = hits.partition_point(|hit| hit.range.end <= at);
        let mut end = at;
        let mut first = true;
        while let Some(hit) = upto.checked_sub(1).and_then(|before| hits.get(before)) {
            let gap = text.get(hit.range.end..end)?;
            let bound = if first { joins(gap, rule.within) } else { compound(gap) };
            if !bound {
                return None;
            }
            if self.owns(hit.label, index) {
                return Some(hit.label);
            }
            first = false;
            end = hit.range.start;
            upto -= 1;
        }
        None
    }

    /// The label of `rule` that a field's or column's name holds.
    pub(crate) fn names(&self, field: &Field, index: usize) -> Option<usize> {
        self.owned.get(index)?.iter().copied().find(|at| self.words.get(*at).is_some_and(|word| field.holds(word)))
    }
}

/// Is a label at this place a word of its own? Only ASCII words have edges.
fn whole(text: &str, range: Range<usize>) -> bool {
    let word = text.as_bytes().get(range.clone()).unwrap_or_default();
    let before = range.start.checked_sub(1).and_then(|at| text.as_bytes().get(at)).copied().unwrap_or(b' ');
    let after = text.as_bytes().get(range.end).copied().unwrap_or(b' ');
    let first = word.first().copied().unwrap_or(b' ');
    let last = word.last().copied().unwrap_or(b' ');
    let glued_before = first.is_ascii_alphabetic()
        && before.is_ascii_alphabetic()
        && !(before.is_ascii_lowercase() && first.is_ascii_uppercase());
    let glued_after = last.is_ascii_alphabetic() && after.is_ascii_alphabetic() && !after.is_ascii_uppercase();
    !glued_before && !glued_after
}

/// Does what stands between label and value join them? Colons, arrows, bars, blanks, a few words, one line break where
/// the label ends its line and the value begins the next; never another number, a full stop or one of our tokens.
fn joins(gap: &str, within: usize) -> bool {
    let mut letters = 0;
    let mut digits = 0;
    let mut breaks = 0;
    for letter in gap.chars() {
        letters += 1;
        digits = if letter.is_ascii_digit() { digits + 1 } else { 0 };
        match letter {
            '。' | '；' | ';' | '!' | '?' | super::ATOM => return false,
            '\n' => breaks += 1,
            _ => {}
        }
        if letters > within || digits > 2 || breaks > 1 {
            return false;
        }
    }
    breaks == 0 || gap.chars().all(|letter| letter.is_whitespace() || ":=>|-\"'・*#".contains(letter))
}

/// Two labels that make one (`マイナンバー（個人番号）`, `マイナンバーの番号`).
fn compound(gap: &str) -> bool {
    gap.chars().count() <= 2
        && !gap
            .chars()
            .any(|letter| letter.is_ascii_digit() || ",:;|\t\n。、".contains(letter) || letter == super::ATOM)
}

/// The name of a field or column, made ready for comparison.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    folded: String,
    tokens: Vec<String>,
    joined: String,
}

impl Field {
    /// `name` is folded already.
    pub(crate) fn new(name: &str) -> Self {
        let folded = name.trim().to_lowercase();
        let tokens = tokens(name);
        Self { joined: tokens.concat(), tokens, folded }
    }

    fn holds(&self, label: &Word) -> bool {
        if !label.text.is_ascii() {
            return self.folded.contains(label.text.as_str());
        }
        if label.tokens.is_empty() || self.tokens.is_empty() {
            return false;
        }
        self.joined == label.joined || self.tokens.windows(label.tokens.len()).any(|window| window == label.tokens)
    }
}

/// `patientId`, `patient_id`, `Patient ID` → patient, id.
fn tokens(name: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            if lower && letter.is_ascii_uppercase() && !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            lower = letter.is_ascii_lowercase();
            word.push(letter.to_ascii_lowercase());
        } else {
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            lower = false;
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}
