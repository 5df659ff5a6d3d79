//! Step 10: what was decided, when, for whom and for which purpose; append-only events in one chain a gate.
//! `Recorder::append` returns when the events are durable: the gate calls it before the first byte goes upstream.
//! Must not know: plain text. Its types hold counts, codes, ids and words of the config; nothing that a user typed.

pub mod chain;
pub mod event;
pub mod recorder;
pub mod search;
pub mod store;
pub mod verify;

pub use event::{Event, Name, Word};
pub use recorder::{RecordError, Recorder};
pub use store::{Aside, Sealed, Store, StoreError};
