//! What every match of a pattern holds whatever else it holds: ASCII letters and signs, a number of digits, a run of
//! digits, a run of letters and digits. Told once from the pattern's form and tested on a text in one pass, so that most rules are never run.
//! Must not know: rules, what is found. It may ask for too little, never for too much.

use regex_syntax::hir::{Class, Hir, HirKind, Literal};

/// What a pattern asks of a text, or what a text has to give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// ASCII letters, as bits.
    letters: u128,
    digits: u32,
    /// Digits in one run.
    run: u32,
    /// ASCII letters and digits in one run.
    word: u32,
}

impl Needs {
    /// What every match of `pattern` holds; nothing for a pattern that cannot be read.
    pub(super) fn of(pattern: &str) -> Self {
        regex_syntax::parse(pattern).map(|hir| form(&hir).needs()).unwrap_or_default()
    }

    /// What a text holds.
    pub(super) fn held(text: &[u8]) -> Self {
        let (mut low, mut high) = (0_u64, 0_u64);
        let (mut digits, mut run, mut longest) = (0_u32, 0_u32, 0_u32);
        let (mut word, mut longest_word) = (0_u32, 0_u32);
        for &byte in text {
            match byte >> 6 {
                0 => low |= 1 << byte,
                1 => high |= 1 << (byte & 63),
                _ => {}
            }
            let digit = u32::from(byte.is_ascii_digit());
            digits = digits.saturating_add(digit);
            run = (run + digit) * digit;
            longest = longest.max(run);
            let letter = u32::from(byte.is_ascii_alphanumeric());
            word = (word + letter) * letter;
            longest_word = longest_word.max(word);
        }
        Self { letters: u128::from(low) | u128::from(high) << 64, digits, run: longest, word: longest_word }
    }

    /// Has `self` all that `wanted` asks for?
    pub(super) fn cover(&self, wanted: &Self) -> bool {
        wanted.letters & !self.letters == 0
            && wanted.digits <= self.digits
            && wanted.run <= self.run
            && wanted.word <= self.word
    }
}

/// What letters of one class a part of a pattern holds for sure, and how they join with those of its neighbours.
#[derive(Clone, Copy, Default)]
struct Runs {
    count: u32,
    longest: u32,
    /// Nothing else can match.
    pure: bool,
    /// Those that it begins and ends with.
    lead: u32,
    trail: u32,
}

impl Runs {
    const EMPTY: Self = Self { count: 0, longest: 0, pure: true, lead: 0, trail: 0 };

    fn one(held: bool) -> Self {
        if held { Self { count: 1, longest: 1, pure: true, lead: 1, trail: 1 } } else { Self::default() }
    }

    fn then(self, next: Self) -> Self {
        Self {
            count: self.count.saturating_add(next.count),
            longest: self.longest.max(next.longest).max(self.trail.saturating_add(next.lead)),
            pure: self.pure && next.pure,
            lead: if self.pure { self.lead.saturating_add(next.lead) } else { self.lead },
            trail: if next.pure { next.trail.saturating_add(self.trail) } else { next.trail },
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            count: self.count.min(other.count),
            longest: self.longest.min(other.longest),
            pure: self.pure && other.pure,
            lead: self.lead.min(other.lead),
            trail: self.trail.min(other.trail),
        }
    }

    /// `count` times or more.
    fn times(self, count: u32) -> Self {
        if count == 0 {
            return Self { pure: self.pure, ..Self::default() };
        }
        let all = self.count.saturating_mul(count);
        if self.pure {
            return Self { count: all, longest: all, pure: true, lead: all, trail: all };
        }
        let joined = if count > 1 { self.trail.saturating_add(self.lead) } else { 0 };
        Self { count: all, longest: self.longest.max(joined), ..self }
    }
}

/// A part of a pattern: what it needs.
#[derive(Clone, Copy, Default)]
struct Form {
    letters: u128,
    digits: Runs,
    words: Runs,
}

impl Form {
    const EMPTY: Self = Self { letters: 0, digits: Runs::EMPTY, words: Runs::EMPTY };

    fn needs(self) -> Needs {
        Needs { letters: self.letters, digits: self.digits.count, run: self.digits.longest, word: self.words.longest }
    }

    fn then(self, next: Self) -> Self {
        Self {
            letters: self.letters | next.letters,
            digits: self.digits.then(next.digits),
            words: self.words.then(next.words),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            letters: self.letters & other.letters,
            digits: self.digits.or(other.digits),
            words: self.words.or(other.words),
        }
    }
}

