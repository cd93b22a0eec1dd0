#!/usr/bin/python3
"""The APIs of the running dumont-fake: Vast.ai's and the control API, as clients of all kinds meet them.

    GROUP DUMONT_FAKE    runs the tests of one class
"""

import http.client
import json
import os
import subprocess
import time

from fake_case import PATIENCE_S, Case, main, settings


class Wire(Case):
    """The Vast.ai API as clients of all kinds meet it."""

    def test_the_type_is_exactly_json(self):
        self.start()
        for method, path, body in (("GET", "/api/v0/users/current/", None), ("POST", "/api/v0/bundles/", {}), ("GET", "/nothing", None)):
            _, headers, answer = self.ask(method, path, body)
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertIsInstance(answer, dict)

    def test_a_slash_at_the_end_makes_no_difference(self):
        self.start("--speed", "100")
        for path in ("/api/v0/users/current", "/api/v0/users/current/"):
            status, _, answer = self.ask("GET", path)
            self.assertEqual((status, answer["id"]), (200, 410777))
        for path in ("/api/v0/bundles", "/api/v0/bundles/"):
            self.assertEqual(self.ask("POST", path, {"limit": 2})[0], 200)

    def test_the_key_decides(self):
        self.start("--speed", "100")
        self.assertEqual(len(self.ready["api_key"]), 64)
        path = "/api/v0/users/current/"
        self.assertEqual(self.ask("GET", path, headers={"Authorization": "bearer " + self.ready["api_key"]})[0], 200)
        self.assertEqual(self.ask("GET", path + "?api_key=" + self.ready["api_key"], headers={})[0], 200)
        self.assertEqual(self.ask("GET", path, headers={})[0], 403)
        for wrong in ("x", "", self.ready["api_key"] + "0", "k" * 5000):
            self.assertIn(self.ask("GET", path, headers={"Authorization": "Bearer " + wrong})[0], (401, 403))

    def test_every_method_gets_json(self):
        self.start("--speed", "100")
        for method in ("OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW", "get"):
            status, headers, answer = self.ask(method, "/api/v0/users/current/", headers={})
            self.assertEqual((status, headers["Content-Type"]), (405, "application/json"), method)
            self.assertIs(answer["success"], False)
        connection = self.raw(b"HEAD /api/v0/users/current/?api_key=" + self.ready["api_key"].encode() +
                              b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = self.read_all(connection).partition(b"\r\n\r\n")
        self.assertIn(b"HTTP/1.1 200 ", head)
        self.assertRegex(head, rb"Content-Length: \d{3}")
        self.assertEqual(body, b"")

    def test_bodies_and_heads_are_bounded(self):
        self.start("--speed", "100")
        self.assertEqual(self.ask("POST", "/api/v0/bundles/", "x" * (1024 * 1024 + 1))[0], 413)
        self.assertEqual(self.ask("POST", "/api/v0/bundles/", "x" * (1024 * 1024))[0], 400)
        self.assertEqual(self.ask("GET", "/" + "p" * 5000)[0], 414)
        self.assertEqual(self.ask("GET", "/", headers={"X-Long": "h" * 16000})[0], 431)
        self.assertEqual(self.ask("GET", "/api/v0/users/current/")[0], 200)

    def test_a_reply_takes_its_time_and_the_effect_stands_before_it(self):
        self.start("--recording", "seed-run")
        began = time.monotonic()
        self.assertEqual(self.ask("POST", "/api/v0/bundles/", {})[0], 200)
        took = time.monotonic() - began
        self.assertGreaterEqual(took, 1.25)  # as recorded: 1.26 s

    def test_a_client_that_leaves_takes_nothing_back(self):
        self.start()
        _, _, found = self.ask("POST", "/api/v0/bundles/", {"limit": 1})
        body = json.dumps({"client_id": "me", "image": "i", "disk": 10})
        connection = self.raw(f"PUT /api/v0/asks/{found['offers'][0]['id']}/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                              f"{self.ready['api_key']}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        while self.good("POST", "/v1/requests/count", {"method": "PUT"})["count"] == 0:
            pass
        connection.close()
        self.good("POST", "/v1/clock", {"advance_s": 60})
        self.assertEqual(self.good("GET", "/v1/state")["machines_left"], 1)

    def test_a_create_takes_effect_and_its_reply_is_lost(self):
        self.start("--speed", "1000", "--fault", "create-response-lost:as=reset")
        _, _, found = self.ask("POST", "/api/v0/bundles/", {"limit": 1})
        with self.assertRaises(ConnectionResetError):
            self.ask("PUT", f"/api/v0/asks/{found['offers'][0]['id']}/", {"client_id": "me", "image": "i", "disk": 10})
        self.assertEqual(self.good("GET", "/v1/state")["machines_left"], 1)
        statuses = {row["endpoint"]: row["statuses"] for row in self.good("GET", "/v1/state")["requests"]}
        self.assertEqual(statuses["create"], {"reset": 1})

    def test_each_fate_reaches_the_wire(self):
        self.start("--speed", "1000")
        path = "/api/v0/users/current/"
        whole = self.ask("GET", path)[2]
        for fate, error in (("refused", ConnectionResetError), ("reset", ConnectionResetError), ("closed", http.client.RemoteDisconnected),
                            ("truncated", http.client.IncompleteRead), ("malformed", http.client.BadStatusLine)):
            self.good("PUT", "/v1/faults/api-5xx", {"endpoint": "account", "count": 1, "as": fate})
            with self.assertRaises(error, msg=fate):
                self.ask("GET", path)
            self.assertEqual(self.ask("GET", path)[2], whole)
        self.good("PUT", "/v1/faults/api-5xx", {"endpoint": "account", "count": 1, "as": "drip", "drip_s": 2})
        began = time.monotonic()
        self.assertEqual(self.ask("GET", path)[2], whole)
        self.assertGreater(time.monotonic() - began, 0.002 * 500)
        self.good("PUT", "/v1/faults/api-5xx", {"endpoint": "account", "count": 1, "as": "too-large"})
        self.assertEqual(len(self.ask("GET", path)[2]), 100 * 1000 * 1000)

    def test_silence_is_silent(self):
        self.start("--speed", "1000", "--fault", "api-5xx:endpoint=account,as=timeout,count=-1")
        silent = self.raw(b"GET /api/v0/users/current/ HTTP/1.1\r\nHost: x\r\n\r\n")
        silent.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            silent.recv(1)
        self.assertEqual(self.ask("POST", "/api/v0/bundles/", {})[0], 200)


    def test_clients_that_go_leave_nothing_behind(self):
        process = self.start("--speed", "1000")
        descriptors = lambda: len(os.listdir(f"/proc/{process.pid}/fd"))
        self.ask("GET", "/")
        before = descriptors()
        for text in (b"GET /", b"POST /api/v0/bundles/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", b"\x16\x03\x01",
                     b"GET /api/v0/users/current/ HTTP/1.1\r\nHost: x\r\n\r\n"):
            for _ in range(50):
                self.raw(text).close()
        deadline = time.monotonic() + PATIENCE_S
        while descriptors() > before:
            self.assertLess(time.monotonic(), deadline)
            self.good("GET", "/v1/clock")


class Control(Case):
    """The control API."""

    def test_the_state_is_what_is_so(self):
        self.start("--seed", "7", "--offers", "5", "--speed", "100")
        machine = self.rent("mine")
        state = self.good("GET", "/v1/state")
        self.assertEqual((state["seed"], state["machines_left"]), (7, 1))
        self.assertEqual((state["machines"][0]["id"], state["machines"][0]["label"]), (machine, "mine"))
        shown = self.ask("GET", f"/api/v0/instances/{machine}/")[2]["instances"]
        self.assertNotEqual(shown["actual_status"], "running")
        self.assertAlmostEqual(state["machines"][0]["usd_per_hour"], shown["dph_total"], 6)  # what it will cost, not only its disk
        self.assertEqual(self.ask("DELETE", f"/api/v0/instances/{machine}/")[0], 200)
        state = self.good("GET", "/v1/state")
        self.assertEqual(state["machines_left"], 0)
        self.assertIs(state["machines"][0]["exists"], False)

    def test_a_frozen_clock_stands_and_an_advanced_one_jumps(self):
        self.start()
        machine = self.rent()
        first = self.good("POST", "/v1/clock", {"freeze": True})
        self.assertIs(first["frozen"], True)
        self.assertEqual(self.good("GET", "/v1/clock")["now_s"], first["now_s"])
        moved = self.good("POST", "/v1/clock", {"advance_s": 1000.5})
        self.assertEqual(moved["now_s"], round(first["now_s"] + 1000.5, 9))
        self.assertEqual(self.good("GET", "/v1/state")["machines"][0]["actual_status"], "running")
        again = self.good("POST", "/v1/clock", {"freeze": False, "speed": 50})
        self.assertEqual((again["frozen"], again["speed"]), (False, 50))
        self.assertEqual(self.ask("GET", f"/api/v0/instances/{machine}/")[2]["instances"]["actual_status"], "running")

    def test_a_fault_acts_from_now_on_and_until_it_is_taken_away(self):
        self.start("--speed", "1000")
        path = "/api/v0/users/current/"
        self.assertEqual(self.ask("GET", path)[0], 200)
        put = self.good("PUT", "/v1/faults/api-5xx", {"endpoint": "account", "count": 2, "status": "503"})
        self.assertEqual(put["id"], "api-5xx")
        self.assertEqual([self.ask("GET", path)[0] for _ in range(3)], [503, 503, 200])
        listed = self.good("GET", "/v1/faults")["faults"]
        self.assertEqual([(row["id"], row["acted"]) for row in listed], [("api-5xx", 2)])
        self.good("PUT", "/v1/faults/api-5xx", {"endpoint": "account", "count": -1})
        self.assertEqual([self.ask("GET", path)[0] for _ in range(3)], [502] * 3)
        self.good("DELETE", "/v1/faults/api-5xx")
        self.assertEqual(self.ask("GET", path)[0], 200)
        self.assertEqual(self.good("GET", "/v1/faults")["faults"], [])
        self.assertEqual(self.control("DELETE", "/v1/faults/api-5xx")[0], 404)

    def test_the_journal_is_asked_by_path_method_and_body(self):
        self.start("--speed", "1000")
        machine = self.rent("find me")
        self.ask("GET", f"/api/v0/instances/{machine}")
        self.ask("GET", f"/api/v0/instances/{machine}/?owner=me")
        count = lambda **filter: self.good("POST", "/v1/requests/count", filter)["count"]
        self.assertEqual(count(), 4)
        self.assertEqual(count(method="GET"), 2)
        self.assertEqual(count(method="PUT", path="/api/v0/asks/"), 1)
        self.assertEqual(count(path=f"/api/v0/instances/{machine}/"), 2)
        self.assertEqual(count(path=f"/api/v0/instances/{machine}/?owner=me"), 1)
        self.assertEqual(count(path=f"/api/v0/instances/{machine // 10}"), 0)
        self.assertEqual(count(body_contains="find me"), 1)
        self.assertEqual(count(body_contains="find nobody"), 0)
        rows = self.good("GET", "/v1/requests?method=PUT&path=%2Fapi%2Fv0%2Fasks")["requests"]
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows[0]["method"], rows[0]["status"], rows[0]["fate"]), ("PUT", 200, "delivered"))
        self.assertIn("find me", rows[0]["body"])
        self.assertEqual([row["req"] for row in self.good("GET", "/v1/requests")["requests"]], [1, 2, 3, 4])

    def test_bad_requests_are_told_and_change_nothing(self):
        self.start("--speed", "1000")
        machine = self.rent()
        self.good("POST", "/v1/clock", {"freeze": True})
        before = self.good("GET", "/v1/state")["machines"]
        for status, method, path, body in (
                (404, "GET", "/", None), (404, "GET", "/v1", None), (404, "GET", "/v1/state/more", None), (404, "GET", "/v2/state", None),
                (405, "POST", "/v1/state", {}), (405, "GET", "/v1/reset", None), (405, "DELETE", "/v1/clock", None), (405, "PATCH", "/v1/clock", {}),
                (400, "POST", "/v1/clock", {}), (400, "POST", "/v1/clock", None), (400, "POST", "/v1/clock", "{"), (400, "POST", "/v1/clock", []),
                (400, "POST", "/v1/clock", {"frieze": True}), (400, "POST", "/v1/clock", {"freeze": 1}), (400, "POST", "/v1/clock", {"freeze": None}),
                (400, "POST", "/v1/clock", {"speed": 0}), (400, "POST", "/v1/clock", {"speed": -1}), (400, "POST", "/v1/clock", {"speed": 1e300}),
                (400, "POST", "/v1/clock", {"advance_s": -1}), (400, "POST", "/v1/clock", {"advance_s": 1e18}), (400, "POST", "/v1/clock", '{"speed": NaN}'),
                (400, "POST", "/v1/clock", '{"speed": 1} x'), (400, "POST", "/v1/clock", '{"speed": 1, "speed": 2}'),
                (404, "PUT", "/v1/faults/none", {}), (405, "PUT", "/v1/faults/", {}), (400, "PUT", "/v1/faults/null-status", {"coun": 1}),
                (400, "PUT", "/v1/faults/null-status", {"count": "x"}), (400, "PUT", "/v1/faults/null-status", [1]),
                (400, "PUT", "/v1/faults/null-status", {"id": "slow-boot"}), (400, "PUT", "/v1/faults/null-status", "{}{}"),
                (404, "DELETE", "/v1/faults/null-status", None),
                (404, "POST", "/v1/machines/1", {"kill": True}), (404, "POST", "/v1/machines/x", {"kill": True}),
                (400, "POST", f"/v1/machines/{machine}", {}), (400, "POST", f"/v1/machines/{machine}", {"kill": False}),
                (400, "POST", f"/v1/machines/{machine}", {"kill": True, "return": True}), (400, "POST", f"/v1/machines/{machine}", {"kill": "yes"}),
                (400, "POST", f"/v1/machines/{machine}", {"bury": True}), (400, "POST", f"/v1/machines/{machine}", {"actual_status": "asleep"}),
                (400, "POST", f"/v1/machines/{machine}", {"actual_status": 3}),
                (400, "POST", "/v1/reset", {"all": True}), (400, "POST", "/v1/requests/count", {"method": 3}),
                (400, "POST", "/v1/requests/count", {"paths": "/"}), (413, "POST", "/v1/clock", "x" * 70000)):
            with self.subTest(method=method, path=path, body=str(body)[:40]):
                found, answer = self.control(method, path, body)
                self.assertEqual(found, status, answer)
                self.assertIs(answer["success"], False)
                self.assertTrue(answer["msg"])
        self.assertEqual(self.good("GET", "/v1/state")["machines"], before)

    def test_web_pages_are_refused(self):
        self.start()
        port = self.ready["control_url"].rsplit(":", 1)[1]
        for headers in ({"Origin": "https://example.com"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1.example.com"},
                        {"Host": "example.com"}, {"Host": "127.0.0.1.example.com:" + port}, {"Host": "attacker@127.0.0.1"},
                        {"Sec-Fetch-Site": "cross-site"}):
            self.assertEqual(self.control("GET", "/v1/state", headers=headers)[0], 403, headers)
            self.assertEqual(self.control("POST", "/v1/reset", headers=headers)[0], 403, headers)
        for headers in ({"Host": "localhost:" + port}, {"Origin": "http://127.0.0.1:3000"}, {"Origin": "http://localhost", "Host": "[::1]:1"}):
            self.assertEqual(self.control("GET", "/v1/state", headers=headers)[0], 200, headers)

    def test_machines_are_acted_on(self):
        self.start("--speed", "1000")
        machine = self.rent()
        shown = lambda: self.ask("GET", f"/api/v0/instances/{machine}/")[2]["instances"]["actual_status"]
        while shown() != "running":
            pass  # from then on nothing of the machine's own comes between
        for status in ("exited", "offline", "unknown", None, "loading", "running"):
            self.good("POST", f"/v1/machines/{machine}", {"actual_status": status})
            self.assertEqual(shown(), status)
        for wish in ({"kill": True}, {"return": True}, {"rotate_host_key": True}):
            self.assertIs(self.good("POST", f"/v1/machines/{machine}", wish)["success"], True)
        history = self.ask("GET", "/v1/history", url=self.ready["control_url"], headers={})[2].decode()
        acts = [json.loads(line)["data"]["what"] for line in history.splitlines() if '"control.act"' in line]
        self.assertEqual(acts, 6 * ["actual_status"] + ["kill", "return", "rotate_host_key"])


class Reset(Case):
    """POST /v1/reset."""

    def test_all_is_as_new_but_the_clock(self):
        self.start("--speed", "1000", "--fault", "api-5xx:endpoint=account,count=1,status=500")
        path = "/api/v0/users/current/"
        first = self.rent()
        self.assertEqual([self.ask("GET", path)[0] for _ in range(2)], [500, 200])
        self.good("PUT", "/v1/faults/null-status", {})
        self.good("POST", "/v1/clock", {"advance_s": 3600})
        before = self.good("GET", "/v1/clock")["now_s"]
        self.good("POST", "/v1/reset")
        state = self.good("GET", "/v1/state")
        self.assertEqual((state["machines"], state["credit_usd"], state["charged_usd"], state["requests"]), ([], 5, 0, []))
        self.assertGreater(state["clock"]["now_s"], before)
        self.assertEqual([row["id"] for row in self.good("GET", "/v1/faults")["faults"]], ["api-5xx"])
        only_event = self.ask("GET", "/v1/history", url=self.ready["control_url"], headers={})[2]
        self.assertEqual([only_event[key] for key in ("kind", "data")], ["control.act", {"what": "reset"}])
        self.assertEqual(self.rent(), first)
        self.assertEqual([self.ask("GET", path)[0] for _ in range(2)], [500, 200])

    def test_who_waits_is_left_without_an_answer(self):
        self.start()
        self.good("POST", "/v1/clock", {"freeze": True})
        waiting = [self.raw(b"POST /api/v0/bundles/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}") for _ in range(20)]
        while self.good("POST", "/v1/requests/count", {"path": "/api/v0/bundles"})["count"] < len(waiting):
            pass
        self.good("POST", "/v1/reset", {})
        for connection in waiting:
            self.assertEqual(self.read_all(connection), b"")
        self.good("POST", "/v1/clock", {"freeze": False})
        self.assertEqual(self.ask("POST", "/api/v0/bundles/", {})[0], 200)

    def test_it_ends_well_with_replies_still_waiting(self):
        process = self.start()
        self.good("POST", "/v1/clock", {"freeze": True})
        waiting = [self.raw(b"POST /api/v0/bundles/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}") for _ in range(200)]
        while self.good("POST", "/v1/requests/count", {"path": "/api/v0/bundles"})["count"] < len(waiting):
            pass
        self.assertEqual(self.stop(process)[0], 0)
        for connection in waiting:
            self.assertEqual(self.read_all(connection), b"")


class Secure(Case):
    """HTTPS with a given certificate."""

    def setUp(self):
        super().setUp()
        self.cert, self.key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key,
                        "-out", self.cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, stderr=subprocess.DEVNULL)

    def curl(self, *arguments):
        return subprocess.run(["curl", "-sS", "--cacert", self.cert, "-H", "Authorization: Bearer " + self.ready["api_key"], *arguments],
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)

    def test_https_serves_the_same(self):
        self.start("--tls-cert", self.cert, "--tls-key", self.key, "--speed", "1000")
        self.assertTrue(self.ready["vast_url"].startswith("https://127.0.0.1:"))
        url = self.ready["vast_url"]
        reply = self.curl(url + "/api/v0/users/current/", url + "/api/v0/users/current")
        self.assertEqual(reply.returncode, 0, reply.stderr)
        self.assertEqual(reply.stdout.count(b'"id":410777'), 2)
        offers = self.curl("-X", "POST", "-d", '{"limit":64}', url + "/api/v0/bundles/")
        self.assertGreater(len(json.loads(offers.stdout)["offers"]), 50)
        long = self.curl("-X", "POST", "-d", "x" * 100000, url + "/api/v0/bundles/")
        self.assertIn(b'"success":false', long.stdout)

    def test_who_does_not_trust_it_gets_nothing(self):
        self.start("--tls-cert", self.cert, "--tls-key", self.key)
        url = self.ready["vast_url"]
        untrusting = subprocess.run(["curl", "-s", url], check=False, stdout=subprocess.PIPE, timeout=PATIENCE_S)
        self.assertEqual((untrusting.returncode, untrusting.stdout), (60, b""))
        plain = subprocess.run(["curl", "-s", url.replace("https", "http")], check=False, stdout=subprocess.PIPE, timeout=PATIENCE_S)
        self.assertNotEqual(plain.returncode, 0)
        self.assertEqual(self.good("GET", "/v1/state")["requests"], [])

    def test_a_reset_is_one_over_https_too(self):
        self.start("--tls-cert", self.cert, "--tls-key", self.key, "--speed", "1000", "--fault", "create-response-lost:as=reset")
        url = self.ready["vast_url"]
        offer = json.loads(self.curl("-X", "POST", "-d", '{"limit":1}', url + "/api/v0/bundles/").stdout)["offers"][0]["id"]
        lost = self.curl("-X", "PUT", "-d", '{"client_id":"me","image":"i","disk":10}', f"{url}/api/v0/asks/{offer}/")
        self.assertEqual(lost.returncode, 56, lost.stderr)  # receiving failed
        self.assertEqual(self.good("GET", "/v1/state")["machines_left"], 1)

    def test_certificates_that_are_none_are_2(self):
        with open(self.path("none.pem"), "w", encoding="utf-8") as file:
            file.write("no certificate")
        for cert, key in ((self.path("none.pem"), self.key), (self.cert, self.path("none.pem")), (self.path("absent"), self.key), (self.key, self.key)):
            run = self.run_fake("--tls-cert", cert, "--tls-key", key, "--", "true")
            self.assertEqual(run.returncode, 2, run.stderr)


if __name__ == "__main__":
    main()
