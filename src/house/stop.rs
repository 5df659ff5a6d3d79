//! Why a request ends before it was sent (or its answer before its end): one type, with what the refusal says, what the
//! record keeps and what the verdict is.
//! Must not know: how a refusal looks, storage.

use crate::decide::{self, Decision, Verdict};
use crate::detect::DetectError;
use crate::forward::ForwardError;
use crate::locate::json::JsonError;
use crate::mask::MaskError;
use crate::record::RecordError;
use crate::record::event::Why;
use crate::refuse::{self, Cause, Reason, Spot, Unit, Way, What};
use crate::unpack::{self, Unreadable};
use crate::wire::body::BodyError;

/// Why it ends here.
#[derive(Debug)]
pub enum Stop {
    /// The decision says so.
    Decided(Box<Decision>),
    /// No account where one is required. The 407 was said at the door; here the account has changed since the tunnel was
    /// opened, and inside a tunnel no client understands a 407.
    Challenge,
    Body(BodyError),
    Unreadable(Unreadable),
    Detect(DetectError),
    Mask(MaskError),
    Record(RecordError),
    Forward(ForwardError),
    /// Turned away at the door: a fixed word, a sentence without text of the request.
    Door {
        code: &'static str,
        cause: Cause,
    },
    /// Something of the gate failed or panicked.
    Fault,
}

impl Stop {
    /// What the record calls it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Stop::Decided(decision) => decision.verdict,
            Stop::Detect(_) | Stop::Mask(_) | Stop::Record(_) | Stop::Fault => Verdict::Failed,
            _ => Verdict::Blocked,
        }
    }

    /// What the user reads.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Stop::Decided(decision) => decided(decision),
            Stop::Challenge => Cause::AccountRequired,
            Stop::Body(error) => match error {
                BodyError::TooLarge { limit, seen } => Cause::Limit {
                    name: "gate.limits.body".to_owned(),
                    limit: limit.0,
                    observed: Some(*seen),
                    unit: Unit::Bytes,
                },
                BodyError::Busy { .. } => Cause::Overloaded { retry_after_secs: 5 },
                BodyError::Idle(time) => Cause::Limit {
                    name: "gate.limits.body_idle".to_owned(),
                    limit: time.0.as_secs(),
                    observed: None,
                    unit: Unit::Seconds,
                },
                _ => Cause::BadRequest { what: "the body broke off".to_owned() },
            },
            Stop::Unreadable(unreadable) => unreadable_cause(unreadable),
            Stop::Detect(error) => match error {
                DetectError::TooLong { bytes, limit } => Cause::Limit {
                    name: "gate.limits.text".to_owned(),
                    limit: *limit as u64,
                    observed: Some(*bytes as u64),
                    unit: Unit::Bytes,
                },
                _ => Cause::Failed { step: "detect".to_owned() },
            },
            Stop::Mask(_) => Cause::Failed { step: "mask".to_owned() },
            Stop::Record(_) => Cause::Failed { step: "record".to_owned() },
            Stop::Forward(error @ ForwardError::Certificate { .. }) => Cause::Certificate { what: error.to_string() },
            Stop::Forward(error) => Cause::Upstream { what: error.to_string() },
            Stop::Door { cause, .. } => cause.clone(),
            Stop::Fault => Cause::Failed { step: "gate".to_owned() },
        }
    }

    /// What the record keeps.
    #[must_use]
    pub fn reasons(&self) -> Vec<Why> {
        match self {
            Stop::Decided(decision) => decision.reasons.iter().map(why).collect(),
            Stop::Challenge => vec![code("challenge")],
            Stop::Body(error) => vec![code(match error {
                BodyError::TooLarge { .. } => "limit.body",
                BodyError::Busy { .. } => "limit.buffered_total",
                BodyError::Idle(_) => "limit.body_idle",
                _ => "body_broken",
            })],
            Stop::Unreadable(unreadable) => vec![Why {
                code: past(&unreadable.reason)
                    .map_or_else(|| "unreadable".to_owned(), |(key, ..)| format!("limit.{key}")),
                what: vec![unreadable.reason.name().to_owned()],
                count: 1,
                places: vec![unreadable.address.clone()],
                rules: Vec::new(),
            }],
            Stop::Detect(_) => vec![code("detect_failed")],
            Stop::Mask(_) => vec![code("mask_failed")],
            Stop::Record(_) => vec![code("record_failed")],
            Stop::Forward(ForwardError::Certificate { .. }) => vec![code("upstream_certificate")],
            Stop::Forward(_) => vec![code("upstream_failed")],
            Stop::Door { code: word, .. } => vec![code(word)],
            Stop::Fault => vec![code("fault")],
        }
    }

    /// More ways on than those that follow from the cause.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        let Stop::Decided(decision) = self else { return Vec::new() };
        let mut ways = Vec::new();
        for way in decision.reasons.iter().flat_map(|reason| &reason.ways) {
            match way {
                decide::Way::ChooseUse(uses) => ways.extend(uses.iter().cloned().map(Way::Use)),
                decide::Way::NewConversation => ways.push(Way::NewChat),
                _ => {}
            }
        }
        ways
    }
}

