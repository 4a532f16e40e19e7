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
    clients = ClientSpans(index.forest)
    found: dict[int, Sender] = {}
    taken: set[int] = set()
    open_cases: list[RequestData] = []
    for request in requests:
        own = _named_own(request, clients, index, taken)
        if own is None:
            open_cases.append(request)
            continue
        taken.add(id(own))
        found[request.number] = _client(own, request)
    for request in open_cases:
        found[request.number] = _sender(request, clients, index, taken)
    return found


def _named_own(
    request: RequestData, clients: ClientSpans, index: Index, taken: set[int]
) -> Span | None:
    """The client span of this request that its header names."""
    current = _current(request)
    for key in keys_in(request.headers):
        span = index.get(key)
        if span is not None and id(span) not in taken and clients.is_own(span, request, current):
            return span
    return None


def _sender(request: RequestData, clients: ClientSpans, index: Index, taken: set[int]) -> Sender:
    """The sender of a request whose header names no client span of its own."""
    current = _current(request)
    own = clients.free(request, current, taken)
    if own is not None:
        taken.add(id(own))
        return _client(own, request)
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
