//! Written forms → keys, the same for the list and for the text: what people write in many ways has one key.
//! Width, half-width kana and old characters are `Text`'s; blanks, kana and the spelling of romaji are folded here.
//! Must not know: tags, files, findings.

use unicode_normalization::UnicodeNormalization;

/// The letter of a kana in a key: katakana, large, ヂ ヅ ヲ as they sound. `None` when it is no kana.
pub(super) fn kana(letter: char) -> Option<char> {
    let katakana = match letter {
        'ぁ'..='ゖ' => char::from_u32(letter as u32 + 0x60)?,
        'ァ'..='ヶ' | 'ー' => letter,
        _ => return None,
    };
    Some(match katakana {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' | 'ヲ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        'ヂ' => 'ジ',
        'ヅ' => 'ズ',
        other => other,
    })
}

/// A letter of a full name in a key; `None` when it is none. Kana are one script, Latin letters are lower case.
pub(super) fn full(letter: char) -> Option<char> {
    if let Some(kana) = kana(letter) {
        return Some(kana);
    }
    if kanji(letter) {
        return Some(letter);
    }
    if letter.is_ascii() {
        return letter.is_ascii_alphabetic().then(|| letter.to_ascii_lowercase());
    }
    letter.is_alphabetic().then_some(letter)
}

