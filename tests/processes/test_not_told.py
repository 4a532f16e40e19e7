"""Other processes that nobody has told where to send their spans."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module

import pytest

from pytest_traces import Traces, record

pytest.importorskip("opentelemetry.sdk.trace")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def traces() -> Iterator[Traces]:
    """A recording that no receiver of the session is told of."""
    with record() as act:
        yield act


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server in another process."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def get(port: int, headers: dict[str, str] | None = None, host: str = "127.0.0.1") -> None:
    """A request over the network, by a client that nobody has instrumented."""
    connection = HTTPConnection(host, port, timeout=30)
    connection.request("GET", "/stock", headers=headers or {})
    assert connection.getresponse().status == 200
    connection.close()


def hint_for(port: int) -> str:
    return (
        f"hint: if http://127.0.0.1:{port} is another process: start it with "
        "env=traces.receiver.env, or traces_receiver.env if it outlives the test, and with an SDK, "
        "such as by opentelemetry-instrument"
    )


def last_of(error: pytest.ExceptionInfo[AssertionError]) -> str:
    """The last part of the message, on one line."""
    return " ".join(str(error.value).split("\n\n")[-1].split())


def test_a_server(traces, port):
    """What answers at an address of this machine may be a process of its own.

    That is nearer than a library that is only imported.
    """
    pytest.importorskip("sqlalchemy")
    get(port)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("GET /stock")
    assert "    OTLP            nobody has asked for a receiver\n" in str(error.value)
    assert last_of(error) == hint_for(port)


def test_a_server_below_a_caller(traces, port):
    """The same where the headers of a caller went there."""
    with pytest.raises(AssertionError) as error, traces.caller("click") as caller:
        get(port, caller.headers)
    parts = [" ".join(part.split()) for part in str(error.value).split("\n\n")]
    assert parts[0] == "nobody received the headers of the caller 'click'"
    assert parts[2] == (
        f"cause: they went with GET http://127.0.0.1:{port}/stock, but no span continues their "
        "context: the application did not read them, was not instrumented, or is another process "
        "that nobody has told where to send its spans"
    )
    assert last_of(error) == hint_for(port)


def test_a_server_below_a_client_span(traces, port):
    """Spans of this process are there, and those of the other one are not."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")
    with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT):
        get(port)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("GET", "GET /stock")
    assert last_of(error) == hint_for(port)


def test_a_server_of_this_process(traces):
    """Its spans are here, so nobody has to send any."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with tracer.start_as_current_span("GET /stock", kind=SpanKind.SERVER):
                self.send_response(200)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        get(server.server_port)
        thread.join()
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("GET /stock", "SELECT")
    assert "OTLP" not in str(error.value)


def test_a_stand_in(traces):
    """It is served by the test itself."""
    service = traces.stand_in("http://stock")
    service.get("/stock").respond(json={})
    get(int(service.url.rpartition(":")[2]))
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("GET", "GET /stock")
    assert "OTLP" not in str(error.value)


def test_a_child(traces, monkeypatch):
    """One that has ended is known by the time that it took of the processor."""
    # Those that other tests have imported have a hint of their own.
    monkeypatch.setattr(
        import_module("pytest_traces.sources.opentelemetry.hints"), "_LIBRARIES", ()
    )
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("job", "step")
    assert "    OTLP            nobody has asked for a receiver\n" in str(error.value)
    assert last_of(error) == (
        "hint: if the child process that has ended records spans: start it by traces.run([...]), "
        "or with env=traces.receiver.env"
    )


def test_a_child_beside_spans(traces):
    """It may be of no interest then."""
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    with traces.start_span("here"):
        pass
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("job", "step")
    assert "OTLP" not in str(error.value)


def test_no_child(traces):
    """Then there is nothing to say."""
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("job", "step")
    assert "OTLP" not in str(error.value)
