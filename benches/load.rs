//! The gate against a direct TLS connection to the same stand-in service, in one run: added time, ratio of requests a
//! second, delay of streamed events, and one fsync of the device beside it (each request waits for one, shared by a group).
//! `cargo bench --bench load`; figures are ratios of this machine and this run, not promises.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use serde_json::json;
use tokio::net::TcpStream;
use tsuitate::cli::client::{Line, direct_tls};
use tsuitate::cli::standin::Standin;
use tsuitate::config::Config;
use tsuitate::house::open::{Open, Place, open};

const HOST: &str = "api.openai.com";

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
    }))
    .unwrap();
    let config = Config::parse(Path::new("bench.toml"), &text, jiff::civil::date(2026, 11, 24))
        .unwrap_or_else(|error| panic!("{error}"));
    open(config, Place { data: folder, gate: "bench".to_owned(), clock: now_ms })
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A chat body of about this many bytes: an office mail; the name and number stand in its first kilobyte only.
fn body(bytes: usize, stream: bool) -> Bytes {
    let piece = "本日の会議の資料を確認しました。修正点は次のとおりです。表の単位をそろえ、図の説明を短くし、参考文献を末尾にまとめてください。";
    let mut text = String::from("担当の佐久間 春香様（電話 090-1234-5678）への返信を書いてください。");
    while text.len() < bytes {
        text.push_str(piece);
    }
    Bytes::from(json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}).to_string())
}

fn request(body: &Bytes) -> Request<Bytes> {
    Request::post("/v1/chat/completions")
        .header("content-type", "application/json")
        .header("authorization", "Bearer x")
        .body(body.clone())
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
    async fn load(&self, lines: usize, each: usize, bytes: usize, http2: bool) -> (Vec<Duration>, f64) {
        let body = body(bytes, false);
        let mut open = Vec::new();
        for _ in 0..lines {
            open.push(self.line(http2).await);
        }
        let began = Instant::now();
        let runs = open.into_iter().map(|mut line| {
            let body = body.clone();
            async move {
                let mut times = Vec::with_capacity(each);
                for _ in 0..each {
                    let at = Instant::now();
                    let reply = line.send(request(&body)).await.unwrap();
                    assert_eq!(reply.status, 200, "{}", reply.body);
                    times.push(at.elapsed());
                }
                times
            }
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
    println!("one fsync of 4 KiB: {:.2} ms (median of 200)", fsync(folder.path()));
    println!(
        "| body | lines | http | direct p50 ms | gate p50 ms | added p50 ms | gate p99 ms | direct req/s | gate req/s | ratio |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for bytes in [2_000, 8_000, 200_000] {
        for lines in [1, 16, 128] {
            for http2 in [false, true] {
                let each = match (bytes, lines) {
                    (200_000, 128) => 1,
                    (200_000, _) => 6,
                    (_, 1) => 100,
                    (_, 16) => 20,
                    _ => 4,
                };
                direct.load(lines.min(4), 2, bytes, http2).await;
                through.load(lines.min(4), 2, bytes, http2).await;
                let (mut plain, plain_rate) = direct.load(lines, each, bytes, http2).await;
                let (mut gated, gated_rate) = through.load(lines, each, bytes, http2).await;
                let (d50, g50, g99) = (at(&mut plain, 0.5), at(&mut gated, 0.5), at(&mut gated, 0.99));
                println!(
                    "| {} KB | {lines} | {} | {d50:.2} | {g50:.2} | {:.2} | {g99:.2} | {plain_rate:.0} | {gated_rate:.0} | {:.2} |",
                    bytes / 1000,
                    if http2 { "h2" } else { "h1" },
                    g50 - d50,
                    gated_rate / plain_rate
                );
            }
        }
    }
    println!("\nstream of about 200 events: first byte ms, then median delay between frames ms");
    for (name, way) in [("direct", &direct), ("gate", &through)] {
        let mut first = Vec::new();
        let mut gaps = Vec::new();
        for _ in 0..5 {
            let mut line = way.line(false).await;
            let began = Instant::now();
            let arrivals = line.arrivals(request(&body(1_500, true))).await.unwrap();
            first.push(arrivals[0].duration_since(began));
            gaps.extend(arrivals.windows(2).map(|pair| pair[1].duration_since(pair[0])));
        }
        println!("{name}: {:.2}, {:.2} (p99 {:.2})", at(&mut first, 0.5), at(&mut gaps, 0.5), at(&mut gaps, 0.99));
    }
    gate.stop(Duration::from_secs(10)).await;
}
