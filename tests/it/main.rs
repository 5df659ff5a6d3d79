//! One binary for all tests that need more than one room.

mod architecture;
mod drain;
mod limits;
mod pages;
mod record;
mod sniff;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod support;
mod tls;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod way;
mod way_net;
