//! Is a value what its field says: an identifier, a credential, a blob? Judged by form alone. What is not, is searched.

use super::charset::{magic, readable};
use super::source::base64_of;

/// An identifier or blob by its form: a UUID, a vendor's prefix with twelve or more characters, a short lower-case word,
/// base64 of nothing readable. A run of digits never is.
pub(super) fn is_opaque(value: &str) -> bool {
    // `5m`, `24h`, `2.0`: too short to name anybody.
    let short = value.len() <= 4
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && !value.bytes().all(|b| b.is_ascii_digit());
    short || value.is_empty() || is_uuid(value) || has_vendor_prefix(value) || is_enum(value) || is_blob(value)
}

/// `8-4-4-4-12` hexadecimal digits, or 32 without dashes that hold a letter.
pub(super) fn is_uuid(value: &str) -> bool {
    let hex = |s: &str| s.bytes().all(|b| b.is_ascii_hexdigit());
    if value.len() == 36 {
        let parts: Vec<&str> = value.split('-').collect();
        return parts.iter().map(|p| p.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|p| hex(p));
    }
    value.len() == 32 && hex(value) && value.bytes().any(|b| b.is_ascii_alphabetic())
}

/// `call_…`, `toolu_01…`, `file-…`, `chatcmpl-…`: a lower-case prefix, then twelve or more characters that mix letters
/// and digits.
pub(super) fn has_vendor_prefix(value: &str) -> bool {
    if value.len() > 512 {
        return false;
    }
    let Some(cut) = value.find(['_', '-']) else { return false };
    let (prefix, rest) = value.split_at(cut);
    let tail = rest.get(1..).unwrap_or_default();
    let prefix_fits = (2..=16).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_lowercase());
    let tail_fits = tail.len() >= 12 && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    prefix_fits && tail_fits && mixes(tail)
}

/// Letters and digits in one run, as made by a machine: not `yamada-1234`, not `2024-01-01`.
fn mixes(tail: &str) -> bool {
    tail.split(['_', '-', '.']).any(|run| {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let changes = run.as_bytes().windows(2).filter(|w| matches!(w, [a, b] if class(*a) != class(*b))).count();
        run.len() >= 8 && digits > 0 && digits < run.len() && changes >= 3
    })
}

const fn class(b: u8) -> u8 {
    if b.is_ascii_digit() {
        0
    } else if b.is_ascii_lowercase() {
        1
    } else {
        2
    }
}

/// `user`, `gpt-4o-2024-08-06`, `models/gemini-2.5-flash`, `application/pdf`: short, lower case, begins with a letter,
/// not more digits than a dated version has.
pub(super) fn is_enum(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let mut run = 0;
    let longest = value.bytes().fold(0, |longest: usize, b| {
        run = if b.is_ascii_digit() { run + 1 } else { 0 };
        longest.max(run)
    });
    value.len() <= 64
        && value.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._:/@+-".contains(&b))
        && longest <= 8
        && (digits <= 8 || digits <= 12 && value.contains("20"))
}

/// Base64 (16 characters and more) of nothing that can be read.
pub(super) fn is_blob(value: &str) -> bool {
    if value.len() < 16 || value.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    // Words change between small and capital letters and digits rarely, random bytes in base64 all the time.
    let marks = |b: &u8| b.is_ascii_alphanumeric();
    let letters: Vec<u8> = value.bytes().filter(marks).collect();
    let changes = letters.windows(2).filter(|w| matches!(w, [a, b] if class(*a) != class(*b))).count();
    if changes * 5 < value.len() * 2 {
        return false;
    }
    match base64_of(value) {
        Some((_, bytes)) => !readable(&bytes) && magic(&bytes).is_none() && !is_japanese(&bytes),
        None => false,
    }
}

/// Text in one of the older Japanese charsets.
pub(super) fn is_japanese(bytes: &[u8]) -> bool {
    let control = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP].iter().any(|encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some_and(|text| {
            let kana = text.chars().filter(|c| ('\u{3041}'..='\u{30FF}').contains(c)).count();
            !control(&text) && kana * 4 >= text.chars().count()
        })
    })
}

/// A credential by its form: one word of 16 characters and more, letters and digits, perhaps behind its scheme.
pub(super) fn is_credential(value: &str) -> bool {
    let word = match value.split_once(' ') {
        Some((scheme, word)) if scheme.len() <= 12 && scheme.bytes().all(|b| b.is_ascii_alphabetic()) => word,
        Some(_) => return false,
        None => value,
    };
    word.is_empty()
        || word.len() >= 16
            && word.bytes().all(|b| b.is_ascii_graphic())
            && word.bytes().any(|b| b.is_ascii_alphabetic())
            && word.bytes().any(|b| b.is_ascii_digit())
}

/// A short value that steers a service: `sse`, `2024-10-21-preview`, `true`.
pub(super) fn is_plain(value: &str) -> bool {
    let dated = |v: &str| {
        let b = v.as_bytes();
        b.len() >= 10 && b.get(4) == Some(&b'-') && b.get(7) == Some(&b'-') && b.starts_with(b"20")
    };
    value.len() <= 32
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-*$,".contains(&b))
        && (dated(value) || value.bytes().filter(u8::is_ascii_digit).count() <= 6)
}

/// A reference to something elsewhere.
pub(super) fn is_url(value: &str) -> bool {
    let scheme = value.split(':').next().unwrap_or_default();
    value.len() > scheme.len()
        && (2..=12).contains(&scheme.len())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-')
        && value.get(scheme.len()..).is_some_and(|rest| rest.starts_with("://"))
}

/// A key as programs write them.
pub(super) fn is_word(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.$@/:".contains(&b))
        && key.bytes().filter(u8::is_ascii_digit).count() <= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_pass_and_what_hides_in_them_does_not() {
        for id in [
            "call_9Fz3kQ1xYpLmN8",
            "toolu_01A09q90qw90lq917835lq9",
            "file-6F2ksmvXxt4VdoqmHRw6kL",
            "chatcmpl-9XyZ12abCDef34Gh",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "gpt-4o-2024-08-06",
            "claude-sonnet-4-5-20250929",
            "models/gemini-2.5-flash",
            "user",
            "assistant",
            "application/pdf",
            "msg_01XFDUDYJgAACzvnptvVoYEL",
            "",
            "EqQBCkYIARgCKkCFvnrS3kZ5GmhF+7r0ZK/6Jr0a1vYq1Qe0Y6zZq8c2xw==",
        ] {
            assert!(is_opaque(id), "{id}");
        }
        for text in [
            "0012345678",
            "1234567",
            "call_山田太郎",
            "pt-0012345678",
            "山田太郎",
            "Yamada Taro",
            "090-1234-5678",
            "tel-090-1234-5678",
            "5bGx55Sw5aSq6YOO44GV44KT44Gu6Ki65pat",
            "file-2024-01-01-Yamada",
            "Patient_Yamada_Taro",
            "YamadaTaro1945Showa20",
        ] {
            assert!(!is_opaque(text), "{text}");
        }
    }

    #[test]
    fn credentials() {
        assert!(is_credential("Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a"));
        assert!(is_credential("tok-1234567890abcdef12"));
        assert!(!is_credential("山田太郎 昭和30年"));
        assert!(!is_credential("yamada taro"));
        assert!(!is_credential("0012345678"));
    }

    #[test]
    fn plain_values() {
        for v in ["sse", "2024-10-21-preview", "true", "20", "desc"] {
            assert!(is_plain(v), "{v}");
        }
        for v in ["山田", "0901234567", "taro yamada"] {
            assert!(!is_plain(v), "{v}");
        }
    }
}
