//! The engine `layout`.

use crate::detect::engine::{Engine, Output, View};
use crate::detect::fuel::{DetectError, Fuel};

/// The engine `layout`.
pub struct Layout {}

impl Layout {
    /// The engine with the data that are embedded.
    #[must_use]
    pub fn shipped() -> Self {
        Self {}
    }
}

impl Engine for Layout {
    fn name(&self) -> &'static str {
        "layout"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, _out: &mut Output) -> Result<(), DetectError> {
        fuel.burn(view.text.folded().len() as u64)
    }
}
