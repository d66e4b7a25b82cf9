"""The store in MLflow's PostgreSQL schema, on tables that MLflow made: as MLflow sees it, and through faults."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

import mlflow
from mlflow.entities import Metric, ViewType
from postgres_server import PostgresServer
from programs import BUILD, ROOT, clean_environment

OLD = ROOT / "build/mlflow-2.14.0/bin/python"
# What MLflow 2.14's tables have no place for: logged models, and texts of more than 5,000 characters.
LACKING_IN_OLD = {"a_logged_model_is_created_pending", "a_logged_model_is_finalized_and_deleted",
                  "tags_and_params_of_a_logged_model", "a_metric_is_the_runs_and_the_models",
                  "bad_logged_models_are_refused", "logged_models_are_searched_and_ordered",
                  "pages_of_logged_models_know_their_search", "bad_searches_over_logged_models_are_refused",
                  "models_are_inputs_and_outputs", "long_values_are_cut",
                  "tags_follow_mlflows_rules"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = PostgresServer()
    try:
        server.artifacts = tmp_path_factory.mktemp("artifacts")
        server.make("newest", server.artifacts)
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(server, request):
    return server.copy("newest", re.sub(r"\W", "_", request.node.name)[:50].lower())


def settings(folder, uri, **more):
    """Those of a program in a home of its own."""
    return clean_environment(MLFLOW_TRACKING_URI=uri, HOME=folder, XDG_STATE_HOME=folder, **more)


@pytest.fixture
def mlplat(server, database, tmp_path):
    def run(*words, code=0, uri=None, **more):
        done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=tmp_path, text=True, capture_output=True, timeout=120,
                              env=settings(tmp_path, uri or server.uri(database), **more))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip() if code == 0 else done.stderr
    return run


def python(folder, uri, program, **more):
    return subprocess.Popen([sys.executable, "-c", program], cwd=folder, env=settings(folder, uri, **more), text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# ---- the suites, on MLflow's own tables


def failed_tests(uri, folder):
    done = subprocess.run([BUILD / "tests/test_postgres_store", uri.replace("+psycopg2", "")], cwd=folder, text=True,
                          env=clean_environment(HOME=folder), capture_output=True, timeout=300)
    told = done.stdout + done.stderr
    assert told.count("[       OK ]") > 50, told
    return set(re.findall(r"\[  FAILED  \] ([a-z]\w+)", told)), told


def test_the_newest_tables_do_what_every_store_does(server, database, tmp_path):
    failed, told = failed_tests(server.uri(database), tmp_path)
    assert not failed, told


@pytest.fixture(scope="module")
def old(server):
    """The tables of MLflow 2.14.0."""
    if not OLD.exists() or subprocess.run([OLD, "-c", "import psycopg2"], capture_output=True).returncode:
        pytest.skip(f"there is no MLflow 2.14.0 with psycopg2 at {OLD}: ./setup.sh test makes one")
    server.make("old", server.artifacts, OLD)
    return server.uri("old")


def test_the_tables_of_mlflow_2_14_do_all_that_they_have_a_place_for(old, tmp_path):
    failed, told = failed_tests(old, tmp_path)
    assert failed == LACKING_IN_OLD, told
    assert "`mlflow db upgrade` adds them" in told


LONG_TAGS = """
import mlplat
with mlplat.open() as session:
    with session.run("long", tags={"first": "\u00e9" * 5001, "whole": "w" * 5000}) as run:
        run.set_tag("second", "\u00e9" * 6000)
    session.flush()
    print(session.spool_count()["dead"], *(len(run.data().tags[key]) for key in ("first", "whole", "second")))
"""


def test_a_long_tag_is_cut_at_the_call_where_the_tables_are_mlflow_2_14s(old, tmp_path):
    """As MLflow 2.14 cuts it: it would be a dead letter."""
    told, why = python(tmp_path, old, LONG_TAGS).communicate(timeout=60)
    assert told.split() == ["0", "5000", "5000", "5000"], why
    assert "tag 'second' has 6000 characters and is cut to 5000" in why
    told, why = python(tmp_path, old, LONG_TAGS, MLFLOW_TRUNCATE_LONG_VALUES="false").communicate(timeout=60)
    assert told == "" and "value of tag 'first' has 5001 characters: at most 5000 are allowed" in why


# ---- with MLflow


LOGGER = """
import mlplat
with mlplat.open() as session:
    with session.run("all", experiment="shared", params={"depth": 6}) as run:
        run.set_tag("phase", "test")
        run.log("loss", [0.5, float("nan"), float("inf"), 0.25])
        run.log_input(name="numbers", digest="1", source="{}", source_type="local", context="training")
    print(run.id)
