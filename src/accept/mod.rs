//! Step 1: the client's side. Listens, limits, CONNECT, sniffs tunnels, ends TLS with our leaves, speaks HTTP/1 and 2,
//! and hands each opened request on as a [`Received`]. What is an AI service and who may pass is asked of the [`House`].
//! Must not know: classes of data, Japanese, providers.

mod connect;
mod count;
mod frames;
mod framing;
mod opened;
mod plain;
mod serve;
mod sniff;

use std::net::SocketAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use http::{Response, StatusCode, Version, request};
use serde::{Deserialize, Serialize};

pub use crate::wire::body::{AnswerBody, ReceivedBody};
pub use crate::wire::host::HostPort;
pub use crate::wire::limits::Limits;
use crate::wire::units::{Size, Time};
pub use serve::{Door, Running, bind, serve};

/// `[gate]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub listen: Listen,
    /// The gate's own name or address, as clients reach it: for its certificate and the proxy file.
    pub name: String,
    /// Ports that CONNECT may name.
    pub connect_ports: Vec<u16>,
    pub limits: Limits,
}

/// Addresses to listen on. `tls` speaks the same proxy protocol inside TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    pub http: Vec<SocketAddr>,
    pub tls: Vec<SocketAddr>,
}

impl Default for Listen {
    fn default() -> Self {
        Self { http: vec![SocketAddr::from(([127, 0, 0, 1], 8080))], tls: Vec::new() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            name: "localhost".to_owned(),
            connect_ports: vec![443, 80],
            limits: Limits::default(),
        }
    }
}

/// A client asks for a way to a host: by CONNECT, or by a plain request in absolute form.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    pub client: SocketAddr,
    pub target: HostPort,
    /// The value of `Proxy-Authorization`. Verified by the closure, never forwarded, never logged.
    pub proxy_authorization: Option<Secret>,
    /// The hop to the gate is TLS or loopback: a password on it could not be read by others.
    pub secure: bool,
    /// Not CONNECT but `GET http://host/…`.
    pub plain: bool,
}

/// A header value that is not shown in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What becomes of a way that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// An AI service: accepted and opened; whatever cannot be opened is refused.
    Open,
    /// Some other host: passed through, unless SNI or Host turn out to name an AI service.
    Through,
    /// 407.
    Challenge,
    /// Refused with this status; the reason is shown (one line, no secrets).
    Deny { status: StatusCode, reason: String },
}

/// When a request's head was complete.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    pub at: Instant,
    /// Milliseconds since 1970.
    pub unix_ms: u64,
}

impl Arrived {
    fn now() -> Self {
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        Self { at: Instant::now(), unix_ms: u64::try_from(unix_ms).unwrap_or(u64::MAX) }
    }
}

/// A request to an AI service, opened. Headers of the hop and all `Proxy-*` are off.
pub struct Received {
    pub client: SocketAddr,
    pub proxy_authorization: Option<Secret>,
    /// See [`ConnectRequest::secure`].
    pub secure: bool,
    /// `https` or `http`.
    pub scheme: &'static str,
    /// Host and port, agreed by authority, SNI and `Host`.
    pub target: HostPort,
    /// The URI is in origin form: path and query.
    pub parts: request::Parts,
    pub body: ReceivedBody,
    pub http_version: Version,
    pub arrived: Arrived,
    /// SNI of the client's handshake.
    pub sni: Option<String>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({} {} from {})", self.parts.method, self.target, self.client)
    }
}

/// Why an opened request is turned away before it is read. It never goes on; the house only words the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    #[error("the request names {asked}, the connection was made for {made_for}")]
    Misdirected { asked: String, made_for: String },
    #[error("the request names no host, or several")]
    Host,
    #[error("WebSocket and other protocol changes are not opened yet")]
    Upgrade,
    #[error("the method is not allowed here")]
    Method,
    #[error("{0}")]
    Head(BadHead),
    #[error("more than `requests_in_flight` = {limit} requests are under way")]
    Overload { limit: usize },
}

impl Trouble {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Misdirected { .. } => StatusCode::MISDIRECTED_REQUEST,
            Self::Host | Self::Upgrade => StatusCode::BAD_REQUEST,
            Self::Head(bad) => bad.status(),
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Overload { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A fixed word for records and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Misdirected { .. } => "misdirected",
            Self::Host => "host",
            Self::Upgrade => "upgrade",
            Self::Method => "method",
            Self::Head(bad) => bad.name(),
            Self::Overload { .. } => "overload",
        }
    }
}

/// Why a request's head goes no further. Names sizes and shapes, never what stands in the head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHead {
    #[error("the request line cannot be read")]
    RequestLine,
    #[error("a header field cannot be read")]
    Field,
    #[error("Content-Length is not one number")]
    Length,
    #[error("Transfer-Encoding is something else than `chunked`, or stands in HTTP/1.0")]
    TransferEncoding,
    #[error("Content-Length and Transfer-Encoding contradict each other")]
    Framing,
    #[error("the connection ended inside a head")]
    Unfinished,
    #[error("the address in the request line is longer than 65534 bytes ({seen})")]
    Target { seen: usize },
    #[error("the head is longer than `header_bytes` = {limit} ({seen} bytes so far)")]
    Bytes { limit: Size, seen: u64 },
    #[error("the head has more than `header_count` = {limit} fields (at least {seen})")]
    Count { limit: usize, seen: usize },
    #[error("the head was not complete within `header_time` = {0}")]
    Time(Time),
}

