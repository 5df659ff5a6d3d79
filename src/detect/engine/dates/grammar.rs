//! Dates as they are written: eras, western years, month and day, English, ranges.
//! Reads a text once and gives every stretch that is a day that exists.
//! Must not know: what a date is the date of.

use std::ops::Range;

use crate::detect::check::{Era, days_in_month, era_day, real_day};
use crate::detect::engine::reading::{Number, char_at, char_before, number_at, skip_spaces};

/// How a date is written, from the surest to the least sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Era or western year, 年, 月, 日; or an English month with a year.
    Long,
    /// Era or four-digit year and separators.
    Separated,
    /// Three numbers and a year of two digits without an era: `24/05/21`, `1/30/58`, `4年6月2日`.
    ShortYear,
    /// `5月2日`, `二月十日`, `Oct 4`.
    MonthDay,
    /// `5/2`.
    Slash,
    /// `11 02 1979`: a birth where a label says so, else nothing.
    Spaced,
    /// `20240621`.
    Digits,
    /// The end of a range that begins with a date: `10.15` of `2024.10.7-10.15`.
    RangeEnd,
}

/// A written date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub range: Range<usize>,
    pub form: Form,
    /// Western year, where it is written.
    pub year: Option<u32>,
}

/// English months, with the letters that must at least be there.
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// All dates of a text, in order, never overlapping.
pub(super) fn read(text: &str) -> Vec<Written> {
    let bytes = text.as_bytes();
    let mut found: Vec<Written> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = match byte {
            b'0'..=b'9' => {
                let written = numeric(text, at).or_else(|| day_first_english(text, at));
                match written {
                    Some(written) => push(text, &mut found, written),
                    None => at + bytes.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count(),
                }
            }
            b'A'..=b'Z'
                if at
                    .checked_sub(1)
                    .and_then(|before| bytes.get(before))
                    .is_none_or(|byte| !byte.is_ascii_alphanumeric()) =>
            {
                match month_first_english(text, at) {
                    Some(written) => push(text, &mut found, written),
                    None => at + 1,
                }
            }
            0xE2..=0xE5 if numeral(bytes, at) => match kanji(text, at) {
                Some(written) => push(text, &mut found, written),
                None => at + 3,
            },
            0xE0..=0xEF => at + 3,
            _ => at + 1,
        };
        at = next.max(at + 1);
    }
    found
}

/// A kanji number or 元 begins with these bytes.
const fn numeral(bytes: &[u8], at: usize) -> bool {
    let Some((_, rest)) = bytes.split_at_checked(at) else { return false };
    // Kana are most of a text.
    if let [0xE3, 0x81..=0x83, ..] = rest {
        return false;
    }
    matches!(
        rest,
        [0xE2, 0x97, 0x8B, ..] // ○
            | [0xE3, 0x80, 0x87, ..] // 〇
            | [0xE4, 0xB8, 0x80 | 0x83 | 0x89, ..] // 一七三
            | [0xE4, 0xB9, 0x9D, ..] // 九
            | [0xE4, 0xBA, 0x8C | 0x94, ..] // 二五
            | [0xE5, 0x85, 0x83 | 0xAB | 0xAD, ..] // 元八六
            | [0xE5, 0x8D, 0x81 | 0x83, ..] // 十千
            | [0xE5, 0x8F, 0x82, ..] // 参
            | [0xE5, 0x9B, 0x9B, ..] // 四
            | [0xE5, 0xA3, 0xB1, ..] // 壱
            | [0xE5, 0xBC, 0x90, ..] // 弐
    )
}

/// Keep a date, with the end of a range behind it; the byte to go on from.
fn push(text: &str, found: &mut Vec<Written>, mut written: Written) -> usize {
    if matches!(written.form, Form::MonthDay | Form::Slash | Form::Long | Form::Separated) {
        written.range.end = day_range(text, &written).unwrap_or(written.range.end);
    }
    let end = written.range.end;
    let second = if written.form == Form::Separated { range_end(text, end) } else { None };
    found.push(written);
    match second {
        Some(second) => {
            let end = second.range.end;
            found.push(second);
            end
        }
        None => end,
    }
}

/// Over `-`, `~` or から, with spaces.
fn range_mark(text: &str, at: usize) -> Option<usize> {
    let at = skip_spaces(text, at, 2);
    let mark = char_at(text, at)?;
    if matches!(mark, '-' | '~') {
        return Some(skip_spaces(text, at + mark.len_utf8(), 2));
    }
    text.get(at..)?.starts_with("から").then_some(at + "から".len())
}

