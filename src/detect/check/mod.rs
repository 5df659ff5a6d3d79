//! Check digits and the sense of numbers: named functions, called by name from rule files.
//! Each takes a number as it stands in the folded text, separators included, and says whether it holds.
//! Must not know: where a number stands, what it is labelled with, what is done with it.

mod abroad;
mod calendar;
mod digits;
mod japan;
mod money;
mod network;
mod secret;
mod telephone;

pub use calendar::{Era, days_in_month, era_day, real_day};
pub use telephone::area_code;

/// What a check says of a number. A check digit is a filter, not a proof (PHI §0.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the form and holds.
    Passes,
    /// It has the form and does not hold.
    Fails,
    /// It has not the form that the check is about.
    NotApplicable,
}

impl Outcome {
    const fn of(holds: bool) -> Self {
        if holds { Outcome::Passes } else { Outcome::Fails }
    }
}

/// The form of every check.
pub type Check = fn(&str) -> Outcome;

/// Every check with the name rule files call it by.
pub const ALL: &[(&str, Check)] = &[
    ("my_number", japan::my_number),
    ("resident_code", japan::resident_code),
    ("drivers_license", japan::drivers_license),
    ("insurer", japan::insurer),
    ("public_payer", japan::public_payer),
    ("beneficiary", japan::beneficiary),
    ("facility", japan::facility),
    ("care_insurer", japan::care_insurer),
    ("corporate", japan::corporate),
    ("municipal", japan::municipal),
    ("passport_mrz", abroad::passport_mrz),
    ("us_ssn", abroad::us_ssn),
    ("us_itin", abroad::us_itin),
    ("us_npi", abroad::us_npi),
    ("us_dea", abroad::us_dea),
    ("uk_nhs", abroad::uk_nhs),
    ("uk_nino", abroad::uk_nino),
    ("vin", abroad::vin),
    ("card", money::card),
    ("luhn", money::luhn),
    ("imei", money::imei),
    ("iban", money::iban),
    ("yucho", money::yucho),
    ("phone_jp", telephone::phone_jp),
    ("phone_private", telephone::phone_private),
    ("phone_mobile", telephone::phone_mobile),
    ("phone_us", telephone::phone_us),
    ("phone_uk", telephone::phone_uk),
    ("phone_abroad", telephone::phone_abroad),
    ("postal_code", telephone::postal_code),
    ("ip_host", network::ip_host),
    ("ip6_host", network::ip6_host),
    ("mac", network::mac),
    ("person_mailbox", network::person_mailbox),
    ("person_login", network::person_login),
    ("real_secret", secret::real_secret),
    ("random_secret", secret::random_secret),
    ("jwt", secret::jwt),
    ("not_sequence", digits::not_sequence),
    ("has_digit", digits::has_digit),
    ("not_date", calendar::not_date),
    ("date_digits", calendar::date_digits),
];

/// The check with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<Check> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (index, (name, _)) in ALL.iter().enumerate() {
            assert!(by_name(name).is_some());
            assert!(ALL.iter().skip(index + 1).all(|(other, _)| other != name), "{name} stands twice");
        }
        assert!(by_name("no such check").is_none());
    }

    #[test]
    fn any_text_is_judged_without_a_panic() {
        for (_, check) in ALL {
            for text in
                ["", "-", "é", "氏名", "0", "99999999999999999999999999999999", "@", "..@..", "::", "a:b:c", "eyJ.."]
            {
                check(text);
            }
        }
    }
}
