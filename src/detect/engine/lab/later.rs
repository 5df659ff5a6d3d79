//! Further values of an item that follow without its name: trends over brackets, earlier values, other times and sides.
//! Must not know: whether the first value counts.

use std::ops::Range;

use super::items::Item;
use super::value::{Shape, Value, arrow, blanks, byte, number, peek};
use super::{Lab, Raw};

impl Lab {
    /// Values of the same item that follow without its name: after a bracket or arrow, or `(前回7.1)`.
    pub(super) fn later_values(&self, text: &str, raw: &Raw) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let Some(item) = self.items.rows.get(raw.item) else { return out };
        let mut end = raw.value.range.end;
        for _ in 0..12 {
            let here = blanks(text, end, 2);
            let next = match raw.value.shape {
                Shape::Word => self.next_strain(text, here),
                _ => self
                    .in_brackets(text, here, item, raw)
                    .or_else(|| self.after_arrow(text, here, item, raw))
                    .or_else(|| self.after_word(text, here, item, raw))
                    .or_else(|| self.other_side(text, here, item, raw)),
            };
            let Some(range) = next else { break };
            end = range.end;
            if byte(text, end) == b')' {
                end += 1;
            }
            out.push(range);
        }
        out
    }

    /// `インフルA(-) B(+)`, `A陽性、B陰性`: another type, another result.
    fn next_strain(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let separator = peek(text, at).filter(|letter| matches!(letter, ',' | '、' | '/' | '・'));
        let at = blanks(text, at + separator.map_or(0, char::len_utf8), 1);
        let strain = byte(text, at).is_ascii_uppercase() && !byte(text, at + 1).is_ascii_alphanumeric();
        let from = if text.get(at + 1..).is_some_and(|rest| rest.starts_with('型')) {
            at + 1 + '型'.len_utf8()
        } else {
            at + 1
        };
        strain.then(|| self.word_result(text, from, false)).flatten().map(|end| at..end)
    }

    /// A number of the item's size whose unit, if any, is the item's.
    fn same_item(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let signed = usize::from(matches!(byte(text, at), b'-' | b'+'));
        let first = number(text, at + signed)?;
        let mut value = Value {
            range: at..first.end,
            first: first.value,
            decimals: first.decimals,
            unit: None,
            compared: false,
            shape: Shape::Number,
            numbers: 1,
        };
        self.tail(text, &mut value, first.end, matches!(raw.value.shape, Shape::Slashes(_)), &[item]);
        let fits = value.unit.as_ref().is_none_or(|unit| {
            item.units.contains(unit) || raw.value.unit.as_ref() == Some(unit) || (signed == 1 && unit.contains('/'))
        });
        let sized = value.first >= item.low.max(0.0) * 0.2 && value.first <= item.high * 1.5
            || raw.value.first.is_nan()
            || (value.first / raw.value.first.abs().max(0.01) > 0.1
                && value.first / raw.value.first.abs().max(0.01) < 10.0);
        let same_shape = matches!(raw.value.shape, Shape::Slashes(_)) == matches!(value.shape, Shape::Slashes(_))
            || raw.value.shape == Shape::Span;
        let rows = [item];
        (fits
            && sized
            && same_shape
            && value.shape != Shape::Span
            && self.ends_well(text, &value, &rows, None)
            && !self.threshold_after(text, value.range.end))
        .then_some(value.range)
    }

    fn in_brackets(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        if byte(text, at) != b'(' {
            return None;
        }
        let inner = at + 1;
        let word = self.words.previous.at(text, inner).map(|(end, _)| end);
        let from = blanks(text, word.map_or(inner, |end| if byte(text, end) == b':' { end + 1 } else { end }), 1);
        let range = self.same_item(text, from, item, raw)?;
        let signed = matches!(byte(text, from), b'-' | b'+');
        let later = self.words.later.at(text, range.end).is_some();
        let close = byte(text, range.end) == b')';
        ((word.is_some() && (close || later || matches!(byte(text, range.end), b',' | b' ')))
            || later
            || (signed && close))
            .then_some(range)
    }

    /// `MD -4.2dB(R) -11.8dB(L)`: the other side, with its unit.
    fn other_side(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let side = text.get(at..)?.strip_prefix('(')?;
        let close = side.find(')').filter(|&close| close <= 6)?;
        self.words.sides.at(text, at + 1).filter(|&(end, _)| end == at + 1 + close)?;
        raw.value.unit.as_ref()?;
        let from = blanks(text, at + close + 2, 2);
        let range = self.same_item(text, from, item, raw)?;
        (range.end > from + 1 && byte(text, range.end) == b'(').then_some(range)
    }

    /// `… (5/1) → 6.85`, `→術翌日7.9`, `→リザーバー10Lで95%`.
    fn after_arrow(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let mut here = at;
        if byte(text, here) == b'(' {
            let close = text.get(here..)?.find(')').filter(|&close| close <= 30)?;
            here = blanks(text, here + close + 1, 2);
        }
        let mut from = arrow(text, here)?;
        let limit = from + 60;
        while from < limit {
            let letter = peek(text, from)?;
            if matches!(letter, '\n' | '。' | '、' | '\t' | '|') {
                return None;
            }
            let digit = byte(text, from).is_ascii_digit();
            if digit
                && !text
                    .get(..from)?
                    .ends_with(|before: char| before.is_ascii_alphanumeric() || matches!(before, '.' | '/' | '×' | '-'))
            {
                if let Some(range) = self.same_item(text, from, item, raw) {
                    return Some(range);
                }
                while byte(text, from).is_ascii_digit() || matches!(byte(text, from), b'.' | b'/' | b',') {
                    from += 1;
                }
                continue;
            }
            from += letter.len_utf8();
        }
        None
    }

    /// `, repeat 142/90`, `、再検7.9`; `on 04/06, 8.8 on 04/09`; `から48kg`, ` to 82.4 kg`.
    fn after_word(&self, text: &str, at: usize, item: &Item, raw: &Raw) -> Option<Range<usize>> {
        let rest = text.get(at..)?;
        if let Some(joined) = ["から", "to ", "and now ", "now "].into_iter().find(|word| rest.starts_with(word)) {
            return self.same_item(text, at + joined.len(), item, raw).filter(|_| raw.value.unit.is_some());
        }
        if let Some(dated) = rest.strip_prefix("on ") {
            let date = dated.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '/' | '-')))?;
            let behind = at + 3 + date;
            let from = blanks(text, if byte(text, behind) == b',' { behind + 1 } else { behind }, 1);
            let range = self.same_item(text, from, item, raw)?;
            return (date > 2 && text.get(range.end..)?.starts_with(" on ")).then_some(range);
        }
        if let Some((word, _)) = self.words.times.at(text, at) {
            return self.same_item(text, if byte(text, word) == b':' { word + 1 } else { word }, item, raw);
        }
        let separated = rest.strip_prefix([',', '、', ';', '/']).map(|tail| tail.trim_start_matches(' '))?;
        let from = text.len() - separated.len();
        let (word, _) = self.words.previous.at(text, from).or_else(|| self.words.times.at(text, from))?;
        self.same_item(text, blanks(text, word, 1), item, raw)
    }
}