/// The end of a range whose second end has no month: `5/1-7`, `5月1日~7日`.
fn day_range(text: &str, written: &Written) -> Option<usize> {
    let kanji = text.get(written.range.clone())?.ends_with('日');
    let at = range_mark(text, written.range.end)?;
    let day = number_at(text, at).filter(|day| (1..=31).contains(&day.value) && day.digits <= 2)?;
    if kanji {
        return text.get(day.end..)?.starts_with('日').then_some(day.end + '日'.len_utf8());
    }
    if written.form != Form::Slash {
        return None;
    }
    let open = matches!(char_at(text, day.end), Some('/' | '.' | ':' | '月' | '時' | '回' | '日') | Some('0'..='9'));
    (!open && !char_at(text, day.end).is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '-'))
        .then_some(day.end)
}

/// `10.15` after a date with dots and a range mark.
fn range_end(text: &str, at: usize) -> Option<Written> {
    let at = range_mark(text, at)?;
    let month = number_at(text, at).filter(|month| month.digits <= 2)?;
    if char_at(text, month.end)? != '.' {
        return None;
    }
    let day = number_at(text, month.end + 1).filter(|day| day.digits <= 2)?;
    if matches!(char_at(text, day.end), Some('.' | '/' | '0'..='9')) || !month_day(month.value, day.value) {
        return None;
    }
    Some(Written { range: at..day.end, form: Form::RangeEnd, year: None })
}

/// A day that exists in some year.
const fn month_day(month: u32, day: u32) -> bool {
    1 <= day && day <= days_in_month(2000, month)
}

/// The era written before `at`, and where it begins.
fn era_before(text: &str, at: usize) -> Option<(Era, usize)> {
    let head = text.get(..at)?;
    let trimmed = head.trim_end_matches([' ', '.']);
    if head.len() - trimmed.len() > 2 {
        return None;
    }
    let last = trimmed.chars().next_back()?;
    let start = trimmed.len() - last.len_utf8();
    if let Some(pair) = start.checked_sub(3).and_then(|from| trimmed.get(from..))
        && let Some(era) = Era::from_mark(pair)
    {
        return Some((era, start - 3));
    }
    let mark = trimmed.get(start..)?;
    let neighbour = char_before(trimmed, start);
    match last {
        'M' | 'T' | 'S' | 'H' | 'R' | 'm' | 't' | 's' | 'h' | 'r' => {
            let glued = neighbour
                .is_some_and(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '\''));
            (!glued).then_some((Era::from_mark(mark)?, start))
        }
        '明' | '大' | '昭' | '平' | '令' => {
            let glued = neighbour.is_some_and(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
            (!glued).then_some((Era::from_mark(mark)?, start))
        }
        _ => None,
    }
}

/// A date whose first number begins at the ASCII digit `at`.
fn numeric(text: &str, at: usize) -> Option<Written> {
    let first = number_at(text, at)?;
    if let Some(written) = marked(text, at, first) {
        return Some(written);
    }
    let glued = char_before(text, at).is_some_and(|letter| {
        letter.is_ascii_digit() || letter == '.' && char_before(text, at - 1).is_some_and(|c| c.is_ascii_digit())
    });
    if glued {
        return None;
    }
    match first.digits {
        1..=4 => separated(text, at, first),
        8.. => packed(text, at, first),
        _ => None,
    }
}

/// A date in kanji digits, or in 元年.
fn kanji(text: &str, at: usize) -> Option<Written> {
    if text.get(at..)?.starts_with("元年") {
        let (era, start) = era_before(text, at)?;
        return year_month_day(text, start, at + '元'.len_utf8(), Some((era, 1)), None);
    }
    // Not inside a longer run of kanji digits.
    if char_before(text, at)
        .is_some_and(|letter| number_at(letter.encode_utf8(&mut [0; 4]), 0).is_some_and(|number| number.kanji))
    {
        return None;
    }
    let first = number_at(text, at)?;
    marked(text, at, first)
}

/// Dates with 年, 月, 日.
fn marked(text: &str, at: usize, first: Number) -> Option<Written> {
    let unit = skip_spaces(text, first.end, 2);
    match char_at(text, unit)? {
        '年' => match era_before(text, at) {
            Some((era, start)) if first.digits <= 2 => {
                year_month_day(text, start, first.end, Some((era, first.value)), None)
            }
            _ => year_month_day(text, at, first.end, None, Some(first)),
        },
        '月' => {
            let (end, day) = day_of(text, unit + '月'.len_utf8())?;
            if first.digits > 2
                || !month_day(first.value, day)
                || char_before(text, at).is_some_and(|letter| letter.is_ascii_digit())
            {
                return None;
            }
            Some(Written { range: at..end, form: Form::MonthDay, year: None })
        }
        _ => None,
    }
}

