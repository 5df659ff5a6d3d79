//! Step 7: decision → `Cleared`: treatments, tokens, the turn rule, the second look.
//! The only maker of `Cleared`, which is all that `forward` takes. Must not know: the network, storage.

pub mod find;
pub mod key;
pub mod label;
pub mod map;
pub mod token;

pub use key::TokenKey;
pub use map::{Word, WordMap};
pub use token::{Code, Suffix, TokenAt, find_tokens};
