//! The scorer of `tests/corpus/README.md`: gold documents against predictions, in code points.
//! `tsuitate score GOLD PRED` prints its table; the floor test reads its figures.
//! Must not know: how a prediction was made, files.

pub mod entities;
pub mod predict;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::Deserialize;

/// A gold document. Fields that the scorer does not need are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct Gold {
    pub id: String,
    pub text: String,
    #[serde(default)]
    pub spans: Vec<Span>,
    #[serde(default)]
    pub classes: Vec<String>,
    #[serde(default)]
    pub traps: Vec<Trap>,
}

/// A gold span, in code points.
#[derive(Clone, Debug, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: String,
    pub text: String,
    /// Of a `person_name`: `patient`, `family`, `staff`, `other`.
    #[serde(default)]
    pub role: Option<String>,
    /// In the set of entities: which person of its document; none is undecided.
    #[serde(default)]
    pub entity: Option<u64>,
}

/// A string that looks like an identifier and is none.
#[derive(Clone, Debug, Deserialize)]
pub struct Trap {
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// What a system says of one document. More fields (`confidence`, `rule`) are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Prediction {
    pub id: String,
    #[serde(default)]
    pub spans: Vec<Guess>,
    #[serde(default)]
    pub classes: Vec<String>,
}

/// A predicted span, in code points.
#[derive(Clone, Debug, Deserialize)]
pub struct Guess {
    pub start: usize,
    pub end: usize,
    pub kind: String,
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub entity: Option<u64>,
}

/// Why a file cannot be scored. Names lines and ids, never the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    #[error("line {line} is no document of the corpus: {why}")]
    Line { line: usize, why: String },
    #[error("line {line}: the id `{id}` stands twice")]
    Twice { line: usize, id: String },
    #[error("`{id}`: the string at {start}..{end} is not the one that the file claims")]
    Offset { id: String, start: usize, end: usize },
}

/// Read JSON lines of gold documents and check that every offset covers the string it claims.
///
/// # Errors
/// The first line that is none, an id that stands twice, an offset that is wrong.
pub fn read_gold(text: &str) -> Result<Vec<Gold>, ScoreError> {
    let gold: Vec<Gold> = lines(text, |gold: &Gold| &gold.id)?;
    for one in &gold {
        let letters: Vec<char> = one.text.chars().collect();
        let claims = one.spans.iter().map(|span| (span.start, span.end, &span.text));
        for (start, end, text) in claims.chain(one.traps.iter().map(|trap| (trap.start, trap.end, &trap.text))) {
            let found = letters.get(start..end).unwrap_or_default();
            if found.is_empty() || !found.iter().copied().eq(text.chars()) {
                return Err(ScoreError::Offset { id: one.id.clone(), start, end });
            }
        }
    }
    Ok(gold)
}

/// Read JSON lines of predictions.
///
/// # Errors
/// The first line that is none, an id that stands twice.
pub fn read_predictions(text: &str) -> Result<Vec<Prediction>, ScoreError> {
    lines(text, |prediction: &Prediction| &prediction.id)
}

fn lines<T: serde::de::DeserializeOwned>(text: &str, id: impl Fn(&T) -> &String) -> Result<Vec<T>, ScoreError> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: T = serde_json::from_str(line).map_err(|error| ScoreError::Line {
            line: number + 1,
            // The category and the column say enough; the message of serde may quote the text.
            why: format!("{:?} error at column {}", error.classify(), error.column()),
        })?;
        if !seen.insert(id(&row).clone()) {
            return Err(ScoreError::Twice { line: number + 1, id: id(&row).clone() });
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Figures of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindCount {
    pub gold: usize,
    /// Wholly covered by predictions of its kind.
    pub recalled: usize,
    /// Wholly covered by predictions of any kind.
    pub covered: usize,
    pub predicted: usize,
    /// Predicted spans that overlap a gold span of the kind.
    pub right: usize,
}

/// Figures of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassCount {
    pub gold: usize,
    pub predicted: usize,
    pub both: usize,
}

/// Where a document leaks or is masked for nothing; texts are of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub id: String,
    pub kind: String,
    pub text: String,
    /// Code points that were covered.
    pub covered: usize,
}

/// The score of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub documents: usize,
    pub gold_chars: usize,
    pub leaked_chars: usize,
    pub docs_with_gold: usize,
    pub leaking_docs: usize,
    pub outside_chars: usize,
    pub over_chars: usize,
    pub traps: usize,
    pub trap_hits: usize,
    pub kinds: BTreeMap<String, KindCount>,
    pub classes: BTreeMap<String, ClassCount>,
    pub misses: Vec<Place>,
    pub extras: Vec<Place>,
}

/// A part over a whole; `None` of nothing.
#[must_use]
pub fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The harmonic mean of the two.
#[must_use]
pub fn f1(precision: Option<f64>, recall: Option<f64>) -> Option<f64> {
    let (precision, recall) = (precision?, recall?);
    Some(if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 })
}

impl Score {
    #[must_use]
    pub fn leak_rate(&self) -> Option<f64> {
        ratio(self.leaked_chars, self.gold_chars)
    }
    #[must_use]
    pub fn leaking_documents(&self) -> Option<f64> {
        ratio(self.leaking_docs, self.docs_with_gold)
    }
    #[must_use]
    pub fn over_mask_rate(&self) -> Option<f64> {
        ratio(self.over_chars, self.outside_chars)
    }
    #[must_use]
    pub fn trap_rate(&self) -> Option<f64> {
        ratio(self.trap_hits, self.traps)
    }
}

