//! The words around names: `patterns/names/cues.toml` as one table from words to what they announce.
//! Must not know: names, scores.

use serde::Deserialize;

use super::letter::Script;
use super::letter::Window;
use super::table::Table;
use crate::detect::kind::Role;

/// What stands before a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Before {
    #[default]
    Nothing,
    Patient,
    Family,
    Staff,
    Other,
    Author,
}

/// What stands after a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum After {
    #[default]
    Nothing,
    Honorific,
    Title,
    Public,
    Facility,
    Eponym,
    Act,
    Organisation,
    Place,
    Particle,
    Reading,
}

impl Before {
    pub const COUNT: usize = 6;
    pub const WORDS: [&'static str; Self::COUNT] = ["nothing", "patient", "family", "staff", "other", "author"];
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Before::Patient => Some(Role::Patient),
            Before::Family => Some(Role::Family),
            Before::Staff => Some(Role::Staff),
            Before::Other | Before::Author => Some(Role::Other),
            Before::Nothing => None,
        }
    }
}

impl After {
    pub const COUNT: usize = 11;
    pub const WORDS: [&'static str; Self::COUNT] = [
        "nothing",
        "honorific",
        "title",
        "public",
        "facility",
        "eponym",
        "act",
        "organisation",
        "place",
        "particle",
        "reading",
    ];
    const ALL: [After; Self::COUNT] = [
        After::Nothing,
        After::Honorific,
        After::Title,
        After::Public,
        After::Facility,
        After::Eponym,
        After::Act,
        After::Organisation,
        After::Place,
        After::Particle,
        After::Reading,
    ];
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cue: Vec<Group>,
}

/// A group of words, as in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    side: String,
    #[serde(default)]
    class: String,
    #[serde(default, rename = "role")]
    _role: Option<Role>,
    pub words: Vec<String>,
    #[serde(default)]
    pub example: Vec<String>,
    #[serde(default)]
    pub counter: Vec<String>,
}

/// A cue found in a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cue {
    pub before: Before,
    pub after: After,
    /// Number of the word in its list, from 1; 0 none.
    pub word: u16,
    pub length: u8,
}

/// All cues.
pub struct Cues {
    /// Value: word number << 8 | class << 1 | side (0 before, 1 after).
    before: Table,
    after: Table,
    alone: Table,
    context: Table,
    fields: Table,
    /// All words, by number − 1.
    words: Vec<String>,
    pub groups: Vec<Group>,
    pub technical: Vec<String>,
    endings: Table,
    heads: Heads,
}

/// Which cues may begin at a letter: one look for both sides, and most letters begin none.
struct Heads {
    /// By letter of the basic plane, as bits: some cue begins with it.
    firsts: Vec<u64>,
    /// By hash of the first two letters: lengths as bits, of cues before and after.
    lengths: Vec<[u16; 2]>,
}

impl Heads {
    fn new() -> Self {
        Self { firsts: vec![0; 1 << 10], lengths: vec![[0; 2]; 1 << 12] }
    }

    fn at(first: char, second: char) -> usize {
        let key = (first as u32).wrapping_mul(0x9e37_79b1) ^ (second as u32).wrapping_mul(0x85eb_ca77);
        (key ^ key >> 15) as usize & 0xfff
    }

    fn add(&mut self, word: &str, side: usize) {
        let mut letters = word.chars();
        let Some(first) = letters.next() else { return };
        let length = word.chars().count();
        if let Some(bits) = self.firsts.get_mut(first as usize / 64) {
            *bits |= 1 << (first as u32 % 64);
        }
        // A cue of one letter stands before any other.
        let mark = |lengths: &mut [u16; 2]| {
            if let Some(lengths) = lengths.get_mut(side) {
                *lengths |= 1 << length.min(15);
            }
        };
        match letters.next() {
            Some(second) => self.lengths.get_mut(Self::at(first, second)).into_iter().for_each(mark),
            None => self.lengths.iter_mut().for_each(mark),
        }
    }

    /// Lengths of the cues before and after a name that may begin with these letters, as bits.
    fn lengths(&self, first: char, second: char) -> [u16; 2] {
        if self.firsts.get(first as usize / 64).is_some_and(|bits| bits & 1 << (first as u32 % 64) == 0) {
            return [0; 2];
        }
        self.lengths.get(Self::at(first, second)).copied().unwrap_or_default()
    }
}

const MOST: usize = 12;

impl Cues {
    /// The file that comes with the program.
    ///
    /// # Errors
    /// What toml says, with line and column.
    pub fn shipped() -> Result<Self, toml::de::Error> {
        Self::read(include_str!("../../../../patterns/names/cues.toml"))
    }

