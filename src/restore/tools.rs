//! Whose arguments get the real words back: the shipped list, and what no list may name (`patterns/restore/tools.toml`).
//! Must not know: answers.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    allowed: Vec<String>,
    least_before_star: usize,
    never_words: Vec<String>,
    never_inside: Vec<String>,
}

static FILE: LazyLock<Option<File>> =
    LazyLock::new(|| toml::from_str(include_str!("../../patterns/restore/tools.toml")).ok());

/// Why a name cannot stand in `restore.tools`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    #[error("`*` stands at the end, after at least {least} letters")]
    Star { least: usize },
    #[error(
        "shell, fetch, search, mail and browser tools never get the real words back, and this name has `{word}` in it"
    )]
    Never { word: String },
    #[error("it is empty")]
    Empty,
}

/// The default of `restore.tools`.
#[must_use]
pub fn shipped() -> Vec<String> {
    FILE.as_ref().map(|file| file.allowed.clone()).unwrap_or_default()
}

/// May this entry stand in the list?
///
/// # Errors
/// When it names, or might name, a tool that sends its arguments away.
pub fn check(entry: &str) -> Result<(), ToolError> {
    let least = FILE.as_ref().map_or(usize::MAX, |file| file.least_before_star);
    let (name, star) = entry.strip_suffix('*').map_or((entry, false), |name| (name, true));
    if name.contains('*') || (star && name.chars().filter(|letter| letter.is_alphanumeric()).count() < least) {
        return Err(ToolError::Star { least });
    }
    if name.trim().is_empty() {
        return Err(ToolError::Empty);
    }
    never(name).map_or(Ok(()), |word| Err(ToolError::Never { word }))
}

/// Is this tool on the list, and none that is never allowed?
#[must_use]
pub fn allows(list: &[String], tool: &str) -> bool {
    let listed = list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(_) if check(entry).is_err() => false,
        Some(prefix) => tool.starts_with(prefix),
        None => entry == tool,
    });
    listed && never(tool).is_none()
}

/// The word by which a tool is one of those that are never allowed. Without the list every tool is.
fn never(tool: &str) -> Option<String> {
    let Some(file) = FILE.as_ref() else { return Some(tool.to_owned()) };
    let flat: String = tool.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if let Some(inside) = file.never_inside.iter().find(|inside| flat.contains(inside.as_str())) {
        return Some(inside.clone());
    }
    words(tool).into_iter().find(|word| file.never_words.contains(word))
}

/// `mcp__fs__runShell2` → mcp, fs, run, shell. `HTTPGet` → http, get.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase())
                || (before.is_some_and(|before| before.is_uppercase())
                    && after.is_some_and(|after| after.is_lowercase())));
        if begins || !letter.is_alphabetic() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && letter.is_alphabetic()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_tool_may_stand_in_the_list() {
        assert!(FILE.is_some());
        for tool in shipped() {
            assert_eq!(check(&tool), Ok(()));
            assert!(allows(&shipped(), &tool), "{tool}");
        }
    }

    #[test]
    fn shell_fetch_search_mail_and_browser_tools_are_never_allowed() {
        for tool in [
            "Bash",
            "bash",
            "BashOutput",
            "run_shell_command",
            "local_shell",
            "execute_command",
            "run_terminal_cmd",
            "runInTerminal",
            "exec",
            "exec_command",
            "sh",
            "WebFetch",
            "web_fetch",
            "fetch",
            "mcp__fetch__fetch",
            "http_get",
            "HTTPGet",
            "WebSearch",
            "websearch",
            "google_web_search",
            "send_email",
            "sendMail",
            "gmail_create_draft",
            "mcp__slack__post",
            "browser_navigate",
            "mcp__playwright__click",
            "computer",
            "code_interpreter",
            "python",
            "openUrl",
            "upload_file",
            "git_push",
            "start_process",
        ] {
            assert!(matches!(check(tool), Err(ToolError::Never { .. })), "{tool}");
            let list = [tool.to_owned(), format!("{}*", tool.chars().take(3).collect::<String>()), "*".to_owned()];
            assert!(!allows(&list, tool), "{tool}");
        }
    }

    #[test]
    fn a_star_needs_letters_before_it_and_lets_no_denied_tool_in() {
        for entry in ["*", "a*", "__*", "mc*", "*write", "ka*rte*", "**"] {
            assert!(matches!(check(entry), Err(ToolError::Star { .. })), "{entry}");
            assert!(!allows(&[entry.to_owned()], "karte_write"), "{entry}");
        }
        assert_eq!(check(""), Err(ToolError::Empty));
        assert!(matches!(check("mcp__shell__*"), Err(ToolError::Never { .. })));
        let list = ["mcp__fs__*".to_owned(), "karte_write".to_owned()];
        assert!(list.iter().all(|entry| check(entry).is_ok()));
        for (tool, allowed) in [
            ("mcp__fs__write", true),
            ("karte_write", true),
            ("karte_write_all", false),
            ("mcp__fs__shell", false),
            ("mcp__fs__search", false),
            ("mcp__mail__write", false),
        ] {
            assert_eq!(allows(&list, tool), allowed, "{tool}");
        }
    }

    #[test]
    fn words_are_split_at_case_digits_and_signs() {
        assert_eq!(words("mcp__fs__runShell2x"), ["mcp", "fs", "run", "shell", "x"]);
        assert_eq!(words("HTTPGet"), ["http", "get"]);
        assert_eq!(words("読む_file"), ["読む", "file"]);
    }
}
