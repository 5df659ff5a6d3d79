//! Which names of a document mean one person. First what is sure (a reading beside its name, a former name, the same
//! full name), then surnames, given names and initials alone, each to the one person whom it can mean; what can mean
//! two stays alone, because two people under one token are worse than one person under two.
//! Must not know: how names were found, roles beyond what stands around a name.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::evidence::{Honor, Sex, Votes, seat};
use super::judge::{act, clash, conflict, kinship, leaning, listed, sound_only, works};
use super::mention::{Mention, beside, script};
use super::name::{self, Name};
use crate::detect::kind::Role;

/// A person so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) mentions: Vec<usize>,
    /// Its different spellings.
    pub(super) names: Vec<Name>,
    pub(super) votes: Votes,
    pub(super) group: Option<&'static str>,
    pub(super) classes: BTreeSet<usize>,
    pub(super) kin: bool,
    pub(super) polite: bool,
    pub(super) numbers: BTreeSet<String>,
    pub(super) words: BTreeSet<&'static str>,
    /// In the mail itself and in what it quotes.
    pub(super) speaks: [bool; 2],
    pub(super) spoken_to: [bool; 2],
    pub(super) baby: bool,
    pub(super) sex: Option<Sex>,
    pub(super) alone: bool,
    pub(super) slots: BTreeSet<&'static str>,
    pub(super) honored: bool,
    pub(super) told_staff: bool,
    /// A word that can mean several: it gathers its like and nothing else.
    pub(super) undecided: bool,
    /// A full name or its surname is known.
    pub(super) full: bool,
}

pub(super) struct People {
    pub(super) persons: Vec<Person>,
    of: Vec<Option<usize>>,
    /// Keys of full names and of parts → persons, so that a long list of names costs no more than its length.
    full: HashMap<String, Vec<usize>>,
    parts: HashMap<String, Vec<usize>>,
    undecided: HashMap<String, Vec<usize>>,
    /// A full name and a surname that one line sets apart.
    apart: HashSet<(String, String)>,
}

/// More people than this for one word: it can mean anybody.
const MOST: usize = 48;
/// Spellings of one person that are compared, and its latest mentions that are looked at.
const SPELLINGS: usize = 12;

