#!/usr/bin/python3
"""The programs, run as a person runs them.

    programs.py GROUP DUMONT DUMONT_FAKE DUMONT_SIM    runs the tests of one class
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

PAGE_COLUMNS = 80
PHASE_TOLERANCE_S = 0.02
OVERSTRUCK = re.compile(".\x08")  # how groff prints bold text
PROGRAMS = {}  # name -> path, from the command line
SECRETS = {"VAST_API_KEY": "key-that-nobody-may-see", "B2_APPLICATION_KEY": "b2-that-nobody-may-see"}


class Outcome:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Case(unittest.TestCase):
    """A folder of its own as home and working folder, and no environment but what is said here."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dumont-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C.UTF-8", **SECRETS}

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def start(self, command, **more):
        run = subprocess.run(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, check=False,
                             stderr=subprocess.PIPE, timeout=120, **{"stdout": subprocess.PIPE, **more})
        outcome = Outcome(run.returncode, (run.stdout or b"").decode(), run.stderr.decode())
        for secret in SECRETS.values():
            self.assertNotIn(secret, outcome.out + outcome.err)
        return outcome

    def run_program(self, name, *arguments):
        return self.start([PROGRAMS[name], *arguments])

    def good(self, name, *arguments):
        """Runs to success; what it printed."""
        outcome = self.run_program(name, *arguments)
        self.assertEqual(outcome.status, 0, outcome.err)
        return outcome.out

    def refused(self, status, message, name, *arguments):
        """Ends with `status`, says a line that has `message`, and prints nothing."""
        outcome = self.run_program(name, *arguments)
        self.assertEqual((outcome.status, outcome.out), (status, ""), outcome.err)
        self.assertIn(message, outcome.err)
        first, *others = outcome.err.splitlines()
        self.assertTrue(first.startswith(name + ": "), outcome.err)
        self.assertTrue(len(others) <= 1 and all(line.startswith("  next: ") for line in others), outcome.err)
        return outcome.err


class EveryProgram(Case):
    def commands(self, program):
        """The program's commands, as its own completion lists them."""
        listed = re.search(r"local commands=\((.*)\)", self.good(program, "--print-completion")).group(1)
        return [name.split() for name in re.findall(r"'([^']*)'", listed)]

    def test_every_help_answers_in_80_columns(self):
        for program in PROGRAMS:
            commands = self.commands(program)
            self.assertTrue(commands)
            for command in [[], *commands]:
                with self.subTest(program=program, command=command):
                    text = self.good(program, *command, "--help")
                    self.assertTrue(text.startswith("Usage: " + program))
                    self.assertIn("--help", text)
                    for line in text.splitlines():
                        self.assertLessEqual(len(line), PAGE_COLUMNS, line)

    def test_every_program_has_the_same_version(self):
        versions = {self.good(program, "--version").replace(program + " ", "") for program in PROGRAMS}
        self.assertEqual(len(versions), 1)
        self.assertRegex(versions.pop(), r"^\d+\.\d+\.\d+\n$")

    def test_man_pages_render_without_a_warning(self):
        for program in PROGRAMS:
            page = self.write(program + ".1", self.good(program, "--print-man").encode())
            with open(page, encoding="utf-8") as file:
                self.assertIn(".SH NAME", file.read())
            if shutil.which("groff") is not None:
                shown = self.start(["groff", "-man", "-Tutf8", "-ww", page])
                self.assertEqual((shown.status, shown.err), (0, ""), program)
                for command in self.commands(program):
                    self.assertIn(" ".join(command), OVERSTRUCK.sub("", shown.out))

    def test_completions_are_bash_and_complete(self):
        for program in PROGRAMS:
            path = self.write(program, self.good(program, "--print-completion").encode())
            self.assertEqual(self.start(["bash", "-n", path]).status, 0)
            function = "_" + program.replace("-", "_")
            script = f'source "$1"; COMP_WORDS=({program} ""); COMP_CWORD=1; {function}; echo "${{COMPREPLY[@]}}"'
            words = self.start(["bash", "-c", script, "bash", path]).out.split()
            for command in self.commands(program):
                self.assertIn(command[0], words)
            self.assertIn("--help", words)

    def test_a_typo_is_a_usage_error_with_a_suggestion(self):
        for program in PROGRAMS:
            self.assertIn("did you mean --help?", self.refused(2, "unknown option --hlep", program, "--hlep"))
            for command in self.commands(program):
                wrong = command[-1][:-1] + "#"
                self.assertIn("did you mean", self.refused(2, "unknown command", program, *command[:-1], wrong))
                error = self.refused(2, "unknown option --hlep of " + " ".join(command), program, *command, "--hlep")
                self.assertIn("did you mean --help?", error)

    def test_output_that_cannot_be_written_is_said(self):
        for program in PROGRAMS:
            closed = self.start(["sh", "-c", 'exec "$0" --help >&-', PROGRAMS[program]])
            self.assertEqual(closed.status, 3)
            self.assertIn("standard output: ", closed.err)
            reader, writer = os.pipe()
            os.close(reader)
            broken = self.start([PROGRAMS[program], "--help"], stdout=writer)
            os.close(writer)
            self.assertEqual(broken.status, 3)
            self.assertIn("Broken pipe", broken.err)


