//! Power that goes away at any moment, and a disk without room: nothing reaches a service without its `opened` event on
//! the disk, the chain verifies, the gate starts again.

mod device;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use ed25519_dalek::VerifyingKey;
use http::Response;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tsuitate::cli::client::Line;
use tsuitate::record::recorder::Setup;
use tsuitate::record::verify::verify;
use tsuitate::record::{Aside, Recorder, StoreError};
use tsuitate::store::{Reader, Sqlite};
use tsuitate::wire::body::whole;

use self::device::{Device, Random, Unsynced};
use crate::record::{closed, opened, setup};
use crate::support::service;
use crate::way::stand::{LETTER, OPENAI, Stand, TARO, chat_body, post, stand_in};

const DATABASE: &str = "tsuitate.db";

/// The disk after a power loss, in a folder of its own.
fn restored(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        // The shared memory of the running database is none of the disk's.
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Starts the writer again, appends, ends; the whole chain must verify. Gives the events.
fn starts_and_verifies(folder: &Path, setup: &Setup, keys: &BTreeMap<String, VerifyingKey>, told: &str) -> Vec<Value> {
    let path = folder.join(DATABASE);
    let store = Sqlite::open(&path).unwrap_or_else(|error| panic!("{told}: {error}"));
    let (recorder, thread) = Recorder::start(Box::new(store), setup.clone()).unwrap_or_else(|e| panic!("{told}: {e}"));
    // Sent at its first look; the writer takes what has come before it ends.
    let append = recorder.append(vec![opened("after")], Vec::new());
    assert!(futures_util::FutureExt::now_or_never(append).is_none_or(|done| done.is_ok()), "{told}");
    drop(recorder);
    thread.join().unwrap();
    let (mut export, mut events): (String, Vec<Value>) = Default::default();
    Reader::open(&path)
        .unwrap()
        .events::<StoreError>(|seq, hash, body| {
            events.push(serde_json::from_str(body.as_deref().unwrap()).unwrap());
            export += &json!({"seq": seq, "hash": hash, "body": body}).to_string();
            export.push('\n');
            Ok(())
        })
        .unwrap();
    let proof = verify(export.as_bytes(), keys, None).unwrap_or_else(|broken| panic!("{told}: {broken:?}"));
    assert_eq!((proof.events, proof.unproven), (events.len() as u64, 0), "{told}");
    let count = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!(
        count("opened") - 1,
        count("closed") + count("interrupted"),
        "{told}: every record but the one of just now has one end"
    );
    events
}

/// Moments to lose power at: right at each of `exact` and at random ones between; and what becomes of unsynced writes.
fn moments(exact: &[usize], end: usize, random: usize) -> Vec<(usize, Unsynced)> {
    let mut dice = Random(0x7375_6974_6174_6521);
    let mut all = Vec::new();
    for at in exact {
        all.extend([(*at, Unsynced::Lost), (*at, Unsynced::Kept), (*at, Unsynced::Some(*at as u64))]);
    }
    for seed in 0..random {
        let unsynced = if seed % 4 == 0 { Unsynced::Lost } else { Unsynced::Some(seed as u64) };
        all.push((dice.below(end + 1), unsynced));
    }
    all
}

#[test]
fn what_was_acknowledged_is_on_the_disk_whenever_the_power_goes() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::under(folder.path());
    let setup = setup(40);
    let keys = BTreeMap::from([(setup.checkpoint_key_id.clone(), setup.checkpoint_key.verifying_key())]);
    let acknowledged: Mutex<Vec<(usize, String)>> = Mutex::default();
    let store = Sqlite::open(&folder.path().join(DATABASE)).unwrap();
    let opened_at = device.now();
    let (recorder, thread) = Recorder::start(Box::new(store), setup.clone()).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let one = async |client: usize| {
            for number in 0..60 {
                let id = format!("r{client}-{number}");
                let aside = Aside {
                    table: "unit",
                    scope: vec![u8::try_from(client).unwrap(); 16],
                    key: id.clone().into_bytes(),
                    sealed: vec![7; 3000],
                    expires_ms: u64::MAX >> 1,
                };
                recorder.append(vec![opened(&id)], vec![aside]).await.unwrap();
                acknowledged.lock().unwrap().push((device.now(), id.clone()));
                if number % 3 != 0 {
                    recorder.append(vec![closed(&id)], Vec::new()).await.unwrap();
                }
            }
        };
        // One alone, then three whose events share commits.
        one(0).await;
        tokio::join!(one(1), one(2), one(3));
    });
    drop(recorder);
    thread.join().unwrap();
    assert!(device.syncs(DATABASE) > 3, "no checkpoint of the database itself was met");
    let acknowledged = acknowledged.into_inner().unwrap();
    assert_eq!(acknowledged.len(), 240);
    let mut exact: Vec<usize> = acknowledged.iter().map(|(at, _)| *at).step_by(8).collect();
    exact.extend(opened_at.saturating_sub(12)..opened_at);
    for (at, unsynced) in moments(&exact, device.now(), 60) {
        let told = format!("after step {at} of {}, {unsynced:?}", device.now());
        let again = restored(&device.after(at, unsynced));
        let events = starts_and_verifies(again.path(), &setup, &keys, &told);
        let there: BTreeSet<&str> = events
            .iter()
            .filter(|event| event["event"] == "opened")
            .filter_map(|event| event["record"].as_str())
            .collect();
        for (_, id) in acknowledged.iter().filter(|(when, _)| *when <= at) {
            assert!(there.contains(id.as_str()), "{told}: {id} was acknowledged and is gone");
        }
    }
}

