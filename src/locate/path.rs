//! The path language of the provider files: which leaf of a JSON body belongs to which list, and which list wins.
//! All paths of an adapter become one automaton that walks beside the body, a small set of live states a level.
//! Must not know: services, HTTP, what a secret is.

use std::borrow::Cow;

/// The lists a path can stand in. The lists of a request compete for a leaf; the others only mark it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// Searched, may be masked.
    Request,
    /// Holds a file.
    Media,
    /// Text that cannot be read (token ids).
    Unreadable,
    /// Searched, must not change; every finding counts (URLs, ids).
    Strict,
    /// Searched, must not change; only strong findings count (tool names, schemas, cache keys).
    Frozen,
    /// Signed text that goes back as it came.
    Sealed,
    /// Neither searched nor changed, as long as its form is that of an identifier.
    Opaque,
    /// A credential meant for the service.
    Secret,
    /// Limits of alphabet and length.
    Narrow,
    /// The list of messages of a conversation (an array, not a leaf).
    Turns,
    /// Written by the house (system text, instructions).
    System,
    /// Written by a tool.
    Tool,
    /// Written by the model.
    Assistant,
    /// Restored in answers.
    Response,
    /// Left as it came in answers.
    ResponseKeep,
    /// Fragments of a stream that belong together.
    StreamJoin,
    /// Whole texts inside stream events.
    StreamWhole,
    /// Left as it came in stream events.
    StreamKeep,
}

impl List {
    /// Rank of a list when two paths are equally exact: search wins ties. `None`: does not compete.
    const fn class_rank(self) -> Option<u32> {
        match self {
            List::Media => Some(7),
            List::Request => Some(6),
            List::Unreadable => Some(5),
            List::Strict => Some(4),
            List::Frozen => Some(3),
            List::Sealed => Some(2),
            List::Opaque => Some(1),
            List::Secret => Some(0),
            List::ResponseKeep | List::StreamKeep => Some(3),
            List::Response | List::StreamJoin => Some(2),
            List::StreamWhole => Some(1),
            List::Narrow | List::Turns | List::System | List::Tool | List::Assistant => None,
        }
    }

    /// A list of answers.
    #[must_use]
    pub const fn in_answers(self) -> bool {
        self.has_event()
    }

    const fn has_event(self) -> bool {
        matches!(self, List::Response | List::ResponseKeep | List::StreamJoin | List::StreamWhole | List::StreamKeep)
    }
}

/// What a leaf's string holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoder {
    /// JSON in the string.
    Json,
    /// JSON, and again in its strings.
    JsonDeep,
    Base64,
    DataUrl,
}

/// One path of one list.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub list: List,
    /// As written in the file.
    pub source: String,
    /// Streams: the event it applies to (`*` stands for any run of characters); `None`: every event.
    pub event: Option<String>,
    pub decoder: Option<Decoder>,
    /// Integer leaves instead of strings.
    pub int: bool,
    /// Ends in `**`: keys and numbers below are searched too.
    pub free: bool,
    /// Place in the list it was given in (the entry of `narrow`).
    pub ordinal: usize,
    /// Which of two paths of the same leaf wins: the higher.
    pub rank: u32,
}

impl Pattern {
    /// Whether this path applies to a stream event of this name.
    #[must_use]
    pub fn applies_to(&self, event: &str) -> bool {
        self.event.as_deref().is_none_or(|glob| glob_match(glob.as_bytes(), event.as_bytes()))
    }
}

