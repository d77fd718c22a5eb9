//! One request, answered. One file a family; [`handle`] has a row for each request.

mod account;
pub mod contracts;
pub mod history;
mod lists;
pub mod market_data;
mod orders;
mod session;

use prost::Message;

use super::client::Client;
use super::faults::incoming::{self, Arrival};
use super::messages::{Answer, RequestId, request};
use super::wire::Frame;
use super::world::World;

/// The payload is not the message that its id announces. The connection cannot be trusted any
/// more.
#[derive(Debug, thiserror::Error)]
#[error("request {id} cannot be decoded")]
pub struct Undecodable {
    id: i32,
    #[source]
    source: prost::DecodeError,
}

/// A request at work.
pub struct Call<'a> {
    world: &'a mut World,
    /// The number of its connection.
    connection: u64,
    client_id: i32,
    frame: &'a Frame,
}

impl Call<'_> {
    fn decode<M: Message + Default>(&self) -> Result<M, Undecodable> {
        M::decode(self.frame.payload.as_slice())
            .map_err(|source| Undecodable { id: self.frame.id, source })
    }

    /// The request id of a message that has nothing else that matters.
    fn req_id(&self) -> Result<i32, Undecodable> {
        Ok(self.decode::<RequestId>()?.req_id.unwrap_or_default())
    }

    fn answer<M: Answer>(&mut self, message: &M) {
        if let Some(client) = self.world.clients.get_mut(&self.connection) {
            client.send(message);
        }
    }

    fn error(&mut self, id: i32, code: i32, text: impl Into<String>) {
        let error = self.world.error(id, code, text);
        self.answer(&error);
    }

    /// Runs `work` on the client, taken out so that it can look at the world meanwhile.
    fn with_client(&mut self, work: impl FnOnce(&World, &mut Client)) {
        if let Some(mut client) = self.world.clients.remove(&self.connection) {
            work(self.world, &mut client);
            self.world.clients.insert(self.connection, client);
        }
    }
}

/// Answers one request of a client that has started.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn handle(world: &mut World, connection: u64, frame: &Frame) -> Result<(), Undecodable> {
    let Some(client) = world.clients.get(&connection) else { return Ok(()) };
    let client_id = client.client_id;
    if world.faults.is_idle() {
        return work(world, connection, client_id, frame);
    }
    incoming::receive(world, &Arrival { connection, client_id, frame: frame.clone() })
}

/// Works one request, whatever faults stand and whether or not its client is still there.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn work(
    world: &mut World,
    connection: u64,
    client_id: i32,
    frame: &Frame,
) -> Result<(), Undecodable> {
    let mut call = Call { world, connection, client_id, frame };
    match frame.id {
        request::CURRENT_TIME => session::current_time(&mut call),
        request::CURRENT_TIME_IN_MILLIS => session::current_time_in_millis(&mut call),
        request::IDS => session::ids(&mut call),
        request::MANAGED_ACCOUNTS => session::managed_accounts(&mut call),
        request::USER_INFO => session::user_info(&mut call)?,
        request::FAMILY_CODES => session::family_codes(&mut call),
        request::CONTRACT_DATA => contracts::details(&mut call)?,
        request::MATCHING_SYMBOLS => contracts::matching_symbols(&mut call)?,
        request::MARKET_RULE => contracts::market_rule(&mut call)?,
        request::SMART_COMPONENTS => contracts::smart_components(&mut call)?,
        request::MARKET_DATA_TYPE => market_data::set_type(&mut call)?,
        request::MARKET_DATA => market_data::subscribe(&mut call)?,
        request::CANCEL_MARKET_DATA => market_data::cancel(&mut call)?,
        request::HISTORICAL_DATA => history::request(&mut call)?,
        request::CANCEL_HISTORICAL_DATA => history::cancel(&mut call)?,
        request::REAL_TIME_BARS => history::real_time(&mut call)?,
        request::CANCEL_REAL_TIME_BARS => history::cancel_real_time(&mut call)?,
        request::HEAD_TIMESTAMP => history::head_timestamp(&mut call)?,
        request::POSITIONS => account::positions(&mut call),
        request::CANCEL_POSITIONS => account::cancel_positions(&mut call),
        request::POSITIONS_MULTI => account::positions_multi(&mut call)?,
        request::CANCEL_POSITIONS_MULTI => account::cancel_positions_multi(&mut call)?,
        request::ACCOUNT_SUMMARY => account::summary(&mut call)?,
        request::CANCEL_ACCOUNT_SUMMARY => account::cancel_summary(&mut call)?,
        request::ACCOUNT_DATA => account::updates(&mut call)?,
        request::ACCOUNT_UPDATES_MULTI => account::updates_multi(&mut call)?,
        request::CANCEL_ACCOUNT_UPDATES_MULTI => account::cancel_updates_multi(&mut call)?,
        request::PNL => account::pnl(&mut call)?,
        request::CANCEL_PNL => account::cancel_pnl(&mut call)?,
        request::PNL_SINGLE => account::pnl_single(&mut call)?,
        request::CANCEL_PNL_SINGLE => account::cancel_pnl_single(&mut call)?,
        request::PLACE_ORDER => orders::place(&mut call)?,
        request::CANCEL_ORDER => orders::cancel(&mut call)?,
        request::GLOBAL_CANCEL => orders::global_cancel(&mut call),
        request::OPEN_ORDERS => lists::open_orders(&mut call),
        request::ALL_OPEN_ORDERS => lists::all_open_orders(&mut call),
        request::AUTO_OPEN_ORDERS => lists::auto_open_orders(&mut call),
        request::COMPLETED_ORDERS => lists::completed_orders(&mut call)?,
        request::EXECUTIONS => lists::executions(&mut call)?,
        // Nothing to do and nothing to say: IB is silent too.
        request::SERVER_LOG_LEVEL
        | request::NEWS_BULLETINS
        | request::CANCEL_NEWS_BULLETINS
        | request::CANCEL_CONTRACT_DATA
        | request::CANCEL_HEAD_TIMESTAMP
        | request::START_API => {}
        _ => unsupported(&mut call),
    }
    Ok(())
}

/// 321 under the request's id. Without one a hard error would fail every other request of the
/// client that has no id either, so it gets a notice instead (code 0, as IB's own texts have).
fn unsupported(call: &mut Call<'_>) {
    let req_id = call.decode::<RequestId>().ok().and_then(|request| request.req_id);
    let text = format!(
        "Error validating request.-'{}' : cause - Not supported by this simulator",
        call.frame.id
    );
    match req_id {
        Some(req_id) => call.error(req_id, 321, text),
        None => call.error(-1, 0, text),
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
