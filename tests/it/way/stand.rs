//! The whole gate as it ships, before a stand-in service, and what the tests ask of both.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tsuitate::cli::client::{Line, Reply};
use tsuitate::cli::standin::{Got, Standin};
use tsuitate::config::Config;
use tsuitate::house::open::{Open, Place, open, open_with};
use tsuitate::identify::{UserFile, account};
use tsuitate::record::Store;
use tsuitate::store::{Reader, Sqlite};

pub const OPENAI: &str = "api.openai.com";
pub const ANTHROPIC: &str = "api.anthropic.com";
pub const MISTRAL: &str = "api.mistral.ai";
pub const GEMINI: &str = "generativelanguage.googleapis.com";

/// Invented people, and everything about them that may not leave.
pub const LETTER: &str = "次のメールを丁寧な文面に直してください。\n佐久間 春香様（患者番号 0038412）のご長女、佐久間 美緒様へ。\n\
    次回の受診は7月1日です。ご都合が悪い場合は 090-1234-5678 までお電話ください。";
pub const SECRETS: [&str; 5] = ["佐久間", "春香", "美緒", "0038412", "090-1234-5678"];
pub const CHART: &str = "退院サマリの下書きを整えてください。\n氏名：佐久間 春香　ID：0038412\n主訴：胸痛\n現病歴：6月3日より労作時胸痛を認め、\
    6月5日当院を受診、同日入院となった。\n既往歴：高血圧、2型糖尿病\n入院時所見：BP 138/82、HbA1c 7.2%\n経過：安静と内服で軽快し、6月12日退院。\n\
    退院時処方：アムロジピン5mg 1日1回";

/// Accounts of the user file.
pub const TARO: (&str, &str) = ("taro", "pass-taro");
pub const HANAKO: (&str, &str) = ("hanako", "pass-hanako");

pub fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap()
}

pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date()
}

/// What the stand-in says to a text.
pub fn said(text: &str) -> String {
    format!("承りました。いただいた文面は次のとおりです。\n{text}")
}

/// A gate on a free port and the stand-in behind it.
pub struct Stand {
    pub gate: Option<Open>,
    pub standin: Standin,
    pub folder: TempDir,
    config: Value,
}

/// The config that leads all three services to the stand-in, with the changes of a test.
pub fn config(folder: &Path, standin: &Standin, changes: &Value) -> Value {
    let users = folder.join("users.toml");
    if !users.exists() {
        let user = |(name, password): (&str, &str)| account(name, &["内科".to_owned()], false, password).unwrap();
        let file = UserFile { user: vec![user(TARO), user(HANAKO)] };
        std::fs::write(&users, toml::to_string(&file).unwrap()).unwrap();
    }
    let root = folder.join("stand-in.pem");
    std::fs::write(&root, &standin.root_pem).unwrap();
    let mut config = json!({
        "gate": { "listen": { "http": ["127.0.0.1:0"] } },
        "contact": { "name": "医療情報室", "extension": "2345" },
        "upstream": {
            "only_extra_roots": true,
            "extra_roots": [root],
            "private_addresses": ["127.0.0.0/8"],
            "resolve": {
                OPENAI: standin.address.to_string(),
                ANTHROPIC: standin.address.to_string(),
                GEMINI: standin.address.to_string(),
                MISTRAL: standin.address.to_string(),
            },
        },
        "identify": { "source": [{ "type": "basic", "file": users }] },
    });
    merge(&mut config, changes);
    config
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn parsed(config: &Value) -> Config {
    Config::parse(Path::new("test.toml"), &toml::to_string(config).unwrap(), today()).unwrap_or_else(|e| panic!("{e}"))
}

/// A gate with the changes of a test to its config.
pub async fn stand(changes: Value) -> Stand {
    stand_in(tempfile::tempdir().unwrap(), changes).await
}

/// The same in a folder that is there already.
pub async fn stand_in(folder: TempDir, changes: Value) -> Stand {
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI, MISTRAL]).await.unwrap();
    let config = config(folder.path(), &standin, &changes);
    let mut stand = Stand { gate: None, standin, folder, config };
    stand.start().await;
    stand
}

/// The same by another clock, with a config that nothing checks any more after these changes.
pub async fn stand_with(changes: Value, clock: fn() -> u64, change: impl FnOnce(&mut Config)) -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI, MISTRAL]).await.unwrap();
    let config = config(folder.path(), &standin, &changes);
    let mut changed = parsed(&config);
    change(&mut changed);
    let data = folder.path().join("data");
    let at = Place { clock, ..place(&data) };
    let gate = open(changed, at).await.unwrap_or_else(|error| panic!("{error}"));
    Stand { gate: Some(gate), standin, folder, config }
}

/// The same over a store that the test makes of the ordinary one.
pub async fn stand_on(wrap: impl FnOnce(Sqlite, &Standin) -> Box<dyn Store>) -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI, MISTRAL]).await.unwrap();
    let config = config(folder.path(), &standin, &json!({}));
    let database = folder.path().join("data/tsuitate.db");
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let store = wrap(Sqlite::open(&database).unwrap(), &standin);
    let reader = Reader::open(&database).unwrap();
    let data = folder.path().join("data");
    let gate = open_with(parsed(&config), place(&data), store, Some(reader)).await.unwrap();
    Stand { gate: Some(gate), standin, folder, config }
}

