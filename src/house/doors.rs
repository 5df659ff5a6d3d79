//! What `accept` asks of the house: who may pass, what is an AI service, what becomes of an opened request; and the notes
//! of what happened outside of requests, for the record.
//! Must not know: sockets, bodies.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use http::StatusCode;

use super::{Entry, Exit, House, Stop, words};
use crate::accept::{self, ConnectRequest, Note, Received, Trouble, Tunnel};
use crate::decide::{Verdict, may_tunnel};
use crate::identify::Answer;
use crate::portal::Portal;
use crate::record::event::Why;
use crate::refuse::{Cause, Said};
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
            counted(Arc::clone(&turned.metrics), turn_away(Arc::clone(&turned), received, trouble)).boxed()
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
            // Every browser asks first without an account; a wrong one is worth knowing.
            if authorization.is_some() {
                let standing = house.standing();
                let entry = Entry::new(asked.client.ip(), &asked.target.host, Instant::now(), &standing.versions);
                write(&house, entry.passed(Verdict::Blocked, vec![why("wrong_account")]));
            }
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
    write(&house, entry.passed(Verdict::Blocked, vec![why(code)]));
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

async fn turn_away(house: Arc<House>, received: Received, trouble: Trouble) -> http::Response<accept::AnswerBody> {
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
        other => Cause::BadRequest { what: words::trouble(other), cure: words::tell_the_contact() },
    };
    house.refuse(&standing, entry, &exit, Stop::Door { code: trouble.name(), cause: Box::new(cause) }).await
}

fn take_note(house: &Arc<House>, note: Note) {
    let (client, target, verdict, code) = match note {
        Note::Tunnelled { client, target, .. } | Note::Passed { client, target } => {
            (client, target, Verdict::Tunnelled, "not_an_ai_service")
        }
        Note::Unreadable { client, target, why } => {
            tracing::info!(host = target.host, %why, "an unreadable connection was closed");
            (client, target, Verdict::Blocked, "unreadable_connection")
        }
        Note::Denied { status, why, .. } => {
            tracing::info!(status = status.as_u16(), why, "denied");
            return;
        }
        other => {
            tracing::debug!(?other, "noted");
            return;
        }
    };
    let entry = Entry::new(client.ip(), &target.host, Instant::now(), &house.standing().versions);
    write(house, entry.passed(verdict, vec![why(code)]));
}

fn why(code: &str) -> Why {
    Why { code: code.to_owned(), count: 1, ..Why::default() }
}

/// Record without holding anybody up: nothing was decided on a text here.
fn write(house: &Arc<House>, event: crate::record::Event) {
    let inside = Arc::clone(house);
    house.tasks.spawn("record", async move {
        if let Err(error) = inside.recorder.append(vec![event], Vec::new()).await {
            inside.metrics.unwritten();
            tracing::error!(%error, "a passage could not be recorded");
        }
    });
}
