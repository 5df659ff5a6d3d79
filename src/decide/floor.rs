//! What no rule, use, release or mode lifts (DESIGN §4), and what counts in places that cannot be changed (DESIGN §5).
//! Must not know: the policy.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Treatment;
use crate::detect::{Finding, Kind};

/// The confidence from which any finding blocks in a lax frozen place.
pub const LAX_CONFIDENCE: f32 = 0.9;

/// Identifiers of people: always replaced.
#[must_use]
pub const fn identifier(kind: Kind) -> bool {
    !matches!(kind, Kind::CareDate | Kind::Age | Kind::LabValue | Kind::Credential)
}

#[must_use]
pub fn my_number(finding: &Finding) -> bool {
    finding.kind == Kind::NationalId && finding.subtype.as_deref() == Some("my_number")
}

/// Found by the hospital's own list: the rules of that engine are all named `list.…`.
#[must_use]
pub fn list_hit(finding: &Finding) -> bool {
    finding.rule.as_str().starts_with("list.")
}

/// What a finding gets at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    Block,
    Redact,
    /// Replaced, by any treatment but `keep`.
    Replace,
    None,
}

/// The floor of a finding.
#[must_use]
pub fn of(finding: &Finding) -> Floor {
    if finding.kind == Kind::Credential {
        Floor::Block
    } else if my_number(finding) {
        Floor::Redact
    } else if identifier(finding.kind) || list_hit(finding) {
        Floor::Replace
    } else {
        Floor::None
    }
}

/// The nearest treatment that the floor allows.
#[must_use]
pub fn raise(floor: Floor, treatment: Treatment) -> Treatment {
    match (floor, treatment) {
        (Floor::Redact, _) => Treatment::Redact,
        (Floor::Replace | Floor::Block, Treatment::Keep) => Treatment::Token,
        _ => treatment,
    }
}

/// In tool names, schemas, cache keys and signed text only these count.
#[must_use]
pub fn strong(finding: &Finding) -> bool {
    finding.kind == Kind::Credential
        || my_number(finding)
        || list_hit(finding)
        || (finding.proven && identifier(finding.kind))
        || finding.confidence >= LAX_CONFIDENCE
}

/// Examples that were set aside for documentation: example.com and its like, 555-01xx, 192.0.2.0/24 and its like.
#[must_use]
pub fn reserved_example(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Email => text.rsplit(['@', '＠']).next().is_some_and(reserved_domain),
        Kind::OnlineId => reserved_address(text) || url_host(text).is_some_and(reserved_domain),
        Kind::Phone => reserved_phone(text),
        _ => false,
    }
}

fn reserved_domain(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let reserved = ["example.com", "example.net", "example.org", "example.jp", "example.co.jp"];
    let top = ["example", "test", "invalid", "localhost"];
    reserved.iter().any(|name| domain == *name || domain.ends_with(&format!(".{name}")))
        || domain.rsplit('.').next().is_some_and(|last| top.contains(&last))
}

fn url_host(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit('@').next()?;
    Some(host.split(':').next().unwrap_or(host))
}

fn reserved_address(text: &str) -> bool {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return matches!(address.octets(), [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _]);
    }
    text.parse::<Ipv6Addr>().is_ok_and(|address| matches!(address.segments(), [0x2001, 0xdb8, ..]))
}

fn reserved_phone(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = if digits.len() == 11 { digits.strip_prefix('1') } else { Some(digits.as_str()) };
    let local = match national {
        Some(number) if number.len() == 10 => number.get(3..),
        Some(number) if number.len() == 7 => Some(number),
        _ => None,
    };
    local.is_some_and(|local| local.starts_with("55501"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_examples_are_known() {
        for (kind, text, reserved) in [
            (Kind::Email, "taro@example.com", true),
            (Kind::Email, "taro@mail.example.org", true),
            (Kind::Email, "taro@notexample.com", false),
            (Kind::Email, "taro@example.com.evil.jp", false),
            (Kind::OnlineId, "192.0.2.17", true),
            (Kind::OnlineId, "192.0.3.17", false),
            (Kind::OnlineId, "2001:db8::1", true),
            (Kind::OnlineId, "https://example.com/~taro", true),
            (Kind::OnlineId, "https://example.com@blog.jp/taro", false),
            (Kind::Phone, "(212) 555-0147", true),
            (Kind::Phone, "+1 212-555-0147", true),
            (Kind::Phone, "212-555-0247", false),
            (Kind::Phone, "03-5550-1234", false),
            (Kind::PersonName, "example.com", false),
        ] {
            assert_eq!(reserved_example(kind, text), reserved, "{text}");
        }
    }
}
