"""What a program compiled against the public headers depends on: exported names, sizes and offsets of structs, values
of enumerators. `python3 tests/structure/abi.py --write` records it in abi.txt; the structure test compares.

A line that only comes in addition is a compatible change; one that changes or goes is a new SOVERSION.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MLPLAT_BINARY_DIR", ROOT / "build/release"))
RECORD = pathlib.Path(__file__).with_name("abi.txt")
STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\} \1;", re.S)
ENUM = re.compile(r"typedef enum (\w+) \{(.*?)\} \1;", re.S)


def headers():
    """The public headers, the umbrella last."""
    return sorted((ROOT / "include/mlplat").glob("*.h")) + [ROOT / "include/mlplat.h"]


def plain(text):
    """Without comments and lines of the preprocessor."""
    return re.sub(r"^\s*#.*$", "", re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S), flags=re.M)


def source():
    """All public headers' text in one."""
    return "\n".join(plain(path.read_text()) for path in headers())


def declared():
    """Names of the functions that the headers promise."""
    return sorted(re.findall(r"MLPLAT_API[^;(]*?(\w+)\s*\(", source()))


def members(body):
    """The member names in a struct's body: "const char *a; int b, c[3];" has a, b and c."""
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        for declarator in declaration.split(","):
            yield re.search(r"(\w+)\s*(?:\[[^\]]*\])?$", declarator.strip()).group(1)


def layout_program():
    """A C program that prints a line per struct, member and enumerator."""
    lines = []
    for name, body in STRUCT.findall(source()):
        lines.append(f'printf("struct {name} %zu\\n", sizeof(struct {name}));')
        lines += [f'printf("member {name}.{m} %zu %zu\\n", offsetof(struct {name}, {m}), '
                  f'sizeof(((struct {name} *)0)->{m}));'
                  for m in members(body)]
    for name, body in ENUM.findall(source()):
        keys = [re.match(r"\w+", key.strip()).group(0) for key in body.split(",") if key.strip()]
        lines += [f'printf("enum {name}.{key} %d\\n", (int){key});' for key in keys]
    return "#include <mlplat.h>\n#include <stdio.h>\nint main(void)\n{\n" + "\n".join(lines) + "\nreturn 0;\n}\n"


def layouts():
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "layout")
        subprocess.run(["gcc", "-x", "c", "-", "-I", ROOT / "include", "-o", program],
                       input=layout_program(), text=True, check=True)
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


def exported():
    """Names that the shared library really exports."""
    out = subprocess.run(["nm", "-D", "--defined-only", BUILD / "libmlplat.so"], capture_output=True, text=True,
                         check=True)
    return sorted(line.split()[-1].split("@")[0] for line in out.stdout.splitlines())


def record():
    return "\n".join(sorted(layouts()) + [f"function {name}" for name in exported()]) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        RECORD.write_text(record())
    else:
        print(record(), end="")
