//! Ages of ninety and more: rare enough to lead to a person.
//! `92歳`, `九十三才`, `97 y/o`, `ninety-one-year-old`, `90代` of a patient, a bare number behind a name or in a column of ages.
//! Must not know: names, other engines.

use super::reading::{Number, after, before, char_at, char_before, line_start, number_at, skip_spaces};
use super::{Candidate, Engine, Output, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Kind;
use crate::detect::literals::Literals;

/// Ages that are told: ninety and over, as HIPAA has it; nobody is older than this.
const RARE: std::ops::RangeInclusive<u32> = 90..=125;

/// Words right behind an age that make it a limit or a group.
const GROUP_AFTER: &[&str] = &[
    "以上",
    "以下",
    "未満",
    "以降",
    "超",
    "まで",
    "を超",
    "前後の",
    "〜",
    "~",
    "-",
    "から",
    "くらいの方",
    " or older",
    " or over",
    " and older",
    " and over",
    " years or older",
];

/// Words before an age that make it a mean, an example or a text book's.
const GROUP_BEFORE: &[&str] = &[
    "平均",
    "中央値",
    "対象",
    "最高",
    "over ",
    "aged over",
    "older than",
    "above ",
    "生後",
    "在胎",
    "例えば",
    "たとえば",
];

/// Words that say that the whole text is invented for teaching.
const TEACHING: &[&str] = &[
    "教科書",
    "例題",
    "演習",
    "模擬",
    "国試",
    "事例問題",
    "【事例】",
    "疑似",
    "架空の患者",
    "問題です",
    "textbook",
    "exam question",
    "一般化例",
];

/// The engine.
#[derive(Debug)]
pub struct Ages {
    rule: RuleId,
    teaching: Literals,
}

impl Default for Ages {
    fn default() -> Self {
        Self::new()
    }
}

impl Ages {
    #[must_use]
    pub fn new() -> Self {
        Self { rule: RuleId::new("age.ninety"), teaching: Literals::new(TEACHING) }
    }
}

impl Engine for Ages {
    fn name(&self) -> &'static str {
        "age"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64)?;
        let teaching = std::sync::OnceLock::new();
        let column = std::sync::OnceLock::new();
        let field = view.label.is_some_and(is_age_label);
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let start = match byte {
                b'9' | b'1'
                    if !at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(u8::is_ascii_digit) =>
                {
                    true
                }
                0xE4..=0xE7 => numeral(bytes, at),
                b'n' | b'N' => text.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case("ninety")),
                _ => false,
            };
            if !start {
                at += if matches!(byte, 0xE0..=0xEF) { 3 } else { 1 };
                continue;
            }
            let Some((range, weight, why)) = age(text, at, field, &column) else {
                at += 1;
                continue;
            };
            let mut evidence = vec![Evidence::new(why, weight)];
            let tail = after(text, range.end, 16);
            let head = before(text, range.start, 10);
            if GROUP_AFTER.iter().any(|word| tail.starts_with(word))
                || GROUP_BEFORE.iter().any(|word| head.contains(word))
            {
                evidence.push(Evidence::new("a group or a limit", -0.7));
            }
            if *teaching.get_or_init(|| self.teaching.any(text)) {
                evidence.push(Evidence::new("a text for teaching", -0.5));
            }
            let confidence = evidence.iter().map(|reason| reason.weight).sum::<f32>().clamp(0.0, 1.0);
            at = range.end;
            if confidence >= 0.2 {
                out.candidates.push(Candidate {
                    range,
                    kind: Kind::Age,
                    subtype: None,
                    confidence,
                    rule: self.rule.clone(),
                    evidence,
                    role: None,
                    proven: false,
                    value: None,
                });
            }
        }
        Ok(())
    }
}

/// A kanji number begins with these bytes.
const fn numeral(bytes: &[u8], at: usize) -> bool {
    let Some((_, rest)) = bytes.split_at_checked(at) else { return false };
    matches!(
        rest,
        [0xE4, 0xB8, 0x80 | 0x83 | 0x89, ..] // 一七三
            | [0xE4, 0xB9, 0x9D, ..] // 九
            | [0xE4, 0xBA, 0x8C | 0x94, ..] // 二五
            | [0xE5, 0x85, 0xAB | 0xAD, ..] // 八六
            | [0xE5, 0x8D, 0x81 | 0x83, ..] // 十千
            | [0xE5, 0x8F, 0x82, ..] // 参
            | [0xE5, 0x9B, 0x9B, ..] // 四
            | [0xE5, 0xA3, 0xB1, ..] // 壱
            | [0xE5, 0xBC, 0x90, ..] // 弐
            | [0xE6, 0x8B, 0xBE, ..] // 拾
            | [0xE7, 0x99, 0xBE, ..] // 百
    )
}

