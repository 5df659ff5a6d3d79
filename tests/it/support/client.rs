//! Clients: bare sockets that write exactly the bytes of a test, and HTTP/1 and 2 inside a tunnel.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Gate;
use super::service::run;

pub type Body = Full<Bytes>;

/// A bare socket to the gate.
pub async fn dial(gate: &Gate) -> TcpStream {
    let socket = TcpStream::connect(gate.at).await.unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// CONNECT; the head of the answer comes back as text.
pub async fn connect_head(gate: &Gate, authority: &str, extra: &str) -> (TcpStream, String) {
    let mut socket = dial(gate).await;
    let head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{extra}\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let head = read_head(&mut socket).await;
    (socket, head)
}

/// CONNECT that must succeed.
pub async fn tunnel(gate: &Gate, authority: &str) -> TcpStream {
    let (socket, head) = connect_head(gate, authority, "").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    socket
}

/// Reads up to and with the empty line.
pub async fn read_head<IO: AsyncRead + Unpin>(io: &mut IO) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut one = [0];
        match tokio::time::timeout(Duration::from_secs(10), io.read(&mut one)).await.expect("no answer in time") {
            Ok(1) => head.push(one[0]),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads until the other end closes.
pub async fn read_all<IO: AsyncRead + Unpin>(io: &mut IO) -> Vec<u8> {
    let mut all = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), io.read_to_end(&mut all)).await;
    // A reset is an end too.
    drop(read.expect("the connection stayed open"));
    all
}

pub fn trust(root: &rustls_pki_types::CertificateDer<'static>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(tsuitate::wire::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// TLS inside a tunnel, trusting the house's root.
pub async fn tls_in<IO: AsyncRead + AsyncWrite + Unpin>(
    gate: &Gate,
    io: IO,
    sni: &str,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<IO>> {
    trust(&gate.root, alpn).connect(ServerName::try_from(sni.to_owned()).unwrap(), io).await
}

/// An HTTP/1 client inside TLS inside a tunnel.
pub async fn http1_to(gate: &Gate, host: &str) -> http1::SendRequest<Body> {
    let socket = tunnel(gate, &format!("{host}:443")).await;
    let stream = tls_in(gate, socket, host, &[b"http/1.1"]).await.unwrap();
    http1_on(stream).await
}

pub async fn http1_on<IO: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: IO) -> http1::SendRequest<Body> {
    let (sender, connection) =
        http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(io)).await.unwrap();
    run(async move { drop(connection.await) });
    sender
}

/// An HTTP/2 client inside TLS inside a tunnel.
pub async fn http2_to(gate: &Gate, host: &str) -> http2::SendRequest<Body> {
    let socket = tunnel(gate, &format!("{host}:443")).await;
    let stream = tls_in(gate, socket, host, &[b"h2"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    run(async move { drop(connection.await) });
    sender
}

pub fn post(host: &str, path: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(path).header("host", host).body(Full::new(body.into())).unwrap()
}

pub fn post_h2(host: &str, path: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(format!("https://{host}{path}")).body(Full::new(body.into())).unwrap()
}

/// Status, headers, whole text, trailers.
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub trailers: Option<HeaderMap>,
    pub failed: bool,
}

pub async fn got(response: Response<Incoming>) -> Got {
    let (parts, mut body) = response.into_parts();
    let (mut all, mut trailers, mut failed) = (Vec::new(), None, false);
    while let Some(frame) = tokio::time::timeout(Duration::from_secs(20), body.frame()).await.expect("the answer hangs")
    {
        match frame {
            Err(_) => {
                failed = true;
                break;
            }
            Ok(frame) => match frame.into_data() {
                Ok(data) => all.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
        }
    }
    let text = String::from_utf8(all).unwrap();
    Got { status: parts.status, headers: parts.headers, text, trailers, failed }
}
