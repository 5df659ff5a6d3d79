#![allow(clippy::string_slice)]

use super::*;
use crate::detect::text::Text;

/// The text with `⟦ ⟧` around what the engine found.
fn mark(lab: &Lab, text: &str) -> String {
    let folded = Text::new(text);
    let view = View { text: &folded, label: None, author: crate::detect::Author::User };
    let mut out = Output::default();
    lab.find(view, &mut Fuel::for_bytes(text.len(), 64), &mut out).expect("fuel");
    let mut spans: Vec<Range<usize>> =
        out.candidates.iter().map(|candidate| folded.to_original(candidate.range.clone())).collect();
    for candidate in &out.candidates {
        let value = candidate.value.clone().expect("a value");
        assert!(value.start >= candidate.range.start && value.end <= candidate.range.end);
    }
    spans.sort_by_key(|span| span.start);
    let (mut marked, mut at) = (String::new(), 0);
    for span in spans {
        marked.push_str(&text[at..span.start]);
        marked.push('⟦');
        marked.push_str(&text[span.clone()]);
        marked.push('⟧');
        at = span.end;
    }
    marked + &text[at..]
}

#[derive(serde::Deserialize)]
struct Examples {
    example: Vec<Example>,
    counter: Vec<Counter>,
}

#[derive(serde::Deserialize)]
struct Example {
    text: String,
}

#[derive(serde::Deserialize)]
struct Counter {
    text: String,
    why: String,
}

#[test]
fn examples_match_and_counter_examples_do_not() {
    let lab = Lab::shipped();
    let examples: Examples =
        toml::from_str(include_str!("../../../../patterns/clinical/examples.toml")).expect("examples.toml");
    let mut wrong = Vec::new();
    for example in &examples.example {
        let bare = example.text.replace(['⟦', '⟧'], "");
        let found = mark(&lab, &bare);
        if found != example.text {
            wrong.push(format!("wanted {}\n   got {found}", example.text));
        }
    }
    for counter in &examples.counter {
        let found = mark(&lab, &counter.text);
        if found != counter.text {
            wrong.push(format!("counter ({}): {found}", counter.why));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        examples.example.len() + examples.counter.len(),
        wrong.join("\n")
    );
}

#[test]
fn hostile_texts_do_no_harm() {
    let lab = Lab::shipped();
    for part in ["K/", "血糖(", "Hb 9→", "E3V", "Cr 1.2 ", "BP 1/", "MIC ", "1日目(+)", "WBC\u{200b}5", "(((((", "Na・"]
    {
        mark(&lab, &part.repeat(2_000));
    }
}
