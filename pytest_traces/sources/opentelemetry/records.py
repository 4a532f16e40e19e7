"""Journal entries of OpenTelemetry spans: a live span while open, a flat tuple once ended.

After the end no mutator does anything, so nothing public is lost by the copy; and the
garbage collector stops tracking a tuple of atoms, where 100,000 live spans cost several
times as much as making them.
"""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_traces.model import KINDS, STATUSES, Event, Kind, Link, SpanData, Status

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

SOURCE = "opentelemetry"
_SAMPLED = 1  # W3C Trace Context level 2, 3.2.2.5: flags are bits, others may be set beside it


class Records:
    """Packs ended spans and reads entries back."""

    def __init__(self) -> None:
        self._shared: list[Any] = []  # resources: one for many spans, kept out of the tuples
        self._numbers: dict[int, int] = {}

    def live(self, span: ReadableSpan, thread: str) -> tuple[Any, ...]:
        """The entry of a span that is still open."""
        return (SOURCE, None, span, thread)

    def pack(self, span: ReadableSpan, thread: str) -> tuple[Any, ...]:
        """The entry of a span that has ended: atoms, and tuples of atoms."""
        context, parent, status = span.get_span_context(), span.parent, span.status
        scope = span.instrumentation_scope
        return (
            SOURCE,
            span.end_time,
            span.name,
            context.trace_id if context else 0,
            context.span_id if context else 0,
            int(context.trace_flags) if context else 0,
            parent.span_id if parent else 0,
            parent.is_remote if parent else False,
            span.start_time,
            span.kind.name,
            status.status_code.name,
            status.description,
            _flat(getattr(span, "_attributes", None) or span.attributes),
            tuple((e.name, e.timestamp, *_flat(e.attributes)) for e in span.events),
            tuple(
                (link.context.trace_id, link.context.span_id, *_flat(link.attributes))
                for link in span.links
            ),
            self._number(span.resource),
            scope.name if scope else None,
            thread,
        )

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """The SpanData of an entry, whichever of the two it is."""
        if entry[1] is None:
            entry = self.pack(entry[2], entry[3])
        (_, end, name, trace_id, span_id, flags, parent_id, remote, start, kind, status,
         description, attributes, events, links, resource, scope, thread) = entry  # fmt: skip
        of_process = self._shared[resource][1]
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
            events=tuple(Event(e[0], e[1], _mapping(e[2:])) for e in events),
            links=tuple(Link(f"{k[0]:032x}", f"{k[1]:016x}", _mapping(k[2:])) for k in links),
            service=of_process.get("service.name"),
            resource=of_process,
            scope=scope or None,
            source=SOURCE,
            sampled=bool(flags & _SAMPLED),
            remote_parent=remote,
            thread=thread,
        )

    def _number(self, resource: Any) -> int:
        number = self._numbers.get(id(resource))
        if number is None:
            number = self._numbers[id(resource)] = len(self._shared)
            # The resource is kept beside its attributes so that its id stays its own.
            self._shared.append((resource, MappingProxyType(dict(resource.attributes))))
        return number


_KINDS: dict[str, Kind] = {kind.upper(): kind for kind in KINDS}
_STATUSES: dict[str, Status] = {status.upper(): status for status in STATUSES}


def _flat(attributes: Any) -> tuple[Any, ...]:
    """Keys and values in turn. BoundedAttributes keeps a plain dict, which is far quicker to read."""
    if not attributes:
        return ()
    return tuple(chain.from_iterable(getattr(attributes, "_dict", attributes).items()))


def _mapping(flat: tuple[Any, ...]) -> MappingProxyType[str, object]:
    return MappingProxyType(dict(zip(flat[::2], flat[1::2], strict=True)))


records = Records()
