//! Who is who, scored: pairs of gold names in a document that are one person, against the entities of a prediction,
//! and roles of the names that were found. The set is `tests/corpus/entities`.
//! Must not know: how a prediction was made, files.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::{Figure, Gold, Guess, Prediction, Span, f1, ratio};

/// Kinds that are people.
const NAME: &str = "person_name";

/// Figures over all documents. A pair is two decided gold names of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linked {
    pub documents: usize,
    /// Gold names, decided or not.
    pub names: usize,
    /// Of those, touched by a predicted name.
    pub found: usize,
    /// Pairs of one person that have one entity.
    pub right: usize,
    /// Pairs of two people that have one entity: the fault that nobody sees.
    pub merged: usize,
    /// Pairs of one person that have two entities, both names found.
    pub split: usize,
    /// Pairs of one person of which a name was not found.
    pub missed: usize,
    /// Documents with a wrong merge.
    pub merging_documents: usize,
    /// Found names that have a gold role.
    pub roles: usize,
    /// Of those, with the right one.
    pub roles_right: usize,
    /// Gold role → what was said (`-` for nothing) → names.
    pub confusion: BTreeMap<String, BTreeMap<String, usize>>,
    /// What went wrong, a line each: texts are of the corpus.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub id: String,
    pub what: &'static str,
    pub one: String,
    pub other: String,
}

impl Linked {
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        ratio(self.right, self.right + self.merged)
    }
    /// A name that was not found is a person of its own: its pairs count as not recalled.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        ratio(self.right, self.right + self.split + self.missed)
    }
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        f1(self.precision(), self.recall())
    }
    /// The same over found names alone: what linking can answer for.
    #[must_use]
    pub fn f1_of_found(&self) -> Option<f64> {
        f1(self.precision(), ratio(self.right, self.right + self.split))
    }
    #[must_use]
    pub fn role_accuracy(&self) -> Option<f64> {
        ratio(self.roles_right, self.roles)
    }
}

/// Score the entities and roles of predictions. A document without one counts as an empty one.
#[must_use]
pub fn entities(gold: &[Gold], predictions: &[Prediction]) -> Linked {
    let by_id: HashMap<&str, &Prediction> = predictions.iter().map(|one| (one.id.as_str(), one)).collect();
    let empty = Prediction::default();
    let mut linked = Linked { documents: gold.len(), ..Linked::default() };
    for one in gold {
        judge(&mut linked, one, by_id.get(one.id.as_str()).copied().unwrap_or(&empty));
    }
    linked
}

fn judge(linked: &mut Linked, gold: &Gold, prediction: &Prediction) {
    let names: Vec<(&Span, Option<&Guess>)> = gold
        .spans
        .iter()
        .filter(|span| span.kind == NAME)
        .map(|span| (span, touching(span, &prediction.spans)))
        .collect();
    let mut fault = |what: &'static str, one: &str, other: &str| {
        linked.faults.push(Fault { id: gold.id.clone(), what, one: one.to_owned(), other: other.to_owned() });
    };
    let merged_before = linked.merged;
    for (at, (span, guess)) in names.iter().enumerate() {
        linked.names += 1;
        linked.found += usize::from(guess.is_some());
        if guess.is_none() {
            fault("missed", &span.text, "");
        }
        if let (Some(role), Some(guess)) = (&span.role, guess) {
            let said = guess.role.as_deref().unwrap_or("-");
            linked.roles += 1;
            linked.roles_right += usize::from(said == role);
            *linked.confusion.entry(role.clone()).or_default().entry(said.to_owned()).or_default() += 1;
            if said != role {
                fault("role", &span.text, said);
            }
        }
        for (other, other_guess) in names.iter().skip(at + 1) {
            let (Some(entity), Some(other_entity)) = (span.entity, other.entity) else { continue };
            let together = match (guess, other_guess) {
                (Some(guess), Some(other_guess)) => Some(guess.entity.is_some() && guess.entity == other_guess.entity),
                _ => None,
            };
            match (entity == other_entity, together) {
                (true, Some(true)) => linked.right += 1,
                (true, Some(false)) => {
                    linked.split += 1;
                    fault("split", &span.text, &other.text);
                }
                (true, None) => linked.missed += 1,
                (false, Some(true)) => {
                    linked.merged += 1;
                    fault("merged", &span.text, &other.text);
                }
                (false, _) => {}
            }
        }
    }
    linked.merging_documents += usize::from(linked.merged > merged_before);
}

