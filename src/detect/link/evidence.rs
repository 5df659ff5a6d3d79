//! What stands around a name, as evidence for who bears it: titles, kin words, labels, honorifics, ages, signatures.
//! The words are data (`patterns/link/people.toml`).
//! Must not know: other names, what becomes of the evidence.

use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::detect::kind::Role;

/// One group of words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "the examples are for the tests"))]
pub(super) struct Cue {
    pub(super) id: String,
    side: Side,
    role: Role,
    weight: f32,
    group: Option<String>,
    #[serde(default)]
    kin: bool,
    #[serde(default)]
    honorific: bool,
    words: Vec<String>,
    #[serde(default)]
    pub(super) example: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Before,
    After,
    Line,
    Document,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    cue: Vec<Cue>,
}

/// The shipped words. A faulty file gives none; a test keeps that from being released.
pub(super) static CUES: LazyLock<Vec<Cue>> = LazyLock::new(|| {
    toml::from_str::<File>(include_str!("../../../patterns/link/people.toml")).unwrap_or_default().cue
});

/// Points for each role, in the order of `ROLES`.
pub(super) type Votes = [f32; 4];

pub(super) const ROLES: [Role; 4] = [Role::Patient, Role::Family, Role::Staff, Role::Other];

pub(super) fn seat(role: Role) -> usize {
    match role {
        Role::Patient => 0,
        Role::Family => 1,
        Role::Staff => 2,
        Role::Other => 3,
    }
}

/// The polite word behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Honor {
    Sama,
    San,
    Child,
}

/// As a courtesy or kin word has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sex {
    Woman,
    Man,
}

fn sex(word: &str) -> Option<Sex> {
    match word.trim_start_matches(['(', ',', ' ']) {
        "Mr" | "Mr." | "夫" | "父" | "父親" | "長男" | "次男" | "二男" | "三男" | "四男" | "息子" | "兄" | "弟"
        | "祖父" | "ご主人" | "主人" | "旦那" | "お父" | "お兄" | "叔父" | "伯父" | "義父" | "義兄" | "義弟" | "婿"
        | "甥" | "パパ" | "husband" | "Husband" | "son" | "Son" | "father" | "Father" | "brother" | "Brother"
        | "dad" | "Dad" | "nephew" | "uncle" | "grandson" | "grandfather" => Some(Sex::Man),
        "Mrs" | "Mrs." | "Ms" | "Ms." | "Miss" | "妻" | "奥" | "奥様" | "奥さん" | "母" | "母親" | "長女" | "次女"
        | "二女" | "三女" | "娘" | "姉" | "妹" | "祖母" | "お母" | "お姉" | "叔母" | "伯母" | "義母" | "義姉"
        | "義妹" | "嫁" | "お嫁" | "姪" | "ママ" | "wife" | "Wife" | "daughter" | "Daughter" | "mother" | "Mother"
        | "sister" | "Sister," | "sister," | "mom" | "Mom" | "niece" | "aunt" | "granddaughter" | "grandmother" => {
            Some(Sex::Woman)
        }
        _ => None,
    }
}

/// What the words around one name say.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub(super) votes: Votes,
    /// The calling: two callings are two people.
    pub(super) group: Option<&'static str>,
    /// The class that a title, a label or a kin word gives, if one does.
    pub(super) class: Option<Role>,
    pub(super) kin: bool,
    pub(super) honor: Option<Honor>,
    /// The very title or label: of two in one class the one who has it.
    pub(super) word: Option<&'static str>,
    /// Speaks of itself (`金子です`), or is spoken to (a line `金子様`): never the same person.
    pub(super) speaks: bool,
    pub(super) spoken_to: bool,
    /// In a quoted mail, where who speaks and who is spoken to change places.
    pub(super) quoted: bool,
    /// A newborn that wears its mother's name.
    pub(super) baby: bool,
    pub(super) sex: Option<Sex>,
    /// A word of its line says that it is another person of that name.
    pub(super) apart: bool,
}

