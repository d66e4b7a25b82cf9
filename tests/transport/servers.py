"""Servers with TLS by a CA made here, and proxies."""

import contextlib
import http.server
import os
import pathlib
import socket
import socketserver
import ssl
import subprocess
import threading

BUILD = pathlib.Path(os.environ["MLPLAT_BINARY_DIR"])
PROXIES = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}


def clean_environment():
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("MLFLOW_", "MLPLAT_", "SSL_", "CURL_", "REQUESTS_")) and name not in PROXIES}


class Certificates:
    """Keys and certificates below a folder, made when they are first asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.authority("ca")

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def authority(self, name):
        path = self.folder / f"{name}.pem"
        if not path.exists():
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                         "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", path)
        return path

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", days=30, ca="ca"):
        """Certificate and key in one file."""
        path = self.folder / f"{name}.both"
        if not path.exists():
            (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
            self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                         "-keyout", f"{name}.key", "-out", f"{name}.csr")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                         "-CAcreateserial", "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.crt")
            path.write_text((self.folder / f"{name}.crt").read_text() + (self.folder / f"{name}.key").read_text())
        return path


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        self.connections += 1
        return connection, address

    def handle_error(self, request, client_address):
        pass  # handshakes that are meant to fail


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.port = server.server_address[1]
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def running(handler=Handler, context=None):
    server = Server(("127.0.0.1", 0), handler)
    server.seen, server.connections = [], 0
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server):
        yield server


def tls(certificate, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


class Proxy(socketserver.StreamRequestHandler):
    """CONNECT, and requests with whole addresses; server.password is asked for where it is set."""

    def handle(self):
        first = self.rfile.readline().decode()
        headers = {}
        while (line := self.rfile.readline().decode().strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.server.seen.append((first.strip(), headers))
        if self.server.password and headers.get("proxy-authorization") != self.server.password:
            self.wfile.write(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif first.startswith("CONNECT"):
            self.tunnel(*first.split()[1].rsplit(":", 1))
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nproxy")

    def tunnel(self, host, port):
        with socket.create_connection((host, int(port)), timeout=20) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(other, self.connection))
            back.start()
            self.copy(self.connection, other)
            back.join()

    @staticmethod
    def copy(source, to):
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def proxying(password=None):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads, server.seen, server.password = True, [], password
    with serving(server):
        yield server
