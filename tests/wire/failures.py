#!/usr/bin/python3
"""The failure matrix: whatever goes wrong between client and cloud, the client says one clear thing, ends with the documented
status, and leaves nothing billing.

    failures.py GROUP DUMONT DUMONT_FAKE    runs the tests of one class
"""

import concurrent.futures
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from bad_proxy import ANSWERS, BadProxy
from stage import Stage

PROGRAMS = {}
SPEED = 60
RUN_S = 98.98 / SPEED  # how long an undisturbed check takes here
MOMENTS = 50
AT_ONCE = 10
DONE, FAILED, USAGE, ENVIRONMENT, AUTHENTICATION, NO_MACHINE, DEADLINE, LEFT = 0, 1, 2, 3, 4, 5, 6, 8
INTERRUPTED = 130


def stage(*options, speed=SPEED):
    return Stage(PROGRAMS["dumont-fake"], PROGRAMS["dumont"], *options, speed=speed)


def at_once(function, cases):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, cases))


class Case(unittest.TestCase):
    def expect(self, outcome, *statuses, says=None):
        self.assertIn(outcome.status, statuses, outcome.err)
        self.assertNotIn("Sanitizer", outcome.err)
        if outcome.status != DONE:
            self.assertTrue(outcome.lines(), "a failure is said")
            self.assertTrue(outcome.lines()[0].startswith("dumont: "), outcome.err)
        if says is not None:
            self.assertIn(says, outcome.err)

    def expect_nothing_left(self, running):
        self.assertEqual(running.machines(), [])

    def check(self, *options, statuses=(DONE,), says=None, client=(), **changes):
        """One run of the client against a stage of its own."""
        with stage(*options) as running:
            history = running.path("client.jsonl")
            outcome = running.run("check", "--quiet", "--history", history, *client, **changes)
            if outcome.status not in statuses and os.path.exists(history):
                outcome.err += f"SSH: {running.ssh_story(history)[:40]}; stages: " + ", ".join(
                    line for line in running.history().splitlines() if "ssh.stage" in line)[:2000]
            self.expect(outcome, *statuses, says=says)
            self.expect_nothing_left(running)
        return outcome


