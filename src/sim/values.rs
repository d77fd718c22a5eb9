//! The account as rows of key, value and currency: what summaries and updates are made of.
//!
//! The keys are those of a real gateway's account window
//! (<https://interactivebrokers.github.io/tws-api/account_updates.html>). Assets that the simulator
//! does not trade have their rows too, always zero.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::broker::{Account, Valuation};
use super::universe::{BASE_CURRENCY, SecType};
use super::world::World;

/// The currency of rows that sum all currencies up.
pub const BASE: &str = "BASE";

/// Two dollars of stock for each dollar of funds: half is the initial margin.
const BUYING_POWER: Decimal = Decimal::TWO;

/// Decimals of a rate. IB writes at least two.
const RATE_DECIMALS: u32 = 8;

/// Ledger rows of assets that are never held.
const NEVER_HELD: &[&str] = &[
    "OptionMarketValue",
    "FutureOptionValue",
    "FundValue",
    "NetDividend",
    "MutualFundValue",
    "MoneyMarketFundValue",
    "CorporateBondValue",
    "TBondValue",
    "TBillValue",
    "WarrantValue",
    // The "virtual positions" of currency pairs are not kept: the balances say it all.
    "FxCashBalance",
    "IssuerOptionValue",
];

/// One value of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: &'static str,
    pub value: String,
    /// Empty where a currency makes no sense.
    pub currency: String,
}

impl Row {
    fn money(key: &'static str, amount: Decimal, currency: &str) -> Self {
        Self { key, value: money(amount), currency: currency.to_owned() }
    }

    fn text(key: &'static str, value: impl Into<String>) -> Self {
        Self { key, value: value.into(), currency: String::new() }
    }
}

/// Two decimals, always.
fn money(amount: Decimal) -> String {
    let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded.to_string()
}

/// At least two decimals.
fn rate(rate: Decimal) -> String {
    let mut rounded = rate.round_dp(RATE_DECIMALS).normalize();
    if rounded.scale() < 2 {
        rounded.rescale(2);
    }
    rounded.to_string()
}

/// The valuation that clients are told: nothing while the account is not ready.
pub fn valuation(world: &World, account: &Account) -> Option<Valuation> {
    if world.switches.account_not_ready {
        return None;
    }
    account.value(&world.market, world.now)
}

/// The values of the whole account in the base currency.
pub fn account(world: &World, name: &str, account: &Account) -> Vec<Row> {
    let known = valuation(world, account);
    let sum = known.unwrap_or_default();
    let net = sum.net_liquidation();
    let share = |part: Decimal, decimals: u32| {
        part.checked_div(net).unwrap_or_default().round_dp(decimals).to_string()
    };
    let mut rows = vec![
        Row::text("AccountCode", name),
        Row::text("AccountType", "INDIVIDUAL"),
        Row::text("AccountReady", if known.is_some() { "true" } else { "false" }),
        Row::text("Cushion", share(sum.excess_liquidity(), 6)),
        Row::text("Leverage", share(sum.gross, 2)),
        Row::text("LookAheadNextChange", "0"),
        Row::text("HighestSeverity", "0"),
        // Pattern day trading rules do not bind an account of this size: -1 is IB's "unlimited".
        Row::text("DayTradesRemaining", "-1"),
    ];
    let opening = if known.is_some() { account.day.equity } else { Decimal::ZERO };
    let buying_power = sum.available_funds().max(Decimal::ZERO).checked_mul(BUYING_POWER);
    let amounts = [
        ("NetLiquidation", net),
        ("TotalCashValue", sum.total_cash()),
        ("SettledCash", sum.total_cash()),
        ("AccruedCash", Decimal::ZERO),
        ("BuyingPower", buying_power.unwrap_or_default()),
        ("EquityWithLoanValue", net),
        ("PreviousDayEquityWithLoanValue", opening),
        ("GrossPositionValue", sum.gross),
        ("RegTEquity", net),
        ("RegTMargin", sum.initial_margin),
        ("SMA", sum.available_funds()),
        ("InitMarginReq", sum.initial_margin),
        ("MaintMarginReq", sum.maintenance_margin),
        ("AvailableFunds", sum.available_funds()),
        ("ExcessLiquidity", sum.excess_liquidity()),
        ("FullInitMarginReq", sum.initial_margin),
        ("FullMaintMarginReq", sum.maintenance_margin),
        ("FullAvailableFunds", sum.available_funds()),
        ("FullExcessLiquidity", sum.excess_liquidity()),
        ("LookAheadInitMarginReq", sum.initial_margin),
        ("LookAheadMaintMarginReq", sum.maintenance_margin),
        ("LookAheadAvailableFunds", sum.available_funds()),
        ("LookAheadExcessLiquidity", sum.excess_liquidity()),
    ];
    rows.extend(amounts.map(|(key, amount)| Row::money(key, amount, BASE_CURRENCY)));
    rows
}

