//! Sockets: bind, accept, drain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::Front;
use super::door::Door;
use super::limits::{ACCEPT_PAUSE, Limits};

/// How a caller proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all: only for an address that other machines can't reach.
    None,
}

/// Why the front door does not open.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Anybody in the network could trade.
    #[error(
        "BIND_ADDR: {0} can be reached from other machines, and no authentication is configured; \
         bind a loopback address such as 127.0.0.1, or configure authentication"
    )]
    Exposed(SocketAddr),
    /// The address is taken, or not ours.
    #[error("BIND_ADDR, PORT: can't listen on {addr}; is another process there?")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The HTTP server.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Takes the address; port 0 takes any free one. From here on connections queue up in the
    /// kernel until [`Bound::serve`].
    pub async fn bind(
        addr: SocketAddr,
        authentication: Authentication,
    ) -> Result<Bound, BindError> {
        match authentication {
            Authentication::None if !addr.ip().to_canonical().is_loopback() => {
                return Err(BindError::Exposed(addr));
            }
            Authentication::None => {}
        }
        let failed = |source| BindError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Bound { listener, addr, authentication })
    }
}

/// An address that is ours.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
    authentication: Authentication,
}

/// What was still running when the time for draining was over; nothing, as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections with a request half-way in or an answer half-way out. They were closed.
    pub connections: usize,
    /// Tasks of the tracker. They go on until the process ends.
    pub tasks: usize,
}

impl Drained {
    /// Whether everything came to its end.
    pub fn is_clean(self) -> bool {
        self == Self { connections: 0, tasks: 0 }
    }
}

impl Bound {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown`, and drains: no new connection, answers for what is in flight, the
    /// end of all `tasks`. All handlers run in `tasks`, which is closed.
    pub async fn serve(
        self,
        front: Front,
        limits: Limits,
        tasks: TaskTracker,
        shutdown: impl Future<Output = ()>,
    ) -> Drained {
        let door = Arc::new(Door::new(front, limits.clone(), self.authentication, tasks.clone()));
        let slots = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        // Dropped at the end, and with it what did not drain.
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(ended) = connections.join_next() => note_end(ended),
                (stream, slot) = accept(&self.listener, &slots) => {
                    let (door, watcher) = (door.clone(), graceful.watcher());
                    let connection = http(&limits).serve_connection(
                        TokioIo::new(stream),
                        service_fn(move |request| {
                            let door = door.clone();
                            async move { door.answer(request).await }
                        }),
                    );
                    connections.spawn(async move {
                        let result = watcher.watch(connection).await;
                        drop(slot);
                        result
                    });
                }
            }
        }
        drop(self.listener);
        drain(graceful, &tasks, limits.drain).await;
        let open = limits.connections.saturating_sub(slots.available_permits());
        Drained { connections: open, tasks: tasks.len() }
    }
}

/// Less than this hyper answers with a panic.
const HEADER_BYTES_MIN: usize = 8_192;

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    // Without a timer hyper ignores its time limits.
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes.max(HEADER_BYTES_MIN))
        .max_headers(limits.headers);
    http
}

/// The next connection, once there is room for it. Failures to accept pass, so they are waited
/// out. May be dropped at any point: nothing gets lost.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // An error would mean that the semaphore is closed, which nobody does.
    let slot = slots.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(error = %error, "a connection answers late");
                }
                return (stream, slot);
            }
            Err(error) => {
                tracing::warn!(error = %error, "can't accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn note_end(ended: Result<Result<(), hyper::Error>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        // Peers that go away, or that speak something else than HTTP.
        Ok(Err(error)) => tracing::debug!(error = %error, "a connection broke"),
        Err(error) => tracing::error!(error = %error, "a connection's task died"),
    }
}

async fn drain(graceful: GracefulShutdown, tasks: &TaskTracker, budget: Duration) {
    tasks.close();
    let open = graceful.count();
    let quiet = async {
        graceful.shutdown().await;
        tasks.wait().await;
    };
    if tokio::time::timeout(budget, quiet).await.is_err() {
        // Nothing is lost: what was written ahead is resumed by the next delivery.
        tracing::warn!(open, tasks = tasks.len(), "gave up draining");
    }
}
