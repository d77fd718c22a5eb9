"""Fifty messages a second: above that the gateway says so, and a client that goes on is cut off."""

import time
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
        self.addCleanup(greedy.disconnect)
        reader = greedy.reader
        # A violation counts once a second, and the third is one too many.
        deadline = time.monotonic() + WITHIN
        while greedy.isConnected() and time.monotonic() < deadline:
            greedy.pause(0.005)
            greedy.reqCurrentTime()
        self.assertFalse(greedy.isConnected(), f"still connected after {WITHIN} s")
        greedy.join(reader)
        codes = [event.errorCode for event in of(greedy.events, "error")]
        theirs = [code for code in codes if code != NOT_CONNECTED]
        self.assertEqual(theirs[-1], 100, "the last word of the gateway")
        other.settle(0)


command_line.main()
