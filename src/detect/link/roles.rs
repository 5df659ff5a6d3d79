//! Whose name it is: patient, family, staff or other, from all that stands around all names of one person and from
//! what kind of text it is.
//! Must not know: how names were grouped.

use super::evidence::{self, Honor, ROLES, Votes, seat};
use super::mention::Mention;
use super::people::Person;
use crate::detect::finding::Passage;
use crate::detect::kind::{Class, Role};

/// Words of a mail or letter, where a name in a line of its own is who writes or who is written to.
const MAIL: [&str; 10] = [
    "件名",
    "Subject:",
    "From:",
    "お世話になって",
    "お疲れ様",
    "お疲れさま",
    "よろしくお願い",
    "Regards",
    "Dear ",
    "Thanks",
];

/// The role of each person.
pub(super) fn roles(
    mentions: &[Mention<'_>],
    persons: &[Person],
    texts: &[&str],
    passages: &[Passage],
) -> Vec<Option<Role>> {
    let mut whole = classes(passages);
    for text in texts {
        for (sum, vote) in whole.iter_mut().zip(evidence::document(text)) {
            *sum += vote;
        }
    }
    let mail = texts.iter().any(|text| MAIL.iter().any(|word| text.contains(word)));
    let mut roles: Vec<Option<Role>> = persons
        .iter()
        .map(|person| {
            let count = person.mentions.len().max(1) as f32;
            let mut votes = person.votes;
            for mention in person.mentions.iter().filter_map(|at| mentions.get(*at)) {
                told(&mut votes, mention);
                place(&mut votes, mention, mail);
            }
            // Many mentions say the same again and again: the document counts as much as all of them.
            for (vote, prior) in votes.iter_mut().zip(whole) {
                *vote = *vote / count.sqrt() + prior;
            }
            // Outside a mail 様 is said of those who are cared for, however often.
            let polite = |at: &usize| {
                mentions.get(*at).is_some_and(|one| matches!(one.marks.honor, Some(Honor::Sama | Honor::Child)))
            };
            if !mail
                && person.mentions.iter().any(polite)
                && let Some(patient) = votes.get_mut(seat(Role::Patient))
            {
                *patient += 1.2;
            }
            best(&votes)
        })
        .collect();
    // A name without any sign in a document that has one patient: staff write unsigned, patients are announced.
    for role in &mut roles {
        *role = role.or(Some(Role::Patient));
    }
    roles
}

/// What kind of text it is: in a personnel record the people are staff, in a chart one is cared for.
fn classes(passages: &[Passage]) -> Votes {
    let has = |class: Class| passages.iter().any(|passage| passage.class == class);
    let mut votes = Votes::default();
    let mut add = |role: Role, weight: f32| {
        if let Some(vote) = votes.get_mut(seat(role)) {
            *vote += weight;
        }
    };
    if has(Class::ChartText) {
        add(Role::Patient, 0.5);
    } else if has(Class::HrRecord) {
        add(Role::Staff, 3.0);
    } else if has(Class::AuditDocument) || has(Class::InternalDocument) {
        add(Role::Staff, 1.5);
    } else if has(Class::Contract) || has(Class::PartnerSecret) {
        add(Role::Staff, 0.8);
        add(Role::Other, 0.9);
    }
    votes
}

fn told(votes: &mut Votes, mention: &Mention<'_>) {
    if let Some(vote) = mention.told.and_then(|role| votes.get_mut(seat(role))) {
        // `From`, `To`, a holder of an account are others to the search: here that is weak.
        *vote += if mention.told == Some(Role::Other) { 0.6 } else { 1.0 };
    }
}

/// Where a name stands: a line of its own, the end of a line.
fn place(votes: &mut Votes, mention: &Mention<'_>, mail: bool) {
    let Some(staff) = votes.get_mut(seat(Role::Staff)) else { return };
    if mention.alone_in_line() && mention.marks.honor.is_none() {
        *staff += if mail { 1.5 } else { 0.3 };
    }
    if mention.marks.speaks || mention.marks.spoken_to {
        *staff += 1.5;
    }
    if mention.signs() {
        *staff += 1.5;
    }
}

fn best(votes: &Votes) -> Option<Role> {
    let (at, most) = votes.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1))?;
    (*most > 0.0).then(|| ROLES.get(at).copied()).flatten()
}
