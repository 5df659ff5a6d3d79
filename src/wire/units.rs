//! Sizes ("32MiB") and times ("30s") as they stand in the config.
//! A unit is always written, so that nobody has to guess what `30` means.
//! Must not know: which setting it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// A length of time, to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Duration);

/// Why a size or time cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitError {
    #[error("`{0}` has no unit; write for example \"32MiB\" (units: B, KiB, MiB, GiB, kB, MB, GB)")]
    SizeWithoutUnit(String),
    #[error("`{0}` is not a size; write for example \"32MiB\" (units: B, KiB, MiB, GiB, kB, MB, GB)")]
    NotASize(String),
    #[error("`{0}` has no unit; write for example \"30s\" (units: ms, s, m, h, d)")]
    TimeWithoutUnit(String),
    #[error("`{0}` is not a time; write for example \"30s\" (units: ms, s, m, h, d)")]
    NotATime(String),
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl Size {
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// As an index; on small machines the largest that fits.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Time {
    pub const fn secs(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }

    pub const fn millis(n: u64) -> Self {
        Self(Duration::from_millis(n))
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        time.0
    }
}

/// Splits `32MiB` into the number and the unit.
fn split(text: &str) -> (&str, &str) {
    let trimmed = text.trim();
    let at = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(at);
    (number, unit.trim())
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text);
        let shown = || text.chars().take(40).collect::<String>();
        let factor: u64 = match unit {
            "" if !number.is_empty() => return Err(UnitError::SizeWithoutUnit(shown())),
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(UnitError::NotASize(shown())),
        };
        let number: u64 = match number.parse() {
            Ok(number) => number,
            Err(_) if number.is_empty() => return Err(UnitError::NotASize(shown())),
            Err(_) => return Err(UnitError::TooLarge(shown())),
        };
        number.checked_mul(factor).map(Size).ok_or_else(|| UnitError::TooLarge(shown()))
    }
}

impl FromStr for Time {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text);
        let shown = || text.chars().take(40).collect::<String>();
        let factor: u64 = match unit {
            "" if !number.is_empty() => return Err(UnitError::TimeWithoutUnit(shown())),
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(UnitError::NotATime(shown())),
        };
        let number: u64 = match number.parse() {
            Ok(number) => number,
            Err(_) if number.is_empty() => return Err(UnitError::NotATime(shown())),
            Err(_) => return Err(UnitError::TooLarge(shown())),
        };
        // A hundred years is enough; beyond it clocks overflow.
        match number.checked_mul(factor) {
            Some(millis) if millis <= 36_500 * 86_400_000 => Ok(Time(Duration::from_millis(millis))),
            _ => Err(UnitError::TooLarge(shown())),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(f, "{}{unit}", self.0 / factor);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        for (unit, factor) in [("d", 86_400_000u128), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if millis >= factor && millis.is_multiple_of(factor) {
                return write!(f, "{}{unit}", millis / factor);
            }
        }
        write!(f, "{millis}ms")
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Text<T>(std::marker::PhantomData<T>, &'static str);

impl<T: FromStr<Err = UnitError>> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(std::marker::PhantomData, "a size in quotes with its unit, like \"32MiB\""))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(std::marker::PhantomData, "a time in quotes with its unit, like \"30s\""))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (text, bytes) in [("0B", 0), ("1B", 1), ("1KiB", 1024), ("32MiB", 32 << 20), ("2GiB", 2 << 30)] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size, Size(bytes));
            assert_eq!(size.to_string(), text);
        }
        assert_eq!("5 MB".parse::<Size>().unwrap(), Size(5_000_000));
        for (text, millis) in [("250ms", 250), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("7d", 604_800_000)]
        {
            let time: Time = text.parse().unwrap();
            assert_eq!(time, Time::millis(millis));
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn errors_name_the_value_and_the_cure() {
        let wrong = |text: &str| text.parse::<Size>().unwrap_err().to_string();
        assert!(wrong("32").contains("`32` has no unit") && wrong("32").contains("\"32MiB\""));
        assert!(wrong("MiB").contains("not a size"));
        assert!(wrong("32 parsecs").contains("not a size"));
        assert!(wrong("99999999999GiB").contains("too large"));
        assert!("99999999999999999999999s".parse::<Time>().is_err());
        assert!("30".parse::<Time>().unwrap_err().to_string().contains("\"30s\""));
        assert!("-1s".parse::<Time>().is_err());
        assert!("999999d".parse::<Time>().unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn toml_refuses_bare_numbers() {
        #[derive(Deserialize, Debug)]
        #[allow(dead_code)]
        struct Settings {
            body: Size,
        }
        assert!(toml::from_str::<Settings>("body = \"32MiB\"").is_ok());
        let error = toml::from_str::<Settings>("body = 33554432").unwrap_err().to_string();
        assert!(error.contains("a size in quotes with its unit"), "{error}");
    }
}
