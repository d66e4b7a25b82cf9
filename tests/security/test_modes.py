"""Who may read and write what is made, whatever the umask; and folders in which others are at work."""

import os
import stat
import subprocess
import sys

import pytest


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def fill(cli):
    run = cli("run", "start").strip()
    cli("metric", "log", run, "loss", "0.5")
    (cli.folder / "note.txt").write_text("a note")
    cli("artifact", "put", str(cli.folder / "note.txt"), f"runs:/{run}/note.txt")
    return run


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_what_is_private_is_private_whatever_the_umask(cli, umask):
    fill(cli)
    cli("store", "backup", "copy.db", "--artifacts")
    cli("export", "archive")
    assert mode(cli.folder / "copy.db") == 0o600
    assert mode(cli.folder / "copy.db.artifacts") == 0o700
    archive = cli.folder / "archive"
    assert mode(archive) == 0o700
    inside = list(archive.rglob("*"))
    assert len(inside) >= 4
    assert {mode(path) for path in inside if path.is_file()} == {0o600}
    assert {mode(path) for path in inside if path.is_dir()} == {0o700}


def test_the_store_is_writable_by_its_owner_alone_and_its_neighbours_have_its_mode(cli, umask):
    fill(cli)
    want = 0o644 & ~umask
    for name in ("mlflow.db", "mlflow.db-ticket", "mlflow.db-wal", "mlflow.db-shm"):
        if (cli.folder / name).exists():
            assert mode(cli.folder / name) == want, name
    assert (cli.folder / "mlflow.db-ticket").exists()


def test_a_journal_is_private_whatever_the_umask(cli, build_dir, umask):
    """While it is there: its writer waits for the end of its input."""
    built = build_dir / "python"  # else the wheel that is installed
    environment = {**cli.environment, **({"PYTHONPATH": str(built)} if (built / "mlplat").exists() else {})}
    if subprocess.run([sys.executable, "-c", "import mlplat"], env=environment, capture_output=True).returncode != 0:
        pytest.skip("the Python binding is neither built nor installed here")
    code = ("import mlplat, sys\n"
            "ml = mlplat.open(); run = ml.run('x'); run.__enter__(); run.log('loss', 0.5)\n"
            "print('ready', flush=True); sys.stdin.read()\n")
    child = subprocess.Popen([sys.executable, "-c", code], cwd=cli.folder, env=environment, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n", child.stderr.read()
        spool = cli.folder / "mlflow.db.spool"
        inside = [spool, *spool.rglob("*")]
        assert len(inside) >= 4
        assert {mode(path) for path in inside if path.is_dir()} == {0o700}
        assert {mode(path) for path in inside if path.is_file()} == {0o600}
    finally:
        child.communicate("", timeout=60)


def test_a_spool_folder_of_another_user_is_refused(cli, nobody, sticky):
    nobody("mkdir", "-m", "0777", str(sticky / "mlflow.db.spool"))
    cli.environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{sticky}/mlflow.db"
    done = subprocess.run([cli.program, "run", "start"], cwd=cli.folder, env=cli.environment, capture_output=True,
                          text=True, timeout=60)
    run = done.stdout.strip()
    done = subprocess.run([cli.program, "metric", "log", run, "loss", "1"] if run else [cli.program, "spool", "status"],
                          cwd=cli.folder, env=cli.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "belongs to user 65534" in done.stderr


def test_a_spool_folder_that_others_may_write_is_refused(cli):
    os.mkdir(cli.folder / "mlflow.db.spool")
    os.chmod(cli.folder / "mlflow.db.spool", 0o777)
    run = subprocess.run([cli.program, "run", "start"], cwd=cli.folder, env=cli.environment, capture_output=True,
                         text=True, timeout=60)
    assert run.returncode != 0 or subprocess.run(
        [cli.program, "metric", "log", run.stdout.strip(), "loss", "1"], cwd=cli.folder, env=cli.environment,
        capture_output=True, timeout=60).returncode != 0


def test_links_that_another_user_planted_lead_nowhere(cli, nobody, sticky):
    """In a folder like /tmp: at the names of the lock, the spool, the backup and its artifacts."""
    victim = cli.folder / "victim"
    victim.mkdir()
    (victim / "canary").write_text("alive")
    store = sticky / "mlflow.db"
    cli.environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{store}"
    nobody("ln", "-s", str(victim / "made"), f"{store}-ticket")
    nobody("ln", "-s", str(victim / "canary"), f"{store}-wal")
    nobody("ln", "-s", str(victim / "canary"), f"{store}-journal")
    nobody("ln", "-s", str(victim), str(sticky / "copy.db.artifacts"))
    nobody("ln", "-s", str(victim / "copied"), str(sticky / "copy.db"))
    nobody("ln", "-s", str(victim / "out"), str(sticky / "archive"))
    for words in (("store", "create"), ("run", "start"), ("store", "backup", f"{sticky}/copy.db", "--artifacts"),
                  ("export", f"{sticky}/archive"), ("store", "gc"), ("run", "list")):
        subprocess.run([cli.program, *words], cwd=cli.folder, env=cli.environment, capture_output=True, timeout=60)
    assert sorted(path.name for path in victim.iterdir()) == ["canary"]
    assert (victim / "canary").read_text() == "alive"


def test_a_lock_file_of_another_user_stops_nobody(cli, nobody, sticky):
    """He may hold it: a ticket is about fairness alone."""
    store = sticky / "mlflow.db"
    cli.environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{store}"
    nobody("mkfifo", "-m", "0666", f"{store}-ticket")
    cli("run", "start")
    assert len(cli.lines("run", "list")) == 1
