//! From a config and a data folder to a gate that serves: keys, record, authority, detectors, doors.
//! Must not know: the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::doors::doors;
use super::memory::Memory;
use super::{House, Standing, StandingError};
use crate::accept::{self, Running};
use crate::ca::{self, Authority, CaError};
use crate::config::Config;
use crate::forward::Upstream;
use crate::keys::{KeyError, Ring};
use crate::portal::{Facts, Portal, Ready};
use crate::record::recorder::Setup;
use crate::record::{RecordError, Recorder, Store, StoreError};
use crate::store::{Reader, Sqlite};
use crate::telemetry::{self, Metrics};
use crate::wire::body::BodyBudget;
use crate::wire::dial::{DialError, Dialer};
use crate::wire::task::Tasks;
use crate::wire::tls::TlsError;

/// A gate that serves.
pub struct Open {
    pub house: Arc<House>,
    pub running: Running,
    pub root: ca::Export,
    record: std::thread::JoinHandle<()>,
}

/// Why the gate does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error("{path}: {source}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error(transparent)]
    Standing(#[from] StandingError),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0}")]
    Listen(#[from] std::io::Error),
}

impl OpenError {
    /// The config says what cannot be: nothing of the machine has failed.
    #[must_use]
    pub fn is_config(&self) -> bool {
        match self {
            Self::Standing(_) | Self::Dial(_) | Self::Tls(_) => true,
            Self::Folder { .. } | Self::Keys(_) | Self::Store(_) | Self::Record(_) | Self::Ca(_) | Self::Listen(_) => {
                false
            }
        }
    }
}

/// Where a gate keeps things, and who it is.
pub struct Place<'a> {
    pub data: &'a Path,
    /// Name of this gate in the chain of its record.
    pub gate: String,
    pub clock: fn() -> u64,
}

/// Open the house and its doors.
///
/// # Errors
/// The first thing that is not right; nothing serves then.
pub async fn open(config: Config, place: Place<'_>) -> Result<Open, OpenError> {
    let database = place.data.join("tsuitate.db");
    make_folder(place.data)?;
    let store = Sqlite::open(&database)?;
    open_with(config, place, Box::new(store), Some(Reader::open(&database)?)).await
}

/// The same on a given store.
///
/// # Errors
/// The first thing that is not right; nothing serves then.
pub async fn open_with(
    config: Config,
    place: Place<'_>,
    store: Box<dyn Store>,
    reader: Option<Reader>,
) -> Result<Open, OpenError> {
    make_folder(place.data)?;
    let ring = Ring::open_or_create(&place.data.join("keys"), &config.keys, (place.clock)())?;
    let (checkpoint_key_id, checkpoint_key) = ring.checkpoint();
    let setup = Setup {
        gate: place.gate,
        checkpoint_key: Arc::new(checkpoint_key),
        checkpoint_key_id,
        checkpoint_events: config.records.checkpoint_events,
        clock: place.clock,
    };
    let standing = Standing::new(config.clone(), ring.login().secret.bytes())?;
    let patterns = standing.providers.host_patterns();
    let name = config.gate.name.clone();
    let scope = ca::Scope::new(patterns.iter().map(String::as_str), [name.as_str(), "localhost", "127.0.0.1"]);
    let folder = config.ca.dir.clone().unwrap_or_else(|| place.data.join("ca"));
    let authority = Arc::new(Authority::load_or_create(&folder, &config.ca, &scope)?);
    let root = authority.export();
    let limits = &config.gate.limits;
    let dialer = Dialer::new(&config.upstream, limits)?;
    let upstream = Upstream::new(&config.upstream, limits, dialer.clone())?;
    let tasks = Tasks::new();
    let metrics = Arc::new(Metrics::default());
    if let Some(address) = config.telemetry.metrics {
        telemetry::serve(address, Arc::clone(&metrics), tasks.clone()).await?;
    }
    let doors_open = accept::bind(&config.gate).await?;
    let addresses = doors_open.iter().map(|door| door.socket.local_addr()).collect::<Result<Vec<_>, _>>()?;
    let (recorder, record) = Recorder::start(store, setup)?;
    let house = Arc::new(House::new(
        standing,
        ring,
        recorder,
        Memory::new(reader),
        upstream,
        BodyBudget::new(limits),
        metrics,
        tasks.clone(),
        place.clock,
    ));
    let stale = authority.stale_scope();
    let parts = Facts {
        ca: root.clone(),
        hosts: patterns,
        gates: if name.is_empty() || name == "localhost" {
            Vec::new()
        } else {
            addresses.first().map(|address| format!("{name}:{}", address.port())).into_iter().collect()
        },
        tls_gates: Vec::new(),
        parent: config.upstream.parent_proxy.as_deref().and_then(|url| url.strip_prefix("http://")).map(str::to_owned),
        contact: Some(config.contact.line()).filter(|line| !line.is_empty()).into_iter().collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let draining = tasks.clone();
    let portal = Portal::new(parts, move || {
        let mut reasons = Vec::new();
        if draining.is_draining() {
            reasons.push("the gate is stopping".to_owned());
        }
        let ready = reasons.is_empty();
        if stale {
            reasons.push("the issuing authority does not cover every service: tsuitate ca renew".to_owned());
        }
        Ready { ready, reasons }
    });
    let running = accept::serve(
        doors_open,
        config.gate.clone(),
        authority,
        dialer,
        Arc::new(doors(&house, Arc::new(portal))),
        tasks,
    )?;
    Ok(Open { house, running, root, record })
}

impl Open {
    /// Stop taking connections, let requests finish until the deadline, close the record with a checkpoint. `true` when
    /// everything had finished.
    pub async fn stop(self, deadline: std::time::Duration) -> bool {
        let Open { house, running, record, .. } = self;
        let finished = running.stop(deadline).await;
        drop(house);
        // The writer ends when the last handle is gone; tasks that were dropped have let theirs go.
        let _joined = tokio::task::spawn_blocking(move || record.join()).await;
        finished
    }
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| OpenError::Folder { path: path.to_owned(), source })
}
