//! A prediction line of the evaluation format from a text: what `tsuitate scan --format jsonl` prints.
//! Offsets are Unicode code points. Must not know: files, the terminal.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::detect::{DetectError, Detector, Document, Finding};
use crate::mask::atom;

/// Search one text, whose tokens are atoms, and write its line; `explain` adds rules, evidence, scores and the covered text.
///
/// # Errors
/// When the text cannot be searched to the end.
pub fn line(detector: &Detector, id: &Value, text: &str, explain: bool) -> Result<Value, DetectError> {
    let mut document = Document::of(text);
    for part in &mut document.parts {
        part.atoms = atom::atoms(&part.text, &HashSet::new()).into_iter().map(|(range, _)| range).collect();
    }
    let mut fuel = detector.fuel(&document);
    let found = detector.find(&document, &mut fuel)?;
    let offsets = Offsets::new(text);
    let spans: Vec<Value> = found.findings.iter().map(|finding| span(finding, text, &offsets, explain)).collect();
    let mut classes: Vec<&str> = found.passages.iter().map(|passage| passage.class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut line = json!({"id": id, "spans": spans, "classes": classes});
    if explain {
        line["signals"] = found
            .passages
            .iter()
            .map(|passage| {
                let signals: Vec<&str> = passage.signals.iter().map(crate::detect::RuleId::as_str).collect();
                json!({"class": passage.class.as_str(), "confidence": rounded(passage.confidence), "signals": signals})
            })
            .collect();
        line["fuel"] = json!(fuel.burnt());
    }
    Ok(line)
}

fn span(finding: &Finding, text: &str, offsets: &Offsets, explain: bool) -> Value {
    let mut value = json!({
        "start": offsets.of(finding.range.start),
        "end": offsets.of(finding.range.end),
        "kind": finding.kind.as_str(),
        "entity": finding.entity.0,
        "confidence": rounded(finding.confidence),
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
        value["before"] = json!(finding.evidence.first().map(|reason| rounded(reason.weight)));
        value["after"] = json!(rounded(sum));
        value["proven"] = json!(finding.proven);
        value["evidence"] =
            finding.evidence.iter().map(|reason| json!([reason.note, rounded(reason.weight)])).collect();
    }
    value
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
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
