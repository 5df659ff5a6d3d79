//! x
mod grammar;
