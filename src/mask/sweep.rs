//! The sweep: every masked word of the request wherever else it stands. In new texts it is masked there too; in sent
//! units it counts as late; where nothing may change it stops the request unless the decision kept it.
//! Must not know: bytes of the body.

use std::collections::HashSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::blind;
use super::code::Coder;
use super::error::MaskError;
use super::form;
use super::label::Language;
use super::plan::{Plan, State, Stretch, met, overlap};
use super::sight::{Hit, Reach, Sight};
use super::turn::{self, SentSpan};
use super::wiped::Wiped;
use crate::decide::{Treatment, floor};
use crate::detect::{Author, Kind};
use crate::locate::Disposition;

/// The words of the sweep, and the words that may still be seen in what goes out.
pub(super) struct Swept {
    pub(super) sight: Sight,
    /// Numbers of words that stand somewhere by leave: kept, sent before, or written by the service itself.
    pub(super) allowed: HashSet<usize>,
    /// Words seen in sent units beside their spans.
    pub(super) late: u32,
}

impl Plan<'_> {
    /// Sweep all texts.
    pub(super) fn sweep(&mut self) -> Result<Swept, MaskError> {
        let words = self.masked.clone();
        let sight = Sight::new(words.iter().map(|masked| masked.word.as_str()), Reach::Request);
        let sight = sight.ok_or(MaskError::TooManyWords { limit: Sight::LIMIT })?;
        let mut swept = Swept { sight, allowed: HashSet::new(), late: 0 };
        if !swept.sight.is_empty() {
            for text in 0..self.states.len() {
                self.sweep_text(text, &words, &mut swept)?;
                self.settle();
            }
        }
        self.sweep_answers()?;
        Ok(swept)
    }

    fn sweep_text(&mut self, text: usize, words: &[super::plan::Masked], swept: &mut Swept) -> Result<(), MaskError> {
        let Some(located) = self.request.texts.get(text) else { return Ok(()) };
        let state = self.states.get(text).copied().unwrap_or(State::Fixed);
        if state == State::Answer {
            // The service wrote it: what it says there by itself it knows.
            let masked = self.answers.get(&text).map(|answer| answer.masked.as_str()).unwrap_or_default();
            swept.allowed.extend(swept.sight.hits(masked).into_iter().map(|hit| hit.word));
            return Ok(());
        }
        for hit in swept.sight.hits(&located.text) {
            let Some(masked) = words.get(hit.word) else { continue };
            if self.covered(text, &hit.range) || self.in_atom(text, &hit.range) {
                continue;
            }
            let kept = self.kept.get(&text).is_some_and(|kept| met(kept, &hit.range, |kept| kept).is_some());
            // The day's date in a system text is nobody's; what is no identifier binds texts that may change only.
            let general = masked.kind == Kind::CareDate && located.author == Author::System;
            let loose = !floor::identifier(masked.kind) && state == State::Fixed;
            match state {
                _ if kept || general || loose => {
                    swept.allowed.insert(hit.word);
                }
                State::Sent => {
                    swept.allowed.insert(hit.word);
                    if !self.found_at(text, &hit.range) {
                        swept.late += 1;
                    }
                }
                State::Fixed if located.disposition != Disposition::Frozen && !masked.strong => {
                    swept.allowed.insert(hit.word);
                }
                State::Fixed | State::Answer => {
                    return Err(MaskError::LeftOver { address: located.address.clone(), kind: masked.kind });
                }
                State::New => self.mask_hit(text, &hit, masked)?,
            }
        }
        Ok(())
    }

    fn mask_hit(&mut self, text: usize, hit: &Hit, masked: &super::plan::Masked) -> Result<(), MaskError> {
        let (range, entity, referent) = if hit.encoded {
            let run = self.encoded_run(text, &hit.range);
            let referent = Coder::value(masked.kind, None, form::folded(self.surface(text, &run)));
            (run, None, referent)
        } else {
            (hit.range.clone(), masked.entity, masked.referent.clone())
        };
        let (kind, role, treatment) = (masked.kind, masked.role, masked.treatment);
        let stretch = Stretch { text, range, kind, role, entity, referent, treatment, interval: None };
        self.replace(stretch, masked.strong)
    }

    /// The whole run of an encoded form, so that no half of it stays.
    fn encoded_run(&self, text: usize, range: &Range<usize>) -> Range<usize> {
        let Some(located) = self.request.texts.get(text) else { return range.clone() };
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '%' | '\\' | '-' | '_');
        let before = located.text.get(..range.start).unwrap_or_default();
        let after = located.text.get(range.end..).unwrap_or_default();
        let start = before.trim_end_matches(part).len();
        let end = located.text.len() - after.trim_start_matches(part).len();
        start..end
    }

    fn in_atom(&self, text: usize, range: &Range<usize>) -> bool {
        self.atoms.get(text).is_some_and(|atoms| met(atoms, range, |(atom, _)| atom).is_some())
    }

    fn found_at(&self, text: usize, range: &Range<usize>) -> bool {
        // Findings stand in the order of parts and starts.
        let findings = &self.request.findings.findings;
        let at = findings.partition_point(|f| (f.part, f.range.end) <= (text, range.start));
        findings.get(at).is_some_and(|finding| finding.part == text && overlap(&finding.range, range))
    }

    /// What an assistant wrote and no memory matches: every word of the map on sight, blind marks and notes taken out.
    fn sweep_answers(&mut self) -> Result<(), MaskError> {
        let texts: Vec<usize> = (0..self.states.len())
            .filter(|text| self.states.get(*text) == Some(&State::New))
            .filter(|text| self.request.texts.get(*text).is_some_and(turn::of_assistant))
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        let words: Vec<_> = {
            let mut words: Vec<_> = self
                .coder
                .map
                .words()
                .map(|(code, suffix, word)| {
                    (Wiped::new(word.text.to_owned()), *code, *suffix, word.kind, word.blind, word.vault)
                })
                .collect();
            // This request's own words first, then in the order of their codes: the same every time.
            words.sort_by_key(|word| (word.5, word.1, word.2));
            words
        };
        let sight = Sight::new(words.iter().map(|word| word.0.as_str()), Reach::Answer)
            .ok_or(MaskError::TooManyWords { limit: Sight::LIMIT })?;
        let blind_words: Vec<usize> = (0..words.len()).filter(|n| words.get(*n).is_some_and(|word| word.4)).collect();
        let marked = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(blind_words.iter().filter_map(|n| words.get(*n)).map(|word| format!("{}{}", &*word.0, blind::MARK)))
            .map_err(|_| MaskError::TooManyWords { limit: Sight::LIMIT })?;
        for text in texts {
            let Some(located) = self.request.texts.get(text) else { continue };
            let mut hits: Vec<(Range<usize>, usize)> = Vec::new();
            for found in marked.find_iter(&located.text) {
                // `6.2※` is no end of `16.2※`.
                let before = located.text.get(..found.start()).and_then(|head| head.chars().next_back());
                if let Some(number) = blind_words.get(found.pattern().as_usize())
                    && !before.is_some_and(|before| before.is_ascii_digit() || before == '.')
                {
                    hits.push((found.start()..found.end() - blind::MARK.len_utf8(), *number));
                }
            }
            hits.extend(
                sight.hits(&located.text).into_iter().filter(|hit| !hit.encoded).map(|hit| (hit.range, hit.word)),
            );
            hits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
            let mut end = 0;
            for (range, number) in hits {
                let Some((word, code, suffix, kind, blind, _)) = words.get(number) else { continue };
                if range.start < end || self.covered(text, &range) || self.in_atom(text, &range) {
                    continue;
                }
                end = range.end;
                let mark = located.text.get(range.end..).is_some_and(|rest| rest.starts_with(blind::MARK));
                if self.surface(text, &range) == word.as_str() {
                    let span = self.coder.again(range.clone(), *code, *suffix, *kind, *blind);
                    self.put(text, span);
                } else {
                    let referent = Coder::value(*kind, None, form::value(*kind, self.surface(text, &range)));
                    let stretch = Stretch {
                        text,
                        range: range.clone(),
                        kind: *kind,
                        role: None,
                        entity: None,
                        referent,
                        treatment: Treatment::Token,
                        interval: None,
                    };
                    self.replace(stretch, false)?;
                }
                if mark && *blind {
                    self.put(text, taken_out(range.end..range.end + blind::MARK.len_utf8()));
                }
            }
            let note = self.request.blind_note;
            let note = located.text.rfind(note).filter(|_| !note.is_empty()).map(|at| {
                let before = located.text.get(..at).unwrap_or_default();
                before.strip_suffix("\n\n").unwrap_or(before).len()..at + note.len()
            });
            if let Some(note) = note {
                self.put(text, taken_out(note));
            }
            self.settle();
        }
        Ok(())
    }
}

/// Our own mark or note goes.
fn taken_out(range: Range<usize>) -> SentSpan {
    SentSpan {
        range,
        with: String::new(),
        kind: Kind::LabValue,
        role: None,
        treatment: Treatment::Redact,
        token: None,
        language: Language::Ja,
        blind: false,
    }
}
