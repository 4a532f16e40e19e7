"""Errors that the application reported, each with its span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_traces.forest import Forest
from pytest_traces.report.errors import errors_message
from pytest_traces.report.explain import Message, nothing_message
from pytest_traces.shape.errors import ErrorEvent, by_time
from pytest_traces.shape.faults import faults_in
from pytest_traces.shape.usage import understood
from pytest_traces.traces.bounds import read_allowed
from pytest_traces.traces.linking import UNLINKED, errors_of, passed_of
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
        (:meth:`only`) has none of these, unless it picks a source and nothing else: then it has
        those of this source.

        A span that a view ignores (:meth:`ignoring`, ``traces_ignore``) is left out with its own
        events. What Sentry reported of it is not the span's: it moves up to the nearest span that
        is left, where ``lifted_from`` has the name of its own; with none above it is linked to no
        span. :meth:`without` leaves out the errors of its subtrees, too.

        Example:
            >>> [error.type for error in traces.error_events if error.span is None]
            ['TimeoutError']
        """
        forest = self._forest()
        return by_time(forest, errors_of(self._frame, forest))

    def assert_no_errors(self, *, allow: Sequence[Any] | Any = ()) -> None:
        """Nothing went wrong: no span with the status ``error``, no exception, no error event.

        Exceptions are events of spans; error events are those of Sentry, linked to a span or not,
        of the levels error and fatal. A span that is ignored is left out with its own status and
        events, and not with what Sentry reported of it, see :attr:`error_events`.

        An exception that Sentry reported once, and that went through other spans, has left them
        with the status ``internal_error`` and no event. That is the same error: it counts once,
        and is allowed with its type. So it is with the spans that failed last, one below the
        other, before it was captured in the one above them, and with those above that it left
        next; where something else began in between, where the status is another, or that of an
        answer of HTTP, it is an error by itself. The one of HTTP that an exception explains is the
        500 of a server that it came up to. Another exception that leaves the ``with`` block of
        such a span is an error by itself, too, reported or not; it is named, and allowed with its
        type.

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
            events = errors_of(self._frame, forest)
            faults = faults_in(forest, events, allowed, passed_of(self._frame))
            if faults.found:
                captures = [] if forest.spans else self._captures()
                others = [one for one in captures if one.title != UNLINKED]  # that is the verdict
                by_type = any(isinstance(one, type) for one in allowed)
                return errors_message(faults, forest, others, by_type=by_type)
            return None if forest.spans else nothing_message(self._captures())

        self._when_quiet(check, incomplete=ABSENCE)
