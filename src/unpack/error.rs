//! Why a body could not be read, or an edit not be made. Says what, where and what to do; never holds text of a body.

use crate::locate::json::JsonError;

/// A body that cannot be read, so it must not go out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}; {}", where_it_is(.address), .reason.cure())]
pub struct Unreadable {
    pub reason: Reason,
    /// Where: `messages[3].content[1].source.data`, `part 2`; empty for the whole body.
    pub address: String,
}

fn where_it_is(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(" ({address})") }
}

/// What a part that cannot be put back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    Pdf,
    Office,
    Archive,
    Image,
    Audio,
    Video,
    Protobuf,
    Cbor,
    EventStream,
    Unknown,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Format::Pdf => "a PDF document",
            Format::Office => "an office document",
            Format::Archive => "an archive",
            Format::Image => "an image",
            Format::Audio => "speech or sound",
            Format::Video => "a video",
            Format::Protobuf => "a protobuf message",
            Format::Cbor => "a CBOR or MessagePack message",
            Format::EventStream => "an event stream",
            Format::Unknown => "data of an unknown kind",
        })
    }
}

impl Format {
    /// The word people read.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Format::Pdf => "PDF文書",
            Format::Office => "Office文書",
            Format::Archive => "圧縮ファイル",
            Format::Image => "画像",
            Format::Audio => "音声",
            Format::Video => "動画",
            Format::Protobuf => "protobuf形式のデータ",
            Format::Cbor => "CBORまたはMessagePack形式のデータ",
            Format::EventStream => "イベントストリーム",
            Format::Unknown => "種類の分からないデータ",
        }
    }
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    #[error(transparent)]
    BadJson(#[from] JsonError),
    #[error("content coding {name:?} is not known")]
    UnknownCoding { name: String },
    #[error("the body does not decode as {coding}")]
    BadCoding { coding: &'static str },
    #[error("limit {limit}: {observed} is more than {value}")]
    TooLarge { limit: &'static str, value: usize, observed: usize },
    #[error("limit ratio: the body grows more than {value} times when decoded")]
    Ratio { value: usize },
    #[error("the text is not valid {charset} at byte {offset}")]
    Charset { charset: String, offset: usize },
    #[error("charset {name:?} is not known")]
    UnknownCharset { name: String },
    #[error("the multipart body is broken: {what}")]
    Multipart { what: &'static str },
    #[error("it holds {format}")]
    Document { format: Format },
    #[error("the body is neither text nor a format that is read here")]
    BinaryBody,
    #[error("it holds token numbers instead of text")]
    TokenIds,
    #[error("the request can be read in two ways: {what}")]
    Ambiguous { what: &'static str },
}

impl Reason {
    /// A short name for records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Reason::BadJson(JsonError::Depth { .. }) => "json_depth",
            Reason::BadJson(_) => "bad_json",
            Reason::UnknownCoding { .. } => "unknown_coding",
            Reason::BadCoding { .. } => "bad_coding",
            Reason::TooLarge { .. } => "too_large",
            Reason::Ratio { .. } => "ratio",
            Reason::Charset { .. } => "charset",
            Reason::UnknownCharset { .. } => "unknown_charset",
            Reason::Multipart { .. } => "multipart",
            Reason::Document { .. } => "document",
            Reason::BinaryBody => "binary_body",
            Reason::TokenIds => "token_ids",
            Reason::Ambiguous { .. } => "ambiguous",
        }
    }

    /// What people read; the English sentence is `Display`.
    #[must_use]
    pub fn ja(&self) -> String {
        match self {
            Reason::BadJson(JsonError::Syntax { line, column }) => {
                format!("JSONが{line}行目の{column}文字目（バイト数）で壊れています")
            }
            Reason::BadJson(JsonError::Trailing { offset }) => {
                format!("JSONの終わりのあと（{offset}バイト目）に余分なデータがあります")
            }
            Reason::BadJson(JsonError::LoneSurrogate { offset }) => {
                format!("JSONの文字列の{offset}バイト目に、対になっていない文字コード（サロゲート）があります")
            }
            Reason::BadJson(JsonError::Depth { limit, .. }) => format!("JSONの入れ子が{limit}段を超えています"),
            Reason::BadJson(JsonError::Values { limit }) => format!("JSONの値が{limit}個を超えています"),
            Reason::UnknownCoding { name } => format!("圧縮方式 {name} は読めません"),
            Reason::BadCoding { coding } => format!("{coding} として展開できません"),
            Reason::TooLarge { limit, value, observed } => format!("{limit} の上限 {value} に対し {observed}"),
            Reason::Ratio { value } => format!("展開すると{value}倍を超えて大きくなります"),
            Reason::Charset { charset, offset } => {
                format!("{offset}バイト目が文字コード {charset} として読めません")
            }
            Reason::UnknownCharset { name } => format!("文字コード {name} は読めません"),
            Reason::Multipart { what } => format!("multipart形式が正しくありません{}", in_brackets(what)),
            Reason::Document { format } => format!("{}が含まれています", format.ja()),
            Reason::BinaryBody => "本文が文字でも、ここで読める形式でもありません".to_owned(),
            Reason::TokenIds => "文字ではなくトークン番号で書かれています".to_owned(),
            Reason::Ambiguous { what } => format!("要求が二通りに読めます{}", in_brackets(what)),
        }
    }

    /// What to do.
    #[must_use]
    pub const fn cure(&self) -> &'static str {
        match self {
            Reason::BadJson(JsonError::Depth { .. } | JsonError::Values { .. }) => "send less nested or smaller JSON",
            Reason::BadJson(_) => "send valid JSON (RFC 8259); if you did not write it yourself, tell the contact",
            Reason::UnknownCoding { .. } | Reason::BadCoding { .. } => "send gzip, deflate, br, zstd or no coding",
            Reason::TooLarge { .. } => "send less at once, or raise the limit in [gate.limits]",
            Reason::Ratio { .. } => "send the body without this compression",
            Reason::Charset { .. } | Reason::UnknownCharset { .. } => "send the text in UTF-8",
            Reason::Multipart { .. } => "send the form again with a proper boundary",
            Reason::Document { .. } => "send the text instead; documents and images come with a later version",
            Reason::BinaryBody => "send JSON, a form or text",
            Reason::Ambiguous { .. } => "send it once",
            Reason::TokenIds => "send the text instead of its token numbers",
        }
    }

    /// The same for people.
    #[must_use]
    pub const fn cure_ja(&self) -> &'static str {
        match self {
            Reason::BadJson(JsonError::Depth { .. } | JsonError::Values { .. }) => {
                "入れ子の浅い、または小さいJSONで送り直す"
            }
            Reason::BadJson(_) => {
                "正しいJSON（RFC 8259）で送り直す（ご自身で書いたものでなければ、アプリの不具合として問い合わせ先に伝える）"
            }
            Reason::UnknownCoding { .. } | Reason::BadCoding { .. } => {
                "圧縮せずに、またはgzip・deflate・br・zstdで送り直す"
            }
            Reason::TooLarge { .. } => "小さく分けて送り直す",
            Reason::Ratio { .. } => "圧縮せずに送り直す",
            Reason::Charset { .. } | Reason::UnknownCharset { .. } => "文字コードをUTF-8にして送り直す",
            Reason::Multipart { .. } => {
                "フォームをもう一度送り直す（続くときは、アプリの不具合として問い合わせ先に伝える）"
            }
            Reason::Document { .. } => "ファイルや画像を外し、必要な内容を文字で貼り付けて送り直す",
            Reason::BinaryBody => "内容を文字で貼り付けて送り直す",
            Reason::Ambiguous { .. } => "重なりをなくして送り直す（アプリの不具合として問い合わせ先に伝える）",
            Reason::TokenIds => "トークン番号ではなく文字で送り直す",
        }
    }
}

