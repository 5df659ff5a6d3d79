//! The whole way on the wire: tunnels, both HTTP versions on both sides, absolute form, headers, streams, trailers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tsuitate::accept::{Note, Trouble};
use tsuitate::wire::body::{BoxError, streamed, whole};

use crate::support::client::*;
use crate::support::service::{self, Seen};
use crate::support::{AI, OTHER, Options, gate};

#[tokio::test]
async fn http1_in_a_tunnel() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http1_to(&gate, AI).await;
    for n in 1..=3 {
        let mut request = post(AI, "/v1/chat?x=%E5%B1%B1", "x".repeat(n));
        let headers = request.headers_mut();
        headers.insert("proxy-authorization", HeaderValue::from_static("Basic secret"));
        headers.insert("proxy-connection", HeaderValue::from_static("keep-alive"));
        headers.insert("authorization", HeaderValue::from_static("Bearer key"));
        headers.insert("expect", HeaderValue::from_static("100-continue"));
        let got = got(client.send_request(request).await.unwrap()).await;
        assert_eq!((got.status, got.text), (StatusCode::OK, format!("POST /v1/chat?x=%E5%B1%B1 {n}")));
        assert!(!got.headers.contains_key("alt-svc"), "HTTP/3 would pass us by");
        assert!(got.headers.contains_key("x-service"));
    }
    let seen = service.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].version, Version::HTTP_2, "HTTP/2 upstream when it is offered");
    for one in seen {
        assert!(one.headers.keys().all(|n| !n.as_str().starts_with("proxy-")), "{:?}", one.headers);
        assert_eq!(one.headers["authorization"], "Bearer key");
    }
}

