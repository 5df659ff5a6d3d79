//! A stand-in service: TLS by its own root, HTTP/1 and 2, and the same in plain; it keeps what it received.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tsuitate::wire::body::{AnswerBody, BoxError, streamed, whole};

/// What the service was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub version: Version,
    pub headers: HeaderMap,
    pub trailers: Option<HeaderMap>,
    pub body: Bytes,
}

pub type Answer = Arc<dyn Fn(Seen) -> BoxFuture<'static, Response<AnswerBody>> + Send + Sync>;

pub struct Service {
    pub tls_at: SocketAddr,
    pub plain_at: SocketAddr,
    pub root_pem: String,
    pub root: rustls_pki_types::CertificateDer<'static>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    #[expect(dead_code, reason = "kept for whoever counts connections")]
    pub connections: Arc<AtomicUsize>,
}

impl Service {
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers with the length and the path of what came.
pub async fn echo() -> Service {
    start(Arc::new(|seen: Seen| {
        Box::pin(async move {
            let mut response = Response::new(whole(format!("{} {} {}", seen.method, seen.path, seen.body.len())));
            response.headers_mut().insert("alt-svc", "h3=\":443\"".parse().unwrap());
            response.headers_mut().insert("x-service", "1".parse().unwrap());
            response
        })
    }))
    .await
}

/// Sends `count` events of an SSE stream, one every `pause`, each with the milliseconds since the start.
pub async fn events(count: usize, pause: Duration) -> Service {
    start(Arc::new(move |_| {
        Box::pin(async move {
            let (send, receive) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, BoxError>>(1);
            let work = async move {
                for n in 0..count {
                    if send.send(Ok(Frame::data(Bytes::from(format!("data: {n}\n\n"))))).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                }
            };
            run(work);
            let body = StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(receive));
            let mut response = Response::new(streamed(body));
            response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
            response
        })
    }))
    .await
}

/// Tests start tasks freely; their runtime ends with them.
#[expect(clippy::disallowed_methods, reason = "a test's own tasks")]
pub fn run(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

pub async fn start(answer: Answer) -> Service {
    start_with(answer, &["ai.example", "*.ai.example", "bank.example"], &[b"h2", b"http/1.1"]).await
}

pub async fn start_with(answer: Answer, names: &[&str], alpn: &[&[u8]]) -> Service {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_cert = root.self_signed(&root_key).unwrap();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(tsuitate::wire::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    let tls = TlsAcceptor::from(Arc::new(config));

    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let connections = Arc::new(AtomicUsize::new(0));
    let tls_door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service {
        tls_at: tls_door.local_addr().unwrap(),
        plain_at: plain_door.local_addr().unwrap(),
        root_pem: root_cert.pem(),
        root: root_cert.der().clone(),
        seen: Arc::clone(&seen),
        connections: Arc::clone(&connections),
    };
    for (door, tls) in [(tls_door, Some(tls)), (plain_door, None)] {
        let (seen, answer, connections) = (Arc::clone(&seen), Arc::clone(&answer), Arc::clone(&connections));
        run(async move {
            while let Ok((socket, _)) = door.accept().await {
                socket.set_nodelay(true).unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, answer, tls) = (Arc::clone(&seen), Arc::clone(&answer), tls.clone());
                run(async move {
                    match tls {
                        None => speak(socket, false, seen, answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(socket).await {
                                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                                speak(stream, http2, seen, answer).await;
                            }
                        }
                    }
                });
            }
        });
    }
    service
}

async fn speak<IO>(io: IO, http2: bool, seen: Arc<Mutex<Vec<Seen>>>, answer: Answer)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
        async move {
            let (parts, mut body) = request.into_parts();
            let (mut all, mut trailers) = (Vec::new(), None);
            while let Some(frame) = body.frame().await {
                match frame.unwrap().into_data() {
                    Ok(data) => all.extend_from_slice(&data),
                    Err(frame) => trailers = frame.into_trailers().ok(),
                }
            }
            let one = Seen {
                method: parts.method,
                path: parts.uri.path_and_query().map_or(String::new(), |p| p.as_str().to_owned()),
                version: parts.version,
                headers: parts.headers,
                trailers,
                body: all.into(),
            };
            seen.lock().unwrap().push(one.clone());
            Ok::<_, Infallible>(answer(one).await)
        }
    });
    let io = TokioIo::new(io);
    let done = if http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .serve_connection(io, service)
            .await
    } else {
        hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service).await
    };
    drop(done);
}
