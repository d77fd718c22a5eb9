//! The account as rows of key, value and currency: what summaries and updates are made of.

use rust_decimal::{Decimal, RoundingStrategy};

use super::broker::Account;
use super::broker::books::Valuation;
use super::universe::BASE_CURRENCY;
use super::world::World;

/// The currency of rows that sum all currencies up.
pub const BASE: &str = "BASE";

/// Two dollars of stock for each dollar of funds: half is the initial margin.
const BUYING_POWER: Decimal = Decimal::TWO;

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

/// The valuation that clients are told: nothing while the account is not ready.
pub fn valuation(world: &World, account: &Account) -> Option<Valuation> {
    if world.switches.account_not_ready {
        return None;
    }
    account.books.value(&world.market, world.now)
}

/// The values of the whole account in the base currency.
pub fn account(world: &World, name: &str, account: &Account) -> Vec<Row> {
    let known = valuation(world, account);
    let sum = known.unwrap_or_default();
    let net = sum.net_liquidation();
    let share = |part: Decimal| part.checked_div(net).unwrap_or_default().round_dp(4).to_string();
    let opening = if known.is_some() { account.opening_equity } else { Decimal::ZERO };
    let mut rows = vec![
        Row::text("AccountCode", name),
        Row::text("AccountType", "INDIVIDUAL"),
        Row::text("AccountReady", if known.is_some() { "true" } else { "false" }),
        Row::text("Cushion", share(sum.excess_liquidity())),
        Row::text("Leverage", share(sum.gross)),
        Row::text("LookAheadNextChange", "0"),
        Row::text("HighestSeverity", "0"),
        Row::text("DayTradesRemaining", "-1"),
    ];
    let buying_power = sum.available_funds().max(Decimal::ZERO).checked_mul(BUYING_POWER);
    let amounts = [
        ("NetLiquidation", net),
        ("TotalCashValue", sum.cash),
        ("SettledCash", sum.cash),
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

/// One currency of the ledger, in that currency.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    cash: Decimal,
    stock: Decimal,
    unrealized: Decimal,
    realized: Decimal,
    rate: Decimal,
}

/// The ledger: each currency with cash or positions, then all of them in the base currency.
pub fn ledger(world: &World, account: &Account) -> Vec<Row> {
    let mut rows = Vec::new();
    let known = valuation(world, account);
    for (currency, balance) in &account.books.cash {
        let column = match known {
            Some(_) => column(world, account, currency, *balance),
            None => Some(Column { rate: Decimal::ONE, ..Column::default() }),
        };
        rows.extend(column.map(|column| ledger_rows(currency, &column)).unwrap_or_default());
    }
    let sum = known.unwrap_or_default();
    let base = Column {
        cash: sum.cash,
        stock: sum.stock_value,
        unrealized: sum.unrealized,
        realized: sum.realized,
        rate: Decimal::ONE,
    };
    rows.extend(ledger_rows(BASE, &base));
    rows
}

fn column(world: &World, account: &Account, currency: &str, cash: Decimal) -> Option<Column> {
    let rate = world.market.rate(currency, world.now)?;
    let mut column = Column { cash, rate, ..Column::default() };
    for (con_id, position) in &account.books.positions {
        let listing = world.market.universe().get(*con_id)?;
        if listing.currency == currency {
            let mid = world.market.quote(listing, world.now).mid();
            let value = position.quantity.checked_mul(mid)?;
            column.stock = column.stock.checked_add(value)?;
            let unrealized = value.checked_sub(position.cost)?;
            column.unrealized = column.unrealized.checked_add(unrealized)?;
            column.realized = column.realized.checked_add(position.realized)?;
        }
    }
    Some(column)
}

fn ledger_rows(currency: &str, column: &Column) -> Vec<Row> {
    let net = column.cash.checked_add(column.stock).unwrap_or(column.cash);
    let amounts = [
        ("CashBalance", column.cash),
        ("TotalCashBalance", column.cash),
        ("AccruedCash", Decimal::ZERO),
        ("StockMarketValue", column.stock),
        ("NetLiquidationByCurrency", net),
        ("UnrealizedPnL", column.unrealized),
        ("RealizedPnL", column.realized),
    ];
    let mut rows = vec![
        Row { key: "Currency", value: currency.to_owned(), currency: currency.to_owned() },
        Row {
            key: "ExchangeRate",
            value: column.rate.round_dp(8).normalize().to_string(),
            currency: currency.to_owned(),
        },
    ];
    rows.extend(amounts.map(|(key, amount)| Row::money(key, amount, currency)));
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
}
