//! The program itself, as a child process: killed, reloaded, misconfigured; and what it leaves on the disk.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tsuitate::cli::client::{Line, Reply};
use tsuitate::cli::standin::Standin;

use super::stand::{ANTHROPIC, CHART, GEMINI, HANAKO, LETTER, OPENAI, SECRETS, TARO, chat_body, config, events, post};

/// A gate as a process of its own; killed when dropped.
struct Process {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program(folder: &Path) -> Command {
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tsuitate"));
    command
        .current_dir(folder)
        .env("TMPDIR", temporary)
        .env_remove("TSUITATE_CONFIG")
        .env("TSUITATE_DATA_DIR", folder.join("data"))
        .args(["--config", "config.toml"]);
    command
}

fn write_config(folder: &Path, config: &Value) {
    std::fs::write(folder.join("config.toml"), toml::to_string(config).unwrap()).unwrap();
}

/// Read its log until something stands there.
async fn logged(folder: &Path, words: &str) -> String {
    for _ in 0..6000 {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains(words) {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no `{words}` in {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
}

async fn start(folder: &Path) -> Process {
    // The log of an earlier run stays, for the search at the end.
    let earlier = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    std::fs::write(folder.join("log"), "").unwrap();
    if !earlier.is_empty() {
        use std::io::Write as _;
        let mut all = std::fs::OpenOptions::new().append(true).create(true).open(folder.join("logs")).unwrap();
        all.write_all(earlier.as_bytes()).unwrap();
    }
    let log = std::fs::OpenOptions::new().append(true).open(folder.join("log")).unwrap();
    let child = program(folder).arg("run").stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let log = logged(folder, "its page is http://").await;
    let address = log.split("its page is http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    Process { child, address, folder: folder.to_owned() }
}

impl Process {
    fn root(&self) -> String {
        let folder = self.folder.join("data/ca");
        let pem = std::fs::read_dir(&folder)
            .unwrap()
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().contains("root"))
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .find(|text| text.contains("BEGIN CERTIFICATE"));
        pem.unwrap_or_else(|| panic!("no root in {}", folder.display()))
    }

    async fn send(&self, account: Option<(&str, &str)>, host: &str, request: Request<Bytes>) -> anyhow::Result<Reply> {
        let socket = TcpStream::connect(self.address).await?;
        Line::open(socket, &self.root(), account, host, false).await?.send(request).await
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    async fn end(mut self) {
        self.signal("-TERM");
        for _ in 0..6000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the gate does not end");
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The chain of the folder is whole.
fn verified(folder: &Path) {
    let export = run(folder, &["record", "export", "--out", "export.jsonl"]);
    assert!(export.status.success(), "{}", text(&export.stderr));
    let keys = run(folder, &["keys", "public"]);
    std::fs::write(folder.join("public"), keys.stdout).unwrap();
    let proof = run(folder, &["record", "verify", "export.jsonl", "--keys", "public"]);
    assert!(proof.status.success(), "{}{}", text(&proof.stdout), text(&proof.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_gate_that_is_killed_again_and_again_has_a_record_of_all_that_left() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let standin = Arc::new(Standin::start(&[OPENAI, ANTHROPIC, GEMINI]).await.unwrap());
    write_config(folder, &config(folder, &standin, &json!({})));
    let number = Arc::new(AtomicUsize::new(0));
    let rounds = 8;
    for round in 0..rounds {
        let gate = start(folder).await;
        let (address, root) = (gate.address, gate.root());
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (number, root) = (Arc::clone(&number), root.clone());
                tokio::spawn(async move {
                    let account = if client % 2 == 0 { None } else { Some(TARO) };
                    let Ok(socket) = TcpStream::connect(address).await else { return };
                    let Ok(mut line) = Line::open(socket, &root, account, OPENAI, false).await else { return };
                    loop {
                        // Every request has a length of its own, by which it is known again.
                        let pad = " ".repeat(number.fetch_add(1, Ordering::SeqCst));
                        let body = chat_body(&[("user", LETTER)]);
                        if line.send(post("/v1/chat/completions", format!("{body}{pad}"))).await.is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        let before = standin.received().len();
        while standin.received().len() < before + 2 + round {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(gate);
        for client in clients {
            client.await.unwrap();
        }
    }
    start(folder).await.end().await;
    let events = events(&folder.join("data"));
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    let received = standin.received();
    assert!(received.len() >= rounds * 2);
    let opened = of("opened");
    for got in &received {
        let length = got.body.len() as u64;
        assert!(
            opened.iter().any(|event| event["sent_bytes"] == length && event["verdict"] == "masked"),
            "a request of {length} bytes left without a record"
        );
    }
    for event in &opened {
        let ends = events
            .iter()
            .filter(|end| end["record"] == event["record"] && end["event"] != "opened")
            .map(|end| end["event"].as_str().unwrap())
            .collect::<Vec<_>>();
        assert!(ends == ["closed"] || ends == ["interrupted"], "{ends:?}");
    }
    assert!(!of("interrupted").is_empty(), "no kill met a request");
    verified(folder);
}

fn all_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, into) } else { into.push(path) }
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(bytes, word).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_the_gate_writes_and_it_is_found_by_its_fingerprint() {
    const KEY: &str = "AKIAQ7TEX4MPLK3Y2VDN";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI]).await.unwrap();
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // Everything is logged that can be.
    let loud = json!({"telemetry": {"log": "trace", "metrics": metrics.to_string()}});
    write_config(folder, &config(folder, &standin, &loud));
    let gate = start(folder).await;
    let chat = "/v1/chat/completions";
    let content = |text: &str| chat_body(&[("user", text)]);
    let bomb = {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        (0..600).for_each(|_| packed.write_all(&[b' '; 1 << 20]).unwrap());
        packed.finish().unwrap()
    };
    let requests = [
        post(chat, content(LETTER)),
        post(chat, content(CHART)),
        post(chat, content(&format!("{LETTER} {KEY}"))),
        post(chat, content(LETTER).replace("}]", "}")),
        post(
            chat,
            json!({"model": "stand-in-cut", "stream": true, "messages": [{"role": "user", "content": LETTER}]})
                .to_string(),
        ),
        post("/v1/files/0038412/content?name=%E4%BD%90%E4%B9%85%E9%96%93%20%E6%98%A5%E9%A6%99", content("はい")),
        Request::post(chat).header("x-note", "090-1234-5678").body(Bytes::from(content("はい"))).unwrap(),
        Request::post(chat)
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(Bytes::from(bomb))
            .unwrap(),
        post(chat, json!({"model": "佐久間 春香", "messages": [{"role": "user", "content": LETTER}]}).to_string()),
    ];
    for request in requests {
        for account in [None, Some(TARO), Some(HANAKO)] {
            // Some are answered, some refused, some cut; all may leave traces.
            drop(gate.send(account, OPENAI, request.clone()).await);
        }
    }
    let page = {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut socket = TcpStream::connect(metrics).await.unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut page = String::new();
        socket.read_to_string(&mut page).await.unwrap();
        page
    };
    assert!(page.contains("tsuitate_in_flight 0"), "{page}");
    std::fs::write(folder.join("metrics"), page).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.child.id())).unwrap();
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
        .unwrap();
    assert!(peak < 400 << 10, "a body of 600 MB when unpacked took {peak} kB");
    gate.end().await;
    verified(folder);
    let list = run(folder, &["record", "list", "--json", "--limit", "100"]);
    std::fs::write(folder.join("list"), &list.stdout).unwrap();

    let mut files = Vec::new();
    all_files(folder, &mut files);
    assert!(files.iter().any(|path| path.ends_with("tsuitate.db")));
    assert!(std::fs::metadata(folder.join("log")).unwrap().len() > 10_000, "the log is not loud");
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        for secret in SECRETS.iter().chain(&[KEY, TARO.1, HANAKO.1]) {
            let escaped: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for form in [secret.as_bytes(), escaped.as_bytes(), &wide, percent.as_bytes()] {
                assert!(!contains(&bytes, form), "{secret} in {}", path.display());
            }
        }
    }

    for (arguments, found) in [
        (["record", "search", "--person", "佐久間 春香"], true),
        (["record", "search", "--number", "0038412"], true),
        (["record", "search", "--person", "相馬 泰造"], false),
    ] {
        let search = run(folder, &arguments);
        let said = text(&search.stdout);
        assert_eq!(search.status.code(), Some(i32::from(found)), "{arguments:?}: {said}{}", text(&search.stderr));
        assert_eq!(said.contains("一致") || said.contains("患者"), found, "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_config_keeps_the_old_rules_and_says_why_and_a_right_one_takes_effect() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI]).await.unwrap();
    let good = config(folder, &standin, &json!({}));
    write_config(folder, &good);
    let gate = start(folder).await;
    let ask = || gate.send(None, OPENAI, post("/v1/chat/completions", chat_body(&[("user", LETTER)])));
    assert_eq!(ask().await.unwrap().status, 200);

    let text = std::fs::read_to_string(folder.join("config.toml")).unwrap();
    std::fs::write(folder.join("config.toml"), format!("{text}\n[destinatons]\nunknown = \"deny\"\n")).unwrap();
    gate.signal("-HUP");
    let log = logged(folder, "the old settings stay").await;
    assert!(log.contains("destinatons") && log.contains("config.toml"), "{log}");
    assert_eq!(ask().await.unwrap().status, 200);

    let service = json!([{"id": "anthropic", "approved": true, "checked_on": "2026-01-15", "checked_by": "情報室"}]);
    write_config(folder, &config(folder, &standin, &json!({"service": service})));
    gate.signal("-HUP");
    logged(folder, "settings reloaded").await;
    let reply = ask().await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(reply.body.contains("Anthropic"), "{}", reply.body);
    gate.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_keys_and_service_files_take_effect_in_a_running_gate_without_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI]).await.unwrap();
    let own = folder.join("own.toml");
    std::fs::write(&own, super::settings::OWN).unwrap();
    write_config(folder, &config(folder, &standin, &json!({"destinations": {"providers": [own]}})));
    let gate = start(folder).await;
    let ask = || gate.send(Some(TARO), OPENAI, post("/v1/chat/completions", chat_body(&[("user", LETTER)])));
    assert_eq!(ask().await.unwrap().status, 200);
    let sent = || {
        let body: Value = serde_json::from_slice(&standin.received().pop().unwrap().body).unwrap();
        body["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    let before = sent();
    let reloaded = async |done: Output| {
        assert!(done.status.success(), "{}", text(&done.stderr));
        assert!(text(&done.stderr).contains("running gate"), "{}", text(&done.stderr));
        logged(folder, "settings reloaded").await;
        std::fs::write(folder.join("log"), "").unwrap();
    };

    let list = text(&run(folder, &["keys", "list"]).stdout);
    let epoch = list.lines().find_map(|line| line.strip_prefix("epoch\t")).unwrap().split('\t').next().unwrap();
    reloaded(run(folder, &["keys", "destroy-epoch", epoch, "--yes"])).await;
    assert_eq!(ask().await.unwrap().status, 200);
    assert_ne!(sent(), before, "tokens are made by a key that was erased");

    reloaded(run(folder, &["ca", "renew"])).await;
    assert_eq!(ask().await.unwrap().status, 200);

    std::fs::write(&own, super::settings::OWN.replace("ai.own.example", "ai.other.example")).unwrap();
    logged(folder, "settings reloaded").await;
    std::fs::write(folder.join("log"), "").unwrap();

    // A tunnel that stands is asked again too; here a new one is made.
    reloaded(run(folder, &["user", "remove", TARO.0])).await;
    assert!(ask().await.is_err(), "the account was removed");
    gate.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hospitals_own_services_are_in_the_certificate_and_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("own.toml"), super::settings::OWN).unwrap();
    std::fs::write(folder.join("config.toml"), "[destinations]\nproviders = [\"own.toml\"]\n").unwrap();
    let services = text(&run(folder, &["check", "--services"]).stdout);
    assert!(services.contains("own-ai") && services.contains("openai"), "{services}");
    // The root's key is off the gate from the beginning: nothing renews by itself.
    for arguments in [&["ca", "new", "--offline-root", "usb.key"][..], &["ca", "renew", "--root-key", "usb.key"]] {
        let done = run(folder, arguments);
        assert!(done.status.success(), "{}", text(&done.stderr));
        let pem = std::fs::read(folder.join("data/ca/issuing.pem")).unwrap();
        let der = <rustls_pki_types::CertificateDer<'_> as rustls_pki_types::pem::PemObject>::from_pem_slice(&pem);
        assert!(contains(&der.unwrap(), b"ai.own.example"), "{arguments:?}");
    }
}

#[test]
fn a_wrong_config_is_shown_with_file_line_column_caret_and_cure() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (config, place, words) in [
        ("[gate]\nnmae = \"x\"\n", (2, 1), "nmae"),
        ("[gate.limits]\n\nbody = \"32 lightyears\"\n", (3, 8), "lightyears"),
        ("[gate.limits]\nheader_time = 30\n", (2, 15), "header_time"),
        ("[[service]]\nid = \"opnai\"\n", (2, 6), "openai"),
        ("[gate]\nlisten = [\n", (2, 11), ""),
        ("[destinations]\nunknown = \"tunel\"\n", (2, 11), "tunnel"),
    ] {
        std::fs::write(folder.join("config.toml"), config).unwrap();
        for command in ["run", "check"] {
            let output = run(folder, &[command]);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{config}{said}");
            let (line, column) = place;
            let shown = said.contains(&format!("config.toml:{line}:{column}"))
                || (said.contains("config.toml") && said.contains(&format!("line {line}, column {column}")));
            assert!(shown, "{config}{said}");
            assert!(said.contains('^') && said.contains("help:") && said.contains(words), "{config}{said}");
        }
    }
    assert!(!folder.join("data").exists(), "a wrong config made something");
}

/// A rule file that is not right: a gate does not start with it, and a running one keeps its rules; both say where and why.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_file_stops_the_start_and_keeps_the_old_rules_at_a_reload() {
    const RULE: &str = "[[rule]]\nid = \"house.badge\"\nkind = \"staff_id\"\nwhy = \"Badges of the house.\"\nsource = \"house\"\n\
        pattern = '''ZQ-[0-9]{6}'''\nscore = 0.9\n[[rule.example]]\ntext = \"《ZQ-201934》\"\n[[rule.counter]]\ntext = \"ZQ-12\"\nwhy = \"too short\"\n";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI]).await.unwrap();
    let rules = folder.join("house.toml");
    write_config(folder, &config(folder, &standin, &json!({ "rules": [rules] })));

    let broken = RULE.replace("kind = \"staff_id\"", "kind = \"staff_idd\"");
    std::fs::write(&rules, &broken).unwrap();
    let refused = run(folder, &["run"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("house.toml:3:") && said.contains('^') && said.contains("one of `person_name`"), "{said}");

    std::fs::write(&rules, RULE).unwrap();
    let gate = start(folder).await;
    let badge =
        || gate.send(None, OPENAI, post("/v1/chat/completions", chat_body(&[("user", "名札 ZQ-201934 を返却")])));
    assert_eq!(badge().await.unwrap().status, 200);
    let sent = |number: usize| text(&standin.received()[number].body);
    assert!(!sent(0).contains("ZQ-201934"), "{}", sent(0));

    std::fs::write(&rules, &broken).unwrap();
    gate.signal("-HUP");
    let log = logged(folder, "the old settings stay").await;
    assert!(log.contains("house.toml:3:") && log.contains('^') && log.contains("one of `person_name`"), "{log}");
    assert_eq!(badge().await.unwrap().status, 200);
    assert!(!sent(1).contains("ZQ-201934"), "the old rules hold: {}", sent(1));
    gate.end().await;
}
