//! Which form of an entity's word a mention is: the whole, the family name, the given name, the reading, in Latin letters.
//! Also the normal forms from which codes are made. Pure comparison of strings.
//! Must not know: codes, the map.

use super::wiped::Wiped;

use super::token::Form;
use crate::detect::Kind;
use crate::detect::text::Text;

/// A word without what may differ between two writings of it: width, old characters, spaces, dots between names.
#[must_use]
pub fn folded(word: &str) -> Wiped {
    Wiped::new(Text::new(word).folded().to_owned())
}

/// The normal form of a name: folded, no spaces, dots or commas, Latin letters small.
#[must_use]
pub fn name(word: &str) -> Wiped {
    let text = folded(word);
    Wiped::new(
        text.chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '・' | '=' | '^' | ',' | '.' | '、'))
            .flat_map(char::to_lowercase)
            .collect(),
    )
}

/// The normal form of anything else: numbers without separators, the rest folded without spaces, Latin letters small.
#[must_use]
pub fn value(kind: Kind, word: &str) -> Wiped {
    let text = folded(word);
    let keeps = |c: &char| match kind {
        Kind::Phone | Kind::PostalCode | Kind::CreditCard | Kind::NationalId | Kind::InsuranceId => {
            !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.' | '・' | '〒')
        }
        _ => !c.is_whitespace(),
    };
    Wiped::new(text.chars().filter(keeps).flat_map(char::to_lowercase).collect())
}

fn kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | 'ー')
}

fn reading(text: &str) -> bool {
    !text.is_empty() && text.chars().all(kana)
}

fn latin(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && text.chars().all(|c| !c.is_alphabetic() || (c as u32) < 0x250)
}

/// How well a name serves as the one that a code is made from: kanji before readings before Latin letters, then the
/// longest.
#[must_use]
pub fn fullness(normal: &str) -> (u8, usize) {
    let script = if reading(normal) {
        1
    } else if latin(normal) {
        0
    } else {
        2
    };
    (script, normal.chars().count())
}

/// The form of a mention of the person whose fullest name is `base`; both are normal forms of `name`.
#[must_use]
pub fn of(mention: &str, base: &str, base_written: &str) -> Form {
    if mention == base {
        return Form::Full;
    }
    if reading(mention) && !reading(base) {
        return Form::Kana;
    }
    if latin(mention) && !latin(base) {
        return Form::Roman;
    }
    // `John Smith`, `グエン・ヴァン・アン`: the given name stands first unless a comma turns it round.
    let western = (latin(base) || base_written.contains('・')) && !base_written.contains([',', '^']);
    match (base.starts_with(mention), base.ends_with(mention), western) {
        (true, _, false) | (false, true, true) => Form::Family,
        (true, _, true) | (false, true, false) => Form::Given,
        _ => Form::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_by_what_they_share_with_the_fullest() {
        for (mention, base, form) in [
            ("山田 太郎", "山田太郎", Form::Full),
            ("山田", "山田太郎", Form::Family),
            ("太郎", "山田 太郎", Form::Given),
            ("ﾔﾏﾀﾞ ﾀﾛｳ", "山田太郎", Form::Kana),
            ("やまだ", "山田太郎", Form::Kana),
            ("Yamada", "山田太郎", Form::Roman),
            ("Smith", "John Smith", Form::Family),
            ("John", "John Smith", Form::Given),
            ("Smith", "Smith, John", Form::Family),
            ("アン", "グエン・ヴァン・アン", Form::Family),
            ("ヤマダ", "ヤマダ タロウ", Form::Family),
            ("髙橋", "高橋美咲", Form::Family),
            ("山崎", "山田太郎", Form::Full),
        ] {
            assert_eq!(of(&name(mention), &name(base), &folded(base)), form, "{mention} {base}");
        }
    }

    #[test]
    fn numbers_lose_their_separators() {
        assert_eq!(value(Kind::Phone, "０９０－１２３４－５６７８").as_str(), "09012345678");
        assert_eq!(value(Kind::PatientId, "A-0012").as_str(), "a-0012");
    }

    #[test]
    fn kanji_are_fuller_than_readings() {
        assert!(fullness("山田") > fullness("ヤマダタロウ"));
        assert!(fullness("山田太郎") > fullness("山田"));
        assert!(fullness("ヤマダ") > fullness("yamadataro"));
    }
}
