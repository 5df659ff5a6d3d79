use super::*;
use crate::locate::Head;
use crate::locate::provider::{ErrorShape, Providers, StreamKind};

fn found() -> Refusal {
    Refusal {
        cause: Cause::Found(vec![
            Reason {
                what: What::Class(Class::ChartText),
                count: 1,
                places: vec![Spot { address: "messages[3].content".into(), line: Some(12) }],
                rules: vec!["passage.chart".into()],
            },
            Reason {
                what: What::Kind(Kind::Credential),
                count: 2,
                places: vec![Spot { address: "system".into(), line: None }],
                rules: vec!["cred.aws".into(), "cred.pem".into()],
            },
        ]),
        record: "0192aa".into(),
        contact: Contact { name: "情報管理室".into(), extension: "1234".into(), hours: "平日9-17時".into() },
        ways: vec![Way::Use("退院サマリー\"下書き\"".into())],
        first: Language::Japanese,
    }
}

fn with(cause: Cause) -> Refusal {
    Refusal { cause, ways: Vec::new(), ..found() }
}

fn causes() -> Vec<Cause> {
    vec![
        found().cause,
        Cause::Held { reasons: Vec::new(), page: Some("http://gate/held/1".into()) },
        Cause::NotApproved { service: "x".into(), approved: vec!["OpenAI".into()] },
        Cause::Unreadable {
            what: Said::new("圧縮方式 xz は読めません", "content coding xz is not known"),
            place: Some("body".into()),
            cure: Said::new("圧縮せずに送り直す", "send it without coding"),
        },
        Cause::Limit {
            name: "gate.limits.body".into(),
            limit: 32 << 20,
            observed: Some(33_554_433),
            unit: Unit::Bytes,
        },
        Cause::NotOffered { what: Said::both("WebSocket"), cure: Said::new("HTTPで送る", "use HTTP") },
        Cause::BadRequest { what: Said::both("content-length"), cure: Said::new("送り直す", "send it again") },
        Cause::Failed { step: Said::new("検出", "detect") },
        Cause::Overloaded { retry_after_secs: 5 },
        Cause::Upstream { what: Said::new("接続", "connection"), sent: false, later: false },
        Cause::Certificate { what: Said::new("証明書", "certificate") },
        Cause::AnswerCut { what: Said::new("途中で終わった", "early end") },
    ]
}

#[test]
fn one_line_that_says_everything_japanese_first() {
    let text = message(&found());
    assert_eq!(text.lines().count(), 1);
    let order: Vec<usize> = [
        "送信を止めました",
        "カルテ本文 1件",
        "messages[3].content 12行目",
        "passage.chart",
        "認証情報 2件",
        "承認済みの用途",
        "情報管理室 内線 1234",
        "記録番号: 0192aa",
        "nothing was sent",
        "chart text x1",
        "line 12",
        "credential x2",
        "Record: 0192aa",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} is missing in {text}")))
    .collect();
    assert!(order.is_sorted());
    assert!(message(&Refusal { first: Language::English, ..found() }).starts_with("[Tsuitate]"));
}

#[test]
fn a_rule_without_a_finding_is_named_and_nothing_is_asked_to_be_removed() {
    let reason = Reason { what: What::Rule, count: 1, places: Vec::new(), rules: vec!["night".into()] };
    let rule = Refusal { ways: vec![Way::Call], ..with(Cause::Found(vec![reason])) };
    let text = message(&rule);
    assert!(
        text.contains("理由: 規則 night により停止。対処: 院内の問い合わせ先に連絡する。問い合わせ: 情報管理室"),
        "{text}"
    );
    assert!(text.contains("Reason: stopped by rule night."), "{text}");
    assert!(!text.contains("消す") && !text.contains("remove"), "{text}");
}

#[test]
fn every_way_is_said_once_and_the_cure_is_that_of_the_cause() {
    let text = message(&Refusal {
        ways: vec![Way::Remove, Way::SignIn, Way::Remove],
        ..with(Cause::Unreadable {
            what: Said::new("画像が含まれています", "it holds an image"),
            place: Some("part 2 (file)".into()),
            cure: Said::new("画像を外す", "leave the image out"),
        })
    });
    assert!(text.contains("理由: 画像が含まれています (2番目のパート（file）)。"), "{text}");
    assert!(text.contains("Reason: it holds an image (part 2 (file))."), "{text}");
    assert_eq!(text.matches("該当箇所を消す").count(), 1, "{text}");
    assert!(text.contains("、または画像を外す。") && text.contains(", or leave the image out."), "{text}");
    assert!(!text.contains("文字で貼り付けて"), "{text}");
}

