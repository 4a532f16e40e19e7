"""httpx and httpx2 with transports of the application: recorded is what the server receives."""

from __future__ import annotations

import asyncio

import pytest

httpx = pytest.importorskip("httpx")
HOST = "http://payments.test"


@pytest.fixture(params=["httpx", "httpx2"])
def lib(request):
    """The library, by either name."""
    return pytest.importorskip(request.param)


class Steps:
    """What a wrapper does: a generator of what to send, which returns the answer."""

    def __init__(self, generator):
        self.generator = generator
        self.answer = None

    def after(self, outcome):
        """What to send when that has come back; None at the end."""
        failed = isinstance(outcome, Exception)
        try:
            return (self.generator.throw if failed else self.generator.send)(outcome)
        except StopIteration as done:
            self.answer = done.value
            return None


class Outcome:
    """A block whose error of a transport is what it comes to."""

    value = None

    def __init__(self, lib):
        self.lib = lib

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, self.lib.TransportError):
            self.value = error
            return True
        return False


def around(lib, inner, steps):
    """A transport that sends what ``steps`` yields, and answers with what that returns."""

    class Around(lib.BaseTransport, lib.AsyncBaseTransport):
        def handle_request(self, request):
            todo, outcome = Steps(steps(request)), None
            while (outgoing := todo.after(outcome)) is not None:
                if isinstance(outcome, lib.Response):
                    outcome.close()
                with Outcome(lib) as held:
                    held.value = inner.handle_request(outgoing)
                outcome = held.value
            return todo.answer

        async def handle_async_request(self, request):
            todo, outcome = Steps(steps(request)), None
            while (outgoing := todo.after(outcome)) is not None:
                if isinstance(outcome, lib.Response):
                    await outcome.aclose()
                with Outcome(lib) as held:
                    held.value = await inner.handle_async_request(outgoing)
                outcome = held.value
            return todo.answer

        def close(self):
            inner.close()

        async def aclose(self):
            await inner.aclose()

    return Around()


def send_sync(lib, steps, url, method="GET", prepare=None, **given):
    """Send one request through such a transport."""
    with lib.Client(transport=around(lib, lib.HTTPTransport(), steps), **given) as client:
        if prepare is not None:
            prepare(client)
        return client.request(method, url)


def send_async(lib, steps, url, method="GET", prepare=None, **given):
    """The same by an async client."""

    async def go():
        inner = lib.AsyncHTTPTransport()
        async with lib.AsyncClient(transport=around(lib, inner, steps), **given) as client:
            if prepare is not None:
                prepare(client)
            return await client.request(method, url)

    return asyncio.run(go())


WAYS = pytest.mark.parametrize("send", [send_sync, send_async])


def rebuilt(lib, request, *, url=None, method=None, drop="", add=()):
    """Another request, as wrappers make them, with other headers."""
    headers = [pair for pair in request.headers.raw if pair[0].lower() != drop.encode()]
    return lib.Request(
        method or request.method,
        url or request.url,
        headers=[*headers, *add],
        stream=request.stream,
        extensions=request.extensions,
    )


def once(request):
    """A wrapper's steps that change nothing."""
    return (yield request)


def names(one):
    """The names of the headers of a request that is recorded or received."""
    return {name.lower() for name, _ in one.headers}


@WAYS
def test_a_request_that_is_made_anew(lib, send, server, sent, matches):
    """A wrapper drops a header and adds one: recorded is what left, early what the client had."""

    def steps(request):
        return (yield rebuilt(lib, request, drop="x-dropped", add=[(b"X-Added", b"1")]))

    send(lib, steps, f"{server.url}/a", headers={"x-dropped": "1"})
    assert matches() == [200]
    (one,) = sent()
    assert (one.client, one.role, one.through) == (lib.__name__, "outgoing", None)
    assert "x-added" in names(one)
    assert "x-dropped" not in names(one)
    assert ("x-dropped", "1") in one.added_early


