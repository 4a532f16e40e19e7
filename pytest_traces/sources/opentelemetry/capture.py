"""The two hooks on the SDK's classes: where spans are made, and where they end."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable
from threading import get_ident
from types import ModuleType
from typing import Any

from pytest_traces.recording import Clock, Journal, Recording
from pytest_traces.sources.opentelemetry.pending import Pending
from pytest_traces.sources.opentelemetry.records import Records
from pytest_traces.sources.opentelemetry.sampling import start_unsampled
from pytest_traces.sources.patching import Patches
from pytest_traces.sources.work import work

_PARAMETERS = (
    "self", "name", "context", "kind", "attributes", "links", "start_time", "record_exception",
    "set_status_on_exception",
)  # fmt: skip
#: An explicit time this near to the clock's is the clock's.
_PRESENT_NS = 1_000_000


class SpanHooks:
    """Wraps ``Tracer.start_span`` and ``Span.end`` of ``opentelemetry.sdk.trace``.

    Both run inside the application's own code, so they do no more than they must: each reads
    two clocks and adds the span to a list.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Patches()
        self._span_type: type[Any] = object
        self._pending = Pending(journal)
        #: Reads what these hooks put into the journal.
        self.records: Records = self._pending.records

    def install(self, sdk: ModuleType) -> None:
        """Hook the classes of the SDK module; twice is once."""
        self._span_type = sdk.Span
        plain = getattr(sdk, "_Span", sdk.Span)
        self._patches.replace(sdk.Tracer, "start_span", lambda own: self._wrap_start(own, plain))
        self._patches.replace(sdk.Span, "end", self._wrap_end)

    def uninstall(self) -> None:
        """Restore both methods."""
        self._patches.undo()
        self.forget()

    def forget(self) -> None:
        """Let go of spans that are still open: their recordings have copied them."""
        self._pending.forget()
        self.records.forget()

    def flush(self) -> None:
        """Enter what has started and pack what has ended; several threads may do so at once."""
        self._pending.drain()
        self._pending.remark_unseen()

    def _wrap_start(self, start_span: Callable[..., Any], plain: type[Any]) -> Callable[..., Any]:
        parameters = inspect.signature(start_span).parameters
        if tuple(parameters) != _PARAMETERS:  # another SDK than those known: slower, but right
            return self._wrap_any_start(start_span)
        journal, windows, take = self._journal, self._journal.windows, self._take(start_span)
        local, begin_thread = self._pending.local, self._pending.begin_thread
        perf_ns, cpu_ns, counting = Clock.perf_counter_ns, Clock.thread_time_ns, work.running
        internal = parameters["kind"].default

        # Spelled out: packing and unpacking arguments would cost more than recording does.
        def start_and_record(
            tracer: Any, name: str, context: Any = None, kind: Any = internal,
            attributes: Any = None, links: Any = (), start_time: int | None = None,
            record_exception: bool = True, set_status_on_exception: bool = True,
        ) -> Any:  # fmt: skip
            span = start_span(
                tracer, name, context, kind, attributes, links, start_time, record_exception,
                set_status_on_exception,
            )  # fmt: skip
            if windows:
                if type(span) is plain:
                    began = perf_ns() if start_time is None or is_now(start_time) else 0
                    try:
                        local.keep((span, began, cpu_ns()))
                    except AttributeError:
                        begin_thread()
                        local.keep((span, began, cpu_ns()))
                    if counting:
                        work.begin(span)
                    if journal.waiters:
                        journal.wake()
                    return span
                args = (name, context, kind, attributes, links, start_time, record_exception,
                        set_status_on_exception)  # fmt: skip
                return take(tracer, span, args, {})
            return span

        return _named_like(start_and_record, start_span)

    def _wrap_any_start(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        windows, take = self._journal.windows, self._take(start_span)

        def start_and_record(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            span = start_span(tracer, *args, **kwargs)
            return take(tracer, span, args, kwargs) if windows else span

        return _named_like(start_and_record, start_span)

    def _take(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        journal, pending = self._journal, self._pending

        def take(tracer: Any, span: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            skipping: Iterable[Recording] = ()
            if not isinstance(span, self._span_type):
                span, skipping = self._instead(start_span, tracer, span, args, kwargs)
                if not isinstance(span, self._span_type):
                    return span
            start_time = args[5] if len(args) > 5 else kwargs.get("start_time")
            default = start_time is None or is_now(start_time)
            began = Clock.perf_counter_ns() if default else 0
            number = pending.put(span, began, Clock.thread_time_ns())
            if work.running:
                work.begin(span)
            for window in skipping:
                window.left_out.add(number)
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
        journal, windows = self._journal, self._journal.windows
        pending, ended = self._pending, self._pending.ended
        perf_ns, cpu_ns, thread_of = Clock.perf_counter_ns, Clock.thread_time_ns, get_ident
        counting = work.running

        def end_and_record(span: Any, end_time: int | None = None) -> None:
            if not windows:
                end(span, end_time)
                return
            if counting:
                work.end(span)
            cpu, now = cpu_ns(), perf_ns() if end_time is None or is_now(end_time) else 0
            try:
                end(span, end_time)
            finally:
                if windows:
                    ended.extend((span, now, cpu, thread_of()))
                    if journal.waiters:
                        journal.wake()
                    if len(ended) > pending.limit:
                        pending.drain_batch()

        return _named_like(end_and_record, end)


def is_now(given: int) -> bool:
    """Whether a time that the application gives is the present, as the application sees it.

    Some libraries (Logfire) read the clock themselves, and give what every other span gets.
    """
    return abs(given - time.time_ns()) <= _PRESENT_NS  # not a kept one: it may stand still


def _named_like(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    # functools.wraps would copy the module too, and with it hide whose frame this is.
    wrapper.__name__, wrapper.__qualname__ = original.__name__, original.__qualname__
    wrapper.__doc__ = original.__doc__
    return wrapper
