"""Programs, servers and machines that die while a real MLflow server is logged to: what was accepted is there once.

MLPLAT_KILLS: how many programs are killed one after the other (50; 1,000 with MLPLAT_HEAVY=1); MLPLAT_CUTS: how many
power cuts (10; 100).
"""

import concurrent.futures
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import fault_proxy
import remote_scene
import victims
from disk_image import disk
from fault_proxy import Proxy
from programs import BUILD, HEAVY
from test_full_disk import fill, tmpfs
from test_power_cut import cut_while_logging

KILLS = int(os.environ.get("MLPLAT_KILLS", 1000 if HEAVY else 50))
CUTS = int(os.environ.get("MLPLAT_CUTS", 100 if HEAVY else 10))
SECONDS = 300 if HEAVY else 5
AT_ONCE = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = remote_scene.DiaryServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


@pytest.fixture
def remote(server, tmp_path):
    return remote_scene.Remote(tmp_path / tmp_path.name, server)


def test_kill_9_of_programs_loses_nothing_and_doubles_nothing(remote, capsys):
    """They share a spool, as programs of one user do: each stores what those before it left."""
    def one(i):
        return remote_scene.killed(remote, remote.folder / f"told{i}", random.Random(i))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        tolds = [told for some in pool.map(one, range(KILLS)) for told in some]
    remote.sync()
    points = remote_scene.verify(remote, tolds, killed=KILLS)
    assert points > KILLS
    with capsys.disabled():
        print(f"\n{KILLS} kills: {points} points accepted, 0 lost, 0 twice")


def test_the_last_request_of_a_killed_program_undoes_nothing_of_the_next_one(server, tmp_path):
    """It is on its way still, for a second, when the next one begins to deliver."""
    arrived, carried_out = threading.Event(), threading.Event()

    def late(exchange):
        if any(item[0] == "tags" for item in fault_proxy.items_of(exchange.note)) and not arrived.is_set():
            arrived.set()
            exchange.rest(1)
            exchange.send()
            carried_out.set()
            exchange.close()
        exchange.whole()
    with Proxy(server.port, late, share=1, calls_once=False) as proxy:
        remote = remote_scene.Remote(tmp_path / "overtaken", server, proxy.url)
        told = remote.folder / "told"
        victim = victims.start(remote, told, VICTIM_PAUSE_US=200)
        try:
            assert arrived.wait(60)
            victims.wait_for_points(victim, told, 300)
        finally:
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()
            victim.stderr.close()
        remote.sync()
        assert carried_out.wait(60)
        tolds = list(victims.read(told))
        assert tolds[0].tags >= 3
        remote_scene.verify(remote, tolds)


def test_kill_9_of_a_group_that_forked_loses_nothing(remote):
    chance, tolds = random.Random(3), []
    for i in range(50 if HEAVY else 3):
        tolds += remote_scene.killed(remote, remote.folder / f"told{i}", chance, children=3)
    remote.sync()
    assert remote_scene.verify(remote, tolds, killed=2 * len(tolds)) > 0


def test_8_processes_of_4_threads_of_which_one_is_killed_each_second(remote, capsys):
    chance, crowd, tolds = random.Random(8), {}, []
    with contextlib.ExitStack() as stack:
        def start():
            told = remote.folder / f"told{len(tolds)}"
            tolds.append(told)
            client = remote.log(told, points=200_000, runs=32, threads=4, VICTIM_PAUSE_US=20_000)
            stack.callback(client.wait)
            stack.callback(client.kill)
            crowd[client] = told
        for _ in range(8):
            start()
        for _ in range(SECONDS):
            victim = chance.choice(list(crowd))
            with contextlib.suppress(subprocess.TimeoutExpired):
                victim.wait(1)
            assert victim.poll() is None, victim.stderr.read()
            victim.kill()
            victim.wait()
            del crowd[victim]
            start()
        deadline = time.monotonic() + 60
        while not all(sum(told.points for told in victims.read(path)) for path in crowd.values()):
            assert time.monotonic() < deadline, "somebody of the crowd does not log"
            next(iter(crowd)).poll()
    promised = [told for path in tolds for told in victims.read(path)]
    remote.sync()
    points = remote_scene.verify(remote, promised, killed=4 * len(tolds))
    with capsys.disabled():
        print(f"\n{len(tolds)} killed of 8 at a time: {points} points accepted, 0 lost, 0 twice")


