//! The detector: all engines over all parts of a document, then merge and link.
//! Built once, immutable, shared by all requests.
//! Must not know: HTTP, providers, files, what is done with a finding.

use sha2::{Digest, Sha256};

use super::document::{Document, Part};
use super::engine::address::Addresses;
use super::engine::age::Ages;
use super::engine::dates::Dates;
use super::engine::pattern::Pattern;
use super::engine::{Candidate, Engine, Output, Signal, View};
use super::finding::{Entity, Finding, Findings, Passage};
use super::fuel::{DetectError, Fuel};
use super::kind::Class;
use super::merge;
use super::rule::{self, RuleErrors};
use super::settings::Settings;
use super::text::Text;

/// All engines with their rules.
pub struct Detector {
    engines: Vec<Box<dyn Engine>>,
    settings: Settings,
    version: String,
}

/// THE list of engines: a new one is one line here.
fn engines(rules: Vec<rule::Rule>) -> Result<Vec<Box<dyn Engine>>, RuleErrors> {
    Ok(vec![
        Box::new(Pattern::new(rules)?),
        Box::new(Dates::new()?),
        Box::new(Ages::new()),
        Box::new(Addresses::new()?),
    ])
}

impl Detector {
    /// The detector as it is shipped: default settings, embedded rules.
    ///
    /// # Errors
    /// When an embedded rule is faulty; the tests keep that from being released.
    pub fn shipped() -> Result<Self, RuleErrors> {
        Self::new(Settings::default(), &[])
    }

    /// A detector with a hospital's own rule files (name, text) beside the embedded ones.
    ///
    /// # Errors
    /// Every fault of every file.
    pub fn new(settings: Settings, extra: &[(String, String)]) -> Result<Self, RuleErrors> {
        let mut files = rule::shipped();
        files.extend(extra.iter().map(|(name, text)| (name.clone(), text.as_str())));
        let rules = rule::load(&files)?;
        let mut digest = Sha256::new();
        digest.update(env!("CARGO_PKG_VERSION"));
        for (name, text) in &files {
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        digest.update(format!("{settings:?}"));
        let version = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let engines = engines(rules.into_iter().map(|loaded| loaded.rule).collect())?;
        Ok(Self { engines, settings, version })
    }

    /// A digest over rules and settings: findings of one version are not those of another.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The budget for a document, as the settings have it.
    #[must_use]
    pub fn fuel(&self, document: &Document) -> Fuel {
        let bytes = document.parts.iter().map(|part| part.text.len()).sum();
        Fuel::for_bytes(bytes, self.settings.fuel_per_byte)
    }

    /// Search a document. Findings are ordered by part and start and never overlap.
    ///
    /// # Errors
    /// When an engine cannot finish, the budget is used up, or the text is too long: the request then fails closed.
    pub fn find(&self, document: &Document, fuel: &mut Fuel) -> Result<Findings, DetectError> {
        let bytes = document.parts.iter().map(|part| part.text.len()).sum();
        if bytes > self.settings.max_bytes {
            return Err(DetectError::TooLong { bytes, limit: self.settings.max_bytes });
        }
        let mut all = Findings::default();
        for (number, part) in document.parts.iter().enumerate() {
            let text = Text::new(&part.text);
            let (candidates, signals) = self.part(part, &text, fuel)?;
            for candidate in merge::merge(text.folded(), candidates, &self.settings) {
                let entity = Entity(all.findings.len() as u32);
                all.findings.push(finding(number, &text, candidate, entity));
            }
            all.passages.extend(passages(number, &text, &signals));
        }
        Ok(all)
    }

    /// What the engines say of one text.
    fn part(&self, part: &Part, text: &Text, fuel: &mut Fuel) -> Result<(Vec<Candidate>, Vec<Signal>), DetectError> {
        let view = View { text, label: part.label.as_deref(), author: part.author };
        let mut out = Output::default();
        for engine in &self.engines {
            engine.find(view, fuel, &mut out)?;
        }
        Ok((out.candidates, out.signals))
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector")
            .field("engines", &self.engines.iter().map(|engine| engine.name()).collect::<Vec<_>>())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

fn finding(part: usize, text: &Text, candidate: Candidate, entity: Entity) -> Finding {
    Finding {
        part,
        range: text.to_original(candidate.range),
        kind: candidate.kind,
        subtype: candidate.subtype,
        confidence: candidate.confidence,
        rule: candidate.rule,
        evidence: candidate.evidence,
        entity,
        role: candidate.role,
        proven: candidate.proven,
        value: candidate.value.map(|value| text.to_original(value)),
    }
}

/// A passage is one of a class when its signals add up to this (PHI §8).
const PASSAGE: f32 = 5.0;

/// Sum the signals of a text; a rule counts once, however often it stands there.
fn passages(part: usize, text: &Text, signals: &[Signal]) -> Vec<Passage> {
    let mut found = Vec::new();
    for class in Class::ALL {
        let mut strongest: Vec<&Signal> = Vec::new();
        for signal in signals.iter().filter(|signal| signal.class == class) {
            match strongest.iter_mut().find(|known| known.rule == signal.rule) {
                Some(known) if known.weight.abs() < signal.weight.abs() => *known = signal,
                Some(_) => {}
                None => strongest.push(signal),
            }
        }
        let sum: f32 = strongest.iter().map(|signal| signal.weight).sum();
        if sum < PASSAGE {
            continue;
        }
        let start = strongest.iter().map(|signal| signal.range.start).min().unwrap_or(0);
        let end = strongest.iter().map(|signal| signal.range.end).max().unwrap_or(0);
        found.push(Passage {
            part,
            range: text.to_original(start..end),
            class,
            confidence: (sum / (2.0 * PASSAGE)).min(1.0),
            marked: strongest.iter().any(|signal| signal.marked),
            signals: strongest.iter().map(|signal| signal.rule.clone()).collect(),
        });
    }
    found
}
