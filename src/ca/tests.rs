use std::process::Command;

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use rustls_pki_types::ServerName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

fn scope() -> Scope {
    Scope::new(
        ["api.openai.com", "*.openai.azure.com", "bedrock-runtime.*.amazonaws.com", "ai.example:8443", "*"],
        ["gate.hospital.example"],
    )
}

fn authority(dir: &Path) -> Authority {
    Authority::load_or_create(dir, &Settings::default(), &scope()).unwrap()
}

/// A whole handshake in memory: the client trusts the root alone.
fn handshake(authority: &Authority, sign_for: &str, ask_for: &str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(crate::wire::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(ask_for.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(authority.server_config(sign_for).unwrap()).unwrap();
    for _ in 0..8 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut from = wire.as_slice();
        while !from.is_empty() {
            server.read_tls(&mut from).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut from = wire.as_slice();
        while !from.is_empty() {
            client.read_tls(&mut from).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking());
    Ok(())
}

fn leaf_chain(authority: &Authority, host: &str) -> Vec<CertificateDer<'static>> {
    authority.issuing.load().leaves.chain_for(host, OffsetDateTime::now_utc()).unwrap()
}

#[test]
fn rustls_accepts_what_is_in_scope_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(dir.path());
    for inside in [
        "api.openai.com",
        "mine.openai.azure.com",
        "bedrock-runtime.ap-northeast-1.amazonaws.com",
        "gate.hospital.example",
    ] {
        handshake(&authority, inside, inside).unwrap();
    }
    for outside in ["bank.example", "openai.com", "192.0.2.1", "2001:db8::1"] {
        let error = handshake(&authority, outside, outside).unwrap_err();
        assert!(matches!(error, rustls::Error::InvalidCertificate(_)), "{outside}: {error}");
    }
    assert!(handshake(&authority, "api.openai.com", "ai.example").is_err());
}

#[test]
fn addresses_get_address_names() {
    let dir = tempfile::tempdir().unwrap();
    let scope = Scope::new(["192.0.2.7:11434", "[2001:db8::7]:443"], []);
    let authority = Authority::load_or_create(dir.path(), &Settings::default(), &scope).unwrap();
    handshake(&authority, "192.0.2.7", "192.0.2.7").unwrap();
    handshake(&authority, "[2001:db8::7]", "2001:db8::7").unwrap();
    assert!(handshake(&authority, "192.0.2.8", "192.0.2.8").is_err());
    // No domain was named, so no domain may be signed.
    assert!(handshake(&authority, "api.openai.com", "api.openai.com").is_err());
}

#[test]
fn a_leaf_is_what_the_contract_says() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(dir.path());
    let chain = leaf_chain(&authority, "api.openai.com");
    assert_eq!(chain.len(), 2, "leaf and issuing authority, never the root");
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    let (_, issuing) = X509Certificate::from_der(&chain[1]).unwrap();
    let (_, root) = X509Certificate::from_der(&authority.root).unwrap();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let (from, to) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
    assert!((3590..=3610).contains(&(now - from)), "back-dated an hour");
    assert!(to - from <= 7 * 86_400);
    assert!(!leaf.is_ca());
    assert!(leaf.raw_serial().len() >= 16 && leaf.raw_serial() != issuing.raw_serial());
    let key_id = |cert: &X509Certificate<'_>| {
        cert.iter_extensions().find_map(|e| match e.parsed_extension() {
            x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
    };
    let issuer_id = |cert: &X509Certificate<'_>| {
        cert.iter_extensions().find_map(|e| match e.parsed_extension() {
            x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(id) => {
                id.key_identifier.as_ref().map(|k| k.0.to_vec())
            }
            _ => None,
        })
    };
    assert!(key_id(&leaf).is_some());
    assert_eq!(issuer_id(&leaf), key_id(&issuing));
    assert_eq!(issuer_id(&issuing), key_id(&root));
    let basic = issuing.basic_constraints().unwrap().unwrap().value;
    assert!(basic.ca && basic.path_len_constraint == Some(0));
    assert!((364..=366).contains(&((issuing.validity().not_after.timestamp() - now) / 86_400)));
    assert!((root.validity().not_after.timestamp() - now) / 86_400 >= 3650);
    assert!(issuing.name_constraints().unwrap().unwrap().critical);
    let other = leaf_chain(&authority, "ai.example");
    let (_, other) = X509Certificate::from_der(&other[0]).unwrap();
    assert_ne!(other.public_key().raw, leaf.public_key().raw, "each leaf has its own key");
    assert_ne!(other.raw_serial(), leaf.raw_serial());
}