class Dumont(Case):
    def setUp(self):
        super().setUp()
        self.environment["VAST_URL"] = "gopher://nowhere"  # whatever the options say, nothing is sent

    NETWORK = (["check"], ["destroy", "7"], ["reap"], ["run", "7", "true"], ["put", "7", "a", "b"], ["get", "7", "a"], ["status"])
    COMMON = ["--json", "--quiet", "--history", "h.jsonl", "--cacert", "ca.pem", "--live", "--max-usd", "0.5", "--yes", "--dry-run"]
    CHECK = ["--gpu", "RTX 4090", "--num-gpus", "2", "--max-price", "0.3", "--min-reliability", "0.95", "--min-inet-down", "100",
             "--disk-gb", "30", "--image", "ubuntu:22.04", "--limit", "5", "--report-dir", "report", "--status-poll-s", "2.5",
             "--ssh-retry-s", "3", "--ssh-attempt-s", "4", "--running-limit-s", "60", "--ssh-limit-s", "30", "--ssh-reuse"]

    def test_options_are_parsed(self):
        for command in self.NETWORK:
            self.refused(2, "VAST_URL: ", "dumont", *command, *self.COMMON)
        self.refused(2, "VAST_URL: ", "dumont", "check", *self.CHECK, *self.COMMON)
        self.refused(2, "VAST_URL: ", "dumont", "reap", "--grace-s", "5", "--known-only", *self.COMMON)
        self.refused(2, "--max-price: expected", "dumont", "check", "--max-price", "cheap")
        self.refused(2, "--max-usd: expected", "dumont", "check", "--max-usd=-1")
        self.refused(2, "too few arguments", "dumont", "destroy")
        for wrong in ("x", "1.5", "0", "-", "99999999999999999999"):
            self.refused(2, "number of a machine", "dumont", "destroy", wrong)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_command_is_asked_for(self):
        self.refused(2, "which command?", "dumont")
        self.refused(2, "which command of events?", "dumont", "events")

    def test_an_option_that_a_command_does_not_have_is_refused(self):
        self.refused(2, "unknown option --dry-run of record", "dumont", "record", "h.jsonl", "--dry-run")
        self.refused(2, "unknown option --markdown of check", "dumont", "check", "--markdown")