class Access(Case):
    """Who we are, and whether anybody is there."""

    def test_without_a_key_nothing_is_asked(self):
        with stage() as running:
            outcome = running.run("check", VAST_API_KEY=None)
            self.expect(outcome, AUTHENTICATION)
            self.assertEqual(running.control("/v1/requests")["requests"], [])

    def test_a_wrong_key_is_named(self):
        self.check(VAST_API_KEY="wrong" * 12, statuses=(AUTHENTICATION,))

    def test_an_api_that_cannot_be_reached_is_named(self):
        self.check(VAST_URL="http://127.0.0.1:1", statuses=(FAILED,), says="refused")

    def test_a_key_that_cannot_be_read_is_named_before_anything_is_rented(self):
        with stage() as running:
            outcome = running.run("check", DUMONT_SSH_KEY="/nonexistent/key")
            self.expect(outcome, ENVIRONMENT, AUTHENTICATION, says="/nonexistent/key")
            self.assertEqual(running.control("/v1/requests")["requests"], [])

    def test_a_certificate_that_nobody_vouches_for_is_refused_and_one_that_is_vouched_for_taken(self):
        with stage() as keys:
            certificate, key = keys.path("cert.pem"), keys.path("key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                            "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                            "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
            with stage("--tls-cert", certificate, "--tls-key", key) as running:
                self.assertTrue(running.ready["vast_url"].startswith("https://"))
                self.expect(running.run("check", "--quiet"), FAILED, says="certificate")
                self.expect(running.run("check", "--quiet", "--cacert", certificate), DONE)
                self.expect_nothing_left(running)


class BadReplies(Case):
    """Each reply that no server should give, to each call of a check: once it is survived, for ever it is named."""

    ENDPOINTS = ("account", "search", "create", "show", "destroy")

    def run_through(self, case):
        endpoint, answer, count, after = case
        with stage() as running, BadProxy(running.ready["vast_url"], endpoint, answer, count, after) as proxy:
            outcome = running.run("check", "--quiet", VAST_URL=proxy.url)
            machines = running.machines()
            created = running.control("/v1/requests/count", "POST", {"method": "PUT", "path": "/api/v0/asks/"})["count"]
            return case, outcome, machines, proxy.hits, created

    def judge(self, results, statuses_of):
        for case, outcome, machines, hits, _ in results:
            with self.subTest(endpoint=case[0], answer=case[1], count=case[2], after=case[3]):
                self.assertGreater(hits, 0, "the reply was never given: " + outcome.err)
                self.expect(outcome, *statuses_of(case))
                self.assertEqual(machines, [] if outcome.status != LEFT else machines, outcome.err)

    def test_a_bad_reply_before_any_effect_leaves_nothing(self):
        cases = [(endpoint, answer, 1, False) for endpoint in self.ENDPOINTS for answer in ANSWERS]
        self.judge(at_once(self.run_through, cases), lambda case: (DONE, FAILED, NO_MACHINE))

    def test_a_bad_reply_to_an_effect_leaves_nothing(self):
        cases = [(endpoint, answer, 1, True) for endpoint in ("create", "destroy") for answer in ANSWERS]
        self.judge(at_once(self.run_through, cases), lambda case: (DONE, FAILED, NO_MACHINE))

    def test_bad_replies_for_ever_are_named_and_bounded(self):
        cases = [(endpoint, answer, 10 ** 9, False) for endpoint in self.ENDPOINTS for answer in ("garbage", "html", "closed", "silent")]
        for case, outcome, machines, _, _ in at_once(self.run_through, cases):
            with self.subTest(endpoint=case[0], answer=case[1]):
                if case[0] == "account":  # a courtesy: what it would tell is told by the create as well
                    self.expect(outcome, DONE)
                else:
                    self.expect(outcome, FAILED, NO_MACHINE, DEADLINE, LEFT)
                if case[0] == "destroy":
                    self.assertEqual(outcome.status, LEFT, outcome.err)
                    self.assertIn("dumont destroy", outcome.lines()[-1])
                    self.assertEqual(len(machines), 1)
                else:
                    self.assertEqual(machines, [], outcome.err)


class Faults(Case):
    """What the fake does by itself."""

    def check_fault(self, fault):
        return self.check("--fault", fault)

    def test_too_many_requests_in_three_shapes(self):
        at_once(self.check_fault, [f"rate-limit-429:endpoint={endpoint},count=2,shape={shape}"
                                   for shape in ("text", "threshold", "detail", "error")
                                   for endpoint in ("search", "create", "show", "destroy")])

    def test_a_lost_create_reply_is_found_by_its_label(self):
        at_once(self.check_fault, [f"create-response-lost:as={how}" for how in ("timeout", "reset", "502")])

    def test_an_offer_that_was_taken_makes_room_for_the_next(self):
        self.check("--fault", "offer-taken:count=2")

    def test_a_boot_that_never_ends_is_ended(self):
        self.check("--fault", "stuck-loading", statuses=(DEADLINE,), client=("--running-limit-s", "120"))

    def test_ssh_that_is_refused_for_a_while_is_waited_for(self):
        self.check("--fault", "ssh-refused:for_s=60")

    def test_ssh_that_never_answers_ends_at_its_limit(self):
        at_once(lambda fault: self.check("--fault", f"{fault}:for_s=-1", statuses=(DEADLINE, AUTHENTICATION),
                                         client=("--ssh-limit-s", "90")),
                ("ssh-refused", "ssh-banner-stall", "ssh-key-not-synced"))

    def test_a_connection_that_breaks_during_commands_is_survived_or_named(self):
        self.check("--fault", "ssh-drop-mid-command:count=1", statuses=(DONE, FAILED))

    def test_a_full_disk_is_named(self):
        self.check("--fault", "disk-full", statuses=(FAILED,), says="disk")

    def test_a_machine_that_shows_another_host_key_is_not_trusted(self):
        with stage() as running:
            process = running.start("check", "--quiet")
            while process.poll() is None and self.commands_run(running) == 0:
                time.sleep(0.005)
            rotated = [running.control(f"/v1/machines/{machine['id']}", "POST", {"rotate_host_key": True})
                       for machine in running.machines()]
            outcome = running.end(process)
            self.assertTrue(rotated)
            self.expect(outcome, FAILED, says="host key")
            self.expect_nothing_left(running)

    @staticmethod
    def commands_run(running):
        return running.history().count('"kind":"host.exec"')


class Moments(Case):
    """At whichever moment the client is stopped or killed, nothing stays."""

    def interrupt(self, nth):
        with stage() as running:
            process = running.start("check", "--quiet")
            time.sleep(RUN_S * (nth + 0.5) / MOMENTS)
            process.send_signal(signal.SIGINT)
            outcome = running.end(process)
            return nth, outcome, running.machines(), running.control("/v1/requests")["requests"]

    def test_ctrl_c(self):
        for nth, outcome, machines, requests in at_once(self.interrupt, range(MOMENTS)):
            with self.subTest(moment=nth):
                if outcome.status == -signal.SIGINT:  # before the program had begun: nobody is there to say anything
                    self.assertEqual(requests, [])
                    continue
                self.expect(outcome, INTERRUPTED, DONE)
                self.assertEqual(machines, [], outcome.err)

    def kill(self, nth):
        with stage() as running:
            process = running.start("check", "--quiet")
            time.sleep(RUN_S * (nth + 0.5) / MOMENTS)
            process.kill()
            process.communicate()
            reaped = running.run("reap", "--yes", "--quiet")
            return nth, reaped, running.machines()

    def test_kill(self):
        for nth, reaped, machines in at_once(self.kill, range(MOMENTS)):
            with self.subTest(moment=nth):
                self.expect(reaped, DONE)
                self.assertEqual(machines, [], reaped.err)

    def test_a_kill_while_the_create_reply_is_lost(self):
        with stage("--fault", "create-response-lost:as=timeout") as running:
            process = running.start("check", "--quiet")
            limit = time.monotonic() + 20
            while not running.machines() and time.monotonic() < limit:
                time.sleep(0.01)
            process.kill()
            process.communicate()
            self.assertEqual(len(running.machines()), 1)
            self.expect(running.run("reap", "--yes", "--quiet"), DONE)
            self.expect_nothing_left(running)


class Secrets(Case):
    """No secret in any log, report, history, argument or URL; files that hold one are for their owner alone."""

    def test_the_fake_tells_no_secret_either(self):
        """Whatever it writes or answers, but for the two files that hand the keys over, and the create's own reply."""
        with tempfile.TemporaryDirectory(prefix="dumont-verdict-") as verdict:
            with stage("--report-dir", verdict, "--json", "--history", os.path.join(verdict, "history.jsonl")) as running:
                offer = running.api("/api/v0/bundles/", "POST", {})["offers"][0]
                made = running.api(f"/api/v0/asks/{offer['id']}/", "PUT", {"image": "x", "disk": 10, "runtype": "ssh"})
                self.expect(running.run("check", "--quiet", "--history", running.path("client.jsonl")), DONE)
                secrets = [running.ready["api_key"], made["instance_api_key"], running.environment["B2_APPLICATION_KEY"]]
                texts = {path: json.dumps(running.control(path)) for path in ("/v1/state", "/v1/clock", "/v1/faults", "/v1/requests")}
                texts["/v1/history"] = running.history()
                with open(f"/proc/{running.process.pid}/cmdline", encoding="utf-8") as file:
                    texts["arguments"] = file.read()
                with open(running.path("client.jsonl"), encoding="utf-8") as file:
                    texts["client.jsonl"] = file.read()
                running.api(f"/api/v0/instances/{made['new_contract']}/", "DELETE")
            texts["statement"] = running.statement
            for path in glob.glob(verdict + "/*"):
                with open(path, "rb") as file:
                    texts[path] = file.read().decode("latin-1")
        self.assertGreater(len(texts), 10)
        for name, text in texts.items():
            self.assertNotIn("instance_api_key", text, name)
            for secret in secrets:
                self.assertNotIn(secret, text, name)

    def test_no_secret_is_written_anywhere(self):
        with stage("--history", "/dev/null") as running:
            report = running.path("report")
            outcome = running.run("check", "--json", "--report-dir", report, "--history", running.path("client.jsonl"))
            self.expect(outcome, DONE)
            with open(running.ready["ssh_key"], encoding="utf-8") as file:
                private_key = file.read().splitlines()[2]
            secrets = [running.ready["api_key"], private_key]
            texts = {"stdout": outcome.out, "stderr": outcome.err, "requests": json.dumps(running.control("/v1/requests")),
                     "history": running.history(), "state": json.dumps(running.control("/v1/state"))}
            state = [path for path in glob.glob(running.path("state/**"), recursive=True) if os.path.isfile(path)]
            for path in glob.glob(report + "/*") + [running.path("client.jsonl")] + state:
                with open(path, "rb") as file:
                    texts[path] = file.read().decode("latin-1")
            for name, text in texts.items():
                for secret in secrets:
                    self.assertNotIn(secret, text, name)
            for path in [running.ready_file, running.path("env"), running.ready["ssh_key"], *state]:
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_the_clients_arguments_hold_no_secret(self):
        with stage() as running:
            process = running.start("check", "--quiet")
            with open(f"/proc/{process.pid}/cmdline", "rb") as file:
                self.assertNotIn(running.ready["api_key"].encode(), file.read())
            self.expect(running.end(process), DONE)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    PROGRAMS["dumont"], PROGRAMS["dumont-fake"] = map(os.path.abspath, sys.argv[2:4])
    unittest.main(argv=[sys.argv[0], *([sys.argv[1]] if sys.argv[1] != "all" else []), *sys.argv[4:]])
