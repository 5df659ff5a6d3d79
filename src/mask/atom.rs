//! Token-like text in requests is an atom: nothing in it, nor across it, is found, and it is not changed. A token that is
//! not known must be exactly as we write one.
//! Must not know: what detection looks for.

use std::collections::HashSet;
use std::ops::Range;

use super::find::{Shape, TokenAt, find_tokens};
use super::label::written_labels;
use super::token::Code;
use crate::detect::{Document, Part};
use crate::locate::LocatedText;

/// The atoms of one text, in order: bytes that are neither searched nor changed.
#[must_use]
pub fn atoms(text: &str, known: &HashSet<Code>) -> Vec<(Range<usize>, TokenAt)> {
    find_tokens(text)
        .into_iter()
        .filter_map(|token| {
            let range = match token.shape {
                Shape::Labelled if known.contains(&token.code) || as_we_write(text, &token) => token.range.clone(),
                Shape::OtherLabel | Shape::Bare if known.contains(&token.code) => token.code_range.clone(),
                _ => return None,
            };
            Some((range, token))
        })
        .collect()
}

/// `[患者:7K3Q2F9M…]` or `PATIENT_7K3Q2F9M`, letter by letter.
fn as_we_write(text: &str, token: &TokenAt) -> bool {
    let Some(written) = text.get(token.range.clone()) else { return false };
    let code = token.code.as_str();
    written_labels().any(|label| {
        let bracketed = written.strip_prefix('[').and_then(|rest| rest.strip_prefix(label));
        let narrow = written.strip_prefix(label);
        bracketed
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|rest| rest.starts_with(code) && rest.ends_with(']'))
            || narrow.and_then(|rest| rest.strip_prefix(['_', '-'])).is_some_and(|rest| rest.starts_with(code))
    })
}

/// The document to search: text number *n* is part number *n*, its atoms told.
#[must_use]
pub fn document(texts: &[LocatedText], known: &HashSet<Code>) -> Document {
    let part = |text: &LocatedText| Part {
        text: text.text.clone(),
        label: text.label.clone(),
        unit: text.unit,
        author: text.author,
        atoms: atoms(&text.text, known).into_iter().map(|(range, _)| range).collect(),
    };
    Document { parts: texts.iter().map(part).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::key::TokenKey;
    use super::super::token::Length;
    use super::*;

    #[test]
    fn what_we_write_is_an_atom_and_what_is_only_like_it_is_searched() {
        let code = Code::compute(&TokenKey::new([3; 32]), "person", &["山田太郎"], Length::Seven);
        let none = HashSet::new();
        let known = HashSet::from([code]);
        for (text, foreign, own) in [
            (format!("[患者:{code}]さん"), true, true),
            (format!("x_PATIENT_{code}.pdf"), true, true),
            (format!("patient {}", code.as_str().to_lowercase()), false, true),
            (format!("[山田:{code}]"), false, true),
            (code.to_string(), false, true),
        ] {
            assert_eq!(!atoms(&text, &none).is_empty(), foreign, "{text}");
            assert_eq!(!atoms(&text, &known).is_empty(), own, "{text}");
        }
        let other = format!("[山田:{code}]");
        let found = atoms(&other, &known);
        assert_eq!(other.get(found[0].0.clone()), Some(code.as_str()), "the label may be a name");
    }
}