fn code(word: &str) -> Why {
    Why { code: word.to_owned(), count: 1, ..Why::default() }
}

/// A reason of the decision as the record keeps it.
#[must_use]
pub fn why(reason: &decide::Reason) -> Why {
    let kinds = reason.kinds.keys().map(|kind| kind.as_str().to_owned());
    let classes = reason.classes.keys().map(|class| class.as_str().to_owned());
    Why {
        code: serde_json::to_value(reason.cause)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default(),
        what: kinds.chain(classes).chain(reason.detail.clone()).collect(),
        count: u64::from(reason.count),
        places: reason
            .spots
            .iter()
            .map(|spot| spot.line.map_or_else(|| spot.address.clone(), |line| format!("{}:{line}", spot.address)))
            .collect(),
        rules: reason.rules.iter().cloned().collect(),
    }
}

/// The refusal of a decision.
fn decided(decision: &Decision) -> Cause {
    let stopping = |reason: &&decide::Reason| reason.verdict == decision.verdict;
    for reason in decision.reasons.iter().filter(stopping) {
        match reason.cause {
            decide::Cause::ServiceNotApproved => {
                let approved = reason
                    .ways
                    .iter()
                    .find_map(
                        |way| if let decide::Way::ApprovedService(names) = way { Some(names.clone()) } else { None },
                    )
                    .unwrap_or_default();
                return Cause::NotApproved { service: String::new(), approved };
            }
            decide::Cause::Unreadable => {
                return Cause::Unreadable {
                    what: reason.detail.clone().unwrap_or_default(),
                    place: reason.spots.first().map(|spot| spot.address.clone()),
                };
            }
            _ => {}
        }
    }
    let reasons: Vec<Reason> = decision.reasons.iter().filter(stopping).flat_map(found).collect();
    if decision.verdict == Verdict::Held { Cause::Held { reasons, page: None } } else { Cause::Found(reasons) }
}

fn found(reason: &decide::Reason) -> Vec<Reason> {
    let places: Vec<Spot> =
        reason.spots.iter().map(|spot| Spot { address: spot.address.clone(), line: spot.line }).collect();
    let rules: Vec<String> = reason.rules.iter().cloned().collect();
    let fixed = matches!(reason.cause, decide::Cause::FrozenPlace | decide::Cause::SignedText);
    let kinds =
        reason.kinds.iter().map(|(kind, count)| (if fixed { What::Frozen(*kind) } else { What::Kind(*kind) }, *count));
    let classes = reason.classes.iter().map(|(class, count)| (What::Class(*class), *count));
    kinds
        .chain(classes)
        .map(|(what, count)| Reason { what, count, places: places.clone(), rules: rules.clone() })
        .collect()
}

/// The limit that was passed: its key under `gate.limits`, its value and what was seen.
fn past(reason: &unpack::Reason) -> Option<(&'static str, usize, Option<usize>, Unit)> {
    match reason {
        unpack::Reason::TooLarge { limit, value, observed } => {
            let (key, unit) = match *limit {
                "text_total" => ("text", Unit::Bytes),
                "decoded" => ("decoded", Unit::Bytes),
                key @ ("codings" | "parts") => (key, Unit::Count),
                // Bounds of the reader itself: no key of the config.
                _ => return None,
            };
            Some((key, *value, Some(*observed), unit))
        }
        unpack::Reason::Ratio { value } => Some(("ratio", *value, None, Unit::Ratio)),
        unpack::Reason::BadJson(JsonError::Depth { limit, .. }) => Some(("json_depth", *limit, None, Unit::Count)),
        _ => None,
    }
}

fn unreadable_cause(unreadable: &Unreadable) -> Cause {
    match past(&unreadable.reason) {
        Some((key, limit, observed, unit)) => Cause::Limit {
            name: format!("gate.limits.{key}"),
            limit: limit as u64,
            observed: observed.map(|observed| observed as u64),
            unit,
        },
        None => Cause::Unreadable {
            what: unreadable.reason.to_string(),
            place: (!unreadable.address.is_empty()).then(|| unreadable.address.clone()),
        },
    }
}

/// The refusal that belongs to a stop.
#[must_use]
pub fn refusal(stop: &Stop, record: &str, contact: &crate::config::Contact, service: &str) -> refuse::Refusal {
    let mut cause = stop.cause();
    if let Cause::NotApproved { service: named, .. } = &mut cause {
        service.clone_into(named);
    }
    refuse::Refusal {
        cause,
        record: record.to_owned(),
        contact: refuse::Contact {
            name: contact.name.clone(),
            extension: contact.extension.clone(),
            hours: contact.hours.clone(),
        },
        ways: stop.ways(),
        first: refuse::Language::Japanese,
    }
}
