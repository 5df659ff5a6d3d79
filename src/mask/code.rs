//! Who gets which code: persons by their fullest name, dates by whose they are, lab values by their item, all else by
//! value; what was sent keeps its code; a clash lengthens both. Then the suffix: (code, suffix) means exactly one word.
//! Must not know: texts and edits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::wiped::Wiped;

use super::error::MaskError;
use super::form;
use super::key::TokenKey;
use super::label::{Language, label};
use super::map::{Inserted, WordMap};
use super::token::{self, Code, Form, Length, Suffix, Tag};
use super::turn::{Known, KnownWord, SentSpan};
use crate::decide::Treatment;
use crate::detect::{Entity, Kind, Role};

/// What a code stands for: a kind family and the fields that the HMAC runs over.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Referent {
    family: &'static str,
    fields: Vec<Wiped>,
}

/// A person of the document.
#[derive(Clone)]
pub(super) struct Named {
    /// The fullest name, normal form.
    pub(super) normal: Wiped,
    /// The same, folded only.
    pub(super) written: Wiped,
    /// The code it already had in what was sent.
    pub(super) sent: Option<Code>,
}

/// A mention that gets a token.
pub(super) struct Mention<'a> {
    pub(super) surface: &'a str,
    pub(super) kind: Kind,
    pub(super) role: Option<Role>,
    pub(super) entity: Option<Entity>,
    pub(super) referent: Referent,
    pub(super) blind: bool,
    pub(super) language: Language,
}

/// Code, suffix, and the label that was fixed at the first mention.
pub(super) struct Given {
    pub(super) code: Code,
    pub(super) suffix: Suffix,
    pub(super) role: Option<Role>,
    pub(super) language: Language,
}

pub(super) struct Coder<'a> {
    key: &'a TokenKey,
    length: Length,
    pub(super) persons: HashMap<Entity, Named>,
    /// Codes of referents, clashes resolved.
    codes: BTreeMap<Referent, Code>,
    used: HashSet<Code>,
    /// Role and language of a code's label, by its first mention.
    labels: HashMap<Code, (Option<Role>, Language)>,
    /// The suffix that a surface already has under a code.
    suffixes: HashMap<(Code, Wiped), Suffix>,
    pub(super) map: WordMap,
    /// What the vault and recent answers say of a code and suffix.
    elsewhere: HashMap<(Code, Suffix), &'a KnownWord>,
    pub(super) words: Vec<KnownWord>,
}

impl Referent {
    /// The item of a lab value (normal form), else nothing.
    pub(super) fn item(&self) -> &str {
        match self.fields.as_slice() {
            [item, _] => item,
            _ => "",
        }
    }
}

impl<'a> Coder<'a> {
    pub(super) fn new(key: &'a TokenKey, length: Length, known: &'a Known) -> Self {
        let elsewhere = known.vault.iter().chain(&known.recent).map(|word| ((word.code, word.suffix), word)).collect();
        Self {
            key,
            length,
            persons: HashMap::new(),
            codes: BTreeMap::new(),
            used: HashSet::new(),
            labels: HashMap::new(),
            suffixes: HashMap::new(),
            map: WordMap::new(),
            elsewhere,
            words: Vec::new(),
        }
    }

    /// One more mention of a person: the fullest stays.
    pub(super) fn meet(&mut self, entity: Entity, surface: &str) {
        let normal = form::name(surface);
        if normal.is_empty() {
            return;
        }
        let named = Named { normal, written: form::folded(surface), sent: None };
        match self.persons.get_mut(&entity) {
            Some(known) if form::fullness(&known.normal) < form::fullness(&named.normal) => {
                let sent = known.sent;
                *known = Named { sent, ..named };
            }
            Some(_) => {}
            None => {
                self.persons.insert(entity, named);
            }
        }
    }

    /// A token that was sent: it keeps its code, suffix and label, and its entity's later mentions take the code.
    pub(super) fn sent(&mut self, mention: &Mention<'_>, code: Code, suffix: Suffix) {
        self.map.insert(code, suffix, mention.surface, mention.kind, mention.blind);
        self.suffixes.entry((code, Wiped::new(mention.surface.to_owned()))).or_insert(suffix);
        self.labels.entry(code).or_insert((mention.role, mention.language));
        match mention.entity.and_then(|entity| self.persons.get_mut(&entity)) {
            Some(named) => {
                named.sent.get_or_insert(code);
            }
            None => {
                self.codes.entry(mention.referent.clone()).or_insert(code);
                self.used.insert(code);
            }
        }
    }

    /// What a person's code is made from; none for an entity that was never met.
    pub(super) fn person(&self, entity: Entity, surface: &str) -> Referent {
        let normal = self.persons.get(&entity).map_or_else(|| form::name(surface), |named| named.normal.clone());
        Referent { family: "person_name", fields: vec![normal] }
    }

