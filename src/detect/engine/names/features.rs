//! What is seen at a proposal and around it, as numbers into one table of weights. Every number has a readable name
//! (`before_label|surname|staff`), which is how `patterns/names/weights.tsv` spells it and how the record explains.
//! Must not know: weights, chances. A name of a feature never holds text of the user, only classes and cue words.

use std::cell::Cell;

use super::candidates::{Form, Proposal};
use super::cues::{After, Before, Cues};
use super::letter::{Script, Window};
use super::lexicon::Lexicon;
use super::scan::{Scan, Token};
use super::word::{Latin, STEPS, Sense, Word};

/// What a place in a feature counts.
#[derive(Clone, Copy)]
enum Field {
    Form,
    Script,
    Before,
    After,
    /// A cue word, by number.
    Word,
    /// A plain number below this.
    Number(u16),
}

/// The templates, in the order of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum T {
    Form,
    LineStart,
    Around,
    Left,
    Right,
    Before,
    After,
    BeforeAfter,
    BeforeRight,
    AfterLeft,
    AfterWord,
    BeforeWord,
    Place,
    Length,
    Surname,
    Heads,
    SurnameLength,
    Given,
    GivenLength,
    GivenLook,
    Sense,
    Cover,
    Hl7,
    Latin,
    Previous,
    Next,
    NeighbourCase,
    Parts,
    Split,
    Gap,
    LineLabel,
    Facility,
    LatinLine,
    SureBefore,
    SureAfter,
    SureAround,
    Label2,
}

const TEMPLATES: [(&str, &[Field]); 37] = {
    use Field::{After, Before, Form, Number, Script, Word};
    [
        ("form", &[Form]),
        ("line_start_right", &[Form, Number(2), Script]),
        ("around", &[Number(3), Script, Script]),
        ("left", &[Form, Script]),
        ("right", &[Form, Script]),
        ("before", &[Form, Before, Number(2)]),
        ("after", &[Form, After, Number(2)]),
        ("before_after", &[Number(3), Before, After, Number(4)]),
        ("before_right", &[Number(3), Before, Number(2), Script]),
        ("after_left", &[Number(3), After, Number(2), Script]),
        ("after_word", &[Word]),
        ("before_word", &[Word]),
        ("place", &[Form, Script, After, Script]),
        ("length", &[Form, Number(10)]),
        ("surname", &[Form, Number(STEPS as u16)]),
        ("heads", &[Form, Number(5)]),
        ("surname_length", &[Form, Number(9), Script]),
        ("given", &[Form, Number(STEPS as u16)]),
        ("given_length", &[Form, Number(9), Script]),
        ("given_look", &[Form, Number(8)]),
        ("sense", &[Form, Number(9)]),
        ("cover", &[Form, Number(6)]),
        ("hl7", &[Number(2), Number(6)]),
        ("latin", &[Number(3), Form, Number(960)]),
        ("previous_word", &[Word]),
        ("next_word", &[Word]),
        ("neighbour_case", &[Form, Number(3), Number(3)]),
        ("parts", &[Form, Number(4), Number(4), Number(5)]),
        ("split", &[Number(2), After, Before]),
        ("gap", &[Form, Number(7)]),
        ("line_label", &[Number(3), Before, Number(4)]),
        ("facility_ahead", &[Form, Number(2)]),
        ("latin_line", &[Form, Number(2), Number(3), Number(2)]),
        ("sure_before", &[Form, Before, Number(5)]),
        ("sure_after", &[Form, After, Number(5)]),
        ("sure_around", &[Number(5), Number(5), Script, Script]),
        ("label_list", &[Form, Before, Number(4)]),
    ]
};

/// How many values the fields of each template have: as many sizes as it has fields, 1 behind them. Known to the compiler, so
/// that a feature's number costs no division and no look at memory. Cue words are counted when the cues are read.
const SIZES: [[u32; 4]; TEMPLATES.len()] = {
    let mut all = [[1; 4]; TEMPLATES.len()];
    let mut template = 0;
    while template < TEMPLATES.len() {
        let fields = TEMPLATES[template].1;
        let mut at = 0;
        while at < fields.len() {
            all[template][at] = match fields[at] {
                Field::Form => Form::COUNT as u32,
                Field::Script => Script::COUNT as u32,
                Field::Before => Before::COUNT as u32,
                Field::After => After::COUNT as u32,
                Field::Word => u32::MAX,
                Field::Number(n) => n as u32,
            };
            at += 1;
        }
        template += 1;
    }
    all
};

