//! A text and its normal form, with an exact way back.
//! Engines read `folded()` and give ranges in it; `to_original()` maps them to the bytes as written. How letters fold:
//! `fold`. Must not know: what is searched for.

use std::ops::Range;
use std::sync::OnceLock;

use fold::Folder;

mod fold;
mod letters;
mod numerals;
mod spaced;

/// What stands in the folded text for one of our own tokens: no letter, no digit, and no evidence across it.
pub const ATOM: char = '\u{fffc}';

/// A run of the folded text: either copied byte for byte, or the folding of one stretch of the original.
#[derive(Clone, Copy)]
struct Run {
    folded: u32,
    original: u32,
    /// Bytes of the original that the whole run came from.
    original_len: u32,
    copied: bool,
}

/// A text, folded. `Debug` prints lengths only.
#[derive(Clone)]
pub struct Text {
    /// `None` when folding changed nothing.
    folded: Option<String>,
    original: String,
    runs: Vec<Run>,
    /// The folded text with ASCII in lower case, made when it is asked for.
    lower: OnceLock<String>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("bytes", &self.original.len()).field("folded", &self.folded().len()).finish()
    }
}

impl Text {
    /// Fold `original`. ASCII text without a broken number or address is kept as it is.
    #[must_use]
    pub fn new(original: &str) -> Self {
        Self::with_atoms(original, &[])
    }

    /// Fold `original`; each of `atoms` (bytes, ordered, on character boundaries: our own tokens) becomes one `ATOM`.
    #[must_use]
    pub fn with_atoms(original: &str, atoms: &[Range<usize>]) -> Self {
        if atoms.is_empty() && original.is_ascii() && !fold::breaks(original) {
            return Self { folded: None, original: original.to_owned(), runs: Vec::new(), lower: OnceLock::new() };
        }
        let mut folder = Folder::new(original);
        let mut atoms = atoms.iter().peekable();
        let mut at = 0;
        while at < original.len() {
            while atoms.next_if(|atom| atom.start < at || atom.is_empty()).is_some() {}
            if let Some(atom) = atoms.next_if(|atom| atom.start == at)
                && original.is_char_boundary(atom.end)
            {
                folder.put(atom.start, atom.end, &[ATOM]);
                at = atom.end;
                continue;
            }
            let limit = atoms.peek().map_or(original.len(), |atom| atom.start.min(original.len()));
            at = folder.step(at, limit);
        }
        folder.done()
    }

    /// A text of which `pieces` (bytes, ordered, apart, on character boundaries) read otherwise: one layer of decoding.
    /// Nothing else is folded.
    #[must_use]
    pub fn decoded(original: &str, pieces: &[(Range<usize>, char)]) -> Self {
        let mut folder = Folder::new(original);
        let mut at = 0;
        for (range, letter) in pieces {
            if range.start < at || !original.is_char_boundary(range.start) || !original.is_char_boundary(range.end) {
                continue;
            }
            folder.copy(at, range.start);
            folder.put(range.start, range.end, &[*letter]);
            at = range.end;
        }
        folder.copy(at, original.len());
        folder.done()
    }

    /// The same text with the blanks between single letters taken out (`山 田 太 郎`, `0 9 0 1 2`), mapped like any fold;
    /// `None` when there is no such run of four letters.
    #[must_use]
    pub fn unspaced(&self) -> Option<Self> {
        let folded = self.folded();
        if !spaced::likely(folded) {
            return None;
        }
        let gaps = spaced::gaps(folded);
        if gaps.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(folded.len());
        let mut runs: Vec<Run> = Vec::new();
        let mut gaps = gaps.into_iter().peekable();
        for (at, letter) in folded.char_indices() {
            if gaps.next_if_eq(&at).is_some() {
                continue;
            }
            let end = at + letter.len_utf8();
            let written = self.to_original(at..end);
            let copied = self.original.get(written.clone()) == folded.get(at..end);
            match runs.last_mut() {
                Some(run) if copied && run.copied && (run.original + run.original_len) as usize == written.start => {
                    run.original_len += written.len() as u32;
                }
                _ => runs.push(Run {
                    folded: out.len() as u32,
                    original: written.start as u32,
                    original_len: written.len() as u32,
                    copied,
                }),
            }
            out.push(letter);
        }
        Some(Self { folded: Some(out), original: self.original.clone(), runs, lower: OnceLock::new() })
    }

    /// The normal form with ASCII letters in lower case: same offsets, for words that are looked for in any case.
    #[must_use]
    pub fn lower(&self) -> &str {
        self.lower.get_or_init(|| self.folded().to_ascii_lowercase())
    }

    /// The normal form that engines read.
    #[must_use]
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.original)
    }

    /// The text as it was written.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The bytes of the original that a stretch of the folded text came from: from the first letter's start to the
    /// last letter's end, with whatever was dropped between them. An empty stretch maps to an empty one.
    #[must_use]
    pub fn to_original(&self, folded: Range<usize>) -> Range<usize> {
        if self.folded.is_none() {
            return folded;
        }
        if folded.is_empty() {
            let at = self.run_of(folded.start).map_or(self.original.len(), |run| start_of(run, folded.start));
            return at..at;
        }
        let start = self.run_of(folded.start).map_or(self.original.len(), |run| start_of(run, folded.start));
        let end = self.run_of(folded.end - 1).map_or(self.original.len(), |run| {
            if run.copied {
                run.original as usize + (folded.end - run.folded as usize)
            } else {
                (run.original + run.original_len) as usize
            }
        });
        start..end.max(start)
    }

    /// The last run that starts at or before `at` and is not empty there.
    fn run_of(&self, at: usize) -> Option<Run> {
        if at >= self.folded().len() {
            return None;
        }
        let after = self.runs.partition_point(|run| run.folded as usize <= at);
        after.checked_sub(1).and_then(|index| self.runs.get(index)).copied()
    }
}

fn start_of(run: Run, at: usize) -> usize {
    if run.copied { run.original as usize + (at - run.folded as usize) } else { run.original as usize }
}

#[cfg(test)]
mod tests;
