//! The gate against a direct TLS connection to the same stand-in service, in one run: added time, ratio of requests a
//! second, delay of streamed events, and one fsync of the device beside it (each request waits for one, shared by a group).
//! `cargo bench --bench load`, or only some of it: `-- "2 KB" "8 KB"`, `-- stream`. Figures are ratios of this machine and this run, not promises.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use serde_json::json;
use tokio::net::TcpStream;
use tsuitate::cli::client::{Line, direct_tls};
use tsuitate::cli::standin::Standin;
use tsuitate::config::Config;
use tsuitate::house::open::{Open, Place, open};
use tsuitate::score;

const HOST: &str = "api.openai.com";

const CLASSES: [&str; 6] =
    ["chart_text", "hr_record", "partner_secret", "contract", "audit_document", "internal_document"];

fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap()
}

async fn gate(folder: &Path, standin: &Standin) -> Open {
    let root = folder.join("root.pem");
    std::fs::write(&root, &standin.root_pem).unwrap();
    let text = toml::to_string(&json!({
        "gate": { "listen": { "http": ["127.0.0.1:0"] } },
        "upstream": {
            "only_extra_roots": true, "extra_roots": [root], "private_addresses": ["127.0.0.0/8"],
            "resolve": { HOST: standin.address.to_string() },
        },
        // A house that lets its charts go out masked; as shipped they are stopped.
        "policy": { "rule": [{ "id": "bench.charts", "classes": CLASSES, "action": "allow" }] },
    }))
    .unwrap();
    let config = Config::parse(Path::new("bench.toml"), &text, jiff::civil::date(2026, 11, 24))
        .unwrap_or_else(|error| panic!("{error}"));
    open(config, Place { data: folder, gate: "bench".to_owned(), clock: now_ms })
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Clinical genres of the development corpus: charts, letters, reports, notes.
const GENRES: [&str; 9] =
    ["chart", "discharge", "homecare", "lab_report", "letter", "nursing", "operation", "radiology", "referral"];

/// One text after the other in a fixed, mixed order, each with its number of gold findings.
static TEXTS: LazyLock<Vec<(String, usize)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut texts = Vec::new();
    for genre in GENRES {
        let lines = std::fs::read_to_string(folder.join(genre).with_extension("jsonl")).expect("a corpus file");
        texts.extend(score::read_gold(&lines).expect("gold documents").into_iter().filter_map(|gold| {
            // What nobody may send stays out: the gate would stop it, rightly.
            let stopped = gold.spans.iter().any(|span| matches!(span.kind.as_str(), "credential" | "national_id"));
            (!stopped).then_some((gold.text, gold.spans.len()))
        }));
    }
    // Fisher and Yates by a linear congruence with a fixed seed.
    let mut state = 20_261_125_u64;
    for at in (1..texts.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        texts.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
    texts
});

/// A prompt of about this many bytes with texts of the corpus, over again where they do not suffice, and how many findings
/// are in it.
fn prompt(bytes: usize) -> (String, usize) {
    let mut text = String::from("次の記録を、ご家族あての説明文にまとめてください。");
    let mut findings = 0;
    for (next, count) in TEXTS.iter().cycle() {
        text.push_str("\n\n");
        text.push_str(next);
        findings += count;
        if text.len() >= bytes {
            break;
        }
    }
    (text, findings)
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A chat with this prompt; no two are alike, so that nothing is known from before.
fn body(prompt: &str, stream: bool) -> Bytes {
    let text = format!("依頼{}\n{prompt}", NUMBER.fetch_add(1, Ordering::Relaxed));
    Bytes::from(json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}).to_string())
}

fn request(body: Bytes) -> Request<Bytes> {
    Request::post("/v1/chat/completions")
        .header("content-type", "application/json")
        .header("authorization", "Bearer x")
        .body(body)
        .unwrap()
}

struct Way<'a> {
    gate: Option<SocketAddr>,
    standin: SocketAddr,
    root: &'a str,
}

