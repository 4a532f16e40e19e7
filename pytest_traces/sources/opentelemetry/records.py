"""Journal entries of OpenTelemetry spans: a live span while open, a flat tuple once ended.

After the end no mutator does anything, so nothing public is lost by the copy; and the
garbage collector stops tracking a tuple of atoms, where 100,000 live spans cost several
times as much as making them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_traces.model import (
    KINDS,
    NO_ATTRIBUTES,
    STATUSES,
    Event,
    Kind,
    Link,
    SpanData,
    Stamps,
    Status,
)
from pytest_traces.sources.opentelemetry.samplers import decider, describe
from pytest_traces.sources.work import work

SOURCE = "opentelemetry"
_ROW = 14  # the length of a row without the values of attributes
_LIVE = 4  # the length of a live entry
_EXCLUDED = 10_000
_SAMPLED = 1  # W3C Trace Context level 2, 3.2.2.5: flags are bits, others may be set beside it

_Shape = tuple[Any, ...]
#: What was read at the end of a span: ticks, the CPU time of the thread, the thread.
End = tuple[int, int, int]


class Beginning(NamedTuple):
    """What was read at the start of a span; ``ticks`` are 0 where its time is not the clock's."""

    thread: threading.Thread
    ticks: int
    cpu: int


_NONE: Mapping[str, Any] = {}
_NO_END = (0, 0, 0)
_NO_PARENT = (0, False, 0)


class Records:
    """Packs spans and reads entries back.

    A live entry is ``(source, None, span, beginning)``; a packed one begins with the source and
    the time of the end, and has atoms only, and tuples of atoms.
    """

    def __init__(self) -> None:
        # The attributes of resources: one for many spans, kept out of the tuples.
        self._shared: list[Mapping[str, Any]] = []
        self._same: dict[Any, int] = {}
        # Resources by their id, each kept so that its id stays its own.
        self._numbers: dict[int, tuple[int, Any]] = {}
        # What samplers call themselves, by their ids, each kept for the same reason.
        self._samplers: dict[int, tuple[str | None, Any]] = {}
        self._excluded: dict[tuple[int, int], None] = {}
        # What many spans have in common, so that a row need not hold it.
        self._shapes: dict[_Shape, _Shape] = {}

    def exclude(self, context: Any) -> None:
        """Take this span for nobody's parent."""
        self._excluded[context.trace_id, context.span_id] = None
        if len(self._excluded) > _EXCLUDED:
            del self._excluded[next(iter(self._excluded))]

    def forget(self) -> None:
        """Let go of what belongs to providers; what is packed can still be decoded."""
        self._numbers.clear()
        self._samplers.clear()
        self._shapes.clear()

    def pack(self, span: Any, begin: Beginning, ended: End | None = None) -> tuple[Any, ...]:
        """The packed entry of a span; the end is None while it is open.

        Nothing in it is a container that the collector of garbage has to visit.
        """
        # Past a dozen properties, which would cost more than all the rest. The attributes
        # keep a plain dict; a version that keeps things elsewhere is read as documented.
        try:
            end, context, parent = span._end_time, span._context, span._parent
            scope, attributes = span._instrumentation_scope._name, span._attributes._dict
            kind, status = span._kind._name_, span._status
            code, description = status._status_code._name_, status._description
            events, links = span._events._dq, span._links._dq
            trace_id, span_id, flags = context[0], context[1], context[3] & _SAMPLED
            parent_id, remote, above = (
                (parent[1], parent[2], parent[3] & _SAMPLED) if parent else _NO_PARENT
            )
            name, start, resource = span._name, span._start_time, span._resource
            sampler = span._sampler
        except (AttributeError, LookupError, TypeError):
            (end, trace_id, span_id, flags, parent_id, remote, above, scope, attributes, kind,
             code, description, events, links, name, start, resource,
             sampler) = _read_slowly(span)  # fmt: skip
        if end is None:  # it may change, even now: other threads wait for nobody
            attributes = dict(attributes)
        try:
            number, decided = self._numbers[id(resource)][0], self._samplers[id(sampler)][0]
        except KeyError:
            number, decided = self._number(resource), self._name(sampler)
        return (
            SOURCE, end, name, trace_id, span_id, flags, parent_id, remote, start, kind, code,
            description, attributes or _NONE,
            tuple((e.name, e.timestamp, _plain(e.attributes)) for e in tuple(events)),
            tuple((*link.context[:2], _plain(link.attributes)) for link in tuple(links)),
            number, scope, begin.thread.name, above, decided,
            _stamps(span, begin, ended, is_open=end is None),
        )  # fmt: skip

    def row(self, span: Any, number: int, begin: Beginning, end: End | None) -> tuple[Any, ...]:
        """An ended span in as few atoms as can be, for :meth:`entries` to read.

        Raises:
            AttributeError, LookupError, TypeError: this span does not fit into a row.
        """
        # Past a dozen properties, which would cost more than all the rest.
        if span._events._dq or span._links._dq:
            raise LookupError
        context, parent, status = span._context, span._parent, span._status
        attributes, resource, sampler = span._attributes._dict, span._resource, span._sampler
        if parent:
            parent_id, remote, above = parent[1], parent[2], parent[3] & _SAMPLED
        else:
            parent_id, remote, above = _NO_PARENT
        try:
            resource_number = self._numbers[id(resource)][0]
            decided = self._samplers[id(sampler)][0]
        except KeyError:
            resource_number, decided = self._number(resource), self._name(sampler)
        thread, ticks, cpu = begin
        last_ticks, last_cpu, last_thread = end or _NO_END
        ident = thread.ident
        shape = (
            context[3] & _SAMPLED, remote, span._kind._name_, status._status_code._name_,
            status._description, resource_number, span._instrumentation_scope._name,
            thread.name, ident, above, decided, *attributes,
        )  # fmt: skip
        shape = self._shapes.setdefault(shape, shape)
        return (
            number, span._end_time, span._name, context[0], context[1], parent_id,
            span._start_time, shape, ticks, last_ticks, cpu, last_cpu,
            ident if last_thread == ident else last_thread,  # one number less to keep
            work.of(span), *attributes.values(),
        )  # fmt: skip

    def entries(self, rows: tuple[Any, ...]) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The packed entries of rows that stand one after the other, with their numbers."""
        first = 0
        while first < len(rows):
            last = first + _ROW
            (number, end, name, trace_id, span_id, parent_id, start, shape, ticks, last_ticks, cpu,
             last_cpu, last_thread, events) = rows[first:last]  # fmt: skip
            (flags, remote, kind, code, description, resource, scope, thread, ident, above,
             decided, *keys) = shape  # fmt: skip
            first = last + len(keys)
            attributes = dict(zip(keys, rows[last:first], strict=True)) if keys else _NONE
            yield number, (
                SOURCE, end, name, trace_id, span_id, flags, parent_id, remote, start, kind, code,
                description, attributes, (), (), resource, scope, thread, above, decided,
                (ticks, last_ticks, cpu, last_cpu, ident, last_thread, events)
                if ticks and last_ticks else None,
            )  # fmt: skip

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """The SpanData of an entry, whichever of the two it is."""
        if len(entry) == _LIVE:
            entry = self.pack(*entry[2:])
        (_, end, name, trace_id, span_id, sampled, parent_id, remote, start, kind, status,
         description, attributes, events, links, resource, scope, thread, above, decided,
         stamps) = entry  # fmt: skip
        of_process = self._shared[resource]
        parent = (remote, bool(above)) if parent_id else None
        if (trace_id, parent_id) in self._excluded:
            parent_id, remote = 0, False
        return SpanData(
            name=name,
            trace_id=f"{trace_id:032x}",
            span_id=f"{span_id:016x}",
            parent_id=f"{parent_id:016x}" if parent_id else None,
            start_ns=start or 0,
            end_ns=end,
            kind=_KINDS[kind],
            status=_STATUSES[status],
            status_description=description,
            attributes=_mapping(attributes),
            events=tuple(Event(e[0], e[1], _mapping(e[2])) for e in events),
            links=tuple(Link(f"{k[0]:032x}", f"{k[1]:016x}", _mapping(k[2])) for k in links),
            service=of_process.get("service.name"),
            resource=of_process,
            scope=scope or None,
            source=SOURCE,
            sampled=bool(sampled),
            remote_parent=remote,
            thread=thread,
            stamps=Stamps(*stamps) if stamps else None,
            sampler=None if decided is None else decider(decided, parent),
        )

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id of a packed entry, as one number."""
        return int(entry[3] << 64 | entry[4])

    def key(self, entry: tuple[Any, ...]) -> tuple[int, int]:
        """Trace id and span id of any entry."""
        if len(entry) != _LIVE:
            return entry[3], entry[4]
        context = entry[2].get_span_context()
        return context.trace_id, context.span_id

    def _number(self, resource: Any) -> int:
        number = self._share(dict(resource.attributes))
        self._numbers[id(resource)] = number, resource
        return number

    def _name(self, sampler: Any) -> str | None:
        named = None if sampler is None else describe(sampler)
        self._samplers[id(sampler)] = named, sampler
        return named

    def _share(self, attributes: dict[str, Any]) -> int:
        """The number of these attributes; one for all resources that have the same."""
        try:
            same = frozenset(attributes.items())
            number = self._same.setdefault(same, len(self._shared))
        except TypeError:  # a value that cannot be hashed
            number = len(self._shared)
        if number == len(self._shared):
            self._shared.append(MappingProxyType(attributes))
        return number


