"""A login with two accounts: DU1234567 and DU7654321."""

from decimal import Decimal

from app import Judge, market, of, stock
from command_line import main
from ibapi.execution import ExecutionFilter

FIRST, SECOND = "DU1234567", "DU7654321"
KO = 8894


class SeveralAccounts(Judge):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fills = {account: cls.buy(account, n) for account, n in ((FIRST, 3), (SECOND, 5))}

    @classmethod
    def buy(cls, account, quantity):
        order = market("BUY", quantity)
        order.account, order_id = account, cls.app.order_id()
        request = lambda: cls.app.placeOrder(order_id, stock("KO"), order)
        events = cls.app.ask(request, "commissionAndFeesReport")
        return of(events, "execDetails")[-1].execution

    def test_both_accounts_are_told_at_the_start(self):
        told = self.app.events[self.app.wait("managedAccounts", 0)].accountsList
        self.assertEqual([name for name in told.split(",") if name], [FIRST, SECOND])

    def test_an_execution_names_its_account(self):
        for account, execution in self.fills.items():
            self.assertEqual(execution.acctNumber, account)

    def test_positions_are_of_all_accounts(self):
        rows = of(self.app.ask(self.app.reqPositions, "positionEnd"), "position")
        self.app.cancelPositions()
        held = {(row.account, row.contract.conId): row.position for row in rows}
        self.assertEqual(held, {(FIRST, KO): Decimal(3), (SECOND, KO): Decimal(5)})

    def test_positions_can_be_of_one_account(self):
        for account, quantity in ((FIRST, 3), (SECOND, 5)):
            req_id = self.app.request_id()
            request = lambda: self.app.reqPositionsMulti(req_id, account, "")
            events = self.app.ask(request, "positionMultiEnd", reqId=req_id)
            rows = [(row.account, row.pos) for row in of(events, "positionMulti")]
            self.assertEqual(rows, [(account, Decimal(quantity))])
            self.app.cancelPositionsMulti(req_id)

    def test_a_summary_has_rows_of_all_accounts(self):
        req_id = self.app.request_id()
        tags = "NetLiquidation,GrossPositionValue"
        request = lambda: self.app.reqAccountSummary(req_id, "All", tags)
        events = self.app.ask(request, "accountSummaryEnd", reqId=req_id)
        self.app.cancelAccountSummary(req_id)
        rows = {(row.account, row.tag): Decimal(row.value) for row in of(events, "accountSummary")}
        self.assertEqual(len(rows), 4)
        gross = lambda account: rows[account, "GrossPositionValue"]
        self.assertAlmostEqual(gross(FIRST) / 3, gross(SECOND) / 5, places=1)

    def test_account_updates_are_of_the_account_that_was_asked_for(self):
        for account, quantity in ((FIRST, 3), (SECOND, 5)):
            request = lambda: self.app.reqAccountUpdates(True, account)
            events = self.app.ask(request, "accountDownloadEnd", accountName=account)
            rows = [(row.accountName, row.position) for row in of(events, "updatePortfolio")]
            self.assertEqual(rows, [(account, Decimal(quantity))])
            values = of(events, "updateAccountValue")
            self.assertEqual({row.accountName for row in values}, {account})
            self.app.reqAccountUpdates(False, account)

    def test_executions_can_be_those_of_one_account(self):
        for account, execution in self.fills.items():
            wanted, req_id = ExecutionFilter(), self.app.request_id()
            wanted.acctCode = account
            request = lambda: self.app.reqExecutions(req_id, wanted)
            events = self.app.ask(request, "execDetailsEnd", reqId=req_id)
            found = [row.execution.execId for row in of(events, "execDetails")]
            self.assertEqual(found, [execution.execId])

    def test_an_order_for_a_foreign_account_is_refused(self):
        order = market("BUY", 1)
        order.account, order_id = "DU9999999", self.app.order_id()
        request = lambda: self.app.placeOrder(order_id, stock("KO"), order)
        self.assertEqual(self.app.refusal(request, order_id), 321)


main()
