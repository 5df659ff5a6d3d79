//! Taking a request apart, writing edits back, reading it again: bytes of body per second.
//! `cargo bench --no-default-features --bench locate`

#![expect(clippy::panic, reason = "a bench that cannot begin has nothing to say")]

use divan::Bencher;
use divan::counter::BytesCount;
use tsuitate::locate::json::Tape;
use tsuitate::locate::provider::{Endpoint, Providers};
use tsuitate::locate::sse::Splitter;
use tsuitate::locate::{Edit, Head};
use tsuitate::unpack::{Limits, Located, open};

fn main() {
    divan::main();
}

/// A chat of about `kib` KiB, half of it Japanese prose, with tool calls; `ascii`: written with escapes.
fn chat(kib: usize, ascii: bool) -> Vec<u8> {
    let mut messages = vec![serde_json::json!({"role": "system", "content": "あなたは病院の事務を助けます。"})];
    let mut size = 0;
    while size < kib * 1024 {
        let said =
            "患者の山田太郎さん（六十八歳）は昨日から発熱し、外来で採血をしました。HbA1c 7.2%、CRP 3.1 mg/dL。\n"
                .repeat(4);
        let code = "for (const row of rows) { if (row.id === 42) { total += row.amount * 1.1; } }\n".repeat(6);
        size += said.len() + code.len() + 300;
        messages.push(serde_json::json!({"role": "user", "content": [{"type": "text", "text": said}]}));
        let call = serde_json::json!({"path": "/tmp/a.txt", "text": "鈴木花子の紹介状"}).to_string();
        let call = serde_json::json!({"id": "call_9Fz3kQ1xYpLmN8", "type": "function", "function": {"name": "write", "arguments": call}});
        messages.push(serde_json::json!({"role": "assistant", "content": code, "tool_calls": [call]}));
    }
    let text = serde_json::json!({"model": "gpt-4o", "messages": messages, "stream": true}).to_string();
    if !ascii {
        return text.into_bytes();
    }
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out.into_bytes()
}

struct Set {
    providers: Providers,
    head: Head,
    endpoint: Endpoint,
}

impl Set {
    fn new() -> Self {
        let providers = Providers::shipped().unwrap_or_else(|e| panic!("{e}"));
        let path = "/v1/chat/completions";
        let host = providers.host("api.openai.com", 443).unwrap_or_else(|| panic!("no host"));
        let endpoint = host.endpoint("POST", path, false);
        let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        let head = Head { method: "POST".to_owned(), path_and_query: path.to_owned(), headers };
        Self { providers, head, endpoint }
    }

    fn open(&self, body: &[u8]) -> Located {
        open(&self.head, body, &self.endpoint, self.providers.headers(), &Limits::default())
            .unwrap_or_else(|e| panic!("{e}"))
    }
}

fn edits(located: &Located) -> Vec<Edit> {
    let mut out = Vec::new();
    for (i, text) in located.texts().iter().enumerate() {
        for name in ["山田太郎", "鈴木花子"] {
            let hits = text.text.match_indices(name).take(2);
            out.extend(hits.map(|(at, _)| Edit { text: i, range: at..at + 12, with: "[患者:7K3Q2F9M]".to_owned() }));
        }
    }
    out
}

#[divan::bench]
fn providers() -> Providers {
    Providers::shipped().unwrap_or_else(|e| panic!("{e}"))
}

#[divan::bench(args = [8, 200])]
fn read_tape(bencher: Bencher<'_, '_>, kib: usize) {
    let body = String::from_utf8(chat(kib, false)).unwrap_or_default();
    bencher.counter(BytesCount::of_slice(&body)).bench(|| Tape::read(&body, 127, 1_000_000).is_ok());
}

#[divan::bench(args = [(2, false), (8, false), (200, false), (200, true)])]
fn open_body(bencher: Bencher<'_, '_>, (kib, ascii): (usize, bool)) {
    let (set, body) = (Set::new(), chat(kib, ascii));
    bencher.counter(BytesCount::of_slice(&body)).bench(|| set.open(&body));
}

#[divan::bench(args = [(8, false), (200, false), (200, true)])]
fn splice(bencher: Bencher<'_, '_>, (kib, ascii): (usize, bool)) {
    let (set, body) = (Set::new(), chat(kib, ascii));
    let located = set.open(&body);
    let edits = edits(&located);
    bencher.counter(BytesCount::of_slice(&body)).bench(|| located.splice(&edits));
}

#[divan::bench(args = [(8, false), (200, false), (200, true)])]
fn verify(bencher: Bencher<'_, '_>, (kib, ascii): (usize, bool)) {
    let (set, body) = (Set::new(), chat(kib, ascii));
    let located = set.open(&body);
    let edits = edits(&located);
    let out = located.splice(&edits).unwrap_or_else(|e| panic!("{e}"));
    bencher.counter(BytesCount::of_slice(&body)).bench(|| located.verify(&out, &edits).is_ok());
}

#[divan::bench]
fn split_events(bencher: Bencher<'_, '_>) {
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"患者\"}}]}\n\n".repeat(2000);
    bencher.counter(BytesCount::of_slice(&event)).bench(|| {
        let mut splitter = Splitter::new(1 << 20);
        let mut n = 0;
        for chunk in event.as_bytes().chunks(1400) {
            splitter.push(chunk);
            while let Ok(Some(event)) = splitter.next_event() {
                n += event.data().map_or(0, |d| d.len());
            }
        }
        n
    });
}
