//! The way of a request through the whole gate, as it ships, to a stand-in service and back.

mod answers;
mod child;
mod desk;
mod record;
mod refusals;
mod scopes;
mod stand;
mod turns;
mod words;
