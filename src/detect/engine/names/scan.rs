//! What is seen in a window before anything is scored: dictionary words, Latin words, cues, lines. One look for all that
//! comes after.
//! Must not know: which stretches might be names, scores.

use zeroize::Zeroize;

use super::candidates::Proposal;
use super::cues::{Before, Cue, Cues};
use super::letter::{Script, Window};
use super::lexicon::Lexicon;
use super::starts::Start;
use super::word::{Latin, Word};

/// A dictionary word in the window.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub start: u32,
    pub end: u32,
    pub word: Word,
}

/// A Latin word in the window.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub start: u32,
    pub end: u32,
    pub info: Latin,
    pub capital: bool,
    pub upper: bool,
}

/// What is seen in a window before anything is scored. Reused from window to window.
#[derive(Default)]
pub struct Scan {
    pub hits: Vec<Hit>,
    /// Index of the first hit at or after each letter.
    pub first_hit: Vec<u32>,
    pub tokens: Vec<Token>,
    pub before: Vec<Cue>,
    pub after: Vec<Cue>,
    /// In this line stands Japanese.
    pub japanese_line: Vec<bool>,
    /// The last label with a colon or a space in this line, and its end.
    pub line_label: Vec<(Before, u32)>,
    pub proposals: Vec<Proposal>,
    letters: Vec<(char, char)>,
    starts: Vec<Start>,
    hashes: Vec<u64>,
    places: Vec<(u32, u32)>,
    longer: Vec<Hit>,
    /// By letter: how far the words of two letters and more reach that begin here and speak against a name; 0 none.
    covers: Vec<u32>,
}

/// Longest word looked up.
pub const LONGEST: usize = 8;

impl Scan {
    /// Wipe the letters of the text.
    pub fn forget(&mut self) {
        self.letters.zeroize();
    }

    /// Look at `window`.
    pub fn look(&mut self, window: &Window, lexicon: &Lexicon, cues: &Cues) {
        cues.mark(window, &mut self.before, &mut self.after);
        self.words(window, lexicon);
        self.latin_words(window, lexicon);
        self.lines(window);
        self.propose(window, lexicon, cues);
    }

    /// Every dictionary word, by start and then by length. In passes over the whole window: what begins at each letter, the
    /// hashes of what may go on, their values; so that no step waits for the memory of the one before.
    fn words(&mut self, window: &Window, lexicon: &Lexicon) {
        let Self { hits, first_hit, letters, starts, hashes, places, longer, covers, .. } = self;
        letters.clear();
        // A word ends before what is not Japanese.
        let japanese = |(letter, script): (&char, &Script)| if script.japanese() { *letter } else { '\0' };
        let mut following = window.letters.iter().zip(&window.scripts).map(japanese);
        if let Some(mut first) = following.next() {
            letters.extend(following.map(|second| (std::mem::replace(&mut first, second), second)));
            letters.push((first, '\0'));
        }
        lexicon.starts(letters, starts);
        hashes.clear();
        places.clear();
        for (start, Start { lengths, .. }) in starts.iter().enumerate().filter(|(_, start)| start.lengths != 0) {
            let longest = (15 - lengths.leading_zeros() as usize).min(LONGEST);
            let mut hash = super::letter::hash(window.slice(start, start + 2).iter().copied());
            for length in 3..=longest {
                let at = start + length - 1;
                if !window.script(at).japanese() {
                    break;
                }
                hash = super::letter::mix(hash, window.letter(at));
                if lengths & 1 << length != 0 {
                    hashes.push(hash);
                    places.push((start as u32, (start + length) as u32));
                }
            }
        }
        longer.clear();
        lexicon.words(hashes, |number, word| {
            let (start, end) = places.get(number).copied().unwrap_or_default();
            longer.push(Hit { start, end, word });
        });
        hits.clear();
        first_hit.clear();
        let mut longer = longer.iter().peekable();
        for (start, Start { one, two, .. }) in (0..).zip(starts.iter()) {
            first_hit.push(hits.len() as u32);
            for (length, value) in [(1, *one), (2, *two)] {
                if value != 0 {
                    hits.push(Hit { start, end: start + length, word: Word(value) });
                }
            }
            while let Some(hit) = longer.next_if(|hit| hit.start == start) {
                hits.push(*hit);
            }
        }
        first_hit.push(hits.len() as u32);
        covers.clear();
        covers.resize(window.count(), 0);
        for hit in hits.iter().filter(|hit| hit.end - hit.start > 1 && hit.word.covers()) {
            if let Some(reach) = covers.get_mut(hit.start as usize) {
                *reach = hit.end;
            }
        }
    }

