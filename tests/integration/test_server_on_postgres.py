"""MLflow servers whose database is PostgreSQL, as the platform deploys them: the suites of every tracking store and of
every registry, over REST. What fails there is what MLflow itself refuses there, and is named here."""

import concurrent.futures
import contextlib
import re
import subprocess
import sys

import pytest

from mlflow_server import MlflowServer
from postgres_server import PostgresServer
from programs import BUILD, ROOT, clean_environment

OLD = ROOT / "build/mlflow-2.14.0/bin/python"
SUITES = ["tracking", "registry"]
# Columns of a registry's tags are shorter than what MLflow lets through; and 2.14 asks for an experiment "x" as it is.
REFUSED = {("newest", "tracking"): (set(), ""),
           ("newest", "registry"): ({"tags_follow_mlflows_rules"}, "value too long for type character varying"),
           ("2.14.0", "tracking"): ({"what_is_not_there_is_not_found"}, "invalid input syntax for type integer"),
           ("2.14.0", "registry"): (set(), "")}


class OnPostgres(MlflowServer):
    def __init__(self, folder, python, uri):
        super().__init__(folder, python)
        self.uri = uri

    def command(self):
        words = super().command()
        words[words.index("--backend-store-uri") + 1] = self.uri
        return words


def run(postgres, folder, release):
    """What the suites of a release's server say; the servers of the releases run at the same time."""
    name = "of_" + release.replace(".", "_")
    postgres.rows(f"create database {name}", "postgres")
    server = OnPostgres(folder, sys.executable if release == "newest" else OLD, postgres.uri(name))
    with contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        server.start()
        environment = clean_environment(MLFLOW_TRACKING_URI=server.url, HOME=folder, XDG_STATE_HOME=folder,
                                        MLPLAT_ARTIFACT_ROOT=folder / "artifacts")
        said = {}
        for suite in SUITES:
            words = [BUILD / f"tests/{suite}_on_server", server.url, postgres.uri(name).replace("+psycopg2", "")]
            words += [release] if suite == "tracking" else [folder / "artifacts"] + ["old"] * (release != "newest")
            done = subprocess.run(words, cwd=folder, env=environment, text=True, capture_output=True, timeout=400)
            said[suite] = done.stdout + done.stderr
    return said


@pytest.fixture(scope="module")
def suites(tmp_path_factory):
    releases = ["newest"]
    if OLD.exists() and not subprocess.run([OLD, "-c", "import psycopg2"], capture_output=True).returncode:
        releases.append("2.14.0")
    postgres = PostgresServer()
    try:
        folders = [tmp_path_factory.mktemp("server") for _ in releases]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            yield dict(zip(releases, pool.map(lambda i: run(postgres, folders[i], releases[i]), range(len(releases)))))
    finally:
        postgres.remove()


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("release", ["newest", "2.14.0"])
def test_a_server_on_postgres_does_what_every_store_does(suites, release, suite):
    if release not in suites:
        pytest.skip(f"there is no MLflow 2.14.0 with psycopg2 at {OLD}: ./setup.sh test makes one")
    said = suites[release][suite]
    assert said.count("[       OK ]") > 25, said
    names, words = REFUSED[release, suite]
    assert set(re.findall(r"\[  FAILED  \] ([a-z]\w+)", said)) == names, said
    assert words in said
