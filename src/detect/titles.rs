//! Titles and honorifics around names: evidence beside a name, never a part of it.
//! Must not know: names.

use std::ops::Range;
use std::sync::LazyLock;

/// Words behind a name, longest first.
pub(super) static AFTER: LazyLock<Vec<&str>> =
    LazyLock::new(|| words(include_str!("../../patterns/link/after_names.txt")));
/// Words before a name, longest first.
static BEFORE: LazyLock<Vec<&str>> = LazyLock::new(|| words(include_str!("../../patterns/link/before_names.txt")));

fn words(file: &'static str) -> Vec<&'static str> {
    let mut words: Vec<&str> = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// Words that also end or begin names (大家, 一君, 患者's 患): never cut off.
fn part_of_names(word: &str) -> bool {
    matches!(word, "家" | "君" | "氏" | "殿" | "事務")
}

/// Do these bytes begin with a title?
pub(super) fn titled(after: &str) -> bool {
    AFTER.iter().any(|word| after.starts_with(word))
}

/// Does this text end with a title of two letters and more, as before a name?
pub(super) fn announced(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\u{3000}', ':', '：', '.']);
    let title = |word: &&str| {
        !word.is_ascii() && word.chars().count() >= 2 && !matches!(*word, "患者" | "氏名" | "本日" | "担当")
    };
    BEFORE.iter().any(|word| title(word) && before.ends_with(word))
}

/// A name's range without its titles; empty when there is nothing else.
pub(super) fn untitled(text: &str, range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    // Two titles on a side are common (`Dr. Staff Nurse`), four are none.
    for _ in 0..3 {
        let Some(name) = text.get(start..end) else { return start..end };
        if AFTER.contains(&name) && !part_of_names(name) || BEFORE.contains(&name) {
            return start..start;
        }
        let lead = BEFORE.iter().find(|word| {
            name.strip_prefix(**word).is_some_and(|rest| {
                let next = rest.chars().next();
                if word.is_ascii() {
                    word.ends_with('.') || next.is_some_and(|next| !next.is_ascii_alphanumeric())
                } else {
                    // One letter is a title only before a blank: 故 蓑田, and the name 故田.
                    word.chars().count() > 1 || next.is_some_and(char::is_whitespace)
                }
            })
        });
        if let Some(word) = lead {
            start += word.len();
            let rest = text.get(start..end).unwrap_or_default();
            start += rest.len() - rest.trim_start_matches([' ', '.', '・', ':', '\n', '\t']).len();
        }
        let name = text.get(start..end).unwrap_or_default();
        let tail = AFTER.iter().find(|word| name.len() > word.len() && name.ends_with(**word) && !part_of_names(word));
        if let Some(word) = tail {
            end -= word.len();
            let rest = text.get(start..end).unwrap_or_default();
            end -= rest.len() - rest.trim_end().len();
        }
        if lead.is_none() && tail.is_none() {
            break;
        }
    }
    start..end
}
