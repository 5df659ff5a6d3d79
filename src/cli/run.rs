//! `tsuitate run`: open the house, say where, reload on SIGHUP and when a file changes that the settings are of, drain on
//! the first signal and end on the second.
//! Must not know: requests.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::watch::Watch;
use super::{Place, now_ms, say, today};
use crate::config::Config;
use crate::house::open::{self, Open, open};
use crate::house::standing::files;
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
    // Before anything is open: whoever sees the address may stop the gate at once.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let opened =
        open(place.config.clone(), open::Place { data: &place.data, gate: place.gate_name(), clock: now_ms }).await?;
    for address in opened.running.addrs() {
        say(&format!("衝立 listens on {address}; its page is http://{address}/"));
    }
    say(&format!("CA SHA-256 {}", opened.root.fingerprint));
    let (changed, mut changes) = mpsc::channel(1);
    let mut watch = Watch::new(changed)?;
    watch.on(all_files(place, &opened, &place.config));
    let mut turn = tokio::time::interval(TURN);
    turn.tick().await;
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(place, &opened, &mut watch),
            Some(()) = changes.recv() => {
                // Editors write in several steps.
                tokio::time::sleep(Duration::from_millis(200)).await;
                while changes.try_recv().is_ok() {}
                if watch.changed() {
                    reload(place, &opened, &mut watch);
                }
            }
            _ = turn.tick() => {
                take_up_ring(&opened);
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
fn reload(place: &Place, opened: &Open, watch: &mut Watch) {
    watch.changed();
    take_up_ring(opened);
    let read = match place.file.as_deref() {
        Some(file) => Config::read(file, today()).map_err(|error| error.to_string()),
        None => Ok(place.config.clone()),
    };
    let done = read.and_then(|config| {
        // Also when it is refused: what is mended may be one of its files.
        watch.on(all_files(place, opened, &config));
        opened.take_up(config, today()).map_err(|error| error.to_string())
    });
    match done {
        Ok(()) => {
            let standing = opened.house.standing();
            tracing::info!(rules = standing.versions.rules, policy = standing.versions.policy, "settings reloaded");
        }
        Err(error) => say(&format!("the old settings stay:\n{error}")),
    }
}

fn take_up_ring(opened: &Open) {
    if let Err(error) = opened.take_up_ring() {
        tracing::error!(%error, "the key ring could not be read again");
    }
}

fn all_files(place: &Place, opened: &Open, config: &Config) -> Vec<PathBuf> {
    place.file.iter().cloned().chain(files(config)).chain(opened.files()).collect()
}
