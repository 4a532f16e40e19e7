"""Where a span of another process belongs, and what was reported of a span elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_traces.model import ErrorData, Event, SpanData
from pytest_traces.recording import Arrival
from pytest_traces.recording.arrivals import Border, placed, told
from pytest_traces.recording.journaling import Mark

#: Set-up from 10, the call from 20, teardown from 30; a millisecond is a number.
MARKS = [Mark(10, 10), Mark(20, 20), Mark(30, 30)]


def span(
    start: int, trace: str = "far", name: str = "x", span_id: str = "1", **more: Any
) -> SpanData:
    return SpanData(name, trace, span_id, None, start, start + 1, source="otlp", **more)


def numbers(
    *spans: tuple[int, SpanData, int | None], first: int = 10, strays: bool = True
) -> list[int]:
    """The numbers at which they are seen; None for an owner is a span of this process."""
    entries: dict[int, Any] = {
        number: one if owner is None else Arrival("otlp", one.end_ns, one, owner)
        for number, one, owner in spans
    }
    border = Border(first, MARKS, takes_strays=strays)
    return [n for n, _ in placed([(n, one) for n, one, _ in spans], entries, border)]


@pytest.mark.parametrize(
    ("start", "arrived", "seen"),
    [(15, 25, 10), (22, 25, 20), (22, 35, 20), (31, 35, 30), (5, 25, 25)],
    ids=["of the set-up", "of the call", "came late", "of the teardown", "a clock that is behind"],
)
def test_a_span_of_the_recordings_own_receiver(start, arrived, seen):
    """It is where its start lies; where that is impossible, where it has arrived."""
    assert numbers((arrived, span(start), 10)) == [seen]


def test_a_clock_that_is_early():
    """A span did not start before the first one of its trace that this process has."""
    here = SpanData("here", "near", "9", None, 21, 22)
    assert numbers((21, here, None), (25, span(12, "near"), 10)) == [21, 21]


def test_a_clock_that_is_late():
    """Nor after it has arrived."""
    assert numbers((25, span(99), 10)) == [25]


def test_a_span_of_a_known_trace():
    """What was sent to nobody in particular belongs to the recording that knows its trace."""
    here = SpanData("here", "near", "9", None, 21, 22)
    stray = (25, span(22, "near"), 0)
    assert numbers((21, here, None), stray, strays=False) == [21, 21]


def test_a_span_of_an_unknown_trace():
    """By its start time it belongs to a test that uses the receiver, and to no other."""
    stray = (25, span(22), 0)
    assert numbers(stray, strays=True) == [20]
    assert numbers(stray, strays=False) == []


def test_a_span_that_began_before():
    """In a trace that nobody knows, it is of an earlier test."""
    assert numbers((12, span(5), 0)) == []


def test_what_is_below_a_span_that_began_before():
    """It goes with it, at any depth, and whatever has arrived first; in a block, it does not."""
    tree = [
        (22, span(21, span_id="3")._replace(parent_id="2"), 0),
        (23, span(21, span_id="2")._replace(parent_id="1"), 0),
        (24, span(5, span_id="1"), 0),
        (25, span(21, span_id="9")._replace(parent_id="8"), 0),
    ]
    entries: dict[int, Any] = {n: Arrival("otlp", one.end_ns, one, 0) for n, one, _ in tree}
    spans = [(n, one) for n, one, _ in tree]

    def seen(border: Border) -> list[str]:
        return [one.span_id for _, one in placed(spans, entries, border)]

    assert seen(Border(10, MARKS, takes_strays=True, test_first=10)) == ["9"]
    assert seen(Border(20, MARKS, takes_strays=True, test_first=0)) == ["3", "2", "9"]


def test_a_trace_of_an_earlier_test():
    """Nothing of it is of this one, unless this one takes part in it."""
    stray = (25, span(22), 0)
    here = (21, SpanData("here", "far", "9", None, 21, 22), None)

    def seen(*spans: tuple[int, SpanData, int | None]) -> list[str]:
        entries: dict[int, Any] = {
            n: Arrival("otlp", one.end_ns, one, 0) if owner is not None else one
            for n, one, owner in spans
        }
        border = Border(10, MARKS, True, 10, {"far"}.__contains__)
        return [one.name for _, one in placed([(n, one) for n, one, _ in spans], entries, border)]

    assert seen(stray) == []
    assert seen(here, stray) == ["here", "x"]


def test_no_marks():
    """Then it is where it has arrived."""
    entry = Arrival("otlp", 2, span(1), owner=10)
    border = Border(10, [], takes_strays=False)
    assert placed([(12, span(1))], {12: entry}, border) == [(12, span(1))]


def error(**fields: Any) -> ErrorData:
    return ErrorData(1, "sentry", "ValueError", "no such order", 5, ("far", "1"))._replace(**fields)


def test_a_reported_error_is_an_event_of_its_span():
    """It looks as if the span had recorded it."""
    [(number, seen)] = told([(3, span(1))], [error()])
    assert number == 3
    assert seen.events == (
        Event(
            "exception", 5, {"exception.type": "ValueError", "exception.message": "no such order"}
        ),
    )


def test_an_error_of_another_span():
    """It changes nothing."""
    spans = [(3, span(1))]
    assert told(spans, [error(key=("far", "2")), error(key=None)]) == spans


def test_an_error_that_the_span_has_recorded_too():
    """It is there once."""
    own = Event(
        "exception", 4, {"exception.type": "ValueError", "exception.message": "no such order"}
    )
    [(_, seen)] = told([(3, span(1, events=(own,)))], [error(), error()])
    assert seen.events == (own,)


def test_a_message_is_no_exception():
    """It has no type, and is an event of another name, as often as it was reported."""
    [(_, seen)] = told([(3, span(1))], [error(type=None), error(type=None, level="fatal")])
    text = {"error.message": "no such order"}
    assert seen.events == (
        Event("error.message", 5, {**text, "error.level": "error"}),
        Event("error.message", 5, {**text, "error.level": "fatal"}),
    )


@pytest.mark.parametrize(
    ("recorded", "wording", "is_one"),
    [
        ("503: later", "503: later", True),
        ("later", "503: later", True),
        (None, "", True),
        ("404: later", "503: later", False),
        ("503: later", None, False),
    ],
)
def test_an_exception_that_is_worded_in_two_ways(recorded, wording, is_one):
    """It is one where the span has recorded what the exception says of itself."""
    attributes = {"exception.type": "ValueError", "exception.message": recorded}
    own = Event("exception", 4, {k: v for k, v in attributes.items() if v is not None})
    [(_, seen)] = told([(3, span(1, events=(own,)))], [error(message="later", wording=wording)])
    assert (seen.events == (own,)) is is_one


def test_an_exception_without_message():
    """Then there is no attribute for it."""
    [(_, seen)] = told([(3, span(1))], [error(message=None)])
    assert seen.events == (Event("exception", 5, {"exception.type": "ValueError"}),)


def test_a_block_within_the_recording_that_has_the_receiver():
    """It has what began in it, and nothing that was before."""
    assert numbers((25, span(15), 10), (26, span(22), 10), first=20, strays=False) == [20]
