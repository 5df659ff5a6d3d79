//! The ring: random 256-bit secrets by epoch and purpose, sealed on disk by a key from a file, the environment or a
//! command. Token, vault and memory keys are HKDF(epoch secret, purpose ‖ scope); an epoch whose secret is erased cannot
//! be undone (DESIGN §5, Keys). Must not know: what the keys are used on, requests, records.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ed25519_dalek::{SigningKey, VerifyingKey};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::record::chain::hex;

/// Thirty days: how long an epoch is the active one.
pub const EPOCH_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Where the sealing key comes from; the first that is given counts, else `seal.key` in the key folder.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A file with 64 hexadecimal digits, 0600.
    pub seal_file: Option<PathBuf>,
    /// Name of an environment variable with 64 hexadecimal digits.
    pub seal_env: Option<String>,
    /// A command and its arguments that prints 64 hexadecimal digits (an HSM's or a password manager's client).
    pub seal_command: Option<Vec<String>>,
}

/// Why the ring cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is open to others (mode {mode:o}): chmod 600 it")]
    Mode { path: PathBuf, mode: u32 },
    #[error("the sealing key from {from} is not 64 hexadecimal digits")]
    SealForm { from: String },
    #[error("the environment variable {name} with the sealing key is not set (keys.seal_env)")]
    SealEnv { name: String },
    #[error("the command for the sealing key failed: {why} (keys.seal_command)")]
    SealCommand { why: String },
    #[error("{path} is not sealed by this key: it was copied without its seal, or damaged")]
    Unsealed { path: PathBuf },
    #[error("{path} is no ring of this program: {why}")]
    Form { path: PathBuf, why: String },
    #[error("the operating system gave no randomness: {0}")]
    Random(getrandom::Error),
}

/// A secret of 256 bits. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    fn random() -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
        Ok(Self(bytes))
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        parse_key(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a key is 64 hexadecimal digits"))
    }
}

/// A key with its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub id: String,
    pub secret: Secret,
}

impl Key {
    /// A secret made of this one for a purpose of its own (HKDF).
    #[must_use]
    pub fn expand(&self, purpose: &str) -> Secret {
        let mut out = [0; 32];
        // Fails only for more than 8160 bytes.
        let _whole = Hkdf::<Sha256>::new(Some(self.id.as_bytes()), self.secret.bytes())
            .expand_multi_info(&[b"tsuitate v1 ", purpose.as_bytes()], &mut out);
        Secret(out)
    }

    fn random(prefix: &str) -> Result<Self, KeyError> {
        let secret = Secret::random()?;
        let id = format!("{prefix}{}", hex(&Sha256::digest(secret.bytes())[..4]));
        Ok(Self { id, secret })
    }
}

/// The secret of thirty days. Erased: only the id is left, and its tokens cannot be undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    pub id: String,
    pub active_from_ms: u64,
    pub secret: Option<Secret>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    epochs: Vec<Epoch>,
    list: Key,
    /// The newest last; old ones stay, so that `record search` finds old records.
    fingerprint: Vec<Key>,
    hold: Key,
    /// Proxy passwords that were verified are cached under this key.
    login: Key,
    checkpoint: Key,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    version: u32,
    nonce: String,
    sealed: String,
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Token,
    Vault,
    Memory,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Purpose::Token => "token",
            Purpose::Vault => "vault",
            Purpose::Memory => "memory",
        }
    }
}

/// The ring in memory.
#[derive(Clone, Debug)]
pub struct Ring {
    content: Arc<Content>,
}

