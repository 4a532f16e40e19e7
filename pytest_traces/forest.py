"""SpanData, in any order, become a Forest of Spans: roots, children, duplicates, cycles.

Everything is iterative and O(n log n), so a chain of 100,000 spans is no special case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple

from pytest_traces.model import Event, Kind, Link, SpanData, Status

NO_NAMES: Mapping[tuple[str, str], str] = MappingProxyType({})
_MOVED_NS = 1_000_000
FindingKind = Literal["duplicate", "cycle", "negative"]


class Finding(NamedTuple):
    """Something wrong with the data itself: an id used twice, a cycle, an end before the start."""

    kind: FindingKind
    spans: tuple[SpanData, ...]


class Span:
    """One recorded span, with its place in the trace.

    Attributes:
        parent: the span it is a child of, or None for a root.
        children: its direct children, ordered by start.

    Example:
        >>> charge = traces.get("POST /charge")
        >>> charge.parent.name, charge.kind, charge.attributes["http.route"]
        ('POST', 'server', '/charge')
    """

    __slots__ = ("_data", "_forest", "_order", "children", "parent")

    def __init__(self, data: SpanData, forest: Forest, order: int) -> None:
        self._data = data
        self._forest = forest
        self._order = order
        self.parent: Span | None = None
        self.children: list[Span] = []

    @property
    def data(self) -> SpanData:
        """The span as its source recorded it, a frozen value."""
        return self._data

    @property
    def order(self) -> int:
        """Its place in the order of recording, which decides between spans that start together."""
        return self._order

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self._data.name

    @property
    def trace_id(self) -> str:
        """32 lower-case hex digits."""
        return self._data.trace_id

    @property
    def span_id(self) -> str:
        """16 lower-case hex digits."""
        return self._data.span_id

    @property
    def parent_id(self) -> str | None:
        """The parent's span id as recorded, even if that span itself was not; None for a root."""
        return self._data.parent_id

    @property
    def kind(self) -> Kind:
        """``internal``, ``server``, ``client``, ``producer`` or ``consumer``."""
        return self._data.kind

    @property
    def status(self) -> Status:
        """``unset``, ``ok`` or ``error``."""
        return self._data.status

    @property
    def status_description(self) -> str | None:
        """The text that came with an error status."""
        return self._data.status_description

    @property
    def start_ns(self) -> int:
        """Start, in nanoseconds since the Unix epoch."""
        return self._data.start_ns

    @property
    def end_ns(self) -> int | None:
        """End, in nanoseconds since the Unix epoch; None while the span is open."""
        return self._data.end_ns

    @property
    def attributes(self) -> Mapping[str, object]:
        """The attributes, read-only."""
        return self._data.attributes

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, in the order they were added."""
        return self._data.events

    @property
    def links(self) -> tuple[Link, ...]:
        """References to other spans that are not the parent."""
        return self._data.links

    @property
    def service(self) -> str | None:
        """``service.name`` of the resource."""
        return self._data.service

    @property
    def resource(self) -> Mapping[str, object]:
        """The attributes of the process that emitted the span."""
        return self._data.resource

    @property
    def scope(self) -> str | None:
        """The name of the instrumentation scope (the tracer) that made the span."""
        return self._data.scope

    @property
    def source(self) -> str:
        """``opentelemetry``, ``sentry``, ``otlp``, ``handwritten``, ``test`` or ``file``."""
        return self._data.source

    @property
    def sampled(self) -> bool:
        """Whether the application's own sampler keeps it."""
        return self._data.sampled

    @property
    def remote_parent(self) -> bool:
        """Whether the parent came from a carrier, such as the headers of a request."""
        return self._data.remote_parent

    @property
    def duration_ns(self) -> int | None:
        """End minus start in nanoseconds, exact; None while the span is open."""
        end = self._data.end_ns
        return None if end is None else end - self._data.start_ns

    @property
    def duration(self) -> timedelta | None:
        """The duration, rounded to the microseconds of a timedelta; None while open."""
        nanoseconds = self.duration_ns
        return None if nanoseconds is None else timedelta(microseconds=nanoseconds / 1_000)

    @property
    def elapsed_ns(self) -> int | None:
        """How long it took by a clock that cannot be moved, in nanoseconds; None while open.

        Where the source read one itself (OpenTelemetry, unless the application gives times of
        its own); else the duration. This is what limits on durations are compared with.
        """
        stamps = self._data.stamps
        if stamps is None or stamps.end_ns is None:
            return self.duration_ns
        return stamps.end_ns - stamps.start_ns

    @property
    def clock_moved(self) -> bool:
        """Whether the clock of its times was moved or stood still while it was open.

        Told by the difference between :attr:`duration_ns` and :attr:`elapsed_ns`: more than 1 ms
        and more than a tenth.
        """
        recorded, elapsed = self.duration_ns, self.elapsed_ns
        if recorded is None or elapsed is None:
            return False
        return abs(recorded - elapsed) > max(_MOVED_NS, elapsed // 10)

    @property
    def self_time_ns(self) -> int | None:
        """Its duration minus the union of its direct children's, in nanoseconds; None while open.

        Children are clipped to the span; open ones take no part. Where the clock was moved
        meanwhile, all times are those of the source's own clock, if it read one for each.
        """
        if self.end_ns is None:
            return None
        (start, last), *children = _intervals([self, *self.children])
        covered, reached = 0, start
        for begin, end in sorted(children):
            covered += max(0, min(end, last) - max(begin, reached))
            reached = max(reached, min(end, last))
        return max(0, last - start) - covered

    @property
    def self_time(self) -> timedelta | None:
        """The time in which none of its direct children was open; None while open."""
        nanoseconds = self.self_time_ns
        return None if nanoseconds is None else timedelta(microseconds=nanoseconds / 1_000)

    @property
    def orphan(self) -> bool:
        """Whether its local parent was not recorded."""
        if self.parent is not None or self.parent_id is None or self.remote_parent:
            return False
        key = (self.trace_id, self.parent_id)
        return key not in self._forest.recorded and key not in self._forest.outside

    @property
    def outside_parent(self) -> str | None:
        """The name of its parent where that was recorded, but in another window: in set-up."""
        if self.parent is not None or self.parent_id is None:
            return None
        return self._forest.outside.get((self.trace_id, self.parent_id))

    @property
    def ancestors(self) -> Iterator[Span]:
        """Parent, grandparent and so on, up to the root."""
        span = self.parent
        while span is not None:
            yield span
            span = span.parent

    @property
    def descendants(self) -> Iterator[Span]:
        """Every span below this one, depth first, in order of start."""
        walk = walk_down([self])
        next(walk)
        return walk

    @property
    def path(self) -> str:
        """The names from the root to this span: ``POST /checkout > POST > POST /charge``."""
        names = [self.name, *(span.name for span in self.ancestors)]
        return " > ".join(reversed(names))

    @property
    def trace(self) -> Trace:
        """All recorded spans that share its trace id."""
        return self._forest.trace_of(self.trace_id)

    def __repr__(self) -> str:
        took = "open" if self.duration_ns is None else f"{self.duration_ns / 1e6:,.2f} ms"
        return f"<Span {self.name!r} {self.kind} {took}>"


class Trace(NamedTuple):
    """All recorded spans that share one trace id."""

    trace_id: str
    roots: tuple[Span, ...]
    spans: tuple[Span, ...]


class Forest:
    """Every recorded span in its place.

    Attributes:
        roots: the spans without a recorded parent, ordered by start.
        spans: all spans, ordered by start, then by order of recording.
        findings: what is wrong with the data itself.
        outside: names of spans that are not part of it but may be parents, by their ids.
    """

    __slots__ = ("_recorded", "_traces", "findings", "outside", "roots", "spans")

    def __init__(
        self,
        nodes: Sequence[SpanData],
        parents: Sequence[int | None],
        findings: Iterable[Finding] = (),
        outside: Mapping[tuple[str, str], str] = NO_NAMES,
        recorded: frozenset[tuple[str, str]] | None = None,
    ) -> None:
        spans = [Span(data, self, index) for index, data in enumerate(nodes)]
        order = sorted(range(len(nodes)), key=lambda i: nodes[i].start_ns)  # stable
        roots: list[Span] = []
        for index in order:
            parent = parents[index]
            if parent is None:
                roots.append(spans[index])
            else:
                spans[index].parent = spans[parent]
                spans[parent].children.append(spans[index])
        self.roots = tuple(roots)
        self.spans = tuple(spans[index] for index in order)
        self.findings = tuple(findings)
        self.outside = outside
        self._traces: dict[str, Trace] | None = None
        self._recorded = recorded

    @property
    def recorded(self) -> frozenset[tuple[str, str]]:
        """Trace id and span id of all that was recorded, also of what a view leaves out."""
        if self._recorded is None:
            self._recorded = frozenset((span.trace_id, span.span_id) for span in self.spans)
        return self._recorded

    @property
    def traces(self) -> tuple[Trace, ...]:
        """One Trace per trace id, ordered by their first span."""
        return tuple(self._by_id().values())

    def trace_of(self, trace_id: str) -> Trace:
        """The trace of that id."""
        return self._by_id()[trace_id]

    def _by_id(self) -> dict[str, Trace]:
        if self._traces is None:
            members: dict[str, list[Span]] = {}
            for span in self.spans:
                members.setdefault(span.trace_id, []).append(span)
            self._traces = {
                key: Trace(key, tuple(s for s in spans if s.parent is None), tuple(spans))
                for key, spans in members.items()
            }
        return self._traces


def _intervals(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Start and end of the finished spans, by a clock that cannot be moved if theirs was."""
    finished = [(span, span.end_ns) for span in spans if span.end_ns is not None]
    stamps = [span.data.stamps for span, _ in finished]
    own = [(one.start_ns, one.end_ns) for one in stamps if one and one.end_ns is not None]
    recorded = [(span.start_ns, end) for span, end in finished]
    if len(own) == len(recorded):
        drift = [
            a - b for both in zip(recorded, own, strict=True) for a, b in zip(*both, strict=True)
        ]
        if max(drift) - min(drift) > _MOVED_NS:
            return own
    return recorded


def walk_down(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans and all below them, depth first, in order of start, without recursion."""
    stack = list(spans)[::-1]
    while stack:
        span = stack.pop()
        yield span
        stack.extend(reversed(span.children))
