//! The one place where tasks are started: watched, counted, their panics caught, drained at the end.
//! First stop: `draining()` wakes, tasks finish by themselves; at the deadline, or the second signal, they are dropped.
//! Must not know: what a task does.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A handle to all tasks of one gate. Clones are the same handle.
#[derive(Clone, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    tracker: TaskTracker,
    drain: CancellationToken,
    kill: CancellationToken,
    panics: AtomicU64,
}

impl Tasks {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. `name` stands in logs: a fixed word, never data.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let watched = async move {
            let work = AssertUnwindSafe(future).catch_unwind();
            tokio::select! {
                biased;
                () = inner.kill.cancelled() => tracing::debug!(task = name, "dropped at the deadline"),
                done = work => if done.is_err() {
                    inner.panics.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(task = name, "a task panicked; its connection is closed");
                },
            }
        };
        #[expect(clippy::disallowed_methods, reason = "the one place where tasks are started")]
        tokio::spawn(self.inner.tracker.track_future(watched));
    }

    /// Runs a future and turns its panic into `None`; counted and logged like a task's.
    pub async fn guard<F: Future>(&self, name: &'static str, future: F) -> Option<F::Output> {
        let done = AssertUnwindSafe(future).catch_unwind().await.ok();
        if done.is_none() {
            self.inner.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(task = name, "a request panicked; it is refused");
        }
        done
    }

    /// Waits until the gate begins to stop.
    pub async fn draining(&self) {
        self.inner.drain.cancelled().await;
    }

    pub fn is_draining(&self) -> bool {
        self.inner.drain.is_cancelled()
    }

    /// Begins to stop: nothing new is taken, what runs may finish.
    pub fn begin_drain(&self) {
        self.inner.drain.cancel();
        self.inner.tracker.close();
    }

    /// Ends now: every task is dropped where it waits.
    pub fn end_now(&self) {
        self.begin_drain();
        self.inner.kill.cancel();
    }

    /// Begins to stop and waits. `true` when all tasks had finished by themselves before the deadline.
    pub async fn stop(&self, deadline: Duration) -> bool {
        self.begin_drain();
        let finished = tokio::select! {
            biased;
            () = self.inner.kill.cancelled() => false,
            done = tokio::time::timeout(deadline, self.inner.tracker.wait()) => done.is_ok(),
        };
        if !finished {
            tracing::warn!(open = self.running(), "the deadline has passed; open connections are dropped");
        }
        self.inner.kill.cancel();
        self.inner.tracker.wait().await;
        finished
    }

    /// Tasks that run now.
    pub fn running(&self) -> usize {
        self.inner.tracker.len()
    }

    /// Panics caught since the start.
    pub fn panics(&self) -> u64 {
        self.inner.panics.load(Ordering::Relaxed)
    }
}

/// Makes panics say where they happened and nothing else: the standard message may quote the text that was cut wrongly.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |l| (l.file(), l.line()));
        tracing::error!(file, line, "panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_and_counted() {
        let tasks = Tasks::new();
        tasks.spawn("test", async { panic!("planted") });
        assert!(tasks.stop(Duration::from_secs(5)).await);
        assert_eq!(tasks.panics(), 1);
        assert_eq!(tasks.guard("test", async { 1 }).await, Some(1));
        assert_eq!(tasks.guard("test", async { panic!("planted") }).await, None::<()>);
        assert_eq!(tasks.panics(), 2);
    }

    #[tokio::test]
    async fn stop_waits_then_drops() {
        let tasks = Tasks::new();
        let (told, mut heard) = tokio::sync::mpsc::channel::<&str>(2);
        let watch = tasks.clone();
        let polite = told.clone();
        tasks.spawn("polite", async move {
            watch.draining().await;
            polite.send("done").await.unwrap();
        });
        assert!(tasks.stop(Duration::from_secs(5)).await);
        assert_eq!(heard.recv().await, Some("done"));

        let tasks = Tasks::new();
        tasks.spawn("stubborn", async move {
            std::future::pending::<()>().await;
            told.send("never").await.unwrap();
        });
        assert!(!tasks.stop(Duration::from_millis(20)).await);
        assert_eq!(tasks.running(), 0);
        assert_eq!(heard.recv().await, None);
    }

    #[tokio::test]
    async fn a_second_signal_ends_now() {
        let tasks = Tasks::new();
        tasks.spawn("stubborn", std::future::pending());
        let second = tasks.clone();
        let stop = tasks.stop(Duration::from_secs(600));
        let (finished, ()) = tokio::join!(stop, async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            second.end_now();
        });
        assert!(!finished);
    }
}
