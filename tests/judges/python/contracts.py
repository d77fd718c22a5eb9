"""Contract details, symbol search, market rules."""

import re
from decimal import Decimal

from app import Judge, of, pair, stock
from command_line import main
from ibapi.contract import Contract

SPY = 756733
EUR_USD = 12087792

HOURS = re.compile(r"\d{8}:(CLOSED|\d{4}-\d{8}:\d{4})")


class Contracts(Judge):
    def details(self, contract):
        req_id = self.app.request_id()
        request = lambda: self.app.reqContractDetails(req_id, contract)
        events = self.app.ask(request, "contractDetailsEnd", reqId=req_id)
        rows = of(events, "contractDetails")
        self.assertTrue(all(row.reqId == req_id for row in rows))
        return [row.contractDetails for row in rows]

    def refused(self, contract):
        """The code, once it is certain that no end marker follows it."""
        req_id, since = self.app.request_id(), len(self.app.events)
        code = self.app.refusal(lambda: self.app.reqContractDetails(req_id, contract), req_id)
        ends = of(self.app.settle(since), "contractDetails", "contractDetailsEnd")
        self.assertEqual(ends, [], "a refusal is the only answer")
        return code

    def test_a_stock_is_found_by_its_symbol(self):
        [details] = self.details(stock("SPY"))
        contract = details.contract
        self.assertEqual(contract.conId, SPY)
        self.assertEqual((contract.symbol, contract.secType), ("SPY", "STK"))
        self.assertEqual((contract.exchange, contract.primaryExchange), ("SMART", "ARCA"))
        self.assertEqual((contract.currency, contract.localSymbol), ("USD", "SPY"))
        self.assertNotEqual(contract.tradingClass, "")
        self.assertIn(contract.right, ("", "C", "P"))
        self.assertEqual(details.stockType, "ETF")
        self.assertEqual(details.minTick, 0.01)
        self.assertEqual(details.priceMagnifier, 1)
        self.assertNotEqual(details.marketName, "")
        self.assertNotEqual(details.longName, "")

    def test_sizes_are_decimals(self):
        if self.version < 164:
            self.skipTest("there are no sizes before version 164")
        [details] = self.details(stock("SPY"))
        sizes = (details.minSize, details.sizeIncrement, details.suggestedSizeIncrement)
        for size in sizes:
            self.assertIsInstance(size, Decimal)
            self.assertGreater(size, 0)
            self.assertLess(size, 1000)

    def test_lists_go_with_the_exchanges(self):
        [details] = self.details(stock("SPY"))
        exchanges = details.validExchanges.split(",")
        self.assertIn("SMART", exchanges)
        self.assertEqual(len(details.marketRuleIds.split(",")), len(exchanges))
        for kind in ("MKT", "LMT"):
            self.assertIn(kind, details.orderTypes.split(","))

    def test_hours_are_days_with_sessions(self):
        [details] = self.details(stock("SPY"))
        self.assertEqual(details.timeZoneId, "US/Eastern")
        for hours in (details.tradingHours, details.liquidHours):
            days = hours.split(";")
            self.assertGreater(len(days), 1)
            for day in days:
                self.assertRegex(day, HOURS)

    def test_a_contract_id_is_enough(self):
        contract = Contract()
        contract.conId = SPY
        [details] = self.details(contract)
        self.assertEqual(details.contract.symbol, "SPY")

    def test_a_local_symbol_is_enough_with_its_kind(self):
        contract = Contract()
        contract.localSymbol, contract.secType, contract.exchange = "EUR.USD", "CASH", "IDEALPRO"
        [details] = self.details(contract)
        self.assertEqual(details.contract.conId, EUR_USD)

    def test_a_currency_pair_has_half_a_pip(self):
        [details] = self.details(pair("EUR", "USD"))
        contract = details.contract
        self.assertEqual((contract.localSymbol, contract.tradingClass), ("EUR.USD", "EUR.USD"))
        self.assertEqual((contract.symbol, contract.currency), ("EUR", "USD"))
        self.assertEqual(contract.exchange, "IDEALPRO")
        self.assertEqual(details.minTick, 0.00005)

    def test_nothing_found_is_200_and_no_end(self):
        self.assertEqual(self.refused(stock("NOSUCH")), 200)
        self.assertEqual(self.refused(stock("SPY", exchange="NOWHERE")), 200)
        wrong_kind = stock("SPY")
        wrong_kind.secType = "CASH"
        self.assertEqual(self.refused(wrong_kind), 200)

    def test_cancelling_details_is_silent(self):
        if self.version < 215:
            self.skipTest("the client sends the cancel from version 215 on")
        since = len(self.app.events)
        self.app.cancelContractData(self.app.request_id())
        self.assertEqual(of(self.app.settle(since), "error"), [])

    def search(self, pattern):
        req_id = self.app.request_id()
        request = lambda: self.app.reqMatchingSymbols(req_id, pattern)
        [samples] = of(self.app.ask(request, "symbolSamples", reqId=req_id), "symbolSamples")
        return [description.contract for description in samples.contractDescriptions]

    def test_a_search_finds_symbols_by_their_start(self):
        found = self.search("SP")
        self.assertIn(SPY, [contract.conId for contract in found])
        [spy] = [contract for contract in found if contract.conId == SPY]
        self.assertEqual((spy.symbol, spy.secType, spy.currency), ("SPY", "STK", "USD"))
        self.assertEqual(spy.primaryExchange, "ARCA")

    def test_a_search_for_nothing_known_is_answered_with_nothing(self):
        self.assertEqual(self.search("QZQZQZ"), [])

    def test_a_market_rule_gives_the_price_increment_of_its_contract(self):
        for contract, tick in ((stock("SPY"), 0.01), (pair("EUR", "USD"), 0.00005)):
            [details] = self.details(contract)
            rule = int(details.marketRuleIds.split(",")[0])
            request = lambda: self.app.reqMarketRule(rule)
            answer = self.app.ask(request, "marketRule", marketRuleId=rule)[-1]
            first = answer.priceIncrements[0]
            self.assertEqual((first.lowEdge, first.increment), (0.0, tick))


main()
