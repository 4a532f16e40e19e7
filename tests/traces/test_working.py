"""Counted work."""

from __future__ import annotations

import re
import sys
import threading

import pytest

from pytest_traces import BadValue, Traces, record
from pytest_traces.sources.work import CannotCount, work

pytest.importorskip("opentelemetry.sdk.trace")
counts = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is of Python 3.12")


@pytest.fixture
def tracer():
    """A tracer of a provider that nobody has set."""
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider(shutdown_on_exit=False).get_tracer("app")


def toil(times):
    """Work that is seen: a call and a jump each time."""
    for number in range(times):
        abs(number)


def message_of(assertion):
    """The whole message of a failed assertion, its numbers of events replaced."""
    with pytest.raises(AssertionError) as failure:
        assertion()
    return re.sub(r"\d{1,3}(,\d{3})+", "#", str(failure.value))


@counts
def test_as_much_as_allowed(tracer):
    """The same number in every run; the work of the children is the parent's, too."""
    seen = []
    for _ in range(3):
        with record(timeout="0s", count_work=True) as act, tracer.start_as_current_span("a"):
            toil(100)
            with tracer.start_as_current_span("b"):
                toil(1_000)
        seen.append([span.data.stamps.work for span in act.spans])
        act.assert_work("b", at_most=seen[0][1])
    assert seen[1] == seen[2]  # the first run may have imported something
    above, below = seen[2]
    assert 2_000 <= below < 2_100
    assert below + 200 <= above


@counts
def test_more_than_allowed(tracer):
    """The message names the span that did it, and where it did it."""
    with record(timeout="0s", count_work=True) as act, tracer.start_as_current_span("load"):
        for _ in range(2):
            with tracer.start_as_current_span("parse"):
                toil(1_000)
    text = message_of(lambda: act.assert_work("load", at_most=1000))
    assert text.startswith("'load' did # events of work, limit #, 4.")
    assert "├─ parse  internal    #\n" in text
    text = message_of(lambda: act.assert_work("parse", at_most=1000))
    assert text.startswith("'load > parse' did # events of work, limit #, 2.0 times as much")
    assert "'load > parse' did # events, too" in text


@counts
def test_what_other_threads_do(tracer):
    """It is not the work of this one's spans."""
    with record(timeout="0s", count_work=True) as act, tracer.start_as_current_span("a"):
        other = threading.Thread(target=toil, args=[10_000])
        other.start()
        other.join()
    act.assert_work("a", at_most=5_000)


@counts
def test_end_in_another_thread(tracer):
    """Nobody knows what such a span did."""
    with record(timeout="0s", count_work=True) as act:
        other = threading.Thread(target=tracer.start_span("a").end)
        other.start()
        other.join()
    assert message_of(lambda: act.assert_work("a", at_most=1)) == (
        "the work of 'a' is not known: it started in one thread and ended in another\n"
        "\n"
        "  hint:  assert on the spans below it, each of which runs in one thread"
    )


@counts
def test_span_that_has_not_ended(tracer):
    """It never passes."""
    with record(timeout="0s", count_work=True) as act:
        span = tracer.start_span("a")
        assert message_of(lambda: act.assert_work("a", at_most=1_000_000)).startswith(
            "the work of 'a' is not known: it has not ended"
        )
        span.end()


@counts
def test_hand_written_span():
    """Nobody counts for it."""
    with record(timeout="0s", count_work=True) as act:
        act.add({"trace_id": 1, "span_id": 1, "name": "a", "start": 1.7e12, "end": 1.7e12 + 1})
    assert message_of(lambda: act.assert_work("a", at_most=1)).startswith(
        "the work of 'a' is not known: only spans of the OpenTelemetry SDK are counted"
    )


@counts
def test_nothing_fits(tracer):
    """No span, no verdict."""
    with record(timeout="0s", count_work=True) as act:
        tracer.start_span("a").end()
    assert message_of(lambda: act.assert_work("b", at_most=1)).startswith("no span fits 'b'")


@counts
def test_nobody_has_counted(tracer):
    """Outside pytest the recording has to be told."""
    with record(timeout="0s") as act:
        tracer.start_span("a").end()
    act._frame.recording.attempt.can_repeat = False
    assert message_of(lambda: act.assert_work("a", at_most=1)) == (
        "the events of the interpreter were not counted in this recording\n"
        "\n"
        "  hint:  with record(count_work=True) as act: ..., or the traces fixture under pytest"
    )


@counts
def test_leaves_no_trace(tracer):
    """The tool is free again, the collector as it was, also after an error."""
    import gc

    before = [sys.monitoring.get_tool(tool) for tool in range(6)]
    with pytest.raises(ZeroDivisionError), record(timeout="0s", count_work=True):
        with record(timeout="0s", count_work=True):
            assert not gc.isenabled()
        assert not gc.isenabled()
        1 / 0  # noqa: B018
    assert gc.isenabled()
    assert [sys.monitoring.get_tool(tool) for tool in range(6)] == before
    assert not work.running


@counts
def test_whoever_takes_the_tool_next_has_no_callback_of_this():
    """It is given back as it was."""
    work.start()
    (tool,) = work.running
    work.stop()

    monitoring = sys.monitoring
    for event in (monitoring.events.PY_START, monitoring.events.CALL, monitoring.events.JUMP):
        assert monitoring.register_callback(tool, event, None) is None


@counts
def test_no_tool_is_free():
    """It says who has them."""
    tools = [tool for tool in (3, 4) if sys.monitoring.get_tool(tool) is None]
    for tool in tools:
        sys.monitoring.use_tool_id(tool, f"tool {tool}")
    try:
        with pytest.raises(CannotCount, match=r"^events cannot be counted: .* and .* use every"):
            record(count_work=True).__enter__()
    finally:
        for tool in tools:
            sys.monitoring.free_tool_id(tool)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python counts")
def test_older_python(traces: Traces):
    """It says which one can."""
    found = ".".join(map(str, sys.version_info[:2]))
    with pytest.raises(CannotCount) as error:
        record(count_work=True).__enter__()
    assert str(error.value) == f"Python {found} does not report its events: 3.12 or later does"
    with pytest.raises(CannotCount):
        traces.assert_work("a", at_most=1)


@pytest.mark.parametrize("at_most", [0, -1, True, 1.5, "10", None])
def test_bad_limits(traces: Traces, at_most):
    """What was given, and what is allowed."""
    with pytest.raises(BadValue) as error:
        traces.assert_work("a", at_most=at_most)
    assert str(error.value) == (
        f"at_most: {at_most!r} is not usable; it is a number of events, at least 1"
    )
