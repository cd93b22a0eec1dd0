#!/usr/bin/python3
"""The client's own work on machines: run, put and get, over sockets against dumont-fake.

    transfer.py GROUP DUMONT DUMONT_FAKE DUMONT_SIM    runs the tests of one class
"""

import hashlib
import json
import os
import signal
import subprocess
import time
import urllib.request

from programs import PROGRAMS, Case, main

SPEED = 20
BOOT_S = 400
PATIENCE_S = 60


class MachineCase(Case):
    """The fake cloud, running beside, and one machine in it that runs."""

    HOST = "modelled"
    MORE = ()  # options of the fake

    def setUp(self):
        super().setUp()
        command = [PROGRAMS["dumont-fake"], "--speed", str(SPEED), "--host", self.HOST, "--ready-file", "ready.json", *self.MORE]
        self.fake = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(self.fake.stderr.close)
        self.addCleanup(self.fake.wait)
        self.addCleanup(self.fake.terminate)
        self.ready = self.wait_for_stage()
        self.environment.update(VAST_URL=self.ready["vast_url"], VAST_API_KEY=self.ready["api_key"], DUMONT_SSH_KEY=self.ready["ssh_key"],
                                DUMONT_CLOCK=self.ready["clock"], DUMONT_STATE_DIR=self.path("state"))
        self.machine = self.rent()
        self.wait_until_it_runs()

    def wait_for_stage(self):
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(self.path("ready.json")):
            if self.fake.poll() is not None:
                self.skipTest("dumont-fake does not start: " + self.fake.stderr.read().decode())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        with open(self.path("ready.json"), encoding="utf-8") as file:
            return json.load(file)

    def ask(self, method, path, body=None, url=None):
        request = urllib.request.Request((url or self.ready["vast_url"]) + path, method=method, headers={
            "Authorization": "Bearer " + self.ready["api_key"], "Content-Type": "application/json"})
        with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=PATIENCE_S) as reply:
            return json.load(reply)

    def control(self, method, path, body=None):
        return self.ask(method, path, body, self.ready["control_url"])

    def rent(self):
        offer = self.ask("POST", "/api/v0/bundles/", {"limit": 1})["offers"][0]
        body = {"client_id": "me", "image": "ubuntu:22.04", "disk": 20, "runtype": "ssh_direct"}
        return str(self.ask("PUT", f"/api/v0/asks/{offer['id']}/", body)["new_contract"])

    def status_of_machine(self):
        return self.ask("GET", f"/api/v0/instances/{self.machine}/")["instances"]["actual_status"]

    def wait_until_it_runs(self):
        deadline = time.monotonic() + PATIENCE_S
        self.control("POST", "/v1/clock", {"advance_s": BOOT_S})
        while self.status_of_machine() != "running":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(self.run_it("true").returncode, 0)  # its sshd is there, too

    def command(self, name, *words):
        return [PROGRAMS["dumont"], name, self.machine, *words]

    def run_it(self, *words, options=(), given=b""):
        """dumont run; outputs as bytes."""
        return subprocess.run(self.command("run", *options, "--", *words), cwd=self.folder, env=self.environment, input=given, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)

    def prints(self, words, out):
        run = self.run_it(*words)
        self.assertEqual((run.returncode, run.stdout), (0, out), run.stderr)


