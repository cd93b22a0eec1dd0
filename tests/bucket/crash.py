#!/usr/bin/python3
"""The store on disk, killed with SIGKILL at random moments: what was acknowledged is there, what was not is absent or whole.

    GROUP DUMONT_FAKE    runs the tests of one class
"""

import http.client
import json
import os
import random
import select
import shutil
import signal
import subprocess

from store_case import PATIENCE_S, StoreCase, main, path_of, pattern, settings, sha1

FIRST_PART = 5000000
PIECE = 400000


class Killed(Exception):
    """The store is dead."""


class Story(StoreCase):
    """One life of the store after the other, over the same folder."""

    def setUp(self):
        super().setUp()
        self.kept = {}        # name -> bytes that were acknowledged, newest last
        self.pending = None   # (name, bytes) that were sent and not acknowledged
        self.countdown = None
        self.delay_s = 0
        self.process = None

    def live(self):
        if os.path.exists(self.path("ready.json")):
            os.remove(self.path("ready.json"))
        self.process = self.begin("--data", self.path("data"))
        self.authorize()

    def moment(self):
        """A moment at which the store may die."""
        if self.countdown is None:
            return
        self.countdown -= 1
        if self.countdown == 0:
            select.select([], [], [], self.delay_s)
            self.kill()
            raise Killed

    def kill(self):
        self.countdown = None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        for entry in os.listdir(self.temporary):  # what the dead one could not take away
            shutil.rmtree(os.path.join(self.temporary, entry))

    def send(self, path, data, headers):
        """A request in pieces, with moments between them and before the reply."""
        connection = http.client.HTTPConnection(self.ready["b2_url"].split("//")[1], timeout=PATIENCE_S)
        try:
            connection.putrequest("POST", path)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            self.moment()
            for at in range(0, len(data), PIECE):
                connection.send(data[at:at + PIECE])
                self.moment()
            reply = connection.getresponse()
            body = json.loads(reply.read())
            self.assertEqual(reply.status, 200, body)
            return body
        finally:
            connection.close()

    def ask_store(self, name, **arguments):
        return self.send("/b2api/v1/" + name, json.dumps(arguments).encode(), {"Authorization": self.token})

    def put(self, name, data):
        url = self.ask_store("b2_get_upload_url", bucketId=self.bucket)
        self.pending = (name, data)
        self.send(path_of(url["uploadUrl"]), data,
                  {"Authorization": url["authorizationToken"], "X-Bz-File-Name": name, "Content-Type": "text/plain",
                   "X-Bz-Content-Sha1": sha1(data)})
        self.acknowledge()

    def acknowledge(self):
        name, data = self.pending
        self.kept.setdefault(name, []).append(data)
        self.pending = None
        self.moment()

    def put_large(self, name, data):
        """In two parts; goes on with what an earlier life left unfinished."""
        unfinished = self.ask_store("b2_list_unfinished_large_files", bucketId=self.bucket, namePrefix=name)["files"]
        if unfinished:
            file_id = unfinished[0]["fileId"]
        else:
            file_id = self.ask_store("b2_start_large_file", bucketId=self.bucket, fileName=name,
                                     contentType="application/octet-stream")["fileId"]
        there = {part["partNumber"]: part["contentSha1"] for part in self.ask_store("b2_list_parts", fileId=file_id)["parts"]}
        sums = []
        for number, part in enumerate((data[:FIRST_PART], data[FIRST_PART:]), 1):
            sums.append(sha1(part))
            if there.get(number) == sums[-1]:
                continue
            url = self.ask_store("b2_get_upload_part_url", fileId=file_id)
            self.send(path_of(url["uploadUrl"]), part + sums[-1].encode(),
                      {"Authorization": url["authorizationToken"], "X-Bz-Part-Number": str(number),
                       "X-Bz-Content-Sha1": "hex_digits_at_end"})
        self.pending = (name, data)
        self.ask_store("b2_finish_large_file", fileId=file_id, partSha1Array=sums)
        self.acknowledge()

    def tell(self, salt):
        """Some uploads, one of them large."""
        self.put("small", pattern(1000 + salt, salt))
        self.put_large("large", pattern(FIRST_PART + 70000 + salt, salt))
        self.put("other/small", pattern(5, salt))

    def check(self):
        """Every version that is listed is whole; those that were acknowledged are there, in their order."""
        rows = self.ask_store("b2_list_file_versions", bucketId=self.bucket, maxFileCount=1000)["files"]
        found = {}
        for row in rows:
            if row["action"] == "start":
                continue
            status, _, body = self.store("GET", "/b2api/v1/b2_download_file_by_id?fileId=" + row["fileId"],
                                         headers={"Authorization": self.token})
            self.assertEqual((status, len(body)), (200, row["contentLength"]))
            if row["contentSha1"] != "none":
                self.assertEqual(row["contentSha1"], sha1(body))
            found.setdefault(row["fileName"], []).insert(0, body)
        if self.pending is not None:
            name, data = self.pending
            if len(found.get(name, [])) > len(self.kept.get(name, [])):
                self.assertEqual(found[name][-1], data, "what was not acknowledged is neither absent nor whole")
                self.kept.setdefault(name, []).append(data)
            self.pending = None
        self.assertEqual(found, self.kept)

    def check_folder(self):
        """Nothing lies in the folder that the store does not know."""
        state = self.good("GET", "/v1/state")["object_store"]
        sizes = [os.path.getsize(os.path.join(self.path("data/b2/objects"), name)) for name in os.listdir(self.path("data/b2/objects"))]
        self.assertEqual(sum(sizes), state["stored_bytes"])
        self.assertEqual(state["unfinished"], 0)

    def rounds(self, count, seed):
        luck = random.Random(seed)
        for salt in range(count):
            self.live()
            self.check()
            self.countdown = luck.randint(1, 60)
            self.delay_s = luck.choice((0, 0, luck.random() * 0.004))
            try:
                self.tell(salt)
                self.kill()
            except Killed:
                pass
        self.live()
        self.check()
        self.tell(count)
        self.check()
        self.check_folder()


