"""Feeding a recording by hand: spans of the test, or of the application's own tracer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_traces.model import KINDS, Kind
from pytest_traces.recording import SpanKey, journal
from pytest_traces.settings import BadValue
from pytest_traces.shape.usage import understood
from pytest_traces.sources.handwritten.blocks import SpanBlock
from pytest_traces.sources.handwritten.reading import read_span
from pytest_traces.sources.handwritten.taps import Tap
from pytest_traces.sources.handwritten.watching import Watch
from pytest_traces.traces.view import Viewing


class Feeding(Viewing):
    """The four ways to give spans to a recording."""

    def add(self, span: object, unit: str = "ms") -> None:
        """Record a span of the application's own making.

        Args:
            span: any object or mapping with trace id, span id, name, start, end (or duration)
                and perhaps parent id, kind, status, attributes, events, links, service, scope;
                in snake_case or camelCase. Ids are hex strings or integers; times numbers,
                ISO 8601 strings or datetimes.
            unit: of times that are bare numbers: ``ns``, ``us``, ``ms`` or ``s``; a name such
                as ``start_ns`` states its own.

        Raises:
            UnreadableSpan: a field is missing or wrong (a ValueError); it names the field.
            RuntimeError: the recording is over.

        Example:
            >>> traces.add({"traceId": "4bf9", "spanId": "a1", "name": "book",
            ...             "start": 1700000000.1, "end": 1700000000.2}, unit="s")
        """
        __tracebackhide__ = True
        self._must_be_open("add")
        journal.put(understood(read_span, span, unit))

    def tap(self, owner: object, name: str, unit: str = "ms") -> None:
        """Record whatever the application passes to one of its functions, until the end.

        The function does what it did. Names bound by ``from module import name`` before are
        rebound where they are found in a module. A tap that nobody calls fails the test.

        Args:
            owner: the module, class or object that has the function; or a module's name.
            name: the function. It is passed a span, a list of spans, or the fields of one.
            unit: as for :meth:`add`.

        Raises:
            BadValue: no such function, no such unit.
            RuntimeError: the recording is over.

        Example:
            >>> traces.tap(app.tracing, "record_span", unit="s")
        """
        __tracebackhide__ = True
        self._must_be_open("tap")
        understood(Tap, journal, self._frame.recording, owner, name, unit).install()

    def watch(self, spans: list[Any], unit: str = "ms") -> None:
        """Record whatever the application appends to this list from now on.

        Args:
            spans: the list itself; what is in it already is left out.
            unit: as for :meth:`add`.

        Raises:
            BadValue: not a list, no such unit.
            RuntimeError: the recording is over.

        Example:
            >>> traces.watch(app.tracing.SPANS, unit="s")
        """
        __tracebackhide__ = True
        self._must_be_open("watch")
        understood(Watch, journal, spans, unit).install(self._frame.recording)

    def start_span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        attributes: Mapping[str, object] | None = None,
    ) -> SpanBlock:
        """Record a span around this block, a child of the enclosing one.

        Args:
            name: of the span.
            kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
            attributes: of the span; more may be set on what the block yields.

        Raises:
            RuntimeError: the recording is over.

        Example:
            >>> with traces.start_span("db.query") as span:
            ...     span.attributes["rows"] = 3
        """
        __tracebackhide__ = True
        self._must_be_open("start_span")
        if not isinstance(name, str):
            raise BadValue("name", name, "a name is a text")
        if kind not in KINDS:
            raise BadValue("kind", kind, f"a kind is one of {', '.join(KINDS)}")
        return SpanBlock(name, kind, attributes or {}, _current_elsewhere)

    def _must_be_open(self, method: str) -> None:
        __tracebackhide__ = True
        if not self._frame.recording.is_open:
            raise RuntimeError(f"{method}: the recording is over; nothing can be added to it")


def _current_elsewhere() -> SpanKey | None:
    """The current span of a source that is not this package's own."""
    current = (
        source.current() for source in journal.sources.values() if source.name != "handwritten"
    )
    return next((key for key in current if key is not None), None)
