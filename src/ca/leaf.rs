//! Leaves: one key and one certificate per host, at most seven days, back-dated an hour for clocks that lag.
//! Must not know: why a host is opened.

use std::sync::Arc;

use quick_cache::sync::Cache;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use super::{BACKDATE, CaError, san, serial};

const LIFE: Duration = Duration::days(7);
const KEPT: usize = 4096;

pub(super) struct Leaves {
    issuer: Issuer<'static, KeyPair>,
    chain: Vec<CertificateDer<'static>>,
    until: OffsetDateTime,
    provider: Arc<CryptoProvider>,
    made: Cache<String, Leaf>,
}

#[derive(Clone)]
struct Leaf {
    config: Arc<ServerConfig>,
    #[cfg(test)]
    chain: Vec<CertificateDer<'static>>,
    renew_at: OffsetDateTime,
}

impl Leaves {
    pub(super) fn new(
        issuer: Issuer<'static, KeyPair>,
        chain: Vec<CertificateDer<'static>>,
        until: OffsetDateTime,
    ) -> Self {
        Self { issuer, chain, until, provider: crate::wire::tls::provider(), made: Cache::new(KEPT) }
    }

    pub(super) fn get(&self, host: &str, now: OffsetDateTime) -> Result<Arc<ServerConfig>, CaError> {
        let host = crate::wire::host::normal_host(host).ok_or_else(|| CaError::Name(host.to_owned()))?;
        if let Some(leaf) = self.made.get(&host) {
            if leaf.renew_at > now {
                return Ok(leaf.config);
            }
            self.made.remove(&host);
        }
        // Others who ask for the same host meanwhile wait for this one.
        self.made.get_or_insert_with(host.as_str(), || self.make(&host, now)).map(|leaf| leaf.config)
    }

    #[cfg(test)]
    pub(super) fn chain_for(&self, host: &str, now: OffsetDateTime) -> Result<Vec<CertificateDer<'static>>, CaError> {
        self.get(host, now)?;
        self.made.get(host).map(|leaf| leaf.chain).ok_or(CaError::Expired)
    }

    fn make(&self, host: &str, now: OffsetDateTime) -> Result<Leaf, CaError> {
        let from = now - BACKDATE;
        let to = (from + LIFE).min(self.until);
        if to <= now {
            return Err(CaError::Expired);
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        // A common name holds 64 characters; clients read the alternative name only.
        params.distinguished_name.push(DnType::CommonName, host.chars().take(64).collect::<String>());
        params.subject_alt_names = vec![san(host)?];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = from;
        params.not_after = to;
        params.serial_number = Some(serial()?);
        let cert = params.signed_by(&key, &self.issuer)?;
        let mut chain = vec![cert.der().clone()];
        chain.extend(self.chain.iter().cloned());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Leaf {
            config: Arc::new(config),
            #[cfg(test)]
            chain,
            renew_at: now + (to - now) / 2,
        })
    }
}
