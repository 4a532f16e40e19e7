"""What two carriers have in common when one is the copy of the other: the context they carry."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from pytest_traces.forest import Forest, Span
from pytest_traces.model import CarrierData, Headers
from pytest_traces.propagation.checking.index import Index, keys_in
from pytest_traces.propagation.registry import context_headers_of, formats_in
from pytest_traces.recording import SpanKey

Marks = frozenset[Hashable]

#: Headers that every HTTP request has, and messages of queues do not.
_HTTP = frozenset({"host", ":authority", "user-agent", "content-length"})


def marks_of(headers: Headers) -> Marks:
    """The ids in the context headers; the headers themselves where they hold no valid ids.

    Carriers of one message, or of one request, share a mark. Without a context there is none.
    """
    keys = keys_in(headers)
    if keys:
        return frozenset(keys)
    names = {header for name in formats_in(headers) for header in context_headers_of(name)}
    return frozenset((name.lower(), value) for name, value in headers if name.lower() in names)


def looks_like_http(headers: Headers) -> bool:
    """Whether a carrier was the headers of an HTTP request."""
    return any(name.lower() in _HTTP for name, _ in headers)


class Arrived:
    """The spans that go on with a context from a carrier, by what that context was.

    A link is as good as a parent: a consumer may work on messages of several producers.
    """

    def __init__(self, forest: Forest) -> None:
        self._spans: dict[Hashable, dict[int, Span]] = {}
        for span in forest.spans:
            keys = [(link.trace_id, link.span_id) for link in span.links]
            if span.remote_parent and span.parent_id is not None:
                keys.append((span.trace_id, span.parent_id))
            for key in keys:
                self._spans.setdefault(key, {})[id(span)] = span

    def at(self, marks: Marks) -> list[Span]:
        """The spans that were started from this context, in order of start."""
        found = [span for mark in marks for span in self._spans.get(mark, {}).values()]
        return sorted({id(span): span for span in found}.values(), key=lambda span: span.start_ns)

    def servers(self, marks: Marks) -> list[Span]:
        """Those that answer a call."""
        return [span for span in self.at(marks) if span.kind == "server"]

    def has_consumer(self, marks: Marks) -> bool:
        """Whether one of them says itself that it works on a message."""
        return any(span.kind == "consumer" for span in self.at(marks))


def sender_of(carrier: CarrierData, index: Index) -> tuple[Span | None, SpanKey | None]:
    """The span that injected this, and its ids, known even if the span was not recorded.

    That is the span that was current; or the one whose context was given to ``inject``, if it
    is a span below that one, as some instrumentations do without making it current.
    """
    current = _current(carrier)
    for key in keys_in(carrier.headers):
        named = index.get(key)
        if named is not None and (current is None or _is_within(named, current)):
            return named, (named.trace_id, named.span_id)
    return index.get(current), current


def _current(carrier: CarrierData) -> SpanKey | None:
    """The current span of the source that wrote the carrier, else that of another one."""
    ordered = sorted(carrier.current, key=lambda ref: ref.source != carrier.source)
    return (ordered[0].trace_id, ordered[0].span_id) if ordered else None


def _is_within(span: Span, key: SpanKey) -> bool:
    return any((one.trace_id, one.span_id) == key for one in (span, *span.ancestors))


def all_marks(marks: Iterable[Marks]) -> Marks:
    """The marks of several carriers together."""
    return frozenset().union(*marks)
