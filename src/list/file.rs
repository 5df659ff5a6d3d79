//! The file of a list: a versioned head in clear (counts and dates), tags by person, a seal over all of it. Written whole
//! and durable, for its owner alone; read only when mode, version, key and seal are right.
//! Must not know: tables, names.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::ListError;
use crate::detect::engine::list::{Class, Index, LONGEST, Parts, Tagger, Tags};

const MAGIC: &[u8; 16] = b"TSUITATE LIST\n\0\0";
const VERSION: u32 = 1;
/// Bytes of the longest head.
const HEAD: u32 = 64 << 10;
/// Tags of one person at most: a row has a handful.
const TAGS: usize = 255;

/// The keys of a list, of the ring.
pub struct Keys {
    /// Id of the ring's list key.
    pub id: String,
    tags: Zeroizing<[u8; 16]>,
    seal: crate::keys::Secret,
}

impl Keys {
    #[must_use]
    pub fn of(ring: &crate::keys::Ring) -> Self {
        let mut tags = Zeroizing::new([0; 16]);
        for (to, from) in tags.iter_mut().zip(ring.list().expand("list tags").bytes()) {
            *to = *from;
        }
        Self { id: ring.list().id.clone(), tags, seal: ring.list().expand("list file") }
    }

    #[must_use]
    pub fn tagger(&self) -> Tagger {
        Tagger::new(&self.tags)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What stands in clear: counts and dates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub version: u32,
    /// Id of the list key that made the tags.
    pub key: String,
    /// First import, ms since 1970.
    pub made_ms: u64,
    pub changed_ms: u64,
    pub people: u64,
    /// Tags by class, those of different people counted each.
    pub tags: [u64; Class::ALL.len()],
    /// Different prefixes of the classes of names.
    prefixes: [u64; Class::NAMES.len()],
    /// Letters of the longest name by class.
    longest: [u8; Class::NAMES.len()],
}

/// One tag of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    class: u8,
    /// Of a number: its digits and letters.
    length: u8,
    tag: u64,
}

/// A list while it is changed.
#[derive(Debug, Default)]
pub struct Roster {
    pub made_ms: u64,
    people: HashMap<u64, Vec<Entry>>,
    prefixes: [BTreeSet<u64>; Class::NAMES.len()],
    longest: [u8; Class::NAMES.len()],
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    New,
    /// The person was there, with other forms.
    Changed,
    Same,
}

impl Roster {
    #[must_use]
    pub fn people(&self) -> u64 {
        self.people.len() as u64
    }

    /// Put a person in. `fresh`: the first row of this person in this file takes the place of what was known; later ones
    /// add to it.
    pub(super) fn put(&mut self, tags: &Tags, fresh: bool) -> Put {
        let mut entries: Vec<Entry> = tags
            .tags
            .iter()
            .map(|(class, tag)| {
                let length = if *class == Class::Number { tags.lengths.first().copied().unwrap_or(0) } else { 0 };
                Entry { class: *class as u8, length, tag: *tag }
            })
            .collect();
        entries.truncate(TAGS);
        for (class, tag) in &tags.prefixes {
            if let Some(known) = self.prefixes.get_mut(class.number()) {
                known.insert(*tag);
            }
        }
        for (longest, letters) in self.longest.iter_mut().zip(tags.longest) {
            *longest = letters.max(*longest);
        }
        match self.people.get_mut(&tags.person) {
            None => {
                self.people.insert(tags.person, entries);
                Put::New
            }
            Some(known) => {
                if !fresh {
                    entries.extend_from_slice(known);
                }
                entries.sort_unstable();
                entries.dedup();
                entries.truncate(TAGS);
                if *known == entries {
                    return Put::Same;
                }
                *known = entries;
                Put::Changed
            }
        }
    }

    /// Take a person out; `false` when nobody is there under this number or name.
    pub(super) fn remove(&mut self, person: u64) -> bool {
        self.people.remove(&person).is_some()
    }

