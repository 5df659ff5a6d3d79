//! Reference checks: leaves of real request bodies classed as meant (PROVIDERS §11), hostile bodies, and the laws of
//! splice and verify.

use proptest::prelude::*;

use super::*;
use crate::detect::Author;
use crate::locate::json::JsonError;
use crate::locate::provider::{Endpoint, Providers};
use crate::locate::{Disposition, Edit, Head, LocatedText, Place};

fn providers() -> &'static Providers {
    static ALL: std::sync::LazyLock<Providers> = std::sync::LazyLock::new(|| Providers::shipped().unwrap());
    &ALL
}

fn head(path: &str, headers: &[(&str, &str)]) -> Head {
    Head {
        method: "POST".to_owned(),
        path_and_query: path.to_owned(),
        headers: headers.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect(),
    }
}

fn endpoint(host: &str, path: &str) -> Endpoint {
    providers().host(host, 443).unwrap().endpoint("POST", path, false)
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn open_at(host: &str, head: &Head, body: &[u8]) -> Result<Located, Unreadable> {
    open(head, body, &endpoint(host, &head.path_and_query), providers().headers(), &Limits::default())
}

fn chat(body: impl AsRef<[u8]>) -> Result<Located, Unreadable> {
    open_at("api.openai.com", &head("/v1/chat/completions", &[JSON]), body.as_ref())
}

fn wide(body: impl AsRef<[u8]>) -> Result<Located, Unreadable> {
    open_at("api.openai.com", &head("/v1/unheard/of", &[JSON]), body.as_ref())
}

fn letter(text: &LocatedText) -> &'static str {
    match text.disposition {
        Disposition::Open => "open",
        Disposition::Narrow { .. } => "narrow",
        Disposition::Frozen => "frozen",
        Disposition::FrozenLax => "lax",
        Disposition::Signed => "signed",
    }
}

fn body_texts(located: &Located) -> impl Iterator<Item = &LocatedText> {
    located.texts().iter().filter(|t| t.place == Place::Body)
}

/// Every leaf says in its own text how it should be classed: `open 1`, `lax 2`, …; `none` must not be a text.
fn check_said(located: &Located, body: &str) -> usize {
    let mut seen = 0;
    for text in body_texts(located).filter(|t| !t.address.ends_with("(key)")) {
        let said = text.text.split_whitespace().next().unwrap_or_default();
        assert_eq!(letter(text), said, "{}: {}", text.address, text.text);
        seen += 1;
    }
    for said in ["open", "narrow", "frozen", "lax", "signed"] {
        let there = body.matches(&format!("\"{said} ")).count();
        let found = body_texts(located).filter(|t| t.text.starts_with(&format!("{said} "))).count();
        assert_eq!(found, there, "{said}");
    }
    assert!(!located.texts().iter().any(|t| t.text.contains("none-")));
    seen
}

#[test]
fn leaves_of_a_chat_request() {
    let body = r#"{"model":"gpt-4o-none-1","messages":[
      {"role":"system","content":"open 1"},
      {"role":"developer","content":[{"type":"text","text":"open 2"}]},
      {"role":"user","name":"narrow name","content":[{"type":"text","text":"open 3"},{"type":"image_url","image_url":{"url":"https://x.example/frozen"}},
         {"type":"file","file":{"filename":"open 4","file_id":"file-none-6F2ksmvXxt4V"}}]},
      {"role":"assistant","content":"open 5","refusal":"open 6","reasoning_content":"open 7","tool_calls":[
         {"id":"call_none-9Fz3kQ1xYpLmN8","type":"function","function":{"name":"lax tool","arguments":"{\"patient\":\"open 8\",\"no\":[\"open 9\"]}"}},
         {"id":"call_none-9Fz3kQ1xYpLmN9","type":"custom","custom":{"name":"lax tool2","input":"open 10"}}]},
      {"role":"tool","tool_call_id":"call_none-9Fz3kQ1xYpLmN8","content":"open 11"},
      {"role":"user","content":"open 12","unknown_field":"open 13"}],
     "prediction":{"type":"content","content":"open 14"},"stop":["open 15"],"user":"open 16","safety_identifier":"narrow 1","metadata":{"k":"narrow 2"},
     "tools":[{"type":"function","function":{"name":"lax 3","description":"open 17","parameters":{"type":"lax obj","properties":{"x":{"type":"lax str","description":"open 18","enum":["lax e"]}}}}}],
     "response_format":{"type":"json_schema","json_schema":{"name":"lax 4","description":"open 19","schema":{"title":"lax 5"}}},
     "prompt_cache_key":"lax 6","temperature":0.5,"max_tokens":1024,"brand_new":{"deep":["open 20"]}}"#;
    let located = chat(body.replace("https://x.example/frozen", "")).unwrap();
    let n = body_texts(&located).filter(|t| t.text == "function" || t.text == "custom" || t.text == "text").count();
    let types = body_texts(&located).filter(|t| t.address.ends_with(".type")).count();
    assert_eq!(located.model().as_deref(), Some("gpt-4o-none-1"));
    assert!(n > 0 && types >= n, "an unlisted `type` is searched like any unknown field");
    let kept: Vec<_> = body_texts(&located).filter(|t| !t.address.ends_with(".type") || t.text.contains(' ')).collect();
    for text in &kept {
        if text.address.ends_with("(key)") {
            continue;
        }
        let said = text.text.split_whitespace().next().unwrap();
        assert_eq!(letter(text), said, "{}: {}", text.address, text.text);
    }
    for i in 1..=20 {
        let text = body_texts(&located).find(|t| t.text == format!("open {i}")).unwrap_or_else(|| panic!("open {i}"));
        assert_eq!(letter(text), "open", "{}", text.address);
    }
    assert!(!located.texts().iter().any(|t| t.text.contains("none-")));
    let strict = chat(body).unwrap();
    let url = body_texts(&strict).find(|t| t.text.starts_with("https://")).unwrap();
    assert_eq!(letter(url), "frozen");
    // Schema keys are searched, but as the schema is.
    let key = body_texts(&located).find(|t| t.address.ends_with("parameters.properties.x (key)")).unwrap();
    assert_eq!(letter(key), "lax");
}

