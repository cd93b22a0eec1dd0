"""What tests of dumont store share: the client beside the store that runs, what it says, and a relay between the two."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "bucket"))

from relay import Relay  # noqa: E402
from store_case import PATIENCE_S, StoreCase, pattern, settings, sha1  # noqa: E402 (the folder beside this one)

__all__ = ["AUTHENTICATION", "BUDGET", "Between", "Client", "DONE", "ENVIRONMENT", "FAILED", "INTERRUPTED", "PART", "PATIENCE_S", "USAGE", "main",
           "pattern", "settings", "sha1"]

PART = 5000000  # the least that the service allows
DONE, FAILED, USAGE, ENVIRONMENT, AUTHENTICATION, BUDGET, INTERRUPTED = 0, 1, 2, 3, 4, 7, 130


def main():
    settings["fake"], settings["dumont"] = (os.path.abspath(path) for path in sys.argv[2:4])
    unittest.main(module="__main__", argv=[sys.argv[0], sys.argv[1], *sys.argv[4:]])


class Client(StoreCase):
    """dumont, with the environment of the fake that runs."""

    def begin(self, *arguments):
        process = super().begin(*arguments)
        self.faults = []
        self.environment.update(DUMONT_B2_URL=self.ready["b2_url"], DUMONT_B2_BUCKET=self.ready["b2_bucket"],
                                B2_APPLICATION_KEY_ID=self.ready["b2_key_id"], B2_APPLICATION_KEY=self.ready["b2_key"],
                                DUMONT_STATE_DIR=self.path("state"))
        return process

    def command(self, *arguments):
        return [settings["dumont"], "store", *arguments]

    def run_store(self, *arguments, status=DONE, data=None, **environment):
        run = subprocess.run(self.command(*arguments), cwd=self.folder, env={**self.environment, **environment}, input=data,
                             stdin=subprocess.DEVNULL if data is None else None, check=False, capture_output=True, timeout=4 * PATIENCE_S)
        self.assertEqual(run.returncode, status, run.stderr.decode())
        self.assertNotIn(self.ready["b2_key"].encode(), run.stdout + run.stderr)
        return run

    def start_client(self, *arguments):
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def told(self, *arguments, status=DONE, **environment):
        """The JSON that a command prints."""
        run = self.run_store(*arguments, "--json", status=status, **environment)
        answer = json.loads(run.stdout)
        self.assertEqual(answer["outcome"], "done" if status == DONE else "failed")
        return answer

    def file(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def stored(self, name):
        """What the store has under a name, by a client that is not ours."""
        status, _, data = self.download(name)
        self.assertEqual(status, 200)
        return data

    def left_beside(self, name):
        return [each for each in os.listdir(self.folder) if each.startswith(name + ".dumont-part")]

    def fault(self, identifier, **parameters):
        status, answer = self.control("PUT", f"/v1/faults/{identifier}", parameters)
        self.assertEqual(status, 200, answer)
        self.faults.append(identifier)

    def no_fault(self):
        """Takes the faults away: what the test looks at by itself is not to meet them."""
        while self.faults:
            self.control("DELETE", f"/v1/faults/{self.faults.pop()}")
        self.token = None

    def unfinished(self):
        if self.token is None:
            self.authorize()
        status, answer = self.call("b2_list_unfinished_large_files", bucketId=self.bucket)
        self.assertEqual(status, 200)
        return answer["files"]


class Between(Client):
    """A relay between the client and the store."""

    def begin_between(self, *arguments):
        """A store behind a relay; the client knows the relay alone."""
        process = self.begin(*arguments)
        self.relay = Relay(int(self.ready["b2_url"].rsplit(":", 1)[1]))
        self.addCleanup(self.relay.close)
        self.environment.update(DUMONT_B2_URL=self.relay.url, DUMONT_CLOCK=self.ready["clock"])
        return process
