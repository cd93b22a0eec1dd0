#!/usr/bin/python3
"""OpenSSH's own sftp and scp against our servers, without a network.

    clients.py CLASS MODELLED_SERVER GUEST

The same batch of sftp commands goes to OpenSSH's sftp-server, to the modelled host and to the server that runs inside a sandbox:
what sftp prints, its status and what it brings back must be the same.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hosts"))
import trees  # noqa: E402
from trees import read  # noqa: E402

OPENSSH_SERVER = "/usr/lib/openssh/sftp-server"
SMALL_BYTES = 256 * 1024
MODELLED, GUEST = "", ""


def describe(folder):
    """As trees.describe(); what was written just now has no time worth comparing."""
    just_now = time.time() - 3600
    return {path: facts if facts[0] == "link" else (facts[0], None if facts[1] >= just_now else facts[1], facts[2])
            for path, facts in trees.describe(folder).items()}


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dumont-sftp-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.umask(0o022)

    def script(self, name, *command):
        """A program without arguments for sftp -D."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec " + " ".join(command) + "\n")
        os.chmod(path, 0o755)
        return path

    def sftp(self, server, batch, far):
        """Runs a batch with its local folder `here` in a place of its own; the server starts in `far`."""
        os.makedirs(far, exist_ok=True)
        program = self.script("server-" + os.path.basename(far), "env", "--chdir=" + far, *server)
        run = subprocess.run(["sftp", "-b", "-", "-D", program], input=batch.encode(), capture_output=True, cwd=self.here(far),
                             timeout=60, check=False)
        text = run.stdout.decode() + run.stderr.decode()
        text = text.replace(far, "FAR").replace("/root", "FAR")
        text = re.sub(r"^([d].{40}.*?) \w+ +\d+ [ \d:]+ ", r"\1 DATE ", text, flags=re.M)
        return run.returncode, text

    def here(self, far):
        here = far + "-here"
        if not os.path.isdir(here):
            shutil.copytree(os.path.join(self.folder, "source"), os.path.join(here, "source"), symlinks=True)
        return here


class SameAsOpenSSH(Case):
    def servers(self):
        return {"openssh": [OPENSSH_SERVER], "modelled": [MODELLED], "guest": [GUEST, "sftp-server"]}

    def compare(self, batch, make_source):
        make_source(os.path.join(self.folder, "source"))
        results = {}
        for name, server in self.servers().items():
            far = os.path.join(self.folder, name)
            results[name] = (self.sftp(server, batch, far), describe(self.here(far)))
        for name in ("modelled", "guest"):
            self.assertEqual(results[name][0], results["openssh"][0], name)
            self.assertEqual(results[name][1], results["openssh"][1], name)
        return results["openssh"]

    def test_a_tree_goes_there_and_comes_back(self):
        (status, _), files = self.compare("put -rp source far\nget -rp far back\n", lambda path: trees.make_tree(path, 1, SMALL_BYTES))
        self.assertEqual(status, 0)
        there = {name[7:]: facts for name, facts in files.items() if name.startswith("source/")}
        back = {name[5:]: facts for name, facts in files.items() if name.startswith("back/")}
        self.assertGreater(len(there), 20)
        self.assertEqual(there, back)

    def test_every_command(self):
        def source(path):
            os.mkdir(path)
            for name, text in (("a", "alpha\n"), ("b", "beta beta\n"), ("long", "x" * 300000), ("half", "x" * 150000)):
                with open(os.path.join(path, name), "w", encoding="utf-8") as file:
                    file.write(text)
                os.utime(os.path.join(path, name), (1577934245, 1577934245))

        batch = """
            mkdir d
            -mkdir d
            put -p source/a d/a
            put -p source/b d/
            put -p source/long
            ls -l d
            ls -la d/a
            ls -n d/a
            ls -1 d/*
            -ls nowhere
            chmod 600 d/a
            chmod 751 d
            ls -l d/a
            rename d/a d/c
            rename -l d/c d/e
            -rename -l d/e d/b
            rename d/e d/b
            ls -1 d
            symlink b d/link
            -symlink b d/link
            ls -l d/link
            get d/link here-link
            copy d/b d/copy
            ls -1 d/copy
            -rmdir d
            -rm d
            -rm nowhere
            -get nowhere
            rm d/copy
            rm d/link
            cd d
            pwd
            cd ..
            -cd d/b
            mkdir n/
            rmdir n
            -reput source/long long
            put source/half part
            reput source/long part
            -get nowhere here
            get part here-part
            get -p long here-half
            reget long source/half
            chown 0 d/b
            lls -1
            put source/a /tmp/../tmp/dumont-sftp-test-file
            rm /tmp/dumont-sftp-test-file
            rm long
            ls -1 d
        """
        (status, text), files = self.compare("\n".join(line.strip() for line in batch.strip().split("\n")) + "\n", source)
        self.assertEqual(status, 0, text)
        self.assertEqual(files["here-part"][2], b"x" * 300000)
        self.assertEqual(files["source/half"][2], b"x" * 300000)


class Scp(Case):
    """scp, which speaks SFTP by itself and the old protocol with -O."""

    def remote(self, name, server):
        """Stands in for ssh: what it is asked to run as a remote scp runs here, with our server in its place."""
        return self.script(name, "python3", "-c", "'" + ("import os, shlex, sys; words = shlex.split(sys.argv[-1]); "
                           f"os.chdir(\"{self.folder}\"); "
                           f"words[0] == \"scp\" and os.execv(\"{server}\", [\"scp\"] + words[1:])") + "'", '"$@"')

    def test_a_tree_goes_to_a_modelled_host(self):
        trees.make_tree(os.path.join(self.folder, "source"), 2, SMALL_BYTES)
        ssh = self.remote("ssh", MODELLED)
        run = subprocess.run(["scp", "-O", "-S", ssh, "-rp", os.path.join(self.folder, "source"), "host:far"], capture_output=True,
                             timeout=60, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, b""))

    def test_what_a_modelled_host_lacks_is_told(self):
        ssh = self.remote("ssh", MODELLED)
        run = subprocess.run(["scp", "-O", "-S", ssh, "host:nothing", self.folder], capture_output=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stderr), (1, b"scp: nothing: No such file or directory\n"))

    def test_files_of_a_modelled_host_arrive(self):
        ssh = self.remote("ssh", MODELLED)
        run = subprocess.run(["scp", "-O", "-S", ssh, "-rp", "host:/etc", self.folder], capture_output=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        self.assertIn(b"Ubuntu", read(os.path.join(self.folder, "etc", "os-release")))

    def test_sftp_by_scp(self):
        for server in (MODELLED, GUEST):
            far = os.path.join(self.folder, "far")
            os.makedirs(far)
            program = self.script("server", "env", "--chdir=" + far, server, "" if server == MODELLED else "sftp-server")
            source = os.path.join(self.folder, "source")
            trees.make_tree(source, 3, SMALL_BYTES)
            run = subprocess.run(["scp", "-s", "-D", program, "-rp", source, "host:copy"], capture_output=True, timeout=60, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            if server == GUEST:
                self.assertEqual(describe(os.path.join(far, "copy")), describe(source))
            shutil.rmtree(source)
            shutil.rmtree(far)


if __name__ == "__main__":
    MODELLED, GUEST = sys.argv[2:4]
    if not shutil.which("sftp") or not os.path.exists(OPENSSH_SERVER):
        sys.exit("OpenSSH's sftp and sftp-server are missing: install openssh-client and openssh-sftp-server")
    unittest.main(argv=["clients.py", "-v", sys.argv[1]])
