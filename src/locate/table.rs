//! Provider files → the register: reads TOML, resolves what one entry takes from another, compiles the paths, and says
//! every fault at once with file, line, column, caret and cure. Must not know: requests.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use toml::Spanned;

use super::adapter::{Action, Adapter, Content, ErrorShape, FieldRule, FieldScope, Narrow, StreamKind, Turns};
use super::glob::PathGlob;
use super::path::{Decoder, Entry, List, PathSet};
use super::provider::{Endpoint, EndpointRule, HeaderRules, Provider, Providers};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/patterns/providers");

/// One fault of a provider file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line itself, for the caret.
    pub source: String,
    pub what: String,
    /// What to do.
    pub cure: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)?;
        writeln!(f, "  {}", self.source)?;
        writeln!(f, "  {}^", " ".repeat(self.column.saturating_sub(1)))?;
        write!(f, "  cure: {}", self.cure)
    }
}

/// Why the register could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ProviderError {
    pub faults: Vec<Fault>,
}

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    adapter: Vec<Rule>,
    #[serde(default)]
    provider: Vec<Service>,
    #[serde(default)]
    error: BTreeMap<String, Shape>,
    headers: Option<Headers>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Headers {
    secret: Vec<String>,
    secret_query: Vec<String>,
    ordinary: Vec<String>,
    plain_query: Vec<String>,
    drop_when_rewritten: Vec<String>,
    prose: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    id: Text,
    name: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    sure: String,
    /// Its hosts are AI only in part: the listed paths are, all others are something else.
    #[serde(default)]
    partial: bool,
    #[serde(default)]
    trust: Option<Text>,
    #[serde(default)]
    hosts: Vec<Text>,
    #[serde(default)]
    auth: Vec<String>,
    /// Takes over the endpoints of another service.
    like: Option<Text>,
    #[serde(default)]
    endpoint: Vec<Rule>,
    notes: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct NarrowRule {
    path: Text,
    chars: Option<String>,
    max: Option<usize>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct TurnRule {
    list: Text,
    role: String,
    #[serde(default)]
    assistant: Vec<String>,
    #[serde(default)]
    system: Vec<String>,
    #[serde(default)]
    tool: Vec<String>,
    kind: Option<String>,
    #[serde(default)]
    assistant_kinds: Vec<String>,
    #[serde(default)]
    tool_kinds: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct EachRule {
    path: Text,
    adapter: Text,
}

/// An adapter, or an endpoint with the keys it sets itself.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: Option<Text>,
    #[serde(default)]
    #[expect(dead_code, reason = "kept in the files for their readers")]
    sure: Option<String>,
    method: Option<String>,
    path: Option<Text>,
    adapter: Option<Text>,
    inherit: Option<Text>,
    each: Option<EachRule>,
    by_model: Option<BTreeMap<String, Text>>,
    #[serde(default)]
    ws: Option<toml::Value>,
    content: Option<Text>,
    both_cases: Option<bool>,
    request: Option<Vec<Text>>,
    media: Option<Vec<Text>>,
    unreadable: Option<Vec<Text>>,
    strict: Option<Vec<Text>>,
    frozen: Option<Vec<Text>>,
    sealed: Option<Vec<Text>>,
    opaque: Option<Vec<Text>>,
    secret: Option<Vec<Text>>,
    system: Option<Vec<Text>>,
    tool: Option<Vec<Text>>,
    narrow: Option<Vec<NarrowRule>>,
    turns: Option<TurnRule>,
    response: Option<Vec<Text>>,
    response_keep: Option<Vec<Text>>,
    stream: Option<Text>,
    stream_join: Option<Vec<Text>>,
    stream_whole: Option<Vec<Text>>,
    stream_keep: Option<Vec<Text>>,
    #[serde(default)]
    stream_patch: Option<Vec<String>>,
    jsonl: Option<Vec<Text>>,
    signed: Option<Text>,
    audio: Option<Text>,
    action: Option<Text>,
    error: Option<Text>,
    drop_headers: Option<Vec<String>>,
    history: Option<bool>,
}

/// A path with the file it came from.
#[derive(Clone)]
struct Placed {
    entry: Entry,
    file: usize,
    span: Range<usize>,
}

/// An adapter with what it takes from others, before it is compiled.
#[derive(Clone, Default)]
struct Merged {
    id: String,
    paths: Vec<Placed>,
    fields: Vec<FieldRule>,
    narrow: Vec<Narrow>,
    turns: Option<Turns>,
    content: Content,
    stream: StreamKind,
    stream_patch: Vec<String>,
    error: Option<String>,
    signed: bool,
    drop_headers: Vec<String>,
    audio_blocks: bool,
    action: Action,
    history: bool,
    by_model: Vec<(String, String)>,
}

struct Loader<'f> {
    files: Vec<(&'f str, &'f str)>,
    faults: Vec<Fault>,
    rules: HashMap<String, (usize, Rule)>,
    errors: HashMap<String, Arc<ErrorShape>>,
    compiled: HashMap<String, Arc<Adapter>>,
}

/// Reads the shipped files and `extra`.
pub(super) fn load(extra: &[(&str, &str)]) -> Result<Providers, ProviderError> {
    let mut files: Vec<(&str, &str)> = SHIPPED
        .files()
        .filter_map(|f| Some((f.path().to_str()?, f.contents_utf8()?)))
        .filter(|(name, _)| name.ends_with(".toml"))
        .collect();
    files.sort_unstable();
    files.extend_from_slice(extra);
    let mut loader =
        Loader { files, faults: Vec::new(), rules: HashMap::new(), errors: HashMap::new(), compiled: HashMap::new() };
    let providers = loader.run();
    if loader.faults.is_empty() { Ok(providers) } else { Err(ProviderError { faults: loader.faults }) }
}

impl Loader<'_> {
    fn fault(&mut self, file: usize, span: &Range<usize>, what: impl Into<String>, cure: impl Into<String>) {
        let (name, text) = self.files.get(file).copied().unwrap_or(("?", ""));
        let at = span.start.min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        let source = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().to_owned();
        self.faults.push(Fault { file: name.to_owned(), line, column, source, what: what.into(), cure: cure.into() });
    }

    fn run(&mut self) -> Providers {
        let mut headers = HeaderRules::default();
        let mut services: Vec<(usize, Service)> = Vec::new();
        for i in 0..self.files.len() {
            let Some((_, text)) = self.files.get(i).copied() else { continue };
            let parsed: File = match toml::from_str(text) {
                Ok(file) => file,
                Err(e) => {
                    let span = e.span().unwrap_or(0..0);
                    self.fault(i, &span, e.message().to_owned(), "see docs: the keys of a provider file");
                    continue;
                }
            };
            for (id, shape) in parsed.error {
                let headers = shape.headers.into_iter().collect();
                let shape = ErrorShape { id: id.clone(), status: shape.status, headers, body: shape.body };
                self.errors.insert(id, Arc::new(shape));
            }
            if let Some(h) = parsed.headers {
                headers = HeaderRules {
                    secret: h.secret,
                    secret_query: h.secret_query,
                    ordinary: h.ordinary,
                    plain_query: h.plain_query,
                    drop_when_rewritten: h.drop_when_rewritten,
                    prose: h.prose,
                };
            }
            for rule in parsed.adapter {
                match &rule.id {
                    Some(id) => {
                        let id = id.get_ref().clone();
                        self.rules.insert(id, (i, rule));
                    }
                    None => self.fault(i, &(0..0), "an [[adapter]] has no id", "give it one"),
                }
            }
            for service in parsed.provider {
                services.retain(|(_, s)| s.id.get_ref() != service.id.get_ref());
                services.push((i, service));
            }
        }
        let mut providers = Providers {
            providers: Vec::new(),
            exact: HashMap::new(),
            below: HashMap::new(),
            inside: Vec::new(),
            headers,
            errors: HashMap::new(),
        };
        for (file, service) in &services {
            self.service(*file, service, &services, &mut providers);
        }
        providers.inside.sort_by_key(|(p, _)| std::cmp::Reverse(p.len() - p.matches('*').count()));
        providers.errors = std::mem::take(&mut self.errors);
        providers
    }

    fn service(&mut self, file: usize, service: &Service, all: &[(usize, Service)], out: &mut Providers) {
        let place = out.providers.len();
        let mut hosts = Vec::new();
        for host in &service.hosts {
            let pattern = host.get_ref().to_ascii_lowercase();
            if pattern.contains('/') || pattern.starts_with('.') || pattern.trim_matches(['*', '.']).is_empty() {
                self.fault(file, &host.span(), "this is no host name", "write host or *.domain or host:port");
                continue;
            }
            let twice = match pattern.strip_prefix("*.") {
                Some(domain) if !domain.contains('*') => out.below.insert(domain.to_owned(), place),
                _ if !pattern.contains('*') => out.exact.insert(pattern.clone(), place),
                _ => {
                    out.inside.push((pattern.clone(), place));
                    None
                }
            };
            if let Some(other) = twice.filter(|o| *o != place) {
                let other = out.providers.get(other).map_or("?", |p| p.id.as_str()).to_owned();
                self.fault(file, &host.span(), format!("this host already belongs to {other}"), "keep it in one place");
            }
            hosts.push(pattern);
        }
        let mut rules: Vec<(usize, &Rule)> = service.endpoint.iter().map(|rule| (file, rule)).collect();
        if let Some(like) = &service.like {
            match all.iter().find(|(_, s)| s.id.get_ref() == like.get_ref()) {
                Some((file, other)) => rules.extend(other.endpoint.iter().map(|rule| (*file, rule))),
                None => self.fault(file, &like.span(), "no service of this id", "name one of the provider files"),
            }
        }
        let trust_internal = match service.trust.as_ref().map(|t| t.get_ref().as_str()) {
            None | Some("outside") => false,
            Some("internal") => true,
            Some(_) => {
                let span = service.trust.as_ref().map_or(0..0, Spanned::span);
                self.fault(file, &span, "unknown trust", "write \"outside\" or \"internal\"");
                false
            }
        };
        let endpoints: Vec<EndpointRule> = rules.iter().filter_map(|(file, rule)| self.endpoint(*file, rule)).collect();
        let Some(wide) = self.adapter("wide", file, &service.id.span()) else { return };
        let error = endpoints.iter().map(|rule| &rule.endpoint.error).find(|e| e.id != "generic");
        let fallback = Endpoint {
            name: "unlisted".to_owned(),
            error: error.cloned().unwrap_or_else(|| wide.error.clone()),
            history_on_server: wide.history,
            adapter: wide,
            action: Action::Walk,
            known: false,
        };
        out.providers.push(Arc::new(Provider {
            id: service.id.get_ref().clone(),
            name: service.name.clone(),
            category: service.category.clone(),
            sure: service.sure.clone(),
            trust_internal,
            partial: service.partial,
            hosts,
            auth: service.auth.clone(),
            notes: service.notes.clone(),
            endpoints,
            fallback,
        }));
    }

    fn endpoint(&mut self, file: usize, rule: &Rule) -> Option<EndpointRule> {
        let Some(path) = &rule.path else {
            self.fault(file, &(0..0), "an endpoint has no path", "give it one");
            return None;
        };
        let glob = match PathGlob::parse(path.get_ref()) {
            Ok(glob) => glob,
            Err(what) => {
                self.fault(file, &path.span(), what, "`*` in one segment, `**` any number, `{a,b}` alternatives");
                return None;
            }
        };
        let blocks = rule.action.as_ref().is_some_and(|a| matches!(a.get_ref().as_str(), "block" | "pass"));
        let base = match &rule.adapter {
            Some(adapter) => (adapter.get_ref().as_str(), adapter.span()),
            None if blocks => ("wide", path.span()),
            None => {
                self.fault(file, &path.span(), "this endpoint has no adapter", "name one, or an action");
                return None;
            }
        };
        // Keys that the endpoint sets itself replace the adapter's.
        let own = Rule { id: None, method: None, path: None, adapter: None, ws: None, sure: None, ..rule.clone() };
        let plain = own.lists().iter().all(|(_, l)| l.is_none())
            && own.turns.is_none()
            && own.error.is_none()
            && own.signed.is_none()
            && own.audio.is_none()
            && own.action.is_none()
            && own.content.is_none()
            && own.stream.is_none()
            && own.history.is_none();
        let (adapter, by_model) = if plain {
            let adapter = self.adapter(base.0, file, &base.1)?;
            (adapter, self.merged(base.0, file, &base.1, 0).map(|m| m.by_model).unwrap_or_default())
        } else {
            let mut merged = self.merged(base.0, file, &base.1, 0)?;
            self.apply(&mut merged, file, &own, true);
            let by_model = merged.by_model.clone();
            (Arc::new(self.compile(merged)?), by_model)
        };
        let make = |adapter: Arc<Adapter>| Endpoint {
            name: path.get_ref().clone(),
            action: adapter.action,
            known: true,
            history_on_server: adapter.history,
            error: adapter.error.clone(),
            adapter,
        };
        let mut models = Vec::new();
        for (model, id) in by_model {
            let mut merged = self.merged(&id, file, &base.1, 0)?;
            // Framing, signature and refusals stay those of the carrier.
            merged.signed = adapter.signed;
            merged.stream = adapter.stream;
            merged.error = Some(adapter.error.id.clone());
            models.push((model, make(Arc::new(self.compile(merged)?))));
        }
        Some(EndpointRule {
            method: rule.method.clone().unwrap_or_else(|| "*".to_owned()),
            ws: matches!(rule.ws, Some(toml::Value::Boolean(true))),
            path: glob,
            endpoint: make(adapter),
            by_model: models,
        })
    }

    fn adapter(&mut self, id: &str, file: usize, span: &Range<usize>) -> Option<Arc<Adapter>> {
        if let Some(done) = self.compiled.get(id) {
            return Some(done.clone());
        }
        let merged = self.merged(id, file, span, 0)?;
        let adapter = Arc::new(self.compile(merged)?);
        self.compiled.insert(id.to_owned(), adapter.clone());
        Some(adapter)
    }

    fn merged(&mut self, id: &str, file: usize, span: &Range<usize>, depth: usize) -> Option<Merged> {
        let Some((own_file, rule)) = self.rules.get(id).cloned() else {
            let mut known: Vec<&str> = self.rules.keys().map(String::as_str).collect();
            known.sort_unstable();
            let cure = format!("one of: {}", known.join(", "));
            self.fault(file, span, format!("no adapter {id:?}"), cure);
            return None;
        };
        if depth > 4 {
            self.fault(file, span, "adapters take from each other in a circle", "break it");
            return None;
        }
        let mut merged = Merged::default();
        if let Some(base) = &rule.inherit {
            merged = self.merged(base.get_ref(), own_file, &base.span(), depth + 1)?;
        }
        merged.id = id.to_owned();
        if let Some(each) = &rule.each {
            let part = self.merged(each.adapter.get_ref(), own_file, &each.adapter.span(), depth + 1)?;
            let prefix = each.path.get_ref();
            for mut placed in part.paths {
                let answers = matches!(
                    placed.entry.list,
                    List::Response | List::ResponseKeep | List::StreamJoin | List::StreamWhole | List::StreamKeep
                );
                if !answers {
                    placed.entry.path = format!("{prefix}.{}", placed.entry.path);
                    merged.paths.push(placed);
                }
            }
            merged.narrow = part.narrow;
            merged.turns = part.turns;
        }
        self.apply(&mut merged, own_file, &rule, false);
        Some(merged)
    }

    /// Adds (or, for an endpoint's own keys, replaces) what a rule sets.
    fn apply(&mut self, merged: &mut Merged, file: usize, rule: &Rule, replace: bool) {
        let both_cases = rule.both_cases.unwrap_or(false);
        for (list, paths) in rule.lists() {
            let Some(paths) = paths else { continue };
            if replace {
                merged.paths.retain(|p| p.entry.list != list);
                merged.fields.retain(|f| f.list != list);
            }
            for path in paths {
                self.path(merged, file, list, path, both_cases, 0);
            }
        }
        for path in rule.jsonl.iter().flatten() {
            // Lines of a file are requests of their own; read as JSON lines.
            self.path(merged, file, List::Request, path, both_cases, 0);
        }
        for narrow in rule.narrow.iter().flatten() {
            let ordinal = merged.narrow.len();
            merged.narrow.push(Narrow { chars: narrow.chars.clone(), max: narrow.max });
            self.path(merged, file, List::Narrow, &narrow.path, both_cases, ordinal);
        }
        if let Some(t) = &rule.turns {
            merged.paths.retain(|p| p.entry.list != List::Turns);
            self.path(merged, file, List::Turns, &t.list, both_cases, 0);
            merged.turns = Some(Turns {
                role: t.role.clone(),
                assistant: t.assistant.clone(),
                system: t.system.clone(),
                tool: t.tool.clone(),
                kind: t.kind.clone(),
                assistant_kinds: t.assistant_kinds.clone(),
                tool_kinds: t.tool_kinds.clone(),
            });
        }
        if let Some(stream) = &rule.stream {
            match StreamKind::of(stream.get_ref()) {
                Some(kind) => merged.stream = kind,
                None => self.fault(file, &stream.span(), "unknown stream", "see the list in locate::adapter"),
            }
        }
        if let Some(content) = &rule.content {
            merged.content = match content.get_ref().as_str() {
                "json" => Content::Json,
                "multipart" => Content::Multipart,
                "form" => Content::Form,
                "file" => Content::File,
                "protobuf" => Content::Protobuf,
                "auto" => Content::Auto,
                _ => {
                    let cure = "json, multipart, form, file, protobuf or auto";
                    self.fault(file, &content.span(), "unknown content", cure);
                    Content::Auto
                }
            };
        }
        if let Some(action) = &rule.action {
            merged.action = match action.get_ref().as_str() {
                "walk" => Action::Walk,
                "block" => Action::Block,
                "pass" => Action::Pass,
                "block-on-finding" => Action::BlockOnFinding,
                _ => {
                    self.fault(file, &action.span(), "unknown action", "walk, block, pass or block-on-finding");
                    Action::Block
                }
            };
        }
        if let Some(signed) = &rule.signed {
            if signed.get_ref() != "sigv4" {
                self.fault(file, &signed.span(), "unknown signature", "\"sigv4\"");
            }
            merged.signed = true;
        }
        if let Some(audio) = &rule.audio {
            if audio.get_ref() != "block" {
                self.fault(file, &audio.span(), "unknown treatment of speech", "\"block\"");
            }
            merged.audio_blocks = true;
        }
        if let Some(error) = &rule.error {
            let id = match error.get_ref().as_str() {
                "auto" => "generic",
                id => id,
            };
            if !self.errors.contains_key(id) {
                let mut known: Vec<&str> = self.errors.keys().map(String::as_str).collect();
                known.sort_unstable();
                let cure = format!("one of: {}", known.join(", "));
                self.fault(file, &error.span(), format!("no [error.{id}]"), cure);
            }
            merged.error = Some(id.to_owned());
        }
        if let Some(models) = &rule.by_model {
            merged.by_model = models.iter().map(|(k, v)| (k.clone(), v.get_ref().clone())).collect();
        }
        if let Some(history) = rule.history {
            merged.history = history;
        }
        merged.drop_headers.extend(rule.drop_headers.iter().flatten().cloned());
        merged.stream_patch.extend(rule.stream_patch.iter().flatten().cloned());
    }

    fn path(&mut self, merged: &mut Merged, file: usize, list: List, path: &Text, both_cases: bool, ordinal: usize) {
        let source = path.get_ref();
        if let Some(special) = source.strip_prefix('@') {
            match field_rule(list, special) {
                Some(rule) => merged.fields.push(rule),
                None => {
                    let cure = "@body, @filename, @field:NAME, @file:GLOB or @query:NAME";
                    self.fault(file, &path.span(), "unknown part of a body", cure);
                }
            }
            return;
        }
        let entry = Entry { list, path: source.clone(), ordinal, both_cases };
        merged.paths.push(Placed { entry, file, span: path.span() });
    }

    fn compile(&mut self, merged: Merged) -> Option<Adapter> {
        let entries: Vec<Entry> = merged.paths.iter().map(|p| p.entry.clone()).collect();
        let paths = match PathSet::compile(&entries) {
            Ok(paths) => paths,
            Err((i, e)) => {
                if let Some(placed) = merged.paths.get(i) {
                    let (file, span) = (placed.file, placed.span.start + e.at.min(placed.span.len()));
                    let mut what = String::new();
                    let written = write!(what, "{} in the path {:?}", e.what, placed.entry.path);
                    debug_assert!(written.is_ok());
                    self.fault(file, &(span..span), what, "names, *, **, [*], [n], [index], [key=value], |decoder");
                }
                return None;
            }
        };
        let error = self.errors.get(merged.error.as_deref().unwrap_or("generic")).cloned().unwrap_or_else(|| {
            Arc::new(ErrorShape {
                id: "generic".to_owned(),
                status: 403,
                headers: Vec::new(),
                body: "{\"error\":{\"message\":\"{message}\"}}".to_owned(),
            })
        });
        Some(Adapter {
            id: merged.id,
            content: merged.content,
            paths,
            fields: merged.fields,
            narrow: merged.narrow,
            turns: merged.turns,
            stream: merged.stream,
            stream_patch: merged.stream_patch,
            error,
            signed: merged.signed,
            drop_headers: merged.drop_headers,
            audio_blocks: merged.audio_blocks,
            action: merged.action,
            history: merged.history,
        })
    }
}

