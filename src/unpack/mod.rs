//! Step 3: bytes → parts: content codings, charset, base64, multipart, documents; every step capped, with a way back.
//! `open` is one bounded recursion that hands each part to `locate`. Must not know: what a secret is; sockets.

mod charset;
mod coding;
mod error;
mod form;
mod head;
mod json;
mod limits;
mod multipart;
mod opaque;
mod open;
mod source;
mod splice;
mod verify;

#[cfg(test)]
#[expect(clippy::string_slice, reason = "tests may panic")]
mod tests;

pub use charset::text_of;
pub use error::{Format, Reason, SpliceError, Unreadable};
pub use limits::Limits;
pub use open::{Located, open};
pub use splice::Outgoing;
