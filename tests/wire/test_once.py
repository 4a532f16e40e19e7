"""One request is one record, whoever carries it; and what an application sends is its own."""

from __future__ import annotations

import asyncio

import pytest

from pytest_traces.recording import Exchange, journal
from pytest_traces.wire.clients.once import Below, Flight, bound, describe, flying, take_off

A = "http://a.test:8080/b?c"


@pytest.fixture
def above(recording):
    """A request of a layer above."""
    flight = take_off(journal, "above", "GET", A, (("x", "1"),))
    with Below(flight):
        yield flight


def test_the_layer_below_carries_it_on(above, sent):
    """The same method and URL is the same request, which whoever is lowest ends."""
    below = take_off(journal, "below", "get", A, ())
    below.land(status=201, headers=(("y", "2"),))
    above.land(status=500, error="too late")
    (one,) = sent()
    assert (one.client, one.status, one.error, one.headers) == ("above", 201, None, (("y", "2"),))


def test_a_second_time_below_is_a_retry(above, sent):
    """It is a request of its own, of the client that was called."""
    take_off(journal, "below", "GET", A, ()).land(status=503)
    take_off(journal, "below", "GET", A, ()).land(status=200)
    above.land(status=200)
    assert [(one.client, one.status) for one in sent()] == [("above", 503), ("above", 200)]


@pytest.mark.parametrize(
    ("method", "url"),
    [("POST", A), ("GET", "http://a.test:8080/b?d"), ("GET", "http://a.test/b?c"), ("GET", "x:y")],
)
def test_another_request_below(above, method, url, sent):
    """Another method, or another URL, is another request."""
    take_off(journal, "below", method, url, ())
    assert [one.client for one in sent()] == ["above", "below"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.test/b", "http://a.test:80/b"),
        ("https://A.test./", "https://a.test:443"),
        ("http://a.test/%41?b=%20", "http://a.test/A?b= "),
        ("http://a.test/b#c", "http://a.test/b"),
        ("http+unix://%2Fvar%2Fsocket/b", "http://localhost/b"),
        ("http://a.test:99999/b", "http://a.test:99999/b"),
    ],
)
def test_spellings(one, other, recording):
    """A URL is the same, however a layer writes it."""
    assert take_off(journal, "above", "GET", one, ()).is_for("GET", other)


def test_a_port_that_is_none(recording):
    """A URL that cannot be read is compared as far as it can be."""
    assert not take_off(journal, "above", "GET", "http://a:x/", ()).is_for("GET", "http://b:y/")


def test_what_is_withdrawn(above, sent):
    """A request that was not sent after all is in no recording."""
    above.withdraw(journal)
    above.withdraw(journal)
    assert sent() == []


def test_errors_in_words():
    """The class and the text; an error that cannot say what it is has its class."""

    class Mute(Exception):
        def __str__(self):
            raise ValueError

    assert describe(KeyError("a")) == "KeyError: 'a'"
    assert describe(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert describe(Mute()) == "Mute"


def test_what_stands_in_the_place_of_a_method():
    """A function is bound, and anything else is what it is."""

    class Owner:
        def method(self):
            return self

    owner = Owner()
    assert bound(vars(Owner)["method"], owner)() is owner
    assert bound(owner, None) is owner


def test_the_flag_goes_with_its_block(above):
    """Below a layer that resets it nothing flies, and afterwards it flies again."""
    with Below():
        assert flying.get() is None
    assert flying.get() is above


def layers(server, *names):
    """Send a request by each library; each is one record of that library."""
    for name in names:
        library = pytest.importorskip(name)
        if name == "urllib.request":
            library.urlopen(f"{server.url}/{name}").close()
        elif name == "urllib3":
            with library.PoolManager() as pool:
                pool.request("GET", f"{server.url}/{name}")
        else:
            library.get(f"{server.url}/{name}")


def test_each_client_once(server, sent):
    """Nothing is recorded a second time by what carries it."""
    layers(server, "requests", "urllib3", "urllib.request", "httpx", "httpx2")
    assert [one.client for one in sent()] == [
        "requests",
        "urllib3",
        "http.client",
        "httpx",
        "httpx2",
    ]
    assert len(server.log) == 5


class App:
    """A WSGI application that sends the request on that it gets, by each library."""

    def __init__(self, server, names, target=None):
        self.server, self.names, self.target = server, names, target

    def __call__(self, environ, start_response):
        layers(self.server, *self.names)
        start_response("200 OK", [("content-length", "2")])
        return [b"ok"]


NAMES = ("requests", "urllib.request", "httpx", "httpx2")


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_application_called_in_process(library, server, sent):
    """What it sends is not lost, though it is sent below another request."""
    lib = pytest.importorskip(library)
    pytest.importorskip("requests")
    with lib.Client(transport=lib.WSGITransport(app=App(server, NAMES))) as client:
        client.get("http://app/")
    assert [(one.client, one.role) for one in sent()] == [
        (library, "incoming"),
        ("requests", "outgoing"),
        ("http.client", "outgoing"),
        ("httpx", "outgoing"),
        ("httpx2", "outgoing"),
    ]


def test_an_application_called_by_requests(server, sent):
    """An adapter of requests may call one, too, and even at the address that it calls itself."""
    requests, urllib3 = pytest.importorskip("requests"), pytest.importorskip("urllib3")

    class WSGIAdapter(requests.adapters.BaseAdapter):
        def send(self, request, **kwargs):
            with urllib3.PoolManager() as pool:
                pool.request("GET", request.url)
            response = requests.Response()
            response.status_code, response.request, response.url = 200, request, request.url
            response._content = b""
            return response

        def close(self):
            """Nothing to close."""

    with requests.Session() as session:
        session.mount(f"{server.url}/app", WSGIAdapter())
        session.get(f"{server.url}/app")
    assert [(one.client, one.role) for one in sent()] == [
        ("requests", "incoming"),
        ("urllib3", "outgoing"),
    ]


def test_a_flight_that_landed_says_nothing_more(recording, sent):
    """Whoever ends it first is right."""
    flight = take_off(journal, "one", "GET", A, ())
    assert isinstance(flight, Flight)
    assert isinstance(flight.exchange, Exchange)
    flight.land(error=ValueError("first"), through="a mock")
    flight.land(status=200)
    assert [(one.status, one.error, one.through) for one in sent()] == [
        (None, "ValueError: first", "a mock")
    ]


@pytest.mark.parametrize("name", ["requests", "urllib3", "http.client", "aiohttp"])
def test_tracebacks_are_the_applications(name, closed_port, recording):
    """The frames of the hooks are hidden from whoever reads an error."""
    library = pytest.importorskip(name)
    url = f"http://127.0.0.1:{closed_port}/a"

    async def go():
        async with library.ClientSession() as session:
            await session.get(url)

    with pytest.raises(Exception, match=r"127\.0\.0\.1|refused") as caught:
        if name == "aiohttp":
            asyncio.run(go())
        elif name == "urllib3":
            with library.PoolManager() as pool:
                pool.request("GET", url, retries=False)
        elif name == "requests":
            library.get(url, timeout=5)
        else:
            library.HTTPConnection("127.0.0.1", closed_port).request("GET", "/a")
    ours = [one for one in caught.traceback if "wire/clients" in one.path.as_posix()]
    assert ours
    assert all(one.ishidden(caught) for one in ours)
