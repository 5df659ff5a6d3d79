//! THE WAY. One request, ten steps; each takes the former's type by value, so that nothing is sent that was not decided.
//! Must not know: how any step does its work.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::Response;

use crate::accept::{AnswerBody, Received};
use crate::forward;
use crate::house::{Entry, Exit, House, Standing, Stop, answer, steps};
use crate::wire::body::read_capped;

/// One request to an AI service, opened by `accept`: its answer, or its refusal.
pub async fn way(house: Arc<House>, received: Received) -> Response<AnswerBody> {
    let standing = house.standing();
    let mut entry = Entry::new(received.client.ip(), &received.target.host, received.arrived.at, &standing.versions);
    let mut exit = Exit::new(&standing, &received);
    // A fault of any step is refused and recorded like any other reason; what the entry knew by then is in it.
    let walked = AssertUnwindSafe(walk(&house, &standing, &mut entry, &mut exit, received)).catch_unwind().await;
    match walked.unwrap_or(Err(Stop::Fault)) {
        Ok(response) => response,
        Err(stop) => house.refuse(&standing, entry, &exit, stop).await,
    }
}

async fn walk(
    house: &Arc<House>,
    standing: &Arc<Standing>,
    entry: &mut Entry,
    exit: &mut Exit,
    received: Received, // 1: accept
) -> Result<Response<AnswerBody>, Stop> {
    let (identified, body) = steps::identify(standing, entry, exit, received).await?; // 2
    let held = read_capped(body, standing.config.gate.limits.body, &house.budget).await.map_err(Stop::Body)?;

    let (inside, settings) = (Arc::clone(house), Arc::clone(standing));
    let masked = house
        .think(entry, move |entry| {
            let located = steps::locate(&inside, &settings, entry, identified, held)?; // 3 and 4, unpack and locate
            let searched = steps::detect(&inside, &settings, entry, located)?; // 5
            let decided = steps::decide(&inside, &settings, entry, searched)?; // 6
            steps::mask(&settings, entry, decided) // 7
        })
        .await?;

    let sending = house.record(entry, masked).await?; // 10: durable before the first byte goes upstream
    let way_back = answer::Return::new(house, standing, entry, &sending);
    let sent = forward::send(&house.upstream, sending.target, sending.cleared);
    let answer = way_back.wait(sent).await.map_err(Stop::Forward)?; // 8
    Ok(way_back.begin(answer)) // 9, and 10: the outcome
}
