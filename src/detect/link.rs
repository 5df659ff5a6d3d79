//! Who is who: what was accepted once is found at its other places in the document, and findings that mean one person or
//! thing share an entity. Obeys the turn rule: both ways within a unit, forward only into later ones.
//! Must not know: how anything was found, what is done with it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::engine::Candidate;
use super::finding::{Entity, Evidence, Passage, RuleId};
use super::fuel::{DetectError, Fuel};
use super::kind::{Kind, Role};
use super::literals::Literals;
use super::merge::Hit;
use super::text::Text;
use super::titles;

mod cut;
mod evidence;
mod judge;
mod mention;
mod name;
mod people;
mod readings;
mod roles;

pub(super) use cut::apart;
use mention::Mention;
use name::{gap, kana};

/// A part as linking sees it.
pub(super) struct Place<'a> {
    pub(super) text: &'a Text,
    pub(super) unit: u32,
}

/// What is found below this is not looked for elsewhere: one error would become many.
const SURE: f32 = 0.5;

/// The rule of what stands elsewhere in the request.
const REPEATED: &str = "link.repeated";

/// A string to look for.
struct Known {
    needle: String,
    edge: Edge,
    unit: u32,
    kind: Kind,
    subtype: Option<Arc<str>>,
    role: Option<Role>,
    confidence: f32,
    proven: bool,
}

/// What must stand around a string so that it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// No letter or digit of its own script on either side.
    Token,
    /// The same, and a title or honorific behind it or a title before it.
    Titled,
    /// Anything.
    Free,
}

