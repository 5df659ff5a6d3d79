//! Server-sent events, split as they come: lines end with LF, CR or CRLF, events with an empty line, and every byte that
//! came in can go out again untouched. Bounded: an event past the limit is an error, not memory.
//! Must not know: services, JSON, tokens.

use std::ops::Range;

/// Why a stream could not be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SseError {
    #[error("an event of the stream is longer than {limit} bytes")]
    TooLong { limit: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    /// Without its ending.
    content: Range<usize>,
    /// With its ending.
    whole: Range<usize>,
}

/// One event, or what stands between events (comments), with its empty line.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    raw: Vec<u8>,
    lines: Vec<Line>,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event").field("bytes", &self.raw.len()).field("lines", &self.lines.len()).finish()
    }
}

fn field(line: &[u8]) -> (&[u8], &[u8], usize) {
    match memchr::memchr(b':', line) {
        Some(colon) => {
            let value = line.get(colon + 1..).unwrap_or_default();
            let space = usize::from(value.first() == Some(&b' '));
            (line.get(..colon).unwrap_or_default(), value.get(space..).unwrap_or_default(), colon + 1 + space)
        }
        None => (line, b"", line.len()),
    }
}

impl Event {
    /// The bytes as they came.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Gives the bytes away.
    #[must_use]
    pub fn into_raw(self) -> Vec<u8> {
        self.raw
    }

    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|line| {
            let (name, value, _) = field(self.raw.get(line.content.clone()).unwrap_or_default());
            (name, value)
        })
    }

    /// The last `event:` field.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.fields()
            .filter(|(name, _)| *name == b"event")
            .last()
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The `data:` fields joined by LF; `None` when there is none, or when they are not UTF-8.
    #[must_use]
    pub fn data(&self) -> Option<String> {
        let mut out: Option<Vec<u8>> = None;
        for (_, value) in self.fields().filter(|(name, _)| *name == b"data") {
            match &mut out {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => out = Some(value.to_vec()),
            }
        }
        out.and_then(|data| String::from_utf8(data).ok())
    }

    /// The event with other data: every line that is no `data:` stays byte for byte, in its place; the new data stands
    /// where the first `data:` line stood, in its manner (space, line ending).
    #[must_use]
    pub fn with_data(&self, data: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        let mut done = false;
        let mut at = 0;
        for line in &self.lines {
            out.extend_from_slice(self.raw.get(at..line.whole.start).unwrap_or_default());
            at = line.whole.end;
            let content = self.raw.get(line.content.clone()).unwrap_or_default();
            let (name, _, value_at) = field(content);
            if name != b"data" {
                out.extend_from_slice(self.raw.get(line.whole.clone()).unwrap_or_default());
                continue;
            }
            if done {
                continue;
            }
            done = true;
            let lead: &[u8] = if memchr::memchr(b':', content).is_some() {
                content.get(..value_at).unwrap_or_default()
            } else {
                b"data: "
            };
            let ending = self.raw.get(line.content.end..line.whole.end).unwrap_or_default();
            for part in data.split(['\n', '\r']) {
                out.extend_from_slice(lead);
                // A value that begins with a space needs the space that the reader takes away.
                if part.starts_with(' ') && lead.last() != Some(&b' ') {
                    out.push(b' ');
                }
                out.extend_from_slice(part.as_bytes());
                out.extend_from_slice(if ending.is_empty() { b"\n" } else { ending });
            }
        }
        out.extend_from_slice(self.raw.get(at..).unwrap_or_default());
        out
    }

    /// A new event in the line endings of this one.
    #[must_use]
    pub fn compose(name: Option<&str>, data: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len() + 32);
        if let Some(name) = name {
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(name.as_bytes());
            out.push(b'\n');
        }
        for part in data.split('\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(part.as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
        out
    }
}

/// Takes bytes as they come, gives events.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// Where the line that is not yet whole begins.
    line_at: usize,
    /// How far the search for its end has come.
    seen: usize,
    lines: Vec<Line>,
    limit: usize,
    /// The last event ended with CR: an LF that comes next belongs to it.
    after_cr: bool,
    begun: bool,
}

