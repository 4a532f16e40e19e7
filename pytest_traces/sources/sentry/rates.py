"""What decides which transactions Sentry keeps."""

from __future__ import annotations

import sys
from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.sources.samplers import Sampler

_RATE = "traces_sample_rate"


def rate(span: SpanData) -> Sampler | None:
    """Sentry's ``traces_sampler``, or else its ``traces_sample_rate``.

    Without either nothing is kept. The rate is that of new traces: one that goes on is kept or
    dropped as its caller did, if that one has said (Sentry's documentation, "Sampling").

    Args:
        span: what was kept or dropped.
    """
    sdk: Any = sys.modules.get("sentry_sdk")
    try:
        client = sdk.get_client()
        options = client.options if client.is_active() else None
    except AttributeError:  # not imported, or older than this interface
        return None
    if options is None:
        return Sampler("Sentry, which sentry_sdk.init() never set up")
    chosen = options.get("traces_sampler")
    if callable(chosen):
        name = getattr(chosen, "__name__", type(chosen).__name__)
        return Sampler(f"Sentry's traces_sampler ({name})")
    number = options.get(_RATE)
    if number is None:
        return Sampler(f"Sentry, where no {_RATE} is set")
    # Only where the rate cannot have decided so is it certain that the caller did.
    follows = (number >= 1 and not span.sampled) or (number <= 0 and span.sampled)
    return Sampler("Sentry" if follows else f"Sentry's {_RATE} ({number})", follows)
