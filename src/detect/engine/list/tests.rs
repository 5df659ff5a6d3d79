use std::sync::Arc;

use super::*;
use crate::detect::{Detector, Document, Settings};

/// An index of these people.
pub(super) fn index(people: &[Person]) -> Index {
    let tagger = Tagger::new(&[9; 16]);
    let mut parts = Parts { people: people.len() as u64, digest: "test".to_owned(), ..Parts::default() };
    for person in people {
        let tags = person.tags(&tagger);
        for (class, tag) in tags.tags {
            parts.tags[class.number()].push(tag);
        }
        for (class, tag) in tags.prefixes {
            parts.prefixes[class.number()].push(tag);
        }
        for (longest, letters) in parts.longest.iter_mut().zip(tags.longest) {
            *longest = letters.max(*longest);
        }
        for length in tags.lengths {
            parts.lengths[usize::from(length)] += 1;
        }
    }
    Index::build(tagger, parts).unwrap()
}

fn person(name: &str, kana: &str, number: &str, phone: &str) -> Person {
    let one = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    Person {
        names: vec![Name::of(name)],
        kana: one(kana).iter().map(|kana| Name::of(kana)).collect(),
        latin: Vec::new(),
        numbers: one(number),
        phones: one(phone),
    }
}

/// What the engine alone finds: (written, rule).
fn found(index: &Arc<Index>, text: &str, label: Option<&str>) -> Vec<(String, String)> {
    let folded = crate::detect::text::Text::new(text);
    let mut out = Output::default();
    let view = View { text: &folded, label, author: crate::detect::Author::User };
    List::new(Arc::clone(index)).find(view, &mut Fuel::for_bytes(text.len(), 100), &mut out).unwrap();
    out.candidates
        .iter()
        .map(|one| (text[folded.to_original(one.range.clone())].to_owned(), one.rule.as_str().to_owned()))
        .collect()
}

fn hospital() -> Arc<Index> {
    Arc::new(index(&[
        person("髙橋 健一", "タカハシ ケンイチ", "00123456", "090-1234-5678"),
        person("佐々木　さくら", "ササキ サクラ", "00123457", ""),
        person("林 修", "ハヤシ オサム", "00123458", "03-1234-5678"),
        person("渡邉 由美子", "わたなべ ゆみこ", "A-20417", ""),
        person("グエン ティ ホア", "", "00123459", ""),
        person("大野木 翔", "オオノギ ショウ", "00123460", ""),
    ]))
}

#[test]
fn listed_people_are_found_in_every_written_form() {
    let index = hospital();
    for (text, wanted, rule) in [
        ("担当は高橋健一です。", "高橋健一", "list.name"),
        ("髙橋　健一 様", "髙橋　健一", "list.name"),
        ("高橋\n健一", "高橋\n健一", "list.name"),
        ("患者高橋健一、67歳", "高橋健一", "list.name"),
        ("PID|1||99^高橋^健一||", "高橋^健一", "list.name"),
        ("高橋ケンイチさんより", "高橋ケンイチ", "list.name"),
        ("ﾀｶﾊｼ ｹﾝｲﾁ", "ﾀｶﾊｼ ｹﾝｲﾁ", "list.kana"),
        ("たかはしけんいちさんが来院", "たかはしけんいち", "list.kana"),
        ("タカハシケンイチ様", "タカハシケンイチ", "list.kana"),
        ("TAKAHASHI Kenichi", "TAKAHASHI Kenichi", "list.romaji"),
        ("seen: Ken-ichi Takahasi", "Ken-ichi Takahasi", "list.romaji"),
        ("kenichi takahashi, 67y", "kenichi takahashi", "list.romaji"),
        ("to: kenichi.takahashi@mail.example", "kenichi.takahashi", "list.romaji"),
        ("TakahashiKenichi_CT.pdf", "TakahashiKenichi", "list.romaji"),
        ("渡辺由美子", "渡辺由美子", "list.name"),
        ("渡邊\u{e0101}由美子", "渡邊\u{e0101}由美子", "list.name"),
        ("佐々木サクラちゃん", "佐々木サクラ", "list.name"),
        ("グエン・ティ・ホアさん", "グエン・ティ・ホア", "list.kana"),
        ("グエン ティ ホア", "グエン ティ ホア", "list.kana"),
        ("Nguen? Sasaki, Sakura", "Sasaki, Sakura", "list.romaji"),
        ("Shō Ōnogi", "Shō Ōnogi", "list.romaji"),
        ("Onogi Sho", "Onogi Sho", "list.romaji"),
    ] {
        assert!(
            found(&index, text, None).contains(&(wanted.to_owned(), rule.to_owned())),
            "{text}: {:?}",
            found(&index, text, None)
        );
    }
}

#[test]
fn names_of_two_letters_need_a_cue_or_a_place_of_their_own() {
    let index = hospital();
    let hit = |text: &str, label| !found(&index, text, label).is_empty();
    for text in ["林修さんより", "患者氏名:林修", "氏名\t林 修", "1,林修,男", "林修", "林 修様"]
    {
        assert!(hit(text, None), "{text}");
    }
    for text in ["小林修一郎", "山林修復", "林修が進む", "林 修復"] {
        assert!(!hit(text, None), "{text}");
    }
}

