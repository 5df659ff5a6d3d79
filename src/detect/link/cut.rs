//! Two names in one finding are two findings: a name with its reading in a bracket, names in two lines.
//! Must not know: who is who.

use std::collections::HashSet;

use super::Place;
use crate::detect::kind::Kind;
use crate::detect::merge::Hit;
use crate::detect::titles;

/// Cut findings of names that hold two. What is covered stays covered but for the sign between.
pub(in crate::detect) fn apart(places: &[Place<'_>], hits: &mut [Vec<Hit>]) {
    let given: HashSet<String> = hits
        .iter()
        .flatten()
        .filter(|hit| hit.candidate.kind == Kind::PersonName && !hit.surface.contains(['\n', '(']))
        .filter_map(|hit| hit.surface.split_once([' ', '\u{3000}']).map(|(_, given)| given.trim().to_owned()))
        .collect();
    for (place, list) in places.iter().zip(hits) {
        let text = place.text.original();
        let whole = std::mem::take(list);
        for hit in whole {
            match halves(text, &hit, &given) {
                Some((first, second)) => list.extend([first, second]),
                None => list.push(hit),
            }
        }
    }
}

fn halves(text: &str, hit: &Hit, given: &HashSet<String>) -> Option<(Hit, Hit)> {
    if hit.candidate.kind != Kind::PersonName || hit.candidate.proven {
        return None;
    }
    let written = text.get(hit.range.clone())?;
    let at = written.find(['(', '（', '\n'])?;
    let (first, rest) = written.split_at_checked(at)?;
    let sign = rest.chars().next()?;
    let second = rest.strip_prefix(sign)?.trim_start();
    let (left, right) = hit.surface.split_once(if sign == '\n' { '\n' } else { '(' })?;
    if first.trim().is_empty() || second.is_empty() {
        return None;
    }
    if sign == '\n' {
        let polite = ["-san", "様", "さん", "先生"].iter().any(|word| first.trim_end().ends_with(word));
        let behind = text.get(hit.range.end..).unwrap_or_default();
        // 古川⏎源蔵氏 beside a known 本田 源蔵: two lines, two people.
        let own = titles::titled(behind) && given.contains(right.trim());
        if !polite && !own {
            return None;
        }
    }
    let piece = |surface: &str, range: std::ops::Range<usize>| {
        let mut piece = Hit { range, surface: surface.trim().to_owned(), candidate: hit.candidate.clone() };
        piece.candidate.value = None;
        piece.candidate.role = None;
        piece
    };
    let end = hit.range.start + first.trim_end().len();
    let start = hit.range.end - second.len();
    let before = piece(left, hit.range.start..end);
    let after = piece(right, start..hit.range.end);
    Some((before, after))
}
