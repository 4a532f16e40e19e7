"""The OpenTelemetry source: every span that any SDK tracer of this process starts.

Spans are taken where the SDK makes them, in ``Tracer.start_span``, not from a span
processor: a processor cannot be removed again, never hears of spans that a sampler
dropped, and misses every provider that is not the global one. Nothing is ever added to an
application's provider.

A ``start_span`` that was bound to a name before the hook was installed is missed; such
spans are noticed when they end, and named.
"""

from __future__ import annotations

import sys
from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Journal, Recording, SpanKey
from pytest_traces.sources.imports import ImportWatch
from pytest_traces.sources.opentelemetry.capture import SpanHooks
from pytest_traces.sources.opentelemetry.diagnosis import capture_of
from pytest_traces.sources.opentelemetry.fallback import Fallback
from pytest_traces.sources.opentelemetry.records import Records
from pytest_traces.sources.opentelemetry.suppression import SuppressionHook


class OpenTelemetrySource:
    """Hooks the SDK's classes while the plugin is loaded or a recording is open."""

    name = "opentelemetry"
    random_ids = True

    def __init__(self, journal: Journal) -> None:
        self._holders = 0
        self._recordings = 0
        self.records = Records()
        self._spans = SpanHooks(journal, self.records)
        self._fallback = Fallback(journal)
        self._suppression = SuppressionHook(journal)
        self._watch = ImportWatch(
            {
                "opentelemetry.trace": self._fallback.install,
                "opentelemetry.sdk.trace": self._spans.install,
                "opentelemetry.context.contextvars_context": self._suppression.install,
            }
        )

    def install(self) -> None:
        """Hook the SDK if it is imported, else at its import. Calls are counted."""
        self._holders += 1
        if self._holders == 1:
            self._watch.start()

    def uninstall(self) -> None:
        """Take the hooks back when nobody holds them any more."""
        self._holders -= 1
        if self._holders == 0:
            self._watch.stop()
            self._suppression.uninstall()
            self._fallback.uninstall()
            self._spans.uninstall()

    def open(self) -> None:
        """Begin to record; see :class:`pytest_traces.recording.Source`."""
        self.install()
        self._recordings += 1
        self._fallback.open()

    def close(self) -> None:
        """Restore the global provider and take back what this recording installed."""
        if not self._recordings:
            return
        self._recordings -= 1
        self._fallback.close()
        self._spans.forget()
        self.uninstall()

    def current(self) -> SpanKey | None:
        """The span that is current in the calling context."""
        api = sys.modules.get("opentelemetry.trace")
        if api is None:
            return None
        context = api.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return f"{context.trace_id:032x}", f"{context.span_id:016x}"

    def suppressed(self) -> bool:
        """Whether ``suppress_instrumentation`` is in force in the calling context."""
        return self._suppression.is_active()

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Read a journal entry of this source."""
        return self.records.decode(entry)

    def captured(self, recording: Recording, spans: int) -> Capture:
        """Whether the SDK is there, what it is set to, and what kept silent."""
        return capture_of(recording, spans)
