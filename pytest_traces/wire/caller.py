"""The test as an upstream: a client span of its own, whose context goes only where headers go."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.propagation import SpanContext, inject, inject_baggage
from pytest_traces.propagation.registry import format_named
from pytest_traces.recording import Clock, Journal, SpanKey
from pytest_traces.settings import PLAYED, BadValue
from pytest_traces.sources.handwritten.blocks import Block, hold, release
from pytest_traces.sources.handwritten.outcome import description_of, exception_event


@dataclass(frozen=True)
class Calling:
    """What a caller says of itself; see :meth:`Traces.caller`."""

    name: str
    formats: tuple[str, ...]
    baggage: Mapping[str, str]
    tracestate: tuple[tuple[str, str], ...]
    sampled: bool
    service: str | None


class Caller:
    """An upstream that the test plays, while its block is open.

    Attributes:
        name: of its span.
        context: its span's context.
        headers: what its requests carry: the context in each of its formats, and the baggage.

    Example:
        >>> with traces.caller("click", baggage={"tenant": "acme"}) as caller:
        ...     client.post("/checkout", headers=caller.headers)
    """

    def __init__(self, calling: Calling) -> None:
        self.name = calling.name
        # A format of 64 bits has the lower half only, and its receivers are in that trace.
        is_short = "ottrace" in calling.formats
        self.context = SpanContext(
            "0" * 16 + secrets.token_hex(8) if is_short else secrets.token_hex(16),
            secrets.token_hex(8),
            sampled=calling.sampled,
            tracestate=calling.tracestate,
        )
        self._calling = calling
        self.headers: dict[str, str] = {}
        for name in calling.formats:
            self.headers |= self.headers_in(name)
        self.headers |= inject_baggage(calling.baggage)

    def headers_in(self, format: str) -> dict[str, str]:  # noqa: A002  # the public word for it
        """Its context in one format, whatever :attr:`headers` has; without the baggage.

        Raises:
            BadValue: an unknown format.
        """
        context = self.context
        if format != "tracecontext":  # no other format has a tracestate
            context = SpanContext(context.trace_id, context.span_id, sampled=context.sampled)
        return inject(context, format)

    @property
    def trace_id(self) -> str:
        """32 lower-case hex digits."""
        return self.context.trace_id

    @property
    def span_id(self) -> str:
        """16 lower-case hex digits."""
        return self.key[1]

    @property
    def key(self) -> SpanKey:
        """Trace id and span id."""
        return self.context.trace_id, self.context.span_id or ""

    def __repr__(self) -> str:
        return f"<Caller {self.name!r}>"


class CallerSpan:
    """The span of a caller, from begin to end. It is never current."""

    def __init__(self, journal: Journal, caller: Caller, calling: Calling) -> None:
        self._journal = journal
        self._block = Block(caller.trace_id, None, None, {})
        self._block.span_id = caller.span_id
        self._data = SpanData(
            name=calling.name,
            trace_id=caller.trace_id,
            span_id=caller.span_id,
            parent_id=None,
            start_ns=Clock.time_ns(),
            end_ns=None,
            kind="client",
            service=calling.service,
            scope="pytest-traces",
            source=PLAYED,
            sampled=calling.sampled,
            thread=threading.current_thread().name,
        )
        self._number = journal.put(self._data)
        hold(self._block)  # an assertion inside of the block does not wait for its end

    def end(self, error: BaseException | None) -> None:
        """The block is over."""
        release(self._block)
        data, now = self._data, Clock.time_ns()
        if error is not None:
            data = data._replace(
                status="error",
                status_description=description_of(error),
                events=(exception_event(type(error), str(error), now),),
            )
        self._journal.replace(self._number, data._replace(end_ns=max(now, data.start_ns)))


def read_calling(
    name: str,
    format: str | Sequence[str],  # noqa: A002  # the public word for it
    baggage: Mapping[str, str] | None,
    tracestate: Mapping[str, str] | None,
    *,
    sampled: Any,
    service: str | None,
) -> Calling:
    """The arguments of a caller.

    Raises:
        BadValue: a name that is no text, an unknown format, members that are no texts.
    """
    if not isinstance(name, str) or not name:
        raise BadValue("name", name, "a name is a text that is not empty")
    if not isinstance(sampled, bool):
        raise BadValue("sampled", sampled, "it is True or False")
    if service is not None and not isinstance(service, str):
        raise BadValue("service", service, "the name of a service is a text")
    if not isinstance(format, str | Sequence):
        raise BadValue("format", format, "it is the name of a format, or several")
    formats = (format,) if isinstance(format, str) else tuple(format)
    if not formats:
        raise BadValue("format", format, "name at least one")
    for one in formats:
        format_named(one)
    for where, given in (("baggage", baggage), ("tracestate", tracestate)):
        if given is not None and not isinstance(given, Mapping):
            raise BadValue(where, given, 'it is a mapping of texts: {"key": "value"}')
    members = tuple((tracestate or {}).items())
    if members and "tracecontext" not in formats:
        raise BadValue("tracestate", tracestate, "only the format tracecontext has one")
    calling = Calling(name, formats, dict(baggage or {}), members, sampled, service)
    Caller(calling)  # what the headers cannot hold is refused here
    return calling
