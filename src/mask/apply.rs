//! The step itself: plan, sweep, splice, second look, and only then `Cleared`, which is all that `forward` takes.
//! Second look (DESIGN §5): another reader holds the outgoing bytes against the plan; the list of all masked words
//! runs over them; what stands around each splice is searched again, masked once more, and looked at once more.
//! Must not know: the network, storage.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::blind;
use super::error::MaskError;
use super::generalise::LabRanges;
use super::key::{Digest, TokenKey};
use super::map::WordMap;
use super::plan::{Plan, Request, State, Stretch, met};
use super::sweep::Swept;
use super::token::Length;
use super::turn::{Known, KnownWord, SentUnit};
use crate::decide::{Decision, Treatment, floor};
use crate::detect::{DetectError, Document, Finding, Findings, Fuel, Kind, Part};
use crate::locate::{Edit, Head};
use crate::unpack::{Located, Outgoing};

/// `[mask]` of the config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Characters on each side of a splice that are searched again.
    pub look_chars: usize,
    /// The hospital's own reference ranges, for uses that make lab values rough.
    pub lab_ranges: LabRanges,
    /// The note that `restore` puts under answers (its settings decide).
    #[serde(skip)]
    pub blind_note: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { look_chars: 64, lab_ranges: LabRanges::new(), blind_note: blind::NOTE.to_owned() }
    }
}

/// The detection, for the second look.
pub type Search<'a> = dyn Fn(&Document, &mut Fuel) -> Result<Findings, DetectError> + 'a;

/// What `apply` is given.
pub struct Input<'a> {
    pub located: &'a Located,
    /// Of the document whose part number *n* is text number *n* (`atom::document`).
    pub findings: &'a Findings,
    pub decision: &'a Decision,
    /// Of the scope and epoch.
    pub key: &'a TokenKey,
    /// `Seven` for a person's own scope, `Ten` for one that a group or the house shares.
    pub length: Length,
    /// Id of the service: what one service got says nothing of another.
    pub service: &'a str,
    /// Versions of rules, list and policy, as one word.
    pub version: &'a str,
    pub known: &'a Known,
    /// `|document, fuel| detector.find_again(document, fuel)`.
    pub search: &'a Search<'a>,
    pub fuel: &'a mut Fuel,
    pub settings: &'a Settings,
}

/// A request that may leave: made here alone.
pub struct Cleared {
    head: Head,
    body: Vec<u8>,
    map: Arc<WordMap>,
}

impl Cleared {
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The words behind its tokens, for the answer.
    #[must_use]
    pub fn map(&self) -> Arc<WordMap> {
        Arc::clone(&self.map)
    }

    #[must_use]
    pub fn into_parts(self) -> (Head, Vec<u8>, Arc<WordMap>) {
        (self.head, self.body, self.map)
    }
}

impl std::fmt::Debug for Cleared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cleared").field("body", &self.body.len()).field("map", &self.map).finish_non_exhaustive()
    }
}

/// What to store, when the request has been sent.
#[derive(Clone, Debug, Default)]
pub struct Remember {
    /// Turn units as they went out.
    pub units: Vec<(Digest, SentUnit)>,
    /// New words, for the vault where the endpoint keeps history.
    pub words: Vec<KnownWord>,
}

/// What was done, for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Stretches that were replaced.
    pub replaced: BTreeMap<Kind, u32>,
    pub treatments: BTreeMap<Treatment, u32>,
    /// Of them, what only the second look found.
    pub second_look: u32,
}

/// A request that was masked.
#[derive(Debug)]
pub struct Applied {
    pub cleared: Cleared,
    pub remember: Remember,
    pub counts: Counts,
    /// Words and findings in units that were sent before they were known as such.
    pub late_findings: u32,
    /// Token-like texts that nobody here knows.
    pub foreign_token: u32,
}

