//! The hospital's list: from a table of people to a file of keyed tags, and from the file to the index that `detect`
//! searches. Names pass through here and are kept nowhere: not in the file, not in errors, not in reports.
//! Must not know: requests, what is done with a hit.

mod columns;
mod error;
mod file;
mod import;
mod table;
#[cfg(test)]
mod tests;

pub use columns::{Column, Columns};
pub use error::ListError;
pub use file::{Header, Keys, Roster, header, load};
pub use import::{Change, Report, import};
pub use table::{Encoding, Options};
