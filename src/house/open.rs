//! From a config and a data folder to a gate that serves: keys, record, authority, detectors, doors.
//! Must not know: the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::doors::doors;
use super::memory::Memory;
use super::standing::ca_scope;
use super::{House, Standing, StandingError};
use crate::accept::{self, Door, Running};
use crate::ca::{self, Authority, CaError};
use crate::config::Config;
use crate::forward::Upstream;
use crate::keys::{KeyError, Ring};
use crate::list;
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
    authority: Arc<Authority>,
    /// Folder of the authority.
    ca: PathBuf,
    /// Folder of the ring.
    keys: PathBuf,
    record: std::thread::JoinHandle<()>,
    /// Held as long as the gate lives.
    _lock: std::fs::File,
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
    #[error(
        "{0}: another gate runs on this data folder; stop it, or give this one a folder of its own (--data, \
         TSUITATE_DATA_DIR)"
    )]
    Taken(PathBuf),
    #[error("with [gate] as the gate was started:\n{0}")]
    Problems(String),
}

impl OpenError {
    /// The config says what cannot be: nothing of the machine has failed.
    #[must_use]
    pub fn is_config(&self) -> bool {
        match self {
            Self::Standing(_) | Self::Dial(_) | Self::Tls(_) | Self::Problems(_) => true,
            Self::Folder { .. }
            | Self::Keys(_)
            | Self::Store(_)
            | Self::Record(_)
            | Self::Ca(_)
            | Self::Listen(_)
            | Self::Taken(_) => false,
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
    // Before anything in it is changed.
    drop(lock(place.data)?);
    let store = Sqlite::open(&database)?.rows(config.gate.limits.memory_rows);
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
    let held = lock(place.data)?;
    let keys = place.data.join("keys");
    let ring = Ring::open_or_create(&keys, &config.keys, (place.clock)())?;
    let (checkpoint_key_id, checkpoint_key) = ring.checkpoint();
    let setup = Setup {
        gate: place.gate,
        checkpoint_key: Arc::new(checkpoint_key),
        checkpoint_key_id,
        checkpoint_events: config.records.checkpoint_events,
        clock: place.clock,
    };
    let standing = Standing::new(config.clone(), ring.login().secret.bytes(), Some(&list::Keys::of(&ring)))?;
    let scope = ca_scope(&config, &standing.providers);
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
    let (gates, tls_gates) = gates(&doors_open, &config.gate.name)?;
    let (recorder, record) = Recorder::start(store, setup)?;
    let house = Arc::new(House::new(
        standing,
        ring,
        recorder,
        Memory::new(reader, limits),
        upstream,
        BodyBudget::new(limits),
        metrics,
        tasks.clone(),
        place.clock,
    ));
    let (inside, ca) = (Arc::clone(&house), root.clone());
    let facts = move || {
        let standing = inside.standing();
        let config = &standing.config;
        Facts {
            ca: ca.clone(),
            hosts: standing.providers.host_patterns(),
            gates: gates.clone(),
            tls_gates: tls_gates.clone(),
            parent: config
                .upstream
                .parent_proxy
                .as_deref()
                .and_then(|url| url.strip_prefix("http://"))
                .map(str::to_owned),
            contact: Some(config.contact.line()).filter(|line| !line.is_empty()).into_iter().collect(),
            version: env!("CARGO_PKG_VERSION"),
        }
    };
    let (draining, signer, clock) = (tasks.clone(), Arc::clone(&authority), place.clock);
    let portal = Portal::new(facts, move || {
        let mut reasons = Vec::new();
        if draining.is_draining() {
            reasons.push("the gate is stopping".to_owned());
        }
        if signer.issuing_until() < i64::try_from(clock() / 1000).unwrap_or(i64::MAX) {
            reasons.push("the issuing authority ran out: tsuitate ca renew".to_owned());
        }
        let ready = reasons.is_empty();
        if signer.stale_scope() {
            reasons.push("the issuing authority does not cover every service: tsuitate ca renew".to_owned());
        }
        Ready { ready, reasons }
    });
    let running = accept::serve(
        doors_open,
        config.gate.clone(),
        Arc::clone(&authority),
        dialer,
        Arc::new(doors(&house, Arc::new(portal))),
        tasks,
    )?;
    Ok(Open { house, running, root, authority, ca: folder, keys, record, _lock: held })
}

/// `host:port` of the doors for the proxy file: in plain (`None`: as the gate was asked) and inside TLS. Doors on
/// loopback are no way from elsewhere. The certificate of a TLS door bears the gate's name and no other.
fn gates(doors: &[Door], name: &str) -> Result<(Option<Vec<String>>, Vec<String>), std::io::Error> {
    let mut all = Vec::new();
    for door in doors {
        all.push((door.socket.local_addr()?, door.tls));
    }
    if all.iter().any(|(address, _)| !address.ip().is_loopback()) {
        all.retain(|(address, _)| !address.ip().is_loopback());
    }
    let of = |tls: bool| all.iter().filter(move |(_, inside)| *inside == tls);
    let named = |tls: bool| -> Vec<String> {
        let mut gates: Vec<String> = of(tls).map(|(address, _)| format!("{name}:{}", address.port())).collect();
        gates.dedup();
        gates
    };
    if !name.is_empty() && name != "localhost" {
        return Ok((Some(named(false)), named(true)));
    }
    let local = all.iter().all(|(address, _)| address.ip().is_loopback());
    let tls = if local && !name.is_empty() { named(true) } else { Vec::new() };
    Ok((if of(false).next().is_some() { None } else { Some(Vec::new()) }, tls))
}

/// One gate a data folder: another one would take its open records for interrupted ones.
fn lock(data: &Path) -> Result<std::fs::File, OpenError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = data.join("lock");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| OpenError::Folder { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::Taken(data.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(OpenError::Folder { path, source }),
    }
}

impl Open {
    /// Swap the settings for those of a config that was read anew. What belongs to the sockets and the way out stays as
    /// the gate was started with it, and the rest is judged with that: what is open to other machines stays so.
    ///
    /// # Errors
    /// When something is not right; the old settings then stay.
    pub fn take_up(&self, mut config: Config, today: jiff::civil::Date) -> Result<(), OpenError> {
        let running = self.house.standing();
        let started = &running.config;
        if config.gate != started.gate || config.upstream != started.upstream || config.ca != started.ca {
            tracing::warn!("[gate], [upstream] and [ca] take effect at the next start");
        }
        config.gate = started.gate.clone();
        config.upstream = started.upstream.clone();
        config.ca = started.ca.clone();
        let problems = config.problems(today);
        if !problems.is_empty() {
            let lines = problems.iter().map(|problem| format!("{}: {}", problem.key, problem.what));
            return Err(OpenError::Problems(lines.collect::<Vec<_>>().join("\n")));
        }
        let ring = self.house.ring();
        let standing = Standing::new(config, ring.login().secret.bytes(), Some(&list::Keys::of(&ring)))?;
        let scope = ca_scope(&standing.config, &standing.providers);
        match self.authority.take_up(&self.ca, &standing.config.ca, &scope) {
            Ok(true) => tracing::info!("the issuing authority was taken up anew; clients keep their root"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the issuing authority stays as it is"),
        }
        if self.authority.stale_scope() {
            tracing::error!("the issuing authority does not cover every service: tsuitate ca renew");
        }
        self.house.replace(standing);
        Ok(())
    }

    /// Read the ring again: a new epoch may have begun, or one was erased.
    ///
    /// # Errors
    /// When it cannot be read; the old one then stays.
    pub fn take_up_ring(&self) -> Result<(), OpenError> {
        let settings = self.house.standing().config.keys.clone();
        self.house.replace_ring(Ring::again(&self.keys, &settings, (self.house.clock)())?);
        Ok(())
    }

    /// The files of its own that a running gate takes up when they change.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        vec![Ring::file(&self.keys), ca::issuing_file(&self.ca)]
    }

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
