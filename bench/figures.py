"""The figures: which samples are held against which, what is aimed at, and how a result is made of them. See docs/benchmarks.md."""

import statistics

SCHEMA_VERSION = 1

# What a ratio means by kind: a rate over a rate; of two times, how many times as fast; a size over a size, where less is better.
RATE, TIME, SIZE = "rate", "time", "size"


class Figure:
    """One row. `aim` holds for the ratio, or with `aim_of="measured"` for what was measured; `needs` is who must take part."""

    def __init__(self, name, title, key, unit, kind, against=None, aim=None, aim_of="ratio", needs=()):
        self.name, self.title, self.key, self.unit, self.kind = name, title, key, unit, kind
        self.against, self.aim, self.aim_of, self.needs = against, aim, aim_of, needs

    def more_is_better(self, of):
        return self.kind != SIZE if of == "ratio" else self.kind == RATE


BARE = "bare libmicrohttpd"

FIGURES = {
    "http": [
        Figure("start", "start to ready", "start_ready_ms", "ms", TIME, ("start_version_ms", "dumont-fake --version", "ms"), 15, "measured"),
        Figure("show", "show-instance, requests", "show_fake_per_s", "/s", RATE, ("show_bare_per_s", BARE, "/s"), 0.6),
        Figure("show_p99", "show-instance, p99", "show_fake_p99_ms", "ms", TIME, ("show_bare_p99_ms", BARE, "ms")),
        Figure("show_failed", "show-instance, failed requests", "show_failed", "", SIZE, None, 0, "measured"),
        Figure("suspended", "10,000 connections, each reply 50 ms", "many_suspended_per_s", "/s", RATE,
               ("many_at_once_per_s", "the same at 0 ms", "/s"), 0.9),
        Figure("suspended_bare", "the same", "many_suspended_per_s", "/s", RATE, ("bare_suspended_per_s", "bare, each 50 ms", "/s")),
        Figure("suspended_cpu", "its processor time for each reply", "suspended_cpu_us", "µs", TIME,
               ("at_once_cpu_us", "the same at 0 ms", "µs")),
        Figure("suspended_library", "processor time, bare, each 50 ms", "bare_suspended_cpu_us", "µs", TIME,
               ("bare_at_once_cpu_us", "bare at 0 ms", "µs")),
        Figure("suspended_single", "10,000 connections, a single reply each", "single_suspended_ms", "ms", TIME,
               ("single_at_once_ms", "the same at 0 ms", "ms")),
        Figure("suspended_lost", "10,000 connections, lost replies", "many_lost", "", SIZE, None, 0, "measured"),
    ],
    "ssh": [
        Figure("ssh_minimal", "connect, authenticate, exec", "front_ms", "ms", TIME, ("minimal_ms", "minimal libssh server", "ms"), 0.6),
        Figure("ssh_sshd", "connect, authenticate, exec", "front_ms", "ms", TIME, ("sshd_ms", "OpenSSH's sshd", "ms"), 10, needs=("sshd",)),
    ],
    "machines": [
        Figure("machine", "memory of one of 100,000 machines", "machine_bytes", "B", SIZE, ("show_bytes", "the reply that shows it", "B"), 4096,
               "measured"),
    ],
    "check": [
        Figure("runs_8", "virtual runs, 8 offers", "runs_8_per_s", "/s", RATE, ("sha1_mib_per_s", "SHA-1, one core", "MiB/s"), 5000, "measured"),
        Figure("runs_64", "virtual runs, 64 offers", "runs_64_per_s", "/s", RATE, ("sha1_mib_per_s", "SHA-1, one core", "MiB/s"), 1200, "measured"),
    ],
    "store": [
        Figure("loopback", "loopback copy", "loopback", "MiB/s", RATE, ("sha1", "SHA-1, one core", "MiB/s")),
        Figure("b2_up", "1 GiB up, in parts", "parts_up", "MiB/s", RATE, ("bare_up", "bare handler with SHA-1", "MiB/s"), 0.8),
        Figure("b2_up_sha1", "1 GiB up, in parts", "parts_up", "MiB/s", RATE, ("sha1", "SHA-1, one core", "MiB/s")),
        Figure("b2_up_one", "1 GiB up, one upload (and MD5)", "whole_up", "MiB/s", RATE, ("bare_up", "bare handler with SHA-1", "MiB/s")),
        Figure("b2_up_disk", "1 GiB up, to disk, synced", "disk_up", "MiB/s", RATE, ("bare_up", "bare handler with SHA-1", "MiB/s")),
        Figure("b2_down", "1 GiB down", "down", "MiB/s", RATE, ("bare_down", BARE, "MiB/s"), 0.8),
        Figure("b2_down_loopback", "1 GiB down", "down", "MiB/s", RATE, ("loopback", "loopback copy", "MiB/s")),
        Figure("b2_down_disk", "1 GiB down, from disk", "disk_down", "MiB/s", RATE, ("bare_down", BARE, "MiB/s")),
        Figure("store_put", "dumont store put, 1 GiB", "dumont_put", "MiB/s", RATE, ("curl_put", "curl -T, bare with SHA-1", "MiB/s"), 0.8),
        Figure("store_get", "dumont store get, 1 GiB", "dumont_get", "MiB/s", RATE, ("curl_get", "curl -o, bare, synced", "MiB/s"), 0.8),
        Figure("small_up", "objects of 1 KiB up", "small_up_per_s", "/s", RATE, ("small_bare_up_per_s", "bare handler with SHA-1", "/s")),
        Figure("small_up_disk", "objects of 1 KiB up, synced", "small_disk_up_per_s", "/s", RATE,
               ("small_bare_up_per_s", "bare handler with SHA-1", "/s")),
        Figure("small_down", "objects of 1 KiB down", "small_down_per_s", "/s", RATE, ("small_bare_down_per_s", BARE, "/s")),
        Figure("list_1000", "100,000 names, pages of 1,000", "list_1000_s", "s", TIME, ("list_bare_1000_s", "as many bytes, bare", "s")),
        Figure("list_10000", "100,000 names, pages of 10,000", "list_10000_s", "s", TIME, ("list_bare_10000_s", "as many bytes, bare", "s")),
        Figure("store_memory", "memory at most, 1 GiB to disk", "disk_peak_mib", "MiB", SIZE, ("idle_mib", "idle", "MiB")),
        Figure("object", "memory of one of 100,000 objects", "object_bytes", "B", SIZE, ("row_bytes", "its row in a list", "B")),
    ],
    "files": [
        Figure("sftp_put_modelled", "sftp put 1 GiB, modelled", "modelled_put", "MiB/s", RATE, ("sshd_put", "OpenSSH's sshd", "MiB/s"), 0.5,
               needs=("sshd", "modelled")),
        Figure("sftp_get_modelled", "sftp get 1 GiB, modelled", "modelled_get", "MiB/s", RATE, ("sshd_get", "OpenSSH's sshd", "MiB/s"), 0.5,
               needs=("sshd", "modelled")),
        Figure("sftp_put_sandboxed", "sftp put 1 GiB, sandboxed", "sandboxed_put", "MiB/s", RATE, ("sshd_put", "OpenSSH's sshd", "MiB/s"), 0.5,
               needs=("sshd", "sandboxed")),
        Figure("sftp_get_sandboxed", "sftp get 1 GiB, sandboxed", "sandboxed_get", "MiB/s", RATE, ("sshd_get", "OpenSSH's sshd", "MiB/s"), 0.5,
               needs=("sshd", "sandboxed")),
        Figure("put", "dumont put 256 MiB, sandboxed", "dumont_put", "MiB/s", RATE, ("sandboxed_put", "sftp, the same machine", "MiB/s"),
               needs=("sandboxed",)),
        Figure("get", "dumont get 256 MiB, sandboxed", "dumont_get", "MiB/s", RATE, ("sandboxed_get", "sftp, the same machine", "MiB/s"),
               needs=("sandboxed",)),
    ],
}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def ratios(figure, measured, against):
    """Round by round, so that what disturbs a round disturbs both sides of it. One that was too short to be measured has none."""
    pairs = [(b, a) if figure.kind == TIME else (a, b) for a, b in zip(measured, against)]
    return [over / under for over, under in pairs if under > 0]


