#!/usr/bin/python3
"""The client's own work on machines: run, put and get, over sockets against dumont-fake.

    transfer.py GROUP DUMONT DUMONT_FAKE DUMONT_SIM    runs the tests of one class
"""

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


if __name__ == "__main__":
    main(__doc__)
