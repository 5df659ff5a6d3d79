//! Japanese addresses: a head from the lexicon (or a label), a quarter, house numbers in every style, building and room.
//! Must not know: what else stands in the text.

use std::ops::Range;

use super::Place;
use super::lexicon::{Head, Lexicon};
use crate::detect::engine::reading::{after, before, char_at, char_before, kanji_digit, line_start};
use crate::detect::finding::Evidence;
use crate::detect::literals::Literals;

/// Letters of quarter and numbers that one address may have.
const LONGEST: usize = 48;

/// Words before an address that say that somebody lives there.
const RESIDENCE: &[&str] = &[
    "住所",
    "現住所",
    "自宅",
    "居住",
    "居所",
    "在住",
    "転居",
    "本籍",
    "実家",
    "宿舎",
    "送付先",
    "郵送先",
    "連絡先",
    "お住まい",
    "住まい",
    "宅",
    "家屋",
    "様",
    "さん",
    "殿",
    "氏",
    "患者",
    "利用者",
    "氏名",
    "独居",
    "同居",
    "生",
    "〒",
    "住民票",
    "保証人",
    "別荘",
    "帰省先",
    "訪問先",
    "address",
];

/// Labels whose value is an address, with or without the name of a town.
const LABELS: &[&str] = &[
    "住所",
    "現住所",
    "ご住所",
    "自宅",
    "自宅住所",
    "居所",
    "転居先",
    "本籍",
    "本籍地",
    "実家",
    "住所地",
    "送付先",
    "郵送先",
    "帰省先",
    "宿舎",
];

/// Words around an address that say that a facility or firm resides there.
const PUBLIC_BEFORE: &[&str] = &[
    "病院",
    "医院",
    "クリニック",
    "診療所",
    "医療センター",
    "株式会社",
    "有限会社",
    "合同会社",
    "(株)",
    "所在地",
    "本社",
    "支社",
    "営業所",
    "会場",
    "物件",
    "施設名",
    "薬局",
    "バス停",
    "保健所",
    "大学",
    "学会",
    "協会",
    "財団",
    "事務局",
    "御中",
    "死亡したところ",
    "場所",
    "工場",
    "ホテル",
    "甲 ",
    "乙 ",
    "店舗",
    "開催地",
    "ステーション",
    "当院",
    "貴院",
    "院内",
];
const PUBLIC_AFTER: &[&str] = &[
    "病院",
    "医院",
    "クリニック",
    "診療所",
    "医療センター",
    "株式会社",
    "薬局",
    "大学",
    "センター",
    "代表取締役",
    "理事長",
    "院長",
    "事務局",
    "ビル",
    "役所",
    "役場",
    "会館",
    "の会社",
    "に勤務",
    "の施設",
];

/// What a quarter's name never holds.
const NO_QUARTER: &[&str] = &[
    "病院",
    "医院",
    "クリニック",
    "センター",
    "大学",
    "学校",
    "高校",
    "中学",
    "小学",
    "警察",
    "消防",
    "役所",
    "役場",
    "保健所",
    "支店",
    "市立",
    "県立",
    "町立",
    "在住",
    "から",
    "まで",
    "では",
    "には",
    "です",
    "ます",
    "より",
    "内の",
    "について",
    "における",
    "の患者",
    "平均",
    "人口",
    "議会",
    "条例",
    "医師会",
    "会議",
    "委員",
    "出身",
    "および",
    "及び",
    "など",
    "した",
    "する",
    "への",
    "さん",
    "様",
    "氏",
    "年",
    "月",
    "第",
];

/// Words of buildings.
const BUILDINGS: &[&str] = &[
    "マンション",
    "アパート",
    "コーポ",
    "ハイツ",
    "ハイム",
    "メゾン",
    "荘",
    "団地",
    "住宅",
    "寮",
    "会館",
    "レジデンス",
    "パレス",
    "コート",
    "タワー",
    "グループホーム",
    "ホーム",
    "館",
    "ヴィラ",
    "ビラ",
    "ハウス",
    "プラザ",
    "シャトー",
    "サンハイツ",
    "ビレッジ",
    "号棟",
    "棟",
    "苑",
    "園",
    "レジデンシャル",
    "ガーデン",
    "テラス",
];

