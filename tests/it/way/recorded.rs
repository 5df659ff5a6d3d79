//! Answers as the services give them (`recorded/`): restored for the client, put into its next request as the client does
//! it, and masked again to the bytes that the service wrote. Thinking, signatures and sealed blocks come and go untouched.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Value, json};
use tsuitate::wire::body::{BoxError, streamed};

use super::stand::{ANTHROPIC, GEMINI, HANAKO, OPENAI, Stand, TARO, nothing_of, sse, stand_in, text_of, tokens};
use crate::support::service::{Answer, Seen, Service, start_with};

const ASKED: &str = "患者：佐久間 春香（患者番号 0038412、電話 090-1234-5678）への案内文を書いてください。HbA1c 7.2% も入れてください。";
const NEXT: &str = "もう少し短くしてください。";
const SECRETS: [&str; 5] = ["佐久間", "春香", "0038412", "090-1234-5678", "7.2"];

/// One API: where it is asked, what stands around the turns, and how its client keeps an answer.
struct Api {
    host: &'static str,
    path: &'static str,
    before: &'static str,
    after: &'static str,
    user: fn(&str) -> Value,
    /// The turns that a client puts into its history for an answer: the last step before it asks again.
    kept: fn(&str) -> Vec<Value>,
    wire: &'static str,
    media: &'static str,
}

const SSE: &str = "text/event-stream";
const JSON: &str = "application/json";

fn message(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn content(text: &str) -> Value {
    json!({"role": "user", "parts": [{"text": text}]})
}

fn of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn add(to: &mut Value, more: &Value) {
    let text = format!("{}{}", to.as_str().unwrap_or_default(), more.as_str().unwrap_or_default());
    *to = Value::String(text);
}

/// With the result of each call, as every agent sends them.
fn with_results(message: Value) -> Vec<Value> {
    let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
    let results =
        calls.iter().map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "書き込みました。"}));
    let results: Vec<Value> = results.collect();
    std::iter::once(message).chain(results).collect()
}

fn chat_whole(body: &str) -> Vec<Value> {
    let message = of(body)["choices"][0]["message"].clone();
    with_results(json!({"role": "assistant", "content": message["content"], "tool_calls": message["tool_calls"]}))
}

fn chat_stream(body: &str) -> Vec<Value> {
    let (mut text, mut calls) = (Value::Null, Vec::<Value>::new());
    for event in sse(body) {
        let delta = &event["choices"][0]["delta"];
        add(&mut text, &delta["content"]);
        for part in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(part["index"].as_u64().unwrap()).unwrap();
            if calls.len() <= index {
                let name = &part["function"]["name"];
                calls.push(json!({"id": part["id"], "type": "function", "function": {"name": name, "arguments": ""}}));
            }
            add(&mut calls[index]["function"]["arguments"], &part["function"]["arguments"]);
        }
    }
    with_results(json!({"role": "assistant", "content": text, "tool_calls": calls}))
}

fn items(output: &Value) -> Vec<Value> {
    let mut items = output.as_array().unwrap().clone();
    let calls = items.iter().filter(|item| item["type"] == "function_call");
    let results: Vec<Value> = calls
        .map(|call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "書き込みました。"}))
        .collect();
    items.extend(results);
    items
}

fn responses_whole(body: &str) -> Vec<Value> {
    items(&of(body)["output"])
}

/// By the items that end one by one, which the last event repeats, and which the deltas add up to.
fn responses_stream(body: &str) -> Vec<Value> {
    let events = sse(body);
    let all = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
    let done: Vec<Value> = all("response.output_item.done").map(|event| event["item"].clone()).collect();
    let last = all("response.completed").next().unwrap();
    assert_eq!(last["response"]["output"], Value::Array(done.clone()));
    for (delta, whole) in [
        ("response.output_text.delta", &done[1]["content"][0]["text"]),
        ("response.function_call_arguments.delta", &done[2]["arguments"]),
        ("response.reasoning_summary_text.delta", &done[0]["summary"][0]["text"]),
    ] {
        let mut text = Value::Null;
        all(delta).for_each(|event| add(&mut text, &event["delta"]));
        assert_eq!(&text, whole, "{delta}");
    }
    items(&Value::Array(done))
}

fn blocks(content: &[Value]) -> Vec<Value> {
    let calls = content.iter().filter(|block| block["type"] == "tool_use");
    let results: Vec<Value> = calls
        .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "書き込みました。"}))
        .collect();
    vec![json!({"role": "assistant", "content": content}), json!({"role": "user", "content": results})]
}

