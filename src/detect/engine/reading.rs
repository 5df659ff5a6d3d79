//! Small readers that the engines of dates, ages and addresses share: written numbers, windows of letters, lines.
//! All work on the folded text, in bytes, on character boundaries.
//! Must not know: what is searched for.

/// A number as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub value: u32,
    /// First byte after it.
    pub end: usize,
    /// Digits written; for kanji with units, those of the value.
    pub digits: usize,
    pub kanji: bool,
}

/// The value of a kanji digit; `〇` and `○` count.
pub(super) const fn kanji_digit(letter: char) -> Option<u32> {
    Some(match letter {
        '〇' | '○' | '零' => 0,
        '一' | '壱' => 1,
        '二' | '弐' => 2,
        '三' | '参' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

const fn kanji_unit(letter: char) -> Option<u32> {
    Some(match letter {
        '十' | '拾' => 10,
        '百' => 100,
        '千' => 1000,
        _ => return None,
    })
}

/// A number that begins at `at`: ASCII digits (at most nine), or kanji, positional (`二〇二四`) or with units (`三十五`).
pub(super) fn number_at(text: &str, at: usize) -> Option<Number> {
    let rest = text.get(at..)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        let value = if digits <= 9 { rest.get(..digits)?.parse().ok()? } else { u32::MAX };
        return Some(Number { value, end: at + digits, digits, kanji: false });
    }
    let (mut end, mut positional, mut with_units, mut last) = (at, 0_u32, 0_u32, None);
    let (mut letters, mut units) = (0, 0);
    for letter in rest.chars().take(9) {
        if let Some(digit) = kanji_digit(letter) {
            positional = positional.saturating_mul(10).saturating_add(digit);
            last = Some(last.unwrap_or(0) * 10 + digit);
        } else if let Some(unit) = kanji_unit(letter) {
            with_units += last.take().unwrap_or(1) * unit;
            units += 1;
        } else {
            break;
        }
        letters += 1;
        end += letter.len_utf8();
    }
    if letters == 0 {
        return None;
    }
    let value = if units > 0 { with_units + last.unwrap_or(0) } else { positional };
    let digits = if units > 0 { value.to_string().len() } else { letters };
    Some(Number { value, end, digits, kanji: true })
}

/// `at` moved over at most `most` spaces.
pub(super) fn skip_spaces(text: &str, at: usize, most: usize) -> usize {
    let spaces = text.get(at..).unwrap_or_default().bytes().take(most).take_while(|byte| *byte == b' ').count();
    at + spaces
}

/// The text before `at`, at most `letters` letters.
pub(super) fn before(text: &str, at: usize, letters: usize) -> &str {
    let head = text.get(..at).unwrap_or_default();
    let start = head.char_indices().rev().take(letters).last().map_or(at, |(index, _)| index);
    head.get(start..).unwrap_or_default()
}

/// The text from `at` on, at most `letters` letters.
pub(super) fn after(text: &str, at: usize, letters: usize) -> &str {
    let tail = text.get(at..).unwrap_or_default();
    let end = tail.char_indices().nth(letters).map_or(tail.len(), |(index, _)| index);
    tail.get(..end).unwrap_or_default()
}

pub(super) fn char_before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

pub(super) fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// First byte of the line that `at` stands in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().rfind('\n').map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        let value = |text| number_at(text, 0).map(|number| (number.value, number.digits));
        assert_eq!(value("35年"), Some((35, 2)));
        assert_eq!(value("三十五年"), Some((35, 2)));
        assert_eq!(value("二〇二四年"), Some((2024, 4)));
        assert_eq!(value("十二月"), Some((12, 2)));
        assert_eq!(value("二十日"), Some((20, 2)));
        assert_eq!(value("九十三歳"), Some((93, 2)));
        assert_eq!(value("百二歳"), Some((102, 3)));
        assert_eq!(value("年"), None);
    }

    #[test]
    fn windows_keep_to_letters() {
        assert_eq!(before("あいう5", 9, 2), "いう");
        assert_eq!(after("あいう5", 3, 2), "いう");
        assert_eq!(before("あ", 3, 9), "あ");
        assert_eq!(line_start("a\nbc", 3), 2);
    }
}