impl Ring {
    /// A ring that is nowhere on disk: for the demonstration and for tests.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn ephemeral(now_ms: u64) -> Result<Self, KeyError> {
        let epoch = Key::random("e")?;
        Ok(Self {
            content: Arc::new(Content {
                version: 1,
                epochs: vec![Epoch { id: epoch.id, active_from_ms: now_ms, secret: Some(epoch.secret) }],
                list: Key::random("l")?,
                fingerprint: vec![Key::random("f")?],
                hold: Key::random("h")?,
                login: Key::random("p")?,
                checkpoint: Key::random("c")?,
            }),
        })
    }

    /// Open the ring in `folder`, or make one; begin a new epoch when the active one is thirty days old.
    ///
    /// # Errors
    /// When the files cannot be used, are open to others, or do not belong together.
    pub fn open_or_create(folder: &Path, settings: &Settings, now_ms: u64) -> Result<Self, KeyError> {
        make_folder(folder)?;
        let path = Self::file(folder);
        let seal = sealing_key(folder, settings)?;
        let mut ring = if path.exists() {
            Self { content: Arc::new(read(&path, &seal)?) }
        } else {
            let ring = Self::ephemeral(now_ms)?;
            write(&path, &seal, &ring.content)?;
            ring
        };
        if now_ms.saturating_sub(ring.active().active_from_ms) >= EPOCH_MS {
            let epoch = Key::random("e")?;
            let mut content = (*ring.content).clone();
            content.epochs.push(Epoch { id: epoch.id, active_from_ms: now_ms, secret: Some(epoch.secret) });
            write(&path, &seal, &content)?;
            ring = Self { content: Arc::new(content) };
        }
        Ok(ring)
    }

    /// The same for a gate that runs: a ring that is not there any more is a fault, not a new one.
    ///
    /// # Errors
    /// As `open_or_create`, and when there is no ring.
    pub fn again(folder: &Path, settings: &Settings, now_ms: u64) -> Result<Self, KeyError> {
        let path = Self::file(folder);
        std::fs::metadata(&path).map_err(|source| KeyError::File { path, source })?;
        Self::open_or_create(folder, settings, now_ms)
    }

    /// The file in a folder of keys.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("ring.json")
    }

    /// Erase the secret of an epoch; its tokens cannot be undone any more. The active epoch is followed by a new one.
    ///
    /// # Errors
    /// When the ring cannot be written; `Ok(false)` when no epoch has this id.
    pub fn destroy_epoch(folder: &Path, settings: &Settings, id: &str, now_ms: u64) -> Result<bool, KeyError> {
        let path = Self::file(folder);
        let seal = sealing_key(folder, settings)?;
        let mut content = read(&path, &seal)?;
        let Some(epoch) = content.epochs.iter_mut().find(|epoch| epoch.id == id) else { return Ok(false) };
        epoch.secret = None;
        if content.epochs.last().is_some_and(|epoch| epoch.secret.is_none()) {
            let epoch = Key::random("e")?;
            content.epochs.push(Epoch { id: epoch.id, active_from_ms: now_ms, secret: Some(epoch.secret) });
        }
        write(&path, &seal, &content)?;
        Ok(true)
    }

    /// The active epoch.
    #[must_use]
    pub fn active(&self) -> &Epoch {
        // A ring is never without an epoch: every maker puts one in and `read` refuses an empty list.
        static NONE: Epoch = Epoch { id: String::new(), active_from_ms: 0, secret: None };
        self.content.epochs.iter().rev().find(|epoch| epoch.secret.is_some()).unwrap_or(&NONE)
    }

    /// All epochs, oldest first.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch] {
        &self.content.epochs
    }

    /// A key of the active epoch for a purpose and a scope. `None` when every epoch was erased.
    #[must_use]
    pub fn derive(&self, purpose: Purpose, scope: &str) -> Option<Secret> {
        derive(self.active(), purpose, scope)
    }

    /// The same of every epoch that still has its secret, newest first.
    #[must_use]
    pub fn derive_all(&self, purpose: Purpose, scope: &str) -> Vec<Secret> {
        self.content.epochs.iter().rev().filter_map(|epoch| derive(epoch, purpose, scope)).collect()
    }

    /// Token and memory keys of the epochs before the active one that were still active after `since_ms`, newest first.
    pub fn derive_before<'a>(&'a self, scope: &'a str, since_ms: u64) -> impl Iterator<Item = (Secret, Secret)> + 'a {
        let epochs = &self.content.epochs;
        let active = epochs.iter().rposition(|epoch| epoch.secret.is_some()).unwrap_or(0);
        (0..active)
            .rev()
            .filter_map(move |at| epochs.get(at).zip(epochs.get(at + 1)))
            .take_while(move |(_, next)| next.active_from_ms > since_ms)
            .filter_map(move |(epoch, _)| {
                derive(epoch, Purpose::Token, scope).zip(derive(epoch, Purpose::Memory, scope))
            })
    }

    /// Keys of the fingerprints, newest last.
    #[must_use]
    pub fn fingerprint(&self) -> &[Key] {
        &self.content.fingerprint
    }

    #[must_use]
    pub fn list(&self) -> &Key {
        &self.content.list
    }

    #[must_use]
    pub fn login(&self) -> &Key {
        &self.content.login
    }

    /// The key that signs checkpoints, with its id.
    #[must_use]
    pub fn checkpoint(&self) -> (String, SigningKey) {
        (self.content.checkpoint.id.clone(), SigningKey::from_bytes(self.content.checkpoint.secret.bytes()))
    }

    /// The public half of the checkpoint key, for auditors.
    #[must_use]
    pub fn checkpoint_public(&self) -> (String, VerifyingKey) {
        let (id, key) = self.checkpoint();
        (id, key.verifying_key())
    }
}

