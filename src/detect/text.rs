//! A text and its normal form, with an exact way back.
//! `Text::new` folds width, half-width kana, ligatures, old characters, hyphens and invisible letters, one letter at a
//! time (PHI §0, NAMES §6); engines read `folded()` and give ranges in it; `original()` maps them to the bytes as written.
//! Must not know: what is searched for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// Old and variant characters, one pair a line: variant, representative, source.
static OLD_CHARACTERS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    include_str!("../../patterns/text/old_characters.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?.chars().next()?, columns.next()?.chars().next()?))
        })
        .collect()
});

/// A run of the folded text: either copied byte for byte, or the folding of one stretch of the original.
#[derive(Clone, Copy)]
struct Run {
    folded: u32,
    original: u32,
    /// Bytes of the original that the whole run came from.
    original_len: u32,
    copied: bool,
}

/// A text, folded. `Debug` prints lengths only.
#[derive(Clone)]
pub struct Text {
    /// `None` when folding changed nothing.
    folded: Option<String>,
    original: String,
    runs: Vec<Run>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("bytes", &self.original.len()).field("folded", &self.folded().len()).finish()
    }
}

impl Text {
    /// Fold `original`. ASCII-only text is kept as it is.
    #[must_use]
    pub fn new(original: &str) -> Self {
        if original.is_ascii() {
            return Self { folded: None, original: original.to_owned(), runs: Vec::new() };
        }
        let mut folder = Folder { out: String::with_capacity(original.len()), runs: Vec::new() };
        let letters: Vec<(usize, char)> = original.char_indices().collect();
        let mut index = 0;
        while let Some(&(at, letter)) = letters.get(index) {
            let next = letters.get(index + 1).copied();
            let end = next.map_or(original.len(), |(at, _)| at);
            if let Some((mark_at, mark)) = next
                && let Some(joined) = voiced(letter, mark)
            {
                folder.put(at, mark_at + mark.len_utf8(), letter, &[joined]);
                index += 2;
                continue;
            }
            folder.letter(at, end, letter, next.map(|(_, letter)| letter));
            index += 1;
        }
        let Folder { out, runs } = folder;
        if runs.iter().all(|run| run.copied) {
            return Self { folded: None, original: original.to_owned(), runs: Vec::new() };
        }
        Self { folded: Some(out), original: original.to_owned(), runs }
    }

    /// The normal form that engines read.
    #[must_use]
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.original)
    }

    /// The text as it was written.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The bytes of the original that a stretch of the folded text came from: from the first letter's start to the
    /// last letter's end, with whatever was dropped between them. An empty stretch maps to an empty one.
    #[must_use]
    pub fn to_original(&self, folded: Range<usize>) -> Range<usize> {
        if self.folded.is_none() {
            return folded;
        }
        if folded.is_empty() {
            let at = self.run_of(folded.start).map_or(self.original.len(), |run| start_of(run, folded.start));
            return at..at;
        }
        let start = self.run_of(folded.start).map_or(self.original.len(), |run| start_of(run, folded.start));
        let end = self.run_of(folded.end - 1).map_or(self.original.len(), |run| {
            if run.copied {
                run.original as usize + (folded.end - run.folded as usize)
            } else {
                (run.original + run.original_len) as usize
            }
        });
        start..end.max(start)
    }

    /// The last run that starts at or before `at` and is not empty there.
    fn run_of(&self, at: usize) -> Option<Run> {
        if at >= self.folded().len() {
            return None;
        }
        let after = self.runs.partition_point(|run| run.folded as usize <= at);
        after.checked_sub(1).and_then(|index| self.runs.get(index)).copied()
    }
}

fn start_of(run: Run, at: usize) -> usize {
    if run.copied { run.original as usize + (at - run.folded as usize) } else { run.original as usize }
}

struct Folder {
    out: String,
    runs: Vec<Run>,
}

