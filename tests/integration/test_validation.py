"""What may be stored: the same decisions as MLflow's own utils/validation.py, asked about the same values."""

import os
import pathlib
import random
import subprocess

import pytest

WHY = "the real MLflow is not installed: pip install mlflow"
validation = pytest.importorskip("mlflow.utils.validation", reason=WHY)

from mlflow.exceptions import MlflowException  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MLPLAT_BINARY_DIR", ROOT / "build/release"))
PROGRAM = BUILD / "tests/test_validate"
PIECES = ["a", "Z", "0", "_", "-", ".", "..", "/", "//", ":", " ", "\n", "\t", "\\", "%", "é", "ß", "日本", "²", "Ⅷ",
          "٣", "🙂", "\u0301", "–", "\u00a0", "'", '"', "`", "=", "@", "\x7f", "𝒳", "ª", "\u200d", "क्ष", "~", "+"]


def keys():
    yield from ["", ".", "..", "...", "/", "a/", "/a", "a/b", "a//b", "a/./b", "a/../b", "..a", "a..", "a/..b", "a/...",
                "a\n", "a\n\n"]
    yield from ("k" * n for n in (249, 250, 251))
    yield from ("é" * n for n in (249, 250, 251))
    draw = random.Random(1)
    for _ in range(3000):
        yield "".join(draw.choices(PIECES, k=draw.randint(1, 6)))
    for codepoint in range(1, 0x30000, 7):
        if not 0xD800 <= codepoint < 0xE000:
            yield "k" + chr(codepoint)


def lengths(*around):
    for n in around:
        for letter in "vé🙂":
            yield from (letter * (n - 1), letter * n, letter * (n + 1))
    yield ""


RUN_IDS = ["", "a", "-a", "_a", "0", "é", "aé", "a/b", "a b", "a\n", "a.b", "..", "a" * 256, "a" * 257,
           "0123456789abcdef" * 2]
DURATIONS = ["30d", "1h", "5m", "0d", "05d", "", "d", "1w", "1.5h", " 7d ", "1 d", "9" * 31 + "d", "9" * 32 + "d",
             "-1d"]


def retention():
    yield from ["", "30d", "{}", "[]", '{"type": "duration"}', '{"type": "duration", "value": null}',
                '{"type": "other", "value": "1d"}', '{"value": "1d"}', '{"type": "duration", "value": 1}', "{", "null"]
    yield from ('{"type": "duration", "value": "%s"}' % d for d in DURATIONS)


def archive_now():
    yield from ["", "1d", "{}", "[]", '{"older_than": null}', '{"older_than": 1}', '{"type": "x", "older_than": "1d"}',
                "{"]
    yield from ('{"older_than": "%s"}' % d for d in DURATIONS)


def location(value):
    validation._validate_experiment_artifact_location(value)
    validation._validate_experiment_artifact_location_length(value)


CASES = {
    "key": (lambda v: validation._validate_metric(v, 1.0, 0, 0), keys),
    "run_id": (validation._validate_run_id, lambda: RUN_IDS),
    "param": (lambda v: validation._validate_param("p", v), lambda: lengths(6000)),
    "tag": (lambda v: validation._validate_tag("t", v), lambda: lengths(8000)),
    "experiment_name": (validation._validate_experiment_name, lambda: lengths(500)),
    "experiment_tag": (lambda v: validation._validate_experiment_tag("t", v), lambda: lengths(20000)),
    "retention_tag": (lambda v: validation._validate_experiment_tag("mlflow.trace.archivalRetention", v), retention),
    "archive_now_tag": (lambda v: validation._validate_experiment_tag("mlflow.trace.archiveNow", v), archive_now),
    "location": (location, lambda: ["s3://a/b", "/a", "runs:/a/b", "a" * 2048, "a" * 2049]),
}


@pytest.fixture
def refuse_long_values(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")


def theirs(decide, value):
    try:
        decide(value)
        return True
    except MlflowException:
        return False


@pytest.mark.parametrize("kind", CASES)
def test_the_same_values_are_refused(kind, refuse_long_values):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built (MLPLAT_BINARY_DIR names the build folder)")
    decide, values = CASES[kind]
    values = list(values())
    lines = "".join(v.encode().hex() + "\n" for v in values)
    out = subprocess.run([PROGRAM, "validate", kind], input=lines, capture_output=True, text=True, check=True)
    ours = [line == "1" for line in out.stdout.split()]
    assert len(ours) == len(values)
    different = [(v[:40], mine) for v, mine in zip(values, ours) if mine != theirs(decide, v)]
    assert not different
