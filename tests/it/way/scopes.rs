//! Whose token is whose, which service and which use hold, and where nobody passes.

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tsuitate::cli::client::{Line, Reply};

use super::stand::{
    ANTHROPIC, CHART, HANAKO, LETTER, OPENAI, TARO, chat_body, nothing_of, post, said, stand, text_of, tokens,
};

fn content(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

fn answer(reply: &Reply) -> String {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    body["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn message(reply: &Reply) -> String {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    body["error"]["message"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_persons_token_is_not_the_others_and_is_not_restored_for_the_other() {
    let stand = stand(json!({})).await;
    let (taro, _) = stand.chat(Some(TARO), &[("user", LETTER)]).await;
    let (hanako, _) = stand.chat(Some(HANAKO), &[("user", LETTER)]).await;
    let (again, _) = stand.chat(Some(TARO), &[("user", LETTER)]).await;
    let (taro, hanako, again) =
        (content(&taro.unwrap().body), content(&hanako.unwrap().body), content(&again.unwrap().body));
    assert_eq!(taro, again);
    let (his, hers) = (tokens(&taro), tokens(&hanako));
    assert!(his.len() >= 4 && his.len() == hers.len(), "{taro}\n{hanako}");
    assert!(his.iter().all(|token| !hers.contains(token)), "{his:?} {hers:?}");

    let typed = format!("{} さんの件を教えてください。", his[0]);
    for account in [Some(HANAKO), None] {
        let (got, reply) = stand.chat(account, &[("user", &typed)]).await;
        assert_eq!(content(&got.unwrap().body), typed);
        assert_eq!(answer(&reply), said(&typed));
        assert_eq!(stand.newest().await.0["foreign_tokens"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_name_the_scope_is_the_source_address() {
    let stand = stand(json!({})).await;
    let mut seen = Vec::new();
    for from in ["127.0.0.1", "127.0.0.2", "127.0.0.1"] {
        let mut line = stand.line_from(from, OPENAI).await;
        let reply = line.send(post("/v1/chat/completions", chat_body(&[("user", LETTER)]))).await.unwrap();
        assert_eq!(answer(&reply), said(LETTER));
        seen.push(content(&stand.standin.received().pop().unwrap().body));
        let (opened, _) = stand.newest().await;
        assert_eq!((&opened["who"]["strength"], &opened["who"]["client"]), (&json!("anonymous"), &json!(from)));
    }
    assert_eq!(seen[0], seen[2]);
    assert!(tokens(&seen[0]).iter().all(|token| !tokens(&seen[1]).contains(token)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_approved_is_refused_and_the_approved_ones_are_named() {
    let service = json!([{"id": "anthropic", "approved": true, "checked_on": "2026-01-15", "checked_by": "情報室"}]);
    let stand = stand(json!({"service": service})).await;
    let (got, reply) = stand.chat(None, &[("user", "今日の天気の話題を三つください。")]).await;
    assert!(got.is_none());
    assert_eq!(reply.status, 400);
    assert!(message(&reply).contains("Anthropic"), "{}", reply.body);
    let (opened, closed) = stand.newest().await;
    assert_eq!(opened["verdict"], "blocked", "{opened}");
    assert_eq!(opened["reasons"][0]["code"], "service_not_approved", "{opened}");
    assert_eq!(closed["outcome"], "refused");
    let body = json!({"model": "demo", "max_tokens": 9, "messages": [{"role": "user", "content": LETTER}]});
    assert_eq!(stand.ask(None, ANTHROPIC, "/v1/messages", body.to_string()).await.status, 200);
}

fn a_use(until: &str) -> Value {
    json!({"uses": {"static": [{
        "id": "discharge-summary", "purpose": "退院サマリの下書き", "basis": "公表済み目的の範囲内",
        "people": ["hanako"], "services": ["openai"], "classes": ["chart_text"],
        "treatments": {"lab_value": "keep"}, "until": until, "output_reviewer": "佐藤（主治医）",
    }]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_lifts_a_class_for_its_person_and_service_until_its_last_day() {
    let stand = stand(a_use("2099-12-31")).await;
    let (got, reply) = stand.chat(Some(HANAKO), &[("user", CHART)]).await;
    let sent = content(&got.unwrap_or_else(|| panic!("{}", reply.body)).body);
    nothing_of(&["佐久間", "春香", "0038412"], &sent);
    assert!(sent.contains("7.2"), "{sent}");
    assert!(answer(&reply).contains("佐久間 春香"));
    let (opened, _) = stand.newest().await;
    assert_eq!(opened["use"]["id"], "discharge-summary");
    assert_eq!(opened["who"]["person"], "hanako");

    for account in [Some(TARO), None] {
        let (got, reply) = stand.chat(account, &[("user", CHART)]).await;
        assert!(got.is_none() && reply.status == 400, "{}", reply.body);
        assert_eq!(stand.newest().await.0["verdict"], "blocked");
    }
    let body = json!({"model": "demo", "max_tokens": 9, "messages": [{"role": "user", "content": CHART}]});
    let reply = stand.ask(Some(HANAKO), ANTHROPIC, "/v1/messages", body.to_string()).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_that_has_expired_lifts_nothing() {
    let stand = stand(a_use("2020-03-31")).await;
    let (got, reply) = stand.chat(Some(HANAKO), &[("user", CHART)]).await;
    assert!(got.is_none() && reply.status == 400, "{}", reply.body);
    let (opened, _) = stand.newest().await;
    assert_eq!(opened["verdict"], "blocked");
    assert!(opened.get("use").is_none(), "{opened}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_network_of_the_health_record_and_where_unknown_hosts_are_denied_only_ai_services_are_reached() {
    let ehr = json!({"network": [{"range": "127.0.0.0/8", "name": "電子カルテ網", "ehr": true}]});
    for (changes, code) in [(ehr, "ehr_network"), (json!({"destinations": {"unknown": "deny"}}), "unknown_destination")]
    {
        let mut stand = stand(changes).await;
        let socket = TcpStream::connect(stand.address()).await.unwrap();
        let refused = Line::open(socket, stand.root(), None, "bank.example", false).await.err().unwrap();
        assert!(refused.to_string().contains("403"), "{refused}");
        let (got, reply) = stand.chat(None, &[("user", LETTER)]).await;
        assert_eq!(answer(&reply), said(LETTER));
        nothing_of(&["佐久間"], &text_of(&got.unwrap().body));
        stand.newest().await;
        stand.stop().await;
        let passed = stand.events().into_iter().find(|event| event["event"] == "passed").unwrap();
        assert_eq!((&passed["verdict"], &passed["reasons"][0]["code"]), (&json!("blocked"), &json!(code)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_account_is_required_nobody_passes_without_one() {
    let mut stand = stand(json!({"identify": {"require": true}})).await;
    for account in [None, Some(("taro", "wrong")), Some(("nobody", "pass-taro"))] {
        let socket = TcpStream::connect(stand.address()).await.unwrap();
        let refused = Line::open(socket, stand.root(), account, OPENAI, false).await.err().unwrap();
        assert!(refused.to_string().contains("407"), "{refused}");
    }
    let (_, reply) = stand.chat(Some(TARO), &[("user", LETTER)]).await;
    assert_eq!(answer(&reply), said(LETTER));
    stand.newest().await;
    stand.stop().await;
    // Once each at once, and what followed of their minute.
    let count = |code: &str| -> u64 {
        let of = |event: &&Value| event["reasons"][0]["code"] == code;
        stand.events().iter().filter(of).map(|event| event["reasons"][0]["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((count("account_required"), count("wrong_account")), (1, 2));
}
