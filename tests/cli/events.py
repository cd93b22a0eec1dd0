#!/usr/bin/python3
"""Events and webhooks of whole checks: a store in every kind of trouble, and receivers of every kind.

    events.py GROUP DUMONT DUMONT_FAKE DUMONT_SIM    runs the tests of one class

with_postgres.py gives the PostgreSQL server; without one, what needs it is skipped.
"""

import hashlib
import hmac
import http.server
import json
import os
import re
import socket
import sqlite3
import struct
import threading
import time

from moments import StageCase
from programs import main

POSTGRES = os.environ.get("DUMONT_TEST_POSTGRES")
POSTGRES_TCP = os.environ.get("DUMONT_TEST_POSTGRES_TCP")
SECRET = "hook-secret-nobody-may-see"
URL_SECRET = "url-secret-nobody-may-see"
NOT_SLOWER_S = 3  # a check takes about a second, and the machine may be busy; tests/events measures exactly


class Session:
    """One session of the test's server, through its socket: as much of the protocol as that takes."""

    def __init__(self):
        place = dict(part.split("=") for part in POSTGRES.split("?")[1].split("&"))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(f"{place['host']}/.s.PGSQL.{place['port']}")
        body = struct.pack("!I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self.refusal = self.wait()

    def receive(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the server hung up")
            data += part
        return data

    def wait(self):
        """Until the server is ready for the next query; the text of an error, if one came. A refused session is over."""
        self.rows = []
        error = None
        while True:
            kind, length = struct.unpack("!cI", self.receive(5))
            body = self.receive(length - 4)
            if kind == b"E":
                error = body.decode(errors="replace").replace("\0", " ")
                if "FATAL" in error:
                    return error
            elif kind == b"D":
                self.rows.append(self.columns(body))
            elif kind == b"Z":
                return error

    @staticmethod
    def columns(body):
        (count,), at, values = struct.unpack_from("!H", body), 2, []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", body, at)
            at += 4
            values.append(None if length < 0 else body[at:at + length].decode())
            at += max(length, 0)
        return values

    def ask(self, sql):
        body = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        error = self.wait()
        assert error is None, error
        return self.rows

    def close(self):
        self.socket.close()


class Listener:
    """Accepts, says `words` (if any) once it was spoken to, and nothing more. A deaf one keeps its port and refuses."""

    def __init__(self, words=None, deaf=False):
        self.words, self.connections = words, []
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"postgresql://u:hidden-word@127.0.0.1:{self.socket.getsockname()[1]}/d?sslmode=disable"
        if not deaf:
            self.socket.listen()
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            if self.words is not None:
                connection.recv(1024)
                connection.sendall(self.words)

    def close(self):
        self.socket.close()
        for connection in self.connections:
            connection.close()


class PostgresCase(StageCase):
    def setUp(self):
        if POSTGRES is None:
            self.skipTest("PostgreSQL is not installed")
        super().setUp()
        self.session = Session()
        self.addCleanup(self.session.close)
        self.session.ask("SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                         "ALTER DATABASE postgres RESET default_transaction_read_only")
        self.environment["DUMONT_DATABASE"] = POSTGRES

    def check(self):
        """A whole check that comes through; its report and how long it took."""
        began = time.monotonic()
        outcome = self.run_program("dumont", "check", "--json", "--history", "h.jsonl", "--report-dir", "report")
        took = time.monotonic() - began
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertNotIn("hidden-word", outcome.out + outcome.err)
        report = json.loads(outcome.out)
        self.assertEqual([phase["outcome"] for phase in report["phases"]], ["ok"] * 8)
        return report, took

    def events(self):
        return json.loads(self.good("dumont", "events", "list", "--json"))

    def deliver(self, *arguments):
        return json.loads(self.good("dumont", "events", "deliver", "--json", *arguments))

    def no_secret_anywhere(self):
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                for secret in (b"hidden-word", SECRET.encode(), URL_SECRET.encode()):
                    self.assertNotIn(secret, content, name)


class EventsTrouble(PostgresCase):
    """Whatever ails the store: the run is as it always is, one warning names it, and no event is lost or doubled."""

    usual = None

    def baseline(self):
        """What a check takes whose store is well, with such a store left behind."""
        self.good("dumont", "events", "migrate")
        if EventsTrouble.usual is None:
            report, EventsTrouble.usual = self.check()
            self.assertEqual((report["events"]["undelivered"], self.troubles(report)), (0, []))
            self.session.ask("DELETE FROM lifecycle_events")
        return EventsTrouble.usual

    @staticmethod
    def troubles(report):
        return [seen for seen in report["faults_seen"] if seen["fault"] in ("missing-table", "pg-unavailable", "pg-read-only")]

    def suffer(self, fault, sqlstate, words, usual):
        report, took = self.check()
        (seen,) = self.troubles(report)
        self.assertEqual((seen["fault"], seen["count"]), (fault, 1))
        text = seen["text"]
        self.assertIn(f"SQLSTATE {sqlstate}", text)
        self.assertIn(words, text)
        emitted = report["events"]["emitted"]
        self.assertGreaterEqual(emitted, 4)
        self.assertEqual(report["events"], {"emitted": emitted, "undelivered": emitted, "spooled": emitted})
        self.assertLess(took, usual + NOT_SLOWER_S, f"usual: {usual} s")
        self.no_secret_anywhere()
        self.assertEqual(os.stat(self.path("state/ledger.sqlite")).st_mode & 0o777, 0o600)
        return emitted

    def recover(self, emitted):
        self.environment["DUMONT_DATABASE"] = POSTGRES
        delivered = self.deliver()
        self.assertEqual((delivered["stored"], delivered["spooled"]), (emitted, 0))
        self.assertEqual(self.deliver()["stored"], 0)
        listed = self.events()
        self.assertEqual((len(listed["events"]), listed["spooled"]), (emitted, []))
        self.assertEqual(len({event["event_id"] for event in listed["events"]}), emitted)

    def test_a_migration_that_was_not_applied(self):
        usual = self.baseline()
        self.session.ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        emitted = self.suffer("missing-table", "42P01", 'relation "webhook_configs" does not exist', usual)
        refusal = self.refused(1, "42P01", "dumont", "events", "deliver")
        self.assertIn("dumont events migrate", refusal)
        self.good("dumont", "events", "migrate")
        self.assertEqual(len(self.events()["spooled"]), emitted)
        self.recover(emitted)

    def test_a_server_that_is_down(self):
        usual = self.baseline()
        listener = Listener(deaf=True)
        self.addCleanup(listener.close)
        self.environment["DUMONT_DATABASE"] = listener.url
        emitted = self.suffer("pg-unavailable", "08001", "Connection refused", usual)
        outcome = self.run_program("dumont", "events", "list")
        self.assertEqual(outcome.status, 3)
        self.assertIn(f"{emitted} events wait in the state folder", outcome.err)
        self.recover(emitted)

    def test_a_server_that_is_starting_up(self):
        usual = self.baseline()
        fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
        listener = Listener(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        self.addCleanup(listener.close)
        self.environment["DUMONT_DATABASE"] = listener.url
        self.recover(self.suffer("pg-unavailable", "57P03", "starting up", usual))

    def test_a_server_that_says_nothing(self):
        usual = self.baseline()
        listener = Listener()
        self.addCleanup(listener.close)
        self.environment["DUMONT_DATABASE"] = listener.url
        self.recover(self.suffer("pg-unavailable", "08000", "no answer", usual))

    def test_a_server_that_may_only_be_read(self):
        usual = self.baseline()
        self.session.ask("ALTER DATABASE postgres SET default_transaction_read_only = on")
        emitted = self.suffer("pg-read-only", "25006", "read-only transaction", usual)
        self.session.ask("ALTER DATABASE postgres RESET default_transaction_read_only")
        self.recover(emitted)

    def test_a_server_without_a_free_connection(self):
        usual = self.baseline()
        sessions = []
        while not sessions or sessions[-1].refusal is None:
            sessions.append(Session())
            self.addCleanup(sessions[-1].close)
        emitted = self.suffer("pg-unavailable", "53300", "too many clients", usual)
        for session in sessions:
            session.close()
        self.wait_for_connections()
        self.recover(emitted)

    def wait_for_connections(self):
        for _ in range(1000):
            if self.session.ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") == [["1"]]:
                return
            time.sleep(0.01)

    def test_a_table_that_somebody_locks(self):
        usual = self.baseline()
        other = Session()
        other.ask("BEGIN; LOCK TABLE webhook_configs IN ACCESS EXCLUSIVE MODE")
        emitted = self.suffer("pg-unavailable", "08000", "no answer", usual)
        other.close()
        self.recover(emitted)

    def test_a_password_that_is_wrong_is_not_shown(self):
        self.environment["DUMONT_DATABASE"] = POSTGRES_TCP.replace("hidden-word", "wrong-hidden-word")
        self.assertNotIn("hidden", self.refused(3, "password authentication failed", "dumont", "events", "migrate"))
        self.environment["DUMONT_DATABASE"] = POSTGRES_TCP
        self.good("dumont", "events", "migrate")
        report, _ = self.check()
        self.assertEqual(report["events"]["undelivered"], 0)
        self.no_secret_anywhere()


class EventsPostgres(PostgresCase):
    def test_events_are_migrated_stored_and_listed(self):
        self.assertEqual(self.good("dumont", "events", "migrate"), "applied events-0001-webhooks\napplied events-0002-dead-deliveries\n")
        self.assertIn("nothing to do", self.good("dumont", "events", "migrate"))
        self.assertEqual(self.events(), {"events": [], "deliveries": [], "spooled": []})
        report, _ = self.check()
        self.assertEqual(report["events"]["undelivered"], 0)
        names = [event["kind"] for event in reversed(self.events()["events"])]
        self.assertEqual(names, ["instance.created", "instance.started", "instance.ready", "instance.destroyed"])
        self.assertEqual(self.session.ask("SELECT name FROM schema_migrations ORDER BY name"),
                         [["events-0001-webhooks"], ["events-0002-dead-deliveries"]])
        self.assertEqual(len(self.good("dumont", "events", "list", "--limit", "2").splitlines()), 2)

    def test_the_short_scheme_is_as_good(self):
        self.environment["DUMONT_DATABASE"] = POSTGRES.replace("postgresql:", "postgres:")
        self.good("dumont", "events", "migrate")
        self.assertEqual(self.deliver()["in_all"], {"pending": 0, "delivered": 0, "dead": 0})

    def test_a_url_that_is_none_is_refused_without_being_shown(self):
        self.environment["DUMONT_DATABASE"] = "postgresql://u:hid@den@h/x"
        for command in ("migrate", "list", "deliver"):
            error = self.refused(2, "URL is not understood", "dumont", "events", command)
            self.assertNotIn("den", error.replace("understood", ""))


class Receiver(http.server.ThreadingHTTPServer):
    """Notes what it is told, and answers by the path: /ok, /500, /410, /redirect; /hang never does."""

    daemon_threads = True

    def __init__(self):
        self.messages, self.hanging = [], threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                path = self.path.split("?")[0]
                receiver.messages.append((path, dict(self.headers), body))
                if path == "/hang":
                    receiver.hanging.wait(60)
                    return
                self.send_response({"/ok": 200, "/500": 500, "/410": 410, "/redirect": 302}.get(path, 404))
                self.send_header("Location", "/ok")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://user:{URL_SECRET}@127.0.0.1:{self.server_address[1]}{path}?key={URL_SECRET}"

    def told(self, path):
        return [(headers, body) for told_path, headers, body in self.messages if told_path == path]

    def close(self):
        self.hanging.set()
        self.shutdown()
        self.server_close()


class Webhooks(StageCase):
    """On SQLite: what happens to deliveries is the same on every store."""

    def setUp(self):
        super().setUp()
        self.environment["DUMONT_DATABASE"] = "sqlite:" + self.path("events.sqlite")
        self.good("dumont", "events", "migrate")
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def change(self, sql, *values):
        with sqlite3.connect(self.path("events.sqlite")) as connection:
            connection.execute(sql, values)
        connection.close()

    def subscribe(self, number, path, events="*"):
        self.change("INSERT INTO webhook_configs (id, url, events, secret) VALUES (?, ?, ?, ?)", number, self.receiver.url(path),
                    events, SECRET)

    def check(self):
        began = time.monotonic()
        outcome = self.run_program("dumont", "check", "--json", "--history", "h.jsonl", "--report-dir", "report")
        self.assertEqual(outcome.status, 0, outcome.err)
        return json.loads(outcome.out), time.monotonic() - began

    def deliver(self, *arguments):
        outcome = self.run_program("dumont", "events", "deliver", "--json", *arguments)
        self.assertEqual(outcome.status, 0, outcome.err)
        return json.loads(outcome.out)

    def states(self):
        listed = json.loads(self.good("dumont", "events", "list", "--json"))
        return sorted({(row["webhook_id"], row["state"]) for row in listed["deliveries"]})

    def no_secret_anywhere(self):
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if not name.startswith("events.sqlite"):
                    with open(os.path.join(folder, name), "rb") as file:
                        content = file.read()
                    self.assertNotIn(SECRET.encode(), content, name)
                    self.assertNotIn(URL_SECRET.encode(), content, name)

    def verify(self, headers, body):
        expected = hmac.new(SECRET.encode(), headers["X-Dumont-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Dumont-Signature"], "sha256=" + expected)
        payload = json.loads(body)
        self.assertEqual((payload["event_id"], payload["event"]), (headers["X-Dumont-Event-Id"], headers["X-Dumont-Event"]))
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertTrue(re.fullmatch("[0-9a-f]{32}", payload["event_id"]))

    def test_a_run_tells_its_subscribers_signed_and_once(self):
        self.subscribe(1, "/ok")
        self.subscribe(2, "/ok", "instance.destroyed,instance.left")
        self.check()
        delivered = self.deliver()
        self.assertEqual(delivered["in_all"], {"pending": 0, "delivered": 5, "dead": 0})
        told = self.receiver.told("/ok")
        self.assertEqual(len(told), 5)
        for headers, body in told:
            self.verify(headers, body)
        self.assertEqual(len({headers["X-Dumont-Event-Id"] for headers, _ in told}), 4)
        self.assertEqual(self.states(), [(1, "delivered"), (2, "delivered")])
        self.deliver()
        self.assertEqual(len(self.receiver.messages), 5)
        self.no_secret_anywhere()

    def test_receivers_in_trouble_cost_a_run_nothing(self):
        _, usual = self.check()
        for number, path in enumerate(("/hang", "/500", "/redirect", "/410"), 1):
            self.subscribe(number, path)
        report, took = self.check()
        self.assertEqual(report["events"]["undelivered"], 0)
        self.assertLess(took, usual + NOT_SLOWER_S)
        self.receiver.hanging.set()
        self.deliver()
        states = dict(self.states())
        self.assertEqual(states[2], "pending")
        self.assertEqual((states[3], states[4]), ("dead", "dead"))
        self.assertEqual(self.receiver.told("/ok"), [], "a redirect was followed")
        self.assertEqual(len(self.receiver.told("/410")), 1, "it wanted nothing more")
        self.no_secret_anywhere()

    def test_a_rehearsal_calls_nobody_elsewhere(self):
        self.subscribe(1, "/ok", "instance.ready")
        self.change("INSERT INTO webhook_configs (id, url) VALUES (2, ?)", f"https://user:{URL_SECRET}@192.0.2.1/{URL_SECRET}")
        report, _ = self.check()
        warnings = [issue for issue in report["issues_found"] if "this is a rehearsal" in issue["text"]]
        self.assertEqual(len(warnings), 1, report["issues_found"])
        self.deliver()
        self.assertEqual(self.states(), [(1, "delivered")])
        self.assertEqual([json.loads(body)["rehearsal"] for _, body in self.receiver.told("/ok")], [True])
        self.change("INSERT INTO webhook_deliveries (event_id, webhook_id, state, attempts) SELECT event_id, 2, 'pending', 0 FROM lifecycle_events")
        outcome = self.run_program("dumont", "events", "deliver")
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertIn("dumont: warning: webhook 2 is not on this machine", outcome.err)
        self.assertEqual(self.states(), [(1, "delivered"), (2, "pending")])
        self.no_secret_anywhere()

    def test_a_signature_bears_the_time_of_the_receivers_clock(self):
        self.subscribe(1, "/ok", "instance.ready")
        self.check()
        self.deliver()
        ((headers, _),) = self.receiver.told("/ok")
        self.assertLess(abs(time.time() - int(headers["X-Dumont-Timestamp"])), 300)

    def test_what_failed_is_told_later_with_the_same_id(self):
        self.subscribe(1, "/500", "instance.ready")
        self.check()
        self.deliver()
        failed = self.receiver.told("/500")
        self.assertGreaterEqual(len(failed), 1)
        self.change("UPDATE webhook_configs SET url = ?", self.receiver.url("/ok"))
        self.change("UPDATE webhook_deliveries SET next_attempt_unix_ns = NULL")
        self.assertEqual(self.deliver()["delivered"], 1)
        (headers, body), = self.receiver.told("/ok")
        self.verify(headers, body)
        self.assertEqual(headers["X-Dumont-Event-Id"], failed[0][0]["X-Dumont-Event-Id"])
        self.assertEqual(int(headers["X-Dumont-Attempt"]), len(failed) + 1)

    def test_the_last_failed_attempt_is_seen_in_the_list(self):
        self.subscribe(1, "/500", "instance.ready")
        self.check()
        self.change("UPDATE webhook_deliveries SET attempts = 9, next_attempt_unix_ns = NULL")
        delivered = self.deliver()
        self.assertEqual((delivered["given_up"], delivered["in_all"]["dead"]), (1, 1))
        listed = json.loads(self.good("dumont", "events", "list", "--json"))
        self.assertEqual([(row["state"], row["attempts"], row["last_error"]) for row in listed["deliveries"]], [("dead", 10, "answered 500")])
        self.assertIn("instance.ready", next(line for line in self.good("dumont", "events", "list").splitlines() if line.endswith("1 dead")))

    def test_deliver_says_what_it_did(self):
        self.subscribe(1, "/ok")
        self.subscribe(2, "/500", "instance.ready")
        self.change("INSERT INTO lifecycle_events VALUES ('ab', 'instance.ready', 1767381138000000000, '{}')")
        for number in (1, 2):
            self.change("INSERT INTO webhook_deliveries (event_id, webhook_id, state, attempts) VALUES ('ab', ?, 'pending', 0)", number)
        said = self.good("dumont", "events", "deliver")
        self.assertIn("delivered 1, failed for now 1, given up 0\nin all 1 pending, 1 delivered, 0 dead; the next attempt is due at 20", said)
        self.assertEqual(self.good("dumont", "events", "deliver", "--quiet"), "")


if __name__ == "__main__":
    main(__doc__)
