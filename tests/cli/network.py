#!/usr/bin/python3
"""The commands of dumont that use the network: what they refuse before they send anything, and what they do with answers.

    network.py GROUP DUMONT DUMONT_FAKE DUMONT_SIM    runs the tests of one class
"""

import json
import os
import pty
import resource
import select
import signal
import subprocess
import time

from programs import PROGRAMS, SECRETS, Case, main
from scripted_api import ScriptedApi

COMMANDS = (["check"], ["destroy", "7"], ["reap"], ["run", "7", "true"], ["put", "7", "a", "b"], ["get", "7", "a"], ["status"])
OURS = "dumont-check-0123456789abcdef-0"


class NetworkCase(Case):
    """A scripted API, a key, and an SSH key that nobody uses."""

    def setUp(self):
        super().setUp()
        self.api = ScriptedApi()
        self.addCleanup(self.api.close)
        made = subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path("key")], check=False)
        self.assertEqual(made.returncode, 0)
        self.environment.update(VAST_URL=self.api.url, DUMONT_SSH_KEY=self.path("key"), DUMONT_STATE_DIR=self.path("state"))

    def without(self, *names):
        for name in names:
            self.environment.pop(name, None)

    def nothing_was_sent(self):
        self.assertEqual(self.api.requests, [])


class NetworkRefusals(NetworkCase):
    def tearDown(self):
        self.nothing_was_sent()

    def test_urls_that_are_none_or_hold_secrets_are_refused(self):
        for url in ("127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://:80", "http://127.0.0.1:", "http://127.0.0.1:0", "http://127.0.0.1:65536",
                    "http://127.0.0.1:8x", "http://[::1", "http://[::g]", "http://user:hidden-word@127.0.0.1", "https://hidden-word@vast.ai",
                    "http://127.0.0.1/?api_key=hidden-word", "http://127.0.0.1/api/v0", "http://127.0.0.1#hidden-word",
                    "http://127.0.0.1\\@vast.ai", "http://127.0.0.1 ", "http://127.0.0.1\nHost: x", "http://" + "a" * 300, "http://.", "http://-x"):
            self.environment["VAST_URL"] = url
            for command in COMMANDS:
                with self.subTest(url=url, command=command):
                    self.assertNotIn("hidden-word", self.refused(2, "VAST_URL: ", "dumont", *command))

    def test_http_is_for_this_machine_alone(self):
        for host in ("vast.ai", "10.0.0.1", "0.0.0.0", "127.0.0.1.example", "localhost.example", "127.1", "[::2]", "[::ffff:10.0.0.1]"):
            self.environment["VAST_URL"] = f"http://{host}"
            self.refused(2, "in the clear", "dumont", "status")
            self.refused(2, "in the clear", "dumont", "status", "--live")

    def test_the_real_service_needs_live(self):
        for url in (None, "", "https://console.vast.ai", "https://10.0.0.1", "https://127.0.0.1.example:8443/"):
            self.without("VAST_URL")
            if url is not None:
                self.environment["VAST_URL"] = url
            for command in COMMANDS:
                error = self.refused(2, "--live was not given", "dumont", *command)
                self.assertIn("  next: rehearse with dumont-fake", error)

    def test_a_database_url_that_is_none_is_refused_before_anything_is_rented(self):
        for url in ("mysql://u:hidden-word@h/x", "postgresq://u:hidden-word@h/x", "postgresql:/u:hidden-word@h/x", "postgresql://u:hid@hidden-word@h/x",
                    "postgresql://u:hidden-word@h:port/x", "postgresql://u:hidden-word@h/x?nosuchoption=1", "sqlite:", "sqlite", "events.sqlite"):
            self.environment["DUMONT_DATABASE"] = url
            for arguments in ([], ["--live", "--max-usd", "1", "--yes"], ["--dry-run"]):
                error = self.refused(2, "DUMONT_DATABASE: ", "dumont", "check", *arguments)
                self.assertNotIn("hidden-word", error)
                self.assertIn("  next: write ", error)

    def test_live_refuses_the_clock_of_a_rehearsal(self):
        self.environment["DUMONT_CLOCK"] = self.path("clock")
        for command in COMMANDS:
            self.refused(2, "DUMONT_CLOCK", "dumont", *command, "--live", "--max-usd", "1", "--yes")

    def test_a_clock_page_that_is_none_is_refused(self):
        self.environment["DUMONT_CLOCK"] = self.path("nowhere")
        self.refused(2, "nowhere", "dumont", "status")

    def test_live_spends_nothing_without_a_limit(self):
        self.assertIn("--max-usd X", self.refused(2, "needs a limit", "dumont", "check", "--live", "--yes"))

    def test_live_asks_and_needs_somebody_to_ask(self):
        for command in (["check", "--max-usd", "1"], ["destroy", "7"]):
            self.assertIn("--yes", self.refused(2, "no terminal", "dumont", *command, "--live"))

    def test_without_a_key_nothing_is_sent(self):
        self.without("VAST_API_KEY")
        for command in COMMANDS:
            error = self.refused(4, "there is no API key", "dumont", *command)
            self.assertIn("  next: set VAST_API_KEY, or write the key to ~/.config/vastai/vast_api_key", error)
        self.environment["VAST_API_KEY"] = ""
        self.refused(4, "there is no API key", "dumont", "status")

    def test_a_key_that_cannot_be_one_is_refused_unseen(self):
        for key in ("two words-hidden", "line\nbreak-hidden", "x" * 200 + "hidden", "caf\u00e9-hidden", "\x7fhidden"):
            self.environment["VAST_API_KEY"] = key
            self.assertNotIn("hidden", self.refused(4, "VAST_API_KEY", "dumont", "status"))

    def test_a_key_file_that_is_empty_or_no_file_is_refused(self):
        self.without("VAST_API_KEY")
        os.makedirs(self.path(".config/vastai"))
        self.write(".config/vastai/vast_api_key", b" \n")
        self.refused(4, "vast_api_key is empty", "dumont", "status")
        os.remove(self.path(".config/vastai/vast_api_key"))
        os.makedirs(self.path(".vast_api_key"))
        self.refused(4, "key file cannot be read", "dumont", "status")

    def test_a_check_without_a_usable_ssh_key_is_refused(self):
        self.without("DUMONT_SSH_KEY")
        self.refused(3, "DUMONT_SSH_KEY is not set", "dumont", "check")
        self.write("text", b"no key at all\n")
        os.chmod(self.path("text"), 0o600)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "phrase", "-f", self.path("guarded")], check=True)
        os.chmod(self.path("key"), 0o644)
        for path, what in ((self.path("nowhere"), "No such file"), (self.folder, "no regular file"), (self.path("text"), "no private key"),
                           (self.path("guarded"), "passphrase"), (self.path("key"), "read by others")):
            self.environment["DUMONT_SSH_KEY"] = path
            self.assertIn(path, self.refused(3, what, "dumont", "check"))

    def test_what_cannot_be_written_is_found_out_first(self):
        self.write("file", b"")
        self.refused(3, "file/x", "dumont", "check", "--report-dir", "file/x")
        self.refused(3, "nowhere/h.jsonl", "dumont", "check", "--history", "nowhere/h.jsonl")
        self.environment["DUMONT_STATE_DIR"] = self.path("file/state")
        for command in COMMANDS:
            self.refused(3, "file/state", "dumont", *command)


