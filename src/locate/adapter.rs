//! What one wire format is: where its texts lie, how its stream is framed, how a refusal looks.
//! Made by `table` from the provider files; only read here. Must not know: hosts, what a secret is.

use std::sync::Arc;

use super::path::{Decoder, List, PathSet, glob_match};

/// One wire format.
#[derive(Debug)]
pub struct Adapter {
    pub id: String,
    pub content: Content,
    /// All paths of all lists.
    pub paths: PathSet,
    /// Form fields, query parameters, parts and file names.
    pub fields: Vec<FieldRule>,
    pub narrow: Vec<Narrow>,
    pub turns: Option<Turns>,
    pub stream: StreamKind,
    /// JSON-patch paths of web applications' streams, as written (`v@/message/content/parts/*`).
    pub stream_patch: Vec<String>,
    pub error: Arc<ErrorShape>,
    /// The signature covers the body: a finding blocks unless the request is signed with a bearer key.
    pub signed: bool,
    /// Header names dropped when the body changes, beside the shared ones.
    pub drop_headers: Vec<String>,
    /// Speech, which pattern engines cannot read.
    pub audio_blocks: bool,
    /// What this adapter does unless the endpoint says otherwise.
    pub action: Action,
    /// The service keeps what was said, so tokens of earlier requests may come back.
    pub history: bool,
}

/// What a body is expected to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    #[default]
    Json,
    Multipart,
    Form,
    File,
    Protobuf,
    /// By Content-Type, then by looking.
    Auto,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Searched, may be masked.
    #[default]
    Walk,
    /// Refused, whatever it holds.
    Block,
    /// Goes through unread, recorded as `allowed_unchecked`.
    Pass,
    /// Searched, cannot be rewritten: a finding blocks.
    BlockOnFinding,
}

/// Limits of what a service takes in a field.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// `A-Za-z0-9_-` form.
    pub chars: Option<String>,
    /// Code points.
    pub max: Option<usize>,
}

/// Who speaks in a list of messages.
#[derive(Clone, Debug)]
pub struct Turns {
    /// The key that names the speaker.
    pub role: String,
    pub assistant: Vec<String>,
    pub system: Vec<String>,
    pub tool: Vec<String>,
    /// The key that names the kind of item, where items without a speaker exist.
    pub kind: Option<String>,
    pub assistant_kinds: Vec<String>,
    pub tool_kinds: Vec<String>,
}

/// Where a field rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldScope {
    /// `@field:NAME`: form fields and plain parts.
    Field,
    /// `@query:NAME`.
    Query,
    /// `@file:GLOB`: parts that are files, by file name.
    File,
    /// `@filename`.
    FileName,
    /// `@body`.
    Body,
}

/// A rule for what is no JSON leaf.
#[derive(Clone, Debug)]
pub struct FieldRule {
    pub list: List,
    pub scope: FieldScope,
    /// `*` for any run of characters.
    pub name: String,
    pub decoder: Option<Decoder>,
}

impl Adapter {
    /// The rule for a field of this name: the one that spells out most of it.
    #[must_use]
    pub fn field(&self, scope: FieldScope, name: &str) -> Option<&FieldRule> {
        self.fields
            .iter()
            .filter(|rule| rule.scope == scope && glob_match(rule.name.as_bytes(), name.as_bytes()))
            .max_by_key(|rule| rule.name.bytes().filter(|b| *b != b'*').count())
    }
}

/// How an answer comes in pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamKind {
    None,
    /// By content type.
    #[default]
    Auto,
    OpenAiChat,
    OpenAiResponses,
    OpenAiAssistants,
    Anthropic,
    /// SSE with `alt=sse`, one JSON array without.
    Gemini,
    GeminiInteractions,
    Cohere,
    OllamaNdjson,
    /// NDJSON whose lines are restored whole.
    Ndjson,
    JsonRpc,
    /// SSE whose events are restored whole.
    Sse,
    VercelUi,
    Dify,
    ChatGptDelta,
    DeepSeekDelta,
    GoogleChunked,
    EventStreamConverse,
    EventStreamInvoke,
    EventStream,
}

impl StreamKind {
    /// The name in the provider files, or `None`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "auto" => Self::Auto,
            "sse-openai-chat" => Self::OpenAiChat,
            "sse-openai-responses" => Self::OpenAiResponses,
            "sse-openai-assistants" => Self::OpenAiAssistants,
            "sse-anthropic" => Self::Anthropic,
            "sse-gemini" => Self::Gemini,
            "sse-gemini-interactions" => Self::GeminiInteractions,
            "sse-cohere" => Self::Cohere,
            "ndjson-ollama" => Self::OllamaNdjson,
            "ndjson-auto" => Self::Ndjson,
            "sse-jsonrpc" => Self::JsonRpc,
            "sse-auto" => Self::Sse,
            "sse-vercel-ui" => Self::VercelUi,
            "sse-dify" => Self::Dify,
            "sse-chatgpt-delta" => Self::ChatGptDelta,
            "sse-deepseek-delta" => Self::DeepSeekDelta,
            "google-chunked" => Self::GoogleChunked,
            "eventstream-converse" => Self::EventStreamConverse,
            "eventstream-invoke" => Self::EventStreamInvoke,
            "eventstream-auto" => Self::EventStream,
            _ => return None,
        })
    }
}

/// How a service says no, so that its clients show it and do not try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorShape {
    pub id: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// With `{message}`, `{message_ascii}`, `{record}`, `{request_id}`, `{page}`.
    pub body: String,
}
