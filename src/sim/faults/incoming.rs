//! Requests on their way in: swallowed, refused, frozen, or worked.

use prost::Message;

use super::engine::{Counts, Subject};
use super::fault::Fault;
use super::parameters::{Lateness, RequestKind};
use super::{account, link, lists, market, orders, texts};
use crate::sim::client::Close;
use crate::sim::messages::{RequestId, request};
use crate::sim::requests::{self, Undecodable};
use crate::sim::wire::Frame;
use crate::sim::world::World;

/// Requests that a frozen gateway keeps.
const FROZEN_MAX: usize = 10_000;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub connection: u64,
    pub client_id: i32,
    pub frame: Frame,
}

impl Arrival {
    pub fn subject(&self) -> Subject<'static> {
        Subject::client(self.client_id)
    }

    /// The first field of nearly every request; -1 where there is none.
    pub fn req_id(&self) -> i32 {
        let decoded = RequestId::decode(self.frame.payload.as_slice()).ok();
        decoded.and_then(|request| request.req_id).unwrap_or(-1)
    }
}

/// Takes in one request while faults stand.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn receive(world: &mut World, arrival: &Arrival) -> Result<(), Undecodable> {
    let id = arrival.frame.id;
    let orders = u64::from(id == request::PLACE_ORDER);
    world.faults.engine.count(Counts { frames: 1, orders, ..Counts::default() });
    if stays_unread(world, arrival) || swallowed(world, arrival) || refused(world, arrival) {
        return Ok(());
    }
    match id {
        request::PLACE_ORDER => orders::place(world, arrival),
        request::CANCEL_ORDER => orders::cancel(world, arrival),
        request::OPEN_ORDERS
        | request::ALL_OPEN_ORDERS
        | request::COMPLETED_ORDERS
        | request::EXECUTIONS => lists::receive(world, arrival),
        _ => perform(world, arrival),
    }
}

/// Works a request, whatever faults stand on its way in, also when its connection is gone.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn perform(world: &mut World, arrival: &Arrival) -> Result<(), Undecodable> {
    let Arrival { connection, client_id, frame } = arrival;
    if let Some(client) = world.clients.get_mut(connection) {
        client.lens.answer(frame.id);
    }
    let asks_for_books =
        matches!(RequestKind::of(frame.id), Some(RequestKind::Positions | RequestKind::Account));
    let result = if asks_for_books {
        account::lagged(world, |world| requests::work(world, *connection, *client_id, frame))
    } else {
        requests::work(world, *connection, *client_id, frame)
    };
    if let Some(client) = world.clients.get_mut(connection) {
        client.lens.answer(0);
    }
    result
}

/// The same for a request that waited: nobody is left to hear that it cannot be decoded, but its
/// connection.
pub fn perform_later(world: &mut World, arrival: &Arrival) {
    if let Err(error) = perform(world, arrival) {
        tracing::warn!(%error, "closed a connection");
        if let Some(client) = world.clients.get(&arrival.connection) {
            client.close(Close::Finish);
        }
    }
}

fn stays_unread(world: &mut World, arrival: &Arrival) -> bool {
    if world.faults.lost_buffers.contains(&arrival.connection) {
        return true;
    }
    let faults = &world.faults;
    let frozen = faults.engine.look(arrival.subject(), |armed| match armed.rule.fault {
        Fault::Freeze { connections: Lateness::All } => Some(armed.id),
        Fault::Freeze { connections: Lateness::Open } => {
            let open = faults.open.get(&armed.id);
            open.is_some_and(|open| open.contains(&arrival.connection)).then_some(armed.id)
        }
        _ => None,
    });
    let Some(rule) = frozen else { return false };
    if world.faults.frozen.len() < FROZEN_MAX {
        world.faults.frozen.push((rule, arrival.clone()));
    }
    true
}

fn swallowed(world: &mut World, arrival: &Arrival) -> bool {
    let kind = RequestKind::of(arrival.frame.id);
    let swallowed = world.faults.engine.ask(arrival.subject(), |fault| match fault {
        Fault::Mute {} => Some(()),
        Fault::SwallowRequests { requests } => {
            kind.is_some_and(|kind| requests.contains(&kind)).then_some(())
        }
        _ => None,
    });
    swallowed.is_some() || link::swallows(world, kind)
}

/// Whether the request was answered with an error instead of being worked.
fn refused(world: &mut World, arrival: &Arrival) -> bool {
    let kind = RequestKind::of(arrival.frame.id);
    let refusal = world.faults.engine.ask(arrival.subject(), |fault| match fault {
        Fault::RefuseRequests { requests, code, text } => {
            let text = text.clone().unwrap_or_else(|| texts::of(*code).to_owned());
            kind.is_some_and(|kind| requests.contains(&kind))
                .then(|| (arrival.req_id_or_none(kind), *code, text))
        }
        Fault::ReadOnly { strict: true } => {
            // As seen at gateways whose API is read-only: the error names no request.
            matches!(
                kind,
                Some(
                    RequestKind::Orders
                        | RequestKind::Cancels
                        | RequestKind::Ids
                        | RequestKind::OpenOrders
                        | RequestKind::CompletedOrders
                )
            )
            .then(|| (-1, 321, texts::READ_ONLY.to_owned()))
        }
        Fault::CompetingSession {} => (kind == Some(RequestKind::MarketData))
            .then(|| (arrival.req_id(), market::COMPETING, texts::of(10_197).to_owned())),
        _ => None,
    });
    let Some((id, code, text)) = refusal else { return false };
    let error = world.error(id, code, text);
    if let Some(client) = world.clients.get_mut(&arrival.connection) {
        client.send(&error);
    }
    true
}

impl Arrival {
    /// The id that an error about this request comes under.
    fn req_id_or_none(&self, kind: Option<RequestKind>) -> i32 {
        match kind {
            Some(
                RequestKind::OpenOrders
                | RequestKind::CompletedOrders
                | RequestKind::Ids
                | RequestKind::Time,
            ) => -1,
            _ if self.frame.id == request::POSITIONS || self.frame.id == request::ACCOUNT_DATA => {
                -1
            }
            _ => self.req_id(),
        }
    }
}
