use super::*;
use crate::detect::Kind;
use crate::locate::provider::Providers;
use crate::mask::TokenKey;
use crate::mask::label::Language;
use crate::mask::token::{Code, Length, Suffix, write};
use crate::restore::BLIND_NOTE;

fn code(word: &str) -> Code {
    Code::compute(&TokenKey::new([5; 32]), "person", &[word], Length::Seven)
}

fn map() -> Arc<WordMap> {
    let mut map = WordMap::new();
    for (word, kind, blind) in
        [("山田太郎", Kind::PersonName, false), ("鈴木\"一\"", Kind::PersonName, false), ("6.2", Kind::LabValue, true)]
    {
        map.insert(code(word), Suffix::default(), word, kind, blind);
    }
    map.insert_from_vault(code("高橋"), Suffix::default(), "高橋", Kind::PersonName, false);
    Arc::new(map)
}

/// `P`, `Q`, `L`, `V` in angle marks stand for the tokens of the map.
fn fill(text: &str) -> String {
    [("«P»", "患者", "山田太郎"), ("«Q»", "氏名", "鈴木\"一\""), ("«L»", "検査値", "6.2"), ("«V»", "患者", "高橋")]
        .iter()
        .fold(text.to_owned(), |text, (mark, label, word)| {
            text.replace(mark, &write(label, &code(word), &Suffix::default(), None, Language::Ja))
        })
}

fn provider(host: &str, path: &str) -> Arc<Adapter> {
    adapter(host, path)
}

fn adapter(host: &str, path: &str) -> Arc<Adapter> {
    let providers = Providers::shipped().unwrap();
    let endpoint = providers.host(host, 443).unwrap().endpoint("POST", path, false);
    assert!(endpoint.known, "{host}{path}");
    endpoint.adapter
}

const SSE: &str = "text/event-stream; charset=utf-8";

fn run(adapter: &Arc<Adapter>, settings: &Settings, media: &str, pieces: &[&[u8]]) -> (String, Summary) {
    let mut restorer = Restorer::new(map(), Arc::clone(adapter), settings, media);
    let mut out = Vec::new();
    for piece in pieces {
        restorer.push(piece, &mut out).unwrap();
    }
    let summary = restorer.finish(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), summary)
}

