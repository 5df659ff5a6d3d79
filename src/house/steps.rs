//! The steps between the rooms: each takes what the former gave, asks one room, writes into the entry what the record
//! needs, and gives the next one its type.
//! Must not know: how a room does its work.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::memory::Scope;
use super::standing::today;
use super::{Entry, Exit, House, Standing, Stop, words};
use crate::accept::{Received, ReceivedBody};
use crate::decide::{Decision, Destination, Input, Obstacle};
use crate::detect::{DetectError, Findings, Fuel};
use crate::forward::Target;
use crate::identify::{Answer, Caller};
use crate::locate::provider::{Action, Endpoint};
use crate::locate::{Disposition, Head, LocatedText};
use crate::mask::apply::{Applied, apply};
use crate::mask::{Digest, Known, Length, SentUnit, atom, wanted};
use crate::record::Word;
use crate::refuse::{Cause, Said};
use crate::unpack::{self, Located};
use crate::wire::body::{Held, Weight};

/// By this header a tool may name its use; it is never forwarded.
const USE_HEADER: &str = "tsuitate-use";

/// After step 2: who asks, under which declared use, which service and endpoint.
pub struct Identified {
    pub caller: Caller,
    pub declared_use: Option<String>,
    pub destination: Destination,
    pub endpoint: Endpoint,
    pub service: String,
    pub head: Head,
    pub target: Target,
    /// A header of the service that keeps staff on the hospital's own account.
    pub tenant: Option<(String, String)>,
}

/// After steps 3 and 4: the texts.
pub struct LocatedRequest {
    identified: Identified,
    located: Located,
    weight: Weight,
}

/// After step 5: what was found.
pub struct Searched {
    request: LocatedRequest,
    findings: Findings,
    fuel: Fuel,
    scope: Scope,
    known: Known,
    known_signed: HashSet<usize>,
}

/// After step 6: what is done with it.
pub struct Decided {
    searched: Searched,
    decision: Decision,
}

/// After step 7: what may leave, and what goes with it.
pub struct Masked {
    pub applied: Applied,
    pub decision: Decision,
    pub target: Target,
    pub scope: Scope,
    pub service: String,
    pub endpoint: Endpoint,
    pub json_answer: bool,
    pub weight: Weight,
}

/// Step 2: who asks, and what.
pub async fn identify(
    standing: &Standing,
    entry: &mut Entry,
    exit: &mut Exit,
    received: Received,
) -> Result<(Identified, ReceivedBody), Stop> {
    let Received { client, proxy_authorization, secure, scheme, target, parts, body, .. } = received;
    let authorization = proxy_authorization.as_ref().map(|secret| secret.0.as_str());
    let caller = match standing.people.who(client.ip(), authorization, secure).await {
        Answer::Known(caller) => caller,
        Answer::Challenge(_) => return Err(Stop::Challenge),
    };
    entry.caller(&caller);
    let Some(provider) = standing.providers.host(&target.host, target.port) else { return Err(Stop::Fault) };
    let mut head = Head {
        method: parts.method.as_str().to_owned(),
        path_and_query: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
    };
    let declared_use = head.header(USE_HEADER).map(str::to_owned).or_else(|| caller.asked_use.clone());
    head.headers.retain(|(name, _)| name != USE_HEADER);
    let endpoint = provider.endpoint(&head.method, &head.path_and_query, false);
    exit.at(&endpoint, &provider.name);
    entry.asked(&provider.id, &endpoint);
    let destination = standing.destination(provider, &endpoint);
    let tenant = standing.tenant(provider).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let service = provider.id.clone();
    entry.step("identify");
    if endpoint.action == Action::Block {
        let cause = Cause::NotOffered { what: Said::both(endpoint.name), cure: words::other_way() };
        return Err(Stop::Door { code: "endpoint_not_offered", cause: Box::new(cause) });
    }
    let mut to = Target::new(scheme, target);
    to.hints = parts.extensions;
    Ok((Identified { caller, declared_use, destination, endpoint, service, head, target: to, tenant }, body))
}

