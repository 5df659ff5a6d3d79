//! What speaks for and against a name's being a person's: callings, classes, kin, who speaks and who is spoken to.
//! Must not know: how names and persons are found and gathered.

use super::evidence::{Honor, ROLES, line, seat};
use super::mention::Mention;
use super::people::Person;
use crate::detect::kind::Role;

/// Does it stand where those stand who work here: a signature, a first person, a verb of work, as the engine says?
pub(super) fn works(mention: &Mention<'_>) -> bool {
    let of = |role: Role| mention.marks.votes.get(seat(role)).copied().unwrap_or_default();
    mention.marks.honor.is_none()
        && (mention.signs()
            || mention.alone_in_line()
            || mention.marks.speaks
            || mention.told == Some(Role::Staff)
            || of(Role::Staff) > of(Role::Patient) + 1.0)
}

/// The place in the family that a kin word names.
pub(super) fn kinship(word: &'static str) -> &'static str {
    match word.trim_start_matches(['(', ',', ' ']) {
        "妻" | "奥" | "奥様" | "奥さん" | "wife" | "Wife" => "wife",
        "夫" | "ご主人" | "主人" | "旦那" | "husband" | "Husband" => "husband",
        "母" | "お母" | "母親" | "ママ" | "mother" | "Mother" | "mom" | "Mom" => "mother",
        "父" | "お父" | "父親" | "パパ" | "father" | "Father" | "dad" | "Dad" => "father",
        "次男" | "二男" => "second son",
        "次女" | "二女" => "second daughter",
        other => other,
    }
}

/// Alike by sound alone, and named with another class: a father 亮 and his child りょう.
pub(super) fn sound_only(known: &Person, mention: &Mention<'_>) -> bool {
    let other = mention.marks.class.is_some_and(|class| !known.classes.contains(&seat(class)));
    other && !known.classes.is_empty() && !known.names.iter().any(|name| name.whole == mention.name.whole)
}

/// One line names both: two cells of a table, or two with labels of their own of which one is written in full
/// (`司会 西田、書記 西田 彩`). Who is named twice in a line is not introduced twice.
pub(super) fn listed(other: &Mention<'_>, mention: &Mention<'_>) -> bool {
    let (first, second) = if other.range.start < mention.range.start { (other, mention) } else { (mention, other) };
    let Some(between) = first.until(second).filter(|between| between.len() <= 80 && !between.contains('\n')) else {
        return false;
    };
    let signs = ['\t', '|', ',', '→'];
    let cells = between.contains(signs)
        && !between.contains(['。', '、'])
        && (between.contains('→') || line(mention.text, &mention.range).matches(signs).count() >= 2);
    let introduced = matches!((other.marks.word, mention.marks.word), (Some(one), Some(two)) if one != two)
        && (other.marks.group.is_none() || mention.marks.group.is_none())
        && between.chars().count() <= 16;
    cells || introduced
}

/// The role that most of a person's marks speak for.
pub(super) fn leaning(known: &Person) -> Option<Role> {
    let (at, votes) = known.votes.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1))?;
    (*votes > 0.5).then(|| ROLES.get(at).copied()).flatten()
}

/// A bare surname beside a verb of work is the member of staff, elsewhere rather the patient.
pub(super) fn act(mention: &Mention<'_>, leans: Option<Role>) -> f32 {
    let votes = &mention.marks.votes;
    let of = |role: Role| votes.get(seat(role)).copied().unwrap_or_default();
    match leans {
        Some(Role::Staff) if of(Role::Staff) > of(Role::Patient) => 0.8,
        Some(Role::Patient) if of(Role::Patient) > of(Role::Staff) => 0.8,
        _ => 0.0,
    }
}

/// Numbers or dates of birth beside the same name, of one form and different.
pub(super) fn clash(known: &Person, mention: &Mention<'_>) -> bool {
    let apart = mention.number.as_ref().is_some_and(|number| {
        !known.numbers.is_empty()
            && !known.numbers.contains(number)
            && known.numbers.iter().any(|other| other.len() == number.len())
    });
    apart || conflict(known, mention)
}

/// Callings or classes that one person does not have at once.
pub(super) fn conflict(known: &Person, mention: &Mention<'_>) -> bool {
    let marks = &mention.marks;
    if let (Some(one), Some(other)) = (known.group, marks.group)
        && one != other
    {
        return true;
    }
    let at = |depths: &[bool; 2]| depths.get(usize::from(marks.quoted)).copied().unwrap_or_default();
    let (speaks, spoken_to) = (at(&known.speaks), at(&known.spoken_to));
    if speaks && marks.spoken_to && !spoken_to || spoken_to && marks.speaks && !speaks {
        return true;
    }
    if matches!((known.sex, marks.sex), (Some(one), Some(other)) if one != other) {
        return true;
    }
    if !known.mentions.is_empty() && known.baby != marks.baby {
        return true;
    }
    let has = |role: Role| known.classes.contains(&seat(role));
    let staff = has(Role::Staff);
    let cared = has(Role::Patient) || has(Role::Family);
    match marks.class {
        // A title says who somebody is: it falls to nobody of whom nothing of the kind is known.
        Some(Role::Staff) if !mention.name.is_full() => {
            let unlikely = known.honored || leaning(known).is_some_and(|role| role != Role::Staff);
            (cared || has(Role::Other)) && !staff || !staff && unlikely && !known.told_staff
        }
        Some(Role::Staff) => cared && !staff || known.polite && !staff && !has(Role::Other),
        Some(Role::Patient | Role::Family) => (staff || has(Role::Other)) && !cared,
        Some(Role::Other) => cared && !has(Role::Other),
        None => staff && !cared && !known.polite && matches!(marks.honor, Some(Honor::Sama | Honor::Child)),
    }
}
