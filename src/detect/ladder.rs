//! Encoded text is read as well: percent, `\u` and other escapes, HTML entities, base64, hex, spaced-out letters; one
//! layer or two. What can be cut exactly maps back letter by letter, of base64 and hex the whole run is the finding.
//! Must not know: what is searched for.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::fuel::{DetectError, Fuel};
use super::text::Text;

/// Bytes of context on either side of what is decoded.
const AROUND: usize = 96;
/// Shorter runs are words.
const SHORTEST: usize = 16;
/// An unreadable run of this many letters is a blob that is counted.
const BLOB: usize = 64;
/// A larger blob cannot be let through unread.
pub(super) const LARGEST_BLOB: usize = 4096;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// One decoded reading of a stretch of a text.
pub(super) struct Rung {
    /// Each read over the one before; the last is the one that engines see.
    steps: Vec<Text>,
    /// Where the stretch begins in the part.
    offset: usize,
    /// Of base64 and hex: the encoded run, which is the finding. Bytes of the part.
    whole: Option<Range<usize>>,
    /// What was decoded. Bytes of the part, ordered.
    pieces: Vec<Range<usize>>,
}

impl Rung {
    /// What the engines read.
    pub(super) fn text(&self) -> Option<&Text> {
        self.steps.last()
    }

    /// Bytes of the part that a stretch of the folded text came from; `None` when nothing of it was encoded.
    pub(super) fn to_part(&self, folded: Range<usize>) -> Option<Range<usize>> {
        if let Some(whole) = &self.whole {
            return Some(whole.clone());
        }
        let range = self.steps.iter().rev().fold(folded, |range, step| step.to_original(range));
        let range = range.start + self.offset..range.end + self.offset;
        let first = self.pieces.partition_point(|piece| piece.end <= range.start);
        self.pieces.get(first).is_some_and(|piece| piece.start < range.end).then_some(range)
    }
}

/// What the ladder made of a text.
#[derive(Default)]
pub(super) struct Ladder {
    pub(super) rungs: Vec<Rung>,
    /// Undecodable runs that look encoded, up to `LARGEST_BLOB`.
    pub(super) blobs: u32,
}

/// Read every encoded stretch of a part, `depth` layers deep.
///
/// # Errors
/// When an unreadable run is larger than may pass, or the budget is used up.
pub(super) fn climb(text: &Text, depth: u8, fuel: &mut Fuel) -> Result<Ladder, DetectError> {
    let mut ladder = Ladder::default();
    if depth == 0 {
        return Ok(ladder);
    }
    let original = text.original();
    fuel.burn(original.len() as u64)?;
    escaped(original, 0, depth, &[], &mut ladder);
    runs(original, depth, None, &mut ladder)?;
    if let Some(unspaced) = text.unspaced() {
        fuel.burn(original.len() as u64)?;
        let pieces = changed(&unspaced);
        ladder.rungs.push(Rung { steps: vec![unspaced], offset: 0, whole: None, pieces });
    }
    for rung in &ladder.rungs {
        fuel.burn(rung.text().map_or(0, |text| text.folded().len()) as u64)?;
    }
    Ok(ladder)
}

/// Stretches in which blanks were taken out: from the letter before each gap to the one after it.
fn changed(unspaced: &Text) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let mut last: Option<Range<usize>> = None;
    for (at, letter) in unspaced.folded().char_indices() {
        let written = unspaced.to_original(at..at + letter.len_utf8());
        if let Some(last) = last
            && last.end < written.start
        {
            pieces.push(last.start..written.end);
        }
        last = Some(written);
    }
    pieces
}

