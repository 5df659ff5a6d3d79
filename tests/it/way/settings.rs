//! What no setting lifts, however it came in; what is taken up while the gate runs, and what is not.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tsuitate::house::open::{OpenError, Place, open};
use tsuitate::keys::EPOCH_MS;

use super::stand::{
    LETTER, OPENAI, SECRETS, Stand, TARO, chat_body, nothing_of, now_ms, post, said, stand, stand_with, text_of, today,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_lifts_no_floor_even_when_nothing_checked_it() {
    let stand = stand_with(json!({}), now_ms, |config| {
        config.detect.threshold = 5.0;
        config.detect.thresholds.values_mut().for_each(|value| *value = 5.0);
    })
    .await;
    let mut line = stand.line(None, OPENAI, false).await;
    let key = format!("{LETTER}\nkey = AKIAQ7TEX4MPLK3Y2VDN");
    let reply = line.send(post("/v1/chat/completions", chat_body(&[("user", &key)]))).await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(stand.standin.received().is_empty());
    let text = format!("{LETTER}\nマイナンバー 1234 5678 9018");
    let (got, reply) = stand.chat(None, &[("user", &text)]).await;
    let sent = text_of(&got.unwrap_or_else(|| panic!("{}", reply.body)).body);
    nothing_of(&SECRETS, &sent);
    nothing_of(&["1234 5678 9018"], &sent);
}

/// What the gate adds to the clock of the machine.
static LATER: AtomicU64 = AtomicU64::new(0);

fn moved_clock() -> u64 {
    now_ms() + LATER.load(Ordering::SeqCst)
}

/// A conversation over the turn of an epoch: what was sent goes out as it was, what came back goes back as it came.
async fn talk_over_the_turn(account: Option<(&str, &str)>) {
    LATER.store(0, Ordering::SeqCst);
    let stand = stand_with(json!({}), moved_clock, |_| ()).await;
    LATER.store(EPOCH_MS - 600_000, Ordering::SeqCst);
    let content = |body: &[u8]| -> Vec<Value> {
        serde_json::from_slice::<Value>(body).unwrap()["messages"].as_array().unwrap().clone()
    };
    let answer = |body: &str| -> String {
        serde_json::from_str::<Value>(body).unwrap()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    let (one, reply) = stand.chat(account, &[("user", LETTER)]).await;
    let (one, a1) = (content(&one.unwrap().body), answer(&reply.body));
    assert_eq!(a1, said(LETTER));
    stand.newest().await;

    LATER.store(EPOCH_MS + 600_000, Ordering::SeqCst);
    let gate = stand.gate.as_ref().unwrap();
    let before = gate.house.ring().active().id.clone();
    gate.take_up_ring().unwrap();
    assert_ne!(gate.house.ring().active().id, before, "the epoch has turned");

    let ask = "もう少し短くしてください。";
    let (two, reply) = stand.chat(account, &[("user", LETTER), ("assistant", &a1), ("user", ask)]).await;
    let (two, a2) = (content(&two.unwrap_or_else(|| panic!("{}", reply.body)).body), answer(&reply.body));
    assert_eq!(two[0], one[0], "the first turn goes out as it was");
    assert_eq!(two[1]["content"], said(one[0]["content"].as_str().unwrap()).as_str(), "the answer as it came");
    stand.newest().await;

    // What was found under the epoch before is written under the new one.
    LATER.store(EPOCH_MS + 1_200_000, Ordering::SeqCst);
    let whole =
        [("user", LETTER), ("assistant", a1.as_str()), ("user", ask), ("assistant", &a2), ("user", "ありがとう。")];
    let (three, _) = stand.chat(account, &whole).await;
    let three = content(&three.unwrap().body);
    assert_eq!(three[..3], two[..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_when_an_epoch_turns() {
    // One after the other: they move the same clock.
    for account in [Some(TARO), None] {
        talk_over_the_turn(account).await;
    }
}

fn register(id: &str) -> Value {
    json!([{"id": id, "approved": true, "checked_on": "2026-01-15", "checked_by": "情報室"}])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_judges_by_the_doors_that_are_open() {
    let open = json!({"gate": {"listen": {"http": ["0.0.0.0:0"]}}, "service": register("anthropic")});
    let stand = stand(open).await;
    let refused = async || -> bool {
        let socket = tokio::net::TcpStream::connect(("127.0.0.1", stand.address().port())).await.unwrap();
        let mut line = tsuitate::cli::client::Line::open(socket, stand.root(), None, OPENAI, false).await.unwrap();
        line.send(post("/v1/chat/completions", chat_body(&[("user", "はい")]))).await.unwrap().status == 400
    };
    assert!(refused().await, "openai is not approved");
    let gate = stand.gate.as_ref().unwrap();
    // The file now says loopback and no register: with that every service would count as approved.
    let alone = stand.read_again(&json!({"gate": {"listen": {"http": ["127.0.0.1:0"]}}, "service": []}));
    let error = gate.take_up(alone, today()).unwrap_err();
    assert!(matches!(&error, OpenError::Problems(what) if what.contains("reachable from other machines")), "{error}");
    assert!(refused().await, "the old settings stay");
    gate.take_up(stand.read_again(&json!({"service": register("openai")})), today()).unwrap();
    assert!(!refused().await, "a register takes effect at once");
}

/// A service file of the hospital.
pub const OWN: &str = "[[provider]]\nid = \"own-ai\"\nname = \"院内AI\"\ncategory = \"llm\"\nsure = \"doc\"\nhosts = [\"ai.own.example\"]\n\
    endpoint = [{ method = \"POST\", path = \"/v1/chat/completions\", adapter = \"openai-chat\" }]\n";

async fn page(stand: &Stand, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(stand.address()).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut page = String::new();
    socket.read_to_string(&mut page).await.unwrap();
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_file_is_in_the_proxy_file_and_in_the_certificates_at_once() {
    let stand = stand(json!({})).await;
    assert!(!page(&stand, "/proxy.pac").await.contains("ai.own.example"));
    let file = stand.folder.path().join("own.toml");
    std::fs::write(&file, OWN).unwrap();
    let changes = json!({"destinations": {"providers": [file]}, "contact": {"name": "新しい係"}});
    stand.gate.as_ref().unwrap().take_up(stand.read_again(&changes), today()).unwrap();
    assert!(page(&stand, "/proxy.pac").await.contains("ai.own.example"));
    assert!(page(&stand, "/").await.contains("新しい係"));
    assert!(page(&stand, "/readyz").await.contains("\"reasons\":[]"));
    // The handshake is done with the house root alone in the client's list.
    stand.line(None, "ai.own.example", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_file_names_the_doors_that_are_open_to_others() {
    let script = async |listen: Value, name: &str| -> String {
        let changes = json!({"gate": {"listen": listen, "name": name}, "service": register("openai")});
        let stand = stand(changes).await;
        let addresses = stand.gate.as_ref().unwrap().running.addrs().to_vec();
        let script = page(&stand, "/proxy.pac").await;
        let line = script.lines().find_map(|line| line.strip_prefix("var gate = ")).unwrap();
        // Ports are whatever was free: by their order in the config.
        addresses.iter().enumerate().fold(line.to_owned(), |line, (at, address)| {
            line.replace(&format!(":{}", address.port()), &format!(":door{at}"))
        })
    };
    let (here, all) = ("127.0.0.1:0", "0.0.0.0:0");
    for (listen, name, gate) in [
        (json!({"http": [here]}), "localhost", "\"PROXY 127.0.0.1:8080\";"),
        (json!({"http": [here], "tls": [here]}), "localhost", "\"HTTPS localhost:door1; PROXY 127.0.0.1:8080\";"),
        (
            json!({"http": [all], "tls": [all]}),
            "gate.example",
            "\"HTTPS gate.example:door1; PROXY gate.example:door0\";",
        ),
        (json!({"http": [here], "tls": [all]}), "gate.example", "\"HTTPS gate.example:door1\";"),
        (json!({"http": [all]}), "gate.example", "\"PROXY gate.example:door0\";"),
    ] {
        assert_eq!(script(listen.clone(), name).await, gate, "{listen} {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_is_of_one_gate_alone() {
    let mut first = stand(json!({})).await;
    let second = async |stand: &Stand| {
        let data = stand.data();
        let place = Place { data: &data, gate: "second".to_owned(), clock: now_ms };
        open(stand.read_again(&json!({})), place).await
    };
    let error = second(&first).await.err().unwrap();
    assert!(matches!(error, OpenError::Taken(_)) && error.to_string().contains("another gate"), "{error}");
    assert!(first.events().iter().all(|event| event["event"] != "interrupted"));
    assert_eq!(first.chat(None, &[("user", "はい")]).await.1.status, 200, "the first one goes on");
    first.stop().await;
    let second = second(&first).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(second.stop(std::time::Duration::from_secs(20)).await);
}
