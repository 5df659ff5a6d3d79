//! `tsuitate record`: list, show, search, export and verify the record. Reads the database; every look is itself recorded.
//! Must not know: the wire.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use ed25519_dalek::VerifyingKey;
use serde_json::Value;

use super::{Place, Usage, now_ms, out, words};
use crate::decide::Verdict;
use crate::detect::text::Text;
use crate::detect::{Class, Detector, Kind};
use crate::keys::Ring;
use crate::record::chain;
use crate::record::recorder::{Recorder, Setup};
use crate::record::search::{Form, fingerprint};
use crate::record::verify::{Line, verify};
use crate::record::{Event, Name, StoreError, Word};
use crate::store::sqlite::{Filter, Row};
use crate::store::{Reader, Sqlite};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The newest records, one a line
    List(ListArgs),
    /// One record, whole
    Show {
        /// Record id, as in a refusal
        record: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Was this person or number sent?
    Search {
        /// A person's name; full, or the surname alone
        #[arg(long, conflicts_with = "number")]
        person: Option<String>,
        /// A patient number, telephone number or other number
        #[arg(long)]
        number: Option<String>,
    },
    /// The whole chain as JSON lines, for an auditor
    Export {
        /// Write here instead of standard output
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Check an export: any change, removal, insertion or reordering is named
    Verify {
        export: PathBuf,
        /// Public checkpoint keys, as `tsuitate keys public` prints them: `ID HEX` a line
        #[arg(long)]
        keys: PathBuf,
        /// A number and hash known from elsewhere
        #[arg(long, value_name = "SEQ:HASH")]
        anchor: Option<String>,
    },
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// allowed, masked, held, blocked, observed, tunnelled, allowed_unchecked or failed
    #[arg(long, value_parser = a_verdict)]
    verdict: Option<String>,
    #[arg(long)]
    person: Option<String>,
    #[arg(long)]
    service: Option<String>,
    /// Records in which this kind was found (person_name, patient_id … or 氏名, 患者番号 …)
    #[arg(long, value_parser = a_kind)]
    kind: Option<String>,
    /// Not before (2026-11-24 or 2026-11-24T09:00+09:00)
    #[arg(long)]
    since: Option<String>,
    #[arg(long)]
    until: Option<String>,
    /// The page after this number
    #[arg(long)]
    before: Option<u64>,
    #[arg(long, default_value_t = 30)]
    limit: u32,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

/// Run it.
///
/// # Errors
/// A fault; wrong exports are exit code 1.
pub(crate) fn run(command: Command, place: &Place) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(args) => list(&args, place),
        Command::Show { record, json } => show(&record, json, place),
        Command::Search { person, number } => search(person.as_deref(), number.as_deref(), place),
        Command::Export { out } => export(out.as_deref(), place),
        Command::Verify { export, keys, anchor } => check(&export, &keys, anchor.as_deref()),
    }
}

/// A verdict by its word, or by the word on the screen.
fn a_verdict(text: &str) -> Result<String, String> {
    let all = [
        Verdict::Allowed,
        Verdict::Masked,
        Verdict::Held,
        Verdict::Blocked,
        Verdict::Observed,
        Verdict::Tunnelled,
        Verdict::AllowedUnchecked,
        Verdict::Failed,
    ];
    let words: Vec<String> =
        all.iter().filter_map(|verdict| serde_json::to_value(verdict).ok()?.as_str().map(str::to_owned)).collect();
    words
        .iter()
        .find(|word| *word == text || words::verdict(word) == text)
        .cloned()
        .ok_or_else(|| format!("one of: {}", words.join(", ")))
}

/// A kind by its word, or by the word on the screen.
fn a_kind(text: &str) -> Result<String, String> {
    Kind::ALL
        .iter()
        .find(|kind| kind.as_str() == text || kind.ja() == text)
        .map(|kind| kind.as_str().to_owned())
        .ok_or_else(|| {
            let all: Vec<String> = Kind::ALL.iter().map(|kind| format!("{} ({})", kind.as_str(), kind.ja())).collect();
            format!("one of: {}", all.join(", "))
        })
}

