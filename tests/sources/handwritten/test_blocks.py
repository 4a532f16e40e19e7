"""Spans recorded by hand around a block."""

import asyncio
import contextvars
import random
import threading

import pytest

from pytest_traces import BadValue, Traces, record
from pytest_traces.sources.handwritten import handwritten
from pytest_traces.sources.handwritten.blocks import blocks_of_this_thread


class SoldOut(Exception):
    """Of an application."""


def test_a_block_is_a_span(act):
    """Open inside of the block, ended after it, with all that it was given."""
    with act.start_span("db.query", kind="client", attributes={"table": "trips"}) as block:
        (span,) = act.spans
        assert span.end_ns is None
        block.attributes["rows"] = 3

    span = act.get("db.query")
    assert span.kind == "client"
    assert span.attributes == {"table": "trips", "rows": 3}
    assert (span.trace_id, span.span_id) == (block.trace_id, block.span_id)
    assert (span.status, span.events, span.source) == ("unset", (), "handwritten")
    assert span.end_ns is not None
    assert span.end_ns >= span.start_ns


def test_attributes_that_were_given_stay_as_they_are(act):
    """What is set in the block is not written into the caller's mapping."""
    given = {"a": 1}
    with act.start_span("x", attributes=given) as block:
        block.attributes["b"] = 2
    block.attributes["c"] = 3

    assert given == {"a": 1}
    assert act.get("x").attributes == {"a": 1, "b": 2}


def test_blocks_nest(act):
    """A block is a child of the enclosing one; the next one beside it is not."""
    with act.start_span("outer"):
        with act.start_span("first"), act.start_span("inner"):
            pass
        with act.start_span("second"):
            pass
    with act.start_span("alone"):
        pass

    act.assert_tree("""
        outer
        ├─ first
        │  └─ inner
        └─ second
        alone
    """)
    assert len({span.trace_id for span in act.spans}) == 2


def test_blocks_of_two_recordings_nest(act):
    """Which recording a block was asked of does not matter."""
    with act.start_span("outer"), record() as inner, inner.start_span("inner"):
        pass

    act.assert_path("outer", "inner")
    assert [span.name for span in inner.spans] == ["inner"]


def test_an_exception_makes_the_span_an_error(act):
    """It passes through, with its type and text in an event."""
    with pytest.raises(SoldOut, match="row 7"), act.start_span("book"):
        raise SoldOut("row 7")

    span = act.get("book", status="error")
    assert span.status_description == "SoldOut: row 7"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes == {
        "exception.type": f"{__name__}.SoldOut",
        "exception.message": "row 7",
    }
    assert span.end_ns is not None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_the_span_ends_whatever_leaves_the_block(kind, act):
    """Also what is no Exception."""
    with pytest.raises(kind), act.start_span("book"):
        raise kind

    assert act.unfinished == ()


def in_thread(target, *args):
    worker = threading.Thread(target=target, args=args, name="worker")
    worker.start()
    worker.join()


def span_of(act: Traces, name: str) -> None:
    with act.start_span(name):
        pass


def test_a_thread_begins_a_trace_of_its_own(act):
    """Threads do not inherit what is current; the span names its thread."""
    with act.start_span("outer"):
        # In a context of its own, as a free-threaded Python 3.14 would hand this one on.
        in_thread(contextvars.Context().run, span_of, act, "inner")

    act.assert_tree("outer", "inner")
    assert act.get("inner").data.thread == "worker"


def test_a_thread_that_runs_in_the_context_continues_the_trace(act):
    """As with every tracer in Python."""
    with act.start_span("outer"):
        context = contextvars.copy_context()
        in_thread(context.run, span_of, act, "inner")

    act.assert_path("outer", "inner")


def test_tasks_continue_the_trace_side_by_side(act):
    """Each task has its own innermost block."""

    async def work(number: int) -> None:
        with act.start_span(f"task {number}"):
            await asyncio.sleep(0)
            with act.start_span(f"step {number}"):
                await asyncio.sleep(0)

    async def main() -> None:
        with act.start_span("main"):
            await asyncio.gather(work(1), work(2))

    asyncio.run(main())

    act.assert_tree("""
        main
        ├─ task 1
        │  └─ step 1
        └─ task 2
           └─ step 2
    """)


def test_a_task_that_outlives_the_block_is_still_its_child(act):
    """It keeps the context in which it was created."""

    async def main() -> None:
        go = asyncio.Event()

        async def late() -> None:
            await go.wait()
            span_of(act, "late")

        with act.start_span("request"):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        go.set()
        await task

    asyncio.run(main())

    act.assert_path("request", "late")


