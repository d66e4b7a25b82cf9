"""A build folder for a check, and the C tests in it."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parent.parent.parent
JOBS = os.cpu_count() or 1


class Failed(Exception):
    """A tool that did not do its work: its words."""


def run(command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **options)
    if done.returncode != 0:
        raise Failed(f"{command[0]} failed ({done.returncode}):\n{done.stdout[-6000:]}")
    return done.stdout


def make(name, *options, targets=()):
    """Configures and builds build/NAME, warnings as errors; what was built before is kept. ccache helps where it is."""
    folder = ROOT / "build" / name
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DMLPLAT_WERROR=ON", *launcher, *options])
    run(["cmake", "--build", folder, "-j", JOBS] + [word for target in targets for word in ("--target", target)])
    return folder


def tests(folder):
    """The C tests of a build as {name: (command, environment, folder to be in)}."""
    listed = json.loads(run(["ctest", "--test-dir", folder, "--show-only=json-v1"]))
    out = {}
    for test in listed["tests"]:
        words = {item["name"]: item["value"] for item in test.get("properties", [])}
        if test["name"] != "python":
            env = dict(word.split("=", 1) for word in words.get("ENVIRONMENT", []))
            out[test["name"]] = test["command"], env, words.get("WORKING_DIRECTORY")
    return out


def run_tests(folder, wanted, env=None, wrap=lambda name, command: command, judge=lambda name, done: None):
    """Runs the tests wanted(name), as many at a time as there are processors: a list of (name, complaint or None).
    wrap() may put a tool before the command; judge() may complain of a test that passed."""

    def one(item):
        name, (command, own, where) = item
        try:
            done = subprocess.run(wrap(name, command), env={**os.environ, **own, **(env or {})}, cwd=where,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                  timeout=900)
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            return name, f"not done after {late.timeout} s\n{said[-2000:]}"
        if done.returncode != 0:
            return name, f"exit code {done.returncode}\n{done.stdout[-6000:]}"
        return name, judge(name, done)

    chosen = [item for item in tests(folder).items() if wanted(item[0])]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(one, chosen))
