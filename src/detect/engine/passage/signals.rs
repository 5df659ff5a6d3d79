//! The signals of `patterns/passage/`: words and patterns with weights, caps and conditions.
//! Must not know: thresholds.

use std::ops::Range;

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, MatchKind};
use regex::Regex;
use regex_automata::meta;
use regex_syntax::hir::{self, Hir, HirKind, Look, LookSet, Repetition};
use serde::Deserialize;

use crate::detect::engine::Signal;
use crate::detect::engine::needs::Needs;
use crate::detect::engine::triggers::Triggers;
use crate::detect::finding::RuleId;
use crate::detect::kind::Class;
use crate::detect::text::Text;

const FILES: [&str; 7] = [
    include_str!("../../../../patterns/passage/common.toml"),
    include_str!("../../../../patterns/passage/chart_text.toml"),
    include_str!("../../../../patterns/passage/hr_record.toml"),
    include_str!("../../../../patterns/passage/partner_secret.toml"),
    include_str!("../../../../patterns/passage/internal_document.toml"),
    include_str!("../../../../patterns/passage/contract.toml"),
    include_str!("../../../../patterns/passage/audit_document.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) signal: Vec<Raw>,
}

/// One signal as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) id: String,
    /// Left out: all classes.
    class: Option<Class>,
    /// Of each different word or pattern match. 0: only a condition of others.
    weight: f32,
    /// How many different words count.
    #[serde(default = "one")]
    cap: usize,
    /// At least this many different words, else it is nothing.
    #[serde(default = "one")]
    least: usize,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
    /// Counts only when one of these signals is there.
    #[serde(default)]
    needs: Vec<String>,
    /// Does not count when one of these is there.
    #[serde(default)]
    without: Vec<String>,
    /// A secrecy marking.
    #[serde(default)]
    marked: bool,
    #[allow(dead_code)]
    why: String,
    #[allow(dead_code)]
    source: String,
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) examples: Vec<String>,
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) counters: Vec<String>,
}

const fn one() -> usize {
    1
}

struct Rule {
    id: RuleId,
    class: Option<Class>,
    weight: f32,
    cap: usize,
    least: usize,
    needs: Vec<usize>,
    without: Vec<usize>,
    marked: bool,
}

/// All signals, ready to search.
pub(super) struct Signals {
    rules: Vec<Rule>,
    automaton: CharwiseDoubleArrayAhoCorasick<u32>,
    /// Word number → rules that own it.
    owners: Vec<Vec<usize>>,
    patterns: Vec<Pattern>,
    /// By pattern.
    triggers: Triggers,
}

/// A pattern of a rule.
struct Pattern {
    rule: usize,
    regex: Regex,
    needs: Needs,
    /// The same without its Unicode word edges, which are slow beside Japanese: where it finds nothing, `regex` does not.
    loose: Option<meta::Regex>,
    /// No match holds a line break or asks for the ends of the text: it is run on the lines of its literals alone.
    in_line: bool,
}

impl Pattern {
    fn new(rule: usize, pattern: &str) -> Self {
        let regex = Regex::new(pattern).unwrap_or_else(|_| unreachable!("the tests build every pattern"));
        let hir = regex_syntax::parse(pattern).ok();
        let in_line = hir.as_ref().is_some_and(in_line);
        let loose = hir
            .filter(|hir| hir.properties().look_set().contains_word_unicode())
            .and_then(|hir| meta::Builder::new().build_from_hir(&edgeless(&hir)).ok());
        Self { rule, regex, needs: Needs::of(pattern), loose, in_line }
    }
}

/// Can no match hold a line break, and does it not matter where the text begins and ends?
fn in_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(hir::Class::Unicode(class)) => {
            !class.iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Class(hir::Class::Bytes(class)) => {
            !class.iter().any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Look(look) => !matches!(look, Look::Start | Look::End),
        HirKind::Capture(capture) => in_line(&capture.sub),
        HirKind::Repetition(repetition) => in_line(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(in_line),
    }
}

/// A pattern without its word edges.
fn edgeless(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(look) if LookSet::singleton(*look).contains_word() => Hir::empty(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Capture(capture) => edgeless(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(edgeless).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(edgeless).collect()),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(edgeless(&repetition.sub)), ..repetition.clone() })
        }
    }
}

