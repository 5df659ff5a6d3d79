//! Counts the bytes of a tunnel and notices when both directions are silent.
//! Must not know: what passes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

#[derive(Clone)]
pub(super) struct Count {
    inner: Arc<Inner>,
}

struct Inner {
    start: Instant,
    up: AtomicU64,
    down: AtomicU64,
    last_ms: AtomicU64,
}

impl Count {
    pub(super) fn new() -> Self {
        let inner =
            Inner { start: Instant::now(), up: AtomicU64::new(0), down: AtomicU64::new(0), last_ms: AtomicU64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn up(&self) -> u64 {
        self.inner.up.load(Ordering::Relaxed)
    }

    pub(super) fn down(&self) -> u64 {
        self.inner.down.load(Ordering::Relaxed)
    }

    pub(super) fn lasted(&self) -> Duration {
        self.inner.start.elapsed()
    }

    fn touch(&self) {
        let now = u64::try_from(self.inner.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.inner.last_ms.store(now, Ordering::Relaxed);
    }

    /// Returns when nothing has passed for `idle`.
    pub(super) async fn silent_for(&self, idle: Duration) {
        loop {
            let last = self.inner.start + Duration::from_millis(self.inner.last_ms.load(Ordering::Relaxed));
            if last.elapsed() >= idle {
                return;
            }
            tokio::time::sleep_until(last + idle).await;
        }
    }
}

/// The client's end of a tunnel: what is read from it goes up, what is written to it goes down.
pub(super) struct Counted<IO> {
    pub(super) io: IO,
    pub(super) count: Count,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counted<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let more = buf.filled().len() - before;
        if more > 0 {
            self.count.inner.up.fetch_add(more as u64, Ordering::Relaxed);
            self.count.touch();
        }
        polled
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Counted<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = &polled {
            self.count.inner.down.fetch_add(*n as u64, Ordering::Relaxed);
            self.count.touch();
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
