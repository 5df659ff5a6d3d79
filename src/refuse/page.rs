//! The page a browser gets: the same words as the JSON, escaped, under a policy that runs nothing and loads nothing.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::Refusal;
use super::message::{headline, reason_en, reason_ja, reasons, way, ways, what_en, what_ja, word};
use super::place::place_ja;

const STYLE: &str = "body{font:16px/1.7 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;\
background:#fff}h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}th,td{border:1px solid #888;padding:.4rem .6rem;\
text-align:left;vertical-align:top;overflow-wrap:anywhere}th{white-space:nowrap}code{font-size:.9em}@media(prefers-color-scheme:dark){body{\
background:#161616;color:#eee}}";

/// Only our own style, by its digest.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// Headers of the page.
pub(super) fn headers() -> Vec<(String, String)> {
    [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY.as_str()),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The page.
#[must_use]
pub fn page(refusal: &Refusal) -> String {
    let (ja, en) = headline(&refusal.cause);
    let mut out = String::with_capacity(4096);
    let _infallible = write!(
        out,
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>衝立 Tsuitate</title>\
         <style>{STYLE}</style></head><body><h1>{}</h1><p lang=\"en\">{}</p>",
        escape(ja),
        escape(en)
    );
    let found = reasons(&refusal.cause);
    if found.is_empty() {
        let _infallible = write!(
            out,
            "<p>{}</p><p lang=\"en\">{}</p>",
            escape(&reason_ja(&refusal.cause)),
            escape(&reason_en(&refusal.cause))
        );
    } else {
        out.push_str("<table><tr><th>情報 <span lang=\"en\">What</span></th><th>件数 <span lang=\"en\">Count</span></th><th>場所 <span lang=\"en\">Where</span></th><th>規則 <span lang=\"en\">Rule</span></th></tr>");
        for reason in found {
            let places: Vec<String> = reason
                .places
                .iter()
                .map(|spot| {
                    let line = spot.line.map(|line| format!(" {line}行目")).unwrap_or_default();
                    format!("<code>{}</code>{line}", escape(&word(&place_ja(&spot.address))))
                })
                .collect();
            let rules: Vec<String> =
                reason.rules.iter().map(|rule| format!("<code>{}</code>", escape(&word(rule)))).collect();
            let _infallible = write!(
                out,
                "<tr><td>{} <span lang=\"en\">{}</span></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&what_ja(reason.what)),
                escape(&what_en(reason.what)),
                reason.count,
                places.join("<br>"),
                rules.join("<br>")
            );
        }
        out.push_str("</table>");
    }
    let ways = ways(refusal);
    if !ways.is_empty() {
        out.push_str("<h2>できること <span lang=\"en\">What to do</span></h2><ul>");
        for step in &ways {
            let (ja, en) = way(step);
            let _infallible = write!(out, "<li>{} <span lang=\"en\">{}</span></li>", escape(&ja), escape(&en));
        }
        out.push_str("</ul>");
    }
    let contact = &refusal.contact;
    let _infallible = write!(
        out,
        "<p>問い合わせ: {} {} {}</p><p>記録番号 <span lang=\"en\">Record</span>: <code>{}</code></p></body></html>",
        escape(&word(&contact.name)),
        escape(&word(&contact.extension)),
        escape(&word(&contact.hours)),
        escape(&word(&refusal.record))
    );
    out
}

/// Text in HTML, also in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
