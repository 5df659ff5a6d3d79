//! How Japanese names are read: surnames and given names in kanji to one loose key of their sounds, which kana and
//! romaji of any spelling share. The files are searched as they are, so nothing is built and nothing kept.
//! Must not know: texts, findings.

use crate::detect::engine::names::lexicon::{loose, romaji};

const SURNAMES: &str = include_str!("../../../patterns/names/surname_heads.tsv");
const GIVEN: &str = include_str!("../../../patterns/names/given_readings.tsv");

/// The sounds of a surname in kanji; empty when no list knows it.
pub(super) fn surname(word: &str) -> Vec<String> {
    row(SURNAMES, word).and_then(|row| row.split('\t').nth(1)).map(romaji).into_iter().collect()
}

/// The sounds of a given name in kanji.
pub(super) fn given(word: &str) -> Vec<String> {
    row(GIVEN, word).map(|row| row.split('\t').map(romaji).collect()).unwrap_or_default()
}

/// The sounds of a word in kana or Latin letters; nothing of kanji.
pub(super) fn plain(word: &str) -> Option<String> {
    if word.chars().all(|letter| matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー')) {
        return Some(romaji(word));
    }
    let latin = |letter: char| letter.is_alphabetic() && (letter.is_ascii() || matches!(letter, 'À'..='ɏ'));
    let sounds = word.chars().all(|letter| latin(letter) || matches!(letter, '\'' | '-' | '.'));
    (sounds && word.chars().any(latin)).then(|| loose(&word.to_lowercase()))
}

/// What stands behind a word in a list that is sorted by bytes.
fn row<'a>(file: &'a str, word: &str) -> Option<&'a str> {
    let (mut low, mut high) = (0, file.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = file.get(..floor(file, middle))?.rfind('\n').map_or(0, |at| at + 1).max(low);
        let end = file.get(start..)?.find('\n').map_or(file.len(), |length| start + length);
        let line = file.get(start..end)?;
        let (key, rest) = line.split_once('\t').unwrap_or((line, ""));
        // The head of the file (`# …`) sorts before every name.
        match key.as_bytes().cmp(word.as_bytes()) {
            std::cmp::Ordering::Equal => return Some(rest),
            std::cmp::Ordering::Less => low = (end + 1).min(high),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// The letter boundary at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kanji_kana_and_romaji_share_a_key() {
        for (kanji, kana, latin) in
            [("渡辺", "わたなべ", "Watanabe"), ("佐藤", "サトウ", "Satoh"), ("大野", "オオノ", "Ohno")]
        {
            assert_eq!(surname(kanji), [plain(kana).unwrap()], "{kanji}");
            assert_eq!(plain(kana), plain(latin), "{kana}");
        }
        assert!(given("健一").contains(&plain("Kenichi").unwrap()));
        assert!(given("諒").contains(&plain("りょう").unwrap()));
        assert_eq!(surname("患者"), Vec::<String>::new());
        assert_eq!(plain("山田"), None);
    }

    #[test]
    fn every_row_is_found_where_it_stands() {
        for file in [SURNAMES, GIVEN] {
            for line in file.lines().filter(|line| !line.starts_with('#')) {
                let (key, rest) = line.split_once('\t').unwrap();
                assert_eq!(row(file, key), Some(rest));
            }
        }
    }
}