"""


def test_mlflow_reads_what_was_written_and_the_other_way_round(server, database, mlplat, tmp_path):
    told, why = python(tmp_path, server.uri(database), LOGGER).communicate(timeout=60)
    client = mlflow.MlflowClient(server.uri(database))
    run = client.get_run(told.strip())
    assert (run.data.params, run.data.tags["phase"], run.info.status) == ({"depth": "6"}, "test", "FINISHED"), why
    values = [point.value for point in sorted(client.get_metric_history(run.info.run_id, "loss"), key=lambda p: p.step)]
    assert (values[0], values[3]) == (0.5, 0.25) and values[1] != values[1] and values[2] > 1e308
    assert run.inputs.dataset_inputs[0].dataset.name == "numbers"
    assert run.info.artifact_uri.startswith(str(server.artifacts)), "new experiments lie where the first one does"
    # MLflow takes the next number, for an experiment and for a version.
    experiment = client.create_experiment("mlflows")
    assert int(experiment) == int(client.get_experiment_by_name("shared").experiment_id) + 1
    assert mlplat("experiment", "create", "ours") == str(int(experiment) + 1)
    theirs = client.create_run(experiment, run_name="theirs")
    client.log_batch(theirs.info.run_id, metrics=[Metric("loss", 1.5, 1000, 3)])
    document = json.loads(mlplat("run", "get", theirs.info.run_id, "-o", "json"))
    assert document["data"]["metrics"] == [{"key": "loss", "value": 1.5, "timestamp": 1000, "step": 3}]
    assert [r.info.run_name for r in client.search_runs([experiment], "metrics.loss > 1", ViewType.ACTIVE_ONLY)] == ["theirs"]
    assert theirs.info.run_id in mlplat("run", "list", "--experiment", "mlflows", "--filter", "metrics.loss > 1")


# ---- faults


def points_of(server, database, run):
    return server.rows(f"select key, step, value from metrics where run_uuid = '{run}' order by 1, 2", database)


def test_nothing_is_lost_or_doubled_when_the_server_dies(server, database, tmp_path):
    logger = subprocess.Popen([BUILD / "examples/logger"], cwd=tmp_path, env=settings(tmp_path, server.uri(database)),
                              text=True, stdout=subprocess.PIPE)
    run = logger.stdout.readline().split()[1]
    server.kill()
    try:
        logger.stdout.readline()
    finally:
        server.start()
    told, _ = logger.communicate(timeout=200)
    assert logger.returncode == 0
    rows = points_of(server, database, run)
    assert len(rows) == len({row[:2] for row in rows}) == 1000


LOGGER_THAT_DIES = """
import os, signal, sys, mlplat
session = mlplat.open()
run = session.run("dies").__enter__()
run.set_tag("phase", "train")
run.set_tag("phase", "test")
session.flush()
print(run.id, flush=True)
sys.stdin.readline()  # the server is gone
run.set_tag("late", "yes")
run.log("loss", [0.5, 0.25])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_programs_records_are_delivered_by_the_next_and_only_those(server, database, mlplat, tmp_path):
    logger = python(tmp_path, server.uri(database), LOGGER_THAT_DIES)
    run = logger.stdout.readline().strip()
    server.kill()
    logger.communicate("\n", timeout=60)
    server.start()
    assert logger.returncode == -signal.SIGKILL
    server.rows(f"update tags set value = 'done by another' where key = 'phase' and run_uuid = '{run}'", database)
    mlplat("spool", "sync")
    tags = dict(server.rows(f"select key, value from tags where run_uuid = '{run}'", database))
    assert (tags["phase"], tags["late"]) == ("done by another", "yes")
    assert [row[1:] for row in points_of(server, database, run)] == [(0, 0.5), (1, 0.25)]
    assert server.rows("select count(*) from mlplat_journal", database) == [(0,)]


