"""Orders while the exchange is closed, on a clock that starts four seconds before the opening."""

from decimal import Decimal

from app import Judge, market, of, stock
from command_line import main


class ExchangeHours(Judge):
    def test_an_order_before_the_opening_waits_for_it_and_says_so(self):
        order_id, since = self.app.order_id(), len(self.app.events)
        self.app.placeOrder(order_id, stock("SPY"), market("BUY", 10))
        at = self.app.wait("orderStatus", since, orderId=order_id)
        self.assertEqual(self.app.events[at].status, "PreSubmitted")
        told = self.app.events[self.app.wait("error", since, reqId=order_id, errorCode=399)]
        self.assertIn("will not be placed at the exchange until", told.errorString)
        self.assertIn("2026-03-02 09:30:00 US/Eastern", told.errorString)

        filled = self.app.wait("orderStatus", at + 1, orderId=order_id, status="Filled")
        self.assertEqual(self.app.events[filled].filled, Decimal(10))
        [execution] = of(self.app.events[at:filled], "execDetails")
        self.assertRegex(execution.execution.time, r"^20260302 09:3\d:\d\d US/Eastern$")

    def test_hours_name_the_session_of_the_day_and_the_weekend(self):
        req_id = self.app.request_id()
        request = lambda: self.app.reqContractDetails(req_id, stock("SPY"))
        events = self.app.ask(request, "contractDetailsEnd", reqId=req_id)
        details = events[-2].contractDetails
        liquid = details.liquidHours.split(";")
        self.assertEqual(liquid[0], "20260302:0930-20260302:1600")
        self.assertEqual(details.tradingHours.split(";")[0], "20260302:0400-20260302:2000")
        self.assertIn("20260307:CLOSED", liquid)


main()
