//! The record of the running gate: durable before the first byte upstream, and nothing upstream without it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tsuitate::record::chain::Head;
use tsuitate::record::{Aside, Sealed, Store, StoreError};
use tsuitate::store::Sqlite;

use super::stand::{LETTER, OPENAI, chat_body, post, said, stand_on};

/// A store whose disk is slow, as the test says.
struct Disk {
    inner: Sqlite,
    /// Called before an `opened` event becomes durable, and after any event did.
    before: Box<dyn Fn() + Send>,
    after: Box<dyn Fn(&'static str) + Send>,
}

impl Store for Disk {
    fn head(&mut self) -> Result<Head, StoreError> {
        self.inner.head()
    }

    fn append(&mut self, events: &[Sealed], asides: &[Aside]) -> Result<(), StoreError> {
        if events.iter().any(|event| event.kind == "opened") {
            (self.before)();
        }
        self.inner.append(events, asides)?;
        events.iter().for_each(|event| (self.after)(event.kind));
        Ok(())
    }

    fn retired_by(&mut self, before_ms: u64) -> Result<Option<(u64, u64, u64)>, StoreError> {
        self.inner.retired_by(before_ms)
    }

    fn retire(&mut self, from_seq: u64, to_seq: u64, tombstone: &Sealed) -> Result<(), StoreError> {
        self.inner.retire(from_seq, to_seq, tombstone)
    }

    fn expire(&mut self, now_ms: u64) -> Result<u64, StoreError> {
        self.inner.expire(now_ms)
    }

    fn open_records(&mut self) -> Result<Vec<String>, StoreError> {
        self.inner.open_records()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_arrives_at_the_service_before_the_record_is_durable() {
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let written = Arc::clone(&order);
    let reached: Arc<Mutex<Option<Arc<dyn Fn() -> usize + Send + Sync>>>> = Arc::default();
    let (early, look) = (Arc::clone(&order), Arc::clone(&reached));
    let stand = stand_on(|inner, _| {
        Box::new(Disk {
            inner,
            before: Box::new(move || {
                // A slow disk: whoever does not wait for it gets ahead of it.
                std::thread::sleep(Duration::from_millis(150));
                let count = look.lock().unwrap().as_ref().map(|look| look()).unwrap_or_default();
                early.lock().unwrap().push(format!("received {count}"));
            }),
            after: Box::new(move |kind| written.lock().unwrap().push(kind.to_owned())),
        })
    })
    .await;
    let stand = Arc::new(stand);
    let looking = Arc::downgrade(&stand);
    *reached.lock().unwrap() =
        Some(Arc::new(move || looking.upgrade().map_or(0, |stand| stand.standin.received().len())));
    for turn in 0..2 {
        let (_, reply) = stand.chat(None, &[("user", LETTER)]).await;
        let whole = serde_json::to_string(&said(LETTER)).unwrap();
        assert!(reply.body.contains(whole.trim_matches('"')), "{}", reply.body);
        stand.newest().await;
        while order.lock().unwrap().len() < 3 * (turn + 1) {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(*order.lock().unwrap(), ["received 0", "opened", "closed", "received 1", "opened", "closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_the_disk_is_slow_leaves_no_open_record_and_nothing_is_sent() {
    let entered = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&entered);
    let stand = stand_on(|inner, _| {
        Box::new(Disk {
            inner,
            before: Box::new(move || {
                seen.store(true, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(300));
            }),
            after: Box::new(|_| {}),
        })
    })
    .await;
    let mut line = stand.line(None, OPENAI, true).await;
    let asked =
        tokio::spawn(async move { line.send(post("/v1/chat/completions", chat_body(&[("user", LETTER)]))).await });
    while !entered.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    asked.abort();
    assert_eq!(stand.newest().await.1["outcome"], "client_gone");
    assert!(stand.standin.received().is_empty());
}
