"""What the libraries say about who decides which of their spans are kept."""

from __future__ import annotations

from pytest_traces.model import Sampler, SpanData
from pytest_traces.recording import Recording


def sampler_of(recording: Recording, span: SpanData) -> Sampler | None:
    """The sampler that has kept or dropped a span of this recording; None where nobody can tell."""
    from pytest_traces.sources.opentelemetry.samplers import decider

    if span.sampler is not None:
        return span.sampler
    return decider(recording, span) if span.source == "opentelemetry" else None


def undecided(recording: Recording, span: SpanData) -> str | None:
    """Why nobody has decided on a span on which somebody else would have to; None if it is decided.

    Args:
        recording: what was recorded.
        span: one of its spans.
    """
    from pytest_traces.sources.sentry.unasked import unasked

    if span.source != "opentelemetry" or span.sampler is not None or not span.sampled:
        return None
    return unasked() if "sentry" in recording.settings.sources else None
