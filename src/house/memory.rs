//! What was sent before: turn units, answers, words of recent answers, signed blocks, vault. Everything is sealed with the
//! scope's own key; named people's values go to the store (with the record's events), others live in RAM for an hour.
//! Must not know: how tokens are made, HTTP.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::detect::Kind;
use crate::keys::{KeyError, Purpose, Ring, Secret, decrypt, encrypt};
use crate::mask::{Code, Digest, Known, KnownWord, SentAnswer, SentUnit, Suffix, TokenKey, Wanted, Wiped};
use crate::record::Aside;
use crate::store::Reader;
use crate::wire::limits::Limits;

/// How long a named person's values live (DESIGN §5: 30 days).
const NAMED_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How long everybody else's live.
const OTHERS_MS: u64 = 60 * 60 * 1000;

/// Whose memory it is, with its keys.
#[derive(Clone)]
pub struct Scope {
    /// A named person: values are kept in the store.
    pub named: bool,
    /// Key of tokens and digests.
    pub token: TokenKey,
    /// Id of the epoch that the keys are of.
    pub epoch: String,
    memory: Secret,
    /// Keys of the epochs before whose values may still live, newest first.
    older: Vec<(TokenKey, Secret)>,
    /// Vault keys of every epoch that can still be undone, newest first.
    vault: Vec<Secret>,
}

impl Scope {
    /// The scope of this name under the ring's active epoch. `None` when every epoch was erased.
    #[must_use]
    pub fn new(ring: &Ring, name: &str, named: bool, now_ms: u64) -> Option<Self> {
        let token = ring.derive(Purpose::Token, name)?;
        let memory = ring.derive(Purpose::Memory, name)?;
        Some(Self {
            named,
            token: TokenKey::new(*token.bytes()),
            epoch: ring.active().id.clone(),
            memory,
            older: ring
                .derive_before(name, now_ms.saturating_sub(life(named)))
                .map(|(token, memory)| (TokenKey::new(*token.bytes()), memory))
                .collect(),
            vault: ring.derive_all(Purpose::Vault, name),
        })
    }

    /// Token keys of the epochs before whose values may still live, newest first: what was sent under them is known by
    /// digests of theirs.
    pub fn older(&self) -> impl Iterator<Item = &TokenKey> {
        self.older.iter().map(|(token, _)| token)
    }
}

