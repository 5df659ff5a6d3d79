//! `tsuitate ca`: the hospital's authority in two tiers.
//! Must not know: the wire.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Place, out};
use crate::ca;
use crate::house::standing::{ca_scope, providers};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make the house root and this gate's issuing authority
    New {
        /// Write the root's key here instead of keeping it on the gate
        #[arg(long, value_name = "FILE")]
        offline_root: Option<PathBuf>,
    },
    /// Take an issuing authority that the hospital's own PKI made
    Import {
        /// The root that clients trust, PEM
        #[arg(long)]
        root: PathBuf,
        /// The issuing certificate and what stands between it and the root, PEM
        #[arg(long)]
        chain: PathBuf,
        /// The issuing key, PEM
        #[arg(long)]
        key: PathBuf,
    },
    /// The root for clients, with its fingerprint
    Export {
        /// Write the PEM here instead of standard output
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// A new issuing authority under the same root: clients see no difference
    Renew {
        /// The root's key, when it is kept off the gate
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
}

/// The names that the issuing authority may sign: the services and the gate itself.
pub(super) fn scope(place: &Place) -> anyhow::Result<ca::Scope> {
    Ok(ca_scope(&place.config, &providers(&place.config)?))
}

/// The folder of the authority.
pub(super) fn folder(place: &Place) -> PathBuf {
    place.config.ca.dir.clone().unwrap_or_else(|| place.ca_folder())
}

/// Run it.
///
/// # Errors
/// When files cannot be used.
pub(crate) fn run(command: Command, place: &Place) -> anyhow::Result<ExitCode> {
    let (folder, settings) = (folder(place), &place.config.ca);
    match command {
        Command::New { offline_root } => {
            let export = ca::new_root(&folder, settings, offline_root.as_deref())?;
            ca::renew(&folder, settings, &scope(place)?, offline_root.as_deref())?;
            out(&format!("{}\nSHA-256 {}", folder.display(), export.fingerprint))?;
        }
        Command::Import { root, chain, key } => {
            let export = ca::import(&folder, &root, &chain, &key)?;
            out(&format!("{}\nSHA-256 {}", folder.display(), export.fingerprint))?;
            super::say("a running gate signs with this from its next start on");
        }
        Command::Export { out: to } => {
            let export = ca::export(&folder)?;
            match to {
                Some(path) => {
                    std::fs::write(&path, &export.pem).with_context(|| path.display().to_string())?;
                    out(&format!("{}\nSHA-256 {}", path.display(), export.fingerprint))?;
                }
                None => out(&export.pem)?,
            }
        }
        Command::Renew { root_key } => {
            ca::renew(&folder, settings, &scope(place)?, root_key.as_deref())?;
            out("renewed")?;
            super::say("a running gate takes this up within a second (kill -HUP where changes of files are not seen)");
        }
    }
    Ok(ExitCode::SUCCESS)
}