#[test]
fn leaves_are_kept_and_made_anew_at_half_their_life() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(dir.path());
    let now = OffsetDateTime::now_utc();
    let first = authority.issuing.load().leaves.get("api.openai.com", now).unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &authority.issuing.load().leaves.get("API.openai.com.", now + Duration::days(3)).unwrap()
    ));
    assert!(!Arc::ptr_eq(
        &first,
        &authority.issuing.load().leaves.get("api.openai.com", now + Duration::days(4)).unwrap()
    ));
    assert!(matches!(
        authority.issuing.load().leaves.get("ai.example", now + Duration::days(366)),
        Err(CaError::Expired)
    ));
    assert!(matches!(authority.server_config("not a host"), Err(CaError::Name(_))));
}

#[test]
fn files_are_private_and_survive_a_restart() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("ca");
    let before = authority(&home).export();
    for name in [files::ROOT_KEY, files::ISSUING_KEY, files::ROOT, files::ISSUING] {
        let mode = std::fs::metadata(home.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    let again = authority(&home).export();
    assert_eq!(before.fingerprint, again.fingerprint);
    assert_eq!(before.fingerprint.len(), 95);
    std::fs::set_permissions(home.join(files::ISSUING_KEY), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Authority::load(&home, &scope()).err().unwrap().to_string();
    assert!(error.contains("chmod 600") && error.contains(files::ISSUING_KEY), "{error}");
}

#[test]
fn a_changed_table_renews_the_issuing_part_and_keeps_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let before = authority(dir.path());
    let wider = Scope::new(["api.openai.com", "new.example"], []);
    let after = Authority::load_or_create(dir.path(), &Settings::default(), &wider).unwrap();
    assert_eq!(before.export().fingerprint, after.export().fingerprint);
    handshake(&after, "new.example", "new.example").unwrap();
    assert!(handshake(&before, "new.example", "new.example").is_err());
}

#[test]
fn an_offline_root_renews_only_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let (home, stick) = (dir.path().join("ca"), dir.path().join("usb.key"));
    new_root(&home, &Settings::default(), Some(&stick)).unwrap();
    assert!(!home.join(files::ROOT_KEY).exists());
    assert!(matches!(Authority::load_or_create(&home, &Settings::default(), &scope()), Err(CaError::NoRootKey)));
    renew(&home, &Settings::default(), &scope(), Some(&stick)).unwrap();
    let authority = Authority::load_or_create(&home, &Settings::default(), &scope()).unwrap();
    handshake(&authority, "api.openai.com", "api.openai.com").unwrap();
    let wider = Scope::new(["new.example"], []);
    let stale = Authority::load_or_create(&home, &Settings::default(), &wider).unwrap();
    assert!(stale.stale_scope(), "it goes on with what it has, and says so");
    assert!(matches!(new_root(&home, &Settings::default(), None), Err(CaError::Exists(_))));
    let other = dir.path().join("other");
    new_root(&other, &Settings::default(), None).unwrap();
    let wrong = renew(&home, &Settings::default(), &scope(), Some(&other.join(files::ROOT_KEY)));
    assert!(matches!(wrong, Err(CaError::NotOurs)));
}

