"""Why a context was lost, stale or there twice, as far as the data shows it."""

from __future__ import annotations

from pytest_traces.propagation.checking.fault import Fault
from pytest_traces.propagation.checking.verdict import Checked
from pytest_traces.report.causes import Cause
from pytest_traces.report.words import listed, path_of, quoted
from pytest_traces.sources.advice import Advice

_BY_THE_TEST = (
    "if the test itself sends it, as an upstream: "
    "with traces.caller('click') as caller: ... headers=caller.headers"
)


def lost_cause(one: Checked, advice: Advice | None) -> Cause:
    """The first cause that fits one of its faults; both parts may be None.

    Args:
        one: what was checked.
        advice: what a library says about a request without context.
    """
    for fault in one.faults:
        if fault.relation == "around" and one.request is None:
            return Cause(
                f"the context was injected before {quoted(_name(one))} began",
                "inject within its block, so that the consumer finds it as its parent",
            )
        if fault.kind == "missing":
            return _missing(one, fault, advice)
        cause = _added_early(one, fault) or _copied(one, fault) or _two(fault)
        if cause is not None:
            return cause
    return Cause()


def _missing(one: Checked, fault: Fault, advice: Advice | None) -> Cause:
    request, sender = one.request, one.carried.sender
    if fault.format is not None and fault.values:
        there = listed(dict.fromkeys(fault.values))
        return Cause(
            f"what is there is {there}; the format {fault.format} is asked for by format= or "
            "traces_format"
        )
    if request is None:
        return _missing_in_message(one)
    # Instrumentations suppress what is below their own client span.
    if request.data.suppressed and not sender.is_client:
        return Cause(
            "instrumentation was suppressed where it was sent (suppress_instrumentation)",
            "send it outside of that block, or leave it out with to= and traces_external",
        )
    if one.unused:
        return Cause(
            "a context was injected where it was sent, but not into the headers of this request",
            "pass them on: headers=headers",
        )
    return _missing_in_request(one, advice)


def _missing_in_request(one: Checked, advice: Advice | None) -> Cause:
    sender = one.carried.sender
    if sender.key is None:
        return Cause(f"no span was current where {one.title} was sent", _BY_THE_TEST)
    if advice is not None:
        return Cause(advice.cause, advice.hint)
    if sender.is_client and sender.span is not None:
        return Cause(
            f"its client span {quoted(sender.span.name)} was made, but the headers that left do "
            "not have its context: nothing injected it, or something below took it away"
        )
    return Cause("a span was current where it was sent, but nothing injected its context")


def _missing_in_message(one: Checked) -> Cause:
    sender = one.carried.sender.span
    if sender is None:
        return Cause("no span was current where it was sent")
    return Cause(
        f"nothing was injected while {quoted(sender.name)} was current",
        "within its block: opentelemetry.propagate.inject(headers)",
    )


def _added_early(one: Checked, fault: Fault) -> Cause | None:
    """The header was there before the instrumentation had made its span."""
    request, sender = one.request, one.carried.sender
    if request is None or fault.header is None or fault.value is None:
        return None
    early = {(name.lower(), value) for name, value in request.data.added_early}
    values = fault.values or (fault.value,)
    added = [value for value in values if (fault.header.lower(), value) in early]
    if not added:
        return None
    if fault.kind == "repeated":
        return Cause(
            f"the code that calls {request.client} adds {fault.header}, and the instrumentation "
            "adds it again",
            "leave it to the instrumentation",
        )
    copied = _copied(one, fault)
    if copied is not None or not sender.is_client or sender.span is None:
        return copied
    return Cause(
        f"{fault.header} was there when {request.client} was called, before its client span "
        f"{quoted(sender.span.name)} began",
        "leave it to the instrumentation, or inject within the client span",
    )


def _copied(one: Checked, fault: Fault) -> Cause | None:
    """The header is that of the request that came in."""
    incoming = one.copied
    if incoming is None or fault.header is None or fault.kind in ("tracestate", "baggage"):
        return None
    whose = f" of {path_of(incoming.sender)}" if incoming.sender is not None else ""
    return Cause(
        f"{fault.header} is that of the incoming request{whose}, passed on as it came",
        "do not copy context headers from the incoming request; inject the current context",
    )


def _two(fault: Fault) -> Cause | None:
    """Two libraries that inject."""
    if fault.kind == "repeated" and len(set(fault.values)) > 1:
        return Cause("two libraries inject, each its own span", "let one of them inject")
    if fault.kind == "disagree":
        return Cause(
            f"{fault.header} and {(fault.against or ('', ''))[0]} were written at two places, each "
            "with its own span"
        )
    return None


def _name(one: Checked) -> str:
    sender = one.carried.sender.span
    return sender.name if sender is not None else ""
