//! Literals of which every match of a pattern holds at least one, told once from the pattern's form; one automaton finds
//! those of all patterns in one pass, so that a pattern is only run where it can match.
//! Must not know: rules, what is found. It may let too much through, never too little.

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind, Literal, Repetition};

/// Bytes of the shortest literal that is worth a look: one kanji, three ASCII letters.
const LEAST: usize = 3;
/// Literals of one pattern, at most.
const MOST: usize = 256;
/// Letters that differ in case only, or a few others, are written out; larger classes are not.
const LETTERS: usize = 4;

/// The literals of many patterns.
pub(super) struct Triggers {
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    /// By literal: the patterns that it speaks for.
    owners: Vec<Vec<u32>>,
    /// By pattern: no literal speaks for it, it may match anywhere.
    free: Vec<bool>,
}

impl Triggers {
    /// Of patterns that compile; one that cannot be read may match anywhere.
    ///
    /// # Errors
    /// When all literals together are too many.
    pub(super) fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut literals: Vec<String> = Vec::new();
        let mut numbers = std::collections::HashMap::new();
        let mut owners: Vec<Vec<u32>> = Vec::new();
        let mut free = Vec::new();
        for (number, pattern) in patterns.into_iter().enumerate() {
            let held = regex_syntax::parse(pattern).ok().and_then(|hir| one_of(&hir));
            free.push(held.is_none());
            for literal in held.unwrap_or_default() {
                let at = *numbers.entry(literal.clone()).or_insert_with(|| {
                    literals.push(literal);
                    owners.push(Vec::new());
                    literals.len() - 1
                });
                if let Some(owners) = owners.get_mut(at).filter(|owners| owners.last() != Some(&(number as u32))) {
                    owners.push(number as u32);
                }
            }
        }
        let automaton = if literals.is_empty() {
            None
        } else {
            let builder = CharwiseDoubleArrayAhoCorasickBuilder::new().match_kind(MatchKind::Standard);
            Some(builder.build(&literals).map_err(|error| error.to_string())?)
        };
        Ok(Self { automaton, owners, free })
    }

    /// May the pattern match where none of its literals stands?
    pub(super) fn free(&self, pattern: usize) -> bool {
        self.free.get(pattern).copied().unwrap_or(true)
    }

    /// Every literal of a text in lower case (`Text::lower`): the byte behind it and the patterns that it speaks for, in
    /// order of that byte.
    pub(super) fn scan<'a>(&'a self, lower: &'a str) -> impl Iterator<Item = (usize, &'a [u32])> {
        let mut found = self.automaton.as_ref().map(|automaton| automaton.find_overlapping_iter(lower));
        std::iter::from_fn(move || {
            let found = found.as_mut()?.next()?;
            Some((found.end(), self.owners.get(found.value() as usize).map_or(&[][..], Vec::as_slice)))
        })
    }
}

impl std::fmt::Debug for Triggers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Triggers").field("literals", &self.owners.len()).finish_non_exhaustive()
    }
}

/// Literals in lower case of which every match holds one; None when there are none that are long and few enough.
fn one_of(hir: &Hir) -> Option<Vec<String>> {
    let found = held(hir)?;
    (worth(&found) >= LEAST).then_some(found)
}

/// How telling literals are: the bytes of the shortest.
fn worth(literals: &[String]) -> usize {
    literals.iter().map(String::len).min().unwrap_or(0)
}

fn held(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => exact(hir),
        HirKind::Capture(capture) => held(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => held(&repetition.sub),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(held(part)?);
            }
            tidy(all)
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Vec<String>> = None;
            let mut offer = |found: Option<Vec<String>>| {
                let better = |found: &Vec<String>| {
                    best.as_ref().is_none_or(|best| {
                        (worth(found), usize::MAX - found.len()) > (worth(best), usize::MAX - best.len())
                    })
                };
                if let Some(found) = found.filter(better) {
                    best = Some(found);
                }
            };
            // Neighbours that are written out whole make longer literals.
            let mut run = vec![String::new()];
            for part in parts {
                match exact(part).and_then(|next| joined(&run, &next)) {
                    Some(longer) => run = longer,
                    None => {
                        offer(Some(std::mem::replace(&mut run, vec![String::new()])));
                        offer(held(part));
                        if let Some(next) = exact(part) {
                            run = next;
                        }
                    }
                }
            }
            offer(Some(run));
            best
        }
    }
}

/// All that `hir` can match, in lower case, when that is little.
fn exact(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![String::new()]),
        HirKind::Literal(Literal(bytes)) => Some(vec![std::str::from_utf8(bytes).ok()?.to_ascii_lowercase()]),
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = Vec::new();
            for range in class.ranges() {
                for letter in range.start()..=range.end() {
                    if letters.len() == LETTERS * 2 {
                        return None;
                    }
                    letters.push(letter.to_ascii_lowercase().to_string());
                }
            }
            tidy(letters).filter(|letters| letters.len() <= LETTERS)
        }
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Concat(parts) => {
            let mut all = vec![String::new()];
            for part in parts {
                all = joined(&all, &exact(part)?)?;
            }
            Some(all)
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(exact(part)?);
            }
            tidy(all)
        }
        HirKind::Repetition(Repetition { min: 0, max: Some(1), sub, .. }) => {
            let mut all = exact(sub)?;
            all.push(String::new());
            tidy(all)
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Repetition(_) => None,
    }
}

