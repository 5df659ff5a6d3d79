//! Globs over the decoded segments of a URL path: `*` within one segment, `**` any number of segments, `{a,b}`.
//! Must not know: services.

use super::path::glob_match;

/// A path pattern, its alternatives written out.
#[derive(Clone, Debug)]
pub(super) struct PathGlob {
    /// As written; shown as the endpoint's name.
    pub(super) source: String,
    alternatives: Vec<Vec<String>>,
}

/// More alternatives than this are a mistake of the file.
const MAX_ALTERNATIVES: usize = 256;

impl PathGlob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(source: &str) -> Result<Self, &'static str> {
        if !source.starts_with('/') {
            return Err("a path begins with /");
        }
        let mut out = Vec::new();
        expand(String::new(), source, &mut out)?;
        let alternatives = out.iter().map(|path| path.split('/').map(str::to_owned).collect()).collect();
        Ok(Self { source: source.to_owned(), alternatives })
    }

    /// `segments`: the decoded parts between slashes, the empty one before the first slash included.
    #[must_use]
    pub(super) fn matches(&self, segments: &[String]) -> bool {
        self.alternatives.iter().any(|glob| walk(glob, segments))
    }
}

fn expand(done: String, rest: &str, out: &mut Vec<String>) -> Result<(), &'static str> {
    let Some((before, after)) = rest.split_once('{') else {
        if rest.contains('}') {
            return Err("a } without {");
        }
        if out.len() >= MAX_ALTERNATIVES {
            return Err("too many alternatives");
        }
        out.push(done + rest);
        return Ok(());
    };
    let Some((choices, after)) = after.split_once('}') else { return Err("a { without }") };
    if choices.contains('{') {
        return Err("alternatives inside alternatives");
    }
    for choice in choices.split(',') {
        expand(format!("{done}{before}{choice}"), after, out)?;
    }
    Ok(())
}

/// As `glob_match`, a step up: `**` is the run, a segment the byte. `a/**` also matches `a`.
fn walk(glob: &[String], path: &[String]) -> bool {
    let (mut g, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while p < path.len() {
        let wanted = glob.get(g);
        if wanted.is_some_and(|w| w == "**") {
            back = Some((g + 1, p));
            g += 1;
        } else if wanted.zip(path.get(p)).is_some_and(|(w, s)| glob_match(w.as_bytes(), s.as_bytes())) {
            g += 1;
            p += 1;
        } else if let Some((after, from)) = back {
            g = after;
            p = from + 1;
            back = Some((after, p));
        } else {
            return false;
        }
    }
    glob.get(g..).is_some_and(|rest| rest.iter().all(|s| s == "**"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(glob: &str, path: &str) -> bool {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        PathGlob::parse(glob).unwrap().matches(&segments)
    }

    #[test]
    fn globs() {
        assert!(hit("/v1/chat/completions", "/v1/chat/completions"));
        assert!(!hit("/v1/chat/completions", "/v1/chat/completions/"));
        assert!(hit("/v1/responses/{compact,input_tokens}", "/v1/responses/compact"));
        assert!(hit("/openai{,/v1}/responses", "/openai/responses"));
        assert!(hit("/{,openai/}v1/responses", "/v1/responses"));
        assert!(hit("/*/models/*:{generateContent,countTokens}", "/v1beta/models/gemini-2.5-pro:countTokens"));
        assert!(!hit("/*/models/*:{generateContent,countTokens}", "/v1beta/models/a/b:countTokens"));
        assert!(hit("/v1/models/**", "/v1/models"));
        assert!(hit("/**", "/"));
        assert!(hit("/**/chat/completions", "/a/b/chat/completions"));
        assert!(hit("/**/chat/completions", "/chat/completions"));
        assert!(hit("/{,**/}mcp{,/**}", "/x/mcp/y"));
        assert!(!hit("/v1/*", "/v1/a/b"));
        for bad in ["v1", "/{a", "/a}", "/{a{b}}"] {
            assert!(PathGlob::parse(bad).is_err(), "{bad}");
        }
    }
}
