#!/usr/bin/python3
"""Parity: a scenario tells the same story in virtual time and over sockets.

    parity.py SOURCE_DIR DUMONT DUMONT_FAKE DUMONT_SIM [SCENARIO ...]    compares; all scenarios, or those named
    parity.py --self-test                                                proves that a difference is found

The rule: of each actor's own events the order is compared, times are not. What depends on the world and not on the story is
left out (random names, addresses, byte counts, durations). Looks that were repeated with the same result count once: how many
of them fit between two changes depends on a millisecond. Both runs end with the same status, and with the same machines in the
cloud.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

SPEEDS = (40, 8, 2)  # a story that a millisecond of the machine's decided is told again, slower
LONGEST_S = (6, 60, 90)  # of a telling: a longer story is told faster
AT_ONCE = 8
LIMIT_S = 240

LABEL = re.compile(r"dumont-([a-z]+)-[0-9a-f]{16}-(\d+)")
# What is told by another task than the journey's own, in an order of its own.
COURIER = ("event.stored", "event.undelivered", "event.spooled")
# What a scenario says of the client's surroundings, not of its command line.
NO_OPTION = ("interrupt_at_s", "events_migrated", "webhooks", "act", "answer", "instance_id")
# A port that listens for other requests cannot refuse one of them: it resets the connection that brought it.
NO_CONNECTION = {"connection_refused": "no_connection", "connection_reset": "no_connection"}
# Over sockets the events store is a real one, and so is what it lacks.
FAULTS_OF_THE_STORE = ("missing-table",)
LEFT_OUT = ("log.line", "offer.bound")


def neutral(text):
    return LABEL.sub(r"dumont-\1-RUN-\2", text)


def token(event):
    """What an event says of the story."""
    kind, ids, data = event["kind"], event.get("ids", {}), event.get("data", {})
    if kind == "http.req":
        return ("http", data["method"], data["path"])
    if kind == "http.resp":
        return ("answer", data.get("status"), NO_CONNECTION.get(data.get("error"), data.get("error")))
    if kind == "client.start":  # what the report says of the stage; over sockets the clock page tells it
        return (kind, *(str(data.get(name)) for name in ("journey", "scenario", "seed", "timing", "timing_from")))
    if kind == "inst.seen":
        return ("seen", data.get("gone"), data.get("actual_status"), data.get("intended_status"))
    if kind in ("phase.start", "phase.end"):
        return (kind, data["name"], data.get("outcome"))
    if kind == "ssh.open":
        return (kind,)
    if kind == "ssh.exec":
        return (kind, neutral(data["command"]))
    if kind == "ssh.close":
        return (kind, data["outcome"], data.get("exit_status"), data.get("stdout_bytes"))
    if kind == "client.decide":
        return (kind, data["what"], neutral(ids.get("label", "")))
    if kind == "fault.seen":
        return (kind, data["fault"])
    if kind == "ledger.write":
        return (kind, data["state"], neutral(ids.get("label", "")))
    if kind == "event.emitted":
        return (kind, data["name"])
    if kind == "validation":
        return (kind, data["name"], data["passed"])
    if kind == "client.report":
        error = data["error"]["code"] if data.get("error") else None
        return (kind, data["outcome"], error, data["exit_status"], len(data["machines_left"]))
    if kind == "client.exit":
        return (kind, data["exit_status"])
    if kind == "search.result":
        return (kind, data["found"], data["fitting"])
    return (kind,)


def looks(tokens):
    """Joins what belongs to one look: a request with its answer and what was seen in it, a session with its commands."""
    joined, current = [], []
    for one in tokens:
        begins = one[0] in ("http", "ssh.open")
        continues = one[0] in ("answer", "seen", "ssh.exec", "ssh.close") or (current and one[0] == "fault.seen")
        if current and not continues:
            joined.append(tuple(current))
            current = []
        if begins:
            current = [one]
        elif current and continues:
            current.append(one)
        else:
            joined.append((one,))
    if current:
        joined.append(tuple(current))
    return joined


def folded(story):
    """Without immediate repetitions, of one entry or of a pair of them (a look and an attempt in turns)."""
    out = []
    for one in story:
        out.append(one)
        if out[-1:] == out[-2:-1]:
            out.pop()
        elif len(out) >= 4 and out[-2:] == out[-4:-2]:
            del out[-2:]
    return out


def client_story(events):
    own = [event for event in events if event["stream"] == "client" and event["kind"] not in LEFT_OUT]
    journey = folded(looks([token(event) for event in own if event["kind"] not in COURIER]))
    courier = [token(event) for event in own if event["kind"] in COURIER]
    return journey, courier


def cloud_story(events):
    """What truly happened to each machine, and which faults acted."""
    states, faults = {}, []
    for event in events:
        if event["stream"] != "cloud":
            continue
        if event["kind"] == "inst.state":
            states.setdefault(event["ids"]["instance"], []).append(event["data"]["state"])
        elif event["kind"] == "fault.on" and event["data"]["fault"] not in FAULTS_OF_THE_STORE:
            faults.append(event["data"]["fault"])
    return {machine: folded(story) for machine, story in states.items()}, sorted(set(faults))


def first_difference(name, virtual, sockets):
    for at in range(max(len(virtual), len(sockets))):
        left = virtual[at] if at < len(virtual) else "(nothing)"
        right = sockets[at] if at < len(sockets) else "(nothing)"
        if left != right:
            before = virtual[max(0, at - 2):at]
            return [f"{name}, entry {at}, after {before}:", f"    virtual: {left}", f"    sockets: {right}"]
    return []


def compare(virtual, sockets):
    mistakes = []
    for name, left, right in zip(("journey", "courier"), client_story(virtual), client_story(sockets)):
        mistakes += first_difference(name, left, right)
    for name, left, right in zip(("machines", "faults that acted"), cloud_story(virtual), cloud_story(sockets)):
        if left != right:
            mistakes += [f"{name}:", f"    virtual: {left}", f"    sockets: {right}"]
    return mistakes


def read_history(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def scenario_of(path):
    """The scenario without its comments."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"^\s*//.*$|(?<=[\s,{\[])//[^\n\"]*$", "", file.read(), flags=re.MULTILINE)
    return json.loads(text)


