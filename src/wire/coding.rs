//! Content codings of answers, undone while they stream: what the service packed goes to the client as it is.
//! Trailers pass; at most two codings; an unknown one is an error, never passed on unread.
//! Must not know: what stands in the text.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{self, HeaderValue};
use http_body::{Body, Frame};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

use super::body::BoxError;

/// A content coding that this gate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// A coding that cannot be undone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodingError {
    #[error("the content coding is not one of gzip, deflate, br, zstd")]
    Unknown,
    #[error("{seen} content codings on one body; `codings` allows {limit}")]
    TooMany { limit: usize, seen: usize },
}

/// Reads `Content-Encoding`, in the order in which the codings were applied.
///
/// # Errors
/// An unknown coding, or more than `limit`.
pub fn codings(headers: &HeaderMap, limit: usize) -> Result<Vec<Coding>, CodingError> {
    let mut found = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let value: &HeaderValue = value;
        for name in value.to_str().map_err(|_| CodingError::Unknown)?.split(',') {
            match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => found.push(Coding::Gzip),
                "deflate" => found.push(Coding::Deflate),
                "br" => found.push(Coding::Brotli),
                "zstd" => found.push(Coding::Zstd),
                _ => return Err(CodingError::Unknown),
            }
        }
    }
    if found.len() > limit { Err(CodingError::TooMany { limit, seen: found.len() }) } else { Ok(found) }
}

type Reader = Pin<Box<dyn AsyncBufRead + Send>>;
type Trailers = Arc<Mutex<Option<HeaderMap>>>;
type Tail = Box<dyn FnMut(&mut Context<'_>) -> Poll<io::Result<()>> + Send>;

/// A body whose codings are undone frame by frame.
pub struct Decoded {
    reader: Reader,
    /// Reads on to the body's end: a decoder stops where the packed data ends, trailers come after it.
    tail: Tail,
    trailers: Trailers,
    buffer: BytesMut,
    done: bool,
}

const CHUNK: usize = 16 << 10;

impl Decoded {
    /// Undoes `codings`, the last applied first.
    pub fn new<B>(body: B, codings: &[Coding]) -> Self
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let trailers = Trailers::default();
        let body = Arc::new(Mutex::new(body));
        let mut rest = Source { body: Arc::clone(&body), trailers: Arc::clone(&trailers), current: Bytes::new() };
        let tail: Tail = Box::new(move |cx| {
            loop {
                match Pin::new(&mut rest).poll_fill_buf(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok([])) => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(_)) => rest.current = Bytes::new(),
                }
            }
        });
        let source = Source { body, trailers: Arc::clone(&trailers), current: Bytes::new() };
        let mut reader: Reader = Box::pin(source);
        for coding in codings.iter().rev() {
            let inside = reader;
            reader = match coding {
                Coding::Gzip => {
                    let mut decoder = GzipDecoder::new(inside);
                    decoder.multiple_members(true);
                    Box::pin(BufReader::with_capacity(CHUNK, decoder))
                }
                Coding::Deflate => Box::pin(Deflate { inside: Some(inside), decoder: None }),
                Coding::Brotli => Box::pin(BufReader::with_capacity(CHUNK, BrotliDecoder::new(inside))),
                Coding::Zstd => {
                    let mut decoder = ZstdDecoder::new(inside);
                    decoder.multiple_members(true);
                    Box::pin(BufReader::with_capacity(CHUNK, decoder))
                }
            };
        }
        Self { reader, tail, trailers, buffer: BytesMut::new(), done: false }
    }
}

