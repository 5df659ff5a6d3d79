//! The segment model: proposals of a window → features → chances. Weights are readable lines of
//! `patterns/names/weights.tsv`, one feature each.
//! Must not know: what is done with the chances.

use zeroize::Zeroize;

use super::candidates::Proposal;
use super::cues::Cues;
use super::features::{Hooks, Layout, Sight};
use super::lattice::{Arc, Lattice};
use super::letter::Window;
use super::lexicon::Lexicon;
use super::scan::Scan;

/// Proposals below this score are dropped before the sums: their chance is under 0.0003.
const HOPELESS: f32 = -8.0;

/// Weights by feature number, and the bias of every stretch.
pub struct Weights {
    bias: f32,
    /// In hundredths, as the file writes them: half the memory, so that more of them stay near.
    hundredths: Vec<i16>,
}

impl Weights {
    #[must_use]
    pub fn none(layout: &Layout) -> Self {
        Self { bias: 0.0, hundredths: vec![0; layout.total()] }
    }

    /// Fitted numbers, rounded to hundredths.
    #[must_use]
    pub fn new(bias: f32, by_feature: &[f32]) -> Self {
        Self { bias, hundredths: by_feature.iter().map(|weight| (weight * 100.0).round() as i16).collect() }
    }

    /// The weight of a feature.
    #[must_use]
    pub fn of(&self, feature: u32) -> f32 {
        self.hundredths(feature) as f32 / 100.0
    }

    /// Read lines `feature TAB weight`; lines that begin with `#` are the head.
    ///
    /// # Errors
    /// The number of the first line that names no feature or no number.
    pub fn read(text: &str, layout: &Layout, cues: &Cues) -> Result<Self, usize> {
        let mut weights = Self::none(layout);
        let numbers = cues.by_word();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let bad = number + 1;
            let (name, weight) = line.split_once('\t').ok_or(bad)?;
            let weight: f32 = weight.parse().map_err(|_| bad)?;
            if name == "bias" {
                weights.bias = weight;
                continue;
            }
            let index = layout.parse(name, &numbers).ok_or(bad)?;
            if let Some(slot) = weights.hundredths.get_mut(index as usize) {
                *slot = (weight * 100.0).round() as i16;
            }
        }
        Ok(weights)
    }

    /// The lines, sorted by name; weights nearer to zero than `least` are left out.
    #[must_use]
    pub fn write(&self, layout: &Layout, cues: &Cues, least: f32) -> String {
        let mut lines: Vec<String> = (0..self.hundredths.len() as u32)
            .map(|feature| (feature, self.of(feature)))
            .filter(|(_, weight)| weight.abs() >= least)
            .map(|(feature, weight)| format!("{}\t{weight:.2}", layout.name(feature, cues)))
            .collect();
        lines.sort();
        format!("bias\t{:.3}\n{}\n", self.bias, lines.join("\n"))
    }

    /// The weight of a feature in hundredths.
    #[inline]
    fn hundredths(&self, feature: u32) -> i32 {
        i32::from(self.hundredths.get(feature as usize).copied().unwrap_or(0))
    }

    /// The score of a stretch from the sum of its features in hundredths.
    fn scored(&self, sum: i32) -> f32 {
        self.bias + sum as f32 / 100.0
    }
}

/// Scratch for one thread of work, reused from window to window.
#[derive(Default)]
pub struct Scratch {
    pub window: Window,
    pub scan: Scan,
    pub hooks: Hooks,
    pub features: Vec<u32>,
    /// The proposals that were kept, with their scores and chances.
    pub kept: Vec<Proposal>,
    pub arcs: Vec<Arc>,
    pub chances: Vec<f32>,
    /// By letter: the chance of lying in a name; of beginning one.
    pub inside: Vec<f32>,
    pub begins: Vec<f32>,
    pub letter: super::letters::LetterScratch,
    lattice: Lattice,
}

impl Scratch {
    /// Wipe the letters of the text; only numbers stay.
    pub fn forget(&mut self) {
        self.window.letters.zeroize();
        self.scan.forget();
    }

    /// Look at the window that was filled in.
    pub fn look(&mut self, lexicon: &Lexicon, cues: &Cues) {
        self.scan.look(&self.window, lexicon, cues);
        self.hooks.look(&self.window, &self.scan);
    }

    /// The chances of the proposals of the window that was looked at.
    pub fn judge(&mut self, lexicon: &Lexicon, cues: &Cues, layout: &Layout, weights: &Weights) {
        let Self { window, scan, hooks, kept, arcs, chances, inside, begins, lattice, .. } = self;
        kept.clear();
        arcs.clear();
        let sight = Sight::new(window, scan, hooks, lexicon, cues, layout);
        for proposal in &scan.proposals {
            let mut sum = 0;
            sight.each(proposal, |feature| sum += weights.hundredths(feature));
            let score = weights.scored(sum);
            if score > HOPELESS {
                kept.push(*proposal);
                arcs.push(Arc { start: proposal.start, end: proposal.end, score });
            }
        }
        inside.clear();
        inside.resize(window.count() + 1, 0.0);
        begins.clear();
        begins.resize(window.count() + 1, 0.0);
        if arcs.is_empty() {
            chances.clear();
            return;
        }
        lattice.chances(window.count(), arcs, chances);
        for (arc, chance) in arcs.iter().zip(chances.iter()) {
            if let Some(letters) = inside.get_mut(arc.start as usize..arc.end as usize) {
                letters.iter_mut().for_each(|letter| *letter += chance);
            }
            if let Some(letter) = begins.get_mut(arc.start as usize) {
                *letter += chance;
            }
        }
    }
}
