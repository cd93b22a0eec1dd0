#!/usr/bin/python3
"""dumont-fake as it runs: real sockets on the kernel's ports, real processes.

    program.py GROUP DUMONT_FAKE    runs the tests of one class
"""

import http.client
import json
import os
import pty
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

FAKE = ""
PATIENCE_S = 60


class Case(unittest.TestCase):
    """A folder of its own as home, working folder and place of temporary folders."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dumont-front-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.temporary = self.path("tmp")
        os.mkdir(self.temporary)
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C.UTF-8", "TMPDIR": self.temporary}

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_fake(self, *arguments, **more):
        run = subprocess.run([FAKE, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, **more)
        self.assertEqual(os.listdir(self.temporary), [], "temporary files are left")
        return run

    def start(self, *arguments, **more):
        """Starts it with a ready file and waits until it is ready."""
        ready = self.path("ready.json")
        process = subprocess.Popen([FAKE, "--ready-file", ready, *arguments], cwd=self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(self.end, process)
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(ready):
            self.assertIsNone(process.poll(), "it ended before it was ready")
            self.assertLess(time.monotonic(), deadline)
            select.select([], [], [], 0.005)
        with open(ready, encoding="utf-8") as file:
            self.ready = json.load(file)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def stop(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(os.listdir(self.temporary), [], "temporary files are left")
        return process.returncode, out, err

    def ask(self, method, path, body=None, url=None, headers=None):
        """One request on a connection of its own: status, headers, body as JSON when it is."""
        url = url or self.ready["vast_url"]
        connection = http.client.HTTPConnection(url.split("//")[1], timeout=PATIENCE_S)
        if headers is None:
            headers = {"Authorization": "Bearer " + self.ready["api_key"]}
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method, path, body=data, headers=headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        try:
            text = json.loads(text)
        except ValueError:
            pass
        return reply.status, reply.headers, text

    def control(self, method, path, body=None, headers=None):
        status, _, answer = self.ask(method, path, body, self.ready["control_url"], headers or {})
        return status, answer

    def good(self, method, path, body=None):
        status, answer = self.control(method, path, body)
        self.assertEqual(status, 200, answer)
        return answer

    def rent(self, label="a label"):
        """Rents the first offer; its contract's id."""
        _, _, found = self.ask("POST", "/api/v0/bundles/", {"limit": 1})
        body = {"client_id": "me", "image": "ubuntu:22.04", "disk": 10, "label": label}
        status, _, answer = self.ask("PUT", f"/api/v0/asks/{found['offers'][0]['id']}/", body)
        self.assertEqual(status, 200, answer)
        return answer["new_contract"]

    def raw(self, text):
        """Says bytes; a socket from which replies may be read."""
        port = int(self.ready["vast_url"].rsplit(":", 1)[1])
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.addCleanup(connection.close)
        connection.sendall(text)
        return connection

    @staticmethod
    def read_all(connection):
        read = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return read
            read += piece


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
        self.assertRegex(head, rb"Content-Length: \d{3}\r\n")
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

    def test_fates_reach_the_wire(self):
        self.start("--speed", "1000", "--fault", "create-response-lost:as=reset")
        _, _, found = self.ask("POST", "/api/v0/bundles/", {"limit": 1})
        with self.assertRaises(ConnectionResetError):
            self.ask("PUT", f"/api/v0/asks/{found['offers'][0]['id']}/", {"client_id": "me", "image": "i", "disk": 10})
        self.assertEqual(self.good("GET", "/v1/state")["machines_left"], 1)
        statuses = {row["endpoint"]: row["statuses"] for row in self.good("GET", "/v1/state")["requests"]}
        self.assertEqual(statuses["create"], {"reset": 1})


