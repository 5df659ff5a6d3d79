//! What single letters are: old and variant characters, look-alikes, invisible ones, superscripts, kana with their marks.
//! Must not know: what stands around a letter, but for the word of a look-alike.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// First and last ideograph of the table below.
const IDEOGRAPHS: std::ops::RangeInclusive<char> = '\u{3400}'..='\u{9fff}';

/// Old and variant characters, one pair a line: variant, representative, source.
pub(super) struct Old {
    /// By ideograph from U+3400; 0 where nothing changes.
    table: Vec<u16>,
    others: HashMap<char, char>,
}

pub(super) static OLD: LazyLock<Old> = LazyLock::new(|| {
    let mut old = Old { table: vec![0; 0x9fff - 0x3400 + 1], others: HashMap::new() };
    for line in include_str!("../../../patterns/text/old_characters.tsv").lines().filter(|line| !line.starts_with('#'))
    {
        let mut columns = line.split('\t').filter_map(|column| column.chars().next());
        let (Some(variant), Some(plain)) = (columns.next(), columns.next()) else { continue };
        let slot = (variant as usize).checked_sub(0x3400).and_then(|at| old.table.get_mut(at));
        match (slot, u16::try_from(plain as u32)) {
            (Some(slot), Ok(plain)) => *slot = plain,
            _ => {
                old.others.insert(variant, plain);
            }
        }
    }
    old
});

impl Old {
    pub(super) fn plain(&self, letter: char) -> char {
        if IDEOGRAPHS.contains(&letter) {
            match self.table.get(letter as usize - 0x3400) {
                Some(&plain) if plain != 0 => char::from_u32(u32::from(plain)).unwrap_or(letter),
                _ => letter,
            }
        } else if self.others.is_empty() {
            letter
        } else {
            self.others.get(&letter).copied().unwrap_or(letter)
        }
    }
}

/// Greek and Cyrillic letters that look like an ASCII one.
pub(super) fn look_alike(letter: char) -> Option<char> {
    if !matches!(letter, '\u{391}'..='\u{3bf}' | '\u{405}'..='\u{458}') {
        return None;
    }
    const PAIRS: [&str; 2] = ["ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТХЅІЈаеорсухѕіј", "ABEZHIKMNOPTYXoABEKMHOPCTXSIJaeopcyxsij"];
    let at = PAIRS[0].chars().position(|known| known == letter)?;
    PAIRS[1].chars().nth(at)
}

/// A look-alike letter stands here: how many bytes of its word follow, and whether the word is an ASCII one with nothing
/// but look-alikes among its other letters.
pub(super) fn word(text: &str, start: usize) -> (usize, bool) {
    let letter = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '\u{370}'..='\u{52f}');
    let (before, after) = (text.get(..start).unwrap_or_default(), text.get(start..).unwrap_or_default());
    let ahead: usize = after.chars().take_while(letter).map(char::len_utf8).sum();
    // A word longer than this is no word.
    let back = before.chars().rev().take(64).take_while(letter);
    let (mut ascii, mut foreign) = (false, false);
    for letter in back.chain(after.get(..ahead).unwrap_or_default().chars()) {
        ascii |= letter.is_ascii_alphabetic();
        foreign |= !letter.is_ascii() && look_alike(letter).is_none();
    }
    (ahead, ascii && !foreign)
}

/// Letters that no normalisation changes: kana, CJK ideographs of the main blocks, common punctuation.
pub(super) fn plain(letter: char) -> bool {
    matches!(letter, '\u{3001}'..='\u{3035}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '・' | 'ー' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{2a6df}')
}

pub(super) fn digit(letter: char) -> bool {
    letter.is_ascii_digit() || ('０'..='９').contains(&letter)
}

/// Invisible letters that a span swallows (PHI, correction (c)).
pub(super) fn dropped(letter: char) -> bool {
    matches!(letter,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{34f}'
        | '\u{61c}' | '\u{180e}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

pub(super) fn superscript(letter: char) -> Option<char> {
    Some(match letter {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from_digit(letter as u32 - '⁴' as u32 + 4, 10)?,
        '⁻' => '-',
        '⁺' => '+',
        _ => return None,
    })
}

/// A kana and a sound mark after it, as one letter: half-width pairs, and ゛ ゜ or combining marks after any kana.
pub(super) fn voiced(kana: char, mark: char) -> Option<char> {
    let combining = match mark {
        'ﾞ' | '゛' | '\u{3099}' => '\u{3099}',
        'ﾟ' | '゜' | '\u{309a}' => '\u{309a}',
        _ => return None,
    };
    if !matches!(kana, 'ｦ'..='ﾝ' | 'ぁ'..='ゖ' | 'ァ'..='ヺ') {
        return None;
    }
    let mut joined = [kana].into_iter().nfkc().chain([combining]).nfc();
    match (joined.next(), joined.next()) {
        (Some(letter), None) => Some(letter),
        _ => None,
    }
}