/// Words that end an address although their letters could go on.
const STOPS: &[&str] = &[
    "電話",
    "TEL",
    "Tel",
    "FAX",
    "携帯",
    "氏名",
    "様方",
    "様",
    "さん",
    "担当",
    "医師",
    "生年月日",
    "℡",
    "児相",
    "方裏",
    "障害",
    "職業",
    "既往",
    "独居",
    "同居",
    "鍵",
    "に転居",
    "在住",
    "連絡先",
    "男",
    "女",
    "勤務",
];

#[derive(Debug)]
pub(super) struct Japan {
    lexicon: Lexicon,
    labels: Literals,
}

/// The letters of an address behind its head.
struct Tail {
    end: usize,
    /// A house number, block or 丁目 stands in it.
    numbered: bool,
    /// More than one number, or 丁目, 番地, 号.
    grouped: bool,
    room: bool,
}

impl Japan {
    pub(super) fn new() -> Self {
        Self { lexicon: Lexicon::new(), labels: Literals::new(LABELS.iter().copied().chain(["同 "])) }
    }

    pub(super) fn read(&self, text: &str) -> Vec<Place> {
        let mut places = Vec::new();
        let mut covered = 0;
        for head in self.lexicon.heads(text) {
            if head.range.start < covered {
                continue;
            }
            if let Some(place) = self.place(text, &head) {
                covered = place.range.end;
                places.push(place);
            }
        }
        labelled(&self.labels, text, &mut places);
        places.sort_by_key(|place| place.range.start);
        places
    }

    fn place(&self, text: &str, head: &Head) -> Option<Place> {
        let rest = text.get(head.range.end..)?;
        let town = head.municipality.and_then(|city| self.lexicon.town(city, rest));
        let tail = tail(text, head.range.end, town)?;
        let quarter = text.get(head.range.end..tail.end)?;
        let mut evidence = vec![Evidence::new("place", if head.municipality.is_some() { 0.3 } else { 0.15 })];
        if town.is_some() {
            evidence.push(Evidence::new("town of the municipality", 0.25));
        } else {
            let name: String = quarter.chars().take_while(|letter| !letter.is_ascii_digit()).collect();
            if NO_QUARTER.iter().any(|word| name.contains(word)) {
                return None;
            }
        }
        // 京都: the way is told before the quarter.
        if town.is_none() && ["上る", "上ル", "下る", "下ル", "東入", "西入"].iter().any(|word| quarter.contains(word))
        {
            evidence.push(Evidence::new("way of Kyoto", 0.25));
        }
        let residence = near(text, &head.range, RESIDENCE, 18);
        if !tail.numbered {
            // A town alone counts with a word of residence only.
            town?;
            evidence.push(Evidence::new("no number", -0.3));
        } else if tail.grouped {
            evidence.push(Evidence::new("house number", 0.2));
        } else {
            evidence.push(Evidence::new("number", 0.1));
        }
        if tail.room {
            evidence.push(Evidence::new("room", 0.1));
        }
        if let Some(word) = residence {
            evidence.push(Evidence::new(word, 0.25));
        }
        evidence.extend(public(text, &(head.range.start..tail.end)));
        Some(Place { range: head.range.start..tail.end, evidence })
    }
}

/// A facility's or firm's address, unless a label of residence stands directly before.
fn public(text: &str, range: &Range<usize>) -> Option<Evidence> {
    if label_before(text, range.start) {
        return None;
    }
    let line = line_start(text, range.start);
    let head = before(text, range.start, 26);
    let same_line =
        if range.start - line < head.len() { text.get(line..range.start).unwrap_or_default() } else { head };
    // The end of the line before counts where the address stands alone on its line.
    let window = if same_line
        .trim_matches(['〒', ' ', '-'])
        .chars()
        .all(|letter| letter.is_ascii_digit() || letter == '-' || letter == ' ')
    {
        head
    } else {
        same_line
    };
    if let Some(word) = PUBLIC_BEFORE.iter().find(|word| window.contains(**word)) {
        return Some(Evidence::new(format!("public {word}"), -0.65));
    }
    let tail = after(text, range.end, 12);
    let tail = tail.split(['。', '、']).next().unwrap_or(tail);
    PUBLIC_AFTER.iter().find(|word| tail.contains(**word)).map(|word| Evidence::new(format!("public {word}"), -0.5))
}