def judge(figure, row):
    """The aim, and whether it is met."""
    if figure.aim is None:
        return
    more = figure.more_is_better(figure.aim_of)
    value = row[figure.aim_of]["median"]
    met = value >= figure.aim if more else value <= figure.aim
    row["aim"] = {"of": figure.aim_of, "at": "least" if more else "most", "value": figure.aim, "met": met}


def compare(figure, row, former):
    """What it was in the former result, and by how many per cent it is better now; noise when the two spreads meet."""
    of = "ratio" if "ratio" in row else "measured"
    if former is None or of not in former:
        return
    now, then = row[of], former[of]
    row["former"] = {"of": of, **then}
    if then["median"] > 0:
        change = now["median"] / then["median"] - 1
        row["change"] = {"better_percent": round(100 * (change if figure.more_is_better(of) else -change), 1),
                         "noise": now["min"] <= then["max"] and then["min"] <= now["max"]}


def make_row(bench, figure, outcome, former):
    """One figure of the result: measured, or absent with the reason."""
    bare = {"name": figure.name, "bench": bench, "title": figure.title, "unit": figure.unit}
    reasons = [outcome["absent"][need] for need in figure.needs if need in outcome["absent"]]
    if "failed" in outcome:
        return {**bare, "absent": outcome["failed"]}
    if reasons:
        return {**bare, "absent": reasons[0]}
    measured = outcome["samples"][figure.key]
    row = {**bare, "measured": spread(measured)}
    if figure.against is not None:
        key, title, unit = figure.against
        found = ratios(figure, measured, outcome["samples"][key])
        if not found:
            return {**bare, "absent": "too short to be measured"}
        row["against"] = {"title": title, "unit": unit, **spread(outcome["samples"][key])}
        row["ratio"] = spread(found)
    judge(figure, row)
    compare(figure, row, former)
    return row


