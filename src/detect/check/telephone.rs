//! Telephone numbers and postal codes: which heads are given out.
//! The area codes and postal heads are data (`patterns/contact/area_codes.tsv`, `patterns/address/postal_heads.tsv`).
//! Must not know: whose number it is.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::Outcome;
use super::digits::{digits, exactly, is_sequence};

static AREA_CODES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("../../../patterns/contact/area_codes.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(' '))
        .filter(|code| !code.is_empty())
        .collect()
});

/// For each three-digit head the hundred next digits that occur, as hexadecimal bits.
static POSTAL_HEADS: LazyLock<Vec<u128>> = LazyLock::new(|| {
    let mut heads = vec![0; 1000];
    for line in include_str!("../../../patterns/address/postal_heads.tsv").lines().filter(|line| !line.starts_with('#'))
    {
        let mut columns = line.split('\t');
        if let (Some(head), Some(bits)) = (columns.next(), columns.next())
            && let (Ok(head), Ok(bits)) = (head.parse::<usize>(), u128::from_str_radix(bits, 16))
            && let Some(place) = heads.get_mut(head)
        {
            *place = bits;
        }
    }
    heads
});

/// The longest area code that the digits of a domestic number begin with.
#[must_use]
pub fn area_code(number: &str) -> Option<&str> {
    (2..=5).rev().filter_map(|length| number.get(..length)).find(|head| AREA_CODES.contains(head))
}

/// The digits of a Japanese number in domestic form: `+81` and `(0)` become `0`.
fn domestic(text: &str) -> Option<String> {
    let text = text.trim();
    let (international, rest) =
        match text.strip_prefix('+').or_else(|| text.strip_prefix("010-")).or_else(|| text.strip_prefix("0081")) {
            Some(rest) => (true, rest.trim_start().strip_prefix("81").unwrap_or(rest)),
            None => (false, text),
        };
    let numbers = digits(rest)?;
    let body: String = numbers.iter().filter_map(|digit| char::from_digit(*digit, 10)).collect();
    if !international {
        return Some(body);
    }
    Some(format!("0{}", body.trim_start_matches('0')))
}

/// Number of the Japanese plan: an area code and ten digits, or eleven of a mobile, IP or free-call head.
pub(super) fn phone_jp(text: &str) -> Outcome {
    let Some(number) = domestic(text) else { return Outcome::NotApplicable };
    match number.len() {
        10 => Outcome::of(
            area_code(&number).is_some()
                || number.starts_with("0120")
                || number.starts_with("0570")
                || number.starts_with("0990"),
        ),
        11 => Outcome::of(
            mobile(&number) || number.starts_with("050") || number.starts_with("020") || number.starts_with("0800"),
        ),
        _ => Outcome::NotApplicable,
    }
}

/// 060 (from July 2026), 070, 080, 090 and eight digits that do not begin with 0.
fn mobile(number: &str) -> bool {
    let head = matches!(number.get(..3), Some("060" | "070" | "080" | "090"));
    head && number.len() == 11 && number.as_bytes().get(3).is_some_and(|digit| *digit != b'0')
}

/// As `phone_jp`, but not the heads that belong to firms' lines for callers (0120, 0800, 0570, 0990); and the exchange
/// of a fixed line begins with 2–9 (電気通信番号計画).
pub(super) fn phone_private(text: &str) -> Outcome {
    let Some(number) = domestic(text) else { return Outcome::NotApplicable };
    match number.len() {
        10 => {
            let exchange = area_code(&number).and_then(|code| number.as_bytes().get(code.len()));
            Outcome::of(exchange.is_some_and(|digit| (b'2'..=b'9').contains(digit)))
        }
        11 => Outcome::of(mobile(&number) || number.starts_with("050")),
        _ => Outcome::NotApplicable,
    }
}

/// A mobile number of Japan.
pub(super) fn phone_mobile(text: &str) -> Outcome {
    match domestic(text) {
        Some(number) if number.len() == 11 => Outcome::of(mobile(&number)),
        _ => Outcome::NotApplicable,
    }
}