#[test]
fn a_surname_is_evidence_only_and_with_an_honorific_a_hit_below_certainty() {
    let index = hospital();
    assert_eq!(found(&index, "大野木さん、転倒。", None), [("大野木".to_owned(), "list.surname".to_owned())]);
    let short = Arc::new(self::index(&[person("宮田 ジム", "", "", "")]));
    assert!(found(&short, "宮田ジムの門", None).is_empty() && found(&short, "宮田ジムさん", None).len() == 1);
    for text in ["大野木は村である", "林様", "新大野木様方"] {
        assert!(found(&index, text, None).is_empty(), "{text}");
    }
    let list = List::new(index);
    let text = crate::detect::text::Text::new("大野木が来た。林修");
    let view = View { text: &text, label: None, author: crate::detect::Author::User };
    let candidate = |range| Candidate {
        range,
        kind: Kind::PersonName,
        subtype: None,
        confidence: 0.4,
        rule: RuleId::new("names.model"),
        evidence: Vec::new(),
        role: None,
        proven: false,
        value: None,
    };
    let mut all = [candidate(0..9), candidate(21..27), candidate(9..12)];
    list.weigh(view, &mut all);
    assert!((all[0].confidence - 0.4 - SURNAME).abs() < 1e-6 && all[0].rule.as_str() == "names.model");
    assert!(all[1].rule.as_str() == "list.name" && all[1].proven);
    assert!((all[2].confidence - 0.4).abs() < 1e-6);
}

#[test]
fn numbers_and_telephones_of_listed_people() {
    let index = hospital();
    for (text, wanted, rule) in [
        ("00123456 の件", "00123456", "list.number"),
        ("ID:123456 の件", "123456", "list.number"),
        ("ID00123456", "00123456", "list.number"),
        ("００１２３４５６", "００１２３４５６", "list.number"),
        ("0012-3456", "0012-3456", "list.number"),
        ("診察券 a20417", "a20417", "list.number"),
        ("A-20417", "A-20417", "list.number"),
        ("電話09012345678まで", "09012345678", "list.phone"),
        ("+81 90-1234-5678", "+81 90-1234-5678", "list.phone"),
        ("(03)1234-5678", "03)1234-5678", "list.phone"),
    ] {
        assert!(
            found(&index, text, None).contains(&(wanted.to_owned(), rule.to_owned())),
            "{text}: {:?}",
            found(&index, text, None)
        );
    }
    for text in ["123456円", "100123456", "2012-3456", "A-204170", "090-1234-5679"] {
        assert!(found(&index, text, None).is_empty(), "{text}: {:?}", found(&index, text, None));
    }
    assert_eq!(found(&index, "123456", Some("患者番号")).len(), 1);
}

#[test]
fn in_the_detector_a_listed_name_is_proven_and_the_version_is_another() {
    let plain = Detector::shipped().unwrap();
    let with = Detector::with_list(Settings::default(), &[], Some(hospital())).unwrap();
    assert_ne!(plain.version(), with.version());
    // Spaced out, and encoded: every reading is searched.
    for text in ["連絡：高 橋 健 一", "%E9%AB%98%E6%A9%8B%E5%81%A5%E4%B8%80", "グエン・ティ・ホア"] {
        let document = Document::of(text);
        let found = with.find(&document, &mut with.fuel(&document)).unwrap();
        assert!(
            found.findings.iter().any(|one| one.rule.as_str().starts_with("list.") && one.proven),
            "{text}: {:?}",
            found.findings
        );
    }
}

#[test]
fn debug_prints_no_name() {
    let index = hospital();
    let list = List::new(Arc::clone(&index));
    let printed = format!("{index:?}{list:?}{:?}", person("髙橋 健一", "タカハシ ケンイチ", "00123456", ""));
    for word in ["高橋", "髙橋", "健一", "タカハシ", "takahasi", "00123456"] {
        assert!(!printed.contains(word), "{printed}");
    }
}