/// Restores whole, and at every byte split in two and byte by byte: always the same.
fn restore(adapter: &Arc<Adapter>, media: &str, wire: &str) -> (String, Summary) {
    let settings = Settings::default();
    let wire = wire.as_bytes();
    let (whole, summary) = run(adapter, &settings, media, &[wire]);
    // Byte by byte below meets every boundary; two pieces are tried at some two hundred places.
    let stride = 1 + wire.len() / 200;
    for cut in (0..=wire.len()).step_by(stride) {
        let (split, again) = run(adapter, &settings, media, &[&wire[..cut], &wire[cut..]]);
        assert_eq!(split, whole, "cut at {cut}");
        assert_eq!(again.counts, summary.counts, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(run(adapter, &settings, media, &bytes).0, whole);
    (whole, summary)
}

/// A text cut into pieces of so many characters.
fn chunks(text: &str, size: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(size).map(|chunk| chunk.iter().collect()).collect()
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The data of every event.
fn events(wire: &str) -> Vec<serde_json::Value> {
    wire.split("\n\n")
        .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn chat(text: &str, size: usize) -> String {
    let mut wire = String::from(
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    );
    for piece in chunks(&fill(text), size) {
        wire.push_str(&format!(
            "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{}}},\"logprobs\":null,\"finish_reason\":null}}],\"obfuscation\":\"x\"}}\n\n",
            json(&piece)
        ));
    }
    wire.push_str("data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n: ping\n\ndata: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\ndata: [DONE]\n\n");
    wire
}

fn chat_text(wire: &str, choice: u64) -> String {
    events(wire)
        .iter()
        .flat_map(|event| event["choices"].as_array().cloned().unwrap_or_default())
        .filter(|one| one["index"] == choice)
        .filter_map(|one| one["delta"]["content"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn chat_in_pieces_of_any_size() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    for size in [1, 3, 7, 100] {
        let (out, summary) = restore(&adapter, SSE, &chat("«P»様、«Q»様。[", size));
        assert_eq!(chat_text(&out, 0), "山田太郎様、鈴木\"一\"様。[");
        assert_eq!(summary.counts.restored, 2);
        assert!(summary.ended);
        assert_eq!(summary.answers.len(), 1);
        assert_eq!(summary.answers[0].masked, fill("«P»様、«Q»様。["));
        assert_eq!(*summary.answers[0].restored, "山田太郎様、鈴木\"一\"様。[");
        assert!(out.ends_with("data: [DONE]\n\n") && out.contains("\n\n: ping\n\n"));
    }
    // What is held at the end goes out before the end.
    let (out, _) = restore(&adapter, SSE, &chat(code("山田太郎").as_str(), 2));
    assert_eq!(chat_text(&out, 0), "山田太郎");
    let finish = out.find("\"stop\"").unwrap();
    assert!(out.find("山田").unwrap() < finish);
}

#[test]
fn an_answer_without_tokens_is_untouched() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    let wire = chat("こんにちは。https://e.example/ は「見本」です", 2);
    assert_eq!(restore(&adapter, SSE, &wire).0, wire);
    let crlf = "event: x\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\u3042\"}}]}\r\n\r\ndata: no json\r\n\r\n";
    assert_eq!(restore(&adapter, SSE, crlf).0, crlf);
}

#[test]
fn blind_values_are_marked_and_noted() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    let (out, summary) = restore(&adapter, SSE, &chat("HbA1c «L»でした", 2));
    assert_eq!(chat_text(&out, 0), format!("HbA1c 6.2※でした\n\n{BLIND_NOTE}"));
    assert_eq!(summary.counts.blind, 1);
    assert_eq!(*summary.answers[0].restored, format!("HbA1c 6.2※でした\n\n{BLIND_NOTE}"));
    let (out, _) = restore(&adapter, SSE, &chat("{\"hba1c\": \"«L»\"}", 2));
    assert_eq!(chat_text(&out, 0), "{\"hba1c\": \"6.2\"}");
    let settings = Settings { json_answer: true, ..Settings::default() };
    let (out, _) = run(&adapter, &settings, SSE, &[chat("\"«Q»\"", 2).as_bytes()]);
    assert_eq!(chat_text(&out, 0), "\"鈴木\\\"一\\\"\"");
}

#[test]
fn choices_do_not_mix() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    let (first, second) = (chunks(&fill("あ«P»"), 1), chunks(&fill("い«Q»"), 1));
    let mut wire = String::new();
    for (a, b) in first.iter().zip(&second) {
        for (index, piece) in [(0, a), (1, b)] {
            wire.push_str(&format!(
                "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":{}}}}}]}}\n\n",
                json(piece)
            ));
        }
    }
    wire.push_str("data: [DONE]\n\n");
    let (out, _) = restore(&adapter, SSE, &wire);
    assert_eq!((chat_text(&out, 0), chat_text(&out, 1)), ("あ山田太郎".into(), "い鈴木\"一\"".into()));
}

fn chat_tool(name: &str, arguments: &str) -> String {
    let mut wire = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{{\"name\":{},\"arguments\":\"\"}}}}]}},\"finish_reason\":null}}]}}\n\n",
        json(name)
    );
    for piece in chunks(arguments, 2) {
        wire.push_str(&format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{}}}}}]}},\"finish_reason\":null}}]}}\n\n", json(&piece)));
    }
    wire.push_str(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
    );
    wire
}

