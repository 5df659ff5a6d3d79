//! The answer as a stream: codings undone, idle time watched, a cut reported as an error and never as an end.
//! Must not know: what the frames hold.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{Response, StatusCode, response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::ForwardError;
use crate::wire::coding::{Decoded, codings};
use crate::wire::headers::{remove_in_order, strip_hop_by_hop};
use crate::wire::host::HostPort;
use crate::wire::limits::Limits;
use crate::wire::units::Time;

/// A service's answer: the head is here, the body comes.
pub struct Answer {
    pub parts: response::Parts,
    pub body: AnswerFrames,
    /// The answer came packed and is given plain: its length is not known before its end.
    pub was_coded: bool,
}

enum Source {
    Plain(Incoming),
    Coded(Box<Decoded>),
}

/// Frames of an answer. Trailers come as the last frame. After an error nothing follows.
pub struct AnswerFrames {
    source: Source,
    to: HostPort,
    idle: Time,
    timer: Pin<Box<Sleep>>,
    done: bool,
}

pub(super) fn open(
    response: Response<Incoming>,
    to: HostPort,
    head_only: bool,
    limits: &Limits,
) -> Result<Answer, ForwardError> {
    let (mut parts, body) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(ForwardError::Upgrade { to });
    }
    strip_hop_by_hop(&mut parts.headers);
    for gone in [header::ALT_SVC, HeaderName::from_static("alternate-protocol")] {
        remove_in_order(&mut parts.headers, &gone);
    }
    let bodiless = head_only
        || parts.status == StatusCode::NO_CONTENT
        || parts.status == StatusCode::NOT_MODIFIED
        || body.is_end_stream();
    let found = codings(&parts.headers, limits.codings).map_err(|why| ForwardError::Coding { to: to.clone(), why })?;
    let was_coded = !found.is_empty() && !bodiless;
    let source = if was_coded {
        // A slice of a packed body cannot be unpacked alone.
        if parts.status == StatusCode::PARTIAL_CONTENT {
            return Err(ForwardError::Coding { to, why: crate::wire::coding::CodingError::Unknown });
        }
        for gone in [header::CONTENT_ENCODING, header::CONTENT_LENGTH] {
            remove_in_order(&mut parts.headers, &gone);
        }
        Source::Coded(Box::new(Decoded::new(body, &found)))
    } else {
        Source::Plain(body)
    };
    let idle = limits.stream_idle;
    let timer = Box::pin(tokio::time::sleep(idle.0));
    Ok(Answer { parts, body: AnswerFrames { source, to, idle, timer, done: false }, was_coded })
}

impl Body for AnswerFrames {
    type Data = Bytes;
    type Error = ForwardError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ForwardError>>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        let polled = match &mut this.source {
            Source::Plain(body) => Pin::new(body).poll_frame(cx).map_err(|_| ()),
            Source::Coded(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(|_| ()),
        };
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                let next = Instant::now() + this.idle.0;
                // Moving a timer is not free; a hundredth of its length is close enough.
                if next.saturating_duration_since(this.timer.deadline())
                    > this.idle.0.min(Duration::from_secs(100)) / 100
                {
                    this.timer.as_mut().reset(next);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(()))) => {
                this.done = true;
                Poll::Ready(Some(Err(ForwardError::Cut { to: this.to.clone() })))
            }
            Poll::Ready(None) => {
                this.done = true;
                Poll::Ready(None)
            }
            Poll::Pending => match this.timer.as_mut().poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    this.done = true;
                    Poll::Ready(Some(Err(ForwardError::Idle { to: this.to.clone(), limit: this.idle })))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.done || matches!(&self.source, Source::Plain(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Plain(body) => body.size_hint(),
            Source::Coded(_) => SizeHint::default(),
        }
    }
}
