"""Mocked requests are recorded as others are, with the name of what answered."""

from __future__ import annotations

import asyncio
from inspect import signature
from types import SimpleNamespace

import pytest

httpx = pytest.importorskip("httpx")
respx = pytest.importorskip("respx")
URL = "http://payments.test/charge"


def get(url=URL, **given):
    """Get it by httpx, sync."""
    return httpx.get(url, headers={"x-a": "1"}, **given)


def aget(url=URL):
    """Get it by httpx, async."""

    async def go():
        async with httpx.AsyncClient() as client:
            return await client.get(url, headers={"x-a": "1"})

    return asyncio.run(go())


WAYS = pytest.mark.parametrize("way", [get, aget])


def outline(recording):
    """What matters here of each request; each has what its caller gave it."""
    found = recording.requests_between()
    assert all(("x-a", "1") in one.headers for one in found)
    return [(one.client, one.url, one.status, one.through) for one in found]


#: Only the first is below what OpenTelemetry's instrumentation wraps.
NAMES = {"httpcore": "respx", "httpx": 'respx (using="httpx")'}


@WAYS
@pytest.mark.parametrize("using", ["httpcore", "httpx"])
@pytest.mark.parametrize("first", ["mock", "recording"])
def test_respx(way, using, first, open_recording):
    """respx in both of its modes, begun before the recording or in it."""
    if first == "recording":
        recording = open_recording()
    with respx.mock(using=using) as router:
        if first == "mock":
            recording = open_recording()
        router.get(URL).respond(201)
        assert way().status_code == 201
    assert outline(recording) == [("httpx", URL, 201, NAMES[using])]


@WAYS
@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_respx_that_lets_pass(way, using, server, recording):
    """What a mock lets pass goes by the network."""
    with respx.mock(using=using) as router:
        router.route(host="127.0.0.1").pass_through()
        way(f"{server.url}/a")
    assert outline(recording) == [("httpx", f"{server.url}/a", 200, None)]


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_respx_that_fails(using, recording):
    """An error of the mock is the request's, and raised as ever."""
    with respx.mock(using=using) as router:
        router.get(URL).mock(side_effect=httpx.ConnectError("down"))
        with pytest.raises(httpx.ConnectError):
            get()
    assert outline(recording) == [("httpx", URL, None, NAMES[using])]
    assert recording.requests_between()[0].error == "ConnectError: down"


def test_respx_and_other_clients(server, recording):
    """respx mocks httpx alone: another library's requests go by the network."""
    httpx2 = pytest.importorskip("httpx2")
    with respx.mock:
        httpx2.get(f"{server.url}/a", headers={"x-a": "1"})
    assert outline(recording) == [("httpx2", f"{server.url}/a", 200, None)]


def test_respx_as_a_transport(recording):
    """A router that a client holds as its transport is that transport."""
    router = respx.Router()
    router.get(URL).respond(204)
    with httpx.Client(transport=httpx.MockTransport(router.handler)) as client:
        client.get(URL, headers={"x-a": "1"})
    assert outline(recording) == [("httpx", URL, 204, "httpx.MockTransport")]


@WAYS
def test_pytest_httpx(way, request, recording):
    """pytest-httpx patches the transports of httpx."""
    pytest.importorskip("pytest_httpx")
    request.getfixturevalue("httpx_mock").add_response(url=URL, status_code=202)
    assert way().status_code == 202
    assert outline(recording) == [("httpx", URL, 202, "pytest-httpx")]


