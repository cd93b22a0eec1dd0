"""A running dumont-fake, and the real client against it, for the tests that cross sockets."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

READY_LIMIT_S = 20
RUN_LIMIT_S = 120


class Outcome:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def lines(self):
        return [line for line in self.err.splitlines() if line.strip()]


class Stage:
    """Starts the fake with `options`; a context manager that ends it and keeps its closing statement in `statement`."""

    def __init__(self, fake, dumont, *options, speed=60):
        self.fake, self.dumont, self.speed = fake, dumont, speed
        self.folder = tempfile.mkdtemp(prefix="dumont-wire-")
        self.ready_file = self.path("ready.json")
        self.options = ["--speed", str(speed), "--ready-file", self.ready_file, "--env-file", self.path("env"), *options]
        self.statement = ""

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        os.mkdir(self.path("tmp"))
        plain = {"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C.UTF-8", "TMPDIR": self.path("tmp")}
        self.said = open(self.path("fake.err"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([self.fake, *self.options], env=plain, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.said)
        limit = time.monotonic() + READY_LIMIT_S
        while not os.path.exists(self.ready_file):
            if self.process.poll() is not None or time.monotonic() > limit:
                self.process.kill()
                self.process.wait()
                self.said.seek(0)
                raise AssertionError("dumont-fake is not ready: " + self.said.read())
            time.sleep(0.005)
        with open(self.ready_file, encoding="utf-8") as file:
            self.ready = json.load(file)
        self.environment = {**plain, **self.read_environment()}
        self.environment["DUMONT_STATE_DIR"] = self.path("state")
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.status = self.process.wait(timeout=READY_LIMIT_S)
        self.said.seek(0)
        self.statement = self.said.read()
        self.said.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read_environment(self):
        variables = subprocess.run(["/bin/sh", "-c", '. "$1"; env -0', "sh", self.path("env")], env={"PATH": os.environ["PATH"]},
                                   check=True, stdout=subprocess.PIPE).stdout
        pairs = (entry.split("=", 1) for entry in variables.decode().split("\0") if "=" in entry)
        return {name: value for name, value in pairs if name not in ("PATH", "PWD", "OLDPWD", "SHLVL", "_")}

    def start(self, *arguments, **changes):
        """The client, under way. A change to None takes a variable away."""
        environment = {**self.environment, **{name: value for name, value in changes.items() if value is not None}}
        for name in [name for name, value in changes.items() if value is None]:
            environment.pop(name, None)
        return subprocess.Popen([self.dumont, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, cwd=self.folder)

    @staticmethod
    def end(process):
        out, err = process.communicate(timeout=RUN_LIMIT_S)
        return Outcome(process.returncode, out.decode(), err.decode())

    def ssh_story(self, history):
        """What became of each SSH session of a client's history: what a failure's reader wants to know first."""
        with open(history, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        return [(round(event["t_us"] / 1e6, 2), event["data"].get("outcome", "open")) for event in events
                if event["kind"] in ("ssh.open", "ssh.close")]

    def run(self, *arguments, **changes):
        return self.end(self.start(*arguments, **changes))

    def control(self, path, method="GET", body=None):
        request = urllib.request.Request(self.ready["control_url"] + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=READY_LIMIT_S) as reply:
            return json.load(reply)

    def history(self):
        with urllib.request.urlopen(self.ready["control_url"] + "/v1/history", timeout=READY_LIMIT_S) as reply:
            return reply.read().decode()

    def api(self, path, method="GET", body=None):
        request = urllib.request.Request(self.ready["vast_url"] + path, method=method,
                                         headers={"Authorization": "Bearer " + self.ready["api_key"]},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=READY_LIMIT_S) as reply:
            return json.load(reply)

    def machines(self):
        """What truly exists in the cloud now."""
        return [machine for machine in self.control("/v1/state")["machines"] if machine.get("exists", True)]
