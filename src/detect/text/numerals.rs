//! Kanji digits of numbers that are written by places (二〇二四年, 〇九〇−一二三四).
//! Must not know: how a letter is folded.

use super::letters::digit;

pub(super) fn kanji_digit(letter: char) -> Option<char> {
    Some(match letter {
        '〇' | '○' | '◯' => '0',
        '一' => '1',
        '二' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => return None,
    })
}

/// A kanji digit begins here: how many bytes its run takes (digits and single hyphens between them), and whether it is a
/// number written by places (`〇九〇−一二三四`, `二〇二四年`, `五九四番地`). 三十五, 二、三日, the name 一二三 and 〇〇 are none.
pub(super) fn number(text: &str, start: usize) -> (usize, bool) {
    let rest = text.get(start..).unwrap_or_default();
    let (mut digits, mut groups, mut zeros, mut end) = (0_usize, 1_usize, 0_usize, 0_usize);
    let (mut hyphen, mut rings) = (false, false);
    let mut after = None;
    for (at, letter) in rest.char_indices() {
        if kanji_digit(letter).is_some() || (hyphen && digit(letter)) || (digits > 0 && groups > 1 && digit(letter)) {
            groups += usize::from(hyphen);
            hyphen = false;
            digits += 1;
            zeros += usize::from(matches!(letter, '〇' | '○' | '◯'));
            rings |= matches!(letter, '○' | '◯');
            end = at + letter.len_utf8();
        } else if !hyphen && digits > 0 && hyphens(letter) {
            hyphen = true;
        } else {
            after = rest.get(end..).and_then(|rest| rest.chars().next());
            break;
        }
    }
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let unit =
        |letter: Option<char>| letter.is_some_and(|letter| matches!(letter, '十' | '百' | '千' | '万' | '億' | '数'));
    let counted =
        after.is_some_and(|letter| matches!(letter, '番' | '号' | '丁' | '年' | '月' | '日' | '歳' | '才' | '室'));
    // A ring is a bullet or a blank to fill in more often than a zero.
    let enough = if rings { digits >= 7 } else { digits >= 4 || (digits >= 2 && counted) };
    (
        end.max(text.get(start..).and_then(|rest| rest.chars().next()).map_or(3, char::len_utf8)),
        enough && zeros < digits && !unit(before) && !unit(after),
    )
}

fn hyphens(letter: char) -> bool {
    matches!(letter, '-' | 'ー' | 'ｰ' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{ff0d}')
}
