//! What is replaced where, and by what: returning answers by their masked form, sent units as they were, everything else
//! by the decision. Works on the texts as they came; `sweep` then adds the masked words on sight.
//! Must not know: bytes of the body, storage.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::wiped::Wiped;

use super::atom::atoms;
use super::code::{Coder, Given, Mention, Referent};
use super::date::{self, Written};
use super::error::MaskError;
use super::find::TokenAt;
use super::form;
use super::generalise::{self, LabRanges};
use super::key::TokenKey;
use super::label::{Language, label};
use super::subject::Subjects;
use super::token::{self, Code, Length, Suffix};
use super::turn::{self, Known, KnownWord, SentAnswer, SentSpan, SentUnit, Unit};
use crate::decide::{Action, Treatment, floor};
use crate::detect::{Entity, Finding, Findings, Kind, Role};
use crate::locate::{Disposition, Edit, LocatedText, Place};

/// What a plan is made from.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) texts: &'a [LocatedText],
    pub(super) findings: &'a Findings,
    pub(super) actions: &'a [Action],
    pub(super) key: &'a TokenKey,
    pub(super) length: Length,
    pub(super) service: &'a str,
    pub(super) version: &'a str,
    pub(super) known: &'a Known,
    pub(super) lab_ranges: &'a LabRanges,
    pub(super) blind_note: &'a str,
}

/// How a text is dealt with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Must not change.
    Fixed,
    /// A returning answer: its masked form goes out.
    Answer,
    /// Sent before under the same prefix.
    Sent,
    New,
}

/// A word that is replaced somewhere in this request.
#[derive(Clone)]
pub(super) struct Masked {
    pub(super) word: Wiped,
    pub(super) kind: Kind,
    pub(super) role: Option<Role>,
    pub(super) treatment: Treatment,
    /// Its finding was strong enough for places that must not change.
    pub(super) strong: bool,
    pub(super) entity: Option<Entity>,
    pub(super) referent: Referent,
}

pub(super) struct Plan<'a> {
    pub(super) request: Request<'a>,
    pub(super) coder: Coder<'a>,
    pub(super) subjects: Subjects,
    pub(super) states: Vec<State>,
    /// By text, in order, apart.
    pub(super) spans: Vec<Vec<SentSpan>>,
    pub(super) answers: HashMap<usize, &'a SentAnswer>,
    units: Vec<(Unit, bool)>,
    pub(super) atoms: Vec<Vec<(Range<usize>, TokenAt)>>,
    pub(super) masked: Vec<Masked>,
    /// Spans that do not come after the last of their text: in order after `settle`.
    waiting: Vec<(usize, SentSpan)>,
    /// By text: stretches that the decision keeps.
    pub(super) kept: HashMap<usize, Vec<Range<usize>>>,
    /// Findings in sent units that were not replaced when they were sent.
    pub(super) late_findings: u32,
    home: Language,
}

/// One stretch to replace.
pub(super) struct Stretch {
    pub(super) text: usize,
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    pub(super) role: Option<Role>,
    pub(super) entity: Option<Entity>,
    pub(super) referent: Referent,
    pub(super) treatment: Treatment,
    pub(super) interval: Option<i64>,
}

impl<'a> Plan<'a> {
    /// Plan all that the decision and what was sent before ask for.
    pub(super) fn new(request: Request<'a>) -> Result<Self, MaskError> {
        let Request { texts, findings, actions, key, known, .. } = request;
        let whole = |finding: &Finding| {
            texts.get(finding.part).is_some_and(|text| text.text.get(finding.range.clone()).is_some())
        };
        if actions.len() != findings.findings.len() || !findings.findings.iter().all(whole) {
            return Err(MaskError::Mismatch);
        }
        let known_codes = known.codes();
        let japanese = texts.iter().any(|text| Language::of(&text.text) == Some(Language::Ja));
        let mut plan = Self {
            request,
            coder: Coder::new(key, request.length, known),
            subjects: Subjects::new(texts, findings),
            states: vec![State::New; texts.len()],
            spans: vec![Vec::new(); texts.len()],
            answers: HashMap::new(),
            units: Vec::new(),
            atoms: texts.iter().map(|text| atoms(&text.text, &known_codes)).collect(),
            masked: Vec::new(),
            waiting: Vec::new(),
            kept: HashMap::new(),
            late_findings: 0,
            home: if japanese { Language::Ja } else { Language::En },
        };
        plan.sort_texts();
        for finding in findings.findings.iter().filter(|finding| finding.kind == Kind::PersonName) {
            plan.coder.meet(finding.entity, plan.surface(finding.part, &finding.range));
        }
        plan.sent_units()?;
        plan.decided()?;
        plan.words_from_elsewhere();
        Ok(plan)
    }

