"""What the house tests share: the sources, the code without comments, and how a failure is told."""

import os
import re
import sys

SOURCE_FOLDERS = ("src", "fakes", "sim", "tests", "bench")
SKIPPED_FOLDERS = {".git", "build", "dumont-report", "__pycache__"}
SKIP_STATUS = 77  # ctest: SKIP_RETURN_CODE


def walk(root, folders, endings):
    """Paths, relative to root and with slashes, of the files in `folders` whose names end so, sorted."""
    found = []
    for folder in folders:
        for where, inner, names in os.walk(os.path.join(root, folder)):
            inner[:] = sorted(name for name in inner if name not in SKIPPED_FOLDERS)
            found += [os.path.relpath(os.path.join(where, name), root) for name in names if name.endswith(endings)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    """As many line feeds as the comment or literal had, and a space."""
    return " " + "\n" * match.group(0).count("\n")


def without_comments(text):
    """C text with its comments blanked; strings stay, and so do line numbers."""
    return TOKEN.sub(lambda match: blank(match) if match.group(0).startswith("/") else match.group(0), text)


def code_only(text):
    """C text with comments and the contents of literals blanked; line numbers stay."""
    return TOKEN.sub(blank, text)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP_STATUS)


def finish(name, mistakes):
    """Ends the test: one line a mistake, or one line of success."""
    for mistake in mistakes:
        print(mistake)
    if mistakes:
        sys.exit(f"{name}: {len(mistakes)} found")
    print(f"{name}: none found")