def test_a_block_may_end_in_another_context(act):
    """As in an asynchronous fixture, whose two halves run in two tasks."""
    block = act.start_span("fixture")
    contextvars.copy_context().run(block.__enter__)
    contextvars.copy_context().run(block.__exit__, None, None, None)
    span_of(act, "test")

    act.assert_tree("fixture", "test")


def test_ids_are_random_though_the_random_numbers_are_not(act):
    """pytest-randomly seeds ``random`` before each test; ids must differ all the same."""
    for _ in range(2):
        random.seed(0)
        span_of(act, "x")

    assert len({span.span_id for span in act.spans}) == 2
    assert len({span.trace_id for span in act.spans}) == 2


def test_the_blocks_of_a_thread_are_its_own(act):
    """Those that are open in another thread are waited for; one's own are not."""
    others: list[object] = []
    with act.start_span("mine") as block:
        in_thread(lambda: others.append(blocks_of_this_thread()))
        assert blocks_of_this_thread() == {block.key}
        assert handwritten.current() == block.key

    assert others == [set()]
    assert blocks_of_this_thread() == set()
    assert handwritten.current() is None


def test_a_block_inside_an_opentelemetry_span_is_its_child(act):
    """And a span inside of the block's own traces goes on to be a child of that span."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = trace.TracerProvider().get_tracer("app")
    with tracer.start_as_current_span("request"):
        with act.start_span("step"), act.start_span("inner"):
            pass
        with act.start_span("next"):
            pass

    act.assert_tree("""
        request
        ├─ step
        │  └─ inner
        └─ next
    """)


def test_a_block_around_an_opentelemetry_span_changes_nothing_for_it(act):
    """What the application sends on is its own; a block inside of its span is its child."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = trace.TracerProvider().get_tracer("app")
    with act.start_span("step"):
        with tracer.start_as_current_span("request"), act.start_span("inner"):
            pass
        with act.start_span("after"):
            pass

    act.assert_tree(
        """
        step
        └─ after
        """,
        """
        request
        └─ inner
        """,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 5}, "name: 5 is not usable; a name is a text"),
        (
            {"name": "x", "kind": "SERVER"},
            "kind: 'SERVER' is not usable; a kind is one of internal, server, client, producer, "
            "consumer",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, message, act):
    """Before anything is recorded."""
    with pytest.raises(BadValue) as caught:
        act.start_span(**arguments)
    assert str(caught.value) == message
    assert act.spans == ()


def test_a_recording_that_is_over_starts_no_span():
    """It says so."""
    with record() as inner:
        pass
    with pytest.raises(RuntimeError) as caught:
        inner.start_span("x")
    assert str(caught.value) == "start_span: the recording is over; nothing can be added to it"


def test_a_block_that_is_open_at_the_end_stays_open():
    """The recording has a copy of how it was."""
    with record() as inner:
        block = inner.start_span("x")
        block.__enter__().attributes["a"] = 1
    block.__exit__(None, None, None)

    assert inner.get("x").end_ns is None
    assert inner.get("x").attributes == {"a": 1}


def test_a_block_that_was_never_left_is_no_parent_of_the_next_recording():
    """Nothing leaks from one test into another."""
    context = contextvars.copy_context()
    with record() as first:
        context.run(first.start_span("x").__enter__)
    with record() as second:
        context.run(span_of, second, "y")
        assert context.run(handwritten.current) is None

    second.assert_tree("y")
    assert second.get("y").parent_id is None


def test_a_block_that_is_forgotten_is_not_ended():
    """Nobody left it: it is open, as it is in the application's own tracer."""
    context = contextvars.copy_context()
    with record() as inner:
        context.run(lambda: inner.start_span("x").__enter__() and None)

    assert [span.name for span in inner.unfinished] == ["x"]


def test_an_exception_without_text_is_described_by_its_type(act):
    """Without a colon that nothing follows."""
    with pytest.raises(SoldOut), act.start_span("x"):
        raise SoldOut

    assert act.get("x").status_description == "SoldOut"


def test_a_block_may_be_entered_again(act):
    """Each time it is another span."""
    block = act.start_span("x")
    for _ in range(2):
        with block:
            pass
    with block, block:
        pass

    act.assert_tree("x", "x", "x\n  x")


def test_a_block_inside_that_was_never_left_is_left_with_its_outer_one(act):
    """What comes next is a child of neither."""
    with act.start_span("outer"):
        act.start_span("forgotten").__enter__()
    span_of(act, "next")

    assert act.get("next").parent is None
