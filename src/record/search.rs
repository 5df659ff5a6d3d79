//! Fingerprints: "was this patient sent?" is answered by keyed hashes of folded forms, so the record needs no name.
//! A fingerprint is `family:keyid:form:hash`; search computes it under every key the ring still holds.
//! Must not know: storage. What was never found cannot be searched: say so beside every answer.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::chain::hex;

/// Which form of a person or number a fingerprint is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Full name without blanks, or the whole number.
    Whole,
    /// Surname alone.
    Surname,
}

impl Form {
    const fn letter(self) -> &'static str {
        match self {
            Form::Whole => "w",
            Form::Surname => "s",
        }
    }
}

/// The fingerprint of a folded form under one key. `family` is the kind (`person_name`, `patient_id` …).
#[must_use]
pub fn fingerprint(key_id: &str, key: &[u8; 32], family: &str, form: Form, folded: &str) -> String {
    let compact: String = folded
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .flat_map(char::to_lowercase)
        .collect();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    for part in [family.as_bytes(), form.letter().as_bytes(), compact.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let tag = mac.finalize().into_bytes();
    let short: Vec<u8> = tag.iter().take(12).copied().collect();
    format!("{family}:{key_id}:{}:{}", form.letter(), hex(&short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_the_form_not_of_the_spelling() {
        let key = [7; 32];
        let one = fingerprint("f1", &key, "person_name", Form::Whole, "山田 太郎");
        assert_eq!(one, fingerprint("f1", &key, "person_name", Form::Whole, "山田太郎"));
        assert_ne!(one, fingerprint("f1", &[8; 32], "person_name", Form::Whole, "山田太郎"));
        assert_ne!(one, fingerprint("f1", &key, "person_name", Form::Surname, "山田太郎"));
        assert!(!one.contains("山田"));
    }
}