impl Rule {
    fn lists(&self) -> [(List, &Option<Vec<Text>>); 15] {
        [
            (List::Request, &self.request),
            (List::Media, &self.media),
            (List::Unreadable, &self.unreadable),
            (List::Strict, &self.strict),
            (List::Frozen, &self.frozen),
            (List::Sealed, &self.sealed),
            (List::Opaque, &self.opaque),
            (List::Secret, &self.secret),
            (List::System, &self.system),
            (List::Tool, &self.tool),
            (List::Response, &self.response),
            (List::ResponseKeep, &self.response_keep),
            (List::StreamJoin, &self.stream_join),
            (List::StreamWhole, &self.stream_whole),
            (List::StreamKeep, &self.stream_keep),
        ]
    }
}

fn field_rule(list: List, special: &str) -> Option<FieldRule> {
    let (special, decoder) = match special.split_once('|') {
        Some((rest, "json")) => (rest, Some(Decoder::Json)),
        Some((rest, "json**")) => (rest, Some(Decoder::JsonDeep)),
        Some(_) => return None,
        None => (special, None),
    };
    let (scope, name) = match special.split_once(':') {
        Some(("field", name)) => (FieldScope::Field, name),
        Some(("query", name)) => (FieldScope::Query, name),
        Some(("file", name)) => (FieldScope::File, name),
        None if special == "body" => (FieldScope::Body, "*"),
        None if special == "filename" => (FieldScope::FileName, "*"),
        _ => return None,
    };
    Some(FieldRule { list, scope, name: name.to_owned(), decoder })
}
