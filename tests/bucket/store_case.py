"""What tests of the running object store share: dumont-fake with its store, rclone against it, and trees to compare."""

import base64
import hashlib
import http.client
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "front"))

from fake_case import PATIENCE_S, Case, main, settings  # noqa: E402 (the folder beside this one)

__all__ = ["MIB", "PATIENCE_S", "StoreCase", "main", "path_of", "pattern", "settings", "sha1"]

MIB = 1024 * 1024


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def path_of(url):
    return "/" + url.split("//", 1)[1].split("/", 1)[1]


def pattern(size, salt):
    """Bytes that differ from one salt to the next, made fast."""
    block = hashlib.shake_128(b"%d" % salt).digest(65521)
    return (block * (size // len(block) + 1))[:size]


class StoreCase(Case):
    """A store under way in `self.ready`, and a client of ours that takes no care of anything."""

    def begin(self, *arguments):
        process = self.start("--no-ssh", *arguments)
        self.environment.update(RCLONE_B2_ACCOUNT=self.ready["b2_key_id"], RCLONE_B2_KEY=self.ready["b2_key"],
                                RCLONE_B2_ENDPOINT=self.ready["b2_url"], RCLONE_CONFIG="/dev/null")
        self.token = None
        return process

    def rclone(self, *arguments, status=0, **more):
        """Runs rclone; what it printed. Words that begin with b2: are paths in the store."""
        words = [word if not word.startswith("b2:") else ":" + word for word in arguments]
        run = subprocess.run(["rclone", *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                             check=False, capture_output=True, text=True, timeout=4 * PATIENCE_S, **more)
        if status is not None:
            self.assertEqual(run.returncode, status, run.stderr)
        return run.stdout

    def tree(self, name, files):
        """A folder with files of those contents; its path."""
        for path, data in files.items():
            whole = os.path.join(self.path(name), path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "wb") as file:
                file.write(data)
        return self.path(name)

    def files(self, name):
        """What stands in a folder, as tree() takes it."""
        found = {}
        for folder, _, names in os.walk(self.path(name)):
            for each in names:
                whole = os.path.join(folder, each)
                with open(whole, "rb") as file:
                    found[os.path.relpath(whole, self.path(name))] = file.read()
        return found

    # ---- without rclone

    def store(self, method, path, body=None, headers=None, url=None):
        """One request: status, headers, body as bytes."""
        connection = http.client.HTTPConnection((url or self.ready["b2_url"]).split("//")[1], timeout=PATIENCE_S)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    def authorize(self):
        pair = f"{self.ready['b2_key_id']}:{self.ready['b2_key']}".encode()
        status, _, body = self.store("GET", "/b2api/v1/b2_authorize_account",
                                     headers={"Authorization": "Basic " + base64.b64encode(pair).decode()})
        self.assertEqual(status, 200)
        answer = json.loads(body)
        self.token, self.account = answer["authorizationToken"], answer["accountId"]
        status, buckets = self.call("b2_list_buckets", accountId=self.account)
        self.bucket = {row["bucketName"]: row["bucketId"] for row in buckets["buckets"]}.get(self.ready["b2_bucket"])

    def call(self, name, **arguments):
        """A call with the account's token: status and answer."""
        if self.token is None and name != "b2_authorize_account":
            self.authorize()
        status, _, body = self.store("POST", "/b2api/v1/" + name, json.dumps(arguments), {"Authorization": self.token})
        return status, json.loads(body)

    def upload(self, name, data, **headers):
        """Uploads to a URL of its own: status and answer."""
        status, url = self.call("b2_get_upload_url", bucketId=self.bucket if self.token else self.default_bucket())
        if status != 200:
            return status, url
        told = {"Authorization": url["authorizationToken"], "X-Bz-File-Name": name, "Content-Type": "b2/x-auto",
                "X-Bz-Content-Sha1": sha1(data), **headers}
        status, _, body = self.store("POST", path_of(url["uploadUrl"]), data, told)
        return status, json.loads(body)

    def default_bucket(self):
        self.authorize()
        return self.bucket

    def names(self, call="b2_list_file_names"):
        if self.token is None:
            self.authorize()
        status, answer = self.call(call, bucketId=self.bucket, maxFileCount=1000)
        self.assertEqual(status, 200, answer)
        return [(row["action"], row["fileName"]) for row in answer["files"]]

    def download(self, name, **headers):
        if self.token is None:
            self.authorize()
        return self.store("GET", f"/file/{self.ready['b2_bucket']}/{name}", headers={"Authorization": self.token, **headers})
