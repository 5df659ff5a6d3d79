//! The detector: all engines over all parts of a document, then merge and link.
//! Built once, immutable, shared by all requests.
//! Must not know: HTTP, providers, files, what is done with a finding.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::beside;
use super::document::{Author, Document, Part};
use super::engine::address::Addresses;
use super::engine::age::Ages;
use super::engine::dates::Dates;
use super::engine::lab::Lab;
use super::engine::layout::Layout;
use super::engine::list::{Index, List};
use super::engine::names::Names;
use super::engine::passage::{self, Passages};
use super::engine::pattern::Pattern;
use super::engine::{Engine, Output, Signal, View};
use super::finding::{Entity, Evidence, Finding, Findings, Passage};
use super::fuel::{DetectError, Fuel};
use super::join::Joiner;
use super::ladder;
use super::link::{self, Place};
use super::merge::{self, Hit};
use super::rule::{self, RuleErrors};
use super::settings::Settings;
use super::text::Text;

/// All engines with their rules.
pub struct Detector {
    engines: Vec<Box<dyn Engine>>,
    joiner: Joiner,
    settings: Settings,
    version: String,
}

/// What a search is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Findings, and passages from the signals.
    All,
    Findings,
}

/// The engine that writes signals and no candidates.
const SIGNALS_ONLY: &str = "passage";

