//! Step 7: decision → `Cleared`: treatments, tokens, the turn rule, the second look.
//! The only maker of `Cleared`, which is all that `forward` takes. Must not know: the network, storage.

pub mod apply;
pub mod atom;
pub mod blind;
mod code;
pub mod date;
pub mod error;
pub mod find;
pub mod form;
pub mod generalise;
pub mod key;
pub mod label;
pub mod map;
mod plan;
pub mod sight;
mod subject;
mod sweep;
pub mod token;
pub mod turn;
pub mod wiped;

#[cfg(test)]
mod tests;

pub use apply::{Applied, Cleared, Counts, Input, Remember, Search, Settings, apply};
pub use error::MaskError;
pub use key::{Digest, TokenKey};
pub use map::{Word, WordMap};
pub use token::{Code, Length, Suffix, TokenAt, find_tokens};
pub use turn::{Known, KnownWord, SentAnswer, SentSpan, SentUnit, Wanted, wanted};
pub use wiped::Wiped;