/// `10日` behind 月; the end and the day.
fn day_of(text: &str, at: usize) -> Option<(usize, u32)> {
    let day = number_at(text, skip_spaces(text, at, 2)).filter(|day| day.digits <= 2)?;
    let unit = skip_spaces(text, day.end, 2);
    (char_at(text, unit)? == '日').then_some((unit + '日'.len_utf8(), day.value))
}

/// From 年 on: month and day.
fn year_month_day(
    text: &str,
    start: usize,
    year_end: usize,
    era: Option<(Era, u32)>,
    western: Option<Number>,
) -> Option<Written> {
    let at = skip_spaces(text, year_end, 2) + '年'.len_utf8();
    let month = number_at(text, skip_spaces(text, at, 2)).filter(|month| month.digits <= 2)?;
    let unit = skip_spaces(text, month.end, 2);
    if char_at(text, unit)? != '月' {
        return None;
    }
    let (end, day) = day_of(text, unit + '月'.len_utf8())?;
    let range = start..end;
    match (era, western) {
        // With all three units written out, a slip of the pen (平成元年1月1日) is still a date.
        (Some((era, year)), _) if month_day(month.value, day) && year <= 99 => {
            Some(Written { range, form: Form::Long, year: era_day(era, year, month.value, day) })
        }
        (None, Some(year))
            if year.digits == 4 && (1868..=2099).contains(&year.value) && month_day(month.value, day) =>
        {
            Some(Written { range, form: Form::Long, year: Some(year.value) })
        }
        (None, Some(year)) if year.digits <= 2 && month_day(month.value, day) => {
            Some(Written { range, form: Form::ShortYear, year: None })
        }
        _ => None,
    }
}

/// Dates of two or three numbers with `/`, `.` or `-` between.
fn separated(text: &str, at: usize, first: Number) -> Option<Written> {
    if let Some(written) = spaced(text, at, first) {
        return Some(written);
    }
    let (separator, second) = part(text, first.end)?;
    let third = part(text, second.end).filter(|(other, third)| *other == separator && third.digits <= 4);
    let Some((_, third)) = third else { return slash(text, at, first, second, separator) };
    if part(text, third.end).is_some_and(|(other, _)| other == separator || other == '.')
        || !closed(text, third.end)
        || second.digits > 2
    {
        return None;
    }
    if first.digits == 4 {
        let real = third.digits <= 2 && real_day(first.value, second.value, third.value) && bounded(text, at);
        return real.then_some(Written { range: at..third.end, form: Form::Separated, year: Some(first.value) });
    }
    if first.digits <= 2
        && third.digits <= 2
        && let Some((era, start)) = era_before(text, at)
    {
        let year = era_day(era, first.value, second.value, third.value)?;
        return Some(Written { range: start..third.end, form: Form::Separated, year: Some(year) });
    }
    if first.digits > 2 || !bounded(text, at) {
        return None;
    }
    if third.digits == 4 {
        let real = real_day(third.value, first.value, second.value) || real_day(third.value, second.value, first.value);
        return real.then_some(Written { range: at..third.end, form: Form::Separated, year: Some(third.value) });
    }
    // A year of two digits: with slashes, or behind an apostrophe.
    let apostrophe = char_before(text, at).is_some_and(|letter| matches!(letter, '\'' | '’'));
    if third.digits > 2 || !(separator == '/' || apostrophe) {
        return None;
    }
    let any = (first.digits == 2 && month_day(second.value, third.value))
        || (third.digits == 2 && (month_day(first.value, second.value) || month_day(second.value, first.value)));
    let start = if apostrophe { at - char_before(text, at).map_or(0, char::len_utf8) } else { at };
    any.then_some(Written { range: start..third.end, form: Form::ShortYear, year: None })
}

/// A separator and the number behind it; a space may stand before the number.
fn part(text: &str, at: usize) -> Option<(char, Number)> {
    let separator = char_at(text, at).filter(|letter| matches!(letter, '/' | '.' | '-'))?;
    let number = number_at(text, skip_spaces(text, at + 1, 1)).filter(|number| !number.kanji)?;
    Some((separator, number))
}

/// No digit or letter goes on behind a numeric date; `T` and a time may.
fn closed(text: &str, end: usize) -> bool {
    match char_at(text, end) {
        Some('T') => char_at(text, end + 1).is_some_and(|letter| letter.is_ascii_digit()),
        Some(letter) => !letter.is_ascii_alphanumeric(),
        None => true,
    }
}