fn is_age_label(label: &str) -> bool {
    let label = label.trim();
    let tail = label.len().checked_sub("_age".len()).and_then(|at| label.get(at..));
    matches!(label, "歳" | "年令")
        || label.ends_with("年齢")
        || label.eq_ignore_ascii_case("age")
        || tail.is_some_and(|tail| tail.eq_ignore_ascii_case("_age"))
}

/// An age that begins at `at`: range, what the form is worth, and why.
fn age(
    text: &str,
    at: usize,
    field: bool,
    column: &std::sync::OnceLock<Vec<Column>>,
) -> Option<(std::ops::Range<usize>, f32, &'static str)> {
    if let Some(found) = spelled(text, at) {
        return Some(found);
    }
    let number = number_at(text, at)?;
    if !RARE.contains(&number.value) || number.digits > 3 || inside(text, at, &number) {
        return None;
    }
    let unit = skip_spaces(text, number.end, 1);
    let rest = text.get(unit..)?;
    for word in [
        "歳代",
        "才代",
        "歳",
        "才",
        "代",
        "years old",
        "year old",
        "year-old",
        "-year-old",
        "years-old",
        "yrs old",
        "yo ",
        "y/o",
        "y.o.",
        "y.o",
        "yr old",
        "yrs",
        "yo,",
        "yo.",
        "yF",
        "yM",
    ] {
        if !rest.starts_with(word) {
            continue;
        }
        let length = word.trim_end_matches([' ', ',']).len();
        let end = unit + if word == "yo." { 2 } else { length };
        if word == "代" {
            // `90代` of a patient: with a sex or a person word.
            let person = ["男", "女", "の患者", "患者", "さん", "様", "母", "父", "祖"]
                .iter()
                .any(|word| after(text, end, 6).contains(word) || before(text, at, 4).contains(word));
            return person.then_some((at..end, 0.6, "age group of a patient"));
        }
        return Some((at..end, 0.8, "age"));
    }
    if number.kanji {
        return None;
    }
    // `82M`, `94F` behind a name; `(94)` behind an honorific or a name; a column or field of ages.
    if number.value < 125 {
        let next = char_at(text, number.end);
        let mark = matches!(next, Some('M' | 'F'))
            && !char_at(text, number.end + 1).is_some_and(|letter| letter.is_ascii_alphanumeric());
        if mark && char_before(text, at).is_none_or(|letter| matches!(letter, ' ' | '(' | '\n' | ',' | '/')) {
            return Some((at..number.end, 0.65, "age with the letter of the sex"));
        }
        let listed =
            matches!(next, Some(')')) && matches!(before(text, at, 2).trim_end().chars().next_back(), Some('、' | ','));
        let bracket = char_before(text, at) == Some('(') && matches!(next, Some(')' | '、' | ',' | '・' | '/'));
        if bracket || listed {
            let head = before(text, at, 8);
            let name = head.trim_end_matches('(').trim_end();
            let person =
                ["様", "さん", "殿", "氏", "生", "さま", "くん", "ちゃん"].iter().any(|word| name.ends_with(word));
            let initials = name.ends_with('.') && name.len() >= 4;
            let relative = ["父", "母", "夫", "妻", "祖父", "祖母", "患者", "利用者", "本人"]
                .iter()
                .any(|word| before(text, at, 14).contains(word));
            if person || initials || relative {
                return Some((at..number.end, 0.7, "age in brackets behind a person"));
            }
        }
    }
    if field {
        return Some((at..number.end, 0.7, "field of ages"));
    }
    let columns = column.get_or_init(|| columns(text));
    let line = line_start(text, at);
    let here = columns.iter().find(|column| column.lines.contains(&at))?;
    let cell = text.get(line..at)?.matches(here.delimiter).count();
    let alone = matches!(char_at(text, number.end), None | Some('\n' | '\r' | '\t' | ',' | '|' | ' '));
    (cell == here.cell && alone).then_some((at..number.end, 0.7, "column of ages"))
}

