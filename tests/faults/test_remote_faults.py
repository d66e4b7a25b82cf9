"""A line to a real MLflow server that fails in every way: what was accepted is there once, and nothing is sent again
whose answer had come.

All lines are used at the same time, on one server: most of the time goes by in waits.
"""

import collections
import concurrent.futures
import contextlib
import time

import pytest

import fault_proxy
import remote_scene
import victims
from fault_proxy import Exchange, Proxy
from programs import HEAVY

RUNS, THREADS, POINTS = (24, 4, 400) if HEAVY else (3, 3, 120)
STALL = 90 if HEAVY else 1  # above 30 s a client gives up and comes again


def the_line_is_reset_before_the_server_hears(exchange):
    exchange.reset()


def the_line_breaks_in_the_middle_of_a_request(exchange):
    exchange.send(part=len(exchange.body) // 2)
    exchange.close()


def the_line_is_reset_after_the_server_acted(exchange):
    exchange.send()
    exchange.reset()


def the_answer_is_lost(exchange):
    exchange.send()
    exchange.close()


def the_answer_is_cut(exchange):
    answer = exchange.send()
    exchange.give(answer[:len(answer) - 1])
    exchange.close()


def the_answer_is_cut_in_its_head(exchange):
    exchange.give(exchange.send()[:20])
    exchange.reset()


def the_request_stalls(exchange):
    exchange.rest(STALL)
    exchange.whole()


def the_answer_stalls(exchange):
    answer = exchange.send()
    exchange.give(answer[:30])
    exchange.rest(STALL)
    exchange.give(answer[30:])


def the_answer_drips(exchange):
    answer = exchange.send()
    for i in range(0, len(answer), 16):
        exchange.give(answer[i:i + 16])
        exchange.rest(0.02)


def the_server_is_busy(exchange):
    exchange.say("503 TEMPORARILY_UNAVAILABLE", "busy")


def the_server_wants_to_be_left_alone(exchange):
    exchange.say("429 REQUEST_LIMIT_EXCEEDED", "too many requests", "Retry-After: 1")


def the_gateway_has_no_server(exchange):
    exchange.say("502 Bad_Gateway", "no upstream")


def the_servers_pool_is_empty(exchange):
    """MLflow's own answer when its database has no connection left: nothing is wrong with the request."""
    exchange.say("400 BAD_REQUEST", "(sqlalchemy.exc.TimeoutError) QueuePool limit of size 5 overflow 10 reached")


FAULTS = [the_line_is_reset_before_the_server_hears, the_line_breaks_in_the_middle_of_a_request,
          the_line_is_reset_after_the_server_acted, the_answer_is_lost, the_answer_is_cut,
          the_answer_is_cut_in_its_head, the_request_stalls, the_answer_stalls, the_answer_drips, the_server_is_busy,
          the_server_wants_to_be_left_alone, the_gateway_has_no_server, the_servers_pool_is_empty]


class Line:
    """One fault between a client and the server."""

    def __init__(self, folder, server, fault):
        self.proxy = Proxy(server.port, fault, seed=len(fault.__name__))
        self.remote = remote_scene.Remote(folder / fault.__name__, server, self.proxy.url)
        self.told = self.remote.folder / "told"
        self.client = self.remote.log(self.told, POINTS, RUNS, THREADS)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = remote_scene.DiaryServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def lines(server, tmp_path_factory):
    """Every client is through, and what it left behind is delivered."""
    folder = tmp_path_factory.mktemp("lines")
    with contextlib.ExitStack() as stack:
        lines = {fault: Line(folder, server, fault) for fault in FAULTS}
        for line in lines.values():
            stack.enter_context(line.proxy)
            stack.callback(line.client.kill)
        begin = time.monotonic()
        for fault, line in lines.items():
            remote_scene.finished(line.client, seconds=900 if HEAVY else 150)
            line.own = len(line.proxy.notes)
            print(f"{fault.__name__}: {time.monotonic() - begin:.1f} s, {line.proxy.hit.total()} hits")
        with concurrent.futures.ThreadPoolExecutor(len(lines)) as pool:
            for fault, _ in zip(lines, pool.map(lambda line: line.remote.sync(), lines.values())):
                print(f"{fault.__name__}: delivered, {time.monotonic() - begin:.1f} s")
        yield lines


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_nothing_is_lost_or_there_twice_when(lines, fault):
    line = lines[fault]
    tolds = list(victims.read(line.told))
    assert len(tolds) == RUNS and {told.points for told in tolds} == {POINTS}
    assert remote_scene.verify(line.remote, tolds) >= RUNS * POINTS
    hit = collections.Counter(path.split("/")[-1] for path, _ in line.proxy.hit.elements())
    assert hit.total() >= 3 and hit["log-batch"] > 0, "the fault did not happen"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_was_answered_is_not_sent_again_when(lines, fault):
    notes, own = lines[fault].proxy.notes, lines[fault].own
    for again in (fault_proxy.sent_again(notes[:own]), fault_proxy.sent_again(notes[own:])):
        assert again == [], f"{len(again)} items"


def begun_anew(own, later):
    taken = [note for note in own if note.taken and any(fault_proxy.items_of(note))]
    known = {item for note in taken[:-1] for item in fault_proxy.items_of(note)}
    return known & {item for note in later for item in fault_proxy.items_of(note)}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_who_delivers_what_another_program_left_goes_on_from_where_that_was_when(lines, fault):
    """But for the request whose answer came when the program had ended."""
    notes, own = lines[fault].proxy.notes, lines[fault].own
    again = begun_anew(notes[:own], notes[own:])
    assert again == set(), f"{len(again)} items"


def test_the_looks_see_what_is_twice(lines, server):
    """The control: what was sent again, stored again, undone or made up is found."""
    line = lines[the_answer_is_lost]
    told = remote_scene.at_server(server, victims.read(line.told))[0]
    notes = [note for one in lines.values() for note in one.proxy.notes[:one.own]
             if note.taken and note.path.endswith("log-batch")]
    assert len(fault_proxy.sent_again(notes + notes[:1])) == len(list(fault_proxy.items_of(notes[0]))) > 0
    assert len(begun_anew(notes, notes[:1])) == len(list(fault_proxy.items_of(notes[0])))
    server.set_tag(told.run, "at", "1")
    assert list(remote_scene.undone(server, {told.run})) != []
    with pytest.raises(AssertionError, match="not there"):
        remote_scene.verify(line.remote, [told._replace(points=POINTS + 1)])
    with pytest.raises(AssertionError, match="more than there should be"):
        remote_scene.verify(line.remote, [])