/// THE list of engines: a new one is one line here.
fn engines(rules: Vec<rule::Rule>) -> Result<Vec<Box<dyn Engine>>, RuleErrors> {
    Ok(vec![
        Box::new(Pattern::new(rules)?),
        Box::new(Lab::shipped()),
        Box::new(Layout::shipped()),
        Box::new(Names::shipped().map_err(rule::RuleError::from)?),
        Box::new(Passages::shipped()),
        Box::new(Dates::new()),
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
        Self::with_list(settings, extra, None)
    }

    /// The same with the hospital's own list of people.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_list(
        settings: Settings,
        extra: &[(String, String)],
        list: Option<Arc<Index>>,
    ) -> Result<Self, RuleErrors> {
        let mut files = rule::shipped();
        files.extend(extra.iter().map(|(name, text)| (name.clone(), text.as_str())));
        let rules = rule::load(&files)?;
        let mut digest = Sha256::new();
        digest.update(env!("TSUITATE_DETECTION"));
        for (name, text) in &files {
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        // Where the list lies is no setting of what is found; what is in it is.
        digest.update(format!("{:?}", Settings { list: None, ..settings.clone() }));
        if let Some(list) = &list {
            digest.update(list.digest());
        }
        let version = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut engines = engines(rules.into_iter().map(|loaded| loaded.rule).collect())?;
        engines.extend(list.map(|index| Box::new(List::new(index)) as Box<dyn Engine>));
        Ok(Self { engines, joiner: Joiner::shipped()?, settings, version })
    }

    /// A digest over code, embedded data, rules and settings: findings of one version are not those of another.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The surnames that a folded full name may begin with: what stands before its blank, else what the dictionary of
    /// names knows. For the record's search, which knows people by either.
    #[must_use]
    pub fn surnames(&self, folded: &str) -> Vec<String> {
        if let Some((surname, _)) = folded.split_once(' ') {
            return vec![surname.to_owned()];
        }
        self.surname_ends(folded).into_iter().filter_map(|end| folded.get(..end)).map(str::to_owned).collect()
    }

    fn surname_ends(&self, folded: &str) -> Vec<usize> {
        self.engines.iter().flat_map(|engine| engine.surname_ends(folded)).collect()
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
        self.search(document, Wanted::All, fuel)
    }

    /// The same without passages, for those who look at findings alone (the second look of `mask`).
    ///
    /// # Errors
    /// As `find`.
    pub fn find_again(&self, document: &Document, fuel: &mut Fuel) -> Result<Findings, DetectError> {
        self.search(document, Wanted::Findings, fuel)
    }

    fn search(&self, document: &Document, wanted: Wanted, fuel: &mut Fuel) -> Result<Findings, DetectError> {
        let bytes = document.parts.iter().map(|part| part.text.len()).sum();
        if bytes > self.settings.max_bytes {
            return Err(DetectError::TooLong { bytes, limit: self.settings.max_bytes });
        }
        let mut all = Findings::default();
        let mut texts = Vec::with_capacity(document.parts.len());
        let mut hits = Vec::with_capacity(document.parts.len());
        for (number, part) in document.parts.iter().enumerate() {
            let text = Text::with_atoms(&part.text, &part.atoms);
            let mut out = Output::default();
            let mut found = self.read(&text, part.label.as_deref(), part.author, wanted, &mut out, fuel)?;
            for hit in &mut found {
                hit.range = text.to_original(hit.range.clone());
            }
            all.passages.extend(passages(number, &text, &out.signals));
            all.opaque_blobs += self.decode(part, &text, &mut found, fuel).map_err(|error| error.in_part(number))?;
            hits.push(found);
            texts.push(text);
        }
        self.joined(document, &mut hits, fuel)?;
        let mut hits: Vec<Vec<Hit>> = hits.into_iter().map(merge::unite).collect();
        let places: Vec<Place<'_>> =
            texts.iter().zip(&document.parts).map(|(text, part)| Place { text, unit: part.unit }).collect();
        link::apart(&places, &mut hits);
        for (part, hit) in link::spread(&places, &hits, fuel)? {
            if let Some(hits) = hits.get_mut(part) {
                hits.push(hit);
            }
        }
        let mut hits: Vec<Vec<Hit>> = hits.into_iter().map(merge::unite).collect();
        link::apart(&places, &mut hits);
        let entities = link::entities(&places, &mut hits, &all.passages, &|name| self.surname_ends(name));
        for (part, ((hits, entities), text)) in hits.into_iter().zip(entities).zip(&texts).enumerate() {
            all.findings.extend(hits.into_iter().zip(entities).map(|(hit, entity)| finding(part, text, hit, entity)));
        }
        Ok(all)
    }

    /// What the engines say of one reading, merged. Ranges are still those of its folded text.
    fn read(
        &self,
        text: &Text,
        label: Option<&str>,
        author: Author,
        wanted: Wanted,
        out: &mut Output,
        fuel: &mut Fuel,
    ) -> Result<Vec<Hit>, DetectError> {
        let view = View { text, label, author };
        let engines = self.engines.iter().filter(|engine| wanted == Wanted::All || engine.name() != SIGNALS_ONLY);
        for engine in engines {
            engine.find(view, fuel, out)?;
        }
        for engine in &self.engines {
            engine.weigh(view, &mut out.candidates);
        }
        let candidates = std::mem::take(&mut out.candidates);
        let mut hits: Vec<Hit> = merge::merge(text.folded(), candidates, &self.settings)
            .into_iter()
            .map(|candidate| Hit {
                range: candidate.range.clone(),
                surface: text.folded().get(candidate.range.clone()).unwrap_or_default().to_owned(),
                candidate,
            })
            .collect();
        let beside = beside::numbers(text.folded(), &hits);
        hits.extend(beside);
        Ok(hits)
    }

    /// Read what is encoded in a part; gives the number of unreadable blobs.
    fn decode(&self, part: &Part, text: &Text, hits: &mut Vec<Hit>, fuel: &mut Fuel) -> Result<u32, DetectError> {
        let ladder = ladder::climb(text, self.settings.decode_depth, fuel)?;
        for rung in &ladder.rungs {
            let Some(read) = rung.text() else { continue };
            let found = self.read(read, None, part.author, Wanted::Findings, &mut Output::default(), fuel)?;
            hits.extend(found.into_iter().filter_map(|mut hit| {
                hit.range = rung.to_part(hit.range)?;
                hit.candidate.value = None;
                Some(hit)
            }));
        }
        Ok(ladder.blobs)
    }

    /// Values split over fields: every field of one is a finding when the whole is.
    fn joined(&self, document: &Document, hits: &mut [Vec<Hit>], fuel: &mut Fuel) -> Result<(), DetectError> {
        for joined in self.joiner.find(document) {
            let text = Text::new(&joined.text);
            let (author, out) = (Author::User, &mut Output::default());
            let found = self.read(&text, Some(joined.label), author, Wanted::Findings, out, fuel)?;
            for hit in found {
                let range = text.to_original(hit.range.clone());
                let touched =
                    joined.pieces.iter().filter(|(_, piece)| piece.start < range.end && range.start < piece.end);
                if touched.clone().count() < 2 {
                    continue;
                }
                for (part, piece) in touched {
                    let Some(written) = document.parts.get(*part) else { continue };
                    let mut piece_hit = hit.clone();
                    piece_hit.range = 0..written.text.len();
                    piece_hit.surface = joined.text.get(piece.clone()).unwrap_or_default().to_owned();
                    piece_hit.candidate.value = None;
                    piece_hit.candidate.evidence.push(Evidence::new("split over fields", 0.0));
                    if let Some(hits) = hits.get_mut(*part) {
                        hits.push(piece_hit);
                    }
                }
            }
        }
        Ok(())
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

fn finding(part: usize, text: &Text, hit: Hit, entity: Entity) -> Finding {
    let Hit { range, candidate, .. } = hit;
    let value = candidate
        .value
        .map(|value| text.to_original(value))
        .filter(|value| range.start <= value.start && value.end <= range.end && !value.is_empty());
    Finding {
        part,
        range,
        kind: candidate.kind,
        subtype: candidate.subtype,
        confidence: candidate.confidence,
        rule: candidate.rule,
        evidence: candidate.evidence,
        entity,
        role: candidate.role,
        proven: candidate.proven,
        value,
    }
}

/// What the signals of one text make of it.
fn passages(part: usize, text: &Text, signals: &[Signal]) -> Vec<Passage> {
    passage::judge(signals, text.folded().len())
        .into_iter()
        .map(|judged| Passage {
            part,
            range: text.to_original(judged.range),
            class: judged.class,
            confidence: judged.confidence,
            marked: judged.marked,
            signals: judged.signals,
        })
        .collect()
}

#[cfg(test)]
mod tests;
