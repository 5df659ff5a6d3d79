//! Tells the program which detection it holds: a digest over the embedded data and the code that reads it, so that what
//! was found by one version is never taken for a finding of another.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    // Same keys in every run of one compiler, which is all that is asked of it.
    let mut digest = DefaultHasher::new();
    for folder in ["patterns", "src/detect"] {
        println!("cargo::rerun-if-changed={folder}");
        add(&root.join(folder), &mut digest)?;
    }
    println!("cargo::rustc-env=TSUITATE_DETECTION={:016x}", digest.finish());
    Ok(())
}

/// Every file of a folder, by name.
fn add(folder: &Path, digest: &mut DefaultHasher) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            add(&entry.path(), digest)?;
        } else {
            entry.file_name().hash(digest);
            std::fs::read(entry.path())?.hash(digest);
        }
    }
    Ok(())
}
