#!/usr/bin/python3
"""Debian's rclone, unmodified, against the running object store: everything that it does is as on Backblaze's.

    GROUP DUMONT_FAKE    runs the tests of one class
"""

import hashlib
import json
import os
import subprocess

from store_case import MIB, StoreCase, main, pattern, sha1

TREE = {
    "a.txt": b"hello\n",
    "empty": b"",
    "sub/b c+d.bin": pattern(300001, 1),
    "sub/deeper/\u00fcml\u00e4ut \u20ac.txt": "\u00e4".encode() * 1000,
    "sub/deeper/%41 & 'quote'; x=y@z!": b"odd names",
    "z/1": b"1",
    "z/2": b"2",
}
QUICK = ("--retries", "1")


class Commands(StoreCase):
    """One command after the other."""

    def setUp(self):
        super().setUp()
        self.begin()
        self.source = self.tree("source", TREE)

    def copied(self):
        self.rclone("copy", self.source, "b2:tree-bucket/t", *QUICK)

    def test_mkdir_makes_a_bucket_and_a_second_time_is_no_mistake(self):
        self.rclone("mkdir", "b2:made-here", *QUICK)
        self.rclone("mkdir", "b2:made-here", *QUICK)
        self.assertEqual({line.split()[-1] for line in self.rclone("lsd", "b2:", *QUICK).splitlines()},
                         {"made-here", self.ready["b2_bucket"]})

    def test_a_tree_comes_back_as_it_went(self):
        self.copied()
        self.rclone("copy", "b2:tree-bucket/t", self.path("back"), *QUICK)
        self.assertEqual(self.files("back"), TREE)

    def test_lists_tell_names_sizes_and_times(self):
        self.copied()
        names = sorted(line.strip().split(" ", 1) for line in self.rclone("ls", "b2:tree-bucket/t").splitlines())
        self.assertEqual(sorted([str(len(data)), name] for name, data in TREE.items()), names)
        times = {row["Path"]: row for row in json.loads(self.rclone("lsjson", "-R", "--hash", "--files-only", "b2:tree-bucket/t"))}
        self.assertEqual(set(times), set(TREE))
        for name, row in times.items():
            self.assertEqual(row["Size"], len(TREE[name]))
            self.assertEqual(row["Hashes"]["sha1"], sha1(TREE[name]))
        self.assertEqual(len(self.rclone("lsl", "b2:tree-bucket").splitlines()), len(TREE))
        self.assertEqual(set(self.rclone("lsf", "b2:tree-bucket/t").splitlines()), {"a.txt", "empty", "sub/", "z/"})

    def test_check_finds_what_differs_and_nothing_else(self):
        self.copied()
        self.rclone("check", self.source, "b2:tree-bucket/t", *QUICK)
        self.rclone("check", "--download", self.source, "b2:tree-bucket/t", *QUICK)
        self.tree("source", {"z/2": b"3"})
        self.rclone("check", self.source, "b2:tree-bucket/t", *QUICK, status=1)

    def test_sums_are_those_of_the_files(self):
        self.copied()
        lines = dict(reversed(line.split("  ", 1)) for line in self.rclone("sha1sum", "b2:tree-bucket/t").splitlines())
        self.assertEqual(lines, {name: sha1(data) for name, data in TREE.items()})
        lines = dict(reversed(line.split("  ", 1)) for line in
                     self.rclone("md5sum", "--download", "b2:tree-bucket/t").splitlines())
        self.assertEqual(lines, {name: hashlib.md5(data).hexdigest() for name, data in TREE.items()})

    def test_cat_reads_whole_files_and_parts(self):
        self.copied()
        self.assertEqual(self.rclone("cat", "b2:tree-bucket/t/a.txt"), "hello\n")
        self.assertEqual(self.rclone("cat", "--offset", "1", "--count", "3", "b2:tree-bucket/t/a.txt"), "ell")
        self.assertEqual(self.rclone("cat", "--tail", "2", "b2:tree-bucket/t/a.txt"), "o\n")

    def test_sync_removes_and_replaces(self):
        self.copied()
        os.remove(os.path.join(self.source, "z/1"))
        self.tree("source", {"a.txt": b"changed it\n", "new": b"new"})
        self.rclone("sync", self.source, "b2:tree-bucket/t", *QUICK)
        self.rclone("check", self.source, "b2:tree-bucket/t", *QUICK)
        self.rclone("sync", "b2:tree-bucket/t", self.path("back"), *QUICK)
        self.assertEqual(self.files("back"), self.files("source"))

    def test_touch_sets_a_time_and_makes_a_file(self):
        self.copied()
        self.rclone("touch", "-t", "2024-05-06T07:08:09", "b2:tree-bucket/t/a.txt", *QUICK)
        self.rclone("touch", "b2:tree-bucket/t/made", *QUICK)
        rows = {row["Path"]: row for row in json.loads(self.rclone("lsjson", "b2:tree-bucket/t"))}
        self.assertEqual(rows["a.txt"]["ModTime"][:19], "2024-05-06T07:08:09")
        self.assertEqual(rows["made"]["Size"], 0)
        self.assertEqual(self.rclone("cat", "b2:tree-bucket/t/a.txt"), "hello\n")

    def test_moves_and_copies_within_the_store(self):
        self.copied()
        self.rclone("moveto", "b2:tree-bucket/t/a.txt", "b2:tree-bucket/t/moved.txt", *QUICK)
        self.rclone("copyto", "b2:tree-bucket/t/moved.txt", "b2:other-bucket/copy.txt", *QUICK)
        self.rclone("move", "b2:tree-bucket/t/z", "b2:other-bucket/z", *QUICK)
        self.assertEqual(set(self.rclone("lsf", "b2:tree-bucket/t", *QUICK).splitlines()), {"empty", "moved.txt", "sub/"})
        self.assertEqual(self.rclone("cat", "b2:other-bucket/copy.txt"), "hello\n")
        self.assertEqual(set(self.rclone("lsf", "-R", "b2:other-bucket").splitlines()), {"copy.txt", "z/", "z/1", "z/2"})

    def test_deletes_hide_versions_show_and_cleanup_removes(self):
        self.copied()
        self.tree("source", {"a.txt": b"second\n"})
        self.rclone("copy", "--ignore-times", os.path.join(self.source, "a.txt"), "b2:tree-bucket/t", *QUICK)
        self.rclone("deletefile", "b2:tree-bucket/t/empty", *QUICK)
        self.rclone("delete", "b2:tree-bucket/t/z", *QUICK)
        self.assertEqual(len(self.rclone("lsf", "-R", "--files-only", "b2:tree-bucket").splitlines()), len(TREE) - 3)
        versions = self.rclone("lsf", "-R", "--files-only", "--b2-versions", "b2:tree-bucket").splitlines()
        self.assertEqual(len(versions), len(TREE) + 1)
        old = next(name for name in versions if name.startswith("t/a-v"))
        self.assertEqual(self.rclone("cat", "--b2-versions", "b2:tree-bucket/" + old), "hello\n")
        self.rclone("cleanup", "b2:tree-bucket", *QUICK)
        versions = self.rclone("lsf", "-R", "--files-only", "--b2-versions", "b2:tree-bucket").splitlines()
        self.assertEqual(len(versions), len(TREE) - 3)
        self.rclone("delete", "--b2-hard-delete", "b2:tree-bucket/t/sub", *QUICK)
        self.assertEqual(self.rclone("lsf", "-R", "--files-only", "--b2-versions", "b2:tree-bucket").splitlines(), ["t/a.txt"])

    def test_purge_leaves_nothing(self):
        self.copied()
        self.rclone("delete", "b2:tree-bucket/t/z", *QUICK)
        self.rclone("purge", "b2:tree-bucket/t/sub", *QUICK)
        self.rclone("purge", "b2:tree-bucket", *QUICK)
        self.assertEqual([line.split()[-1] for line in self.rclone("lsd", "b2:").splitlines()], [self.ready["b2_bucket"]])
        self.assertEqual(self.good("GET", "/v1/state")["object_store"]["stored_bytes"], 0)

    def test_a_stream_of_unknown_length_is_stored(self):
        with open(os.path.join(self.source, "sub/b c+d.bin"), "rb") as source:
            subprocess.run(["rclone", "rcat", ":b2:tree-bucket/stream"], env=self.environment, stdin=source, check=True)
        self.rclone("copyto", "b2:tree-bucket/stream", self.path("stream"), *QUICK)
        with open(self.path("stream"), "rb") as file:
            self.assertEqual(file.read(), TREE["sub/b c+d.bin"])

    def test_a_link_opens_the_file_without_a_key(self):
        self.copied()
        link = self.rclone("link", "b2:tree-bucket/t/a.txt").strip()
        status, _, body = self.store("GET", "/" + link.split("//", 1)[1].split("/", 1)[1])
        self.assertEqual((status, body), (200, b"hello\n"))