/// Every one of `before` followed by every one of `after`.
fn joined(before: &[String], after: &[String]) -> Option<Vec<String>> {
    if before.len().saturating_mul(after.len()) > MOST {
        return None;
    }
    let pairs = before.iter().flat_map(|before| after.iter().map(move |after| format!("{before}{after}")));
    tidy(pairs.collect())
}

fn tidy(mut literals: Vec<String>) -> Option<Vec<String>> {
    literals.sort_unstable();
    literals.dedup();
    (literals.len() <= MOST).then_some(literals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATTERNS: [&str; 16] = [
        r"(?:abcdefgh|abc) ?[0-9]",
        r"(?:x?(?:abc|g)[.-])?h ?[0-9]{2}",
        r"(?:様|さん) ?\((?P<v>[0-9]{2,5})\)",
        r"[A-Za-z0-9._-]{2,}(?:\(at\)|アット|★)[a-z]{2}",
        r"(?:abc|c){2,3}d",
        r"(?:a?b?){1,3}xab",
        r"(?:a|bcdefg)h",
        r"(?i)sk-[a-z]{3}|ghp_[0-9]{4}",
        r"氏名[:： ]*[一-龠]{2,4}",
        r"(?:氏名)?山?[0-9]",
        r"記 ?号[0-9]",
        r"[^,]{0,3}山田,[0-9]",
        r"(?m)^[0-9]|山",
        r"(?i:pass)(?:word|code)? ?:",
        r"[0-9]{3}",
        r"山(?:田|本)?様",
    ];

    fn allowed(triggers: &Triggers, text: &str) -> Vec<bool> {
        let mut able: Vec<bool> = (0..PATTERNS.len()).map(|number| triggers.free(number)).collect();
        for (_, owners) in triggers.scan(&text.to_ascii_lowercase()) {
            owners.iter().for_each(|owner| able[*owner as usize] = true);
        }
        able
    }

    #[test]
    fn literals_are_told_from_the_form() {
        let held = |pattern: &str| one_of(&regex_syntax::parse(pattern).unwrap()).unwrap_or_default();
        assert_eq!(held(PATTERNS[8]), ["氏名"]);
        assert_eq!(held(PATTERNS[10]), ["記 号", "記号"]);
        // In any case, with the letters that Unicode counts as s and k.
        assert!(held(PATTERNS[7]).contains(&"sk-".to_owned()) && held(PATTERNS[7]).len() == 5);
        assert_eq!(held(PATTERNS[2]), ["さん (", "さん(", "様 (", "様("]);
        assert!(held(PATTERNS[14]).is_empty() && held(PATTERNS[9]).is_empty() && held(PATTERNS[6]).is_empty());
    }

    /// Every shipped rule over every line of the corpus: what the rule finds holds one of its literals.
    #[test]
    fn no_shipped_rule_is_shut_out() {
        let loaded = crate::detect::rule::load(&crate::detect::rule::shipped()).unwrap();
        let triggers = Triggers::new(loaded.iter().map(|loaded| loaded.rule.pattern.as_str())).unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let mut shut = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_none_or(|ext| ext != "jsonl") {
                continue;
            }
            for one in crate::score::read_gold(&std::fs::read_to_string(entry).unwrap()).unwrap() {
                for line in crate::detect::text::Text::new(&one.text).folded().lines() {
                    let lower = line.to_ascii_lowercase();
                    let seen: Vec<u32> = triggers.scan(&lower).flat_map(|(_, owners)| owners).copied().collect();
                    for (index, loaded) in loaded.iter().enumerate() {
                        let able = triggers.free(index) || seen.contains(&(index as u32));
                        if !able && loaded.rule.regex.is_match(line) {
                            shut.insert(loaded.rule.id.as_str());
                        }
                    }
                }
            }
        }
        assert!(shut.is_empty(), "{shut:?}");
    }

    proptest! {
        /// Whatever a pattern matches holds one of its literals.
        #[test]
        fn they_never_let_too_little_through(
            text in "[a-dx0-9gh,@.() -]{0,24}|(?:様|さん|氏名|山|田|本|記|号|:|\\(at\\)|アット|★|\\(|[0-9]|SK-|sk-|abc|c|d|ghp_|Pass|word| ){0,10}",
        ) {
            let triggers = Triggers::new(PATTERNS).unwrap();
            let able = allowed(&triggers, &text);
            for (pattern, able) in PATTERNS.iter().zip(able) {
                let hit = regex::Regex::new(pattern).unwrap().is_match(&text);
                prop_assert!(!hit || able, "{pattern} matches {text:?} and is shut out");
            }
        }
    }
}
