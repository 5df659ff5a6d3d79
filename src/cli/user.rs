//! `tsuitate user`: the accounts of the proxy, in the user file of the first `[[identify.source]]`.
//! Must not know: the wire.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Place, Usage, out, say};
use crate::identify::{Source, UserFile, account, read_users};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add an account, or set its password anew; the password is asked for, or read from standard input
    Add {
        name: String,
        #[arg(long = "group")]
        groups: Vec<String>,
        /// Several people use it
        #[arg(long)]
        shared: bool,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// The accounts
    List,
    /// Remove an account
    Remove { name: String },
}

/// Run it.
///
/// # Errors
/// When the user file cannot be read or written.
pub(crate) fn run(command: Command, place: &Place) -> anyhow::Result<ExitCode> {
    let path = file(place);
    let mut users = if path.exists() { read_users(&path)? } else { UserFile::default() };
    match command {
        Command::List => {
            for account in &users.user {
                out(&format!(
                    "{}\t{}{}",
                    account.name,
                    account.groups.join(","),
                    if account.shared { "\t(shared)" } else { "" }
                ))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Command::Add { name, groups, shared, password_stdin } => {
            let password = zeroize::Zeroizing::new(if password_stdin {
                std::io::stdin().lines().next().transpose()?.unwrap_or_default()
            } else {
                rpassword::prompt_password(format!("Password for {name}: "))
                    .context("no terminal: use --password-stdin")?
            });
            if password.chars().count() < 8 {
                return Err(Usage("a password has at least 8 letters".to_owned()).into());
            }
            let fresh = account(&name, &groups, shared, &password)?;
            users.user.retain(|account| account.name != name);
            users.user.push(fresh);
            users.user.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Command::Remove { name } => {
            let before = users.user.len();
            users.user.retain(|account| account.name != name);
            if users.user.len() == before {
                return Err(Usage(format!("{}: no account `{name}`", path.display())).into());
            }
        }
    }
    super::write_private(&path, toml::to_string(&users)?.as_bytes())?;
    out(&format!("{}: {} accounts", path.display(), users.user.len()))?;
    if place.config.identify.source.is_empty() {
        say(&format!(
            "衝立はこのファイルをまだ読みません。設定に次の行を書いてください（the gate does not read this file yet; write into the config）:\n\
             [[identify.source]]\ntype = \"basic\"\nfile = \"{}\"",
            path.display()
        ));
    } else {
        say(
            "a running gate takes this up within a second (kill -HUP where changes of files are not seen, as on some network shares)",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn file(place: &Place) -> PathBuf {
    match place.config.identify.source.first() {
        Some(Source::Basic { file }) => file.clone(),
        None => place.data.join("users.toml"),
    }
}
