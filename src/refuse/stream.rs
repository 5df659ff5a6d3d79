//! A refusal inside a stream that has begun: the provider's error event, never a bare cut, which most clients take for
//! the end of a whole answer (PROVIDERS §6, second table).

use super::shape::{Asker, Fill, json, template};
use super::{Cause, Refusal};
use crate::locate::provider::{ErrorShape, StreamKind};

/// Where a stream stands, as `Restorer::state` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// One JSON array instead of events: how many elements have gone out (`None`: it is no array).
    pub elements: Option<u64>,
    /// The next `sequence_number` (Responses).
    pub sequence: u64,
}

/// The bytes that end a stream of this kind with an error its clients show.
#[must_use]
pub fn in_stream(kind: StreamKind, shape: &ErrorShape, refusal: &Refusal, state: &StreamState) -> Vec<u8> {
    let fill = Fill::new(refusal, &Asker::default());
    let (message, record) = (json(fill.message()), json(fill.record()));
    let body = || fill.body(&template(shape, &refusal.cause));
    let upstream = matches!(refusal.cause, Cause::Upstream { .. } | Cause::AnswerCut { .. } | Cause::Overloaded { .. });
    let (error_type, status, number, code) = if upstream {
        ("server_error", "UNAVAILABLE", 503, "tsuitate_upstream")
    } else {
        ("invalid_request_error", "INVALID_ARGUMENT", 400, "tsuitate_refused")
    };
    match kind {
        StreamKind::OpenAiChat if shape.id == "mistral" => data(&format!(
            // Its SDK knows no error event: the text is shown, then the end is told.
            "{{\"id\":\"{record}\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"tsuitate\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\"{message}\"}},\"finish_reason\":\"error\"}}]}}"
        ))
        .into_iter()
        .chain(data("[DONE]"))
        .collect(),
        StreamKind::OpenAiChat => data(&format!(
            "{{\"error\":{{\"message\":\"{message}\",\"type\":\"{error_type}\",\"param\":null,\"code\":\"{code}\"}}}}"
        )),
        // Both forms: what the flat one does not raise, the nested one does.
        StreamKind::OpenAiResponses | StreamKind::OpenAiAssistants => event(
            "error",
            &format!(
                "{{\"type\":\"error\",\"code\":\"{code}\",\"message\":\"{message}\",\"param\":null,\"sequence_number\":{},\
                 \"error\":{{\"message\":\"{message}\",\"type\":\"{error_type}\",\"param\":null,\"code\":\"{code}\"}}}}",
                state.sequence
            ),
        ),
        StreamKind::Anthropic => {
            let error_type = if upstream { "api_error" } else { "invalid_request_error" };
            event(
                "error",
                &format!(
                    "{{\"type\":\"error\",\"error\":{{\"type\":\"{error_type}\",\"message\":\"{message}\"}},\
                     \"request_id\":\"{record}\"}}"
                ),
            )
        }
        StreamKind::Gemini | StreamKind::GeminiInteractions => {
            let object =
                format!("{{\"error\":{{\"code\":{number},\"message\":\"{message}\",\"status\":\"{status}\"}}}}");
            match state.elements {
                None => data(&object),
                Some(0) => format!("[{object}\n]").into_bytes(),
                Some(_) => format!(",\r\n{object}\n]").into_bytes(),
            }
        }
        StreamKind::OllamaNdjson => format!("{{\"error\":\"{message}\"}}\n").into_bytes(),
        StreamKind::Ndjson => format!("{}\n", body()).into_bytes(),
        StreamKind::Cohere => event(
            "message-end",
            &format!(
                "{{\"type\":\"message-end\",\"delta\":{{\"finish_reason\":\"ERROR\",\"error\":\"{message}\"}}}}"
            ),
        ),
        StreamKind::VercelUi => data(&format!("{{\"type\":\"error\",\"errorText\":\"{message}\"}}")),
        StreamKind::Dify => data(&format!(
            "{{\"event\":\"error\",\"status\":{number},\"code\":\"{code}\",\"message\":\"{message}\"}}"
        )),
        StreamKind::EventStreamConverse | StreamKind::EventStreamInvoke | StreamKind::EventStream => {
            frame(&format!("{{\"message\":\"{message}\"}}"))
        }
        StreamKind::GoogleChunked => {
            let body = body();
            format!("{}\n{body}\n", body.encode_utf16().count() + 1).into_bytes()
        }
        StreamKind::JsonRpc
        | StreamKind::Sse
        | StreamKind::ChatGptDelta
        | StreamKind::DeepSeekDelta
        | StreamKind::Auto
        | StreamKind::None => data(&body()),
    }
}

/// The reason of a WebSocket close (1008): at most 123 bytes, on a character boundary.
#[must_use]
pub fn close_reason(refusal: &Refusal) -> String {
    let record: String = super::message::word(&refusal.record).chars().take(40).collect();
    let mut out = String::new();
    for c in format!("衝立: 送信を止めました / Tsuitate: stopped. {record}").chars() {
        if out.len() + c.len_utf8() > 123 {
            break;
        }
        out.push(c);
    }
    out
}

fn data(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

fn event(name: &str, data: &str) -> Vec<u8> {
    format!("event: {name}\ndata: {data}\n\n").into_bytes()
}

/// One exception frame of `application/vnd.amazon.eventstream`.
fn frame(payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [
        (":message-type", "exception"),
        (":exception-type", "validationException"),
        (":content-type", "application/json"),
    ] {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = (12 + headers.len() + payload.len() + 4) as u32;
    let mut out = Vec::with_capacity(total as usize);
    out.extend_from_slice(&total.to_be_bytes());
    out.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    let prelude = crc(&out);
    out.extend_from_slice(&prelude.to_be_bytes());
    out.extend_from_slice(&headers);
    out.extend_from_slice(payload.as_bytes());
    let whole = crc(&out);
    out.extend_from_slice(&whole.to_be_bytes());
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