    /// What the code of a date, lab value or other value is made from. `of` is its person or item.
    pub(super) fn value(kind: Kind, of: Option<&str>, value: Wiped) -> Referent {
        let mut fields: Vec<Wiped> = of.map(|of| Wiped::new(of.to_owned())).into_iter().collect();
        fields.push(value);
        Referent { family: kind.as_str(), fields }
    }

    /// Give codes to all these referents at once, so that a clash lengthens both.
    pub(super) fn give_codes(&mut self, referents: Vec<Referent>) -> Result<(), MaskError> {
        let mut waiting: Vec<Referent> =
            referents.into_iter().filter(|referent| !self.codes.contains_key(referent)).collect();
        waiting.sort_unstable();
        waiting.dedup();
        let mut length = Some(self.length);
        while !waiting.is_empty() {
            let now = length.ok_or(MaskError::CodeClash)?;
            let mut by_code: BTreeMap<Code, Vec<Referent>> = BTreeMap::new();
            for referent in waiting {
                let fields: Vec<&str> = referent.fields.iter().map(Wiped::as_str).collect();
                by_code.entry(Code::compute(self.key, referent.family, &fields, now)).or_default().push(referent);
            }
            waiting = Vec::new();
            for (code, mut referents) in by_code {
                if referents.len() == 1 && !self.taken(&code, referents.first()) {
                    self.codes.extend(referents.pop().map(|referent| (referent, code)));
                    self.used.insert(code);
                } else {
                    waiting.extend(referents);
                }
            }
            length = now.longer();
        }
        Ok(())
    }

    /// The code stands for something else already.
    fn taken(&self, code: &Code, referent: Option<&Referent>) -> bool {
        let Some(word) = self.map.peek(code, &Suffix::default()) else {
            return self.used.contains(code);
        };
        let value = referent.and_then(|referent| referent.fields.last());
        let family = referent.map_or("", |referent| referent.family);
        let kind = Kind::from_word(family).unwrap_or(Kind::PersonName);
        let same = |normal: Wiped| value.is_some_and(|value| **value == *normal);
        // Dates are made from their sense, so two writings of one date are the same.
        !(same(form::name(word)) || same(form::value(kind, word)) || matches!(kind, Kind::CareDate | Kind::BirthDate))
    }

    /// The token of a mention.
    pub(super) fn give(&mut self, mention: &Mention<'_>) -> Result<Given, MaskError> {
        let named = mention.entity.and_then(|entity| self.persons.get(&entity)).cloned();
        let code = match named.as_ref().and_then(|named| named.sent) {
            Some(code) => code,
            None => match self.codes.get(&mention.referent) {
                Some(code) => *code,
                None => {
                    self.give_codes(vec![mention.referent.clone()])?;
                    *self.codes.get(&mention.referent).ok_or(MaskError::CodeClash)?
                }
            },
        };
        let surface = mention.surface;
        let form = match (&named, mention.kind) {
            (Some(named), Kind::PersonName) => form::of(&form::name(surface), &named.normal, &named.written),
            _ => Form::Full,
        };
        let folded = form::folded(surface);
        let plain = folded.as_str() == surface
            && match (&named, form) {
                (Some(named), Form::Full) => named.written.as_str() == surface,
                _ => true,
            };
        let short = Suffix::new(form, Some(Tag::compute(self.key, &code, surface, false)));
        let long = Suffix::new(form, Some(Tag::compute(self.key, &code, surface, true)));
        let untagged = Suffix::new(form, None);
        let known = self.suffixes.get(&(code, Wiped::new(surface.to_owned()))).copied();
        let suffix = [known, plain.then_some(untagged), Some(short), Some(long)]
            .into_iter()
            .flatten()
            .find(|suffix| self.free_for(&code, suffix, surface))
            .ok_or(MaskError::CodeClash)?;
        self.suffixes.entry((code, Wiped::new(surface.to_owned()))).or_insert(suffix);
        if self.map.insert(code, suffix, surface, mention.kind, mention.blind) == Inserted::New {
            self.words.push(KnownWord {
                code,
                suffix,
                word: Wiped::new(surface.to_owned()),
                kind: mention.kind,
                blind: mention.blind,
            });
        }
        let (role, language) = *self.labels.entry(code).or_insert((mention.role, mention.language));
        Ok(Given { code, suffix, role, language })
    }

    /// A token that this request's map has, once more.
    pub(super) fn again(&self, range: Range<usize>, code: Code, suffix: Suffix, kind: Kind, blind: bool) -> SentSpan {
        let (role, language) = self.labels.get(&code).copied().unwrap_or((None, Language::Ja));
        let with = token::write(label(kind, role, language), &code, &suffix, None, language);
        SentSpan { range, with, kind, role, treatment: Treatment::Token, token: Some((code, suffix)), language, blind }
    }

    fn free_for(&self, code: &Code, suffix: &Suffix, surface: &str) -> bool {
        let here = self.map.peek(code, suffix).is_none_or(|word| word == surface);
        let there = self.elsewhere.get(&(*code, *suffix)).is_none_or(|known| known.word.as_str() == surface);
        here && there
    }
}