/// Windows of `text` around percent codes, backslash escapes and entities, read with those undone.
fn escaped(text: &str, offset: usize, depth: u8, above: &[Text], ladder: &mut Ladder) {
    let pieces = escapes(text);
    let mut index = 0;
    while let Some((first, _)) = pieces.get(index) {
        let start = floor(text, first.start.saturating_sub(AROUND));
        let mut end = first.end;
        let begin = index;
        while let Some((piece, _)) = pieces.get(index).filter(|(piece, _)| piece.start <= end + 2 * AROUND) {
            end = piece.end;
            index += 1;
        }
        let end = floor(text, (end + AROUND).min(text.len()));
        let Some(window) = text.get(start..end) else { continue };
        let inside: Vec<(Range<usize>, char)> = pieces
            .get(begin..index)
            .unwrap_or_default()
            .iter()
            .map(|(piece, letter)| (piece.start - start..piece.end - start, *letter))
            .collect();
        let step = Text::decoded(window, &inside);
        let next = step.folded().to_owned();
        let mut steps: Vec<Text> = above.to_vec();
        steps.push(step);
        if depth > 1 && above.is_empty() {
            // `%25E5`, an escape inside JSON inside a string: the second layer lies over the first.
            let deeper = escapes(&next);
            if !deeper.is_empty() {
                steps.push(Text::decoded(&next, &deeper));
            }
        }
        let read = steps.last().map(|step| step.folded().to_owned()).unwrap_or_default();
        steps.push(Text::new(&read));
        let part: Vec<Range<usize>> = pieces
            .get(begin..index)
            .unwrap_or_default()
            .iter()
            .map(|(piece, _)| piece.start + offset..piece.end + offset)
            .collect();
        if depth > 1 {
            let whole = part.first().zip(part.last()).map(|(first, last)| first.start..last.end);
            let mut inner = Ladder::default();
            // Encoded runs that only show once the escapes are undone; of blobs only the first layer counts.
            if runs(&read, 1, whole.as_ref(), &mut inner).is_ok() {
                ladder.rungs.append(&mut inner.rungs);
            }
        }
        ladder.rungs.push(Rung { steps, offset: offset + start, whole: None, pieces: part });
    }
}

/// Runs of base64 and hex that decode to readable text. `whole`: what is the finding when the text is itself decoded.
fn runs(text: &str, depth: u8, whole: Option<&Range<usize>>, ladder: &mut Ladder) -> Result<(), DetectError> {
    let bytes = text.as_bytes();
    let mut at = 0;
    // The last letter of a run that is long enough tells of most places that none begins there.
    while let Some(head) = bytes.get(at..at + SHORTEST) {
        if let Some(none) = head.iter().rposition(|byte| !encoded(*byte)) {
            at += none + 1;
            continue;
        }
        let length = bytes.get(at..).unwrap_or_default().iter().take_while(|byte| encoded(**byte)).count();
        let run = at..at + length;
        at = run.end;
        let Some(written) = text.get(run.clone()) else { continue };
        match decode(written) {
            Some((inside, plain)) => {
                let run = run.start + inside.start..run.start + inside.end;
                let finding = whole.cloned().unwrap_or(run);
                if depth > 1 {
                    let mut inner = Ladder::default();
                    escaped(&plain, 0, 1, &[], &mut inner);
                    runs(&plain, 1, Some(&finding), &mut inner)?;
                    for mut rung in inner.rungs {
                        rung.whole = Some(finding.clone());
                        ladder.rungs.push(rung);
                    }
                }
                ladder.rungs.push(Rung {
                    steps: vec![Text::new(&plain)],
                    offset: 0,
                    pieces: Vec::new(),
                    whole: Some(finding),
                });
            }
            None if whole.is_none() && blob(written) => {
                if written.len() > LARGEST_BLOB {
                    return Err(DetectError::Unreadable { bytes: written.len(), limit: LARGEST_BLOB, part: None });
                }
                ladder.blobs += 1;
            }
            None => {}
        }
    }
    Ok(())
}

fn encoded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-')
}

/// The readable text of a run, and which bytes of the run it is: hex, or base64 of either alphabet, whole or behind a
/// `key=` or a path's slash.
fn decode(run: &str) -> Option<(Range<usize>, String)> {
    let body = run.trim_end_matches('=');
    let from = |start: usize| {
        let part = run.get(start..)?;
        if body.len().saturating_sub(start) < SHORTEST {
            return None;
        }
        let trimmed = part.trim_end_matches('=');
        if trimmed.len() % 2 == 0 && trimmed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let plain: Option<Vec<u8>> = trimmed
                .as_bytes()
                .chunks_exact(2)
                .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
                .collect();
            if let Some(text) = plain.and_then(readable) {
                return Some((start..run.len(), text));
            }
        }
        let plain = STANDARD.decode(trimmed).or_else(|_| URL_SAFE.decode(trimmed)).ok()?;
        readable(plain).map(|text| (start..run.len(), text))
    };
    let starts = std::iter::once(0).chain(
        body.char_indices().filter(|(_, letter)| matches!(letter, '=' | '/' | '-' | '_')).map(|(at, _)| at + 1).take(8),
    );
    let mut starts = starts;
    starts.find_map(from)
}

