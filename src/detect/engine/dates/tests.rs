use super::*;
use crate::detect::document::Author;

fn found(text: &str, label: Option<&str>) -> Vec<(String, Kind)> {
    let text = Text::new(text);
    let mut out = Output::default();
    let mut fuel = Fuel::for_bytes(text.original().len(), 100);
    Dates::new().find(View { text: &text, label, author: Author::User }, &mut fuel, &mut out).unwrap();
    out.candidates
        .into_iter()
        .filter(|candidate| candidate.confidence >= 0.5)
        .map(|candidate| (text.original().get(text.to_original(candidate.range)).unwrap().to_owned(), candidate.kind))
        .collect()
}

fn births(text: &str, expected: &[&str]) {
    let found = found(text, None);
    assert!(found.iter().all(|(_, kind)| *kind == Kind::BirthDate), "{text}: {found:?}");
    assert_eq!(found.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), expected, "{text}");
}

fn cares(text: &str, expected: &[&str]) {
    let found = found(text, None);
    assert!(found.iter().all(|(_, kind)| *kind == Kind::CareDate), "{text}: {found:?}");
    assert_eq!(found.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn births_by_their_words() {
    births("生年月日：昭和35年2月10日", &["昭和35年2月10日"]);
    births("（Ｓ３５．２．１０生、64歳男性）", &["Ｓ３５．２．１０"]);
    births("DOB 03/02/1931   93 y/o F", &["03/02/1931"]);
    births("妻：ツネ様（S14.7.7）腰痛あり", &["S14.7.7"]);
    births("㍼35.2.10生", &["㍼35.2.10"]);
    births("date of birth: 10 Feb 1960", &["10 Feb 1960"]);
    assert_eq!(found("1993-07-24", Some("birthDate")), [("1993-07-24".to_owned(), Kind::BirthDate)]);
}

#[test]
fn days_of_care_by_their_words() {
    cares("次回外来12/23、精算は前日まで", &["12/23"]);
    cares("入院日 2024年9月30日　退院日2024年10月11日", &["2024年9月30日", "2024年10月11日"]);
    cares("訪問日：11/1,11/5,11/8,11/12-14", &["11/1", "11/5", "11/8", "11/12-14"]);
    cares("Admitted: 02/11/2024", &["02/11/2024"]);
    cares("CXR 2 Oct left effusion", &["2 Oct"]);
    cares("手術日 20240719　部屋 7", &["20240719"]);
}

#[test]
fn neither() {
    for text in [
        "労働安全衛生法（昭和47年10月1日施行、法律第57号）を読んで",
        "経営会議は11月6日、議事録は後日",
        "使用期限 2026/10/31 の在庫",
        "1/2錠を頓用、HDS-R 9/30、MMT 3/5",
        "version 2024.10.1 released",
        "回答期限 11月15日まで",
        "2024-06-14T02:11:43 ERROR orders.api",
    ] {
        assert!(found(text, None).is_empty(), "{text}: {:?}", found(text, None));
    }
}
