//! A text and its normal form, with an exact way back.
//! `Text::new` folds width, half-width kana, ligatures, old characters, hyphens, invisible letters, kanji digits of
//! numbers, look-alike letters in ASCII words and a line break inside a number or mail address, letter by letter (PHI §0,
//! NAMES §6); engines read `folded()` and give ranges in it; `original()` maps them to the bytes as written.
//! Must not know: what is searched for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use unicode_normalization::UnicodeNormalization;

/// What stands in the folded text for one of our own tokens: no letter, no digit, and no evidence across it.
pub const ATOM: char = '\u{fffc}';

/// First and last ideograph of the table below.
const IDEOGRAPHS: std::ops::RangeInclusive<char> = '\u{3400}'..='\u{9fff}';

/// Old and variant characters, one pair a line: variant, representative, source.
struct Old {
    /// By ideograph from U+3400; 0 where nothing changes.
    table: Vec<u16>,
    others: HashMap<char, char>,
}

static OLD: LazyLock<Old> = LazyLock::new(|| {
    let mut old = Old { table: vec![0; 0x9fff - 0x3400 + 1], others: HashMap::new() };
    for line in include_str!("../../patterns/text/old_characters.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t').filter_map(|column| column.chars().next());
        let (Some(variant), Some(plain)) = (columns.next(), columns.next()) else { continue };
        let slot = (variant as usize).checked_sub(0x3400).and_then(|at| old.table.get_mut(at));
        match (slot, u16::try_from(plain as u32)) {
            (Some(slot), Ok(plain)) => *slot = plain,
            _ => {
                old.others.insert(variant, plain);
            }
        }
    }
    old
});

impl Old {
    fn plain(&self, letter: char) -> char {
        if IDEOGRAPHS.contains(&letter) {
            match self.table.get(letter as usize - 0x3400) {
                Some(&plain) if plain != 0 => char::from_u32(u32::from(plain)).unwrap_or(letter),
                _ => letter,
            }
        } else if self.others.is_empty() {
            letter
        } else {
            self.others.get(&letter).copied().unwrap_or(letter)
        }
    }
}

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
        if atoms.is_empty() && original.is_ascii() && !breaks(original) {
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
        if !maybe_spaced(folded) {
            return None;
        }
        let gaps = spaced(folded);
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

struct Folder<'a> {
    text: &'a str,
    out: String,
    runs: Vec<Run>,
    changed: bool,
    /// Kanji digits before this are digits of a number.
    number_until: usize,
    /// Kanji digits before this were judged.
    number_seen: usize,
    /// Look-alike letters before this stand in an ASCII word.
    word_until: usize,
    word_seen: usize,
}