@WAYS
def test_headers_that_are_changed_and_restored(lib, send, server, sent, matches):
    """A wrapper that puts the headers back leaves the record as the request left."""

    def steps(request):
        before = request.headers
        request.headers = lib.Headers([*before.raw, (b"X-Signed", b"1")])
        response = yield request
        request.headers = before
        return response

    send(lib, steps, f"{server.url}/a")
    assert matches() == [200]
    assert "x-signed" in names(sent()[0])


@WAYS
def test_a_retry_by_status(lib, send, server, sent, matches):
    """What is sent twice is recorded twice, each with its own status and times."""

    def steps(request):
        response = yield rebuilt(lib, request)
        while response.status_code == 503:
            response = yield rebuilt(lib, request, add=[(b"X-Retry", b"1")])
        return response

    send(lib, steps, f"{server.url}/flaky/2", "POST")
    assert matches() == [503, 503, 200]
    first, *others = sent()
    for one in others:
        assert (one.client, one.role, one.through) == (lib.__name__, "outgoing", None)
        assert one.start_ns >= first.end_ns
        assert "x-retry" in names(one)
        assert one.added_early == first.added_early


@WAYS
def test_a_retry_after_an_error(lib, send, server, closed_port, sent):
    """An attempt that fails is a request with that error, on the network; the next is another."""

    def steps(request):
        try:
            yield rebuilt(lib, request, url=f"http://127.0.0.1:{closed_port}/a")
        except lib.ConnectError:
            return (yield request)

    send(lib, steps, f"{server.url}/a")
    first, second = sent()
    assert first.error.startswith("ConnectError")
    assert (first.status, first.through) == (None, None)
    assert first.url == f"http://127.0.0.1:{closed_port}/a"
    assert (second.url, second.status, second.error) == (f"{server.url}/a", 200, None)
    assert second.headers == server.log[0].headers


@WAYS
def test_an_answer_from_a_cache(lib, send, server, sent):
    """What never leaves is recorded as before, with the name of the wrapper that answers."""
    kept = {}

    def steps(request):
        if request.url not in kept:
            response = yield request
            kept[request.url] = response.status_code
        return lib.Response(kept[request.url])

    for _ in range(2):
        send(lib, steps, f"{server.url}/a", headers={"x-a": "1"})
    assert len(server.log) == 1
    first, second = sent()
    assert (first.status, first.through, first.headers) == (200, None, server.log[0].headers)
    assert (second.status, second.through.rpartition(".")[2]) == (200, "Around")
    assert ("x-a", "1") in second.headers


@WAYS
def test_a_stale_answer_that_is_checked(lib, send, server, sent, matches):
    """The status is that of the answer from the network, whatever the wrapper makes of it."""

    def steps(request):
        yield rebuilt(lib, request, add=[(b"If-None-Match", b"1")])
        return lib.Response(200)

    send(lib, steps, f"{server.url}/status/404")
    assert matches() == [404]


