//! A gate on a free port, a stand-in service with its own roots, and clients that speak what is asked of them.
//! The gate's house here forwards what it receives unchanged: these tests are about the wire, not about texts.

pub mod client;
pub mod service;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use tempfile::TempDir;
use tsuitate::accept::{self, AnswerBody, ConnectRequest, House, Note, Received, Trouble, Tunnel};
use tsuitate::ca;
use tsuitate::decide::{Decision, Verdict};
use tsuitate::detect::{Findings, Fuel};
use tsuitate::forward::{self, Target, Upstream};
use tsuitate::locate::Head;
use tsuitate::locate::provider::Providers;
use tsuitate::mask::{self, Cleared};
use tsuitate::unpack;
use tsuitate::wire::body::{BodyBudget, read_capped, streamed, whole};
use tsuitate::wire::dial::Dialer;
use tsuitate::wire::limits::Limits;
use tsuitate::wire::task::Tasks;

/// Hosts that the test house takes for AI services.
pub const AI: &str = "ai.example";
pub const OTHER: &str = "bank.example";

/// How a test gate differs from the ordinary one.
pub struct Options {
    pub limits: Limits,
    /// Extra `resolve` entries besides those for `ai.example` and `bank.example`.
    pub resolve: Vec<(String, String)>,
    pub connect_ports: Vec<u16>,
    pub private: Vec<&'static str>,
    /// Everything goes through this proxy instead of straight to the service.
    pub parent: Option<String>,
    /// Also opens a TLS door.
    pub tls: bool,
    /// Asks for `Basic dTpw` at CONNECT.
    pub password: bool,
    /// Answers instead of forwarding.
    pub answer: Option<Arc<dyn Fn(&Received) -> Option<Response<AnswerBody>> + Send + Sync>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            resolve: Vec::new(),
            connect_ports: vec![443, 80],
            private: Vec::new(),
            parent: None,
            tls: false,
            password: false,
            answer: None,
        }
    }
}

pub struct Gate {
    pub at: SocketAddr,
    pub tls_at: Option<SocketAddr>,
    pub root: rustls_pki_types::CertificateDer<'static>,
    pub notes: Arc<Mutex<Vec<Note>>>,
    pub troubles: Arc<Mutex<Vec<Trouble>>>,
    /// Requests that reached the house, as `METHOD host path user`.
    pub received: Arc<Mutex<Vec<String>>>,
    pub tasks: Tasks,
    pub running: Option<accept::Running>,
    pub dir: TempDir,
}

