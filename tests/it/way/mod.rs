//! The way of a request through the whole gate, as it ships, to a stand-in service and back.

mod answers;
mod child;
mod desk;
mod heads;
mod limits;
mod list;
mod record;
mod recorded;
mod refusals;
mod scopes;
mod settings;
pub mod stand;
mod turned;
mod turns;
mod words;
