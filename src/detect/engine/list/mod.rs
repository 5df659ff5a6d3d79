//! The engine of the hospital's own list: people whose names, numbers and telephones the house knows (DESIGN §3).
//! Gets the loaded index as data: tags, never names. Hits are named `list.…`, which is a floor in `decide`.
//! Must not know: files, keys, how the list was made, what other engines find but for `weigh`.

mod form;
pub mod index;
mod numbers;
mod person;
mod read;
pub mod tag;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use crate::detect::engine::{Candidate, Engine, Output, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Kind;

pub use index::{Index, IndexError, Parts};
pub use person::{LONGEST, Name, Person, Tags};
pub use tag::{Class, Tagger};
pub use words::WORDS;

use read::Reader;

/// What a listed surname adds to a name that another engine is not sure of.
const SURNAME: f32 = 0.05;

/// The engine.
#[derive(Debug)]
pub struct List {
    index: Arc<Index>,
    rules: Rules,
}

/// Ids of its rules.
#[derive(Debug)]
struct Rules {
    name: RuleId,
    kana: RuleId,
    romaji: RuleId,
    surname: RuleId,
    number: RuleId,
    phone: RuleId,
}

impl List {
    #[must_use]
    pub fn new(index: Arc<Index>) -> Self {
        Self {
            index,
            rules: Rules {
                name: RuleId::new("list.name"),
                kana: RuleId::new("list.kana"),
                romaji: RuleId::new("list.romaji"),
                surname: RuleId::new("list.surname"),
                number: RuleId::new("list.number"),
                phone: RuleId::new("list.phone"),
            },
        }
    }

    fn rule(&self, what: What) -> (&RuleId, Kind, f32) {
        let rules = &self.rules;
        match what {
            What::Name => (&rules.name, Kind::PersonName, 1.0),
            What::Kana => (&rules.kana, Kind::PersonName, 1.0),
            What::Romaji => (&rules.romaji, Kind::PersonName, 1.0),
            What::Surname => (&rules.surname, Kind::PersonName, 0.6),
            What::Number => (&rules.number, Kind::PatientId, 1.0),
            What::Phone => (&rules.phone, Kind::Phone, 1.0),
        }
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Name,
    Kana,
    Romaji,
    /// With an honorific.
    Surname,
    Number,
    Phone,
}

impl Engine for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64 * 2)?;
        let mut found = Vec::new();
        Reader::new(&self.index, text, view.label).read(&mut found);
        out.candidates.extend(found.into_iter().map(|(range, what)| {
            let (rule, kind, confidence) = self.rule(what);
            Candidate {
                range,
                kind,
                subtype: None,
                confidence,
                rule: rule.clone(),
                evidence: vec![Evidence::new("hospital's list", confidence)],
                role: None,
                proven: what != What::Surname,
                value: None,
            }
        }));
        Ok(())
    }

    fn weigh(&self, view: View<'_>, candidates: &mut [Candidate]) {
        let text = view.text.folded();
        for one in candidates.iter_mut().filter(|one| one.kind == Kind::PersonName && one.confidence < 1.0) {
            let Some(written) = text.get(one.range.clone()) else { continue };
            let reader = Reader::new(&self.index, text, view.label);
            // Two letters that another engine takes for a name: that is the cue.
            if reader.two_letters(written) {
                one.rule = self.rules.name.clone();
                one.evidence.push(Evidence::new("hospital's list", 1.0 - one.confidence));
                one.confidence = 1.0;
                one.proven = true;
            } else if reader.surname(written) {
                one.evidence.push(Evidence::new("surname in the hospital's list", SURNAME));
                one.confidence = (one.confidence + SURNAME).min(0.99);
            }
        }
    }
}
