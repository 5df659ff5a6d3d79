//! Proposals in Japanese scripts: words of the lists alone and joined, runs of one script beside an honorific or a label.
//! Must not know: scores.

use super::Form;
use crate::detect::engine::names::cues::{After, Before, Cue, Cues};
use crate::detect::engine::names::letter::{Script, Window};
use crate::detect::engine::names::lexicon::Lexicon;
use crate::detect::engine::names::scan::{Hit, Scan};
use crate::detect::engine::names::word::Sense;

fn gap(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '・' | '^' | ',' | '，')
}

impl Scan {
    /// Names of the lists that begin at `start`, and what may follow them.
    pub(super) fn dictionary(&mut self, window: &Window, start: usize) {
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
    pub(super) fn spaced(&mut self, window: &Window, lexicon: &Lexicon, start: usize) {
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
    pub(super) fn katakana(&mut self, window: &Window, start: usize) {
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
    pub(super) fn labelled(&mut self, window: &Window, at: usize) {
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
    pub(super) fn unknown(&mut self, window: &Window, cues: &Cues, at: usize) {
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
}
