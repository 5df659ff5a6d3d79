//! Step 2: who asks, from which network, how sure that is; accounts come from a user file (Basic proxy authentication,
//! argon2id). Verified passwords are cached by keyed hash, never kept.
//! Must not know: bodies, classes of data.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use ipnet::IpNet;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::decide::{Person, Strength, UnknownHosts};

/// How long a verified password is believed without asking argon2 again.
const BELIEVED: Duration = Duration::from_secs(600);

/// A network of the house.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// CIDR.
    pub range: IpNet,
    pub name: String,
    /// Group of those who ask from here without a name.
    #[serde(default)]
    pub group: Option<String>,
    /// A network of the electronic health record: nothing but approved AI services, and no tunnels.
    #[serde(default)]
    pub ehr: bool,
    /// What happens to hosts that are no AI service; overrides `destinations.unknown`.
    #[serde(default)]
    pub unknown: Option<UnknownHosts>,
}

/// Where accounts come from.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A user file, made by `tsuitate user add`.
    Basic { file: PathBuf },
}

/// `[identify]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `[[identify.source]]`.
    pub source: Vec<Source>,
    /// Nobody without an account passes to an AI service.
    pub require: bool,
    /// Believe Basic passwords that came over a plain line from another machine; records then say `claimed`.
    pub allow_plain_basic: bool,
}

/// One account of the user file.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Several people use it: it never carries a use that lifts a class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// argon2id, PHC string.
    pub password: String,
}

/// The user file: `[[user]]` tables.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct UserFile {
    pub user: Vec<Account>,
}

/// Why the accounts cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifyError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Form { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{path}: the account `{name}` stands twice")]
    Twice { path: PathBuf, name: String },
    #[error("{path}: the password of `{name}` is no argon2id hash: set it with `tsuitate user add {name}`")]
    Hash { path: PathBuf, name: String },
    #[error("an account's name is 1 to 64 letters without `:`, `+` and control characters")]
    Name,
    #[error("a password could not be hashed: {0}")]
    Argon(String),
}

/// Who asks: the person as the judge weighs it, and what else the gate needs to know of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub person: Person,
    /// What happens to hosts that are no AI service.
    pub unknown: UnknownHosts,
    pub client: IpAddr,
    /// The use that the caller named by `name+use` in the proxy user.
    pub asked_use: Option<String>,
}

impl Caller {
    /// Whose tokens they are: the person, or the source address (DESIGN §5, Vault and scopes).
    #[must_use]
    pub fn scope(&self) -> String {
        match &self.person.id {
            Some(name) if self.person.named() => format!("person:{name}"),
            _ => format!("address:{}", self.client),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Known(Caller),
    /// 407: no account given where one is required, or a wrong one. The text says which.
    Challenge(&'static str),
}

/// The people of the house.
pub struct People {
    accounts: BTreeMap<String, Account>,
    networks: Vec<Network>,
    settings: Settings,
    unknown: UnknownHosts,
    key: [u8; 32],
    believed: Cache<[u8; 32], Instant>,
}

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("People")
            .field("accounts", &self.accounts.len())
            .field("networks", &self.networks.len())
            .finish_non_exhaustive()
    }
}

impl People {
    /// Read the sources.
    ///
    /// # Errors
    /// When a user file cannot be read or is not right.
    pub fn new(
        settings: &Settings,
        networks: &[Network],
        unknown: UnknownHosts,
        login_key: &[u8; 32],
    ) -> Result<Self, IdentifyError> {
        let mut accounts = BTreeMap::new();
        for Source::Basic { file } in &settings.source {
            for account in read_users(file)?.user {
                let name = account.name.clone();
                if accounts.insert(name.clone(), account).is_some() {
                    return Err(IdentifyError::Twice { path: file.clone(), name });
                }
            }
        }
        let mut networks = networks.to_vec();
        // The narrowest range that holds an address counts.
        networks.sort_by_key(|network| std::cmp::Reverse(network.range.prefix_len()));
        Ok(Self {
            accounts,
            networks,
            settings: settings.clone(),
            unknown,
            key: *login_key,
            believed: Cache::new(4096),
        })
    }

