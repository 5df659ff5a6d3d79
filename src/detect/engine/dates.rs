//! Dates: which written day is a birth, which belongs to somebody's care, which is neither.
//! A day counts by the words around it; a bare one counts where the text as a whole is about the care of a person.
//! Must not know: names, other engines, today.

mod cues;
mod grammar;

use std::ops::Range;

use super::{Candidate, Engine, Output, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::fuel::{DetectError, Fuel};
use crate::detect::kind::Kind;
use crate::detect::text::Text;
use cues::{Cue, Cues, Hit};
use grammar::{Form, Written};

use super::reading::{after, before, char_at, char_before, line_start};
use super::table::Table;

/// How far a word reaches, in letters.
const REACH_BEFORE: usize = 14;
const REACH_AFTER: usize = 12;

/// The engine.
#[derive(Debug)]
pub struct Dates {
    cues: Cues,
    birth: RuleId,
    care: RuleId,
}

impl Default for Dates {
    fn default() -> Self {
        Self::new()
    }
}

impl Dates {
    /// Prepare the shipped words.
    #[must_use]
    pub fn new() -> Self {
        Self { cues: Cues::shipped(), birth: RuleId::new("date.birth"), care: RuleId::new("date.care") }
    }
}

/// What speaks for and against a date.
struct Verdict {
    kind: Kind,
    evidence: Vec<Evidence>,
}

impl Verdict {
    fn confidence(&self) -> f32 {
        self.evidence.iter().map(|reason| reason.weight).sum::<f32>().clamp(0.0, 1.0)
    }
}

/// The text with its words, looked at once.
struct Page<'a> {
    text: &'a str,
    hits: &'a [Hit],
    /// How many different words say that it is about care, less those that say otherwise.
    care: f32,
    field: Option<Cue>,
    table: Table,
    cues: &'a Cues,
}

impl Engine for Dates {
    fn name(&self) -> &'static str {
        "dates"
    }

    fn find(&self, view: View<'_>, fuel: &mut Fuel, out: &mut Output) -> Result<(), DetectError> {
        let text = view.text.folded();
        fuel.burn(text.len() as u64)?;
        let dates = grammar::read(text);
        if dates.is_empty() {
            return Ok(());
        }
        fuel.burn(text.len() as u64 + 256 * dates.len() as u64)?;
        let hits = self.cues.scan(text);
        let field = view.label.and_then(|label| {
            let label = Text::new(label);
            self.cues.of_field(label.folded())
        });
        let page = Page { text, hits: &hits, care: cues::care(&hits), field, table: Table::of(text), cues: &self.cues };
        let mut verdicts: Vec<Verdict> = dates.iter().map(|date| page.judge(date)).collect();
        spread(text, &dates, &mut verdicts);
        for (date, verdict) in dates.into_iter().zip(verdicts) {
            let confidence = verdict.confidence();
            if confidence < 0.2 {
                continue;
            }
            let rule = if verdict.kind == Kind::BirthDate { self.birth.clone() } else { self.care.clone() };
            out.candidates.push(Candidate {
                range: date.range,
                kind: verdict.kind,
                subtype: None,
                confidence,
                rule,
                evidence: verdict.evidence,
                role: None,
                proven: false,
                value: None,
            });
        }
        Ok(())
    }
}

