"""Celery tasks that ran where they were called."""

from __future__ import annotations

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.propagation.checking.eager import eager_hint, eager_tasks

TRACE, ABOVE = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TASK = SpanData(
    "run/shop.book", TRACE, "b7ad6b7169203331", ABOVE, 1, 2, kind="consumer",
    scope="opentelemetry.instrumentation.celery",
)  # fmt: skip
HINT = (
    " ran eagerly, which needs no headers and so hides broken ones: leave task_always_eager off, "
    "and start a worker in the test with celery.contrib.testing.worker.start_worker(app)"
)


def test_eager():
    """A task whose parent is a span of the same process was no message."""
    forest = assemble([TASK])
    assert eager_tasks(forest) == list(forest.spans)
    assert eager_hint(forest) == "'run/shop.book'" + HINT
    more = [TASK._replace(span_id=f"{number:016x}") for number in (1, 2)]
    assert eager_hint(assemble([TASK, *more])) == "'run/shop.book' and 2 more" + HINT


@pytest.mark.parametrize(
    "fields",
    [{"remote_parent": True}, {"parent_id": None}, {"kind": "producer"}, {"scope": "app"}],
    ids=lambda fields: next(iter(fields)),
)
def test_not_eager(fields):
    """One that came in a message, with context or without, is not; nor is any other span."""
    forest = assemble([TASK._replace(**fields)])
    assert eager_tasks(forest) == []
    assert eager_hint(forest) is None
