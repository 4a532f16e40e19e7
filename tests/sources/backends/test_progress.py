"""Whether a trace is complete."""

from __future__ import annotations

from pytest_traces.model import SpanData
from pytest_traces.sources.backends.progress import Progress


def span(number: int, parent: int | None = None, end_ns: int | None = 9) -> SpanData:
    above = None if parent is None else f"{parent:016x}"
    return SpanData("x", "1" * 32, f"{number:016x}", above, 1, end_ns)


def test_nothing_is_never_complete() -> None:
    """However quiet it is."""
    progress = Progress(None, 0)

    assert not progress.see([], 0)
    assert not progress.see([], 100)


def test_two_answers_have_to_agree() -> None:
    """Even where no quiet is asked for."""
    progress = Progress(None, 0)

    assert not progress.see([span(1)], 0)
    assert progress.see([span(1)], 1)


def test_a_change_begins_the_quiet_time_anew() -> None:
    """A span more, or the end of one."""
    progress = Progress(None, 10)

    assert not progress.see([span(1, end_ns=None)], 0)
    assert not progress.see([span(1)], 9)
    assert not progress.see([span(1), span(2, 1)], 18)
    assert not progress.see([span(2, 1), span(1)], 27)
    assert progress.see([span(1), span(2, 1)], 28)


def test_parents_that_are_nowhere_are_missing() -> None:
    """Unless they are recorded here."""
    known: list[tuple[str, str]] = []
    progress = Progress(None, 0, lambda: known)
    answer = [span(1, 7), span(2, 1), span(3, 8)]

    assert not progress.see(answer, 0)
    assert not progress.see(answer, 1)
    assert progress.missing == [answer[0], answer[2]]
    known += [("1" * 32, f"{number:016x}") for number in (7, 8)]
    assert progress.see(answer, 2)


def test_a_number_is_reached_at_once() -> None:
    """Counted without what was sent twice."""
    progress = Progress(2, 10)

    assert not progress.see([span(1, 7), span(1, 7)], 0)
    assert progress.see([span(1, 7), span(2, 1)], 1)
    assert progress.see([span(1, 7), span(2, 1), span(3)], 2)
