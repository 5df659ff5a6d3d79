//! The gate's own pages on its own address: what this is, the authority to compare and install, the proxy file, health.
//! They hold nothing personal, load nothing from elsewhere, and change nothing.
//! Must not know: requests to services, people, records.

mod pac;

use askama::Template;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode, request};

use crate::ca::Export;
use crate::wire::body::{AnswerBody, whole};
use crate::wire::host::HostPort;

/// What the pages say.
#[derive(Clone, Debug)]
pub struct Facts {
    pub ca: Export,
    /// Host patterns of AI services, as in `patterns/providers/`.
    pub hosts: Vec<String>,
    /// `host:port` of all gates that speak the proxy protocol in plain; `None`: the address that was asked.
    pub gates: Option<Vec<String>>,
    /// `host:port` of gates that speak it inside TLS; they stand first in the proxy file.
    pub tls_gates: Vec<String>,
    /// `host:port` of the parent proxy for everything else; without one the rest goes direct.
    pub parent: Option<String>,
    /// Whom to ask, one line each (`[contact]`).
    pub contact: Vec<String>,
    pub version: &'static str,
}

/// Is the gate ready to serve?
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ready {
    pub ready: bool,
    /// Why not, or what is not as it should be. No names of people, no texts.
    pub reasons: Vec<String>,
}

/// The pages. What they say is asked anew for each: it changes with the settings.
pub struct Portal {
    facts: Box<dyn Fn() -> Facts + Send + Sync>,
    ready: Box<dyn Fn() -> Ready + Send + Sync>,
}

#[derive(Template)]
#[template(path = "portal.html")]
struct Home<'a> {
    gate: &'a str,
    fingerprint: &'a [String],
    contact: &'a [String],
    version: &'a str,
    services: usize,
}

const STYLE: &str = include_str!("../../templates/portal.css");

impl Portal {
    pub fn new(
        facts: impl Fn() -> Facts + Send + Sync + 'static,
        ready: impl Fn() -> Ready + Send + Sync + 'static,
    ) -> Self {
        Self { facts: Box::new(facts), ready: Box::new(ready) }
    }

    /// Answers a request in origin form.
    pub fn answer(&self, parts: &request::Parts) -> Response<AnswerBody> {
        if ![Method::GET, Method::HEAD].contains(&parts.method) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "GET or HEAD only\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let ok = StatusCode::OK;
        match parts.uri.path() {
            "/" => self.home(&parts.headers),
            "/portal.css" => text(ok, "text/css; charset=utf-8", STYLE),
            "/ca.pem" => file("application/x-pem-file", "tsuitate-ca.pem", (self.facts)().ca.pem),
            "/ca.crt" | "/ca.der" => file("application/x-x509-ca-cert", "tsuitate-ca.crt", (self.facts)().ca.der),
            "/proxy.pac" | "/wpad.dat" => {
                let mut facts = (self.facts)();
                let (tls, plain) = gates(&facts, &parts.headers);
                facts.tls_gates = tls;
                text(ok, "application/x-ns-proxy-autoconfig", pac::write(&facts, &plain))
            }
            "/healthz" => text(ok, "text/plain; charset=utf-8", "ok\n"),
            "/readyz" => {
                let ready = (self.ready)();
                let status = if ready.ready { ok } else { StatusCode::SERVICE_UNAVAILABLE };
                text(status, "application/json", serde_json::to_string(&ready).unwrap_or_default() + "\n")
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "text/plain; charset=utf-8",
                "このページはありません。AIサービスへの要求は、プロキシの設定を通して送ってください。\n\
                 No such page. Requests to AI services come here by way of the proxy setting.\n",
            ),
        }
    }

    fn home(&self, headers: &HeaderMap) -> Response<AnswerBody> {
        let facts = (self.facts)();
        let (tls, plain) = gates(&facts, headers);
        let gate = match (plain.first(), tls.first()) {
            (None, Some(gate)) => format!("https://{gate}"),
            (gate, _) => format!("http://{}", gate.map_or(HERE, String::as_str)),
        };
        let pairs: Vec<&str> = facts.ca.fingerprint.split(':').collect();
        // Four groups of eight pairs: short enough to compare by eye.
        let fingerprint: Vec<String> = pairs.chunks(8).map(|group| group.join(":")).collect();
        let page = Home {
            gate: &gate,
            fingerprint: &fingerprint,
            contact: &facts.contact,
            version: facts.version,
            services: facts.hosts.len(),
        };
        match page.render() {
            Ok(html) => text(StatusCode::OK, "text/html; charset=utf-8", html),
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", "the page failed\n"),
        }
    }
}

/// Where a gate is by default.
const HERE: &str = "127.0.0.1:8080";

/// Gates inside TLS and in plain. Without a name in the config it is the address by which the gate was asked, if that is
/// a proper host. Never none at all: an empty answer of the proxy file would mean past the gate.
fn gates(facts: &Facts, headers: &HeaderMap) -> (Vec<String>, Vec<String>) {
    let asked = headers.get(header::HOST).and_then(|h| h.to_str().ok()).and_then(|h| HostPort::parse(h, Some(80)));
    let asked = asked.map_or_else(|| HERE.to_owned(), |h| h.to_string());
    match (&facts.gates, facts.tls_gates.clone()) {
        (None, tls) => (tls, vec![asked]),
        (Some(plain), tls) if plain.is_empty() && tls.is_empty() => (vec![asked], Vec::new()),
        (Some(plain), tls) => (tls, plain.clone()),
    }
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<AnswerBody> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn file(kind: &'static str, name: &'static str, body: impl Into<Bytes>) -> Response<AnswerBody> {
    let mut response = text(StatusCode::OK, kind, body);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
