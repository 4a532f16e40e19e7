"""The loopback port: for clients and processes that respx does not reach."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
from urllib.parse import urlsplit

import httpx
import pytest
import respx

from pytest_traces import record


def test_it_is_opened_when_asked_for_and_closed_at_the_end(stand_in):
    """Not before, and once; then the port is free again."""
    with record() as act:
        before = threading.active_count()
        payments = stand_in(act, "http://payments/v1/", optional=True)
        assert threading.active_count() == before
        url = payments.url
        assert payments.url == url
        assert urlsplit(url).path == "/v1"
        assert threading.active_count() == before + 1
        port = urlsplit(url).port
        with socket.create_connection(("127.0.0.1", port)):
            pass
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


@pytest.mark.parametrize("base_url", ["http://payments", "https://gateway:8443/payments/v1"])
def test_the_recording_knows_what_is_served_where(act, play, base_url):
    """From the first time that somebody asks; the path is the same on both sides."""
    payments = play(base_url, optional=True)
    aliases = act._frame.recording.aliases
    assert aliases == {}
    parts = urlsplit(payments.url)
    assert payments.url.endswith(parts.path)
    assert aliases == {f"http://127.0.0.1:{parts.port}": base_url.removesuffix(parts.path)}


def test_http_server_is_for_those_who_ask_for_the_url():
    """Neither a stand-in nor its routes need it."""
    code = """
        import sys, httpx
        from pytest_traces import record
        from pytest_traces.recording import journal
        from pytest_traces.wire.stand_in import open_stand_in
        with record() as act:
            payments = open_stand_in(journal, act._frame.recording, "http://payments")
            payments.get("/x")
            httpx.get("http://payments/x")
            assert "http.server" not in sys.modules
            payments.url
            assert "http.server" in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.parametrize("mode", [None, "httpcore", "httpx"])
def test_httpx_reaches_it_over_the_network(act, play, in_async_client, mode):
    """Whatever router of respx is there: its routes are the test's own, the port is not."""
    payments = play()
    payments.get("/x").respond(text="played")

    async def call(client):
        return (await client.get(f"{payments.url}/x")).text

    with respx.mock(using=mode):
        assert httpx.get(f"{payments.url}/x").text == "played"
        assert httpx.get(f"{payments.url.replace('127.0.0.1', 'localhost')}/x").text == "played"
        assert in_async_client(call) == "played"
    act.assert_count("GET /x", 3)
    assert [one.url for one in payments.requests] == ["http://payments/x"] * 3


def test_requests_and_its_instrumentation(act, play):
    """The span is below the client's; the attributes are those of the service."""
    requests = pytest.importorskip("requests")
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.requests")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    payments = play("https://payments/v1")
    payments.post("/charge").respond(201, json={"ok": True})
    instrumentation.RequestsInstrumentor().instrument(tracer_provider=sdk.TracerProvider())
    try:
        response = requests.post(f"{payments.url}/charge?x=1", json={"order": 7}, timeout=5)
    finally:
        instrumentation.RequestsInstrumentor().uninstrument()

    assert (response.status_code, response.json()) == (201, {"ok": True})
    act.assert_tree("""
        POST
        └─ POST /charge
    """)
    span = act.get("POST /charge")
    assert span.attributes["server.address"] == "payments"
    assert span.attributes["url.scheme"] == "https"
    assert span.attributes["url.query"] == "x=1"
    assert payments.requests[0].content == b'{"order": 7}'


def test_aiohttp_and_its_instrumentation(act, play):
    """Several at once, whose answers overlap."""
    aiohttp = pytest.importorskip("aiohttp")
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.aiohttp_client")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    payments = play(delay="50ms")
    payments.get("/x").respond(json=[1, 2])
    instrumentation.AioHttpClientInstrumentor().instrument(tracer_provider=sdk.TracerProvider())

    async def get(client):
        async with client.get(f"{payments.url}/x") as response:
            return await response.json()

    async def main():
        async with aiohttp.ClientSession() as client:
            return await asyncio.gather(get(client), get(client))

    try:
        assert asyncio.run(main()) == [[1, 2], [1, 2]]
    finally:
        instrumentation.AioHttpClientInstrumentor().uninstrument()
    act.assert_tree("""
        2 × GET
        └─ GET /x
    """)
    spans = act.find("GET /x")
    assert max(span.start_ns for span in spans) < min(span.end_ns for span in spans)


def test_httpx2(act, play, traceparent):
    """Which respx does not know."""
    httpx2 = pytest.importorskip("httpx2")
    payments = play()
    payments.put("/x").respond(204)
    headers = {"traceparent": traceparent.text}
    assert httpx2.put(f"{payments.url}/x", headers=headers).status_code == 204
    assert act.get("PUT /x").parent_id == traceparent.span_id


