//! Who is who in small texts: `<name|number>`, the same number is the same person.

use super::mention::{self, Mention};
use super::people;

/// Group the marked names of a text; gives (expected, found) for each.
fn grouped(marked: &str) -> Vec<(String, usize)> {
    let (mut text, mut names) = (String::new(), Vec::new());
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, tail) = after.split_once('>').unwrap();
        let (name, number) = name.split_once('|').unwrap();
        text.push_str(before);
        names.push((text.len()..text.len() + name.len(), number.to_owned()));
        text.push_str(name);
        rest = tail;
    }
    text.push_str(rest);
    let ends = |name: &str| name.char_indices().nth(2).map(|(at, _)| at).into_iter().collect();
    let mut mentions: Vec<Mention<'_>> = names
        .iter()
        .map(|(range, _)| {
            let folded = crate::detect::text::Text::new(&text[range.clone()]).folded().to_owned();
            Mention::new(0, range.clone(), &text, &folded, &ends)
        })
        .collect();
    mention::inherit(&mut mentions);
    let (of, _) = people::group(&mentions);
    names.into_iter().map(|(_, number)| number).zip(of).collect()
}

#[track_caller]
fn check(marked: &str) {
    let found = grouped(marked);
    for (at, (number, person)) in found.iter().enumerate() {
        for (other, other_person) in &found[..at] {
            assert_eq!(number == other, person == other_person, "{marked}: {found:?}");
        }
    }
}

#[test]
fn one_person_in_many_spellings() {
    check("<山田 太郎|1>(<ﾔﾏﾀﾞ ﾀﾛｳ|1>)様。<山田|1>さんは入院。<Yamada|1>-sanも同じ。<太郎|1>くんと呼ばれる。");
    check("氏名:<髙橋 敏夫|1>\n以前は<高橋 敏夫|1>と記載。<髙橋|1>様。");
    check("<SMITH, John|1> was seen. Mr. <Smith|1> slept. <John|1> agrees.");
    check("<渡邊 さゆり|1>(旧姓 <小野|1>)様、<さゆり|1>さん");
    check("<Otsuka Yuzuru|1>、<大塚 譲|1>様");
}

#[test]
fn two_people_of_one_surname() {
    check("<鈴木 一郎|1>さんは食事開始。<鈴木 二郎|2>さんは手術。<一郎|1>さんは退院、<二郎|2>さんは未定。");
    check("患者<三浦 克也|1> 術者<三浦 俊|2>。<三浦|2>医師より説明。");
    check("<岡田|1>医師:荷重可。\n<岡田|2>PT:平行棒内。\n<岡田|1>医師、<岡田|2>PTと相談。");
    check("<西山 トメ|1>様の息子さん(<西山|2>様)より入電。<トメ|1>様は予約あり。");
    check("<内田 鈴|1>(<ウチダ リン|1>)と<内田 凛|2>(<ウチダ リン|2>)は姉妹。");
    check("司会 <西田|1>、書記 <西田 彩|2>");
    check("<平野 敬三|1>様と<平野 圭三|2>様");
}

#[test]
fn what_can_mean_two_is_nobody_of_them() {
    check("<鈴木 一郎|1>さんと<鈴木 二郎|2>さん。<鈴木|3>さんが来た。");
}

#[test]
fn many_names_cost_little() {
    let text: String = (0..400).map(|at| format!("<佐藤 太郎{at}|{at}>、")).collect();
    check(&text);
}

#[test]
fn english_names() {
    check(
        "Present: <Sarah Cohen|1>, <David Cohen|2>. Dr. <S. Cohen|1> presented. <David|2> asked. <D. Cohen|2> to review.",
    );
    check(
        "<Olivia Bennett|1> and her twin <Amelia Bennett|2>. Their father Mr. <Bennett|3> will call. <Amelia|2> is well.",
    );
    check("<Michael O'Connor|1> is asleep. <Michael|1>'s wife Mrs. <O'Connor|2> was told.");
    check("Patient: <Lee, Minho|1>\nPhysician: <Lee, Grace|2>\nDr. <Lee|2> was called. <Minho Lee|1> K 6.4");
}

#[test]
fn courtesy_and_kin_tell_men_from_women() {
    check("Patient: <Brown, Peter|1>\nMr. <Brown|1> is stable. His wife <Ann|2> visits daily. <Ann Brown|2> agrees.");
    check("<ダニエル|1>さんの手術は終わりました。<Daniel|1> is awake.");
    check("診断書 <森田 亜美|1> (<もりた あみ|1>)\n医師 <森田 宏|2>\n(注)<森田|1>殿と医師<森田|2>に親族関係はない。");
}

#[test]
fn foreign_names_and_readings() {
    check("<金 民秀|1>さん(<キム ミンス|1>)、<キム|1>さんは留学生。");
    check("<ミュラー・アンナ|1>様 (<Anna Müller|1>)、<Anna|1>さん、<Müller|1>様のMRI");
    check("<五十嵐 守|1> 様(<イガラシ マモル|1>)。<守|1>様と担当ST <五十嵐 千夏|2>。");
    check("<伊藤 典子|1>/<イトウ ノリコ|1> 依頼 外科<伊東|2>。<伊藤|1>殿。<伊東|2>先生へ連絡");
    check(
        "患者<キム・ソジュン|1>さん(<Kim Seojun|1>)、<Kim|1>さん本人と奥様の<イ・ハナ|2>さん。<ハナ|2>さんが付き添い",
    );
}

#[test]
fn staff_by_title_and_by_list() {
    check(
        "紹介先 <井上 誠|1> 先生\n紹介元 <井上 正|2>\n患者 <井上 ハル|3> 殿\n<ハル|3>様は通院中。<井上 誠|1>先生のご高診を。当方(<井上 正|2>)より",
    );
    check(
        "参加:本人 <加藤 正雄|1>、妻 <加藤 ヨシ子|2>、長女 <石井 真理|3>\n<石井|3>様:施設を希望。主治医 <加藤|4> 医師。次回、<加藤|4>医師と調整",
    );
    check("出席:<土屋 文枝|1>(副部長)\n<土屋 昇|2>(主任)\n<土屋|1>副部長「基準内」、<土屋|2>主任「全病棟」");
    check("<平井 洋介|1>部長、<平井 梢|2>(営業)\n<平井|1>部長:改定は10月から。<梢|2>さんが作成");
    check("<小林|1>医師\n<小林|1>Drより説明\n執刀は<小林|1>。");
    check("先方 <松田|1>様、当方 <松田|2>");
    check("業者:帝都酸素 <松田|1>氏、濃縮器点検。利用者 <松田 一夫|2>様。<松田|2>様は入浴時の息切れ");
    check("司会 <清水|1>、書記 <清水 豪|2>。<清水|1>部長より");
    check("13:00 PT<奥田|1> → <奥村 フサ|2>\n13:40 PT<奥田|1> → <奥田 治|3>\n14:20 OT<村上|4>");
    check(
        "父 <今村 亮|1>、児 <今村 りょう|2>(漢字は<諒|2>)。<諒|2>くん 9か月。父<亮|1>さん同席。<りょう|2>くんの離乳食",
    );
    check("<長谷川 ミヨ|1>氏 頻回。<長谷川|1>氏 入眠。<谷 スエ|2>氏より苦情。<谷|2>氏へ");
    check("<佐藤 清|1>様 転倒。<佐藤|2>看護師が発見。<佐藤|2>Nsが報告。<清|1>さん本人より。");
}