_KINDS: dict[str, Kind] = {kind.upper(): kind for kind in KINDS}
_STATUSES: dict[str, Status] = {status.upper(): status for status in STATUSES}


def _stamps(
    span: Any, begin: Beginning, ended: End | None, *, is_open: bool
) -> tuple[int | None, ...] | None:
    """What :class:`Stamps` is made of; None where a time of the span is not the clock's."""
    if is_open and begin.ticks:
        return begin.ticks, None, begin.cpu, None, begin.thread.ident, None, None
    if ended is None or not (begin.ticks and ended[0]):
        return None
    return begin.ticks, ended[0], begin.cpu, ended[1], begin.thread.ident, ended[2], work.of(span)


def _read_slowly(span: Any) -> tuple[Any, ...]:
    """What ``pack`` reads, by the documented names."""
    context, parent, scope = span.get_span_context(), span.parent, span.instrumentation_scope
    return (
        span.end_time,
        context.trace_id,
        context.span_id,
        context.trace_flags & _SAMPLED,
        parent.span_id if parent else 0,
        parent.is_remote if parent else False,
        parent.trace_flags & _SAMPLED if parent else 0,
        scope.name if scope else None,
        dict(span.attributes or _NONE),
        span.kind.name,
        span.status.status_code.name,
        span.status.description,
        span.events,
        span.links,
        span.name,
        span.start_time,
        span.resource,
        getattr(span, "_sampler", None),
    )


def _plain(attributes: Any) -> Mapping[str, Any]:
    return dict(attributes) if attributes else _NONE


def _mapping(attributes: Mapping[str, Any]) -> Mapping[str, object]:
    return MappingProxyType(attributes) if attributes else NO_ATTRIBUTES


def is_record(entry: Any) -> bool:
    """Whether this entry of the journal is one of this source."""
    return not isinstance(entry, SpanData) and entry[0] == SOURCE