def test_a_refresh_after_the_answer(server, sent):
    """What a wrapper sends when the client has its answer already is another request."""
    tasks = []

    class Stale(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            tasks.append(asyncio.create_task(super().handle_async_request(request)))
            return httpx.Response(203)

    async def go():
        transport = Stale()
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(f"{server.url}/a")
            await (await tasks[0]).aclose()

    asyncio.run(go())
    assert [(one.status, one.through is None) for one in sent()] == [(203, False), (200, True)]


@WAYS
def test_a_token_that_is_fetched_first(lib, send, server, sent):
    """A wrapper's own request is one of its own, and the client's is the client's."""

    def steps(request):
        other = server.url.replace("127.0.0.1", "localhost")
        yield lib.Request("POST", f"{other}/token")
        return (yield rebuilt(lib, request, add=[(b"Authorization", b"token")]))

    send(lib, steps, f"{server.url}/a")
    assert [(one.method, one.url.rpartition("/")[2], one.status) for one in sent()] == [
        ("GET", "a", 200),
        ("POST", "token", 200),
    ]
    by_target = {one.target: one for one in server.log}
    assert [one.headers for one in sent()] == [by_target["/a"].headers, by_target["/token"].headers]


@WAYS
@pytest.mark.parametrize("path", ["/a", "/b"])
def test_a_request_that_is_sent_elsewhere(path, lib, send, server, matches):
    """A wrapper that chooses another host, and even another path, sends one request."""

    def steps(request):
        headers = {"host": f"127.0.0.1:{server.server_port}"}
        return (yield lib.Request(request.method, f"{server.url}{path}", headers=headers))

    send(lib, steps, f"{HOST}/a")
    assert matches() == [200]


@WAYS
def test_another_method_that_fails(lib, send, closed_port, sent):
    """A request that is nowhere as the client had it is recorded as it was sent, with its error."""

    def steps(request):
        return (yield rebuilt(lib, request, url=f"http://127.0.0.1:{closed_port}/b", method="PUT"))

    with pytest.raises(lib.ConnectError):
        send(lib, steps, f"{HOST}/a")
    assert [(one.method, one.url, one.error is not None) for one in sent()] == [
        ("PUT", f"http://127.0.0.1:{closed_port}/b", True)
    ]


def test_a_url_that_is_changed_in_place(lib, server, matches):
    """A wrapper may change the request itself."""

    class Own(lib.HTTPTransport):
        def handle_request(self, request):
            request.url = request.url.copy_with(path="/b")
            return super().handle_request(request)

    with lib.Client(transport=Own()) as client:
        client.get(f"{server.url}/a")
    assert matches() == [200]


def test_two_at_once(server, sent):
    """A wrapper that sends twice at the same time sends two requests, answered by the first."""

    class Hedging(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            one, other = (
                super(Hedging, self).handle_async_request(rebuilt(httpx, request)) for _ in range(2)
            )
            first, second = await asyncio.gather(one, other)
            await second.aclose()
            return first

    async def go():
        async with httpx.AsyncClient(transport=Hedging()) as client:
            await client.get(f"{server.url}/a")

    asyncio.run(go())
    assert [one.status for one in sent()] == [200, 200]
    assert len(server.log) == 2


@WAYS
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("retries", [0, 1])
def test_instrumented_below_the_wrapper(
    order, retries, send, server, instrument, provider, open_recording
):
    """What OpenTelemetry adds to the request of a wrapper is recorded, for each attempt."""
    if order == "after":
        recording = open_recording()
    kind = httpx.Client
    instrument("httpx", "HTTPXClientInstrumentor")
    if httpx.Client is not kind:
        pytest.skip("this version instruments clients, and no transport below a wrapper")
    if order == "before":
        recording = open_recording()

    def steps(request):
        response = yield rebuilt(httpx, request)
        for _ in range(retries):
            response = yield rebuilt(httpx, request)
        return response

    with provider.get_tracer("app").start_as_current_span("work") as span:
        send(httpx, steps, f"{server.url}/a")
    found = recording.requests_between()
    assert [one.headers for one in found] == [one.headers for one in server.log]
    assert len(found) == retries + 1
    parents = {value for one in found for name, value in one.headers if name == "traceparent"}
    assert len(parents) == retries + 1
    for one in found:
        assert [ref.span_id for ref in one.current] == [f"{span.context.span_id:016x}"]
        assert "traceparent" not in {name for name, _ in one.added_early}


@WAYS
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("drop", ["traceparent", ""])
def test_instrumented_above_the_wrapper(order, drop, send, server, provider, open_recording):
    """What one client's instrumentation adds is recorded where the wrapper lets it through."""
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")
    found = []

    def prepare(client):
        if order == "after":
            found.append(open_recording())
        module.HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)
        if order == "before":
            found.append(open_recording())

    def steps(request):
        return (yield rebuilt(httpx, request, drop=drop))

    with provider.get_tracer("app").start_as_current_span("work"):
        send(httpx, steps, f"{server.url}/a", prepare=prepare)
    (one,) = found[0].requests_between()
    assert one.headers == server.log[0].headers
    assert ("traceparent" in names(one)) is not bool(drop)


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_instrumented_plain_client(order, server, provider, open_recording, one_context):
    """Without a wrapper it is as ever, whichever of the recording and the client was first."""
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")
    with httpx.Client() as client:
        if order == "after":
            recording = open_recording()
        module.HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)
        if order == "before":
            recording = open_recording()
        with provider.get_tracer("app").start_as_current_span("work") as span:
            client.get(f"{server.url}/a")
    (one,) = recording.requests_between()
    assert one.headers == server.log[0].headers
    one_context(one, span)


