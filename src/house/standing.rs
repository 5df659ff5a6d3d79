//! The settings of one moment, compiled: services, detector, policy, people, limits.
//! Must not know: requests.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;

use crate::config::Config;
use crate::decide::{Destination, Policy, PolicyError};
use crate::detect::{self, Detector};
use crate::identify::{IdentifyError, People, Source};
use crate::list::{self, ListError};
use crate::locate::provider::{Endpoint, Provider, ProviderError, Providers};
use crate::record::chain;
use crate::record::event::Versions;

/// What a request stands on.
pub struct Standing {
    pub config: Config,
    pub providers: Arc<Providers>,
    pub detector: Arc<Detector>,
    pub policy: Policy,
    pub people: Arc<People>,
    pub unpack: crate::unpack::Limits,
    pub versions: Versions,
    /// Digest over everything that changes what is found or how it is treated: units sent under another are searched anew.
    pub version: String,
    approved: Approved,
}

enum Approved {
    /// Loopback only and no register: every known service, for trying out.
    All,
    Register {
        ids: Vec<String>,
        names: Vec<String>,
    },
}

/// Why the settings cannot stand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StandingError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Providers(#[from] ProviderError),
    #[error("{0}")]
    Rules(String),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    People(#[from] IdentifyError),
    #[error("detect.list: {0}")]
    List(#[from] ListError),
}

/// Name and text of files.
fn read(paths: &[PathBuf]) -> Result<Vec<(String, String)>, StandingError> {
    let one = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .map(|text| (path.display().to_string(), text))
            .map_err(|source| StandingError::File { path: path.clone(), source })
    };
    paths.iter().map(one).collect()
}

/// All files that `Standing::new` reads.
#[must_use]
pub fn files(config: &Config) -> Vec<PathBuf> {
    let users = config.identify.source.iter().map(|Source::Basic { file }| file);
    config.destinations.providers.iter().chain(&config.rules).chain(users).chain(&config.detect.list).cloned().collect()
}

/// The service table: what is shipped and the hospital's own files.
///
/// # Errors
/// When one of them cannot be read or is not right.
pub fn providers(config: &Config) -> Result<Providers, StandingError> {
    let files = read(&config.destinations.providers)?;
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(Providers::with_files(&borrowed)?)
}

/// The names that the issuing authority may sign: the services and the gate itself.
#[must_use]
pub fn ca_scope(config: &Config, providers: &Providers) -> crate::ca::Scope {
    let patterns = providers.host_patterns();
    crate::ca::Scope::new(patterns.iter().map(String::as_str), [config.gate.name.as_str(), "localhost", "127.0.0.1"])
}

impl Standing {
    /// Compile a config. Reads provider, rule and user files, and the hospital's list, for which it needs the list's keys:
    /// without them (`tsuitate check` in a folder that has no ring) only the list's head is looked at.
    ///
    /// # Errors
    /// When one of them is not right; the old settings then stay.
    pub fn new(config: Config, login_key: &[u8; 32], list_keys: Option<&list::Keys>) -> Result<Self, StandingError> {
        let providers = Arc::new(providers(&config)?);
        let rule_files = read(&config.rules)?;
        let index = match (&config.detect.list, list_keys) {
            (Some(path), Some(keys)) => Some(Arc::new(list::load(path, keys)?.0)),
            (Some(path), None) => list::header(path).map(|_| None)?,
            (None, _) => None,
        };
        let listed = index.as_ref().map(|index| index.digest().to_owned());
        let detector = Arc::new(
            Detector::with_list(
                detect::Settings { max_bytes: config.gate.limits.text.bytes(), ..config.detect.clone() },
                &rule_files,
                index,
            )
            .map_err(|error| StandingError::Rules(error.to_string()))?,
        );
        let policy = Policy::new(&config.policy)?;
        let people = Arc::new(People::new(&config.identify, &config.network, config.destinations.unknown, login_key)?);
        let approved = if config.service.is_empty() && config.loopback_only() {
            Approved::All
        } else {
            let known = |id: &str| providers.get(id).map_or_else(|| id.to_owned(), |provider| provider.name.clone());
            let ids: Vec<String> =
                config.service.iter().filter(|service| service.approved).map(|service| service.id.clone()).collect();
            Approved::Register { names: ids.iter().map(|id| known(id)).collect(), ids }
        };
        let limits = &config.gate.limits;
        let unpack = crate::unpack::Limits {
            decoded: limits.decoded.bytes(),
            ratio: limits.ratio as usize,
            codings: limits.codings,
            depth: limits.json_depth,
            values: limits.json_values,
            parts: limits.parts,
            texts: limits.texts,
            text_total: limits.text.bytes(),
            layers: limits.layers,
            pass_formats: false,
        };
        // The policy as written is what it is; its digest is over that.
        let policy_version: String =
            chain::hash(&serde_json::to_string(&config.policy).unwrap_or_default()).chars().take(16).collect();
        let versions = Versions {
            gate: env!("CARGO_PKG_VERSION").to_owned(),
            rules: detector.version().to_owned(),
            policy: policy_version,
            list: listed,
        };
        let version = format!("{}/{}/{}", versions.gate, versions.rules, versions.policy);
        Ok(Self { config, providers, detector, policy, people, unpack, versions, version, approved })
    }

    /// May this service be used?
    #[must_use]
    pub fn approves(&self, provider: &Provider) -> bool {
        match &self.approved {
            Approved::All => true,
            Approved::Register { ids, .. } => provider.trust_internal || ids.contains(&provider.id),
        }
    }

    /// Where a request goes, as the judge weighs it.
    #[must_use]
    pub fn destination(&self, provider: &Provider, endpoint: &Endpoint) -> Destination {
        Destination {
            service: provider.id.clone(),
            endpoint: endpoint.known.then(|| endpoint.name.clone()),
            approved: self.approves(provider) || !provider.is_ai(endpoint),
            approved_services: match &self.approved {
                Approved::All => Vec::new(),
                Approved::Register { names, .. } => names.clone(),
            },
        }
    }

    /// A restriction header that keeps staff on the hospital's own account.
    #[must_use]
    pub fn tenant(&self, provider: &Provider) -> Option<(&str, &str)> {
        self.config
            .service
            .iter()
            .find(|service| service.id == provider.id)
            .and_then(|service| service.tenant.as_ref())
            .map(|tenant| (tenant.header.as_str(), tenant.value.as_str()))
    }
}

/// Today where the machine stands.
#[must_use]
pub fn today(now_ms: u64) -> Date {
    let at = i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_register_the_other_paths_of_mixed_hosts_need_no_approval() {
        let text = "[[service]]\nid = \"openai\"\napproved = true\nchecked_on = \"2026-01-15\"\n";
        let config = Config::parse(std::path::Path::new("c"), text, jiff::civil::date(2026, 11, 24)).unwrap();
        let standing = Standing::new(config, &[0; 32], None).unwrap();
        let approved = |host: &str, path: &str| {
            let provider = standing.providers.host(host, 443).unwrap();
            standing.destination(provider, &provider.endpoint("POST", path, false)).approved
        };
        assert!(approved("www.bing.com", "/search") && approved("graph.microsoft.com", "/v1.0/me/messages"));
        assert!(!approved("www.bing.com", "/ttranslatev3") && !approved("graph.microsoft.com", "/v1.0/copilot/chat"));
        assert!(approved("api.openai.com", "/v1/unheard-of") && !approved("api.anthropic.com", "/v1/unheard-of"));
    }
}
