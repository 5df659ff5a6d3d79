//! Edits back into the very same bytes: what is not replaced stays as it came, to the last white space and digit.

use crate::locate::{Disposition, Edit, Head, LocatedText};

use super::error::SpliceError;
use super::open::Located;
use super::source::{Edits, apply};

/// A request as it goes out.
#[derive(Clone)]
pub struct Outgoing {
    pub head: Head,
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("head", &self.head).field("body", &self.body.len()).finish()
    }
}

impl Located {
    /// The request with these edits. Without any it is byte for byte what came in, its content coding included; with
    /// edits the body goes out uncoded and in UTF-8, and headers that no longer fit are dropped.
    ///
    /// # Errors
    /// [`SpliceError`]: an edit of a text that must not change, outside its characters, or outside what the field takes.
    pub fn splice(&self, edits: &[Edit]) -> Result<Outgoing, SpliceError> {
        let edits = self.ordered(edits)?;
        let mut head = self.head.clone();
        let broken = SpliceError::Unwritable { what: "a place of it could not be found again" };
        let target = self.target.patches(&edits).ok_or_else(|| broken.clone())?;
        if !target.is_empty() {
            let bytes = apply(&self.target.bytes, &target).ok_or_else(|| broken.clone())?;
            head.path_and_query = String::from_utf8(bytes).map_err(|_| broken.clone())?;
        }
        let body = self.body.patches(&edits).ok_or_else(|| broken.clone())?;
        if body.is_empty() {
            let body = self.wire.as_ref().unwrap_or(&self.body.bytes).clone();
            return Ok(Outgoing { head, body });
        }
        let body = apply(&self.body.bytes, &body).ok_or(broken)?;
        self.fit_headers(&mut head, body.len());
        Ok(Outgoing { head, body })
    }

    fn fit_headers(&self, head: &mut Head, len: usize) {
        head.headers.retain(|(name, _)| name != "content-encoding" && !self.dropped.iter().any(|d| d == name));
        for (name, value) in &mut head.headers {
            if name == "content-length" {
                *value = len.to_string().into_bytes();
            }
            if name == "content-type"
                && self.recoded
                && let Ok(text) = std::str::from_utf8(value)
            {
                *value = super::charset::with_utf8(text).into_bytes();
            }
        }
    }

    /// Checks the edits and puts them in order, text by text.
    pub(super) fn ordered<'e>(&self, edits: &'e [Edit]) -> Result<Edits<'e>, SpliceError> {
        let mut out = Edits::new();
        for edit in edits {
            let text = self.texts.get(edit.text).ok_or(SpliceError::NoSuchText { text: edit.text })?;
            if text.text.get(edit.range.clone()).is_none() {
                return Err(bad_range(text, edit));
            }
            match &text.disposition {
                Disposition::Open => {}
                Disposition::Narrow { chars, .. } => {
                    if let Some(chars) = chars
                        && !edit.with.chars().all(|c| in_alphabet(chars, c))
                    {
                        return Err(SpliceError::Alphabet { address: text.address.clone() });
                    }
                }
                Disposition::Frozen | Disposition::FrozenLax | Disposition::Signed => {
                    return Err(SpliceError::Frozen { address: text.address.clone() });
                }
            }
            // An edit that changes nothing is none.
            if text.text.get(edit.range.clone()) != Some(edit.with.as_str()) {
                out.entry(edit.text).or_default().push((edit.range.clone(), edit.with.as_str()));
            }
        }
        for (i, list) in &mut out {
            list.sort_by_key(|(range, _)| (range.start, range.end));
            let text = self.texts.get(*i).ok_or(SpliceError::NoSuchText { text: *i })?;
            for pair in list.windows(2) {
                if let [(a, _), (b, with)] = pair
                    && b.start < a.end
                {
                    let with = (*with).to_owned();
                    return Err(bad_range(text, &Edit { text: *i, range: b.clone(), with }));
                }
            }
            if let Disposition::Narrow { max: Some(max), .. } = &text.disposition {
                let new = apply(text.text.as_bytes(), list).unwrap_or_default();
                if String::from_utf8_lossy(&new).chars().count() > *max {
                    return Err(SpliceError::Length { address: text.address.clone(), max: *max });
                }
            }
        }
        Ok(out)
    }
}

fn bad_range(text: &LocatedText, edit: &Edit) -> SpliceError {
    SpliceError::BadRange { address: text.address.clone(), start: edit.range.start, end: edit.range.end }
}

/// Whether `c` stands in an alphabet written `A-Za-z0-9_-`.
fn in_alphabet(alphabet: &str, c: char) -> bool {
    let chars: Vec<char> = alphabet.chars().collect();
    let mut i = 0;
    while let Some(from) = chars.get(i) {
        match (chars.get(i + 1), chars.get(i + 2)) {
            (Some('-'), Some(to)) => {
                if (*from..=*to).contains(&c) {
                    return true;
                }
                i += 3;
            }
            _ => {
                if *from == c {
                    return true;
                }
                i += 1;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::in_alphabet;

    #[test]
    fn alphabets() {
        for c in "aZ09_-".chars() {
            assert!(in_alphabet("A-Za-z0-9_-", c));
        }
        for c in "患:[ ".chars() {
            assert!(!in_alphabet("A-Za-z0-9_-", c));
        }
        assert!(in_alphabet("A-Za-z0-9 :_@$#=/+,.-", '-') && in_alphabet("A-Za-z0-9 ()[]-", ']'));
    }
}
