//! One JSON document of an answer (an event, an array element, a whole body): which of its strings are texts, of what
//! nature, which fragments belong together, and how an extra fragment of the same shape is written.
//! Reads by the adapter's lists. Must not know: framing, what was said before.

use std::convert::Infallible;

use crate::locate::json::{At, Kind, Step, Tape, Visitor};
use crate::locate::path::{Decoder, List, PathSet, Pattern, snake_case};
use crate::locate::provider::StreamKind;

/// What a text is, and so what may happen to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// The answer itself: may end with the note.
    Speech,
    /// Other text for people (titles, refusals, citations).
    Text,
    /// Arguments of a tool, as JSON source or as plain text; the tool by name where the document tells it.
    Tool { json: bool, tool: Tool },
    /// Thinking, signatures, sealed blocks: as they came, remembered for the way back.
    Sealed,
    /// Per-token data: as they came.
    Ignored,
}

/// Which tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Named(String),
    /// Named by an earlier event.
    Earlier,
    /// Run by the service: never restored.
    Server,
}

/// Which fragments make one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The path as the adapter writes it.
    pub(crate) source: String,
    /// Values of `[index]` steps, outermost first.
    pub(crate) ids: Vec<String>,
    /// `index`, `item_id`, `output_index` … at the top of the event.
    pub(crate) root: Vec<(&'static str, String)>,
}

/// A string that is a text.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) token: usize,
    pub(crate) nature: Nature,
    /// A fragment of a joined text; `None` for a whole one.
    pub(crate) key: Option<Key>,
    /// Which choice or candidate it stands in.
    pub(crate) choice: String,
    /// The containers it stands in, outermost first: what [`template`] needs.
    pub(crate) trail: Vec<usize>,
}

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) leaves: Vec<Leaf>,
    /// `type`, `event`, `event_type` of the document, or the event's name.
    pub(crate) event: String,
    /// Identifying scalars at the top.
    pub(crate) root: Vec<(&'static str, String)>,
    /// Choices or candidates that end here.
    pub(crate) ended: Vec<String>,
    /// Tools named here, by the ids that their argument fragments carry.
    pub(crate) tools: Vec<(Vec<String>, Tool)>,
    /// `content_block.type` or the like: what begins here.
    pub(crate) begins: Option<String>,
    /// The token of the top's `sequence_number`.
    pub(crate) sequence: Option<(usize, u64)>,
    /// The whole answer is at its end (`done: true`).
    pub(crate) done: bool,
    /// The document is the provider's error.
    pub(crate) error: bool,
}

const ROOT_IDS: [&str; 6] = ["index", "item_id", "output_index", "content_index", "summary_index", "id"];
const SEALED_KEYS: [&str; 12] = [
    "thinking",
    "reasoning",
    "reasoning_content",
    "reasoning_text",
    "reasoningContent",
    "signature",
    "thoughtSignature",
    "thought_signature",
    "encrypted_content",
    "redactedContent",
    "thoughts",
    "compaction",
];
const SEALED_TYPES: [&str; 6] =
    ["thinking", "redacted_thinking", "reasoning", "compaction", "compaction_delta", "reasoning_text"];
const IGNORED_KEYS: [&str; 6] =
    ["logprobs", "top_logprobs", "logprobsResult", "logprobs_result", "obfuscation", "bytes"];
/// What names and orders things and is never prose.
const STRUCTURE_KEYS: [&str; 12] = [
    "type",
    "id",
    "role",
    "status",
    "object",
    "model",
    "call_id",
    "item_id",
    "tool_use_id",
    "toolUseId",
    "mimeType",
    "mime_type",
];
const TOOL_KEYS: [&str; 8] = [
    "function",
    "function_call",
    "functionCall",
    "custom",
    "toolCall",
    "tool_call",
    "executableCode",
    "executable_code",
];
/// Steps that hold arguments in their own right.
const JSON_KEYS: [&str; 2] = ["arguments", "partial_json"];
/// Keys of the answer itself.
const SPEECH_KEYS: [&str; 6] = ["content", "text", "delta", "completion", "response", "answer"];

