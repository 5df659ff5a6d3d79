//! An opened connection to an AI service: HTTP/1 or 2 towards the client, each request judged by itself, handed on as
//! [`Received`] or turned away. The permit of a request lives in its answer's body.
//! Must not know: what the house does with a request.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::frames::{Spoken, Streams};
use super::framing::{Followed, Watch};
use super::serve::{Gate, Origin};
use super::{Arrived, BadHead, Dropped, HostPort, Note, Received, ReceivedBody, Secret, Trouble, Unreadable};
use crate::wire::body::{AnswerBody, Holding, streamed, whole};
use crate::wire::headers::{asks_upgrade, strip_hop_by_hop};
use crate::wire::host::normal_host;
use crate::wire::limits::Limits;
use crate::wire::task::Tasks;

/// What the connection was made for; each request must fit it.
pub(super) struct Way {
    pub(super) origin: Origin,
    pub(super) authorization: Option<Secret>,
    pub(super) scheme: &'static str,
    pub(super) made_for: HostPort,
    pub(super) sni: Option<String>,
}

/// The HTTP/1 side with its limits.
pub(super) fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // `framing` judges heads by the limits; what comes to hyper fits. Idle connections end by this.
        .header_read_timeout(limits.header_time.0.saturating_mul(2))
        .max_headers(limits.header_count)
        .max_buf_size(limits.header_bytes.bytes().saturating_add(64 << 10))
        .preserve_header_case(true);
    builder
}

/// Starts HTTP/2's tasks as watched tasks.
#[derive(Clone)]
struct Watched(Tasks);

impl<F> Executor<F> for Watched
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn("stream", future);
    }
}

pub(super) async fn serve_http1<IO>(gate: Arc<Gate>, way: Arc<Way>, io: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let watch = Watch::default();
    let io = TokioIo::new(Followed::new(io, &gate.settings.limits, watch.clone()));
    let client = way.origin.client;
    let (here, flag) = (Arc::clone(&gate), watch.clone());
    let service = service_fn(move |request| {
        // Read while hyper hands this request on, so that it is of this one.
        let bad = flag.bad_head();
        let (gate, way) = (Arc::clone(&here), Arc::clone(&way));
        async move { Ok::<_, Infallible>(answer(gate, way, request, bad).await) }
    });
    let connection = http1(&gate.settings.limits).serve_connection(io, service);
    tokio::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = gate.tasks.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    note_end(&gate, client, done, watch.in_head());
}

pub(super) async fn serve_http2<IO>(gate: Arc<Gate>, way: Arc<Way>, io: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &gate.settings.limits;
    let (client, way_target) = (way.origin.client, way.made_for.clone());
    let here = Arc::clone(&gate);
    let service = service_fn(move |request| {
        let (gate, way) = (Arc::clone(&here), Arc::clone(&way));
        async move {
            let bad = header_list(&gate.settings.limits, &request);
            Ok::<_, Infallible>(answer(gate, way, request, bad).await)
        }
    });
    let mut builder = http2::Builder::new(Watched(gate.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection)
        .max_pending_accept_reset_streams(limits.pending_resets)
        .max_local_error_reset_streams(limits.pending_resets.saturating_mul(8))
        // Up to twice the limit a request is refused by name; past that HTTP/2 answers 431 itself.
        .max_header_list_size(u32::try_from(limits.header_bytes.0.saturating_mul(2)).unwrap_or(u32::MAX))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .keep_alive_interval(std::time::Duration::from_secs(30))
        .keep_alive_timeout(std::time::Duration::from_secs(20));
    let (noting, target) = (Arc::clone(&gate), way_target);
    let streams = Streams::new(move |code, streams| {
        let why = Unreadable::Http2 { code, streams };
        noting.note(Note::Unreadable { client, target: target.clone(), why });
    });
    let connection = builder.serve_connection(TokioIo::new(Spoken::new(io, streams)), service);
    tokio::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = gate.tasks.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    note_end(&gate, client, done, true);
}

/// The limits of a head, for HTTP/2: bytes as the protocol counts them (name, value and 32 for each field).
fn header_list(limits: &Limits, request: &Request<Incoming>) -> Option<BadHead> {
    let headers = request.headers();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len() + 32);
    let seen = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum::<usize>() + target;
    if seen as u64 > limits.header_bytes.0 {
        return Some(BadHead::Bytes { limit: limits.header_bytes, seen: seen as u64 });
    }
    let seen = headers.len();
    (seen > limits.header_count).then_some(BadHead::Count { limit: limits.header_count, seen })
}

/// Says why a connection ended when it did not end by itself.
/// An idle connection that reached `header_time` without a byte of a next request is no event.
pub(super) fn note_end(gate: &Gate, client: std::net::SocketAddr, done: hyper::Result<()>, in_head: bool) {
    let Err(error) = done else { return };
    if error.is_timeout() && !in_head {
        return;
    }
    let why = if error.is_parse_too_large() {
        Dropped::HeaderSize
    } else if error.is_parse() {
        Dropped::NotHttp
    } else if error.is_timeout() {
        Dropped::HeaderTime
    } else {
        Dropped::Gone
    };
    gate.note(Note::Dropped { client, why });
}

