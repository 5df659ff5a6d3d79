//! A stand-in AI service for the demonstration and the tests: TLS on loopback, the shapes of OpenAI, Anthropic and
//! Gemini, streamed or not. It answers with the user's own last text and keeps every request it got, so that one can see
//! what left the house. Some models behave otherwise: `stand-in-cut` breaks off in the middle, `stand-in-silent` never
//! answers, `stand-in-error` says no and quotes the text, `stand-in-tools` calls the tools that it was offered.
//! Must not know: the gate.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Collected, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::wire::task::Tasks;
use crate::wire::tls::provider;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Got {
    pub host: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A running stand-in. It ends when it is dropped.
pub struct Standin {
    pub address: SocketAddr,
    /// PEM of the authority that signed its certificate.
    pub root_pem: String,
    got: Arc<Mutex<Vec<Got>>>,
    forgets: Arc<AtomicBool>,
    tasks: Tasks,
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.tasks.end_now();
    }
}

impl Standin {
    /// Start one that calls itself by these names.
    ///
    /// # Errors
    /// When no port or certificate can be had.
    pub async fn start(names: &[&str]) -> anyhow::Result<Self> {
        let (root_pem, config) = certificates(names)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let forgets: Arc<AtomicBool> = Arc::default();
        let (kept, dropped) = (got.clone(), Arc::clone(&forgets));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let tasks = Tasks::new();
        let connections = tasks.clone();
        tasks.spawn("stand-in", async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, got, forgets) = (acceptor.clone(), kept.clone(), Arc::clone(&dropped));
                connections.spawn("stand-in connection", async move {
                    if socket.set_nodelay(true).is_err() {
                        return;
                    }
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let service = service_fn(move |request| {
                        let got = if forgets.load(Ordering::Relaxed) { Arc::default() } else { got.clone() };
                        answer(request, got)
                    });
                    let io = TokioIo::new(stream);
                    // A client that goes away is no fault of the stand-in.
                    let _ended = if h2 {
                        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                            .serve_connection(io, service)
                            .await
                    } else {
                        hyper::server::conn::http1::Builder::new()
                            .timer(TokioTimer::new())
                            .serve_connection(io, service)
                            .await
                    };
                });
            }
        });
        Ok(Self { address, root_pem, got, forgets, tasks })
    }

    /// Keep nothing from now on: for measuring.
    pub fn forget(&self) {
        self.forgets.store(true, Ordering::Relaxed);
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn certificates(names: &[&str]) -> anyhow::Result<(String, rustls::ServerConfig)> {
    let mut root = CertificateParams::new(Vec::new())?;
    root.distinguished_name.push(DnType::CommonName, "Tsuitate stand-in");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let leaf = CertificateParams::new(names)?.signed_by(&key, &root)?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((root.pem(), config))
}

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

async fn answer(request: Request<Incoming>, got: Arc<Mutex<Vec<Got>>>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    #[expect(clippy::disallowed_methods, reason = "limited right here")]
    let Ok(body) = Limited::new(body, 64 << 20).collect().await else {
        return Ok(reply(StatusCode::BAD_REQUEST, &json!({"error": {"message": "body"}})));
    };
    let body = body.to_bytes();
    let first = got.lock().unwrap_or_else(PoisonError::into_inner).first().map(|first| first.body.clone());
    got.lock().unwrap_or_else(PoisonError::into_inner).push(Got {
        host: parts
            .uri
            .authority()
            .map(ToString::to_string)
            .or_else(|| header(&parts.headers, "host"))
            .unwrap_or_default(),
        path: path.clone(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.to_vec(),
    });
    let asked: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let stream = asked.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let whole = match path.as_str() {
        "/v1/chat/completions" => chat(&asked, stream),
        "/v1/messages" => messages(&asked, stream),
        // The service keeps the conversation: it speaks of what was said first.
        "/v1/responses" if asked.get("previous_response_id").is_some() => {
            responses(&serde_json::from_slice(&first.unwrap_or_default()).unwrap_or(Value::Null), stream)
        }
        "/v1/responses" => responses(&asked, stream),
        path if path.contains(":streamGenerateContent") && path.contains("alt=sse") => gemini(&asked, true),
        path if path.contains(":streamGenerateContent") => gemini_array(&asked),
        path if path.contains(":generateContent") => gemini(&asked, false),
        _ => reply(
            StatusCode::NOT_FOUND,
            &json!({"error": {"message": "the stand-in knows no such path", "type": "not_found"}}),
        ),
    };
    let named = |word: &str| asked["model"].as_str().is_some_and(|model| model == word) || path.contains(word);
    if named("stand-in-silent") {
        std::future::pending::<()>().await;
    }
    if named("stand-in-error") {
        let text = said(&last_text(&asked["messages"], "content"));
        let error = json!({"error": {"message": text, "type": "invalid_request_error", "param": null, "code": null}});
        return Ok(reply(StatusCode::BAD_REQUEST, &error));
    }
    if named("stand-in-tools") {
        return Ok(tools(&asked));
    }
    if named("stand-in-cut") {
        return Ok(cut(whole));
    }
    if header(&parts.headers, "accept-encoding").is_some_and(|codings| codings.contains("gzip")) {
        return Ok(packed(whole).await);
    }
    Ok(whole)
}

/// An answer in one piece, packed as every service does it.
#[expect(clippy::disallowed_methods, reason = "the body is limited")]
async fn packed(whole: Answer) -> Answer {
    let (mut parts, body) = whole.into_parts();
    let body = Limited::new(body, 64 << 20).collect().await.map(Collected::to_bytes).unwrap_or_default();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing into memory does not fail.
    let _infallible = packed.write_all(&body);
    parts.headers.insert("content-encoding", http::HeaderValue::from_static("gzip"));
    let body = Bytes::from(packed.finish().unwrap_or_default());
    Response::from_parts(parts, Full::new(body).map_err(std::io::Error::other).boxed())
}

/// The same answer, broken off after some of its frames; a single frame is broken off in its middle.
fn cut(whole: Answer) -> Answer {
    whole.map(|body| {
        let broken = || Err(std::io::Error::other("the stand-in broke off"));
        let frames = body.into_data_stream().take(6).map(|frame| match frame {
            Ok(bytes) if bytes.starts_with(b"{") => Ok(Frame::data(bytes.slice(..bytes.len() / 2))),
            frame => frame.map(Frame::data),
        });
        let end = futures_util::stream::once(async move {
            // What came before is on its way first.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            broken()
        });
        BodyExt::boxed(StreamBody::new(frames.chain(end)))
    })
}

fn header(headers: &http::HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// All texts below a message's content, joined.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn last_text(list: &Value, content: &str) -> String {
    list.as_array().and_then(|list| list.last()).and_then(|last| last.get(content)).map(text_of).unwrap_or_default()
}

fn said(text: &str) -> String {
    format!("承りました。いただいた文面は次のとおりです。\n{text}")
}

/// Pieces of three letters: every token is cut somewhere.
fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(3).map(|piece| piece.iter().collect()).collect()
}

fn chat(asked: &Value, stream: bool) -> Answer {
    let text = said(&last_text(&asked["messages"], "content"));
    let model = asked["model"].clone();
    if !stream {
        return reply(
            StatusCode::OK,
            &json!({"id": "chatcmpl-standin", "object": "chat.completion", "created": 1, "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        );
    }
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-standin", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        .to_string()
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(pieces(&text).into_iter().map(|piece| chunk(json!({"content": piece}), Value::Null)));
    events.push(chunk(json!({}), json!("stop")));
    events.push("[DONE]".to_owned());
    sse(events.into_iter().map(|data| format!("data: {data}\n\n")).collect())
}

/// Calls every tool that was offered, with the user's last text as its argument.
fn tools(asked: &Value) -> Answer {
    let text = json!({"text": last_text(&asked["messages"], "content")}).to_string();
    let names = asked["tools"].as_array().into_iter().flatten().map(|tool| tool["function"]["name"].clone());
    let calls: Vec<Value> = names
        .enumerate()
        .map(|(number, name)| {
            json!({"id": format!("call_standin00000{number}"), "type": "function",
                "function": {"name": name, "arguments": text}})
        })
        .collect();
    reply(
        StatusCode::OK,
        &json!({"id": "chatcmpl-standin", "object": "chat.completion", "created": 1, "model": asked["model"],
            "choices": [{"index": 0, "finish_reason": "tool_calls",
                "message": {"role": "assistant", "content": null, "tool_calls": calls}}]}),
    )
}

fn messages(asked: &Value, stream: bool) -> Answer {
    let text = said(&last_text(&asked["messages"], "content"));
    let head = json!({"id": "msg_standin", "type": "message", "role": "assistant", "model": asked["model"],
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}});
    if !stream {
        let mut whole = head;
        whole["content"] = json!([{"type": "text", "text": text}]);
        whole["stop_reason"] = json!("end_turn");
        return reply(StatusCode::OK, &whole);
    }
    let mut events = vec![
        ("message_start", json!({"type": "message_start", "message": head})),
        (
            "content_block_start",
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
    ];
    events.extend(pieces(&text).into_iter().map(|piece| {
        (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}),
        )
    }));
    events.push(("content_block_stop", json!({"type": "content_block_stop", "index": 0})));
    events.push(("message_delta", json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 1}})));
    events.push(("message_stop", json!({"type": "message_stop"})));
    sse(events.into_iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect())
}

