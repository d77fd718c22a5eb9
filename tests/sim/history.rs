//! Bars: of all sizes, replayed, kept up to date; and sessions.

use ibapi::market_data::historical::{BarTimestamp, HistoricalBarUpdate};
use jiff::SignedDuration;

use super::*;

/// A simulator whose clock stands at three in the afternoon of a Friday in New York.
async fn standing() -> Simulator {
    Simulator::start(standing_options()).await.unwrap()
}

fn standing_options() -> Options {
    Options {
        clock: Some("2026-03-06T20:00:00Z".parse().unwrap()),
        speed: dec("0"),
        ..Options::loopback(1)
    }
}

/// The days of bars, as `MM-DD`.
fn days(bars: &[ibapi::market_data::historical::Bar]) -> Vec<String> {
    let day = |bar: &ibapi::market_data::historical::Bar| match bar.date {
        BarTimestamp::Date(date) => format!("{:02}-{:02}", u8::from(date.month()), date.day()),
        BarTimestamp::DateTime(at) => panic!("{at} is no day"),
    };
    bars.iter().map(day).collect()
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
    assert!(within(midpoints.fetch()).await.unwrap().bars.len() >= 90);
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

#[tokio::test]
async fn daily_weekly_and_monthly_bars_agree() {
    let simulator = standing().await;
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let fetch = async |size, duration| {
        let bars = client
            .historical_data(&spy, size)
            .what_to_show(HistoricalWhatToShow::Trades)
            .duration(duration);
        within(bars.fetch()).await.unwrap().bars
    };
    let daily = fetch(HistoricalBarSize::Day, 5.days()).await;
    assert_eq!(days(&daily), ["03-02", "03-03", "03-04", "03-05", "03-06"]);
    let weekly = fetch(HistoricalBarSize::Week, 1.weeks()).await;
    assert_eq!(days(&weekly).last().unwrap(), "03-06", "a week has the date of its last day");
    let week = weekly.last().unwrap();
    assert_eq!((week.open, week.close), (daily[0].open, daily[4].close));
    let high = daily.iter().map(|bar| bar.high).fold(0.0, f64::max);
    assert_eq!(week.high, high);
    let monthly = fetch(HistoricalBarSize::Month, 3.months()).await;
    assert_eq!(days(&monthly), ["12-31", "01-30", "02-27", "03-06"]);
}

#[tokio::test]
async fn holidays_have_no_bars_and_early_closes_short_ones() {
    let options =
        Options { clock: Some("2025-12-01T00:00:00Z".parse().unwrap()), ..standing_options() };
    let simulator = Simulator::start(options).await.unwrap();
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    // Thanksgiving of 2025 was on November 27, and the day after it ended at one.
    let bars = client
        .historical_data(&spy, HistoricalBarSize::Min30)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(2.days());
    assert_eq!(within(bars.fetch()).await.unwrap().bars.len(), 13 + 7);
    let bars = client
        .historical_data(&spy, HistoricalBarSize::Day)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(3.days());
    assert_eq!(days(&within(bars.fetch()).await.unwrap().bars), ["11-25", "11-26", "11-28"]);
    let schedule = client.historical_schedules(&spy, 3.days());
    let schedule = within(schedule.fetch()).await.unwrap();
    let hours: Vec<_> = schedule.sessions.iter().map(|session| session.end.hour()).collect();
    assert_eq!(hours, [16, 16, 13]);
    assert_eq!(schedule.time_zone, "US/Eastern");
}

#[tokio::test]
async fn what_ib_refuses_is_refused() {
    let simulator = standing().await;
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let refusal = async |size, what, duration| {
        let bars = client.historical_data(&spy, size).what_to_show(what).duration(duration);
        code(within(bars.fetch()).await)
    };
    let (trades, day) = (HistoricalWhatToShow::Trades, HistoricalBarSize::Day);
    assert_eq!(refusal(day, trades, 400.days()).await, 321);
    assert_eq!(refusal(day, trades, 90_000.seconds()).await, 321);
    assert_eq!(refusal(HistoricalBarSize::Sec, trades, 1.days()).await, 162, "invalid step");
    assert_eq!(refusal(HistoricalBarSize::Min, trades, 1.years()).await, 162, "too many bars");
    assert_eq!(refusal(day, HistoricalWhatToShow::FeeRate, 5.days()).await, 162);
}

#[tokio::test]
async fn bars_that_are_kept_up_to_date_follow_the_clock_until_they_are_cancelled() {
    let simulator = standing().await;
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let mut stream = client
        .historical_data(&spy, HistoricalBarSize::Min)
        .what_to_show(HistoricalWhatToShow::Trades)
        .duration(600.seconds())
        .stream()
        .await
        .unwrap();
    let mut next = async || loop {
        match within(stream.next()).await.unwrap().unwrap() {
            SubscriptionItem::Data(HistoricalBarUpdate::Update(bar)) => return bar,
            SubscriptionItem::Data(_) | SubscriptionItem::Notice(_) => {}
        }
    };
    let minute = |bar: &ibapi::market_data::historical::Bar| match bar.date {
        BarTimestamp::DateTime(at) => at.minute(),
        BarTimestamp::Date(date) => panic!("{date} is no instant"),
    };
    settle(&client).await;
    simulator.advance(SignedDuration::from_secs(30)).unwrap();
    let half = next().await;
    assert_eq!(minute(&half), 0);
    simulator.advance(SignedDuration::from_secs(40)).unwrap();
    let (whole, current) = (next().await, next().await);
    assert_eq!((minute(&whole), minute(&current)), (0, 1));
    assert!(whole.volume > half.volume && whole.open == half.open, "{half:?} {whole:?}");
    stream.cancel().await;
    settle(&client).await;
}

#[tokio::test]
async fn real_time_bars_come_whole_every_five_seconds() {
    let simulator = standing().await;
    let client = connect(&simulator, CLIENT).await;
    let mut bars = client.realtime_bars(&spy()).subscribe().await.unwrap();
    settle(&client).await;
    let mut times = Vec::new();
    for _ in 0..3 {
        simulator.advance(SignedDuration::from_secs(5)).unwrap();
        let item = within(bars.next()).await.unwrap().unwrap();
        let SubscriptionItem::Data(bar) = item else { panic!("{item:?}") };
        times.push(bar.date.second());
        assert!(bar.low <= bar.close && bar.close <= bar.high && bar.volume > 0.0, "{bar:?}");
    }
    assert_eq!(times, [0, 5, 10]);
}

#[tokio::test]
async fn replayed_bars_are_quoted_traded_and_told_as_history() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "Date,Open,High,Low,Close,Volume\n2026-03-02,500,530,490,520,1000\n\
                2026-03-03,510,520,400,410,2000\n";
    std::fs::write(folder.path().join("SPY.csv"), rows).unwrap();
    let options =
        Options { bars: vec![folder.path().to_owned()], speed: dec("0"), ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.unwrap();
    assert_eq!(simulator.now().to_string(), "2026-03-02T14:30:00Z", "when the first bar opens");
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let last = async || {
        let ticks = client.market_data(&spy).snapshot_once(DEADLINE).await.unwrap();
        Quote::from_ticks(&ticks).last.unwrap()
    };
    assert_eq!(last().await, 500.0);
    // A third of the session: the low of a day that rises.
    simulator.advance(SignedDuration::from_mins(130)).unwrap();
    assert_eq!(last().await, 490.0);
    let history = async || {
        let bars = client
            .historical_data(&spy, HistoricalBarSize::Day)
            .what_to_show(HistoricalWhatToShow::Trades)
            .duration(5.days());
        let bars = within(bars.fetch()).await.unwrap().bars;
        bars.iter().map(|bar| [bar.open, bar.high, bar.low, bar.close]).collect::<Vec<_>>()
    };
    assert_eq!(history().await, [[500.0, 500.0, 490.0, 490.0]], "the rest is not known yet");
    let order = Order {
        tif: ibapi::orders::TimeInForce::GoodTillCanceled,
        ..limit(Action::Buy, 10.0, 450.0)
    };
    client.submit_order(1, &spy, &order).await.unwrap();
    settle(&client).await;
    simulator.advance(SignedDuration::from_hours(48)).unwrap();
    assert_eq!(history().await, [[500.0, 530.0, 490.0, 520.0], [510.0, 520.0, 400.0, 410.0]]);
    let fills = simulator.truth().executions;
    assert!(!fills.is_empty() && fills.iter().all(|fill| fill.price <= dec("450")), "{fills:?}");
    let head = client.head_timestamp(&spy, HistoricalWhatToShow::Trades, TradingHours::Regular);
    assert_eq!(within(head).await.unwrap().unix_timestamp(), 1_772_461_800);
}

#[tokio::test]
async fn bars_that_cannot_be_replayed_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("SPY.csv"), "date,open\n").unwrap();
    let options = Options { bars: vec![folder.path().to_owned()], ..Options::loopback(1) };
    let error = Simulator::start(options).await.unwrap_err().to_string();
    assert!(error.contains("SPY.csv:1: expected the columns"), "{error}");
}

#[tokio::test]
async fn identical_requests_for_short_bars_come_too_soon() {
    let simulator =
        Simulator::start(Options { messages_per_second: 50, ..standing_options() }).await.unwrap();
    let spy = spy();
    let client = connect(&simulator, CLIENT).await;
    let fetch = async |size| {
        let bars = client
            .historical_data(&spy, size)
            .what_to_show(HistoricalWhatToShow::Trades)
            .duration(600.seconds());
        within(bars.fetch()).await
    };
    assert!(!fetch(HistoricalBarSize::Sec30).await.unwrap().bars.is_empty());
    assert_eq!(code(fetch(HistoricalBarSize::Sec30).await), 162);
    for _ in 0..2 {
        assert_eq!(fetch(HistoricalBarSize::Min).await.unwrap().bars.len(), 10);
    }
}
