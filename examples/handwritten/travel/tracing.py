"""A tracer in one page: spans, and the header that carries their context (W3C Trace Context)."""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field

logger = logging.getLogger(__name__)


@dataclass
class Span:
    """One operation; the times are milliseconds since the Unix epoch."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start: float
    end: float
    kind: str = "internal"
    attributes: Mapping[str, str] = field(default_factory=dict)


def record_span(span: Span) -> None:
    """Where finished spans go: a line of JSON each, in the log."""
    logger.info(json.dumps(asdict(span)))


@dataclass(frozen=True)
class SpanContext:
    """What others need to know of a span to become its children."""

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """This context as a header: version, trace id, span id, and the flag *sampled*."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    @classmethod
    def parse(cls, traceparent: str) -> "SpanContext | None":
        """The context in a header; None where the standard says that the header is ignored."""
        found = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", traceparent)
        if found is None or found[1] == "0" * 32 or found[2] == "0" * 16:
            return None
        return cls(trace_id=found[1], span_id=found[2])


_current: ContextVar[SpanContext | None] = ContextVar("current", default=None)


@contextmanager
def operation(
    name: str,
    *,
    kind: str = "internal",
    attributes: Mapping[str, str] | None = None,
    parent: SpanContext | None = None,
    record: Callable[[Span], None] | None = None,
) -> Iterator[SpanContext]:
    """Measures the block as a span, which goes to `record`, or else to `record_span`.

    It is a child of `parent`, or else of the operation around it, or else a root.
    """
    parent = parent or _current.get()
    trace_id = parent.trace_id if parent else secrets.token_hex(16)
    context = SpanContext(trace_id, secrets.token_hex(8))
    before = _current.set(context)
    start = time.time_ns() / 1e6
    try:
        yield context
    finally:
        _current.reset(before)
        span = Span(
            trace_id=trace_id,
            span_id=context.span_id,
            parent_id=parent.span_id if parent else None,
            name=name,
            start=start,
            end=time.time_ns() / 1e6,
            kind=kind,
            attributes=attributes or {},
        )
        (record or record_span)(span)
