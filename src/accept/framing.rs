//! Stands between the socket and hyper on HTTP/1 connections: each head is read to its end and judged before hyper sees a
//! byte of it. A head that hyper would refuse by a bare status, or read one of two ways, is replaced by a placeholder
//! request, so that the refusal takes the same way as every other and is recorded; then the connection ends.
//! Must not know: what stands in bodies or other headers.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, Uri};
use httparse::Status;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::BadHead;
use crate::wire::limits::Limits;

/// What was seen on one connection.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Flags>);

#[derive(Default)]
struct Flags {
    bad: OnceLock<BadHead>,
    in_head: AtomicBool,
}

impl Watch {
    /// The request that hyper hands on now is the placeholder of a head that was refused. Set before hyper sees the
    /// placeholder and after it has handed on every request before it; the last word on its connection.
    pub(super) fn bad_head(&self) -> Option<BadHead> {
        self.0.bad.get().cloned()
    }

    /// A head has begun and is not complete: a timeout now is a slow client, else an idle connection.
    pub(super) fn in_head(&self) -> bool {
        self.0.in_head.load(Ordering::Acquire)
    }
}

/// The limits of a head, and of what is still read after one was refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadLimits {
    bytes: crate::wire::units::Size,
    count: usize,
    time: crate::wire::units::Time,
    drain_bytes: u64,
    drain_time: Duration,
}

impl From<&Limits> for HeadLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            bytes: limits.header_bytes,
            count: limits.header_count,
            time: limits.header_time,
            drain_bytes: limits.drain_bytes.0,
            drain_time: limits.drain_time.0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    Data(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    /// After CONNECT: the bytes are the tunnel's.
    Off,
    /// The chunks of a body cannot be followed: hyper reads an error.
    Lost,
    /// A head was refused; nothing after it is a request.
    Refused,
}

/// Follows the framing of one connection's bodies.
struct Follow {
    place: Place,
    line: Vec<u8>,
}

/// Enough for the lines that matter; longer ones are cut, their beginning still tells.
const LINE: usize = 512;

impl Follow {
    /// Follows a body; how many of the bytes belong to it.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.place {
                Place::Off => return bytes.len(),
                Place::Head | Place::Lost | Place::Refused => break,
                Place::Data(left) | Place::ChunkData(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= take as u64;
                    rest = rest.get(take..).unwrap_or_default();
                    if *left == 0 {
                        self.place = if matches!(self.place, Place::Data(_)) { Place::Head } else { Place::ChunkEnd };
                    }
                }
                Place::ChunkSize | Place::ChunkEnd | Place::Trailers => {
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
                        self.place = self.line(line.strip_suffix(b"\r").unwrap_or(&line));
                        self.line = line;
                        self.line.clear();
                    }
                }
            }
        }
        bytes.len() - rest.len()
    }

    fn line(&self, line: &[u8]) -> Place {
        match self.place {
            Place::ChunkSize => {
                let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                let size = std::str::from_utf8(line.get(..digits).unwrap_or_default())
                    .ok()
                    .and_then(|text| u64::from_str_radix(text, 16).ok());
                match size {
                    Some(0) => Place::Trailers,
                    Some(size) => Place::ChunkData(size),
                    None => Place::Lost,
                }
            }
            Place::ChunkEnd => {
                if line.is_empty() {
                    Place::ChunkSize
                } else {
                    Place::Lost
                }
            }
            Place::Trailers if line.is_empty() => Place::Head,
            place => place,
        }
    }
}

enum Judged {
    More,
    /// A head of this many bytes that hyper takes; what follows it.
    Good(usize, Place),
    Bad(BadHead),
}

/// Empty lines that may stand before a request.
const LEADING: usize = 16;
/// hyper's own limit.
const TARGET: usize = 65_534;

