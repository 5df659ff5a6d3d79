//! Bare numbers beside a patient's name: what no label names, its place does (`弓削（77120、…`, `20118 鵜飼 光一郎` at the start
//! of a line). Between engines, because no engine sees another's findings.
//! Must not know: how names are found.

use std::ops::Range;

use super::engine::Candidate;
use super::finding::{Evidence, RuleId};
use super::kind::{Kind, Role};
use super::merge::Hit;

/// A name must be this sure before it speaks for a number.
const SURE: f32 = 0.6;
/// What such a number is worth.
const SCORE: f32 = 0.6;

/// Numbers beside the names of one folded text. `hits` are merged, ordered, with ranges of the folded text.
pub(super) fn numbers(text: &str, hits: &[Hit]) -> Vec<Hit> {
    let mut found = Vec::new();
    for (index, hit) in hits.iter().enumerate() {
        let patient = matches!(hit.candidate.role, Some(Role::Patient) | None);
        if hit.candidate.kind != Kind::PersonName || !patient || hit.candidate.confidence < SURE {
            continue;
        }
        let until = hits.get(index + 1).map_or(text.len(), |next| next.range.start);
        let since = index.checked_sub(1).and_then(|before| hits.get(before)).map_or(0, |before| before.range.end);
        let told = hit.candidate.role == Some(Role::Patient);
        let behind = behind(text, hit.range.end, until).or_else(|| behind_blank(text, hit.range.end, until, told));
        let range = behind
            .or_else(|| before(text, since, hit.range.start))
            .or_else(|| before_cell(text, since, hit.range.start, told));
        found.extend(range.map(|range| number(text, range)));
    }
    found
}

fn number(text: &str, range: Range<usize>) -> Hit {
    Hit {
        surface: text.get(range.clone()).unwrap_or_default().to_owned(),
        range: range.clone(),
        candidate: Candidate {
            range,
            kind: Kind::PatientId,
            subtype: None,
            confidence: SCORE,
            rule: RuleId::new("link.beside_name"),
            evidence: vec![Evidence::new("a bare number beside a name", SCORE)],
            role: None,
            proven: false,
            value: None,
        },
    }
}

/// What follows a name without its honorific.
fn untitled(text: &str, at: usize, until: usize) -> Option<&str> {
    let rest = text.get(at..until)?;
    let titles = ["様", "さん", "殿", "氏", "くん", "ちゃん", "君"];
    Some(titles.iter().find_map(|title| rest.strip_prefix(title)).unwrap_or(rest))
}

/// `name 0038412 内科`: behind a blank a number with a zero in front, which no count has; behind a patient (`told`) any of
/// six digits and more that stands by itself.
fn behind_blank(text: &str, at: usize, until: usize, told: bool) -> Option<Range<usize>> {
    let rest = untitled(text, at, until)?;
    let number = rest.trim_start_matches(' ');
    let length = run(number)?;
    let written = number.get(..length)?;
    let next = number.get(length..)?.chars().next();
    let alone = next.is_none_or(|next| next.is_whitespace() || matches!(next, ',' | '、' | '/' | '(' | ')'));
    let goes_on = next.is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, '.' | ':' | '円' | '-' | '%'));
    let sure = telling(written, told && alone) && !goes_on;
    let start = until - number.len();
    (rest.len() > number.len() && sure && plausible(written)).then_some(start..start + length)
}

/// A zero in front, which no count has; of a patient (`told`) six digits and more.
fn telling(number: &str, told: bool) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    number.starts_with('0') && digits >= 5 || told && digits >= 6
}

/// `0038412,name`, `('0038412','name'`: the cell before the name's.
fn before_cell(text: &str, since: usize, at: usize, told: bool) -> Option<Range<usize>> {
    let border = |letter: char| matches!(letter, ',' | '\t' | '|' | '"' | '\'' | ' ');
    let lead = text.get(since..at)?;
    let cell = lead.trim_end_matches(border);
    let between = lead.get(cell.len()..)?;
    if !between.contains([',', '\t', '|']) || between.len() > 6 {
        return None;
    }
    let length = cell.bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
    let written = cell.get(cell.len() - length..)?;
    let begins = cell.get(..cell.len() - length)?.chars().next_back();
    let opens = begins.is_none_or(|letter| border(letter) || matches!(letter, '\n' | '('));
    let sure = opens && run(written) == Some(length) && telling(written, told) && plausible(written);
    let end = since + cell.len();
    sure.then_some(end - length..end)
}

/// `name（77120、`, `name様 (0041-7789)`: a bracket, or a cell's border, and the number right behind it.
fn behind(text: &str, at: usize, until: usize) -> Option<Range<usize>> {
    let untitled = untitled(text, at, until)?;
    if let Some(range) = behind_age(text, untitled, until) {
        return Some(range);
    }
    let bracket = untitled.trim_start_matches(' ').strip_prefix(['(', '[', '【', '<', '|', '\t'])?;
    let digits = bracket.trim_start_matches(' ');
    let start = until - digits.len();
    let end = start + run(digits)?;
    let after = text.get(end..)?.trim_start_matches(' ').chars().next();
    let closed =
        after.is_none_or(|after| matches!(after, ')' | ']' | '】' | '>' | '|' | '\t' | '、' | ',' | '\n' | '/'));
    (closed && plausible(text.get(start..end)?)).then_some(start..end)
}

