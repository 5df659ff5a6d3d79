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
    /// `host:port` of all gates that speak the proxy protocol in plain; empty: the address that was asked.
    pub gates: Vec<String>,
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

/// The pages of one setting of the gate; made anew at reload.
pub struct Portal {
    facts: Facts,
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
    pub fn new(facts: Facts, ready: impl Fn() -> Ready + Send + Sync + 'static) -> Self {
        Self { facts, ready: Box::new(ready) }
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
            "/ca.pem" => file("application/x-pem-file", "tsuitate-ca.pem", self.facts.ca.pem.clone()),
            "/ca.crt" | "/ca.der" => file("application/x-x509-ca-cert", "tsuitate-ca.crt", self.facts.ca.der.clone()),
            "/proxy.pac" | "/wpad.dat" => {
                let gates = self.gates(&parts.headers);
                text(ok, "application/x-ns-proxy-autoconfig", pac::write(&self.facts, &gates))
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

    /// The gates' addresses; else the one by which the gate was asked, if that is a proper host.
    fn gates(&self, headers: &HeaderMap) -> Vec<String> {
        if !self.facts.gates.is_empty() {
            return self.facts.gates.clone();
        }
        let asked = headers.get(header::HOST).and_then(|h| h.to_str().ok()).and_then(|h| HostPort::parse(h, Some(80)));
        vec![asked.map_or_else(|| "127.0.0.1:8080".to_owned(), |h| h.to_string())]
    }

    fn home(&self, headers: &HeaderMap) -> Response<AnswerBody> {
        let gates = self.gates(headers);
        let pairs: Vec<&str> = self.facts.ca.fingerprint.split(':').collect();
        // Four groups of eight pairs: short enough to compare by eye.
        let fingerprint: Vec<String> = pairs.chunks(8).map(|group| group.join(":")).collect();
        let page = Home {
            gate: gates.first().map_or("127.0.0.1:8080", String::as_str),
            fingerprint: &fingerprint,
            contact: &self.facts.contact,
            version: self.facts.version,
            services: self.facts.hosts.len(),
        };
        match page.render() {
            Ok(html) => text(StatusCode::OK, "text/html; charset=utf-8", html),
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", "the page failed\n"),
        }
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
