"""Errors that the application reported, each with its span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_traces.forest import Forest
from pytest_traces.report.errors import errors_message
from pytest_traces.report.explain import Message, nothing_message
from pytest_traces.shape.errors import (
    ErrorEvent,
    by_time,
    error_events,
    faults_in,
    unlinked_error,
)
from pytest_traces.shape.usage import understood
from pytest_traces.traces.bounds import read_allowed
from pytest_traces.traces.lens import Only
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.view import ABSENCE


class Erring(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    @property
    def error_events(self) -> list[ErrorEvent]:
        """Every error that was reported, in order of time. Does not wait.

        Exception events of spans, whoever recorded them, and error events of Sentry, each once. An
        exception that went up through several spans, and was recorded by each, is told by each.
        Errors that are linked to no span have ``span`` None and say why; a view of some subtrees
        (:meth:`only`) has none of these.

        Example:
            >>> [error.type for error in traces.error_events if error.span is None]
            ['TimeoutError']
        """
        forest = self._forest()
        return by_time(forest, self._errors(forest))

    def assert_no_errors(self, *, allow: Sequence[Any] | Any = ()) -> None:
        """Nothing went wrong: no span with the status ``error``, no exception, no error event.

        Exceptions are events of spans; error events are those of Sentry, linked to a span or not,
        of the levels error and fatal.

        Args:
            allow: spans that may have one: names, regular expressions, globs; or the types
                of exceptions that may occur, with their subclasses, linked or not.

        Raises:
            AssertionError: there is one, or nothing was recorded, or a span is still open.
            TypeError: something in ``allow`` that is neither.

        Example:
            >>> traces.assert_no_errors(allow=["POST /charge", TimeoutError])
        """
        __tracebackhide__ = True
        allowed = understood(read_allowed, allow)

        def check(forest: Forest) -> Message | None:
            faults = faults_in(forest, self._errors(forest), allowed)
            if faults.found:
                return errors_message(faults, forest, () if forest.spans else self._captures())
            return None if forest.spans else nothing_message(self._captures())

        self._when_quiet(check, incomplete=ABSENCE)

    def _errors(self, forest: Forest) -> list[ErrorEvent]:
        """What events of these spans tell, and what was reported of them, or of none at all."""
        frame, recording = self._frame, self._frame.recording
        found = error_events(forest, recording.errors_between())
        if any(isinstance(step, Only) for step in frame.steps):
            return found
        whole = frame.forest()
        for report in recording.errors_between(*frame.bounds()):
            if report.key is None:
                found.append(unlinked_error(report, "the report names no span"))
            elif report.key not in whole.recorded:
                before = whole.outside.get(report.key)
                why = "the span that it names was not recorded"
                if before is not None:
                    why = f"its span, {before!r}, began before what is looked at"
                found.append(unlinked_error(report, why))
        return found
