#!/usr/bin/python3
"""dumont-fake around a command: what it is told, what is told of it, and how it all ends.

    GROUP DUMONT_FAKE    runs the tests of one class
"""

import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys

from fake_case import PATIENCE_S, Case, main, settings


class Told(Case):
    """Ready file, env file, history, statement."""

    def test_the_ready_file_has_its_members_and_is_secret(self):
        process = self.start("--env-file", "env.sh")
        self.assertEqual(set(self.ready), {"pid", "vast_url", "b2_url", "b2_bucket", "b2_key_id", "b2_key", "control_url", "api_key", "ssh_key",
                                           "clock"})
        self.assertEqual(self.ready["pid"], process.pid)
        for name in ("ready.json", "env.sh"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o600)
        for name in ("ssh_key", "clock"):
            self.assertEqual(stat.S_IMODE(os.stat(self.ready[name]).st_mode), 0o600)
            self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.ready[name])).st_mode), 0o700)
        self.assertRegex(self.ready["vast_url"], r"^http://127\.0\.0\.1:\d+$")
        self.assertEqual(self.good("GET", "/v1/state")["machines_left"], 0)
        self.assertEqual(self.stop(process)[0], 0)

    def test_a_shell_can_read_the_env_file(self):
        self.environment["DUMONT_STATE_DIR"] = self.path("it's; a $(folder)")
        self.start("--env-file", "env.sh")
        script = '. ./env.sh && printf "%s\\n" "$VAST_URL" "$VAST_API_KEY" "$DUMONT_SSH_KEY" "$DUMONT_CLOCK" "$DUMONT_CONTROL_URL" "$DUMONT_STATE_DIR"'
        told = subprocess.run(["sh", "-c", script], cwd=self.folder, env={"PATH": os.environ["PATH"]}, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.splitlines()
        self.assertEqual(told, [self.ready["vast_url"], self.ready["api_key"], self.ready["ssh_key"], self.ready["clock"],
                                self.ready["control_url"], self.environment["DUMONT_STATE_DIR"]])

    def test_the_ready_file_of_an_older_run_is_no_news(self):
        with open(self.path("ready.json"), "w", encoding="utf-8") as file:
            file.write("old")
        run = self.run_fake("--ready-file", "ready.json", "--vast-port", "1", "--", "true")
        if run.returncode == 3:  # nobody may listen on port 1, unless the tests run as root
            self.assertFalse(os.path.exists(self.path("ready.json")))

    def test_the_statement_tells_requests_machines_and_bill(self):
        process = self.start("--speed", "100")
        machine = self.rent("left behind")
        self.good("POST", "/v1/clock", {"advance_s": 3600})
        status, out, err = self.stop(process, signal.SIGINT)
        self.assertEqual((status, out), (0, ""))
        self.assertRegex(err, r"(?m)^  search +1  200$")
        self.assertRegex(err, rf"(?m)^  {machine} left behind, running, \$\d+\.\d{{4}} per hour$")
        self.assertRegex(err, r"(?m)^bill: \$0\.\d+ for 1 machine in \d+\.\d s; credit \$4\.\d+$")
        self.assertNotIn("bill: $0.0000", err)

    def test_the_statement_as_json(self):
        process = self.start("--json")
        machine = self.rent()
        status, out, err = self.stop(process)
        told = json.loads(out)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([row["id"] for row in told["machines_left"]], [machine])
        self.assertGreater(told["machines_left"][0]["usd_per_hour"], 0)
        self.assertEqual({row["endpoint"]: row["count"] for row in told["requests"]}, {"search": 1, "create": 1})
        self.assertEqual(set(told["bill"]), {"charged_usd", "credit_usd"})
        run = self.run_fake("--json", "--", "echo", "the command's own")
        self.assertEqual(run.stdout, "the command's own\n")
        self.assertEqual(json.loads(run.stderr)["machines_left"], [])

    def test_the_history_is_written_and_holds_no_secret(self):
        process = self.start("--history", "history.jsonl", "--speed", "100")
        self.ask("GET", "/api/v0/users/current/?api_key=" + self.ready["api_key"], headers={})
        self.rent(label=self.ready["api_key"])
        live = self.ask("GET", "/v1/history", url=self.ready["control_url"], headers={})
        self.assertEqual(live[1]["Content-Type"], "application/x-ndjson")
        journal = json.dumps(self.good("GET", "/v1/requests"))
        self.assertEqual(self.stop(process)[0], 0)
        with open(self.path("history.jsonl"), encoding="utf-8") as file:
            text = file.read()
        kinds = [json.loads(line)["kind"] for line in text.splitlines()]
        self.assertIn("cloud.effect", kinds)
        self.assertIn("inst.bill", kinds)
        for place in (text, journal, str(live[2])):
            self.assertNotIn(self.ready["api_key"], place)
        self.assertIn("[hidden]", journal)

    def test_a_history_that_cannot_be_written_is_said_first(self):
        run = self.run_fake("--history", "no/such/folder", "--", "touch", "ran")
        self.assertEqual(run.returncode, 3)
        self.assertIn("no/such/folder", run.stderr)
        self.assertFalse(os.path.exists(self.path("ran")))


class Command(Case):
    """What runs behind `--`."""

    def test_it_gets_its_environment_and_nothing_is_left(self):
        run = self.run_fake("--", "env")
        given = dict(line.split("=", 1) for line in run.stdout.splitlines())
        self.assertEqual(run.returncode, 0, run.stderr)
        for name in ("VAST_URL", "VAST_API_KEY", "DUMONT_SSH_KEY", "DUMONT_CLOCK", "DUMONT_STATE_DIR", "DUMONT_CONTROL_URL",
                     "DUMONT_DATABASE", "VASTAI_NO_UPDATE_CHECK"):
            self.assertTrue(given.get(name), name)
        self.assertTrue(given["DUMONT_DATABASE"].startswith("sqlite:" + self.temporary))
        self.assertTrue(given["DUMONT_STATE_DIR"].startswith(self.temporary))
        self.environment["DUMONT_STATE_DIR"] = self.path("mine")
        self.assertIn("DUMONT_STATE_DIR=" + self.path("mine"), self.run_fake("--", "env").stdout)

    def test_a_data_folder_is_kept_and_used_again(self):
        for turn in range(2):
            run = self.run_fake("--data", "kept/data", "--", "sh", "-c", 'ssh-keygen -y -f "$DUMONT_SSH_KEY"; echo "$DUMONT_DATABASE"; '
                                'ls "$DUMONT_STATE_DIR"; echo seen > "$DUMONT_STATE_DIR/seen"')
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn("sqlite:" + os.path.realpath(self.path("kept/data/events.sqlite")), run.stdout)
            self.assertEqual("seen" in run.stdout, turn == 1)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("kept/data")).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("kept/data/events.sqlite")).st_mode), 0o600)
        self.assertEqual(sorted(os.listdir(self.path("kept/data"))), ["b2", "events.sqlite", "id_ed25519", "state"])
        run = self.run_fake("--data", "/proc/no", "--", "touch", "ran")
        self.assertEqual(run.returncode, 3)
        self.assertIn("/proc/no", run.stderr)

    def test_the_key_is_for_ssh(self):
        run = self.run_fake("--", "sh", "-c", 'ssh-keygen -y -f "$DUMONT_SSH_KEY"')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout.startswith("ssh-ed25519 "))

    def test_its_status_is_ours(self):
        for status in (0, 1, 3, 7, 130):
            self.assertEqual(self.run_fake("--", "sh", "-c", f"exit {status}").returncode, status)
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            self.assertEqual(self.run_fake("--", "sh", "-c", f"kill -{number.value} $$").returncode, 128 + number.value)

    RENT = """
import json, os, sys, urllib.request
def ask(method, path, body):
    request = urllib.request.Request(os.environ["VAST_URL"] + path, json.dumps(body).encode(), method=method,
                                     headers={"Authorization": "Bearer " + os.environ["VAST_API_KEY"]})
    return json.load(urllib.request.urlopen(request))
offer = ask("POST", "/api/v0/bundles/", {"limit": 1})["offers"][0]["id"]
ask("PUT", f"/api/v0/asks/{offer}/", {"client_id": "me", "image": "i", "disk": 10})
sys.exit(int(sys.argv[1]))
"""

    def test_machines_left_are_9_when_it_says_0(self):
        for status, ours in ((0, 9), (8, 8), (1, 1)):
            run = self.run_fake("--speed", "100", "--", sys.executable, "-c", self.RENT, str(status))
            self.assertEqual(run.returncode, ours, run.stderr)
            self.assertIn("per hour", run.stderr)

    def test_what_cannot_be_started_is_3(self):
        for command in ("no-such-program-anywhere", self.folder, "./nothing"):
            run = self.run_fake("--", command)
            self.assertEqual((run.returncode, run.stdout), (3, ""))
            self.assertIn("cannot start " + command, run.stderr)

    def test_a_signal_is_passed_on_once_and_waited_for(self):
        script = 'trap "echo got; sleep 0.1; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
        for together in (False, True):
            process = subprocess.Popen([settings["fake"], "--", "sh", "-c", script], cwd=self.folder, env=self.environment, text=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            self.addCleanup(self.end, process)
            self.assertEqual(process.stdout.readline(), "ready\n")
            if together:  # as `timeout` does: the process, then its group
                process.send_signal(signal.SIGTERM)
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=PATIENCE_S)
            self.assertEqual((process.returncode, out), (5, "got\n"))
            self.assertIn("machines left: none", err)
            self.assertEqual(os.listdir(self.temporary), [])

    def test_ctrl_c_at_a_terminal_reaches_it_once(self):
        script = 'trap "echo got; sleep 0.1; exit 6" INT; echo ready; while :; do sleep 0.05; done'
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(settings["fake"], [settings["fake"], "--", "sh", "-c", script], self.environment)
        seen = b""
        pressed = False
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if b"ready" in seen and not pressed:
                pressed = True
                os.write(terminal, b"\x03")
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 6)
        self.assertEqual(seen.count(b"got"), 1)
        self.assertIn(b"machines left: none", seen)

    def test_it_does_not_outlive_us(self):
        process = subprocess.Popen([settings["fake"], "--", "sh", "-c", "echo up; exec sleep 1000"], cwd=self.folder, env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), "up\n")
        process.kill()
        self.assertEqual(process.stdout.read(), "")  # the command was the last that could write
        process.wait(timeout=PATIENCE_S)

    def test_a_port_in_use_is_3(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            for option in ("--vast-port", "--control-port"):
                run = self.run_fake(option, port, "--", "touch", "ran")
                self.assertEqual(run.returncode, 3)
                self.assertIn("127.0.0.1:" + port, run.stderr)
                self.assertFalse(os.path.exists(self.path("ran")))

    def test_input_that_cannot_be_read_is_2(self):
        with open(self.path("bad.json"), "w", encoding="utf-8") as file:
            file.write('{"name": "x",\n "sead": 3}')
        for arguments, message in ((["--scenario", "./none.json"], "none.json"), (["--scenario", "./bad.json"], "bad.json:2"),
                                   (["--recording", "none"], "none"), (["--offers", "./none.json"], "none.json"),
                                   (["--offers", "0"], "--offers"), (["--fault", "no-fault"], "no-fault")):
            run = self.run_fake(*arguments, "--", "touch", "ran")
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(message, run.stderr)
            self.assertFalse(os.path.exists(self.path("ran")))


if __name__ == "__main__":
    main()
