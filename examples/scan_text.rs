//! Read JSONL lines `{"id","text"}` from a file or standard input, print prediction lines of the evaluation format.
//! `cargo run --release --no-default-features --example scan_text -- [--explain] [FILE]`
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::ExitCode;

use serde_json::{Value, json};
use tsuitate::detect::{Detector, Document, Finding};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut explain = false;
    let mut file = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--explain" => explain = true,
            "-" => {}
            _ if argument.starts_with("--") => {
                return Err(format!("unknown option {argument}; known: --explain").into());
            }
            _ => file = Some(argument),
        }
    }
    let input: Box<dyn Read> = match &file {
        Some(path) => Box::new(std::fs::File::open(path).map_err(|error| format!("{path}: {error}"))?),
        None => Box::new(std::io::stdin()),
    };
    let detector = Detector::shipped()?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (number, line) in BufReader::new(input).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let row: Value = serde_json::from_str(&line).map_err(|error| format!("line {}: {error}", number + 1))?;
        let text = row["text"].as_str().ok_or_else(|| format!("line {}: no `text`", number + 1))?;
        let document = Document::of(text);
        let mut fuel = detector.fuel(&document);
        let found = detector.find(&document, &mut fuel).map_err(|error| format!("line {}: {error}", number + 1))?;
        let offsets = Offsets::new(text);
        let spans: Vec<Value> = found.findings.iter().map(|finding| span(finding, text, &offsets, explain)).collect();
        let mut classes: Vec<&str> = found.passages.iter().map(|passage| passage.class.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        let mut line = json!({"id": row["id"], "spans": spans, "classes": classes});
        if explain {
            line["signals"] = found
                .passages
                .iter()
                .map(|passage| json!({"class": passage.class.as_str(), "confidence": passage.confidence, "signals": passage.signals.iter().map(tsuitate::detect::RuleId::as_str).collect::<Vec<_>>()}))
                .collect();
            line["fuel"] = json!(fuel.burnt());
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn span(finding: &Finding, text: &str, offsets: &Offsets, explain: bool) -> Value {
    let mut value = json!({
        "start": offsets.of(finding.range.start),
        "end": offsets.of(finding.range.end),
        "kind": finding.kind.as_str(),
        "entity": finding.entity.0,
        "confidence": (f64::from(finding.confidence) * 1000.0).round() / 1000.0,
        "rule": finding.rule.as_str(),
    });
    if let Some(role) = finding.role {
        value["role"] = json!(role);
    }
    if let Some(subtype) = &finding.subtype {
        value["subtype"] = json!(subtype.as_ref());
    }
    if explain {
        let sum: f32 = finding.evidence.iter().map(|reason| reason.weight).sum();
        value["text"] = json!(text.get(finding.range.clone()));
        value["before"] = json!(finding.evidence.first().map(|reason| reason.weight));
        value["after"] = json!(sum);
        value["proven"] = json!(finding.proven);
        value["evidence"] = finding
            .evidence
            .iter()
            .map(|reason| json!([reason.note, (f64::from(reason.weight) * 1000.0).round() / 1000.0]))
            .collect();
    }
    value
}

/// Bytes → code points.
struct Offsets(Vec<usize>);

impl Offsets {
    fn new(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).collect())
    }
    fn of(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start < at)
    }
}