impl Page<'_> {
    fn judge(&self, date: &Written) -> Verdict {
        let field = self.field.or_else(|| {
            let head = self.table.head(self.text, date.range.start)?;
            self.cues.of_field(head)
        });
        if let Some(verdict) = self.birth(date, field) {
            return verdict;
        }
        let mut evidence = vec![Evidence::new("form", base(date.form))];
        if date.form == Form::Slash
            && let Some(reason) = self.no_day(date)
        {
            evidence.push(reason);
        }
        let head = self.heads_entry(date);
        let near = self.nearest(date, Cue::Care);
        let other = if head && self.care >= 3.0 {
            self.before(date.range.start, Cue::Other, REACH_BEFORE)
        } else {
            self.nearest(date, Cue::Other)
        };
        evidence.extend(self.time(date));
        match (near, other) {
            (Some((distance, word)), other) if other.as_ref().is_none_or(|(against, _)| distance <= *against) => {
                evidence.push(Evidence::new(word, 0.5));
                if let Some((_, word)) = other {
                    evidence.push(Evidence::new(word, -0.15));
                }
            }
            (near, Some((distance, word))) => {
                evidence.push(Evidence::new(word, if distance <= 6 { -0.5 } else { -0.3 }));
                if let Some((_, word)) = near {
                    evidence.push(Evidence::new(word, 0.2));
                }
            }
            (_, None) => {}
        }
        if field == Some(Cue::Care) {
            evidence.push(Evidence::new("field", 0.5));
        }
        if head {
            evidence.push(Evidence::new("head of an entry", 0.1 + 0.2 * (self.care / 4.0).clamp(-0.5, 1.0)));
        }
        let passage = match self.care {
            care if care >= 3.0 => 0.4,
            care if care >= 2.0 => 0.3,
            care if care >= 1.0 => 0.2,
            care if care >= -0.5 => 0.0,
            care if care >= -3.0 => -0.1,
            _ => -0.2,
        };
        evidence.push(Evidence::new("text about care", passage));
        Verdict { kind: Kind::CareDate, evidence }
    }

    /// A time or weekday behind says that it is a day; seconds and zones are those of logs, a mailbox that of a mail.
    fn time(&self, date: &Written) -> Option<Evidence> {
        let tail = after(self.text, date.range.end, 48);
        let line = tail.split('\n').next().unwrap_or(tail);
        let rest = line.trim_start_matches([' ', 'T', ',']);
        let clock: Vec<&str> = rest
            .split(|letter: char| !letter.is_ascii_digit())
            .take(3)
            .take_while(|part| part.len() == 2 || part.len() == 1)
            .collect();
        let colon = rest.bytes().take(3).any(|byte| byte == b':');
        if colon
            && clock.len() == 3
            && clock.get(2).is_some_and(|seconds| seconds.len() == 2)
            && rest.matches(':').count() >= 2
        {
            return Some(Evidence::new("seconds of a log", -0.4));
        }
        if line.contains('@') && (line.contains('<') || line.contains("メール") || line.contains("wrote")) {
            return Some(Evidence::new("head of a mail", -0.7));
        }
        let hour = rest.split_once('時').is_some_and(|(hour, _)| {
            !hour.is_empty() && hour.len() <= 2 && hour.bytes().all(|byte| byte.is_ascii_digit())
        });
        let weekday = rest
            .strip_prefix('(')
            .is_some_and(|rest| rest.starts_with(['月', '火', '水', '木', '金', '土', '日']) || rest.starts_with("祝"));
        let short = matches!(date.form, Form::Slash | Form::MonthDay) && self.care >= 1.0;
        (short && (colon && clock.len() >= 2 || hour || weekday)).then(|| Evidence::new("time of day", 0.15))
    }

    /// A birth: a label before, 生 after, or an old full date beside a person.
    fn birth(&self, date: &Written, field: Option<Cue>) -> Option<Verdict> {
        let birth = |why: String, weight: f32| Verdict {
            kind: Kind::BirthDate,
            evidence: vec![Evidence::new("form", 0.3), Evidence::new(why, weight)],
        };
        if field == Some(Cue::BirthBefore) {
            return Some(birth("field".to_owned(), 0.65));
        }
        if date.form == Form::RangeEnd {
            return None;
        }
        if field == Some(Cue::Care) {
            return None;
        }
        if let Some((distance, word)) = self.before(date.range.start, Cue::BirthBefore, 20) {
            // Another cue that stands nearer is this date's own.
            let nearer = self.before(date.range.start, Cue::Care, 8).is_some_and(|(other, _)| other < distance);
            if !nearer && !self.digits_between(date.range.start, distance) {
                return Some(birth(word, 0.6));
            }
        }
        let tail = after(self.text, date.range.end, 6);
        let tail = tail.trim_start_matches([' ', ')', ']']);
        let born = tail.strip_prefix('生').is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with([
                    'ま', 'れ', ')', '、', '。', ' ', ',', '(', '\n', '\t', '/', '・', '~', '男', '女', '「', '」',
                    '|', '"', 'の',
                ])
                || !rest.starts_with(|letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter))
        });
        if born || tail.starts_with("に生まれ") || tail.starts_with("出生") {
            return Some(birth("生".to_owned(), 0.6));
        }
        let year = date.year?;
        let care = self.nearest(date, Cue::Care).is_some_and(|(distance, _)| distance <= 8);
        let other = self.nearest(date, Cue::Other).is_some_and(|(distance, _)| distance <= 10);
        if care || other {
            return None;
        }
        // `様(S14.7.7)`, `S41.5.2 高松市`, `1959年6月21日(65)`: a person's line and a year long past.
        // `平成2年4月4日に手術`, `2007年5月15日、ふらつき`: what happened on a day is no birth.
        let happened = ["より", "に", "から", "頃", "ごろ", "まで", "、", "，", "~", "-"]
            .iter()
            .any(|word| after(self.text, date.range.end, 3).starts_with(word))
            && date.form == Form::Long;
        let person = self.beside_person(date) && !happened;
        let old = (person && year <= 2012) || (year < 1989 && !happened && self.care >= 1.0);
        (old && self.care > -3.0).then(|| birth("a year long past beside a person".to_owned(), 0.35))
    }

    /// An honorific, an age or a sex stands next to the date.
    fn beside_person(&self, date: &Written) -> bool {
        let head = before(self.text, date.range.start, 8);
        let tail = after(self.text, date.range.end, 8);
        let honorific = ["様", "さん", "殿", "氏", "くん", "ちゃん", "君"]
            .iter()
            .any(|word| head.trim_end_matches([' ', '(', '、', ',', '\n']).ends_with(word));
        let bracket = tail.starts_with('(') && tail.chars().nth(1).is_some_and(|letter| letter.is_ascii_digit());
        let sex = ["男", "女", "M ", "F "].iter().any(|word| head.contains(word) || tail.contains(word));
        let age = tail.contains('歳') || tail.contains('才') || head.contains('歳');
        // Directly behind kanji or kana and a space or comma: `斎藤 由美子 S41.5.2`.
        let name = head
            .trim_end_matches([' ', '、', '(', ',', '\'', '"'])
            .chars()
            .rev()
            .take(2)
            .filter(|letter| is_name_letter(*letter))
            .count()
            == 2
            && head.ends_with([' ', '、', '(', ',', '\'', '"']);
        honorific || bracket || sex || age || name
    }

    /// `7/30` that is points, a part or a ratio.
    fn no_day(&self, date: &Written) -> Option<Evidence> {
        let tail = after(self.text, date.range.end, 3);
        let tail_hit = self.hits.iter().find(|hit| {
            hit.cue == Cue::Part && hit.range.start == date.range.end + tail.len() - tail.trim_start().len()
        });
        if let Some(hit) = tail_hit {
            return Some(Evidence::new(format!("part {}", self.cues_word(hit)), -0.6));
        }
        if let Some((_, word)) = self.before(date.range.start, Cue::Score, 4) {
            return Some(Evidence::new(format!("score {word}"), -0.6));
        }
        let joined =
            char_before(self.text, date.range.start).is_some_and(|letter| matches!(letter, '=' | '+' | '×' | '第'));
        joined.then(|| Evidence::new("no day", -0.5))
    }

    fn cues_word(&self, hit: &Hit) -> &str {
        self.text.get(hit.range.clone()).unwrap_or_default()
    }

    /// The nearest word of a set, before or after; the distance in letters.
    fn nearest(&self, date: &Written, cue: Cue) -> Option<(usize, String)> {
        let before = self.before(date.range.start, cue, REACH_BEFORE);
        let after = self.after(date.range.end, cue, REACH_AFTER);
        match (before, after) {
            (Some(one), Some(two)) => Some(if one.0 <= two.0 { one } else { two }),
            (one, two) => one.or(two),
        }
    }

    /// The nearest word of a set before `at`, on the same line or at the end of the line before.
    fn before(&self, at: usize, cue: Cue, reach: usize) -> Option<(usize, String)> {
        let upto = self.hits.partition_point(|hit| hit.range.end <= at);
        let mut words = self.hits.get(..upto)?.iter().rev().take(12).filter(|hit| hit.cue == cue);
        words.find_map(|hit| {
            let gap = self.text.get(hit.range.end..at)?;
            let distance = gap.chars().take(reach + 1).count();
            let breaks = gap.contains('\n');
            let fits = distance <= reach
                && !gap.contains('。')
                && (!breaks || gap.chars().all(|letter| letter.is_whitespace() || letter == ':'));
            fits.then(|| (distance, self.cues_word(hit).to_owned()))
        })
    }

    fn after(&self, at: usize, cue: Cue, reach: usize) -> Option<(usize, String)> {
        let from = self.hits.partition_point(|hit| hit.range.start < at);
        let mut words = self.hits.get(from..)?.iter().take(12).filter(|hit| hit.cue == cue);
        words.find_map(|hit| {
            let gap = self.text.get(at..hit.range.start)?;
            let distance = gap.chars().take(reach + 1).count();
            let fits = distance <= reach && !gap.contains(['。', '\n']);
            fits.then(|| (distance, self.cues_word(hit).to_owned()))
        })
    }

    /// Another number with three digits or more stands between label and date.
    fn digits_between(&self, at: usize, distance: usize) -> bool {
        let gap = before(self.text, at, distance);
        gap.split(|letter: char| !letter.is_ascii_digit()).any(|run| run.len() >= 3)
    }

    /// The date is the first thing on its line, or after a mark that opens an entry.
    fn heads_entry(&self, date: &Written) -> bool {
        let start = line_start(self.text, date.range.start);
        let head = self.text.get(start..date.range.start).unwrap_or_default();
        let opened = head
            .trim_matches([' ', '\t', '【', '[', '・', '■', '●', '#', '*', '-', '>', '|', '(', '<', '"', '「'])
            .is_empty();
        let closed = matches!(
            char_at(self.text, date.range.end),
            None | Some(' ' | '\n' | '\t' | '(' | ':' | '|' | '】' | ']' | ')' | '、' | ',')
        );
        opened && closed
    }
}