/// `*` stands for any run of bytes. Linear with one mark to return to.
#[must_use]
pub fn glob_match(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                back = Some((g + 1, t));
                g += 1;
            }
            Some(c) if text.get(t) == Some(c) => {
                g += 1;
                t += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    g = after;
                    t = from + 1;
                    back = Some((after, t));
                }
                None => return false,
            },
        }
    }
    glob.get(g..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

/// A path that cannot be read: what is wrong, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at} of the path")]
pub struct PathError {
    pub what: &'static str,
    pub at: usize,
}

/// A list with its paths, as a provider file gives them.
#[derive(Clone, Debug)]
pub struct Entry {
    pub list: List,
    pub path: String,
    pub ordinal: usize,
    /// Every name also matches in `snake_case`.
    pub both_cases: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Name(String),
    AnyKey,
    Deep,
    Each,
    Nth(usize),
    /// `[index]`, or `[name]`: each element, its place kept for the key of a joined stream.
    Index,
    Where {
        key: String,
        values: Vec<String>,
    },
}

#[derive(Clone, Debug, Default)]
struct Node {
    names: Vec<(Box<str>, u16)>,
    any: Option<u16>,
    each: Option<u16>,
    nth: Vec<(usize, u16)>,
    wheres: Vec<Where>,
    /// The `**` that may begin here.
    deep: Option<u16>,
    /// This node is a `**`: it stays alive on every step.
    stays: bool,
    ends: Vec<u16>,
}

#[derive(Clone, Debug)]
struct Where {
    keys: Vec<String>,
    values: Vec<String>,
    to: u16,
}

/// All paths of an adapter, compiled.
#[derive(Clone, Debug)]
pub struct PathSet {
    nodes: Vec<Node>,
    patterns: Vec<Pattern>,
}

/// A predicate asks for the scalar under a key of the object at hand: is it one of these values, and is it doubtful
/// (the key stands there twice with different values)?
pub trait Members {
    /// The text of each scalar under one of `keys` (a string decoded, a literal as written).
    fn values(&self, keys: &[String]) -> Vec<Cow<'_, str>>;
}

impl PathSet {
    /// Compiles the paths.
    ///
    /// # Errors
    /// The place of the entry and what is wrong with its path.
    pub fn compile(entries: &[Entry]) -> Result<Self, (usize, PathError)> {
        let mut set = PathSet { nodes: vec![Node::default()], patterns: Vec::new() };
        for (i, entry) in entries.iter().enumerate() {
            set.add(entry).map_err(|e| (i, e))?;
        }
        Ok(set)
    }

    /// Every path, by its id.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The path of this id.
    #[must_use]
    pub fn pattern(&self, id: u16) -> Option<&Pattern> {
        self.patterns.get(usize::from(id))
    }

    /// The best of the matched paths that `wanted` accepts.
    pub fn best<'s>(&'s self, matched: &[u16], wanted: impl Fn(&Pattern) -> bool) -> Option<&'s Pattern> {
        matched
            .iter()
            .filter_map(|id| self.pattern(*id))
            .filter(|p| p.list.class_rank().is_some() && wanted(p))
            .max_by_key(|p| p.rank)
    }

    fn add(&mut self, entry: &Entry) -> Result<(), PathError> {
        let parsed = parse(&entry.path, entry.list)?;
        let literal = |s: &Segment| matches!(s, Segment::Name(_) | Segment::Where { .. });
        let before = parsed.segments.iter().take_while(|s| **s != Segment::Deep).filter(|s| literal(s)).count();
        let all = parsed.segments.iter().filter(|s| literal(s)).count();
        let rank = (u32::try_from(before.min(255)).unwrap_or(255) << 16)
            | (u32::try_from(all.min(255)).unwrap_or(255) << 8)
            | entry.list.class_rank().unwrap_or(0);
        let id = u16::try_from(self.patterns.len()).map_err(|_| PathError { what: "too many paths", at: 0 })?;
        self.patterns.push(Pattern {
            list: entry.list,
            source: entry.path.clone(),
            event: parsed.event,
            decoder: parsed.decoder,
            int: parsed.int,
            free: parsed.segments.last() == Some(&Segment::Deep),
            ordinal: entry.ordinal,
            rank,
        });
        let mut at = 0;
        for segment in &parsed.segments {
            at = self.child(at, segment, entry.both_cases)?;
        }
        if let Some(node) = self.nodes.get_mut(usize::from(at)) {
            node.ends.push(id);
        }
        Ok(())
    }

    fn child(&mut self, at: u16, segment: &Segment, both_cases: bool) -> Result<u16, PathError> {
        let new = u16::try_from(self.nodes.len()).map_err(|_| PathError { what: "too many paths", at: 0 })?;
        let Some(node) = self.nodes.get_mut(usize::from(at)) else {
            return Err(PathError { what: "no such state", at: 0 });
        };
        let to = match segment {
            Segment::Name(name) => {
                let other = if both_cases { snake_case(name) } else { name.clone() };
                let found = node.names.iter().find(|(n, _)| **n == **name || **n == *other).map(|(_, to)| *to);
                let to = found.unwrap_or(new);
                for spelling in [name, &other] {
                    if !node.names.iter().any(|(n, _)| **n == **spelling) {
                        node.names.push((spelling.as_str().into(), to));
                    }
                }
                to
            }
            Segment::AnyKey => *node.any.get_or_insert(new),
            Segment::Each | Segment::Index => *node.each.get_or_insert(new),
            Segment::Nth(n) => match node.nth.iter().find(|(i, _)| i == n) {
                Some((_, to)) => *to,
                None => {
                    node.nth.push((*n, new));
                    new
                }
            },
            Segment::Where { key, values } => {
                let mut keys = vec![key.clone()];
                if both_cases && snake_case(key) != *key {
                    keys.push(snake_case(key));
                }
                match node.wheres.iter().find(|w| w.keys == keys && w.values == *values) {
                    Some(w) => w.to,
                    None => {
                        node.wheres.push(Where { keys, values: values.clone(), to: new });
                        new
                    }
                }
            }
            Segment::Deep => *node.deep.get_or_insert(new),
        };
        if to == new {
            self.nodes.push(Node { stays: *segment == Segment::Deep, ..Node::default() });
        }
        Ok(to)
    }

    fn node(&self, state: u16) -> Option<&Node> {
        self.nodes.get(usize::from(state))
    }

    /// The states before the first step.
    pub(crate) fn start(&self, live: &mut Vec<u16>) {
        let from = live.len();
        self.push(live, from, 0);
    }

    fn push(&self, live: &mut Vec<u16>, from: usize, state: u16) {
        let mut next = Some(state);
        while let Some(state) = next {
            if live.get(from..).is_some_and(|set| set.contains(&state)) {
                return;
            }
            live.push(state);
            next = self.node(state).and_then(|n| n.deep);
        }
    }

    /// Appends the states after a step to `key` from those in `live[range]`.
    pub(crate) fn step_key(&self, live: &mut Vec<u16>, range: std::ops::Range<usize>, key: &str) {
        let from = live.len();
        for i in range {
            let Some(state) = live.get(i).copied() else { continue };
            let Some(node) = self.node(state) else { continue };
            if node.stays {
                self.push(live, from, state);
            }
            if let Some((_, to)) = node.names.iter().find(|(name, _)| **name == *key) {
                self.push(live, from, *to);
            }
            if let Some(to) = node.any {
                self.push(live, from, to);
            }
        }
    }

    /// The same for the element `index`; `element` answers predicates when the element is an object.
    pub(crate) fn step_index(
        &self,
        live: &mut Vec<u16>,
        range: std::ops::Range<usize>,
        index: usize,
        element: Option<&dyn Members>,
        doubtful: &mut bool,
    ) {
        let from = live.len();
        for i in range {
            let Some(state) = live.get(i).copied() else { continue };
            let Some(node) = self.node(state) else { continue };
            if node.stays {
                self.push(live, from, state);
            }
            if let Some(to) = node.each {
                self.push(live, from, to);
            }
            if let Some((_, to)) = node.nth.iter().find(|(n, _)| *n == index) {
                self.push(live, from, *to);
            }
            if let Some(element) = element {
                for w in &node.wheres {
                    if holds(w, element, doubtful) {
                        self.push(live, from, w.to);
                    }
                }
            }
        }
    }

    /// Adds the states that a predicate on the object at hand opens.
    pub(crate) fn enter_object(
        &self,
        live: &mut Vec<u16>,
        range: std::ops::Range<usize>,
        object: &dyn Members,
        doubtful: &mut bool,
    ) {
        let from = range.start;
        let mut i = range.start;
        // States opened here may carry predicates of their own.
        while let Some(state) = live.get(i).copied() {
            if let Some(node) = self.node(state) {
                for w in &node.wheres {
                    if holds(w, object, doubtful) {
                        self.push(live, from, w.to);
                    }
                }
            }
            i += 1;
        }
    }

    /// The paths that end in one of these states.
    pub(crate) fn ends(&self, states: &[u16], out: &mut Vec<u16>) {
        out.clear();
        for state in states {
            if let Some(node) = self.node(*state) {
                out.extend_from_slice(&node.ends);
            }
        }
    }
}

