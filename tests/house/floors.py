#!/usr/bin/python3
"""Floors: which folder may include which, and what of the C library each may use.

    floors.py ROOT           checks the tree
    floors.py --self-test    proves that each rule can fail, on trees planted in a temporary folder

Pure code (all but the folders in FREE) sees the outside through the door alone, so it may include the headers in PURE_HEADERS
and no other, and call none of BANNED_CALLS. Whoever needs more stands in EXCEPTIONS with the reason; an exception that nobody
needs any more is a mistake too.
"""

import os
import re
import sys
import tempfile

from house import code_only, finish, read, walk, without_comments

CLIENT = ("src/base", "src/world", "src/vast", "src/machine", "src/ledger", "src/events", "src/journey")

# Folder -> the folders that it may include, beside itself. The longest folder that a file lies in decides.
FLOORS = {
    "src/base": (),
    "src/reactor": ("src/base",),
    "src/system": ("src/base",),
    "src/world": ("src/base",),
    "src/world/live": ("src/base", "src/reactor", "src/system", "src/world"),
    "src/vast": ("src/base", "src/world"),
    "src/b2": ("src/base", "src/world"),
    "src/machine": ("src/base", "src/world"),
    "src/ledger": ("src/base", "src/world", "src/vast", "src/machine"),
    "src/events": ("src/base", "src/world", "src/vast", "src/machine"),
    "src/journey": CLIENT,
    "src/report": ("src/base",),
    "src/cli": CLIENT + ("src/b2", "src/reactor", "src/system", "src/world/live", "src/report"),
    "fakes": ("src/base",),
    "fakes/front": ("src/base", "src/reactor", "src/system", "fakes"),
    # The program: it also lays out the events store that the rehearsed client finds.
    "fakes/cli": ("src/base", "src/reactor", "src/system", "src/world", "src/world/live", "fakes", "fakes/front"),
    "sim": CLIENT + ("src/world/live", "src/report", "fakes"),
    "sim/cli": CLIENT + ("src/system", "src/world/live", "src/report", "src/cli", "fakes", "sim"),
    "tests": None,  # everything
    "bench": None,
}

# Where the outside may be touched directly. fakes/guest is what runs inside a sandbox, with the machine's real files.
FREE = re.compile(
    r"^(src/reactor/|src/system/|src/world/live/|src/cli/|fakes/front/|fakes/cli/|fakes/guest/|sim/cli|tests/|bench/)|(^|/)main\.c$")

PURE_HEADERS = {
    "assert.h", "ctype.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "string.h",
}

# Libraries that are pure themselves, by the folder that may use them.
PURE_LIBRARIES = {"cjson/cJSON.h": "fakes/"}  # request bodies, so that the two ends do not share a parser's mistakes

# Nowhere in pure code.
BANNED_CALLS = set("""
    clock_gettime gettimeofday nanosleep clock_nanosleep usleep localtime gmtime mktime strftime
    rand srand srandom rand_r drand48 getrandom getentropy arc4random
    getenv secure_getenv setenv putenv _exit _Exit quick_exit atexit popen fork vfork execve execvp posix_spawn
    socket sendto recvfrom epoll_wait getaddrinfo gethostbyname openat pread pwrite lseek fsync opendir mmap munmap mprotect
    fopen fdopen freopen fclose fread fwrite fgets fputs fputc getc getchar putchar puts printf fprintf scanf sscanf fscanf
    perror sprintf vsprintf snprintf vsnprintf malloc calloc realloc aligned_alloc posix_memalign strdup strndup asprintf alloca
    setlocale strtok strerror sigaction pthread_create thrd_create atof strtod qsort setjmp longjmp sigsetjmp siglongjmp _setjmp _longjmp
    getcontext makecontext swapcontext setcontext
""".split())

# Ordinary words that a function of ours may bear too: banned where an excepted header could have declared the system's.
BANNED_WHERE_DECLARED = set("""
    time clock sleep random exit system connect bind listen accept send recv poll select open close read write unlink rename
    mkdir stat fstat free signal raise kill
""".split())

CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")