class Parts(StoreCase):
    """Files that go in parts."""

    PARTS = ("--b2-chunk-size", "5Mi", "--b2-upload-cutoff", "5Mi")

    def there_and_back(self, size, *more):
        data = pattern(size, 2)
        self.tree("source", {"large": data})
        self.rclone("copy", self.path("source"), "b2:parts-bucket", *self.PARTS, *more)
        self.rclone("check", self.path("source"), "b2:parts-bucket")
        self.rclone("copy", "b2:parts-bucket", self.path("back"), "--multi-thread-cutoff", "8M")
        with open(self.path("back/large"), "rb") as file:
            self.assertEqual(sha1(file.read()), sha1(data))
        state = self.good("GET", "/v1/state")["object_store"]
        self.assertEqual((state["unfinished"], state["stored_bytes"]), (0, size))

    def test_a_file_in_six_parts(self):
        self.begin()
        self.there_and_back(26 * MIB + 12345)

    def test_a_file_of_250_mib_in_parts_of_the_usual_size(self):
        self.begin()
        self.PARTS = ()
        self.there_and_back(250 * MIB)

    def test_a_large_file_is_copied_within_the_store_in_parts(self):
        self.begin()
        data = pattern(21 * MIB + 5, 3)
        self.tree("source", {"large": data})
        self.rclone("copy", self.path("source"), "b2:parts-bucket", *self.PARTS)
        self.rclone("copyto", "b2:parts-bucket/large", "b2:parts-bucket/copy", "--b2-copy-cutoff", "6Mi", "--b2-chunk-size", "5Mi", *QUICK)
        self.assertEqual(self.good("POST", "/v1/requests/count", {"path": "/b2api/v1/b2_copy_part"})["count"], 4)
        lines = self.rclone("hashsum", "sha1", "--download", "b2:parts-bucket").splitlines()
        self.assertEqual({line.split()[0] for line in lines}, {sha1(data)})
        self.assertEqual(len(lines), 2)

    def test_parts_that_fail_are_sent_again(self):
        for fault in ("b2-503-busy:count=5,probability=0.4", "b2-503-busy:as=reset,count=3", "b2-503-busy:as=500,count=2",
                      "b2-503-busy:as=408,count=2", "retry-partial-body:count=2,bytes=2000000", "b2-expired-token:nth=8,count=2"):
            with self.subTest(fault=fault):
                process = self.begin("--fault", fault)
                self.there_and_back(21 * MIB, *QUICK)
                self.end(process)
                os.remove(self.path("ready.json"))


