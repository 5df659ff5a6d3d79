//! Step 8: what was cleared goes to the service, the answer comes back as a stream of plain frames.
//! Sent again only when no byte of it had left. Codings are undone, hop headers and `Alt-Svc` taken off.
//! Must not know: texts, findings, tokens.

mod answer;
mod connect;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Uri, Version};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use answer::{Answer, AnswerFrames};

use crate::locate::Head;
use crate::mask::Cleared;
use crate::wire::coding::CodingError;
use crate::wire::dial::{DialError, Dialer};
use crate::wire::headers::{common_codings, remove_in_order, strip_hop_by_hop};
use crate::wire::host::HostPort;
use crate::wire::limits::Limits;
use crate::wire::tls::{self, TlsError};
use crate::wire::units::Time;

pub use crate::wire::dial::Settings;

/// Where it goes, and what of the client's connection is worth keeping.
#[derive(Clone, Debug)]
pub struct Target {
    /// `https` or `http`.
    pub scheme: &'static str,
    pub to: HostPort,
    /// The request's extensions: hyper keeps the case of header names there.
    pub hints: http::Extensions,
    /// A header of the service that keeps staff on the hospital's own account; replaces what the client sent.
    pub tenant: Option<(String, String)>,
}

impl Target {
    pub fn new(scheme: &'static str, to: HostPort) -> Self {
        Self { scheme, to, hints: http::Extensions::new(), tenant: None }
    }
}

/// Why there is no (more) answer. Names hosts and limits, never paths or texts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the certificate of {to} is not trusted: {why}")]
    Certificate { to: HostPort, why: String },
    #[error("TLS with {to} failed")]
    Tls { to: HostPort },
    #[error("{to} was not connected within `upstream_connect` = {limit}")]
    ConnectTimeout { to: HostPort, limit: Time },
    #[error("{to} did not begin to answer within `upstream_head` = {limit}")]
    HeadTimeout { to: HostPort, limit: Time },
    #[error("{to} closed the connection or answered no HTTP")]
    Broken { to: HostPort },
    #[error("{to} stopped in the middle of its answer")]
    Cut { to: HostPort },
    #[error("{to} sent nothing for `stream_idle` = {limit} in the middle of its answer")]
    Idle { to: HostPort, limit: Time },
    #[error("the answer of {to} cannot be read: {why}")]
    Coding { to: HostPort, why: CodingError },
    #[error("the request cannot be written as HTTP: {0}")]
    Request(&'static str),
    #[error("{to} changed the protocol (status 101), which was not asked for")]
    Upgrade { to: HostPort },
}

type Inner = Client<connect::Connector, Full<Bytes>>;

/// The way to the services: pools and settings. Clones share them.
#[derive(Clone)]
pub struct Upstream {
    client: Inner,
    dialer: Dialer,
    limits: Arc<Limits>,
}

impl Upstream {
    /// Reads the roots and makes empty pools.
    ///
    /// # Errors
    /// Roots that cannot be read.
    pub fn new(settings: &Settings, limits: &Limits, dialer: Dialer) -> Result<Self, TlsError> {
        let tls = tls::client_config(settings)?;
        let connector = connect::connector(tls, dialer.clone(), limits.upstream_connect);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(55))
            .pool_max_idle_per_host(64)
            .http1_preserve_header_case(true)
            .http1_max_buf_size(limits.upstream_header_bytes.bytes().max(8192))
            .http2_max_header_list_size(u32::try_from(limits.upstream_header_bytes.0).unwrap_or(u32::MAX))
            .http2_initial_stream_window_size(1 << 20)
            .http2_initial_connection_window_size(4 << 20)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(20))
            // hyper gives a request back only when nothing of it was written.
            .retry_canceled_requests(true)
            .set_host(true)
            .build(connector);
        Ok(Self { client, dialer, limits: Arc::new(limits.clone()) })
    }

    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }
}

