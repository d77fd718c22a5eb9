"""Quotes: snapshots, streams, and the four market data types."""

import math
from decimal import Decimal

from app import Judge, of, pair, stock
from command_line import main

# Tick types, live and delayed.
PRICES = {"bid": (1, 66), "ask": (2, 67), "last": (4, 68), "high": (6, 72), "low": (7, 73)}
PRICES |= {"close": (9, 75), "open": (14, 76)}
SIZES = {"bid": (0, 69), "ask": (3, 70), "last": (5, 71)}
VOLUME = (8, 74)
LAST_TIMESTAMP = (45, 88)
HALTED = (49, 90)

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4


def id_of(event):
    """The client names the id of one callback differently."""
    return getattr(event, "reqId", getattr(event, "tickerId", None))


class Quote:
    """The ticks of one request, by type."""

    def __init__(self, events, req_id):
        mine = [event for event in events if id_of(event) == req_id]
        self.names = [event.called for event in mine]
        self.prices = {e.tickType: e.price for e in of(mine, "tickPrice")}
        self.sizes = {e.tickType: e.size for e in of(mine, "tickSize")}
        self.texts = {e.tickType: e.value for e in of(mine, "tickString", "tickGeneric")}
        self.types = [e.marketDataType for e in of(mine, "marketDataType")]
        self.parameters = of(mine, "tickReqParams")
        self.codes = [e.errorCode for e in of(mine, "error")]