/// Where each template's numbers lie.
pub struct Layout {
    offsets: [u32; TEMPLATES.len()],
    /// As `SIZES`, and the number of cue words.
    sizes: [[u32; 4]; TEMPLATES.len()],
    total: usize,
}

impl Layout {
    #[must_use]
    pub fn new(cues: &Cues) -> Self {
        let mut layout = Self { offsets: [0; TEMPLATES.len()], sizes: SIZES, total: 0 };
        for (offset, sizes) in layout.offsets.iter_mut().zip(layout.sizes.iter_mut()) {
            for size in sizes.iter_mut().filter(|size| **size == u32::MAX) {
                *size = cues.numbers() as u32;
            }
            *offset = layout.total as u32;
            layout.total += sizes.iter().product::<u32>() as usize;
        }
        layout
    }

    /// How many features there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    #[inline(always)]
    fn index(&self, template: T, values: &[usize]) -> u32 {
        let template = template as usize;
        let mut index = 0;
        if let Some(sizes) = SIZES.get(template) {
            for (size, value) in sizes.iter().zip(values) {
                index = index * size + (*value as u32).min(size - 1);
            }
        }
        self.offsets.get(template).copied().unwrap_or(0) + index
    }

    /// The readable name of feature `index`.
    #[must_use]
    pub fn name(&self, index: u32, cues: &Cues) -> String {
        let template = self.offsets.partition_point(|offset| *offset <= index).saturating_sub(1);
        let (Some((name, fields)), Some(sizes)) = (TEMPLATES.get(template), self.sizes.get(template)) else {
            return String::new();
        };
        let mut rest = index - self.offsets.get(template).copied().unwrap_or(0);
        let mut values = [0; 4];
        for (value, size) in values.iter_mut().zip(sizes).rev() {
            *value = (rest % size) as usize;
            rest /= size;
        }
        let mut out = String::with_capacity(48);
        out.push_str(name);
        for (field, value) in fields.iter().zip(values) {
            out.push('|');
            match field {
                Field::Form => out.push_str(Form::WORDS.get(value).unwrap_or(&"")),
                Field::Script => out.push_str(Script::ALL.get(value).map_or("", |script| script.word())),
                Field::Before => out.push_str(Before::WORDS.get(value).unwrap_or(&"")),
                Field::After => out.push_str(After::WORDS.get(value).unwrap_or(&"")),
                Field::Word => out.push_str(cues.word(value)),
                Field::Number(_) => out.push_str(&value.to_string()),
            }
        }
        out
    }

    /// The feature with this readable name.
    #[must_use]
    pub fn parse(&self, name: &str, numbers: &std::collections::HashMap<&str, usize>) -> Option<u32> {
        let mut parts = name.split('|');
        let head = parts.next()?;
        let template = TEMPLATES.iter().position(|(name, _)| *name == head)?;
        let (_, fields) = TEMPLATES.get(template)?;
        let mut index = 0;
        for (field, size) in fields.iter().zip(self.sizes.get(template)?) {
            let word = parts.next()?;
            let value = match field {
                Field::Form => Form::WORDS.iter().position(|w| *w == word)?,
                Field::Script => Script::ALL.iter().position(|w| w.word() == word)?,
                Field::Before => Before::WORDS.iter().position(|w| *w == word)?,
                Field::After => After::WORDS.iter().position(|w| *w == word)?,
                Field::Word => numbers.get(word).copied()?,
                Field::Number(_) => word.parse().ok()?,
            } as u32;
            if value >= *size {
                return None;
            }
            index = index * size + value;
        }
        Some(self.offsets.get(template)? + index)
    }
}

/// What stands at the two ends of stretches, worked out once per letter.
#[derive(Default)]
pub struct Hooks {
    before: Vec<(Before, bool, u16)>,
    after: Vec<(After, bool, u16)>,
    facility: Vec<bool>,
}

/// A facility this many letters ahead is no longer seen.
const FAR: u32 = 8;

