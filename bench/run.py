#!/usr/bin/python3
"""Runs the benches, prints one table of figures and writes the same as JSON.

A figure is held against something measured in the same run, in turns with it; medians are shown. docs/benchmarks.md says what each means.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import figures

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PATIENCE_S = 1800
PAGE = os.path.join(ROOT, "docs", "benchmarks.md")
PAGE_BEGIN, PAGE_END = "<!-- the stored result -->\n```\n", "```\n<!-- up to here -->"
PROGRAMS = {
    "http": ["bench/bench-http", "fakes/dumont-fake"],
    "ssh": ["bench/bench-ssh"],
    "machines": ["bench/bench-machines"],
    "check": ["bench/bench-check"],
    "store": ["bench/bench-store", "fakes/dumont-fake", "src/cli/dumont"],
    "files": [os.path.join(HERE, "files.py"), "fakes/dumont-fake", "src/cli/dumont"],
}


def read_options(arguments):
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help="only these: " + ", ".join(PROGRAMS) + " (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, seconds in all: shows that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="JSON on standard output, not the table")
    parser.add_argument("--output", metavar="FILE", help="where the JSON goes (default: bench.json in the build folder)")
    parser.add_argument("--former", metavar="FILE", default=os.path.join(HERE, "former.json"),
                        help="the former result (default: bench/former.json)")
    parser.add_argument("--store", action="store_true",
                        help="make this result the former one of later runs, and the one that docs/benchmarks.md shows")
    parser.add_argument("--build", metavar="DIR", default=os.path.join(ROOT, "build", "release"), help="where the programs were built")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.benches if name not in PROGRAMS]
    if unknown:
        parser.error(f"{unknown[0]} is no bench; there are {', '.join(PROGRAMS)}")
    if options.store and (options.quick or options.benches):
        parser.error("--store keeps a whole result: neither --quick nor the names of benches go with it")
    options.benches = [name for name in PROGRAMS if not options.benches or name in options.benches]
    options.output = options.output or os.path.join(options.build, "bench.json")
    return options


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def run_bench(name, options, folder):
    """Its samples, and who is absent; or why it failed."""
    script, *programs = PROGRAMS[name]
    command = [os.path.join(options.build, part) for part in (script, *programs)]  # an absolute path stays what it is
    missing = [path for path in command if not os.path.exists(path)]
    if missing:
        return {"failed": f"{missing[0]} is not built", "samples": {}, "absent": {}}
    if script.endswith(".py"):
        command = [sys.executable, "-B", *command]
    try:
        run = subprocess.run(command + (["--quick"] if options.quick else []), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             check=False, timeout=PATIENCE_S, env={**os.environ, "TMPDIR": folder})
    except subprocess.TimeoutExpired:
        return {"failed": f"no end after {PATIENCE_S} s", "samples": {}, "absent": {}}
    if run.returncode != 0:
        said = run.stderr.strip().splitlines()
        return {"failed": said[-1] if said else f"status {run.returncode}", "samples": {}, "absent": {}}
    return json.loads(run.stdout)


def git(*words):
    run = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    return run.stdout.strip() if run.returncode == 0 else ""


def describe_machine():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return {"cpu": model, "cores": os.cpu_count(), "memory_mib": memory, "kernel": platform.release()}


def load_average():
    return round(os.getloadavg()[0], 2)


def read_former(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def measure(options):
    """The whole result."""
    former = {} if options.quick else read_former(options.former)
    began, load_before = time.monotonic(), load_average()
    outcomes = {}
    folder = tempfile.mkdtemp(prefix="dumont-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        for name in options.benches:
            progress(f"bench {name} …")
            outcomes[name] = run_bench(name, options, folder)
    finally:
        progress("")
        shutil.rmtree(folder, ignore_errors=True)
    result = {
        "schema_version": figures.SCHEMA_VERSION,
        "measured_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": git("rev-parse", "--short=12", "HEAD"),
        "changed_since_commit": git("status", "--porcelain", "--untracked-files=no") != "",
        "machine": describe_machine(),
        "load_average": {"before": load_before, "after": load_average()},
        "quick": options.quick,
        "seconds": round(time.monotonic() - began, 1),
        "former": {key: former[key] for key in ("measured_at", "commit", "machine", "load_average") if key in former} or None,
        "figures": figures.make_rows(outcomes, {row["name"]: row for row in former.get("figures", [])}),
        "samples": {name: outcome["samples"] for name, outcome in outcomes.items() if outcome["samples"]},
    }
    return result, any("failed" in outcome for outcome in outcomes.values())


def print_table(result):
    print("\n".join(figures.page(result)))
    if result["quick"]:
        print("--quick: these sizes say nothing of speed")
    if result["former"] is not None:
        print(f"former: commit {result['former']['commit']} of {result['former']['measured_at']}, load "
              f"{result['former']['load_average']['before']}; change: + is better, ≈ the spreads meet")
    print("ratio: how much of the speed of what it is held against; of memory, how many times as much. ✗: the aim is missed")


def stored(result):
    """What is kept of a result: the figures, not what they were compared with."""
    kept = {key: value for key, value in result.items() if key != "samples"}
    rows = [{key: value for key, value in row.items() if key not in ("former", "change")} for row in result["figures"]]
    return {**kept, "former": None, "figures": rows}


def put_into_page(result):
    """The page shows the stored result; a test holds the two together."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index(PAGE_BEGIN) + len(PAGE_BEGIN), text.index(PAGE_END)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text[:begin] + "\n".join(figures.page(result)) + "\n" + text[end:])


def write(path, result):
    """Whole or not at all."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(path + ".part", path)


def main():
    options = read_options(sys.argv[1:])
    result, failed = measure(options)
    write(options.output, result)
    if options.json:
        json.dump(result, sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        print_table(result)
        print(f"JSON: {options.output}")
    if options.store and not failed:
        write(options.former, stored(result))
        put_into_page(stored(result))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
