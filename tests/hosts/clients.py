#!/usr/bin/python3
"""OpenSSH's and rsync's programs against machines of a running dumont-fake.

    clients.py GROUP DUMONT_FAKE
"""

import hashlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time

import host_case
from trees import describe, make_tree, read


class Clients(host_case.HostCase):
    """What holds for both kinds of host."""

    def test_commands_have_streams_and_status(self):
        machine = self.rent_running()
        self.assertEqual(self.ssh(machine, "cat; echo err >&2; exit 7", stdin=b"input"), (7, b"input", b"err\n"))
        self.assertEqual(self.good(machine, "cd /workspace && pwd && id -un"), b"/workspace\nroot\n")
        self.assertEqual(self.ssh(machine, "nosuch")[0], 127)
        self.assertEqual(self.good(machine, "echo \"[$VAST_CONTAINERLABEL]\"; tr '\\0' '\\n' </proc/1/environ | grep ^VAST_C"),
                         f"[]\nVAST_CONTAINERLABEL=C.{machine.contract}\n".encode())

    def test_a_machine_has_the_files_and_first_variables_of_its_kind(self):
        machine = self.rent_running()
        key = subprocess.run(["ssh-keygen", "-y", "-f", self.ready["ssh_key"]], capture_output=True, check=True, text=True).stdout.split()[:2]
        self.assertEqual(self.good(machine, "cat ~/.ssh/authorized_keys").decode().split()[:2], key)
        self.assertLessEqual({".no_auto_tmux", ".ssh", ".vast_api_key", "hasbooted", "onstart.sh"},
                             set(self.good(machine, "ls -A").decode().split()))
        pairs = dict(line.split("=", 1) for line in self.good(machine, "tr '\\0' '\\n' < /proc/1/environ").decode().splitlines())
        self.assertEqual((pairs["CONTAINER_ID"], pairs["PUBLIC_IPADDR"]), (str(machine.contract), machine.host))
        self.assertEqual((pairs["SSH_PUBLIC_KEY"].split()[:2], pairs["DATA_DIRECTORY"]), (key, "/workspace/"))
        self.assertEqual(pairs["CONTAINER_API_KEY"], self.good(machine, "cat ~/.vast_api_key").decode())
        self.assertTrue(pairs["GPU_COUNT"].isdigit() and len(pairs["JUPYTER_TOKEN"]) == 32, pairs)
        self.assertNotEqual(int(pairs.get("VAST_TCP_PORT_22", machine.port)) == machine.port, "VAST_TCP_PORT_22" in pairs)

    def test_the_same_tree_comes_back_by_scp(self):
        machine = self.rent_running()
        source = self.path("source")
        make_tree(source, 1)
        for name, options in (("new", []), ("old", ["-O"])):
            # The old protocol cannot carry a line feed in a name.
            self.assertEqual(self.scp(machine, source, f":{name}", "-rp", *options), (0, b"", b""))
            back = self.path("back-" + name)
            self.assertEqual(self.scp(machine, f":{name}", back, "-rp", *options), (0, b"", b""))
            self.maxDiff = 2000
            sent, came = describe(source), describe(back)
            if options:
                for found in (sent, came):
                    for path in [path for path in found if "new" in path]:
                        del found[path]
            self.assertEqual(sorted(sent), sorted(came))
            self.assertTrue(sent == came, "modes, times or contents differ")

    def test_the_same_tree_comes_back_by_sftp(self):
        machine = self.rent_running()
        source = self.path("source")
        make_tree(source, 2)
        status, out, err = self.sftp(machine, "put -rp source far\nget -rp far back\nls -la far\ndf far\n")
        self.assertEqual((status, err), (0, b""), out)
        self.assertTrue(describe(source) == describe(self.path("back")))

    def test_a_transfer_goes_on_where_it_broke(self):
        machine = self.rent_running()
        whole = os.urandom(5_000_000)
        with open(self.path("whole"), "wb") as file:
            file.write(whole)
        self.good_fault("ssh-drop-mid-command", {"nth": 1, "count": 1, "bytes": 2000000})
        self.assertNotEqual(self.sftp(machine, "put whole far\n")[0], 0)
        there = int(self.good(machine, "stat -c %s far").decode())
        self.assertGreater(there, 0)
        self.assertLess(there, len(whole))
        self.assertEqual(self.sftp(machine, "reput whole far\nget far back\n")[0], 0)
        self.assertEqual(read(self.path("back")), whole)

    def good_fault(self, fault, parameters):
        status, answer = self.control("PUT", f"/v1/faults/{fault}", parameters)
        self.assertEqual(status, 200, answer)

    def test_a_full_disk_is_told(self):
        machine = self.rent_running(disk=2)
        with open(self.path("big"), "wb") as file:
            file.truncate(200_000_000)
        self.good(machine, "true")
        self.control("PUT", "/v1/faults/disk-full", {})
        status, _, err = self.scp(machine, self.path("big"), ":big")
        self.assertNotEqual(status, 0)
        self.assertIn(b"Failure", err)
        status, _, err = self.scp(machine, self.path("big"), ":big", "-O")
        self.assertEqual(status, 1)
        self.assertIn(b"No space left on device", err)

    def test_a_stop_ends_what_runs_and_keeps_the_files(self):
        machine = self.rent_running(onstart="echo started >> /workspace/starts")
        self.good(machine, "echo kept > /workspace/kept")
        sleeper = subprocess.Popen(self.ssh_line(machine, "cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment)
        self.assertEqual(self.ask("PUT", f"/api/v0/instances/{machine.contract}/", {"state": "stopped"})[0], 200)
        # Whether it was let in before or not, it is cut off.
        self.assertEqual(sleeper.wait(timeout=host_case.PATIENCE_S), 255)
        for stream in (sleeper.stdin, sleeper.stdout, sleeper.stderr):
            stream.close()
        self.assertEqual(self.ssh(machine, "true")[0], 255)
        self.assertEqual(self.ask("PUT", f"/api/v0/instances/{machine.contract}/", {"state": "running"})[0], 200)
        machine = self.wait_running(machine.contract)
        self.assertEqual(self.good(machine, "cat /workspace/kept"), b"kept\n")

    def test_a_host_that_is_lost_comes_back_with_its_files(self):
        machine = self.rent_running()
        self.good(machine, "echo kept > /workspace/kept")
        self.assertEqual(self.control("POST", f"/v1/machines/{machine.contract}", {"kill": True})[0], 200)
        self.assertEqual(self.ssh(machine, "true", options=["-o", "ConnectTimeout=1"])[0], 255)
        self.assertEqual(self.control("POST", f"/v1/machines/{machine.contract}", {"return": True})[0], 200)
        machine = self.wait_running(machine.contract)
        self.assertEqual(self.good(machine, "cat /workspace/kept"), b"kept\n")

    def test_a_command_line_of_a_megabyte_does_no_harm(self):
        machine = self.rent_running()
        self.assertEqual(self.ssh(machine, "echo", *["a" * 1000] * 1000)[:2], (255, b""))  # more than a packet may have
        self.assertEqual(self.good(machine, "echo " + "a " * 50000).count(b"a"), 50000)

    def test_other_subsystems_are_refused(self):
        machine = self.rent_running()
        status, _, err = self.run_program(["ssh", "-s", *self.options(machine), f"root@{machine.host}", "netconf"])
        self.assertEqual(status, 255)
        self.assertIn(b"subsystem request failed", err)


class Modelled(Clients):
    kind = "modelled"

    def test_there_is_no_rsync(self):
        machine = self.rent_running()
        os.mkdir(self.path("source"))
        status, _, err = self.rsync(machine, "-a", self.path("source"), self.remote(machine, "far"))
        self.assertIn(status, (12, 127))
        self.assertIn(b"rsync: command not found", err)


class Sandboxed(Clients):
    kind = "sandboxed"

    def test_the_same_tree_comes_back_by_rsync(self):
        machine = self.rent_running()
        source = self.path("source")
        make_tree(source, 3, links=True)
        self.assertEqual(self.rsync(machine, "-a", source + "/", self.remote(machine, "far")), (0, b"", b""))
        self.assertEqual(self.rsync(machine, "-a", self.remote(machine, "far/"), self.path("back")), (0, b"", b""))
        self.assertTrue(describe(source) == describe(self.path("back")))
        status, out, _ = self.rsync(machine, "-ai", source + "/", self.remote(machine, "far"))
        self.assertEqual((status, out), (0, b""))  # nothing is left to do

    def test_rsync_goes_on_where_it_broke(self):
        machine = self.rent_running()
        whole = os.urandom(5_000_000)
        with open(self.path("whole"), "wb") as file:
            file.write(whole)
        self.assertEqual(self.rsync(machine, "whole", self.remote(machine, "far"))[0], 0)
        self.good_fault("ssh-drop-mid-command", {"nth": 1, "count": 1, "bytes": 2000000})
        self.assertNotEqual(self.rsync(machine, "--partial", "--inplace", self.remote(machine, "far"), "back")[0], 0)
        self.assertGreater(os.path.getsize(self.path("back")), 0)
        self.assertEqual(self.rsync(machine, "--partial", "--inplace", self.remote(machine, "far"), "back")[0], 0)
        self.assertEqual(read(self.path("back")), whole)

    def test_a_shell_has_a_terminal(self):
        machine = self.rent_running()
        status, out, _ = self.run_program(self.ssh_line(machine, options=["-tt"]), b"tty; echo $TERM; exit 3\n")
        self.assertEqual(status, 3)
        self.assertIn(b"/dev/pts/", out)

    def test_environment_follows_the_rules_of_sshd(self):
        machine = self.rent_running()
        environment = {**self.environment, "LC_TEST": "yes", "SECRET": "no"}
        run = subprocess.run(self.ssh_line(machine, "env", options=["-o", "SendEnv=LC_TEST SECRET"]), capture_output=True,
                             timeout=host_case.PATIENCE_S, check=True, env=environment)
        lines = run.stdout.decode().split("\n")
        self.assertIn("LC_TEST=yes", lines)
        self.assertIn("HOME=/root", lines)
        self.assertFalse([line for line in lines if "SECRET" in line or "DUMONT" in line or "VAST" in line], lines)

    def test_a_large_environment_is_cut_at_whole_variables(self):
        machine = self.rent_running()
        sent = {f"LC_V{number}": "x" * 200 for number in range(300)}
        run = subprocess.run(self.ssh_line(machine, "env | grep ^LC_V", options=["-o", "SendEnv=LC_V*"]), capture_output=True,
                             timeout=host_case.PATIENCE_S, check=False, env={**self.environment, **sent})
        lines = run.stdout.decode().split()
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        self.assertTrue(100 < len(lines) <= 128, len(lines))  # sshd takes as many
        self.assertTrue(all(sent[line.split("=")[0]] == line.split("=")[1] for line in lines))

    def test_signals_have_their_usual_effect_whatever_the_fake_ignores(self):
        self.stop(self.process)
        os.unlink(self.path("ready.json"))
        self.process = self.start("--host", self.kind, "--speed", self.speed, preexec_fn=lambda: [
            signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1)])
        machine = self.rent_running()
        for name, number in (("INT", 2), ("QUIT", 3), ("HUP", 1), ("USR1", 10), ("TERM", 15), ("PIPE", 13)):
            self.assertEqual(self.ssh(machine, f"sh -c 'kill -{name} $$; echo survived'; exit $?")[:2], (128 + number, b""), name)

    def test_onstart_runs_at_each_start(self):
        machine = self.rent_running(onstart="echo started >> /workspace/starts")
        wait = "while [ \"$(cat /workspace/starts 2>/dev/null | wc -l)\" != %d ]; do sleep 0.02; done; cat /workspace/starts"
        self.assertEqual(self.good(machine, wait % 1), b"started\n")
        self.ask("PUT", f"/api/v0/instances/{machine.contract}/", {"state": "stopped"})
        deadline = time.monotonic() + host_case.PATIENCE_S
        while self.ssh(machine, "true")[0] == 0:
            self.assertLess(time.monotonic(), deadline)
        self.ask("PUT", f"/api/v0/instances/{machine.contract}/", {"state": "running"})
        machine = self.wait_running(machine.contract)
        self.assertEqual(self.good(machine, wait % 2), b"started\nstarted\n")

    def test_machines_do_not_see_each_other(self):
        one, other = self.rent_running(), self.rent_running()
        self.good(one, "echo secret > /workspace/secret; nohup sleep 1000 >/dev/null 2>&1 </dev/null &")
        self.assertEqual(self.good(other, "ls -A /workspace; pgrep -c sleep || true"), b"0\n")
        self.assertNotEqual(self.ssh(other, f"exec 3<>/dev/tcp/{one.host}/{one.port}")[0], 0)

    def test_nothing_is_left_when_the_fake_ends(self):
        machine = self.rent_running()
        self.good(machine, "setsid sleep 4242 >/dev/null 2>&1 </dev/null & true")
        self.assertEqual(self.stop(self.process)[0], 0)
        deadline = time.monotonic() + host_case.PATIENCE_S
        while subprocess.run(["pgrep", "-f", "^sleep 4242"], capture_output=True, check=False).returncode == 0:
            self.assertLess(time.monotonic(), deadline)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


class Large(host_case.HostCase):
    """A file of 1 GiB there and back."""
    kind = "sandboxed"

    def test_a_gibibyte_comes_back(self):
        machine = self.rent_running()
        draw = random.Random(1)
        with open(self.path("big"), "wb") as file:
            for _ in range(64):
                file.write(draw.randbytes(1 << 24))
        self.assertEqual(os.path.getsize(self.path("big")), 1 << 30)
        began = time.monotonic()
        self.assertEqual(self.sftp(machine, "put big far\nget far back\n")[0], 0)
        print(f"1 GiB there and back by sftp: {time.monotonic() - began:.1f} s")
        digests = {digest(self.path(name)) for name in ("big", "back")}
        digests.add(self.good(machine, "sha1sum far").split()[0].decode())
        self.assertEqual(len(digests), 1)


class LargeModelled(Large):
    kind = "modelled"


class Crowd(host_case.HostCase):
    """Many at once: 50 sessions on 20 machines, half of them files, half commands."""
    kind = "sandboxed"
    # At 500 times their price twenty machines would use up the usual credit, and stop, while a busy computer takes its time.
    scenario = {"name": "crowd", "account": {"credit_usd": 10000}}

    def test_fifty_sessions_on_twenty_machines(self):
        machines = [self.rent_running() for _ in range(20)]
        with open(self.path("file"), "wb") as file:
            file.write(os.urandom(300_000))
        sessions = []
        for number in range(50):
            machine = machines[number % len(machines)]
            if number % 2 == 0:
                words = ["scp", *self.options(machine, "-P"), self.path("file"), f"root@{machine.host}:file{number}"]
            else:
                words = self.ssh_line(machine, f"head -c 300000 /dev/zero; hostname >&2; exit {number}")
            sessions.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                             env=self.environment))
        for number, session in enumerate(sessions):
            out, err = session.communicate(timeout=host_case.PATIENCE_S)
            expected = 0 if number % 2 == 0 else number
            self.assertEqual((session.returncode, len(out)), (expected, 0 if number % 2 == 0 else 300000), err)
        for number in range(0, 50, 2):
            there = self.good(machines[number % len(machines)], f"cmp -s file{number} - && echo same", stdin=read(self.path("file")))
            self.assertEqual(there, b"same\n")


