"""A process that is killed takes the spans along that it has not sent, and the message says so."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection

import pytest

pytest.importorskip("opentelemetry.proto")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
sdk = pytest.importorskip("opentelemetry.sdk.trace")

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "waitid"), reason="needs forks, and to wait for them"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]

#: Ends a span, and is killed in the one around it.
KILLED = """
provider = set_up()
with trace.get_tracer("program").start_as_current_span("outer"):
    with trace.get_tracer("program").start_as_current_span("inner"):
        pass
    if "SEND" in os.environ:
        provider.force_flush()
    os.kill(os.getpid(), 9)
"""
LOST = "spans that it had not sent, and those that were open, are lost"
REMEDY = "let it end by itself or stop it by a signal that it handles"
HINT = f"hint: if it was killed, or left by os._exit: {REMEDY}, or call force_flush() before"


def parts_of(error: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    """The verdict, cause, hint and so on, each on one line."""
    return [" ".join(part.split()) for part in str(error.value).split("\n\n")]


def test_what_run_says(traces, program):
    """What was lost is said beside what it wrote."""
    path = program(KILLED)
    with pytest.raises(AssertionError) as error:
        traces.run([sys.executable, path.name], cwd=path.parent)
    name = os.path.basename(sys.executable)  # noqa: PTH119
    assert str(error.value) == (
        f"{name} {path.name} was killed by SIGKILL\n\n  it wrote nothing\n  {LOST}"
    )


def test_a_parent_that_was_open(traces, program):
    """Being killed is among the causes, and the hint says how it is avoided."""
    path = program(KILLED)
    environment = {**traces.receiver.env, "SEND": "1", "OTEL_SERVICE_NAME": "shop"}
    subprocess.run([sys.executable, str(path)], env=environment, check=False)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_tree("outer\n└─ inner")
    parts = parts_of(error)
    assert parts[0] == "'outer' is missing; its child 'inner' is left without a parent"
    assert parts[2] == (
        "cause: 'inner' of shop names a parent that has not arrived: its process has not sent it "
        "yet, was killed before it could, does not send to this receiver, or dropped it"
    )
    assert parts[4] == HINT


def test_nothing_was_sent(traces, program):
    """Nobody knows of a process that the test starts itself, so the hint names the possibility."""
    path = program(KILLED.replace("if", "if False and"))
    subprocess.run([sys.executable, str(path)], env=traces.receiver.env, check=False)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("outer", "inner")
    assert parts_of(error)[-1].startswith(
        "hint: a process sends spans if an SDK is set up in it, by opentelemetry-instrument (which "
        "needs the package opentelemetry-distro) or by its own code, and if it has the "
        "environment: env=traces.receiver.env; traces.run gives it. If it was killed, or left by "
        f"os._exit, before it had sent them: {REMEDY}, or call force_flush() before"
    )


def test_nothing_was_flushed(traces, program):
    """A child that leaves by ``os._exit`` sends nothing, and the hint knows that, too."""
    path = program("provider = set_up(); work('child'); os._exit(0)\n")
    environment = {**os.environ, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    traces.run([sys.executable, str(path)], env=environment)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_path("child")
    assert (
        f"If it was killed, or left by os._exit, before it had sent them: {REMEDY}"
        in (parts_of(error)[-1])
    )


SERVER = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        os._exit(9)

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.handle_request()
"""


def test_a_server_below_a_caller(traces):
    """Who has given no answer may be gone, rather than not instrumented."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=traces.receiver.env
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with pytest.raises(AssertionError) as error, traces.caller("click") as caller:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            with suppress(OSError):
                connection.request("GET", "/die", headers=caller.headers)
                connection.getresponse()
            connection.close()
    parts = parts_of(error)
    assert parts[0] == "nobody received the headers of the caller 'click'"
    assert parts[2] == (
        f"cause: they went with GET http://127.0.0.1:{port}/die, and no answer came: who received "
        "them was killed before it had sent its spans, or is still at work"
    )


def forked_and_killed(traces) -> int:
    """A child that is killed while a span of it is open; nobody has waited for it yet."""
    assert traces.receiver.endpoint
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    pid = os.fork()
    if not pid:
        tracer.start_span("open")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


@pytest.mark.parametrize("is_reaped", [False, True])
def test_a_forked_child(traces, is_reaped):
    """Its open span never ends, because it has ended itself."""
    pid = forked_and_killed(traces)
    if is_reaped:
        os.waitpid(pid, 0)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_tree("open")
    assert str(error.value) == (
        "'open' never ended\n\n"
        "  ~ open  internal     open   never ended\n\n"
        "  still open: 'open'\n\n"
        "  cause: 'open' cannot end any more: the forked child has ended\n\n"
        f"  hint:  if it was killed, or left by os._exit: {REMEDY}"
    ).replace(" that it handles", " that it\n         handles")
    if not is_reaped:
        os.waitpid(pid, 0)


def test_a_forked_child_in_an_event_loop(traces):
    """Nothing is to be awaited then."""
    pid = forked_and_killed(traces)
    os.waitpid(pid, 0)

    async def judge() -> None:
        traces.get("open")
        traces.assert_none("open")

    with pytest.raises(AssertionError) as error:
        asyncio.run(judge())
    assert parts_of(error)[-1] == f"hint: if it was killed, or left by os._exit: {REMEDY}"


def test_a_forked_child_that_works(traces):
    """Nothing is said of a child that is still there."""
    assert traces.receiver.endpoint
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    go, begun = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        span = tracer.start_span("open")
        os.write(begun[1], b"x")
        os.read(go[0], 1)
        span.end()
        os._exit(0)
    os.read(begun[0], 1)
    with pytest.raises(AssertionError) as error:
        traces.eventually("1ms").assert_tree("open")
    os.write(go[1], b"x")
    os.waitpid(pid, 0)
    for end in (*go, *begun):
        os.close(end)
    assert "cause:" not in str(error.value)
    traces.assert_tree("open")
