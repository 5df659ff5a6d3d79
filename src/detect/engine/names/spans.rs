//! From chances by letter to findings: runs over τ, cut where the next name begins, trimmed; whose name it is; why.
//! Must not know: how chances are made. Evidence holds classes and cue words only.

use std::ops::Range;
use std::sync::Arc;

use super::Names;
use super::candidates::{Form, Proposal};
use super::cues::{After, Before};
use super::features::Sight;
use super::letter::Script;
use super::model::Scratch;
use super::scan::{Hit, Token};
use super::word::{Latin, Sense, Word};
use crate::detect::engine::{Candidate, Output, View};
use crate::detect::finding::{Evidence, RuleId};
use crate::detect::kind::{Kind, Role};

/// Find the names of a window whose first letter lies in `block` (bytes).
pub(super) fn collect(names: &Names, scratch: &Scratch, view: View<'_>, block: Range<usize>, out: &mut Output) {
    let count = scratch.window.count();
    let chance = |at: usize| scratch.inside.get(at).copied().unwrap_or(0.0);
    let mut at = 0;
    while at < count {
        let rest = scratch.inside.get(at..count).unwrap_or(&[]);
        let Some(found) = rest.iter().position(|chance| *chance >= names.tau) else { break };
        at += found;
        let mut end = at + 1;
        let mut top = chance(at);
        while end < count && chance(end) >= names.tau && scratch.begins.get(end).copied().unwrap_or(0.0) <= BEGINS {
            top = top.max(chance(end));
            end += 1;
        }
        let (start, end) = whole(scratch, at, end);
        top = (start..end).map(chance).fold(top, f32::max);
        at = end;
        let end = before_technical(scratch, start, before_title(scratch, start, end));
        let end = before_particle(scratch, start, before_fragment(scratch, start, end));
        let Some((start, end)) = trim(scratch, start, end) else { continue };
        let Some((start, end)) = without_ordinary(names, scratch, start, end, top) else { continue };
        let byte = |letter: usize| scratch.window.bytes.get(letter).copied().unwrap_or(0) as usize;
        if !block.contains(&byte(start)) || refused(names, scratch, start, end, top) {
            continue;
        }
        out.candidates.push(Candidate {
            range: byte(start)..byte(end),
            kind: Kind::PersonName,
            subtype: None,
            confidence: top.clamp(0.0, 1.0),
            rule: RuleId(Arc::from("names.model")),
            evidence: evidence(names, scratch, start, end),
            role: role(scratch, start, end),
            proven: false,
            value: None,
        });
    }
    let _ = view;
}

/// A title or honorific that the stretch runs into (西浦博|教授, 尾身茂|氏) is cut off.
fn before_title(scratch: &Scratch, start: usize, end: usize) -> usize {
    for at in (start + 1..end).rev().take(4) {
        let cue = scratch.scan.after.get(at).copied().unwrap_or_default();
        let to = at + usize::from(cue.length);
        let title = matches!(cue.after, After::Title | After::Public) && cue.length >= 2
            || cue.after == After::Honorific && (cue.length >= 2 || to == end && at >= start + 2);
        if title
            && to >= end
            && scratch.window.script(at).japanese()
            && scratch.begins.get(at).copied().unwrap_or(0.0) < BEGINS
        {
            return at;
        }
    }
    end
}

/// A technical word after the name (香坂 守 PM) is cut off.
fn before_technical(scratch: &Scratch, start: usize, end: usize) -> usize {
    let from = scratch.scan.tokens.partition_point(|token| (token.start as usize) <= start);
    let to = scratch.scan.tokens.partition_point(|token| (token.start as usize) < end);
    let tokens = scratch.scan.tokens.get(from..to).unwrap_or(&[]);
    let japanese = scratch.window.script(start).japanese();
    tokens
        .iter()
        .find(|token| {
            token.end - token.start > 1
                && (token.info.has(Latin::TECHNICAL) && (!token.info.name() || token.upper)
                    || japanese && token.upper && token.end - token.start <= 4 && !token.info.name())
        })
        .map_or(end, |token| token.start as usize)
}

