#![allow(clippy::string_slice)]
//! The step as a whole, on real requests: what goes out, what is remembered, what comes back.

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::civil::date;
use serde_json::{Value, json};

use super::*;
use crate::decide::{self, Decision, Destination, Person, Policy, PolicySettings, Strength, Treatment, Use};
use crate::detect::{Document, Entity, Finding, Findings, Fuel, Kind, Role, RuleId};
use crate::locate::provider::Providers;
use crate::locate::{Head, LocatedText};
use crate::unpack::{Limits, Located, open};

static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| Providers::shipped().unwrap());

/// What the tests' detection knows: word, kind, entity, role.
type Word = (&'static str, Kind, u32, Option<Role>);

const TARO: Word = ("山田太郎", Kind::PersonName, 1, Some(Role::Patient));
const TARO_FAMILY: Word = ("山田", Kind::PersonName, 1, Some(Role::Patient));

struct Gate {
    words: Vec<Word>,
    known: Known,
    service: &'static str,
    uses: Vec<Use>,
    version: &'static str,
}

fn gate(words: &[Word]) -> Gate {
    Gate { words: words.to_vec(), known: Known::default(), service: "openai", uses: Vec::new(), version: "1" }
}

fn key() -> TokenKey {
    TokenKey::new([42; 32])
}

fn chat(messages: &Value) -> Vec<u8> {
    serde_json::to_vec(&json!({"model": "gpt-5", "messages": messages})).unwrap()
}

fn located(body: &[u8]) -> Located {
    let head = Head {
        method: "POST".into(),
        path_and_query: "/v1/chat/completions".into(),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
    };
    let endpoint = PROVIDERS.get("openai").unwrap().endpoint("POST", "/v1/chat/completions", false);
    open(&head, body, &endpoint, PROVIDERS.headers(), &Limits::default()).unwrap()
}

impl Gate {
    /// Every place of every word, longest first, plus what the words mean.
    fn find(&self, texts: &[LocatedText]) -> Findings {
        let known = self.known.codes();
        self.find_in(&atom::document(texts, &known))
    }

    fn find_in(&self, document: &Document) -> Findings {
        let mut words = self.words.clone();
        words.sort_by_key(|(word, ..)| std::cmp::Reverse(word.len()));
        let mut findings: Vec<Finding> = Vec::new();
        for (part, text) in document.parts.iter().enumerate() {
            let atoms: &[std::ops::Range<usize>] = &text.atoms;
            for (word, kind, entity, role) in &words {
                for (at, _) in text.text.match_indices(word) {
                    let range = at..at + word.len();
                    let taken = findings.iter().any(|f| f.part == part && plan::overlap(&f.range, &range));
                    if taken || atoms.iter().any(|atom| plan::overlap(atom, &range)) {
                        continue;
                    }
                    let value = (*kind == Kind::LabValue).then(|| {
                        let item = word.find(|c: char| c.is_ascii_digit() && !word.starts_with("HbA1c")).unwrap_or(6);
                        at + item..at + word.len()
                    });
                    findings.push(Finding {
                        part,
                        range,
                        kind: *kind,
                        subtype: None,
                        confidence: 0.8,
                        rule: RuleId::new("test"),
                        evidence: Vec::new(),
                        entity: Entity(*entity),
                        role: *role,
                        proven: false,
                        value,
                    });
                }
            }
        }
        findings.sort_by_key(|f| (f.part, f.range.start));
        Findings { findings, ..Findings::default() }
    }

    fn decide(&self, texts: &[LocatedText], findings: &Findings) -> Decision {
        let person = Person { id: Some("u".into()), strength: Strength::Authenticated, ..Person::default() };
        let destination = Destination { service: self.service.into(), approved: true, ..Destination::default() };
        Policy::new(&PolicySettings::default()).unwrap().decide(&decide::Input {
            texts,
            findings,
            person: &person,
            destination: &destination,
            uses: &self.uses,
            declared_use: None,
            observe: &[],
            today: date(2026, 11, 24),
            known_signed: &HashSet::new(),
            obstacles: &[],
        })
    }

    fn try_mask(&self, body: &[u8]) -> Result<Applied, MaskError> {
        let located = located(body);
        let findings = self.find(located.texts());
        let decision = self.decide(located.texts(), &findings);
        let mut fuel = Fuel::for_bytes(0, 1);
        let search = |document: &Document, _: &mut Fuel| Ok(self.find_in(document));
        apply(Input {
            located: &located,
            findings: &findings,
            decision: &decision,
            key: &key(),
            length: Length::Seven,
            service: self.service,
            version: self.version,
            known: &self.known,
            search: &search,
            fuel: &mut fuel,
            settings: &Settings::default(),
        })
    }

    /// Mask, and remember what was sent.
    fn send(&mut self, messages: &Value) -> (Applied, Vec<String>) {
        let applied = self.try_mask(&chat(messages)).unwrap();
        self.known.units.extend(applied.remember.units.iter().cloned());
        let texts = contents(applied.cleared.body());
        (applied, texts)
    }
}

fn contents(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The least that restoring does, whole text at once.
fn restore(text: &str, map: &WordMap) -> String {
    let mut out = String::new();
    let mut done = 0;
    for token in find_tokens(text) {
        let Some((range, word)) = map.resolve(&token) else { continue };
        out.push_str(&text[done..range.start]);
        out.push_str(word.text);
        if word.blind {
            out.push(blind::MARK);
        }
        done = range.end;
    }
    out.push_str(&text[done..]);
    if map.words().any(|(_, _, word)| word.blind && out.contains(word.text)) {
        out.push_str("\n\n");
        out.push_str(blind::NOTE);
    }
    out
}

fn user(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

#[test]
fn an_unchanged_request_goes_out_byte_for_byte() {
    let body = b"{ \"model\":\"gpt-5\",\n \"messages\" : [ {\"role\":\"user\",\"content\":\"\\u5929\\u6c17\\u306f?\"} ], \"n\":1.0e0 }";
    let applied = gate(&[]).try_mask(body).unwrap();
    assert_eq!(applied.cleared.body(), body);
    assert!(applied.cleared.map().is_empty());
}

#[test]
fn forms_of_one_person_share_a_code_and_come_back_each_as_it_was() {
    let words = [
        TARO,
        TARO_FAMILY,
        ("太郎", Kind::PersonName, 1, Some(Role::Patient)),
        ("ヤマダタロウ", Kind::PersonName, 1, Some(Role::Patient)),
        ("佐藤", Kind::PersonName, 2, Some(Role::Staff)),
    ];
    let text = "山田太郎（ヤマダタロウ）様。山田さん、太郎くん。担当は佐藤医師。山田さんは元気です。";
    let (applied, texts) = gate(&words).send(&user(text));
    let masked = &texts[0];
    let code = find_tokens(masked)[0].code;
    let other = find_tokens(masked).last().unwrap().code;
    assert_eq!(
        *masked,
        format!(
            "[患者:{code}]（[患者:{code}/カナ]）様。[患者:{code}/姓]さん、[患者:{code}/名]くん。担当は[職員:{}]医師。[患者:{other}/姓]さんは元気です。",
            find_tokens(masked)[4].code
        )
    );
    assert_eq!(code, other);
    assert_eq!(restore(masked, &applied.cleared.map()), text);
    assert_eq!(applied.counts.replaced[&Kind::PersonName], 6);
}

#[test]
fn a_surface_that_differs_from_its_folded_form_carries_a_tag() {
    let words = [
        ("髙橋花子", Kind::PersonName, 1, Some(Role::Patient)),
        ("高橋花子", Kind::PersonName, 1, Some(Role::Patient)),
        ("高橋　花子", Kind::PersonName, 1, Some(Role::Patient)),
    ];
    let text = "高橋花子さん、髙橋花子さん、高橋　花子さん";
    let (applied, texts) = gate(&words).send(&user(text));
    let tokens = find_tokens(&texts[0]);
    assert!(tokens[0].suffix.tag().is_none() && tokens[1].suffix.tag().is_some() && tokens[2].suffix.tag().is_some());
    assert!(tokens.iter().all(|token| token.code == tokens[0].code));
    assert_eq!(restore(&texts[0], &applied.cleared.map()), text);
}

#[test]
fn treatments_do_what_they_say() {
    let words = [
        ("92歳", Kind::Age, 1, None),
        ("HbA1c 7.2%", Kind::LabValue, 2, None),
        ("090-1111-2222", Kind::Phone, 3, None),
    ];
    let (applied, texts) = gate(&words).send(&user("92歳、HbA1c 7.2%、電話090-1111-2222"));
    let tokens = find_tokens(&texts[0]);
    assert_eq!(texts[0], format!("90歳以上、HbA1c [検査値:{}]、電話[電話:{}]", tokens[0].code, tokens[1].code));
    let map = applied.cleared.map();
    assert!(map.lookup(&tokens[0].code, &tokens[0].suffix).unwrap().blind);
    assert!(!map.lookup(&tokens[1].code, &tokens[1].suffix).unwrap().blind);
    assert_eq!(applied.counts.treatments[&Treatment::Generalise], 1);
    // The same value of another item is another code.
    let other = [("LDL 7.2%", Kind::LabValue, 2, None)];
    let (_, texts) = gate(&other).send(&user("LDL 7.2%"));
    assert_ne!(find_tokens(&texts[0])[0].code, tokens[0].code);
}

#[test]
fn care_dates_carry_their_interval_from_the_first_of_the_same_person() {
    let words = [
        TARO,
        ("鈴木一郎", Kind::PersonName, 2, Some(Role::Patient)),
        ("2024年5月1日", Kind::CareDate, 10, None),
        ("2024/5/4", Kind::CareDate, 11, None),
        ("R6.6.1", Kind::CareDate, 12, None),
    ];
    let (applied, texts) =
        gate(&words).send(&user("山田太郎 2024年5月1日入院、2024/5/4手術。鈴木一郎 R6.6.1受診、2024/5/4予約"));
    let masked = &texts[0];
    let tails: Vec<&str> = find_tokens(masked)
        .iter()
        .map(|token| masked[token.code_range.end..token.range.end].trim_end_matches(']'))
        .collect();
    assert_eq!(tails, ["", " +0日", " +3日", "", " +0日", " -28日"]);
    let codes: Vec<Code> = find_tokens(masked).iter().map(|token| token.code).collect();
    assert_ne!(codes[2], codes[5], "the same day of another person is another code");
    assert!(restore(masked, &applied.cleared.map()).contains("2024/5/4手術"));
}

#[test]
fn my_number_is_removed_for_good() {
    let mut gate = gate(&[("123456789018", Kind::NationalId, 1, None)]);
    let located = located(&chat(&user("マイナンバーは123456789018です")));
    let mut findings = gate.find(located.texts());
    findings.findings[0].subtype = Some("my_number".into());
    let decision = gate.decide(located.texts(), &findings);
    let mut fuel = Fuel::for_bytes(0, 1);
    let search = |_: &Document, _: &mut Fuel| Ok(Findings::default());
    gate.known = Known::default();
    let applied = apply(Input {
        located: &located,
        findings: &findings,
        decision: &decision,
        key: &key(),
        length: Length::Ten,
        service: "openai",
        version: "1",
        known: &gate.known,
        search: &search,
        fuel: &mut fuel,
        settings: &Settings::default(),
    })
    .unwrap();
    assert_eq!(contents(applied.cleared.body()), ["マイナンバーは[公的番号:削除]です"]);
    assert!(applied.cleared.map().is_empty() && applied.remember.words.is_empty());
}

#[test]
fn a_narrow_field_gets_a_narrow_token_or_nothing_goes_out() {
    let words = [("yamada-taro-of-ward-3", Kind::OnlineId, 1, None)];
    let body = serde_json::to_vec(&json!({"model": "gpt-5", "messages": [
        {"role": "user", "name": "yamada-taro-of-ward-3", "content": "hello"}]}))
    .unwrap();
    let applied = gate(&words).try_mask(&body).unwrap();
    let out: Value = serde_json::from_slice(applied.cleared.body()).unwrap();
    let name = out["messages"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("ONLINE_ID_"), "{name}");
    assert_eq!(restore(name, &applied.cleared.map()), "yamada-taro-of-ward-3");
}

#[test]
fn english_text_gets_english_labels() {
    let words = [("John Smith", Kind::PersonName, 1, Some(Role::Patient)), ("Smith", Kind::PersonName, 1, None)];
    let (applied, texts) = gate(&words).send(&user("Please summarise: John Smith came in. Smith was well."));
    let code = find_tokens(&texts[0])[0].code;
    assert_eq!(texts[0], format!("Please summarise: [PATIENT:{code}] came in. [PATIENT:{code}/FAMILY] was well."));
    assert_eq!(restore(&texts[0], &applied.cleared.map()), "Please summarise: John Smith came in. Smith was well.");
}

#[test]
fn turn_three_never_changes_the_bytes_of_turn_one() {
    let mut first = gate(&[]);
    let turn1 = json!([{"role": "system", "content": "あなたは助手です。"}, {"role": "user", "content": "山田さんの退院サマリを書いて。電話は090-1111-2222"}]);
    first.words = vec![("090-1111-2222", Kind::Phone, 5, None)];
    let (_, sent1) = first.send(&turn1);
    assert!(sent1[1].contains("山田さん"), "turn 1 does not know the name");

    let mut turn3: Vec<Value> = turn1.as_array().unwrap().clone();
    turn3.push(json!({"role": "assistant", "content": "承知しました。"}));
    turn3.push(json!({"role": "user", "content": "患者は山田太郎（男性）です。山田さんの続きを。"}));
    first.words.extend([TARO, TARO_FAMILY]);
    let (applied, sent3) = first.send(&Value::Array(turn3.clone()));
    assert_eq!(sent3[..2], sent1[..2], "turn 1 goes out as it was");
    assert!(applied.late_findings >= 1);
    let tokens = find_tokens(&sent3[3]);
    assert_eq!(tokens.len(), 2);
    assert!(!sent3[3].contains("山田"));
    assert_eq!(restore(&sent3[3], &applied.cleared.map()), "患者は山田太郎（男性）です。山田さんの続きを。");

    // Turn 5: what turn 3 sent stays as well.
    let mut turn5 = turn3.clone();
    turn5.push(json!({"role": "assistant", "content": "はい。"}));
    turn5.push(json!({"role": "user", "content": "ありがとう"}));
    let (applied5, sent5) = first.send(&Value::Array(turn5.clone()));
    assert_eq!(sent5[..4], sent3[..4]);
    assert_eq!(restore(&sent5[3], &applied5.cleared.map()), "患者は山田太郎（男性）です。山田さんの続きを。");

    // Another service has seen nothing: everything is searched both ways.
    first.service = "anthropic";
    let (applied, other) = first.send(&Value::Array(turn5.clone()));
    assert!(!other.concat().contains("山田"));
    assert_eq!(applied.late_findings, 0);
    // So has the same service under other rules or another prefix.
    first.service = "openai";
    first.version = "2";
    let (_, other) = first.send(&Value::Array(turn5.clone()));
    assert!(!other.concat().contains("山田"));
    first.version = "1";
    turn5[0]["content"] = json!("あなたは別の助手です。");
    let (_, other) = first.send(&Value::Array(turn5));
    assert!(!other.concat().contains("山田"));
}

#[test]
fn a_person_keeps_the_code_that_the_surname_alone_got() {
    let mut gate = gate(&[TARO_FAMILY]);
    let turn1 = user("山田さんは発熱");
    let (_, sent1) = gate.send(&turn1);
    let code = find_tokens(&sent1[0])[0].code;
    gate.words.push(TARO);
    let mut turn2 = turn1.as_array().unwrap().clone();
    turn2.push(json!({"role": "assistant", "content": "はい"}));
    turn2.push(json!({"role": "user", "content": "山田太郎です。山田さんは元気。"}));
    let (applied, sent2) = gate.send(&Value::Array(turn2));
    assert_eq!(sent2[0], sent1[0]);
    let tokens = find_tokens(&sent2[2]);
    assert!(tokens.iter().all(|token| token.code == code));
    assert_eq!(&sent2[2][tokens[1].range.clone()], &sent1[0][find_tokens(&sent1[0])[0].range.clone()]);
    assert_eq!(restore(&sent2[2], &applied.cleared.map()), "山田太郎です。山田さんは元気。");
    assert_eq!(restore(&sent2[0], &applied.cleared.map()), "山田さんは発熱");
}

#[test]
fn an_answer_comes_back_to_the_bytes_the_service_wrote() {
    let words = [TARO, TARO_FAMILY, ("HbA1c 7.2%", Kind::LabValue, 2, None)];
    let mut gate = gate(&words);
    let question = "山田太郎、HbA1c 7.2%。山田さんへの説明文を。";
    let (applied, sent) = gate.send(&user(question));
    let tokens = find_tokens(&sent[0]);
    let token = |n: usize| &sent[0][tokens[n].range.clone()];
    let lost = format!("患者：{}", tokens[0].code);
    let answer = format!("{}様、{}でした。{lost}、{}", token(0), token(1), token(2));
    let map = applied.cleared.map();
    let restored = restore(&answer, &map);
    assert!(restored.starts_with("山田太郎様、7.2%※でした。山田太郎、山田\n\n※この値は"), "{restored}");
    let next = json!([
        {"role": "user", "content": question},
        {"role": "assistant", "content": restored},
        {"role": "user", "content": "もっと短く"}]);

    // With the memory of answers: the same bytes.
    let (digest, remembered) = SentAnswer::of(&key(), &answer, &restored, &map);
    let wanted = wanted(located(&chat(&next)).texts(), &key(), "openai", "1");
    assert!(wanted.answers.contains(&digest));
    gate.known.answers.insert(digest, remembered);
    let (applied, sent) = gate.send(&next);
    assert_eq!(sent[1], answer);
    assert_eq!(restore(&sent[1], &applied.cleared.map()), restored);

    // Without it: every word on sight, mark and note taken out.
    gate.known.answers.clear();
    gate.words.clear();
    let (applied, sent) = gate.send(&next);
    assert_eq!(sent[1], format!("{}様、{}でした。{}、{}", token(0), token(1), token(0), token(2)));
    assert!(applied.cleared.map().has_blind());
}

#[test]
fn tokens_in_a_request_are_atoms() {
    let mut gate = gate(&[]);
    let foreign = Code::compute(&TokenKey::new([9; 32]), "person_name", &["誰か"], Length::Seven);
    let text = format!("[患者:{foreign}]と[患者:{foreign}]の関係は");
    let (applied, sent) = gate.send(&user(&text));
    assert_eq!(sent[0], text);
    assert_eq!(applied.foreign_token, 2);
    assert_eq!(restore(&text, &applied.cleared.map()), text);
    // In the vault of this scope it is known, and restorable in text.
    gate.known.units.clear();
    gate.known.vault.push(KnownWord {
        code: foreign,
        suffix: Suffix::default(),
        word: Wiped::from("鈴木一郎"),
        kind: Kind::PersonName,
        blind: false,
    });
    let (applied, sent) = gate.send(&user(&text));
    assert_eq!(sent[0], text);
    assert_eq!(applied.foreign_token, 0);
    let map = applied.cleared.map();
    assert!(map.lookup(&foreign, &Suffix::default()).unwrap().vault);
    assert_eq!(restore(&text, &map), "鈴木一郎と鈴木一郎の関係は");
}

#[test]
fn what_is_masked_once_is_masked_everywhere_or_nothing_goes_out() {
    // Detection sees it in the first message only.
    let mut once = gate(&[]);
    let body = chat(&json!([
        {"role": "user", "content": "患者は佐々木健一です"},
        {"role": "user", "content": "ファイルは%E4%BD%90%E3%80%85%E6%9C%A8%E5%81%A5%E4%B8%80.txtと佐々木健一クリニック"}]));
    once.words = Vec::new();
    let located = located(&body);
    let mut findings = Findings::default();
    once.words.push(("佐々木健一", Kind::PersonName, 1, Some(Role::Patient)));
    findings.findings.push(once.find(located.texts()).findings[0].clone());
    let decision = once.decide(located.texts(), &findings);
    let mut fuel = Fuel::for_bytes(0, 1);
    let search = |_: &Document, _: &mut Fuel| Ok(Findings::default());
    let settings = Settings::default();
    let applied = apply(Input {
        located: &located,
        findings: &findings,
        decision: &decision,
        key: &key(),
        length: Length::Seven,
        service: "openai",
        version: "1",
        known: &once.known,
        search: &search,
        fuel: &mut fuel,
        settings: &settings,
    })
    .unwrap();
    let out = contents(applied.cleared.body());
    assert!(!out.concat().contains("佐々木") && !out.concat().contains("%E4%BD%90"), "{out:?}");
    // In a place that must not change, nothing goes out.
    let body = serde_json::to_vec(
        &json!({"model": "佐々木健一", "messages": [{"role": "user", "content": "患者は佐々木健一です"}]}),
    )
    .unwrap();
    let located = self::located(&body);
    let mut findings = once.find(located.texts());
    findings.findings.retain(|f| located.texts()[f.part].address.contains("content"));
    let decision = once.decide(located.texts(), &findings);
    let mut fuel = Fuel::for_bytes(0, 1);
    let search = |_: &Document, _: &mut Fuel| Ok(Findings::default());
    let refused = apply(Input {
        located: &located,
        findings: &findings,
        decision: &decision,
        key: &key(),
        length: Length::Seven,
        service: "openai",
        version: "1",
        known: &once.known,
        search: &search,
        fuel: &mut fuel,
        settings: &settings,
    });
    assert!(matches!(refused, Err(MaskError::LeftOver { .. })), "{refused:?}");
    assert!(!format!("{refused:?}").contains("佐々木"));
}

#[test]
fn nothing_personal_stands_in_debug_output_or_in_what_is_remembered() {
    let words = [TARO, ("090-1111-2222", Kind::Phone, 3, None)];
    let mut gate = gate(&words);
    let (applied, _) = gate.send(&user("山田太郎 090-1111-2222"));
    let shown = format!("{applied:?} {:?} {:?}", gate.known, applied.cleared.map());
    let stored = serde_json::to_string(&applied.remember.units[0].1).unwrap();
    for secret in ["山田", "太郎", "1111"] {
        assert!(!shown.contains(secret) && !stored.contains(secret));
    }
    let read: SentUnit = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, applied.remember.units[0].1);
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    const POOL: [Word; 12] = [
        TARO,
        TARO_FAMILY,
        ("ヤマダタロウ", Kind::PersonName, 1, Some(Role::Patient)),
        ("佐々木", Kind::PersonName, 2, Some(Role::Staff)),
        ("John Smith", Kind::PersonName, 3, Some(Role::Family)),
        ("髙橋花子", Kind::PersonName, 4, Some(Role::Patient)),
        ("高橋花子", Kind::PersonName, 4, Some(Role::Patient)),
        ("090-1111-2222", Kind::Phone, 5, None),
        ("０９０－１１１１－２２２２", Kind::Phone, 5, None),
        ("A-1234567", Kind::PatientId, 6, None),
        ("2024年5月1日", Kind::CareDate, 7, None),
        ("taro@hospital.jp", Kind::Email, 8, None),
    ];

    fn filler() -> impl Strategy<Value = String> {
        // Nothing that could join a word, a token or a number.
        "[はがをに、。！（）\\n\"\\\\ \u{1F600}é]{1,6}"
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec((filler(), 0..POOL.len()), 0..8)
            .prop_map(|parts| parts.into_iter().map(|(filler, word)| format!("{filler}{}、", POOL[word].0)).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn what_was_masked_comes_back_and_nothing_of_it_goes_out(text in text()) {
            let mut gate = gate(&POOL);
            let (applied, sent) = gate.send(&user(&text));
            for (word, ..) in POOL {
                prop_assert!(!sent[0].contains(word), "{}", sent[0]);
            }
            prop_assert_eq!(restore(&sent[0], &applied.cleared.map()), text);
            prop_assert_eq!(applied.counts.second_look, 0);
        }

        #[test]
        fn later_turns_never_change_what_was_sent(texts in prop::collection::vec(text(), 1..5), from in 0..POOL.len()) {
            let mut gate = gate(&POOL[from..]);
            let mut messages: Vec<Value> = Vec::new();
            let mut before: Vec<String> = Vec::new();
            for (turn, text) in texts.iter().enumerate() {
                messages.push(json!({"role": "user", "content": text}));
                if turn == 2 {
                    gate.words = POOL.to_vec();
                }
                let (_, sent) = gate.send(&Value::Array(messages.clone()));
                prop_assert_eq!(&sent[..before.len()], before.as_slice());
                messages.push(json!({"role": "assistant", "content": "はい。"}));
                before = sent;
                before.push("はい。".to_owned());
            }
        }

        #[test]
        fn masking_an_answer_that_was_restored_gives_its_bytes(
            question in text(),
            parts in prop::collection::vec((filler(), any::<prop::sample::Index>(), 0..6usize), 0..6),
        ) {
            let mut gate = gate(&POOL);
            let question = format!("{question}、HbA1c 7.2%、山田太郎");
            gate.words.push(("HbA1c 7.2%", Kind::LabValue, 9, None));
            let (applied, sent) = gate.send(&user(&question));
            let map = applied.cleared.map();
            let tokens = find_tokens(&sent[0]);
            let mut answer = String::new();
            for (filler, which, shape) in parts {
                let token = which.get(&tokens);
                let written = &sent[0][token.range.clone()];
                answer.push_str(&filler);
                answer.push_str(&match shape {
                    0 => written.to_owned(),
                    1 => written.replace('[', "【").replace(']', "】").replace(':', "："),
                    2 => written.replace('[', "\\[").replace(']', "\\]"),
                    3 => written.trim_matches(['[', ']']).to_owned(),
                    4 => written.to_lowercase(),
                    _ => written.replace(':', " : "),
                });
            }
            let restored = restore(&answer, &map);
            let (digest, remembered) = SentAnswer::of(&key(), &answer, &restored, &map);
            gate.known.answers.insert(digest, remembered);
            let next = json!([
                {"role": "user", "content": question},
                {"role": "assistant", "content": restored},
                {"role": "user", "content": "次は"}]);
            let (applied, sent) = gate.send(&next);
            prop_assert_eq!(&sent[1], &answer);
            prop_assert_eq!(restore(&sent[1], &applied.cleared.map()), restored);
        }

        #[test]
        fn an_answer_in_our_own_writing_comes_back_without_memory(
            question in text(),
            parts in prop::collection::vec((filler(), any::<prop::sample::Index>()), 0..6),
        ) {
            let mut gate = gate(&POOL);
            let question = format!("山田太郎、{question}");
            let (applied, sent) = gate.send(&user(&question));
            let tokens: Vec<TokenAt> =
                find_tokens(&sent[0]).into_iter().filter(|t| !sent[0][t.range.clone()].contains('日')).collect();
            let answer: String = parts
                .iter()
                .map(|(filler, which)| format!("{filler}{}、", &sent[0][which.get(&tokens).range.clone()]))
                .collect();
            let restored = restore(&answer, &applied.cleared.map());
            let next = json!([
                {"role": "user", "content": question},
                {"role": "assistant", "content": restored},
                {"role": "user", "content": "次は"}]);
            let (applied, sent) = gate.send(&next);
            prop_assert_eq!(&sent[1], &answer);
            prop_assert_eq!(restore(&sent[1], &applied.cleared.map()), restored);
        }

        #[test]
        fn any_text_is_read_for_tokens_without_harm(text in "\\PC{0,40}", head in "[\\[【(患者:PATIENT_ /姓+3日\\]】)\\\\]{0,12}") {
            let code = Code::compute(&key(), "person_name", &["x"], Length::Seven);
            let text = format!("{text}{head}{code}{head}{text}");
            for token in find_tokens(&text) {
                prop_assert!(text.get(token.range.clone()).is_some());
                prop_assert!(token.range.start <= token.code_range.start && token.code_range.end <= token.range.end);
            }
        }
    }
}

#[test]
fn the_shipped_detection_finds_nothing_new_around_its_splices() {
    let detector = crate::detect::Detector::shipped().unwrap();
    let text = "患者 山田太郎 様（ﾔﾏﾀﾞ ﾀﾛｳ）ID: 00123456、生年月日 1950年3月4日、電話 090-1234-5678、〒160-0023 東京都新宿区西新宿2-8-1 \
                メゾン西新宿203号室。2024年5月1日入院、5月4日手術。HbA1c 7.2%、CRP 0.42mg/dL。主治医は佐藤。被保険者番号 12345678。\
                Mail: taro.yamada@hospital-a.jp";
    let located = located(&chat(&user(text)));
    let known = Known::default();
    let document = atom::document(located.texts(), &known.codes());
    let mut fuel = detector.fuel(&document);
    let findings = detector.find(&document, &mut fuel).unwrap();
    assert!(findings.findings.len() >= 5);
    let decision = gate(&[]).decide(located.texts(), &Findings { passages: Vec::new(), ..findings.clone() });
    let search = |document: &Document, fuel: &mut Fuel| detector.find(document, fuel);
    let applied = apply(Input {
        located: &located,
        findings: &findings,
        decision: &decision,
        key: &key(),
        length: Length::Seven,
        service: "openai",
        version: "1",
        known: &known,
        search: &search,
        fuel: &mut fuel,
        settings: &Settings::default(),
    })
    .unwrap();
    let sent = contents(applied.cleared.body());
    assert_eq!(applied.counts.second_look, 0);
    assert!(restore(&sent[0], &applied.cleared.map()).replace('※', "").starts_with(text));
}

/// A detection that never comes to rest: it takes the letter behind each token for a finding.
fn restless(document: &Document, kind: Kind, confidence: f32) -> Findings {
    let mut found = Findings::default();
    for (part, text) in document.parts.iter().enumerate() {
        for atom in &text.atoms {
            let Some(letter) = text.text[atom.end..].chars().next() else { continue };
            found.findings.push(Finding {
                part,
                range: atom.end..atom.end + letter.len_utf8(),
                kind,
                subtype: None,
                confidence,
                rule: RuleId::new("test.restless"),
                evidence: Vec::new(),
                entity: Entity(0),
                role: None,
                proven: false,
                value: None,
            });
        }
    }
    found
}

#[test]
fn what_the_second_look_finds_is_masked_and_what_is_strong_the_second_time_stops() {
    let look = |kind: Kind, confidence: f32| {
        let gate = gate(&[TARO]);
        let located = located(&chat(&user("山田太郎あいうえお")));
        let findings = gate.find(located.texts());
        let decision = gate.decide(located.texts(), &findings);
        let search = |document: &Document, _: &mut Fuel| Ok(restless(document, kind, confidence));
        apply(Input {
            located: &located,
            findings: &findings,
            decision: &decision,
            key: &key(),
            length: Length::Seven,
            service: "openai",
            version: "1",
            known: &gate.known,
            search: &search,
            fuel: &mut Fuel::for_bytes(0, 1),
            settings: &Settings::default(),
        })
    };
    let applied = look(Kind::PersonName, 0.6).unwrap();
    let sent = contents(applied.cleared.body());
    assert_eq!(applied.counts.second_look, 2);
    assert!(sent[0].ends_with("]うえお"), "{}", sent[0]);
    assert_eq!(restore(&sent[0], &applied.cleared.map()), "山田太郎あいうえお");
    assert!(look(Kind::LabValue, 0.95).is_ok());
    assert!(matches!(look(Kind::Phone, 0.95), Err(MaskError::StillFound { kind: Kind::Phone, .. })));
    assert!(matches!(look(Kind::Credential, 0.5), Err(MaskError::StillFound { kind: Kind::Credential, .. })));
}