fn messages_whole(body: &str) -> Vec<Value> {
    blocks(of(body)["content"].as_array().unwrap())
}

fn messages_stream(body: &str) -> Vec<Value> {
    let mut content: Vec<Value> = Vec::new();
    let mut arguments = Value::Null;
    for event in sse(body) {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                content.push(event["content_block"].clone());
                arguments = Value::Null;
            }
            "content_block_delta" => {
                let (block, delta) = (content.last_mut().unwrap(), &event["delta"]);
                match delta["type"].as_str().unwrap() {
                    "text_delta" => add(&mut block["text"], &delta["text"]),
                    "thinking_delta" => add(&mut block["thinking"], &delta["thinking"]),
                    "signature_delta" => add(&mut block["signature"], &delta["signature"]),
                    "input_json_delta" => add(&mut arguments, &delta["partial_json"]),
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" => {
                if let Some(text) = arguments.as_str() {
                    content.last_mut().unwrap()["input"] = of(text);
                }
            }
            _ => {}
        }
    }
    blocks(&content)
}

fn parts(parts: &[Value]) -> Vec<Value> {
    let calls = parts.iter().filter_map(|part| part.get("functionCall"));
    let results: Vec<Value> = calls
        .map(|call| json!({"functionResponse": {"name": call["name"], "response": {"result": "書き込みました。"}}}))
        .collect();
    vec![json!({"role": "model", "parts": parts}), json!({"role": "user", "parts": results})]
}

fn gemini_whole(body: &str) -> Vec<Value> {
    parts(of(body)["candidates"][0]["content"]["parts"].as_array().unwrap())
}

/// Pieces of a text are put together; thoughts, calls and what is signed stay parts of their own.
fn gemini_joined(elements: &[Value]) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for element in elements {
        for part in element["candidates"][0]["content"]["parts"].as_array().into_iter().flatten() {
            let shape = |part: &Value| part.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            match kept.last_mut().filter(|last| shape(last) == shape(part) && part.get("text").is_some()) {
                Some(last) => add(&mut last["text"], &part["text"]),
                None => kept.push(part.clone()),
            }
        }
    }
    parts(&kept)
}

fn gemini_stream(body: &str) -> Vec<Value> {
    gemini_joined(&sse(body))
}

fn gemini_array(body: &str) -> Vec<Value> {
    gemini_joined(of(body).as_array().unwrap())
}

