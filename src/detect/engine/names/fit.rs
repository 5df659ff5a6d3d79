//! Fitting both models: labelled texts in, weights out (L-BFGS on the exact likelihood with an L2 penalty).
//! Used by `examples/fit_names.rs` only, so that fitting and finding read texts through the same code.
//! Must not know: files.

use std::collections::HashMap;
use std::ops::Range;

use super::Names;
use super::chain::{self, Chain};
use super::features::Sight;
use super::lattice::{Arc, Lattice};
use super::letters::{self, Feature, LetterModel};
use super::marks::{self, MARKS, REACH};
use super::model::{Scratch, Weights};
use crate::detect::text::Text;

/// A text with its names, as bytes of the text as written.
pub struct Sample {
    pub text: String,
    pub names: Vec<Range<usize>>,
}

/// What a fit says of itself.
#[derive(Debug, Default, Clone, Copy)]
pub struct Outcome {
    pub samples: usize,
    pub names: usize,
    /// Names that no proposal covers exactly.
    pub without_proposal: usize,
    pub features: usize,
    pub loss: f64,
    pub steps: usize,
}

/// The names of a sample as stretches of letters of the folded text, which is put into the window.
fn folded_names(sample: &Sample, scratch: &mut Scratch) -> Vec<(u32, u32)> {
    let text = Text::new(&sample.text);
    scratch.window.fill(text.folded(), 0);
    let bytes = &scratch.window.bytes;
    let original = |at: usize| {
        let from = bytes.get(at).copied().unwrap_or(0) as usize;
        let to = bytes.get(at + 1).copied().unwrap_or(0) as usize;
        text.to_original(from..to)
    };
    let count = scratch.window.letters.len();
    sample
        .names
        .iter()
        .filter_map(|name| {
            let start = (0..count).find(|at| original(*at).start >= name.start)?;
            let end = (0..count).rev().find(|at| original(*at).end <= name.end)?;
            (start <= end).then_some((start as u32, end as u32 + 1))
        })
        .collect()
}

/// Minimise `f` (value and gradient) from `x` by L-BFGS with a memory of six steps.
pub fn minimise(
    x: &mut [f32],
    most: usize,
    mut f: impl FnMut(&[f32], &mut [f32]) -> f64,
    mut tell: impl FnMut(usize, f64),
) -> (f64, usize) {
    const MEMORY: usize = 6;
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let mut gradient = vec![0.0f32; x.len()];
    let mut value = f(x, &mut gradient);
    let mut history: std::collections::VecDeque<(Vec<f32>, Vec<f32>, f64)> = std::collections::VecDeque::new();
    let mut steps = 0;
    while steps < most {
        let mut direction: Vec<f32> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::new();
        for (moved, turned, inner) in history.iter().rev() {
            let share = dot(moved, &direction) / inner;
            direction.iter_mut().zip(turned).for_each(|(d, t)| *d -= (share * f64::from(*t)) as f32);
            shares.push(share);
        }
        if let Some((_, turned, inner)) = history.back() {
            let size = (inner / dot(turned, turned)) as f32;
            direction.iter_mut().for_each(|d| *d *= size);
        } else {
            let size = (1.0 / dot(&gradient, &gradient).sqrt()) as f32;
            direction.iter_mut().for_each(|d| *d *= size);
        }
        for ((moved, turned, inner), share) in history.iter().zip(shares.iter().rev()) {
            let back = share - dot(turned, &direction) / inner;
            direction.iter_mut().zip(moved).for_each(|(d, m)| *d += (back * f64::from(*m)) as f32);
        }
        let slope = dot(&gradient, &direction);
        if slope >= 0.0 {
            break;
        }
        let mut size = 1.0f32;
        let mut next = vec![0.0f32; x.len()];
        let mut next_gradient = vec![0.0f32; x.len()];
        let mut better = None;
        for _ in 0..12 {
            next.iter_mut().zip(x.iter()).zip(&direction).for_each(|((n, x), d)| *n = x + size * d);
            next_gradient.fill(0.0);
            let now = f(&next, &mut next_gradient);
            if now <= value + 1e-4 * f64::from(size) * slope {
                better = Some(now);
                break;
            }
            size *= 0.5;
        }
        let Some(now) = better else { break };
        let moved: Vec<f32> = next.iter().zip(x.iter()).map(|(n, x)| n - x).collect();
        let turned: Vec<f32> = next_gradient.iter().zip(&gradient).map(|(n, g)| n - g).collect();
        let inner = dot(&moved, &turned);
        if inner > 1e-10 {
            history.push_back((moved, turned, inner));
            if history.len() > MEMORY {
                history.pop_front();
            }
        }
        x.copy_from_slice(&next);
        gradient.copy_from_slice(&next_gradient);
        let gain = value - now;
        value = now;
        steps += 1;
        tell(steps, value);
        if gain.abs() < value.abs() * 1e-6 {
            break;
        }
    }
    (value, steps)
}

