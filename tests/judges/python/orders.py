"""Orders: resting, changed, cancelled, filled, tried out, refused."""

import re
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from app import ACCOUNT, PROTOBUF, Judge, limit, market, of, stock
from command_line import main
from ibapi.const import UNSET_DOUBLE
from ibapi.order_cancel import OrderCancel

SPY = 756733
FRAMES = ("openOrder", "orderStatus", "execDetails", "commissionAndFeesReport", "error")

# Far from the market, which starts at 560.
LOW, LOWER = 400.0, 399.99


class Orders(Judge):
    def place(self, contract, order, until, **fields):
        """Sends an order; its id, and its frames up to the one that is named."""
        order_id = self.app.order_id()
        return order_id, self.send(order_id, contract, order, until, **fields)

    def send(self, order_id, contract, order, until, **fields):
        request = lambda: self.app.placeOrder(order_id, contract, order)
        return of(self.app.ask(request, until, **fields), *FRAMES)

    def rest(self, order=None):
        """An order that works and waits; its id and its first frames."""
        order = order or limit("BUY", 10, LOW)
        return self.place(stock("SPY"), order, "orderStatus", status="Submitted")

    def cancel(self, order_id):
        request = lambda: self.app.cancelOrder(order_id, OrderCancel())
        return of(self.app.ask(request, "error", reqId=order_id), *FRAMES)

    def fill(self, action, quantity, ref=""):
        order = market(action, quantity)
        order.orderRef = ref
        return self.place(stock("SPY"), order, "commissionAndFeesReport")

    def refused(self, contract, order):
        """The code of a refusal that nothing came before and nothing follows."""
        order_id, since = self.app.order_id(), len(self.app.events)
        self.send(order_id, contract, order, "error", reqId=order_id)
        [frame] = of(self.app.settle(since), *FRAMES)
        return frame.errorCode

    def test_a_limit_order_rests_with_explicit_zeros(self):
        order = limit("BUY", 10, LOW)
        order.orderRef, order.tif = "judge-1", "GTC"
        order_id, frames = self.rest(order)
        self.assertEqual([frame.called for frame in frames], ["openOrder", "orderStatus"])
        opened, status = frames
        self.check_open(opened, order_id)
        self.assertEqual((opened.order.lmtPrice, opened.order.tif), (LOW, "GTC"))
        self.assertEqual(opened.order.orderRef, "judge-1")
        self.assertEqual((status.filled, status.remaining), (Decimal(0), Decimal(10)))
        self.assertEqual((status.avgFillPrice, status.lastFillPrice), (0.0, 0.0))
        self.assertEqual((status.permId, status.clientId), (opened.order.permId, self.CLIENT_ID))
        self.assertEqual((status.parentId, status.whyHeld), (0, ""))
        self.cancel(order_id)

    def check_open(self, opened, order_id):
        self.assertEqual(opened.orderId, order_id)
        self.assertEqual((opened.order.orderId, opened.order.clientId), (order_id, self.CLIENT_ID))
        self.assertGreater(opened.order.permId, 0)
        self.assertLess(opened.order.permId, 2**31)
        self.assertEqual(opened.order.account, ACCOUNT)
        self.assertEqual((opened.order.action, opened.order.totalQuantity), ("BUY", Decimal(10)))
        self.assertEqual(opened.orderState.status, "Submitted")
        contract = opened.contract
        self.assertEqual((contract.conId, contract.symbol, contract.secType), (SPY, "SPY", "STK"))
        self.assertEqual((contract.exchange, contract.currency), ("SMART", "USD"))

    def test_an_order_without_time_in_force_is_a_day_order(self):
        order_id, [opened, _] = self.rest()
        self.assertEqual(opened.order.tif, "DAY")
        self.cancel(order_id)

    def test_a_change_keeps_the_order(self):
        order_id, [opened, _] = self.rest()
        changed = limit("BUY", 12, LOWER)
        again, status = self.send(order_id, stock("SPY"), changed, "orderStatus", orderId=order_id)
        self.assertEqual((again.called, again.order.lmtPrice), ("openOrder", LOWER))
        self.assertEqual(again.order.totalQuantity, Decimal(12))
        self.assertEqual(again.order.permId, opened.order.permId)
        self.assertEqual((status.status, status.remaining), ("Submitted", Decimal(12)))
        self.assertEqual(status.permId, opened.order.permId)
        self.cancel(order_id)

    def test_a_change_to_a_price_that_the_market_has_fills(self):
        order_id, [opened, _] = self.rest()
        changed = limit("BUY", 10, 600.0)
        frames = self.send(order_id, stock("SPY"), changed, "commissionAndFeesReport")
        [execution] = [frame.execution for frame in of(frames, "execDetails")]
        self.assertEqual((execution.orderId, execution.permId), (order_id, opened.order.permId))
        self.assertLess(execution.price, 600.0)
        self.fill("SELL", 10)

    def test_a_cancel_is_a_status_and_202(self):
        order_id, _ = self.rest()
        frames = self.cancel(order_id)
        statuses = [frame.status for frame in of(frames, "orderStatus")]
        self.assertIn(statuses, (["Cancelled"], ["PendingCancel", "Cancelled"]))
        last, notice = frames[-2:]
        self.assertEqual((last.filled, last.remaining), (Decimal(0), Decimal(10)))
        self.assertEqual((notice.errorCode, notice.reqId), (202, order_id))
        self.assertRegex(notice.errorString, "^Order Canceled - reason:")

    def test_a_market_order_fills_in_the_order_of_ib(self):
        order_id, frames = self.fill("BUY", 10, ref="judge-2")
        said = [
            (frame.called, frame.orderState.status if frame.called == "openOrder" else "")
            for frame in frames
        ]
        self.assertEqual(
            said,
            [
                ("openOrder", "PreSubmitted"),
                ("orderStatus", ""),
                ("execDetails", ""),
                ("openOrder", "Filled"),
                ("orderStatus", ""),
                ("openOrder", "Filled"),
                ("commissionAndFeesReport", ""),
            ],
        )
        before, after = of(frames, "orderStatus")
        self.assertEqual((before.status, before.filled), ("PreSubmitted", Decimal(0)))
        self.assertEqual((after.status, after.filled), ("Filled", Decimal(10)))
        self.assertEqual(after.remaining, Decimal(0))
        price = frames[2].execution.price
        self.assertEqual((after.avgFillPrice, after.lastFillPrice), (price, price))
        last = of(frames, "openOrder")[-1]
        self.assertEqual(last.orderState.commissionAndFees, 1.0)
        self.assertEqual(last.orderState.commissionAndFeesCurrency, "USD")
        self.check_execution(frames[2], order_id, before.permId)
        self.fill("SELL", 10)

    def check_execution(self, frame, order_id, perm_id):
        execution = frame.execution
        self.assertEqual((frame.reqId, frame.contract.conId), (-1, SPY))
        self.assertEqual((execution.orderId, execution.permId), (order_id, perm_id))
        self.assertEqual((execution.clientId, execution.acctNumber), (self.CLIENT_ID, ACCOUNT))
        self.assertEqual((execution.side, execution.orderRef), ("BOT", "judge-2"))
        self.assertEqual((execution.shares, execution.cumQty), (Decimal(10), Decimal(10)))
        self.assertTrue(500 < execution.price < 620, execution.price)
        self.assertEqual(execution.avgPrice, execution.price)
        self.assertEqual(execution.lastLiquidity, 2)
        self.assertNotIn(execution.exchange, ("", "SMART"), "it traded somewhere in particular")
        self.assertRegex(execution.execId, re.compile(r"^[0-9a-f]+(\.[0-9a-f]+){3}$"))
        date, clock, zone = execution.time.split(" ")
        at = datetime.strptime(f"{date} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
        self.assertLess(abs(at.timestamp() - datetime.now().timestamp()), 60)

    def test_a_commission_report_names_its_execution_and_the_result_of_a_close(self):
        _, bought = self.fill("BUY", 10)
        _, sold = self.fill("SELL", 10)
        executions = [of(frames, "execDetails")[0].execution for frames in (bought, sold)]
        reports = [frames[-1].commissionAndFeesReport for frames in (bought, sold)]
        for execution, report in zip(executions, reports):
            self.assertEqual(report.execId, execution.execId)
            self.assertEqual((report.commissionAndFees, report.currency), (1.0, "USD"))
        self.assertNotEqual(executions[0].execId, executions[1].execId)
        self.assertEqual((executions[0].side, executions[1].side), ("BOT", "SLD"))
        gain = (executions[1].price - executions[0].price) * 10 - 2.0
        self.assertAlmostEqual(reports[1].realizedPNL, gain, places=4)

    def test_a_fill_that_opens_has_no_result(self):
        since = len(self.app.events)
        _, frames = self.fill("BUY", 10)
        self.assertIn(frames[-1].commissionAndFeesReport.realizedPNL, (0.0, UNSET_DOUBLE))
        for sent in of(self.app.events[since:], "commissionAndFeesReportProtoBuf"):
            report = sent.commissionAndFeesReportProto
            if report.HasField("realizedPNL"):
                self.assertEqual(report.realizedPNL, UNSET_DOUBLE)
        self.fill("SELL", 10)

    def test_a_limit_order_at_the_market_fills_no_worse_than_its_limit(self):
        order = limit("BUY", 10, 600.0)
        _, frames = self.place(stock("SPY"), order, "commissionAndFeesReport")
        self.assertLess(of(frames, "execDetails")[0].execution.price, 570.0)
        self.fill("SELL", 10)

    def test_an_order_that_cannot_fill_at_once_is_cancelled_if_it_must(self):
        order = limit("BUY", 10, LOW)
        order.tif = "IOC"
        order_id, since = self.app.order_id(), len(self.app.events)
        self.send(order_id, stock("SPY"), order, "orderStatus", status="Cancelled")
        frames = of(self.app.settle(since), "orderStatus", "execDetails", "error")
        self.assertEqual(frames[-1].errorCode, 202)
        self.assertEqual(of(frames, "execDetails"), [])
        self.assertEqual(of(frames, "orderStatus")[-1].filled, Decimal(0))

    def test_a_held_order_works_when_its_child_is_transmitted(self):
        parent = limit("BUY", 10, LOW)
        parent.transmit = False
        parent_id, frames = self.place(stock("SPY"), parent, "orderStatus")
        self.assertNotIn(frames[-1].status, ("Submitted", "Filled"))
        child = limit("SELL", 10, 900.0)
        child.parentId = parent_id
        request = lambda: self.app.placeOrder(child_id, stock("SPY"), child)
        child_id, since = self.app.order_id(), len(self.app.events)
        self.app.ask(request, "orderStatus", orderId=child_id)
        statuses = of(self.app.settle(since), "orderStatus")
        last = {status.orderId: status for status in statuses}
        self.assertEqual(last[parent_id].status, "Submitted")
        self.assertEqual(last[child_id].status, "PreSubmitted")
        self.assertEqual(last[child_id].parentId, parent_id)

        since = len(self.app.events)
        self.cancel(parent_id)
        ended = of(self.app.settle(since), "orderStatus")
        cancelled = {status.orderId for status in ended if status.status == "Cancelled"}
        self.assertEqual(cancelled, {parent_id, child_id})

    def test_what_if_tells_the_margin_and_does_nothing(self):
        order = limit("BUY", 100, 560.0)
        order.whatIf = True
        since = len(self.app.events)
        order_id, [opened] = self.place(stock("SPY"), order, "openOrder")
        self.assertEqual(len(of(self.app.settle(since), *FRAMES)), 1, "one frame and no more")
        self.assertEqual((opened.orderId, opened.order.orderId), (order_id, order_id))
        self.assertTrue(opened.order.whatIf)
        self.check_margins(opened.orderState)
        listed = of(self.app.ask(self.app.reqOpenOrders, "openOrderEnd"), "openOrder")
        self.assertNotIn(order_id, [frame.orderId for frame in listed])
        completed = self.app.ask(lambda: self.app.reqCompletedOrders(False), "completedOrdersEnd")
        self.assertNotIn(order_id, [e.order.orderId for e in of(completed, "completedOrder")])

    def check_margins(self, state):
        # Text has no place for the currency of the margin.
        currency = "USD" if self.version >= PROTOBUF else ""
        self.assertEqual((state.status, state.marginCurrency), ("PreSubmitted", currency))
        for kind in ("initMargin", "maintMargin", "equityWithLoan"):
            before, change, after = (
                Decimal(getattr(state, kind + part)) for part in ("Before", "Change", "After")
            )
            self.assertAlmostEqual(after, before + change, places=6)
        self.assertGreater(Decimal(state.initMarginChange), 10_000)
        self.assertLess(Decimal(state.initMarginChange), 60_000)
        self.assertGreater(Decimal(state.equityWithLoanBefore), 900_000)
        self.assertEqual(state.commissionAndFees, 1.0)
        self.assertEqual(state.commissionAndFeesCurrency, "USD")

    def test_the_id_of_a_what_if_may_be_used(self):
        order = limit("BUY", 1, LOW)
        order.whatIf = True
        order_id, _ = self.place(stock("SPY"), order, "openOrder")
        order.whatIf = False
        self.send(order_id, stock("SPY"), order, "orderStatus", status="Submitted")
        self.cancel(order_id)

    def test_each_mistake_has_its_code(self):
        buy = lambda **fields: self.changed(limit("BUY", 10, LOW), **fields)
        for code, contract, order in (
            (110, stock("SPY"), buy(lmtPrice=400.001)),
            (200, stock("NOSUCH"), buy()),
            (201, stock("SPY"), buy(totalQuantity=1_000_000)),
            (321, stock("SPY", exchange=""), buy()),
            (321, stock("SPY"), buy(account="DU9999999")),
            (321, stock("SPY"), buy(tif="NEVER")),
            (321, stock("SPY"), buy(action="HOLD")),
            (321, stock("SPY"), buy(lmtPrice=UNSET_DOUBLE)),
            (387, stock("SPY"), buy(orderType="NOSUCH")),
            (434, stock("SPY"), buy(totalQuantity=0)),
            (10243, stock("SPY"), buy(totalQuantity=Decimal("0.5"))),
        ):
            with self.subTest(code=code, order=str(order)):
                self.assertEqual(self.refused(contract, order), code)

    @staticmethod
    def changed(order, **fields):
        for name, value in fields.items():
            setattr(order, name, value)
        return order

    def test_an_order_beyond_the_margin_is_201_with_its_reason(self):
        order_id = self.app.order_id()
        order = market("BUY", 1_000_000)
        frames = self.send(order_id, stock("SPY"), order, "error", reqId=order_id)
        self.assertEqual(frames[-1].errorCode, 201)
        self.assertRegex(frames[-1].errorString, "^Order rejected - reason:")

    def test_an_id_that_was_used_up_is_refused_and_disturbs_nothing(self):
        skipped = self.app.order_id()
        filled, _ = self.fill("BUY", 10)
        cancelled, _ = self.rest()
        self.cancel(cancelled)
        for code, order_id in ((104, filled), (103, cancelled), (103, skipped)):
            since = len(self.app.events)
            self.send(order_id, stock("SPY"), market("BUY", 10), "error", reqId=order_id)
            frames = of(self.app.settle(since), *FRAMES)
            self.assertEqual([frame.errorCode for frame in frames], [code])
        self.fill("SELL", 10)

    def test_another_order_under_a_working_id_is_105_and_the_first_works_on(self):
        order_id, _ = self.rest()
        other = limit("SELL", 10, 900.0)
        frames = self.send(order_id, stock("SPY"), other, "error", reqId=order_id)
        self.assertEqual(frames[-1].errorCode, 105)
        listed = of(self.app.ask(self.app.reqOpenOrders, "openOrderEnd"), "openOrder")
        [mine] = [frame for frame in listed if frame.orderId == order_id]
        self.assertEqual(mine.order.action, "BUY")
        self.cancel(order_id)

    def test_a_cancel_that_is_not_possible_says_why(self):
        unknown = self.app.order_id()
        [error] = self.cancel(unknown)
        self.assertEqual(error.errorCode, 10147)
        self.assertIn(str(unknown), error.errorString)
        filled, _ = self.fill("BUY", 10)
        [error] = self.cancel(filled)
        self.assertEqual(error.errorCode, 10148)
        self.assertIn("state: Filled", error.errorString)
        self.fill("SELL", 10)

    def test_the_next_id_is_above_all_that_were_used(self):
        used, _ = self.fill("BUY", 10)
        told = self.app.ask(lambda: self.app.reqIds(1), "nextValidId")[-1].orderId
        self.assertGreater(told, used)
        self.fill("SELL", 10)


main()
