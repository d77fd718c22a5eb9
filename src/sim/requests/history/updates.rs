//! Bars that are kept up to date, and real-time bars of five seconds.

use jiff::{SignedDuration, Timestamp};

use super::bars::{self, Bar};
use super::parse::{self, Query, Reach, Show, Size};
use super::{Call, STREAMS_MAX, Undecodable, sessions};
use crate::sim::client::Client;
use crate::sim::messages::{HistoricalDataUpdate, RealTimeBarTick, RealTimeBarsRequest};
use crate::sim::reports::{double, text};
use crate::sim::requests::contracts::only;
use crate::sim::universe::Listing;
use crate::sim::world::World;

/// How often the current bar is told: IB builds its updates from bars of five seconds
/// (<https://interactivebrokers.github.io/tws-api/historical_bars.html>).
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The length of a real-time bar, the only one there is.
const REAL_TIME_SECONDS: i64 = 5;

/// A subscription to bars as they form.
#[derive(Clone, Copy, Debug)]
pub struct BarStream {
    con_id: i32,
    regular_hours: bool,
    size: Size,
    show: Show,
    epoch: bool,
    /// Whole bars of five seconds in messages of their own, instead of updates.
    real_time: bool,
    /// The bar that was current at the last look.
    shown: Option<(Timestamp, Timestamp)>,
    /// When to look again.
    due: Timestamp,
}

impl BarStream {
    /// The stream that follows an answer.
    pub fn after(world: &World, query: &Query<'_>) -> Self {
        let mut stream = Self {
            con_id: query.listing.con_id,
            regular_hours: query.regular_hours,
            size: query.size,
            show: query.show,
            epoch: query.epoch,
            real_time: false,
            shown: None,
            due: later(world.now),
        };
        stream.shown = stream.current(world, query.listing).map(|bar| (bar.start, bar.end));
        stream
    }

    fn query<'a>(&self, listing: &'a Listing, end: Timestamp) -> Query<'a> {
        Query {
            listing,
            regular_hours: self.regular_hours,
            end,
            reach: Reach::Days(1),
            size: self.size,
            show: self.show,
            epoch: self.epoch,
        }
    }

    /// The bar that is forming; `None` outside the sessions.
    fn current(&self, world: &World, listing: &Listing) -> Option<Bar> {
        let Size::Seconds(seconds) = self.size else {
            return bars::collect(world, &self.query(listing, world.now)).ok()?.pop();
        };
        let session = sessions::current(world, listing, self.regular_hours)?;
        let next = bars::aligned(world, &session, later_than(world.now), seconds);
        let length = SignedDuration::from_secs(seconds);
        let start = next.checked_sub(length).ok()?.max(session.start);
        let end = next.min(session.end);
        let range = bars::range(world, listing, start, end, world.now)?;
        Some(Bar { date: session.date, start, end, range })
    }

    /// The bar that was current at the last look, if another one is now: whole.
    fn finished(&self, world: &World, listing: &Listing) -> Option<Bar> {
        let (start, end) = self.shown?;
        if end > world.now {
            return None;
        }
        let range = bars::range(world, listing, start, end, end)?;
        Some(Bar { date: world.zone.date(start), start, end, range })
    }

    fn look(&mut self, world: &World, client: &mut Client, req_id: i32) {
        if world.now < self.due && self.due <= later(world.now) {
            return;
        }
        self.due = later(world.now);
        let Some(listing) = world.market.universe().get(self.con_id) else { return };
        let (finished, current) = (self.finished(world, listing), self.current(world, listing));
        let intraday = matches!(self.size, Size::Seconds(_));
        if let Some(bar) = finished.filter(|_| intraday) {
            self.send(world, client, req_id, listing, &bar);
        }
        if let Some(bar) = current.filter(|_| !self.real_time) {
            self.send(world, client, req_id, listing, &bar);
        }
        self.shown = current.map(|bar| (bar.start, bar.end));
        if let (true, Some((_, end))) = (self.real_time, self.shown) {
            self.due = end;
        }
    }

    fn send(&self, world: &World, client: &mut Client, req_id: i32, listing: &Listing, bar: &Bar) {
        let query = self.query(listing, world.now);
        if !self.real_time {
            let historical_data_bar = Some(bars::row(world, &query, bar));
            client.send(&HistoricalDataUpdate { req_id: Some(req_id), historical_data_bar });
            return;
        }
        let [open, high, low, close] = bars::shown(listing, self.show, &bar.range);
        let counted = self.show == Show::Trades;
        let none = || "-1".to_owned();
        client.send(&RealTimeBarTick {
            req_id: Some(req_id),
            time: Some(bar.start.as_second()),
            open: Some(double(open)),
            high: Some(double(high)),
            low: Some(double(low)),
            close: Some(double(close)),
            volume: Some(if counted { text(bar.range.volume) } else { none() }),
            wap: Some(if counted { text(bars::average(&bar.range)) } else { none() }),
            count: Some(if counted { bars::trades(bar.range.volume) } else { -1 }),
        });
    }
}

fn later(at: Timestamp) -> Timestamp {
    at.saturating_add(EVERY).unwrap_or(at)
}

/// The next instant: an instant at which a bar begins belongs to that bar.
fn later_than(at: Timestamp) -> Timestamp {
    at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(at)
}

/// Tells a client what became of its bars. Many bars of a clock that runs fast are passed over:
/// it hears of the one that was current before and of the one that is now.
pub fn update(world: &World, client: &mut Client) {
    let mut streams = std::mem::take(&mut client.subscriptions.bars);
    for (req_id, stream) in &mut streams {
        stream.look(world, client, *req_id);
    }
    client.subscriptions.bars = streams;
}

pub fn real_time(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: RealTimeBarsRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let wanted = request.contract.unwrap_or_default();
    let listing = match only(call.world, &wanted) {
        Ok(listing) => listing,
        Err(error) => {
            let text = error.to_string();
            call.error(req_id, 200, text);
            return Ok(());
        }
    };
    let show = match parse::show(listing, request.what_to_show.as_deref().unwrap_or("TRADES")) {
        Ok(show @ (Show::Trades | Show::Midpoint | Show::Bid | Show::Ask)) => show,
        Ok(_) | Err((321, _)) => {
            let text = "Error validating request.-'bW' : cause - Real-time bars show TRADES, \
                        MIDPOINT, BID or ASK";
            call.error(req_id, 321, text);
            return Ok(());
        }
        Err((_, text)) => {
            call.error(req_id, 420, format!("Invalid Real-time Query:{text}"));
            return Ok(());
        }
    };
    let mut stream = BarStream {
        con_id: listing.con_id,
        regular_hours: request.use_rth == Some(true),
        size: Size::Seconds(REAL_TIME_SECONDS),
        show,
        epoch: true,
        real_time: true,
        shown: None,
        due: call.world.now,
    };
    stream.shown = stream.current(call.world, listing).map(|bar| (bar.start, bar.end));
    stream.due = stream.shown.map_or(call.world.now, |(_, end)| end);
    let Some(client) = call.world.clients.get_mut(&call.connection) else { return Ok(()) };
    let streams = &mut client.subscriptions.bars;
    if streams.len() >= STREAMS_MAX || streams.contains_key(&req_id) {
        call.error(req_id, 322, "Error processing request.-'bW' : cause - Duplicate ticker id");
        return Ok(());
    }
    streams.insert(req_id, stream);
    Ok(())
}

pub fn cancel_real_time(call: &mut Call<'_>) -> Result<(), Undecodable> {
    super::cancel(call)
}
