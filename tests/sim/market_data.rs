//! Quotes: live, frozen, delayed, or not to be seen.

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

/// The types of the price ticks, in order.
fn price_types(ticks: &[TickTypes]) -> Vec<String> {
    let kind = |tick: &TickTypes| match tick {
        TickTypes::PriceSize(tick) => Some(format!("{:?}", tick.price_tick_type)),
        _ => None,
    };
    ticks.iter().filter_map(kind).collect()
}

async fn snapshot(client: &Client, symbol: &str) -> Vec<TickTypes> {
    let contract = Contract::stock(symbol).build();
    client.market_data(&contract).snapshot_once(DEADLINE).await.unwrap()
}

#[tokio::test]
async fn delayed_data_is_for_those_who_may_see_no_better() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    client.switch_market_data_type(MarketDataType::Delayed).await.unwrap();
    let live = snapshot(&client, "SPY").await;
    assert_eq!(Quote::from_ticks(&live).market_data_type, Some(MarketDataType::Realtime));
    assert_eq!(price_types(&live), ["Bid", "Ask", "Last"]);
    let delayed = snapshot(&client, "ORCL").await;
    assert_eq!(Quote::from_ticks(&delayed).market_data_type, Some(MarketDataType::Delayed));
    assert_eq!(price_types(&delayed), ["DelayedBid", "DelayedAsk", "DelayedLast"]);
}

#[tokio::test]
async fn delayed_quotes_are_those_of_a_quarter_of_an_hour_ago() {
    let options = Options {
        clock: Some("2026-03-02T15:00:00Z".parse().unwrap()),
        speed: dec("0"),
        universe: None,
        ..Options::loopback(1)
    };
    let simulator = Simulator::start(options).await.unwrap();
    let client = connect(&simulator, CLIENT).await;
    client.switch_market_data_type(MarketDataType::Delayed).await.unwrap();
    let bid = async || Quote::from_ticks(&snapshot(&client, "ORCL").await).bid.unwrap();
    let mut bids = vec![bid().await];
    for _ in 0..3 {
        simulator.advance(jiff::SignedDuration::from_mins(5)).unwrap();
        bids.push(bid().await);
    }
    assert_eq!(bids[3], 139.99, "the bid around 140, where prices began a quarter of an hour ago");
    assert!(bids[..3].iter().any(|bid| *bid != 139.99), "{bids:?}");
}

#[tokio::test]
async fn data_without_a_permission_is_354() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let refused = async |symbol: &str| {
        let contract = Contract::stock(symbol).build();
        let mut ticks = client.market_data(&contract).subscribe().await.unwrap();
        code(within(ticks.next()).await.unwrap())
    };
    assert_eq!(refused("ORCL").await, 354);
    assert_eq!(refused("NFLX").await, 354);
    client.switch_market_data_type(MarketDataType::DelayedFrozen).await.unwrap();
    assert_eq!(refused("NFLX").await, 354);
    // Paid for by the piece, so that it needs no subscription.
    let oracle = Contract::stock("NFLX").build();
    let mut ticks = client.market_data(&oracle).regulatory_snapshot().subscribe().await.unwrap();
    until(&mut ticks, |tick| matches!(tick, TickTypes::SnapshotEnd)).await;
}

/// A simulator with the hours of the exchanges, whose clock stands.
async fn exchange_at(time: &str) -> Simulator {
    let options = Options {
        hours: rungate::sim::Hours::Exchange,
        clock: Some(time.parse().unwrap()),
        speed: dec("0"),
        ..Options::loopback(1)
    };
    Simulator::start(options).await.unwrap()
}

#[tokio::test]
async fn a_closed_market_has_no_live_quote_and_a_frozen_one() {
    // A Saturday.
    let simulator = exchange_at("2026-03-07T15:00:00Z").await;
    let client = connect(&simulator, CLIENT).await;
    let live = snapshot(&client, "SPY").await;
    let prices: Vec<_> = live
        .iter()
        .filter_map(|tick| match tick {
            TickTypes::PriceSize(tick) => Some((tick.price, tick.size)),
            _ => None,
        })
        .collect();
    assert_eq!(prices[..2], [(-1.0, 0.0), (-1.0, 0.0)]);
    assert!(prices[2].0 > 0.0, "the last trade is there");
    client.switch_market_data_type(MarketDataType::Frozen).await.unwrap();
    let frozen = Quote::from_ticks(&snapshot(&client, "SPY").await);
    assert_eq!(frozen.market_data_type, Some(MarketDataType::Frozen));
    let bid = frozen.bid.unwrap();
    simulator.advance(jiff::SignedDuration::from_hours(24)).unwrap();
    assert_eq!(Quote::from_ticks(&snapshot(&client, "SPY").await).bid, Some(bid));
}

#[tokio::test]
async fn a_stream_turns_frozen_when_the_market_closes() {
    // A minute before eight in the evening, the end of extended hours.
    let simulator = exchange_at("2026-03-07T00:59:00Z").await;
    let client = connect(&simulator, CLIENT).await;
    client.switch_market_data_type(MarketDataType::Frozen).await.unwrap();
    let mut ticks = client.market_data(&spy()).subscribe().await.unwrap();
    let kind = |wanted: MarketDataType| move |tick: &TickTypes| matches!(tick, TickTypes::MarketDataType(kind) if *kind == wanted);
    until(&mut ticks, kind(MarketDataType::Realtime)).await;
    simulator.advance(jiff::SignedDuration::from_mins(2)).unwrap();
    until(&mut ticks, kind(MarketDataType::Frozen)).await;
}

#[tokio::test]
async fn generic_ticks_come_with_a_stream_and_not_with_a_snapshot() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let spy = spy();
    let ticks = client.market_data(&spy).generic_ticks(&["232", "236"]).subscribe().await;
    let mut ticks = ticks.unwrap();
    until(&mut ticks, |tick| matches!(tick, TickTypes::Generic(tick) if tick.value == 3.0)).await;
    let once = client.market_data(&spy).generic_ticks(&["232"]).snapshot().subscribe().await;
    assert_eq!(code(within(once.unwrap().next()).await.unwrap()), 321);
}

#[tokio::test]
async fn a_client_has_a_hundred_lines() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let spy = spy();
    let mut lines = Vec::new();
    for _ in 0..100 {
        lines.push(client.market_data(&spy).subscribe().await.unwrap());
    }
    let mut surplus = client.market_data(&spy).subscribe().await.unwrap();
    assert_eq!(code(within(surplus.next()).await.unwrap()), 101);
    lines.pop().unwrap().cancel().await;
    settle(&client).await;
    let mut next = client.market_data(&spy).subscribe().await.unwrap();
    until(&mut next, |tick| matches!(tick, TickTypes::PriceSize(_))).await;
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
