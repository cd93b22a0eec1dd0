#!/usr/bin/python3
"""dumont store in trouble: disks that are full, files that change, signals, keys that may little, stores that are not there.

    hardship.py CLASS DUMONT_FAKE DUMONT
"""

import json
import os
import signal
import socket
import subprocess
import threading
import unittest

from client_case import (AUTHENTICATION, BUDGET, DONE, ENVIRONMENT, FAILED, INTERRUPTED, PART, PATIENCE_S, Between, Client, main, pattern, sha1)


class Hardship(Between):
    """At a byte of the transfer something happens."""

    def setUp(self):
        super().setUp()
        self.begin_between("--speed", "20")
        self.data = pattern(3 * PART + 7, 1)
        self.file("source", self.data)

    def meanwhile(self, way, count, action, *arguments):
        """Runs a command; `action(process)` happens when that many bytes have gone that way. Status, and what it said."""
        started, happened, process = threading.Event(), threading.Event(), None

        def act():
            started.wait()
            action(process)
            happened.set()

        self.relay.stop_at(way, count, act)
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.set()
        out, errors = process.communicate(timeout=4 * PATIENCE_S)
        self.assertTrue(happened.is_set(), "the transfer was over before")
        return process.returncode, out, errors

    def put(self, *more):
        return ("put", "source", "name", "--part-bytes", str(PART), "--parallel", "2", "--json", *more)

    def test_a_file_that_changes_while_it_is_put_is_not_stored(self):
        def grow(_process):
            with open(self.path("source"), "ab") as file:
                file.write(b"more")

        def shrink(_process):
            os.truncate(self.path("source"), PART)

        def rewrite(_process):
            self.file("source", bytes(len(self.data)))

        for change in (grow, shrink, rewrite):
            for name in ("source", "small"):
                with self.subTest(change=change.__name__, name=name):
                    self.file("source", self.data if name == "source" else self.data[:PART])
                    if name == "small" and change is shrink:
                        continue
                    status, out, errors = self.meanwhile("up", PART // 2, change, *self.put())
                    self.assertEqual(status, FAILED, errors)
                    self.assertEqual(json.loads(out)["error"]["code"], "source_changed")
                    self.assertEqual((self.names(), self.unfinished()), ([], []))

    def test_a_target_is_filled_by_one_process_at_a_time(self):
        self.run_store("put", "source", "name")
        said = []

        def another(_process):
            direct = {**self.environment, "DUMONT_B2_URL": self.ready["b2_url"]}
            run = subprocess.run(self.command("get", "name", "target", "--json"), cwd=self.folder, env=direct, stdin=subprocess.DEVNULL,
                                 check=False, capture_output=True, timeout=PATIENCE_S)
            said.append((run.returncode, json.loads(run.stdout)["error"]["code"]))

        status, _, errors = self.meanwhile("down", PART, another, "get", "name", "target", "--part-bytes", str(PART))
        self.assertEqual(status, DONE, errors)
        self.assertEqual(said, [(ENVIRONMENT, "state_locked")])
        self.assertEqual(self.read("target"), self.data)
        self.assertEqual(self.left_beside("target"), [])

    def test_a_signal_ends_each_command_and_says_so(self):
        self.run_store("put", "source", "name")
        self.file("target", b"what was there")
        commands = (("ls",), ("usage",), ("sweep",), ("rm", "other"), ("put", "source", "other"), ("get", "name", "target"))
        for way, count in (("up", 1), ("down", 1), ("up", 600)):
            for command in commands:
                with self.subTest(command=command[0], way=way, count=count):
                    status, out, errors = self.meanwhile(way, count, lambda process: process.send_signal(signal.SIGINT), *command, "--json")
                    self.assertEqual(status, INTERRUPTED, errors)
                    self.assertEqual(json.loads(out)["error"]["code"], "interrupted")
        self.assertEqual([name for _, name in self.names()], ["name"])
        self.assertEqual(self.read("target"), b"what was there")
        self.assertEqual(self.left_beside("target"), [])

    @unittest.skipIf(os.geteuid() != 0, "mounts a small file system")
    def test_a_disk_that_is_full_is_named(self):
        self.run_store("put", "source", "name")
        os.mkdir(self.path("narrow"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.path("narrow")], check=True)
        try:
            answer = self.told("get", "name", "narrow/target", status=ENVIRONMENT)
            self.assertEqual(answer["error"]["code"], "cannot_write")
            for word in ("narrow/target", "No space left"):
                self.assertIn(word, answer["error"]["message"])
            self.assertEqual((answer["bytes_fetched"], os.listdir(self.path("narrow"))), (0, []))
        finally:
            subprocess.run(["umount", self.path("narrow")], check=True)

    def test_a_store_that_is_not_there_is_named_soon(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        answer = self.told("ls", status=FAILED, DUMONT_B2_URL=f"http://127.0.0.1:{port}")
        self.assertEqual(answer["error"]["code"], "connection_refused")

    def test_a_key_does_what_it_may(self):
        self.run_store("put", "source", "a")
        rights = {"listFiles": ("ls", "usage"), "readFiles": ("get",), "writeFiles": ("put", "hide"), "deleteFiles": ()}
        commands = {"ls": ("ls",), "usage": ("usage",), "get": ("get", "a", "target"), "put": ("put", "source", "b"),
                    "hide": ("rm", "--hide", "b")}
        self.authorize()
        for capability, allowed in rights.items():
            status, key = self.call("b2_create_key", accountId=self.account, keyName="narrow", capabilities=[capability], bucketId=self.bucket)
            self.assertEqual(status, 200, key)
            narrow = {"B2_APPLICATION_KEY_ID": key["applicationKeyId"], "B2_APPLICATION_KEY": key["applicationKey"]}
            for name, command in commands.items():
                with self.subTest(capability=capability, command=name):
                    answer = self.told(*command, status=DONE if name in allowed else AUTHENTICATION, **narrow)
                    self.assertEqual(answer["error"]["code"] if answer["error"] else "ok", "ok" if name in allowed else "not_permitted")

    def test_a_key_of_a_prefix_sees_what_is_under_it(self):
        for name in ("jobs/a", "other"):
            self.run_store("put", "source", name)
        self.authorize()
        status, key = self.call("b2_create_key", accountId=self.account, keyName="narrow", bucketId=self.bucket, namePrefix="jobs/",
                                capabilities=["listFiles", "writeFiles"])
        self.assertEqual(status, 200, key)
        narrow = {"B2_APPLICATION_KEY_ID": key["applicationKeyId"], "B2_APPLICATION_KEY": key["applicationKey"]}
        self.assertEqual([row["name"] for row in self.told("ls", **narrow)["files"]], ["jobs/a"])
        self.assertEqual(self.told("usage", **narrow)["usage"]["files"], 1)
        self.told("sweep", **narrow)
        for command in ("ls", "usage", "sweep"):
            answer = self.told(command, "oth", status=AUTHENTICATION, **narrow)
            self.assertIn("jobs/", answer["error"]["message"])

    def test_a_clock_that_is_far_off_is_told(self):
        self.assertNotIn(b"minutes apart", self.run_store("ls").stderr)
        self.good("POST", "/v1/clock", {"advance_s": 7200})
        del self.environment["DUMONT_CLOCK"]
        self.assertIn(b"minutes apart", self.run_store("ls").stderr)

    def test_a_wrong_key_is_named(self):
        answer = self.told("ls", status=AUTHENTICATION, B2_APPLICATION_KEY="K00wrong")
        self.assertEqual(answer["error"]["code"], "not_authenticated")
        self.assertIn("application key", answer["error"]["message"])

    def test_rm_removes_what_is_there_and_names_what_is_not(self):
        for name in ("a", "c"):
            self.run_store("put", "source", name)
        answer = self.told("rm", "a", "b", "c", status=FAILED)
        self.assertEqual((answer["error"]["code"], answer["names"]), ("no_such_file", 2))
        self.assertTrue(answer["error"]["message"].startswith("b: "), answer["error"]["message"])
        self.assertEqual(self.names("b2_list_file_versions"), [])

    def test_a_version_goes_alone(self):
        for turn in range(3):
            self.file("small", b"%d" % turn)
            self.run_store("put", "small", "name")
        ids = [row["id"] for row in self.told("ls", "--versions")["files"]]
        self.assertEqual(self.told("rm", "name", "--version-id", ids[1])["versions"], 1)
        self.assertEqual([row["id"] for row in self.told("ls", "--versions")["files"]], [ids[0], ids[2]])
        self.assertEqual(self.stored("name"), b"2")
        self.assertEqual(self.told("rm", "name", "--version-id", ids[1], status=FAILED)["error"]["code"], "no_such_file")
        self.fault("retention-wrong", **{"as": "ignored"})
        self.told("rm", "name", "--version-id", ids[0])
        self.no_fault()
        self.assertEqual(self.stored("name"), b"0")
        self.run_store("put", "small", "name")
        self.fault("retention-wrong", **{"as": "every-version"})
        answer = self.told("rm", "name", "--version-id", ids[2], status=FAILED)
        self.assertEqual(answer["error"]["code"], "outcome_unknown")
        self.assertIn("1 other versions are gone", answer["error"]["message"])


class TestModes(Client):
    """With Backblaze's own test modes on, every transfer still succeeds."""

    def test_transfers_succeed_with_failures_on_request(self):
        self.begin("--speed", "100")
        self.environment["DUMONT_CLOCK"] = self.ready["clock"]
        large, small = pattern(4 * PART + 1, 1), pattern(1000, 2)
        self.file("large", large)
        self.file("small", small)
        for mode in ("fail_some_uploads", "expire_some_account_authorization_tokens"):
            for turn in range(4):
                for name, data in (("large", large), ("small", small)):
                    with self.subTest(mode=mode, turn=turn, name=name):
                        self.run_store("put", name, name, "--part-bytes", str(PART), "--test-mode", mode)
                        self.assertTrue(self.told("get", name, "target", "--part-bytes", str(PART), "--test-mode", mode)["verified"])
                        self.assertEqual(sha1(self.read("target")), sha1(data))
        refused = self.requests_with_status((401, 503))
        self.assertEqual(refused, {401, 503}, "the modes did nothing")

    def requests_with_status(self, statuses):
        return {each["status"] for each in self.good("GET", "/v1/requests")["requests"] if each["status"] in statuses}

    def test_a_forced_cap_is_final(self):
        self.begin()
        self.file("small", b"x")
        answer = self.told("put", "small", "name", "--test-mode", "force_cap_exceeded", status=BUDGET)
        self.assertEqual(answer["error"]["code"], "cap_exceeded")
        self.assertEqual(self.names(), [])


if __name__ == "__main__":
    main()
