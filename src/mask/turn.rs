//! The turn rule (DESIGN §5): what this scope already sent to this service under the same prefix goes out again with
//! exactly the spans and tokens it had. Pure: digests and what is known come in, what to remember goes out.
//! Must not know: storage, how spans are found.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::wiped::Wiped;
use serde::{Deserialize, Serialize};

use super::find::find_tokens;
use super::key::{Digest, TokenKey};
use super::label::Language;
use super::map::WordMap;
use super::token::{Code, Suffix};
use crate::decide::Treatment;
use crate::detect::{Author, Kind, Role};
use crate::locate::{Disposition, LocatedText, Place};

/// A stretch that was replaced, and by what. The word itself is in the text that comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentSpan {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What stood there instead.
    pub with: String,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    pub treatment: Treatment,
    /// For `token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<(Code, Suffix)>,
    pub language: Language,
    #[serde(default)]
    pub blind: bool,
}

/// A turn unit as it was sent: the spans of each of its texts, in their order. Holds no word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentUnit {
    pub texts: Vec<Vec<SentSpan>>,
}

/// A word with its code: of the vault, or of a recent answer's map. Wiped on drop; `Debug` prints lengths.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownWord {
    pub code: Code,
    pub suffix: Suffix,
    pub word: Wiped,
    pub kind: Kind,
    pub blind: bool,
}

impl std::fmt::Debug for KnownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownWord").field("code", &self.code).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// An answer as the service wrote it, with the words of its tokens. `Debug` prints lengths.
#[derive(Clone, PartialEq, Eq)]
pub struct SentAnswer {
    pub masked: String,
    pub words: Vec<KnownWord>,
}

impl std::fmt::Debug for SentAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentAnswer").field("bytes", &self.masked.len()).field("words", &self.words.len()).finish()
    }
}

impl SentAnswer {
    /// What to remember of an answer text: its digest as restored, its masked form, the words of the tokens in it.
    #[must_use]
    pub fn of(key: &TokenKey, masked: &str, restored: &str, map: &WordMap) -> (Digest, Self) {
        let mut words: Vec<KnownWord> = Vec::new();
        let mut seen = HashSet::new();
        for token in find_tokens(masked) {
            for (_, suffix) in token.readings() {
                let Some(word) = map.lookup(&token.code, &suffix) else { continue };
                if seen.insert((token.code, suffix)) {
                    words.push(KnownWord {
                        code: token.code,
                        suffix,
                        word: Wiped::new(word.text.to_owned()),
                        kind: word.kind,
                        blind: word.blind,
                    });
                }
                break;
            }
        }
        (answer_digest(key, restored), Self { masked: masked.to_owned(), words })
    }
}

/// What storage knows that bears on this request.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// By digest of `Wanted::units`.
    pub units: HashMap<Digest, SentUnit>,
    /// By digest of `Wanted::answers`.
    pub answers: HashMap<Digest, SentAnswer>,
    /// Words of recent answers' maps of this scope and service.
    pub recent: Vec<KnownWord>,
    /// Words of the scope's vault for `Wanted::codes`.
    pub vault: Vec<KnownWord>,
}

impl Known {
    /// Every code that is known to stand for a word.
    #[must_use]
    pub fn codes(&self) -> HashSet<Code> {
        let units = self.units.values().flat_map(|unit| unit.texts.iter().flatten());
        let answers = self.answers.values().flat_map(|answer| &answer.words);
        units
            .filter_map(|span| span.token.map(|(code, _)| code))
            .chain(answers.chain(&self.recent).chain(&self.vault).map(|word| word.code))
            .collect()
    }
}

/// What a request asks of storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Digests of its turn units.
    pub units: Vec<Digest>,
    /// Digests of its assistant texts.
    pub answers: Vec<Digest>,
    /// Number and digest of its signed texts.
    pub signed: Vec<(usize, Digest)>,
    /// Codes of tokens that stand in it, for the vault.
    pub codes: Vec<Code>,
}

