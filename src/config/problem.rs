//! What is wrong with a config: every problem at once, each with the place in the file and the cure.
//! Must not know: which rooms there are.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use toml::de::{DeTable, DeValue};

/// One thing that is wrong although the file is TOML of the right shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `service[1].checked_on`.
    pub key: String,
    /// What is wrong and what is allowed.
    pub what: String,
    /// What to do.
    pub cure: String,
}

impl Problem {
    pub fn new(key: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into(), cure: cure.into() }
    }
}

/// Why a config cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// No TOML, an unknown key, a wrong type.
    Shape {
        path: PathBuf,
        key: String,
        source: Box<toml::de::Error>,
    },
    /// Well formed, but it cannot be meant so.
    Meaning {
        path: PathBuf,
        text: String,
        problems: Vec<Problem>,
    },
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::File { path, source } => {
                write!(
                    f,
                    "{}: {source}\n  help: name another with --config, or leave it out for the defaults",
                    path.display()
                )
            }
            ConfigError::Shape { path, key, source } => {
                writeln!(f, "{}: {}", path.display(), if key == "." { "the file" } else { key.as_str() })?;
                write!(f, "{source}  help: every key and its default stand in config.example.toml")
            }
            ConfigError::Meaning { path, text, problems } => {
                let renderer = Renderer::plain();
                let path = path.display().to_string();
                for problem in problems {
                    let span = locate(text, &problem.key).unwrap_or(0..0);
                    let title = format!("{}: {}", problem.key, problem.what);
                    let report = [Level::ERROR
                        .primary_title(title.as_str())
                        .element(
                            Snippet::source(text.as_str())
                                .path(path.as_str())
                                .annotation(AnnotationKind::Primary.span(span)),
                        )
                        .element(Level::HELP.message(problem.cure.as_str()))];
                    writeln!(f, "{}", renderer.render(&report))?;
                }
                Ok(())
            }
        }
    }
}

/// The bytes of the value of `key` (`service[1].checked_on`), or of the nearest table above it that the file has.
fn locate(text: &str, key: &str) -> Option<Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let mut span = None;
    let mut here: Option<&DeValue<'_>> = None;
    let mut first = true;
    for part in key.split(['.', '[']) {
        let next = if let Some(index) = part.strip_suffix(']') {
            match here? {
                DeValue::Array(items) => items.get(index.parse::<usize>().ok()?),
                _ => None,
            }
        } else if first {
            table.get_ref().get(part)
        } else {
            match here? {
                DeValue::Table(table) => table.get(part),
                _ => None,
            }
        };
        first = false;
        match next {
            Some(value) => {
                span = Some(value.span());
                here = Some(value.get_ref());
            }
            None => break,
        }
    }
    // A caret on the first line of a table is enough.
    span.map(|span| {
        let first = text.get(span.clone()).and_then(|covered| covered.find('\n')).unwrap_or(span.len());
        span.start..span.start + first
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_file_line_column_caret_and_cure() {
        let text = "[gate]\n\n[[service]]\nid = \"openai\"\n[[service]]\nid = \"opnai\"\n";
        let error = ConfigError::Meaning {
            path: "config.toml".into(),
            text: text.to_owned(),
            problems: vec![Problem::new("service[1].id", "no such service `opnai`", "write `openai`")],
        };
        let shown = error.to_string();
        assert!(shown.contains("config.toml:6:6"), "{shown}");
        assert!(shown.contains("^^^^^^^") && shown.contains("help: write `openai`"), "{shown}");
    }
}
