//! Requests that one answer ends.

use ibapi::Error;
use ibapi::market_data::TradingHours;
use ibapi::market_data::historical::{self, BarSize};
use jiff::Timestamp;

use super::{Live, map, problem};
use crate::domain::{Bar, Contract, ContractQuery, MarketDataType, OrderId};
use crate::gateway::{GatewayError, codes};

const BARS: &str = "daily bars";
const CONTRACTS: &str = "contract details";

/// The longest history that IB gives in days; beyond, it wants years
/// (<https://interactivebrokers.github.io/tws-api/historical_bars.html>).
const BAR_DAYS_MAX: u32 = 365;

impl Live {
    pub(in crate::gateway) async fn server_time(&self) -> Result<Timestamp, GatewayError> {
        const TIME: &str = "the time";
        self.signals.check()?;
        self.pacer.take().await;
        let time = self.client.server_time().await.map_err(|error| problem::of(TIME, error))?;
        Timestamp::from_second(time.unix_timestamp())
            .map_err(|error| problem::unreadable(TIME, &error.to_string()))
    }

    pub(in crate::gateway) async fn next_valid_id(&self) -> Result<OrderId, GatewayError> {
        const NEXT_ID: &str = "the next order id";
        self.signals.check()?;
        self.pacer.take().await;
        let asked = self.client.next_valid_order_id().await;
        let id = asked.map_err(|error| problem::of(NEXT_ID, error))?;
        if id < 1 {
            return Err(problem::unreadable(NEXT_ID, &format!("{id} is not an order id")));
        }
        Ok(OrderId(id))
    }

    pub(in crate::gateway) async fn set_market_data_type(
        &self,
        wanted: MarketDataType,
    ) -> Result<(), GatewayError> {
        self.signals.check()?;
        self.pacer.take().await;
        let told = self.client.switch_market_data_type(map::data_type(wanted)).await;
        told.map_err(|error| problem::of("the market data type", error))
    }

    pub(in crate::gateway) async fn contracts(
        &self,
        query: &ContractQuery,
    ) -> Result<Vec<Contract>, GatewayError> {
        self.signals.check()?;
        self.pacer.take().await;
        let rows = match self.client.contract_details(&map::query(query)).await {
            Ok(rows) => rows,
            Err(Error::Notice(notice)) if notice.code == codes::NO_DEFINITION => Vec::new(),
            Err(error) => return Err(problem::of(CONTRACTS, error)),
        };
        let mut contracts: Vec<Contract> = Vec::with_capacity(rows.len());
        for row in &rows {
            let contract =
                map::contract(row, query).map_err(|what| problem::unreadable(CONTRACTS, &what))?;
            // Without an exchange in the query, one contract comes once for each of its own.
            let known = contracts.iter().any(|seen| seen.instrument.id == contract.instrument.id);
            if !known && map::agrees(&contract, query) {
                contracts.push(contract);
            }
        }
        Ok(contracts)
    }

    /// Whether IB's servers can be reached, by the look of a symbol search: the gateway keeps
    /// contracts that it has seen, and no list of all symbols.
    pub(super) async fn reaches_ib(&self) -> bool {
        self.pacer.take().await;
        matches!(self.client.matching_symbols("SPY").await, Ok(found) if !found.is_empty())
    }

    pub(in crate::gateway) async fn daily_bars(
        &self,
        contract: &Contract,
        days: u32,
    ) -> Result<Vec<Bar>, GatewayError> {
        if days == 0 {
            return Ok(Vec::new());
        }
        self.signals.check()?;
        self.pacer.take().await;
        let span = if days <= BAR_DAYS_MAX {
            i32::try_from(days).map(historical::Duration::days)
        } else {
            i32::try_from(days.div_ceil(BAR_DAYS_MAX)).map(historical::Duration::years)
        };
        let span = span.map_err(|error| problem::unreadable(BARS, &error.to_string()))?;
        let fetched = self
            .client
            .historical_data(&map::routed(contract), BarSize::Day)
            .duration(span)
            .what_to_show(map::what_to_show(&contract.instrument))
            .trading_hours(TradingHours::Regular)
            .fetch()
            .await
            .map_err(|error| problem::of(BARS, error))?;
        let bars = fetched
            .bars
            .iter()
            .map(map::bar)
            .collect::<Result<Vec<Bar>, String>>()
            .map_err(|what| problem::unreadable(BARS, &what))?;
        let surplus = bars.len().saturating_sub(usize::try_from(days).unwrap_or(usize::MAX));
        Ok(bars.into_iter().skip(surplus).collect())
    }
}
