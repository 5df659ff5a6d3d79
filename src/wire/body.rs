//! Bodies with limits: a request's body is read whole under a cap and under the house's common budget.
//! An answer's body is one type from the service to the client.
//! Must not know: what stands in a body.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;
use super::task::Tasks;
use super::units::{Size, Time};

/// Any error of a layer below, without a user's text in it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What goes back to the client: frames as they come, trailers too.
pub type AnswerBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

/// A whole answer in one piece.
pub fn whole(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Any body as an answer.
pub fn streamed<B>(body: B) -> AnswerBody
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    #[error("the body is larger than `body` = {limit} (at least {seen} bytes)")]
    TooLarge { limit: Size, seen: u64 },
    #[error("the gate holds as many bodies as `buffered_total` = {total} allows; no room within {waited}")]
    Busy { total: Size, waited: Time },
    #[error("no byte of the body came within `body_idle` = {0}")]
    Idle(Time),
    #[error("the body ended early or its framing is broken")]
    Broken,
}

impl BodyError {
    /// The status that says it: 413, 503, 408 never (clients would send again), 400.
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::TooLarge { .. } => http::StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy { .. } => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::Idle(_) | Self::Broken => http::StatusCode::BAD_REQUEST,
        }
    }
}

/// Room for all bodies that are held at once (`buffered_total`), weighed in KiB.
#[derive(Clone)]
pub struct BodyBudget {
    room: Arc<Semaphore>,
    total: Size,
    wait: Time,
    idle: Time,
}

const UNIT: u64 = 1 << 10;

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

impl BodyBudget {
    pub fn new(limits: &Limits) -> Self {
        let room = usize::try_from(limits.buffered_total.0 / UNIT).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(room)),
            total: limits.buffered_total,
            wait: limits.buffered_wait,
            idle: limits.body_idle,
        }
    }

    /// Bytes that are free now.
    pub fn free(&self) -> u64 {
        self.room.available_permits() as u64 * UNIT
    }

    /// Waits for room, at most `buffered_wait`.
    ///
    /// # Errors
    /// [`BodyError::Busy`] when there is none in time, or never could be.
    pub async fn take(&self, bytes: u64) -> Result<Weight, BodyError> {
        let busy = || BodyError::Busy { total: self.total, waited: self.wait };
        if bytes > self.total.0 {
            return Err(busy());
        }
        let wait = Arc::clone(&self.room).acquire_many_owned(units(bytes));
        match tokio::time::timeout(self.wait.0, wait).await {
            Ok(Ok(permit)) => Ok(Weight(permit)),
            _ => Err(busy()),
        }
    }
}

/// Room that was taken; given back when dropped.
#[derive(Debug)]
pub struct Weight(OwnedSemaphorePermit);

/// A body in memory, and its room in the budget. Its `Debug` is its length.
pub struct Held {
    bytes: Bytes,
    weight: Weight,
}

impl Held {
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, and the room they take: keep it as long as any copy of them lives.
    pub fn into_parts(self) -> (Bytes, Weight) {
        (self.bytes, self.weight)
    }
}

impl std::ops::Deref for Held {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} bytes)", self.bytes.len())
    }
}

