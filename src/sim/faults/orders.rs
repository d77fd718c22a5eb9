//! Orders and cancels on their way out.

use prost::Message;
use rust_decimal::Decimal;

use super::engine::Subject;
use super::fault::Fault;
use super::incoming::{Arrival, perform};
use super::link::{self, Fate};
use super::parameters::{Moment, On, Place};
use super::texts;
use super::work::{Job, later};
use crate::sim::broker::order::Order;
use crate::sim::broker::terms::Price;
use crate::sim::client::Close;
use crate::sim::messages::{CancelOrderRequest, Contract, PlaceOrderRequest, Report};
use crate::sim::reports;
use crate::sim::requests::{Undecodable, contracts};
use crate::sim::wire::Frame;
use crate::sim::world::World;

/// An order as faults see it.
struct Sent<'a> {
    arrival: &'a Arrival,
    request: PlaceOrderRequest,
    order_id: i32,
    order_ref: String,
    /// Under the id of an open order.
    modifies: bool,
}

impl Sent<'_> {
    fn subject(&self) -> Subject<'_> {
        Subject {
            client_id: Some(self.arrival.client_id),
            order_id: Some(self.order_id),
            order_ref: Some(&self.order_ref),
        }
    }

    fn key(&self) -> (i32, i32) {
        (self.arrival.client_id, self.order_id)
    }
}

/// Takes in an order.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn place(world: &mut World, arrival: &Arrival) -> Result<(), Undecodable> {
    let Ok(request) = PlaceOrderRequest::decode(arrival.frame.payload.as_slice()) else {
        // Decoded once more, by the one who says so.
        return perform(world, arrival);
    };
    let order_id = request.order_id.unwrap_or_default();
    let wire = request.order.clone().unwrap_or_default();
    let existing = world.broker.find(arrival.client_id, order_id);
    let modifies = existing.is_some_and(|order| order.state.is_open());
    let order_ref = wire.order_ref.unwrap_or_default();
    let sent = Sent { arrival, request, order_id, order_ref, modifies };
    if wire.what_if == Some(true) {
        return with_errors(world, &sent);
    }
    if stays_in_gateway(world, &sent) || is_lost(world, &sent) {
        return Ok(());
    }
    match link::fate(world, arrival) {
        Fate::Taken => return Ok(()),
        Fate::Applied { second_perm_id } if second_perm_id && modifies => {
            return beside_the_first(world, &sent);
        }
        Fate::Applied { .. } => {}
    }
    let by = world.faults.engine.ask(sent.subject(), |fault| match fault {
        Fault::DelayOrder { by } => Some(*by),
        _ => None,
    });
    if let Some(by) = by {
        let at = later(world, by);
        world.faults.jobs.put(at, Job::Request(arrival.clone()));
        return Ok(());
    }
    if hold_inactive(world, &sent)? {
        return Ok(());
    }
    let result = count_down(world, &sent);
    cancel_by_broker(world, &sent);
    result
}

/// Enters a change as an order of its own: the id leads to the first no more.
fn beside_the_first(world: &mut World, sent: &Sent<'_>) -> Result<(), Undecodable> {
    let client_id = sent.arrival.client_id;
    let highest = world.settings.next_id(client_id).saturating_sub(1);
    world.broker.forget_name(sent.key());
    world.settings.release(sent.key());
    let result = perform(world, sent.arrival);
    world.settings.mark_used(client_id, highest);
    result
}

/// A dialog or a precaution keeps the order in the gateway.
fn stays_in_gateway(world: &mut World, sent: &Sent<'_>) -> bool {
    let dialog = world.faults.engine.look(sent.subject(), |armed| match armed.rule.fault {
        Fault::Dialog { click } => Some(click),
        _ => None,
    });
    if let Some(click) = dialog {
        if world.faults.dialog.is_none() {
            world.faults.dialog = Some(sent.arrival.clone());
            if let Some(click) = click {
                let at = later(world, click);
                world.faults.jobs.put(at, Job::Click);
            }
        }
        return true;
    }
    exceeds_precaution(world, sent)
}

/// Somebody clicked the dialog away: the order behind it goes out, and only that one.
pub fn click(world: &mut World) {
    let Some(arrival) = world.faults.dialog.take() else { return };
    world.faults.engine.disarm(|armed| matches!(armed.rule.fault, Fault::Dialog { .. }));
    super::incoming::perform_later(world, &arrival);
}

/// What an order would cost at the quote, in the currency of its contract.
fn worth(world: &World, contract: Option<&Contract>, quantity: Decimal) -> Option<Decimal> {
    let listing = contracts::only(world, contract?).ok()?;
    let price = world.market.quote(listing, world.now).mid();
    price.checked_mul(listing.point_value())?.checked_mul(quantity)
}

