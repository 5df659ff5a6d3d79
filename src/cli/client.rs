//! A client as staff have one: CONNECT to the gate, TLS with the gate's CA as the only root, HTTP/1 or 2.
//! For the demonstration and the tests. Must not know: the gate's insides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::wire::task::Tasks;
use crate::wire::tls::provider;

/// An answer, whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Ask a host through a gate. `account`: name and password of the proxy.
///
/// # Errors
/// When no connection, no trust or no answer can be had; a refusal is an answer.
pub async fn ask(
    gate: SocketAddr,
    root_pem: &str,
    account: Option<(&str, &str)>,
    host: &str,
    path: &str,
    body: String,
) -> anyhow::Result<Reply> {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("authorization", "Bearer demo")
        .body(Bytes::from(body))?;
    Line::open(TcpStream::connect(gate).await?, root_pem, account, host, false).await?.send(request).await
}

/// CONNECT and TLS: what a browser has before its first request. `socket` leads to the gate.
///
/// # Errors
/// No tunnel (the gate's status line is in the error), no trust.
pub async fn tunnel(
    mut socket: TcpStream,
    root_pem: &str,
    account: Option<(&str, &str)>,
    host: &str,
    protocol: &[u8],
) -> anyhow::Result<TlsStream<TcpStream>> {
    socket.set_nodelay(true)?;
    let authorization = account.map_or_else(String::new, |(name, password)| {
        let value = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        format!("Proxy-Authorization: Basic {value}\r\n")
    });
    socket
        .write_all(format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{authorization}\r\n").as_bytes())
        .await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if socket.read(&mut byte).await? == 0 || head.len() > 8192 {
            bail!("the gate closed the tunnel");
        }
        head.extend_from_slice(&byte);
    }
    if !head.starts_with(b"HTTP/1.1 200") {
        bail!("no tunnel: {}", String::from_utf8_lossy(&head).lines().next().unwrap_or_default());
    }
    tls(socket, root_pem, host, protocol).await
}

/// TLS with this root alone.
async fn tls(socket: TcpStream, root_pem: &str, host: &str, protocol: &[u8]) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(root_pem.as_bytes()) {
        roots.add(certificate.map_err(|error| anyhow::anyhow!("{error}"))?)?;
    }
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from(host.to_owned())?;
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.context("TLS with the gate")
}

/// A connection to a service without a gate between, for comparing. `socket` leads to the service.
///
/// # Errors
/// No trust, no HTTP.
pub async fn direct_tls(socket: TcpStream, root_pem: &str, host: &str, http2: bool) -> anyhow::Result<Line> {
    socket.set_nodelay(true)?;
    let protocol: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
    Line::over(tls(socket, root_pem, host, protocol).await?, host, http2).await
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// A connection to a host through a gate, for several requests. It ends when it is dropped.
pub struct Line {
    sender: Sender,
    host: String,
    running: Arc<Running>,
}

struct Running(Tasks);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end_now();
    }
}

impl Line {
    /// Over a socket to the gate.
    ///
    /// # Errors
    /// No tunnel, no trust, no HTTP.
    pub async fn open(
        socket: TcpStream,
        root_pem: &str,
        account: Option<(&str, &str)>,
        host: &str,
        http2: bool,
    ) -> anyhow::Result<Self> {
        let protocol: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
        Self::over(tunnel(socket, root_pem, account, host, protocol).await?, host, http2).await
    }

    async fn over(stream: TlsStream<TcpStream>, host: &str, http2: bool) -> anyhow::Result<Self> {
        let io = TokioIo::new(stream);
        let tasks = Tasks::new();
        // How a connection ended is told by its answers.
        let sender = if http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tasks.spawn("client", async move {
                let _ended = connection.await;
            });
            Sender::Two(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await?;
            tasks.spawn("client", async move {
                let _ended = connection.await;
            });
            Sender::One(sender)
        };
        Ok(Self { sender, host: host.to_owned(), running: Arc::new(Running(tasks)) })
    }

    /// Another stream of the same connection; HTTP/1 has but one.
    #[must_use]
    pub fn beside(&self) -> Option<Self> {
        match &self.sender {
            Sender::One(_) => None,
            Sender::Two(sender) => Some(Self {
                sender: Sender::Two(sender.clone()),
                host: self.host.clone(),
                running: Arc::clone(&self.running),
            }),
        }
    }

    /// One request; its path alone stands in `request`'s URI.
    ///
    /// # Errors
    /// When the connection broke, or the answer did before its end.
    pub async fn send(&mut self, request: Request<Bytes>) -> anyhow::Result<Reply> {
        let (parts, body) = self.begin(request).await?.into_parts();
        #[expect(clippy::disallowed_methods, reason = "limited right here")]
        let body = Limited::new(body, 64 << 20).collect().await.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        Ok(Reply { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec())? })
    }

    /// One request; when each frame of its answer arrived.
    ///
    /// # Errors
    /// When the connection broke, or the answer did before its end.
    pub async fn arrivals(&mut self, request: Request<Bytes>) -> anyhow::Result<Vec<Instant>> {
        let mut body = self.begin(request).await?.into_body();
        let mut arrivals = Vec::new();
        while let Some(frame) = body.frame().await {
            frame?;
            arrivals.push(Instant::now());
        }
        Ok(arrivals)
    }

    async fn begin(&mut self, request: Request<Bytes>) -> anyhow::Result<Response<Incoming>> {
        let (mut parts, body) = request.into_parts();
        let body = Full::new(body);
        Ok(match &mut self.sender {
            Sender::One(sender) => {
                parts.headers.insert("host", self.host.parse()?);
                sender.ready().await?;
                sender.send_request(Request::from_parts(parts, body)).await?
            }
            Sender::Two(sender) => {
                parts.uri = format!("https://{}{}", self.host, parts.uri).parse()?;
                parts.version = http::Version::HTTP_2;
                sender.ready().await?;
                sender.send_request(Request::from_parts(parts, body)).await?
            }
        })
    }
}
