"""Spans recorded by hand around a block of code."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from pytest_traces.model import Event, Kind, SpanData
from pytest_traces.recording import Clock, Journal, SpanKey


class Block:
    """The span of one ``with`` block while it is open.

    Attributes:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        attributes: may be filled until the block ends.
    """

    def __init__(self, trace_id: str, around: SpanKey | None, attributes: Mapping[str, object]):
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
    """The innermost block of the calling context, if it is still open."""
    block = _innermost.get()
    return block if block in _open else None


def blocks_of_this_thread() -> set[SpanKey]:
    """The keys of all blocks that the calling thread has open."""
    return {block.key for block in _open if block.thread == threading.get_ident()}


@contextmanager
def span_block(
    journal: Journal,
    name: str,
    *,
    kind: Kind,
    attributes: Mapping[str, object],
    elsewhere: SpanKey | None,
) -> Iterator[Block]:
    """Record a span from here to the end of the block.

    It is a child of the enclosing block, or of ``elsewhere``, the current span of another
    source, where that one is the newer.
    """
    parent = _parent(elsewhere)
    block = Block(parent[0] if parent else secrets.token_hex(16), elsewhere, attributes)
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
    token = _innermost.set(block)
    try:
        yield block
    except BaseException as error:
        data = data._replace(
            status="error",
            status_description=f"{type(error).__name__}: {error}",
            events=(_exception_event(error),),
        )
        raise
    finally:
        _innermost.reset(token)
        _open.remove(block)
        ended = data._replace(end_ns=Clock.time_ns(), attributes=dict(block.attributes))
        journal.replace(number, ended)


def _parent(elsewhere: SpanKey | None) -> SpanKey | None:
    enclosing = current_block()
    if enclosing is None or (elsewhere is not None and elsewhere != enclosing.around):
        return elsewhere
    return enclosing.key


def _exception_event(error: BaseException) -> Event:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return Event(
        "exception",
        Clock.time_ns(),
        {"exception.type": f"{module}{kind.__qualname__}", "exception.message": str(error)},
    )