/// Words of a line that warn of two people.
const APART: [&str; 10] = [
    "別人",
    "同姓",
    "同名異人",
    "同じ苗字",
    "同じ姓",
    "無関係",
    "親戚ではない",
    "親族関係はない",
    "different patient",
    "no relation",
];

/// From here on a cue decides the class for linking.
const STRONG: f32 = 4.0;

/// Read the words around a name in its text.
pub(super) fn marks(text: &str, range: &Range<usize>) -> Marks {
    let mut marks = Marks::default();
    let (before, after) = around(text, range);
    let before: String = before.chars().map(plain).collect();
    let after: String = after.chars().map(plain).collect();
    let line = line(text, range);
    marks.apart = APART.iter().any(|word| line.contains(word));
    behind(&mut marks, &after);
    ahead(&mut marks, &before);
    if marks.kin {
        // Ages and polite words are given to relatives too.
        if let Some(patient) = marks.votes.get_mut(seat(Role::Patient)) {
            *patient *= 0.4;
        }
    }
    heading(&mut marks, text, range);
    marks.speaks = ["です", "と申します", "でございます"].iter().any(|word| after.starts_with(word));
    marks.quoted = line.starts_with('>');
    marks.baby = ["ベビー", "Baby", " baby"].iter().any(|word| after.starts_with(word)) || before.ends_with("Baby of ");
    let polite = ["様", "先生", "さん", "殿"].iter().find_map(|word| after.trim_start().strip_prefix(word));
    let rest = polite.map(|rest| rest.split('\n').next().unwrap_or_default().trim());
    marks.spoken_to = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('(') && rest.ends_with(')'))
        && line.chars().count() <= 30
        && !line.contains(['。', '、', '→', '：', ':']);
    for cue in CUES.iter().filter(|cue| cue.side == Side::Line) {
        if cue.words.iter().any(|word| line.contains(word.as_str())) {
            vote(&mut marks, cue);
        }
    }
    marks
}

/// What the whole text says of the people in it.
pub(super) fn document(text: &str) -> Votes {
    let mut votes = Votes::default();
    for cue in CUES.iter().filter(|cue| cue.side == Side::Document) {
        let hits = cue.words.iter().filter(|word| text.contains(word.as_str())).count().min(3);
        if let Some(slot) = votes.get_mut(seat(cue.role)) {
            *slot += cue.weight * hits as f32;
        }
    }
    votes
}

/// What the line is headed with (`出席:`, `業者:`) says whose names it lists, where nothing nearer does.
fn heading(marks: &mut Marks, text: &str, range: &Range<usize>) {
    if marks.class.is_some() {
        return;
    }
    let before = last(text.get(..range.start).unwrap_or_default(), 60);
    let own = before.rsplit('\n').next().unwrap_or_default();
    let Some((label, _)) =
        own.split_once([':', '：']).filter(|(label, rest)| label.chars().count() <= 10 && !rest.contains(['。', '」']))
    else {
        return;
    };
    let label = label.trim_start_matches(|letter: char| !letter.is_alphabetic());
    let cue = CUES.iter().find(|cue| {
        cue.side == Side::Before && cue.role != Role::Patient && !cue.kin && cue.words.iter().any(|word| label == word)
    });
    if let Some(cue) = cue {
        vote(marks, cue);
        marks.group = None;
    }
}

fn vote(marks: &mut Marks, cue: &'static Cue) {
    if let Some(slot) = marks.votes.get_mut(seat(cue.role)) {
        *slot += cue.weight;
    }
    if cue.weight >= STRONG && marks.class.is_none() {
        marks.class = Some(cue.role);
        marks.kin = cue.kin;
    }
    if marks.class == Some(cue.role) && marks.group.is_none() {
        marks.group = cue.group.as_deref();
    }
}