/// The same with another clock.
pub async fn stand_by(clock: fn() -> u64) -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let standin = Standin::start(&[OPENAI, ANTHROPIC, GEMINI, MISTRAL]).await.unwrap();
    let config = config(folder.path(), &standin, &json!({}));
    let data = folder.path().join("data");
    let gate = open(parsed(&config), Place { clock, ..place(&data) }).await.unwrap_or_else(|error| panic!("{error}"));
    Stand { gate: Some(gate), standin, folder, config }
}

fn place(data: &Path) -> Place<'_> {
    Place { data, gate: "test".to_owned(), clock: now_ms }
}

impl Stand {
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn start(&mut self) {
        let data = self.data();
        self.gate = Some(open(parsed(&self.config), place(&data)).await.unwrap_or_else(|error| panic!("{error}")));
    }

    pub async fn stop(&mut self) {
        if let Some(gate) = self.gate.take() {
            assert!(gate.stop(Duration::from_secs(20)).await, "something was still open");
        }
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Restart with other changes to the config.
    pub async fn again(&mut self, changes: &Value) {
        self.stop().await;
        merge(&mut self.config, changes);
        self.start().await;
    }

    /// The config of the running gate with changes, as it would be read again.
    pub fn read_again(&self, changes: &Value) -> Config {
        let mut config = self.config.clone();
        merge(&mut config, changes);
        parsed(&config)
    }

    /// How many values the store keeps on a shelf.
    pub fn kept(&self, shelf: &str) -> u64 {
        let database = rusqlite::Connection::open(self.data().join("tsuitate.db")).unwrap();
        let count = database.query_row("SELECT count(*) FROM aside WHERE shelf = ?1", [shelf], |row| row.get(0));
        u64::try_from(count.unwrap_or(0_i64)).unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.gate.as_ref().unwrap().running.addr().unwrap()
    }

    pub fn root(&self) -> &str {
        &self.gate.as_ref().unwrap().root.pem
    }

    pub async fn line(&self, account: Option<(&str, &str)>, host: &str, http2: bool) -> Line {
        let socket = TcpStream::connect(self.address()).await.unwrap();
        Line::open(socket, self.root(), account, host, http2).await.unwrap()
    }

    pub async fn line_from(&self, from: &str, host: &str) -> Line {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let socket = socket.connect(self.address()).await.unwrap();
        Line::open(socket, self.root(), None, host, false).await.unwrap()
    }

    /// One request on a line of its own.
    pub async fn ask(&self, account: Option<(&str, &str)>, host: &str, path: &str, body: String) -> Reply {
        self.line(account, host, false).await.send(post(path, body)).await.unwrap()
    }

    /// A chat of these messages (role, text); the raw body that the service saw, and the reply.
    pub async fn chat(&self, account: Option<(&str, &str)>, messages: &[(&str, &str)]) -> (Option<Got>, Reply) {
        let before = self.standin.received().len();
        let reply = self.ask(account, OPENAI, "/v1/chat/completions", chat_body(messages)).await;
        (self.standin.received().get(before).cloned(), reply)
    }

    /// The record's events so far, oldest first.
    pub fn events(&self) -> Vec<Value> {
        events(&self.data())
    }

    /// The `opened` (or `passed`) and `closed` events of the newest record; waits until it is closed.
    pub async fn newest(&self) -> (Value, Value) {
        for _ in 0..1000 {
            let events = self.events();
            if let Some(opened) = events.iter().rev().find(|event| event["event"] == "opened")
                && let Some(closed) =
                    events.iter().find(|event| event["event"] == "closed" && event["record"] == opened["record"])
            {
                return (opened.clone(), closed.clone());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the newest record stays open: {:?}", self.events());
    }
}

pub fn events(data: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    Reader::open(&data.join("tsuitate.db"))
        .unwrap()
        .events::<tsuitate::record::StoreError>(|_, _, body| {
            all.push(serde_json::from_str(&body.unwrap()).unwrap());
            Ok(())
        })
        .unwrap();
    all
}

pub fn post(path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(path)
        .header("content-type", "application/json")
        .header("authorization", "Bearer demo")
        .body(body.into())
        .unwrap()
}

pub fn chat_body(messages: &[(&str, &str)]) -> String {
    let messages: Vec<Value> = messages.iter().map(|(role, text)| json!({"role": role, "content": text})).collect();
    format!("{{\"model\":\"demo\",\"messages\":{}}}", Value::Array(messages))
}

/// All of the data of an SSE answer.
pub fn sse(body: &str) -> Vec<Value> {
    body.lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|data| serde_json::from_str(data.trim()).ok())
        .collect()
}

/// The words of a text between its tokens.
pub fn between_tokens(text: &str) -> Vec<String> {
    let token = regex::Regex::new(r"\[[^\[\]:：]{1,12}:[0-9A-Z]{8,11}[^\[\]]*\]").unwrap();
    token.split(text).map(str::to_owned).collect()
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<String> {
    let token = regex::Regex::new(r"\[[^\[\]:：]{1,12}:[0-9A-Z]{8,11}[^\[\]]*\]").unwrap();
    token.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn nothing_of(secrets: &[&str], text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
