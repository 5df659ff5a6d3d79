//! A client that leaves while the gate waits (for the disk, for the service's first byte) takes the request's future with
//! it. What is open in the record is then closed from here, so that nothing stays open without an end.
//! Must not know: why the client left.

use std::sync::Arc;

use super::{Entry, House};
use crate::restore::Counts;

/// Closes the record as `client_gone` when it is dropped before [`Leaving::stayed`].
pub struct Leaving(Option<(Arc<House>, Entry)>);

impl Leaving {
    /// From here on the client may leave.
    #[must_use]
    pub fn new(house: &Arc<House>, entry: &Entry) -> Self {
        Self(Some((Arc::clone(house), entry.clone())))
    }

    /// It did not.
    pub fn stayed(mut self) {
        self.0 = None;
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let Some((house, entry)) = self.0.take() else { return };
        let closed = entry.closed("client_gone", None, 0, Counts::default(), None);
        let inside = Arc::clone(&house);
        house.tasks.spawn("record", async move {
            if let Err(error) = inside.recorder.append(vec![closed], Vec::new()).await {
                inside.metrics.unwritten();
                tracing::error!(record = entry.record, %error, "the outcome could not be recorded");
            }
        });
    }
}
