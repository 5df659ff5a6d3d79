//! What accept and forward share: limits and their units, capped bodies, TLS parts, dialling, codings, watched tasks.
//! Every byte that is buffered is counted here, and every task that is started is watched here.
//! Must not know: classes of data, Japanese, providers, records.

pub mod body;
pub mod coding;
pub mod dial;
pub mod headers;
pub mod host;
pub mod limits;
pub mod prefixed;
pub mod task;
pub mod tls;
pub mod units;
