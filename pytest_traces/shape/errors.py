"""Spans that went wrong: an error status, or an exception event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.shape.fields import type_names, value_matches


class SpanError(NamedTuple):
    """A span with an error, and what is known of it."""

    span: Span
    text: str


def errors_in(forest: Forest, allowed: Sequence[Any]) -> list[SpanError]:
    """The errors that are not allowed, in order of start.

    Args:
        forest: what was recorded.
        allowed: names of spans, in any way a name can be given, and types of exceptions.
    """
    types = {name for one in allowed if isinstance(one, type) for name in type_names(one)}
    names = [one for one in allowed if not isinstance(one, type)]
    found = []
    for span in forest.spans:
        if any(value_matches(name, span.name) for name in names):
            continue
        exceptions = [
            (str(event.attributes["exception.type"]), event.attributes.get("exception.message"))
            for event in span.events
            if "exception.type" in event.attributes
        ]
        bad = [one for one in exceptions if one[0] not in types]
        if bad:
            kind, message = bad[0]
            found.append(SpanError(span, f"{kind}: {message}" if message else kind))
        elif span.status == "error" and not exceptions:
            found.append(SpanError(span, span.status_description or "status error"))
    return found
