"""The seven checks of a carried context; each gives its faults as data.

1. the context header is there exactly once; 2. it is valid by its own specification; 3. its
trace id is that of the sender; 4. its span id is the sender's; 5. its sampled bit is the
sender's; 6. tracestate and baggage are as asked for, and keep what came in; 7. headers of
several formats from one source agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.model import Headers
from pytest_traces.propagation import (
    FORMATS,
    InvalidContext,
    SpanContext,
    context_headers_of,
    extract,
    formats_in,
    headers_of,
)
from pytest_traces.propagation.checking.clock import had_ended
from pytest_traces.propagation.checking.fault import Fault, Relation
from pytest_traces.propagation.checking.incoming import Incoming
from pytest_traces.propagation.checking.index import Index, key_of, same_trace
from pytest_traces.propagation.checking.parts import Asked, check_parts
from pytest_traces.propagation.checking.places import Part, place_of
from pytest_traces.propagation.checking.senders import Sender
from pytest_traces.recording import SpanKey

#: A library that sends this header of its own, beside that of the recorded source.
_OWN_SOURCE = ("sentry", "datadog")
#: Baggage of Jaeger and of OpenTracing's tracers.
_BAGGAGE = ("jaeger-baggage", "jaeger-debug-id")
_BAGGAGE_PREFIXES = ("uberctx-", "ot-baggage-")
#: Formats whose headers may have the lower half of a trace id only.
_HALVES = ("b3", "b3multi", "jaeger", "datadog", "ottrace")


class Carried(NamedTuple):
    """Headers that should carry a context on, and whose context that is."""

    headers: Headers
    sender: Sender
    #: When they left, in nanoseconds since the Unix epoch, where that is known.
    at_ns: int | None = None
    #: What came in from the caller, which has to be kept.
    incoming: Incoming | None = None


def check(carried: Carried, wanted: str | None, asked: Asked, index: Index) -> list[Fault]:
    """Everything that is wrong with it.

    Args:
        carried: the headers, and who sent them.
        wanted: the format that has to be there; None for any one.
        asked: members of tracestate and baggage that have to be there.
        index: the recorded spans.
    """
    present = formats_in(carried.headers)
    if not present or (wanted is not None and wanted not in present):
        return [_missing(wanted, carried.headers, present)]
    names = present if wanted is None else [wanted]
    faults: list[Fault] = []
    contexts: dict[str, SpanContext] = {}
    for name in present:
        context, wrong = _read(carried.headers, name)
        if context is not None:
            contexts[name] = context
        if name in names:
            faults += wrong
    foreign = {name for name in contexts if _is_foreign(name, contexts[name], index)}
    if wanted is None and foreign == set(present):
        return [_missing(wanted, carried.headers, present)]  # none that this recording can judge
    linked = {name: _link_fault(carried, name, contexts[name], index) for name in contexts}
    apart = _disagreement(carried.headers, contexts, linked, foreign)
    for name in names:
        fault = linked.get(name)
        is_excused = wanted is None and name in foreign
        if fault is not None and not is_excused and all(name != one.format for one in apart):
            faults.append(fault)
    faults += apart
    return faults + check_parts(carried.headers, asked, carried.incoming)


def _missing(wanted: str | None, headers: Headers, present: Sequence[str]) -> Fault:
    """Nothing is there that would do; what is there instead."""
    others = {header for name in present for header in context_headers_of(name)}
    there = tuple(key for key, _ in headers if key.lower() in others)
    return Fault("missing", wanted, values=there)


def _read(headers: Headers, name: str) -> tuple[SpanContext | None, list[Fault]]:
    """Checks 1 and 2: there exactly once, and valid."""
    try:
        context = extract(headers, name)
    except InvalidContext as error:
        values = tuple(value for key, value in headers if key.lower() == error.header.lower())
        if len(values) > 1:
            fault = Fault("repeated", name, error.header, values[0], rule=error.rule, values=values)
        else:
            place = error.span
            fault = Fault("invalid", name, error.header, error.value, place, rule=error.rule)
        return None, [fault]
    if context is None:
        return None, [Fault("missing", name)]
    return context, [
        Fault("dropped", name, one.header, one.value, one.span, rule=one.rule)
        for one in context.problems
    ]


def _link_fault(carried: Carried, name: str, context: SpanContext, index: Index) -> Fault | None:
    """Checks 3 to 5: it names the sender, and says of it what is true."""
    exact = name not in _HALVES
    found = index.get(key_of(context), exact=exact)
    kind, relation = _wrong_link(carried, context, found, exact=exact)
    if kind is None:
        found = found or carried.sender.span
        if found is None or context.sampled in (None, *_bits_of(found)):
            return None
        kind = "sampled"
    place = place_of(carried.headers, name, context, kind)
    return Fault(
        kind, name, place.header, place.value, place.place,
        context=context, found=found, relation=relation,
    )  # fmt: skip


def _bits_of(span: Span) -> tuple[bool, ...]:
    """The sampled bits that are right for it: what was decided before its headers were written."""
    sampler = span.data.sampler
    return (sampler and sampler.bits) or (span.sampled,)


def _wrong_link(
    carried: Carried, context: SpanContext, found: Span | None, *, exact: bool
) -> tuple[Part | None, Relation | None]:
    """Which of its ids is not the sender's, and whose it is."""
    wanted = carried.sender.key
    if context.span_id is None:
        return "parent", "unrecorded"
    if wanted is None:  # nobody was current: any recorded span that is open will do
        if found is None:
            return "parent", "unrecorded"
        return ("parent", "ended") if had_ended(found, carried.at_ns) else (None, None)
    if not same_trace(context.trace_id, wanted[0], exact=exact):
        return "trace", _relation(found, carried)
    if context.span_id != wanted[1]:
        return "parent", _relation(found, carried)
    return None, None


