"""``await traces.settled()`` waits in an async test and leaves the loop free."""

import asyncio
import threading
from datetime import timedelta

import pytest

from pytest_traces import BadValue, record


@pytest.fixture
def tracer():
    """A tracer whose spans belong to no block of this thread."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    return trace.TracerProvider().get_tracer("app")


async def work(tracer, go):
    with tracer.start_as_current_span("work"):
        await go.wait()


def test_it_waits_until_no_span_is_open(tracer):
    """A task of the same loop ends it meanwhile; the view comes back."""

    async def main() -> None:
        go = asyncio.Event()
        with record(timeout="60s") as act:
            task = asyncio.create_task(work(tracer, go))
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.01, go.set)
            settled = await act.settled()
            assert settled is act
            settled.assert_tree("work")
            await task

    asyncio.run(main())


def test_it_returns_at_once_where_it_is_quiet(tracer):
    """There is nothing to wait for."""

    async def main() -> None:
        with record(timeout="60s") as act:
            (await act.settled()).assert_none()
            tracer.start_span("x").end()
            (await act.settled("60s")).assert_tree("x")

    asyncio.run(main())


def test_a_thread_may_end_the_span(tracer):
    """Its end wakes the loop."""

    async def main() -> None:
        with record(timeout="60s") as act:
            span = tracer.start_span("x")
            thread = threading.Timer(0.01, span.end)
            thread.start()
            (await act.settled()).assert_tree("x")
            thread.join()

    asyncio.run(main())


@pytest.mark.parametrize("limit", ["20ms", timedelta(milliseconds=20), None])
def test_when_the_time_is_over_it_names_what_is_open(limit, tracer):
    """The limit is the argument, or the recording's own."""

    async def main() -> str:
        with record(timeout="20ms") as act:
            span = tracer.start_span("x")
            with pytest.raises(AssertionError) as caught:
                await act.settled(limit)
            span.end()
        return str(caught.value)

    verdict, fact = asyncio.run(main()).split("\n\n")
    assert verdict == "spans are still open after 20.0 ms"
    assert fact.startswith("  still open: 'x', started in thread 'MainThread' ")


def test_a_view_settles_by_itself(tracer):
    """What it leaves out is not waited for."""

    async def main() -> None:
        with record(timeout="60s") as act:
            span = tracer.start_span("poll")
            tracer.start_span("x").end()
            (await act.ignoring("poll").settled()).assert_tree("x")
            span.end()

    asyncio.run(main())


def test_the_current_span_is_not_waited_for(tracer):
    """It cannot end before ``settled`` does."""

    async def main() -> None:
        with record(timeout="60s") as act, tracer.start_as_current_span("test"):
            tracer.start_span("x").end()
            await act.settled()

    asyncio.run(main())


def test_a_watched_list_is_looked_at():
    """A list gives no sign, so it is looked at again and again."""

    async def main() -> None:
        spans = [{"trace_id": 1, "span_id": 1, "name": "x", "start_s": 1_700_000_000, "end": None}]
        watched = []
        with record(timeout="60s") as act:
            act.watch(watched)
            watched += spans
            loop = asyncio.get_running_loop()
            loop.call_later(0.01, lambda: spans[0].update(end_s=1_700_000_001))
            (await act.settled()).assert_tree("x")

    asyncio.run(main())


def test_a_recording_that_is_over_is_not_waited_for(tracer):
    """What is open stays open, so it fails at once."""

    async def main() -> str:
        with record(timeout="60s") as act:
            span = tracer.start_span("x")
        span.end()
        with pytest.raises(AssertionError) as caught:
            await act.settled()
        return str(caught.value)

    assert asyncio.run(main()).startswith("spans are still open after 0 ns")


def test_nobody_listens_any_more_afterwards(tracer):
    """The journal forgets the loop, however the waiting ended."""
    from pytest_traces.recording import journal

    async def main() -> None:
        with record(timeout="60s") as act:
            span = tracer.start_span("x")
            waiting = asyncio.create_task(act.settled())
            await asyncio.sleep(0)
            assert journal.waiters == 1
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert journal.waiters == 0
            span.end()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (2, 'settled: 2 is not usable; a duration is written with its unit: "2ms" or '
            "timedelta(milliseconds=2)"),
        ("2", "settled: '2' is not usable; a duration is written like \"50ms\", with a unit of ns, us, "
              "ms, s or min"),
    ],
)  # fmt: skip
def test_a_bad_limit_is_refused(limit, message):
    """As everywhere."""
    with record() as act, pytest.raises(BadValue) as caught:
        asyncio.run(act.settled(limit))
    assert str(caught.value) == message


def test_it_waits_on_trio_too(tracer):
    """Where trio runs, it is trio that is left free."""
    trio = pytest.importorskip("trio")

    async def work(go, task_status):
        with tracer.start_as_current_span("work"):
            task_status.started()
            await go.wait()

    async def main() -> None:
        go = trio.Event()
        with record(timeout="60s") as act:
            async with trio.open_nursery() as nursery:
                await nursery.start(work, go)
                with pytest.raises(AssertionError, match="an event loop runs in this thread"):
                    act.assert_tree("work")
                with pytest.raises(AssertionError, match=r"spans are still open after 20\.0 ms"):
                    await act.settled("20ms")
                trio.lowlevel.current_trio_token().run_sync_soon(go.set)
                (await act.settled()).assert_tree("work")

    trio.run(main)