/// No letter, number or path goes on before a numeric date.
fn bounded(text: &str, at: usize) -> bool {
    !char_before(text, at)
        .is_some_and(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '/' | '-' | '$' | '¥' | '#'))
}

/// `11 02 1979`: two digits, two digits, four.
fn spaced(text: &str, at: usize, first: Number) -> Option<Written> {
    let gap = |at: usize| (char_at(text, at) == Some(' ')).then_some(at + 1);
    let second = number_at(text, gap(first.end)?).filter(|second| second.digits == 2 && !second.kanji)?;
    let third = number_at(text, gap(second.end)?).filter(|third| third.digits == 4 && !third.kanji)?;
    let real = first.digits == 2
        && (real_day(third.value, first.value, second.value) || real_day(third.value, second.value, first.value))
        && bounded(text, at)
        && closed(text, third.end);
    real.then_some(Written { range: at..third.end, form: Form::Spaced, year: Some(third.value) })
}

/// `5/2`: month and day.
fn slash(text: &str, at: usize, first: Number, second: Number, separator: char) -> Option<Written> {
    if separator != '/' || first.digits > 2 || second.digits > 2 || !month_day(first.value, second.value) {
        return None;
    }
    let glued = char_before(text, at).is_some_and(|letter| {
        letter.is_ascii_alphabetic() || matches!(letter, '/' | '.' | '+' | '$' | '¥' | '#' | '_')
    });
    let written_alike = char_at(text, first.end + 1) != Some(' ');
    if glued || !written_alike || !closed(text, second.end) {
        return None;
    }
    let open = match char_at(text, second.end) {
        Some('/' | '%') => true,
        Some('.') => char_at(text, second.end + 1).is_some_and(|letter| letter.is_ascii_digit()),
        _ => false,
    };
    (!open).then_some(Written { range: at..second.end, form: Form::Slash, year: None })
}

/// `20240621`, alone or with a time glued behind it.
fn packed(text: &str, at: usize, first: Number) -> Option<Written> {
    let whole = text.get(at..first.end)?;
    let number = |from: usize, to: usize| whole.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let time = match first.digits {
        8 => true,
        12 | 14 => number(8, 10)? < 24 && number(10, 12)? < 60,
        _ => false,
    };
    let glued =
        char_before(text, at).is_some_and(|letter| letter.is_ascii_alphabetic() || matches!(letter, '-' | '+' | '.'));
    let open = char_at(text, first.end).is_some_and(|letter| {
        letter.is_ascii_alphabetic()
            || letter == '-' && char_at(text, first.end + 1).is_some_and(|next| next.is_ascii_digit())
    });
    ((1900..=2099).contains(&year) && real_day(year, month, day) && time && !glued && !open).then_some(Written {
        range: at..at + 8,
        form: Form::Digits,
        year: Some(year),
    })
}

/// The month whose English name begins at `at` (three letters or more, `Sept` too), and the end of the name.
fn english_month(text: &str, at: usize) -> Option<(u32, usize)> {
    let rest = text.get(at..)?;
    let length = rest.bytes().take(10).take_while(u8::is_ascii_alphabetic).count();
    let word = rest.get(..length)?;
    if length < 3 || !word.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        return None;
    }
    let begins = |name: &str| name.get(..length).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let short = length == 3 || word.eq_ignore_ascii_case("sept");
    let month = MONTHS.iter().position(|name| (short || name.len() == length) && begins(name))?;
    let end = at + length;
    let end = if char_at(text, end) == Some('.') { end + 1 } else { end };
    Some((u32::try_from(month).ok()? + 1, end))
}

/// `st`, `nd`, `rd`, `th` behind a day.
fn ordinal(text: &str, at: usize) -> usize {
    match text.get(at..at + 2) {
        Some("st" | "nd" | "rd" | "th") => at + 2,
        _ => at,
    }
}

fn year_behind(text: &str, at: usize) -> Option<Number> {
    let mut at = at;
    if let Some(',' | '-' | '/') = char_at(text, at) {
        at += 1;
    }
    let at = skip_spaces(text, at, 1);
    number_at(text, at).filter(|year| !year.kanji && year.digits == 4 && (1868..=2099).contains(&year.value))
}

