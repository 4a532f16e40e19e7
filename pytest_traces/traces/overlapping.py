"""Assertions on what ran at once, and what was waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pytest_traces.forest import Forest, Span, Trace
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message
from pytest_traces.report.overlap import LUCK, Wanted, concurrent_message, sequential_message
from pytest_traces.report.waited import CriticalPath, off_path_message, too_close_message
from pytest_traces.report.words import path_of, plural
from pytest_traces.settings import BadValue
from pytest_traces.shape.pattern import Name
from pytest_traces.shape.usage import understood
from pytest_traces.timing.concurrent import busiest, together
from pytest_traces.timing.critical_path import Followed, Until
from pytest_traces.timing.luck import is_luck
from pytest_traces.timing.overlap import first_clash, outermost
from pytest_traces.timing.parallelism import Parallelism, parallelism
from pytest_traces.timing.standing import Rival, standing
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.selection import Selection, select
from pytest_traces.traces.trees import followed, main_tree, only_tree, read_trace, read_way

_INCOMPLETE = "what ran at the same time cannot be told while spans are open"
_NO_PATH_YET = "the critical path cannot be told while spans are open"


class Overlapping(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def critical_path(
        self,
        trace: Trace | None = None,
        *,
        until: Until = "root",
        eps: str | timedelta = "0ns",
        align: bool = False,
    ) -> CriticalPath:
        """For each instant of a trace, the span that its end may have waited for.

        It is followed backwards: whatever a span last waited for ended last before it went on.
        Spans do not show who awaited whom, so it is what *may* have been waited for. Open spans
        take no part; their children count as roots. A consumer never holds up its producer.

        Waits until no span is open, up to the time limit.

        Args:
            trace: the trace that is meant; not needed where only one has a root. Of several
                roots the one that started first counts, of these the one that ended last.
            until: begin at the end of the ``root``, or at the span that ends ``last``.
            eps: a duration; a span that ends so much after the next one began still comes
                before it. For clocks of several hosts.
            align: move the clocks of other hosts by the least with which every synchronous call
                lies within its caller. Hosts are told by the resource.

        Returns:
            Segments without gaps in order of time: ``start_ns``, ``end_ns`` and ``span``, which is
            None where something lay in a queue. It can be printed.

        Raises:
            AssertionError: no span has ended, or several traces have roots.
            ValueError: ``eps`` is no duration, ``until`` neither of the two.
            TypeError: ``trace`` is no Trace, or ``align`` no bool.

        Example:
            >>> print(traces.critical_path())
            >>> "POST /charge" in [part.span.name for part in traces.critical_path() if part.span]
            True
        """
        __tracebackhide__ = True
        way = understood(read_way, until, eps, align)
        waits = self._tree(understood(read_trace, trace))
        return CriticalPath(followed(waits, way).segments)

    def parallelism(self, trace: Trace | None = None) -> Parallelism:
        """How much was worked at once while the root of a trace was open.

        A span works while it is open and none of its direct children is. Waits until no span is
        open, up to the time limit.

        Args:
            trace: the trace that is meant; not needed where only one has a root.

        Returns:
            ``window_ns`` and ``work_ns`` in nanoseconds, ``average`` (work by window), ``peak``.

        Raises:
            AssertionError: no span has ended, or several traces have roots.

        Example:
            >>> traces.parallelism().average
            2.4
        """
        __tracebackhide__ = True
        return parallelism(self._tree(understood(read_trace, trace)))

    def assert_sequential(
        self,
        name: Name = None,
        *,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """The spans that fit ran one after another: none began while another one was open.

        Takes the keywords of :meth:`find`. Of spans within each other the outermost count. One
        may begin at the instant at which another ends. One span alone is in sequence.

        Raises:
            AssertionError: two overlap, no span fits, or one that does has not ended.
            ValueError: this view leaves spans of that name out.

        Example:
            >>> traces.assert_sequential("POST /reserve", inside="POST /checkout")
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            wrong = self._unusable(selection, found, forest)
            if wrong is not None:
                return wrong
            timeline, spans = Timeline(forest.spans), outermost(found)
            clash = first_clash(spans, timeline)
            if clash is None:
                return None
            most = busiest(spans, timeline)
            return sequential_message(str(selection), spans, most, clash, timeline)

        self._when_quiet(check, incomplete=_INCOMPLETE)

    def assert_concurrent(
        self,
        *names: Name,
        at_least: int | None = None,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """There was an instant at which spans of all the names were open, one for each.

        With one name, ``at_least`` so many of that name, 2 unless given. Takes the keywords of
        :meth:`find`; they hold for each name. A span that is below another one ran inside it, and
        not at the same time in this sense.

        Where the spans are those of several threads and each computed for less than 20 ms and
        waited for less than 20 ms, the report says that this is a matter of luck: an interpreter
        with a global lock switches between threads every 5 ms (``sys.getswitchinterval``).

        Raises:
            AssertionError: there was no such instant, no span fits one of the names, or one that
                does has not ended.
            ValueError: ``at_least`` is less than 2, or was given with several names.

        Example:
            >>> traces.assert_concurrent("GET /stock", "POST /charge")
            >>> traces.assert_concurrent("GET /price", at_least=3)
        """
        __tracebackhide__ = True
        wishes = [
            understood(
                select, name, kind=kind, status=status, attributes=attributes, service=service,
                scope=scope, source=source, inside=inside,
            )
            for name in understood(_checked, names)
        ]  # fmt: skip
        self._refuse_hidden([*names, inside])
        number = understood(_read_number, at_least, len(names))
        luck: list[str] = []

        def check(forest: Forest) -> Message | None:
            message, luck[:] = self._at_once(wishes, number, forest)
            return message

        self._when_quiet(check, incomplete=_INCOMPLETE)
        self._frame.recording.notes.extend(luck)

    def assert_on_critical_path(
        self,
        name: Name = None,
        *,
        until: Until = "root",
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """A span that fits, or one below it, is on the critical path: the end may have waited.

        Takes the keywords of :meth:`find`. The path is that of the main root of this view: the
        first to start; for another one use ``only("GET /other")``. It is followed from the end of
        the root, or with ``until="last"`` from the span that ends last.

        Where two branches ran at once and the longer one took less than 1.5 times as long as the
        shorter, and which of them was waited for decides, this is too close to call: the test is
        run again, if it is allowed several attempts, and fails when they are used up.

        Of a call to another service name the client span: the server's may end after the caller
        has gone on, and is then beside the path.

        Raises:
            AssertionError: none is, it is too close to call, no span fits, or one that does has
                not ended.
            ValueError: this view leaves spans of that name out, or ``until`` is neither.

        Example:
            >>> traces.assert_on_critical_path("POST /charge")
        """
        __tracebackhide__ = True
        way = understood(read_way, until)
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            wrong = self._unusable(selection, found, forest)
            if wrong is not None:
                return wrong
            path = followed(main_tree(forest), way)
            stands = standing(path, [span for span in found if span in path.waits.begin])
            if stands.rival is not None:
                return self._too_close(selection, found, stands.rival, path)
            return None if stands.holds else off_path_message(str(selection), found, path)

        self._when_quiet(check, incomplete=_NO_PATH_YET)

    def _tree(self, trace: Trace | None) -> Waits:
        """The tree that is meant, when it is quiet."""
        __tracebackhide__ = True
        found: list[Waits] = []

        def check(forest: Forest) -> Message | None:
            tree = only_tree(forest, trace, self._captures())
            found[:] = [] if isinstance(tree, Message) else [tree]
            return tree if isinstance(tree, Message) else None

        self._when_quiet(check)
        return found[0]

    def _unusable(
        self, selection: Selection, spans: Sequence[Span], forest: Forest
    ) -> Message | None:
        """Nothing fits, or something that does has not ended."""
        if not spans:
            message = self._none_fits(selection, forest)
            message.may_come = True
            return message
        still_open = [span for span in spans if span.end_ns is None]
        if not still_open:
            return next((_inverted(span) for span in spans if _is_inverted(span)), None)
        more = f", and {plural(len(still_open) - 1, 'more span')}" if len(still_open) > 1 else ""
        return Message(f"{path_of(still_open[0])} has not ended{more}")

    def _at_once(
        self, wishes: Sequence[Selection], number: int | None, forest: Forest
    ) -> tuple[Message | None, list[str]]:
        """The failure, if they did not run at once; and what is to be noted if they did."""
        found = [selection.of(forest) for selection in wishes]
        for selection, spans in zip(wishes, found, strict=True):
            wrong = self._unusable(selection, spans, forest)
            if wrong is not None:
                return wrong, []
        timeline, labels = Timeline(forest.spans), [str(one) for one in wishes]
        if number is None:
            most, needed = together(found, timeline), len(found)
        else:
            found = [outermost(found[0])]
            most, needed = busiest(found[0], timeline), number
        if len(most.spans) >= needed:
            note = f"assert_concurrent({', '.join(labels)}): {LUCK}"
            return None, [note] if is_luck(most.spans) else []
        luck = is_luck([span for spans in found for span in spans])
        wanted = Wanted(labels, number, found)
        return concurrent_message(wanted, most, timeline, luck=luck), []

    def _too_close(
        self, selection: Selection, spans: Sequence[Span], rival: Rival, path: Followed
    ) -> Message:
        """No verdict in this attempt; another one is asked for if there is one left."""
        attempt = self._frame.recording.attempt
        message = too_close_message(str(selection), spans, rival, path)
        if attempt.allowed > 1:
            message.facts.append(f"  attempt {attempt.number} of {attempt.allowed}")
        elif attempt.can_repeat:
            message.hint = "@pytest.mark.traces(attempts=5) runs the test again until it is clear"
        if attempt.can_repeat and attempt.number < attempt.allowed:
            attempt.doubted = message.verdict
        return message


def _is_inverted(span: Span) -> bool:
    """Whether it ended before it started, and no other clock tells when it did."""
    return (span.duration_ns or 0) < 0 and span.data.stamps is None


def _inverted(span: Span) -> Message:
    why = "so nothing can be said of when it ran"
    return Message(f"{path_of(span)} ended before it started, {why}")


def _checked(names: Sequence[Name]) -> Sequence[Name]:
    if not names:
        raise TypeError("assert_concurrent: name the spans, or one of which several ran at once")
    return names


def _read_number(at_least: object, names: int) -> int | None:
    """How many spans of the only name; None where there are several names.

    Raises:
        BadValue: fewer than 2, or several names.
    """
    if names > 1:
        if at_least is not None:
            raise BadValue("at_least", at_least, "with several names each is wanted once")
        return None
    if at_least is None:
        return 2
    if not isinstance(at_least, int) or isinstance(at_least, bool) or at_least < 2:
        raise BadValue("at_least", at_least, "it takes at least 2 to run at the same time")
    return at_least
