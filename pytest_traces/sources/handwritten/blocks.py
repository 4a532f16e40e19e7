"""Spans recorded by hand around a block of code."""

from __future__ import annotations

import secrets
import threading
import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType

from pytest_traces.model import Kind, SpanData
from pytest_traces.recording import Clock, SpanKey, journal
from pytest_traces.sources.handwritten.outcome import description_of, exception_event


class Block:
    """The span of one ``with`` block while it is open.

    Attributes:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        attributes: may be filled until the block ends.
    """

    def __init__(
        self,
        trace_id: str,
        enclosing: Block | None,
        around: SpanKey | None,
        attributes: Mapping[str, object],
    ) -> None:
        self.trace_id = trace_id
        self.span_id = secrets.token_hex(8)
        self.attributes = dict(attributes)
        self.thread = threading.get_ident()
        self.enclosing = enclosing
        #: The span of another source that was current when this block began.
        self.around = around
        #: Its number in the journal.
        self.number = 0

    @property
    def key(self) -> SpanKey:
        """Trace id and span id."""
        return self.trace_id, self.span_id


_innermost: ContextVar[Block | None] = ContextVar("pytest_traces_block", default=None)
_open: weakref.WeakSet[Block] = weakref.WeakSet()


def current_block() -> Block | None:
    """The innermost block of the calling context, if an open recording has it.

    It may have ended: a task keeps the context in which it was created. A block that an
    earlier test has never left is none of this one's.
    """
    block = _innermost.get()
    if block is None or not any(window.first < block.number for window in journal.windows):
        return None
    return block


def blocks_of_this_thread() -> set[SpanKey]:
    """The keys of all blocks that the calling thread has open."""
    return {block.key for block in list(_open) if block.thread == threading.get_ident()}


def hold(block: Block) -> None:
    """Count a block among the open ones of this thread, without making it current."""
    _open.add(block)


def release(block: Block) -> None:
    """It is over."""
    _open.discard(block)


class SpanBlock:
    """The ``with`` block of :meth:`Traces.start_span`: a span from its begin to its end.

    It is a child of the enclosing block, or of the current span of another source, which
    ``elsewhere`` finds, where that one is the newer.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        attributes: Mapping[str, object],
        elsewhere: Callable[[], SpanKey | None],
    ) -> None:
        self._name = name
        self._kind: Kind = kind
        self._attributes = attributes
        self._elsewhere = elsewhere
        self._begun: list[tuple[Block, SpanData]] = []

    def __enter__(self) -> Block:
        around, enclosing = self._elsewhere(), current_block()
        parent = _parent(enclosing, around)
        trace_id = parent[0] if parent else secrets.token_hex(16)
        block = Block(trace_id, enclosing, around, self._attributes)
        data = SpanData(
            name=self._name,
            trace_id=block.trace_id,
            span_id=block.span_id,
            parent_id=parent[1] if parent else None,
            start_ns=Clock.time_ns(),
            end_ns=None,
            kind=self._kind,
            attributes=block.attributes,
            thread=threading.current_thread().name,
        )
        block.number = journal.put(data)
        self._begun.append((block, data))
        hold(block)
        _innermost.set(block)
        return block

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        block, data = self._begun.pop()
        # Not by a token: the second half of an asynchronous fixture has another context, and
        # a block inside of this one may never have been left.
        inner = _innermost.get()
        while inner is not None and inner is not block:
            inner = inner.enclosing
        if inner is block:
            _innermost.set(block.enclosing)
        release(block)
        now = Clock.time_ns()
        if error is not None:
            data = data._replace(
                status="error",
                status_description=description_of(error),
                events=(exception_event(type(error), str(error), now),),
            )
        ended = data._replace(end_ns=max(now, data.start_ns), attributes=dict(block.attributes))
        journal.replace(block.number, ended)


def _parent(enclosing: Block | None, around: SpanKey | None) -> SpanKey | None:
    if enclosing is None or (around is not None and around != enclosing.around):
        return around
    return enclosing.key
