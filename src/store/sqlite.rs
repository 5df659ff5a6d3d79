//! SQLite: `journal_mode=WAL`, `synchronous=FULL`, so that a committed transaction survives a power loss.
//! Migrations are numbered files, one transaction each; a newer schema is refused.
//! Must not know: keys, plain text.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::record::chain::Head;
use crate::record::{Aside, Sealed, Store, StoreError};

const MIGRATIONS: [&str; 2] = [include_str!("sql/0001_record.sql"), include_str!("sql/0002_aside.sql")];

/// A key on a shelf: a keyed digest or a code.
pub type Key = Vec<u8>;
/// Ciphertext.
pub type SealedValue = Vec<u8>;

/// The writing side.
pub struct Sqlite {
    connection: Connection,
    /// Most values of a shelf and scope.
    rows: u32,
    /// Values written since a shelf of a scope was last cut.
    written: HashMap<(&'static str, Vec<u8>), u32>,
}

/// A reading side: the command line, the console, look-ups of the vault.
pub struct Reader {
    connection: Connection,
}

impl Sqlite {
    /// Open or make the file (0600) and bring its schema up.
    ///
    /// # Errors
    /// When the file cannot be used or is of a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        private_file(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        migrate(&mut connection)?;
        Ok(Self { connection, rows: u32::MAX, written: HashMap::new() })
    }

    /// Keep at most so many values of a shelf and scope, and an eighth more between two cuts.
    #[must_use]
    pub fn rows(self, rows: u32) -> Self {
        Self { rows, ..self }
    }

    /// Shelves that are due to be cut after these values.
    fn due(&mut self, asides: &[Aside]) -> Vec<(&'static str, Vec<u8>)> {
        let slack = (self.rows / 8).clamp(1, 256);
        if self.written.len() > 65_536 {
            self.written.clear();
        }
        let mut due = Vec::new();
        for value in asides {
            let written = self.written.entry((value.table, value.scope.clone())).or_default();
            *written += 1;
            if *written >= slack {
                *written = 0;
                due.push((value.table, value.scope.clone()));
            }
        }
        due
    }
}

/// The oldest values of a shelf and scope beyond `rows` go.
fn cut(connection: &Connection, shelf: &str, scope: &[u8], rows: u32) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM aside WHERE shelf = ?1 AND scope = ?2 AND key IN
             (SELECT key FROM aside WHERE shelf = ?1 AND scope = ?2 ORDER BY expires_ms DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![shelf, scope, rows])?;
    Ok(())
}

