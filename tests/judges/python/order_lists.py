"""Lists of orders and executions, and what two clients see of each other."""

from decimal import Decimal

from app import ACCOUNT, PROTOBUF, App, Judge, limit, market, of, stock
from command_line import main
from ibapi.execution import ExecutionFilter
from ibapi.order_cancel import OrderCancel

FRAMES = ("openOrder", "orderStatus", "execDetails", "commissionAndFeesReport")

# Far below any market here.
LOW = 20.0


def rest(app, symbol="KO", ref="", order_id=0):
    """An order of `app` that works and waits; its id."""
    order = limit("BUY", 10, LOW)
    order.orderRef = ref
    app.order_ids_from(order_id)
    order_id = app.order_id()
    request = lambda: app.placeOrder(order_id, stock(symbol), order)
    app.ask(request, "orderStatus", orderId=order_id, status="Submitted")
    return order_id


def fill(app, symbol="KO", action="BUY", ref=""):
    order = market(action, 10)
    order.orderRef = ref
    order_id = app.order_id()
    request = lambda: app.placeOrder(order_id, stock(symbol), order)
    events = app.ask(request, "commissionAndFeesReport")
    return order_id, of(events, "execDetails")[-1].execution


def cancel(app, order_id):
    app.ask(lambda: app.cancelOrder(order_id, OrderCancel()), "error", reqId=order_id)