/// The ring that is there. A look at the record never makes a new one: in a wrong folder nothing would ever match.
fn ring(place: &Place) -> anyhow::Result<Ring> {
    let folder = place.keys_folder();
    if !folder.join("ring.json").exists() {
        return Err(Usage(format!("no key ring in {} (TSUITATE_DATA_DIR, --data)", folder.display())).into());
    }
    Ok(Ring::open_or_create(&folder, &place.config.keys, now_ms())?)
}

fn reader(place: &Place) -> anyhow::Result<Reader> {
    let path = place.database();
    if !path.exists() {
        return Err(Usage(format!("no record at {} (TSUITATE_DATA_DIR, --data)", path.display())).into());
    }
    Reader::open(&path).with_context(|| path.display().to_string())
}

fn viewed(place: &Place, what: &str, matches: usize) -> anyhow::Result<()> {
    let ring = ring(place)?;
    let (id, key) = ring.checkpoint();
    let by = std::env::var("USER").unwrap_or_else(|_| "console".to_owned());
    // Another process may be the writer: then the look is recorded there by its own lock's turn.
    let store = Sqlite::open(&place.database())?;
    let setup = Setup {
        gate: place.gate_name(),
        checkpoint_key: std::sync::Arc::new(key),
        checkpoint_key_id: id,
        checkpoint_events: u64::MAX,
        clock: now_ms,
    };
    let event = Event::Viewed { by: Name::new(&by), what: Word::new(what), matches: matches as u64 };
    Recorder::append_once(Box::new(store), &setup, &[event])?;
    Ok(())
}

fn list(args: &ListArgs, place: &Place) -> anyhow::Result<ExitCode> {
    let filter = Filter {
        verdict: args.verdict.clone(),
        person: args.person.clone(),
        service: args.service.clone(),
        kind: args.kind.clone(),
        since_ms: args.since.as_deref().map(instant).transpose()?,
        until_ms: args.until.as_deref().map(instant).transpose()?,
        before_seq: args.before,
        limit: args.limit.clamp(1, 10_000),
    };
    let rows = reader(place)?.rows(&filter)?;
    if args.json {
        for row in &rows {
            out(&joined(row).to_string())?;
        }
    } else {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["番号", "日時", "処理結果", "結果", "誰が", "サービス", "検出", "記録ID"]);
        for row in &rows {
            let opened = parsed(row.opened.as_deref());
            table.add_row([
                row.seq.to_string(),
                local(row.at_ms),
                words::verdict(text(&opened, "verdict")).to_owned(),
                end(row),
                opened["who"]["person"].as_str().unwrap_or("（名前なし）").to_owned(),
                opened["service"].as_str().or_else(|| opened["host"].as_str()).unwrap_or("").to_owned(),
                counts(&opened["kinds"]),
                row.record.clone(),
            ]);
        }
        out(&table.to_string())?;
    }
    viewed(place, "list", rows.len())?;
    Ok(ExitCode::SUCCESS)
}

fn show(record: &str, json: bool, place: &Place) -> anyhow::Result<ExitCode> {
    let Some(row) = reader(place)?.row(record)? else {
        super::say(&format!("記録 {record} はありません。"));
        return Ok(ExitCode::from(1));
    };
    let whole = joined(&row);
    if json {
        out(&serde_json::to_string_pretty(&whole)?)?;
    } else {
        out(&format!("記録 {record}　{}", local(row.at_ms)))?;
        let opened = &whole["opened"];
        out(&format!("処理結果　{}", words::verdict(text(opened, "verdict"))))?;
        out(&format!(
            "誰が　　　{}（{}、{}）",
            opened["who"]["person"].as_str().unwrap_or("名前なし"),
            words::strength(text(&opened["who"], "strength")),
            text(&opened["who"], "client")
        ))?;
        out(&format!(
            "送り先　　{} {} {}",
            text(opened, "service"),
            text(opened, "host"),
            words::endpoint(text(opened, "endpoint"))
        ))?;
        if let Some(purpose) = opened["use"]["purpose"].as_str() {
            out(&format!("用途　　　{purpose}（確認者 {}）", opened["use"]["reviewer"].as_str().unwrap_or("未定")))?;
        }
        out(&format!("検出　　　{}", counts(&opened["kinds"])))?;
        for why in opened["reasons"].as_array().into_iter().flatten() {
            out(&format!("理由　　　{}", reason(why)))?;
        }
        out(&format!(
            "置き換え　院内で元に戻せる {} 件 ／ 元に戻せない {} 件",
            opened["reversible"].as_u64().unwrap_or(0),
            opened["irreversible"].as_u64().unwrap_or(0)
        ))?;
        out(&format!("結果　　　{}", end(&row)))?;
    }
    viewed(place, "show", 1)?;
    Ok(ExitCode::SUCCESS)
}

