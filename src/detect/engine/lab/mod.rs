//! The engine `lab`.

use crate::detect::engine::{Engine, Output, View};
use crate::detect::fuel::{DetectError, Fuel};

/// The engine `lab`.
pub struct Lab {}

impl Lab {
    /// The engine with the data that are embedded.
    #[must_use]
    pub fn shipped() -> Self {
        Self {}
    }
}

impl Engine for Lab {
    fn name(&self) -> &'static str {
        "lab"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, _out: &mut Output) -> Result<(), DetectError> {
        fuel.burn(view.text.folded().len() as u64)
    }
}
