//! Place, modify, what-if, cancel.

use super::contracts::only;
use super::{Call, Undecodable};
use crate::sim::broker::order::{Order, Proposal, State, TimeInForce};
use crate::sim::broker::terms::Kind;
use crate::sim::broker::{
    EXCHANGE_CLOSED, GENERATIONS_MAX, NotCancellable, Refusal, Sender, WhatIf, commission_currency,
    vet,
};
use crate::sim::hours::Hours;
use crate::sim::messages::{CancelOrderRequest, OpenOrder, OrderState, PlaceOrderRequest, Report};
use crate::sim::reports::{self, double};
use crate::sim::settings::Settings;
use crate::sim::universe::{BASE_CURRENCY, Listing};
use crate::sim::world::World;

pub fn place(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: PlaceOrderRequest = call.decode()?;
    let order_id = request.order_id.unwrap_or_default();
    if let Err(refusal) = work(call, order_id, request) {
        refuse(call, order_id, &refusal);
        restate(call, order_id, &refusal);
    }
    Ok(())
}

/// An error about one order goes the way of its other frames.
fn refuse(call: &mut Call<'_>, order_id: i32, refusal: &Refusal) {
    let error = call.world.error(order_id, refusal.code, refusal.text.clone());
    call.world.deliver(call.client_id, vec![Report::Error(Box::new(error))]);
}

/// After a change that IB's servers rejected, the gateway says what the order still is.
fn restate(call: &mut Call<'_>, order_id: i32, refusal: &Refusal) {
    let Some(order) = call.world.broker.find(call.client_id, order_id) else { return };
    if refusal.code == 201 && order.state.is_open() {
        let status = order.state.status();
        let open = reports::open_order(call.world, order, status, None);
        let progress = reports::order_status(order, &order.progress(status));
        let reports = vec![Report::OpenOrder(Box::new(open)), Report::Status(Box::new(progress))];
        call.world.deliver(call.client_id, reports);
    }
}

fn work(call: &mut Call<'_>, order_id: i32, request: PlaceOrderRequest) -> Result<(), Refusal> {
    let wire = request.order.unwrap_or_default();
    let wanted = request.contract.unwrap_or_default();
    let what_if = wire.what_if == Some(true);
    let is_id = |id: Option<i32>| id.is_some_and(|id| (1..i32::MAX).contains(&id));
    if request.attached_orders.is_some_and(|it| is_id(it.sl_order_id) || is_id(it.pt_order_id)) {
        return Err(Refusal::invalid("Attached orders not supported by this simulator"));
    }
    if call.world.switches.read_only && !what_if {
        return Err(Refusal::invalid("The API interface is currently in Read-Only mode."));
    }
    if !Settings::is_valid(order_id) {
        return Err(Refusal::invalid("Invalid order id"));
    }
    let listing =
        only(call.world, &wanted).map_err(|error| Refusal::new(200, error.to_string()))?;
    let exchange = wanted.exchange.unwrap_or_default();
    if exchange.is_empty() {
        return Err(Refusal::invalid("Missing order exchange"));
    }
    let named = wire.account.clone().unwrap_or_default();
    let Some((account, _)) = call.world.broker.account(&named) else {
        return Err(Refusal::invalid("Invalid account code"));
    };
    let sender = Sender {
        client_id: call.client_id,
        order_id,
        account,
        listing,
        exchange: &exchange,
        zone: &call.world.zone,
        at: call.world.now,
    };
    let vetted = vet(&sender, wire);
    if what_if {
        let answer = try_out(call.world, listing, &vetted?)?;
        call.answer(&answer);
        return Ok(());
    }
    enter(call, order_id, vetted)
}

/// A new order, a change of an open one, or an id that was used up.
fn enter(
    call: &mut Call<'_>,
    order_id: i32,
    vetted: Result<Proposal, Refusal>,
) -> Result<(), Refusal> {
    let client_id = call.client_id;
    let existing = call.world.broker.find(client_id, order_id);
    let state = existing.map(|order| order.state);
    if let Some(open) = existing.filter(|order| order.state.is_open()) {
        let proposal = vetted?;
        can_become(open, &proposal, call.world)?;
        let perm_id = open.perm_id;
        afford(call.world, &proposal)?;
        warn_of_hours(call, &proposal);
        let events = call.world.trade(|broker, rules| broker.modify(perm_id, proposal, rules));
        reports::report(call.world, &events);
        return Ok(());
    }
    if call.world.settings.is_used(client_id, order_id) {
        return Err(match state {
            Some(State::Filled) => Refusal::new(104, "Cannot modify a filled order"),
            _ => Refusal::new(103, "Duplicate order id"),
        });
    }
    // A refused order uses its id up as well.
    call.world.settings.mark_used(client_id, order_id);
    call.world.unsaved = true;
    let proposal = vetted?;
    has_parent(call.world, &proposal)?;
    is_in_time(call.world, &proposal)?;
    has_room(call.world, &proposal)?;
    afford(call.world, &proposal)?;
    warn_of_hours(call, &proposal);
    let events = call.world.trade(|broker, rules| broker.place(proposal, rules));
    reports::report(call.world, &events);
    Ok(())
}