/// Mask a request as it was decided.
///
/// # Errors
/// Nothing may be sent then: the error says where and why.
pub fn apply(input: Input<'_>) -> Result<Applied, MaskError> {
    let Input { located, findings, decision, key, length, service, version, known, search, fuel, settings } = input;
    if !decision.goes_on() {
        return Err(MaskError::NotCleared);
    }
    let mut plan = Plan::new(Request {
        texts: located.texts(),
        findings,
        actions: &decision.actions,
        key,
        length,
        service,
        version,
        known,
        lab_ranges: &settings.lab_ranges,
        blind_note: &settings.blind_note,
    })?;
    let mut second_look = 0;
    let (mut round, mut seen) = (Round::First, Seen::new());
    let (outgoing, edits, swept) = loop {
        let swept = plan.sweep()?;
        plan.fit()?;
        let edits = plan.edits();
        let outgoing = located.splice(&edits)?;
        if round == Round::Last {
            break (outgoing, edits, swept);
        }
        let left = plan.around_splices(search, fuel, settings.look_chars, round, &mut seen)?;
        if left.is_empty() {
            break (outgoing, edits, swept);
        }
        // A finding that shows twice and is an identifier beyond doubt means that masking does not hold. What is weaker
        // is masked once more: next to tokens detection knows less, and nobody is stopped for that.
        let sure = |finding: &&Finding| floor::of(finding) != floor::Floor::None && floor::strong(finding);
        if let Some(left) = left.iter().find(|finding| round == Round::Second && sure(finding)) {
            return Err(MaskError::StillFound { address: plan.address(left.part), kind: left.kind });
        }
        second_look += left.len() as u32;
        plan.mask_left(left)?;
        round = if round == Round::First { Round::Second } else { Round::Last };
    };
    located.verify(&outgoing, &edits)?;
    plan.nothing_left(&outgoing, &edits, &swept)?;

    let mut counts = Counts { second_look, ..Counts::default() };
    for span in plan.spans.iter().flatten().filter(|span| !span.with.is_empty()) {
        *counts.replaced.entry(span.kind).or_default() += 1;
        *counts.treatments.entry(span.treatment).or_default() += 1;
    }
    let remember = Remember { units: plan.new_units(), words: std::mem::take(&mut plan.coder.words) };
    let (late_findings, foreign_token) = (plan.late_findings + swept.late, plan.foreign_tokens());
    let map = Arc::new(std::mem::take(&mut plan.coder.map));
    let Outgoing { head, body } = outgoing;
    Ok(Applied { cleared: Cleared { head, body, map }, remember, counts, late_findings, foreign_token })
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    First,
    Second,
    Last,
}

/// Fields that a form may split one value over, on either side of one.
const NEIGHBOURS: usize = 3;

/// A stretch of a text as it goes out: copied from the text, or put in.
struct Stitch {
    out: Range<usize>,
    /// Where it was copied from.
    from: Option<Range<usize>>,
}

/// A stretch of a text as it goes out that is searched again.
struct Window {
    text: usize,
    out: Range<usize>,
    /// Bytes of the whole text as it goes out.
    len: usize,
    stitches: Vec<Stitch>,
    part: Part,
}

/// Windows that were searched as they go out: by text, what stands in them, and what of it is ours.
type Seen = HashSet<(usize, String, Vec<Range<usize>>)>;

