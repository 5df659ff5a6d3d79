//! `[gate.limits]`: every limit of the house with its default, in one table.
//! The rooms take what is theirs; a limit that is passed is named in the refusal by the key below.
//! Must not know: what happens past a limit.

use serde::{Deserialize, Serialize};

use super::units::{Size, Time};

/// All limits. Sizes are bytes, times are wall time of one wait, counts are per what their comment names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Client connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Requests between their first byte and the last byte of their answer; more get 503.
    pub requests_in_flight: usize,
    /// HTTP/2 streams at once on one connection.
    pub streams_per_connection: u32,
    /// Streams that a client opened and reset before they were taken up.
    pub pending_resets: usize,
    /// A request's head: request line and headers, or the decoded header list of HTTP/2.
    pub header_bytes: Size,
    pub header_count: usize,
    /// From the first byte of a head to its end (HTTP/1); a connection that idles for twice as long is closed.
    pub header_time: Time,
    /// How long a new tunnel may stay silent.
    pub sniff_time: Time,
    /// How many bytes are looked at to tell what a tunnel speaks.
    pub sniff_bytes: Size,
    /// TLS handshake with the client.
    pub handshake_time: Time,
    /// A request's body as sent.
    pub body: Size,
    /// A pause inside a request's body.
    pub body_idle: Time,
    /// All request bodies held at once.
    pub buffered_total: Size,
    /// How long a request waits for room in `buffered_total`.
    pub buffered_wait: Time,
    /// How much of a refused request's body is still read, so that the client sees the answer.
    pub drain_bytes: Size,
    pub drain_time: Time,
    /// A body after its content codings.
    pub decoded: Size,
    /// Decoded bytes for one coded byte.
    pub ratio: u32,
    /// Content codings on one body.
    pub codings: usize,
    /// Levels of JSON; the readers take 127 at most.
    pub json_depth: usize,
    /// Values of one JSON document, keys counted.
    pub json_values: usize,
    /// Layers inside strings: JSON in a string, base64.
    pub layers: usize,
    /// Parts of a multipart body.
    pub parts: usize,
    /// Text that is searched in one request.
    pub text: Size,
    /// Texts of one request.
    pub texts: usize,
    /// To the service: name, connection and TLS.
    pub upstream_connect: Time,
    /// Until the service's answer begins.
    pub upstream_head: Time,
    /// The service's answer head.
    pub upstream_header_bytes: Size,
    /// A pause inside an answer.
    pub stream_idle: Time,
    /// A tunnel with no byte in either direction.
    pub tunnel_idle: Time,
    /// Words of recent answers that are remembered for a person (or address) and service.
    pub memory_recent: usize,
    /// Words of a person's vault that one answer may bring back.
    pub memory_vault: usize,
    /// Sealed values that memory holds, of all together.
    pub memory_ram: Size,
    /// Sealed values that the store keeps for a named person, of each kind; the oldest go.
    pub memory_rows: u32,
    /// How long requests may finish after the first stop signal.
    pub shutdown: Time,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            requests_in_flight: 1_024,
            streams_per_connection: 128,
            pending_resets: 32,
            header_bytes: Size::kib(64),
            header_count: 128,
            header_time: Time::secs(30),
            sniff_time: Time::secs(2),
            sniff_bytes: Size::kib(32),
            handshake_time: Time::secs(10),
            body: Size::mib(32),
            body_idle: Time::secs(30),
            buffered_total: Size::mib(256),
            buffered_wait: Time::secs(10),
            drain_bytes: Size::mib(32),
            drain_time: Time::secs(10),
            decoded: Size::mib(64),
            ratio: 100,
            codings: 2,
            json_depth: 127,
            json_values: 4_000_000,
            layers: 4,
            parts: 2_000,
            text: Size::mib(16),
            texts: 200_000,
            upstream_connect: Time::secs(10),
            upstream_head: Time::secs(600),
            upstream_header_bytes: Size::kib(256),
            stream_idle: Time::secs(300),
            tunnel_idle: Time::secs(900),
            memory_recent: 2_000,
            memory_vault: 10_000,
            memory_ram: Size::mib(64),
            memory_rows: 50_000,
            shutdown: Time::secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_default_and_unknown_ones_are_refused() {
        let limits: Limits = toml::from_str("body = \"1MiB\"").unwrap();
        assert_eq!(limits.body, Size::mib(1));
        assert_eq!(Limits { body: Size::mib(32), ..limits }, Limits::default());
        let error = toml::from_str::<Limits>("bodi = \"1MiB\"").unwrap_err().to_string();
        assert!(error.contains("bodi"), "{error}");
        let written = toml::to_string(&Limits::default()).unwrap();
        assert_eq!(toml::from_str::<Limits>(&written).unwrap(), Limits::default());
    }
}
