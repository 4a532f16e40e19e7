"""What came in from a caller, and so has to be passed on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.model import Headers
from pytest_traces.propagation.checking.index import Index, keys_in
from pytest_traces.recording import SpanKey


class Incoming(NamedTuple):
    """A context as it came in: its headers, and the span that sent it where that was recorded."""

    headers: Headers
    key: SpanKey
    sender: Span | None


class Arrivals:
    """Every context that came in, by the ids of the span that sent it."""

    def __init__(self, carriers: Iterable[Headers], index: Index) -> None:
        self._index = index
        self._by_key: dict[SpanKey, Incoming] = {}
        for headers in carriers:
            for key in keys_in(headers):
                self._by_key.setdefault(key, Incoming(headers, key, index.get(key)))

    def above(self, span: Span | None) -> Incoming | None:
        """The nearest context that came in above this span."""
        if span is None:
            return None
        for one in (span, *span.ancestors):
            if one.remote_parent and one.parent_id is not None:
                found = self._by_key.get((one.trace_id, one.parent_id))
                if found is not None:
                    return found
        return None
