//! What bad input gets: a named refusal in the provider's shape, a record, and nothing at the service.

use std::io::Write as _;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tsuitate::cli::client::{Reply, tunnel};
use tsuitate::house::Standing;

use super::stand::{ANTHROPIC, GEMINI, LETTER, OPENAI, SECRETS, Stand, TARO, chat_body, nothing_of, post, stand};

const KEY: &str = "AKIAQ7TEX4MPLK3Y2VDN";

/// The refusal is the provider's, the record says why, and the service knows nothing of it.
async fn refused(stand: &Stand, host: &str, reply: &Reply, code: &str) -> Value {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.body));
    let error = &body["error"];
    let message = error["message"].as_str().unwrap_or_else(|| panic!("{body}"));
    match host {
        ANTHROPIC => {
            assert_eq!(body["type"], "error", "{body}");
            assert!(error["type"].is_string(), "{body}");
        }
        GEMINI => assert!(error["code"].is_u64() && error["status"].is_string(), "{body}"),
        _ => assert!(error["type"].is_string() && error["code"].is_string(), "{body}"),
    }
    assert_eq!(reply.status, 400, "{code}: {body}");
    assert_eq!(reply.headers["x-should-retry"], "false");
    let record = reply.headers["x-tsuitate-record"].to_str().unwrap();
    assert!(message.contains(record) && message.contains("医療情報室"), "{message}");
    nothing_of(&SECRETS, message);
    nothing_of(&[KEY], message);
    let (opened, closed) = stand.newest().await;
    assert_eq!(opened["record"], record);
    assert!(matches!(opened["verdict"].as_str(), Some("blocked" | "failed")), "{opened}");
    assert_eq!(closed["outcome"], "refused");
    let reasons = opened["reasons"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|why| why["code"] == code || why["what"].as_array().is_some_and(|w| w.contains(&json!(code)))),
        "{code}: {opened}"
    );
    assert!(!opened["service"].as_str().unwrap().is_empty(), "{opened}");
    nothing_of(&SECRETS, &opened.to_string());
    nothing_of(&[KEY], &opened.to_string());
    assert!(stand.standin.received().is_empty(), "{code}: something was sent");
    opened
}

