//! What masks without a score, because the words beside it say that it is a person: a short run of kanji before an
//! honorific, initials of a patient (PHI §5.2, §5.5). The models never talk these down.
//! Must not know: how chances are made.

use super::Names;
use super::candidates::Form;
use super::cues::{After, Before};
use super::letter::Script;
use super::model::Scratch;
use super::word::Sense;

/// The chance a floor gives.
const FLOOR: f32 = 0.3;

/// Raise the chances of what stands beside a word for persons.
pub(super) fn raise(names: &Names, scratch: &mut Scratch) {
    for at in 1..scratch.window.count() {
        let cue = scratch.scan.after.get(at).copied().unwrap_or_default();
        if cue.after == After::Honorific
            && let Some(start) = kanji_before(names, scratch, at)
        {
            lift(scratch, start, at);
        }
    }
    for index in 0..scratch.scan.proposals.len() {
        let Some(proposal) = scratch.scan.proposals.get(index) else { break };
        let (start, end) = (proposal.start as usize, proposal.end as usize);
        if proposal.form == Form::Initials && of_patient(scratch, start, end) {
            lift(scratch, start, end);
        }
    }
}

fn lift(scratch: &mut Scratch, start: usize, end: usize) {
    if let Some(letters) = scratch.inside.get_mut(start..end) {
        letters.iter_mut().for_each(|letter| *letter = letter.max(FLOOR));
    }
}

/// The whole run of one to four kanji before an honorific at `at`, when it is no word for a person or a thing.
fn kanji_before(names: &Names, scratch: &Scratch, at: usize) -> Option<usize> {
    let window = &scratch.window;
    // 様子, 様々, 先生方, 氏名: the honorific begins another word.
    let other = scratch.scan.hits_at(at).iter().any(|hit| {
        let length = usize::from(scratch.scan.after.get(at).map_or(0, |cue| cue.length));
        (hit.end - hit.start) as usize > length && hit.word.surname() + hit.word.given() == 0
    });
    if other || window.script(at) == Script::Kanji && window.letter(at + 1) == '々' {
        return None;
    }
    let mut start = at;
    while start > 0 && at - start < 5 && window.before(start) == Script::Kanji {
        start -= 1;
    }
    if !(1..=4).contains(&(at - start)) || names.cues.not_person(window.slice(start, at)) {
        return None;
    }
    let word = names.lexicon.word(window.slice(start, at));
    let name = word.surname() + word.given() > 0;
    let thing =
        !name && (word.has(Sense::Noun) || word.has(Sense::Other) || word.has(Sense::Affix) || word.has(Sense::Term));
    // A part of it that is a word for persons at its end (担当看護師, 他院長) is no name either.
    let person = (start + 1..at).any(|from| names.cues.not_person(window.slice(from, at)) && at - from > 1);
    (!thing && !person && !(at - start == 1 && !name)).then_some(start)
}

/// Initials after a label of a patient or relative, or before an age.
fn of_patient(scratch: &Scratch, start: usize, end: usize) -> bool {
    let window = &scratch.window;
    let (before, _, _) = scratch.hooks.before(start);
    if matches!(before, Before::Patient | Before::Family) {
        return true;
    }
    let mut at = end;
    while at < end + 3 && matches!(window.letter(at), ' ' | '(' | '/' | ',' | '、') {
        at += 1;
    }
    let digits = window.run(at, 4, Script::Digit);
    at < digits && digits - at <= 3 && matches!(window.letter(digits), '歳' | '才' | 'M' | 'F' | '男' | '女' | '代')
}
