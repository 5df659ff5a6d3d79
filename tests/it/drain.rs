//! Stopping: nothing new is taken, what runs finishes, the deadline and the second signal end it.

use std::time::{Duration, Instant};

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;

use crate::support::client::*;
use crate::support::service;
use crate::support::{AI, Options, gate};

#[tokio::test]
async fn a_stream_under_way_finishes() {
    for http2 in [false, true] {
        let service = service::events(10, Duration::from_millis(40)).await;
        let gate = gate(&service, Options::default()).await;
        let response = if http2 {
            http2_to(&gate, AI).await.send_request(post_h2(AI, "/", "x")).await.unwrap()
        } else {
            http1_to(&gate, AI).await.send_request(post(AI, "/", "x")).await.unwrap()
        };
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        let at = gate.at;
        let stop = gate.stop(Duration::from_secs(20));
        let rest = async {
            let mut events = 1;
            while let Some(frame) = body.frame().await {
                events += usize::from(frame.unwrap().is_data());
            }
            events
        };
        let door = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            tokio::net::TcpStream::connect(at).await.is_err()
        };
        let (finished, events, closed) = tokio::join!(stop, rest, door);
        assert!(finished && closed, "http2 {http2}: {finished} {closed}");
        assert!(events >= 9, "{events}");
    }
}

#[tokio::test]
async fn idle_connections_do_not_hold_it_up() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http1_to(&gate, AI).await;
    assert_eq!(client.send_request(post(AI, "/", "x")).await.unwrap().status(), StatusCode::OK);
    let mut second = http2_to(&gate, AI).await;
    assert_eq!(second.send_request(post_h2(AI, "/", "x")).await.unwrap().status(), StatusCode::OK);
    let start = Instant::now();
    assert!(gate.stop(Duration::from_secs(20)).await);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_deadline_and_the_second_signal() {
    let service = service::events(10_000, Duration::from_millis(20)).await;
    for second_signal in [false, true] {
        let gate = gate(&service, Options::default()).await;
        let response = http1_to(&gate, AI).await.send_request(post(AI, "/", "x")).await.unwrap();
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        let mut raw = tunnel(&gate, "bank.example:443").await;
        raw.write_all(b"\x00").await.unwrap();
        let tasks = gate.tasks.clone();
        let deadline = Duration::from_millis(if second_signal { 60_000 } else { 200 });
        let start = Instant::now();
        let (finished, ()) = tokio::join!(gate.stop(deadline), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if second_signal {
                tasks.end_now();
            }
        });
        assert!(!finished && start.elapsed() < Duration::from_secs(10), "{finished} {:?}", start.elapsed());
        assert_eq!(tasks.running(), 0, "no task outlives the gate");
        let mut failed = false;
        while let Some(frame) = body.frame().await {
            failed = frame.is_err();
        }
        assert!(failed, "a dropped answer never looks whole");
    }
}
