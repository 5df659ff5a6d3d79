//! Logs and metrics: counts, times, fixed words. The log's fields are an allow-list by habit of the rooms: host, service,
//! record id, durations; never query, header, body.
//! Must not know: text of a request.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

/// `[telemetry]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `error`, `warn`, `info`, `debug`; or directives of tracing-subscriber.
    pub log: String,
    /// `text` or `json`.
    pub format: LogFormat,
    /// Where Prometheus reads `/metrics`; nowhere when absent.
    pub metrics: Option<SocketAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: LogFormat::Text, metrics: None }
    }
}

impl Settings {
    /// `log` is levels and directives that mean something. A bare word that is no level would be taken for the name of a
    /// part, and the log would stay empty.
    ///
    /// # Errors
    /// Which piece is none.
    pub fn directives(&self) -> Result<(), String> {
        let level = |word: &str| {
            ["off", "error", "warn", "info", "debug", "trace"]
                .iter()
                .any(|level| word.trim().eq_ignore_ascii_case(level))
        };
        for piece in self.log.split(',') {
            let known = match piece.rsplit_once('=') {
                Some((part, word)) => !part.trim().is_empty() && level(word),
                None => level(piece),
            };
            if !known {
                return Err(format!("`{piece}` is no level"));
            }
        }
        tracing_subscriber::EnvFilter::try_new(&self.log).map(drop).map_err(|error| error.to_string())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Start logging to standard error. A second call in one process changes nothing.
///
/// # Errors
/// When `log` is no directive.
pub fn start_log(settings: &Settings) -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log).map_err(|error| error.to_string())?;
    // A log in a folder that is watched: each line would be an event, and each event a line.
    let filter = filter.add_directive(
        "notify=warn".parse().map_err(|error: tracing_subscriber::filter::ParseError| error.to_string())?,
    );
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    // Already started by an earlier call: that log goes on.
    let _started = match settings.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    Ok(())
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByVerdict {
    verdict: String,
    service: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByKind {
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByStep {
    step: String,
}

/// What Prometheus reads.
pub struct Metrics {
    registry: Registry,
    requests: Family<ByVerdict, Counter>,
    findings: Family<ByKind, Counter>,
    steps: Family<ByStep, Histogram>,
    unwritten: Counter,
    in_flight: Gauge,
}

/// A request that is under way, until it is dropped.
#[derive(Debug)]
pub struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tsuitate");
        let requests = Family::default();
        let findings = Family::default();
        let steps = Family::<ByStep, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_05, 2.0, 18))
        });
        let unwritten = Counter::default();
        let in_flight = Gauge::default();
        registry.register("requests", "Requests by verdict and service", requests.clone());
        registry.register("findings", "Findings by kind", findings.clone());
        registry.register("step_seconds", "Time of each step of the way", steps.clone());
        registry.register(
            "record_failures",
            "Requests refused because the record could not be written",
            unwritten.clone(),
        );
        registry.register("in_flight", "Requests under way", in_flight.clone());
        Self { registry, requests, findings, steps, unwritten, in_flight }
    }
}

impl Metrics {
    pub fn request(&self, verdict: &str, service: &str) {
        self.requests.get_or_create(&ByVerdict { verdict: verdict.to_owned(), service: service.to_owned() }).inc();
    }

    pub fn finding(&self, kind: &str, count: u64) {
        self.findings.get_or_create(&ByKind { kind: kind.to_owned() }).inc_by(count);
    }

    pub fn step(&self, step: &str, seconds: f64) {
        self.steps.get_or_create(&ByStep { step: step.to_owned() }).observe(seconds);
    }

    /// Counts a request between its first byte and the last of its answer, however it ends.
    #[must_use]
    pub fn under_way(&self) -> UnderWay {
        self.in_flight.inc();
        UnderWay(self.in_flight.clone())
    }

    pub fn unwritten(&self) {
        self.unwritten.inc();
    }

    /// The page that Prometheus reads.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing into a `String` does not fail.
        let _infallible = encode(&mut page, &self.registry);
        page
    }
}

/// Serve `/metrics` on its own address until the tasks are told to stop.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    tasks: crate::wire::task::Tasks,
) -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let inner = tasks.clone();
    tasks.spawn("metrics", async move {
        loop {
            let socket = tokio::select! {
                () = inner.draining() => return,
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => socket,
                    Err(_) => {
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let metrics = metrics.clone();
            inner.spawn("metrics connection", async move {
                let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let found = request.uri().path() == "/metrics";
                    let page = if found { metrics.page() } else { String::new() };
                    async move {
                        let mut response = http::Response::new(http_body_util::Full::new(bytes::Bytes::from(page)));
                        if !found {
                            *response.status_mut() = http::StatusCode::NOT_FOUND;
                        }
                        response.headers_mut().insert(
                            http::header::CONTENT_TYPE,
                            http::HeaderValue::from_static(
                                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                            ),
                        );
                        Ok::<_, std::convert::Infallible>(response)
                    }
                });
                // A reader that goes away is no fault.
                let _ended = hyper::server::conn::http1::Builder::new()
                    .timer(hyper_util::rt::TokioTimer::new())
                    .keep_alive(false)
                    .serve_connection(hyper_util::rt::TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    Ok(address)
}
