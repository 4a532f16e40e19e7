"""The Sentry source: every span of Sentry's tracing in this process, whether or not it is sent.

Spans are taken where the SDK makes them, not from its transport: that one never hears of spans
without a DSN, of those not sampled, not finished, finished after their transaction, or beyond its
limit of a thousand. All of these are recorded, with ``sampled`` as the application would have
decided: a span that Sentry would not have kept says so. Nothing is sampled by force, since that
would change the headers.

While a recording is open, nothing leaves the process for Sentry.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Journal, Recording, SpanKey, journal
from pytest_traces.sources.imports import ImportWatch

if TYPE_CHECKING:
    from pytest_traces.sources.sentry.installed import Installed

_MODULES = (
    "sentry_sdk.tracing",
    "sentry_sdk.traces",
    "sentry_sdk.client",
    "sentry_sdk.scope",
    "sentry_sdk.transport",
    "sentry_sdk.spotlight",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)


class SentrySource:
    """Hooks the SDK's classes while a recording is open."""

    name = "sentry"
    random_ids = True
    excluded_scopes: frozenset[str] = frozenset()

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._is_open = False
        self._installed: Installed | None = None
        self._watch = ImportWatch(dict.fromkeys(_MODULES, self._hook))

    def open(self) -> None:
        """Hook the SDK if it is imported, else at its import."""
        self._is_open = True
        if self._installed is not None:
            self._installed.open()
        self._watch.start()
        if self._installed is not None:
            self._installed.keep_what_waits()

    def close(self) -> None:
        """Empty what was collected to be sent later, and take the hooks back."""
        if not self._is_open:
            return
        self._is_open = False
        self._watch.stop()
        if self._installed is not None:
            self._installed.uninstall()

    def current(self) -> SpanKey | None:
        """The span of Sentry that is current in the calling context."""
        if self._installed is None:
            return None
        from pytest_traces.sources.sentry.current import current_key

        return current_key()

    def innermost(self) -> SpanKey | None:
        """The one within which the caller is: unsampled ones are not made current."""
        return None if self._installed is None else self._installed.innermost()

    def begun_here(self) -> set[SpanKey]:
        """The open ones of the calling context: without AsyncioIntegration, tasks share scopes."""
        return set() if self._installed is None else self._installed.begun_here()

    def continued(self) -> SpanKey | None:
        """What ``continue_trace`` has left on the scopes of the calling context."""
        if self._installed is None:
            return None
        from pytest_traces.sources.sentry.current import continued_key

        return continued_key()

    def suppressed(self) -> bool:
        """Never: Sentry has no such thing."""
        return False

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Read a journal entry of this source."""
        _, _, kept, read = entry
        data: SpanData = read(kept)
        return data

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id of an entry, as one number."""
        from pytest_traces.sources.sentry.reading import key_of

        return int("".join(key_of(entry[2])), 16)

    def flush(self) -> None:
        """Read the spans that have ended since the last look; say what could not be hooked."""
        if self._installed is None:
            return
        self._installed.flush()
        faults = self._installed.faults(self._watch.faults)
        for window in self._journal.windows if faults else ():
            if self.name in window.settings.sources:
                window.problems += [fault for fault in faults if fault not in window.problems]

    def is_idle(self) -> bool:
        """Whether nobody has called ``init()``, and no span has come all the same."""
        from pytest_traces.sources.sentry.diagnosis import is_initialized

        entries = list(self._journal.entries.values())
        names = {e.source if isinstance(e, SpanData) else e[0] for e in entries}
        return self.name not in names and not is_initialized()

    def captured(self, recording: Recording, spans: int) -> Capture:
        """What Sentry is set to, what was held back, and what could not be hooked."""
        from pytest_traces.sources.sentry.diagnosis import capture_of

        lost = [] if self._installed is None else self._installed.notes()
        capture = capture_of(recording, spans)
        return capture._replace(notes=(*self._watch.faults.values(), *lost, *capture.notes))

    def _hook(self, module: ModuleType) -> None:
        from pytest_traces.sources.sentry.installed import Installed

        if self._installed is None:
            self._installed = Installed(self._journal)
        self._installed.install(module)


sentry = SentrySource(journal)