impl Folder {
    /// Write what `original[start..end]` (one letter, or kana and its mark) folds to.
    fn put(&mut self, start: usize, end: usize, letter: char, folded: &[char]) {
        let same = folded == [letter] && end - start == letter.len_utf8();
        match self.runs.last_mut() {
            Some(run) if same && run.copied && (run.original + run.original_len) as usize == start => {
                run.original_len += (end - start) as u32;
            }
            _ => self.runs.push(Run {
                folded: self.out.len() as u32,
                original: start as u32,
                original_len: (end - start) as u32,
                copied: same,
            }),
        }
        self.out.extend(folded);
    }

    fn letter(&mut self, start: usize, end: usize, letter: char, next: Option<char>) {
        if letter.is_ascii() {
            return self.put(start, end, letter, &[letter]);
        }
        if dropped(letter) {
            return self.put(start, end, letter, &[]);
        }
        let folded = match letter {
            '\u{3000}' | '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => ' ',
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{fe63}' | '\u{ff0d}' => '-',
            'ー' | 'ｰ' if self.out.ends_with(|c: char| c.is_ascii_digit()) && next.is_some_and(digit) => '-',
            'ｰ' => 'ー',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
            '〜' | '∼' => '~',
            'μ' | 'µ' => 'μ',
            _ => letter,
        };
        if folded != letter {
            return self.put(start, end, letter, &[folded]);
        }
        if let Some(value) = superscript(letter) {
            return self.put(start, end, letter, &['^', value]);
        }
        if let '①'..='⑳' = letter {
            let number = letter as u32 - '①' as u32 + 1;
            let text: Vec<char> = format!("({number})").chars().collect();
            return self.put(start, end, letter, &text);
        }
        if plain(letter) {
            let folded = OLD_CHARACTERS.get(&letter).copied().unwrap_or(letter);
            return self.put(start, end, letter, &[folded]);
        }
        let normal: Vec<char> =
            std::iter::once(letter).nfkc().map(|c| OLD_CHARACTERS.get(&c).copied().unwrap_or(c)).collect();
        self.put(start, end, letter, &normal);
    }
}

/// Letters that no normalisation changes: kana, CJK ideographs of the main blocks, common punctuation.
fn plain(letter: char) -> bool {
    matches!(letter, '\u{3001}'..='\u{3035}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '・' | 'ー' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{2a6df}')
}

fn digit(letter: char) -> bool {
    letter.is_ascii_digit() || ('０'..='９').contains(&letter)
}

/// Invisible letters that a span swallows (PHI, correction (c)).
fn dropped(letter: char) -> bool {
    matches!(letter,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{34f}'
        | '\u{61c}' | '\u{180e}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn superscript(letter: char) -> Option<char> {
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
fn voiced(kana: char, mark: char) -> Option<char> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, folded: &str) {
        let text = Text::new(original);
        assert_eq!(text.folded(), folded);
        assert_eq!(text.to_original(0..folded.len()), 0..original.len());
    }

    #[test]
    fn width_kana_and_ligatures_fold() {
        check("０９０－１２３４", "090-1234");
        check("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ");
        check("コ゛トウ", "ゴトウ");
        check("５㎎／㎗", "5mg/dl");
        check("㍻元年", "平成元年");
        check("10⁴", "10^4");
        check("①5", "(1)5");
        check("髙橋", "高橋");
        check("０３ー１２３４", "03-1234");
        check("データー3", "データー3");
    }

    #[test]
    fn a_stretch_maps_to_the_letters_it_came_from() {
        let text = Text::new("氏名：渡邉\u{e0102}　ﾀﾞｲ様");
        let at = text.folded().find("辺").unwrap_or_default();
        let written = text.to_original(at..at + "辺".len());
        assert_eq!(text.original().get(written), Some("邉"));
        let at = text.folded().find("ダイ").unwrap_or_default();
        let written = text.to_original(at..at + "ダイ".len());
        assert_eq!(text.original().get(written), Some("ﾀﾞｲ"));
    }

    #[test]
    fn ascii_is_kept() {
        let text = Text::new("plain text 123");
        assert_eq!(text.folded(), text.original());
        assert_eq!(text.to_original(3..7), 3..7);
    }
}
