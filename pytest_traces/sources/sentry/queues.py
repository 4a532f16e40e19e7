"""Spans of queues within each other: Celery's integration makes several of them for one step.

The context of a message is that of ``queue.submit.celery``, of the innermost where there are two,
and it arrives at ``queue.task.celery``; ``queue.publish`` and ``queue.process`` lie within these.
"""

from __future__ import annotations

from typing import Any

from pytest_traces.sources.sentry.book import Book
from pytest_traces.sources.sentry.kept import Kept
from pytest_traces.sources.sentry.reading import OP, key_of

_PREFIX = "queue."
_SUBMIT = "queue.submit."
#: What has another of its queue around it, and what that is.
_OUTER = {"queue.publish": _SUBMIT, "queue.process": "queue.task."}


def is_of_queue(book: Book, span: Any) -> bool:
    """Whether it is a span of a queue, of either life."""
    return _op_of(book, span).startswith(_PREFIX)


def is_inner(book: Book, span: Any) -> bool:
    """Whether it is the inner one of two, whose context is not that of the message."""
    outer = _OUTER.get(_op_of(book, span))
    return outer is not None and _around(book, span, outer) is not None


def outer_submit(book: Book, span: Any) -> Kept | None:
    """The span around this one, if both are those of sending one message."""
    is_submit = _op_of(book, span).startswith(_SUBMIT)
    return _around(book, span, _SUBMIT) if is_submit else None


def _around(book: Book, span: Any, op: str) -> Kept | None:
    """Its parent, if that is open and has an operation that begins so."""
    parent_id = getattr(span, "parent_span_id", None) or getattr(span, "_parent_span_id", None)
    for one in list(book.live.values()):
        if key_of(one)[1] == parent_id and _op_of(book, one.span).startswith(op):
            return one
    return None


def _op_of(book: Book, span: Any) -> str:
    op = getattr(span, "op", None)
    kept = book.live.get(id(span))
    if op is None and kept is not None:  # a streamed one; not sampled, it has forgotten it
        op = {**kept.attributes, **getattr(span, "_attributes", {})}.get(OP)
    return op if isinstance(op, str) else ""
