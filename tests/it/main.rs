//! One binary for all tests that need more than one room.

mod architecture;
mod record;
mod drain;
mod limits;
mod pages;
mod sniff;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod support;
mod tls;
mod way_net;
