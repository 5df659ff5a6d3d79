//! Restoring: bytes of answer text and of streamed answers a second. `cargo bench --bench restore`.

#![expect(clippy::expect_used, reason = "a bench ends at the first fault")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use tsuitate::detect::Kind;
use tsuitate::locate::provider::{Adapter, Providers};
use tsuitate::mask::label::Language;
use tsuitate::mask::token::{Code, Length, Suffix, write};
use tsuitate::mask::{TokenKey, WordMap};
use tsuitate::restore::scan::{Rules, Scanner};
use tsuitate::restore::{Codes, Restorer, Settings, Take};

fn main() {
    divan::main();
}

const WORDS: usize = 40;

fn code(word: &str) -> Code {
    Code::compute(&TokenKey::new([5; 32]), "person", &[word], Length::Seven)
}

fn map() -> WordMap {
    let mut map = WordMap::new();
    for number in 0..WORDS {
        let word = format!("患者{number}");
        map.insert(code(&word), Suffix::default(), &word, Kind::PersonName, false);
    }
    map
}

fn token(number: usize) -> String {
    write("患者", &code(&format!("患者{}", number % WORDS)), &Suffix::default(), None, Language::Ja)
}

/// A token every 200 characters or so.
fn text(sentence: &str, bytes: usize) -> String {
    let mut out = String::new();
    let mut number = 0;
    while out.len() < bytes {
        (0..4).for_each(|_| out.push_str(sentence));
        out.push_str(&token(number));
        number += 1;
    }
    out
}

const JAPANESE: &str =
    "本日外来を受診された患者さまは、先週からの発熱と咳が続いており、胸部の聴診では異常を認めませんでした。";
const ENGLISH: &str =
    "The patient was seen today in clinic with a one week history of fever and cough, without chest findings. ";
const CODE: &str = "    let total: u64 = items.iter().map(|item| item.price * item.count).sum(); // see [1]\n";

fn scan(bencher: Bencher<'_, '_>, sentence: &str) {
    let text = text(sentence, 1 << 20);
    let codes = Arc::new(Codes::new(&map(), Take::All));
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut scanner = Scanner::new(Arc::clone(&codes), Rules::text(true));
        let mut out = String::with_capacity(text.len() + 1024);
        scanner.push(&text, &mut out);
        scanner.finish(&mut out);
        out
    });
}

#[divan::bench]
fn scan_japanese(bencher: Bencher<'_, '_>) {
    scan(bencher, JAPANESE);
}

#[divan::bench]
fn scan_english(bencher: Bencher<'_, '_>) {
    scan(bencher, ENGLISH);
}

#[divan::bench]
fn scan_code(bencher: Bencher<'_, '_>) {
    scan(bencher, CODE);
}

fn adapter() -> Arc<Adapter> {
    let providers = Providers::shipped().expect("the shipped services load");
    let provider = providers.host("api.openai.com", 443).expect("a known host");
    provider.endpoint("POST", "/v1/chat/completions", false).adapter
}

/// A chat answer that is not streamed.
#[divan::bench]
fn body(bencher: Bencher<'_, '_>) {
    let content = serde_json::to_string(&text(JAPANESE, 256 << 10)).expect("a string");
    let wire =
        format!("{{\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":{content}}}}}]}}");
    restore(bencher, &wire, "application/json");
}

/// A chat answer in events of a few characters: what counts is the events, not their bytes.
#[divan::bench]
fn stream(bencher: Bencher<'_, '_>) {
    let letters: Vec<char> = text(JAPANESE, 32 << 10).chars().collect();
    let wire: String = letters
        .chunks(4)
        .map(|piece| {
            let content = serde_json::to_string(&piece.iter().collect::<String>()).expect("a string");
            format!(
                "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{content}}},\"finish_reason\":null}}]}}\n\n"
            )
        })
        .chain(["data: [DONE]\n\n".to_owned()])
        .collect();
    restore(bencher, &wire, "text/event-stream");
}

fn restore(bencher: Bencher<'_, '_>, wire: &str, media: &str) {
    let (map, adapter, settings) = (Arc::new(map()), adapter(), Settings::default());
    bencher.counter(BytesCount::of_str(wire)).bench_local(|| {
        let mut restorer = Restorer::new(Arc::clone(&map), Arc::clone(&adapter), &settings, media);
        let mut out = Vec::with_capacity(wire.len() * 2);
        restorer.push(wire.as_bytes(), &mut out).expect("within limits");
        restorer.finish(&mut out).expect("within limits");
        out
    });
}
