//! Cards and accounts.
//! Must not know: labels, context.

use super::Outcome;
use super::digits::{digits, exactly, is_sequence, modulus_10_holds};

/// Payment card: prefix and length of a known network, and Luhn.
pub(super) fn card(text: &str) -> Outcome {
    let Some(number) = digits(text) else { return Outcome::NotApplicable };
    if !(13..=19).contains(&number.len()) {
        return Outcome::NotApplicable;
    }
    Outcome::of(network(&number) && modulus_10_holds(&number) && !is_sequence(&number))
}

/// A prefix of Visa, Mastercard, American Express, JCB, Diners, Discover or UnionPay, with its length.
fn network(number: &[u32]) -> bool {
    let head = number.iter().take(4).fold(0, |sum, digit| sum * 10 + digit);
    match number.len() {
        13 | 19 if head / 1000 == 4 => true,
        14 => matches!(head, 3000..=3059 | 3095 | 3600..=3699 | 3800..=3999),
        15 => matches!(head / 100, 34 | 37) || matches!(head, 2131 | 1800),
        16 => {
            head / 1000 == 4
                || matches!(head, 5100..=5599 | 2221..=2720 | 3528..=3589 | 6011 | 6440..=6599)
                || matches!(head / 100, 62 | 81)
                || matches!(head, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
        }
        12 | 17 | 18 | 19 => matches!(head, 6011 | 6440..=6599) || head / 100 == 62,
        _ => false,
    }
}

/// Luhn alone, over any digits.
pub(super) fn luhn(text: &str) -> Outcome {
    match digits(text) {
        Some(number) if number.len() > 2 => Outcome::of(modulus_10_holds(&number)),
        _ => Outcome::NotApplicable,
    }
}

/// Serial of a phone: fifteen digits, Luhn.
pub(super) fn imei(text: &str) -> Outcome {
    exactly(text, 15)
        .map_or(Outcome::NotApplicable, |number| Outcome::of(modulus_10_holds(&number) && !is_sequence(&number)))
}

/// Length of an IBAN by country; others pass on the modulus alone.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AE", 23),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("BR", 29),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("KW", 30),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("TR", 26),
];

/// IBAN: the first four at the end, letters as numbers, modulus 97 leaves 1; length of the country where it is known.
pub(super) fn iban(text: &str) -> Outcome {
    let letters: Vec<u8> =
        text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).map(|byte| byte.to_ascii_uppercase()).collect();
    let (Some(head), Some(tail)) = (letters.get(..4), letters.get(4..)) else { return Outcome::NotApplicable };
    let [first, second, check_1, check_2] = head else { return Outcome::NotApplicable };
    let form = first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && check_1.is_ascii_digit()
        && check_2.is_ascii_digit();
    if !form || !(15..=34).contains(&letters.len()) || !tail.iter().all(u8::is_ascii_alphanumeric) {
        return Outcome::NotApplicable;
    }
    let rest = tail.iter().chain(head).fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    let length = IBAN_LENGTHS.iter().find(|(country, _)| country.as_bytes() == [*first, *second]);
    Outcome::of(rest == 1 && length.is_none_or(|(_, length)| *length == letters.len()))
}

/// ゆうちょ 記号: five digits, 1…0 (ordinary) or 0…0 (transfer).
pub(super) fn yucho(text: &str) -> Outcome {
    exactly(text, 5).map_or(Outcome::NotApplicable, |number| {
        Outcome::of(matches!(number.first(), Some(0 | 1)) && number.last() == Some(&0))
    })
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, NotApplicable, Passes};
    use super::*;

    #[test]
    fn card_vectors() {
        for number in [
            "4111111111111111",
            "5555555555554444",
            "378282246310005",
            "3530111333300000",
            "30569309025904",
            "6011111111111117",
            "6200000000000005",
            "4111 1111 1111 1111",
            "3782-822463-10005",
        ] {
            assert_eq!(card(number), Passes, "{number}");
        }
        assert_eq!(card("4111111111111112"), Fails);
        assert_eq!(card("9111111111111110"), Fails, "no network has this prefix");
        assert_eq!(card("0000000000000000"), Fails);
        assert_eq!(card("411111111111"), NotApplicable);
    }

    #[test]
    fn iban_vectors() {
        for number in [
            "GB82 WEST 1234 5698 7654 32",
            "DE89 3704 0044 0532 0130 00",
            "FR14 2004 1010 0505 0001 3M02 606",
            "NL91 ABNA 0417 1643 00",
        ] {
            assert_eq!(iban(number), Passes, "{number}");
        }
        assert_eq!(iban("GB83 WEST 1234 5698 7654 32"), Fails);
        assert_eq!(iban("GB82"), NotApplicable);
    }

    #[test]
    fn other_vectors() {
        assert_eq!(imei("490154203237518"), Passes);
        assert_eq!(imei("490154203237519"), Fails);
        assert_eq!(luhn("18"), NotApplicable);
        assert_eq!(luhn("7992739871-3"), Passes);
        assert_eq!(yucho("10190"), Passes);
        assert_eq!(yucho("20191"), Fails);
    }
}