/// `name 28歳 7740021 `, `name 74F 0038412`: a number of six digits and more behind the age, between blanks.
fn behind_age(text: &str, rest: &str, until: usize) -> Option<Range<usize>> {
    let age = rest.trim_start_matches(' ');
    let years = age.bytes().take_while(u8::is_ascii_digit).count();
    let behind = age.get(years..).filter(|_| (1..=3).contains(&years))?;
    let marks = ["歳", "才", "男性", "女性", "男", "女", "M", "F", "y/o", "yo", " "];
    let mut number = behind;
    while let Some(rest) = marks.iter().find_map(|mark| number.strip_prefix(mark)) {
        number = rest;
    }
    let blank = behind.len() > number.len() && text.get(..until - number.len())?.ends_with(' ');
    let length = run(number)?;
    let digits = number.get(..length)?.bytes().filter(u8::is_ascii_digit).count();
    let closed =
        number.get(length..)?.chars().next().is_none_or(|next| next.is_whitespace() || next == ',' || next == '、');
    let start = until - number.len();
    (blank && digits >= 6 && closed && plausible(number.get(..length)?)).then_some(start..start + length)
}

/// `20118 name` where the number begins its line (or its cell).
fn before(text: &str, since: usize, at: usize) -> Option<Range<usize>> {
    let line = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1).max(since);
    let lead = text.get(line..at)?;
    let number = lead.trim();
    let gap = lead.len() - lead.trim_end().len();
    if gap == 0 || number.is_empty() || number.len() > 24 || run(number)? != number.len() || !plausible(number) {
        return None;
    }
    if line == since && since > 0 && !text.get(..line).is_some_and(|before| before.ends_with('\n')) {
        return None;
    }
    let start = line + (lead.len() - lead.trim_start().len());
    Some(start..start + number.len())
}

/// The length of the number that a text begins with: digits in up to three groups.
fn run(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = 0;
    let mut groups = 0;
    loop {
        let digits = bytes.get(end..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        end += digits;
        groups += 1;
        if bytes.get(end) != Some(&b'-') || groups == 3 {
            return Some(end);
        }
        end += 1;
    }
}

/// Five to ten digits, or four with a zero before them or a hyphen between; no date and no telephone.
fn plausible(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let grouped = number.contains('-');
    let date = digits == 8
        && number.get(..2).is_some_and(|century| century == "19" || century == "20")
        && number.get(4..6).and_then(|month| month.parse::<u32>().ok()).is_some_and(|month| (1..=12).contains(&month));
    let phone = number.starts_with('0') && digits >= 10;
    let postal = digits == 7 && number.find('-') == Some(3);
    let enough = (5..=10).contains(&digits) || (digits == 4 && (number.starts_with('0') || grouped));
    enough && !date && !phone && !postal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, name: &str, role: Option<Role>) -> Vec<String> {
        let at = text.find(name).unwrap();
        let mut hit = number(text, at..at + name.len());
        hit.candidate.kind = Kind::PersonName;
        hit.candidate.confidence = 0.9;
        hit.candidate.role = role;
        numbers(text, &[hit]).into_iter().map(|hit| hit.surface).collect()
    }

    #[test]
    fn a_number_beside_a_name_is_the_patients() {
        for (text, number) in [
            ("1件目 弓削 231,400(77120、長期滞留)", None),
            ("近江 ﾄｷ(118820)R6.4.2", Some("118820")),
            ("佐藤様 (0041-7789)", Some("0041-7789")),
            ("一覧\n20118 佐藤 48,230円", Some("20118")),
            ("対象 佐藤 28歳 7740021 医療保護", Some("7740021")),
            ("佐藤 28歳 3回 7740021", None),
            ("佐藤(56歳)", None),
            ("佐藤(2024)", None),
            ("佐藤(20240501)", None),
            ("佐藤(090-1234-5678)", None),
            ("佐藤(12345円)", None),
            ("金額 20118 佐藤", None),
        ] {
            let name = ["弓削", "近江 ﾄｷ", "佐藤"].into_iter().find(|name| text.contains(name)).unwrap();
            assert_eq!(find(text, name, None).first().map(String::as_str), number, "{text}");
        }
    }

    #[test]
    fn a_number_behind_a_blank_needs_a_zero_or_a_patient() {
        for (text, role, number) in [
            ("佐藤 0038412 内科", None, Some("0038412")),
            ("佐藤様 0038412について", None, Some("0038412")),
            ("佐藤 7740021 内科", None, None),
            ("佐藤 7740021 内科", Some(Role::Patient), Some("7740021")),
            ("佐藤 774002円", Some(Role::Patient), None),
            ("佐藤 20240603 内科", Some(Role::Patient), None),
            ("佐藤 0.5 mg", None, None),
            ("佐藤 012-345-6789", None, None),
            ("佐藤0038412", None, None),
            ("0038412,佐藤,内科", None, Some("0038412")),
            ("VALUES ('0038412','佐藤','1950')", None, Some("0038412")),
            ("1200,7740021,佐藤", None, None),
            ("1200,7740021,佐藤", Some(Role::Patient), Some("7740021")),
            ("x0038412,佐藤", None, None),
            ("0038412、佐藤", None, None),
        ] {
            assert_eq!(find(text, "佐藤", role).first().map(String::as_str), number, "{text}");
        }
    }

    #[test]
    fn staff_numbers_are_left_to_their_labels() {
        assert!(find("佐藤(77120)", "佐藤", Some(Role::Staff)).is_empty());
    }
}
