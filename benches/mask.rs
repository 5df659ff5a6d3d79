//! Masking the short texts of the development corpus as requests: what the second look costs beside detection.
//! `cargo bench --no-default-features --bench mask`: the second look is `mask` less `mask_without_search`.

#![expect(clippy::expect_used, reason = "a bench ends at the first fault")]

use std::collections::HashSet;
use std::path::Path;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use jiff::civil::date;
use tsuitate::decide::{self, Decision, Destination, Person, Policy, PolicySettings, Strength};
use tsuitate::detect::{DetectError, Detector, Document, Findings, Fuel};
use tsuitate::locate::Head;
use tsuitate::locate::provider::Providers;
use tsuitate::mask::{self, Known, Length, TokenKey, apply, atom};
use tsuitate::score;
use tsuitate::unpack::{Limits, Located, open};

fn main() {
    divan::main();
}

/// A request up to the decision to send it.
struct Decided {
    located: Located,
    document: Document,
    findings: Findings,
    decision: Decision,
}

fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("tests/corpus").flatten() {
        if entry.path().extension().is_some_and(|ext| ext == "jsonl") {
            let lines = std::fs::read_to_string(entry.path()).expect("a corpus file");
            texts.extend(score::read_gold(&lines).expect("gold documents").into_iter().map(|gold| gold.text));
        }
    }
    texts.sort();
    texts
}

/// The requests that the shipped policy lets go on.
fn requests(detector: &Detector) -> Vec<Decided> {
    let providers = Providers::shipped().expect("the shipped services");
    let policy = Policy::new(&PolicySettings::default()).expect("the shipped policy");
    let endpoint = providers.get("openai").expect("a service").endpoint("POST", "/v1/chat/completions", false);
    let head = Head {
        method: "POST".into(),
        path_and_query: "/v1/chat/completions".into(),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
    };
    let person = Person { id: Some("u".into()), strength: Strength::Authenticated, ..Person::default() };
    let destination = Destination { service: "openai".into(), approved: true, ..Destination::default() };
    let decided = |text: &String| {
        let messages = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": text}]});
        let body = serde_json::to_vec(&messages).expect("a body");
        let located = open(&head, &body, &endpoint, providers.headers(), &Limits::default()).expect("a chat request");
        let document = atom::document(located.texts(), &HashSet::new());
        let findings = detector.find(&document, &mut detector.fuel(&document)).expect("a short text");
        let decision = policy.decide(&decide::Input {
            texts: located.texts(),
            findings: &findings,
            person: &person,
            destination: &destination,
            uses: &[],
            declared_use: None,
            observe: &[],
            today: date(2026, 11, 24),
            known_signed: &HashSet::new(),
            obstacles: &[],
        });
        decision.goes_on().then_some(Decided { located, document, findings, decision })
    };
    corpus().iter().filter_map(decided).collect()
}

fn bytes(requests: &[Decided]) -> BytesCount {
    BytesCount::new(requests.iter().flat_map(|one| &one.document.parts).map(|part| part.text.len()).sum::<usize>())
}

fn masked(requests: &[Decided], search: &mask::Search<'_>) -> usize {
    let key = TokenKey::new([42; 32]);
    let settings = mask::Settings::default();
    let sent = requests.iter().filter_map(|one| {
        apply(mask::Input {
            located: &one.located,
            findings: &one.findings,
            decision: &one.decision,
            key: &key,
            length: Length::Seven,
            service: "openai",
            version: "1",
            known: &Known::default(),
            search,
            fuel: &mut Fuel::for_bytes(1 << 20, 256),
            settings: &settings,
        })
        .ok()
    });
    sent.map(|applied| applied.cleared.body().len()).sum()
}

#[divan::bench]
fn detect(bencher: Bencher<'_, '_>) {
    let detector = Detector::shipped().expect("the shipped rules");
    let requests = requests(&detector);
    bencher.counter(bytes(&requests)).bench(|| {
        let found = requests.iter().filter_map(|one| {
            let document = black_box(&one.document);
            detector.find(document, &mut detector.fuel(document)).ok()
        });
        found.map(|found| found.findings.len()).sum::<usize>()
    });
}

#[divan::bench]
fn mask_without_search(bencher: Bencher<'_, '_>) {
    let detector = Detector::shipped().expect("the shipped rules");
    let requests = requests(&detector);
    let none = |_: &Document, _: &mut Fuel| Ok::<_, DetectError>(Findings::default());
    bencher.counter(bytes(&requests)).bench(|| masked(black_box(&requests), &none));
}

#[divan::bench]
fn mask(bencher: Bencher<'_, '_>) {
    let detector = Detector::shipped().expect("the shipped rules");
    let requests = requests(&detector);
    let search = |document: &Document, fuel: &mut Fuel| detector.find_again(document, fuel);
    bencher.counter(bytes(&requests)).bench(|| masked(black_box(&requests), &search));
}
