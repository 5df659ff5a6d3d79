//! The text as the names engine walks it: one window of letters with their classes and their way back to bytes.
//! Everything here is about single letters; offsets named `letter` count letters of the window, not bytes.
//! Must not know: names, words, scores.

/// The class of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Script {
    Kanji,
    Hiragana,
    Katakana,
    Hangul,
    Digit,
    Latin,
    Line,
    Space,
    Tab,
    Open,
    Close,
    Colon,
    Comma,
    Stop,
    Dot,
    Other,
    Edge,
}

impl Script {
    pub const COUNT: usize = 17;
    pub const ALL: [Script; Script::COUNT] = [
        Script::Kanji,
        Script::Hiragana,
        Script::Katakana,
        Script::Hangul,
        Script::Digit,
        Script::Latin,
        Script::Line,
        Script::Space,
        Script::Tab,
        Script::Open,
        Script::Close,
        Script::Colon,
        Script::Comma,
        Script::Stop,
        Script::Dot,
        Script::Other,
        Script::Edge,
    ];

    #[must_use]
    #[inline]
    pub fn of(letter: char) -> Self {
        match letter {
            // Most of all texts.
            'ぁ'..='ゟ' => Script::Hiragana,
            '一'..='鿿' => Script::Kanji,
            '\0'..='\x7f' => ASCII[letter as usize & 0x7f],
            _ => Self::rare(letter),
        }
    }

    fn rare(letter: char) -> Self {
        match letter {
            '々' | '〆' | 'ヶ' | '〇' | '㐀'..='䶿' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
                Script::Kanji
            }
            '・' => Script::Dot,
            'ァ'..='ヿ' => Script::Katakana,
            '가'..='힣' => Script::Hangul,
            'À'..='ɏ' | 'Ḁ'..='ỿ' => Script::Latin,
            '【' | '「' | '『' | '〈' | '《' => Script::Open,
            '】' | '」' | '』' | '〉' | '》' => Script::Close,
            '：' | '＝' => Script::Colon,
            '、' | '，' => Script::Comma,
            '。' | '．' => Script::Stop,
            _ if letter.is_whitespace() => Script::Space,
            _ if letter.is_numeric() => Script::Digit,
            _ if letter.is_alphabetic() => Script::Latin,
            _ => Script::Other,
        }
    }

    /// Kanji, hiragana or katakana.
    #[must_use]
    pub const fn japanese(self) -> bool {
        matches!(self, Script::Kanji | Script::Hiragana | Script::Katakana)
    }

    /// The word in the weights file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Script::Kanji => "kanji",
            Script::Hiragana => "hiragana",
            Script::Katakana => "katakana",
            Script::Hangul => "hangul",
            Script::Digit => "digit",
            Script::Latin => "latin",
            Script::Line => "line",
            Script::Space => "space",
            Script::Tab => "tab",
            Script::Open => "open",
            Script::Close => "close",
            Script::Colon => "colon",
            Script::Comma => "comma",
            Script::Stop => "stop",
            Script::Dot => "dot",
            Script::Other => "other",
            Script::Edge => "edge",
        }
    }
}

/// The classes of ASCII.
const ASCII: [Script; 128] = {
    let mut scripts = [Script::Other; 128];
    let mut at = 0;
    while at < 128 {
        scripts[at] = match at as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Script::Latin,
            b'0'..=b'9' => Script::Digit,
            b'\n' | b'\r' => Script::Line,
            b'\t' => Script::Tab,
            b'(' | b'[' | b'<' | b'{' => Script::Open,
            b')' | b']' | b'>' | b'}' => Script::Close,
            b':' | b'=' => Script::Colon,
            b',' | b'/' | b'|' | b';' => Script::Comma,
            b'.' | b'!' | b'?' => Script::Stop,
            // What `char::is_whitespace` says.
            b' ' | 0x0b | 0x0c => Script::Space,
            _ => Script::Other,
        };
        at += 1;
    }
    scripts
};

/// A window of the folded text.
#[derive(Default)]
pub struct Window {
    pub letters: Vec<char>,
    pub scripts: Vec<Script>,
    /// Byte offset of every letter in the folded text, and of the end.
    pub bytes: Vec<u32>,
}

impl Window {
    /// Fill from `text`, whose first byte stands at `base`.
    pub fn fill(&mut self, text: &str, base: usize) {
        self.letters.clear();
        self.scripts.clear();
        self.bytes.clear();
        for (at, letter) in text.char_indices() {
            self.letters.push(letter);
            self.scripts.push(Script::of(letter));
            self.bytes.push((base + at) as u32);
        }
        self.bytes.push((base + text.len()) as u32);
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.letters.len()
    }

    /// The class of the letter at `at`; `Edge` outside.
    #[must_use]
    pub fn script(&self, at: usize) -> Script {
        self.scripts.get(at).copied().unwrap_or(Script::Edge)
    }

    /// The class of the letter before `at`.
    #[must_use]
    pub fn before(&self, at: usize) -> Script {
        at.checked_sub(1).map_or(Script::Edge, |at| self.script(at))
    }

    /// The letter at `at`; NUL outside.
    #[must_use]
    pub fn letter(&self, at: usize) -> char {
        self.letters.get(at).copied().unwrap_or('\0')
    }

    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> &[char] {
        self.letters.get(start..end).unwrap_or(&[])
    }

    /// The end of the run of letters of class `script` that starts at `at`, at most `limit` letters on.
    #[must_use]
    pub fn run(&self, at: usize, limit: usize, script: Script) -> usize {
        let mut end = at;
        while end < at + limit && self.script(end) == script {
            end += 1;
        }
        end
    }
}

/// Hiragana to katakana; everything else stays.
#[must_use]
pub fn katakana(letter: char) -> char {
    if ('ぁ'..='ゖ').contains(&letter) { char::from_u32(letter as u32 + 0x60).unwrap_or(letter) } else { letter }
}

/// A letter of the hash used for all word tables. Not keyed: a made collision only costs or gives a false word.
#[must_use]
pub const fn mix(hash: u64, letter: char) -> u64 {
    (hash ^ letter as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

pub const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;

/// The hash of a word.
#[must_use]
pub fn hash(letters: impl IntoIterator<Item = char>) -> u64 {
    letters.into_iter().fold(SEED, mix)
}
