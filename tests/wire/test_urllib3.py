"""urllib3: one record for each request of a connection."""

from __future__ import annotations

import pytest

urllib3 = pytest.importorskip("urllib3")


@pytest.fixture
def pool():
    """A manager of pools."""
    with urllib3.PoolManager(retries=False) as one:
        yield one


def test_headers_as_they_left(pool, server, sent, matches):
    """Repeated headers keep their order, and those that are added are among them."""
    headers = urllib3.response.HTTPHeaderDict([("x-a", "1"), ("x-b", "2")])
    headers.add("x-a", "3")
    pool.request("POST", f"{server.url}/p q/ü?x=y z", headers=headers, body=b"12")
    assert matches() == [200]
    (one,) = sent()
    assert (one.client, one.method, one.role, one.through) == ("urllib3", "POST", "outgoing", None)
    assert [value for name, value in one.added_early if name == "x-a"] in (["1", "3"], ["1, 3"])
    assert {"Host", "Content-Length"} <= {name for name, _ in one.headers}


def test_headers_of_the_pool(server, sent, matches):
    """Those that a pool has for all of its requests are there."""
    with urllib3.HTTPConnectionPool(
        "127.0.0.1", server.server_port, headers={"x-own": "1"}
    ) as pool:
        pool.urlopen("GET", "/a").release_conn()
        pool.urlopen("GET", "/b", None, {"x-other": b"2"}).release_conn()
    assert matches() == [200, 200]
    assert [one.added_early for one in sent()] == [(("x-own", "1"),), (("x-other", "2"),)]


def test_in_chunks(pool, server, matches):
    """A body in chunks is announced by a header."""
    pool.request("POST", f"{server.url}/a", body=iter([b"1", b"2"]), chunked=True)
    assert matches() == [200]


def test_redirects_and_retries(server, matches):
    """Each of them is a request."""
    retry = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)
    with urllib3.PoolManager(retries=retry) as pool:
        pool.request("GET", f"{server.url}/redirect/1")
        pool.request("GET", f"{server.url}/flaky/2")
    with urllib3.HTTPConnectionPool("127.0.0.1", server.server_port) as pool:
        pool.request("GET", "/redirect/0")
    assert matches() == [302, 302, 200, 503, 503, 200, 302, 200]


def test_a_connection_alone(server, sent, matches):
    """A connection that no pool has made is recorded, too."""
    connection = urllib3.connection.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("GET", "/a", headers={"x-a": "1"})
    connection.getresponse()
    connection.close()
    assert matches() == [200]
    assert sent()[0].client == "urllib3"


def test_nobody_listens(closed_port, sent):
    """Each attempt that was made is a request with an error."""
    with urllib3.PoolManager(retries=urllib3.Retry(1, backoff_factor=0)) as pool:
        with pytest.raises(urllib3.exceptions.MaxRetryError):
            pool.request("GET", f"http://127.0.0.1:{closed_port}/a")
    assert [one.error.partition(":")[0] for one in sent()] == ["NewConnectionError"] * 2


def test_nobody_listens_for_tls(pool, closed_port, sent):
    """Where nothing could be sent, the attempt is recorded all the same."""
    with pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", f"https://127.0.0.1:{closed_port}/a")
    (one,) = sent()
    assert one.url == f"https://127.0.0.1:{closed_port}/a"
    assert one.error.startswith("NewConnectionError")


def test_a_timeout(pool, server, sent):
    """A server that never answers is an error."""
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        pool.request("GET", f"{server.url}/hang", timeout=0.05)
    assert len(sent()) == 1
    assert sent()[0].error.startswith(("timeout", "TimeoutError"))


def test_through_a_proxy(server, sent):
    """The URL is the one that was asked for, whoever was told it."""
    with urllib3.ProxyManager(server.url) as pool:
        pool.request("GET", "http://elsewhere.test/a?b=c")
    (one,) = sent()
    assert (one.url, one.status) == ("http://elsewhere.test/a?b=c", 200)
    assert one.headers == server.log[0].headers


def test_a_mock_of_the_connection(pool, sent, monkeypatch):
    """Where nothing reaches a connection, the pool's own answer counts."""

    def answer(self, *args, **kwargs):
        return urllib3.HTTPResponse(status=418)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "_make_request", answer)
    monkeypatch.setattr(urllib3.HTTPConnectionPool, "ResponseCls", FromNothing, raising=False)
    pool.request("GET", "http://nowhere.test/a", headers={"x-a": "1"})
    (one,) = sent()
    assert (one.status, one.headers) == (418, (("x-a", "1"),))


class FromNothing:
    """What urllib3 1.26 makes of the answer of a connection."""

    @staticmethod
    def from_httplib(response, **kwargs):
        return response


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_instrumentation_adds(order, server, instrument, provider, open_recording):
    """OpenTelemetry wraps urlopen: above the hook or below it, the headers are the same."""
    if order == "after":
        recording = open_recording()
    instrument("urllib3", "URLLib3Instrumentor")
    if order == "before":
        recording = open_recording()
    with provider.get_tracer("app").start_as_current_span("work") as span:
        with urllib3.PoolManager() as pool:
            pool.request("GET", f"{server.url}/redirect/0", headers={"a": "b"})
    found = recording.requests_between()
    assert [(one.url, one.headers) for one in found] == [
        (server.url + one.target, one.headers) for one in server.log
    ]
    assert [one.status for one in found] == [302, 200]
    trace_id = f"{span.context.trace_id:032x}"
    for one in found:
        values = [value for name, value in one.headers if name == "traceparent"]
        assert [value.split("-")[1] for value in values] == [trace_id]
    early = {name for name, _ in found[0].added_early}
    assert ("traceparent" in early) is (order == "after")
