#!/usr/bin/python3
"""Format: every C file is as scripts/format leaves it.

    format.py ROOT           checks the tree
    format.py --self-test ROOT   proves with ROOT's .clang-format that an ill-formed file is found
"""

import os
import shutil
import subprocess
import sys
import tempfile

from house import SOURCE_FOLDERS, finish, skip, walk


def check(root):
    paths = walk(root, SOURCE_FOLDERS, (".c", ".h"))
    if not paths:
        sys.exit("there is nothing to check")
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file", *paths], cwd=root, check=False,
                         capture_output=True, text=True)
    mistakes = [line for line in run.stderr.splitlines() if ": error:" in line]
    if run.returncode != 0 and not mistakes:
        mistakes = [f"clang-format failed: {run.stderr.strip()}"]
    return mistakes


def self_test(root):
    wrong = []
    for text, good in (("int f(void)\n{\n    return 1;\n}\n", True), ("int f( void ) {return 1;}\n", False)):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "src"))
            shutil.copy(os.path.join(root, ".clang-format"), folder)
            with open(os.path.join(folder, "src", "planted.c"), "w", encoding="utf-8") as file:
                file.write(text)
            if (check(folder) == []) != good:
                wrong.append(f"{'refused' if good else 'accepted'}: {text!r}")
    finish("format's self-test: mistakes", wrong)


if __name__ == "__main__":
    if shutil.which("clang-format") is None:
        skip("there is no clang-format here")
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        self_test(sys.argv[2])
    elif len(sys.argv) == 2:
        finish("files that scripts/format would change: places", check(sys.argv[1]))
    else:
        sys.exit(__doc__)