/// What the segment model alone says of a letter.
fn proposed(scratch: &Scratch, at: usize) -> f32 {
    let mean = scratch.inside.get(at).copied().unwrap_or(0.0);
    mean * 2.0 - scratch.letter.chance.get(at).copied().unwrap_or(0.0)
}

/// Where the segment model has no name.
const UNSEEN: f32 = 0.05;

/// A particle or what somebody does, behind what the segment model is sure of (中西|です。), is cut off where the letter
/// model alone takes it in.
fn before_particle(scratch: &Scratch, start: usize, end: usize) -> usize {
    let cue = |at: usize| scratch.scan.after.get(at).map_or(After::Nothing, |cue| cue.after);
    (start + 1..end)
        .find(|at| {
            matches!(cue(*at), After::Particle | After::Act)
                && proposed(scratch, at - 1) >= 0.8
                && proposed(scratch, *at) < UNSEEN
        })
        .unwrap_or(end)
}

/// What stands behind a gap and is only the beginning of a longer ordinary word (山田太郎 電|話) is cut off: the letter model
/// takes it in, and the segment model has no name there.
fn before_fragment(scratch: &Scratch, start: usize, end: usize) -> usize {
    let gap = |at: &usize| matches!(scratch.window.script(*at), Script::Space | Script::Tab);
    let Some(at) = (start + 1..end.saturating_sub(1)).rev().find(gap) else { return end };
    let longer = |hit: &Hit| hit.end as usize > end && (hit.word.has(Sense::Noun) || hit.word.covers());
    if proposed(scratch, at) < UNSEEN && scratch.scan.hits_at(at + 1).iter().any(longer) { at } else { end }
}

/// The kept proposals that may touch `start..end`, with their chances; they are sorted by start and at most
/// `REACH` letters long in all but absurd cases.
fn near(scratch: &Scratch, start: usize, end: usize) -> impl Iterator<Item = (&Proposal, &f32)> {
    let from = scratch.kept.partition_point(|p| (p.start as usize) < start.saturating_sub(REACH));
    let to = scratch.kept.partition_point(|p| (p.start as usize) < end);
    scratch.kept.get(from..to).unwrap_or(&[]).iter().zip(scratch.chances.get(from..to).unwrap_or(&[]))
}

const REACH: usize = 60;

/// The chance from which a letter begins a name of its own.
const BEGINS: f32 = 0.5;

/// A name that is masked in part is masked whole: the likeliest full name that holds a part of it and is not hopeless.
/// It never takes in the next name (ケアマネ 新垣様: a given name in katakana before a surname is unlikely, 新垣 is sure).
fn whole(scratch: &Scratch, start: usize, end: usize) -> (usize, usize) {
    let cut = |at: usize| scratch.begins.get(at).copied().unwrap_or(0.0) > BEGINS;
    let (first, last) = (cut(start), cut(end));
    let full = near(scratch, start, end)
        .filter(|(p, chance)| {
            **chance >= COMPLETE
                && p.form != Form::SurnameLatin
                && (p.form.shape() == 0
                    || matches!(p.form, Form::Latin2 | Form::Latin3 | Form::Hl7 | Form::LatinParticle))
                && (p.start as usize) < end
                && p.end as usize > start
                && ((p.start as usize) < start || p.end as usize > end)
                && !(first && (p.start as usize) < start || last && p.end as usize > end)
        })
        .max_by(|a, b| a.1.total_cmp(b.1));
    match full {
        Some((p, _)) => (start.min(p.start as usize), end.max(p.end as usize)),
        None => (start, end),
    }
}

/// The chance from which a full name completes a part of it that is masked anyway.
const COMPLETE: f32 = 0.05;