macro_rules! api {
    ($host:expr, $path:expr, $before:expr, $after:expr, $user:expr, $kept:expr, $wire:literal, $media:expr) => {
        Api {
            host: $host,
            path: $path,
            before: $before,
            after: $after,
            user: $user,
            kept: $kept,
            wire: include_str!(concat!("recorded/", $wire)),
            media: $media,
        }
    };
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";
const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const STREAM: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
const ARRAY: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";

#[rustfmt::skip]
const APIS: [Api; 9] = [
    api!(OPENAI, CHAT, "{\"model\":\"m\",\"messages\":", "}", message, chat_whole, "chat.json", JSON),
    api!(OPENAI, CHAT, "{\"model\":\"m\",\"stream\":true,\"messages\":", "}", message, chat_stream, "chat.sse", SSE),
    api!(OPENAI, RESPONSES, "{\"store\":false,\"input\":", ",\"include\":[\"reasoning.encrypted_content\"]}", message, responses_whole, "responses.json", JSON),
    api!(OPENAI, RESPONSES, "{\"store\":false,\"input\":", ",\"stream\":true}", message, responses_stream, "responses.sse", SSE),
    api!(ANTHROPIC, MESSAGES, "{\"max_tokens\":1024,\"messages\":", "}", message, messages_whole, "messages.json", JSON),
    api!(ANTHROPIC, MESSAGES, "{\"stream\":true,\"max_tokens\":1024,\"messages\":", "}", message, messages_stream, "messages.sse", SSE),
    api!(GEMINI, GENERATE, "{\"contents\":", ",\"generationConfig\":{}}", content, gemini_whole, "gemini.json", JSON),
    api!(GEMINI, STREAM, "{\"contents\":", "}", content, gemini_stream, "gemini.sse", SSE),
    api!(GEMINI, ARRAY, "{\"contents\":", "}", content, gemini_array, "gemini.array.json", JSON),
];

impl Api {
    fn body(&self, turns: &[Value]) -> String {
        format!("{}{}{}", self.before, Value::Array(turns.to_vec()), self.after)
    }

    fn turns(&self, body: &str) -> Vec<Value> {
        let inner = body.strip_prefix(self.before).and_then(|rest| rest.strip_suffix(self.after));
        of(inner.unwrap_or_else(|| panic!("the frame changed: {body}"))).as_array().unwrap().clone()
    }
}

/// The recorded answer with the tokens of a request.
fn filled(wire: &str, asked: &str) -> String {
    let tokens = tokens(asked);
    let mut wire = wire.to_owned();
    for (number, token) in tokens.iter().enumerate() {
        let cut = token.char_indices().nth(5).unwrap().0;
        for (mark, with) in [("", token.as_str()), ("<", &token[..cut]), (">", &token[cut..])] {
            wire = wire.replace(&format!("«{}{mark}»", number + 1), with);
        }
    }
    assert!(!wire.contains('«'), "the request has {} tokens: {asked}", tokens.len());
    wire
}

/// What the service answers next: once, then nothing much.
type Next = Arc<Mutex<Option<(&'static str, String)>>>;

/// A gate before a service that gives recorded answers, in frames that end anywhere.
struct Played {
    stand: Stand,
    service: Service,
    next: Next,
}

async fn played() -> Played {
    let next: Next = Arc::default();
    let plays = Arc::clone(&next);
    let answer: Answer = Arc::new(move |seen: Seen| {
        let now = plays.lock().unwrap().take();
        Box::pin(async move {
            let (media, wire) = match now {
                Some((media, wire)) => (media, filled(&wire, &text_of(&seen.body))),
                None => (JSON, "{}".to_owned()),
            };
            let pieces = wire.as_bytes().chunks(61).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))));
            let frames: Vec<Result<Frame<Bytes>, BoxError>> = pieces.collect();
            let mut response = Response::new(streamed(StreamBody::new(futures_util::stream::iter(frames))));
            response.headers_mut().insert("content-type", media.parse().unwrap());
            response
        })
    });
    let service = start_with(answer, &[OPENAI, ANTHROPIC, GEMINI], &[b"h2", b"http/1.1"]).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("recorded.pem");
    std::fs::write(&root, &service.root_pem).unwrap();
    let at = service.tls_at.to_string();
    let upstream = json!({"extra_roots": [root], "resolve": {OPENAI: at, ANTHROPIC: at, GEMINI: at}});
    Played { stand: stand_in(folder, json!({"upstream": upstream})).await, service, next }
}

/// The first turn: what the service was sent, what it wrote, what the client got.
struct Turn {
    sent: String,
    wrote: String,
    got: String,
}

impl Played {
    async fn first(&self, api: &Api, wire: &str) -> Turn {
        *self.next.lock().unwrap() = Some((api.media, wire.to_owned()));
        let reply = self.stand.ask(Some(TARO), api.host, api.path, api.body(&[(api.user)(ASKED)])).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let sent = self.last();
        nothing_of(&SECRETS, &sent);
        Turn { wrote: filled(wire, &sent), sent, got: reply.body }
    }

    /// The next turn; what the service was sent.
    async fn second(&self, api: &Api, turns: &[Value]) -> String {
        let reply = self.stand.ask(Some(TARO), api.host, api.path, api.body(turns)).await;
        assert_eq!(reply.status, 200, "{}: {}", api.path, reply.body);
        self.last()
    }

    fn last(&self) -> String {
        text_of(&self.service.seen().last().unwrap().body)
    }
}

/// Everything in an answer that nobody may touch, wherever it stands.
fn sealed(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| sealed(value, found)),
        Value::Object(object) => {
            let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
            let whole = matches!(kind, "thinking" | "redacted_thinking" | "reasoning")
                || object.get("thought") == Some(&json!(true));
            if whole {
                found.push(value.to_string());
            } else {
                found.extend(object.get("thoughtSignature").map(Value::to_string));
                object.values().for_each(|value| sealed(value, found));
            }
        }
        _ => {}
    }
}

fn all_sealed(turns: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    turns.iter().for_each(|turn| sealed(turn, &mut found));
    found
}

fn conversation(api: &Api, kept: Vec<Value>, next: &str) -> Vec<Value> {
    std::iter::once((api.user)(ASKED)).chain(kept).chain(std::iter::once((api.user)(next))).collect()
}

