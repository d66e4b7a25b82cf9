"""What the tests of this folder share: further builds of the library below build/, and what is in a binary."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = pathlib.Path(os.environ.get("MLPLAT_BINARY_DIR", ROOT / "build/release"))
RESULTS = ROOT / "build/results"


def run(*words, cwd=ROOT, **more):
    """A command's output; what a caller's session says with MLPLAT_ and MLFLOW_ is not for it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLPLAT_", "MLFLOW_"))}
    done = subprocess.run([str(word) for word in words], cwd=cwd, env={**environment, **more}, capture_output=True,
                          text=True, errors="replace", timeout=900)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def build(name, *options, source=ROOT, folder=None, targets=("all",), **more):
    """Configures and compiles build/<name>, or folder."""
    folder = folder or ROOT / "build" / name
    run("cmake", "-S", source, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DMLPLAT_WERROR=ON",
        *options, **more)
    run("cmake", "--build", folder, "--target", *targets, **more)
    return folder


def c_tests(name, folder, *words, **more):
    """The C tests of a build, with their results where tests/summary.py counts them."""
    junit = ["--output-junit", RESULTS / f"ctest-{name}.xml"] if RESULTS.is_dir() else []
    return run("ctest", "--test-dir", folder, "--output-on-failure", "--timeout", "600", "-j", "4",
               "--test-output-size-passed", "2000000", *junit, *words, **more)


def stripped_size(library, folder, strip="strip"):
    out = folder / "stripped.so"
    run(strip, "-o", out, library)
    return out.stat().st_size


def largest(library):
    """The thirty largest things in it, for who has to make it smaller."""
    return "\n".join(run("nm", "--size-sort", "-S", library).splitlines()[-30:])


def needed(binary):
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", binary)))


def exported(binary):
    """Names that others can link to."""
    lines = run("nm", "-D", "--defined-only", binary).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line.split()[1] not in "Aa"}