const fn is_name_letter(letter: char) -> bool {
    matches!(letter, '\u{4e00}'..='\u{9fff}' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー')
}

/// What the form alone is worth.
const fn base(form: Form) -> f32 {
    match form {
        Form::Long | Form::Separated => 0.25,
        Form::MonthDay => 0.2,
        Form::ShortYear | Form::RangeEnd => 0.15,
        Form::Slash | Form::Digits => 0.1,
        Form::Spaced => 0.0,
    }
}

/// Dates in one list or range are of one sort: a neighbour that is sure lends what is missing.
fn spread(text: &str, dates: &[Written], verdicts: &mut [Verdict]) {
    let joined = |left: &Range<usize>, right: &Range<usize>| {
        text.get(left.end..right.start).is_some_and(|gap| {
            gap.chars().count() <= 6
                && gap.chars().all(|letter| {
                    matches!(letter, ' ' | ',' | '、' | '・' | '~' | '-' | '→' | '/' | '\t' | '|' | '&')
                        || "からと月火水木金土日()".contains(letter)
                })
        })
    };
    let count = dates.len().min(verdicts.len());
    let order: Vec<(usize, usize)> =
        (1..count).map(|at| (at - 1, at)).chain((1..count).rev().map(|at| (at, at - 1))).collect();
    for (from, to) in order {
        let (Some(one), Some(two)) = (dates.get(from.min(to)), dates.get(from.max(to))) else { continue };
        if !joined(&one.range, &two.range) {
            continue;
        }
        let Some(sure) = verdicts.get(from).filter(|verdict| verdict.kind == Kind::CareDate).map(Verdict::confidence)
        else {
            continue;
        };
        if let Some(other) = verdicts.get_mut(to)
            && other.kind == Kind::CareDate
            && sure >= 0.5
            && other.confidence() < sure
        {
            let missing = sure - other.evidence.iter().map(|reason| reason.weight).sum::<f32>();
            other.evidence.push(Evidence::new("in a row with another", missing));
        }
    }
}

#[cfg(test)]
mod tests;
