"""Which span sent which request: the recorded client span of each, or what was current."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.model import RequestData, SpanRef
from pytest_traces.propagation.checking.clients import ClientSpans, fits, has_address
from pytest_traces.propagation.checking.clock import had_ended
from pytest_traces.propagation.checking.index import Index, key_of_span, keys_in
from pytest_traces.recording import SpanKey


class Sender(NamedTuple):
    """Who sent something: its own client span, or the span that was current."""

    #: The span that a context should name; None where it was not recorded, or there was none.
    span: Span | None = None
    #: The ids of that span, known even where the span itself was not recorded.
    key: SpanKey | None = None
    #: The span around it, where the sender is a client span of the request's own.
    current: SpanKey | None = None
    #: Whether the instrumentation made a client span for this request.
    is_client: bool = False


def senders_of(requests: Sequence[RequestData], index: Index) -> dict[int, Sender]:
    """The sender of each request, by the number of the request.

    A request's client span is the one below the current span that its header names. Where the
    header is lost or wrong, it is one that was started for this method and URL while the request
    was on its way, and that no other request has. One span may also cover several requests:
    redirects, rounds of authentication.
    """
    return _Assigning(index).run(requests)


class _Assigning:
    """Gives each request its sender; one client span of its own to one request."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._clients = ClientSpans(index.forest)
        self._found: dict[int, Sender] = {}
        #: Which request has a span, for those that are named by a header.
        self._holders: dict[int, RequestData] = {}
        self._taken: set[int] = set()

    def run(self, requests: Sequence[RequestData]) -> dict[int, Sender]:
        """Those whose headers name a span of their own first; then the others."""
        open_cases: list[RequestData] = []
        for request in requests:
            own = self._named_own(request)
            if own is None or id(own) in self._taken:
                open_cases.append(request)
            else:
                self._holders[id(own)] = request
                self._give(own, request)
        for request in open_cases:
            free = self._clients.free(request, _current(request), self._taken)
            if free is not None:
                self._give(free, request)
            elif not self._displace(request):
                self._found[request.number] = _sender(request, self._index)
        return self._found

    def _give(self, span: Span, request: RequestData) -> None:
        self._taken.add(id(span))
        self._found[request.number] = _client(span, request)

    def _displace(self, request: RequestData) -> bool:
        """Of two requests that name one span, the one that has another of its own gives it up."""
        own = self._named_own(request)
        holder = None if own is None else self._holders.get(id(own))
        if own is None or holder is None:
            return False
        other = self._clients.free(holder, _current(holder), self._taken)
        if other is None:
            return False
        self._give(other, holder)
        self._give(own, request)
        self._holders[id(own)] = request
        return True

    def _named_own(self, request: RequestData) -> Span | None:
        """The client span of this request that its header names."""
        current = _current(request)
        for key in keys_in(request.headers):
            span = self._index.get(key)
            if span is not None and self._clients.is_own(span, request, current):
                return span
        return None


def _sender(request: RequestData, index: Index) -> Sender:
    """The sender of a request for which nobody made a client span of its own."""
    current = _current(request)
    around = index.get(current)
    if around is not None and around.kind == "client" and fits(around, request):
        return _client(around, request)  # the instrumentation works further out than the hook
    for key in keys_in(request.headers):
        span = index.get(key)
        if span is not None and _covers(span, request, current, around):
            return _client(span, request)
        if span is not None and _is_of_a_tracer_by_hand(span, request):
            return Sender(span, key_of_span(span))
    return Sender(around, current)


def _covers(span: Span, request: RequestData, current: SpanKey | None, around: Span | None) -> bool:
    """Whether it is an open client span of HTTP around this request, or around its rounds."""
    if span.kind != "client" or not has_address(span) or not _was_open(span, request.start_ns):
        return False
    if current is None or current in {key_of_span(one) for one in span.ancestors}:
        return True
    above = around.ancestors if around is not None else ()
    return fits(span, request) and any(one is span for one in above)


def _is_of_a_tracer_by_hand(span: Span, request: RequestData) -> bool:
    """Whether a tracer of its own, whose current span nobody knows, has written this header."""
    if span.source != "handwritten" or had_ended(span, request.start_ns):
        return False
    return all(ref.source != "handwritten" for ref in request.current)


def _client(span: Span, request: RequestData) -> Sender:
    return Sender(span, key_of_span(span), _current(request), is_client=True)


def _current(request: RequestData) -> SpanKey | None:
    """The span that was current: the one that the header names, else that of an instrumentation."""
    refs = request.current
    if len(refs) > 1:
        named = set(keys_in(request.headers))
        refs = tuple(ref for ref in refs if (ref.trace_id, ref.span_id) in named) or refs
    ordered: list[SpanRef] = sorted(refs, key=lambda ref: ref.source == "handwritten")
    return (ordered[0].trace_id, ordered[0].span_id) if ordered else None


def _was_open(span: Span, at_ns: int) -> bool:
    return span.start_ns <= at_ns and not had_ended(span, at_ns)
