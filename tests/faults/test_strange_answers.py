"""What stands between a program and its MLflow begins to answer strangely while the program logs: a login that ended, a
page, another address, what is no JSON. That is not about the records: they wait, and are there once when it is over."""

import concurrent.futures
import contextlib
import json

import pytest

import remote_scene
import victims
from fault_proxy import Proxy

RUNS, THREADS, POINTS = 2, 2, 60
SECRET = "hunter2-the-secret"
WAITED_FOR = ("/experiments/", "/runs/create")  # these a program hears itself: tests/integration/test_server_doors.py
LOGIN = "<!DOCTYPE html><title>Sign in</title><form><input type=password></form>"
PAGE = "<html><title>Maintenance</title>Back soon.</html>"


def told(code, **more):
    return json.dumps({"error_code": code, "message": f"token {SECRET} has expired", **more})


ANSWERS = {
    "a_login_that_ended": ("200 OK", LOGIN),
    "a_token_that_expired": ("401 Unauthorized", told("UNAUTHENTICATED")),
    "a_password_that_was_changed": ("401 Unauthorized", "You are not authenticated."),
    "a_right_that_was_taken": ("403 Forbidden", told("PERMISSION_DENIED")),
    "a_page": ("200 OK", PAGE),
    "no_such_page": ("404 Not Found", PAGE),
    "a_gateway_that_refuses": ("400 Bad Request", PAGE),
    "a_way_to_another_host": ("307 Temporary Redirect", "", "Location: http://127.0.0.2:9/api"),
    "a_way_to_a_login": ("302 Found", "", "Location: https://login.example/?next=http://127.0.0.1/"),
    "nothing": ("200 OK", ""),
    "half_of_it": ("200 OK", '{"run": ['),
    "no_json": ("200 OK", "\x00\x1b[31m"),
    "10^6_deep": ("200 OK", '{"run": ' + "[" * 10**6 + "]" * 10**6 + "}"),
}
CASES = [*ANSWERS, "no_end", "no_http"]


class Door:
    """In front of the server: strange until it is mended."""

    def __init__(self, folder, server, case):
        self.case, self.strange, self.hits = case, True, 0
        self.proxy = Proxy(server.port, self.treat, share=1, calls_once=False)
        self.remote = remote_scene.Remote(folder / case.replace("^", ""), server, self.proxy.url)
        self.told = self.remote.folder / "told"

    def treat(self, exchange):
        if not self.strange or any(part in exchange.path for part in WAITED_FOR):
            exchange.whole()
            return
        self.hits += 1
        if self.case == "no_http":
            exchange.give(b"SSH-2.0-OpenSSH_9.2\r\n")
            exchange.close()
        elif self.case == "no_end":
            exchange.give(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"run": "')
            while self.hits == 1:  # as long as the client listens
                exchange.give(b"x" * 65536)
            exchange.close()
        else:
            status, body, *headers = ANSWERS[self.case]
            head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers]
            exchange.give("\r\n".join([*head, "", body]).encode())

    def log(self):
        """All that a program said while it was strange, and what its spool has then."""
        client = self.remote.log(self.told, POINTS, RUNS, THREADS, MLFLOW_TRACKING_TOKEN=SECRET)
        _, self.said = client.communicate(timeout=120)
        assert client.returncode == 0, self.said
        self.left = json.loads(self.remote.mlplat("spool", "status", "-o", "json"))

    def texts(self):
        """What lies in the spool, and what was said."""
        files = [path.read_bytes() for path in self.remote.folder.rglob("*") if path.is_file()]
        return [self.said.encode(), json.dumps(self.left).encode(), *files]


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """All at the same time: the program has ended, and the door is not mended yet."""
    server = remote_scene.DiaryServer(tmp_path_factory.mktemp("server")).start()
    with contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        doors = {case: Door(tmp_path_factory.getbasetemp(), server, case) for case in CASES}
        for door in doors.values():
            stack.enter_context(door.proxy)
        with concurrent.futures.ThreadPoolExecutor(len(CASES)) as pool:
            list(pool.map(Door.log, doors.values()))
        yield doors


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_lost_set_aside_or_twice_after(doors, case):
    door = doors[case]
    assert door.hits > 0 and door.left["waiting"] > 0, "nothing strange happened"
    assert door.left["dead"] == door.left["dropped"] == 0, door.said
    assert "does not take records" in door.said and "mlplat spool sync" in door.said, door.said
    assert "\x1b" not in door.said and not any(SECRET.encode() in text for text in door.texts())
    door.strange = False
    door.remote.sync()
    tolds = list(victims.read(door.told))
    assert len(tolds) == RUNS and remote_scene.verify(door.remote, tolds) >= RUNS * POINTS
