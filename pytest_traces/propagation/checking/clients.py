"""The client spans of a forest: which of them may be the own span of a request."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from pytest_traces.forest import Forest, Span
from pytest_traces.model import RequestData
from pytest_traces.propagation.checking.clock import had_ended, is_apart
from pytest_traces.recording import SpanKey

_URL = ("url.full", "http.url")
METHOD = ("http.request.method", "http.method")
_OTHERS = ("db.", "messaging.", "rpc.")
_PORTS = {"http": 80, "https": 443}

Place = tuple[str, str | None, int | None, str]
Bucket = tuple[SpanKey | None, Place | None]


class ClientSpans:
    """Every client span by its parent and the URL that it names; each bucket in order of start."""

    def __init__(self, forest: Forest) -> None:
        self._buckets: dict[Bucket, list[Span]] = {}
        for span in forest.spans:
            if span.kind == "client":
                url = attribute(span, _URL)
                bucket = (_parent(span), None if url is None else place_of_url(url))
                self._buckets.setdefault(bucket, []).append(span)
        self._starts = {
            bucket: [span.start_ns for span in spans] for bucket, spans in self._buckets.items()
        }
        #: How many at the beginning of a bucket are taken for certain.
        self._used: dict[Bucket, int] = {}

    def is_own(self, span: Span, request: RequestData, current: SpanKey | None) -> bool:
        """Whether a span, named by the header, was made for this request."""
        if span.kind != "client" or _parent(span) != current or not fits(span, request):
            return False
        if _is_timely(span, request):
            return True
        return not _is_of_another(span) and not had_ended(span, request.start_ns)

    def free(self, request: RequestData, current: SpanKey | None, taken: set[int]) -> Span | None:
        """One that was made for this request as far as anybody knows, and that no other has.

        Those that began while it was on its way come first; then those of its URL that began
        before, by hand, or by a clock that a test has stopped.
        """
        place = place_of_url(request.url)
        for bucket in ((current, place), (current, None)):
            for span in self._from(bucket, request.start_ns):
                if request.end_ns is not None and span.start_ns > request.end_ns:
                    break
                if id(span) not in taken and fits(span, request):
                    return span
        for span in self._untaken((current, place), taken):
            known = is_apart(span, request.start_ns) or span.start_ns <= request.start_ns
            if known and fits(span, request) and not had_ended(span, request.start_ns):
                return span
        return None

    def _from(self, bucket: Bucket, start_ns: int) -> Iterable[Span]:
        spans = self._buckets.get(bucket, [])
        first = bisect_left(self._starts.get(bucket, []), start_ns)
        return (spans[at] for at in range(first, len(spans)))

    def _untaken(self, bucket: Bucket, taken: set[int]) -> Iterable[Span]:
        """Without going again through all that was taken before."""
        spans, first = self._buckets.get(bucket, []), self._used.get(bucket, 0)
        while first < len(spans) and id(spans[first]) in taken:
            first += 1
        self._used[bucket] = first
        return (spans[at] for at in range(first, len(spans)) if id(spans[at]) not in taken)


def fits(span: Span, request: RequestData) -> bool:
    """Whether what it says of method and URL, if anything, is the request's."""
    url, method = attribute(span, _URL), attribute(span, METHOD)
    if method is not None and method.upper() not in (request.method.upper(), "_OTHER"):
        return False
    return url is None or place_of_url(url) == place_of_url(request.url)


def has_address(span: Span) -> bool:
    """Whether it is of HTTP at all, and not of a database."""
    return any(attribute(span, names) is not None for names in (_URL, METHOD))


def _is_of_another(span: Span) -> bool:
    """Whether it is the client span of a database, a queue or another protocol."""
    return not has_address(span) and any(name.startswith(_OTHERS) for name in span.attributes)


@lru_cache(maxsize=4096)
def place_of_url(url: str) -> Place:
    """What is left of a URL when all that instrumentations may hide is taken away."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # not a URL
        return url, None, None, ""
    return parts.scheme, host, port, parts.path or "/"


def _is_timely(span: Span, request: RequestData) -> bool:
    end = request.end_ns
    return span.start_ns >= request.start_ns and (end is None or span.start_ns <= end)


def _parent(span: Span) -> SpanKey | None:
    return (span.trace_id, span.parent_id) if span.parent_id else None


def attribute(span: Span, names: Sequence[str]) -> str | None:
    """The first of these attributes that is a text."""
    found = next((span.attributes[name] for name in names if name in span.attributes), None)
    return found if isinstance(found, str) else None
