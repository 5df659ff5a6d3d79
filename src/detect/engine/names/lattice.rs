//! The chances of all sets of stretches that do not overlap, at once (semi-Markov CRF): forward and backward sums.
//! A letter outside costs nothing; a stretch adds its score.
//! Must not know: what stretches are.

/// A stretch with its score.
#[derive(Clone, Copy, Debug)]
pub struct Arc {
    pub start: u32,
    pub end: u32,
    pub score: f32,
}

fn log_add(a: f64, b: f64) -> f64 {
    let (a, b) = if a < b { (b, a) } else { (a, b) };
    if b == f64::NEG_INFINITY || b - a < -40.0 { a } else { a + (b - a).exp().ln_1p() }
}

/// Scratch, reused.
#[derive(Default)]
pub struct Lattice {
    forward: Vec<f64>,
    backward: Vec<f64>,
    order: Vec<u32>,
}

impl Lattice {
    /// Fill `chance` with the chance of each of `arcs` in a text of `letters` letters; returns the log of the sum.
    pub fn chances(&mut self, letters: usize, arcs: &[Arc], chance: &mut Vec<f32>) -> f64 {
        let Self { forward, backward, order } = self;
        chance.clear();
        chance.resize(arcs.len(), 0.0);
        forward.clear();
        forward.resize(letters + 1, 0.0);
        backward.clear();
        backward.resize(letters + 1, 0.0);
        order.clear();
        order.extend(0..arcs.len() as u32);
        order.sort_unstable_by_key(|index| arcs.get(*index as usize).map_or(0, |arc| arc.end));
        let at = |values: &[f64], index: u32| values.get(index as usize).copied().unwrap_or(0.0);
        let mut next = 0;
        for end in 1..=letters as u32 {
            let mut sum = at(forward, end - 1);
            while let Some(arc) =
                order.get(next).and_then(|index| arcs.get(*index as usize)).filter(|arc| arc.end == end)
            {
                sum = log_add(sum, at(forward, arc.start) + f64::from(arc.score));
                next += 1;
            }
            if let Some(value) = forward.get_mut(end as usize) {
                *value = sum;
            }
        }
        let all = at(forward, letters as u32);
        // Backwards every letter's sum is finished before it is read: stretches by end, from the last.
        for value in backward.iter_mut() {
            *value = f64::NEG_INFINITY;
        }
        if let Some(value) = backward.get_mut(letters) {
            *value = 0.0;
        }
        let mut next = order.len();
        for end in (1..=letters as u32).rev() {
            let here = at(backward, end);
            if let Some(value) = backward.get_mut(end as usize - 1) {
                *value = log_add(*value, here);
            }
            while let Some((index, arc)) = next
                .checked_sub(1)
                .and_then(|next| order.get(next))
                .and_then(|index| arcs.get(*index as usize).map(|arc| (*index as usize, arc)))
                .filter(|(_, arc)| arc.end == end)
            {
                let score = f64::from(arc.score);
                if let Some(chance) = chance.get_mut(index) {
                    *chance = (at(forward, arc.start) + score + here - all).exp() as f32;
                }
                if let Some(value) = backward.get_mut(arc.start as usize) {
                    *value = log_add(*value, score + here);
                }
                next -= 1;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sets, one by one.
    fn by_hand(arcs: &[Arc]) -> (f64, Vec<f64>) {
        let mut sum = 0.0;
        let mut each = vec![0.0; arcs.len()];
        for set in 0..1u32 << arcs.len() {
            let chosen: Vec<usize> = (0..arcs.len()).filter(|i| set & 1 << i != 0).collect();
            let clash = chosen.iter().any(|a| {
                chosen.iter().any(|b| a < b && arcs[*a].start < arcs[*b].end && arcs[*b].start < arcs[*a].end)
            });
            if clash {
                continue;
            }
            let weight = chosen.iter().map(|i| f64::from(arcs[*i].score)).sum::<f64>().exp();
            sum += weight;
            for i in chosen {
                each[i] += weight;
            }
        }
        (sum.ln(), each.into_iter().map(|w| w / sum).collect())
    }

    #[test]
    fn sums_are_those_of_all_sets() {
        let arc = |start, end, score| Arc { start, end, score };
        let arcs = [
            arc(0, 2, 1.0),
            arc(0, 4, 2.0),
            arc(2, 4, -0.5),
            arc(1, 3, 0.3),
            arc(4, 5, 0.7),
            arc(3, 5, -2.0),
            arc(2, 3, 0.1),
        ];
        let mut chance = Vec::new();
        let all = Lattice::default().chances(6, &arcs, &mut chance);
        let (want, each) = by_hand(&arcs);
        assert!((all - want).abs() < 1e-6);
        for (got, want) in chance.iter().zip(each) {
            assert!((f64::from(*got) - want).abs() < 1e-6);
        }
    }
}
