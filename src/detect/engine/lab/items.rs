//! The items of `patterns/clinical/`: names and aliases → rows (units, plausible range, kind of result).
//! Aliases are folded as texts are, so that one spelling stands for all widths.
//! Must not know: where in a text an item stands.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::detect::literals::Literals;
use crate::detect::text::Text;

/// One row: an item that is measured.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    /// Folded, lower case.
    pub(crate) units: Vec<String>,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) decimals: usize,
    pub(crate) vital: bool,
    pub(crate) score: bool,
    /// Has results without a number.
    pub(crate) qualitative: bool,
}

/// One spelling.
#[derive(Debug, Clone)]
pub(crate) struct Alias {
    pub(crate) text: String,
    /// Also means something else.
    pub(crate) weak: bool,
    /// Indices into `Items::rows`, in the order of the files.
    pub(crate) rows: Vec<usize>,
}

/// All items, and their spellings.
pub(crate) struct Items {
    pub(crate) rows: Vec<Item>,
    pub(crate) aliases: Vec<Alias>,
    /// Number of a spelling → alias number.
    spelling_alias: Vec<usize>,
    spellings: Literals,
    /// Lower-case spelling without blanks and signs → alias, for cells and field names.
    by_cell: HashMap<String, usize>,
}

/// An alias in a text, ends on its bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) alias: usize,
}

const FILES: [&str; 2] = [
    include_str!("../../../../patterns/clinical/lab_items.tsv"),
    include_str!("../../../../patterns/clinical/more_items.tsv"),
];

/// The embedded items, built once for all engines.
pub(crate) fn shared() -> &'static Items {
    static ITEMS: LazyLock<Items> = LazyLock::new(|| Items::shipped(&super::words::Lists::shipped().not_counted));
    &ITEMS
}

impl Items {
    /// The embedded items without the rows that `not_counted` names.
    pub(crate) fn shipped(not_counted: &[String]) -> Self {
        let mut rows = Vec::new();
        let mut by_text: HashMap<String, Alias> = HashMap::new();
        for file in FILES {
            for line in file.lines().filter(|line| !line.starts_with('#')).skip(1) {
                let columns: Vec<&str> = line.split('\t').collect();
                let Some((item, spellings, weak)) = row(&columns) else { continue };
                if not_counted.contains(&item.name) {
                    continue;
                }
                let number = rows.len();
                for spelling in spellings {
                    let is_weak = weak.contains(&spelling) || spelling.chars().count() == 1;
                    let alias = by_text.entry(spelling.clone()).or_insert_with(|| Alias {
                        text: spelling,
                        weak: is_weak,
                        rows: Vec::new(),
                    });
                    alias.weak |= is_weak;
                    if !alias.rows.contains(&number) {
                        alias.rows.push(number);
                    }
                }
                rows.push(item);
            }
        }
        let mut aliases: Vec<Alias> = by_text.into_values().collect();
        aliases.sort_by(|a, b| a.text.cmp(&b.text));
        let (mut spellings, mut spelling_alias) = (Vec::new(), Vec::new());
        let mut by_cell = HashMap::new();
        for (index, alias) in aliases.iter().enumerate() {
            for spelling in cases(&alias.text) {
                spellings.push(spelling);
                spelling_alias.push(index);
            }
            let key = cell_key(&alias.text);
            let better = by_cell.get(&key).and_then(|&old: &usize| aliases.get(old)).is_none_or(|old| old.weak);
            if better {
                by_cell.insert(key, index);
            }
        }
        Self { rows, aliases, spelling_alias, spellings: Literals::new(spellings), by_cell }
    }

