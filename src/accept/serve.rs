//! The doors: a permit before each accept, no delay of small writes, every connection a watched task.
//! Stop: doors close, requests under way finish until the deadline, then what is open is dropped.
//! Must not know: requests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::LazyConfigAcceptor;

use super::{Dropped, House, Note, Settings, connect};
use crate::ca::Authority;
use crate::wire::dial::Dialer;
use crate::wire::task::Tasks;

/// One listening socket.
pub struct Door {
    pub socket: TcpListener,
    /// The proxy protocol is spoken inside TLS here.
    pub tls: bool,
}

/// Opens the sockets of `gate.listen`.
///
/// # Errors
/// The address with what the system says.
pub async fn bind(settings: &Settings) -> io::Result<Vec<Door>> {
    let mut doors = Vec::new();
    let http = settings.listen.http.iter().map(|at| (at, false));
    let tls = settings.listen.tls.iter().map(|at| (at, true));
    for (at, tls) in http.chain(tls) {
        let socket =
            TcpListener::bind(at).await.map_err(|e| io::Error::new(e.kind(), format!("`gate.listen`: {at}: {e}")))?;
        doors.push(Door { socket, tls });
    }
    Ok(doors)
}

/// What all connections share.
pub(super) struct Gate {
    pub(super) settings: Settings,
    pub(super) ca: Arc<Authority>,
    pub(super) dialer: Dialer,
    pub(super) house: Arc<House>,
    pub(super) tasks: Tasks,
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) tunnels: AtomicU64,
}

impl Gate {
    pub(super) fn note(&self, note: Note) {
        (self.house.note)(note);
    }
}

/// Where a connection comes from. Holds its permit.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) client: SocketAddr,
    /// The hop to the gate is TLS or loopback.
    pub(super) secure: bool,
    pub(super) _permit: Arc<OwnedSemaphorePermit>,
}

/// A gate that serves.
pub struct Running {
    addrs: Vec<SocketAddr>,
    tasks: Tasks,
}

impl Running {
    /// The first address.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addrs.first().copied()
    }

    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Stops taking connections, lets requests finish until the deadline. `true` when all did.
    /// A second call of [`Tasks::end_now`] meanwhile ends at once.
    pub async fn stop(self, deadline: Duration) -> bool {
        self.tasks.stop(deadline).await
    }
}

/// Serves at the doors until stopped.
///
/// # Errors
/// When a door has no address.
pub fn serve(
    doors: Vec<Door>,
    settings: Settings,
    ca: Arc<Authority>,
    dialer: Dialer,
    house: Arc<House>,
    tasks: Tasks,
) -> io::Result<Running> {
    let addrs: Vec<SocketAddr> = doors.iter().map(|door| door.socket.local_addr()).collect::<Result<_, _>>()?;
    dialer.set_own(addrs.clone());
    let connections = Arc::new(Semaphore::new(settings.limits.connections));
    let in_flight = Arc::new(Semaphore::new(settings.limits.requests_in_flight));
    let gate =
        Arc::new(Gate { settings, ca, dialer, house, tasks: tasks.clone(), in_flight, tunnels: AtomicU64::new(1) });
    for door in doors {
        tasks.spawn("door", accept_loop(Arc::clone(&gate), door, Arc::clone(&connections)));
    }
    Ok(Running { addrs, tasks })
}

async fn accept_loop(gate: Arc<Gate>, door: Door, connections: Arc<Semaphore>) {
    let mut pause = Duration::from_millis(5);
    loop {
        // The permit first: what is not served waits in the kernel's queue, not here.
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await.ok()?;
            Some((door.socket.accept().await, permit))
        };
        let accepted = tokio::select! {
            () = gate.tasks.draining() => return,
            accepted = next => accepted,
        };
        let Some((accepted, permit)) = accepted else { return };
        match accepted {
            Err(error) => {
                // Mostly "too many open files": waiting helps, spinning does not.
                tracing::warn!(kind = %error.kind(), "accept failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            Ok((socket, client)) => {
                pause = Duration::from_millis(5);
                let tls = door.tls;
                let origin = Origin { client, secure: tls || client.ip().is_loopback(), _permit: Arc::new(permit) };
                let here = Arc::clone(&gate);
                gate.tasks.spawn("connection", async move {
                    if socket.set_nodelay(true).is_ok() {
                        if tls {
                            inside_tls(here, origin, socket).await;
                        } else {
                            connect::serve_client(here, origin, socket).await;
                        }
                    }
                });
            }
        }
    }
}

async fn inside_tls(gate: Arc<Gate>, origin: Origin, socket: TcpStream) {
    let client = origin.client;
    let handshake = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), socket).await.ok()?;
        let config = gate.ca.server_config(&gate.settings.name).ok()?;
        // The proxy protocol is HTTP/1 here.
        let mut config = (*config).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        start.into_stream(Arc::new(config)).await.ok()
    };
    match tokio::time::timeout(gate.settings.limits.handshake_time.0, handshake).await {
        Ok(Some(stream)) => connect::serve_client(gate, origin, stream).await,
        Ok(None) | Err(_) => gate.note(Note::Dropped { client, why: Dropped::Handshake }),
    }
}
