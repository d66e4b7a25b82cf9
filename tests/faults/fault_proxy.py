"""A proxy of ours between a client and an MLflow server: it does harm on purpose, and remembers what went through.

A fault is a function of one exchange. It may give the request to the server, whole or in part, or not; and the answer
to the client, whole, in part, slowly, or not. What was sent although an answer had already come is found from its notes.
"""

import collections
import contextlib
import http.client
import json
import random
import socket
import socketserver
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: the close is a reset
HEADERS_OF_A_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


class Gone(Exception):
    """This connection is over."""


class Note:
    """What is remembered of a request."""

    def __init__(self, path, body):
        self.path, self.body = path, body
        self.status = None  # what the server said, if it was asked
        self.answered = False  # the client was given all of it

    @property
    def taken(self):
        return self.answered and self.status == 200


class Exchange:
    """One request of the client, read whole, and what can be done with it."""

    def __init__(self, link, method, path, headers, body):
        self.link, self.method, self.path, self.headers, self.body = link, method, path, headers, body
        self.note = Note(path, body)

    def send(self, part=None):
        """To the server: so many bytes of the body, or all of the request. The server's answer, as bytes."""
        server = http.client.HTTPConnection("127.0.0.1", self.link.proxy.to, timeout=120)
        try:
            server.putrequest(self.method, self.path, skip_accept_encoding=True, skip_host=True)
            for name, value in self.headers:
                if name.lower() != "connection":
                    server.putheader(name, value)
            server.endheaders(self.body if part is None else self.body[:part])
            if part is not None:
                return b""
            answer = server.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.reset()  # as the server's own end would be seen
        finally:
            server.close()
        self.note.status = answer.status
        head = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        head += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in HEADERS_OF_A_HOP]
        return "\r\n".join([*head, f"Content-Length: {len(text)}", "", ""]).encode() + text

    def give(self, data):
        """To the client."""
        with self.link.ends():
            self.link.connection.sendall(data)

    def say(self, status, text, *headers):
        """An answer of the proxy's own."""
        body = json.dumps({"error_code": status.split(" ", 1)[1], "message": text}).encode()
        head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
        self.give("\r\n".join([*head, "", ""]).encode() + body)

    def whole(self):
        """No fault."""
        answer = self.send()
        self.give(answer)
        self.note.answered = True

    def rest(self, seconds):
        """For so long, or until the proxy is closed."""
        self.link.proxy.closed.wait(seconds)

    def hold(self, seconds):
        """Until the client goes away, or for so long."""
        self.link.connection.settimeout(seconds)
        with self.link.ends():
            self.link.connection.recv(1)
        self.close()

    def reset(self):
        with contextlib.suppress(OSError):
            self.link.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def close(self):
        raise Gone


class Link(socketserver.StreamRequestHandler):
    """A connection of the client."""

    def setup(self):
        super().setup()
        self.proxy = self.server.proxy
        self.proxy.links.add(self.connection)

    def finish(self):
        self.proxy.links.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    @contextlib.contextmanager
    def ends(self):
        """The client's going away ends the connection and is no error."""
        try:
            yield
        except OSError:
            raise Gone from None

    def next_request(self):
        first = self.rfile.readline().decode().split()
        headers = []
        while (line := self.rfile.readline().decode().strip()):
            headers.append(tuple(line.split(": ", 1)))
        if len(first) != 3:
            raise Gone
        length = int({name.lower(): value for name, value in headers}.get("content-length", 0))
        body = self.rfile.read(length)
        if len(body) != length:
            raise Gone
        return Exchange(self, first[0], first[1], headers, body)

    def handle(self):
        with contextlib.suppress(Gone):
            while True:
                with self.ends():
                    exchange = self.next_request()
                self.proxy.treat(exchange)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 128


class Proxy:
    """In a `with`. The fault hits the first request of each path and then the given share of all of them; but what a
    program waits for, all besides log-batch, only once; unless it is told to hit more, or not the first."""

    def __init__(self, to, fault=Exchange.whole, share=0.3, seed=1, calls_once=True, first=True):
        self.to, self.fault, self.share, self.calls_once, self.first = to, fault, share, calls_once, first
        self.chance, self.lock, self.closed = random.Random(seed), threading.Lock(), threading.Event()
        self.notes, self.links, self.paths, self.hit = [], set(), set(), collections.Counter()
        self.port = 0
        self.open_door()
        self.url = f"http://127.0.0.1:{self.port}"

    def open_door(self):
        self.server = Server(("127.0.0.1", self.port), Link)
        self.server.proxy = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close_door(self):
        """Nobody listens any more, and who is connected is cut off."""
        self.server.shutdown()
        self.server.server_close()
        for link in list(self.links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed.set()
        self.close_door()

    def treat(self, exchange):
        path = exchange.path.split("?")[0]
        call = (path, exchange.body)
        with self.lock:
            self.notes.append(exchange.note)
            hit = (self.first and path not in self.paths) or self.chance.random() < self.share
            hit = hit and (not self.calls_once or path.endswith("/log-batch") or not self.hit[call])
            self.paths.add(path)
            self.hit[call] += hit
        (self.fault if hit else Exchange.whole)(exchange)


def items_of(note):
    """What a log-batch brings, each as a tuple; a mark of ours has another number each time."""
    if not note.path.endswith("/runs/log-batch"):
        return
    batch = json.loads(note.body)
    for kind in ("metrics", "params", "tags"):
        for one in batch.get(kind, []):
            yield (kind, batch["run_id"], *sorted(one.items()))


def sent_again(notes):
    """What was sent once more after the server had taken it and its answer had been given."""
    taken, again = set(), []
    for note in notes:
        items = set(items_of(note))
        again += items & taken
        if note.taken:
            taken |= items
    return again

