//! Read JSONL lines `{"id","text"}` from a file or standard input, print prediction lines of the evaluation format.
//! `cargo run --release --no-default-features --example scan_text -- [--explain] [FILE]`: the detection alone, without
//! the gate, for whoever works on it.
#![allow(clippy::print_stderr)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::ExitCode;

use serde_json::Value;
use tsuitate::detect::Detector;
use tsuitate::score::predict;

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
        writeln!(out, "{}", predict::line(&detector, &row["id"], text, explain)?)?;
    }
    Ok(())
}
