//! What an answer has said so far: open texts with what they hold back, tools by name, the note that may be due.
//! Takes one document after the other and says what goes out: extra documents before it, and edits in it.
//! Must not know: framing.

use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::scan::{Mode, Rules, Scanner};
use super::walk::{self, Key, Leaf, Nature, Seen, Tool};
use super::{Answer, Codes, Counts, RestoreError, Settings};
use crate::locate::json::{Style, Tape, document_style, escape};
use crate::locate::provider::{Adapter, StreamKind};

/// Most levels and values of one document.
const DEPTH_MAX: usize = 127;
const VALUES_MAX: usize = 4_000_000;

/// An extra document.
#[derive(Debug)]
pub(crate) struct Extra {
    /// SSE event name, as the documents of its text carry it.
    pub(crate) name: Option<String>,
    pub(crate) data: String,
}

/// What becomes of a document.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Go out before it.
    pub(crate) before: Vec<Extra>,
    /// Byte ranges of the document and what stands there instead; empty: the document goes out as it came.
    pub(crate) edits: Vec<(Range<usize>, String)>,
    /// Wait with it until the next document is seen ([`Session::decide`]).
    pub(crate) hold: bool,
}

impl Outcome {
    /// The document with its edits.
    pub(crate) fn apply(&self, data: &str) -> String {
        let mut out = String::with_capacity(data.len() + 64);
        let mut at = 0;
        for (range, with) in &self.edits {
            out.push_str(data.get(at..range.start).unwrap_or_default());
            out.push_str(with);
            at = range.end;
        }
        out.push_str(data.get(at..).unwrap_or_default());
        out
    }
}

struct Open {
    key: Key,
    nature: Nature,
    choice: String,
    scanner: Scanner,
    /// Whether what the scanner gives is sent; else the text goes out as it came and tokens are counted.
    restored: bool,
    masked: String,
    text: Zeroizing<String>,
    /// Bytes of `masked` whose meaning has gone out.
    settled: usize,
    name: Option<String>,
    template: Option<(String, String)>,
}

/// A text that ended.
#[derive(Default)]
struct Finished {
    /// What it still held, restored.
    rest: Zeroizing<String>,
    /// The note is due (and stands in `rest`, if that was asked for).
    note: bool,
    answer: Option<usize>,
}

/// A note that is due when no further text block follows.
struct Due {
    name: Option<String>,
    template: (String, String),
    /// The closed answer that the note belongs to.
    answer: Option<usize>,
}

pub(crate) struct Session {
    codes: Arc<Codes>,
    /// Words of the request only, for tools.
    request_codes: Arc<Codes>,
    adapter: Arc<Adapter>,
    kind: StreamKind,
    streamed: bool,
    settings: Settings,
    open: Vec<Open>,
    tools: Vec<(Vec<String>, Tool)>,
    due: Option<Due>,
    /// A block with blind values was followed by another text block: the note is owed by that one.
    owed: bool,
    shift: u64,
    sequence: u64,
    remembered: usize,
    counts: Counts,
    pub(crate) answers: Vec<Answer>,
    pub(crate) signed: Vec<Zeroizing<String>>,
    pub(crate) ended: bool,
    pub(crate) failed: bool,
}