    /// The aliases of `text`, leftmost and longest, on their bounds, in order.
    pub(crate) fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut at = 0;
        while let Some(found) = self.spellings.next(text, at, |found| bounded(text, found.range.start, found.range.end))
        {
            at = found.range.end;
            if let Some(&alias) = self.spelling_alias.get(found.word) {
                hits.push(Hit { start: found.range.start, end: found.range.end, alias });
            }
        }
        hits
    }

    /// The alias that a whole cell or field name is (`AST(GOT)`, `hba1c`, `K+`).
    pub(crate) fn of_cell(&self, cell: &str) -> Option<&Alias> {
        let key = cell_key(cell);
        let index = self.by_cell.get(&key).or_else(|| {
            let cut = key.trim_end_matches(['+', '-', '*']);
            self.by_cell.get(cut)
        })?;
        self.aliases.get(*index)
    }

    pub(crate) fn alias(&self, hit: Hit) -> Option<&Alias> {
        self.aliases.get(hit.alias)
    }
}

/// A row's item, its spellings and which of them are weak.
fn row(columns: &[&str]) -> Option<(Item, Vec<String>, Vec<String>)> {
    let name = (*columns.get(1)?).to_owned();
    let list = |index: usize| -> Vec<String> {
        columns
            .get(index)
            .unwrap_or(&"")
            .split('|')
            .filter(|word| !word.is_empty())
            .map(|word| Text::new(word).folded().to_owned())
            .collect()
    };
    let mut spellings = list(2);
    let folded_name = Text::new(&name).folded().to_owned();
    if columns.first().is_some_and(|code| !code.is_empty()) || folded_name.is_ascii() || folded_name.chars().count() > 1
    {
        spellings.push(folded_name);
    }
    let units = list(3).iter().map(|unit| unit.to_lowercase()).collect();
    let number = |index: usize| columns.get(index).and_then(|text| text.parse::<f64>().ok());
    let category = columns.get(7).copied().unwrap_or("");
    let item = Item {
        name,
        units,
        low: number(4).unwrap_or(f64::MIN),
        high: number(5).unwrap_or(f64::MAX),
        decimals: number(6).map_or(0, |decimals| decimals as usize),
        vital: category == "バイタル",
        score: category == "スコア",
        qualitative: columns.get(8).is_some_and(|list| !list.is_empty())
            || matches!(category, "感染症" | "免疫" | "尿" | "便" | "輸血"),
    };
    Some((item, spellings, list(9)))
}

/// Spellings of an alias in other cases: words of three ASCII letters and more are taken in lower and upper case too.
fn cases(text: &str) -> Vec<String> {
    let mut out = vec![text.to_owned()];
    if text.chars().filter(char::is_ascii_alphabetic).count() >= 3 {
        let mut capital = text.to_lowercase();
        if let Some(first) = capital.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        for other in [text.to_lowercase(), text.to_uppercase(), capital] {
            if !out.contains(&other) {
                out.push(other);
            }
        }
    }
    out
}

fn cell_key(cell: &str) -> String {
    cell.trim()
        .trim_matches(['"', '\''])
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '_'))
        .collect::<String>()
        .to_lowercase()
}

/// An alias stands on its bounds when no letter of its own script goes on outside it.
fn bounded(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|head| head.chars().next_back());
    let after = text.get(end..).and_then(|tail| tail.chars().next());
    let Some(alias) = text.get(start..end) else { return false };
    let (Some(first), Some(last)) = (alias.chars().next(), alias.chars().next_back()) else { return false };
    let single = alias.chars().nth(1).is_none();
    let left = before.is_none_or(|letter| {
        if first.is_ascii_alphanumeric() || first == '%' {
            let joined = letter == '-' && first.is_ascii_alphanumeric();
            !joined && !letter.is_ascii_alphabetic() && !matches!(letter, '_' | '.' | '@' | '#' | '$' | '\\')
        } else if katakana(first) {
            !katakana(letter)
        } else {
            !(single && kanji(letter))
        }
    });
    let right = after.is_none_or(|letter| {
        if last.is_ascii_alphabetic() {
            !letter.is_ascii_alphabetic() && letter != '_'
        } else if last.is_ascii_digit() {
            !letter.is_ascii_alphanumeric()
        } else {
            !(katakana(last) && katakana(letter))
        }
    });
    left && right
}

fn katakana(letter: char) -> bool {
    matches!(letter, 'ァ'..='ヺ' | 'ー')
}

pub(crate) fn kanji(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '々')
}
