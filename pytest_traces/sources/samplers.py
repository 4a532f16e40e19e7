"""What the libraries say about who decides which of their spans are kept."""

from __future__ import annotations

from typing import NamedTuple

from pytest_traces.model import SpanData
from pytest_traces.recording import Recording


class Sampler(NamedTuple):
    """Who decided.

    Attributes:
        words: its name, for the middle of a sentence.
        follows_caller: whether it decides as the caller of another process did.
    """

    words: str
    follows_caller: bool = False


def sampler_of(recording: Recording, span: SpanData) -> Sampler | None:
    """The sampler that has kept or dropped a span of this recording; None where nobody can tell."""
    from pytest_traces.sources.opentelemetry.samplers import decider
    from pytest_traces.sources.sentry.rates import rate

    if span.source == "opentelemetry":
        return decider(recording, span)
    return rate(span) if span.source == "sentry" else None
