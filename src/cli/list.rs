//! `tsuitate list`: the hospital's own people, from a table into a file of keyed tags; what it says are counts and dates.
//! Must not know: how a name is tagged.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Place, now_ms, out, say};
use crate::detect::engine::list::Class;
use crate::keys::Ring;
use crate::list::{self, Change, Encoding, Keys, ListError, Options, Report, Roster};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make the list of a table of people (CSV, TSV or XLSX), in place of what there is
    Import {
        #[command(flatten)]
        table: Table,
        /// Yes, also when the list becomes less than half as long
        #[arg(long)]
        yes: bool,
    },
    /// Put the people of a table in, or give them the forms of the table
    Add {
        #[command(flatten)]
        table: Table,
    },
    /// Take the people of a table out, by number, without one by name
    Remove {
        #[command(flatten)]
        table: Table,
    },
    /// Counts and dates, never names
    #[command(alias = "show")]
    Status,
}

#[derive(Args)]
pub(crate) struct Table {
    file: PathBuf,
    /// Which column is what: name=3 or kana=フリガナ (name, surname, given, kana, kana_surname, kana_given, romaji, former,
    /// alias, number, phone); without it the headings tell
    #[arg(long = "column", value_name = "COLUMN=WHERE")]
    columns: Vec<String>,
    /// The first line is a person
    #[arg(long)]
    no_header: bool,
    #[arg(long, value_enum, default_value_t = Encoding::Auto)]
    encoding: Encoding,
    /// What parts the columns of a text: `,` `;` or `tab`; else the first line tells
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Sheet of a workbook; else the first
    #[arg(long)]
    sheet: Option<String>,
    /// Leave rows out whose charset is broken, and count them
    #[arg(long)]
    skip_broken: bool,
}

fn delimiter(word: &str) -> Result<u8, String> {
    match (word, word.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        (_, [one]) => Ok(*one),
        _ => Err("one letter, or `tab`".to_owned()),
    }
}

impl Table {
    fn options(&self) -> Options {
        Options {
            encoding: self.encoding,
            delimiter: self.delimiter,
            sheet: self.sheet.clone(),
            no_header: self.no_header,
            columns: self.columns.clone(),
            skip_broken: self.skip_broken,
        }
    }
}

/// Run it.
///
/// # Errors
/// When the table, the list or the key ring cannot be used.
pub(crate) fn run(command: &Command, place: &Place) -> anyhow::Result<ExitCode> {
    let path = file(place);
    if let Command::Status = command {
        return status(&path);
    }
    let ring = Ring::open_or_create(&place.keys_folder(), &place.config.keys, now_ms())?;
    let keys = Keys::of(&ring);
    let (table, change) = match command {
        Command::Import { table, .. } | Command::Add { table } => (table, Change::Add),
        Command::Remove { table } => (table, Change::Remove),
        Command::Status => return status(&path),
    };
    let whole = matches!(command, Command::Import { .. });
    let mut roster = match command {
        Command::Import { .. } => Roster::default(),
        _ if path.exists() => Roster::read(&path, &keys)?,
        Command::Remove { .. } => return Err(ListError::None.into()),
        _ => Roster::default(),
    };
    let bar = bar();
    let progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let report = list::import(&mut roster, change, &table.file, &table.options(), &keys, &progress)?;
    bar.finish_and_clear();
    if whole && path.exists() {
        // A list that cannot be read any more is replaced without a word.
        let before = list::header(&path).map_or(0, |head| head.people);
        if roster.people() * 2 < before && !matches!(command, Command::Import { yes: true, .. }) {
            let (path, after) = (table.file.clone(), roster.people());
            return Err(ListError::Shrinks { path, before, after }.into());
        }
    }
    let head = roster.write(&path, &keys, now_ms())?;
    for line in told(&report, change) {
        out(&line)?;
    }
    out(&format!("{}: {} people", path.display(), head.people))?;
    if place.config.detect.list.is_none() {
        say(&format!(
            "衝立はこの名簿をまだ使いません。設定の [detect] に次の行を書いてください（the gate does not use this list yet; write \
             into [detect] of the config）:\nlist = \"{}\"",
            path.display()
        ));
    } else {
        say(
            "a running gate takes this up within a few seconds (kill -HUP where changes of files are not seen, as on some \
             network shares)",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines of a report; what is nought is left out.
fn told(report: &Report, change: Change) -> Vec<String> {
    let columns: Vec<String> = report.columns.iter().map(|(word, number)| format!("{word} {number}")).collect();
    let mut lines = vec![format!("columns: {}", columns.join(", "))];
    let what = match change {
        Change::Add => format!("{} new, {} changed, {} as before", report.new, report.changed, report.same),
        Change::Remove => format!("{} removed, {} not in the list", report.removed, report.absent),
    };
    lines.push(format!("{} rows: {what}", report.rows));
    for (count, about) in [
        (report.repeated, "rows of a person who stands in the table twice: all their forms count"),
        (report.empty, "rows without a name or number: left out"),
        (report.broken, "rows in another charset: left out"),
        (report.left, "names or numbers that are too short or too long to be found"),
        (report.without_reading, "people without a reading: only their names in kanji are found"),
        (report.without_number, "people without a number: told apart by their names alone"),
        (
            report.own_letters,
            "names with letters of your system's own (外字): not found in texts that write them otherwise",
        ),
        (
            report.numeric,
            "patient numbers that the workbook keeps as numbers: zeros in front are lost; format the column as text",
        ),
    ] {
        if count > 0 {
            lines.push(format!("{count} {about}"));
        }
    }
    lines
}

fn status(path: &Path) -> anyhow::Result<ExitCode> {
    if !path.exists() {
        return Err(ListError::None.into());
    }
    let head = list::header(path)?;
    out(&format!("{}: {} people", path.display(), head.people))?;
    for class in Class::ALL {
        if let Some(count) = head.tags.get(class.number()).filter(|count| **count > 0) {
            out(&format!("{}\t{count}", class.as_str()))?;
        }
    }
    out(&format!("made\t{}", day(head.made_ms)))?;
    out(&format!("changed\t{}", day(head.changed_ms)))?;
    out(&format!("key\t{}", head.key))?;
    Ok(ExitCode::SUCCESS)
}

fn day(ms: u64) -> String {
    i64::try_from(ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map(|at| at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}

fn file(place: &Place) -> PathBuf {
    place.config.detect.list.clone().unwrap_or_else(|| place.data.join("people.list"))
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {eta}") {
        bar.set_style(style);
    }
    bar
}
