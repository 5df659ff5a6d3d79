//! Patterns that would miss Japanese text or cost a factor of hundreds are refused before they are compiled.
//! Japanese has no spaces and kanji are word characters: a Unicode `\b` finds no edge between は and 090.
//! Must not know: what a rule is for.

use std::ops::Range;

use regex_syntax::ast::{self, Ast};

/// A fault: bytes of the pattern, what, cure.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// What a sound pattern tells about itself.
pub(super) struct Facts {
    /// It can cross a line break (a written `\n`, or `(?s)`); `\s` does not count.
    pub(super) lines: bool,
}

/// Read a pattern's syntax and refuse what must not be in one.
pub(super) fn lint(pattern: &str) -> Result<Facts, Vec<Fault>> {
    let mut parser = ast::parse::ParserBuilder::new().nest_limit(64).build();
    let tree = match parser.parse(pattern) {
        Ok(tree) => tree,
        Err(error) => {
            return Err(vec![Fault {
                span: bytes(error.span()),
                message: format!("the pattern is no regular expression: {}", error.kind()),
                help: "syntax as in the crate regex; no look-around and no back-reference: neighbours are `boundary`, \
                       `context` and `negative`",
            }]);
        }
    };
    let visitor = Linter { unicode: vec![true], faults: Vec::new(), lines: false };
    let Ok(mut linter) = ast::visit(&tree, visitor);
    anchors(&tree, &mut linter.faults);
    if linter.faults.is_empty() { Ok(Facts { lines: linter.lines }) } else { Err(linter.faults) }
}

fn bytes(span: &ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

/// `^a|b` binds the anchor to one branch only; `^(?:a|b)` was meant.
fn anchors(tree: &Ast, faults: &mut Vec<Fault>) {
    let Ast::Alternation(alternation) = tree else { return };
    let anchored = alternation.asts.iter().filter(|branch| edge(branch)).count();
    if anchored > 0 && anchored < alternation.asts.len() {
        faults.push(Fault {
            span: bytes(&alternation.span),
            message: "an anchor that holds for some branches of `|` only".to_owned(),
            help: "put the branches into a group: `^(?:a|b)$`",
        });
    }
}

fn edge(branch: &Ast) -> bool {
    match branch {
        Ast::Assertion(_) => true,
        Ast::Concat(concat) => [concat.asts.first(), concat.asts.last()]
            .into_iter()
            .flatten()
            .any(|part| matches!(part, Ast::Assertion(_))),
        _ => false,
    }
}

struct Linter {
    /// Is Unicode on, per open group; the last one counts.
    unicode: Vec<bool>,
    faults: Vec<Fault>,
    lines: bool,
}

impl Linter {
    fn on(&self) -> bool {
        self.unicode.last().copied().unwrap_or(true)
    }

    fn flags(&mut self, flags: &ast::Flags) {
        if let Some(on) = flags.flag_state(ast::Flag::Unicode)
            && let Some(last) = self.unicode.last_mut()
        {
            *last = on;
        }
        if flags.flag_state(ast::Flag::DotMatchesNewLine) == Some(true) {
            self.lines = true;
        }
    }

    fn perl(&mut self, class: &ast::ClassPerl) {
        if self.on() && matches!(class.kind, ast::ClassPerlKind::Word) {
            self.faults.push(Fault {
                span: bytes(&class.span),
                message: "a bare `\\w` takes kanji and kana for letters of the word".to_owned(),
                help: "write the letters: `[A-Za-z0-9_]`, or `(?-u:\\w)`",
            });
        }
    }
}

impl ast::Visitor for Linter {
    type Output = Self;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Self, Self::Err> {
        Ok(self)
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), Self::Err> {
        match tree {
            Ast::Group(group) => {
                let on = self.on();
                self.unicode.push(on);
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    self.flags(flags);
                }
            }
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::Literal(literal) if literal.c == '\n' => self.lines = true,
            Ast::ClassPerl(class) => self.perl(class),
            Ast::Assertion(assertion)
                if self.on()
                    && !matches!(
                        assertion.kind,
                        ast::AssertionKind::StartLine
                            | ast::AssertionKind::EndLine
                            | ast::AssertionKind::StartText
                            | ast::AssertionKind::EndText
                    ) =>
            {
                self.faults.push(Fault {
                    span: bytes(&assertion.span),
                    message: "a Unicode `\\b` finds no edge between Japanese letters and digits".to_owned(),
                    help: "use the rule's `boundary`, or `(?-u:\\b)`",
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_post(&mut self, tree: &Ast) -> Result<(), Self::Err> {
        if matches!(tree, Ast::Group(_)) {
            self.unicode.pop();
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ast::ClassSetItem::Perl(class) => self.perl(class),
            ast::ClassSetItem::Literal(literal) if literal.c == '\n' => self.lines = true,
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pattern: &str) -> Vec<String> {
        lint(pattern).err().unwrap_or_default().into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn what_misses_japanese_is_refused() {
        assert!(faults(r"\b090").first().unwrap().contains("Unicode"));
        assert!(faults(r"[\w-]+@x").first().unwrap().contains("bare"));
        assert!(faults(r"^a|b").first().unwrap().contains("anchor"));
        assert!(faults(r"(?=a)").first().unwrap().contains("no regular expression"));
        assert_eq!(faults(r"(?-u:\b)090(?-u:\w)"), Vec::<String>::new());
        assert_eq!(faults(r"^(?:a|b)$"), Vec::<String>::new());
        assert_eq!(faults(r"(?-u:a(?u:\b))").len(), 1);
    }

    #[test]
    fn a_written_line_break_makes_a_rule_of_many_lines() {
        assert!(!lint(r"a\s*b").unwrap_or_else(|_| unreachable!()).lines);
        assert!(lint(r"a\nb").unwrap_or_else(|_| unreachable!()).lines);
        assert!(lint(r"(?s)a.b").unwrap_or_else(|_| unreachable!()).lines);
    }
}
