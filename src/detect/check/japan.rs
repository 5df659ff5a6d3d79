//! Numbers that Japanese law and insurance give out (PHI §1.1).
//! Must not know: labels, context.

use super::Outcome;
use super::digits::{digits, exactly, is_sequence, modulus_10_holds, weighted};

/// 個人番号: twelve digits, modulus 11 (番号法施行令8条).
pub(super) fn my_number(text: &str) -> Outcome {
    let Some(number) = exactly(text, 12) else { return Outcome::NotApplicable };
    let Some((check, body)) = number.split_last() else { return Outcome::NotApplicable };
    Outcome::of(
        !number.iter().all(|digit| digit == check) && modulus_11(body, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == *check,
    )
}

/// 住民票コード: eleven digits. The formula is unofficial, so nothing rests on a failure: it never says `Fails`.
pub(super) fn resident_code(text: &str) -> Outcome {
    let Some(number) = exactly(text, 11) else { return Outcome::NotApplicable };
    let Some((check, body)) = number.split_last() else { return Outcome::NotApplicable };
    if modulus_11(body, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == *check { Outcome::Passes } else { Outcome::NotApplicable }
}

fn modulus_11(body: &[u32], weights: &[u32]) -> u32 {
    match weighted(body, weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

/// 公安委員会コード, the first two digits of a driving licence.
const COMMISSIONS: &[u32] = &[
    10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 60,
    61, 62, 63, 64, 65, 70, 71, 72, 73, 74, 80, 81, 82, 83, 90, 91, 92, 93, 94, 95, 96, 97, 99,
];

/// 運転免許証: twelve digits, known commission, eleventh digit modulus 11. The digit of remainder 0 is unsettled
/// (1 by the cited rule, 0 in other generators): both hold.
pub(super) fn drivers_license(text: &str) -> Outcome {
    let Some(number) = exactly(text, 12) else { return Outcome::NotApplicable };
    let (Some(head), Some(body), Some(check)) = (number.get(..2), number.get(..10), number.get(10)) else {
        return Outcome::NotApplicable;
    };
    let known = COMMISSIONS.contains(&weighted(head, &[10, 1]));
    let rest = weighted(body, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    Outcome::of(known && ((11 - rest) % 10 == *check || (rest == 0 && *check == 0)))
}

fn modulus_10_of(text: &str, counts: &[usize]) -> Outcome {
    match digits(text) {
        Some(number) if counts.contains(&number.len()) => Outcome::of(modulus_10_holds(&number)),
        _ => Outcome::NotApplicable,
    }
}

/// 保険者番号: eight digits that begin with a 法別番号, or six of 国保 (padded or not).
pub(super) fn insurer(text: &str) -> Outcome {
    modulus_10_of(text, &[6, 8])
}

/// 公費負担者番号: eight digits.
pub(super) fn public_payer(text: &str) -> Outcome {
    modulus_10_of(text, &[8])
}

/// 公費受給者番号: seven digits.
pub(super) fn beneficiary(text: &str) -> Outcome {
    modulus_10_of(text, &[7])
}

/// 医療機関コード: prefecture, table of points and seven digits. Public.
pub(super) fn facility(text: &str) -> Outcome {
    match exactly(text, 10) {
        Some(number) => {
            let prefecture = number.first().unwrap_or(&0) * 10 + number.get(1).unwrap_or(&0);
            Outcome::of((1..=47).contains(&prefecture) && modulus_10_holds(&number))
        }
        None => Outcome::NotApplicable,
    }
}

/// 介護保険者番号: prefecture, municipality, check digit.
pub(super) fn care_insurer(text: &str) -> Outcome {
    modulus_10_of(text, &[6])
}

/// 法人番号: the check digit stands first, modulus 9. Public.
pub(super) fn corporate(text: &str) -> Outcome {
    let Some(number) = exactly(text.trim_start_matches(['T', 't']), 13) else { return Outcome::NotApplicable };
    let Some((check, body)) = number.split_first() else { return Outcome::NotApplicable };
    let sum: u32 = body.iter().rev().enumerate().map(|(index, digit)| digit * if index % 2 == 0 { 1 } else { 2 }).sum();
    Outcome::of(9 - sum % 9 == *check)
}

/// 全国地方公共団体コード: modulus 11. Public.
pub(super) fn municipal(text: &str) -> Outcome {
    let Some(number) = exactly(text, 6) else { return Outcome::NotApplicable };
    let Some((check, body)) = number.split_last() else { return Outcome::NotApplicable };
    Outcome::of(!is_sequence(&number) && (11 - weighted(body, &[6, 5, 4, 3, 2]) % 11) % 10 == *check)
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, NotApplicable, Passes};
    use super::*;

    /// Every vector holds, and no vector holds with another last digit.
    fn holds(check: fn(&str) -> Outcome, vectors: &[&str]) {
        for vector in vectors {
            assert_eq!(check(vector), Passes, "{vector}");
            let (body, last) = vector.split_at(vector.len() - 1);
            let other = (last.parse::<u32>().unwrap() + 1) % 10;
            assert_eq!(check(&format!("{body}{other}")), Fails, "{body}{other}");
        }
    }

    #[test]
    fn my_number_vectors() {
        holds(my_number, &["123456789018", "621498320257", "983205673214", "301415926537", "700000000010"]);
        assert_eq!(my_number("1234 5678 9018"), Passes);
        assert_eq!(my_number("1234-5678-9018"), Passes);
        assert_eq!(my_number("123456789012"), Fails);
        assert_eq!(my_number("000000000000"), Fails);
        assert_eq!(my_number("12345678901"), NotApplicable);
    }

    #[test]
    fn resident_code_vectors() {
        for vector in ["12345678903", "98765432103", "31415926530"] {
            assert_eq!(resident_code(vector), Passes, "{vector}");
        }
        assert_eq!(resident_code("12345678904"), NotApplicable, "an unofficial rule never rejects");
    }

    #[test]
    fn driving_licence_vectors() {
        for vector in ["301234567810", "620876543250", "100900012350", "909911111140"] {
            assert_eq!(drivers_license(vector), Passes, "{vector}");
        }
        assert_eq!(drivers_license("301234567820"), Fails);
        assert_eq!(drivers_license("151234567810"), Fails, "no commission has the code 15");
    }

    #[test]
    fn insurance_vectors() {
        holds(
            insurer,
            &["33120015", "01130012", "01270016", "01010016", "06130017", "39131016", "138016", "278002", "010017"],
        );
        holds(public_payer, &["54016027", "12136008", "52136017", "15138019", "21136015"]);
        holds(beneficiary, &["0000018", "1234566", "9001231", "3456787"]);
        holds(care_insurer, &["131128", "011007", "141002"]);
        assert_eq!(beneficiary("12345"), NotApplicable);
    }

    #[test]
    fn public_numbers() {
        holds(facility, &["0110113719", "1310012347", "2711234563"]);
        assert_eq!(corporate("7000012050002"), Passes);
        assert_eq!(corporate("6000012070001"), Passes);
        assert_eq!(corporate("T1180301018771"), Passes);
        assert_eq!(corporate("8000012050002"), Fails);
        holds(municipal, &["131016", "011002", "141003", "472018"]);
    }

    #[test]
    fn one_in_ten_random_numbers_pass() {
        let mut state = 88_172_645_463_325_252_u64;
        let passing = (0..20_000)
            .filter(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                my_number(&format!("{:012}", state % 1_000_000_000_000)) == Passes
            })
            .count();
        assert!((1_850..2_200).contains(&passing), "{passing} of 20,000");
    }
}
