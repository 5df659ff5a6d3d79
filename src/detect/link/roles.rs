//! Whose name it is: patient, family, staff or other, from all that stands around all names of one person and from
//! what kind of text it is.
//! Must not know: how names were grouped.

use super::evidence::{self, ROLES, Votes, seat};
use super::people::{Mention, Person};
use crate::detect::kind::Role;

/// The role of each person.
pub(super) fn roles(mentions: &[Mention<'_>], persons: &[Person], texts: &[&str]) -> Vec<Option<Role>> {
    let mut whole = Votes::default();
    for text in texts {
        for (sum, vote) in whole.iter_mut().zip(evidence::document(text)) {
            *sum += vote;
        }
    }
    let mut roles: Vec<Option<Role>> = persons
        .iter()
        .map(|person| {
            let count = person.mentions.len().max(1) as f32;
            let mut votes = person.votes;
            for mention in person.mentions.iter().filter_map(|at| mentions.get(*at)) {
                told(&mut votes, mention);
                place(&mut votes, mention);
            }
            // Many mentions say the same again and again: the document counts as much as all of them.
            for (vote, prior) in votes.iter_mut().zip(whole) {
                *vote = *vote / count.sqrt() + prior;
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

fn told(votes: &mut Votes, mention: &Mention<'_>) {
    if let Some(vote) = mention.told.and_then(|role| votes.get_mut(seat(role))) {
        *vote += 1.0;
    }
}

/// Where a name stands: a line of its own, the end of a line.
fn place(votes: &mut Votes, mention: &Mention<'_>) {
    if mention.alone_in_line() && mention.marks.honor.is_none() {
        if let Some(vote) = votes.get_mut(seat(Role::Staff)) {
            *vote += 1.0;
        }
    }
}

fn best(votes: &Votes) -> Option<Role> {
    let (at, most) = votes.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1))?;
    (*most > 0.0).then(|| ROLES.get(at).copied()).flatten()
}
