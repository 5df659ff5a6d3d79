//! Runs of single letters with blanks between them (山 田 太 郎): where the blanks are.
//! Must not know: what the letters are.

/// Whether two single letters stand with a blank before, between and behind them, as in every run of four.
pub(super) fn likely(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    let (mut last, mut singles) = (None, 0);
    for blank in memchr::memchr_iter(b' ', bytes) {
        let token = last.and_then(|last: usize| bytes.get(last + 1..blank)).unwrap_or_default();
        let width = match token.first() {
            None => 0,
            Some(0..0x80) => 1,
            Some(0x80..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(_) => 4,
        };
        singles = if width > 0 && token.len() == width { singles + 1 } else { 0 };
        if singles == 2 {
            return true;
        }
        last = Some(blank);
    }
    false
}

/// The blanks inside runs of four or more single letters with one blank between each two (bytes of the folded text).
/// The first may follow a sign (`氏名:山 田 太 郎`), the last may be followed by one.
pub(super) fn gaps(folded: &str) -> Vec<usize> {
    let single = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '@' | '.' | '_' | 'ー'))
    };
    let sign = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let mut gaps = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    let mut start = 0;
    for token in folded.split(' ') {
        let end = start + token.len();
        let (mut ahead, mut back) = (token.chars(), token.chars().rev());
        let head = single(ahead.next()) && sign(ahead.next());
        let tail = single(back.next()) && sign(back.next());
        if !head {
            run.pop();
        }
        if !head || token.chars().nth(1).is_some() {
            if run.len() >= 3 {
                gaps.append(&mut run);
            }
            run.clear();
        }
        if tail && end < folded.len() {
            run.push(end);
        }
        start = end + 1;
    }
    if run.len() >= 3 {
        gaps.append(&mut run);
    }
    gaps
}
