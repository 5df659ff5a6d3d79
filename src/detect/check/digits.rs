//! Digits out of a written number, and weighted sums over them.
//! Must not know: what any number is for.

use super::Outcome;

/// The digits of a number written with spaces, hyphens, dots or brackets; `None` when another letter stands in it.
pub(super) fn digits(text: &str) -> Option<Vec<u32>> {
    let mut out = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' => out.push(letter as u32 - '0' as u32),
            ' ' | '-' | '.' | '(' | ')' | '\n' | '\t' | '/' | '・' | 'ー' => {}
            '〇' | '○' | '零' => out.push(0),
            '一' => out.push(1),
            '二' => out.push(2),
            '三' => out.push(3),
            '四' => out.push(4),
            '五' => out.push(5),
            '六' => out.push(6),
            '七' => out.push(7),
            '八' => out.push(8),
            '九' => out.push(9),
            _ => return None,
        }
    }
    Some(out)
}

/// The digits when there are exactly `count` of them.
pub(super) fn exactly(text: &str, count: usize) -> Option<Vec<u32>> {
    digits(text).filter(|digits| digits.len() == count)
}

/// Sum of the products of digits and weights, pairwise.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The check digit of modulus 10 with weights 2-1 from the right, digit sums taken (Luhn).
pub(super) fn modulus_10(body: &[u32]) -> u32 {
    let sum: u32 = body
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let product = digit * if index % 2 == 0 { 2 } else { 1 };
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

/// Whether the last digit is the modulus-10 check digit of those before it.
pub(super) fn modulus_10_holds(digits: &[u32]) -> bool {
    digits.split_last().is_some_and(|(check, body)| !body.is_empty() && modulus_10(body) == *check)
}

/// All digits the same, or each one more (or less) than the one before: a placeholder more often than data (PHI §0.9).
pub(super) fn is_sequence(digits: &[u32]) -> bool {
    let steps: Vec<i64> =
        digits.windows(2).filter_map(|pair| Some(i64::from(*pair.get(1)?) - i64::from(*pair.first()?))).collect();
    let Some(first) = steps.first() else { return true };
    matches!(first, -1..=1)
        && steps.iter().all(|step| step == first || (*first == 1 && *step == -9) || (*first == -1 && *step == 9))
}

/// Not a run like `000000` or `123456`. Letters are allowed.
pub(super) fn not_sequence(text: &str) -> Outcome {
    let found: Vec<u32> = text.chars().filter_map(|letter| letter.to_digit(10)).collect();
    if found.len() < 3 {
        return Outcome::NotApplicable;
    }
    Outcome::of(!is_sequence(&found))
}

/// Some digit stands in it.
pub(super) fn has_digit(text: &str) -> Outcome {
    Outcome::of(text.bytes().any(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_numbers_become_digits() {
        assert_eq!(digits("12-34 (5)"), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(digits("〇九〇-一"), Some(vec![0, 9, 0, 1]));
        assert_eq!(digits("12a"), None);
    }

    #[test]
    fn placeholders_are_sequences() {
        for text in ["0000000", "1234567", "1234567890", "9876543210"] {
            assert_eq!(not_sequence(text), Outcome::Fails, "{text}");
        }
        assert_eq!(not_sequence("0038412"), Outcome::Passes);
        assert_eq!(not_sequence("A1"), Outcome::NotApplicable);
    }
}
