//! Content codings, outermost last: gzip, deflate (zlib, else raw), br, zstd. Bounded in size, ratio and number.

use std::io::Read;

use crate::locate::Head;

use super::error::{Reason, Unreadable};
use super::limits::Limits;

/// The body without its codings; `None` when it has none.
pub(super) fn decode(head: &Head, body: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut codings: Vec<String> = Vec::new();
    for (_, value) in head.headers.iter().filter(|(name, _)| name == "content-encoding") {
        let value = std::str::from_utf8(value)
            .map_err(|_| Unreadable::whole(Reason::UnknownCoding { name: "?".to_owned() }))?;
        let names = value.split(',').map(|name| name.trim().to_ascii_lowercase());
        codings.extend(names.filter(|name| !name.is_empty() && name != "identity"));
    }
    if codings.len() > limits.codings {
        let (value, observed) = (limits.codings, codings.len());
        return Err(Unreadable::whole(Reason::TooLarge { limit: "codings", value, observed }));
    }
    if body.len() > limits.decoded {
        let (value, observed) = (limits.decoded, body.len());
        return Err(Unreadable::whole(Reason::TooLarge { limit: "decoded", value, observed }));
    }
    // An empty body is no coded body, whatever its header says.
    if body.is_empty() {
        return Ok(None);
    }
    let mut decoded: Option<Vec<u8>> = None;
    for coding in codings.iter().rev() {
        let input = decoded.as_deref().unwrap_or(body);
        let output = one(coding, input, body.len(), limits).map_err(Unreadable::whole)?;
        decoded = Some(output);
    }
    Ok(decoded)
}

fn one(coding: &str, input: &[u8], sent: usize, limits: &Limits) -> Result<Vec<u8>, Reason> {
    match coding {
        // One member after another is one body (RFC 1952); what follows the last member is refused.
        "gzip" | "x-gzip" => read(flate2::bufread::MultiGzDecoder::new(input), "gzip", sent, limits),
        "deflate" => {
            let mut reader = input;
            let zlib = read(flate2::bufread::ZlibDecoder::new(&mut reader), "deflate", sent, limits);
            match zlib {
                Ok(out) if reader.is_empty() => Ok(out),
                Ok(_) => Err(Reason::BadCoding { coding: "deflate" }),
                Err(Reason::BadCoding { .. }) => {
                    let mut reader = input;
                    let out = read(flate2::bufread::DeflateDecoder::new(&mut reader), "deflate", sent, limits)?;
                    if reader.is_empty() { Ok(out) } else { Err(Reason::BadCoding { coding: "deflate" }) }
                }
                Err(e) => Err(e),
            }
        }
        "br" => {
            let mut reader = input;
            let out = read(brotli::Decompressor::new(&mut reader, 4096), "br", sent, limits)?;
            if reader.is_empty() { Ok(out) } else { Err(Reason::BadCoding { coding: "br" }) }
        }
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::with_buffer(input).and_then(|mut d| {
                // 8 MiB of window, as RFC 9659 asks of a content coding.
                d.window_log_max(23)?;
                Ok(d)
            });
            read(decoder.map_err(|_| Reason::BadCoding { coding: "zstd" })?, "zstd", sent, limits)
        }
        _ => {
            // The name is the client's; only what looks like a name is repeated.
            let fits = coding.len() <= 20 && coding.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            Err(Reason::UnknownCoding { name: if fits { coding.to_owned() } else { "?".to_owned() } })
        }
    }
}

fn read(mut from: impl Read, coding: &'static str, sent: usize, limits: &Limits) -> Result<Vec<u8>, Reason> {
    const STEP: usize = 64 * 1024;
    let mut out = Vec::new();
    let mut buffer = vec![0; STEP];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(out),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return Err(Reason::BadCoding { coding }),
        };
        out.extend_from_slice(buffer.get(..n).unwrap_or_default());
        if out.len() > limits.decoded {
            return Err(Reason::TooLarge { limit: "decoded", value: limits.decoded, observed: out.len() });
        }
        if out.len() > (1 << 20) && out.len() / sent.max(1) > limits.ratio {
            return Err(Reason::Ratio { value: limits.ratio });
        }
    }
}
