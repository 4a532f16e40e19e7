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
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Journal, Recording, SpanKey
from pytest_traces.sources.imports import ImportWatch

if TYPE_CHECKING:
    from pytest_traces.sources.opentelemetry.capture import SpanHooks
    from pytest_traces.sources.opentelemetry.carriers import CarrierHooks
    from pytest_traces.sources.opentelemetry.fallback import Fallback
    from pytest_traces.sources.opentelemetry.suppression import SuppressionHook


#: Scopes of pytest plugins that trace the tests themselves. Their spans are nobody's
#: application: neither spans nor parents.
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


#: What has to be hooked, or spans are lost; without the other hooks only a note is.
_NEEDED = ("opentelemetry.trace", "opentelemetry.sdk.trace")
#: Modules that define propagators, or hand the configured one out.
_PROPAGATORS = (
    "opentelemetry.propagators.textmap",
    "opentelemetry.propagate",
    "opentelemetry.propagators.composite",
    "opentelemetry.trace.propagation.tracecontext",
    "opentelemetry.propagators.b3",
    "opentelemetry.propagators.jaeger",
    "opentelemetry.propagators.aws.aws_xray_propagator",
    "opentelemetry.propagators.ot_trace",
    "opentelemetry.propagators.cloud_trace_propagator",
    "sentry_sdk.integrations.opentelemetry.propagator",
    "logfire.propagate",
)


class OpenTelemetrySource:
    """Hooks the SDK's classes while the plugin is loaded or a recording is open.

    Each hook's own module is imported when the module that it hooks is: a suite without
    OpenTelemetry pays for none of them.
    """

    name = "opentelemetry"
    random_ids = True
    excluded_scopes = TRACING_PLUGINS

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._holders = 0
        self._is_open = False
        self._spans: SpanHooks | None = None
        self._fallback: Fallback | None = None
        self._suppression: SuppressionHook | None = None
        self._carriers: CarrierHooks | None = None
        self._watch = ImportWatch(
            {
                "opentelemetry.trace": self._hook_api,
                "opentelemetry.sdk.trace": self._hook_sdk,
                "opentelemetry.context.contextvars_context": self._hook_context,
                **dict.fromkeys(_PROPAGATORS, self._hook_carriers),
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
            for hook in (self._carriers, self._suppression, self._fallback, self._spans):
                if hook is not None:
                    hook.uninstall()

    def open(self) -> None:
        """Begin to record; see :class:`pytest_traces.recording.Source`."""
        self.install()
        self._is_open = True
        if self._fallback is not None:
            self._fallback.open()
        if self._carriers is not None:
            self._carriers.open()

    def close(self) -> None:
        """Restore the global provider and take back what this recording installed."""
        if not self._is_open:
            return
        self._is_open = False
        if self._carriers is not None:
            self._carriers.close()
        if self._fallback is not None:
            self._fallback.close()
        if self._spans is not None:
            self._spans.forget()
        self.uninstall()

    def current(self) -> SpanKey | None:
        """The span that is current in the calling context, if it may be a parent."""
        get_current_span = getattr(sys.modules.get("opentelemetry.trace"), "get_current_span", None)
        if get_current_span is None:  # not imported, or only in part
            return None
        span = get_current_span()
        context = span.get_span_context()
        if not context.is_valid:
            return None
        scope = getattr(span, "instrumentation_scope", None)
        if scope is not None and scope.name in TRACING_PLUGINS:
            self._exclude(span, context)
            return None
        return f"{context.trace_id:032x}", f"{context.span_id:016x}"

    def _exclude(self, span: Any, context: Any) -> None:
        # What is around it is the plugin's as well, or what that one was given by others.
        for one in (context, span.parent):
            if one is not None and self._spans is not None:
                self._spans.records.exclude(one)

    def suppressed(self) -> bool:
        """Whether ``suppress_instrumentation`` is in force in the calling context."""
        return self._suppression is not None and self._suppression.is_active()

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Read a journal entry of this source."""
        return self._hooks().records.decode(entry)

    def is_idle(self) -> bool:
        """Never: it is what most have."""
        return False

    def captured(self, recording: Recording, spans: int) -> Capture:
        """Whether the SDK is there, what it is set to, and what kept silent."""
        from pytest_traces.sources.opentelemetry.diagnosis import capture_of

        capture = capture_of(recording, spans)
        return capture._replace(notes=(*self._watch.faults.values(), *capture.notes))

    def flush(self) -> None:
        """Pack the spans that have ended since the last look; say what could not be hooked."""
        if self._spans is not None:
            self._spans.flush()
        faults = [self._watch.faults[name] for name in _NEEDED if name in self._watch.faults]
        for window in self._journal.windows if faults else ():
            if self.name in window.settings.sources:
                window.problems += [fault for fault in faults if fault not in window.problems]

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id of an entry, as one number."""
        return self._hooks().records.past_key(entry)

    def _hooks(self) -> SpanHooks:
        if self._spans is None:
            raise LookupError("the SDK was never hooked, so no entry is of this source")
        return self._spans

    def _hook_api(self, api: ModuleType) -> None:
        from pytest_traces.sources.opentelemetry.fallback import Fallback

        self._fallback = self._fallback or Fallback(self._journal)
        self._fallback.install(api)
        if self._is_open:
            self._fallback.open()

    def _hook_sdk(self, sdk: ModuleType) -> None:
        from pytest_traces.sources.opentelemetry.capture import SpanHooks

        self._spans = self._spans or SpanHooks(self._journal)
        self._spans.install(sdk)

    def _hook_context(self, module: ModuleType) -> None:
        from pytest_traces.sources.opentelemetry.suppression import SuppressionHook

        self._suppression = self._suppression or SuppressionHook(self._journal)
        self._suppression.install(module)

    def _hook_carriers(self, _: ModuleType) -> None:
        from pytest_traces.sources.opentelemetry.carriers import CarrierHooks

        self._carriers = self._carriers or CarrierHooks(self._journal)
        self._carriers.install()
