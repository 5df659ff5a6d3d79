//! The proxy protocol on the gate's port: CONNECT, requests in absolute form, the gate's own pages in origin form.
//! A tunnel is accepted first and sniffed then, so that a refusal can be said inside it.
//! Must not know: what the house thinks of a host, beyond its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;

use super::count::{Count, Counted};
use super::framing::{Followed, Watch};
use super::opened::{self, Way};
use super::serve::{Gate, Origin};
use super::sniff::{Patience, Seen, Sniffed, head_hosts, means_http, sniff};
use super::{BadHead, ConnectRequest, Denied, HostPort, Note, Secret, Tunnel, Unreadable, plain};
use crate::wire::body::{AnswerBody, whole};
use crate::wire::dial::DialError;
use crate::wire::host::normal_host;
use crate::wire::prefixed::Prefixed;

/// Any two-way socket.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// Serves one client connection on the gate's port.
pub(super) async fn serve_client<IO>(gate: Arc<Gate>, origin: Origin, io: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let client = origin.client;
    let watch = Watch::default();
    let io = TokioIo::new(Followed::new(io, &gate.settings.limits, watch.clone()));
    let (here, flag) = (Arc::clone(&gate), watch.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        // Read while hyper hands this request on, so that it is of this one.
        let bad = flag.bad_head();
        let (gate, origin) = (Arc::clone(&here), origin.clone());
        async move {
            if let Some(bad) = bad {
                return Ok(refuse_head(gate, origin, request, bad).await);
            }
            let connect = request.method() == Method::CONNECT;
            let mut response = ask::<IO>(gate, origin, request).await;
            // The follower stops at CONNECT; a connection whose CONNECT was refused is not used further.
            if connect && response.status() != StatusCode::OK {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = opened::http1(&gate.settings.limits).serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = gate.tasks.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    opened::note_end(&gate, client, done, watch.in_head());
}

/// A head that goes no further: in the service's shape and recorded where it asks for an AI service, else one line.
async fn refuse_head(
    gate: Arc<Gate>,
    origin: Origin,
    request: Request<Incoming>,
    bad: BadHead,
) -> Response<AnswerBody> {
    let scheme = if request.uri().scheme_str() == Some("http") { "http" } else { "https" };
    let target = request.uri().authority().and_then(|a| HostPort::parse(a.as_str(), default_port(scheme)));
    match target {
        Some(target) if (gate.house.opens)(&target.host, target.port) => {
            let way = Way { origin, authorization: None, scheme, made_for: target, sni: None };
            opened::answer(gate, Arc::new(way), request, Some(bad)).await
        }
        _ => {
            gate.note(Note::Dropped { client: origin.client, why: bad.dropped() });
            say(bad.status(), &bad.to_string())
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    Some(if scheme == "http" { 80 } else { 443 })
}

async fn ask<IO>(gate: Arc<Gate>, origin: Origin, request: Request<Incoming>) -> Response<AnswerBody>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if request.method() == Method::CONNECT {
        return connect::<IO>(gate, origin, request).await;
    }
    match request.uri().scheme_str() {
        Some("http") => absolute(gate, origin, request, "http").await,
        Some("https") => absolute(gate, origin, request, "https").await,
        Some(_) => say(StatusCode::BAD_REQUEST, "only http and https are spoken here"),
        None => {
            let (parts, _) = request.into_parts();
            let asked = gate.tasks.guard("own page", async { (gate.house.own)(parts, origin.client).await }).await;
            asked.unwrap_or_else(|| say(StatusCode::INTERNAL_SERVER_ERROR, "the page failed"))
        }
    }
}

fn authorization(request: &Request<Incoming>) -> Option<Secret> {
    let value = request.headers().get(header::PROXY_AUTHORIZATION)?;
    value.to_str().ok().map(|text| Secret(text.to_owned()))
}

async fn ask_tunnel(gate: &Gate, ask: ConnectRequest) -> Tunnel {
    let failed =
        || Tunnel::Deny { status: StatusCode::INTERNAL_SERVER_ERROR, reason: "the gate failed inside".to_owned() };
    gate.tasks.guard("tunnel", async { (gate.house.tunnel)(ask).await }).await.unwrap_or_else(failed)
}

async fn absolute(
    gate: Arc<Gate>,
    origin: Origin,
    request: Request<Incoming>,
    scheme: &'static str,
) -> Response<AnswerBody> {
    let target = request.uri().authority().and_then(|a| HostPort::parse(a.as_str(), default_port(scheme)));
    let Some(target) = target else {
        return say(StatusCode::BAD_REQUEST, "the request names no host that can be read");
    };
    let authorization = authorization(&request);
    let ask = ConnectRequest {
        client: origin.client,
        target: target.clone(),
        proxy_authorization: authorization.clone(),
        secure: origin.secure,
        plain: true,
    };
    let ai = (gate.house.opens)(&target.host, target.port);
    match ask_tunnel(&gate, ask).await {
        Tunnel::Open => {}
        Tunnel::Through if ai => {}
        Tunnel::Through => {
            if scheme == "https" {
                return say(StatusCode::BAD_REQUEST, "ask for https hosts with CONNECT");
            }
            // A Host of an AI service behind the name of another host is no way round.
            let hosts = request.headers().get_all(header::HOST);
            let agree = hosts
                .iter()
                .all(|h| h.to_str().ok().and_then(|h| HostPort::parse(h, Some(80))).is_some_and(|h| h == target));
            if !agree || [Method::TRACE].contains(request.method()) {
                return say(StatusCode::MISDIRECTED_REQUEST, "Host and the address of the request differ");
            }
            return plain::pass(&gate, origin.client, request, &target).await;
        }
        Tunnel::Challenge => return challenge(),
        Tunnel::Deny { status, reason } => {
            let response = say(status, &reason);
            gate.note(Note::Denied { client: origin.client, target, status, why: Denied::House(reason) });
            return response;
        }
    }
    let way = Way { origin, authorization, scheme, made_for: target, sni: None };
    opened::answer(gate, Arc::new(way), request, None).await
}

async fn connect<IO>(gate: Arc<Gate>, origin: Origin, mut request: Request<Incoming>) -> Response<AnswerBody>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let target = request.uri().authority().and_then(|a| HostPort::parse(a.as_str(), None));
    let Some(target) = target else {
        return say(StatusCode::BAD_REQUEST, "CONNECT names no host and port that can be read");
    };
    let client = origin.client;
    let deny = |status: StatusCode, why: Denied| {
        let response = say(status, &why.to_string());
        gate.note(Note::Denied { client, target: target.clone(), status, why });
        response
    };
    let ai = (gate.house.opens)(&target.host, target.port);
    if !ai && !gate.settings.connect_ports.contains(&target.port) {
        return deny(StatusCode::FORBIDDEN, Denied::Port);
    }
    let authorization = authorization(&request);
    let ask = ConnectRequest {
        client,
        target: target.clone(),
        proxy_authorization: authorization.clone(),
        secure: origin.secure,
        plain: false,
    };
    let (ai, upstream) = match ask_tunnel(&gate, ask).await {
        Tunnel::Open => (true, None),
        Tunnel::Through if ai => (true, None),
        // The target is reached before the tunnel is promised, so that a failure can still be said.
        Tunnel::Through => match gate.dialer.dial(&target).await {
            Ok(stream) => (false, Some(stream)),
            Err(error) => {
                let response = undialled(&error);
                gate.note(Note::Denied { client, target, status: response.status(), why: (&error).into() });
                return response;
            }
        },
        Tunnel::Challenge => return challenge(),
        Tunnel::Deny { status, reason } => return deny(status, Denied::House(reason)),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let tunnel = Tunneled { gate: Arc::clone(&gate), origin, authorization, target, ai, upstream };
    gate.tasks.spawn("tunnel", async move { tunnel.run::<IO>(upgrade).await });
    Response::new(whole(Bytes::new()))
}

/// A tunnel that was accepted.
struct Tunneled {
    gate: Arc<Gate>,
    origin: Origin,
    authorization: Option<Secret>,
    target: HostPort,
    /// The authority is an AI service: what cannot be opened is refused.
    ai: bool,
    /// Already connected, when it is not.
    upstream: Option<TcpStream>,
}

impl Tunneled {
    async fn run<IO>(self, upgrade: OnUpgrade)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(upgraded) = upgrade.await else { return };
        // Down to the bare socket: nothing between the two ends of a tunnel that need not be there.
        match upgraded.downcast::<TokioIo<Followed<IO>>>() {
            Ok(parts) => {
                let (io, rest) = parts.io.into_inner().into_inner();
                let read = if rest.is_empty() { parts.read_buf } else { [parts.read_buf, rest].concat().into() };
                self.sniffed(Prefixed::new(read, io)).await;
            }
            Err(upgraded) => self.sniffed(TokioIo::new(upgraded)).await,
        }
    }

    fn opens(&self, host: &str) -> bool {
        normal_host(host).is_some_and(|host| (self.gate.house.opens)(&host, self.target.port))
    }

    async fn sniffed<IO: Socket + 'static>(self, mut io: IO) {
        let limits = &self.gate.settings.limits;
        let patience =
            Patience { first: limits.sniff_time.0, whole: limits.handshake_time.0, bytes: limits.sniff_bytes.bytes() };
        let Sniffed { seen, prefix } = sniff(&mut io, patience).await;
        match seen {
            Seen::Tls(accepted) => {
                let sni = accepted.client_hello().server_name().map(str::to_ascii_lowercase);
                if self.ai || sni.as_deref().is_some_and(|sni| self.opens(sni)) {
                    self.open_tls(io, *accepted, sni).await;
                } else {
                    self.through(Prefixed::new(prefix, io), sni).await;
                }
            }
            Seen::Http1 if self.ai => self.open_plain(Prefixed::new(prefix, io), false).await,
            Seen::Http2 if self.ai => self.open_plain(Prefixed::new(prefix, io), true).await,
            Seen::Http1 => self.plain_head(io, prefix, patience).await,
            Seen::Closed => self.unreadable(Unreadable::Closed),
            Seen::Silent if self.ai => self.unreadable(Unreadable::Silent(limits.sniff_time)),
            // Its refusal is the head's, by name.
            Seen::Other if self.ai && means_http(&prefix) => self.open_plain(Prefixed::new(prefix, io), false).await,
            Seen::Other if self.ai => self.unreadable(Unreadable::Protocol),
            Seen::Unfinished if self.ai => self.unreadable(self.unfinished()),
            Seen::Silent | Seen::Other | Seen::Unfinished | Seen::Http2 => {
                self.through(Prefixed::new(prefix, io), None).await;
            }
        }
    }

    fn unfinished(&self) -> Unreadable {
        let limits = &self.gate.settings.limits;
        Unreadable::Unfinished { time: limits.handshake_time, bytes: limits.sniff_bytes }
    }

    /// Plain HTTP to some other host: a `Host` in the first head may still name an AI service.
    async fn plain_head<IO: Socket + 'static>(self, mut io: IO, prefix: Bytes, patience: Patience) {
        let mut read = bytes::BytesMut::from(prefix);
        let until = tokio::time::Instant::now() + patience.whole;
        let hosts = loop {
            if let Some(hosts) = head_hosts(&read) {
                break Some(hosts);
            }
            if read.len() >= patience.bytes {
                break None;
            }
            match tokio::time::timeout_at(until, io.read_buf(&mut read)).await {
                Ok(Ok(1..)) => {}
                _ => break None,
            }
        };
        let io = Prefixed::new(read.freeze(), io);
        match hosts {
            None => self.unreadable(self.unfinished()),
            Some(hosts) => {
                let named =
                    |text: &String| HostPort::parse(text, Some(self.target.port)).is_some_and(|h| self.opens(&h.host));
                if hosts.iter().any(named) {
                    self.open_plain(io, false).await;
                } else {
                    self.through(io, None).await;
                }
            }
        }
    }

    fn unreadable(&self, why: Unreadable) {
        self.gate.note(Note::Unreadable { client: self.origin.client, target: self.target.clone(), why });
    }

    fn way(&self, scheme: &'static str, sni: Option<String>) -> Arc<Way> {
        Arc::new(Way {
            origin: self.origin.clone(),
            authorization: self.authorization.clone(),
            scheme,
            made_for: self.target.clone(),
            sni,
        })
    }

    async fn open_plain<IO: Socket + 'static>(self, io: IO, http2: bool) {
        let way = self.way("http", None);
        if http2 {
            opened::serve_http2(self.gate, way, io).await;
        } else {
            opened::serve_http1(self.gate, way, io).await;
        }
    }

    async fn open_tls<IO: Socket + 'static>(self, io: IO, accepted: rustls::server::Accepted, sni: Option<String>) {
        let name = sni.as_deref().unwrap_or(&self.target.host);
        let config = match self.gate.ca.server_config(name) {
            Ok(config) => config,
            Err(error) => return self.unreadable(Unreadable::Certificate(error.to_string())),
        };
        let handshake = StartHandshake::from_parts(accepted, io).into_stream(config);
        let stream = match tokio::time::timeout(self.gate.settings.limits.handshake_time.0, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.unreadable(Unreadable::Handshake(handshake_fault(&error))),
            Err(_) => return self.unreadable(Unreadable::Handshake("not finished within `handshake_time`")),
        };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let way = self.way("https", sni);
        if http2 {
            opened::serve_http2(self.gate, way, stream).await;
        } else {
            opened::serve_http1(self.gate, way, stream).await;
        }
    }

    async fn through<IO: Socket>(self, io: IO, sni: Option<String>) {
        let Some(mut upstream) = self.upstream else { return };
        let id = self.gate.tunnels.fetch_add(1, Ordering::Relaxed);
        self.gate.note(Note::Tunnelled { id, client: self.origin.client, target: self.target.clone(), sni });
        let count = Count::new();
        let mut client = Counted { io, count: count.clone() };
        let idle = tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => false,
            () = count.silent_for(self.gate.settings.limits.tunnel_idle.0) => true,
        };
        if upstream.shutdown().await.is_err() || client.shutdown().await.is_err() {
            tracing::trace!("a tunnel was closed by its other end");
        }
        self.gate.note(Note::TunnelEnded { id, up: count.up(), down: count.down(), lasted: count.lasted(), idle });
    }
}

