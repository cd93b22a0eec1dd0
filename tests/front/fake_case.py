"""What tests of the running dumont-fake share: real sockets on the kernel's ports, real processes."""

import contextlib
import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PATIENCE_S = 60
settings = {"fake": ""}  # the program, from the command line


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
        run = subprocess.run([settings["fake"], *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, **more)
        self.assertEqual(os.listdir(self.temporary), [], "temporary files are left")
        return run

    def start(self, *arguments, **more):
        """Starts it with a ready file and waits until it is ready."""
        ready = self.path("ready.json")
        process = subprocess.Popen([settings["fake"], "--ready-file", ready, *arguments], cwd=self.folder, env=self.environment,
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
        with contextlib.closing(connection):
            connection.request(method, path, body=data, headers=headers)
            reply = connection.getresponse()
            text = reply.read()
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


def main():
    """PROGRAM GROUP DUMONT_FAKE: runs the tests of one class."""
    settings["fake"] = os.path.abspath(sys.argv[2])
    unittest.main(module="__main__", argv=[sys.argv[0], sys.argv[1], *sys.argv[3:]])