/// Judges what has come of a head. Whatever passes here, hyper takes; whatever names its length twice, nobody takes.
fn judge(held: &[u8], limits: &HeadLimits) -> Judged {
    if held.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count() > LEADING {
        return Judged::Bad(BadHead::RequestLine);
    }
    let seen = held.len() as u64;
    let too_large = || Judged::Bad(BadHead::Bytes { limit: limits.bytes, seen });
    let mut fields = vec![httparse::EMPTY_HEADER; limits.count];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(held) {
        Ok(Status::Partial) if seen > limits.bytes.0 => too_large(),
        Ok(Status::Partial) => Judged::More,
        Ok(Status::Complete(length)) if length as u64 > limits.bytes.0 => too_large(),
        Ok(Status::Complete(length)) => match examine(&request) {
            Ok(place) => Judged::Good(length, place),
            Err(bad) => Judged::Bad(bad),
        },
        Err(httparse::Error::TooManyHeaders) => {
            // The request line and the one that was too many are not counted, nor is the empty line at the end.
            let seen = held.iter().filter(|byte| **byte == b'\n').count().saturating_sub(2).max(limits.count + 1);
            Judged::Bad(BadHead::Count { limit: limits.count, seen })
        }
        Err(_)
            if request.version.is_some()
                && first_line(held)
                    .is_some_and(|line| [&b" HTTP/1.1"[..], b" HTTP/1.0"].iter().any(|end| line.ends_with(end))) =>
        {
            Judged::Bad(BadHead::Field)
        }
        Err(_) => Judged::Bad(BadHead::RequestLine),
    }
}

