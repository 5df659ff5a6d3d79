//! The gate of the pattern engine: one automaton that says which rules can hit a line.
//! It holds the first few letters of every pattern only. Whole patterns with their counted repetitions made a lazy DFA
//! that was built anew for every kind of line; a gate may let too much through, never too little.
//! Must not know: what a rule finds.

use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind, PatternSet, meta};
use regex_syntax::hir::{Hir, HirKind, Literal, Repetition};

/// Letters of a pattern that the gate holds, at least, where the pattern has as many. Every one more multiplies the states
/// that are built while it runs; what stands further on is asked for by `needs`.
const LETTERS: usize = 2;

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
                Ok(head(&whole, &mut left, true).0)
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

/// A pattern that every match of `hir` begins with: its first `left` letters, without looks, with open repetitions; and
/// whether it is the whole of `hir`, so that what follows in the pattern may follow here. `last`: nothing follows.
fn head(hir: &Hir, left: &mut usize, last: bool) -> (Hir, bool) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (Hir::empty(), true),
        _ if *left == 0 => (Hir::empty(), false),
        HirKind::Literal(Literal(bytes)) => literal(bytes, left),
        HirKind::Class(class) => {
            *left -= 1;
            (Hir::class(class.clone()), true)
        }
        HirKind::Capture(capture) => head(&capture.sub, left, last),
        HirKind::Concat(parts) => {
            let mut heads = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let rest = parts.get(index..).unwrap_or_default();
                if last && rest.iter().all(|part| part.properties().minimum_len() == Some(0)) {
                    break;
                }
                let (head, whole) = head(part, left, last && rest.len() == 1);
                heads.push(head);
                if !whole {
                    return (Hir::concat(heads), false);
                }
            }
            (Hir::concat(heads), true)
        }
        HirKind::Alternation(parts) => {
            let (mut least, mut all) = (*left, true);
            let mut heads = Vec::new();
            for part in parts {
                let mut own = *left;
                let (head, whole) = head(part, &mut own, last);
                least = least.min(*left - own);
                all &= whole;
                heads.push(head);
            }
            *left -= least;
            (Hir::alternation(heads), all)
        }
        HirKind::Repetition(repetition) => repeated(repetition, left),
    }
}

fn literal(bytes: &[u8], left: &mut usize) -> (Hir, bool) {
    let end = match std::str::from_utf8(bytes) {
        Ok(text) => text.char_indices().nth(*left).map_or(text.len(), |(at, _)| at),
        Err(_) => bytes.len().min(*left),
    };
    let letters = std::str::from_utf8(bytes).map_or(bytes.len(), |text| text.chars().count());
    *left = left.saturating_sub(letters);
    (Hir::literal(bytes.get(..end).unwrap_or_default()), end == bytes.len())
}

/// `x{3,14}` begins with `x{3}`, and what follows it may follow any more of them.
fn repeated(repetition: &Repetition, left: &mut usize) -> (Hir, bool) {
    let mut heads = Vec::new();
    for _ in 0..repetition.min {
        let before = *left;
        let (head, whole) = head(&repetition.sub, left, false);
        heads.push(head);
        if !whole {
            return (Hir::concat(heads), false);
        }
        if *left == before {
            // It takes no letter for sure; any number of them is a loop.
            break;
        }
    }
    if repetition.max.is_some_and(|max| max <= repetition.min) && heads.len() == repetition.min as usize {
        return (Hir::concat(heads), true);
    }
    let mut own = *left;
    let (sub, whole) = head(&repetition.sub, &mut own, false);
    if !whole {
        return (Hir::concat(heads), false);
    }
    heads.push(Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub: Box::new(sub) }));
    (Hir::concat(heads), true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATTERNS: [&str; 15] = [
        r"(?:abcdefgh|a) ?[0-9]",
        r"[0-9a-c]{1,4}(?::[0-9a-c]{0,4}){2,6}:[0-9a-c]{1,4}",
        r"(?:x?(?:abc|g)[.-])?h ?[0-9]{2}",
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
        assert!(set.iter().any(|id| id.as_usize() == 3) && set.iter().any(|id| id.as_usize() == 4));
        assert!(!set.iter().any(|id| id.as_usize() == 6));
        gate.look("何もない文", 0..15, &mut set);
        // A part that may be left out and is longer than the gate leaves it open (the third pattern).
        assert!(set.iter().all(|id| id.as_usize() == 2), "{set:?}");
    }

    /// Every shipped rule over every line of the corpus: what the rule finds, the gate lets through.
    #[test]
    fn no_shipped_rule_is_shut_out() {
        let loaded = crate::detect::rule::load(&crate::detect::rule::shipped()).unwrap();
        let rules: Vec<_> = loaded.iter().filter(|loaded| !loaded.rule.lines).collect();
        let patterns: Vec<&str> = rules.iter().map(|loaded| loaded.rule.pattern.as_str()).collect();
        let gate = Gate::new(&patterns).unwrap();
        let mut set = gate.set();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let mut shut = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_none_or(|ext| ext != "jsonl") {
                continue;
            }
            for one in crate::score::read_gold(&std::fs::read_to_string(entry).unwrap()).unwrap() {
                for line in crate::detect::text::Text::new(&one.text).folded().lines() {
                    gate.look(line, 0..line.len(), &mut set);
                    for (index, loaded) in rules.iter().enumerate() {
                        if !set.iter().any(|id| id.as_usize() == index) && loaded.rule.regex.is_match(line) {
                            shut.insert(loaded.rule.id.as_str());
                        }
                    }
                }
            }
        }
        assert!(shut.is_empty(), "{shut:?}");
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