@WAYS
@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_respx_below_a_wrapper(using, send, sent):
    """respx in httpcore answers what the wrapper makes; above the wrapper, what the client has."""
    respx = pytest.importorskip("respx")

    def steps(request):
        return (yield rebuilt(httpx, request, add=[(b"X-Added", b"1")]))

    with respx.mock(using=using) as router:
        router.get(f"{HOST}/a").respond(201)
        send(httpx, steps, f"{HOST}/a")
        added = {name.lower() for name in router.calls.last.request.headers}
    name = "respx" if using == "httpcore" else 'respx (using="httpx")'
    (one,) = sent()
    assert (one.status, one.through, names(one)) == (201, name, added)


@WAYS
@pytest.mark.parametrize("first", ["mock", "recording"])
def test_pytest_httpx_below_a_wrapper(first, send, request, open_recording):
    """pytest-httpx answers, and the request is recorded once."""
    pytest.importorskip("pytest_httpx")
    if first == "recording":
        recording = open_recording()
    mock = request.getfixturevalue("httpx_mock")
    mock.add_response(url=f"{HOST}/a", status_code=202)
    if first == "mock":
        recording = open_recording()
    send(httpx, once, f"{HOST}/a")
    assert [one.status for one in recording.requests_between()] == [202]
    assert recording.requests_between()[0].through is not None


@WAYS
@pytest.mark.parametrize("first", ["mock", "recording"])
def test_pytest_httpx_that_lets_pass(first, send, server, request, open_recording):
    """What it lets pass is one request on the network, with a wrapper as without."""
    pytest.importorskip("pytest_httpx", minversion="0.33")
    others = pytest.mark.httpx_mock(should_mock=lambda asked: asked.url.host != "127.0.0.1")
    request.node.add_marker(others)
    if first == "recording":
        recording = open_recording()
    request.getfixturevalue("httpx_mock")
    if first == "mock":
        recording = open_recording()
    send(httpx, once, f"{server.url}/a")
    httpx.get(f"{server.url}/b")
    found = recording.requests_between()
    assert [one.headers for one in found] == [one.headers for one in server.log]
    assert [(one.status, one.through) for one in found] == [(200, None)] * 2


def test_an_application_below_a_wrapper(lib, sent):
    """A transport that calls an application in process is no plain one, and stays what it was."""

    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"ok"]

    transport = around(lib, lib.WSGITransport(app=app), once)
    with lib.Client(transport=transport) as client:
        client.get("http://app/")
    (one,) = sent()
    assert (one.status, one.through.rpartition(".")[2]) == (200, "Around")


def test_a_transport_without_a_client(lib, server, sent):
    """What no client sends is not recorded, and passes."""
    with lib.HTTPTransport() as transport:
        response = transport.handle_request(lib.Request("GET", f"{server.url}/a"))
        response.read()
    assert response.status_code == 200
    assert sent() == []


def test_a_library_without_these_transports(recording, wire):
    """It is hooked at its clients alone."""
    from types import ModuleType

    library = ModuleType("httpx")
    library.Client = library.AsyncClient = httpx.Client
    wire._hook_httpx(library)
    assert wire.faults() == []


def test_tracebacks_are_the_applications(lib, closed_port, recording):
    """The frames of the hooks are hidden from whoever reads an error."""
    with pytest.raises(lib.ConnectError) as caught:
        lib.get(f"http://127.0.0.1:{closed_port}/a")
    ours = [one for one in caught.traceback if "wire/clients" in one.path.as_posix()]
    assert len(ours) == 2
    assert all(one.ishidden(caught) for one in ours)
