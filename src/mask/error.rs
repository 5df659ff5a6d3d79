//! Why a request could not be masked. It then fails closed; an error names places and kinds, never text of the request.

use crate::decide::{Cause, Reason, Spot, Verdict, Way};
use crate::detect::{DetectError, Kind};
use crate::unpack::SpliceError;

/// Why nothing was cleared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaskError {
    #[error("the decision does not let this request go on")]
    NotCleared,
    #[error("findings, actions and texts do not belong together")]
    Mismatch,
    #[error("a finding in {address}, which must not change, was to be replaced")]
    Fixed { address: String },
    #[error("no token fits into {address}; shorten it, or leave the {} out", kind.as_str())]
    NoRoom { address: String, kind: Kind },
    #[error("the words to mask are more than {limit} bytes; send less at once")]
    TooManyWords { limit: usize },
    #[error("two words share one code after lengthening it twice")]
    CodeClash,
    #[error("a word that was replaced elsewhere still stands in {address}, which must not change ({})", kind.as_str())]
    LeftOver { address: String, kind: Kind },
    #[error("after masking twice there are still new findings in {address} ({})", kind.as_str())]
    StillFound { address: String, kind: Kind },
    #[error("the masked text could not be searched again: {0}")]
    Detect(#[from] DetectError),
    #[error("the masked request could not be put together: {0}")]
    Splice(#[from] SpliceError),
}

impl MaskError {
    /// `blocked` where the user can do something about it, else `failed`.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Fixed { .. } | Self::NoRoom { .. } | Self::LeftOver { .. } => Verdict::Blocked,
            _ => Verdict::Failed,
        }
    }

    /// The reason for a refusal, where it stands on a finding.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let (address, kind) = match self {
            Self::Fixed { address } => (address, None),
            Self::NoRoom { address, kind } | Self::LeftOver { address, kind } | Self::StillFound { address, kind } => {
                (address, Some(*kind))
            }
            _ => return None,
        };
        let mut reason = Reason::new(Cause::FrozenPlace, self.verdict());
        reason.count = 1;
        reason.spots.push(Spot { address: address.clone(), line: None });
        reason.kinds.extend(kind.map(|kind| (kind, 1)));
        reason.ways.extend([Way::MoveIntoText, Way::Remove, Way::AskContact]);
        Some(reason)
    }
}
