//! Reads along with hyper on HTTP/1 connections and notes requests whose length is told twice: hyper keeps one of two
//! contradicting headers silently, and this house refuses such a request instead of choosing.
//! Must not know: what stands in bodies or other headers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was seen on one connection.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Flags>);

#[derive(Default)]
struct Flags {
    contradiction: AtomicBool,
    in_head: AtomicBool,
}

impl Watch {
    /// A request on this connection contradicted itself; set for good.
    pub(super) fn contradiction(&self) -> bool {
        self.0.contradiction.load(Ordering::Acquire)
    }

    /// A head has begun and is not complete: a timeout now is a slow client, else an idle connection.
    pub(super) fn in_head(&self) -> bool {
        self.0.in_head.load(Ordering::Acquire)
    }
}

enum Place {
    Head,
    Data(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    /// After CONNECT, or past what can be followed.
    Off,
}

/// Follows the framing of one connection's requests.
pub(super) struct Follow {
    place: Place,
    line: Vec<u8>,
    lines: usize,
    connect: bool,
    length: Option<u64>,
    transfer: usize,
    chunked: bool,
    wrong: bool,
    watch: Watch,
}

/// Enough for the lines that matter; longer ones are cut, their names still tell.
const LINE: usize = 512;

impl Follow {
    pub(super) fn new(watch: Watch) -> Self {
        Self {
            place: Place::Head,
            line: Vec::new(),
            lines: 0,
            connect: false,
            length: None,
            transfer: 0,
            chunked: false,
            wrong: false,
            watch,
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.follow(bytes);
        let in_head = matches!(self.place, Place::Head) && (self.lines > 0 || !self.line.is_empty());
        self.watch.0.in_head.store(in_head, Ordering::Release);
    }

    fn follow(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.place {
                Place::Off => return,
                Place::Data(left) | Place::ChunkData(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= take as u64;
                    rest = rest.get(take..).unwrap_or_default();
                    if *left == 0 {
                        self.place = if matches!(self.place, Place::Data(_)) { Place::Head } else { Place::ChunkEnd };
                    }
                }
                Place::Head | Place::ChunkSize | Place::ChunkEnd | Place::Trailers => {
                    let end = memchr::memchr(b'\n', rest);
                    let (part, after) = match end {
                        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default()),
                        None => (rest, &[][..]),
                    };
                    let room = LINE.saturating_sub(self.line.len());
                    self.line.extend(part.iter().take(room));
                    rest = after;
                    if end.is_some() {
                        let line = std::mem::take(&mut self.line);
                        self.line(line.strip_suffix(b"\r").unwrap_or(&line));
                        self.line = line;
                        self.line.clear();
                    }
                }
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        match self.place {
            Place::Head => self.head_line(line),
            Place::ChunkSize => {
                let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                let size = std::str::from_utf8(line.get(..digits).unwrap_or_default())
                    .ok()
                    .and_then(|text| u64::from_str_radix(text, 16).ok());
                self.place = match size {
                    Some(0) => Place::Trailers,
                    Some(size) => Place::ChunkData(size),
                    None => self.lost(),
                };
            }
            Place::ChunkEnd => self.place = if line.is_empty() { Place::ChunkSize } else { self.lost() },
            Place::Trailers => {
                if line.is_empty() {
                    self.place = Place::Head;
                }
            }
            Place::Data(_) | Place::ChunkData(_) | Place::Off => {}
        }
    }

    /// What cannot be followed cannot be vouched for.
    fn lost(&self) -> Place {
        self.watch.0.contradiction.store(true, Ordering::Release);
        Place::Off
    }

    fn head_line(&mut self, line: &[u8]) {
        if self.lines == 0 {
            if !line.is_empty() {
                self.lines = 1;
                self.connect = line.starts_with(b"CONNECT ");
            }
            return;
        }
        if !line.is_empty() {
            self.lines += 1;
            if let Some(colon) = line.iter().position(|b| *b == b':') {
                let (name, value) = line.split_at(colon);
                self.field(name, value.get(1..).unwrap_or_default().trim_ascii());
            }
            return;
        }
        let connect = std::mem::take(&mut self.connect);
        let length = self.length.take();
        let (transfer, chunked) = (std::mem::take(&mut self.transfer), std::mem::take(&mut self.chunked));
        let wrong = std::mem::take(&mut self.wrong);
        self.lines = 0;
        if wrong || transfer > 1 || (transfer == 1 && (length.is_some() || !chunked)) {
            self.place = self.lost();
        } else if connect {
            self.place = Place::Off;
        } else if transfer == 1 {
            self.place = Place::ChunkSize;
        } else if let Some(length @ 1..) = length {
            self.place = Place::Data(length);
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        let bare = name.trim_ascii();
        if bare.eq_ignore_ascii_case(b"content-length") {
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(value).ok().and_then(|t| t.parse::<u64>().ok()).filter(|_| digits);
            self.wrong |= number.is_none() || self.length.is_some_and(|old| Some(old) != number) || bare != name;
            self.length = number;
        } else if bare.eq_ignore_ascii_case(b"transfer-encoding") {
            self.transfer += 1;
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
            self.wrong |= bare != name;
        }
    }
}

/// A socket whose incoming bytes are followed.
pub(super) struct Followed<IO> {
    io: IO,
    follow: Follow,
}

impl<IO> Followed<IO> {
    pub(super) fn new(io: IO, watch: Watch) -> Self {
        Self { io, follow: Follow::new(watch) }
    }

    pub(super) fn into_inner(self) -> IO {
        self.io
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Followed<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        let polled = Pin::new(&mut this.io).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) {
            this.follow.read(buf.filled().get(before..).unwrap_or_default());
        }
        polled
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Followed<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contradicts(text: &str) -> bool {
        let answers: Vec<bool> = [1, 3, text.len()]
            .into_iter()
            .map(|step| {
                let watch = Watch::default();
                let mut follow = Follow::new(watch.clone());
                text.as_bytes().chunks(step).for_each(|part| follow.read(part));
                watch.contradiction()
            })
            .collect();
        assert!(answers.windows(2).all(|w| w[0] == w[1]), "the split matters for {text:?}");
        answers[0]
    }

    #[test]
    fn contradictions_are_seen_at_any_split() {
        for wrong in [
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(contradicts(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn honest_requests_pass() {
        for right in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nContent-Length: 62\r\n\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nPOST / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\n\r\n\x16\x03\x01Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(!contradicts(right), "{right:?}");
        }
    }
}
