//! Check digits and the sense of dates: named functions, called by name from rule files.
//! Must not know: where a number stands.

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

/// The form of every check.
pub type Check = fn(&str) -> Outcome;

/// Every check with the name rule files call it by.
pub const ALL: &[(&str, Check)] = &[];

/// The check with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<Check> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}
