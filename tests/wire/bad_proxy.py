"""A proxy that passes everything on to the fake, but for chosen requests: those get an answer that no server should give."""

import http.client
import re
import socket
import struct
import threading
import urllib.parse

ENDPOINTS = {
    "account": re.compile(r"GET /api/v0/users/current"),
    "search": re.compile(r"POST /api/v0/bundles"),
    "create": re.compile(r"PUT /api/v0/asks/"),
    "show": re.compile(r"GET /api/v0/instances/\d"),
    "list": re.compile(r"GET /api/v1/instances"),
    "destroy": re.compile(r"DELETE /api/v0/instances/"),
}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
HUNDRED_MB = 100 * 1000 * 1000
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def garbage(connection):
    connection.sendall(b"\x00\xff\x16\x03 this is no HTTP at all\r\n\r\n" * 20)


def html(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(HTML) + HTML)


def truncated(connection):
    connection.sendall(JSON_HEAD + b"Content-Length: 5000\r\n\r\n" + b'{"success": true, "instances": {"actual_st')


def truncated_chunk(connection):
    connection.sendall(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + b'{"success": true, "offers": [')


def large(connection):
    connection.sendall(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % HUNDRED_MB)
    block = b" " * 65536
    for _ in range(HUNDRED_MB // len(block)):
        connection.sendall(block)


def stalled(connection):
    connection.sendall(JSON_HEAD + b"Content-Length: 5000\r\n\r\n" + b"{")
    wait_for_end(connection)


def silent(connection):
    wait_for_end(connection)


def slow_drip(connection):
    connection.sendall(JSON_HEAD + b"Content-Length: 100000\r\n\r\n")
    connection.settimeout(0.05)
    for _ in range(1200):
        connection.sendall(b" ")
        try:
            if connection.recv(1) == b"":
                return
        except socket.timeout:
            pass


def closed(_connection):
    pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def redirect(connection):
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n")


def empty(connection):
    connection.sendall(JSON_HEAD + b"Content-Length: 0\r\n\r\n")


def deep(connection):
    body = b"[" * 200000
    connection.sendall(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def wait_for_end(connection):
    try:
        while connection.recv(4096):
            pass
    except OSError:
        pass


ANSWERS = {function.__name__: function for function in (
    garbage, html, truncated, truncated_chunk, large, stalled, silent, slow_drip, closed, reset, redirect, empty, deep)}


class BadProxy:
    """`answer` (a name) is given to the requests of `endpoint`, the first `count` of them. With `after`, they reach the fake first."""

    def __init__(self, target, endpoint, answer, count=1, after=False):
        self.target = urllib.parse.urlsplit(target)
        self.endpoint, self.answer, self.left, self.after = ENDPOINTS[endpoint], ANSWERS[answer], count, after
        self.lock = threading.Lock()
        self.hits = 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.listener.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def is_chosen(self, line):
        with self.lock:
            chosen = self.left > 0 and self.endpoint.match(line) is not None
            self.left -= chosen
            self.hits += chosen
        return chosen

    def handle(self, connection):
        with connection:
            try:
                self.answer_one(connection)
            except OSError:
                pass

    def answer_one(self, connection):
        reader = connection.makefile("rb")
        line = reader.readline().decode("latin-1")
        if not line:
            return
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers.get("Content-Length", "0")))
        chosen = self.is_chosen(line)
        if not chosen or self.after:
            reply = self.pass_on(line, headers, body)
        if chosen:
            self.answer(connection)
        else:
            connection.sendall(reply)

    def pass_on(self, line, headers, body):
        method, path, _ = line.split(" ", 2)
        onward = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=60)
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection", "content-length")}
        onward.request(method, path, body=body or None, headers=kept)
        reply = onward.getresponse()
        content = reply.read()
        onward.close()
        head = "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
            reply.status, reply.reason, reply.headers.get("Content-Type", ""), len(content))
        return head.encode() + content