class Rough(StoreCase):
    """A way there and back."""

    def bring(self, *more):
        self.tree("source", TREE)
        self.rclone("copy", self.path("source"), "b2:tree-bucket/t", *more)
        self.rclone("check", "--download", self.path("source"), "b2:tree-bucket/t", *more)
        self.rclone("copy", "b2:tree-bucket/t", self.path("back"), *more)
        self.assertEqual(self.files("back"), TREE)


class Adversity(Rough):
    """With Backblaze's test modes, and with faults, rclone still gets there."""

    def test_some_uploads_fail(self):
        self.begin()
        self.bring("--b2-test-mode", "fail_some_uploads")

    def test_some_account_tokens_expire(self):
        self.begin()
        self.bring("--b2-test-mode", "expire_some_account_authorization_tokens")

    def test_caps_are_final(self):
        self.begin()
        self.tree("source", {"a": b"x"})
        self.rclone("copy", self.path("source"), "b2:tree-bucket", "--b2-test-mode", "force_cap_exceeded", status=None)
        self.assertEqual(self.good("GET", "/v1/state")["object_store"]["versions"], 0)

    def test_the_store_is_busy(self):
        self.begin("--fault", "b2-503-busy:count=2")
        self.bring(*QUICK)

    def test_tokens_expire_now_and_then(self):
        self.begin("--fault", "b2-expired-token:nth=2,count=-1,probability=0.15")
        self.bring()


class Storm(Rough):
    """All of it for longer."""

    def test_all_at_once(self):
        self.begin("--fault", "b2-503-busy:count=-1,probability=0.3", "--fault", "b2-expired-token:count=-1,probability=0.1")
        self.bring()


if __name__ == "__main__":
    main()
