//! Each limit of the wire, with a test that goes past it: a named refusal, and memory that stays bounded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tsuitate::accept::{Dropped, Note, Trouble};
use tsuitate::wire::body::{BoxError, streamed, whole};
use tsuitate::wire::limits::Limits;
use tsuitate::wire::units::{Size, Time};

use crate::support::client::*;
use crate::support::service;
use crate::support::{AI, Options, gate};

fn with(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

/// An answer that sends one event and then waits for ever.
fn endless() -> service::Answer {
    Arc::new(|_| {
        Box::pin(async {
            let (send, receive) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, BoxError>>(1);
            service::run(async move {
                send.send(Ok(Frame::data(Bytes::from("first")))).await.unwrap();
                send.closed().await;
            });
            Response::new(streamed(StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(receive))))
        })
    })
}

#[tokio::test]
async fn header_bytes_and_count() {
    let service = service::echo().await;
    let limits = Limits { header_bytes: Size::kib(16), header_count: 20, ..Limits::default() };
    let gate = gate(&service, with(limits)).await;
    let many: String = (0..30).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x: {}\r\n", "a".repeat(40 << 10));
    for extra in [many.clone(), large.clone()] {
        // On the gate's own port by status, in an opened tunnel by the house's words.
        for (mut socket, status) in [(dial(&gate).await, 431), (tunnel(&gate, "ai.example:80").await, 400)] {
            let head = format!("GET / HTTP/1.1\r\nHost: ai.example\r\n{extra}\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
            let answer = String::from_utf8(read_all(&mut socket).await).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("`header_count` = 20") || answer.contains("`header_bytes` = 16KiB"), "{answer}");
            gate.noted(|n| matches!(n, Note::Dropped { why: Dropped::HeaderSize, .. })).await;
            gate.notes.lock().unwrap().clear();
        }
    }
    // HTTP/2 up to twice the limit likewise; past that it answers 431 itself or resets the stream.
    let mut client = http2_to(&gate, AI).await;
    for (size, named) in [(10 << 10, true), (18 << 10, false)] {
        let mut request = post_h2(AI, "/", "x");
        request.headers_mut().insert("x", "a".repeat(size).parse().unwrap());
        request.headers_mut().insert("y", "a".repeat(size).parse().unwrap());
        match client.send_request(request).await {
            Ok(response) if named => {
                assert!(got(response).await.text.contains("`header_bytes` = 16KiB"));
            }
            Ok(response) => assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Err(error) => assert!(!named && !error.is_timeout(), "{error}"),
        }
    }
    assert!(gate.received().is_empty() && service.seen().is_empty());
}

