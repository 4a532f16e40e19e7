"""One thing that is wrong with a carried context, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pytest_traces.forest import Span
from pytest_traces.propagation.context import SpanContext

FaultKind = Literal[
    "missing", "repeated", "invalid", "dropped", "trace", "parent", "sampled", "disagree",
    "tracestate", "baggage", "leaked",
]  # fmt: skip
#: What a wrong span id names: the span around the right one, an ancestor further up, one that
#: had ended, another one; or nothing that was recorded.
Relation = Literal["around", "ancestor", "ended", "other", "unrecorded"]


class Fault(NamedTuple):
    """One broken rule of propagation.

    Attributes:
        kind: which check it failed. ``dropped``: a part that a receiver must drop.
        header: its name as it was sent; None where there is none.
        value: its value as it was sent.
        place: begin and end of what is wrong within the value.
        rule: the broken rule of the format, with its source.
        context: what the header says, where it can be read.
        found: the recorded span that it names.
        relation: how that span relates to the right one.
        values: of a header that was sent more than once, each value; where the context is
            missing, the headers of other contexts that are there.
        members: of tracestate or baggage, what should be there; the value None is any.
        kept: whether those members came in from the caller, or were asked for.
        against: of headers that disagree, the other one and its value.
    """

    kind: FaultKind
    format: str | None = None
    header: str | None = None
    value: str | None = None
    place: tuple[int, int] | None = None
    rule: str | None = None
    context: SpanContext | None = None
    found: Span | None = None
    relation: Relation | None = None
    values: tuple[str, ...] = ()
    members: tuple[tuple[str, str | None], ...] = ()
    kept: bool = False
    against: tuple[str, str] | None = None
