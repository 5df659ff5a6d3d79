//! The register of AI services: which host belongs to whom, which endpoint a request meets, how it is read.
//! Data in `patterns/providers/`, made by `table`. Must not know: bodies, sockets, what a secret is.

use std::collections::HashMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

pub use super::adapter::{Action, Adapter, Content, ErrorShape, FieldRule, FieldScope, Narrow, StreamKind, Turns};
use super::glob::PathGlob;
use super::path::glob_match;
pub use super::table::{Fault, ProviderError};

/// All known services.
#[derive(Debug)]
pub struct Providers {
    pub(super) providers: Vec<Arc<Provider>>,
    pub(super) exact: HashMap<String, usize>,
    /// `*.x` by `x`.
    pub(super) below: HashMap<String, usize>,
    /// Patterns with a `*` inside, longest literal part first.
    pub(super) inside: Vec<(String, usize)>,
    pub(super) headers: HeaderRules,
    pub(super) errors: HashMap<String, Arc<ErrorShape>>,
}

impl Providers {
    /// The services that the program ships with.
    ///
    /// # Errors
    /// A fault in the shipped files (kept out by a test).
    pub fn shipped() -> Result<Self, ProviderError> {
        Self::with_files(&[])
    }

    /// The shipped services and those of more files, given as (name, TOML text). A file may add services and adapters
    /// and replace shipped ones by giving the same `id`.
    ///
    /// # Errors
    /// All faults of all files at once, each with file, line, column, caret and cure.
    pub fn with_files(extra: &[(&str, &str)]) -> Result<Self, ProviderError> {
        super::table::load(extra)
    }

    /// The service that answers at this host (case and a closing dot do not matter). The longest literal part wins.
    #[must_use]
    pub fn host(&self, host: &str, port: u16) -> Option<&Arc<Provider>> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let with_port = format!("{host}:{port}");
        let exact = self.exact.get(&with_port).or_else(|| self.exact.get(&host));
        if let Some(i) = exact {
            return self.providers.get(*i);
        }
        let mut rest = host.as_str();
        let mut below = None;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(i) = self.below.get(parent) {
                below = Some((parent.len() + 1, *i));
                break;
            }
            rest = parent;
        }
        let inside = self
            .inside
            .iter()
            .find(|(pattern, _)| host_match(pattern, &host))
            .map(|(pattern, i)| (pattern.len() - pattern.matches('*').count(), *i));
        let best = match (below, inside) {
            (Some(b), Some(i)) if i.0 > b.0 => Some(i),
            (Some(b), _) => Some(b),
            (None, i) => i,
        };
        best.and_then(|(_, i)| self.providers.get(i))
    }

    /// Every service, in the order of the files.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter()
    }

    /// The service of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|p| p.id == id)
    }

    /// Every host pattern, for the PAC file and the name constraints of the CA.
    #[must_use]
    pub fn host_patterns(&self) -> Vec<String> {
        self.providers.iter().flat_map(|p| p.hosts.iter().cloned()).collect()
    }

    /// How headers and query parameters are treated.
    #[must_use]
    pub fn headers(&self) -> &HeaderRules {
        &self.headers
    }

    /// The refusal of this name (`generic`, `html`, …).
    #[must_use]
    pub fn error(&self, id: &str) -> Option<&Arc<ErrorShape>> {
        self.errors.get(id)
    }
}

/// `*` inside a host stands for one label or a part of one; a leading `*.` for one or more labels.
pub(super) fn host_match(pattern: &str, host: &str) -> bool {
    let mut wanted: Vec<&str> = pattern.split('.').collect();
    let mut labels: Vec<&str> = host.split('.').collect();
    if wanted.first() == Some(&"*") && wanted.len() > 1 {
        wanted.remove(0);
        if labels.len() <= wanted.len() {
            return false;
        }
        labels.drain(..labels.len() - wanted.len());
    }
    wanted.len() == labels.len() && wanted.iter().zip(&labels).all(|(w, l)| glob_match(w.as_bytes(), l.as_bytes()))
}