/// Find what was accepted once at its other places. Numbers of six digits and more also when written otherwise.
///
/// # Errors
/// When the budget is used up.
pub(super) fn spread(
    places: &[Place<'_>],
    hits: &[Vec<Hit>],
    fuel: &mut Fuel,
) -> Result<Vec<(usize, Hit)>, DetectError> {
    let mut known: Vec<Known> = Vec::new();
    let mut index: HashMap<(String, Kind), usize> = HashMap::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for (place, hits) in places.iter().zip(hits) {
        for hit in hits.iter().filter(|hit| hit.candidate.confidence >= SURE) {
            for (needle, edge) in needles(hit) {
                let key = (needle.clone(), hit.candidate.kind);
                match index.get(&key).and_then(|at| known.get_mut(*at)) {
                    Some(first) => {
                        first.unit = first.unit.min(place.unit);
                        first.role = first.role.or(hit.candidate.role);
                        first.confidence = first.confidence.max(hit.candidate.confidence);
                        if edge == Edge::Token && first.edge == Edge::Titled {
                            first.edge = Edge::Token;
                        }
                    }
                    None => {
                        index.insert(key, known.len());
                        known.push(Known {
                            needle,
                            edge,
                            unit: place.unit,
                            kind: hit.candidate.kind,
                            subtype: hit.candidate.subtype.clone(),
                            role: hit.candidate.role,
                            confidence: hit.candidate.confidence,
                            proven: hit.candidate.proven,
                        });
                    }
                }
            }
        }
    }
    if known.is_empty() {
        return Ok(Vec::new());
    }
    for (at, known) in known.iter().enumerate() {
        if numeric(known.kind) {
            numbers.insert(known.needle.clone(), at);
        }
    }
    let needles = Literals::any_case(known.iter().map(|known| known.needle.as_str()));
    let mut found = Vec::new();
    for (part, (place, hits)) in places.iter().zip(hits).enumerate() {
        let text = place.text.folded();
        fuel.burn(text.len() as u64)?;
        for hit in needles.overlapping(text) {
            fuel.burn(4)?;
            let Some(one) = known.get(hit.word) else { continue };
            if one.unit <= place.unit
                && stands(text, hit.range.clone(), one)
                && !told(place.text, hits, &hit.range, one)
            {
                found.push((part, repeated(place.text, hit.range, one)));
            }
        }
        if numbers.is_empty() {
            continue;
        }
        for (range, digits) in chains(text) {
            let Some(one) = numbers.get(&digits).and_then(|at| known.get(*at)) else { continue };
            if one.unit <= place.unit {
                found.push((part, repeated(place.text, range, one)));
            }
        }
    }
    Ok(found)
}

/// Whether a finding (ordered, apart) says the same of this very stretch, at least as surely: nothing is new then.
fn told(text: &Text, hits: &[Hit], folded: &Range<usize>, known: &Known) -> bool {
    let range = text.to_original(folded.clone());
    let at = hits.partition_point(|hit| hit.range.start < range.start);
    hits.get(at).is_some_and(|hit| {
        hit.range == range
            && hit.candidate.kind == known.kind
            && hit.candidate.confidence >= known.confidence * 0.99
            && (hit.candidate.role.is_some() || known.role.is_none())
    })
}

fn repeated(text: &Text, range: Range<usize>, known: &Known) -> Hit {
    Hit {
        range: text.to_original(range.clone()),
        surface: text.folded().get(range.clone()).unwrap_or_default().to_owned(),
        candidate: Candidate {
            range,
            kind: known.kind,
            subtype: known.subtype.clone(),
            // A little less than where it was found: that place's own explanation is the better one.
            confidence: known.confidence * 0.99,
            rule: RuleId::new(REPEATED),
            evidence: vec![Evidence::new("stands elsewhere in the request", known.confidence * 0.99)],
            role: known.role,
            proven: known.proven,
            value: None,
        },
    }
}

/// What a finding lets us look for.
fn needles(hit: &Hit) -> Vec<(String, Edge)> {
    let surface = hit.surface.trim();
    match hit.candidate.kind {
        Kind::PersonName => {
            let mut needles = names(surface);
            // Initials stand for those who are cared for, never for staff.
            if hit.candidate.role != Some(Role::Staff) {
                needles.extend(name::initials(surface).into_iter().map(|initials| (initials, Edge::Token)));
            }
            needles
        }
        Kind::Email | Kind::OnlineId | Kind::Credential if surface.len() >= 6 => {
            vec![(surface.to_owned(), Edge::Token)]
        }
        Kind::Address if surface.chars().count() >= 8 => vec![(surface.to_owned(), Edge::Free)],
        Kind::BirthDate if surface.bytes().filter(u8::is_ascii_digit).count() >= 6 => {
            vec![(surface.to_owned(), Edge::Token)]
        }
        kind if numeric(kind) => {
            let plain: String = surface.chars().filter(char::is_ascii_alphanumeric).collect();
            let digits = plain.bytes().filter(u8::is_ascii_digit).count();
            let mut needles = Vec::new();
            if digits >= 6 && surface.is_ascii() {
                needles.push((plain.to_ascii_uppercase(), Edge::Token));
            }
            for run in surface.split(|letter: char| !letter.is_ascii_digit()).filter(|run| run.len() >= 6) {
                needles.push((run.to_owned(), Edge::Token));
            }
            needles
        }
        _ => Vec::new(),
    }
}

fn numeric(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::PatientId
            | Kind::InsuranceId
            | Kind::NationalId
            | Kind::Phone
            | Kind::StaffId
            | Kind::LicenseNumber
            | Kind::BankAccount
            | Kind::CreditCard
    )
}

/// A full name with and without its gap, and its parts where they may stand alone.
fn names(surface: &str) -> Vec<(String, Edge)> {
    let parts: Vec<&str> = surface.split(gap).filter(|part| !part.is_empty()).collect();
    let whole: String = parts.concat();
    let count = whole.chars().count();
    let latin = whole.is_ascii();
    let mut needles = Vec::new();
    if count >= 3 || (count == 2 && parts.len() == 2) {
        let edge = if count >= 4 && !latin && !kana(&whole) { Edge::Free } else { Edge::Token };
        if !latin {
            needles.push((whole.clone(), edge));
        }
        if surface.chars().count() >= 3 {
            needles.push((surface.to_owned(), edge));
        }
    }
    if let [family, given] = parts.as_slice() {
        if latin {
            needles.push((format!("{given} {family}"), Edge::Token));
            for part in [family, given] {
                if part.len() >= 4 && part.starts_with(|letter: char| letter.is_ascii_uppercase()) {
                    needles.push(((*part).to_owned(), Edge::Token));
                }
            }
        } else {
            for gap in [" ", "・", "\n", "^"] {
                needles.push((format!("{family}{gap}{given}"), Edge::Token));
            }
            needles.push(((*family).to_owned(), Edge::Titled));
            // A given name of one kana is none; of one kanji (茂様) the title behind it tells.
            if given.chars().count() >= 2 || !kana(given) {
                needles.push(((*given).to_owned(), Edge::Titled));
            }
        }
    } else if parts.len() == 1 && !latin {
        needles.push((whole, Edge::Titled));
    }
    needles
}

