"""A stage with the SSH front alone (ssh_stage_main), and OpenSSH's client, for the tests of this folder."""

import os
import resource
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import typing
import unittest

LIMIT_S = 60
PROGRAM = []  # the path of ssh_stage_main

BANNER = (b"Welcome to vast.ai. If authentication fails, try again after a few seconds, and double check your ssh key.\n"
          b"Have fun!\n")


class Machine:
    def __init__(self, line):
        number, self.host, proxy, direct = line.split()
        self.number, self.proxy, self.direct = int(number), int(proxy), int(direct)


class Peers(typing.NamedTuple):
    now: int
    programs: int
    ever: int
    blocks: int


def limit_descriptors(count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


class Stage:
    """ssh_stage_main with settings; `rent()` and the other words go to its standard input."""

    def __init__(self, folder, public_key, descriptors=None, **settings):
        arguments = [os.path.join(folder, "clock"), public_key]
        for key, value in settings.items():
            arguments += [f"{key}={one}" for one in (value if isinstance(value, list) else [value])]
        self.process = subprocess.Popen(PROGRAM + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=descriptors and (lambda: limit_descriptors(descriptors)))
        assert self.process.stdout.readline() == "ready\n"

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def rent(self):
        return Machine(self.say("rent"))

    def peers(self):
        """Connections now, programs now, connections ever, blocks on the heap."""
        return Peers(*[int(word) for word in self.say("peers").split()])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def close(self):
        """What it says at its end: "clean" when nothing is left on its heap."""
        out, _ = self.process.communicate("quit\n", timeout=LIMIT_S)
        return out.strip(), self.process.returncode


class Relay:
    """Forwards one connection, until it is held: then both ends stand, and nothing comes through any more."""

    def __init__(self, target):
        self.target, self.held = target, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        self.ends = []
        self.thread = threading.Thread(target=self.forward)

    def __enter__(self):
        self.thread.start()
        return self

    def forward(self):
        near, far = self.listener.accept()[0], socket.create_connection(self.target)
        self.ends = [near, far]
        while not self.held.is_set():
            for end in select.select(self.ends, [], [], 0.02)[0]:
                piece = end.recv(65536)
                if not piece or self.held.is_set():
                    return
                (far if end is near else near).sendall(piece)

    def hold(self):
        self.held.set()
        self.thread.join()

    def __exit__(self, *failure):
        self.hold()
        for end in [self.listener, *self.ends]:
            end.close()


class Case(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dumont-ssh-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.key = self.make_key("key")
        self.stages = []
        self.stage = self.open_stage(**self.settings)
        self.machine = self.stage.rent()

    def tearDown(self):
        for stage in self.stages:
            if stage.process.poll() is None:
                self.assertEqual(stage.close(), ("clean", 0))

    def make_key(self, name, kind="ed25519"):
        path = os.path.join(self.folder, name)
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", path], check=True)
        return path

    def open_stage(self, **settings):
        with open(self.key + ".pub", encoding="utf-8") as file:
            stage = Stage(self.folder, file.read().strip(), **settings)
        self.stages.append(stage)
        return stage

    def command_line(self, *words, machine=None, port=None, user="root", key=None, options=()):
        machine = machine or self.machine
        plain = ["-F", "/dev/null", "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no",
                 "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"]
        return ["ssh", *options, *plain, "-i", key or self.key, "-p", str(port or machine.direct),
                f"{user}@{machine.host}", *words]

    def ssh(self, *words, stdin=b"", **more):
        """Status, standard output, standard error."""
        run = subprocess.run(self.command_line(*words, **more), input=stdin, capture_output=True, timeout=LIMIT_S,
                             check=False, env={"PATH": os.environ["PATH"], "HOME": self.folder})
        return run.returncode, run.stdout, run.stderr

    def good(self, *words, **more):
        status, out, err = self.ssh(*words, **more)
        self.assertEqual((status, err), (0, b""), err.decode(errors="replace"))
        return out

    def start(self, *words, **more):
        return subprocess.Popen(self.command_line(*words, **more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def wait_for_peers(self, count):
        while self.stage.peers().now != count:
            pass

    def wait_for_programs(self, count):
        while self.stage.peers().programs != count:
            pass
