//! Reads along with what HTTP/2 says to a client, frame by frame: a stream or a connection that the protocol itself ends
//! with an error never becomes a request, and is told to whoever keeps the record.
//! Must not know: headers, bodies; of a frame it reads length, kind and an error's number, and how many fields a short
//! answer has.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

type Tell = Box<dyn FnMut(&'static str, u64) + Send>;

/// The errors of one connection so far.
pub(super) struct Streams {
    tell: Tell,
    errors: u64,
    /// The frame that is under way: its first bytes, and what is left of it.
    head: Vec<u8>,
    left: usize,
    length: usize,
}

/// Length, kind, flags, stream.
const HEAD: usize = 9;
const HEADERS: u8 = 1;
/// END_STREAM and END_HEADERS.
const ENDS: u8 = 5;
/// Longest block of one short field.
const SHORT: usize = 16;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

impl Streams {
    /// `tell` hears of each error: its name and the number of errors so far.
    pub(super) fn new(tell: impl FnMut(&'static str, u64) + Send + 'static) -> Self {
        Self { tell: Box::new(tell), errors: 0, head: Vec::with_capacity(HEAD + SHORT), left: 0, length: 0 }
    }

    fn follow(&mut self, mut bytes: &[u8]) {
        while let Some(byte) = bytes.first() {
            let wanted = HEAD + self.wanted();
            if self.head.len() < wanted {
                self.head.push(*byte);
                bytes = bytes.get(1..).unwrap_or_default();
                if self.head.len() == HEAD {
                    self.left = self.head.iter().take(3).fold(0, |length, byte| length << 8 | usize::from(*byte));
                    self.length = self.left;
                } else if self.head.len() > HEAD {
                    self.left = self.left.saturating_sub(1);
                }
                if self.head.len() > HEAD && self.head.len() == HEAD + self.wanted() {
                    self.error();
                }
            } else {
                let take = self.left.min(bytes.len());
                self.left -= take;
                bytes = bytes.get(take..).unwrap_or_default();
            }
            if self.left == 0 && self.head.len() >= HEAD {
                self.head.clear();
            }
        }
    }

    /// How much of the frame's inside is looked at: of an error its number, which is the whole of RST_STREAM and the
    /// second half of GOAWAY's fixed part; of an answer without a body all, if that is little.
    fn wanted(&self) -> usize {
        match (self.head.get(3), self.head.get(4)) {
            (Some(&RST_STREAM), _) => 4.min(self.length),
            (Some(&GOAWAY), _) => 8.min(self.length),
            (Some(&HEADERS), Some(flags)) if flags & ENDS == ENDS && self.length <= SHORT => self.length,
            _ => 0,
        }
    }

    fn error(&mut self) {
        if self.head.get(3) == Some(&HEADERS) {
            // Every answer of the house has its date too. The one without is the protocol's own 431.
            if one_field(self.head.get(HEAD..).unwrap_or_default()) {
                self.errors += 1;
                (self.tell)("HEADER_LIST_ERROR", self.errors);
            }
            return;
        }
        let number = self.head.iter().rev().take(4).rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        // NO_ERROR, INTERNAL_ERROR, STREAM_CLOSED, CANCEL end requests that were handed on.
        let name = match number {
            1 => "PROTOCOL_ERROR",
            3 => "FLOW_CONTROL_ERROR",
            6 => "FRAME_SIZE_ERROR",
            7 => "REFUSED_STREAM",
            9 => "COMPRESSION_ERROR",
            11 => "ENHANCE_YOUR_CALM",
            _ => return,
        };
        self.errors += 1;
        (self.tell)(name, self.errors);
    }
}

/// Is this a header block (RFC 7541 §6) of exactly one field, not longer than [`SHORT`]?
fn one_field(block: &[u8]) -> bool {
    let (mut fields, mut at) = (0, 0);
    while let Some(byte) = block.get(at).copied() {
        at += 1;
        match byte {
            // Indexed; numbers that go on in further bytes do not fit one short field.
            0x80.. => fields += 1,
            0x20..0x40 => {}
            _ => {
                fields += 1;
                let index = if byte & 0x40 != 0 { byte & 0x3f } else { byte & 0x0f };
                for _ in 0..if index == 0 { 2 } else { 1 } {
                    at += 1 + block.get(at).map_or(0, |length| usize::from(length & 0x7f));
                }
            }
        }
    }
    fields == 1 && at == block.len()
}

/// A socket whose outgoing frames are followed.
pub(super) struct Spoken<IO> {
    io: IO,
    streams: Streams,
}

impl<IO> Spoken<IO> {
    pub(super) fn new(io: IO, streams: Streams) -> Self {
        Self { io, streams }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Spoken<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Spoken<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(wrote)) = &polled {
            self.streams.follow(buf.get(..*wrote).unwrap_or_default());
        }
        polled
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
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(wrote)) = &polled {
            let mut left = *wrote;
            for part in bufs {
                let take = left.min(part.len());
                self.streams.follow(part.get(..take).unwrap_or_default());
                left -= take;
            }
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn errors_are_heard_at_any_split_and_ends_are_not() {
        let frame = |kind: u8, payload: &[u8]| {
            let length = (payload.len() as u32).to_be_bytes();
            [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
        };
        let ending = |block: &[u8]| {
            let mut frame = frame(1, block);
            frame[4] = 5;
            frame
        };
        let bytes = [
            frame(4, &[]),
            frame(1, &[3; 40]),
            ending(b"\x48\x03431"),
            ending(b"\xbe"),
            ending(b"\x20\x88\xbe"),
            ending(b"\x89"),
            ending(&[3; 17]),
            frame(3, &1_u32.to_be_bytes()),
            frame(3, &8_u32.to_be_bytes()),
            frame(0, &[7; 300]),
            frame(3, &11_u32.to_be_bytes()),
            frame(7, &[&[0, 0, 0, 5][..], &0_u32.to_be_bytes(), b"bye"].concat()),
            frame(7, &[&[0, 0, 0, 5][..], &9_u32.to_be_bytes(), b"bad"].concat()),
            frame(6, &[0; 8]),
        ]
        .concat();
        for step in [1, 2, 7, 64, bytes.len()] {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let hears = Arc::clone(&heard);
            let mut streams = Streams::new(move |name, count| hears.lock().unwrap().push((name, count)));
            bytes.chunks(step).for_each(|part| streams.follow(part));
            let expected = [
                ("HEADER_LIST_ERROR", 1),
                ("HEADER_LIST_ERROR", 2),
                ("HEADER_LIST_ERROR", 3),
                ("PROTOCOL_ERROR", 4),
                ("ENHANCE_YOUR_CALM", 5),
                ("COMPRESSION_ERROR", 6),
            ];
            assert_eq!(*heard.lock().unwrap(), expected, "{step}");
        }
    }
}
