//! The engine that finds person names (NAMES.md): dictionary words → proposals → the chances of the segment model and
//! of the letter model → their mean by letter → stretches.
//! Must not know: files, what other engines find, what is done with a finding.

pub mod candidates;
pub mod chain;
pub mod cues;
pub mod features;
pub mod field;
pub mod fit;
mod floors;
pub mod lattice;
pub mod letter;
pub mod letters;
pub mod lexicon;
pub mod marks;
pub mod model;
mod pages;
pub mod romaji;
pub mod scan;
mod spans;
pub mod starts;
mod table;
#[cfg(test)]
mod tests;
pub mod word;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::detect::engine::{Engine, Output, View};
use crate::detect::fuel::{DetectError, Fuel};

use cues::Cues;
use features::Layout;
use letters::LetterModel;
use lexicon::Lexicon;
use model::{Scratch, Weights};

/// Why the names engine could not be built. The program's own files: this is a fault of the build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    #[error("patterns/names/cues.toml: {0}")]
    Cues(#[from] toml::de::Error),
    #[error("patterns/names/{file}, line {line}: cannot be read; run scripts/names/make")]
    List { file: &'static str, line: usize },
    #[error(
        "patterns/names/weights.tsv, line {line}: no such feature or no number; fit again (scripts/names/README.md)"
    )]
    Weights { line: usize },
    #[error("patterns/names/letters.bin cannot be read; fit again (scripts/names/README.md)")]
    Letters,
}

impl From<NamesError> for crate::detect::rule::RuleError {
    fn from(error: NamesError) -> Self {
        Self {
            file: "patterns/names".to_owned(),
            line: 1,
            column: 1,
            shown: String::new(),
            width: 1,
            message: error.to_string(),
            help: String::new(),
        }
    }
}

/// A letter is masked when its chance of lying in a name reaches this (NAMES §8.3).
pub const TAU: f32 = 0.15;

/// The names engine.
pub struct Names {
    pub cues: Cues,
    pub lexicon: Lexicon,
    pub layout: Layout,
    pub weights: Weights,
    pub letters: Option<LetterModel>,
    pub tau: f32,
    /// Scratch that stands ready, so that short texts do not wait for memory.
    spare: Mutex<Vec<Scratch>>,
}

impl Names {
    /// The engine with the files that come with the program.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn shipped() -> Result<Self, NamesError> {
        let mut names = Self::unfitted()?;
        names.weights =
            Weights::read(include_str!("../../../../patterns/names/weights.tsv"), &names.layout, &names.cues)
                .map_err(|line| NamesError::Weights { line })?;
        let letters = include_bytes!("../../../../patterns/names/letters.bin");
        if !letters.is_empty() {
            names.letters = Some(LetterModel::read(letters).ok_or(NamesError::Letters)?);
        }
        Ok(names)
    }

    /// Lists and cues without weights: what a fit begins with.
    ///
    /// # Errors
    /// When a list cannot be read.
    pub fn unfitted() -> Result<Self, NamesError> {
        let cues = Cues::shipped()?;
        let lexicon =
            Lexicon::shipped(&cues.technical).map_err(|bad| NamesError::List { file: bad.file, line: bad.line })?;
        let layout = Layout::new(&cues);
        let weights = Weights::none(&layout);
        Ok(Self { cues, lexicon, layout, weights, letters: None, tau: TAU, spare: Mutex::default() })
    }

    /// The scratch that stands ready; a search that broke off leaves none behind.
    fn spare(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fill `scratch` with the chances for the window that stands in it.
    pub(crate) fn judge(&self, scratch: &mut Scratch) {
        scratch.look(&self.lexicon, &self.cues);
        scratch.judge(&self.lexicon, &self.cues, &self.layout, &self.weights);
        if let Some(letters) = &self.letters {
            letters.join(scratch);
        }
        floors::raise(self, scratch);
    }
}

/// Most scratch that is kept.
const SPARE: usize = 16;

/// Letters that a window takes in beyond its block on either side, in bytes.
const MARGIN: usize = 240;
/// Bytes of a block.
const BLOCK: usize = 6000;

impl Engine for Names {
    fn name(&self) -> &'static str {
        "names"
    }

    fn surname_ends(&self, name: &str) -> Vec<usize> {
        let letters: Vec<char> = name.chars().collect();
        // Names are short; anything longer is none.
        if !(2..=12).contains(&letters.len()) {
            return Vec::new();
        }
        let cuts = (1..letters.len()).filter_map(|cut| {
            let (surname, given) = letters.split_at_checked(cut)?;
            let end = surname.iter().map(|letter| letter.len_utf8()).sum();
            (self.lexicon.word(surname).surname() > 0).then(|| (end, self.lexicon.word(given).given() > 0))
        });
        let cuts: Vec<(usize, bool)> = cuts.collect();
        let known: Vec<usize> = cuts.iter().filter(|(_, given)| *given).map(|(end, _)| *end).collect();
        // A given name that no list knows stands behind the longest surname.
        if known.is_empty() { cuts.last().map(|(end, _)| *end).into_iter().collect() } else { known }
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        if let Some(label) = view.label
            && self.cues.name_field(label)
            && field::whole(self, text, label, out)
        {
            return fuel.burn(text.len() as u64);
        }
        let mut scratch = self.spare().pop().unwrap_or_default();
        let mut start = 0;
        while start < text.len() {
            let end = block_end(text, start);
            let from = text.floor_char_boundary(start.saturating_sub(MARGIN));
            let to = text.ceil_char_boundary((end + MARGIN).min(text.len()));
            let (Some(block), Some(window)) = (text.get(start..end), text.get(from..to)) else { break };
            fuel.burn(block.len() as u64)?;
            if block.bytes().any(|byte| byte >= 0x80 || byte.is_ascii_uppercase()) {
                // Marks, proposals and sums look at every letter a bounded number of times more.
                fuel.burn(block.len() as u64 * 3)?;
                scratch.window.fill(window, from);
                self.judge(&mut scratch);
                spans::collect(self, &scratch, view, start..end, out);
            }
            start = end;
        }
        scratch.forget();
        let mut spare = self.spare();
        if spare.len() < SPARE {
            spare.push(scratch);
        }
        Ok(())
    }
}

/// Where the block that starts at `start` ends: after a line break, else a space, else anywhere.
fn block_end(text: &str, start: usize) -> usize {
    if text.len() - start <= BLOCK {
        return text.len();
    }
    let end = text.floor_char_boundary(start + BLOCK);
    let bytes = text.as_bytes();
    let last = |wanted: fn(u8) -> bool| {
        bytes
            .get(start + BLOCK / 2..end)
            .and_then(|bytes| bytes.iter().rposition(|byte| wanted(*byte)))
            .map(|at| start + BLOCK / 2 + at + 1)
    };
    last(|byte| byte == b'\n').or_else(|| last(|byte| byte == b' ')).unwrap_or(end)
}
