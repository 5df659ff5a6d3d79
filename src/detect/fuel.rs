//! The budget of detection in work units, not in time: the same text costs the same everywhere, and what runs out
//! fails closed.
//! Must not know: clocks.

/// Work left. One unit is about one byte looked at once by one engine.
#[derive(Clone, Copy, Debug)]
pub struct Fuel {
    left: u64,
    limit: u64,
}

impl Fuel {
    /// The budget for a document of `bytes` bytes: `per_byte` units each, and a floor for small ones.
    #[must_use]
    pub fn for_bytes(bytes: usize, per_byte: u64) -> Self {
        let limit = (bytes as u64).saturating_mul(per_byte).saturating_add(1 << 20);
        Self { left: limit, limit }
    }

    /// Burn `units`.
    ///
    /// # Errors
    /// `OutOfFuel` when fewer are left.
    pub fn burn(&mut self, units: u64) -> Result<(), DetectError> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(DetectError::OutOfFuel { limit: self.limit }),
        }
    }

    #[must_use]
    pub fn burnt(&self) -> u64 {
        self.limit - self.left
    }
}

/// Why a text could not be searched. The request then fails closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    #[error("detection used up its budget of {limit} work units (detect.fuel_per_byte)")]
    OutOfFuel { limit: u64 },
    #[error("the engine `{engine}` failed")]
    Engine { engine: &'static str },
    #[error("{bytes} bytes of text are over the limit of {limit} (gate.limits.text)")]
    TooLong { bytes: usize, limit: usize },
    #[error("an encoded run of {bytes} bytes cannot be read; up to {limit} pass unread")]
    Unreadable { bytes: usize, limit: usize, part: Option<usize> },
}

impl DetectError {
    /// It is about this part of the document.
    #[must_use]
    pub(super) fn in_part(self, number: usize) -> Self {
        match self {
            Self::Unreadable { bytes, limit, part } => Self::Unreadable { bytes, limit, part: part.or(Some(number)) },
            other => other,
        }
    }
}