/// Words directly behind the name: an honorific or title, then what a bracket says.
fn behind(marks: &mut Marks, after: &str) {
    let mut rest = after;
    for _ in 0..3 {
        let spaced = rest.trim_start_matches([' ', '\u{3000}', '\t']);
        let bare = spaced.strip_prefix('(').unwrap_or(spaced);
        let heads = [rest, spaced, bare].map(|from| from.as_bytes().first());
        let mut best: Option<(&'static Cue, usize, &'static str)> = None;
        for cue in CUES.iter().filter(|cue| cue.side == Side::After) {
            // Most words are told by their first byte.
            for word in cue.words.iter().filter(|word| heads.contains(&word.as_bytes().first()) || *word == "{age}") {
                let length = if word == "{age}" {
                    age(bare)
                } else {
                    [rest, spaced, bare]
                        .into_iter()
                        .find_map(|from| begins(from, word).then(|| after_of(rest, from) + word.len()))
                        .map(|end| end.max(1))
                };
                if let Some(length) = length
                    && best.is_none_or(|(_, longest, _)| length > longest)
                {
                    best = Some((cue, length, word));
                }
            }
        }
        let Some((cue, length, word)) = best else { return };
        vote(marks, cue);
        marks.sex = marks.sex.or_else(|| sex(word));
        if cue.weight >= STRONG && word != "{age}" {
            marks.word = marks.word.or(Some(word));
        }
        if cue.honorific && marks.honor.is_none() {
            marks.honor = match cue.id.as_str() {
                "after.sama" => Some(Honor::Sama),
                "after.child" => Some(Honor::Child),
                _ => Some(Honor::San),
            };
        }
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// How far `from` lies inside `rest`, whose end it is.
fn after_of(rest: &str, from: &str) -> usize {
    rest.len().saturating_sub(from.len())
}

fn begins(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| {
        !word.ends_with(|letter: char| letter.is_ascii_alphanumeric())
            || !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric())
    })
}

/// `72歳`, `67 y/o`, `(34歳`: the bytes that it takes.
fn age(text: &str) -> Option<usize> {
    let from = text.trim_start_matches([' ', ',', '(', ')', '、']);
    let digits = from.len() - from.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let unit = from.get(digits..)?.trim_start();
    let units = [
        "歳", "才", "か月", "ヶ月", "代", "y/o", "yo ", "yo,", "yo)", "F ", "M ", "F,", "M,", "F)", "M)", "F\n", "M\n",
        "-year", " year", "F", "M",
    ];
    let ends = units.iter().any(|word| unit.starts_with(word))
        || unit.is_empty()
        || (unit.starts_with([',', ')']) && text.starts_with([',', ' ']));
    ends.then(|| after_of(text, from) + digits)
}

/// Words directly before the name: a label, a kin word or a title, its own honorific and signs between.
fn ahead(marks: &mut Marks, before: &str) {
    let signs = |letter: char| letter.is_whitespace() || ":(「『【<\"'・=＝-/|".contains(letter);
    let mut rest = before.trim_end_matches(signs);
    rest = rest.strip_suffix('の').unwrap_or(rest);
    rest = before.trim_end().strip_suffix('は').unwrap_or(rest).trim_end_matches(signs);
    for _ in 0..2 {
        for word in ["様", "さん", "さま", "くん", "ちゃん", "氏"] {
            rest = rest.strip_suffix(word).unwrap_or(rest);
        }
        rest = rest.trim_end_matches(')');
    }
    // `father Mr. Bennett`: a courtesy stands between.
    for _ in 0..2 {
        let tail = rest.as_bytes().last();
        let mut best: Option<(&'static Cue, &'static str)> = None;
        for cue in CUES.iter().filter(|cue| cue.side == Side::Before) {
            for word in cue.words.iter().filter(|word| word.as_bytes().last() == tail) {
                if best.is_none_or(|(_, longest)| word.len() > longest.len()) && ends(rest, word) {
                    best = Some((cue, word));
                }
            }
        }
        let Some((cue, word)) = best else { return };
        vote(marks, cue);
        marks.sex = marks.sex.or_else(|| sex(word));
        if cue.weight >= STRONG {
            marks.word = marks.word.or(Some(word));
            return;
        }
        rest = rest.strip_suffix(word).unwrap_or_default().trim_end_matches(signs).trim_end_matches(',');
    }
}

