//! The words of a refusal: one line, Japanese and English, with what, how many, where, rules, way on, whom, record.
//! Must not know: JSON, HTML, providers.

use super::place::place_ja;
use super::{Cause, Contact, Language, Reason, Refusal, Spot, Unit, Way, What};
use crate::detect::{Class, Kind};

/// Things named in one message; the rest is counted.
const REASONS_MAX: usize = 6;
const SPOTS_MAX: usize = 3;
const RULES_MAX: usize = 4;
/// Longest string from elsewhere, in characters.
const WORD_MAX: usize = 120;

/// The whole message on one line, both languages.
#[must_use]
pub fn message(refusal: &Refusal) -> String {
    let (ja, en) = (japanese(refusal), english(refusal));
    match refusal.first {
        Language::Japanese => format!("{ja} / {en}"),
        Language::English => format!("{en} / {ja}"),
    }
}

/// The Japanese half.
#[must_use]
pub fn japanese(refusal: &Refusal) -> String {
    let mut out = format!("[衝立] {}", headline(&refusal.cause).0);
    let reason = reason_ja(&refusal.cause);
    if !reason.is_empty() {
        out.push_str(&format!("理由: {reason}。"));
    }
    let ways: Vec<String> = ways(refusal).iter().map(way_ja).collect();
    if !ways.is_empty() {
        out.push_str(&format!("対処: {}。", ways.join("、または")));
    }
    if let Some(contact) = contact(&refusal.contact, "内線") {
        out.push_str(&format!("問い合わせ: {contact}。"));
    }
    out.push_str(&format!("記録番号: {}", word(&refusal.record)));
    out
}

/// The English half.
#[must_use]
pub fn english(refusal: &Refusal) -> String {
    let mut out = format!("[Tsuitate] {}", headline(&refusal.cause).1);
    let reason = reason_en(&refusal.cause);
    if !reason.is_empty() {
        out.push_str(&format!(" Reason: {reason}."));
    }
    let ways: Vec<String> = ways(refusal).iter().map(way_en).collect();
    if !ways.is_empty() {
        out.push_str(&format!(" What to do: {}.", ways.join(", or ")));
    }
    if let Some(contact) = contact(&refusal.contact, "ext.") {
        out.push_str(&format!(" Contact: {contact}."));
    }
    out.push_str(&format!(" Record: {}", word(&refusal.record)));
    out
}

/// What happened, in a sentence: Japanese, English.
#[must_use]
pub fn headline(cause: &Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Found(_) => (
            "送信を止めました。AIには何も送っていません。",
            "This request was stopped; nothing was sent to the AI service.",
        ),
        Cause::Held { .. } => (
            "確認が必要な内容のため送信を止めました。AIには何も送っていません。",
            "This request needs approval; nothing was sent to the AI service.",
        ),
        Cause::NotApproved { .. } => (
            "承認されていないAIサービスのため送信を止めました。何も送っていません。",
            "This AI service is not approved; nothing was sent.",
        ),
        Cause::Unreadable { .. } => (
            "内容を検査できないため送信を止めました。何も送っていません。",
            "The content cannot be checked, so nothing was sent.",
        ),
        Cause::Limit { .. } => {
            ("上限を超えたため送信を止めました。何も送っていません。", "A limit was exceeded; nothing was sent.")
        }
        Cause::NotOffered { .. } => (
            "この送り方には対応していないため止めました。何も送っていません。",
            "This way of sending is not supported; nothing was sent.",
        ),
        Cause::BadRequest { .. } => (
            "要求の形式が正しくないため止めました。何も送っていません。",
            "The request is malformed; nothing was sent.",
        ),
        Cause::AccountRequired => (
            "プロキシの利用者として確認できないため止めました。何も送っていません。利用者名とパスワードを設定し直してください。",
            "An account of the proxy is required; nothing was sent. Set its name and password again.",
        ),
        Cause::Failed { .. } => (
            "検査を終えられなかったため送信を止めました。何も送っていません。",
            "The check could not be completed, so nothing was sent.",
        ),
        Cause::Overloaded { .. } => {
            ("混み合っているため受け付けられませんでした。何も送っていません。", "The gate is busy; nothing was sent.")
        }
        Cause::Upstream { sent: false, .. } => (
            "AIサービスにつながりませんでした。何も送っていません。",
            "The AI service could not be reached; nothing was sent.",
        ),
        Cause::Upstream { sent: true, .. } => (
            "AIサービスから回答がありませんでした。内容はAIに届いている可能性があります。",
            "The AI service gave no answer; it may have received the request.",
        ),
        Cause::Certificate { .. } => (
            "AIサービスの証明書を確認できないため送信を止めました。何も送っていません。",
            "The certificate of the AI service is not trusted; nothing was sent.",
        ),
        Cause::AnswerCut { .. } => (
            "AIの回答が途中で切れました。ここまでの回答は完全ではありません。",
            "The answer of the AI service broke off; what you see is incomplete.",
        ),
    }
}

