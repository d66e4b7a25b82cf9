"""Programs that log to an MLflow server and to a file at once, and are killed: both have all of it, once.

MLPLAT_MIRROR_KILLS: how many programs are killed in each direction (12; 200 with MLPLAT_HEAVY=1).
"""

import os
import random

import pytest

import remote_scene
import victims
from programs import HEAVY, Store

KILLS = int(os.environ.get("MLPLAT_MIRROR_KILLS", 200 if HEAVY else 12))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = remote_scene.DiaryServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


class File(Store):
    """The file of the two stores; its metrics tell what comes twice."""

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "copy.db"
        self.uri = f"sqlite:///{self.path}"
        victims.audited(self)

    def environment(self, **more):
        return super().environment(HOME=self.folder, XDG_STATE_HOME=self.folder, **more)


class Both(remote_scene.Remote):
    """A server and a file, one of which is the other's mirror."""

    def __init__(self, folder, server, file_first):
        super().__init__(folder, server)
        self.file = File(folder)
        self.uri, self.mirror = (self.file.uri, server.url) if file_first else (server.url, self.file.uri)

    def environment(self, **more):
        return super().environment(MLPLAT_MIRROR_URI=self.mirror, **more)


@pytest.fixture(params=[False, True], ids=["server first", "file first"])
def both(request, server, tmp_path):
    yield Both(tmp_path / ("file" if request.param else "server"), server, request.param)
    if not server.process:
        server.start()


def test_kill_9_loses_nothing_and_doubles_nothing_at_either(both, server, capsys):
    """A half of them never meets the server: their runs have ids of their own, at the file for good."""
    tolds = []
    for i in range(KILLS):
        if i == KILLS // 2:
            server.kill()
        tolds += remote_scene.killed(both, both.folder / f"told{i}", random.Random(i), waits=1)
    server.start()
    both.sync()
    at_file = victims.verify(both.file, tolds)
    at_server = remote_scene.verify(both, tolds, killed=KILLS)
    assert at_file == at_server > KILLS
    with capsys.disabled():
        print(f"\n{KILLS} kills: {at_file} points accepted, 0 lost, 0 twice at the file and at the server")


def test_the_looks_see_what_one_of_them_lacks(both):
    tolds = remote_scene.killed(both, both.folder / "told", random.Random(1), waits=1)
    both.sync()
    victims.verify(both.file, tolds)
    assert victims.problems_of(both.file, [told._replace(points=told.points + 9) for told in tolds], tolds) != []