fn form(hir: &Hir) -> Form {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Form::EMPTY,
        HirKind::Literal(Literal(bytes)) => bytes.iter().fold(Form::EMPTY, |form, byte| {
            form.then(Form {
                letters: if byte.is_ascii() { 1 << byte } else { 0 },
                digits: Runs::one(byte.is_ascii_digit()),
                words: Runs::one(byte.is_ascii_alphanumeric()),
            })
        }),
        HirKind::Class(class) => {
            let all = |held: fn(u8) -> bool| match class {
                Class::Unicode(class) => class
                    .ranges()
                    .iter()
                    .all(|range| range.end().is_ascii() && (range.start() as u8..=range.end() as u8).all(held)),
                Class::Bytes(class) => class.ranges().iter().all(|range| (range.start()..=range.end()).all(held)),
            };
            Form {
                letters: 0,
                digits: Runs::one(all(|byte| byte.is_ascii_digit())),
                words: Runs::one(all(|byte| byte.is_ascii_alphanumeric())),
            }
        }
        HirKind::Capture(capture) => form(&capture.sub),
        HirKind::Concat(parts) => parts.iter().fold(Form::EMPTY, |sum, part| sum.then(form(part))),
        HirKind::Alternation(parts) => parts.iter().map(form).reduce(Form::or).unwrap_or_default(),
        HirKind::Repetition(repetition) => {
            let sub = form(&repetition.sub);
            Form {
                letters: if repetition.min == 0 { 0 } else { sub.letters },
                digits: sub.digits.times(repetition.min),
                words: sub.words.times(repetition.min),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATTERNS: [&str; 14] = [
        r"[0-9]{3}-?[0-9]{4}",
        r"a[0-9]{2}b?[0-9]{3}",
        r"(?:x1|22|3y)[0-9]",
        r"(?:[0-9]{2}x){2,3}",
        r"(?:[0-9]{2}){2,3}[0-9]?5",
        r"(?:x?[0-9]|[0-9]{3})@[a-z]{2}",
        r"(?i)sk-[0-9]{2,}",
        r"(?:1[0-9]*){2}",
        r"(?:[0-9]x?[0-9]){2}",
        r"年[0-9]{1,2}月",
        r"(?:12)?34",
        r"[0-9x]{4}",
        r"(?-u:\b)[0-9]{4}(?-u:\b)",
        r"(?:)|9",
    ];

    #[test]
    fn needs_are_told_from_the_form() {
        let needs = |pattern: &str| {
            let needs = Needs::of(pattern);
            (needs.digits, needs.run)
        };
        assert_eq!(needs(PATTERNS[0]), (7, 4));
        assert_eq!(needs(r"[0-9]{3}[0-9]{4}"), (7, 7));
        assert_eq!(needs(PATTERNS[1]), (5, 3));
        assert_eq!(needs(PATTERNS[3]), (4, 2));
        assert_eq!(needs(PATTERNS[4]), (5, 5));
        assert_eq!(needs(PATTERNS[8]), (4, 2));
        let held = Needs::held("tel 090-1234".as_bytes());
        assert_eq!((held.digits, held.run), (7, 4));
        assert_eq!((held.word, Needs::of("[A-HJ-N0-9]{17}").word, Needs::of("x[a-z]+_?[a-z]").word), (4, 17, 2));
        assert!(held.cover(&Needs::of("t ?[0-9]{4}")) && !held.cover(&Needs::of("@[0-9]")));
    }

    proptest! {
        /// Whatever a pattern matches covers its needs.
        #[test]
        fn they_never_ask_for_too_much(text in "[a0-9x@sk-]{0,16}|(?:[0-9]{1,3}|x|@ab|-|年|月|sk-|SK-){0,8}") {
            let held = Needs::held(text.as_bytes());
            for pattern in PATTERNS {
                let hit = regex::Regex::new(pattern).unwrap().is_match(&text);
                prop_assert!(!hit || held.cover(&Needs::of(pattern)), "{pattern} matches {text:?}");
            }
        }

    }

    /// Every shipped rule over every text of the corpus: what the rule finds holds what it needs.
    #[test]
    fn no_match_in_the_corpus_lacks_its_needs() {
        let loaded = crate::detect::rule::load(&crate::detect::rule::shipped()).unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_none_or(|ext| ext != "jsonl") {
                continue;
            }
            for one in crate::score::read_gold(&std::fs::read_to_string(entry).unwrap()).unwrap() {
                let text = crate::detect::text::Text::new(&one.text);
                for loaded in &loaded {
                    let needs = Needs::of(&loaded.rule.pattern);
                    for found in loaded.rule.regex.find_iter(text.folded()) {
                        let held = Needs::held(&text.folded().as_bytes()[found.range()]);
                        assert!(held.cover(&needs), "{}", loaded.rule.id.as_str());
                    }
                }
            }
        }
    }
}