/// Steps 3 and 4: the texts of the request with their addresses.
pub fn locate(
    house: &House,
    standing: &Standing,
    entry: &mut Entry,
    identified: Identified,
    held: Held,
) -> Result<LocatedRequest, Stop> {
    let (bytes, weight): (Bytes, Weight) = held.into_parts();
    entry.received_bytes = bytes.len() as u64;
    let headers = standing.providers.headers();
    let day = today((house.clock)());
    let watched = standing.config.observe.iter().any(|observe| observe.covers(&identified.caller.person, day));
    let limits = unpack::Limits { pass_formats: watched, ..standing.unpack };
    let located =
        unpack::open(&identified.head, &bytes, &identified.endpoint, headers, &limits).map_err(Stop::Unreadable)?;
    entry.model = located.model().as_deref().map(Word::new);
    entry.text_bytes = located.texts().iter().map(|text| text.text.len() as u64).sum();
    entry.step("locate");
    Ok(LocatedRequest { identified, located, weight })
}

/// Step 5: what is in them.
pub fn detect(
    house: &House,
    standing: &Standing,
    entry: &mut Entry,
    request: LocatedRequest,
) -> Result<Searched, Stop> {
    let ring = house.ring();
    let identified = &request.identified;
    let scope = Scope::new(&ring, &identified.caller.scope(), identified.caller.person.named(), (house.clock)())
        .ok_or(Stop::Fault)?;
    entry.epoch = Some(scope.epoch.clone());
    let texts = request.located.texts();
    let asked = wanted(texts, &scope.token, &identified.service, &standing.version);
    let before: Vec<_> = scope.older().map(|key| wanted(texts, key, &identified.service, &standing.version)).collect();
    let history = identified.endpoint.history_on_server;
    let (known, known_signed) =
        house.memory.known(&scope, &identified.service, &asked, &before, history, (house.clock)());
    let document = atom::document(texts, &known.codes());
    let mut fuel = standing.detector.fuel(&document);
    let findings = standing.detector.find(&document, &mut fuel).map_err(|error| {
        let DetectError::Unreadable { part: Some(part), .. } = &error else { return Stop::Detect(error, None) };
        let address = texts.get(*part).map(|text| text.address.clone());
        Stop::Detect(error, address)
    })?;
    entry.found(&document, &findings, &ring, |name| standing.detector.surnames(name));
    entry.step("detect");
    Ok(Searched { request, findings, fuel, scope, known, known_signed })
}

/// Step 6: what is done with it.
pub fn decide(house: &House, standing: &Standing, entry: &mut Entry, searched: Searched) -> Result<Decided, Stop> {
    let identified = &searched.request.identified;
    let frozen: Vec<LocatedText>;
    let texts = if identified.endpoint.action == Action::BlockOnFinding {
        frozen = searched
            .request
            .located
            .texts()
            .iter()
            .cloned()
            .map(|text| LocatedText { disposition: Disposition::Frozen, ..text })
            .collect();
        &frozen
    } else {
        searched.request.located.texts()
    };
    // Only where observe mode looked on; the judge asks again whether it does.
    let unread = searched.request.located.unread().iter();
    let obstacles: Vec<Obstacle> = unread
        .map(|unread| Obstacle { what: unread.reason.name().to_owned(), address: unread.address.clone() })
        .collect();
    let decision = standing.policy.decide(&Input {
        texts,
        findings: &searched.findings,
        person: &identified.caller.person,
        destination: &identified.destination,
        uses: &standing.config.uses.fixed,
        declared_use: identified.declared_use.as_deref(),
        observe: &standing.config.observe,
        today: today((house.clock)()),
        known_signed: &searched.known_signed,
        obstacles: &obstacles,
    });
    entry.decided(&decision, &standing.config.uses.fixed);
    entry.step("decide");
    if decision.goes_on() { Ok(Decided { searched, decision }) } else { Err(Stop::Decided(Box::new(decision))) }
}

