"""Who may enter: MLflow with users and passwords, MLflow behind TLS, and servers that are none, through the command
line: its exit code, one line that helps, and no secret in it."""

import base64
import contextlib
import http.server
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import urllib.request

import pytest

from mlflow_server import MlflowServer
from programs import BUILD, ROOT, clean_environment

sys.path.append(str(ROOT / "tests/transport"))  # certificates
from servers import Certificates, serving, tls  # noqa: E402

SECRET = "hunter2-the-secret"


@pytest.fixture
def ask(tmp_path):
    """Runs the command line against an address: what it said, in one line where it failed."""

    def run(url, *words, code, **settings):
        words = words or ("experiment", "list")
        environment = clean_environment(MLFLOW_TRACKING_URI=url, HOME=tmp_path, XDG_STATE_HOME=tmp_path,
                                        **{"MLFLOW_HTTP_REQUEST_MAX_RETRIES": 0, **settings})
        done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=tmp_path, env=environment, capture_output=True,
                              timeout=120)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == code, said
        assert SECRET not in said and base64.b64encode(SECRET.encode()).decode()[:12] not in said
        assert code == 0 or (said.startswith("mlplat: ") and said.count("\n") == 1), said
        return said

    return run


# ---- users and passwords --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    pytest.importorskip("flask_wtf", reason="MLflow's basic-auth needs Flask-WTF: pip install Flask-WTF")
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = admin\n"
        f"admin_password = {SECRET}\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n")
    server = MlflowServer(folder, words=("--app-name", "basic-auth"), MLFLOW_AUTH_CONFIG_PATH=folder / "auth.ini",
                          MLFLOW_FLASK_SERVER_SECRET_KEY="x").start()
    token = base64.b64encode(f"admin:{SECRET}".encode()).decode()
    body = json.dumps({"username": "reader", "password": SECRET}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/api/2.0/mlflow/users/create", body, {
        "Content-Type": "application/json", "Authorization": f"Basic {token}"}), timeout=60).close()
    yield server
    server.kill()


def test_who_knows_the_password_comes_in(guarded, ask):
    admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET}
    ask(guarded.url, "experiment", "create", "guarded", code=0, **admin)
    assert "guarded" in ask(guarded.url, code=0, MLFLOW_TRACKING_USERNAME="reader", MLFLOW_TRACKING_PASSWORD=SECRET)


@pytest.mark.parametrize("case, settings", [
    ("nobody", {}),
    ("a wrong password", {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET + "x"}),
    ("an unknown user", {"MLFLOW_TRACKING_USERNAME": "eve", "MLFLOW_TRACKING_PASSWORD": SECRET}),
    ("a token", {"MLFLOW_TRACKING_TOKEN": SECRET}),
])
def test_others_are_told_how_to_name_themselves(guarded, ask, case, settings):
    for words in (("experiment", "list"), ("run", "start")):
        said = ask(guarded.url, *words, code=4, **settings)
        assert "MLFLOW_TRACKING_USERNAME" in said and "401" in said, said


def test_who_may_not_write_is_told_so(guarded, ask):
    admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET}
    reader = {"MLFLOW_TRACKING_USERNAME": "reader", "MLFLOW_TRACKING_PASSWORD": SECRET}
    ask(guarded.url, "experiment", "create", "closed", code=0, **admin)
    said = ask(guarded.url, "run", "start", "--experiment", "closed", code=4, **reader)
    assert "403" in said and "may not" in said, said


# ---- TLS --------------------------------------------------------------------------------------------------------------


class Front(socketserver.BaseRequestHandler):
    """Takes TLS off and gives bytes on to server.to, as a proxy in front of an MLflow does."""

    def handle(self):
        with contextlib.suppress(OSError), socket.create_connection(self.server.to, timeout=60) as behind:
            back = threading.Thread(target=self.copy, args=(behind, self.request))
            back.start()
            self.copy(self.request, behind)
            back.join()

    @staticmethod
    def copy(source, to):
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


class Tls(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def finish_request(self, request, address):
        with contextlib.suppress(OSError):
            super().finish_request(self.context.wrap_socket(request, server_side=True), address)


@contextlib.contextmanager
def behind_tls(server, context):
    front = Tls(("127.0.0.1", 0), Front)
    front.context, front.to = context, ("127.0.0.1", server.port)
    with serving(front):
        yield f"https://localhost:{front.port}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    for name in ("good", "client", "stranger"):
        made.issue(name)
    return made


def test_a_server_behind_tls_is_known_by_its_ca(guarded, certificates, ask):
    admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET}
    ca = {"MLFLOW_TRACKING_SERVER_CERT_PATH": certificates.ca}
    with behind_tls(guarded, tls(certificates.issue("good"))) as url:
        assert ask(url, "experiment", "create", "tls", code=0, **admin, **ca).strip().isdigit()
        for other in ({}, {"MLFLOW_TRACKING_SERVER_CERT_PATH": certificates.authority("other")}):
            assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in ask(url, code=4, **admin, **other)
        said = ask(url, code=2, **admin, MLFLOW_TRACKING_SERVER_CERT_PATH=certificates.folder / "nothing.pem")
        assert "nothing.pem" in said, said


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_our_certificate_gets_it(guarded, certificates, ask, version):
    settings = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET,
                "MLFLOW_TRACKING_SERVER_CERT_PATH": certificates.ca}
    context = tls(certificates.issue("good"), certificates.ca)
    context.maximum_version = version
    with behind_tls(guarded, context) as url:
        ask(url, code=0, **settings, MLFLOW_TRACKING_CLIENT_CERT_PATH=certificates.issue("client"))
        if version == ssl.TLSVersion.TLSv1_2:  # 1.3 says it so late that a reset may overtake it: tests/transport
            assert "MLFLOW_TRACKING_CLIENT_CERT_PATH" in ask(url, code=4, **settings)


