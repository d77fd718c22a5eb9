use jiff::ToSpan;

use super::*;
use crate::config::OrderKind;
use crate::domain::Currency;
use crate::portfolio::fixtures::{EUR, FUT, SPY, config, contract, d, inputs, now, quote};

#[test]
fn the_middle_of_a_market_is_the_price() {
    assert_eq!(mid_or_last(&quote("499.98", "500.03")), Some(d("500.005")));
}

#[test]
fn a_crossed_or_one_sided_market_falls_back_on_the_last_trade() {
    let mut crossed = quote("500.02", "499.98");
    assert_eq!(mid_or_last(&crossed), None);
    crossed.last = Some(d("500"));
    assert_eq!(mid_or_last(&crossed), Some(d("500")));
    let one_sided = Quote { bid: None, ..crossed };
    assert_eq!(mid_or_last(&one_sided), Some(d("500")));
}

#[test]
fn neither_a_close_nor_a_marker_is_a_price() {
    let mut none = quote("-1", "-1");
    none.last = Some(Decimal::ZERO);
    none.close = Some(d("498"));
    assert_eq!(usable_price(Some(&none), now(), &config()), Err(QuoteProblem::NoPrice));
    assert_eq!(usable_price(None, now(), &config()), Err(QuoteProblem::Missing));
}

#[test]
fn a_quote_is_fresh_up_to_its_limit_and_not_beyond() {
    let config = config();
    let quote = quote("499.98", "500.02");
    let age = |seconds: i64| usable_price(Some(&quote), quote.at + seconds.seconds(), &config);
    assert_eq!(age(0), Ok(d("500")));
    assert_eq!(age(60), Ok(d("500")));
    let stale = QuoteProblem::Stale { age_seconds: 61, limit_seconds: 60 };
    assert_eq!(age(61), Err(stale));
}

#[test]
fn worse_data_than_was_asked_for_is_refused() {
    use MarketDataType::{Delayed, DelayedFrozen, Frozen, Live};
    let table = [
        (Live, vec![Live]),
        (Frozen, vec![Live, Frozen]),
        (Delayed, vec![Live, Delayed]),
        (DelayedFrozen, vec![Live, Frozen, Delayed, DelayedFrozen]),
    ];
    for (wanted, accepted) in table {
        let mut config = config();
        config.market_data_type = wanted;
        for got in [Live, Frozen, Delayed, DelayedFrozen] {
            let quote = Quote { data_type: got, ..quote("499.98", "500.02") };
            let usable = usable_price(Some(&quote), now(), &config).is_ok();
            assert_eq!(usable, accepted.contains(&got), "wanted {wanted:?}, got {got:?}");
        }
    }
}

#[test]
fn a_unit_is_worth_price_times_multiplier_times_rate() {
    let values = inputs().account_values;
    assert_eq!(unit_value(&contract(SPY), d("500"), &values), Ok(d("500")));
    // 5000 x 10 x 1.1
    assert_eq!(unit_value(&contract(FUT), d("5000"), &values), Ok(d("55000")));
}

#[test]
fn without_a_rate_nothing_is_worth_anything() {
    let mut values = inputs().account_values;
    values.exchange_rates.clear();
    assert_eq!(unit_value(&contract(SPY), d("500"), &values), Ok(d("500")));
    let problem = SizingProblem::ExchangeRate { currency: Currency::new("EUR") };
    assert_eq!(unit_value(&contract(FUT), d("5000"), &values), Err(problem.clone()));
    values.exchange_rates.insert(Currency::new("EUR"), Decimal::ZERO);
    assert_eq!(unit_value(&contract(FUT), d("5000"), &values), Err(problem));
}

#[test]
fn a_limit_price_is_never_worse_than_the_offset_allows() {
    let mut inputs = inputs();
    inputs.config.orders.kind = OrderKind::Limit;
    inputs.config.orders.limit_offset_bps = d("10");
    let mut limit = |id, side, bid: &str, ask: &str| {
        inputs.quotes.insert(id, quote(bid, ask));
        order_type(&inputs, &contract(id), side, mid_or_last(&quote(bid, ask)))
    };
    let price = |text: &str| Ok(OrderType::Limit { price: d(text) });
    // 500.02 x 1.001 = 500.52002, down to the cent; 499.98 x 0.999 = 499.48002, up to it.
    assert_eq!(limit(SPY, Side::Buy, "499.98", "500.02"), price("500.52"));
    assert_eq!(limit(SPY, Side::Sell, "499.98", "500.02"), price("499.49"));
    // 1.10010 x 1.001 = 1.1012001, down to half a pip.
    assert_eq!(limit(EUR, Side::Buy, "1.0999", "1.1001"), price("1.1012"));
    // A price below one step is raised to it.
    assert_eq!(limit(SPY, Side::Buy, "0.001", "0.002"), price("0.01"));
}

#[test]
fn a_limit_price_in_a_crossed_market_starts_from_the_last_trade() {
    let mut inputs = inputs();
    inputs.config.orders.kind = OrderKind::Limit;
    inputs.config.orders.limit_offset_bps = d("10");
    inputs.quotes.insert(SPY, quote("510", "490"));
    let buy = order_type(&inputs, &contract(SPY), Side::Buy, Some(d("500")));
    assert_eq!(buy, Ok(OrderType::Limit { price: d("500.5") }));
}

#[test]
fn without_a_price_an_order_goes_at_the_market() {
    let mut inputs = inputs();
    inputs.config.orders.kind = OrderKind::Limit;
    let none = order_type(&inputs, &contract(SPY), Side::Sell, None);
    assert_eq!(none, Ok(OrderType::Market));
}

#[test]
fn a_contract_without_a_price_step_has_no_limit_price() {
    let mut inputs = inputs();
    inputs.config.orders.kind = OrderKind::Limit;
    let mut spy = contract(SPY);
    spy.min_tick = Decimal::ZERO;
    let refused = order_type(&inputs, &spy, Side::Buy, Some(d("500")));
    assert!(matches!(refused, Err(SizingProblem::Contract { .. })), "{refused:?}");
}
