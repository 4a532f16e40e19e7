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


def test_a_child_that_is_killed(act):
    """What it was doing is shown as unfinished."""

    def work():
        with act.start_span("child"):
            os.kill(os.getpid(), signal.SIGKILL)

    with act.start_span("parent"):
        forked(work)
    with pytest.raises(AssertionError) as error:
        act.eventually("300ms").assert_tree("parent\n└─ child")
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

    def work():
        with act.start_span("child"):
            forked(lambda: act.start_span("grandchild").__enter__().end())

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
    act._frame.recording.lifeline._url = f"http://127.0.0.1:{port}/x"

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
        act._frame.recording.lifeline._url = f"http://127.0.0.1:{server.getsockname()[1]}/x"

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


def test_without_a_receiver():
    """Nobody takes them."""
    with record(timeout="1ms", sources=["handwritten"]) as act:
        forked(lambda: act.start_span("child").__enter__())
        with pytest.raises(AssertionError, match="forked during the recording"):
            act.assert_none("child")
