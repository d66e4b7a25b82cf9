"""FastTrackML, a server that speaks MLflow's REST and is written in Go: faster than MLflow's own, so that our client
shows, and another reading of the same API. It is skipped where its program, fml, is not there.
"""

import pathlib
import shutil
import subprocess
import sys

import pytest

import remote_scene
import victims


class FastTrackServer(remote_scene.DiaryServer):
    def __init__(self, folder, program):
        super().__init__(folder)
        self.program = program

    def command(self):
        return [self.program, "server", "--listen-address", f"127.0.0.1:{self.port}", "--database-uri",
                f"sqlite://{self.database}", "--default-artifact-root", str(self.folder / "artifacts")]

    def prepare(self):
        """It makes its own tables."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    program = pathlib.Path(sys.executable).parent / "fml"
    program = program if program.exists() else shutil.which("fml")
    if not program or subprocess.run([program, "--version"], capture_output=True).returncode:
        pytest.skip("fml, the server of FastTrackML, is not there: ./setup.sh test installs it")
    server = FastTrackServer(tmp_path_factory.mktemp("server"), program).start()
    yield server
    server.kill()


def test_what_is_logged_to_another_server_is_there_once(server, tmp_path):
    remote = remote_scene.Remote(tmp_path / "other", server)
    told = remote.folder / "told"
    said = remote_scene.finished(remote.log(told, points=2000, runs=6, threads=3))
    remote.sync()
    tolds = list(victims.read(told))
    assert [one.points for one in tolds] == [2000] * 6 and said["accepted"] > 12_000
    remote_scene.verify(remote, tolds)
    assert server.rows("SELECT DISTINCT key, value_str FROM params") == [("depth", "6")]
    assert remote.mlplat("run", "list", "--experiment", "other").count("FINISHED") == 6


def test_another_server_that_is_killed_is_given_the_rest_once_it_is_back(server, tmp_path):
    remote = remote_scene.Remote(tmp_path / "killed", server)
    told = remote.folder / "told"
    client = remote.log(told, points=600, runs=6, threads=3, VICTIM_PAUSE_US=1000)
    victims.wait_for_points(client, told, 300)
    server.kill()
    remote_scene.finished(client)  # the second half of its runs is made offline
    server.start()
    remote.sync()
    tolds = list(victims.read(told))
    assert [one.points for one in tolds] == [600] * 6
    remote_scene.verify(remote, tolds)
    made_offline = server.rows("SELECT count(*) FROM tags WHERE key = 'mlplat.local_id'")
    assert made_offline >= [(3,)], "no run was made while it was away"
