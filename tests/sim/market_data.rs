//! Quotes and bars.

use ibapi::market_data::historical::BarTimestamp;
use ibapi::market_data::realtime::TickTypes;

use super::*;

/// Reads ticks until one satisfies `wanted`.
async fn until(
    ticks: &mut Subscription<TickTypes>,
    mut wanted: impl FnMut(&TickTypes) -> bool,
) -> TickTypes {
    loop {
        let item = within(ticks.next()).await.expect("the stream goes on").unwrap();
        if let SubscriptionItem::Data(tick) = item
            && wanted(&tick)
        {
            return tick;
        }
    }
}

#[tokio::test]
async fn a_snapshot_has_the_quote_and_ends() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let ticks = client.market_data(&spy()).snapshot_once(DEADLINE).await.unwrap();
    let quote = Quote::from_ticks(&ticks);
    assert_eq!((quote.bid, quote.ask), (Some(559.99), Some(560.01)));
    assert!(quote.bid_size.is_some_and(|size| size > 0.0));
    assert!(matches!(ticks.first(), Some(TickTypes::RequestParameters(_))));
    assert_eq!(Quote::from_ticks(&ticks).market_data_type, Some(MarketDataType::Realtime));
}

#[tokio::test]
async fn a_stream_follows_the_market_until_it_is_cancelled() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut ticks = client.market_data(&spy()).subscribe().await.unwrap();
    let bid = |price: f64| move |tick: &TickTypes| matches!(tick, TickTypes::PriceSize(tick) if tick.price == price);
    until(&mut ticks, bid(559.99)).await;
    simulator.faults().set_price("SPY", dec("570.00"), dec("570.02")).unwrap();
    until(&mut ticks, bid(570.0)).await;
    ticks.cancel().await;
    settle(&client).await;
}

#[tokio::test]
async fn the_seeded_market_moves_by_itself() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    // The most volatile contract of the universe: some tick follows within seconds.
    let mut ticks = client.market_data(&Contract::stock("META").build()).subscribe().await.unwrap();
    let mut first = None;
    until(&mut ticks, |tick| match tick {
        TickTypes::PriceSize(tick)
            if tick.price_tick_type == ibapi::contracts::tick_types::TickType::Bid =>
        {
            let before = *first.get_or_insert(tick.price);
            before != tick.price
        }
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn delayed_data_comes_as_delayed_ticks() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    client.switch_market_data_type(MarketDataType::Delayed).await.unwrap();
    let ticks = client.market_data(&spy()).snapshot_once(DEADLINE).await.unwrap();
    assert_eq!(Quote::from_ticks(&ticks).market_data_type, Some(MarketDataType::Delayed));
    let types: Vec<_> = ticks
        .iter()
        .filter_map(|tick| match tick {
            TickTypes::PriceSize(tick) => Some(format!("{:?}", tick.price_tick_type)),
            _ => None,
        })
        .collect();
    assert_eq!(types, ["DelayedBid", "DelayedAsk", "DelayedLast"]);
}

#[tokio::test]
async fn an_unknown_contract_has_no_quote_and_no_bars() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let nothing = Contract::stock("NOSUCH").build();
    let mut ticks = client.market_data(&nothing).subscribe().await.unwrap();
    assert_eq!(code(within(ticks.next()).await.unwrap()), 200);
    let bars = client.historical_data(&nothing, HistoricalBarSize::Day).duration(5.days());
    assert_eq!(code(within(bars.fetch()).await), 200);
}

#[tokio::test]
async fn daily_bars_are_of_trading_days_in_order_and_hold_together() {
    let simulator = start().await;
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let bars = client
        .historical_data(&spy, HistoricalBarSize::Day)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(30.days());
    let history = within(bars.fetch()).await.unwrap();
    assert_eq!(history.bars.len(), 30);
    let mut before = None;
    for bar in &history.bars {
        let BarTimestamp::Date(date) = bar.date else { panic!("{bar:?}") };
        assert!(date.weekday().number_from_monday() <= 5, "{date}");
        assert!(before < Some(date), "{date} is out of order");
        before = Some(date);
        assert!(bar.low <= bar.open && bar.low <= bar.close, "{bar:?}");
        assert!(bar.high >= bar.open && bar.high >= bar.close, "{bar:?}");
        assert!(bar.volume > 0.0);
    }

    let again = client
        .historical_data(&spy, HistoricalBarSize::Day)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(10.days());
    let again = within(again.fetch()).await.unwrap().bars;
    assert_eq!(again[..9], history.bars[20..29], "history does not depend on who asks when");
}

#[tokio::test]
async fn intraday_bars_and_currencies_work_and_trades_of_currencies_do_not() {
    let simulator = start().await;
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let half_hours = client
        .historical_data(&spy, HistoricalBarSize::Min30)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(3.days());
    let half_hours = within(half_hours.fetch()).await.unwrap();
    assert!((26..=39).contains(&half_hours.bars.len()), "{}", half_hours.bars.len());

    let euro = Contract::forex("EUR", "USD").build();
    let midpoints = client
        .historical_data(&euro, HistoricalBarSize::Hour)
        .what_to_show(HistoricalWhatToShow::MidPoint)
        .duration(1.weeks());
    assert!(within(midpoints.fetch()).await.unwrap().bars.len() >= 96);
    let trades = client
        .historical_data(&euro, HistoricalBarSize::Day)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(1.weeks());
    assert_eq!(code(within(trades.fetch()).await), 162);
}

#[tokio::test]
async fn the_head_of_the_history_is_years_back() {
    let simulator = start().await;
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let head = client.head_timestamp(&spy, HistoricalWhatToShow::Trades, TradingHours::Regular);
    assert_eq!(within(head).await.unwrap().year(), 2010);
    let years = client
        .historical_data(&spy, HistoricalBarSize::Day)
        .what_to_show(HistoricalWhatToShow::AdjustedLast)
        .duration(20.years());
    assert!(within(years.fetch()).await.unwrap().bars.len() > 4000);
}
