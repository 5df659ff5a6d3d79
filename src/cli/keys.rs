//! `tsuitate keys`: what the ring holds (ids, never secrets), the public checkpoint key, and erasing an epoch.
//! Must not know: the wire.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Place, now_ms, out};
use crate::keys::Ring;
use crate::record::chain::hex;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Ids of the ring's keys and epochs
    List,
    /// The public checkpoint key, for `record verify --keys`
    Public,
    /// Erase an epoch's secret: its tokens can never be undone again
    DestroyEpoch {
        id: String,
        /// Yes, for good
        #[arg(long)]
        yes: bool,
    },
}

/// Run it.
///
/// # Errors
/// When the ring cannot be used.
pub(crate) fn run(command: &Command, place: &Place) -> anyhow::Result<ExitCode> {
    let folder = place.keys_folder();
    let settings = &place.config.keys;
    match command {
        Command::List => {
            let ring = Ring::open_or_create(&folder, settings, now_ms())?;
            for epoch in ring.epochs() {
                let state = if epoch.secret.is_some() { "" } else { "\terased" };
                out(&format!("epoch\t{}\t{}{state}", epoch.id, epoch.active_from_ms))?;
            }
            for key in ring.fingerprint() {
                out(&format!("fingerprint\t{}", key.id))?;
            }
            out(&format!("list\t{}", ring.list().id))?;
            out(&format!("checkpoint\t{}", ring.checkpoint_public().0))?;
        }
        Command::Public => {
            let (id, key) = Ring::open_or_create(&folder, settings, now_ms())?.checkpoint_public();
            out(&format!("{id} {}", hex(&key.to_bytes())))?;
        }
        Command::DestroyEpoch { id, yes } => {
            if !yes {
                super::say("この鍵の期間の記号は二度と元に戻せなくなります。よければ --yes を付けてください。");
                return Ok(ExitCode::from(2));
            }
            if !Ring::destroy_epoch(&folder, settings, id, now_ms())? {
                super::say(&format!("no epoch `{id}`: see `tsuitate keys list`"));
                return Ok(ExitCode::from(1));
            }
            super::say(
                "erased; a running gate lets go of it within a second, requests under way excepted (kill -HUP where changes of files are not seen)",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
