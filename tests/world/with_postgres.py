#!/usr/bin/python3
"""Runs a command with a PostgreSQL server of its own.

    with_postgres.py [--setting NAME=VALUE]… -- COMMAND [ARGUMENT…]

The server is an ordinary process of an ordinary user, in a temporary folder, with a Unix socket there and a port of 127.0.0.1 that
the kernel chose. It ends with the command, however that ends, and so does the folder; the exit status is the command's. The
command finds in its environment

    DUMONT_TEST_POSTGRES       a URL over the socket, without a password
    DUMONT_TEST_POSTGRES_TCP   a URL over the port, with one ("hidden-word")

or neither, where PostgreSQL is not installed. PostgreSQL refuses to run as root: then another user runs it.
"""

import ctypes
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PASSWORD = "hidden-word"
START_LIMIT_S = 30
STOP_LIMIT_S = 10
ATTEMPTS = 5  # another program may take the port between its choice and its use

# No crash of the machine has to be survived here.
SETTINGS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=8MB", "max_connections=40",
            "max_wal_senders=0", "wal_level=minimal", "autovacuum=off", "log_min_messages=fatal", "listen_addresses=127.0.0.1"]


def tools():
    """The folder of initdb and postgres, which Debian keeps off the PATH, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    if found:
        return os.path.dirname(found[-1])
    on_path = shutil.which("postgres")
    return os.path.dirname(on_path) if on_path and shutil.which("initdb") else None


def ordinary_user():
    """Who runs the server: None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    sys.exit("with_postgres: no user but root to run the server")


def become(user, die_with_us):
    """What a child does before it becomes a program."""
    def prepare():
        os.setsid()
        if user is not None:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        if die_with_us:
            pr_set_pdeathsig = 1
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)
    return prepare


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_cluster(binaries, folder, user):
    password_file = os.path.join(folder, "password")
    with open(password_file, "w", encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    if user is not None:
        os.chown(password_file, user.pw_uid, user.pw_gid)
    subprocess.run([binaries + "/initdb", "--pgdata", folder + "/data", "--username", "postgres", "--encoding", "UTF8",
                    "--locale", "C.UTF-8", "--auth-local", "trust", "--auth-host", "scram-sha-256", "--pwfile", password_file,
                    "--no-sync", "--no-instructions"],
                   preexec_fn=become(user, False), cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.unlink(password_file)


def is_ready(folder):
    try:
        with open(folder + "/data/postmaster.pid", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def start_server(binaries, folder, user, settings):
    """The server's process and port, once it answers."""
    for _ in range(ATTEMPTS):
        port = free_port()
        arguments = [f"-c{setting}" for setting in [*SETTINGS, *settings, f"port={port}", f"unix_socket_directories={folder}"]]
        with open(folder + "/log", "ab") as log:
            server = subprocess.Popen([binaries + "/postgres", "-D", folder + "/data", *arguments], preexec_fn=become(user, True),
                                      cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while server.poll() is None and time.monotonic() < deadline:
            if is_ready(folder):
                return server, port
            time.sleep(0.01)
        stop_server(server)
    with open(folder + "/log", encoding="utf-8", errors="replace") as log:
        sys.exit("with_postgres: the server does not start:\n" + log.read())


def stop_server(server):
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)  # at once, without a checkpoint
    try:
        server.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def run_with_server(binaries, settings, command):
    user = ordinary_user()
    folder = tempfile.mkdtemp(prefix="dumont-pg-", dir="/tmp")  # short: a socket's path is bounded
    server = None
    try:
        os.chmod(folder, 0o755)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        make_cluster(binaries, folder, user)
        server, port = start_server(binaries, folder, user, settings)
        environment = dict(os.environ, DUMONT_TEST_POSTGRES=f"postgresql://postgres@/postgres?host={folder}&port={port}",
                           DUMONT_TEST_POSTGRES_TCP=f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        if server is not None:
            stop_server(server)
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments):
    settings = []
    while arguments[:1] == ["--setting"] and len(arguments) > 1:
        settings.append(arguments[1])
        arguments = arguments[2:]
    if arguments[:1] != ["--"] or len(arguments) < 2:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is ended
    binaries = tools()
    if binaries is None:
        print("with_postgres: PostgreSQL is not installed: what needs it is left out", file=sys.stderr)
        return subprocess.run(arguments[1:], check=False).returncode
    status = run_with_server(binaries, settings, arguments[1:])
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
