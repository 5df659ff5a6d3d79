//! `tsuitate score GOLD PRED`: the table of the evaluation page. `--floor` fails below the figures that must hold,
//! `--entities` scores who is who instead.
//! Must not know: how a prediction was made.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::out;
use crate::score::entities::entities;
use crate::score::{Score, f1, ratio, read_gold, read_predictions, score};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Gold documents, JSON lines
    gold: PathBuf,
    /// Predictions, JSON lines
    pred: PathBuf,
    /// Fail when leak rate > 5 %, leaking documents > 35 %, over-mask > 2 % or trap hits > 15 %
    #[arg(long)]
    floor: bool,
    /// Score which names are one person, and roles, instead
    #[arg(long, conflicts_with_all = ["floor", "extras"])]
    entities: bool,
    /// List this many misses (with `--entities`: faults)
    #[arg(long, default_value_t = 0)]
    misses: usize,
    /// List this many spans that were masked for nothing
    #[arg(long, default_value_t = 0)]
    extras: usize,
}

/// Run it: exit code 1 below the floor.
///
/// # Errors
/// When a file cannot be read or is not of the form.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let gold =
        read_gold(&read(&arguments.gold)?).map_err(|error| anyhow::anyhow!("{}: {error}", arguments.gold.display()))?;
    let pred = read_predictions(&read(&arguments.pred)?)
        .map_err(|error| anyhow::anyhow!("{}: {error}", arguments.pred.display()))?;
    if arguments.entities {
        let linked = entities(&gold, &pred);
        out(linked.to_string().trim_end())?;
        for fault in linked.faults.iter().take(arguments.misses) {
            out(&format!("{}\t{}\t{}\t{}", fault.what, fault.id, fault.one, fault.other))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let score = score(&gold, &pred);
    out(&table(&score))?;
    for miss in score.misses.iter().take(arguments.misses) {
        out(&format!("miss\t{}\t{}\t{}\t{} covered", miss.id, miss.kind, miss.text, miss.covered))?;
    }
    for extra in score.extras.iter().take(arguments.extras) {
        out(&format!("extra\t{}\t{}\t{}", extra.id, extra.kind, extra.text))?;
    }
    if !arguments.floor {
        return Ok(ExitCode::SUCCESS);
    }
    let mut below = false;
    for (name, value, most) in [
        ("leak rate", score.leak_rate(), 0.05),
        ("leaking documents", score.leaking_documents(), 0.35),
        ("over-mask rate", score.over_mask_rate(), 0.02),
        ("trap hits", score.trap_rate(), 0.15),
    ] {
        // Nothing to judge is no pass.
        if value.is_none_or(|value| value > most) {
            super::say(&format!("below the floor: {name} {} > {most}", percent(value)));
            below = true;
        }
    }
    Ok(if below { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.2} %", value * 100.0))
}

fn table(score: &Score) -> String {
    let mut lines = vec![
        format!("documents {}", score.documents),
        format!("leak rate {}", percent(score.leak_rate())),
        format!("leaking documents {}", percent(score.leaking_documents())),
        format!("over-mask rate {}", percent(score.over_mask_rate())),
        format!("trap hits {}", percent(score.trap_rate())),
    ];
    let mut kinds = comfy_table::Table::new();
    kinds.load_style(comfy_table::presets::ASCII_MARKDOWN);
    kinds.set_header(["kind", "gold", "recall", "covered", "precision", "F1"]);
    for (kind, count) in &score.kinds {
        let recall = ratio(count.recalled, count.gold);
        let precision = ratio(count.right, count.predicted);
        kinds.add_row([
            kind.clone(),
            count.gold.to_string(),
            number(recall),
            number(ratio(count.covered, count.gold)),
            number(precision),
            number(f1(precision, recall)),
        ]);
    }
    lines.push(kinds.to_string());
    let mut classes = comfy_table::Table::new();
    classes.load_style(comfy_table::presets::ASCII_MARKDOWN);
    classes.set_header(["class", "gold", "recall", "precision", "F1"]);
    for (class, count) in &score.classes {
        let recall = ratio(count.both, count.gold);
        let precision = ratio(count.both, count.predicted);
        classes.add_row([
            class.clone(),
            count.gold.to_string(),
            number(recall),
            number(precision),
            number(f1(precision, recall)),
        ]);
    }
    lines.push(classes.to_string());
    lines.join("\n")
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}
