//! The one way out: from a host and port to a connected socket, by the `resolve` table, the house's name service or the
//! parent proxy. Private, loopback and link-local targets and the gate itself are refused, judged on the *resolved*
//! address. Must not know: what is sent.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tower_service::Service;

use super::host::HostPort;
use super::limits::Limits;
use super::units::Time;

/// `[upstream]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// PEM files of certificate authorities that are trusted besides the system's (an inspection proxy before us).
    pub extra_roots: Vec<PathBuf>,
    /// Trust `extra_roots` alone, not the system's store.
    pub only_extra_roots: bool,
    /// Host (or `host:port`) → address (or `address:port`), before any name service.
    pub resolve: BTreeMap<String, String>,
    /// `http://proxy.example:3128`; everything but `resolve`d hosts and `private_addresses` goes through it.
    pub parent_proxy: Option<String>,
    /// A file with the value of `Proxy-Authorization` for the parent proxy, for example `Basic dXNlcjpwYXNz`.
    pub parent_proxy_authorization_file: Option<PathBuf>,
    /// Networks that may be reached though they are private.
    pub private_addresses: Vec<IpNet>,
}

/// Why no socket was opened. Names hosts, never paths or texts.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    #[error("{0} leads to a private, loopback or link-local address; `upstream.private_addresses` can allow it")]
    Private(HostPort),
    #[error("{0} leads back to this gate")]
    Loop(HostPort),
    #[error("the name of {0} could not be resolved")]
    Name(HostPort),
    #[error("{to} could not be reached: {kind}")]
    Connect { to: HostPort, kind: std::io::ErrorKind },
    #[error("{to} was not connected within `upstream_connect` = {limit}")]
    Timeout { to: HostPort, limit: Time },
    #[error("the parent proxy did not open a way to {to}: {reason}")]
    Parent { to: HostPort, reason: &'static str },
    #[error("`upstream.{key}`: `{value}` {why}")]
    Setting { key: &'static str, value: String, why: &'static str },
}

/// The parent proxy of the hospital.
#[derive(Clone)]
pub struct Parent {
    pub at: HostPort,
    pub authorization: Option<HeaderValue>,
}

struct Plan {
    resolve: BTreeMap<String, Resolved>,
    parent: Option<Parent>,
    private: Vec<IpNet>,
    connect: Time,
    own: RwLock<Vec<SocketAddr>>,
}

#[derive(Clone, Copy)]
struct Resolved {
    ip: IpAddr,
    port: Option<u16>,
}

/// Opens sockets. Clones share one plan.
#[derive(Clone)]
pub struct Dialer {
    plan: Arc<Plan>,
}