class Run(MachineCase):
    def test_arguments_arrive_as_they_are_given(self):
        words = ["a b", "c'd", 'e"f', "$HOME", "`id`", "*", "back\\slash", "new\nline", "ünïcödé ☃", "", "-n", "#", "~", "&", ";"]
        self.prints(["printf", "%s|", *words], "".join(word + "|" for word in words).encode())

    def test_one_word_is_a_line_for_the_shell(self):
        self.prints(["x=3; echo $((x + 4)) | cat"], b"7\n")

    def test_the_status_is_the_commands_own(self):
        for status in (0, 1, 2, 3, 8, 100, 127, 130, 254, 255):
            run = self.run_it(f"exit {status}")
            self.assertEqual((run.returncode, run.stdout, run.stderr), (status, b"", b""))

    def test_both_outputs_arrive_apart(self):
        run = self.run_it("echo out; echo err >&2; exit 3")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (3, b"out\n", b"err\n"))

    def test_input_and_output_are_bytes_of_any_number(self):
        for size in (0, 1, 65536, 3000001):
            data = os.urandom(size)
            run = self.run_it("cat", given=data)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            self.assertTrue(run.stdout == data, size)

    def test_a_command_that_reads_nothing_does_not_wait_for_the_end_of_input(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        run = subprocess.run(self.command("run", "--", "echo", "hi"), cwd=self.folder, env=self.environment, stdin=reader, check=False,
                             stdout=subprocess.PIPE, timeout=PATIENCE_S)
        os.close(reader)
        self.assertEqual((run.returncode, run.stdout), (0, b"hi\n"))

    def test_json_holds_both_outputs(self):
        run = self.run_it("echo out; echo err >&2; cat; exit 3", options=["--json"], given=b"in")
        told = json.loads(run.stdout)
        self.assertEqual((run.returncode, run.stderr), (3, b""))
        self.assertGreater(told.pop("seconds"), 0)
        self.assertEqual(told, {"schema_version": 1, "exit_status": 3, "stdout": "out\nin", "stdout_cut": False, "stderr": "err\n",
                                "stderr_cut": False, "error": None})

    def test_a_command_that_takes_too_long_is_ended(self):
        run = self.run_it("sleep 1000", options=["--limit-s", "3"])
        self.assertEqual(run.returncode, 6)
        self.assertIn(b"had not ended in time", run.stderr)
        told = json.loads(self.run_it("sleep 1000", options=["--limit-s", "3", "--json"]).stdout)
        self.assertEqual((told["exit_status"], told["error"]["code"]), (None, "deadline"))

    def test_an_interrupt_ends_it(self):
        run = subprocess.Popen(self.command("run", "--", "sleep 100000"), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=PATIENCE_S)
        self.assertEqual(run.returncode, 130, err)

    def test_a_connection_that_breaks_is_told_from_a_command_that_fails(self):
        self.control("PUT", "/v1/faults/ssh-drop-mid-command", {"nth": 1})
        run = self.run_it("echo once >> /root/ran; echo done")
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"broke while the command ran", run.stderr)
        self.prints(["cat", "/root/ran"], b"once\n")

    def test_a_machine_that_cannot_be_reached_is_told_by_name(self):
        def refused(status, code, machine):
            run = subprocess.run([PROGRAMS["dumont"], "run", machine, "--json", "--", "true"], cwd=self.folder, env=self.environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)
            self.assertEqual((run.returncode, json.loads(run.stdout)["error"]["code"]), (status, code), run.stderr)
        refused(1, "machine_gone", "5")
        refused(1, "machine_not_running", self.rent())

    def test_a_dry_run_runs_nothing(self):
        run = self.run_it("touch /root/ran", options=["--dry-run"])
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(self.machine.encode(), run.stdout)
        self.assertEqual(self.run_it("test -e /root/ran").returncode, 1)

    def test_the_text_of_a_command_stays_out_of_the_history(self):
        run = self.run_it("echo hidden-word", options=["--history", "h.jsonl"], given=b"")
        self.assertEqual(run.stdout, b"hidden-word\n")
        with open(self.path("h.jsonl"), encoding="utf-8") as file:
            self.assertNotIn("hidden-word", file.read())

    def test_output_that_nobody_takes_ends_it(self):
        reader, writer = os.pipe()
        run = subprocess.Popen(self.command("run", "--", "seq 1 1000000"), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                               stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        os.close(reader)
        _, err = run.communicate(timeout=PATIENCE_S)
        self.assertEqual(run.returncode, 3, err)

    def test_a_slow_reader_gets_all_of_it(self):
        run = subprocess.Popen(self.command("run", "--", "seq 1 1000000"), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
        time.sleep(0.5)
        out = run.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(run.returncode, 0)
        self.assertTrue(out == "".join(f"{n}\n" for n in range(1, 1000001)).encode())


class RunSandboxed(MachineCase):
    """Real processes: what comes comes as it is written, and what is interrupted ends."""

    HOST = "sandboxed"

    def test_output_comes_as_it_is_written(self):
        run = subprocess.Popen(self.command("run", "--", 'while read x; do echo "got $x"; done'), cwd=self.folder, env=self.environment,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for word in (b"one\n", b"two\n"):
            run.stdin.write(word)
            run.stdin.flush()
            self.assertEqual(run.stdout.readline(), b"got " + word)
        run.communicate(timeout=PATIENCE_S)
        self.assertEqual(run.returncode, 0)

    def test_what_is_interrupted_ends_on_the_machine_too(self):
        run = subprocess.Popen(self.command("run", "--", "echo here; exec sleep 4321"), cwd=self.folder, env=self.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.stdout.readline(), b"here\n")
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=PATIENCE_S)
        self.assertEqual(run.returncode, 143, err)
        deadline = time.monotonic() + PATIENCE_S
        while self.run_it("pgrep -f 'sleep 432[1]'").returncode == 0:
            self.assertLess(time.monotonic(), deadline)

    def test_a_signal_of_its_own_is_its_status(self):
        self.assertEqual(self.run_it("kill -9 $$").returncode, 137)

    def test_input_that_is_not_wanted_does_not_keep_it(self):
        run = self.run_it("head -c 10", given=b"y\n" * 1000000)
        self.assertEqual((run.returncode, run.stdout), (0, b"y\n" * 5))


AWKWARD = ["with blank", "quote'quote", 'double"quote', "new\nline", "ünïcödé ☃", "-dash", "$HOME", "star*", "back\\slash", "semi;colon",
           " leading", "tab\tname", "a" * 230]


class CopyCase(MachineCase):
    """Files here and there."""

    def copy(self, name, *words, status=0):
        """dumont put or get with --json: what it told."""
        run = subprocess.run(self.command(name, "--json", "--", *words), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)
        self.assertEqual(run.returncode, status, (run.stdout, run.stderr))
        return json.loads(run.stdout)

    def make(self, name, size, mode=0o640, when=1700000000):
        data = os.urandom(size)
        self.write(name, data)
        os.chmod(self.path(name), mode)
        os.utime(self.path(name), (when, when))
        return data

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def remote_digest(self, name):
        return self.run_it(f"sha256sum < {name}").stdout.decode()[:64]

    def left_behind(self):
        """Parts, here and on the machine."""
        here = [name for name in os.listdir(self.folder) if name.startswith(".dumont-")]
        there = self.run_it("ls -a /root").stdout.decode().split()
        return here + [name for name in there if name.startswith(".dumont-")]


class Copy(CopyCase):
    def test_files_of_any_size_go_there_and_back(self):
        for size in (0, 1, 8 * 1024 * 1024, 10000000):
            data = self.make("there", size)
            told = self.copy("put", "there", "/root/copy")
            file = told["files"][0]
            self.assertEqual((told["error"], file["done"], file["bytes"], file["attempts"]), (None, True, size, 1))
            self.assertEqual(file["sha256"], hashlib.sha256(data).hexdigest())
            self.assertEqual(self.remote_digest("/root/copy"), file["sha256"])
            self.assertEqual(self.copy("get", "/root/copy", "back")["files"][0]["sha256"], file["sha256"])
            self.assertTrue(self.read("back") == data)
        self.assertEqual(self.left_behind(), [])

    def test_mode_and_time_are_kept(self):
        self.make("file", 10, mode=0o750, when=1577934245)
        self.copy("put", "file", "/root/")
        self.prints(["stat -c '%a %Y' /root/file"], b"750 1577934245\n")
        self.copy("get", "/root/file", "back")
        status = os.stat(self.path("back"))
        self.assertEqual((status.st_mode & 0o7777, int(status.st_mtime)), (0o750, 1577934245))

    def test_awkward_names_survive(self):
        contents = {name: self.make(name, 20 + nth) for nth, name in enumerate(AWKWARD)}
        os.mkdir(self.path("back"))
        self.prints(["mkdir", "-p", "/root/in to"], b"")
        self.assertEqual(len(self.copy("put", *AWKWARD, "/root/in to")["files"]), len(AWKWARD))
        for name, data in contents.items():
            self.copy("get", "/root/in to/" + name, "back")
            self.assertEqual(self.read("back/" + name), data)

    def test_names_that_begin_with_a_dash_are_no_options(self):
        data = self.make("-rf", 5)
        self.copy("put", "-rf", "-rf")
        os.remove(self.path("-rf"))
        self.copy("get", "-rf")
        self.assertEqual(self.read("-rf"), data)

    def test_what_is_there_already_is_not_sent_again(self):
        self.make("file", 100000)
        self.assertEqual(self.copy("put", "file", "/root/file")["files"][0]["transferred_bytes"], 100000)
        os.chmod(self.path("file"), 0o600)
        self.assertEqual(self.copy("put", "file", "/root/file")["files"][0]["transferred_bytes"], 0)
        self.prints(["stat", "-c", "%a", "/root/file"], b"600\n")

    def test_a_former_target_is_replaced_at_once(self):
        self.make("old", 500)
        data = self.make("new", 300)
        self.copy("put", "old", "/root/file")
        self.copy("put", "new", "/root/file")
        self.assertEqual(self.remote_digest("/root/file"), hashlib.sha256(data).hexdigest())
        self.copy("get", "/root/file", "old")
        self.assertEqual(self.read("old"), data)

    def test_a_part_that_is_the_beginning_is_gone_on_from(self):
        """A part is made here as a broken run leaves it; one with another content is not used."""
        data = self.make("file", 300000)
        name = ".dumont-" + hashlib.sha256(hashlib.sha256(data).hexdigest().encode() + b"copy").hexdigest()[:16]
        for part, resumed in ((data[:100000], 100000), (data, 300000), (b"x" * 100, 0), (data + b"more", 0), (b"", 0)):
            self.assertEqual(self.run_it(f"rm -f /root/copy; cat > /root/{name}", given=part).returncode, 0)
            file = self.copy("put", "file", "/root/copy")["files"][0]
            self.assertEqual((file["resumed_from"], file["transferred_bytes"]), (resumed, 300000 - resumed))
            self.assertEqual(self.remote_digest("/root/copy"), file["sha256"])
            with open(self.path(name), "wb") as beginning:
                beginning.write(part)
            file = self.copy("get", "/root/copy", "copy")["files"][0]
            self.assertEqual((file["resumed_from"], file["transferred_bytes"]), (resumed, 300000 - resumed))
            self.assertTrue(self.read("copy") == data)
        self.assertEqual(self.left_behind(), [])

    def test_a_broken_connection_is_gone_on_from(self):
        data = self.make("file", 10000000)
        for nth in (1, 2, 3, 4):
            self.control("PUT", "/v1/faults/ssh-drop-mid-command", {"nth": nth, "count": 1})
            self.assertEqual(self.run_it("rm -f /root/copy").returncode in (0, 1), True)
            file = self.copy("put", "file", "/root/copy")["files"][0]
            self.assertEqual(self.remote_digest("/root/copy"), hashlib.sha256(data).hexdigest())
            self.control("PUT", "/v1/faults/ssh-drop-mid-command", {"nth": nth, "count": 1, "bytes": 1000})
            self.copy("get", "/root/copy", f"back{nth}")
            self.assertTrue(self.read(f"back{nth}") == data)
            self.control("DELETE", "/v1/faults/ssh-drop-mid-command")
            self.assertTrue(file["done"])
        self.assertEqual(self.left_behind(), [])

    def test_a_full_disk_is_told_by_name_and_nothing_is_left_on_it(self):
        left = "$(df -B1 --output=avail / | tail -n 1)"
        self.assertEqual(self.run_it(f"fallocate -l $(({left} - 20000000)) /root/filler").returncode, 0)
        self.make("big", 30000000)
        told = self.copy("put", "big", "/root/big", status=1)
        self.assertEqual(told["error"]["code"], "disk_full")
        self.assertEqual(self.left_behind(), [])

    def test_what_cannot_be_copied_is_told(self):
        self.make("file", 10)
        self.assertEqual(self.copy("put", "nothing", "/root/", status=2)["error"]["code"], "input_unreadable")
        self.assertEqual(self.copy("put", "file", "/nowhere/file", status=1)["error"]["code"], "command_failed")
        self.assertEqual(self.copy("put", "file", "file", "/root/file", status=1)["error"]["code"], "command_failed")
        self.assertEqual(self.copy("get", "/root/nothing", status=1)["error"]["code"], "command_failed")
        self.assertIn("folder", self.copy("get", "/root", status=1)["error"]["message"])
        self.assertEqual(self.copy("get", "/root/.vast_api_key", "nowhere/x", status=3)["error"]["code"], "cannot_write")

    def test_two_at_once_do_not_disturb_each_other(self):
        data = self.make("file", 3000000)
        self.copy("put", "file", "/root/source")
        runs = [subprocess.Popen(self.command(name, *words), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                for name, *words in (("put", "file", "/root/one"), ("put", "file", "/root/two"), ("get", "/root/source", "three"),
                                     ("get", "/root/source", "four"))]
        for run in runs:
            _, err = run.communicate(timeout=PATIENCE_S)
            self.assertEqual(run.returncode, 0, err)
        self.assertEqual({self.remote_digest("/root/one"), self.remote_digest("/root/two")}, {hashlib.sha256(data).hexdigest()})
        self.assertTrue(self.read("three") == data and self.read("four") == data)


class CopySandboxed(CopyCase):
    """Real tools on the machine, and a client that is killed in the middle."""

    HOST = "sandboxed"

    def test_files_of_any_size_go_there_and_back(self):
        for size in (0, 1, 10000000):
            data = self.make("there", size)
            self.copy("put", "there", "/root/it's a copy")
            self.copy("get", "/root/it's a copy", "back")
            self.assertTrue(self.read("back") == data)
        self.assertEqual(self.left_behind(), [])

    def test_after_a_kill_the_next_run_goes_on(self):
        data = self.make("file", 60000000)
        for name, words in (("put", ("file", "/root/copy")), ("get", ("/root/copy", "back"))):
            run = subprocess.Popen(self.command(name, "--history", name + ".jsonl", *words), cwd=self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + PATIENCE_S
            while not os.path.exists(self.path(name + ".jsonl")) or b"transfer.progress" not in self.read(name + ".jsonl"):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.002)
            run.kill()
            run.wait()
            file = self.copy(name, *words)["files"][0]
            self.assertGreater(file["resumed_from"], 0)
            self.assertLess(file["transferred_bytes"], len(data))
        self.assertTrue(self.read("back") == data)
        self.assertEqual(self.left_behind(), [])


if __name__ == "__main__":
    main(__doc__)
