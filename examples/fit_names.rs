//! Fit the names engine: `cargo run --release --no-default-features --example fit_names -- segments|letters OUT TRAIN.jsonl..`
//! A training line is a document of the evaluation form (`id`, `text`, `spans` in code points); a file named twice
//! counts twice. Writes the weights file to OUT and says on stderr how the fit went.
//! `-- try WEIGHTS LETTERS|none GOLD.jsonl` prints prediction lines with files that are not shipped yet; TAU sets τ.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::error::Error;

use tsuitate::detect::engine::names::{Names, fit};

#[derive(serde::Deserialize)]
struct Row {
    text: String,
    spans: Vec<Span>,
}

#[derive(serde::Deserialize)]
struct Span {
    start: usize,
    end: usize,
    kind: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: fit_names segments|letters OUT TRAIN.jsonl..".into());
    };
    if what == "try" {
        return attempt(&out, arguments);
    }
    let mut samples = Vec::new();
    let mut sources = Vec::new();
    for path in arguments {
        let before = samples.len();
        for line in std::fs::read_to_string(&path)?.lines().filter(|line| !line.trim().is_empty()) {
            let row: Row = serde_json::from_str(line)?;
            let mut bytes: Vec<usize> = row.text.char_indices().map(|(at, _)| at).collect();
            bytes.push(row.text.len());
            let byte = |at: usize| bytes.get(at).copied().unwrap_or(row.text.len());
            let names =
                row.spans.iter().filter(|s| s.kind == "person_name").map(|s| byte(s.start)..byte(s.end)).collect();
            samples.push(fit::Sample { text: row.text, names });
        }
        let name =
            std::path::Path::new(&path).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        sources.push(format!("{name} {}", samples.len() - before));
    }
    let number = |name: &str, other: f64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(other);
    let names = Names::unfitted()?;
    let tell = |step: usize, loss: f64| {
        if step.is_multiple_of(10) {
            eprintln!("step {step}: loss {loss:.1}");
        }
    };
    let steps = number("STEPS", 150.0) as usize;
    let penalty = number("L2", 1.0);
    let least = number("LEAST", 3.0) as u32;
    let outcome = match what.as_str() {
        "segments" => {
            let (weights, outcome) = fit::segments(&names, &samples, steps, least, penalty, tell);
            let head = format!(
                "# Weights of the segment model: feature, tab, weight. Fitted by examples/fit_names.rs; see scripts/names/README.md.\n\
                 # Texts: {}. L2 {penalty}, features seen at least {least} times. Names {}, without a proposal {}. Loss {:.1} after {} steps.\n",
                sources.join(", "),
                outcome.names,
                outcome.without_proposal,
                outcome.loss,
                outcome.steps
            );
            std::fs::write(&out, head + &weights.write(&names.layout, &names.cues, 0.02))?;
            outcome
        }
        "letters" => {
            let (bytes, outcome) = fit::letters(&names, &samples, steps, least, penalty, tell);
            std::fs::write(&out, bytes)?;
            outcome
        }
        _ => return Err("segments or letters".into()),
    };
    eprintln!("{outcome:?}");
    Ok(())
}

/// Predict with weights from files.
fn attempt(weights: &str, mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    use std::io::Write;
    use tsuitate::detect::engine::names::{letters::LetterModel, model::Weights};
    use tsuitate::detect::engine::{Engine, Output, View};
    use tsuitate::detect::{Author, Fuel, text::Text};

    let (Some(letters), Some(gold)) = (arguments.next(), arguments.next()) else {
        return Err("usage: fit_names try WEIGHTS LETTERS|none GOLD.jsonl".into());
    };
    let begun = std::time::Instant::now();
    let mut names = Names::unfitted()?;
    names.weights = Weights::read(&std::fs::read_to_string(weights)?, &names.layout, &names.cues)
        .map_err(|line| format!("{weights}, line {line}"))?;
    if letters != "none" {
        names.letters = Some(LetterModel::read(&std::fs::read(&letters)?).ok_or("letters unreadable")?);
    }
    if let Some(tau) = std::env::var("TAU").ok().and_then(|v| v.parse().ok()) {
        names.tau = tau;
    }
    eprintln!("ready after {:?}", begun.elapsed());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut bytes, mut spent) = (0, std::time::Duration::ZERO);
    for line in std::fs::read_to_string(&gold)?.lines().filter(|line| !line.trim().is_empty()) {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let original = row["text"].as_str().ok_or("no text")?;
        let text = Text::new(original);
        let begun = std::time::Instant::now();
        let mut found = Output::default();
        let view = View { text: &text, label: None, author: Author::User };
        names.find(view, &mut Fuel::for_bytes(original.len(), 4000), &mut found)?;
        spent += begun.elapsed();
        bytes += original.len();
        let starts: Vec<usize> = original.char_indices().map(|(at, _)| at).collect();
        let spans: Vec<serde_json::Value> = found
            .candidates
            .iter()
            .map(|c| {
                let range = text.to_original(c.range.clone());
                let of = |at: usize| starts.partition_point(|start| *start < at);
                let why: Vec<&str> = c.evidence.iter().map(|e| e.note.as_ref()).collect();
                serde_json::json!({"start": of(range.start), "end": of(range.end), "kind": "person_name", "confidence": c.confidence, "role": c.role, "why": why})
            })
            .collect();
        writeln!(out, "{}", serde_json::json!({"id": row["id"], "spans": spans, "classes": []}))?;
    }
    eprintln!("{bytes} bytes in {spent:?}: {:.2} MB/s", bytes as f64 / spent.as_secs_f64() / 1e6);
    Ok(())
}
