//! What `accept` asks of the house: who may pass, what is an AI service, what becomes of an opened request; and the notes
//! of what happened outside of requests, for the record.
//! Must not know: sockets, bodies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use http::StatusCode;

use super::turned::{turned_away, write};
use super::{Entry, Exit, House, Stop, words};
use crate::accept::{self, BadHead, ConnectRequest, HostPort, Note, Received, Trouble, Tunnel};
use crate::decide::{Verdict, may_tunnel};
use crate::identify::Answer;
use crate::portal::Portal;
use crate::record::event::Why;
use crate::refuse::{Cause, Said, Unit};
use crate::telemetry::Metrics;
use crate::wire::body::{Holding, streamed};

/// The closures of a running house.
#[must_use]
pub fn doors(house: &Arc<House>, portal: Arc<Portal>) -> accept::House {
    let (tunnel, opens, request, turned, noted) =
        (Arc::clone(house), Arc::clone(house), Arc::clone(house), Arc::clone(house), Arc::clone(house));
    accept::House {
        tunnel: Box::new(move |asked| may_pass(Arc::clone(&tunnel), asked).boxed()),
        opens: Box::new(move |host, port| opens.standing().providers.host(host, port).is_some()),
        request: Box::new(move |received| {
            counted(Arc::clone(&request.metrics), crate::gate::way(Arc::clone(&request), received)).boxed()
        }),
        turn_away: Box::new(move |received, trouble| {
            counted(Arc::clone(&turned.metrics), word_away(Arc::clone(&turned), received, trouble)).boxed()
        }),
        own: Box::new(move |parts, _| {
            let portal = Arc::clone(&portal);
            async move { portal.answer(&parts) }.boxed()
        }),
        note: Box::new(move |note| take_note(&noted, note)),
    }
}

/// Under way until the last byte of its answer has gone, or the client has.
async fn counted(
    metrics: Arc<Metrics>,
    answer: impl Future<Output = http::Response<accept::AnswerBody>>,
) -> http::Response<accept::AnswerBody> {
    let under_way = metrics.under_way();
    answer.await.map(|body| streamed(Holding::new(body, under_way)))
}

async fn may_pass(house: Arc<House>, asked: ConnectRequest) -> Tunnel {
    let standing = house.standing();
    let authorization = asked.proxy_authorization.as_ref().map(|secret| secret.0.as_str());
    let caller = match standing.people.who(asked.client.ip(), authorization, asked.secure).await {
        Answer::Known(caller) => caller,
        Answer::Challenge(_) => {
            let entry = Entry::new(asked.client.ip(), &asked.target.host, Instant::now(), &standing.versions);
            let code = if authorization.is_some() { "wrong_account" } else { "account_required" };
            turned_away(&house, &entry, (&asked.target.host, asked.target.port), code, "");
            return Tunnel::Challenge;
        }
    };
    if standing.providers.host(&asked.target.host, asked.target.port).is_some() {
        return Tunnel::Open;
    }
    if may_tunnel(caller.unknown, caller.person.ehr) {
        return Tunnel::Through;
    }
    let mut entry = Entry::new(asked.client.ip(), &asked.target.host, Instant::now(), &standing.versions);
    entry.caller(&caller);
    let code = if caller.person.ehr { "ehr_network" } else { "unknown_destination" };
    turned_away(&house, &entry, (&asked.target.host, asked.target.port), code, "");
    Tunnel::Deny {
        status: StatusCode::FORBIDDEN,
        reason: if caller.person.ehr {
            "電子カルテ網からは、承認されたAIサービス以外に接続できません。 From this network nothing but AI services is reached."
                .to_owned()
        } else {
            "この宛先への接続は許可されていません。 This destination is not allowed.".to_owned()
        },
    }
}

async fn word_away(house: Arc<House>, received: Received, trouble: Trouble) -> http::Response<accept::AnswerBody> {
    let standing = house.standing();
    let mut entry = Entry::new(received.client.ip(), &received.target.host, received.arrived.at, &standing.versions);
    let mut exit = Exit::new(&standing, &received);
    let authorization = received.proxy_authorization.as_ref().map(|secret| secret.0.as_str());
    if let Answer::Known(caller) = standing.people.who(received.client.ip(), authorization, received.secure).await {
        entry.caller(&caller);
    }
    if let Some(provider) = standing.providers.host(&received.target.host, received.target.port) {
        let path = received.parts.uri.path();
        let endpoint = provider.endpoint(received.parts.method.as_str(), path, trouble == Trouble::Upgrade);
        exit.at(&endpoint, &provider.name);
        entry.asked(&provider.id, &endpoint);
    }
    let cause = match &trouble {
        Trouble::Upgrade => Cause::NotOffered { what: Said::both("WebSocket"), cure: words::no_socket() },
        Trouble::Overload { .. } => Cause::Overloaded { retry_after_secs: 5 },
        Trouble::Head(bad) => passed(bad)
            .unwrap_or_else(|| Cause::BadRequest { what: words::trouble(&trouble), cure: words::tell_the_contact() }),
        other => Cause::BadRequest { what: words::trouble(other), cure: words::tell_the_contact() },
    };
    house.refuse(&standing, entry, &exit, Stop::Door { code: trouble.name(), cause: Box::new(cause) }).await
}

/// The limit that a head passed.
fn passed(bad: &BadHead) -> Option<Cause> {
    let limit = |name: &str, limit: u64, observed: Option<u64>, unit: Unit| Cause::Limit {
        name: format!("gate.limits.{name}"),
        limit,
        observed,
        unit,
    };
    Some(match bad {
        BadHead::Bytes { limit: most, seen } => limit("header_bytes", most.0, Some(*seen), Unit::Bytes),
        BadHead::Count { limit: most, seen } => limit("header_count", *most as u64, Some(*seen as u64), Unit::Count),
        BadHead::Time(time) => limit("header_time", time.0.as_secs(), None, Unit::Seconds),
        _ => return None,
    })
}

fn take_note(house: &Arc<House>, note: Note) {
    let entry = |client: SocketAddr, target: &HostPort| {
        Entry::new(client.ip(), &target.host, Instant::now(), &house.standing().versions)
    };
    match note {
        Note::Tunnelled { client, target, .. } | Note::Passed { client, target } => {
            let why = Why { code: "not_an_ai_service".to_owned(), count: 1, ..Why::default() };
            write(house, entry(client, &target).passed(Verdict::Tunnelled, vec![why]));
        }
        Note::Unreadable { client, target, why } => {
            tracing::info!(host = target.host, %why, "an unreadable connection was closed");
            let entry = entry(client, &target);
            turned_away(house, &entry, (&target.host, target.port), "unreadable_connection", why.name());
        }
        Note::Denied { client, target, status, why } => {
            tracing::info!(status = status.as_u16(), %why, "denied");
            // What the house denied it has recorded; a target that cannot be reached was not denied.
            if let Some(code) = why.code() {
                turned_away(house, &entry(client, &target), (&target.host, target.port), code, "");
            }
        }
        other => tracing::debug!(?other, "noted"),
    }
}