impl Plan<'_> {
    /// Search again what stands around each splice of new texts: findings that nobody has decided on, in bytes of the
    /// texts as they came. A window that was searched as it stands now would give the same again: only when the others
    /// give something all are searched together, as a word found in one may stand in another.
    fn around_splices(
        &self,
        search: &Search<'_>,
        fuel: &mut Fuel,
        chars: usize,
        round: Round,
        seen: &mut Seen,
    ) -> Result<Vec<Finding>, MaskError> {
        let windows = self.windows(chars);
        let new: Vec<bool> = windows
            .iter()
            .map(|window| seen.insert((window.text, window.part.text.clone(), window.part.atoms.clone())))
            .collect();
        let fields = |at: usize| windows.get(at).is_some_and(|window| window.part.label.is_some());
        // Neighbouring fields are read as one where a form split a value.
        let near = |at: usize| {
            let around = at.saturating_sub(NEIGHBOURS)..=at + NEIGHBOURS;
            fields(at) && around.into_iter().any(|other| new.get(other) == Some(&true))
        };
        let fresh: Vec<&Window> = windows
            .iter()
            .enumerate()
            .filter(|(at, _)| new.get(*at) == Some(&true) || near(*at))
            .map(|(_, window)| window)
            .collect();
        let mut left = self.look(&fresh, search, fuel, round)?;
        if !left.is_empty() && fresh.len() < windows.len() {
            left = self.look(&windows.iter().collect::<Vec<_>>(), search, fuel, round)?;
        }
        // What masking does not change must show again.
        seen.retain(|(text, ..)| !left.iter().any(|finding| finding.part == *text));
        Ok(left)
    }

    /// The windows around all splices of new texts.
    fn windows(&self, chars: usize) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        for (text, state) in self.states.iter().enumerate() {
            let spans = self.spans.get(text).map(Vec::as_slice).unwrap_or_default();
            let Some(located) = self.request.texts.get(text) else { continue };
            if *state != State::New || spans.is_empty() {
                continue;
            }
            let (whole, stitches, atoms) = self.outgoing_text(text);
            let put_in: Vec<Range<usize>> =
                stitches.iter().filter(|stitch| stitch.from.is_none()).map(|stitch| stitch.out.clone()).collect();
            let len = whole.len();
            let mut merged: Vec<Range<usize>> = Vec::new();
            for splice in &put_in {
                let window = widened(&whole, splice, chars);
                match merged.last_mut() {
                    Some(last) if last.end >= window.start => last.end = last.end.max(window.end),
                    _ => merged.push(window),
                }
            }
            for window in merged {
                let inside = |atom: &Range<usize>| {
                    (window.start <= atom.start && atom.end <= window.end)
                        .then(|| atom.start - window.start..atom.end - window.start)
                };
                let part = Part {
                    text: whole.get(window.clone()).unwrap_or_default().to_owned(),
                    label: located.label.clone(),
                    unit: 0,
                    author: located.author,
                    atoms: from(&atoms, window.start, |atom| atom)
                        .take_while(|atom| atom.start < window.end)
                        .filter_map(inside)
                        .collect(),
                };
                let stitches = from(&stitches, window.start, |stitch| &stitch.out)
                    .take_while(|stitch| stitch.out.start < window.end)
                    .map(|stitch| Stitch { out: stitch.out.clone(), from: stitch.from.clone() })
                    .collect();
                windows.push(Window { text, out: window, len, stitches, part });
            }
        }
        windows
    }

    fn look(
        &self,
        windows: &[&Window],
        search: &Search<'_>,
        fuel: &mut Fuel,
        round: Round,
    ) -> Result<Vec<Finding>, MaskError> {
        let document = Document { parts: windows.iter().map(|window| window.part.clone()).collect() };
        if document.parts.is_empty() {
            return Ok(Vec::new());
        }
        let found = search(&document, fuel)?;
        let mut left = Vec::new();
        for finding in found.findings {
            let Some(Window { text, out: window, len, stitches, .. }) = windows.get(finding.part) else { continue };
            let out = finding.range.start + window.start..finding.range.end + window.start;
            // What touches a cut edge was seen whole the first time.
            let cut = (out.start == window.start && window.start > 0) || (out.end == window.end && window.end < *len);
            let touches = from(stitches, out.start, |stitch| &stitch.out)
                .take_while(|stitch| stitch.out.start < out.end)
                .any(|stitch| stitch.from.is_none() && !stitch.out.is_empty());
            if cut || (touches && round != Round::First) {
                continue;
            }
            left.extend(self.in_old_text(*text, &out, stitches, &finding));
        }
        Ok(left)
    }

    /// A text as it goes out, stitch by stitch, and the atoms in it: what was put in, and atoms that came.
    fn outgoing_text(&self, text: usize) -> (String, Vec<Stitch>, Vec<Range<usize>>) {
        let whole = self.request.texts.get(text).map(|text| text.text.as_str()).unwrap_or_default();
        let spans = self.spans.get(text).map(Vec::as_slice).unwrap_or_default();
        let old_atoms = self.atoms.get(text).map(Vec::as_slice).unwrap_or_default();
        let mut out = String::with_capacity(whole.len());
        let mut stitches = Vec::new();
        let mut atoms = Vec::new();
        let copy = |out: &mut String, stitches: &mut Vec<Stitch>, atoms: &mut Vec<Range<usize>>, from: Range<usize>| {
            let shift = out.len();
            let here = self::from(old_atoms, from.start, |(atom, _)| atom).take_while(|(atom, _)| atom.end <= from.end);
            for (atom, _) in here.filter(|(atom, _)| from.start <= atom.start) {
                atoms.push(atom.start - from.start + shift..atom.end - from.start + shift);
            }
            out.push_str(whole.get(from.clone()).unwrap_or_default());
            stitches.push(Stitch { out: shift..out.len(), from: Some(from) });
        };
        let mut done = 0;
        for span in spans {
            copy(&mut out, &mut stitches, &mut atoms, done..span.range.start);
            let start = out.len();
            out.push_str(&span.with);
            stitches.push(Stitch { out: start..out.len(), from: None });
            if !span.with.is_empty() {
                atoms.push(start..out.len());
            }
            done = span.range.end;
        }
        copy(&mut out, &mut stitches, &mut atoms, done..whole.len());
        (out, stitches, atoms)
    }

    /// The parts of a finding that were copied, as findings of the text as it came; without those that were decided on.
    fn in_old_text(&self, text: usize, out: &Range<usize>, stitches: &[Stitch], finding: &Finding) -> Vec<Finding> {
        let mut parts = Vec::new();
        for stitch in from(stitches, out.start, |stitch| &stitch.out).take_while(|s| s.out.start < out.end) {
            let Some(origin) = &stitch.from else { continue };
            let start = out.start.max(stitch.out.start);
            let end = out.end.min(stitch.out.end);
            if start >= end {
                continue;
            }
            let range = origin.start + (start - stitch.out.start)..origin.start + (end - stitch.out.start);
            let surface = self.surface(text, &range);
            let whole = start == out.start && end == out.end;
            let letters = surface.chars().filter(|c| c.is_alphanumeric()).count();
            let decided = self.kept.get(&text).is_some_and(|kept| met(kept, &range, |kept| kept).is_some());
            if decided || letters == 0 || (!whole && letters < 2) {
                continue;
            }
            let inside = |value: &Range<usize>| {
                let value = value.start + out.start - finding.range.start..value.end + out.start - finding.range.start;
                (start <= value.start && value.end <= end).then(|| {
                    origin.start + (value.start - stitch.out.start)..origin.start + (value.end - stitch.out.start)
                })
            };
            let value = finding.value.as_ref().and_then(inside);
            parts.push(Finding { part: text, range, value, ..finding.clone() });
        }
        parts
    }

    /// Mask what the second look found. A secret that only now shows cannot go out at all.
    fn mask_left(&mut self, left: Vec<Finding>) -> Result<(), MaskError> {
        for finding in left {
            let treatment = match floor::of(&finding) {
                floor::Floor::Block => {
                    return Err(MaskError::StillFound { address: self.address(finding.part), kind: finding.kind });
                }
                floor::Floor::Redact => Treatment::Redact,
                _ if finding.kind == Kind::Age => Treatment::Generalise,
                _ => Treatment::Token,
            };
            for mut stretch in self.stretches(&finding, treatment) {
                // Its entity counts in the windows' document, not in the request's.
                stretch.entity = None;
                stretch.referent = self.referent(stretch.text, &stretch.range, stretch.kind, None, "");
                let stretch = Stretch { interval: None, ..stretch };
                self.replace(stretch, floor::strong(&finding))?;
            }
        }
        self.settle();
        Ok(())
    }

    /// The list of all masked words over the bytes that go out: head and body.
    fn nothing_left(&self, outgoing: &Outgoing, edits: &[Edit], swept: &Swept) -> Result<(), MaskError> {
        if swept.sight.is_empty() {
            return Ok(());
        }
        // Unchanged bytes may be compressed; the texts in them were swept.
        let body: &[u8] = if edits.is_empty() { &[] } else { &outgoing.body };
        // Of another charset what is readable: names in ASCII, numbers.
        let places = body
            .utf8_chunks()
            .map(|chunk| ("body", chunk.valid()))
            .chain(std::iter::once(("path", outgoing.head.path_and_query.as_str())))
            .chain(
                outgoing
                    .head
                    .headers
                    .iter()
                    .flat_map(|(name, value)| value.utf8_chunks().map(move |chunk| (name.as_str(), chunk.valid()))),
            );
        for (address, text) in places {
            let hit = swept.sight.hits(text).into_iter().find(|hit| !swept.allowed.contains(&hit.word));
            let masked = hit.and_then(|hit| self.masked.get(hit.word));
            if let Some(masked) = masked.filter(|masked| floor::identifier(masked.kind)) {
                return Err(MaskError::LeftOver { address: address.to_owned(), kind: masked.kind });
            }
        }
        Ok(())
    }
}

/// Those of these (in order, apart) that end after `start`.
fn from<T>(ordered: &[T], start: usize, of: impl Fn(&T) -> &Range<usize>) -> impl Iterator<Item = &T> {
    ordered.iter().skip(ordered.partition_point(|item| of(item).end <= start))
}

/// `range` with this many characters on each side, and on to the end of a word that would be cut.
fn widened(text: &str, range: &Range<usize>, chars: usize) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let start = before.char_indices().rev().nth(chars.saturating_sub(1)).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(chars).map_or(text.len(), |(at, _)| range.end + at);
    let word = |c: char| c.is_ascii_alphanumeric();
    let head = text.get(..start).unwrap_or_default();
    let tail = text.get(end..).unwrap_or_default();
    // A run of 32 and more is no word that could be seen whole.
    let more_before = head.chars().rev().take(32).take_while(|c| word(*c)).count();
    let more_after = tail.chars().take(32).take_while(|c| word(*c)).count();
    start - more_before..end + more_after
}
