"""The hooks come with the first recording and go with the last, whatever happened between."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
import warnings
from types import ModuleType, SimpleNamespace

import pytest

from pytest_traces.recording import journal
from pytest_traces.wire.clients import Wire
from pytest_traces.wire.clients.hooking import Hooks

HOOKED = [
    ("http.client", "HTTPConnection", "endheaders"),
    ("http.client", "HTTPConnection", "getresponse"),
    ("http.client", "HTTPConnection", "close"),
    ("httpx", "Client", "_send_single_request"),
    ("httpx", "AsyncClient", "_send_single_request"),
    ("httpx2", "Client", "_send_single_request"),
    ("httpx2", "AsyncClient", "_send_single_request"),
    ("httpx", "HTTPTransport", "handle_request"),
    ("httpx", "AsyncHTTPTransport", "handle_async_request"),
    ("httpx2", "HTTPTransport", "handle_request"),
    ("httpx2", "AsyncHTTPTransport", "handle_async_request"),
    ("requests", "Session", "send"),
    ("requests.adapters", "HTTPAdapter", "send"),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urlopen"),
    ("aiohttp", "ClientSession", "_request"),
    ("aiohttp", "BaseConnector", "connect"),
    ("aiohttp", "ClientRequest", "send"),
    ("aiohttp", "ClientResponse", "start"),
    ("requests_mock.adapter", "Adapter", "send"),
    ("aioresponses.core", "aioresponses", "match"),
]


def originals():
    """What is in the hooked places of each library that is installed."""
    found = {}
    for module, owner, name in HOOKED:
        if importlib.util.find_spec(module.partition(".")[0]):
            found[module, owner, name] = vars(getattr(importlib.import_module(module), owner))[name]
    return found


def same(before, after):
    """Which of them are the identical objects."""
    return {place: after[place] is one for place, one in before.items()}


def test_the_identical_objects(open_recording):
    """Every hooked method is another one while a recording is open, and afterwards the original."""
    before, finders = originals(), list(sys.meta_path)
    recording = open_recording()
    assert not any(same(before, originals()).values())
    recording.close()
    assert all(same(before, originals()).values())
    assert sys.meta_path == finders


def test_nested_recordings(open_recording, server):
    """The inner one does not take the hooks away from the outer one."""
    urlopen = importlib.import_module("urllib.request").urlopen
    before = originals()
    outer = open_recording()
    inner = open_recording()
    urlopen(server.url).close()
    inner.close()
    urlopen(server.url).close()
    outer.close()
    assert len(inner.requests_between()) == 1
    assert len(outer.requests_between()) == 2
    assert all(same(before, originals()).values())


def test_after_errors(open_recording, closed_port):
    """Requests that fail leave nothing behind."""
    httpx = pytest.importorskip("httpx")
    before = originals()
    recording = open_recording()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{closed_port}/")
    recording.close()
    assert all(same(before, originals()).values())


def test_what_is_unanswered_when_the_recording_ends(open_recording, server):
    """A request of an earlier recording ends without a word, and the next one is recorded."""
    client = importlib.import_module("http.client")
    connection = client.HTTPConnection("127.0.0.1", server.server_port)
    first = open_recording()
    connection.request("GET", "/a")
    first.close()
    assert connection.getresponse().read() == b"ok"
    second = open_recording()
    connection.request("GET", "/b")
    connection.getresponse().read()
    second.close()
    connection.close()
    assert [one.end_ns for one in first.requests_between()] == [None]
    assert [one.status for one in second.requests_between()] == [200]


def test_an_adapter_of_the_application(open_recording):
    """Its class, hooked when a session with it was used, is as it was."""
    requests = pytest.importorskip("requests")

    class Own(requests.adapters.HTTPAdapter):
        def send(self, request, **kwargs):
            raise LookupError

    send = vars(Own)["send"]
    recording = open_recording()
    with requests.Session() as session:
        session.mount("http://", Own())
        for _ in range(2):
            with pytest.raises(LookupError):
                session.get("http://a.test/")
    assert vars(Own)["send"] is not send
    recording.close()
    assert vars(Own)["send"] is send
    assert [one.error for one in recording.requests_between()] == ["LookupError"] * 2


def test_while_responses_is_active(open_recording, server):
    """Begun before the recording and ended after it, and the other way round."""
    requests, responses = pytest.importorskip("requests"), pytest.importorskip("responses")
    before = originals()
    with responses.RequestsMock() as mock:
        mock.get("http://a.test/")
        recording = open_recording()
        requests.get("http://a.test/", timeout=5)
        recording.close()
    assert all(same(before, originals()).values())
    with responses.RequestsMock() as mock:
        mock.get("http://a.test/")
        recording = open_recording()
        requests.get("http://a.test/", timeout=5)
    requests.get(server.url, timeout=5)
    recording.close()
    assert all(same(before, originals()).values())
    assert len(recording.requests_between()) == 2


@pytest.mark.parametrize(
    ("library", "name"),
    [
        ("requests", "RequestsInstrumentor"),
        ("urllib3", "URLLib3Instrumentor"),
        ("httpx", "HTTPXClientInstrumentor"),
        ("aiohttp_client", "AioHttpClientInstrumentor"),
    ],
)
def test_instrumented_in_a_recording(library, name, open_recording, instrument, server):
    """What instrumentation has wrapped meanwhile goes with the next recording at the latest."""
    before = originals()
    first = open_recording()
    instrumentor = instrument(library, name)
    first.close()
    second = open_recording()
    instrumentor.uninstrument()
    second.close()
    open_recording().close()
    assert all(same(before, originals()).values())


def test_sent_by_a_buried_hook(open_recording, instrument, server):
    """While a wrapper keeps a hook below it, that one only passes on, and no request is two."""
    requests = pytest.importorskip("requests")
    first = open_recording()
    instrument("requests", "RequestsInstrumentor")
    first.close()
    requests.get(server.url, timeout=5)
    second = open_recording()
    requests.get(server.url, timeout=5)
    second.close()
    assert len(first.requests_between()) == 0
    assert len(second.requests_between()) == 1


def test_idle_hooks_pass_on(open_recording, server, closed_port):
    """A hook that somebody has kept says nothing while no recording is open."""
    wire = Wire(journal)
    wire.open()
    try:
        for library in ("httpx", "httpx2", "requests"):
            pytest.importorskip(library).get(server.url, timeout=5)
        httpx = pytest.importorskip("httpx")
        aiohttp = pytest.importorskip("aiohttp")
        run = importlib.import_module("asyncio").run

        async def go():
            async with httpx.AsyncClient() as client:
                await client.get(server.url)
            async with aiohttp.ClientSession() as client:
                (await client.get(server.url)).release()

        run(go())
    finally:
        wire.close()
    assert len(server.log) == 5


def test_opened_and_closed_twice():
    """A second time does nothing."""
    before, wire = originals(), Wire(journal)
    wire.open()
    wire.open()
    wire.close()
    wire.close()
    unused = Wire(journal)
    unused._watch._table.clear()
    unused.open()
    unused.close()
    assert all(same(before, originals()).values())


def test_what_cannot_be_hooked(open_recording):
    """It warns, says whose requests cannot be seen, and the recordings say so once."""
    wire, recording = Wire(journal), open_recording()
    strange = ModuleType("httpx")
    strange.Client = strange.AsyncClient = type("Client", (), {})
    assert wire.faults() == []
    with pytest.warns(UserWarning, match="could not hook httpx: AttributeError"):
        wire._watch._act("httpx", strange)
    wire.flush()
    wire.flush()
    text = (
        "pytest-traces could not hook httpx: AttributeError: Client does not define "
        "_send_single_request; requests of httpx cannot be seen"
    )
    assert wire.faults() == [text]
    assert recording.unseen == [text]
    assert recording.problems == []


def test_a_connection_without_lines():
    """An http.client that keeps the head of a request elsewhere is not hooked."""

    class HTTPConnection:
        def __init__(self):
            self.lines = []

    wire = Wire(journal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wire._watch._act("http.client", SimpleNamespace(HTTPConnection=HTTPConnection))
    assert wire.faults() == [
        "pytest-traces could not hook http.client: AttributeError: HTTPConnection does not define "
        "_buffer; requests of http.client and of urllib.request cannot be seen"
    ]


def test_an_adapter_that_sends_by_no_class():
    """An adapter whose class has no such method is left alone."""
    from pytest_traces.wire.clients.requests import RequestsHooks

    RequestsHooks(journal, Hooks())._hook_adapter(type("Odd", (), {}))


def test_no_client_is_imported():
    """Opening a recording imports no client, and one that is imported later is hooked."""
    code = """
        import sys
        from pytest_traces.recording import Recording, journal
        from pytest_traces.settings import DEFAULTS
        from pytest_traces.sources import all_sources
        from pytest_traces.wire.clients import Wire

        recording = Recording(DEFAULTS)
        before = set(sys.modules)
        recording.open(all_sources(), [Wire(journal)])
        added = set(sys.modules) - before
        print(sorted(name for name in added if not name.startswith("pytest_traces")))
        print({"httpx", "requests", "urllib3", "aiohttp", "http.client"} & set(sys.modules))
        import http.client
        print(http.client.HTTPConnection.endheaders.__code__.co_filename.split("/")[-1])
        recording.close()
        print(http.client.HTTPConnection.endheaders.__code__.co_filename.split("/")[-1])
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    output = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    assert output[1:] == ["set()", "http_client.py", "client.py"]
    assert not any("client" in name for name in output[0].split(","))