/// Ordinary words beside a gap (男性 搬送中; 福島,普通) do not belong to the name; nothing when no name is left.
fn without_ordinary(
    names: &Names,
    scratch: &Scratch,
    mut start: usize,
    mut end: usize,
    chance: f32,
) -> Option<(usize, usize)> {
    let window = &scratch.window;
    let gap = |at: &usize| matches!(window.script(*at), Script::Space | Script::Tab | Script::Comma);
    let ordinary = |from: usize, to: usize| {
        let word = names.lexicon.word(window.slice(from, to));
        to - from >= 2
            && word.surname() + word.given() == 0
            && (word.has(Sense::Noun) || names.cues.is_cue(window.slice(from, to)))
    };
    let mut cut = false;
    while let Some(at) = (start..end).find(gap)
        && ordinary(start, at)
    {
        start = at + 1;
        cut = true;
    }
    while let Some(at) = (start..end).rev().find(gap)
        && ordinary(at + 1, end)
        && (chance < 0.8 || window.script(at) != Script::Space)
    {
        end = at;
        cut = true;
    }
    if cut {
        let word = names.lexicon.word(window.slice(start, end));
        let known =
            word.surname() + word.given() > 0 || (start..end).any(|at| gap(&at)) || window.before(end) == Script::Latin;
        return known.then_some((start, end));
    }
    Some((start, end))
}

/// Without blanks and punctuation at the ends; nothing when no letter is left.
fn trim(scratch: &Scratch, mut start: usize, mut end: usize) -> Option<(usize, usize)> {
    let window = &scratch.window;
    let letter = |script: Script| {
        matches!(script, Script::Kanji | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Latin)
    };
    while start < end && !letter(window.script(start)) {
        start += 1;
    }
    while end > start && !letter(window.script(end - 1)) {
        // The point of an initial stays.
        if window.letter(end - 1) == '.'
            && end - start >= 2
            && window.letter(end - 2).is_uppercase()
            && (end - start == 2 || window.script(end - 3) != Script::Latin)
        {
            break;
        }
        end -= 1;
    }
    (start < end).then_some((start, end))
}

/// Letters that stand alone in shift tables and seals.
const SHIFT: &str = "休夜明日年勤早遅準深振有公出研会欠代半特祝前後午昼番長当宿直非";

/// Stretches that the chances took for names and that cannot be one here.
fn refused(names: &Names, scratch: &Scratch, start: usize, end: usize, chance: f32) -> bool {
    let window = &scratch.window;
    let letters = window.slice(start, end);
    let (before, _, _) = scratch.hooks.before(start);
    let (after, _, _) = scratch.hooks.after(end);
    let bound = before != Before::Nothing || matches!(after, After::Honorific | After::Title | After::Public);
    // One letter without a cue.
    if letters.len() == 1 && !bound && chance < 0.6 {
        return true;
    }
    // A row of shifts.
    let shift = |c: &char| SHIFT.contains(*c);
    if letters.iter().all(|c| shift(c) || c.is_whitespace()) && letters.iter().any(|c| c.is_whitespace()) {
        return true;
    }
    if letters.len() == 1 && letters.iter().all(shift) && !matches!(after, After::Honorific | After::Title) {
        return true;
    }
    // 〇〇様, XX: nobody.
    if letters.iter().all(|c| matches!(c, '〇' | '○' | '●' | '△' | '×' | ' ')) {
        return true;
    }
    let word = if letters.len() <= 12 { names.lexicon.word(letters) } else { Word(0) };
    // An ordinary word with a polite head before an honorific (お|子|様): never a surname (なお|田中|様).
    let polite = after == After::Honorific
        && start > 0
        && matches!(window.letter(start - 1), 'お' | 'ご' | '御')
        && word.surname() == 0
        && word.has(Sense::Noun);
    // A word for persons before an honorific (奥様), or a label or title by itself.
    if polite || names.cues.not_person(letters) {
        return true;
    }
    let known = word.surname() + word.given() > 0;
    if names.cues.is_cue(letters) && !known {
        return true;
    }
    // A place with its ending, whole in the dictionary.
    if !bound && !known && word.has(Sense::Place) {
        return true;
    }
    // An ordinary word that a weak chance took for a name.
    if !bound && !known && chance < 0.75 && word.has(Sense::Noun) {
        return true;
    }
    // Hiragana that no list knows, with no word of a person beside it.
    if !bound && !known && chance < 0.6 && letters.iter().all(|c| Script::of(*c) == Script::Hiragana) {
        return true;
    }
    // A facility's name, whole (吉岡病院).
    if !bound
        && (start + 1..end).any(|at| {
            scratch
                .scan
                .after
                .get(at)
                .is_some_and(|cue| cue.after == After::Facility && at + usize::from(cue.length) == end)
        })
    {
        return true;
    }
    if latin_refused(names, scratch, start, end, chance, bound) {
        return true;
    }
    // A whole medical or company term, a facility's name, without an honorific.
    if !matches!(after, After::Honorific | After::Title | After::Public) {
        if before == Before::Nothing && letters.len() <= 12 && names.lexicon.word(letters).has(Sense::Term) {
            return true;
        }
        if letters.first().is_some_and(|c| Script::of(*c).japanese()) {
            let cover = scratch.scan.cover(start, end);
            if cover == 5 {
                return true;
            }
        }
        if scratch.hooks.facility(end)
            && window.script(end).japanese()
            && matches!(after, After::Facility | After::Nothing | After::Organisation | After::Place)
        {
            return true;
        }
    }
    public_figure(names, scratch, start, end)
}

