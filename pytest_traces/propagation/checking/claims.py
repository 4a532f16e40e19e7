"""Which injections became calls, of HTTP or otherwise: those that are left are messages.

Nothing ties a call to ``inject`` but the context that both have. Where several injections
wrote the same one, by hand for a call and for a message, each call takes one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.model import CarrierData, RequestData
from pytest_traces.propagation.checking.marks import Arrived, Marks, marks_of
from pytest_traces.recording import SpanKey


class Injection(NamedTuple):
    """A carrier that was written, what it carries, and the span that wrote it."""

    data: CarrierData
    marks: Marks
    sender: Span | None
    key: SpanKey | None


class Claims:
    """Gives injections to the calls that they were made for."""

    def __init__(self, injections: Sequence[Injection], arrived: Arrived) -> None:
        self._arrived = arrived
        self._all = injections
        self._without = [one for one in injections if not one.marks]
        self._taken: set[int] = set()
        self._by_mark: dict[Hashable, list[Injection]] = {}
        for one in injections:
            for mark in one.marks:
                self._by_mark.setdefault(mark, []).append(one)

    def left(self) -> list[Injection]:
        """What no call has taken."""
        return [one for one in self._all if one.data.number not in self._taken]

    def take_client_spans(self) -> None:
        """An injection of a client span is a call, whether or not its library is known here.

        gRPC writes metadata so, and databases comments. A client span may publish as well:
        then it says so, or a consumer does.
        """
        for one in self._all:
            if one.sender is None or one.sender.kind != "client":
                continue
            says_so = any(name.startswith("messaging.") for name in one.sender.attributes)
            if not says_so and not self._arrived.has_consumer(one.marks):
                self._taken.add(one.data.number)

    def take_requests(self, requests: Sequence[RequestData]) -> None:
        """Each request takes the injection that gave it its context, or that gave it none."""
        for request in sorted(requests, key=lambda one: one.number):
            marks = marks_of(request.headers)
            # Headers made by hand may have been replaced by an instrumentation underneath.
            early = marks_of(request.added_early)
            for each in {marks, early} - {frozenset()}:
                self._take(self._free(each), request)
            if not marks and not early:
                self._take(self._empty(request), request)

    def take_servers(self, requests: Sequence[RequestData]) -> None:
        """Each server span whose request is not recorded takes one: test clients, gRPC."""
        known = Counter(mark for one in requests for mark in marks_of(one.headers))
        for mark in self._by_mark:
            marks: Marks = frozenset((mark,))
            unknown = len(self._arrived.servers(marks)) - known[mark]
            self._taken |= {one.data.number for one in self._free(marks)[: max(0, unknown)]}

    def give_back(self) -> None:
        """Where a consumer goes on with a context, somebody has sent a message with it."""
        for mark, injections in self._by_mark.items():
            marks: Marks = frozenset((mark,))
            if not self._free(marks) and self._arrived.has_consumer(marks):
                self._taken.discard(injections[-1].data.number)

    def _free(self, marks: Marks) -> list[Injection]:
        found = {one.data.number: one for mark in marks for one in self._by_mark.get(mark, ())}
        return [found[number] for number in sorted(found) if number not in self._taken]

    def _empty(self, request: RequestData) -> list[Injection]:
        """Injections that wrote nothing and may be those of a request without context.

        A producer's is never: what is missing in a message must not be lost for a request.
        """
        sent = {(name.lower(), value) for name, value in request.headers}
        return [
            one
            for one in self._without
            if one.data.number not in self._taken
            and one.data.thread == request.thread
            and one.data.current == request.current
            and (one.sender is None or one.sender.kind != "producer")
            and sent.issuperset((name.lower(), value) for name, value in one.data.headers)
        ]

    def _take(self, free: Sequence[Injection], request: RequestData) -> None:
        """The last one before the request, else the first one while it was on its way.

        Neither: the headers of an earlier request were sent again, as redirects do.
        """
        before = [one for one in free if one.data.number < request.number]
        end_ns = request.end_ns
        during = [
            one
            for one in free
            if one.data.number > request.number and (end_ns is None or one.data.time_ns <= end_ns)
        ]
        for one in [*before[-1:], *during[:1]][:1]:
            self._taken.add(one.data.number)
