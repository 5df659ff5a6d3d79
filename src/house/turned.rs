//! What was turned away outside of requests (a denied host or port, a private target, no account, a connection that cannot
//! be read), so gathered that a port scan cannot fill the disk: of one kind from one source the first is recorded at once,
//! the others of its minute in one event with their count and the first few targets.
//! Must not know: why something is turned away, sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Entry, House};
use crate::decide::Verdict;
use crate::record::event::{Who, Why};
use crate::record::{Event, Word};

/// How long the others are gathered.
const SPAN: Duration = Duration::from_secs(60);
/// Sources and kinds that are told apart at once; what comes from more is counted as one.
const SOURCES: usize = 1024;
/// Targets that an event names.
const TARGETS: usize = 8;

/// Kind (`denied_port`), what more is said of it, who, from where.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    code: &'static str,
    detail: &'static str,
    client: String,
    person: Option<String>,
}

struct Gathered {
    who: Who,
    host: String,
    targets: Vec<String>,
    count: u64,
}

/// What is being gathered.
#[derive(Default)]
pub struct Turned(Mutex<HashMap<Kind, Gathered>>);

impl Turned {
    /// Counts it when it belongs to a minute that has begun; `None` when it is the first.
    fn gather(&self, kind: &mut Kind, who: &Who, host: &str, port: u16) -> Option<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut who = who.clone();
        if all.len() >= SOURCES && !all.contains_key(kind) {
            *kind = Kind { client: "several".to_owned(), person: None, ..kind.clone() };
            who = Who { client: kind.client.clone(), strength: who.strength, ..Who::default() };
        }
        if let Some(gathered) = all.get_mut(kind) {
            gathered.count += 1;
            let target = Word::new(&format!("{host}:{port}")).as_str().to_owned();
            if gathered.targets.len() < TARGETS && !gathered.targets.contains(&target) {
                gathered.targets.push(target);
            }
            return Some(());
        }
        all.insert(kind.clone(), Gathered { who, host: host.to_owned(), targets: Vec::new(), count: 0 });
        None
    }

    fn take(&self, kind: &Kind) -> Option<Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(kind)
    }
}

/// Record that this was turned away. Returns at once.
pub fn turned_away(house: &Arc<House>, entry: &Entry, target: (&str, u16), code: &'static str, detail: &'static str) {
    let person = entry.who.person.as_ref().map(|name| name.as_str().to_owned());
    let mut kind = Kind { code, detail, client: entry.who.client.clone(), person };
    if house.turned.gather(&mut kind, &entry.who, target.0, target.1).is_some() {
        return;
    }
    write(house, entry.passed(Verdict::Blocked, vec![why(&kind, 1, Vec::new())]));
    let inside = Arc::clone(house);
    house.tasks.spawn("turned away", async move {
        tokio::select! {
            () = tokio::time::sleep(SPAN) => {}
            () = inside.tasks.draining() => {}
        }
        let Some(gathered) = inside.turned.take(&kind).filter(|gathered| gathered.count > 0) else { return };
        let standing = inside.standing();
        let unspecified = std::net::IpAddr::from([0, 0, 0, 0]);
        let mut entry = Entry::new(unspecified, &gathered.host, Instant::now(), &standing.versions);
        entry.who = gathered.who;
        let event = entry.passed(Verdict::Blocked, vec![why(&kind, gathered.count, gathered.targets)]);
        append(&inside, event).await;
    });
}

fn why(kind: &Kind, count: u64, targets: Vec<String>) -> Why {
    let detail = (!kind.detail.is_empty()).then(|| kind.detail.to_owned());
    Why { code: kind.code.to_owned(), what: detail.into_iter().chain(targets).collect(), count, ..Why::default() }
}

/// Record without holding anybody up: nothing was decided on a text here.
pub fn write(house: &Arc<House>, event: Event) {
    let inside = Arc::clone(house);
    house.tasks.spawn("record", async move { append(&inside, event).await });
}

async fn append(house: &House, event: Event) {
    if let Err(error) = house.recorder.append(vec![event], Vec::new()).await {
        house.metrics.unwritten();
        tracing::error!(%error, "a passage could not be recorded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_of_many_sources_is_bounded_and_loses_no_count() {
        let turned = Turned::default();
        let kind = |client: u32| Kind { code: "denied", detail: "", client: client.to_string(), person: None };
        let mut first = 0;
        for round in 0..3 {
            for client in 0..5_000 {
                let mut kind = kind(client);
                let seen = turned.gather(&mut kind, &Who::default(), "host.example", 1000 + round);
                first += u64::from(seen.is_none());
            }
        }
        let all = turned.0.lock().unwrap();
        assert_eq!(all.len(), SOURCES + 1);
        assert_eq!(all.values().map(|gathered| gathered.count).sum::<u64>() + first, 15_000);
        assert!(all.values().all(|gathered| gathered.targets.len() <= TARGETS));
    }
}