/// Reads a document: a piece of a stream, or a whole body (`streamed` false), where the lists of streams say nothing.
pub(crate) fn read(tape: &Tape<'_>, paths: &PathSet, kind: StreamKind, streamed: bool, event: Option<&str>) -> Seen {
    let mut reader = Reader { seen: Seen::default(), paths, kind, streamed, frames: Vec::new() };
    reader.top(tape, event);
    // Infallible by type.
    let Ok(()) = tape.walk(paths, &mut reader);
    reader.seen
}

#[derive(Clone)]
struct Frame {
    token: usize,
    sealed: bool,
    ignored: bool,
    tool: Option<Tool>,
    /// `type` of the object.
    kind: Option<String>,
}

struct Reader<'p> {
    seen: Seen,
    paths: &'p PathSet,
    kind: StreamKind,
    streamed: bool,
    frames: Vec<Frame>,
}

fn member(tape: &Tape<'_>, token: usize, key: &str) -> Option<usize> {
    tape.members(token, key).next()
}

fn text(tape: &Tape<'_>, token: usize, key: &str) -> Option<String> {
    member(tape, token, key)
        .filter(|value| tape.kind(*value) == Some(Kind::String))
        .map(|value| tape.string(value).into_owned())
}

fn scalar(tape: &Tape<'_>, token: usize, key: &str) -> Option<String> {
    member(tape, token, key).and_then(|value| match tape.kind(value) {
        Some(Kind::String) => Some(tape.string(value).into_owned()),
        Some(Kind::Number) => Some(tape.raw(value).to_owned()),
        _ => None,
    })
}

