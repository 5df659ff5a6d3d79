//! Making rough, one way: ages from 90 up, lab values by a flag or range that stands in the text itself or in the
//! hospital's own table, never by a built-in range.
//! Must not know: who the person is, what is sent where.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::label::Language;
use crate::detect::text::Text;

/// The hospital's own reference ranges: item as written (folded, lower case) → low, high.
pub type LabRanges = BTreeMap<String, LabRange>;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabRange {
    #[serde(default)]
    pub low: Option<f64>,
    #[serde(default)]
    pub high: Option<f64>,
}

struct Ending {
    ending: &'static str,
    old: &'static str,
    younger: &'static str,
}

static ENDINGS: LazyLock<Vec<Ending>> = LazyLock::new(|| {
    let mut endings: Vec<Ending> = include_str!("../../patterns/treatment/age.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some(Ending { ending: columns.next()?, old: columns.next()?, younger: columns.next()? })
        })
        .collect();
    endings.sort_by_key(|row| std::cmp::Reverse(row.ending.len()));
    endings
});

/// An age made rough: `92歳` → `90歳以上`. Below 90 the decade; without a number, from 90 up.
#[must_use]
pub fn age(written: &str, language: Language) -> String {
    let folded = Text::new(written).folded().to_lowercase();
    let digits: String =
        folded.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).take(3).collect();
    let younger = digits.parse::<u32>().ok().filter(|age| *age < 90);
    let row = ENDINGS.iter().find(|row| folded.trim_end().ends_with(row.ending));
    match (younger, row, language) {
        (Some(age), Some(row), _) => row.younger.replace("{}", &(age / 10 * 10).to_string()),
        (Some(age), None, Language::Ja) => format!("{}代", age / 10 * 10),
        (Some(age), None, Language::En) => format!("{}s", age / 10 * 10),
        (None, Some(row), _) => row.old.to_owned(),
        (None, None, Language::Ja) => "90以上".to_owned(),
        (None, None, Language::En) => "90+".to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Low,
    Within,
    High,
}

/// A flag right after a value, on its line.
static FLAG: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(
        r"^[ \t,|/:]{0,4}[(\[]?(?:(?P<high>(?:H{1,2}|HIGH|High|high)(?-u:\b)|↑|高値|上昇|高い)|(?P<low>(?:L{1,2}|LOW|Low|low)(?-u:\b)|↓|低値|低下|低い)|(?P<within>(?:N|normal|Normal|WNL)(?-u:\b)|→|正常|基準内|基準範囲内))",
    )
});

/// A reference range on the rest of the line: named, or in brackets right after the value.
static RANGE: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(
        r"(?:(?:基準|参考|正常|ref|Ref|REF|normal|Normal)[^0-9\n]{0,16}|^[^0-9\n]{0,12}[(\[])(?P<low>[0-9]{1,6}(?:\.[0-9]{1,4})?) ?[-~] ?(?P<high>[0-9]{1,6}(?:\.[0-9]{1,4})?)",
    )
});

/// A lab value made rough by what the text or the hospital's table says of it: 高値, 低値, 基準範囲内. None when neither
/// says anything. `value` is bytes of `text`; `item` is the item as written.
#[must_use]
pub fn lab(text: &str, value: Range<usize>, item: &str, ranges: &LabRanges, language: Language) -> Option<String> {
    let written = Text::new(text.get(value.clone())?);
    let rest = text.get(value.end..)?;
    let line = rest.split('\n').next().unwrap_or_default();
    let near: String = line.chars().take(64).collect();
    let near = Text::new(&near);
    let level = flag(near.folded())
        .or_else(|| within(first_number(written.folded())?, range_in(near.folded())?))
        .or_else(|| {
            let item = Text::new(item.trim_matches([' ', ':', '：', '\u{3000}'])).folded().to_lowercase();
            within(first_number(written.folded())?, *ranges.get(&item)?)
        })?;
    let word = match (level, language) {
        (Level::High, Language::Ja) => "高値",
        (Level::Low, Language::Ja) => "低値",
        (Level::Within, Language::Ja) => "基準範囲内",
        (Level::High, Language::En) => "high",
        (Level::Low, Language::En) => "low",
        (Level::Within, Language::En) => "within range",
    };
    Some(word.to_owned())
}

