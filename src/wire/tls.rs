//! TLS parts of both sides: one crypto provider, passed explicitly; the roots that upstream certificates are checked with.
//! Upstream certificates are always checked; there is no switch that turns it off.
//! Must not know: our own certificate authority.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::dial::Settings;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    #[error("`upstream.extra_roots`: {0} cannot be read as PEM certificates")]
    ExtraRoots(String),
    #[error("`upstream.only_extra_roots` is set, but `upstream.extra_roots` names no certificate")]
    NoRoots,
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The crypto of this house.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Certificates of a PEM file.
///
/// # Errors
/// When the file cannot be read or holds none.
pub fn read_pem(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = || TlsError::ExtraRoots(path.display().to_string());
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(|_| wrong())?.collect::<Result<_, _>>().map_err(|_| wrong())?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

/// The client side towards services: the system's roots and `extra_roots`; without a system store the embedded list.
///
/// # Errors
/// Roots that cannot be read.
pub fn client_config(settings: &Settings) -> Result<ClientConfig, TlsError> {
    let mut extra = Vec::new();
    for path in &settings.extra_roots {
        extra.extend(read_pem(path)?);
    }
    let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    if settings.only_extra_roots {
        if extra.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let mut roots = RootCertStore::empty();
        for root in extra {
            roots.add(root)?;
        }
        return Ok(versions.with_root_certificates(roots).with_no_client_auth());
    }
    match rustls_platform_verifier::Verifier::new_with_extra_roots(extra.iter().cloned(), provider()) {
        Ok(verifier) if has_system_store() => {
            Ok(versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
        }
        _ => {
            tracing::warn!("no certificate store on this system; the embedded list of public roots is used");
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for root in extra {
                roots.add(root)?;
            }
            Ok(versions.with_root_certificates(roots).with_no_client_auth())
        }
    }
}

/// Without extra roots the platform verifier fails on an empty store; with them it would not say so.
fn has_system_store() -> bool {
    rustls_platform_verifier::Verifier::new(provider()).is_ok()
}