fn near(text: &str, range: &Range<usize>, words: &[&'static str], reach: usize) -> Option<&'static str> {
    let head = before(text, range.start, reach);
    words.iter().find(|word| head.contains(**word)).copied()
}

/// A label of residence directly before, over `：`, spaces, brackets and a postal code.
fn label_before(text: &str, at: usize) -> bool {
    let head = before(text, at, 24);
    let head = head.trim_end_matches(|letter: char| {
        letter.is_ascii_digit()
            || matches!(letter, ' ' | ':' | '：' | '-' | '〒' | '\n' | '\t' | '"' | '(' | 'は' | '、' | ',')
    });
    LABELS.iter().any(|label| head.ends_with(label))
}

/// Read on behind a head: quarter, numbers, building, room.
fn tail(text: &str, start: usize, town: Option<usize>) -> Option<Tail> {
    let mut tail = Tail { end: start + town.unwrap_or(0), numbered: false, grouped: false, room: false };
    let first = skip_space(text, start);
    segment(text, first, &mut tail, town.map_or(first, |length| start + length));
    if !tail.numbered {
        // `新見市高尾 二四八八番地`: a space before the number.
        let next = skip_space(text, segment_end(text, first));
        if next > first
            && char_at(text, next).is_some_and(|letter| letter.is_ascii_digit() || kanji_digit(letter).is_some())
        {
            segment(text, next, &mut tail, next);
        }
    }
    if tail.end <= start || (!tail.numbered && town.is_none()) {
        return None;
    }
    if tail.numbered {
        building(text, &mut tail);
    }
    Some(tail)
}

fn skip_space(text: &str, at: usize) -> usize {
    match char_at(text, at) {
        Some(' ') => at + 1,
        _ => at,
    }
}

/// A letter that addresses are made of, apart from digits.
const fn place_letter(letter: char) -> bool {
    matches!(letter, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '々' | '〆' | '〇' | '○')
}

/// End of the run of letters, digits and hyphens that begins at `at`, before a stop word.
fn segment_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let mut end = at;
    for (count, (index, letter)) in rest.char_indices().enumerate() {
        let fits = place_letter(letter) || letter.is_ascii_digit() || letter == '-';
        if !fits || count >= LONGEST || stop(rest.get(index..).unwrap_or_default()) {
            break;
        }
        end = at + index + letter.len_utf8();
    }
    end
}

fn stop(rest: &str) -> bool {
    STOPS.iter().any(|word| rest.starts_with(word))
}

/// Units of house numbers.
const UNITS: &[&str] = &[
    "丁目",
    "番地の",
    "番地",
    "番外地",
    "番",
    "号室",
    "号棟",
    "号",
    "棟",
    "条",
    "地割",
    "線",
    "区",
    "階",
    "地先",
    "通",
];

/// Take in the numbers of one run; the end moves to behind the last of them.
fn segment(text: &str, at: usize, tail: &mut Tail, from: usize) {
    let end = segment_end(text, at);
    let mut place = from.max(at);
    let mut numbers = 0;
    while let Some(letter) = char_at(text, place).filter(|_| place < end) {
        let previous = char_before(text, place);
        let digit = letter.is_ascii_digit();
        let kanji = kanji_digit(letter).is_some() || matches!(letter, '十' | '百' | '千');
        if digit || kanji {
            let mut stop = place;
            while let Some(letter) = char_at(text, stop).filter(|_| stop < end) {
                let goes_on = if digit {
                    letter.is_ascii_digit()
                } else {
                    kanji_digit(letter).is_some() || matches!(letter, '十' | '百' | '千')
                };
                if !goes_on {
                    break;
                }
                stop += letter.len_utf8();
            }
            let rest = text.get(stop..end).unwrap_or_default();
            let unit = UNITS.iter().find(|unit| rest.starts_with(**unit));
            let linked = previous.is_some_and(|letter| {
                letter == '-'
                    || letter == 'の'
                    || letter.is_ascii_digit()
                    || matches!(letter, '目' | '地' | '番' | '号')
            });
            let counter =
                ["人", "名", "件", "年", "月", "日", "歳", "回", "床", "円", "時", "%", "km", "分", "世帯", "台", "代"]
                    .iter()
                    .any(|word| text.get(stop..).unwrap_or_default().starts_with(word));
            if counter {
                return;
            }
            if digit || unit.is_some() || linked || (rest.is_empty() && stop - place >= 6) {
                numbers += 1;
                tail.numbered = true;
                tail.grouped = tail.grouped
                    || numbers > 1
                    || unit.is_some_and(|unit| *unit != "条" && *unit != "通" && *unit != "区");
                tail.end = stop + unit.map_or(0, |unit| unit.len());
                place = tail.end;
                continue;
            }
            place = stop;
            continue;
        }
        if ["無番地", "番外地", "官有地"].iter().any(|word| text.get(place..end).unwrap_or_default().starts_with(word))
        {
            tail.numbered = true;
            tail.grouped = true;
            tail.end = place + "無番地".len();
            place = tail.end;
            continue;
        }
        // Behind the numbers a run of letters goes on only to another number: `91ヲ12`, `5丁目北3-12`, `青葉荘202`.
        place += letter.len_utf8();
    }
    // A building's name may end the run without a room: `…5番8号青葉荘`.
    if tail.numbered && tail.end < end {
        let name = text.get(tail.end..end).unwrap_or_default();
        if name.chars().count() <= 16 && BUILDINGS.iter().any(|word| name.ends_with(word)) {
            tail.end = end;
        }
    }
}

/// Building and room behind a space: `メゾン子安302`, `第二青葉荘202号`, `アルプスハイツ B-306`, `グループホームひだまり 203号室`.
fn building(text: &str, tail: &mut Tail) {
    for round in 0..2 {
        let start = skip_space(text, tail.end);
        if start == tail.end || stop(text.get(start..).unwrap_or_default()) {
            return;
        }
        let rest = text.get(start..).unwrap_or_default();
        let mut end = start;
        let mut last_number = None;
        for (count, (index, letter)) in rest.char_indices().enumerate() {
            let fits = place_letter(letter) || letter.is_ascii_alphanumeric() || matches!(letter, '-' | '・' | '#');
            if !fits || count >= 24 || stop(rest.get(index..).unwrap_or_default()) {
                break;
            }
            end = start + index + letter.len_utf8();
            if letter.is_ascii_digit()
                || kanji_digit(letter).is_some()
                    && char_before(text, start + index).is_some_and(|before| kanji_digit(before).is_some())
            {
                last_number = Some(end);
            } else if char_before(text, start + index)
                .is_some_and(|before| before.is_ascii_digit() || kanji_digit(before).is_some())
            {
                let unit = ["号室", "号棟", "号", "棟", "階", "室", "F"]
                    .iter()
                    .find(|unit| text.get(start + index..).unwrap_or_default().starts_with(**unit));
                if let Some(unit) = unit {
                    last_number = Some(start + index + unit.len());
                }
            }
            // `2-B`: a letter as the room behind a number and a hyphen.
            if letter.is_ascii_uppercase() && char_before(text, start + index) == Some('-') {
                last_number = Some(end);
            }
        }
        let name = text.get(start..end).unwrap_or_default();
        let known = BUILDINGS.iter().any(|word| name.contains(word));
        let phone = name.starts_with('0') && name.chars().filter(char::is_ascii_digit).count() >= 9;
        let date =
            text.get(start..).unwrap_or_default().chars().take(12).any(|letter| matches!(letter, '月' | '年' | '/'));
        match last_number {
            Some(number) if !phone && (known || !date) && room_like(text, start, number, known, round) => {
                tail.end = number;
                tail.room = true;
            }
            _ if known
                && !name.is_empty()
                && name.chars().count() <= 16
                && BUILDINGS
                    .iter()
                    .any(|word| name.ends_with(word) || (*word == "ホーム" && name.starts_with("グループホーム"))) =>
            {
                tail.end = end;
            }
            _ if round == 0 && !name.is_empty() && follows_room(text, end) => tail.end = end,
            _ => return,
        }
    }
}

/// A building with its room: a name of letters and then few digits; not a count, an age, a dose.
fn room_like(text: &str, start: usize, end: usize, known: bool, round: usize) -> bool {
    let name = text.get(start..end).unwrap_or_default();
    let letters = name.chars().take_while(|letter| !letter.is_ascii_digit()).count();
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let unit = ["歳", "才", "人", "名", "年", "月", "日", "円", "時", "回", "%", "/", ":", "cm", "kg"]
        .iter()
        .any(|word| text.get(end..).unwrap_or_default().starts_with(word));
    let katakana = name.chars().filter(|letter| ('ァ'..='ヺ').contains(letter)).count() >= 2;
    let bare = letters <= 2 && round == 1 || name.ends_with('室');
    !unit && digits <= 6 && (known || katakana || bare || name.ends_with('号'))
}

/// A room number stands alone behind a space.
fn follows_room(text: &str, at: usize) -> bool {
    let start = skip_space(text, at);
    if start == at {
        return false;
    }
    let room: String = after(text, start, 8)
        .chars()
        .take_while(|letter| {
            letter.is_ascii_alphanumeric()
                || *letter == '-'
                || kanji_digit(*letter).is_some()
                || "号室棟階".contains(*letter)
        })
        .collect();
    let digits = room.chars().filter(|letter| letter.is_ascii_digit() || kanji_digit(*letter).is_some()).count();
    (2..=5).contains(&digits) && (room.ends_with('室') || room.ends_with('号') || room.contains('-'))
}

/// Addresses behind a label or 同 that name no municipality of the lexicon: `住所 大字東1234`, `同 小名浜岡小名31-5`.
fn labelled(labels: &Literals, text: &str, places: &mut Vec<Place>) {
    let heads = places.len();
    for found in labels.find_iter(text) {
        let (at, label) = (found.range.start, text.get(found.range.clone()).unwrap_or_default());
        let mut start = found.range.end;
        while let Some(letter) = char_at(text, start)
            .filter(|letter| matches!(letter, ':' | ' ' | '"' | 'は' | '\t' | '\n' | '、' | '(' | '〒'))
        {
            start += letter.len_utf8();
        }
        if start - at - label.len() > 6 || covered(places.get(..heads).unwrap_or_default(), start) {
            continue;
        }
        let mut tail = Tail { end: start, numbered: false, grouped: false, room: false };
        segment(text, start, &mut tail, start);
        let name: String = text
            .get(start..tail.end)
            .unwrap_or_default()
            .chars()
            .take_while(|letter| !letter.is_ascii_digit())
            .collect();
        let fits = (2..=18).contains(&name.chars().count())
            && !NO_QUARTER.iter().any(|word| name.contains(word))
            && !name.starts_with("の");
        if tail.numbered && fits {
            building(text, &mut tail);
            let mut evidence =
                vec![Evidence::new("label", 0.45), Evidence::new("number", if tail.grouped { 0.2 } else { 0.1 })];
            if label == "同 " {
                evidence.extend(public(text, &(start..tail.end)));
            }
            places.push(Place { range: start..tail.end, evidence });
        }
    }
}

/// Whether a place of the ordered list covers `at`.
fn covered(places: &[Place], at: usize) -> bool {
    let upto = places.partition_point(|place| place.range.start <= at);
    upto.checked_sub(1).and_then(|last| places.get(last)).is_some_and(|place| place.range.contains(&at))
}