/// Sends what was cleared and waits for the answer's head.
///
/// # Errors
/// No connection, no trust, no answer in time, an answer that cannot be read.
pub async fn send(upstream: &Upstream, target: Target, cleared: Cleared) -> Result<Answer, ForwardError> {
    let (head, body, _) = cleared.into_parts();
    let to = target.to.clone();
    let head_only = head.method == "HEAD";
    let request = request(target, head, body)?;
    let limit = upstream.limits.upstream_head;
    let response = match tokio::time::timeout(limit.0, upstream.client.request(request)).await {
        Err(_) => return Err(ForwardError::HeadTimeout { to, limit }),
        Ok(Err(error)) => return Err(connect::explain(&to, &error, upstream.limits.upstream_connect)),
        Ok(Ok(response)) => response,
    };
    answer::open(response, to, head_only, &upstream.limits)
}

/// HTTP/2 clients may send one `Cookie` header a cookie; HTTP/1 knows one (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if all.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

fn request(target: Target, head: Head, body: Vec<u8>) -> Result<Request<Full<Bytes>>, ForwardError> {
    let Head { method, path_and_query, headers } = head;
    let body = Bytes::from(body);
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| ForwardError::Request("method"))?;
    if !path_and_query.starts_with('/') && path_and_query != "*" {
        return Err(ForwardError::Request("path"));
    }
    let uri = Uri::builder()
        .scheme(target.scheme)
        .authority(target.to.authority(target.scheme))
        .path_and_query(path_and_query)
        .build()
        .map_err(|_| ForwardError::Request("path"))?;
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| ForwardError::Request("header name"))?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value));
        map.append(name, value.map_err(|_| ForwardError::Request("header value"))?);
    }
    if let Some((name, value)) = target.tenant {
        let name = http::HeaderName::try_from(name).map_err(|_| ForwardError::Request("header name"))?;
        map.insert(name, HeaderValue::try_from(value).map_err(|_| ForwardError::Request("header value"))?);
    }
    strip_hop_by_hop(&mut map);
    for own in [header::HOST, header::EXPECT] {
        remove_in_order(&mut map, &own);
    }
    join_cookies(&mut map);
    // The length is what is sent, never what was received.
    if map.contains_key(header::CONTENT_LENGTH) || !body.is_empty() {
        map.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    if map.contains_key(header::ACCEPT_ENCODING) {
        let common = common_codings(&map);
        map.insert(header::ACCEPT_ENCODING, common);
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = map;
    *request.version_mut() = Version::HTTP_11;
    *request.extensions_mut() = target.hints;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(method: &str, headers: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
        let head = Head {
            method: method.to_owned(),
            path_and_query: "/v1/x?q=%E5%B1%B1".to_owned(),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect(),
        };
        let to = HostPort::parse("ai.example:443", None).unwrap();
        request(Target::new("https", to), head, body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_length_is_what_is_sent_and_the_hop_stays_here() {
        let request = written(
            "POST",
            &[
                ("host", "elsewhere.example"),
                ("content-length", "9999"),
                ("proxy-authorization", "Basic x"),
                ("connection", "x-own"),
                ("x-own", "1"),
                ("expect", "100-continue"),
                ("accept-encoding", "br, dcz"),
                ("x-kept", "山"),
                ("cookie", "a=1"),
                ("cookie", "b=2"),
            ],
            "hello",
        );
        assert_eq!(request.uri(), "https://ai.example/v1/x?q=%E5%B1%B1");
        let headers = request.headers();
        assert_eq!(headers["content-length"], "5");
        assert_eq!(headers["accept-encoding"], "br");
        assert_eq!(headers["x-kept"].as_bytes(), "山".as_bytes());
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        for gone in ["host", "proxy-authorization", "connection", "x-own", "expect"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        let empty = written("GET", &[], "");
        assert!(empty.headers().is_empty());
    }

    #[test]
    fn what_cannot_be_http_is_refused() {
        let to = HostPort::parse("ai.example:443", None).unwrap();
        let head = |method: &str, path: &str, name: &str, value: &str| Head {
            method: method.to_owned(),
            path_and_query: path.to_owned(),
            headers: vec![(name.to_owned(), value.as_bytes().to_vec())],
        };
        for wrong in [
            head("G T", "/", "a", "b"),
            head("GET", "//evil.example@x y", "a", "b"),
            head("GET", "elsewhere", "a", "b"),
            head("GET", "/", "a b", "c"),
            head("GET", "/", "a", "b\r\nc: d"),
        ] {
            assert!(request(Target::new("https", to.clone()), wrong, Vec::new()).is_err());
        }
    }
}
