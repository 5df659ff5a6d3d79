//! The authority's files: PEM, readable by the gate's user alone, replaced whole.
//! Must not know: what is signed with them.

use std::io::Write;
use std::path::Path;

use rcgen::{KeyPair, PublicKeyData};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CaError, PemObject};

pub(super) const ROOT: &str = "root.pem";
pub(super) const ROOT_KEY: &str = "root.key";
pub(super) const ISSUING: &str = "issuing.pem";
pub(super) const ISSUING_KEY: &str = "issuing.key";
/// Stands where the issuing authority is of the hospital's own PKI.
pub(super) const IMPORTED: &str = "imported";

fn fault(path: &Path, what: impl Into<String>) -> CaError {
    CaError::File { path: path.to_path_buf(), what: what.into() }
}

pub(super) fn make_dir(dir: &Path) -> Result<(), CaError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| fault(dir, format!("cannot be made: {}", e.kind())))
}

/// Writes a file with mode 0600 beside its place and moves it there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CaError> {
    let cannot = |e: &std::io::Error| fault(path, format!("cannot be written: {}", e.kind()));
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // tempfile makes files that only their owner can read.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| cannot(&e))?;
    file.write_all(bytes).map_err(|e| cannot(&e))?;
    file.as_file().sync_all().map_err(|e| cannot(&e))?;
    file.persist(path).map_err(|e| cannot(&e.error))?;
    Ok(())
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), CaError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(fault(path, format!("cannot be removed: {}", e.kind())))
        }
        _ => Ok(()),
    }
}

pub(super) fn read_certs(path: &Path) -> Result<Vec<CertificateDer<'static>>, CaError> {
    let text = std::fs::read(path).map_err(|e| fault(path, format!("cannot be read: {}", e.kind())))?;
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        _ => Err(fault(path, "holds no PEM certificate")),
    }
}

pub(super) fn read_key(path: &Path) -> Result<KeyPair, CaError> {
    use std::os::unix::fs::PermissionsExt;
    let about = std::fs::metadata(path).map_err(|e| fault(path, format!("cannot be read: {}", e.kind())))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(fault(path, "can be read by others; run `chmod 600` on it"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| fault(path, format!("cannot be read: {}", e.kind())))?;
    let text = zeroize::Zeroizing::new(text);
    KeyPair::from_pem(&text).map_err(|_| fault(path, "holds no PEM private key (PKCS #8)"))
}

pub(super) fn to_pem(certs: &[CertificateDer<'static>]) -> String {
    use base64::Engine;
    let mut text = String::new();
    for cert in certs {
        let body = base64::engine::general_purpose::STANDARD.encode(cert.as_ref());
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for (at, c) in body.char_indices() {
            if at > 0 && at.is_multiple_of(64) {
                text.push('\n');
            }
            text.push(c);
        }
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text
}

pub(super) fn key_fits(cert: &CertificateDer<'_>, key: &KeyPair) -> bool {
    X509Certificate::from_der(cert).is_ok_and(|(_, c)| c.public_key().raw == key.subject_public_key_info())
}

/// Does each certificate of the chain carry the signature of the next, and the last that of the root?
pub(super) fn chain_leads_to(chain: &[CertificateDer<'static>], root: &CertificateDer<'static>) -> bool {
    let mut whole: Vec<&CertificateDer<'static>> = chain.iter().filter(|c| *c != root).collect();
    whole.push(root);
    whole.windows(2).all(|pair| {
        let [lower, upper] = pair else { return false };
        let (Ok((_, lower)), Ok((_, upper))) = (X509Certificate::from_der(lower), X509Certificate::from_der(upper))
        else {
            return false;
        };
        lower.issuer() == upper.subject() && signed_by(&lower, &upper)
    })
}

fn signed_by(lower: &X509Certificate<'_>, upper: &X509Certificate<'_>) -> bool {
    // The signature's algorithm without its outer SEQUENCE, as rustls' table names them.
    let Some(algorithm) = crypto_algorithm(&lower.signature_algorithm) else { return false };
    let key = upper.public_key().subject_public_key.data.as_ref();
    rustls::crypto::ring::default_provider()
        .signature_verification_algorithms
        .all
        .iter()
        .filter(|known| known.signature_alg_id().as_ref() == algorithm.as_slice())
        .any(|known| {
            known.verify_signature(key, lower.tbs_certificate.as_ref(), lower.signature_value.data.as_ref()).is_ok()
        })
}

fn crypto_algorithm(id: &x509_parser::x509::AlgorithmIdentifier<'_>) -> Option<Vec<u8>> {
    // Contents of the AlgorithmIdentifier sequence: the OID, then NULL for RSA with PKCS #1.
    let oid = id.algorithm.as_bytes();
    let mut der = vec![0x06, u8::try_from(oid.len()).ok()?];
    der.extend_from_slice(oid);
    if let Some(parameters) = &id.parameters
        && parameters.data.is_empty()
    {
        der.extend_from_slice(&[0x05, 0x00]);
    } else if id.parameters.is_some() {
        return None;
    }
    Some(der)
}
