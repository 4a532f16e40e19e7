"""Forests written down as paths with times."""

from collections.abc import Callable

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.model import SpanData, Stamps

START = 1_700_000_000_000_000_000
MS = 1_000_000

Grow = Callable[..., Forest]


def grown(*lines, unit=MS, kinds=None, work=None):
    """A forest of one trace of ``(path, start, end)``; a repeated path is one more span."""
    ids, spans = {}, []
    for number, (path, start, end) in enumerate(lines, 1):
        above, _, name = path.rpartition(" > ")
        ids[path] = f"{number:016x}"
        stamps = None
        if work is not None and end is not None:
            stamps = Stamps(start * unit, end * unit, 0, 0, 1, 1, work=work)
        spans.append(
            SpanData(
                name=name,
                trace_id=f"{1:032x}",
                span_id=ids[path],
                parent_id=ids.get(above),
                start_ns=START + start * unit,
                end_ns=None if end is None else START + end * unit,
                kind=(kinds or {}).get(path, "internal"),
                stamps=stamps,
            )
        )
    return assemble(spans)


@pytest.fixture(scope="session")
def grow() -> Grow:
    """Makes a forest of lines."""
    return grown
