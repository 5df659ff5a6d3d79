//! What a tunnel speaks is told the same at every split of its first bytes, and what cannot be told is refused.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tsuitate::accept::{Note, Unreadable};
use tsuitate::wire::limits::Limits;
use tsuitate::wire::units::{Size, Time};

use crate::support::client::*;
use crate::support::service;
use crate::support::{AI, Options, gate};

/// Sends the first write in two parts.
struct Split<IO> {
    io: IO,
    at: usize,
    sent: usize,
    pause: Option<std::pin::Pin<Box<tokio::time::Sleep>>>,
}

impl<IO: tokio::io::AsyncRead + Unpin> tokio::io::AsyncRead for Split<IO> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: tokio::io::AsyncWrite + Unpin> tokio::io::AsyncWrite for Split<IO> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        use std::future::Future;
        use std::task::Poll;
        let this = &mut *self;
        if this.sent == this.at
            && let Some(pause) = this.pause.as_mut()
        {
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.pause = None;
        }
        let most = if this.sent < this.at { buf.len().min(this.at - this.sent) } else { buf.len() };
        let wrote = std::pin::Pin::new(&mut this.io).poll_write(cx, &buf[..most]);
        if let Poll::Ready(Ok(n)) = &wrote {
            this.sent += n;
            if this.sent == this.at {
                this.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(8))));
            }
        }
        wrote
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_client_hello_cut_anywhere() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    // A hello of rustls has about 250 bytes; beyond it nothing is cut, which is a case too.
    let splits: Vec<usize> = (1..300).collect();
    for group in splits.chunks(50) {
        let all = group.iter().map(|at| {
            let gate = &gate;
            async move {
                let socket = tunnel(gate, "ai.example:443").await;
                let split = Split { io: socket, at: *at, sent: 0, pause: None };
                let stream = tls_in(gate, split, AI, &[b"http/1.1"]).await.unwrap();
                let mut client = http1_on(stream).await;
                let text = got(client.send_request(post(AI, "/", "x")).await.unwrap()).await.text;
                assert_eq!(text, "POST / 1", "split at {at}");
            }
        });
        futures_util::future::join_all(all).await;
    }
    assert_eq!(gate.received().len(), 299);
}