/// Number of the North American plan: area and exchange begin with 2–9, and neither is N11.
pub(super) fn phone_us(text: &str) -> Outcome {
    let Some(mut number) = digits(text.trim_start_matches('+')) else { return Outcome::NotApplicable };
    if number.len() == 11 && number.first() == Some(&1) {
        number.remove(0);
    }
    let [n, p, a, x1, x2, x3, ..] = number.as_slice() else { return Outcome::NotApplicable };
    if number.len() != 10 {
        return Outcome::NotApplicable;
    }
    let service = |second: u32, third: u32| second == 1 && third == 1;
    // Free-call heads belong to firms.
    let free = *n == 8 && matches!((*p, *a), (0, 0) | (3, 3) | (4, 4) | (5, 5) | (6, 6) | (7, 7) | (8, 8));
    Outcome::of(*n >= 2 && *x1 >= 2 && !service(*p, *a) && !service(*x2, *x3) && !free)
}

/// Number of the United Kingdom: 01, 02, 03, 07 or 08 and ten or eleven digits, or `+44`.
pub(super) fn phone_uk(text: &str) -> Outcome {
    let body = text
        .trim()
        .strip_prefix("+44")
        .map_or_else(|| text.trim().to_owned(), |rest| format!("0{}", rest.replace("(0)", "").trim_start()));
    let Some(number) = digits(&body) else { return Outcome::NotApplicable };
    if !(10..=11).contains(&number.len()) {
        return Outcome::NotApplicable;
    }
    Outcome::of(number.first() == Some(&0) && matches!(number.get(1), Some(1 | 2 | 3 | 5 | 7 | 8)))
}

/// Number with a country code, as ITU-T E.164 has it: eight to fifteen digits, no code begins with 0.
pub(super) fn phone_abroad(text: &str) -> Outcome {
    let Some(rest) = text.trim().strip_prefix('+') else { return Outcome::NotApplicable };
    let Some(number) = digits(rest) else { return Outcome::NotApplicable };
    Outcome::of(
        (8..=15).contains(&number.len()) && number.first().is_some_and(|digit| *digit != 0) && !is_sequence(&number),
    )
}

/// Seven digits whose first five occur in the table of postal codes.
pub(super) fn postal_code(text: &str) -> Outcome {
    let Some(number) = exactly(text, 7) else { return Outcome::NotApplicable };
    let part = |from: usize, to: usize| {
        number.get(from..to).unwrap_or_default().iter().fold(0, |sum, digit| sum * 10 + *digit as usize)
    };
    Outcome::of(POSTAL_HEADS.get(part(0, 3)).is_some_and(|bits| bits >> part(3, 5) & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, NotApplicable, Passes};
    use super::*;

    #[test]
    fn japanese_numbers() {
        for number in [
            "03-1234-5678",
            "(03)1234-5678",
            "0422-12-3456",
            "042-212-3456",
            "01267-2-1234",
            "0120-123-456",
            "050-1234-5678",
            "0800-123-4567",
            "+81-3-1234-5678",
            "+81 (0)3-1234-5678",
            "+81 90-1234-5678",
            "060-1234-5678",
            "〇三-一二三四-五六七八",
        ] {
            assert_eq!(phone_jp(number), Passes, "{number}");
        }
        assert_eq!(phone_jp("0000-12-3456"), Fails);
        assert_eq!(phone_jp("090-0234-5678"), Fails);
        assert_eq!(phone_jp("03-1234"), NotApplicable);
        assert_eq!(phone_mobile("080 1234 5678"), Passes);
        assert_eq!(phone_mobile("050-1234-5678"), Fails);
        assert_eq!(phone_private("0120-123-456"), Fails);
        assert_eq!(phone_private("03-0000-1234"), Fails);
        assert_eq!(phone_private("0422-22-3456"), Passes);
        assert_eq!(area_code("0312345678"), Some("03"));
        assert_eq!(area_code("0422123456"), Some("0422"));
    }

    #[test]
    fn numbers_abroad() {
        assert_eq!(phone_us("(614) 555-0137"), Passes);
        assert_eq!(phone_us("+1 415-555-0126"), Passes);
        assert_eq!(phone_us("911-555-0100"), Fails);
        assert_eq!(phone_us("123-456-7890"), Fails);
        assert_eq!(phone_uk("07700 900233"), Passes);
        assert_eq!(phone_uk("+44 7700 900233"), Passes);
        assert_eq!(phone_uk("99700 900233"), Fails);
        assert_eq!(phone_abroad("+55 11 98765-0142"), Passes);
        assert_eq!(phone_abroad("+0 11 98765-0142"), Fails);
    }

    #[test]
    fn postal_heads() {
        assert_eq!(postal_code("100-0001"), Passes);
        assert_eq!(postal_code("6028268"), Passes);
        assert_eq!(postal_code("000-0000"), Fails);
        assert_eq!(postal_code("12-345"), NotApplicable);
    }
}
