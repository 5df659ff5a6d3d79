//! What the issuing authority may sign: the domains of the service table and the gate's own names.
//! Must not know: which service is approved.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::wire::host::{HostPort, normal_host};

/// Names in one form, those that another covers left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    domains: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl Scope {
    /// From host patterns (`api.x.com`, `*.x.com`, `a.*.x.com`, `host:port`) and the gate's own names or addresses.
    /// A pattern counts by its fixed end; one without any (`*`) is left out, since it would lift the constraint.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>, gate: impl IntoIterator<Item = &'a str>) -> Self {
        let mut domains = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for pattern in patterns.into_iter().chain(gate) {
            let bare = match pattern.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit() || b == b'*') => {
                    host
                }
                _ => pattern,
            };
            if let Some(ip) = HostPort::parse(bare, Some(1)).and_then(|h| h.ip()).or_else(|| bare.parse().ok()) {
                addresses.insert(ip);
                continue;
            }
            let labels: Vec<&str> = bare.rsplit('.').take_while(|label| !label.contains(['*', '{'])).collect();
            let fixed = labels.into_iter().rev().collect::<Vec<_>>().join(".");
            if let Some(domain) = normal_host(&fixed) {
                domains.insert(domain);
            }
        }
        let covered = |name: &str| {
            let mut rest = name;
            while let Some((_, parent)) = rest.split_once('.') {
                if domains.contains(parent) {
                    return true;
                }
                rest = parent;
            }
            false
        };
        let domains = domains.iter().filter(|d| !covered(d)).cloned().collect();
        Self { domains, addresses }
    }

    /// All names as they stand in the certificate.
    pub(super) fn permitted(&self) -> BTreeSet<String> {
        self.domains.iter().cloned().chain(self.addresses.iter().map(ToString::to_string)).collect()
    }

    pub(super) fn constraints(&self) -> NameConstraints {
        let mut permitted: Vec<_> = self.domains.iter().map(|d| GeneralSubtree::DnsName(d.clone())).collect();
        let mut excluded = Vec::new();
        for ip in &self.addresses {
            let whole = if ip.is_ipv4() { 32 } else { 128 };
            permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*ip, whole)));
        }
        if self.addresses.is_empty() {
            // Constraints bind only the kinds of name that they mention.
            excluded.push(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)));
            excluded.push(GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)));
        }
        if self.domains.is_empty() {
            // An empty base is every name.
            excluded.push(GeneralSubtree::DnsName(String::new()));
        }
        NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded }
    }
}

/// What an existing certificate says.
pub(super) struct Facts {
    pub(super) not_after: i64,
    pub(super) is_ca: bool,
    /// The permitted names, when there are constraints.
    pub(super) permitted: Option<BTreeSet<String>>,
}

pub(super) fn facts(der: &[u8]) -> Option<Facts> {
    let (_, cert) = X509Certificate::from_der(der).ok()?;
    let mut permitted = None;
    for extension in cert.extensions() {
        if let ParsedExtension::NameConstraints(constraints) = extension.parsed_extension() {
            let trees = constraints.permitted_subtrees.iter().flatten();
            permitted = Some(trees.filter_map(|tree| name(&tree.base)).collect());
        }
    }
    Some(Facts { not_after: cert.validity().not_after.timestamp(), is_ca: cert.is_ca(), permitted })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            8 => <[u8; 4]>::try_from(bytes.get(..4)?).ok().map(|b| IpAddr::from(b).to_string()),
            32 => <[u8; 16]>::try_from(bytes.get(..16)?).ok().map(|b| IpAddr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}