/// What exactly is wrong, where there is a Japanese word for it.
fn in_brackets(what: &str) -> String {
    let ja = match what {
        "a boundary line with more on it" => "区切り行に余分な文字がある",
        "a boundary line without an end" => "区切り行に終わりがない",
        "a Content-Transfer-Encoding that is not read here" => "読めないContent-Transfer-Encoding",
        "a folded header line" => "折り返されたヘッダー行",
        "a header line without a colon" => "コロンのないヘッダー行",
        "a multipart inside a multipart" => "multipartの中のmultipart",
        "a part without an empty line" => "パートに空行がない",
        "a part without an end" => "パートに終わりがない",
        "base64 of another charset than UTF-8" => "UTF-8でない文字のbase64",
        "base64 that is none" => "base64になっていない",
        "bytes after the closing boundary" => "最後の区切りのあとにデータがある",
        "bytes before the first boundary" => "最初の区切りの前にデータがある",
        "no boundary in the Content-Type" => "Content-Typeに区切りの指定がない",
        "no closing boundary" => "最後の区切りがない",
        "Content-Type stands there twice" => "Content-Typeが二つある",
        _ => return String::new(),
    };
    format!("（{ja}）")
}

impl Unreadable {
    pub(super) fn whole(reason: impl Into<Reason>) -> Self {
        Self { reason: reason.into(), address: String::new() }
    }

