"""The two hooks on the SDK's classes: where spans are made, and where they end."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.opentelemetry.records import SOURCE, records
from pytest_traces.sources.opentelemetry.sampling import start_unsampled
from pytest_traces.sources.patching import Patches

_BATCH = 2_000
_PARAMETERS = (
    "self", "name", "context", "kind", "attributes", "links", "start_time", "record_exception",
    "set_status_on_exception",
)  # fmt: skip


class SpanHooks:
    """Wraps ``Tracer.start_span`` and ``Span.end`` of ``opentelemetry.sdk.trace``.

    Both run inside the application's own code, so they do no more than they must: a start
    adds the live span to the journal, an end notes its number. Ended spans are packed a batch
    at a time, or when somebody looks.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Patches()
        self._span_type: type[Any] = object
        # id(span) -> its number in the journal, which keeps the span alive while it is open.
        self._open: dict[int, int] = {}
        self._ended: list[int] = []

    def install(self, sdk: ModuleType) -> None:
        """Hook the classes of the SDK module; twice is once."""
        self._span_type = sdk.Span
        self._patches.replace(sdk.Tracer, "start_span", self._wrap_start)
        self._patches.replace(sdk.Span, "end", self._wrap_end)

    def uninstall(self) -> None:
        """Restore both methods."""
        self._patches.undo()
        self.forget()

    def forget(self) -> None:
        """Let go of spans that are still open: their recordings have copied them."""
        self._open.clear()
        self._ended.clear()

    def flush(self) -> None:
        """Pack every span that has ended."""
        ended, entries = self._ended, self._journal.entries
        count = len(ended)
        for number in ended[:count]:
            entry = entries.get(number)
            if entry is not None and entry[1] is None:
                entries[number] = records.pack(entry)
        del ended[:count]

    def _wrap_start(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(start_span).parameters
        if tuple(parameters) != _PARAMETERS:  # another SDK than those known: slower, but right
            return self._wrap_any_start(start_span)
        windows, take = self._journal.windows, self._take(start_span)
        internal = parameters["kind"].default

        # Spelled out: packing and unpacking keywords would cost more than recording does.
        def start_and_record(
            tracer: Any,
            name: str,
            context: Any = None,
            kind: Any = internal,
            attributes: Any = None,
            links: Any = (),
            start_time: int | None = None,
            record_exception: bool = True,
            set_status_on_exception: bool = True,
        ) -> Any:
            args = (name, context, kind, attributes, links, start_time, record_exception,
                    set_status_on_exception)  # fmt: skip
            span = start_span(tracer, *args)
            return take(tracer, span, args, {}) if windows else span

        return _named_like(start_and_record, start_span)

    def _wrap_any_start(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        windows, take = self._journal.windows, self._take(start_span)

        def start_and_record(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            span = start_span(tracer, *args, **kwargs)
            return take(tracer, span, args, kwargs) if windows else span

        return _named_like(start_and_record, start_span)

    def _take(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        journal, open_spans, numbers = self._journal, self._open, self._journal.numbers
        span_type, instead, thread = self._span_type, self._instead, threading.current_thread

        def take(tracer: Any, span: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if not isinstance(span, span_type):
                span = instead(start_span, tracer, span, args, kwargs)
                if not isinstance(span, span_type):
                    return span
            # What Journal.put does, without the calls: this runs at every start.
            open_spans[id(span)] = number = next(numbers)
            journal.entries[number] = (SOURCE, None, span, thread())
            if journal.waiters:
                journal.wake()
            return span

        return take

    def _instead(
        self,
        start_span: Callable[..., Any],
        tracer: Any,
        dropped: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """What to record for a span that does not record itself."""
        if not self._journal.windows[-1].settings.record_unsampled:
            self._remark("unsampled", args, kwargs)
            return dropped
        span = start_unsampled(start_span, tracer, dropped, args, kwargs)
        if span is dropped:
            self._remark("disabled", args, kwargs)
        return span

    def _wrap_end(self, end: Callable[..., None]) -> Callable[..., None]:
        open_spans, windows, ended = self._open, self._journal.windows, self._ended
        journal, flush = self._journal, self.flush

        def end_and_record(span: Any, end_time: int | None = None) -> None:
            if not windows:
                end(span, end_time)
                return
            number = open_spans.pop(id(span), None)  # only the first end counts
            if number is None and span.end_time is None:
                self._end_of_unseen(span)
            try:
                end(span, end_time)
            finally:
                if number is not None:
                    ended.append(number)
                    if journal.waiters:
                        journal.wake()
                    if len(ended) > _BATCH:
                        flush()

        return _named_like(end_and_record, end)

    def _end_of_unseen(self, span: Any) -> None:
        """A span that never came by: it began before the recording, or past the hook."""
        for window in self._journal.windows:
            if span.start_time is not None and span.start_time >= window.opened_ns:
                window.remark("bound", span.name)

    def _remark(self, topic: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name = args[0] if args else kwargs.get("name")
        for window in self._journal.windows:
            window.remark(topic, str(name))


def _named_like(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    # functools.wraps would copy the module too, and with it hide whose frame this is.
    wrapper.__name__, wrapper.__doc__ = original.__name__, original.__doc__
    return wrapper
