//! Plain HTTP requests in absolute form to hosts that are no AI service: passed on, one connection each, unopened.
//! Must not know: AI services; whoever calls has asked.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::serve::Gate;
use super::{Denied, HostPort, Note, connect};
use crate::wire::body::{AnswerBody, streamed};
use crate::wire::headers::strip_hop_by_hop;

pub(super) async fn pass(
    gate: &Arc<Gate>,
    client: SocketAddr,
    request: Request<Incoming>,
    target: &HostPort,
) -> Response<AnswerBody> {
    let denied = |status: StatusCode, why: Denied| {
        gate.note(Note::Denied { client, target: target.clone(), status, why });
    };
    let (mut parts, body) = request.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    parts.version = Version::HTTP_11;
    let Some(path) = parts.uri.path_and_query().cloned() else {
        return connect::say(StatusCode::BAD_REQUEST, "the request names no path");
    };
    if let Ok(host) = HeaderValue::from_str(&target.authority("http")) {
        parts.headers.insert(header::HOST, host);
    }
    let dialled = match gate.dialer.parent_for(target).cloned() {
        None => {
            parts.uri = Uri::from(path);
            gate.dialer.dial(target).await
        }
        Some(parent) => {
            if target.ip().is_some_and(crate::wire::dial::is_private) {
                denied(StatusCode::FORBIDDEN, Denied::Private);
                return connect::say(StatusCode::FORBIDDEN, &Denied::Private.to_string());
            }
            if let Some(authorization) = &parent.authorization {
                parts.headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
            }
            gate.dialer.dial_parent(&parent).await
        }
    };
    let stream = match dialled {
        Ok(stream) => stream,
        Err(error) => {
            let response = connect::undialled(&error);
            denied(response.status(), (&error).into());
            return response;
        }
    };
    gate.note(Note::Passed { client, target: target.clone() });
    let handshake = hyper::client::conn::http1::Builder::new()
        .preserve_header_case(true)
        .handshake::<_, Incoming>(TokioIo::new(stream))
        .await;
    let Ok((mut sender, connection)) = handshake else {
        return connect::say(StatusCode::BAD_GATEWAY, "the target could not be spoken to");
    };
    gate.tasks.spawn("plain", async move {
        if connection.await.is_err() {
            tracing::debug!("a plain connection ended early");
        }
    });
    let limit = gate.settings.limits.upstream_head.0;
    match tokio::time::timeout(limit, sender.send_request(Request::from_parts(parts, body))).await {
        Ok(Ok(mut response)) => {
            strip_hop_by_hop(response.headers_mut());
            response.headers_mut().remove(header::ALT_SVC);
            response.map(streamed)
        }
        Ok(Err(_)) => connect::say(StatusCode::BAD_GATEWAY, "the target closed the connection or answered no HTTP"),
        Err(_) => connect::say(StatusCode::GATEWAY_TIMEOUT, "the target did not answer within `upstream_head`"),
    }
}
