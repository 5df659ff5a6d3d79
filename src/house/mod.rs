//! What the way stands on: checked settings, detectors, people, keys, the record, memories and the way out; built once,
//! swapped whole on reload. A request takes one `Standing` at its first step and finishes on it.
//! Must not know: the order of the steps; that is `gate`.

pub mod answer;
pub mod doors;
pub mod entry;
pub mod exit;
pub mod leaving;
pub mod memory;
pub mod open;
pub mod standing;
pub mod steps;
pub mod stop;
pub mod turned;
mod words;

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Response;
use tokio::sync::Semaphore;

pub use entry::Entry;
pub use exit::Exit;
pub use leaving::Leaving;
pub use memory::{Memory, Scope};
pub use standing::{Standing, StandingError};
pub use stop::Stop;

use crate::accept::AnswerBody;
use crate::forward::Upstream;
use crate::keys::Ring;
use crate::record::Recorder;
use crate::telemetry::Metrics;
use crate::wire::body::BodyBudget;
use crate::wire::task::Tasks;

/// The whole house.
pub struct House {
    standing: ArcSwap<Standing>,
    ring: ArcSwap<Ring>,
    pub recorder: Recorder,
    pub memory: Memory,
    pub upstream: Upstream,
    pub budget: BodyBudget,
    pub metrics: Arc<Metrics>,
    pub tasks: Tasks,
    /// What was turned away outside of requests, by source and minute.
    pub turned: turned::Turned,
    /// Wall clock, ms since 1970.
    pub clock: fn() -> u64,
    /// Searches that run at once: one a core.
    workers: Arc<Semaphore>,
}

impl House {
    #[must_use]
    pub fn new(
        standing: Standing,
        ring: Ring,
        recorder: Recorder,
        memory: Memory,
        upstream: Upstream,
        budget: BodyBudget,
        metrics: Arc<Metrics>,
        tasks: Tasks,
        clock: fn() -> u64,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            standing: ArcSwap::from_pointee(standing),
            ring: ArcSwap::from_pointee(ring),
            recorder,
            memory,
            upstream,
            budget,
            metrics,
            tasks,
            turned: turned::Turned::default(),
            clock,
            workers: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The settings of now.
    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// Swap the settings; requests under way finish on theirs.
    pub fn replace(&self, standing: Standing) {
        self.standing.store(Arc::new(standing));
    }

    #[must_use]
    pub fn ring(&self) -> Arc<Ring> {
        self.ring.load_full()
    }

    /// Swap the ring (a new epoch began).
    pub fn replace_ring(&self, ring: Ring) {
        self.ring.store(Arc::new(ring));
    }

    /// Run searching and masking off the network's threads, at most one a core. What the steps wrote into the entry is
    /// there afterwards, however they ended.
    ///
    /// # Errors
    /// What the work says; `Stop::Fault` when it panicked.
    pub async fn think<T, F>(&self, entry: &mut Entry, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: FnOnce(&mut Entry) -> Result<T, Stop> + Send + 'static,
    {
        // The semaphore is never closed.
        let permit = self.workers.clone().acquire_owned().await.map_err(|_| Stop::Fault)?;
        let mut inside = entry.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let result = work(&mut inside);
            (inside, result)
        });
        match done.await {
            Ok((after, result)) => {
                *entry = after;
                result
            }
            Err(_) => Err(Stop::Fault),
        }
    }

    /// Step 10, first half: the decision is durable, with what must be remembered of it; only then is there something to
    /// send.
    ///
    /// # Errors
    /// When it could not be written: nothing may be sent.
    pub async fn record(self: &Arc<Self>, entry: &mut Entry, masked: steps::Masked) -> Result<steps::Sending, Stop> {
        let steps::Masked { applied, decision, target, scope, service, endpoint, json_answer, weight } = masked;
        let remember = memory::Remember {
            vault: if endpoint.history_on_server { applied.remember.words } else { Vec::new() },
            ..memory::Remember::default()
        };
        let mut pending = self.memory.keep(&scope, &service, &remember, (self.clock)()).map_err(|_| Stop::Fault)?;
        let rows = std::mem::take(&mut pending.rows);
        let leaving = Leaving::new(self, entry);
        let written = self.recorder.append(vec![entry.opened(decision.verdict)], rows).await;
        leaving.stayed();
        written.map_err(Stop::Record)?;
        entry.open = true;
        self.memory.commit(pending);
        entry.step("record");
        self.count(entry, decision.verdict);
        let map = applied.cleared.map();
        Ok(steps::Sending {
            cleared: applied.cleared,
            target,
            scope,
            service,
            endpoint,
            map,
            json_answer,
            units: applied.remember.units,
            weight: Some(weight),
        })
    }

    fn count(&self, entry: &Entry, verdict: crate::decide::Verdict) {
        self.metrics.request(&entry::verdict_word(verdict), entry.service.as_str());
        for (kind, count) in entry.kinds() {
            self.metrics.finding(kind, count);
        }
        for (step, seconds) in entry.seconds() {
            self.metrics.step(step, seconds);
        }
    }

    /// The other way out: the refusal is recorded, then said in the provider's shape.
    pub async fn refuse(&self, standing: &Standing, mut entry: Entry, exit: &Exit, stop: Stop) -> Response<AnswerBody> {
        let verdict = stop.verdict();
        entry.because(stop.reasons());
        let outcome = if matches!(stop, Stop::Forward(_)) { "upstream_failed" } else { "refused" };
        let refusal = stop::refusal(&stop, &entry.record, &standing.config.contact, exit.service());
        let response = exit.render(&refusal);
        let closed =
            entry.closed(outcome, Some(response.status().as_u16()), 0, crate::restore::Counts::default(), None);
        let events = if entry.open { vec![closed] } else { vec![entry.opened(verdict), closed] };
        if let Err(error) = self.recorder.append(events, Vec::new()).await {
            // Nothing was sent; the refusal stands all the same.
            self.metrics.unwritten();
            tracing::error!(record = entry.record, %error, "a refusal could not be recorded");
        }
        if !entry.open {
            self.count(&entry, verdict);
        }
        tracing::info!(
            record = entry.record,
            service = entry.service.as_str(),
            why = stop.reasons().first().map(|why| why.code.clone()).unwrap_or_default(),
            "stopped"
        );
        response
    }
}
