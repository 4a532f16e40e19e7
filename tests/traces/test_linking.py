"""Where errors are told when a view leaves their span out, and why they are told without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Traces, record, span
from pytest_traces.model import ErrorData
from pytest_traces.recording import journal

START = 1_700_000_000_000
MS = 1_000_000


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of spans by hand and of errors that somebody else reports."""
    with record(timeout="0s", sources=["handwritten", "sentry"]) as act:
        yield act


@pytest.fixture
def report(act: Traces) -> Callable[..., None]:
    """Adds an error as a source would: of a span, or of none."""

    def report(message: str, of: str | None = None, **fields: Any) -> None:
        key = None if of is None else (act.get(of).trace_id, act.get(of).span_id)
        error = ErrorData(
            next(journal.numbers), "sentry", "ValueError", message, START * MS, key, "it is so"
        )
        error = error._replace(unlinked=None if of else "it is so", **fields)
        act._frame.recording.errors.append(error)

    return report


@pytest.fixture
def tree(grow: Callable[..., None], report: Callable[..., None]) -> None:
    """A root with two branches; the lower spans have an error each."""
    grow("a", "a > b", "a > b > c", "a > d")
    for name in ("b", "c", "d"):
        report(f"of {name}", of=name)


Told = list[tuple[str | None, str | None, str | None]]


def told(view: Traces) -> Told:
    """The message of each error, its span, and why it is not in its own."""
    events = view.error_events
    return sorted(
        (one.message, one.span and one.span.name, one.lifted_from or one.unlinked) for one in events
    )


@pytest.mark.usefixtures("tree")
def test_errors_move_up_with_what_is_below_an_ignored_span(act: Traces) -> None:
    """To the nearest one that is left, by one step or by several."""
    assert told(act.ignoring("c")) == [
        ("of b", "b", None), ("of c", "b", "c"), ("of d", "d", None),
    ]  # fmt: skip
    assert told(act.ignoring("c", "b")) == told(act.ignoring("c").ignoring("b")) == [
        ("of b", "a", "b"), ("of c", "a", "c"), ("of d", "d", None),
    ]  # fmt: skip


@pytest.mark.usefixtures("tree")
def test_errors_with_nowhere_to_go(act: Traces) -> None:
    """They are linked to no span, and name their own."""
    assert told(act.ignoring("a", "b", "c")) == [
        ("of b", None, "its span, 'b', is ignored"),
        ("of c", None, "its span, 'c', is ignored"),
        ("of d", "d", None),
    ]
    assert told(act.ignoring("a", "b", "c").only("d")) == [("of d", "d", None)]


@pytest.mark.usefixtures("tree")
def test_what_is_cut_off_takes_its_errors_along(act: Traces) -> None:
    """Also those that have moved there, and whatever the order of the steps."""
    assert told(act.ignoring("c").without("b")) == [("of d", "d", None)]
    assert told(act.without("b").ignoring("c")) == [("of d", "d", None)]
    assert told(act.ignoring("b").without("c")) == [("of b", "a", "b"), ("of d", "d", None)]
    assert told(act.ignoring("c").only("b")) == [("of b", "b", None), ("of c", "b", "c")]
    assert told(act.ignoring("b").only("d")) == [("of d", "d", None)]


def test_errors_of_a_source_whose_spans_are_looked_at(act: Traces, grow: Any, report: Any) -> None:
    """One that has moved to a span of another source is not lost."""
    grow("a")
    grow("a > b")
    grow("a > b > c", source="sentry")
    report("of b", of="b")
    report("of none")
    found = act.ignoring("b").only(source="handwritten")

    assert told(found) == [("of b", "a", "b")]
    assert told(act.ignoring("a", "b").only(source="handwritten")) == []
    assert told(act.ignoring("b")) == [("of b", "a", "b"), ("of none", None, "it is so")]


@pytest.mark.usefixtures("tree")
def test_what_has_moved_explains_no_status(act: Traces, grow: Any, report: Any) -> None:
    """The span above has a failure of its own."""
    grow("e", status="error", status_description="failed")
    grow("e > f")
    report("of f", of="f")

    with pytest.raises(AssertionError) as caught:
        act.only("e").ignoring("f").assert_no_errors(allow=ValueError)
    assert str(caught.value).splitlines()[0] == "an error in 'e': failed"


def test_several_that_have_moved(act: Traces, grow: Any, report: Any) -> None:
    """Each says why; the tree shows them all."""
    grow("a", "a > b", "a > c")
    report("x", of="b")
    report("y", of="c", time_ns=START * MS + 1)

    with pytest.raises(AssertionError) as caught:
        act.ignoring("b", "c").assert_no_errors()
    assert str(caught.value) == (
        "2 errors, the first in 'a': ValueError: x\n"
        "\n"
        "  a  internal  1.00 ms\n"
        "  ! ValueError: x\n"
        "  ! ValueError: y\n"
        "\n"
        "  its own span, 'b', is ignored\n"
        "  'a': ValueError: y (its own span, 'c', is ignored)"
    )


def test_its_own_events_and_status_are_ignored(act: Traces, grow: Any) -> None:
    """With a span go the exceptions that it has recorded itself."""
    grow("a", "a > b")
    grow("a > c", error=ValueError("x"))

    act.ignoring("c").assert_no_errors()


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_errors_that_no_tree_shows(number: int, act: Traces, report: Any) -> None:
    """They are what was captured; of many the first ones."""
    for place in range(number):
        report(f"n{place}\n" + "long " * 30 * (place == 2))

    with pytest.raises(AssertionError) as caught:
        act.assert_tree(span("a"))
    _, _, text = str(caught.value).partition("    errors          ")
    long = "ValueError: n2 " + "long " * 8 + "long…"
    lines = [f"ValueError: n{place} (it is so)" for place in range(2)] + [f"{long} (it is so)"]
    expected = f"{number} that are linked to no span:" + "".join(
        f"\n{' ' * 20}{line}" for line in lines[:number]
    )
    if number == 1:
        expected = f"1 that is linked to no span: {lines[0]}"
    if number == 5:
        expected += f"\n{' ' * 20}and 2 more: traces.error_events"
    assert text == expected


def test_a_span_of_another_recording_whose_ids_mean_nothing(act: Traces, grow: Any) -> None:
    """Ids by hand may be those of any test: it cannot be said that the span began before."""
    grow("a")
    one = act.get("a")
    with record(timeout="0s", sources=["handwritten", "sentry"]) as inner:
        key = one.trace_id, one.span_id
        error = ErrorData(next(journal.numbers), "sentry", "ValueError", "x", START * MS, key)
        inner._frame.recording.errors.append(error)
        (found,) = inner.error_events

    assert found.unlinked == "the span that it names was not recorded"
