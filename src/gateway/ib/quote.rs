//! One quote, folded from the ticks of a snapshot.

use std::time::Duration;

use ibapi::contracts::tick_types::TickType;
use ibapi::market_data::realtime::TickTypes;
use ibapi::prelude::{StreamExt, SubscriptionItem};
use tokio::time::{Instant, timeout_at};

use super::{Live, map, number, problem};
use crate::clock::Clock;
use crate::domain::{Contract, MarketDataType, Quote};
use crate::gateway::GatewayError;

const QUOTE: &str = "a quote";

/// How long a quote with all its prices waits for the end marker, which IB may send 11 seconds
/// later: long enough for one that is already on its way, which spares the cancel.
const END_GRACE: Duration = Duration::from_millis(100);

impl Live {
    pub(in crate::gateway) async fn quote(
        &self,
        contract: &Contract,
    ) -> Result<Quote, GatewayError> {
        self.signals.check()?;
        self.pacer.take().await;
        let wire = map::routed(contract);
        let asked = self.client.market_data(&wire).snapshot().subscribe().await;
        let mut ticks = asked.map_err(|error| problem::of(QUOTE, error))?;
        let mut fold = Fold::new(&self.clock);
        let mut enough_at: Option<Instant> = None;
        loop {
            let next = match enough_at {
                None => ticks.next().await,
                Some(at) => match timeout_at(at, ticks.next()).await {
                    Ok(next) => next,
                    Err(_elapsed) => break,
                },
            };
            match next {
                Some(Ok(SubscriptionItem::Data(TickTypes::SnapshotEnd))) => break,
                Some(Ok(SubscriptionItem::Data(tick))) => fold.tick(&tick, &self.clock),
                // Advisories: the data is delayed, and says so itself.
                Some(Ok(SubscriptionItem::Notice(notice))) => {
                    tracing::debug!(code = notice.code, "notice on a quote");
                }
                Some(Err(error)) => return Err(problem::of(QUOTE, error)),
                None => return Err(GatewayError::Reset { request: QUOTE }),
            }
            if enough_at.is_none() && fold.is_complete() {
                enough_at = Some(Instant::now() + END_GRACE);
            }
        }
        Ok(fold.quote())
    }
}

/// A quote under construction.
struct Fold {
    quote: Quote,
    /// From the gateway's own frame.
    said: Option<MarketDataType>,
    /// A tick id that only delayed data has.
    delayed: bool,
}

impl Fold {
    fn new(clock: &Clock) -> Self {
        Self {
            quote: Quote {
                bid: None,
                ask: None,
                last: None,
                close: None,
                at: clock.now(),
                data_type: MarketDataType::Live,
            },
            said: None,
            delayed: false,
        }
    }

    fn tick(&mut self, tick: &TickTypes, clock: &Clock) {
        match tick {
            TickTypes::Price(tick) => self.price(tick.tick_type, tick.price, clock),
            TickTypes::PriceSize(tick) => self.price(tick.price_tick_type, tick.price, clock),
            TickTypes::MarketDataType(kind) => self.said = map::data_type_from(*kind),
            TickTypes::Size(_)
            | TickTypes::String(_)
            | TickTypes::Generic(_)
            | TickTypes::OptionComputation(_)
            | TickTypes::SnapshotEnd
            | TickTypes::RequestParameters(_) => {}
        }
    }

    fn price(&mut self, tick: TickType, wire: f64, clock: &Clock) {
        let (slot, delayed) = match tick {
            TickType::Bid => (&mut self.quote.bid, false),
            TickType::DelayedBid => (&mut self.quote.bid, true),
            TickType::Ask => (&mut self.quote.ask, false),
            TickType::DelayedAsk => (&mut self.quote.ask, true),
            TickType::Last => (&mut self.quote.last, false),
            TickType::DelayedLast => (&mut self.quote.last, true),
            TickType::Close => (&mut self.quote.close, false),
            TickType::DelayedClose => (&mut self.quote.close, true),
            _ => return,
        };
        *slot = number::price(wire);
        self.delayed |= delayed;
        self.quote.at = clock.now();
    }

    fn is_complete(&self) -> bool {
        let Quote { bid, ask, last, close, .. } = &self.quote;
        bid.is_some() && ask.is_some() && last.is_some() && close.is_some()
    }

    fn quote(self) -> Quote {
        let data_type = match (self.said, self.delayed) {
            // The frame may be missing; the tick ids do not lie.
            (None | Some(MarketDataType::Live | MarketDataType::Frozen), true) => {
                MarketDataType::Delayed
            }
            (Some(said), _) => said,
            (None, false) => MarketDataType::Live,
        };
        Quote { data_type, ..self.quote }
    }
}

#[cfg(test)]
mod tests {
    use ibapi::market_data::realtime::{TickAttribute, TickPrice};
    use jiff::Timestamp;

    use super::*;

    fn price(tick_type: TickType, price: f64) -> TickTypes {
        TickTypes::Price(TickPrice { tick_type, price, attributes: TickAttribute::default() })
    }

    fn fold(ticks: &[TickTypes]) -> Quote {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let mut fold = Fold::new(&clock);
        for (second, tick) in (1_i64..).zip(ticks) {
            clock.set(Timestamp::from_second(second).unwrap());
            fold.tick(tick, &clock);
        }
        fold.quote()
    }

    #[test]
    fn no_price_stays_absent() {
        let quote = fold(&[
            price(TickType::Bid, -1.0),
            price(TickType::Ask, 0.0),
            price(TickType::Last, f64::NAN),
            price(TickType::Close, 593.37),
        ]);
        assert_eq!((quote.bid, quote.ask, quote.last), (None, None, None));
        assert_eq!(quote.close, Some("593.37".parse().unwrap()));
    }

    #[test]
    fn delayed_ticks_show_even_if_the_gateway_calls_them_live() {
        let live = TickTypes::MarketDataType(ibapi::market_data::MarketDataType::Realtime);
        let quote = fold(&[live, price(TickType::DelayedBid, 10.5)]);
        assert_eq!(quote.data_type, MarketDataType::Delayed);
        assert_eq!(quote.bid, Some("10.5".parse().unwrap()));
    }

    #[test]
    fn the_kind_of_data_is_what_the_gateway_says() {
        let frozen = TickTypes::MarketDataType(ibapi::market_data::MarketDataType::DelayedFrozen);
        let quote = fold(&[frozen, price(TickType::DelayedAsk, 2.0)]);
        assert_eq!(quote.data_type, MarketDataType::DelayedFrozen);
    }

    #[test]
    fn a_quote_is_as_old_as_its_last_price() {
        let other = price(TickType::High, 3.0);
        let quote = fold(&[price(TickType::Bid, 1.0), price(TickType::Ask, 2.0), other]);
        assert_eq!(quote.at, Timestamp::from_second(2).unwrap());
    }
}
