//! `tsuitate scan`: what would be found in a text, and why. Nothing is sent, nothing is kept.
//! Must not know: policy; it says what is found, not what would become of it.

use std::io::{BufRead, BufReader, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::Usage;
use crate::detect::{Detector, Document};
use crate::score::predict;
use crate::unpack;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A text file (or JSON lines, with --format jsonl); standard input when absent or `-`
    file: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Rule, evidence, score before and after, result of the check
    #[arg(long)]
    explain: bool,
    /// Print the words that were found, too
    #[arg(long)]
    show: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table of line, column and kind
    Text,
    /// Lines `{"id","text"}` in, prediction lines out
    Jsonl,
}

/// Run it: exit code 1 when anything was found.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let detector = Detector::shipped().map_err(|error| anyhow::anyhow!("{error}"))?;
    let found = match arguments.format {
        Format::Text => text(&detector, arguments)?,
        Format::Jsonl => jsonl(&detector, arguments)?,
    };
    Ok(if found { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn open(file: Option<&Path>) -> anyhow::Result<Box<dyn Read>> {
    Ok(match file {
        Some(path) if path.is_dir() => {
            return Err(
                Usage(format!("{} is a folder; name a file, or several one after another", path.display())).into()
            );
        }
        Some(path) if path.as_os_str() != "-" => {
            Box::new(std::fs::File::open(path).with_context(|| path.display().to_string())?)
        }
        _ => Box::new(std::io::stdin()),
    })
}

fn text(detector: &Detector, arguments: &Arguments) -> anyhow::Result<bool> {
    let mut bytes = Vec::new();
    open(arguments.file.as_deref())?.read_to_end(&mut bytes)?;
    let text = unpack::text_of(bytes)
        .ok_or_else(|| Usage("the file is no text in UTF-8, Shift_JIS, EUC-JP or UTF-16".to_owned()))?;
    let document = Document::of(&text);
    let found = detector.find(&document, &mut detector.fuel(&document))?;
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    let mut header = vec!["行", "桁", "種類", "確かさ", "規則"];
    if arguments.show {
        header.push("語");
    }
    if arguments.explain {
        header.push("根拠");
    }
    table.set_header(header);
    for finding in &found.findings {
        let before = text.get(..finding.range.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut row = vec![
            line.to_string(),
            column.to_string(),
            finding.kind.ja().to_owned(),
            format!("{:.2}", finding.confidence),
            finding.rule.as_str().to_owned(),
        ];
        if arguments.show {
            row.push(text.get(finding.range.clone()).unwrap_or_default().to_owned());
        }
        if arguments.explain {
            let reasons: Vec<String> =
                finding.evidence.iter().map(|reason| format!("{} {:+.2}", reason.note, reason.weight)).collect();
            row.push(reasons.join("、"));
        }
        table.add_row(row);
    }
    if !found.findings.is_empty() {
        super::out(&table.to_string())?;
    }
    for passage in &found.passages {
        let signals: Vec<&str> = passage.signals.iter().map(crate::detect::RuleId::as_str).collect();
        super::out(&format!("文書の種類：{}（{:.2}）{}", passage.class.ja(), passage.confidence, signals.join(" ")))?;
    }
    super::out(&format!("{} 件、{} 文書", found.findings.len(), found.passages.len()))?;
    Ok(!found.findings.is_empty() || !found.passages.is_empty())
}

fn jsonl(detector: &Detector, arguments: &Arguments) -> anyhow::Result<bool> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let bar = if std::io::stderr().is_terminal() {
        indicatif::ProgressBar::new_spinner()
    } else {
        indicatif::ProgressBar::hidden()
    };
    let mut any = false;
    for (number, line) in BufReader::new(open(arguments.file.as_deref())?).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let row: Value = serde_json::from_str(&line).with_context(|| format!("line {}", number + 1))?;
        let text = row["text"].as_str().with_context(|| format!("line {}: no `text`", number + 1))?;
        let found = predict::line(detector, &row["id"], text, arguments.explain)?;
        any |= found["spans"].as_array().is_some_and(|spans| !spans.is_empty());
        writeln!(out, "{found}")?;
        bar.inc(1);
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(any)
}
