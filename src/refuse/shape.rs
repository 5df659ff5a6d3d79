//! A refusal as an HTTP answer: the provider's body (`ErrorShape`) filled in, or a page for a browser.
//! Status 400 and `x-should-retry: false`, because clients ask again for nearly everything else (PROVIDERS §6).

use super::message::{english, message};
use super::{Cause, Refusal, page};
use crate::locate::Head;
use crate::locate::provider::ErrorShape;

/// An answer ready to be sent. Header names are lower case; the length is the sender's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Who asks, as far as the shape depends on it.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// A browser that navigates: gets a page.
    pub navigation: bool,
    /// JSON-RPC: the raw JSON of the request's `id`.
    pub request_id: Option<String>,
    /// A page of another origin that may read the answer: see [`page_of`].
    pub page: Option<String>,
}

/// The origin of a page in a browser that may read a refusal of its call: one that its browser had to announce first
/// (`Authorization`, JSON), so that the service itself has let this origin in. What needs no announcing gives nobody's
/// page a look.
#[must_use]
pub fn page_of(head: &Head) -> Option<String> {
    let origin = head.header("origin")?;
    let media = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let media = media.split(';').next().unwrap_or_default().trim();
    let simple = matches!(media, "" | "text/plain" | "multipart/form-data" | "application/x-www-form-urlencoded");
    let announced = !simple || head.header("authorization").is_some();
    let proper = origin.starts_with("https://") || origin.starts_with("http://");
    let fits = origin.len() <= 256 && origin.bytes().all(|b| b.is_ascii_graphic());
    (announced && proper && fits).then(|| origin.to_owned())
}

/// A browser loads a page: `Accept` names HTML, and the fetch metadata, where sent, says so.
#[must_use]
pub fn is_navigation(head: &Head) -> bool {
    let html = head.header("accept").is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"));
    html && head.header("sec-fetch-mode").is_none_or(|mode| mode.eq_ignore_ascii_case("navigate"))
}

/// Renders a refusal for this service and this asker.
#[must_use]
pub fn refusal(shape: &ErrorShape, refusal: &Refusal, asker: &Asker) -> Rendered {
    let status = status(shape, &refusal.cause);
    let mut headers = vec![
        ("cache-control".to_owned(), "no-store".to_owned()),
        ("x-tsuitate-record".to_owned(), ascii(&refusal.record)),
    ];
    match &refusal.cause {
        Cause::Overloaded { retry_after_secs } => {
            headers.push(("retry-after".to_owned(), retry_after_secs.to_string()));
        }
        _ => headers.push(("x-should-retry".to_owned(), "false".to_owned())),
    }
    if let Some(origin) = &asker.page {
        for (name, value) in [
            ("access-control-allow-origin", origin.as_str()),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "x-tsuitate-record"),
            ("vary", "origin"),
        ] {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    if asker.navigation {
        headers.extend(page::headers());
        let status = if status == 400 || status == 200 { 403 } else { status };
        return Rendered { status, headers, body: page::page(refusal).into_bytes() };
    }
    headers.push(("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
    let fill = Fill::new(refusal, asker);
    for (name, value) in &shape.headers {
        let name = name.to_ascii_lowercase();
        // An overload is the one answer that may be asked again.
        if !headers.iter().any(|(have, _)| *have == name) && name != "x-should-retry" {
            headers.push((name, fill.header(value)));
        }
    }
    let body = fill.body(&template(shape, &refusal.cause)).into_bytes();
    Rendered { status, headers, body }
}

fn status(shape: &ErrorShape, cause: &Cause) -> u16 {
    match cause {
        Cause::Overloaded { .. } => 503,
        Cause::Upstream { .. } | Cause::AnswerCut { .. } => 502,
        // A protocol that answers errors with 200 keeps it; every other refusal is 400, which no client sends again.
        _ if shape.status == 200 => 200,
        _ => 400,
    }
}

/// The shape's body, with the words of an overload where it is one.
pub(super) fn template(shape: &ErrorShape, cause: &Cause) -> String {
    let body = if shape.body.contains("{message}") {
        shape.body.as_str()
    } else {
        // A shape for pages, met by a program.
        r#"{"error":{"message":"{message}","type":"tsuitate_refused","code":"tsuitate_refused"}}"#
    };
    let (number, grpc, kind, code) = match cause {
        Cause::Overloaded { .. } => ("503", "UNAVAILABLE", overloaded(&shape.id), "tsuitate_overloaded"),
        Cause::Upstream { .. } | Cause::AnswerCut { .. } => ("502", "UNAVAILABLE", "api_error", "tsuitate_upstream"),
        _ => return body.to_owned(),
    };
    body.replace("\"code\":400", &format!("\"code\":{number}"))
        .replace("INVALID_ARGUMENT", grpc)
        .replace("\"invalid_request_error\"", &format!("\"{kind}\""))
        .replace("tsuitate_refused", code)
        .replace("TSUITATE_REFUSED", &code.to_ascii_uppercase())
}

fn overloaded(shape: &str) -> &'static str {
    if shape == "anthropic" { "overloaded_error" } else { "server_error" }
}

/// The values that go into a shape.
pub(super) struct Fill {
    message: String,
    ascii: String,
    record: String,
    request_id: String,
}

impl Fill {
    pub(super) fn new(refusal: &Refusal, asker: &Asker) -> Self {
        Self {
            message: message(refusal),
            ascii: ascii(&english(refusal)),
            record: super::message::word(&refusal.record),
            request_id: asker.request_id.as_deref().and_then(json_rpc_id).unwrap_or_else(|| "null".to_owned()),
        }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn record(&self) -> &str {
        &self.record
    }

    /// Fills a JSON template in one pass, so that a value never is read as a place to fill.
    pub(super) fn body(&self, template: &str) -> String {
        self.fill(template, |name| match name {
            "message" | "page" => Some(json(&self.message)),
            "message_ascii" => Some(json(&self.ascii)),
            "record" => Some(json(&self.record)),
            "request_id" => Some(self.request_id.clone()),
            _ => None,
        })
    }

    fn header(&self, template: &str) -> String {
        self.fill(template, |name| match name {
            "message" | "message_ascii" => Some(self.ascii.clone()),
            "record" => Some(ascii(&self.record)),
            _ => None,
        })
    }

    fn fill(&self, template: &str, value: impl Fn(&str) -> Option<String>) -> String {
        let mut out = String::with_capacity(template.len() + self.message.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            match after.split_once('}').and_then(|(name, tail)| value(name).map(|value| (value, tail))) {
                Some((value, tail)) => {
                    out.push_str(&value);
                    rest = tail;
                }
                None => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }
}

/// A string for the inside of JSON quotes.
pub(super) fn json(text: &str) -> String {
    // Safe inside a script element too, should somebody print it there.
    crate::locate::json::escape(text, crate::locate::json::Style::default()).replace('<', "\\u003c")
}

/// JSON-RPC: a number or a string; anything else is answered with null.
fn json_rpc_id(raw: &str) -> Option<String> {
    match serde_json::from_str(raw).ok()? {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) => Some(format!("\"{}\"", json(&text))),
        _ => None,
    }
}

/// Header values: printable ASCII.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