class OrderLists(Judge):
    OTHER_ID = 8

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = App.started(cls.OTHER_ID)
        cls.addClassCleanup(cls.other.stop)

    def listed(self, app, request):
        """Open orders by client and id; each followed by its status, all by the end marker."""
        events = of(app.ask(request, "openOrderEnd"), *FRAMES, "openOrderEnd")
        pairs = events[:-1]
        for opened, status in zip(pairs[::2], pairs[1::2]):
            self.assertEqual((opened.called, status.called), ("openOrder", "orderStatus"))
            self.assertEqual(opened.order.permId, status.permId)
            self.assertEqual(opened.orderState.status, status.status)
            self.assertEqual(opened.order.clientId, status.clientId)
            # A client that was told of an id uses only higher ones, whoever's it was.
            app.order_ids_from(opened.orderId + 1)
        return {(e.order.clientId, e.orderId): e for e in pairs[::2]}

    def test_open_orders_are_those_of_the_client(self):
        mine, theirs = rest(self.app, ref="mine"), rest(self.other, ref="theirs")
        here = self.listed(self.app, self.app.reqOpenOrders)
        there = self.listed(self.other, self.other.reqOpenOrders)
        self.assertEqual(here[self.CLIENT_ID, mine].order.orderRef, "mine")
        self.assertEqual(list(there), [(self.OTHER_ID, theirs)])
        self.assertNotIn((self.OTHER_ID, theirs), here)
        cancel(self.app, mine)
        cancel(self.other, theirs)

    def test_all_open_orders_are_everyones_with_their_owners(self):
        mine, theirs = rest(self.app, ref="mine"), rest(self.other, ref="theirs")
        for app in (self.app, self.other):
            everyones = self.listed(app, app.reqAllOpenOrders)
            self.assertEqual(everyones[self.CLIENT_ID, mine].order.orderRef, "mine")
            self.assertEqual(everyones[self.OTHER_ID, theirs].order.orderRef, "theirs")
        cancel(self.app, mine)
        cancel(self.other, theirs)

    def test_a_list_of_nothing_ends_too(self):
        third = self.second_app(self.OTHER_ID + 1)
        self.assertEqual(self.listed(third, third.reqOpenOrders), {})

    def test_only_client_0_may_bind_orders(self):
        since = len(self.app.events)
        self.app.reqAutoOpenOrders(True)
        refused = self.app.events[self.app.wait("error", since, errorCode=327)]
        self.assertEqual(refused.reqId, -1)
        master = self.second_app(0)
        self.assertEqual(self.listed(master, lambda: master.reqAutoOpenOrders(True)), {})

    def completed(self, app):
        events = app.ask(lambda: app.reqCompletedOrders(False), "completedOrdersEnd")
        return {e.order.orderRef: e for e in of(events, "completedOrder")}

    def test_completed_orders_say_how_they_ended(self):
        fill(self.app, ref="completed-filled")
        cancel(self.app, rest(self.app, ref="completed-cancelled"))
        for app in (self.app, self.other):
            rows = self.completed(app)
            filled, cancelled = rows["completed-filled"], rows["completed-cancelled"]
            self.assertEqual(filled.orderState.status, "Filled")
            self.assertEqual(filled.orderState.completedStatus, "Filled Size: 10")
            self.assertEqual(filled.order.totalQuantity, Decimal(0), "what was left")
            self.assertEqual(filled.order.filledQuantity, Decimal(10))
            self.assertEqual(cancelled.orderState.status, "Cancelled")
            self.assertEqual(cancelled.order.totalQuantity, Decimal(10))
            self.assertEqual(cancelled.order.filledQuantity, Decimal(0))
            self.assertNotEqual(cancelled.orderState.completedStatus, "")
            for row in (filled, cancelled):
                # Text has no place for the client id of an order that ended.
                owner = self.CLIENT_ID if self.version >= PROTOBUF else 0
                self.assertEqual(row.order.clientId, owner)
                self.assertGreater(row.order.permId, 0)
                self.assertRegex(row.orderState.completedTime, r"^\d{8} \d\d:\d\d:\d\d \S+$")
        fill(self.app, action="SELL")

    def executions(self, app, **fields):
        """What a filter finds, each execution with its report before the end."""
        wanted = ExecutionFilter()
        for name, value in fields.items():
            setattr(wanted, name, value)
        req_id = app.request_id()
        request = lambda: app.reqExecutions(req_id, wanted)
        events = of(app.ask(request, "execDetailsEnd", reqId=req_id), *FRAMES)
        for details, report in zip(events[::2], events[1::2]):
            self.assertEqual(details.reqId, req_id)
            self.assertEqual(report.commissionAndFeesReport.execId, details.execution.execId)
        return [details.execution for details in events[::2]]

    def test_executions_are_everyones_and_the_same_for_all(self):
        _, mine = fill(self.app, "AAPL", ref="mine")
        _, theirs = fill(self.other, "AAPL", "SELL", ref="theirs")
        for app in (self.app, self.other):
            found = {e.execId: e for e in self.executions(app)}
            for execution in (mine, theirs):
                again = found[execution.execId]
                self.assertEqual(vars(again), vars(execution))

    def test_a_filter_leaves_only_what_fits(self):
        _, bought = fill(self.app, "MSFT")
        _, sold = fill(self.other, "MSFT", "SELL")
        ids = lambda **fields: {e.execId for e in self.executions(self.app, **fields)}
        both = {bought.execId, sold.execId}
        self.assertEqual(ids(symbol="MSFT"), both)
        self.assertEqual(ids(symbol="MSFT", side="BUY"), {bought.execId})
        self.assertEqual(ids(symbol="MSFT", side="SELL"), {sold.execId})
        self.assertEqual(ids(symbol="MSFT", clientId=self.CLIENT_ID), {bought.execId})
        self.assertEqual(ids(symbol="MSFT", acctCode=ACCOUNT, secType="STK"), both)
        self.assertEqual(ids(symbol="MSFT", time="20200101-00:00:00"), both)
        self.assertEqual(ids(symbol="MSFT", time="20990101 00:00:00 US/Eastern"), set())
        self.assertEqual(ids(symbol="NOSUCH"), set())

    def test_the_frames_of_an_order_go_to_its_owner_only(self):
        since = len(self.other.events)
        order_id, _ = fill(self.app, "JNJ")
        cancel(self.app, rest(self.app, "JNJ"))
        self.assertEqual(of(self.other.settle(since), *FRAMES, "error"), [])
        fill(self.app, "JNJ", "SELL")

    def test_both_clients_may_use_the_same_order_id(self):
        order_id = max(self.app.order_id(), self.other.order_id()) + 100
        rest(self.app, order_id=order_id)
        rest(self.other, order_id=order_id)
        cancel(self.other, order_id)
        everyones = self.listed(self.app, self.app.reqAllOpenOrders)
        self.assertIn((self.CLIENT_ID, order_id), everyones)
        self.assertNotIn((self.OTHER_ID, order_id), everyones)
        cancel(self.app, order_id)

    def test_a_client_cannot_cancel_the_order_of_another(self):
        order_id = max(self.app.order_id(), self.other.order_id()) + 100
        rest(self.app, order_id=order_id)
        request = lambda: self.other.cancelOrder(order_id, OrderCancel())
        self.assertEqual(self.other.refusal(request, order_id), 10147)
        self.assertIn((self.CLIENT_ID, order_id), self.listed(self.app, self.app.reqOpenOrders))
        cancel(self.app, order_id)

    def test_a_global_cancel_ends_the_orders_of_all_clients(self):
        mine, theirs = rest(self.app), rest(self.other)
        here, there = len(self.app.events), len(self.other.events)
        self.other.reqGlobalCancel(OrderCancel())
        for app, since, order_id in ((self.app, here, mine), (self.other, there, theirs)):
            at = app.wait("orderStatus", since, orderId=order_id, status="Cancelled")
            app.wait("error", at, reqId=order_id, errorCode=202)
        everyones = self.listed(self.app, self.app.reqAllOpenOrders)
        self.assertEqual(everyones, {})


main()