#[test]
fn strings_from_elsewhere_stay_on_the_line_and_short() {
    let mut refusal = found();
    refusal.record = format!("a\nb\u{202e}{}", "x".repeat(500));
    refusal.cause = Cause::NotApproved { service: "<script>\r\n\"".into(), approved: Vec::new() };
    let text = message(&refusal);
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains('\u{202e}') && text.len() < 2000);
}

#[test]
fn every_shape_is_valid_json_and_says_the_message() {
    let providers = Providers::shipped().unwrap();
    for id in [
        "openai",
        "anthropic",
        "gemini",
        "bedrock",
        "mistral",
        "cohere",
        "ollama",
        "huggingface",
        "jsonrpc",
        "generic",
        "html",
    ] {
        let shape = providers.error(id).unwrap_or_else(|| panic!("{id}"));
        for cause in causes() {
            let mut input = with(cause);
            input.record = "r\"{message}\\\n".into();
            let asker = Asker { request_id: Some("\"a{record}\"".into()), ..Asker::default() };
            let rendered = refusal(shape, &input, &asker);
            let body: serde_json::Value =
                serde_json::from_slice(&rendered.body).unwrap_or_else(|e| panic!("{id}: {e}"));
            let all = body.to_string();
            assert!(all.contains("衝立"), "{id}");
            let header =
                |name: &str| rendered.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            assert_eq!(header("content-type"), Some("application/json; charset=utf-8"));
            match &input.cause {
                Cause::Overloaded { .. } => {
                    assert_eq!(
                        (rendered.status, header("retry-after"), header("x-should-retry")),
                        (503, Some("5"), None)
                    );
                }
                Cause::Upstream { .. } | Cause::AnswerCut { .. } => assert_eq!(rendered.status, 502),
                _ => {
                    assert_eq!(rendered.status, if id == "jsonrpc" { 200 } else { 400 });
                    assert_eq!((header("x-should-retry"), header("retry-after")), (Some("false"), None));
                }
            }
            assert!(rendered.headers.iter().all(|(name, value)| {
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
                    && value.bytes().all(|b| (0x20..0x7f).contains(&b))
            }));
            let mut names: Vec<&String> = rendered.headers.iter().map(|(name, _)| name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), rendered.headers.len(), "{id}: a header stands there twice");
        }
    }
}