#[tokio::test]
async fn many_parallel_http2_streams() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let client = http2_to(&gate, AI).await;
    let calls = (0..100usize).map(|n| {
        let mut client = client.clone();
        async move {
            let response = client.send_request(post_h2(AI, &format!("/{n}"), vec![b'x'; n * 100])).await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            assert_eq!(got(response).await.text, format!("POST /{n} {}", n * 100));
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(service.seen().len(), 100);
}

#[tokio::test]
async fn http1_upstream_keeps_the_case_of_header_names() {
    let answer: service::Answer =
        Arc::new(|seen: Seen| Box::pin(async move { Response::new(whole(format!("{:?}", seen.version))) }));
    let service = service::start_with(answer, &["ai.example"], &[b"http/1.1"]).await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http1_to(&gate, AI).await;
    let got = got(client.send_request(post(AI, "/", "x")).await.unwrap()).await;
    assert_eq!(got.text, "HTTP/1.1");

    // In plain, where the bytes can be read.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        resolve: vec![("ai.example:80".to_owned(), listener.local_addr().unwrap().to_string())],
        ..Options::default()
    };
    let gate = crate::support::gate(&service, options).await;
    let mut socket = dial(&gate).await;
    socket
        .write_all(b"POST http://ai.example/p HTTP/1.1\r\nhOsT: ai.example\r\nX-OddCase: 1\r\nAuThorization: k\r\ncontent-length: 2\r\n\r\nhi")
        .await
        .unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let head = read_head(&mut far).await;
    assert!(head.starts_with("POST /p HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("X-OddCase: 1\r\n") && head.contains("AuThorization: k\r\n"), "{head}");
    let mut body = [0; 2];
    far.read_exact(&mut body).await.unwrap();
    assert_eq!(&body, b"hi");
}

#[tokio::test]
async fn plain_http_in_absolute_form_and_in_a_tunnel() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http1_on(dial(&gate).await).await;
    let request =
        Request::post("http://ai.example/a?b=c").header("host", AI).body(Full::new(Bytes::from("12"))).unwrap();
    assert_eq!(got(client.send_request(request).await.unwrap()).await.text, "POST /a?b=c 2");

    let mut client = http1_on(tunnel(&gate, "ai.example:80").await).await;
    assert_eq!(got(client.send_request(post(AI, "/b", "123")).await.unwrap()).await.text, "POST /b 3");
    assert_eq!(gate.received(), ["POST ai.example:80 /a?b=c -", "POST ai.example:80 /b -"]);

    // Another host passes unopened, and is noted.
    let mut client = http1_on(dial(&gate).await).await;
    let request =
        Request::post("http://bank.example/c").header("host", OTHER).body(Full::new(Bytes::from("1"))).unwrap();
    assert_eq!(got(client.send_request(request).await.unwrap()).await.text, "POST /c 1");
    assert_eq!(gate.received().len(), 2);
    gate.noted(|n| matches!(n, Note::Passed { .. })).await;

    // An AI service's Host behind another address is no way round.
    let request = Request::post("http://bank.example/c").header("host", AI).body(Full::new(Bytes::new())).unwrap();
    let mut client = http1_on(dial(&gate).await).await;
    assert_eq!(client.send_request(request).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn authority_sni_and_host_must_agree() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    // Host differs.
    let mut client = http1_to(&gate, AI).await;
    let got1 = got(client.send_request(post("sub.ai.example", "/", "x")).await.unwrap()).await;
    assert_eq!(got1.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(got1.text.contains("misdirected"), "{}", got1.text);
    // The same connection still serves what it was made for.
    assert_eq!(got(client.send_request(post("AI.example.:443", "/", "x")).await.unwrap()).await.status, StatusCode::OK);
    let mut client = http2_to(&gate, AI).await;
    let response = client.send_request(post_h2("sub.ai.example", "/", "x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    // SNI differs, both ways round.
    for (authority, sni, host) in [("ai.example:443", "sub.ai.example", "ai.example"), ("bank.example:443", AI, AI)] {
        let socket = tunnel(&gate, authority).await;
        let stream = tls_in(&gate, socket, sni, &[b"http/1.1"]).await.unwrap();
        let mut client = http1_on(stream).await;
        let response = client.send_request(post(host, "/", "x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{authority} {sni}");
    }
    assert!(gate.troubles.lock().unwrap().iter().all(|t| matches!(t, Trouble::Misdirected { .. })));
    assert_eq!(service.seen().len(), 1);
    // No Host, two Hosts, user info.
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: ai.example\r\nHost: ai.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@ai.example\r\n\r\n",
    ] {
        let mut socket = tunnel(&gate, "ai.example:80").await;
        socket.write_all(head.as_bytes()).await.unwrap();
        assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 400"), "{head}");
    }
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn upgrades_trace_and_contradictions_are_turned_away() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    for (head, status, word) in [
        (
            "GET /s HTTP/1.1\r\nHost: ai.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
            "400",
            "upgrade",
        ),
        ("TRACE / HTTP/1.1\r\nHost: ai.example\r\n\r\n", "405", "method"),
        ("CONNECT ai.example:443 HTTP/1.1\r\nHost: ai.example\r\n\r\n", "405", "method"),
        (
            "POST / HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
            "head.framing",
        ),
        (
            "POST / HTTP/1.1\r\nHost: ai.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "400",
            "head.framing",
        ),
    ] {
        let mut socket = tunnel(&gate, "ai.example:80").await;
        socket.write_all(head.as_bytes()).await.unwrap();
        let answer = read_head(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{head} {answer}");
        let told = gate.troubles.lock().unwrap().pop().unwrap();
        assert_eq!((told.name(), told.status().as_str()), (word, status));
    }
    // What hyper would answer by a bare status is turned away by the house too.
    for head in [
        "POST / HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: ai.example\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: ai.example\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost : ai.example\r\n\r\n",
    ] {
        let mut socket = tunnel(&gate, "ai.example:80").await;
        socket.write_all(head.as_bytes()).await.unwrap();
        let answer = read_head(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head} {answer}");
    }
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn request_trailers_are_dropped_and_answer_trailers_pass() {
    let answer: service::Answer = Arc::new(|_| {
        Box::pin(async {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            let frames: Vec<Result<Frame<Bytes>, BoxError>> =
                vec![Ok(Frame::data(Bytes::from("x"))), Ok(Frame::trailers(trailers))];
            Response::new(streamed(StreamBody::new(futures_util::stream::iter(frames))))
        })
    });
    let service = service::start(answer).await;
    let gate = gate(&service, Options::default()).await;
    let mut client = http2_to(&gate, AI).await;
    let got = got(client.send_request(post_h2(AI, "/", "x")).await.unwrap()).await;
    assert_eq!(got.trailers.unwrap()["grpc-status"], "0");

    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket
        .write_all(b"POST / HTTP/1.1\r\nHost: ai.example\r\nTrailer: x-name\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-name: secret\r\n\r\n")
        .await
        .unwrap();
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 200"));
    let last = service.seen().pop().unwrap();
    assert!(last.trailers.is_none() && !last.headers.contains_key("trailer"));
    assert_eq!(&last.body[..], b"hi");
}

/// Without TCP_NODELAY small events wait for the delayed acknowledgement, 40 ms each.
#[tokio::test]
async fn events_are_not_delayed() {
    for http2 in [false, true] {
        let service = service::events(20, Duration::from_millis(10)).await;
        let gate = gate(&service, Options::default()).await;
        let response = if http2 {
            http2_to(&gate, AI).await.send_request(post_h2(AI, "/", "x")).await.unwrap()
        } else {
            http1_to(&gate, AI).await.send_request(post(AI, "/", "x")).await.unwrap()
        };
        let mut body = response.into_body();
        let mut arrivals = Vec::new();
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            arrivals.push(Instant::now());
        }
        assert!(arrivals.len() >= 18, "events were merged: {}", arrivals.len());
        let mut gaps: Vec<Duration> = arrivals.windows(2).map(|w| w[1] - w[0]).collect();
        gaps.sort();
        let median = gaps[gaps.len() / 2];
        assert!(median < Duration::from_millis(30), "median gap {median:?}, http2 {http2}");
    }
}

#[tokio::test]
async fn packed_answers_come_plain() {
    let answer: service::Answer = Arc::new(|seen: Seen| {
        Box::pin(async move {
            use async_compression::tokio::write::GzipEncoder;
            let mut packed = GzipEncoder::new(Vec::new());
            packed.write_all("[患者:7K3Q2F9M]".repeat(100).as_bytes()).await.unwrap();
            packed.shutdown().await.unwrap();
            let mut response = Response::new(whole(packed.into_inner()));
            let offered = seen.headers["accept-encoding"].clone();
            response.headers_mut().insert("x-offered", offered);
            response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
            response
        })
    });
    let service = service::start(answer).await;
    let gate = gate(&service, Options::default()).await;
    for http2 in [false, true] {
        let response = if http2 {
            let mut request = post_h2(AI, "/", "x");
            request.headers_mut().insert("accept-encoding", "gzip, br, dcb".parse().unwrap());
            http2_to(&gate, AI).await.send_request(request).await.unwrap()
        } else {
            let mut request = post(AI, "/", "x");
            request.headers_mut().insert("accept-encoding", "gzip, br, dcb".parse().unwrap());
            http1_to(&gate, AI).await.send_request(request).await.unwrap()
        };
        let got = got(response).await;
        assert_eq!(got.text, "[患者:7K3Q2F9M]".repeat(100));
        assert!(!got.headers.contains_key("content-encoding"));
        assert_eq!(got.headers["x-offered"], "gzip, br");
    }
}

#[tokio::test]
async fn an_upstream_that_cuts_is_an_error_to_the_client_too() {
    let answer: service::Answer = Arc::new(|_| {
        Box::pin(async {
            let (send, receive) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, BoxError>>(1);
            service::run(async move {
                send.send(Ok(Frame::data(Bytes::from("half")))).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
                send.send(Err("planted".into())).await.unwrap();
            });
            Response::new(streamed(StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(receive))))
        })
    });
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let service = service::start_with(Arc::clone(&answer), &["ai.example"], &[alpn]).await;
        let gate = gate(&service, Options::default()).await;
        let one = got(http1_to(&gate, AI).await.send_request(post(AI, "/", "x")).await.unwrap()).await;
        assert!(one.failed && one.text == "half", "a cut never looks like an end: {} {}", one.status, one.text);
        let two = got(http2_to(&gate, AI).await.send_request(post_h2(AI, "/", "x")).await.unwrap()).await;
        assert!(two.failed && two.text == "half", "a cut never looks like an end: {} {}", two.status, two.text);
    }
}

#[tokio::test]
async fn other_hosts_are_tunnelled_untouched_and_counted() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let socket = tunnel(&gate, "bank.example:443").await;
    // The service's own certificate comes through: nothing was opened.
    let connector = trust(&service.root, &[b"http/1.1"]);
    let stream = connector.connect(OTHER.try_into().unwrap(), socket).await.unwrap();
    let mut client = http1_on(stream).await;
    assert_eq!(got(client.send_request(post(OTHER, "/x", "1")).await.unwrap()).await.text, "POST /x 1");
    drop(client);
    let Note::Tunnelled { sni, .. } = gate.noted(|n| matches!(n, Note::Tunnelled { .. })).await else { unreachable!() };
    assert_eq!(sni.as_deref(), Some(OTHER));
    let Note::TunnelEnded { up, down, idle, .. } = gate.noted(|n| matches!(n, Note::TunnelEnded { .. })).await else {
        unreachable!()
    };
    assert!(up > 300 && down > 500 && !idle, "{up} {down}");
    assert!(gate.received().is_empty());
}

#[tokio::test]
async fn refused_at_connect() {
    let service = service::echo().await;
    let gate = gate(&service, Options { password: true, ..Options::default() }).await;
    let (_, head) = connect_head(&gate, "ai.example:443", "").await;
    assert!(head.starts_with("HTTP/1.1 407") && head.contains("proxy-authenticate: Basic realm="), "{head}");
    let user = "Proxy-Authorization: Basic dTpw\r\n";
    let (socket, head) = connect_head(&gate, "ai.example:443", user).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let mut client = http1_on(tls_in(&gate, socket, AI, &[b"http/1.1"]).await.unwrap()).await;
    assert_eq!(client.send_request(post(AI, "/", "x")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(gate.received(), ["POST ai.example:443 / Basic dTpw"], "the tunnel's user stands at each request");
    for (authority, status) in [
        ("denied.example:443", "403"),
        ("bank.example:22", "403"),
        ("127.0.0.1:443", "403"),
        ("localhost:443", "403"),
        ("[::1]:443", "403"),
        ("169.254.169.254:80", "403"),
        ("bank.example", "400"),
        ("a b:443", "400"),
    ] {
        let (_, head) = connect_head(&gate, authority, user).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{authority} {head}");
    }
    assert!(!gate.notes().iter().any(|n| matches!(n, Note::Tunnelled { .. })));
}

#[tokio::test]
async fn the_gate_does_not_dial_itself() {
    let service = service::echo().await;
    let gate = gate(&service, Options { private: vec!["127.0.0.0/8"], ..Options::default() }).await;
    let mut socket = dial(&gate).await;
    let own = gate.at;
    socket.write_all(format!("GET http://{own}/ HTTP/1.1\r\nHost: {own}\r\n\r\n").as_bytes()).await.unwrap();
    let head = read_head(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 508"), "{head}");
}

#[tokio::test]
async fn the_proxy_protocol_inside_tls() {
    let service = service::echo().await;
    let gate = gate(&service, Options { tls: true, ..Options::default() }).await;
    let socket = tokio::net::TcpStream::connect(gate.tls_at.unwrap()).await.unwrap();
    let mut outer = tls_in(&gate, socket, "localhost", &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(outer.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    outer.write_all(b"CONNECT ai.example:443 HTTP/1.1\r\nHost: ai.example:443\r\n\r\n").await.unwrap();
    assert!(read_head(&mut outer).await.starts_with("HTTP/1.1 200"));
    let inner = tls_in(&gate, outer, AI, &[b"http/1.1"]).await.unwrap();
    let mut client = http1_on(inner).await;
    assert_eq!(got(client.send_request(post(AI, "/x", "1")).await.unwrap()).await.text, "POST /x 1");
}

#[tokio::test]
async fn a_panic_in_the_house_is_a_clear_answer() {
    let service = service::echo().await;
    let answer = Arc::new(|_: &tsuitate::accept::Received| -> Option<Response<tsuitate::accept::AnswerBody>> {
        panic!("planted")
    });
    let gate = gate(&service, Options { answer: Some(answer), ..Options::default() }).await;
    let mut client = http1_to(&gate, AI).await;
    let response = got(client.send_request(post(AI, "/", "x")).await.unwrap()).await;
    assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers["x-should-retry"], "false");
    assert!(response.text.contains("tsuitate_failed"));
    assert_eq!(gate.tasks.panics(), 1);
    assert!(service.seen().is_empty());
}

/// Sent again only when no byte of it had left.
#[tokio::test]
async fn a_request_is_never_sent_twice() {
    let service = service::echo().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let gate = gate(&service, Options { resolve: vec![("ai.example:80".to_owned(), at)], ..Options::default() }).await;
    let ask = async |n: u32| {
        let mut socket = dial(&gate).await;
        let head = format!("POST http://ai.example/{n} HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 2\r\n\r\nhi");
        socket.write_all(head.as_bytes()).await.unwrap();
        read_head(&mut socket).await
    };
    let read = async |socket: &mut tokio::net::TcpStream| {
        let head = read_head(socket).await;
        socket.read_exact(&mut [0; 2]).await.unwrap();
        head
    };
    // The service closes a kept connection between two requests: the second goes over a new one.
    let far = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(read(&mut socket).await.starts_with("POST /1 "));
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        drop(socket);
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(read(&mut socket).await.starts_with("POST /2 "));
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
    };
    let near = async {
        assert!(ask(1).await.starts_with("HTTP/1.1 200"));
        assert!(ask(2).await.starts_with("HTTP/1.1 200"));
    };
    tokio::join!(far, near);
    // It closes after it has read the request: nobody knows what it did with it, so it is not asked again.
    let far = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(read(&mut socket).await.starts_with("POST /3 "));
        drop(socket);
        let again = tokio::time::timeout(Duration::from_millis(400), listener.accept()).await;
        assert!(again.is_err(), "sent twice");
    };
    let near = async { assert!(ask(3).await.starts_with("HTTP/1.1 502")) };
    tokio::join!(far, near);
}

/// A hospital's own proxy stands before the gate: services, tunnels and plain requests all go through it.
#[tokio::test]
async fn through_a_parent_proxy() {
    let service = service::echo().await;
    let (tls_at, plain_at) = (service.tls_at, service.plain_at);
    let parent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = parent.local_addr().unwrap();
    let asked: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    service::run(async move {
        while let Ok((mut near, _)) = parent.accept().await {
            let heard = Arc::clone(&heard);
            service::run(async move {
                let head = read_head(&mut near).await;
                heard.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
                let connect = head.starts_with("CONNECT ");
                let mut far = tokio::net::TcpStream::connect(if connect { tls_at } else { plain_at }).await.unwrap();
                if connect {
                    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                } else {
                    far.write_all(head.replace("http://bank.example", "").as_bytes()).await.unwrap();
                }
                drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
            });
        }
    });
    let gate = gate(&service, Options { parent: Some(format!("http://{at}")), ..Options::default() }).await;
    let mut client = http1_to(&gate, AI).await;
    assert_eq!(got(client.send_request(post(AI, "/a", "1")).await.unwrap()).await.text, "POST /a 1");
    let socket = tunnel(&gate, "bank.example:443").await;
    let stream = trust(&service.root, &[b"http/1.1"]).connect(OTHER.try_into().unwrap(), socket).await.unwrap();
    let mut client = http1_on(stream).await;
    assert_eq!(got(client.send_request(post(OTHER, "/b", "1")).await.unwrap()).await.text, "POST /b 1");
    let mut client = http1_on(dial(&gate).await).await;
    let request =
        Request::post("http://bank.example/c").header("host", OTHER).body(Full::new(Bytes::from("1"))).unwrap();
    assert_eq!(got(client.send_request(request).await.unwrap()).await.text, "POST /c 1");
    assert_eq!(
        *asked.lock().unwrap(),
        ["CONNECT ai.example:443 HTTP/1.1", "CONNECT bank.example:443 HTTP/1.1", "POST http://bank.example/c HTTP/1.1"]
    );
    // The parent is no way to what is private.
    let (_, head) = connect_head(&gate, "10.0.0.1:443", "").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
}
