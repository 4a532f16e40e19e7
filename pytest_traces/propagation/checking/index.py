"""The recorded spans by the ids that headers name."""

from __future__ import annotations

from functools import lru_cache

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Headers
from pytest_traces.propagation import (
    FORMATS,
    InvalidContext,
    SpanContext,
    extract,
    formats_in,
    headers_of,
)
from pytest_traces.recording import SpanKey

_SHORT = "0" * 16
_NAMES = frozenset(name for known in FORMATS for name in headers_of(known)) - {"baggage"}


class Index:
    """The spans of a forest by their ids."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self._spans = {key_of_span(span): span for span in forest.spans}
        self._short: dict[SpanKey, Span] | None = None
        self._traces: set[str] | None = None

    def get(self, key: SpanKey | None, *, exact: bool = False) -> Span | None:
        """The span with these ids.

        Args:
            key: trace id and span id.
            exact: whether the lower half of a trace id, which is all that a format of 64 bits
                has, does not stand for the whole.
        """
        if key is None:
            return None
        found = self._spans.get(key)
        if found is None and not exact and key[0].startswith(_SHORT):
            if self._short is None:
                self._short = {
                    (trace[16:], span): one for (trace, span), one in self._spans.items()
                }
            found = self._short.get((key[0][16:], key[1]))
        return found

    def has_trace(self, trace_id: str) -> bool:
        """Whether a span of this trace was recorded."""
        if self._traces is None:
            self._traces = {span.trace_id for span in self.forest.spans}
            self._traces |= {_SHORT + one[16:] for one in self._traces}
        return trace_id in self._traces


def key_of_span(span: Span) -> SpanKey:
    """Trace id and span id."""
    return span.trace_id, span.span_id


def key_of(context: SpanContext) -> SpanKey | None:
    """The ids that a context names; None where it names a trace and no span."""
    return None if context.span_id is None else (context.trace_id, context.span_id)


def same_trace(one: str, other: str, *, exact: bool = False) -> bool:
    """Whether two trace ids are one; if need be, by the 64 bits that both have."""
    if one == other:
        return True
    if exact:
        return False
    return (one.startswith(_SHORT) or other.startswith(_SHORT)) and one[16:] == other[16:]


def keys_in(headers: Headers) -> tuple[SpanKey, ...]:
    """The ids in every valid context header."""
    # Only what is of a context is kept: the others may be nobody's business.
    return _keys_in(tuple((name, value) for name, value in headers if _is_of_context(name)))


@lru_cache(maxsize=4096)
def _keys_in(headers: Headers) -> tuple[SpanKey, ...]:
    keys = []
    for name in formats_in(headers):
        try:
            context = extract(headers, name)
        except InvalidContext:
            continue
        key = None if context is None else key_of(context)
        if key is not None:
            keys.append(key)
    return tuple(keys)


@lru_cache(maxsize=1024)
def _is_of_context(name: str) -> bool:
    """Whether it is a header of a format, also as an environment writes it."""
    plain = name.lower().replace("_", "-").removeprefix("http-")
    return name == "REQUEST_METHOD" or plain in _NAMES
