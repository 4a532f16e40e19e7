"""What other processes have not sent yet: in async tests, and at the end of a caller's block."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from pytest_traces import Traces, record
from pytest_traces.encoding.otlp_write import encode
from pytest_traces.model import SpanData
from pytest_traces.recording import journal
from pytest_traces.traces.receiver import SessionReceiver

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
START = 1_700_000_000_000_000_000
SETTLE = (
    "  hint:  an event loop runs in this thread, so an assertion cannot wait: first await\n"
    '         traces.settled("2s")'
)
NOTHING = (
    "  what was captured:\n"
    "    opentelemetry   left out by traces_sources\n"
    "    hand-written    nothing added\n"
    "    OTLP            nothing arrived\n"
)
ONE = "    OTLP            1 span of other processes: 1 of shop\n"
IN_BLOCK = (
    "  hint:  an event loop runs in this thread, so the end of the block cannot wait: use async with\n"
    "         traces.caller('click'), or await traces.settled(\"2s\") in the block"
)
LATE = (
    "  hint:  if it sends them late (each 5 s, without OTEL_BSP_SCHEDULE_DELAY of the receiver's env):\n"
    "         force_flush() there, traces_timeout = 10s, or in the block\n"
    '         traces.eventually("10s").get(...)'
)


class Answers(BaseHTTPRequestHandler):
    """A service that says nothing of what it has done."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Nothing is written."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The host and port of a service; it stands for another process."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording that a receiver is asked of."""
    with record(timeout="15s", sources=["handwritten", "otlp"]) as act:
        assert act.receiver.endpoint
        yield act


@pytest.fixture
def shared(own_port: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionReceiver]:
    """The receiver of a session, which this test uses."""
    monkeypatch.setattr(journal, "uses_servers", True)
    receiver = SessionReceiver()
    receiver.open()
    yield receiver
    receiver.close()


def ask(service: str, headers: dict[str, str] | None = None) -> None:
    connection = http.client.HTTPConnection(service, timeout=15)
    connection.request("GET", "/hello", headers=headers or {})
    connection.getresponse().read()
    connection.close()