fn holds(w: &Where, object: &dyn Members, doubtful: &mut bool) -> bool {
    let values = object.values(&w.keys);
    let hit = |v: &str| w.values.iter().any(|wanted| wanted == v);
    // An absent flag is a flag that is false.
    if values.is_empty() {
        return w.values.iter().any(|v| v == "false");
    }
    let any = values.iter().any(|v| hit(v));
    if any && !values.iter().all(|v| hit(v)) {
        *doubtful = true;
    }
    any
}

/// `systemInstruction` → `system_instruction`.
#[must_use]
pub fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

struct Parsed {
    segments: Vec<Segment>,
    decoder: Option<Decoder>,
    event: Option<String>,
    int: bool,
}

fn parse(source: &str, list: List) -> Result<Parsed, PathError> {
    let err = |what, at| PathError { what, at };
    let mut rest = source;
    let mut event = None;
    if list.has_event()
        && let Some((name, path)) = rest.split_once(':')
    {
        event = Some(name.to_owned());
        rest = path;
    }
    let mut int = false;
    if let Some(path) = rest.strip_suffix(":int") {
        int = true;
        rest = path;
    }
    let mut decoder = None;
    if let Some((path, name)) = rest.rsplit_once('|') {
        decoder = match name {
            "json" => Some(Decoder::Json),
            "json**" => Some(Decoder::JsonDeep),
            "b64" => Some(Decoder::Base64),
            "dataurl" => Some(Decoder::DataUrl),
            _ => return Err(err("unknown decoder (json, json**, b64, dataurl)", source.len() - name.len())),
        };
        rest = path;
    }
    let offset = source.find(rest).unwrap_or(0);
    let mut segments = Vec::new();
    let mut chars = rest.char_indices().peekable();
    let mut name = String::new();
    let mut want_name = !rest.starts_with('[');
    let close = |name: &mut String, segments: &mut Vec<Segment>| {
        if name.is_empty() {
            return;
        }
        segments.push(match name.as_str() {
            "*" => Segment::AnyKey,
            "**" => Segment::Deep,
            _ => Segment::Name(name.clone()),
        });
        name.clear();
    };
    while let Some((i, c)) = chars.next() {
        match c {
            '.' => {
                if name.is_empty() && want_name {
                    return Err(err("a name is missing before the dot", offset + i));
                }
                close(&mut name, &mut segments);
                want_name = true;
            }
            '[' => {
                close(&mut name, &mut segments);
                want_name = false;
                let mut inside = String::new();
                loop {
                    match chars.next() {
                        Some((_, ']')) => break,
                        Some((_, c)) => inside.push(c),
                        None => return Err(err("a bracket is not closed", offset + i)),
                    }
                }
                segments.push(bracket(&inside).ok_or_else(|| err("a bracket holds nothing", offset + i))?);
                if chars.peek().is_some_and(|(_, c)| *c != '.' && *c != '[') {
                    return Err(err("a dot or a bracket must follow", offset + i));
                }
            }
            ']' | '|' | ':' | ' ' => return Err(err("a character that a name cannot hold", offset + i)),
            _ => name.push(c),
        }
    }
    if name.is_empty() && want_name {
        return Err(err("the path ends before its last name", source.len()));
    }
    close(&mut name, &mut segments);
    Ok(Parsed { segments, decoder, event, int })
}

fn bracket(inside: &str) -> Option<Segment> {
    if inside == "*" {
        return Some(Segment::Each);
    }
    if let Ok(n) = inside.parse() {
        return Some(Segment::Nth(n));
    }
    if let Some((key, values)) = inside.split_once('=') {
        let values: Vec<String> = values.split(',').map(str::to_owned).collect();
        return (!key.is_empty()).then(|| Segment::Where { key: key.to_owned(), values });
    }
    (!inside.is_empty()).then_some(Segment::Index)
}