fn derive(epoch: &Epoch, purpose: Purpose, scope: &str) -> Option<Secret> {
    let secret = epoch.secret.as_ref()?;
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(Some(epoch.id.as_bytes()), secret.bytes())
        .expand_multi_info(&[b"tsuitate v1 ", purpose.word().as_bytes(), b"\0", scope.as_bytes()], &mut out)
        .ok()?;
    Some(Secret(out))
}

/// Encrypt a value for the vault or a memory: random 192-bit nonce, `context` bound in.
///
/// # Errors
/// When there is no randomness.
pub fn encrypt(key: &Secret, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(KeyError::Random)?;
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let mut out = nonce.to_vec();
    // Encryption in memory fails only over 256 GiB.
    out.extend(cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context }).unwrap_or_default());
    Ok(out)
}

/// Decrypt what `encrypt` made. `None` when key, context or bytes are not the same.
#[must_use]
pub fn decrypt(key: &Secret, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(24)?;
    let nonce: [u8; 24] = nonce.try_into().ok()?;
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: context }).ok().map(Zeroizing::new)
}

fn sealing_key(folder: &Path, settings: &Settings) -> Result<Secret, KeyError> {
    if let Some(name) = &settings.seal_env {
        let text = Zeroizing::new(std::env::var(name).map_err(|_| KeyError::SealEnv { name: name.clone() })?);
        return parse_key(&text).map(Secret).ok_or_else(|| KeyError::SealForm { from: format!("${name}") });
    }
    if let Some(command) = &settings.seal_command {
        let (program, arguments) =
            command.split_first().ok_or_else(|| KeyError::SealCommand { why: "it is empty".to_owned() })?;
        let output = std::process::Command::new(program)
            .args(arguments)
            .output()
            .map_err(|error| KeyError::SealCommand { why: error.to_string() })?;
        if !output.status.success() {
            return Err(KeyError::SealCommand { why: output.status.to_string() });
        }
        let text = Zeroizing::new(String::from_utf8_lossy(&output.stdout).into_owned());
        return parse_key(&text).map(Secret).ok_or_else(|| KeyError::SealForm { from: program.clone() });
    }
    let path = settings.seal_file.clone().unwrap_or_else(|| folder.join("seal.key"));
    if !path.exists() && settings.seal_file.is_none() {
        let secret = Secret::random()?;
        write_private(&path, hex(secret.bytes()).as_bytes())?;
        return Ok(secret);
    }
    let text = Zeroizing::new(read_private(&path)?);
    parse_key(&text).map(Secret).ok_or_else(|| KeyError::SealForm { from: path.display().to_string() })
}

fn parse_key(text: &str) -> Option<[u8; 32]> {
    crate::record::chain::unhex(text.trim())?.try_into().ok()
}

fn read(path: &Path, seal: &Secret) -> Result<Content, KeyError> {
    let form = |why: String| KeyError::Form { path: path.to_owned(), why };
    let sealed: Sealed = serde_json::from_str(&read_private(path)?).map_err(|error| form(error.to_string()))?;
    if sealed.version != 1 {
        return Err(form(format!("version {}, this program knows 1", sealed.version)));
    }
    let mut bytes = STANDARD.decode(&sealed.nonce).map_err(|error| form(error.to_string()))?;
    bytes.extend(STANDARD.decode(&sealed.sealed).map_err(|error| form(error.to_string()))?);
    let plain =
        decrypt(seal, b"tsuitate ring v1", &bytes).ok_or_else(|| KeyError::Unsealed { path: path.to_owned() })?;
    let content: Content = serde_json::from_slice(&plain).map_err(|error| form(error.to_string()))?;
    if content.epochs.is_empty() || content.fingerprint.is_empty() {
        return Err(form("it holds no epoch or no fingerprint key".to_owned()));
    }
    Ok(content)
}

fn write(path: &Path, seal: &Secret, content: &Content) -> Result<(), KeyError> {
    let form = |why: String| KeyError::Form { path: path.to_owned(), why };
    let plain = Zeroizing::new(serde_json::to_vec(content).map_err(|error| form(error.to_string()))?);
    let bytes = encrypt(seal, b"tsuitate ring v1", &plain)?;
    let (nonce, sealed) = bytes.split_at_checked(24).ok_or_else(|| form("nothing was encrypted".to_owned()))?;
    let sealed = Sealed { version: 1, nonce: STANDARD.encode(nonce), sealed: STANDARD.encode(sealed) };
    let text = serde_json::to_string_pretty(&sealed).map_err(|error| form(error.to_string()))?;
    write_private(path, text.as_bytes())
}

