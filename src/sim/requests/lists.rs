//! Lists of orders and executions, each with its end.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Call, Undecodable};
use crate::sim::broker::Execution;
use crate::sim::faults::lists::hides;
use crate::sim::messages::{
    CompletedOrdersEnd, CompletedOrdersRequest, ExecutionDetailsEnd, ExecutionFilter,
    ExecutionRequest, OpenOrdersEnd,
};
use crate::sim::reports;
use crate::sim::world::World;

/// Executions reach back a week at most: IB keeps no more for the API.
const DAYS_MAX: i32 = 7;

pub fn open_orders(call: &mut Call<'_>) {
    send_open(call, Some(call.client_id));
}

/// A client that has seen orders of others must number its own above them
/// (<https://interactivebrokers.github.io/tws-api/order_submission.html>).
pub fn all_open_orders(call: &mut Call<'_>) {
    let seen = call.world.broker.open_orders().map(|order| order.order_id).max();
    if let Some(seen) = seen {
        call.world.settings.mark_used(call.client_id, seen);
        call.world.unsaved = true;
    }
    send_open(call, None);
}

/// Only client 0 may bind orders entered by hand; this simulator has none, so its list is its
/// own orders.
pub fn auto_open_orders(call: &mut Call<'_>) {
    if call.client_id == 0 {
        send_open(call, Some(0));
        return;
    }
    let text = "Only the default client (i.e 0) can auto bind orders";
    call.error(-1, 327, text);
}

fn send_open(call: &mut Call<'_>, of_client: Option<i32>) {
    call.with_client(|world, client| {
        let wanted = world.broker.open_orders();
        for order in wanted.filter(|order| of_client.is_none_or(|id| id == order.client_id)) {
            let status = order.state.status();
            client.send(&reports::open_order(world, order, status, None));
            client.send(&reports::order_status(order, &order.progress(status)));
        }
        client.send(&OpenOrdersEnd {});
    });
}

/// Orders that ended today; without those entered by hand if the client wants none of them.
pub fn completed_orders(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: CompletedOrdersRequest = call.decode()?;
    let by_hand = request.api_only != Some(true);
    call.with_client(|world, client| {
        let today = world.zone.date(world.now);
        for order in world.broker.orders() {
            let ended_today =
                order.end.as_ref().is_some_and(|end| world.zone.date(end.at) == today);
            if ended_today && (by_hand || order.order_id != 0) {
                client.send(&reports::completed_order(world, order));
            }
        }
        client.send(&CompletedOrdersEnd {});
    });
    Ok(())
}

pub fn executions(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: ExecutionRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let filter = request.execution_filter.unwrap_or_default();
    let Some(wanted) = Wanted::new(call.world, filter) else {
        let text = "Error validating request.-'bP' : cause - Invalid time in execution filter";
        call.error(req_id, 321, text);
        return Ok(());
    };
    call.with_client(|world, client| {
        for execution in world.broker.executions() {
            if wanted.includes(world, execution) && !hides(world, execution) {
                client.send(&reports::execution_details(world, req_id, execution));
                client.send(&reports::commission_report(world, execution));
            }
        }
        client.send(&ExecutionDetailsEnd { req_id: Some(req_id) });
    });
    Ok(())
}

/// A filter understood.
struct Wanted {
    filter: ExecutionFilter,
    after: Option<Timestamp>,
    first_day: Date,
}

impl Wanted {
    /// `None` when the filter's time cannot be read.
    fn new(world: &World, filter: ExecutionFilter) -> Option<Self> {
        let after = match filter.time.as_deref().unwrap_or_default() {
            "" => None,
            text => Some(world.zone.parse(text)?),
        };
        let today = world.zone.date(world.now);
        // The largest number is IB's word for unset.
        let days = filter.last_n_days.filter(|days| *days != i32::MAX).unwrap_or(1);
        let days = days.clamp(1, DAYS_MAX);
        let back = jiff::Span::new().days(days.saturating_sub(1));
        let first_day = today.checked_sub(back).unwrap_or(today);
        Some(Self { filter, after, first_day })
    }

    fn includes(&self, world: &World, execution: &Execution) -> bool {
        let filter = &self.filter;
        let Some(listing) = world.market.universe().get(execution.con_id) else { return false };
        let fits = |wanted: &Option<String>, actual: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == actual)
        };
        let client = filter.client_id.unwrap_or_default();
        (client == 0 || client == execution.client_id)
            && fits(&filter.acct_code, &execution.account)
            && fits(&filter.symbol, &listing.symbol)
            && fits(&filter.sec_type, listing.sec_type.as_str())
            && self.on_exchange(execution, &listing.primary_exchange)
            && filter
                .side
                .as_deref()
                .is_none_or(|side| side.is_empty() || reports::is_side(execution.side, side))
            && self.after.is_none_or(|after| execution.at >= after)
            && self.on_day(world.zone.date(execution.at))
    }

    fn on_exchange(&self, execution: &Execution, primary: &str) -> bool {
        let wanted = self.filter.exchange.as_deref().unwrap_or_default();
        wanted.is_empty() || wanted == execution.exchange || wanted == primary
    }

    fn on_day(&self, day: Date) -> bool {
        if self.filter.specific_dates.is_empty() {
            return day >= self.first_day;
        }
        let number = day.strftime("%Y%m%d").to_string();
        self.filter.specific_dates.iter().any(|date| date.to_string() == number)
    }
}
