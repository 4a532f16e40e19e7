"""requests: one record for each call of an adapter, with the headers that reached the server."""

from __future__ import annotations

import threading

import pytest

requests = pytest.importorskip("requests")


@pytest.fixture
def session():
    """A session."""
    with requests.Session() as one:
        yield one


def test_headers_as_they_left(session, server, sent, matches):
    """Those that the layers below add are among them."""
    session.post(f"{server.url}/a?b=c d", headers={"x-a": "1"}, cookies={"k": "v"}, json={"a": 1})
    assert matches() == [200]
    (one,) = sent()
    assert (one.client, one.method, one.role, one.through) == ("requests", "POST", "outgoing", None)
    assert {"x-a", "Cookie", "Host", "Content-Length"} <= {name for name, _ in one.headers}
    assert ("x-a", "1") in one.added_early
    assert one.start_ns <= one.end_ns


def test_a_body_in_chunks(session, server, matches):
    """A generator is sent in chunks."""
    session.put(f"{server.url}/a", data=(part for part in [b"1", b"2"]))
    assert matches() == [200]


def test_functions_of_the_library(server, matches):
    """``requests.get`` is a session for one request."""
    requests.get(f"{server.url}/a", timeout=5)
    assert matches() == [200]


def test_each_redirect_is_a_request(session, server, sent, matches):
    """The first request does not last until the last redirect is followed."""
    session.get(f"{server.url}/redirect/2")
    assert matches() == [302, 302, 302, 200]
    for one, after in zip(sent(), sent()[1:], strict=False):
        assert one.end_ns <= after.start_ns


def test_a_redirect_to_the_same_place(session, server, matches):
    """The same method and URL again is another request."""
    session.get(f"{server.url}/again/1")
    assert matches() == [302, 200]


def test_redirects_that_are_not_followed(session, server, matches):
    """What was only prepared has not left."""
    session.get(f"{server.url}/redirect/2", allow_redirects=False)
    assert matches() == [302]


def test_each_round_of_authentication_is_a_request(session, server, matches):
    """Digest authentication sends its answer past the session."""
    session.get(f"{server.url}/digest", auth=requests.auth.HTTPDigestAuth("user", "secret"))
    assert matches() == [401, 200]


def test_each_retry_is_a_request(session, server, sent, matches):
    """What urllib3 sends again on behalf of requests is recorded as requests'."""
    retry = pytest.importorskip("urllib3.util").Retry(2, status_forcelist=[503], backoff_factor=0)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
    session.get(f"{server.url}/flaky/2")
    assert matches() == [503, 503, 200]
    assert {one.client for one in sent()} == {"requests"}


def test_response_hooks_may_send(session, server, matches):
    """A request made by a hook of the response is one of its own."""

    def again(response, **kwargs):
        if response.url.endswith("/a"):
            session.get(f"{server.url}/b")

    session.get(f"{server.url}/a", hooks={"response": again})
    assert matches() == [200, 200]


def test_a_stream_ends_with_its_head(session, server, sent):
    """A streamed response is answered as soon as its headers are there."""
    with session.get(f"{server.url}/stream", stream=True) as response:
        assert sent()[0].status == 200
        assert len(response.content) == 100_000


def test_nobody_listens(session, closed_port, sent):
    """A refused connection is one request with an error, raised as ever."""
    with pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{closed_port}/a")
    (one,) = sent()
    assert one.status is None
    assert one.error.startswith(("NewConnectionError: ", "ConnectionError: "))


def test_a_timeout(session, server, sent):
    """A server that never answers is an error."""
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{server.url}/hang", timeout=0.05)
    (one,) = sent()
    assert one.error.startswith(("timeout", "TimeoutError"))


def test_a_server_that_hangs_up(session, server, sent):
    """No answer at all is an error."""
    with pytest.raises(requests.ConnectionError):
        session.get(f"{server.url}/drop")
    assert [one.error.partition(":")[0] for one in sent()] == ["RemoteDisconnected"]


def test_no_adapter(session, sent):
    """A URL for which there is no adapter was never sent."""
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.get("gopher://a/")
    assert sent() == []


def test_in_threads(server, sent):
    """Each thread's request is recorded."""
    threads = [
        threading.Thread(target=requests.get, args=(f"{server.url}/{n}",), kwargs={"timeout": 5})
        for n in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.url for one in sent()) == [f"{server.url}/{n}" for n in range(10)]


class Fake(requests.adapters.BaseAdapter):
    """An adapter of a test."""

    def send(self, request, **kwargs):
        response = requests.Response()
        response.status_code, response.request, response.url = 204, request, request.url
        response.raw = None
        response._content = b""
        return response

    def close(self):
        """Nothing to close."""


class Patient(requests.adapters.HTTPAdapter):
    """Sends a second time whatever is refused once."""

    def send(self, request, **kwargs):
        response = super().send(request, **kwargs)
        return super().send(request, **kwargs) if response.status_code == 503 else response


class Lazy(requests.adapters.HTTPAdapter):
    """Sends nothing."""

    send = Fake.send


@pytest.mark.parametrize("kind", [Fake, Lazy])
def test_an_adapter_that_sends_nothing(session, kind, sent):
    """An adapter of the application is recorded by its name, and its class restored."""
    session.mount("http://fake", kind())
    session.get("http://fake/a", headers={"x-a": "1"})
    (one,) = sent()
    assert (one.status, one.through) == (204, f"{__name__}.{kind.__name__}")
    assert ("x-a", "1") in one.headers


def test_an_adapter_around_that_of_requests(session, server, matches):
    """What it sends twice is two requests, and not three."""
    session.mount("http://", Patient())
    session.get(f"{server.url}/flaky/1")
    assert matches() == [503, 200]


def test_adapters_that_cannot_be_looked_at(session, server, sent):
    """A session with something odd for adapters still fails by itself."""
    adapters, session.adapters = session.adapters, None
    with pytest.raises(AttributeError):
        session.get(f"{server.url}/a")
    session.adapters = adapters
    assert sent() == []


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_instrumentation_adds(order, server, instrument, provider, open_recording):
    """OpenTelemetry wraps Session.send: above the hook or below it, the headers are the same."""
    if order == "after":
        recording = open_recording()
    instrument("requests", "RequestsInstrumentor")
    if order == "before":
        recording = open_recording()
    with (
        provider.get_tracer("app").start_as_current_span("work") as span,
        requests.Session() as one,
    ):
        one.get(f"{server.url}/redirect/1", headers={"a": "b"})
    found = recording.requests_between()
    assert [(one.url, one.headers) for one in found] == [
        (server.url + one.target, one.headers) for one in server.log
    ]
    assert [one.status for one in found] == [302, 302, 200]
    trace_id = f"{span.context.trace_id:032x}"
    for one in found:
        (value,) = [value for name, value in one.headers if name == "traceparent"]
        assert value.split("-")[1] == trace_id
        assert [ref.trace_id for ref in one.current] == [trace_id]
    early = {name for name, _ in found[0].added_early}
    assert ("traceparent" in early) is (order == "after")
