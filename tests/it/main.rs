//! One binary for all tests that need more than one room.

mod architecture;
mod record;
//! Everything through real sockets, one binary. Nothing here needs the network outside of this machine.
mod drain;
mod limits;
mod pages;
mod sniff;
#[expect(unreachable_pub, reason = "shared by the test modules alone")]
mod support;
mod tls;
mod way_net;