impl Reader<'_> {
    fn top(&mut self, tape: &Tape<'_>, event: Option<&str>) {
        let name = match self.kind {
            StreamKind::Dify => "event",
            StreamKind::GeminiInteractions => "event_type",
            _ => "type",
        };
        let seen = &mut self.seen;
        seen.event = text(tape, 0, name).or_else(|| event.map(str::to_owned)).unwrap_or_default();
        for key in ROOT_IDS {
            // `id` names the answer, and a text only where texts have ids of their own.
            if key == "id" && self.kind != StreamKind::VercelUi {
                continue;
            }
            if let Some(value) = scalar(tape, 0, key) {
                seen.root.push((key, value));
            }
        }
        seen.sequence = member(tape, 0, "sequence_number")
            .and_then(|token| tape.raw(token).parse().ok().map(|number| (token, number)));
        seen.done = member(tape, 0, "done").is_some_and(|token| tape.kind(token) == Some(Kind::True));
        seen.error = seen.event == "error"
            || member(tape, 0, "error").is_some_and(|token| {
                matches!(tape.kind(token), Some(Kind::Object | Kind::String)) && seen.event.is_empty()
            });
        for key in ["content_block", "item", "part", "step"] {
            if let Some(block) = member(tape, 0, key) {
                seen.begins = text(tape, block, "type");
                if let Some(tool) = self.tool_of(tape, block, None) {
                    let ids = self.tool_ids();
                    self.seen.tools.push((ids, tool));
                }
                break;
            }
        }
    }

    /// The ids by which an event stream's argument fragments are tied to the tool's name.
    fn tool_ids(&self) -> Vec<String> {
        tool_ids(&self.seen.root)
    }

    /// The tool that an object calls, by its `type` or by the key it stands under.
    fn tool_of(&self, tape: &Tape<'_>, token: usize, key: Option<&str>) -> Option<Tool> {
        let kind = text(tape, token, "type").unwrap_or_default();
        let named = || text(tape, token, "name").map_or(Tool::Earlier, Tool::Named);
        match kind.as_str() {
            "tool_use" | "function_call" | "custom_tool_call" => Some(named()),
            // Built-in tools that the client runs, called by the type itself.
            "apply_patch_call" | "local_shell_call" | "shell_call" | "computer_call" => {
                Some(Tool::Named(kind.trim_end_matches("_call").to_owned()))
            }
            _ if kind.ends_with("_call") || kind.ends_with("_tool_use") => Some(Tool::Server),
            _ if matches!(key, Some("executableCode" | "executable_code")) => Some(Tool::Server),
            _ if key.is_some_and(|key| TOOL_KEYS.contains(&key)) => Some(named()),
            _ => None,
        }
    }

    /// Values of the `[index]` steps of a path.
    fn ids(&self, at: &At<'_, '_>, pattern: &Pattern) -> Vec<String> {
        let mut ids = Vec::new();
        let mut step = 0;
        for segment in segments(&pattern.source) {
            match segment {
                Segment::Name => step += 1,
                Segment::Bracket(inside) => {
                    let Some(Step::Index(position)) = at.path.get(step) else {
                        // A condition on the object itself.
                        continue;
                    };
                    step += 1;
                    if inside == "*" || inside.contains('=') || inside.bytes().all(|b| b.is_ascii_digit()) {
                        continue;
                    }
                    let element = self.frames.get(step).map(|frame| frame.token);
                    let value = element.and_then(|element| {
                        scalar(at.tape, element, inside).or_else(|| scalar(at.tape, element, &snake_case(inside)))
                    });
                    ids.push(value.unwrap_or_else(|| position.to_string()));
                }
            }
        }
        ids
    }

    /// The `index` of the outermost array element, which is the choice or candidate.
    fn choice(&self, at: &At<'_, '_>) -> String {
        let Some((depth, position)) = at.path.iter().enumerate().find_map(|(depth, step)| match step {
            Step::Index(position) => Some((depth, *position)),
            Step::Key(_) => None,
        }) else {
            return String::new();
        };
        let element = self.frames.get(depth + 1).map(|frame| frame.token);
        element.and_then(|element| scalar(at.tape, element, "index")).unwrap_or_else(|| position.to_string())
    }

    fn nature(&self, at: &At<'_, '_>, pattern: &Pattern) -> Nature {
        let own = own_key(at).unwrap_or_default();
        let frame = self.frames.last();
        let event = self.seen.event.as_str();
        if IGNORED_KEYS.contains(&own)
            || STRUCTURE_KEYS.contains(&own)
            || frame.is_some_and(|frame| frame.ignored || own == "name" && frame.tool.is_some())
        {
            return Nature::Ignored;
        }
        if SEALED_KEYS.contains(&own)
            || frame.is_some_and(|frame| frame.sealed)
            || at.doubtful
            || matches!(pattern.list, List::StreamKeep | List::ResponseKeep)
            || event.contains("reasoning")
        {
            return Nature::Sealed;
        }
        let json = matches!(pattern.decoder, Some(Decoder::Json | Decoder::JsonDeep)) || JSON_KEYS.contains(&own);
        if let Some(tool) = frame.and_then(|frame| frame.tool.clone()) {
            return Nature::Tool { json, tool };
        }
        let event_of_tool = event.contains("_call") || event.contains("tool");
        if json || event_of_tool {
            let tool = if event.contains("mcp_call") || event.contains("code_interpreter") {
                Tool::Server
            } else {
                text(at.tape, 0, "name").map_or(Tool::Earlier, Tool::Named)
            };
            return Nature::Tool { json, tool };
        }
        if self.is_speech(at, pattern, own) { Nature::Speech } else { Nature::Text }
    }

    fn is_speech(&self, at: &At<'_, '_>, pattern: &Pattern, own: &str) -> bool {
        let event = self.seen.event.as_str();
        if event.contains("refusal") || event.contains("transcript") || event.contains("summary") {
            return false;
        }
        let parent = at.path.iter().rev().nth(1);
        let frame_kind = self.frames.last().and_then(|frame| frame.kind.as_deref());
        match pattern.list {
            List::StreamJoin => SPEECH_KEYS.contains(&own),
            List::StreamWhole => {
                own == "text"
                    && (event == "response.output_text.done"
                        || (frame_kind == Some("output_text") && event.starts_with("response.")))
            }
            _ => match own {
                "content" => matches!(parent, Some(Step::Key(key)) if key == "message"),
                "text" => match frame_kind {
                    Some(kind) => matches!(kind, "text" | "output_text"),
                    None => matches!(parent, Some(Step::Index(_))) && !pattern.free,
                },
                "completion" | "response" | "answer" => at.path.len() == 1,
                _ => false,
            },
        }
    }
}