def make_rows(outcomes, former_rows):
    """All figures of the benches that were run, in the table's order; `former_rows` by name."""
    return [make_row(bench, figure, outcomes[bench], former_rows.get(figure.name))
            for bench, figures in FIGURES.items() if bench in outcomes for figure in figures]


# ---- The table -----------------------------------------------------------------------------------------------------------

HEADINGS = ("figure", "measured", "against", "", "ratio", "min … max", "aim", "former", "change")
RIGHT = (False, True, False, True, True, True, True, True, True)


def number(value):
    """Three digits or so, and no more than are known."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"


def with_unit(value, unit):
    return number(value) + ("" if unit == "" else unit if unit.startswith("/") else " " + unit)


def aim_text(row):
    aim = row.get("aim")
    if aim is None:
        return ""
    unit = row["unit"] if aim["of"] == "measured" else ""
    return ("≥ " if aim["at"] == "least" else "≤ ") + with_unit(aim["value"], unit) + (" " if aim["met"] else " ✗")


def change_text(row):
    if "change" not in row:
        return ""
    return f"{row['change']['better_percent']:+.0f} %" + (" ≈" if row["change"]["noise"] else "  ")


def page(result):
    """The table, and where and when it was measured."""
    machine, load = result["machine"], result["load_average"]
    changed = " and changes" if result["changed_since_commit"] else ""
    sources = f"commit {result['commit']}{changed}" if result["commit"] else "sources without a commit"
    return [*table(result["figures"]), "", f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib'] / 1024:.0f} GiB, Linux "
            f"{machine['kernel']}; load {load['before']} before, {load['after']} after",
            f"{sources}, {result['measured_at']}, {result['seconds']:.0f} s"]


def cells(row):
    if "absent" in row:
        return (row["title"], "not run: " + row["absent"])
    against, ratio = row.get("against"), row.get("ratio")
    former = row.get("former")
    return (row["title"], with_unit(row["measured"]["median"], row["unit"]), against["title"] if against else "",
            with_unit(against["median"], against["unit"]) if against else "", number(ratio["median"]) if ratio else "",
            f"{number(ratio['min'])} … {number(ratio['max'])}" if ratio else "", aim_text(row),
            number(former["median"]) if former else "", change_text(row))


def table(rows):
    """The lines of the table."""
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines if len(line) == len(HEADINGS)) for i in range(len(HEADINGS))]

    def line(parts):
        if len(parts) < len(HEADINGS):
            return parts[0].ljust(widths[0]) + "  " + parts[1]
        return "  ".join(part.rjust(width) if right else part.ljust(width) for part, width, right in zip(parts, widths, RIGHT)).rstrip()
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    return [line(lines[0]), rule, *map(line, lines[1:])]