fn chat_arguments(wire: &str) -> String {
    events(wire)
        .iter()
        .filter_map(|event| {
            event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect()
}

#[test]
fn tool_arguments_only_for_listed_tools() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    let arguments = fill("{\"file_path\":\"/tmp/«P».txt\",\"text\":\"«Q» «L» «V»\"}");
    let (out, summary) = restore(&adapter, SSE, &chat_tool("write_file", &arguments));
    let read: serde_json::Value = serde_json::from_str(&chat_arguments(&out)).unwrap();
    assert_eq!(read["file_path"], "/tmp/山田太郎.txt");
    // The vault's word stays out, and no mark is in arguments.
    assert_eq!(read["text"], fill("鈴木\"一\" 6.2 «V»"));
    assert_eq!(summary.counts.restored, 3);
    let wire = chat_tool("send_mail", &arguments);
    let (out, summary) = restore(&adapter, SSE, &wire);
    assert_eq!(out, wire);
    assert_eq!((summary.counts.restored, summary.counts.kept), (0, 3));
}

fn anthropic(blocks: &[(&str, &str)]) -> String {
    let mut wire = String::from(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"m\",\"usage\":{\"input_tokens\":1}}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n",
    );
    for (index, (kind, text)) in blocks.iter().enumerate() {
        let (start, delta, field) = match *kind {
            "text" => ("\"type\":\"text\",\"text\":\"\"".to_owned(), "text_delta", "text"),
            "thinking" => {
                ("\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"".to_owned(), "thinking_delta", "thinking")
            }
            tool => (
                format!("\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":{},\"input\":{{}}", json(tool)),
                "input_json_delta",
                "partial_json",
            ),
        };
        wire.push_str(&format!("event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{{{start}}}}}\n\n"));
        for piece in chunks(&fill(text), 3) {
            wire.push_str(&format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"{delta}\",\"{field}\":{}}}}}\n\n", json(&piece)));
        }
        if *kind == "thinking" {
            wire.push_str(&format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"signature_delta\",\"signature\":\"sig==\"}}}}\n\n"));
        }
        wire.push_str(&format!(
            "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n"
        ));
    }
    wire.push_str("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    wire
}

fn anthropic_text(wire: &str, index: u64, field: &str) -> String {
    events(wire)
        .iter()
        .filter(|event| event["type"] == "content_block_delta" && event["index"] == index)
        .filter_map(|event| event["delta"][field].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn anthropic_blocks() {
    let adapter = adapter("api.anthropic.com", "/v1/messages");
    let wire = anthropic(&[
        ("thinking", "«P»について考える"),
        ("text", "«P»様の値は«L»"),
        ("text", "です。"),
        ("Write", "{\"file_path\":\"«P».txt\",\"content\":\"«Q»\"}"),
        ("Bash", "{\"command\":\"echo «P»\"}"),
    ]);
    let (out, summary) = restore(&adapter, SSE, &wire);
    assert_eq!(anthropic_text(&out, 0, "thinking"), fill("«P»について考える"));
    assert_eq!(anthropic_text(&out, 1, "text"), "山田太郎様の値は6.2※");
    assert_eq!(anthropic_text(&out, 2, "text"), format!("です。\n\n{BLIND_NOTE}"));
    let input: serde_json::Value = serde_json::from_str(&anthropic_text(&out, 3, "partial_json")).unwrap();
    assert_eq!((input["file_path"].as_str(), input["content"].as_str()), (Some("山田太郎.txt"), Some("鈴木\"一\"")));
    assert_eq!(anthropic_text(&out, 4, "partial_json"), fill("{\"command\":\"echo «P»\"}"));
    let signed: Vec<&str> = summary.signed.iter().map(|text| text.as_str()).collect();
    assert_eq!(signed, [fill("«P»について考える").as_str(), "sig=="]);
    assert_eq!((summary.counts.restored, summary.counts.kept), (4, 2));
    let texts: Vec<&str> =
        summary.answers.iter().filter(|answer| !answer.tool).map(|answer| answer.restored.as_str()).collect();
    assert_eq!(texts, ["山田太郎様の値は6.2※", &format!("です。\n\n{BLIND_NOTE}")]);
    // Every block's events stand between its start and its stop.
    let mut open = None;
    for event in events(&out) {
        match event["type"].as_str().unwrap() {
            "content_block_start" => open = event["index"].as_u64(),
            "content_block_delta" => assert_eq!(event["index"].as_u64(), open),
            "content_block_stop" => assert_eq!(event["index"].as_u64(), open.take()),
            _ => {}
        }
    }
    assert!(summary.ended && out.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

#[test]
fn anthropic_notes_before_a_tool() {
    let adapter = adapter("api.anthropic.com", "/v1/messages");
    let (out, summary) = restore(&adapter, SSE, &anthropic(&[("text", "値は«L»"), ("Read", "{}")]));
    assert_eq!(anthropic_text(&out, 0, "text"), format!("値は6.2※\n\n{BLIND_NOTE}"));
    assert_eq!(*summary.answers[0].restored, format!("値は6.2※\n\n{BLIND_NOTE}"));
}

fn responses(text: &str, arguments: &str) -> String {
    let mut number = 0;
    let mut wire = String::new();
    let mut event = |name: &str, rest: String| {
        wire.push_str(&format!("event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":{number}{rest}}}\n\n"));
        number += 1;
    };
    let (text, arguments) = (fill(text), fill(arguments));
    let part =
        |text: &str| format!("{{\"type\":\"output_text\",\"text\":{},\"annotations\":[],\"logprobs\":[]}}", json(text));
    let item = |text: &str| {
        format!(
            "{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{}]}}",
            part(text)
        )
    };
    let call = |arguments: &str| {
        format!(
            "{{\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"write_file\",\"arguments\":{}}}",
            json(arguments)
        )
    };
    let reasoning = format!(
        "{{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[{{\"type\":\"summary_text\",\"text\":{}}}],\"encrypted_content\":\"gAAA\"}}",
        json(&fill("«P»のこと"))
    );
    event("response.created", ",\"response\":{\"id\":\"resp_1\",\"output\":[],\"instructions\":null}".to_owned());
    event("response.output_item.done", format!(",\"output_index\":0,\"item\":{reasoning}"));
    event(
        "response.content_part.added",
        format!(",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"part\":{}", part("")),
    );
    for piece in chunks(&text, 3) {
        event(
            "response.output_text.delta",
            format!(
                ",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"delta\":{},\"logprobs\":[]",
                json(&piece)
            ),
        );
    }
    event(
        "response.output_text.done",
        format!(
            ",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"text\":{},\"logprobs\":[]",
            json(&text)
        ),
    );
    event(
        "response.content_part.done",
        format!(",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"part\":{}", part(&text)),
    );
    event("response.output_item.done", format!(",\"output_index\":1,\"item\":{}", item(&text)));
    event("response.output_item.added", format!(",\"output_index\":2,\"item\":{}", call("")));
    for piece in chunks(&arguments, 3) {
        event(
            "response.function_call_arguments.delta",
            format!(",\"item_id\":\"fc_1\",\"output_index\":2,\"delta\":{}", json(&piece)),
        );
    }
    event(
        "response.function_call_arguments.done",
        format!(",\"item_id\":\"fc_1\",\"output_index\":2,\"arguments\":{}", json(&arguments)),
    );
    event("response.output_item.done", format!(",\"output_index\":2,\"item\":{}", call(&arguments)));
    event(
        "response.completed",
        format!(
            ",\"response\":{{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[{reasoning},{},{}]}}",
            item(&text),
            call(&arguments)
        ),
    );
    wire
}

#[test]
fn responses_say_the_same_five_times() {
    let adapter = adapter("api.openai.com", "/v1/responses");
    let bare = code("山田太郎").to_string();
    for (text, expected) in [
        ("«P»様は«L»", format!("山田太郎様は6.2※\n\n{BLIND_NOTE}")),
        ("«P»と«Q»", "山田太郎と鈴木\"一\"".to_owned()),
        (bare.as_str(), "山田太郎".to_owned()),
    ] {
        let (out, summary) = restore(&adapter, SSE, &responses(text, "{\"path\":\"«P»\",\"text\":\"«Q»«L»\"}"));
        let all = events(&out);
        let deltas: String = all
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .filter_map(|event| event["delta"].as_str())
            .collect();
        assert_eq!(deltas, expected);
        let one = |name: &str, pointer: &str| {
            all.iter()
                .rfind(|event| event["type"] == name && event.pointer(pointer).is_some())
                .unwrap()
                .pointer(pointer)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(one("response.output_text.done", "/text"), expected);
        assert_eq!(one("response.content_part.done", "/part/text"), expected);
        assert_eq!(one("response.output_item.done", "/item/content/0/text"), expected);
        assert_eq!(one("response.completed", "/response/output/1/content/0/text"), expected);
        let arguments = "{\"path\":\"山田太郎\",\"text\":\"鈴木\\\"一\\\"6.2\"}";
        let deltas: String = all
            .iter()
            .filter(|event| event["type"] == "response.function_call_arguments.delta")
            .filter_map(|event| event["delta"].as_str())
            .collect();
        assert_eq!(deltas, arguments);
        assert_eq!(one("response.function_call_arguments.done", "/arguments"), arguments);
        assert_eq!(one("response.output_item.done", "/item/arguments"), arguments);
        assert_eq!(one("response.completed", "/response/output/2/arguments"), arguments);
        // Thinking stays masked, and numbers rise by one.
        assert_eq!(one("response.completed", "/response/output/0/summary/0/text"), fill("«P»のこと"));
        let numbers: Vec<u64> = all.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        assert!(summary.ended);
        assert!(
            summary.signed.iter().any(|text| **text == fill("«P»のこと"))
                && summary.signed.iter().any(|text| *text.as_str() == *"gAAA")
        );
        assert_eq!(
            summary
                .answers
                .iter()
                .filter(|answer| !answer.tool)
                .map(|answer| answer.restored.as_str())
                .collect::<Vec<_>>(),
            [expected.as_str()]
        );
    }
}

fn gemini_chunks(snake: bool) -> Vec<String> {
    let mut elements: Vec<String> = chunks(&fill("«P»様の値は«L»"), 3)
        .iter()
        .map(|piece| format!("{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{}}}],\"role\":\"model\"}},\"index\":0}}],\"modelVersion\":\"m\",\"usageMetadata\":{{\"promptTokenCount\":1}}}}", json(piece)))
        .collect();
    elements.insert(0, format!("{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{},\"thought\":true}}],\"role\":\"model\"}},\"index\":0}}]}}", json(&fill("«P»を思う"))));
    let key = if snake { "function_call" } else { "functionCall" };
    elements.push(format!("{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"{key}\":{{\"name\":\"read_file\",\"args\":{{\"path\":{}}}}},\"thoughtSignature\":\"c2ln\"}}],\"role\":\"model\"}},\"index\":0}}]}}", json(&fill("«Q»"))));
    elements.push(format!("{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{}}}],\"role\":\"model\"}},\"finishReason\":\"STOP\",\"index\":0}}]}}", json(fill("。«P»").trim_end_matches(']'))));
    elements
}

fn gemini_text(elements: &[serde_json::Value]) -> String {
    elements
        .iter()
        .flat_map(|element| element["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default())
        .filter(|part| part["thought"] != true)
        .filter_map(|part| part["text"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn gemini_events_and_arrays() {
    let adapter = adapter("generativelanguage.googleapis.com", "/v1beta/models/m:streamGenerateContent");
    for snake in [false, true] {
        let elements = gemini_chunks(snake);
        let expected = format!("山田太郎様の値は6.2※。[山田太郎\n\n{BLIND_NOTE}");
        let wire: String = elements.iter().map(|element| format!("data: {element}\r\n\r\n")).collect();
        let (out, summary) = restore(&adapter, SSE, &wire);
        let read = events(&out.replace("\r\n", "\n"));
        assert_eq!(gemini_text(&read), expected);
        assert!(summary.ended);
        let array = format!("[{}\n]\n", elements.join(",\r\n"));
        let (out, summary) = restore(&adapter, "application/json; charset=UTF-8", &array);
        let read: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
        assert_eq!(gemini_text(&read), expected);
        assert!(summary.ended);
        let call = if snake { "function_call" } else { "functionCall" };
        let part = read
            .iter()
            .map(|element| &element["candidates"][0]["content"]["parts"][0])
            .find(|part| part[call].is_object())
            .unwrap();
        assert_eq!(part[call]["args"]["path"], "鈴木\"一\"");
        assert_eq!(read[0]["candidates"][0]["content"]["parts"][0]["text"], fill("«P»を思う").as_str());
        assert!(summary.signed.iter().any(|text| text.as_str() == "c2ln"));
    }
}

#[test]
fn whole_bodies() {
    let media = "application/json";
    let chat = adapter("api.openai.com", "/v1/chat/completions");
    let wire = fill(
        "{ \"id\": \"x\", \"choices\": [ {\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"«P»は«L»\",\"reasoning_content\":\"«P»\"}, \"logprobs\":{\"content\":[{\"token\":\"«P»\"}]}} , {\"index\":1,\"message\":{\"content\":\"https://e/«P» «P»\"}}] }\n",
    );
    let (out, summary) = restore(&chat, media, &wire);
    let expected = wire.replacen(&fill("\"«P»は«L»\""), &format!("\"山田太郎は6.2※\\n\\n{BLIND_NOTE}\""), 1).replacen(
        &fill("«P» «P»"),
        &format!("{} 山田太郎", fill("«P»")),
        1,
    );
    assert_eq!(out, expected);
    assert_eq!((summary.counts.restored, summary.answers.len()), (3, 2));

    let messages = adapter("api.anthropic.com", "/v1/messages");
    let wire = fill(
        "{\"id\":\"m\",\"type\":\"message\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"«P»\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"«L»\"},{\"type\":\"text\",\"text\":\"です\"},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"Read\",\"input\":{\"file_path\":\"«P»\"}},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"WebFetch\",\"input\":{\"url\":\"«P»\"}}],\"stop_sequence\":\"«P»\"}",
    );
    let (out, summary) = restore(&messages, media, &wire);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    let content = &read["content"];
    assert_eq!(content[0]["thinking"], fill("«P»").as_str());
    assert_eq!(content[1]["text"], "6.2※");
    assert_eq!(content[2]["text"], format!("です\n\n{BLIND_NOTE}").as_str());
    assert_eq!(content[3]["input"]["file_path"], "山田太郎");
    assert_eq!(content[4]["input"]["url"], fill("«P»").as_str());
    assert_eq!(read["stop_sequence"], "山田太郎");
    assert_eq!(summary.signed.len(), 2);

    let gemini = adapter("generativelanguage.googleapis.com", "/v1beta/models/m:generateContent");
    let wire = fill(
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"«P»\",\"thought\":true},{\"text\":\"«P»\"},{\"text\":\"«L»\"}],\"role\":\"model\"},\"finishReason\":\"STOP\"}]}",
    );
    let (out, _) = restore(&gemini, "application/json; charset=UTF-8", &wire);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    let parts = &read["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0]["text"], fill("«P»").as_str());
    assert_eq!(
        (parts[1]["text"].as_str(), parts[2]["text"].as_str()),
        (Some("山田太郎"), Some(format!("6.2※\n\n{BLIND_NOTE}").as_str()))
    );

    let answers = adapter("api.openai.com", "/v1/responses");
    let wire = fill(
        "{\"id\":\"r\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"«P»«L»\",\"annotations\":[]}]},{\"type\":\"function_call\",\"name\":\"read_file\",\"arguments\":\"{\\\"path\\\":\\\"«Q»\\\"}\"},{\"type\":\"web_search_call\",\"action\":{\"query\":\"«P»\"}}]}",
    );
    let (out, summary) = restore(&answers, media, &wire);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(read["output"][0]["content"][0]["text"], format!("山田太郎6.2※\n\n{BLIND_NOTE}").as_str());
    assert_eq!(read["output"][1]["arguments"], "{\"path\":\"鈴木\\\"一\\\"\"}");
    assert_eq!(read["output"][2]["action"]["query"], fill("«P»").as_str());
    assert_eq!(summary.counts.restored, 3);
}

#[test]
fn completions_and_lines() {
    let completions = adapter("api.openai.com", "/v1/completions");
    let wire: String = chunks(&fill("«P»は«L»"), 2)
        .iter()
        .map(|piece| format!("data: {{\"id\":\"x\",\"object\":\"text_completion\",\"choices\":[{{\"text\":{},\"index\":0,\"logprobs\":null,\"finish_reason\":null}}]}}\n\n", json(piece)))
        .chain(["data: {\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_owned()])
        .collect();
    let (out, _) = restore(&completions, SSE, &wire);
    let text: String =
        events(&out).iter().filter_map(|event| event["choices"][0]["text"].as_str().map(str::to_owned)).collect();
    assert_eq!(text, format!("山田太郎は6.2※\n\n{BLIND_NOTE}"));
}

#[test]
fn a_cut_stream_says_so() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    let wire = chat("«P»様", 1);
    let cut = wire.find("\"stop\"").unwrap();
    let (out, summary) = run(&adapter, &Settings::default(), SSE, &[&wire.as_bytes()[..cut]]);
    assert!(!summary.ended);
    assert_eq!(chat_text(&out, 0), "山田太郎様");
    assert!(out.ends_with("\n\n"));
    let gemini = provider("generativelanguage.googleapis.com", "/v1beta/models/m:streamGenerateContent");
    let array = format!("[{}", gemini_chunks(false).join(",\r\n"));
    let mut restorer = Restorer::new(map(), gemini, &Settings::default(), "application/json");
    let mut out = Vec::new();
    restorer.push(&array.as_bytes()[..array.len() - 4], &mut out).unwrap();
    assert!(!restorer.finish(&mut out).unwrap().ended);
    assert!(restorer.state().elements.unwrap() > 0);
    out.extend_from_slice(b"]");
    assert!(serde_json::from_slice::<Vec<serde_json::Value>>(&out).is_ok());
}

#[test]
fn limits_hold() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    let settings = Settings { event_limit: 64, body_limit: 64, open_limit: 2, ..Settings::default() };
    let long = vec![b'x'; 200];
    for media in [SSE, "application/json", "application/x-ndjson"] {
        let mut restorer = Restorer::new(map(), Arc::clone(&adapter), &settings, media);
        assert!(matches!(restorer.push(&long, &mut Vec::new()), Err(RestoreError::TooLong { .. })), "{media}");
    }
    let settings = Settings { open_limit: 2, ..Settings::default() };
    let mut restorer = Restorer::new(map(), adapter, &settings, SSE);
    let wire: String = (0..3)
        .map(|index| format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"[\"}}}}]}}\n\n"))
        .collect();
    assert_eq!(restorer.push(wire.as_bytes(), &mut Vec::new()), Err(RestoreError::TooMany { limit: 2 }));
}

#[test]
fn plain_text_and_other_media() {
    let adapter = adapter("api.openai.com", "/v1/chat/completions");
    assert_eq!(restore(&adapter, "text/plain; charset=utf-8", &fill("«P»様")).0, "山田太郎様");
    assert_eq!(restore(&adapter, "audio/mpeg", &fill("«P»様")).0, fill("«P»様"));
    assert_eq!(restore(&adapter, "application/json; charset=utf-16", &fill("\"«P»\"")).0, fill("\"«P»\""));
}
