//! A host and a port as they stand in CONNECT, a URI or `Host`, brought to one form for comparison.
//! Lower case, no trailing dot, IPv6 without brackets; user info and odd letters are refused.
//! Must not know: which hosts are AI services.

use std::fmt;
use std::net::IpAddr;

/// A host name or address and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    pub host: String,
    pub port: u16,
}

/// One form for a host: lower case, without the root's dot, without brackets. `None` when it is no host.
pub fn normal_host(host: &str) -> Option<String> {
    let bare = match host.strip_prefix('[') {
        Some(rest) => {
            let inside = rest.strip_suffix(']')?;
            return inside.parse::<std::net::Ipv6Addr>().ok().map(|ip| ip.to_string());
        }
        None => host.strip_suffix('.').unwrap_or(host),
    };
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some(ip.to_string());
    }
    let fits = !bare.is_empty()
        && bare.len() <= 253
        && bare.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    fits.then(|| bare.to_ascii_lowercase())
}

impl HostPort {
    /// Reads `host`, `host:port`, `[v6]:port`. Without a port, `default` stands; without either, `None`.
    pub fn parse(text: &str, default: Option<u16>) -> Option<Self> {
        let (host, port) = if let Some(end) = text.strip_prefix('[').and_then(|_| text.find(']')) {
            let (host, rest) = text.split_at(end + 1);
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return None,
            }
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        let port = match port {
            Some(port) if port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) => port.parse().ok()?,
            Some(_) => return None,
            None => default?,
        };
        (port != 0).then_some(())?;
        Some(Self { host: normal_host(host)?, port })
    }

    /// The address when the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// As it stands in `Host` and in a URI of this scheme.
    pub fn authority(&self, scheme: &str) -> String {
        let standard = matches!((scheme, self.port), ("http", 80) | ("https", 443));
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if standard { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form() {
        let read = |text: &str| HostPort::parse(text, Some(443)).map(|h| h.to_string());
        assert_eq!(read("API.OpenAI.com").as_deref(), Some("api.openai.com:443"));
        assert_eq!(read("api.openai.com.:8443").as_deref(), Some("api.openai.com:8443"));
        assert_eq!(read("[2001:DB8::1]").as_deref(), Some("[2001:db8::1]:443"));
        assert_eq!(read("[2001:db8::1]:80").as_deref(), Some("[2001:db8::1]:80"));
        assert_eq!(read("192.0.2.1:80").as_deref(), Some("192.0.2.1:80"));
        for wrong in [
            "",
            ":443",
            "a b",
            "a@b",
            "api.openai.com:",
            "a:0",
            "a:65536",
            "a:443x",
            "[::1",
            "[::1]x",
            "a..b",
            "-:1:2",
            "日本.jp",
            "a/b",
            "a%2e",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(HostPort::parse("a", None), None);
    }

    #[test]
    fn authority_leaves_the_standard_port_out() {
        let host = |text| HostPort::parse(text, None).unwrap();
        assert_eq!(host("a.example:443").authority("https"), "a.example");
        assert_eq!(host("a.example:443").authority("http"), "a.example:443");
        assert_eq!(host("[::1]:80").authority("http"), "[::1]");
    }
}
