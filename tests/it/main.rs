//! One binary for all tests that need more than one room. Nothing here needs the network outside of this machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::type_complexity,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that goes wrong stops, and its clients are not the gate's"
)]

mod architecture;
mod config;
mod drain;
mod limits;
mod pages;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod power;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod record;
mod sniff;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod support;
mod tls;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod way;
mod way_net;
