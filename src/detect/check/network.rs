//! Addresses of hosts, mailboxes and logins: which of them are somebody's.
//! The words of shared mailboxes and service accounts are data (`patterns/online/shared_words.txt`).
//! Must not know: labels, context.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use super::Outcome;

static SHARED_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("../../../patterns/online/shared_words.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

/// IPv4 address of a host: not loopback, unspecified, broadcast, multicast, documentation or a public resolver.
pub(super) fn ip_host(text: &str) -> Outcome {
    let Ok(address) = text.parse::<Ipv4Addr>() else { return Outcome::NotApplicable };
    let resolvers = [
        [8, 8, 8, 8],
        [8, 8, 4, 4],
        [1, 1, 1, 1],
        [1, 0, 0, 1],
        [9, 9, 9, 9],
        [208, 67, 222, 222],
        [208, 67, 220, 220],
    ];
    let [first, .., last] = address.octets();
    let host =
        !(address.is_loopback() || address.is_broadcast() || address.is_multicast() || address.is_documentation());
    // A first number of 0 is no host; .0 at the end is a network; a version number has small numbers only.
    let version = address.octets().iter().all(|number| *number < 20) && first != 10;
    Outcome::of(host && first != 0 && last != 0 && first < 240 && !version && !resolvers.contains(&address.octets()))
}

/// IPv6 address of a host: not loopback, unspecified, multicast or documentation.
pub(super) fn ip6_host(text: &str) -> Outcome {
    let Ok(address) = text.parse::<Ipv6Addr>() else { return Outcome::NotApplicable };
    let documentation = address.segments().first() == Some(&0x2001) && address.segments().get(1) == Some(&0xdb8);
    let resolver = ["2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001"]
        .contains(&text);
    let network = text.ends_with("::");
    Outcome::of(
        !(address.is_loopback()
            || address.is_unspecified()
            || address.is_multicast()
            || documentation
            || resolver
            || network),
    )
}

/// Hardware address: not all zero or all ones.
pub(super) fn mac(text: &str) -> Outcome {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).map(|byte| byte.to_ascii_lowercase()).collect();
    if digits.len() != 12 {
        return Outcome::NotApplicable;
    }
    Outcome::of(digits.iter().any(|digit| Some(digit) != digits.first()))
}

/// The words of a local part or login: runs of letters.
fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn shared(word: &str) -> bool {
    SHARED_WORDS.contains(word)
        || word.strip_suffix('s').is_some_and(|word| SHARED_WORDS.contains(word))
        || (2..word.len().saturating_sub(1)).any(|at| {
            word.get(..at).is_some_and(|head| SHARED_WORDS.contains(head))
                && word.get(at..).is_some_and(|tail| SHARED_WORDS.contains(tail))
        })
}

/// A mailbox of one person: its local part is not made of words like `info`, `support`, `renkei` alone.
pub(super) fn person_mailbox(text: &str) -> Outcome {
    let Some((local, domain)) = text.rsplit_once(['@', '★']) else { return Outcome::NotApplicable };
    if domain.is_empty() {
        return Outcome::NotApplicable;
    }
    let local = local.split('+').next().unwrap_or(local);
    let words = words(local);
    if words.is_empty() {
        return Outcome::of(local.bytes().any(|byte| byte.is_ascii_digit()));
    }
    let never = words
        .iter()
        .any(|word| matches!(word.as_str(), "noreply" | "donotreply" | "mailer" | "daemon" | "info" | "postmaster"))
        || local.to_lowercase().replace(['-', '_', '.'], "").contains("noreply");
    Outcome::of(!never && !words.iter().all(|word| shared(word)))
}

/// A login made from a name: two words, or an initial and a word, and no word of a machine, role or service.
pub(super) fn person_login(text: &str) -> Outcome {
    let parts: Vec<&str> = text.split(['.', '_', '-']).collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let body: Vec<&str> =
        parts.iter().map(|part| part.trim_end_matches(|letter: char| letter.is_ascii_digit())).collect();
    if body.len() < 2 || body.len() > 3 || !body.iter().all(letters) {
        return Outcome::NotApplicable;
    }
    let named = body.iter().any(|part| part.len() >= 3) && !body.iter().any(|part| shared(part));
    Outcome::of(named)
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, NotApplicable, Passes};
    use super::*;

    #[test]
    fn hosts() {
        for address in ["10.8.41.203", "172.20.3.15", "192.168.77.131", "185.44.201.9"] {
            assert_eq!(ip_host(address), Passes, "{address}");
        }
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "8.8.8.8",
            "1.1.1.1",
            "192.0.2.7",
            "10.0.0.0",
            "255.255.255.0",
            "1.2.3.4",
            "2.14.0.1",
        ] {
            assert_eq!(ip_host(address), Fails, "{address}");
        }
        assert_eq!(ip_host("1.2.3.400"), NotApplicable);
        assert_eq!(ip6_host("2001:db9:4:1a::77"), Passes);
        assert_eq!(ip6_host("2001:db8::1"), Fails);
        assert_eq!(ip6_host("::1"), Fails);
        assert_eq!(mac("00:1A:2b:3c:4d:5e"), Passes);
        assert_eq!(mac("ff:ff:ff:ff:ff:ff"), Fails);
    }

    #[test]
    fn mailboxes() {
        for address in
            ["inoue-go@x.jp", "saya.higami@x.com", "tobias@x.example", "090abc@docomo.ne.jp", ".abc..def.@docomo.ne.jp"]
        {
            assert_eq!(person_mailbox(address), Passes, "{address}");
        }
        for address in [
            "info@x.jp",
            "renkei@x.jp",
            "billing-noreply@x.jp",
            "seminar-entry@x.jp",
            "no-reply@x.jp",
            "day-rehab@x.jp",
            "helpdesk@x.jp",
        ] {
            assert_eq!(person_mailbox(address), Fails, "{address}");
        }
    }

    #[test]
    fn logins() {
        for login in ["s_hatakeyama", "t.osanai", "yamashiro.t", "kudo_rina", "y.tanaka2"] {
            assert_eq!(person_login(login), Passes, "{login}");
        }
        for login in ["his_app", "nurse-st", "db.user", "web_admin", "read_csv"] {
            assert_ne!(person_login(login), Passes, "{login}");
        }
    }
}
