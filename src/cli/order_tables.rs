//! Orders as tables. Pure: records in, cells out.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::table::{Column, Table, exact, money, name, number, or_dash, text, time};
use crate::domain::{OrderId, OrderType};
use crate::orders::{Event, Tracked};
use crate::portfolio::Line;

/// What a plan line is to do, for whom, and on which price it was decided.
const PLAN: &[Column] =
    &[name("plan"), number("price"), number("value"), text("for"), name("order reference")];

/// What became of each order.
const SENT: &[Column] = &[
    name("order"),
    number("id"),
    name("sent"),
    number("filled"),
    number("at"),
    number("commission"),
    name("now"),
];

const LIST: &[Column] = &[
    name("created"),
    name("order reference"),
    name("order"),
    name("now"),
    number("filled"),
    number("at"),
    number("commission"),
    text("for"),
];

/// The lines of plans.
pub(super) fn plan<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Table {
    let mut table = Table::new(PLAN);
    for line in lines {
        table.row([
            what(line),
            or_dash(line.reference_price, money),
            or_dash(line.value, |value| value.round_dp(0).to_string()),
            for_whom(line),
            line.order_ref.to_string(),
        ]);
    }
    table
}

/// Orders as they went out and were filled.
pub(super) fn sent(orders: &[Tracked]) -> Table {
    let mut table = Table::new(SENT);
    for order in orders {
        let progress = order.progress();
        let sending = order.record().sent_at();
        table.row([
            what(&order.spec().line),
            or_dash(progress.order_id(), |id| id.to_string()),
            or_dash(sending, time),
            exact(progress.filled()),
            or_dash(progress.average_price(), money),
            or_dash(commission(order), money),
            order.state().as_str().to_owned(),
        ]);
    }
    table
}

/// Orders of all runs.
pub(super) fn list(orders: &[Tracked]) -> Table {
    let mut table = Table::new(LIST);
    for order in orders {
        let (line, progress) = (&order.spec().line, order.progress());
        table.row([
            time(order.record().created_at),
            line.order_ref.to_string(),
            what(line),
            order.state().as_str().to_owned(),
            exact(progress.filled()),
            or_dash(progress.average_price(), money),
            or_dash(commission(order), money),
            for_whom(line),
        ]);
    }
    table
}

/// Side, quantity, contract, and the limit where there is one.
pub(super) fn what(line: &Line) -> String {
    let market = format!("{} {} {}", line.side, exact(line.quantity), line.instrument);
    match line.order_type {
        OrderType::Market => market,
        OrderType::Limit { price } => format!("{market} limit {}", exact(price)),
    }
}

/// Which strategies want how much of a line.
pub(super) fn for_whom(line: &Line) -> String {
    let shares = line.contributions.iter();
    let shares = shares.map(|(strategy, share)| format!("{strategy} {}", exact(*share)));
    shares.collect::<Vec<_>>().join(", ")
}

/// What its fills cost; `None` until the cost of every fill is reported.
pub(super) fn commission(order: &Tracked) -> Option<Decimal> {
    let progress = order.progress();
    let mut fills = progress.fills().peekable();
    fills.peek()?;
    fills.try_fold(Decimal::ZERO, |sum, fill| {
        sum.checked_add(progress.commission(&fill.execution_id)?.amount)
    })
}

/// In the order in which they went out; those that did not go out last.
pub(super) fn as_sent(orders: &mut [Tracked]) {
    let unsent = OrderId(i32::MAX);
    orders.sort_by_key(|order| {
        (order.progress().order_id().unwrap_or(unsent), order.order_ref().clone())
    });
}

/// One order for programs, without its events.
pub(super) fn document(order: &Tracked) -> Value {
    let (line, progress) = (&order.spec().line, order.progress());
    json!({
        "order_ref": line.order_ref,
        "run_key": order.spec().run_key,
        "created_at": order.record().created_at,
        "sent_at": order.record().sent_at(),
        "state": order.state().as_str(),
        "open": progress.is_open(),
        "contract": line.instrument,
        "side": line.side,
        "quantity": line.quantity,
        "order_type": line.order_type,
        "filled": progress.filled(),
        "average_price": progress.average_price(),
        "commission": commission(order),
        "contributions": line.contributions,
        "order_ids": progress.order_ids(),
        "perm_ids": progress.perm_ids(),
        "parked_because": progress.parked_because(),
    })
}

/// What an event says beyond its name. One arm a kind: a new one has to be told.
pub(super) fn tell(event: &Event) -> (&'static str, String) {
    match event {
        Event::Sending { order_id, client_id, next_valid_id } => (
            "sending",
            format!("order id {order_id}, client {client_id}, gateway's next id {next_valid_id}"),
        ),
        Event::NotSent { reason } => ("not sent", reason.clone()),
        Event::Withdrawn { reason } => ("withdrawn", reason.clone()),
        Event::Acknowledged { perm_id, status } => {
            ("acknowledged", format!("{status}, permId {perm_id}"))
        }
        Event::Executed(fill) => (
            "executed",
            format!(
                "{} at {}, {} in all, execution {}",
                exact(fill.quantity),
                exact(fill.price),
                exact(fill.cumulative_quantity),
                fill.execution_id
            ),
        ),
        Event::Commissioned(paid) => (
            "commission",
            format!("{} {}, execution {}", money(paid.amount), paid.currency, paid.execution_id),
        ),
        Event::Noticed { code, text } => ("notice", format!("{code}: {text}")),
        Event::CancelRequested { reason } => ("cancel requested", reason.clone()),
        Event::Ended { how, evidence } => ("ended", format!("{}: {evidence}", name_of(*how))),
        Event::Parked { reason } => ("parked", reason.clone()),
        Event::Resolved { how, by, why } => {
            ("resolved", format!("{} by {by}: {why}", name_of(*how)))
        }
        Event::Attributed { filled } => ("attributed", exact(*filled)),
    }
}

fn name_of(how: crate::orders::End) -> &'static str {
    crate::orders::State::Ended(how).as_str()
}
