#!/usr/bin/python3
"""Files to and from a machine: OpenSSH's sftp against sshd and against machines of dumont-fake, `dumont put` and `get`, all in turns.

    files.py DUMONT_FAKE DUMONT [--quick]

Prints samples as the other bench programs do (bench/samples.h). A machine takes no time of its own, and every file lies in memory where
there is room: the disk is not meant.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

MIB = 1 << 20
PATIENCE_S = 60
BOOT_S = 600
SSHD = "/usr/sbin/sshd"
SCENARIO = {
    "name": "bench", "why": "nothing takes any time", "account": {"credit_usd": 1000000},
    "timing": {"latency_s": {call: 0 for call in ("search", "create", "show", "list", "destroy", "account", "other")},
               "ssh_sessions_s": [0]},
}


def wait_for(what, ready):
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > deadline:
            sys.exit(f"{what} does not get ready")
        time.sleep(0.005)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def start(stack, command, folder, name):
    """A process that ends with the stack; what it says lies in a file."""
    with open(os.path.join(folder, name + ".log"), "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    stack.callback(stop, process)
    return process


class Server:
    """Where sftp connects to: address, port, key, and where its files go."""

    def __init__(self, host, port, key, place):
        self.host, self.port, self.key, self.place = host, port, key, place

    def sftp(self, batch, folder):
        """Seconds that a batch took, its connection included."""
        command = ["sftp", "-q", "-b", "-", "-F", "/dev/null", "-i", self.key, "-P", str(self.port)]
        for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes", "IdentitiesOnly=yes"):
            command += ["-o", option]
        began = time.monotonic()
        subprocess.run([*command, "root@" + self.host], input=batch.encode(), cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       timeout=600)
        return time.monotonic() - began


def start_sshd(stack, folder):
    """sshd as it comes, with a key of ours; or why there is none."""
    if not os.path.exists(SSHD):
        return None, "openssh-server is not installed"
    if os.geteuid() != 0:
        return None, "sshd lets its own user in as root only: run this as root"
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    place = os.path.join(folder, "sshd")
    os.mkdir(place)
    for name in ("host_key", "client_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(place, name)], check=True)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with open(os.path.join(place, "config"), "w", encoding="utf-8") as config:
        config.write(f"ListenAddress 127.0.0.1:{port}\nHostKey {place}/host_key\nAuthorizedKeysFile {place}/client_key.pub\n"
                     "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\nUseDNS no\n"
                     "Subsystem sftp /usr/lib/openssh/sftp-server\n"
                     f"SetEnv HOME={place}\n")  # what the user's own shell does at its start is not sshd's
    start(stack, [SSHD, "-D", "-e", "-f", os.path.join(place, "config")], folder, "sshd-said")
    wait_for("sshd", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    return Server("127.0.0.1", port, os.path.join(place, "client_key"), place + "/"), None


class Fake:
    """A dumont-fake with one machine that runs, and the client's way to it."""

    def __init__(self, stack, program, kind, folder):
        ready, scenario = os.path.join(folder, kind + ".ready"), os.path.join(folder, "scenario.json")
        with open(scenario, "w", encoding="utf-8") as file:
            json.dump(SCENARIO, file)
        process = start(stack, [program, "--host", kind, "--scenario", scenario, "--ready-file", ready], folder, kind)
        wait_for("dumont-fake", lambda: os.path.exists(ready) or process.poll() is not None)
        if process.poll() is not None:
            with open(os.path.join(folder, kind + ".log"), encoding="utf-8") as said:
                sys.exit(said.read())
        with open(ready, encoding="utf-8") as file:
            self.ready = json.load(file)
        offer = self.ask("POST", "/api/v0/bundles/", {"limit": 1})["offers"][0]["id"]
        wish = {"client_id": "me", "image": "ubuntu:22.04", "disk": 20, "runtype": "ssh_direct"}
        self.machine = self.ask("PUT", f"/api/v0/asks/{offer}/", wish)["new_contract"]
        self.ask("POST", "/v1/clock", {"advance_s": BOOT_S}, self.ready["control_url"])
        wait_for("the machine", lambda: self.show()["actual_status"] == "running")
        shown = self.show()
        self.server = Server(shown["ssh_host"], shown["ssh_port"], self.ready["ssh_key"], "")
        self.environment = {**os.environ, "VAST_URL": self.ready["vast_url"], "VAST_API_KEY": self.ready["api_key"],
                            "DUMONT_SSH_KEY": self.ready["ssh_key"], "DUMONT_CLOCK": self.ready["clock"],
                            "DUMONT_STATE_DIR": os.path.join(folder, kind + ".state")}

    def ask(self, method, path, body=None, url=None):
        request = urllib.request.Request((url or self.ready["vast_url"]) + path, method=method, headers={
            "Authorization": "Bearer " + self.ready["api_key"], "Content-Type": "application/json"})
        with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=PATIENCE_S) as reply:
            return json.load(reply)

    def show(self):
        return self.ask("GET", f"/api/v0/instances/{self.machine}/")["instances"]

    def dumont(self, program, verb, one, other, folder):
        began = time.monotonic()
        subprocess.run([program, verb, str(self.machine), one, other, "--quiet"], env=self.environment, cwd=folder, check=True,
                       stdout=subprocess.DEVNULL, timeout=600)
        return time.monotonic() - began


