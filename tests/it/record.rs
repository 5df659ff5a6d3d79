//! The record: durable in order, verifiable, and nothing goes on when it cannot be written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ed25519_dalek::{SigningKey, VerifyingKey};
use tsuitate::decide::Verdict;
use tsuitate::record::chain::{Head, hash};
use tsuitate::record::event::{Closed, Opened, Versions, Who};
use tsuitate::record::recorder::Setup;
use tsuitate::record::verify::{Broken, Line, Proof, verify};
use tsuitate::record::{Aside, Event, Name, RecordError, Recorder, Sealed, Store, StoreError, Word};
use tsuitate::store::sqlite::Filter;
use tsuitate::store::{Reader, Sqlite};

pub fn setup(every: u64) -> Setup {
    Setup {
        gate: "gate-1".to_owned(),
        checkpoint_key: Arc::new(SigningKey::from_bytes(&[9; 32])),
        checkpoint_key_id: "c1".to_owned(),
        checkpoint_events: every,
        clock: || 1_700_000_000_000,
    }
}

fn keys() -> BTreeMap<String, VerifyingKey> {
    BTreeMap::from([("c1".to_owned(), SigningKey::from_bytes(&[9; 32]).verifying_key())])
}

pub fn opened(record: &str) -> Event {
    Event::Opened(Box::new(Opened {
        record: record.to_owned(),
        who: Who {
            person: Some(Name::new("taro")),
            strength: "authenticated".into(),
            client: "127.0.0.1".into(),
            ..Who::default()
        },
        use_: None,
        service: Name::new("openai"),
        host: Word::new("api.openai.com"),
        endpoint: Word::new("/v1/chat/completions"),
        known_endpoint: true,
        model: Some(Word::new("gpt-5")),
        verdict: Verdict::Masked,
        reasons: Vec::new(),
        received_bytes: 10,
        text_bytes: 5,
        sent_bytes: 12,
        kinds: BTreeMap::from([("person_name".to_owned(), 2)]),
        classes: BTreeMap::new(),
        treatments: BTreeMap::from([("token".to_owned(), 2)]),
        reversible: 2,
        irreversible: 0,
        rules: vec!["names.model".to_owned()],
        fingerprints: vec![format!("person_name:f1:w:{record}")],
        late_findings: 0,
        foreign_tokens: 0,
        opaque_blobs: 0,
        unsearchable: 0,
        epoch: None,
        timings_us: BTreeMap::new(),
        versions: Versions::default(),
    }))
}

pub fn closed(record: &str) -> Event {
    Event::Closed(Closed {
        record: record.to_owned(),
        outcome: "answered".into(),
        status: Some(200),
        ..Closed::default()
    })
}

fn export(path: &std::path::Path) -> Vec<Line> {
    let mut lines = Vec::new();
    Reader::open(path)
        .unwrap()
        .events::<StoreError>(|seq, hash, body| {
            lines.push(Line { seq, hash, body });
            Ok(())
        })
        .unwrap();
    lines
}

fn check(lines: &[Line], anchor: Option<(u64, &str)>) -> Result<Proof, Broken> {
    let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    verify(text.as_bytes(), &keys(), anchor)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_appended_is_there_in_one_unbroken_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsuitate.db");
    let (recorder, thread) = Recorder::start(Box::new(Sqlite::open(&path).unwrap()), setup(50)).unwrap();
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let recorder = recorder.clone();
            async move {
                let id = format!("r{n:03}");
                recorder.append(vec![opened(&id)], Vec::new()).await.unwrap();
                recorder.append(vec![closed(&id)], Vec::new()).await.unwrap();
            }
        })
        .collect();
    futures_util::future::join_all(tasks).await;
    drop(recorder);
    thread.join().unwrap();

    let lines = export(&path);
    let proof = check(&lines, None).unwrap();
    assert_eq!(proof.events, lines.len() as u64);
    assert_eq!(proof.unproven, 0, "the writer signs a checkpoint when it ends");
    assert!(proof.checkpoints >= 1);

    let reader = Reader::open(&path).unwrap();
    let rows = reader.rows(&Filter { limit: 100, ..Filter::default() }).unwrap();
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row.closed_as.as_deref() == Some("closed")));
    let only =
        Filter { kind: Some("person_name".into()), verdict: Some("masked".into()), limit: 7, ..Filter::default() };
    assert_eq!(reader.rows(&only).unwrap().len(), 7);
    let none = Filter { kind: Some("phone".into()), limit: 7, ..Filter::default() };
    assert!(reader.rows(&none).unwrap().is_empty());
    assert_eq!(reader.with_fingerprints(&["person_name:f1:w:r007".to_owned()]).unwrap().len(), 1);
}

#[tokio::test]
async fn an_interrupted_request_is_named_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsuitate.db");
    let (recorder, thread) = Recorder::start(Box::new(Sqlite::open(&path).unwrap()), setup(50)).unwrap();
    recorder.append(vec![opened("gone")], Vec::new()).await.unwrap();
    drop(recorder);
    thread.join().unwrap();
    let (recorder, thread) = Recorder::start(Box::new(Sqlite::open(&path).unwrap()), setup(50)).unwrap();
    drop(recorder);
    thread.join().unwrap();
    let row = Reader::open(&path).unwrap().row("gone").unwrap().unwrap();
    assert_eq!(row.closed_as.as_deref(), Some("interrupted"));
    check(&export(&path), None).unwrap();
}