fn exceeds_precaution(world: &mut World, sent: &Sent<'_>) -> bool {
    let order = sent.request.order.as_ref();
    let quantity = order.and_then(|order| order.total_quantity.as_deref()?.parse().ok());
    let Some(quantity): Option<Decimal> = quantity else { return false };
    let worth = worth(world, sent.request.contract.as_ref(), quantity);
    let code = world.faults.engine.ask(sent.subject(), |fault| match fault {
        Fault::Precaution { size, value } => {
            if size.is_some_and(|size| quantity > size) {
                return Some(383);
            }
            value.zip(worth).is_some_and(|(value, worth)| worth > value).then_some(451)
        }
        _ => None,
    });
    let Some(code) = code else { return false };
    world.settings.mark_used(sent.arrival.client_id, sent.order_id);
    tell(world, sent.key(), code, None);
    true
}

fn is_lost(world: &mut World, sent: &Sent<'_>) -> bool {
    let draws = world.faults.engine.clone();
    let mut chosen = world.faults.lost_of_some;
    let place = world.faults.engine.ask(sent.subject(), |fault| match fault {
        Fault::LoseOrder { place: Place::Report } => None,
        Fault::LoseOrder { place } => Some(*place),
        _ => None,
    });
    if let Some(place) = place {
        match place {
            Place::Unread | Place::Report => {}
            Place::Buffer => {
                world.faults.lost_buffers.insert(sent.arrival.connection);
            }
            Place::Gateway => {
                world.settings.mark_used(sent.arrival.client_id, sent.order_id);
                world.unsaved = true;
            }
        }
        return true;
    }
    let some = world.faults.engine.look(sent.subject(), |armed| match armed.rule.fault {
        Fault::LoseSomeOrders { lost, of } => Some((lost, of)),
        _ => None,
    });
    let Some((lost, of)) = some else { return false };
    let goes = chosen.next(lost, of, |end| draws.draw(end));
    world.faults.lost_of_some = chosen;
    goes && {
        let strikes = |fault: &Fault| matches!(fault, Fault::LoseSomeOrders { .. }).then_some(());
        world.faults.engine.ask(sent.subject(), strikes).is_some()
    }
}

/// Which of so many orders are lost: a draw without putting back.
#[derive(Clone, Copy, Debug, Default)]
pub struct LostOfSome {
    left: u32,
    lost_left: u32,
}

impl LostOfSome {
    fn next(&mut self, lost: u32, of: u32, draw: impl FnOnce(usize) -> usize) -> bool {
        if self.left == 0 {
            (self.left, self.lost_left) = (of, lost);
        }
        let drawn = draw(usize::try_from(self.left).unwrap_or(usize::MAX));
        let goes = u32::try_from(drawn).is_ok_and(|drawn| drawn < self.lost_left);
        self.left = self.left.saturating_sub(1);
        self.lost_left = self.lost_left.saturating_sub(u32::from(goes));
        goes
    }
}

/// Enters the order untransmitted and calls it inactive, until it is revived.
fn hold_inactive(world: &mut World, sent: &Sent<'_>) -> Result<bool, Undecodable> {
    if sent.modifies {
        return Ok(false);
    }
    let held = world.faults.engine.ask(sent.subject(), |fault| match fault {
        Fault::HoldInactive { why, revive } => Some((why.clone(), *revive)),
        _ => None,
    });
    let Some((why, revive)) = held else { return Ok(false) };
    let mut request = sent.request.clone();
    if let Some(order) = &mut request.order {
        order.transmit = Some(false);
    }
    let frame = Frame { id: sent.arrival.frame.id, payload: request.encode_to_vec() };
    world.faults.engine.hold_inactive(sent.key(), why);
    perform(world, &Arrival { frame, ..sent.arrival.clone() })?;
    if let Some(revive) = revive {
        let at = later(world, revive);
        world.faults.jobs.put(at, Job::Revive(sent.arrival.clone(), sent.order_id));
    }
    Ok(true)
}

/// Works the order, or not, while so many are left before the reset.
fn count_down(world: &mut World, sent: &Sent<'_>) -> Result<(), Undecodable> {
    let counting = |fault: &Fault| matches!(fault, Fault::DropAfterOrders { .. }).then_some(());
    if world.faults.engine.ask(sent.subject(), counting).is_none() {
        return with_errors(world, sent);
    }
    let count = world.faults.engine.look(sent.subject(), |armed| match armed.rule.fault {
        Fault::DropAfterOrders { orders, applied } => {
            Some((armed.id, armed.fired, u64::from(orders), applied.map(u64::from)))
        }
        _ => None,
    });
    let Some((id, fired, orders, applied)) = count else { return Ok(()) };
    let result = if applied.is_none_or(|applied| fired <= applied) {
        perform(world, sent.arrival)
    } else {
        Ok(())
    };
    if fired >= orders {
        world.faults.engine.disarm(|armed| armed.id == id);
        if let Some(client) = world.clients.get(&sent.arrival.connection) {
            client.close(Close::Reset);
        }
    }
    result
}

