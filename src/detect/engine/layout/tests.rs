#![allow(clippy::string_slice)]

use super::*;
use crate::detect::Author;

#[derive(serde::Deserialize)]
struct Examples {
    example: Vec<Example>,
    counter: Vec<Counter>,
}

#[derive(serde::Deserialize)]
struct Example {
    #[serde(default)]
    label: Option<String>,
    text: String,
}

#[derive(serde::Deserialize)]
struct Counter {
    #[serde(default)]
    label: Option<String>,
    text: String,
    why: String,
}

/// The text with `⟦kind:…⟧` around what the engine found.
fn mark(layout: &Layout, label: Option<&str>, text: &str) -> String {
    let folded = Text::new(text);
    let mut out = Output::default();
    let view = View { text: &folded, label, author: Author::User };
    layout.find(view, &mut Fuel::for_bytes(text.len(), 64), &mut out).expect("fuel");
    let mut spans: Vec<(Range<usize>, Kind)> =
        out.candidates.iter().map(|found| (folded.to_original(found.range.clone()), found.kind)).collect();
    spans.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    let (mut marked, mut at) = (String::new(), 0);
    for (range, kind) in spans {
        if range.start < at {
            continue;
        }
        marked.push_str(&text[at..range.start]);
        marked.push_str(&format!("⟦{}:{}⟧", kind.as_str(), &text[range.clone()]));
        at = range.end;
    }
    marked + &text[at..]
}

fn bare(text: &str) -> String {
    let mut out = text.replace('⟧', "");
    for kind in Kind::ALL {
        out = out.replace(&format!("⟦{}:", kind.as_str()), "");
    }
    out
}

#[test]
fn examples_match_and_counter_examples_do_not() {
    let layout = Layout::shipped();
    let examples: Examples =
        toml::from_str(include_str!("../../../../patterns/layout/examples.toml")).expect("examples.toml");
    let mut wrong = Vec::new();
    for example in &examples.example {
        let found = mark(&layout, example.label.as_deref(), &bare(&example.text));
        if found != example.text {
            wrong.push(format!("wanted {}\n   got {found}", example.text));
        }
    }
    for counter in &examples.counter {
        let found = mark(&layout, counter.label.as_deref(), &counter.text);
        if found != counter.text {
            wrong.push(format!("counter ({}): {found}", counter.why));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cut_off_and_hostile_texts_do_no_harm() {
    let layout = Layout::shipped();
    for text in [
        "{\"name\":{\"text\":\"",
        "[[[[[[[[[[[[[[[[[[",
        "PID|",
        "PID|||||||||||||||||||||||||||",
        "<Name",
        "<Name>山田",
        "INSERT INTO t (a,b",
        "INSERT INTO t (a) VALUES (",
        "a,b,\"c",
        "\u{200b}\t|\t|\n\r\r\n",
        "氏名：",
        "RE,,,,,,,,,,",
    ] {
        mark(&layout, Some("氏名"), text);
    }
    let deep = "{\"a\":[".repeat(20_000);
    mark(&layout, None, &deep);
    let wide = "氏名,".repeat(20_000) + "\n" + &"山田,".repeat(20_000);
    mark(&layout, None, &wide);
}