/// One request of an opened connection.
pub(super) async fn answer(
    gate: Arc<Gate>,
    way: Arc<Way>,
    request: Request<Incoming>,
    bad: Option<BadHead>,
) -> Response<AnswerBody> {
    if let Some(bad) = &bad {
        gate.note(Note::Dropped { client: way.origin.client, why: bad.dropped() });
    }
    let arrived = Arrived::now();
    let (mut parts, body) = request.into_parts();
    let body = ReceivedBody::new(body, gate.tasks.clone(), &gate.settings.limits);
    let judged = judge(&way, &parts, bad);
    let http2 = parts.version == Version::HTTP_2;
    if http2 && parts.headers.get(header::HOST).is_none() {
        // The house reads one form.
        if let Ok(host) = HeaderValue::from_str(&way.made_for.authority(way.scheme)) {
            parts.headers.insert(header::HOST, host);
        }
    }
    strip_hop_by_hop(&mut parts.headers);
    // The rest of the extensions may travel on (header case); a way back into this connection may not.
    parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    if let Some(path) = parts.uri.path_and_query().cloned() {
        parts.uri = Uri::from(path);
    }
    let received = Received {
        client: way.origin.client,
        proxy_authorization: way.authorization.clone(),
        secure: way.origin.secure,
        scheme: way.scheme,
        target: way.made_for.clone(),
        http_version: parts.version,
        parts,
        body,
        arrived,
        sni: way.sni.clone(),
    };
    let permit = match judged {
        Err(trouble) => return turned_away(&gate, received, trouble).await,
        Ok(()) => Arc::clone(&gate.in_flight).try_acquire_owned(),
    };
    let Ok(permit) = permit else {
        let limit = gate.settings.limits.requests_in_flight;
        return turned_away(&gate, received, Trouble::Overload { limit }).await;
    };
    let asked = gate.tasks.guard("request", async { (gate.house.request)(received).await }).await;
    let mut response = asked.unwrap_or_else(failed);
    strip_hop_by_hop(response.headers_mut());
    response.map(|body| streamed(Holding::new(body, permit)))
}

/// Panicked while it was handled. Nothing more is known, so nothing more is said.
fn failed() -> Response<AnswerBody> {
    let text = "{\"error\":{\"type\":\"tsuitate_failed\",\"message\":\"衝立の内部で障害が起き、送信を止めました。\
                The gate failed inside and stopped this request.\"}}";
    let mut response = Response::new(whole(text));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-should-retry", HeaderValue::from_static("false"));
    response
}

pub(super) async fn turned_away(gate: &Gate, received: Received, trouble: Trouble) -> Response<AnswerBody> {
    let status = trouble.status();
    let overload = matches!(trouble, Trouble::Overload { .. });
    let asked = gate.tasks.guard("turn away", async { (gate.house.turn_away)(received, trouble).await }).await;
    let mut response = asked.unwrap_or_else(failed);
    strip_hop_by_hop(response.headers_mut());
    if overload || status == StatusCode::MISDIRECTED_REQUEST || !response.status().is_client_error() {
        *response.status_mut() = status;
    }
    if overload && !response.headers().contains_key(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

fn judge(way: &Way, parts: &http::request::Parts, bad: Option<BadHead>) -> Result<(), Trouble> {
    if let Some(bad) = bad {
        return Err(Trouble::Head(bad));
    }
    // TRACE would show headers to a script; TRACK and DEBUG are its relatives.
    if [Method::CONNECT, Method::TRACE].contains(&parts.method) || ["TRACK", "DEBUG"].contains(&parts.method.as_str()) {
        return Err(Trouble::Method);
    }
    agree(way, &parts.uri, &parts.headers)?;
    if asks_upgrade(&parts.headers) {
        return Err(Trouble::Upgrade);
    }
    Ok(())
}

/// URI, `Host`, CONNECT authority and SNI name the same place.
fn agree(way: &Way, uri: &Uri, headers: &HeaderMap) -> Result<(), Trouble> {
    let default = Some(if way.scheme == "http" { 80 } else { 443 });
    let misdirected = |asked: String| Trouble::Misdirected { asked, made_for: way.made_for.to_string() };
    let read = |text: &str| HostPort::parse(text, default).ok_or(Trouble::Host);
    let mut named = Vec::new();
    if let Some(authority) = uri.authority() {
        named.push(read(authority.as_str())?);
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    if let Some(host) = hosts.next() {
        named.push(read(host.to_str().map_err(|_| Trouble::Host)?)?);
    }
    if hosts.next().is_some() || named.is_empty() {
        return Err(Trouble::Host);
    }
    if let Some(other) = named.iter().find(|n| **n != way.made_for) {
        return Err(misdirected(other.to_string()));
    }
    match way.sni.as_deref() {
        Some(sni) if normal_host(sni).as_deref() != Some(way.made_for.host.as_str()) => {
            Err(misdirected(format!("{sni} (SNI)")))
        }
        _ => Ok(()),
    }
}
