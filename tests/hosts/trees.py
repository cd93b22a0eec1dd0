"""Trees of files that are sent about: awkward names, modes, times, links."""

import os
import random

AWKWARD_NAMES = ["plain", "with blank", " leading", "trailing ", "ünïcödé ☃", "-dash", "semi;colon", "quote'quote", 'double"quote',
                 "back\\slash", "dollar$HOME", "star*", "a" * 200, ".hidden", "tab\tname", "#hash", "~tilde", "%s", "new\nline"]


def make_tree(folder, seed, total=1024 * 1024, links=False):
    """Small random files under awkward names, with modes, times, an empty folder and, when asked for, symbolic links."""
    draw = random.Random(seed)
    os.makedirs(os.path.join(folder, "sub", "deeper"))
    os.mkdir(os.path.join(folder, "empty"))
    left, number = total, 0
    while left > 0:
        size = min(left, draw.choice([0, 1, 100, 4096, 4097, 32768, 70000]))
        name = AWKWARD_NAMES[number] if number < len(AWKWARD_NAMES) else f"file{number}"
        path = os.path.join(folder, draw.choice(["", "sub", "sub/deeper"]), name)
        with open(path, "wb") as file:
            file.write(draw.randbytes(size))
        os.chmod(path, draw.choice([0o600, 0o644, 0o755, 0o400, 0o640]))
        when = 1577934245 + number * 1000
        os.utime(path, (when, when))
        left, number = left - size, number + 1
    if links:
        os.symlink("plain", os.path.join(folder, "link"))
        os.symlink("/nowhere/at all", os.path.join(folder, "dangling"))
    for parent in ("sub/deeper", "sub", "empty", ""):
        os.chmod(os.path.join(folder, parent), 0o750)
        os.utime(os.path.join(folder, parent), (1500000000, 1500000000))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def describe(folder):
    """Every entry with its kind, mode, time and content."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            status = os.lstat(path)
            if os.path.islink(path):
                found[os.path.relpath(path, folder)] = ("link", os.readlink(path))
            else:
                content = b"" if os.path.isdir(path) else read(path)
                found[os.path.relpath(path, folder)] = (oct(status.st_mode), int(status.st_mtime), content)
    return found
