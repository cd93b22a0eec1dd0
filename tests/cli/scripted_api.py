"""A tiny Vast.ai on loopback, for what the command line does with answers: one offer, machines by id, and a note of every request.

Nothing of a real market is modelled here; the fake cloud does that. `answers` replaces the answer to a request by its beginning,
"GET /api/v0/users/": (status, text), or a function of the server and the request's body that returns such a pair.
"""

import http.server
import json
import threading

OFFER = {"id": 501, "machine_id": 77, "gpu_name": "RTX 4090", "num_gpus": 1, "gpu_ram": 24564, "dph_total": 0.2, "storage_cost": 0.1,
         "inet_down_cost": 0.001, "reliability2": 0.995, "inet_down": 900.0, "disk_space": 200.0, "rentable": True,
         "geolocation": "Quebec, CA", "driver_version": "580.95.05"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        line = f"{self.command} {self.path}"
        self.server.api.requests.append((line, self.headers.get("Authorization"), body.decode()))
        status, text = self.server.api.find(line, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away in the middle is what the tests want."""


class ScriptedApi:
    def __init__(self):
        self.requests, self.answers, self.machines = [], {}, {}
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.api = self
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def add(self, number, label, **more):
        self.machines[number] = {"id": number, "machine_id": 77, "label": label, "gpu_name": "RTX 4090", "num_gpus": 1,
                                 "actual_status": "running", "dph_total": 0.2, **more}

    def lines(self, beginning=""):
        return [line for line, _, _ in self.requests if line.startswith(beginning)]

    def find(self, line, body):
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer(self, body) if callable(answer) else answer
        return 200, json.dumps(self.route(line, body))

    def route(self, line, body):
        method, path = line.split(" ")
        if path.startswith("/api/v0/users/current"):
            return {"credit": 5.0}
        if path.startswith("/api/v0/bundles"):
            return {"offers": [OFFER]}
        if path.startswith("/api/v0/asks/"):
            number = 9000 + len(self.lines("PUT "))
            self.add(number, json.loads(body)["label"], actual_status="exited", status_msg="no image")
            return {"success": True, "new_contract": number}
        if path.startswith("/api/v1/instances/"):
            return {"success": True, "instances": list(self.machines.values()), "next_token": None}
        number = int(path.split("?")[0].rstrip("/").split("/")[-1])
        if method == "DELETE":
            self.machines.pop(number, None)
            return {"success": True}
        return {"instances": self.machines.get(number)}
