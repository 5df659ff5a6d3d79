//! What is wrong in a rule file: what, where (file, line, column, caret), what is allowed, what to do.
//! Must not know: texts of users; rule files may be shown.

use std::fmt;
use std::ops::Range;

/// One fault of one rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Name of the file as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in code points.
    pub column: usize,
    /// The line itself, for the caret.
    pub shown: String,
    /// How many code points the caret covers.
    pub width: usize,
    pub message: String,
    /// What is allowed and what to do; may be empty.
    pub help: String,
}

impl RuleError {
    /// A fault at `span` (bytes) of `text`.
    pub(crate) fn at(
        file: &str,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let start = floor(text, span.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| start + at);
        let end = floor(text, span.end.clamp(start, line_end));
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: text.get(line_start..start).unwrap_or_default().chars().count() + 1,
            shown: text.get(line_start..line_end).unwrap_or_default().to_owned(),
            width: text.get(start..end).unwrap_or_default().chars().count().max(1),
            message: message.into(),
            help: help.into(),
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Wide letters take two columns on a terminal; the caret must stand below them.
fn columns(text: &str) -> usize {
    text.chars().map(|letter| if letter < '\u{1100}' { 1 } else { 2 }).sum()
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let lead: String = self.shown.chars().take(self.column - 1).collect();
        let under: String = self.shown.chars().skip(self.column - 1).take(self.width).collect();
        writeln!(f, "{}", self.message)?;
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.shown)?;
        write!(f, "{margin} | {}{}", " ".repeat(columns(&lead)), "^".repeat(columns(&under).max(1)))?;
        if !self.help.is_empty() {
            write!(f, "\n{margin} = {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleError {}

/// All faults of all files at once; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}

impl From<RuleError> for RuleErrors {
    fn from(error: RuleError) -> Self {
        Self(vec![error])
    }
}
