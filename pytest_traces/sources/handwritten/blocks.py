"""Spans recorded by hand around a block of code."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from pytest_traces.model import Kind, SpanData
from pytest_traces.recording import Clock, Journal, SpanKey
from pytest_traces.sources.handwritten.outcome import exception_event


class Block:
    """The span of one ``with`` block while it is open.

    Attributes:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        attributes: may be filled until the block ends.
    """

    def __init__(
        self, trace_id: str, around: SpanKey | None, attributes: Mapping[str, object]
    ) -> None:
        self.trace_id = trace_id
        self.span_id = secrets.token_hex(8)
        self.attributes = dict(attributes)
        self.thread = threading.get_ident()
        #: The span of another source that was current when this block began.
        self.around = around

    @property
    def key(self) -> SpanKey:
        """Trace id and span id."""
        return self.trace_id, self.span_id


_innermost: ContextVar[Block | None] = ContextVar("pytest_traces_block", default=None)
_open: list[Block] = []


def current_block() -> Block | None:
    """The innermost block of the calling context.

    It may have ended: a task keeps the context in which it was created.
    """
    return _innermost.get()


def blocks_of_this_thread() -> set[SpanKey]:
    """The keys of all blocks that the calling thread has open."""
    return {block.key for block in list(_open) if block.thread == threading.get_ident()}


@contextmanager
def span_block(
    journal: Journal,
    name: str,
    *,
    kind: Kind,
    attributes: Mapping[str, object],
    elsewhere: Callable[[], SpanKey | None],
) -> Iterator[Block]:
    """Record a span from here to the end of the block.

    It is a child of the enclosing block, or of the current span of another source, which
    ``elsewhere`` finds, where that one is the newer.
    """
    around = elsewhere()
    parent = _parent(around)
    block = Block(parent[0] if parent else secrets.token_hex(16), around, attributes)
    data = SpanData(
        name=name,
        trace_id=block.trace_id,
        span_id=block.span_id,
        parent_id=parent[1] if parent else None,
        start_ns=Clock.time_ns(),
        end_ns=None,
        kind=kind,
        attributes=block.attributes,
        thread=threading.current_thread().name,
    )
    number = journal.put(data)
    _open.append(block)
    enclosing = _innermost.get()
    _innermost.set(block)
    try:
        yield block
    except BaseException as error:
        data = data._replace(
            status="error",
            status_description=f"{type(error).__name__}: {error}",
            events=(exception_event(type(error), str(error), Clock.time_ns()),),
        )
        raise
    finally:
        # Not by a token: the second half of an asynchronous fixture has another context.
        if _innermost.get() is block:
            _innermost.set(enclosing)
        _open.remove(block)
        ended = data._replace(
            end_ns=max(Clock.time_ns(), data.start_ns), attributes=dict(block.attributes)
        )
        journal.replace(number, ended)


def _parent(elsewhere: SpanKey | None) -> SpanKey | None:
    enclosing = current_block()
    if enclosing is None or (elsewhere is not None and elsewhere != enclosing.around):
        return elsewhere
    return enclosing.key