#[tokio::test]
async fn header_time() {
    let service = service::echo().await;
    let gate = gate(&service, with(Limits { header_time: Time::millis(200), ..Limits::default() })).await;
    for mut socket in [dial(&gate).await, tunnel(&gate, "ai.example:80").await] {
        let start = Instant::now();
        socket.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let slow = async {
            for _ in 0..100 {
                if socket.write_all(b"x: 1\r\n").await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            read_all(&mut socket).await
        };
        tokio::time::timeout(Duration::from_secs(10), slow).await.expect("a slow head is given up");
        assert!(start.elapsed() < Duration::from_secs(9));
    }
    gate.noted(|n| matches!(n, Note::Dropped { why: Dropped::HeaderTime, .. })).await;
    assert!(service.seen().is_empty());
    gate.notes.lock().unwrap().clear();
    // A connection that is kept and idle is closed in silence: that is no event.
    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: ai.example\r\n\r\n").await.unwrap();
    assert!(String::from_utf8(read_all(&mut socket).await).unwrap().starts_with("HTTP/1.1 200"));
    assert!(gate.notes().is_empty(), "{:?}", gate.notes());
}

#[tokio::test]
async fn handshake_time() {
    let service = service::echo().await;
    let limits = Limits { handshake_time: Time::millis(200), ..Limits::default() };
    let gate = gate(&service, Options { tls: true, ..with(limits) }).await;
    let mut socket = tokio::net::TcpStream::connect(gate.tls_at.unwrap()).await.unwrap();
    assert!(read_all(&mut socket).await.is_empty());
    gate.noted(|n| matches!(n, Note::Dropped { why: Dropped::Handshake, .. })).await;
}

#[tokio::test]
async fn connections_wait_in_the_kernel() {
    let service = service::echo().await;
    let gate = gate(&service, with(Limits { connections: 2, ..Limits::default() })).await;
    let first = tunnel(&gate, "ai.example:80").await;
    let second = tunnel(&gate, "ai.example:80").await;
    let mut third = dial(&gate).await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n").await.unwrap();
    let mut one = [0];
    let early = tokio::time::timeout(Duration::from_millis(200), third.read(&mut one)).await;
    assert!(early.is_err(), "the third is not served yet");
    drop(first);
    assert!(read_head(&mut third).await.starts_with("HTTP/1.1 200"), "then it is");
    drop(second);
}

#[tokio::test]
async fn requests_in_flight_are_held_by_the_answer() {
    let service = service::start(endless()).await;
    let gate = gate(&service, with(Limits { requests_in_flight: 2, ..Limits::default() })).await;
    let mut client = http2_to(&gate, AI).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut body = client.send_request(post_h2(AI, "/", "x")).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        open.push(body);
    }
    let refused = got(client.send_request(post_h2(AI, "/", "x")).await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.text.contains("`requests_in_flight` = 2"), "{}", refused.text);
    assert!(matches!(gate.troubles.lock().unwrap()[..], [Trouble::Overload { limit: 2 }]));
    assert_eq!(service.seen().len(), 2);
    // The client leaves one stream: its permit comes back.
    open.pop();
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    for _ in 0..100 {
        status = client.send_request(post_h2(AI, "/", "x")).await.unwrap().status();
        if status == StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn streams_per_connection() {
    let service = service::start(endless()).await;
    let gate = gate(&service, with(Limits { streams_per_connection: 3, ..Limits::default() })).await;
    let client = http2_to(&gate, AI).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut client = client.clone();
        let mut body = client.send_request(post_h2(AI, "/", "x")).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        open.push(body);
    }
    let mut fourth = client.clone();
    let waits = tokio::time::timeout(Duration::from_millis(200), fourth.send_request(post_h2(AI, "/", "x"))).await;
    assert!(waits.is_err(), "the fourth waits for a stream");
    assert_eq!(service.seen().len(), 3);
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let service = service::echo().await;
    let gate = gate(&service, with(Limits { pending_resets: 8, ..Limits::default() })).await;
    let socket = tunnel(&gate, "ai.example:443").await;
    let mut stream = tls_in(&gate, socket, AI, &[b"h2"]).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
    for n in 0..2000u32 {
        let id = (n * 2 + 1).to_be_bytes();
        // :method GET, :scheme https, :path /, :authority ai.example
        let block = b"\x82\x87\x84\x41\x0aai.example";
        bytes.extend_from_slice(&[0, 0, block.len() as u8, 1, 4]);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(block);
        bytes.extend_from_slice(&[0, 0, 4, 3, 0]);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&[0, 0, 0, 8]);
    }
    drop(stream.write_all(&bytes).await);
    read_all(&mut stream).await;
    assert!(gate.received().len() < 500, "{}", gate.received().len());
    // Others are still served.
    let mut client = http1_to(&gate, AI).await;
    assert_eq!(client.send_request(post(AI, "/", "x")).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn bodies_announced_or_not() {
    let service = service::echo().await;
    let gate = gate(&service, with(Limits { body: Size::kib(64), ..Limits::default() })).await;
    let mut client = http1_to(&gate, AI).await;
    let refused = got(client.send_request(post(AI, "/", vec![b'x'; 65 << 10])).await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.text.contains("`body` = 64KiB") && refused.text.contains("66560"), "{}", refused.text);
    // The rest was drained, so the connection goes on.
    assert_eq!(client.send_request(post(AI, "/", "x")).await.unwrap().status(), StatusCode::OK);

    let mut client = http2_to(&gate, AI).await;
    let refused = got(client.send_request(post_h2(AI, "/", vec![b'x'; 200 << 10])).await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);

    // Chunked, without an announced length.
    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket.write_all(b"POST / HTTP/1.1\r\nHost: ai.example\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = [b"4000\r\n".to_vec(), vec![b'x'; 0x4000], b"\r\n".to_vec()].concat();
    for _ in 0..8 {
        socket.write_all(&chunk).await.unwrap();
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 413"));
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn a_body_that_stops_and_one_that_is_cut() {
    let service = service::echo().await;
    let gate = gate(&service, with(Limits { body_idle: Time::millis(200), ..Limits::default() })).await;
    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket.write_all(b"POST / HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    let mut answer = vec![b'x'; 4096];
    let n = tokio::time::timeout(Duration::from_secs(10), socket.read(&mut answer)).await.unwrap().unwrap();
    let text = String::from_utf8(answer[..n].to_vec()).unwrap();
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("`body_idle` = 200ms"), "{text}");
    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket.write_all(b"POST / HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    socket.shutdown().await.unwrap();
    read_all(&mut socket).await;
    assert!(service.seen().is_empty(), "half a request is never sent on");
}

#[tokio::test]
async fn all_bodies_together() {
    let service = service::start(Arc::new(|seen| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Response::new(whole(seen.body.len().to_string()))
        })
    }))
    .await;
    let limits = Limits { buffered_total: Size::kib(100), buffered_wait: Time::millis(100), ..Limits::default() };
    let gate = gate(&service, with(limits)).await;
    let client = http2_to(&gate, AI).await;
    let calls = (0..3).map(|_| {
        let mut client = client.clone();
        async move { got(client.send_request(post_h2(AI, "/", vec![b'x'; 60 << 10])).await.unwrap()).await }
    });
    let all = futures_util::future::join_all(calls).await;
    let served = all.iter().filter(|g| g.status == StatusCode::OK).count();
    assert_eq!(served, 1);
    for one in all.iter().filter(|g| g.status != StatusCode::OK) {
        assert_eq!(one.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(one.text.contains("`buffered_total` = 100KiB"), "{}", one.text);
    }
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_seen_though_the_body_still_comes() {
    let service = service::echo().await;
    let answer =
        Arc::new(|_: &tsuitate::accept::Received| Some(crate::support::refusal(StatusCode::BAD_REQUEST, "held")));
    let gate = gate(&service, Options { answer: Some(answer), ..Options::default() }).await;
    for size in [1usize << 20, 8 << 20] {
        let mut client = http1_to(&gate, AI).await;
        let refused = got(client.send_request(post(AI, "/", vec![b'x'; size])).await.unwrap()).await;
        assert_eq!((refused.status, refused.text.as_str()), (StatusCode::BAD_REQUEST, "{\"error\":\"held\"}"));
        let mut client = http2_to(&gate, AI).await;
        let refused = got(client.send_request(post_h2(AI, "/", vec![b'x'; size])).await.unwrap()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    // A client that writes all before it reads.
    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket.write_all(b"POST / HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 4194304\r\n\r\n").await.unwrap();
    for _ in 0..64 {
        socket.write_all(&[0; 65536]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 400"));
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn upstream_connect_head_and_idle() {
    // A socket that takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap().to_string();
    let service = service::start(Arc::new(|seen| {
        Box::pin(async move {
            if seen.path == "/slow" {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            endless()(seen).await
        })
    }))
    .await;
    let limits = Limits {
        upstream_connect: Time::millis(200),
        upstream_head: Time::millis(300),
        stream_idle: Time::millis(250),
        ..Limits::default()
    };
    let options = Options { resolve: vec![("sub.ai.example".to_owned(), at)], ..with(limits) };
    let gate = gate(&service, options).await;
    let mut client = http1_to(&gate, "sub.ai.example").await;
    let refused = got(client.send_request(post("sub.ai.example", "/", "x")).await.unwrap()).await;
    assert!(refused.text.contains("`upstream_connect` = 200ms"), "{}", refused.text);
    let mut client = http1_to(&gate, AI).await;
    let refused = got(client.send_request(post(AI, "/slow", "x")).await.unwrap()).await;
    assert!(refused.text.contains("`upstream_head` = 300ms"), "{}", refused.text);
    let cut = got(client.send_request(post(AI, "/", "x")).await.unwrap()).await;
    assert!(cut.failed && cut.text == "first", "an idle stream ends with an error");
    drop(silent);
}

#[tokio::test]
async fn upstream_header_bytes() {
    let service = service::start(Arc::new(|_| {
        Box::pin(async {
            let mut response = Response::new(whole("x"));
            response.headers_mut().insert("x", "a".repeat(60 << 10).parse().unwrap());
            response
        })
    }))
    .await;
    let gate = gate(&service, with(Limits { upstream_header_bytes: Size::kib(16), ..Limits::default() })).await;
    let mut client = http1_to(&gate, AI).await;
    let refused = got(client.send_request(post(AI, "/", "x")).await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY, "{}", refused.text);
}

#[tokio::test]
async fn an_idle_tunnel_is_closed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    service::run(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    let service = service::echo().await;
    let limits = Limits { tunnel_idle: Time::millis(300), ..Limits::default() };
    let gate = gate(&service, Options { resolve: vec![("mail.example".to_owned(), at)], ..with(limits) }).await;
    let mut socket = tunnel(&gate, "mail.example:443").await;
    let start = Instant::now();
    for _ in 0..5 {
        socket.write_all(b"\x00").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    read_all(&mut socket).await;
    assert!(start.elapsed() >= Duration::from_millis(650), "traffic keeps it open");
    let Note::TunnelEnded { up, idle, .. } = gate.noted(|n| matches!(n, Note::TunnelEnded { .. })).await else {
        unreachable!()
    };
    assert!(idle && up == 5);
}

#[tokio::test]
async fn content_codings_of_answers() {
    let service = service::start(Arc::new(|seen| {
        Box::pin(async move {
            let mut response = Response::new(whole("xx"));
            let coding = if seen.path == "/many" { "gzip, gzip, br" } else { "dcz" };
            response.headers_mut().insert("content-encoding", coding.parse().unwrap());
            response
        })
    }))
    .await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http1_to(&gate, AI).await;
    let many = got(client.send_request(post(AI, "/many", "x")).await.unwrap()).await;
    assert!(many.text.contains("3 content codings") && many.text.contains("`codings` allows 2"), "{}", many.text);
    let unknown = got(client.send_request(post(AI, "/", "x")).await.unwrap()).await;
    assert!(unknown.text.contains("not one of gzip"), "{}", unknown.text);
}

#[tokio::test]
async fn a_request_without_length_is_no_body() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http1_to(&gate, AI).await;
    let request = Request::get("/v1/models").header("host", AI).body(Body::default()).unwrap();
    assert_eq!(got(client.send_request(request).await.unwrap()).await.text, "GET /v1/models 0");
    let seen = service.seen().pop().unwrap();
    assert!(!seen.headers.contains_key("content-length"), "nothing is added to a GET");
}
