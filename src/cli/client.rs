//! A client as staff have one: CONNECT to the gate, TLS with the gate's CA as the only root, one request.
//! For the demonstration and the tests. Must not know: the gate's insides.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

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
    let mut socket = TcpStream::connect(gate).await?;
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
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(root_pem.as_bytes()) {
        roots.add(certificate.map_err(|error| anyhow::anyhow!("{error}"))?)?;
    }
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.context("TLS with the gate")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let tasks = Tasks::new();
    tasks.spawn("client", async move {
        // The answer says how it went.
        let _ended = connection.await;
    });
    let request = Request::post(path)
        .header("host", host)
        .header("content-type", "application/json")
        .header("authorization", "Bearer demo")
        .body(Full::new(Bytes::from(body)))?;
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    #[expect(clippy::disallowed_methods, reason = "limited right here")]
    let body = Limited::new(body, 64 << 20).collect().await.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    Ok(Reply { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec())? })
}