/// A gate whose data stand on a device, before a service that notes when each request came, and how long it was.
async fn gate() -> (Stand, Arc<Device>, Arc<Mutex<Vec<(usize, u64)>>>) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let device = Device::under(&data);
    let seen: Arc<Mutex<Vec<(usize, u64)>>> = Arc::default();
    let (disk, sees) = (Arc::clone(&device), Arc::clone(&seen));
    let answer: service::Answer = Arc::new(move |got| {
        sees.lock().unwrap().push((disk.now(), got.body.len() as u64));
        let body = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "demo", "choices": [{"index": 0,
            "finish_reason": "stop", "message": {"role": "assistant", "content": "はい"}}]});
        let mut response = Response::new(whole(body.to_string()));
        response.headers_mut().insert("content-type", "application/json".parse().unwrap());
        Box::pin(async move { response })
    });
    let service = service::start_with(answer, &[OPENAI], &[b"http/1.1"]).await;
    let root = folder.path().join("service.pem");
    std::fs::write(&root, &service.root_pem).unwrap();
    let upstream = json!({"extra_roots": [root], "resolve": {OPENAI: service.tls_at.to_string()}});
    (stand_in(folder, json!({"upstream": upstream})).await, device, seen)
}

/// A request of this many bytes more than the least; its status.
async fn send(stand: &Stand, account: Option<(&str, &str)>, pad: usize) -> u16 {
    let body = format!("{}{}", chat_body(&[("user", LETTER)]), " ".repeat(pad));
    stand.ask(account, OPENAI, "/v1/chat/completions", body).await.status.as_u16()
}

