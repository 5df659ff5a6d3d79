use proptest::prelude::*;

use crate::mask::Suffix;

use super::*;
use crate::detect::Kind;
use crate::mask::label::Language;
use crate::mask::token::{Code, Form as TokenForm, Length, Tag, write, write_joined, write_narrow};
use crate::mask::{TokenKey, WordMap};
use crate::restore::codes::Take;

fn key() -> TokenKey {
    TokenKey::new([5; 32])
}

fn code(word: &str) -> Code {
    Code::compute(&key(), "person", &[word], Length::Seven)
}

fn clash() -> Code {
    code("clash")
}

fn tagged() -> Suffix {
    Suffix::new(TokenForm::Full, Some(Tag::compute(&key(), &code("山田太郎"), "山田 太郎", false)))
}

fn map() -> WordMap {
    let mut map = WordMap::new();
    let patient = code("山田太郎");
    map.insert(patient, Suffix::default(), "山田太郎", Kind::PersonName, false);
    map.insert(patient, Suffix::new(TokenForm::Family, None), "山田", Kind::PersonName, false);
    map.insert(patient, tagged(), "山田 太郎", Kind::PersonName, false);
    map.insert(code("quote"), Suffix::default(), "a\"b\\c\n<d>](x", Kind::PersonName, false);
    map.insert(code("6.2"), Suffix::default(), "6.2", Kind::LabValue, true);
    map.insert(code("day"), Suffix::default(), "2026年3月4日", Kind::CareDate, false);
    let long = Code::compute(&key(), "person", &["佐藤"], Length::Ten);
    map.insert(long, Suffix::default(), "佐藤", Kind::PersonName, false);
    map.insert(code("clash"), Suffix::default(), "一", Kind::PersonName, false);
    map.insert(code("clash"), Suffix::default(), "二", Kind::PersonName, false);
    map.insert_from_vault(code("vault"), Suffix::default(), "高橋", Kind::PersonName, false);
    map
}

fn codes() -> Arc<Codes> {
    Arc::new(Codes::new(&map(), Take::All))
}

fn whole(text: &str, rules: Rules) -> (String, Counts) {
    let mut scanner = Scanner::new(codes(), rules);
    let mut out = String::new();
    scanner.push(text, &mut out);
    scanner.finish(&mut out);
    (out, scanner.counts())
}

/// The text restored whole and, the same, cut in two at every character.
fn restore(text: &str) -> String {
    every_split(text, Rules::text(true))
}

fn every_split(text: &str, rules: Rules) -> String {
    let (expected, counts) = whole(text, rules);
    for (cut, _) in text.char_indices() {
        let mut scanner = Scanner::new(codes(), rules);
        let mut out = String::new();
        let (head, tail) = text.split_at(cut);
        scanner.push(head, &mut out);
        assert!(scanner.held() <= map().longest_token(), "held {} bytes", scanner.held());
        scanner.push(tail, &mut out);
        scanner.finish(&mut out);
        assert_eq!(out, expected, "cut at {cut} of {text}");
        assert_eq!(scanner.counts(), counts, "cut at {cut} of {text}");
    }
    expected
}

#[test]
fn what_is_written_is_restored() {
    let (code, day) = (code("山田太郎"), code("day"));
    let family = Suffix::new(TokenForm::Family, None);
    for language in [Language::Ja, Language::En] {
        let plain = write("患者", &code, &Suffix::default(), None, language);
        let short = write("患者", &code, &family, None, language);
        let spaced = write("患者", &code, &tagged(), None, language);
        let date = write("日付", &day, &Suffix::default(), Some(3), language);
        assert_eq!(
            restore(&format!("{plain}様（{short}さん、{spaced}）は{date}に来院")),
            "山田太郎様（山田さん、山田 太郎）は2026年3月4日に来院"
        );
    }
    assert_eq!(
        restore(&format!(
            "退院_{}.docx {}.txt",
            write_narrow("PATIENT", &code, &family),
            write_joined("PATIENT", &code, &Suffix::default(), '-')
        )),
        "退院_山田.docx 山田太郎.txt"
    );
    assert_eq!(restore(&format!("PATIENT_{code}_0512.docx")), "山田太郎_0512.docx");
}

