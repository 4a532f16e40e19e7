"""SpanData and its parts: frozen values, whichever source they come from.

The words are those of the OpenTelemetry specification (Trace API, "Span"). Kinds and
statuses are names, never numbers: the SDK counts kinds from INTERNAL=0 and OTLP from
UNSPECIFIED=0, so each source translates at its door.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]

KINDS: tuple[Kind, ...] = ("internal", "server", "client", "producer", "consumer")
STATUSES: tuple[Status, ...] = ("unset", "ok", "error")

NO_ATTRIBUTES: Mapping[str, object] = MappingProxyType({})


class Event(NamedTuple):
    """Something that happened at one instant of a span, an exception for example."""

    name: str
    time_ns: int | None = None
    attributes: Mapping[str, object] = NO_ATTRIBUTES


class Link(NamedTuple):
    """A reference from a span to another span that is not its parent."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, object] = NO_ATTRIBUTES


class SpanData(NamedTuple):
    """One span as its source recorded it.

    Ids are lower-case hex (32 and 16 digits), times integer nanoseconds since the Unix
    epoch, ``end_ns`` None while the span is open. ``thread`` names the thread that
    started it, where the source knows.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    end_ns: int | None
    kind: Kind = "internal"
    status: Status = "unset"
    status_description: str | None = None
    attributes: Mapping[str, object] = NO_ATTRIBUTES
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    service: str | None = None
    resource: Mapping[str, object] = NO_ATTRIBUTES
    scope: str | None = None
    source: str = "handwritten"
    sampled: bool = True
    remote_parent: bool = False
    thread: str | None = None
