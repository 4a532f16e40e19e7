"""Assertions on how long spans took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, get_args

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message
from pytest_traces.report.slow import (
    advice,
    headroom_note,
    shown_of,
    too_slow,
    unreadable_message,
)
from pytest_traces.report.words import path_of
from pytest_traces.settings import BadValue, parse_duration
from pytest_traces.shape.pattern import Name
from pytest_traces.shape.usage import understood
from pytest_traces.timing.limits import LEAST_NS, Calls, Limit, Of, read
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.selection import select
from pytest_traces.traces.tries import Tries


class Lasting(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_duration(
        self,
        name: Name,
        *,
        under: str | timedelta,
        of: Of = "total",
        calls: Calls = "each",
        force: bool = False,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """Each span that fits takes less than the limit; takes the keywords of :meth:`find`.

        The clock is the monotonic one that the OpenTelemetry source reads itself, which no
        library that freezes time can reach. Spans with times of their own are judged by those.

        A test with ``@pytest.mark.traces(attempts=5)`` (or ``traces_attempts`` in the ini file)
        runs again when nothing but a limit has failed, and fails only if every run exceeds it.
        Room: a limit of three times the best that was seen rarely fails by chance; with less,
        a note in the summary of the run says what to expect. A limit sees slowdowns of the best
        case; those of the tail or of the first call only, best of several runs do not show.

        ``under`` is written ``"200ms"`` or a timedelta; to take exactly as long is too long.
        ``of="total"`` is from start to end; ``"self"`` the time in which no direct child was
        open; ``"sum"`` of all spans that fit, together; ``"cpu"`` what the span's thread used of
        the processor, known for spans of the OpenTelemetry SDK that have their thread to
        themselves. ``calls="first"`` judges the earliest span only, the cold call, and has one
        attempt. ``force=True`` takes a limit under 1 ms, which noise exceeds now and then.

        Raises:
            DurationExceeded: a span took as long or longer.
            AssertionError: none fits, one never ended, or ended before it started, or its CPU
                time cannot be told.
            BadValue: a limit without a unit, or under 1 ms; an unknown word.

        Example:
            >>> traces.assert_duration("GET /cart", under="200ms")
            >>> traces.assert_duration("render", under="50ms", of="self", inside="GET /cart")
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        limit = understood(read_limit, under, of, calls, force=force)
        self._assert_limit(
            limit, str(selection), selection.of, lambda forest: self._none_fits(selection, forest)
        )

    def _assert_limit(
        self,
        limit: Limit,
        what: str,
        pick: Callable[[Forest], list[Span]],
        nothing: Callable[[Forest], Message],
    ) -> None:
        """The spans that are picked meet the limit, in one run of the test at least."""
        __tracebackhide__ = True
        recording = self._frame.recording
        tries = Tries(recording.attempt, repr((what, *limit, self._frame.phase, self._titles())))

        def check(forest: Forest) -> Message | None:
            spans = pick(forest)
            if not spans:
                message = nothing(forest)
                message.may_come = True
                return message
            spans = spans[:1] if limit.calls == "first" else spans
            return self._judge(limit, spans, forest, tries)

        try:
            self._when_quiet(check)
        finally:
            tries.keep()
        allowed = recording.attempt.allowed if recording.attempt.can_repeat else 1
        note = headroom_note(what, tries.best_ns, limit, allowed)
        if note is not None and note not in recording.notes:
            recording.notes.append(note)

    def _judge(
        self, limit: Limit, spans: list[Span], forest: Forest, tries: Tries
    ) -> Message | None:
        found = read(spans, limit.of, forest, self._frame.forest())
        if found.unreadable:
            return unreadable_message(found.unreadable, forest)
        over = found.over(limit.under_ns)
        best = min(one.took_ns for one in found.readings)
        tries.read(best, shown_of(limit, over, forest) if over else None)
        attempt = tries.attempt
        if limit.calls == "first" and attempt.number > 1 and not tries.earlier:
            attempt.judged = True
            return _no_longer_cold(spans[0])
        if not over or tries.was_met:
            return None
        message = too_slow(limit, tries.failures, over[0].clocks)
        message.is_repeated = limit.calls == "each"
        if attempt.counting and attempt.can_repeat and not tries.earlier:
            # Counting makes it slow; the next run does not count, and this one says nothing.
            attempt.wanted = "durations are measured in a run in which nothing is counted"
            attempt.measuring, tries.is_void = True, True
        if attempt.can_repeat:
            message.hint = advice(limit, attempt.allowed)
        return message


def _no_longer_cold(span: Span) -> Message:
    message = Message(
        f"the first call of {path_of(span)} was in the first run of this test, which ended before "
        "its limit was asserted"
    )
    message.hint = (
        'assert calls="first" before assertions that need more runs: assert_work, other limits'
    )
    return message


def read_limit(under: object, of: object, calls: object, *, force: object) -> Limit:
    """A limit, from the keywords of :meth:`Lasting.assert_duration`.

    Raises:
        BadValue: one of them cannot be used.
    """
    if not isinstance(force, bool):
        raise BadValue("force", force, "it is True or False")
    under_ns = parse_duration(under, "under")
    if under_ns == 0:
        raise BadValue("under", under, "nothing takes less than no time")
    if under_ns < LEAST_NS and not force:
        allowed = "noise alone exceeds a limit under 1 ms now and then; force=True takes it"
        raise BadValue("under", under, allowed)
    for where, value, known in (("of", of, get_args(Of)), ("calls", calls, get_args(Calls))):
        if value not in known:
            raise BadValue(where, value, f"it is one of {', '.join(known)}")
    if of == "sum" and calls == "first":
        raise BadValue("calls", calls, 'of="sum" is of all calls')
    return Limit(under_ns, of, calls)  # type: ignore[arg-type]  # they are known
