//! Figures of the hospital's list with invented people: memory, time for text, false hits.
//! `cargo run --release --example list_figures -- [PEOPLE] [FILE.jsonl …]`; without files the development corpus is read.
//! Texts are `eval` documents: hits that overlap a labelled span are no false ones.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::string_slice)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tsuitate::detect::engine::list::{Class, Index, List, Name, Parts, Person, Tagger};
use tsuitate::detect::engine::{Engine as _, Output, View};
use tsuitate::detect::text::Text;
use tsuitate::detect::{Author, Fuel};
use tsuitate::score;

/// A small generator of numbers (SplitMix64): the same people every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap_or(0)
    }
}

/// Surnames by their number of people, given names from the lists of the engine of names, readings of given names.
struct Names {
    surnames: Vec<(String, String, usize)>,
    total: usize,
    given: Vec<String>,
    readings: Vec<String>,
}

impl Names {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/names");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("patterns/names");
        let mut total = 0;
        let surnames = read("surname_heads.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut columns = line.split('\t');
                let (name, heads, kana) = (columns.next()?, columns.next()?, columns.next()?);
                total += heads.parse::<usize>().ok()?;
                Some((name.to_owned(), kana.to_owned(), total))
            })
            .collect();
        let kana = |word: &str| word.chars().all(|letter| matches!(letter, 'ァ'..='ヺ' | 'ー'));
        let japanese = read("japanese.tsv");
        let marked = || japanese.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
        let mut given: Vec<String> = marked()
            .filter(|(word, marks)| marks.contains('G') && !kana(word))
            .map(|(word, _)| word.to_owned())
            .collect();
        given.extend(read("given_more.tsv").lines().filter(|line| !line.starts_with('#')).map(str::to_owned));
        let readings = marked()
            .filter(|(word, marks)| marks.contains('g') && kana(word) && word.chars().count() > 1)
            .map(|(word, _)| word.to_owned())
            .collect();
        Self { surnames, total, given, readings }
    }

    fn person(&self, dice: &mut Dice, number: usize) -> Person {
        let head = dice.roll(self.total);
        let at = self.surnames.partition_point(|(_, _, upto)| *upto <= head);
        let (surname, kana, _) = &self.surnames[at];
        let given = &self.given[dice.roll(self.given.len())];
        let reading = &self.readings[dice.roll(self.readings.len())];
        Person {
            names: vec![Name::parts(surname, given)],
            kana: vec![Name::parts(kana, reading)],
            latin: Vec::new(),
            numbers: vec![format!("{number:08}")],
            phones: vec![format!("090{:08}", dice.roll(100_000_000))],
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let people = arguments
        .next_if(|first| first.parse::<usize>().is_ok())
        .map_or(1_000_000, |count| count.parse().expect("a number"));
    let mut files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if files.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        files.extend(std::fs::read_dir(folder).expect("tests/corpus").flatten().map(|entry| entry.path()));
        files.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
        files.sort();
    }
    let names = Names::read();
    let tagger = Tagger::new(&[42; 16]);
    let mut dice = Dice(20_261_125);
    let mut parts = Parts { people: people as u64, digest: "figures".to_owned(), ..Parts::default() };
    let started = Instant::now();
    for number in 0..people {
        let tags = names.person(&mut dice, number * 7 + 10_000_000).tags(&tagger);
        tags.tags.iter().for_each(|(class, tag)| parts.tags[class.number()].push(*tag));
        tags.prefixes.iter().for_each(|(class, tag)| parts.prefixes[class.number()].push(*tag));
        parts.longest.iter_mut().zip(tags.longest).for_each(|(longest, letters)| *longest = letters.max(*longest));
        tags.lengths.iter().for_each(|length| parts.lengths[usize::from(*length)] += 1);
    }
    println!("{people} people: forms and tags {:.2} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let index = Arc::new(Index::build(tagger, parts).expect("an index"));
    println!("index built in {:.2} s, {:.1} MB", started.elapsed().as_secs_f64(), index.bytes() as f64 / 1e6);
    for class in Class::ALL {
        println!("  {:<22}{:>9} tags", class.as_str(), index.count(class));
    }
    let list = List::new(Arc::clone(&index));
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file of documents");
        let Ok(gold) = score::read_gold(&text) else { continue };
        figures(&list, &file, &gold);
    }
}

/// Nanoseconds that this process was on a core: other work on the machine does not count.
fn on_core() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or(0)
}

fn figures(list: &List, file: &Path, gold: &[score::Gold]) {
    let texts: Vec<Text> = gold.iter().map(|one| Text::new(&one.text)).collect();
    let bytes: usize = texts.iter().map(|text| text.original().len()).sum();
    let letters: usize = texts.iter().map(|text| text.original().chars().count()).sum();
    let find = |text: &Text| {
        let mut out = Output::default();
        let view = View { text, label: None, author: Author::User };
        list.find(view, &mut Fuel::for_bytes(text.original().len(), 100), &mut out).expect("fuel");
        out.candidates
    };
    let rounds = 5_000_000 / bytes.max(1) + 1;
    let started = on_core();
    let mut hits = 0;
    for _ in 0..rounds {
        hits += texts.iter().map(|text| find(text).len()).sum::<usize>();
    }
    // Nanoseconds a byte are microseconds a kilobyte.
    let cost = (on_core() - started) as f64 / (bytes * rounds) as f64;
    let mut wrong = Vec::new();
    for (text, one) in texts.iter().zip(gold) {
        for hit in find(text) {
            let range = text.to_original(hit.range.clone());
            let letters = |at: usize| text.original()[..at].chars().count();
            let (start, end) = (letters(range.start), letters(range.end));
            if !one.spans.iter().any(|span| span.start < end && start < span.end) {
                let from = text.original().floor_char_boundary(range.start.saturating_sub(12));
                let to = text.original().ceil_char_boundary((range.end + 12).min(text.original().len()));
                wrong.push(
                    format!(
                        "{} {}[{}]{}",
                        hit.rule.as_str(),
                        &text.original()[from..range.start],
                        &text.original()[range.clone()],
                        &text.original()[range.end..to]
                    )
                    .replace('\n', "⏎"),
                );
            }
        }
    }
    println!(
        "{}: {letters} letters, {cost:.1} µs/kB, {} hits, {} outside labels ({:.1} a million letters)",
        file.file_name().unwrap_or_default().to_string_lossy(),
        hits / rounds,
        wrong.len(),
        wrong.len() as f64 * 1e6 / letters as f64
    );
    for line in wrong.iter().take(60) {
        println!("    {line}");
    }
}