impl Store for Sqlite {
    fn head(&mut self) -> Result<Head, StoreError> {
        let head = self
            .connection
            .query_row("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok(Head { seq: unsigned(row.get(0)?), hash: row.get(1)? })
            })
            .optional()?;
        Ok(head.unwrap_or_default())
    }

    fn append(&mut self, events: &[Sealed], asides: &[Aside]) -> Result<(), StoreError> {
        let due = self.due(asides);
        let transaction = self.connection.transaction()?;
        {
            let mut event = transaction.prepare_cached(
                "INSERT INTO event (seq, hash, at_ms, kind, record, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut print =
                transaction.prepare_cached("INSERT OR IGNORE INTO fingerprint (print, seq) VALUES (?1, ?2)")?;
            for sealed in events {
                event.execute(params![
                    signed(sealed.seq),
                    sealed.hash,
                    signed(sealed.at_ms),
                    sealed.kind,
                    sealed.record,
                    sealed.body
                ])?;
                for fingerprint in &sealed.fingerprints {
                    print.execute(params![fingerprint, signed(sealed.seq)])?;
                }
            }
            let mut aside = transaction.prepare_cached(
                "INSERT INTO aside (shelf, scope, key, sealed, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (shelf, scope, key) DO UPDATE SET sealed = excluded.sealed, expires_ms = excluded.expires_ms
                 WHERE excluded.shelf NOT IN ('recent', 'vault') OR excluded.expires_ms >= aside.expires_ms",
            )?;
            for value in asides {
                aside.execute(params![value.table, value.scope, value.key, value.sealed, signed(value.expires_ms)])?;
            }
        }
        for (shelf, scope) in due {
            cut(&transaction, shelf, &scope, self.rows)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn retired_by(&mut self, before_ms: u64) -> Result<Option<(u64, u64, u64)>, StoreError> {
        let (from, to, bodies): (Option<i64>, Option<i64>, i64) = self.connection.query_row(
            "SELECT min(seq), max(seq), count(*) FROM event
             WHERE at_ms < ?1 AND body IS NOT NULL AND kind NOT IN ('checkpoint', 'tombstone')",
            [signed(before_ms)],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        Ok(from.zip(to).map(|(from, to)| (unsigned(from), unsigned(to), unsigned(bodies))))
    }

    fn retire(&mut self, from_seq: u64, to_seq: u64, tombstone: &Sealed) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let range = params![signed(from_seq), signed(to_seq)];
        transaction.execute(
            "UPDATE event SET body = NULL WHERE seq BETWEEN ?1 AND ?2 AND kind NOT IN ('checkpoint', 'tombstone')",
            range,
        )?;
        transaction.execute("DELETE FROM fingerprint WHERE seq BETWEEN ?1 AND ?2", range)?;
        transaction.execute(
            "INSERT INTO event (seq, hash, at_ms, kind, record, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                signed(tombstone.seq),
                tombstone.hash,
                signed(tombstone.at_ms),
                tombstone.kind,
                tombstone.record,
                tombstone.body
            ],
        )?;
        transaction.commit()?;
        Ok(())
    }

    fn expire(&mut self, now_ms: u64) -> Result<u64, StoreError> {
        Ok(self.connection.execute("DELETE FROM aside WHERE expires_ms <= ?1", [signed(now_ms)])? as u64)
    }

    fn open_records(&mut self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT o.record FROM event o WHERE o.kind = 'opened' AND o.record IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM event c WHERE c.record = o.record AND c.kind IN ('closed', 'interrupted')) ORDER BY o.seq",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// One row of the record as people see it: bodies are canonical JSON.
#[derive(Clone, Debug)]
pub struct Row {
    pub record: String,
    pub seq: u64,
    pub at_ms: u64,
    /// `None` when retention removed it.
    pub opened: Option<String>,
    pub closed: Option<String>,
    /// `opened` or `passed`.
    pub opened_as: String,
    /// `closed`, `interrupted`, or `None` while it is under way.
    pub closed_as: Option<String>,
}

/// What `record list` filters by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub verdict: Option<String>,
    pub person: Option<String>,
    pub service: Option<String>,
    pub kind: Option<String>,
    pub since_ms: Option<u64>,
    pub until_ms: Option<u64>,
    /// Key-set paging: rows before this number.
    pub before_seq: Option<u64>,
    pub limit: u32,
}

const COLUMNS: &str = "record, seq, at_ms, opened, closed, opened_as, closed_as";

impl Reader {
    /// Open an existing file for reading.
    ///
    /// # Errors
    /// When there is none, or it is of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let known = MIGRATIONS.len() as i64;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        Ok(Self { connection })
    }

    /// The sealed value on a shelf, if it has not expired.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn aside(&self, shelf: &str, scope: &[u8], key: &[u8], now_ms: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sealed FROM aside WHERE shelf = ?1 AND scope = ?2 AND key = ?3 AND expires_ms > ?4",
        )?;
        Ok(statement.query_row(params![shelf, scope, key, signed(now_ms)], |row| row.get(0)).optional()?)
    }

    /// The newest values of a shelf and scope: key and sealed value.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn asides(
        &self,
        shelf: &str,
        scope: &[u8],
        now_ms: u64,
        limit: u32,
    ) -> Result<Vec<(Key, SealedValue)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, sealed FROM aside WHERE shelf = ?1 AND scope = ?2 AND expires_ms > ?3 ORDER BY expires_ms DESC LIMIT ?4",
        )?;
        let rows =
            statement.query_map(params![shelf, scope, signed(now_ms), limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Rows, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn rows(&self, filter: &Filter) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM record_row
             WHERE (?1 IS NULL OR verdict = ?1) AND (?2 IS NULL OR person = ?2) AND (?3 IS NULL OR service = ?3)
               AND (?4 IS NULL OR json_extract(kinds, '$.' || ?4) > 0) AND (?5 IS NULL OR at_ms >= ?5)
               AND (?6 IS NULL OR at_ms < ?6) AND (?7 IS NULL OR seq < ?7)
             ORDER BY seq DESC LIMIT ?8"
        ))?;
        let rows = statement.query_map(
            params![
                filter.verdict,
                filter.person,
                filter.service,
                filter.kind,
                filter.since_ms.map(signed),
                filter.until_ms.map(signed),
                filter.before_seq.map(signed),
                filter.limit
            ],
            row,
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One record.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn row(&self, record: &str) -> Result<Option<Row>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM record_row WHERE record = ?1 LIMIT 1"))?;
        Ok(statement.query_row([record], row).optional()?)
    }

    /// The records in whose `opened` event one of these fingerprints stands, oldest first, with the fingerprint.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn with_fingerprints(&self, prints: &[String]) -> Result<Vec<(String, Row)>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT f.print, {} FROM fingerprint f JOIN record_row r ON r.seq = f.seq WHERE f.print = ?1 ORDER BY r.seq",
            COLUMNS.split(", ").map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", ")
        ))?;
        let mut found = Vec::new();
        for print in prints {
            let rows = statement.query_map([print], |at| {
                Ok((
                    at.get(0)?,
                    Row {
                        record: at.get(1)?,
                        seq: unsigned(at.get(2)?),
                        at_ms: unsigned(at.get(3)?),
                        opened: at.get(4)?,
                        closed: at.get(5)?,
                        opened_as: at.get(6)?,
                        closed_as: at.get(7)?,
                    },
                ))
            })?;
            for pair in rows {
                found.push(pair?);
            }
        }
        found.sort_by_key(|(_, row): &(String, Row)| row.seq);
        Ok(found)
    }

    /// Every event in order: number, hash, body.
    ///
    /// # Errors
    /// When the database refuses, or `each` does.
    pub fn events<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(u64, String, Option<String>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement =
            self.connection.prepare("SELECT seq, hash, body FROM event ORDER BY seq").map_err(StoreError::from)?;
        let mut rows = statement.query([]).map_err(StoreError::from)?;
        while let Some(at) = rows.next().map_err(StoreError::from)? {
            let seq: i64 = at.get(0).map_err(StoreError::from)?;
            each(unsigned(seq), at.get(1).map_err(StoreError::from)?, at.get(2).map_err(StoreError::from)?)?;
        }
        Ok(())
    }
}

fn row(at: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        record: at.get(0)?,
        seq: unsigned(at.get(1)?),
        at_ms: unsigned(at.get(2)?),
        opened: at.get(3)?,
        closed: at.get(4)?,
        opened_as: at.get(5)?,
        closed_as: at.get(6)?,
    })
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

fn private_file(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if path.exists() {
        return Ok(());
    }
    std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    // SQLite syncs the folder for its journals, not for the database itself.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
