//! What is turned away outside of requests leaves a record, and a scan leaves few.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stand::{OPENAI, Stand, events, stand};

async fn say(stand: &Stand, head: &str) -> String {
    let mut socket = TcpStream::connect(stand.address()).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn of<'a>(events: &'a [Value], code: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == "passed" && event["reasons"][0]["code"] == code).collect()
}

fn count(events: &[&Value]) -> u64 {
    events.iter().map(|event| event["reasons"][0]["count"].as_u64().unwrap()).sum()
}

/// Waits for the first event of a kind: it does not wait for its minute.
async fn first(stand: &Stand, code: &str) -> Value {
    for _ in 0..1000 {
        if let Some(event) = of(&stand.events(), code).first() {
            return (*event).clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no `{code}` in {:?}", stand.events());
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_ports_and_private_targets_are_recorded_and_a_scan_is_one_event_a_minute() {
    let mut stand = stand(json!({})).await;
    for port in 1..=200 {
        let answer = say(&stand, &format!("CONNECT scanned.example:{} HTTP/1.1\r\n\r\n", 2000 + port)).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    for number in 1..=30 {
        for head in [
            format!("CONNECT 10.0.0.{number}:443 HTTP/1.1\r\n\r\n"),
            format!("GET http://10.0.0.{number}/ HTTP/1.1\r\nHost: 10.0.0.{number}\r\nConnection: close\r\n\r\n"),
        ] {
            let answer = say(&stand, &head).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        }
    }
    let event = first(&stand, "denied_port").await;
    assert_eq!((&event["host"], &event["verdict"]), (&json!("scanned.example"), &json!("blocked")), "{event}");
    assert_eq!(event["who"]["client"], "127.0.0.1");
    assert_eq!(first(&stand, "private_target").await["host"], "10.0.0.1");
    stand.stop().await;
    let events = events(&stand.data());
    for (code, all) in [("denied_port", 200), ("private_target", 60)] {
        let kept = of(&events, code);
        assert_eq!((kept.len(), count(&kept)), (2, all), "{code}: {kept:?}");
        let targets = kept[1]["reasons"][0]["what"].as_array().unwrap();
        assert!((1..=8).contains(&targets.len()), "{targets:?}");
        assert_eq!(kept[1]["who"]["client"], "127.0.0.1");
    }
    assert!(of(&events, "not_an_ai_service").is_empty(), "nothing of it passed: {events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_an_account_is_recorded_once_a_minute() {
    let mut stand = stand(json!({"identify": {"require": true}})).await;
    let wrong = "Proxy-Authorization: Basic dGFybzp3cm9uZw==\r\n";
    for (extra, code) in [("", "account_required"), (wrong, "wrong_account")] {
        for _ in 0..10 {
            let answer = say(&stand, &format!("CONNECT {OPENAI}:443 HTTP/1.1\r\n{extra}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
        }
        let event = first(&stand, code).await;
        assert_eq!((&event["host"], &event["verdict"]), (&json!(OPENAI), &json!("blocked")));
        assert!(!event.to_string().contains("taro") && !event.to_string().contains("wrong\""), "{event}");
    }
    stand.stop().await;
    let events = events(&stand.data());
    for code in ["account_required", "wrong_account"] {
        let kept = of(&events, code);
        assert_eq!((kept.len(), count(&kept)), (2, 10), "{code}: {kept:?}");
    }
}