    /// Who asks from this address with this `Proxy-Authorization`. `private_line`: TLS to the gate, or loopback.
    pub async fn who(self: &Arc<Self>, client: IpAddr, authorization: Option<&str>, private_line: bool) -> Answer {
        let network = self.networks.iter().find(|network| network.range.contains(&client));
        let mut caller = Caller {
            person: Person {
                id: None,
                strength: if network.is_some() { Strength::Network } else { Strength::Anonymous },
                groups: network.and_then(|network| network.group.clone()).into_iter().collect(),
                network: network.map(|network| network.name.clone()),
                ehr: network.is_some_and(|network| network.ehr),
            },
            unknown: network.and_then(|network| network.unknown).unwrap_or(self.unknown),
            client,
            asked_use: None,
        };
        let Some(authorization) = authorization else {
            if self.settings.require {
                return Answer::Challenge("an account is required");
            }
            return Answer::Known(caller);
        };
        if self.accounts.is_empty() && !self.settings.require {
            // Tools send credentials that nobody asked for; without accounts they say nothing.
            return Answer::Known(caller);
        }
        let Some((user, password)) = basic(authorization) else {
            return Answer::Challenge("only Basic proxy authentication is understood");
        };
        if !private_line && !self.settings.allow_plain_basic {
            return Answer::Challenge(
                "passwords are taken over TLS or from this machine only (identify.allow_plain_basic)",
            );
        }
        let (name, asked_use) = match user.split_once('+') {
            Some((name, asked)) => (name, Some(asked.to_owned())),
            None => (user.as_str(), None),
        };
        let Some(account) = self.accounts.get(name) else {
            // The same work as for a known name, so that names cannot be told apart by time.
            let hash = self.accounts.values().next().map(|account| account.password.clone()).unwrap_or_default();
            let _never = verify(hash, Zeroizing::new(String::from("\u{0}"))).await;
            return Answer::Challenge("unknown account or wrong password");
        };
        if !self.believes(name, &account.password, password).await {
            return Answer::Challenge("unknown account or wrong password");
        }
        caller.asked_use = asked_use;
        let person = &mut caller.person;
        person.id = Some(account.name.clone());
        // Where one sits says nothing of who one is: the network's group is for those without an account.
        person.groups.clone_from(&account.groups);
        person.strength = match (account.shared, private_line) {
            (true, _) => Strength::Shared,
            (false, true) => Strength::Authenticated,
            (false, false) => Strength::Claimed,
        };
        Answer::Known(caller)
    }

    async fn believes(&self, name: &str, hash: &str, password: Zeroizing<String>) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return false };
        for part in [name.as_bytes(), hash.as_bytes(), password.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        if self.believed.get(&tag).is_some_and(|at| at.elapsed() < BELIEVED) {
            return true;
        }
        let good = verify(hash.to_owned(), password).await;
        if good {
            self.believed.insert(tag, Instant::now());
        }
        good
    }
}

async fn verify(hash: String, password: Zeroizing<String>) -> bool {
    tokio::task::spawn_blocking(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok())
        .await
        .unwrap_or(false)
}

/// User and password of a Basic header.
fn basic(authorization: &str) -> Option<(String, Zeroizing<String>)> {
    let (scheme, value) = authorization.trim().split_once(' ')?;
    if !bool::from(scheme.to_ascii_lowercase().as_bytes().ct_eq(b"basic")) {
        return None;
    }
    let bytes = Zeroizing::new(base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), Zeroizing::new(password.to_owned())))
}

/// Read a user file.
///
/// # Errors
/// When it cannot be read, is not TOML of this form, or holds something that is no argon2id hash.
pub fn read_users(path: &Path) -> Result<UserFile, IdentifyError> {
    let text = std::fs::read_to_string(path).map_err(|source| IdentifyError::File { path: path.to_owned(), source })?;
    let users: UserFile = toml::from_str(&text)
        .map_err(|source| IdentifyError::Form { path: path.to_owned(), source: Box::new(source) })?;
    for account in &users.user {
        if !account.password.starts_with("$argon2id$") {
            return Err(IdentifyError::Hash { path: path.to_owned(), name: account.name.clone() });
        }
    }
    Ok(users)
}

