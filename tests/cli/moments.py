#!/usr/bin/python3
"""Whole checks against the fake cloud on sockets: one that comes through, and many that are ended from outside.

    moments.py GROUP DUMONT DUMONT_FAKE DUMONT_SIM    runs the tests of one class

Whatever the moment: the documented status, at most one machine, and nothing left billing.
"""

import json
import os
import signal
import subprocess
import time

from programs import PROGRAMS, Case, main

SPEED = 120


class StageCase(Case):
    """The fake cloud, running beside."""

    LONGEST_S = 20  # of a whole check at that speed; it takes about a second

    def setUp(self):
        super().setUp()
        self.fake = subprocess.Popen([PROGRAMS["dumont-fake"], "--speed", str(SPEED), "--ready-file", "ready.json"], cwd=self.folder,
                                     env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.fake.wait)
        self.addCleanup(self.fake.terminate)
        ready = self.wait_for_stage()
        self.environment.update(VAST_URL=ready["vast_url"], VAST_API_KEY=ready["api_key"], DUMONT_SSH_KEY=ready["ssh_key"],
                                DUMONT_CLOCK=ready["clock"], DUMONT_STATE_DIR=self.path("state"))

    def wait_for_stage(self):
        for _ in range(3000):
            if os.path.exists(self.path("ready.json")):
                with open(self.path("ready.json"), encoding="utf-8") as file:
                    return json.load(file)
            time.sleep(0.01)
        self.fail("dumont-fake is not ready")
        return None

    def machines(self):
        return json.loads(self.good("dumont", "status", "--json"))["machines"]


class LiveRehearsal(StageCase):
    """Live mode as it is, but for the service: the real clock, a budget, and leave given beforehand."""

    def setUp(self):
        super().setUp()
        del self.environment["DUMONT_CLOCK"]

    def check(self, *arguments):
        return self.run_program("dumont", "check", "--live", "--yes", "--json", "--status-poll-s", "0.1", "--ssh-retry-s", "0.1", *arguments)

    def test_a_check_within_its_budget_comes_through(self):
        outcome = self.check("--max-usd", "1")
        self.assertEqual(outcome.status, 0, outcome.err)
        report = json.loads(outcome.out)
        self.assertEqual((report["outcome"], report["world"], report["speed"], report["budget"]["cap_usd"]), ("done", "sockets", 1, 1))
        self.assertEqual([phase["outcome"] for phase in report["phases"]], ["ok"] * 8)
        self.assertLess(report["budget"]["worst_case_usd"], 1)
        shown = outcome.err.splitlines()
        self.assertTrue(shown[0].startswith(f"offer {report['offer']['id']}: 1 x RTX 4090 at $") and shown[1].startswith("worst case $"), shown)
        self.assertEqual(self.machines(), [])

    def test_a_check_beyond_its_budget_rents_nothing(self):
        outcome = self.check("--max-usd", "0.05")
        self.assertEqual(outcome.status, 7, outcome.err)
        self.assertEqual(json.loads(outcome.out)["instance"], None)


class Moments(StageCase):
    MOMENTS = 5

    def begin(self):
        return subprocess.Popen([PROGRAMS["dumont"], "check", "--json", "--running-limit-s", "100", "--ssh-limit-s", "20"], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def whole(self):
        """How long a check takes that nobody disturbs."""
        began = time.monotonic()
        self.begin().communicate(timeout=self.LONGEST_S)
        self.assertEqual(self.machines(), [])
        return time.monotonic() - began

    def test_an_interrupt_at_any_moment_leaves_nothing(self):
        whole_s = self.whole()
        for nth in range(self.MOMENTS):
            run = self.begin()
            time.sleep(whole_s * nth / self.MOMENTS)
            run.send_signal(signal.SIGINT if nth % 2 == 0 else signal.SIGTERM)
            _, err = run.communicate(timeout=self.LONGEST_S)
            # Before its world is open a signal ends the program as it ends any other; after the last word nothing is interrupted.
            self.assertIn(run.returncode, (130, 143, -signal.SIGINT, -signal.SIGTERM, 0, 6), err)
            self.assertEqual(self.machines(), [], (nth, err))

    def test_what_a_kill_at_any_moment_leaves_is_reaped(self):
        whole_s = self.whole()
        left = 0
        for nth in range(self.MOMENTS):
            run = self.begin()
            time.sleep(whole_s * nth / self.MOMENTS)
            run.kill()
            run.communicate()
            machines = self.machines()
            self.assertLessEqual(len(machines), 1)
            left += len(machines)
            self.good("dumont", "reap", "--yes", "--quiet")
            self.assertEqual(self.machines(), [], nth)
        self.assertGreater(left, 0)  # else nothing was shown


class FiftyMoments(Moments):
    MOMENTS = 50


if __name__ == "__main__":
    main(__doc__)
