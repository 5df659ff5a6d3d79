//! The sense of a date as written, for intervals only: western, Japanese eras, English months, eight digits.
//! What cannot be read without guessing (02/03/04, a month without a day) gives no interval.
//! Must not know: whose date it is.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use crate::detect::text::Text;

/// A date, with or without its year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Full(Date),
    /// Month and day.
    MonthDay(i8, i8),
}

static FORMS: LazyLock<Vec<(Form, Regex)>> = LazyLock::new(|| {
    [
        (Form::Era, r"^(?P<era>令和|平成|昭和|大正|明治|[RHSTM令平昭大明])\.? ?(?P<y>[0-9]{1,2}|元)(?:年|[./-]) ?(?P<m>[0-9]{1,2})(?:月|[./-]) ?(?P<d>[0-9]{1,2})日?"),
        (Form::Western, r"^(?P<y>[12][0-9]{3})(?:年| ?[./-]) ?(?P<m>[0-9]{1,2})(?:月| ?[./-]) ?(?P<d>[0-9]{1,2})日?"),
        (Form::Western, r"^(?P<y>[12][0-9]{3})(?P<m>[01][0-9])(?P<d>[0-3][0-9])$"),
        (Form::Western, r"^(?P<name>[A-Za-z]{3,9})\.? (?P<d>[0-9]{1,2})(?:st|nd|rd|th)?,? (?P<y>[12][0-9]{3})"),
        (Form::Western, r"^(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?[ -](?:of )?(?P<name>[A-Za-z]{3,9})\.?,?[ -](?P<y>[12][0-9]{3})"),
        (Form::NoYear, r"^(?P<m>[0-9]{1,2})月 ?(?P<d>[0-9]{1,2})日?"),
        (Form::NoYear, r"^(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})$"),
        (Form::NoYear, r"^(?P<name>[A-Za-z]{3,9})\.? (?P<d>[0-9]{1,2})(?:st|nd|rd|th)?$"),
    ]
    .into_iter()
    .filter_map(|(form, pattern)| Some((form, Regex::new(pattern).ok()?)))
    .collect()
});

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Era,
    Western,
    NoYear,
}

/// Read a date as written; the start of a range counts.
#[must_use]
pub fn read(written: &str) -> Option<Written> {
    let text = Text::new(written.trim());
    let folded = kanji_digits(text.folded());
    for (form, regex) in FORMS.iter() {
        let Some(found) = regex.captures(&folded) else { continue };
        let number = |name: &str| found.name(name).and_then(|part| part.as_str().parse::<i16>().ok());
        let month = match found.name("name") {
            Some(name) => month_of(name.as_str()),
            None => number("m").and_then(|month| i8::try_from(month).ok()),
        };
        let (Some(month), Some(day)) = (month, number("d").and_then(|day| i8::try_from(day).ok())) else { continue };
        let year = match form {
            Form::NoYear => {
                // A leap year tells whether the day exists at all.
                return Date::new(2000, month, day).ok().map(|_| Written::MonthDay(month, day));
            }
            Form::Western => number("y"),
            Form::Era => {
                let year =
                    if found.name("y").is_some_and(|year| year.as_str() == "元") { Some(1) } else { number("y") };
                let first = found.name("era").map(|era| first_year(era.as_str()));
                first.zip(year).map(|(first, year)| first + year - 1)
            }
        };
        if let Some(date) = year.and_then(|year| Date::new(year, month, day).ok()) {
            return Some(Written::Full(date));
        }
    }
    None
}

/// Days from `first` to `date`. A date without a year takes the year of the other when that is within half a year.
#[must_use]
pub fn days_between(first: Written, date: Written) -> Option<i64> {
    let days = |from: Date, to: Date| from.until(to).ok().map(|span| i64::from(span.get_days()));
    match (first, date) {
        (Written::Full(from), Written::Full(to)) => days(from, to),
        (Written::Full(from), Written::MonthDay(month, day)) => {
            near(days(from, Date::new(from.year(), month, day).ok()?)?)
        }
        (Written::MonthDay(month, day), Written::Full(to)) => near(days(Date::new(to.year(), month, day).ok()?, to)?),
        (Written::MonthDay(a, b), Written::MonthDay(c, d)) => {
            // A non-leap year; a span over the end of February then may be a day short in a leap year, so none is given.
            let (from, to) = (Date::new(2001, a, b).ok()?, Date::new(2001, c, d).ok()?);
            let over_february = (a <= 2) != (c <= 2);
            if over_february { None } else { near(days(from, to)?) }
        }
    }
}

fn near(days: i64) -> Option<i64> {
    (-182..=182).contains(&days).then_some(days)
}

fn first_year(era: &str) -> i16 {
    match era.chars().next() {
        Some('令' | 'R') => 2019,
        Some('平' | 'H') => 1989,
        Some('昭' | 'S') => 1926,
        Some('大' | 'T') => 1912,
        _ => 1868,
    }
}

fn month_of(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
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
    let name = name.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == name || (name.len() <= 4 && month.starts_with(name.as_str())))?;
    i8::try_from(at + 1).ok()
}

/// `二十三` → `23`, in dates only: numerals up to 99 and digit by digit.
fn kanji_digits(text: &str) -> String {
    let value = |c: char| "〇一二三四五六七八九".chars().position(|digit| digit == c);
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, value(letter)) {
            ('十', _) => {
                // After a digit it is the tens' mark, else ten itself.
                let unit = letters.peek().copied().and_then(value);
                if !out.ends_with(|c: char| c.is_ascii_digit()) {
                    out.push('1');
                }
                if unit.is_none() {
                    out.push('0');
                }
            }
            (_, Some(digit)) => out.push_str(&digit.to_string()),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn all_calendars_are_read() {
        assert_eq!(FORMS.len(), 8);
        let day = Some(Written::Full(date(2023, 4, 5)));
        for written in [
            "2023-04-05",
            "2023/4/5",
            "2023年4月5日",
            "２０２３年４月５日",
            "20230405",
            "2023.4.5",
            "令和5年4月5日",
            "R5.4.5",
            "R05/04/05",
            "令和五年四月五日",
            "April 5, 2023",
            "Apr 5 2023",
            "5 April 2023",
            "5-Apr-2023",
            "5th of April 2023",
            "2023年4月5日〜7日",
        ] {
            assert_eq!(read(written), day, "{written}");
        }
        assert_eq!(read("昭和64年1月3日"), Some(Written::Full(date(1989, 1, 3))));
        assert_eq!(read("平成元年12月31日"), Some(Written::Full(date(1989, 12, 31))));
        assert_eq!(read("二〇二三年十二月二十三日"), Some(Written::Full(date(2023, 12, 23))));
        assert_eq!(read("5/1"), Some(Written::MonthDay(5, 1)));
        assert_eq!(read("5月1日"), Some(Written::MonthDay(5, 1)));
        for none in ["02/03/04", "2023-13-05", "5月", "2/30", "昨日", ""] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn intervals_are_given_only_when_they_are_sure() {
        let days = |first, second| days_between(read(first).unwrap(), read(second).unwrap());
        assert_eq!(days("2024-02-27", "2024-03-01"), Some(3));
        assert_eq!(days("2024-03-01", "2024-02-27"), Some(-3));
        assert_eq!(days("R6.5.1", "5/4"), Some(3));
        assert_eq!(days("2023-12-28", "1/3"), None);
        assert_eq!(days("5/1", "5/4"), Some(3));
        assert_eq!(days("2/27", "3/1"), None);
    }
}
