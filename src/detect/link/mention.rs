//! A name where it stands, and names that stand beside another as its reading, other spelling or former form.
//! Must not know: persons.

use std::collections::BTreeMap;
use std::ops::Range;

use super::evidence::{Marks, line, marks, seat};
use super::name::{self, Name};
use crate::detect::kind::Role;

/// A name where it stands.
pub(super) struct Mention<'a> {
    pub(super) part: usize,
    /// Bytes of the part's text.
    pub(super) range: Range<usize>,
    pub(super) text: &'a str,
    pub(super) name: Name,
    pub(super) marks: Marks,
    /// What the engine that found it says.
    pub(super) told: Option<Role>,
    /// A number or date of birth that stands beside it, for people of one name.
    pub(super) number: Option<String>,
}

impl<'a> Mention<'a> {
    pub(super) fn new(
        part: usize,
        range: Range<usize>,
        text: &'a str,
        surface: &str,
        ends: &dyn Fn(&str) -> Vec<usize>,
    ) -> Self {
        let marks = marks(text, &range);
        Self { part, name: Name::of(surface, ends), marks, told: None, number: None, range, text }
    }

    /// What stands between this name and a later one of the same part.
    pub(super) fn until(&self, later: &Self) -> Option<&'a str> {
        (self.part == later.part).then(|| self.text.get(self.range.end..later.range.start)).flatten()
    }

    pub(super) fn before(&self, count: usize) -> &'a str {
        super::evidence::last(self.text.get(..self.range.start).unwrap_or_default(), count)
    }

    /// Stands bare at the end of a line that says something else, after a gap or a stroke: who wrote it.
    pub(super) fn signs(&self) -> bool {
        let after = self.text.get(self.range.end..).unwrap_or_default();
        let before = self.before(3);
        let ends = after.is_empty() || after.starts_with(['\n', '\r', '/', '／', ')', '）']);
        ends && !self.name.is_full()
            && before.ends_with([' ', '\u{3000}', '/', '／', '(', '（', '。', '—'])
            && !line(self.text, &self.range).trim_start().starts_with(before.trim())
            && self.marks.honor.is_none()
    }

    /// Its line holds nothing but the name and a polite word: a greeting or a signature.
    pub(super) fn alone_in_line(&self) -> bool {
        let line = line(self.text, &self.range);
        line.chars().count() <= self.name.whole.chars().count() + 8
    }
}

/// A list of names shares what announces its first: `助手 関、真鍋`.
pub(super) fn inherit(mentions: &mut [Mention<'_>]) {
    for at in 1..mentions.len() {
        let (Some(first), Some(second)) = (mentions.get(at - 1), mentions.get(at)) else { continue };
        let listed = first.until(second).is_some_and(|between| {
            let signs = between.trim();
            !between.contains('\n') && matches!(signs, "、" | "," | "・" | "，" | "と" | "&" | "and" | "/" | "／")
        });
        let Some(class) = first.marks.class.filter(|_| listed && second.marks.class.is_none()) else { continue };
        if second.marks.honor.is_some() || matches!(class, Role::Family) {
            continue;
        }
        if let Some(second) = mentions.get_mut(at) {
            second.marks.class = Some(class);
            if let Some(vote) = second.marks.votes.get_mut(seat(class)) {
                *vote += 3.0;
            }
        }
    }
}

/// Names that stand beside another as its reading, its other spelling or its former form → that other.
pub(super) fn beside(mentions: &[Mention<'_>]) -> BTreeMap<usize, usize> {
    let mut links: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, pair) in mentions.windows(2).enumerate() {
        let [first, second] = pair else { continue };
        let Some(between) = first.until(second) else { continue };
        if former(second) && between.chars().count() <= 12 {
            links.insert(at + 1, at);
        } else if reading(first, second, between) {
            // The reading follows the written name, on whichever side it stands.
            let backward = script(&first.name) < script(&second.name);
            if backward && !links.contains_key(&at) {
                links.insert(at, at + 1);
            } else if !backward {
                links.insert(at + 1, at);
            }
        }
    }
    links
}

fn former(mention: &Mention<'_>) -> bool {
    let before = mention.before(8).trim_end_matches(|letter: char| letter.is_whitespace() || ":：".contains(letter));
    ["旧姓", "née", "nee", "née", "新氏名", "新姓", "改め", "改姓後", "formerly"]
        .iter()
        .any(|word| before.ends_with(word))
}

/// Latin letters 0, kana 1, kanji 2.
pub(super) fn script(name: &Name) -> u8 {
    if name::latin(&name.whole) { 0 } else { u8::from(!name::kana(&name.whole)) + 1 }
}

/// Is one the reading of the other: `高橋 美咲(ﾀｶﾊｼ ﾐｻｷ)`, in the next cell or line, or labelled フリガナ?
fn reading(first: &Mention<'_>, second: &Mention<'_>, between: &str) -> bool {
    let (a, b) = (script(&first.name), script(&second.name));
    if first.name.initials || second.name.initials {
        let (short, long) = if first.name.initials { (first, second) } else { (second, first) };
        return between.chars().count() <= 10
            && !between.contains('\n')
            && between.contains(['(', '（', '[', '以'])
            && (long.name.has_initials(&short.name) || between.contains("以下"));
    }
    if a == b {
        return false;
    }
    let labelled = ["フリガナ", "ふりがな", "カナ", "ｶﾅ", "ﾌﾘｶﾞﾅ", "ヨミ", "よみ", "氏名", "ローマ字"]
        .iter()
        .any(|word| between.contains(word));
    let bare =
        between.replace("様", "").replace("さん", "").replace("殿", "").replace("くん", "").replace("ちゃん", "");
    let bare = ["フリガナ", "ふりがな", "カナ", "ｶﾅ", "ﾌﾘｶﾞﾅ", "ヨミ", "よみ", "患者", "氏名", "ローマ字"]
        .iter()
        .fold(bare, |text, word| text.replace(word, ""));
    let bare: String = without_age(&bare);
    if bare.chars().count() > 14 || bare.chars().any(char::is_alphanumeric) {
        return false;
    }
    let (written, read) = if a > b { (&first.name, &second.name) } else { (&second.name, &first.name) };
    // Foreign names in kana follow no spelling: the bracket or stroke says it.
    if a.min(b) == 0
        && a.max(b) == 1
        && between.contains(['(', '（', '/', '／'])
        && written.words.len() == read.words.len()
    {
        return true;
    }
    // Directly in a bracket behind it stands its reading, also one that no list knows (金 民秀(キム ミンス)).
    let in_bracket = bare.trim_start().starts_with(['(', '（']) && a > b && name::kana(&second.name.whole);
    if in_bracket && written.words.len() == read.words.len() && read.is_full() {
        return true;
    }
    match name::reads_as(written, read) {
        Some(alike) => alike,
        None => {
            let signed = labelled || between.contains(['(', '（', '[', '/', '／', '［', '\t', '|', '｜', ',']);
            signed && !(between.contains('\n') && !labelled) && written.words.len() == read.words.len().max(1)
        }
    }
}

/// What stands between without an age: `くん 4歳`.
fn without_age(text: &str) -> String {
    let Some(at) = text.find('歳') else { return text.to_owned() };
    let (before, after) = text.split_at(at);
    let before = before.trim_end_matches(|letter: char| letter.is_numeric());
    format!("{before}{}", after.trim_start_matches('歳'))
}
