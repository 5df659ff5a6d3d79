//! Rule files: read, checked whole (every fault at once), compiled, and their examples run.
//! A rule is data under `patterns/`; what is shipped is embedded, a hospital adds files of the same form.
//! Must not know: where a text comes from, what is done with a finding.

mod error;
mod example;
pub(crate) mod file;
mod lint;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use include_dir::{Dir, DirEntry, include_dir};
use regex_automata::meta;
use toml::de::{DeTable, DeValue};

use self::file::{Boundary, RawContext, RawRule, Require, Side};
use super::check::{self, Check};
use super::finding::RuleId;
use super::kind::Kind;
use super::text::Text;
pub use error::{RuleError, RuleErrors};
pub use example::{Report, check_file};

/// The folders of rule files that are embedded. A new folder is one line here.
static SHIPPED: &[(&str, Dir<'static>)] = &[
    ("contact", include_dir!("$CARGO_MANIFEST_DIR/patterns/contact")),
    ("credential", include_dir!("$CARGO_MANIFEST_DIR/patterns/credential")),
    ("date", include_dir!("$CARGO_MANIFEST_DIR/patterns/date")),
    ("identifier", include_dir!("$CARGO_MANIFEST_DIR/patterns/identifier")),
    ("online", include_dir!("$CARGO_MANIFEST_DIR/patterns/online")),
];

/// Name and text of every embedded rule file, in the order of their names.
#[must_use]
pub fn shipped() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    for (folder, dir) in SHIPPED {
        collect(folder, dir, &mut files, 0);
    }
    files.sort();
    files
}

fn collect(folder: &str, dir: &'static Dir<'static>, files: &mut Vec<(String, &'static str)>, depth: usize) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(inner) if depth < 4 => collect(folder, inner, files, depth + 1),
            DirEntry::File(file) if file.path().extension().is_some_and(|ext| ext == "toml") => {
                if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                    files.push((format!("patterns/{folder}/{path}"), text));
                }
            }
            _ => {}
        }
    }
}

/// A compiled rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: RuleId,
    pub(crate) kind: Kind,
    pub(crate) subtype: Option<Arc<str>>,
    pub(crate) pattern: String,
    pub(crate) regex: meta::Regex,
    /// The number of group `v`.
    pub(crate) group: Option<usize>,
    /// Can cross line breaks.
    pub(crate) lines: bool,
    pub(crate) boundary: Boundary,
    pub(crate) check: Option<Check>,
    pub(crate) score: f32,
    pub(crate) passes: f32,
    pub(crate) fails: f32,
    pub(crate) require: Option<Require>,
    /// Folded.
    pub(crate) labels: Vec<String>,
    pub(crate) label_score: f32,
    pub(crate) within: usize,
    pub(crate) context: Vec<Context>,
}

/// Words near a span that add to the score or take away; folded.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) words: Vec<String>,
    pub(crate) side: Side,
    pub(crate) within: usize,
    pub(crate) add: f32,
}

/// A rule with its examples, as one file gave it.
pub(crate) struct Loaded {
    pub(crate) rule: Rule,
    pub(crate) raw: RawRule,
    pub(crate) file: usize,
    id_span: Range<usize>,
}

