//! Which stretches of a window might be names: dictionary words alone and joined, strings before an honorific or after
//! a label, katakana and Latin runs, initials, HL7 components. Proposes generously; `features` and the weights choose.
//! Must not know: scores.

use super::cues::{After, Before, Cue};
use super::letter::{Script, Window};
use super::lexicon::{Latin, Lexicon, Sense, Word};
use super::starts::Start;

/// How a candidate came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Form {
    Surname,
    Given,
    Full,
    FullHiragana,
    FullGap,
    FullMixed,
    FullUnknown,
    FullGapUnknown,
    SurnameLatin,
    Spaced,
    Unknown,
    Labelled,
    KanaPair,
    Foreign,
    Katakana,
    KatakanaSurname,
    PlaceSurname,
    PlaceFull,
    Latin1,
    Latin2,
    Latin3,
    Latin4,
    LatinParticle,
    Hl7,
    Initials,
    Hangul,
}

impl Form {
    pub const COUNT: usize = 26;
    pub const WORDS: [&'static str; Self::COUNT] = [
        "surname",
        "given",
        "full",
        "full_hiragana",
        "full_gap",
        "full_mixed",
        "full_unknown",
        "full_gap_unknown",
        "surname_latin",
        "spaced",
        "unknown",
        "labelled",
        "kana_pair",
        "foreign",
        "katakana",
        "katakana_surname",
        "place_surname",
        "place_full",
        "latin_1",
        "latin_2",
        "latin_3",
        "latin_4",
        "latin_particle",
        "hl7",
        "initials",
        "hangul",
    ];

    /// 0 a full name, 1 one part, 2 not Japanese.
    #[must_use]
    pub const fn shape(self) -> usize {
        match self {
            Form::Surname | Form::Given | Form::Unknown | Form::Katakana | Form::PlaceSurname | Form::Labelled => 1,
            Form::Latin1
            | Form::Latin2
            | Form::Latin3
            | Form::Latin4
            | Form::LatinParticle
            | Form::Hl7
            | Form::Initials
            | Form::Hangul => 2,
            _ => 0,
        }
    }

    #[must_use]
    pub const fn latin(self) -> bool {
        matches!(self, Form::Latin1 | Form::Latin2 | Form::Latin3 | Form::Latin4 | Form::LatinParticle)
    }
}

/// A stretch of a window that might be a name. `first` is the end of the surname (or of the first component), `second`
/// the start of the given name; both equal `start` when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub start: u32,
    pub end: u32,
    pub form: Form,
    pub first: u32,
    pub second: u32,
}

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
/// Most proposals that start at one letter.
const MOST: usize = 40;

fn gap(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '・' | '^' | ',' | '，')
}