impl Way<'_> {
    async fn line(&self, http2: bool) -> Line {
        match self.gate {
            Some(gate) => {
                let socket = TcpStream::connect(gate).await.unwrap();
                Line::open(socket, self.root, None, HOST, http2).await.unwrap()
            }
            None => {
                let socket = TcpStream::connect(self.standin).await.unwrap();
                direct_tls(socket, self.root, HOST, http2).await.unwrap()
            }
        }
    }

    /// Times of all requests, and requests a second.
    async fn load(&self, lines: usize, each: usize, prompt: &str, http2: bool) -> (Vec<Duration>, f64) {
        let mut open = Vec::new();
        for _ in 0..lines {
            open.push(self.line(http2).await);
        }
        let began = Instant::now();
        let runs = open.into_iter().map(|mut line| async move {
            let mut times = Vec::with_capacity(each);
            for _ in 0..each {
                let request = request(body(prompt, false));
                let at = Instant::now();
                let reply = line.send(request).await.unwrap();
                assert_eq!(reply.status, 200, "{}", reply.body);
                times.push(at.elapsed());
            }
            times
        });
        let times: Vec<Duration> = futures_util::future::join_all(runs).await.into_iter().flatten().collect();
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        (times, rate)
    }
}

fn at(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let index = ((times.len() - 1) as f64 * share).round() as usize;
    times[index].as_secs_f64() * 1e3
}

fn fsync(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("fsync")).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_all().unwrap();
            began.elapsed()
        })
        .collect();
    at(&mut times, 0.5)
}

fn main() {
    // `cargo test --benches` only wants to see it start.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let standin = Standin::start(&[HOST]).await.unwrap();
    standin.forget();
    let gate = gate(folder.path(), &standin).await;
    let through = Way { gate: gate.running.addr(), standin: standin.address, root: &gate.root.pem };
    let direct = Way { gate: None, standin: standin.address, root: &standin.root_pem };
    let mut sizes = Vec::new();
    println!("one fsync of 4 KiB: {:.2} ms (median of 200)", fsync(folder.path()));
    println!(
        "| body | lines | http | direct p50 ms | gate p50 ms | added p50 ms | gate p99 ms | direct req/s | gate req/s | ratio |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for bytes in [2_000, 8_000, 200_000] {
        if !wanted(&format!("{} KB", bytes / 1000)) {
            continue;
        }
        let (prompt, findings) = prompt(bytes);
        sizes.push(format!("{} bytes with {findings} findings", prompt.len()));
        for lines in [1, 16, 128] {
            for http2 in [false, true] {
                let each = match (bytes, lines) {
                    (200_000, 128) => 1,
                    (200_000, _) => 6,
                    (_, 1) => 100,
                    (_, 16) => 20,
                    _ => 4,
                };
                direct.load(lines.min(4), 2, &prompt, http2).await;
                through.load(lines.min(4), 2, &prompt, http2).await;
                let (mut plain, plain_rate) = direct.load(lines, each, &prompt, http2).await;
                let (mut gated, gated_rate) = through.load(lines, each, &prompt, http2).await;
                let (d50, g50, g99) = (at(&mut plain, 0.5), at(&mut gated, 0.5), at(&mut gated, 0.99));
                println!(
                    "| {} KB | {lines} | {} | {d50:.2} | {g50:.2} | {:.2} | {g99:.2} | {plain_rate:.0} | {gated_rate:.0} | {:.3} |",
                    bytes / 1000,
                    if http2 { "h2" } else { "h1" },
                    g50 - d50,
                    gated_rate / plain_rate
                );
            }
        }
    }
    println!("\nprompts: {}", sizes.join(", "));
    if wanted("stream") {
        streams(&direct, &through).await;
    }
    gate.stop(Duration::from_secs(10)).await;
}

/// Is this part asked for? All are, where none is named.
fn wanted(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
    named.peek().is_none() || named.any(|name| name == part)
}

async fn streams(direct: &Way<'_>, through: &Way<'_>) {
    println!("\na stream of some 200 events");
    println!("| http | way | events | first byte ms | between events p50 ms | p99 ms |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let (prompt, _) = prompt(1_500);
    for http2 in [false, true] {
        for (name, way) in [("direct", direct), ("gate", through)] {
            let (mut first, mut gaps, mut events) = (Vec::new(), Vec::new(), 0);
            for _ in 0..5 {
                let mut line = way.line(http2).await;
                let request = request(body(&prompt, true));
                let began = Instant::now();
                let arrivals = line.arrivals(request).await.unwrap();
                first.push(arrivals[0].duration_since(began));
                gaps.extend(arrivals.windows(2).map(|pair| pair[1].duration_since(pair[0])));
                events = arrivals.len();
            }
            let http = if http2 { "h2" } else { "h1" };
            let (first, p50, p99) = (at(&mut first, 0.5), at(&mut gaps, 0.5), at(&mut gaps, 0.99));
            println!("| {http} | {name} | {events} | {first:.2} | {p50:.2} | {p99:.2} |");
        }
    }
}