/// Text that people wrote: UTF-8 without control letters, mostly letters, digits and blanks.
fn readable(plain: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(plain).ok()?;
    let (mut all, mut good) = (0_usize, 0_usize);
    for letter in text.chars() {
        if letter.is_control() && !letter.is_whitespace() || letter == '\u{fffd}' {
            return None;
        }
        all += 1;
        good += usize::from(letter.is_alphanumeric() || letter == ' ');
    }
    (all >= 4 && good * 2 >= all).then_some(text)
}

/// A run that looks encoded and is none of ours: long, of capitals, small letters and digits, no path and no words.
fn blob(run: &str) -> bool {
    let body = run.trim_end_matches('=');
    let has = |test: fn(&u8) -> bool| body.as_bytes().iter().filter(|byte| test(byte)).count() * 20 >= body.len();
    body.len() >= BLOB && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// Every escape of a text with the letter it stands for, in order.
fn escapes(text: &str) -> Vec<(Range<usize>, char)> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b'%', b'\\', b'&', bytes.get(at..).unwrap_or_default()) {
        let start = at + found;
        let piece = match bytes.get(start) {
            Some(b'%') => hexes(bytes, start, b"%"),
            Some(b'\\') => backslash(bytes, start),
            _ => entity(text, start),
        };
        match piece {
            Some((end, letter)) => {
                pieces.push((start..end, letter));
                at = end;
            }
            None => at = start + 1,
        }
    }
    pieces
}