class NetworkAnswers(NetworkCase):
    def test_authorities_that_cannot_be_read_are_refused(self):
        self.refused(2, "nowhere.pem", "dumont", "status", "--cacert", "nowhere.pem")

    def check(self, *arguments):
        return self.run_program("dumont", "check", "--status-poll-s", "0.01", *arguments)

    def test_the_key_comes_from_the_variable_then_the_files(self):
        os.makedirs(self.path(".config/vastai"))
        os.makedirs(self.path("xdg/vastai"))
        self.write(".vast_api_key", b"key-of-the-old-file\n")
        for name, content, key in ((None, None, "key-of-the-old-file"), (".config/vastai/vast_api_key", b"  key-of-the-file\r\n", "key-of-the-file"),
                                   ("xdg/vastai/vast_api_key", b"key-of-the-xdg-file", "key-of-the-xdg-file")):
            self.without("VAST_API_KEY")
            if name is not None:
                self.write(name, content)
                if name.startswith("xdg"):
                    self.environment["XDG_CONFIG_HOME"] = self.path("xdg")
            self.good("dumont", "status")
            self.assertEqual(self.api.requests[-1][1], "Bearer " + key)
        self.environment["VAST_API_KEY"] = SECRETS["VAST_API_KEY"]
        self.good("dumont", "status")
        self.assertEqual(self.api.requests[-1][1], "Bearer " + SECRETS["VAST_API_KEY"])

    def test_a_database_url_that_is_none_keeps_nobody_from_destroying(self):
        self.api.add(7, OURS)
        self.environment["DUMONT_DATABASE"] = "mysql://u:hidden-word@h/x"
        outcome = self.run_program("dumont", "destroy", "7")
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertEqual(self.api.machines, {})
        self.assertNotIn("hidden-word", outcome.out + outcome.err)
        self.assertIn("events store", outcome.out)  # one warning in the report

    def test_a_database_that_is_down_is_a_warning(self):
        for url in ("postgresql://u:hidden-word@127.0.0.1:1/x", "sqlite:/proc/nowhere/events.sqlite"):
            self.environment["DUMONT_DATABASE"] = url
            outcome = self.check("--dry-run")
            self.assertEqual(outcome.status, 0, outcome.err)
            self.assertNotIn("hidden-word", outcome.out + outcome.err)

    def test_the_status_of_an_empty_account(self):
        self.assertEqual(self.good("dumont", "status"), "0 machines, 0 of ours, $0.0000 per hour; credit $5.0000\n")
        told = json.loads(self.good("dumont", "status", "--json"))
        self.assertEqual(told, {"schema_version": 1, "machines": [], "ours": 0, "usd_per_hour": 0.0, "credit_usd": 5.0, "error": None})

    def test_the_status_lists_machines_and_keeps_null(self):
        self.api.add(7, OURS)
        self.api.add(8, None, actual_status=None, dph_total=0.3, gpu_name="odd\x1b[31m")
        text = self.good("dumont", "status")
        self.assertIn(OURS, text)
        self.assertIn("null", text)
        self.assertNotIn("\x1b", text)
        self.assertTrue(text.endswith("2 machines, 1 of ours, $0.5000 per hour; credit $5.0000, enough for 10.0 h\n"), text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)
        told = json.loads(self.good("dumont", "status", "--json"))
        self.assertEqual([(row["id"], row["actual_status"], row["ours"]) for row in told["machines"]], [(7, "running", True), (8, None, False)])
        self.assertAlmostEqual(told["usd_per_hour"], 0.5)

    def test_a_stopped_machine_costs_what_its_disk_bills(self):
        bills = {"totalHour": 0.005, "diskHour": 0.005, "gpuCostPerHour": 0}
        self.api.add(7, OURS, actual_status="exited", intended_status="stopped", instance=bills)
        self.api.add(8, None, actual_status="loading", intended_status="running", instance=bills)  # it will bill its GPU
        self.api.add(9, None, actual_status="exited", intended_status="stopped", instance=None)  # not known: rather too much
        told = json.loads(self.good("dumont", "status", "--json"))
        self.assertEqual([(row["actual_status"], row["usd_per_hour"]) for row in told["machines"]],
                         [("exited", 0.005), ("loading", 0.2), ("exited", 0.2)])
        self.assertRegex(self.good("dumont", "status"), r"exited +\$0\.0050 ")

    def test_a_wrong_key_is_said_and_changes_nothing(self):
        wrong = (401, '{"success":false,"error":"auth_error","msg":"Invalid user key"}')
        self.api.answers = {"": wrong}
        for command in COMMANDS:
            outcome = self.run_program("dumont", *command, "--json")
            self.assertEqual(outcome.status, 4, outcome.err)
            self.assertIn("Invalid user key", outcome.err)
            json.loads(outcome.out)
        self.assertEqual(self.api.lines("PUT ") + self.api.lines("DELETE "), [])

    def test_dry_runs_change_nothing(self):
        self.api.add(7, OURS)
        self.without("DUMONT_SSH_KEY")
        outcome = self.check("--dry-run")
        self.assertEqual((outcome.status, outcome.err), (0, ""))
        self.assertTrue(outcome.out.startswith("offer 501: 1 x RTX 4090 at $0.20 per hour, in Quebec, CA, reliability 0.9950\nworst case $0."))
        told = json.loads(self.check("--dry-run", "--json", "--max-usd", "2").out)
        self.assertEqual((told["outcome"], told["offer"]["id"], told["budget"]["cap_usd"]), ("done", 501, 2.0))
        self.assertIn("machine 7: RTX 4090, label " + OURS, self.good("dumont", "destroy", "7", "--dry-run"))
        self.good("dumont", "reap")
        self.good("dumont", "reap", "--yes", "--dry-run")
        self.assertEqual(self.api.lines("PUT ") + self.api.lines("DELETE "), [])

    def test_a_budget_that_could_be_exceeded_rents_nothing(self):
        for live in ([], ["--live", "--yes"]):
            outcome = self.check("--max-usd", "0.01", *live)
            self.assertEqual(outcome.status, 7, outcome.err)
            self.assertIn("--max-usd allows $0.01", outcome.err)
        self.assertEqual(self.api.lines("PUT "), [])

    def test_a_machine_that_does_not_come_is_destroyed_and_reported(self):
        outcome = self.check("--json", "--history", "h.jsonl", "--report-dir", "report")
        self.assertEqual(outcome.status, 1, outcome.err)
        report = json.loads(outcome.out)
        self.assertEqual((report["world"], report["error"]["code"], report["machines_left"]), ("sockets", "machine_exited", []))
        self.assertEqual(len(self.api.lines("DELETE /api/v0/instances/9001/")), 1)
        self.assertEqual(self.api.machines, {})
        self.assertIn("report.json", os.listdir(self.path("report")))
        for name in ("h.jsonl", "report/history.jsonl", "report/run.log", "report/report.txt"):
            with open(self.path(name), encoding="utf-8") as file:
                self.assertNotIn(SECRETS["VAST_API_KEY"], file.read())

    def test_a_price_that_rises_beyond_the_cap_ends_the_rental(self):
        def create(api, body):
            api.add(9001, json.loads(body)["label"], actual_status="loading", dph_total=3600.0)  # a dollar a second
            return 200, '{"success":true,"new_contract":9001}'
        self.api.answers = {"PUT ": create}
        outcome = self.check("--live", "--max-usd", "3", "--yes", "--json")
        self.assertEqual(outcome.status, 7, outcome.err)
        report = json.loads(outcome.out)
        self.assertEqual((report["error"]["code"], report["machines_left"]), ("budget", []))
        self.assertIn("price-moves", [seen["fault"] for seen in report["faults_seen"]])
        self.assertIn("--max-usd pays for no more but its removal", outcome.err)
        self.assertEqual(len(self.api.lines("DELETE /api/v0/instances/9001/")), 1)
        self.assertEqual(self.api.machines, {})

    def test_live_shows_what_it_rents(self):
        outcome = self.check("--live", "--max-usd", "1", "--yes")
        self.assertEqual(outcome.status, 1)
        self.assertIn("offer 501: ", outcome.err)
        self.assertIn("worst case $0.", outcome.err)
        self.assertEqual(len(self.api.lines("PUT ")), 1)
        self.assertEqual(self.api.machines, {})

    def test_a_report_that_cannot_be_written_at_the_end_is_said_after_the_machine_is_gone(self):
        def create(api, body):
            os.rmdir(self.path("report"))
            with open(self.path("report"), "wb"):
                pass
            del api.answers["PUT "]
            return api.find("PUT /api/v0/asks/501/", body)
        self.api.answers = {"PUT ": create}
        outcome = self.check("--report-dir", "report", "--json")
        self.assertEqual(outcome.status, 3, outcome.err)
        self.assertEqual(self.api.machines, {})
        self.assertEqual(json.loads(outcome.out)["machines_left"], [])  # it is printed all the same

    def test_a_closed_output_is_said_after_the_machine_is_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        outcome = self.start([PROGRAMS["dumont"], "check", "--json"], stdout=writer)
        os.close(writer)
        self.assertEqual(outcome.status, 3)
        self.assertIn("Broken pipe", outcome.err)
        self.assertEqual(self.api.machines, {})

    def test_a_full_disk_is_said_after_the_machine_is_gone(self):
        outcome = self.check("--history", "/dev/full")
        self.assertEqual(outcome.status, 3, outcome.err)
        self.assertIn("/dev/full", outcome.err)
        self.assertEqual(self.api.machines, {})

    def test_a_history_that_may_not_grow_is_said_after_the_machine_is_gone(self):
        most = 1 << 20
        self.write("history", b"\n" * most)
        outcome = self.start([PROGRAMS["dumont"], "check", "--status-poll-s", "0.01", "--history", "history"],
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
        self.assertEqual(outcome.status, 3, outcome.err)
        self.assertIn("File too large", outcome.err)
        self.assertEqual(self.api.machines, {})

    def test_destroy_touches_a_foreign_machine_with_yes_alone(self):
        self.api.add(7, "somebody's own")
        outcome = self.run_program("dumont", "destroy", "7")
        self.assertEqual(outcome.status, 2)
        self.assertIn("  next: add --yes", outcome.err)
        self.assertEqual(list(self.api.machines), [7])
        self.good("dumont", "destroy", "7", "--yes")
        self.assertEqual(self.api.machines, {})

    def test_a_label_that_only_begins_like_ours_is_somebody_elses(self):
        self.api.add(7, "dumont-foo")
        self.assertIn("only begins like ours", self.good("dumont", "reap", "--yes", "--grace-s", "0"))
        self.assertIn("1 machine, 0 of ours", self.good("dumont", "status"))
        outcome = self.run_program("dumont", "destroy", "7")
        self.assertEqual(outcome.status, 2)
        self.assertIn("does not bear a label of ours", outcome.err)
        self.assertEqual(list(self.api.machines), [7])

    def test_reap_shows_and_acts_when_told(self):
        self.api.add(7, OURS)
        self.api.add(8, "somebody's own")
        outcome = self.run_program("dumont", "reap")
        self.assertEqual(outcome.status, 0)
        self.assertIn("would-reap", outcome.out)
        self.assertIn("dumont reap --yes", outcome.err)
        shown = json.loads(self.good("dumont", "reap", "--json"))
        self.assertEqual([row["instance"] for row in shown["decisions"]], [7])
        self.good("dumont", "reap", "--yes", "--known-only")
        self.assertEqual(sorted(self.api.machines), [7, 8])
        self.good("dumont", "reap", "--yes", "--grace-s", "0.05")
        self.assertEqual(list(self.api.machines), [8])


class NetworkTerminal(NetworkCase):
    """With a terminal: questions and progress."""

    def converse(self, typed, *arguments):
        """Runs on a terminal of its own, types at the question, and returns status and all that was shown."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(PROGRAMS["dumont"], [PROGRAMS["dumont"], *arguments], self.environment)
        shown, deadline = b"", time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.5)[0]:
                continue
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
            if typed is not None and b"[y/N] " in shown:
                os.write(terminal, typed)
                typed = None
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(terminal)
        return status, shown.decode()

    def test_a_yes_rents_and_anything_else_does_not(self):
        arguments = ("check", "--live", "--max-usd", "1", "--quiet")
        for typed in (b"n\n", b"\n", b"\x04"):
            status, shown = self.converse(typed, *arguments)
            self.assertEqual(status, 1, shown)
            self.assertIn("nothing was done", shown)
        self.assertEqual(self.api.lines("PUT "), [])
        status, shown = self.converse(b"\x03", *arguments)
        self.assertEqual(status, 130, shown)
        self.assertEqual(self.api.lines("PUT "), [])
        status, shown = self.converse(b"y\n", *arguments)
        self.assertEqual(status, 1, shown)
        self.assertEqual(len(self.api.lines("PUT ")), 1)
        self.assertEqual(self.api.machines, {})

    def test_destroying_asks_with_live(self):
        self.api.add(7, OURS)
        self.assertEqual(self.converse(b"no\n", "destroy", "7", "--live")[0], 1)
        self.assertEqual(list(self.api.machines), [7])
        self.assertEqual(self.converse(b"yes\n", "destroy", "7", "--live")[0], 0)
        self.assertEqual(self.api.machines, {})

    def test_a_terminal_that_is_lost_at_the_question_rents_nothing(self):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(PROGRAMS["dumont"], [PROGRAMS["dumont"], "check", "--live", "--max-usd", "1", "--quiet"], self.environment)
        shown = b""
        while b"[y/N] " not in shown:
            self.assertTrue(select.select([terminal], [], [], 60)[0], shown)
            shown += os.read(terminal, 4096)
        os.close(terminal)
        # Nobody is there any more, or a signal says so: whichever comes first.
        self.assertIn(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), (1, 143))
        self.assertEqual(self.api.lines("PUT "), [])

    def test_progress_is_shown_on_a_terminal(self):
        shown = self.converse(None, "check")[1]
        for word in ("s  search_offers", "s  create_instance", "s  status exited", "s  destroy_instance"):
            self.assertIn(word, shown)
        self.assertNotIn("s  search_offers", self.converse(None, "check", "--quiet")[1])


class NetworkSignals(NetworkCase):
    """A machine that loads for ever, and a run that is ended from outside."""

    def setUp(self):
        super().setUp()
        self.api.answers = {"PUT ": self.create}

    @staticmethod
    def create(api, body):
        api.add(9001, json.loads(body)["label"], actual_status="loading")
        return 200, '{"success":true,"new_contract":9001}'

    def until(self, beginning, after=""):
        """Waits until such a request has come, behind the first of those that begin with `after`."""
        for _ in range(6000):
            lines = self.api.lines()
            first = next((i for i, line in enumerate(lines) if line.startswith(after)), 0)
            if any(line.startswith(beginning) for line in lines[first:]):
                return
            time.sleep(0.005)
        self.fail(f"no {beginning} among {self.api.lines()}")

    def begin(self, *arguments):
        run = subprocess.Popen([PROGRAMS["dumont"], "check", *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.until("PUT ")  # what comes late of an earlier run that was cut is not taken for this one's
        self.until("GET /api/v0/instances/", after="PUT ")
        return run

    def test_a_signal_ends_the_run_with_its_status_and_without_the_machine(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143), (signal.SIGQUIT, 143),
                               (signal.SIGUSR1, 143), (signal.SIGALRM, 143), (signal.SIGXCPU, 143)):
            self.api.requests.clear()
            run = self.begin("--json", "--report-dir", "report")
            run.send_signal(number)
            out, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, status, err)
            self.assertEqual(self.api.machines, {})
            report = json.loads(out)
            self.assertEqual((report["error"]["code"], report["exit_status"]), ("interrupted", status))
            self.assertEqual(len(self.api.lines("DELETE ")), 1)

    def test_a_reader_that_goes_away_does_not_end_the_run(self):
        run = self.begin()
        run.send_signal(signal.SIGPIPE)
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(timeout=60), 143)
        self.assertEqual(self.api.machines, {})

    def test_a_signal_that_is_ignored_from_the_start_stays_so(self):
        ignoring = subprocess.Popen(["sh", "-c", 'trap "" HUP USR1; exec "$0" check', PROGRAMS["dumont"]], cwd=self.folder, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(ignoring.communicate)
        self.until("GET /api/v0/instances/")
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGINT):
            ignoring.send_signal(number)
        self.assertEqual(ignoring.wait(timeout=60), 130)  # by the last alone
        self.assertEqual(self.api.machines, {})

    def test_a_crash_leaves_no_core_that_holds_the_key(self):
        run = self.begin()
        with open(f"/proc/{run.pid}/limits", encoding="utf-8") as file:
            self.assertRegex(file.read(), r"Max core file size +0 ")

    def test_a_lost_terminal_ends_the_run_without_the_machine(self):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(PROGRAMS["dumont"], [PROGRAMS["dumont"], "check"], self.environment)
        self.until("GET /api/v0/instances/")
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 143)
        self.assertEqual(self.api.machines, {})

    def test_a_key_that_may_not_destroy_leaves_a_machine_and_says_how_to_remove_it(self):
        self.api.answers["DELETE "] = (403, '{"success":false,"error":"auth_error","msg":"forbidden"}')
        run = self.begin("--json")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 8, err)
        self.assertEqual(err.decode().splitlines()[-1],
                         "dumont: a machine is left: 9001 at $0.2000 per hour; remove it: dumont destroy 9001")
        left, = json.loads(out)["machines_left"]
        self.assertEqual((left["id"], left["usd_per_hour"], left["command"]), (9001, 0.2, "dumont destroy 9001"))

    def test_a_killed_run_is_cleaned_up_by_reap_and_a_living_one_is_not(self):
        run = self.begin("--history", "h.jsonl")
        self.assertIn("alive", self.good("dumont", "reap", "--yes"))
        self.assertEqual(list(self.api.machines), [9001])
        run.kill()
        run.wait()
        self.good("dumont", "report", "h.jsonl")
        self.good("dumont", "reap", "--yes")
        self.assertEqual(self.api.machines, {})
        self.assertIn("None: nothing was found", self.good("dumont", "reap", "--yes"))

    def test_a_second_signal_cuts_and_says_what_is_left(self):
        self.api.answers["DELETE "] = (500, "")
        for number in (signal.SIGINT, signal.SIGQUIT):
            self.api.requests.clear()
            run = self.begin()
            run.send_signal(number)
            self.until("DELETE ")
            run.send_signal(number)
            _, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 8, err)
            self.assertIn("dumont destroy 9001", err.decode().splitlines()[-1])


if __name__ == "__main__":
    main(__doc__)