fn ends(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|rest| {
        !word.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            || !rest.ends_with(|letter: char| letter.is_ascii_alphanumeric())
    })
}

/// One form for the signs that stand in full and half width.
fn plain(letter: char) -> char {
    match letter {
        '（' | '［' | '[' => '(',
        '）' | '］' | ']' => ')',
        '：' => ':',
        '，' => ',',
        '／' => '/',
        '！'..='～' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

/// Letters before and behind that are looked at.
const NEAR: usize = 32;

/// What stands before (in its line, or a label's line above) and behind the name.
fn around<'a>(text: &'a str, range: &Range<usize>) -> (&'a str, &'a str) {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let mut before = last(before, NEAR);
    if let Some(at) = before.rfind('\n') {
        let own = before.get(at + 1..).unwrap_or_default();
        let above = before.get(..at).unwrap_or_default().trim_end();
        if !(own.trim().is_empty() && above.ends_with([':', '：'])) {
            before = own;
        }
    }
    let end = after.char_indices().nth(NEAR).map_or(after.len(), |(at, _)| at);
    (before, after.get(..end).unwrap_or_default())
}

/// The last letters of a text.
pub(super) fn last(text: &str, count: usize) -> &str {
    let start = text.char_indices().rev().take(count).last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// The line around a range; of a text without lines, what is near.
pub(super) fn line<'a>(text: &'a str, range: &Range<usize>) -> &'a str {
    let before = last(text.get(..range.start).unwrap_or_default(), 120);
    let after = text.get(range.end..).unwrap_or_default();
    let from = before.rfind('\n').map_or(0, |at| at + 1);
    let start = range.start - (before.len() - from);
    let cut = after.char_indices().take(120).find(|(_, letter)| *letter == '\n').map(|(at, _)| at);
    let to = cut.or_else(|| after.char_indices().nth(120).map(|(at, _)| at)).unwrap_or(after.len());
    text.get(start..range.end + to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sentence: &str) -> Marks {
        let start = sentence.find('<').unwrap();
        let end = sentence.find('>').unwrap();
        let text = sentence.replacen(['<', '>'], "", 2);
        marks(&text, &(start..end - 1))
    }

    #[test]
    fn every_example_gives_its_role() {
        assert!(CUES.len() > 10, "patterns/link/people.toml cannot be read");
        for cue in CUES.iter() {
            assert!(cue.weight < STRONG || !cue.example.is_empty(), "{} has no example", cue.id);
            for sentence in &cue.example {
                let votes = read(sentence).votes;
                let own = votes.get(seat(cue.role)).copied().unwrap_or_default();
                assert!(votes.iter().all(|vote| *vote <= own) && own > 0.0, "{}: {sentence}: {votes:?}", cue.id);
            }
        }
    }

    #[test]
    fn callings_and_kin_are_told_apart() {
        assert_eq!(read("<岡田>医師:荷重可").group, Some("doctor"));
        assert_eq!(read("<岡田>PT:平行棒内").group, Some("pt"));
        assert!(read("奥様(<宮崎>様)が希望").kin);
        assert!(read("<西山>様(息子)へ").kin);
        let marks = read("<山田>さんは食事開始");
        assert_eq!((marks.class, marks.honor), (None, Some(Honor::San)));
        assert!(read("カードの方とは別人、<イシイ>様").apart);
        assert_eq!(read("出席:<岡本>、ほか").class, Some(Role::Staff));
    }

    #[test]
    fn ages_are_read_and_numbers_are_not() {
        assert!(age(" 72歳 男").is_some());
        assert!(age(", 67 y/o").is_some());
        assert!(age("号室").is_none());
        assert!(age(" 2024年").is_none());
    }
}