#[test]
fn an_imported_authority_must_belong_together() {
    let dir = tempfile::tempdir().unwrap();
    let (theirs, ours, stranger) = (dir.path().join("pki"), dir.path().join("gate"), dir.path().join("x"));
    authority(&theirs);
    authority(&stranger);
    let (root, chain, key) = (theirs.join(files::ROOT), theirs.join(files::ISSUING), theirs.join(files::ISSUING_KEY));
    let export = import(&ours, &root, &chain, &key).unwrap();
    assert_eq!(export.fingerprint, super::export(&theirs).unwrap().fingerprint);
    handshake(&Authority::load(&ours, &scope()).unwrap(), "api.openai.com", "api.openai.com").unwrap();
    assert!(matches!(import(&ours, &stranger.join(files::ROOT), &chain, &key), Err(CaError::NotOurs)));
    assert!(
        import(&ours, &root, &chain, &stranger.join(files::ISSUING_KEY)).unwrap_err().to_string().contains("this key")
    );
    assert!(super::export(&dir.path().join("none")).is_err());
}

#[test]
fn an_import_onto_a_gate_that_ran_starts_again_and_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (theirs, ours) = (dir.path().join("pki"), dir.path().join("gate"));
    // The hospital's own constraints: one domain and the gate.
    let narrow = Scope::new(["api.openai.com"], ["gate.hospital.example"]);
    Authority::load_or_create(&theirs, &Settings::default(), &narrow).unwrap();
    authority(&ours);
    let (root, chain, key) = (theirs.join(files::ROOT), theirs.join(files::ISSUING), theirs.join(files::ISSUING_KEY));
    import(&ours, &root, &chain, &key).unwrap();
    assert!(!ours.join(files::ROOT_KEY).exists(), "the former root's key is of no use any more");
    for _ in 0..2 {
        let authority = authority(&ours);
        assert!(!authority.stale_scope(), "constraints of the hospital's own are no reason to renew");
        assert_eq!(std::fs::read(&chain).unwrap(), std::fs::read(ours.join(files::ISSUING)).unwrap());
        handshake(&authority, "api.openai.com", "api.openai.com").unwrap();
        assert!(!authority.take_up(&ours, &Settings::default(), &scope()).unwrap());
    }
    let error = renew(&ours, &Settings::default(), &scope(), None).unwrap_err();
    assert!(matches!(error, CaError::Imported) && error.to_string().contains("ca import"), "{error}");
    // By their root's own key it may be.
    renew(&ours, &Settings::default(), &scope(), Some(&theirs.join(files::ROOT_KEY))).unwrap();
    handshake(&authority(&ours), "ai.example", "ai.example").unwrap();
}

#[test]
fn a_stop_between_the_two_files_of_a_renewal_is_mended_at_the_start_or_said() {
    let dir = tempfile::tempdir().unwrap();
    let (home, stick) = (dir.path().join("ca"), dir.path().join("usb.key"));
    new_root(&home, &Settings::default(), Some(&stick)).unwrap();
    renew(&home, &Settings::default(), &scope(), Some(&stick)).unwrap();
    let before = std::fs::read(home.join(files::ISSUING)).unwrap();
    renew(&home, &Settings::default(), &scope(), Some(&stick)).unwrap();
    std::fs::write(home.join(files::ISSUING), before).unwrap();
    assert!(matches!(Authority::load(&home, &scope()), Err(CaError::Unpaired(_))));
    // Without the root's key the gate does not start, rather than to fail every handshake.
    let error = Authority::load_or_create(&home, &Settings::default(), &scope()).err().unwrap();
    assert!(matches!(error, CaError::Unpaired(_)) && error.to_string().contains("ca renew"), "{error}");
    std::fs::copy(&stick, home.join(files::ROOT_KEY)).unwrap();
    handshake(&authority(&home), "api.openai.com", "api.openai.com").unwrap();
}

