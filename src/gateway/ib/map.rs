//! The client's types to our words, and back. Pure; a problem comes back as text that its caller
//! puts into an error.

use std::collections::HashMap;

use ibapi::accounts;
use ibapi::contracts as wire;
use ibapi::market_data::MarketDataType as WireDataType;
use ibapi::market_data::historical::{self, BarTimestamp, WhatToShow};
use ibapi::orders::{self, OrderData, Orders};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::number;
use crate::domain::{
    Account, Bar, Commission, CompletedOrder, Contract, ContractId, ContractQuery, Currency,
    Execution, ExecutionId, Instrument, MarketDataType, OpenOrder, OrderId, OrderRef, OrderTicket,
    OrderType, PermId, Position, SecType, Side, TimeInForce,
};
use crate::gateway::StatusReport;

/// IB's marker for an order id that it does not have.
const UNSET_ID: i32 = i32::MAX;

pub(super) fn data_type(wanted: MarketDataType) -> WireDataType {
    match wanted {
        MarketDataType::Live => WireDataType::Realtime,
        MarketDataType::Frozen => WireDataType::Frozen,
        MarketDataType::Delayed => WireDataType::Delayed,
        MarketDataType::DelayedFrozen => WireDataType::DelayedFrozen,
    }
}

pub(super) fn data_type_from(kind: WireDataType) -> Option<MarketDataType> {
    match kind {
        WireDataType::Realtime => Some(MarketDataType::Live),
        WireDataType::Frozen => Some(MarketDataType::Frozen),
        WireDataType::Delayed => Some(MarketDataType::Delayed),
        WireDataType::DelayedFrozen => Some(MarketDataType::DelayedFrozen),
        WireDataType::Unknown => None,
    }
}

/// Asked for by id, nothing else is sent that could contradict it. A venue is sent only where one
/// was named: some contracts are unknown on the usual one of another kind.
pub(super) fn query(query: &ContractQuery) -> wire::Contract {
    let base = wire::Contract {
        exchange: wire::Exchange(String::new()),
        currency: wire::Currency(String::new()),
        ..wire::Contract::default()
    };
    match query.con_id {
        Some(id) => wire::Contract {
            contract_id: id.0,
            security_type: wire::SecurityType::Other(String::new()),
            exchange: wire::Exchange(query.exchange.clone().unwrap_or_default()),
            ..base
        },
        None => wire::Contract {
            symbol: wire::Symbol(query.symbol.clone().unwrap_or_default()),
            security_type: sec_type(&query.sec_type),
            currency: wire::Currency(query.currency.as_str().to_owned()),
            exchange: wire::Exchange(query.routing().to_owned()),
            primary_exchange: wire::Exchange(query.primary_exchange.clone().unwrap_or_default()),
            ..base
        },
    }
}

fn sec_type(ours: &SecType) -> wire::SecurityType {
    match ours {
        SecType::Stock => wire::SecurityType::Stock,
        SecType::Future => wire::SecurityType::Future,
        SecType::Cash => wire::SecurityType::ForexPair,
        SecType::Other(text) => wire::SecurityType::Other(text.clone()),
    }
}

/// A contract as the gateway describes it. Its exchange is where an order for it would go.
pub(super) fn contract(
    details: &wire::ContractDetails,
    query: &ContractQuery,
) -> Result<Contract, String> {
    let row = &details.contract;
    let instrument = instrument(row)?;
    let exchange = match (&query.exchange, &instrument.sec_type) {
        (Some(named), _) => named.clone(),
        (None, SecType::Cash) => "IDEALPRO".to_owned(),
        (None, SecType::Stock) => "SMART".to_owned(),
        (None, SecType::Future | SecType::Other(_)) => row.exchange.as_str().to_owned(),
    };
    let multiplier = match row.multiplier.trim() {
        "" => Decimal::ONE,
        text => text.parse().map_err(|e| format!("multiplier {text:?} is not a number ({e})"))?,
    };
    if multiplier <= Decimal::ZERO && !matches!(instrument.sec_type, SecType::Stock | SecType::Cash)
    {
        return Err(format!("multiplier {multiplier} of {instrument}"));
    }
    Ok(Contract {
        primary_exchange: Some(row.primary_exchange.as_str().to_owned())
            .filter(|name| !name.is_empty()),
        exchange,
        // IB writes 0 or nothing for kinds that have none.
        multiplier: if multiplier.is_zero() { Decimal::ONE } else { multiplier },
        min_tick: number::required(details.min_tick, "the smallest price step")?,
        size_increment: size(details.size_increment),
        min_size: size(details.min_size),
        instrument,
    })
}

