"""Futures: a chain of expiries, multipliers, margin, and books with a multiplier."""

from decimal import Decimal

from app import ACCOUNT, Judge, market, of
from command_line import main
from ibapi.contract import Contract


def future(symbol, exchange="CME", month=""):
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange = symbol, "FUT", exchange
    contract.currency, contract.lastTradeDateOrContractMonth = "USD", month
    return contract


class Futures(Judge):
    def details(self, contract):
        req_id = self.app.request_id()
        request = lambda: self.app.reqContractDetails(req_id, contract)
        events = self.app.ask(request, "contractDetailsEnd", reqId=req_id)
        return [row.contractDetails for row in of(events, "contractDetails")]

    def nearest(self, symbol):
        return self.details(future(symbol))[0].contract

    def test_a_product_is_a_chain_of_expiries(self):
        chain = self.details(future("ES"))
        self.assertGreater(len(chain), 2)
        expiries = [details.contract.lastTradeDateOrContractMonth for details in chain]
        self.assertEqual(expiries, sorted(set(expiries)))
        self.assertEqual(len({details.contract.conId for details in chain}), len(chain))
        for details in chain:
            contract = details.contract
            self.assertRegex(contract.lastTradeDateOrContractMonth, r"^\d{8}$")
            self.assertEqual((contract.symbol, contract.secType), ("ES", "FUT"))
            self.assertEqual((contract.exchange, contract.currency), ("CME", "USD"))
            self.assertEqual(Decimal(contract.multiplier), 50)
            self.assertEqual(details.minTick, 0.25)
            self.assertRegex(contract.localSymbol, r"^ES[HMUZ]\d$")
            self.assertEqual(contract.tradingClass, "ES")
            self.assertRegex(details.contractMonth, r"^\d{6}$")
            self.assertEqual(details.underSymbol or "ES", "ES")

    def test_one_expiry_is_found_by_month_date_local_symbol_and_id(self):
        wanted = self.nearest("ES")
        date = wanted.lastTradeDateOrContractMonth
        by_local, by_id = Contract(), Contract()
        by_local.localSymbol, by_local.secType, by_local.exchange = wanted.localSymbol, "FUT", "CME"
        by_id.conId = wanted.conId
        for request in (future("ES", month=date[:6]), future("ES", month=date), by_local, by_id):
            [details] = self.details(request)
            self.assertEqual(details.contract.conId, wanted.conId)

    def test_an_order_must_name_one_expiry(self):
        order_id = self.app.order_id()
        request = lambda: self.app.placeOrder(order_id, future("ES"), market("BUY", 1))
        self.assertEqual(self.app.refusal(request, order_id), 200)

    def test_a_fill_is_booked_with_the_multiplier(self):
        contract = self.nearest("MES")
        order_id = self.app.order_id()
        request = lambda: self.app.placeOrder(order_id, contract, market("BUY", 2))
        events = self.app.ask(request, "commissionAndFeesReport")
        execution = of(events, "execDetails")[-1].execution
        commission = events[-1].commissionAndFeesReport.commissionAndFees
        self.assertGreater(commission, 0)
        rows = self.app.ask(self.app.reqPositions, "positionEnd")
        self.app.cancelPositions()
        [held] = [row for row in of(rows, "position") if row.contract.conId == contract.conId]
        self.assertEqual((held.account, held.position), (ACCOUNT, Decimal(2)))
        self.assertEqual(Decimal(held.contract.multiplier), 5)
        self.assertAlmostEqual(held.avgCost, execution.price * 5 + commission / 2, places=4)

    def test_a_what_if_tells_the_margin_of_a_contract(self):
        order = market("BUY", 1)
        order.whatIf = True
        order_id, contract = self.app.order_id(), self.nearest("ES")
        request = lambda: self.app.placeOrder(order_id, contract, order)
        state = self.app.ask(request, "openOrder", orderId=order_id)[-1].orderState
        change = Decimal(state.initMarginChange)
        self.assertTrue(1_000 < change < 100_000, change)
        self.assertLess(abs(Decimal(state.equityWithLoanChange)), 100, "no cash for the notional")

    def test_bars_and_quotes_are_those_of_one_expiry(self):
        contract, req_id = self.nearest("ES"), self.app.request_id()
        request = lambda: self.app.reqMktData(req_id, contract, "", True, False, [])
        events = self.app.ask(request, "tickSnapshotEnd", reqId=req_id)
        bid = next(e.price for e in of(events, "tickPrice") if e.tickType == 1)
        self.assertEqual(bid / 0.25, round(bid / 0.25))
        settings = ("", "5 D", "1 day", "TRADES", 1, 1, False, [])
        request = lambda: self.app.reqHistoricalData(req_id, contract, *settings)
        events = self.app.ask(request, "historicalDataEnd", reqId=req_id)
        self.assertEqual(len(of(events, "historicalData")), 5)


main()