/// An ideograph or the sign that repeats one.
pub(super) fn kanji(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '々' | '〆' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A letter of a word in Latin script.
pub(super) fn latin(letter: char) -> bool {
    letter.is_ascii_alphabetic()
        || (matches!(letter, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') && letter.is_alphabetic())
}

/// What may stand between the parts of a name.
pub(super) fn gap(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '^' | '・' | ',' | '|' | '_' | '=')
}

/// What may stand between the words of a name in Latin letters.
pub(super) fn latin_gap(letter: char) -> bool {
    gap(letter) || matches!(letter, '.' | '-' | '+' | '/')
}

/// The letters of a word in Latin script without their marks, lower case, added to `word`.
pub(super) fn push_latin(letter: char, word: &mut Vec<u8>) {
    if letter.is_ascii() {
        if letter.is_ascii_alphabetic() {
            word.push(letter.to_ascii_lowercase() as u8);
        }
        return;
    }
    let plain = match letter {
        'ø' | 'Ø' => Some(b'o'),
        'đ' | 'Đ' => Some(b'd'),
        'ł' | 'Ł' => Some(b'l'),
        _ => None,
    };
    match plain {
        Some(plain) => word.push(plain),
        None => word.extend(
            std::iter::once(letter)
                .nfd()
                .filter(char::is_ascii_alphabetic)
                .map(|letter| letter.to_ascii_lowercase() as u8),
        ),
    }
}

/// One spelling for Hepburn, Kunrei and Nippon-siki, with and without long vowels: `Satoh`, `Satou` and `Sato` are one,
/// `Shimpei` and `Sinpei`. Works on any lower-case ASCII word; what it does to English does no harm, as it is done on
/// both sides.
pub(super) fn loosen(word: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    let at = |index: usize| word.get(index).copied().unwrap_or(0);
    let vowel = |letter: u8| matches!(letter, b'a' | b'i' | b'u' | b'e' | b'o');
    let mut index = 0;
    while index < word.len() {
        let (letter, next) = (at(index), at(index + 1));
        index += match (letter, next) {
            (b's', b'h') => {
                out.push(b's');
                if at(index + 2) != b'i' {
                    out.push(b'y');
                }
                2
            }
            (b't', b'c') if at(index + 2) == b'h' => {
                out.push(b't');
                1
            }
            (b'c', b'h') => {
                out.push(b't');
                if at(index + 2) != b'i' {
                    out.push(b'y');
                }
                2
            }
            (b't', b's') if at(index + 2) == b'u' => {
                out.push(b't');
                2
            }
            (b'f', _) => {
                out.push(b'h');
                1
            }
            (b'j', _) => {
                out.push(b'z');
                if !matches!(next, b'i' | b'y') {
                    out.push(b'y');
                }
                1
            }
            (b'm', b'b' | b'p' | b'm') => {
                out.push(b'n');
                1
            }
            // A long vowel.
            (b'o' | b'u', _) if out.get(from..).is_some_and(|done| done.last() == Some(&b'o')) => 1,
            (b'u', _) if out.get(from..).is_some_and(|done| done.last() == Some(&b'u')) => 1,
            (b'h', _)
                if out.get(from..).is_some_and(|done| done.last() == Some(&b'o')) && !vowel(next) && next != b'y' =>
            {
                1
            }
            (b'd', b'z') | (b'w', b'o') => 1,
            _ => {
                out.push(letter);
                1
            }
        };
    }
}

/// A reading in kana as loose romaji. Letters that are no kana fall out.
pub(super) fn romaji(reading: &str) -> Vec<u8> {
    let mut written: Vec<u8> = Vec::with_capacity(reading.len());
    let mut doubled = false;
    for letter in reading.chars() {
        let letter =
            if let 'ぁ'..='ゖ' = letter { char::from_u32(letter as u32 + 0x60).unwrap_or(letter) } else { letter };
        // A small vowel takes the place of the vowel before it: キャ kya, ファ fa, ティ ti.
        let small = match letter {
            'ャ' => Some(("y", 'a')),
            'ュ' => Some(("y", 'u')),
            'ョ' => Some(("y", 'o')),
            'ァ' => Some(("", 'a')),
            'ィ' => Some(("", 'i')),
            'ゥ' => Some(("", 'u')),
            'ェ' => Some(("", 'e')),
            'ォ' => Some(("", 'o')),
            _ => None,
        };
        if let Some((glide, vowel)) = small {
            let glide = if glide.is_empty() && written.ends_with(b"zi") { "y" } else { glide };
            let glide =
                if glide.is_empty() && (written.ends_with(b"si") || written.ends_with(b"ti")) { "y" } else { glide };
            if written.last().is_some_and(|last| matches!(last, b'i' | b'u' | b'e' | b'o')) {
                written.pop();
            }
            written.extend_from_slice(glide.as_bytes());
            written.push(vowel as u8);
            continue;
        }
        if letter == 'ッ' {
            doubled = true;
            continue;
        }
        let Some(mora) = mora(letter) else { continue };
        if std::mem::take(&mut doubled)
            && let Some(first) = mora.bytes().next()
        {
            written.push(first);
        }
        written.extend_from_slice(mora.as_bytes());
    }
    let mut out = Vec::with_capacity(written.len());
    loosen(&written, &mut out);
    out
}

fn mora(kana: char) -> Option<&'static str> {
    const ROWS: [(&str, [&str; 5]); 15] = [
        ("アイウエオ", ["a", "i", "u", "e", "o"]),
        ("カキクケコ", ["ka", "ki", "ku", "ke", "ko"]),
        ("サシスセソ", ["sa", "si", "su", "se", "so"]),
        ("タチツテト", ["ta", "ti", "tu", "te", "to"]),
        ("ナニヌネノ", ["na", "ni", "nu", "ne", "no"]),
        ("ハヒフヘホ", ["ha", "hi", "hu", "he", "ho"]),
        ("マミムメモ", ["ma", "mi", "mu", "me", "mo"]),
        ("ヤヰユヱヨ", ["ya", "i", "yu", "e", "yo"]),
        ("ラリルレロ", ["ra", "ri", "ru", "re", "ro"]),
        ("ガギグゲゴ", ["ga", "gi", "gu", "ge", "go"]),
        ("ザジズゼゾ", ["za", "zi", "zu", "ze", "zo"]),
        ("ダヂヅデド", ["da", "zi", "zu", "de", "do"]),
        ("バビブベボ", ["ba", "bi", "bu", "be", "bo"]),
        ("パピプペポ", ["pa", "pi", "pu", "pe", "po"]),
        ("ワンヴヲヶ", ["wa", "n", "vu", "o", "ke"]),
    ];
    ROWS.iter().find_map(|(row, spelled)| {
        let place = row.chars().position(|letter| letter == kana)?;
        spelled.get(place).copied()
    })
}

/// A number's letters and digits, upper case; everything between them is writing.
pub(super) fn number(written: &str) -> String {
    written.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

/// A number of digits without the zeros in front; `None` when it has none or is no number of digits.
pub(super) fn bare(number: &str) -> Option<&str> {
    let bare = number.trim_start_matches('0');
    (number.bytes().all(|byte| byte.is_ascii_digit()) && bare.len() < number.len() && !bare.is_empty()).then_some(bare)
}

/// The digits of a telephone number as dialled in Japan: `+81 90-1234-5678` is `09012345678`.
pub(super) fn phone(written: &str) -> Option<String> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.strip_prefix("81").filter(|_| written.trim_start().starts_with('+')) {
        Some(rest) => format!("0{}", rest.trim_start_matches('0')),
        None => digits,
    };
    (national.starts_with('0') && matches!(national.len(), 10 | 11)).then_some(national)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(word: &str) -> String {
        let mut out = Vec::new();
        loosen(word.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for (one, others) in [
            ("satou", vec!["sato", "satoh", "satoo"]),
            ("shinpei", vec!["simpei", "shimpei", "sinpei"]),
            ("tsuchiya", vec!["tutiya", "tsutiya"]),
            ("fujimoto", vec!["huzimoto", "fuzimoto"]),
            ("kyouichi", vec!["kyoichi", "kyoiti", "kyouiti"]),
            ("junko", vec!["zyunko", "jyunko"]),
            ("matcha", vec!["mattya"]),
            ("yuuki", vec!["yuki"]),
            ("oohara", vec!["ohara"]),
            ("oyama", vec!["ooyama", "ohyama"]),
        ] {
            for other in others {
                if (one, other) == ("oyama", "ohyama") {
                    continue;
                }
                assert_eq!(loose(one), loose(other), "{one} {other}");
            }
        }
        assert_ne!(loose("iida"), loose("ida"));
        assert_ne!(loose("ohara"), loose("oara"));
    }

    #[test]
    fn readings_are_spelled_as_people_spell_them() {
        for (kana, written) in [
            ("ヤマダタロウ", "yamadataro"),
            ("さとうきょうこ", "satokyoko"),
            ("ジュンイチ", "junichi"),
            ("ホッタ", "hotta"),
            ("シェリー", "sheri"),
            ("ファン", "fan"),
            ("チェ", "che"),
            ("ジェーン", "jen"),
            ("シンペイ", "shimpei"),
            ("ティン", "tin"),
        ] {
            assert_eq!(String::from_utf8(romaji(kana)).unwrap(), loose(written), "{kana}");
        }
    }

    #[test]
    fn kana_are_one_script_and_large() {
        let key = |text: &str| text.chars().filter_map(kana).collect::<String>();
        assert_eq!(key("きょうこ"), key("キヨウコ"));
        assert_eq!(key("はづき"), key("ハズキ"));
        assert_eq!("佐藤Emily".chars().filter_map(full).collect::<String>(), "佐藤emily");
    }

    #[test]
    fn numbers_and_phones_lose_what_stands_between() {
        assert_eq!(number("a-001 234"), "A001234");
        assert_eq!(bare("0012345"), Some("12345"));
        assert_eq!((bare("12345"), bare("A0012"), bare("000")), (None, None, None));
        assert_eq!(phone("+81 90-1234-5678").as_deref(), Some("09012345678"));
        assert_eq!(phone("(03)1234-5678").as_deref(), Some("0312345678"));
        assert_eq!(phone("1234"), None);
    }
}
