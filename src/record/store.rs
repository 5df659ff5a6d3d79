//! The seam to storage: events in, and what must become durable with them in the same breath.
//! Implementers: SQLite (`store::sqlite`), and a faulty one for tests of power loss and full disks.
//! Must not know: what an event says.

use super::chain::Head;

/// An event with its place in the chain, ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    pub seq: u64,
    pub hash: String,
    pub at_ms: u64,
    pub kind: &'static str,
    pub record: Option<String>,
    pub fingerprints: Vec<String>,
    /// Canonical JSON.
    pub body: String,
}

/// An encrypted value that commits with the events: vault words and memories. `Debug` prints lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct Aside {
    /// `vault`, `unit`, `answer`, `signed`.
    pub table: &'static str,
    /// Keyed tag of the scope.
    pub scope: Vec<u8>,
    /// Keyed digest or code.
    pub key: Vec<u8>,
    pub sealed: Vec<u8>,
    pub expires_ms: u64,
}

impl std::fmt::Debug for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aside").field("table", &self.table).field("bytes", &self.sealed.len()).finish_non_exhaustive()
    }
}

/// Why storage did not take it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("the database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "the database was written by a newer version (schema {found}, this program knows {known}): use that version"
    )]
    Newer { found: i64, known: i64 },
    #[error("the database file cannot be used: {0}")]
    File(#[from] std::io::Error),
    #[error("storage failed on purpose")]
    Injected,
}

impl StoreError {
    /// Another process appended first and took the number.
    #[must_use]
    pub fn taken(&self) -> bool {
        matches!(self, StoreError::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation))
    }
}

/// Append-only storage of one chain.
pub trait Store: Send {
    /// The end of the chain as stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn head(&mut self) -> Result<Head, StoreError>;

    /// Store all or nothing, durably: when this returns `Ok`, a power loss does not undo it.
    ///
    /// # Errors
    /// When nothing was stored.
    fn append(&mut self, events: &[Sealed], asides: &[Aside]) -> Result<(), StoreError>;

    /// What would be retired: first and last number and count of bodies from before `before_ms` (checkpoints and
    /// tombstones stay).
    ///
    /// # Errors
    /// When the store cannot be read.
    fn retired_by(&mut self, before_ms: u64) -> Result<Option<(u64, u64, u64)>, StoreError>;

    /// Remove the bodies and fingerprints of these numbers and store the tombstone that says so, all or nothing.
    ///
    /// # Errors
    /// When nothing was changed.
    fn retire(&mut self, from_seq: u64, to_seq: u64, tombstone: &Sealed) -> Result<(), StoreError>;

    /// Remove values on the shelves whose time has passed.
    ///
    /// # Errors
    /// When nothing was changed.
    fn expire(&mut self, now_ms: u64) -> Result<u64, StoreError>;

    /// Records that were opened and neither closed nor interrupted.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_records(&mut self) -> Result<Vec<String>, StoreError>;
}