impl<'a> Folder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            out: String::with_capacity(text.len()),
            runs: Vec::new(),
            changed: false,
            number_until: 0,
            number_seen: 0,
            word_until: 0,
            word_seen: 0,
        }
    }

    fn done(self) -> Text {
        let folded = self.changed.then_some(self.out);
        let runs = if folded.is_some() { self.runs } else { Vec::new() };
        Text { folded, original: self.text.to_owned(), runs, lower: OnceLock::new() }
    }

    /// Copy the run of letters that stay, and fold the first that does not (with its mark); gives where to go on.
    fn step(&mut self, at: usize, limit: usize) -> usize {
        let rest = self.text.get(at..limit).unwrap_or_default();
        let place = unchanged(rest);
        let mut letters = rest.get(place..).unwrap_or_default().chars();
        let Some(letter) = letters.next() else {
            self.copy(at, limit);
            return limit.max(at);
        };
        let previous = rest.get(..place).and_then(|copied| copied.chars().next_back());
        let start = at + place;
        let end = start + letter.len_utf8();
        if let Some(kana) = previous
            && let Some(joined) = voiced(kana, letter)
        {
            self.copy(at, start - kana.len_utf8());
            self.put(start - kana.len_utf8(), end, &[joined]);
            return end;
        }
        self.copy(at, start);
        let next = letters.next();
        if let Some(mark) = next
            && let Some(joined) = voiced(letter, mark)
        {
            self.put(start, end + mark.len_utf8(), &[joined]);
            return end + mark.len_utf8();
        }
        if letter == '\r' && next == Some('\n') && joins(&self.out, self.text.get(end + 1..).unwrap_or_default()) {
            self.put(start, end + 1, &[]);
            return end + 1;
        }
        self.letter(start, end, letter, next);
        end
    }

    fn copy(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        match self.runs.last_mut() {
            Some(run) if run.copied && (run.original + run.original_len) as usize == start => {
                run.original_len += (end - start) as u32;
            }
            _ => self.runs.push(Run {
                folded: self.out.len() as u32,
                original: start as u32,
                original_len: (end - start) as u32,
                copied: true,
            }),
        }
        self.out.push_str(self.text.get(start..end).unwrap_or_default());
    }

    /// Write what `original[start..end]` (one letter, kana and its mark, or an atom) folds to.
    fn put(&mut self, start: usize, end: usize, folded: &[char]) {
        self.changed = true;
        self.runs.push(Run {
            folded: self.out.len() as u32,
            original: start as u32,
            original_len: (end - start) as u32,
            copied: false,
        });
        self.out.extend(folded);
    }

    fn letter(&mut self, start: usize, end: usize, letter: char, next: Option<char>) {
        if letter == '\n' {
            let rest = self.text.get(end..).unwrap_or_default();
            if joins(&self.out, rest) {
                return self.put(start, end, &[]);
            }
            return self.copy(start, end);
        }
        if letter.is_ascii() {
            return self.copy(start, end);
        }
        if dropped(letter) {
            return self.put(start, end, &[]);
        }
        if let Some(value) = kanji_digit(letter) {
            if start >= self.number_seen {
                let (seen, number) = number(self.text, start);
                self.number_seen = start + seen;
                self.number_until = if number { self.number_seen } else { start };
            }
            if start < self.number_until {
                return self.put(start, end, &[value]);
            }
            return self.copy(start, end);
        }
        if let Some(ascii) = look_alike(letter) {
            if start >= self.word_seen {
                let (seen, mixed) = word(self.text, start);
                self.word_seen = start + seen;
                self.word_until = if mixed { self.word_seen } else { start };
            }
            if start < self.word_until {
                return self.put(start, end, &[ascii]);
            }
        }
        let folded = match letter {
            '\u{3000}' | '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => ' ',
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{fe63}' | '\u{ff0d}' => '-',
            'ー' | 'ｰ' if self.out.ends_with(|c: char| c.is_ascii_digit()) && next.is_some_and(digit) => '-',
            'ー' | 'ｰ' if start < self.number_until => '-',
            'ｰ' => 'ー',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
            '〜' | '∼' => '~',
            'µ' => 'μ',
            _ => letter,
        };
        if folded != letter {
            return self.put(start, end, &[folded]);
        }
        if let Some(value) = superscript(letter) {
            return self.put(start, end, &['^', value]);
        }
        if let '①'..='⑳' = letter {
            let number = letter as u32 - '①' as u32 + 1;
            let text: Vec<char> = format!("({number})").chars().collect();
            return self.put(start, end, &text);
        }
        if plain(letter) {
            let folded = OLD.plain(letter);
            if folded == letter {
                return self.copy(start, end);
            }
            return self.put(start, end, &[folded]);
        }
        let normal: Vec<char> = std::iter::once(letter).nfkc().map(|c| OLD.plain(c)).collect();
        if normal == [letter] {
            return self.copy(start, end);
        }
        self.put(start, end, &normal);
    }
}

/// Bit *n*: the letter of code point *n* stays as it is, whatever stands around it.
static STAYS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut bits = vec![0_u64; 1024];
    for letter in '\0'..='\u{ffff}' {
        let stays = match letter {
            '\n' | '\r' | '〜' | 'ー' => false,
            _ if letter.is_ascii() => true,
            _ => plain(letter) && kanji_digit(letter).is_none() && OLD.plain(letter) == letter,
        };
        if stays && let Some(bits) = bits.get_mut(letter as usize >> 6) {
            *bits |= 1 << (letter as u32 & 63);
        }
    }
    bits
});