# Path -> ({what it uses: a header or a banned call}, the reason).
EXCEPTIONS = {
    "src/base/buffer.c": ({"stdio.h", "vsnprintf"}, "formats numbers; no input or output"),
    "src/base/heap.c": ({"stdlib.h", "calloc", "realloc", "free"}, "is what all other memory comes from"),
    "src/world/task.c": (
        {"setjmp.h", "sigsetjmp", "siglongjmp", "ucontext.h", "getcontext", "makecontext", "setcontext", "sys/mman.h", "mmap",
         "munmap", "mprotect", "stdlib.h", "calloc", "free", "sanitizer/asan_interface.h",
         "sanitizer/common_interface_defs.h", "valgrind/valgrind.h"},
        "switches between coroutines, maps their stacks with guard pages, and tells the checkers so",
    ),
    "fakes/market/offer_book.c": ({"stdlib.h", "qsort"}, "sorts by a total order, so that every C library gives the same"),
    "src/base/digest.c": ({"openssl/evp.h"}, "digests by OpenSSL: bytes in, bytes out"),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def floor_of(path):
    holding = [folder for folder in FLOORS if path.startswith(folder + "/")]
    return max(holding, key=len, default=None)


def resolve(root, path, name):
    """The project's file that `name` names in `path`, or None: a header of the system."""
    for candidate in (name, "src/" + name, os.path.join(os.path.dirname(path), name), "tests/" + name):
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_include(path, line, target):
    here, there = floor_of(path), floor_of(target)
    if here == there or FLOORS[here] is None:
        return []
    # A folder may hold others (fakes holds fakes/market); only the fronts and the live world are floors of their own.
    if there in FLOORS[here]:
        return []
    return [f"{path}:{line}: {here} may not include {target}"]


def check_file(root, path, used):
    text = without_comments(read(root, path))
    free = FREE.search(path) is not None
    allowed = EXCEPTIONS.get(path, (set(), ""))[0]
    mistakes = []

    def judge(what, line, sentence):
        if what in allowed:
            used.add((path, what))
        else:
            mistakes.append(f"{path}:{line}: {sentence}")

    for match in INCLUDE.finditer(text):
        line, name = line_of(text, match.start()), match.group(2)
        target = resolve(root, path, name) if match.group(1) == '"' else None
        if target is not None:
            mistakes += check_include(path, line, target)
        elif match.group(1) == '"':
            mistakes.append(f"{path}:{line}: there is no {name}")
        elif not free and name not in PURE_HEADERS and not path.startswith(PURE_LIBRARIES.get(name, "/")):
            judge(name, line, f"<{name}> is for the live world, the fronts, the command line and the mains")
    if not free:
        code = code_only(text)
        banned = BANNED_CALLS | BANNED_WHERE_DECLARED if path in EXCEPTIONS else BANNED_CALLS
        for match in CALL.finditer(code):
            if match.group(1) in banned:
                judge(match.group(1), line_of(code, match.start()), f"{match.group(1)}() is not for pure code")
    return mistakes


def check(root):
    used, mistakes = set(), []
    for path in walk(root, ("src", "fakes", "sim", "tests", "bench"), (".c", ".h")):
        if floor_of(path) is None:
            mistakes.append(f"{path}: lies on no floor")
        else:
            mistakes += check_file(root, path, used)
    for path, (names, _) in EXCEPTIONS.items():
        mistakes += [f"{path}: the exception for {name} is not used" for name in sorted(names)
                     if os.path.isfile(os.path.join(root, path)) and (path, name) not in used]
        if not os.path.isfile(os.path.join(root, path)):
            mistakes.append(f"{path}: has exceptions and does not exist")
    return mistakes


# Path, text, and a part of the one mistake that it must give (None: it must give none).
PLANTED = [
    ("src/base/a.c", '#include "world/w.h"\n', "src/base may not include src/world/w.h"),
    ("src/vast/a.c", '#include "machine/m.h"\n', "src/vast may not include src/machine/m.h"),
    ("src/ledger/a.c", '#include "vast/v.h"\n', None),
    ("src/b2/a.c", '#include "vast/v.h"\n', "src/b2 may not include src/vast/v.h"),
    ("src/report/a.c", '#include "world/w.h"\n', "src/report may not include"),
    ("src/cli/a.c", '#include "fakes/market/k.h"\n', "src/cli may not include"),
    ("src/journey/a.c", '#include "world/live/l.h"\n', "src/journey may not include"),
    ("src/cli/b.c", '#include "world/live/l.h"\n#include <time.h>\n', None),
    ("fakes/market/a.c", '#include "world/w.h"\n', "fakes may not include src/world/w.h"),
    ("fakes/market/b.c", '#include "fakes/front/f.h"\n', "fakes may not include fakes/front/f.h"),
    ("fakes/cloud/a.c", '#include "fakes/market/k.h"\n#include "base/b.h"\n', None),
    ("fakes/front/a.c", '#include "fakes/market/k.h"\n#include <sys/socket.h>\n', None),
    ("fakes/guest/a.c", '#include "fakes/market/k.h"\n#include <dirent.h>\n', None),
    ("fakes/front/s.c", '#include "system/y.h"\n#include <unistd.h>\n', None),
    ("fakes/stage/a.c", '#include "system/y.h"\n', "fakes may not include src/system/y.h"),
    ("src/journey/b.c", '#include "system/y.h"\n', "src/journey may not include src/system/y.h"),
    ("fakes/cli/a.c", '#include "fakes/front/f.h"\n#include "world/live/l.h"\n#include <unistd.h>\n', None),
    ("fakes/cli/b.c", '#include "vast/v.h"\n', "fakes/cli may not include src/vast/v.h"),
    ("fakes/front/b.c", '#include "world/w.h"\n', "fakes/front may not include"),
    ("sim/a.c", '#include "fakes/market/k.h"\n#include "world/w.h"\n', None),
    ("sim/b.c", "#include <stdio.h>\n", "<stdio.h> is for the live world"),
    ("sim/cli_run.c", "#include <stdio.h>\n", None),
    ("fakes/market/c.c", "#include <cjson/cJSON.h>\n", None),
    ("src/vast/g.c", "#include <cjson/cJSON.h>\n", "<cjson/cJSON.h> is for"),
    ("src/vast/b.c", "#  include <time.h>\n", "b.c:1: <time.h> is for"),
    ("src/vast/c.c", "/* a\n b */ int x = f(getenv (\"A\"));\n", "c.c:2: getenv() is not"),
    ("src/vast/d.c", '/* time() */ // exit()\nconst char *s = "rand()";\nint y = door->send(1) + door.read(2) + my_open(3) + read(4);\n', None),
    ("src/vast/f.c", "int x = strtok(a, b);\n", "strtok() is not"),
    ("src/vast/e.c", '#include "nowhere.h"\n', "there is no nowhere.h"),
    ("src/nowhere/a.c", "int x;\n", "lies on no floor"),
    ("src/base/heap.c", "#include <stdlib.h>\nvoid *p = calloc(1, 1), *q = realloc(p, 2);\n", "the exception for free is not used"),
    ("src/base/heap.c", "#include <stdlib.h>\nvoid *p = calloc(1, 1), *q = realloc(p, 2); free(p); exit(1);\n", "exit() is not"),
]


def plant(root, path, text):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)


def self_test():
    wrong = []
    for path, text, expected in PLANTED:
        with tempfile.TemporaryDirectory() as root:
            for header in ("src/base/b.h", "src/system/y.h", "src/world/w.h", "src/world/live/l.h", "src/vast/v.h", "src/machine/m.h",
                           "fakes/market/k.h", "fakes/front/f.h"):
                plant(root, header, "")
            for excepted, (names, _) in EXCEPTIONS.items():
                plant(root, excepted, "".join(f"#include <{name}>\n" if "." in name else f"{name}();\n" for name in names))
            plant(root, path, text)
            found = check(root)
        good = found == [] if expected is None else len(found) == 1 and expected in found[0]
        if not good:
            wrong.append(f"{path}: expected {expected}, found {found}")
    finish("floors' self-test: mistakes", wrong)


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) == 2:
        finish("floors: mistakes", check(sys.argv[1]))
    else:
        sys.exit(__doc__)