/// What became of it, in a few words.
fn end(row: &Row) -> String {
    let closed = parsed(row.closed.as_deref());
    match row.closed_as.as_deref() {
        Some("interrupted") => "途中で止まった（ゲートの停止）".to_owned(),
        Some(_) => {
            let word = words::outcome(text(&closed, "outcome"));
            match closed["status"].as_u64() {
                Some(status) => format!("{word}（{status}）"),
                None => word.to_owned(),
            }
        }
        None if row.opened_as == "passed" => "―".to_owned(),
        None => "処理中".to_owned(),
    }
}

/// The codes of a reason, for people.
fn reason(why: &Value) -> String {
    let list = |key: &str| why[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let what: Vec<&str> = list("what")
        .into_iter()
        .map(|word| {
            Kind::from_word(word).map(Kind::ja).or_else(|| Class::from_word(word).map(Class::ja)).unwrap_or(word)
        })
        .collect();
    [words::reason(text(why, "code")).to_owned(), what.join("・"), list("places").join("、"), list("rules").join(" ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("　")
}

fn search(person: Option<&str>, number: Option<&str>, place: &Place) -> anyhow::Result<ExitCode> {
    let reader = reader(place)?;
    let ring = ring(place)?;
    let mut prints = BTreeMap::new();
    let surnames = match person {
        Some(person) => {
            let folded = Text::new(person).folded().to_owned();
            Detector::shipped().map_err(|error| anyhow::anyhow!("{error}"))?.surnames(&folded)
        }
        None => Vec::new(),
    };
    for key in ring.fingerprint() {
        let bytes = key.secret.bytes();
        if let Some(person) = person {
            let folded = Text::new(person).folded().to_owned();
            prints.insert(fingerprint(&key.id, bytes, Kind::PersonName.as_str(), Form::Whole, &folded), "氏名が一致");
            prints
                .insert(fingerprint(&key.id, bytes, Kind::PersonName.as_str(), Form::Surname, &folded), "姓だけが一致");
            for surname in &surnames {
                prints.insert(
                    fingerprint(&key.id, bytes, Kind::PersonName.as_str(), Form::Whole, surname),
                    "姓だけが一致",
                );
                prints.insert(
                    fingerprint(&key.id, bytes, Kind::PersonName.as_str(), Form::Surname, surname),
                    "姓が同じ人",
                );
            }
        }
        if let Some(number) = number {
            let folded = Text::new(number).folded().to_owned();
            for kind in Kind::ALL {
                prints.insert(fingerprint(&key.id, bytes, kind.as_str(), Form::Whole, &folded), kind.ja());
            }
        }
    }
    if prints.is_empty() {
        return Err(Usage("say whom to look for: --person 氏名 or --number 番号".to_owned()).into());
    }
    let found = reader.with_fingerprints(&prints.keys().cloned().collect::<Vec<_>>())?;
    // One line a record, with the closest match.
    let mut closest: BTreeMap<u64, (&str, &Row)> = BTreeMap::new();
    for (print, row) in &found {
        let how = prints.get(print).copied().unwrap_or("");
        let better = closest.get(&row.seq).is_none_or(|(known, _)| closeness(how) < closeness(known));
        if better {
            closest.insert(row.seq, (how, row));
        }
    }
    for (how, row) in closest.values() {
        let opened = parsed(row.opened.as_deref());
        let mark = if capped(row) { "＊" } else { "" };
        out(&format!(
            "{}　{how}　{}　{}{mark}",
            local(row.at_ms),
            words::verdict(text(&opened, "verdict")),
            row.record
        ))?;
    }
    out(&format!(
        "{} 件。検出されなかったものは、ここでは探せません。{}",
        closest.len(),
        if closest.values().any(|(_, row)| capped(row)) {
            "印「＊」の記録には、多すぎて登録しきれなかった氏名・番号があります。"
        } else {
            ""
        }
    ))?;
    viewed(place, "search", closest.len())?;
    Ok(if closest.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// More persons and numbers stood in it than it has fingerprints.
fn capped(row: &Row) -> bool {
    parsed(row.opened.as_deref())["unsearchable"].as_u64().is_some_and(|left| left > 0)
}

/// How close a match is; less is closer.
fn closeness(how: &str) -> u8 {
    match how {
        "姓だけが一致" => 1,
        "姓が同じ人" => 2,
        _ => 0,
    }
}

fn export(to: Option<&Path>, place: &Place) -> anyhow::Result<ExitCode> {
    let mut sink: Box<dyn Write> = match to {
        Some(path) => Box::new(std::io::BufWriter::new(private(path).with_context(|| path.display().to_string())?)),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut count = 0;
    reader(place)?.events::<ExportError>(|seq, hash, body| {
        count += 1;
        let line = serde_json::to_string(&Line { seq, hash, body })?;
        writeln!(sink, "{line}")?;
        Ok(())
    })?;
    sink.flush()?;
    viewed(place, "export", count)?;
    Ok(ExitCode::SUCCESS)
}

/// A file for its owner alone: an export names staff and addresses.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // One that was there before keeps no wider mode.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

fn check(export: &Path, keys: &Path, anchor: Option<&str>) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(keys).with_context(|| keys.display().to_string())?;
    let mut public = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let key = line.split_whitespace().collect::<Vec<_>>();
        let parsed = match key.as_slice() {
            [id, hex] => chain::unhex(hex)
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
                .map(|key| ((*id).to_owned(), key)),
            _ => None,
        };
        let Some((id, key)) = parsed else {
            bail!("{}:{}: a key is `ID HEX` with 64 hexadecimal digits", keys.display(), number + 1)
        };
        public.insert(id, key);
    }
    let anchor = anchor
        .map(|anchor| {
            anchor
                .split_once(':')
                .and_then(|(seq, hash)| Some((seq.parse::<u64>().ok()?, hash)))
                .context("an anchor is SEQ:HASH")
        })
        .transpose()?;
    let file = std::fs::File::open(export).with_context(|| export.display().to_string())?;
    match verify(BufReader::new(file), &public, anchor) {
        Ok(proof) => {
            out(&format!(
                "{} events; proven to event {} by {} checkpoints; unproven: {} events; {} bodies removed by retention",
                proof.events, proof.proven_to, proof.checkpoints, proof.unproven, proof.removed_bodies
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            out(&format!("broken: {broken}"))?;
            Ok(ExitCode::from(1))
        }
    }
}

fn joined(row: &Row) -> Value {
    serde_json::json!({
        "record": row.record, "seq": row.seq, "at_ms": row.at_ms, "ended": row.closed_as,
        "opened": parsed(row.opened.as_deref()), "closed": parsed(row.closed.as_deref()),
    })
}

fn parsed(body: Option<&str>) -> Value {
    body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or(Value::Null)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn counts(kinds: &Value) -> String {
    let listed: Vec<String> = kinds
        .as_object()
        .into_iter()
        .flatten()
        .map(|(word, count)| {
            format!("{} {count}", Kind::from_word(word).map_or_else(|| word.clone(), |kind| kind.ja().to_owned()))
        })
        .collect();
    if listed.is_empty() { "なし".to_owned() } else { listed.join("、") }
}

fn local(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn instant(text: &str) -> anyhow::Result<u64> {
    let zone = jiff::tz::TimeZone::system();
    let at = text
        .parse::<jiff::Timestamp>()
        .ok()
        .or_else(|| {
            text.parse::<jiff::civil::DateTime>()
                .ok()
                .and_then(|at| at.to_zoned_datetime(zone.clone()).ok())
                .map(|at| at.timestamp())
        })
        .or_else(|| {
            text.parse::<jiff::civil::Date>()
                .ok()
                .and_then(|at| at.to_zoned_datetime(zone).ok())
                .map(|at| at.timestamp())
        });
    let at = at.ok_or_else(|| Usage(format!("`{text}` is no date: write 2026-11-24 or 2026-11-24T09:00+09:00")))?;
    Ok(u64::try_from(at.as_millisecond()).unwrap_or(0))
}
