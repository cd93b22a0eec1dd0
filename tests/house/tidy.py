#!/usr/bin/python3
"""Tidy: no unfinished business, no stray blanks, no file or function that outgrew its screen, no path of one machine.

    tidy.py ROOT           checks the tree
    tidy.py --self-test    proves that each rule can fail, on files planted in a temporary folder
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from house import finish, walk

FOLDERS = ("src", "fakes", "sim", "tests", "bench", "cmake", "scripts", "docs", "scenarios", "plots", ".ci")
CODE_ENDINGS = (".c", ".h", ".py", ".sh", ".cmake")
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 90

# Put together from halves, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK")) + r")\b")
TRAILING = re.compile(r"[ \t]+$")


def foreign_paths(root):
    """Paths that exist on this machine alone: the tree itself, and what lies beside it."""
    here = os.path.abspath(root)
    if here.count("/") < 2:
        return None
    return re.compile(re.escape(here) + r"\b|" + re.escape(os.path.dirname(here)) + "/sha" r"red\b|/home/\w+/|/tmp/\w*build")


def check_lines(path, text, paths):
    mistakes = []
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            mistakes.append(f"{path}:{number}: unfinished: {line.strip()}")
        if TRAILING.search(line):
            mistakes.append(f"{path}:{number}: blanks at the end of the line")
        if paths is not None and paths.search(line):
            mistakes.append(f"{path}:{number}: a path of one machine: {line.strip()}")
    if text and not text.endswith("\n"):
        mistakes.append(f"{path}: no line feed at the end")
    lines = text.count("\n")
    if path.endswith(CODE_ENDINGS) and lines > FILE_LINES_MAX:
        mistakes.append(f"{path}: {lines} lines; {FILE_LINES_MAX} are the most")
    return mistakes


def check_functions(root, paths):
    """Needs Universal Ctags; without it the other rules still hold."""
    if not paths:
        return []
    if shutil.which("ctags") is None:
        print("functions are not measured: there is no ctags here")
        return []
    run = subprocess.run(["ctags", "-x", "--kinds-C=f", "--_xformat=%F\t%n\t%e\t%N", *paths], cwd=root, check=True,
                         capture_output=True, text=True)
    mistakes = []
    for line in run.stdout.splitlines():
        path, start, end, name = line.split("\t")
        lines = int(end) - int(start) + 1 if end.isdigit() else 0
        if lines > FUNCTION_LINES_MAX:
            mistakes.append(f"{path}:{start}: {name}() has {lines} lines; {FUNCTION_LINES_MAX} are the most")
    return mistakes


def check(root):
    mistakes = []
    top = [name for name in sorted(os.listdir(root)) if os.path.isfile(os.path.join(root, name))]
    paths = foreign_paths(root)
    for path in top + walk(root, FOLDERS, ""):
        if path.startswith("docs/example/"):
            continue  # made by the program, kept as it came
        with open(os.path.join(root, path), "rb") as file:
            raw = file.read()
        if b"\0" in raw:
            continue  # an image
        mistakes += check_lines(path, raw.decode("utf-8", "replace"), paths)
    return mistakes + check_functions(root, walk(root, FOLDERS, (".c", ".h")))


def self_test():
    body = "    x();\n"
    planted = [
        ("src/a.c", "int x;\n", None),
        ("src/a.c", "int x; // TO" "DO: more\n", "unfinished"),
        ("docs/a.md", "HA" "CK\n", "unfinished"),
        ("src/a.c", "int mkdtemp_template_XX" "XXXX;\n", None),
        ("src/a.c", "int x; \n", "blanks"),
        ("src/a.c", "int x;", "no line feed"),
        ("src/a.c", "int x;\n" * FILE_LINES_MAX, None),
        ("src/a.c", "int x;\n" * (FILE_LINES_MAX + 1), "lines; 600"),
        ("docs/a.md", "word\n" * (FILE_LINES_MAX + 1), None),
        ("scripts/a", "cd ROOT/src\n", "a path of one machine"),
        ("scripts/a", "cat /home/" "somebody/key\n", "a path of one machine"),
        ("plots/a.png", "\0 \n", None),
    ]
    if shutil.which("ctags") is not None:
        planted += [
            ("src/a.c", "void f(void)\n{\n" + body * (FUNCTION_LINES_MAX - 3) + "}\n", None),
            ("src/a.c", "void f(void)\n{\n" + body * (FUNCTION_LINES_MAX - 2) + "}\n", "f() has 91 lines"),
        ]
    wrong = []
    for path, text, expected in planted:
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(path)))
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text.replace("ROOT", root))
            found = check(root)
        good = found == [] if expected is None else len(found) == 1 and expected in found[0]
        if not good:
            wrong.append(f"{path}: expected {expected}, found {found}")
    finish("tidy's self-test: mistakes", wrong)


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) == 2:
        finish("untidy places", check(sys.argv[1]))
    else:
        sys.exit(__doc__)
