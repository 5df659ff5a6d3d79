//! From a table to a list: rows → people → tags. Nothing is written unless every row could be read.
//! Must not know: how a file is laid out, the command line.

use std::collections::HashSet;
use std::path::Path;

use super::columns::{Column, Columns};
use super::file::{Put, Roster};
use super::table::{self, Cell, Options};
use super::{Keys, ListError};
use crate::detect::engine::list::{Name, Person};
use crate::detect::text::Text;

/// Rows that are named in an error; more are counted.
const NAMED: usize = 20;

/// What is done with the people of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put in; who is there already gets the forms of the table.
    Add,
    Remove,
}

/// What became of a table. Counts only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Columns that were found: word and number.
    pub columns: Vec<(&'static str, usize)>,
    pub rows: u64,
    pub new: u64,
    pub changed: u64,
    pub same: u64,
    pub removed: u64,
    /// To be removed, and not there.
    pub absent: u64,
    /// Rows of a person that an earlier row of the table was of.
    pub repeated: u64,
    /// Rows without name and number.
    pub empty: u64,
    /// Rows that could not be read, with `skip_broken`.
    pub broken: u64,
    /// People without a reading: kana and romaji of them are not found.
    pub without_reading: u64,
    /// People without a number: told apart by their name alone.
    pub without_number: u64,
    /// Names with letters of the hospital's own (外字), which no text has.
    pub own_letters: u64,
    /// Names and numbers too short or too long to be found.
    pub left: u64,
    /// Patient numbers that were numbers of the workbook: with zeros in front they are found beside a cue only.
    pub numeric: u64,
}

/// Read a table and change the list by it.
///
/// # Errors
/// When the table cannot be read, its columns are not told, or a row is broken: the list is then as it was, in the file.
pub fn import(
    roster: &mut Roster,
    change: Change,
    path: &Path,
    options: &Options,
    keys: &Keys,
    progress: &dyn Fn(u64, u64),
) -> Result<Report, ListError> {
    let tagger = keys.tagger();
    let mut report = Report::default();
    let mut columns: Option<Columns> = None;
    let mut seen: HashSet<u64> = HashSet::new();
    let mut wrong = Vec::new();
    let mut last = 0;
    table::rows(path, options, progress, &mut |line, row| {
        last = line;
        let row = match row {
            Ok(row) => row,
            Err(broken) if columns.is_none() && !options.no_header => {
                return Err(rows_error(path, &[(line, broken)], 1));
            }
            Err(broken) => {
                report.rows += 1;
                report.broken += 1;
                if wrong.len() < NAMED {
                    wrong.push((line, broken));
                }
                return Ok(());
            }
        };
        if columns.is_none() {
            let found = if options.no_header {
                let named = Columns::named(&options.columns)?;
                named.check(path, line, row.len())?;
                named
            } else {
                Columns::of(row, &options.columns, path, line)?
            };
            report.columns = found.found().collect();
            columns = Some(found);
            if !options.no_header {
                return Ok(());
            }
        }
        let Some(columns) = &columns else { return Ok(()) };
        report.rows += 1;
        let person = person(columns, row, &mut report);
        if person.is_empty() {
            report.empty += 1;
            return Ok(());
        }
        let tags = person.tags(&tagger);
        if tags.tags.is_empty() && change == Change::Add {
            report.left += tags.left as u64;
            report.empty += 1;
            return Ok(());
        }
        let fresh = seen.insert(tags.person);
        report.repeated += u64::from(!fresh);
        match change {
            Change::Remove if roster.remove(tags.person) => report.removed += 1,
            Change::Remove => report.absent += u64::from(fresh),
            Change::Add => {
                report.left += tags.left as u64;
                match roster.put(&tags, fresh) {
                    Put::New => report.new += 1,
                    Put::Changed if fresh => report.changed += 1,
                    Put::Changed => {}
                    Put::Same => report.same += u64::from(fresh),
                }
                report.without_reading += u64::from(fresh && person.kana.is_empty() && person.latin.is_empty());
                report.without_number += u64::from(fresh && person.numbers.is_empty());
            }
        }
        Ok(())
    })?;
    if !wrong.is_empty() && !options.skip_broken {
        return Err(rows_error(path, &wrong, report.broken));
    }
    if columns.is_none() || report.rows == 0 {
        return Err(ListError::Empty { path: path.to_owned() });
    }
    Ok(report)
}

