"""Which span sent which request: the recorded client span of each, or what was current."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Headers, RequestData, SpanRef
from pytest_traces.propagation import InvalidContext, SpanContext, extract, formats_in
from pytest_traces.recording import SpanKey

_URL = ("url.full", "http.url")
_METHOD = ("http.request.method", "http.method")
_PORTS = {"http": 80, "https": 443}


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


class Index:
    """The spans of a forest by their ids."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self._spans = {(span.trace_id, span.span_id): span for span in forest.spans}
        self._short: dict[SpanKey, Span] | None = None

    def get(self, key: SpanKey | None) -> Span | None:
        """The span with these ids.

        Formats with trace ids of 64 bits know only the lower half of a longer one.
        """
        if key is None:
            return None
        found = self._spans.get(key)
        if found is None and key[0].startswith("0" * 16):
            if self._short is None:
                self._short = {(trace[16:], span): one for (trace, span), one in self._items()}
            found = self._short.get((key[0][16:], key[1]))
        return found

    def of_trace(self, trace_id: str) -> list[Span]:
        """The spans with this trace id, in order of start."""
        return [span for span in self.forest.spans if same_trace(span.trace_id, trace_id)]

    def _items(self) -> Iterable[tuple[SpanKey, Span]]:
        return self._spans.items()


def same_trace(one: str, other: str) -> bool:
    """Whether two trace ids are one, if need be by the 64 bits that both have."""
    if one == other:
        return True
    short = "0" * 16
    return (one.startswith(short) or other.startswith(short)) and one[16:] == other[16:]


def keys_in(headers: Headers) -> list[SpanKey]:
    """The ids in every valid context header."""
    keys = []
    for name in formats_in(headers):
        try:
            context = extract(headers, name)
        except InvalidContext:
            continue
        key = None if context is None else key_of(context)
        if key is not None:
            keys.append(key)
    return keys


def key_of(context: SpanContext) -> SpanKey | None:
    """The ids that a context names; None where it names a trace and no span."""
    return None if context.span_id is None else (context.trace_id, context.span_id)


def senders_of(requests: Sequence[RequestData], index: Index) -> dict[int, Sender]:
    """The sender of each request, by the number of the request.

    A request's client span is the one that its header names. Where the header is lost or
    wrong it is the one that was started below the span that was current, while the request
    was on its way, for the same method and URL, and that no other request has.
    """
    clients: dict[SpanKey | None, list[Span]] = {}
    for span in index.forest.spans:
        if span.kind == "client":
            parent = (span.trace_id, span.parent_id) if span.parent_id else None
            clients.setdefault(parent, []).append(span)
    found: dict[int, Sender] = {}
    taken: set[int] = set()
    open_cases: list[tuple[RequestData, list[Span]]] = []
    for request in requests:
        candidates = _candidates(request, clients, index)
        keys = keys_in(request.headers)
        named = next((one for one in candidates if _key(one) in keys), None)
        if named is None:
            named = next((span for span in _named(request, keys, index)), None)
        if named is not None:
            taken.add(id(named))
            found[request.number] = _sender(request, named, index)
        else:
            open_cases.append((request, candidates))
    for request, candidates in open_cases:
        free = [span for span in candidates if id(span) not in taken]
        if free:
            taken.add(id(free[0]))
        found[request.number] = _sender(request, free[0] if free else None, index)
    return found


def _named(request: RequestData, keys: Sequence[SpanKey], index: Index) -> Iterable[Span]:
    """A client span that stands in the header and was open around this request.

    One span may cover several requests on the wire: redirects, rounds of authentication.
    """
    for key in keys:
        span = index.get(key)
        if span is None or span.kind != "client" or not _was_open(span, request.start_ns):
            continue
        above = {_key(one) for one in (span, *span.ancestors)}
        around = [(ref.trace_id, ref.span_id) for ref in request.current]
        if not around or any(one in above for one in around):
            yield span


def _sender(request: RequestData, client: Span | None, index: Index) -> Sender:
    current = _current(request.current)
    if client is not None:
        return Sender(client, _key(client), current, is_client=True)
    return Sender(index.get(current), current)


def _current(refs: Sequence[SpanRef]) -> SpanKey | None:
    """The span that was current: that of an instrumentation rather than one made by hand."""
    ordered = sorted(refs, key=lambda ref: ref.source == "handwritten")
    return (ordered[0].trace_id, ordered[0].span_id) if ordered else None


def _candidates(
    request: RequestData, clients: dict[SpanKey | None, list[Span]], index: Index
) -> list[Span]:
    """Client spans that may be this request's own, by place, time, method and URL."""
    current = _current(request.current)
    around = index.get(current)
    if around is not None and around.kind == "client" and _fits(around, request):
        return [around]  # the instrumentation works further out than where requests are seen
    below = [span for span in clients.get(current, ()) if _fits(span, request)]
    end = request.end_ns
    timely = [
        span
        for span in below
        if span.start_ns >= request.start_ns and (end is None or span.start_ns <= end)
    ]
    # Where the time is frozen, or another clock gives it, the rest has to do.
    return timely or [span for span in below if _attribute(span, _URL) is not None]


def _fits(span: Span, request: RequestData) -> bool:
    url, method = _attribute(span, _URL), _attribute(span, _METHOD)
    if method is not None and method.upper() not in (request.method.upper(), "_OTHER"):
        return False
    return url is None or _place(url) == _place(request.url)


def _attribute(span: Span, names: Sequence[str]) -> str | None:
    found = next((span.attributes[name] for name in names if name in span.attributes), None)
    return found if isinstance(found, str) else None


def _place(url: str) -> tuple[str, str | None, int | None, str]:
    """What is left of a URL when all that instrumentations may hide is taken away."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # not a URL
        return url, None, None, ""
    return parts.scheme, parts.hostname, port, parts.path or "/"


def _was_open(span: Span, at_ns: int) -> bool:
    return span.start_ns <= at_ns and (span.end_ns is None or span.end_ns >= at_ns)


def _key(span: Span) -> SpanKey:
    return span.trace_id, span.span_id
