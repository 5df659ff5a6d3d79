//! Tells what a new tunnel speaks, byte by byte, without using the bytes up: TLS (with SNI), HTTP/1, HTTP/2 or neither.
//! Any split of the first message gives the same answer; nothing is decided on half of it.
//! Must not know: which hosts are AI services.

use std::io::Cursor;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

/// What the first bytes say.
pub(super) enum Seen {
    /// A whole ClientHello.
    Tls(Box<Accepted>),
    /// A whole request line of HTTP/1.
    Http1,
    /// The preface of HTTP/2 without TLS.
    Http2,
    /// Something else.
    Other,
    /// No byte in time.
    Silent,
    /// A first message that was not complete in time or size.
    Unfinished,
    /// The client closed first.
    Closed,
}

pub(super) struct Sniffed {
    pub(super) seen: Seen,
    /// Everything that was read.
    pub(super) prefix: Bytes,
}

/// How long and how much.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) first: Duration,
    pub(super) whole: Duration,
    pub(super) bytes: usize,
}

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What bytes that are not TLS look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    More,
    Tls,
    Http1,
    Http2,
    Other,
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Judges the first bytes. `More` only while they could still become something.
pub(super) fn guess(bytes: &[u8]) -> Guess {
    let Some(first) = bytes.first() else { return Guess::More };
    if *first == 0x16 {
        return match bytes.get(1) {
            None | Some(3) => Guess::Tls,
            Some(_) => Guess::Other,
        };
    }
    if bytes.starts_with(PREFACE) {
        return Guess::Http2;
    }
    if PREFACE.starts_with(bytes) {
        return Guess::More;
    }
    let method = bytes.iter().take_while(|b| is_token(**b)).count();
    if method == 0 || method > 32 {
        return Guess::Other;
    }
    match bytes.get(method) {
        None => return Guess::More,
        Some(b' ') => {}
        Some(_) => return Guess::Other,
    }
    match bytes.iter().position(|b| *b == b'\n') {
        None if bytes.iter().skip(method).any(|b| *b < b' ' && *b != b'\r') => Guess::Other,
        None => Guess::More,
        Some(end) => {
            let line = bytes.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let ends = [&b" HTTP/1.1"[..], b" HTTP/1.0"].iter().any(|v| line.ends_with(v));
            if ends { Guess::Http1 } else { Guess::Other }
        }
    }
}

/// A whole first line that means to be HTTP/1 and is not: whoever sent it reads an answer.
pub(super) fn means_http(bytes: &[u8]) -> bool {
    let line = bytes.iter().position(|b| *b == b'\n').and_then(|end| bytes.get(..end)).unwrap_or_default();
    line.iter().take_while(|b| is_token(**b)).count() > 0 && line.windows(6).any(|part| part == b" HTTP/")
}

/// Reads until the first message is known.
pub(super) async fn sniff<IO: AsyncRead + Unpin>(io: &mut IO, patience: Patience) -> Sniffed {
    let start = Instant::now();
    let mut read = BytesMut::with_capacity(2048);
    let mut acceptor = Acceptor::default();
    let mut fed = 0;
    let seen = loop {
        let until = start + if read.is_empty() { patience.first } else { patience.whole };
        match timeout_at(until, io.read_buf(&mut read)).await {
            Err(_) if read.is_empty() => break Seen::Silent,
            Err(_) => break Seen::Unfinished,
            Ok(Ok(0)) if !read.is_empty() => break Seen::Unfinished,
            Ok(Err(_) | Ok(0)) => break Seen::Closed,
            Ok(Ok(_)) => {}
        }
        match guess(&read) {
            Guess::Http1 => break Seen::Http1,
            Guess::Http2 => break Seen::Http2,
            Guess::Other => break Seen::Other,
            Guess::More => {}
            Guess::Tls => {
                let mut new = Cursor::new(read.get(fed..).unwrap_or_default());
                let mut wrong = false;
                while (new.position() as usize) < new.get_ref().len() {
                    match acceptor.read_tls(&mut new) {
                        Ok(0) | Err(_) => {
                            wrong = true;
                            break;
                        }
                        Ok(_) => {}
                    }
                }
                fed = read.len();
                match acceptor.accept() {
                    Ok(Some(accepted)) => break Seen::Tls(Box::new(accepted)),
                    Ok(None) if !wrong => {}
                    Ok(None) | Err(_) => break Seen::Other,
                }
            }
        }
        if read.len() >= patience.bytes {
            break Seen::Unfinished;
        }
    };
    Sniffed { seen, prefix: read.freeze() }
}