#[test]
fn turns_and_authors_of_a_chat() {
    let body = r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"user","content":"b"},
      {"role":"assistant","content":"c"},{"role":"assistant","content":"d","tool_calls":[{"function":{"arguments":"{\"x\":\"e\"}"}}]},
      {"role":"tool","content":"f"},{"content":"g","role":"user"},{"role":"assistant","role":"user","content":"h"},{"role":"assistant","content":"i"},{"role":"user","content":"j"}],
      "user":"k","tools":[{"function":{"description":"l"}}]}"#;
    let located = chat(body).unwrap();
    let got: Vec<(String, u32, Author)> = body_texts(&located)
        .filter(|t| t.text.len() == 1 && !t.address.ends_with("(key)"))
        .map(|t| (t.text.clone(), t.unit, t.author))
        .collect();
    use Author::{Assistant, System, Tool, User};
    let wanted = [
        ("s", 1, System),
        ("a", 1, User),
        ("b", 1, User),
        ("c", 2, Assistant),
        ("d", 3, Assistant),
        ("e", 3, Assistant),
        ("f", 4, Tool),
        ("g", 4, User),
        ("h", 4, User),
        ("i", 5, Assistant),
        ("j", 6, User),
        ("k", 0, User),
        ("l", 0, System),
    ];
    assert_eq!(got, wanted.map(|(t, u, a)| (t.to_owned(), u, a)));
}

#[test]
fn leaves_of_a_responses_request() {
    let body = r#"{"model":"none-gpt","instructions":"open 1","previous_response_id":"resp_none-67ccd3a9da748190baa7f1570fe91ac604","input":[
      {"type":"message","role":"user","content":[{"type":"input_text","text":"open 2"},{"type":"input_file","filename":"open 3","file_url":"frozen 1"}]},
      {"type":"reasoning","id":"rs_none-67ccf18ef5fc8190","summary":[{"type":"summary_text","text":"signed 1"}],"encrypted_content":""},
      {"type":"function_call","call_id":"call_none-Vw9Kx2Lm4Np6","name":"lax 1","arguments":"{\"q\":\"open 4\"}"},
      {"type":"function_call_output","call_id":"call_none-Vw9Kx2Lm4Np6","output":"open 5"},
      {"type":"shell_call_output","output":[{"stdout":"open 6","stderr":"open 7"}]},
      {"type":"local_shell_call","action":{"command":["open 8"],"env":{"A":"open 9"},"working_directory":"open 10"}},
      {"type":"file_search_call","queries":["open 11"],"results":[{"text":"open 12"}]}],
     "tools":[{"type":"function","name":"lax 2","description":"open 13","parameters":{"properties":{"x":{"const":"lax 3"}}}},
       {"type":"mcp","server_label":"lax 4","server_url":"lax 5","authorization":"none-Bearer1234567890abc","headers":{"X":"none-token1234567890abc"}}],
     "prompt":{"id":"pmpt_none-1a2b3c4d5e6f7g8","variables":{"name":"open 14"}},"metadata":{"k":"open 15"},"user":"open 16",
     "text":{"format":{"name":"lax 6","schema":{"a":"lax 7"}}},"prompt_cache_key":"lax 8"}"#;
    let located = open_at("api.openai.com", &head("/v1/responses", &[JSON]), body.as_bytes()).unwrap();
    for text in body_texts(&located).filter(|t| !t.address.ends_with("(key)") && !t.address.ends_with(".type")) {
        let said = text.text.split_whitespace().next().unwrap();
        assert_eq!(letter(text), said, "{}: {}", text.address, text.text);
    }
    assert!((1..=16).all(|i| body_texts(&located).any(|t| t.text == format!("open {i}"))));
    assert!(!located.texts().iter().any(|t| t.text.contains("none-")));
    let unit = |s: &str| body_texts(&located).find(|t| t.text == s).map(|t| (t.unit, t.author)).unwrap();
    assert_eq!(unit("open 2"), (1, Author::User));
    assert_eq!(unit("signed 1"), (2, Author::Assistant));
    assert_eq!(unit("open 4"), (3, Author::Assistant));
    assert_eq!(unit("open 5"), (4, Author::Tool));
    assert_eq!(unit("open 1"), (0, Author::System));
}

#[test]
fn leaves_of_a_messages_request() {
    let body = r#"{"model":"claude-none-x","max_tokens":1024,"system":[{"type":"text","text":"open 1","cache_control":{"type":"none-eph"}}],"messages":[
      {"role":"user","content":"open 2"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"signed 1","signature":"EqQBCkYIARgCKkCFvnrS3kZ5GmhF+7r0ZK/6Jr0a1vYq1Qe0Y6zZq8c2xw=="},
        {"type":"text","text":"open 3"},{"type":"tool_use","id":"toolu_none-01A09q90qw90lq917835lq9","name":"lax 1","input":{"id":"open 4","deep":[{"text":"open 5"}]}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_none-01A09q90qw90lq917835lq9","content":[{"type":"text","text":"open 6"}]},
        {"type":"document","title":"open 7","context":"open 8","source":{"type":"text","media_type":"text/none-plain","data":"open 9"}},
        {"type":"document","source":{"type":"url","url":"frozen 1"}},
        {"type":"compaction","content":"signed 2"}]}],
     "metadata":{"user_id":"open 10"},"stop_sequences":["open 11"],
     "tools":[{"name":"lax 2","description":"open 12","input_schema":{"type":"lax obj","properties":{"p":{"description":"open 13"}}}}],
     "tool_choice":{"type":"lax auto","name":"lax 3"},"mcp_servers":[{"name":"lax 4","url":"lax 5","authorization_token":"none-sk1234567890abcdef"}]}"#;
    let located = open_at("api.anthropic.com", &head("/v1/messages", &[JSON]), body.as_bytes()).unwrap();
    for text in body_texts(&located).filter(|t| !t.address.ends_with("(key)")) {
        let said = text.text.split_whitespace().next().unwrap();
        if text.address.ends_with(".type") && !text.text.contains(' ') {
            continue;
        }
        assert_eq!(letter(text), said, "{}: {}", text.address, text.text);
    }
    assert!((1..=13).all(|i| body_texts(&located).any(|t| t.text == format!("open {i}"))));
    assert!(!located.texts().iter().any(|t| t.text.contains("none-")));
    let of = |s: &str| body_texts(&located).find(|t| t.text == s).map(|t| (t.unit, t.author)).unwrap();
    assert_eq!(of("open 1"), (0, Author::System));
    assert_eq!(of("open 5"), (2, Author::Assistant));
    assert_eq!(of("open 6"), (3, Author::Tool));
    assert_eq!(of("open 7"), (3, Author::User));
}