    pub(super) fn surface(&self, text: usize, range: &Range<usize>) -> &'a str {
        self.request.texts.get(text).and_then(|text| text.text.get(range.clone())).unwrap_or_default()
    }

    fn sort_texts(&mut self) {
        let Request { texts, key, service, version, known, .. } = self.request;
        for (number, text) in texts.iter().enumerate() {
            if !turn::editable(text) {
                self.set(number, State::Fixed);
            } else if turn::of_assistant(text)
                && let Some(answer) = known.answers.get(&turn::answer_digest(key, &text.text))
            {
                self.set(number, State::Answer);
                self.answers.insert(number, answer);
            }
        }
        for unit in turn::units(texts, key, service, version) {
            let sent = known.units.get(&unit.digest).filter(|sent| sent.texts.len() == unit.texts.len());
            let fits = |sent: &&SentUnit| {
                unit.texts.iter().zip(&sent.texts).all(|(number, spans)| {
                    let text = texts.get(*number).map(|text| text.text.as_str()).unwrap_or_default();
                    let apart = spans.windows(2).all(|pair| match pair {
                        [first, second] => first.range.end <= second.range.start,
                        _ => true,
                    });
                    apart && spans.iter().all(|span| text.get(span.range.clone()).is_some())
                })
            };
            let sent = sent.filter(fits);
            if let Some(sent) = sent {
                for (number, spans) in unit.texts.iter().zip(&sent.texts) {
                    if self.states.get(*number) == Some(&State::New) {
                        self.set(*number, State::Sent);
                        if let Some(place) = self.spans.get_mut(*number) {
                            place.clone_from(spans);
                        }
                    }
                }
            }
            self.units.push((unit, sent.is_some()));
        }
    }

    fn set(&mut self, text: usize, state: State) {
        if let Some(place) = self.states.get_mut(text) {
            *place = state;
        }
    }

    /// Spans of sent units: their words into the map, their codes to their entities; what is found beside them is late.
    fn sent_units(&mut self) -> Result<(), MaskError> {
        let findings = &self.request.findings.findings;
        let mut by_text: HashMap<usize, Vec<&Finding>> = HashMap::new();
        for finding in findings {
            by_text.entry(finding.part).or_default().push(finding);
        }
        for text in 0..self.states.len() {
            if self.states.get(text) != Some(&State::Sent) {
                continue;
            }
            let here = by_text.get(&text).map(Vec::as_slice).unwrap_or_default();
            let spans = self.spans.get(text).cloned().unwrap_or_default();
            for span in spans.iter().filter(|span| !span.with.is_empty()) {
                let finding =
                    here.iter().find(|finding| overlap(&finding.range, &span.range) && finding.kind == span.kind);
                let entity = finding.filter(|f| f.kind == Kind::PersonName).map(|finding| finding.entity);
                let item = finding.map(|finding| self.item(finding, &span.range)).unwrap_or_default();
                let referent = self.referent(text, &span.range, span.kind, entity, &item);
                let surface = self.surface(text, &span.range);
                if let Some((code, suffix)) = span.token {
                    let mention = Mention {
                        surface,
                        kind: span.kind,
                        role: span.role,
                        entity,
                        referent: referent.clone(),
                        blind: span.blind,
                        language: span.language,
                    };
                    self.coder.sent(&mention, code, suffix);
                }
                self.masked.push(Masked {
                    word: Wiped::new(surface.to_owned()),
                    kind: span.kind,
                    role: span.role,
                    treatment: span.treatment,
                    strong: finding.is_some_and(|finding| floor::strong(finding)),
                    entity,
                    referent,
                });
            }
        }
        for (finding, action) in findings.iter().zip(self.request.actions) {
            let spans = self.spans.get(finding.part).map(Vec::as_slice).unwrap_or_default();
            if self.states.get(finding.part) == Some(&State::Sent)
                && !matches!(action, Action::Keep(_))
                && met(spans, &finding.range, |span| &span.range).is_none()
            {
                self.late_findings += 1;
            }
        }
        Ok(())
    }

    /// What the decision says of new texts.
    fn decided(&mut self) -> Result<(), MaskError> {
        let mut stretches: Vec<(Stretch, bool)> = Vec::new();
        for (finding, action) in self.request.findings.findings.iter().zip(self.request.actions) {
            match (action, self.states.get(finding.part)) {
                (Action::Keep(_), _) => {
                    self.kept.entry(finding.part).or_default().push(finding.range.clone());
                }
                (Action::Block, _) => return Err(MaskError::NotCleared),
                (Action::Mask(_), Some(State::Fixed) | None) => {
                    return Err(MaskError::Fixed { address: self.address(finding.part) });
                }
                (Action::Mask(_), Some(State::Answer | State::Sent)) => {}
                (Action::Mask(treatment), Some(State::New)) => {
                    let strong = floor::strong(finding);
                    stretches.extend(self.stretches(finding, *treatment).into_iter().map(|stretch| (stretch, strong)));
                }
            }
        }
        self.coder.give_codes(
            stretches
                .iter()
                .filter(|(stretch, _)| stretch.treatment == Treatment::Token && !self.has_sent_code(stretch))
                .map(|(stretch, _)| stretch.referent.clone())
                .collect(),
        )?;
        for (stretch, strong) in stretches {
            self.replace(stretch, strong)?;
        }
        self.settle();
        Ok(())
    }

    fn has_sent_code(&self, stretch: &Stretch) -> bool {
        stretch.entity.and_then(|entity| self.coder.persons.get(&entity)).is_some_and(|named| named.sent.is_some())
    }

    /// A finding as stretches: of a lab value only the value, and nothing that an atom covers.
    pub(super) fn stretches(&self, finding: &Finding, treatment: Treatment) -> Vec<Stretch> {
        let value = finding.value.clone().filter(|value| {
            finding.kind == Kind::LabValue
                && finding.range.start <= value.start
                && value.end <= finding.range.end
                && !value.is_empty()
        });
        let range = value.unwrap_or_else(|| finding.range.clone());
        let entity = (finding.kind == Kind::PersonName).then_some(finding.entity);
        let item = self.item(finding, &range);
        self.outside_atoms(finding.part, range)
            .into_iter()
            .map(|range| Stretch {
                text: finding.part,
                kind: finding.kind,
                role: finding.role,
                entity,
                referent: self.referent(finding.part, &range, finding.kind, entity, &item),
                treatment,
                interval: self.interval(finding.part, &range, finding.kind),
                range,
            })
            .collect()
    }

    fn interval(&self, text: usize, range: &Range<usize>, kind: Kind) -> Option<i64> {
        if kind != Kind::CareDate {
            return None;
        }
        self.subjects.interval(self.subjects.of(text, range.start), self.surface(text, range))
    }

    fn outside_atoms(&self, text: usize, range: Range<usize>) -> Vec<Range<usize>> {
        let atoms = self.atoms.get(text).map(Vec::as_slice).unwrap_or_default();
        let first = atoms.partition_point(|(atom, _)| atom.end <= range.start);
        let end = range.end;
        let mut left = vec![range];
        for (atom, _) in atoms.iter().skip(first).take_while(|(atom, _)| atom.start < end) {
            left = left
                .into_iter()
                .flat_map(|range| {
                    if overlap(&range, atom) {
                        vec![range.start..atom.start.max(range.start), atom.end.min(range.end)..range.end]
                    } else {
                        vec![range]
                    }
                })
                .filter(|range| range.start < range.end)
                .collect();
        }
        left.into_iter()
            .filter_map(|range| {
                let surface = self.surface(text, &range);
                let start = range.start + (surface.len() - surface.trim_start().len());
                let range = start..start + surface.trim().len();
                self.surface(text, &range).chars().any(char::is_alphanumeric).then_some(range)
            })
            .collect()
    }

    /// The item of a lab value: what stands in the finding before the value, else the name of the field.
    fn item(&self, finding: &Finding, value: &Range<usize>) -> String {
        if finding.kind != Kind::LabValue {
            return String::new();
        }
        let item = self.surface(finding.part, &(finding.range.start..value.start.max(finding.range.start)));
        if item.chars().any(char::is_alphanumeric) {
            return item.to_owned();
        }
        self.request.texts.get(finding.part).and_then(|text| text.label.clone()).unwrap_or_default()
    }

    /// What the code of a stretch is made from.
    pub(super) fn referent(
        &self,
        text: usize,
        range: &Range<usize>,
        kind: Kind,
        entity: Option<Entity>,
        item: &str,
    ) -> Referent {
        let surface = self.surface(text, range);
        match kind {
            Kind::PersonName => match entity {
                Some(entity) => self.coder.person(entity, surface),
                None => Coder::value(kind, None, form::name(surface)),
            },
            Kind::LabValue => Coder::value(kind, Some(&form::value(kind, item)), form::value(kind, surface)),
            Kind::CareDate | Kind::BirthDate => {
                let whose = self.subjects.of(text, range.start);
                let whose = whose.and_then(|entity| self.coder.persons.get(&entity));
                let sense = match date::read(surface) {
                    Some(Written::Full(date)) => Wiped::new(date.to_string()),
                    _ => form::value(kind, surface),
                };
                Coder::value(kind, Some(whose.map(|named| named.normal.as_str()).unwrap_or_default()), sense)
            }
            _ => Coder::value(kind, None, form::value(kind, surface)),
        }
    }

    /// Replace a stretch of a new text, and remember its word for the sweep.
    pub(super) fn replace(&mut self, stretch: Stretch, strong: bool) -> Result<(), MaskError> {
        let (text, surface) = (stretch.text, self.surface(stretch.text, &stretch.range));
        let taken = self.covered(text, &stretch.range);
        if taken || surface.is_empty() {
            return Ok(());
        }
        self.masked.push(Masked {
            word: Wiped::new(surface.to_owned()),
            kind: stretch.kind,
            role: stretch.role,
            treatment: stretch.treatment,
            strong,
            entity: stretch.entity,
            referent: stretch.referent.clone(),
        });
        let span = self.span(stretch)?;
        self.put(text, span);
        Ok(())
    }

    /// Add a span; `settle` puts those that came out of order into it.
    pub(super) fn put(&mut self, text: usize, span: SentSpan) {
        if let Some(spans) = self.spans.get_mut(text) {
            match spans.last() {
                Some(last) if last.range.end > span.range.start => self.waiting.push((text, span)),
                _ => spans.push(span),
            }
        }
    }

    /// Spans that came out of order into it; of two that share a byte the first stays.
    pub(super) fn settle(&mut self) {
        let mut texts: Vec<usize> = Vec::new();
        for (text, span) in std::mem::take(&mut self.waiting) {
            if let Some(spans) = self.spans.get_mut(text) {
                spans.push(span);
            }
            if texts.last() != Some(&text) {
                texts.push(text);
            }
        }
        for text in texts {
            let Some(spans) = self.spans.get_mut(text) else { continue };
            spans.sort_by_key(|span| span.range.start);
            let mut end = 0;
            spans.retain(|span| {
                let apart = span.range.start >= end;
                if apart {
                    end = span.range.end;
                }
                apart
            });
        }
    }

    /// Does a settled span share a byte with this?
    pub(super) fn covered(&self, text: usize, range: &Range<usize>) -> bool {
        self.spans.get(text).is_some_and(|spans| met(spans, range, |span| &span.range).is_some())
    }

    fn span(&mut self, stretch: Stretch) -> Result<SentSpan, MaskError> {
        let Stretch { text, range, kind, role, entity, referent, treatment, interval } = stretch;
        let surface = self.surface(text, &range);
        let language = self.language(text);
        let joint = self.joint(text, kind)?;
        let rough = match (treatment, kind, joint) {
            (Treatment::Generalise, Kind::Age, None) => Some(generalise::age(surface, language)),
            (Treatment::Generalise, Kind::LabValue, None) => {
                let item = referent.item();
                let whole = self.request.texts.get(text).map(|text| text.text.as_str()).unwrap_or_default();
                generalise::lab(whole, range.clone(), item, self.request.lab_ranges, language)
            }
            _ => None,
        };
        let plain = |with: String, treatment| SentSpan {
            range: range.clone(),
            with,
            kind,
            role,
            treatment,
            token: None,
            language,
            blind: false,
        };
        if let Some(with) = rough {
            return Ok(plain(with, Treatment::Generalise));
        }
        // A value that nothing in the text makes rough stays reversible and blind; any other kind is removed.
        let redacts = treatment == Treatment::Redact || (treatment == Treatment::Generalise && kind != Kind::LabValue);
        if redacts {
            let with = match (joint, language) {
                (Some(joint), _) => format!("{}{joint}REMOVED", narrow_label(kind, role, joint)),
                (None, Language::Ja) => format!("[{}:削除]", label(kind, role, language)),
                (None, Language::En) => format!("[{}:removed]", label(kind, role, language)),
            };
            return Ok(plain(with, Treatment::Redact));
        }
        let blind = kind == Kind::LabValue;
        let given = self.coder.give(&Mention { surface, kind, role, entity, referent, blind, language })?;
        let Given { code, suffix, role: first_role, language } = given;
        let with = match joint {
            Some(joint) => token::write_joined(label(kind, first_role, Language::En), &code, &suffix, joint),
            None => token::write(label(kind, first_role, language), &code, &suffix, interval, language),
        };
        Ok(SentSpan {
            range,
            with,
            kind,
            role: first_role,
            treatment: Treatment::Token,
            token: Some((code, suffix)),
            language,
            blind,
        })
    }

    /// The language of a text; of the request, where a short one has no Japanese letter.
    fn language(&self, text: usize) -> Language {
        let Some(text) = self.request.texts.get(text) else { return self.home };
        match Language::of(&text.text) {
            Some(Language::Ja) => Language::Ja,
            Some(Language::En) if text.text.len() >= 64 => Language::En,
            _ => self.home,
        }
    }

    /// What joins label and code in a narrow place; none where brackets and Japanese may stand.
    fn joint(&self, text: usize, kind: Kind) -> Result<Option<char>, MaskError> {
        let Some(located) = self.request.texts.get(text) else { return Ok(None) };
        match &located.disposition {
            Disposition::Narrow { chars: Some(chars), .. } => {
                let takes = |letter: char| in_alphabet(chars, letter);
                let letters = ('A'..='Z').chain('0'..='9').all(takes);
                let joint = ['_', '-'].into_iter().find(|joint| takes(*joint));
                match (letters, joint) {
                    (true, Some(joint)) => Ok(Some(joint)),
                    _ => Err(MaskError::NoRoom { address: located.address.clone(), kind }),
                }
            }
            _ if located.place != Place::Body => Ok(Some('_')),
            _ => Ok(None),
        }
    }

    /// Words that only vault, memory and returning answers know: restorable, but not sent anew.
    fn words_from_elsewhere(&mut self) {
        let answers: Vec<&KnownWord> = self.answers.values().flat_map(|answer| &answer.words).collect();
        let map = &mut self.coder.map;
        for word in answers {
            map.insert(word.code, word.suffix, &word.word, word.kind, word.blind);
        }
        for word in self.request.known.recent.iter().chain(&self.request.known.vault) {
            map.insert_from_vault(word.code, word.suffix, &word.word, word.kind, word.blind);
        }
    }

    /// Where a field has a length, tokens that are too long become bare codes.
    pub(super) fn fit(&mut self) -> Result<(), MaskError> {
        for (text, located) in self.request.texts.iter().enumerate() {
            let Disposition::Narrow { max: Some(max), .. } = located.disposition else { continue };
            if self.states.get(text) != Some(&State::New) || self.chars_after(text) <= max {
                continue;
            }
            for span in self.spans.get_mut(text).into_iter().flatten() {
                if let Some((code, suffix)) = span.token
                    && suffix == Suffix::default()
                {
                    span.with = code.to_string();
                }
            }
            let spans = self.spans.get(text).map(Vec::as_slice).unwrap_or_default();
            if let Some(span) = spans.first()
                && self.chars_after(text) > max
            {
                return Err(MaskError::NoRoom { address: located.address.clone(), kind: span.kind });
            }
        }
        Ok(())
    }

    fn chars_after(&self, text: usize) -> usize {
        let whole = self.request.texts.get(text).map_or(0, |text| text.text.chars().count());
        let spans = self.spans.get(text).map(Vec::as_slice).unwrap_or_default();
        let gone: usize = spans.iter().map(|span| self.surface(text, &span.range).chars().count()).sum();
        let new: usize = spans.iter().map(|span| span.with.chars().count()).sum();
        whole - gone.min(whole) + new
    }

    pub(super) fn address(&self, text: usize) -> String {
        self.request.texts.get(text).map(|text| text.address.clone()).unwrap_or_default()
    }

    /// The edits of all texts, in order.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (text, spans) in self.spans.iter().enumerate() {
            if let Some(answer) = self.answers.get(&text) {
                let len = self.request.texts.get(text).map_or(0, |text| text.text.len());
                if self.surface(text, &(0..len)) != answer.masked {
                    edits.push(Edit { text, range: 0..len, with: answer.masked.clone() });
                }
                continue;
            }
            edits.extend(spans.iter().map(|span| Edit { text, range: span.range.clone(), with: span.with.clone() }));
        }
        edits
    }

    /// Units that were not known, as they go out now.
    pub(super) fn new_units(&self) -> Vec<(super::key::Digest, SentUnit)> {
        self.units
            .iter()
            .filter(|(unit, sent)| !sent && !unit.texts.iter().any(|text| self.answers.contains_key(text)))
            .map(|(unit, _)| {
                let texts = unit.texts.iter().map(|text| self.spans.get(*text).cloned().unwrap_or_default()).collect();
                (unit.digest, SentUnit { texts })
            })
            .collect()
    }

    /// Tokens in new texts that neither this request nor the scope's vault knows.
    pub(super) fn foreign_tokens(&self) -> u32 {
        let known: HashSet<&Code> = self.coder.map.codes().collect();
        let new = self.atoms.iter().zip(&self.states).filter(|(_, state)| **state == State::New);
        new.flat_map(|(atoms, _)| atoms).filter(|(_, token)| !known.contains(&token.code)).count() as u32
    }
}

fn narrow_label(kind: Kind, role: Option<Role>, joint: char) -> String {
    label(kind, role, Language::En).replace('_', joint.encode_utf8(&mut [0; 4]))
}

/// The first of these (in order, apart) that shares a byte with `range`.
pub(super) fn met<'t, T>(ordered: &'t [T], range: &Range<usize>, of: impl Fn(&T) -> &Range<usize>) -> Option<&'t T> {
    let at = ordered.partition_point(|item| of(item).end <= range.start);
    ordered.get(at).filter(|item| overlap(of(item), range))
}

pub(super) fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Does the alphabet (`A-Za-z0-9_-`) hold this character?
fn in_alphabet(alphabet: &str, letter: char) -> bool {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut at = 0;
    while let Some(first) = letters.get(at) {
        match (letters.get(at + 1), letters.get(at + 2)) {
            (Some('-'), Some(last)) => {
                if (*first..=*last).contains(&letter) {
                    return true;
                }
                at += 3;
            }
            _ => {
                if *first == letter {
                    return true;
                }
                at += 1;
            }
        }
    }
    false
}
