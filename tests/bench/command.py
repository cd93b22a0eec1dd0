#!/usr/bin/python3
"""The bench command: from the programs to the table, the JSON beside it and the former result. Speed is never asserted.

    command.py ROOT BUILD_FOLDER
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT, BUILD = map(os.path.abspath, sys.argv[1:3]) if len(sys.argv) >= 3 else ("", "")
sys.path.insert(0, os.path.join(ROOT, "bench"))
import figures  # noqa: E402


def planted(values, absent=None):
    """What a bench program could have measured: the same values in every series."""
    names = {name for group in figures.FIGURES.values() for figure in group for name in
             (figure.key, *([figure.against[0]] if figure.against else []))}
    return {"samples": {name: list(values) for name in names}, "absent": absent or {}}


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dumont-bench-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_bench(self, *arguments):
        command = [sys.executable, "-B", os.path.join(ROOT, "bench", "run.py"), "--build", BUILD, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, timeout=100,
                              env={**os.environ, "TMPDIR": self.folder})

    def test_the_table_and_the_json_tell_the_same(self):
        run = self.run_bench("check", "--quick", "--output", self.path("out.json"))
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(self.path("out.json"), encoding="utf-8") as file:
            result = json.load(file)
        self.assertEqual([row["name"] for row in result["figures"]], [figure.name for figure in figures.FIGURES["check"]])
        lines = run.stdout.splitlines()
        self.assertEqual(lines[2:2 + len(result["figures"])], figures.table(result["figures"])[2:])
        for line, row in zip(lines[2:], result["figures"]):
            self.assertTrue(line.startswith(row["title"]))
            self.assertIn(figures.with_unit(row["measured"]["median"], row["unit"]), line)
            self.assertIn(figures.number(row["ratio"]["median"]), line)
            self.assertEqual(row["measured"]["rounds"], len(result["samples"]["check"][row["name"] + "_per_s"]))
        self.assertEqual(os.listdir(self.folder), ["out.json"], "something is left")
        self.validate(self.path("out.json"))

    def test_json_on_standard_output_is_what_the_file_holds(self):
        run = self.run_bench("check", "--quick", "--json", "--output", self.path("out.json"))
        with open(self.path("out.json"), encoding="utf-8") as file:
            self.assertEqual(json.loads(run.stdout), json.load(file))

    def validate(self, path):
        validator = os.path.join(ROOT, "tests", "house", "validate_json.py")
        run = subprocess.run([sys.executable, "-B", validator, os.path.join(ROOT, "docs", "schema", "bench.schema.json"), path],
                             capture_output=True, text=True, check=False)
        self.assertIn(run.returncode, (0, 77), run.stdout + run.stderr)  # 77: no jsonschema here

    def test_the_stored_result_fits_the_schema_and_is_the_one_that_the_page_shows(self):
        path = os.path.join(ROOT, "bench", "former.json")
        self.validate(path)
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
        self.assertFalse(stored["quick"])
        with open(os.path.join(ROOT, "docs", "benchmarks.md"), encoding="utf-8") as file:
            self.assertIn("\n".join(figures.page(stored)), file.read())

    def test_what_is_not_built_fails_its_figures_and_the_command(self):
        run = self.run_bench("machines", "--build", self.folder, "--output", self.path("out.json"))
        self.assertEqual(run.returncode, 1)
        self.assertIn("not run: ", run.stdout)
        self.assertIn("is not built", run.stdout)

    def test_wrong_options_are_refused(self):
        for arguments in (["speed"], ["--store", "--quick"], ["--store", "http"], ["--fast"]):
            self.assertEqual(self.run_bench(*arguments).returncode, 2, arguments)
        self.assertEqual(os.listdir(self.folder), [])

    def test_help_names_every_bench(self):
        told = self.run_bench("--help").stdout
        for name in figures.FIGURES:
            self.assertIn(name, told)


class Figures(unittest.TestCase):
    def rows(self, outcome, former=None):
        return {row["name"]: row for row in figures.make_rows({name: outcome for name in figures.FIGURES}, former or {})}

    def test_names_are_given_once_and_explained(self):
        names = [figure.name for group in figures.FIGURES.values() for figure in group]
        self.assertEqual(len(names), len(set(names)))
        with open(os.path.join(ROOT, "docs", "benchmarks.md"), encoding="utf-8") as file:
            explained = set(re.findall(r"`([a-z0-9_]+)`", file.read()))
        self.assertEqual([name for name in names if name not in explained], [])

    def test_a_ratio_is_taken_round_by_round(self):
        rate = figures.Figure("x", "x", "a", "/s", figures.RATE, ("b", "b", "/s"), 0.6)
        time = figures.Figure("x", "x", "a", "ms", figures.TIME, ("b", "b", "ms"), 0.6)
        outcome = {"samples": {"a": [1, 20, 6], "b": [2, 10, 3]}, "absent": {}}
        self.assertEqual(figures.make_row("http", rate, outcome, None)["ratio"], {"median": 2, "min": 0.5, "max": 2, "rounds": 3})
        self.assertEqual(figures.make_row("http", time, outcome, None)["ratio"], {"median": 0.5, "min": 0.5, "max": 2, "rounds": 3})

    def test_a_round_too_short_to_be_measured_has_no_ratio(self):
        figure = figures.Figure("x", "x", "a", "ms", figures.TIME, ("b", "b", "ms"))
        row = figures.make_row("http", figure, {"samples": {"a": [0, 2], "b": [1, 4]}, "absent": {}}, None)
        self.assertEqual(row["ratio"], {"median": 2, "min": 2, "max": 2, "rounds": 1})
        row = figures.make_row("http", figure, {"samples": {"a": [0], "b": [1]}, "absent": {}}, None)
        self.assertEqual(row["absent"], "too short to be measured")

    def test_an_aim_is_judged_in_its_own_direction(self):
        cases = ((figures.RATE, 0.6, "ratio", "least", True), (figures.RATE, 1.1, "ratio", "least", False),
                 (figures.TIME, 1.1, "ratio", "least", False), (figures.TIME, 3, "measured", "most", True),
                 (figures.TIME, 1, "measured", "most", False), (figures.SIZE, 2, "measured", "most", True),
                 (figures.RATE, 2, "measured", "least", True), (figures.RATE, 3, "measured", "least", False))
        for kind, aim, of, at, met in cases:
            figure = figures.Figure("x", "x", "a", "", kind, ("a", "a", ""), aim, of)
            row = figures.make_row("http", figure, {"samples": {"a": [2]}, "absent": {}}, None)
            self.assertEqual(row["aim"], {"of": of, "at": at, "value": aim, "met": met})
            self.assertEqual("✗" in figures.table([row])[2], not met)

    def test_who_is_absent_is_told_with_the_reason(self):
        rows = self.rows(planted([1], {"sshd": "there is none"}))
        self.assertEqual(rows["ssh_sshd"]["absent"], "there is none")
        self.assertNotIn("measured", rows["ssh_sshd"])
        self.assertIn("measured", rows["ssh_minimal"])
        self.assertTrue(any("not run: there is none" in line for line in figures.table(list(rows.values()))))

    def test_a_change_is_better_or_worse_and_may_be_noise(self):
        for name in ("show", "suspended", "machine"):
            former = self.rows(planted([1]))
            self.assertEqual(self.rows(planted([1]), former)[name]["change"], {"better_percent": 0, "noise": True})
            former[name]["ratio"] = {"median": 0.5, "min": 0.5, "max": 0.5, "rounds": 1}
            change = self.rows(planted([1]), former)[name]["change"]
            self.assertEqual(change, {"better_percent": -100 if name == "machine" else 100, "noise": False}, name)

    def test_a_figure_without_a_former_has_no_change(self):
        self.assertNotIn("change", self.rows(planted([1]))["show"])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    unittest.main(argv=[sys.argv[0]])
