"""Assertions on counted work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_traces.forest import Forest
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message
from pytest_traces.report.work import not_counted, too_much, unknown
from pytest_traces.settings import BadValue
from pytest_traces.shape.pattern import Name
from pytest_traces.shape.usage import understood
from pytest_traces.sources.work import work
from pytest_traces.timing.counted import over, why_unknown, work_of
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.selection import Selection, select
from pytest_traces.traces.view import ABSENCE


@dataclass
class _Counted:
    """One assertion in one run of a test; where it held, which time in that run it was."""

    run: int
    held: int | None = None


class Working(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_work(
        self,
        name: Name,
        *,
        at_most: int,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """Each span that fits does at most so many events; takes the keywords of :meth:`find`.

        Work is counted, not timed: the starts of Python functions, calls and jumps that
        ``sys.monitoring`` (PEP 669) reports in the thread of the span, spans below it in that
        thread included. The number is the same in every run of an unchanged program, however
        busy the machine. What happens inside C is not seen, nor other threads; other tasks of
        an event loop that run meanwhile are.

        Events are counted in a run of their own, about three times as slow: under pytest the
        test runs once more for it; elsewhere use ``record(count_work=True)``.

        Raises:
            AssertionError: a span did more, none fits, or its work is not known: it has not
                ended, it ended in another thread, or it is no span of OpenTelemetry.
            CannotCount: on a Python before 3.12.
            BadValue: ``at_most`` is no positive integer.

        Example:
            >>> traces.assert_work("load cart", at_most=20_000)
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        understood(_check, at_most)
        work.check()
        recording = self._frame.recording
        attempt = recording.attempt
        key = repr(("work", str(selection), at_most, self._frame.phase, self._titles()))
        kept = attempt.measured.setdefault(key, [])
        asserted = [one for one in kept if isinstance(one, _Counted)]
        # Which time in this run it is: what was asserted elsewhere says nothing of this one.
        place = sum(1 for one in asserted if one.run == attempt.number)
        held = any(one.held == place for one in asserted)
        now = _Counted(attempt.number)
        kept.append(now)
        if not recording.counts_work and held and selection.of(self._forest()):
            return  # in the run in which events were counted
        self._when_quiet(
            lambda forest: self._too_much(selection, at_most, forest), incomplete=ABSENCE
        )
        now.held = place

    def _too_much(self, selection: Selection, at_most: int, forest: Forest) -> Message | None:
        found = selection.of(forest)
        if not found:
            message = self._none_fits(selection, forest)
            message.may_come = True
            return message
        attempt = self._frame.recording.attempt
        if not self._frame.recording.counts_work:
            if attempt.can_repeat:
                attempt.counts_next = attempt.measuring = True
                attempt.wanted = "events are counted in a run of their own"
            return not_counted()
        for span in found:
            if work_of(span) is None:
                return unknown(span, why_unknown(span))
        self._frame.recording.worked.update((one.trace_id, one.span_id) for one in found)
        too_many = over(found, at_most)
        return too_much(too_many, at_most) if too_many else None


def _check(at_most: object) -> None:
    if not isinstance(at_most, int) or isinstance(at_most, bool) or at_most < 1:
        raise BadValue("at_most", at_most, "it is a number of events, at least 1")