impl Body for Decoded {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let chunk = match this.reader.as_mut().poll_fill_buf(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => {
                this.done = true;
                return Poll::Ready(Some(Err(error)));
            }
            Poll::Ready(Ok(chunk)) => chunk,
        };
        if chunk.is_empty() {
            match (this.tail)(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => this.done = true,
                Poll::Ready(Err(error)) => {
                    this.done = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
            let trailers = this.trailers.lock().ok().and_then(|mut t| t.take());
            return Poll::Ready(trailers.map(|t| Ok(Frame::trailers(t))));
        }
        this.buffer.extend_from_slice(chunk);
        let taken = chunk.len();
        this.reader.as_mut().consume(taken);
        Poll::Ready(Some(Ok(Frame::data(this.buffer.split().freeze()))))
    }
}

/// The coded body as a reader; trailers are set aside.
struct Source<B> {
    body: Arc<Mutex<B>>,
    trailers: Trailers,
    current: Bytes,
}

impl<B> AsyncBufRead for Source<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.current.is_empty() {
            let polled = match this.body.lock() {
                Ok(mut body) => Pin::new(&mut *body).poll_frame(cx),
                Err(_) => return Poll::Ready(Err(io::Error::other("a reader panicked"))),
            };
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => break,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(io::Error::other(error))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.current = data,
                    Err(frame) => {
                        if let (Ok(trailers), Ok(mut slot)) = (frame.into_trailers(), this.trailers.lock()) {
                            *slot = Some(trailers);
                        }
                    }
                },
            }
        }
        Poll::Ready(Ok(&this.current))
    }

    fn consume(mut self: Pin<&mut Self>, taken: usize) {
        let taken = taken.min(self.current.len());
        self.current.advance(taken);
    }
}

impl<B> AsyncRead for Source<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let taken = match self.as_mut().poll_fill_buf(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(chunk)) => {
                let taken = chunk.len().min(buf.remaining());
                buf.put_slice(chunk.get(..taken).unwrap_or_default());
                taken
            }
        };
        self.consume(taken);
        Poll::Ready(Ok(()))
    }
}

/// `deflate` means zlib by the standard and a bare deflate stream by habit; the first byte tells.
struct Deflate {
    inside: Option<Reader>,
    decoder: Option<Reader>,
}

impl Deflate {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.decoder.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Some(inside) = self.inside.as_mut() else {
            return Poll::Ready(Err(io::Error::other("read after its end")));
        };
        let zlib = match inside.as_mut().poll_fill_buf(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            // Zlib's first byte: method 8, window up to 32 KiB. A bare stream's first block never looks so in practice.
            Poll::Ready(Ok(chunk)) => chunk.first().is_none_or(|b| b & 0x0f == 8 && b >> 4 <= 7),
        };
        if let Some(inside) = self.inside.take() {
            self.decoder = Some(if zlib {
                Box::pin(BufReader::with_capacity(CHUNK, ZlibDecoder::new(inside)))
            } else {
                let bare = async_compression::tokio::bufread::DeflateDecoder::new(inside);
                Box::pin(BufReader::with_capacity(CHUNK, bare))
            });
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Deflate {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        match this.poll_ready(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {}
        }
        match this.decoder.as_mut() {
            Some(decoder) => decoder.as_mut().poll_fill_buf(cx),
            None => Poll::Ready(Ok(&[])),
        }
    }

    fn consume(self: Pin<&mut Self>, taken: usize) {
        if let Some(decoder) = self.get_mut().decoder.as_mut() {
            decoder.as_mut().consume(taken);
        }
    }
}

impl AsyncRead for Deflate {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.poll_ready(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {}
        }
        match this.decoder.as_mut() {
            Some(decoder) => decoder.as_mut().poll_read(cx, buf),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_compression::tokio::write as enc;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::io::AsyncWriteExt;

    async fn pack(coding: Coding, plain: &[u8]) -> Vec<u8> {
        match coding {
            Coding::Gzip => {
                let mut w = enc::GzipEncoder::new(Vec::new());
                w.write_all(plain).await.unwrap();
                w.shutdown().await.unwrap();
                w.into_inner()
            }
            Coding::Deflate => {
                let mut w = enc::ZlibEncoder::new(Vec::new());
                w.write_all(plain).await.unwrap();
                w.shutdown().await.unwrap();
                w.into_inner()
            }
            Coding::Brotli => {
                let mut w = enc::BrotliEncoder::new(Vec::new());
                w.write_all(plain).await.unwrap();
                w.shutdown().await.unwrap();
                w.into_inner()
            }
            Coding::Zstd => {
                let mut w = enc::ZstdEncoder::new(Vec::new());
                w.write_all(plain).await.unwrap();
                w.shutdown().await.unwrap();
                w.into_inner()
            }
        }
    }

    fn body(bytes: &[u8], step: usize) -> impl Body<Data = Bytes, Error = BoxError> + Send + Unpin + 'static + use<> {
        let mut frames: Vec<Result<Frame<Bytes>, BoxError>> =
            bytes.chunks(step).map(|c| Ok(Frame::data(Bytes::copy_from_slice(c)))).collect();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("1"));
        frames.push(Ok(Frame::trailers(trailers)));
        StreamBody::new(futures_util::stream::iter(frames))
    }