/// Sizes are whole units where the gateway names none.
fn size(wire: Option<f64>) -> Decimal {
    wire.and_then(number::decimal).filter(|size| *size > Decimal::ZERO).unwrap_or(Decimal::ONE)
}

/// Whether a contract that was asked for by id is what the query's names say. Without a symbol,
/// the kind and the currency of the query are defaults that nobody gave.
pub(super) fn agrees(contract: &Contract, query: &ContractQuery) -> bool {
    let instrument = &contract.instrument;
    query.con_id.is_none_or(|id| id == instrument.id)
        && query.symbol.as_ref().is_none_or(|symbol| {
            *symbol == instrument.symbol
                && query.sec_type == instrument.sec_type
                && query.currency == instrument.currency
        })
}

/// A known contract for a data request.
pub(super) fn routed(contract: &Contract) -> wire::Contract {
    wire::Contract {
        primary_exchange: wire::Exchange(contract.primary_exchange.clone().unwrap_or_default()),
        ..identified(&contract.instrument, &contract.exchange)
    }
}

fn identified(instrument: &Instrument, exchange: &str) -> wire::Contract {
    wire::Contract {
        contract_id: instrument.id.0,
        symbol: wire::Symbol(instrument.symbol.clone()),
        security_type: sec_type(&instrument.sec_type),
        currency: wire::Currency(instrument.currency.as_str().to_owned()),
        exchange: wire::Exchange(exchange.to_owned()),
        ..wire::Contract::default()
    }
}

/// Currency pairs have no trades to show.
pub(super) fn what_to_show(instrument: &Instrument) -> WhatToShow {
    match instrument.sec_type {
        SecType::Cash => WhatToShow::MidPoint,
        SecType::Stock | SecType::Future | SecType::Other(_) => WhatToShow::Trades,
    }
}

pub(super) fn bar(bar: &historical::Bar) -> Result<Bar, String> {
    let date = match bar.date {
        BarTimestamp::Date(date) => date,
        BarTimestamp::DateTime(time) => time.date(),
    };
    Ok(Bar {
        start: format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()),
        open: number::required(bar.open, "an opening price")?,
        high: number::required(bar.high, "a high")?,
        low: number::required(bar.low, "a low")?,
        close: number::required(bar.close, "a closing price")?,
        // -1 where nothing is counted, as for midpoints.
        volume: number::required(bar.volume, "a volume")?.max(Decimal::ZERO),
    })
}

pub(super) fn instrument(contract: &wire::Contract) -> Result<Instrument, String> {
    if contract.contract_id < 1 {
        return Err(format!("a contract without id ({})", contract.symbol));
    }
    Ok(Instrument {
        id: ContractId(contract.contract_id),
        symbol: contract.symbol.as_str().to_owned(),
        sec_type: SecType::from(contract.security_type.as_str().to_owned()),
        currency: Currency::new(contract.currency.as_str()),
    })
}

fn position(row: &accounts::Position) -> Result<Position, String> {
    Ok(Position {
        account: Account::new(row.account.as_str()),
        instrument: instrument(&row.contract)?,
        quantity: number::required(row.position, "a position")?,
        average_cost: number::required(row.average_cost, "an average cost")?,
    })
}

/// An account's positions among a list's rows. A position that changes meanwhile comes twice, and
/// one that is closed comes with zero: the last word counts.
pub(super) fn positions(
    rows: &[accounts::Position],
    account: &Account,
) -> Result<Vec<Position>, String> {
    let mut positions: Vec<Position> = Vec::new();
    for row in rows.iter().filter(|row| row.account == account.expose()) {
        let fresh = position(row)?;
        match positions.iter_mut().find(|known| known.instrument.id == fresh.instrument.id) {
            Some(known) => *known = fresh,
            None => positions.push(fresh),
        }
    }
    positions.retain(|position| !position.quantity.is_zero());
    Ok(positions)
}