/// The findings of this cause.
pub(super) fn reasons(cause: &Cause) -> &[Reason] {
    match cause {
        Cause::Found(reasons) | Cause::Held { reasons, .. } => reasons,
        _ => &[],
    }
}

/// The ways on: those given, and those that follow from the cause; none twice.
pub(super) fn ways(refusal: &Refusal) -> Vec<Way> {
    let mut ways = refusal.ways.clone();
    match &refusal.cause {
        Cause::Held { page, .. } => ways.extend(page.clone().map(Way::Release)),
        Cause::NotApproved { approved, .. } => {
            ways.splice(0..0, approved.iter().take(REASONS_MAX).cloned().map(Way::Service));
        }
        Cause::Unreadable { cure, .. } | Cause::NotOffered { cure, .. } | Cause::BadRequest { cure, .. } => {
            ways.push(Way::Do(cure.clone()));
        }
        // Waiting sends the same body again, and its size is what the text makes it.
        Cause::Limit { unit: Unit::Seconds, .. } => ways.push(Way::Later),
        Cause::Limit { .. } => ways.extend([Way::Smaller, Way::Call]),
        Cause::Certificate { .. } | Cause::Upstream { later: false, .. } => ways.push(Way::Tell),
        Cause::Failed { .. } => ways.extend([Way::Later, Way::Call]),
        Cause::Overloaded { .. } | Cause::Upstream { .. } | Cause::AnswerCut { .. } => ways.push(Way::Later),
        Cause::Found(_) | Cause::AccountRequired => {}
    }
    let mut once: Vec<Way> = Vec::with_capacity(ways.len());
    for way in ways {
        if !once.contains(&way) {
            once.push(way);
        }
    }
    once
}

pub(super) fn reason_ja(cause: &Cause) -> String {
    match cause {
        Cause::Found(reasons) | Cause::Held { reasons, .. } => {
            let mut parts: Vec<String> = reasons
                .iter()
                .take(REASONS_MAX)
                .map(|reason| {
                    let rules = rules(&reason.rules);
                    if reason.what == What::Rule {
                        return format!("規則 {rules} により停止");
                    }
                    let mut part = format!("{} {}件", what_ja(reason.what), reason.count);
                    let places = spots(&reason.places, place_ja, |line| format!(" {line}行目"));
                    match (places.is_empty(), rules.is_empty()) {
                        (false, false) => part.push_str(&format!("（{places}、規則 {rules}）")),
                        (false, true) => part.push_str(&format!("（{places}）")),
                        (true, false) => part.push_str(&format!("（規則 {rules}）")),
                        (true, true) => {}
                    }
                    part
                })
                .collect();
            if reasons.len() > REASONS_MAX {
                parts.push(format!("ほか {}種類", reasons.len() - REASONS_MAX));
            }
            parts.join("、")
        }
        Cause::NotApproved { service, .. } => format!("{} は承認済みの一覧にありません", word(service)),
        Cause::Unreadable { what, place, .. } => place_of(&word(&what.ja), place.as_deref().map(place_ja).as_deref()),
        Cause::Limit { name, limit, observed, unit } => match observed {
            Some(observed) => {
                format!("{} の上限 {} に対し {}", word(name), amount_ja(*limit, *unit), amount_ja(*observed, *unit))
            }
            None => format!("{} の上限 {}", word(name), amount_ja(*limit, *unit)),
        },
        Cause::NotOffered { what, .. }
        | Cause::BadRequest { what, .. }
        | Cause::Upstream { what, .. }
        | Cause::Certificate { what }
        | Cause::AnswerCut { what }
        | Cause::Failed { step: what } => word(&what.ja),
        Cause::Overloaded { .. } | Cause::AccountRequired => String::new(),
    }
}