#[test]
fn browsers_get_a_page_that_runs_nothing() {
    let head = |pairs: &[(&str, &str)]| Head {
        headers: pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
        ..Head::default()
    };
    assert!(is_navigation(&head(&[("accept", "text/html,*/*"), ("sec-fetch-mode", "navigate")])));
    assert!(!is_navigation(&head(&[("accept", "text/html,*/*"), ("sec-fetch-mode", "cors")])));
    assert!(!is_navigation(&head(&[("accept", "application/json"), ("sec-fetch-mode", "navigate")])));
    let shape =
        ErrorShape { id: "openai".into(), status: 400, headers: Vec::new(), body: "{\"m\":\"{message}\"}".into() };
    for cause in causes() {
        let mut input = with(cause);
        input.contact.name = "<img src=x onerror=alert(1)>\"'".into();
        let rendered = refusal(&shape, &input, &Asker { navigation: true, ..Asker::default() });
        let page = String::from_utf8(rendered.body).unwrap();
        assert!(page.starts_with("<!doctype html>") && !page.contains("<img") && !page.contains("<script"));
        let policy = rendered.headers.iter().find(|(name, _)| name == "content-security-policy").unwrap();
        assert!(policy.1.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(rendered.status >= 400);
    }
}

#[test]
fn a_page_of_another_origin_reads_its_refusal_only_where_the_service_let_it_in() {
    let page = |pairs: &[(&str, &str)]| {
        page_of(&Head {
            headers: pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
            ..Head::default()
        })
    };
    let origin = ("origin", "https://ward.example");
    let json = ("content-type", "application/json");
    assert_eq!(page(&[origin, json]), Some("https://ward.example".to_owned()));
    assert_eq!(
        page(&[origin, ("content-type", "text/plain;charset=UTF-8"), ("authorization", "Bearer x")]).as_deref(),
        Some("https://ward.example")
    );
    for none in [
        &[json][..],
        &[origin],
        &[origin, ("content-type", "text/plain;charset=UTF-8")],
        &[origin, ("content-type", "Multipart/Form-Data; boundary=x")],
        &[("origin", "null"), json],
        &[("origin", "https://a b"), json],
    ] {
        assert_eq!(page(none), None, "{none:?}");
    }
    let shape =
        ErrorShape { id: "openai".into(), status: 400, headers: Vec::new(), body: "{\"m\":\"{message}\"}".into() };
    let headers = |asker: &Asker| refusal(&shape, &found(), asker).headers;
    let allowed = |headers: &[(String, String)]| {
        headers
            .iter()
            .filter(|(name, _)| name.starts_with("access-control-"))
            .map(|(_, value)| value.clone())
            .collect::<Vec<_>>()
    };
    let asker = Asker { page: Some("https://ward.example".into()), ..Asker::default() };
    assert_eq!(allowed(&headers(&asker)), ["https://ward.example", "true", "x-tsuitate-record"]);
    assert!(allowed(&headers(&Asker::default())).is_empty());
}

#[test]
fn streams_end_with_an_error_their_clients_show() {
    let providers = Providers::shipped().unwrap();
    let shape = |id: &str| providers.error(id).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let data = |wire: &str| -> serde_json::Value {
        let line = wire.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        serde_json::from_str(line).unwrap()
    };
    let state = StreamState { elements: None, sequence: 7 };
    for cause in [found().cause, Cause::AnswerCut { what: Said::both("early \"end\"") }] {
        let refusal = with(cause);
        let chat = text(in_stream(StreamKind::OpenAiChat, shape("openai"), &refusal, &state));
        assert!(chat.starts_with("data: ") && chat.ends_with("\n\n") && data(&chat)["error"]["message"].is_string());
        let responses = text(in_stream(StreamKind::OpenAiResponses, shape("openai"), &refusal, &state));
        assert!(responses.starts_with("event: error\n"));
        let event = data(&responses);
        assert_eq!((event["type"].as_str(), event["sequence_number"].as_u64()), (Some("error"), Some(7)));
        assert_eq!(event["message"], event["error"]["message"]);
        let anthropic = text(in_stream(StreamKind::Anthropic, shape("anthropic"), &refusal, &state));
        assert!(anthropic.starts_with("event: error\n") && data(&anthropic)["error"]["message"].is_string());
        let gemini = text(in_stream(StreamKind::Gemini, shape("gemini"), &refusal, &state));
        assert!(data(&gemini)["error"]["code"].is_u64());
        for (elements, begun) in [(0, ""), (2, "[{},{}")] {
            let state = StreamState { elements: Some(elements), sequence: 0 };
            let array = begun.to_owned() + &text(in_stream(StreamKind::Gemini, shape("gemini"), &refusal, &state));
            let read: Vec<serde_json::Value> = serde_json::from_str(&array).unwrap();
            assert!(read.last().unwrap()["error"]["message"].as_str().unwrap().contains("衝立"));
        }
        let mistral = text(in_stream(StreamKind::OpenAiChat, shape("mistral"), &refusal, &state));
        assert!(data(&mistral)["choices"][0]["finish_reason"] == "error" && mistral.ends_with("data: [DONE]\n\n"));
        let ollama = text(in_stream(StreamKind::OllamaNdjson, shape("ollama"), &refusal, &state));
        assert!(serde_json::from_str::<serde_json::Value>(&ollama).unwrap()["error"].is_string());
        let frame = in_stream(StreamKind::EventStreamConverse, shape("bedrock"), &refusal, &state);
        let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let crc = |bytes: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            crc.sum()
        };
        assert_eq!(number(0) as usize, frame.len());
        assert_eq!(number(8), crc(&frame[..8]));
        assert_eq!(number(frame.len() - 4), crc(&frame[..frame.len() - 4]));
    }
    assert!(close_reason(&Refusal { record: "患".repeat(200), ..found() }).len() <= 123);
}
