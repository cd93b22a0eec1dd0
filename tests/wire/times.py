#!/usr/bin/python3
"""The recorded times, over sockets: dumont-fake --recording seed-run -- dumont check --json.

    times.py SPEED TOTAL_TOLERANCE PHASE_TOLERANCE_S DUMONT DUMONT_FAKE

The total within TOTAL_TOLERANCE (0.01: one per cent) of the recorded one, each phase within PHASE_TOLERANCE_S (0: not looked at).
A machine that is busy with other things makes a run late, never early: the best of three counts.
"""

import json
import subprocess
import sys

RECORDED = {"search_offers": 1.26, "create_instance": 1.59, "wait_running": 72.77, "wait_ssh": 12.36, "create_file": 4.18,
            "verify_file": 2.13, "collect_gpu_info": 4.21, "destroy_instance": 0.48}
TOTAL_S = 98.98
TRIES = 3


def differences(speed, total_tolerance, phase_tolerance_s, dumont, fake):
    done = subprocess.run([fake, "--recording", "seed-run", "--speed", speed, "--", dumont, "check", "--json"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    report = json.loads(done.stdout)
    phases = {phase["name"]: phase["seconds"] for phase in report["phases"]}
    wrong = []
    if abs(report["total_seconds"] - TOTAL_S) > total_tolerance * TOTAL_S:
        wrong.append(f"total: {report['total_seconds']} s, recorded {TOTAL_S} s")
    if list(phases) != list(RECORDED):
        wrong.append(f"phases: {list(phases)}")
    for name, seconds in RECORDED.items():
        if phase_tolerance_s > 0 and abs(phases.get(name, 1e9) - seconds) > phase_tolerance_s:
            wrong.append(f"{name}: {phases.get(name)} s, recorded {seconds} s")
    return wrong


def main(speed, total_tolerance, phase_tolerance_s, dumont, fake):
    wrong = []
    for _ in range(TRIES):
        wrong = differences(speed, float(total_tolerance), float(phase_tolerance_s), dumont, fake)
        if not wrong:
            return 0
        print(f"speed {speed}:", "; ".join(wrong), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 6 else __doc__)