/// What of an open order can be changed: not contract, side, relatives or algorithm, and nothing
/// of an order whose auction is about to begin.
fn can_become(order: &Order, proposal: &Proposal, world: &World) -> Result<(), Refusal> {
    let same = order.con_id == proposal.con_id
        && order.exchange == proposal.exchange
        && order.side == proposal.side
        && order.account == proposal.account
        && order.parent_id == proposal.parent_id;
    if !same || proposal.quantity <= order.filled {
        return Err(Refusal::new(105, "Order being modified does not match original order"));
    }
    let algorithm = |kind: Kind| match kind {
        Kind::Adaptive(patience) => Some(patience),
        Kind::Plain | Kind::Stop { .. } | Kind::AtClose | Kind::Midprice => None,
    };
    if algorithm(order.terms.kind) != algorithm(proposal.terms.kind) {
        let text = "Order modify failed. Algorithm cannot be modified.";
        return Err(Refusal::new(440, text));
    }
    let on_close = |kind: Kind| kind == Kind::AtClose;
    let at_opening = |tif: TimeInForce| tif == TimeInForce::AtOpening;
    if on_close(order.terms.kind) != on_close(proposal.terms.kind)
        || at_opening(order.tif) != at_opening(proposal.tif)
    {
        let kind = proposal.wire.order_type.as_deref().unwrap_or_default();
        let text = format!("Order modify failed. Cannot change to the new order type:{kind}");
        return Err(Refusal::new(329, text));
    }
    if let (Some(old), new) = (&order.terms.oca, &proposal.terms.oca) {
        match new {
            Some(new) if new.name == old.name && new.kind == old.kind => {}
            Some(new) if new.name == old.name => {
                return Err(Refusal::new(10_327, "OCA group type revision is not allowed."));
            }
            _ => return Err(Refusal::new(10_326, "OCA group revision is not allowed.")),
        }
    }
    is_in_time(world, proposal)
}

/// An auction takes no orders shortly before it, nor the opening one any during the session.
fn is_in_time(world: &World, proposal: &Proposal) -> Result<(), Refusal> {
    if world.broker.is_late(proposal, &world.rules()) {
        return Err(Refusal::new(201, format!("Order rejected - reason:{EXCHANGE_CLOSED}")));
    }
    Ok(())
}

/// IB takes so many active orders on one side of a contract from one account
/// (<https://interactivebrokers.github.io/tws-api/order_limitations.html>). The words are ours.
fn has_room(world: &World, proposal: &Proposal) -> Result<(), Refusal> {
    let most = world.orders_per_side;
    if most == 0 {
        return Ok(());
    }
    let Proposal { account, con_id, side, .. } = proposal;
    if world.broker.open_on_side(account, *con_id, *side) < most {
        return Ok(());
    }
    let text = format!(
        "Order rejected - reason:The account has {most} active orders on this side of the contract"
    );
    Err(Refusal::new(201, text))
}

/// IB says so when it ignores that an order may trade outside regular hours.
fn warn_of_hours(call: &mut Call<'_>, proposal: &Proposal) {
    let market = &call.world.market;
    let asked = proposal.wire.outside_rth == Some(true) && !proposal.terms.outside_rth;
    if asked && market.schedule().hours() == Hours::Exchange {
        let text = "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored \
                    based on the order type and destination. PlaceOrder is now being processed.";
        refuse(call, proposal.order_id, &Refusal::new(2109, text));
    }
}

