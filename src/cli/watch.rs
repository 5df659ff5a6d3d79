//! Files that a running gate takes up when they change: their folders are watched, since editors replace files, and what
//! counts is whether a file is another one than before.
//! Must not know: what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// By what a file is known again; `None` when it is not there.
type Stamp = Option<(u64, u64, i64, i64)>;

/// The files and their folders.
pub(super) struct Watch {
    watcher: notify::RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
    /// Names in these folders that are worth a look; other files there are written all the time.
    names: Arc<Mutex<BTreeSet<OsString>>>,
    files: BTreeMap<PathBuf, Stamp>,
}

impl Watch {
    /// Watches nothing yet. `changed` is told that it is time to look.
    pub(super) fn new(changed: mpsc::Sender<()>) -> anyhow::Result<Self> {
        let names = Arc::new(Mutex::new(BTreeSet::new()));
        let known = Arc::clone(&names);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let worth = event.is_ok_and(|event| {
                let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                !event.kind.is_access()
                    && event.paths.iter().filter_map(|path| path.file_name()).any(|name| known.contains(name))
            });
            if worth {
                // One waiting change is enough.
                let _full = changed.try_send(());
            }
        })
        .context("the config cannot be watched")?;
        Ok(Self { watcher, folders: BTreeSet::new(), names, files: BTreeMap::new() })
    }

    /// Watch these files, and no others any more. A link is watched with what it leads to.
    pub(super) fn on(&mut self, files: Vec<PathBuf>) {
        let was = std::mem::take(&mut self.files);
        // Mounted settings change by a link of this name beside them.
        let mut names = BTreeSet::from([OsString::from("..data")]);
        for file in files {
            for path in std::fs::canonicalize(&file).into_iter().chain([file.clone()]) {
                names.extend(path.file_name().map(OsString::from));
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                self.folder(folder.unwrap_or_else(|| Path::new(".")));
            }
            let stamp = was.get(&file).copied().unwrap_or_else(|| stamp(&file));
            self.files.insert(file, stamp);
        }
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Is one of them another than it was?
    pub(super) fn changed(&mut self) -> bool {
        let mut changed = false;
        for (file, was) in &mut self.files {
            let is = stamp(file);
            changed |= is != *was;
            *was = is;
        }
        changed
    }

    fn folder(&mut self, folder: &Path) {
        if self.folders.contains(folder) {
            return;
        }
        match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.folders.insert(folder.to_owned());
            }
            Err(error) => tracing::warn!(folder = %folder.display(), %error, "changes here are not seen: kill -HUP"),
        }
    }
}

fn stamp(file: &Path) -> Stamp {
    let about = std::fs::metadata(file).ok()?;
    Some((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_replaced_written_into_or_linked_is_seen_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("config.toml"), "a").unwrap();
        std::fs::create_dir(at("real")).unwrap();
        std::fs::write(at("real/users-1.toml"), "a").unwrap();
        std::os::unix::fs::symlink(at("real/users-1.toml"), at("users.toml")).unwrap();
        let (sender, mut told) = mpsc::channel(1);
        let mut watch = Watch::new(sender).unwrap();
        watch.on(vec![at("config.toml"), at("users.toml"), at("later.toml")]);
        let mut seen = async |watch: &mut Watch| {
            let told = tokio::time::timeout(std::time::Duration::from_secs(2), told.recv()).await.is_ok();
            told && watch.changed()
        };
        std::fs::write(at("new"), "bb").unwrap();
        std::fs::rename(at("new"), at("config.toml")).unwrap();
        assert!(seen(&mut watch).await, "replaced");
        std::fs::write(at("real/users-1.toml"), "bb").unwrap();
        assert!(seen(&mut watch).await, "written behind a link");
        std::fs::write(at("later.toml"), "bb").unwrap();
        assert!(seen(&mut watch).await, "made");
        assert!(!watch.changed());
        std::fs::write(at("tsuitate.db"), "bb").unwrap();
        assert!(!seen(&mut watch).await, "another file");
    }
}
