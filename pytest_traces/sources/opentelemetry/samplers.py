"""Which sampler of the OpenTelemetry SDK decided, as far as can be told."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from pytest_traces.model import Sampler, SpanData
from pytest_traces.recording import Recording

#: The topic of the remarks that name the samplers which dropped spans.
DROPPED_BY = "dropped by"
#: What it does with parents is the same in nearly every one.
_PARENT_BASED = re.compile(r"ParentBased\{root:(.*?),remoteParentSampled:.*")


def decider(recording: Recording, span: SpanData) -> Sampler | None:
    """The sampler that dropped the span, or else that of the global provider, if it is of that."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None if span.sampled else Sampler("OTEL_SDK_DISABLED, which is true")
    api: Any = sys.modules.get("opentelemetry.trace")
    provider: Any = getattr(api, "_TRACER_PROVIDER", None)
    if api is not None and isinstance(provider, api.NoOpTracerProvider):
        return None if span.sampled else Sampler("the global provider, which does nothing")
    dropped = () if span.sampled else tuple(recording.remarks.get(DROPPED_BY, ()))
    if dropped:
        follows = all(one.startswith("ParentBased") for one in dropped)
        return Sampler(" or ".join(_short(one) for one in dropped[:3]), follows)
    sampler = getattr(provider, "sampler", None)
    # One that was never made global has the same resource only where nobody gave it any.
    if sampler is None or dict(provider.resource.attributes) != dict(span.resource):
        return None
    text = describe(sampler)
    return Sampler(_short(text), text.startswith("ParentBased"))


def describe(sampler: Any) -> str:
    """How a sampler describes itself; the name of its class where it cannot."""
    try:
        return str(sampler.get_description())
    except Exception:  # noqa: BLE001  # the application's own sampler
        return type(sampler).__name__


def _short(description: str) -> str:
    return _PARENT_BASED.sub(r"ParentBased{root:\1}", description)