/// What a rule found.
#[derive(Clone, Default)]
struct Seen {
    words: Vec<usize>,
    matches: usize,
    range: Option<Range<usize>>,
}

impl Seen {
    fn widen(&mut self, range: Range<usize>) {
        self.range = Some(match self.range.take() {
            Some(old) => old.start.min(range.start)..old.end.max(range.end),
            None => range,
        });
    }

    fn count(&self) -> usize {
        self.words.len() + self.matches
    }
}

impl Signals {
    /// The embedded signals. The tests read and run them, so a broken file never ships.
    pub(super) fn shipped() -> Self {
        let raws: Vec<Raw> = FILES
            .iter()
            .flat_map(|file| {
                toml::from_str::<File>(file)
                    .map_or_else(|_| unreachable!("patterns/passage is read in the tests"), |file| file.signal)
            })
            .collect();
        let index = |id: &String| raws.iter().position(|raw| raw.id == *id);
        let rules = raws
            .iter()
            .map(|raw| Rule {
                id: RuleId::new(&raw.id),
                class: raw.class,
                weight: raw.weight,
                cap: raw.cap,
                least: raw.least,
                needs: raw.needs.iter().filter_map(index).collect(),
                without: raw.without.iter().filter_map(index).collect(),
                marked: raw.marked,
            })
            .collect();
        let mut words: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<usize>> = Vec::new();
        let mut patterns = Vec::new();
        for (number, raw) in raws.iter().enumerate() {
            for word in &raw.words {
                let word = Text::new(word).folded().to_lowercase();
                match words.iter().position(|known| *known == word) {
                    Some(at) => owners.get_mut(at).into_iter().for_each(|owners| owners.push(number)),
                    None => {
                        words.push(word);
                        owners.push(vec![number]);
                    }
                }
            }
            for pattern in &raw.patterns {
                patterns.push(Pattern::new(number, pattern));
            }
        }
        let automaton = CharwiseDoubleArrayAhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .build(&words)
            .unwrap_or_else(|_| unreachable!("a few thousand short words, none twice"));
        let written = raws.iter().flat_map(|raw| raw.patterns.iter().map(String::as_str));
        let triggers = Triggers::new(written).unwrap_or_else(|_| unreachable!("a few hundred short literals"));
        Self { rules, automaton, owners, patterns, triggers }
    }

    /// What each rule saw in a text.
    fn look(&self, view: &Text) -> Vec<Seen> {
        let text = view.folded();
        let mut seen = vec![Seen::default(); self.rules.len()];
        let mut hits: Vec<(Range<usize>, usize)> = self
            .automaton
            .find_overlapping_iter(view.lower())
            .map(|found| (found.start()..found.end(), found.value() as usize))
            .filter(|(range, _)| whole(text, range.clone()))
            .collect();
        hits.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        // Leftmost and longest for each rule by itself.
        let mut ends = vec![0; self.rules.len()];
        for (range, word) in hits {
            for &rule in self.owners.get(word).into_iter().flatten() {
                let (Some(seen), Some(end)) = (seen.get_mut(rule), ends.get_mut(rule)) else { continue };
                if range.start < *end {
                    continue;
                }
                *end = range.end;
                if !seen.words.contains(&word) {
                    seen.words.push(word);
                }
                seen.widen(range.clone());
            }
        }
        let held = Needs::held(text.as_bytes());
        let lines = self.lines(view);
        for (number, Pattern { rule, regex, needs, loose, in_line }) in self.patterns.iter().enumerate() {
            let free = self.triggers.free(number);
            let lines = lines.get(number).map_or(&[][..], Vec::as_slice);
            if !free && lines.is_empty() || !held.cover(needs) {
                continue;
            }
            let whole = 0..text.len();
            let stretches = if free || !in_line { std::slice::from_ref(&whole) } else { lines };
            let mut left = self.rules.get(*rule).map_or(1, |rule| rule.cap.max(rule.least));
            for stretch in stretches {
                let part = text.get(stretch.clone()).unwrap_or_default();
                if loose.as_ref().is_some_and(|loose| !loose.is_match(part)) {
                    continue;
                }
                for found in regex.find_iter(part).take(left) {
                    left -= 1;
                    if let Some(seen) = seen.get_mut(*rule) {
                        seen.matches += 1;
                        seen.widen(stretch.start + found.start()..stretch.start + found.end());
                    }
                }
                if left == 0 {
                    break;
                }
            }
        }
        seen
    }