/// The request line, when all of it is there.
fn first_line(held: &[u8]) -> Option<&[u8]> {
    let start = held.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let rest = held.get(start..)?;
    let line = rest.get(..memchr::memchr(b'\n', rest)?)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

fn examine(request: &httparse::Request<'_, '_>) -> Result<Place, BadHead> {
    let method = request.method.unwrap_or_default();
    let target = request.path.unwrap_or_default();
    if target.len() > TARGET {
        return Err(BadHead::Target { seen: target.len() });
    }
    if Method::from_bytes(method.as_bytes()).is_err() || Uri::try_from(target).is_err() {
        return Err(BadHead::RequestLine);
    }
    let (mut length, mut transfer) = (None, 0_usize);
    for field in request.headers.iter() {
        if HeaderName::from_bytes(field.name.as_bytes()).is_err() || HeaderValue::from_bytes(field.value).is_err() {
            return Err(BadHead::Field);
        }
        let value = field.value.trim_ascii();
        if field.name.eq_ignore_ascii_case("content-length") {
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
            let number = number.filter(|number| digits && *number < u64::MAX - 1).ok_or(BadHead::Length)?;
            if length.is_some_and(|before| before != number) {
                return Err(BadHead::Length);
            }
            length = Some(number);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            transfer += 1;
            if transfer > 1 || !value.eq_ignore_ascii_case(b"chunked") || request.version != Some(1) {
                return Err(BadHead::TransferEncoding);
            }
        }
    }
    match (transfer, length) {
        (1, Some(_)) => Err(BadHead::Framing),
        _ if method == "CONNECT" => Ok(Place::Off),
        (1, None) => Ok(Place::ChunkSize),
        (_, Some(length @ 1..)) => Ok(Place::Data(length)),
        _ => Ok(Place::Head),
    }
}

/// A request of the same method and target, where those can be read: the refusal takes the shape of what was asked.
fn placeholder(held: &[u8]) -> Bytes {
    let mut words =
        std::str::from_utf8(first_line(held).unwrap_or_default()).unwrap_or_default().split_ascii_whitespace();
    let method = words.next().filter(|word| Method::from_bytes(word.as_bytes()).is_ok_and(|m| m != Method::CONNECT));
    let target = words.next().filter(|word| word.len() < 8192 && Uri::try_from(*word).is_ok());
    let (method, target) = match (method, target) {
        (Some(method), Some(target)) if method.len() < 32 => (method, target),
        _ => ("GET", "/"),
    };
    Bytes::from(format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n\r\n"))
}

/// A socket whose incoming requests are judged and followed.
pub(super) struct Followed<IO> {
    io: IO,
    follow: Follow,
    limits: HeadLimits,
    watch: Watch,
    /// What has been read and not judged: a head that is not complete, or what came after a body's end.
    held: BytesMut,
    /// Bytes of `held` that were judged already, and found incomplete.
    looked: usize,
    /// What hyper may have.
    out: Bytes,
    /// When the head that has begun must be complete.
    until: Option<Pin<Box<Sleep>>>,
    /// After a refusal: what was still read, and until when.
    linger: Option<Pin<Box<Sleep>>>,
    drained: u64,
}

/// What is read at a time of a head.
const STEP: usize = 8 << 10;

impl<IO> Followed<IO> {
    pub(super) fn new(io: IO, limits: &Limits, watch: Watch) -> Self {
        Self {
            io,
            follow: Follow { place: Place::Head, line: Vec::new() },
            limits: limits.into(),
            watch,
            held: BytesMut::new(),
            looked: 0,
            out: Bytes::new(),
            until: None,
            linger: None,
            drained: 0,
        }
    }

    /// The socket, and what was read from it and not handed on.
    pub(super) fn into_inner(self) -> (IO, Bytes) {
        let mut rest = BytesMut::from(self.out);
        rest.unsplit(self.held);
        (self.io, rest.freeze())
    }

    fn refuse(&mut self, bad: BadHead) {
        self.out = placeholder(&self.held);
        self.held = BytesMut::new();
        self.follow.place = Place::Refused;
        self.until = None;
        // Only the first counts; there is none after it.
        let _first = self.watch.0.bad.set(bad);
    }

    /// Judges what is held of a head, if there is more of it than at the last look.
    fn look(&mut self) {
        let fresh = self.held.get(self.looked..).unwrap_or_default();
        let worth = memchr::memchr(b'\n', fresh).is_some() || self.held.len() as u64 > self.limits.bytes.0;
        if fresh.is_empty() || !worth {
            return;
        }
        match judge(&self.held, &self.limits) {
            Judged::More => self.looked = self.held.len(),
            Judged::Bad(bad) => self.refuse(bad),
            Judged::Good(length, place) => {
                self.out = self.held.split_to(length).freeze();
                self.looked = 0;
                self.until = None;
                self.follow.place = place;
            }
        }
    }
}

impl<IO: AsyncRead + Unpin> Followed<IO> {
    fn poll_follow(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.out.is_empty() {
                // One head, or part of one body: hyper hands a request on before it asks for the next one's bytes.
                let take = self.out.len().min(buf.remaining());
                buf.put_slice(&self.out.split_to(take));
                return Poll::Ready(Ok(()));
            }
            match self.follow.place {
                Place::Lost => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the chunks cannot be followed",
                    )));
                }
                // The answer is under way, and it is the last: nothing is waited for.
                Place::Refused => return Poll::Pending,
                Place::Head => {
                    self.look();
                    if self.follow.place != Place::Head || !self.out.is_empty() {
                        continue;
                    }
                    self.held.reserve(STEP);
                    let mut step = (&mut self.held).limit(STEP);
                    match tokio_util::io::poll_read_buf(Pin::new(&mut self.io), cx, &mut step) {
                        Poll::Ready(Ok(0)) if self.held.is_empty() => return Poll::Ready(Ok(())),
                        Poll::Ready(Ok(0)) => self.refuse(BadHead::Unfinished),
                        Poll::Ready(Ok(_)) => {}
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => {
                            if self.held.is_empty() {
                                return Poll::Pending;
                            }
                            let time = self.limits.time;
                            let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(time.0)));
                            ready!(until.as_mut().poll(cx));
                            self.refuse(BadHead::Time(time));
                        }
                    }
                }
                _ if !self.held.is_empty() => {
                    let length = self.follow.pass(&self.held);
                    self.out = self.held.split_to(length).freeze();
                }
                _ => {
                    let before = buf.filled().len();
                    ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
                    let fresh = buf.filled().get(before..).unwrap_or_default();
                    let length = self.follow.pass(fresh);
                    self.held.extend_from_slice(fresh.get(length..).unwrap_or_default());
                    buf.set_filled(before + length);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    /// After a refusal: the client may still be sending, and closing on it could take the answer from it.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let time = self.limits.drain_time;
        let until = self.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        if until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; STEP];
        while self.drained <= self.limits.drain_bytes {
            let mut read = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => self.drained += read.filled().len() as u64,
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Followed<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let polled = this.poll_follow(cx, buf);
        let in_head = this.follow.place == Place::Head && !this.held.is_empty();
        this.watch.0.in_head.store(in_head, Ordering::Release);
        polled
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Followed<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            if this.follow.place != Place::Refused {
                return Poll::Ready(Ok(()));
            }
        }
        this.poll_linger(cx)
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
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::wire::units::Size;

    /// What hyper would read, what was refused, and the most that was held.
    async fn through(bytes: &[u8], step: usize, limits: &Limits) -> (Vec<u8>, Option<BadHead>, usize) {
        let watch = Watch::default();
        let (mut client, gate) = tokio::io::duplex(step.max(1));
        let bytes = bytes.to_vec();
        let expected = bytes.len();
        let sending = async move {
            tokio::io::AsyncWriteExt::write_all(&mut client, &bytes).await.unwrap();
            std::future::pending::<()>().await;
            drop(client);
        };
        let mut followed = Followed::new(gate, limits, watch.clone());
        let reading = async {
            let (mut all, mut part, mut most) = (Vec::new(), [0; 700], 0);
            // Until all of it has arrived, or the placeholder of what was refused.
            while all.len() < expected && !(followed.follow.place == Place::Refused && followed.out.is_empty()) {
                let read = followed.read(&mut part).await.unwrap();
                all.extend_from_slice(&part[..read]);
                most = most.max(followed.held.capacity());
            }
            (all, most)
        };
        // A refused client is not read further, so it may stand there with the rest.
        let (mut sending, mut reading) = (std::pin::pin!(sending), std::pin::pin!(reading));
        let patience = tokio::time::sleep(Duration::from_secs(20));
        let (all, most) = tokio::select! {
            read = &mut reading => read,
            () = &mut sending => unreachable!("a client does not leave"),
            () = patience => panic!("it does not end"),
        };
        (all, watch.bad_head(), most)
    }

    async fn judged(text: &str) -> Option<BadHead> {
        let mut answers = Vec::new();
        for step in [1, 3, text.len()] {
            let (out, bad, _) = through(text.as_bytes(), step, &Limits::default()).await;
            if bad.is_none() {
                assert_eq!(String::from_utf8_lossy(&out), text, "every byte arrives");
            } else {
                assert!(out.ends_with(b" HTTP/1.1\r\nConnection: close\r\n\r\n"), "{}", String::from_utf8_lossy(&out));
            }
            answers.push(bad);
        }
        assert!(answers.windows(2).all(|w| w[0] == w[1]), "the split matters for {text:?}: {answers:?}");
        answers.remove(0)
    }

    #[tokio::test]
    async fn bad_heads_are_seen_at_any_split_and_never_reach_the_parser() {
        use BadHead::{Field, Framing, Length, RequestLine, TransferEncoding};
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(65_600));
        let limits = Limits { header_bytes: Size::mib(1), ..Limits::default() };
        assert_eq!(through(long.as_bytes(), 9000, &limits).await.1, Some(BadHead::Target { seen: 65_601 }));
        for (wrong, why) in [
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", Framing),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 0\r\n\r\n", Framing),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", Length),
            ("POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", Length),
            ("POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", Length),
            ("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", Length),
            ("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", Length),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", Length),
            ("POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", Field),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", TransferEncoding),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", TransferEncoding),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncoding),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncoding),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                Framing,
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Framing,
            ),
            ("GET / HTTP/1.1\r\n folded: 1\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nA: \0\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", Field),
            ("GET / HTTP/1.1\r\n: empty\r\n\r\n", Field),
            ("GET / HTTP/3.0\r\n\r\n", RequestLine),
            ("GET /\r\n\r\n", RequestLine),
            ("GET / HTTP/1.1 x\r\n\r\n", RequestLine),
            ("G(T / HTTP/1.1\r\n\r\n", RequestLine),
            ("GET http://[::1/ HTTP/1.1\r\n\r\n", RequestLine),
            ("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", RequestLine),
        ] {
            assert_eq!(judged(wrong).await, Some(why), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn honest_requests_pass_byte_for_byte() {
        for right in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "\r\nGET / HTTP/1.0\nHost: a\n\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nContent-Length: 66\r\n\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nPOST / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\n\r\n\x16\x03\x01Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /\u{1f600}?q=\u{5c71} HTTP/1.1\r\nX: \u{5c71}\r\n\r\n",
        ] {
            assert_eq!(judged(right).await, None, "{right:?}");
        }
    }

    #[tokio::test]
    async fn an_endless_head_is_refused_at_its_limit_and_little_of_it_is_held() {
        let limits = Limits { header_bytes: Size::kib(16), header_count: 20, ..Limits::default() };
        let endless = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 4 << 20]].concat();
        let (_, bad, most) = through(&endless, 64 << 10, &limits).await;
        assert!(matches!(bad, Some(BadHead::Bytes { seen: 16_385..=24_576, .. })), "{bad:?}");
        assert!(most <= 64 << 10, "{most}");
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(21));
        assert_eq!(through(many.as_bytes(), 64, &limits).await.1, Some(BadHead::Count { limit: 20, seen: 21 }));
        let fits = format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(20));
        assert_eq!(through(fits.as_bytes(), 64, &limits).await.1, None);
    }

    #[tokio::test]
    async fn a_head_that_stands_still_or_ends_is_refused() {
        let time = crate::wire::units::Time::millis(30);
        let limits = Limits { header_time: time, ..Limits::default() };
        let watch = Watch::default();
        let (mut client, gate) = tokio::io::duplex(64);
        let mut followed = Followed::new(gate, &limits, watch.clone());
        let mut all = Vec::new();
        tokio::io::AsyncWriteExt::write_all(&mut client, b"POST /v1/x HTTP/1.1\r\nHost").await.unwrap();
        followed.read_buf(&mut all).await.unwrap();
        assert_eq!(watch.bad_head(), Some(BadHead::Time(time)));
        assert!(all.starts_with(b"POST /v1/x HTTP/1.1\r\nConnection: close"), "the refusal knows what was asked");
        let watch = Watch::default();
        let mut followed = Followed::new(&b"GET / HTTP/1.1\r\nHost"[..], &limits, watch.clone());
        followed.read_buf(&mut all).await.unwrap();
        assert_eq!(watch.bad_head(), Some(BadHead::Unfinished));
    }

    #[tokio::test]
    async fn what_passes_here_hyper_takes() {
        use http_body_util::Empty;
        use hyper_util::rt::TokioIo;
        // Heads of parts that are right, wrong or odd; each is judged and given to hyper bare.
        let lines = [
            "GET / HTTP/1.1",
            "POST /a?b HTTP/1.0",
            "M-X * HTTP/1.1",
            "GET  / HTTP/1.1",
            "GET a HTTP/1.1",
            "G\tT / HTTP/1.1",
        ];
        let fields = [
            "",
            "A: b",
            "A:",
            "A b",
            "A\t: b",
            ": b",
            "A: \x7f",
            "A: \u{e9}",
            "Content-Length: 0",
            "Content-Length: x",
            "Content-Length: 1",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: gzip",
            "Connection: close",
            "A: b\rc",
        ];
        for line in lines {
            for one in fields {
                for other in fields {
                    let head: String =
                        [line, one, other].iter().filter(|l| !l.is_empty()).map(|l| format!("{l}\r\n")).collect();
                    let head = format!("{head}\r\n");
                    let good = matches!(judge(head.as_bytes(), &(&Limits::default()).into()), Judged::Good(..));
                    let (mut client, gate) = tokio::io::duplex(4096);
                    let serve = hyper::service::service_fn(|_| async {
                        Ok::<_, std::convert::Infallible>(http::Response::new(Empty::<Bytes>::new()))
                    });
                    let server = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(gate), serve);
                    let asking = async {
                        tokio::io::AsyncWriteExt::write_all(&mut client, head.as_bytes()).await.unwrap();
                        let mut answer = Vec::new();
                        // A status line is enough.
                        while !answer.contains(&b'\n') && client.read_buf(&mut answer).await.unwrap() > 0 {}
                        String::from_utf8(answer).unwrap()
                    };
                    let answer = tokio::select! {
                        answer = asking => answer,
                        // It waits for more of the head, or ends without a word.
                        _ = async { drop(server.await); tokio::time::sleep(Duration::from_millis(20)).await } => String::new(),
                        () = tokio::time::sleep(Duration::from_secs(10)) => String::new(),
                    };
                    assert!(!good || answer.contains(" 200 "), "{head:?}: {answer}");
                }
            }
        }
    }
}
