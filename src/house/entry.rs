//! What the record will say of a request, gathered on the way: who, where to, what was found and done, how long each step
//! took. Turned into the events `opened`, `closed` and `passed`.
//! Must not know: storage. It takes findings as counts, codes and keyed fingerprints; no text stays in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use crate::decide::{Decision, Strength, Treatment, Use, Verdict};
use crate::detect::text::Text;
use crate::detect::{Document, Findings, Kind};
use crate::identify::Caller;
use crate::keys::Ring;
use crate::locate::provider::Endpoint;
use crate::mask::apply::Counts;
use crate::record::event::{Closed, Opened, Passed, UseOf, Versions, Who, Why};
use crate::record::search::{Form, fingerprint};
use crate::record::{Event, Name, Word};
use crate::restore;

/// Fingerprints of one request; of what is more the record says how many there were (`unsearchable`).
const FINGERPRINTS: usize = 512;

/// One request on its way into the record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// UUIDv7.
    pub record: String,
    pub who: Who,
    pub use_: Option<UseOf>,
    pub service: Name,
    pub host: Word,
    pub endpoint: Word,
    pub known_endpoint: bool,
    pub model: Option<Word>,
    pub received_bytes: u64,
    pub text_bytes: u64,
    pub sent_bytes: u64,
    kinds: BTreeMap<String, u64>,
    classes: BTreeMap<String, u64>,
    treatments: BTreeMap<String, u64>,
    reversible: u64,
    irreversible: u64,
    rules: BTreeSet<String>,
    fingerprints: Vec<String>,
    unsearchable: u64,
    reasons: Vec<Why>,
    pub late_findings: u64,
    pub foreign_tokens: u64,
    opaque_blobs: u64,
    pub epoch: Option<String>,
    versions: Versions,
    timings: BTreeMap<String, u64>,
    /// Its `opened` event is durable.
    pub open: bool,
    step: Instant,
    began: Instant,
}

impl Entry {
    /// A request from this client to this host.
    #[must_use]
    pub fn new(client: IpAddr, host: &str, began: Instant, versions: &Versions) -> Self {
        Self {
            record: uuid::Uuid::now_v7().to_string(),
            who: Who { strength: strength(Strength::Anonymous), client: client.to_string(), ..Who::default() },
            use_: None,
            service: Name::default(),
            host: Word::new(host),
            endpoint: Word::new("unlisted"),
            known_endpoint: false,
            model: None,
            received_bytes: 0,
            text_bytes: 0,
            sent_bytes: 0,
            kinds: BTreeMap::new(),
            classes: BTreeMap::new(),
            treatments: BTreeMap::new(),
            reversible: 0,
            irreversible: 0,
            rules: BTreeSet::new(),
            fingerprints: Vec::new(),
            unsearchable: 0,
            reasons: Vec::new(),
            late_findings: 0,
            foreign_tokens: 0,
            opaque_blobs: 0,
            epoch: None,
            versions: versions.clone(),
            timings: BTreeMap::new(),
            open: false,
            step: Instant::now(),
            began,
        }
    }

    /// A step ended: its time since the last one.
    pub fn step(&mut self, name: &str) {
        let now = Instant::now();
        let took = u64::try_from(now.duration_since(self.step).as_micros()).unwrap_or(u64::MAX);
        *self.timings.entry(name.to_owned()).or_default() += took;
        self.step = now;
    }

    pub fn caller(&mut self, caller: &Caller) {
        let person = &caller.person;
        self.who = Who {
            person: person.id.as_deref().map(Name::new),
            groups: person.groups.iter().map(|group| Name::new(group)).collect(),
            network: person.network.as_deref().map(Name::new),
            strength: strength(person.strength),
            client: caller.client.to_string(),
        };
    }

    /// Which service and endpoint.
    pub fn asked(&mut self, service: &str, endpoint: &Endpoint) {
        self.service = Name::new(service);
        self.endpoint = Word::new(&endpoint.name);
        self.known_endpoint = endpoint.known;
    }

    /// What was found, as counts and fingerprints; `surnames` cuts a full name.
    pub fn found(
        &mut self,
        document: &Document,
        findings: &Findings,
        ring: &Ring,
        surnames: impl Fn(&str) -> Vec<String>,
    ) {
        for finding in &findings.findings {
            *self.kinds.entry(finding.kind.as_str().to_owned()).or_default() += 1;
            self.rules.insert(finding.rule.as_str().to_owned());
        }
        for passage in &findings.passages {
            *self.classes.entry(passage.class.as_str().to_owned()).or_default() += 1;
            self.rules.extend(passage.signals.iter().map(|rule| rule.as_str().to_owned()));
        }
        self.opaque_blobs = u64::from(findings.opaque_blobs);
        if let Some(key) = ring.fingerprint().last() {
            let (mut prints, mut left) = (BTreeSet::new(), BTreeSet::new());
            for finding in &findings.findings {
                if !identifies(finding.kind) {
                    continue;
                }
                let word = document.parts.get(finding.part).and_then(|part| part.text.get(finding.range.clone()));
                let folded = Text::new(word.unwrap_or_default()).folded().to_owned();
                let family = finding.kind.as_str();
                let whole = fingerprint(&key.id, key.secret.bytes(), family, Form::Whole, &folded);
                if prints.contains(&whole) {
                    continue;
                }
                if prints.len() >= FINGERPRINTS {
                    left.insert(whole);
                    continue;
                }
                prints.insert(whole);
                if finding.kind == Kind::PersonName {
                    for surname in surnames(&folded) {
                        prints.insert(fingerprint(&key.id, key.secret.bytes(), family, Form::Surname, &surname));
                    }
                }
            }
            self.unsearchable = left.len() as u64;
            self.fingerprints = prints.into_iter().collect();
        }
    }