#[test]
fn leaves_of_gemini_requests_in_both_spellings() {
    let camel = r#"{"systemInstruction":{"parts":[{"text":"open 1"}]},"contents":[
      {"role":"user","parts":[{"text":"open 2"},{"fileData":{"fileUri":"frozen 1","displayName":"open 3"}}]},
      {"role":"model","parts":[{"text":"signed 1","thought":true},{"text":"open 4","thoughtSignature":"EqQBCkYIARgCKkCFvnrS3kZ5GmhF+7r0ZK/6Jr0a1vYq1Qe0Y6zZq8c2xw=="},
         {"functionCall":{"id":"none-id-a1b2c3d4e5f6","name":"lax 1","args":{"who":"open 5","id":"open 6"}}}]},
      {"role":"user","parts":[{"functionResponse":{"name":"lax 2","response":{"result":"open 7"}}}]}],
     "tools":[{"functionDeclarations":[{"name":"lax 3","description":"open 8","parameters":{"type":"lax 4","description":"open 9"}}]}],
     "generationConfig":{"stopSequences":["open 10"],"responseSchema":{"type":"lax 5"}},"toolConfig":{"x":"lax 6"},
     "cachedContent":"cachedcontents/none-abc","labels":{"k":"open 11"}}"#;
    let mut snake = camel.to_owned();
    for name in [
        "systemInstruction",
        "fileData",
        "fileUri",
        "displayName",
        "thoughtSignature",
        "functionCall",
        "functionResponse",
        "functionDeclarations",
        "generationConfig",
        "stopSequences",
        "responseSchema",
        "toolConfig",
        "cachedContent",
    ] {
        snake = snake.replace(name, &crate::locate::path::snake_case(name));
    }
    assert_ne!(camel, snake);
    for body in [camel.to_owned(), snake] {
        let path = "/v1beta/models/gemini-2.5-pro:generateContent";
        let located = open_at("generativelanguage.googleapis.com", &head(path, &[JSON]), body.as_bytes()).unwrap();
        let n = check_said(&located, &body);
        assert_eq!(n, 11 + 1 + 1 + 6);
        let of = |s: &str| body_texts(&located).find(|t| t.text == s).map(|t| (t.unit, t.author)).unwrap();
        assert_eq!(of("open 1"), (0, Author::System));
        assert_eq!(of("open 2"), (1, Author::User));
        assert_eq!(of("signed 1"), (2, Author::Assistant));
        assert_eq!(of("open 7"), (3, Author::Tool));
    }
}

#[test]
fn leaves_of_the_other_formats() {
    let table: [(&str, &str, &str); 6] = [
        (
            "bedrock-runtime.ap-northeast-1.amazonaws.com",
            "/model/jp.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
            r#"{"system":[{"text":"open 1"}],"messages":[{"role":"user","content":[{"text":"open 2"},{"document":{"name":"narrow 1","context":"open 3","source":{"text":"open 4"}}}]},
              {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"signed 1","signature":"EqQBCkYIARgCKkCFvnrS3kZ5GmhF+7r0ZK/6Jr0a1vYq1Qe0Y6zZq8c2xw=="}}},
                {"toolUse":{"toolUseId":"tooluse_none-a1B2c3D4e5F6","name":"lax 1","input":{"id":"open 5"}}}]},
              {"role":"user","content":[{"toolResult":{"toolUseId":"tooluse_none-a1B2c3D4e5F6","content":[{"json":{"a":"open 6"}},{"text":"open 7"}]}}]}],
              "requestMetadata":{"k":"narrow 2"},"inferenceConfig":{"stopSequences":["open 8"]},
              "toolConfig":{"tools":[{"toolSpec":{"name":"lax 2","description":"open 9","inputSchema":{"json":{"a":"lax 3"}}}}]}}"#,
        ),
        (
            "api.mistral.ai",
            "/v1/chat/completions",
            r#"{"model":"mistral-none","messages":[{"role":"user","content":[{"text":"open 1"},{"document_url":"open 2"}]},
              {"role":"assistant","content":[{"thinking":[{"text":"open 3"}]}],"tool_calls":[{"id":"none1","function":{"name":"lax 1","arguments":"{\"a\":\"open 4\"}"}}]}],
              "tools":[{"function":{"name":"lax 2","parameters":{"a":"lax 3"}}}],"agent_id":"ag-none-1"}"#,
        ),
        (
            "api.cohere.com",
            "/v2/chat",
            r#"{"model":"command-none","messages":[{"role":"user","content":"open 1"},{"role":"assistant","tool_plan":"open 2","tool_calls":[{"id":"none2","function":{"name":"open name","arguments":"{\"q\":\"open 3\"}"}}]},
              {"role":"tool","tool_call_id":"none2","content":[{"document":{"data":{"x":"open 4"}}}]}],"documents":[{"id":"none3","data":{"title":"open 5"}}],
              "tools":[{"function":{"name":"lax 1","description":"open 6"}}],"stop_sequences":["open 7"]}"#,
        ),
        (
            "ollama.com",
            "/api/chat",
            r#"{"model":"none:8b","system":"open 1","messages":[{"role":"user","content":"open 2"},{"role":"assistant","thinking":"open 3","tool_calls":[{"function":{"arguments":{"a":"open 4"}}}]}],
              "format":{"a":"lax 1"},"options":{"stop":"none"},"tools":[{"function":{"name":"lax 2","description":"open 5","parameters":{"b":"lax 3"}}}],"keep_alive":"5m"}"#,
        ),
        (
            "mcp.notion.com",
            "/mcp",
            r#"{"jsonrpc":"2.0","id":"none-1","method":"tools/none","params":{"name":"lax 1","arguments":{"id":"open 1","deep":{"x":["open 2"]}},"_meta":{"progressToken":"none4"}}}"#,
        ),
        (
            "chatgpt.com",
            "/backend-api/f/conversation",
            r#"{"action":"next","messages":[{"id":"6f9619ff-8b86-d011-b42d-00c04fc964ff","author":{"role":"user"},"content":{"content_type":"open t","parts":["open 1",{"text":"open 2"}]},
              "metadata":{"attachments":[{"id":"file-none6F2ksmvXxt4V","name":"open 3"}]}}],"parent_message_id":"6f9619ff-8b86-d011-b42d-00c04fc964ff","model":"gpt-none"}"#,
        ),
    ];
    let mut seen = 0;
    for (host, path, body) in table {
        let located = open_at(host, &head(path, &[JSON]), body.as_bytes()).unwrap_or_else(|e| panic!("{path}: {e}"));
        seen += check_said(&located, body);
        assert_eq!(located.splice(&[]).unwrap().body, body.as_bytes());
    }
    assert!(seen >= 45, "{seen}");
}