/// Latin stretches that are technical words, ordinary words, eponyms, months, streets, firms.
fn latin_refused(names: &Names, scratch: &Scratch, start: usize, end: usize, chance: f32, bound: bool) -> bool {
    let window = &scratch.window;
    let from = scratch.scan.tokens.partition_point(|token| (token.start as usize) < start);
    let to = scratch.scan.tokens.partition_point(|token| (token.start as usize) < end);
    let Some(tokens @ [first, ..]) = scratch.scan.tokens.get(from..to) else { return false };
    if first.start as usize > start {
        return false;
    }
    let letters = |token: &Token| window.slice(token.start as usize, token.end as usize);
    let long = |token: &&Token| token.end - token.start > 1;
    if tokens
        .iter()
        .filter(long)
        .any(|token| token.info.has(Latin::TECHNICAL) && (!token.info.name() || token.upper && !bound))
    {
        return true;
    }
    let plain = |token: &Token| token.info.has(Latin::TECHNICAL | Latin::ENGLISH);
    if !bound
        && tokens
            .iter()
            .all(|token| token.upper && (plain(token) || token.end - token.start <= 3 && !token.info.name()))
    {
        return true;
    }
    // Mill Lane, High Street, Rivervale Hospital; before a following word too (Carver Diagnostics).
    let last = tokens.last().unwrap_or(first);
    if tokens.len() > 1 && names.cues.place_ending(letters(last)) && !bound {
        return true;
    }
    if let Some(next) = scratch.scan.tokens.get(to)
        && next.capital
        && window.slice(end, next.start as usize) == [' ']
        && names.cues.place_ending(letters(next))
    {
        return true;
    }
    // Gloucester, MA 01930
    if last.upper && last.end - last.start == 2 && tokens.len() > 1 && matches!(window.script(end + 1), Script::Digit) {
        return true;
    }
    // A part of a Latin word, or a word glued to a digit (SpO|2, Ziehl cut in two).
    let inside = |at: usize| window.script(at) == Script::Latin && window.before(at) == Script::Latin;
    if chance < 0.6 && (inside(start) || inside(end)) {
        return true;
    }
    if !bound && chance < 0.6 && (window.script(end) == Script::Digit || window.before(start) == Script::Digit) {
        return true;
    }
    // Beside Japanese, capitals are mostly abbreviations; in English an unknown word may well be a foreign name.
    let japanese = scratch.scan.japanese_line.get(start).copied().unwrap_or(false);
    let doubt = if japanese { 0.6 } else { 0.3 };
    if !bound && chance < doubt && tokens.iter().all(|token| !token.info.name()) {
        return true;
    }
    if tokens.len() == 1 && !bound {
        let digit = |at: usize| window.script(at) == Script::Digit;
        let month = first.info.has(Latin::ENGLISH)
            && first.info.given() > 0
            && matches!(letters(first), ['M', 'a', 'y'] | ['A', 'p', 'r', 'i', 'l'] | ['J', 'u', 'n', 'e']);
        if month && (digit(end + 1) || start >= 2 && digit(start - 2)) {
            return true;
        }
        if first.info.has(Latin::EPONYM) && chance < 0.95 {
            return true;
        }
        if plain(first) && chance < 0.9 {
            return true;
        }
    }
    false
}