    /// The dictionary's word for `start..end`, from what was seen there; None where words are not looked for.
    #[must_use]
    pub fn word_at(&self, start: usize, end: usize) -> Option<Word> {
        (end - start <= LONGEST)
            .then(|| self.hits_at(start).iter().find(|hit| hit.end as usize == end).map_or(Word(0), |hit| hit.word))
    }

    /// The words that start at `at`.
    #[must_use]
    pub fn hits_at(&self, at: usize) -> &[Hit] {
        let bound = |at: usize| self.first_hit.get(at).copied().unwrap_or(self.hits.len() as u32) as usize;
        self.hits.get(bound(at)..bound(at + 1)).unwrap_or(&[])
    }

    fn latin_words(&mut self, window: &Window, lexicon: &Lexicon) {
        self.tokens.clear();
        let mut at = 0;
        while at < window.count() {
            if window.script(at) != Script::Latin {
                at += 1;
                continue;
            }
            let start = at;
            while window.script(at) == Script::Latin
                || matches!(window.letter(at), '\'' | '’' | '-') && window.script(at + 1) == Script::Latin
            {
                at += 1;
            }
            let letters = window.slice(start, at);
            let capital = letters.first().is_some_and(|c| c.is_uppercase());
            // Words without a capital are only neighbours.
            let info = if capital && letters.len() < 24 { lexicon.latin_word(letters) } else { Latin(0) };
            let upper = capital && !letters.iter().any(|c| c.is_lowercase());
            self.tokens.push(Token { start: start as u32, end: at as u32, info, capital, upper });
        }
    }

    fn lines(&mut self, window: &Window) {
        self.japanese_line.clear();
        self.japanese_line.resize(window.count() + 1, false);
        self.line_label.clear();
        let mut line = 0;
        for at in 0..=window.count() {
            let script = window.script(at);
            if matches!(script, Script::Line | Script::Edge) {
                let scripts = window.scripts.get(line..at).unwrap_or(&[]);
                let japanese = scripts.iter().any(|script| script.japanese());
                if let Some(flags) = self.japanese_line.get_mut(line..at) {
                    flags.fill(japanese);
                }
                line = at + 1;
            }
        }
        let mut last = (Before::Nothing, 0);
        self.line_label.extend((0..=window.count()).map(|at| {
            let script = window.script(at);
            match script {
                Script::Line => last = (Before::Nothing, 0),
                Script::Stop if window.letter(at) == '。' => last = (Before::Nothing, 0),
                Script::Colon | Script::Space | Script::Tab => {
                    let cue = self.before.get(at).copied().unwrap_or_default();
                    if cue.before != Before::Nothing && (script == Script::Colon || cue.length > 1) {
                        last = (cue.before, at as u32);
                    }
                }
                _ => {}
            }
            last
        }));
    }

    /// The longest ordinary word that holds `start..end` and is longer: 0 none, else `Word::cover`.
    #[must_use]
    pub fn cover(&self, start: usize, end: usize) -> usize {
        let mut size = end - start;
        let mut best = 0;
        let first = start.saturating_sub(6);
        let reaches = self.covers.get(first..=start).unwrap_or(&[]);
        for (from, _) in (first..).zip(reaches).filter(|(_, reach)| **reach as usize >= end) {
            for hit in self.hits_at(from) {
                let length = (hit.end - hit.start) as usize;
                if hit.end as usize >= end && length > size && hit.word.covers() {
                    size = length;
                    best = hit.word.cover();
                }
            }
        }
        best
    }
}
