//! The chain: each body names its gate, its number and the hash of the one before; its own hash is SHA-256 over the
//! canonical body (RFC 8785). Checkpoints are signed with Ed25519, so that an auditor can check them with openssl.
//! Must not know: storage, clocks (`at_ms` is an argument).

use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::Event;
use super::store::Sealed;

/// SHA-256 as 64 hexadecimal digits.
pub type Hash = String;

/// What the first event names as the one before.
#[must_use]
pub fn genesis() -> Hash {
    "0".repeat(64)
}

/// A body as stored and exported: the event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    pub gate: String,
    pub seq: u64,
    pub prev: Hash,
    pub at_ms: u64,
    #[serde(flatten)]
    pub event: Event,
}

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last event; 0 before the first.
    pub seq: u64,
    pub hash: Hash,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: genesis() }
    }
}

/// SHA-256 over a canonical body, in hexadecimal.
#[must_use]
pub fn hash(body: &str) -> Hash {
    hex(&Sha256::digest(body.as_bytes()))
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

/// Hexadecimal to bytes.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Put an event at the end of the chain.
///
/// # Errors
/// When the body cannot be written as JSON, which no event of this program causes.
pub fn seal(gate: &str, head: &Head, at_ms: u64, event: Event) -> Result<Sealed, serde_json::Error> {
    let fingerprints = event.fingerprints().to_vec();
    let record = event.record().map(str::to_owned);
    let kind = event.kind();
    let seq = head.seq + 1;
    // Through `Value`, whose maps are sorted: the canonical order.
    let body = Body { gate: gate.to_owned(), seq, prev: head.hash.clone(), at_ms, event };
    let body = serde_json::to_string(&serde_json::to_value(&body)?)?;
    Ok(Sealed { seq, hash: hash(&body), at_ms, kind, record, fingerprints, body })
}

/// What a checkpoint signs: gate, last number, last hash, on lines of their own.
#[must_use]
pub fn signed_text(gate: &str, head: &Head) -> String {
    format!("tsuitate checkpoint v1\n{gate}\n{}\n{}\n", head.seq, head.hash)
}

/// A checkpoint over the chain so far.
#[must_use]
pub fn checkpoint(gate: &str, head: &Head, key_id: &str, key: &SigningKey) -> Event {
    let signature = key.sign(signed_text(gate, head).as_bytes());
    Event::Checkpoint { key: key_id.to_owned(), signature: hex(&signature.to_bytes()), events: head.seq }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_canonical_and_hashes_to_its_own_place() {
        let first = seal("g", &Head::default(), 7, Event::Interrupted { record: "r".to_owned() }).unwrap();
        assert_eq!(
            first.body,
            format!(r#"{{"at_ms":7,"event":"interrupted","gate":"g","prev":"{}","record":"r","seq":1}}"#, genesis())
        );
        let head = Head { seq: first.seq, hash: first.hash.clone() };
        let second = seal("g", &head, 8, Event::Interrupted { record: "s".to_owned() }).unwrap();
        assert!(second.body.contains(&first.hash));
        assert_ne!(first.hash, second.hash);
    }

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(unhex(&hex(&[0, 255, 16])), Some(vec![0, 255, 16]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }
}