def test_pytest_httpx2(request, recording):
    """pytest-httpx2 makes respx mock httpx2, too."""
    pytest.importorskip("pytest_httpx2")
    httpx2 = pytest.importorskip("httpx2")
    request.getfixturevalue("httpx2_mock").get(URL).respond(202)
    httpx2.get(URL, headers={"x-a": "1"})
    assert outline(recording) == [("httpx2", URL, 202, "respx")]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_mock_transport(library, recording):
    """A transport of the library, by its public name, sync and async."""
    lib = pytest.importorskip(library)
    transport = lib.MockTransport(lambda request: lib.Response(204))

    async def go():
        async with lib.AsyncClient(transport=transport, headers={"x-a": "1"}) as client:
            await client.get(URL)

    with lib.Client(transport=transport, headers={"x-a": "1"}) as client:
        client.get(URL)
    asyncio.run(go())
    assert outline(recording) == [(library, URL, 204, f"{library}.MockTransport")] * 2


def test_a_mounted_transport(recording):
    """The transport is the one for this URL."""
    mounts = {"http://payments.test": httpx.MockTransport(lambda request: httpx.Response(204))}
    with httpx.Client(mounts=mounts) as client:
        client.get(URL, headers={"x-a": "1"})
    assert outline(recording) == [("httpx", URL, 204, "httpx.MockTransport")]


def test_a_transport_around_that_of_httpx(server, recording):
    """Where the answer came from the network, the network carried it."""

    class Around(httpx.BaseTransport):
        def __init__(self):
            self.inner = httpx.HTTPTransport()

        def handle_request(self, request):
            return self.inner.handle_request(request)

        def close(self):
            self.inner.close()

    with httpx.Client(transport=Around()) as client:
        client.get(f"{server.url}/a", headers={"x-a": "1"})
    assert outline(recording) == [("httpx", f"{server.url}/a", 200, None)]


@pytest.fixture
def requests():
    """The library."""
    return pytest.importorskip("requests")


@pytest.mark.parametrize("first", ["mock", "recording"])
def test_responses(first, requests, open_recording):
    """responses replaces the hooked method, and is hooked itself."""
    responses = pytest.importorskip("responses")
    if first == "recording":
        recording = open_recording()
    with responses.RequestsMock() as mock:
        if first == "mock":
            recording = open_recording()
        mock.get(URL, status=302, headers={"location": f"{URL}/2"})
        mock.get(f"{URL}/2", status=201)
        requests.get(URL, headers={"x-a": "1"}, timeout=5)
    assert outline(recording) == [
        ("requests", URL, 302, "responses"),
        ("requests", f"{URL}/2", 201, "responses"),
    ]


def test_responses_that_fail(requests, recording):
    """A request for which there is no mock, and a mock that is an error."""
    responses = pytest.importorskip("responses")
    with responses.RequestsMock() as mock:
        mock.get(URL, body=ValueError("bad"))
        with pytest.raises(ValueError, match="bad"):
            requests.get(URL, headers={"x-a": "1"}, timeout=5)
        with pytest.raises(requests.ConnectionError):
            requests.post(URL, headers={"x-a": "1"}, timeout=5)
    assert [one.error.partition("\n")[0] for one in recording.requests_between()] == [
        "ValueError: bad",
        "ConnectionError: Connection refused by Responses - the call doesn't match any registered mock.",
    ]
    assert {one.through for one in recording.requests_between()} == {"responses"}


def test_responses_that_let_pass(requests, server, recording):
    """What a mock lets pass goes by the network, as one request."""
    responses = pytest.importorskip("responses")
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://127.0.0.1")
        requests.get(f"{server.url}/a", headers={"x-a": "1"}, timeout=5)
    assert outline(recording) == [("requests", f"{server.url}/a", 200, None)]
    assert recording.requests_between()[0].headers == server.log[0].headers


def test_responses_before_and_after(requests, server, recording):
    """Before the mock begins and when it is over, requests are recorded as well."""
    responses = pytest.importorskip("responses")
    with requests.Session() as session:
        session.headers["x-a"] = "1"
        session.get(f"{server.url}/a")
        with responses.RequestsMock() as mock:
            mock.get(URL)
            session.get(URL)
        session.get(f"{server.url}/b")
    assert outline(recording) == [
        ("requests", f"{server.url}/a", 200, None),
        ("requests", URL, 200, "responses"),
        ("requests", f"{server.url}/b", 200, None),
    ]


