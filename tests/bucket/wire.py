#!/usr/bin/python3
"""The object store on its socket, asked without any client's care: what HTTP shows of it, and what faults do to connections.

    GROUP DUMONT_FAKE    runs the tests of one class
"""

import datetime
import email.utils
import hashlib
import http.client
import json
import os
import socket
import subprocess
import threading

from store_case import MIB, PATIENCE_S, StoreCase, main, path_of, pattern, settings, sha1


class Wire(StoreCase):
    """Replies as they are."""

    def test_the_environment_names_a_store_that_answers(self):
        script = 'curl -sS -u "$B2_APPLICATION_KEY_ID:$B2_APPLICATION_KEY" "$DUMONT_B2_URL/b2api/v3/b2_authorize_account"; echo; env'
        run = self.run_fake("--no-ssh", "--", "sh", "-c", script)
        answer, *lines = run.stdout.splitlines()
        told = dict(line.split("=", 1) for line in lines if "=" in line)
        self.assertEqual(told["RCLONE_B2_ACCOUNT"], told["B2_APPLICATION_KEY_ID"])
        self.assertEqual(told["RCLONE_B2_KEY"], told["B2_APPLICATION_KEY"])
        self.assertEqual(told["RCLONE_B2_ENDPOINT"], told["DUMONT_B2_URL"])
        self.assertTrue(told["DUMONT_B2_BUCKET"])
        self.assertEqual(json.loads(answer)["apiInfo"]["storageApi"]["apiUrl"], told["DUMONT_B2_URL"])
        self.assertIn("b2_authorize_account", run.stderr)

    def test_headers_are_as_documented(self):
        self.begin()
        self.authorize()
        status, headers, _ = self.store("POST", "/b2api/v1/b2_list_buckets", json.dumps({"accountId": self.account}),
                                        {"Authorization": self.token})
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "application/json;charset=UTF-8")
        self.assertEqual(headers["Cache-Control"], "max-age=0, no-cache, no-store")
        self.assertEqual(len(headers.get_all("Date")), 1)
        age = datetime.datetime.now(datetime.timezone.utc) - email.utils.parsedate_to_datetime(headers["Date"])
        self.assertLess(abs(age.total_seconds()), 60)

    def test_head_and_get_have_the_same_headers(self):
        self.begin()
        data = pattern(100001, 3)
        self.assertEqual(self.upload("a%20b/c.txt", data, **{"X-Bz-Info-Colour": "bl%C3%BCe"})[0], 200)
        status, got, body = self.download("a%20b/c.txt", Range="bytes=5-9")
        self.assertEqual((status, body), (206, data[5:10]))
        path = f"/file/{self.ready['b2_bucket']}/a%20b/c.txt"
        status, headed, body = self.store("HEAD", path, headers={"Authorization": self.token, "Range": "bytes=5-9"})
        self.assertEqual((status, body), (206, b""))
        for headers in (got, headed):
            del headers["Date"]
        self.assertEqual(sorted(got.items()), sorted(headed.items()))
        self.assertEqual(got["Content-Range"], "bytes 5-9/100001")
        self.assertEqual(got["x-bz-info-colour"], "bl%C3%BCe")
        self.assertEqual(got["x-bz-content-sha1"], sha1(data))
        self.assertEqual(got["Content-Type"], "text/plain")

    def test_methods_that_are_none_are_refused(self):
        self.begin()
        for method in ("PUT", "DELETE", "OPTIONS", "BREW"):
            status, _, body = self.store(method, "/b2api/v1/b2_list_buckets")
            self.assertEqual((status, json.loads(body)["code"]), (405, "method_not_allowed"))

    def test_an_upload_without_a_length_is_refused(self):
        self.begin()
        self.authorize()
        _, url = self.call("b2_get_upload_url", bucketId=self.bucket)
        status, _, body = self.store("POST", path_of(url["uploadUrl"]), iter([b"abc"]),
                                     {"Authorization": url["authorizationToken"], "X-Bz-File-Name": "a",
                                      "Content-Type": "a/b", "X-Bz-Content-Sha1": "do_not_verify"})
        self.assertEqual((status, json.loads(body)["code"]), (400, "bad_request"))

    def half_upload(self, url, name):
        """A connection on which half of an upload was sent."""
        connection = socket.create_connection(("127.0.0.1", int(self.ready["b2_url"].rsplit(":", 1)[1])), PATIENCE_S)
        self.addCleanup(connection.close)
        connection.sendall(f"POST {path_of(url['uploadUrl'])} HTTP/1.1\r\nHost: x\r\nAuthorization: {url['authorizationToken']}\r\n"
                           f"X-Bz-File-Name: {name}\r\nContent-Type: a/b\r\nX-Bz-Content-Sha1: do_not_verify\r\nContent-Length: 10\r\n\r\n"
                           "hello".encode())
        return connection

    def test_a_client_that_leaves_has_uploaded_nothing_and_lost_its_token(self):
        self.begin()
        self.authorize()
        _, url = self.call("b2_get_upload_url", bucketId=self.bucket)
        connection = self.half_upload(url, "a")
        headers = {"Authorization": url["authorizationToken"], "X-Bz-File-Name": "b", "Content-Type": "a/b",
                   "X-Bz-Content-Sha1": "do_not_verify"}
        code = ""
        while code != "auth_token_limit":  # until its head was read
            status, _, body = self.store("POST", path_of(url["uploadUrl"]), b"x", headers)
            code = json.loads(body).get("code")
        connection.close()
        while code == "auth_token_limit":  # until its end was noticed
            status, _, body = self.store("POST", path_of(url["uploadUrl"]), b"x", headers)
            code = json.loads(body).get("code")
        self.assertEqual((status, code), (401, "expired_auth_token"))
        self.assertNotIn(("upload", "a"), self.names())

    def test_the_control_api_knows_the_store(self):
        self.begin("--speed", "1000")
        self.assertEqual(self.upload("a", b"12345")[0], 200)
        state = self.good("GET", "/v1/state")
        self.assertEqual((state["object_store"]["versions"], state["object_store"]["stored_bytes"]), (1, 5))
        self.assertEqual(self.good("POST", "/v1/requests/count", {"method": "POST", "path": "/b2api/v1/b2_upload_file"})["count"], 1)
        self.assertEqual(self.good("POST", "/v1/requests/count", {"body_contains": self.account})["count"], 1)
        rows = {row["endpoint"]: row for row in self.good("GET", "/v1/requests")["requests"]}
        self.assertEqual((rows["b2_upload_file"]["status"], rows["b2_upload_file"]["body_bytes"], rows["b2_upload_file"]["body"]), (200, 5, ""))
        self.assertEqual(self.control("PUT", "/v1/faults/b2-cap-exceeded", {})[0], 200)
        self.assertEqual(self.upload("a", b"12345")[0], 403)
        self.good("DELETE", "/v1/faults/b2-cap-exceeded")
        self.good("POST", "/v1/clock", {"advance_s": 86401})
        self.assertEqual(self.call("b2_list_file_names", bucketId=self.bucket)[0], 401)
        self.good("POST", "/v1/reset")
        self.assertEqual(self.good("GET", "/v1/state")["object_store"]["versions"], 0)

    def test_others_are_served_while_a_large_copy_is_made(self):
        self.begin()
        block = pattern(5000000, 4)
        self.assertEqual(self.upload("block", block)[0], 200)
        source = self.call("b2_list_file_names", bucketId=self.bucket)[1]["files"][0]["fileId"]
        large = self.call("b2_start_large_file", bucketId=self.bucket, fileName="large", contentType="b2/x-auto")[1]["fileId"]
        for number in range(1, 201):
            self.assertEqual(self.call("b2_copy_part", sourceFileId=source, largeFileId=large, partNumber=number)[0], 200)
        self.assertEqual(self.call("b2_finish_large_file", fileId=large, partSha1Array=[sha1(block)] * 200)[0], 200)
        answers = []
        copying = threading.Thread(target=lambda: answers.append(
            self.call("b2_copy_file", sourceFileId=large, fileName="copy", range="bytes=1-999999999")))
        copying.start()
        served = 0
        while not answers:
            self.assertEqual(self.download("block", Range="bytes=0-0")[2], block[:1])
            served += 1
        copying.join()
        self.assertEqual(answers[0][0], 200)
        whole = hashlib.sha1()
        for number in range(200):
            whole.update(block[1:] if number == 0 else block)
        self.assertEqual(answers[0][1]["contentSha1"], whole.hexdigest())
        self.assertGreater(served, 10)

    def test_memory_stays_where_it_was_whatever_goes_through(self):
        process = self.begin("--data", self.path("data"))

        def peak_kib():
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))

        data = pattern(96 * MIB, 7)
        self.assertEqual(self.upload("first", data[:MIB])[0], 200)
        before = peak_kib()
        self.assertEqual(self.upload("large", data)[0], 200)
        status, _, body = self.download("large")
        self.assertEqual((status, sha1(body)), (200, sha1(data)))
        self.assertLess(peak_kib() - before, 8 * 1024)