/// The predicted name that covers most of a gold one.
fn touching<'a>(span: &Span, guesses: &'a [Guess]) -> Option<&'a Guess> {
    let common = |guess: &Guess| guess.end.min(span.end).saturating_sub(guess.start.max(span.start));
    let names = guesses.iter().filter(|guess| guess.kind == NAME && common(guess) > 0);
    // Of two that cover as much the first, whatever the order of the file's later ones.
    names.rev().max_by_key(|guess| common(guess))
}

impl fmt::Display for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:22} {}", "documents", self.documents)?;
        writeln!(f, "{:22} {} of {}", "names found", self.found, self.names)?;
        for (name, value) in [
            ("pair precision", self.precision()),
            ("pair recall", self.recall()),
            ("pair F1", self.f1()),
            ("pair F1, found names", self.f1_of_found()),
            ("roles right", self.role_accuracy()),
        ] {
            writeln!(f, "{name:22} {}", Figure(value))?;
        }
        writeln!(
            f,
            "{:22} {} right, {} wrongly merged (in {} documents), {} wrongly split, {} with a name not found",
            "pairs", self.right, self.merged, self.merging_documents, self.split, self.missed
        )?;
        for (role, said) in &self.confusion {
            let said: Vec<String> = said.iter().map(|(said, count)| format!("{said} {count}")).collect();
            writeln!(f, "{role:22} {}", said.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_gold, read_predictions};
    use super::*;

    const GOLD: &str = r#"{"id":"a","text":"山田太郎 佐藤 山田 佐藤 林","spans":[
        {"start":0,"end":4,"kind":"person_name","text":"山田太郎","role":"patient","entity":1},
        {"start":5,"end":7,"kind":"person_name","text":"佐藤","role":"staff","entity":2},
        {"start":8,"end":10,"kind":"person_name","text":"山田","role":"patient","entity":1},
        {"start":11,"end":13,"kind":"person_name","text":"佐藤","role":"family","entity":3},
        {"start":14,"end":15,"kind":"person_name","text":"林","role":"staff"}]}"#;

    fn scored(spans: &str) -> Linked {
        let gold = read_gold(&GOLD.replace('\n', "")).unwrap();
        let pred = read_predictions(&format!("{{\"id\":\"a\",\"spans\":[{}]}}", spans.replace('\n', ""))).unwrap();
        entities(&gold, &pred)
    }

    #[test]
    fn pairs_roles_and_faults_are_counted() {
        let linked = scored(
            r#"{"start":0,"end":4,"kind":"person_name","entity":7,"role":"patient"},
            {"start":5,"end":7,"kind":"person_name","entity":8,"role":"staff"},
            {"start":8,"end":10,"kind":"person_name","entity":9},
            {"start":11,"end":13,"kind":"person_name","entity":8,"role":"family"},
            {"start":14,"end":15,"kind":"phone","entity":8}"#,
        );
        assert_eq!((linked.names, linked.found), (5, 4));
        assert_eq!((linked.right, linked.merged, linked.split, linked.missed), (0, 1, 1, 0));
        assert_eq!((linked.roles, linked.roles_right), (4, 3));
        assert_eq!(linked.merging_documents, 1);
        let faults: Vec<&str> = linked.faults.iter().map(|fault| fault.what).collect();
        assert_eq!(faults, ["split", "merged", "role", "missed"]);
    }

    #[test]
    fn a_name_not_found_costs_recall_and_an_undecided_one_nothing() {
        let linked = scored(r#"{"start":0,"end":4,"kind":"person_name","entity":7,"role":"patient"}"#);
        assert_eq!((linked.right, linked.split, linked.missed), (0, 0, 1));
        assert_eq!(linked.recall(), Some(0.0));
        // 林 is undecided: whatever entity it has, no pair holds it.
        let linked = scored(
            r#"{"start":0,"end":4,"kind":"person_name","entity":7},{"start":8,"end":10,"kind":"person_name","entity":7},
            {"start":14,"end":15,"kind":"person_name","entity":7}"#,
        );
        assert_eq!((linked.right, linked.merged), (1, 0));
        assert_eq!((linked.precision(), linked.recall(), linked.f1()), (Some(1.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn names_without_an_entity_are_apart() {
        let linked = scored(r#"{"start":0,"end":4,"kind":"person_name"},{"start":8,"end":10,"kind":"person_name"}"#);
        assert_eq!((linked.right, linked.split), (0, 1));
    }
}