/// One service.
#[derive(Debug)]
pub struct Provider {
    pub id: String,
    pub name: String,
    pub category: String,
    /// How well this entry is known: `sdk`, `spec`, `doc`, `reported`, `list`, `name`.
    pub sure: String,
    /// Stands in the house: searched and recorded, not masked.
    pub trust_internal: bool,
    pub hosts: Vec<String>,
    /// Names of the headers that carry its credentials.
    pub auth: Vec<String>,
    pub notes: Option<String>,
    pub(super) endpoints: Vec<EndpointRule>,
    /// For paths that no endpoint names: the fallback with this service's refusals.
    pub(super) fallback: Endpoint,
}

#[derive(Debug)]
pub(super) struct EndpointRule {
    pub(super) method: String,
    pub(super) ws: bool,
    pub(super) path: PathGlob,
    pub(super) endpoint: Endpoint,
    /// Model id parts and the endpoints they lead to.
    pub(super) by_model: Vec<(String, Endpoint)>,
}

impl Provider {
    /// The endpoint that this request meets; `path` as sent, with or without its query. A path that no endpoint names
    /// is walked by the fallback (`known` is false).
    #[must_use]
    pub fn endpoint(&self, method: &str, path: &str, ws: bool) -> Endpoint {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let segments: Vec<String> =
            path.split('/').map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned()).collect();
        for rule in &self.endpoints {
            let method_fits = rule.method == "*" || rule.method.eq_ignore_ascii_case(method);
            if rule.ws != ws && !(rule.method == "*" && !rule.ws) {
                continue;
            }
            if method_fits && rule.path.matches(&segments) {
                let by_model = rule
                    .by_model
                    .iter()
                    .filter(|(model, _)| segments.iter().any(|s| s.contains(model.as_str())))
                    .max_by_key(|(model, _)| model.len());
                return by_model.map_or(&rule.endpoint, |(_, endpoint)| endpoint).clone();
            }
        }
        self.fallback.clone()
    }

    /// Whether one of its endpoints keeps what was said.
    #[must_use]
    pub fn keeps_history(&self) -> bool {
        self.endpoints.iter().any(|rule| rule.endpoint.history_on_server)
    }
}

/// How a request is read.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The path's pattern, never the path itself, which may hold ids; `unlisted` for an unknown path.
    pub name: String,
    pub adapter: Arc<Adapter>,
    pub action: Action,
    /// Listed for this service.
    pub known: bool,
    pub history_on_server: bool,
    pub error: Arc<ErrorShape>,
}

/// How headers and query parameters are treated. Names are lower case; `*` stands for any run of characters.
#[derive(Clone, Debug, Default)]
pub struct HeaderRules {
    /// Credentials: neither searched nor logged.
    pub secret: Vec<String>,
    pub secret_query: Vec<String>,
    /// Standard headers: searched only where they hold more than ASCII.
    pub ordinary: Vec<String>,
    /// Query parameters that steer the service (`alt`, `api-version`): short plain values are no texts.
    pub plain_query: Vec<String>,
    pub drop_when_rewritten: Vec<String>,
    /// Keys under which prose stands: no label for what stands there.
    pub prose: Vec<String>,
}

impl HeaderRules {
    fn any(list: &[String], name: &str) -> bool {
        list.iter().any(|glob| glob_match(glob.as_bytes(), name.as_bytes()))
    }

    /// A credential header; `name` in lower case.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        Self::any(&self.secret, name)
    }

    #[must_use]
    pub fn is_secret_query(&self, name: &str) -> bool {
        Self::any(&self.secret_query, &name.to_ascii_lowercase())
    }

    #[must_use]
    pub fn is_ordinary(&self, name: &str) -> bool {
        Self::any(&self.ordinary, name)
    }

    #[must_use]
    pub fn is_plain_query(&self, name: &str) -> bool {
        Self::any(&self.plain_query, name)
    }

    #[must_use]
    pub fn is_dropped(&self, name: &str) -> bool {
        Self::any(&self.drop_when_rewritten, name)
    }

    #[must_use]
    pub fn is_prose(&self, key: &str) -> bool {
        self.prose.iter().any(|p| p == key)
    }
}