fn life(named: bool) -> u64 {
    if named { NAMED_MS } else { OTHERS_MS }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("named", &self.named).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// The name under which a scope's rows stand: derived from its key, so that it tells nothing.
fn tag(key: &Secret) -> [u8; 16] {
    let digest = Sha256::new().chain_update(b"tsuitate scope tag").chain_update(key.bytes()).finalize();
    let mut tag = [0; 16];
    for (to, from) in tag.iter_mut().zip(digest) {
        *to = from;
    }
    tag
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Slot {
    shelf: &'static str,
    scope: [u8; 16],
    key: Vec<u8>,
}

#[derive(Clone)]
struct Kept {
    sealed: Arc<Vec<u8>>,
    expires_ms: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Slot, Kept> for Bytes {
    fn weight(&self, slot: &Slot, kept: &Kept) -> u64 {
        (slot.key.len() + kept.sealed.len() + 96) as u64
    }
}

/// A word as it is sealed.
#[derive(Serialize, Deserialize)]
struct WordForm {
    code: Code,
    suffix: Suffix,
    word: Zeroizing<String>,
    kind: Kind,
    blind: bool,
}

impl From<&KnownWord> for WordForm {
    fn from(word: &KnownWord) -> Self {
        Self {
            code: word.code,
            suffix: word.suffix,
            word: Zeroizing::new(word.word.to_string()),
            kind: word.kind,
            blind: word.blind,
        }
    }
}

impl From<WordForm> for KnownWord {
    fn from(form: WordForm) -> Self {
        Self {
            code: form.code,
            suffix: form.suffix,
            word: Wiped::from(form.word.as_str()),
            kind: form.kind,
            blind: form.blind,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct AnswerForm {
    masked: String,
    words: Vec<WordForm>,
}

/// What a request or an answer leaves to be remembered.
#[derive(Default)]
pub struct Remember {
    pub units: Vec<(Digest, SentUnit)>,
    pub answers: Vec<(Digest, SentAnswer)>,
    pub signed: Vec<Digest>,
    /// Words that the vault must know: endpoints whose history stays on the server.
    pub vault: Vec<KnownWord>,
}

/// What is to be remembered once it was sent: rows for the record's transaction, and what `Memory::commit` puts into RAM
/// when that transaction is durable.
#[derive(Default)]
pub struct Pending {
    pub rows: Vec<Aside>,
    ram: Vec<(Slot, Kept)>,
}

/// Scopes whose values are changed at once, at the most.
const STRIPES: usize = 16;

/// The memory of all scopes.
pub struct Memory {
    ram: Cache<Slot, Kept, Bytes>,
    store: Option<Mutex<Reader>>,
    /// `gate.limits.memory_recent`, `gate.limits.memory_vault`.
    recent_limit: usize,
    vault_limit: usize,
    /// Held while a value that grows (words of recent answers, of a vault code) is read, added to and put back, so that
    /// of two requests at once neither loses the other's words. Holds the time of the last change: later ones expire
    /// later, by which the store knows which of two rows is the newer however they arrive.
    growing: [Mutex<u64>; STRIPES],
}

impl Memory {
    /// A memory over a store; without one everything lives in RAM.
    #[must_use]
    pub fn new(store: Option<Reader>, limits: &Limits) -> Self {
        Self {
            ram: Cache::with_weighter(20_000, limits.memory_ram.0, Bytes),
            store: store.map(Mutex::new),
            recent_limit: limits.memory_recent,
            vault_limit: limits.memory_vault,
            growing: std::array::from_fn(|_| Mutex::new(0)),
        }
    }

    /// What is known that bears on a request, and which of its signed texts came from the service. `history`: the service
    /// keeps what was said, so that any token of the scope's vault may come back in the answer. `older`: the same asked by
    /// each key of `Scope::older`; what is found so is known by the digest of now.
    #[must_use]
    pub fn known(
        &self,
        scope: &Scope,
        service: &str,
        wanted: &Wanted,
        older: &[Wanted],
        history: bool,
        now_ms: u64,
    ) -> (Known, HashSet<usize>) {
        let mut known = Known::default();
        for (at, digest) in wanted.units.iter().enumerate() {
            let before = older.iter().map(|wanted| wanted.units.get(at));
            if let Some(unit) = self.under_any::<SentUnit>(scope, "unit", digest, before, now_ms) {
                known.units.insert(*digest, unit);
            }
        }
        for (at, digest) in wanted.answers.iter().enumerate() {
            let before = older.iter().map(|wanted| wanted.answers.get(at));
            if let Some(answer) = self.under_any::<AnswerForm>(scope, "answer", digest, before, now_ms) {
                let words = answer.words.into_iter().map(KnownWord::from).collect();
                known.answers.insert(*digest, SentAnswer { masked: answer.masked, words });
            }
        }
        known.recent = self.recent(scope, service, now_ms);
        if history {
            known.vault = self.vault_all(scope, now_ms);
        }
        for code in &wanted.codes {
            if let Some(words) = self.vault(scope, code, now_ms)
                && !known.vault.iter().any(|word| word.code == *code)
            {
                known.vault.extend(words.into_iter().map(KnownWord::from));
            }
        }
        let signed = wanted
            .signed
            .iter()
            .enumerate()
            .filter(|(at, (_, digest))| {
                let before = older.iter().map(|wanted| wanted.signed.get(*at).map(|(_, digest)| digest));
                self.under_any::<bool>(scope, "signed", digest, before, now_ms).is_some()
            })
            .map(|(_, (number, _))| *number)
            .collect();
        (known, signed)
    }

    /// The value by its digest under the newest epoch, else by its digest under each one before.
    fn under_any<'a, T: serde::de::DeserializeOwned>(
        &self,
        scope: &Scope,
        shelf: &'static str,
        digest: &Digest,
        before: impl Iterator<Item = Option<&'a Digest>>,
        now_ms: u64,
    ) -> Option<T> {
        self.open(&scope.memory, scope.named, shelf, &digest.0, now_ms).or_else(|| {
            scope
                .older
                .iter()
                .zip(before)
                .find_map(|((_, memory), digest)| self.open(memory, scope.named, shelf, &digest?.0, now_ms))
        })
    }

    fn recent(&self, scope: &Scope, service: &str, now_ms: u64) -> Vec<KnownWord> {
        let keys = std::iter::once(&scope.memory).chain(scope.older.iter().map(|(_, memory)| memory));
        keys.into_iter()
            .find_map(|key| self.open::<Vec<WordForm>>(key, scope.named, "recent", service.as_bytes(), now_ms))
            .map(|words| words.into_iter().map(KnownWord::from).collect())
            .unwrap_or_default()
    }

    /// The newest words of the scope's vault, of every epoch that can still be undone.
    fn vault_all(&self, scope: &Scope, now_ms: u64) -> Vec<KnownWord> {
        let Some(store) = self.store.as_ref().filter(|_| scope.named) else { return Vec::new() };
        let mut words = Vec::new();
        for secret in &scope.vault {
            let room = u32::try_from(self.vault_limit.saturating_sub(words.len())).unwrap_or(u32::MAX);
            let rows = store.lock().unwrap_or_else(PoisonError::into_inner).asides("vault", &tag(secret), now_ms, room);
            for (key, sealed) in rows.unwrap_or_default() {
                let plain = decrypt(secret, &context("vault", &key), &sealed);
                let forms = plain.and_then(|plain| serde_json::from_slice::<Vec<WordForm>>(&plain).ok());
                words.extend(forms.unwrap_or_default().into_iter().map(KnownWord::from));
            }
        }
        words.truncate(self.vault_limit);
        words
    }

    /// Put into RAM what has become durable.
    pub fn commit(&self, pending: Pending) {
        for (slot, kept) in pending.ram {
            self.ram.insert(slot, kept);
        }
    }

    /// Seal what is to be remembered.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn keep(&self, scope: &Scope, service: &str, remember: &Remember, now_ms: u64) -> Result<Pending, KeyError> {
        let mut pending = Pending::default();
        for (digest, unit) in &remember.units {
            self.put(scope, "unit", &digest.0, unit, now_ms, &mut pending)?;
        }
        for (digest, answer) in &remember.answers {
            let form =
                AnswerForm { masked: answer.masked.clone(), words: answer.words.iter().map(WordForm::from).collect() };
            self.put(scope, "answer", &digest.0, &form, now_ms, &mut pending)?;
        }
        for digest in &remember.signed {
            self.put(scope, "signed", &digest.0, &true, now_ms, &mut pending)?;
        }
        if !remember.answers.is_empty() || !remember.vault.is_empty() {
            let mut grown = self.grow(scope, service, remember, now_ms)?;
            pending.rows.append(&mut grown.rows);
        }
        Ok(pending)
    }

    /// What is added to, not replaced. In RAM at once: whoever adds next must see it. A word that then is not sent after
    /// all does no harm there; its token is nowhere.
    fn grow(&self, scope: &Scope, service: &str, remember: &Remember, now_ms: u64) -> Result<Pending, KeyError> {
        let stripe = usize::from(*tag(&scope.memory).first().unwrap_or(&0)) % STRIPES;
        let Some(last) = self.growing.get(stripe) else { return Ok(Pending::default()) };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = now_ms.max(*last + 1);
        *last = now_ms;
        let mut grown = Pending::default();
        let fresh: Vec<&KnownWord> = remember.answers.iter().flat_map(|(_, answer)| &answer.words).collect();
        if !fresh.is_empty() {
            let mut words: Vec<WordForm> = Vec::new();
            for word in fresh {
                if words.len() >= self.recent_limit {
                    break;
                }
                if !words.iter().any(|known| known.code == word.code && known.suffix == word.suffix) {
                    words.push(WordForm::from(word));
                }
            }
            for old in self.recent(scope, service, now_ms) {
                if words.len() >= self.recent_limit {
                    break;
                }
                if !words.iter().any(|known| known.code == old.code && known.suffix == old.suffix) {
                    words.push(WordForm::from(&old));
                }
            }
            self.put(scope, "recent", service.as_bytes(), &words, now_ms, &mut grown)?;
        }
        if scope.named
            && let Some(key) = scope.vault.first()
        {
            let mut by_code: std::collections::BTreeMap<String, Vec<WordForm>> = std::collections::BTreeMap::new();
            for word in &remember.vault {
                by_code.entry(word.code.to_string()).or_default().push(WordForm::from(word));
            }
            for (code, mut words) in by_code {
                for old in self.open_vault(key, &code, now_ms).unwrap_or_default() {
                    if !words.iter().any(|known| known.suffix == old.suffix && *known.word == *old.word) {
                        words.push(old);
                    }
                }
                self.seal(key, true, "vault", code.as_bytes(), &words, now_ms + NAMED_MS, &mut grown)?;
            }
        }
        for (slot, kept) in grown.ram.drain(..) {
            self.ram.insert(slot, kept);
        }
        drop(last);
        Ok(grown)
    }

    fn vault(&self, scope: &Scope, code: &Code, now_ms: u64) -> Option<Vec<WordForm>> {
        if !scope.named {
            return None;
        }
        let code = code.to_string();
        scope.vault.iter().find_map(|key| self.open_vault(key, &code, now_ms))
    }

    fn open_vault(&self, key: &Secret, code: &str, now_ms: u64) -> Option<Vec<WordForm>> {
        self.open(key, true, "vault", code.as_bytes(), now_ms)
    }

    fn put<T: Serialize>(
        &self,
        scope: &Scope,
        shelf: &'static str,
        key: &[u8],
        value: &T,
        now_ms: u64,
        pending: &mut Pending,
    ) -> Result<(), KeyError> {
        self.seal(&scope.memory, scope.named, shelf, key, value, now_ms + life(scope.named), pending)
    }

    fn open<T: serde::de::DeserializeOwned>(
        &self,
        secret: &Secret,
        stored: bool,
        shelf: &'static str,
        key: &[u8],
        now_ms: u64,
    ) -> Option<T> {
        let slot = Slot { shelf, scope: tag(secret), key: key.to_vec() };
        let sealed = match self.ram.get(&slot) {
            Some(kept) => Some(kept).filter(|kept| kept.expires_ms > now_ms)?.sealed,
            None if stored => {
                let reader = self.store.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::new(reader.aside(shelf, &slot.scope, key, now_ms).ok().flatten()?)
            }
            // Expired, or never there.
            _ => return None,
        };
        let plain = decrypt(secret, &context(shelf, key), &sealed)?;
        serde_json::from_slice(&plain).ok()
    }

    fn seal<T: Serialize>(
        &self,
        secret: &Secret,
        stored: bool,
        shelf: &'static str,
        key: &[u8],
        value: &T,
        expires_ms: u64,
        pending: &mut Pending,
    ) -> Result<(), KeyError> {
        // Values of these types are always JSON.
        let plain = Zeroizing::new(serde_json::to_vec(value).unwrap_or_default());
        let sealed = encrypt(secret, &context(shelf, key), &plain)?;
        let scope = tag(secret);
        if stored && self.store.is_some() {
            pending.rows.push(Aside {
                table: shelf,
                scope: scope.to_vec(),
                key: key.to_vec(),
                sealed: sealed.clone(),
                expires_ms,
            });
        }
        pending.ram.push((Slot { shelf, scope, key: key.to_vec() }, Kept { sealed: Arc::new(sealed), expires_ms }));
        Ok(())
    }
}

fn context(shelf: &str, key: &[u8]) -> Vec<u8> {
    [shelf.as_bytes(), b"\0", key].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::mask::Length;

    const NOW: u64 = 1_700_000_000_000;

    fn word(number: usize) -> KnownWord {
        KnownWord {
            code: Code::compute(&TokenKey::new([3; 32]), "person", &[&number.to_string()], Length::Seven),
            suffix: serde_json::from_str("\"\"").unwrap(),
            word: Wiped::from(format!("語{number}").as_str()),
            kind: Kind::PersonName,
            blind: false,
        }
    }

    fn answer(number: usize) -> Remember {
        let digest = Digest((number as u128).to_be_bytes());
        let words = vec![word(number)];
        Remember { answers: vec![(digest, SentAnswer { masked: String::new(), words })], ..Remember::default() }
    }

    #[test]
    fn answers_that_end_at_once_lose_no_word_of_each_other() {
        let memory = Memory::new(None, &Limits::default());
        let scope = Scope::new(&Ring::ephemeral(NOW).unwrap(), "ip:127.0.0.1", false, NOW).unwrap();
        let (threads, each) = (8, 25);
        let start = Barrier::new(threads);
        std::thread::scope(|all| {
            for thread in 0..threads {
                let (memory, scope, start) = (&memory, &scope, &start);
                all.spawn(move || {
                    start.wait();
                    for number in 0..each {
                        let pending = memory.keep(scope, "openai", &answer(thread * each + number), NOW).unwrap();
                        memory.commit(pending);
                    }
                });
            }
        });
        let mut words: Vec<String> =
            memory.recent(&scope, "openai", NOW).iter().map(|word| word.word.to_string()).collect();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), threads * each);
        assert!(memory.recent(&scope, "anthropic", NOW).is_empty());
    }

    #[test]
    fn rows_of_what_grows_keep_their_order_in_the_store_however_they_arrive() {
        use crate::record::Store as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tsuitate.db");
        let mut store = crate::store::Sqlite::open(&path).unwrap();
        let memory = Memory::new(Some(Reader::open(&path).unwrap()), &Limits::default());
        let scope = Scope::new(&Ring::ephemeral(NOW).unwrap(), "person:taro", true, NOW).unwrap();
        let mut vault = Remember { vault: vec![word(1)], ..Remember::default() };
        let first = [memory.keep(&scope, "openai", &answer(1), NOW), memory.keep(&scope, "openai", &vault, NOW)];
        vault.vault = vec![KnownWord { suffix: serde_json::from_str("\"姓\"").unwrap(), ..word(1) }];
        let second = [memory.keep(&scope, "openai", &answer(2), NOW), memory.keep(&scope, "openai", &vault, NOW)];
        // The later ones arrive first.
        for pending in second.into_iter().chain(first) {
            store.append(&[], &pending.unwrap().rows).unwrap();
        }
        let restarted = Memory::new(Some(Reader::open(&path).unwrap()), &Limits::default());
        assert_eq!(restarted.recent(&scope, "openai", NOW).len(), 2);
        assert_eq!(restarted.vault(&scope, &word(1).code, NOW).unwrap().len(), 2);
    }

    #[test]
    fn words_and_vault_are_bounded_for_each_scope() {
        let memory = Memory::new(None, &Limits::default());
        let ring = Ring::ephemeral(NOW).unwrap();
        let scope = Scope::new(&ring, "ip:127.0.0.1", false, NOW).unwrap();
        let (most, ram) = (Limits::default().memory_recent, Limits::default().memory_ram.0);
        for from in (0..most + 600).step_by(200) {
            let words = (from..from + 200).map(word).collect();
            let masked = String::new();
            let answers = vec![(Digest((from as u128).to_be_bytes()), SentAnswer { masked, words })];
            let pending = memory.keep(&scope, "openai", &Remember { answers, ..Remember::default() }, NOW).unwrap();
            memory.commit(pending);
        }
        let recent = memory.recent(&scope, "openai", NOW);
        assert_eq!(recent.len(), most);
        assert!(recent.iter().any(|known| known.code == word(most + 599).code), "the newest stay");
        assert!(memory.ram.weight() <= ram);
        // Whoever has no name has no vault, whatever is asked to be kept.
        let vault = Remember { vault: vec![word(1)], ..Remember::default() };
        assert!(memory.keep(&scope, "openai", &vault, NOW).unwrap().rows.is_empty());
        assert!(memory.vault(&scope, &word(1).code, NOW).is_none());
    }
}

#[cfg(test)]
mod bounds {
    use super::*;
    use crate::mask::Length;
    use crate::record::Store as _;
    use crate::store::Sqlite;
    use crate::wire::units::Size;

    fn word(number: usize, scope: &Scope) -> KnownWord {
        let word = format!("word {number}");
        KnownWord {
            code: Code::compute(&scope.token, "person", &[word.as_str()], Length::Seven),
            suffix: Suffix::default(),
            word: Wiped::new(word),
            kind: Kind::PersonName,
            blind: false,
        }
    }

    fn answer(number: usize, words: Vec<KnownWord>) -> (Digest, SentAnswer) {
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&(number as u64).to_be_bytes());
        (Digest(digest), SentAnswer { masked: "x".repeat(200), words })
    }

    #[test]
    fn words_of_recent_answers_are_at_most_memory_recent() {
        let ring = Ring::ephemeral(0).unwrap();
        let scope = Scope::new(&ring, "address:192.0.2.1", false, 0).unwrap();
        let memory = Memory::new(None, &Limits { memory_recent: 5, ..Limits::default() });
        for round in 0..3 {
            let words = (0..8).map(|number| word(round * 8 + number, &scope)).collect();
            let remember = Remember { answers: vec![answer(round, words)], ..Remember::default() };
            memory.commit(memory.keep(&scope, "openai", &remember, 0).unwrap());
            let recent = memory.recent(&scope, "openai", 0);
            assert_eq!(recent.len(), 5);
            assert!(recent.iter().any(|known| *known.word == *format!("word {}", round * 8)), "the newest stay");
        }
    }

    #[test]
    fn ram_holds_at_most_memory_ram() {
        let ring = Ring::ephemeral(0).unwrap();
        let scope = Scope::new(&ring, "address:192.0.2.1", false, 0).unwrap();
        let memory = Memory::new(None, &Limits { memory_ram: Size::mib(1), ..Limits::default() });
        for number in 0..6_000 {
            let remember = Remember { answers: vec![answer(number, Vec::new())], ..Remember::default() };
            memory.commit(memory.keep(&scope, "openai", &remember, 0).unwrap());
        }
        assert!(memory.ram.weight() <= 1 << 20, "{}", memory.ram.weight());
        assert!(memory.ram.len() > 50, "{}", memory.ram.len());
    }

    #[test]
    fn the_store_keeps_memory_rows_of_a_scope_and_an_answer_gets_memory_vault_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let ring = Ring::ephemeral(0).unwrap();
        let limits = Limits { memory_rows: 80, memory_vault: 30, ..Limits::default() };
        let mut store = Sqlite::open(&path).unwrap().rows(limits.memory_rows);
        let memory = Memory::new(Some(Reader::open(&path).unwrap()), &limits);
        let scope = |name: &str| Scope::new(&ring, name, true, 0).unwrap();
        for (name, words) in [("person:hanako", 20), ("person:taro", 400)] {
            let scope = scope(name);
            for number in 0..words {
                let remember = Remember { vault: vec![word(number, &scope)], ..Remember::default() };
                let pending = memory.keep(&scope, "openai", &remember, number as u64).unwrap();
                store.append(&[], &pending.rows).unwrap();
            }
        }
        let rows = |name: &str| {
            let reader = Reader::open(&path).unwrap();
            reader.asides("vault", &tag(scope(name).vault.first().unwrap()), 0, 10_000).unwrap().len()
        };
        assert!((80..=90).contains(&rows("person:taro")), "{}", rows("person:taro"));
        assert_eq!(rows("person:hanako"), 20, "one scope's rows are not another's");
        let all = memory.vault_all(&scope("person:taro"), 0);
        assert_eq!(all.len(), 30);
        assert!(all.iter().any(|known| &*known.word == "word 399"), "the newest stay");
    }
}
