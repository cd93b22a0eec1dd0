#!/usr/bin/python3
"""No writable statics: the client's and the fakes' libraries hold no data that can change.

    no_writable_statics.py ARCHIVE…         checks static libraries
    no_writable_statics.py --self-test CC   proves with the compiler CC that every kind of writable data is found

Why: all memory of the client belongs to its heap, so that a crash is one call and two worlds never share anything.
Allowed are read-only data and constants that only the loader writes to (.data.rel.ro).
"""

import os
import re
import subprocess
import sys
import tempfile

from house import finish

# objdump -t: value, flags, section, size, name.
SYMBOL = re.compile(r"^[0-9a-f]+ (?P<flags>.{7}) (?P<section>\S+)\t(?P<size>[0-9a-f]+)\s+(?P<name>.+)$")
WRITABLE = re.compile(r"^(\.[ls]?data(?!\.rel\.ro)|\.[ls]?bss|\.tdata|\.tbss|\*COM\*)")
MEMBER = re.compile(r"^(?P<member>\S+):\s+file format")


def check(archives):
    mistakes = []
    for archive in archives:
        if not os.path.isfile(archive):
            mistakes.append(f"{archive}: is not built")
            continue
        listing = subprocess.run(["objdump", "-t", archive], check=True, capture_output=True, text=True).stdout
        member = archive
        for line in listing.splitlines():
            header = MEMBER.match(line)
            member = header["member"] if header else member
            match = SYMBOL.match(line)
            # 'd' marks the section symbols; sections without data have size 0 and no object in them.
            if match and "d" not in match["flags"] and int(match["size"], 16) > 0 and WRITABLE.match(match["section"]):
                mistakes.append(f"{os.path.basename(archive)}({member}): {match['name']} in {match['section']}")
    return mistakes


PLANTED = {
    "int planted_bss;": True,
    "int planted_data = 1;": True,
    "static int planted_local_bss; int *f(void) { return &planted_local_bss; }": True,
    "int *f(void) { static int planted_in_function = 3; return &planted_in_function; }": True,
    "_Thread_local int planted_thread;": True,
    "__attribute__((section(\".data.own\"))) int planted_own = 1;": True,
    "extern int f(void); int (*planted_pointer)(void) = f;": True,
    "const int planted_const = 1;": False,
    "extern int f(void); int (*const planted_table[])(void) = {f};": False,
    "const char *const planted_names[] = {\"a\", \"b\"};": False,
    "int f(void) { static const int planted_rows[] = {1, 2}; return planted_rows[1]; }": False,
}


def self_test(compiler):
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (text, writable) in enumerate(PLANTED.items()):
            source, compiled = (os.path.join(folder, f"planted{number}{ending}") for ending in (".c", ".o"))
            archive = os.path.join(folder, f"libplanted{number}.a")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            for option in ("-fPIE", "-fno-pie"):
                subprocess.run([compiler, "-std=c11", option, "-c", source, "-o", compiled], check=True)
                subprocess.run(["ar", "crs", archive, compiled], check=True)
                if (check([archive]) != []) != writable:
                    wrong.append(f"{option}: {'not found' if writable else 'found'}: {text}")
    finish("writable statics' self-test: mistakes", wrong)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        self_test(sys.argv[2])
    elif len(sys.argv) > 1:
        finish("writable statics", check(sys.argv[1:]))
    else:
        sys.exit(__doc__)