struct SegmentSample {
    letters: usize,
    arcs: Vec<Arc>,
    /// Start of each arc's features in the common list, and the end.
    features: Range<usize>,
    counts: Vec<u32>,
    /// For each arc the name it is, or `u32::MAX`.
    names: Vec<u32>,
}

/// Fit the segment model. `least` is how often a feature must be seen, `penalty` the L2 weight.
pub fn segments(
    names: &Names,
    samples: &[Sample],
    most: usize,
    least: u32,
    penalty: f64,
    mut tell: impl FnMut(usize, f64),
) -> (Weights, Outcome) {
    let mut outcome = Outcome { samples: samples.len(), ..Outcome::default() };
    let mut scratch = Scratch::default();
    let mut all: Vec<u32> = Vec::new();
    let mut seen = vec![0u32; names.layout.total()];
    let mut prepared = Vec::new();
    let mut features = Vec::new();
    for sample in samples {
        let gold = folded_names(sample, &mut scratch);
        scratch.look(&names.lexicon, &names.cues);
        let sight =
            Sight::new(&scratch.window, &scratch.scan, &scratch.hooks, &names.lexicon, &names.cues, &names.layout);
        outcome.names += gold.len();
        let begin = all.len();
        let (mut arcs, mut counts, mut which) = (Vec::new(), Vec::new(), Vec::new());
        let mut met = vec![false; gold.len()];
        for proposal in &scratch.scan.proposals {
            sight.features(proposal, &mut features);
            arcs.push(Arc { start: proposal.start, end: proposal.end, score: 0.0 });
            counts.push(features.len() as u32);
            for feature in &features {
                if let Some(count) = seen.get_mut(*feature as usize) {
                    *count += 1;
                }
                all.push(*feature);
            }
            let name = gold.iter().position(|name| *name == (proposal.start, proposal.end));
            if let Some(met) = name.and_then(|name| met.get_mut(name)) {
                *met = true;
            }
            which.push(name.map_or(u32::MAX, |name| name as u32));
        }
        outcome.without_proposal += met.iter().filter(|met| !**met).count();
        prepared.push(SegmentSample {
            letters: scratch.window.count(),
            arcs,
            features: begin..all.len(),
            counts,
            names: which,
        });
    }
    let last = names.layout.total();
    let mut x = vec![0.0f32; last + 1];
    if let Some(bias) = x.last_mut() {
        *bias = -3.0;
    }
    outcome.features = seen.iter().filter(|count| **count >= least).count();
    let mut lattice = Lattice::default();
    let mut chances = Vec::new();
    let (loss, steps) = minimise(
        &mut x,
        most,
        |x, gradient| {
            let mut loss = 0.0;
            for sample in &mut prepared {
                let bias = x.last().copied().unwrap_or(0.0);
                let mut from = sample.features.start;
                for (arc, count) in sample.arcs.iter_mut().zip(&sample.counts) {
                    let to = from + *count as usize;
                    arc.score = bias
                        + all
                            .get(from..to)
                            .unwrap_or(&[])
                            .iter()
                            .map(|f| x.get(*f as usize).copied().unwrap_or(0.0))
                            .sum::<f32>();
                    from = to;
                }
                if sample.arcs.is_empty() {
                    continue;
                }
                loss += lattice.chances(sample.letters, &sample.arcs, &mut chances);
                // The proposals of one name share it.
                let mut sums: HashMap<u32, f64> = HashMap::new();
                for (arc, name) in sample.arcs.iter().zip(&sample.names) {
                    if *name != u32::MAX {
                        *sums.entry(*name).or_default() += f64::from(arc.score).exp();
                    }
                }
                loss -= sums.values().map(|sum| sum.ln()).sum::<f64>();
                let mut from = sample.features.start;
                for ((arc, count), (name, chance)) in
                    sample.arcs.iter().zip(&sample.counts).zip(sample.names.iter().zip(&chances))
                {
                    let to = from + *count as usize;
                    let wanted = sums.get(name).map_or(0.0, |sum| (f64::from(arc.score).exp() / sum) as f32);
                    let pull = chance - wanted;
                    if pull.abs() > 1e-7 {
                        for feature in all.get(from..to).unwrap_or(&[]) {
                            if seen.get(*feature as usize).is_some_and(|count| *count >= least)
                                && let Some(slot) = gradient.get_mut(*feature as usize)
                            {
                                *slot += pull;
                            }
                        }
                        if let Some(slot) = gradient.last_mut() {
                            *slot += pull;
                        }
                    }
                    from = to;
                }
            }
            for (x, gradient) in x.iter().zip(gradient.iter_mut()).take(last) {
                loss += 0.5 * penalty * f64::from(*x) * f64::from(*x);
                *gradient += penalty as f32 * x;
            }
            loss
        },
        &mut tell,
    );
    outcome.loss = loss;
    outcome.steps = steps;
    let bias = x.pop().unwrap_or(0.0);
    (Weights::new(bias, &x), outcome)
}

