//! Quotes and bars.

use super::{Layout, Text};
use crate::sim::messages::{
    HeadTimestamp, HistoricalData, HistoricalDataBar, HistoricalDataEnd, HistoricalDataUpdate,
    HistoricalSchedule, MarketDataType, RealTimeBarTick, TickGeneric, TickPrice, TickReqParams,
    TickSize, TickSnapshotEnd, TickString,
};

impl Layout for TickPrice {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(6)
            .int(self.req_id)
            .int(self.tick_type)
            .double_or_blank(self.price)
            .decimal(self.size.as_ref())
            .int(self.attr_mask);
    }
}

impl Layout for TickSize {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(6)
            .int(self.req_id)
            .int(self.tick_type)
            .decimal(self.size.as_ref());
    }
}

impl Layout for TickString {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(6).int(self.req_id).int(self.tick_type).text(self.value.as_ref());
    }
}

impl Layout for TickGeneric {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(6)
            .int(self.req_id)
            .int(self.tick_type)
            .double_or_zero(self.value);
    }
}

impl Layout for TickReqParams {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .int(self.req_id)
            .decimal(self.min_tick.as_ref())
            .text(self.bbo_exchange.as_ref())
            .int(self.snapshot_permissions);
    }
}

impl Layout for TickSnapshotEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id);
    }
}

impl Layout for MarketDataType {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id).int(self.market_data_type);
    }
}

/// Waits for its range, which stands before the bars.
impl Layout for HistoricalData {
    fn lay_out(&self, to: &mut Text) {
        to.hold_bars(self.clone());
    }
}

/// No message of its own: the bars that waited, with this range. They are their own end.
impl Layout for HistoricalDataEnd {
    fn lay_out(&self, to: &mut Text) {
        let Some(bars) = to.held_bars(self.req_id) else { return };
        to.begin::<HistoricalData>()
            .int(self.req_id)
            .text(self.start_date_str.as_ref())
            .text(self.end_date_str.as_ref())
            .count(bars.historical_data_bars.len());
        for bar in &bars.historical_data_bars {
            one_bar(to, bar);
        }
    }
}

fn one_bar(to: &mut Text, bar: &HistoricalDataBar) {
    to.text(bar.date.as_ref())
        .double_or_zero(bar.open)
        .double_or_zero(bar.high)
        .double_or_zero(bar.low)
        .double_or_zero(bar.close)
        .decimal(bar.volume.as_ref())
        .decimal(bar.wap.as_ref())
        .int(bar.bar_count);
}

impl Layout for HeadTimestamp {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().int(self.req_id).text(self.head_timestamp.as_ref());
    }
}

/// In an order of its own: close before high and low, average before volume.
impl Layout for HistoricalDataUpdate {
    fn lay_out(&self, to: &mut Text) {
        let bar = self.historical_data_bar.clone().unwrap_or_default();
        to.begin::<Self>()
            .int(self.req_id)
            .int(bar.bar_count)
            .text(bar.date.as_ref())
            .double_or_zero(bar.open)
            .double_or_zero(bar.close)
            .double_or_zero(bar.high)
            .double_or_zero(bar.low)
            .decimal(bar.wap.as_ref())
            .decimal(bar.volume.as_ref());
    }
}

impl Layout for HistoricalSchedule {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .int(self.req_id)
            .text(self.start_date_time.as_ref())
            .text(self.end_date_time.as_ref())
            .text(self.time_zone.as_ref())
            .count(self.historical_sessions.len());
        for session in &self.historical_sessions {
            to.text(session.start_date_time.as_ref())
                .text(session.end_date_time.as_ref())
                .text(session.ref_date.as_ref());
        }
    }
}

impl Layout for RealTimeBarTick {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(3)
            .int(self.req_id)
            .long(self.time)
            .double_or_zero(self.open)
            .double_or_zero(self.high)
            .double_or_zero(self.low)
            .double_or_zero(self.close)
            .decimal(self.volume.as_ref())
            .decimal(self.wap.as_ref())
            .int(self.count);
    }
}
