//! Numbers and telephones of the list in a text: digit runs with whatever people write between them.
//! Must not know: names, tags.

use std::ops::Range;

use super::form;
use super::read::Reader;
use super::tag::Class;
use super::{LONGEST, What};

/// How far back a cue before a number is looked for, in bytes.
const CUE: usize = 40;

impl Reader<'_> {
    /// A run of ASCII letters and digits that begins at `start` and holds a digit; gives where it ends.
    pub(super) fn token(&mut self, start: usize, found: &mut Vec<(Range<usize>, What)>) -> usize {
        let bytes = self.text.as_bytes();
        let mut end = start;
        let mut digits = 0;
        while let Some(byte) = bytes.get(end) {
            let next = bytes.get(end + 1).copied().unwrap_or(0);
            if byte.is_ascii_alphanumeric() {
                digits += usize::from(byte.is_ascii_digit());
            } else if !(*byte == b'-' && next.is_ascii_alphanumeric()) {
                break;
            }
            end += 1;
        }
        if digits == 0 {
            return end;
        }
        if let Some(phone) = self.phone(start) {
            let until = phone.end;
            found.push((phone, What::Phone));
            return until.max(end);
        }
        let token = self.text.get(start..end).unwrap_or_default();
        if self.listed_number(start..end, token) {
            found.push((start..end, What::Number));
            return end;
        }
        // `ID12345678`, `12345678-01`: the longest runs of digits inside, and the token from each of its pieces on.
        let mut at = start;
        while at < end {
            let run = bytes.get(at..end).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
            if run == 0 {
                at += 1;
                continue;
            }
            if run < end - start
                && let Some(digits) = self.text.get(at..at + run)
                && self.listed_number(at..at + run, digits)
            {
                found.push((at..at + run, What::Number));
            }
            at += run;
        }
        end
    }

    fn listed_number(&self, range: Range<usize>, written: &str) -> bool {
        if !(super::person::SHORTEST_NUMBER..=LONGEST * 2).contains(&written.len()) {
            return false;
        }
        let key = form::number(written);
        if key.len() > LONGEST {
            return false;
        }
        let listed = self.index.holds(Class::Number, &key);
        if listed && key.len() >= 6 && self.index.telling(&key) {
            return true;
        }
        let bare = form::bare(&key).unwrap_or(&key);
        (listed
            || self.index.holds(Class::Bare, bare)
            || (bare.len() < key.len() && self.index.holds(Class::Number, bare)))
            && self.number_cue(range.start)
    }

    fn number_cue(&self, start: usize) -> bool {
        let cues = &super::words::WORDS.cues.number;
        let has = |text: &str| cues.iter().any(|cue| text.contains(cue.as_str()));
        if self.label.is_some_and(has) {
            return true;
        }
        let from = self.text.floor_char_boundary(start.saturating_sub(CUE));
        let before = self.text.get(from..start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        // Up to the number before this one.
        has(line.rsplit(|letter: char| letter.is_ascii_digit()).next().unwrap_or_default())
    }

    /// A listed telephone that begins here: digits with single hyphens, blanks, dots or brackets between them.
    fn phone(&self, start: usize) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let plus = start.checked_sub(1).is_some_and(|before| byte(before) == b'+') && byte(start) == b'8';
        if !(plus || byte(start) == b'0') {
            return None;
        }
        let from = if plus { start - 1 } else { start };
        let (mut digits, mut at, mut gap) = (0, start, 0);
        let mut ends = Vec::new();
        while digits < 13 {
            let letter = byte(at);
            if letter.is_ascii_digit() {
                digits += 1;
                gap = 0;
                if digits >= 10 && !byte(at + 1).is_ascii_digit() {
                    ends.push(at + 1);
                }
            } else if gap < 2 && matches!(letter, b'-' | b' ' | b'.' | b'(' | b')' | b'/') {
                gap += 1;
            } else {
                break;
            }
            at += 1;
        }
        ends.into_iter().rev().find_map(|end| {
            let key = form::phone(self.text.get(from..end)?)?;
            self.index.holds(Class::Phone, &key).then_some(from..end)
        })
    }
}
