//! Where things are kept: the record's chain, and encrypted values that expire (vault words, memories).
//! One SQLite file; one writer (the record's thread), readers of their own.
//! Must not know: what an event says, keys; it sees ciphertext only.

pub mod sqlite;

pub use sqlite::{Reader, Sqlite};