/// The hosts that a plain HTTP/1 head names: of the request line in absolute form, and of every `Host`.
/// `None` while the head is not complete.
pub(super) fn head_hosts(bytes: &[u8]) -> Option<Vec<String>> {
    let mut hosts = Vec::new();
    let mut rest = bytes;
    let mut first = true;
    loop {
        let end = rest.iter().position(|b| *b == b'\n')?;
        let (line, after) = rest.split_at(end);
        rest = after.get(1..)?;
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        if first {
            first = false;
            if let Some((_, after)) = line.split_once("://") {
                let end = after.find(['/', '?', ' ', '#']).unwrap_or(after.len());
                let (authority, _) = after.split_at(end);
                hosts.push(authority.to_owned());
            }
            continue;
        }
        if line.is_empty() {
            return Some(hosts);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("host")
        {
            hosts.push(value.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_waits_or_agrees_with_the_whole() {
        let cases: [(&[u8], Guess); 8] = [
            (b"GET / HTTP/1.1\r\n", Guess::Http1),
            (b"POST /v1/chat/completions HTTP/1.1\r\n", Guess::Http1),
            (b"GET /\r\n", Guess::Other),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Guess::Http2),
            (b"PRINT / HTTP/1.1\r\n", Guess::Http1),
            (b"SSH-2.0-OpenSSH_9.6\r\n", Guess::Other),
            (b"\x00\x01\x02", Guess::Other),
            (b"EHLO mail.example\r\n", Guess::Other),
        ];
        for (bytes, whole) in cases {
            assert_eq!(guess(bytes), whole, "{}", String::from_utf8_lossy(bytes));
            for at in 0..bytes.len() {
                let early = guess(&bytes[..at]);
                assert!(early == Guess::More || early == whole, "{:?} at {at}", String::from_utf8_lossy(bytes));
            }
        }
        assert_eq!(guess(b"\x16"), Guess::Tls);
        assert_eq!(guess(b"\x16\x03"), Guess::Tls);
        assert_eq!(guess(b"\x16\x07"), Guess::Other);
    }

    #[test]
    fn a_line_that_means_to_be_http_is_told_from_what_does_not() {
        for line in ["GET / HTTP/9.9\r\n", "POST /a b HTTP/1.1 x\r\n", "GET / HTTP/\n"] {
            assert_eq!(guess(line.as_bytes()), Guess::Other, "{line}");
            assert!(means_http(line.as_bytes()), "{line}");
        }
        for line in ["GET /\r\n", "SSH-2.0-x\r\n", "GET / HTTP/9.9", "\u{16} HTTP/\n"] {
            assert!(!means_http(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn hosts_of_a_plain_head() {
        let hosts = |text: &str| head_hosts(text.as_bytes());
        assert_eq!(hosts("GET / HTTP/1.1\r\nHost: a.exam"), None);
        assert_eq!(hosts("GET / HTTP/1.1\r\nhost:  a.example \r\n\r\n"), Some(vec!["a.example".to_owned()]));
        assert_eq!(
            hosts("GET http://b.example/x HTTP/1.1\nHOST: a.example\nHost: c.example\n\nbody"),
            Some(vec!["b.example".to_owned(), "a.example".to_owned(), "c.example".to_owned()])
        );
    }
}
