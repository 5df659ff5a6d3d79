//! Prefectures, municipalities and towns of Japan (`patterns/address/places.tsv`), and where they begin in a text.
//! Must not know: what follows a place.

use std::collections::HashMap;
use std::ops::Range;

use crate::detect::literals::{Found, Literals};

static PLACES: &str = include_str!("../../../../patterns/address/places.tsv");

/// The lexicon.
#[derive(Debug)]
pub(super) struct Lexicon {
    names: Literals,
    /// For each of them: a prefecture (`None`) or the towns of a municipality.
    words: Vec<Option<Vec<&'static str>>>,
}

/// A prefecture, a municipality or both, as they stand in a text.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) range: Range<usize>,
    /// A municipality stands in it.
    pub(super) municipality: Option<usize>,
}

impl Lexicon {
    pub(super) fn new() -> Self {
        let mut words: Vec<&'static str> = Vec::new();
        let mut towns: Vec<Option<Vec<&'static str>>> = Vec::new();
        let mut known: HashMap<&'static str, usize> = HashMap::new();
        let mut add = |word: &'static str, list: Option<&'static str>| {
            if word.chars().count() < 2 {
                return;
            }
            let at = *known.entry(word).or_insert_with(|| {
                words.push(word);
                towns.push(None);
                words.len() - 1
            });
            if let (Some(place), Some(list)) = (towns.get_mut(at), list) {
                place.get_or_insert_with(Vec::new).push(list);
            }
        };
        for line in PLACES.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let (Some(prefecture), Some(city), Some(list)) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            add(prefecture, None);
            add(city, Some(list));
            // 政令市 without its ward, and a town without its 郡.
            for mark in ['市', '郡'] {
                if let Some((head, tail)) = city.split_once(mark)
                    && !tail.is_empty()
                    && tail.chars().count() >= 2
                {
                    if mark == '市' {
                        add(city.get(..head.len() + mark.len_utf8()).unwrap_or(city), Some(list));
                    } else if tail.chars().count() >= 3 {
                        add(tail, Some(list));
                    }
                }
            }
        }
        Self { names: Literals::new(words), words: towns }
    }

    /// Heads of addresses, in order: a prefecture and the municipality directly behind it are one.
    pub(super) fn heads(&self, text: &str) -> Vec<Head> {
        let mut heads: Vec<Head> = Vec::new();
        for Found { range, word } in self.names.find_iter(text) {
            let city = self.words.get(word).is_some_and(Option::is_some).then_some(word);
            if let Some(last) = heads.last_mut()
                && last.municipality.is_none()
                && text.get(last.range.end..range.start).is_some_and(|gap| gap.len() <= 1 && gap.trim().is_empty())
            {
                last.range.end = range.end;
                last.municipality = city;
                continue;
            }
            heads.push(Head { range, municipality: city });
        }
        heads
    }

    /// The longest town of a municipality that `rest` begins with, over 大字 and 字; its length with those.
    pub(super) fn town(&self, municipality: usize, rest: &str) -> Option<usize> {
        let skipped = ["大字", "字", " "].iter().find(|word| rest.starts_with(**word)).map_or(0, |word| word.len());
        let body = rest.get(skipped..)?;
        let lists = self.words.get(municipality)?.as_ref()?;
        lists
            .iter()
            .flat_map(|list| list.split(' '))
            .filter(|town| !town.is_empty() && body.starts_with(*town))
            .map(str::len)
            .max()
            .map(|length| length + skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::text::Text;

    #[test]
    fn the_lexicon_is_folded_as_texts_are() {
        for line in PLACES.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(Text::new(line).folded(), line);
        }
    }

    #[test]
    fn heads_and_towns() {
        let lexicon = Lexicon::new();
        let text = "東京都文京区本駒込2丁目";
        let heads = lexicon.heads(text);
        assert_eq!(heads.len(), 1);
        let head = heads.first().unwrap();
        assert_eq!(text.get(head.range.clone()), Some("東京都文京区"));
        let rest = text.get(head.range.end..).unwrap();
        assert_eq!(lexicon.town(head.municipality.unwrap(), rest), Some("本駒込".len()));
    }
}
