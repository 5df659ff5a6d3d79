//! The house's own certificate authority in two tiers: a root that clients trust, an issuing authority per gate that is
//! bound by name constraints to the services it opens, and short-lived leaves with their own keys.
//! Must not know: sockets, requests, who asks.

mod files;
mod leaf;
mod scope;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber};
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

pub use scope::Scope;

/// `[ca]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Folder of the authority's files; empty: `ca` in the data folder.
    pub dir: Option<PathBuf>,
    /// The name that people see in their list of authorities.
    pub name: String,
    /// The hospital.
    pub organisation: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { dir: None, name: "Tsuitate house CA".to_owned(), organisation: "Tsuitate".to_owned() }
    }
}

/// What goes wrong with the authority. Names files, never key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    #[error("{path}: {what}")]
    File { path: PathBuf, what: String },
    #[error("{0} is there already; `ca renew` makes a new issuing authority, `ca new` never replaces a root")]
    Exists(PathBuf),
    #[error("the root's key is not here; give the file that `ca new --offline-root` wrote to `ca renew --root-key`")]
    NoRootKey,
    #[error("the issuing authority ran out; run `tsuitate ca renew`")]
    Expired,
    #[error("the issuing authority was not signed by this root")]
    NotOurs,
    #[error(
        "{0}: the issuing certificate and its key do not belong together; run `tsuitate ca renew`, or `ca import` again"
    )]
    Unpaired(PathBuf),
    #[error(
        "the issuing authority is of the hospital's own PKI and is not renewed here; have a new one signed and take it \
         with `tsuitate ca import`"
    )]
    Imported,
    #[error("`{0}` is no host name")]
    Name(String),
    #[error("the system gave no random bytes")]
    Random,
    #[error("certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

const ROOT_YEARS: i64 = 10;
const ISSUING_DAYS: i64 = 365;
/// Below this the issuing authority is renewed at the start, when the root's key is here.
const RENEW_BEFORE_DAYS: i64 = 30;
const BACKDATE: Duration = Duration::hours(1);

/// The authority of a running gate: signs leaves for the hosts that it opens.
pub struct Authority {
    root: CertificateDer<'static>,
    /// Swapped when the issuing part is renewed; the root stays.
    issuing: ArcSwap<Issuing>,
}

struct Issuing {
    leaves: leaf::Leaves,
    cert: CertificateDer<'static>,
    until: OffsetDateTime,
    stale_scope: bool,
}

/// What clients install.
#[derive(Clone, Debug)]
pub struct Export {
    pub pem: String,
    pub der: Vec<u8>,
    /// SHA-256, upper-case hex pairs joined by colons.
    pub fingerprint: String,
}

impl Authority {
    /// Reads the authority; makes what is missing; renews the issuing part when its names changed or its end is near and
    /// the root's key is here.
    ///
    /// # Errors
    /// Files that cannot be read or written, an issuing authority that ran out and cannot be renewed.
    pub fn load_or_create(dir: &Path, settings: &Settings, scope: &Scope) -> Result<Self, CaError> {
        let now = OffsetDateTime::now_utc();
        if !dir.join(files::ROOT).exists() {
            new_root(dir, settings, None)?;
        }
        if !dir.join(files::ISSUING).exists() {
            renew(dir, settings, scope, None)?;
        }
        let (old, why) = match Self::load(dir, scope) {
            Ok(old) if old.stale_scope() => (Ok(old), "does not fit the services"),
            Ok(old) if old.ends_soon(now) => (Ok(old), "ends soon"),
            // A stop between the two files of a renewal.
            Err(error @ CaError::Unpaired(_)) => (Err(error), "does not fit its key"),
            other => return other,
        };
        match renew(dir, settings, scope, None) {
            Ok(()) => tracing::info!(why, "the issuing authority was renewed; clients keep their root"),
            Err(CaError::NoRootKey | CaError::Imported) => {
                let old = old?;
                if old.issuing_until() < now.unix_timestamp() {
                    return Err(CaError::Expired);
                }
                tracing::warn!(why, "the issuing authority is due: run `tsuitate ca renew`, or import a new one");
                return Ok(old);
            }
            Err(error) => return Err(error),
        }
        Self::load(dir, scope)
    }

    /// Takes up the issuing part that is on the disk, renewed before when it does not fit the names of `scope` or ends
    /// soon and the root's key is here. Leaves are made anew; what is connected stays. `true` when it changed.
    ///
    /// # Errors
    /// When what is on the disk cannot be used: the gate goes on with what it has.
    pub fn take_up(&self, dir: &Path, settings: &Settings, scope: &Scope) -> Result<bool, CaError> {
        let mut fresh = Self::load(dir, scope)?;
        if fresh.root != self.root {
            return Err(CaError::File {
                path: dir.join(files::ROOT),
                what: "is another root than the gate started with; it takes effect at the next start".to_owned(),
            });
        }
        if fresh.stale_scope() || fresh.ends_soon(OffsetDateTime::now_utc()) {
            match renew(dir, settings, scope, None) {
                Ok(()) => fresh = Self::load(dir, scope)?,
                Err(CaError::NoRootKey | CaError::Imported) => {}
                Err(error) => return Err(error),
            }
        }
        let fresh = fresh.issuing.into_inner();
        let was = self.issuing.load();
        let changed = was.cert != fresh.cert;
        if changed || was.stale_scope != fresh.stale_scope {
            self.issuing.store(fresh);
        }
        Ok(changed)
    }

