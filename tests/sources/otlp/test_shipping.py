"""Spans of forked children go to the receiver of their parent."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest

from pytest_traces import record

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


@pytest.fixture
def act():
    with record(timeout="15s", sources=["handwritten", "otlp"]) as act:
        assert act.receiver.endpoint
        yield act


def forked(work) -> int:
    """Runs it in a child, which leaves by ``os._exit``; returns how it ended."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def test_a_child(act):
    """Its spans are below the one that was current where it was forked."""

    def work():
        with act.start_span("child", kind="consumer", attributes={"rows": 3}):
            with act.start_span("step"):
                pass

    with act.start_span("parent"):
        forked(work)
    act.assert_tree("parent\n└─ child\n   └─ step")
    child = act.get("child", source="otlp", kind="consumer", attributes={"rows": 3})
    assert child.end_ns is not None


def test_a_child_that_is_killed():
    """What it was doing is shown as unfinished."""
    with record(timeout="300ms", sources=["handwritten", "otlp"]) as act:
        assert act.receiver.endpoint

        def work():
            with act.start_span("child"):
                os.kill(os.getpid(), signal.SIGKILL)

        with act.start_span("parent"):
            forked(work)
        with pytest.raises(AssertionError) as error:
            act.assert_tree("parent\n└─ child")
        assert "child" in str(error.value).splitlines()[0]
        assert act.get("child").end_ns is None


def test_what_the_parent_had_open(act):
    """It is the parent's: a child that ends it sends nothing."""
    with act.start_span("parent"):
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
    act.assert_tree("parent")


def test_grandchildren(act):
    """A child may fork, too."""

    def work_below():
        with act.start_span("grandchild"):
            pass

    def work():
        with act.start_span("child"):
            forked(work_below)

    with act.start_span("parent"):
        forked(work)
    act.assert_path("parent", "child", "grandchild")


def test_threads_of_a_child(act):
    """Whatever ends at once is sent, in some order."""

    def work():
        def emit():
            for _ in range(25):
                with act.start_span("step"):
                    pass

        threads = [threading.Thread(target=emit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    forked(work)
    act.assert_count("step", 100)


def test_many_spans(act):
    """None is lost."""

    def work():
        for _ in range(500):
            with act.start_span("step"):
                pass

    forked(work)
    act.assert_count("step", 500)


def test_a_receiver_that_is_gone(act):
    """Then the spans are somewhere else, and that is said."""
    gone = socket.create_server(("127.0.0.1", 0))
    port = gone.getsockname()[1]
    gone.close()
    act._frame.recording.lifeline.url = f"http://127.0.0.1:{port}/x"

    forked(lambda: act.start_span("child").__enter__())
    with pytest.raises(AssertionError) as error:
        act.assert_none("child")
    assert str(error.value).startswith(
        "spans were started in a process forked during the recording"
    )


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], ids=["nothing", "404"]
)
def test_a_receiver_that_refuses(act, answer):
    """The same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        act._frame.recording.lifeline.url = f"http://127.0.0.1:{server.getsockname()[1]}/x"

        def serve():
            with server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        forked(lambda: act.start_span("child").__enter__())
        thread.join()
    with pytest.raises(AssertionError, match="forked during the recording"):
        act.assert_none("child")


class Worker:
    """A child that is forked once, and does something whenever it is told to."""

    def __init__(self, work) -> None:
        mine, its = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            try:
                mine.close()
                while order := its.recv(1):
                    work(order.decode())
                    its.sendall(b".")
            finally:
                os._exit(0)
        its.close()
        self._socket = mine

    def do(self, order: str) -> None:
        """Have it do this, and wait until it has."""
        self._socket.sendall(order.encode())
        assert self._socket.recv(1) == b"."

    def end(self) -> None:
        """Let it go."""
        self._socket.close()
        os.waitpid(self.pid, 0)


@pytest.fixture
def tracer():
    """Emits spans beside any recording."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    return sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")


@pytest.fixture
def workers():
    """Makes workers, which end with the test."""
    started = []
    yield lambda work: started.append(Worker(work)) or started[-1]
    for one in started:
        one.end()


def test_a_worker_that_outlives_a_test(tracer, workers):
    """Whatever it starts belongs to the recording that is open then."""
    with record(timeout="15s") as first:
        assert first.receiver
        worker = workers(lambda order: tracer.start_span(order).end())
        worker.do("a")
        first.assert_tree("a")
    worker.do("b")
    with record(timeout="15s") as second:
        assert second.receiver
        worker.do("c")
        second.assert_tree("c")
    with record(timeout="15s") as third:
        worker.do("d")
        with pytest.raises(AssertionError, match="forked before the recording"):
            third.assert_none("d")
    first.assert_tree("a")
    second.assert_tree("c")


def test_when_all_workers_have_ended(tracer):
    """Nobody has to wait for what they might send."""
    worker = None
    with record(timeout="15s") as first:
        assert first.receiver
        worker = Worker(lambda order: tracer.start_span(order).end())
        assert not first.receiver.is_silent(2**62)
    with record(timeout="15s") as second:
        assert second.receiver
        assert not second.receiver.is_silent(2**62)
    worker.end()
    with record(timeout="15s") as third:
        assert third.receiver
        assert third.receiver.is_silent(2**62)


def test_a_receiver_that_is_asked_for_after_the_fork(tracer, workers):
    """What is started from then on comes to it; what was before is missed."""
    with record(timeout="15s") as act:
        worker = workers(lambda order: tracer.start_span(order).end())
        assert act.receiver
        worker.do("a")
        act.assert_tree("a")
    with record(timeout="15s") as act:
        worker.do("b")
        assert act.receiver
        worker.do("c")
        act.get("c")
        with pytest.raises(AssertionError, match="forked before the recording"):
            act.assert_none("b")


def test_the_end_of_a_span_goes_where_its_start_went(tracer, workers):
    """It belongs to the recording in which it was started."""
    spans = []

    def work(order):
        if order == "s":
            spans.append(tracer.start_span("long"))
        else:
            spans.pop().end()

    with record(timeout="300ms") as first:
        assert first.receiver
        worker = workers(work)
        worker.do("s")
        first.get("long")
    with record(timeout="15s") as second:
        assert second.receiver
        worker.do("e")
        second.assert_none("long")
    assert [span.name for span in first.unfinished] == ["long"]


def test_a_block_around_and_a_block_within(tracer, workers):
    """What the receiver of one gets, the other has, too."""
    with record(timeout="15s") as outer:
        worker = workers(lambda order: tracer.start_span(order).end())
        with record(timeout="15s") as inner:
            assert inner.receiver
            worker.do("a")
            inner.assert_tree("a")
        assert outer.receiver
        worker.do("b")
        outer.assert_tree("a", "b")


def test_without_a_receiver():
    """Nobody takes them."""
    with record(timeout="1ms", sources=["handwritten"]) as act:
        forked(lambda: act.start_span("child").__enter__())
        with pytest.raises(AssertionError, match="forked during the recording"):
            act.assert_none("child")