#[test]
fn what_models_change_is_restored() {
    let code = code("山田太郎");
    let wide: String = code.as_str().chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
    let lower = code.as_str().to_lowercase();
    let (first, second) = code.as_str().split_at(4);
    for token in [
        format!("【患者：{code}】"),
        format!("［患者：{wide}］"),
        format!("[ 患者 : {lower} ]"),
        format!("\\[患者:{code}\\]"),
        format!("[患者様:{code}]"),
        format!("[the patient: {code}]"),
        format!("[{code}]"),
        format!("[患者:{first} {second}]"),
        format!("[患者:{first}\u{200b}{second}]"),
        format!("[患者-{code}]"),
        format!("患者:{code}"),
        format!("患者{code}"),
        format!("PATIENT\\_{code}"),
        format!("patient {code}").replace("patient ", "PATIENT_"),
        code.to_string(),
        wide.clone(),
    ] {
        assert_eq!(restore(&format!("前の「{token}」は")), "前の「山田太郎」は", "{token}");
        assert_eq!(restore(&token), "山田太郎", "{token}");
    }
    assert_eq!(restore(&format!("(患者:{code})")), "(山田太郎)");
    assert_eq!(restore(&format!("[患者:{code}, 患者:{code}]")), "[山田太郎, 山田太郎]");
    assert_eq!(restore(&format!("**[患者:{code}]**")), "**山田太郎**");
}

#[test]
fn what_is_not_whole_and_live_stays() {
    let code = code("山田太郎");
    let foreign = Code::compute(&TokenKey::new([9; 32]), "person", &["x"], Length::Seven);
    for text in [
        format!("[患者:{}]", code.as_str().split_at(7).0),
        format!("[患者:{code}X]"),
        format!("X{code}"),
        format!("[患者:{code}/名]"),
        format!("患者:{code}/名"),
        format!("[患者:{foreign}]"),
        format!("[患者:{}]", clash()),
        "[ ] [x](y) 患者 PATIENT 患者: [患者:] K [".to_owned(),
    ] {
        assert_eq!(restore(&text), text);
    }
    let (_, counts) = whole(&format!("[患者:{code}/名]"), Rules::text(true));
    assert_eq!((counts.unknown, counts.restored), (1, 0));
}

#[test]
fn no_word_goes_into_an_address() {
    let token = write("患者", &code("山田太郎"), &Suffix::default(), None, Language::Ja);
    for text in [
        format!("https://e.example/?q={token}"),
        format!("![x](https://e.example/?q={token})"),
        format!("[x](/a?{token})"),
        format!("[x](<a b {token}>)"),
        format!("<img src='x?{token}' alt=\"{token}\">"),
        format!("<a href={token}>"),
        format!("www.e.example/{token}"),
        format!("mailto:x@e.example?body={token}"),
        format!("[x]: //e.example/{token}"),
    ] {
        assert_eq!(restore(&text), text);
        let (_, counts) = whole(&text, Rules::text(true));
        assert!(counts.kept > 0 && counts.restored == 0, "{text}");
    }
    assert_eq!(
        restore(&format!("<b>{token}</b> 検索 https://e.example {token}")),
        "<b>山田太郎</b> 検索 https://e.example 山田太郎"
    );
    // The word itself moves no boundary, and the brackets of a token make no link.
    let odd = write("患者", &code("quote"), &Suffix::default(), None, Language::Ja);
    assert_eq!(restore(&format!("{odd}{token}")), "a\"b\\c\n<d>](x山田太郎");
    assert_eq!(restore(&format!("{token}(52歳、{token})")), "山田太郎(52歳、山田太郎)");
}

#[test]
fn blind_values_are_marked_in_text_only() {
    let token = write("検査値", &code("6.2"), &Suffix::default(), None, Language::Ja);
    assert_eq!(restore(&format!("HbA1c {token}％")), "HbA1c 6.2※％");
    assert_eq!(restore(&format!("```\n{token}\n```\n{token}")), "```\n6.2\n```\n6.2※");
    assert_eq!(restore(&format!(" {{\"v\": \"{token}\"}}")), " {\"v\": \"6.2\"}");
    assert_eq!(restore(&format!("[{{\"v\": \"{token}\"}}]")), "[{\"v\": \"6.2\"}]");
    assert_eq!(restore(&format!("[1] {token}")), "[1] 6.2※");
    assert_eq!(every_split(&token, Rules::text(false)), "6.2");
}

