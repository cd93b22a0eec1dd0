"""A relay between a client and the store that counts what passes, and stops it at a byte: moments that no clock decides."""

import selectors
import socket
import threading

BLOCK = 64 * 1024


class Relay:
    """Passes everything on. The store's own address in its answers becomes the relay's, so that every request comes this way.

    After stop_at(way, count, action) exactly `count` bytes more go that way ("up": to the store, "down": to the client); then `action`
    is called, in the relay's own thread, and every connection is dropped.
    """

    def __init__(self, port):
        self.target = port
        self.listener = self.listen()
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.peers = {}
        self.passed = {"up": 0, "down": 0}
        self.lock = threading.Lock()
        self.way, self.left, self.action = None, 0, None
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def listen(self):
        """Ports of the same length can be exchanged without another length of the answer."""
        tried = []
        while True:
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            if len(str(listener.getsockname()[1])) == len(str(self.target)):
                for other in tried:
                    other.close()
                return listener
            tried.append(listener)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop_at(self, way, count, action):
        with self.lock:
            self.way, self.left, self.action = way, count, action

    def close(self):
        with self.lock:
            self.target = None
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes it
        self.thread.join()

    # ---- in its own thread

    def serve(self):
        while self.target is not None:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj in self.peers:
                    self.move(key.fileobj, key.data)
        self.drop_all()
        self.listener.close()

    def accept(self):
        client, _ = self.listener.accept()
        try:
            store = socket.create_connection(("127.0.0.1", self.target))
        except (OSError, TypeError):
            client.close()
            return
        for one, other, way in ((client, store, "up"), (store, client, "down")):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers[one] = other
            self.selector.register(one, selectors.EVENT_READ, way)

    def drop(self, one):
        other = self.peers.pop(one)
        self.peers.pop(other, None)
        for each in (one, other):
            self.selector.unregister(each)
            each.close()

    def drop_all(self):
        while self.peers:
            self.drop(next(iter(self.peers)))

    def allowed(self, way, size):
        """How many of the bytes may go, and what is to be done then."""
        with self.lock:
            if self.action is None or way != self.way:
                return size, None
            if size < self.left:
                self.left -= size
                return size, None
            size, action, self.action = self.left, self.action, None
            return size, action

    def move(self, source, way):
        try:
            data = source.recv(BLOCK)
            if way == "down":
                data = data.replace(b"127.0.0.1:%d" % self.target, b"127.0.0.1:%d" % self.port)
            size, action = self.allowed(way, len(data))
            if size > 0:
                self.peers[source].sendall(data[:size])
                self.passed[way] += size
        except OSError:
            data, action = b"", None
        if action is not None:
            action()
            self.drop_all()
        elif not data:
            self.drop(source)