/// Every field of the order is set on purpose; the rest is at its protocol default. The time in
/// force above all: IB fills a missing one from a preset and reports that as an error.
pub(super) fn order(ticket: &OrderTicket) -> Result<(wire::Contract, orders::Order), String> {
    if ticket.order_id.0 < 1 {
        return Err(format!("{} is not an order id", ticket.order_id));
    }
    if ticket.quantity <= Decimal::ZERO {
        return Err(format!("quantity {} is not more than zero", ticket.quantity));
    }
    if ticket.exchange.is_empty() || ticket.instrument.currency.as_str().is_empty() {
        return Err("exchange or currency is missing".to_owned());
    }
    let limit_price = match ticket.order_type {
        OrderType::Market => None,
        OrderType::Limit { price } => Some(number::double(price, "limit price")?),
    };
    let order = orders::Order {
        action: match ticket.side {
            Side::Buy => orders::Action::Buy,
            Side::Sell => orders::Action::Sell,
        },
        total_quantity: number::double(ticket.quantity, "quantity")?,
        order_type: match ticket.order_type {
            OrderType::Market => "MKT".to_owned(),
            OrderType::Limit { .. } => "LMT".to_owned(),
        },
        limit_price,
        tif: match ticket.time_in_force {
            TimeInForce::Day => orders::TimeInForce::Day,
            TimeInForce::GoodTillCancelled => orders::TimeInForce::GoodTillCanceled,
            TimeInForce::ImmediateOrCancel => orders::TimeInForce::ImmediateOrCancel,
        },
        account: ticket.account.expose().to_owned(),
        order_ref: ticket.order_ref.as_str().to_owned(),
        transmit: true,
        outside_rth: false,
        what_if: false,
        ..orders::Order::default()
    };
    Ok((identified(&ticket.instrument, &ticket.exchange), order))
}

pub(super) fn open_order(data: &OrderData) -> Result<OpenOrder, String> {
    Ok(OpenOrder {
        order_id: OrderId(data.order_id),
        client_id: data.order.client_id,
        perm_id: PermId(data.order.perm_id),
        order_ref: order_ref(&data.order.order_ref),
        account: Account::new(data.order.account.as_str()),
        instrument: instrument(&data.contract)?,
        side: side(data.order.action),
        quantity: number::required(data.order.total_quantity, "an order's quantity")?,
        status: data.order_state.status.as_str().to_owned(),
        filled: None,
    })
}

/// Statuses after which an order works no more. `Inactive` is none of them: such an order is held
/// and can come back.
const ENDED: [&str; 3] = ["Filled", "Cancelled", "ApiCancelled"];

/// The working orders among a list's rows.
///
/// Live reports of our own orders come in between, so an order can come several times, in its
/// first frame without permId, and end before the list does. The last word counts. Two permIds
/// under one order id are two orders.
pub(super) fn open_orders(rows: &[Orders]) -> Result<Vec<OpenOrder>, String> {
    let mut orders: Vec<OpenOrder> = Vec::new();
    for row in rows {
        match row {
            Orders::OrderData(data) => {
                let fresh = open_order(data)?;
                match orders
                    .iter_mut()
                    .find(|known| is_same(known, fresh.client_id, fresh.order_id, fresh.perm_id))
                {
                    Some(known) => *known = OpenOrder { filled: known.filled, ..fresh },
                    None => orders.push(fresh),
                }
            }
            Orders::OrderStatus(row) => {
                let told = status(row)?;
                // Without its order it says nothing that could be used.
                if let Some(known) = orders
                    .iter_mut()
                    .find(|known| is_same(known, told.client_id, told.order_id, told.perm_id))
                {
                    known.filled = Some(told.filled);
                    known.status = told.status;
                }
            }
        }
    }
    orders.retain(|order| !ENDED.contains(&order.status.as_str()));
    Ok(orders)
}

/// Whether a row is about a known order. Manual orders share the order id 0.
fn is_same(known: &OpenOrder, client_id: i32, order_id: OrderId, perm_id: PermId) -> bool {
    let unnumbered = known.perm_id.0 == 0 || perm_id.0 == 0;
    known.client_id == client_id
        && known.order_id == order_id
        && (known.perm_id == perm_id || (unnumbered && order_id.0 > 0))
}

