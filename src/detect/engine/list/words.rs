//! The words of the list: headings of its columns, and what must stand beside a number or a short name in a text.
//! Data in `patterns/list/words.toml`.
//! Must not know: files, texts.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Headings by column.
    pub columns: BTreeMap<String, Vec<String>>,
    pub(super) cues: Cues,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cues {
    pub(super) number: Vec<String>,
    pub(super) honorific: Vec<String>,
    pub(super) name: Vec<String>,
    pub(super) ordinary: Vec<String>,
}

/// What is shipped. An unreadable file is a fault of the build, which a test keeps from being released.
pub static WORDS: LazyLock<Words> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../../patterns/list/words.toml")).unwrap_or(Words {
        columns: BTreeMap::new(),
        cues: Cues { number: Vec::new(), honorific: Vec::new(), name: Vec::new(), ordinary: Vec::new() },
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_no_heading_stands_twice() {
        assert_eq!(WORDS.columns.len(), 11);
        let mut all: Vec<&String> = WORDS.columns.values().flatten().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(!WORDS.cues.number.is_empty() && !WORDS.cues.honorific.is_empty() && !WORDS.cues.ordinary.is_empty());
    }
}
