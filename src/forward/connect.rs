//! Sockets for the client pool: dialled by `wire::dial`, TLS by rustls, HTTP/2 by ALPN, all within `upstream_connect`.
//! Must not know: requests.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::ForwardError;
use crate::wire::body::BoxError;
use crate::wire::dial::{DialError, Dialer};
use crate::wire::host::HostPort;
use crate::wire::units::Time;

type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Dials; no TLS.
#[derive(Clone)]
pub(super) struct Plain {
    dialer: Dialer,
}

impl Service<Uri> for Plain {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Boxed<Self::Response, DialError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialer = self.dialer.clone();
        Box::pin(async move {
            let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
            let to = uri.authority().and_then(|a| HostPort::parse(a.as_str(), Some(default)));
            let to = to.ok_or(DialError::Setting { key: "host", value: String::new(), why: "is no host" })?;
            dialer.dial(&to).await.map(TokioIo::new)
        })
    }
}

/// Dials with TLS where the scheme says so, within the time.
#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<Plain>,
    limit: Time,
}

/// The time for name, socket and TLS has passed.
#[derive(Debug, thiserror::Error)]
#[error("not connected in time")]
pub(super) struct Late;

pub(super) fn connector(tls: rustls::ClientConfig, dialer: Dialer, limit: Time) -> Connector {
    let inner = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(Plain { dialer });
    Connector { inner, limit }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Boxed<Self::Response, BoxError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let limit = self.limit.0;
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(done) => done,
                Err(_) => Err(Late.into()),
            }
        })
    }
}

/// The reason inside the layers of an error, in this room's words.
pub(super) fn explain(to: &HostPort, error: &(dyn Error + 'static), limit: Time) -> ForwardError {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = next {
        if let Some(dial) = current.downcast_ref::<DialError>() {
            return ForwardError::Dial(dial.clone());
        }
        if current.is::<Late>() {
            return ForwardError::ConnectTimeout { to: to.clone(), limit };
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return tls_error(to, tls);
        }
        // io::Error hides what it wraps from `source`.
        if let Some(inner) = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            next = Some(inner);
            continue;
        }
        next = current.source();
    }
    ForwardError::Broken { to: to.clone() }
}

fn tls_error(to: &HostPort, error: &rustls::Error) -> ForwardError {
    match error {
        rustls::Error::InvalidCertificate(why) => ForwardError::Certificate { to: to.clone(), why: short(why) },
        _ => ForwardError::Tls { to: to.clone() },
    }
}

/// The kind of fault, without the certificate's contents.
fn short(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as E;
    match why {
        E::Expired | E::ExpiredContext { .. } => "expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "not valid yet",
        E::Revoked => "revoked",
        E::UnknownIssuer => "unknown issuer",
        E::NotValidForName | E::NotValidForNameContext { .. } => "issued for another name",
        E::BadSignature => "bad signature",
        E::BadEncoding => "bad encoding",
        _ => "not acceptable",
    }
    .to_owned()
}