pub(super) fn completed_order(data: &OrderData) -> Result<CompletedOrder, String> {
    let order = &data.order;
    let placed = order.order_id > 0 && order.order_id != UNSET_ID;
    let detail = data.order_state.completed_status.trim();
    Ok(CompletedOrder {
        order_id: placed.then_some(OrderId(order.order_id)),
        // 0 is the client of orders entered by hand, and what an absent one reads as.
        client_id: Some(order.client_id).filter(|id| *id > 0 && *id != UNSET_ID),
        perm_id: PermId(order.perm_id),
        order_ref: order_ref(&order.order_ref),
        instrument: instrument(&data.contract)?,
        side: side(order.action),
        status: data.order_state.status.as_str().to_owned(),
        detail: (!detail.is_empty()).then(|| detail.to_owned()),
    })
}

pub(super) fn status(status: &orders::OrderStatus) -> Result<StatusReport, String> {
    Ok(StatusReport {
        order_id: OrderId(status.order_id),
        client_id: status.client_id,
        perm_id: PermId(status.perm_id),
        status: status.status.as_str().to_owned(),
        filled: number::required(status.filled, "a filled quantity")?,
        remaining: number::required(status.remaining, "a remaining quantity")?,
    })
}

pub(super) fn execution(data: &orders::ExecutionData) -> Result<Execution, String> {
    let fill = &data.execution;
    if fill.execution_id.is_empty() {
        return Err("an execution without id".to_owned());
    }
    let quantity = number::required(fill.shares, "an execution's quantity")?;
    if quantity <= Decimal::ZERO {
        return Err(format!("execution {} of {quantity}", fill.execution_id));
    }
    Ok(Execution {
        execution_id: ExecutionId::new(fill.execution_id.as_str()),
        order_id: OrderId(fill.order_id),
        client_id: fill.client_id,
        perm_id: PermId(fill.perm_id),
        order_ref: order_ref(&fill.order_reference),
        account: Account::new(fill.account_number.as_str()),
        instrument: instrument(&data.contract)?,
        side: match fill.side {
            orders::ExecutionSide::Bought => Side::Buy,
            orders::ExecutionSide::Sold => Side::Sell,
        },
        quantity,
        price: number::required(fill.price, "an execution's price")?,
        cumulative_quantity: number::required(fill.cumulative_quantity, "a total quantity")?,
        time: fill.time.clone(),
        commission: None,
    })
}

/// `None` for a report without an amount: IB sends its unset marker, or -1, ahead of the real one.
/// (A rebate is negative too, and -1 exactly is the price of telling the two apart.)
pub(super) fn commission(
    report: &orders::CommissionReport,
    reported_at: Timestamp,
) -> Result<Option<Commission>, String> {
    if report.execution_id.is_empty() {
        return Err("a commission without execution".to_owned());
    }
    let amount =
        number::decimal(report.commission).filter(|amount| *amount != Decimal::NEGATIVE_ONE);
    Ok(amount.map(|amount| Commission {
        execution_id: ExecutionId::new(report.execution_id.as_str()),
        amount,
        currency: Currency::new(&report.currency),
        realized_pnl: report.realized_pnl.and_then(number::decimal),
        reported_at,
    }))
}

/// Each execution once, in the order of first sight, with its commission where one came.
pub(super) fn with_commissions(
    executions: Vec<Execution>,
    commissions: Vec<Commission>,
) -> Vec<Execution> {
    let mut known: HashMap<ExecutionId, Commission> =
        commissions.into_iter().map(|paid| (paid.execution_id.clone(), paid)).collect();
    let mut merged: Vec<Execution> = Vec::with_capacity(executions.len());
    let mut seen = std::collections::HashSet::new();
    for execution in executions {
        if seen.insert(execution.execution_id.clone()) {
            let commission = known.remove(&execution.execution_id);
            merged.push(Execution { commission, ..execution });
        }
    }
    merged
}

/// Selling long and selling short are both sells to a position.
fn side(action: orders::Action) -> Side {
    match action {
        orders::Action::Buy => Side::Buy,
        orders::Action::Sell | orders::Action::SellShort | orders::Action::SellLong => Side::Sell,
    }
}

fn order_ref(text: &str) -> Option<OrderRef> {
    (!text.is_empty()).then(|| OrderRef::from_record(text))
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
