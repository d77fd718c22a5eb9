"""IB's own Python client as its users write it, EClient and EWrapper in one class, and what checks
of it have in common.

Whatever the gateway says is kept in order, so that a check can ask what came and after what. Every
wait has a deadline and ends early when the gateway says something that nobody expects.
"""

import inspect
import threading
import time
import unittest

import command_line
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

ACCOUNT = "DU1234567"

# Far more than an answer takes. Only a broken gateway, or a machine at a standstill, needs longer.
WITHIN = 20.0

# The client's reader looks up once a second whether its connection is gone.
END_WITHIN = 10.0

# Notices, which fail nothing: the farms are well, delayed data is shown, an order is cancelled or
# waits for the opening.
NOTICES = {2104, 2106, 2158, 10167, 202, 399}

# From here on all messages are protobuf; up to 200 they are text.
PROTOBUF = 213

# Callbacks with the message itself, for checks of what is absent: the client puts a zero there.
# There are none where messages are text.
AS_SENT = ("commissionAndFeesReportProtoBuf", "positionProtoBuf", "updatePortfolioProtoBuf")


class Event:
    """One callback: its name, and its arguments as attributes."""

    def __init__(self, called, arguments):
        self.called = called
        self.__dict__.update(arguments)

    def fits(self, called, fields):
        return self.called == called and all(
            getattr(self, name) == value for name, value in fields.items()
        )

    def __repr__(self):
        arguments = (f"{k}={v}" for k, v in self.__dict__.items() if k != "called")
        return f"{self.called}({', '.join(arguments)})"


class App(EWrapper, EClient):
    """The client, its message loop in a thread, and everything it was told."""

    def __init__(self):
        EClient.__init__(self, self)
        self.events = []
        self.died = None
        self._changed = threading.Condition()
        self._loop = None
        self._request_id = 9000
        self._order_id = None

    @classmethod
    def started(cls, client_id):
        """Connects and waits until the gateway is ready for requests."""
        app = cls()
        app.connect(command_line.HOST, command_line.PORT, client_id)
        if not app.isConnected():
            raise AssertionError(f"no connection: {app.events}")
        app.start_loop()
        try:
            ready = app.wait("nextValidId", 0)
            app._order_id = app.events[ready].orderId
            app.wait("managedAccounts", 0)
        except AssertionError:
            # A client that is still connected keeps the script from its end.
            app.disconnect()
            raise
        return app

    def start_loop(self):
        self._loop = threading.Thread(target=self._run, name="message loop")
        self._loop.start()

    def _run(self):
        try:
            self.run()
        except BaseException as error:
            self.died = error
            self.record(Event("died", {"error": error}))
            raise

    def record(self, event):
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, called, since, within=WITHIN, **fields):
        """The place of the first such event from place `since` on."""
        deadline = time.monotonic() + within
        at = since
        with self._changed:
            while True:
                while at < len(self.events):
                    if self.events[at].fits(called, fields):
                        return at
                    self._refuse(self.events[at], called, fields)
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError(
                        f"no {called} {fields or ''} within {within} s; came: {self.events[since:]}"
                    )

    def _refuse(self, event, called, fields):
        if event.called == "died":
            raise AssertionError(f"the message loop died of {event.error!r}")
        if event.called == "error" and event.errorCode not in NOTICES:
            raise AssertionError(f"waited for {called} {fields or ''}, got {event}")

    def ask(self, request, until, **fields):
        """Sends a request; what came from then on up to the event that ends it, and that too."""
        since = len(self.events)
        request()
        return self.events[since : self.wait(until, since, **fields) + 1]

    def refusal(self, request, of):
        """The code that the gateway refuses a request or an order with."""
        return self.ask(request, "error", reqId=of)[-1].errorCode

    def settle(self, since):
        """What came from place `since` on, once all that was sent so far has been worked."""
        self.ask(self.reqCurrentTime, "currentTime")
        return self.events[since:]

    def pause(self, seconds):
        """Waits for that long, or until something comes."""
        with self._changed:
            self._changed.wait(seconds)

    def request_id(self):
        self._request_id += 1
        return self._request_id

    def order_id(self):
        """The next order id, which the client's user counts up himself."""
        self._order_id += 1
        return self._order_id - 1

    def order_ids_from(self, order_id):
        """Leaves ids out: from here on the gateway refuses those below."""
        self._order_id = max(self._order_id, order_id)

    def stop(self):
        """Ends the connection, once it is certain that client and gateway still talk."""
        reader = self.reader
        try:
            self.settle(len(self.events))
            if not (self._loop.is_alive() and reader.is_alive() and self.isConnected()):
                raise AssertionError("a thread of the client ended early")
        finally:
            self.disconnect()
        self.join(reader)

    def join(self, reader):
        for thread in (self._loop, reader):
            thread.join(END_WITHIN)
            if thread.is_alive():
                raise AssertionError(f"{thread.name} does not end")


def _recorder(name, callback):
    signature = inspect.signature(callback)

    def record(self, *values, **named):
        bound = signature.bind(self, *values, **named)
        bound.apply_defaults()
        arguments = {key: value for key, value in bound.arguments.items() if key != "self"}
        self.record(Event(name, arguments))

    return record


for _name, _callback in inspect.getmembers(EWrapper, inspect.isfunction):
    if not _name.startswith("_") and (not _name.endswith("ProtoBuf") or _name in AS_SENT):
        setattr(App, _name, _recorder(_name, _callback))


class Judge(unittest.TestCase):
    """Checks over one connection, which must be alive after the last of them."""

    CLIENT_ID = 7

    @classmethod
    def setUpClass(cls):
        cls.app = App.started(cls.CLIENT_ID)
        cls.addClassCleanup(cls.app.stop)
        cls.version = cls.app.serverVersion()
        if cls.version != command_line.VERSION:
            raise AssertionError(f"server version {cls.version}, not {command_line.VERSION}")

    def second_app(self, client_id):
        """Another connection, which ends with the check."""
        app = App.started(client_id)
        self.addCleanup(app.stop)
        return app


def of(events, *called):
    """The events with these names."""
    return [event for event in events if event.called in called]


def stock(symbol, exchange="SMART"):
    contract = Contract()
    contract.symbol, contract.secType = symbol, "STK"
    contract.exchange, contract.currency = exchange, "USD"
    return contract


def pair(symbol, currency):
    contract = Contract()
    contract.symbol, contract.secType = symbol, "CASH"
    contract.exchange, contract.currency = "IDEALPRO", currency
    return contract


def market(action, quantity):
    order = Order()
    order.action, order.totalQuantity, order.orderType = action, quantity, "MKT"
    return order


def limit(action, quantity, price):
    order = market(action, quantity)
    order.orderType, order.lmtPrice = "LMT", price
    return order