class DumontFake(Case):
    def test_wrong_options_are_refused(self):
        for message, arguments in (
                ("--speed: expected", ["--speed", "0"]),
                ("--vast-port: expected", ["--vast-port", "65536"]),
                ("--host: expected modelled or sandboxed", ["--host", "real"]),
                ("--tls-cert and --tls-key go together", ["--tls-cert", "c"]),
                ("not both", ["--scenario", "s", "--recording", "r"]),
                ('"nul-status" is no fault', ["--fault", "nul-status"]),
                ("null-status: nth: expected", ["--fault", "null-status:nth=x"]),
                ("--seed is no option of faults", ["--seed", "3", "faults"]),
                ("unknown command 'ls'", ["ls"])):
            self.refused(2, message, "dumont-fake", *arguments)
        self.assertIn("dumont-fake -- ls", self.refused(2, "unknown command", "dumont-fake", "ls"))

    def test_the_catalogue_is_listed_as_text_and_as_json(self):
        text = self.good("dumont-fake", "faults")
        catalogue = json.loads(self.good("dumont-fake", "faults", "--json"))
        self.assertEqual(catalogue, json.loads(self.good("dumont-fake", "--json", "faults")))
        self.assertTrue(catalogue["faults"])
        for fault in catalogue["faults"]:
            self.assertIn(f"\n{fault['id']} ({fault['layer']})\n", text)
            self.assertEqual(self.good("dumont-fake", "--fault", fault["id"], "--", "true"), "")
        for line in text.splitlines():
            self.assertLessEqual(len(line), PAGE_COLUMNS, line)