impl Gate {
    pub async fn stop(mut self, deadline: Duration) -> bool {
        match self.running.take() {
            Some(running) => running.stop(deadline).await,
            None => true,
        }
    }

    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap().clone()
    }

    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until a note fits; the last resort of a test is its timeout.
    pub async fn noted(&self, fits: impl Fn(&Note) -> bool) -> Note {
        for _ in 0..500 {
            if let Some(note) = self.notes().into_iter().find(|n| fits(n)) {
                return note;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no such note among {:?}", self.notes());
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.tasks.end_now();
    }
}

/// A gate before the given service.
pub async fn gate(service: &service::Service, options: Options) -> Gate {
    let dir = tempfile::tempdir().unwrap();
    let scope = ca::Scope::new(["ai.example", "*.ai.example"], ["localhost"]);
    let authority = ca::Authority::load_or_create(&dir.path().join("ca"), &ca::Settings::default(), &scope).unwrap();
    let root = rustls_pki_types::CertificateDer::from(authority.export().der);
    let roots = dir.path().join("upstream.pem");
    std::fs::write(&roots, service.root_pem.as_bytes()).unwrap();
    let mut resolve: std::collections::BTreeMap<String, String> = options.resolve.iter().cloned().collect();
    for host in [AI, OTHER, "sub.ai.example"] {
        if options.parent.is_some() {
            break;
        }
        resolve.entry(host.to_owned()).or_insert_with(|| service.tls_at.to_string());
        resolve.entry(format!("{host}:80")).or_insert_with(|| service.plain_at.to_string());
    }
    let upstream = forward::Settings {
        extra_roots: vec![roots],
        only_extra_roots: true,
        resolve,
        parent_proxy: options.parent.clone(),
        private_addresses: options.private.iter().map(|n| n.parse().unwrap()).collect(),
        ..forward::Settings::default()
    };
    let dialer = Dialer::new(&upstream, &options.limits).unwrap();
    let way_out = Upstream::new(&upstream, &options.limits, dialer.clone()).unwrap();
    let budget = BodyBudget::new(&options.limits);
    let free = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    let settings = accept::Settings {
        listen: accept::Listen { http: free.clone(), tls: if options.tls { free } else { Vec::new() } },
        connect_ports: options.connect_ports.clone(),
        limits: options.limits.clone(),
        ..accept::Settings::default()
    };
    let (notes, troubles, received): (Arc<Mutex<Vec<Note>>>, Arc<Mutex<Vec<Trouble>>>, Arc<Mutex<Vec<String>>>) =
        Default::default();
    let (note_to, trouble_to, received_to) = (Arc::clone(&notes), Arc::clone(&troubles), Arc::clone(&received));
    let (password, answer, body_limit) = (options.password, options.answer.clone(), options.limits.body);
    let house = House {
        tunnel: Box::new(move |ask: ConnectRequest| {
            let known = ask.proxy_authorization.as_ref().is_some_and(|s| s.0 == "Basic dTpw");
            let tunnel = match ask.target.host.as_str() {
                _ if password && !known => Tunnel::Challenge,
                "denied.example" => Tunnel::Deny {
                    status: StatusCode::FORBIDDEN,
                    reason: "this network reaches AI services only".to_owned(),
                },
                host if is_ai(host) => Tunnel::Open,
                _ => Tunnel::Through,
            };
            Box::pin(async move { tunnel })
        }),
        opens: Box::new(|host, _| is_ai(host)),
        request: Box::new(move |request: Received| {
            let user = request.proxy_authorization.as_ref().map_or("-", |s| s.0.as_str()).to_owned();
            let line = format!("{} {} {} {user}", request.parts.method, request.target, request.parts.uri);
            received_to.lock().unwrap().push(line);
            let answer = answer.as_ref().and_then(|a| a(&request));
            let (way_out, budget) = (way_out.clone(), budget.clone());
            Box::pin(async move {
                match answer {
                    Some(answer) => answer,
                    None => pass_on(&way_out, &budget, body_limit, request).await,
                }
            })
        }),
        turn_away: Box::new(move |_, trouble| {
            trouble_to.lock().unwrap().push(trouble.clone());
            Box::pin(async move {
                let mut response = Response::new(whole(format!("{{\"error\":\"{}: {trouble}\"}}", trouble.name())));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            })
        }),
        own: Box::new(|parts, _| Box::pin(async move { Response::new(whole(format!("own {}", parts.uri.path()))) })),
        note: Box::new(move |note| note_to.lock().unwrap().push(note)),
    };
    let tasks = Tasks::new();
    let doors = accept::bind(&settings).await.unwrap();
    let running = accept::serve(doors, settings, Arc::new(authority), dialer, Arc::new(house), tasks.clone()).unwrap();
    Gate {
        at: running.addr().unwrap(),
        tls_at: running.addrs().get(1).copied(),
        root,
        notes,
        troubles,
        received,
        tasks,
        running: Some(running),
        dir,
    }
}

fn is_ai(host: &str) -> bool {
    host == AI || host.ends_with(".ai.example") || host == "127.0.0.9"
}

async fn pass_on(
    upstream: &Upstream,
    budget: &BodyBudget,
    limit: tsuitate::wire::units::Size,
    request: Received,
) -> Response<AnswerBody> {
    let held = match read_capped(request.body, limit, budget).await {
        Ok(held) => held,
        Err(error) => return refusal(error.status(), &error.to_string()),
    };
    let parts = request.parts;
    let head = Head {
        method: parts.method.as_str().to_owned(),
        path_and_query: parts.uri.path_and_query().map_or("/".to_owned(), |p| p.as_str().to_owned()),
        headers: parts.headers.iter().map(|(n, v)| (n.as_str().to_owned(), v.as_bytes().to_vec())).collect(),
    };
    let cleared = cleared(head, held.bytes());
    let mut target = Target::new(request.scheme, request.target);
    target.hints = parts.extensions;
    match forward::send(upstream, target, cleared).await {
        Ok(answer) => Response::from_parts(answer.parts, streamed(answer.body)),
        Err(error) => refusal(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

pub fn refusal(status: StatusCode, text: &str) -> Response<AnswerBody> {
    let mut response = Response::new(whole(Bytes::from(format!("{{\"error\":\"{text}\"}}"))));
    *response.status_mut() = status;
    response
}

/// The whole way from bytes to `Cleared` without any finding: what goes out is what came in.
fn cleared(head: Head, body: &[u8]) -> Cleared {
    static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| Providers::shipped().unwrap());
    let mut head = head;
    if !body.is_empty() && head.header("content-type").is_none() {
        head.headers.push(("content-type".to_owned(), b"text/plain".to_vec()));
    }
    let endpoint = PROVIDERS.get("openai").unwrap().endpoint(&head.method, "/elsewhere", false);
    let located = unpack::open(&head, body, &endpoint, PROVIDERS.headers(), &unpack::Limits::default()).unwrap();
    let decision = Decision {
        verdict: Verdict::Allowed,
        actions: Vec::new(),
        reasons: Vec::new(),
        counts: Default::default(),
        classes: Default::default(),
        reversible: Default::default(),
        irreversible: Default::default(),
        kept: Default::default(),
        rules: Default::default(),
        policy_rules: Default::default(),
        use_id: None,
        stage: None,
    };
    let input = mask::Input {
        located: &located,
        findings: &Findings::default(),
        decision: &decision,
        key: &mask::TokenKey::new([7; 32]),
        length: mask::Length::Seven,
        service: "openai",
        version: "1",
        known: &mask::Known::default(),
        search: &|_, _| Ok(Findings::default()),
        fuel: &mut Fuel::for_bytes(body.len() + (1 << 20), 1000),
        settings: &mask::Settings::default(),
    };
    mask::apply(input).unwrap().cleared
}

/// A tool is absent: say so past the test harness, or fail where nothing may be skipped (`TSUITATE_TESTS`).
pub fn skip(tool: &str) {
    assert!(std::env::var_os("TSUITATE_TESTS").is_none(), "no {tool} here, and nothing may be skipped");
    let _said = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: no {tool} here\n").as_bytes());
}
