//! Addresses of residences: Japanese ones by the lexicon of places and the grammar of house numbers, western and
//! romanised ones by their own grammar. Where a facility or firm resides is public: words around decide.
//! Must not know: names, other engines.

mod japan;
mod lexicon;
mod western;

use std::ops::Range;

use super::{Candidate, Engine, Output, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Kind;
use crate::detect::rule::RuleError;
use crate::detect::text::Text;

/// The engine.
#[derive(Debug)]
pub struct Addresses {
    japan: japan::Japan,
    western: western::Western,
    rule_japan: RuleId,
    rule_western: RuleId,
}

/// An address as one of the grammars gives it.
#[derive(Clone, Debug)]
struct Place {
    range: Range<usize>,
    evidence: Vec<Evidence>,
}

impl Addresses {
    /// Prepare the lexicon and the grammars.
    ///
    /// # Errors
    /// When a grammar is too large.
    pub fn new() -> Result<Self, RuleError> {
        Ok(Self {
            japan: japan::Japan::new(),
            western: western::Western::new()?,
            rule_japan: RuleId::new("address.japan"),
            rule_western: RuleId::new("address.western"),
        })
    }
}

impl Engine for Addresses {
    fn name(&self) -> &'static str {
        "address"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(2 * text.len() as u64)?;
        let field = view.label.is_some_and(|label| {
            let label = Text::new(label).folded().to_lowercase();
            ["住所", "自宅", "居所", "本籍", "address", "addr", "street"].iter().any(|word| label.contains(word))
        });
        let mut push = |place: Place, rule: &RuleId| {
            let mut evidence = place.evidence;
            if field {
                evidence.push(Evidence::new("field", 0.3));
            }
            let confidence = evidence.iter().map(|reason| reason.weight).sum::<f32>().clamp(0.0, 1.0);
            if confidence >= 0.2 {
                out.candidates.push(Candidate {
                    range: place.range,
                    kind: Kind::Address,
                    subtype: None,
                    confidence,
                    rule: rule.clone(),
                    evidence,
                    role: None,
                    proven: false,
                    value: None,
                });
            }
        };
        if !text.is_ascii() {
            for place in self.japan.read(text) {
                push(place, &self.rule_japan);
            }
        }
        for place in self.western.read(text) {
            push(place, &self.rule_western);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
