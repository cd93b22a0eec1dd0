#!/usr/bin/python3
"""dumont store against the running fake: what is put is what is got, whatever happens on the way.

    store.py CLASS DUMONT_FAKE DUMONT
"""

import json
import os
import random
import select
import signal
import subprocess
import threading
import time

from client_case import (AUTHENTICATION, BUDGET, DONE, FAILED, PART, PATIENCE_S, USAGE, Between, Client, main, pattern, sha1)


class RoundTrips(Client):
    def test_every_size_around_a_part_comes_back_byte_for_byte(self):
        self.begin()
        for size in (0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1):
            with self.subTest(size=size):
                data = pattern(size, size)
                answer = self.told("put", self.file("source", data), f"sizes/{size}", "--part-bytes", str(PART))
                self.assertEqual((answer["file"]["size"], answer["file"]["sha1"]), (size, sha1(data)))
                self.assertEqual(answer["parts"], 0 if size <= PART else -(-size // PART))
                self.assertEqual(self.stored(f"sizes/{size}"), data)
                answer = self.told("get", f"sizes/{size}", "target", "--part-bytes", str(PART))
                self.assertTrue(answer["verified"])
                self.assertEqual(self.read("target"), data)
        self.assertEqual(self.left_beside("target"), [])
        self.assertEqual(self.unfinished(), [])

    def test_awkward_names_are_kept_as_they_are(self):
        self.begin()
        names = ["a b", "ü/ß/日本語", "%41", "a+b&c=d?e#f", "\"quoted\"\\back", "-begins", "x" * 1024, "a/./..b", "🙂"]
        for name in names:
            self.run_store("put", "--", self.file("source", name.encode()), name)
            self.run_store("get", "--", name, "target")
            self.assertEqual(self.read("target").decode(), name)
        listed = [row["name"] for row in self.told("ls")["files"]]
        self.assertEqual(listed, sorted(names, key=str.encode))
        for name in ("", "/a", "a/", "a//b", "a\nb", "y" * 1025, b"\xff"):
            self.run_store("put", "--", "source", name, status=USAGE)

    def test_standard_input_and_output_are_files_too(self):
        self.begin()
        data = pattern(3 * 1000 * 1000, 1)
        self.run_store("put", "-", "piped", data=data)
        self.assertEqual(self.run_store("get", "piped", "-").stdout, data)
        self.run_store("put", "-", status=USAGE, data=b"")
        self.assertEqual([name for name in os.listdir(self.path("state")) if "spool" in name], [])

    def test_rm_leaves_no_version_and_hide_leaves_all(self):
        self.begin()
        for turn in range(3):
            self.run_store("put", self.file("source", b"%d" % turn), "name")
        self.run_store("put", "source", "name2")
        self.run_store("rm", "--hide", "name")
        self.assertEqual([row["name"] for row in self.told("ls")["files"]], ["name2"])
        usage = self.told("usage")["usage"]
        self.assertEqual((usage["files"], usage["old_versions"], usage["hide_markers"]), (1, 3, 1))
        self.assertEqual(self.told("rm", "--dry-run", "name")["versions"], 4)
        self.assertEqual(self.told("rm", "name")["versions"], 4)
        self.assertEqual([row["name"] for row in self.told("ls", "--versions")["files"]], ["name2"])
        self.assertEqual(self.told("rm", "name", status=FAILED)["error"]["code"], "no_such_file")

    def test_a_listing_goes_over_all_pages(self):
        self.begin()
        for number in range(1005):
            self.assertEqual(self.upload(f"many/{number:04}", b"x")[0], 200)
        answer = self.told("ls", "many/")
        self.assertEqual([row["name"] for row in answer["files"]], [f"many/{number:04}" for number in range(1005)])

    def test_a_got_file_is_as_any_new_file_and_has_the_time_of_the_one_that_was_put(self):
        self.begin()
        moment = 1577934245
        os.utime(self.path(self.file("source", b"data")), (moment, moment))
        self.run_store("put", "source", "name")
        for mask in (0o022, 0o077, 0o027):
            if os.path.exists(self.path("target")):
                os.remove(self.path("target"))
            subprocess.run(["sh", "-c", f"umask {mask:03o}; exec \"$@\"", "sh", *self.command("get", "name", "target")], cwd=self.folder,
                           env=self.environment, check=True, capture_output=True)
            facts = os.stat(self.path("target"))
            self.assertEqual((facts.st_mode & 0o777, facts.st_mtime), (0o666 & ~mask, moment))
        os.chmod(self.path("target"), 0o604)
        self.run_store("get", "name", "target")
        self.assertEqual(os.stat(self.path("target")).st_mode & 0o777, 0o604)

    def test_what_exists_stays_as_it_is_until_all_of_the_new_is_there(self):
        self.begin()
        self.file("target", b"what was there")
        self.assertEqual(self.told("get", "nowhere", "target", status=FAILED)["error"]["code"], "no_such_file")
        self.assertEqual(self.read("target"), b"what was there")
        self.assertEqual(self.left_beside("target"), [])


class Refusals(Client):
    def test_only_a_store_on_this_machine_is_spoken_to_without_live(self):
        self.begin()
        for url in ("https://api.backblazeb2.com", "https://example.org:444"):
            self.assertIn(b"--live", self.run_store("ls", status=USAGE, DUMONT_B2_URL=url).stderr)
        self.assertIn(b"--live", self.run_store("ls", status=USAGE, DUMONT_B2_URL="").stderr)
        for url in ("http://example.org", "ftp://127.0.0.1", "http://user:hidden-word@127.0.0.1"):
            self.assertNotIn(b"hidden-word", self.run_store("ls", status=USAGE, DUMONT_B2_URL=url).stderr)
        self.assertIn(b"--yes", self.run_store("rm", "name", "--live", status=USAGE).stderr)
        self.assertIn(b"--yes", self.run_store("sweep", "--live", status=USAGE).stderr)

    def test_keys_come_from_the_environment_and_are_judged(self):
        self.begin()
        self.run_store("ls", status=AUTHENTICATION, B2_APPLICATION_KEY="")
        self.run_store("ls", status=AUTHENTICATION, B2_APPLICATION_KEY="with blank")
        self.run_store("ls", status=AUTHENTICATION, B2_APPLICATION_KEY="K00wrong")
        self.run_store("ls", status=USAGE, DUMONT_B2_BUCKET="")
        self.assertEqual(self.told("ls", "--bucket", "another-bucket", status=FAILED)["error"]["code"], "no_such_bucket")
        self.run_store("put", "nowhere", status=USAGE)

    def test_a_restricted_key_does_what_it_may_and_no_more(self):
        self.begin()
        self.authorize()
        status, key = self.call("b2_create_key", accountId=self.account, keyName="narrow", capabilities=["listFiles", "readFiles", "writeFiles"],
                                bucketId=self.bucket, namePrefix="jobs/")
        self.assertEqual(status, 200, key)
        narrow = {"B2_APPLICATION_KEY_ID": key["applicationKeyId"], "B2_APPLICATION_KEY": key["applicationKey"]}
        self.file("source", b"data")
        self.run_store("put", "source", "jobs/one", **narrow)
        self.run_store("get", "jobs/one", "target", **narrow)
        self.run_store("put", "source", "other", status=AUTHENTICATION, **narrow)
        self.run_store("rm", "jobs/one", status=AUTHENTICATION, **narrow)

    def test_no_secret_is_in_what_is_written(self):
        self.begin()
        self.run_store("put", self.file("source", b"data"), "name", "--history", "history.jsonl")
        history = self.read("history.jsonl").decode()
        self.assertIn("b2_upload_file", history)
        for secret in (self.ready["b2_key"], "Basic ", "authorizationToken"):
            self.assertNotIn(secret, history)
        for folder, _, names in os.walk(self.path("state")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(self.ready["b2_key"].encode(), file.read())


class FaultRows(Client):
    """Every fault of the store's layer as faults.json has it; test_virtual_faults.c holds the same rows to the same in virtual time."""

    BEFORE = b"what was there"

    def setUp(self):
        super().setUp()
        self.begin("--speed", "1000")  # pauses are to be kept, and not to be waited for
        self.environment["DUMONT_CLOCK"] = self.ready["clock"]
        self.bytes = {"small": pattern(100000, 1), "large": pattern(3 * PART + 7, 2), "before": self.BEFORE}

    def set_stage(self, row):
        self.no_fault()
        self.assertEqual(self.control("POST", "/v1/reset")[0], 200)
        for name in ("small", "large"):
            self.file(name, self.bytes[name])
        self.file("target", self.BEFORE)
        if os.path.exists(self.path("history.jsonl")):
            os.remove(self.path("history.jsonl"))
        for file, name in row["stored"]:
            self.run_store("put", file, name, "--part-bytes", str(PART))
        identifier, _, parameters = row["fault"].partition(":")
        pairs = dict(pair.split("=") for pair in parameters.split(",") if pair)
        self.fault(identifier, **{key: int(value) if value.lstrip("-").isdigit() and key != "as" else value for key, value in pairs.items()})

    def seen(self):
        events = [json.loads(line) for line in self.read("history.jsonl").splitlines()]
        return sorted({event["data"]["fault"] for event in events if event["kind"] == "fault.seen"})

    def check_truth(self, row):
        self.no_fault()
        state = self.good("GET", "/v1/state")["object_store"]
        if row.get("name") == "absent":
            self.assertEqual(self.download("name")[0], 404)
        elif "name" in row:
            self.assertEqual(sha1(self.stored("name")), sha1(self.bytes[row["name"]]))
        if "target" in row:
            self.assertEqual(sha1(self.read("target")), sha1(self.bytes[row["target"]]))
        self.assertEqual(state["unfinished"], row.get("unfinished", 0))
        if "versions" in row:
            self.assertEqual(state["versions"], row["versions"])

    def play(self, row):
        self.set_stage(row)
        verb, *words = row["do"]
        transfer = ["--part-bytes", str(PART), "--parallel", "2"] if verb in ("put", "get") else []
        answer = self.told(verb, *words, *transfer, "--history", "history.jsonl", status=row["status"])
        self.assertEqual(answer["error"]["code"] if answer["error"] else "ok", row["code"])
        self.assertEqual(self.seen(), sorted(row["seen"]))
        self.check_truth(row)

    def test_each_row_is_as_in_virtual_time(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.json"), encoding="utf-8") as file:
            rows = json.load(file)
        for row in rows:
            if row.get("sockets", True):
                with self.subTest(fault=row["fault"], do=" ".join(row["do"])):
                    self.play(row)


class Faults(Client):
    """What the rows of faults.json cannot say."""

    def setUp(self):
        super().setUp()
        self.begin("--speed", "1000")
        self.environment["DUMONT_CLOCK"] = self.ready["clock"]
        self.large = pattern(3 * PART + 7, 2)
        self.file("large", self.large)

    def test_an_upload_that_cannot_be_ended_is_resumed_by_the_same_command(self):
        self.fault("b2-cap-exceeded", endpoint="b2_upload_part", nth=3, cap="storage")
        answer = self.told("put", "large", "name", "--part-bytes", str(PART), "--parallel", "1", status=BUDGET)
        self.assertIn("2 of 4 parts are kept", answer["error"]["next_step"])
        self.no_fault()
        self.assertEqual(len(self.unfinished()), 1)
        self.assertEqual(self.told("sweep")["spared_as_young"], 1)
        self.assertEqual(self.told("usage")["usage"]["unfinished_bytes"], 2 * PART)
        answer = self.told("put", "large", "name", "--part-bytes", str(PART))
        self.assertEqual(answer["parts_resumed"], 2)
        self.assertEqual(self.stored("name"), self.large)
        self.assertEqual(self.unfinished(), [])

    def test_sweep_cancels_what_is_ours_and_old_alone(self):
        self.fault("b2-cap-exceeded", endpoint="b2_upload_part", nth=2, cap="storage")
        self.told("put", "large", "name", "--part-bytes", str(PART), status=BUDGET)
        status, _ = self.call("b2_start_large_file", bucketId=self.bucket if self.token else self.default_bucket(), fileName="foreign",
                              contentType="b2/x-auto")
        self.assertEqual(status, 200)
        self.assertEqual(self.told("sweep", "--dry-run", "--grace-s", "0")["cancelled"], 1)
        self.assertEqual(len(self.unfinished()), 2)
        answer = self.told("sweep", "--grace-s", "0")
        self.assertEqual((answer["cancelled"], answer["not_ours"]), (1, 1))
        self.assertEqual([row["fileName"] for row in self.unfinished()], ["foreign"])


class Kills(Between):
    """kill -9 of the client and of the store, at bytes of the transfer: the relay between them decides, and no clock."""

    rounds = 6
    SIZE = 3 * PART + 11
    AROUND = 20000  # bytes of requests and headers beside the file's own

    def killed_at(self, way, count, *arguments):
        """The client is killed when that many bytes have gone that way."""
        started, process = threading.Event(), None

        def kill():
            started.wait()
            process.kill()
            process.wait()

        self.relay.stop_at(way, count, kill)
        process = self.start_client(*arguments)
        started.set()
        self.assertEqual(process.wait(timeout=4 * PATIENCE_S), -signal.SIGKILL, "the transfer was over before")

    def moments(self, seed):
        """Bytes, spread over all of the transfer: one in each stretch of it, drawn."""
        draws = random.Random(seed)
        stretch = self.SIZE / self.rounds
        return [int((number + draws.random()) * stretch) for number in range(self.rounds)]

    def at_least_resumed(self, count):
        """So many bytes have begun one part more than they fill, and at most two are under way at once: the others are done, and kept."""
        return max(0, (count - self.AROUND) // PART + 1 - 2)

    def check_upload(self, put, data, count):
        answer = self.told(*put)
        self.assertGreaterEqual(answer["parts_resumed"], self.at_least_resumed(count))
        self.assertEqual(sha1(self.stored("name")), sha1(data))
        self.run_store("sweep", "--grace-s", "0")
        self.assertEqual(self.unfinished(), [])
        self.run_store("rm", "name")
        return answer["parts_resumed"]

    def test_a_client_killed_at_any_moment_of_an_upload_is_resumed(self):
        self.begin_between()
        data = pattern(self.SIZE, 3)
        put = ("put", self.file("source", data), "name", "--part-bytes", str(PART), "--parallel", "2")
        resumed = 0
        for count in self.moments(6):
            self.killed_at("up", count, *put)
            resumed += self.check_upload(put, data, count)
        self.assertGreater(resumed, 0)

    def test_a_client_killed_at_any_moment_of_a_download_is_resumed(self):
        self.begin_between()
        data = pattern(self.SIZE, 4)
        self.run_store("put", self.file("source", data), "name")
        get = ("get", "name", "target", "--part-bytes", str(PART), "--parallel", "2")
        fetched = []
        for count in self.moments(7):
            self.file("target", b"what was there")
            self.killed_at("down", count, *get)
            self.assertEqual(self.read("target"), b"what was there")
            fetched.append(self.told(*get)["bytes_fetched"])
            self.assertLessEqual(fetched[-1], len(data) - self.at_least_resumed(count) * PART)
            self.assertEqual(self.read("target"), data)
            self.assertEqual(self.left_beside("target"), [])
        self.assertLess(min(fetched), len(data))

    def test_a_store_killed_at_any_moment_of_an_upload_loses_nothing_it_acknowledged(self):
        data_folder = self.path("data")
        rate = ("--speed", "20")  # the client's pauses
        fake = self.begin_between("--data", data_folder, *rate)
        port = str(self.relay.target)
        data = pattern(self.SIZE, 5)
        put = ("put", self.file("source", data), "name", "--part-bytes", str(PART), "--parallel", "2")
        for count in self.moments(8):
            dead = threading.Event()

            def kill(store=fake, dead=dead):
                store.kill()
                store.communicate()
                dead.set()

            self.relay.stop_at("up", count, kill)
            process = self.start_client(*put)
            self.assertTrue(dead.wait(4 * PATIENCE_S), "the transfer was over before")
            os.unlink(self.path("ready.json"))
            fake = self.begin("--data", data_folder, "--b2-port", port, *rate)
            self.environment.update(DUMONT_B2_URL=self.relay.url, DUMONT_CLOCK=self.ready["clock"])
            self.assertEqual(process.wait(timeout=4 * PATIENCE_S), DONE, "the client outlives the store")
            self.assertEqual(sha1(self.stored("name")), sha1(data), "it was acknowledged")
            self.check_upload(put, data, 0)

    def test_an_interrupted_upload_says_what_is_kept(self):
        self.begin()
        self.fault("b2-503-busy", endpoint="b2_upload_part", nth=2, count=1000, **{"as": "429"})
        self.file("source", pattern(3 * PART, 9))
        process = subprocess.Popen(self.command("put", "source", "name", "--part-bytes", str(PART), "--parallel", "2"), cwd=self.folder,
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + PATIENCE_S
        while not self.unfinished() and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("of 3 parts are kept", errors)
        self.assertEqual(len(self.unfinished()), 1)


class HundredKills(Kills):
    """The same at a hundred moments of each."""

    rounds = 100


class Large(Client):
    def test_a_quarter_of_a_gigabyte_comes_back(self):
        self.begin()
        data = pattern(250 * 1024 * 1024, 5)
        self.run_store("put", self.file("source", data), "name")
        self.told("get", "name", "target")
        self.assertEqual(sha1(self.read("target")), sha1(data))


class Enormous(Client):
    """20 GB there and back, on a disk that has 40 GB free; ctest does not run it. STORE_BYTES asks for another size."""

    SIZE = int(os.environ.get("STORE_BYTES", 20 * 1000 ** 3))
    PEAK_KB = 32 * 1024

    def sparse(self, name):
        """A file of holes with something else every 64 MB; its source takes next to no disk."""
        with open(self.path(name), "wb") as file:
            for number, at in enumerate(range(0, self.SIZE, 64000003)):
                file.seek(at)
                file.write(pattern(65536, number))
            file.truncate(self.SIZE)
        return name

    def timed(self, *arguments):
        begun = time.monotonic()
        process = self.start_client(*arguments)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, DONE)
        return time.monotonic() - begun, usage.ru_maxrss

    def test_memory_stays_where_it_is(self):
        fake = self.begin("--data", self.path("data"))
        for arguments in (("put", self.sparse("source"), "name"), ("get", "name", "target")):
            seconds, client_kb = self.timed(*arguments)
            with open(f"/proc/{fake.pid}/status", encoding="ascii") as file:
                fake_kb = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
            print(f"{arguments[0]} {self.SIZE} bytes: {seconds:.0f} s; peak memory: client {client_kb} kB, fake {fake_kb} kB")
            self.assertLess(client_kb, self.PEAK_KB)
            self.assertLess(fake_kb, self.PEAK_KB)
        self.assertEqual(subprocess.run(["cmp", "source", "target"], cwd=self.folder, check=False).returncode, 0)


if __name__ == "__main__":
    main()