impl Hooks {
    pub fn look(&mut self, window: &Window, scan: &Scan) {
        self.before.clear();
        self.after.clear();
        self.facility.clear();
        // Letters that may stand between a label and a name, right before this one.
        let mut gaps = 0;
        let mut previous = '\0';
        self.before.extend((0..=window.count()).map(|at| {
            let gap = matches!(previous, ' ' | '\t' | ':' | '(' | '・' | '-' | '=' | ',' | '、' | '「' | '"' | '>');
            gaps = if gap { (gaps + 1).min(3) } else { 0 };
            previous = window.letter(at);
            let cue = scan.before.get(at - gaps).copied().unwrap_or_default();
            (cue.before, gaps > 0, cue.word)
        }));
        self.after.extend((0..=window.count()).map(|at| {
            let apart = window.letter(at) == ' ';
            let cue = scan.after.get(at + usize::from(apart)).copied().unwrap_or_default();
            match cue.after {
                After::Nothing | After::Particle | After::Act if cue.after == After::Nothing || apart => {
                    if reading(window, at) { (After::Reading, false, 0) } else { (After::Nothing, apart, 0) }
                }
                after => (after, apart, cue.word),
            }
        }));
        // From behind: how far ahead a facility is, when nothing stands between.
        self.facility.resize(window.count(), false);
        let mut distance = FAR;
        let letters = self.facility.iter_mut().zip(&scan.after).zip(&window.scripts);
        for ((facility, cue), script) in letters.rev() {
            distance = match cue.after {
                _ if !script.japanese() => FAR,
                After::Facility => 0,
                After::Honorific | After::Act => FAR,
                _ => (distance + 1).min(FAR),
            };
            *facility = distance < FAR;
        }
    }

    #[must_use]
    pub fn before(&self, at: usize) -> (Before, bool, u16) {
        self.before.get(at).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn after(&self, at: usize) -> (After, bool, u16) {
        self.after.get(at).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn facility(&self, at: usize) -> bool {
        self.facility.get(at).copied().unwrap_or(false)
    }
}

/// A bracket with a reading: 3–16 kana or 4–30 Latin letters and spaces, closed.
fn reading(window: &Window, at: usize) -> bool {
    if window.letter(at) != '(' {
        return false;
    }
    let mut kana = 0;
    let mut latin = 0;
    for to in at + 1..at + 32 {
        match window.script(to) {
            Script::Katakana | Script::Hiragana => kana += 1,
            Script::Latin => latin += 1,
            Script::Space | Script::Dot => {}
            Script::Close => {
                return kana >= 3 && latin == 0 && kana <= 16
                    || latin >= 4 && kana == 0 && window.letter(at + 1).is_uppercase();
            }
            _ => {
                return matches!(window.letter(to), '、' | ',') && (kana >= 3 && latin == 0 || latin >= 4 && kana == 0);
            }
        }
    }
    false
}

/// Everything features are read from.
pub struct Sight<'a> {
    pub window: &'a Window,
    pub scan: &'a Scan,
    pub hooks: &'a Hooks,
    pub lexicon: &'a Lexicon,
    pub cues: &'a Cues,
    pub layout: &'a Layout,
    last: Cell<Option<Stretch>>,
}

/// What is the same for all proposals of one stretch; they come one after another.
#[derive(Clone, Copy)]
struct Stretch {
    start: u32,
    end: u32,
    whole: Word,
    cover: usize,
}

impl<'a> Sight<'a> {
    #[must_use]
    pub fn new(
        window: &'a Window,
        scan: &'a Scan,
        hooks: &'a Hooks,
        lexicon: &'a Lexicon,
        cues: &'a Cues,
        layout: &'a Layout,
    ) -> Self {
        Self { window, scan, hooks, lexicon, cues, layout, last: Cell::new(None) }
    }

    fn stretch(&self, p: &Proposal) -> Stretch {
        if let Some(last) = self.last.get().filter(|last| last.start == p.start && last.end == p.end) {
            return last;
        }
        let (start, end) = (p.start as usize, p.end as usize);
        let whole = if end - start <= 12 { self.word(start, end) } else { Word(0) };
        let cover = if self.window.script(start).japanese() { self.scan.cover(start, end) } else { 0 };
        let stretch = Stretch { start: p.start, end: p.end, whole, cover };
        self.last.set(Some(stretch));
        stretch
    }

    /// The dictionary's word for a stretch: from what the scan saw, else looked up.
    fn word(&self, start: usize, end: usize) -> Word {
        let Self { window, scan, lexicon, .. } = self;
        let japanese = (start..end).all(|at| window.script(at).japanese());
        let seen = if japanese { scan.word_at(start, end) } else { None };
        seen.unwrap_or_else(|| lexicon.word(window.slice(start, end)))
    }