/// A full name of the dictionary's list of other persons, with no word of care or office about it.
fn public_figure(names: &Names, scratch: &Scratch, start: usize, end: usize) -> bool {
    let letters = scratch.window.slice(start, end);
    if !(3..=12).contains(&letters.len()) || !names.lexicon.word(letters).has(Sense::Person) {
        return false;
    }
    let (before, _, _) = scratch.hooks.before(start);
    let (after, _, _) = scratch.hooks.after(end);
    if matches!(before, Before::Patient | Before::Family | Before::Staff | Before::Other)
        || matches!(after, After::Honorific | After::Title)
    {
        return false;
    }
    // Any label or honorific in the same window is a cue of care: letters and records about people carry one.
    !scratch.scan.after.iter().any(|cue| cue.after == After::Honorific)
        && !scratch
            .scan
            .line_label
            .get(start)
            .is_some_and(|(label, _)| !matches!(label, Before::Nothing | Before::Author))
}

fn role(scratch: &Scratch, start: usize, end: usize) -> Option<Role> {
    let (before, _, _) = scratch.hooks.before(start);
    let (after, _, word) = scratch.hooks.after(end);
    match after {
        After::Title => return Some(Role::Staff),
        After::Public => return Some(Role::Other),
        _ => {}
    }
    let _ = word;
    if let Some(role) = before.role() {
        return Some(role);
    }
    let (label, at) = scratch.scan.line_label.get(start).copied().unwrap_or_default();
    if start.saturating_sub(at as usize) <= 40 { label.role() } else { None }
}

/// The strongest reasons of the likeliest proposal here.
fn evidence(names: &Names, scratch: &Scratch, start: usize, end: usize) -> Vec<Evidence> {
    let best = near(scratch, start, end)
        .filter(|(p, _)| (p.start as usize) < end && (p.end as usize) > start)
        .max_by(|a, b| a.1.total_cmp(b.1));
    let mut notes = Vec::with_capacity(6);
    let Some((proposal, chance)) = best else {
        notes.push(Evidence::new("letters and words around", scratch.inside.get(start).copied().unwrap_or(0.0)));
        return notes;
    };
    notes.push(Evidence::new(format!("form: {}", Form::WORDS.get(proposal.form as usize).unwrap_or(&"")), *chance));
    let (_, _, label) = scratch.hooks.before(proposal.start as usize);
    if label != 0 {
        notes.push(Evidence::new(format!("after {}", names.cues.word(usize::from(label))), 0.0));
    }
    let (_, _, word) = scratch.hooks.after(proposal.end as usize);
    if word != 0 {
        notes.push(Evidence::new(format!("before {}", names.cues.word(usize::from(word))), 0.0));
    }
    let sight = Sight::new(&scratch.window, &scratch.scan, &scratch.hooks, &names.lexicon, &names.cues, &names.layout);
    // The three strongest; the earlier of equal ones.
    let mut strongest = [(0.0, 0); 3];
    sight.each(proposal, |feature| {
        let here = (names.weights.of(feature), feature);
        let place = strongest.iter().position(|held| here.0 > held.0);
        if let Some([place, weaker @ ..]) = place.and_then(|place| strongest.get_mut(place..)) {
            weaker.rotate_right(1.min(weaker.len()));
            if let Some(next) = weaker.first_mut() {
                *next = *place;
            }
            *place = here;
        }
    });
    for (weight, feature) in strongest.into_iter().filter(|(weight, _)| *weight > 0.0) {
        notes.push(Evidence::new(names.layout.name(feature, &names.cues), weight));
    }
    notes
}