pub(super) fn reason_en(cause: &Cause) -> String {
    match cause {
        Cause::Found(reasons) | Cause::Held { reasons, .. } => {
            let mut parts: Vec<String> = reasons
                .iter()
                .take(REASONS_MAX)
                .map(|reason| {
                    let rules = rules(&reason.rules);
                    if reason.what == What::Rule {
                        return format!("stopped by rule {rules}");
                    }
                    let mut part = format!("{} x{}", what_en(reason.what), reason.count);
                    let places = spots(&reason.places, str::to_owned, |line| format!(" line {line}"));
                    match (places.is_empty(), rules.is_empty()) {
                        (false, false) => part.push_str(&format!(" ({places}; rule {rules})")),
                        (false, true) => part.push_str(&format!(" ({places})")),
                        (true, false) => part.push_str(&format!(" (rule {rules})")),
                        (true, true) => {}
                    }
                    part
                })
                .collect();
            if reasons.len() > REASONS_MAX {
                parts.push(format!("{} more", reasons.len() - REASONS_MAX));
            }
            parts.join(", ")
        }
        Cause::NotApproved { service, .. } => format!("{} is not on the approved list", word(service)),
        Cause::Unreadable { what, place, .. } => {
            place_of(&word(&what.en), place.as_deref().map(str::to_owned).as_deref())
        }
        Cause::Limit { name, limit, observed, unit } => match observed {
            Some(observed) => format!("{} is {}, got {}", word(name), amount(*limit, *unit), amount(*observed, *unit)),
            None => format!("{} is {}", word(name), amount(*limit, *unit)),
        },
        Cause::NotOffered { what, .. }
        | Cause::BadRequest { what, .. }
        | Cause::Upstream { what, .. }
        | Cause::Certificate { what }
        | Cause::AnswerCut { what }
        | Cause::Failed { step: what } => word(&what.en),
        Cause::Overloaded { .. } | Cause::AccountRequired => String::new(),
    }
}

fn place_of(what: &str, place: Option<&str>) -> String {
    place.map_or_else(|| what.to_owned(), |place| format!("{what} ({})", word(place)))
}

fn amount(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes if value >= 1 << 20 && value.is_multiple_of(1 << 20) => format!("{} MiB", value >> 20),
        Unit::Bytes if value >= 1 << 10 && value.is_multiple_of(1 << 10) => format!("{} KiB", value >> 10),
        Unit::Bytes => format!("{value} bytes"),
        Unit::Count => value.to_string(),
        Unit::Seconds => format!("{value} s"),
        Unit::Ratio => format!("{value}:1"),
        Unit::Work => format!("{value} work units"),
    }
}

fn amount_ja(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => format!("{value}秒"),
        Unit::Ratio => format!("{value}倍"),
        Unit::Work => format!("{value}作業単位"),
        Unit::Bytes | Unit::Count => amount(value, unit),
    }
}

fn spots(spots: &[Spot], place: impl Fn(&str) -> String, line: impl Fn(u32) -> String) -> String {
    let mut parts: Vec<String> = spots
        .iter()
        .take(SPOTS_MAX)
        .map(|spot| word(&place(&spot.address)) + &spot.line.map(&line).unwrap_or_default())
        .collect();
    if spots.len() > SPOTS_MAX {
        parts.push(format!("+{}", spots.len() - SPOTS_MAX));
    }
    parts.join(", ")
}

fn rules(rules: &[String]) -> String {
    let mut parts: Vec<String> = rules.iter().take(RULES_MAX).map(|rule| word(rule)).collect();
    if rules.len() > RULES_MAX {
        parts.push(format!("+{}", rules.len() - RULES_MAX));
    }
    parts.join(" ")
}

fn way_ja(way: &Way) -> String {
    match way {
        Way::Remove => "該当箇所を消すか書き換えて送り直す".to_owned(),
        Way::RemoveCredential => {
            "パスワードや鍵を消して送り直す（他の人に見せた覚えがあれば、その鍵を変更する）".to_owned()
        }
        Way::MoveIntoText => "該当の情報をURLや項目名などから外し、メッセージの本文に書いて送り直す".to_owned(),
        Way::Use(name) => {
            format!("承認済みの用途「{}」を選ぶ（プロキシの利用者名を「名前+{0}」とする）", word(name))
        }
        Way::SignIn => "ご自身の利用者名とパスワードをプロキシに設定して送り直す".to_owned(),
        Way::Apply => "利用申請をして、この内容を送れる用途の承認を受ける".to_owned(),
        Way::Service(name) => format!("承認済みの {} を使う", word(name)),
        Way::Release(page) => format!("{} で確認を依頼する", word(page)),
        Way::Smaller => "小さく分けて送り直す".to_owned(),
        Way::PlainText => "本文を文字で貼り付けて送り直す".to_owned(),
        Way::Later => "しばらくして送り直す".to_owned(),
        Way::Tell => "記録番号を問い合わせ先（なければゲートの管理者）に伝える（送り直しても直りません）".to_owned(),
        Way::NewChat => "新しいチャットで始める".to_owned(),
        Way::Call => "院内の問い合わせ先に連絡する".to_owned(),
        Way::Do(said) => word(&said.ja),
    }
}

