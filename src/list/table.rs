//! Rows of a table: CSV and TSV in UTF-8 or CP932, and the first sheet of an XLSX workbook. One row at a time, bounded.
//! Must not know: what a column holds.

use std::cell::Cell as Counter;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use calamine::{DataRef, Reader as _, Xlsx};
use zeroize::Zeroize;

use super::ListError;

/// Bytes of the longest row.
const ROW: usize = 1 << 20;
/// Columns of the widest row.
const WIDE: usize = 1024;
/// Bytes at the beginning that tell the charset.
const HEAD: u64 = 1 << 20;
/// What a workbook may unpack to: a million people in a sheet, their words apart.
const SHEET: u64 = 2 << 30;
const STRINGS: u64 = 512 << 20;

/// How a table is written.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub encoding: Encoding,
    /// What parts the columns of a text; guessed from the first line when absent.
    pub delimiter: Option<u8>,
    /// Sheet of a workbook; the first when absent.
    pub sheet: Option<String>,
    /// The first line is a person.
    pub no_header: bool,
    /// `name=3`, `kana=フリガナ`.
    pub columns: Vec<String>,
    /// Rows that cannot be read are left out and counted, instead of stopping everything.
    pub skip_broken: bool,
}

/// Charset of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// UTF-8 when the first megabyte is, else CP932.
    #[default]
    Auto,
    #[value(name = "utf-8")]
    Utf8,
    /// Shift_JIS as Windows writes it.
    Cp932,
}

/// One cell. `Debug` prints its length.
#[derive(Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    /// It was a number in the workbook: zeros in front are lost.
    pub(super) numeric: bool,
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cell({})", self.text.len())
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// A row, or why it cannot be read.
pub(super) type Row<'a> = Result<&'a [Cell], Broken>;

/// A cell that is not in the charset of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    pub(super) column: usize,
    pub(super) charset: &'static str,
}

/// Every row of a table, with its line; `progress` is told (done, of all) in bytes or rows.
///
/// # Errors
/// When the table cannot be read, or `each` says so.
pub(super) fn rows(
    path: &Path,
    options: &Options,
    progress: &dyn Fn(u64, u64),
    each: &mut dyn FnMut(u64, Row<'_>) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let file = |source| ListError::File { path: path.to_owned(), source };
    let mut opened = File::open(path).map_err(file)?;
    let mut head = Vec::new();
    (&mut opened).take(HEAD).read_to_end(&mut head).map_err(file)?;
    let size = opened.metadata().map_err(file)?.len();
    opened.seek(SeekFrom::Start(0)).map_err(file)?;
    if head.iter().all(u8::is_ascii_whitespace) && size <= HEAD {
        return Err(ListError::Empty { path: path.to_owned() });
    }
    if head.starts_with(b"PK\x03\x04") {
        return workbook(path, opened, options, progress, each);
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(ListError::OldWorkbook { path: path.to_owned() });
    }
    let charset = charset(&head, options.encoding);
    let delimiter = options.delimiter.unwrap_or_else(|| delimiter(&head, path));
    head.zeroize();
    text(path, opened, size, charset, delimiter, progress, each)
}

fn charset(head: &[u8], wanted: Encoding) -> &'static encoding_rs::Encoding {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        // Said by the rows: they are no text in either charset.
        return encoding_rs::UTF_8;
    }
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The end of the head may cut a letter.
        Err(error) => error.error_len().is_none(),
    };
    match wanted {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Auto if utf8 => encoding_rs::UTF_8,
        Encoding::Auto | Encoding::Cp932 => encoding_rs::SHIFT_JIS,
    }
}

/// What stands most often in the first line, tabs before commas before semicolons.
fn delimiter(head: &[u8], path: &Path) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    let tsv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("tsv"));
    [b'\t', b',', b';']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| count(*delimiter))
        .filter(|delimiter| count(*delimiter) > 0)
        .unwrap_or(if tsv { b'\t' } else { b',' })
}

/// Counts what was read since the last row.
struct Counted {
    from: BufReader<File>,
    all: Rc<Counter<u64>>,
    since: Rc<Counter<usize>>,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        if self.since.get() > ROW {
            return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge));
        }
        let read = self.from.read(bytes)?;
        self.all.set(self.all.get() + read as u64);
        self.since.set(self.since.get() + read);
        Ok(read)
    }
}

