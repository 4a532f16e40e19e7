"""What went wrong in a forest, as data: against a slow oracle, at scale, and one fault at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.model import ErrorData, Event, SpanData
from pytest_traces.recording.arrivals import with_errors
from pytest_traces.shape.errors import (
    ErrorEvent,
    by_time,
    error_events,
    exceptions_of,
    unlinked_error,
)
from pytest_traces.shape.faults import faults_in

TRACE = "ab" * 16


def event(kind: str | None, message: str | None = None, time_ns: int | None = None) -> Event:
    """An exception event."""
    attributes = {"exception.type": kind, "exception.message": message}
    given = {name: value for name, value in attributes.items() if value is not None}
    return Event("exception", time_ns, given)


def data(number: int, parent: int | None = None, **fields: Any) -> SpanData:
    """A span with a number for its id, which is its start, too."""
    above = None if parent is None else f"{parent:016x}"
    span = SpanData(f"n{number}", TRACE, f"{number:016x}", above, number, 1_000)
    return span._replace(**fields)


def report(of: int | None, kind: str | None, message: str | None, at: int = 0) -> ErrorData:
    """A report of a span."""
    key = None if of is None else (TRACE, f"{of:016x}")
    return ErrorData(1, "sentry", kind, message, at, key)


def look(spans: list[SpanData], reports: list[ErrorData]) -> tuple[Forest, list[ErrorEvent]]:
    """What a recording makes of both."""
    by_key: dict[tuple[str, str], list[ErrorData]] = {}
    for one in reports:
        if one.key is not None:
            by_key.setdefault(one.key, []).append(one)
    forest = assemble([with_errors(s, by_key.get((s.trace_id, s.span_id), [])) for s in spans])
    return forest, by_time(forest, error_events(forest, reports))


KINDS = st.sampled_from([None, "ValueError", "shop.Gone", "bank.Gone"])
TEXTS = st.sampled_from([None, "x", "y"])


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[SpanData], list[ErrorData]]:
    """A small tree whose spans tell exceptions, and reports of some of them."""
    size = draw(st.integers(1, 6))
    spans = [
        data(
            number,
            draw(st.integers(1, number - 1)) if number > 1 else None,
            status=draw(st.sampled_from(["unset", "error"])),
            events=tuple(
                event(draw(KINDS), draw(TEXTS), draw(st.integers(0, 9)))
                for _ in range(draw(st.integers(0, 2)))
            ),
        )
        for number in range(1, size + 1)
    ]
    reports = [
        report(draw(st.integers(1, size)), draw(KINDS), draw(TEXTS), draw(st.integers(0, 9)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    return spans, reports


@given(recordings())
def test_nothing_is_lost_and_nothing_told_twice(given_: Any) -> None:
    """As many of one span as it has recorded, or as were reported, whichever is more."""
    spans, reports = given_
    _, found = look(spans, reports)

    for span in spans:
        for kind in (None, "ValueError", "shop.Gone", "bank.Gone"):
            for text in (None, "x", "y"):
                own = sum(
                    (one.type, one.message) == (kind, text)
                    for one in exceptions_of(assemble([span]).spans[0])
                )
                told = sum(
                    one.key == (TRACE, span.span_id) and (one.type, one.message) == (kind, text)
                    for one in reports
                )
                listed = sum(
                    one.span is not None
                    and one.span.span_id == span.span_id
                    and (one.type, one.message) == (kind, text)
                    for one in found
                )
                assert listed == max(own, told)


@given(recordings())
def test_what_went_wrong_is_found_or_was_told_below(given_: Any) -> None:
    """Each span with an error status or an exception is at fault; if only passed on, then below."""
    forest, found = look(*given_)
    faults = faults_in(forest, found, [])

    guilty = {one.span for one in (*faults.found, *faults.passed_on)}
    assert guilty == {s for s in forest.spans if s.status == "error"} | {one.span for one in found}
    events = [one.event for one in (*faults.found, *faults.passed_on) if one.event is not None]
    assert sorted(map(id, events)) == sorted(map(id, found))
    assert [one.time_ns for one in faults.found] == sorted(one.time_ns for one in faults.found)
    for one in faults.passed_on:
        assert one.span is not None
        assert any((one.text, child) in {(f.event and f.event.text, f.span) for f in
                                         (*faults.found, *faults.passed_on)}
                   for child in one.span.children)  # fmt: skip
    assert bool(faults.found) == bool(guilty)


@given(recordings(), st.sampled_from([ValueError, LookupError]))
def test_allowing_everything_leaves_nothing(given_: Any, kind: type) -> None:
    """By name; a type leaves what is of another, or of none."""
    forest, found = look(*given_)

    assert faults_in(forest, found, [kind, *(span.name for span in forest.spans)]).found == []
    left = faults_in(forest, found, [ValueError])
    assert not any(one.event is not None and one.event.type == "ValueError" for one in left.found)


@pytest.mark.parametrize("level", ["warning", "WARN", "info", "debug", "log"])
def test_lesser_levels_are_no_faults(level: str) -> None:
    """They are listed all the same."""
    forest, found = look([data(1)], [report(1, "ValueError", "x")._replace(level=level)])

    assert [one.level for one in found] == [level]
    assert faults_in(forest, found, []).found == []


@pytest.mark.parametrize("level", ["error", "fatal", "critical", ""])
def test_all_others_are(level: str) -> None:
    """Whatever they are called."""
    forest, found = look([data(1)], [report(1, "ValueError", "x")._replace(level=level)])

    assert len(faults_in(forest, found, []).found) == 1


def test_an_error_without_a_span_is_a_fault() -> None:
    """It has no place, and is never what a child has passed on."""
    forest, _ = look([data(1)], [])
    error = unlinked_error(report(None, "ValueError", "x"), "why not")

    (fault,) = faults_in(forest, [error], ["n1"]).found
    assert (fault.span, fault.text, fault.event) == (None, "ValueError: x", error)
    assert faults_in(forest, [error], [Exception]).found == []


def chain(length: int) -> list[SpanData]:
    """Each span below the one before, and the exception of the last one in all of them."""
    told = event("ValueError", "x", 5)
    return [
        data(number, number - 1 or None, status="error", events=(told,))
        for number in range(1, length + 1)
    ]


def test_a_chain_of_any_depth() -> None:
    """A hundred thousand levels are one error, which came from the last one."""
    forest, found = look(chain(100_000), [])

    faults = faults_in(forest, found, [])

    assert len(found) == 100_000
    assert [one.span and one.span.name for one in faults.found] == ["n100000"]


@pytest.mark.parametrize("place", range(1, 7))
def test_the_span_that_breaks_the_chain_is_named(place: int) -> None:
    """Where one of them tells something else, what is above it has an error of its own."""
    spans = chain(6)
    spans[place - 1] = spans[place - 1]._replace(events=(event("KeyError", "y", 5),))

    faults = faults_in(*look(spans, []), [])

    names = [one.span.name for one in faults.found if isinstance(one.span, Span)]
    expected = {f"n{place}", "n6"} | ({f"n{place - 1}"} if place > 1 else set())
    assert set(names) == expected


@pytest.mark.parametrize("place", range(1, 6))
def test_what_is_allowed_and_goes_on_is_known(place: int) -> None:
    """The name of a span allows its own error, and not the same one of its parent."""
    faults = faults_in(*look(chain(6), []), [f"n{number}" for number in range(place + 1, 7)])

    assert [one.span and one.span.name for one in faults.found] == [f"n{place}"]
    assert faults.excused is not None
    assert faults.excused.span is not None
    assert faults.excused.span.name == f"n{place + 1}"
