//! What errors of the house are called in a refusal: Japanese and English, and what to do about them.
//! Must not know: how a refusal looks.

use crate::accept::{BadHead, Trouble};
use crate::forward::ForwardError;
use crate::refuse::{Cause, Said};
use crate::restore::RestoreError;
use crate::wire::dial::DialError;

/// The refusal of a request that the service did not answer.
pub(super) fn upstream(error: &ForwardError) -> Cause {
    let (sent, later) = match error {
        ForwardError::Certificate { .. } => return Cause::Certificate { what: forward(error) },
        ForwardError::Dial(
            DialError::Private(_) | DialError::Loop(_) | DialError::Setting { .. } | DialError::Parent { .. },
        )
        | ForwardError::Request(_) => (false, false),
        ForwardError::Dial(DialError::Name(_) | DialError::Connect { .. } | DialError::Timeout { .. })
        | ForwardError::Tls { .. }
        | ForwardError::ConnectTimeout { .. } => (false, true),
        ForwardError::HeadTimeout { .. }
        | ForwardError::Broken { .. }
        | ForwardError::Cut { .. }
        | ForwardError::Idle { .. } => (true, true),
        ForwardError::Coding { .. } | ForwardError::Upgrade { .. } => (true, false),
    };
    Cause::Upstream { what: forward(error), sent, later }
}

/// Why there is no answer, or no more of it.
pub(super) fn forward(error: &ForwardError) -> Said {
    let ja = match error {
        ForwardError::Dial(error) => dial(error),
        ForwardError::Certificate { to, .. } => {
            format!(
                "{to} の証明書を信頼できません（院内の検査装置を通るときは upstream.extra_roots にその証明書が要ります）"
            )
        }
        ForwardError::Tls { to } => format!("{to} との暗号化通信（TLS）を始められません"),
        ForwardError::ConnectTimeout { to, limit } => {
            format!("{to} に gate.limits.upstream_connect = {limit} の間に接続できません")
        }
        ForwardError::HeadTimeout { to, limit } => {
            format!("{to} が gate.limits.upstream_head = {limit} の間に回答を始めません")
        }
        ForwardError::Broken { to } => format!("{to} が接続を切ったか、HTTPでない応答をしました"),
        ForwardError::Cut { to } => format!("{to} が回答の途中で接続を切りました"),
        ForwardError::Idle { to, limit } => {
            format!("{to} の回答が gate.limits.stream_idle = {limit} の間途絶えました")
        }
        ForwardError::Coding { to, .. } => format!("{to} の回答の圧縮を読めません"),
        ForwardError::Request(_) => "この要求はHTTPとして書き出せません".to_owned(),
        ForwardError::Upgrade { to } => format!("{to} が求めていない通信方式に切り替えました"),
    };
    Said::new(ja, error.to_string())
}

fn dial(error: &DialError) -> String {
    match error {
        DialError::Private(to) => {
            format!("{to} が院内や自分自身のアドレスを指しています（upstream.private_addresses で許可できます）")
        }
        DialError::Loop(to) => format!("{to} がこの衝立自身を指しています"),
        DialError::Name(to) => format!("{to} の名前を解決できません"),
        DialError::Connect { to, .. } => format!("{to} に接続できません"),
        DialError::Timeout { to, limit } => {
            format!("{to} に gate.limits.upstream_connect = {limit} の間に接続できません")
        }
        DialError::Parent { to, .. } => format!("上位のプロキシが {to} への接続を開きません"),
        DialError::Setting { key, .. } => format!("設定 upstream.{key} の値が正しくありません"),
    }
}

/// Why an answer cannot be given on.
pub(super) fn restore(error: &RestoreError) -> Said {
    let ja = match error {
        RestoreError::TooLong { limit_name, limit } => {
            format!("回答が {limit_name} = {limit}バイト を超えました。短い回答を求めてください")
        }
        RestoreError::TooMany { limit } => {
            format!("回答の中で同時に続く文章が restore.open = {limit} を超えました")
        }
        RestoreError::Malformed { what, at } => format!("回答が{at}バイト目で正しい {what} でなくなりました"),
        RestoreError::TooDeep { limit } => format!("回答の入れ子が{limit}段を超えました"),
        RestoreError::Cut => "AIサービスが回答を途中で切りました".to_owned(),
    };
    Said::new(ja, error.to_string())
}

