//! `application/x-www-form-urlencoded`: fields in order, JSON inside them, edits in place.

use crate::locate::Place;

use super::error::Unreadable;
use super::head::pairs;
use super::open::Context;
use super::source::{Shape, Source};

pub(super) fn body(text: String, context: &mut Context<'_>) -> Result<Source, Unreadable> {
    let mut source = Source::new(Shape::Form, Vec::new());
    pairs(&text, 0, Place::Body, &mut source, context)?;
    source.bytes = text.into_bytes();
    Ok(source)
}