#[test]
fn json_source_is_read_and_written_escaped() {
    let rules = Rules { mode: Mode::Json, restore: true, mark: true, json: true };
    let odd = write("患者", &code("quote"), &Suffix::default(), None, Language::Ja);
    let text = format!("{{\"a\":\"{odd}\",\"b\":\"https://e/{odd}\"}}");
    let out = every_split(&text, rules);
    assert_eq!(out, format!("{{\"a\":\"a\\\"b\\\\c\\n<d>](x\",\"b\":\"https://e/{odd}\"}}"));
    let escaped: String =
        odd.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", c as u32) }).collect();
    assert_eq!(every_split(&format!("{{\"a\":\"{escaped}\"}}"), rules), "{\"a\":\"a\\\"b\\\\c\\n<d>](x\"}");
    let all: String = odd.chars().map(|c| format!("\\u{:04X}", c as u32)).collect();
    assert_eq!(every_split(&all, rules), "a\\\"b\\\\c\\n<d>](x");
}

#[test]
fn words_of_the_vault_stay_out_of_tool_arguments() {
    let token = write("患者", &code("vault"), &Suffix::default(), None, Language::Ja);
    let mut scanner = Scanner::new(Arc::new(Codes::new(&map(), Take::Request)), Rules::text(false));
    let mut out = String::new();
    scanner.push(&token, &mut out);
    scanner.finish(&mut out);
    assert_eq!(out, token);
    assert_eq!(restore(&token), "高橋");
}

/// Texts made of what matters: tokens whole and hurt, places, marks, Japanese.
fn pieces() -> impl Strategy<Value = String> {
    let word = code("山田太郎").to_string();
    let token = write("患者", &code("山田太郎"), &Suffix::default(), None, Language::Ja);
    let date = write("日付", &code("day"), &Suffix::default(), Some(-12), Language::Ja);
    let lab = write("検査値", &code("6.2"), &Suffix::default(), None, Language::Ja);
    let family = write("患者", &code("山田太郎"), &Suffix::new(TokenForm::Family, None), None, Language::En);
    let long = Code::compute(&key(), "person", &["佐藤"], Length::Ten).to_string();
    let odd = write("患者", &code("quote"), &Suffix::default(), None, Language::Ja);
    let part = prop_oneof![
        4 => prop::sample::select(vec![token, date, lab, family, long, word.clone(), odd, word.to_lowercase()]),
        6 => prop::sample::select(vec![
            "[", "]", "(", ")", "](", "]: ", "<a ", ">", "=\"", "\"", "https://", "www.", "mailto:", "/", "\\", " ", "\n", "\n\n",
            "```", "`", "患者", "患者:", "PATIENT_", "ID", "検査値：", "/姓", "_3F", " +3日", "［", "】", "\u{200b}", "様は", "A", "9", "{",
            "\\u60a3", "\\n", "\\\"", "の", "。",
        ]).prop_map(str::to_owned),
        1 => "[A-Z0-9]{1,9}",
        1 => "\\PC{0,4}",
        1 => (0usize..8).prop_map(move |at| word.get(..at).unwrap_or_default().to_owned()),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same(text in pieces(), json: bool, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let rules = if json { Rules { mode: Mode::Json, restore: true, mark: false, json: true } } else { Rules::text(true) };
        let (expected, counts) = whole(&text, rules);
        // One character a time, and a few random cuts.
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let mut random = vec![0, letters.len()];
        random.extend(cuts.iter().map(|cut| cut.index(letters.len() + 1)));
        random.sort_unstable();
        let chunks: Vec<String> = random.windows(2).map(|pair| letters[pair[0]..pair[1]].concat()).collect();
        for split in [letters, chunks] {
            let mut scanner = Scanner::new(codes(), rules);
            let mut out = String::new();
            for piece in &split {
                scanner.push(piece, &mut out);
                prop_assert!(scanner.held() <= 2 * map().longest_token(), "held {}", scanner.held());
            }
            scanner.finish(&mut out);
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(scanner.counts(), counts);
        }
    }

    #[test]
    fn text_without_live_codes_is_untouched(text in "\\PC{0,200}") {
        prop_assert_eq!(whole(&text, Rules::text(true)).0, text);
    }
}