/// A turn unit of this request: the numbers of its texts, and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) texts: Vec<usize>,
    pub(super) digest: Digest,
}

/// May this text be changed at all?
#[must_use]
pub(super) fn editable(text: &LocatedText) -> bool {
    matches!(text.disposition, Disposition::Open | Disposition::Narrow { .. })
}

/// Text and tool calls that an assistant wrote.
#[must_use]
pub(super) fn of_assistant(text: &LocatedText) -> bool {
    text.author == Author::Assistant && text.place == Place::Body
}

/// The turn units of a request, each digest over service, version, everything before it in the conversation, and its
/// own texts. Outside the conversation every text is a unit by itself; assistant texts are units of their own.
pub(super) fn units(texts: &[LocatedText], key: &TokenKey, service: &str, version: &str) -> Vec<Unit> {
    let mut prefix = key.digest("tsuitate turn prefix", [service.as_bytes(), version.as_bytes()]);
    let mut units: Vec<Unit> = Vec::new();
    let mut groups: Vec<((u32, bool), Vec<usize>)> = Vec::new();
    for (number, text) in texts.iter().enumerate().filter(|(_, text)| editable(text)) {
        if text.unit == 0 || text.place != Place::Body {
            let digest = unit_digest(
                key,
                &key.digest("tsuitate turn outside", [service.as_bytes(), version.as_bytes()]),
                &[text],
            );
            if text.place == Place::Body && matches!(text.author, Author::System | Author::Tool) {
                prefix = key.digest("tsuitate turn prefix", [prefix.0.as_slice(), digest.0.as_slice()]);
            }
            units.push(Unit { texts: vec![number], digest });
            continue;
        }
        let group = (text.unit, of_assistant(text));
        match groups.iter_mut().rev().take(2).find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(number),
            None => groups.push((group, vec![number])),
        }
    }
    for (_, members) in groups {
        let own: Vec<&LocatedText> = members.iter().filter_map(|number| texts.get(*number)).collect();
        let digest = unit_digest(key, &prefix, &own);
        prefix = digest;
        units.push(Unit { texts: members, digest });
    }
    units
}

fn unit_digest(key: &TokenKey, prefix: &Digest, texts: &[&LocatedText]) -> Digest {
    let mut fields: Vec<&[u8]> = vec![&prefix.0];
    for text in texts {
        fields.push(text.label.as_deref().unwrap_or_default().as_bytes());
        fields.push(text.text.as_bytes());
    }
    key.digest("tsuitate turn unit", fields)
}

/// The digest under which an answer text is remembered: of the text as the user got it.
#[must_use]
pub fn answer_digest(key: &TokenKey, restored: &str) -> Digest {
    key.digest("tsuitate answer", [restored.as_bytes()])
}

/// The digest under which a signed block is remembered that passed in an answer.
#[must_use]
pub fn signed_digest(key: &TokenKey, block: &str) -> Digest {
    key.digest("tsuitate signed block", [block.as_bytes()])
}

/// What to look up for a request before it is decided on.
#[must_use]
pub fn wanted(texts: &[LocatedText], key: &TokenKey, service: &str, version: &str) -> Wanted {
    let mut codes: Vec<Code> = texts.iter().flat_map(|text| find_tokens(&text.text)).map(|token| token.code).collect();
    codes.sort_unstable();
    codes.dedup();
    Wanted {
        units: units(texts, key, service, version).into_iter().map(|unit| unit.digest).collect(),
        answers: texts
            .iter()
            .filter(|text| of_assistant(text) && editable(text))
            .map(|text| answer_digest(key, &text.text))
            .collect(),
        signed: texts
            .iter()
            .enumerate()
            .filter(|(_, text)| text.disposition == Disposition::Signed)
            .map(|(number, text)| (number, signed_digest(key, &text.text)))
            .collect(),
        codes,
    }
}
