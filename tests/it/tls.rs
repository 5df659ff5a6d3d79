//! TLS on both sides: what the client gets, and that a wrong certificate upstream is always an error.

use std::process::Command;

use http::StatusCode;
use tsuitate::accept::{Note, Unreadable};

use crate::support::client::*;
use crate::support::service;
use crate::support::{AI, Options, gate};

#[tokio::test]
async fn a_service_with_a_wrong_certificate_is_not_spoken_to() {
    let good = service::echo().await;
    // Right root, wrong name; and a stranger's root.
    let gate1 = {
        let wrong_name = service::start_with(
            std::sync::Arc::new(|_| Box::pin(async { http::Response::new(tsuitate::wire::body::whole("x")) })),
            &["other.example"],
            &[b"h2"],
        )
        .await;
        let gate = gate(&wrong_name, Options::default()).await;
        let mut client = http1_to(&gate, AI).await;
        let refused = got(client.send_request(post(AI, "/", "secret")).await.unwrap()).await;
        assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
        assert!(
            refused.text.contains("certificate of ai.example:443") && refused.text.contains("another name"),
            "{}",
            refused.text
        );
        assert!(wrong_name.seen().is_empty());
        gate
    };
    drop(gate1);
    let stranger = service::echo().await;
    let options = Options { resolve: vec![(AI.to_owned(), stranger.tls_at.to_string())], ..Options::default() };
    let gate = gate(&good, options).await;
    let mut client = http1_to(&gate, AI).await;
    let refused = got(client.send_request(post(AI, "/", "secret")).await.unwrap()).await;
    assert!(refused.text.contains("is not trusted"), "{}", refused.text);
    assert!(stranger.seen().is_empty());
}

#[tokio::test]
async fn a_client_without_our_root_is_noted() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let socket = tunnel(&gate, "ai.example:443").await;
    // It trusts the service's root only, as a pinned client would.
    let connector = trust(&service.root, &[b"h2"]);
    assert!(connector.connect(AI.try_into().unwrap(), socket).await.is_err());
    let note = gate.noted(|n| matches!(n, Note::Unreadable { why: Unreadable::Handshake(_), .. })).await;
    let Note::Unreadable { why, .. } = note else { unreachable!() };
    assert!(why.to_string().contains("does not trust"), "{why}");
}

#[tokio::test]
async fn without_sni_the_authority_names_the_leaf() {
    let service = service::echo().await;
    let gate = gate(&service, Options::default()).await;
    let socket = tunnel(&gate, "ai.example:443").await;
    // An address as server name sends no SNI; the leaf is for the authority, so this client must refuse it.
    let mut config = rustls::ClientConfig::builder_with_provider(tsuitate::wire::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates({
            let mut roots = rustls::RootCertStore::empty();
            roots.add(gate.root.clone()).unwrap();
            roots
        })
        .with_no_client_auth();
    config.enable_sni = false;
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = connector.connect(AI.try_into().unwrap(), socket).await.unwrap();
    let mut client = http1_on(stream).await;
    assert_eq!(got(client.send_request(post(AI, "/", "x")).await.unwrap()).await.text, "POST / 1");
}

#[tokio::test]
async fn a_name_outside_of_the_authority_gets_no_trusted_leaf() {
    let service = service::echo().await;
    // The house opens this address, but the authority's constraints do not name it.
    let options = Options { resolve: vec![("127.0.0.9".to_owned(), service.tls_at.to_string())], ..Options::default() };
    let gate = gate(&service, options).await;
    let socket = tunnel(&gate, "127.0.0.9:443").await;
    assert!(tls_in(&gate, socket, "127.0.0.9", &[b"h2"]).await.is_err());
    assert!(service.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_through_the_gate() {
    if Command::new("curl").arg("--version").output().is_err() {
        crate::support::skip("curl");
        return;
    }
    let service = service::echo().await;
    let gate = gate(&service, Options { tls: true, password: true, ..Options::default() }).await;
    let root = gate.dir.path().join("root.pem");
    std::fs::copy(gate.dir.path().join("ca/root.pem"), &root).unwrap();
    let tls_at = gate.tls_at.unwrap().port();
    for (proxy, http) in [
        (format!("http://u:p@{}", gate.at), "--http1.1"),
        (format!("http://u:p@{}", gate.at), "--http2"),
        (format!("https://u:p@localhost:{tls_at}"), "--http2"),
    ] {
        let (root, proxy2) = (root.clone(), proxy.clone());
        let done = tokio::task::spawn_blocking(move || {
            Command::new("curl")
                .args(["--silent", "--show-error", "--max-time", "20", http, "--proxy", &proxy2, "--cacert"])
                .arg(&root)
                .arg("--proxy-cacert")
                .arg(&root)
                .args(["--data", "hello", "https://ai.example/v1/x"])
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .output()
                .unwrap()
        })
        .await
        .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_eq!(said, "POST /v1/x 5", "{proxy} {http}");
    }
    for one in service.seen() {
        assert!(one.headers.keys().all(|n| !n.as_str().starts_with("proxy-")));
    }
}
