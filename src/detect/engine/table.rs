//! Tables in plain text: lines with the same delimiter below a line of heads; a value's column head is its label.
//! Must not know: what a head means.

use std::ops::Range;

/// Delimiters of columns, most telling first.
const DELIMITERS: [u8; 3] = [b'\t', b'|', b','];
/// A line of more cells is no table that people write.
const CELLS: usize = 256;

/// The tables of one text.
#[derive(Debug, Default)]
pub(crate) struct Table {
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    /// From the end of the head line to the end of the last line.
    range: Range<usize>,
    delimiter: u8,
    heads: Vec<Range<usize>>,
}

impl Table {
    /// Find blocks of two lines or more that share a delimiter, each with at least the head's cells less two.
    pub(crate) fn of(text: &str) -> Self {
        if memchr::memchr3(DELIMITERS[0], DELIMITERS[1], DELIMITERS[2], text.as_bytes()).is_none() {
            return Self::default();
        }
        let mut lines: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        for part in text.split('\n') {
            lines.push(start..start + part.len());
            start += part.len() + 1;
        }
        let mut blocks = Vec::new();
        let mut index = 0;
        while let Some(head) = lines.get(index) {
            let Some((delimiter, heads)) = heads(text, head.clone()) else {
                index += 1;
                continue;
            };
            let mut last = index;
            while let Some(line) = lines.get(last + 1) {
                let count = count(text, line, delimiter);
                let rule =
                    text.get(line.clone()).is_some_and(|line| line.bytes().all(|byte| b"|-: +=".contains(&byte)));
                if (count > 0 && count + 2 >= heads.len()) || (rule && !line.is_empty()) {
                    last += 1;
                } else {
                    break;
                }
            }
            if last > index {
                let end = lines.get(last).map_or(head.end, |line| line.end);
                blocks.push(Block { range: head.end..end, delimiter, heads });
            }
            index = last.max(index) + 1;
        }
        Self { blocks }
    }

    /// Is there a table at all?
    pub(crate) fn any(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Does `at` stand in a table, below its heads?
    pub(crate) fn holds(&self, at: usize) -> bool {
        self.block(at).is_some()
    }

    /// The line of heads above `at`.
    pub(crate) fn heads<'a>(&self, text: &'a str, at: usize) -> Option<&'a str> {
        let block = self.block(at)?;
        text.get(block.heads.first()?.start..block.heads.last()?.end)
    }

    fn block(&self, at: usize) -> Option<&Block> {
        let after = self.blocks.partition_point(|block| block.range.start <= at);
        after.checked_sub(1).and_then(|index| self.blocks.get(index)).filter(|block| block.range.contains(&at))
    }

    /// The head of the column in which `at` stands.
    pub(crate) fn head<'a>(&self, text: &'a str, at: usize) -> Option<&'a str> {
        let block = self.block(at)?;
        let line = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
        let cell = text.as_bytes().get(line..at)?.iter().filter(|byte| **byte == block.delimiter).count();
        let head = text.get(block.heads.get(cell)?.clone())?.trim().trim_matches('"');
        (!head.is_empty()).then_some(head)
    }
}

fn count(text: &str, line: &Range<usize>, delimiter: u8) -> usize {
    text.as_bytes().get(line.clone()).unwrap_or_default().iter().filter(|byte| **byte == delimiter).count()
}

/// The cells of a line that may be heads: two or more, short, none with a long number.
fn heads(text: &str, line: Range<usize>) -> Option<(u8, Vec<Range<usize>>)> {
    let delimiter = DELIMITERS.into_iter().find(|delimiter| count(text, &line, *delimiter) > 0)?;
    let mut heads = Vec::new();
    let mut start = line.start;
    for part in text.get(line.clone())?.split(delimiter as char) {
        heads.push(start..start + part.len());
        start += part.len() + 1;
    }
    let fits = heads.len() <= CELLS
        && heads.iter().all(|head| {
            let cell = text.get(head.clone()).unwrap_or_default();
            cell.chars().count() <= 24 && cell.bytes().filter(u8::is_ascii_digit).count() <= 2
        });
    fits.then_some((delimiter, heads))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_knows_its_column() {
        let text = "一覧\nID,氏名,電話\n123,山田,090\n45,,080\n\n終わり";
        let table = Table::of(text);
        let head = |value: &str| table.head(text, text.find(value).unwrap());
        assert_eq!(head("123"), Some("ID"));
        assert_eq!(head("090"), Some("電話"));
        assert_eq!(head("080"), Some("電話"));
        assert_eq!(head("終"), None);
        assert_eq!(head("氏名"), None);
    }

    #[test]
    fn a_markdown_table_has_a_ruled_line() {
        let text = "| ID | 名 |\n|---|---|\n| 9 | x |";
        let table = Table::of(text);
        assert_eq!(table.head(text, text.find('9').unwrap()), Some("ID"));
    }

    #[test]
    fn prose_with_commas_is_no_table() {
        let text = "2024年10月1日, 電話 03-1234-5678 に連絡した\n090-1234-5678, ok";
        let table = Table::of(text);
        assert_eq!(table.head(text, text.find("090").unwrap()), None);
    }
}
