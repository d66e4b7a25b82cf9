"""examples/logger.c keeps to its protocol: durability is checked from outside with it."""

import json
import socket

import pytest

from programs import Store


def run_logger(store, code=0, **settings):
    process = store.logger(**settings)
    out, problems = process.communicate(timeout=120)
    assert process.returncode == code, problems
    return out.splitlines(), problems


def numbers(lines, word):
    return [int(line.split()[1]) for line in lines if line.startswith(word + " ")]


@pytest.mark.parametrize("durability", ["memory", "process", "disk", "remote"])
def test_every_step_is_accepted_then_acknowledged_once(store, durability):
    lines, _ = run_logger(store, MLPLAT_N=200, MLPLAT_FIRST=5, MLPLAT_DURABILITY=durability)
    assert lines[0].startswith("RUN ") and len(lines[0].split()[1]) == 32
    assert numbers(lines, "ACC") == list(range(5, 205))
    assert numbers(lines, "ACK") == list(range(5, 205))
    assert all(lines.index(f"ACC {step}") < lines.index(f"ACK {step}") for step in range(5, 205))
    done = json.loads(lines[-1].removeprefix("DONE "))
    assert (done["accepted"], done["acked"], done["stored"], done["refused"], done["dead"]) == (200, 200, 200, 0, 0)
    assert 0 < done["longest_call_ms"] < 60_000


def test_what_was_logged_is_what_mlflow_reads(store):
    lines, _ = run_logger(store, MLPLAT_N=50, MLPLAT_FIRST=-10, MLPLAT_KEY="val/loss", MLPLAT_EXPERIMENT="speed",
                          MLPLAT_RUN_NAME="first", MLPLAT_QUIET=1)
    assert [line.split()[0] for line in lines] == ["RUN", "DONE"]
    client = store.client()
    run = client.get_run(lines[0].split()[1])
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert client.get_experiment(run.info.experiment_id).name == "speed"
    points = client.get_metric_history(run.info.run_id, "val/loss")
    assert sorted((p.step, p.value) for p in points) == [(step, step * 0.5) for step in range(-10, 40)]


def test_each_line_is_one_write(store):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = store.logger(stdout=theirs, MLPLAT_N=20)
    theirs.close()
    packets = list(iter(lambda: ours.recv(4096), b""))
    assert process.wait(60) == 0
    process.stderr.close()
    ours.close()
    assert len(packets) == 42
    assert all(packet.count(b"\n") == 1 and packet.endswith(b"\n") for packet in packets)


def test_a_private_spool_folder_is_used_and_left_empty(store):
    spool = store.folder / "elsewhere"
    process = store.logger(MLPLAT_N=100_000_000, MLPLAT_SPOOL=spool, MLPLAT_DURABILITY="process")
    assert process.stdout.readline().startswith("RUN ")
    assert process.stdout.readline() == "ACC 0\n"
    assert any(spool.iterdir()) and not (store.folder / "mlflow.db.spool").exists()
    process.kill()
    process.stdout.close()
    process.stderr.close()
    process.wait()
    run_logger(store, MLPLAT_N=1, MLPLAT_SPOOL=spool)
    assert not spool.exists() or not any(spool.iterdir())


@pytest.mark.parametrize("name, value", [("MLPLAT_N", "many"), ("MLPLAT_FIRST", "1.5"), ("MLPLAT_N", "-1")])
def test_a_number_that_is_none_is_a_wrong_call(store, name, value):
    lines, problems = run_logger(store, code=2, **{name: value})
    assert lines == [] and name in problems


def test_a_key_that_is_refused_is_counted_and_said(store):
    lines, problems = run_logger(store, code=1, MLPLAT_N=3, MLPLAT_KEY="x" * 251)
    done = json.loads(lines[-1].removeprefix("DONE "))
    assert (done["accepted"], done["refused"]) == (0, 3)
    assert "INVALID" in problems


def test_a_store_that_cannot_be_made_is_said(tmp_path):
    store = Store(tmp_path / "missing")
    process = Store.logger(type("At", (), {"environment": store.environment, "folder": tmp_path})(), MLPLAT_N=1)
    out, problems = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    assert "missing" in problems