class Cutter:
    """Gives bytes on to a server. Where the client says COMMIT the line is cut: `acted` times after the server has
    done so, and its answer is lost; then as many times before the server has heard of it."""

    def __init__(self, port, acted, unheard):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.to, self.acted, self.unheard = self.listener.getsockname()[1], port, acted, unheard
        self.cuts = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        line = socket.create_connection(("127.0.0.1", self.to))
        lose = threading.Event()
        back = threading.Thread(target=self.give_back, args=(line, client, lose), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if b"COMMIT\0" in data and self.unheard and not self.acted:
                    self.unheard -= 1
                    self.cuts.append("unheard")
                    break
                if b"COMMIT\0" in data and self.acted:
                    self.acted -= 1
                    self.cuts.append("acted")
                    lose.set()
                line.sendall(data)
                if lose.is_set():
                    back.join()
                    break
        for end in (client, line):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def give_back(self, line, client, lose):
        with contextlib.suppress(OSError):
            while data := line.recv(65536):
                if lose.is_set():
                    return  # the server has acted
                client.sendall(data)

    def close(self):
        self.listener.close()


CREATOR = """
import mlplat
with mlplat.open() as session:
    for i in range(3):
        with session.run(f"run {i}", experiment="cut", params={"depth": i}) as run:
            run.set_tag("phase", str(i))
            run.log("loss", [0.5, 0.25])
            session.flush()
"""


def test_what_was_stored_when_the_line_broke_is_not_stored_again(server, database, tmp_path):
    cutter = Cutter(server.port, acted=4, unheard=4)
    try:
        told, why = python(tmp_path, server.uri(database, port=cutter.port), CREATOR).communicate(timeout=120)
    finally:
        cutter.close()
    assert cutter.cuts == ["acted"] * 4 + ["unheard"] * 4, why
    runs = server.rows("select r.name, r.status, count(*) from runs r join experiments using (experiment_id) join metrics "
                       "m using (run_uuid) where experiments.name = 'cut' group by 1, 2 order by 1", database)
    assert runs == [(f"run {i}", "FINISHED", 2) for i in range(3)], why
    assert server.rows("select count(*) from runs", database) == [(3,)]


VERSIONS = """
import mlplat, sys
with mlplat.open() as session:
    for i in range(8):
        print(session.registry.register("model", f"/m/{sys.argv[1]}/{i}"))
"""


def test_programs_beside_each_other_take_numbers_that_nobody_has(server, database, tmp_path):
    programs = [subprocess.Popen([sys.executable, "-c", VERSIONS, str(i)], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
                                 env=settings(tmp_path, server.uri(database))) for i in range(4)]
    told = [int(line) for program in programs for line in program.communicate(timeout=100)[0].split()]
    assert sorted(told) == list(range(1, 33))


# ---- what is wrong is told


def test_a_database_without_tables_names_mlflows_command(server, database, mlplat):
    server.rows("create database empty_one", "postgres")
    why = mlplat("run", "list", code=3, uri=server.uri("empty_one"))
    assert "mlflow db upgrade postgresql://" in why
    assert server.rows("select count(*) from pg_tables where schemaname = 'public'", "empty_one") == [(0,)]


def allow(server, rules):
    """Before what it has in pg_hba.conf."""
    path = os.path.join(server.folder, "data/pg_hba.conf")
    with open(path) as file:
        rules += file.read()
    with open(path, "w") as file:
        file.write(rules)
    server.rows("select pg_reload_conf()", "postgres")


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


def certificates(server, folder):
    """The server speaks TLS from now on, by a certificate for 127.0.0.1; who the role `secured` is must."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for ca in ("ca", "other"):
        openssl(folder, "req", "-x509", *curve, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(folder, "req", *curve, "-subj", "/CN=database", "-keyout", "server.key", "-out", "server.csr")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", "names", "-out", "server.crt")
    for name in ("server.key", "server.crt"):
        path = shutil.copy(folder / name, os.path.join(server.folder, "data"))
        os.chmod(path, 0o600)
        if server.user:
            shutil.chown(path, server.user, server.user)
    server.rows("create role secured login in role mlflow", "postgres")
    allow(server, "hostssl all secured 127.0.0.1/32 trust\nhost all secured 127.0.0.1/32 reject\n")
    server.rows("alter system set ssl = on", "postgres")
    server.rows("select pg_reload_conf()", "postgres")


def test_a_line_with_tls_trusts_whom_it_is_told_to(server, database, mlplat, tmp_path):
    certificates(server, tmp_path)
    uri = server.uri(database, "secured")
    trust = f"sslmode=verify-full&sslrootcert={tmp_path}"
    run = mlplat("run", "start", uri=f"{uri}?{trust}/ca.pem")
    assert run in mlplat("run", "list", uri=f"{uri}?{trust}/ca.pem")
    assert "certificate verify failed" in mlplat("run", "list", code=4, uri=f"{uri}?{trust}/other.pem")
    why = mlplat("run", "list", code=4, uri=f"{uri}?{trust}/ca.pem".replace("127.0.0.1", "localhost"))
    assert "does not match host name" in why
    assert "no encryption" in mlplat("run", "list", code=4, uri=f"{uri}?sslmode=disable")
    assert "no_such.pem" in mlplat("run", "list", code=4, uri=f"{uri}?{trust}/no_such.pem")


def test_no_password_is_ever_shown(server, database, mlplat):
    server.rows("create role guarded login password 'right'", "postgres")
    allow(server, "host all guarded 127.0.0.1/32 scram-sha-256\n")
    server.rows("grant all on all tables in schema public to guarded; grant all on all sequences in schema public to "
                "guarded; grant all on schema public to guarded", database)
    for password in ("hunter2", "hunter%402"):
        why = mlplat("run", "list", code=4, uri=server.uri(database, f"guarded:{password}"))
        assert "hunter" not in why and "password authentication failed" in why
    assert "hunter" not in mlplat("run", "list", code=2, uri=f"postgresql://guarded:hunter2@127.0.0.1:{server.port}/x?no=1")
    assert mlplat("run", "start", uri=server.uri(database, "guarded:right"))
    assert mlplat("run", "start", uri=server.uri(database, "guarded"), PGPASSWORD="right")


def test_a_role_that_may_not_keep_marks_reads_and_is_told_why_it_does_not_write(server, database, mlplat):
    server.rows("create role reader login", "postgres")
    server.rows("grant select on all tables in schema public to reader; revoke create on schema public from public", database)
    run = mlplat("run", "start")
    assert run in mlplat("run", "list", uri=server.uri(database, "reader"))
    assert "CREATE TABLE mlplat_journal" in mlplat("run", "start", code=4, uri=server.uri(database, "reader"))


def test_a_full_disk_is_told_and_what_was_logged_waits_for_room(server, database, mlplat, tmp_path):
    server.rows("create function full_disk() returns trigger language plpgsql as $$ begin raise exception 'could not extend "
                "file' using errcode = '53100'; end $$; create trigger t before insert on metrics execute function "
                "full_disk()", database)
    logger = python(tmp_path, server.uri(database), """
import mlplat, sys
session = mlplat.open()
run = session.run("full").__enter__()
run.log("loss", [0.5, 0.25])
try:
    session.flush(timeout=20)
except mlplat.Error as error:
    print(type(error).__name__, error, flush=True)
sys.stdin.readline()
run.log("loss", [1.5])
session.flush(timeout=20)
print(run.id, flush=True)
""")
    told = logger.stdout.readline()
    server.rows("drop trigger t on metrics", database)
    rest, why = logger.communicate("\n", timeout=60)
    assert "NoSpace" in told and "free some space" in told, told + why
    assert [row[2] for row in points_of(server, database, rest.strip())] == [0.5, 0.25, 1.5]


def test_what_needs_a_file_is_unsupported(mlplat):
    for words in (("store", "backup", "copy.db"), ("store", "check"), ("store", "gc"), ("export", "out.zst"),
                  ("store", "upgrade")):
        assert "sqlite:///" in mlplat(*words, code=1), words
