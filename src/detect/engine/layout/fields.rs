//! Names of fields and positions in messages, from `patterns/layout/`: what stands in a field of this name.
//! Must not know: how a text is cut into fields.

use std::collections::HashMap;

use serde::Deserialize;

use crate::detect::kind::{Kind, Role};
use crate::detect::text::Text;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Holds {
    pub(super) kind: Kind,
    pub(super) role: Option<Role>,
    pub(super) subtype: Option<&'static str>,
}

/// What a column of a laboratory table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Column {
    Item,
    Result,
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    field: Vec<RawField>,
    column: Vec<RawColumn>,
    empty: Vec<Empty>,
    not_name: Vec<Empty>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    kind: Kind,
    role: Option<Role>,
    subtype: Option<String>,
    #[serde(default)]
    line: bool,
    #[serde(default)]
    suffix: bool,
    names: Vec<String>,
}

#[derive(Deserialize)]
struct RawColumn {
    means: Column,
    names: Vec<String>,
}

#[derive(Deserialize)]
struct Empty {
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionFile {
    hl7: Vec<RawSegment>,
    uke: Vec<RawRecord>,
    path: Vec<RawPath>,
}

#[derive(Deserialize)]
struct RawSegment {
    segment: String,
    fields: Vec<Position>,
}

#[derive(Deserialize)]
struct RawRecord {
    record: String,
    cells: usize,
    fields: Vec<Position>,
}

#[derive(Deserialize)]
struct RawPath {
    keys: [String; 2],
    kind: Kind,
    role: Option<Role>,
}

/// How a field of a message is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    Cx,
    Xpn,
    Xcn,
    Xad,
    Xtn,
    Ts,
    #[default]
    St,
    Obx,
}

/// A field of a message by its number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    pub(super) at: usize,
    #[serde(default)]
    pub(super) form: Form,
    pub(super) kind: Kind,
    pub(super) role: Option<Role>,
}

/// A record of a claims file.
pub(super) struct Record {
    pub(super) cells: usize,
    pub(super) fields: Vec<Position>,
}

/// All names and positions.
pub(super) struct Fields {
    names: HashMap<String, Holds>,
    suffixes: Vec<(String, Holds)>,
    columns: HashMap<String, Column>,
    /// Labels in running text, folded, with what they hold.
    pub(super) lines: Vec<(String, Holds)>,
    empty: Vec<String>,
    not_name: Vec<String>,
    pub(super) hl7: HashMap<String, Vec<Position>>,
    pub(super) uke: HashMap<String, Record>,
    paths: HashMap<(String, String), Holds>,
}

impl Fields {
    /// The embedded names and positions. A test reads them, so a broken file never ships.
    pub(super) fn shipped() -> Self {
        let file: FieldFile = toml::from_str(include_str!("../../../../patterns/layout/fields.toml"))
            .unwrap_or_else(|_| unreachable!("patterns/layout/fields.toml is read in the tests"));
        let positions: PositionFile = toml::from_str(include_str!("../../../../patterns/layout/positions.toml"))
            .unwrap_or_else(|_| unreachable!("patterns/layout/positions.toml is read in the tests"));
        let mut fields = Self {
            names: HashMap::new(),
            suffixes: Vec::new(),
            columns: HashMap::new(),
            lines: Vec::new(),
            empty: file.empty.into_iter().flat_map(|empty| empty.words).map(|word| key(&fold(&word))).collect(),
            not_name: file.not_name.into_iter().flat_map(|list| list.words).map(|word| fold(&word)).collect(),
            hl7: positions.hl7.into_iter().map(|raw| (raw.segment, raw.fields)).collect(),
            uke: positions
                .uke
                .into_iter()
                .map(|raw| (raw.record, Record { cells: raw.cells, fields: raw.fields }))
                .collect(),
            paths: positions
                .path
                .into_iter()
                .map(|raw| {
                    let [outer, inner] = raw.keys;
                    ((key(&outer), key(&inner)), Holds { kind: raw.kind, role: raw.role, subtype: None })
                })
                .collect(),
        };
        for raw in file.field {
            // Rule data live as long as the program.
            let subtype = raw.subtype.map(|subtype| &*Box::leak(subtype.into_boxed_str()));
            let holds = Holds { kind: raw.kind, role: raw.role, subtype };
            for name in raw.names {
                let folded = fold(&name);
                if raw.line {
                    fields.lines.push((folded.clone(), holds));
                }
                if raw.suffix && folded.chars().count() >= 2 && !folded.is_ascii() {
                    fields.suffixes.push((key(&folded), holds));
                }
                fields.names.insert(key(&folded), holds);
            }
        }
        fields.suffixes.sort_by_key(|(name, _)| usize::MAX - name.len());
        for raw in file.column {
            for name in raw.names {
                fields.columns.insert(key(&fold(&name)), raw.means);
            }
        }
        fields
    }

    /// What a field, column, key or tag of this (folded) name holds.
    pub(super) fn of(&self, name: &str) -> Option<Holds> {
        let name = key(name);
        if let Some(&holds) = self.names.get(&name) {
            return Some(holds);
        }
        if name.is_ascii() {
            // `patient.birthDate`, `tbl_patient_dob`: nothing but the whole name is sure; a known last word is.
            return None;
        }
        let bare = name.split('(').next().unwrap_or(&name);
        if let Some(&holds) = self.names.get(bare) {
            return Some(holds);
        }
        self.suffixes
            .iter()
            .find(|(suffix, _)| bare.ends_with(suffix.as_str()) && bare.chars().count() <= suffix.chars().count() + 6)
            .map(|(_, holds)| *holds)
    }

    pub(super) fn column(&self, name: &str) -> Option<Column> {
        self.columns.get(&key(name)).copied()
    }

    pub(super) fn path(&self, outer: &str, inner: &str) -> Option<Holds> {
        self.paths.get(&(key(outer), key(inner))).copied()
    }

    /// An institution, a department, a label: no person.
    pub(super) fn is_no_person(&self, cell: &str) -> bool {
        self.not_name.iter().any(|word| {
            if word.is_ascii() {
                cell.split([' ', ',', '.']).any(|part| part == word)
            } else {
                cell.contains(word.as_str())
            }
        })
    }

    /// A cell that says nothing about anybody.
    pub(super) fn is_empty(&self, cell: &str) -> bool {
        let cell = cell.trim();
        cell.is_empty()
            || self.empty.contains(&key(cell))
            || cell.chars().all(|letter| {
                matches!(letter, '*' | '●' | '〇' | '○' | '■' | '□' | '-' | '_' | 'X' | 'x' | '.' | '/' | ' ')
            })
            || (cell.starts_with(['<', '{', '$']) && cell.ends_with(['>', '}']))
    }
}

fn fold(name: &str) -> String {
    Text::new(name).folded().to_owned()
}

/// Case, blanks and joining marks do not count.
fn key(name: &str) -> String {
    name.trim()
        .trim_matches(['"', '\'', '`', '*', '#', '・', ':', '[', ']'])
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '_' | '-' | '.' | '・' | '\t'))
        .flat_map(char::to_lowercase)
        .collect()
}