#[test]
fn the_fallback_searches_keys_numbers_and_strings() {
    let body = r#"{"山田太郎":{"id":"0012345678","mrn":20012345,"ok":true,"v":[1.5,2]},"id":"6f9619ff-8b86-d011-b42d-00c04fc964ff","text":"open"}"#;
    let located = wide(body).unwrap();
    let has = |text: &str, class: &str| body_texts(&located).any(|t| t.text == text && letter(t) == class);
    assert!(
        has("山田太郎", "frozen") && has("0012345678", "frozen") && has("20012345", "frozen") && has("1.5", "frozen")
    );
    assert!(has("open", "open"));
    assert!(!body_texts(&located).any(|t| t.text.starts_with("6f9619ff")));
    // A name in a key never shows in an address.
    assert!(located.texts().iter().all(|t| !t.address.contains('山')));
    assert!(located.texts().iter().any(|t| t.place == Place::Path && t.text == "unheard"));
    let label = body_texts(&located).find(|t| t.text == "20012345").unwrap().label.clone();
    assert_eq!(label.as_deref(), Some("mrn"));
}

#[test]
fn query_headers_and_path() {
    let mut head = head(
        "/v1/chat/completions?api-version=2024-10-21&q=%E5%B1%B1%E7%94%B0%20a+b&key=AIzaSyA1234567890&%E6%82%A3=1&sjis=%8E%52%93%63",
        &[
            JSON,
            ("authorization", "Bearer 山田"),
            ("x-title", "山田病院"),
            ("user-agent", "curl/8 (2024-01-01)"),
            ("x-note", "%E6%82%A3%E8%80%85"),
        ],
    );
    head.headers.push(("accept-language".to_owned(), "山".as_bytes().to_vec()));
    let located = open_at("api.openai.com", &head, b"{}").unwrap();
    let got: Vec<(&str, &str, &str)> =
        located.texts().iter().map(|t| (t.address.as_str(), t.text.as_str(), letter(t))).collect();
    assert_eq!(
        got,
        [
            ("?q", "山田 a b", "open"),
            ("?* (name)", "患", "frozen"),
            ("?*", "1", "open"),
            ("?sjis", "山田", "frozen"),
            ("header x-title", "山田病院", "frozen"),
            ("header x-note", "患者", "frozen"),
            ("header accept-language", "山", "frozen"),
        ]
    );
    let edit = Edit { text: 0, range: 0..6, with: "[患者:7K]".to_owned() };
    let out = located.splice(std::slice::from_ref(&edit)).unwrap();
    assert_eq!(
        out.head.path_and_query,
        "/v1/chat/completions?api-version=2024-10-21&q=%5B%E6%82%A3%E8%80%85%3A7K%5D%20a+b&key=AIzaSyA1234567890&%E6%82%A3=1&sjis=%8E%52%93%63"
    );
    assert_eq!(out.body, b"{}");
    located.verify(&out, &[edit]).unwrap();
}

#[test]
fn an_unchanged_request_stays_byte_for_byte() {
    let body = "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"\\u5c71\\u7530 \\ud83d\\ude00 \\/ 山\", \"content\":\"two\"} ] ,\n\t\"n\": 1.00e2 }\r\n";
    let located = chat(body).unwrap();
    let out = located.splice(&[]).unwrap();
    assert_eq!(out.body, body.as_bytes());
    located.verify(&out, &[]).unwrap();
    assert_eq!(body_texts(&located).filter(|t| t.address.ends_with(".content")).count(), 2, "both of a doubled key");
}

#[test]
fn an_edit_changes_only_its_own_bytes() {
    let body = r#"{"messages":[{"role":"user","content":"\u5c71\u7530\u3055\u3093\u3068\/x"}],"n":1.00}"#;
    let located = chat(body).unwrap();
    let i = located.texts().iter().position(|t| t.text.starts_with("山田")).unwrap();
    let edit = Edit { text: i, range: 0..6, with: "[患者:7K/姓]".to_owned() };
    let out = located.splice(std::slice::from_ref(&edit)).unwrap();
    assert_eq!(
        String::from_utf8(out.body.clone()).unwrap(),
        r#"{"messages":[{"role":"user","content":"[\u60a3\u8005:7K\/\u59d3]\u3055\u3093\u3068\/x"}],"n":1.00}"#
    );
    located.verify(&out, std::slice::from_ref(&edit)).unwrap();
    // A second look that finds anything else says so.
    let mut other = out.clone();
    let at = other.body.iter().rposition(|b| *b == b'1').unwrap();
    other.body[at] = b'2';
    assert_eq!(
        located.verify(&other, std::slice::from_ref(&edit)),
        Err(SpliceError::Differs { what: "JSON outside the edits" })
    );
    let unmasked = Outgoing { head: out.head.clone(), body: body.as_bytes().to_vec() };
    assert!(located.verify(&unmasked, std::slice::from_ref(&edit)).is_err());
    assert!(located.verify(&out, &[]).is_err());
}

