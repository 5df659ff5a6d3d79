//! A disk that can lose power and fill up: a layer of SQLite's file system (VFS) over the real one. It keeps in order what
//! was written, cut and synced under one folder, so that afterwards the disk can be made as it would stand had the power
//! gone after any of these steps: what was synced is there, of the rest nothing, all, or a random part, torn at sectors.
//! What the running database sees is the real file; nothing of it changes until the power is said to be gone.
#![allow(unsafe_code, reason = "SQLite's VFS is a table of C functions; there is no other way under it")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, Once};

use rusqlite::ffi;

/// One step of the disk. Files by their name in the folder.
#[derive(Clone, Debug)]
enum Step {
    /// The file was there when it was first opened.
    Found {
        file: String,
        content: Vec<u8>,
    },
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        size: usize,
    },
    Sync {
        file: String,
    },
    Delete {
        file: String,
        synced: bool,
    },
}

impl Step {
    fn file(&self) -> &str {
        match self {
            Step::Found { file, .. }
            | Step::Write { file, .. }
            | Step::Truncate { file, .. }
            | Step::Sync { file }
            | Step::Delete { file, .. } => file,
        }
    }
}

/// A folder whose files are on the disk.
pub struct Device {
    folder: PathBuf,
    steps: Mutex<Vec<Step>>,
    full: AtomicBool,
    full_at_sync: AtomicBool,
}

/// What became of the writes that no sync had reached.
#[derive(Clone, Copy, Debug)]
pub enum Unsynced {
    Lost,
    Kept,
    /// Each write by itself kept, lost, or torn: some of its sectors.
    Some(u64),
}

static DEVICES: Mutex<Vec<Arc<Device>>> = Mutex::new(Vec::new());
static REAL: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(std::ptr::null_mut());

impl Device {
    /// From now on databases under this folder stand on the device.
    pub fn under(folder: &Path) -> Arc<Self> {
        register();
        let device = Arc::new(Self {
            folder: folder.canonicalize().unwrap(),
            steps: Mutex::default(),
            full: AtomicBool::new(false),
            full_at_sync: AtomicBool::new(false),
        });
        DEVICES.lock().unwrap().push(Arc::clone(&device));
        device
    }

    /// How many steps the disk has made.
    pub fn now(&self) -> usize {
        self.steps.lock().unwrap().len()
    }

    /// No room from now on, told when something is written.
    pub fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// No room from now on, told only when it is synced.
    pub fn fill_at_sync(&self, full: bool) {
        self.full_at_sync.store(full, Ordering::SeqCst);
    }

    /// The files as they stand had the power gone after the first `steps` steps.
    pub fn after(&self, steps: usize, unsynced: Unsynced) -> BTreeMap<String, Vec<u8>> {
        let all = self.steps.lock().unwrap();
        let mut durable: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut pending: Vec<&Step> = Vec::new();
        // Files whose place in the folder is on the disk.
        let mut placed: BTreeSet<&str> = BTreeSet::new();
        for step in all.iter().take(steps) {
            match step {
                Step::Found { file, content } => {
                    durable.insert(file.clone(), content.clone());
                    placed.insert(file);
                }
                Step::Sync { file } => {
                    // As SQLite does it: the first sync of a file that it made syncs the folder too, and with it whatever
                    // was deleted there.
                    let folder = placed.insert(file);
                    pending.retain(|step| {
                        let now = step.file() == file || (folder && matches!(step, Step::Delete { .. }));
                        if now {
                            apply(&mut durable, step, None);
                        }
                        !now
                    });
                    durable.entry(file.clone()).or_default();
                }
                Step::Delete { file, synced } => {
                    placed.remove(file.as_str());
                    if *synced {
                        pending.retain(|step| step.file() != file);
                        durable.remove(file);
                    } else {
                        pending.push(step);
                    }
                }
                other => pending.push(other),
            }
        }
        let mut random = match unsynced {
            Unsynced::Some(seed) => Some(Random(seed)),
            _ => None,
        };
        for step in pending {
            match (&mut random, unsynced) {
                (Some(random), _) => match random.below(3) {
                    0 => {}
                    1 => apply(&mut durable, step, None),
                    _ => apply(&mut durable, step, Some(random)),
                },
                (None, Unsynced::Kept) => apply(&mut durable, step, None),
                _ => {}
            }
        }
        durable
    }

    /// How often this file was synced.
    pub fn syncs(&self, name: &str) -> usize {
        let steps = self.steps.lock().unwrap();
        steps.iter().filter(|step| matches!(step, Step::Sync { file } if file == name)).count()
    }

    fn step(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }
}

/// Random numbers of a seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

const SECTOR: usize = 512;

fn apply(files: &mut BTreeMap<String, Vec<u8>>, step: &Step, mut torn: Option<&mut Random>) {
    match step {
        Step::Write { file, at, bytes } => {
            let content = files.entry(file.clone()).or_default();
            for (number, part) in bytes.chunks(SECTOR).enumerate() {
                if torn.as_mut().is_some_and(|random| random.below(2) == 0) {
                    continue;
                }
                let start = at + number * SECTOR;
                if content.len() < start + part.len() {
                    content.resize(start + part.len(), 0);
                }
                content[start..start + part.len()].copy_from_slice(part);
            }
        }
        Step::Truncate { file, size } => files.entry(file.clone()).or_default().resize(*size, 0),
        Step::Delete { file, .. } => drop(files.remove(file)),
        Step::Found { .. } | Step::Sync { .. } => {}
    }
}

