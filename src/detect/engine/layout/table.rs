//! Tables in a text: delimited lines with or without a header row, and columns aligned by blanks.
//! Gives cells with the name of their column; quoted cells may hold the delimiter.
//! Must not know: what a name means.

use std::ops::Range;

/// A line cut into cells.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) cells: Vec<Range<usize>>,
}

/// A line's cells are no more than this many.
const MOST: usize = 256;

/// The lines of a text without their ends.
pub(super) fn lines(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    for end in memchr::memchr2_iter(b'\n', b'\r', text.as_bytes()).chain([text.len()]) {
        if end >= start {
            out.push(start..end);
        }
        start = end + 1;
    }
    out
}

/// Cut a line at `delimiter` (one byte); a quoted cell may hold it.
pub(super) fn cut(text: &str, line: &Range<usize>, delimiter: u8) -> Row {
    let bytes = text.as_bytes();
    let mut cells = Vec::new();
    let mut start = line.start;
    let mut quoted = false;
    for at in line.clone() {
        let byte = bytes.get(at).copied().unwrap_or(0);
        if byte == b'"' {
            let opens = !quoted && text.get(start..at).is_some_and(|head| head.trim().is_empty());
            quoted = if quoted { false } else { opens };
        } else if byte == delimiter && !quoted && cells.len() < MOST {
            cells.push(start..at);
            start = at + 1;
        }
    }
    cells.push(start..line.end);
    // The bars around a table's row make empty cells at its ends.
    if delimiter == b'|' {
        let blank = |cell: &Range<usize>| text.get(cell.clone()).is_some_and(|cell| cell.trim().is_empty());
        if cells.len() > 2 && cells.first().is_some_and(blank) {
            cells.remove(0);
            if cells.last().is_some_and(blank) {
                cells.pop();
            }
        }
    }
    Row { cells }
}

/// The delimiter of a line: the one of tab, bar, comma, that cuts it into the most cells.
pub(super) fn delimiter(text: &str, line: &Range<usize>) -> Option<u8> {
    let bytes = text.as_bytes().get(line.clone())?;
    let (mut tabs, mut bars, mut commas, mut semicolons, mut slashes) = (0, 0, 0, 0, 0);
    for byte in bytes {
        match byte {
            b'\t' => tabs += 1,
            b'|' => bars += 1,
            b',' => commas += 1,
            b';' => semicolons += 1,
            b'/' => slashes += 1,
            _ => {}
        }
    }
    [(b'\t', tabs, 1), (b'|', bars, 1), (b',', commas, 2), (b';', semicolons, 2), (b'/', slashes, 2)]
        .into_iter()
        .find(|(_, seen, least)| seen >= least)
        .map(|(delimiter, _, _)| delimiter)
}

/// Words of a line that stand apart, by blanks: their ranges in the folded text.
pub(super) fn words(text: &str, line: &Range<usize>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut start = None;
    for (at, letter) in text.get(line.clone()).unwrap_or("").char_indices() {
        let at = line.start + at;
        match (letter == ' ', start) {
            (true, Some(from)) => {
                out.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
        if out.len() > MOST {
            break;
        }
    }
    if let Some(from) = start {
        out.push(from..line.end);
    }
    out
}

/// Columns on the screen: two for wide letters, one for the rest.
pub(super) fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| match letter as u32 {
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe4f
            | 0xff01..=0xff60
            | 0x20000..=0x3ffff => 2,
            _ => 1,
        })
        .sum()
}