fn path(host: &str) -> &'static str {
    match host {
        ANTHROPIC => "/v1/messages",
        GEMINI => "/v1beta/models/gemini-2.5-flash:generateContent",
        _ => "/v1/chat/completions",
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused_by_every_service_in_its_shape() {
    let stand = stand(json!({"gate": {"limits": {"body": "256KiB"}}})).await;
    let with = |name: &'static str, value: &'static str, body: Vec<u8>| (vec![(name, value)], body);
    let json_type = "application/json";
    let whole = chat_body(&[("user", LETTER)]);
    let bomb = format!("{{\"model\":\"demo\",\"messages\":[{}]}}", " ".repeat(48 << 20));
    let cases: Vec<(&str, (Vec<(&str, &str)>, Vec<u8>))> = vec![
        ("unreadable", with("content-type", json_type, whole.as_bytes()[..whole.len() - 2].to_vec())),
        ("unreadable", with("content-type", json_type, b"{\"model\":\"\xe4\xbd\",\"messages\":[]}".to_vec())),
        ("limit.body", with("content-type", json_type, vec![b' '; 300 << 10])),
        ("limit.ratio", (vec![("content-type", json_type), ("content-encoding", "gzip")], gzip(bomb.as_bytes()))),
        ("unreadable", (vec![("content-type", json_type), ("content-encoding", "xz")], whole.clone().into_bytes())),
        ("unreadable", (vec![("content-type", json_type), ("content-encoding", "gzip")], whole.clone().into_bytes())),
        ("limit.json_depth", with("content-type", json_type, format!("{}1{}", "[".repeat(400), "]".repeat(400)).into_bytes())),
        (
            "unreadable",
            with(
                "content-type",
                "multipart/form-data; boundary=xx",
                b"--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7 ...\r\n--xx--\r\n".to_vec(),
            ),
        ),
    ];
    for host in [OPENAI, ANTHROPIC, GEMINI] {
        for (number, (code, (headers, body))) in cases.iter().enumerate() {
            let mut request = Request::post(path(host)).header("authorization", "Bearer demo");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut line = stand.line(None, host, number % 2 == 1).await;
            let reply = line.send(request.body(Bytes::from(body.clone())).unwrap()).await;
            let reply = reply.unwrap_or_else(|error| panic!("{host} {number}: {error:#}"));
            refused(&stand, host, &reply, code).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_the_service_is_refused_until_it_can_be_read() {
    let stand = stand(json!({})).await;
    let body = b"--xx\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7 ...\r\n--xx--\r\n";
    let request = Request::post("/v1/files")
        .header("content-type", "multipart/form-data; boundary=xx")
        .body(Bytes::from_static(body))
        .unwrap();
    let reply = stand.line(None, OPENAI, false).await.send(request).await.unwrap();
    refused(&stand, OPENAI, &reply, "unreadable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_refused_with_a_reason() {
    let stand = stand(json!({})).await;
    let request = Request::get("/v1/responses")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Bytes::new())
        .unwrap();
    let reply = stand.line(None, OPENAI, false).await.send(request).await.unwrap();
    refused(&stand, OPENAI, &reply, "upgrade").await;
    assert!(reply.body.contains("WebSocket"), "{}", reply.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_tells_its_length_twice_or_lies_about_it_never_leaves() {
    let stand = stand(json!({})).await;
    let body = chat_body(&[("user", LETTER)]);
    let mut shown = 0;
    for head in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", body.len()),
        format!("Content-Length: {}\r\nContent-Length: {}\r\n", body.len(), body.len() - 9),
        format!("Content-Length: {}, 7\r\n", body.len()),
        "Content-Length: -1\r\n".to_owned(),
        "Transfer-Encoding: chunked, gzip\r\n".to_owned(),
        // More is announced than comes: the client closes its side in the middle.
        format!("Content-Length: {}\r\n", body.len() + 10),
    ] {
        let socket = TcpStream::connect(stand.address()).await.unwrap();
        let mut stream = tunnel(socket, stand.root(), None, OPENAI, b"http/1.1").await.unwrap();
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {OPENAI}\r\nContent-Type: application/json\r\n{head}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is an answer too.
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{head}{answer}");
        if let Some(body) = answer.split("\r\n\r\n").nth(1).filter(|body| !body.is_empty()) {
            // What could be read as a request is refused in the service's shape, and recorded.
            let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {head}{answer}"));
            assert_eq!(body["error"]["code"], "tsuitate_refused", "{head}{body}");
            let (opened, _) = stand.newest().await;
            assert_eq!((&opened["verdict"], &opened["service"]), (&json!("blocked"), &json!("openai")), "{opened}");
            shown += 1;
        }
        assert!(stand.standin.received().is_empty(), "{head}");
    }
    assert!(shown > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_refused_wherever_it_stands() {
    let stand = stand(json!({})).await;
    let plain = chat_body(&[("user", "こんにちは")]);
    let in_text = chat_body(&[("user", &format!("設定は aws_access_key_id = {KEY} です。"))]);
    let tool = json!({"model": "demo", "messages": [{"role": "user", "content": "こんにちは"}],
        "tools": [{"type": "function", "function": {"name": "list", "description": "x",
            "parameters": {"type": "object", "properties": {"key": {"type": "string", "enum": [KEY]}}}}}]});
    let chat = "/v1/chat/completions";
    let cases = [
        post(chat, in_text),
        post(chat, tool.to_string()),
        post(&format!("{chat}?note={KEY}"), plain.clone()),
        post(&format!("/v1/files/{KEY}/content"), plain.clone()),
        Request::post(chat)
            .header("content-type", "application/json")
            .header("x-note", format!("key {KEY}"))
            .body(Bytes::from(plain))
            .unwrap(),
    ];
    for (number, request) in cases.into_iter().enumerate() {
        let reply = stand.line(None, OPENAI, false).await.send(request).await.unwrap();
        assert_eq!(reply.status, 400, "{number}: {}", reply.body);
        let opened = refused(&stand, OPENAI, &reply, "credential").await;
        assert_eq!(opened["verdict"], "blocked", "{number}: {opened}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn detection_that_runs_out_of_fuel_fails_closed() {
    let stand = stand(json!({"detect": {"fuel_per_byte": 1}})).await;
    let long = chat_body(&[("user", &LETTER.repeat(1500))]);
    let reply = stand.ask(None, ANTHROPIC, "/v1/messages", long).await;
    let opened = refused(&stand, ANTHROPIC, &reply, "limit.fuel_per_byte").await;
    assert_eq!(opened["verdict"], "failed");
    assert!(reply.body.contains("detect.fuel_per_byte") && !reply.body.contains("しばらくして"), "{}", reply.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_without_the_required_account_is_asked_for_one() {
    let stand = stand(json!({"identify": {"require": true}})).await;
    let mut socket = TcpStream::connect(stand.address()).await.unwrap();
    let body = chat_body(&[("user", LETTER)]);
    let head = format!(
        "POST http://{OPENAI}/v1/chat/completions HTTP/1.1\r\nHost: {OPENAI}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("proxy-authenticate: basic"), "{answer}");
    assert!(stand.standin.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_taken_away_while_its_tunnel_is_open_is_refused_in_the_services_shape() {
    let stand = stand(json!({"identify": {"require": true}})).await;
    let mut line = stand.line(Some(TARO), ANTHROPIC, false).await;
    let house = &stand.gate.as_ref().unwrap().house;
    let users = stand.folder.path().join("users.toml");
    let left = std::fs::read_to_string(&users).unwrap().replace("taro", "jiro");
    std::fs::write(&users, left).unwrap();
    let config = house.standing().config.clone();
    house.replace(Standing::new(config, house.ring().login().secret.bytes(), None).unwrap());
    let body = json!({"model": "demo", "max_tokens": 9, "messages": [{"role": "user", "content": LETTER}]});
    let reply = line.send(post("/v1/messages", body.to_string())).await.unwrap();
    assert!(reply.body.contains("account"), "{}", reply.body);
    assert_eq!(reply.status, 400);
    assert_eq!(stand.newest().await.0["reasons"][0]["code"], "challenge");
    assert!(stand.standin.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_certificate_is_not_trusted_gets_nothing_and_the_refusal_says_whom_to_call() {
    // The root that the gate trusts is another one's.
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pem");
    std::fs::write(&other, crate::support::service::echo().await.root_pem).unwrap();
    let stand = stand(json!({"upstream": {"extra_roots": [other]}})).await;
    for host in [OPENAI, ANTHROPIC, GEMINI] {
        let reply = stand.ask(None, host, path(host), chat_body(&[("user", LETTER)])).await;
        assert_eq!(reply.status, 400, "{}", reply.body);
        assert_eq!(reply.headers["x-should-retry"], "false");
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("[衝立]") && message.contains("証明書"), "{message}");
        assert!(message.contains("certificate") && message.contains("unknown issuer"), "why: {message}");
        assert!(message.contains("医療情報室") && message.contains("2345"), "whom to call: {message}");
        assert!(!message.contains("しばらくして") && !message.contains("try again later"), "{message}");
        let (opened, closed) = stand.newest().await;
        assert_eq!((&opened["verdict"], &closed["outcome"]), (&json!("masked"), &json!("upstream_failed")));
    }
    assert!(stand.standin.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stands_still_is_given_up() {
    let stand = stand(json!({"gate": {"limits": {"body_idle": "300ms"}}})).await;
    let socket = TcpStream::connect(stand.address()).await.unwrap();
    let mut stream = tunnel(socket, stand.root(), None, OPENAI, b"http/1.1").await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {OPENAI}\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{{\"model\":"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("gate.limits.body_idle"), "{answer}");
    assert_eq!(stand.newest().await.0["reasons"][0]["code"], "limit.body_idle");
    assert!(stand.standin.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_a_request_is_asked_to_come_again() {
    let one = json!({"gate": {"limits": {"requests_in_flight": 1}}});
    let room = json!({"gate": {"limits": {"body": "64KiB", "buffered_total": "64KiB", "buffered_wait": "100ms"}}});
    for (changes, code) in [(one, "overload"), (room, "limit.buffered_total")] {
        let stand = stand(changes).await;
        let silent = json!({"model": "stand-in-silent", "pad": " ".repeat(40 << 10), "messages": []}).to_string();
        let mut line = stand.line(None, OPENAI, false).await;
        let waiting = tokio::spawn(async move { line.send(post("/v1/chat/completions", silent)).await });
        while stand.standin.received().is_empty() {
            tokio::task::yield_now().await;
        }
        let body = json!({"model": "demo", "pad": " ".repeat(40 << 10), "messages": []}).to_string();
        let reply = stand.ask(None, GEMINI, path(GEMINI), body).await;
        assert_eq!(reply.status, 503, "{code}: {}", reply.body);
        assert!(reply.headers.contains_key("retry-after"), "{code}");
        assert!(!reply.headers.contains_key("x-should-retry"), "{code}");
        let said: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(said["error"]["status"], "UNAVAILABLE", "{code}: {said}");
        let record = reply.headers["x-tsuitate-record"].to_str().unwrap();
        let events = stand.events();
        let opened = events.iter().find(|e| e["event"] == "opened" && e["record"] == record).unwrap();
        assert_eq!(opened["reasons"][0]["code"], code, "{opened}");
        assert_eq!(stand.standin.received().len(), 1);
        waiting.abort();
    }
}
