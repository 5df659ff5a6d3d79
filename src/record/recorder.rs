//! The writer: one thread owns the store and the end of the chain, takes what has come in since its last commit as one
//! group, and answers each caller when the group is durable.
//! Must not know: what an event says, who asks.

use std::sync::Arc;
use std::sync::mpsc;

use ed25519_dalek::SigningKey;
use tokio::sync::oneshot;

use super::chain::{self, Head};
use super::event::Event;
use super::store::{Aside, Sealed, Store, StoreError};

/// Callers that are answered by one commit at the most.
const GROUP: usize = 512;

/// Why an event is not in the record. The request that it belongs to must not go on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    #[error("the record could not be written: {0}")]
    Store(Arc<StoreError>),
    #[error("the record's writer has stopped")]
    Stopped,
    #[error("an event could not be written as JSON")]
    Form,
}

enum Job {
    Append(Append),
    /// What stands so far is to be proven.
    Checkpoint {
        done: oneshot::Sender<Result<(), RecordError>>,
    },
    /// Bodies from before this time go, and whatever expired.
    Tidy {
        before_ms: u64,
        done: oneshot::Sender<Result<u64, RecordError>>,
    },
}

struct Append {
    events: Vec<Event>,
    asides: Vec<Aside>,
    done: oneshot::Sender<Result<(), RecordError>>,
}

/// How the writer works.
#[derive(Clone)]
pub struct Setup {
    /// Name of this gate in the chain.
    pub gate: String,
    pub checkpoint_key: Arc<SigningKey>,
    pub checkpoint_key_id: String,
    /// Events between two checkpoints.
    pub checkpoint_events: u64,
    /// Wall clock, ms since 1970.
    pub clock: fn() -> u64,
}

/// Handle on the writer; cheap to clone. When the last one is gone the writer checkpoints and ends.
#[derive(Clone)]
pub struct Recorder {
    jobs: mpsc::SyncSender<Job>,
}

impl Recorder {
    /// Start the writer on a store: what an earlier run left open becomes `interrupted`, then a checkpoint.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn start(mut store: Box<dyn Store>, setup: Setup) -> Result<(Self, std::thread::JoinHandle<()>), RecordError> {
        let mut writer = Writer { head: store.head().map_err(failed)?, store, setup, since_checkpoint: 0 };
        let left = writer.store.open_records().map_err(failed)?;
        if !left.is_empty() {
            writer.write(left.into_iter().map(|record| Event::Interrupted { record }).collect(), &[])?;
            writer.checkpoint()?;
        }
        let (jobs, incoming) = mpsc::sync_channel(4096);
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || writer.run(&incoming))
            .map_err(|error| failed(StoreError::File(error)))?;
        Ok((Self { jobs }, thread))
    }

    /// Append a few events without a writer: for the command line. Another process may hold the store meanwhile; the
    /// number is taken inside the store's own lock, and taken again when the other came first.
    ///
    /// # Errors
    /// When nothing was stored.
    pub fn append_once(store: Box<dyn Store>, setup: &Setup, events: &[Event]) -> Result<(), RecordError> {
        let mut writer = Writer { head: Head::default(), store, setup: setup.clone(), since_checkpoint: 0 };
        for attempt in 0..8 {
            writer.head = writer.store.head().map_err(failed)?;
            match writer.write(events.to_vec(), &[]) {
                Err(RecordError::Store(error)) if attempt < 7 && error.taken() => {}
                other => return other,
            }
        }
        Ok(())
    }

    /// Append events (and what belongs to them), in order; returns when they are durable.
    ///
    /// # Errors
    /// When nothing was stored: fail closed.
    pub async fn append(&self, events: Vec<Event>, asides: Vec<Aside>) -> Result<(), RecordError> {
        let (done, answer) = oneshot::channel();
        let mut job = Job::Append(Append { events, asides, done });
        // The queue is as deep as a gate has requests in flight; full means the disk stands still.
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => break,
                Err(mpsc::TrySendError::Full(back)) => {
                    job = back;
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(RecordError::Stopped),
            }
        }
        answer.await.map_err(|_| RecordError::Stopped)?
    }

    /// Retention: remove bodies from before `before_ms` (their hashes stay, a tombstone says so) and what expired on the
    /// shelves. Gives the number of bodies removed.
    ///
    /// # Errors
    /// When nothing was removed.
    pub async fn tidy(&self, before_ms: u64) -> Result<u64, RecordError> {
        let (done, answer) = oneshot::channel();
        self.jobs.try_send(Job::Tidy { before_ms, done }).map_err(|_| RecordError::Stopped)?;
        answer.await.map_err(|_| RecordError::Stopped)?
    }
}