    async fn unpack(decoded: Decoded) -> (Vec<u8>, Option<HeaderMap>) {
        let mut decoded = decoded;
        let (mut all, mut trailers) = (Vec::new(), None);
        while let Some(frame) = decoded.frame().await {
            match frame.unwrap().into_data() {
                Ok(data) => all.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        (all, trailers)
    }

    #[tokio::test]
    async fn every_coding_at_any_split_with_trailers() {
        let plain = "患者の検査値 HbA1c 6.2 ".repeat(200).into_bytes();
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let packed = pack(coding, &plain).await;
            for step in [1, 7, 1024, 1 << 20] {
                let (all, trailers) = unpack(Decoded::new(body(&packed, step), &[coding])).await;
                assert_eq!(all, plain, "{coding:?} {step}");
                assert!(trailers.unwrap().contains_key("x-sum"));
            }
            let twice = pack(Coding::Gzip, &packed).await;
            let (all, _) = unpack(Decoded::new(body(&twice, 100), &[coding, Coding::Gzip])).await;
            assert_eq!(all, plain);
        }
        let mut bare = enc::DeflateEncoder::new(Vec::new());
        bare.write_all(&plain).await.unwrap();
        bare.shutdown().await.unwrap();
        let (all, _) = unpack(Decoded::new(body(&bare.into_inner(), 5), &[Coding::Deflate])).await;
        assert_eq!(all, plain);
    }

    #[tokio::test]
    async fn a_flushed_piece_comes_out_before_the_next_comes_in() {
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let (send, receive) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, BoxError>>(1);
            let stream = tokio_stream::wrappers::ReceiverStream::new(receive);
            let mut decoded = Decoded::new(StreamBody::new(stream), &[coding]);
            let first = match coding {
                Coding::Gzip => {
                    let mut w = enc::GzipEncoder::new(Vec::new());
                    w.write_all(b"data: one\n\n").await.unwrap();
                    w.flush().await.unwrap();
                    w.get_ref().clone()
                }
                Coding::Brotli => {
                    let mut w = enc::BrotliEncoder::new(Vec::new());
                    w.write_all(b"data: one\n\n").await.unwrap();
                    w.flush().await.unwrap();
                    w.get_ref().clone()
                }
                _ => {
                    let mut w = enc::ZstdEncoder::new(Vec::new());
                    w.write_all(b"data: one\n\n").await.unwrap();
                    w.flush().await.unwrap();
                    w.get_ref().clone()
                }
            };
            send.send(Ok(Frame::data(first.into()))).await.unwrap();
            let got = tokio::time::timeout(std::time::Duration::from_secs(2), decoded.frame()).await;
            let got = got.unwrap_or_else(|_| panic!("{coding:?} held the event back"));
            assert_eq!(&got.unwrap().unwrap().into_data().unwrap()[..], b"data: one\n\n");
        }
    }

    #[tokio::test]
    async fn a_cut_body_is_an_error_and_never_a_silent_end() {
        let packed = pack(Coding::Gzip, &[b'x'; 5000]).await;
        let cut = &packed[..packed.len() - 9];
        let mut decoded = Decoded::new(body(cut, 64), &[Coding::Gzip]);
        let mut failed = false;
        while let Some(frame) = decoded.frame().await {
            failed |= frame.is_err();
        }
        assert!(failed);
    }

    #[test]
    fn unknown_and_too_many_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip, br, zstd"));
        assert_eq!(codings(&headers, 2), Err(CodingError::TooMany { limit: 2, seen: 3 }));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("dcz"));
        assert_eq!(codings(&headers, 2), Err(CodingError::Unknown));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
        assert_eq!(codings(&headers, 2), Ok(vec![]));
    }
}