/// Invented people in every form and in several surroundings: none is missed.
#[test]
fn recall_of_listed_people_is_whole_over_ten_forms() {
    const SURNAMES: [(&str, &str); 12] = [
        ("髙橋", "タカハシ"),
        ("渡邊", "ワタナベ"),
        ("佐藤", "サトウ"),
        ("大野木", "オオノギ"),
        ("小此木", "オコノギ"),
        ("濱﨑", "ハマサキ"),
        ("勅使河原", "テシガワラ"),
        ("森", "モリ"),
        ("金", "キム"),
        ("千々石", "チヂワ"),
        ("一ノ瀬", "イチノセ"),
        ("本間", "ホンマ"),
    ];
    const GIVEN: [(&str, &str); 10] = [
        ("健一", "ケンイチ"),
        ("由美子", "ユミコ"),
        ("翔太郎", "ショウタロウ"),
        ("さくら", "サクラ"),
        ("順子", "ジュンコ"),
        ("惠美", "エミ"),
        ("修平", "シュウヘイ"),
        ("マリア", "マリア"),
        ("俊之助", "シュンノスケ"),
        ("千鶴", "チヅル"),
    ];
    let all: Vec<_> = SURNAMES.iter().flat_map(|surname| GIVEN.iter().map(move |given| (surname, given))).collect();
    let people: Vec<Person> = all
        .iter()
        .map(|(surname, given)| Person {
            names: vec![Name::parts(surname.0, given.0)],
            kana: vec![Name::parts(surname.1, given.1)],
            ..Person::default()
        })
        .collect();
    let index = Arc::new(index(&people));
    let hiragana = |kana: &str| -> String {
        kana.chars()
            .map(|letter| if letter == 'ー' { letter } else { char::from_u32(letter as u32 - 0x60).unwrap() })
            .collect()
    };
    let half = |kana: &str| -> String {
        const FULL: &str =
            "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンャュョッー";
        const HALF: &str = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝｬｭｮｯｰ";
        use unicode_normalization::UnicodeNormalization as _;
        kana.nfd()
            .map(|letter| match letter {
                '\u{3099}' => 'ﾞ',
                '\u{309a}' => 'ﾟ',
                _ => HALF.chars().nth(FULL.chars().position(|full| full == letter).unwrap()).unwrap(),
            })
            .collect()
    };
    // Another speller than the engine's: Hepburn, as in passports.
    let hepburn = |kana: &str| -> String {
        let mut spelled = String::from_utf8(form::romaji(kana)).unwrap();
        for (kunrei, passport) in [
            ("hu", "fu"),
            ("sya", "sha"),
            ("syu", "shu"),
            ("syo", "sho"),
            ("si", "shi"),
            ("tya", "cha"),
            ("tyu", "chu"),
            ("tyo", "cho"),
            ("ti", "chi"),
            ("tu", "tsu"),
            ("zya", "ja"),
            ("zyu", "ju"),
            ("zyo", "jo"),
            ("zi", "ji"),
            ("nm", "mm"),
        ] {
            spelled = spelled.replace(kunrei, passport);
        }
        spelled[..1].to_uppercase() + &spelled[1..]
    };
    let old = |name: &str| name.replace('高', "髙").replace('浜', "濱").replace('辺', "邉").replace('恵', "惠");
    let mut missed = Vec::new();
    for ((surname, given), _) in all.iter().zip(&people) {
        let (kanji, kana) = ((surname.0, given.0), (surname.1, given.1));
        let (family, first) = (hepburn(kana.0), hepburn(kana.1));
        let forms = [
            format!("{}{}", kanji.0, kanji.1),
            format!("{}　{}", kanji.0, kanji.1),
            old(&format!("{} {}", kanji.0, kanji.1)),
            format!("{}\n{}", kanji.0, kanji.1),
            format!("{}^{}", kanji.0, kanji.1),
            format!("{}　{}", kana.0, kana.1),
            format!("{} {}", half(kana.0), half(kana.1)),
            format!("{} {}", hiragana(kana.0), hiragana(kana.1)),
            format!("{} {first}", family.to_uppercase()),
            format!("{first} {family}"),
            format!("{family}, {first}"),
            format!("{}{}", kana.0, kana.1),
        ];
        for form in forms {
            for around in [
                "{}",
                "患者は{}様です。",
                "本日、{}さんが受診。",
                "氏名：{}\n年齢：67",
                "| {} | 男 |",
                "（{}）",
                "CT {} 2026",
            ] {
                let text = around.replace("{}", &form);
                let covered = found(&index, &text, None).iter().any(|(written, _)| *written == form);
                if !covered {
                    missed.push(text);
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed: {:?}", missed.len(), &missed[..missed.len().min(12)]);
}

/// Texts of the corpus hold no listed person; nobody is seen in them.
#[test]
fn invented_people_are_not_seen_in_the_corpus() {
    let surnames = include_str!("../../../../patterns/names/surname_heads.tsv");
    let given = include_str!("../../../../patterns/names/given_more.tsv");
    let given: Vec<&str> = given.lines().filter(|line| !line.starts_with('#')).collect();
    let people: Vec<Person> = surnames
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next())
        .enumerate()
        .flat_map(|(at, surname)| (0..10).map(move |turn| (surname, at * 97 + turn * 3571)))
        .map(|(surname, at)| Person { names: vec![Name::parts(surname, given[at % given.len()])], ..Person::default() })
        .collect();
    let index = Arc::new(index(&people));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let (mut letters, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_none_or(|ext| ext != "jsonl") {
            continue;
        }
        for one in crate::score::read_gold(&std::fs::read_to_string(entry).unwrap()).unwrap() {
            letters += one.text.chars().count();
            let hits = found(&index, &one.text, None);
            let named = |written: &str| {
                one.spans.iter().any(|span| written.contains(&span.text) || span.text.contains(written))
            };
            wrong.extend(hits.into_iter().filter(|(written, rule)| rule == "list.name" && !named(written)));
        }
    }
    assert!(letters > 50_000 && wrong.is_empty(), "{letters} letters: {wrong:?}");
}
