//! The gate's own pages: nothing personal, nothing from elsewhere, and a proxy file that never goes past the gate.

use std::process::Command;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tsuitate::ca::{Authority, Scope, Settings};
use tsuitate::portal::{Facts, Portal, Ready};
use tsuitate::wire::body::{BodyBudget, read_capped};
use tsuitate::wire::limits::Limits;
use tsuitate::wire::units::Size;

fn portal(parent: Option<&str>, ready: bool) -> (Portal, tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::load_or_create(dir.path(), &Settings::default(), &Scope::new(["api.openai.com"], [])).unwrap();
    let facts = Facts {
        ca: ca.export(),
        hosts: [
            "api.openai.com",
            "*.openai.azure.com",
            "bedrock-runtime.*.amazonaws.com",
            "local.example:11434",
            "\"+evil()+\"",
        ]
        .map(str::to_owned)
        .to_vec(),
        gates: None,
        tls_gates: vec!["gate.example:8443".to_owned()],
        parent: parent.map(str::to_owned),
        contact: vec!["情報管理室 <内線 1234>".to_owned()],
        version: "0.1.0",
    };
    let der = facts.ca.der.clone();
    let state = Ready { ready, reasons: if ready { Vec::new() } else { vec!["the list is not loaded".to_owned()] } };
    (Portal::new(move || facts.clone(), move || state.clone()), dir, der)
}

async fn get(portal: &Portal, path: &str, host: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let request = Request::get(path).header("host", host).body(()).unwrap();
    let response = portal.answer(&request.into_parts().0);
    let (parts, body) = response.into_parts();
    let held = read_capped(body.boxed_unsync(), Size::mib(1), &BodyBudget::new(&Limits::default())).await.unwrap();
    (parts.status, parts.headers, held.to_vec())
}

#[tokio::test]
async fn the_first_page_says_what_this_is_in_both_languages() {
    let (portal, _dir, der) = portal(None, true);
    let (status, headers, body) = get(&portal, "/", "gate.example:8080").await;
    let html = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK);
    for word in [
        "衝立",
        "院内認証局",
        "compare this fingerprint",
        "http://gate.example:8080/proxy.pac",
        "/ca.crt",
        "NODE_EXTRA_CA_CERTS",
    ] {
        assert!(html.contains(word), "{word}");
    }
    assert!(
        html.contains("&#60;内線 1234&#62;") || html.contains("&lt;内線 1234&gt;"),
        "what comes from the config is escaped"
    );
    use sha2::Digest;
    let fingerprint: Vec<String> = sha2::Sha256::digest(&der).iter().map(|b| format!("{b:02X}")).collect();
    for group in fingerprint.chunks(8) {
        assert!(html.contains(&group.join(":")));
    }
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(
        !html.contains("<script") && !html.contains("style=") && !html.contains("src="),
        "nothing but its own style"
    );
    assert!(!html.replace("http://gate.example:8080", "").contains("http"), "no other host is named");
    // A host that is no host is not repeated.
    let (_, _, body) = get(&portal, "/", "\"><x>").await;
    assert!(!String::from_utf8(body).unwrap().contains("<x>"));
}

#[tokio::test]
async fn the_authority_in_both_forms() {
    let (portal, _dir, der) = portal(None, true);
    let (_, headers, body) = get(&portal, "/ca.crt", "g").await;
    assert_eq!((headers["content-type"].to_str().unwrap(), &body), ("application/x-x509-ca-cert", &der));
    let (_, _, body) = get(&portal, "/ca.pem", "g").await;
    use rustls_pki_types::pem::PemObject;
    let cert = rustls_pki_types::CertificateDer::from_pem_slice(&body).unwrap();
    assert_eq!(cert.as_ref(), der);
}

#[tokio::test]
async fn health_readiness_and_what_is_not_there() {
    let (calm, _dir, _) = portal(None, true);
    assert_eq!(get(&calm, "/healthz", "g").await.0, StatusCode::OK);
    assert_eq!(get(&calm, "/readyz", "g").await.0, StatusCode::OK);
    let (busy, _dir, _) = portal(None, false);
    assert_eq!(get(&busy, "/healthz", "g").await.0, StatusCode::OK);
    let (status, _, body) = get(&busy, "/readyz", "g").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(String::from_utf8(body).unwrap().contains("the list is not loaded"));
    assert_eq!(get(&calm, "/etc/passwd", "g").await.0, StatusCode::NOT_FOUND);
    let request = Request::post("/").body(()).unwrap();
    assert_eq!(calm.answer(&request.into_parts().0).status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_proxy_file_never_goes_past_the_gate() {
    for (parent, rest) in [(None, "DIRECT"), (Some("parent.example:3128"), "PROXY parent.example:3128")] {
        let (portal, dir, _) = portal(parent, true);
        let (_, headers, body) = get(&portal, "/proxy.pac", "gate.example:8080").await;
        assert_eq!(headers["content-type"], "application/x-ns-proxy-autoconfig");
        let script = String::from_utf8(body).unwrap();
        let gate = "HTTPS gate.example:8443; PROXY gate.example:8080";
        assert!(script.contains(&format!("var gate = \"{gate}\";")), "{script}");
        assert!(script.contains("\\\"+evil()+\\\"") && !script.contains("; DIRECT"));
        if Command::new("node").arg("--version").output().is_err() {
            crate::support::skip("node");
            continue;
        }
        let cases = [
            ("api.openai.com", true),
            ("API.OpenAI.com.", true),
            ("x.api.openai.com", false),
            ("mine.openai.azure.com", true),
            ("a.b.openai.azure.com", true),
            ("openai.azure.com", false),
            ("bedrock-runtime.ap-northeast-1.amazonaws.com", true),
            ("local.example", true),
            ("bank.example", false),
            ("constructor", false),
        ];
        let mut run = script.clone();
        run.push_str("function shExpMatch(s, g) { return new RegExp('^' + g.replace(/[.+?^${}()|[\\]\\\\]/g, '\\\\$&').replace(/\\*/g, '.*') + '$').test(s); }\n");
        for (host, _) in cases {
            run.push_str(&format!("console.log(FindProxyForURL('https://{host}/', '{host}'));\n"));
        }
        let path = dir.path().join("pac.js");
        std::fs::write(&path, run).unwrap();
        let done = Command::new("node").arg(&path).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), cases.len(), "{}", String::from_utf8_lossy(&done.stderr));
        for ((host, ai), line) in cases.iter().zip(lines) {
            assert_eq!(line, if *ai { gate } else { rest }, "{host}");
        }
    }
}