/// Securities and commodities apart, as account updates tell them beside the whole.
///
/// Cash that futures do not need is swept to the securities, so the commodities segment holds just
/// its initial margin, the gain of open futures within it.
pub fn segments(world: &World, account: &Account) -> Vec<Row> {
    let sum = valuation(world, account).unwrap_or_default();
    let net = sum.net_liquidation();
    let futures = (sum.futures_initial, sum.futures_maintenance);
    let securities = (sum.initial_margin - futures.0, sum.maintenance_margin - futures.1);
    let own = net - futures.0;
    let amounts = [
        ("NetLiquidation-S", own),
        ("NetLiquidation-C", futures.0),
        ("TotalCashValue-S", sum.total_cash() - futures.0),
        ("TotalCashValue-C", futures.0),
        ("EquityWithLoanValue-S", own),
        ("EquityWithLoanValue-C", futures.0),
        ("GrossPositionValue-S", sum.gross),
        ("InitMarginReq-S", securities.0),
        ("InitMarginReq-C", futures.0),
        ("MaintMarginReq-S", securities.1),
        ("MaintMarginReq-C", futures.1),
        ("AvailableFunds-S", own - securities.0),
        ("AvailableFunds-C", Decimal::ZERO),
        ("ExcessLiquidity-S", own - securities.1),
        ("ExcessLiquidity-C", futures.0 - futures.1),
        ("FullInitMarginReq-S", securities.0),
        ("FullInitMarginReq-C", futures.0),
        ("FullMaintMarginReq-S", securities.1),
        ("FullMaintMarginReq-C", futures.1),
        ("FullAvailableFunds-S", own - securities.0),
        ("FullAvailableFunds-C", Decimal::ZERO),
        ("FullExcessLiquidity-S", own - securities.1),
        ("FullExcessLiquidity-C", futures.0 - futures.1),
    ];
    let mut rows = vec![
        Row::text("SegmentTitle-S", "US Securities"),
        Row::text("SegmentTitle-C", "US Commodities"),
    ];
    rows.extend(amounts.map(|(key, amount)| Row::money(key, amount, BASE_CURRENCY)));
    rows
}

/// One currency of the ledger, in that currency.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    cash: Decimal,
    stock: Decimal,
    futures: Decimal,
    unrealized: Decimal,
    /// Since the day began.
    realized: Decimal,
    rate: Decimal,
}

/// The ledger: each currency with cash or positions, then all of them in the base currency.
pub fn ledger(world: &World, account: &Account) -> Vec<Row> {
    let mut rows = Vec::new();
    let known = valuation(world, account);
    let columns = if known.is_some() { columns(world, account) } else { None };
    match columns {
        Some(columns) => {
            for (currency, column) in &columns {
                rows.extend(ledger_rows(currency, column));
            }
        }
        None => {
            let none = Column { rate: Decimal::ONE, ..Column::default() };
            for currency in account.books.cash.keys() {
                rows.extend(ledger_rows(currency, &none));
            }
        }
    }
    let sum = known.unwrap_or_default();
    let base = Column {
        cash: sum.cash,
        stock: sum.stock_value,
        futures: sum.futures,
        unrealized: sum.unrealized,
        realized: sum.realized_today,
        rate: Decimal::ONE,
    };
    rows.extend(ledger_rows(BASE, &base));
    rows
}

fn columns<'w>(world: &'w World, account: &'w Account) -> Option<BTreeMap<&'w str, Column>> {
    let mut columns = BTreeMap::new();
    for (currency, cash) in &account.books.cash {
        let rate = world.market.rate(currency, world.now)?;
        columns.insert(currency.as_str(), Column { cash: *cash, rate, ..Column::default() });
    }
    for (con_id, position) in &account.books.positions {
        let listing = world.market.universe().get(*con_id)?;
        let Some(column) = columns.get_mut(listing.currency.as_str()) else { continue };
        let price = world.market.quote(listing, world.now).mid();
        let value = position.liquidation(listing, price)?;
        match listing.sec_type {
            SecType::Stock | SecType::Cash => column.stock = column.stock.checked_add(value)?,
            SecType::Future => column.futures = column.futures.checked_add(value)?,
        }
        let unrealized = position.unrealized(listing, price)?;
        column.unrealized = column.unrealized.checked_add(unrealized)?;
        column.realized = column.realized.checked_add(position.realized_today()?)?;
    }
    Some(columns)
}

fn ledger_rows(currency: &str, column: &Column) -> Vec<Row> {
    let total = column.cash.checked_add(column.futures).unwrap_or(column.cash);
    let net = total.checked_add(column.stock).unwrap_or(total);
    let amounts = [
        ("CashBalance", column.cash),
        ("TotalCashBalance", total),
        ("AccruedCash", Decimal::ZERO),
        ("StockMarketValue", column.stock),
        ("FuturesPNL", column.futures),
        ("NetLiquidationByCurrency", net),
        ("UnrealizedPnL", column.unrealized),
        ("RealizedPnL", column.realized),
    ];
    let mut rows = vec![
        Row { key: "Currency", value: currency.to_owned(), currency: currency.to_owned() },
        Row { key: "ExchangeRate", value: rate(column.rate), currency: currency.to_owned() },
    ];
    rows.extend(amounts.map(|(key, amount)| Row::money(key, amount, currency)));
    rows.extend(NEVER_HELD.iter().map(|key| Row::money(key, Decimal::ZERO, currency)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_decimals_whatever_it_had_before() {
        assert_eq!(money(Decimal::new(15, 1)), "1.50");
        assert_eq!(money(Decimal::from(3)), "3.00");
        assert_eq!(money(Decimal::new(-10_005, 4)), "-1.00");
    }

    #[test]
    fn a_rate_has_two_decimals_or_more() {
        assert_eq!(rate(Decimal::ONE), "1.00");
        assert_eq!(rate(Decimal::new(11, 1)), "1.10");
        assert_eq!(rate(Decimal::new(1_234_567_891, 9)), "1.23456789");
    }
}