class Crash(Story):
    """A few lives."""

    def test_what_was_acknowledged_outlives_a_kill(self):
        self.rounds(12, 1)

    def test_a_run_that_ends_leaves_all_for_the_next(self):
        self.live()
        self.tell(1)
        self.assertEqual(self.stop(self.process)[0], 0)
        key = self.ready["b2_key"]
        self.live()
        self.assertEqual(self.ready["b2_key"], key)
        self.check()

    def test_a_folder_serves_one_process(self):
        self.live()
        run = subprocess.run([settings["fake"], "--no-ssh", "--data", self.path("data"), "--", "true"], env=self.environment,
                             cwd=self.folder, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(run.returncode, 3)
        self.assertIn(str(self.process.pid), run.stderr)

    def test_a_torn_last_record_is_what_a_crash_left(self):
        self.live()
        self.put("a", b"1")
        self.stop(self.process)
        with open(self.path("data/b2/records"), "ab") as file:
            file.write(b'{"op":"version","bucket"')
        self.live()
        self.check()
        self.put("a", b"2")
        self.stop(self.process)
        self.live()
        self.check()

    def test_a_content_that_is_missing_is_told(self):
        self.live()
        self.put("a", b"1")
        self.stop(self.process)
        for name in os.listdir(self.path("data/b2/objects")):
            os.truncate(os.path.join(self.path("data/b2/objects"), name), 0)
        run = self.run_fake("--no-ssh", "--data", self.path("data"), "--", "true")
        self.assertEqual(run.returncode, 2)
        self.assertIn("content", run.stderr)


class CrashHundred(Story):
    """A hundred lives."""

    def test_what_was_acknowledged_outlives_a_hundred_kills(self):
        self.rounds(100, 2)


if __name__ == "__main__":
    main()
