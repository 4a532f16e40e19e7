"""OpenTelemetry's exporter as Sentry's OTLP integration sets it up: it sends to Sentry, too.

It is told by the header that no other receiver has, ``x-sentry-auth``, or by its path. An exporter
to a collector of the application's own is no affair of Sentry's, and left alone.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

from pytest_traces.sources.sentry.holding import Held
from pytest_traces.sources.sentry.hooks import Hooks, named_like

_HEADER = "x-sentry-auth"
#: ``EndpointType.OTLP_TRACES`` of the SDK.
_PATH = "/integration/otlp/"
_LEAVES = "what OTLPIntegration sends leaves the process"
_KIND = "OTLP export"
_ELSEWHERE = (
    "this opentelemetry-sdk keeps elsewhere what waits for its exporter: Sentry never gets what "
    "was waiting before the recording"
)


class OtlpHolding:
    """Wraps ``OTLPSpanExporter.export``."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._hooks = Hooks()
        # Spans that were in a queue when the recording opened, by their ids, and the queue.
        self._before: dict[int, tuple[Any, Any]] = {}
        #: Those of them that have come out of it meanwhile.
        self._waiting: list[tuple[Any, Any]] = []
        self._process = 0
        self._lost: list[str] = []

    @property
    def lost(self) -> list[str]:
        """What cannot be held back in this version."""
        return [*self._hooks.lost.values(), *self._lost]

    def install(self, module: ModuleType) -> None:
        """Hook the exporter of the module; twice is once."""
        success = module.SpanExportResult.SUCCESS

        def wrap(export: Callable[..., Any]) -> Callable[..., Any]:
            held = self._held

            def hold_back(exporter: Any, *args: Any, **kwargs: Any) -> Any:
                if not held.is_open or not is_for_sentry(exporter):
                    return export(exporter, *args, **kwargs)
                if not self._take(args[0] if args else kwargs.get("spans", ())):
                    held.note(_KIND)
                return success

            return named_like(hold_back, export)

        self._hooks.replace(module.OTLPSpanExporter, "export", wrap, _LEAVES)

    def _take(self, spans: Sequence[Any]) -> bool:
        """Keep those that waited before the recording; whether that is all."""
        known = [self._before.pop(id(span), None) for span in spans]
        self._waiting += [one for one in known if one is not None]
        return None not in known

    def keep_what_waits(self) -> None:
        """Have what is queued now go on waiting until the recording is over."""
        self._process, self._lost = os.getpid(), []
        for processor in _processors():
            queue = _queue_of(processor)
            if queue is not None:
                self._before.update((id(span), (queue, span)) for span in _copied(queue))
            elif _is_batching(processor):
                self._lost = [_ELSEWHERE]

    def drain(self) -> None:
        """Have the spans that wait for such an exporter go to it, while they are held back."""
        for processor in _processors():
            with suppress(Exception):  # it has been shut down, or is of another kind
                processor.force_flush()

    def uninstall(self) -> None:
        """Restore the exporter, and put what has waited where it was."""
        self._hooks.undo()
        waiting, self._waiting, self._before = self._waiting, [], {}
        if self._process != os.getpid():  # it is for the process that has it in its queue
            return
        for queue, span in reversed(waiting):
            if len(queue) != queue.maxlen:  # else newer ones would be pushed out
                queue.append(span)


def is_for_sentry(exporter: Any) -> bool:
    """Whether what it sends says to Sentry who sent it, or goes to where only Sentry listens."""
    if _PATH in str(getattr(exporter, "_endpoint", "")):
        return True
    # Newer versions have a client within, with the headers.
    every = (
        getattr(one, "_headers", None) for one in (exporter, getattr(exporter, "_client", None))
    )
    return any(
        str(name).lower() == _HEADER
        for headers in every
        if isinstance(headers, dict)
        for name in headers
    )


def _processors() -> Iterator[Any]:
    """Those of the global provider with an exporter to Sentry."""
    api: Any = sys.modules.get("opentelemetry.trace")
    provider = getattr(api, "_TRACER_PROVIDER", None)
    several = getattr(provider, "_active_span_processor", None)
    for processor in getattr(several, "_span_processors", ()):
        if any(is_for_sentry(one) for one in _exporters_of(processor)):
            yield processor


def _queue_of(processor: Any) -> deque[Any] | None:
    """What a processor has not exported yet, the oldest last, wherever its version keeps it."""
    inner = getattr(processor, "_batch_processor", None)
    queue = getattr(processor, "queue", getattr(inner, "_queue", None))
    return queue if isinstance(queue, deque) else None


def _is_batching(processor: Any) -> bool:
    export: Any = sys.modules.get("opentelemetry.sdk.trace.export")
    return export is not None and isinstance(processor, export.BatchSpanProcessor)


def _copied(queue: deque[Any]) -> tuple[Any, ...]:
    with suppress(RuntimeError):
        return tuple(queue)
    return _copied(queue)  # another thread has added one meanwhile


def _exporters_of(processor: Any) -> Iterator[Any]:
    """The exporter behind a processor, wherever its version keeps it."""
    for holder in (processor, getattr(processor, "_batch_processor", None)):
        for name in ("span_exporter", "_exporter"):
            exporter = getattr(holder, name, None)
            if exporter is not None:
                yield exporter
