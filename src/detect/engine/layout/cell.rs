//! A cell whose kind is known by its place: which part of it is the thing itself.
//! Must not know: how the place was found.

use std::ops::Range;

use super::fields::{Fields, Holds};
use crate::detect::kind::Kind;

/// Titles behind a name, longest first.
const TITLES: [&str; 28] = [
    "看護師長",
    "薬剤師",
    "看護師",
    "事務長",
    "先生",
    "医師",
    "様方",
    "主任",
    "部長",
    "技師",
    "係長",
    "課長",
    "院長",
    "師長",
    "さん",
    "くん",
    "ちゃん",
    "殿",
    "様",
    "氏",
    "君",
    "Dr.",
    "Dr",
    "Ns",
    "MD",
    "RN",
    "PT",
    "OT",
];
/// Offices that stand before a name: `医事課長 深沢`.
const OFFICES: [&str; 16] = [
    "課長",
    "部長",
    "師長",
    "係長",
    "主任",
    "院長",
    "医師",
    "技師",
    "看護師",
    "薬剤師",
    "科",
    "部",
    "課",
    "室",
    "病棟",
    "教授",
];

/// A word that is an office or a department.
pub(super) fn is_office(word: &str) -> bool {
    word.chars().count() > 2 && OFFICES.into_iter().any(|office| word.ends_with(office))
}

const TITLES_BEFORE: [&str; 12] =
    ["Dr. ", "Dr.", "Dr ", "Mr. ", "Mrs. ", "Ms. ", "Prof. ", "Mr ", "Mrs ", "Ms ", "Ns.", "医師 "];

/// The stretches of `range` that are the thing; empty when the cell does not look like its kind.
pub(super) fn stretches(text: &str, range: Range<usize>, holds: Holds, fields: &Fields) -> Vec<Range<usize>> {
    let range = trimmed(text, range);
    let Some(cell) = text.get(range.clone()) else { return Vec::new() };
    if fields.is_empty(cell) || cell.len() > 400 {
        return Vec::new();
    }
    let at = |from: usize, to: usize| std::iter::once(range.start + from..range.start + to).collect::<Vec<_>>();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    match holds.kind {
        Kind::PersonName => names(text, range, fields),
        Kind::BirthDate | Kind::CareDate => date(cell).map_or_else(Vec::new, |(from, to)| at(from, to)),
        Kind::Phone => {
            let fits = (6..=20).contains(&digits)
                && cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '(' | ')' | '+' | ' ' | '.'));
            if fits { vec![range] } else { Vec::new() }
        }
        Kind::Email => {
            if cell.contains('@') && !cell.contains(' ') {
                vec![range]
            } else {
                Vec::new()
            }
        }
        Kind::PostalCode => {
            let from = if cell.starts_with('〒') { '〒'.len_utf8() } else { 0 };
            if (5..=9).contains(&digits) && cell.len() - from <= 10 { at(from, cell.len()) } else { Vec::new() }
        }
        Kind::Address => {
            let letters = cell.chars().count();
            if letters >= 4 && (digits > 0 || cell.contains(['町', '村', '丁', '番', '区', '市'])) {
                vec![range]
            } else {
                Vec::new()
            }
        }
        Kind::Age => {
            let number: String = cell.chars().take_while(char::is_ascii_digit).collect();
            let old = number.parse::<u32>().is_ok_and(|age| (90..=125).contains(&age));
            let rest = cell.get(number.len()..).unwrap_or("");
            let end =
                number.len() + if rest.starts_with('歳') || rest.starts_with('才') { '歳'.len_utf8() } else { 0 };
            if old && cell.len() <= end + 4 { at(0, end) } else { Vec::new() }
        }
        Kind::LabValue => result(cell).map_or_else(Vec::new, |(from, to)| at(from, to)),
        Kind::InsuranceId => {
            if cell.chars().count() <= 24 && (digits > 0 || cell.chars().count() <= 8) {
                vec![range]
            } else {
                Vec::new()
            }
        }
        Kind::Credential => {
            if cell.len() >= 6 && !cell.contains(' ') {
                vec![range]
            } else {
                Vec::new()
            }
        }
        Kind::OnlineId => {
            if cell.len() >= 4 && !cell.contains(' ') {
                vec![range]
            } else {
                Vec::new()
            }
        }
        _ => {
            // Numbers of all sorts: letters, digits and hyphens, with enough digits.
            let code = cell.split(['(', ' ', ',', '、', '/']).next().unwrap_or(cell);
            let least = match holds.kind {
                Kind::CreditCard => 13,
                Kind::NationalId | Kind::BankAccount => 6,
                Kind::PatientId => 3,
                _ => 2,
            };
            let whole = cell.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '_' | '.'));
            let shown = if whole && digits >= least { cell } else { code };
            let shown_digits = shown.bytes().filter(u8::is_ascii_digit).count();
            let fits = shown_digits >= least
                && shown.len() <= 40
                && shown.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '_' | '.'));
            if fits { at(0, shown.len()) } else { Vec::new() }
        }
    }
}

/// Without blanks and quotes around it.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let Some(cell) = text.get(range.clone()) else { return range.start..range.start };
    let outside = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '`');
    let start = cell.len() - cell.trim_start_matches(outside).len();
    let end = cell.trim_end_matches(outside).len();
    if start >= end { range.start..range.start } else { range.start + start..range.start + end }
}