impl Scan {
    /// Look at `window`.
    pub fn look(&mut self, window: &Window, lexicon: &Lexicon, cues: &super::cues::Cues) {
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

    fn put(&mut self, start: usize, end: usize, form: Form, first: usize, second: usize) {
        if start < end {
            self.proposals.push(Proposal {
                start: start as u32,
                end: end as u32,
                form,
                first: first as u32,
                second: second as u32,
            });
        }
    }

    fn propose(&mut self, window: &Window, lexicon: &Lexicon, cues: &super::cues::Cues) {
        self.proposals.clear();
        let tokens = std::mem::take(&mut self.tokens);
        let mut latin = tokens.as_slice();
        for start in 0..window.count() {
            let size = self.proposals.len();
            match window.script(start) {
                script if script.japanese() => {
                    self.dictionary(window, start);
                    if script == Script::Kanji {
                        self.spaced(window, lexicon, start);
                    }
                    if script == Script::Katakana && window.before(start) != Script::Katakana {
                        self.katakana(window, start);
                    }
                }
                Script::Hangul if window.before(start) != Script::Hangul => {
                    let end = window.run(start, 6, Script::Hangul);
                    if (2..=4).contains(&(end - start)) {
                        self.put(start, end, Form::Hangul, start, start);
                    }
                }
                Script::Latin => self.initials(window, start),
                _ => {}
            }
            if self.before.get(start).is_some_and(|cue| cue.before != Before::Nothing) {
                self.labelled(window, start);
            }
            let here = self.after.get(start).copied().unwrap_or_default();
            if matches!(here.after, After::Honorific | After::Title) {
                self.unknown(window, cues, start);
            }
            if window.letter(start) == '^' {
                self.hl7(window, start);
            }
            self.proposals.truncate(size + MOST * 2);
            if let [first, rest @ ..] = latin
                && first.start as usize == start
            {
                self.latin(window, first, rest);
                latin = rest;
            }
        }
        self.tokens = tokens;
        self.sort();
    }

    /// In order, each once. Nearly in order they are already: every proposal moves a few places at most, as none begins more
    /// than `labelled` or `hl7` look back.
    fn sort(&mut self) {
        let key = |p: &Proposal| (p.start, p.end, p.form, p.first, p.second);
        let proposals = &mut self.proposals;
        for at in 1..proposals.len() {
            let mut to = at;
            while to > 0 && matches!(proposals.get(to - 1..=to), Some([before, this]) if key(before) > key(this)) {
                proposals.swap(to - 1, to);
                to -= 1;
            }
        }
        proposals.dedup();
    }

    fn dictionary(&mut self, window: &Window, start: usize) {
        let from = self.first_hit.get(start).copied().unwrap_or(0) as usize;
        let to = self.first_hit.get(start + 1).copied().unwrap_or(0) as usize;
        for index in from..to {
            let Some(&Hit { end, word, .. }) = self.hits.get(index) else { continue };
            let end = end as usize;
            let (surname, given) = (word.surname() != 0, word.given() != 0);
            let place = !surname
                && word.has(Sense::Place)
                && (2..=3).contains(&(end - start))
                && (start..end).all(|at| window.script(at) == Script::Kanji);
            if !surname && !given && !place || self.within_a_word(start, end) {
                continue;
            }
            if self.alone(window, start, end) {
                if surname {
                    self.put(start, end, Form::Surname, end, start);
                }
                if given {
                    self.put(start, end, Form::Given, start, start);
                }
                if place {
                    self.put(start, end, Form::PlaceSurname, end, start);
                }
            }
            if surname || place {
                self.with_given(window, start, end, place);
            }
        }
    }

    /// One letter that is a name only beside others, inside a longer ordinary word and without a cue on either side.
    fn within_a_word(&self, start: usize, end: usize) -> bool {
        let cue = |cue: Option<&Cue>| cue.copied().unwrap_or_default();
        end - start == 1
            && cue(self.before.get(start)).before == Before::Nothing
            && matches!(cue(self.after.get(end)).after, After::Nothing | After::Particle)
            && self.cover(start, end) > 0
    }

    /// May the word stand alone as a name? Inside a run of one kana, or one kanji among kanji, it may not.
    fn alone(&self, window: &Window, start: usize, end: usize) -> bool {
        let (first, last) = (window.script(start), window.script(end - 1));
        let (left, right) = (window.before(start), window.script(end));
        if first == Script::Katakana && left == Script::Katakana
            || last == Script::Katakana && right == Script::Katakana
        {
            return false;
        }
        if first == Script::Hiragana
            && left == Script::Hiragana
            && !matches!(window.letter(start - 1), 'の' | 'は' | 'が' | 'と' | 'も' | 'に')
        {
            return false;
        }
        if last == Script::Hiragana
            && right == Script::Hiragana
            && self.after.get(end).is_none_or(|cue| cue.after == After::Nothing)
        {
            return false;
        }
        !(end - start == 1 && first == Script::Kanji && left == Script::Kanji && right == Script::Kanji)
    }

    /// A surname at `start..end` and what may follow it as a given name.
    fn with_given(&mut self, window: &Window, start: usize, end: usize, place: bool) {
        let mut after_gap = end;
        while after_gap < end + 3 && matches!(window.letter(after_gap), ' ' | '\t') {
            after_gap += 1;
        }
        if after_gap == end && gap(window.letter(end)) {
            after_gap = end + 1;
        }
        if after_gap == end && window.letter(end) == '\n' && window.script(end + 1) == Script::Kanji {
            after_gap = end + 1;
        }
        for second in [end, after_gap] {
            let apart = second > end;
            if second == after_gap && !apart && second != end {
                break;
            }
            let script = window.script(second);
            if !script.japanese() {
                if apart
                    && script == Script::Latin
                    && window.letter(second).is_uppercase()
                    && window.letter(end) != '・'
                    && !place
                {
                    let mut to = second;
                    while window.script(to) == Script::Latin || window.letter(to) == '-' {
                        to += 1;
                    }
                    self.put(start, to, Form::SurnameLatin, end, start);
                }
            } else {
                let from = self.first_hit.get(second).copied().unwrap_or(0) as usize;
                let to = self.first_hit.get(second + 1).copied().unwrap_or(0) as usize;
                for index in from..to {
                    let Some(&Hit { end: last, word, .. }) = self.hits.get(index) else { continue };
                    if word.given() == 0 {
                        continue;
                    }
                    let last = last as usize;
                    if window.script(last - 1) == Script::Katakana && window.script(last) == Script::Katakana {
                        continue;
                    }
                    let form = if place {
                        Form::PlaceFull
                    } else if apart {
                        Form::FullGap
                    } else if window.script(start) == Script::Hiragana && window.script(last - 1) == Script::Hiragana {
                        Form::FullHiragana
                    } else {
                        Form::Full
                    };
                    self.put(start, last, form, end, second);
                }
                if !place {
                    self.unknown_given(window, start, end, second);
                }
            }
            if !apart && after_gap == end {
                break;
            }
        }
    }

    /// A given name that the lists do not hold: kana or mixed up to where the script changes, or one to three kanji.
    fn unknown_given(&mut self, window: &Window, start: usize, end: usize, second: usize) {
        let apart = second > end;
        let script = window.script(second);
        if apart || script != Script::Hiragana {
            let kanji_or_katakana = |script| matches!(script, Script::Kanji | Script::Katakana);
            let mut last = second;
            while last < second + 5
                && (window.script(last) == script
                    || kanji_or_katakana(script) && kanji_or_katakana(window.script(last)))
            {
                last += 1;
            }
            if !window.script(last).japanese() || window.script(last) != window.script(last - 1) {
                self.put(start, last, Form::FullMixed, end, second);
                if apart && script == Script::Katakana && window.script(last) == Script::Kanji {
                    self.put(start, last + 1, Form::FullMixed, end, second);
                }
            }
        }
        if script == Script::Kanji {
            let last = window.run(second, 4, Script::Kanji);
            if last - second <= 3 {
                let form = if apart { Form::FullGapUnknown } else { Form::FullUnknown };
                for to in second + 1..=last {
                    if to == last || !apart {
                        self.put(start, to, form, end, second);
                    }
                }
            }
        }
    }

    /// Letters set apart: 谷 口 貴 志.
    fn spaced(&mut self, window: &Window, lexicon: &Lexicon, start: usize) {
        if window.letter(start + 1) != ' '
            || window.script(start + 2) != Script::Kanji
            || window.script(start + 3) == Script::Kanji
        {
            return;
        }
        if window.before(start) == Script::Kanji
            || window.letter(start.wrapping_sub(1)) == ' ' && start >= 2 && window.script(start - 2) == Script::Kanji
        {
            return;
        }
        let mut letters = vec![window.letter(start)];
        let mut at = start + 1;
        while letters.len() < 7
            && window.letter(at) == ' '
            && window.script(at + 1) == Script::Kanji
            && window.script(at + 2) != Script::Kanji
        {
            letters.push(window.letter(at + 1));
            at += 2;
        }
        if !(3..=6).contains(&letters.len()) {
            return;
        }
        for cut in 1..letters.len() {
            let (Some(surname), Some(given)) = (letters.get(..cut), letters.get(cut..)) else { continue };
            if lexicon.word(surname).has(Sense::Surname) && lexicon.word(given).has(Sense::Given) {
                self.put(start, at, Form::Spaced, start, start);
                break;
            }
        }
    }

    /// Katakana runs, alone, paired over a gap, joined by middle dots, or before a surname.
    fn katakana(&mut self, window: &Window, start: usize) {
        let end = window.run(start, 24, Script::Katakana);
        if window.script(end) == Script::Katakana {
            return;
        }
        let joined = |letter: char| matches!(letter, '・' | '=' | '＝');
        let after = window.letter(end);
        let free = !joined(after) && (start == 0 || !joined(window.letter(start - 1)));
        if (2..=12).contains(&(end - start)) && free {
            self.put(start, end, Form::Katakana, start, start);
        }
        // A pair over a gap.
        if matches!(after, ' ' | '^') && (2..=8).contains(&(end - start)) {
            let second = window.run(end + 1, 9, Script::Katakana);
            if (2..=8).contains(&(second - end).saturating_sub(1)) {
                self.put(start, second, Form::KanaPair, start, start);
                if window.letter(second) == ' ' {
                    let third = window.run(second + 1, 9, Script::Katakana);
                    if (1..=8).contains(&(third - second).saturating_sub(1)) {
                        self.put(start, third, Form::KanaPair, start, start);
                    }
                }
            }
        }
        if after == ' ' && window.script(end + 1) == Script::Kanji {
            let from = self.first_hit.get(end + 1).copied().unwrap_or(0) as usize;
            let to = self.first_hit.get(end + 2).copied().unwrap_or(0) as usize;
            for index in from..to {
                let Some(&Hit { end: last, word, .. }) = self.hits.get(index) else { continue };
                if word.surname() != 0 {
                    self.put(start, last as usize, Form::KatakanaSurname, last as usize, start);
                }
            }
        }
        // Joined by middle dots.
        if joined(after) && end - start <= 12 && !(start > 0 && joined(window.letter(start - 1))) {
            let mut last = end;
            for _ in 0..5 {
                if !joined(window.letter(last)) {
                    break;
                }
                let mut next = last + 1;
                while next < last + 13
                    && (window.script(next) == Script::Katakana || window.letter(next).is_ascii_uppercase())
                {
                    next += 1;
                }
                if next == last + 1 {
                    break;
                }
                last = next;
            }
            if last > end {
                self.put(start, last, Form::Foreign, start, start);
            }
        }
    }

    /// What stands after a label at `at`: 2–5 kanji, with or without a gap and more; a pair of katakana.
    fn labelled(&mut self, window: &Window, at: usize) {
        let mut start = at;
        while start < at + 4 && matches!(window.script(start), Script::Colon | Script::Space) {
            start += 1;
        }
        if start == at {
            return;
        }
        let script = window.script(start);
        if script == Script::Kanji {
            let end = window.run(start, 6, Script::Kanji);
            if (2..=5).contains(&(end - start)) {
                self.put(start, end, Form::Labelled, start, start);
                if window.letter(end) == ' ' && window.script(end + 1) == Script::Kanji {
                    let second = window.run(end + 1, 4, Script::Kanji);
                    if second - end <= 4 {
                        self.put(start, second, Form::Labelled, start, start);
                    }
                }
            }
        }
    }

    /// Any run of one script before an honorific or title at `at`.
    fn unknown(&mut self, window: &Window, cues: &super::cues::Cues, at: usize) {
        let mut end = at;
        if end > 0 && window.letter(end - 1) == ' ' {
            end -= 1;
        }
        let script = window.before(end);
        let (least, most) = match script {
            Script::Kanji => (1, 5),
            Script::Katakana => (2, 8),
            Script::Hiragana => (2, 6),
            _ => return,
        };
        let mut start = end;
        while start > 0 && end - start < most && window.before(start) == script {
            start -= 1;
        }
        if cues.not_person(window.slice(start, end)) {
            return;
        }
        if script != Script::Kanji {
            if end - start >= least && window.before(start) != script {
                self.put(start, end, Form::Unknown, start, start);
            }
            return;
        }
        for from in start..end {
            if !cues.not_person(window.slice(from, end)) {
                self.put(from, end, Form::Unknown, start, start);
            }
        }
    }

    /// K.T., T・S, at `start`.
    fn initials(&mut self, window: &Window, start: usize) {
        let capital = |at: usize| window.letter(at).is_ascii_uppercase();
        let plain = |at: usize| !matches!(window.script(at), Script::Latin | Script::Digit);
        if !capital(start) || start > 0 && (!plain(start - 1) || window.letter(start - 1) == '.') {
            return;
        }
        if !matches!(window.letter(start + 1), '.' | '・' | '．') {
            return;
        }
        let second = start + 2 + usize::from(window.letter(start + 2) == ' ');
        if !capital(second) {
            return;
        }
        if matches!(window.letter(second + 1), '.' | '．') && window.script(second + 2) != Script::Latin {
            self.put(start, second + 2, Form::Initials, start, start);
        } else if plain(second + 1) && window.letter(second + 1) != '.' {
            self.put(start, second + 1, Form::Initials, start, start);
        }
    }

    /// `A^B` between separators, the caret at `at`.
    fn hl7(&mut self, window: &Window, at: usize) {
        let part = |at: usize| {
            let letter = window.letter(at);
            letter != '\0'
                && !matches!(letter, '|' | '^' | '~' | '&' | '"' | ',')
                && !letter.is_whitespace()
                && !letter.is_ascii_digit()
        };
        let mut start = at;
        while start > 0 && at - start < 30 && part(start - 1) {
            start -= 1;
        }
        let before = window.letter(start.wrapping_sub(1));
        let mut end = at + 1;
        while end < at + 30 && part(end) {
            end += 1;
        }
        if start < at
            && end > at + 1
            && (start == 0 || matches!(before, '|' | '~' | '"' | ' ' | '\n' | '^' | ',' | ':' | '\t'))
        {
            self.put(start, end, Form::Hl7, at, at + 1);
        }
    }

    /// Runs of capitalised words that begin with `token`; `following` stand behind it.
    fn latin(&mut self, window: &Window, token: &Token, following: &[Token]) {
        const PARTICLES: [&str; 20] = [
            "van", "von", "der", "den", "de", "del", "della", "da", "di", "dos", "la", "le", "bin", "binti", "ibn",
            "al", "el", "y", "ter", "e",
        ];
        if !token.capital || token.end - token.start > 24 {
            return;
        }
        let mut last = token;
        let mut count = 1;
        let mut particle = false;
        self.latin_end(window, token, token, Form::Latin1);
        for next in following.iter().take(5) {
            let between = window.slice(last.end as usize, next.start as usize);
            let close = matches!(between, [' '] | [',', ' '] | [','] | ['.', ' '] | ['.'] | [' ', ' ']);
            let short = last.end - last.start <= 2;
            if !close || between.first() == Some(&'.') && !short {
                break;
            }
            if !next.capital {
                let word = window.slice(next.start as usize, next.end as usize);
                if !PARTICLES.iter().any(|particle| particle.chars().eq(word.iter().copied())) {
                    break;
                }
                particle = true;
                last = next;
                continue;
            }
            count += 1;
            last = next;
            if particle {
                self.latin_end(window, token, last, Form::LatinParticle);
                break;
            }
            let form = match count {
                2 => Form::Latin2,
                3 => Form::Latin3,
                _ => Form::Latin4,
            };
            self.latin_end(window, token, last, form);
            if count == 4 {
                break;
            }
        }
    }

    fn latin_end(&mut self, window: &Window, first: &Token, last: &Token, form: Form) {
        let (start, mut end) = (first.start as usize, last.end as usize);
        if last.end - last.start == 1 && window.letter(end) == '.' {
            end += 1;
        }
        self.put(start, end, form, start, start);
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
