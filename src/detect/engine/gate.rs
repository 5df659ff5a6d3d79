//! The gate of the pattern engine: one automaton that says which rules can hit a line.
//! It holds the first few letters of every pattern only. Whole patterns with their counted repetitions made a lazy DFA
//! that was built anew for every kind of line; a gate may let too much through, never too little.
//! Must not know: what a rule finds.

use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind, PatternSet, meta};
use regex_syntax::hir::{Class, Hir, HirKind, Literal, Repetition};

/// Letters of a pattern that the gate holds, at least, where the pattern has as many.
const LETTERS: usize = 4;

/// Which of many patterns can match in a window.
#[derive(Debug)]
pub(super) struct Gate {
    regex: meta::Regex,
}

impl Gate {
    /// Build the gate of these patterns. Its cache must hold the working set (a small one costs a factor of 200).
    pub(super) fn new(patterns: &[&str]) -> Result<Self, String> {
        let heads: Vec<Hir> = patterns
            .iter()
            .map(|pattern| {
                let whole = regex_syntax::parse(pattern).map_err(|error| error.to_string())?;
                let mut left = LETTERS;
                Ok(head(&whole, &mut left))
            })
            .collect::<Result<_, String>>()?;
        let regex = meta::Builder::new()
            .configure(
                meta::Config::new()
                    .match_kind(MatchKind::All)
                    .which_captures(WhichCaptures::None)
                    .utf8_empty(false)
                    .nfa_size_limit(Some(64 << 20))
                    .hybrid_cache_capacity(32 << 20),
            )
            .build_many_from_hir(&heads)
            .map_err(|error| error.to_string())?;
        Ok(Self { regex })
    }

    pub(super) fn set(&self) -> PatternSet {
        PatternSet::new(self.regex.pattern_len())
    }

    /// Write the patterns that can match in a window into `set`.
    pub(super) fn look(&self, text: &str, window: std::ops::Range<usize>, set: &mut PatternSet) {
        set.clear();
        self.regex.which_overlapping_matches(&Input::new(text).range(window), set);
    }
}

/// A pattern that every match of `hir` begins with: its first `left` letters, without looks, with open repetitions.
fn head(hir: &Hir, left: &mut usize) -> Hir {
    if *left == 0 {
        return Hir::empty();
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(Literal(bytes)) => literal(bytes, left),
        HirKind::Class(class) => {
            *left -= 1;
            Hir::class(match class {
                Class::Unicode(class) => Class::Unicode(class.clone()),
                Class::Bytes(class) => Class::Bytes(class.clone()),
            })
        }
        HirKind::Capture(capture) => head(&capture.sub, left),
        HirKind::Concat(parts) => {
            let mut heads = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                // What follows may be left out whole: the match is decided.
                let rest = parts.get(index..).unwrap_or_default();
                if *left == 0 || rest.iter().all(|part| part.properties().minimum_len() == Some(0)) {
                    break;
                }
                heads.push(head(part, left));
            }
            Hir::concat(heads)
        }
        HirKind::Alternation(parts) => {
            let mut least = *left;
            let heads = parts
                .iter()
                .map(|part| {
                    let mut own = *left;
                    let head = head(part, &mut own);
                    least = least.min(*left - own);
                    head
                })
                .collect();
            *left -= least;
            Hir::alternation(heads)
        }
        HirKind::Repetition(repetition) => repeated(repetition, left),
    }
}

fn literal(bytes: &[u8], left: &mut usize) -> Hir {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let end = text.char_indices().nth(*left).map_or(text.len(), |(at, _)| at);
            *left = left.saturating_sub(text.chars().count());
            Hir::literal(bytes.get(..end).unwrap_or_default())
        }
        Err(_) => {
            let end = bytes.len().min(*left);
            *left -= end;
            Hir::literal(bytes.get(..end).unwrap_or_default())
        }
    }
}

/// `x{3,14}` begins with `x{3}`, and what follows it may follow any more of them.
fn repeated(repetition: &Repetition, left: &mut usize) -> Hir {
    let before = *left;
    let mut one = before;
    let sub = head(&repetition.sub, &mut one);
    let cut = repetition.sub.properties().minimum_len() != sub.properties().minimum_len();
    let letters = before - one;
    let mut heads = Vec::new();
    let mut count = 0;
    while count < repetition.min && *left > 0 {
        let mut own = *left;
        heads.push(head(&repetition.sub, &mut own));
        if own == *left {
            // It takes no letter for sure: one will do.
            break;
        }
        *left = own;
        count += 1;
        if cut {
            // The head of the first is not a whole `x`; nothing can be said of what follows.
            *left = 0;
        }
    }
    let more = repetition.max.is_none_or(|max| max > repetition.min);
    if *left > 0 && more && letters > 0 {
        heads.push(Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub: Box::new(sub) }));
        if cut {
            *left = 0;
        }
    }
    Hir::concat(heads)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATTERNS: [&str; 12] = [
        r"0[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4}",
        r"[0-9]{3,14}(?:-[0-9]{1,9}){0,3}",
        r"(?:様|さん) ?\((?P<v>[0-9]{2,5})\)",
        r"[A-Za-z0-9._%+-]{1,64}@(?:[a-z]{1,9}\.){1,8}[a-z]{2,9}",
        r"(?:ab|c){2,3}d",
        r"(?:a?b?){1,3}x",
        r"(?:a|bcdefg)h",
        r"(?i)sk-[a-z]{3}|ghp_[0-9]{4}",
        r"(?-u:\b)[0-9]{12}(?-u:\b)",
        r"氏名[:： ]*[一-龠]{2,4}",
        r"(?:[a-c]{3}-){2}[0-9]",
        r"[^,]{0,3},[0-9]",
    ];

    #[test]
    fn the_gate_is_small() {
        let gate = Gate::new(&PATTERNS).unwrap();
        let mut set = gate.set();
        gate.look("tel 090-1234-5678", 0..17, &mut set);
        assert!(set.iter().any(|id| id.as_usize() == 0) && set.iter().any(|id| id.as_usize() == 1));
        assert!(!set.iter().any(|id| id.as_usize() == 3));
        gate.look("何もない文", 0..15, &mut set);
        assert!(set.is_empty());
    }

    proptest! {
        /// Whatever a pattern matches, the gate lets through.
        #[test]
        fn it_never_lets_too_little_through(text in "[a-dx0-9gh,@.() -]{0,24}|(?:様|さん|氏名|山|田|:|\\(|[0-9]|sk-|abc-|ghp_){0,10}") {
            let gate = Gate::new(&PATTERNS).unwrap();
            let mut set = gate.set();
            gate.look(&text, 0..text.len(), &mut set);
            for (index, pattern) in PATTERNS.iter().enumerate() {
                let hit = meta::Regex::new(pattern).unwrap().is_match(text.as_str());
                prop_assert!(!hit || set.iter().any(|id| id.as_usize() == index), "{pattern} matches and the gate is shut");
            }
        }
    }
}
