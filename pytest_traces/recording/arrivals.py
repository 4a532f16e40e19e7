"""Spans of other processes: they arrive after they have ended, and by more than one way."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_traces.model import ErrorData, Event, SpanData
from pytest_traces.recording.journaling import Arrival, Entry, Mark, SpanKey, arrival_of

Numbered = tuple[int, SpanData]

#: The event of a span that an error without an exception becomes, and its text; its level.
MESSAGE = "error.message"
LEVEL = "error.level"


class Border(NamedTuple):
    """Where a recording begins: its first number, and when which number was given, in order.

    ``takes_strays``: spans that were sent to nobody in particular belong to it by their time.
    ``test_first``: the same number of the test that it is of.
    ``is_of_earlier``: whether an earlier test has begun that trace.
    """

    first: int
    marks: Sequence[Mark]
    takes_strays: bool
    test_first: int = 0
    is_of_earlier: Callable[[str], bool] = lambda _: False

    def mark_before(self, time_ns: int) -> int:
        """The number that was given last by then, 0 before the first one."""
        place = bisect_right(self.marks, time_ns, key=lambda mark: mark.time_ns)
        return self.marks[place - 1].number if place else 0


def placed(spans: list[Numbered], entries: Mapping[int, Entry], border: Border) -> list[Numbered]:
    """Those spans of other processes that belong here, with numbers as if they had begun here.

    Args:
        spans: of one recording, each with its number in the journal.
        entries: what they were read from.
        border: where the recording begins.
    """
    arrived = {n: found for n, _ in spans if (found := arrival_of(entries.get(n))) is not None}
    return list(_place(spans, arrived, border)) if arrived else spans


def told(spans: list[Numbered], errors: Iterable[ErrorData]) -> list[Numbered]:
    """The spans with what was reported of them elsewhere."""
    by_key: dict[SpanKey, list[ErrorData]] = {}
    for error in errors:
        if error.key is not None:
            by_key.setdefault(error.key, []).append(error)
    if not by_key:
        return spans
    keys = ((span.trace_id, span.span_id) for _, span in spans)
    return [
        (number, with_errors(span, by_key.get(key, ())))
        for (number, span), key in zip(spans, keys, strict=True)
    ]


def _place(
    spans: Sequence[Numbered], arrived: Mapping[int, Arrival], border: Border
) -> Iterator[Numbered]:
    """A span belongs to the window that knows its trace, otherwise to that of its start time.

    It did not start after it has arrived, nor before the recording that it was sent to, whatever
    the clock of its process says; then it is where it has arrived. What was not sent to
    one recording, and started before this one in a trace that it does not know, is left out, with
    all that is below it.
    """
    known: dict[str, int] = {}
    for number, span in spans:
        if number not in arrived:
            known.setdefault(span.trace_id, number)
    strays = [
        span
        for number, span in spans
        if number in arrived and not arrived[number].owner and span.trace_id not in known
    ]
    others = _of_others(strays, border)
    for number, span in spans:
        arrival = arrived.get(number)
        if arrival is None:
            yield number, span
            continue
        if not arrival.owner and (span.trace_id, span.span_id) in others:
            continue
        began = max(border.mark_before(span.start_ns), known.get(span.trace_id, 0))
        is_meant = border.takes_strays or span.trace_id in known or arrival.owner
        if began >= border.first and is_meant:
            yield min(began, number), span
        elif arrival.owner == border.first:  # whoever knows its address has begun since
            yield number, span


def _of_others(strays: Iterable[SpanData], border: Border) -> set[SpanKey]:
    """Those of an earlier test's trace, those that began before this test, and all below these."""
    below: dict[SpanKey, list[SpanKey]] = defaultdict(list)
    found: list[SpanKey] = []
    for span in strays:
        key = span.trace_id, span.span_id
        began = border.mark_before(span.start_ns)
        if began < border.test_first or border.is_of_earlier(span.trace_id):
            found.append(key)
        elif span.parent_id is not None:
            below[span.trace_id, span.parent_id].append(key)
    others: set[SpanKey] = set()
    while found:
        key = found.pop()
        others.add(key)
        found += below.pop(key, ())
    return others


def with_errors(span: SpanData, errors: Collection[ErrorData]) -> SpanData:
    """The span with what was reported of it elsewhere as events, each exception once.

    An exception becomes an event as OpenTelemetry has it, unless the span has recorded it
    itself; that one is told what its class is derived from. A message becomes one called
    :data:`MESSAGE`.
    """
    if not errors:
        return span
    events = list(span.events)
    told = [
        (event.attributes.get("exception.type"), event.attributes.get("exception.message"))
        for event in events
    ]
    for one in errors:
        attributes: dict[str, object]
        if one.type is None:
            attributes = {MESSAGE: one.message or "", LEVEL: one.level}
            told.append((None, None))
            events.append(Event(MESSAGE, one.time_ns, attributes))
            continue
        same = [n for n, (kind, message) in enumerate(told) if is_told(one, kind, message)]
        for place in same:
            events[place] = events[place]._replace(types=types_of(one) or events[place].types)
        if same:
            continue
        told.append((one.type, one.message))
        attributes = {"exception.type": one.type}
        if one.message is not None:
            attributes["exception.message"] = one.message
        events.append(Event("exception", one.time_ns, attributes, types_of(one)))
    return span._replace(events=tuple(events))


def types_of(error: ErrorData) -> tuple[str, ...]:
    """The names of the class that it tells of, and of what that is derived from, if known."""
    types = error.thrown[0].types if error.thrown else ()
    return types if types and is_same_class(types[0], error.type) else ()


def is_told(error: ErrorData, kind: object, message: object) -> bool:
    """Whether an exception event of this type and message is what was reported.

    Whoever recorded the event has its wording from ``str()`` of the exception.
    """
    texts = [error.message or None]
    if error.wording is not None:
        texts.append(error.wording or None)
    return (message or None) in texts and is_same_class(kind, error.type)


def is_same_class(one: object, other: object) -> bool:
    """Whether both name one class; one of them may leave the module out."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one is None and other is None
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