    pub(super) fn at(reason: impl Into<Reason>, address: impl Into<String>) -> Self {
        Self { reason: reason.into(), address: address.into() }
    }
}

/// Why edits could not be made, or what went out is not what was planned. The request must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpliceError {
    #[error("edit of text {text}, which does not exist")]
    NoSuchText { text: usize },
    #[error("edit of {address} at bytes {start}..{end}, which are no whole characters of it or overlap another edit")]
    BadRange { address: String, start: usize, end: usize },
    #[error("edit of {address}, which must not change")]
    Frozen { address: String },
    #[error("the replacement in {address} holds a character that the service does not take there")]
    Alphabet { address: String },
    #[error("with the replacement {address} is longer than the {max} characters the service takes")]
    Length { address: String, max: usize },
    #[error("the body cannot be written again: {what}")]
    Unwritable { what: &'static str },
    #[error("read again, the outgoing {what} is not what was planned")]
    Differs { what: &'static str },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_of_a_multipart_has_a_japanese_word() {
        for source in [include_str!("multipart.rs"), include_str!("charset.rs")] {
            let flaws = ["broken(\"", "Err(\"", "ok_or(\"", "Ambiguous { what: \""];
            for flaw in
                flaws.iter().flat_map(|mark| source.split(mark).skip(1)).filter_map(|rest| rest.split('"').next())
            {
                assert!(in_brackets(flaw).starts_with('（'), "{flaw}");
            }
        }
    }

    #[test]
    fn the_japanese_words_are_japanese() {
        let json = |error| Reason::BadJson(error);
        // Two English words in a row.
        let english = regex::Regex::new("[a-z]{2,} [a-z]{2,}").unwrap();
        for reason in [
            json(JsonError::Syntax { line: 1, column: 67 }),
            json(JsonError::Trailing { offset: 3 }),
            json(JsonError::LoneSurrogate { offset: 3 }),
            json(JsonError::Depth { limit: 3, offset: 3 }),
            json(JsonError::Values { limit: 3 }),
            Reason::UnknownCoding { name: "xz".into() },
            Reason::BadCoding { coding: "gzip" },
            Reason::Ratio { value: 100 },
            Reason::Charset { charset: "UTF-8".into(), offset: 3 },
            Reason::UnknownCharset { name: "x".into() },
            Reason::Multipart { what: "no closing boundary" },
            Reason::Document { format: Format::Image },
            Reason::BinaryBody,
            Reason::TokenIds,
            Reason::Ambiguous { what: "Content-Type stands there twice" },
        ] {
            for said in [reason.ja(), reason.cure_ja().to_owned()] {
                assert!(!english.is_match(&said), "{said}");
            }
        }
    }
}
