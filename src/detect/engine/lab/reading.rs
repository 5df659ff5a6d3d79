//! Reading what stands behind an item: joiners, brackets, describing words, then a value in one of its shapes.
//! Must not know: whether the value counts.

use super::Lab;
use std::ops::Range;

use super::items::{self, Alias, Item};
use super::value::{self, Shape, Value, arrow, blanks, byte, comparator, number, peek, unit};
use super::weight::own_unit;

impl Lab {
    /// The value that follows an item ending at `end`; true when a describing word stood between.
    pub(super) fn value_after(
        &self,
        text: &str,
        alias: &Alias,
        end: usize,
        group: usize,
        next: Option<usize>,
    ) -> Option<(Value, bool)> {
        let rows: Vec<&Item> = alias.rows.iter().filter_map(|&row| self.items.rows.get(row)).collect();
        let vital = rows.iter().any(|row| row.vital);
        let mut at = end;
        let mut described = false;
        for step in 0..5 {
            let here = blanks(text, at, 24);
            if let Some(value) = self.value_at(text, here, &rows, alias, group, here == end || step > 0, next) {
                return Some((value, described));
            }
            let letter = peek(text, here)?;
            if letter == '(' {
                let close = here + text.get(here..)?.find(')').filter(|&close| close <= 40)?;
                let inner = text.get(here + 1..close)?;
                if inner.contains('\n') {
                    return None;
                }
                // `血糖(朝142、昼186)`: the values stand in the brackets.
                if let Some((time, _)) = self.words.times.at(text, here + 1)
                    && let Some(value) = self.value_at(text, blanks(text, time, 1), &rows, alias, group, false, next)
                {
                    return Some((value, described));
                }
                at = close + 1;
                continue;
            }
            let joined = self
                .words
                .joiners
                .at(text, here)
                .or_else(|| self.words.times.at(text, here))
                .or_else(|| vital.then(|| self.words.vital_joiners.at(text, here)).flatten())
                .filter(|&(joined, _)| whole_word(text, here, joined));
            if let Some((joined, _)) = joined {
                at = joined;
                continue;
            }
            // A describing word: `ドレーン漿液性85ml`, `ROM 肩屈曲 110°`.
            let word = describing(text, here);
            let group_word = text.get(here..word).is_some_and(|word| word.contains("平均"));
            if described || word == here || group_word {
                return None;
            }
            described = true;
            at = word;
        }
        None
    }

    fn value_at(
        &self,
        text: &str,
        at: usize,
        rows: &[&Item],
        alias: &Alias,
        group: usize,
        close: bool,
        next: Option<usize>,
    ) -> Option<Value> {
        if rows.iter().any(|row| row.qualitative)
            && let Some(end) = self.word_result(text, at, close)
        {
            return Some(plain(at..end, Shape::Word));
        }
        if alias.text.starts_with("血液型") || alias.text.starts_with("ABO") {
            return value::blood_group(text, at).map(|end| plain(at..end, Shape::Word));
        }
        if rows.iter().any(|row| row.vital || row.score)
            && let Some(value) = value::kanji_value(text, at)
        {
            return Some(value);
        }
        if let Some(value) = self.sides(text, at, rows) {
            return Some(value);
        }
        if rows.iter().any(|row| row.score)
            && let Some(end) = value::code(text, at)
        {
            // A total behind the code belongs to it: `D3-e3s8i1g3n3p0 18点`.
            let from = blanks(text, end, 1);
            let total = number(text, from)
                .and_then(|total| unit(&self.words.units, text, total.end, 0))
                .filter(|(_, spelled)| spelled == "点")
                .map(|(end, _)| end);
            return Some(plain(at..total.unwrap_or(end), Shape::Code));
        }
        self.number_value(text, at, rows, group, next)
    }

    /// `(-)`, `2+`, `陽性`; a bare sign only straight behind the item.
    pub(super) fn word_result(&self, text: &str, at: usize, close: bool) -> Option<usize> {
        // `1日目(+)2日目(-)`.
        let mut day_end = None;
        let mut here = at;
        while let Some(day) = number(text, here)
            .filter(|day| text.get(day.end..).is_some_and(|rest| rest.starts_with("日目") || rest.starts_with("回目")))
        {
            let Some((end, _)) = self.words.qualitative.at(text, blanks(text, day.end + "日目".len(), 1)) else {
                break;
            };
            day_end = Some(end);
            here = blanks(text, end, 1);
        }
        if day_end.is_some() {
            return day_end;
        }
        self.words
            .qualitative
            .at(text, at)
            .or_else(|| close.then(|| self.words.signs.at(text, at)).flatten())
            .map(|(end, _)| end)
            .filter(|&end| {
                let (last, next) = (byte(text, end - 1), byte(text, end));
                let word_goes_on = last.is_ascii_alphabetic() && next.is_ascii_alphabetic();
                let sign_of_more = matches!(last, b'+' | b'-') && (next.is_ascii_digit() || next.is_ascii_lowercase());
                !word_goes_on && !sign_of_more
            })
    }