/// How many bytes of a text begin it that stay as they are.
fn unchanged(text: &str) -> usize {
    let bytes = text.as_bytes();
    let stays = STAYS.as_slice();
    let mut at = 0;
    while let Some(&lead) = bytes.get(at) {
        match lead {
            b'\n' | b'\r' => break,
            0..0x80 => at += 1,
            0xe0..=0xef => {
                let next = |behind: usize| bytes.get(at + behind).map_or(0, |byte| usize::from(byte & 0x3f));
                let letter = usize::from(lead & 0xf) << 12 | next(1) << 6 | next(2);
                let plain = stays.get(letter >> 6).is_some_and(|bits| bits >> (letter & 63) & 1 == 1);
                let long = letter == 'ー' as usize
                    && text.get(..at).is_some_and(|before| {
                        before.ends_with(|letter| matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー'))
                    });
                if !plain && !long {
                    break;
                }
                at += 3;
            }
            0xf0.. => {
                let letter = text.get(at..).and_then(|rest| rest.chars().next());
                if !letter.is_some_and(|letter| plain(letter) && OLD.plain(letter) == letter) {
                    break;
                }
                at += 4;
            }
            _ => break,
        }
    }
    at
}

/// Has a text a line break that folding would take out?
fn breaks(text: &str) -> bool {
    memchr::memchr_iter(b'\n', text.as_bytes())
        .any(|at| joins(text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()))
}

/// Does a line break between these two stand inside a number (`090-⏎1234`) or a mail address (`a@⏎b.jp`)?
fn joins(before: &str, after: &str) -> bool {
    let before = before.strip_suffix('\r').unwrap_or(before);
    let mut back = before.chars().rev();
    let next = after.chars().next();
    match back.next() {
        Some('-') => back.next().is_some_and(|letter| letter.is_ascii_digit()) && next.is_some_and(digit),
        Some('@') => {
            back.next().is_some_and(|letter| letter.is_ascii_alphanumeric())
                && next.is_some_and(|letter| letter.is_ascii_alphanumeric())
        }
        Some(letter) if letter.is_ascii_alphanumeric() => {
            let mut ahead = after.chars();
            ahead.next() == Some('@') && ahead.next().is_some_and(|letter| letter.is_ascii_alphanumeric())
        }
        _ => false,
    }
}

fn kanji_digit(letter: char) -> Option<char> {
    Some(match letter {
        '〇' | '○' | '◯' => '0',
        '一' => '1',
        '二' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => return None,
    })
}

/// A kanji digit begins here: how many bytes its run takes (digits and single hyphens between them), and whether it is a
/// number written by places (`〇九〇−一二三四`, `二〇二四年`, `五九四番地`). 三十五, 二、三日, the name 一二三 and 〇〇 are none.
fn number(text: &str, start: usize) -> (usize, bool) {
    let rest = text.get(start..).unwrap_or_default();
    let (mut digits, mut groups, mut zeros, mut end) = (0_usize, 1_usize, 0_usize, 0_usize);
    let (mut hyphen, mut rings) = (false, false);
    let mut after = None;
    for (at, letter) in rest.char_indices() {
        if kanji_digit(letter).is_some() || (hyphen && digit(letter)) || (digits > 0 && groups > 1 && digit(letter)) {
            groups += usize::from(hyphen);
            hyphen = false;
            digits += 1;
            zeros += usize::from(matches!(letter, '〇' | '○' | '◯'));
            rings |= matches!(letter, '○' | '◯');
            end = at + letter.len_utf8();
        } else if !hyphen && digits > 0 && hyphens(letter) {
            hyphen = true;
        } else {
            after = rest.get(end..).and_then(|rest| rest.chars().next());
            break;
        }
    }
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let unit =
        |letter: Option<char>| letter.is_some_and(|letter| matches!(letter, '十' | '百' | '千' | '万' | '億' | '数'));
    let counted =
        after.is_some_and(|letter| matches!(letter, '番' | '号' | '丁' | '年' | '月' | '日' | '歳' | '才' | '室'));
    // A ring is a bullet or a blank to fill in more often than a zero.
    let enough = if rings { digits >= 7 } else { digits >= 4 || (digits >= 2 && counted) };
    (
        end.max(text.get(start..).and_then(|rest| rest.chars().next()).map_or(3, char::len_utf8)),
        enough && zeros < digits && !unit(before) && !unit(after),
    )
}

fn hyphens(letter: char) -> bool {
    matches!(letter, '-' | 'ー' | 'ｰ' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{ff0d}')
}

/// Greek and Cyrillic letters that look like an ASCII one.
fn look_alike(letter: char) -> Option<char> {
    if !matches!(letter, '\u{391}'..='\u{3bf}' | '\u{405}'..='\u{458}') {
        return None;
    }
    const PAIRS: [&str; 2] = ["ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТХЅІЈаеорсухѕіј", "ABEZHIKMNOPTYXoABEKMHOPCTXSIJaeopcyxsij"];
    let at = PAIRS[0].chars().position(|known| known == letter)?;
    PAIRS[1].chars().nth(at)
}

/// A look-alike letter stands here: how many bytes of its word follow, and whether the word is an ASCII one with nothing
/// but look-alikes among its other letters.
fn word(text: &str, start: usize) -> (usize, bool) {
    let letter = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '\u{370}'..='\u{52f}');
    let (before, after) = (text.get(..start).unwrap_or_default(), text.get(start..).unwrap_or_default());
    let ahead: usize = after.chars().take_while(letter).map(char::len_utf8).sum();
    // A word longer than this is no word.
    let back = before.chars().rev().take(64).take_while(letter);
    let (mut ascii, mut foreign) = (false, false);
    for letter in back.chain(after.get(..ahead).unwrap_or_default().chars()) {
        ascii |= letter.is_ascii_alphabetic();
        foreign |= !letter.is_ascii() && look_alike(letter).is_none();
    }
    (ahead, ascii && !foreign)
}

/// Whether two single letters stand with a blank before, between and behind them, as in every run of four.
fn maybe_spaced(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    let (mut last, mut singles) = (None, 0);
    for blank in memchr::memchr_iter(b' ', bytes) {
        let token = last.and_then(|last: usize| bytes.get(last + 1..blank)).unwrap_or_default();
        let width = match token.first() {
            None => 0,
            Some(0..0x80) => 1,
            Some(0x80..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(_) => 4,
        };
        singles = if width > 0 && token.len() == width { singles + 1 } else { 0 };
        if singles == 2 {
            return true;
        }
        last = Some(blank);
    }
    false
}

/// The blanks inside runs of four or more single letters with one blank between each two (bytes of the folded text).
/// The first may follow a sign (`氏名:山 田 太 郎`), the last may be followed by one.
fn spaced(folded: &str) -> Vec<usize> {
    let single = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '@' | '.' | '_' | 'ー'))
    };
    let sign = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let mut gaps = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    let mut start = 0;
    for token in folded.split(' ') {
        let end = start + token.len();
        let (mut ahead, mut back) = (token.chars(), token.chars().rev());
        let head = single(ahead.next()) && sign(ahead.next());
        let tail = single(back.next()) && sign(back.next());
        if !head {
            run.pop();
        }
        if !head || token.chars().nth(1).is_some() {
            if run.len() >= 3 {
                gaps.append(&mut run);
            }
            run.clear();
        }
        if tail && end < folded.len() {
            run.push(end);
        }
        start = end + 1;
    }
    if run.len() >= 3 {
        gaps.append(&mut run);
    }
    gaps
}