    /// Read a list whole, to change it.
    ///
    /// # Errors
    /// As `load`.
    pub fn read(path: &Path, keys: &Keys) -> Result<Self, ListError> {
        let mut roster = Self::default();
        let (header, _) = walk(path, keys, &mut |what| match what {
            Piece::Prefix(class, tag) => {
                if let Some(known) = roster.prefixes.get_mut(class) {
                    known.insert(tag);
                }
            }
            Piece::Person(person, entries) => {
                roster.people.insert(person, entries.to_vec());
            }
        })?;
        (roster.made_ms, roster.longest) = (header.made_ms, header.longest);
        Ok(roster)
    }

    /// Write it whole: a new file beside the old (0600), synced, then renamed over it, and the folder synced.
    ///
    /// # Errors
    /// When it cannot be written; the old one then stays.
    pub fn write(&self, path: &Path, keys: &Keys, now_ms: u64) -> Result<Header, ListError> {
        let file = |source| ListError::File { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).map_err(file)?;
        let mut header = Header {
            version: VERSION,
            key: keys.id.clone(),
            made_ms: if self.made_ms == 0 { now_ms } else { self.made_ms },
            changed_ms: now_ms,
            people: self.people(),
            longest: self.longest,
            ..Header::default()
        };
        for entry in self.people.values().flatten() {
            if let Some(count) = header.tags.get_mut(usize::from(entry.class)) {
                *count += 1;
            }
        }
        for (count, known) in header.prefixes.iter_mut().zip(&self.prefixes) {
            *count = known.len() as u64;
        }
        let fresh = tempfile::NamedTempFile::new_in(folder).map_err(file)?;
        self.sealed(fresh.as_file(), keys, &header).map_err(file)?;
        fresh.as_file().sync_all().map_err(file)?;
        fresh.persist(path).map_err(|error| file(error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)?;
        Ok(header)
    }

    fn sealed(&self, file: &File, keys: &Keys, header: &Header) -> std::io::Result<()> {
        let mut out = Sealed { to: BufWriter::with_capacity(1 << 18, file), mac: mac(keys) };
        self.write_into(&mut out, header)?;
        let Sealed { mut to, mac } = out;
        to.write_all(&mac.finalize().into_bytes())?;
        to.flush()
    }

    fn write_into(&self, out: &mut impl Write, header: &Header) -> std::io::Result<()> {
        let head = serde_json::to_vec(header)?;
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes())?;
        out.write_all(&head)?;
        for tag in self.prefixes.iter().flatten() {
            out.write_all(&tag.to_le_bytes())?;
        }
        // In an order that says nothing of the order of the table.
        let mut people: Vec<u64> = self.people.keys().copied().collect();
        people.sort_unstable();
        for person in people {
            let Some(entries) = self.people.get(&person) else { continue };
            out.write_all(&person.to_le_bytes())?;
            out.write_all(&[u8::try_from(entries.len()).unwrap_or(u8::MAX)])?;
            for entry in entries {
                out.write_all(&[entry.class, entry.length])?;
                out.write_all(&entry.tag.to_le_bytes())?;
            }
        }
        Ok(())
    }
}

/// The index of a list, with its head. Checks mode, version, key, seal and form.
///
/// # Errors
/// When one of them is not right.
pub fn load(path: &Path, keys: &Keys) -> Result<(Index, Header), ListError> {
    let mut parts = Parts::default();
    let (header, digest) = walk(path, keys, &mut |what| match what {
        Piece::Prefix(class, tag) => {
            if let Some(known) = parts.prefixes.get_mut(class) {
                known.push(tag);
            }
        }
        Piece::Person(_, entries) => {
            for entry in entries {
                if let Some(known) = parts.tags.get_mut(usize::from(entry.class)) {
                    known.push(entry.tag);
                }
                if let Some(count) = parts.lengths.get_mut(usize::from(entry.length)).filter(|_| entry.length > 0) {
                    *count += 1;
                }
            }
        }
    })?;
    parts.people = header.people;
    parts.longest = header.longest.map(|letters| letters.min(LONGEST as u8));
    parts.digest = digest;
    Ok((Index::build(keys.tagger(), parts)?, header))
}

/// What stands in clear, without any key.
///
/// # Errors
/// When the file is no list, or open to others.
pub fn header(path: &Path) -> Result<Header, ListError> {
    head(&mut open(path)?, path)
}

