//! The proxy file: AI services through the gates and never past them, all else direct or through the parent proxy.
//! Must not know: who asks for it.

use std::collections::BTreeSet;

use super::Facts;

/// JavaScript for browsers and systems. A pattern here may catch more than the service table, never less.
pub(super) fn write(facts: &Facts, gates: &[String]) -> String {
    let (mut exact, mut under, mut globs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for pattern in &facts.hosts {
        let host = match pattern.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && port.bytes().all(|b| b.is_ascii_digit() || b == b'*') => host,
            _ => pattern,
        };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        match host.strip_prefix("*.") {
            Some(rest) if !rest.contains('*') => under.insert(rest.to_owned()),
            None if !host.contains('*') => exact.insert(host),
            _ => globs.insert(host),
        };
    }
    let list = |word: &str, at: &[String]| at.iter().map(|at| format!("{word} {at}")).collect::<Vec<_>>();
    let gate = [list("HTTPS", &facts.tls_gates), list("PROXY", gates)].concat().join("; ");
    let other = facts.parent.as_ref().map_or_else(|| "DIRECT".to_owned(), |parent| format!("PROXY {parent}"));
    let js = |value: &str| serde_json::to_string(value).unwrap_or_else(|_| "\"\"".to_owned());
    let keys = |set: &BTreeSet<String>| set.iter().map(|k| format!("{}: 1", js(k))).collect::<Vec<_>>().join(", ");
    let globs = globs.iter().map(|g| js(g)).collect::<Vec<_>>().join(", ");
    format!(
        "// Tsuitate: AI services go through the gate. If the gate cannot be reached they are not reached at all.\n\
         var gate = {gate};\n\
         var other = {other};\n\
         var exact = {{{exact}}};\n\
         var under = {{{under}}};\n\
         var globs = [{globs}];\n\
         function FindProxyForURL(url, host) {{\n\
         \x20 host = host.toLowerCase();\n\
         \x20 if (host.charAt(host.length - 1) === \".\") host = host.substring(0, host.length - 1);\n\
         \x20 if (exact.hasOwnProperty(host)) return gate;\n\
         \x20 for (var dot = host.indexOf(\".\"); dot >= 0; dot = host.indexOf(\".\", dot + 1)) {{\n\
         \x20   if (under.hasOwnProperty(host.substring(dot + 1))) return gate;\n\
         \x20 }}\n\
         \x20 for (var i = 0; i < globs.length; i++) {{\n\
         \x20   if (shExpMatch(host, globs[i])) return gate;\n\
         \x20 }}\n\
         \x20 return other;\n\
         }}\n",
        gate = js(&gate),
        other = js(&other),
        exact = keys(&exact),
        under = keys(&under),
    )
}
