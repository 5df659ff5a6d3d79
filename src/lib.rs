//! Tsuitate (衝立): a local PII-redaction forward proxy for generative-AI calls.
//!
//! The rooms stand in the order in which a request walks through the house:
//! accept → identify → unpack → locate → detect → decide → mask → forward → restore → record.
//! `detect`, `locate`, `unpack`, `decide`, `mask`, `restore` and `refuse` are pure: no socket, file, clock or
//! randomness. They build alone with `--no-default-features`; everything else needs the feature `gate`.
//!
//! The library is the program's own: only the command line, the config and the record's form are kept stable.

#![forbid(unsafe_code)]
// Tests may be blunt: they run on their own words.
#![cfg_attr(test, allow(clippy::string_slice, clippy::single_range_in_vec_init, clippy::field_reassign_with_default))]

#[cfg(feature = "gate")]
pub mod accept;
#[cfg(feature = "gate")]
pub mod ca;
#[cfg(feature = "gate")]
pub mod cli;
#[cfg(feature = "gate")]
pub mod config;
pub mod decide;
pub mod detect;
#[cfg(feature = "gate")]
pub mod forward;
#[cfg(feature = "gate")]
pub mod gate;
#[cfg(feature = "gate")]
pub mod house;
#[cfg(feature = "gate")]
pub mod identify;
#[cfg(feature = "gate")]
pub mod keys;
#[cfg(feature = "gate")]
pub mod list;
pub mod locate;
pub mod mask;
#[cfg(feature = "gate")]
pub mod portal;
#[cfg(feature = "gate")]
pub mod record;
pub mod refuse;
pub mod restore;
pub mod score;
#[cfg(feature = "gate")]
pub mod store;
#[cfg(feature = "gate")]
pub mod telemetry;
pub mod unpack;
#[cfg(feature = "gate")]
pub mod wire;