def test_another_process(act, play, traceparent):
    """It is given the URL, and knows nothing of tests."""
    payments = play()
    payments.post("/charge").respond(json={"ok": True})
    code = """
        import os, urllib.request
        request = urllib.request.Request(
            os.environ["PAYMENTS"] + "/charge",
            data=b"{}",
            headers={"traceparent": os.environ["TRACEPARENT"]},
        )
        print(urllib.request.urlopen(request).read().decode())
    """
    env = {**os.environ, "PAYMENTS": payments.url, "TRACEPARENT": traceparent.text}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**env, "NO_PROXY": "127.0.0.1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(run.stdout) == {"ok": True}
    assert act.get("POST /charge").parent_id == traceparent.span_id


@pytest.fixture
def connection(play):
    """A connection to a stand-in with a few routes, and the stand-in."""
    payments = play(optional=True)

    def echo(request: httpx.Request) -> httpx.Response:
        headers = [("x", "1"), ("x", "2"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
        return httpx.Response(200, headers=headers, content=request.content)

    async def stream(request: httpx.Request) -> httpx.Response:
        async def parts():
            yield b"a"
            yield b"b"

        return httpx.Response(200, content=parts())

    payments.route(path="/echo").mock(side_effect=echo)
    payments.get("/async").mock(side_effect=stream)
    payments.get("/stream").mock(
        side_effect=lambda request: httpx.Response(200, content=iter([b"a", b"", b"b"]))
    )
    payments.get("/none").respond(204)
    payments.get("/down").mock(side_effect=httpx.ConnectError)
    payments.get("/bug").mock(side_effect=ValueError("boom"))
    payments.get("/pass").pass_through()
    host, port = urlsplit(payments.url).hostname, urlsplit(payments.url).port
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.payments = payments
    yield connection
    connection.close()


def test_a_connection_is_kept_and_carries_every_method(act, connection):
    """HEAD and 204 have no body; unknown methods are as good as others."""
    seen = []
    for method, path in (("GET", "/echo"), ("HEAD", "/echo"), ("GET", "/none"), ("PURGE", "/echo")):
        connection.request(method, path, body=None if method == "GET" else b"abc")
        response = connection.getresponse()
        seen.append((response.status, response.read(), connection.sock is not None))
    assert seen == [(200, b"", True), (200, b"", True), (204, b"", True), (200, b"abc", True)]
    act.assert_tree("GET /echo\nHEAD /echo\nGET /none\nPURGE /echo")


def test_headers_that_are_there_twice_stay_so(connection):
    """Both ways."""
    connection.putrequest("GET", "/echo")
    connection.putheader("X-In", "1")
    connection.putheader("X-In", "2")
    connection.endheaders()
    response = connection.getresponse()
    assert response.headers.get_all("x") == ["1", "2"]
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    (received,) = connection.payments.requests
    assert [pair for pair in received.headers if pair[0] == "X-In"] == [
        ("X-In", "1"),
        ("X-In", "2"),
    ]


@pytest.mark.parametrize("path", ["/stream", "/async"])
def test_a_body_of_unknown_length_is_sent_in_chunks(connection, path):
    """Also that of a handler which only an asynchronous client could read."""
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.read() == b"ab"


def test_a_body_that_comes_in_chunks_is_read(connection):
    """With its trailers; a large one, too."""
    connection.request("POST", "/echo", body=iter([b"a" * 100_000, b"b"]), encode_chunked=True)
    assert connection.getresponse().read() == b"a" * 100_000 + b"b"
    connection.putrequest("POST", "/echo")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders(b"2;x=y\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n")
    assert connection.getresponse().read() == b"ab"
    connection.request("GET", "/echo")
    assert connection.getresponse().read() == b""


@pytest.mark.parametrize(
    "head", ["Content-Length: many", "Transfer-Encoding: chunked", "Content-Length: -1"]
)
def test_a_body_that_cannot_be_read_is_refused(connection, head):
    """And the connection is given up."""
    connection.putrequest("POST", "/echo")
    connection.putheader(*head.split(": "))
    connection.endheaders(b"zz\r\n")
    response = connection.getresponse()
    assert (response.status, response.headers["connection"]) == (400, "close")
    assert response.read().startswith(b"the body cannot be read: ")


def test_a_client_of_http_1_0_is_answered(connection):
    """It knows no chunks: the end of the connection is the end of the body."""
    connection.connect()
    connection.sock.sendall(b"GET http://payments/stream HTTP/1.0\r\n\r\n")
    parts = b"".join(iter(lambda: connection.sock.recv(1024), b""))
    head, _, body = parts.partition(b"\r\n\r\n")
    assert b"200" in head
    assert b"chunked" not in head
    assert body == b"ab"


def test_what_the_test_lets_fail_is_a_broken_connection(act, connection):
    """A handler that raises is a failure of the server."""
    connection.request("GET", "/down")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    assert not act.spans
    connection.request("GET", "/bug")
    response = connection.getresponse()
    assert (response.status, response.read()) == (500, b"Internal Server Error")
    assert act.get("GET /bug").status == "error"


def test_there_is_nothing_to_pass_through_to(act, connection):
    """Whoever asks the port means the test."""
    connection.request("GET", "/pass")
    response = connection.getresponse()
    assert (response.status, response.read()) == (501, b"there is nothing to pass through to")
    assert not act.spans


def test_a_path_without_a_route_is_a_finding(stand_in):
    """As it is for httpx, with the same words in the answer and at the end."""
    told = "stand-in http://payments: GET /y has no route; the nearest is GET /x"
    with pytest.raises(AssertionError) as caught, record() as act:
        payments = stand_in(act)
        payments.get("/x", optional=True)
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(f"{payments.url}/y")
        with failed.value as response:
            assert (response.status, response.read().decode()) == (501, told)
    assert str(caught.value) == told


def test_a_client_that_goes_away_harms_nobody(act, play):
    """The next one is answered; the span of the first has ended."""
    payments = play()
    payments.get("/x", delay="20ms").respond(content=b"x" * 1_000_000)
    parts = urlsplit(payments.url)
    with socket.create_connection((parts.hostname, parts.port)) as client:
        client.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(httpx.get(f"{payments.url}/x").content) == 1_000_000
    act.assert_count("GET /x", 2)


def test_connections_that_stay_open_are_ended(stand_in):
    """An idle client does not hold up the end of the test."""
    with record() as act:
        payments = stand_in(act)
        payments.get("/x")
        parts = urlsplit(payments.url)
        client = http.client.HTTPConnection(parts.hostname, parts.port)
        client.request("GET", "/x")
        client.getresponse().read()
    assert client.sock.recv(1) == b""
    client.close()


def test_a_request_that_nobody_answers_is_a_fault(stand_in, monkeypatch):
    """It is waited for, but not for ever."""
    from pytest_traces.wire.stand_in import listening

    monkeypatch.setattr(listening, "_PATIENCE_NS", 10_000_000)
    free, arrived = threading.Event(), threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        arrived.set()
        free.wait(5)
        return httpx.Response(200)

    threads = set(threading.enumerate())
    with pytest.raises(AssertionError) as caught, record(timeout="10ms") as act:
        payments = stand_in(act)
        payments.get("/x").mock(side_effect=handler)
        parts = urlsplit(payments.url)
        client = socket.create_connection((parts.hostname, parts.port))
        client.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert arrived.wait(5)
    client.close()
    free.set()
    for thread in set(threading.enumerate()) - threads:
        thread.join()
    assert str(caught.value) == (
        "stand-in http://payments: a request to its url had no answer when the test ended"
    )


def test_an_asynchronous_handler_that_still_waits_is_cancelled(stand_in):
    """The end of the test is the end of the service."""
    arrived, seen = threading.Event(), []

    async def handler(request: httpx.Request) -> httpx.Response:
        arrived.set()
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("over")
        return httpx.Response(200)

    with record(timeout="10ms") as act:
        payments = stand_in(act)
        payments.get("/x").mock(side_effect=handler)
        parts = urlsplit(payments.url)
        client = socket.create_connection((parts.hostname, parts.port))
        client.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert arrived.wait(5)
    client.close()
    assert seen == ["over"]


def test_a_handler_that_cannot_be_cancelled_is_a_fault(stand_in, monkeypatch):
    """It is waited for, but not for ever."""
    from pytest_traces.wire.stand_in import loops

    monkeypatch.setattr(loops, "_PATIENCE", 0.02)
    free, arrived = threading.Event(), threading.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        arrived.set()
        free.wait(5)
        return httpx.Response(200)

    threads = set(threading.enumerate())
    with pytest.raises(AssertionError) as caught, record(timeout="10ms") as act:
        payments = stand_in(act)
        payments.get("/x").mock(side_effect=handler)
        client = threading.Thread(target=lambda: httpx.get("http://payments/x"))
        client.start()
        assert arrived.wait(5)
        timer = threading.Timer(0.1, free.set)
        timer.start()
    for thread in set(threading.enumerate()) - threads:
        thread.join()
    assert str(caught.value) == "stand-in http://payments: something of it does not end"
