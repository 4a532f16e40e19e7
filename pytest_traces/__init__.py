"""Assert on traces: tree shape, for OpenTelemetry and for hand-written spans.

The ``traces`` fixture records every span that a test emits; :func:`record` does the same
without pytest. Everything public is listed in ``__all__``.
"""

from pytest_traces.forest import Span, Trace
from pytest_traces.settings import BadValue
from pytest_traces.shape.fields import Glob, glob
from pytest_traces.shape.outline import OutlineError
from pytest_traces.shape.pattern import (
    Group,
    Pattern,
    PatternError,
    concurrent,
    in_order,
    sequential,
    span,
)
from pytest_traces.sources.handwritten.reading import UnreadableSpan
from pytest_traces.traces.session import record
from pytest_traces.traces.traces import Traces, View

__all__ = [
    "BadValue",
    "Glob",
    "Group",
    "OutlineError",
    "Pattern",
    "PatternError",
    "Span",
    "Trace",
    "Traces",
    "UnreadableSpan",
    "View",
    "concurrent",
    "glob",
    "in_order",
    "record",
    "sequential",
    "span",
]
