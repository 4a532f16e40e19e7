"""What the libraries say about who decides which of their spans are kept."""

from __future__ import annotations

from pytest_traces.model import SpanData
from pytest_traces.recording import Recording


def undecided(recording: Recording, span: SpanData) -> str | None:
    """Why nobody has decided on a span on which somebody else would have to; None if it is decided.

    Args:
        recording: what was recorded.
        span: one of its spans.
    """
    from pytest_traces.sources.sentry.unasked import unasked

    by_sentry = span.sampler is not None and not span.sampler.yields
    if span.source != "opentelemetry" or by_sentry or not span.sampled:
        return None
    return unasked() if "sentry" in recording.settings.sources else None