def send(endpoint: str, name: str, trace: str = TRACE, parent: str | None = None) -> None:
    """What an exporter does, by a client that is not hooked."""
    span = SpanData(name, trace, f"{7:016x}", parent, START, START + 1_000_000, service="shop")
    url, body = urlsplit(endpoint), encode([span])
    with socket.create_connection((str(url.hostname), url.port or 0), 15) as connection:
        connection.sendall(
            f"POST {url.path}/v1/traces HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        while connection.recv(65536):
            pass


def failure_of(action: Callable[[], object]) -> str:
    """What an assertion says where an event loop runs."""

    async def main() -> str:
        with pytest.raises(AssertionError) as error:
            action()
        return str(error.value)

    return steady(asyncio.run(main()))


def steady(text: str) -> str:
    """Without what is another in each run."""
    text = re.sub(r"(click +client) +\S+ \w+$", r"\1  1 ms", text, flags=re.MULTILINE)
    return re.sub(r"127\.0\.0\.1:\d+", "shop:80", text)


ASSERTIONS = [
    pytest.param(
        lambda act: act.assert_tree("GET /"), "no span was recorded\n\n", id="tree"
    ),
    pytest.param(lambda act: act.assert_no_errors(), "no span was recorded\n\n", id="errors"),
    pytest.param(lambda act: act.assert_budget(spans=1), "no span was recorded\n\n", id="budget"),
    pytest.param(
        lambda act: act.assert_path("GET /"),
        "no span matches 'GET /', where the path begins\n\n",
        id="path",
    ),
    pytest.param(
        lambda act: act.get("GET /"),
        "no span fits 'GET /': no span was recorded\n\n",
        id="get",
    ),
    pytest.param(
        lambda act: act.assert_count("GET /", at_least=1),
        "no span fits 'GET /': no span was recorded; expected at least 1\n\n",
        id="count",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("assertion", "verdict"), ASSERTIONS)
def test_nothing_has_arrived_and_a_loop_runs(act, assertion, verdict):
    """Nothing was waited for; what a process needs to send spans is no question so far."""
    assert failure_of(lambda: assertion(act)) == f"{verdict}{NOTHING}\n{SETTLE}"


@pytest.mark.parametrize(
    "assertion",
    [
        pytest.param(lambda act: act.assert_tree("GET /\n└─ startup"), id="tree"),
        *(pytest.param(one.values[0], id=one.id) for one in ASSERTIONS[1:]),
    ],
)
def test_not_all_has_arrived_and_a_loop_runs(act, assertion):
    """Nor is it where some spans have come."""
    send(act.receiver.endpoint, "startup")
    text = failure_of(lambda: assertion(act))
    assert text.endswith(SETTLE)


def test_nothing_has_arrived_long_after(act):
    """However long nothing has come: nobody has waited for it."""
    act.receiver.known_ns = 1
    assert failure_of(lambda: act.get("GET /")).endswith(SETTLE)


def test_nothing_has_arrived_after_all(act, service):
    """Who has awaited it is told what a process needs; until the next request."""

    async def main() -> tuple[str, str]:
        ask(service)
        await act.settled()
        texts = []
        for begin in (lambda: None, lambda: ask(service)):
            begin()
            with pytest.raises(AssertionError) as error:
                act.get("GET /")
            texts.append(str(error.value))
        return texts[0], texts[1]

    awaited, asked_again = asyncio.run(main())
    assert "\n\n  hint:  a process sends spans if an SDK is set up in it" in awaited
    assert asked_again.endswith(SETTLE)


def test_a_hint_that_is_better_stays(act):
    """Two spans that fit do not become one by waiting."""
    for trace in (TRACE, TRACE[::-1]):
        send(act.receiver.endpoint, "GET /", trace)
    assert failure_of(lambda: act.get("GET /")).endswith(
        "hint:  add a keyword: kind=, status=, attributes=, service=, scope=, source=, inside="
    )


def test_who_cannot_send_is_not_awaited(act):
    """A recording that is over, or one of which nobody else knows, has nothing to come."""
    with record(timeout="0s", sources=["handwritten"]) as other:
        pass
    assert "event loop" not in failure_of(lambda: other.get("GET /"))
    act.receiver.known_ns = None
    assert "event loop" not in failure_of(lambda: act.get("GET /"))


def test_without_a_loop_it_is_waited_for_longer(act):
    """An SDK's own batch takes longer than an assertion waits."""
    with pytest.raises(AssertionError) as error:
        act.eventually("1ms").get("GET /")
    assert " ".join(str(error.value).split()).endswith(
        "If it sends them late (each 5 s, without OTEL_BSP_SCHEDULE_DELAY of the receiver's env): "
        'traces.eventually("10s"), or traces_timeout = 10s'
    )


class TestCaller:
    def test_the_end_of_the_block_cannot_wait(self, act, service):
        """Nobody is blamed for what nobody could wait for."""

        def call() -> None:
            with act.caller("click") as caller:
                ask(service, caller.headers)

        assert failure_of(call) == (
            "nobody received the headers of the caller 'click'\n\n"
            "  click  client  1 ms\n\n"
            "  cause: they went with GET http://shop:80/hello, but no span continues their context so\n"
            "         far: what another process records comes later\n\n"
            f"{NOTHING}"
            "    by the test     1 span of callers and stand-ins\n\n"
            f"{IN_BLOCK}"
        )

    def test_headers_that_this_process_did_not_send(self, act):
        """They may have gone in an environment."""

        def call() -> None:
            with act.caller("click"):
                pass

        text = failure_of(call)
        assert "\n\n  cause: no request of this process carried them\n\n" in text
        assert text.endswith(IN_BLOCK)

    def test_headers_that_were_not_sent(self, act, service):
        """Waiting does not help then, and is no hint."""

        def call() -> None:
            with act.caller("click"):
                ask(service)

        text = failure_of(call)
        assert "\n\n  cause: no request carried them\n\n" in text
        assert text.endswith("hint:  pass them on: client.get(..., headers=caller.headers)")

    def test_an_async_block_waits(self, act, service):
        """The loop goes on meanwhile."""

        async def main() -> None:
            async with act.caller("click") as caller:
                ask(service, caller.headers)
                endpoint, loop = act.receiver.endpoint, asyncio.get_running_loop()
                sent = (endpoint, "GET /hello", caller.trace_id, caller.span_id)

                def when_waited_for() -> None:
                    if journal.waiters:
                        loop.run_in_executor(None, send, *sent)
                    else:
                        loop.call_soon(when_waited_for)

                loop.call_soon(when_waited_for)
            act.assert_path("click", "GET /hello")

        asyncio.run(main())

    def test_an_async_block_waits_on_trio(self, act):
        """Whichever loop it is."""
        trio = pytest.importorskip("trio")

        async def main() -> None:
            async with trio.open_nursery() as nursery, act.caller("click") as caller:
                sent = (act.receiver.endpoint, "GET /", caller.trace_id, caller.span_id)

                async def reply() -> None:
                    while not journal.waiters:
                        await trio.lowlevel.checkpoint()
                    await trio.to_thread.run_sync(send, *sent)

                nursery.start_soon(reply)

        trio.run(main)
        act.assert_path("click", "GET /")

    def test_an_async_block_waits_in_vain(self, service):
        """It has waited, so that all reasons are possible."""

        async def main(act: Traces) -> None:
            async with act.caller("click") as caller:
                ask(service, caller.headers)

        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            assert act.receiver.endpoint
            with pytest.raises(AssertionError) as error:
                asyncio.run(main(act))
        assert steady(str(error.value)).startswith(
            "nobody received the headers of the caller 'click'\n\n"
            "  click  client  1 ms\n\n"
            "  cause: they went with GET http://shop:80/hello, but no span continues their context: the\n"
            "         application did not read them, was not instrumented, has not sent its spans yet, or was\n"
            "         killed before it had\n\n"
            f"{NOTHING}"
            "    by the test     1 span of callers and stand-ins\n\n"
            "  hint:  a process sends spans if an SDK is set up in it"
        )

    def test_an_error_in_an_async_block(self, act):
        """It comes out as it is, and nothing is waited for."""

        async def main() -> None:
            async with act.caller("click"):
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            asyncio.run(main())
        assert act.get("click").status == "error"

    def test_an_async_block_in_which_nothing_is_open(self):
        """After the recording nothing comes, so it does not wait."""

        async def main() -> None:
            async with block:
                act_block.__exit__(None, None, None)

        act_block = record(timeout="60s", sources=["handwritten"])
        act = act_block.__enter__()
        block = act.caller("click")
        with pytest.raises(AssertionError, match="nobody received"):
            asyncio.run(main())

    def test_spans_that_an_exporter_keeps(self, service):
        """The block has waited in vain, and one of the reasons is a batch."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            send(act.receiver.endpoint, "startup")
            with pytest.raises(AssertionError) as error, act.caller("click") as caller:
                ask(service, caller.headers)
        assert steady(str(error.value)) == (
            "nobody received the headers of the caller 'click'\n\n"
            "  startup  internal  1.00 ms   [shop]\n"
            "  click    client  1 ms\n\n"
            "  cause: they went with GET http://shop:80/hello, but no span continues their context: the\n"
            "         application did not read them, was not instrumented, has not sent its spans yet, or was\n"
            "         killed before it had\n\n"
            "  what was captured:\n"
            "    opentelemetry   left out by traces_sources\n"
            "    hand-written    nothing added\n"
            f"{ONE}"
            "    by the test     1 span of callers and stand-ins\n\n"
            f"{LATE}"
        )

    def test_a_longer_wait_within_the_block(self, service):
        """That is what the hint says, and it is so."""

        def reply(*sent: str) -> None:
            while not journal.waiters:
                pass
            send(*sent)

        with record(timeout="0s", sources=["handwritten", "otlp"]) as act:
            endpoint = act.receiver.endpoint
            with act.caller("click") as caller:
                sent = (endpoint, "GET /", caller.trace_id, caller.span_id)
                thread = threading.Thread(target=reply, args=sent)
                thread.start()
                act.eventually("15s").get("GET /")
                thread.join()


class TestSession:
    def test_the_environment_is_that_of_the_session(self, shared, service):
        """That of the test has the token of one test."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            assert shared.endpoint
            ask(service)
            with pytest.raises(AssertionError) as error:
                act.get("GET /")
        text = " ".join(str(error.value).split())
        assert "if it has the environment: env=traces_receiver.env. If it was killed" in text
        assert "traces.receiver" not in text

    def test_the_environment_where_both_are_used(self, shared, service):
        """Then it may be either."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            assert act.receiver.endpoint
            with pytest.raises(AssertionError) as error:
                act.get("GET /")
        assert (
            "if it has the environment: env=traces.receiver.env (traces_receiver.env for a server "
            "that outlives the test); traces.run gives it. If it was killed"
        ) in " ".join(str(error.value).split())

    def test_remarks_name_it(self, shared, service):
        """What came without its token is compared with its own endpoint."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            url = urlsplit(shared.endpoint)
            send(f"http://{url.netloc}", "GET /")
            with socket.create_connection((url.hostname, url.port), 15) as connection:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                connection.recv(12)
            with pytest.raises(AssertionError) as error:
                act.get("GET /")
        assert str(error.value) == (
            f"no span fits 'GET /': no span was recorded\n\n{NOTHING}"
            "                    an export came to its port without its token: compare "
            "traces_receiver.endpoint\n"
            "                    an exporter speaks gRPC to the HTTP port: use "
            "traces_receiver.grpc.env"
        )

    def test_a_loop_runs(self, shared, service):
        """The server of the session is awaited once the test has asked it something."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            assert shared.endpoint
            act._frame.recording.takes_strays = False
            assert "event loop" not in failure_of(lambda: act.get("GET /"))
            ask(service)
            assert failure_of(lambda: act.get("GET /")).endswith(SETTLE)