impl Recorder {
    /// A checkpoint now, when events have come since the last one: what stands before it is proven.
    ///
    /// # Errors
    /// When it was not stored; the events themselves are.
    pub async fn checkpoint(&self) -> Result<(), RecordError> {
        let (done, answer) = oneshot::channel();
        self.jobs.try_send(Job::Checkpoint { done }).map_err(|_| RecordError::Stopped)?;
        answer.await.map_err(|_| RecordError::Stopped)?
    }
}

struct Writer {
    store: Box<dyn Store>,
    head: Head,
    setup: Setup,
    since_checkpoint: u64,
}

impl Writer {
    fn run(mut self, incoming: &mpsc::Receiver<Job>) {
        while let Ok(first) = incoming.recv() {
            let mut jobs = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Append(append) => jobs.push(append),
                    Job::Checkpoint { done } => {
                        let result = if self.since_checkpoint > 0 { self.checkpoint_after_others() } else { Ok(()) };
                        // A caller that has gone needs no answer.
                        let _gone = done.send(result);
                    }
                    Job::Tidy { before_ms, done } => {
                        // A caller that has gone needs no answer.
                        let _gone = done.send(self.tidy(before_ms));
                    }
                }
                next = if jobs.len() < GROUP { incoming.try_recv().ok() } else { None };
            }
            if jobs.is_empty() {
                continue;
            }
            let mut events = Vec::new();
            let mut asides = Vec::new();
            let mut waiting = Vec::new();
            for job in jobs {
                events.extend(job.events);
                asides.extend(job.asides);
                waiting.push(job.done);
            }
            let result = self.write_after_others(events, &asides);
            if result.is_ok() && self.since_checkpoint >= self.setup.checkpoint_events {
                // A failed checkpoint is tried again after the next group; the events themselves are safe.
                if let Err(error) = self.checkpoint() {
                    tracing::warn!(%error, "no checkpoint");
                }
            }
            for done in waiting {
                // A caller that has gone needs no answer.
                let _gone = done.send(result.clone());
            }
        }
        if self.since_checkpoint > 0
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!(%error, "no checkpoint at the end");
        }
    }

    fn write(&mut self, events: Vec<Event>, asides: &[Aside]) -> Result<(), RecordError> {
        let at_ms = (self.setup.clock)();
        let mut head = self.head.clone();
        let mut sealed: Vec<Sealed> = Vec::with_capacity(events.len());
        for event in events {
            let next = chain::seal(&self.setup.gate, &head, at_ms, event).map_err(|_| RecordError::Form)?;
            head = Head { seq: next.seq, hash: next.hash.clone() };
            sealed.push(next);
        }
        self.store.append(&sealed, asides).map_err(failed)?;
        self.since_checkpoint += sealed.len() as u64;
        self.head = head;
        Ok(())
    }

    fn tidy(&mut self, before_ms: u64) -> Result<u64, RecordError> {
        self.head = self.store.head().map_err(failed)?;
        self.store.expire((self.setup.clock)()).map_err(failed)?;
        let Some((from_seq, to_seq, bodies)) = self.store.retired_by(before_ms).map_err(failed)? else { return Ok(0) };
        let event = Event::Tombstone { from_seq, to_seq, bodies };
        let tombstone =
            chain::seal(&self.setup.gate, &self.head, (self.setup.clock)(), event).map_err(|_| RecordError::Form)?;
        self.store.retire(from_seq, to_seq, &tombstone).map_err(failed)?;
        self.head = Head { seq: tombstone.seq, hash: tombstone.hash };
        self.checkpoint()?;
        Ok(bodies)
    }

    /// The command line appends too (`viewed`): when it took our next number, go on from its event.
    fn write_after_others(&mut self, events: Vec<Event>, asides: &[Aside]) -> Result<(), RecordError> {
        match self.write(events.clone(), asides) {
            Err(RecordError::Store(error)) if error.taken() => {
                self.head = self.store.head().map_err(failed)?;
                self.write(events, asides)
            }
            other => other,
        }
    }

    /// The same when the command line may have appended meanwhile.
    fn checkpoint_after_others(&mut self) -> Result<(), RecordError> {
        self.head = self.store.head().map_err(failed)?;
        self.checkpoint()
    }

    fn checkpoint(&mut self) -> Result<(), RecordError> {
        let event =
            chain::checkpoint(&self.setup.gate, &self.head, &self.setup.checkpoint_key_id, &self.setup.checkpoint_key);
        self.write(vec![event], &[])?;
        self.since_checkpoint = 0;
        Ok(())
    }
}

fn failed(error: StoreError) -> RecordError {
    RecordError::Store(Arc::new(error))
}
