"""Fifty messages a second: above that the gateway says so, and a client that goes on is cut off."""

import unittest

import command_line
from app import WITHIN, App, of

LIMIT = 50

# What the client itself says to a request after the end.
NOT_CONNECTED = 504


class Pacing(unittest.TestCase):
    def test_a_burst_above_the_limit_is_told_as_100_and_worked(self):
        app = App.started(7)
        self.addCleanup(app.stop)
        for _ in range(LIMIT + 10):
            app.reqCurrentTime()
        near = app.wait("error", 0, errorCode=0)
        self.assertIn("Approaching max rate", app.events[near].errorString)
        said = app.events[app.wait("error", near + 1, errorCode=100)]
        self.assertEqual(said.reqId, -1)
        self.assertIn("Max rate of messages per second has been exceeded", said.errorString)
        answers = lambda: sum(event.called == "currentTime" for event in app.events)
        app.settle(0)
        self.assertGreaterEqual(answers(), LIMIT + 10)

    def test_a_client_that_goes_on_is_cut_off_alone(self):
        other = App.started(9)
        self.addCleanup(other.stop)
        greedy = App.started(8)
        reader = greedy.reader
        closed = lambda: any(event.called == "connectionClosed" for event in greedy.events)
        sent = 0
        # The limit is counted over a second, so that this takes some: a message each 5 ms.
        while not closed() and sent < 200 * WITHIN:
            greedy.pause(0.005)
            greedy.reqCurrentTime()
            sent += 1
        self.assertTrue(closed(), f"{sent} messages and still connected")
        greedy.join(reader)
        codes = [event.errorCode for event in of(greedy.events, "error")]
        theirs = [code for code in codes if code != NOT_CONNECTED]
        self.assertEqual(theirs[-1], 100, "the last word of the gateway")
        other.settle(0)


command_line.main()