    /// Read the text of a cue file.
    ///
    /// # Errors
    /// What toml says, with line and column.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let mut cues = Self {
            before: Table::with_room(1500),
            after: Table::with_room(1500),
            alone: Table::with_room(600),
            context: Table::with_room(600),
            fields: Table::with_room(400),
            words: Vec::new(),
            groups: Vec::new(),
            technical: Vec::new(),
            endings: Table::with_room(200),
            heads: Heads::new(),
        };
        let mut numbers = std::collections::HashMap::new();
        for group in &file.cue {
            let class = |words: &[&str]| words.iter().position(|word| *word == group.class).unwrap_or(0) as u32;
            for word in &group.words {
                let folded = crate::detect::text::Text::new(word).folded().to_owned();
                let next = cues.words.len() as u32 + 1;
                let number = *numbers.entry(folded.clone()).or_insert(next);
                if number == next {
                    cues.words.push(folded.clone());
                }
                match (group.side.as_str(), group.class.as_str()) {
                    ("before", _) => {
                        cues.heads.add(&folded, 0);
                        add_once(&mut cues.before, &folded, number << 8 | class(&Before::WORDS));
                    }
                    ("after", _) => {
                        cues.heads.add(&folded, 1);
                        add_once(&mut cues.after, &folded, number << 8 | class(&After::WORDS));
                    }
                    ("alone", "technical") => cues.technical.push(folded),
                    ("alone", "place_ending") => cues.endings.add(&folded, 1),
                    ("alone", _) => cues.alone.add(&folded, 1),
                    ("context", _) => add_once(&mut cues.context, &folded, number),
                    ("field", _) => cues.fields.add(&field_key(&folded), 1),
                    _ => {}
                }
            }
        }
        cues.groups = file.cue;
        Ok(cues)
    }

    /// How many word numbers there are, 0 included.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.words.len() + 1
    }

    /// The word with this number.
    #[must_use]
    pub fn word(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.words.get(at)).map_or("", String::as_str)
    }

    /// The number of every word; the empty word is 0.
    #[must_use]
    pub fn by_word(&self) -> std::collections::HashMap<&str, usize> {
        let words = self.words.iter().enumerate().map(|(at, word)| (word.as_str(), at + 1));
        std::iter::once(("", 0)).chain(words).collect()
    }

    /// Mark, by letter, the longest label that ends before it and the strongest cue that starts at it.
    pub fn mark(&self, window: &Window, before: &mut Vec<Cue>, after: &mut Vec<Cue>) {
        before.clear();
        before.resize(window.count() + 1, Cue::default());
        after.clear();
        after.resize(window.count() + 1, Cue::default());
        for start in 0..window.count() {
            let (first, second) = (window.letter(start), window.letter(start + 1));
            let [lengths, later] = self.heads.lengths(first, second);
            if lengths | later == 0 {
                continue;
            }
            let longest = (15 - (lengths | later).leading_zeros() as usize).min(MOST);
            let mut hash = super::letter::SEED;
            for length in 1..=longest {
                let end = start + length;
                if end > window.count() {
                    break;
                }
                hash = super::letter::mix(hash, window.letter(end - 1));
                if lengths & 1 << length != 0 && bounded(window, start, end) {
                    let value = self.before.get(hash);
                    if value != 0
                        && let Some(cue) = before.get_mut(end)
                        && usize::from(cue.length) < length
                    {
                        let class = (value & 0xff) as usize;
                        *cue = Cue {
                            before: before_of(class),
                            after: After::Nothing,
                            word: (value >> 8) as u16,
                            length: length as u8,
                        };
                    }
                }
                if later & 1 << length != 0 && bounded(window, start, end) {
                    let value = self.after.get(hash);
                    if value != 0 {
                        let class = After::ALL.get((value & 0xff) as usize).copied().unwrap_or_default();
                        if let Some(cue) = after.get_mut(start)
                            && (cue.length == 0
                                || class < cue.after
                                || class == cue.after && usize::from(cue.length) < length)
                        {
                            *cue = Cue {
                                before: Before::Nothing,
                                after: class,
                                word: (value >> 8) as u16,
                                length: length as u8,
                            };
                        }
                    }
                }
            }
        }
    }

    /// Words that are persons but no names (患者, 奥, 業者).
    #[must_use]
    pub fn not_person(&self, letters: &[char]) -> bool {
        self.alone.word(letters) != 0
    }

    /// A Latin word that ends the name of a street, house, firm or hospital; any case.
    #[must_use]
    pub fn place_ending(&self, letters: &[char]) -> bool {
        self.endings.get(super::letter::hash(letters.iter().map(char::to_ascii_lowercase))) != 0
    }

    /// The word is itself a label, a title or a part of a firm's or place's name.
    #[must_use]
    pub fn is_cue(&self, letters: &[char]) -> bool {
        self.before.word(letters) != 0 || self.after.word(letters) != 0
    }

    /// The number of an English neighbour word, any case.
    #[must_use]
    pub fn neighbour(&self, letters: &[char]) -> usize {
        self.context.get(super::letter::hash(letters.iter().map(char::to_ascii_lowercase))) as usize
    }

    /// The field of a record holds a person's name.
    #[must_use]
    pub fn name_field(&self, label: &str) -> bool {
        let folded = crate::detect::text::Text::new(label);
        self.fields.get(super::letter::hash(field_key(folded.folded()).chars())) != 0
    }
}

impl Cues {
    /// Whose name a field holds, by its label.
    #[must_use]
    pub fn field_role(&self, label: &str) -> Option<Role> {
        self.name_field(label).then(|| super::field::role_of(label))
    }
}

/// Labels are compared without case, spaces, `_`, `-` and trailing colons.
fn field_key(label: &str) -> String {
    label
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-' | ':' | '*' | '"' | '\''))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The first class of a word stays.
fn add_once(table: &mut Table, word: &str, value: u32) {
    if table.word(&word.chars().collect::<Vec<_>>()) == 0 {
        table.add(word, value);
    }
}

fn before_of(class: usize) -> Before {
    match class {
        1 => Before::Patient,
        2 => Before::Family,
        3 => Before::Staff,
        4 => Before::Other,
        5 => Before::Author,
        _ => Before::Nothing,
    }
}

/// A Latin cue is a whole word.
fn bounded(window: &Window, start: usize, end: usize) -> bool {
    let left = window.script(start) != Script::Latin || !matches!(window.before(start), Script::Latin);
    let right = end == 0 || window.script(end - 1) != Script::Latin || !matches!(window.script(end), Script::Latin);
    left && right
}