fn text(
    path: &Path,
    file: File,
    size: u64,
    charset: &'static encoding_rs::Encoding,
    delimiter: u8,
    progress: &dyn Fn(u64, u64),
    each: &mut dyn FnMut(u64, Row<'_>) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let (all, since) = (Rc::new(Counter::new(0)), Rc::new(Counter::new(0)));
    let from = Counted { from: BufReader::new(file), all: Rc::clone(&all), since: Rc::clone(&since) };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(from);
    let mut record = csv::ByteRecord::new();
    let mut cells: Vec<Cell> = Vec::new();
    let mut line = 1;
    loop {
        since.set(0);
        let more = match reader.read_byte_record(&mut record) {
            Ok(more) => more,
            Err(error) => {
                return Err(match error.into_kind() {
                    csv::ErrorKind::Io(source) if source.kind() == std::io::ErrorKind::FileTooLarge => {
                        ListError::LongRow { path: path.to_owned(), line, limit: ROW }
                    }
                    csv::ErrorKind::Io(source) => ListError::File { path: path.to_owned(), source },
                    _ => ListError::Form { path: path.to_owned(), why: "it is no table of text" },
                });
            }
        };
        if !more {
            return Ok(());
        }
        line = record.position().map_or(line, csv::Position::line);
        let next = reader.position().line();
        if record.as_slice().len() > ROW {
            return Err(ListError::LongRow { path: path.to_owned(), line, limit: ROW });
        }
        if record.len() > WIDE {
            return Err(ListError::Wide { path: path.to_owned(), line, columns: record.len(), limit: WIDE });
        }
        cells.truncate(record.len());
        cells.resize(record.len(), Cell::default());
        let mut broken = None;
        for (column, (cell, bytes)) in cells.iter_mut().zip(&record).enumerate() {
            cell.text.zeroize();
            let bytes =
                if line == 1 && column == 0 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
            match charset.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => cell.text.push_str(&text),
                None => broken = broken.or(Some(Broken { column: column + 1, charset: charset.name() })),
            }
        }
        each(line, broken.map_or(Ok(cells.as_slice()), Err))?;
        progress(all.get(), size);
        line = next;
    }
}

fn workbook(
    path: &Path,
    mut file: File,
    options: &Options,
    progress: &dyn Fn(u64, u64),
    each: &mut dyn FnMut(u64, Row<'_>) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let wrong = |why| ListError::Xlsx { path: path.to_owned(), why };
    bounded(path, &file)?;
    file.seek(SeekFrom::Start(0)).map_err(|source| ListError::File { path: path.to_owned(), source })?;
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(|error| match error {
        calamine::XlsxError::Password => ListError::OldWorkbook { path: path.to_owned() },
        _ => wrong("its parts are not those of a workbook"),
    })?;
    let names = book.sheet_names();
    let sheet = match &options.sheet {
        Some(wanted) => names.iter().find(|name| *name == wanted),
        None => names.first(),
    };
    let sheet = sheet.cloned().ok_or_else(|| ListError::NoSheet { path: path.to_owned(), count: names.len() })?;
    let mut reader = book.worksheet_cells_reader(&sheet).map_err(|_| wrong("the sheet is none of cells"))?;
    let all = u64::from(reader.dimensions().end.0) + 1;
    let mut cells: Vec<Cell> = Vec::new();
    let mut row = 0;
    loop {
        let cell = reader.next_cell().map_err(|_| wrong("a cell of the sheet cannot be read"))?;
        let next = cell.as_ref().map(|cell| cell.get_position().0);
        if next != Some(row) {
            if cells.iter().any(|cell| !cell.text.is_empty()) {
                each(u64::from(row) + 1, Ok(&cells))?;
            }
            progress(u64::from(row), all);
            cells.clear();
        }
        let Some(cell) = cell else { return Ok(()) };
        row = cell.get_position().0;
        let column = cell.get_position().1 as usize;
        if column >= WIDE {
            let (path, line) = (path.to_owned(), u64::from(row) + 1);
            return Err(ListError::Wide { path, line, columns: column + 1, limit: WIDE });
        }
        if cells.len() <= column {
            cells.resize(column + 1, Cell::default());
        }
        if let Some(slot) = cells.get_mut(column) {
            *slot = value(cell.get_value());
        }
    }
}

fn value(value: &DataRef<'_>) -> Cell {
    let (text, numeric) = match value {
        DataRef::String(text) => (text.clone(), false),
        DataRef::SharedString(text) => ((*text).to_owned(), false),
        DataRef::Int(number) => (number.to_string(), true),
        // Numbers of people are whole, and as precise as a workbook keeps them.
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => (format!("{number:.0}"), true),
        _ => (String::new(), false),
    };
    Cell { text, numeric }
}

/// Unpack every part of a workbook into nothing, and stop past the limits: what a part says of its size is not believed.
fn bounded(path: &Path, file: &File) -> Result<(), ListError> {
    let wrong = |why| ListError::Xlsx { path: path.to_owned(), why };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| wrong("it is no whole archive"))?;
    let mut buffer = vec![0; 1 << 16];
    let mut sum = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|_| wrong("a part of it cannot be unpacked"))?;
        let strings = part.name().is_ok_and(|name| name.ends_with("sharedStrings.xml"));
        let (entry, limit) = if strings { ("its words", STRINGS) } else { ("a sheet", SHEET) };
        let mut size = 0;
        loop {
            let read = part.read(&mut buffer).map_err(|_| wrong("a part of it cannot be unpacked"))?;
            if read == 0 {
                break;
            }
            size += read as u64;
            sum += read as u64;
            if size > limit || sum > SHEET {
                return Err(ListError::Bomb { path: path.to_owned(), entry, limit });
            }
        }
    }
    buffer.zeroize();
    Ok(())
}