class MarketData(Judge):
    def snapshot(self, contract):
        req_id = self.app.request_id()
        request = lambda: self.app.reqMktData(req_id, contract, "", True, False, [])
        return Quote(self.app.ask(request, "tickSnapshotEnd", reqId=req_id), req_id)

    def tearDown(self):
        self.app.reqMarketDataType(LIVE)

    def check_whole(self, quote, column):
        """All prices and sizes of a stock, each under its tick type, and sane together."""
        price = {name: quote.prices[types[column]] for name, types in PRICES.items()}
        self.assertTrue(all(p > 0 for p in price.values()), price)
        self.assertLess(price["bid"], price["ask"])
        self.assertTrue(price["bid"] <= price["last"] <= price["ask"], price)
        self.assertLessEqual(price["low"], price["open"])
        self.assertLessEqual(price["open"], price["high"])
        for types in SIZES.values():
            self.assertIsInstance(quote.sizes[types[column]], Decimal)
            self.assertGreater(quote.sizes[types[column]], 0)
        self.assertGreater(quote.sizes[VOLUME[column]], 0)
        self.assertTrue(quote.texts[LAST_TIMESTAMP[column]].isdigit())
        self.assertEqual(quote.texts[HALTED[column]], 0.0)

    def test_a_snapshot_is_whole_and_ends(self):
        quote = self.snapshot(stock("SPY"))
        self.assertEqual(quote.names[:2], ["tickReqParams", "marketDataType"])
        self.assertEqual(quote.names[-1], "tickSnapshotEnd")
        self.assertEqual(quote.parameters[0].minTick, 0.01)
        self.assertEqual(quote.codes, [])
        self.check_whole(quote, 0)

    def test_a_currency_pair_has_a_quote_on_its_tick(self):
        quote = self.snapshot(pair("EUR", "USD"))
        self.assertEqual(quote.parameters[0].minTick, 0.00005)
        for tick in (1, 2):
            ticks = quote.prices[tick] / 0.00005
            self.assertTrue(math.isclose(ticks, round(ticks), abs_tol=1e-6), ticks)

    def test_each_market_data_type_has_its_ticks(self):
        live = (LIVE, 0, [])
        delayed = (DELAYED, 1, [10167])
        for wanted, symbol, (kind, column, codes) in (
            (LIVE, "QQQ", live),
            (FROZEN, "QQQ", live),
            (DELAYED, "QQQ", live),
            (DELAYED_FROZEN, "QQQ", live),
            (DELAYED, "ORCL", delayed),
            (DELAYED_FROZEN, "ORCL", delayed),
        ):
            with self.subTest(wanted=wanted, symbol=symbol):
                self.app.reqMarketDataType(wanted)
                quote = self.snapshot(stock(symbol))
                self.assertEqual((quote.types, quote.codes), ([kind], codes))
                self.check_whole(quote, column)
                other = {types[1 - column] for types in PRICES.values()}
                self.assertEqual(other & quote.prices.keys(), set())

    def test_what_is_not_subscribed_is_354(self):
        for wanted, symbol in ((LIVE, "ORCL"), (FROZEN, "ORCL"), (LIVE, "NFLX"), (DELAYED, "NFLX")):
            with self.subTest(wanted=wanted, symbol=symbol):
                self.app.reqMarketDataType(wanted)
                req_id = self.app.request_id()
                request = lambda: self.app.reqMktData(req_id, stock(symbol), "", True, False, [])
                self.assertEqual(self.app.refusal(request, req_id), 354)

    def test_the_type_comes_before_the_ticks_that_it_governs(self):
        self.app.reqMarketDataType(DELAYED)
        names = self.snapshot(stock("ORCL")).names
        self.assertLess(names.index("marketDataType"), names.index("tickPrice"))

    def stream(self, contract):
        """A stream that has said its first quote."""
        req_id = self.app.request_id()
        request = lambda: self.app.reqMktData(req_id, contract, "", False, False, [])
        self.app.ask(request, "tickGeneric", reqId=req_id, tickType=HALTED[0])
        return req_id

    def next_change(self, req_id):
        since = len(self.app.events)
        return self.app.events[self.app.wait("tickPrice", since, reqId=req_id)]

    def test_a_stream_goes_on_until_it_is_cancelled(self):
        since = len(self.app.events)
        cancelled, other = self.stream(stock("SPY")), self.stream(stock("QQQ"))
        self.assertGreater(self.next_change(cancelled).price, 0)
        ended = of(self.app.events[since:], "tickSnapshotEnd")
        self.assertEqual(ended, [], "only a snapshot ends by itself")

        self.app.cancelMktData(cancelled)
        self.app.settle(since)
        since = len(self.app.events)
        for _ in range(3):
            self.next_change(other)
        self.assertNotIn(cancelled, [id_of(event) for event in self.app.events[since:]])
        self.app.cancelMktData(other)

    def test_bid_and_ask_come_with_their_sizes(self):
        req_id = self.stream(stock("SPY"))
        since = len(self.app.events)
        last = self.app.wait("tickSize", since, reqId=req_id, tickType=5)
        names = [(e.called, e.tickType) for e in self.app.events[since:last] if e.reqId == req_id]
        for price, size in ((1, 0), (2, 3)):
            at = names.index(("tickPrice", price))
            self.assertEqual(names[at + 1], ("tickSize", size))
        self.app.cancelMktData(req_id)

    def test_an_unknown_contract_is_200(self):
        req_id = self.app.request_id()
        for once in (True, False):
            request = lambda: self.app.reqMktData(req_id, stock("NOSUCH"), "", once, False, [])
            self.assertEqual(self.app.refusal(request, req_id), 200)

    def test_a_quote_needs_an_exchange(self):
        req_id = self.app.request_id()
        nowhere = stock("SPY", exchange="")
        request = lambda: self.app.reqMktData(req_id, nowhere, "", True, False, [])
        self.assertEqual(self.app.refusal(request, req_id), 321)

    def test_an_id_that_streams_cannot_be_used_twice(self):
        req_id = self.stream(stock("SPY"))
        request = lambda: self.app.reqMktData(req_id, stock("QQQ"), "", False, False, [])
        self.assertEqual(self.app.refusal(request, req_id), 322)
        self.app.cancelMktData(req_id)

    def test_cancelling_what_does_not_stream_is_300(self):
        req_id = self.app.request_id()
        self.assertEqual(self.app.refusal(lambda: self.app.cancelMktData(req_id), req_id), 300)


main()
