"""http.client, and what of the standard library sends with it."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
import xmlrpc.client

import pytest

from pytest_traces.wire.clients.http_client import read_head


@pytest.fixture
def connection(server):
    """A connection to the server."""
    one = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    yield one
    one.close()


def test_headers_as_they_left(connection, server, sent, matches):
    """Header by header, repeated ones repeated."""
    connection.putrequest("POST", "/a?b=c")
    for name, value in (("X-A", "1"), ("x-a", "2"), ("X-Number", 3), ("Content-Length", "0")):
        connection.putheader(name, value)
    connection.endheaders()
    assert sent()[0].end_ns is None
    connection.getresponse().read()
    assert matches() == [200]
    (one,) = sent()
    assert (one.client, one.method, one.role, one.through) == (
        "http.client",
        "POST",
        "outgoing",
        None,
    )
    assert one.headers[-4:] == (
        ("X-A", "1"),
        ("x-a", "2"),
        ("X-Number", "3"),
        ("Content-Length", "0"),
    )


def test_one_connection_again_and_again(connection, server, matches):
    """Each request of a connection that is kept open is recorded."""
    for path in ("/a", "/b", "/status/404"):
        connection.request("GET", path, headers={"x-path": path})
        connection.getresponse().read()
    assert matches() == [200, 200, 404]


def test_urllib_request(server, matches):
    """urllib.request sends by http.client, each redirect too."""
    with urllib.request.urlopen(f"{server.url}/redirect/1") as response:
        response.read()
    request = urllib.request.Request(f"{server.url}/a", data=b"12", headers={"X-A": "1"})
    urllib.request.urlopen(request).close()
    assert matches() == [302, 302, 200, 200]


def test_xmlrpc_client(server, sent, matches):
    """xmlrpc.client does, too."""
    with xmlrpc.client.ServerProxy(f"{server.url}/xml") as proxy:
        assert proxy.answer() == 7
    assert matches() == [200]
    assert sent()[0].method == "POST"


def test_nobody_listens(closed_port, sent):
    """A refused connection is an error, raised as ever."""
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{closed_port}/a")
    (one,) = sent()
    assert one.url == f"http://127.0.0.1:{closed_port}/a"
    assert one.error.startswith("ConnectionRefusedError: ")


def test_no_answer(connection, server, sent):
    """A server that hangs up is an error."""
    connection.request("GET", "/drop")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    assert sent()[0].error.startswith("RemoteDisconnected: ")


def test_nobody_asks_for_the_answer(connection, server, sent):
    """A connection that is closed before has had no answer."""
    connection.request("GET", "/a")
    connection.close()
    (one,) = sent()
    assert (one.status, one.error) == (None, "closed before it was answered")


def test_closed_because_of_an_error(connection, server, sent):
    """The error that is being handled is the reason."""
    connection.request("GET", "/a")
    try:
        int("enough")
    except ValueError:
        connection.close()
    assert sent()[0].error.startswith("ValueError: invalid literal")


def test_a_server_that_ceases_to_read(connection, server, sent, monkeypatch):
    """It may have answered nevertheless, as urllib3 knows."""

    def broken(self, body, **kwargs):
        send_output(self, body, **kwargs)
        raise BrokenPipeError

    send_output = http.client.HTTPConnection._send_output
    monkeypatch.setattr(http.client.HTTPConnection, "_send_output", broken)
    with pytest.raises(BrokenPipeError):
        connection.request("GET", "/a")
    assert connection.getresponse().read() == b"ok"
    (one,) = sent()
    assert (one.status, one.error) == (200, None)


def test_arguments_of_older_pythons(connection, server, matches):
    """urllib3 1.26 tries an argument of Python 2 first."""
    connection.request("GET", "/a")
    with pytest.raises(TypeError):
        connection.getresponse(buffering=True)
    connection.getresponse().read()
    assert matches() == [200]


def test_the_hook_under_itself(server, sent, wire, monkeypatch, connection):
    """A wrapper that hides a hook of an earlier recording does not make two requests of one."""
    kept = {}

    def wrapper(self, *args, **kwargs):
        return kept["below"](self, *args, **kwargs)

    kept["below"] = http.client.HTTPConnection.endheaders
    monkeypatch.setattr(http.client.HTTPConnection, "endheaders", wrapper)
    wire.close()
    wire.open()
    connection.request("GET", "/a")
    connection.getresponse().read()
    assert [one.status for one in sent()] == [200]
    monkeypatch.undo()
    wire.close()
    wire.open()


@pytest.mark.parametrize(
    ("kind", "host", "tunnel", "target", "url"),
    [
        ("HTTPConnection", "a.test", None, "/b", "http://a.test/b"),
        ("HTTPConnection", "a.test:81", None, "/b", "http://a.test:81/b"),
        ("HTTPSConnection", "a.test", None, "/b?c", "https://a.test/b?c"),
        ("HTTPSConnection", "proxy:3128", ("a.test", None), "/b", "https://a.test/b"),
        ("HTTPSConnection", "proxy:3128", ("a.test", 8443), "/b", "https://a.test:8443/b"),
        ("HTTPConnection", "proxy:3128", None, "http://a.test/b", "http://a.test/b"),
        ("HTTPConnection", "[::1]:80", None, "/b", "http://[::1]/b"),
        ("HTTPConnection", "a.test", None, "*", "http://a.test*"),
    ],
)
def test_urls(kind, host, tunnel, target, url):
    """The URL of a request is put together from its connection."""
    connection = getattr(http.client, kind)(host)
    if tunnel:
        connection.set_tunnel(*tunnel)
    connection.putrequest("GET", target, skip_host=True)
    assert read_head(connection).url == url


def test_no_request(connection):
    """A connection that nothing was put into has none."""
    assert read_head(connection) is None
    connection._buffer.append(b"nonsense")
    assert read_head(connection) is None
