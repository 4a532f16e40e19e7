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

#: Names and values of headers, in order, repeated ones repeated.
Headers = tuple[tuple[str, str], ...]

NO_ATTRIBUTES: Mapping[str, object] = MappingProxyType({})


class Event(NamedTuple):
    """Something that happened at one instant of a span, an exception for example.

    ``types`` are the names of the exception's class and of what that is derived from, where
    somebody who saw it has told them.
    """

    name: str
    time_ns: int | None = None
    attributes: Mapping[str, object] = NO_ATTRIBUTES
    types: tuple[str, ...] = ()


class Link(NamedTuple):
    """A reference from a span to another span that is not its parent."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, object] = NO_ATTRIBUTES


class Stamps(NamedTuple):
    """Clocks that the source read itself when the span started and ended, beside its times.

    Libraries that freeze or move time cannot reach them. ``start_ns`` and ``end_ns`` are of
    ``time.perf_counter_ns``, the others of ``time.thread_time_ns``, each in the thread of that
    moment. The ends are None while the span is open. ``work`` is the number of events of the
    interpreter that its thread has seen meanwhile, in a run in which they are counted.
    """

    start_ns: int
    end_ns: int | None
    cpu_start_ns: int
    cpu_end_ns: int | None
    start_thread: int
    end_thread: int | None
    work: int | None = None


class Sampler(NamedTuple):
    """What decided whether a span is kept.

    ``words`` is its name, for the middle of a sentence. ``follows_caller``: it decides as the
    caller of another process did. ``alone``: what it says is of this span, not of those below.
    ``bits`` are the sampled bits that are right in headers, where that is not ``sampled``: of a
    span that was to be kept and was lost, say. ``yields``: where another source tells of the same
    span, it is that one that has the say.
    """

    words: str
    follows_caller: bool = False
    alone: bool = False
    bits: tuple[bool, ...] = ()
    yields: bool = False


class Thrown(NamedTuple):
    """An exception, which nothing keeps alive: where it was, and the names of its classes.

    Names are those of its class and of what that is derived from, with their modules unless they
    are builtin ones. Two that are equal are the same exception, unless the one was gone before the
    other one came to be.
    """

    address: int
    types: tuple[str, ...]


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
    #: None where the application gave times of its own, or the span is of another process.
    stamps: Stamps | None = None
    #: What decided on ``sampled``, where the source was told.
    sampler: Sampler | None = None
    #: The exception that ended it, where the source was told.
    left_by: Thrown | None = None


class SpanRef(NamedTuple):
    """A span that was current somewhere: the source that says so, and its ids."""

    source: str
    trace_id: str
    span_id: str


#: ``outgoing`` is the application's own request; ``incoming`` one of a test client to the
#: application, in the same process; ``export`` one of an exporter of telemetry.
Role = Literal["outgoing", "incoming", "export"]


class RequestData(NamedTuple):
    """One HTTP request of this process, as its client sent it.

    ``headers`` are those that left; ``current`` the spans that were current where the request
    was made; ``through`` what carried it, where that is not the network: the class of a
    transport or the name of a mock. ``suppressed``: the caller told instrumentation to keep
    silent. ``added_early``: the headers that were there when the client was called.
    """

    number: int
    client: str
    method: str
    url: str
    headers: Headers
    start_ns: int
    end_ns: int | None = None
    status: int | None = None
    error: str | None = None
    role: Role = "outgoing"
    through: str | None = None
    current: tuple[SpanRef, ...] = ()
    suppressed: bool = False
    added_early: Headers = ()
    thread: str | None = None


class CarrierData(NamedTuple):
    """A carrier that a propagator wrote (``inject``) or read (``extract``), as it was then.

    ``current`` are the spans that were current where that happened.
    """

    number: int
    source: str
    action: Literal["inject", "extract"]
    headers: Headers
    time_ns: int
    current: tuple[SpanRef, ...] = ()
    thread: str | None = None


class ErrorData(NamedTuple):
    """An error that the application reported, beside or within a span.

    ``type`` is the name of the exception's class, None for a mere message. ``key`` are the
    trace id and the span id that the report names; ``unlinked`` says, where there are none,
    why. ``handled`` is whether the application caught it, None where nobody knows.
    ``wording`` is what ``str()`` of the exception says, where the report words it otherwise;
    ``thread`` names the thread that reported it, ``ticks_ns`` is when by
    ``time.perf_counter_ns``. ``beside`` are the ids of the span of the reporter's own that was
    current where the report names another one. ``thrown`` is the exception, then those that it
    came of; empty where nobody knows.
    """

    number: int
    source: str
    type: str | None
    message: str | None
    time_ns: int
    key: tuple[str, str] | None = None
    unlinked: str | None = None
    level: str = "error"
    handled: bool | None = None
    attributes: Mapping[str, object] = NO_ATTRIBUTES
    wording: str | None = None
    thread: str | None = None
    ticks_ns: int | None = None
    beside: tuple[str, str] | None = None
    thrown: tuple[Thrown, ...] = ()
