//! Two names in one finding are two findings: a name with its reading in a bracket, names in two lines.
//! Must not know: who is who.

use std::collections::HashSet;

use super::{Place, name};
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
        for mut hit in whole {
            trim(text, &mut hit);
            match halves(text, &hit, &given) {
                Some((first, second)) => list.extend([first, second]),
                None => list.push(hit),
            }
        }
    }
}

/// A kin word before the name (夫渡辺 剛) and the beginning of one behind it (本田 きぬ 長|男) are no part of it.
fn trim(text: &str, hit: &mut Hit) {
    if hit.candidate.kind != Kind::PersonName || hit.candidate.proven {
        return;
    }
    if let Some(length) = name::kin_before(&hit.surface)
        && text.get(hit.range.clone()).is_some_and(|written| written.get(..length) == hit.surface.get(..length))
    {
        hit.range.start += length;
        hit.surface.drain(..length);
    }
    // `清水 豪)は`: what stands behind a closing bracket that was never opened.
    let closed = text
        .get(hit.range.clone())
        .filter(|written| !written.contains(['(', '（']))
        .and_then(|written| written.find([')', '）']))
        .filter(|at| *at > 0 && hit.range.len() - *at <= 9);
    if let (Some(at), Some((surface, _))) = (closed, hit.surface.split_once(')')) {
        hit.range.end = hit.range.start + at;
        hit.surface = surface.to_owned();
    }
    for tail in ["-san", "-sama", "氏"] {
        let written = text.get(hit.range.clone()).and_then(|written| written.strip_suffix(tail));
        if written.is_some_and(|rest| rest.chars().count() >= 2)
            && let Some(surface) = hit.surface.strip_suffix(tail)
        {
            hit.surface = surface.to_owned();
            hit.range.end -= tail.len();
        }
    }
    // 土屋副|部長
    let rank = text.get(hit.range.end..).is_some_and(|behind| {
        ["部長", "師長", "院長", "主任", "看護部長", "薬局長", "理事長", "校長", "社長"]
            .iter()
            .any(|word| behind.starts_with(word))
    });
    if rank
        && hit.surface.chars().count() >= 2
        && text.get(hit.range.clone()).is_some_and(|written| written.ends_with('副'))
        && let Some(surface) = hit.surface.strip_suffix('副')
    {
        hit.surface = surface.to_owned();
        hit.range.end -= '副'.len_utf8();
    }
    let behind = text.get(hit.range.end..).and_then(|behind| behind.chars().next());
    let Some(written) = text.get(hit.range.clone()) else { return };
    let Some((head, tail)) = written.rsplit_once([' ', '\u{3000}']) else { return };
    let kin = matches!((tail, behind), ("長" | "次" | "二" | "三", Some('男' | '女')) | ("息", Some('子')));
    if kin && head.contains([' ', '\u{3000}']) {
        let end = hit.range.start + head.trim_end().len();
        if let Some((surface, _)) = hit.surface.rsplit_once([' ', '\u{3000}']) {
            hit.surface = surface.trim_end().to_owned();
            hit.range.end = end;
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
