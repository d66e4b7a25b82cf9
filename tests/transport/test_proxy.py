"""Proxies by the names that curl takes; what is for the server alone does not reach them."""

import base64

from servers import proxying, running, tls


def test_http_goes_through_the_proxy_and_no_proxy_is_kept(probe):
    with proxying() as proxy, running() as server:
        url = f"http://127.0.0.1:{server.port}"
        assert probe(url, path="/x", http_proxy=f"http://127.0.0.1:{proxy.port}").body == "proxy"
        assert proxy.seen[0][0] == f"GET {url}/x HTTP/1.1"
        assert probe(url, http_proxy=f"http://127.0.0.1:{proxy.port}", no_proxy="127.0.0.1").body == "{}"
        assert probe(url, HTTP_PROXY=f"http://127.0.0.1:{proxy.port}").body == "{}"  # of a CGI's caller
        assert (len(proxy.seen), len(server.seen)) == (1, 2)


def test_tls_goes_through_the_proxy_unread(probe, certificates):
    password = "Basic " + base64.b64encode(b"ann:hunter2").decode()
    with proxying(password) as proxy, running(context=tls(certificates.issue("good"))) as server:
        told = probe(f"https://localhost:{server.port}", "POST", body="data", MLFLOW_TRACKING_TOKEN="s3cr3t",
                     MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificates.ca), times=3,
                     https_proxy=f"http://ann:hunter2@127.0.0.1:{proxy.port}")
        assert (told.status, told.body) == ("OK", "{}"), told.message
        assert [first for first, _ in proxy.seen] == [f"CONNECT localhost:{server.port} HTTP/1.1"]
        assert "authorization" not in proxy.seen[0][1]
        assert [headers["Authorization"] for _, _, headers, _ in server.seen] == ["Bearer s3cr3t"] * 3
        assert all("Proxy-Authorization" not in headers for _, _, headers, _ in server.seen)


def test_a_proxy_that_refuses_is_told_without_its_password(probe):
    with proxying("Basic other") as proxy:
        there = {"https_proxy": f"http://ann:hunter2@127.0.0.1:{proxy.port}",
                 "http_proxy": f"http://ann:hunter2@127.0.0.1:{proxy.port}"}
        for url, fate in (("https://localhost:1", 0), ("http://localhost:1", 2)):
            told = probe(url, "POST", body="data", **there)
            assert (told.status, told.fate, told.retryable) == ("DENIED", fate, False), told.message
            assert "proxy" in told.message and "hunter2" not in told.message + told.stderr


def test_a_proxy_that_is_not_there_is_told(probe):
    told = probe("http://localhost:1", "POST", body="data", http_proxy="http://ann:hunter2@no-such-proxy.invalid:3128")
    assert (told.status, told.fate) == ("UNAVAILABLE", 0)
    assert "http_proxy" in told.message and "hunter2" not in told.message
