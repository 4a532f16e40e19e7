"""Journal entries of OpenTelemetry spans: a live span while open, a flat tuple once ended.

After the end no mutator does anything, so nothing public is lost by the copy; and the
garbage collector stops tracking a tuple of atoms, where 100,000 live spans cost several
times as much as making them.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from pytest_traces.model import KINDS, NO_ATTRIBUTES, STATUSES, Event, Kind, Link, SpanData, Status

SOURCE = "opentelemetry"
_LIVE = 4  # the length of a live entry
_EXCLUDED = 10_000
_SAMPLED = 1  # W3C Trace Context level 2, 3.2.2.5: flags are bits, others may be set beside it

_FIELDS = (
    "end_time", "name", "context", "parent", "start_time", "kind", "status", "resource",
    "instrumentation_scope", "attributes", "events", "links",
)  # fmt: skip
# The same, past a dozen properties that cost more than all the rest.
_read_private = attrgetter(*(f"_{name}" for name in _FIELDS))
_read_public = attrgetter(*_FIELDS)


class Records:
    """Packs spans and reads entries back.

    A live entry is ``(source, None, span, thread)``; a packed one begins with the source and
    the time of the end, and has atoms only, and tuples of atoms.
    """

    def __init__(self) -> None:
        # The attributes of resources: one for many spans, kept out of the tuples.
        self._shared: list[Mapping[str, Any]] = []
        self._same: dict[Any, int] = {}
        # Resources by their id, each kept so that its id stays its own.
        self._numbers: dict[int, tuple[int, Any]] = {}
        self._keys: dict[tuple[str, ...], tuple[str, ...]] = {}  # most spans of a kind share them
        self._excluded: dict[tuple[int, int], None] = {}

    def exclude(self, context: Any) -> None:
        """Take this span for nobody's parent."""
        self._excluded[context.trace_id, context.span_id] = None
        if len(self._excluded) > _EXCLUDED:
            del self._excluded[next(iter(self._excluded))]

    def forget(self) -> None:
        """Let go of what belongs to providers; what is packed can still be decoded."""
        self._numbers.clear()
        self._keys.clear()

    def pack(self, entry: tuple[Any, ...]) -> tuple[Any, ...]:
        """The packed entry of a live one; the end is None while the span is open."""
        span, thread = entry[2], entry[3]
        try:
            read = _read_private(span)
        except AttributeError:
            read = _read_public(span)
        end, name, context, parent, start, kind, status, resource, scope, *below = read
        attributes, events, links = below
        if end is None:  # it may change between two looks at it
            attributes = dict(getattr(attributes, "_dict", attributes) or {})
        keys, values = _split(attributes)
        return (
            SOURCE,
            end,
            name,
            context.trace_id if context else 0,
            context.span_id if context else 0,
            bool(context.trace_flags & _SAMPLED) if context else True,
            parent.span_id if parent else 0,
            parent.is_remote if parent else False,
            start,
            kind._name_,
            status.status_code._name_,
            status.description,
            self._keys.setdefault(keys, keys),
            values,
            tuple((e.name, e.timestamp, *_split(e.attributes)) for e in events) if events else (),
            tuple(
                (link.context.trace_id, link.context.span_id, *_split(link.attributes))
                for link in links
            )
            if links
            else (),
            self._number(resource),
            scope.name if scope else None,
            thread.name,
        )

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """The SpanData of an entry, whichever of the two it is."""
        if len(entry) == _LIVE:
            entry = self.pack(entry)
        (_, end, name, trace_id, span_id, sampled, parent_id, remote, start, kind, status,
         description, keys, values, events, links, resource, scope, thread) = entry  # fmt: skip
        of_process = self._shared[resource]
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
            attributes=_mapping(keys, values),
            events=tuple(Event(e[0], e[1], _mapping(e[2], e[3])) for e in events),
            links=tuple(Link(f"{k[0]:032x}", f"{k[1]:016x}", _mapping(k[2], k[3])) for k in links),
            service=of_process.get("service.name"),
            resource=of_process,
            scope=scope or None,
            source=SOURCE,
            sampled=sampled,
            remote_parent=remote,
            thread=thread,
        )

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id of a packed entry, as one number."""
        return int(entry[3] << 64 | entry[4])

    def _number(self, resource: Any) -> int:
        known = self._numbers.get(id(resource))
        if known is None:
            known = self._numbers[id(resource)] = self._share(dict(resource.attributes)), resource
        return known[0]

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


def _split(attributes: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Keys and values. BoundedAttributes keeps a plain dict, which is far quicker to read."""
    plain = getattr(attributes, "_dict", attributes)
    return (tuple(plain), tuple(plain.values())) if plain else ((), ())


def _mapping(keys: tuple[str, ...], values: tuple[Any, ...]) -> Mapping[str, object]:
    return MappingProxyType(dict(zip(keys, values, strict=True))) if keys else NO_ATTRIBUTES


records = Records()