/// Part of a longer number, a decimal, a date, a measure.
fn inside(text: &str, at: usize, number: &Number) -> bool {
    let before = char_before(text, at);
    let glued = before
        .is_some_and(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '/' | '-' | '#' | '$' | '¥'))
        || before == Some(',') && char_at(text, number.end) == Some(',') && number.digits == 3;
    let kanji = number.kanji && before.is_some_and(|letter| number_at(letter.encode_utf8(&mut [0; 4]), 0).is_some());
    glued
        || kanji
        || matches!(char_at(text, number.end), Some('.' | '%'))
            && char_at(text, number.end + 1).is_some_and(|letter| letter.is_ascii_digit())
}

/// `ninety-one-year-old`, `ninety years old`.
fn spelled(text: &str, at: usize) -> Option<(std::ops::Range<usize>, f32, &'static str)> {
    let word = text.get(at..at + 6)?;
    if !word.eq_ignore_ascii_case("ninety") || char_before(text, at).is_some_and(|letter| letter.is_ascii_alphabetic())
    {
        return None;
    }
    let mut end = at + 6;
    for digit in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] {
        if text.get(end + 1..end + 1 + digit.len()).is_some_and(|word| word.eq_ignore_ascii_case(digit)) {
            end += 1 + digit.len();
            break;
        }
    }
    let rest = text.get(end..)?;
    let unit = ["-year-old", "-years-old", " years old", " year old", " years of age"]
        .iter()
        .find(|unit| rest.starts_with(**unit))?;
    Some((at..end + unit.len(), 0.8, "age in words"))
}

/// A column of ages in a table of plain text.
#[derive(Debug)]
struct Column {
    lines: std::ops::Range<usize>,
    delimiter: char,
    cell: usize,
}

/// Heads that are `年齢` or `age`, each with the lines below that share its delimiter.
fn columns(text: &str) -> Vec<Column> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.len();
        for delimiter in ['\t', '|', ','] {
            if !line.contains(delimiter) {
                continue;
            }
            if let Some(cell) = line.split(delimiter).position(|cell| is_age_label(cell.trim().trim_matches('"'))) {
                let mut last = end;
                for below in text.get(end + 1..).unwrap_or_default().split('\n') {
                    if below.matches(delimiter).count() < cell {
                        break;
                    }
                    last += below.len() + 1;
                }
                found.push(Column { lines: end..last, delimiter, cell });
                break;
            }
        }
        start = end + 1;
        if found.len() > 64 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::document::Author;
    use crate::detect::text::Text;

    fn found(text: &str) -> Vec<String> {
        let text = Text::new(text);
        let mut out = Output::default();
        let mut fuel = Fuel::for_bytes(text.original().len(), 100);
        Ages::new().find(View { text: &text, label: None, author: Author::User }, &mut fuel, &mut out).unwrap();
        out.candidates
            .into_iter()
            .filter(|candidate| candidate.confidence >= 0.5)
            .map(|candidate| text.original().get(text.to_original(candidate.range)).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn ninety_and_over() {
        for (text, age) in [
            ("関口ﾌﾐ 93歳 女", "93歳"),
            ("九十六歳　独居", "九十六歳"),
            ("９０歳", "９０歳"),
            ("DOB 1931   93 y/o F", "93 y/o"),
            ("ninety-one-year-old man", "ninety-one-year-old"),
            ("a 94-year-old woman", "94-year-old"),
            ("享年101歳", "101歳"),
            ("辻 ｷﾐｴ様(94)、Alb", "94"),
            ("E.M.（96歳、認知症", "96歳"),
            ("90代女性", "90代"),
            ("氏名\t年齢\t病名\n加納\t97\t肺炎", "97"),
            ("Mr X 92M with", "92"),
        ] {
            assert_eq!(found(text), [age], "{text}");
        }
    }

    #[test]
    fn none() {
        for text in [
            "90歳以上では食欲低下",
            "SpO2 95%",
            "生後92日",
            "平均92歳",
            "血圧128/92",
            "教科書の症例です。「92歳の女性」",
            "89歳",
            "Patients aged 90 years or older",
            "脈拍 96",
            "令和6年92号",
            "190歳",
            "93.5歳",
            "People over 90 bleed",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
