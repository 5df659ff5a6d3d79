//! The turn rule: what was sent goes out again as it was, and what came back goes back as it came.

use serde_json::{Value, json};

use super::stand::{ANTHROPIC, LETTER, OPENAI, TARO, nothing_of, said, sse, stand, text_of, tokens};

fn answer(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn messages(body: &[u8]) -> Vec<Value> {
    serde_json::from_slice::<Value>(body).unwrap()["messages"].as_array().unwrap().clone()
}

const FIRST: &str = "佐久間さんへの次回予約の案内文を書いてください。";
const SECOND: &str = "ありがとう。もう少し短くしてください。";
const THIRD: &str = "宛名も入れてください。患者氏名：佐久間 春香、患者番号 0038412 です。";

#[tokio::test(flavor = "multi_thread")]
async fn the_third_turn_changes_no_byte_of_the_first_and_another_service_gets_all_of_it_masked() {
    let stand = stand(json!({})).await;
    let (one, reply) = stand.chat(None, &[("user", FIRST)]).await;
    let a1 = answer(&reply.body);
    assert_eq!(a1, said(FIRST));
    let (two, reply) = stand.chat(None, &[("user", FIRST), ("assistant", &a1), ("user", SECOND)]).await;
    let a2 = answer(&reply.body);
    let whole = [("user", FIRST), ("assistant", a1.as_str()), ("user", SECOND), ("assistant", &a2), ("user", THIRD)];
    let (three, reply) = stand.chat(None, &whole).await;
    assert_eq!(answer(&reply.body), said(THIRD));

    let (one, two, three) = (one.unwrap().body, two.unwrap().body, three.unwrap().body);
    assert_eq!(messages(&one)[..], messages(&two)[..1]);
    assert_eq!(messages(&two)[..], messages(&three)[..3]);
    // The bytes, not their meaning: what stands before the end of the list is a prefix.
    let prefix = text_of(&two);
    let prefix = prefix.strip_suffix("]}").unwrap();
    assert!(text_of(&three).starts_with(prefix), "{prefix}\n{}", text_of(&three));
    // What the service said comes back to it as it said it.
    let sent_first = messages(&one)[0]["content"].as_str().unwrap().to_owned();
    assert_eq!(messages(&two)[1]["content"], said(&sent_first).as_str());
    nothing_of(&["春香", "0038412"], &text_of(&three));

    let turns: Vec<Value> = whole.iter().map(|(role, text)| json!({"role": role, "content": text})).collect();
    let body = json!({"model": "demo", "max_tokens": 9, "messages": turns}).to_string();
    let reply = stand.ask(None, ANTHROPIC, "/v1/messages", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    nothing_of(&["佐久間", "春香", "0038412"], &text_of(&stand.standin.received().pop().unwrap().body));
}

const LABS: &str =
    "検査結果をご家族向けにやさしく説明する文を書いてください。\n患者：佐久間 春香　HbA1c 7.2%　LDL-C 131 mg/dL";

/// Masking what was restored gives what the service had written, blind marks and notes included.
async fn comes_back_as_it_was(account: Option<(&str, &str)>, restart: bool) {
    let mut stand = stand(json!({})).await;
    let mut talk: Vec<(String, String)> = Vec::new();
    let mut expected: Vec<String> = Vec::new();
    for text in [LETTER, LABS, "二つをまとめて一通にしてください。"] {
        talk.push(("user".to_owned(), text.to_owned()));
        let turns: Vec<(&str, &str)> = talk.iter().map(|(role, text)| (role.as_str(), text.as_str())).collect();
        let (got, reply) = stand.chat(account, &turns).await;
        let sent = messages(&got.unwrap_or_else(|| panic!("{}", reply.body)).body);
        for (turn, was) in sent.iter().zip(&expected) {
            assert_eq!(turn["content"], was.as_str());
        }
        let last = sent.last().unwrap()["content"].as_str().unwrap().to_owned();
        nothing_of(&["佐久間", "0038412", "7.2", "131"], &last);
        expected.push(last.clone());
        expected.push(said(&last));
        let answer = answer(&reply.body);
        if text == LABS {
            assert!(answer.contains("7.2※") || answer.contains("7.2%※"), "{answer}");
            assert!(answer.contains("評価・計算・投与量の判断には使えません"), "{answer}");
        }
        talk.push(("assistant".to_owned(), answer));
        stand.newest().await;
        if restart {
            stand.restart().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn masking_what_was_restored_gives_what_the_service_wrote() {
    comes_back_as_it_was(None, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_persons_conversation_survives_a_restart_of_the_gate() {
    comes_back_as_it_was(Some(TARO), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_the_service_keeps_is_restored_from_the_vault_of_a_named_person_alone() {
    for (account, restored) in [(Some(TARO), true), (None, false)] {
        let mut stand = stand(json!({})).await;
        let first = json!({"model": "demo", "input": LETTER}).to_string();
        let reply = stand.ask(account, OPENAI, "/v1/responses", first).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        stand.newest().await;
        stand.restart().await;
        let next = json!({"model": "demo", "stream": true, "previous_response_id": "resp_standin0000001",
            "input": "もう一度お願いします。"});
        let reply = stand.ask(account, OPENAI, "/v1/responses", next.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let answer: String = sse(&reply.body)
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .filter_map(|event| event["delta"].as_str().map(str::to_owned))
            .collect();
        if restored {
            assert_eq!(answer, said(LETTER));
        } else {
            nothing_of(&["佐久間", "0038412"], &answer);
            assert!(!tokens(&answer).is_empty(), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_is_not_taken_for_sent() {
    // Nothing listens there when the first turn is tried: it is decided, recorded, and not sent.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut stand = stand(json!({"upstream": {"resolve": {OPENAI: closed.to_string()}}})).await;
    let (got, reply) = stand.chat(Some(TARO), &[("user", FIRST)]).await;
    assert!(got.is_none() && reply.status.as_u16() >= 400, "{} {}", reply.status, reply.body);
    let (opened, outcome) = stand.newest().await;
    assert_eq!((&opened["event"], &outcome["outcome"]), (&json!("opened"), &json!("upstream_failed")));
    let kept = stand.kept("unit");
    assert_eq!(kept, 0, "a turn that was not sent is remembered as sent");
    // The surname alone says little in the first turn; the third names the person, and nothing holds the first as it was.
    let there = stand.standin.address.to_string();
    stand.again(&json!({"upstream": {"resolve": {OPENAI: there}}})).await;
    let talk = [("user", FIRST), ("assistant", "はい。"), ("user", THIRD)];
    let (got, reply) = stand.chat(Some(TARO), &talk).await;
    nothing_of(&["佐久間", "春香", "0038412"], &text_of(&got.unwrap_or_else(|| panic!("{}", reply.body)).body));
    stand.newest().await;
    assert!(stand.kept("unit") > 0, "what was sent is remembered");
}