fn gemini(asked: &Value, stream: bool) -> Answer {
    let text = said(&last_text(&asked["contents"], "parts"));
    let part = |text: &str, finish: Option<&str>| {
        let mut candidate = json!({"content": {"role": "model", "parts": [{"text": text}]}, "index": 0});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        json!({"candidates": [candidate], "modelVersion": "stand-in"})
    };
    if !stream {
        return reply(StatusCode::OK, &part(&text, Some("STOP")));
    }
    let mut events: Vec<Value> = pieces(&text).iter().map(|piece| part(piece, None)).collect();
    events.push(part("", Some("STOP")));
    sse(events.into_iter().map(|data| format!("data: {data}\r\n\r\n")).collect())
}

fn gemini_array(asked: &Value) -> Answer {
    let text = said(&last_text(&asked["contents"], "parts"));
    let pieces = pieces(&text);
    let last = pieces.len().saturating_sub(1);
    let elements = pieces.iter().enumerate().map(|(number, piece)| {
        let finish = if number == last { json!("STOP") } else { Value::Null };
        let element = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": piece}]},
            "finishReason": finish, "index": 0}], "modelVersion": "stand-in"});
        format!("{}{element}{}", if number == 0 { "[" } else { ",\r\n" }, if number == last { "\n]" } else { "" })
    });
    let mut response = sse(elements.collect());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn responses(asked: &Value, stream: bool) -> Answer {
    let input = match &asked["input"] {
        Value::String(text) => text.clone(),
        list => last_text(list, "content"),
    };
    let text = said(&input);
    let item = |text: &str, status: &str| {
        json!({"type": "message", "id": "msg_standin0000001", "status": status, "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": []}]})
    };
    let whole = |status: &str, output: Value| {
        json!({"id": "resp_standin0000001", "object": "response", "created_at": 1, "status": status,
            "model": asked["model"], "output": output,
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})
    };
    if !stream {
        return reply(StatusCode::OK, &whole("completed", json!([item(&text, "completed")])));
    }
    let at = |extra: Value| {
        let mut event = json!({"item_id": "msg_standin0000001", "output_index": 0, "content_index": 0});
        if let (Some(event), Value::Object(extra)) = (event.as_object_mut(), extra) {
            event.extend(extra);
        }
        event
    };
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let mut events = vec![
        ("response.created", json!({"response": whole("in_progress", json!([]))})),
        (
            "response.output_item.added",
            json!({"output_index": 0, "item": {"type": "message",
            "id": "msg_standin0000001", "status": "in_progress", "role": "assistant", "content": []}}),
        ),
        ("response.content_part.added", at(json!({"part": part("")}))),
    ];
    events.extend(pieces(&text).iter().map(|piece| ("response.output_text.delta", at(json!({"delta": piece})))));
    events.extend([
        ("response.output_text.done", at(json!({"text": text}))),
        ("response.content_part.done", at(json!({"part": part(&text)}))),
        ("response.output_item.done", json!({"output_index": 0, "item": item(&text, "completed")})),
        ("response.completed", json!({"response": whole("completed", json!([item(&text, "completed")]))})),
    ]);
    let framed = events.into_iter().enumerate().map(|(number, (name, mut data))| {
        data["type"] = json!(name);
        data["sequence_number"] = json!(number);
        format!("event: {name}\ndata: {data}\n\n")
    });
    sse(framed.collect())
}

fn reply(status: StatusCode, body: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).map_err(std::io::Error::other).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn sse(events: Vec<String>) -> Answer {
    let frames = futures_util::stream::iter(events).then(|event| async move {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        Ok::<_, std::io::Error>(Frame::data(Bytes::from(event)))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(frames)));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}