/// A child needs a parent that can still fill, or has.
fn has_parent(world: &World, proposal: &Proposal) -> Result<(), Refusal> {
    let Some(parent_id) = proposal.parent_id else { return Ok(()) };
    let Some(parent) = world.broker.find(proposal.client_id, parent_id) else {
        return Err(Refusal::new(135, format!("Can't find order with id ={parent_id}")));
    };
    if parent.state == State::Cancelled {
        let text = "Order rejected - reason:Parent order is being cancelled.";
        return Err(Refusal::new(201, text));
    }
    if world.broker.generation(parent) >= GENERATIONS_MAX {
        let text = format!("More than {GENERATIONS_MAX} generations of attached orders");
        return Err(Refusal::invalid(&text));
    }
    Ok(())
}

fn consequences(world: &World, proposal: &Proposal) -> Result<WhatIf, Refusal> {
    let what_if = world.broker.what_if(proposal, &world.rules());
    what_if.ok_or_else(|| {
        Refusal::new(201, "Order rejected - reason:The value of the order is too large")
    })
}

fn afford(world: &World, proposal: &Proposal) -> Result<(), Refusal> {
    let what_if = consequences(world, proposal)?;
    if what_if.is_affordable() {
        return Ok(());
    }
    Err(what_if.refusal())
}

/// One open order that says what would happen, and nothing happens.
fn try_out(world: &World, listing: &Listing, proposal: &Proposal) -> Result<OpenOrder, Refusal> {
    let what_if = consequences(world, proposal)?;
    let WhatIf { before, after, commission } = what_if;
    let equity = (before.net_liquidation(), after.net_liquidation());
    let initial = (before.initial_margin, after.initial_margin);
    let maintenance = (before.maintenance_margin, after.maintenance_margin);
    let order_state = OrderState {
        status: Some("PreSubmitted".to_owned()),
        init_margin_before: Some(double(initial.0)),
        init_margin_change: Some(double(initial.1 - initial.0)),
        init_margin_after: Some(double(initial.1)),
        maint_margin_before: Some(double(maintenance.0)),
        maint_margin_change: Some(double(maintenance.1 - maintenance.0)),
        maint_margin_after: Some(double(maintenance.1)),
        equity_with_loan_before: Some(double(equity.0)),
        equity_with_loan_change: Some(double(equity.1 - equity.0)),
        equity_with_loan_after: Some(double(equity.1)),
        commission_and_fees: Some(double(commission)),
        commission_and_fees_currency: Some(commission_currency(listing).to_owned()),
        margin_currency: Some(BASE_CURRENCY.to_owned()),
        warning_text: (!what_if.is_affordable()).then(|| what_if.shortfall()),
        ..OrderState::default()
    };
    let mut order = proposal.wire.clone();
    order.client_id = Some(proposal.client_id);
    order.order_id = Some(proposal.order_id);
    order.account = Some(proposal.account.clone());
    Ok(OpenOrder {
        order_id: Some(proposal.order_id),
        contract: Some(reports::contract(listing, &proposal.exchange)),
        order: Some(order),
        order_state: Some(order_state),
    })
}

pub fn cancel(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: CancelOrderRequest = call.decode()?;
    let order_id = request.order_id.unwrap_or_default();
    if call.world.switches.read_only {
        let refusal = Refusal::invalid("The API interface is currently in Read-Only mode.");
        refuse(call, order_id, &refusal);
        return Ok(());
    }
    let client_id = call.client_id;
    let cancelled = call.world.trade(|broker, rules| broker.cancel(client_id, order_id, rules.at));
    match cancelled {
        Ok(events) => reports::report(call.world, &events),
        Err(NotCancellable::Unknown) => {
            let text = format!("OrderId {order_id} that needs to be cancelled is not found.");
            refuse(call, order_id, &Refusal::new(10_147, text));
        }
        Err(NotCancellable::Ended(state)) => {
            let text = format!(
                "OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {state}."
            );
            refuse(call, order_id, &Refusal::new(10_148, text));
        }
        Err(NotCancellable::Locked(perm_id)) => {
            let text = format!(
                "Cancel attempted when order is not in a cancellable state.  Order permId ={perm_id}"
            );
            refuse(call, order_id, &Refusal::new(161, text));
        }
    }
    Ok(())
}

pub fn global_cancel(call: &mut Call<'_>) {
    if call.world.switches.read_only {
        // The request has no id of its own: a notice, or it would fail other requests.
        call.error(-1, 0, "The API interface is currently in Read-Only mode.");
        return;
    }
    let events = call.world.trade(|broker, rules| broker.cancel_all(rules.at));
    reports::report(call.world, &events);
}
