//! A masked request, its answer whole, and nothing else changed; and answers that do not come whole.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tsuitate::cli::standin::Standin;

use super::stand::{
    ANTHROPIC, GEMINI, LETTER, MISTRAL, OPENAI, SECRETS, between_tokens, chat_body, nothing_of, post, said, sse, stand,
    text_of,
};

struct Shape {
    host: &'static str,
    path: &'static str,
    /// What stands before and after the text's JSON string; odd on purpose, and none of it may change.
    around: [&'static str; 2],
    answer: fn(&str) -> String,
}

fn joined(pieces: impl Iterator<Item = Value>) -> String {
    pieces.filter_map(|piece| piece.as_str().map(str::to_owned)).collect()
}

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

const SHAPES: [Shape; 9] = [
    Shape {
        host: OPENAI,
        path: "/v1/chat/completions",
        around: [
            "{ \"model\" :\"demo\",\n\t\"temperature\":1.0e0, \"messages\":[{\"role\":\"user\",\"content\":",
            "}], \"metadata\" : {} , \"seed\":12345678901234567890 }\n",
        ],
        answer: |body| json_of(body)["choices"][0]["message"]["content"].as_str().unwrap().to_owned(),
    },
    Shape {
        host: OPENAI,
        path: "/v1/chat/completions",
        around: ["{\"stream\":true,\"model\":\"d\\u0065mo\",\"messages\":[{\"content\":", ",\"role\":\"user\"}]}"],
        answer: |body| joined(sse(body).iter().map(|event| event["choices"][0]["delta"]["content"].clone())),
    },
    Shape {
        host: OPENAI,
        path: "/v1/responses",
        around: ["{\"model\":\"demo\",\"store\":false, \"input\":", " }"],
        answer: |body| json_of(body)["output"][0]["content"][0]["text"].as_str().unwrap().to_owned(),
    },
    Shape {
        host: OPENAI,
        path: "/v1/responses",
        around: [
            "{\"model\":\"demo\",\"stream\" : true,\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":",
            "}]}]}",
        ],
        answer: |body| {
            let events = sse(body);
            let deltas = joined(
                events.iter().filter(|e| e["type"] == "response.output_text.delta").map(|event| event["delta"].clone()),
            );
            let done = events.iter().find(|event| event["type"] == "response.completed").unwrap();
            assert_eq!(done["response"]["output"][0]["content"][0]["text"], deltas.as_str());
            deltas
        },
    },
    Shape {
        host: ANTHROPIC,
        path: "/v1/messages",
        around: ["{\"max_tokens\":  64,\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":", "}]}"],
        answer: |body| json_of(body)["content"][0]["text"].as_str().unwrap().to_owned(),
    },
    Shape {
        host: ANTHROPIC,
        path: "/v1/messages",
        around: [
            "{\"max_tokens\":64,\"stream\":true,\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":",
            "}]}]}",
        ],
        answer: |body| joined(sse(body).iter().map(|event| event["delta"]["text"].clone())),
    },
    Shape {
        host: GEMINI,
        path: "/v1beta/models/gemini-2.5-flash:generateContent",
        around: ["{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\": ", " }]}]}"],
        answer: |body| json_of(body)["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap().to_owned(),
    },
    Shape {
        host: GEMINI,
        path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        around: ["{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":", "}]}]}"],
        answer: |body| {
            joined(sse(body).iter().map(|event| event["candidates"][0]["content"]["parts"][0]["text"].clone()))
        },
    },
    Shape {
        host: GEMINI,
        path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        around: ["{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":", "}]}]}"],
        answer: |body| {
            let all = json_of(body);
            joined(
                all.as_array().unwrap().iter().map(|part| part["candidates"][0]["content"]["parts"][0]["text"].clone()),
            )
        },
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_every_shape_leaves_masked_and_its_answer_comes_back_whole() {
    let stand = stand(json!({})).await;
    for http2 in [false, true] {
        for (number, shape) in SHAPES.iter().enumerate() {
            let [before, after] = shape.around;
            let body = format!("{before}{}{after}", serde_json::to_string(LETTER).unwrap());
            let mut line = stand.line(None, shape.host, http2).await;
            let request = Request::post(shape.path)
                .header("content-type", "application/json")
                .header("authorization", "Bearer demo")
                .header("x-api-key", "demo")
                .header("proxy-authorization", "Basic dTpw")
                .header("tsuitate-use", "no-such-use")
                .body(Bytes::from(body))
                .unwrap();
            let reply = line.send(request).await.unwrap();
            assert_eq!(reply.status, 200, "{number}: {}", reply.body);
            let got = stand.standin.received().pop().unwrap();
            let sent = text_of(&got.body);
            nothing_of(&SECRETS, &sent);
            let masked = sent
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .unwrap_or_else(|| panic!("{number}: bytes around the text changed: {sent}"));
            let masked: String = serde_json::from_str(masked).unwrap();
            let mut rest = LETTER;
            for piece in between_tokens(&masked) {
                let at = rest.find(&piece).unwrap_or_else(|| panic!("{number}: `{piece}` is not of the text"));
                rest = &rest[at + piece.len()..];
            }
            assert_eq!((shape.answer)(&reply.body), said(LETTER), "{number}");
            for (name, value) in &got.headers {
                assert!(!name.starts_with("proxy-") && !name.starts_with("tsuitate"), "{name}: {value}");
            }
            assert!(got.headers.iter().any(|(name, value)| name == "authorization" && value == "Bearer demo"));
            let (opened, closed) = stand.newest().await;
            assert_eq!(opened["verdict"], "masked", "{opened}");
            assert_eq!(opened["sent_bytes"], got.body.len(), "{opened}");
            assert_eq!(closed["outcome"], "answered", "{closed}");
            assert_eq!(reply.headers["x-tsuitate-record"], opened["record"].as_str().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_of_one_connection_each_get_their_own_words_back() {
    let stand = stand(json!({})).await;
    let asked: Vec<_> = (0..6)
        .map(|n| {
            let text = format!("患者 佐久間 春香様（患者番号 004{n}517）へのお礼状を直してください。");
            (chat_body(&[("user", &text)]), text)
        })
        .collect();
    let first = stand.line(None, OPENAI, true).await;
    let lines = asked.iter().map(|(body, text)| {
        let mut line = first.beside().unwrap();
        async move {
            for _ in 0..2 {
                let reply = line.send(post("/v1/chat/completions", body.clone())).await.unwrap();
                let answer = json_of(&reply.body)["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
                assert_eq!(answer, said(text));
            }
        }
    });
    futures_util::future::join_all(lines).await;
    assert_eq!(stand.standin.received().len(), 12);
    for got in stand.standin.received() {
        nothing_of(&["佐久間", "春香", "517"], &text_of(&got.body));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_ends_with_the_providers_error_event() {
    let stand = stand(json!({})).await;
    let ask = |host: &'static str, path: &'static str, body: Value| {
        let stand = &stand;
        async move {
            let reply = stand.line(None, host, false).await.send(post(path, body.to_string())).await;
            let (opened, closed) = stand.newest().await;
            assert_eq!(opened["verdict"], "masked");
            assert_eq!(closed["outcome"], "cut", "{closed}");
            reply
        }
    };
    let messages = json!([{"role": "user", "content": LETTER}]);
    let chat = json!({"model": "stand-in-cut", "stream": true, "messages": messages});
    let reply = ask(OPENAI, "/v1/chat/completions", chat).await.unwrap();
    let last = sse(&reply.body).pop().unwrap();
    assert_eq!(last["error"]["code"], "tsuitate_upstream", "{}", reply.body);
    assert!(last["error"]["message"].as_str().unwrap().contains("Tsuitate"), "{last}");

    let responses = json!({"model": "stand-in-cut", "stream": true, "input": LETTER});
    let reply = ask(OPENAI, "/v1/responses", responses).await.unwrap();
    assert_eq!(sse(&reply.body).pop().unwrap()["type"], "error", "{}", reply.body);

    let claude = json!({"model": "stand-in-cut", "max_tokens": 9, "stream": true, "messages": messages});
    let reply = ask(ANTHROPIC, "/v1/messages", claude).await.unwrap();
    let last = sse(&reply.body).pop().unwrap();
    assert_eq!((&last["type"], &last["error"]["type"]), (&json!("error"), &json!("api_error")), "{}", reply.body);

    let contents = json!({"contents": [{"role": "user", "parts": [{"text": LETTER}]}]});
    let path = "/v1beta/models/stand-in-cut:streamGenerateContent?alt=sse";
    let reply = ask(GEMINI, path, contents.clone()).await.unwrap();
    assert_eq!(sse(&reply.body).pop().unwrap()["error"]["status"], "UNAVAILABLE", "{}", reply.body);
    let reply = ask(GEMINI, "/v1beta/models/stand-in-cut:streamGenerateContent", contents).await.unwrap();
    let all = json_of(&reply.body);
    assert_eq!(all.as_array().unwrap().last().unwrap()["error"]["status"], "UNAVAILABLE", "{all}");

    // An answer in one piece has no place for an event: the client must see that it broke.
    let whole = json!({"model": "stand-in-cut", "messages": messages});
    assert!(ask(OPENAI, "/v1/chat/completions", whole).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_be_trusted_or_reached_is_refused_in_its_shape_and_recorded() {
    let other = Standin::start(&[ANTHROPIC]).await.unwrap();
    let closed_port = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let resolve = json!({ANTHROPIC: other.address.to_string(), GEMINI: closed_port.to_string()});
    let stand = stand(json!({"upstream": {"resolve": resolve}})).await;
    let body = json!({"model": "demo", "max_tokens": 9, "messages": [{"role": "user", "content": LETTER}]});
    let reply = stand.ask(None, ANTHROPIC, "/v1/messages", body.to_string()).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert_eq!(json_of(&reply.body)["type"], "error");
    assert!(reply.body.contains("certificate") && reply.body.contains("医療情報室"), "{}", reply.body);
    let (opened, closed) = stand.newest().await;
    assert_eq!(opened["verdict"], "masked");
    assert_eq!((&closed["outcome"], &closed["status"]), (&json!("upstream_failed"), &json!(400)));
    assert!(other.received().is_empty());

    let body = json!({"contents": [{"role": "user", "parts": [{"text": LETTER}]}]});
    let reply = stand.ask(None, GEMINI, "/v1beta/models/gemini-2.5-flash:generateContent", body.to_string()).await;
    assert_eq!(reply.status, 502, "{}", reply.body);
    assert_eq!(json_of(&reply.body)["error"]["status"], "UNAVAILABLE");
    assert_eq!(reply.headers["x-should-retry"], "false");
    assert_eq!(stand.newest().await.1["outcome"], "upstream_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_the_service_thinks_closes_the_record() {
    for http2 in [false, true] {
        let mut stand = stand(json!({})).await;
        let mut line = stand.line(None, OPENAI, http2).await;
        let body = json!({"model": "stand-in-silent", "messages": [{"role": "user", "content": LETTER}]}).to_string();
        let asked = tokio::spawn(async move { line.send(post("/v1/chat/completions", body)).await });
        while stand.standin.received().is_empty() {
            tokio::task::yield_now().await;
        }
        asked.abort();
        let (_, closed) = stand.newest().await;
        assert_eq!(closed["outcome"], "client_gone");
        let page = stand.gate.as_ref().unwrap().house.metrics.page();
        assert!(page.contains("tsuitate_in_flight 0"), "{page}");
        stand.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_answer_is_read_and_restored() {
    let stand = stand(json!({})).await;
    let shape = &SHAPES[0];
    let request = Request::post(shape.path)
        .header("content-type", "application/json")
        .header("accept-encoding", "gzip, deflate, br, zstd")
        .body(Bytes::from(chat_body(&[("user", LETTER)])))
        .unwrap();
    let reply = stand.line(None, shape.host, false).await.send(request).await.unwrap();
    assert_eq!((shape.answer)(&reply.body), said(LETTER));
    assert!(!reply.headers.contains_key("content-encoding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_body_and_a_client_that_asks_first_are_served() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let stand = stand(json!({})).await;
    let request = Request::get("/v1/models").header("authorization", "Bearer demo").body(Bytes::new()).unwrap();
    let reply = stand.line(None, OPENAI, false).await.send(request).await.unwrap();
    // The stand-in has no models; what it says comes through.
    assert_eq!(reply.status, 404, "{}", reply.body);
    assert_eq!(stand.newest().await.0["verdict"], "allowed");

    let socket = tokio::net::TcpStream::connect(stand.address()).await.unwrap();
    let mut stream = tsuitate::cli::client::tunnel(socket, stand.root(), None, OPENAI, b"http/1.1").await.unwrap();
    let body = chat_body(&[("user", LETTER)]);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {OPENAI}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    assert!(text_of(&answer).contains("佐久間 春香"), "{}", text_of(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_other_endpoint_takes_leaves_masked_too() {
    let stand = stand(json!({})).await;
    let chat = json!([{"role": "user", "content": LETTER}]);
    let contents = json!([{"role": "user", "parts": [{"text": LETTER}]}]);
    let cases = [
        (OPENAI, "/v1/completions", json!({"model": "demo", "prompt": LETTER})),
        (OPENAI, "/v1/embeddings", json!({"model": "demo", "input": [LETTER, "はい"]})),
        (OPENAI, "/v1/moderations", json!({"model": "demo", "input": LETTER})),
        (OPENAI, "/v1/something/new", json!({"model": "demo", "whatever": {"deep": [LETTER]}})),
        (ANTHROPIC, "/v1/messages/count_tokens", json!({"model": "demo", "messages": chat})),
        (GEMINI, "/v1beta/models/gemini-2.5-flash:countTokens", json!({"contents": contents})),
        (GEMINI, "/v1beta/models/gemini-embedding-001:embedContent", json!({"content": {"parts": [{"text": LETTER}]}})),
    ];
    for (host, path, body) in cases {
        let before = stand.standin.received().len();
        let reply = stand.ask(None, host, path, body.to_string()).await;
        let got = stand.standin.received().get(before).cloned().unwrap_or_else(|| panic!("{path}: {}", reply.body));
        nothing_of(&SECRETS, &text_of(&got.body));
        assert!(text_of(&got.body).contains("丁寧な文面"), "{path}");
    }
    let body = json!({"model": "demo", "messages": chat}).to_string();
    let reply = stand.ask(None, MISTRAL, "/v1/chat/completions", body).await;
    assert_eq!((SHAPES[0].answer)(&reply.body), said(LETTER));
    nothing_of(&SECRETS, &text_of(&stand.standin.received().pop().unwrap().body));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_service_comes_through_with_its_status() {
    let stand = stand(json!({})).await;
    let body = json!({"model": "stand-in-error", "messages": [{"role": "user", "content": LETTER}]}).to_string();
    let reply = stand.ask(None, OPENAI, "/v1/chat/completions", body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(json_of(&reply.body)["error"]["message"], said(LETTER));
    let (opened, closed) = stand.newest().await;
    assert_eq!((&opened["verdict"], &closed["outcome"]), (&json!("masked"), &json!("answered")));
    assert_eq!(closed["status"], 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_arguments_of_a_tool_are_restored_by_the_allow_list_alone_and_come_back_masked() {
    let stand = stand(json!({"restore": {"tools": ["karte_write"]}})).await;
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object",
            "properties": {"text": {"type": "string"}}}}})
    };
    let tools = json!([tool("karte_write"), tool("web_search"), tool("send_mail")]);
    let mut messages = json!([{"role": "user", "content": LETTER}]);
    let body = json!({"model": "stand-in-tools", "tools": tools, "messages": messages}).to_string();
    let reply = stand.ask(None, OPENAI, "/v1/chat/completions", body).await;
    let answer = json_of(&reply.body)["choices"][0]["message"].clone();
    let arguments = |number: usize| {
        let text = answer["tool_calls"][number]["function"]["arguments"].as_str().unwrap_or_else(|| panic!("{answer}"));
        json_of(text)["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(arguments(0), LETTER);
    for never in [1, 2] {
        nothing_of(&SECRETS, &arguments(never));
    }
    messages.as_array_mut().unwrap().push(answer.clone());
    for (number, result) in ["佐久間 春香様のカルテに書きました。", "なし", "送りました"].iter().enumerate()
    {
        let id = answer["tool_calls"][number]["id"].clone();
        messages.as_array_mut().unwrap().push(json!({"role": "tool", "tool_call_id": id, "content": result}));
    }
    let body = json!({"model": "demo", "tools": tools, "messages": messages}).to_string();
    let reply = stand.ask(None, OPENAI, "/v1/chat/completions", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let received = stand.standin.received();
    let sent = text_of(&received.last().unwrap().body);
    nothing_of(&SECRETS, &sent);
    let first = json_of(&text_of(&received[0].body))["messages"][0]["content"].as_str().unwrap().to_owned();
    let second = json_of(&sent);
    let call = second["messages"][1]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(json_of(call)["text"], first.as_str(), "the arguments go back as the service wrote them");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_json_carries_no_mark_and_a_header_says_how_many_values_were_blind() {
    let stand = stand(json!({})).await;
    let text = "患者：佐久間 春香　HbA1c 7.2%　LDL-C 131 mg/dL をJSONにしてください。";
    let body = json!({"model": "demo", "response_format": {"type": "json_object"},
        "messages": [{"role": "user", "content": text}]})
    .to_string();
    let reply = stand.ask(None, OPENAI, "/v1/chat/completions", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!((SHAPES[0].answer)(&reply.body), said(text));
    assert_eq!(reply.headers["x-tsuitate-blind-values"], "2");
    let sent = text_of(&stand.standin.received().pop().unwrap().body);
    nothing_of(&["7.2", "131", "佐久間"], &sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_is_told_to_stop_lets_a_stream_finish_first() {
    let mut stand = stand(json!({})).await;
    let mut line = stand.line(None, ANTHROPIC, true).await;
    let shape = &SHAPES[5];
    let [before, after] = shape.around;
    let body = format!("{before}{}{after}", serde_json::to_string(LETTER).unwrap());
    let asked = tokio::spawn(async move { line.send(post("/v1/messages", body)).await });
    while stand.standin.received().is_empty() {
        tokio::task::yield_now().await;
    }
    stand.stop().await;
    let reply = asked.await.unwrap().unwrap();
    assert_eq!((shape.answer)(&reply.body), said(LETTER));
    assert_eq!(stand.newest().await.1["outcome"], "answered");
    let last = stand.events().pop().unwrap();
    assert_eq!(last["event"], "checkpoint", "the chain is signed at the end");
}