    /// The features of `p`, as numbers.
    pub fn features(&self, p: &Proposal, out: &mut Vec<u32>) {
        out.clear();
        self.each(p, |feature| out.push(feature));
    }

    /// Call `take` with every feature of `p`.
    #[inline]
    pub fn each(&self, p: &Proposal, mut take: impl FnMut(u32)) {
        let Self { window, scan, hooks, lexicon, layout, .. } = self;
        let (start, end) = (p.start as usize, p.end as usize);
        let form = p.form as usize;
        let shape = p.form.shape();
        let (left, right) = (window.before(start) as usize, window.script(end) as usize);
        let line_start = matches!(window.before(start), Script::Edge | Script::Line);
        let (before, before_gap, before_word) = hooks.before(start);
        let (after, after_gap, after_word) = hooks.after(end);
        let (b, bg, a, ag) = (before as usize, usize::from(before_gap), after as usize, usize::from(after_gap));
        let mut put = |template: T, values: &[usize]| take(layout.index(template, values));

        put(T::Form, &[form]);
        put(T::LineStart, &[form, usize::from(line_start), right]);
        put(T::Around, &[shape, left, right]);
        put(T::Left, &[form, left]);
        put(T::Right, &[form, right]);
        put(T::Before, &[form, b, bg]);
        put(T::After, &[form, a, ag]);
        put(T::BeforeAfter, &[shape, b, a, bg * 2 + ag]);
        put(T::BeforeRight, &[shape, b, bg, right]);
        put(T::AfterLeft, &[shape, a, ag, left]);
        put(T::AfterWord, &[usize::from(after_word)]);
        put(T::BeforeWord, &[usize::from(before_word)]);
        if shape == 1 || end - start <= 3 {
            put(T::Place, &[form, right, a, left]);
        }
        put(T::Length, &[form, (end - start).min(9)]);

        let (first, second) = (p.first as usize, p.second as usize);
        let mut sure = 0;
        if first > start && !p.form.latin() && p.form != Form::Hl7 {
            let surname_from = if p.form == Form::KatakanaSurname {
                window.slice(start, first).iter().position(|c| *c == ' ').map_or(start, |at| start + at + 1)
            } else {
                start
            };
            let word = self.word(surname_from, first);
            put(T::Surname, &[form, word.surname()]);
            put(T::Heads, &[form, word.heads()]);
            put(T::SurnameLength, &[form, (first - surname_from).min(8), window.script(surname_from) as usize]);
            sure = Word::sureness(word.surname());
        }
        let has_given = second > start || p.form == Form::Given;
        if has_given && p.form != Form::Hl7 {
            let letters = window.slice(second, end);
            let word = self.word(second, end);
            let step = word.given();
            put(T::Given, &[form, step]);
            put(T::GivenLength, &[form, letters.len().min(8), window.script(end - 1) as usize]);
            if step == 0 {
                put(T::GivenLook, &[form, lexicon.given_look(letters)]);
            }
            if p.form == Form::Given {
                sure = Word::sureness(step);
            }
            if second > first {
                let gap = match window.letter(first) {
                    ' ' => 1,
                    '\t' => 2,
                    '・' => 3,
                    '^' => 4,
                    '\n' => 5,
                    _ => 6,
                };
                put(T::Gap, &[form, gap]);
            }
        }
        let Stretch { whole, cover, .. } = self.stretch(p);
        if !whole.none() {
            for (at, sense) in Sense::ALL.into_iter().enumerate() {
                if whole.has(sense) {
                    put(T::Sense, &[form, at]);
                }
            }
        }
        put(T::Cover, &[form, cover]);
        let facility = hooks.facility(end);
        if facility {
            put(T::Facility, &[form, 1]);
        }
        let (label, at) = scan.line_label.get(start).copied().unwrap_or_default();
        if label != Before::Nothing {
            let distance = match start.saturating_sub(at as usize) {
                0..=2 => 1,
                3..=12 => 2,
                _ => 3,
            };
            put(T::LineLabel, &[shape, label as usize, distance]);
            put(T::Label2, &[form, label as usize, distance]);
        }
        if shape < 2 {
            put(T::SureBefore, &[form, b, sure]);
            put(T::SureAfter, &[form, a, sure]);
            if shape == 1 {
                put(T::SureAround, &[sure, (end - start).min(4), left, right]);
            }
        }
        match p.form {
            Form::Hl7 => {
                for (at, (from, to)) in [(start, first), (second, end)].into_iter().enumerate() {
                    let letters = window.slice(from, to);
                    let word = lexicon.word(letters);
                    let seen = if word.surname() > 0 && word.surname() < 12 || word.given() > 0 && word.given() < 12 {
                        1
                    } else if word.surname() + word.given() > 0 {
                        2
                    } else if !word.none() {
                        3
                    } else if lexicon.latin_word(letters).name() {
                        4
                    } else {
                        5
                    };
                    put(T::Hl7, &[at, seen]);
                }
            }
            Form::Foreign | Form::Katakana | Form::KanaPair | Form::KatakanaSurname => {
                let letters = window.slice(start, end);
                let (mut known, mut common, mut parts) = (0, 0, 0);
                for part in letters.split(|c| matches!(c, '・' | '=' | '＝' | ' ' | '^')) {
                    let word = lexicon.word(part);
                    parts += 1;
                    known += usize::from(word.surname() + word.given() > 0 || word.has(Sense::Person));
                    common += usize::from(
                        [Sense::Noun, Sense::Place, Sense::Proper, Sense::Other, Sense::Term]
                            .iter()
                            .any(|s| word.has(*s)),
                    );
                }
                put(T::Parts, &[form, known.min(3), common.min(3), parts.min(4)]);
                if p.form == Form::Katakana {
                    let split = (2..letters.len().saturating_sub(1)).any(|cut| {
                        let (Some(surname), Some(given)) = (letters.get(..cut), letters.get(cut..)) else {
                            return false;
                        };
                        lexicon.word(surname).surname() >= 12 && lexicon.word(given).given() >= 12
                    });
                    put(T::Split, &[usize::from(split), a, b]);
                }
            }
            _ => {}
        }
        if p.form.latin() {
            self.latin(p, &mut take);
        }
    }

