"""What limits are compared with, by which clock, and when nobody can say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.model import SpanData, Stamps
from pytest_traces.timing.limits import Reading, Readings, clock_of, read
from pytest_traces.timing.processor import Processor

MS = 1_000_000
EPOCH = 1_700_000_000_000 * MS
TICKS = 5_000 * MS


def data(
    number: int, start: int, end: int | None, *, parent: int | None = None, **fields: Any
) -> SpanData:
    """A span with its recorded times in ms, in a trace of its own kind."""
    return SpanData(
        name=fields.pop("name", f"s{number}"),
        trace_id=f"{fields.pop('trace', 1):032x}",
        span_id=f"{number:016x}",
        parent_id=None if parent is None else f"{parent:016x}",
        start_ns=EPOCH + start * MS,
        end_ns=None if end is None else EPOCH + end * MS,
        **fields,
    )


def stamps(
    start: int, end: int | None, *, cpu: int = 0, thread: int = 1, end_thread: int | None = None
) -> Stamps:
    """Own clocks: monotonic times and used CPU in ms."""
    return Stamps(
        TICKS + start * MS,
        None if end is None else TICKS + end * MS,
        0,
        None if end is None else cpu * MS,
        thread,
        None if end is None else end_thread or thread,
    )


def forest_of(*spans: SpanData) -> Forest:
    return assemble(list(spans), {})


def readings(forest: Forest, of: Any, *names: str) -> Readings:
    spans = [span for span in forest.spans if not names or span.name in names]
    return read(spans, of, forest, forest)


def test_totals_by_recorded_times():
    """Where the source has no clock of its own."""
    found = readings(forest_of(data(1, 0, 30), data(2, 5, 10, parent=1)), "total")

    assert [(one.took_ns, one.clocks) for one in found.readings] == [
        (30 * MS, ("recorded times",)),
        (5 * MS, ("recorded times",)),
    ]
    assert not any(one.moved for one in found.readings)


def test_totals_by_the_own_clock():
    """A clock that was frozen or moved is found out."""
    forest = forest_of(
        data(1, 0, 0, stamps=stamps(0, 20), name="frozen"),
        data(2, 0, 3_600_000, stamps=stamps(0, 20), name="moved"),
        data(3, 0, 20, stamps=stamps(0, 20), name="plain"),
    )
    found = readings(forest, "total")

    assert [one.took_ns for one in found.readings] == [20 * MS] * 3
    assert [one.moved for one in found.readings] == [True, True, False]
    assert {clock_of(span) for span in forest.spans} == {"monotonic clock"}


@pytest.mark.parametrize("of", ["total", "self", "sum", "cpu"])
def test_an_unfinished_span_has_no_time(of):
    """Whatever is asked of it, and whichever others have ended."""
    forest = forest_of(data(1, 0, 30), data(2, 5, None, stamps=stamps(5, None)))
    found = readings(forest, of)

    assert found.readings == ()
    assert [(one.span.name, one.obstacle) for one in found.unreadable] == [("s2", "unfinished")]


@pytest.mark.parametrize("of", ["total", "self", "sum", "cpu"])
def test_a_negative_duration_is_none(of):
    """Never a fast one."""
    found = readings(forest_of(data(1, 30, 0)), of)

    assert [(one.span.name, one.obstacle) for one in found.unreadable] == [("s1", "negative")]


def test_a_negative_duration_of_a_moved_clock():
    """The own clock knows better."""
    found = readings(forest_of(data(1, 30, 0, stamps=stamps(0, 20))), "total")

    assert [(one.took_ns, one.moved) for one in found.readings] == [(20 * MS, True)]


def test_self_time():
    """Without what direct children cover; by the own clock where the other one was moved."""
    plain = forest_of(data(1, 0, 30), data(2, 5, 15, parent=1), data(3, 10, 20, parent=1))
    frozen = forest_of(
        data(1, 0, 0, stamps=stamps(0, 30)),
        data(2, 0, 0, parent=1, stamps=stamps(5, 15)),
    )

    (of_plain,) = readings(plain, "self", "s1").readings
    (of_frozen,) = readings(frozen, "self", "s1").readings

    assert (of_plain.took_ns, of_plain.clocks) == (15 * MS, ("recorded times",))
    assert (of_frozen.took_ns, of_frozen.clocks) == (20 * MS, ("monotonic clock",))
    assert of_frozen.moved


def test_the_sum():
    """All spans as one reading, with every clock that was used."""
    forest = forest_of(data(1, 0, 30), data(2, 0, 5, stamps=stamps(0, 5)))

    (found,) = readings(forest, "sum").readings

    assert found.took_ns == 35 * MS
    assert found.clocks == ("recorded times", "monotonic clock")
    assert [span.name for span in found.spans] == ["s1", "s2"]


def test_what_is_over_the_limit():
    """Exactly the limit is over; the worst first."""
    one = [Reading((), took, ("recorded times",), moved=False) for took in (5, 9, 10, 12, 11)]

    assert [found.took_ns for found in Readings(one, ()).over(10)] == [12, 11, 10]


def test_cpu_time():
    """Where the thread was the span's own, its family's spans aside."""
    forest = forest_of(
        data(1, 0, 50, stamps=stamps(0, 50, cpu=45)),
        data(2, 10, 20, parent=1, stamps=stamps(10, 20, cpu=8)),
        data(3, 12, 14, parent=2, stamps=stamps(12, 14, cpu=2)),
        data(4, 50, 60, trace=2, stamps=stamps(50, 60, cpu=3)),
        data(5, 10, 20, trace=3, stamps=stamps(10, 20, cpu=1, thread=2)),
        data(6, 10, 20, trace=4),
    )
    found = readings(forest, "cpu", "s1", "s2", "s3", "s4", "s5")

    assert {one.spans[0].name: one.took_ns // MS for one in found.readings} == {
        "s1": 45, "s2": 8, "s3": 2, "s4": 3, "s5": 1,
    }  # fmt: skip
    assert {one.clocks for one in found.readings} == {("CPU time of the thread",)}


def test_cpu_time_that_is_nobodys():
    """No clock, two threads, or another span in the same thread meanwhile."""
    forest = forest_of(
        data(1, 0, 50),
        data(2, 0, 50, stamps=stamps(0, 50, thread=2, end_thread=3)),
        data(3, 0, 50, trace=3, stamps=stamps(0, 50, thread=4)),
        data(4, 10, 60, trace=4, stamps=stamps(10, 60, thread=4)),
        data(5, 10, None, trace=5, stamps=stamps(10, None, thread=6)),
        data(6, 10, 20, trace=6, stamps=stamps(10, 20, thread=6)),
        data(7, 10, 20, trace=6, stamps=stamps(10, 20, thread=7)),
        data(8, 0, 15, trace=8, stamps=stamps(0, 15, thread=8, end_thread=7)),
    )
    found = readings(forest, "cpu", "s1", "s2", "s3", "s4", "s6", "s7")
    why = {one.span.name: (one.obstacle, one.other and one.other.name) for one in found.unreadable}

    assert why == {
        "s1": ("no clock", None),
        "s2": ("threads", None),
        "s3": ("shared", "s4"),
        "s4": ("shared", "s3"),
        "s6": ("shared", "s5"),
        "s7": ("shared", "s8"),
    }
    assert found.readings == []


def test_cpu_time_of_no_time():
    """Nothing runs beside a span that takes none."""
    forest = forest_of(
        data(1, 0, 50, stamps=stamps(0, 50)), data(2, 10, 10, trace=2, stamps=stamps(10, 10))
    )

    assert len(readings(forest, "cpu", "s2").readings) == 1


def test_spans_below_one_another_are_told_in_time():
    """Thousands of them, with nothing beside them."""
    forest = forest_of(
        *(
            data(number, 0, 1, parent=number - 1 or None, stamps=stamps(number, 90_000 - number))
            for number in range(1, 20_001)
        )
    )

    assert len(readings(forest, "cpu").readings) == 20_000


@st.composite
def threads(draw):
    """Spans of two threads in random trees."""
    spans = []
    for number in range(1, draw(st.integers(2, 9))):
        start = draw(st.integers(0, 8))
        length = draw(st.integers(0, 5))
        parent = draw(st.sampled_from([None, *range(1, number)]))
        thread = draw(st.integers(1, 2))
        is_open = draw(st.integers(0, 9)) == 0
        own = stamps(start, None if is_open else start + length, thread=thread)
        spans.append(
            data(number, start, None if is_open else start + length, parent=parent, stamps=own)
        )
    return assemble(spans, {})


@given(threads())
def test_who_runs_beside_whom(forest):
    """Compared with looking at every pair."""
    processor = Processor(forest.spans)
    for span in forest.spans:
        own = span.data.stamps
        if own.end_ns is None:
            assert processor.beside(span) is None
            continue
        family = {id(one) for one in (span, *span.ancestors, *span.descendants)}
        expected = [
            other
            for other in forest.spans
            if id(other) not in family
            and other.data.stamps.start_thread == own.start_thread
            and own.start_ns < own.end_ns
            and other.data.stamps.start_ns < own.end_ns
            and (other.data.stamps.end_ns is None or other.data.stamps.end_ns > own.start_ns)
        ]
        found = processor.beside(span)
        assert (found in expected) if expected else (found is None)
