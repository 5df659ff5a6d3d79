//! What is searched: all texts of one request as one document of parts, so that a name found in one part counts in
//! another. Offsets everywhere are UTF-8 bytes into `Part::text`, half-open.
//! Must not know: where a part came from beyond the name of its field and its turn.

use std::ops::Range;

/// All texts of one request, in the order of the wire.
#[derive(Clone, Default)]
pub struct Document {
    pub parts: Vec<Part>,
}

/// One text. Holds patient text: `Debug` prints lengths only.
#[derive(Clone, Default)]
pub struct Part {
    /// The text as it was written.
    pub text: String,
    /// The name of the field it stands in, as written (`patientName`, `氏名`, a form field, a column); `None` for prose.
    pub label: Option<String>,
    /// The turn unit (DESIGN §5): 0 for what stands outside the conversation (system text, tools, metadata), then 1, 2 …
    pub unit: u32,
    /// Who wrote it.
    pub author: Author,
    /// Bytes of `text` that are our own tokens, ordered: they are left alone, and nothing across them is evidence.
    pub atoms: Vec<Range<usize>>,
}

/// Who wrote a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Author {
    #[default]
    User,
    Assistant,
    System,
    Tool,
}

impl Document {
    /// A document of one text without a field.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { parts: vec![Part { text: text.to_owned(), ..Part::default() }] }
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("parts", &self.parts).finish()
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("bytes", &self.text.len())
            .field("unit", &self.unit)
            .field("author", &self.author)
            .finish_non_exhaustive()
    }
}
