#!/usr/bin/python3
"""Soak: what runs on and on leaves memory, descriptors, threads and temporary files where they were.

    soak.py SECONDS DUMONT DUMONT_FAKE    checks against one fake at --speed 60, one after the other, for SECONDS

The fake keeps the history and the machines of all runs until it is reset; so it is looked at after resets.
"""

import os
import sys
import time

from stage import Stage

RUNS_BETWEEN_RESETS = 10
WARM_UP_RESETS = 2
MEMORY_SLACK_KB = 1024  # pages that an allocator may keep; a leak of one block a run would pass it within the ten minutes


def state_of(running):
    """Resident memory, descriptors, threads and temporary files of the fake, once it holds nothing."""
    running.control("/v1/reset", "POST", {})
    pid = running.process.pid
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(line.split(":", 1) for line in file)
    return {"memory_kb": int(status["VmRSS"].split()[0]), "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(status["Threads"]), "files": sorted(os.listdir(running.path("tmp")))}


def compare(before, after):
    mistakes = [f"{what}: {before[what]} before, {after[what]} after"
                for what in ("descriptors", "threads", "files") if after[what] != before[what]]
    if after["memory_kb"] - before["memory_kb"] > MEMORY_SLACK_KB:
        mistakes.append(f"memory: {before['memory_kb']} kB before, {after['memory_kb']} kB after")
    return mistakes


def soak(seconds, running):
    states, runs, until = [], 0, time.monotonic() + seconds
    while time.monotonic() < until or len(states) <= WARM_UP_RESETS:
        outcome = running.run("check", "--quiet")
        if outcome.status != 0 or running.machines():
            return [f"run {runs}: status {outcome.status}, machines left {running.machines()}: {outcome.err}"]
        runs += 1
        if runs % RUNS_BETWEEN_RESETS == 0:
            states.append(state_of(running))
    print(f"{runs} runs; after {WARM_UP_RESETS * RUNS_BETWEEN_RESETS}: {states[WARM_UP_RESETS - 1]}; at the end: {states[-1]}")
    return compare(states[WARM_UP_RESETS - 1], states[-1])


def main(seconds, dumont, fake):
    with Stage(fake, dumont) as running:
        mistakes = soak(float(seconds), running)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(os.path.abspath, sys.argv[2:])) if len(sys.argv) == 4 else __doc__)
