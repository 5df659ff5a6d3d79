//! Proposals in Latin letters: runs of capitalised words, initials, components of HL7.
//! Must not know: scores.

use super::Form;
use crate::detect::engine::names::letter::{Script, Window};
use crate::detect::engine::names::scan::{Scan, Token};

impl Scan {
    /// K.T., T・S, at `start`.
    pub(super) fn initials(&mut self, window: &Window, start: usize) {
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
    pub(super) fn hl7(&mut self, window: &Window, at: usize) {
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
    pub(super) fn latin(&mut self, window: &Window, token: &Token, following: &[Token]) {
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
}