/// Reads a body whole. Trailers are dropped.
///
/// # Errors
/// Past `limit` (at once when the length is announced), without room in the budget, too slow, cut.
pub async fn read_capped<B>(body: B, limit: Size, budget: &BodyBudget) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut body = body;
    let announced = body.size_hint().lower();
    if announced > limit.0 {
        return Err(BodyError::TooLarge { limit, seen: announced });
    }
    let mut weight = budget.take(announced).await?;
    let mut weighed = announced;
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut seen = 0u64;
    loop {
        let frame = match tokio::time::timeout(budget.idle.0, body.frame()).await {
            Err(_) => return Err(BodyError::Idle(budget.idle)),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(BodyError::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len() as u64;
        if seen > limit.0 {
            return Err(BodyError::TooLarge { limit, seen });
        }
        if seen > weighed {
            // Grow in steps that double, so that a long unannounced body asks a few times only.
            let more = (seen - weighed).max(weighed.min(1 << 20)).min(limit.0 - weighed);
            let further = budget.take(more).await?;
            weight.0.merge(further.0);
            weighed += more;
        }
        match first.take() {
            None if rest.is_empty() => first = Some(data),
            head => {
                if let Some(head) = head {
                    rest.reserve(usize::try_from(announced).unwrap_or(0).max(head.len() + data.len()));
                    rest.extend_from_slice(&head);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    let bytes = first.unwrap_or_else(|| rest.freeze());
    Ok(Held { bytes, weight })
}

/// A request's body from the client. Whatever of it is not read is drained in the background, bounded, so that the
/// client sees the answer instead of a reset.
pub struct ReceivedBody {
    inner: Option<hyper::body::Incoming>,
    tasks: Tasks,
    drain_bytes: u64,
    drain_time: Duration,
}

impl ReceivedBody {
    pub(crate) fn new(inner: hyper::body::Incoming, tasks: Tasks, limits: &Limits) -> Self {
        Self { inner: Some(inner), tasks, drain_bytes: limits.drain_bytes.0, drain_time: limits.drain_time.0 }
    }

    pub fn empty(tasks: Tasks) -> Self {
        Self { inner: None, tasks, drain_bytes: 0, drain_time: Duration::ZERO }
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.inner.as_mut() {
            None => Poll::Ready(None),
            Some(inner) => Pin::new(inner).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        let Some(mut inner) = self.inner.take() else { return };
        if inner.is_end_stream() || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let (most, time) = (self.drain_bytes, self.drain_time);
        self.tasks.spawn("drain", async move {
            let read = async {
                let mut seen = 0u64;
                while let Some(Ok(frame)) = inner.frame().await {
                    seen += frame.data_ref().map_or(0, Bytes::len) as u64;
                    if seen > most {
                        break;
                    }
                }
            };
            if tokio::time::timeout(time, read).await.is_err() {
                tracing::debug!("a refused body was not finished in time");
            }
        });
    }
}

/// Holds something (a permit, a room, a guard) until the answer's last byte has gone or the client has left.
pub struct Holding<B, T> {
    body: B,
    _held: T,
}

impl<B, T> Holding<B, T> {
    pub fn new(body: B, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<B: Body + Unpin, T: Unpin> Body for Holding<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;

    fn budget(total: Size) -> BodyBudget {
        BodyBudget::new(&Limits {
            buffered_total: total,
            buffered_wait: Time::millis(30),
            body_idle: Time::millis(50),
            ..Limits::default()
        })
    }

    fn chunks(sizes: &[usize]) -> impl Body<Data = Bytes, Error = BoxError> + Unpin + use<> {
        let frames: Vec<Result<Frame<Bytes>, BoxError>> =
            sizes.iter().map(|n| Ok(Frame::data(Bytes::from(vec![b'x'; *n])))).collect();
        StreamBody::new(futures_util::stream::iter(frames))
    }

    #[tokio::test]
    async fn reads_whole_and_counts_while_reading() {
        let budget = budget(Size::mib(1));
        let held = read_capped(chunks(&[5, 0, 7]), Size(12), &budget).await.unwrap();
        assert_eq!(held.len(), 12);
        let error = read_capped(chunks(&[5, 8]), Size(12), &budget).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { seen: 13, .. }));
        assert!(error.to_string().contains("`body` = 12B"));
        let error = read_capped(whole(vec![0u8; 100]), Size(12), &budget).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { seen: 100, .. }));
    }

    #[tokio::test]
    async fn the_budget_is_shared_waited_for_and_given_back() {
        let budget = budget(Size::kib(64));
        let first = read_capped(chunks(&[40 << 10]), Size::mib(1), &budget).await.unwrap();
        let error = read_capped(chunks(&[20 << 10, 20 << 10]), Size::mib(1), &budget).await.unwrap_err();
        assert!(matches!(error, BodyError::Busy { .. }));
        assert_eq!(error.status(), http::StatusCode::SERVICE_UNAVAILABLE);
        let (later, ()) = tokio::join!(read_capped(chunks(&[40 << 10]), Size::mib(1), &budget), async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(first);
        });
        drop(later.unwrap());
        assert_eq!(budget.free(), 64 << 10);
        assert!(matches!(budget.take(65 << 10).await, Err(BodyError::Busy { .. })));
    }

    #[tokio::test]
    async fn a_body_that_stops_is_given_up() {
        let budget = budget(Size::kib(64));
        let silent = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, BoxError>>());
        assert!(matches!(read_capped(silent, Size(10), &budget).await, Err(BodyError::Idle(_))));
    }
}