/// An account with a hashed password.
///
/// # Errors
/// When the name does not fit or hashing fails.
pub fn account(name: &str, groups: &[String], shared: bool, password: &str) -> Result<Account, IdentifyError> {
    let fits =
        (1..=64).contains(&name.chars().count()) && !name.chars().any(|c| c.is_control() || c == ':' || c == '+');
    if !fits {
        return Err(IdentifyError::Name);
    }
    let password = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| IdentifyError::Argon(error.to_string()))?
        .to_string();
    Ok(Account { name: name.to_owned(), groups: groups.to_vec(), shared, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(require: bool) -> Arc<People> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.toml");
        let users = UserFile {
            user: vec![
                account("taro", &["内科".to_owned()], false, "ひらけごま").unwrap(),
                account("ward", &[], true, "ward").unwrap(),
            ],
        };
        std::fs::write(&file, toml::to_string(&users).unwrap()).unwrap();
        let settings = Settings { source: vec![Source::Basic { file }], require, allow_plain_basic: false };
        let networks = [
            Network {
                range: "10.0.0.0/8".parse().unwrap(),
                name: "house".into(),
                group: None,
                ehr: false,
                unknown: None,
            },
            Network {
                range: "10.1.0.0/16".parse().unwrap(),
                name: "ehr".into(),
                group: Some("病棟".into()),
                ehr: true,
                unknown: Some(UnknownHosts::Deny),
            },
        ];
        Arc::new(People::new(&settings, &networks, UnknownHosts::Tunnel, &[1; 32]).unwrap())
    }

    fn header(user: &str, password: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
    }

    #[tokio::test]
    async fn a_right_password_names_the_person_and_the_use() {
        let people = people(false);
        let client = "10.1.2.3".parse().unwrap();
        for _ in 0..2 {
            let Answer::Known(caller) = people.who(client, Some(&header("taro+discharge", "ひらけごま")), true).await
            else {
                panic!("not known")
            };
            assert_eq!(caller.person.id.as_deref(), Some("taro"));
            assert_eq!(caller.asked_use.as_deref(), Some("discharge"));
            assert_eq!(caller.person.groups, ["内科"], "the network's group is not taro's");
            assert!(caller.person.ehr && caller.person.named());
            assert_eq!(caller.scope(), "person:taro");
        }
    }

    #[tokio::test]
    async fn the_networks_group_is_for_callers_without_an_account() {
        let people = people(false);
        let client = "10.1.2.3".parse().unwrap();
        for (given, groups) in [(None, vec!["病棟"]), (Some(header("ward", "ward")), Vec::new())] {
            let Answer::Known(caller) = people.who(client, given.as_deref(), true).await else { panic!("not known") };
            assert_eq!(caller.person.groups, groups);
            assert_eq!(caller.person.network.as_deref(), Some("ehr"));
        }
    }

    #[tokio::test]
    async fn where_accounts_are_required_and_none_is_there_nobody_passes() {
        let settings = |require| Settings { require, ..Settings::default() };
        let nobody = |require| Arc::new(People::new(&settings(require), &[], UnknownHosts::Tunnel, &[1; 32]).unwrap());
        let client = "10.0.0.9".parse().unwrap();
        for given in [None, Some(header("anybody", "anything")), Some("Bearer abc".to_owned())] {
            let answer = nobody(true).who(client, given.as_deref(), true).await;
            assert!(matches!(answer, Answer::Challenge(_)), "{given:?}");
            assert!(matches!(nobody(false).who(client, given.as_deref(), true).await, Answer::Known(_)));
        }
    }

    #[tokio::test]
    async fn wrong_unknown_plain_and_other_schemes_are_challenged() {
        let people = people(true);
        let client = "10.0.0.9".parse().unwrap();
        for (given, private) in [
            (Some(header("taro", "x")), true),
            (Some(header("nobody", "x")), true),
            (Some(header("taro", "ひらけごま")), false),
            (Some("Bearer abc".to_owned()), true),
            (None, true),
        ] {
            assert!(matches!(people.who(client, given.as_deref(), private).await, Answer::Challenge(_)));
        }
    }

    #[tokio::test]
    async fn a_shared_account_is_nobody_in_particular() {
        let people = people(false);
        let Answer::Known(caller) = people.who("192.0.2.1".parse().unwrap(), Some(&header("ward", "ward")), true).await
        else {
            panic!("not known")
        };
        assert!(!caller.person.named());
        assert_eq!(caller.scope(), "address:192.0.2.1");
        assert_eq!(caller.person.strength, Strength::Shared);
    }
}
