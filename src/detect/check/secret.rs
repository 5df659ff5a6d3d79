//! Secrets and what only stands for one.
//! Must not know: which service a key opens, where it stands.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Outcome;

/// Parts of strings that stand for a secret and are none.
const PLACEHOLDERS: &[&str] = &[
    "your",
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "dummy",
    "redacted",
    "replace",
    "insert",
    "todo",
    "xxxx",
    "****",
    "....",
    "●●",
    "○○",
    "〇〇",
    "＊＊",
    "<",
    "${",
    "{{",
    "%(",
    "process.env",
    "os.environ",
    "getenv",
    "my-secret",
    "my_secret",
    "here",
    "none",
    "null",
    "hidden",
    "masked",
    "todo",
    "__",
];

/// Whole strings that stand for a secret and are none.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "secret",
    "token",
    "key",
    "apikey",
    "api_key",
    "string",
    "str",
    "true",
    "false",
    "undefined",
    "required",
    "optional",
    "text",
    "value",
    "input",
    "basic",
    "bearer",
    "hunter2",
    "foo",
    "bar",
    "foobar",
    "test",
    "abc",
    "user",
    "admin",
];

/// Not a placeholder: a secret in the eyes of the law of large hospitals.
pub(super) fn real_secret(text: &str) -> Outcome {
    let text = text.trim();
    if text.chars().count() < 4 {
        return Outcome::NotApplicable;
    }
    let lower = text.to_lowercase();
    let mut letters = text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '*' | '.' | '●' | '○'));
    let first = letters.next();
    let one_letter = first.is_some() && letters.all(|letter| Some(letter) == first);
    let variable = text.starts_with('$') || text.starts_with('%') && text.ends_with('%');
    let placeholder = one_letter
        || variable
        || PLACEHOLDERS.iter().any(|part| lower.contains(part))
        || WORDS.contains(&lower.as_str());
    Outcome::of(!placeholder)
}

/// A real secret that looks thrown at random: long, of several sorts of letters, most of them different.
pub(super) fn random_secret(text: &str) -> Outcome {
    if real_secret(text) != Outcome::Passes {
        return real_secret(text);
    }
    let sorts = [
        text.bytes().any(|byte| byte.is_ascii_uppercase()),
        text.bytes().any(|byte| byte.is_ascii_lowercase()),
        text.bytes().any(|byte| byte.is_ascii_digit()),
        text.bytes().any(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'-' | b'_' | b'.' | b'/')),
    ];
    let mut different: Vec<u8> = text.bytes().collect();
    different.sort_unstable();
    different.dedup();
    let many = sorts.iter().filter(|sort| **sort).count();
    Outcome::of(text.len() >= 8 && many >= 2 && different.len() * 2 >= text.len().min(24))
}

/// A web token whose head decodes to JSON with an algorithm, and that is not the specimen of the manuals.
pub(super) fn jwt(text: &str) -> Outcome {
    let mut parts = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')));
    let (Some(Ok(head)), Some(Ok(body))) = (parts.next(), parts.next()) else { return Outcome::NotApplicable };
    let (head, body) = (String::from_utf8_lossy(&head), String::from_utf8_lossy(&body));
    Outcome::of(head.contains("\"alg\"") && !body.contains("John Doe") && !body.contains("\"sub\":\"1234567890\""))
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, NotApplicable, Passes};
    use super::*;

    #[test]
    fn placeholders_are_no_secrets() {
        for text in [
            "<YOUR_API_KEY>",
            "${DB_PASS}",
            "xxxxx",
            "your-password-here",
            "********",
            "password",
            "$TOKEN",
            "AKIAIOSFODNN7EXAMPLE",
            "○○○○",
        ] {
            assert_eq!(real_secret(text), Fails, "{text}");
        }
        for text in ["Tsubaki-88!x", "kango4F-2023", "7784", "natsu-mikan-4410"] {
            assert_eq!(real_secret(text), Passes, "{text}");
        }
        assert_eq!(real_secret("ab"), NotApplicable);
    }

    #[test]
    fn randomness() {
        assert_eq!(random_secret("w9Jb/3kRz0QpVx+7LdT2sYh8mNfUaGc1"), Passes);
        assert_eq!(random_secret("configuration"), Fails);
        assert_eq!(random_secret("aaaa1111aaaa1111"), Fails);
    }

    #[test]
    fn web_tokens() {
        let token = |body: &str| {
            format!("{}.{}.sig", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#), URL_SAFE_NO_PAD.encode(body))
        };
        assert_eq!(jwt(&token(r#"{"sub":"u4471"}"#)), Passes);
        assert_eq!(jwt(&token(r#"{"sub":"1234567890","name":"John Doe"}"#)), Fails);
        assert_eq!(jwt("eyJ.x"), NotApplicable);
    }
}
