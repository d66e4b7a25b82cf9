import os
import re
import subprocess
import sys
import pathlib

import mlplat
import pytest


def test_version_is_the_librarys_and_the_packages():
    text = (pathlib.Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert mlplat.__version__ == re.search(r'^version = "(.*)"', text, re.M)[1]


def test_the_package_has_the_projects_licence():
    package = pathlib.Path(__file__).parent.parent
    assert (package / "LICENSE").read_text() == (package.parent.parent / "LICENSE").read_text()


def test_settings_say_who_set_them(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    with mlplat.open(durability="disk") as ml:
        config = ml.config()
    assert config["tracking_uri"]["value"] == "sqlite:///other.db"
    assert "MLFLOW_TRACKING_URI" in config["tracking_uri"]["source"]
    assert config["durability"]["value"] == "disk"


def test_how_much_may_wait_and_for_how_long_is_said_when_opening(folder):
    with mlplat.open(spool_quota=8 << 20, spool_full="error", spool_rate=1000, close_timeout=0.25) as ml:
        config = ml.config()
    want = {"spool_quota": "8388608", "spool_full": "error", "spool_rate": "1000", "close_timeout_ms": "250"}
    assert {name: config[name]["value"] for name in want} == want
    with mlplat.open(spool_quota=-1, close_timeout=-1) as ml:
        assert [ml.config()[name]["value"] for name in ("spool_quota", "close_timeout_ms")] == ["none", "none"]
    with mlplat.open(close_timeout=0) as ml:  # the shortest there is
        assert ml.config()["close_timeout_ms"]["value"] == "1"


def test_a_mirror_is_given_what_is_logged(folder):
    with mlplat.open(mirror_uri="sqlite:///copy.db") as ml:
        with ml.run("both", params={"depth": 6}) as run:
            run.log("loss", 0.5)
        ml.flush()
        assert ml.spool_status()["mirror"]["waiting"] == ml.spool_status()["mirror"]["missed"] == 0
    with mlplat.open("sqlite:///copy.db") as copy:
        there = copy.get_run(run.id)
    assert (there.name, there.status, there.metrics, there.params) == ("both", "FINISHED", {"loss": 0.5}, {"depth": "6"})


def test_store_is_made_at_first_need_where_mlflow_looks_for_it(folder):
    with mlplat.open() as ml:
        assert not (folder / "mlflow.db").exists()
        ml.run("one").end()
    assert (folder / "mlflow.db").exists()


@pytest.mark.parametrize("options, says", [
    ({"tracking_uri": "gopher://x"}, "gopher"),
    ({"durability": "steel"}, "memory, process, disk, remote"),
    ({"tracking_uri": "sqlite:///a\0b"}, "NUL"),
    ({"spool_full": "forget"}, "block, drop-oldest or error"),
    ({"spool_quota": 1}, "4MiB at least"),
    ({"tracking_uri": "\udcff"}, "surrogate"),
])
def test_bad_settings_are_named(options, says):
    with pytest.raises(mlplat.Error, match=says):
        mlplat.open(**options)


def test_wrong_types_are_type_errors():
    with pytest.raises(TypeError, match="tracking_uri must be str, not int"):
        mlplat.open(3)
    with pytest.raises(TypeError, match="progress must be callable"):
        mlplat.open(progress=3)


def test_closed_session_says_so_on_every_call(ml):
    ml.close()
    ml.close()
    for call in (ml.config, ml.flush, ml.run, ml.search_runs, ml.spool_count, ml.experiments.search, ml.registry.models,
                 lambda: ml.artifacts.list("/x"), lambda: ml.run_pipeline({}), lambda: ml.get_run("0" * 32)):
        with pytest.raises(ValueError, match="session is closed"):
            call()


def test_run_of_a_closed_session_says_so_and_keeps_its_name(ml):
    run = ml.run("x")
    ml.close()
    with pytest.raises(ValueError, match="session is closed"):
        run.log("loss", 1)
    assert len(run.id) == 32 and run.id in repr(run) and run.name == "x"
    assert run.experiment_id == "0" and run.artifact_uri.endswith(f"/{run.id}/artifacts")


def test_two_sessions_share_a_store(folder):
    with mlplat.open() as one, mlplat.open() as two:
        with one.run("x") as run:
            run.log("loss", 1)
            one.flush()
            assert two.get_run(run.id).metrics == {"loss": 1}


def test_flush_stores_what_was_accepted(ml, run):
    run.log("loss", range(100))
    ml.flush(timeout=60)
    counts = ml.spool_count()
    assert counts["stored"] == counts["accepted"] >= 100
    assert counts["dead"] == 0


def test_log_lines_reach_a_callable_on_the_main_thread(folder):
    import logging
    import threading
    lines = []
    (folder / "mlflow.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with mlplat.open(log=lambda level, line: lines.append((level, line, threading.current_thread()))) as ml:
        with pytest.raises(mlplat.Error):
            ml.run("x")
    for level, line, thread in lines:
        assert level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
        assert line and thread is threading.main_thread()


@pytest.fixture
def bare(folder):
    """Runs code in an interpreter that finds compiled modules, as an installed package has them; its output."""
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(mlplat.__file__).parent.parent),
                   "PYTHONPYCACHEPREFIX": str(folder / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return lambda code: subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True,
                                       text=True).stdout


def test_import_loads_one_native_module_and_nothing_heavy(bare):
    before, after = (set(bare(f"{code}\nimport sys; print(*sys.modules)").split())
                     for code in ("pass", "import mlplat"))
    new = after - before
    assert {"mlplat", "mlplat._c", "mlplat.session"} <= new
    assert {name for name in new if not name.startswith(("mlplat", "swig_runtime_data"))} <= {"atexit", "_weakref"}
    assert new & {"mlplat.pipelines", "mlplat.component", "mlplat.registry", "mlplat.artifacts"} == set()


def test_import_costs_8_ms_of_cpu_at_most(bare, capsys, plain):
    def least(code):
        """CPU time in ms, told by the interpreter itself at its end; at its least, as other work only adds."""
        return min(int(bare(f"{code}\nimport time; print(time.process_time_ns())")) for _ in range(15)) / 1e6
    cost = min(least("import mlplat") - least("pass") for _ in range(3))
    with capsys.disabled():
        print(f" [import mlplat: {cost:.1f} ms CPU over a bare interpreter] ", end="")
    assert cost <= 8