#[tokio::test]
async fn any_change_removal_insertion_or_reordering_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsuitate.db");
    let (recorder, thread) = Recorder::start(Box::new(Sqlite::open(&path).unwrap()), setup(8)).unwrap();
    for n in 0..20 {
        recorder.append(vec![opened(&format!("r{n}"))], Vec::new()).await.unwrap();
    }
    drop(recorder);
    thread.join().unwrap();
    let good = export(&path);
    assert!(check(&good, None).is_ok());
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at].body = changed[at].body.as_ref().map(|body| body.replace("gate-1", "gate-2"));
        assert_eq!(check(&changed, None), Err(Broken::Changed { seq: at as u64 + 1 }));

        let mut rehashed = changed;
        rehashed[at].hash = hash(rehashed[at].body.as_ref().unwrap());
        assert!(check(&rehashed, None).is_err() || at + 1 == good.len());

        let mut removed = good.clone();
        removed.remove(at);
        assert!(check(&removed, Some((good.len() as u64, &good[good.len() - 1].hash))).is_err());

        let mut twice = good.clone();
        twice.insert(at, good[at].clone());
        assert!(check(&twice, None).is_err());

        if at > 0 {
            let mut swapped = good.clone();
            swapped.swap(at, at - 1);
            assert!(check(&swapped, None).is_err());
        }
        let mut emptied = good.clone();
        emptied[at].body = None;
        assert_eq!(check(&emptied, None), Err(Broken::Gone { seq: at as u64 + 1 }));
    }
    // A tail rewritten after the last anchor is not proven, and says so.
    let mut cut = good.clone();
    cut.truncate(good.len() - 3);
    assert!(check(&cut, None).unwrap().unproven > 0);
}

/// Loses power (or room) after some number of commits: what it had said yes to stays.
struct Faulty {
    inner: Sqlite,
    left: Arc<AtomicU64>,
    failed: Arc<AtomicBool>,
}

impl Store for Faulty {
    fn head(&mut self) -> Result<Head, StoreError> {
        self.inner.head()
    }
    fn append(&mut self, events: &[Sealed], asides: &[Aside]) -> Result<(), StoreError> {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            self.failed.store(true, Ordering::SeqCst);
            return Err(StoreError::Injected);
        }
        self.inner.append(events, asides)
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

#[tokio::test]
async fn a_store_that_fails_lets_nothing_go_on_and_the_chain_stays_whole() {
    for commits in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tsuitate.db");
        let left = Arc::new(AtomicU64::new(commits));
        let failed = Arc::new(AtomicBool::new(false));
        let faulty = Faulty { inner: Sqlite::open(&path).unwrap(), left: left.clone(), failed: failed.clone() };
        let (recorder, thread) = Recorder::start(Box::new(faulty), setup(1000)).unwrap();
        let mut sent = Vec::new();
        for n in 0..10 {
            let id = format!("r{n}");
            match recorder.append(vec![opened(&id)], Vec::new()).await {
                Ok(()) => sent.push(id),
                Err(error) => assert!(matches!(error, RecordError::Store(_))),
            }
        }
        // The disk has room again: the chain goes on from what is stored.
        left.store(100, Ordering::SeqCst);
        recorder.append(vec![opened("after")], Vec::new()).await.unwrap();
        drop(recorder);
        thread.join().unwrap();
        assert!(failed.load(Ordering::SeqCst));
        assert_eq!(sent.len() as u64, commits);
        let lines = export(&path);
        check(&lines, None).unwrap();
        for id in &sent {
            assert!(lines.iter().any(|line| line.body.as_ref().unwrap().contains(&format!("\"{id}\""))));
        }
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsuitate.db");
    drop(Sqlite::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(StoreError::Newer { found: 99, .. })));
    assert!(matches!(Reader::open(&path), Err(StoreError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsuitate.db");
    drop(Sqlite::open(&path).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn retention_removes_bodies_and_keeps_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsuitate.db");
    let (recorder, thread) = Recorder::start(Box::new(Sqlite::open(&path).unwrap()), setup(1000)).unwrap();
    for n in 0..5 {
        recorder.append(vec![opened(&format!("r{n}")), closed(&format!("r{n}"))], Vec::new()).await.unwrap();
    }
    assert_eq!(recorder.tidy(1_000).await.unwrap(), 0, "nothing is old enough");
    assert_eq!(recorder.tidy(1_800_000_000_000).await.unwrap(), 10);
    recorder.append(vec![opened("later")], Vec::new()).await.unwrap();
    drop(recorder);
    thread.join().unwrap();
    let lines = export(&path);
    let proof = check(&lines, None).unwrap();
    assert_eq!(proof.removed_bodies, 10);
    let reader = Reader::open(&path).unwrap();
    assert!(reader.with_fingerprints(&["person_name:f1:w:r1".to_owned()]).unwrap().is_empty());
    // A body removed without a tombstone is named all the same.
    let mut emptied = lines.clone();
    let last = emptied.iter().rposition(|line| line.body.as_ref().is_some_and(|body| body.contains("later"))).unwrap();
    emptied[last].body = None;
    assert_eq!(check(&emptied, None), Err(Broken::Gone { seq: lines[last].seq }));
}