pub(super) fn ended_early() -> Said {
    Said::new("AIサービスが回答を途中で終えました", "the service ended its answer early")
}

/// Why a request is turned away before it is read.
pub(super) fn trouble(trouble: &Trouble) -> Said {
    let ja = match trouble {
        Trouble::Misdirected { asked, made_for } => {
            format!("要求の宛先は {asked} ですが、この接続は {made_for} のためのものです")
        }
        Trouble::Host => "要求に宛先のホスト名がないか、いくつもあります".to_owned(),
        Trouble::Upgrade => "WebSocketなどへの切り替えにはまだ対応していません".to_owned(),
        Trouble::Method => "このHTTPメソッドは使えません".to_owned(),
        Trouble::Head(bad) => head(bad),
        Trouble::Overload { limit } => format!("同時の要求が gate.limits.requests_in_flight = {limit} を超えています"),
    };
    Said::new(ja, trouble.to_string())
}

fn head(bad: &BadHead) -> String {
    match bad {
        BadHead::RequestLine => "要求の最初の行（メソッドと宛先）を読めません".to_owned(),
        BadHead::Field => "読めないヘッダーがあります".to_owned(),
        BadHead::Length => "Content-Lengthが一つの数ではありません".to_owned(),
        BadHead::TransferEncoding => "Transfer-Encodingが chunked 以外か、HTTP/1.0で使われています".to_owned(),
        BadHead::Framing => "Content-LengthとTransfer-Encodingが矛盾しています".to_owned(),
        BadHead::Unfinished => "要求のヘッダーの途中で接続が切れました".to_owned(),
        BadHead::Target { seen } => format!("要求の宛先（URL）が65534バイトを超えています（{seen}バイト）"),
        BadHead::Bytes { limit, seen } => {
            format!("ヘッダーが gate.limits.header_bytes = {limit} を超えています（ここまでで{seen}バイト）")
        }
        BadHead::Count { limit, seen } => {
            format!("ヘッダーが gate.limits.header_count = {limit}個 を超えています（少なくとも{seen}個）")
        }
        BadHead::Time(time) => format!("要求のヘッダーが gate.limits.header_time = {time} の間に届き終わりません"),
    }
}

pub(super) fn body_broken() -> Said {
    Said::new("本文が途中で切れたか、長さの指定と合いません", "the body broke off, or its length is not as announced")
}

/// The code of something that could not be read.
pub(super) fn obstacle(code: &str) -> Said {
    Said::new(format!("検査できない形式です（{code}）"), format!("a form that cannot be searched ({code})"))
}

/// An encoded run that says nothing readable.
pub(super) fn encoded(bytes: usize, limit: usize) -> Said {
    Said::new(
        format!(
            "読み解けない符号化データ（base64など）が {bytes}バイト あります（検査なしで通るのは {limit}バイト まで）"
        ),
        format!("encoded data (base64 or the like) of {bytes} bytes cannot be read; up to {limit} pass unread"),
    )
}

pub(super) fn without_encoded() -> Said {
    Said::new(
        "符号化されたデータを外し、必要な内容を文字で書いて送り直す",
        "take the encoded data out, or write its content as plain text",
    )
}

pub(super) fn as_text() -> Said {
    Said::new("内容を文字で貼り付けて送り直す", "send the content as plain text")
}

pub(super) fn send_again() -> Said {
    Said::new("もう一度送り直す", "send it again")
}

pub(super) fn other_way() -> Said {
    Said::new(
        "この機能を使わず、チャットなど対応している機能で送る",
        "use a function that is supported, such as the chat",
    )
}

pub(super) fn no_socket() -> Said {
    Said::new(
        "音声などの常時接続を使わず、通常の文字のやり取り（HTTP）で送る",
        "use ordinary requests over HTTP instead of a WebSocket",
    )
}

pub(super) fn tell_the_contact() -> Said {
    Said::new(
        "送り直す（続くときは、アプリの不具合として問い合わせ先に伝える）",
        "send it again, and if it happens again tell the contact: the program that sent it is at fault",
    )
}