    /// By pattern: the lines that hold one of its literals.
    fn lines(&self, view: &Text) -> Vec<Vec<Range<usize>>> {
        let lower = view.lower();
        let mut lines = vec![Vec::new(); self.patterns.len()];
        let mut line = 0..0;
        for (behind, owners) in self.triggers.scan(lower) {
            // Literals come by their ends, and none that counts holds a line break.
            if behind > line.end || line.end == 0 {
                let at = behind.saturating_sub(1);
                let bytes = lower.as_bytes();
                let start = bytes.get(..at).and_then(|bytes| memchr::memrchr(b'\n', bytes)).map_or(0, |at| at + 1);
                let end =
                    bytes.get(at..).and_then(|bytes| memchr::memchr(b'\n', bytes)).map_or(lower.len(), |end| at + end);
                line = start..end;
            }
            for owner in owners {
                if let Some(lines) = lines.get_mut(*owner as usize).filter(|lines| lines.last() != Some(&line)) {
                    lines.push(line.clone());
                }
            }
        }
        lines
    }

    pub(super) fn find(&self, text: &Text, out: &mut Vec<Signal>) {
        let seen = self.look(text);
        let stands = |rule: usize| {
            seen.get(rule).zip(self.rules.get(rule)).is_some_and(|(seen, rule)| seen.count() >= rule.least)
        };
        for (number, rule) in self.rules.iter().enumerate() {
            let Some(found) = seen.get(number) else { continue };
            let Some(range) = found.range.clone().filter(|_| stands(number) && rule.weight != 0.0) else { continue };
            if !(rule.needs.is_empty() || rule.needs.iter().any(|&need| stands(need)))
                || rule.without.iter().any(|&other| stands(other))
            {
                continue;
            }
            let weight = rule.weight * found.count().min(rule.cap) as f32;
            let classes: &[Class] = rule.class.as_ref().map_or(&Class::ALL, std::slice::from_ref);
            for &class in classes {
                out.push(Signal { range: range.clone(), class, weight, marked: rule.marked, rule: rule.id.clone() });
            }
        }
    }

    /// The rules that stand in a text, by id.
    #[cfg(test)]
    pub(super) fn standing(&self, text: &Text) -> Vec<String> {
        let seen = self.look(text);
        self.rules
            .iter()
            .zip(&seen)
            .filter(|(rule, seen)| seen.count() >= rule.least)
            .map(|(rule, _)| rule.id.as_str().to_owned())
            .collect()
    }
}

/// An ASCII word has no letters of its script outside it.
fn whole(text: &str, range: Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(b' ');
    let (first, last) = (at(range.start), at(range.end.saturating_sub(1)));
    let before = range.start.checked_sub(1).map_or(b' ', at);
    let after = at(range.end);
    let began_before = first.is_ascii_alphanumeric() && before.is_ascii_alphanumeric();
    let goes_on = last.is_ascii_alphanumeric() && after.is_ascii_alphabetic();
    !began_before && !goes_on
}

#[cfg(test)]
pub(super) fn files() -> Vec<File> {
    FILES.iter().map(|file| toml::from_str(file).expect("a readable file")).collect()
}