/// `Oct 4`, `October 4th, 2024`.
fn month_first_english(text: &str, at: usize) -> Option<Written> {
    let (month, end) = english_month(text, at)?;
    let start_of_day = skip_spaces(text, end, 2);
    let joined = if start_of_day == end && char_at(text, end) == Some('-') { end + 1 } else { start_of_day };
    if joined == end && char_before(text, end) != Some('.') {
        return None;
    }
    let day = number_at(text, joined).filter(|day| !day.kanji && day.digits <= 2 && month_day(month, day.value))?;
    let end = ordinal(text, day.end);
    if char_at(text, end).is_some_and(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '%' | ':')) {
        return None;
    }
    match year_behind(text, end) {
        Some(year) if real_day(year.value, month, day.value) => {
            Some(Written { range: at..year.end, form: Form::Long, year: Some(year.value) })
        }
        _ => Some(Written { range: at..end, form: Form::MonthDay, year: None }),
    }
}

/// `4 Oct`, `4th of October 2024`, `08-Apr-2020`.
fn day_first_english(text: &str, at: usize) -> Option<Written> {
    if !bounded(text, at) {
        return None;
    }
    let day = number_at(text, at).filter(|day| !day.kanji && day.digits <= 2)?;
    let mut end = ordinal(text, day.end);
    end = match char_at(text, end)? {
        ' ' | '-' | '/' => end + 1,
        _ if text.get(end..)?.starts_with(|letter: char| letter.is_ascii_uppercase()) => end,
        _ => return None,
    };
    if text.get(end..)?.starts_with("of ") {
        end += 3;
    }
    let (month, end) = english_month(text, end)?;
    if !month_day(month, day.value) || char_at(text, end).is_some_and(|letter| letter.is_ascii_alphanumeric()) {
        return None;
    }
    match year_behind(text, end) {
        Some(year) if real_day(year.value, month, day.value) => {
            Some(Written { range: at..year.end, form: Form::Long, year: Some(year.value) })
        }
        _ => {
            let end = if char_before(text, end) == Some('.') { end - 1 } else { end };
            Some(Written { range: at..end, form: Form::MonthDay, year: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<&str> {
        read(text).into_iter().map(|date| text.get(date.range).unwrap()).collect()
    }

    #[test]
    fn all_calendars() {
        for text in [
            "昭和35年2月10日",
            "昭和三十五年二月十日",
            "昭和 35 年 2 月10日",
            "平成元年1月8日",
            "S35.2.10",
            "S35/2/10",
            "S35-02-10",
            "s35.2.10",
            "昭35.2.10",
            "昭和35.2.10",
            "H1.1.8",
            "R7.3.5",
            "S.35.02.10",
            "1960年2月10日",
            "1960/2/10",
            "1960-02-10",
            "1960.2.10",
            "19600210",
            "Feb 10, 1960",
            "10 Feb 1960",
            "02/10/1960",
            "2/10/60",
            "08-Apr-2020",
            "23.11.1951",
            "二〇二四年五月一日",
            "2月10日",
            "2/10",
            "S11年2月27日",
            "H10. 2.28",
            "October 4th, 2024",
            "Sept 2",
            "3 May",
            "R06/07/19",
            "令6.4.30",
        ] {
            assert_eq!(written(text), [text]);
        }
    }

    #[test]
    fn spans_end_where_the_day_ends() {
        assert_eq!(written("2024年5月1日(水) 9:30"), ["2024年5月1日"]);
        assert_eq!(written("2024-05-01T09:30:00Z"), ["2024-05-01"]);
        assert_eq!(written("202405010930"), ["20240501"]);
        assert_eq!(written("5/1~5/14"), ["5/1", "5/14"]);
        assert_eq!(written("5/1-7 入院"), ["5/1-7"]);
        assert_eq!(written("5月1日~7日"), ["5月1日~7日"]);
        assert_eq!(written("2024.10.7 - 10.15"), ["2024.10.7", "10.15"]);
        assert_eq!(written("11/1,11/5,11/12-14"), ["11/1", "11/5", "11/12-14"]);
    }

    #[test]
    fn what_is_no_day() {
        for text in [
            "昭和6年13月1日",
            "2023年2月30日",
            "13/1",
            "128/76",
            "10.1.12.5",
            "2.14.0",
            "Python 3.11.4",
            "1/2/3/4",
            "90%",
            "令和6年度",
            "2023年5月",
            "1.5/2.0",
            "L3/4",
            "A/B",
            "01-23-4567",
            "X月1日",
            "2/30",
            "May",
            "march 5",
            "12:30",
            "R6.13.1",
            "abc20240101",
        ] {
            assert!(written(text).is_empty(), "{text}: {:?}", written(text));
        }
    }
}
