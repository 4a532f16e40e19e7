"""Which spans an exception went through that Sentry reported of another one.

Sentry tells of an exception once, in the span in which somebody captured it. All that it leaves
in the spans that it went through, below that one and above, is the status ``internal_error``.
Such a status is explained by the report where nothing else can be meant:

* below, it is of the child that failed last before the report, and of the children of that one
  in turn; above, of each parent, as long as the exception was not caught in between, which a
  span without that status shows;
* nothing began in the meantime where the exception went: it ends one thing after the other, and
  only an answer that says so may be sent;
* where it is known which exception left a span, it is the one that was reported, or, below, one
  that this came of;
* the status is the one that an exception leaves, and not, say, one of an answer of HTTP. That of
  a server that answered 500 is explained by what came up to it, and by nothing else.

Where the report names a span of another source, it is told in that one, and explains the span of
Sentry that was current meanwhile as well, with the ways from there.

One report explains one way. Whatever is in doubt remains an error by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pytest_traces.forest import Forest, Span
from pytest_traces.model import ErrorData, Thrown
from pytest_traces.settings import RECEIVED

SpanKey = tuple[str, str]
_Failed = tuple[int, int, Span]  # its end, its order, itself
#: Stacks of them: of all, of those that nobody knows what has left them, and by what that was.
_Stacks = dict["Thrown | str | None", list[_Failed]]
_ALL = "all"
#: The spans, by trace id and span id, with the report of the exception that went through each.
Passed = Mapping[SpanKey, ErrorData]

NONE_PASSED: Passed = MappingProxyType({})

#: The statuses of Sentry that say nothing but that there was an exception.
_STATUSES = (None, "internal_error", "unknown_error", "unknown")
_HTTP = ("http.response.status_code", "http.status_code")
_FAILED = 400
_ANSWER = "500"


def passed_through(forest: Forest, reports: Iterable[ErrorData], own: set[int]) -> Passed:
    """The spans that an exception went through without an event of their own.

    Args:
        forest: all that was recorded.
        reports: of exceptions, of the levels that are errors.
        own: the ids of those spans that have an exception event.
    """
    by_trace: dict[str, list[ErrorData]] = defaultdict(list)
    for report in reports:
        if report.type is not None:
            for trace_id in {key[0] for key in (report.key, report.beside) if key is not None}:
                by_trace[trace_id].append(report)
    found: dict[SpanKey, ErrorData] = {}
    for trace in forest.traces if by_trace else ():
        if trace.trace_id in by_trace:
            told = by_trace[trace.trace_id]
            found.update(_Ways(trace.spans, told, own).found)
    return found


class _Ways:
    """The ways of the exceptions of one trace, by one clock."""

    def __init__(self, spans: Iterable[Span], reports: list[ErrorData], own: set[int]) -> None:
        self.found: dict[SpanKey, ErrorData] = {}
        self._own = own
        spans = [span for span in spans if span.source != RECEIVED]  # their clocks are others
        # What freezes or moves time does not reach the clocks that were read beside it.
        self._ticks = all(span.data.stamps is not None for span in spans) and all(
            report.ticks_ns is not None for report in reports
        )
        self._starts: dict[str | None, list[int]] = defaultdict(list)
        by_id: dict[str, Span] = {}
        threads = {report.thread for report in reports} | {span.data.thread for span in spans}
        for span in spans:
            by_id.setdefault(span.span_id, span)
            if _is_answering(span):
                continue
            # Where nobody knows the thread it may be any.
            here = threads if span.data.thread is None else {span.data.thread, None}
            for thread in here:
                self._starts[thread].append(self._start(span))
        for starts in self._starts.values():
            starts.sort()
        self._failed: dict[int, tuple[list[_Failed], _Stacks]] = {}
        for report in sorted(reports, key=self._time):
            self._go_from(by_id, report)

    def _go_from(self, by_id: Mapping[str, Span], report: ErrorData) -> None:
        """From the span that the report names, and from Sentry's own beside it."""
        for key in (report.key, report.beside):
            span = by_id.get(key[1]) if key is not None else None
            if span is None or key != _key(span):
                continue
            self._go_down(span, report)
            self._go_up(span, report)
            if key == report.beside and self._is_on_way(span, report):
                self.found[_key(span)] = report

    def _go_down(self, span: Span, report: ErrorData) -> None:
        """From where it was captured to where it came from."""
        limit, thread = self._time(report), report.thread
        while True:
            failed = self._failed_until(limit, span, report)
            if failed is None or self._has_begun(failed[0], limit, thread):
                return
            limit, _, span = failed
            thread = span.data.thread
            self.found[_key(span)] = report

    def _go_up(self, span: Span, report: ErrorData) -> None:
        """From where it was captured, and raised again, to where it was caught."""
        ended, time = self._end(span), self._time(report)
        if not (_is_of_exception(span) and is_of(report, span)) or ended is None:
            return
        if not self._start(span) <= time <= ended or _http_status(span) is not None:
            return
        while True:
            parent = span.parent
            if parent is None or span.remote_parent or not self._is_on_way(parent, report):
                return
            until, status = self._end(parent), _http_status(parent)
            is_answer = status == _ANSWER and parent.kind == "server"
            if until is None or until < ended or (status is not None and not is_answer):
                return
            if self._has_begun(ended, until, parent.data.thread):
                return
            self.found[_key(parent)] = report
            if is_answer:
                return
            span, ended = parent, until

    def _failed_until(self, limit: int, span: Span, report: ErrorData) -> _Failed | None:
        """The last child that nothing explains and that this may have left; limits only grow."""
        if id(span) not in self._failed:
            every = sorted(
                (end, child.order, child)
                for child in span.children
                if (end := self._end(child)) is not None
                and not child.remote_parent
                and self._is_unexplained(child)
                and _http_status(child) is None
            )
            self._failed[id(span)] = every[::-1], defaultdict(list)
        later, stacks = self._failed[id(span)]
        while later and later[-1][0] <= limit:
            one = later.pop()
            stacks[_ALL].append(one)
            stacks[one[2].data.left_by].append(one)
        last: _Failed | None = None
        for stack in (stacks[of] for of in ((None, *report.thrown) if report.thrown else (_ALL,))):
            while stack and _key(stack[-1][2]) in self.found:
                stack.pop()
            if stack and (last is None or stack[-1][:2] > last[:2]):
                last = stack[-1]
        return last

    def _is_on_way(self, span: Span, report: ErrorData) -> bool:
        return self._is_unexplained(span) and is_of(report, span)

    def _is_unexplained(self, span: Span) -> bool:
        if not _is_of_exception(span) or span.source == RECEIVED:
            return False
        return id(span) not in self._own and _key(span) not in self.found

    def _has_begun(self, since: int, until: int, thread: str | None) -> bool:
        """Whether a span began meanwhile in this thread; in any, where nobody knows the thread."""
        starts = self._starts.get(thread, [])
        return bisect_left(starts, since) < bisect_left(starts, until)

    def _time(self, report: ErrorData) -> int:
        return (report.ticks_ns or 0) if self._ticks else report.time_ns

    def _start(self, span: Span) -> int:
        stamps = span.data.stamps if self._ticks else None
        return span.start_ns if stamps is None else stamps.start_ns

    def _end(self, span: Span) -> int | None:
        stamps = span.data.stamps if self._ticks else None
        return span.end_ns if stamps is None else stamps.end_ns


def is_of(report: ErrorData, span: Span) -> bool:
    """Whether the exception that was reported may be the one that has left the span."""
    left_by = span.data.left_by
    return left_by is None or not report.thrown or left_by == report.thrown[0]


def _key(span: Span) -> SpanKey:
    return span.trace_id, span.span_id


def _is_of_exception(span: Span) -> bool:
    """Whether Sentry recorded it, too, with the status that an exception leaves."""
    attributes = span.attributes
    is_of_sentry = span.source == "sentry" or "sentry.origin" in attributes
    return (
        span.status == "error"
        and is_of_sentry
        and span.status_description in _STATUSES
        and attributes.get("sentry.status") in _STATUSES
    )


def _is_answering(span: Span) -> bool:
    """Whether it only hands an answer on: what ASGI's layers do while an exception comes up."""
    op = str(span.attributes.get("sentry.op", ""))
    return op.startswith("middleware.") and op.endswith((".send", ".receive"))


def _http_status(span: Span) -> str | None:
    """The status of an answer of HTTP that is an error, in digits."""
    for name in _HTTP:
        value = str(span.attributes.get(name, ""))
        if value.isdecimal() and int(value) >= _FAILED:
            return value
    return None