    fn ends_soon(&self, now: OffsetDateTime) -> bool {
        self.issuing.load().until - now < Duration::days(RENEW_BEFORE_DAYS)
    }

    /// Reads the authority as it is.
    ///
    /// # Errors
    /// Files that cannot be read, or do not belong together.
    pub fn load(dir: &Path, scope: &Scope) -> Result<Self, CaError> {
        let root = first(files::read_certs(&dir.join(files::ROOT))?, &dir.join(files::ROOT))?;
        let path = dir.join(files::ISSUING);
        let chain = files::read_certs(&path)?;
        let issuing = first(chain.clone(), &path)?;
        let key = files::read_key(&dir.join(files::ISSUING_KEY))?;
        let facts =
            scope::facts(&issuing).ok_or_else(|| CaError::File { path, what: "is no certificate".to_owned() })?;
        if !files::chain_leads_to(&chain, &root) {
            return Err(CaError::NotOurs);
        }
        if !files::key_fits(&issuing, &key) {
            return Err(CaError::Unpaired(dir.join(files::ISSUING)));
        }
        let until = OffsetDateTime::from_unix_timestamp(facts.not_after).map_err(|_| CaError::Expired)?;
        // An imported authority has the hospital's own constraints; only ours are compared.
        let stale_scope = !imported(dir) && facts.permitted.as_ref().is_some_and(|have| *have != scope.permitted());
        // The root stays out of the chain: a client that has it does not need it, another must not get it so.
        let chain = chain.into_iter().filter(|c| *c != root).collect();
        let issuer = Issuer::from_ca_cert_der(&issuing, key)?;
        let leaves = leaf::Leaves::new(issuer, chain, until);
        let issuing = Issuing { leaves, cert: issuing, until, stale_scope };
        Ok(Self { root, issuing: ArcSwap::from_pointee(issuing) })
    }

    /// TLS settings with a leaf for this host (name or address). Cached; one leaf serves for half its life.
    ///
    /// # Errors
    /// A name that is no host, an authority that ran out.
    pub fn server_config(&self, host: &str) -> Result<Arc<ServerConfig>, CaError> {
        self.issuing.load().leaves.get(host, OffsetDateTime::now_utc())
    }

    pub fn export(&self) -> Export {
        exported(&self.root)
    }

    /// When the issuing authority ends, in seconds since 1970.
    pub fn issuing_until(&self) -> i64 {
        self.issuing.load().until.unix_timestamp()
    }

    /// The service table names hosts that this authority may not sign: `ca renew` is due.
    pub fn stale_scope(&self) -> bool {
        self.issuing.load().stale_scope
    }
}

/// The certificate of the issuing authority.
#[must_use]
pub fn issuing_file(dir: &Path) -> PathBuf {
    dir.join(files::ISSUING)
}

/// The issuing authority is of the hospital's own PKI.
fn imported(dir: &Path) -> bool {
    dir.join(files::IMPORTED).exists()
}