/// An extra document of the same shape that carries a text in the place of `leaf` and nothing else that counts: JSON
/// before and after the text.
pub(crate) fn template(tape: &Tape<'_>, leaf: &Leaf) -> (String, String) {
    let mut before = String::new();
    let mut end = String::from("\"");
    for (depth, container) in leaf.trail.iter().enumerate() {
        let child = leaf.trail.get(depth + 1).copied().unwrap_or(leaf.token);
        if tape.kind(*container) == Some(Kind::Object) {
            before.push('{');
            keep_members(tape, *container, child, depth == 0, &mut before);
        } else {
            before.push('[');
        }
    }
    for container in leaf.trail.iter().rev() {
        end.push(if tape.kind(*container) == Some(Kind::Object) { '}' } else { ']' });
    }
    before.push('"');
    (before, end)
}

/// The members that an extra fragment keeps, and the key of the one it is about.
fn keep_members(tape: &Tape<'_>, object: usize, but: usize, top: bool, out: &mut String) {
    let mut at = object + 1;
    let mut own = None;
    for _ in 0..tape.children(object) {
        let (key, value) = (at, at + 1);
        at = next(tape, value);
        if value == but {
            own = Some(key);
            continue;
        }
        let kind = tape.kind(value);
        let plain = !matches!(kind, Some(Kind::Object | Kind::Array));
        let kept = match tape.string(key).as_ref() {
            "sequence_number" | "obfuscation" => continue,
            _ if top && plain => None,
            _ if top && kind == Some(Kind::Array) => Some("[]"),
            "index" | "type" | "thought" | "jsonPath" | "json_path" if plain => None,
            "role" if tape.raw(value) == "model" => None,
            "finish_reason" => Some("null"),
            _ => continue,
        };
        quoted(tape.raw(key), out);
        out.push(':');
        match kept {
            Some(other) => out.push_str(other),
            None if kind == Some(Kind::String) => quoted(tape.raw(value), out),
            None => out.push_str(tape.raw(value)),
        }
        out.push(',');
    }
    if let Some(key) = own {
        quoted(tape.raw(key), out);
        out.push(':');
    }
}

fn quoted(raw: &str, out: &mut String) {
    out.push('"');
    out.push_str(raw);
    out.push('"');
}

/// The token after the value at `token`.
fn next(tape: &Tape<'_>, token: usize) -> usize {
    let mut at = token + 1;
    match tape.kind(token) {
        Some(Kind::Object) => {
            for _ in 0..tape.children(token) {
                at = next(tape, at + 1);
            }
        }
        Some(Kind::Array) => {
            for _ in 0..tape.children(token) {
                at = next(tape, at);
            }
        }
        _ => {}
    }
    at
}

/// `output_index` or `index`: what ties argument fragments to their item.
pub(crate) fn tool_ids(root: &[(&'static str, String)]) -> Vec<String> {
    ["output_index", "index"]
        .iter()
        .find_map(|key| root.iter().find(|(name, _)| name == key))
        .map(|(_, value)| vec![value.clone()])
        .unwrap_or_default()
}

fn own_key<'a>(at: &'a At<'_, '_>) -> Option<&'a str> {
    at.path.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(key.as_ref()),
        Step::Index(_) => None,
    })
}

