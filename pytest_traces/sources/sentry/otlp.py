"""OpenTelemetry's exporter as Sentry's OTLP integration sets it up: it sends to Sentry, too.

It is told by the header that no other receiver has, ``x-sentry-auth``, or by its path. An exporter
to a collector of the application's own is no affair of Sentry's, and left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
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


class OtlpHolding:
    """Wraps ``OTLPSpanExporter.export``."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._hooks = Hooks()

    @property
    def lost(self) -> list[str]:
        """What cannot be held back in this version."""
        return list(self._hooks.lost.values())

    def install(self, module: ModuleType) -> None:
        """Hook the exporter of the module; twice is once."""
        success = module.SpanExportResult.SUCCESS

        def wrap(export: Callable[..., Any]) -> Callable[..., Any]:
            held = self._held

            def hold_back(exporter: Any, *args: Any, **kwargs: Any) -> Any:
                if not held.is_open or not is_for_sentry(exporter):
                    return export(exporter, *args, **kwargs)
                held.note(_KIND)
                return success

            return named_like(hold_back, export)

        self._hooks.replace(module.OTLPSpanExporter, "export", wrap, _LEAVES)

    def drain(self) -> None:
        """Have the spans that wait for such an exporter go to it, while they are held back."""
        api: Any = sys.modules.get("opentelemetry.trace")
        provider = getattr(api, "_TRACER_PROVIDER", None)
        several = getattr(provider, "_active_span_processor", None)
        for processor in getattr(several, "_span_processors", ()):
            if any(is_for_sentry(one) for one in _exporters_of(processor)):
                with suppress(Exception):  # it has been shut down, or is of another kind
                    processor.force_flush()

    def uninstall(self) -> None:
        """Restore the exporter."""
        self._hooks.undo()


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


def _exporters_of(processor: Any) -> Iterator[Any]:
    """The exporter behind a processor, wherever its version keeps it."""
    for holder in (processor, getattr(processor, "_batch_processor", None)):
        for name in ("span_exporter", "_exporter"):
            exporter = getattr(holder, name, None)
            if exporter is not None:
                yield exporter