fn flag(near: &str) -> Option<Level> {
    let found = FLAG.as_ref().ok()?.captures(near)?;
    if found.name("high").is_some() {
        Some(Level::High)
    } else if found.name("low").is_some() {
        Some(Level::Low)
    } else {
        Some(Level::Within)
    }
}

fn range_in(near: &str) -> Option<LabRange> {
    let found = RANGE.as_ref().ok()?.captures(near)?;
    let bound = |name| found.name(name).and_then(|bound| bound.as_str().parse::<f64>().ok());
    let range = LabRange { low: bound("low"), high: bound("high") };
    (range.low? < range.high?).then_some(range)
}

fn within(value: f64, range: LabRange) -> Option<Level> {
    match range {
        LabRange { low: None, high: None } => None,
        LabRange { high: Some(high), .. } if value > high => Some(Level::High),
        LabRange { low: Some(low), .. } if value < low => Some(Level::Low),
        LabRange { .. } => Some(Level::Within),
    }
}

/// The value when it is exactly one number: a trend or a pair (`128/76`) has no place in one range.
fn first_number(written: &str) -> Option<f64> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let mut numbers = written.split(|c: char| !is_part(c)).filter(|part| part.contains(|c: char| c.is_ascii_digit()));
    let first = numbers.next()?;
    if numbers.next().is_some_and(|next| next.len() > 1 || written.contains(['/', '→', '>'])) {
        return None;
    }
    first.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_made_rough() {
        for (written, rough) in [
            ("92歳", "90歳以上"),
            ("９５才", "90歳以上"),
            ("九十三才", "90歳以上"),
            ("94-year-old", "90-or-older"),
            ("97 y/o", "90 or older"),
            ("95", "90以上"),
            ("104歳", "90歳以上"),
            ("45歳", "40歳代"),
        ] {
            assert_eq!(age(written, Language::Ja), rough, "{written}");
        }
        assert_eq!(age("95", Language::En), "90+");
    }

    fn rough(text: &str, value: &str, item: &str, ranges: &LabRanges) -> Option<String> {
        let at = text.find(value).unwrap();
        lab(text, at..at + value.len(), item, ranges, Language::Ja)
    }

    #[test]
    fn a_value_is_made_rough_by_what_the_text_says_only() {
        let none = LabRanges::new();
        assert_eq!(rough("CRP 5.2 H", "5.2", "CRP", &none).as_deref(), Some("高値"));
        assert_eq!(rough("CRP 5.2mg/dL（H）", "5.2mg/dL", "CRP", &none).as_deref(), Some("高値"));
        assert_eq!(rough("Hb 8.1 ↓", "8.1", "Hb", &none).as_deref(), Some("低値"));
        assert_eq!(rough("Na 140 (138-145)", "140", "Na", &none).as_deref(), Some("基準範囲内"));
        assert_eq!(rough("K 5.9 mEq/L 基準値：3.6～4.8", "5.9 mEq/L", "K", &none).as_deref(), Some("高値"));
        assert_eq!(rough("K 5.9\nH", "5.9", "K", &none), None);
        assert_eq!(rough("K 5.9 HbA1c 6.2", "5.9", "K", &none), None);
        assert_eq!(rough("HbA1c 7.2%", "7.2%", "HbA1c", &none), None);
        let table = LabRanges::from([("hba1c".to_owned(), LabRange { low: Some(4.6), high: Some(6.2) })]);
        assert_eq!(rough("HbA1c 7.2%", "7.2%", "HbA1c ", &table).as_deref(), Some("高値"));
        assert_eq!(rough("血圧 128/76", "128/76", "血圧", &table), None);
    }
}
