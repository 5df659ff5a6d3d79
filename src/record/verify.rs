//! `record verify`: reads an export and names the first bad event for any change, removal, insertion or reordering.
//! What stands at or before the last valid checkpoint (or a given anchor) is proven, what follows is "unproven, n events".
//! Must not know: the database.

use std::collections::BTreeMap;
use std::io::BufRead;

use ed25519_dalek::{Signature, VerifyingKey};

use super::chain::{self, Body, Head};
use super::event::Event;

/// One line of an export. A body that retention removed is `null`; its hash stays.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Line {
    pub seq: u64,
    pub hash: String,
    pub body: Option<String>,
}

/// What an export proves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub events: u64,
    /// Number of the last event that a checkpoint or anchor covers.
    pub proven_to: u64,
    pub unproven: u64,
    pub checkpoints: u64,
    pub removed_bodies: u64,
}

/// Why an export is not what the gate wrote. Numbers are of the first bad event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    #[error("line {line}: not a line of an export: {why}")]
    Form { line: usize, why: String },
    #[error("event {seq}: expected event {expected} here: something was removed, inserted or reordered")]
    Order { seq: u64, expected: u64 },
    #[error("event {seq}: the body does not match its hash: it was changed")]
    Changed { seq: u64 },
    #[error("event {seq}: it does not follow the event before it")]
    Unlinked { seq: u64 },
    #[error("event {seq}: the checkpoint's signature is wrong")]
    Signature { seq: u64 },
    #[error("event {seq}: signed by key {key}, which is not among the keys given")]
    UnknownKey { seq: u64, key: String },
    #[error("event {seq}: its hash is not the anchor's")]
    Anchor { seq: u64 },
    #[error("the export ends before the anchor at event {seq}")]
    Short { seq: u64 },
    #[error("event {seq}: the body is gone and no tombstone says why")]
    Gone { seq: u64 },
    #[error("the export could not be read: {0}")]
    Read(String),
}

/// Check an export, line by line.
///
/// `keys` maps key ids to public keys; `anchor` is a number and hash known from elsewhere (syslog, mail, paper).
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    export: impl BufRead,
    keys: &BTreeMap<String, VerifyingKey>,
    anchor: Option<(u64, &str)>,
) -> Result<Proof, Broken> {
    let mut proof = Proof::default();
    let mut head = Head::default();
    let mut gone: Vec<u64> = Vec::new();
    let mut buried: Vec<(u64, u64)> = Vec::new();
    for (number, line) in export.lines().enumerate() {
        let line = line.map_err(|error| Broken::Read(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line =
            serde_json::from_str(&line).map_err(|error| Broken::Form { line: number + 1, why: error.to_string() })?;
        if line.seq != head.seq + 1 {
            return Err(Broken::Order { seq: line.seq, expected: head.seq + 1 });
        }
        match &line.body {
            None => gone.push(line.seq),
            Some(text) => {
                if chain::hash(text) != line.hash {
                    return Err(Broken::Changed { seq: line.seq });
                }
                let body: Body = serde_json::from_str(text).map_err(|_| Broken::Changed { seq: line.seq })?;
                if body.seq != line.seq || body.prev != head.hash {
                    return Err(Broken::Unlinked { seq: line.seq });
                }
                match &body.event {
                    Event::Checkpoint { key, signature, .. } => {
                        let public =
                            keys.get(key).ok_or_else(|| Broken::UnknownKey { seq: line.seq, key: key.clone() })?;
                        let good = chain::unhex(signature)
                            .and_then(|bytes| Signature::from_slice(&bytes).ok())
                            .is_some_and(|signature| {
                                public
                                    .verify_strict(chain::signed_text(&body.gate, &head).as_bytes(), &signature)
                                    .is_ok()
                            });
                        if !good {
                            return Err(Broken::Signature { seq: line.seq });
                        }
                        proof.checkpoints += 1;
                        proof.proven_to = line.seq;
                    }
                    Event::Tombstone { from_seq, to_seq, .. } => buried.push((*from_seq, *to_seq)),
                    _ => {}
                }
            }
        }
        if let Some((seq, hash)) = anchor
            && seq == line.seq
        {
            if hash != line.hash {
                return Err(Broken::Anchor { seq });
            }
            proof.proven_to = proof.proven_to.max(seq);
        }
        head = Head { seq: line.seq, hash: line.hash };
        proof.events += 1;
    }
    if let Some((seq, _)) = anchor
        && seq > head.seq
    {
        return Err(Broken::Short { seq });
    }
    if let Some(seq) = gone.iter().find(|seq| !buried.iter().any(|(from, to)| (from..=to).contains(seq))) {
        return Err(Broken::Gone { seq: *seq });
    }
    proof.removed_bodies = gone.len() as u64;
    proof.unproven = head.seq - proof.proven_to;
    Ok(proof)
}
