//! Values that a form split over fields (姓/名, 市外局番/市内局番/番号): read as one text.
//! Must not know: engines, what the value is.

use std::ops::Range;

use serde::Deserialize;

use super::document::Document;
use super::rule::RuleError;
use super::text::Text;

/// Longer fields hold no piece of a value.
const LONGEST: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    join: Vec<Form>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    label: String,
    separator: String,
    fields: Vec<Vec<String>>,
}

/// The forms that split values.
#[derive(Debug)]
pub(super) struct Joiner {
    forms: Vec<Form>,
}

/// Fields of one value, read as one.
pub(super) struct Joined<'a> {
    pub(super) label: &'a str,
    pub(super) text: String,
    /// Part, and the bytes of `text` that are its text.
    pub(super) pieces: Vec<(usize, Range<usize>)>,
}

impl Joiner {
    /// The forms that are embedded.
    pub(super) fn shipped() -> Result<Self, RuleError> {
        const NAME: &str = "patterns/link/joined_fields.toml";
        let text = include_str!("../../patterns/link/joined_fields.toml");
        let mut file: File = toml::from_str(text)
            .map_err(|error| RuleError::at(NAME, text, error.span().unwrap_or(0..0), error.message(), ""))?;
        for form in &mut file.join {
            for field in &mut form.fields {
                for name in field {
                    *name = plain(name);
                }
            }
        }
        Ok(Self { forms: file.join })
    }

    /// Runs of neighbouring parts of one unit whose names are a form's fields in order.
    pub(super) fn find(&self, document: &Document) -> Vec<Joined<'_>> {
        let names: Vec<Option<String>> = document
            .parts
            .iter()
            .map(|part| part.label.as_deref().filter(|_| part.text.len() <= LONGEST).map(plain))
            .collect();
        let mut found = Vec::new();
        for start in 0..names.len() {
            for form in &self.forms {
                let fits = form.fields.iter().enumerate().all(|(index, known)| {
                    let name = names.get(start + index).and_then(Option::as_ref);
                    let part = document.parts.get(start + index);
                    let same = part.zip(document.parts.get(start)).is_some_and(|(part, first)| part.unit == first.unit);
                    same && name.is_some_and(|name| known.contains(name))
                        && part.is_some_and(|part| !part.text.trim().is_empty())
                });
                if fits {
                    found.push(join(document, form, start));
                    break;
                }
            }
        }
        found
    }
}

fn join<'a>(document: &Document, form: &'a Form, start: usize) -> Joined<'a> {
    let mut text = String::new();
    let mut pieces = Vec::new();
    for (index, part) in document.parts.iter().enumerate().skip(start).take(form.fields.len()) {
        if !text.is_empty() {
            text.push_str(&form.separator);
        }
        let from = text.len();
        text.push_str(&part.text);
        pieces.push((index, from..text.len()));
    }
    Joined { label: &form.label, text, pieces }
}

/// `patient_LastName` → `patientlastname`.
fn plain(name: &str) -> String {
    Text::new(name)
        .folded()
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '_' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::document::Part;

    #[test]
    fn neighbouring_fields_are_read_as_one() {
        let part = |label: &str, text: &str| Part { text: text.into(), label: Some(label.into()), ..Part::default() };
        let document = Document {
            parts: vec![
                part("memo", "x"),
                part("tel_1", "03"),
                part("tel_2", "1234"),
                part("tel_3", "5678"),
                part("Last-Name", "森"),
                part("firstName", "葵"),
            ],
        };
        let joiner = Joiner::shipped().unwrap();
        let found = joiner.find(&document);
        assert_eq!(found.iter().map(|joined| joined.text.as_str()).collect::<Vec<_>>(), ["03-1234-5678", "森 葵"]);
        assert_eq!(found[0].pieces, [(1, 0..2), (2, 3..7), (3, 8..12)]);
    }

    #[test]
    fn fields_of_two_units_are_not() {
        let part = |label: &str, unit| Part { text: "x".into(), label: Some(label.into()), unit, ..Part::default() };
        let document = Document { parts: vec![part("姓", 1), part("名", 2)] };
        assert!(Joiner::shipped().unwrap().find(&document).is_empty());
    }
}
