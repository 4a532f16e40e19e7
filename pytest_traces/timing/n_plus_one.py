"""The same operation again and again at one place, where once would do.

A group are spans with the same path of normalised names, kind and normalised operation below one
ancestor: their nearest common one. It is told once, at the innermost ancestor that has enough.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.model import Kind
from pytest_traces.settings import PRESETS
from pytest_traces.timing.normalise import (
    Place,
    host_of,
    normalised,
    operation_of,
    places_of,
    statement_of,
    written_operation_of,
)

_MESSAGES = re.compile("|".join(fnmatch.translate(one) for one in PRESETS["asgi"]))
#: What frames statements, and follows their number.
_FRAMES = re.compile(
    r"\s*(?:begin|start\s+transaction|commit|rollback|savepoint|release)\b", re.IGNORECASE
)
#: Whether the span, or its normalised operation, may repeat.
Allowed = Callable[[Span, str], bool]


class Repeat(NamedTuple):
    """One operation that repeats below one span.

    ``calls`` are in order of start, without retries; ``also`` are the other spans at the same
    path below which it repeats, too.
    """

    ancestor: Span
    calls: tuple[Span, ...]
    operation: str
    also: tuple[Span, ...] = ()


class _Group(NamedTuple):
    ancestor: int
    calls: list[int]
    operation: str
    place: Place


def is_database(span: Span) -> bool:
    """Whether a span names the database that it asks, by the old key or the stable one."""
    return "db.system" in span.attributes or "db.system.name" in span.attributes


def is_operation(span: Span) -> bool:
    """Whether a span stands for work of its own.

    An internal span with children is a place where work is done; nor do the messages of ASGI
    count, and what frames the statements of a database.
    """
    if span.kind == "internal":
        return not span.children and _MESSAGES.match(span.name) is None
    if not is_database(span):
        return True
    return span.name != "connect" and _FRAMES.match(statement_of(span) or span.name) is None


def repeats_in(forest: Forest, at_least: int, allowed: Allowed) -> list[Repeat]:
    """Every operation that runs ``at_least`` times below one span, the most frequent first.

    What repeats below a repeated operation comes with it, and is not told beside it. Spans that
    failed and were tried again are one call. O(n log n).
    """
    tree = _Tree(forest)
    groups: list[_Group] = []
    for key, calls in tree.buckets().items():
        if len(calls) >= at_least:
            groups += [
                _Group(ancestor, members, key.operation, key.place)
                for ancestor, members in tree.innermost(calls, at_least)
            ]
    found: dict[tuple[Place, Place, Kind, str], list[Repeat]] = defaultdict(list)
    for group in _outermost(tree, groups):
        calls = sorted(group.calls, key=lambda i: tree.order[i])
        repeat = Repeat(
            tree.spans[group.ancestor], tuple(tree.spans[i] for i in calls), group.operation
        )
        if any(allowed(span, group.operation) for span in repeat.calls):
            continue
        above = tree.places[repeat.ancestor]
        found[above, group.place, repeat.calls[0].kind, group.operation].append(repeat)
    merged = []
    for same in found.values():
        worst = max(same, key=lambda one: len(one.calls))
        merged.append(worst._replace(also=tuple(r.ancestor for r in same if r is not worst)))
    return sorted(merged, key=lambda one: (-len(one.calls), one.calls[0].start_ns))


def _outermost(tree: _Tree, groups: Iterable[_Group]) -> list[_Group]:
    """Without those that repeat because a call above them repeats."""
    groups = list(groups)
    of_call = {call: group for group in groups for call in group.calls}
    nearest: list[int] = []  # the nearest call at or above each span, or -1
    for number, parent in enumerate(tree.parents):
        nearest.append(number if number in of_call else nearest[parent] if parent >= 0 else -1)

    def is_covered(group: _Group) -> bool:
        number = nearest[tree.parents[group.calls[0]]]
        while number >= 0 and tree.depths[number] > tree.depths[group.ancestor]:
            if of_call[number].ancestor == group.ancestor:
                return True
            number = nearest[tree.parents[number]]
        return False

    return [group for group in groups if not is_covered(group)]


def _is_over(failed: Span, instant: int) -> bool:
    """Whether it had failed by then."""
    return failed.status == "error" and failed.end_ns is not None and failed.end_ns <= instant


class _Hosts:
    """The hosts of the requests above a span; the same object for the same ones."""

    __slots__ = ("_below",)

    def __init__(self) -> None:
        self._below: dict[str, _Hosts] = {}

    def with_host(self, host: str | None) -> _Hosts:
        """These, and below them a request to one more; to none that is known, these."""
        if host is None:
            return self
        if host not in self._below:
            self._below[host] = _Hosts()
        return self._below[host]


class _Key(NamedTuple):
    """What the calls of one group have in common; the top is a span by its number."""

    top: int
    place: Place
    hosts: _Hosts
    kind: Kind
    operation: str


class _Tree:
    """The forest by numbers, parents first, with jumps that make common ancestors cheap."""

    def __init__(self, forest: Forest) -> None:
        self.places = places_of(forest)
        self._no_hosts = _Hosts()
        self.spans = list(walk_down(forest.roots))
        numbers = {span: number for number, span in enumerate(self.spans)}
        self.order = [0] * len(self.spans)
        for place, span in enumerate(forest.spans):
            self.order[numbers[span]] = place
        self.parents: list[int] = []
        self.depths: list[int] = []
        #: An ancestor far up; spans of the same depth jump to the same depth.
        self._jumps: list[int] = []
        for number, span in enumerate(self.spans):
            parent = -1 if span.parent is None else numbers[span.parent]
            self.parents.append(parent)
            if parent < 0:
                self.depths.append(0)
                self._jumps.append(number)
                continue
            self.depths.append(self.depths[parent] + 1)
            jump = self._jumps[parent]
            far = self._jumps[jump]
            steps = self.depths[parent] - self.depths[jump]
            is_even = steps == self.depths[jump] - self.depths[far]
            self._jumps.append(far if is_even else parent)

    def buckets(self) -> dict[_Key, list[int]]:
        """Operations by what they have in common: all of it but the ancestor.

        A span that failed and was tried again counts for nothing, and what is below it only for
        itself: there it is the top. What is below requests to several hosts is not the same,
        even where all of them answer alike.
        """
        tops: list[int] = []
        hosts: list[_Hosts] = []
        found: dict[_Key, list[int]] = defaultdict(list)
        retried = self._retried()
        for number, span in enumerate(self.spans):
            parent = self.parents[number]
            top = number if parent < 0 or number in retried else tops[parent]
            tops.append(top)
            above = hosts[parent] if parent >= 0 else self._no_hosts
            hosts.append(above.with_host(host_of(span)) if span.kind == "client" else above)
            if parent >= 0 and number not in retried and is_operation(span):
                key = _Key(top, self.places[span], above, span.kind, operation_of(span))
                found[key].append(number)
        return found

    def _retried(self) -> set[int]:
        """Siblings that failed, after which the same was done again, with the same values."""
        retried: set[int] = set()
        last: dict[tuple[int, Kind, str, str], int] = {}
        for number, span in enumerate(self.spans):
            if span.parent is None:
                continue
            operation = operation_of(span)
            # The number in a name may be that of the attempt.
            is_name = operation == normalised(span.name)
            values = "" if is_name else written_operation_of(span)
            key = (self.parents[number], span.kind, operation, values)
            before = last.get(key)
            if before is not None and _is_over(self.spans[before], span.start_ns):
                retried.add(before)
            last[key] = number
        return retried

    def innermost(self, calls: list[int], at_least: int) -> list[tuple[int, list[int]]]:
        """The calls by the innermost ancestor below which enough of them are.

        Args:
            calls: of the same depth, in order of the walk.
            at_least: how many are enough; those of an inner ancestor do not count again.
        """
        meetings = [self._common(*pair) for pair in pairwise(calls)]
        gaps = sorted(range(len(meetings)), key=lambda i: (-self.depths[meetings[i]], meetings[i]))
        segments = [[call] for call in calls]
        leader = list(range(len(calls)))

        def find(i: int) -> int:
            while leader[i] != i:
                leader[i] = leader[leader[i]]
                i = leader[i]
            return i

        found: list[tuple[int, list[int]]] = []
        for place, gap in enumerate(gaps):
            left, right = find(gap), find(gap + 1)
            if len(segments[left]) < len(segments[right]):
                left, right = right, left
            leader[right] = left
            segments[left] += segments[right]
            segments[right] = []
            following = gaps[place + 1] if place + 1 < len(gaps) else None
            is_last = following is None or meetings[following] != meetings[gap]
            if is_last and len(segments[left]) >= at_least:
                found.append((meetings[gap], segments[left]))
                segments[left] = []
        return found

    def _common(self, one: int, other: int) -> int:
        """The nearest common ancestor of two spans of the same depth below one root."""
        while one != other:
            if self._jumps[one] != self._jumps[other]:
                one, other = self._jumps[one], self._jumps[other]
            else:
                one, other = self.parents[one], self.parents[other]
        return one