/// Step 7: what may leave.
pub fn mask(standing: &Standing, entry: &mut Entry, decided: Decided) -> Result<Masked, Stop> {
    let Decided { searched, decision } = decided;
    let Searched { request, findings, mut fuel, scope, known, .. } = searched;
    let LocatedRequest { identified, located, weight } = request;
    let applied = apply(crate::mask::apply::Input {
        located: &located,
        findings: &findings,
        decision: &decision,
        key: &scope.token,
        length: Length::Seven,
        service: &identified.service,
        version: &standing.version,
        known: &known,
        search: &|document, fuel| standing.detector.find_again(document, fuel),
        fuel: &mut fuel,
        settings: &standing.config.mask,
    })
    .map_err(Stop::Mask)?;
    entry.masked(&applied.counts);
    entry.late_findings = u64::from(applied.late_findings);
    entry.foreign_tokens = u64::from(applied.foreign_token);
    entry.sent_bytes = applied.cleared.body().len() as u64;
    entry.step("mask");
    let json_answer = asks_for_json(located.decoded_body());
    let Identified { endpoint, service, target, tenant, .. } = identified;
    let target = Target { tenant, ..target };
    Ok(Masked { applied, decision, target, scope, service, endpoint, json_answer, weight })
}

/// Does the request ask for an answer in JSON? Then no mark may stand in it.
fn asks_for_json(body: &[u8]) -> bool {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Format {
        r#type: Option<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Text {
        format: Format,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Generation {
        #[serde(alias = "response_mime_type", rename = "responseMimeType")]
        mime: Option<String>,
        #[serde(alias = "response_schema", rename = "responseSchema")]
        schema: Option<IgnoredAny>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Asked {
        response_format: Format,
        text: Text,
        /// Anthropic; `output_format` is its older name.
        output_config: Text,
        output_format: Format,
        #[serde(alias = "generation_config", rename = "generationConfig")]
        generation: Generation,
    }
    let asked: Asked = serde_json::from_slice(body).unwrap_or_default();
    let json = |format: &Format| format.r#type.as_deref().is_some_and(|word| word.starts_with("json"));
    json(&asked.response_format)
        || json(&asked.text.format)
        || json(&asked.output_config.format)
        || json(&asked.output_format)
        || asked.generation.schema.is_some()
        || asked.generation.mime.as_deref() == Some("application/json")
}

/// What is sent, and what its answer needs.
pub struct Sending {
    pub cleared: crate::mask::Cleared,
    pub target: Target,
    pub scope: Scope,
    pub service: String,
    pub endpoint: Endpoint,
    pub map: Arc<crate::mask::WordMap>,
    pub json_answer: bool,
    /// Turn units as they go out: remembered when the service has begun to answer, not before.
    pub units: Vec<(Digest, SentUnit)>,
    pub weight: Option<Weight>,
}

#[cfg(test)]
mod tests {
    use super::asks_for_json;

    #[test]
    fn every_service_says_json_in_its_own_words() {
        for body in [
            r#"{"response_format":{"type":"json_object"}}"#,
            r#"{"response_format":{"type":"json_schema","json_schema":{}}}"#,
            r#"{"text":{"format":{"type":"json_schema","schema":{}}}}"#,
            r#"{"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}}}"#,
            r#"{"output_format":{"type":"json_schema","schema":{}}}"#,
            r#"{"generationConfig":{"responseMimeType":"application/json"}}"#,
            r#"{"generation_config":{"response_schema":{}}}"#,
        ] {
            assert!(asks_for_json(body.as_bytes()), "{body}");
        }
        for body in [
            r#"{"messages":[]}"#,
            r#"{"response_format":{"type":"text"}}"#,
            r#"{"output_config":{"effort":"low"}}"#,
            r#"{"text":{"verbosity":"low"}}"#,
            "no json",
        ] {
            assert!(!asks_for_json(body.as_bytes()), "{body}");
        }
    }
}
