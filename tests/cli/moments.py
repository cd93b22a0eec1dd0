#!/usr/bin/python3
"""A check that is ended from outside at many moments of its life, against the fake cloud on sockets.

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


class Moments(Case):
    MOMENTS = 5
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
