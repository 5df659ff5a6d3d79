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
    /// Stands in the house, as its file says: it needs no entry in the register. It is searched, masked and recorded like every
    /// other.
    pub trust_internal: bool,
    /// The hosts are AI only in part: the endpoints of the table are, every other path is something else.
    pub partial: bool,
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
            // An endpoint for any method also takes an upgrade.
            if rule.ws != ws && (rule.ws || rule.method != "*") {
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

    /// A request to this endpoint goes to an AI. What else a host serves that is AI only in part is opened and searched
    /// all the same, and needs nobody's approval.
    #[must_use]
    pub fn is_ai(&self, endpoint: &Endpoint) -> bool {
        !self.partial || endpoint.known
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Providers {
        Providers::shipped().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn every_host_of_the_files_is_found() {
        let providers = shipped();
        assert!(providers.all().count() >= 48);
        assert!(providers.host_patterns().len() >= 600, "{}", providers.host_patterns().len());
        for provider in providers.all() {
            for pattern in &provider.hosts {
                let host = pattern.replace('*', "jp1");
                let (host, port) = host.split_once(':').map_or((host.as_str(), 443), |(h, p)| (h, p.parse().unwrap()));
                let found = providers.host(host, port).unwrap_or_else(|| panic!("{pattern} is not found"));
                if !pattern.contains('*') {
                    assert_eq!(found.id, provider.id, "{pattern}");
                }
            }
        }
    }

    #[test]
    fn the_longest_literal_part_wins() {
        let providers = shipped();
        let id = |host: &str| providers.host(host, 443).map(|p| p.id.clone());
        assert_eq!(id("api.openai.com").as_deref(), Some("openai"));
        assert_eq!(id("API.OpenAI.com.").as_deref(), Some("openai"));
        assert_eq!(id("platform.openai.com").as_deref(), Some("openai-sites"));
        assert_eq!(id("chat.openai.com").as_deref(), Some("chatgpt"));
        assert_eq!(id("hospital.openai.azure.com").as_deref(), Some("azure-openai"));
        assert_eq!(id("api.anthropic.com").as_deref(), Some("anthropic"));
        assert_eq!(id("console.anthropic.com").as_deref(), Some("claude-web"));
        assert_eq!(id("generativelanguage.googleapis.com").as_deref(), Some("google-gemini-api"));
        assert_eq!(id("asia-northeast1-aiplatform.googleapis.com").as_deref(), Some("google-vertex"));
        assert_eq!(id("bedrock-runtime.ap-northeast-1.amazonaws.com").as_deref(), Some("aws-bedrock"));
        for not in
            ["www.example.jp", "openai.com.example.jp", "notapi.openai.co", "amazonaws.com", "x.y.amazonaws.com", ""]
        {
            assert_eq!(id(not), None, "{not}");
        }
    }

    #[test]
    fn endpoints() {
        let providers = shipped();
        let at =
            |host: &str, method: &str, path: &str, ws| providers.host(host, 443).unwrap().endpoint(method, path, ws);
        let chat = at("api.openai.com", "POST", "/v1/chat/completions?x=1", false);
        assert_eq!(
            (chat.name.as_str(), chat.adapter.id.as_str(), chat.known),
            ("/v1/chat/completions", "openai-chat", true)
        );
        assert!(!chat.history_on_server);
        let responses = at("api.openai.com", "POST", "/v1/responses", false);
        assert!(responses.history_on_server && responses.known);
        assert_eq!(at("api.openai.com", "GET", "/v1/responses", true).adapter.id, "openai-responses-ws");
        let unknown = at("api.openai.com", "POST", "/v1/patients/1234567", false);
        assert_eq!((unknown.name.as_str(), unknown.known, unknown.error.id.as_str()), ("unlisted", false, "openai"));
        assert_eq!(unknown.adapter.id, "wide");
        let gemini = at(
            "generativelanguage.googleapis.com",
            "POST",
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            false,
        );
        assert_eq!((gemini.adapter.id.as_str(), gemini.adapter.stream), ("gemini-generate", StreamKind::Gemini));
        let bedrock = "bedrock-runtime.ap-northeast-1.amazonaws.com";
        let claude = at(bedrock, "POST", "/model/jp.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke", false);
        assert_eq!((claude.adapter.id.as_str(), claude.adapter.signed), ("anthropic-messages", true));
        assert_eq!(claude.error.id, "bedrock");
        let title = at(bedrock, "POST", "/model/amazon.titan-text/invoke", false);
        assert_eq!(title.adapter.id, "bedrock-invoke");
        assert_eq!(at("chatgpt.livekit.cloud", "GET", "/rtc", false).action, Action::Block);
        assert_eq!(at("api.openai.com", "GET", "/v1/models", false).action, Action::Pass);
        let image = at("api.openai.com", "POST", "/v1/audio/transcriptions", false);
        assert!(image.adapter.audio_blocks);
    }

    #[test]
    fn a_hospital_names_its_own_server() {
        let file = "[[provider]]\nid = \"ward-llm\"\nname = \"LLM of the ward\"\ncategory = \"self-hosted\"\nsure = \"doc\"\n\
            trust = \"internal\"\nlike = \"self-hosted\"\nhosts = [\"llm.example.lan:8000\"]\n";
        let providers = Providers::with_files(&[("site.toml", file)]).unwrap();
        assert!(providers.host("llm.example.lan", 443).is_none());
        let own = providers.host("llm.example.lan", 8000).unwrap();
        assert!(own.trust_internal);
        assert_eq!(own.endpoint("POST", "/v1/chat/completions", false).adapter.id, "openai-chat");
        assert_eq!(own.endpoint("POST", "/api/chat", false).adapter.id, "ollama");
    }

    #[test]
    fn of_hosts_that_are_ai_only_in_part_the_ai_paths_are_ai() {
        let providers = shipped();
        let is_ai = |host: &str, path: &str| {
            let provider = providers.host(host, 443).unwrap_or_else(|| panic!("{host}"));
            assert!(provider.partial, "{host}");
            ["GET", "POST"].map(|method| provider.is_ai(&provider.endpoint(method, path, false)))
        };
        for (host, ai, other) in [
            ("www.bing.com", "/ttranslatev3?isVertical=1", "/search?q=x"),
            ("www.bing.com", "/turing/conversation/create", "/"),
            ("edge.microsoft.com", "/translate/translatetext", "/extensionwebstorebase/v1/crx"),
            ("duckduckgo.com", "/duckchat/v1/chat", "/?q=x"),
            ("kagi.com", "/assistant", "/search"),
            ("search.brave.com", "/api/chatllm/raw", "/search"),
            ("us02web.zoom.us", "/ai-companion/ask", "/j/1234567890"),
            ("api.zoom.us", "/v2/meetings/1/meeting_summary", "/v2/users/me/meetings"),
            ("learn.microsoft.com", "/api/mcp", "/ja-jp/windows/"),
            ("learn.microsoft.com", "/ja-jp/assistant/x", "/"),
            ("graph.microsoft.com", "/v1.0/copilot/retrieval", "/v1.0/me/messages"),
            ("substrate.office.com", "/m365Copilot/Chat", "/search/api/v2/query"),
            ("www.canva.com", "/_ajax/magicwrite/run", "/design/1/edit"),
            ("translate.google.com", "/_/TranslateWebserverUi/data/batchexecute", "/favicon.ico"),
            ("www.notion.so", "/api/v3/runInferenceTranscript", "/api/v3/loadPageChunk"),
            ("app.slack.com", "/api/ai.summarize", "/api/chat.postMessage"),
            ("uptodate.com", "/services/app/expert-ai/ask", "/contents/search"),
        ] {
            assert_eq!(is_ai(host, ai), [true, true], "{host}{ai}");
            assert_eq!(is_ai(host, other), [false, false], "{host}{other}");
        }
        let openai = providers.get("openai").unwrap();
        assert!(openai.is_ai(&openai.endpoint("POST", "/v1/unheard-of", false)), "all of api.openai.com is AI");
    }

    #[test]
    fn the_example_of_the_readme_is_read() {
        let readme = include_str!("../../patterns/providers/README.md");
        let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let providers = Providers::with_files(&[("site.toml", example)]).unwrap_or_else(|error| panic!("{error}"));
        assert!(providers.host("llm.example.lan", 8000).is_some());
    }

    #[test]
    fn faults_name_place_and_cure_all_at_once() {
        let bad = "[[adapter]]\nid = \"mine\"\nrequest = [\"a.b\", \"a[\"]\n\n\
            [[provider]]\nid = \"x\"\nname = \"x\"\ncategory = \"api\"\nsure = \"doc\"\nhosts = [\"https://x.example\"]\n\
            endpoint = [ { path = \"/a\", adapter = \"mine\" }, { path = \"/b\", adapter = \"nobodys\" } ]\n";
        let worse = "[[provider]]\nid = \"y\"\nnmae = \"y\"\n";
        let error = Providers::with_files(&[("bad.toml", bad), ("worse.toml", worse)]).unwrap_err();
        let shown = error.to_string();
        assert!(error.faults.len() >= 4, "{shown}");
        assert!(shown.contains("bad.toml:3:"), "{shown}");
        assert!(shown.contains("bad.toml:10:10: this is no host name"), "{shown}");
        assert!(shown.contains("worse.toml:3:1"), "{shown}");
        assert!(shown.contains("no adapter \"nobodys\"") && shown.contains("cure: one of:"), "{shown}");
        let host = error.faults.iter().find(|f| f.what == "this is no host name").unwrap();
        assert_eq!((host.source.as_str(), host.line, host.column), ("hosts = [\"https://x.example\"]", 10, 10));
        assert!(shown.contains("\n  hosts = [\"https://x.example\"]\n           ^\n  cure: "), "{shown}");
    }

    #[test]
    fn every_adapter_of_the_files_is_used_and_has_a_refusal() {
        let providers = shipped();
        for provider in providers.all() {
            for rule in &provider.endpoints {
                assert!((200..500).contains(&rule.endpoint.error.status), "{}", rule.endpoint.name);
                assert!(
                    rule.endpoint.error.body.contains("{message}") || rule.endpoint.error.body.contains("{page}"),
                    "{}",
                    rule.endpoint.error.id
                );
            }
        }
    }
}
