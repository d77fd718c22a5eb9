"""Positions, account summary, account updates, profit and loss."""

import re
from decimal import Decimal

from app import ACCOUNT, Judge, limit, market, of, stock
from command_line import main
from ibapi.const import UNSET_DOUBLE

SPY = 756733
KO = 8894
CASH = Decimal(1_000_000)

# Money has two decimals, always.
MONEY = re.compile(r"-?\d+\.\d\d")

# Rounding of each row to a cent.
CENTS = Decimal("0.03")

# Between a purchase at the ask and a valuation at the mid a little later.
DRIFT = Decimal(200)

BASE_KEYS = {"NetLiquidation", "TotalCashValue", "BuyingPower", "AvailableFunds"}
BASE_KEYS |= {"ExcessLiquidity", "EquityWithLoanValue", "GrossPositionValue"}
BASE_KEYS |= {"InitMarginReq", "MaintMarginReq"}
LEDGER_KEYS = {"CashBalance", "TotalCashBalance", "StockMarketValue", "NetLiquidationByCurrency"}
LEDGER_KEYS |= {"UnrealizedPnL", "RealizedPnL", "AccruedCash"}


class Account(Judge):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill = cls.trade("SPY", "BUY", 10)
        cls.cost = Decimal(str(fill.price)) + Decimal("0.1")

    @classmethod
    def trade(cls, symbol, action, quantity):
        """A market order, filled and booked."""
        order_id = cls.app.order_id()
        request = lambda: cls.app.placeOrder(order_id, stock(symbol), market(action, quantity))
        events = cls.app.ask(request, "commissionAndFeesReport")
        return of(events, "execDetails")[-1].execution

    def check_spy(self, row, quantity=10):
        self.assertEqual(row.account, ACCOUNT)
        contract = row.contract
        self.assertEqual((contract.conId, contract.symbol, contract.secType), (SPY, "SPY", "STK"))
        self.assertEqual((contract.currency, contract.localSymbol), ("USD", "SPY"))
        self.assertIn(contract.exchange, ("ARCA", ""))
        self.assertIsInstance(row.position, Decimal)
        self.assertEqual(row.position, quantity)

    def test_positions_end_and_then_follow_the_trades(self):
        rows = self.app.ask(self.app.reqPositions, "positionEnd")
        [spy] = [row for row in of(rows, "position") if row.contract.conId == SPY]
        self.check_spy(spy)
        self.assertAlmostEqual(spy.avgCost, float(self.cost), places=6)

        since = len(self.app.events)
        self.trade("KO", "BUY", 5)
        bought = self.app.events[self.app.wait("position", since)]
        self.assertEqual((bought.contract.conId, bought.position), (KO, Decimal(5)))
        since = len(self.app.events)
        self.trade("KO", "SELL", 5)
        sold = self.app.events[self.app.wait("position", since)]
        self.assertEqual((sold.contract.conId, sold.position), (KO, Decimal(0)))
        for sent in of(self.app.events[since:], "positionProtoBuf"):
            self.assertTrue(sent.positionProto.HasField("position"), "a zero that was sent")

        self.app.cancelPositions()
        since = len(self.app.events)
        self.trade("KO", "BUY", 5)
        self.trade("KO", "SELL", 5)
        self.assertEqual(of(self.app.settle(since), "position", "positionEnd"), [])

    def test_a_closed_position_is_no_row_of_a_new_list(self):
        self.trade("KO", "BUY", 1)
        self.trade("KO", "SELL", 1)
        rows = self.app.ask(self.app.reqPositions, "positionEnd")
        self.app.cancelPositions()
        self.assertNotIn(KO, [row.contract.conId for row in of(rows, "position")])

    def test_positions_of_an_account_come_under_the_request_id(self):
        for account in (ACCOUNT, ""):
            req_id = self.app.request_id()
            request = lambda: self.app.reqPositionsMulti(req_id, account, "")
            events = self.app.ask(request, "positionMultiEnd", reqId=req_id)
            [spy] = [e for e in of(events, "positionMulti") if e.contract.conId == SPY]
            self.check_multi(spy, req_id)
            self.app.cancelPositionsMulti(req_id)

    def check_multi(self, row, req_id):
        self.assertEqual((row.reqId, row.account, row.modelCode), (req_id, ACCOUNT, ""))
        self.assertEqual((row.pos, row.contract.symbol), (Decimal(10), "SPY"))
        self.assertAlmostEqual(row.avgCost, float(self.cost), places=6)

    def test_positions_of_an_account_follow_the_trades(self):
        req_id = self.app.request_id()
        request = lambda: self.app.reqPositionsMulti(req_id, ACCOUNT, "")
        self.app.ask(request, "positionMultiEnd", reqId=req_id)
        since = len(self.app.events)
        self.trade("KO", "BUY", 2)
        row = self.app.events[self.app.wait("positionMulti", since, reqId=req_id)]
        self.assertEqual((row.contract.conId, row.pos), (KO, Decimal(2)))
        self.app.cancelPositionsMulti(req_id)
        self.trade("KO", "SELL", 2)

    def summary(self, tags):
        req_id = self.app.request_id()
        request = lambda: self.app.reqAccountSummary(req_id, "All", tags)
        events = self.app.ask(request, "accountSummaryEnd", reqId=req_id)
        rows = of(events, "accountSummary")
        self.assertTrue(all((row.reqId, row.account) == (req_id, ACCOUNT) for row in rows))
        return req_id, {(row.tag, row.currency): row.value for row in rows}

    def test_a_summary_has_one_row_a_tag_and_adds_up(self):
        tags = sorted(BASE_KEYS | {"AccountType", "Cushion"})
        req_id, rows = self.summary(",".join(tags + ["NoSuchTag"]))
        self.app.cancelAccountSummary(req_id)
        self.assertEqual(sorted(tag for tag, _ in rows), tags)
        for tag in BASE_KEYS:
            self.assertRegex(rows[tag, "USD"], MONEY)
        money = {tag: Decimal(rows[tag, "USD"]) for tag in BASE_KEYS}
        net = money["NetLiquidation"]
        self.assertLess(abs(net - CASH), DRIFT)
        parts = money["TotalCashValue"] + money["GrossPositionValue"]
        self.assertLessEqual(abs(net - parts), CENTS)
        self.assertLessEqual(abs(net - money["InitMarginReq"] - money["AvailableFunds"]), CENTS)
        self.assertLessEqual(abs(net - money["MaintMarginReq"] - money["ExcessLiquidity"]), CENTS)
        self.assertGreater(money["BuyingPower"], money["AvailableFunds"])

    def test_the_ledger_of_a_summary_has_rows_by_currency(self):
        req_id, rows = self.summary("$LEDGER:ALL")
        self.app.cancelAccountSummary(req_id)
        for currency in ("USD", "BASE"):
            for key in LEDGER_KEYS:
                self.assertRegex(rows[key, currency], MONEY)
            self.assertEqual(Decimal(rows["ExchangeRate", currency]), 1)
            self.assertEqual(rows["Currency", currency], currency)
        req_id, rows = self.summary("$LEDGER:USD")
        self.app.cancelAccountSummary(req_id)
        self.assertEqual({currency for _, currency in rows}, {"USD"})

    def test_a_third_summary_is_one_too_many(self):
        first, _ = self.summary("NetLiquidation")
        second, _ = self.summary("NetLiquidation")
        third = self.app.request_id()
        request = lambda: self.app.reqAccountSummary(third, "All", "NetLiquidation")
        self.assertEqual(self.app.refusal(request, third), 322)
        self.app.cancelAccountSummary(first)
        again, _ = self.summary("NetLiquidation")
        self.app.cancelAccountSummary(second)
        self.app.cancelAccountSummary(again)

    def test_a_summary_follows_the_trades_without_another_end(self):
        req_id, rows = self.summary("TotalCashValue")
        since = len(self.app.events)
        self.trade("KO", "BUY", 3)
        changed = self.app.events[self.app.wait("accountSummary", since, reqId=req_id)]
        self.assertLess(Decimal(changed.value), Decimal(rows["TotalCashValue", "USD"]))
        self.assertEqual(of(self.app.settle(since), "accountSummaryEnd"), [])
        self.app.cancelAccountSummary(req_id)
        self.trade("KO", "SELL", 3)

    def test_account_updates_end_once_and_add_up(self):
        request = lambda: self.app.reqAccountUpdates(True, ACCOUNT)
        events = self.app.ask(request, "accountDownloadEnd")
        self.assertEqual(events[-1].accountName, ACCOUNT)
        values = {(e.key, e.currency): e.val for e in of(events, "updateAccountValue")}
        self.assertEqual({e.accountName for e in of(events, "updateAccountValue")}, {ACCOUNT})
        self.assertEqual(values["AccountCode", ""], ACCOUNT)
        self.assertEqual(values["AccountReady", ""], "true")
        for key in BASE_KEYS:
            self.assertRegex(values[key, "USD"], MONEY)
        for currency in ("USD", "BASE"):
            self.assertLessEqual(LEDGER_KEYS, {key for key, other in values if other == currency})
        [stamp] = of(events, "updateAccountTime")
        self.assertRegex(stamp.timeStamp, re.compile(r"^\d\d:\d\d$"))
        self.check_portfolio(events, values)
        self.app.reqAccountUpdates(False, ACCOUNT)

    def check_portfolio(self, events, values):
        [row] = of(events, "updatePortfolio")
        self.assertEqual((row.contract.conId, row.position), (SPY, Decimal(10)))
        self.assertEqual(row.accountName, ACCOUNT)
        self.assertAlmostEqual(row.marketValue, row.marketPrice * 10, places=4)
        self.assertAlmostEqual(row.averageCost, float(self.cost), places=6)
        unrealized = row.marketValue - row.averageCost * 10
        self.assertAlmostEqual(row.unrealizedPNL, unrealized, places=4)
        held = Decimal(values["StockMarketValue", "USD"])
        self.assertAlmostEqual(float(held), row.marketValue, delta=0.01)
        for sent in of(events, "updatePortfolioProtoBuf"):
            for field in ("position", "marketPrice", "marketValue", "averageCost", "realizedPNL"):
                self.assertTrue(sent.portfolioValueProto.HasField(field), field)

    def test_account_updates_follow_the_trades_until_they_are_stopped(self):
        request = lambda: self.app.reqAccountUpdates(True, ACCOUNT)
        self.app.ask(request, "accountDownloadEnd")
        since = len(self.app.events)
        self.trade("KO", "BUY", 4)
        row = self.app.events[self.app.wait("updatePortfolio", since)]
        self.assertEqual((row.contract.conId, row.position), (KO, Decimal(4)))
        self.app.wait("updateAccountValue", since, key="TotalCashBalance", currency="USD")
        self.app.wait("updateAccountTime", since)
        self.assertEqual(of(self.app.settle(since), "accountDownloadEnd"), [])

        self.app.reqAccountUpdates(False, ACCOUNT)
        since = len(self.app.events)
        self.trade("KO", "SELL", 4)
        silent = of(self.app.settle(since), "updatePortfolio", "updateAccountValue")
        self.assertEqual(silent, [])

    def updates_multi(self, account, ledger_only):
        req_id = self.app.request_id()
        request = lambda: self.app.reqAccountUpdatesMulti(req_id, account, "", ledger_only)
        events = self.app.ask(request, "accountUpdateMultiEnd", reqId=req_id)
        self.app.cancelAccountUpdatesMulti(req_id)
        rows = of(events, "accountUpdateMulti")
        self.assertTrue(all((r.reqId, r.account) == (req_id, ACCOUNT) for r in rows))
        return {(row.key, row.currency): row.value for row in rows}

    def test_updates_under_a_request_id_have_all_values_or_the_ledger(self):
        whole = self.updates_multi(ACCOUNT, False)
        self.assertLessEqual({(key, "USD") for key in BASE_KEYS}, whole.keys())
        ledger = self.updates_multi(ACCOUNT, True)
        self.assertLessEqual({(key, "USD") for key in LEDGER_KEYS}, ledger.keys())
        self.assertIn(("NetLiquidation", "USD"), ledger)
        self.assertNotIn(("BuyingPower", "USD"), ledger)

    def test_another_account_is_refused_under_the_request_id(self):
        app, req_id = self.app, self.app.request_id()
        for request in (
            lambda: app.reqPositionsMulti(req_id, "DU9999999", ""),
            lambda: app.reqAccountUpdatesMulti(req_id, "DU9999999", "", False),
            lambda: app.reqPnL(req_id, "DU9999999", ""),
            lambda: app.reqPnLSingle(req_id, "DU9999999", "", SPY),
        ):
            self.assertEqual(app.refusal(request, req_id), 321)

    def test_profit_and_loss_streams_until_it_is_cancelled(self):
        req_id = self.app.request_id()
        first = self.app.ask(lambda: self.app.reqPnL(req_id, ACCOUNT, ""), "pnl", reqId=req_id)[-1]
        self.assertNotIn(UNSET_DOUBLE, (first.dailyPnL, first.unrealizedPnL, first.realizedPnL))
        total = first.unrealizedPnL + first.realizedPnL
        self.assertAlmostEqual(first.dailyPnL, total, places=2)
        self.app.wait("pnl", len(self.app.events), reqId=req_id)
        self.app.cancelPnL(req_id)
        self.assertEqual(self.app.refusal(lambda: self.app.cancelPnL(req_id), req_id), 10185)

    def test_profit_and_loss_of_one_position_has_its_size_and_value(self):
        req_id = self.app.request_id()
        request = lambda: self.app.reqPnLSingle(req_id, ACCOUNT, "", SPY)
        row = self.app.ask(request, "pnlSingle", reqId=req_id)[-1]
        self.assertEqual(row.pos, Decimal(10))
        self.assertAlmostEqual(row.value - float(self.cost) * 10, row.unrealizedPnL, places=4)
        self.assertEqual(row.realizedPnL, 0.0)
        self.app.wait("pnlSingle", len(self.app.events), reqId=req_id)
        self.app.cancelPnLSingle(req_id)
        refusal = self.app.refusal(lambda: self.app.cancelPnLSingle(req_id), req_id)
        self.assertEqual(refusal, 10186)

    def test_profit_and_loss_of_what_is_not_held_is_zero(self):
        req_id = self.app.request_id()
        request = lambda: self.app.reqPnLSingle(req_id, ACCOUNT, "", 265598)
        row = self.app.ask(request, "pnlSingle", reqId=req_id)[-1]
        self.assertEqual((row.pos, row.value, row.unrealizedPnL), (Decimal(0), 0.0, 0.0))
        self.app.cancelPnLSingle(req_id)

    def test_a_resting_order_moves_nothing(self):
        before = self.updates_multi(ACCOUNT, True)["CashBalance", "USD"]
        order_id = self.app.order_id()
        request = lambda: self.app.placeOrder(order_id, stock("KO"), limit("BUY", 10, 35.0))
        self.app.ask(request, "orderStatus", orderId=order_id, status="Submitted")
        self.assertEqual(self.updates_multi(ACCOUNT, True)["CashBalance", "USD"], before)


main()
