//! The key of one scope and epoch, and everything that is derived from it: token codes, digests of what was sent.
//! HMAC-SHA-256 over length-prefixed fields, so that no two lists of fields read the same.
//! Must not know: where the key comes from (the ring), what the fields mean.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// 256 bits, one scope, one epoch. `Debug` prints nothing of it.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl Drop for TokenKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A keyed digest of something that was sent: tells nothing without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl TokenKey {
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC over `purpose` and `fields`, each with its length before it.
    pub(crate) fn mac<'a>(&self, purpose: &str, fields: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        // A short key is padded with zeros by HMAC's own definition.
        let mut block = [0u8; 64];
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&block.into());
        block.zeroize();
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        for field in fields {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }

    /// The first half of `mac`, as a digest.
    pub(crate) fn digest<'a>(&self, purpose: &str, fields: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut digest = [0u8; 16];
        for (to, from) in digest.iter_mut().zip(self.mac(purpose, fields)) {
            *to = from;
        }
        Digest(digest)
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}