enum Piece<'a> {
    Prefix(usize, u64),
    Person(u64, &'a [Entry]),
}

fn open(path: &Path) -> Result<BufReader<File>, ListError> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = |source| ListError::File { path: path.to_owned(), source };
    let opened = File::open(path).map_err(file)?;
    let mode = opened.metadata().map_err(file)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ListError::Mode { path: path.to_owned(), mode });
    }
    Ok(BufReader::with_capacity(1 << 18, opened))
}

fn head(from: &mut impl Read, path: &Path) -> Result<Header, ListError> {
    let form = |why| ListError::Form { path: path.to_owned(), why };
    let cut = |_| form("it is cut off");
    let mut magic = [0; 16];
    from.read_exact(&mut magic).map_err(cut)?;
    if &magic != MAGIC {
        return Err(form("it begins otherwise"));
    }
    let mut number = || -> Result<u32, ListError> {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).map_err(cut)?;
        Ok(u32::from_le_bytes(bytes))
    };
    if number()? != VERSION {
        return Err(form("its version is not known: import the list again"));
    }
    let length = number()?;
    if length > HEAD {
        return Err(form("its head is too long"));
    }
    let mut head = vec![0; length as usize];
    from.read_exact(&mut head).map_err(cut)?;
    serde_json::from_slice(&head).map_err(|_| form("its head cannot be read"))
}

/// Read a file whole, piece by piece; the pieces count only when this returns without an error.
fn walk(path: &Path, keys: &Keys, each: &mut dyn FnMut(Piece<'_>)) -> Result<(Header, String), ListError> {
    let form = |why| ListError::Form { path: path.to_owned(), why };
    let damaged = || ListError::Damaged { path: path.to_owned() };
    let file = open(path)?;
    let size = file.get_ref().metadata().map_err(|source| ListError::File { path: path.to_owned(), source })?.len();
    let mut from = Opened { from: file, mac: mac(keys) };
    let header = head(&mut from, path)?;
    if header.key != keys.id {
        return Err(ListError::Key { path: path.to_owned(), made_with: header.key, ring: keys.id.clone() });
    }
    // A person takes nine bytes at least, a prefix eight.
    if header.people > size / 9 || header.prefixes.iter().any(|count| *count > size / 8) {
        return Err(form("it is shorter than its head says"));
    }
    for (class, count) in header.prefixes.iter().enumerate() {
        for _ in 0..*count {
            each(Piece::Prefix(class, from.number().map_err(|_| damaged())?));
        }
    }
    let mut entries = Vec::with_capacity(TAGS);
    for _ in 0..header.people {
        let person = from.number().map_err(|_| damaged())?;
        let mut count = [0];
        from.read_exact(&mut count).map_err(|_| damaged())?;
        entries.clear();
        for _ in 0..count[0] {
            let mut about = [0; 2];
            from.read_exact(&mut about).map_err(|_| damaged())?;
            let [class, length] = about;
            if Class::from_number(class).is_none() || usize::from(length) > LONGEST {
                return Err(damaged());
            }
            entries.push(Entry { class, length, tag: from.number().map_err(|_| damaged())? });
        }
        each(Piece::Person(person, &entries));
    }
    let Opened { mut from, mac } = from;
    let mut seal = Vec::with_capacity(33);
    from.by_ref().take(33).read_to_end(&mut seal).map_err(|_| damaged())?;
    mac.verify_slice(&seal).map_err(|_| damaged())?;
    let digest = seal.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok((header, digest))
}

fn mac(keys: &Keys) -> Hmac<Sha256> {
    // A key shorter than a block is filled up with zeros: that is HMAC's own rule.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(keys.seal.bytes()) {
        *to = *from;
    }
    Hmac::<Sha256>::new((&*block).into())
}

/// Writes and seals.
struct Sealed<W> {
    to: W,
    mac: Hmac<Sha256>,
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.mac.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// Reads and checks.
struct Opened<R> {
    from: R,
    mac: Hmac<Sha256>,
}

impl<R: Read> Opened<R> {
    fn number(&mut self) -> std::io::Result<u64> {
        let mut bytes = [0; 8];
        self.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(bytes)?;
        self.mac.update(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}