/// What the service must get in the second turn: what it got in the first, what it wrote, what is new.
fn expected(api: &Api, turn: &Turn, kept: Vec<Value>) -> String {
    let mut turns = api.turns(&turn.sent);
    turns.extend(kept);
    turns.push((api.user)(NEXT));
    api.body(&turns)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_answer_comes_back_to_the_service_byte_for_byte_with_what_is_sealed_in_it() {
    let mut played = played().await;
    let mut first = Vec::new();
    for api in &APIS {
        first.push(played.first(api, api.wire).await);
    }
    // A gate that was restarted meanwhile knows it too.
    played.stand.newest().await;
    played.stand.restart().await;
    for (api, turn) in APIS.iter().zip(first) {
        let name = format!("{} {}", api.path, api.media);
        let (masked, shown) = ((api.kept)(&turn.wrote), (api.kept)(&turn.got));
        // The client sees words where the service wrote tokens, and only there.
        let seen = Value::Array(shown.clone()).to_string();
        for word in SECRETS {
            assert!(seen.contains(word), "{name}: {word} is not in {seen}");
        }
        let sealed = all_sealed(&masked);
        assert_eq!(sealed, all_sealed(&shown), "{name}: what is sealed was touched");
        assert_eq!(sealed.is_empty(), api.path == CHAT, "{name}");
        nothing_of(&SECRETS, &sealed.concat());
        let second = played.second(api, &conversation(api, shown, NEXT)).await;
        assert_eq!(second, expected(api, &turn, masked), "{name}");
    }
}

/// Chats of Google's SDKs keep each piece of a stream as a part of its own, thoughts too.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_back_in_its_pieces_says_the_same_to_the_service() {
    let played = played().await;
    for api in [&APIS[7], &APIS[8]] {
        let pieces = |wire: &str| -> Vec<Value> {
            let elements = if api.media == SSE { sse(wire) } else { of(wire).as_array().unwrap().clone() };
            elements.iter().map(|element| element["candidates"][0]["content"].clone()).collect()
        };
        let text = |body: &str| -> String {
            let parts = api.turns(body).into_iter().flat_map(|turn| turn["parts"].as_array().unwrap().clone());
            parts.filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
        };
        let turn = played.first(api, api.wire).await;
        let (wrote, got) = (pieces(&turn.wrote), pieces(&turn.got));
        let second = played.second(api, &conversation(api, got, NEXT)).await;
        // A token stands in the piece that ends it, not in two halves; all else is equal.
        assert_eq!(text(&second), text(&expected(api, &turn, wrote.clone())));
        for sealed in all_sealed(&wrote) {
            assert!(second.contains(&sealed), "{sealed} in {second}");
        }
    }
}

/// A sealed block that passed to one person passes again for that person alone, whatever stands in it; the text beside it
/// is masked as any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_block_passes_again_for_whom_it_was_made_and_what_stands_beside_it_is_masked() {
    let played = played().await;
    let thought = "照会先の公的番号は 123456789018 のようだ。佐久間様と呼ぶ。";
    let beside = "呼び方は春香様でお願いします。連絡先は 090-1234-5678 です。";
    for api in [&APIS[4], &APIS[5], &APIS[6], &APIS[7]] {
        let wire = api.wire.replace("丁寧な文面にする。", thought).replace("宛て。", &format!("宛て。{thought}"));
        let turn = played.first(api, &wire).await;
        let turns = conversation(api, (api.kept)(&turn.got), beside);
        let before = played.service.seen().len();
        let other = played.stand.ask(Some(HANAKO), api.host, api.path, api.body(&turns)).await;
        assert_eq!(other.status, 400, "what this person never got was let through: {}", other.body);
        assert_eq!(played.stand.newest().await.0["reasons"][0]["code"], "signed_text");
        assert_eq!(played.service.seen().len(), before);
        let second = played.second(api, &turns).await;
        let blocks = all_sealed(&(api.kept)(&turn.wrote));
        assert!(blocks.iter().any(|block| block.contains(thought)), "{blocks:?}");
        let mut open = second.clone();
        for block in &blocks {
            assert!(second.contains(block.as_str()), "{block} in {second}");
            open = open.replace(block.as_str(), "");
        }
        nothing_of(&SECRETS, &open);
        nothing_of(&["123456789018"], &open);
        // In its place: every turn of the model's is as the service wrote it.
        let kept = (api.kept)(&turn.wrote);
        assert_eq!(api.turns(&second)[1..=kept.len()], kept[..]);
    }
}
