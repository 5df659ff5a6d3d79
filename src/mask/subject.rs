//! Whose a date is: the patient named last before it in the same text, else first after it, else the only patient of the
//! request. And the first care date of each. Never guesses between two.
//! Must not know: codes, tokens.

use std::collections::HashMap;

use super::date::{self, Written};
use crate::detect::{Entity, Findings, Kind, Role};
use crate::locate::LocatedText;

/// Patients and first care dates of one document.
pub(super) struct Subjects {
    /// By text: where a patient is named.
    patients: HashMap<usize, Vec<(usize, Entity)>>,
    /// The only patient of the document.
    only: Option<Entity>,
    /// Where the first care date of a person stands, what it says, and whether there is another.
    first: HashMap<Option<Entity>, First>,
}

struct First {
    date: Written,
    others: bool,
}

impl Subjects {
    pub(super) fn new(texts: &[LocatedText], findings: &Findings) -> Self {
        let mut patients: HashMap<usize, Vec<(usize, Entity)>> = HashMap::new();
        for finding in &findings.findings {
            if finding.kind == Kind::PersonName && finding.role == Some(Role::Patient) {
                patients.entry(finding.part).or_default().push((finding.range.start, finding.entity));
            }
        }
        let mut all = patients.values().flatten().map(|(_, entity)| *entity);
        let only = all.next().filter(|first| all.all(|other| other == *first));
        let mut subjects = Self { patients, only, first: HashMap::new() };
        for finding in findings.findings.iter().filter(|finding| finding.kind == Kind::CareDate) {
            let written = texts.get(finding.part).and_then(|text| text.text.get(finding.range.clone()));
            let Some(date) = written.and_then(date::read) else { continue };
            let whose = subjects.of(finding.part, finding.range.start);
            match subjects.first.get_mut(&whose) {
                Some(first) => first.others |= first.date != date,
                None => {
                    subjects.first.insert(whose, First { date, others: false });
                }
            }
        }
        subjects
    }

    /// Whose a date at this place is.
    pub(super) fn of(&self, text: usize, at: usize) -> Option<Entity> {
        let here = self.patients.get(&text).map(Vec::as_slice).unwrap_or_default();
        let after = here.partition_point(|(start, _)| *start < at);
        let before = after.checked_sub(1).and_then(|before| here.get(before));
        before.or(here.get(after)).map(|(_, entity)| *entity).or(self.only)
    }

    /// Days from the first care date of the same person; none when it is the only one or cannot be told.
    pub(super) fn interval(&self, whose: Option<Entity>, written: &str) -> Option<i64> {
        let first = self.first.get(&whose).filter(|first| first.others)?;
        date::days_between(first.date, date::read(written)?)
    }
}
