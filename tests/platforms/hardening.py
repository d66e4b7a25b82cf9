"""What a binary lacks of the usual hardening, as a list of words."""

import re
import subprocess

BRANCHES = {"x86-64": rb"\xf3\x0f\x1e\xfa", "AArch64": rb"\x3f\x23\x03\xd5|\x5f\x24\x03\xd5"}  # endbr64; paciasp, bti c


def readelf(flag, path):
    return subprocess.run(["readelf", "-W", flag, path], capture_output=True, text=True, check=True).stdout


def weaknesses(path, program=False):
    dynamic, segments = readelf("-d", path), readelf("-l", path)
    symbols, head = readelf("--dyn-syms", path), readelf("-h", path)
    machine = next((name for name in BRANCHES if name.lower() in head.lower()), None)
    found = {
        "no RELRO": "GNU_RELRO" not in segments,
        "lazy binding": not re.search(r"BIND_NOW|Flags:.*\bNOW\b", dynamic),
        "executable stack": not re.search(r"GNU_STACK.* RW +0x", segments),
        "writable code": bool(re.search(r"LOAD .* RWE ", segments)),
        "text relocations": "TEXTREL" in dynamic,
        "no stack protector": "__stack_chk_fail" not in symbols,
        "not fortified": not re.search(r"\b__\w+_chk\b(?<!stack_chk)", symbols.replace("__stack_chk_fail", "")),
        "no branch protection": not machine or len(re.findall(BRANCHES[machine], path.read_bytes())) < 20,
        "absolute run path": bool(re.search(r"(?:RPATH|RUNPATH).*\[/", dynamic)),
        "not position independent": "DYN" not in re.search(r"Type:.*", head).group(0),
        "no PIE": program and not re.search(r"Flags:.*\bPIE\b", dynamic),
    }
    return [word for word, weak in found.items() if weak]