fn way_en(way: &Way) -> String {
    match way {
        Way::Remove => "remove or reword what is named and send again".to_owned(),
        Way::RemoveCredential => {
            "take the password or key out and send again (change it if others may have seen it)".to_owned()
        }
        Way::MoveIntoText => "move it from the address or field into the text of the message and send again".to_owned(),
        Way::Use(name) => format!("choose the approved use \"{}\" (proxy user \"name+{0}\")", word(name)),
        Way::SignIn => "set your own account of the proxy and send again".to_owned(),
        Way::Apply => "apply for a use that allows this".to_owned(),
        Way::Service(name) => format!("use the approved service {}", word(name)),
        Way::Release(page) => format!("ask for approval at {}", word(page)),
        Way::Smaller => "send it in smaller pieces".to_owned(),
        Way::PlainText => "paste the content as plain text".to_owned(),
        Way::Later => "try again later".to_owned(),
        Way::Tell => {
            "tell the contact (or whoever runs the gate) the record number; sending again does not help".to_owned()
        }
        Way::NewChat => "start a new chat".to_owned(),
        Way::Call => "ask the contact in your house".to_owned(),
        Way::Do(said) => word(&said.en),
    }
}

pub(super) fn way(way: &Way) -> (String, String) {
    (way_ja(way), way_en(way))
}

fn contact(contact: &Contact, extension: &str) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    if !contact.name.trim().is_empty() {
        parts.push(word(&contact.name));
    }
    if !contact.extension.trim().is_empty() {
        parts.push(format!("{extension} {}", word(&contact.extension)));
    }
    if parts.is_empty() {
        return None;
    }
    if !contact.hours.trim().is_empty() {
        parts.push(format!("({})", word(&contact.hours)));
    }
    Some(parts.join(" "))
}

/// The word people read, Japanese.
pub(super) fn what_ja(what: What) -> String {
    match what {
        What::Kind(kind) => kind.ja().to_owned(),
        What::Class(class) => class.ja().to_owned(),
        What::Frozen(kind) => format!("{}（書き換えられない場所）", kind.ja()),
        What::Rule => "院内の規則".to_owned(),
    }
}

/// The word people read, English.
pub(super) fn what_en(what: What) -> String {
    match what {
        What::Kind(kind) => kind_en(kind).to_owned(),
        What::Class(class) => class_en(class).to_owned(),
        What::Frozen(kind) => format!("{} in a field that cannot be changed", kind_en(kind)),
        What::Rule => "rule of the house".to_owned(),
    }
}

const fn kind_en(kind: Kind) -> &'static str {
    match kind {
        Kind::PersonName => "person's name",
        Kind::PatientId => "patient number",
        Kind::InsuranceId => "insurance number",
        Kind::NationalId => "national ID number",
        Kind::BirthDate => "date of birth",
        Kind::CareDate => "date of care",
        Kind::Age => "age",
        Kind::Phone => "phone or fax number",
        Kind::Email => "e-mail address",
        Kind::Address => "address",
        Kind::PostalCode => "postal code",
        Kind::OnlineId => "online ID",
        Kind::LabValue => "lab value",
        Kind::StaffId => "staff number",
        Kind::LicenseNumber => "licence number",
        Kind::BankAccount => "bank account",
        Kind::CreditCard => "card number",
        Kind::Credential => "credential",
    }
}

const fn class_en(class: Class) -> &'static str {
    match class {
        Class::ChartText => "chart text",
        Class::HrRecord => "personnel record",
        Class::PartnerSecret => "partner's secret",
        Class::InternalDocument => "unpublished internal document",
        Class::Contract => "contract",
        Class::AuditDocument => "audit document",
    }
}

/// One line, no control characters, of a sane length.
pub(super) fn word(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| {
            if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                ' '
            } else {
                c
            }
        })
        .take(WORD_MAX)
        .collect();
    if text.chars().nth(WORD_MAX).is_some() { line + "…" } else { line }
}