/// The names in a cell: one, or one with a reading or a maiden name in brackets.
fn names(text: &str, range: Range<usize>, fields: &Fields) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let Some(cell) = text.get(range.clone()) else { return out };
    let mut at = 0;
    for part in cell.split(['(', ')', '、', ';']) {
        let start = range.start + at;
        at += part.len();
        at += cell.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        if let Some(name) = name(text, start..start + part.len(), fields) {
            out.push(name);
        }
    }
    out
}

/// One name without its titles, if it can be one.
pub(super) fn name(text: &str, range: Range<usize>, fields: &Fields) -> Option<Range<usize>> {
    let mut range = trimmed(text, range);
    loop {
        let cell = text.get(range.clone())?;
        let cut = TITLES_BEFORE.into_iter().find(|title| cell.starts_with(title) && cell.len() > title.len());
        let tail = TITLES.into_iter().find(|title| {
            cell.ends_with(title)
                && cell.len() > title.len()
                && (!title.is_ascii()
                    || cell
                        .get(..cell.len() - title.len())
                        .is_some_and(|head| head.ends_with([' ', ',']) || !head.is_ascii()))
        });
        match (cut, tail) {
            (Some(title), _) => range.start += title.len(),
            (None, Some(title)) => range.end -= title.len(),
            (None, None) => break,
        }
        range = trimmed(text, range);
    }
    let cell = text.get(range.clone())?.trim_end_matches([',', '/', '-']);
    let range = range.start..range.start + cell.len();
    let letters = cell.chars().count();
    let latin = cell.chars().filter(|c| c.is_alphabetic() && (*c as u32) < 0x250).count();
    let most = if latin * 2 > letters { 48 } else { 20 };
    let shaped = cell.chars().all(|c| {
        c.is_alphabetic()
            || matches!(
                c,
                ' ' | '・' | '.' | ',' | '\'' | '-' | '々' | '〆' | '^' | '’' | '=' | 'ー' | '\u{300}'..='\u{36f}'
            )
    });
    let particles = ["する", "です", "ます", "した", "ない", "から", "まで", "について", "として"];
    let sentence = particles.iter().any(|word| cell.contains(word));
    (letters >= 1 && letters <= most && shaped && !sentence && !fields.is_empty(cell) && !fields.is_no_person(cell))
        .then_some(range)
}

/// Where a date with month and day stands in a cell: from its era or year to its last digit or 日.
pub(super) fn date(cell: &str) -> Option<(usize, usize)> {
    let eras = ["令和", "平成", "昭和", "大正", "明治", "令", "平", "昭", "大", "明", "R", "H", "S", "T", "M"];
    let from = cell.find(|c: char| c.is_ascii_digit())?;
    let head = cell.get(..from)?;
    let era = eras.into_iter().find(|era| {
        head.ends_with(era)
            && (!era.is_ascii()
                || head.len() == era.len()
                || !head.as_bytes().get(head.len() - 2).is_some_and(u8::is_ascii_alphanumeric))
    });
    let start = from - era.map_or(0, str::len);
    let mut end = from;
    let mut groups = 0;
    let mut run = 0;
    for (at, letter) in cell.get(from..)?.char_indices() {
        match letter {
            '0'..='9' => {
                if run == 0 {
                    groups += 1;
                }
                run += 1;
                end = from + at + 1;
            }
            '/' | '-' | '.' => run = 0,
            '年' | '月' | '日' | '元' => {
                run = 0;
                end = from + at + letter.len_utf8();
                if letter == '日' {
                    break;
                }
            }
            _ => break,
        }
        if groups > 3 {
            return None;
        }
        if groups == 1 && run == 8 {
            let plain = cell.get(from..from + 8)?;
            let month: u32 = plain.get(4..6)?.parse().ok()?;
            let day: u32 = plain.get(6..8)?.parse().ok()?;
            return ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((start, from + 8));
        }
    }
    let seen = cell.get(start..end)?;
    // Claims lines write era and date as seven digits.
    let claims = groups == 1 && seen.len() == 7 && cell.len() == 7 && seen.starts_with(['1', '2', '3', '4', '5']);
    (groups >= 2 || claims).then_some((start, end))
}

/// A result cell: a number with its unit, or a result in words; no range, no date, no time.
pub(super) fn result(cell: &str) -> Option<(usize, usize)> {
    let letters = cell.chars().count();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let range = cell.match_indices(['-', '~']).any(|(at, _)| {
        at > 0
            && cell.as_bytes().get(at - 1).is_some_and(u8::is_ascii_digit)
            && cell.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit)
    });
    let dated = cell.matches('/').count() > 1 || cell.contains(':') || cell.contains(['年', '月']);
    if range || dated || letters > 24 {
        return None;
    }
    let words = [
        "陽性",
        "陰性",
        "判定保留",
        "検出",
        "(-)",
        "(+)",
        "(±)",
        "±",
        "+",
        "positive",
        "negative",
        "reactive",
        "detected",
        "normal",
        "型",
        "equivocal",
        "indeterminate",
    ];
    let lower = cell.to_lowercase();
    let word = words.iter().any(|word| lower.contains(word)) || cell == "-";
    let numeric = digits > 0
        && (cell.starts_with(|c: char| {
            c.is_ascii_digit() || matches!(c, '<' | '>' | '≦' | '≧' | '≤' | '≥' | '-' | '+' | '.' | '(' | '×')
        }));
    let flag = if numeric { cell.trim_end_matches(['H', 'L', '*', ' ', '↑', '↓']) } else { cell };
    (word || numeric).then_some((0, flag.len()))
}
