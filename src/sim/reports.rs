//! What happened at the broker, as the frames that tell the owner of the order.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::broker::order::{Order, Progress, Side, State};
use super::broker::{Event, Execution, commission_currency};
use super::faults::account::put_off;
use super::feeds;
use super::messages::{
    self, CommissionAndFeesReport, CompletedOrder, Contract, ExecutionDetails, OpenOrder,
    OrderState, OrderStatus, Report,
};
use super::universe::{BASE_CURRENCY, Listing, SMART, SecType};
use super::world::World;

/// The request id of an execution that nobody asked for.
const LIVE: i32 = -1;

/// IB's default for groups, and what it uses for the children of one parent.
const REDUCE_WITHOUT_BLOCK: i32 = 3;

/// Tells the owners what happened, then everybody who watches the account.
pub fn report(world: &mut World, events: &[Event]) {
    let mut traded = Vec::new();
    world.unsaved |= !events.is_empty();
    for event in events {
        let perm_id = event.perm_id();
        let Some(order) = world.broker.order(perm_id) else { continue };
        let reports = reports_of(world, order, event);
        let owner = order.client_id;
        if matches!(event, Event::Filled { .. }) {
            traded.push((order.account.clone(), order.con_id));
        }
        world.deliver(owner, reports);
    }
    // A connection about to be reset must not learn of its fills by another way.
    let hidden = world.switches.drop_after.is_some() || put_off(world, &traded);
    if !traded.is_empty() && !hidden {
        feeds::positions(world, &traded);
        feeds::account_values(world);
    }
}

fn reports_of(world: &World, order: &Order, event: &Event) -> Vec<Report> {
    let open = |status, commission| {
        Report::OpenOrder(Box::new(open_order(world, order, status, commission)))
    };
    let status = |progress| Report::Status(Box::new(order_status(order, progress)));
    let error = |code, text: &str| Report::Error(Box::new(world.error(order.order_id, code, text)));
    match event {
        Event::Accepted { progress, .. } => vec![open(progress.status, None), status(progress)],
        Event::Queued { until, .. } => vec![error(399, &queued(world, order, *until))],
        Event::Filled { progress, execution, .. } => {
            let Some(execution) = world.broker.executions().get(*execution) else {
                return Vec::new();
            };
            let details = Report::Execution(Box::new(execution_details(world, LIVE, execution)));
            let commission = Report::Commission(Box::new(commission_report(world, execution)));
            if progress.remaining > Decimal::ZERO {
                return vec![details, status(progress), commission];
            }
            vec![
                details,
                open(progress.status, None),
                status(progress),
                open(progress.status, Some(execution.commission)),
                commission,
            ]
        }
        Event::Cancelled { progress, .. } => {
            vec![status(progress), error(202, "Order Canceled - reason:")]
        }
        Event::Rejected { progress, reason, .. } => {
            vec![status(progress), error(201, &format!("Order rejected - reason:{reason}"))]
        }
    }
}

/// IB's warning about an order that waits for an opening. Clients look for the line that begins
/// with `Warning:`.
fn queued(world: &World, order: &Order, until: Timestamp) -> String {
    let name = match world.market.universe().get(order.con_id) {
        Some(listing) => match listing.sec_type {
            SecType::Stock => format!("{} {}", listing.symbol, listing.primary_exchange),
            SecType::Cash => format!("{} Forex", listing.local_symbol()),
            SecType::Future => listing.local_symbol(),
        },
        None => order.con_id.to_string(),
    };
    format!(
        "Order Message:\n{} {} {name}\nWarning: Your order will not be placed at the exchange \
         until {}.",
        order.side.action(),
        text(order.quantity),
        world.zone.sentence(until),
    )
}

/// A contract as order and position frames name it.
pub fn contract(listing: &Listing, exchange: &str) -> Contract {
    let future = listing.sec_type == SecType::Future;
    let last = listing.last_trade_date.map(|date| date.strftime("%Y%m%d").to_string());
    Contract {
        con_id: Some(listing.con_id),
        symbol: Some(listing.symbol.clone()),
        sec_type: Some(listing.sec_type.as_str().to_owned()),
        last_trade_date_or_contract_month: last.clone(),
        multiplier: future.then(|| double(listing.multiplier)),
        exchange: (!exchange.is_empty()).then(|| exchange.to_owned()),
        currency: Some(listing.currency.clone()),
        local_symbol: Some(listing.local_symbol()),
        trading_class: Some(listing.trading_class()),
        last_trade_date: last,
        ..Contract::default()
    }
}

/// The contract of an order or execution; only its id if the universe lost it.
fn contract_of(world: &World, con_id: i32, exchange: &str) -> Contract {
    match world.market.universe().get(con_id) {
        Some(listing) => contract(listing, exchange),
        None => Contract { con_id: Some(con_id), ..Contract::default() },
    }
}

/// The currency that commissions on a contract are charged in.
pub fn paid_in(world: &World, con_id: i32) -> String {
    let listing = world.market.universe().get(con_id);
    listing.map_or(BASE_CURRENCY, commission_currency).to_owned()
}

