"""A recording with the hooks on the clients, and a server that writes down what it receives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from pytest_traces.model import RequestData
from pytest_traces.recording import Recording
from pytest_traces.settings import DEFAULTS
from pytest_traces.sources import all_sources
from pytest_traces.traces import session
from pytest_traces.wire.clients import Wire

#: The one of the session: two would record everything twice.
WIRE = session.wire


class Received(NamedTuple):
    """A request as the server read it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]


class Handler(BaseHTTPRequestHandler):
    """Answers by the words of the path."""

    protocol_version = "HTTP/1.1"
    server: Server

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length", 0))
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.rfile.read(length)
        seen = Received(self.command, self.path, tuple(self.headers.items()))
        earlier = sum(one.target == self.path for one in self.server.log)
        self.server.log.append(seen)
        word, _, rest = self.path.partition("?")[0].strip("/").partition("/")
        answer = getattr(self, f"answer_{word}", None)
        if answer is None:
            self.answer(200)
        else:
            answer(rest, earlier)

    def answer(self, status: int, *headers: tuple[str, str], body: bytes = b"ok") -> None:
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_status(self, rest: str, earlier: int) -> None:
        self.answer(int(rest))

    def answer_redirect(self, rest: str, earlier: int) -> None:
        left = int(rest)
        self.answer(302, ("location", f"/redirect/{left - 1}" if left else "/end"))

    def answer_digest(self, rest: str, earlier: int) -> None:
        challenge = 'Digest realm="r", nonce="n", qop="auth"'
        if self.headers.get("authorization", "").startswith("Digest"):
            self.answer(200)
        else:
            self.answer(401, ("www-authenticate", challenge))

    def answer_cookie(self, rest: str, earlier: int) -> None:
        self.answer(200, ("set-cookie", "taste=sweet"))

    def answer_flaky(self, rest: str, earlier: int) -> None:
        self.answer(503 if earlier < int(rest) else 200)

    def answer_again(self, rest: str, earlier: int) -> None:
        if earlier:
            self.answer(200)
        else:
            self.answer(302, ("location", self.path))

    def answer_stream(self, rest: str, earlier: int) -> None:
        self.answer(200, body=b"x" * 100_000)

    def answer_xml(self, rest: str, earlier: int) -> None:
        text = b"<methodResponse><params><param><value><int>7</int></value></param></params></methodResponse>"
        self.answer(200, ("content-type", "text/xml"), body=text)

    def answer_hang(self, rest: str, earlier: int) -> None:
        self.server.released.wait(20)
        self.close_connection = True

    def answer_drop(self, rest: str, earlier: int) -> None:
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Silence."""


class Server(ThreadingHTTPServer):
    """On a port of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.log: list[Received] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is none of its business."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A real server."""
    one = Server()
    thread = threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield one
    one.released.set()
    one.shutdown()
    one.server_close()
    thread.join()


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        return one.server_port


@pytest.fixture
def open_recording() -> Iterator[Callable[[], Recording]]:
    """Opens recordings, and closes those that are open at the end."""
    opened: list[Recording] = []

    def make() -> Recording:
        recording = Recording(DEFAULTS)
        recording.open(all_sources(), [WIRE])
        opened.append(recording)
        return recording

    yield make
    for recording in reversed(opened):
        assert recording.close() == []


@pytest.fixture
def recording(open_recording: Callable[[], Recording]) -> Recording:
    """An open recording."""
    return open_recording()


@pytest.fixture
def sent(recording: Recording) -> Callable[[], list[RequestData]]:
    """The requests so far."""
    return recording.requests_between


def assert_as_received(sent: list[RequestData], log: list[Received], base: str) -> None:
    """What was recorded is what the server read: methods, URLs, and headers as they were."""
    recorded = [Received(one.method, one.url.removeprefix(base), one.headers) for one in sent]
    assert recorded == log


@pytest.fixture
def matches(sent: Callable[[], list[RequestData]], server: Server) -> Callable[[], list[int]]:
    """Compares everything sent with what the server received; gives the statuses."""

    def compare() -> list[int]:
        assert_as_received(sent(), server.log, server.url)
        assert all(one.end_ns is not None and one.error is None for one in sent())
        return [one.status for one in sent()]

    return compare


@pytest.fixture
def wire() -> Wire:
    """The part that all recordings of these tests open."""
    return WIRE


@pytest.fixture
def provider() -> Iterator[Any]:
    """A provider of OpenTelemetry that nobody has set."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    one = trace.TracerProvider(shutdown_on_exit=False)
    yield one
    one.shutdown()


@pytest.fixture
def instrument(provider: Any) -> Iterator[Callable[[str, str], Any]]:
    """Switches OpenTelemetry's instrumentations on, and off at the end."""
    switched_on: list[Any] = []

    def switch_on(library: str, name: str) -> Any:
        module = pytest.importorskip(f"opentelemetry.instrumentation.{library}")
        one = getattr(module, name)()
        one.instrument(tracer_provider=provider)
        switched_on.append(one)
        return one

    yield switch_on
    for one in reversed(switched_on):
        if one.is_instrumented_by_opentelemetry:
            one.uninstrument()
    # A hook that was below an instrumentation goes with the next recording.
    WIRE.open()
    WIRE.close()


def key_of(span: Any) -> tuple[str, str]:
    """The ids of a span of OpenTelemetry."""
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


@pytest.fixture
def one_context(provider: Any) -> Callable[[RequestData, Any], None]:
    """Looks that a request has one header of the trace of a span, added below the call."""

    def check(request: RequestData, span: Any) -> None:
        found = [value for name, value in request.headers if name.lower() == "traceparent"]
        assert [value.split("-")[1] for value in found] == [key_of(span)[0]]
        assert found[0].split("-")[2] != key_of(span)[1]
        assert "traceparent" not in {name.lower() for name, _ in request.added_early}

    return check
