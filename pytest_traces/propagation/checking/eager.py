"""Celery tasks that ran where they were called, so that no message was ever sent."""

from __future__ import annotations

from pytest_traces.forest import Forest, Span

_SCOPE = "opentelemetry.instrumentation.celery"


def eager_tasks(forest: Forest) -> list[Span]:
    """Spans of tasks that are children of a span of their own process, not of a header.

    A worker takes a task from a message, in a context of its own.
    """
    return [
        span
        for span in forest.spans
        if span.scope == _SCOPE
        and span.kind == "consumer"
        and span.parent_id is not None
        and not span.remote_parent
    ]


def eager_hint(forest: Forest) -> str | None:
    """What to do where Celery tasks ran eagerly; None where none did.

    Example:
        >>> eager_hint(forest)
        "'run/shop.book' ran eagerly, which needs no headers and so hides broken ones: ..."
    """
    tasks = eager_tasks(forest)
    if not tasks:
        return None
    others = f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
    return (
        f"{tasks[0].name!r}{others} ran eagerly, which needs no headers and so hides broken ones: "
        "leave task_always_eager off, and start a worker in the test with "
        "celery.contrib.testing.worker.start_worker(app)"
    )