/// `ca new`: a root. With `offline`, its key goes to that file and is not kept on the gate.
///
/// # Errors
/// A root that exists, a folder that cannot be written.
pub fn new_root(dir: &Path, settings: &Settings, offline: Option<&Path>) -> Result<Export, CaError> {
    let path = dir.join(files::ROOT);
    if path.exists() {
        return Err(CaError::Exists(path));
    }
    files::make_dir(dir)?;
    let now = OffsetDateTime::now_utc();
    let key = KeyPair::generate()?;
    let mut params = authority_params(&settings.name, &settings.organisation, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.not_after = now + Duration::days(365 * ROOT_YEARS + 2);
    let root = params.self_signed(&key)?;
    let key_path = offline.map_or_else(|| dir.join(files::ROOT_KEY), Path::to_path_buf);
    if key_path.exists() {
        return Err(CaError::Exists(key_path));
    }
    files::write(&key_path, key.serialize_pem().as_bytes())?;
    files::write(&path, root.pem().as_bytes())?;
    Ok(exported(root.der()))
}

/// `ca renew`: a new issuing authority under the same root, bound to the scope.
///
/// # Errors
/// Without the root's key (`root_key`, else the one in the folder), or when files cannot be written.
pub fn renew(dir: &Path, settings: &Settings, scope: &Scope, root_key: Option<&Path>) -> Result<(), CaError> {
    let path = dir.join(files::ROOT);
    let root = first(files::read_certs(&path)?, &path)?;
    if root_key.is_none() && imported(dir) {
        return Err(CaError::Imported);
    }
    let key_path = root_key.map_or_else(|| dir.join(files::ROOT_KEY), Path::to_path_buf);
    if !key_path.exists() {
        return Err(CaError::NoRootKey);
    }
    let root_key = files::read_key(&key_path)?;
    if !files::key_fits(&root, &root_key) {
        return Err(CaError::NotOurs);
    }
    let issuer = Issuer::from_ca_cert_der(&root, root_key)?;
    let now = OffsetDateTime::now_utc();
    let key = KeyPair::generate()?;
    let name = format!("{} (gate)", settings.name);
    let mut params = authority_params(&name, &settings.organisation, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.not_after = now + Duration::days(ISSUING_DAYS);
    params.use_authority_key_identifier_extension = true;
    params.name_constraints = Some(scope.constraints());
    let issuing = params.signed_by(&key, &issuer)?;
    // A gate that stops between the two finds a pair that does not fit, and renews.
    files::write(&dir.join(files::ISSUING_KEY), key.serialize_pem().as_bytes())?;
    files::write(&dir.join(files::ISSUING), issuing.pem().as_bytes())?;
    // It is ours again, by the root's own key.
    files::remove(&dir.join(files::IMPORTED))
}

/// `ca import`: an issuing authority that the hospital's own PKI signed. `chain` is PEM, the issuing certificate first.
/// The key of a root that this gate had made is erased: nothing is signed by it any more.
///
/// # Errors
/// Files that do not belong together.
pub fn import(dir: &Path, root: &Path, chain: &Path, key: &Path) -> Result<Export, CaError> {
    let root_cert = first(files::read_certs(root)?, root)?;
    let certs = files::read_certs(chain)?;
    let issuing = first(certs.clone(), chain)?;
    let pair = files::read_key(key)?;
    let wrong = |what: &str| CaError::File { path: chain.to_path_buf(), what: what.to_owned() };
    let facts = scope::facts(&issuing).ok_or_else(|| wrong("is no certificate"))?;
    if !facts.is_ca {
        return Err(wrong("may not sign certificates (no CA:TRUE); ask for a subordinate CA certificate"));
    }
    if !files::key_fits(&issuing, &pair) {
        return Err(wrong("does not belong to this key"));
    }
    if !files::chain_leads_to(&certs, &root_cert) {
        return Err(CaError::NotOurs);
    }
    files::make_dir(dir)?;
    // First the mark, so that nothing is renewed by the former root's key meanwhile; that key goes last.
    files::write(&dir.join(files::IMPORTED), b"The issuing authority was imported: `ca renew` leaves it alone.\n")?;
    files::write(&dir.join(files::ISSUING_KEY), pair.serialize_pem().as_bytes())?;
    files::write(&dir.join(files::ISSUING), files::to_pem(&certs).as_bytes())?;
    files::write(&dir.join(files::ROOT), files::to_pem(std::slice::from_ref(&root_cert)).as_bytes())?;
    files::remove(&dir.join(files::ROOT_KEY))?;
    Ok(exported(&root_cert))
}

/// `ca export`: the root for clients.
///
/// # Errors
/// Without a root.
pub fn export(dir: &Path) -> Result<Export, CaError> {
    let path = dir.join(files::ROOT);
    Ok(exported(&first(files::read_certs(&path)?, &path)?))
}

fn exported(root: &CertificateDer<'static>) -> Export {
    let digest = Sha256::digest(root.as_ref());
    let fingerprint = digest.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":");
    Export { pem: files::to_pem(std::slice::from_ref(root)), der: root.to_vec(), fingerprint }
}

fn first(certs: Vec<CertificateDer<'static>>, path: &Path) -> Result<CertificateDer<'static>, CaError> {
    let none = || CaError::File { path: path.to_path_buf(), what: "holds no certificate".to_owned() };
    certs.into_iter().next().ok_or_else(none)
}

fn serial() -> Result<SerialNumber, CaError> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| CaError::Random)?;
    // Positive, and never shorter than it looks.
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

fn authority_params(name: &str, organisation: &str, now: OffsetDateTime) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - BACKDATE;
    params.serial_number = Some(serial()?);
    Ok(params)
}

fn san(host: &str) -> Result<rcgen::SanType, CaError> {
    let normal = crate::wire::host::normal_host(host).ok_or_else(|| CaError::Name(host.to_owned()))?;
    match normal.parse::<IpAddr>() {
        Ok(ip) => Ok(rcgen::SanType::IpAddress(ip)),
        Err(_) => Ok(rcgen::SanType::DnsName(normal.try_into()?)),
    }
}

#[cfg(test)]
mod tests;