    /// `R 18 L 23`, `右 0.8 左 1.2`, `上肢IV 手指III 下肢V`: two sides at least, or one side whose value is a code.
    fn sides(&self, text: &str, at: usize, rows: &[&Item]) -> Option<Value> {
        let (mut here, mut end, mut seen) = (at, at, 0);
        let mut first = None;
        while let Some((side, _)) = self.words.sides.at(text, here) {
            let from = blanks(text, if byte(text, side) == b':' { side + 1 } else { side }, 1);
            if let Some(found) = number(text, from) {
                first.get_or_insert(found.value);
                end = unit(&self.words.units, text, found.end, 0).map_or(found.end, |(end, _)| end);
            } else if let Some(code) = value::code(text, from).filter(|_| rows.iter().any(|row| row.score)) {
                end = code;
            } else {
                break;
            }
            if byte(text, end) == b'('
                && let Some(corrected) = number(text, end + 1).filter(|found| byte(text, found.end) == b')')
            {
                end = corrected.end + 1;
            }
            seen += 1;
            let separated = byte(text, end) == b'/' || byte(text, end) == b',';
            here = blanks(text, if separated { end + 1 } else { end }, 2);
        }
        // Frequencies and levels in turn: `1000Hz 25dB 4000Hz 45dB`.
        if seen == 0 {
            let mut here = at;
            while let Some(tone) = number(text, here) {
                let Some((hz, _)) = unit(&self.words.units, text, tone.end, 0).filter(|(_, unit)| unit == "hz") else {
                    break;
                };
                let level = number(text, blanks(text, hz, 1))?;
                end = unit(&self.words.units, text, level.end, 0).map_or(level.end, |(end, _)| end);
                seen += 2;
                here = blanks(text, end, 2);
            }
        }
        // Minutes and points in turn: `1分8点/5分9点`.
        if seen == 0 {
            let mut here = at;
            while let Some(minute) =
                number(text, here).filter(|found| text.get(found.end..).is_some_and(|rest| rest.starts_with('分')))
            {
                let from = minute.end + '分'.len_utf8();
                let from = blanks(text, if matches!(byte(text, from), b':' | b'=') { from + 1 } else { from }, 1);
                let Some(points) = number(text, from) else { break };
                end = if text.get(points.end..).is_some_and(|rest| rest.starts_with('点')) {
                    points.end + '点'.len_utf8()
                } else {
                    points.end
                };
                seen += 2;
                let separator = peek(text, end).filter(|letter| matches!(letter, '/' | ',' | '、' | '・'));
                here = blanks(text, end + separator.map_or(0, char::len_utf8), 1);
            }
        }
        (seen >= 2 && end > at).then(|| Value { first: first.unwrap_or(f64::NAN), ..plain(at..end, Shape::Slashes(2)) })
    }

    fn number_value(&self, text: &str, at: usize, rows: &[&Item], group: usize, next: Option<usize>) -> Option<Value> {
        let bracket = byte(text, at) == b'(' && byte(text, at + 1).is_ascii_digit();
        let from = if bracket { at + 1 } else { at };
        let signed = matches!(byte(text, from), b'-' | b'+') && byte(text, from + 1).is_ascii_digit();
        let titre = rows.iter().any(|row| row.units.iter().any(|unit| matches!(unit.as_str(), "倍" | "×")));
        let by = (titre && (byte(text, from) == b'x' || peek(text, from) == Some('×')))
            .then(|| from + peek(text, from).map_or(1, char::len_utf8));
        let digits = by.unwrap_or_else(|| comparator(text, from) + usize::from(signed));
        let digits = blanks(text, digits, usize::from(digits > from));
        let compared = by.is_none() && comparator(text, from) > from;
        let first = number(text, digits)?;
        let negative = signed && byte(text, from) == b'-';
        let mut value = Value {
            range: from..first.end,
            first: if negative { -first.value } else { first.value },
            decimals: first.decimals,
            unit: None,
            compared,
            shape: Shape::Number,
            numbers: 1,
        };
        self.tail(
            text,
            &mut value,
            first.end,
            group > 1 || rows.iter().any(|row| row.vital || row.score || row.high < 100.0),
            rows,
        );
        if bracket && byte(text, value.range.end) != b')' {
            return None;
        }
        self.ends_well(text, &value, rows, next).then_some(value)
    }