struct LetterSample {
    keys: Vec<u32>,
    key_counts: Vec<u8>,
    slots: Vec<u16>,
    slot_counts: Vec<u16>,
    labels: Vec<u8>,
}

/// Fit the letter model; returns the bytes of its file.
pub fn letters(
    names: &Names,
    samples: &[Sample],
    most: usize,
    least: u32,
    penalty: f64,
    mut tell: impl FnMut(usize, f64),
) -> (Vec<u8>, Outcome) {
    let mut outcome = Outcome { samples: samples.len(), ..Outcome::default() };
    let mut scratch = Scratch::default();
    let mut seen: HashMap<Feature, (u32, u32)> = HashMap::new();
    let mut prepared = Vec::new();
    for sample in samples {
        let gold = folded_names(sample, &mut scratch);
        scratch.look(&names.lexicon, &names.cues);
        outcome.names += gold.len();
        scratch.letter.marks.clear();
        marks::marks(&scratch.window, &scratch.scan, 0, scratch.window.count(), &mut scratch.letter.marks);
        letters::latin_words(&scratch.window, &scratch.scan, &mut scratch.letter.words);
        let count = scratch.window.count();
        let mut labels = vec![0u8; count];
        for (start, end) in gold {
            if let Some(name) = labels.get_mut(start as usize..end as usize) {
                name.fill(2);
                if let Some(first) = name.first_mut() {
                    *first = 1;
                }
            }
        }
        let mut held = LetterSample {
            keys: Vec::new(),
            key_counts: Vec::new(),
            slots: Vec::new(),
            slot_counts: Vec::new(),
            labels,
        };
        for at in 0..count {
            let word = scratch.letter.words.get(at).copied().unwrap_or(0);
            let before = held.keys.len();
            letters::features(&scratch.window, at, word, |feature| {
                // Numbered as they come.
                let next = seen.len() as u32;
                let (number, count) = seen.entry(feature).or_insert((next, 0));
                *count += 1;
                held.keys.push(*number);
            });
            held.key_counts.push((held.keys.len() - before) as u8);
            let before = held.slots.len();
            marks::seen_marks(&scratch.letter.marks, at, |slot| held.slots.push(slot as u16));
            held.slot_counts.push((held.slots.len() - before) as u16);
        }
        prepared.push(held);
    }
    let mut places = vec![u32::MAX; seen.len()];
    let mut numbers: Vec<(Feature, u32)> =
        seen.into_iter().filter(|(_, (_, count))| *count >= least).map(|(key, (number, _))| (key, number)).collect();
    numbers.sort_unstable();
    for (at, (_, number)) in numbers.iter().enumerate() {
        if let Some(place) = places.get_mut(*number as usize) {
            *place = at as u32;
        }
    }
    // Keys become places in the list, `u32::MAX` where dropped.
    for sample in &mut prepared {
        for key in &mut sample.keys {
            *key = places.get(*key as usize).copied().unwrap_or(u32::MAX);
        }
    }
    drop(places);
    outcome.features = numbers.len();
    let marks_at = numbers.len() * 2;
    let steps_at = marks_at + MARKS * REACH * 2;
    let mut x = vec![0.0f32; steps_at + 9];
    let mut chain = Chain::default();
    let mut emissions: Vec<[f32; 2]> = Vec::new();
    let pair = |x: &[f32], at: usize| match x.get(at..at + 2) {
        Some([begin, inside]) => [*begin, *inside],
        _ => [0.0; 2],
    };
    let steps_of = |x: &[f32]| {
        let mut steps = [[0.0f32; 3]; 3];
        for (slot, value) in steps.iter_mut().flatten().zip(x.get(steps_at..).unwrap_or(&[])) {
            *slot = *value;
        }
        steps
    };
    warm_start(&prepared, &mut x, marks_at, steps_at, penalty);
    let (loss, steps) = minimise(
        &mut x,
        most,
        |x, gradient| {
            let steps = steps_of(x);
            let odds = chain::odds(&steps);
            let mut loss = 0.0;
            for sample in &prepared {
                emissions.clear();
                let (mut key, mut slot) = (0, 0);
                for (keys, slots) in sample.key_counts.iter().zip(&sample.slot_counts) {
                    let mut sum = [0.0f32; 2];
                    for place in sample.keys.get(key..key + usize::from(*keys)).unwrap_or(&[]) {
                        if *place != u32::MAX {
                            let [begin, inside] = pair(x, *place as usize * 2);
                            sum[0] += begin;
                            sum[1] += inside;
                        }
                    }
                    for place in sample.slots.get(slot..slot + usize::from(*slots)).unwrap_or(&[]) {
                        let [begin, inside] = pair(x, marks_at + usize::from(*place) * 2);
                        sum[0] += begin;
                        sum[1] += inside;
                    }
                    key += usize::from(*keys);
                    slot += usize::from(*slots);
                    emissions.push(sum);
                }
                chain.chances(&odds, &emissions);
                let (log, expected) = chain.expected(&odds);
                loss += log;
                let mut last = 0usize;
                for (label, emission) in sample.labels.iter().zip(&emissions) {
                    let label = usize::from(*label);
                    loss -= f64::from(steps[last][label]);
                    if label > 0 {
                        loss -= f64::from(emission[label - 1]);
                    }
                    if let Some(slot) = gradient.get_mut(steps_at + last * 3 + label) {
                        *slot -= 1.0;
                    }
                    last = label;
                }
                for (slot, expected) in gradient.iter_mut().skip(steps_at).zip(expected.iter().flatten()) {
                    *slot += *expected as f32;
                }
                let (mut key, mut slot) = (0, 0);
                for (((keys, slots), label), chance) in
                    sample.key_counts.iter().zip(&sample.slot_counts).zip(&sample.labels).zip(&chain.chance)
                {
                    let pull =
                        [chance[0] - f32::from(u8::from(*label == 1)), chance[1] - f32::from(u8::from(*label == 2))];
                    let (keys_end, slots_end) = (key + usize::from(*keys), slot + usize::from(*slots));
                    if pull[0].abs() + pull[1].abs() > 1e-5 {
                        let places = sample
                            .keys
                            .get(key..keys_end)
                            .unwrap_or(&[])
                            .iter()
                            .filter(|p| **p != u32::MAX)
                            .map(|p| *p as usize * 2);
                        let marks = sample
                            .slots
                            .get(slot..slots_end)
                            .unwrap_or(&[])
                            .iter()
                            .map(|p| marks_at + usize::from(*p) * 2);
                        for place in places.chain(marks) {
                            if let Some([begin, inside]) = gradient.get_mut(place..place + 2) {
                                *begin += pull[0];
                                *inside += pull[1];
                            }
                        }
                    }
                    key = keys_end;
                    slot = slots_end;
                }
            }
            for (x, gradient) in x.iter().zip(gradient.iter_mut()) {
                loss += 0.5 * penalty * f64::from(*x) * f64::from(*x);
                *gradient += penalty as f32 * x;
            }
            loss
        },
        &mut tell,
    );
    outcome.loss = loss;
    outcome.steps = steps;
    let kept: Vec<(Feature, f32, f32)> = numbers
        .iter()
        .enumerate()
        .map(|(at, (key, _))| {
            let [begin, inside] = pair(&x, at * 2);
            (*key, begin, inside)
        })
        .filter(|(_, begin, inside)| begin.abs().max(inside.abs()) >= 0.02)
        .collect();
    let marks: Vec<[f32; 2]> = (0..MARKS * REACH).map(|at| pair(&x, marks_at + at * 2)).collect();
    (LetterModel::write(&steps_of(&x), &marks, kept), outcome)
}

