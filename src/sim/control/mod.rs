//! The control API: the truth, the clock and the faults of a running simulator, over HTTP on this
//! machine only.
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /truth` | what the broker really has |
//! | `GET /clients` | who is connected |
//! | `GET /clock` | what the simulated clock shows, and how fast it runs |
//! | `POST /clock` | `{"set": TIME}`, `{"advance": "90m"}` or `{"speed": 10}` |
//! | `GET /faults` | the faults asked for, where they stand, how often they struck |
//! | `POST /faults` | one fault, or a scenario: `{"seed": 7, "fault": [ … ]}` |
//! | `DELETE /faults`, `DELETE /faults/{id}` | ends all of them, or one |
//! | `POST /restart` | `{"settings": "wiped", "refuse": "5s"}`: the gateway restarts |
//! | `POST /prices` | `{"symbol": "SPY", "bid": 1, "ask": 2}`: pins a quote |
//! | `POST /orders/{permId}/fill` | `{"price": 1, "quantity": 2}`, both optional: fills by hand |
//! | `POST /orders/{permId}/cancel` | cancels at the broker |
//! | `POST /orders` | `{"symbol": "SPY", "action": "BUY", "quantity": 1}`: entered by hand |

mod actions;
mod guard;
mod routes;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::world::Shared;

/// Checkers and people, not crowds.
const CONNECTIONS_MAX: usize = 32;

/// How long a request may take to arrive and an answer to leave. On one machine it takes
/// milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a broken listener is left alone.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the control API does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("--control {0}: not an address such as 127.0.0.1:4003")]
    Address(String),
    #[error(
        "--control {0}: other machines could reach it and it asks nobody who he is; give a \
         loopback address such as 127.0.0.1:4003"
    )]
    Exposed(SocketAddr),
    #[error("--control {addr}: cannot listen; is another process there?")]
    Listen {
        addr: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// Takes the address of the control API.
///
/// # Errors
///
/// When it is none, not one of this machine alone, or taken.
pub async fn bind(text: &str) -> Result<(TcpListener, SocketAddr), ControlError> {
    // Only numbers and `localhost`: a name could lead anywhere.
    let addr = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse(),
        None => text.parse(),
    };
    let addr: SocketAddr = match addr {
        Ok(addr) => addr,
        Err(std::net::AddrParseError { .. }) => return Err(ControlError::Address(text.to_owned())),
    };
    if !addr.ip().to_canonical().is_loopback() {
        return Err(ControlError::Exposed(addr));
    }
    let failed = |source| ControlError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok((listener, addr))
}

/// Serves the control API until `stop`.
pub async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a control connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            tracing::warn!("turned a control connection away: {CONNECTIONS_MAX} are open");
            continue;
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = answer(stream, &shared) => {}
                () = stop.cancelled() => {}
            }
            drop(seat);
        });
    }
}

async fn answer(stream: TcpStream, shared: &Arc<Shared>) {
    let service = service_fn(|request| async move {
        Ok::<_, std::convert::Infallible>(routes::answer(request, shared).await)
    });
    let mut http = http1::Builder::new();
    // Without a timer hyper ignores its time limits.
    http.timer(TokioTimer::new()).header_read_timeout(DEADLINE);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a control connection broke");
    }
}