    fn latin(&self, p: &Proposal, take: &mut impl FnMut(u32)) {
        let Self { window, scan, cues, layout, .. } = self;
        let form = p.form as usize;
        let from = scan.tokens.partition_point(|token| token.start < p.start);
        let to = scan.tokens.partition_point(|token| token.start < p.end);
        let tokens = scan.tokens.get(from..to).unwrap_or(&[]);
        let (mut technical, mut upper) = (false, 0);
        for (at, token) in tokens.iter().enumerate() {
            let last = at + 1 == tokens.len();
            let info = token.info;
            technical |= info.has(Latin::TECHNICAL);
            upper += usize::from(token.upper);
            let code = if token.end - token.start == 1 {
                959
            } else {
                let romaji =
                    usize::from(info.has(Latin::ROMAJI_SURNAME)) + 2 * usize::from(info.has(Latin::ROMAJI_GIVEN));
                let further = if info.given() + info.surname() + romaji == 0 { info.further() } else { 0 };
                let plain =
                    if info.has(Latin::TECHNICAL | Latin::EPONYM) { 2 } else { usize::from(info.has(Latin::ENGLISH)) };
                ((((info.given() * 5 + info.surname()) * 4 + romaji) * 2 + usize::from(further > 0)) * 3 + plain) * 2
                    + usize::from(token.upper)
            };
            if at < 2 || last {
                let place = if at == 0 {
                    0
                } else if last {
                    1
                } else {
                    2
                };
                take(layout.index(T::Latin, &[place, form, code]));
            }
        }
        let case = |token: Option<&Token>| match token {
            Some(token) if token.capital => 2,
            Some(_) => 1,
            None => 0,
        };
        let previous = from
            .checked_sub(1)
            .and_then(|at| scan.tokens.get(at))
            .filter(|token| matches!(window.slice(token.end as usize, p.start as usize), [' '] | ['.', ' ']));
        let next = scan.tokens.get(to).filter(|token| window.slice(p.end as usize, token.start as usize) == [' ']);
        let number = |token: Option<&Token>| {
            token.map_or(0, |token| cues.neighbour(window.slice(token.start as usize, token.end as usize)))
        };
        take(layout.index(T::Previous, &[number(previous)]));
        take(layout.index(T::Next, &[number(next)]));
        take(layout.index(T::NeighbourCase, &[form, case(previous), case(next)]));
        let japanese = scan.japanese_line.get(p.start as usize).copied().unwrap_or(false);
        let upper = if upper == 0 {
            0
        } else if upper == tokens.len() {
            2
        } else {
            1
        };
        take(layout.index(T::LatinLine, &[form, usize::from(japanese), upper, usize::from(technical)]));
    }
}