/// Letters that no normalisation changes: kana, CJK ideographs of the main blocks, common punctuation.
fn plain(letter: char) -> bool {
    matches!(letter, '\u{3001}'..='\u{3035}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '・' | 'ー' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{2a6df}')
}

fn digit(letter: char) -> bool {
    letter.is_ascii_digit() || ('０'..='９').contains(&letter)
}

/// Invisible letters that a span swallows (PHI, correction (c)).
fn dropped(letter: char) -> bool {
    matches!(letter,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{34f}'
        | '\u{61c}' | '\u{180e}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn superscript(letter: char) -> Option<char> {
    Some(match letter {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from_digit(letter as u32 - '⁴' as u32 + 4, 10)?,
        '⁻' => '-',
        '⁺' => '+',
        _ => return None,
    })
}

/// A kana and a sound mark after it, as one letter: half-width pairs, and ゛ ゜ or combining marks after any kana.
fn voiced(kana: char, mark: char) -> Option<char> {
    let combining = match mark {
        'ﾞ' | '゛' | '\u{3099}' => '\u{3099}',
        'ﾟ' | '゜' | '\u{309a}' => '\u{309a}',
        _ => return None,
    };
    if !matches!(kana, 'ｦ'..='ﾝ' | 'ぁ'..='ゖ' | 'ァ'..='ヺ') {
        return None;
    }
    let mut joined = [kana].into_iter().nfkc().chain([combining]).nfc();
    match (joined.next(), joined.next()) {
        (Some(letter), None) => Some(letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, folded: &str) {
        let text = Text::new(original);
        assert_eq!(text.folded(), folded);
        assert_eq!(text.to_original(0..folded.len()), 0..original.len());
    }

    #[test]
    fn width_kana_and_ligatures_fold() {
        check("０９０－１２３４", "090-1234");
        check("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ");
        check("コ゛トウ", "ゴトウ");
        check("５㎎／㎗", "5mg/dl");
        check("㍻元年", "平成元年");
        check("10⁴", "10^4");
        check("①5", "(1)5");
        check("髙橋", "高橋");
        check("０３ー１２３４", "03-1234");
        check("データー3", "データー3");
    }

    #[test]
    fn kanji_digits_fold_inside_numbers_only() {
        check("〇九〇−一二三四−五六七八", "090-1234-5678");
        check("電話は〇三ー一二三四ー五六七八", "電話は03-1234-5678");
        check("○三-五五五一-八〇二二", "03-5551-8022");
        check("二〇二四年三月", "2024年三月");
        check("二〜三", "二~三");
        check("木山五九四番地", "木山594番地");
        for same in ["三十五年", "二、三日", "一二三さん", "〇〇様", "〇〇年", "第一五条", "百二十三", "五十嵐一"]
        {
            check(same, same);
        }
    }

    #[test]
    fn look_alikes_fold_in_ascii_words_only() {
        check("tаnaka@exаmple.org", "tanaka@example.org");
        check("ΑB123", "AB123");
        for same in ["Анна Иванова", "α遮断薬", "ΔHbA1c", "β2-MG", "οΑ"] {
            check(same, same);
        }
    }

    #[test]
    fn a_line_break_inside_a_number_or_address_goes() {
        check("090-\n1234-5678", "090-1234-5678");
        check("０９０－\r\n１２３４", "090-1234");
        check("tanaka@\r\nexample.org", "tanaka@example.org");
        check("1234\n5678", "1234\n5678");
        check("- 1\n- 2", "- 1\n- 2");
    }

    #[test]
    fn sound_marks_join_the_kana_before_them() {
        check("か\u{3099}くと コ゛トウ", "がくと ゴトウ");
        check("人゛", "人゛".nfkc().collect::<String>().as_str());
    }

    #[test]
    fn atoms_are_one_letter_that_is_none() {
        let original = "担当 [患者:7K3Q2F9M]様 ０９";
        let start = original.find('[').unwrap();
        let end = original.find('様').unwrap();
        let text = Text::with_atoms(original, &[start..end]);
        assert_eq!(text.folded(), "担当 \u{fffc}様 09");
        let at = text.folded().find(ATOM).unwrap();
        assert_eq!(text.to_original(at..at + 3), start..end);
        let ascii = Text::with_atoms("a PATIENT_7K3Q2F9M b", &[2..18]);
        assert_eq!(ascii.folded(), "a \u{fffc} b");
    }

    #[test]
    fn single_letters_lose_their_blanks() {
        let unspaced = |text: &str| Text::new(text).unspaced().map(|text| text.folded().to_owned());
        assert_eq!(unspaced("氏名：山 田 太 郎、男").as_deref(), Some("氏名:山田太郎、男"));
        assert_eq!(unspaced("tel 0 9 0 1 2 3 4 です").as_deref(), Some("tel 0901234 です"));
        assert_eq!(unspaced("a b c def"), None);
        assert_eq!(unspaced("plain words only here"), None);
        let text = Text::new("あ 山 田　太 郎").unspaced().unwrap();
        let at = text.folded().find("山田太郎").unwrap();
        assert_eq!(text.original().get(text.to_original(at..at + 12)), Some("山 田　太 郎"));
    }

    mod properties {
        use proptest::prelude::*;

        use super::super::*;

        fn letters() -> impl Strategy<Value = String> {
            let pieces = prop::sample::select(vec![
                "a",
                "Z",
                "0",
                "9",
                "-",
                "\n",
                "\r\n",
                " ",
                "　",
                "０",
                "９",
                "ー",
                "−",
                "あ",
                "か",
                "\u{3099}",
                "゛",
                "ﾀ",
                "ﾞ",
                "ﾊ",
                "ﾟ",
                "髙",
                "邉",
                "\u{e0102}",
                "\u{200b}",
                "㎎",
                "㍻",
                "①",
                "⁴",
                "一",
                "〇",
                "九",
                "十",
                "年",
                "番",
                "а",
                "Ж",
                "Α",
                "μ",
                "@",
                ".",
                "\u{1f469}\u{200d}\u{2695}",
                "ſ",
                "ﬁ",
                "½",
                "㌔",
                "e\u{301}",
                "\u{fffc}",
                "𠮷",
                "叱",
            ]);
            prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
        }

        fn holds(text: &Text) -> Result<(), TestCaseError> {
            let (folded, original) = (text.folded(), text.original());
            let places: Vec<usize> =
                folded.char_indices().map(|(at, _)| at).chain(std::iter::once(folded.len())).collect();
            let mut last = 0..0;
            for pair in places.windows(2) {
                let written = text.to_original(pair[0]..pair[1]);
                prop_assert!(original.is_char_boundary(written.start) && original.is_char_boundary(written.end));
                prop_assert!(written.start <= written.end && written.end <= original.len());
                prop_assert!(written.start >= last.start && written.end >= last.end, "not monotone");
                prop_assert!(written.start >= last.end || written == last, "two letters share a part of their origin");
                last = written;
            }
            for (index, &start) in places.iter().enumerate() {
                for &end in &places[index..] {
                    let written = text.to_original(start..end);
                    prop_assert!(original.get(written).is_some());
                }
            }
            Ok(())
        }

        proptest! {
            #[test]
            fn every_range_maps_back(original in letters()) {
                let text = Text::new(&original);
                holds(&text)?;
                if let Some(unspaced) = text.unspaced() {
                    holds(&unspaced)?;
                }
            }

            #[test]
            fn any_text_folds(original in ".*") {
                holds(&Text::new(&original))?;
            }

            #[test]
            fn any_atoms_fold(original in letters(), cuts in prop::collection::vec(0..80_usize, 0..6)) {
                let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| original.is_char_boundary(cut)).collect();
                cuts.sort_unstable();
                let atoms: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
                let text = Text::with_atoms(&original, &atoms);
                holds(&text)?;
                for atom in atoms.iter().filter(|atom| !atom.is_empty()) {
                    let inside = text.folded().char_indices().any(|(at, letter)| {
                        letter != ATOM && {
                            let written = text.to_original(at..at + letter.len_utf8());
                            written.start < atom.end && atom.start < written.end
                        }
                    });
                    prop_assert!(!inside, "a letter of an atom was left");
                }
            }

            #[test]
            fn folding_twice_changes_nothing_more(original in "[ａ-ｚ０-９ぁ-んァ-ン一-龠]{0,30}") {
                let once = Text::new(&original).folded().to_owned();
                let twice = Text::new(&once);
                prop_assert_eq!(twice.folded(), once.as_str());
            }
        }
    }

    #[test]
    fn a_stretch_maps_to_the_letters_it_came_from() {
        let text = Text::new("氏名：渡邉\u{e0102}　ﾀﾞｲ様");
        let at = text.folded().find("辺").unwrap_or_default();
        let written = text.to_original(at..at + "辺".len());
        assert_eq!(text.original().get(written), Some("邉"));
        let at = text.folded().find("ダイ").unwrap_or_default();
        let written = text.to_original(at..at + "ダイ".len());
        assert_eq!(text.original().get(written), Some("ﾀﾞｲ"));
    }

    #[test]
    fn ascii_is_kept() {
        let text = Text::new("plain text 123");
        assert_eq!(text.folded(), text.original());
        assert_eq!(text.to_original(3..7), 3..7);
    }
}
