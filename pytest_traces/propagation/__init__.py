"""Contexts in headers: read and written in nine formats, each by its own specification.

Which rule was chosen where specifications and libraries disagree is in ``docs/propagation.md``.
"""

from __future__ import annotations

from pytest_traces.propagation.baggage import (
    BAGGAGE_FORMATS,
    Baggage,
    extract_baggage,
    inject_baggage,
)
from pytest_traces.propagation.carriers import Carrier
from pytest_traces.propagation.context import InvalidContext, Problem, SpanContext
from pytest_traces.propagation.members import BaggageMember
from pytest_traces.propagation.registry import (
    FORMATS,
    context_headers_of,
    extract,
    formats_in,
    headers_of,
    inject,
)

__all__ = [
    "BAGGAGE_FORMATS",
    "FORMATS",
    "Baggage",
    "BaggageMember",
    "Carrier",
    "InvalidContext",
    "Problem",
    "SpanContext",
    "context_headers_of",
    "extract",
    "extract_baggage",
    "formats_in",
    "headers_of",
    "inject",
    "inject_baggage",
]
