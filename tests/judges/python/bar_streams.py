"""Bars that follow the market, on a clock that runs twenty times as fast from 10:00 on."""

from datetime import datetime, timezone
from decimal import Decimal

from app import Judge, of, stock
from command_line import main

MINUTE = 60

# Where the clock of the gateway starts, some seconds later.
TEN_O_CLOCK = int(datetime(2026, 3, 2, 15, 0, tzinfo=timezone.utc).timestamp())


class BarStreams(Judge):
    def keep(self, req_id, end=""):
        settings = (end, "600 S", "1 min", "TRADES", 1, 2, True, [])
        self.app.reqHistoricalData(req_id, stock("SPY"), *settings)

    def test_kept_bars_follow_the_market_until_they_are_cancelled(self):
        req_id, since = self.app.request_id(), len(self.app.events)
        self.app.ask(lambda: self.keep(req_id), "historicalDataEnd", reqId=req_id)
        bars = [event.bar for event in of(self.app.events[since:], "historicalData")]
        told = [int(bars[-1].date)]
        # The bar that was current, and then a new one.
        for bar in self.updates(req_id, since):
            told.append(int(bar.date))
            self.assertLessEqual(bar.low, min(bar.open, bar.close))
            self.assertGreaterEqual(bar.high, max(bar.open, bar.close))
            self.assertIsInstance(bar.volume, Decimal)
            self.assertIsInstance(bar.wap, Decimal)
            if told[-1] != told[0]:
                break
        self.assertEqual(sorted(set(told)), [told[0], told[0] + MINUTE])
        self.assertGreater(len(told), 3, "a bar is told as it forms")
        ends = of(self.app.events[since:], "historicalDataEnd")
        self.assertEqual(len(ends), 1, "the end comes once")
        self.app.cancelHistoricalData(req_id)
        self.silent(req_id, "historicalDataUpdate")

    def updates(self, req_id, since):
        while True:
            since = self.app.wait("historicalDataUpdate", since, reqId=req_id) + 1
            yield self.app.events[since - 1].bar

    def five_seconds(self, req_id, symbol, count):
        """The first real-time bars of a request."""
        at = len(self.app.events)
        self.app.reqRealTimeBars(req_id, stock(symbol), 5, "TRADES", False, [])
        bars = []
        for _ in range(count):
            at = self.app.wait("realtimeBar", at, reqId=req_id) + 1
            bars.append(self.app.events[at - 1])
        return bars

    def silent(self, req_id, called):
        """Nothing more comes for a request, while another one goes on."""
        self.app.settle(0)
        other, since = self.app.request_id(), len(self.app.events)
        self.five_seconds(other, "QQQ", 2)
        late = of(self.app.events[since:], called)
        self.assertEqual([event for event in late if event.reqId == req_id], [])
        self.app.cancelRealTimeBars(other)

    def test_kept_bars_end_now(self):
        req_id = self.app.request_id()
        request = lambda: self.keep(req_id, end="20260302 09:45:00 US/Eastern")
        self.assertEqual(self.app.refusal(request, req_id), 321)

    def test_real_time_bars_come_every_five_seconds(self):
        req_id = self.app.request_id()
        bars = self.five_seconds(req_id, "SPY", 4)
        first = bars[0].time
        self.assertEqual(first % 5, 0)
        self.assertEqual([bar.time for bar in bars], [first + 5 * n for n in range(4)])
        self.assertLess(TEN_O_CLOCK, first)
        for bar in bars:
            self.assertLessEqual(bar.low, min(bar.open_, bar.close))
            self.assertGreaterEqual(bar.high, max(bar.open_, bar.close))
            self.assertGreater(bar.volume, 0)
        self.app.cancelRealTimeBars(req_id)
        self.silent(req_id, "realtimeBar")


main()