    /// What belongs to a number behind it: unit, slashes, a span, a trend, a correction in brackets.
    pub(super) fn tail(&self, text: &str, value: &mut Value, mut end: usize, slashes: bool, rows: &[&Item]) {
        let units = &self.words.units;
        let one = |from: usize| -> Option<(usize, Option<String>)> {
            let found = number(text, comparator(text, from))?;
            Some(match unit(units, text, found.end, 1) {
                Some((end, spelled)) => (end, Some(spelled)),
                None => (found.end, None),
            })
        };
        for _ in 0..24 {
            if let Some((unit_end, spelled)) = unit(units, text, end, 8).filter(|_| value.unit.is_none()) {
                // A unit never swallows the next slash of a pair (`/10` behind `6` is one).
                end = unit_end;
                value.unit = Some(spelled);
                continue;
            }
            let here = peek(text, end);
            if here == Some('/') && slashes && byte(text, end + 1).is_ascii_digit() {
                let Some((next, spelled)) = one(end + 1) else { break };
                value.numbers = value.numbers.saturating_add(1);
                value.shape = match value.shape {
                    Shape::Slashes(count) => Shape::Slashes(count.saturating_add(1)),
                    Shape::Span => Shape::Span,
                    _ => Shape::Slashes(1),
                };
                value.unit = spelled.or(value.unit.take());
                end = next;
                continue;
            }
            let spoken = here == Some('の') && value.numbers == 1 && rows.iter().any(|row| row.vital);
            if spoken
                && byte(text, end + 'の'.len_utf8()).is_ascii_digit()
                && let Some(next) = one(end + 'の'.len_utf8())
            {
                value.numbers = 2;
                value.shape = Shape::Slashes(1);
                value.unit = next.1.or(value.unit.take());
                end = next.0;
                continue;
            }
            if let Some(mark) = here.filter(|mark| matches!(mark, '-' | '~' | '〜' | '–'))
                && byte(text, end + mark.len_utf8()).is_ascii_digit()
            {
                let Some((next, spelled)) = one(end + mark.len_utf8()) else { break };
                value.shape = Shape::Span;
                value.unit = spelled.or(value.unit.take());
                end = next;
                continue;
            }
            let over = blanks(text, end, 1);
            if let Some(next) = arrow(text, over).and_then(|end| one(blanks(text, end, 1)))
                // `48→50%糖`: what follows the arrow is something else.
                && next.1.as_ref().is_none_or(|unit| value.unit.as_ref() == Some(unit) || rows.iter().any(|row| own_unit(unit, row)))
            {
                value.shape = Shape::Trend;
                value.unit = next.1.or(value.unit.take());
                end = next.0;
                continue;
            }
            if here == Some('(')
                && let Some(close) = text.get(end..).and_then(|rest| rest.find(')')).filter(|&close| close <= 40)
                && text
                    .get(end..end + close)
                    .is_some_and(|inner| inner.contains(['×', 'x']) && inner.contains(['D', 'S']))
            {
                end += close + 1;
            }
            break;
        }
        value.range.end = end;
    }

    /// Nothing behind the value says that it is a date, a version, a count, a code.
    pub(super) fn ends_well(&self, text: &str, value: &Value, rows: &[&Item], next: Option<usize>) -> bool {
        let end = value.range.end;
        let after = peek(text, end);
        if matches!(after, Some('±')) || text.get(end..).is_some_and(|rest| rest.starts_with(" ±")) {
            return false;
        }
        let digit_follows = byte(text, end + 1).is_ascii_digit();
        if matches!(after, Some('.' | ':' | '/')) && digit_follows && next != Some(end + 1) {
            return false;
        }
        let number_end = value.range.start
            + text
                .get(value.range.clone())
                .map_or(0, |seen| seen.trim_end_matches(|letter: char| !letter.is_ascii_digit()).len());
        let counted = self
            .words
            .counters
            .at(text, number_end)
            .or_else(|| value.unit.is_none().then(|| self.words.counters.at(text, blanks(text, end, 1))).flatten());
        if counted.is_some_and(|(counter, _)| counter > end) {
            return false;
        }
        if value.unit.is_none()
            && let Some(letter) = after.filter(char::is_ascii_alphabetic)
        {
            let beyond = byte(text, end + 1);
            let flag = matches!(letter, 'H' | 'L' | 'N') && !beyond.is_ascii_alphanumeric();
            let step = matches!(letter, 'a' | 'b' | 'c')
                && !beyond.is_ascii_alphanumeric()
                && rows.iter().any(|row| row.score);
            return flag || step || next == Some(end);
        }
        true
    }
}

fn plain(range: Range<usize>, shape: Shape) -> Value {
    Value { range, first: f64::NAN, decimals: 0, unit: None, compared: false, shape, numbers: 1 }
}

/// A joiner of ASCII letters must be a word of its own.
fn whole_word(text: &str, start: usize, end: usize) -> bool {
    let letter = |at: usize| byte(text, at).is_ascii_alphabetic();
    let goes_on = letter(end.saturating_sub(1)) && letter(end);
    let began_before = start > 0 && letter(start) && letter(start - 1);
    !goes_on && !began_before
}

/// Up to six letters of kanji or kana, then blanks.
fn describing(text: &str, at: usize) -> usize {
    let mut end = at;
    for letter in text.get(at..).unwrap_or("").chars().take(6) {
        if !(items::kanji(letter) || matches!(letter, 'ァ'..='ヺ' | 'ー')) {
            break;
        }
        end += letter.len_utf8();
    }
    end
}