def client_command(scenario, dumont):
    command = [dumont, scenario.get("journey", "check")]
    for option, value in scenario.get("client", {}).items():
        if option in NO_OPTION:
            continue
        if value is True:
            command.append("--" + option.replace("_", "-"))
        elif value is not False:
            command += ["--" + option.replace("_", "-"), str(value)]
    return command + (["--yes"] if command[1] == "reap" else [])


def run(command, environment):
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
    return done.returncode, done.stderr.decode()


def make_events_store(virtual, environment, folder, dumont):
    """The events store has its tables, unless the run in virtual time met one without."""
    environment["DUMONT_DATABASE"] = "sqlite:" + os.path.join(folder, "events.sqlite")
    if not any(event["kind"] == "fault.seen" and event["data"]["fault"] == "missing-table" for event in virtual):
        subprocess.run([dumont, "events", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)


def tell(path, scenario, speed, longest_s, folder, programs):
    """Both runs: the histories, the statuses and what was said."""
    dumont, fake, sim = programs
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8"}
    virtual, client, cloud = (os.path.join(folder, name) for name in ("virtual", "client", "cloud"))
    virtual_status, _ = run([sim, "run", path, "--quiet", "--history", virtual], environment)
    events = read_history(virtual)
    make_events_store(events, environment, folder, dumont)
    speed = max(speed, events[-1]["t_us"] / 1e6 / longest_s)
    command = client_command(scenario, dumont) + ["--quiet", "--history", client]
    interrupt_s = scenario.get("client", {}).get("interrupt_at_s")
    if interrupt_s is not None:
        command = ["/bin/sh", "-c", f'"$0" "$@" & sleep {interrupt_s / speed}; kill -INT $!; wait $!', *command]
    if scenario.get("account", {}).get("key_accepted") is False:
        command = ["/usr/bin/env", "VAST_API_KEY=nobodys-key", *command]
    status, said = run([fake, "--scenario", path, "--speed", f"{speed:.3f}", "--history", cloud, "--", *command], environment)
    if not os.path.exists(client):
        return read_history(virtual), [], virtual_status, status, said
    sockets = read_history(client) + [event for event in read_history(cloud) if event["stream"] == "cloud"]
    return read_history(virtual), sockets, virtual_status, status, said


def check_scenario(path, programs):
    scenario = scenario_of(path)
    mistakes = []
    for speed, longest_s in zip(SPEEDS, LONGEST_S):
        with tempfile.TemporaryDirectory(prefix="dumont-parity-") as folder:
            virtual, sockets, virtual_status, status, said = tell(path, scenario, speed, longest_s, folder, programs)
        mistakes = compare(virtual, sockets)
        if status != virtual_status:
            mistakes.append(f"exit status: virtual {virtual_status}, sockets {status}: {said}")
        if not mistakes:
            break
        print(f"{scenario['name']}: not the same at speed {speed}: {mistakes[0]}", file=sys.stderr)
    return mistakes


def is_told_elsewhere(path):
    """Consent is asked in live mode alone, which has no clock page; a database in trouble and receivers are real ones: all in tests/cli."""
    scenario = scenario_of(path)
    in_trouble = any(fault["id"].startswith("pg-") for fault in scenario.get("faults", []))
    return in_trouble or not {"answer", "webhooks"}.isdisjoint(scenario.get("client", {}))


def self_test():
    def event(kind, **data):
        return {"stream": "client", "kind": kind, "ids": {}, "data": data}

    look = [event("http.req", method="GET", path="/a"), event("http.resp", status=200)]
    other = [event("http.req", method="GET", path="/a"), event("http.resp", status=500)]
    end = [event("client.exit", exit_status=0)]
    assert compare(look + end, look + look + end) == [], "equal looks count once"
    assert compare(look + end, look + other + end) != [], "another answer is a difference"
    assert compare(look + end, look) != [], "a missing end is a difference"
    assert compare(look + other + look, look + other) != [], "the order counts"
    assert compare(look + other + look + other + end, look + other + end) == [], "pairs in turns count once"
    born = [{"stream": "cloud", "kind": "inst.state", "ids": {"instance": 1}, "data": {"state": None}}]
    assert compare(born, []) != [], "a machine that one world lacks is a difference"
    assert neutral("echo dumont-check-0123456789abcdef-0") == "echo dumont-check-RUN-0"


def main(source, dumont, fake, sim, *names):
    folder = os.path.join(source, "scenarios")
    names = names or sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".json"))
    names = [name for name in names if not is_told_elsewhere(os.path.join(folder, name + ".json"))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {name: pool.submit(check_scenario, os.path.join(folder, name + ".json"), (dumont, fake, sim)) for name in names}
        for name, job in jobs.items():
            mistakes = job.result()
            failed += bool(mistakes)
            for line in mistakes:
                print(f"{name}: {line}")
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) >= 5:
        sys.exit(main(*sys.argv[1:]))
    else:
        sys.exit(__doc__)