#[test]
fn a_running_authority_takes_up_new_names_under_the_same_root() {
    let dir = tempfile::tempdir().unwrap();
    let running = authority(dir.path());
    assert!(!running.take_up(dir.path(), &Settings::default(), &scope()).unwrap());
    let wider = Scope::new(["api.openai.com", "new.example"], []);
    assert!(handshake(&running, "new.example", "new.example").is_err());
    assert!(running.take_up(dir.path(), &Settings::default(), &wider).unwrap());
    handshake(&running, "new.example", "new.example").unwrap();
    // Without the root's key it goes on with what it has, and says so.
    std::fs::remove_file(dir.path().join(files::ROOT_KEY)).unwrap();
    let other = Scope::new(["other.example"], []);
    assert!(!running.take_up(dir.path(), &Settings::default(), &other).unwrap());
    assert!(running.stale_scope());
    handshake(&running, "new.example", "new.example").unwrap();
    // Another root is not taken up under the clients' feet.
    for name in [files::ROOT, files::ISSUING, files::ISSUING_KEY] {
        std::fs::remove_file(dir.path().join(name)).unwrap();
    }
    authority(dir.path());
    let error = running.take_up(dir.path(), &Settings::default(), &wider).unwrap_err().to_string();
    assert!(error.contains("next start"), "{error}");
}

#[test]
fn openssl_agrees() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("TSUITATE_TESTS").is_none(), "no openssl here, and nothing may be skipped");
        // Past the test harness, which keeps the output of tests that pass.
        let _said = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no openssl here\n");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(&dir.path().join("ca"));
    let verify = |host: &str, kind: &str| {
        let chain = leaf_chain(&authority, host);
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("leaf.pem"), files::to_pem(&chain[..1])).unwrap();
        std::fs::write(at("issuing.pem"), files::to_pem(&chain[1..])).unwrap();
        let done = Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", "sslserver", kind, host, "-CAfile"])
            .arg(dir.path().join("ca").join(files::ROOT))
            .arg("-untrusted")
            .arg(at("issuing.pem"))
            .arg(at("leaf.pem"))
            .output()
            .unwrap();
        (
            done.status.success(),
            format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)),
        )
    };
    for inside in ["api.openai.com", "mine.openai.azure.com", "bedrock-runtime.us-east-1.amazonaws.com"] {
        let (good, said) = verify(inside, "-verify_hostname");
        assert!(good, "{said}");
    }
    let (good, said) = verify("bank.example", "-verify_hostname");
    assert!(!good && said.contains("permitted subtree violation"), "{said}");
    let (good, said) = verify("192.0.2.1", "-verify_ip");
    assert!(!good && said.contains("excluded subtree violation"), "{said}");
}

#[test]
fn scope_takes_the_fixed_end_and_drops_what_is_covered() {
    let names =
        |patterns: &[&str]| Scope::new(patterns.iter().copied(), []).permitted().into_iter().collect::<Vec<_>>();
    assert_eq!(names(&["*.x.example", "a.x.example", "API.Y.example:443", "*"]), ["api.y.example", "x.example"]);
    assert_eq!(
        names(&["foo-*.x.example", "a.*.z.example", "b.{c,d}.q.example"]),
        ["q.example", "x.example", "z.example"]
    );
    assert_eq!(names(&["192.0.2.1:8080", "2001:db8::1"]), ["192.0.2.1", "2001:db8::1"]);
}

/// Java refuses handshake messages over 32 KiB, and every new connection carries the chain.
#[test]
fn the_shipped_service_table_fits_into_a_handshake() {
    let table = crate::locate::provider::Providers::shipped().unwrap();
    let patterns = table.host_patterns();
    let dir = tempfile::tempdir().unwrap();
    let scope = Scope::new(patterns.iter().map(String::as_str), ["gate.hospital.example"]);
    let authority = Authority::load_or_create(dir.path(), &Settings::default(), &scope).unwrap();
    for host in ["api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"] {
        handshake(&authority, host, host).unwrap();
        let size: usize = leaf_chain(&authority, host).iter().map(|c| c.len()).sum();
        assert!(size < 24 << 10, "{size} bytes");
    }
    assert!(handshake(&authority, "bank.example", "bank.example").is_err());
    assert!(!Authority::load(dir.path(), &scope).unwrap().stale_scope(), "what was written is read back the same");
}