/// Scripts whose letters make one token.
#[derive(PartialEq, Eq)]
enum Script {
    Ideograph,
    Katakana,
    Hiragana,
    Ascii,
    Other,
}

fn script(letter: char) -> Script {
    match letter {
        '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{2a6df}' | '々' | 'ヶ' => Script::Ideograph,
        'ァ'..='ヺ' | 'ー' => Script::Katakana,
        'ぁ'..='ゖ' => Script::Hiragana,
        _ if letter.is_ascii_alphanumeric() => Script::Ascii,
        _ => Script::Other,
    }
}

/// Does a string stand here as what it is known for?
fn stands(text: &str, range: Range<usize>, known: &Known) -> bool {
    if known.edge == Edge::Free {
        return true;
    }
    let (Some(inside), Some(before), Some(after)) =
        (text.get(range.clone()), text.get(..range.start), text.get(range.end..))
    else {
        return false;
    };
    let latin = inside.is_ascii();
    if latin && known.kind == Kind::PersonName && !inside.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        return false;
    }
    let (Some(first), Some(last)) = (inside.chars().next(), inside.chars().next_back()) else { return false };
    let titled = titles::titled(after);
    let joined = |inner: char, outer: Option<char>| {
        outer.is_some_and(|outer| script(inner) == script(outer) && script(inner) != Script::Other)
    };
    let labelled = known.edge == Edge::Titled && inside.chars().count() >= 2 && titles::announced(before);
    let before = joined(first, before.chars().next_back()) && !labelled;
    let behind = joined(last, after.chars().next()) && !titled;
    // Hiragana follows hiragana in running text: only a title tells where such a name ends.
    !before && !behind && (known.edge == Edge::Token || titled || labelled)
}

/// Numbers of six digits and more with single signs between their groups, as digits and letters alone.
fn chains(text: &str) -> Vec<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let start = at;
        let (mut end, mut letters, mut digits, mut groups) = (at, 0, 0, 0);
        while let Some(byte) = bytes.get(at) {
            if byte.is_ascii_alphanumeric() {
                letters += 1;
                digits += usize::from(byte.is_ascii_digit());
                at += 1;
                end = at;
            } else if matches!(byte, b'-' | b'.' | b' ' | b'(' | b')' | b'/')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
                && bytes.get(at - 1).is_some_and(u8::is_ascii_digit)
                && letters < 40
            {
                groups += 1;
                at += 1;
            } else {
                break;
            }
        }
        if groups > 0 && digits >= 6 {
            let plain = text.get(start..end).unwrap_or_default().chars().filter(char::is_ascii_alphanumeric);
            found.push((start..end, plain.map(|letter| letter.to_ascii_uppercase()).collect()));
        }
    }
    found
}