class EventsStore(Case):
    def setUp(self):
        super().setUp()
        self.database = self.path("store/events.sqlite")
        self.environment["DUMONT_DATABASE"] = "sqlite:" + self.database

    def fill(self):
        self.good("dumont", "events", "migrate")
        with sqlite3.connect(self.database) as connection:
            connection.execute("INSERT INTO webhook_configs (id, url, secret) VALUES (1, 'http://127.0.0.1/', 'hook-secret')")
            for row in (("a", "instance.created", 1767381138000000000, '{"instance_id":29434202}'),
                        ("b", "instance.ready", 1767381139000000000, '{"instance_id":29434202}'),
                        ("c", "odd\x1b[31m", 1767381140000000000, "no JSON")):
                connection.execute("INSERT INTO lifecycle_events VALUES (?, ?, ?, ?)", row)
            connection.execute("INSERT INTO webhook_deliveries (event_id, webhook_id, state, attempts) VALUES ('b', 1, 'pending', 0)")
        connection.close()

    def test_a_missing_table_names_its_cure(self):
        for json_too in ([], ["--json"]):
            error = self.refused(1, "no such table: lifecycle_events", "dumont", "events", "list", *json_too)
            self.assertIn("dumont events migrate", error)

    def test_the_second_migration_finds_nothing_to_do(self):
        self.assertEqual(self.good("dumont", "events", "migrate"), "applied events-0001-webhooks\napplied events-0002-dead-deliveries\n")
        self.assertIn("nothing to do", self.good("dumont", "events", "migrate"))
        self.assertEqual(json.loads(self.good("dumont", "events", "migrate", "--json")), {"applied": []})
        self.assertEqual(self.good("dumont", "events", "migrate", "--quiet"), "")

    def test_a_migration_is_told_as_json(self):
        told = json.loads(self.good("dumont", "events", "migrate", "--json"))
        self.assertEqual(told, {"applied": ["events-0001-webhooks", "events-0002-dead-deliveries"]})

    def test_the_default_store_lies_in_the_state_folder(self):
        del self.environment["DUMONT_DATABASE"]
        self.environment["DUMONT_STATE_DIR"] = self.path("state")
        self.good("dumont", "events", "migrate")
        self.assertTrue(os.path.exists(self.path("state/events.sqlite")))
        del self.environment["DUMONT_STATE_DIR"]
        self.good("dumont", "events", "migrate")
        self.assertTrue(os.path.exists(self.path(".local/state/dumont/events.sqlite")))

    def test_a_migrated_store_without_events_lists_none(self):
        self.good("dumont", "events", "migrate")
        self.assertEqual(self.good("dumont", "events", "list"), "")
        self.assertEqual(json.loads(self.good("dumont", "events", "list", "--json")), {"events": [], "deliveries": [], "spooled": []})

    def test_events_are_listed_the_newest_first(self):
        self.fill()
        events = json.loads(self.good("dumont", "events", "list", "--json"))["events"]
        self.assertEqual([event["event_id"] for event in events], ["c", "b", "a"])
        self.assertEqual(events[1], {"event_id": "b", "kind": "instance.ready", "created_at": "2026-01-02T19:12:19.000Z",
                                     "created_unix_ns": 1767381139000000000, "payload": {"instance_id": 29434202},
                                     "pending_deliveries": 1, "delivered_deliveries": 0, "dead_deliveries": 0})
        self.assertEqual(events[0]["payload"], "no JSON")
        newest = json.loads(self.good("dumont", "events", "list", "--json", "--limit", "1"))["events"]
        self.assertEqual(newest, events[:1])
        self.assertEqual(self.good("dumont", "events", "list").splitlines(), [
            "2026-01-02T19:12:20.000Z  odd?[31m",
            "2026-01-02T19:12:19.000Z  instance.ready  machine 29434202  1 to deliver",
            "2026-01-02T19:12:18.000Z  instance.created  machine 29434202"])
        self.assertNotIn("hook-secret", self.good("dumont", "events", "list", "--json"))

    def test_a_store_that_may_only_be_read_is_said_to_be_so(self):
        self.fill()
        # A superuser may write what nobody may; without these two capabilities, no more.
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        if command and self.start([*command, "true"]).status != 0:
            self.skipTest("a superuser who cannot give up that power writes anyway")
        os.chmod(self.database, 0o444)
        os.chmod(os.path.dirname(self.database), 0o555)
        self.addCleanup(os.chmod, os.path.dirname(self.database), 0o755)
        for arguments in (["migrate"], ["list"], ["list", "--json"]):
            outcome = self.start([*command, PROGRAMS["dumont"], "events", *arguments])
            self.assertEqual((outcome.status, outcome.out), (3, ""), outcome.err)
            message, advice = outcome.err.splitlines()
            self.assertIn("readonly database", message)
            self.assertTrue(advice.startswith("  next: "))

    def test_what_is_no_store_is_refused_without_its_url(self):
        for status, url in ((3, "postgresql://u:hidden-word@127.0.0.1:1/x"), (2, "postgresql://u:hid@den-word@h/x"), (2, "mysql://u:hidden-word@h/x")):
            self.environment["DUMONT_DATABASE"] = url
            self.assertNotIn("hidden-word", self.refused(status, "", "dumont", "events", "list"))
        self.environment["DUMONT_DATABASE"] = "sqlite:" + self.write("text", b"no database at all\n" * 100)
        self.refused(3, "not a database", "dumont", "events", "migrate")

    def test_nothing_is_printed_into_the_store_when_standard_output_is_closed(self):
        self.fill()
        outcome = self.start(["sh", "-c", 'exec "$0" events list >&- ', PROGRAMS["dumont"]])
        self.assertEqual(outcome.status, 3)
        self.assertEqual(len(json.loads(self.good("dumont", "events", "list", "--json"))["events"]), 3)