def _relation(found: Span | None, carried: Carried) -> Relation:
    if found is None:
        return "unrecorded"
    key: SpanKey = (found.trace_id, found.span_id)
    if carried.sender.is_client and key == carried.sender.current:
        return "around"
    if carried.sender.span is not None and any(
        one is found for one in carried.sender.span.ancestors
    ):
        return "ancestor"
    return "ended" if had_ended(found, carried.at_ns) else "other"


def _disagreement(
    headers: Headers,
    contexts: dict[str, SpanContext],
    linked: dict[str, Fault | None],
    foreign: set[str],
) -> list[Fault]:
    """Check 7: the formats that say something else than the first that is right, or the first."""
    names = [name for name in contexts if name not in foreign]
    right = next((name for name in names if linked[name] is None), names[0] if names else None)
    if right is None:
        return []
    against = place_of(headers, right, contexts[right], "parent")
    faults = []
    for name in names:
        part = _difference(contexts[name], contexts[right])
        if part is not None:
            place = place_of(headers, name, contexts[name], part)
            fault = Fault("disagree", name, place.header, place.value, place.place)
            pair = (against.header, against.value)
            faults.append(fault._replace(context=contexts[name], against=pair))
    return faults


def _difference(one: SpanContext, other: SpanContext) -> Part | None:
    if not same_trace(one.trace_id, other.trace_id):
        return "trace"
    if one.span_id != other.span_id:
        return "parent"
    if None not in (one.sampled, other.sampled) and one.sampled != other.sampled:
        return "sampled"
    return None


def _is_foreign(name: str, context: SpanContext, index: Index) -> bool:
    """Whether this header is of a library that adds its own, and whose spans are not recorded."""
    return name in _OWN_SOURCE and not index.has_trace(context.trace_id)


def leaks_in(headers: Headers) -> list[Fault]:
    """Every header that tells the receiver something about the trace, valid or not."""
    names = {name for known in FORMATS for name in headers_of(known)} | {"baggage", *_BAGGAGE}
    return [
        Fault("leaked", None, key, value)
        for key, value in headers
        if key.lower() in names or key.lower().startswith(_BAGGAGE_PREFIXES)
    ]