def cannot_sandbox(program):
    """Why there can be no sandboxed machine here; None when there can."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    probe = subprocess.run([os.path.join(os.path.dirname(program), "dumont-guest"), "probe"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "bubblewrap cannot make a sandbox here"


def make_file(path, size):
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(block)


def remove(folder, *names):
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))


def measure(fake, dumont, quick, folder, stack):
    size, part, rounds = (4 * MIB, 4 * MIB, 2) if quick else (1024 * MIB, 256 * MIB, 3)
    samples, absent, fakes = {}, {}, {}
    sshd, reason = start_sshd(stack, folder)
    servers = {} if sshd is None else {"sshd": sshd}
    if sshd is None:
        absent["sshd"] = reason
    for kind in ("modelled", "sandboxed"):
        reason = cannot_sandbox(fake) if kind == "sandboxed" else None
        if reason is None:
            fakes[kind] = Fake(stack, fake, kind, folder)
            servers[kind] = fakes[kind].server
        else:
            absent[kind] = reason
    make_file(os.path.join(folder, "big"), size)
    make_file(os.path.join(folder, "part"), part)

    def add(key, seconds, moved=size):
        samples.setdefault(key, []).append(moved / MIB / seconds)

    for server in servers.values():
        server.sftp("pwd\n", folder)  # the first session of a machine makes its sandbox
    for _ in range(rounds):
        for name, server in servers.items():
            add(name + "_put", server.sftp(f"put big {server.place}far\n", folder))
            add(name + "_get", server.sftp(f"get {server.place}far back\nrm {server.place}far\n", folder))
            remove(folder, "back")
        if "sandboxed" in fakes:  # the memory of a modelled shell does not hold so much
            add("dumont_put", fakes["sandboxed"].dumont(dumont, "put", "part", "far", folder), part)
            add("dumont_get", fakes["sandboxed"].dumont(dumont, "get", "far", "back", folder), part)
            remove(folder, "back")
            servers["sandboxed"].sftp("rm far\n", folder)
    print(json.dumps({"bench": "files", "samples": samples, "absent": absent}))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    fake, dumont, quick = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), "--quick" in sys.argv
    memory = "/dev/shm"
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 8 << 30
    folder = tempfile.mkdtemp(prefix="dumont-bench-", dir=memory if roomy else None)
    try:
        with contextlib.ExitStack() as stack:
            measure(fake, dumont, quick, folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