impl Dialer {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`DialError::Setting`] names the key, the value and what is wrong with it.
    pub fn new(settings: &Settings, limits: &Limits) -> Result<Self, DialError> {
        let mut resolve = BTreeMap::new();
        for (from, to) in &settings.resolve {
            let wrong = |value: &str, why| DialError::Setting { key: "resolve", value: value.to_owned(), why };
            let from = HostPort::parse(from, Some(1)).map(|h| if from_has_port(from) { h.to_string() } else { h.host });
            let from = from.ok_or_else(|| wrong(to, "stands beside a name that is no host"))?;
            let to = match (to.parse::<IpAddr>(), to.parse::<SocketAddr>()) {
                (Ok(ip), _) => Resolved { ip, port: None },
                (_, Ok(at)) => Resolved { ip: at.ip(), port: Some(at.port()) },
                _ => return Err(wrong(to, "is no address; write \"10.0.0.5\" or \"10.0.0.5:443\"")),
            };
            resolve.insert(from, to);
        }
        let parent = match &settings.parent_proxy {
            None => None,
            Some(url) => {
                let wrong = |why| DialError::Setting { key: "parent_proxy", value: url.clone(), why };
                let rest = url.strip_prefix("http://").ok_or_else(|| wrong("must begin with http://"))?;
                let at = HostPort::parse(rest.trim_end_matches('/'), Some(3128));
                let authorization = match &settings.parent_proxy_authorization_file {
                    None => None,
                    Some(path) => {
                        let wrong = |why| DialError::Setting {
                            key: "parent_proxy_authorization_file",
                            value: path.display().to_string(),
                            why,
                        };
                        let text = std::fs::read_to_string(path).map_err(|_| wrong("cannot be read"))?;
                        let mut value =
                            HeaderValue::from_str(text.trim()).map_err(|_| wrong("holds no header value"))?;
                        value.set_sensitive(true);
                        Some(value)
                    }
                };
                Some(Parent { at: at.ok_or_else(|| wrong("is no host and port"))?, authorization })
            }
        };
        Ok(Self {
            plan: Arc::new(Plan {
                resolve,
                parent,
                private: settings.private_addresses.clone(),
                connect: limits.upstream_connect,
                own: RwLock::default(),
            }),
        })
    }

    /// The gate's own listening addresses: never dialled.
    pub fn set_own(&self, own: Vec<SocketAddr>) {
        if let Ok(mut slot) = self.plan.own.write() {
            *slot = own;
        }
    }

    /// The parent proxy for this target, if it goes through one.
    pub fn parent_for(&self, to: &HostPort) -> Option<&Parent> {
        let direct = self.resolved(to).is_some() || to.ip().is_some_and(|ip| self.named_private(ip));
        if direct { None } else { self.plan.parent.as_ref() }
    }

    /// A connected socket without delay of small writes (TCP_NODELAY).
    ///
    /// # Errors
    /// Refused target, name, connection, time.
    pub async fn dial(&self, to: &HostPort) -> Result<TcpStream, DialError> {
        let way = async {
            match self.parent_for(to) {
                Some(parent) => self.through(parent, to).await,
                None => self.direct(to).await,
            }
        };
        let limit = self.plan.connect;
        match tokio::time::timeout(limit.0, way).await {
            Ok(done) => done,
            Err(_) => Err(DialError::Timeout { to: to.clone(), limit }),
        }
    }

    /// A socket to the parent proxy itself, for plain requests in absolute form.
    ///
    /// # Errors
    /// As [`Self::dial`].
    pub async fn dial_parent(&self, parent: &Parent) -> Result<TcpStream, DialError> {
        let limit = self.plan.connect;
        match tokio::time::timeout(limit.0, connect_first(&parent.at, lookup(&parent.at).await?)).await {
            Ok(done) => done,
            Err(_) => Err(DialError::Timeout { to: parent.at.clone(), limit }),
        }
    }

    fn resolved(&self, to: &HostPort) -> Option<Resolved> {
        if self.plan.resolve.is_empty() {
            return None;
        }
        self.plan.resolve.get(&to.to_string()).or_else(|| self.plan.resolve.get(&to.host)).copied()
    }

    fn named_private(&self, ip: IpAddr) -> bool {
        let ip = plain(ip);
        self.plan.private.iter().any(|net| net.contains(&ip))
    }

    async fn direct(&self, to: &HostPort) -> Result<TcpStream, DialError> {
        let addresses = match self.resolved(to) {
            // The administrator wrote this address by hand: it may be private, but never the gate.
            Some(to_address) => vec![SocketAddr::new(to_address.ip, to_address.port.unwrap_or(to.port))],
            None => {
                let all = lookup(to).await?;
                let allowed: Vec<SocketAddr> =
                    all.into_iter().filter(|a| !is_private(a.ip()) || self.named_private(a.ip())).collect();
                if allowed.is_empty() {
                    return Err(DialError::Private(to.clone()));
                }
                allowed
            }
        };
        if addresses.iter().any(|a| self.is_own(*a)) {
            return Err(DialError::Loop(to.clone()));
        }
        connect_first(to, addresses).await
    }

    async fn through(&self, parent: &Parent, to: &HostPort) -> Result<TcpStream, DialError> {
        // The parent resolves names; an address is judged here.
        if to.ip().is_some_and(is_private) || to.host == "localhost" || to.host.ends_with(".localhost") {
            return Err(DialError::Private(to.clone()));
        }
        let uri: Uri = format!("http://{to}").parse().map_err(|_| DialError::Name(to.clone()))?;
        let at = format!("http://{}", parent.at).parse().map_err(|_| DialError::Name(parent.at.clone()))?;
        let mut tunnel = Tunnel::new(at, ToParent { dialer: self.clone(), parent: parent.clone() });
        if let Some(authorization) = &parent.authorization {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        tunnel.call(uri).await.map(TokioIo::into_inner).map_err(|error| parent_error(to, &error))
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let Ok(own) = self.plan.own.read() else { return true };
        own.iter().any(|o| {
            o.port() == address.port()
                && (plain(o.ip()) == plain(address.ip()) || (o.ip().is_unspecified() && is_this_machine(address.ip())))
        })
    }
}

fn parent_error(to: &HostPort, error: &(dyn std::error::Error + 'static)) -> DialError {
    let text = error.to_string();
    let reason = match text.as_str() {
        t if t.contains("authorization") => "it asks for other credentials (`parent_proxy_authorization_file`)",
        t if t.contains("unsuccessful") => "it refused",
        t if t.contains("connect") => "it could not be reached",
        _ => "its answer could not be read",
    };
    DialError::Parent { to: to.clone(), reason }
}

fn from_has_port(text: &str) -> bool {
    HostPort::parse(text, None).is_some()
}

async fn lookup(to: &HostPort) -> Result<Vec<SocketAddr>, DialError> {
    if let Some(ip) = to.ip() {
        return Ok(vec![SocketAddr::new(ip, to.port)]);
    }
    match tokio::net::lookup_host((to.host.as_str(), to.port)).await {
        Ok(found) => Ok(found.collect()),
        Err(_) => Err(DialError::Name(to.clone())),
    }
}

/// Tries the addresses one after the other; all but the last get three seconds.
async fn connect_first(to: &HostPort, addresses: Vec<SocketAddr>) -> Result<TcpStream, DialError> {
    let mut last = std::io::ErrorKind::NotFound;
    let count = addresses.len();
    for (at, address) in addresses.into_iter().enumerate() {
        let patience = if at + 1 < count { Duration::from_secs(3) } else { Duration::from_secs(3600) };
        match tokio::time::timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    last = error.kind();
                    continue;
                }
                return Ok(stream);
            }
            Ok(Err(error)) => last = error.kind(),
            Err(_) => last = std::io::ErrorKind::TimedOut,
        }
    }
    Err(DialError::Connect { to: to.clone(), kind: last })
}

