//! Forward and backward sums of a linear chain over letters: outside, begin, inside.
//! Must not know: where the weights come from.

/// The odds of the steps: from, to; 0 outside, 1 begin, 2 inside.
pub type Odds = [[f64; 3]; 3];

/// The odds of weights.
#[must_use]
pub fn odds(steps: &[[f32; 3]; 3]) -> Odds {
    steps.map(|row| row.map(|step| f64::from(step).exp()))
}

/// Forward and backward sums of the chain, scaled letter by letter.
#[derive(Default)]
pub struct Chain {
    /// By letter: the odds of its own.
    own: Vec<[f64; 3]>,
    forward: Vec<[f64; 3]>,
    backward: Vec<[f64; 3]>,
    scale: Vec<f64>,
    /// By letter: chance of *begin* and of *inside*.
    pub chance: Vec<[f32; 2]>,
}

impl Chain {
    /// Fill `chance`.
    pub fn chances(&mut self, odds: &Odds, emissions: &[[f32; 2]]) {
        let Self { own, forward, backward, scale, chance } = self;
        own.clear();
        own.extend(
            emissions
                .iter()
                .map(|[begin, inside]| [1.0, f64::from(begin.min(60.0)).exp(), f64::from(inside.min(60.0)).exp()]),
        );
        forward.clear();
        scale.clear();
        chance.clear();
        // Before the text stands an outside letter.
        let mut last = [1.0, 0.0, 0.0];
        for own in own.iter() {
            let mut next = [0.0; 3];
            for (to, slot) in next.iter_mut().enumerate() {
                let mut sum = 0.0;
                for (from, row) in odds.iter().enumerate() {
                    sum += last[from] * row[to];
                }
                *slot = sum * own[to];
            }
            let total = next[0] + next[1] + next[2];
            last = next.map(|value| value / total);
            forward.push(last);
            scale.push(total);
        }
        backward.clear();
        backward.resize(emissions.len(), [1.0; 3]);
        let mut next = [1.0; 3];
        for ((backward, own), total) in backward.iter_mut().zip(own.iter()).zip(scale.iter()).rev() {
            *backward = next;
            next = sums_before(odds, own, &next, *total);
        }
        for (forward, backward) in forward.iter().zip(backward.iter()) {
            let sum = forward[0] * backward[0] + forward[1] * backward[1] + forward[2] * backward[2];
            chance.push([(forward[1] * backward[1] / sum) as f32, (forward[2] * backward[2] / sum) as f32]);
        }
    }

    /// After `chances`: the log of the sum over all labellings, and how often each step is expected.
    #[must_use]
    pub fn expected(&self, odds: &Odds) -> (f64, [[f64; 3]; 3]) {
        let mut expected = [[0.0; 3]; 3];
        let mut before = [1.0, 0.0, 0.0];
        let rows = self.own.iter().zip(&self.forward).zip(&self.backward).zip(&self.scale);
        for (((own, forward), backward), total) in rows {
            for (from, expected) in expected.iter_mut().enumerate() {
                for (to, expected) in expected.iter_mut().enumerate() {
                    *expected += before[from] * odds[from][to] * own[to] * backward[to] / total;
                }
            }
            before = *forward;
        }
        (self.scale.iter().map(|total| total.ln()).sum(), expected)
    }
}

/// The backward sums of the letter before one with the odds `own` and the backward sums `next`.
fn sums_before(odds: &Odds, own: &[f64; 3], next: &[f64; 3], total: f64) -> [f64; 3] {
    odds.map(|row| row.iter().zip(own).zip(next).map(|((step, own), next)| step * own * next / total).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_sums_are_those_of_all_labellings() {
        let steps = [[0.3, -0.2, -2.0], [0.1, -0.7, 1.1], [0.2, -0.4, 0.9]];
        let emissions = [[0.5, -0.3], [1.2, 0.1], [-0.6, 0.8], [0.0, 0.4]];
        let mut sum = 0.0;
        let mut begin = [0.0; 4];
        for code in 0..81usize {
            let labels = [code % 3, code / 3 % 3, code / 9 % 3, code / 27];
            let mut score = 0.0;
            let mut last = 0;
            for (at, label) in labels.iter().enumerate() {
                score += steps[last][*label];
                if *label > 0 {
                    score += emissions[at][label - 1];
                }
                last = *label;
            }
            let weight = f64::from(score).exp();
            sum += weight;
            for (at, label) in labels.iter().enumerate() {
                begin[at] += if *label == 1 { weight } else { 0.0 };
            }
        }
        let mut chain = Chain::default();
        let odds = odds(&steps);
        chain.chances(&odds, &emissions);
        let (log, expected) = chain.expected(&odds);
        assert!((log - sum.ln()).abs() < 1e-5);
        for (chance, begin) in chain.chance.iter().zip(begin) {
            assert!((f64::from(chance[0]) - begin / sum).abs() < 1e-5);
        }
        let steps: f64 = expected.iter().flatten().sum();
        assert!((steps - 4.0).abs() < 1e-9);
    }
}
