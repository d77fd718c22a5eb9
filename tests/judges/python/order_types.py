"""Order types beside market and limit, times in force, partial fills, groups."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app import Judge, limit, market, of, stock
from command_line import main
from ibapi.order_cancel import OrderCancel
from ibapi.tag_value import TagValue

FRAMES = ("openOrder", "orderStatus", "execDetails", "commissionAndFeesReport", "error")

# SPY starts at 560, INTC at 22.
LOW, HIGH = 400.0, 700.0


def changed(order, **fields):
    for name, value in fields.items():
        setattr(order, name, value)
    return order


def in_seconds(seconds):
    """A time as orders carry it."""
    at = datetime.now(ZoneInfo("America/New_York")) + timedelta(seconds=seconds)
    return at.strftime("%Y%m%d %H:%M:%S") + " US/Eastern"


class OrderTypes(Judge):
    def place(self, contract, order, until="orderStatus", **fields):
        """Sends an order; its id, and its frames up to the one that is named."""
        order_id = self.app.order_id()
        request = lambda: self.app.placeOrder(order_id, contract, order)
        events = self.app.ask(request, until, **fields)
        return order_id, of(events, *FRAMES)

    def cancel(self, order_id):
        request = lambda: self.app.cancelOrder(order_id, OrderCancel())
        self.app.ask(request, "error", reqId=order_id, errorCode=202)

    def waits(self, order, **echoed):
        """The order is accepted, waits as PreSubmitted, and says what was sent."""
        order_id, frames = self.place(stock("SPY"), order)
        opened, status = of(frames, "openOrder")[0], frames[-1]
        self.assertEqual((opened.orderState.status, status.status), ("PreSubmitted",) * 2)
        self.assertEqual((status.filled, status.remaining), (Decimal(0), Decimal(10)))
        for name, value in echoed.items():
            self.assertEqual(getattr(opened.order, name), value, name)
        self.cancel(order_id)

    def fills(self, order):
        """The order fills at once; its executions."""
        order_id, frames = self.place(stock("SPY"), order, "orderStatus", status="Filled")
        executions = [frame.execution for frame in of(frames, "execDetails")]
        self.assertEqual({execution.orderId for execution in executions}, {order_id})
        return executions

    def refused(self, order):
        order_id = self.app.order_id()
        request = lambda: self.app.placeOrder(order_id, stock("SPY"), order)
        return self.app.refusal(request, order_id)

    def test_a_stop_waits_for_its_trigger(self):
        order = changed(market("BUY", 10), orderType="STP", auxPrice=HIGH)
        self.waits(order, orderType="STP", auxPrice=HIGH)

    def test_a_stop_beyond_its_trigger_fills(self):
        order = changed(market("SELL", 10), orderType="STP", auxPrice=HIGH)
        [execution] = self.fills(order)
        self.assertEqual(execution.side, "SLD")

    def test_a_stop_limit_becomes_a_limit_when_triggered(self):
        kind = {"orderType": "STP LMT", "auxPrice": LOW}
        order = changed(limit("BUY", 10, LOW), **kind)
        order_id, frames = self.place(stock("SPY"), order, "orderStatus", status="Submitted")
        self.assertEqual(frames[-1].remaining, Decimal(10))
        self.cancel(order_id)
        self.waits(changed(limit("BUY", 10, HIGH), orderType="STP LMT", auxPrice=HIGH))

    def test_a_stop_needs_its_price(self):
        self.assertEqual(self.refused(changed(market("BUY", 10), orderType="STP")), 321)

    def test_orders_for_the_close_wait_for_it(self):
        self.waits(changed(market("BUY", 10), orderType="MOC"), orderType="MOC")
        self.waits(changed(limit("BUY", 10, HIGH), orderType="LOC"), orderType="LOC")

    def test_a_midprice_order_fills_inside_the_quote(self):
        [execution] = self.fills(changed(market("BUY", 10), orderType="MIDPRICE"))
        self.assertTrue(500 < execution.price < 620, execution.price)

    def test_an_adaptive_order_fills_and_keeps_its_algorithm(self):
        params = [TagValue("adaptivePriority", "Normal")]
        order = changed(market("BUY", 10), algoStrategy="Adaptive", algoParams=params)
        _, frames = self.place(stock("SPY"), order, "orderStatus", status="Filled")
        opened = of(frames, "openOrder")[0].order
        self.assertEqual(opened.algoStrategy, "Adaptive")
        sent = [(param.tag, param.value) for param in opened.algoParams]
        self.assertEqual(sent, [("adaptivePriority", "Normal")])

    def test_an_order_ends_at_its_date(self):
        till = in_seconds(2)
        order = changed(limit("BUY", 10, LOW), tif="GTD", goodTillDate=till)
        since = len(self.app.events)
        order_id, [opened, _] = self.place(stock("SPY"), order, "orderStatus", status="Submitted")
        self.assertEqual((opened.order.tif, opened.order.goodTillDate), ("GTD", till))
        self.app.wait("orderStatus", since, orderId=order_id, status="Cancelled")

    def test_an_order_begins_after_its_date(self):
        order = changed(market("BUY", 10), goodAfterTime=in_seconds(2))
        order_id, frames = self.place(stock("SPY"), order)
        self.assertEqual(frames[-1].status, "PreSubmitted")
        since = len(self.app.events)
        self.app.wait("orderStatus", since, orderId=order_id, status="Filled")

    def test_a_large_order_fills_in_parts_that_add_up(self):
        quantity = Decimal(30_000)
        order, since = limit("BUY", quantity, 30.0), len(self.app.events)
        order_id, frames = self.place(stock("INTC"), order, "orderStatus", status="Filled")
        executions = [frame.execution for frame in of(frames, "execDetails")]
        self.assertGreater(len(executions), 1)
        filled, value = Decimal(0), Decimal(0)
        for execution in executions:
            filled += execution.shares
            value += execution.shares * Decimal(str(execution.price))
            self.assertEqual(execution.cumQty, filled)
            self.assertAlmostEqual(execution.avgPrice, float(value / filled), places=6)
        self.assertEqual(filled, quantity)
        for status in of(frames, "orderStatus"):
            self.assertEqual(status.filled + status.remaining, quantity)
            self.assertEqual(status.status == "Filled", status.remaining == 0)
        self.check_commissions(executions, self.app.settle(since))

    def check_commissions(self, executions, events):
        """One report for each execution, the minimum once for the order."""
        reports = [event.commissionAndFeesReport for event in of(events, "commissionAndFeesReport")]
        ids = [execution.execId for execution in executions]
        self.assertEqual([report.execId for report in reports], ids)
        total = sum(report.commissionAndFees for report in reports)
        self.assertAlmostEqual(total, 150.0, places=4)

    def test_one_of_a_group_cancels_the_others(self):
        group = f"group-{self.app.order_id()}"
        together = {"ocaGroup": group, "ocaType": 1}
        rests, since = changed(limit("BUY", 10, LOW), **together), len(self.app.events)
        order_id, _ = self.place(stock("SPY"), rests, "orderStatus", status="Submitted")
        self.fills(changed(limit("BUY", 10, HIGH), **together))
        self.app.wait("orderStatus", since, orderId=order_id, status="Cancelled")

    def test_an_unknown_time_in_force_and_a_date_that_is_over_are_refused(self):
        self.assertEqual(self.refused(changed(limit("BUY", 10, LOW), tif="NEVER")), 321)
        over = changed(limit("BUY", 10, LOW), tif="GTD", goodTillDate=in_seconds(-3600))
        self.assertIn(self.refused(over), (201, 321))


main()