/// What a failed handshake mostly means, for `doctor`.
fn handshake_fault(error: &std::io::Error) -> &'static str {
    use rustls::AlertDescription as A;
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(A::UnknownCA | A::BadCertificate | A::CertificateUnknown)) => {
            "the client does not trust the house's authority"
        }
        Some(rustls::Error::AlertReceived(_)) => "the client broke it off",
        Some(rustls::Error::PeerIncompatible(_)) => "the client speaks no version or cipher that the gate speaks",
        Some(_) => "the client sent no proper TLS",
        None => "the client left",
    }
}

/// A short answer in plain text. Stands where nobody can word it better: outside of opened connections.
pub(super) fn say(status: StatusCode, reason: &str) -> Response<AnswerBody> {
    let line: String = reason.chars().filter(|c| !c.is_control()).take(500).collect();
    let mut response = Response::new(whole(format!("Tsuitate: {line}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn challenge() -> Response<AnswerBody> {
    let mut response = say(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "name and password for the gate are needed");
    let realm = HeaderValue::from_static("Basic realm=\"Tsuitate\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::PROXY_AUTHENTICATE, realm);
    response
}

pub(super) fn undialled(error: &DialError) -> Response<AnswerBody> {
    let status = match error {
        DialError::Private(_) => StatusCode::FORBIDDEN,
        DialError::Loop(_) => StatusCode::LOOP_DETECTED,
        DialError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    say(status, &error.to_string())
}