# ---- servers that are none --------------------------------------------------------------------------------------------

LOGIN = b"<!DOCTYPE html><title>Sign in</title><form><input type=password></form>"
PAGE = b"<html><title>Welcome to nginx!</title>It works.</html>"
EXPIRED = json.dumps({"error_code": "UNAUTHENTICATED", "message": f"token {SECRET} has expired"}).encode()


class Odd(http.server.BaseHTTPRequestHandler):
    """Answers everything with server.status, server.headers and server.body, which may be made piece by piece."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self.path)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if isinstance(self.server.body, bytes):
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)
            return
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for piece in self.server.body():
                self.wfile.write(piece)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def odd(status, body, headers=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.daemon_threads, server.seen = True, []
    server.status, server.body, server.headers = status, body, headers or {"Content-Type": "application/json"}
    with serving(server):
        server.url = f"http://127.0.0.1:{server.port}"
        yield server


def endless():
    yield b'{"experiments": ["'
    while True:
        yield b"x" * 65536


HTML = {"Content-Type": "text/html"}
ODD = {
    "a page to log in": (200, LOGIN, HTML, 4, "log in"),
    "a page to log in that says it is JSON": (200, LOGIN, None, 4, "log in"),
    "another page": (200, PAGE, HTML, 2, "is it an MLflow server"),
    "a page that is not there": (404, PAGE, HTML, 3, "404"),
    "an expired token": (401, EXPIRED, None, 4, "expired"),
    "an end that is missing": (200, b'{"experiments": [', None, 1, "broken"),
    "no JSON": (200, b"\x00\xff\x1b[31m", None, 1, "broken"),
    "a number": (200, b"42", None, 1, "broken"),
    "nothing": (200, b"", None, 1, "broken"),
    "a list of something else": (200, b'{"experiments": [3]}', None, 1, "experiment"),
    "an end that does not come": (200, endless, None, 1, "the limit"),
    "10^6 deep": (200, b'{"experiments": ' + b"[" * 10**6 + b"]" * 10**6 + b"}", None, 1, "more than 64 levels"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_server_that_is_none_is_told_in_a_line(ask, case):
    status, body, headers, code, words = ODD[case]
    with odd(status, body, headers) as server:
        said = ask(server.url, code=code, MLFLOW_TRACKING_TOKEN=SECRET)
        assert words in said and (f"127.0.0.1:{server.port}" in said or "the server's answer" in said), said
        assert "\x1b" not in said
        assert len(server.seen) == 1


def test_names_from_a_server_do_nothing_to_the_terminal(ask):
    names = ["\x1b[31mred", "two\nlines", "back\rwards", "\x9b31m", "tab\there", "\x07bell"]
    body = {"experiments": [{"experiment_id": str(i), "name": name, "lifecycle_stage": "active"}
                            for i, name in enumerate(names)]}
    with odd(200, json.dumps(body).encode()) as server:
        said = ask(server.url, code=0)
        assert [sign for sign in said if sign != "\n" and (ord(sign) < 32 or 127 <= ord(sign) < 160)] == []
        assert said.count("\n") == 1 + len(names), said
        told = [json.loads(line) for line in ask(server.url, "experiment", "list", "-o", "json", code=0).splitlines()]
        assert [one["name"] for one in told] == names
    with odd(200, b'{"experiments": [{"experiment_id": "0", "name": "a\\u0000b"}]}') as server:
        assert "broken" in ask(server.url, code=1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("words", [("experiment", "list"), ("run", "start")])
def test_nobody_is_sent_to_another_server(ask, status, words):
    with odd(200, b"{}") as other, odd(status, b"", {"Location": f"{other.url}/api"}) as server:
        said = ask(server.url, *words, code=2, MLFLOW_TRACKING_TOKEN=SECRET)
        assert f"127.0.0.1:{other.port}" in said, said
        assert (len(server.seen), other.seen) == (1, [])


def test_what_speaks_no_http_is_told(ask):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def greet():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    connection.recv(65536)

        threading.Thread(target=greet, daemon=True).start()
        said = ask(f"http://127.0.0.1:{listener.getsockname()[1]}", code=1)
        assert "does not speak HTTP" in said, said