#[test]
fn layers_are_opened_and_closed_again() {
    let body = r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"name\": \"山田太郎\", \"memo\":\"a\\nb \\u6cb3\"}"}}]},
      {"role":"user","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,5bGx55Sw5aSq6YOO44GV44KTIA=="}}]}]}"#;
    let located = chat(body).unwrap();
    let named = located.texts().iter().position(|t| t.text == "山田太郎").unwrap();
    assert_eq!(located.texts()[named].address, "messages[0].tool_calls[0].function.arguments.name");
    assert_eq!(located.texts()[named].label.as_deref(), Some("name"));
    let coded = located.texts().iter().position(|t| t.text == "山田太郎さん ").unwrap();
    let edits = [
        Edit { text: named, range: 0..12, with: "[\"患者\"]".to_owned() },
        Edit { text: coded, range: 0..12, with: "[患者:7K]".to_owned() },
    ];
    let out = located.splice(&edits).unwrap();
    located.verify(&out, &edits).unwrap();
    let text = String::from_utf8(out.body).unwrap();
    assert!(text.contains(r#""arguments":"{\"name\": \"[\\\"患者\\\"]\", \"memo\":\"a\\nb \\u6cb3\"}""#), "{text}");
    let again = chat(&text).unwrap();
    assert!(again.texts().iter().any(|t| t.text == "[患者:7K]さん "));
    assert!(again.texts().iter().any(|t| t.text == "[\"患者\"]"));
}

#[test]
fn files_that_cannot_be_put_back_are_refused_by_name() {
    use base64::Engine as _;
    let b64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let reason = |body: String| chat(body).unwrap_err();
    let image = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]}}]}}"#,
        b64(b"\x89PNG\r\n\x1a\n0000000000000000")
    );
    let e = reason(image);
    assert_eq!(e.reason, Reason::Document { format: Format::Image });
    assert_eq!(e.address, "messages[0].content[0].image_url.url");
    assert!(e.to_string().contains("an image (messages[0].content[0].image_url.url); send the text instead"), "{e}");
    let pdf = format!(
        r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#,
        b64(&[b"%PDF-1.7".as_slice(), &[7; 300]].concat())
    );
    assert_eq!(reason(pdf).reason, Reason::Document { format: Format::Pdf });
    let ids =
        open_at("api.openai.com", &head("/v1/embeddings", &[JSON]), br#"{"input":[[1,2,3]],"model":"m"}"#).unwrap_err();
    assert_eq!((ids.reason, ids.address.as_str()), (Reason::TokenIds, "input[0][0]"));
}