/// Group the names of a document; for each the number of its person.
pub(super) fn group(mentions: &[Mention<'_>]) -> (Vec<usize>, People) {
    let mut people = People {
        persons: Vec::new(),
        of: vec![None; mentions.len()],
        full: HashMap::new(),
        parts: HashMap::new(),
        undecided: HashMap::new(),
        apart: HashSet::new(),
    };
    for (at, mention) in mentions.iter().enumerate() {
        // A line's names stand together: the next few are enough.
        for other in mentions.iter().skip(at + 1).take(3) {
            let (full, word) = if mention.name.is_full() { (mention, other) } else { (other, mention) };
            let apart = full.name.is_full() && word.marks.class.is_some() && full.name.has_surname(&word.name);
            if apart && !word.name.is_full() && listed(full, word) {
                people.apart.insert(pair(&full.name, &word.name));
            }
        }
    }
    let beside = beside(mentions);
    // Full names, those that are no reading of another first: the reading follows what it stands beside.
    for (at, mention) in mentions.iter().enumerate() {
        if mention.name.is_full() && !beside.contains_key(&at) {
            let person = people.same_name(mention).unwrap_or_else(|| people.fresh());
            people.put(mentions, at, person);
        }
    }
    // Parts of one name in two fields.
    for at in 0..mentions.len() {
        people.fields(mentions, at);
    }
    people.follow(mentions, &beside);
    let mut rest: Vec<usize> = (0..mentions.len()).filter(|at| people.person(*at).is_none()).collect();
    // Given names are surest, then what a title or kin word marks, then what stands bare; the order of the text
    // otherwise.
    let given: HashSet<&String> =
        mentions.iter().flat_map(|other| other.name.full.iter().map(|(_, given)| given)).collect();
    rest.sort_by_key(|at| {
        let Some(mention) = mentions.get(*at) else { return 2 };
        if given.contains(&mention.name.whole) { 0 } else { 1 + u8::from(mention.marks.class.is_none()) }
    });
    for at in rest {
        if people.person(at).is_some() || beside.contains_key(&at) {
            continue;
        }
        let person = people.best(mentions, at);
        people.put(mentions, at, person);
        people.follow(mentions, &beside);
    }
    people.follow(mentions, &beside);
    for at in 0..mentions.len() {
        if people.person(at).is_none() {
            let person = people.fresh();
            people.put(mentions, at, person);
        }
    }
    let of = people.of.iter().map(|person| person.unwrap_or_default()).collect();
    (of, people)
}

impl People {
    fn person(&self, at: usize) -> Option<usize> {
        self.of.get(at).copied().flatten()
    }

    fn fresh(&mut self) -> usize {
        self.persons.push(Person::default());
        self.persons.len() - 1
    }

    fn put(&mut self, mentions: &[Mention<'_>], at: usize, person: usize) {
        let (Some(mention), Some(slot), Some(known)) =
            (mentions.get(at), self.of.get_mut(at), self.persons.get_mut(person))
        else {
            return;
        };
        *slot = Some(person);
        known.mentions.push(at);
        let new = !known.names.iter().any(|name| name.whole == mention.name.whole);
        if new && known.names.len() < SPELLINGS {
            known.names.push(mention.name.clone());
            if known.undecided {
                self.undecided.entry(mention.name.whole.clone()).or_default().push(person);
            } else {
                for key in mention.name.part_keys() {
                    register(&mut self.parts, key.clone(), person);
                }
                if mention.name.is_full() {
                    for key in mention.name.full_keys() {
                        register(&mut self.full, key.clone(), person);
                    }
                }
            }
        }
        for (sum, vote) in known.votes.iter_mut().zip(mention.marks.votes) {
            *sum += vote;
        }
        if let Some(class) = mention.marks.class {
            known.classes.insert(seat(class));
        }
        known.group = known.group.or(mention.marks.group);
        known.kin |= mention.marks.kin;
        known.polite |= matches!(mention.marks.honor, Some(Honor::Sama | Honor::Child));
        known.numbers.extend(mention.number.clone());
        known.full |= mention.name.is_full();
        known.words.extend(mention.marks.word);
        let depth = usize::from(mention.marks.quoted);
        if let (Some(speaks), Some(spoken_to)) = (known.speaks.get_mut(depth), known.spoken_to.get_mut(depth)) {
            *speaks |= mention.marks.speaks;
            *spoken_to |= mention.marks.spoken_to;
        }
        known.baby |= mention.marks.baby;
        known.sex = known.sex.or(mention.marks.sex);
        known.alone |= mention.alone_in_line();
        if mention.marks.kin {
            let slot = mention.marks.word.map(kinship);
            if slot.is_some_and(|slot| known.slots.insert(slot)) && !known.undecided {
                let key = format!("{KIN}{}", slot.unwrap_or_default());
                register(&mut self.parts, key, person);
            }
        }
        known.honored |= mention.marks.honor.is_some();
        known.told_staff |= mention.told == Some(Role::Staff) || mention.alone_in_line();
    }

    /// Readings and former names go where their written name went.
    fn follow(&mut self, mentions: &[Mention<'_>], beside: &BTreeMap<usize, usize>) {
        // Chains are short: a kana and a Latin reading of one name.
        for _ in 0..3 {
            for (at, to) in beside {
                if self.person(*at).is_none()
                    && let Some(person) = self.person(*to)
                {
                    self.put(mentions, *at, person);
                }
            }
        }
    }

    /// The person of this very full name: two numbers or a word of warning tell two people of one name apart.
    fn same_name(&self, mention: &Mention<'_>) -> Option<usize> {
        let found = candidates(&self.full, mention.name.full_keys())?;
        let known = |person: usize| self.persons.get(person);
        let alike: Vec<usize> = found
            .into_iter()
            .filter(|person| {
                known(*person).is_some_and(|known| {
                    !clash(known, mention)
                        && !sound_only(known, mention)
                        && spellings(known, &mention.name).any(|name| {
                            if mention.marks.apart {
                                name.whole == mention.name.whole
                            } else {
                                name.same(&mention.name)
                            }
                        })
                })
            })
            .collect();
        let numbered = alike.iter().copied().find(|person| {
            known(*person)
                .is_some_and(|known| mention.number.as_ref().is_some_and(|number| known.numbers.contains(number)))
        });
        let exact = || {
            let mut exact = alike.iter().copied().filter(|person| {
                known(*person).is_some_and(|known| known.names.iter().any(|name| name.whole == mention.name.whole))
            });
            exact.next().filter(|_| exact.next().is_none())
        };
        numbered.or_else(exact).or(if let [only] = alike.as_slice() { Some(*only) } else { None })
    }

    /// `"family":"Kobayashi","given":["Akira"]`: two fields of one record are one name.
    fn fields(&mut self, mentions: &[Mention<'_>], at: usize) {
        let (Some(first), Some(second)) = (mentions.get(at), mentions.get(at + 1)) else { return };
        if self.person(at).is_some() || self.person(at + 1).is_some() {
            return;
        }
        let Some(between) = first.until(second).filter(|between| between.len() <= 40) else { return };
        let between = between.to_lowercase();
        let before = first.before(16).to_lowercase();
        let pairs = [
            ("family", "given"),
            ("last", "first"),
            ("given", "family"),
            ("first", "last"),
            ("姓", "名"),
            ("セイ", "メイ"),
        ];
        if pairs.iter().any(|(one, two)| before.contains(one) && between.contains(two)) {
            let person = self.fresh();
            self.put(mentions, at, person);
            self.put(mentions, at + 1, person);
        }
    }

    /// The person whom a word alone means: the best of those that it can mean, else somebody new.
    fn best(&mut self, mentions: &[Mention<'_>], at: usize) -> usize {
        let Some(mention) = mentions.get(at) else { return self.fresh() };
        let mut keys = mention.name.part_keys().to_vec();
        if let Some(word) = mention.marks.word.filter(|_| mention.marks.kin) {
            keys.push(format!("{KIN}{}", kinship(word)));
        }
        let mut found: Vec<(f32, usize)> = Vec::new();
        let few = if mention.name.initials {
            // Initials share no key with a name: the first people of the text are looked at.
            (0..self.persons.len().min(MOST)).collect()
        } else {
            let Some(few) = candidates(&self.parts, &keys) else { return self.anybody(mention) };
            few
        };
        for person in few {
            found.extend(self.fits(mentions, person, at, mention).map(|score| (score, person)));
        }
        found.sort_by(|one, other| other.0.total_cmp(&one.0));
        match found.as_slice() {
            [] => self.fresh(),
            [(_, only)] => *only,
            [(best, person), (second, _), ..] if best - second >= MARGIN => *person,
            _ => self.anybody(mention),
        }
    }

    /// A word that can mean several people gathers with its like.
    fn anybody(&mut self, mention: &Mention<'_>) -> usize {
        let like = self
            .undecided
            .get(&mention.name.whole)
            .into_iter()
            .flatten()
            .copied()
            .take(MOST)
            .find(|person| self.persons.get(*person).is_some_and(|known| !conflict(known, mention)));
        like.unwrap_or_else(|| {
            let person = self.fresh();
            if let Some(known) = self.persons.get_mut(person) {
                known.undecided = true;
            }
            person
        })
    }

    /// Does a line that names this person in full name another of that surname, who bears what this mention bears?
    fn listed_apart(&self, mentions: &[Mention<'_>], known: &Person, mention: &Mention<'_>) -> bool {
        let class = mention.marks.class;
        if class.is_some() && known.names.iter().any(|name| self.apart.contains(&pair(name, &mention.name))) {
            return true;
        }
        let latest = known.mentions.iter().rev().take(SPELLINGS).filter_map(|at| mentions.get(*at));
        latest.filter(|other| other.name.is_full()).any(|other| listed(other, mention))
    }

    /// How well a person fits a name that is not full; nothing when it cannot be.
    fn fits(&self, mentions: &[Mention<'_>], person: usize, at: usize, mention: &Mention<'_>) -> Option<f32> {
        let known = self.persons.get(person)?;
        if known.undecided {
            return None;
        }
        let word = &mention.name;
        let mut score: Option<f32> = None;
        let mut surname = false;
        for name in spellings(known, word) {
            let by = if mention.marks.apart {
                let part = name.full.iter().any(|(family, given)| {
                    *given == word.whole
                        || *family == word.whole
                            && (mention.marks.class.is_some() || mention.marks.honor == Some(Honor::Sama))
                });
                (name.whole == word.whole || part).then_some(1.0)
            } else if word.initials {
                (name.initials && name.whole == word.whole || name.has_initials(word)).then_some(1.0)
            } else if name.whole == word.whole {
                Some(1.0)
            } else if name.is_full() && word.is_full() {
                name.same(word).then_some(1.0)
            } else if name.is_full() && name.gives(word) {
                // In Latin letters and foreign kana the first word may be the surname: a kin word decides.
                surname |= name.has_surname(word) && !mention.marks.kin;
                Some(1.4)
            } else if name.is_full() && name.has_surname(word) {
                surname = true;
                Some(1.0)
            } else if name.is_full() && name.has_given(word) {
                Some(1.4)
            } else if name.is_full() && mention.marks.honor == Some(Honor::Child) && name.has_pet_name(word) {
                Some(0.8)
            } else if !name.is_full()
                && !name.initials
                && name::reads_as(name, word) == Some(true)
                && script(name) != script(word)
            {
                Some(0.7)
            } else {
                None
            };
            score = match (score, by) {
                (Some(one), Some(other)) => Some(one.max(other)),
                (one, other) => one.or(other),
            };
        }
        let marks = &mention.marks;
        let slot = marks.word.filter(|_| marks.kin).map(kinship);
        if score.is_none() && slot.is_some_and(|slot| known.slots.contains(slot)) && !known.full && !word.is_full() {
            // 妻シズ様, later 松田様(奥様): the one wife of the text, by another part of her name.
            score = Some(0.9);
        }
        let mut score = score?;
        if known.names.iter().any(|name| name.writes(word)) {
            score += 1.0;
        }
        if conflict(known, mention) || surname && self.listed_apart(mentions, known, mention) {
            return None;
        }
        let signs_so = marks.speaks && known.alone;
        if surname && marks.kin {
            let other = slot.is_some_and(|slot| !known.slots.is_empty() && !known.slots.contains(slot));
            if other || !known.kin && !signs_so {
                return None;
            }
        }
        // Who works, signs or speaks is not the patient of that surname.
        if surname && works(mention) && !known.classes.contains(&seat(Role::Staff)) {
            let cared = [Role::Patient, Role::Family].iter().any(|role| known.classes.contains(&seat(*role)));
            if (cared || known.polite) && !signs_so {
                return None;
            }
        }
        if signs_so {
            score += 1.5;
        }
        if marks.group.is_some() && marks.group == known.group {
            score += 1.0;
        }
        if let Some(class) = marks.class {
            score += if known.classes.contains(&seat(class)) { 0.8 } else { 0.0 };
        }
        if marks.word.is_some_and(|word| word != "先生" && known.words.contains(word)) {
            score += 1.0;
        }
        let leans = leaning(known);
        match (marks.honor, marks.class) {
            (Some(Honor::Sama | Honor::Child), None) => score += if leans == Some(Role::Patient) { 0.8 } else { 0.0 },
            (Some(Honor::San), None) => score += if leans == Some(Role::Patient) { 0.6 } else { 0.0 },
            (None, None) => score += act(mention, leans),
            _ => {}
        }
        if surname && known.kin && !marks.kin {
            score -= 0.6;
        }
        // The one spoken of last.
        let nearest = known.mentions.iter().rev().take(SPELLINGS).filter(|other| **other < at).max();
        if let Some(other) = nearest.and_then(|other| mentions.get(*other)) {
            let near = mention.part == other.part
                && mention
                    .text
                    .get(other.range.end..mention.range.start)
                    .is_some_and(|between| !between.contains('\n'));
            score += if near { 0.25 } else { 0.0 };
        }
        if mention.alone_in_line() && known.alone {
            score += 2.5;
        }
        Some(score)
    }
}

fn pair(full: &Name, word: &Name) -> (String, String) {
    (full.whole.clone(), word.whole.clone())
}

/// The key of a place in the family; no name begins so.
const KIN: &str = "\u{1}";

/// The spellings of a person that a word is held against: one in kanji against those in kanji alone, when there are
/// any, because kanji never meet by their sounds (伊藤 and 伊東 beside イトウ).
fn spellings<'p>(known: &'p Person, word: &Name) -> impl Iterator<Item = &'p Name> {
    let kanji = script(word) == 2;
    let written = kanji && known.names.iter().any(|name| script(name) == 2 && name.is_full());
    known.names.iter().filter(move |name| !written || script(name) == 2)
}

fn register(index: &mut HashMap<String, Vec<usize>>, key: String, person: usize) {
    let persons = index.entry(key).or_default();
    if persons.len() <= MOST && persons.last() != Some(&person) {
        persons.push(person);
    }
}

/// The persons under any of these keys; none when there are too many to tell.
fn candidates(index: &HashMap<String, Vec<usize>>, keys: &[String]) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for key in keys {
        let persons = index.get(key).map(Vec::as_slice).unwrap_or_default();
        if persons.len() > MOST {
            return None;
        }
        found.extend_from_slice(persons);
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// How much better than the next a person must fit.
const MARGIN: f32 = 0.4;
