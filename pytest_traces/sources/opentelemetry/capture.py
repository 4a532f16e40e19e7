"""The two hooks on the SDK's classes: where spans are made, and where they end."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import CodeType, FrameType, ModuleType
from typing import Any

from pytest_traces.recording import Journal, Recording
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
        # id(span) of those that a processor ended before ``start_span`` had returned.
        self._ended_early: set[int] = set()
        self._starting: set[CodeType] = set()

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
        self._ended_early.clear()
        records.forget()

    def flush(self) -> None:
        """Pack every span that has ended; several threads may do so at once."""
        ended, entries = self._ended, self._journal.entries
        while ended:
            try:
                number = ended.pop()
            except IndexError:
                return
            entry = entries.get(number)
            if entry is not None and entry[1] is None:
                # This may run in the application's own code. What cannot be packed stays as
                # it is, and is reported when somebody looks.
                with suppress(Exception):
                    entries[number] = records.pack(entry)

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

        self._starting.add(start_and_record.__code__)
        return _named_like(start_and_record, start_span)

    def _wrap_any_start(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        windows, take = self._journal.windows, self._take(start_span)

        def start_and_record(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            span = start_span(tracer, *args, **kwargs)
            return take(tracer, span, args, kwargs) if windows else span

        self._starting.add(start_and_record.__code__)
        return _named_like(start_and_record, start_span)

    def _take(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        journal, open_spans, numbers = self._journal, self._open, self._journal.numbers
        early, ended, thread = self._ended_early, self._ended, threading.current_thread

        def take(tracer: Any, span: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if id(span) in open_spans:  # taken by a layer of this hook below another's
                return span
            skipping: Iterable[Recording] = ()
            if not isinstance(span, self._span_type):
                span, skipping = self._instead(start_span, tracer, span, args, kwargs)
                if not isinstance(span, self._span_type):
                    return span
            # What Journal.put does, without the calls: this runs at every start.
            open_spans[id(span)] = number = next(numbers)
            for window in skipping:
                window.left_out.add(number)
            journal.entries[number] = (SOURCE, None, span, thread())
            if early and id(span) in early:
                early.discard(id(span))
                ended.append(open_spans.pop(id(span)))
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
    ) -> tuple[Any, Iterable[Recording]]:
        """What to record for a span that does not record itself, and who does not want it."""
        windows = list(self._journal.windows)
        skipping = [window for window in windows if not window.settings.record_unsampled]
        name = str(args[0] if args else kwargs.get("name"))
        for window in skipping:
            window.remark("unsampled", name)
        if len(skipping) == len(windows):
            return dropped, skipping
        span = start_unsampled(start_span, tracer, dropped, args, kwargs)
        if span is dropped:
            for window in windows:
                window.remark("disabled", name)
        return span, skipping

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
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code in self._starting:  # or it ends while it is being started
                self._ended_early.add(id(span))
                return
            frame = frame.f_back
        for window in self._journal.windows:
            if span.start_time is not None and span.start_time >= window.opened_ns:
                window.remark("bound", span.name)


def _named_like(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    # functools.wraps would copy the module too, and with it hide whose frame this is.
    wrapper.__name__, wrapper.__qualname__ = original.__name__, original.__qualname__
    wrapper.__doc__ = original.__doc__
    return wrapper