#[test]
fn hostile_bodies() {
    let reason = |body: &[u8]| chat(body).map(|_| ()).unwrap_err().reason;
    assert!(matches!(reason(br#"{"a":"\ud83d"}"#), Reason::BadJson(JsonError::LoneSurrogate { .. })));
    assert!(matches!(reason(br#"{"a":1}{"#), Reason::BadJson(_)));
    assert!(matches!(reason(br#"{"a":1,}"#), Reason::BadJson(JsonError::Syntax { .. })));
    assert!(matches!(
        reason(("[".repeat(5000) + &"]".repeat(5000)).as_bytes()),
        Reason::BadJson(JsonError::Depth { .. })
    ));
    assert!(matches!(reason(b"{\"a\":\"\xff\"}"), Reason::Charset { offset: 6, .. }));
    assert!(matches!(reason(b"\x00\x01\x02\x03"), Reason::BadJson(_) | Reason::BinaryBody));
    // Not an error: NUL as an escape, a mark before the document, a very long key, a key twice.
    let nul = chat(br#"{"messages":[{"role":"user","content":"a\u0000b"}]}"#).unwrap();
    assert!(nul.texts().iter().any(|t| t.text == "a\0b"));
    let marked = "\u{FEFF}{\"messages\":[{\"role\":\"user\",\"content\":\"山田です\"}]}";
    let located = chat(marked).unwrap();
    let i = located.texts().iter().position(|t| t.text == "山田です").unwrap();
    let edit = Edit { text: i, range: 0..6, with: "X".to_owned() };
    let out = located.splice(std::slice::from_ref(&edit)).unwrap();
    located.verify(&out, &[edit]).unwrap();
    assert_eq!(out.body, marked.replace("山田", "X").as_bytes());
    let key = "k".repeat(1 << 20);
    let long = chat(format!(r#"{{"{key}":"v","messages":[]}}"#)).unwrap();
    assert!(long.texts().iter().all(|t| t.address.len() < 200), "a long key is shown as *");
    assert!(long.texts().iter().any(|t| t.text.len() == 1 << 20 && letter(t) == "frozen"));
    let limits = Limits { text_total: 1000, ..Limits::default() };
    let big = format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "a".repeat(2000));
    let e = open(
        &head("/v1/chat/completions", &[JSON]),
        big.as_bytes(),
        &endpoint("api.openai.com", "/v1/chat/completions"),
        providers().headers(),
        &limits,
    )
    .unwrap_err();
    assert!(matches!(e.reason, Reason::TooLarge { limit: "text", value: 1000, observed } if observed >= 2000));
    assert_eq!(e.address, "messages[0].content");
}

#[test]
fn a_type_that_stands_twice_opens_no_way_out() {
    let body = r#"{"messages":[{"role":"user","content":[{"type":"redacted_thinking","data":"EqQBCkYIARgCKkCFvnrS3kZ5GmhF+7r0ZK/6Jr0a1vYq1Qe0Y6zZq8c2xw==","type":"text"},
      {"type":"thinking","thinking":"山田","type":"text"}]}]}"#;
    let located = open_at("api.anthropic.com", &head("/v1/messages", &[JSON]), body.as_bytes()).unwrap();
    assert!(body_texts(&located).any(|t| t.text.starts_with("EqQB")));
    assert!(body_texts(&located).any(|t| t.text == "山田" && letter(t) == "open"));
}

fn squeeze(coding: &str, body: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = Vec::new();
    match coding {
        "gzip" => {
            let mut w = flate2::write::GzEncoder::new(&mut out, flate2::Compression::default());
            w.write_all(body).unwrap();
            w.finish().unwrap();
        }
        "deflate" => {
            let mut w = flate2::write::ZlibEncoder::new(&mut out, flate2::Compression::default());
            w.write_all(body).unwrap();
            w.finish().unwrap();
        }
        "raw" => {
            let mut w = flate2::write::DeflateEncoder::new(&mut out, flate2::Compression::default());
            w.write_all(body).unwrap();
            w.finish().unwrap();
        }
        "br" => {
            let mut w = brotli::CompressorWriter::new(&mut out, 4096, 5, 22);
            w.write_all(body).unwrap();
            drop(w);
        }
        "zstd" => out = zstd::stream::encode_all(body, 3).unwrap(),
        _ => panic!(),
    }
    out
}

#[test]
fn content_codings() {
    let body = r#"{"messages":[{"role":"user","content":"山田太郎です"}]}"#.as_bytes();
    for coding in ["gzip", "deflate", "raw", "br", "zstd"] {
        let name = if coding == "raw" { "deflate" } else { coding };
        let coded = squeeze(coding, body);
        let head = head(
            "/v1/chat/completions",
            &[JSON, ("content-encoding", name), ("content-length", "9"), ("content-md5", "x"), ("x-a", "b")],
        );
        let located = open_at("api.openai.com", &head, &coded).unwrap_or_else(|e| panic!("{coding}: {e}"));
        let same = located.splice(&[]).unwrap();
        assert_eq!(same.body, coded);
        assert_eq!(same.head.headers, head.headers);
        located.verify(&same, &[]).unwrap();
        let i = located.texts().iter().position(|t| t.text.starts_with("山田")).unwrap();
        let edit = Edit { text: i, range: 0..12, with: "[患者:7K]".to_owned() };
        let out = located.splice(std::slice::from_ref(&edit)).unwrap();
        assert_eq!(out.body, r#"{"messages":[{"role":"user","content":"[患者:7K]です"}]}"#.as_bytes());
        let names: Vec<&str> = out.head.headers.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["content-type", "content-length", "x-a"]);
        assert_eq!(out.head.header("content-length"), Some(out.body.len().to_string().as_str()));
        located.verify(&out, &[edit]).unwrap();
        // Cut anywhere, or with more behind it, it is refused.
        for cut in [1, coded.len() / 2, coded.len() - 1] {
            assert!(open_at("api.openai.com", &head, &coded[..cut]).is_err(), "{coding} cut at {cut}");
        }
        let more = [coded.as_slice(), b"{\"messages\":[]}"].concat();
        assert!(open_at("api.openai.com", &head, &more).is_err(), "{coding} with more behind it");
    }
    let two = head("/v1/chat/completions", &[JSON, ("content-encoding", "gzip, br")]);
    assert!(open_at("api.openai.com", &two, &squeeze("br", &squeeze("gzip", body))).is_ok());
    let three = head("/v1/chat/completions", &[JSON, ("content-encoding", "gzip, br, gzip")]);
    assert!(matches!(
        open_at("api.openai.com", &three, b"x").unwrap_err().reason,
        Reason::TooLarge { limit: "codings", .. }
    ));
    let unknown = head("/v1/chat/completions", &[JSON, ("content-encoding", "aes128gcm")]);
    assert_eq!(
        open_at("api.openai.com", &unknown, b"x").unwrap_err().reason,
        Reason::UnknownCoding { name: "aes128gcm".to_owned() }
    );
}

#[test]
fn bombs_stop_at_the_limit() {
    let bomb = vec![b' '; 80 << 20];
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let head = head("/v1/chat/completions", &[JSON, ("content-encoding", coding)]);
        let e = open_at("api.openai.com", &head, &squeeze(coding, &bomb)).unwrap_err();
        assert!(matches!(e.reason, Reason::Ratio { .. } | Reason::TooLarge { limit: "decoded", .. }), "{coding}: {e}");
    }
}

#[test]
fn charsets() {
    let text = r#"{"messages":[{"role":"user","content":"山田太郎です"}]}"#;
    for (label, encoding) in [
        ("Shift_JIS", encoding_rs::SHIFT_JIS),
        ("EUC-JP", encoding_rs::EUC_JP),
        ("iso-2022-jp", encoding_rs::ISO_2022_JP),
    ] {
        let (bytes, _, _) = encoding.encode(text);
        let head = head("/v1/chat/completions", &[("content-type", &format!("application/json; charset={label}"))]);
        let located = open_at("api.openai.com", &head, &bytes).unwrap_or_else(|e| panic!("{label}: {e}"));
        let i = located.texts().iter().position(|t| t.text == "山田太郎です").unwrap();
        assert_eq!(located.splice(&[]).unwrap().body, bytes.as_ref());
        let edit = Edit { text: i, range: 0..12, with: "[患者:7K]".to_owned() };
        let out = located.splice(std::slice::from_ref(&edit)).unwrap();
        assert_eq!(out.head.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(out.body, text.replace("山田太郎", "[患者:7K]").as_bytes());
        located.verify(&out, &[edit]).unwrap();
    }
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &wide].concat();
    assert!(chat(&marked).unwrap().texts().iter().any(|t| t.text == "山田太郎です"));
    assert!(chat(&wide).is_err());
    let head7 = head("/v1/chat/completions", &[("content-type", "application/json; charset=utf-7")]);
    assert_eq!(
        open_at("api.openai.com", &head7, b"{}").unwrap_err().reason,
        Reason::UnknownCharset { name: "utf-7".to_owned() }
    );
    // A label that lies: UTF-8 bytes called Latin-1 are read as what they are.
    let latin = head("/v1/chat/completions", &[("content-type", "application/json; charset=iso-8859-1")]);
    assert!(
        open_at("api.openai.com", &latin, text.as_bytes()).unwrap().texts().iter().any(|t| t.text == "山田太郎です")
    );
}

#[test]
fn forms_and_json_in_json_in_a_form() {
    let inner = r#"[null,"[[\"山田太郎の件\",0]]"]"#;
    let body: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("f.req", inner)
        .append_pair("at", "AB1234567890abcdef:1")
        .append_pair("memo", "a b")
        .finish();
    let head = head(
        "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate",
        &[("content-type", "application/x-www-form-urlencoded;charset=UTF-8")],
    );
    let located = open_at("gemini.google.com", &head, body.as_bytes()).unwrap();
    let i = located.texts().iter().position(|t| t.text == "山田太郎の件").unwrap_or_else(|| panic!("{located:?}"));
    assert_eq!(located.texts()[i].address, "f.req[1][0][0]");
    let edit = Edit { text: i, range: 0..12, with: "[患者:7K\"]".to_owned() };
    let out = located.splice(std::slice::from_ref(&edit)).unwrap();
    located.verify(&out, std::slice::from_ref(&edit)).unwrap();
    let fields: Vec<_> = form_urlencoded::parse(&out.body).into_owned().collect();
    let outer: serde_json::Value = serde_json::from_str(&fields[0].1).unwrap();
    let inner: serde_json::Value = serde_json::from_str(outer[1].as_str().unwrap()).unwrap();
    assert_eq!(inner[0][0], "[患者:7K\"]の件");
    assert_eq!(fields[2].1, "a b");
    let same = located.splice(&[]).unwrap();
    assert_eq!(same.body, body.as_bytes());
}

#[test]
fn text_that_is_json_is_json_and_lines_are_lines() {
    let plain = head("/v1/chat/completions", &[("content-type", "text/plain;charset=UTF-8")]);
    let json = open_at("api.openai.com", &plain, br#" {"messages":[{"role":"user","content":"x y"}]}"#).unwrap();
    assert!(json.texts().iter().any(|t| t.address == "messages[0].content"));
    let text = open_at("api.openai.com", &plain, "{山田}".as_bytes()).unwrap();
    assert!(text.texts().iter().any(|t| t.address == "body" && t.text == "{山田}"));
    let lines = "{\"messages\":[{\"role\":\"user\",\"content\":\"山田\"}]}\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"鈴木\"}]}\r\n";
    for kind in ["application/x-ndjson", "application/json", "text/plain"] {
        let located =
            open_at("api.openai.com", &head("/v1/chat/completions", &[("content-type", kind)]), lines.as_bytes())
                .unwrap();
        let i = located.texts().iter().position(|t| t.text == "鈴木").unwrap();
        assert_eq!(located.texts()[i].address, "line 3.messages[0].content");
        let edit = Edit { text: i, range: 0..6, with: "Y".to_owned() };
        let out = located.splice(std::slice::from_ref(&edit)).unwrap();
        assert_eq!(out.body, lines.replace("鈴木", "Y").as_bytes());
        located.verify(&out, &[edit]).unwrap();
    }
    for binary in ["application/grpc", "application/x-protobuf", "image/png", "application/pdf", "application/cbor"] {
        let e =
            open_at("api.openai.com", &head("/v1/chat/completions", &[("content-type", binary)]), b"abc").unwrap_err();
        assert!(matches!(e.reason, Reason::Document { .. }), "{binary}");
    }
    let twice = head("/v1/x", &[JSON, ("content-type", "text/plain")]);
    assert!(matches!(open_at("api.openai.com", &twice, b"{}").unwrap_err().reason, Reason::Ambiguous { .. }));
    let octets =
        open_at("api.openai.com", &head("/v1/x", &[("content-type", "application/octet-stream")]), b"\x00\x01\x02")
            .unwrap_err();
    assert_eq!(octets.reason, Reason::BinaryBody);
}

fn form_data(file: &[u8], name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"--B1\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n");
    out.extend_from_slice(
        "--B1\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n山田さんの録音\r\n".as_bytes(),
    );
    out.extend_from_slice(format!("--B1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"; filename*=UTF-8''%E5%B1%B1%E7%94%B0.txt\r\nContent-Type: text/plain\r\n\r\n").as_bytes());
    out.extend_from_slice(file);
    out.extend_from_slice(b"\r\n--B1--\r\n");
    out
}

#[test]
fn multipart_of_text() {
    let body = form_data("患者は山田太郎。\r\n-- B1\r\n".as_bytes(), "山田太郎.txt");
    let head = head("/v1/files", &[("content-type", "multipart/form-data; boundary=\"B1\"")]);
    let located = open_at("api.openai.com", &head, &body).unwrap();
    let got: Vec<(&str, &str, &str)> =
        located.texts().iter().map(|t| (t.address.as_str(), t.text.as_str(), letter(t))).collect();
    assert_eq!(
        got,
        [
            ("part 2 (prompt)", "山田さんの録音", "open"),
            ("part 3 filename", "山田太郎.txt", "narrow"),
            ("part 3 filename", "山田.txt", "narrow"),
            ("part 3 (file)", "患者は山田太郎。\r\n-- B1\r\n", "open"),
        ]
    );
    let edits = [
        Edit { text: 0, range: 0..6, with: "[患者:1]".to_owned() },
        Edit { text: 1, range: 0..12, with: "PATIENT_1".to_owned() },
        Edit { text: 2, range: 0..6, with: "PATIENT_2".to_owned() },
        Edit { text: 3, range: 9..21, with: "[患者:1]".to_owned() },
    ];
    let out = located.splice(&edits).unwrap();
    located.verify(&out, &edits).unwrap();
    let text = String::from_utf8(out.body.clone()).unwrap();
    assert!(text.contains("filename=\"PATIENT_1.txt\"; filename*=UTF-8''PATIENT_2.txt\r\n"), "{text}");
    assert!(text.contains("患者は[患者:1]。\r\n-- B1\r\n\r\n--B1--"), "{text}");
    let mut other = out.clone();
    let at = other.body.windows(10).position(|w| w == b"assistants").unwrap();
    other.body[at] = b'A';
    assert!(located.verify(&other, &edits).is_err());
    let bad = Edit { text: 1, range: 0..12, with: "[患者:1]".to_owned() };
    assert!(matches!(located.splice(&[bad]), Err(SpliceError::Alphabet { .. })));
    let png = form_data(b"\x89PNG\r\n\x1a\n", "x.png");
    let e = open_at("api.openai.com", &head, &png).unwrap_err();
    assert_eq!((e.reason, e.address.as_str()), (Reason::Document { format: Format::Image }, "part 3 (file)"));
    for broken in [&body[..body.len() - 8], &body[2..], b"--B1\r\nx".as_slice(), b"", b"--B1--"] {
        let result = open_at("api.openai.com", &head, broken);
        assert!(broken.is_empty() || broken == b"--B1--" || result.is_err());
    }
    let batch = form_data(
        b"{\"custom_id\":\"a\",\"body\":{\"messages\":[{\"content\":\"Taro Yamada\"}]}}\n{\"custom_id\":\"b\"}\n",
        "b.jsonl",
    );
    let located = open_at("api.openai.com", &head, &batch).unwrap();
    assert!(
        located
            .texts()
            .iter()
            .any(|t| t.text == "Taro Yamada" && t.address == "part 3 (file) line 1.body.messages[0].content")
    );
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("氏名,ふりがな\r\n山田太郎,やまだたろう\r\n");
    let located = open_at("api.openai.com", &head, &form_data(&sjis, "a.csv")).unwrap();
    let i = located.texts().iter().position(|t| t.text.contains("山田太郎,")).unwrap();
    let at = located.texts()[i].text.find("山田太郎").unwrap();
    let edit = Edit { text: i, range: at..at + 12, with: "[患者:1]".to_owned() };
    let out = located.splice(std::slice::from_ref(&edit)).unwrap();
    located.verify(&out, &[edit]).unwrap();
    assert!(String::from_utf8(out.body).unwrap().contains("[患者:1],やまだたろう"));
}

#[test]
fn a_signed_body_is_not_changed() {
    let body = r#"{"messages":[{"role":"user","content":[{"text":"山田"}]}]}"#.as_bytes();
    let host = "bedrock-runtime.ap-northeast-1.amazonaws.com";
    let path = "/model/jp.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse";
    let signed = head(
        path,
        &[
            JSON,
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/ap-northeast-1/bedrock/aws4_request, SignedHeaders=host, Signature=00",
            ),
        ],
    );
    let located = open_at(host, &signed, body).unwrap();
    assert_eq!(located.texts().len(), 1, "{:?}", located.texts());
    let edit = Edit { text: 0, range: 0..6, with: "X".to_owned() };
    assert!(matches!(located.splice(std::slice::from_ref(&edit)), Err(SpliceError::Unwritable { .. })));
    assert_eq!(located.splice(&[]).unwrap().body, body);
    let bearer = head(path, &[JSON, ("authorization", "Bearer abc")]);
    assert!(open_at(host, &bearer, body).unwrap().splice(&[edit]).is_ok());
}

#[test]
fn edits_that_must_not_be_are_refused() {
    let body = r#"{"messages":[{"role":"user","name":"yamada","content":"山田"}],"prompt_cache_key":"k k"}"#;
    let located = chat(body).unwrap();
    let at = |s: &str| located.texts().iter().position(|t| t.text == s).unwrap();
    let edit = |text, range, with: &str| Edit { text, range, with: with.to_owned() };
    assert_eq!(located.splice(&[edit(99, 0..0, "")]).unwrap_err(), SpliceError::NoSuchText { text: 99 });
    assert!(matches!(located.splice(&[edit(at("山田"), 1..3, "")]), Err(SpliceError::BadRange { .. })));
    assert!(matches!(
        located.splice(&[edit(at("山田"), 0..3, "a"), edit(at("山田"), 0..6, "b")]),
        Err(SpliceError::BadRange { .. })
    ));
    assert!(matches!(located.splice(&[edit(at("k k"), 0..1, "a")]), Err(SpliceError::Frozen { .. })));
    assert!(matches!(located.splice(&[edit(at("yamada"), 0..6, "[患]")]), Err(SpliceError::Alphabet { .. })));
    assert!(located.splice(&[edit(at("yamada"), 0..6, "PATIENT_7K3Q2")]).is_ok());
    // Debug of anything here shows no text.
    let shown = format!("{located:?}");
    assert!(!shown.contains("山田") && !shown.contains("yamada"));
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[a-z山田太郎\"\\\\/ \n\u{1F600}\u{0}é]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec(("[a-z山.\"]{0,4}|content|messages|role|type", inner), 0..4)
                .prop_map(|m| m.into_iter().collect()),
        ]
    })
}

fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_ascii() {
                vec![c.to_string()]
            } else {
                let mut b = [0; 2];
                c.encode_utf16(&mut b).iter().map(|u| format!("\\u{u:04x}")).collect()
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn splice_and_verify_hold_for_any_json(json in value(), pretty: bool, ascii: bool, known: bool, seed in any::<u64>(), with in "[a-z患\"\\\\]{0,6}") {
        let mut body = if pretty { serde_json::to_string_pretty(&json).unwrap() } else { json.to_string() };
        if ascii {
            body = escaped(&body);
        }
        let located = if known { chat(&body) } else { wide(&body) };
        let located = match located {
            Ok(located) => located,
            Err(e) => return Err(TestCaseError::fail(e.to_string())),
        };
        let same = located.splice(&[]).unwrap();
        prop_assert_eq!(&same.body, body.as_bytes());
        located.verify(&same, &[]).unwrap();
        let mut edits = Vec::new();
        let mut random = seed;
        for (i, text) in located.texts().iter().enumerate() {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let narrow = matches!(text.disposition, Disposition::Narrow { .. });
            if text.disposition != Disposition::Open && !narrow || random % 3 == 0 {
                continue;
            }
            let bounds: Vec<usize> = text.text.char_indices().map(|(i, _)| i).chain([text.text.len()]).collect();
            let a = bounds[(random >> 20) as usize % bounds.len()];
            let b = bounds[(random >> 40) as usize % bounds.len()];
            let with = if narrow { "P_1".to_owned() } else { with.clone() };
            edits.push(Edit { text: i, range: a.min(b)..a.max(b), with });
        }
        let out = located.splice(&edits).unwrap();
        located.verify(&out, &edits).unwrap();
        let again = if known { chat(&out.body) } else { wide(&out.body) }.unwrap();
        prop_assert_eq!(again.texts().len() + 64 > located.texts().len(), true);
        for edit in &edits {
            if edit.with != located.texts()[edit.text].text[edit.range.clone()] {
                prop_assert!(located.verify(&same, &edits).is_err());
                break;
            }
        }
    }

    #[test]
    fn any_bytes_are_opened_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in "application/json|text/plain|multipart/form-data; boundary=a|application/x-www-form-urlencoded|application/x-ndjson|") {
        let head = head("/v1/x?%FF=%", &[("content-type", &kind)]);
        if let Ok(located) = open_at("api.openai.com", &head, &bytes) {
            let out = located.splice(&[]).unwrap();
            prop_assert_eq!(&out.body, &bytes);
            located.verify(&out, &[]).unwrap();
        }
    }

    #[test]
    fn forms_keep_every_other_byte(pairs in prop::collection::vec(("[a-z]{1,4}", "[a-z山 +%&=]{0,8}"), 1..5), with in "[a-z患 &=+]{1,6}") {
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (k, v) in &pairs {
            body.append_pair(k, v);
        }
        let body = body.finish();
        let head = head("/v1/x", &[("content-type", "application/x-www-form-urlencoded")]);
        let located = open_at("api.openai.com", &head, body.as_bytes()).unwrap();
        prop_assert_eq!(&located.splice(&[]).unwrap().body, body.as_bytes());
        let edits: Vec<Edit> = located.texts().iter().enumerate().filter(|(_, t)| t.disposition == Disposition::Open)
            .map(|(i, t)| Edit { text: i, range: 0..t.text.len(), with: with.clone() }).collect();
        let out = located.splice(&edits).unwrap();
        located.verify(&out, &edits).unwrap();
    }
}
