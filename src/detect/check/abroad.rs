//! Numbers of other countries and of travel documents.
//! Must not know: labels, context.

use super::Outcome;
use super::digits::{exactly, modulus_10_holds, weighted};

/// A passport's machine-readable lines (ICAO 9303): the second line's check digits over number, birth and expiry hold.
pub(super) fn passport_mrz(text: &str) -> Outcome {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    if line.len() != 44 || !line.is_ascii() {
        return Outcome::NotApplicable;
    }
    let field = |from: usize, to: usize| line.get(from..to).unwrap_or_default();
    let holds = |from: usize, to: usize| {
        line.as_bytes()
            .get(to)
            .is_some_and(|check| check.is_ascii_digit() && mrz_digit(field(from, to)) == u32::from(check - b'0'))
    };
    Outcome::of(holds(0, 9) && holds(13, 19) && holds(21, 27))
}

/// The check digit of a field: weights 7 3 1, A = 10 … Z = 35, `<` = 0, modulus 10.
fn mrz_digit(field: &str) -> u32 {
    let sum: u32 = field
        .chars()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(letter, weight)| {
            let value = match letter {
                '0'..='9' => letter as u32 - '0' as u32,
                'A'..='Z' => letter as u32 - 'A' as u32 + 10,
                _ => 0,
            };
            value * weight
        })
        .sum();
    sum % 10
}

/// US social security number: no check digit; some areas, groups and serials are never given out.
pub(super) fn us_ssn(text: &str) -> Outcome {
    let Some(number) = exactly(text, 9) else { return Outcome::NotApplicable };
    let part =
        |from: usize, to: usize| number.get(from..to).unwrap_or_default().iter().fold(0, |sum, digit| sum * 10 + digit);
    let (area, group, serial) = (part(0, 3), part(3, 5), part(5, 9));
    let fake = (area, group, serial) == (78, 5, 1120) || (area, group, serial) == (219, 9, 9999);
    Outcome::of(area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && !fake)
}

/// US individual taxpayer number: 9XX-(50–65, 70–88, 90–92, 94–99)-XXXX.
pub(super) fn us_itin(text: &str) -> Outcome {
    let Some(number) = exactly(text, 9) else { return Outcome::NotApplicable };
    let group = number.get(3).unwrap_or(&0) * 10 + number.get(4).unwrap_or(&0);
    Outcome::of(number.first() == Some(&9) && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// US national provider identifier: Luhn over 80840 and the number.
pub(super) fn us_npi(text: &str) -> Outcome {
    let Some(number) = exactly(text, 10) else { return Outcome::NotApplicable };
    let mut whole = vec![8, 0, 8, 4, 0];
    whole.extend(&number);
    Outcome::of(matches!(number.first(), Some(1 | 2)) && modulus_10_holds(&whole))
}

/// US drug enforcement number: two letters and seven digits, the last a weighted sum.
pub(super) fn us_dea(text: &str) -> Outcome {
    let (Some(head), Some(tail)) = (text.get(..2), text.get(2..)) else { return Outcome::NotApplicable };
    let Some(number) = exactly(tail, 7) else { return Outcome::NotApplicable };
    let mut letters = head.chars();
    let known = letters.next().is_some_and(|letter| "ABCDEFGHJKLMPRSTUX".contains(letter.to_ascii_uppercase()))
        && letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '9');
    let (Some(body), Some(check)) = (number.get(..6), number.get(6)) else { return Outcome::NotApplicable };
    Outcome::of(known && weighted(body, &[1, 2, 1, 2, 1, 2]) % 10 == *check)
}

/// UK NHS number: ten digits, modulus 11.
pub(super) fn uk_nhs(text: &str) -> Outcome {
    let Some(number) = exactly(text, 10) else { return Outcome::NotApplicable };
    let Some((check, body)) = number.split_last() else { return Outcome::NotApplicable };
    let rest = 11 - weighted(body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    Outcome::of(rest % 11 == *check && rest != 10)
}

/// UK national insurance number: two letters (some never used), six digits, A–D.
pub(super) fn uk_nino(text: &str) -> Outcome {
    let letters: Vec<char> = text
        .chars()
        .filter(|letter| *letter != ' ' && *letter != '-')
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let [first, second, digits @ .., last] = letters.as_slice() else { return Outcome::NotApplicable };
    if digits.len() != 6 || !digits.iter().all(char::is_ascii_digit) {
        return Outcome::NotApplicable;
    }
    let pair = [*first, *second];
    let refused = [['B', 'G'], ['G', 'B'], ['N', 'K'], ['K', 'N'], ['T', 'N'], ['N', 'T'], ['Z', 'Z']].contains(&pair);
    Outcome::of(
        "ABCEGHJKLMNOPRSTWXYZ".contains(*first)
            && "ABCEGHJKLMNPRSTWXYZ".contains(*second)
            && !refused
            && ('A'..='D').contains(last),
    )
}

/// Vehicle identification number: seventeen letters and digits without I, O, Q, and both sorts in it.
pub(super) fn vin(text: &str) -> Outcome {
    if text.len() != 17 {
        return Outcome::NotApplicable;
    }
    let letters = text.bytes().filter(u8::is_ascii_uppercase).count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    Outcome::of(letters + digits == 17 && letters >= 3 && digits >= 5 && !text.contains(['I', 'O', 'Q']))
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, NotApplicable, Passes};
    use super::*;

    #[test]
    fn mrz_vectors() {
        for (field, check) in
            [("L898902C3", 6), ("740812", 2), ("120415", 9), ("TR1234567", 2), ("TK9876543", 5), ("MZ0011223", 6)]
        {
            assert_eq!(mrz_digit(field), check, "{field}");
        }
        let specimen = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
        assert_eq!(passport_mrz(specimen), Passes);
        assert_eq!(passport_mrz(&specimen.replace("740812", "740813")), Fails);
        assert_eq!(passport_mrz("P<JPN"), NotApplicable);
    }

    #[test]
    fn us_vectors() {
        assert_eq!(us_ssn("536-90-4399"), Passes);
        for refused in ["000-12-3456", "666-12-3456", "912-34-5678", "078-05-1120", "123-00-4567", "123-45-0000"] {
            assert_eq!(us_ssn(refused), Fails, "{refused}");
        }
        assert_eq!(us_itin("912-70-1234"), Passes);
        assert_eq!(us_itin("912-93-1234"), Fails);
        for npi in ["1234567893", "1245319599", "1679919997"] {
            assert_eq!(us_npi(npi), Passes, "{npi}");
        }
        assert_eq!(us_npi("1234567890"), Fails);
        for dea in ["AB1234563", "FS6543210", "BX5042166"] {
            assert_eq!(us_dea(dea), Passes, "{dea}");
        }
        assert_eq!(us_dea("AB1234564"), Fails);
        assert_eq!(us_dea("QB1234563"), Fails);
    }

    #[test]
    fn uk_vectors() {
        assert_eq!(uk_nhs("943 476 5919"), Passes);
        assert_eq!(uk_nhs("943 476 5918"), Fails);
        assert_eq!(uk_nino("QQ 12 34 56 C"), Fails, "Q is never given out");
        assert_eq!(uk_nino("AB 12 34 56 C"), Passes);
        assert_eq!(uk_nino("AB123456"), NotApplicable);
    }

    #[test]
    fn vehicle_numbers() {
        assert_eq!(vin("1HGCM82633A004352"), Passes);
        assert_eq!(vin("12345678901234567"), Fails);
    }
}