/// One open file: SQLite's part, the device it is on, and after it in memory the real one.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    place: *mut Place,
}

struct Place {
    device: Arc<Device>,
    file: String,
}

/// The device and name of a path, if it is on one.
fn place(name: *const c_char) -> Option<Place> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite gives a text that ends with a zero.
    let path = PathBuf::from(unsafe { CStr::from_ptr(name) }.to_str().ok()?);
    let folder = path.parent()?.canonicalize().ok()?;
    let file = path.file_name()?.to_str()?.to_owned();
    let device = DEVICES.lock().unwrap().iter().find(|device| device.folder == folder).cloned()?;
    Some(Place { device, file })
}

fn real_vfs() -> *mut ffi::sqlite3_vfs {
    REAL.load(Ordering::SeqCst)
}

/// SAFETY: `file` is one that `open` made, with the real file behind it.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { file.cast::<File>().add(1).cast() }
}

unsafe fn place_of<'a>(file: *mut ffi::sqlite3_file) -> &'a Place {
    unsafe { &*(*file.cast::<File>()).place }
}

/// The real file's method, called with the real file.
macro_rules! real {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = real($file);
        ((*(*real).pMethods).$method.unwrap())(real $(, $argument)*)
    }};
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: SQLite is compiled in; the table is made once, never freed, and its functions keep SQLite's contract.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let real = ffi::sqlite3_vfs_find(std::ptr::null());
            REAL.store(real, Ordering::SeqCst);
            let mut vfs = std::ptr::read(real);
            vfs.zName = c"tsuitate-test-device".as_ptr();
            vfs.pNext = std::ptr::null_mut();
            vfs.szOsFile += c_int::try_from(size_of::<File>()).unwrap();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            // The others take the table they are given only for what the real one also has.
            assert_eq!(ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 1), ffi::SQLITE_OK);
        }
    });
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let vfs = real_vfs();
        let Some(place) = place(name) else {
            // Not on a device: the real file alone.
            return ((*vfs).xOpen.unwrap())(vfs, name, file, flags, out);
        };
        (*file).pMethods = std::ptr::null();
        let found = std::fs::read(place.device.folder.join(&place.file)).ok();
        let result = ((*vfs).xOpen.unwrap())(vfs, name, real(file), flags, out);
        if result == ffi::SQLITE_OK {
            let mut steps = place.device.steps.lock().unwrap();
            if let Some(content) = found
                && !steps.iter().any(|step| step.file() == place.file)
            {
                steps.push(Step::Found { file: place.file.clone(), content });
            }
            drop(steps);
            (*file.cast::<File>()).place = Box::into_raw(Box::new(place));
            (*file).pMethods = &raw const METHODS;
        }
        result
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    unsafe {
        let vfs = real_vfs();
        let result = ((*vfs).xDelete.unwrap())(vfs, name, sync);
        if result == ffi::SQLITE_OK
            && let Some(Place { device, file }) = place(name)
        {
            device.step(Step::Delete { file, synced: sync != 0 });
        }
        result
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without memory-mapped pages: every byte comes by `write`.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    unsafe {
        let place = place_of(file);
        if place.device.full.load(Ordering::SeqCst) {
            return ffi::SQLITE_FULL;
        }
        let result = real!(file, xWrite, bytes, amount, at);
        if result == ffi::SQLITE_OK {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(amount).unwrap()).to_vec();
            place.device.step(Step::Write { file: place.file.clone(), at: usize::try_from(at).unwrap(), bytes });
        }
        result
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    unsafe {
        let place = place_of(file);
        let result = real!(file, xTruncate, size);
        if result == ffi::SQLITE_OK {
            place.device.step(Step::Truncate { file: place.file.clone(), size: usize::try_from(size).unwrap() });
        }
        result
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    unsafe {
        let place = place_of(file);
        if place.device.full_at_sync.load(Ordering::SeqCst) {
            return ffi::SQLITE_FULL;
        }
        // The real disk keeps its power: its sync would only cost time.
        place.device.step(Step::Sync { file: place.file.clone() });
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).place));
        real!(file, xClose)
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    unsafe { real!(file, xRead, into, amount, at) }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    unsafe { real!(file, xFileSize, size) }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    unsafe { real!(file, xLock, level) }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    unsafe { real!(file, xUnlock, level) }
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { real!(file, xCheckReservedLock, out) }
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, code: c_int, argument: *mut c_void) -> c_int {
    unsafe { real!(file, xFileControl, code, argument) }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    unsafe { real!(file, xSectorSize) }
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    unsafe { real!(file, xDeviceCharacteristics) }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    unsafe { real!(file, xShmMap, page, size, extend, out) }
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    unsafe { real!(file, xShmLock, offset, count, flags) }
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    unsafe { real!(file, xShmBarrier) }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    unsafe { real!(file, xShmUnmap, delete) }
}