impl Visitor for Reader<'_> {
    type Error = Infallible;

    fn key(&mut self, _at: &At<'_, '_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn enter(&mut self, at: &At<'_, '_>) -> Result<(), Infallible> {
        let tape = at.tape;
        let key = match at.path.last() {
            Some(Step::Key(key)) => Some(key.as_ref()),
            _ => None,
        };
        let above = self.frames.last();
        let mut frame = Frame {
            token: at.token,
            sealed: above.is_some_and(|frame| frame.sealed) || key.is_some_and(|key| SEALED_KEYS.contains(&key)),
            ignored: above.is_some_and(|frame| frame.ignored) || key.is_some_and(|key| IGNORED_KEYS.contains(&key)),
            tool: above.and_then(|frame| frame.tool.clone()),
            kind: None,
        };
        if tape.kind(at.token) == Some(Kind::Object) {
            let kind = text(tape, at.token, "type");
            frame.sealed |= kind.as_deref().is_some_and(|kind| SEALED_TYPES.contains(&kind))
                || member(tape, at.token, "thought").is_some_and(|token| tape.kind(token) == Some(Kind::True));
            frame.kind = kind;
            // The event itself is no tool: its name and type speak of the stream.
            if !at.path.is_empty() && frame.tool.is_none() {
                frame.tool = self.tool_of(tape, at.token, key);
            }
            if let Some(Tool::Named(name)) = &frame.tool
                && key.is_some_and(|key| TOOL_KEYS.contains(&key))
            {
                // Chat: the name comes once, the arguments in many chunks.
                let mut ids = Vec::new();
                for (depth, step) in at.path.iter().enumerate() {
                    if let Step::Index(position) = step {
                        let element = self.frames.get(depth + 1).map(|frame| frame.token);
                        let index = element.and_then(|element| scalar(tape, element, "index"));
                        ids.push(index.unwrap_or_else(|| position.to_string()));
                    }
                }
                self.seen.tools.push((ids, Tool::Named(name.clone())));
            }
        }
        self.frames.push(frame);
        Ok(())
    }

    fn leave(&mut self, _at: &At<'_, '_>) -> Result<(), Infallible> {
        self.frames.pop();
        Ok(())
    }

    fn scalar(&mut self, at: &At<'_, '_>) -> Result<(), Infallible> {
        let tape = at.tape;
        if tape.kind(at.token) != Some(Kind::String) {
            return Ok(());
        }
        if let Some(Step::Key(key)) = at.path.last()
            && matches!(key.as_ref(), "finish_reason" | "finishReason")
            && !tape.raw(at.token).is_empty()
            && at.path.iter().any(|step| matches!(step, Step::Index(_)))
        {
            self.seen.ended.push(self.choice(at));
        }
        let event = self.seen.event.as_str();
        let of = |pattern: &Pattern, lists: [List; 3]| {
            lists.contains(&pattern.list) && !pattern.int && pattern.applies_to(event)
        };
        let stream = |pattern: &Pattern| of(pattern, [List::StreamJoin, List::StreamWhole, List::StreamKeep]);
        let body = |pattern: &Pattern| of(pattern, [List::Response, List::ResponseKeep, List::ResponseKeep]);
        let streamed = if self.streamed { self.paths.best(at.matched, stream) } else { None };
        let Some(pattern) = streamed.or_else(|| self.paths.best(at.matched, body)) else {
            // Signatures stand in no list: they are not restored, but what passed is remembered.
            if own_key(at).is_some_and(|key| SEALED_KEYS.contains(&key)) {
                let choice = self.choice(at);
                self.seen.leaves.push(Leaf {
                    token: at.token,
                    nature: Nature::Sealed,
                    key: None,
                    choice,
                    trail: Vec::new(),
                });
            }
            return Ok(());
        };
        let nature = self.nature(at, pattern);
        if nature == Nature::Ignored {
            return Ok(());
        }
        let joined = matches!(pattern.list, List::StreamJoin | List::StreamKeep);
        let key = joined.then(|| Key {
            source: pattern.source.clone(),
            ids: self.ids(at, pattern),
            root: if pattern.event.is_some() || self.kind == StreamKind::VercelUi {
                self.seen.root.clone()
            } else {
                Vec::new()
            },
        });
        let trail = self.frames.iter().map(|frame| frame.token).collect();
        let leaf = Leaf { token: at.token, nature, key, choice: self.choice(at), trail };
        self.seen.leaves.push(leaf);
        Ok(())
    }
}

enum Segment<'s> {
    Name,
    Bracket(&'s str),
}

/// The steps of a path as the adapter writes it, event and decoder apart.
fn segments(source: &str) -> impl Iterator<Item = Segment<'_>> {
    let path = source.split('|').next().unwrap_or_default();
    let path = path.split_once(':').map_or(path, |(_, path)| path);
    path.split('.').flat_map(|part| {
        let mut pieces = part.split('[');
        let name = pieces.next().filter(|name| !name.is_empty()).map(|_| Segment::Name);
        name.into_iter().chain(pieces.map(|inside| Segment::Bracket(inside.trim_end_matches(']'))))
    })
}