fn make_folder(folder: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| KeyError::File { path: folder.to_owned(), source })
}

/// Read a file that only its owner may read.
fn read_private(path: &Path) -> Result<String, KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = |source| KeyError::File { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Mode { path: path.to_owned(), mode });
    }
    std::fs::read_to_string(path).map_err(file)
}

/// Write a file whole (0600): a new one beside it, synced, then renamed over it.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let file = |source| KeyError::File { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(file)?;
    fresh.write_all(bytes).map_err(file)?;
    fresh.as_file().sync_all().map_err(file)?;
    fresh.persist(path).map_err(|error| file(error.error))?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_comes_back_as_it_was_and_turns_after_thirty_days() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let first = Ring::open_or_create(&keys, &Settings::default(), 1_000).unwrap();
        let again = Ring::open_or_create(&keys, &Settings::default(), 2_000).unwrap();
        let scope = "person:taro";
        assert_eq!(first.derive(Purpose::Token, scope), again.derive(Purpose::Token, scope));
        assert_ne!(first.derive(Purpose::Token, scope), first.derive(Purpose::Token, "person:hanako"));
        assert_ne!(first.derive(Purpose::Token, scope), first.derive(Purpose::Vault, scope));
        let later = Ring::open_or_create(&keys, &Settings::default(), 1_000 + EPOCH_MS).unwrap();
        assert_eq!(later.epochs().len(), 2);
        assert_ne!(first.derive(Purpose::Token, scope), later.derive(Purpose::Token, scope));
        std::fs::remove_file(Ring::file(&keys)).unwrap();
        assert!(matches!(Ring::again(&keys, &Settings::default(), 3_000), Err(KeyError::File { .. })));
        assert!(!Ring::file(&keys).exists(), "a running gate never makes another ring");
        assert!(later.derive_all(Purpose::Token, scope).contains(&first.derive(Purpose::Token, scope).unwrap()));
    }

    #[test]
    fn an_erased_epoch_derives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Ring::open_or_create(folder.path(), &Settings::default(), 0).unwrap();
        let old = ring.derive(Purpose::Vault, "s").unwrap();
        let id = ring.active().id.clone();
        assert!(Ring::destroy_epoch(folder.path(), &Settings::default(), &id, 5).unwrap());
        assert!(!Ring::destroy_epoch(folder.path(), &Settings::default(), "nobody", 5).unwrap());
        let ring = Ring::open_or_create(folder.path(), &Settings::default(), 6).unwrap();
        assert!(!ring.derive_all(Purpose::Vault, "s").contains(&old));
    }

    #[test]
    fn a_ring_without_its_seal_or_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Ring::open_or_create(folder.path(), &Settings::default(), 0).unwrap();
        let ring = folder.path().join("ring.json");
        std::fs::set_permissions(&ring, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Ring::open_or_create(folder.path(), &Settings::default(), 0), Err(KeyError::Mode { .. })));
        std::fs::set_permissions(&ring, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::remove_file(folder.path().join("seal.key")).unwrap();
        assert!(matches!(Ring::open_or_create(folder.path(), &Settings::default(), 0), Err(KeyError::Unsealed { .. })));
    }

    #[test]
    fn a_value_opens_with_its_own_key_and_context_only() {
        let ring = Ring::ephemeral(0).unwrap();
        let key = ring.derive(Purpose::Vault, "a").unwrap();
        let sealed = encrypt(&key, b"code", "山田太郎".as_bytes()).unwrap();
        assert_eq!(decrypt(&key, b"code", &sealed).unwrap().as_slice(), "山田太郎".as_bytes());
        assert!(decrypt(&key, b"other", &sealed).is_none());
        assert!(decrypt(&ring.derive(Purpose::Vault, "b").unwrap(), b"code", &sealed).is_none());
        assert!(decrypt(&key, b"code", b"short").is_none());
    }

    #[test]
    fn a_seal_may_come_from_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            Settings { seal_command: Some(vec!["printf".to_owned(), "ab".repeat(32)]), ..Settings::default() };
        Ring::open_or_create(folder.path(), &settings, 0).unwrap();
        assert!(!folder.path().join("seal.key").exists());
        let wrong = Settings { seal_command: Some(vec!["printf".to_owned(), "zz".to_owned()]), ..Settings::default() };
        assert!(matches!(Ring::open_or_create(folder.path(), &wrong, 0), Err(KeyError::SealForm { .. })));
    }
}
