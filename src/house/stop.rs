//! Why a request ends before it was sent (or its answer before its end): one type, with what the refusal says, what the
//! record keeps and what the verdict is.
//! Must not know: how a refusal looks, storage.

use super::words;
use crate::decide::{self, Decision, Verdict};
use crate::detect::DetectError;
use crate::forward::ForwardError;
use crate::locate::json::JsonError;
use crate::mask::MaskError;
use crate::record::RecordError;
use crate::record::event::Why;
use crate::refuse::{self, Cause, Reason, Said, Spot, Unit, Way, What};
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
    /// With the address of the text it is about, where it is about one.
    Detect(DetectError, Option<String>),
    Mask(MaskError),
    Record(RecordError),
    Forward(ForwardError),
    /// Turned away at the door: a fixed word, a sentence without text of the request.
    Door {
        code: &'static str,
        cause: Box<Cause>,
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
            // What cannot be read is the request's doing, and is stopped like any other unreadable body.
            Stop::Detect(DetectError::Unreadable { .. } | DetectError::TooLong { .. }, _) => Verdict::Blocked,
            Stop::Mask(error) => error.verdict(),
            Stop::Detect(..) | Stop::Record(_) | Stop::Fault => Verdict::Failed,
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
                BodyError::Broken => Cause::BadRequest { what: words::body_broken(), cure: words::send_again() },
            },
            Stop::Unreadable(unreadable) => unreadable_cause(unreadable),
            Stop::Detect(error, address) => detect_cause(error, address.as_deref()),
            Stop::Mask(error) => mask_cause(error),
            Stop::Record(_) => Cause::Failed {
                step: Said::new("記録を残せなかったため", "the record could not be written"),
            },
            Stop::Forward(error) => words::upstream(error),
            Stop::Door { cause, .. } => (**cause).clone(),
            Stop::Fault => Cause::Failed { step: Said::new("衝立の内部の不具合", "a fault inside the gate") },
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
            Stop::Detect(error, address) => vec![match error {
                DetectError::OutOfFuel { .. } => code("limit.fuel_per_byte"),
                DetectError::TooLong { .. } => code("limit.text"),
                DetectError::Unreadable { .. } => Why {
                    code: "unreadable".to_owned(),
                    what: vec!["encoded".to_owned()],
                    count: 1,
                    places: address.iter().cloned().collect(),
                    rules: Vec::new(),
                },
                DetectError::Engine { .. } => code("detect_failed"),
            }],
            Stop::Mask(error) => match error.reason() {
                Some(reason) => vec![why(&reason)],
                None => vec![code("mask_failed")],
            },
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
        let of = |reasons: &[decide::Reason]| reasons.iter().flat_map(|reason| &reason.ways).flat_map(way).collect();
        match self {
            Stop::Decided(decision) => {
                let stopping: Vec<decide::Reason> =
                    decision.reasons.iter().filter(|reason| reason.verdict == decision.verdict).cloned().collect();
                of(&stopping)
            }
            Stop::Mask(error) => error.reason().map(|reason| of(&[reason])).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// A way of the decision as a refusal says it. Every one reaches the user.
fn way(way: &decide::Way) -> Vec<Way> {
    match way {
        decide::Way::ChooseUse(uses) => uses.iter().cloned().map(Way::Use).collect(),
        decide::Way::SignIn => vec![Way::SignIn],
        decide::Way::ApplyForUse => vec![Way::Apply],
        decide::Way::Remove => vec![Way::Remove],
        decide::Way::RemoveCredential => vec![Way::RemoveCredential],
        decide::Way::MoveIntoText => vec![Way::MoveIntoText],
        decide::Way::NewConversation => vec![Way::NewChat],
        decide::Way::ApprovedService(names) => names.iter().cloned().map(Way::Service).collect(),
        decide::Way::SendAsText => vec![Way::PlainText],
        decide::Way::AwaitApproval | decide::Way::AskContact => vec![Way::Call],
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
                    what: words::obstacle(reason.detail.as_deref().unwrap_or_default()),
                    place: reason.spots.first().map(|spot| spot.address.clone()),
                    cure: words::as_text(),
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
    if reason.cause == decide::Cause::Rule {
        return vec![Reason { what: What::Rule, count: 1, places, rules }];
    }
    let fixed = matches!(reason.cause, decide::Cause::FrozenPlace | decide::Cause::SignedText);
    let kinds =
        reason.kinds.iter().map(|(kind, count)| (if fixed { What::Frozen(*kind) } else { What::Kind(*kind) }, *count));
    let classes = reason.classes.iter().map(|(class, count)| (What::Class(*class), *count));
    kinds
        .chain(classes)
        .map(|(what, count)| Reason { what, count, places: places.clone(), rules: rules.clone() })
        .collect()
}

fn limit(name: &str, limit: usize, observed: Option<usize>, unit: Unit) -> Cause {
    Cause::Limit {
        name: format!("gate.limits.{name}"),
        limit: limit as u64,
        observed: observed.map(|observed| observed as u64),
        unit,
    }
}

/// The limit that was passed: its key under `gate.limits`, its value and what was seen.
fn past(reason: &unpack::Reason) -> Option<(&'static str, usize, Option<usize>, Unit)> {
    match reason {
        unpack::Reason::TooLarge { limit, value, observed } => {
            let unit = if matches!(*limit, "decoded" | "text") { Unit::Bytes } else { Unit::Count };
            Some((limit, *value, Some(*observed), unit))
        }
        unpack::Reason::Ratio { value } => Some(("ratio", *value, None, Unit::Ratio)),
        // The reader stops one past the limit: at least that many there are.
        unpack::Reason::BadJson(JsonError::Depth { limit, .. }) => {
            Some(("json_depth", *limit, Some(limit + 1), Unit::Count))
        }
        unpack::Reason::BadJson(JsonError::Values { limit }) => {
            Some(("json_values", *limit, Some(limit + 1), Unit::Count))
        }
        _ => None,
    }
}

fn unreadable_cause(unreadable: &Unreadable) -> Cause {
    let reason = &unreadable.reason;
    match past(reason) {
        Some((key, value, observed, unit)) => limit(key, value, observed, unit),
        None => Cause::Unreadable {
            what: Said::new(reason.ja(), reason.to_string()),
            place: (!unreadable.address.is_empty()).then(|| unreadable.address.clone()),
            cure: Said::new(reason.cure_ja(), reason.cure()),
        },
    }
}

fn detect_cause(error: &DetectError, address: Option<&str>) -> Cause {
    match error {
        DetectError::TooLong { bytes, limit: most } => limit("text", *most, Some(*bytes), Unit::Bytes),
        DetectError::OutOfFuel { limit } => {
            Cause::Limit { name: "detect.fuel_per_byte".to_owned(), limit: *limit, observed: None, unit: Unit::Work }
        }
        DetectError::Unreadable { bytes, limit, .. } => Cause::Unreadable {
            what: words::encoded(*bytes, *limit),
            place: address.map(str::to_owned),
            cure: words::without_encoded(),
        },
        DetectError::Engine { engine } => Cause::Failed {
            step: Said::new(format!("検出（{engine}）の不具合"), format!("the detection ({engine}) failed")),
        },
    }
}

fn mask_cause(error: &MaskError) -> Cause {
    match (error.reason(), error) {
        (Some(reason), _) => Cause::Found(found(&reason)),
        (None, MaskError::Detect(error)) => detect_cause(error, None),
        (None, _) => Cause::Failed {
            step: Said::new("置き換えを終えられなかったため", "the replacing could not be completed"),
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