#[tokio::test]
async fn a_post_inside_connect_byte_by_byte_and_at_every_split() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let request = b"POST /p HTTP/1.1\r\nHost: ai.example\r\nContent-Length: 2\r\n\r\nhi";
    let all = (1..=request.len()).map(|at| {
        let gate = &gate;
        async move {
            let mut socket = tunnel(gate, "ai.example:80").await;
            if at == request.len() {
                for byte in request {
                    socket.write_all(&[*byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            } else {
                socket.write_all(&request[..at]).await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
                socket.write_all(&request[at..]).await.unwrap();
            }
            assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 200"), "split at {at}");
        }
    });
    futures_util::future::join_all(all).await;
    assert_eq!(gate.received().len(), request.len(), "each was seen by the house");
}

#[tokio::test]
async fn the_http2_preface_without_tls_is_opened_at_every_split() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    for at in 1..30 {
        let socket = tunnel(&gate, "ai.example:80").await;
        let split = Split { io: socket, at, sent: 0, pause: None };
        let (mut sender, connection) = hyper::client::conn::http2::handshake(
            hyper_util::rt::TokioExecutor::new(),
            hyper_util::rt::TokioIo::new(split),
        )
        .await
        .unwrap();
        service::run(async move { drop(connection.await) });
        let request = http::Request::post("http://ai.example/p").body(Body::from("hi")).unwrap();
        assert_eq!(got(sender.send_request(request).await.unwrap()).await.text, "POST /p 2", "split at {at}");
    }
    assert_eq!(gate.received().len(), 29);
}

#[tokio::test]
async fn what_is_neither_tls_nor_http_is_refused_for_ai_and_passes_for_others() {
    // Another host that speaks first and echoes.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    service::run(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            service::run(async move {
                socket.write_all(b"220 hello\r\n").await.unwrap();
                let mut buffer = [0; 64];
                while let Ok(n @ 1..) = socket.read(&mut buffer).await {
                    socket.write_all(&buffer[..n]).await.unwrap();
                }
            });
        }
    });
    let service = service::echo().await;
    let limits = Limits { sniff_time: Time::millis(100), handshake_time: Time::millis(400), ..Limits::default() };
    let options = Options { limits, resolve: vec![("mail.example".to_owned(), at)], ..Options::default() };
    let gate = gate(&service, options).await;
    for garbage in [
        &b"SSH-2.0-x\r\n"[..],
        b"\x00",
        b"\x16\x03\x01\x00\x02\x01\x00",
        b"\x16\x09\x09",
        b"GET /\r\n",
        b"\x17\x03\x03\x00\x01x",
    ] {
        let mut socket = tunnel(&gate, "ai.example:443").await;
        socket.write_all(garbage).await.unwrap();
        assert!(read_all(&mut socket).await.len() <= 7, "at most an alert");
        gate.noted(|n| matches!(n, Note::Unreadable { why: Unreadable::Protocol | Unreadable::Unfinished { .. }, .. }))
            .await;
        gate.notes.lock().unwrap().clear();

        let mut socket = tunnel(&gate, "mail.example:443").await;
        socket.write_all(garbage).await.unwrap();
        let whole = [b"220 hello\r\n", garbage].concat();
        let mut back = vec![0; whole.len()];
        tokio::time::timeout(Duration::from_secs(5), socket.read_exact(&mut back)).await.expect("passes").unwrap();
        assert_eq!(back, whole, "what was looked at is not lost");
        gate.notes.lock().unwrap().clear();
    }
    // Silence.
    let mut socket = tunnel(&gate, "ai.example:443").await;
    assert!(read_all(&mut socket).await.is_empty());
    gate.noted(|n| matches!(n, Note::Unreadable { why: Unreadable::Silent(_), .. })).await;
    let mut socket = tunnel(&gate, "mail.example:443").await;
    let mut banner = [0; 11];
    tokio::time::timeout(Duration::from_secs(5), socket.read_exact(&mut banner)).await.expect("passes").unwrap();
    assert_eq!(&banner, b"220 hello\r\n");
    assert!(gate.received().is_empty() && service.seen().is_empty());
}

#[tokio::test]
async fn half_a_message_is_never_decided_on() {
    let service = service::echo().await;
    let limits = Limits { handshake_time: Time::millis(300), sniff_bytes: Size::kib(8), ..Limits::default() };
    let gate = gate(&service, Options { limits, ..Options::default() }).await;
    // Half a hello, then silence.
    let mut socket = tunnel(&gate, "ai.example:443").await;
    socket.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
    assert!(read_all(&mut socket).await.is_empty());
    gate.noted(|n| matches!(n, Note::Unreadable { why: Unreadable::Unfinished { .. }, .. })).await;
    // A request line without end.
    let mut socket = tunnel(&gate, "ai.example:80").await;
    socket.write_all(b"GET /").await.unwrap();
    socket.write_all(&vec![b'a'; 20 << 10]).await.unwrap();
    assert!(read_all(&mut socket).await.is_empty());
    // A plain head to another host that names no Host within the limit is not guessed at.
    let mut socket = tunnel(&gate, "bank.example:80").await;
    socket.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    socket.write_all(&vec![b'a'; 20 << 10]).await.unwrap();
    assert!(read_all(&mut socket).await.is_empty());
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn a_host_header_of_an_ai_service_opens_the_tunnel() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let mut socket = tunnel(&gate, "bank.example:80").await;
    socket.write_all(b"POST / HTTP/1.1\r\nX: 1\r\nHo").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    socket.write_all(b"st: ai.example\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 421"));
    assert!(service.seen().is_empty());
    // An honest plain request to the other host passes.
    let mut client = http1_on(tunnel(&gate, "bank.example:80").await).await;
    assert_eq!(got(client.send_request(post("bank.example", "/", "1")).await.unwrap()).await.text, "POST / 1");
    assert!(gate.received().is_empty());
}