/// One UTF-8 letter written as `%E5%B1%B1` or `\xE5\xB1\xB1`.
fn hexes(bytes: &[u8], start: usize, mark: &[u8]) -> Option<(usize, char)> {
    let byte = |index: usize| {
        let at = start + index * (mark.len() + 2);
        let code = bytes.get(at..at + mark.len() + 2)?.strip_prefix(mark)?;
        u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()
    };
    let first = byte(0)?;
    let length = match first {
        0x20..=0x7e | 0x09 | 0x0a | 0x0d => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut letter = [0_u8; 4];
    for index in 0..length {
        *letter.get_mut(index)? = byte(index)?;
    }
    let text = std::str::from_utf8(letter.get(..length)?).ok()?;
    Some((start + length * (mark.len() + 2), text.chars().next()?))
}

/// `\u5c71`, a pair of surrogates, `\u{5c71}`, `\xE5…`, and the short escapes of JSON.
fn backslash(bytes: &[u8], start: usize) -> Option<(usize, char)> {
    let short = |letter| Some((start + 2, letter));
    match bytes.get(start + 1)? {
        b'n' => short('\n'),
        b't' => short('\t'),
        b'"' => short('"'),
        b'/' => short('/'),
        b'\\' => short('\\'),
        b'x' => hexes(bytes, start, b"\\x"),
        b'u' if bytes.get(start + 2) == Some(&b'{') => {
            let close = bytes.get(start + 3..start + 10)?.iter().position(|byte| *byte == b'}')?;
            let code = std::str::from_utf8(bytes.get(start + 3..start + 3 + close)?).ok()?;
            Some((start + 4 + close, char::from_u32(u32::from_str_radix(code, 16).ok()?)?))
        }
        b'u' => {
            let unit = |at: usize| {
                let code = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
                u16::from_str_radix(code, 16).ok()
            };
            let high = unit(start + 2)?;
            if let Some(letter) = char::from_u32(u32::from(high)) {
                return Some((start + 6, letter));
            }
            if bytes.get(start + 6..start + 8) != Some(b"\\u") {
                return None;
            }
            let low = unit(start + 8)?;
            Some((start + 12, char::decode_utf16([high, low]).next()?.ok()?))
        }
        _ => None,
    }
}

/// `&#23665;`, `&#x5c71;`, and the named ones that stand in ordinary text.
fn entity(text: &str, start: usize) -> Option<(usize, char)> {
    let window = text.as_bytes().get(start + 1..(start + 12).min(text.len()))?;
    let close = window.iter().position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(window.get(..close)?).ok()?;
    let letter = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" => ' ',
        "commat" => '@',
        "period" => '.',
        "colon" => ':',
        "hyphen" | "dash" => '-',
        "lowbar" => '_',
        _ => {
            let code = name.strip_prefix('#')?;
            let value = match code.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => code.parse().ok()?,
            };
            char::from_u32(value).filter(|letter| !letter.is_control() || letter.is_whitespace())?
        }
    };
    Some((start + close + 2, letter))
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reading in which `needle` stands, with the bytes of the original it maps to.
    fn read(original: &str, needle: &str) -> Vec<String> {
        let text = Text::new(original);
        let ladder = climb(&text, 2, &mut Fuel::for_bytes(original.len(), 1000)).unwrap();
        let mut found = Vec::new();
        for rung in &ladder.rungs {
            let folded = rung.text().unwrap().folded();
            if let Some(at) = folded.find(needle)
                && let Some(range) = rung.to_part(at..at + needle.len())
            {
                found.push(original.get(range).unwrap().to_owned());
            }
        }
        found.dedup();
        found
    }

    #[test]
    fn escapes_map_back_letter_by_letter() {
        assert_eq!(read("q=%E5%B1%B1%E7%94%B0&x", "山田"), ["%E5%B1%B1%E7%94%B0"]);
        assert_eq!(read(r#"{"n":"\u5c71\u7530さん"}"#, "山田さん"), [r"\u5c71\u7530さん"]);
        assert_eq!(read("&#23665;&#x7530;様", "山田"), ["&#23665;&#x7530;"]);
        assert_eq!(
            read(r#""{\"name\":\"山田\",\"tel\":\"090\"}""#, "\"name\":\"山田\""),
            [r#"\"name\":\"山田\"#.to_owned() + "\""]
        );
        assert_eq!(read(r"\xE5\xB1\xB1田", "山田"), [r"\xE5\xB1\xB1田"]);
        assert_eq!(read("a%40b.example", "a@b.example"), ["a%40b.example"]);
        assert_eq!(read("%EF%BC%90%EF%BC%99%EF%BC%90", "090"), ["%EF%BC%90%EF%BC%99%EF%BC%90"]);
    }

    #[test]
    fn two_layers() {
        assert_eq!(read("q=%25E5%25B1%25B1%25E7%2594%25B0", "山田"), ["%25E5%25B1%25B1%25E7%2594%25B0"]);
        let inner = STANDARD.encode("患者 山田太郎 様です");
        let outer = STANDARD.encode(&inner);
        assert_eq!(read(&format!("x {outer} y"), "山田太郎"), std::slice::from_ref(&outer));
    }

    #[test]
    fn of_base64_and_hex_the_whole_run_is_the_finding() {
        let run = STANDARD.encode("患者氏名：山田太郎");
        assert_eq!(read(&format!("データ:{run}です"), "山田太郎"), std::slice::from_ref(&run));
        assert_eq!(read(&format!("token={run}"), "山田太郎"), std::slice::from_ref(&run));
        let hex: String = "山田太郎 090".bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(read(&format!("({hex})"), "山田太郎"), std::slice::from_ref(&hex));
    }

    #[test]
    fn spaced_out_letters() {
        assert_eq!(read("氏名 山 田 太 郎 様", "山田太郎"), ["山 田 太 郎"]);
    }

    #[test]
    fn what_cannot_be_read_is_counted_or_refused() {
        let noise: Vec<u8> = (0..6000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let small = STANDARD.encode(&noise[..90]);
        let text = Text::new(&small);
        let ladder = climb(&text, 2, &mut Fuel::for_bytes(100, 1000)).unwrap();
        assert_eq!(ladder.blobs, 1);
        let large = Text::new(&STANDARD.encode(&noise));
        assert!(matches!(climb(&large, 2, &mut Fuel::for_bytes(10_000, 1000)), Err(DetectError::Unreadable { .. })));
    }

    #[test]
    fn plain_text_has_no_rungs() {
        for plain in
            ["普通の文章です。100%です", "let x = a & b;", "getPatientInformationById(1)", "2024-11-24T10:00:00+09:00"]
        {
            let text = Text::new(plain);
            let ladder = climb(&text, 2, &mut Fuel::for_bytes(100, 1000)).unwrap();
            assert_eq!((ladder.rungs.len(), ladder.blobs), (0, 0), "{plain}");
        }
    }
}