/// One entity for findings that mean the same person or thing, in the order of the document; names get the role of
/// their person. `ends` gives the bytes at which a surname may end in a name without a gap.
pub(super) fn entities(
    places: &[Place<'_>],
    hits: &mut [Vec<Hit>],
    passages: &[Passage],
    ends: &dyn Fn(&str) -> Vec<usize>,
) -> Vec<Vec<Entity>> {
    let mut seats: Vec<(usize, usize)> = Vec::new();
    let mut mentions: Vec<Mention<'_>> = Vec::new();
    for (part, (place, list)) in places.iter().zip(&*hits).enumerate() {
        for (index, hit) in list.iter().enumerate().filter(|(_, hit)| hit.candidate.kind == Kind::PersonName) {
            let mut mention = Mention::new(part, hit.range.clone(), place.text.original(), &hit.surface, ends);
            // A repeated word has the role of where it was found: not its own evidence.
            mention.told = hit.candidate.role.filter(|_| hit.candidate.rule.as_str() != REPEATED);
            if hit.candidate.rule.as_str().starts_with("layout") {
                // The column or field says it.
                mention.marks.class = mention.marks.class.or(hit.candidate.role);
            }
            mention.number = number(place.text.original(), list, index);
            mentions.push(mention);
            seats.push((part, index));
        }
    }
    mention::inherit(&mut mentions);
    let (of, people) = people::group(&mentions);
    let texts: Vec<&str> = places.iter().map(|place| place.text.original()).collect();
    let roles = roles::roles(&mentions, &people.persons, &texts, passages);
    let mut entities: Vec<Vec<Entity>> = hits.iter().map(|hits| vec![Entity(0); hits.len()]).collect();
    let mut set = |part: usize, index: usize, entity: Entity| {
        if let Some(slot) = entities.get_mut(part).and_then(|part| part.get_mut(index)) {
            *slot = entity;
        }
    };
    let person = |at: usize| Entity(u32::try_from(at).unwrap_or(u32::MAX));
    for ((part, index), of) in seats.iter().zip(&of) {
        set(*part, *index, person(*of));
        if let Some(hit) = hits.get_mut(*part).and_then(|list| list.get_mut(*index)) {
            hit.candidate.role = roles.get(*of).copied().flatten();
        }
    }
    let mut next = people.persons.len();
    let mut fresh = || {
        next += 1;
        person(next - 1)
    };
    let mut things: HashMap<(Kind, String), Entity> = HashMap::new();
    // Dates, values and ages are told by their person: the one patient of the document, else the one named last.
    let patients: Vec<Entity> = (0..people.persons.len())
        .filter(|at| roles.get(*at).copied().flatten() == Some(Role::Patient))
        .map(person)
        .collect();
    let nobody = fresh();
    let mut last = None;
    let mut names = seats.iter().zip(&of).peekable();
    for (part, list) in hits.iter().enumerate() {
        for (index, hit) in list.iter().enumerate() {
            if let Some((_, of)) = names.next_if(|(seat, _)| **seat == (part, index)) {
                if matches!(hit.candidate.role, Some(Role::Patient) | None) {
                    last = Some(person(*of));
                }
            } else if about_a_person(hit.candidate.kind) {
                let entity = match patients.as_slice() {
                    [only] => *only,
                    [] => last.unwrap_or(nobody),
                    [first, ..] => last.unwrap_or(*first),
                };
                set(part, index, entity);
            } else {
                let entity = *things.entry((hit.candidate.kind, thing(hit))).or_insert_with(&mut fresh);
                set(part, index, entity);
            }
        }
    }
    entities
}

/// The number of a patient that stands beside a name: in a bracket behind it, or directly before it.
fn number(text: &str, list: &[Hit], index: usize) -> Option<String> {
    let name = list.get(index)?;
    let between = |from: usize, to: usize| text.get(from..to).filter(|between| between.chars().count() <= 12);
    let behind = list
        .get(index + 1)
        .filter(|hit| matches!(hit.candidate.kind, Kind::PatientId | Kind::BirthDate))
        .filter(|hit| {
            between(name.range.end, hit.range.start)
                .is_some_and(|text| text.contains(['(', '（']) && !text.contains(['\n', '、', '。']))
        });
    let ahead = index.checked_sub(1).and_then(|at| list.get(at)).filter(|hit| {
        hit.candidate.kind == Kind::PatientId
            && between(hit.range.end, name.range.start).is_some_and(|text| text.trim() == "の")
    });
    ahead.or(behind).map(thing)
}

fn about_a_person(kind: Kind) -> bool {
    matches!(kind, Kind::CareDate | Kind::LabValue | Kind::Age)
}

/// The word a thing is told by.
fn thing(hit: &Hit) -> String {
    if matches!(hit.candidate.kind, Kind::Credential | Kind::OnlineId) {
        return hit.surface.trim().to_owned();
    }
    hit.surface.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
