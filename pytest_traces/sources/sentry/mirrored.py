"""Spans that Sentry makes of OpenTelemetry's, with ``instrumenter="otel"``: the same ids twice.

Both become one span, in which the original has the say. So the copy claims no more than the
original does: neither a later end, nor a status that Sentry has made of that of HTTP, nor a kind
that is but a name.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pytest_traces.model import KINDS, Kind, SpanData

ORIGIN = "auto.otel"
_KIND = "otel.kind"
#: What Sentry calls an OpenTelemetry span whose status is error.
_ERROR = "internal_error"
#: By how much the copy's times may be later: they are rounded to microseconds.
_ROUNDED_NS = 1_000


def as_copy(data: SpanData, op: Any) -> SpanData:
    """The copy such that the original leads where both are there."""
    end, attributes = data.end_ns, dict(data.attributes)
    is_error = data.status_description == _ERROR
    told = attributes.pop(_KIND, None)
    name = str(getattr(told, "name", told)).lower()
    kinds: dict[str, Kind] = {one: one for one in KINDS}
    kind = kinds.get(name, "internal")
    if told is None and str(op).startswith("http."):
        kind = data.kind
    sampler = data.sampler
    if sampler is not None and not data.sampled:  # other headers say what OpenTelemetry decided
        sampler = sampler._replace(bits=(True, False))
    return data._replace(
        end_ns=None if end is None else max(data.start_ns, end - _ROUNDED_NS),
        kind=kind,
        status="error" if is_error else "unset",
        status_description=None,
        attributes=MappingProxyType(attributes),
        stamps=None,
        sampler=sampler,
    )