/// The order as it was sent, with what the broker knows better.
fn echo(order: &Order) -> messages::Order {
    let group = order.group().map(|group| group.name);
    // Children are in the group of their parent unless they named another.
    let oca_type = match (&group, &order.terms.oca) {
        (Some(_), None) => Some(REDUCE_WITHOUT_BLOCK),
        _ => order.wire.oca_type,
    };
    messages::Order {
        client_id: Some(order.client_id),
        order_id: Some(order.order_id),
        perm_id: Some(order.perm_id),
        // `SSHORT` stays what it was.
        action: order.wire.action.clone().or_else(|| Some(order.side.action().to_owned())),
        total_quantity: Some(text(order.quantity)),
        tif: Some(order.wire.tif.clone().filter(|tif| !tif.is_empty()).unwrap_or("DAY".into())),
        account: Some(order.account.clone()),
        transmit: Some(order.state != State::Held),
        oca_group: group,
        oca_type,
        parent_perm_id: order.parent_perm_id,
        filled_quantity: Some(text(order.filled)),
        ..order.wire.clone()
    }
}

pub fn open_order(
    world: &World,
    order: &Order,
    status: &str,
    commission: Option<Decimal>,
) -> OpenOrder {
    let state = OrderState {
        status: Some(status.to_owned()),
        commission_and_fees: commission.map(double),
        commission_and_fees_currency: commission.map(|_| paid_in(world, order.con_id)),
        ..OrderState::default()
    };
    OpenOrder {
        order_id: Some(order.order_id),
        contract: Some(contract_of(world, order.con_id, &order.exchange)),
        order: Some(echo(order)),
        order_state: Some(state),
    }
}

pub fn order_status(order: &Order, progress: &Progress) -> OrderStatus {
    OrderStatus {
        order_id: Some(order.order_id),
        status: Some(progress.status.to_owned()),
        filled: Some(text(progress.filled)),
        remaining: Some(text(progress.remaining)),
        avg_fill_price: Some(progress.average.map_or(0.0, double)),
        perm_id: Some(order.perm_id),
        parent_id: Some(order.parent_id.unwrap_or_default()),
        last_fill_price: Some(progress.last.map_or(0.0, double)),
        client_id: Some(order.client_id),
        why_held: progress.why_held.map(str::to_owned),
        mkt_cap_price: Some(0.0),
    }
}

pub fn execution_details(world: &World, req_id: i32, execution: &Execution) -> ExecutionDetails {
    let listing = world.market.universe().get(execution.con_id);
    let venue = match listing {
        // A smart order trades somewhere in particular.
        Some(listing) if execution.exchange == SMART => &listing.primary_exchange,
        _ => &execution.exchange,
    };
    let order_ref = Some(execution.order_ref.clone()).filter(|text| !text.is_empty());
    let details = messages::Execution {
        order_id: Some(execution.order_id),
        exec_id: Some(execution.exec_id.clone()),
        time: Some(world.zone.stamp(execution.at)),
        acct_number: Some(execution.account.clone()),
        exchange: Some(venue.clone()),
        side: Some(execution.side.bought_or_sold().to_owned()),
        shares: Some(text(execution.shares)),
        price: Some(double(execution.price)),
        perm_id: Some(execution.perm_id),
        client_id: Some(execution.client_id),
        is_liquidation: Some(false),
        cum_qty: Some(text(execution.cumulative)),
        avg_price: Some(double(execution.average)),
        order_ref,
        last_liquidity: Some(if execution.resting { 1 } else { 2 }),
        ..messages::Execution::default()
    };
    ExecutionDetails {
        req_id: Some(req_id),
        contract: Some(contract_of(world, execution.con_id, venue)),
        execution: Some(details),
    }
}

pub fn commission_report(world: &World, execution: &Execution) -> CommissionAndFeesReport {
    CommissionAndFeesReport {
        exec_id: Some(execution.exec_id.clone()),
        commission_and_fees: Some(double(execution.commission)),
        currency: Some(paid_in(world, execution.con_id)),
        realized_pnl: execution.realized.map(double),
        bond_yield: None,
        yield_redemption_date: None,
    }
}

/// An ended order. IB puts the quantity left unfilled where the quantity was.
pub fn completed_order(world: &World, order: &Order) -> CompletedOrder {
    let mut wire = echo(order);
    wire.total_quantity = Some(text(order.remaining()));
    let state = OrderState {
        status: Some(order.state.status().to_owned()),
        completed_time: order.end.as_ref().map(|end| world.zone.stamp(end.at)),
        completed_status: order.end.as_ref().map(|end| end.how.clone()),
        ..OrderState::default()
    };
    CompletedOrder {
        contract: Some(contract_of(world, order.con_id, &order.exchange)),
        order: Some(wire),
        order_state: Some(state),
    }
}

/// Whether an execution filter's side (`BUY`, `SELL`) names this side.
pub fn is_side(side: Side, wanted: &str) -> bool {
    side.action() == wanted || side.bought_or_sold() == wanted
}

/// A decimal as text: plain, never empty.
pub fn text(amount: Decimal) -> String {
    amount.normalize().to_string()
}

/// A decimal where the protocol has a double. Only for the wire: nothing is computed from it.
pub fn double(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or_default()
}