impl BadHead {
    /// The status where nobody words a refusal: outside of opened connections.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Target { .. } => StatusCode::URI_TOO_LONG,
            Self::Bytes { .. } | Self::Count { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Time(_) => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A fixed word for records and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RequestLine => "head.request_line",
            Self::Field => "head.field",
            Self::Length => "head.content_length",
            Self::TransferEncoding => "head.transfer_encoding",
            Self::Framing => "head.framing",
            Self::Unfinished => "head.unfinished",
            Self::Target { .. } => "head.target",
            Self::Bytes { .. } => "limit.header_bytes",
            Self::Count { .. } => "limit.header_count",
            Self::Time(_) => "limit.header_time",
        }
    }

    fn dropped(&self) -> Dropped {
        match self {
            Self::Bytes { .. } | Self::Count { .. } | Self::Target { .. } => Dropped::HeaderSize,
            Self::Time(_) => Dropped::HeaderTime,
            Self::Unfinished => Dropped::Gone,
            _ => Dropped::NotHttp,
        }
    }
}

/// What happened outside of opened requests; for the record and the log. Names hosts, never paths or texts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Note {
    /// A way was refused.
    Denied { client: SocketAddr, target: HostPort, status: StatusCode, why: Denied },
    /// Bytes pass unopened from now on.
    Tunnelled { id: u64, client: SocketAddr, target: HostPort, sni: Option<String> },
    /// The tunnel ended; bytes from the client (`up`) and to it (`down`).
    TunnelEnded { id: u64, up: u64, down: u64, lasted: std::time::Duration, idle: bool },
    /// A plain request to a host that is no AI service passed unopened.
    Passed { client: SocketAddr, target: HostPort },
    /// A connection to an AI service was closed because it could not be read.
    Unreadable { client: SocketAddr, target: HostPort, why: Unreadable },
    /// A client's connection was closed by a limit or a fault before a request could be told.
    Dropped { client: SocketAddr, why: Dropped },
}

/// Why a way was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The house said no, in these words.
    #[error("{0}")]
    House(String),
    #[error("this port is not in `gate.connect_ports`")]
    Port,
    #[error("private targets are refused")]
    Private,
    #[error("the target is the gate itself")]
    Loop,
    /// It was not refused, it was not reached.
    #[error("{0}")]
    Unreached(String),
}

impl Denied {
    /// A fixed word for records, of what the house does not know yet.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::House(_) | Self::Unreached(_) => None,
            Self::Port => Some("denied_port"),
            Self::Private => Some("private_target"),
            Self::Loop => Some("own_address"),
        }
    }
}

impl From<&crate::wire::dial::DialError> for Denied {
    fn from(error: &crate::wire::dial::DialError) -> Self {
        use crate::wire::dial::DialError;
        match error {
            DialError::Private(_) => Self::Private,
            DialError::Loop(_) => Self::Loop,
            other => Self::Unreached(other.to_string()),
        }
    }
}

/// Why a connection to an AI service could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    #[error("no byte came within `sniff_time` = {0}")]
    Silent(Time),
    #[error("it is neither TLS nor HTTP")]
    Protocol,
    #[error("the first message was not complete within `handshake_time` = {time} and `sniff_bytes` = {bytes}")]
    Unfinished { time: Time, bytes: Size },
    #[error("the client closed it")]
    Closed,
    #[error("the TLS handshake failed: {0}")]
    Handshake(&'static str),
    #[error("no certificate could be made: {0}")]
    Certificate(String),
    /// A stream or the whole connection; how many streams so far.
    #[error("HTTP/2 was spoken wrongly or past a limit of the protocol: {code} ({streams})")]
    Http2 { code: &'static str, streams: u64 },
}

impl Unreadable {
    /// A fixed word for records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Silent(_) => "silent",
            Self::Protocol => "protocol",
            Self::Unfinished { .. } => "unfinished",
            Self::Closed => "closed",
            Self::Handshake(_) => "handshake",
            Self::Certificate(_) => "certificate",
            Self::Http2 { code, .. } => code,
        }
    }
}

/// Why a connection was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// `header_time`.
    HeaderTime,
    /// `header_bytes` or `header_count`.
    HeaderSize,
    /// No HTTP, or broken framing.
    NotHttp,
    /// `handshake_time` on the gate's own TLS port.
    Handshake,
    /// The client left.
    Gone,
}

type Ask<I, O> = Box<dyn Fn(I) -> BoxFuture<'static, O> + Send + Sync>;

type Opens = Box<dyn Fn(&str, u16) -> bool + Send + Sync>;
type Ask2<I, J, O> = Box<dyn Fn(I, J) -> BoxFuture<'static, O> + Send + Sync>;

/// What accept asks of the house.
pub struct House {
    /// At CONNECT and at plain requests in absolute form.
    pub tunnel: Ask<ConnectRequest, Tunnel>,
    /// Is this host (of an authority, an SNI or a plain `Host`) an AI service? Host in lower case, without trailing dot.
    pub opens: Opens,
    /// An opened request.
    pub request: Ask<Received, Response<AnswerBody>>,
    /// Words the answer to a request that is turned away; must not send it on. Accept sets the status.
    pub turn_away: Ask2<Received, Trouble, Response<AnswerBody>>,
    /// The gate's own pages: a request in origin form to the gate itself.
    pub own: Ask2<request::Parts, SocketAddr, Response<AnswerBody>>,
    /// Told what happened; returns at once.
    pub note: Box<dyn Fn(Note) + Send + Sync>,
}
