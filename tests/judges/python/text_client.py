"""`ib_async`, which speaks the text protocol: versions 157 to 178.

Used as its users do, without a loop of their own. It logs what it cannot decode and goes on, so
what it logs is checked too.
"""

import datetime
import logging
import math
import time
import unittest

import command_line
from ib_async import IB, ExecutionFilter, Forex, LimitOrder, MarketOrder, Order, RequestError, Stock

ACCOUNT = "DU1234567"
SPY, KO, EUR_USD = 756733, 8894, 12087792

# Far more than an answer takes.
WITHIN = 20

# Lines that are the client's way to tell of an error that the gateway sent.
TOLD = ("Error ", "Warning ", "Canceled order", "IBKR API validation warning", "Unknown contract")

# A Friday without a holiday near.
FRIDAY_EVENING = "20251121 20:00:00 US/Eastern"
WEEK = [datetime.date(2025, 11, day) for day in range(17, 22)]


class Lines(logging.Handler):
    """Everything that the client complains of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        line = self.format(record)
        if not line.startswith(TOLD):
            self.lines.append(line)


LINES = Lines()


def connected(client_id):
    """A client that has made all its requests at the start, none of them in vain."""
    ib = IB()
    ib.RequestTimeout = WITHIN
    ib.RaiseRequestErrors = True
    ib.client.MaxClientVersion = command_line.VERSION
    host, port = command_line.HOST, command_line.PORT
    ib.connect(host, port, clientId=client_id, timeout=WITHIN, raiseSyncErrors=True)
    return ib


class TextClient(unittest.TestCase):
    CLIENT_ID = 7

    @classmethod
    def setUpClass(cls):
        for name in ("ib_async", "asyncio"):
            logging.getLogger(name).addHandler(LINES)
        cls.ib = connected(cls.CLIENT_ID)
        cls.addClassCleanup(cls.ib.disconnect)
        # Ids and codes of all errors.
        cls.said = []
        cls.ib.errorEvent += lambda req_id, code, text, contract: cls.said.append((req_id, code))
        cls.at_start = (cls.ib.positions(), cls.ib.trades(), cls.ib.fills())
        cls.spy, cls.ko = Stock("SPY", "SMART", "USD"), Stock("KO", "SMART", "USD")
        cls.euro = Forex("EURUSD")
        cls.ib.qualifyContracts(cls.spy, cls.ko, cls.euro)
        cls.bought = cls.fill(cls.spy, "BUY", 10, "judge")

    def tearDown(self):
        self.assertEqual(LINES.lines, [], "what the client complained of")
        self.assertTrue(self.ib.isConnected())

    @classmethod
    def until(cls, condition, what):
        """Lets the client work until it is so."""
        deadline = time.monotonic() + WITHIN
        while not (so := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {WITHIN} s: {what}")
            # Not for long: the client misses what comes before it has begun to wait.
            cls.ib.waitOnUpdate(0.05)
        return so

    @classmethod
    def fill(cls, contract, action, quantity, ref=""):
        """A market order, filled and with its commission."""
        trade = cls.ib.placeOrder(contract, MarketOrder(action, quantity, orderRef=ref))
        reported = lambda: trade.fills and trade.fills[-1].commissionReport.execId
        cls.until(lambda: trade.isDone() and reported(), f"a fill of {trade}")
        return trade

    def rest(self, quantity=10):
        trade = self.ib.placeOrder(self.ko, LimitOrder("BUY", quantity, 20.0))
        self.until(lambda: trade.orderStatus.status == "Submitted", f"{trade} works")
        return trade

    def cancel(self, trade):
        self.ib.cancelOrder(trade.order)
        confirmed = (trade.order.orderId, 202)
        self.until(lambda: trade.isDone() and confirmed in self.said, f"{trade} is cancelled")

    def refused(self, request):
        with self.assertRaises(RequestError) as caught:
            request()
        return caught.exception.code

    def test_the_version_and_the_accounts_are_those_of_the_handshake(self):
        self.assertEqual(self.ib.client.serverVersion(), command_line.VERSION)
        self.assertEqual(self.ib.managedAccounts(), [ACCOUNT])

    def test_a_new_account_is_empty_and_ready(self):
        self.assertEqual(self.at_start, ([], [], []))
        values = {(v.tag, v.currency): v.value for v in self.ib.accountValues()}
        self.assertEqual(values["AccountReady", ""], "true")
        self.assertGreater(float(values["NetLiquidation", "USD"]), 900_000)

    def test_the_time_is_now(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.assertLess(abs((self.ib.reqCurrentTime() - now).total_seconds()), 60)

    def test_contract_details_are_whole(self):
        [details] = self.ib.reqContractDetails(Stock("SPY", "SMART", "USD"))
        contract = details.contract
        self.assertEqual((contract.conId, contract.symbol, contract.secType), (SPY, "SPY", "STK"))
        self.assertEqual((contract.exchange, contract.primaryExchange), ("SMART", "ARCA"))
        self.assertEqual((contract.currency, contract.localSymbol), ("USD", "SPY"))
        self.assertEqual((details.minTick, details.stockType), (0.01, "ETF"))
        self.assertEqual((details.priceMagnifier, details.timeZoneId), (1, "US/Eastern"))
        exchanges = details.validExchanges.split(",")
        self.assertEqual(len(details.marketRuleIds.split(",")), len(exchanges))
        self.assertIn("SMART", exchanges)
        self.assertIn("LMT", details.orderTypes.split(","))
        self.assertTrue(details.tradingSessions() and details.liquidSessions())
        if command_line.VERSION >= 164:
            sizes = (details.minSize, details.sizeIncrement, details.suggestedSizeIncrement)
            self.assertTrue(all(0 < size < 1000 for size in sizes), sizes)

    def test_a_currency_pair_is_found(self):
        self.assertEqual((self.euro.conId, self.euro.localSymbol), (EUR_USD, "EUR.USD"))
        [details] = self.ib.reqContractDetails(Forex("EURUSD"))
        self.assertEqual(details.minTick, 0.00005)

    def test_an_unknown_contract_is_200(self):
        unknown = Stock("NOSUCH", "SMART", "USD")
        self.assertEqual(self.refused(lambda: self.ib.reqContractDetails(unknown)), 200)

    def test_symbols_and_rules_are_found(self):
        found = self.ib.reqMatchingSymbols("SP")
        [spy] = [row.contract for row in found if row.contract.conId == SPY]
        self.assertEqual((spy.symbol, spy.primaryExchange, spy.currency), ("SPY", "ARCA", "USD"))
        [details] = self.ib.reqContractDetails(self.spy)
        [step] = self.ib.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
        self.assertEqual((step.lowEdge, step.increment), (0.0, 0.01))

    def test_user_info_is_answered(self):
        if command_line.VERSION < 167:
            self.skipTest("there is no such request before version 167")
        self.assertEqual(self.ib.reqUserInfo(), [], "the client's word for an empty answer")

    def test_a_fill_is_told_with_its_commission(self):
        trade = self.bought
        self.assertEqual(trade.orderStatus.status, "Filled")
        self.assertEqual((trade.filled(), trade.remaining()), (10, 0))
        [fill] = trade.fills
        execution, report = fill.execution, fill.commissionReport
        self.assertEqual((execution.side, execution.shares, execution.cumQty), ("BOT", 10, 10))
        self.assertEqual(execution.orderId, trade.order.orderId)
        self.assertEqual(execution.permId, trade.order.permId)
        self.assertEqual((execution.acctNumber, execution.orderRef), (ACCOUNT, "judge"))
        self.assertEqual(execution.avgPrice, execution.price)
        self.assertEqual(trade.orderStatus.avgFillPrice, execution.price)
        self.assertEqual(report.execId, execution.execId)
        self.assertEqual((report.commission, report.currency), (1.0, "USD"))
        self.assertIn(report.realizedPNL, (0.0, math.inf) + (1.7976931348623157e308,))
        age = datetime.datetime.now(datetime.timezone.utc) - execution.time
        self.assertLess(abs(age.total_seconds()), 300)

    def test_positions_follow_the_trades_and_a_closed_one_is_gone(self):
        held = lambda: {p.contract.conId: (p.position, p.avgCost) for p in self.ib.positions()}
        price = self.bought.fills[0].execution.price
        self.assertEqual(held()[SPY][0], 10)
        self.assertAlmostEqual(held()[SPY][1], price + 0.1, places=6)
        self.fill(self.ko, "BUY", 5)
        self.until(lambda: held().get(KO, (0,))[0] == 5, "a new position")
        self.fill(self.ko, "SELL", 5)
        self.until(lambda: KO not in held(), "the position is closed")
        self.assertEqual({p.contract.conId for p in self.ib.reqPositions()} & {SPY, KO}, {SPY})

    def test_the_portfolio_adds_up(self):
        items = lambda: {item.contract.conId: item for item in self.ib.portfolio()}
        self.until(lambda: SPY in items(), "the position is in the portfolio")
        spy = items()[SPY]
        self.assertEqual((spy.position, spy.account), (10, ACCOUNT))
        self.assertAlmostEqual(spy.marketValue, spy.marketPrice * 10, places=4)
        self.assertAlmostEqual(spy.unrealizedPNL, spy.marketValue - spy.averageCost * 10, places=4)

    def test_account_values_follow_the_trades(self):
        values = lambda: {(v.tag, v.currency): v.value for v in self.ib.accountValues()}
        cash = lambda: float(values()["TotalCashBalance", "USD"])
        before = cash()
        self.fill(self.ko, "BUY", 3)
        self.until(lambda: cash() < before, "less cash")
        self.fill(self.ko, "SELL", 3)

    def test_the_summary_adds_up(self):
        rows = {(row.tag, row.currency): row.value for row in self.ib.accountSummary()}
        money = lambda tag: float(rows[tag, "USD"])
        parts = money("TotalCashValue") + money("GrossPositionValue")
        self.assertAlmostEqual(money("NetLiquidation"), parts, delta=0.05)
        self.assertEqual(float(rows["ExchangeRate", "USD"]), 1.0)
        self.assertIn(("CashBalance", "BASE"), rows)

    def test_profit_and_loss_streams(self):
        pnl = self.ib.reqPnL(ACCOUNT)
        single = self.ib.reqPnLSingle(ACCOUNT, "", SPY)
        known = lambda *numbers: all(not math.isnan(number) for number in numbers)
        self.until(lambda: known(pnl.dailyPnL, pnl.unrealizedPnL, pnl.realizedPnL), "an account's")
        self.until(lambda: known(single.value, single.unrealizedPnL), "a position's")
        self.assertEqual(single.position, 10)
        self.ib.cancelPnL(ACCOUNT)
        self.ib.cancelPnLSingle(ACCOUNT, "", SPY)

    def bars(self, contract, duration, size, show, form=1):
        end, regular = FRIDAY_EVENING, True
        return self.ib.reqHistoricalData(contract, end, duration, size, show, regular, form)

    def test_daily_bars_are_those_of_the_trading_days(self):
        for form in (1, 2):
            bars = self.bars(self.spy, "5 D", "1 day", "TRADES", form)
            self.assertEqual([bar.date for bar in bars], WEEK)
            for bar in bars:
                self.assertLessEqual(bar.low, min(bar.open, bar.close))
                self.assertGreaterEqual(bar.high, max(bar.open, bar.close))
                self.assertTrue(bar.volume > 0 and bar.low <= bar.average <= bar.high, bar)

    def test_intraday_bars_have_the_same_times_in_both_formats(self):
        as_text = self.bars(self.spy, "1 D", "30 mins", "TRADES", 1)
        as_number = self.bars(self.spy, "1 D", "30 mins", "TRADES", 2)
        self.assertEqual(len(as_text), 13)
        self.assertEqual([bar.date for bar in as_text], [bar.date for bar in as_number])
        self.assertEqual(as_text[0].date.strftime("%Y%m%d %H:%M"), "20251121 09:30")
        self.assertEqual([bar.close for bar in as_text], [bar.close for bar in as_number])

    def test_a_currency_pair_has_midpoints_and_no_trades(self):
        self.assertEqual(len(self.bars(self.euro, "1 D", "1 day", "MIDPOINT")), 1)
        self.assertEqual(self.refused(lambda: self.bars(self.euro, "1 D", "1 day", "TRADES")), 162)

    def test_a_schedule_has_the_sessions(self):
        if command_line.VERSION < 165:
            self.skipTest("there is no such answer before version 165")
        schedule = self.ib.reqHistoricalSchedule(self.spy, 5, FRIDAY_EVENING)
        days = [session.refDate for session in schedule.sessions]
        self.assertEqual(days, [day.strftime("%Y%m%d") for day in WEEK])
        self.assertEqual(schedule.timeZone, "US/Eastern")

    def test_bars_can_follow_the_market(self):
        settings = ("", "2 D", "1 hour", "MIDPOINT", False, 1, True)
        bars = self.ib.reqHistoricalData(self.euro, *settings)
        self.assertGreater(len(bars), 20)
        self.ib.cancelHistoricalData(bars)

    def test_the_head_timestamp_is_years_back(self):
        head = self.ib.reqHeadTimeStamp(self.spy, "TRADES", True, 1)
        self.assertLess(head.year, 2020)

    def test_a_snapshot_is_whole(self):
        [ticker] = self.ib.reqTickers(self.spy)
        self.assertTrue(500 < ticker.bid < ticker.ask < 620, ticker)
        self.assertTrue(ticker.bid <= ticker.last <= ticker.ask, ticker)
        self.assertTrue(ticker.low <= ticker.open <= ticker.high, ticker)
        for size in (ticker.bidSize, ticker.askSize, ticker.lastSize, ticker.volume):
            self.assertGreater(size, 0)
        self.assertEqual((ticker.marketDataType, ticker.minTick), (1, 0.01))

    def test_a_stream_moves_until_it_is_cancelled(self):
        ticker = self.ib.reqMktData(self.spy)
        self.until(ticker.hasBidAsk, "a quote")
        first = (ticker.bid, ticker.ask)
        self.until(lambda: (ticker.bid, ticker.ask) != first, "another quote")
        self.assertTrue(self.ib.cancelMktData(self.spy))

    def test_delayed_quotes_say_that_they_are(self):
        self.ib.reqMarketDataType(3)
        ticker = self.ib.reqMktData(self.ko)
        self.until(ticker.hasBidAsk, "a delayed quote")
        self.assertEqual(ticker.marketDataType, 3)
        self.ib.cancelMktData(self.ko)
        self.ib.reqMarketDataType(1)

    def test_an_order_rests_is_changed_and_cancelled(self):
        trade = self.rest()
        perm_id = trade.order.permId
        self.assertGreater(perm_id, 0)
        self.assertEqual((trade.filled(), trade.remaining()), (0, 10))
        self.assertIn(trade.order.orderId, [order.orderId for order in self.ib.openOrders()])
        trade.order.lmtPrice, trade.order.totalQuantity = 21.0, 12
        self.ib.placeOrder(self.ko, trade.order)
        self.until(lambda: trade.remaining() == 12, "the change is confirmed")
        self.assertEqual((trade.order.permId, trade.order.lmtPrice), (perm_id, 21.0))
        self.cancel(trade)
        self.assertEqual(trade.orderStatus.status, "Cancelled")

    def test_open_orders_are_listed_with_what_was_sent(self):
        trade = self.rest()
        for request in (self.ib.reqOpenOrders, self.ib.reqAllOpenOrders):
            [listed] = [t for t in request() if t.order.orderId == trade.order.orderId]
            self.assertEqual(listed.order.permId, trade.order.permId)
            self.assertEqual(listed.orderStatus.status, "Submitted")
        self.cancel(trade)

    def test_completed_orders_say_how_they_ended(self):
        self.cancel(self.rest(7))
        rows = {t.order.permId: t for t in self.ib.reqCompletedOrders(False)}
        filled = rows[self.bought.order.permId]
        self.assertEqual((filled.orderStatus.status, filled.order.orderRef), ("Filled", "judge"))
        self.assertEqual((filled.order.totalQuantity, filled.order.filledQuantity), (0, 10))
        [cancelled] = [t for t in rows.values() if t.order.totalQuantity == 7]
        self.assertEqual(cancelled.orderStatus.status, "Cancelled")
        self.assertEqual(cancelled.contract.conId, KO)

    def test_executions_can_be_filtered(self):
        ids = lambda **wanted: {
            fill.execution.execId for fill in self.ib.reqExecutions(ExecutionFilter(**wanted))
        }
        mine = self.bought.fills[0].execution.execId
        self.assertIn(mine, ids(symbol="SPY", side="BUY", clientId=self.CLIENT_ID))
        self.assertNotIn(mine, ids(symbol="SPY", side="SELL"))
        self.assertNotIn(mine, ids(symbol="KO"))

    def test_a_what_if_tells_the_margin_and_does_nothing(self):
        before = {t.order.permId for t in self.ib.reqAllOpenOrders()}
        state = self.ib.whatIfOrder(self.spy, LimitOrder("BUY", 100, 560.0))
        for kind in ("initMargin", "maintMargin", "equityWithLoan"):
            numbers = [float(getattr(state, kind + part)) for part in ("Before", "Change", "After")]
            self.assertAlmostEqual(numbers[2], numbers[0] + numbers[1], places=4)
        self.assertTrue(10_000 < float(state.initMarginChange) < 60_000, state)
        self.assertEqual((state.commission, state.commissionCurrency), (1.0, "USD"))
        self.assertEqual({t.order.permId for t in self.ib.reqAllOpenOrders()}, before)

    def test_a_refused_what_if_is_an_error(self):
        odd = LimitOrder("BUY", 100, 560.001)
        self.assertEqual(self.refused(lambda: self.ib.whatIfOrder(self.spy, odd)), 110)

    def test_refused_orders_have_their_codes(self):
        for code, order in (
            (110, LimitOrder("BUY", 10, 20.001)),
            (201, MarketOrder("BUY", 10_000_000)),
            (387, Order(action="BUY", totalQuantity=10, orderType="NOSUCH")),
            (434, LimitOrder("BUY", 0, 20.0)),
        ):
            with self.subTest(code=code):
                trade = self.ib.placeOrder(self.ko, order)
                codes = lambda: [entry.errorCode for entry in trade.log if entry.errorCode]
                self.assertEqual(self.until(codes, f"a refusal of {trade}"), [code])

    def test_a_cancel_of_what_is_filled_is_refused(self):
        self.ib.cancelOrder(self.bought.order)
        refused = (self.bought.order.orderId, 10148)
        self.until(lambda: refused in self.said, "a refusal")

    def test_a_second_client_learns_what_was_there_and_may_end_it_all(self):
        trade = self.rest()
        other = connected(self.CLIENT_ID + 1)
        self.addCleanup(other.disconnect)
        self.assertIn(SPY, [position.contract.conId for position in other.positions()])
        self.assertIn(SPY, [item.contract.conId for item in other.portfolio()])
        mine = self.bought.fills[0].execution.execId
        self.assertIn(mine, [fill.execution.execId for fill in other.fills()])
        self.assertIn(self.bought.order.permId, [t.order.permId for t in other.trades()])
        self.assertNotIn(trade.order.permId, [t.order.permId for t in other.openTrades()])
        listed = {t.order.permId: t.order.clientId for t in other.reqAllOpenOrders()}
        self.assertEqual(listed[trade.order.permId], self.CLIENT_ID)
        other.reqGlobalCancel()
        self.until(trade.isDone, "the order is cancelled")
        self.assertEqual(trade.orderStatus.status, "Cancelled")


command_line.main()