impl Session {
    pub(crate) fn new(
        codes: Arc<Codes>,
        request_codes: Arc<Codes>,
        adapter: Arc<Adapter>,
        kind: StreamKind,
        settings: Settings,
    ) -> Self {
        Self {
            codes,
            request_codes,
            adapter,
            kind,
            streamed: true,
            settings,
            open: Vec::new(),
            tools: Vec::new(),
            due: None,
            owed: false,
            shift: 0,
            sequence: 0,
            remembered: 0,
            counts: Counts::default(),
            answers: Vec::new(),
            signed: Vec::new(),
            ended: false,
            failed: false,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.counts;
        self.open.iter().for_each(|open| counts.add(open.scanner.counts()));
        counts
    }

    /// The next `sequence_number`.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// A document of a stream.
    pub(crate) fn document(&mut self, data: &str, name: Option<&str>) -> Result<Outcome, RestoreError> {
        let mut outcome = Outcome::default();
        let Ok(tape) = Tape::read(data, DEPTH_MAX, VALUES_MAX) else {
            if data.trim() == "[DONE]" {
                self.close(&mut outcome, |_| true);
                self.ended = true;
            }
            // Nothing that can be read: it stays as it came, masked.
            return Ok(outcome);
        };
        let paths = Arc::clone(&self.adapter);
        let mut seen = walk::read(&tape, &paths.paths, self.kind, self.streamed, name);
        self.learn(&mut seen);
        self.ended |= seen.done || ends_answer(&seen.event) || !seen.ended.is_empty();
        self.failed |= seen.error;

        // Texts that end with this document and are not in it give what they hold before it.
        let leaves = std::mem::take(&mut seen.leaves);
        let ends = |open: &Open| ends_text(&seen, open);
        if seen.event == "content_block_stop" {
            outcome.hold = self.stop_block(&seen, &mut outcome);
        }
        let here: Vec<&Key> = leaves.iter().filter_map(|leaf| leaf.key.as_ref()).collect();
        let elsewhere: Vec<Key> = self
            .open
            .iter()
            .filter(|open| ends(open) && !here.contains(&&open.key))
            .map(|open| open.key.clone())
            .collect();
        self.close(&mut outcome, |open| elsewhere.contains(&open.key));

        let style = document_style(data);
        let last: Vec<Option<usize>> = leaves
            .iter()
            .map(|leaf| {
                leaf.key.as_ref().and_then(|key| leaves.iter().rposition(|other| other.key.as_ref() == Some(key)))
            })
            .collect();
        let notes = note_leaves(&leaves, self.kind);
        for (index, leaf) in leaves.into_iter().enumerate() {
            let before = tape.string(leaf.token);
            let token = leaf.token;
            let after = match &leaf.key {
                Some(_) => {
                    let ending = last.get(index) == Some(&Some(index));
                    self.fragment(&tape, leaf, &before, name, |open| ending && ends_text(&seen, open))?
                }
                None => self.whole(&leaf, &before, &seen, notes.get(index).copied().unwrap_or(false)),
            };
            if let Some(after) = after
                && *after != before
            {
                outcome.edits.push((tape.span(token), escape(&after, style)));
            }
        }
        self.renumber(&seen, &tape, &mut outcome);
        Ok(outcome)
    }

    /// A whole body.
    pub(crate) fn body(&mut self, data: &str) -> Result<Outcome, RestoreError> {
        self.streamed = false;
        let outcome = self.document(data, None)?;
        self.ended = true;
        Ok(outcome)
    }

    /// The stream is over: what is still held goes out in documents of its own.
    pub(crate) fn end(&mut self) -> Vec<Extra> {
        let mut outcome = Outcome::default();
        self.close(&mut outcome, |_| true);
        outcome.before
    }

    /// The next document decides whether the note that is due is written now or after the next text block. What comes
    /// out stands before the document that was held.
    pub(crate) fn decide_held(&mut self, data: Option<&str>, name: Option<&str>) -> Vec<Extra> {
        let seen = data.and_then(|data| {
            let tape = Tape::read(data, DEPTH_MAX, VALUES_MAX).ok()?;
            Some(walk::read(&tape, &self.adapter.paths, self.kind, self.streamed, name))
        });
        self.decide(seen.as_ref())
    }

    fn decide(&mut self, seen: Option<&Seen>) -> Vec<Extra> {
        let Some(due) = self.due.take() else { return Vec::new() };
        if seen.is_some_and(|seen| seen.event == "content_block_start" && seen.begins.as_deref() == Some("text")) {
            self.owed = true;
            return Vec::new();
        }
        let note = self.note();
        if let Some(answer) = due.answer.and_then(|at| self.answers.get_mut(at)) {
            answer.restored.push_str(&note);
        }
        vec![self.extra(due.name, &due.template, &note)]
    }

    fn note(&self) -> String {
        format!("\n\n{}", self.settings.blind_note)
    }

    fn learn(&mut self, seen: &mut Seen) {
        for (ids, tool) in seen.tools.drain(..) {
            let room = self.tools.len() < self.settings.open_limit;
            match self.tools.iter_mut().find(|(have, _)| *have == ids) {
                // A name that changes half-way is no name to trust.
                Some((_, have)) if *have != tool && seen.event.is_empty() => *have = Tool::Server,
                Some((_, have)) => *have = tool,
                None if room => self.tools.push((ids, tool)),
                None => {}
            }
        }
    }

    fn rules(&self, nature: &Nature, ids: &[String]) -> (Rules, bool) {
        let text = Rules { mode: Mode::Text, restore: true, mark: self.settings.blind_mark, json: false };
        match nature {
            Nature::Speech => (Rules { json: self.settings.json_answer, ..text }, true),
            Nature::Text => (text, true),
            Nature::Tool { json, tool } => {
                let allowed = match tool {
                    Tool::Named(name) => self.allows(name),
                    Tool::Server => false,
                    Tool::Earlier => self.earlier(ids).is_some_and(|name| self.allows(name)),
                };
                let mode = if *json { Mode::Json } else { Mode::Text };
                (Rules { mode, restore: allowed, mark: false, json: *json }, allowed)
            }
            Nature::Sealed | Nature::Ignored => (Rules { restore: false, ..text }, false),
        }
    }

    /// The tool that an earlier document named for these ids.
    fn earlier(&self, ids: &[String]) -> Option<&str> {
        self.tools.iter().find(|(have, _)| have == ids).and_then(|(_, tool)| match tool {
            Tool::Named(name) => Some(name.as_str()),
            Tool::Earlier | Tool::Server => None,
        })
    }

    fn allows(&self, name: &str) -> bool {
        super::tools::allows(&self.settings.tools, name)
    }

    fn scanner(&self, nature: &Nature, ids: &[String]) -> (Scanner, bool) {
        let (rules, restored) = self.rules(nature, ids);
        let codes = if matches!(nature, Nature::Tool { .. }) { &self.request_codes } else { &self.codes };
        (Scanner::new(Arc::clone(codes), rules), restored)
    }

    /// A whole text; `None`: as it came.
    fn whole(&mut self, leaf: &Leaf, text: &str, seen: &Seen, note: bool) -> Option<Zeroizing<String>> {
        let (mut scanner, restored) = self.scanner(&leaf.nature, &walk::tool_ids(&seen.root));
        let mut out = Zeroizing::new(String::with_capacity(text.len() + 16));
        scanner.push(text, &mut out);
        scanner.finish(&mut out);
        let mut counts = scanner.counts();
        if self.repeats() {
            // Counted when the fragments came.
            counts = Counts::default();
        }
        self.counts.add(counts);
        if leaf.nature == Nature::Sealed {
            self.seal(text);
            return None;
        }
        if !restored {
            return None;
        }
        if leaf.nature == Nature::Speech {
            self.owed |= scanner.counts().blind > 0;
            if note && self.owed {
                if self.settings.blind_mark && !self.settings.blind_note.is_empty() && scanner.takes_note() {
                    out.push_str(&self.note());
                }
                self.owed = false;
            }
        }
        if !self.repeats() {
            self.remembered += text.len() + out.len();
            self.remember(text, &out, &leaf.nature);
        }
        Some(out)
    }

    /// Whole texts here say again what fragments said.
    fn repeats(&self) -> bool {
        self.streamed && self.kind == StreamKind::OpenAiResponses
    }

    /// A fragment of a joined text; `None`: as it came.
    fn fragment(
        &mut self,
        tape: &Tape<'_>,
        mut leaf: Leaf,
        text: &str,
        name: Option<&str>,
        ends: impl Fn(&Open) -> bool,
    ) -> Result<Option<Zeroizing<String>>, RestoreError> {
        let Some(key) = leaf.key.take() else { return Ok(None) };
        let at = match self.open.iter().position(|open| open.key == key) {
            Some(at) => at,
            None => {
                if self.open.len() >= self.settings.open_limit {
                    return Err(RestoreError::TooMany { limit: self.settings.open_limit });
                }
                let root = walk::tool_ids(&key.root);
                let (scanner, restored) = self.scanner(&leaf.nature, if root.is_empty() { &key.ids } else { &root });
                self.open.push(Open {
                    key,
                    nature: leaf.nature.clone(),
                    choice: leaf.choice.clone(),
                    scanner,
                    restored,
                    masked: String::new(),
                    text: Zeroizing::new(String::new()),
                    settled: 0,
                    name: None,
                    template: None,
                });
                self.open.len() - 1
            }
        };
        let (limit, owed) = (self.settings.memory_limit, self.owed);
        let Some(open) = self.open.get_mut(at) else { return Ok(None) };
        let mut out = Zeroizing::new(String::with_capacity(text.len() + 16));
        open.scanner.push(text, &mut out);
        if open.restored && (owed || open.scanner.held() > 0 || open.scanner.counts().blind > 0) {
            open.name = name.map(str::to_owned);
            open.template = Some(walk::template(tape, &leaf));
        }
        self.remembered += text.len() + out.len();
        if self.remembered <= limit {
            open.masked.push_str(text);
            open.text.push_str(&out);
        }
        let (restored, sealed) = (open.restored, open.nature == Nature::Sealed);
        let ending = ends(open);
        let held = if ending { 0 } else { open.scanner.held() };
        let to = open.masked.len().saturating_sub(held);
        let piece = open.masked.get(open.settled..to).unwrap_or_default().to_owned();
        open.settled = to;
        if ending {
            let open = self.open.remove(at);
            out.push_str(&self.finish(open, true).rest);
        }
        if sealed && self.comes_back_in_pieces() {
            self.seal(text);
        }
        if restored {
            self.piece(&piece, &out);
        }
        Ok(restored.then_some(out))
    }

    /// Chats of Google's SDKs keep each piece of a stream as a part of its own and send them back so.
    fn comes_back_in_pieces(&self) -> bool {
        self.kind == StreamKind::Gemini
    }

    /// What the service wrote where the client got this piece.
    fn piece(&mut self, masked: &str, restored: &str) {
        if !self.comes_back_in_pieces() || masked == restored || masked.is_empty() {
            return;
        }
        self.remembered += masked.len() + restored.len();
        if self.remembered <= self.settings.memory_limit {
            let restored = Zeroizing::new(restored.to_owned());
            self.answers.push(Answer { restored, masked: masked.to_owned(), tool: false });
        }
    }

    /// Ends a text: gives what it held, with the note where it is due, and remembers it.
    fn finish(&mut self, mut open: Open, with_note: bool) -> Finished {
        let mut rest = Zeroizing::new(String::new());
        open.scanner.finish(&mut rest);
        let counts = open.scanner.counts();
        self.counts.add(counts);
        if open.nature == Nature::Sealed {
            self.seal(&open.masked);
        }
        if !open.restored {
            return Finished::default();
        }
        let note = open.nature == Nature::Speech && (counts.blind > 0 || self.owed);
        if note {
            self.owed = false;
        }
        let note =
            note && self.settings.blind_mark && !self.settings.blind_note.is_empty() && open.scanner.takes_note();
        if note && with_note {
            rest.push_str(&self.note());
        }
        open.text.push_str(&rest);
        let answer = self.remember(&open.masked, &open.text, &open.nature);
        Finished { rest, note, answer }
    }

    /// Ends the texts that `which` names; what they held goes out before the document.
    fn close(&mut self, outcome: &mut Outcome, which: impl Fn(&Open) -> bool) {
        let (closing, staying): (Vec<Open>, Vec<Open>) = std::mem::take(&mut self.open).into_iter().partition(which);
        self.open = staying;
        for open in closing {
            let (name, template) = (open.name.clone(), open.template.clone());
            let piece = open.masked.get(open.settled..).unwrap_or_default().to_owned();
            let rest = self.finish(open, true).rest;
            self.piece(&piece, &rest);
            if !rest.is_empty()
                && let Some(template) = template
            {
                let extra = self.extra(name, &template, &rest);
                outcome.before.push(extra);
            }
        }
    }

    /// Anthropic's end of a block: the note waits for what comes next. True: hold the document.
    fn stop_block(&mut self, seen: &Seen, outcome: &mut Outcome) -> bool {
        let speech = |open: &Open| open.nature == Nature::Speech && open.template.is_some() && ends_text(seen, open);
        let Some(at) = self.open.iter().position(speech) else {
            return false;
        };
        let open = self.open.remove(at);
        let (name, template) = (open.name.clone(), open.template.clone());
        let finished = self.finish(open, false);
        let Some(template) = template else { return false };
        if !finished.rest.is_empty() {
            let extra = self.extra(name.clone(), &template, &finished.rest);
            outcome.before.push(extra);
        }
        if finished.note {
            self.due = Some(Due { name, template, answer: finished.answer });
        }
        finished.note
    }

    fn extra(&mut self, name: Option<String>, template: &(String, String), text: &str) -> Extra {
        let mut data = template.0.clone();
        data.push_str(&escape(text, Style::default()));
        data.push_str(&template.1);
        if self.kind == StreamKind::OpenAiResponses {
            // Rising numbers: this document takes the next, the rest move up.
            data.insert_str(1, &format!("\"sequence_number\":{},", self.sequence));
            self.sequence += 1;
            self.shift += 1;
        }
        Extra { name, data }
    }

    fn renumber(&mut self, seen: &Seen, tape: &Tape<'_>, outcome: &mut Outcome) {
        let Some((token, number)) = seen.sequence else { return };
        let number = number.saturating_add(self.shift);
        self.sequence = number.saturating_add(1);
        if self.shift > 0 {
            outcome.edits.push((tape.span(token), number.to_string()));
        }
        outcome.edits.sort_by_key(|(range, _)| range.start);
    }

    fn seal(&mut self, text: &str) {
        if !text.is_empty()
            && self.signed.len() < self.settings.open_limit
            && !self.signed.iter().any(|signed| signed.as_str() == text)
        {
            self.signed.push(Zeroizing::new(text.to_owned()));
        }
    }

    fn remember(&mut self, masked: &str, restored: &str, nature: &Nature) -> Option<usize> {
        // The answer's own text always: a word that the model wrote by itself must come back as it wrote it.
        let kept = *nature == Nature::Speech || masked != restored;
        if masked.is_empty() || !kept || self.remembered > self.settings.memory_limit {
            return None;
        }
        self.answers.push(Answer {
            restored: Zeroizing::new(restored.to_owned()),
            masked: masked.to_owned(),
            tool: matches!(nature, Nature::Tool { .. }),
        });
        Some(self.answers.len() - 1)
    }
}

/// The document ends the whole answer.
fn ends_answer(event: &str) -> bool {
    matches!(
        event,
        "message_stop"
            | "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "interaction.completed"
            | "message-end"
            | "message_end"
            | "finish"
            | "thread.run.completed"
            | "transcript.text.done"
    )
}

/// The document ends this text.
fn ends_text(seen: &Seen, open: &Open) -> bool {
    if seen.done || seen.error || ends_answer(&seen.event) || seen.event == "message_delta" {
        return true;
    }
    if seen.ended.contains(&open.choice) {
        return true;
    }
    let ending = seen.event == "content_block_stop"
        || seen.event.ends_with(".done")
        || seen.event.ends_with(".stop")
        || seen.event.ends_with("-end")
        || seen.event.ends_with("-stop");
    // The same ids as far as both carry them, and at least one.
    let mut shared = 0;
    let same = open.key.root.iter().all(|(name, value)| match seen.root.iter().find(|(other, _)| other == name) {
        Some((_, other)) => {
            shared += 1;
            other == value
        }
        None => true,
    });
    ending && same && shared > 0
}

/// Of whole texts: which may end with the note. The last one of a run of text blocks, and of each choice.
fn note_leaves(leaves: &[Leaf], kind: StreamKind) -> Vec<bool> {
    leaves
        .iter()
        .enumerate()
        .map(|(index, leaf)| {
            if leaf.nature != Nature::Speech || leaf.key.is_some() {
                return false;
            }
            if kind == StreamKind::OpenAiResponses {
                // Each part carries its own, so that all five copies of a text are alike.
                return true;
            }
            // Anthropic's blocks are array elements of one answer; a choice ends where the next begins.
            let follows = leaves.get(index + 1);
            let same_answer = |next: &Leaf| kind == StreamKind::Anthropic || next.choice == leaf.choice;
            !follows.is_some_and(|next| next.nature == Nature::Speech && next.key.is_none() && same_answer(next))
        })
        .collect()
}