/// Read and compile rule files.
///
/// # Errors
/// Every fault of every file at once.
pub(crate) fn load(files: &[(String, &str)]) -> Result<Vec<Loaded>, RuleErrors> {
    let mut errors = Vec::new();
    let mut rules: Vec<Loaded> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (number, (name, text)) in files.iter().enumerate() {
        for raw in read(name, text, &mut errors) {
            if let Some(loaded) = compile(name, text, raw, number, &mut errors) {
                if let Some(&first) = seen.get(loaded.rule.id.as_str()) {
                    let other = rules.get(first).and_then(|rule| files.get(rule.file)).map_or("", |(name, _)| name);
                    errors.push(RuleError::at(
                        name,
                        text,
                        loaded.id_span.clone(),
                        format!("the id `{}` stands twice; first in {other}", loaded.rule.id.as_str()),
                        "an id is never reused, also not of a rule that was removed: take a new one",
                    ));
                    continue;
                }
                seen.insert(loaded.rule.id.as_str().to_owned(), rules.len());
                rules.push(loaded);
            }
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(RuleErrors(errors)) }
}

/// The rules of one file; a fault in one does not hide those of the next.
fn read(name: &str, text: &str, errors: &mut Vec<RuleError>) -> Vec<RawRule> {
    let (table, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        errors.push(RuleError::at(name, text, fault.span().unwrap_or(0..0), fault.message(), "the file is no TOML"));
    }
    if !faults.is_empty() {
        return Vec::new();
    }
    let mut rules = Vec::new();
    for (key, value) in table.into_inner() {
        if key.get_ref() != "rule" {
            errors.push(RuleError::at(
                name,
                text,
                key.span(),
                format!("unknown key `{}`", key.get_ref()),
                "a rule file holds `[[rule]]` tables only",
            ));
            continue;
        }
        let span = value.span();
        let DeValue::Array(array) = value.into_inner() else {
            errors.push(RuleError::at(name, text, span, "`rule` is no list of tables", "write `[[rule]]`"));
            continue;
        };
        for item in array {
            let span = item.span();
            let de = toml::de::ValueDeserializer::from(item);
            match <RawRule as serde::Deserialize>::deserialize(de) {
                Ok(raw) => rules.push(raw),
                Err(fault) => errors.push(RuleError::at(
                    name,
                    text,
                    fault.span().unwrap_or(span),
                    fault.message(),
                    "the form of a rule is told in patterns/README.md",
                )),
            }
        }
    }
    rules
}

/// Everything about one rule that its form alone does not say.
fn compile(name: &str, text: &str, raw: RawRule, file: usize, errors: &mut Vec<RuleError>) -> Option<Loaded> {
    let before = errors.len();
    let mut fault = |span: Range<usize>, message: String, help: &str| {
        errors.push(RuleError::at(name, text, span, message, help));
    };
    let id = raw.id.get_ref();
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if !id.contains('.') || !id.split('.').all(word) {
        fault(
            raw.id.span(),
            format!("`{id}` is no rule id"),
            "words of a–z, 0–9 and _ with dots between: `id.my_number`",
        );
    }
    if raw.why.get_ref().trim().is_empty() {
        fault(raw.why.span(), "`why` is empty".to_owned(), "say in a sentence what the rule finds and why it matters");
    }
    if raw.source.get_ref().trim().is_empty() {
        fault(
            raw.source.span(),
            "`source` is empty".to_owned(),
            "name the law, standard or page that the form is from",
        );
    }
    if !(0.0..=1.0).contains(raw.score.get_ref()) {
        fault(raw.score.span(), format!("a score of {}", raw.score.get_ref()), "0 to 1");
    }
    let check = raw.check.as_ref().and_then(|wanted| {
        let found = check::by_name(wanted.get_ref());
        if found.is_none() {
            let known: Vec<&str> = check::ALL.iter().map(|(name, _)| *name).collect();
            fault(
                wanted.span(),
                format!("no check is called `{}`", wanted.get_ref()),
                &format!("known: {}", known.join(" ")),
            );
        }
        found
    });
    if let Some(require) = &raw.require {
        let wants_check = *require.get_ref() == Require::Check;
        if wants_check && raw.check.is_none() {
            fault(require.span(), "`require = \"check\"` without a check".to_owned(), "name one with `check`");
        }
        if *require.get_ref() == Require::Label && raw.labels.is_empty() {
            fault(require.span(), "`require = \"label\"` without labels".to_owned(), "list them in `labels`");
        }
    }
    if raw.example.is_empty() {
        fault(
            raw.id.span(),
            format!("`{id}` has no `[[rule.example]]`"),
            "give one text with the span between 《 and 》",
        );
    }
    if raw.counter.is_empty() {
        fault(
            raw.id.span(),
            format!("`{id}` has no `[[rule.counter]]`"),
            "give one text that must not match, and `why`",
        );
    }
    for example in &raw.example {
        if !example.text.get_ref().contains('《') {
            fault(
                example.text.span(),
                "an example without 《 and 》".to_owned(),
                "mark the expected span: `マイナンバー《1234 5678 9018》`",
            );
        }
    }
    for counter in &raw.counter {
        if counter.why.get_ref().trim().is_empty() {
            fault(counter.why.span(), "`why` is empty".to_owned(), "say why this must not match");
        }
    }
    for context in raw.context.iter().chain(&raw.negative) {
        if context.words.get_ref().iter().any(String::is_empty) || context.words.get_ref().is_empty() {
            fault(context.words.span(), "an empty word".to_owned(), "at least one word, none of them empty");
        }
    }
    for label in &raw.labels {
        if label.get_ref().trim().is_empty() {
            fault(label.span(), "an empty label".to_owned(), "leave it out");
        }
    }
    for context in &raw.negative {
        if *context.add.get_ref() >= 0.0 {
            fault(context.add.span(), "a negative context that adds".to_owned(), "`add` is below 0 here: -0.6");
        }
    }
    let pattern = raw.pattern.get_ref().clone();
    let inside = |span: Range<usize>| within_literal(text, &raw.pattern, span);
    let facts = match lint::lint(&pattern) {
        Ok(facts) => Some(facts),
        Err(faults) => {
            for found in faults {
                fault(inside(found.span), found.message, found.help);
            }
            None
        }
    };
    let regex = facts.as_ref().and_then(|_| match builder().build(&pattern) {
        Ok(regex) => Some(regex),
        Err(error) => {
            fault(
                raw.pattern.span(),
                format!("the pattern cannot be compiled: {error}"),
                "smaller repetitions and classes: `[0-9]` for `\\d`, `{1,20}` for `+`",
            );
            None
        }
    });
    if let Some(regex) = &regex
        && regex.is_match("")
    {
        fault(raw.pattern.span(), "the pattern matches the empty text".to_owned(), "at least one letter must be there");
    }
    if errors.len() > before {
        return None;
    }
    let (regex, facts) = (regex?, facts?);
    let group = regex.group_info().to_index(regex_automata::PatternID::ZERO, "v");
    let fold = |word: &String| Text::new(word).folded().to_owned();
    let rule = Rule {
        id: RuleId::new(id),
        kind: raw.kind,
        subtype: raw.subtype.as_deref().map(Arc::from),
        pattern,
        regex,
        group,
        lines: facts.lines,
        boundary: raw.boundary,
        check,
        score: *raw.score.get_ref(),
        passes: raw.passes,
        fails: raw.fails,
        require: raw.require.as_ref().map(|require| *require.get_ref()),
        labels: raw.labels.iter().map(|label| fold(label.get_ref())).collect(),
        label_score: raw.label_score,
        within: raw.within,
        context: raw.context.iter().chain(&raw.negative).map(|context| words(context, fold)).collect(),
    };
    let id_span = raw.id.span();
    Some(Loaded { rule, raw, file, id_span })
}

fn words(context: &RawContext, fold: impl Fn(&String) -> String) -> Context {
    Context {
        words: context.words.get_ref().iter().map(fold).collect(),
        side: context.side,
        within: context.within,
        add: *context.add.get_ref(),
    }
}

/// A rule's regex: sizes bounded, so that a hospital's rule cannot take the memory of the gate.
pub(crate) fn builder() -> meta::Builder {
    let mut builder = meta::Builder::new();
    builder
        .configure(
            meta::Config::new()
                .nfa_size_limit(Some(2 << 20))
                .onepass_size_limit(Some(256 << 10))
                .hybrid_cache_capacity(1 << 20),
        )
        .syntax(regex_automata::util::syntax::Config::new().nest_limit(64));
    builder
}

/// Where bytes of a pattern stand in the file: exact for literal strings, the whole string for escaped ones.
fn within_literal(text: &str, pattern: &toml::Spanned<String>, inside: Range<usize>) -> Range<usize> {
    let whole = pattern.span();
    let raw = text.get(whole.clone()).unwrap_or_default();
    let skip = if raw.starts_with("'''\n") {
        4
    } else if raw.starts_with("'''") {
        3
    } else if raw.starts_with('\'') || (raw.starts_with('"') && !raw.contains('\\')) {
        1
    } else {
        return whole;
    };
    whole.start + skip + inside.start..whole.start + skip + inside.end
}

#[cfg(test)]
mod tests;
