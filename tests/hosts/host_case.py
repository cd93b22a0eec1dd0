"""What tests of hosts over sockets share: a running dumont-fake, machines that run, and OpenSSH's programs that reach them."""

import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "front"))
import fake_case  # noqa: E402

PATIENCE_S = 60


class Machine:
    def __init__(self, contract, host, port):
        self.contract, self.host, self.port = contract, host, port


class HostCase(fake_case.Case):
    """One fake for all tests of a class, of one kind of host."""
    kind = "modelled"
    arguments = ()
    scenario = None
    speed = "500"

    def setUp(self):
        super().setUp()
        words = ["--host", self.kind, "--speed", self.speed, *self.arguments]
        if self.scenario is not None:
            with open(self.path("scenario.json"), "w", encoding="utf-8") as file:
                json.dump(self.scenario, file)
            words += ["--scenario", self.path("scenario.json")]
        self.process = self.start(*words)

    def sandboxes_or_skip(self):
        pass

    def rent_running(self, **members):
        """Rents a machine and waits until it runs and lets us in."""
        _, _, found = self.ask("POST", "/api/v0/bundles/", {"limit": 1})
        body = {"client_id": "me", "image": "ubuntu:22.04", "disk": 10, "label": "test", "runtype": "ssh_direc ssh_proxy", **members}
        status, _, answer = self.ask("PUT", f"/api/v0/asks/{found['offers'][0]['id']}/", body)
        self.assertEqual(status, 200, answer)
        return self.wait_running(answer["new_contract"])

    def wait_running(self, contract):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            _, _, answer = self.ask("GET", f"/api/v0/instances/{contract}/")
            instance = answer["instances"]
            if instance["actual_status"] == "running":
                machine = Machine(contract, instance["ssh_host"], instance["ssh_port"])
                if self.ssh(machine, "true")[0] == 0:
                    return machine
            self.assertLess(time.monotonic(), deadline)

    def options(self, machine, port_option="-p"):
        return ["-F", "/dev/null", "-i", self.ready["ssh_key"], port_option, str(machine.port), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", "ConnectTimeout=10"]

    def ssh_line(self, machine, *words, options=()):
        return ["ssh", *options, *self.options(machine), "root@" + machine.host, *words]

    def run_program(self, words, stdin=b"", patience=PATIENCE_S, **more):
        """Status, standard output, standard error."""
        run = subprocess.run(words, input=stdin, capture_output=True, timeout=patience, check=False, cwd=self.folder,
                             env=self.environment, **more)
        return run.returncode, run.stdout, run.stderr

    def ssh(self, machine, *words, stdin=b"", options=()):
        return self.run_program(self.ssh_line(machine, *words, options=options), stdin)

    def good(self, machine, command, stdin=b""):
        status, out, err = self.ssh(machine, command, stdin=stdin)
        self.assertEqual((status, err), (0, b""), out)
        return out

    def scp(self, machine, source, target, *options):
        """`:` begins what lies on the machine."""
        place = f"root@{machine.host}"
        words = [place + word if word.startswith(":") else word for word in (source, target)]
        return self.run_program(["scp", *options, *self.options(machine, "-P"), *words])

    def sftp(self, machine, batch):
        return self.run_program(["sftp", "-b", "-", *self.options(machine, "-P"), f"root@{machine.host}"], batch.encode())

    def rsync(self, machine, *words):
        shell = " ".join(["ssh", *self.options(machine)])
        return self.run_program(["rsync", "-e", shell, *words])

    def remote(self, machine, path):
        return f"root@{machine.host}:{path}"


def can_sandbox():
    guest = os.path.join(os.path.dirname(fake_case.settings["fake"]), "dumont-guest")
    return shutil.which("bwrap") is not None and subprocess.run([guest, "probe"], capture_output=True, check=False).returncode == 0
