"""Historical bars and head timestamps, with their two ways to write a time."""

import time
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from app import Judge, of, pair, stock
from command_line import main

NEW_YORK = ZoneInfo("America/New_York")

# A Friday without a holiday near.
FRIDAY_EVENING = "20251121 20:00:00 US/Eastern"
WEEK = ["20251117", "20251118", "20251119", "20251120", "20251121"]


def instant(stamp):
    """Unix seconds of `20251121 15:30:00 US/Eastern`."""
    date, clock, zone = stamp.split(" ")
    local = datetime.strptime(f"{date} {clock}", "%Y%m%d %H:%M:%S")
    return int(local.replace(tzinfo=ZoneInfo(zone)).timestamp())


class History(Judge):
    def request(self, req_id, contract, **other):
        settings = {"end": FRIDAY_EVENING, "duration": "5 D", "size": "1 day"}
        settings |= {"show": "TRADES", "regular": 1, "format": 1} | other
        self.app.reqHistoricalData(
            req_id,
            contract,
            settings["end"],
            settings["duration"],
            settings["size"],
            settings["show"],
            settings["regular"],
            settings["format"],
            False,
            [],
        )

    def fetch(self, contract, **other):
        """The bars, then start and end as they were told."""
        req_id = self.app.request_id()
        request = lambda: self.request(req_id, contract, **other)
        events = self.app.ask(request, "historicalDataEnd", reqId=req_id)
        bars = [event.bar for event in of(events, "historicalData") if event.reqId == req_id]
        self.assertGreater(len(bars), 0)
        return bars, events[-1].start, events[-1].end

    def refused(self, contract, **other):
        req_id, since = self.app.request_id(), len(self.app.events)
        code = self.app.refusal(lambda: self.request(req_id, contract, **other), req_id)
        rest = of(self.app.settle(since), "historicalData", "historicalDataEnd")
        self.assertEqual(rest, [], "a refusal is the only answer")
        return code

    def check_sane(self, bar):
        self.assertLessEqual(bar.low, min(bar.open, bar.close))
        self.assertGreaterEqual(bar.high, max(bar.open, bar.close))
        self.assertIsInstance(bar.volume, Decimal)
        self.assertIsInstance(bar.wap, Decimal)

    def test_daily_bars_have_dates_in_both_formats(self):
        for form in (1, 2):
            with self.subTest(format=form):
                bars, start, end = self.fetch(stock("SPY"), format=form)
                self.assertEqual([bar.date for bar in bars], WEEK)
                self.assertEqual(instant(end), instant(FRIDAY_EVENING))
                self.assertLess(instant(start), instant(end))
                for bar in bars:
                    self.check_sane(bar)
                    self.assertGreater(bar.volume, 0)
                    self.assertLessEqual(Decimal(str(bar.low)), bar.wap)
                    self.assertLessEqual(bar.wap, Decimal(str(bar.high)))
                    self.assertGreater(bar.barCount, 0)

    def test_intraday_bars_start_at_the_same_instants_in_both_formats(self):
        settings = {"duration": "1 D", "size": "30 mins"}
        as_text, _, _ = self.fetch(stock("SPY"), format=1, **settings)
        as_number, _, _ = self.fetch(stock("SPY"), format=2, **settings)
        first, last = as_text[0].date, as_text[-1].date
        self.assertEqual(first, "20251121 09:30:00 US/Eastern")
        self.assertEqual(last, "20251121 15:30:00 US/Eastern")
        starts = [int(bar.date) for bar in as_number]
        self.assertEqual([instant(bar.date) for bar in as_text], starts)
        self.assertEqual(starts, list(range(starts[0], starts[0] + 13 * 1800, 1800)))
        self.assertEqual([bar.close for bar in as_text], [bar.close for bar in as_number])

    def test_bars_outside_regular_hours_are_there_on_request(self):
        bars, _, _ = self.fetch(stock("SPY"), duration="1 D", size="1 hour", regular=0)
        self.assertLess(instant(bars[0].date), instant("20251121 09:30:00 US/Eastern"))
        self.assertGreater(instant(bars[-1].date), instant("20251121 16:00:00 US/Eastern"))

    def test_an_empty_end_means_now(self):
        bars, _, end = self.fetch(stock("SPY"), end="", duration="2 D")
        self.assertEqual(len(bars), 2)
        self.assertLess(abs(instant(end) - time.time()), 60)

    def test_an_end_in_utc_is_read_as_utc(self):
        ends = ("20251121-16:00:00", "20251121 16:00:00 UTC", "20251121 11:00:00 US/Eastern")
        first, last = "20251121 10:30:00 US/Eastern", "20251121 10:55:00 US/Eastern"
        for end in ends:
            bars, _, told = self.fetch(stock("SPY"), end=end, duration="1800 S", size="5 mins")
            self.assertEqual(instant(told), instant("20251121 11:00:00 US/Eastern"))
            self.assertEqual((len(bars), bars[0].date, bars[-1].date), (6, first, last))

    def test_a_currency_pair_has_quotes_and_no_trades(self):
        self.assertEqual(self.refused(pair("EUR", "USD")), 162)
        by_kind = {}
        for show in ("BID", "MIDPOINT", "ASK"):
            bars, _, _ = self.fetch(pair("EUR", "USD"), duration="1 D", show=show)
            self.check_sane(bars[-1])
            self.assertEqual(bars[-1].volume, -1, "nothing is counted")
            by_kind[show] = bars[-1].close
        self.assertLess(by_kind["BID"], by_kind["MIDPOINT"])
        self.assertLess(by_kind["MIDPOINT"], by_kind["ASK"])

    def test_wrong_requests_are_refused_under_their_id(self):
        self.assertEqual(self.refused(stock("NOSUCH")), 200)
        self.assertEqual(self.refused(stock("SPY"), size="7 mins"), 321)
        self.assertEqual(self.refused(stock("SPY"), duration="5 X"), 321)
        self.assertEqual(self.refused(stock("SPY"), end="yesterday"), 321)
        self.assertEqual(self.refused(stock("SPY"), end="19990101 12:00:00 US/Eastern"), 162)

    def test_weeks_and_months_are_bars_too(self):
        for size, duration, count in (("1 week", "4 W", 4), ("1 month", "3 M", 3)):
            with self.subTest(size=size):
                bars, _, _ = self.fetch(stock("SPY"), size=size, duration=duration)
                self.assertIn(len(bars), (count, count + 1))
                dates = [bar.date for bar in bars]
                self.assertEqual(dates, sorted(set(dates)))
                for bar in bars:
                    self.assertRegex(bar.date, r"^\d{8}$")
                    self.check_sane(bar)

    def test_a_schedule_has_the_sessions_instead_of_bars(self):
        if self.version < 165:
            self.skipTest("the client asks for schedules from version 165 on")
        req_id = self.app.request_id()
        request = lambda: self.request(req_id, stock("SPY"), show="SCHEDULE")
        said = self.app.ask(request, "historicalSchedule", reqId=req_id)[-1]
        self.assertEqual(said.timeZone, "US/Eastern")
        self.assertEqual([session.refDate for session in said.sessions], WEEK)
        for session in said.sessions:
            self.assertEqual(session.startDateTime, f"{session.refDate}-09:30:00")
            self.assertEqual(session.endDateTime, f"{session.refDate}-16:00:00")
        self.assertEqual(said.startDateTime, said.sessions[0].startDateTime)
        self.assertEqual(said.endDateTime, said.sessions[-1].endDateTime)

    def test_cancelling_a_finished_request_is_silent(self):
        since = len(self.app.events)
        self.app.cancelHistoricalData(self.app.request_id())
        self.app.cancelHeadTimeStamp(self.app.request_id())
        self.assertEqual(of(self.app.settle(since), "error"), [])

    def head(self, contract, show, form):
        req_id = self.app.request_id()
        request = lambda: self.app.reqHeadTimeStamp(req_id, contract, show, 1, form)
        return self.app.ask(request, "headTimestamp", reqId=req_id)[-1].headTimestamp

    def test_the_head_timestamp_is_the_same_instant_in_both_formats(self):
        text = self.head(stock("SPY"), "TRADES", 1)
        number = self.head(stock("SPY"), "TRADES", 2)
        utc = datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=ZoneInfo("UTC"))
        self.assertEqual(int(utc.timestamp()), int(number))
        self.assertLess(int(number), time.time() - 365 * 86_400)

    def test_a_head_timestamp_of_nothing_is_200(self):
        req_id = self.app.request_id()
        request = lambda: self.app.reqHeadTimeStamp(req_id, stock("NOSUCH"), "TRADES", 1, 2)
        self.assertEqual(self.app.refusal(request, req_id), 200)


main()
