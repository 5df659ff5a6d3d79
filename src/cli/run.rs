//! `tsuitate run`: open the house, say where, reload on SIGHUP and on changes of the config, drain on the first signal and
//! end on the second.
//! Must not know: requests.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{Place, now_ms, say, today};
use crate::config::Config;
use crate::house::open::{self, open};
use crate::house::{House, Standing};
use crate::keys::Ring;
use crate::telemetry;
use crate::wire::task::quiet_panics;

/// How often the ring is looked at for a new epoch, and what is old removed.
const TURN: Duration = Duration::from_secs(3600);

/// Run it until a signal.
///
/// # Errors
/// When the gate cannot start.
pub(crate) fn run(place: &Place) -> anyhow::Result<ExitCode> {
    telemetry::start_log(&place.config.telemetry).map_err(|error| super::Usage(format!("telemetry.log: {error}")))?;
    quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(place))
}

async fn serve(place: &Place) -> anyhow::Result<ExitCode> {
    let problems = place.config.problems(today());
    if !problems.is_empty() {
        // Without a file there is nothing to point at; with one `Config::read` has already said it.
        let lines: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.key, problem.what)).collect();
        return Err(super::Usage(lines.join("\n")).into());
    }
    for note in place.config.notes(today()) {
        tracing::warn!("{}: {}; {}", note.key, note.what, note.cure);
    }
    let opened =
        open(place.config.clone(), open::Place { data: &place.data, gate: place.gate_name(), clock: now_ms }).await?;
    for address in opened.running.addrs() {
        say(&format!("衝立 listens on {address}; its page is http://{address}/"));
    }
    say(&format!("CA SHA-256 {}", opened.root.fingerprint));
    let (changed, mut changes) = mpsc::channel(1);
    let _watcher = place.file.as_deref().map(|file| watch(file, changed)).transpose()?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut turn = tokio::time::interval(TURN);
    turn.tick().await;
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(place, &opened.house),
            Some(()) = changes.recv() => {
                // Editors write in several steps.
                tokio::time::sleep(Duration::from_millis(200)).await;
                while changes.try_recv().is_ok() {}
                reload(place, &opened.house);
            }
            _ = turn.tick() => {
                match Ring::open_or_create(&place.keys_folder(), &place.config.keys, now_ms()) {
                    Ok(ring) => opened.house.replace_ring(ring),
                    Err(error) => tracing::error!(%error, "the key ring could not be read again"),
                }
                let keep = u64::try_from(opened.house.standing().config.records.keep.0.as_millis()).unwrap_or(u64::MAX);
                if let Err(error) = opened.house.recorder.tidy(now_ms().saturating_sub(keep)).await {
                    tracing::error!(%error, "retention could not be carried out");
                }
                // Few events a day are proven too, not only every thousandth.
                if let Err(error) = opened.house.recorder.checkpoint().await {
                    tracing::error!(%error, "no checkpoint");
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    say("stopping: requests under way may finish; a second signal ends now");
    let deadline = place.config.gate.limits.shutdown.0;
    let tasks = opened.house.tasks.clone();
    tokio::select! {
        finished = opened.stop(deadline) => {
            if !finished {
                say("the deadline passed with requests still open");
            }
        }
        _ = async { tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} } } => tasks.end_now(),
    }
    Ok(ExitCode::SUCCESS)
}

/// Build anew and swap whole, or keep the old and say why.
fn reload(place: &Place, house: &Arc<House>) {
    let Some(file) = place.file.as_deref() else { return };
    let fresh = Config::read(file, today()).map_err(|error| error.to_string()).and_then(|config| {
        let running = house.standing();
        if config.gate != running.config.gate
            || config.upstream != running.config.upstream
            || config.ca != running.config.ca
        {
            tracing::warn!("[gate], [upstream] and [ca] take effect at the next start");
        }
        Standing::new(config, house.ring().login().secret.bytes()).map_err(|error| error.to_string())
    });
    match fresh {
        Ok(standing) => {
            tracing::info!(rules = standing.versions.rules, policy = standing.versions.policy, "settings reloaded");
            house.replace(standing);
        }
        Err(error) => say(&format!("the old settings stay:\n{error}")),
    }
}

/// The folder is watched: editors replace files.
fn watch(file: &Path, changed: mpsc::Sender<()>) -> anyhow::Result<notify::RecommendedWatcher> {
    let name = file.file_name().map(std::ffi::OsStr::to_owned);
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let ours = event.is_ok_and(|event| {
            !event.kind.is_access()
                && event.paths.iter().any(|path| path.file_name().map(std::ffi::OsStr::to_owned) == name)
        });
        if ours {
            // One waiting change is enough.
            let _full = changed.try_send(());
        }
    })
    .context("the config cannot be watched")?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