class Told(Case):
    """Ready file, env file, history, statement."""

    def test_the_ready_file_has_its_members_and_is_secret(self):
        process = self.start("--env-file", "env.sh")
        self.assertEqual(set(self.ready), {"pid", "vast_url", "b2_url", "control_url", "api_key", "ssh_key", "clock"})
        self.assertEqual(self.ready["pid"], process.pid)
        for name in ("ready.json", "env.sh"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o600)
        for name in ("ssh_key", "clock"):
            self.assertEqual(stat.S_IMODE(os.stat(self.ready[name]).st_mode), 0o600)
            self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.ready[name])).st_mode), 0o700)
        self.assertRegex(self.ready["vast_url"], r"^http://127\.0\.0\.1:\d+$")
        self.assertEqual(self.good("GET", "/v1/state")["machines_left"], 0)
        self.assertEqual(self.stop(process)[0], 0)

    def test_a_shell_can_read_the_env_file(self):
        self.environment["DUMONT_STATE_DIR"] = self.path("it's; a $(folder)")
        self.start("--env-file", "env.sh")
        script = '. ./env.sh && printf "%s\\n" "$VAST_URL" "$VAST_API_KEY" "$DUMONT_SSH_KEY" "$DUMONT_CLOCK" "$DUMONT_CONTROL_URL" "$DUMONT_STATE_DIR"'
        told = subprocess.run(["sh", "-c", script], cwd=self.folder, env={"PATH": os.environ["PATH"]}, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.splitlines()
        self.assertEqual(told, [self.ready["vast_url"], self.ready["api_key"], self.ready["ssh_key"], self.ready["clock"],
                                self.ready["control_url"], self.environment["DUMONT_STATE_DIR"]])

    def test_the_ready_file_of_an_older_run_is_no_news(self):
        with open(self.path("ready.json"), "w", encoding="utf-8") as file:
            file.write("old")
        run = self.run_fake("--ready-file", "ready.json", "--vast-port", "1", "--", "true")
        if run.returncode == 3:  # nobody may listen on port 1, unless the tests run as root
            self.assertFalse(os.path.exists(self.path("ready.json")))

    def test_the_statement_tells_requests_machines_and_bill(self):
        process = self.start("--speed", "100")
        machine = self.rent("left behind")
        self.good("POST", "/v1/clock", {"advance_s": 3600})
        status, out, err = self.stop(process, signal.SIGINT)
        self.assertEqual((status, out), (0, ""))
        self.assertRegex(err, r"(?m)^  search +1  200$")
        self.assertRegex(err, rf"(?m)^  {machine} left behind, running, \$\d+\.\d{{4}} per hour$")
        self.assertRegex(err, r"(?m)^bill: \$0\.\d+ for 1 machine in \d+\.\d s; credit \$4\.\d+$")
        self.assertNotIn("bill: $0.0000", err)

    def test_the_statement_as_json(self):
        process = self.start("--json")
        machine = self.rent()
        status, out, err = self.stop(process)
        told = json.loads(out)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([row["id"] for row in told["machines_left"]], [machine])
        self.assertGreater(told["machines_left"][0]["usd_per_hour"], 0)
        self.assertEqual({row["endpoint"]: row["count"] for row in told["requests"]}, {"search": 1, "create": 1})
        self.assertEqual(set(told["bill"]), {"charged_usd", "credit_usd"})
        run = self.run_fake("--json", "--", "echo", "the command's own")
        self.assertEqual(run.stdout, "the command's own\n")
        self.assertEqual(json.loads(run.stderr)["machines_left"], [])

    def test_the_history_is_written_and_holds_no_secret(self):
        process = self.start("--history", "history.jsonl", "--speed", "100")
        self.ask("GET", "/api/v0/users/current/?api_key=" + self.ready["api_key"], headers={})
        self.rent(label=self.ready["api_key"])
        live = self.ask("GET", "/v1/history", url=self.ready["control_url"], headers={})
        self.assertEqual(live[1]["Content-Type"], "application/x-ndjson")
        journal = json.dumps(self.good("GET", "/v1/requests"))
        self.assertEqual(self.stop(process)[0], 0)
        with open(self.path("history.jsonl"), encoding="utf-8") as file:
            text = file.read()
        kinds = [json.loads(line)["kind"] for line in text.splitlines()]
        self.assertIn("cloud.effect", kinds)
        self.assertIn("inst.bill", kinds)
        for place in (text, journal, str(live[2])):
            self.assertNotIn(self.ready["api_key"], place)
        self.assertIn("[hidden]", journal)

    def test_a_history_that_cannot_be_written_is_said_first(self):
        run = self.run_fake("--history", "no/such/folder", "--", "touch", "ran")
        self.assertEqual(run.returncode, 3)
        self.assertIn("no/such/folder", run.stderr)
        self.assertFalse(os.path.exists(self.path("ran")))


class Command(Case):
    """What runs behind `--`."""

    def test_it_gets_its_environment_and_nothing_is_left(self):
        run = self.run_fake("--", "env")
        given = dict(line.split("=", 1) for line in run.stdout.splitlines())
        self.assertEqual(run.returncode, 0, run.stderr)
        for name in ("VAST_URL", "VAST_API_KEY", "DUMONT_SSH_KEY", "DUMONT_CLOCK", "DUMONT_STATE_DIR", "DUMONT_CONTROL_URL",
                     "DUMONT_DATABASE"):
            self.assertTrue(given.get(name), name)
        self.assertTrue(given["DUMONT_DATABASE"].startswith("sqlite:" + self.temporary))
        self.assertTrue(given["DUMONT_STATE_DIR"].startswith(self.temporary))
        self.environment["DUMONT_STATE_DIR"] = self.path("mine")
        self.assertIn("DUMONT_STATE_DIR=" + self.path("mine"), self.run_fake("--", "env").stdout)

    def test_the_key_is_for_ssh(self):
        run = self.run_fake("--", "sh", "-c", 'ssh-keygen -y -f "$DUMONT_SSH_KEY"')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout.startswith("ssh-ed25519 "))

    def test_its_status_is_ours(self):
        for status in (0, 1, 3, 7, 130):
            self.assertEqual(self.run_fake("--", "sh", "-c", f"exit {status}").returncode, status)
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            self.assertEqual(self.run_fake("--", "sh", "-c", f"kill -{number.value} $$").returncode, 128 + number.value)

    RENT = """
import json, os, sys, urllib.request
def ask(method, path, body):
    request = urllib.request.Request(os.environ["VAST_URL"] + path, json.dumps(body).encode(), method=method,
                                     headers={"Authorization": "Bearer " + os.environ["VAST_API_KEY"]})
    return json.load(urllib.request.urlopen(request))
offer = ask("POST", "/api/v0/bundles/", {"limit": 1})["offers"][0]["id"]
ask("PUT", f"/api/v0/asks/{offer}/", {"client_id": "me", "image": "i", "disk": 10})
sys.exit(int(sys.argv[1]))
"""

    def test_machines_left_are_9_when_it_says_0(self):
        for status, ours in ((0, 9), (8, 8), (1, 1)):
            run = self.run_fake("--speed", "100", "--", sys.executable, "-c", self.RENT, str(status))
            self.assertEqual(run.returncode, ours, run.stderr)
            self.assertIn("per hour", run.stderr)

    def test_what_cannot_be_started_is_3(self):
        for command in ("no-such-program-anywhere", self.folder, "./nothing"):
            run = self.run_fake("--", command)
            self.assertEqual((run.returncode, run.stdout), (3, ""))
            self.assertIn("cannot start " + command, run.stderr)

    def test_a_signal_is_passed_on_once_and_waited_for(self):
        script = 'trap "echo got; sleep 0.1; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
        for together in (False, True):
            process = subprocess.Popen([FAKE, "--", "sh", "-c", script], cwd=self.folder, env=self.environment, text=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            self.addCleanup(self.end, process)
            self.assertEqual(process.stdout.readline(), "ready\n")
            if together:  # as `timeout` does: the process, then its group
                process.send_signal(signal.SIGTERM)
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=PATIENCE_S)
            self.assertEqual((process.returncode, out), (5, "got\n"))
            self.assertIn("machines left: none", err)
            self.assertEqual(os.listdir(self.temporary), [])

    def test_ctrl_c_at_a_terminal_reaches_it_once(self):
        script = 'trap "echo got; sleep 0.1; exit 6" INT; echo ready; while :; do sleep 0.05; done'
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(FAKE, [FAKE, "--", "sh", "-c", script], self.environment)
        seen = b""
        pressed = False
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if b"ready" in seen and not pressed:
                pressed = True
                os.write(terminal, b"\x03")
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 6)
        self.assertEqual(seen.count(b"got"), 1)
        self.assertIn(b"machines left: none", seen)

    def test_it_does_not_outlive_us(self):
        process = subprocess.Popen([FAKE, "--", "sh", "-c", "echo up; exec sleep 1000"], cwd=self.folder, env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), "up\n")
        process.kill()
        self.assertEqual(process.stdout.read(), "")  # the command was the last that could write
        process.wait(timeout=PATIENCE_S)

    def test_a_port_in_use_is_3(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            for option in ("--vast-port", "--control-port"):
                run = self.run_fake(option, port, "--", "touch", "ran")
                self.assertEqual(run.returncode, 3)
                self.assertIn("127.0.0.1:" + port, run.stderr)
                self.assertFalse(os.path.exists(self.path("ran")))

    def test_input_that_cannot_be_read_is_2(self):
        with open(self.path("bad.json"), "w", encoding="utf-8") as file:
            file.write('{"name": "x",\n "sead": 3}')
        for arguments, message in ((["--scenario", "./none.json"], "none.json"), (["--scenario", "./bad.json"], "bad.json:2"),
                                   (["--recording", "none"], "none"), (["--offers", "./none.json"], "none.json"),
                                   (["--offers", "0"], "--offers"), (["--fault", "no-fault"], "no-fault")):
            run = self.run_fake(*arguments, "--", "touch", "ran")
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(message, run.stderr)
            self.assertFalse(os.path.exists(self.path("ran")))


class Control(Case):
    """The control API."""

    def test_the_state_is_what_is_so(self):
        self.start("--seed", "7", "--offers", "5", "--speed", "100")
        machine = self.rent("mine")
        state = self.good("GET", "/v1/state")
        self.assertEqual((state["seed"], state["machines_left"]), (7, 1))
        self.assertEqual((state["machines"][0]["id"], state["machines"][0]["label"]), (machine, "mine"))
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
                (400, "POST", f"/v1/machines/{machine}", {"bury": True}),
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
        for wish in ({"kill": True}, {"return": True}, {"rotate_host_key": True}):
            self.assertIs(self.good("POST", f"/v1/machines/{machine}", wish)["success"], True)
        history = self.ask("GET", "/v1/history", url=self.ready["control_url"], headers={})[2].decode()
        acts = [json.loads(line)["data"]["what"] for line in history.splitlines() if '"control.act"' in line]
        self.assertEqual(acts, ["kill", "return", "rotate_host_key"])


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
    group, FAKE = sys.argv[1], os.path.abspath(sys.argv[2])
    unittest.main(argv=[sys.argv[0], group, *sys.argv[3:]])