/// An IPv4 address that is written as IPv6 is the IPv4 address.
fn plain(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => IpAddr::V4(v4),
            None => ip,
        },
        IpAddr::V4(_) => ip,
    }
}

/// IPv4 inside IPv6: mapped, compatible, NAT64, 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return Some(v4);
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b) {
        (0x64, 0xff9b) => Some(v4(g, h)),
        (0x2002, _) => Some(v4(b, c)),
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0) && (g, h) > (0, 1) => Some(v4(g, h)),
        _ => None,
    }
}

/// Addresses that no service on the internet has.
pub fn is_private(ip: IpAddr) -> bool {
    match plain(ip) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19))
        }
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || (first & 0xffc0) == 0xfec0
        }
    }
}

/// Is this address one of the machine's own? Only then can a socket be bound to it.
fn is_this_machine(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind(SocketAddr::new(plain(ip), 0)).is_ok()
}

#[derive(Clone)]
struct ToParent {
    dialer: Dialer,
    parent: Parent,
}

impl Service<Uri> for ToParent {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.dialer.dial_parent(&this.parent).await.map(TokioIo::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(text: &str) -> HostPort {
        HostPort::parse(text, Some(443)).unwrap()
    }

    #[test]
    fn private_in_every_spelling() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "::10.0.0.1",
            "ff02::1",
            "198.18.0.1",
            "240.0.0.1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "192.0.2.1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn private_targets_and_the_gate_itself_are_refused() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let limits = Limits::default();
        let closed = Dialer::new(&Settings::default(), &limits).unwrap();
        for name in [at.to_string(), format!("localhost:{}", at.port()), format!("[::ffff:127.0.0.1]:{}", at.port())] {
            assert!(matches!(closed.dial(&to(&name)).await, Err(DialError::Private(_))), "{name}");
        }
        let settings = Settings {
            private_addresses: vec!["127.0.0.0/8".parse().unwrap()],
            resolve: [("ai.example".to_owned(), at.to_string())].into(),
            ..Settings::default()
        };
        let open = Dialer::new(&settings, &limits).unwrap();
        let stream = open.dial(&to(&at.to_string())).await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert!(open.dial(&to("ai.example")).await.is_ok());
        open.set_own(vec![at]);
        assert!(matches!(open.dial(&to(&at.to_string())).await, Err(DialError::Loop(_))));
        assert!(matches!(open.dial(&to("ai.example:9")).await, Err(DialError::Loop(_))));
        open.set_own(vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port())]);
        assert!(matches!(open.dial(&to(&at.to_string())).await, Err(DialError::Loop(_))));
    }

    #[test]
    fn settings_errors_name_key_value_and_cure() {
        let wrong = |settings: Settings| Dialer::new(&settings, &Limits::default()).err().unwrap().to_string();
        let text = wrong(Settings {
            resolve: [("a.example".to_owned(), "elsewhere".to_owned())].into(),
            ..Default::default()
        });
        assert!(
            text.contains("`upstream.resolve`") && text.contains("`elsewhere`") && text.contains("10.0.0.5"),
            "{text}"
        );
        let text = wrong(Settings { parent_proxy: Some("socks://x".to_owned()), ..Default::default() });
        assert!(text.contains("must begin with http://"), "{text}");
    }

    #[tokio::test]
    async fn a_parent_proxy_is_asked_with_its_credentials() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("parent");
        std::fs::write(&secret, "Basic dXNlcjpwYXNz\n").unwrap();
        let settings = Settings {
            parent_proxy: Some(format!("http://{at}")),
            parent_proxy_authorization_file: Some(secret),
            ..Settings::default()
        };
        let dialer = Dialer::new(&settings, &Limits::default()).unwrap();
        let far = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let n = socket.read(&mut head).await.unwrap();
            let head = String::from_utf8(head[..n].to_vec()).unwrap();
            assert!(head.starts_with("CONNECT ai.example:443 HTTP/1.1\r\n"), "{head}");
            assert!(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), "{head}");
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await.unwrap();
            socket.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
        };
        let near = async {
            assert!(dialer.dial(&to("ai.example")).await.is_ok());
            let error = dialer.dial(&to("ai.example")).await.unwrap_err().to_string();
            assert!(error.contains("credentials"), "{error}");
            assert!(matches!(dialer.dial(&to("10.0.0.1")).await, Err(DialError::Private(_))));
        };
        tokio::join!(far, near);
    }
}