class HistoryFiles(Case):
    """Histories that dumont-sim writes are what dumont reads."""

    def rehearse(self, *arguments):
        """Runs, and returns what was printed; the history lies in h.jsonl."""
        return self.run_program("dumont-sim", "run", *arguments, "--history", "h.jsonl").out

    def test_a_record_of_a_history_replays_to_the_same_run(self):
        first = json.loads(self.rehearse("--json"))
        recorded = self.good("dumont", "record", "h.jsonl")
        self.assertEqual(self.good("dumont", "record", "h.jsonl", "-o", "r.json"), "")
        with open(self.path("r.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), recorded)
        second = json.loads(self.good("dumont-sim", "run", "--recording", self.path("r.json"), "--json"))
        self.assertEqual(len(first["phases"]), 8)
        self.assertEqual([phase["name"] for phase in second["phases"]], [phase["name"] for phase in first["phases"]])
        for one, other in zip(first["phases"], second["phases"]):
            self.assertAlmostEqual(one["seconds"], other["seconds"], delta=PHASE_TOLERANCE_S, msg=one["name"])
        self.assertAlmostEqual(first["total_seconds"], second["total_seconds"], delta=PHASE_TOLERANCE_S)

    def test_a_report_of_a_history_is_that_of_the_run(self):
        for scenario in ("seed-run", "stuck-loading"):
            self.assertEqual(self.rehearse(scenario), self.good("dumont", "report", "h.jsonl"))
            self.assertEqual(self.rehearse(scenario, "--json"), self.good("dumont", "report", "h.jsonl", "--json"))

    def test_a_report_folder_is_that_of_the_run(self):
        self.rehearse("--quiet", "--report-dir", "one")
        outcome = self.run_program("dumont", "report", "h.jsonl", "--quiet", "--report-dir", "two")
        self.assertEqual((outcome.status, outcome.out), (0, ""), outcome.err)
        self.assertEqual(sorted(os.listdir(self.path("one"))), sorted(os.listdir(self.path("two"))))
        for name in ("report.txt", "report.md", "report.json", "run.log", "history.jsonl"):
            with open(self.path("one/" + name), "rb") as one, open(self.path("two/" + name), "rb") as two:
                self.assertEqual(one.read(), two.read(), name)

    def test_a_report_may_be_markdown(self):
        self.rehearse()
        self.assertTrue(self.good("dumont", "report", "h.jsonl", "--markdown").startswith("# "))
        self.refused(2, "not both", "dumont", "report", "h.jsonl", "--markdown", "--json")

    def test_a_history_that_cannot_be_read_is_refused(self):
        for command in ("report", "record"):
            self.refused(2, "No such file", "dumont", command, "nowhere.jsonl")
            self.refused(2, "no regular file", "dumont", command, self.folder)
            self.write("empty", b"")
            self.refused(2, "empty: ", "dumont", command, "empty")

    def test_a_mistake_in_a_history_is_told_with_its_line(self):
        self.rehearse()
        with open(self.path("h.jsonl"), "rb") as file:
            lines = file.read().splitlines(keepends=True)
        for line, garbage in ((1, b"garbage\n"), (3, b"\x00\xff\n"), (len(lines), b"{}\n")):
            self.write("wrong.jsonl", b"".join([*lines[:line - 1], garbage, *lines[line:]]))
            for command in ("report", "record"):
                self.refused(2, f"wrong.jsonl: history line {line}: ", "dumont", command, "wrong.jsonl")

    def test_a_recording_goes_into_a_pipe_and_does_not_replace_it(self):
        self.rehearse()
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.good("dumont", "record", "h.jsonl", "--output", "pipe")
        self.assertEqual(os.read(reader, 1 << 20).decode(), self.good("dumont", "record", "h.jsonl"))

    def test_a_recording_that_cannot_be_written_is_said(self):
        self.rehearse()
        self.refused(3, "cannot write nowhere/r.json", "dumont", "record", "h.jsonl", "-o", "nowhere/r.json")
        outcome = self.run_program("dumont", "report", "h.jsonl", "--json", "--report-dir", "h.jsonl/x")
        self.assertEqual((outcome.status, json.loads(outcome.out)["outcome"]), (3, "done"))  # it is printed all the same
        self.assertIn("cannot make folder", outcome.err)

    def test_no_secret_is_in_a_history(self):
        self.rehearse()
        with open(self.path("h.jsonl"), encoding="utf-8") as file:
            text = file.read()
        for secret in SECRETS.values():
            self.assertNotIn(secret, text)


def main(usage):
    """Runs the class of the calling file that the command line names."""
    if len(sys.argv) != 5:
        sys.exit(usage)
    PROGRAMS.update(zip(("dumont", "dumont-fake", "dumont-sim"), map(os.path.abspath, sys.argv[2:])))
    unittest.main(argv=[sys.argv[0], sys.argv[1]])


if __name__ == "__main__":
    main(__doc__)