@pytest.mark.parametrize("first", ["mock", "recording"])
def test_requests_mock(first, requests, open_recording):
    """requests-mock gives the session an adapter of its own."""
    requests_mock = pytest.importorskip("requests_mock")
    if first == "recording":
        recording = open_recording()
    with requests_mock.Mocker() as mock:
        if first == "mock":
            recording = open_recording()
        mock.get(URL, status_code=201)
        requests.get(URL, headers={"x-a": "1"}, timeout=5)
        with pytest.raises(requests_mock.NoMockAddress):
            requests.post(URL, headers={"x-a": "1"}, timeout=5)
    assert outline(recording) == [
        ("requests", URL, 201, "requests-mock"),
        ("requests", URL, None, "requests-mock"),
    ]


@pytest.mark.parametrize("how", ["everything", "one"])
def test_requests_mock_that_lets_pass(how, requests, server, recording):
    """What it has refused first and what then is sent is one request."""
    requests_mock = pytest.importorskip("requests_mock")
    with requests_mock.Mocker(real_http=how == "everything") as mock:
        if how == "one":
            mock.get(f"{server.url}/a", real_http=True)
        requests.get(f"{server.url}/a", headers={"x-a": "1"}, timeout=5)
    assert outline(recording) == [("requests", f"{server.url}/a", 200, None)]


def test_aioresponses(server, recording):
    """aioresponses replaces the session's method as a whole."""
    aiohttp = pytest.importorskip("aiohttp")
    aioresponses = pytest.importorskip("aioresponses").aioresponses
    if "stream_writer" in signature(aiohttp.ClientResponse).parameters:
        pytest.skip("aioresponses does not know this aiohttp")
    bad = "http://payments.test/bad"

    async def go():
        with aioresponses(passthrough=["http://127.0.0.1"], passthrough_unmatched=True) as mock:
            mock.get(URL, status=201)
            mock.get(bad, exception=ValueError("bad"))
            async with aiohttp.ClientSession(headers={"x-a": "1"}) as client:
                await client.get(URL)
                with pytest.raises(ValueError, match="bad"):
                    await client.get(bad)
                (await client.get(f"{server.url}/a")).release()
                (await client.get(server.url.replace("127.0.0.1", "localhost"))).release()

    asyncio.run(go())
    assert [one.status for one in recording.requests_between()] == [201, None, 200, 200]
    assert outline(recording)[:3] == [
        ("aiohttp", URL, 201, "aioresponses"),
        ("aiohttp", bad, None, "aioresponses"),
        ("aiohttp", f"{server.url}/a", 200, None),
    ]
    assert recording.requests_between()[3].through is None


def test_aioresponses_by_its_method(recording, wire):
    """What it finds is a request, its error one that failed, and what it does not find none."""

    class aioresponses:  # noqa: N801  # that is its name
        async def match(self, method, url, allow_redirects=True, **kwargs):
            if url == "bad":
                raise ValueError("bad")
            return SimpleNamespace(status=201) if url == URL else None

    async def go(mock):
        for headers in ({"x-a": "1"}, [("x-a", "1")]):
            await mock.match("GET", URL, headers=headers)
        assert await mock.match("GET", "unknown") is None
        with pytest.raises(ValueError, match="bad"):
            await mock.match("GET", "bad", headers={"x-a": "1"})

    match = vars(aioresponses)["match"]
    wire._hook_aiohttp(SimpleNamespace(aioresponses=aioresponses))
    asyncio.run(go(aioresponses()))
    found = outline(recording)
    recording.close()
    asyncio.run(go(aioresponses()))
    assert found == [
        ("aiohttp", URL, 201, "aioresponses"),
        ("aiohttp", URL, 201, "aioresponses"),
        ("aiohttp", "bad", None, "aioresponses"),
    ]
    assert vars(aioresponses)["match"] is match
