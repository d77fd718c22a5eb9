//! From nothing to a connection that was checked.

use std::sync::Arc;
use std::time::Duration;

use ibapi::prelude::NoticeStream;
use ibapi::{Client, Error};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, broadcast, mpsc};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Live, Signals, map, problem, pump};
use crate::clock::Clock;
use crate::domain::{Account, MarketDataType, OrderId};
use crate::gateway::pacing::Pacer;
use crate::gateway::{Connected, GatewayConfig, GatewayError, OrderEvent, account};

/// The longest look, after a handshake that did not finish, at whether anything listens there at
/// all: a firewall and a dialog call for different people.
const LOOK: Duration = Duration::from_secs(1);

/// The most questions that may wait for the order stream's reader. Lists take turns, so one would
/// do.
const FENCES_MAX: usize = 4;

/// What a connection is made from.
pub(in crate::gateway) struct Setup {
    pub(in crate::gateway) config: GatewayConfig,
    pub(in crate::gateway) clock: Clock,
    pub(in crate::gateway) generation: u64,
    pub(in crate::gateway) market_data: Option<MarketDataType>,
    pub(in crate::gateway) pacer: Arc<Pacer>,
    pub(in crate::gateway) events: broadcast::Sender<OrderEvent>,
}

/// Connects, logs in, and believes it only after an answered request and a look at the account.
/// All within the connect budget. Dropping the future leaves nothing behind.
pub(in crate::gateway) async fn connect(setup: Setup) -> Result<Arc<Live>, GatewayError> {
    let deadline = Instant::now() + setup.config.timing.connect;
    let (client, notices) = handshake(&setup.config, deadline).await?;
    match check(&setup, &client, deadline).await {
        Ok(connected) => start(setup, client, connected, notices).await,
        Err(error) => {
            // Else the gateway counts us as a client until it notices.
            if timeout(setup.config.timing.close, client.disconnect()).await.is_err() {
                tracing::warn!("a refused connection to IB Gateway did not close in time");
            }
            Err(error)
        }
    }
}

async fn handshake(
    config: &GatewayConfig,
    deadline: Instant,
) -> Result<(Client, NoticeStream), GatewayError> {
    let look = LOOK.min(config.timing.connect / 8);
    let connecting = Client::builder()
        .address(&config.addr)
        .client_id(config.client_id)
        .tcp_no_delay(true)
        .max_reconnect_attempts(0)
        .connect_with_notice_stream();
    // On the heap: the client's connect future is large.
    match timeout_at(deadline - look, Box::pin(connecting)).await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(Error::Io(error))) if is_cut_off(&error) => {
            Err(unfinished(config, format!("it closed the connection: {error}")))
        }
        Ok(Err(Error::Io(error))) => Err(down(config, error.to_string())),
        Ok(Err(Error::ClientIdInUse { client_id })) => {
            Err(GatewayError::ClientIdInUse { client_id })
        }
        Ok(Err(error)) => Err(unfinished(config, error.to_string())),
        Err(_elapsed) => match timeout(look, TcpStream::connect(&config.addr)).await {
            Ok(Ok(_stream)) => {
                Err(unfinished(config, format!("silent for {:?}", config.timing.connect)))
            }
            Ok(Err(error)) => Err(down(config, error.to_string())),
            Err(_elapsed) => {
                Err(down(config, "no answer at all: a firewall, or the wrong address".to_owned()))
            }
        },
    }
}

/// Errors that only an accepted connection gives.
fn is_cut_off(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// What must be true before anybody may use this connection.
async fn check(
    setup: &Setup,
    client: &Client,
    deadline: Instant,
) -> Result<Connected, GatewayError> {
    let config = &setup.config;
    // The client stops waiting for both after a hundred other frames, and reports success.
    let next_valid_id = OrderId(client.next_order_id());
    if next_valid_id.0 < 1 {
        return Err(unfinished(config, "no next order id".to_owned()));
    }
    let served: Vec<Account> = client
        .handshake_managed_accounts()
        .iter()
        .map(|number| Account::new(number.trim()))
        .filter(|account| !account.expose().is_empty())
        .collect();
    if served.is_empty() {
        return Err(unfinished(config, "no account list".to_owned()));
    }
    let account = account::choose(&served, config.account.as_ref(), config.mode)?;
    let answered = deadline.min(Instant::now() + config.timing.probe);
    match timeout_at(answered, client.server_time()).await {
        Ok(Ok(_time)) => {}
        Ok(Err(error)) => {
            let error = problem::of("the time", error);
            return Err(unfinished(config, format!("logged in, then: {error}")));
        }
        Err(_elapsed) => {
            return Err(unfinished(
                config,
                "logged in, but a request for the time is not answered".to_owned(),
            ));
        }
    }
    if let Some(wanted) = setup.market_data {
        match timeout_at(deadline, client.switch_market_data_type(map::data_type(wanted))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(problem::of("the market data type", error)),
            Err(_elapsed) => {
                return Err(unfinished(config, "it stopped reading".to_owned()));
            }
        }
    }
    Ok(Connected {
        generation: setup.generation,
        server_version: client.server_version(),
        account,
        next_valid_id,
    })
}

/// Starts the tasks that read the connection's streams.
async fn start(
    setup: Setup,
    client: Client,
    connected: Connected,
    notices: NoticeStream,
) -> Result<Arc<Live>, GatewayError> {
    let stream = client
        .order_update_stream()
        .await
        .map_err(|error| problem::of("the order stream", error))?;
    let (fences, fenced) = mpsc::channel(FENCES_MAX);
    let signals = Arc::new(Signals::new());
    let reader = pump::Reader::new(setup.events, setup.clock.clone(), Arc::clone(&signals));
    tokio::spawn(reader.run(stream, fenced));
    tokio::spawn(pump::notices(notices, Arc::clone(&signals)));
    let live = Live {
        client,
        connected,
        timing: setup.config.timing,
        clock: setup.clock,
        pacer: setup.pacer,
        signals,
        turn: Mutex::new(()),
        proof: Mutex::new(Some(Instant::now())),
        fences,
    };
    Ok(Arc::new(live))
}

fn down(config: &GatewayConfig, problem: String) -> GatewayError {
    GatewayError::Down { addr: config.addr.clone(), problem }
}

fn unfinished(config: &GatewayConfig, problem: String) -> GatewayError {
    GatewayError::Handshake { addr: config.addr.clone(), problem }
}
