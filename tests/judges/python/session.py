"""Start, time, ids, accounts, and a client id that is in use."""

import time

import command_line
from app import ACCOUNT, PROTOBUF, App, Judge, of


class Session(Judge):
    def test_accounts_and_the_next_id_come_before_the_farm_notices(self):
        app = self.app
        last = app.wait("error", 0, errorCode=2158)
        came = [event for event in app.events[: last + 1] if event.called != "connectAck"]
        self.assertEqual(
            [event.called for event in came[:5]],
            ["managedAccounts", "nextValidId", "error", "error", "error"],
        )
        self.assertEqual(came[0].accountsList, ACCOUNT)
        self.assertGreater(came[1].orderId, 0)
        self.assertLess(came[1].orderId, 1_500_000_000)
        notices = [(event.reqId, event.errorCode) for event in came[2:5]]
        self.assertEqual(notices, [(-1, 2104), (-1, 2106), (-1, 2158)])
        if self.version >= PROTOBUF:
            for event in came[2:5]:
                self.assertLess(abs(event.errorTime / 1000 - time.time()), 60)

    def test_the_connection_time_names_its_zone(self):
        date, clock, zone = self.app.twsConnectionTime().decode("ascii").split(" ")
        time.strptime(f"{date} {clock}", "%Y%m%d %H:%M:%S")
        self.assertEqual(zone, "US/Eastern")

    def test_the_time_comes_in_seconds(self):
        seconds = self.app.ask(self.app.reqCurrentTime, "currentTime")[-1].time
        self.assertLess(abs(seconds - time.time()), 60)

    def test_the_time_comes_in_milliseconds(self):
        if self.version < PROTOBUF:
            self.skipTest("there is no such request where messages are text")
        millis = self.app.ask(self.app.reqCurrentTimeInMillis, "currentTimeInMillis")[-1]
        self.assertLess(abs(millis.timeInMillis / 1000 - time.time()), 60)

    def test_ids_and_accounts_are_told_again_on_request(self):
        ids = self.app.ask(lambda: self.app.reqIds(1), "nextValidId")
        self.assertGreater(ids[-1].orderId, 0)
        accounts = self.app.ask(self.app.reqManagedAccts, "managedAccounts")
        self.assertEqual(accounts[-1].accountsList, ACCOUNT)

    def test_family_codes_are_empty_but_answered(self):
        codes = self.app.ask(self.app.reqFamilyCodes, "familyCodes")[-1].familyCodes
        self.assertEqual([(code.accountID, code.familyCodeStr) for code in codes], [(ACCOUNT, "")])

    def test_user_info_is_empty_but_answered(self):
        if self.version < 161:
            self.skipTest("the client sends the request from version 161 on")
        req_id = self.app.request_id()
        info = self.app.ask(lambda: self.app.reqUserInfo(req_id), "userInfo", reqId=req_id)[-1]
        self.assertEqual(info.whiteBrandingId, "")

    def test_requests_without_an_answer_disturb_nothing(self):
        since = len(self.app.events)
        self.app.setServerLogLevel(2)
        self.app.reqNewsBulletins(True)
        self.app.cancelNewsBulletins()
        self.assertEqual(of(self.app.settle(since), "error"), [])

    def test_an_unsupported_request_is_refused_under_its_id(self):
        req_id = self.app.request_id()
        code = self.app.refusal(lambda: self.app.reqSoftDollarTiers(req_id), req_id)
        self.assertEqual(code, 321)

    def test_a_client_id_in_use_is_refused_and_the_first_client_does_not_notice(self):
        since = len(self.app.events)
        second = App()
        second.connect(command_line.HOST, command_line.PORT, self.CLIENT_ID)
        self.addCleanup(second.disconnect)
        reader = second.reader
        second.start_loop()
        at = second.wait("error", 0, errorCode=326)
        refused = second.events[at]
        self.assertEqual(refused.reqId, -1)
        self.assertIn("client id is already in use", refused.errorString)
        second.wait("connectionClosed", at + 1)
        second.join(reader)
        self.assertEqual(of(second.events, "nextValidId", "managedAccounts"), [])
        self.assertEqual(of(self.app.settle(since), "error", "connectionClosed"), [])

    def test_a_second_client_with_its_own_id_is_let_in(self):
        second = self.second_app(self.CLIENT_ID + 1)
        told = second.ask(second.reqManagedAccts, "managedAccounts")[-1]
        self.assertEqual(told.accountsList, ACCOUNT)
        self.assertTrue(self.app.isConnected())


command_line.main()
