//! What can be wrong with a list, by file, line and column, with the cure. Never a cell's text.
//! Must not know: how a row is read.

use std::path::PathBuf;

/// Why a list cannot be read, made or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is open to others (mode {mode:o}): chmod 600 it")]
    Mode { path: PathBuf, mode: u32 },
    #[error("{path} is no list of this program: {why}")]
    Form { path: PathBuf, why: &'static str },
    #[error(
        "{path} was made with the list key {made_with}, and the key ring has {ring}: import the list again, or bring the \
         ring that it was made with"
    )]
    Key { path: PathBuf, made_with: String, ring: String },
    #[error("{path} is damaged or was not made by this program with this key: import the list again")]
    Damaged { path: PathBuf },
    #[error("{path} holds nothing; a list is a table with a line of headings and a line for each person")]
    Empty { path: PathBuf },
    #[error(
        "{path}, line {line}: none of the {columns} headings is one for names or numbers; headings that are known: {known}. \
         Name the columns: --column name=2 --column kana=3 --column number=1 (and --no-header when the first line is a person)"
    )]
    NoColumn { path: PathBuf, line: u64, columns: usize, known: &'static str },
    #[error("{path}, line {line}: there is a column for {found} and none for {missing}: --column {missing}=NUMBER")]
    HalfName { path: PathBuf, line: u64, found: &'static str, missing: &'static str },
    #[error("--column {given}: {why}")]
    Column { given: String, why: String },
    #[error("{path}:\n{lines}")]
    Rows { path: PathBuf, lines: String },
    #[error(
        "{path}, line {line}: a row longer than {limit} bytes; a quotation mark is left open, or this is no table \
         (--delimiter names what parts the columns)"
    )]
    LongRow { path: PathBuf, line: u64, limit: usize },
    #[error("{path}, line {line}: {columns} columns are more than {limit}")]
    Wide { path: PathBuf, line: u64, columns: usize, limit: usize },
    #[error("{path} unpacks to more than {limit} bytes in {entry}: this is no table of people; save it as CSV")]
    Bomb { path: PathBuf, entry: &'static str, limit: u64 },
    #[error("{path} cannot be read as XLSX ({why}): open it and save it again as .xlsx, or as CSV")]
    Xlsx { path: PathBuf, why: &'static str },
    #[error(
        "{path} is a workbook of the old form (.xls) or one with a password: save it as .xlsx without one, or as CSV"
    )]
    OldWorkbook { path: PathBuf },
    #[error("{path} has no sheet of this name; it has {count}: leave --sheet out for the first")]
    NoSheet { path: PathBuf, count: usize },
    #[error(
        "{path} would make the list shrink from {before} to {after} people; `list import` replaces the whole list, `list add` \
         adds to it: --yes when this is meant"
    )]
    Shrinks { path: PathBuf, before: u64, after: u64 },
    #[error("there is no list yet: `tsuitate list import FILE` makes one")]
    None,
    #[error(transparent)]
    Index(#[from] crate::detect::engine::list::IndexError),
}