class Faults(StoreCase):
    """What a fault does to a connection."""

    def test_a_body_is_broken_off(self):
        self.begin("--fault", "retry-partial-body:bytes=1000000")
        self.authorize()
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            self.upload("a", pattern(5 * MIB, 1))
        self.assertEqual(self.names(), [])
        self.assertEqual(self.upload("a", pattern(5 * MIB, 1))[0], 200)

    def test_a_download_is_cut(self):
        self.begin("--fault", "bad-download:at=70000")
        data = pattern(200000, 1)
        self.assertEqual(self.upload("a", data)[0], 200)
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.download("a")
        self.assertEqual(caught.exception.partial, data[:70000])
        self.assertEqual(self.download("a")[2], data)

    def test_downloads_lie(self):
        for shape, status, expected in (("whole", 200, b"0123456789"), ("bytes", 206, b"3"), ("empty", 206, b"")):
            with self.subTest(shape=shape):
                process = self.begin("--fault", f"bad-download:shape={shape},at=0")
                self.assertEqual(self.upload("a", b"0123456789")[0], 200)
                got, headers, body = self.download("a", Range="bytes=2-2")
                self.assertEqual((got, body), (status, expected))
                self.assertEqual(int(headers["Content-Length"]), len(expected))
                self.end(process)
                os.remove(self.path("ready.json"))

    def test_an_upload_is_reset_or_closed(self):
        for way, error in (("reset", ConnectionResetError), ("broken-pipe", http.client.RemoteDisconnected)):
            with self.subTest(way=way):
                process = self.begin("--fault", f"b2-503-busy:as={way},count=1")
                self.authorize()
                with self.assertRaises(error):
                    self.upload("a", b"12345")
                self.assertEqual(self.upload("a", b"12345")[0], 200)
                self.end(process)
                os.remove(self.path("ready.json"))

    def test_every_fault_is_documented_and_accepted(self):
        listed = subprocess.run([settings["fake"], "faults", "--json"], check=True, capture_output=True, text=True, timeout=PATIENCE_S)
        rows = [row for row in json.loads(listed.stdout)["faults"] if row["layer"] == "b2"]
        self.assertEqual(len(rows), 13)
        for row in rows:
            self.assertTrue(row["usual"])
            for parameter in row["parameters"]:
                for value in (parameter.get("one_of") or str(parameter.get("most"))).split(", "):
                    run = self.run_fake("--no-ssh", "--fault", f"{row['id']}:{parameter['key']}={value}", "--", "true")
                    self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    main()