    /// What was decided.
    pub fn decided(&mut self, decision: &Decision, uses: &[Use]) {
        self.reasons = decision.reasons.iter().map(super::stop::why).collect();
        self.rules.extend(decision.policy_rules.iter().cloned());
        self.use_ = decision.use_id.as_deref().map(|id| {
            let found = uses.iter().find(|known| known.id == id);
            let word = |text: &str| (!text.is_empty()).then(|| Name::new(text));
            UseOf {
                id: Name::new(id),
                purpose: found.and_then(|found| word(&found.purpose)),
                basis: found.and_then(|found| word(&found.basis)),
                stage: decision
                    .stage
                    .and_then(|stage| serde_json::to_value(stage).ok())
                    .and_then(|stage| stage.as_str().map(Name::new)),
                declared_input: None,
                reviewer: found.and_then(|found| found.output_reviewer.as_deref()).map(Name::new),
            }
        });
    }

    /// What was replaced, and how.
    pub fn masked(&mut self, counts: &Counts) {
        for (treatment, count) in &counts.treatments {
            let word = treatment_word(*treatment);
            *self.treatments.entry(word).or_default() += u64::from(*count);
            if treatment.reversible() {
                self.reversible += u64::from(*count);
            } else if *treatment != Treatment::Keep {
                self.irreversible += u64::from(*count);
            }
        }
    }

    /// Why it ends here.
    pub fn because(&mut self, reasons: Vec<Why>) {
        for reason in reasons {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
    }

    /// The event that must be durable before anything is sent.
    #[must_use]
    pub fn opened(&self, verdict: Verdict) -> Event {
        Event::Opened(Box::new(Opened {
            record: self.record.clone(),
            who: self.who.clone(),
            use_: self.use_.clone(),
            service: self.service.clone(),
            host: self.host.clone(),
            endpoint: self.endpoint.clone(),
            known_endpoint: self.known_endpoint,
            model: self.model.clone(),
            verdict,
            reasons: self.reasons.clone(),
            received_bytes: self.received_bytes,
            text_bytes: self.text_bytes,
            sent_bytes: self.sent_bytes,
            kinds: self.kinds.clone(),
            classes: self.classes.clone(),
            treatments: self.treatments.clone(),
            reversible: self.reversible,
            irreversible: self.irreversible,
            rules: self.rules.iter().cloned().collect(),
            fingerprints: self.fingerprints.clone(),
            unsearchable: self.unsearchable,
            late_findings: self.late_findings,
            foreign_tokens: self.foreign_tokens,
            opaque_blobs: self.opaque_blobs,
            epoch: self.epoch.clone(),
            timings_us: self.timings.clone(),
            versions: self.versions.clone(),
        }))
    }

    /// The outcome.
    #[must_use]
    pub fn closed(
        &self,
        outcome: &str,
        status: Option<u16>,
        answer_bytes: u64,
        counts: restore::Counts,
        fault: Option<String>,
    ) -> Event {
        let mut timings = BTreeMap::new();
        timings.insert("whole".to_owned(), u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX));
        if let Some(took) = self.timings.get("forward") {
            timings.insert("forward".to_owned(), *took);
        }
        Event::Closed(Closed {
            record: self.record.clone(),
            outcome: outcome.to_owned(),
            status,
            answer_bytes,
            restored: counts.restored,
            kept: counts.kept,
            unknown: counts.unknown,
            blind: counts.blind,
            fault,
            timings_us: timings,
        })
    }

    /// A tunnel, or a refusal before there was a request.
    #[must_use]
    pub fn passed(&self, verdict: Verdict, reasons: Vec<Why>) -> Event {
        Event::Passed(Passed {
            record: self.record.clone(),
            who: self.who.clone(),
            host: self.host.clone(),
            verdict,
            reasons,
        })
    }

    /// Findings by kind, for the metrics.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, u64)> {
        self.kinds.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    /// Seconds of each step so far, for the metrics.
    pub fn seconds(&self) -> impl Iterator<Item = (&str, f64)> {
        self.timings.iter().map(|(step, took)| (step.as_str(), *took as f64 / 1e6))
    }
}

/// Kinds for which "was this person sent?" is asked.
const fn identifies(kind: Kind) -> bool {
    !matches!(kind, Kind::LabValue | Kind::CareDate | Kind::Age | Kind::Credential)
}

/// The word of a verdict.
#[must_use]
pub fn verdict_word(verdict: Verdict) -> String {
    word_of(&verdict)
}

fn strength(strength: Strength) -> String {
    word_of(&strength)
}

fn treatment_word(treatment: Treatment) -> String {
    word_of(&treatment)
}

fn word_of(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
