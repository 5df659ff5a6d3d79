//! How much is taken apart. All bounds are in bytes unless named otherwise; each has a refusal with its name.

/// The bounds of `open` (DESIGN §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body after its content codings.
    pub decoded: usize,
    /// Decoded bytes for one byte sent, counted above 1 MiB.
    pub ratio: usize,
    /// Content codings one upon another.
    pub codings: usize,
    /// Levels of JSON; the reader itself takes 127 at most.
    pub depth: usize,
    /// Values of one JSON document, keys counted.
    pub values: usize,
    /// Parts of a multipart body, fields of a form, lines of NDJSON.
    pub parts: usize,
    /// Texts of a request.
    pub texts: usize,
    /// Bytes of all texts of a request.
    pub text_total: usize,
    /// Layers inside strings (JSON in a string, base64).
    pub layers: usize,
    /// Documents, images and the like are noted and left as they are, not refused: only where somebody watches (observe
    /// mode), and the decision is told.
    pub pass_formats: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decoded: 64 << 20,
            ratio: 100,
            codings: 2,
            depth: 127,
            values: 4_000_000,
            parts: 2_000,
            texts: 200_000,
            text_total: 16 << 20,
            layers: 4,
            pass_formats: false,
        }
    }
}