/// Score predictions. A document without one counts as an empty one.
#[must_use]
pub fn score(gold: &[Gold], predictions: &[Prediction]) -> Score {
    let by_id: HashMap<&str, &Prediction> = predictions.iter().map(|one| (one.id.as_str(), one)).collect();
    let empty = Prediction::default();
    let mut score = Score { documents: gold.len(), ..Score::default() };
    for one in gold {
        judge(&mut score, one, by_id.get(one.id.as_str()).copied().unwrap_or(&empty));
    }
    score
}

fn judge(score: &mut Score, gold: &Gold, prediction: &Prediction) {
    let letters: Vec<char> = gold.text.chars().collect();
    let guesses: Vec<(usize, usize, &str)> = prediction
        .spans
        .iter()
        .map(|guess| (guess.start, guess.end.min(letters.len()), guess.kind.as_str()))
        .filter(|(start, end, _)| start < end)
        .collect();
    let covered = marks(letters.len(), guesses.iter().map(|(start, end, _)| (*start, *end)));
    let wanted = marks(letters.len(), gold.spans.iter().map(|span| (span.start, span.end)));
    let count = |marks: &[bool], start: usize, end: usize| {
        marks.get(start..end).unwrap_or_default().iter().filter(|mark| **mark).count()
    };
    let text = |start: usize, end: usize| letters.get(start..end).unwrap_or_default().iter().collect::<String>();
    let mut leaked = false;
    for span in &gold.spans {
        let length = span.end - span.start;
        let hit = count(&covered, span.start, span.end);
        let same = guesses.iter().filter(|(_, _, kind)| *kind == span.kind).map(|(start, end, _)| (*start, *end));
        let by_kind = marks(letters.len(), same);
        score.gold_chars += length;
        score.leaked_chars += length - hit;
        let kind = score.kinds.entry(span.kind.clone()).or_default();
        kind.gold += 1;
        kind.covered += usize::from(hit == length);
        kind.recalled += usize::from(count(&by_kind, span.start, span.end) == length);
        if hit < length {
            leaked = true;
            score.misses.push(Place {
                id: gold.id.clone(),
                kind: span.kind.clone(),
                text: span.text.clone(),
                covered: hit,
            });
        }
    }
    if !gold.spans.is_empty() {
        score.docs_with_gold += 1;
        score.leaking_docs += usize::from(leaked);
    }
    score.outside_chars += wanted.iter().filter(|mark| !**mark).count();
    score.over_chars += covered.iter().zip(&wanted).filter(|(over, gold)| **over && !**gold).count();
    for (start, end, kind) in &guesses {
        let counts = score.kinds.entry((*kind).to_owned()).or_default();
        counts.predicted += 1;
        let right = gold.spans.iter().any(|span| span.kind == *kind && span.start < *end && *start < span.end);
        counts.right += usize::from(right);
        if count(&wanted, *start, *end) == 0 {
            score.extras.push(Place {
                id: gold.id.clone(),
                kind: (*kind).to_owned(),
                text: text(*start, *end),
                covered: 0,
            });
        }
    }
    for trap in &gold.traps {
        score.traps += 1;
        score.trap_hits += usize::from(guesses.iter().any(|(start, end, _)| *start < trap.end && trap.start < *end));
    }
    let wanted: BTreeSet<&String> = gold.classes.iter().collect();
    let said: BTreeSet<&String> = prediction.classes.iter().collect();
    for name in wanted.union(&said) {
        let counts = score.classes.entry((*name).clone()).or_default();
        counts.gold += usize::from(wanted.contains(*name));
        counts.predicted += usize::from(said.contains(*name));
        counts.both += usize::from(wanted.contains(*name) && said.contains(*name));
    }
}

fn marks(length: usize, ranges: impl Iterator<Item = (usize, usize)>) -> Vec<bool> {
    let mut marks = vec![false; length];
    for (start, end) in ranges {
        for mark in marks.iter_mut().take(end).skip(start) {
            *mark = true;
        }
    }
    marks
}

struct Figure(Option<f64>);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value:6.3}"),
            None => f.write_str("     -"),
        }
    }
}

/// The table of `tests/corpus/README.md`, without misses and extras.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:18} {}", "documents", self.documents)?;
        for (name, value) in [
            ("leak_rate", self.leak_rate()),
            ("leaking_documents", self.leaking_documents()),
            ("over_mask_rate", self.over_mask_rate()),
            ("trap_hits", self.trap_rate()),
        ] {
            writeln!(f, "{name:18} {}", Figure(value))?;
        }
        writeln!(f, "\n{:16} {:>5} recall covered   prec     f1", "kind", "gold")?;
        for (name, kind) in &self.kinds {
            let (recall, precision) = (ratio(kind.recalled, kind.gold), ratio(kind.right, kind.predicted));
            writeln!(
                f,
                "{name:16} {:5} {}  {} {} {}",
                kind.gold,
                Figure(recall),
                Figure(ratio(kind.covered, kind.gold)),
                Figure(precision),
                Figure(f1(precision, recall))
            )?;
        }
        writeln!(f, "\n{:18} {:>5} recall   prec     f1", "class", "gold")?;
        for (name, class) in &self.classes {
            let (recall, precision) = (ratio(class.both, class.gold), ratio(class.both, class.predicted));
            writeln!(
                f,
                "{name:18} {:5} {} {} {}",
                class.gold,
                Figure(recall),
                Figure(precision),
                Figure(f1(precision, recall))
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
