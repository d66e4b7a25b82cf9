"""Whom the client trusts, and who it is itself."""

import base64
import hashlib
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from servers import running, tls

pytestmark = pytest.mark.usefixtures("certificates")


@pytest.fixture
def server(certificates):
    with running(context=tls(certificates.issue("good"))) as server:
        yield server


def pin_of(certificates, name):
    key = subprocess.run(["openssl", "x509", "-in", f"{name}.crt", "-pubkey", "-noout"], cwd=certificates.folder,
                         check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return key, "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def test_a_server_of_our_ca_is_trusted_and_its_connection_kept(server, certificates, probe):
    for host in ("localhost", "127.0.0.1"):
        told = probe(f"https://{host}:{server.port}", times=5, MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificates.ca))
        assert (told.status, told.body) == ("OK", "{}"), told.message
    assert server.connections == 2
    assert len(server.seen) == 10


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_names_of_other_clients_name_a_ca_too(server, certificates, probe, name):
    assert probe(f"https://localhost:{server.port}", **{name: str(certificates.ca)}).status == "OK"


def test_a_folder_of_certificates_will_do(server, certificates, probe, tmp_path):
    shutil.copy(certificates.ca, tmp_path)
    certificates.openssl("rehash", tmp_path)
    assert probe(f"https://localhost:{server.port}", MLFLOW_TRACKING_SERVER_CERT_PATH=str(tmp_path)).status == "OK"


@pytest.mark.parametrize("case, words", [
    ("no ca", "MLFLOW_TRACKING_SERVER_CERT_PATH"), ("wrong ca", "MLFLOW_TRACKING_SERVER_CERT_PATH"),
    ("wrong name", "the name that the certificate is for"), ("expired", "dates"), ("self-signed", "SERVER_CERT_PATH"),
])
def test_a_certificate_that_is_not_right_is_refused(certificates, probe, case, words):
    certificate = {
        "wrong name": lambda: certificates.issue("elsewhere", names="DNS:other.example"),
        "expired": lambda: certificates.issue("old", days=-1),
    }.get(case, lambda: certificates.issue("good"))()
    if case == "self-signed":
        certificate = certificates.folder / "alone.both"
        certificates.authority("alone")
        certificate.write_text("".join((certificates.folder / f"alone.{end}").read_text() for end in ("pem", "key")))
    ca = {"no ca": {}, "wrong ca": {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificates.authority("other"))}}.get(
        case, {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificates.ca)})
    with running(context=tls(certificate)) as server:
        told = probe(f"https://localhost:{server.port}", "POST", body="secret", MLFLOW_TRACKING_TOKEN="hunter2", **ca)
        assert (told.status, told.retryable, told.tries, told.fate) == ("DENIED", False, 1, 0), told.message
        assert words in told.message and f"localhost:{server.port}" in told.message
        assert server.seen == []


def test_nobody_is_looked_at_only_where_that_is_asked_for(server, probe):
    told = probe(f"https://localhost:{server.port}", MLFLOW_TRACKING_INSECURE_TLS="true")
    assert told.status == "OK"
    assert "MLFLOW_TRACKING_INSECURE_TLS" in told.stderr


@pytest.mark.parametrize("form", ["hash", "file of a hash", "file of a key"])
@pytest.mark.parametrize("right", [True, False])
def test_a_pinned_key_is_the_only_one(server, certificates, probe, tmp_path, form, right):
    certificates.issue("another")
    key, pin = pin_of(certificates, "good" if right else "another")
    path = tmp_path / "pin"
    path.write_bytes(key if form == "file of a key" else pin.encode() + b"\n")
    told = probe(f"https://localhost:{server.port}", MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificates.ca),
                 MLPLAT_TRACKING_SERVER_PIN=pin if form == "hash" else str(path))
    assert told.status == ("OK" if right else "DENIED"), told.message
    assert right or "MLPLAT_TRACKING_SERVER_PIN" in told.message and server.seen == []


@pytest.mark.parametrize("version, refusals", [
    (ssl.TLSVersion.TLSv1_2, {"DENIED"}),
    (ssl.TLSVersion.TLSv1_3, {"DENIED", "UNAVAILABLE"}),  # said after the request has left: a reset may overtake it
])
def test_our_certificate_is_shown_where_it_is_wanted(certificates, probe, version, refusals):
    ca = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificates.ca)}
    context = tls(certificates.issue("good"), certificates.ca)
    context.maximum_version = version
    with running(context=context) as server:
        url = f"https://localhost:{server.port}"
        told = probe(url, **ca)
        assert told.status in refusals
        assert told.status == "UNAVAILABLE" or "MLFLOW_TRACKING_CLIENT_CERT_PATH" in told.message
        assert server.seen == []
        told = probe(url, MLFLOW_TRACKING_CLIENT_CERT_PATH=str(certificates.issue("client")), **ca)
        assert told.status == "OK", told.message
        told = probe(url, MLFLOW_TRACKING_CLIENT_CERT_PATH=__file__, **ca)
        assert told.status == "INVALID" and "PEM" in told.message


def test_a_port_without_tls_is_told(probe):
    with running() as server:
        told = probe(f"https://localhost:{server.port}")
        assert told.status == "INVALID" and "http://" in told.message, told.message


def test_http_2_is_spoken_where_it_is_offered(certificates, probe, tmp_path):
    program = shutil.which("nghttpd")
    if not program:
        pytest.skip("nghttpd (nghttp2-server) is not installed")
    certificates.issue("good")
    (tmp_path / "index.html").write_text("two")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    log = open(tmp_path / "log", "w+")
    server = subprocess.Popen([program, "-v", "-a", "127.0.0.1", "-d", str(tmp_path), str(port),
                               certificates.folder / "good.key", certificates.folder / "good.crt"], stdout=log)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
        told = probe(f"https://localhost:{port}", path="/index.html", times=3,
                     MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificates.ca))
        assert (told.status, told.body) == ("OK", "two"), told.message
    finally:
        server.terminate()
        server.wait()
    log.seek(0)
    said = log.read()
    assert said.count(":path: /index.html") == 3  # as only HTTP/2 has it
    log.close()
