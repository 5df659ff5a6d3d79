//! Each limit of reading, past it: the refusal names the limit as it stands in the config, its value and what was seen.

use std::io::Write as _;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::stand::{OPENAI, stand};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn chat(content: &Value) -> Vec<u8> {
    json!({"model": "demo", "messages": [{"role": "user", "content": content}]}).to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn past_each_limit_of_reading_the_refusal_names_it_with_its_value_and_what_was_seen() {
    let limits = json!({"decoded": "2MiB", "codings": 2, "json_depth": 20, "parts": 5, "text": "40KiB", "ratio": 10});
    let stand = stand(json!({"gate": {"limits": limits}})).await;
    let json_type = "application/json";
    let deep = format!("{{\"model\":\"demo\",\"messages\":{}1{}}}", "[".repeat(30), "]".repeat(30));
    // Letters that do not pack well, so that the ratio is not met first.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + u8::try_from((state >> 24) % 26).unwrap()
    })
    .take(3 << 20)
    .collect();
    let form: Vec<String> = (0..8).map(|number| format!("f{number}=x")).collect();
    let multipart: String = (0..8)
        .map(|number| format!("--xx\r\nContent-Disposition: form-data; name=\"f{number}\"\r\n\r\nx\r\n"))
        .collect::<String>()
        + "--xx--\r\n";
    for (limit, value, seen, content_type, coding, body) in [
        ("decoded", "2 MiB", true, json_type, "gzip", gzip(&noise)),
        ("ratio", "10:1", false, json_type, "gzip", gzip(&vec![b' '; (2 << 20) - 8])),
        ("codings", "2", true, json_type, "gzip, gzip, gzip", gzip(&gzip(&gzip(&chat(&json!("x")))))),
        ("json_depth", "20", false, json_type, "", deep.into_bytes()),
        ("parts", "5", true, "application/x-www-form-urlencoded", "", form.join("&").into_bytes()),
        ("parts", "5", true, "multipart/form-data; boundary=xx", "", multipart.into_bytes()),
        ("text", "40 KiB", true, json_type, "", chat(&json!("あ".repeat(20 << 10)))),
    ] {
        let mut request = Request::post("/v1/chat/completions")
            .header("authorization", "Bearer demo")
            .header("content-type", content_type);
        if !coding.is_empty() {
            request = request.header("content-encoding", coding);
        }
        let mut line = stand.line(None, OPENAI, false).await;
        let reply = line.send(request.body(Bytes::from(body)).unwrap()).await.unwrap();
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["x-should-retry"]),
            (400, &http::HeaderValue::from_static("false"))
        );
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        let said = if seen {
            format!("gate.limits.{limit} is {value}, got ")
        } else {
            format!("gate.limits.{limit} is {value}")
        };
        assert!(message.contains(&said), "{limit}: {message}");
        let (opened, _) = stand.newest().await;
        assert_eq!(opened["verdict"], "blocked", "{opened}");
        let reason = &opened["reasons"][0];
        assert!(
            reason["code"] == format!("limit.{limit}") && reason["count"] == 1,
            "{limit}: the record does not name it: {opened}"
        );
    }
    assert!(stand.standin.received().is_empty());
}
