//! Tsuitate (衝立): a local PII-redaction forward proxy for generative-AI calls.
//!
//! The rooms stand in the order in which a request walks through the house:
//! accept → identify → unpack → locate → detect → decide → mask → forward → restore → record.
//! `detect`, `locate`, `unpack`, `decide`, `mask`, `restore` and `refuse` are pure: no socket, file, clock or
//! randomness. They build alone with `--no-default-features`; everything else needs the feature `gate`.
//!
//! The library is the program's own: only the command line, the config and the record's form are kept stable.

pub mod decide;
pub mod detect;
pub mod locate;
pub mod mask;
pub mod refuse;
pub mod restore;
pub mod score;
pub mod unpack;