impl Splitter {
    /// `limit`: bytes of one event.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), line_at: 0, seen: 0, lines: Vec::new(), limit, after_cr: false, begun: false }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes held that are not yet an event.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole event, if it is there. An event that ends in CR is given at once; an LF that follows opens the
    /// bytes of the next one and means nothing there.
    ///
    /// # Errors
    /// [`SseError::TooLong`].
    pub fn next_event(&mut self) -> Result<Option<Event>, SseError> {
        if !self.begun && !self.buffer.is_empty() {
            // A byte order mark at the very start is no part of the first field's name.
            const MARK: &[u8] = "\u{FEFF}".as_bytes();
            if self.buffer.len() < MARK.len() && MARK.starts_with(&self.buffer) {
                return Ok(None);
            }
            if self.buffer.starts_with(MARK) {
                self.line_at = MARK.len();
                self.seen = MARK.len();
            }
            self.begun = true;
        }
        if self.after_cr && !self.buffer.is_empty() {
            self.after_cr = false;
            if self.buffer.first() == Some(&b'\n') {
                self.line_at = 1;
                self.seen = 1;
            }
        }
        loop {
            let rest = self.buffer.get(self.seen..).unwrap_or_default();
            let Some(hit) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.seen = self.buffer.len();
                if self.buffer.len() > self.limit {
                    return Err(SseError::TooLong { limit: self.limit });
                }
                return Ok(None);
            };
            let end = self.seen + hit;
            let cr = self.buffer.get(end) == Some(&b'\r');
            let empty = end == self.line_at;
            let after = self.buffer.get(end + 1).copied();
            let mut past = end + 1;
            if cr && after == Some(b'\n') {
                past += 1;
            } else if cr && after.is_none() && !empty {
                // The line is whole, but whether an LF belongs to it is not known; nothing is lost by waiting.
                self.seen = end;
                return Ok(None);
            }
            let line = Line { content: self.line_at..end, whole: self.line_at..past };
            self.line_at = past;
            self.seen = past;
            if past > self.limit {
                return Err(SseError::TooLong { limit: self.limit });
            }
            self.lines.push(line);
            if empty {
                self.after_cr = cr && after.is_none();
                return Ok(Some(self.take(past)));
            }
        }
    }

    fn take(&mut self, end: usize) -> Event {
        let rest = self.buffer.split_off(end);
        let raw = std::mem::replace(&mut self.buffer, rest);
        self.line_at = 0;
        self.seen = 0;
        Event { raw, lines: std::mem::take(&mut self.lines) }
    }

    /// What is left when the stream has ended: by the standard it is no event any more, but its bytes were sent.
    #[must_use]
    pub fn finish(mut self) -> Option<Event> {
        if self.buffer.is_empty() {
            return None;
        }
        let end = self.buffer.len();
        if self.line_at < end {
            let content = if self.buffer.last() == Some(&b'\r') { end - 1 } else { end };
            self.lines.push(Line { content: self.line_at..content, whole: self.line_at..end });
        }
        Some(self.take(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Event>, Option<Event>) {
        let mut splitter = Splitter::new(1 << 20);
        let mut out = Vec::new();
        for chunk in chunks {
            splitter.push(chunk);
            while let Some(event) = splitter.next_event().unwrap() {
                out.push(event);
            }
        }
        (out, splitter.finish())
    }

    const STREAM: &[u8] =
        "\u{FEFF}event: a\r\ndata: 患者\r\ndata:  two\r\nid: 7\r\n\r\n: ping\n\ndata:x\rretry: 9\r\rdata\n\n\
        event: error\ndata: {}\n\ndata: last"
            .as_bytes();

    #[test]
    fn every_split_gives_the_same_events_and_bytes() {
        let (whole, rest) = split(&[STREAM]);
        let read: Vec<_> = whole.iter().map(|e| (e.name().map(str::to_owned), e.data())).collect();
        assert_eq!(
            read,
            [
                (Some("a".into()), Some("患者\n two".into())),
                (None, None),
                (None, Some("x".into())),
                (None, Some(String::new())),
                (Some("error".into()), Some("{}".into())),
            ]
        );
        assert_eq!(rest.unwrap().data().as_deref(), Some("last"));
        for cut in 0..=STREAM.len() {
            for second in cut..=STREAM.len() {
                let (events, rest) = split(&[&STREAM[..cut], &STREAM[cut..second], &STREAM[second..]]);
                let got: Vec<_> = events.iter().map(|e| (e.name().map(str::to_owned), e.data())).collect();
                assert_eq!(got, read, "cut at {cut} and {second}");
                let mut bytes: Vec<u8> = events.iter().flat_map(|e| e.raw().to_vec()).collect();
                bytes.extend(rest.map(Event::into_raw).unwrap_or_default());
                assert_eq!(bytes, STREAM);
            }
        }
    }

    #[test]
    fn other_data_leaves_every_other_line() {
        let (events, _) = split(&[STREAM]);
        assert_eq!(events[0].with_data("田"), "\u{FEFF}event: a\r\ndata: 田\r\nid: 7\r\n\r\n".as_bytes());
        assert_eq!(events[0].with_data("a\nb"), "\u{FEFF}event: a\r\ndata: a\r\ndata: b\r\nid: 7\r\n\r\n".as_bytes());
        assert_eq!(events[1].with_data("x"), events[1].raw());
        assert_eq!(events[2].with_data(" y"), b"data:  y\rretry: 9\r\r");
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut splitter = Splitter::new(16);
        splitter.push(b"data: 0123456789abcdef");
        assert_eq!(splitter.next_event(), Err(SseError::TooLong { limit: 16 }));
        let mut splitter = Splitter::new(16);
        for _ in 0..8 {
            splitter.push(b"a\n");
        }
        splitter.push(b"b\n");
        assert_eq!(splitter.next_event(), Err(SseError::TooLong { limit: 16 }));
    }
}
