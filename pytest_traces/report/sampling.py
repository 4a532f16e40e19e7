"""Spans that the application's own sampler kept or dropped, in words, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.report.explain import Message, finding_lines
from pytest_traces.report.focused import focused_lines
from pytest_traces.report.words import path_of, quoted
from pytest_traces.settings import LOADED

_MOST = 6


class Sampling(NamedTuple):
    """What was found: the spans that fit, those that are not as wanted, and what was wanted."""

    selection: str
    found: Sequence[Span]
    wrong: Sequence[Span]
    wanted: bool


def sampling_message(one: Sampling, forest: Forest) -> Message:
    """The failure: which spans are kept or dropped against what was wanted, and by whom."""
    message = Message(_verdict(one))
    message.tree = focused_lines(forest, one.wrong)
    told = {id(span) for span in one.wrong}
    reasons = [_reason(span, told) for span in one.wrong[:_MOST]]
    if len(set(reasons)) == 1:
        message.cause = reasons[0]
        reasons = [None] * len(reasons)
    if len(one.wrong) > 1:
        lines = Counter(
            path_of(span) + (f": {why}" if why else "")
            for span, why in zip(one.wrong, reasons, strict=False)
        )
        message.facts = [
            f"  {f'{often} × ' if often > 1 else ''}{line}" for line, often in lines.items()
        ]
        if len(one.wrong) > _MOST:
            message.facts.append(f"  and {len(one.wrong) - _MOST:,} more")
    message.facts += finding_lines(forest.findings)
    return message


def undecided_message(span: Span, why: str, forest: Forest) -> Message:
    """The failure where Sentry has the say on a span of OpenTelemetry, and was not asked."""
    message = Message(f"whether {path_of(span)} is sampled cannot be told: Sentry was not asked")
    message.tree = focused_lines(forest, [span])
    message.cause = f"with instrumenter='otel' Sentry decides, but {why}"
    if "DSN" in why:
        message.hint = (
            'sentry_sdk.init(dsn="http://key@localhost/1", ...); nothing is sent while a recording '
            "is open"
        )
    return message


def _verdict(one: Sampling) -> str:
    was = "is not sampled" if one.wanted else "is sampled"
    if len(one.found) == 1:
        return f"{path_of(one.found[0])} {was}, expected it {'' if one.wanted else 'not '}to be"
    which = f"{len(one.wrong):,} of {len(one.found):,} spans that fit {one.selection}"
    if len(one.wrong) > 1:
        was = was.replace("is", "are", 1)
    return f"{which} {was}, expected {'each' if one.wanted else 'none'} to be"


def _reason(span: Span, told: Collection[int]) -> str | None:
    """Why a span is kept or dropped, as far as the data shows it.

    Args:
        span: the span.
        told: the spans, by identity, whose own reasons are given beside.
    """
    verb = "kept" if span.sampled else "dropped"
    above = _decided_with(span)
    if above is not span:
        by = "" if id(above) in told else _by(above)
        return f"{verb} with its parent, {path_of(above)}{by}"
    if span.source in ("otlp", LOADED):
        return "a span of another process arrives here only if it is kept there"
    sampler = span.data.sampler
    if sampler is None:
        return None
    if span.remote_parent and sampler.follows_caller:
        did = "sampled" if span.sampled else "did not sample"
        name = quoted(span.name)
        return f"{name} continues a trace that its caller {did}, and {sampler.words} follows"
    return f"{verb} by {sampler.words}"


def _by(span: Span) -> str:
    """The rest of a sentence that says where the decision was made."""
    sampler = span.data.sampler
    return f", by {sampler.words}" if sampler is not None else ""


def _decided_with(span: Span) -> Span:
    """The highest span above it, without a break, of the same trace and decision."""
    own = span.data.sampler
    while (
        span.parent is not None
        and not (own is not None and own.alone)
        and span.parent.data.sampler == own
        and span.parent.sampled == span.sampled
        and span.parent.trace_id == span.trace_id
        and span.parent.source == span.source
    ):
        span = span.parent
    return span