/// Rounds of the warm start over all samples.
const ROUNDS: usize = 10;

/// Adaptive gradient steps, sample by sample, so that the exact fit begins near its end. Same samples, same result.
fn warm_start(samples: &[LetterSample], x: &mut [f32], marks_at: usize, steps_at: usize, penalty: f64) {
    let mut touched = vec![0.0f32; x.len()];
    let places = |sample: &LetterSample, out: &mut Vec<(usize, usize)>| {
        out.clear();
        let (mut key, mut slot) = (0, 0);
        for (at, (keys, slots)) in sample.key_counts.iter().zip(&sample.slot_counts).enumerate() {
            let (keys_end, slots_end) = (key + usize::from(*keys), slot + usize::from(*slots));
            let keys = sample
                .keys
                .get(key..keys_end)
                .unwrap_or(&[])
                .iter()
                .filter(|p| **p != u32::MAX)
                .map(|p| *p as usize * 2);
            let marks = sample.slots.get(slot..slots_end).unwrap_or(&[]).iter().map(|p| marks_at + usize::from(*p) * 2);
            out.extend(keys.chain(marks).map(|place| (at, place)));
            key = keys_end;
            slot = slots_end;
        }
    };
    let mut seen = Vec::new();
    for sample in samples {
        places(sample, &mut seen);
        for (_, place) in &seen {
            if let Some(count) = touched.get_mut(*place) {
                *count += 1.0;
            }
        }
    }
    let mut squares = vec![1e-3f32; x.len()];
    let mut step = |x: &mut [f32], place: usize, pull: f32| {
        if let (Some(x), Some(square)) = (x.get_mut(place), squares.get_mut(place)) {
            *square += pull * pull;
            *x -= 0.15 * pull / square.sqrt();
        }
    };
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut dice: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut chain = Chain::default();
    let mut emissions: Vec<[f32; 2]> = Vec::new();
    for _ in 0..ROUNDS {
        for at in (1..order.len()).rev() {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, (dice >> 33) as usize % (at + 1));
        }
        for sample in order.iter().filter_map(|at| samples.get(*at)) {
            places(sample, &mut seen);
            emissions.clear();
            emissions.resize(sample.labels.len(), [0.0; 2]);
            for (at, place) in &seen {
                if let (Some(sum), Some([begin, inside])) = (emissions.get_mut(*at), x.get(*place..*place + 2)) {
                    sum[0] += begin;
                    sum[1] += inside;
                }
            }
            let mut steps = [[0.0f32; 3]; 3];
            for (slot, value) in steps.iter_mut().flatten().zip(x.get(steps_at..).unwrap_or(&[])) {
                *slot = *value;
            }
            let odds = chain::odds(&steps);
            chain.chances(&odds, &emissions);
            let mut last = 0usize;
            let (_, mut turned) = chain.expected(&odds);
            for label in &sample.labels {
                turned[last][usize::from(*label)] -= 1.0;
                last = usize::from(*label);
            }
            for (at, pull) in turned.iter().flatten().enumerate() {
                step(x, steps_at + at, *pull as f32);
            }
            for (at, place) in &seen {
                let (Some(label), Some([begin, inside])) = (sample.labels.get(*at), chain.chance.get(*at)) else {
                    continue;
                };
                let pull = [begin - f32::from(u8::from(*label == 1)), inside - f32::from(u8::from(*label == 2))];
                if pull[0].abs() + pull[1].abs() > 1e-4 {
                    let share = penalty as f32 / touched.get(*place).copied().unwrap_or(1.0).max(1.0);
                    for (more, pull) in pull.iter().enumerate() {
                        let weight = x.get(place + more).copied().unwrap_or(0.0);
                        step(x, place + more, pull + share * weight);
                    }
                }
            }
        }
    }
}
