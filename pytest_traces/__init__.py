"""Assert on traces: the shape of the tree, the context that requests carry on, durations, counts.

The ``traces`` fixture records every span that a test emits; :func:`record` does the same
without pytest. Everything public is listed in ``__all__``, and is imported at first use:
pytest loads this module in every run, whether or not a test asks for a trace.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_traces.forest import Span as Span
    from pytest_traces.forest import Trace as Trace
    from pytest_traces.headers import SentHeaders as SentHeaders
    from pytest_traces.propagation.checking.messages import Message as Message
    from pytest_traces.propagation.checking.requests import Request as Request
    from pytest_traces.report.waited import CriticalPath as CriticalPath
    from pytest_traces.settings import BadValue as BadValue
    from pytest_traces.shape.errors import ErrorEvent as ErrorEvent
    from pytest_traces.shape.fields import Glob as Glob
    from pytest_traces.shape.fields import glob as glob
    from pytest_traces.shape.outline import OutlineError as OutlineError
    from pytest_traces.shape.pattern import Group as Group
    from pytest_traces.shape.pattern import Pattern as Pattern
    from pytest_traces.shape.pattern import PatternError as PatternError
    from pytest_traces.shape.pattern import concurrent as concurrent
    from pytest_traces.shape.pattern import in_order as in_order
    from pytest_traces.shape.pattern import sequential as sequential
    from pytest_traces.shape.pattern import span as span
    from pytest_traces.sources.files import UnreadableTrace as UnreadableTrace
    from pytest_traces.sources.handwritten.reading import UnreadableSpan as UnreadableSpan
    from pytest_traces.sources.work import CannotCount as CannotCount
    from pytest_traces.timing.critical_path import Segment as Segment
    from pytest_traces.timing.parallelism import Parallelism as Parallelism
    from pytest_traces.traces.exceeded import DurationExceeded as DurationExceeded
    from pytest_traces.traces.receiver import Receiver as Receiver
    from pytest_traces.traces.session import record as record
    from pytest_traces.traces.traces import Traces as Traces
    from pytest_traces.traces.traces import View as View
    from pytest_traces.wire.caller import Caller as Caller
    from pytest_traces.wire.stand_in import Received as Received
    from pytest_traces.wire.stand_in import StandIn as StandIn
    from pytest_traces.wire.stand_in import UnroutedRequest as UnroutedRequest

_HOMES = {
    "BadValue": "settings",
    "Caller": "wire.caller",
    "CannotCount": "sources.work",
    "CriticalPath": "report.waited",
    "DurationExceeded": "traces.exceeded",
    "ErrorEvent": "shape.errors",
    "Glob": "shape.fields",
    "Group": "shape.pattern",
    "Message": "propagation.checking.messages",
    "OutlineError": "shape.outline",
    "Parallelism": "timing.parallelism",
    "Pattern": "shape.pattern",
    "PatternError": "shape.pattern",
    "Received": "wire.stand_in",
    "Receiver": "traces.receiver",
    "Request": "propagation.checking.requests",
    "Segment": "timing.critical_path",
    "SentHeaders": "headers",
    "Span": "forest",
    "StandIn": "wire.stand_in",
    "Trace": "forest",
    "Traces": "traces.traces",
    "UnreadableSpan": "sources.handwritten.reading",
    "UnreadableTrace": "sources.files",
    "UnroutedRequest": "wire.stand_in",
    "View": "traces.traces",
    "concurrent": "shape.pattern",
    "glob": "shape.fields",
    "in_order": "shape.pattern",
    "record": "traces.session",
    "sequential": "shape.pattern",
    "span": "shape.pattern",
}

__all__ = [
    "BadValue",
    "Caller",
    "CannotCount",
    "CriticalPath",
    "DurationExceeded",
    "ErrorEvent",
    "Glob",
    "Group",
    "Message",
    "OutlineError",
    "Parallelism",
    "Pattern",
    "PatternError",
    "Received",
    "Receiver",
    "Request",
    "Segment",
    "SentHeaders",
    "Span",
    "StandIn",
    "Trace",
    "Traces",
    "UnreadableSpan",
    "UnreadableTrace",
    "UnroutedRequest",
    "View",
    "concurrent",
    "glob",
    "in_order",
    "record",
    "sequential",
    "span",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
