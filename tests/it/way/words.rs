//! What a stopped person reads: the reason that holds, the cure that helps, in Japanese that is Japanese.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tsuitate::cli::client::Reply;

use super::stand::{
    ANTHROPIC, CHART, HANAKO, OPENAI, Stand, chat_body, nothing_of, now_ms, post, stand, stand_by, text_of, today,
};

/// The Japanese and the English half of a refusal.
fn halves(reply: &Reply) -> (String, String) {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.body));
    let message = body["error"]["message"].as_str().unwrap_or_else(|| panic!("{body}"));
    let (ja, en) = message.split_once(" / ").unwrap_or_else(|| panic!("{message}"));
    (ja.to_owned(), en.to_owned())
}

async fn refused(stand: &Stand, account: Option<(&str, &str)>, request: Request<Bytes>) -> (String, String) {
    let reply = stand.line(account, OPENAI, false).await.send(request).await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(stand.standin.received().is_empty(), "something was sent");
    halves(&reply)
}

fn chat(text: &str) -> Request<Bytes> {
    post("/v1/chat/completions", chat_body(&[("user", text)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_the_request_itself_says_its_name() {
    let rule = json!([{"id": "night", "services": ["openai"], "action": "block"}]);
    let stand = stand(json!({"policy": {"rule": rule}})).await;
    let (ja, en) = refused(&stand, None, chat("天気は？")).await;
    assert!(
        ja.contains("理由: 規則 night により停止。対処: 院内の問い合わせ先に連絡する。問い合わせ: 医療情報室"),
        "{ja}"
    );
    assert!(en.contains("stopped by rule night") && !en.contains("remove"), "{en}");
    let (opened, _) = stand.newest().await;
    assert_eq!((&opened["reasons"][0]["code"], &opened["reasons"][0]["rules"]), (&json!("rule"), &json!(["night"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_on_reaches_the_user() {
    let uses = |name: &str| {
        json!({"uses": {"static": [{"id": name, "people": ["hanako"], "services": ["openai"],
        "classes": ["chart_text"], "until": today()}]}})
    };
    let own = stand(uses("summary")).await;
    // Nobody in particular: the use is for named persons.
    let (ja, en) = refused(&own, None, chat(CHART)).await;
    assert!(ja.contains("ご自身の利用者名とパスワード"), "{ja}");
    assert!(en.contains("set your own account of the proxy"), "{en}");
    // She names another use than the one that covers it.
    let request = Request::post("/v1/chat/completions")
        .header("content-type", "application/json")
        .header("tsuitate-use", "another")
        .body(Bytes::from(chat_body(&[("user", CHART)])))
        .unwrap();
    let (ja, en) = refused(&own, Some(HANAKO), request).await;
    assert!(ja.contains("承認済みの用途「summary」を選ぶ") && en.contains("approved use \"summary\""), "{ja} {en}");
    // A use nobody has: it is applied for.
    let none = stand(json!({})).await;
    let (ja, en) = refused(&none, Some(HANAKO), chat(CHART)).await;
    assert!(ja.contains("利用申請") && en.contains("apply for a use"), "{ja} {en}");
    // A key is taken out and changed; what stands in a path is moved into the text.
    let (ja, _) = refused(&none, None, chat("設定は aws_access_key_id = AKIAQ7TEX4MPLK3Y2VDN です。")).await;
    assert!(ja.contains("パスワードや鍵を消して"), "{ja}");
    let path = post("/v1/files/090-1234-5678/content", chat_body(&[("user", "こんにちは")]));
    let (ja, _) = refused(&none, None, path).await;
    assert!(ja.contains("URLのパスの3番目") && ja.contains("メッセージの本文に書いて"), "{ja}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_is_named_with_its_own_places_and_rules() {
    let stand = stand(json!({})).await;
    let body = json!({"model": "demo", "messages": [{"role": "user", "content": "こんにちは"}],
        "metadata": {"電話 090-1234-5678": "x", "患者番号 0038412": "y"}});
    refused(&stand, None, post("/v1/chat/completions", body.to_string())).await;
    let (opened, _) = stand.newest().await;
    let reasons = opened["reasons"].as_array().unwrap();
    assert!(reasons.len() >= 2, "{opened}");
    for reason in reasons {
        let what = reason["what"].as_array().unwrap();
        assert_eq!(what.len(), 1, "{opened}");
        let other = if what[0] == "phone" { "patient" } else { "contact.phone" };
        assert!(!reason["rules"].to_string().contains(other), "{opened}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn encoded_data_that_says_nothing_is_unreadable_and_its_place_is_named() {
    use base64::Engine as _;
    let stand = stand(json!({})).await;
    let noise: Vec<u8> = (0..6000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect();
    let blob = base64::engine::general_purpose::STANDARD.encode(noise);
    let (ja, en) = refused(&stand, None, chat(&format!("これを読んでください {blob} 以上"))).await;
    assert!(ja.contains("内容を検査できない") && ja.contains("base64") && ja.contains("messages[0].content"), "{ja}");
    assert!(!ja.contains("しばらくして") && !en.contains("later"), "{ja} {en}");
    let (opened, _) = stand.newest().await;
    assert_eq!(opened["verdict"], "blocked", "{opened}");
    assert_eq!(opened["reasons"][0]["places"], json!(["messages[0].content"]), "{opened}");
}

/// Every name of a limit in a refusal is a key of the config, and the refusal holds value and what was seen.
#[tokio::test(flavor = "multi_thread")]
async fn every_limit_that_a_refusal_names_is_a_config_key() {
    use std::io::Write as _;
    let lowered = json!({"gate": {"limits": {"text": "1KiB", "json_depth": 9, "json_values": 30, "texts": 5, "layers": 0,
        "parts": 2, "codings": 1, "ratio": 10, "decoded": "2MiB", "body": "4MiB"}}});
    let stand = stand(lowered).await;
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml")).unwrap();
    let limits = example.split("[gate.limits]").nth(1).unwrap().split("\n[").next().unwrap();
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let chat = "/v1/chat/completions";
    let coded = |coding: &str, body: Vec<u8>| {
        Request::post(chat)
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .body(Bytes::from(body))
            .unwrap()
    };
    let form = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n".repeat(3) + "--xx--\r\n";
    let form =
        Request::post(chat).header("content-type", "multipart/form-data; boundary=xx").body(form.into()).unwrap();
    let many = |count: usize| chat_body(&vec![("user", "あ"); count]);
    let layered = json!({"model": "demo", "messages": [{"role": "assistant", "content": "x", "tool_calls": [{"id": "call_1",
        "type": "function", "function": {"name": "f", "arguments": json!({"a": json!({"b": "c"}).to_string()}).to_string()}}]}]});
    let cases = vec![
        ("text", post(chat, chat_body(&[("user", &"あ".repeat(600))]))),
        ("json_depth", post(chat, format!("{}1{}", "[".repeat(40), "]".repeat(40)))),
        ("json_values", post(chat, many(9))),
        (
            "texts",
            post(
                chat,
                json!({"model": "demo", "messages": [{"role": "user", "content": "a b"}], "x": vec!["い う"; 6]})
                    .to_string(),
            ),
        ),
        ("layers", post(chat, layered.to_string())),
        ("parts", form),
        ("codings", coded("gzip, gzip", gzip(&gzip(b"{}")))),
        ("ratio", coded("gzip", gzip(&vec![b' '; 3 << 19]))),
        (
            "decoded",
            coded(
                "gzip",
                gzip(&(0..3_u32 << 18).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect::<Vec<_>>()),
            ),
        ),
        ("body", post(chat, vec![b' '; 5 << 20])),
    ];
    for (key, request) in cases {
        let (ja, en) = refused(&stand, None, request).await;
        assert!(ja.contains(&format!("gate.limits.{key} の上限 ")), "{key}: {ja}");
        assert!(en.contains(&format!("gate.limits.{key} is ")), "{key}: {en}");
        assert!(limits.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is no key");
        assert!(key == "ratio" || ja.contains(" に対し "), "{key}: {ja}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_japanese_half_is_japanese_and_the_cure_is_that_of_the_reason() {
    let stand = stand(json!({})).await;
    let form = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7 ...\r\n--xx--\r\n";
    let form = Request::post("/v1/files")
        .header("content-type", "multipart/form-data; boundary=xx")
        .body(form.into())
        .unwrap();
    let image = json!({"model": "demo", "messages": [{"role": "user", "content": [{"type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"}}]}]});
    let socket = Request::get("/v1/realtime")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Bytes::new())
        .unwrap();
    let prose = regex::Regex::new("[a-z]{2,} [a-z]{2,} [a-z]{2,}").unwrap();
    for (request, reason, cure) in [
        (post("/v1/chat/completions", "{\"model\":\"demo\",\"messages\":[}"), "壊れています", "正しいJSON"),
        (form, "1番目のパート（file）", "ファイルや画像を外し"),
        (post("/v1/chat/completions", image.to_string()), "画像が含まれています", "ファイルや画像を外し"),
        (socket, "WebSocket", "通常の文字のやり取り"),
    ] {
        let (ja, _) = refused(&stand, None, request).await;
        assert!(ja.contains(reason) && ja.contains(cure), "{ja}");
        assert!(!prose.is_match(&ja), "English in {ja}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_be_reached_is_said_in_both_languages() {
    let stand = stand(json!({"upstream": {"resolve": {OPENAI: "127.0.0.1:9"}}})).await;
    let reply = stand.ask(None, OPENAI, "/v1/chat/completions", chat_body(&[("user", "天気は？")])).await;
    assert_eq!(reply.status, 502, "{}", reply.body);
    let (ja, en) = halves(&reply);
    assert!(ja.contains("何も送っていません") && ja.contains("に接続できません") && !ja.contains("reached"), "{ja}");
    assert!(en.contains("nothing was sent") && en.contains("could not be reached"), "{en}");
}

/// A step that panics on the network's threads: refused in the service's shape, recorded and closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_gate_is_said_and_recorded_like_any_other_reason() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    // Asked twice for the day and once for what is known, all off the network's threads; the fourth is what is kept.
    fn clock() -> u64 {
        let writer = std::thread::current().name() == Some("record");
        assert!(
            writer || CALLS.fetch_add(1, Ordering::SeqCst) < 1000 || CALLS.load(Ordering::SeqCst) != 1004,
            "a fault"
        );
        now_ms()
    }
    let stand = stand_by(clock).await;
    CALLS.store(1000, Ordering::SeqCst);
    let reply = stand.ask(None, OPENAI, "/v1/chat/completions", chat_body(&[("user", "天気は？")])).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let (ja, _) = halves(&reply);
    assert!(ja.contains("衝立の内部の不具合"), "{ja}");
    let (opened, closed) = stand.newest().await;
    assert_eq!((&opened["verdict"], &opened["reasons"][0]["code"]), (&json!("failed"), &json!("fault")), "{opened}");
    assert_eq!(closed["outcome"], "refused", "{closed}");
    assert_eq!(opened["endpoint"], "/v1/chat/completions", "what was known by then is in the record: {opened}");
    assert!(stand.standin.received().is_empty());
}

/// Observe mode: classes, lab values, dates of care and formats go through and are recorded so; identifiers are replaced
/// and keys stopped all the same, and only the group that is watched has it.
#[tokio::test(flavor = "multi_thread")]
async fn observe_mode_covers_classes_values_dates_and_formats_and_nothing_else() {
    let until = today().checked_add(jiff::Span::new().days(10)).unwrap();
    let observe = json!([{"groups": ["内科"], "approver": "情報管理責任者", "from": today(), "until": until}]);
    let stand = stand(json!({"observe": observe})).await;
    let image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ";
    let body = |text: &str| {
        json!({"model": "demo", "messages": [{"role": "user", "content": [{"type": "text", "text": text},
            {"type": "image_url", "image_url": {"url": image}}]}]})
        .to_string()
    };
    let chat = "/v1/chat/completions";
    let reply = stand.ask(Some(HANAKO), OPENAI, chat, body(CHART)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let sent = text_of(&stand.standin.received()[0].body);
    for goes in ["6月3日", "6月12日", "7.2%", "現病歴", image] {
        assert!(sent.contains(goes), "{goes} in {sent}");
    }
    nothing_of(&["佐久間", "春香", "0038412"], &sent);
    let (opened, _) = stand.newest().await;
    assert_eq!(opened["verdict"], "observed", "{opened}");
    let codes: Vec<&str> =
        opened["reasons"].as_array().unwrap().iter().map(|why| why["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"class") && codes.contains(&"unreadable") && codes.contains(&"finding"), "{opened}");
    // A key is a floor, and whoever is not watched is stopped.
    let key = body("設定は aws_access_key_id = AKIAQ7TEX4MPLK3Y2VDN です。");
    assert_eq!(stand.ask(Some(HANAKO), OPENAI, chat, key).await.status, 400);
    assert_eq!(stand.ask(None, OPENAI, chat, body("こんにちは")).await.status, 400);
    assert_eq!(stand.standin.received().len(), 1);
}

/// A signed block that the service never gave to this person, with a checked number in it: refused, and the cure is a new
/// chat; a block without anything strong goes on unchanged.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_signed_block_with_a_strong_finding_is_refused_with_its_cure() {
    let stand = stand(json!({})).await;
    let ask = |thinking: &str| {
        json!({"model": "demo", "max_tokens": 99, "messages": [
            {"role": "user", "content": "こんにちは"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": thinking, "signature": "EqQBCkgIARABGAIiQL8tK2nRkq5cVQm0"},
                {"type": "text", "text": "はい。"}]},
            {"role": "user", "content": "続けてください"}]})
        .to_string()
    };
    let reply = stand.ask(None, ANTHROPIC, "/v1/messages", ask("個人番号 123456789018 の方です。")).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let (ja, en) = halves(&reply);
    assert!(ja.contains("公的番号") && ja.contains("新しいチャットで始める"), "{ja}");
    assert!(en.contains("start a new chat"), "{en}");
    assert!(!reply.body.contains("123456789018") && stand.standin.received().is_empty());
    assert_eq!(stand.newest().await.0["reasons"][0]["code"], "signed_text");
    let plain = "相手は挨拶をしている。";
    assert_eq!(stand.ask(None, ANTHROPIC, "/v1/messages", ask(plain)).await.status, 200);
    let sent = text_of(&stand.standin.received()[0].body);
    assert!(sent.contains(plain) && sent.contains("EqQBCkgIARABGAIiQL8tK2nRkq5cVQm0"), "{sent}");
}
