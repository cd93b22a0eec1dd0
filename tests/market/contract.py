#!/usr/bin/python3
"""Runs the contracts of the folder contract over sockets, against a Vast.ai API such as dumont-fake's.

    contract.py [--url URL] [--key KEY] [--control URL] [FILE...]

URL, key and control API default to VAST_URL, VAST_API_KEY and DUMONT_CONTROL_URL. With a control API time is moved forward instead
of waited for. Contracts that need other switches than the defaults are run only when they are named. test_contract.c says what the
files mean.
"""

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "contract")
TYPES = {
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
MISSING = object()


class Mistake(Exception):
    pass


def at_pointer(value, pointer):
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            return MISSING
    return value


class Player:
    def __init__(self, url, key, control):
        self.url, self.key, self.control = url.rstrip("/"), key, control

    def send(self, method, target, headers, body):
        url = target if "://" in target else self.url + target
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def wait(self, seconds):
        if seconds <= 0:
            return
        if self.control is None:
            time.sleep(seconds)
            return
        body = json.dumps({"advance_s": seconds}).encode()
        status, _, text = self.send("POST", self.control.rstrip("/") + "/v1/clock", {"Content-Type": "application/json"}, body)
        if status >= 300:
            raise Mistake(f"the control API answers {status} {text!r}")

    def substitute(self, text, variables):
        def alone(match):
            value = variables[match.group(1)]
            return json.dumps(value) if isinstance(value, (int, float)) else '"' + str(value) + '"'

        text = re.sub(r'"\$\{(\w+)\}"', alone, text)
        return re.sub(r"\$\{(\w+)\}", lambda match: str(variables[match.group(1)]), text)

    def ask(self, request, variables):
        headers = dict(request.get("headers", {}))
        key = request.get("key", "header")
        if key in ("header", "wrong"):
            headers["Authorization"] = "Bearer " + (self.key if key == "header" else "guess")
        body = None
        if "body" in request:
            body = self.substitute(json.dumps(request["body"]), variables).encode()
        status, got, text = self.send(request["method"], self.substitute(request["path"], variables), headers, body)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = MISSING
        return status, got.get("Content-Type"), text, answer

    def check(self, wanted, status, content_type, text, answer, variables):
        if status != wanted["status"]:
            raise Mistake(f"status {status} instead of {wanted['status']}: {text[:500]!r}")
        if (answer is not MISSING or "content_type" in wanted) and content_type != wanted.get("content_type", "application/json"):
            raise Mistake(f"content type {content_type!r}")
        for pointer, types in wanted.get("has", {}).items():
            value = at_pointer(answer, pointer)
            if value is MISSING or not any(TYPES[name](value) for name in types.split(" or ")):
                raise Mistake(f"{pointer} is no {types}: {text[:500]!r}")
        for pointer in wanted.get("lacks", []):
            if at_pointer(answer, pointer) is not MISSING:
                raise Mistake(f"{pointer} is there: {text[:500]!r}")
        for pointer, value in wanted.get("equals", {}).items():
            value = json.loads(self.substitute(json.dumps(value), variables))
            if at_pointer(answer, pointer) != value:
                raise Mistake(f"{pointer} is not {value!r}: {text[:500]!r}")

    def step(self, step, variables):
        self.wait(step.get("advance_s", 0))
        status, content_type, text, answer = self.ask(step["request"], variables)
        until = step.get("until")
        times = 0
        while until is not None and at_pointer(answer, until["pointer"]) != until["value"]:
            times += 1
            if times > until["times"]:
                raise Mistake(f"waited in vain for {until['pointer']}: {text[:500]!r}")
            self.wait(until["every_s"])
            status, content_type, text, answer = self.ask(step["request"], variables)
        self.check(step["answer"], status, content_type, text, answer, variables)
        for name, pointer in step.get("save", {}).items():
            variables[name] = at_pointer(answer, pointer)
            if variables[name] is MISSING:
                raise Mistake(f"there is no {pointer}: {text[:500]!r}")

    def run(self, contract):
        variables = {"api_key": self.key}
        for number, step in enumerate(contract["steps"], 1):
            try:
                self.step(step, variables)
            except Mistake as mistake:
                raise Mistake(f"step {number}: {mistake}") from None


def main():
    parser = argparse.ArgumentParser(description="Runs the contracts of known Vast.ai clients over sockets.")
    parser.add_argument("--url", default=os.environ.get("VAST_URL"))
    parser.add_argument("--key", default=os.environ.get("VAST_API_KEY"))
    parser.add_argument("--control", default=os.environ.get("DUMONT_CONTROL_URL"))
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    if options.url is None or options.key is None:
        parser.error("no address: give --url and --key, or run under dumont-fake")
    names = options.files or sorted(os.path.join(FOLDER, name) for name in os.listdir(FOLDER) if name.endswith(".json"))
    player = Player(options.url, options.key, options.control)
    failed = run = 0
    for name in names:
        with open(name, encoding="utf-8") as file:
            contract = json.load(file)
        if "market" in contract and not options.files:
            continue
        run += 1
        try:
            player.run(contract)
        except Mistake as mistake:
            failed += 1
            print(f"{os.path.basename(name)} ({contract['client']}, {contract['row']}): {mistake}", file=sys.stderr)
    print(f"{run - failed} of {run} contracts hold")
    return 1 if failed or run == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
