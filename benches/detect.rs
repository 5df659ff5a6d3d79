//! Detection in MB/s, all engines: Japanese prose and tables of the development corpus, and ASCII code.
//! `cargo bench --no-default-features --bench detect`

#![allow(clippy::expect_used)]

use std::path::Path;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tsuitate::detect::text::Text;
use tsuitate::detect::{Detector, Document};
use tsuitate::score;

fn main() {
    divan::main();
}

fn corpus(japanese: bool) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("tests/corpus").flatten() {
        if entry.path().extension().is_some_and(|ext| ext == "jsonl") {
            let lines = std::fs::read_to_string(entry.path()).expect("a corpus file");
            texts.extend(score::read_gold(&lines).expect("gold documents").into_iter().map(|gold| gold.text));
        }
    }
    texts.sort();
    texts.retain(|text| (text.len() > text.chars().count() * 2) == japanese);
    texts
}

fn code() -> String {
    include_str!("../src/detect/link.rs").repeat(4)
}

fn find(detector: &Detector, texts: &[Document]) -> usize {
    texts
        .iter()
        .filter_map(|text| detector.find(text, &mut detector.fuel(text)).ok())
        .map(|found| found.findings.len())
        .sum()
}

#[divan::bench]
fn japanese_short_texts(bencher: Bencher<'_, '_>) {
    let detector = Detector::shipped().expect("the shipped rules");
    let texts: Vec<Document> = corpus(true).iter().map(|text| Document::of(text)).collect();
    let bytes: usize = texts.iter().map(|text| text.parts[0].text.len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| find(&detector, black_box(&texts)));
}

#[divan::bench]
fn japanese_one_long_text(bencher: Bencher<'_, '_>) {
    let detector = Detector::shipped().expect("the shipped rules");
    let text = [Document::of(&corpus(true).join("\n\n"))];
    bencher.counter(BytesCount::new(text[0].parts[0].text.len())).bench(|| find(&detector, black_box(&text)));
}

#[divan::bench]
fn ascii_code(bencher: Bencher<'_, '_>) {
    let detector = Detector::shipped().expect("the shipped rules");
    let text = [Document::of(&code())];
    bencher.counter(BytesCount::new(text[0].parts[0].text.len())).bench(|| find(&detector, black_box(&text)));
}

#[divan::bench]
fn folding_japanese(bencher: Bencher<'_, '_>) {
    let text = corpus(true).join("\n\n");
    bencher.counter(BytesCount::new(text.len())).bench(|| Text::new(black_box(&text)));
}

#[divan::bench]
fn ready() -> Detector {
    Detector::shipped().expect("the shipped rules")
}