/// Works the order with the errors that are to come with it, its first reports lost if so asked.
fn with_errors(world: &mut World, sent: &Sent<'_>) -> Result<(), Undecodable> {
    let errors = world.faults.engine.ask(sent.subject(), |fault| match fault {
        Fault::OrderErrors { codes, when, on, text, live } => {
            let fits = match on {
                On::Any => true,
                On::New => !sent.modifies,
                On::Modify => sent.modifies,
            };
            fits.then(|| (codes.clone(), *when, text.clone(), *live))
        }
        _ => None,
    });
    let Some((codes, when, text, live)) = errors else { return first_reports(world, sent) };
    let tell_all = |world: &mut World| {
        for code in &codes {
            tell(world, sent.key(), *code, text.clone());
        }
    };
    match when {
        Moment::Before => {
            tell_all(world);
            first_reports(world, sent)
        }
        Moment::After => {
            let result = first_reports(world, sent);
            tell_all(world);
            result
        }
        Moment::Instead => {
            let result = if live {
                silently(world, sent)
            } else {
                if !sent.modifies {
                    world.settings.mark_used(sent.arrival.client_id, sent.order_id);
                    world.unsaved = true;
                }
                Ok(())
            };
            tell_all(world);
            result
        }
    }
}

fn first_reports(world: &mut World, sent: &Sent<'_>) -> Result<(), Undecodable> {
    let lost = world.faults.engine.ask(sent.subject(), |fault| match fault {
        Fault::LoseOrder { place: Place::Report } => Some(()),
        _ => None,
    });
    match lost {
        Some(()) => silently(world, sent),
        None => perform(world, sent.arrival),
    }
}

fn silently(world: &mut World, sent: &Sent<'_>) -> Result<(), Undecodable> {
    world.faults.silenced = Some(sent.key());
    let result = perform(world, sent.arrival);
    world.faults.silenced = None;
    result
}

fn cancel_by_broker(world: &mut World, sent: &Sent<'_>) {
    let strikes = |fault: &Fault| matches!(fault, Fault::CancelByBroker {}).then_some(());
    if world.faults.engine.ask(sent.subject(), strikes).is_none() {
        return;
    }
    let (client_id, order_id) = sent.key();
    let cancelled = world.trade(|broker, rules| broker.cancel(client_id, order_id, rules.at));
    // An order that filled at once is past cancelling.
    reports::report(world, &cancelled.unwrap_or_default());
}

/// Tells the owner of an order an error about it.
pub fn tell(world: &mut World, (client_id, order_id): (i32, i32), code: i32, text: Option<String>) {
    let text = text.unwrap_or_else(|| texts::about(order_id, code));
    let error = world.error(order_id, code, text);
    world.deliver(client_id, vec![Report::Error(Box::new(error))]);
}

/// Takes in a cancel.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn cancel(world: &mut World, arrival: &Arrival) -> Result<(), Undecodable> {
    let Ok(request) = CancelOrderRequest::decode(arrival.frame.payload.as_slice()) else {
        return perform(world, arrival);
    };
    match link::fate(world, arrival) {
        Fate::Taken => return Ok(()),
        Fate::Applied { .. } => {}
    }
    let key = (arrival.client_id, request.order_id.unwrap_or_default());
    let order = world.broker.find(key.0, key.1);
    let order_ref = order.map(|order| order.order_ref().to_owned());
    let subject =
        Subject { client_id: Some(key.0), order_id: Some(key.1), order_ref: order_ref.as_deref() };
    let struck = world.faults.engine.ask(subject, |fault| match fault {
        Fault::SwallowCancel {} | Fault::FillOnCancel {} | Fault::CancelAnswer { .. } => {
            Some(fault.clone())
        }
        _ => None,
    });
    match struck {
        Some(Fault::SwallowCancel {}) => Ok(()),
        Some(Fault::CancelAnswer { code, applied }) => {
            tell(world, key, code, None);
            if applied { perform(world, arrival) } else { Ok(()) }
        }
        Some(Fault::FillOnCancel {}) => {
            fill_on_cancel(world, key);
            Ok(())
        }
        _ => perform(world, arrival),
    }
}

fn fill_on_cancel(world: &mut World, key: (i32, i32)) {
    let open = world.broker.find(key.0, key.1).filter(|order| order.state.is_open());
    if let Some(order) = open {
        let perm_id = order.perm_id;
        let pending = reports::order_status(order, &order.progress("PendingCancel"));
        world.deliver(key.0, vec![Report::Status(Box::new(pending))]);
        let price = fill_price(world, perm_id);
        let events = price.map(|price| {
            world.trade(|broker, rules| broker.fill_by_hand(perm_id, price, None, rules))
        });
        reports::report(world, &events.unwrap_or_default());
    }
    tell(world, key, 10_148, None);
}

/// What an order filled by hand gets: its limit, or the quote.
pub fn fill_price(world: &World, perm_id: i64) -> Option<Decimal> {
    let order: &Order = world.broker.order(perm_id)?;
    if let Price::Limit(limit) = order.price {
        return Some(limit);
    }
    let listing = world.market.universe().get(order.con_id)?;
    Some(world.market.quote(listing, world.now).mid())
}