class ModelledCrowd(Crowd):
    kind = "modelled"


class Silence(host_case.HostCase):
    """Clients that are killed, and clients that are stopped, while commands and files are under way."""
    kind = "sandboxed"
    arguments = ("--ssh-keepalive-s", "1")
    much_output = "head -c 1000000000 /dev/zero"

    def wait_for_descriptors(self, wanted):
        """None: until they stay as they are, those of our own questions closed."""
        deadline, last = time.monotonic() + host_case.PATIENCE_S, None
        while True:
            now = len(os.listdir(f"/proc/{self.process.pid}/fd"))
            if now == (last if wanted is None else wanted):
                return now
            self.assertLess(time.monotonic(), deadline, (now, wanted))
            last = now
            select.select([], [], [], 0.1)

    def wait_for_ssh(self, **wanted):
        deadline = time.monotonic() + host_case.PATIENCE_S
        while not wanted.items() <= self.control("GET", "/v1/state")[1]["ssh"].items():
            self.assertLess(time.monotonic(), deadline)

    def test_a_client_that_vanishes_frees_everything(self):
        machine = self.rent_running()
        self.wait_for_ssh(connections=0, programs=0)
        before = self.wait_for_descriptors(None)
        for number in (signal.SIGKILL, signal.SIGSTOP):
            lines = [self.ssh_line(machine, "cat > /tmp/f"), self.ssh_line(machine, self.much_output),
                     ["sftp", "-q", *self.options(machine, "-P"), "root@" + machine.host]]
            clients = [subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=self.environment, start_new_session=True) for line in lines]
            self.wait_for_ssh(connections=3, programs=3)
            for client in clients:
                os.killpg(client.pid, number)
            self.wait_for_ssh(connections=0, programs=0)
            self.wait_for_descriptors(before)
            for client in clients:
                os.killpg(client.pid, signal.SIGKILL)
                client.communicate()
            # What waited for them on the machine has seen the end of its input, or that nobody reads.
            self.good(machine, "while pgrep -x cat || pgrep -x head || pgrep -f '[g]uest sftp-server'; do :; done >/dev/null")


class ModelledSilence(Silence):
    kind = "modelled"
    much_output = "head -c 10000000 /dev/zero"


class Without(host_case.fake_case.Case):
    """Where no sandbox can be."""
    kind = "modelled"

    def test_a_missing_bubblewrap_is_told_at_the_start(self):
        os.mkdir(self.path("bin"))
        self.environment["PATH"] = self.path("bin")
        run = self.run_fake("--host", "sandboxed", "--", "/bin/true")
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn("bubblewrap", run.stderr)
        self.assertIn("--host modelled", run.stderr)


def main():
    needed = [name for name in ("ssh", "scp", "sftp", "rsync", "ssh-keygen") if shutil.which(name) is None]
    if needed:
        sys.exit(f"missing: {', '.join(needed)}; install openssh-client and rsync")
    host_case.fake_case.settings["fake"] = os.path.abspath(sys.argv[2])
    if globals()[sys.argv[1]].kind == "sandboxed" and not host_case.can_sandbox():
        print("skipped: no sandboxes here")
        sys.exit(77)
    host_case.fake_case.main()


if __name__ == "__main__":
    main()
