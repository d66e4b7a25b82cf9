"""The go command, if there is one that is new enough, and the installed library that it builds against."""

import functools
import hashlib
import os
import re
import shutil
import subprocess

import abi

MODULE = abi.ROOT / "bindings/go"
NEEDS = (1, 24)


@functools.cache
def missing():
    """Why Go's tests cannot run here; empty if they can."""
    if not shutil.which("go"):
        return "there is no go command"
    found = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, env=bare()).stdout.strip()
    version = tuple(map(int, re.findall(r"\d+", found)[:2]))
    return "" if version >= NEEDS else f"{found or 'go'} is older than 1.24"


def bare():
    """Nothing of Go's is fetched: the module needs nothing."""
    return {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "", "GOWORK": "off"}


@functools.cache
def prefix():
    """Where this build is installed, for those who use it as a user does."""
    place = abi.BUILD / "prefix"
    done = subprocess.run(["cmake", "--install", abi.BUILD, "--prefix", place, "--component", "mlplat"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@functools.cache
def environment():
    """For go build: where this build's library is."""
    pc = next(prefix().rglob("mlplat.pc")).parent
    # Go's cache does not look at what pkg-config says nor at headers and libraries: a word for them makes it.
    state = hashlib.sha256(str(prefix()).encode())
    for path in sorted([*prefix().rglob("*.h"), *pc.glob("*.pc"), *pc.parent.glob("libmlplat.*")]):
        state.update(path.read_bytes())
    return {**bare(), "PKG_CONFIG_PATH": str(pc), "LD_LIBRARY_PATH": str(pc.parent),
            "CGO_CFLAGS": f"-O2 -g -DMLPLAT_BUILD_{state.hexdigest()[:16]}"}


def run(*words, folder=MODULE, **more):
    """A go command that must succeed; what it printed."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=500,
                          env={**environment(), **more})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main_module(folder):
    """Makes a folder a module that uses the binding."""
    (folder / "go.mod").write_text(f"module program\n\ngo 1.24\n\nrequire mlplat.example/bindings/go v0.0.0\n\n"
                                   f"replace mlplat.example/bindings/go => {MODULE}\n")
