"""The two hooks on the SDK's classes: where spans are made, and where they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.opentelemetry.records import records
from pytest_traces.sources.opentelemetry.sampling import start_unsampled
from pytest_traces.sources.patching import Patches

#: Scopes of other pytest plugins that trace the tests themselves. Their spans are nobody's
#: application, and neither spans nor parents here.
TRACING_PLUGINS = frozenset(
    {
        "pytest-opentelemetry",
        "pytest_opentelemetry",
        "pytest-otel",
        "pytest_otel",
        "otel-extensions",
        "otel_extensions",
        "logfire.pytest",
    }
)


class SpanHooks:
    """Wraps ``Tracer.start_span`` and ``Span.end`` of ``opentelemetry.sdk.trace``."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Patches()
        self._span_type: type[Any] = object
        # id(span) -> (number in the journal, thread); the span lives as long as it is open.
        self._open: dict[int, tuple[int, str]] = {}

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

    def _wrap_start(self, start_span: Callable[..., Any]) -> Callable[..., Any]:
        windows, take = self._journal.windows, self._take

        def start_and_record(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            span = start_span(tracer, *args, **kwargs)
            if windows:
                return take(start_span, tracer, span, args, kwargs)
            return span

        return _named_like(start_and_record, start_span)

    def _take(
        self,
        start_span: Callable[..., Any],
        tracer: Any,
        span: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if not isinstance(span, self._span_type):
            if not self._journal.windows[-1].settings.record_unsampled:
                self._remark("unsampled", args, kwargs)
                return span
            span = start_unsampled(start_span, tracer, span, args, kwargs)
            if not isinstance(span, self._span_type):
                self._remark("disabled", args, kwargs)
                return span
        scope = span.instrumentation_scope
        if scope is not None and scope.name in TRACING_PLUGINS:
            return span
        thread = threading.current_thread().name
        number = self._journal.put(records.live(span, thread))
        self._open[id(span)] = (number, thread)
        return span

    def _wrap_end(self, end: Callable[..., None]) -> Callable[..., None]:
        open_spans, windows, finish = self._open, self._journal.windows, self._finish

        def end_and_record(span: Any, end_time: int | None = None) -> None:
            if not windows:
                end(span, end_time)
                return
            known = open_spans.pop(id(span), None)  # only the first end counts
            if known is None and span.end_time is None:
                self._end_of_unseen(span)
            try:
                end(span, end_time)
            finally:
                if known is not None:
                    finish(span, known)

        return _named_like(end_and_record, end)

    def _finish(self, span: Any, known: tuple[int, str]) -> None:
        number, thread = known
        self._journal.replace(number, records.pack(span, thread))

    def _end_of_unseen(self, span: Any) -> None:
        """A span that never came by: it began before the recording, or past the hook."""
        for window in self._journal.windows:
            if span.start_time is not None and span.start_time >= window.opened_ns:
                scope = span.instrumentation_scope
                if scope is None or scope.name not in TRACING_PLUGINS:
                    window.remark("bound", span.name)

    def _remark(self, topic: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name = args[0] if args else kwargs.get("name")
        for window in self._journal.windows:
            window.remark(topic, str(name))


def _named_like(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    # functools.wraps would copy the module too, and with it hide whose frame this is.
    wrapper.__name__, wrapper.__doc__ = original.__name__, original.__doc__
    return wrapper
