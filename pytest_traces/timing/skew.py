"""Clocks of several hosts, brought together as far as the spans demand it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits

#: What tells the clocks of two spans apart, the surest first.
_HOST_ATTRIBUTES = ("host.name", "host.id", "service.instance.id")
_Pair = tuple[str, str]


class _Room(NamedTuple):
    """By how much the clock of a host may be moved so that all calls lie within their callers."""

    least: int
    most: int

    def nearest_zero(self) -> int:
        """The smallest such move; none where no move fits every call."""
        if self.least > self.most:
            return 0
        return max(self.least, min(self.most, 0))


def align(waits: Waits) -> Timeline:
    """The timeline with one offset for each host, relative to that of the root.

    The offset between two hosts is the one nearest to zero with which every synchronous call from
    one to the other lies within its caller. A consumer is not called synchronously, and neither
    is what took longer than its caller. Where no offset fits all calls, nothing is moved.
    """
    offsets = _along(_rooms(waits), host_of(waits.root))
    return waits.timeline.shifted({span: offsets.get(host_of(span), 0) for span in waits.spans})


def host_of(span: Span) -> str:
    """The host of a span by its resource, else its service; spans of neither share one."""
    for name in _HOST_ATTRIBUTES:
        value = span.resource.get(name)
        if value is not None:
            return str(value)
    return span.service or ""


def host_offsets(waits: Waits) -> dict[_Pair, int]:
    """The offset of the second host to the first, for each pair of which one calls the other."""
    return {pair: room.nearest_zero() for pair, room in _rooms(waits).items()}


def _rooms(waits: Waits) -> dict[_Pair, _Room]:
    rooms: dict[_Pair, _Room] = {}
    timeline = waits.timeline
    for caller, called in _calls(waits):
        pair = host_of(caller), host_of(called)
        outer, inner = timeline.interval(caller) or (0, 0), timeline.interval(called) or (0, 0)
        least, most = outer[0] - inner[0], outer[1] - inner[1]
        if least > most:
            continue
        if (pair[1], pair[0]) in rooms:
            pair, least, most = (pair[1], pair[0]), -most, -least
        known = rooms.get(pair, _Room(least, most))
        rooms[pair] = _Room(max(known.least, least), min(known.most, most))
    return rooms


def _calls(waits: Waits) -> Iterator[tuple[Span, Span]]:
    for span in waits.spans:
        parent = waits.parent(span)
        if parent is None or span.kind == "consumer" or parent.kind == "producer":
            continue
        if host_of(parent) != host_of(span):
            yield parent, span


def _along(rooms: dict[_Pair, _Room], first: str) -> dict[str, int]:
    """The offset of each host to the first one, from neighbour to neighbour."""
    neighbours: dict[str, list[tuple[str, int]]] = {}
    for (one, other), room in rooms.items():
        offset = room.nearest_zero()
        neighbours.setdefault(one, []).append((other, offset))
        neighbours.setdefault(other, []).append((one, -offset))
    offsets, waiting = {first: 0}, [first]
    for host in waiting:
        for other, offset in neighbours.get(host, ()):
            if other not in offsets:
                offsets[other] = offsets[host] + offset
                waiting.append(other)
    return offsets
