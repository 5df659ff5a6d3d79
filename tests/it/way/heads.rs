//! Requests that no parser takes: refused by name in the service's shape, recorded without a word of them, never sent.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tsuitate::cli::client::tunnel;

use super::stand::{ANTHROPIC, GEMINI, OPENAI, SECRETS, Stand, nothing_of, stand};

/// Reads until the gate closes; it must.
async fn to_the_end(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), io.read_to_end(&mut answer)).await;
    // A reset is an end too.
    drop(read.expect("the connection stays open"));
    String::from_utf8(answer).unwrap()
}

async fn opened(
    stand: &Stand,
    host: &str,
    protocol: &'static [u8],
) -> impl AsyncRead + tokio::io::AsyncWrite + Unpin + use<> {
    let socket = TcpStream::connect(stand.address()).await.unwrap();
    tunnel(socket, stand.root(), None, host, protocol).await.unwrap()
}

fn limits() -> Value {
    json!({"gate": {"limits": {"header_bytes": "8KiB", "header_count": 20, "header_time": "300ms", "drain_time": "2s"}}})
}

/// Shapes of a head, what the record calls them, and a word of the refusal.
fn shapes(path: &str, host: &str) -> Vec<(String, &'static str, &'static str)> {
    let post = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Note: 佐久間 春香\r\n");
    let wide = format!("{post}X-Wide: {}\r\n\r\n", "0038412 ".repeat(4096));
    let many = format!("{post}{}\r\n", "X-Many: 0038412\r\n".repeat(40));
    vec![
        (format!("POST {path} HTTP/1.1 佐久間\r\n\r\n"), "head.request_line", "request line"),
        (format!("P(ST {path} HTTP/1.1\r\n\r\n"), "head.request_line", "request line"),
        (format!("POST {path} HTTP/9.9\r\n\r\n"), "head.request_line", "request line"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "head.request_line", "request line"),
        (format!("{post} folded: 春香\r\n\r\n"), "head.field", "header field"),
        (format!("{post}春香\r\n\r\n"), "head.field", "header field"),
        (format!("{post}X: \0\r\n\r\n"), "head.field", "header field"),
        (format!("{post}Content-Length : 5\r\n\r\nhello"), "head.field", "header field"),
        (
            format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
            "head.content_length",
            "Content-Length",
        ),
        (format!("{post}Content-Length: -5\r\n\r\nhello"), "head.content_length", "Content-Length"),
        (format!("{post}Content-Length: 0x5\r\n\r\nhello"), "head.content_length", "Content-Length"),
        (format!("{post}Content-Length: 99999999999999999999\r\n\r\n"), "head.content_length", "Content-Length"),
        (
            format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            "head.framing",
            "contradict",
        ),
        (format!("{post}Transfer-Encoding: chunked, gzip\r\n\r\n"), "head.transfer_encoding", "Transfer-Encoding"),
        (
            format!("POST {path} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "head.transfer_encoding",
            "Transfer-Encoding",
        ),
        (wide, "limit.header_bytes", "gate.limits.header_bytes is 8 KiB"),
        (many, "limit.header_count", "gate.limits.header_count is 20, got 42"),
        (format!("{post}X-Slow: 1\r\n"), "limit.header_time", "gate.limits.header_time"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_no_parser_takes_is_refused_by_name_in_the_services_shape_and_recorded() {
    let stand = stand(limits()).await;
    for (host, path) in
        [(OPENAI, "/v1/chat/completions"), (ANTHROPIC, "/v1/messages"), (GEMINI, "/v1beta/models/x:generateContent")]
    {
        for (head, code, words) in shapes(path, host) {
            let before = stand.events().len();
            let mut stream = opened(&stand, host, b"http/1.1").await;
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = to_the_end(&mut stream).await;
            let (top, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{code}: {answer}"));
            assert!(top.starts_with("HTTP/1.1 400 "), "{code}: {answer}");
            let top = top.to_ascii_lowercase();
            for line in ["content-type: application/json", "x-should-retry: false", "connection: close"] {
                assert!(top.contains(line), "{code}: {top}");
            }
            let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
            let error = &body["error"];
            match host {
                ANTHROPIC => assert_eq!(body["type"], "error", "{body}"),
                GEMINI => assert_eq!(error["status"], "INVALID_ARGUMENT", "{body}"),
                _ => assert!(error["code"].is_string(), "{body}"),
            }
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with("[衝立]") && message.contains(" / [Tsuitate] "), "{message}");
            assert!(message.contains(words) && message.contains("医療情報室"), "{code}: {message}");

            let (event, closed) = stand.newest().await;
            assert_eq!(stand.events().len(), before + 2, "{code}");
            assert!(top.contains(event["record"].as_str().unwrap()), "{code}: {top}");
            assert_eq!((&event["verdict"], &event["reasons"][0]["code"]), (&json!("blocked"), &json!(code)), "{event}");
            assert_eq!((&closed["outcome"], &closed["status"]), (&json!("refused"), &json!(400)));
            assert!(!event["service"].as_str().unwrap().is_empty(), "{event}");
            for text in [&event, &closed, &body] {
                nothing_of(&SECRETS, &text.to_string());
            }
        }
    }
    assert!(stand.standin.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_request_before_a_bad_one_is_answered_and_nothing_after_it_is_read() {
    let stand = stand(limits()).await;
    let body = r#"{"model":"demo","messages":[{"role":"user","content":"はい"}]}"#;
    let good = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {OPENAI}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let bad = good.replace("Content-Length", "Content-Length: 1\r\nContent-Length");
    let mut stream = opened(&stand, OPENAI, b"http/1.1").await;
    stream.write_all(format!("{good}{good}{bad}{good}").as_bytes()).await.unwrap();
    let answer = to_the_end(&mut stream).await;
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 ").count(), 1, "{answer}");
    assert!(answer.rfind("HTTP/1.1 400 ") > answer.rfind("HTTP/1.1 200 "), "in their order");
    assert_eq!(stand.standin.received().len(), 2);
    assert_eq!(stand.newest().await.0["reasons"][0]["code"], "head.content_length");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_tunnels_a_bad_head_gets_one_clear_line_and_to_an_ai_service_a_refusal() {
    let stand = stand(limits()).await;
    let many = "x: 1\r\n".repeat(40);
    for (head, status, words) in [
        ("GET /\r\n\r\n".to_owned(), 400, "the request line"),
        ("\u{16}\u{3}\u{1}\r\n".to_owned(), 400, "the request line"),
        ("GET /proxy.pac HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400, "a header field"),
        ("GET http://other.example/ HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(), 400, "Content-Length"),
        (format!("CONNECT {OPENAI}:443 HTTP/1.1\r\n{many}\r\n"), 431, "`header_count` = 20"),
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(20_000)), 431, "`header_bytes` = 8KiB"),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(300)), 408, "`header_time` = 300ms"),
    ] {
        let mut socket = TcpStream::connect(stand.address()).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let answer = to_the_end(&mut socket).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head:.40}: {answer}");
        assert!(answer.contains("Tsuitate: ") && answer.contains(words), "{answer}");
    }
    assert!(stand.events().is_empty(), "no AI service was asked");
    let mut socket = TcpStream::connect(stand.address()).await.unwrap();
    let head =
        format!("POST http://{ANTHROPIC}/v1/messages HTTP/1.1\r\nHost: {ANTHROPIC}\r\nContent-Length: 春香\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let answer = to_the_end(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"type\":\"error\""), "{answer}");
    assert_eq!(stand.newest().await.0["reasons"][0]["code"], "head.content_length");
    assert!(stand.standin.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_line_in_a_tunnel_without_tls_is_refused_by_name_too() {
    let stand = stand(limits()).await;
    for line in ["POST /v1/messages HTTP/9.9", "POST /v1/messages HTTP/1.1 春香"] {
        let mut socket = TcpStream::connect(stand.address()).await.unwrap();
        socket.write_all(format!("CONNECT {ANTHROPIC}:80 HTTP/1.1\r\n\r\n{line}\r\n\r\n").as_bytes()).await.unwrap();
        let answer = to_the_end(&mut socket).await;
        assert!(answer.contains("HTTP/1.1 200 ") && answer.contains("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("\"type\":\"error\"") && answer.contains("request line"), "{answer}");
        let (event, _) = stand.newest().await;
        assert_eq!(event["reasons"][0]["code"], "head.request_line", "{event}");
        nothing_of(&SECRETS, &event.to_string());
    }
}

/// Waits for the `passed` event that names this.
async fn passed(stand: &Stand, what: &str) {
    for _ in 0..1000 {
        if stand.events().iter().any(|event| event["event"] == "passed" && event["reasons"][0]["what"][0] == what) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {what} in {:?}", stand.events());
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// `:method POST`, `:scheme https`, `:path /`, `:authority`, and more as literal fields.
fn fields(more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = b"\x83\x87\x84\x41".to_vec();
    block.push(u8::try_from(OPENAI.len()).unwrap());
    block.extend_from_slice(OPENAI.as_bytes());
    for (name, value) in more {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

#[tokio::test(flavor = "multi_thread")]
async fn what_http2_itself_refuses_leaves_a_record_and_what_is_past_our_limits_a_refusal() {
    let mut stand = stand(limits()).await;
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    let note = "a".repeat(100);
    let wide: Vec<(&str, &str)> = (0..70).map(|_| ("x-wide", note.as_str())).collect();
    let wider: Vec<(&str, &str)> = (0..140).map(|_| ("x-wide", note.as_str())).collect();
    let many: Vec<(&str, &str)> = (0..40).map(|_| ("x-m", "1")).collect();
    // Refused by name, as any request.
    for (more, code) in [(wide, "limit.header_bytes"), (many, "limit.header_count")] {
        let mut stream = opened(&stand, OPENAI, b"h2").await;
        stream.write_all(&[preface.clone(), frame(1, 5, 1, &fields(&more))].concat()).await.unwrap();
        let (event, _) = loop {
            let (event, closed) = stand.newest().await;
            if event["reasons"][0]["code"] == code {
                break (event, closed);
            }
        };
        assert_eq!((&event["verdict"], &event["service"]), (&json!("blocked"), &json!("openai")), "{event}");
    }
    // By the protocol: 431, a malformed request, broken compression, a frame that may not stand there.
    for (code, bytes) in [
        (Some("HEADER_LIST_ERROR"), frame(1, 5, 1, &fields(&wider))),
        (Some("PROTOCOL_ERROR"), frame(1, 5, 1, &fields(&[("X-Upper", "春香")]))),
        (None, frame(1, 5, 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        (None, frame(0, 1, 1, b"0038412")),
    ] {
        let mut stream = opened(&stand, OPENAI, b"h2").await;
        stream.write_all(&[preface.clone(), bytes].concat()).await.unwrap();
        let Some(code) = code else {
            // The whole connection is at an end.
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer).await);
            continue;
        };
        passed(&stand, code).await;
    }
    stand.stop().await;
    let events = stand.events();
    let unreadable: Vec<&Value> = events.iter().filter(|event| event["event"] == "passed").collect();
    for event in &unreadable {
        assert_eq!((&event["verdict"], &event["host"]), (&json!("blocked"), &json!(OPENAI)), "{event}");
        assert_eq!(event["reasons"][0]["code"], "unreadable_connection", "{event}");
        nothing_of(&SECRETS, &event.to_string());
    }
    let count: u64 = unreadable.iter().map(|event| event["reasons"][0]["count"].as_u64().unwrap()).sum();
    assert_eq!(count, 4, "{unreadable:?}");
    assert!(stand.standin.received().is_empty());
}
