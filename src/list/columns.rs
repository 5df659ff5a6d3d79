//! Which column is what: by the headings' words, or named on the command line.
//! Must not know: how a row is read, tags.

use std::path::Path;
use std::sync::LazyLock;

use super::ListError;
use super::table::Cell;
use crate::detect::engine::list::WORDS;
use crate::detect::text::Text;

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Name,
    Surname,
    Given,
    Kana,
    KanaSurname,
    KanaGiven,
    Romaji,
    /// A surname, or a full name, that the person had before.
    Former,
    /// A name the person also goes by.
    Alias,
    Number,
    Phone,
}

impl Column {
    pub const ALL: [Column; 11] = [
        Column::Name,
        Column::Surname,
        Column::Given,
        Column::Kana,
        Column::KanaSurname,
        Column::KanaGiven,
        Column::Romaji,
        Column::Former,
        Column::Alias,
        Column::Number,
        Column::Phone,
    ];

    /// The word on the command line and in `patterns/list/words.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Column::Name => "name",
            Column::Surname => "surname",
            Column::Given => "given",
            Column::Kana => "kana",
            Column::KanaSurname => "kana_surname",
            Column::KanaGiven => "kana_given",
            Column::Romaji => "romaji",
            Column::Former => "former",
            Column::Alias => "alias",
            Column::Number => "number",
            Column::Phone => "phone",
        }
    }
}

/// What `NoColumn` says: the first heading of each column.
static KNOWN: LazyLock<String> = LazyLock::new(|| {
    let first = |column: &Column| WORDS.columns.get(column.as_str()).and_then(|words| words.first()).cloned();
    Column::ALL.iter().filter_map(first).collect::<Vec<_>>().join(", ")
});

/// The columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Vec<(Column, usize)>);

impl Columns {
    /// What is named on the command line (`name=3`, `kana=フリガナ`), for a table without headings.
    ///
    /// # Errors
    /// When it cannot be meant so.
    pub(super) fn named(given: &[String]) -> Result<Self, ListError> {
        let mut columns = Self::default();
        for one in given {
            let (column, place) = parse(one)?;
            let Ok(number) = place.parse::<usize>() else {
                return Err(wrong(one, "without headings a column is named by its number, 1 for the first"));
            };
            columns.add(one, column, number)?;
        }
        Ok(columns)
    }

    /// The columns of a line of headings, and what is named on the command line.
    ///
    /// # Errors
    /// When nothing by which people can be found is among them.
    pub(super) fn of(headings: &[Cell], given: &[String], path: &Path, line: u64) -> Result<Self, ListError> {
        let headings: Vec<String> = headings.iter().map(|cell| plain(&cell.text)).collect();
        let mut columns = Self::default();
        for one in given {
            let (column, place) = parse(one)?;
            let number = match place.parse::<usize>() {
                Ok(number) if number <= headings.len() => number,
                Ok(_) => return Err(wrong(one, &format!("there are {} columns", headings.len()))),
                Err(_) => match headings.iter().position(|heading| *heading == plain(place)) {
                    Some(at) => at + 1,
                    None => return Err(wrong(one, "no column has this heading")),
                },
            };
            columns.add(one, column, number)?;
        }
        let named: Vec<Column> = columns.0.iter().map(|(column, _)| *column).collect();
        for (at, heading) in headings.iter().enumerate() {
            let known = Column::ALL.into_iter().find(|column| {
                WORDS.columns.get(column.as_str()).is_some_and(|words| words.iter().any(|word| word == heading))
            });
            if let Some(column) = known.filter(|column| !named.contains(column))
                && !columns.0.iter().any(|(_, taken)| *taken == at)
            {
                columns.0.push((column, at));
            }
        }
        columns.check(path, line, headings.len())?;
        Ok(columns)
    }

    /// Can people be found by these?
    pub(super) fn check(&self, path: &Path, line: u64, columns: usize) -> Result<(), ListError> {
        let has = |column| self.0.iter().any(|(one, _)| *one == column);
        for (one, other) in [(Column::Surname, Column::Given), (Column::KanaSurname, Column::KanaGiven)] {
            let whole = if one == Column::Surname { Column::Name } else { Column::Kana };
            if has(one) != has(other) && !has(whole) {
                let (found, missing) = if has(one) { (one, other) } else { (other, one) };
                return Err(ListError::HalfName {
                    path: path.to_owned(),
                    line,
                    found: found.as_str(),
                    missing: missing.as_str(),
                });
            }
        }
        let enough = [Column::Name, Column::Surname, Column::Kana, Column::KanaSurname, Column::Romaji, Column::Number];
        if !enough.into_iter().any(has) {
            return Err(ListError::NoColumn { path: path.to_owned(), line, columns, known: KNOWN.as_str() });
        }
        Ok(())
    }

    fn add(&mut self, given: &str, column: Column, number: usize) -> Result<(), ListError> {
        let Some(at) = number.checked_sub(1) else { return Err(wrong(given, "the first column is 1")) };
        self.0.push((column, at));
        Ok(())
    }

    /// The filled cells of a column.
    pub(super) fn cells<'a>(&'a self, column: Column, row: &'a [Cell]) -> impl Iterator<Item = &'a Cell> {
        self.0
            .iter()
            .filter(move |(one, _)| *one == column)
            .filter_map(|(_, at)| row.get(*at))
            .filter(|cell| !cell.text.trim().is_empty())
    }

    /// The words of the columns that were found, in their order: for the report.
    pub fn found(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.0.iter().map(|(column, at)| (column.as_str(), at + 1))
    }
}

fn parse(given: &str) -> Result<(Column, &str), ListError> {
    let (word, place) = given.split_once('=').ok_or_else(|| wrong(given, "write name=2 or name=患者氏名"))?;
    let column = Column::ALL.into_iter().find(|column| column.as_str() == word.trim()).ok_or_else(|| {
        let all: Vec<&str> = Column::ALL.iter().map(|column| column.as_str()).collect();
        wrong(given, &format!("a column is one of {}", all.join(", ")))
    })?;
    Ok((column, place.trim()))
}

fn wrong(given: &str, why: &str) -> ListError {
    ListError::Column { given: given.to_owned(), why: why.to_owned() }
}

/// A heading without width, case, blanks and signs.
fn plain(heading: &str) -> String {
    let text = Text::new(heading);
    text.folded()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || *letter == 'ー')
        .flat_map(char::to_lowercase)
        .collect()
}
