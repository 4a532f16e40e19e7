"""Reports of Zipkin's that belong together: of one trace by two of its ids, of one span in parts.

A span may be reported in parts, which are merged (zipkin2-api.yaml), here where they agree on what
both of them say: the kind, and the endpoint without its port. A part is what has no timestamp: what
has one of its own may have happened again. A process that knows of 64 bits only passes on the lower
half of a trace id (openzipkin/b3-propagation, "TraceId"), and Zipkin takes the longer one for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pytest_traces.encoding.ids import SPAN_DIGITS, TRACE_DIGITS
from pytest_traces.model import Kind, SpanData

#: Of a service, and of an address in either version; None where nothing is said.
Place = tuple[str | None, ...]

_NOWHERE: Place = (None, None, None)
_UNSAID: Kind = "internal"
_SHORT = "0" * (TRACE_DIGITS - SPAN_DIGITS)
#: Which span a part without a kind is of; as in Zipkin, of the client unless it says otherwise.
_KINDS: Sequence[Kind] = (_UNSAID, "client", "producer", "server", "consumer")
_SHARED_KINDS: Sequence[Kind] = ("server", "consumer", _UNSAID)


class Told(NamedTuple):
    """A span as it was told: perhaps without its start, perhaps a part of it."""

    span: SpanData
    start_ns: int | None
    length_ns: int | None
    place: Place = _NOWHERE
    is_shared: bool = False


def with_whole_ids(told: Sequence[Told]) -> list[Told]:
    """The reports; half of a trace id is made whole where only one has that half."""
    longer: dict[str, set[str]] = {}
    for trace_id in {one.span.trace_id for one in told}:
        if not trace_id.startswith(_SHORT):
            longer.setdefault(_SHORT + trace_id[SPAN_DIGITS:], set()).add(trace_id)
    whole = {half: min(ids) for half, ids in longer.items() if len(ids) == 1}
    return [
        one._replace(span=one.span._replace(trace_id=whole[one.span.trace_id]))
        if one.span.trace_id in whole
        else one
        for one in told
    ]


def joined(told: Sequence[Told]) -> list[Told]:
    """One report for each span, in the order in which they were told first."""
    by_id: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(told):
        by_id.setdefault((one.span.trace_id, one.span.span_id), []).append(number)
    found: dict[int, Told] = {}
    for numbers in by_id.values():
        if len(numbers) > 1 and any(told[number].start_ns is None for number in numbers):
            found.update(_joined_of_id(told, numbers))
        else:
            found.update((number, told[number]) for number in numbers)
    return [found[number] for number in sorted(found)]


def _joined_of_id(told: Sequence[Told], numbers: Iterable[int]) -> Iterator[tuple[int, Told]]:
    known, parts = _Known(), dict[int, list[int]]()
    for number in sorted(numbers, key=lambda number: (*_vagueness(told[number]), number)):
        one = told[number]
        whole = None if one.start_ns is not None else known.of_part(one)
        if whole is None:
            known.add(number, one.place, one.span.kind)
            parts[number] = []
        else:
            known.learn(whole, told[whole].place, one.span.kind)
            parts[whole].append(number)
    for number, others in parts.items():
        yield min((number, *others)), _merged([told[number], *(told[one] for one in others)])


def _vagueness(told: Told) -> tuple[bool, int, bool, int]:
    """What says most comes first, whatever the order of the reports."""
    is_open = told.start_ns is None
    return is_open, told.start_ns or 0, told.span.kind == _UNSAID, told.place.count(None)


class _Known:
    """The spans of one id, by where and of which kind they are; the first of each."""

    def __init__(self) -> None:
        self._spans: dict[Place, dict[Kind, int]] = {}

    def add(self, number: int, place: Place, kind: Kind) -> None:
        for key in _keys(place):
            self._spans.setdefault(key, {}).setdefault(kind, number)

    def learn(self, number: int, place: Place, kind: Kind) -> None:
        """A span without a kind has the one of its part."""
        for key in _keys(place):
            kinds = self._spans[key]
            if kind != _UNSAID and kinds.get(_UNSAID) == number:
                del kinds[_UNSAID]
                kinds.setdefault(kind, number)

    def of_part(self, part: Told) -> int | None:
        kinds: Sequence[Kind] = (part.span.kind, _UNSAID)
        if part.span.kind == _UNSAID:
            kinds = _SHARED_KINDS if part.is_shared else _KINDS
        for key in _keys_of_part(part.place):
            found = self._spans.get(key, {})
            for kind in kinds:
                if kind in found:
                    return found[kind]
        return None


def _keys(place: Place) -> Iterator[Place]:
    """Itself; its service wherever that is; anywhere."""
    yield place
    yield place[:1]
    yield ()


def _keys_of_part(place: Place) -> Iterator[Place]:
    """Where a span may be that a part from there is of, the surest first."""
    service, *address = place
    yield place
    if place == _NOWHERE:
        yield ()
    elif any(address):
        yield (service, None, None)
    else:
        yield (service,)
    yield _NOWHERE


def _merged(tellings: Sequence[Told]) -> Told:
    """One report of these; the first of them leads."""
    if len(tellings) == 1:
        return tellings[0]
    spans = [one.span for one in tellings]
    first = spans[0]
    statuses = [span.status for span in spans if span.status != "unset"]
    events = {(event.time_ns or 0, event.name): event for span in spans for event in span.events}
    return tellings[0]._replace(
        length_ns=next((one.length_ns for one in tellings if one.length_ns is not None), None),
        span=first._replace(
            name=next((span.name for span in spans if span.name), ""),
            parent_id=next((span.parent_id for span in spans if span.parent_id), None),
            kind=next((span.kind for span in spans if span.kind != _UNSAID), _UNSAID),
            status="error" if "error" in statuses else next(iter(statuses), "unset"),
            status_description=next(
                (span.status_description for span in spans if span.status_description), None
            ),
            attributes=_union([span.attributes for span in spans]),
            events=tuple(event for _, event in sorted(events.items(), key=lambda one: one[0])),
            service=next((span.service for span in spans if span.service), None),
            resource=_union([span.resource for span in spans]),
            scope=next((span.scope for span in spans if span.scope), None),
        ),
    )


def _union(mappings: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    return MappingProxyType({key: one for each in reversed(mappings) for key, one in each.items()})