@pytest.fixture(scope="module")
def outage(server, tmp_path_factory):
    """A server that is killed under a program and comes back, and a program that begins and ends in between."""
    folder = tmp_path_factory.mktemp("outage")
    there, late = (remote_scene.Remote(folder / name, server) for name in ("there", "late"))
    client = there.log(there.folder / "told", points=1500, runs=3, threads=3, VICTIM_PAUSE_US=1000)
    victims.wait_for_points(client, there.folder / "told", 600)
    server.kill()
    before = sum(told.points for told in victims.read(there.folder / "told"))
    said = remote_scene.finished(late.log(late.folder / "told", points=400, runs=4, threads=2), 300)
    victims.wait_for_points(client, there.folder / "told", before + 300)  # nobody waits for it
    server.start()
    remote_scene.finished(client, 300)
    return there, late, said


def test_a_server_that_is_killed_and_comes_back_is_given_all_of_it_once(outage):
    there, _, _ = outage
    there.sync()
    tolds = list(victims.read(there.folder / "told"))
    assert [one.points for one in tolds] == [1500] * 3
    remote_scene.verify(there, tolds)


def test_a_run_that_never_saw_a_server_is_delivered_by_sync(server, outage):
    _, late, said = outage
    assert said["accepted"] > said["stored"] == 0
    late.sync()
    tolds = list(victims.read(late.folder / "told"))
    assert [one.points for one in tolds] == [400] * 4
    remote_scene.verify(late, tolds)
    assert len(late.runs()) == 4
    params = server.rows(f"SELECT run_uuid, key, value FROM params WHERE run_uuid IN {tuple(late.runs())}")
    assert sorted(params) == sorted((run, "depth", "6") for run in late.runs())


def test_a_power_cut_loses_nothing_that_was_accepted_at_level_disk(server, tmp_path, capsys):
    """The program's machine loses power, the server's does not."""
    chance, points = random.Random(17), 0
    with disk(tmp_path, 48) as drive:
        remote = remote_scene.Remote(drive.place / "cut", server)
        os.sync()
        for i in range(CUTS):
            promised = cut_while_logging(drive, remote, tmp_path / "told", "disk", chance.choice([0, 25]),
                                         chance.uniform(0, 0.2), chance.random() < 0.8)
            remote.sync()
            points += remote_scene.verify(remote, promised, list(victims.read(tmp_path / "told")), killed=10_000)
    assert points > CUTS
    with capsys.disabled():
        print(f"\n{CUTS} cuts: {points} points accepted, 0 lost, 0 twice")


def wait_for(process, file, words):
    """Until the program says this in its file."""
    deadline = time.monotonic() + 60
    while words not in file.read_text():
        assert process.poll() is None and time.monotonic() < deadline, file.read_text()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)


def test_a_full_disk_is_told_and_what_was_accepted_before_it_is_delivered(server, tmp_path):
    """No point gets through to the server, until there is room again."""
    said, problems, room = tmp_path / "said", tmp_path / "problems", threading.Event()

    def no_points(exchange):
        if exchange.path.endswith("log-batch") and not room.is_set():
            exchange.reset()
        exchange.whole()
    with Proxy(server.port, no_points, share=1, calls_once=False) as proxy, tmpfs(tmp_path, "size=4m") as small:
        remote = remote_scene.Remote(small.folder / "full", server, proxy.url)
        ballast = fill(small, 700_000)  # two segments of 2,700 points
        with open(said, "w") as out, open(problems, "w") as errors:
            logger = remote.logger(stdout=out, stderr=errors, MLPLAT_N=20_000, MLPLAT_DURABILITY="process")
        try:
            wait_for(logger, problems, "logger: step")
            ballast.unlink()
            room.set()
            logger.wait(150)
        finally:
            logger.kill()
            logger.wait()
        assert "NO_SPACE" in problems.read_text()
        lines = said.read_text().splitlines()
        run = lines[0].split()[1]
        accepted = {int(line.split()[1]) for line in lines if line.startswith("ACC ")}
        remote.sync()
        steps = [step for step, in server.rows(f"SELECT step FROM metrics WHERE run_uuid = '{run}'")]
        assert 0 < len(accepted) < 20_000, "the disk was not full"
        assert sorted(steps) == sorted(accepted)


def test_a_wall_clock_that_jumps_costs_nothing(remote):
    """By an hour, and by 20 and 50 years, back and forth, every 40 looks at it."""
    told = remote.folder / "told"
    client = remote.log(told, points=400, runs=3, threads=3, LD_PRELOAD=BUILD / "tests/libclock_shim.so")
    said = remote_scene.finished(client)
    remote.sync()
    remote_scene.verify(remote, victims.read(told))
    assert said["accepted"] > 1200
    times = [time for time, in remote.server.rows(
        f"SELECT timestamp FROM metrics JOIN runs USING (run_uuid) WHERE run_uuid IN {tuple(remote.runs())}")]
    assert max(times) - min(times) > 30 * 365 * 86_400_000, "the clock did not jump"