fn lengths(events: &[Value]) -> BTreeSet<u64> {
    let opened = events.iter().filter(|event| event["event"] == "opened" && event["verdict"] == "masked");
    opened.map(|event| event["sent_bytes"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_that_a_service_saw_is_without_its_record_whenever_the_power_goes() {
    let (mut stand, device, seen) = gate().await;
    let account = |number: usize| if number.is_multiple_of(2) { None } else { Some(TARO) };
    for number in 0..8 {
        assert_eq!(send(&stand, account(number), number).await, 200);
    }
    let four = (8..12).map(|number| {
        let stand = &stand;
        async move {
            for round in 0..4 {
                assert_eq!(send(stand, account(number), number + 4 * round).await, 200);
            }
        }
    });
    futures_util::future::join_all(four).await;
    let ring = stand.gate.as_ref().unwrap().house.ring();
    let (checkpoint_key_id, key) = ring.checkpoint();
    let keys = BTreeMap::from([(checkpoint_key_id.clone(), key.verifying_key())]);
    let setup = Setup { gate: "test".to_owned(), checkpoint_key: Arc::new(key), checkpoint_key_id, ..setup(1000) };
    stand.stop().await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.iter().map(|(_, length)| length).collect::<BTreeSet<_>>().len(), 24, "each has its own length");
    let exact: Vec<usize> = seen.iter().map(|(at, _)| *at).collect();
    let mut last = None;
    for (at, unsynced) in moments(&exact, device.now(), 40) {
        let told = format!("after step {at} of {}, {unsynced:?}", device.now());
        let again = restored(&device.after(at, unsynced));
        // The gate's own start writes; this one is only looked at.
        let events = starts_and_verifies(again.path(), &setup, &keys, &told);
        let recorded = lengths(&events);
        for (_, length) in seen.iter().filter(|(when, _)| *when <= at) {
            assert!(recorded.contains(length), "{told}: a request of {length} bytes left without a record");
        }
        last = Some((at, unsynced));
    }
    // The whole gate on such a disk, with its keys, which were on it before.
    for (at, unsynced) in [last.unwrap(), (exact[3], Unsynced::Lost), (exact[20], Unsynced::Some(3))] {
        for name in [DATABASE, "tsuitate.db-wal", "tsuitate.db-shm"] {
            drop(std::fs::remove_file(stand.data().join(name)));
        }
        for (name, content) in device.after(at, unsynced) {
            std::fs::write(stand.data().join(name), content).unwrap();
        }
        stand.restart().await;
        assert_eq!(send(&stand, Some(TARO), 100).await, 200);
        stand.newest().await;
        stand.stop().await;
        let recorded = lengths(&stand.events());
        for (_, length) in seen.iter().filter(|(when, _)| *when <= at) {
            assert!(recorded.contains(length), "{length} bytes, after step {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_on_the_disk_nothing_leaves_and_with_room_again_the_gate_goes_on() {
    let (mut stand, device, seen) = gate().await;
    assert_eq!(send(&stand, Some(TARO), 0).await, 200);
    stand.newest().await;
    let mut served = 1;
    for (number, fill) in [Device::fill, Device::fill_at_sync].into_iter().enumerate() {
        fill(&device, true);
        for account in [None, Some(TARO)] {
            let body = chat_body(&[("user", LETTER)]);
            let reply = stand.ask(account, OPENAI, "/v1/chat/completions", body).await;
            assert_eq!(reply.status, 400, "{}", reply.body);
            assert_eq!(reply.headers["x-should-retry"], "false");
            assert!(reply.body.contains("record") && reply.body.contains("医療情報室"), "{}", reply.body);
        }
        // A line that was open stays usable: the fault was the disk's.
        let socket = TcpStream::connect(stand.address()).await.unwrap();
        let mut line = Line::open(socket, stand.root(), None, OPENAI, false).await.unwrap();
        let ask = || post("/v1/chat/completions", chat_body(&[("user", LETTER)]));
        assert_eq!(line.send(ask()).await.unwrap().status, 400);
        assert_eq!(seen.lock().unwrap().len(), served, "it was sent without a record");
        let page = stand.gate.as_ref().unwrap().house.metrics.page();
        assert!(page.contains(&format!("tsuitate_record_failures_total {}", 3 * (number + 1))), "{page}");
        fill(&device, false);
        assert_eq!(line.send(ask()).await.unwrap().status, 200);
        assert_eq!(send(&stand, Some(TARO), 10 + number).await, 200);
        served += 2;
        assert_eq!(seen.lock().unwrap().len(), served);
        let (opened, closed) = stand.newest().await;
        assert_eq!((&opened["verdict"], &closed["outcome"]), (&json!("masked"), &json!("answered")));
    }
    let ring = stand.gate.as_ref().unwrap().house.ring();
    let (checkpoint_key_id, key) = ring.checkpoint();
    let keys = BTreeMap::from([(checkpoint_key_id.clone(), key.verifying_key())]);
    let setup = Setup { gate: "test".to_owned(), checkpoint_key: Arc::new(key), checkpoint_key_id, ..setup(1000) };
    stand.stop().await;
    starts_and_verifies(&stand.data(), &setup, &keys, "after the disk was full");
}