fn rows_error(path: &Path, wrong: &[(u64, table::Broken)], count: u64) -> ListError {
    let mut lines: Vec<String> = wrong
        .iter()
        .map(|(line, broken)| {
            let charset = if broken.charset == "Shift_JIS" { "CP932" } else { broken.charset };
            format!("  line {line}, column {}: these bytes are no {charset}", broken.column)
        })
        .collect();
    if count > wrong.len() as u64 {
        lines.push(format!("  and {} rows more", count - wrong.len() as u64));
    }
    lines.push(
        "  save the table as CSV UTF-8, or name its charset (--encoding cp932 or utf-8); --skip-broken leaves these rows out"
            .to_owned(),
    );
    ListError::Rows { path: path.to_owned(), lines: lines.join("\n") }
}

/// The person of a row.
fn person(columns: &Columns, row: &[Cell], report: &mut Report) -> Person {
    let cells = |column| columns.cells(column, row).map(|cell| clean(&cell.text)).filter(|text| !text.is_empty());
    let first = |column| cells(column).next().unwrap_or_default();
    let mut person = Person::default();
    person.names.extend(cells(Column::Name).map(|name| Name::of(&name)));
    let (surname, given) = (first(Column::Surname), first(Column::Given));
    if !surname.is_empty() && !given.is_empty() {
        person.names.push(Name::parts(&surname, &given));
    }
    person.names.extend(cells(Column::Alias).map(|name| Name::of(&name)));
    // A former surname stands before the given name of now; a full name stands for itself.
    let given = person.names.first().map(|name| name.given.clone()).unwrap_or_default();
    let former: Vec<Name> = cells(Column::Former)
        .filter_map(|former| match Name::of(&former) {
            name if !name.given.is_empty() => Some(name),
            _ if given.is_empty() => None,
            _ => Some(Name::parts(&former, &given)),
        })
        .collect();
    person.names.extend(former);
    person.kana.extend(cells(Column::Kana).map(|kana| Name::of(&kana)));
    let (surname, given) = (first(Column::KanaSurname), first(Column::KanaGiven));
    if !surname.is_empty() && !given.is_empty() {
        person.kana.push(Name::parts(&surname, &given));
    }
    person.latin.extend(cells(Column::Romaji).map(|name| Name::of(&name)));
    for cell in columns.cells(Column::Number, row) {
        report.numeric += u64::from(cell.numeric);
        person.numbers.push(cell.text.trim().to_owned());
    }
    for cell in columns.cells(Column::Phone, row) {
        let digits = cell.text.trim();
        // A workbook's number has lost its first zero.
        let lost = cell.numeric && matches!(digits.len(), 9 | 10) && !digits.starts_with('0');
        person.phones.push(if lost { format!("0{digits}") } else { digits.to_owned() });
    }
    let own = |name: &Name| {
        let mut letters = name.surname.chars().chain(name.given.chars()).chain(name.whole.chars());
        letters.any(|letter| matches!(letter, '\u{e000}'..='\u{f8ff}' | '〓' | '■' | '?' | '\u{fffd}'))
    };
    report.own_letters += u64::from(person.names.iter().any(own));
    person
}

/// A name without remarks in brackets and without an honorific at its end.
fn clean(written: &str) -> String {
    let text = Text::new(written);
    let mut name = String::new();
    let mut depth = 0_u32;
    for letter in text.folded().chars() {
        match letter {
            '(' | '[' | '【' | '〔' => depth += 1,
            ')' | ']' | '】' | '〕' => depth = depth.saturating_sub(1),
            _ if depth == 0 => name.push(letter),
            _ => {}
        }
    }
    let name = name.trim();
    let bare = ["様", "殿", "さま"].iter().find_map(|title| name.strip_suffix(title)).unwrap_or(name).trim();
    bare.to_owned()
}
