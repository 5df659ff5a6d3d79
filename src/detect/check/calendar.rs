//! Days that exist, in the western and the Japanese calendar.
//! Boundaries of the eras are those of the law (元号法; 明治 from the change of calendars on).
//! Must not know: how a date is written in a text, what it is the date of.

use super::Outcome;

/// An era of the Japanese calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Meiji,
    Taisho,
    Showa,
    Heisei,
    Reiwa,
}

impl Era {
    /// The era that a letter, a kanji, its name or the digit of claims (1–5) stands for.
    #[must_use]
    pub fn from_mark(mark: &str) -> Option<Self> {
        Some(match mark {
            "明治" | "明" | "M" | "m" | "1" => Era::Meiji,
            "大正" | "大" | "T" | "t" | "2" => Era::Taisho,
            "昭和" | "昭" | "S" | "s" | "3" => Era::Showa,
            "平成" | "平" | "H" | "h" | "4" => Era::Heisei,
            "令和" | "令" | "R" | "r" | "5" => Era::Reiwa,
            _ => return None,
        })
    }

    /// What is added to the year of the era.
    const fn offset(self) -> u32 {
        match self {
            Era::Meiji => 1867,
            Era::Taisho => 1911,
            Era::Showa => 1925,
            Era::Heisei => 1988,
            Era::Reiwa => 2018,
        }
    }

    /// First day, as year, month, day.
    const fn first(self) -> (u32, u32, u32) {
        match self {
            Era::Meiji => (1868, 1, 25),
            Era::Taisho => (1912, 7, 30),
            Era::Showa => (1926, 12, 25),
            Era::Heisei => (1989, 1, 8),
            Era::Reiwa => (2019, 5, 1),
        }
    }

    /// Last year of the era that is written; forms filled by habit go up to ten years beyond the law's.
    const fn last_year(self) -> u32 {
        match self {
            Era::Meiji => 45 + 10,
            Era::Taisho => 15 + 10,
            Era::Showa => 64 + 10,
            Era::Heisei => 31 + 10,
            Era::Reiwa => 60,
        }
    }
}

/// Days of a month of the western calendar; 0 for a month that does not exist.
#[must_use]
pub const fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Whether the day exists, in a year that papers of living people and their forebears name.
#[must_use]
pub const fn real_day(year: u32, month: u32, day: u32) -> bool {
    1868 <= year && year <= 2099 && 1 <= day && day <= days_in_month(year, month)
}

/// The western year of a day of an era, when it exists. A day before the era's first is none; one after its last is
/// taken for up to ten years, because forms are filled by habit.
#[must_use]
pub fn era_day(era: Era, year: u32, month: u32, day: u32) -> Option<u32> {
    if year == 0 || year > era.last_year() {
        return None;
    }
    let western = era.offset() + year;
    let exists = 1 <= day && day <= days_in_month(western, month) && (western, month, day) >= era.first();
    exists.then_some(western)
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// Bare digits that are a day: `YYYYMMDD`, or the seven of claims (era digit and `YYMMDD`).
pub(super) fn date_digits(text: &str) -> Outcome {
    let part = |from: usize, to: usize| text.get(from..to).and_then(number).unwrap_or(0);
    match (text.len(), number(text.get(..1).unwrap_or_default())) {
        (8, Some(_)) if number(text).is_some() => Outcome::of(real_day(part(0, 4), part(4, 6), part(6, 8))),
        (7, Some(_)) if number(text).is_some() => {
            let era = text.get(..1).and_then(Era::from_mark);
            Outcome::of(era.is_some_and(|era| era_day(era, part(1, 3), part(3, 5), part(5, 7)).is_some()))
        }
        _ => Outcome::NotApplicable,
    }
}

/// Fails when bare digits read as a time stamp: `YYYYMMDD` and what may follow it (`hh`, `hhmm`, `hhmmss` …).
pub(super) fn not_date(text: &str) -> Outcome {
    if text.len() < 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Outcome::NotApplicable;
    }
    let part = |from: usize, to: usize| text.get(from..to).and_then(number);
    let year = part(0, 4).unwrap_or(0);
    let day = (1900..=2099).contains(&year) && real_day(year, part(4, 6).unwrap_or(0), part(6, 8).unwrap_or(0));
    let time = part(8, 10).is_none_or(|hour| hour < 24) && part(10, 12).is_none_or(|minute| minute < 60);
    Outcome::of(!(day && time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_begin_and_end_where_the_law_says() {
        assert_eq!(era_day(Era::Showa, 64, 1, 7), Some(1989));
        assert_eq!(era_day(Era::Heisei, 1, 1, 8), Some(1989));
        assert_eq!(era_day(Era::Heisei, 1, 1, 7), None);
        assert_eq!(era_day(Era::Reiwa, 1, 5, 1), Some(2019));
        assert_eq!(era_day(Era::Reiwa, 1, 4, 30), None);
        assert_eq!(era_day(Era::Taisho, 15, 12, 24), Some(1926));
        assert_eq!(era_day(Era::Taisho, 1, 7, 29), None);
        assert_eq!(era_day(Era::Meiji, 45, 7, 29), Some(1912));
        assert_eq!(era_day(Era::Showa, 1, 12, 24), None);
        assert_eq!(era_day(Era::Heisei, 36, 4, 1), Some(2024), "forms filled by habit");
        assert_eq!(era_day(Era::Showa, 99, 1, 1), None);
        assert_eq!(era_day(Era::Reiwa, 6, 2, 30), None);
    }

    #[test]
    fn days_exist_or_not() {
        assert!(real_day(2024, 2, 29));
        assert!(!real_day(2023, 2, 29));
        assert!(!real_day(1900, 2, 29));
        assert!(real_day(2000, 2, 29));
        assert!(!real_day(2024, 13, 1));
        assert!(!real_day(2024, 0, 1));
    }

    #[test]
    fn bare_digits() {
        assert_eq!(date_digits("19600210"), Outcome::Passes);
        assert_eq!(date_digits("3350210"), Outcome::Passes);
        assert_eq!(date_digits("19601310"), Outcome::Fails);
        assert_eq!(not_date("202405011230"), Outcome::Fails);
        assert_eq!(not_date("123456789018"), Outcome::Passes);
    }
}
