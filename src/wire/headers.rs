//! Headers that belong to one hop: taken off on both sides. `Proxy-*` never travels on.
//! Must not know: which headers hold secrets or texts.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

const HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-authentication-info",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Removes what belongs to this hop: the fixed names, whatever `Connection` names, and everything `Proxy-*`.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let mut gone: Vec<HeaderName> = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        for name in value.to_str().unwrap_or("").split(',') {
            // `Connection: host` must not take off what the message needs.
            if let Ok(name) = HeaderName::from_bytes(name.trim().as_bytes())
                && ![header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING]
                    .contains(&name)
                && name != header::AUTHORIZATION
            {
                gone.push(name);
            }
        }
    }
    gone.extend(headers.keys().filter(|n| n.as_str().starts_with("proxy-")).cloned());
    for name in HOP.into_iter().map(HeaderName::from_static).chain(gone) {
        remove_in_order(headers, &name);
    }
}

/// `HeaderMap::remove` swaps the last entry into the gap; this keeps the order.
pub fn remove_in_order(headers: &mut HeaderMap, name: &HeaderName) {
    if !headers.contains_key(name) {
        return;
    }
    let old = std::mem::take(headers);
    headers.reserve(old.len());
    let mut last = None;
    for (key, value) in old {
        if key.is_some() {
            last = key;
        }
        if let Some(key) = &last
            && key != name
        {
            headers.append(key.clone(), value);
        }
    }
}

/// Does the message ask for another protocol? `h2c` is an offer that may be ignored (Java's client makes it each time).
pub fn asks_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|value| {
        value.to_str().map_or(true, |text| {
            text.split(',').map(str::trim).any(|token| !token.is_empty() && !token.eq_ignore_ascii_case("h2c"))
        })
    })
}

/// The codings that both the client and this gate read; `identity` when there are none.
pub fn common_codings(headers: &HeaderMap) -> HeaderValue {
    let mut common: Vec<&str> = Vec::new();
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or("").split(',') {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or("").to_ascii_lowercase();
            let refused =
                parts.any(|p| p.strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)));
            for known in ["gzip", "deflate", "br", "zstd"] {
                if name == known && !refused && !common.contains(&known) {
                    common.push(known);
                }
            }
        }
    }
    if common.is_empty() {
        return HeaderValue::from_static("identity");
    }
    HeaderValue::from_str(&common.join(", ")).unwrap_or(HeaderValue::from_static("identity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn takes_off_the_hop_and_keeps_the_order() {
        let mut headers = map(&[
            ("host", "a"),
            ("proxy-authorization", "Basic x"),
            ("connection", "keep-alive, X-Own, host"),
            ("x-first", "1"),
            ("x-own", "2"),
            ("proxy-odd", "3"),
            ("te", "trailers"),
            ("x-second", "4"),
            ("authorization", "5"),
        ]);
        strip_hop_by_hop(&mut headers);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["host", "x-first", "x-second", "authorization"]);
    }

    #[test]
    fn offers_only_codings_both_read() {
        let offer = |v: &'static str| common_codings(&map(&[("accept-encoding", v)])).to_str().unwrap().to_owned();
        assert_eq!(offer("gzip, deflate, br, zstd, dcb"), "gzip, deflate, br, zstd");
        assert_eq!(offer("gzip;q=0, br;q=0.5"), "br");
        assert_eq!(offer("dcz"), "identity");
        assert_eq!(offer("*"), "identity");
    }

    #[test]
    fn sees_an_upgrade() {
        assert!(asks_upgrade(&map(&[("connection", "Upgrade"), ("upgrade", "websocket")])));
        assert!(asks_upgrade(&map(&[("upgrade", "h2c, websocket")])));
        assert!(!asks_upgrade(&map(&[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")])));
        assert!(!asks_upgrade(&map(&[("connection", "keep-alive")])));
    }
}
